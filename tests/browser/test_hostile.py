"""Script and HTML in a company's name, people's names, tables, columns, rows, file names and notes, taken through the whole
flow: every page of the bundle is opened in Chromium with its policy removed, and nothing runs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.browser import lab

pytestmark = lab.NEEDS_CHROMIUM
RUN = "window.pwned=1"
IMG, SCRIPT = f"<img src=x onerror={RUN}>", f"<script>{RUN}</script>"
SVG, END = f"<svg onload={RUN}>", f"</script><script>{RUN}</script>"
CASE = """
[case]
id = "hostile"
company = '''甲{img}公司'''
company_en = '''A {end} Ltd'''
place = '''上海{svg}'''
contact = '''{script}'''
[dates]
dissolution = 2026-07-15
service_end = 2026-08-31
claims_end = 2026-10-31
as_of = 2026-11-20
[[people]]
id = "op"
name = '''操作{img}'''
roles = ["operator"]
organisation = '''{script}'''
[[people]]
id = "ann"
name = '''{svg}安'''
roles = ["approver"]
[[people]]
id = "ben"
name = "本{end}"
roles = ["approver"]
[[people]]
id = "sue"
name = '''{script}苏'''
roles = ["supervisor"]
organisation = '''{img}'''
[[sources]]
name = "shop"
url = "sqlite:///shop.sqlite"
system = '''{img}'''
[[sources]]
name = "files"
path = "data"
[[assets]]
name = '''旧电脑{img}'''
kind = "device"
place = '''{svg}'''
holds_data = '''{script}'''
disposal = '''{end}'''
"""


def workbench(*args: str | Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"WORKBENCH_VAULT_PASSPHRASE": "correct horse battery staple"}
    return subprocess.run([sys.executable, "-m", "workbench", *map(str, args)], capture_output=True, text=True, env=env)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a company whose every name is an attack."""
    case = tmp_path_factory.mktemp("hostile")
    (case / "case.toml").write_text(CASE.format(img=IMG, script=SCRIPT, svg=SVG, end=END), encoding="utf-8")
    db = sqlite3.connect(case / "shop.sqlite")
    table = f'"{IMG}"'
    db.execute(f'CREATE TABLE {table} (id INTEGER PRIMARY KEY, name TEXT, phone TEXT, "{SCRIPT}" TEXT, note TEXT)')
    db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)",
                   [(n, f"王{SCRIPT}", f"138001{n:05d}", f"a{n}@example.cn", END + SVG) for n in range(40)])
    db.commit()
    db.close()
    data = case / "data"
    data.mkdir()
    (data / f"客户{IMG}.csv").write_text("name,phone\n" + "".join(f"{SVG},139001{n:05d}\n" for n in range(20)), encoding="utf-8")
    (data / "notes.txt").write_text(f"{END}\n请拨打 13800138000\n{IMG}\n", encoding="utf-8")
    first = workbench("run", case)
    assert "the plan is not approved" in first.stderr, first.stdout + first.stderr
    for person in ("ann", "ben"):
        done = workbench("approve", case, "--as", person)
        assert done.returncode == 0, done.stderr
    last = workbench("run", case)
    assert last.returncode == 0, last.stderr
    return case / "bundle"


@pytest.mark.parametrize("csp", [True, False], ids=["with-policy", "policy-removed"])
def test_nothing_stored_runs_in_any_page_of_a_bundle(bundle: Path, browser: Any, csp: bool) -> None:
    """Index, viewer, records, report, certificates, in both languages; the attacks are there to be read, as text."""
    pages = sorted(bundle.rglob("*.html"))
    records = {path.stem for path in (bundle / "data" / "records").glob("*.ipynb")}
    assert {path.name.partition(".")[0] for path in pages} == {"index", "viewer", "disposal", "certificates", *records}
    assert len(pages) == 2 * (4 + len(records))
    shown = ""
    for path in pages:
        context = browser.new_context(offline=True, bypass_csp=not csp)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda r, a=asked: a.append(r.url) if not r.url.startswith(("data:", "blob:", "file:")) else None)
        page.on("dialog", lambda d, a=asked: a.append(f"dialog {d.message}"))
        page.goto(path.as_uri(), wait_until="load")
        page.wait_for_function("[...document.querySelectorAll('.plot')].every(d => d.dataset.drawn)", timeout=300_000)
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("window.pwned") is None, path.name
        assert page.evaluate("document.querySelectorAll('img, iframe, object, embed, [onerror], [onload]').length") == 0, path.name
        assert not asked, (path.name, asked)
        shown += page.locator("body").inner_text()
        context.close()
    for text in (IMG, SCRIPT, SVG, END):
        assert text in shown, f"{text} is nowhere to be read"


def test_verification_passes_and_the_word_files_open(bundle: Path) -> None:
    """Hostile names break neither the manifest nor the documents."""
    from docx import Document

    from workbench.records.verify import verify

    report = verify(bundle)
    assert report.ok, str(report)
    for path in (bundle / "data" / "reports").glob("*.docx"):
        assert any(IMG in p.text or END in p.text for p in Document(str(path)).paragraphs)
