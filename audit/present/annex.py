"""The annex: one workbook with every list and table behind the report, an index first.

Client data is untrusted: every text is written as text (never a formula, a link or a number), one that starts like a
formula is marked so that editing the cell does not make it one, and characters a workbook may not hold are dropped.
Equal input gives equal bytes.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from audit.errors import Lang, Text
from audit.findings.finding import Severity, Status
from audit.present.blocks import Col
from audit.present.style import ACCENT, INK_FAINT, SEVERITIES, STATUS, on_color

__all__ = ["Sheet", "sheet_names", "write_annex"]

MAX_ROWS = 1_048_000
MAX_LETTERS = 32_000
_HEADER_ROW = 3
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")

_INDEX = Text("Оглавление", "Contents")
_BACK = Text("← к оглавлению", "← contents")
_SHEET = Text("Лист", "Sheet")
_WHAT = Text("Что на листе", "What it holds")
_ROWS = Text("Строк", "Rows")
_CUT = Text("Показаны первые {n} строк: больше лист не вмещает.", "The first {n} rows: a sheet holds no more.")
_TITLE = Text("Приложение к отчёту: списки и таблицы", "Annex to the report: lists and tables")
_MISSING = frozenset({"nan", "NaT", "<NA>"})
"""How a missing value reads once it has become a text."""
_YES, _NO = Text("да", "yes"), Text("нет", "no")


@dataclass(frozen=True)
class Sheet:
    """One sheet: short name, title, frame (one row per row), columns with units in their labels, and a remark."""

    name: str
    title: str
    frame: pd.DataFrame
    columns: Sequence[Col]
    note: str = ""


def clean_text(text: str) -> str:
    """Drop what a workbook may not hold and cut what it cannot."""
    plain = _ILLEGAL.sub("", text)
    return plain if len(plain) <= MAX_LETTERS else plain[: MAX_LETTERS - 1] + "…"


def sheet_names(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Turn any names into legal, distinct sheet names of at most 31 letters."""
    used = {t.lower() for t in taken} | {"history"}  # Excel keeps that one for itself
    out = []
    for name in names:
        base = re.sub(r"[\[\]:*?/\\]", "-", clean_text(name)).strip().strip("'") or "sheet"
        candidate, k = base[:31].rstrip("'").strip(), 1
        while candidate.lower() in used:
            k += 1
            tail = f" ({k})"
            candidate = base[: 31 - len(tail)].rstrip("'").strip() + tail
        used.add(candidate.lower())
        out.append(candidate)
    return out


def write_annex(path: Path, sheets: Sequence[Sheet], lang: Lang, *, title: str = "", accent: str = ACCENT) -> None:
    """Write the workbook: an index with links, then one sheet per table with frozen heads, filters and formats."""
    import xlsxwriter

    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
        "default_date_format": _date_format(lang),
        "in_memory": True,
    }
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties(
        {"title": title or _TITLE.get(lang), "created": dt.datetime(2000, 1, 1), "comments": "km-audit"}
    )
    writer = _Writer(book, lang, accent)
    index_name = _INDEX.get(lang)
    names = sheet_names([s.name for s in sheets], taken=[index_name])
    index = book.add_worksheet(index_name)
    pages = [book.add_worksheet(n) for n in names]
    writer.index(index, sheets, names, title or _TITLE.get(lang))
    for page, sheet in zip(pages, sheets, strict=True):
        writer.sheet(page, sheet, index_name)
    book.close()


def _date_format(lang: Lang) -> str:
    return "dd.mm.yyyy" if lang == "ru" else "d mmm yyyy"


class _Writer:
    """Holds the workbook's formats."""

    def __init__(self, book: Any, lang: Lang, accent: str) -> None:
        self.lang = lang
        font = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
        self.formats: dict[tuple[str, bool], Any] = {}
        self.book = book
        self.font = font
        self.title = book.add_format({**font, "bold": True, "font_size": 16})
        self.note = book.add_format({**font, "font_color": INK_FAINT})
        self.link = book.add_format({**font, "font_color": "#1f5a7a", "underline": 1})
        self.head = book.add_format(
            {
                **font,
                "bold": True,
                "bg_color": accent,
                "font_color": on_color(accent),
                "text_wrap": True,
                "valign": "vcenter",
            }
        )

    def format(self, number: str = "", quoted: bool = False, wrap: bool = False) -> Any:
        key = (f"{number}{'|wrap' if wrap else ''}", quoted)
        if key not in self.formats:
            made = self.book.add_format({**self.font, **({"num_format": number} if number else {})})
            if quoted:
                made.set_quote_prefix()
            if wrap:
                made.set_text_wrap()
            self.formats[key] = made
        return self.formats[key]

    def text(self, page: Any, row: int, column: int, value: str, form: Any = None) -> None:
        plain = clean_text(value)
        if form is None:
            form = self.format(quoted=plain.startswith(_FORMULA_START), wrap=len(plain) > 60)
        page.write_string(row, column, plain, form)

    def index(self, page: Any, sheets: Sequence[Sheet], names: Sequence[str], title: str) -> None:
        page.hide_gridlines(2)
        page.set_column(0, 0, 34)
        page.set_column(1, 1, 90)
        page.set_column(2, 2, 10)
        self.text(page, 0, 0, title, self.title)
        for k, label in enumerate((_SHEET, _WHAT, _ROWS)):
            self.text(page, 2, k, label.get(self.lang), self.head)
        for i, (sheet, name) in enumerate(zip(sheets, names, strict=True), 3):
            page.write_url(i, 0, "internal:'" + name.replace("'", "''") + "'!A1", self.link, name)
            self.text(page, i, 1, sheet.title + (f". {sheet.note}" if sheet.note else ""), self.format(wrap=True))
            page.write_number(i, 2, len(sheet.frame), self.format("#,##0"))
        page.freeze_panes(3, 0)

    def sheet(self, page: Any, sheet: Sheet, index_name: str) -> None:
        total = len(sheet.frame)
        frame = sheet.frame.head(MAX_ROWS)
        note = sheet.note
        if total > MAX_ROWS:
            note = f"{note} {_CUT.get(self.lang).format(n=MAX_ROWS)}".strip()
        self.text(page, 0, 0, sheet.title, self.title)
        page.write_url(1, 0, f"internal:'{index_name}'!A1", self.link, _BACK.get(self.lang))
        if note:
            self.text(page, 2, 0, note, self.note)
        page.set_row(_HEADER_ROW, 32)
        for k, col in enumerate(sheet.columns):
            self.text(page, _HEADER_ROW, k, col.label, self.head)
            if col.note:
                page.write_comment(_HEADER_ROW, k, clean_text(col.note), {"author": "km-audit", "x_scale": 1.6})
            values = frame[col.key].tolist() if col.key in frame.columns else [None] * len(frame)
            number = _number_format(col, self.lang)
            form = self.format(number)
            longest = max((len(w) for w in col.label.split()), default=4) + 3
            for i, value in enumerate(values, _HEADER_ROW + 1):
                longest = max(longest, self._cell(page, i, k, value, col, form))
            page.set_column(k, k, min(60.0, max(9.0, longest * 1.05 + 1)))
        page.freeze_panes(_HEADER_ROW + 1, 1)
        if sheet.columns:
            page.autofilter(_HEADER_ROW, 0, _HEADER_ROW + max(1, len(frame)), len(sheet.columns) - 1)
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.repeat_rows(_HEADER_ROW)

    def _cell(self, page: Any, row: int, column: int, value: Any, col: Col, form: Any) -> int:
        """Write one cell, return how many letters it takes."""
        if value is None or value is pd.NaT or value is pd.NA:
            return 0
        if col.kind == "status" and value in STATUS:
            status: Status = value
            value = f"{STATUS[status].shape} {STATUS[status].word.get(self.lang)}"
        elif col.kind == "severity" and value in SEVERITIES:
            severity: Severity = value
            value = SEVERITIES[severity].get(self.lang)
        if isinstance(value, bool | np.bool_):
            value = (_YES if value else _NO).get(self.lang)
        if isinstance(value, Markup):
            value = value.striptags()
        if isinstance(value, int | float | Decimal | np.integer | np.floating):
            number = float(value)
            if not math.isfinite(number):
                return 0
            # a number the sheet cannot hold exactly is a code, not an amount
            if abs(number) < 2**53 or col.kind != "text":
                page.write_number(row, column, number, form)
                return 12 if col.kind in ("money", "money_full") else 9
            value = str(value)
        if isinstance(value, str) and col.kind in ("date", "month") and re.match(r"\d{4}-\d\d-\d\d", value):
            value = dt.date.fromisoformat(value[:10])
        if isinstance(value, dt.date):
            day = value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value
            if day.year >= 1900:  # a sheet's calendar begins there
                page.write_datetime(row, column, day, form)
                return 11
            value = day.isoformat()[:10]
        plain = str(value)
        if plain in _MISSING:
            return 0
        if plain:
            self.text(page, row, column, plain)
        return min(len(plain), 58)


def _number_format(col: Col, lang: Lang) -> str:
    def places(default: int) -> str:
        digits = default if col.digits is None else col.digits
        return "." + "0" * digits if digits else ""

    match col.kind:
        case "share":
            return f"0{places(1)}%"
        case "change":
            return f"+0{places(1)}%;-0{places(1)}%;0{places(1)}%"
        case "money" | "money_full":
            return f"#,##0{places(0)}"
        case "count":
            return "#,##0"
        case "days":
            return f"#,##0{places(0)}"
        case "num":
            return f"#,##0{places(2)}"
        case "hours":
            return f"#,##0{places(1)}"
        case "fte":
            return f"0{places(2)}"
        case "date":
            return _date_format(lang)
        case "month":
            return "mm.yyyy" if lang == "ru" else "mmm yyyy"
        case _:
            return ""
