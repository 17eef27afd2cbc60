"""PDF, DOCX, images: a line or a paragraph is a row, column ``text``.

A page without text of its own (a scan) and an image need the extra ``ocr``; without it they are listed as unreadable,
never passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from workbench.sources.formats import NotThisFormat, Part, text_batches, text_schema
from workbench.sources.formats.excel import protected, refuse_bombs

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
MAX_PIXELS = 100_000_000
OCR_HINT = "a picture; reading it needs the extra ocr: pip install 'winddown-workbench[ocr]'"


def parts(path: Path) -> list[Part]:
    """The document as one table."""
    suffix = path.suffix.lower()
    with path.open("rb") as f:
        pdf = f.read(5) == b"%PDF-"
    read = _pdf if pdf or suffix == ".pdf" else _docx if suffix == ".docx" else _image
    rows = list(read(path))
    schema = text_schema(["text"])
    kind = {_pdf: "pdf", _docx: "docx"}.get(read, "image")
    return [Part("", kind, schema, len(rows), lambda n: text_batches(schema, ([r] for r in rows), n))]


def _pdf(path: Path) -> Iterator[str]:
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as e:
        reason = "encrypted" if "password" in str(e).lower() else "damaged"
        raise NotThisFormat(f"a PDF that is {reason}") from None
    try:
        for page in document:
            text = page.get_textpage().get_text_bounded()
            if not text.strip():
                size = page.get_width() * page.get_height()
                scale = min(2.0, (MAX_PIXELS / max(size, 1)) ** 0.5)
                text = "\n".join(_ocr(page.render(scale=scale).to_numpy())) if _has_pictures(page) else ""
            yield from (line.strip() for line in text.splitlines() if line.strip())
    except pdfium.PdfiumError as e:
        raise NotThisFormat(f"a PDF that stops midway ({type(e).__name__})") from None
    finally:
        document.close()


def _has_pictures(page: Any) -> bool:
    return any(True for _ in page.get_objects(filter=(3,), max_depth=3))  # FPDF_PAGEOBJ_IMAGE


def _docx(path: Path) -> Iterator[str]:
    """All text of every XML part, headers, tables, comments and text boxes too."""
    import zipfile

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    refuse_bombs(path)
    space = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    try:
        with zipfile.ZipFile(path) as z:
            names = sorted(n for n in z.namelist() if n.startswith("word/") and n.endswith(".xml"))
            if "word/document.xml" not in names:
                raise NotThisFormat("no Word document")
            for name in names:
                for paragraph in fromstring(z.read(name)).iter(f"{space}p"):
                    text = "".join(
                        (node.text or "") if node.tag == f"{space}t" else "\t" if node.tag == f"{space}tab" else ""
                        for node in paragraph.iter()
                    )
                    if text.strip():
                        yield text
    except (zipfile.BadZipFile, DefusedXmlException, ParseError, OSError, RuntimeError, NotImplementedError, EOFError) as e:
        raise NotThisFormat(protected(path, e) or f"a Word document that cannot be read ({type(e).__name__})") from None


def _image(path: Path) -> Iterator[str]:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise NotThisFormat(OCR_HINT) from None
    import numpy as np

    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise NotThisFormat("a picture of more than 100 million pixels")
            pixels = np.asarray(picture.convert("RGB"))[:, :, ::-1]
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as e:
        raise NotThisFormat(f"a picture that cannot be read ({type(e).__name__})") from None
    yield from _ocr(pixels)


def _ocr(pixels: Any) -> list[str]:
    found, _ = _reader()(pixels)
    return [str(line[1]) for line in found or []]


@cache
def _reader() -> Any:
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError:
        raise NotThisFormat(OCR_HINT) from None
    return RapidOCR()
