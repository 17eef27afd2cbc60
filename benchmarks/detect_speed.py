"""Speed and F1 of our detection beside presidio-analyzer and DataProfiler, on one generated workload, in one run.

    .venv/bin/python benchmarks/detect_speed.py [--rows 1000000] [--presidio PYTHON] [--dataprofiler PYTHON] [--out FILE]

A peer is a Python of its own environment (they need other versions than we do):
    python -m venv /elsewhere && /elsewhere/bin/pip install presidio-analyzer
Without one the peer is reported as "peer not installed". Peers see the first 1,000 rows, as they need minutes for them;
figures are values per second of one core. Presidio runs without a language model: pattern recognisers only, with three
added ones for Chinese types, once on the shared six types and once on all its recognisers.
"""

# ruff: noqa: E501 - programs in strings and printed lines
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
PEER_ROWS = 1_000

PRESIDIO = r"""
import json, sys, time, resource
from presidio_analyzer import AnalyzerEngine, PatternRecognizer, Pattern, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpEngine, NlpArtifacts
import spacy
from presidio_analyzer.nlp_engine import SpacyNlpEngine
class Blank(SpacyNlpEngine):
    def __init__(self):
        super().__init__(); self.nlp = {"en": spacy.blank("en")}
    def load(self): pass
    def is_loaded(self): return True
data = json.load(open(sys.argv[1]))
from presidio_analyzer.predefined_recognizers import PhoneRecognizer
registry = RecognizerRegistry(); registry.load_predefined_recognizers(languages=["en"])
registry.recognizers = [r for r in registry.recognizers if "Spacy" not in type(r).__name__ and "Phone" not in type(r).__name__]
registry.add_recognizer(PhoneRecognizer(supported_regions=("CN", "US", "UK")))
W = (7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2); L = "0123456789ABCDEFGHJKLMNPQRTUWXY"
class Id(PatternRecognizer):
    def validate_result(self, t): return "10X98765432"[sum(int(c)*w for c, w in zip(t[:17], W)) % 11] == t[17].upper()
class Uscc(PatternRecognizer):
    def validate_result(self, t): return (sum(L.index(c)*pow(3,i,31) for i,c in enumerate(t[:17])) + L.index(t[17])) % 31 == 0
class Card(PatternRecognizer):
    def validate_result(self, t): return sum(v if i%2==0 else sum(divmod(2*v,10)) for i,v in enumerate(int(c) for c in reversed(t))) % 10 == 0
registry.add_recognizer(Id(supported_entity="CN_ID", patterns=[Pattern("a", r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)", 0.5)]))
registry.add_recognizer(Uscc(supported_entity="CN_USCC", patterns=[Pattern("a", r"(?<![0-9A-Z])[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Z])", 0.5)]))
registry.add_recognizer(Card(supported_entity="CN_CARD", patterns=[Pattern("a", r"(?<!\d)62\d{14,17}(?!\d)", 0.5)]))
engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
six = ["PHONE_NUMBER", "CN_ID", "CN_CARD", "CN_USCC", "EMAIL_ADDRESS", "IP_ADDRESS"]
names = dict(zip(six, ["cn_mobile", "cn_resident_id", "bank_card", "cn_uscc", "email", "ipv4"]))
out = {}
for label, entities in (("six types", six), ("all recognisers", None)):
    hits = {}; n = 0; t = time.process_time()
    for column, values in data.items():
        for v in values:
            n += 1
            for r in {names.get(x.entity_type) for x in engine.analyze(v, "en", entities=entities)} - {None}:
                hits[f"{column}|{r}"] = hits.get(f"{column}|{r}", 0) + 1
    out[label] = {"values_per_s": n / (time.process_time() - t), "hits": hits}
out["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(out))
"""
DATAPROFILER = r"""
import json, sys, time, resource, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"; os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np
import dataprofiler as dp
data = json.load(open(sys.argv[1]))
labeler = dp.DataLabeler(labeler_type="structured")
names = {"EMAIL_ADDRESS": "email", "IPV4": "ipv4", "PHONE_NUMBER": "cn_mobile", "CREDIT_CARD": "bank_card"}
labeler.predict(np.array(["a"]))
hits = {}; n = 0; t = time.process_time()
for column, values in data.items():
    for p in labeler.predict(np.array(values))["pred"]:
        n += 1
        name = names.get(str(p))
        if name: hits[f"{column}|{name}"] = hits.get(f"{column}|{name}", 0) + 1
print("RESULT" + json.dumps({"labeler": {"values_per_s": n / (time.process_time() - t), "hits": hits},
      "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def f1(hits: dict[str, int], rows: int, remarks: int) -> dict[str, float]:
    """F1 of each scored type from cells hit per column and type."""
    from detect_workload import SCORED, TRUTH

    out = {}
    for kind in SCORED:
        right = wrong = want = 0
        for column, truth in TRUTH.items():
            cells = remarks if column == "remark" else rows
            got = hits.get(f"{column}|{kind}", 0)
            if truth == kind:
                want += cells
                right += min(got, cells)
                wrong += max(0, got - cells)
            else:
                wrong += got
        out[kind] = round(2 * right / max(right + wrong + want, 1), 4)
    return out


def ours(rows: int) -> dict[str, object]:
    """Our kernel, all detectors on, one thread by its own CPU time, then all threads by the clock."""
    import resource

    from detect_workload import SCORED, TRUTH, batches

    from workbench.classification.decide import decide_column
    from workbench.classification.engine import run
    from workbench.classification.partial import kernel
    from workbench.classification.rules import load_rules
    from workbench.sources.base import Column, Table

    rules = load_rules(20261123)
    data = batches(rows)
    kernel(data[0], rules)
    start = time.thread_time()
    part = run(iter(data), rules, engine="serial")
    one = rows * len(TRUTH) / (time.thread_time() - start)
    clock = time.perf_counter()
    run(iter(data), rules, engine="threads")
    many = rows * len(TRUTH) / (time.perf_counter() - clock)
    table = Table(source="s", name="t", columns=tuple(Column(name=c, type="string") for c in TRUTH), rows=rows)
    found = [f for c in table.columns for f in decide_column(table, c, part[c.name], rules)]
    hits = {f"{f.column}|{f.detector}": f.matched for f in found if f.detector in SCORED}
    remarks = sum(x % 20_000 % 50 == 0 for x in range(rows))
    return {
        "values_per_s": one, "values_per_s_all_threads": many, "f1": f1(hits, rows, remarks),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def peer(python: str, code: str, data: Path) -> dict[str, object]:
    """What a peer prints as JSON, or why there is nothing."""
    if not python or not Path(python).exists():
        return {"error": "peer not installed"}
    done = subprocess.run([python, "-W", "ignore", "-c", code, str(data)], capture_output=True, text=True, timeout=3000)
    lines = [x.removeprefix("RESULT") for x in done.stdout.splitlines() if x.startswith(("RESULT", "{"))]
    if done.returncode or not lines:
        return {"error": f"peer failed: {done.stderr.strip().splitlines()[-1][:160] if done.stderr.strip() else '?'}"}
    result: dict[str, object] = json.loads(lines[-1])
    return result


def main() -> None:
    """Run, print, and write the figures."""
    import tempfile

    from detect_workload import unique_rows

    ask = argparse.ArgumentParser()
    ask.add_argument("--rows", type=int, default=1_000_000)
    ask.add_argument("--presidio", default="")
    ask.add_argument("--dataprofiler", default="")
    ask.add_argument("--out", default="")
    given = ask.parse_args()
    report: dict[str, object] = {"rows": given.rows, "columns": 12}
    mine = ours(given.rows)
    report["workbench"] = mine
    print(f"workbench      {mine['values_per_s']:14,.0f} values/s/core  {mine['rss_mb']:6.0f} MB  F1 {mine['f1']}")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "rows.json")
        data.write_text(json.dumps({k: v[:PEER_ROWS] for k, v in unique_rows().items()}, ensure_ascii=False), encoding="utf-8")
        for name, python, code in (("presidio", given.presidio, PRESIDIO), ("dataprofiler", given.dataprofiler, DATAPROFILER)):
            got = peer(python, code, data)
            report[name] = got
            if "error" in got:
                print(f"{name:14} {got['error']}")
                continue
            for label, figure in got.items():
                if isinstance(figure, dict):
                    figure["f1"] = f1(figure.pop("hits"), PEER_ROWS, PEER_ROWS // 50)
                    times = float(mine["values_per_s"]) / figure["values_per_s"]  # type: ignore[arg-type]
                    print(f"{name:14} {figure['values_per_s']:14,.0f} values/s/core  {got['rss_mb']:6.0f} MB  {times:8,.0f}x  {label}  F1 {figure['f1']}")
    if given.out:
        Path(given.out).write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
