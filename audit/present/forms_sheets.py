"""Forms that are tables: what is known stands in them, what is to be written is a yellow cell. Print on A4, landscape.

Client data are untrusted: every text is written as text.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import xlsxwriter

from audit.errors import Lang
from audit.present.annex import clean_text, sheet_names
from audit.present.forms_workbook import CREATED

__all__ = ["FormColumn", "FormSheet", "write_form"]

Kind = Literal["text", "money", "count", "share", "date", "answer"]


@dataclass(frozen=True, slots=True)
class FormColumn:
    """A column of a form: key of the frame, label, kind (``answer``: to be written), width in letters."""

    key: str
    label: str
    kind: Kind = "text"
    width: float = 16


@dataclass(frozen=True)
class FormSheet:
    """One sheet: its name, a title, how to fill it in, the rows."""

    name: str
    title: str
    how: str
    frame: pd.DataFrame
    columns: Sequence[FormColumn]
    least: float = 18
    """Height of a row in points: taller where people write by hand."""


def write_form(path: Path, lang: Lang, title: str, sheets: Sequence[FormSheet]) -> None:
    """Write the sheets as a workbook; an existing file is replaced, the same content gives the same bytes."""
    told = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), told) as book:
        book.set_properties({"title": title, "author": "km-audit", "created": CREATED})
        forms = _formats(book, lang)
        for sheet, name in zip(sheets, sheet_names([s.name for s in sheets]), strict=True):
            _write(book.add_worksheet(name), sheet, forms)


def _formats(book: Any, lang: Lang) -> dict[str, Any]:
    base = {"font_name": "Arial", "font_size": 10, "valign": "top", "text_wrap": True}
    edge = {**base, "border": 1, "border_color": "#C9CED6"}
    numbers = {
        "text": "@",
        "money": "#,##0",
        "count": "#,##0",
        "share": "0.0%",
        "date": "dd.mm.yyyy" if lang == "ru" else "d mmm yyyy",
    }
    out = {kind: book.add_format({**edge, "num_format": number}) for kind, number in numbers.items()}
    out["answer"] = book.add_format({**edge, "num_format": "@", "bg_color": "#FFF9DB", "locked": False})
    out["title"] = book.add_format({**base, "font_size": 14, "bold": True, "font_color": "#1F3B57", "text_wrap": False})
    out["how"] = book.add_format({**base, "font_size": 9, "font_color": "#55606E"})
    out["head"] = book.add_format({**edge, "bold": True, "bg_color": "#DCE6F0", "font_color": "#1F3B57"})
    return out


def _write(page: Any, sheet: FormSheet, forms: dict[str, Any]) -> None:
    last = len(sheet.columns) - 1
    page.hide_gridlines(2)
    page.write_string(0, 0, clean_text(sheet.title), forms["title"])
    page.set_row(0, 24)
    if sheet.how:
        page.merge_range(1, 0, 1, max(last, 1), clean_text(sheet.how), forms["how"])
        page.set_row(1, 13 * math.ceil(len(sheet.how) / sum(c.width for c in sheet.columns)) + 4)
    tall = 1
    for k, column in enumerate(sheet.columns):
        page.set_column(k, k, column.width)
        page.write_string(2, k, clean_text(column.label), forms["head"])
        tall = max(tall, math.ceil(1.2 * len(column.label) / column.width))
    page.set_row(2, 13.5 * tall + 3)
    for i, row in enumerate(sheet.frame.to_dict("records"), 3):
        lines = 1
        for k, column in enumerate(sheet.columns):
            value = row.get(column.key)
            lines = max(lines, _cell(page, i, k, column, value, forms))
        page.set_row(i, max(sheet.least, 13.5 * lines + 3))
    page.freeze_panes(3, 1)
    page.protect("", {"format_columns": True, "format_rows": True, "sort": True, "autofilter": True})
    page.set_landscape()
    page.set_paper(9)
    page.set_margins(0.4, 0.4, 0.5, 0.5)
    page.fit_to_pages(1, 0)
    page.repeat_rows(2)


def _cell(page: Any, row: int, k: int, column: FormColumn, value: Any, forms: dict[str, Any]) -> int:
    """Write one cell; return how many lines it takes."""
    form = forms[column.kind]
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)) or value == "":
        page.write_blank(row, k, None, form)
    elif column.kind == "date":
        day = pd.Timestamp(value)
        page.write_datetime(row, k, dt.datetime(day.year, day.month, day.day), form)
    elif column.kind in ("money", "count", "share"):
        page.write_number(row, k, float(value), form)
    else:
        text = clean_text(str(value))
        page.write_string(row, k, text, form)
        return math.ceil(1.15 * len(text) / column.width)
    return 1
