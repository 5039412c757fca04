"""The order template as a workbook: a sheet to paste the export into, and a sheet that explains each column."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import xlsxwriter

from audit.errors import Lang
from audit.present.forms_workbook import CREATED
from audit.resources import resource_dir

__all__ = ["asked_columns", "order_words", "write_template_workbook"]

_TAB = {"required": "#F6C9C4", "important": "#DCE6F0", "useful": "#EEEEEE"}
_DATES = ("order_date", "requested_date", "promised_date", "shipped_date", "delivered_date", "client_since")
_NUMBERS = ("amount", "margin", "cost", "qty", "shipped_pct", "price_index")


@lru_cache(maxsize=1)
def order_words() -> dict[str, Any]:
    """Read the columns of the template with labels, notes and examples (both languages)."""
    path = resource_dir("templates") / "forms" / "orders.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def asked_columns() -> dict[str, Any]:
    """Return the columns that the template and the letter ask for."""
    return {key: c for key, c in order_words()["columns"].items() if c["need"] != "unasked"}


def write_template_workbook(path: Path, lang: Lang) -> None:
    """Write the template; the same language gives the same bytes.

    The sheet of orders holds headings only, so that nothing but the client's rows can be read as orders. The sheet of
    notes has one row per field: heading, key, need, what to write, and two made-up examples.
    """
    words = order_words()
    w, columns = words["sheet"][lang], asked_columns()
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": w["orders"], "author": "km-audit", "created": CREATED})
        base = {"font_name": "Arial", "font_size": 10, "valign": "top"}
        edge = {**base, "border": 1, "border_color": "#C9CED6", "text_wrap": True}
        head = {need: book.add_format({**edge, "bold": True, "bg_color": colour}) for need, colour in _TAB.items()}
        cell, grey = book.add_format(edge), book.add_format({**edge, "font_color": "#7A8290", "italic": True})
        top, wrap = head["important"], book.add_format({**base, "text_wrap": True})
        # Keys and numbers of documents are text, or Excel eats their leading zeros.
        as_text = book.add_format({**base, "num_format": "@"})
        as_date = book.add_format({**base, "num_format": "dd.mm.yyyy"})
        as_number = book.add_format({**base, "num_format": "#,##0.00"})

        sheet = book.add_worksheet(w["orders"])
        for i, (key, column) in enumerate(columns.items()):
            format_ = as_date if key in _DATES else as_number if key in _NUMBERS else as_text
            sheet.set_column(i, i, 16 if key in _DATES or key in _NUMBERS else 22, format_)
            sheet.write_string(0, i, column[lang]["label"], head[column["need"]])
        sheet.set_row(0, 32)
        sheet.freeze_panes(1, 1)

        notes = book.add_worksheet(w["notes"])
        notes.set_column(0, 0, 28)
        notes.set_column(1, 2, 17)
        notes.set_column(3, 3, 62)
        notes.set_column(4, 5, 22)
        notes.merge_range(0, 0, 0, 5, w["intro"], wrap)
        notes.set_row(0, 32)
        for i, key in enumerate(("field", "key", "need", "note", "example1", "example2")):
            notes.write_string(2, i, w[key], top)
        for row, (key, column) in enumerate(columns.items(), 3):
            notes.write_string(row, 0, column[lang]["label"], head[column["need"]])
            notes.write_string(row, 1, key, cell)
            notes.write_string(row, 2, w[column["need"]], cell)
            notes.write_string(row, 3, column[lang]["note"], cell)
            for i in range(2):
                notes.write_string(row, 4 + i, column["examples"][lang][i], grey)
        notes.freeze_panes(3, 1)
        notes.hide_gridlines(2)
