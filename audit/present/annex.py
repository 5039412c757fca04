"""The annex: every list and table behind the report in one workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xlsxwriter

from audit.errors import Lang
from audit.present.blocks import Col

__all__ = ["Sheet", "write_annex"]


@dataclass(frozen=True)
class Sheet:
    """One sheet of the annex."""

    name: str
    title: str
    frame: pd.DataFrame
    columns: Sequence[Col]
    note: str = ""


def write_annex(path: Path, sheets: Sequence[Sheet], lang: Lang) -> None:
    """Write the workbook; every text is text."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name[:31])
        for k, c in enumerate(sheet.columns):
            page.write_string(0, k, c.label)
        for r, record in enumerate(sheet.frame.to_dict("records"), 1):
            for k, c in enumerate(sheet.columns):
                v = record.get(c.key)
                if v is None or v != v:
                    continue
                if isinstance(v, int | float) and not isinstance(v, bool):
                    page.write_number(r, k, v)
                else:
                    page.write_string(r, k, str(v))
    book.close()
