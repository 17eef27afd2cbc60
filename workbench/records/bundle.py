"""BUNDLE: everything a stranger needs, as a BagIt bag (RFC 8493) holding an RO-Crate.

    index.html, viewer.html (.en), VERIFY.md  for people
    bagit.txt, bag-info.txt, manifest-sha256.txt, tagmanifest-sha256.txt, signature.json
    data/records  data/assets  data/ledger  data/values  data/keys  data/archive  data/software.json  data/case.toml
    data/reports/disposal.zh.html, .docx, .pdf (where a Chromium is), certificates.zh.html, .pdf, the same in English
    data/certificates/D001.json: each certificate as it was signed
    data/ro-crate-metadata.json

The tag manifest covers every file but itself and ``signature.json``; the signature covers the tag manifest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import workbench
from workbench.case import Case
from workbench.errors import RecordError
from workbench.i18n import LANGS
from workbench.ledger import Signer, anchor, write_durably
from workbench.ledger.statement import pae
from workbench.records.retention import records_until
from workbench.resources import template

MANIFEST, TAGS, SIGNATURE = "manifest-sha256.txt", "tagmanifest-sha256.txt", "signature.json"
_SIGNED_FOR = {"record/v1", "value/v1", "step/v1"}


def digest(path: Path) -> str:
    """SHA-256 of a file, hex, read in 1 MiB pieces."""
    h = hashlib.sha256()
    with path.open("rb") as f:
        while piece := f.read(1 << 20):
            h.update(piece)
    return h.hexdigest()


def pack(case: Case, out: Path) -> Path:
    """Write the bundle of ``case`` to ``out`` (an earlier bundle there is replaced, anything else refused).

    Built beside and renamed, so a killed run leaves the old bundle or the new one. Returns ``out``.
    """
    out = out.resolve()
    if out.exists() and any(out.iterdir()) and not (out / "bagit.txt").exists():
        raise RecordError(f"{out} is not empty and not a bundle", "name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    temp = out.with_name(f".{out.name}.part")
    shutil.rmtree(temp, ignore_errors=True)
    data = temp / "data"
    data.mkdir(parents=True)
    _payload(case, data)
    from workbench.records.index import write_index

    write_index(case, temp)
    from workbench.records import story, viewer

    viewer.write(story.read(temp), temp)
    shutil.copyfile(template("record/VERIFY.md"), temp / "VERIFY.md")
    _bag(case, temp)
    seal = _signature(temp / TAGS, case.signer(case.operator()))
    write_durably(temp / SIGNATURE, json.dumps(seal, indent=1).encode())
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.replace(old)
    temp.replace(out)
    shutil.rmtree(old, ignore_errors=True)
    case.append("bundle/v1", {"bundle": digest(out / TAGS)}, {"person": case.operator(), "at": case.now()},
                case.operator())
    return out


def _payload(case: Case, data: Path) -> None:
    wanted = {d for e in case.ledger.entries if e.type in _SIGNED_FOR for d in e.subjects.values()}
    standing = _standing_records(case)
    (data / "records").mkdir()
    for name in standing:
        if name.startswith("records/"):
            shutil.copyfile(case.folder / name, data / name)
    (data / "assets").mkdir()
    for f in sorted((case.folder / "assets").glob("plotly-*.js")):
        shutil.copyfile(f, data / "assets" / f.name)
    (data / "values").mkdir()
    for f in sorted((case.folder / "values").glob("*.json")):
        if f.stem in wanted:
            shutil.copyfile(f, data / "values" / f.name)
    (data / "ledger").mkdir()
    for name in ("entries.jsonl", "checkpoint"):
        shutil.copyfile(case.folder / "ledger" / name, data / "ledger" / name)
    for folder in (anchor.WITNESS, anchor.STAMPS):
        found = [p for p in anchor.files(case.folder / "ledger" / folder, "") if p.suffix in (".note", ".tsr", ".pem")]
        for f in found:
            (data / "ledger" / folder).mkdir(exist_ok=True)
            shutil.copyfile(f, data / "ledger" / folder / f.name)
    (data / "keys").mkdir()
    for f in sorted(p for p in (case.folder / "keys").glob("*.pub") if ".next" not in p.name):
        shutil.copyfile(f, data / "keys" / f.name)
    shutil.copyfile(case.folder / "case.toml", data / "case.toml")
    archive = case.folder / "archive"
    for place in [case.resolve(p) for p in case.config.vault.places]:
        if (place / "archive").is_dir():
            archive = place / "archive"
            break
    if archive.is_dir():
        shutil.copytree(archive, data / "archive", ignore=shutil.ignore_patterns(".*"))
    if any("erasure" in e.subjects for e in case.ledger.entries):
        from workbench.records import certificate_document
        from workbench.records.disposal_document import to_docx, to_html
        from workbench.records.disposal_report import disposal_report
        from workbench.records.pdf import browser, print_pdf

        (data / "reports").mkdir()
        report = disposal_report(case)
        for lang in LANGS:
            target = data / "reports" / f"disposal.{lang}"
            to_docx(report, target.with_suffix(f".{lang}.docx"), lang)
            page = to_html(report, target.with_suffix(f".{lang}.html"), lang)
            certificate_document.write(case, data / "reports" / f"certificates.{lang}.html", lang, "html")
            if browser():  # a machine without one hands over Word and the page
                print_pdf(page, target.with_suffix(f".{lang}.pdf"))
                certificate_document.write(case, data / "reports" / f"certificates.{lang}.pdf", lang, "pdf")
        (data / "certificates").mkdir()
        for c in certificate_document.certificates(case):
            write_durably(data / "certificates" / f"{c.disposal}.json", c.canonical())
    write_durably(data / "software.json", json.dumps(_software(), indent=1, sort_keys=True).encode())
    write_durably(data / "ro-crate-metadata.json",
                  json.dumps(_crate(case, data), ensure_ascii=False, indent=1).encode())


def _standing_records(case: Case) -> dict[str, str]:
    """Newest digest of every record file, from the ledger."""
    files: dict[str, str] = {}
    for e in case.ledger.of_type("record/v1"):
        files.update(e.subjects)
    return files


def _software() -> dict[str, Any]:
    from packaging.requirements import Requirement

    names = sorted({Requirement(r).name for r in metadata.requires("winddown-workbench") or ()
                    if "extra ==" not in r})
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {"winddown-workbench": workbench.__version__, "depends": versions}


def _crate(case: Case, data: Path) -> dict[str, Any]:
    """RO-Crate 1.1 metadata in the terms of the Process Run Crate profile 0.5."""
    company = case.config.case
    files = [{"@id": str(f.relative_to(data)), "@type": "File", "sha256": digest(f), "contentSize": f.stat().st_size}
             for f in sorted(data.rglob("*")) if f.is_file()]
    people = [{"@id": f"#person-{p.id}", "@type": "Person", "name": p.name, "jobTitle": ", ".join(p.roles)}
              for p in case.config.people]
    actions = []
    for e in case.ledger.of_type("step/v1"):
        p = e.predicate
        if p["phase"] == "outcome":
            actions.append({
                "@id": f"#entry-{e.seq}", "@type": "CreateAction", "name": p["step"], "endTime": p["at"],
                "startTime": case.ledger.entries[p["intent"]].predicate["at"],
                "agent": {"@id": f"#person-{p['person']}"}, "instrument": {"@id": "#workbench"},
                "actionStatus": f"https://schema.org/{'Completed' if p['result'] == 'done' else 'Failed'}ActionStatus",
                "location": p["place"],
                "object": [{"@id": f"values/{d}.json"} for d in sorted(set(p["materials"].values()))],
                "result": [{"@id": f"values/{d}.json"} for d in sorted(set(e.subjects.values()))],
            })
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
         "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}},
        {"@id": "./", "@type": "Dataset", "name": f"客户信息处置记录 · {company.company}",
         "datePublished": case.now(), "license": "https://schema.org/CreativeWork",
         "description": "Audit records of the disposal of customer data on closing; holds no personal data in clear.",
         "conformsTo": {"@id": "https://w3id.org/ro/wfrun/process/0.5"}, "additionalProperty": _archival(case),
         "hasPart": [{"@id": f["@id"]} for f in files], "mentions": [{"@id": a["@id"]} for a in actions]},
        {"@id": "#workbench", "@type": "SoftwareApplication", "name": "winddown-workbench",
         "softwareVersion": workbench.__version__},
        *people, *actions, *files]}


def _archival(case: Case) -> list[dict[str, str]]:
    """Terms that Chinese archives ask for (电子档案元数据), as properties of the crate; named, not claimed to be complete."""
    c, last = case.config.case, case.now()[:10]
    first = str(case.ledger.entries[0].predicate.get("at", last))[:10]
    values = {"全宗名称": c.company, "题名": f"{c.company}客户信息处置记录", "责任者": c.contact or c.company,
              "形成日期": f"{first}/{last}",
              "保管期限": f"至{records_until(case.config, case.ledger.entries).isoformat()}", "语种": "zh, en",
              "计算机文件格式": "HTML, JSON, ipynb, PDF, DOCX", "数字摘要算法": "SHA-256", "聚合层次": "卷", "全宗档号": case.ledger.origin}
    return [{"@type": "PropertyValue", "name": k, "value": v} for k, v in values.items()]


def _bag(case: Case, bag: Path) -> None:
    payload = sorted(f for f in (bag / "data").rglob("*") if f.is_file())
    size = sum(f.stat().st_size for f in payload)
    _write(bag / "bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    _write(bag / "bag-info.txt",
           f"Source-Organization: {case.config.case.company}\nExternal-Identifier: {case.ledger.origin}\n"
           f"Bagging-Date: {case.now()[:10]}\nRetention-Until: {records_until(case.config, case.ledger.entries)}\n"
           f"Payload-Oxum: {size}.{len(payload)}\n"
           f"Bag-Software-Agent: winddown-workbench {workbench.__version__}\n")
    _write(bag / MANIFEST, "".join(f"{digest(f)}  {f.relative_to(bag)}\n" for f in payload))
    tags = sorted(f for f in bag.iterdir() if f.is_file() and f.name not in (TAGS, SIGNATURE))
    _write(bag / TAGS, "".join(f"{digest(f)}  {f.name}\n" for f in tags))


def _write(path: Path, text: str) -> None:
    write_durably(path, text.encode())


def _signature(tags: Path, signer: Signer) -> dict[str, Any]:
    payload = f"{digest(tags)}  {TAGS}\n".encode()
    return {
        "payloadType": "application/vnd.in-toto+json", "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": signer.key_id, "sig": base64.b64encode(signer.sign(pae(payload))).decode()}],
        "signer": signer.name,
    }
