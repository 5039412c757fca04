"""Whether a workbook is the questionnaire: it may lie among the orders by mistake."""

from __future__ import annotations

import re
import zipfile
from html import unescape
from pathlib import Path

from audit.intake.archives import DAMAGED_ZIP
from audit.model.questionnaire import TABLES

__all__ = ["is_questionnaire"]

_SHEET = re.compile(r"<(?:\w+:)?sheet\b[^>]*?\bname=\"([^\"]+)\"")
_LEAST = 4
"""Sheets of the questionnaire's own names from which a workbook is one."""


def is_questionnaire(path: Path) -> bool:
    """Tell by the names of its sheets whether an XLSX workbook is the questionnaire."""
    try:
        with zipfile.ZipFile(path) as package, package.open("xl/workbook.xml") as part:
            named = {unescape(n) for n in _SHEET.findall(part.read(1 << 20).decode("utf-8", "replace"))}
    except (*DAMAGED_ZIP, KeyError):
        return False
    return sum(t.ru in named or t.en in named for t in TABLES.values()) >= _LEAST
