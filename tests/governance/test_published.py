"""A published checkpoint proves that a bundle's ledger still begins with what stood there when it was published."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from workbench.case import Case
from workbench.cli import cli
from workbench.errors import VerificationError
from workbench.freeze import freeze
from workbench.governance.public import write_notice
from workbench.inventory import take_inventory
from workbench.records.bundle import pack
from workbench.records.published import read_published
from workbench.records.verify import Report, verify

NAME = "published checkpoint"


def _result(report: Report) -> tuple[bool, str]:
    (found,) = [c for c in report.checks if c.name == NAME]
    return found.ok, found.detail


@pytest.fixture
def published(shop: Callable[..., Case]) -> Case:
    """A case that published, went on, and packed its bundle; ``before`` is a copy made at the publication."""
    case = shop()
    write_notice(case, "closing")
    shutil.copytree(case.folder, case.folder.with_name("before"))
    freeze(case)
    take_inventory(case)
    pack(case, case.folder / "bundle")
    return case


@pytest.mark.parametrize("name", ["closing.html", "closing.en.html"])
def test_the_page_verifies_the_later_bundle_and_the_case(published: Case, name: str) -> None:
    page = published.folder / "public" / name
    for place in (published.folder / "bundle", published.folder):
        ok, detail = _result(verify(place, page))
        assert ok, detail
        assert "begin with" in detail


def test_text_copied_from_the_page_and_the_ledgers_own_note_serve_too(published: Case, tmp_path: Path) -> None:
    (point,) = read_published(published.folder / "public" / "closing.html")
    assert point.note is not None
    text = tmp_path / "copied.txt"
    for root in (point.root.hex(), base64.b64encode(point.root).decode()):
        text.write_bytes(f"copied by hand\r\n{point.origin}\r\n{point.size}\r\n{root}\r\nend".encode())
        assert _result(verify(published.folder / "bundle", text))[0]
    note = published.folder / "bundle" / "data" / "ledger" / "checkpoint"
    assert _result(verify(published.folder / "bundle", note))[0]


def test_a_page_written_after_the_bundle_verifies_it_too(published: Case) -> None:
    write_notice(published, "progress")
    ok, detail = _result(verify(published.folder / "bundle", published.folder / "public" / "progress.html"))
    assert ok, detail


def test_a_forked_history_is_refused_although_its_own_log_signs_it(published: Case) -> None:
    fork = Case.open(published.folder.with_name("before"))
    take_inventory(fork)
    write_notice(fork, "closing")
    page = fork.folder / "public" / "closing.html"
    report = verify(published.folder / "bundle", page)
    assert not report.ok
    assert "history was changed" in _result(report)[1]
    assert all(c.ok for c in verify(fork.folder, page).checks), "each history is sound by itself"


@pytest.mark.parametrize("name", ["another-case", "case-of-the-same-id"])
def test_a_foreign_log_is_refused(published: Case, shop: Callable[..., Case], name: str) -> None:
    other = shop(name=name)
    write_notice(other, "closing")
    report = verify(published.folder / "bundle", other.folder / "public" / "closing.html")
    assert not report.ok
    assert "another log" in _result(report)[1]


def test_a_forged_signature_or_root_is_refused(published: Case, tmp_path: Path) -> None:
    note = (published.folder / "ledger" / "checkpoint").read_text(encoding="utf-8")
    origin, size, root, _, line = note.rstrip("\n").split("\n")
    forged = tmp_path / "note"
    sig = base64.b64decode(line.split(" ")[2])
    bad = base64.b64encode(sig[:-1] + bytes([sig[-1] ^ 1])).decode()
    forged.write_text(f"{origin}\n{size}\n{root}\n\n— {origin} {bad}\n", encoding="utf-8")
    assert "signature" in _result(verify(published.folder, forged))[1]
    forged.write_text(f"{origin}\n{size}\n{'0' * 64}\n", encoding="utf-8")
    assert "history was changed" in _result(verify(published.folder, forged))[1]
    forged.write_text(f"{origin}\n{int(size) + 9}\n{'0' * 64}\n", encoding="utf-8")
    assert "nothing can be said" in _result(verify(published.folder, forged))[1]


def test_a_file_without_a_checkpoint_is_bad_input(published: Case, tmp_path: Path) -> None:
    wrong = tmp_path / "x"
    for data in (b"<p>nothing</p>", b"\xff\xfe\x00", b""):
        wrong.write_bytes(data)
        with pytest.raises(VerificationError):
            verify(published.folder / "bundle", wrong)
    run = CliRunner().invoke(cli, ["verify", str(published.folder / "bundle"), "--checkpoint", str(tmp_path / "none")])
    assert run.exit_code == 2


def test_the_command_prints_the_check(published: Case) -> None:
    run = CliRunner().invoke(cli, ["verify", str(published.folder / "bundle"), "--checkpoint",
                                   str(published.folder / "public" / "closing.html")])
    assert NAME in run.output
