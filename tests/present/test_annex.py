"""The annex: text stays text, names are legal, bytes repeat."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from markupsafe import Markup

from audit.present.annex import Sheet, sheet_names, write_annex
from audit.present.blocks import Col

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "\t=1", "http://x.example"]


@pytest.fixture
def book(tmp_path: Path) -> openpyxl.Workbook:
    frame = pd.DataFrame(
        {
            "client": pd.Series(
                [*FORMULAS, "\x00\x1fбез управляющих", "😀 № ₽", Markup("<b>жирный</b>")], dtype=object
            ),
            "sum": [1.5e6, None, np.nan, np.inf, 5, 6, 7, 8, 9, 10],
            "share": [0.1] * 10,
            "day": pd.to_datetime(["2025-01-31", None, *["2024-02-29"] * 7, "1850-01-01"]),
            "status": ["found", "watch", "clear", "not_assessed", None, *["found"] * 5],
            "code": ["0012", 12345678901234567890, "7", None, True, *["x"] * 5],
        }
    )
    columns = [
        Col("client", "Клиент", note="как в заказах"),
        Col("sum", "Выручка, ₽", "money"),
        Col("share", "Доля", "share"),
        Col("day", "Дата", "date"),
        Col("status", "Оценка", "status"),
        Col("code", "Код"),
        Col("missing", "Нет такого"),
    ]
    sheets = [
        Sheet("roles.hours", "Часы", frame, columns, "за год"),
        Sheet("roles.hours", "Пусто", frame.head(0), columns),
    ]
    for name in ("a.xlsx", "b.xlsx"):
        write_annex(tmp_path / name, sheets, "ru")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    return openpyxl.load_workbook(tmp_path / "a.xlsx")


def test_no_cell_is_a_formula(book: openpyxl.Workbook) -> None:
    for page in book.worksheets:
        assert [c.coordinate for row in page.iter_rows() for c in row if c.data_type == "f"] == []
    page = book["roles.hours"]
    assert [page.cell(5 + i, 1).value for i in range(5)] == FORMULAS[:5]
    assert page["A5"].quotePrefix  # editing the cell does not make it a formula either
    assert not page["A12"].quotePrefix


def test_values_keep_their_kind(book: openpyxl.Workbook) -> None:
    page = book["roles.hours"]
    assert page["B5"].value == 1_500_000 and page["B5"].number_format == "#,##0"
    assert [page.cell(r, 2).value for r in (6, 7, 8)] == [None, None, None]
    assert page["C5"].number_format == "0.0%"
    assert page["D5"].value == dt.datetime(2025, 1, 31) and page["D5"].number_format == "dd.mm.yyyy"
    assert page["D14"].value == "1850-01-01"  # before the calendar of a sheet
    assert page["E5"].value == "● выявлено"
    assert [page.cell(r, 6).value for r in (5, 6, 9)] == ["0012", "12345678901234567890", "да"]
    assert page["A12"].value == "без управляющих"
    assert page["A14"].value == "жирный"


def test_sheets_are_easy_to_use(book: openpyxl.Workbook) -> None:
    page = book["roles.hours"]
    assert page.freeze_panes == "B5"
    assert page.auto_filter.ref == "A4:G14"
    assert page["A4"].comment is not None and page["A4"].comment.text == "как в заказах"
    index = book.worksheets[0]
    assert index.title == "Оглавление"
    assert index["A4"].hyperlink.location == "'roles.hours'!A1"
    assert [index["C4"].value, index["C5"].value] == [10, 0]


def test_sheet_names_are_legal_and_distinct() -> None:
    names = sheet_names(["a/b:c*?[x]\\", "A" * 40, "a" * 40, "History", "'quoted'", "", "Оглавление"], ["Оглавление"])
    assert names == ["a-b-c---x--", "A" * 31, "a" * 27 + " (2)", "History (2)", "quoted", "sheet", "Оглавление (2)"]
    assert all(len(n) <= 31 for n in names)
