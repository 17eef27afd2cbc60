"""PAGE: an executed notebook as one inert, offline HTML file per language.

Only three things of a notebook reach the page: its markdown cells, the source of its code cells (as text), and the
blocks it showed. HTML that some other code displayed is left out; its text/plain stands instead. The page's
Content-Security-Policy refuses every request; the only script is plotly.js and twenty lines that draw from embedded
JSON, allowed by their hashes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import workbench
from workbench.i18n import text
from workbench.records.blocks import MIME
from workbench.resources import template

DRAW = """
const draw = () => document.querySelectorAll('script[data-plot]').forEach(s => {
  const d = document.getElementById(s.dataset.plot), f = JSON.parse(s.textContent);
  Plotly.newPlot(d, f.data, f.layout, {responsive: true, displaylogo: false,
    modeBarButtonsToRemove: ['sendDataToCloud', 'lasso2d', 'select2d']}).then(() => { d.dataset.drawn = '1'; });
});
(async () => {
  const z = document.getElementById('plotly-gz');
  if (z) {
    const raw = Uint8Array.from(atob(z.textContent), c => c.charCodeAt(0));
    const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream('gzip'));
    const s = document.createElement('script');
    s.textContent = await new Response(stream).text();
    document.head.append(s);
  }
  draw();
})();
"""


@dataclass(frozen=True)
class Head:
    """What a record says of itself at a glance."""

    title: str
    subtitle: str
    result: str
    facts: tuple[tuple[str, str], ...]
    footer: tuple[tuple[str, str], ...]


@cache
def _environment() -> Any:
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    env = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False, loader=DictLoader(
        {n: template(f"record/{n}").read_text(encoding="utf-8")
         for n in ("blocks.html.j2", "record.html.j2", "index.html.j2", "viewer.html.j2", "report.html.j2")}))
    # inside <script type=application/json>: only a closing tag or a comment opener could end the element
    env.filters["json_script"] = lambda v: Markup(  # noqa: S704
        json.dumps(v, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028"))
    return env


def words(lang: str) -> dict[str, str]:
    """Sentences of the page frame in one language."""
    keys = ("index", "as_table", "code", "rows_more", "not_a_lawyer", "result_done", "result_failed", "result_half",
            "search", "no_match", "records", "timeline")
    return {k: text(f"page.{k}", lang) for k in keys}


def block_html(data: dict[str, Any], lang: str = "zh") -> str:
    """One block as HTML, escaped; what JupyterLab shows live."""
    module = _environment().get_template("blocks.html.j2").module
    css = template("record/record.css").read_text(encoding="utf-8")
    scoped = "".join(f".wb {rule}" for rule in css.splitlines(keepends=True)
                     if rule.startswith((".callout", "dl", "dt", "table", "th", ".scroll", "figcaption")))
    scoped += ".wb th,.wb td{text-align:left}"  # JupyterLab aligns every cell to the right
    return f"<style>{scoped}</style><div class='wb'>{module.block(data, words(lang), 0)}</div>"


def plotly_js() -> bytes:
    """The plotly.js that the installed plotly ships (about 4.8 MB)."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).encode()


def plotly_asset(folder: Path) -> Path:
    """Write plotly.js once into ``folder``; returns its path."""
    import plotly

    path = folder / f"plotly-{plotly.__version__}.min.js"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plotly_js())
    return path


def sha256_64(data: bytes) -> str:
    """Base64 SHA-256, as CSP and SRI write it."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def policy(*inline: str, shared: bool = False) -> str:
    """A Content-Security-Policy that allows these inline scripts and nothing that asks the network."""
    hashes = " ".join(f"'sha256-{sha256_64(s.encode())}'" for s in inline)
    # plotly.js sets styles from script; 'self' and file: let a page in a folder load its neighbour, never a host
    script = f"{hashes} 'self' file:" if shared else hashes
    return (f"default-src 'none'; script-src {script or chr(39) + 'none' + chr(39)}; style-src 'unsafe-inline'; "
            "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'")


def scripts(shared_js: str | None) -> tuple[str, str]:
    """(script elements, policy): plotly.js beside the page (its relative URL) or inside it when None."""
    if shared_js is not None:
        return f'<script src="{shared_js}"></script><script>{DRAW}</script>', policy(DRAW, shared=True)
    js = plotly_js()
    packed = base64.b64encode(gzip.compress(js, 9, mtime=0)).decode()
    element = f'<script type="text/plain" id="plotly-gz">{packed}</script><script>{DRAW}</script>'
    return element, policy(DRAW, js.decode())


def standalone(html: str) -> str:
    """A record with plotly.js inside and no link out of its folder, to be looked at where a page may load no neighbour.

    JupyterLab's server hands files out in a sandbox, in which a page's charts would stay empty.
    """
    from markupsafe import escape

    found = re.search(r'<script src="([^"]+)"></script><script>', html)
    html = re.sub(r'<a href="\.\./[^"]*">[^<]*</a>( · )?', "", html, count=1)
    if found is None:
        return html
    (before, old), (after, new) = scripts(found[1]), _inside()
    return html.replace(before, after).replace(str(escape(old)), str(escape(new)))


@cache
def _inside() -> tuple[str, str]:
    return scripts(None)


def items(notebook: Any, lang: str) -> list[dict[str, Any]]:
    """The cells of an executed notebook as page items in ``lang`` (blocks of other languages are left out)."""
    import mistune

    markdown = mistune.create_markdown(escape=True, plugins=["table"])
    page: list[dict[str, Any]] = []
    number = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        marked = [t.removeprefix("lang:") for t in tags if t.startswith("lang:")]
        if marked and lang not in marked:
            continue
        if cell.cell_type == "markdown":
            if "papermill-error-cell-tag" not in tags:
                # the page has the notebook's title already
                body = "\n".join(line for line in cell.source.splitlines() if not line.startswith("# "))
                page.append({"kind": "markdown", "html": str(markdown(body))})
            continue
        if cell.cell_type != "code":
            continue
        number += 1
        page.append({"kind": "code", "n": number, "source": cell.source})
        for out in cell.get("outputs", []):
            item = _output(out, lang)
            if item is not None:
                page.append(item)
    return page


def _output(out: Any, lang: str) -> dict[str, Any] | None:
    if out.output_type == "stream":
        return {"kind": "stream", "name": out.name, "text": out.text}
    if out.output_type == "error":
        return {"kind": "error", "name": out.ename, "text": out.evalue}
    data = out.get("data", {})
    if MIME in data:
        said = out.metadata.get("workbench", {}).get("lang", "")
        return None if said and said != lang else {"kind": "block", "data": data[MIME]}
    plain = data.get("text/plain", "")
    return {"kind": "stream", "name": "plain", "text": plain} if plain else None


def render(notebook: Any, head: Head, lang: str, *, shared_js: str | None, other: str = "") -> str:
    """The record of an executed notebook as HTML in ``lang``.

    ``shared_js``: relative URL of a plotly.js beside the page, or None for a self-contained page (about 2 MB);
    ``other``: file name of the same record in the other language.
    """
    page = items(notebook, lang)
    plots = any(i["kind"] == "block" and i["data"].get("kind") == "figure" for i in page)
    element, csp = scripts(shared_js) if plots else ("", policy())
    return str(_environment().get_template("record.html.j2").render(
        lang=lang, csp=csp, title=head.title, subtitle=head.subtitle, result=head.result, header=head.facts,
        footer=head.footer, items=page, plots=plots, scripts=element, words=words(lang), other=other,
        css=template("record/record.css").read_text(encoding="utf-8"),
        generator=f"winddown-workbench {workbench.__version__}"))
