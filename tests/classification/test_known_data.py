"""Figures on data with a known truth: the demo company by column, files nobody here wrote by value."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.conftest import SHARED
from workbench.classification import Findings, Scan, scan
from workbench.classification.partial import scan_array
from workbench.classification.rules import load_rules
from workbench.classification.slots import MATCHES_STRONG, NUMBER
from workbench.sources import open_location

TODAY = dt.date(2026, 11, 23)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    from workbench.demo.company import build

    folder = tmp_path_factory.mktemp("company")
    return folder, build(folder, customers=1_500)


def findings(folder: Path, engine: str) -> Findings:
    running = Scan(load_rules(20261123), engine)  # type: ignore[arg-type]
    for place, name in (("shop.sqlite", "shop"), ("office", "office")):
        with open_location(str(folder / place), name) as source:
            running.add(source)
    return running.finish("demo", TODAY)


def test_the_demo_company_by_column(company: tuple[Path, dict[str, Any]]) -> None:
    """F1 over (column, detector) against the company's own truth is at least 0.97."""
    folder, truth = company
    got = {(f"{f.source}.{f.table}.{f.column}", f.detector) for f in findings(folder, "threads").findings if f.detector}
    want = {(column, d) for column, ds in truth["columns"].items() for d in ds}
    f1 = 2 * len(got & want) / (len(got) + len(want))
    assert f1 >= 0.97, (sorted(got - want, key=str), sorted(want - got, key=str))


def test_look_alikes_are_left(company: tuple[Path, dict[str, Any]]) -> None:
    """Order numbers that look like phones and 18-digit serials that fail the check digit are not flagged."""
    by = {(f.table, f.column): f.detector for f in findings(company[0], "serial").findings}
    assert by["orders", "order_no"] is None
    assert by["orders", "serial_no"] is None


def test_tracks_and_quasi_identifiers(company: tuple[Path, dict[str, Any]]) -> None:
    """The event log is a track; birthday and gender single out customers together; children are counted once each."""
    found = findings(company[0], "threads")
    tables = {t.table: t for t in found.tables}
    assert tables["events.parquet"].track
    assert {"birthday", "gender"} <= set(tables["customers"].quasi_identifiers)
    assert found.minors >= company[1]["minors"]


def test_engines_agree_byte_for_byte(company: tuple[Path, dict[str, Any]]) -> None:
    """Serial and threaded findings of the company are the same bytes."""
    assert findings(company[0], "serial").canonical() == findings(company[0], "threads").canonical()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("killed", [False, True])
def test_dask_agrees_byte_for_byte(company: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, killed: bool) -> None:
    """So are those of a Dask cluster of two workers, also when one is killed while tables are being scanned."""
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    from workbench.classification import cluster

    original, seen = cluster.run_dask, list[int]()
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as made,
        distributed.Client(made) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))

        def murderous(batches: Any, rules: Any, *more: Any) -> Any:
            def passed() -> Iterator[Any]:
                for batch in batches:
                    seen.append(batch.num_rows)
                    if killed and len(seen) == 4:
                        os.kill(victim, signal.SIGKILL)
                    yield batch

            return original(passed(), rules, *more)

        monkeypatch.setattr(cluster, "run_dask", murderous)
        got = findings(company[0], "dask").canonical()
    assert len(seen) > 4
    assert got == findings(company[0], "serial").canonical()


OPENDLP = {
    "ID_CARD": "cn_resident_id", "MOBILE_PHONE": "cn_mobile", "BANK_CARD": "bank_card", "SOCIAL_CREDIT_CODE": "cn_uscc",
    "EMAIL": "email", "IPV4": "ipv4",
}  # fmt: skip


@pytest.mark.parametrize("file", OPENDLP)
def test_opendlp_by_value(file: str) -> None:
    """Value-level F1 of the shared types is at least 0.99."""
    path = SHARED / "opendlp" / f"{file}.csv"
    if not path.exists():
        pytest.skip("../shared/data is absent")
    hits = {(f.column, f.detector): f.matched for f in scan([str(path)], today=TODAY).findings}
    right = hits.get(("positive", OPENDLP[file]), 0)
    wrong = hits.get(("negative", OPENDLP[file]), 0)
    assert 2 * right / (right + wrong + 5_000) >= 0.99


SYNTH = {
    "CREDIT_CARD": (["bank_card"], 0.871), "EMAIL_ADDRESS": (["email"], 0.999), "IP_ADDRESS": (["ipv4", "ipv6"], 0.999),
    "IBAN_CODE": (["iban"], 0.999), "US_SSN": (["us_ssn"], 0.999), "PHONE_NUMBER": (["phone", "cn_mobile", "cn_landline"], 0.611),
}  # fmt: skip


@pytest.mark.parametrize("entity", SYNTH)
def test_presidio_texts_at_or_above_presidio(entity: str) -> None:
    """On Presidio's own 1,500 texts each shared type is at or above Presidio's figure (facts, section 6)."""
    path = SHARED / "presidio_synth_dataset_v2.json"
    if not path.exists():
        pytest.skip("../shared/data is absent")
    slots, bar = SYNTH[entity]
    rules = load_rules(20261123)
    right = wrong = missed = 0
    for item in json.loads(path.read_text(encoding="utf-8")):
        want = sum(s["entity_type"] == entity for s in item["spans"])
        counts = scan_array(pa.array([item["full_text"]]), rules).counts
        got = sum(int(counts[NUMBER[s]][MATCHES_STRONG]) for s in slots)
        right += min(got, want)
        wrong += max(0, got - want)
        missed += max(0, want - got)
    assert 2 * right / (2 * right + wrong + missed) >= bar


def test_driver_licences_in_presidio_texts() -> None:
    """US driver licences, which Presidio finds at F1 0.06 to 0.36 (facts, section 6), by the words that name them."""
    path = SHARED / "presidio_synth_dataset_v2.json"
    if not path.exists():
        pytest.skip("../shared/data is absent")
    rules = load_rules(20261123)
    (licence,) = (d for d in rules.detectors if d.id == "us_driver_license_in_text")
    items = json.loads(path.read_text(encoding="utf-8"))
    want = {n for n, item in enumerate(items) if any(s["entity_type"] == "US_DRIVER_LICENSE" for s in item["spans"])}
    got = {n for n, item in enumerate(items) if scan_array(pa.array([item["full_text"]]), rules).extra.get(licence.id)}
    assert 2 * len(got & want) / (len(got) + len(want)) >= 0.9
