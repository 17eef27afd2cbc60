"""Small files of every kind that hold the same three values, written by other programs' libraries or by hand."""

from __future__ import annotations

import io
import json
import mailbox
import tarfile
import zipfile
from email.message import EmailMessage
from pathlib import Path

ID, PHONE, MAIL = "11010519491231002X", "13812345678", "li@example.com"
TEXT = f"张伟的身份证{ID},电话{PHONE},邮箱{MAIL}。"
CSV = f"姓名,身份证号,手机,邮箱\n张伟,{ID},{PHONE},{MAIL}\n"


def pdf(path: Path, lines: list[str]) -> None:
    """One page of Helvetica; ASCII only."""
    body = "BT /F1 12 Tf 50 750 Td 16 TL " + " ".join(f"({x}) Tj T*" for x in lines) + " ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(body)} >>\nstream\n{body}\nendstream", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]  # fmt: skip
    out = io.BytesIO(b"")
    out.write(b"%PDF-1.4\n")
    places = []
    for n, text in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{n} 0 obj\n{text}\nendobj\n".encode())
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.write(b"".join(f"{p:010d} 00000 n \n".encode() for p in places))
    out.write(f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    path.write_bytes(out.getvalue())


def docx(path: Path) -> None:
    from docx import Document

    document = Document()
    document.add_paragraph(f"客户登记 {ID}")
    cell = document.add_table(1, 1).cell(0, 0)
    cell.text = f"电话 {PHONE}"
    document.sections[0].header.paragraphs[0].text = MAIL
    document.save(str(path))


def message() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"李丽 <{MAIL}>"
    mail["To"] = "shop@example.cn"
    mail["Subject"] = "退货申请"
    mail.set_content(f"我的电话是{PHONE}", charset="gb2312")
    mail.add_alternative(f"<p>身份证<b>{ID}</b></p>", subtype="html")
    mail.add_attachment(b"x", maintype="image", subtype="png", filename="身份证.png")
    return mail


def mbox(path: Path) -> None:
    box = mailbox.mbox(path)
    for _ in range(3):
        box.add(message())
    box.close()


def zipped(path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as z:
        z.writestr("深/b.txt", TEXT)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("../../a.csv", CSV.encode("gb18030"))
        z.writestr("inner.zip", inner.getvalue())


def tarred(path: Path) -> None:
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("/etc/a.csv")
        data = CSV.encode()
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)


def card_image(path: Path) -> bool:
    """A printed, made-up identity card; False when no Chinese font is at hand."""
    from PIL import Image, ImageDraw, ImageFont

    places = [p for p in Path("/usr/share/fonts").rglob("*") if "CJK" in p.name and p.suffix in (".ttc", ".otf", ".ttf")]
    font = ImageFont.truetype(str(sorted(places)[0]), 36) if places else ImageFont.load_default(36)
    picture = Image.new("RGB", (900, 420), "white")
    draw = ImageDraw.Draw(picture)
    if places:
        draw.text((40, 40), "姓名 张伟", "black", font)
    draw.text((40, 320), ("公民身份号码  " if places else "ID  ") + ID, "black", font)
    picture.rotate(1.5, fillcolor="white", resample=Image.Resampling.BICUBIC).save(path)
    return bool(places)


def commanded(source: str) -> set[str]:
    """Detectors that ``workbench scan --format json`` prints for a source: the contract's names, and no value."""
    from click.testing import CliRunner

    from workbench.cli import cli

    result = CliRunner().invoke(cli, ["scan", source, "--format", "json"])
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert set(rows[0]) == {
        "source", "table", "column", "detector", "category", "sensitive", "confidence", "rows", "nonnull", "matched", "distinct",
    }  # fmt: skip
    for value in (ID, PHONE, MAIL):
        assert value not in result.output
    return {r["detector"] for r in rows if r["detector"]}
