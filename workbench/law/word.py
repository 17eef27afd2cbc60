"""Word files with a Chinese font, tables that fit the page, and no author's traces; used by plan and risk reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

FONT = "Noto Sans CJK SC"


def new_document(title: str, landscape: bool = False, lang: str = "zh") -> Any:
    """An empty A4 document with a title."""
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    doc = Document()
    for name in ("Normal", "Title", "Heading 1", "Heading 2", "List Bullet"):
        style = doc.styles[name]
        style.font.name = FONT
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in ("w:eastAsia", "w:ascii", "w:hAnsi"):
            fonts.set(qn(attribute), FONT)
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            if fonts.get(qn(theme)) is not None:
                del fonts.attrib[qn(theme)]
    doc.styles["Normal"].font.size = Pt(10)
    section = doc.sections[0]
    width, height = (Cm(29.7), Cm(21)) if landscape else (Cm(21), Cm(29.7))
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = width, height
    section.left_margin = section.right_margin = Cm(2)
    section.top_margin = section.bottom_margin = Cm(1.8)
    p = doc.core_properties
    p.author, p.title, p.language = "", title, "zh-CN" if lang == "zh" else "en-GB"
    p.created = p.modified = dt.datetime(2000, 1, 1)  # the date that counts stands in the text
    doc.add_heading(title, 0)
    return doc


def table(doc: Any, head: Sequence[str] | None, rows: Iterable[Sequence[str]], widths: Sequence[float], size: Any = None) -> Any:
    """A grid; the head row repeats on every page."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    grid = doc.add_table(rows=0, cols=len(widths))
    grid.style = "Table Grid"
    grid.autofit = False
    if head:
        _row(grid, head, widths, size or Pt(9), bold=True)
        mark = OxmlElement("w:tblHeader")
        mark.set(qn("w:val"), "true")
        grid.rows[0]._tr.get_or_add_trPr().append(mark)
    for row in rows:
        _row(grid, row, widths, size or Pt(9))
    for i, w in enumerate(widths):
        grid.columns[i].width = Cm(w)
    doc.add_paragraph()
    return grid


def _row(grid: Any, cells: Sequence[str], widths: Sequence[float], size: Any, bold: bool = False) -> None:
    from docx.oxml import OxmlElement
    from docx.shared import Cm

    row = grid.add_row()
    whole = OxmlElement("w:cantSplit")  # a line stays on one page
    row._tr.get_or_add_trPr().append(whole)
    made = row.cells
    for cell, text, width in zip(made, cells, widths, strict=True):
        cell.width = Cm(width)
        run = cell.paragraphs[0].add_run(str(text))
        run.font.size = size
        run.bold = bold
