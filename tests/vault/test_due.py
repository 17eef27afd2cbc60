"""Due dates, repair from another place, and what a disk says of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from workbench.case import Case
from workbench.vault import archive_rows, check_media, protect, restore_test, verify_sealed
from workbench.vault.cli import vault
from workbench.vault.mending import repair
from workbench.vault.schedule import due
from workbench.vault.smart import parse, smart_below

MakeCase = Callable[..., Case]
LAPTOP = '[[assets]]\nname = "laptop"\nkind = "device"\nkeeper = "k"\nencrypted = "yes"\nlast_inspected = 2026-10-01\n'


@pytest.fixture(autouse=True)
def _the_day_of_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Case, "now", staticmethod(lambda: "2026-11-23T00:00:00Z"))


def on(case: Case, day: str) -> Case:
    """The same case on another day."""
    path = case.folder / "case.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("as_of = 2026-11-23", f"as_of = {day}"), encoding="utf-8")
    return Case.open(case.folder)


def test_what_is_due_follows_the_intervals(make_case: MakeCase) -> None:
    """Never tested is due at once; after the checks nothing is, until each interval has passed."""
    case = make_case(extra=LAPTOP)
    protect(case)
    assert {(i.what, i.due) for i in due(case).items} == {("verify", True), ("restore", True), ("inspect", False)}
    check_media(case)
    restore_test(case)
    assert not any(i.due for i in due(case).items)
    run = CliRunner().invoke(vault, ["check", str(case.folder), "--due"])
    assert (run.exit_code, "下次" in run.output) == (0, True), run.output
    later = on(case, "2026-12-24")
    assert {i.name for i in due(later).items if i.due} == set(case.config.vault.places)
    run = CliRunner().invoke(vault, ["check", str(case.folder), "--due"])
    assert run.exit_code == 0, run.output  # it verified the places, so they are due no more
    assert not any(i.due for i in due(later).items)
    path = case.folder / "case.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("as_of = 2026-12-24", "as_of = 2027-11-23"), encoding="utf-8")
    assert {i.what for i in due(Case.open(case.folder)).items if i.due} == {"verify", "restore", "inspect"}


def test_a_failed_check_resets_no_date(make_case: MakeCase) -> None:
    """A place that was found damaged stays due; so does the restore test after one that failed."""
    case = make_case()
    protect(case)
    next(case.resolve(case.config.vault.places[1]).rglob("*.age")).write_bytes(b"x")
    check_media(case)
    assert {i.name: i.due for i in due(case).items if i.what == "verify"} == dict(zip(case.config.vault.places, (False, True), strict=True))


def test_an_old_restore_test_counts_as_none_for_the_risk_room(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The share that came back equal while the test is fresh; nought, with the day, once it is overdue; the backup's age in days."""
    case = make_case()
    protect(case)
    restore_test(case)
    check_media(case)
    assert {e.item: e.value for e in case.all_evidence()}["backup.restore_tested"] == 1.0
    monkeypatch.setattr(Case, "now", staticmethod(lambda: "2027-05-23T00:00:00Z"))
    later = on(case, "2027-05-23")
    check_media(later)
    newest = {e.item: e for e in sorted(later.all_evidence(), key=lambda e: e.at)}
    assert newest["backup.restore_tested"].value == 0.0
    assert "2026-11-23" in newest["backup.restore_tested"].note
    assert newest["backup.age_days"].value == 181.0
    restore_test(later)
    check_media(later)
    assert {e.item: e.value for e in sorted(later.all_evidence(), key=lambda e: e.at)}["backup.restore_tested"] == 1.0


def test_every_kind_of_damage_is_repaired_from_the_other_place(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed, missing, cut; objects, manifests, SHA256SUMS and the key table: whole again, without a passphrase."""
    case = make_case()
    protect(case)
    archive_rows(case, [pa.record_batch({"id": [1]})], disposal="D", source="shop", table="t", retention_class="cn.x/2040",
                 columns=("id",))
    places = [case.resolve(p) for p in case.config.vault.places]
    good = {p.relative_to(places[0]): p.read_bytes() for p in places[0].rglob("*") if p.is_file()}
    monkeypatch.delenv("WORKBENCH_VAULT_PASSPHRASE")
    for n, path in enumerate(sorted(good)):
        for place in (places[n % 2],):
            if n % 3 == 0:
                (place / path).unlink()
            else:
                (place / path).write_bytes(good[path][:-1] if n % 3 == 1 else b"?" + good[path][1:])
    done = repair(case)
    assert done.lost == ()
    assert len(done.mended) == len(good)
    for place in places:
        assert {p.relative_to(place): p.read_bytes() for p in place.rglob("*") if p.is_file()} == good
        assert verify_sealed(place) == ()
    assert repair(case).mended == ()


def test_what_is_whole_nowhere_is_named_and_nothing_is_overwritten(make_case: MakeCase) -> None:
    """The same object damaged in both places: named as lost, its bytes left for a specialist; exit code 1."""
    case = make_case()
    protect(case)
    first = next(case.resolve(case.config.vault.places[0]).rglob("*.age"))
    name = first.relative_to(case.resolve(case.config.vault.places[0]))
    for place in case.config.vault.places:
        (case.resolve(place) / name).write_bytes(b"damaged")
    assert repair(case).lost == (name.as_posix(),)
    assert first.read_bytes() == b"damaged"
    run = CliRunner().invoke(vault, ["check", str(case.folder), "--repair"])
    assert run.exit_code == 1
    assert "无处完好" in run.output


def test_an_older_state_is_not_taken_for_the_right_one(make_case: MakeCase) -> None:
    """A place rolled back to an earlier whole state is brought forward, not the other way round."""
    case = make_case()
    protect(case)
    places = [case.resolve(p) for p in case.config.vault.places]

    def add(name: str) -> None:
        from workbench.vault.archive import archive_state
        from workbench.vault.vault import open_vault

        archive_rows(case, [pa.record_batch({"id": [1]})], disposal=name, source="shop", table="t", retention_class="cn.x/2040",
                     columns=("id",))
        with open_vault(case) as opened:
            case.save(archive_state(opened))

    add("D1")
    old = {p: p.read_bytes() for p in (places[0] / "archive").rglob("*") if p.is_file()}
    add("D2")
    new = {p.relative_to(places[1]) for p in (places[1] / "archive").rglob("*") if p.is_file()}
    for path in (places[0] / "archive").rglob("*"):
        if path.is_file():
            path.write_bytes(old[path]) if path in old else path.unlink()
    assert verify_sealed(places[0]) == ()
    assert repair(case).lost == ()
    assert {p.relative_to(places[0]) for p in (places[0] / "archive").rglob("*") if p.is_file()} == new


ATA: dict[str, Any] = {
    "json_format_version": [1, 0], "smartctl": {"version": [7, 3], "exit_status": 0},
    "device": {"name": "/dev/sda", "type": "sat", "protocol": "ATA"}, "smart_status": {"passed": True},
    "ata_smart_attributes": {"revision": 10, "table": [
        {"id": 1, "name": "Raw_Read_Error_Rate", "value": 117, "raw": {"value": 148231984, "string": "148231984"}},
        {"id": 5, "name": "Reallocated_Sector_Ct", "value": 100, "raw": {"value": 8, "string": "8"}},
        {"id": 197, "name": "Current_Pending_Sector", "value": 100, "raw": {"value": 0, "string": "0"}}]},
    "power_on_time": {"hours": 21345}, "temperature": {"current": 34}}
NVME: dict[str, Any] = {
    "device": {"name": "/dev/nvme0", "type": "nvme", "protocol": "NVMe"}, "smart_status": {"passed": False, "nvme": {"value": 4}},
    "nvme_smart_health_information_log": {"critical_warning": 4, "percentage_used": 104, "media_errors": 2, "temperature": 41},
    "power_on_time": {"hours": 99}}
VIRTUAL: dict[str, Any] = {
    "smartctl": {"exit_status": 2, "messages": [{"string": "/dev/vda: Unable to detect device type", "severity": "error"}]}}


def test_what_a_disk_says_is_told_in_four_words() -> None:
    """Bad sectors and wear are findings; a virtual disk offers nothing, which is not 'good'."""
    disk = parse(ATA)
    assert (disk.offered, disk.passed, disk.findings, disk.hours) == (True, True, ("reallocated 8",), 21345)
    assert parse(NVME).findings == ("critical warning 4", "media errors 2", "worn 104 %")
    assert not parse(NVME).passed
    assert not parse(VIRTUAL).offered


def test_a_failing_disk_is_a_finding_of_its_place(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The media check carries it; where the machine offers nothing, the place is judged by its files alone."""
    from workbench.vault import media

    case = make_case()
    protect(case)
    monkeypatch.setattr(media, "smart_below", lambda folder: parse(ATA))
    assert [m.problems for m in check_media(case).media if m.sort == "place"] == [("the disk reports errors (SMART)",)] * 2
    monkeypatch.setattr(media, "smart_below", lambda folder: parse(VIRTUAL))
    assert check_media(case).ok
    assert smart_below(tmp_path / "nowhere").offered is False
