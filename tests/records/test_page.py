"""Pages are inert: whatever a notebook holds stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nbformat as nbf
import pytest

from workbench.records import page
from workbench.records.blocks import MIME, Callout, Facts, Figure, Heading, Table, Text

HOSTILE = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>",
    "<svg/onload=alert(1)>", "javascript:alert(1)", "\"><iframe src=//evil.example>", "{{7*7}}", "<!--", "]]>",
    "<a href='https://evil.example' onclick=alert(1)>x</a>", "\u2028alert(1)//", "<style>@import url(//evil.example)</style>",
)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def head(title: str = "t") -> page.Head:
    return page.Head(title, title, "done", ((title, title),), ((title, title),))


def notebook(text: str) -> object:
    blocks = [Heading(text), Text(text), Callout("bad", text), Facts(((text, text),)), Table(text, (text,), ((text,),)),
              Figure(text, {"data": [{"type": "bar", "x": [text], "y": [1]}], "layout": {"title": {"text": text}}},
                     Table(text, (text,), ((text,),)))]
    outputs = []
    for b in blocks:
        data = b.data()
        if isinstance(b, Figure):
            data["table"] = b.table.data()
        outputs.append(nbf.v4.new_output("display_data", {MIME: data, "text/plain": text}))
    outputs += [nbf.v4.new_output("stream", name="stdout", text=text),
                nbf.v4.new_output("display_data", {"text/html": text, "text/plain": text}),
                nbf.v4.new_output("display_data", {"image/svg+xml": text}),
                nbf.v4.new_output("error", ename=text, evalue=text, traceback=[text])]
    cell = nbf.v4.new_code_cell(text, outputs=outputs)
    return nbf.v4.new_notebook(cells=[nbf.v4.new_markdown_cell(text), cell])


def allowed(html: str, url: str = "p.js") -> None:
    tags = Tags()
    tags.feed(html)
    for tag, attrs in tags.seen:
        assert tag not in ("iframe", "object", "embed", "link", "base", "form", "img", "svg"), tag
        assert not any(a.startswith("on") for a in attrs), attrs
        assert not (attrs.get("href") or "").lower().startswith(("javascript:", "http", "//", "data:")), attrs
        if tag == "script":
            assert attrs in ({}, {"src": url}) or attrs.get("type") in ("application/json", "text/plain")
    inline = re.findall(r"<script>(.*?)</script>", html, re.S)
    assert all(s == page.DRAW for s in inline)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_everywhere_on_a_page(text: str) -> None:
    """In titles, cells, sources, tables, figures, streams, errors and foreign HTML, also with the policy removed."""
    html = page.render(notebook(text), head(text), "zh", shared_js="p.js", other="x.html")
    allowed(html)


def test_a_page_refuses_every_request() -> None:
    """default-src 'none'; scripts by hash; no host anywhere in the policy."""
    html = page.render(notebook("x"), head(), "en", shared_js=None)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert "default-src 'none'" in policy[1].replace("&#39;", "'")
    assert "http" not in policy[1]
    assert "unsafe-eval" not in policy[1]


def test_a_page_without_figures_has_no_script_at_all() -> None:
    """Then nothing can run, whatever the browser."""
    html = page.render(nbf.v4.new_notebook(cells=[nbf.v4.new_markdown_cell("hello")]), head(), "zh", shared_js="p.js")
    assert "<script" not in html


def test_pages_show_one_language_only() -> None:
    """Markdown cells by tag, blocks by metadata."""
    zh, en = nbf.v4.new_markdown_cell("中文段"), nbf.v4.new_markdown_cell("english part")
    zh.metadata["tags"], en.metadata["tags"] = ["lang:zh"], ["lang:en"]
    out = [nbf.v4.new_output("display_data", {MIME: Text(t).data(), "text/plain": t}, metadata={"workbench": {"lang": lang}})
           for t, lang in (("块", "zh"), ("block-en", "en"))]
    book = nbf.v4.new_notebook(cells=[zh, en, nbf.v4.new_code_cell("", outputs=out)])
    shown = page.render(book, head(), "en", shared_js="p.js")
    assert "english part" in shown
    assert "block-en" in shown
    assert "中文段" not in shown
    assert "块" not in shown


def test_figures_hold_plain_lists_that_a_text_scan_can_read() -> None:
    """plotly packs numpy arrays into base64; ours are unpacked, so the gate sees every number."""
    import numpy as np
    import pandas as pd
    import plotly.graph_objects as go

    from workbench.records.blocks import figure

    made = figure("t", go.Figure(go.Scatter(x=np.arange(5), y=np.array([1.5, 2, 3, 4, 5]))), pd.DataFrame({"a": [1]}))
    assert made.figure["data"][0]["x"] == [0, 1, 2, 3, 4]
    assert "bdata" not in str(made.figure)
