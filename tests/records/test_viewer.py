"""Reading it later: `workbench show`, the viewer's content, one person's proof, the hand-over receipt."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.case import Case
from workbench.errors import RecordError, VerificationError
from workbench.governance import desk
from workbench.governance.lookup import Hit
from workbench.records import story, viewer
from workbench.records.handover import hand_over
from workbench.records.retention import records_until
from workbench.records.verify import verify


@pytest.fixture
def opened(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A copy of the finished demo case with its people's passphrases."""
    shutil.copytree(demo / "work", tmp_path / "work")
    shutil.copytree(demo / "out", tmp_path / "out")
    for line in (demo / "work" / "demo-passphrases.env").read_text().splitlines():
        monkeypatch.setenv(*line.removeprefix("export ").split("=", 1))
    return Case.open(tmp_path / "work" / "case")


def go(*args: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "workbench", *map(str, args)], capture_output=True, text=True, input=given)


def test_a_bundle_tells_who_did_what_to_which_category_when(demo: Path) -> None:
    """From the bundle alone; rows per category add up to what the plan's own lines say."""
    told = story.read(demo / "out")
    erasure = next(json.loads(p.read_bytes()) for p in (demo / "out/data/values").glob("*.json")
                   if b'"preflight"' in p.read_bytes() and json.loads(p.read_bytes()).get("dry_run") is False)
    plan = json.loads((demo / "out/data/values" / f"{erasure['plan']}.json").read_bytes())
    rows = {d["disposal"]: d for d in erasure["disposals"]}
    assert len(told.lines) >= 5
    for line in told.lines:
        mine = [rows[d["id"]] for d in plan["disposals"] if line.category in d["categories"]]
        assert line.erased == sum(d["deleted"] for d in mine)
        assert line.sealed == sum(d["archived"] for d in mine)
        assert line.erased + line.cleared + line.sealed > 0
        assert line.certificates == len(mine)
    assert [s for s in told.steps if s in ("freeze", "classify", "plan", "erase", "archive")]
    assert {e.kind for e in told.events} >= {"step", "approval", "record", "witness", "certificates"}
    assert told.outside


@pytest.mark.parametrize(("lang", "words"), [("zh", ("停止收集", "行已删除", "外部见证", "保存 20 年")),
                                             ("en", ("Freeze", "rows erased", "saw the first", "are kept 20 years"))])
def test_show_prints_the_story(demo: Path, lang: str, words: tuple[str, ...]) -> None:
    """As text, from the bundle and from the case folder; nothing personal in it."""
    canaries = json.loads((demo / "work" / "data" / "truth.json").read_text(encoding="utf-8"))["canaries"]
    for path in (demo / "out", demo / "work" / "case"):
        run = go("show", path, "--lang", lang)
        assert run.returncode == 0, run.stderr
        for word in words:
            assert word in run.stdout
        assert not [c for c in canaries if c in run.stdout]


def test_show_writes_pages_anywhere_and_refuses_what_is_no_bundle(demo: Path, tmp_path: Path) -> None:
    """--html into a new folder; one sentence for anything else."""
    run = go("show", demo / "out", "--html", tmp_path / "pages")
    assert run.returncode == 0, run.stderr
    assert "default-src" in (tmp_path / "pages" / "viewer.en.html").read_text(encoding="utf-8")
    bad = go("show", tmp_path)
    assert bad.returncode == 2
    assert "no bundle or case" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_a_changed_value_is_not_shown(demo: Path, tmp_path: Path) -> None:
    """The story is told from signed values only."""
    shutil.copytree(demo / "out", tmp_path / "bag")
    for path in (tmp_path / "bag/data/values").glob("*.json"):
        path.write_bytes(path.read_bytes().replace(b'"deleted":', b'"deleted": '))
    with pytest.raises(VerificationError, match="changed"):
        story.read(tmp_path / "bag")


def test_whoever_holds_a_receipt_sees_what_was_proven_and_nobody_else_anything(opened: Case, tmp_path: Path) -> None:
    """Request, erasure, proof; the page holds the receipt's digest and no identifier."""
    item, code = desk.receive(opened, "delete")
    opened.save(item.model_copy(update={"state": "found", "identity_checked": True,
                                        "hits": (Hit(source="shop", table="customers", rows=3, by="identifier"),)}))
    before = story.read(opened.folder).proof(code)
    assert before is not None
    assert "Nothing has been proven" in viewer.answer(before, "en")
    desk.prove_deleted(opened, item.id, code, ["nobody.canary@example.cn"])
    told = story.read(opened.folder)
    proof = told.proof(code)
    assert proof is not None
    assert "3 rows were found before" in viewer.answer(proof, "en")
    assert "已删除" in viewer.answer(proof, "zh")
    assert told.proof("a guess") is None
    page = viewer.render(told, "zh", "viewer.en.html")
    assert code not in page
    assert "canary" not in page
    assert hashlib.sha256(code.encode()).hexdigest() in page
    run = go("show", opened.folder, "--receipt", "--lang", "en", given=f"{code}\n")
    assert "3 rows were found before" in run.stdout, run.stderr
    wrong = go("show", opened.folder, "--receipt", given="wrong\n")
    assert wrong.returncode == 2
    assert "no request has this receipt" in wrong.stderr


def test_handing_over_makes_a_receipt_and_an_entry(opened: Case, tmp_path: Path) -> None:
    """Digest, four checks, term; both languages; nothing is handed over that does not verify."""
    from docx import Document

    value, files = hand_over(opened, "supervisor", tmp_path / "receipts")
    assert value.receiver == "秦监督 Qin"
    (entry,) = opened.ledger.of_type("handover/v1")
    assert entry.subjects["bundle"] == value.tags_sha256
    assert verify(opened.folder).ok
    assert [h for h, _, _ in value.checks] == ["authenticity", "integrity", "usability", "safety"]
    for path in files:
        text = "\n".join(c.text for t in Document(str(path)).tables for r in t.rows for c in r.cells)
        assert value.tags_sha256 in text
        assert value.until in text
        assert value.until in "\n".join(p.text for p in Document(str(path)).paragraphs), "one end, wherever it stands"
    (tmp_path / "taken").write_text("x", encoding="utf-8")
    run = go("handover", opened.folder, "--to", "supervisor", "--out", tmp_path / "taken")
    assert run.returncode == 2, run.stderr
    assert "needs a folder" in run.stderr
    opened.ledger.refresh()
    assert len(list(opened.ledger.of_type("handover/v1"))) == 1, "a receipt that cannot be written is not noted"
    with pytest.raises(RecordError, match="not a name"):
        hand_over(opened, "139" + "00139" + "000")
    victim = next((tmp_path / "out" / "data" / "records").glob("*.ipynb"))
    victim.write_bytes(victim.read_bytes() + b" ")
    with pytest.raises(RecordError, match="does not verify"):
        hand_over(opened, "supervisor")


def test_records_have_a_term_of_their_own(opened: Case) -> None:
    """Twenty years from deregistration unless case.toml says otherwise; never under three; told in the bag."""
    assert records_until(opened.config, opened.ledger.entries).isoformat() == "2046-12-31"
    assert "Retention-Until: 2046-12-31" in (opened.folder.parent.parent / "out" / "bag-info.txt").read_text(encoding="utf-8")
    path = opened.folder / "case.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("[settings.archive]", "[settings.archive]\nyears = 2"), encoding="utf-8")
    run = go("show", opened.folder)
    assert run.returncode == 2
    assert "3 to 100" in run.stderr
