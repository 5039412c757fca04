"""Sentences that several chapters need when a column of the orders or a sheet of the questionnaire is missing."""

from __future__ import annotations

from audit.errors import Text
from audit.model.case import Case
from audit.model.orders import FIELD_NAMES
from audit.model.questionnaire import TABLES

__all__ = ["missing_columns", "missing_sheet", "too_few"]


def missing_columns(case: Case, *fields: str) -> Text | None:
    """Return a sentence naming the columns that the orders lack, or None where they have them all."""
    absent = [FIELD_NAMES[f] for f in fields if not case.has(f)]
    if not absent:
        return None
    ru = ", ".join(f"«{t.ru}»" for t in absent)
    en = ", ".join(f"“{t.en}”" for t in absent)
    many = len(absent) > 1
    return Text(
        f"В заказах нет {'столбцов' if many else 'столбца'} {ru}",
        f"The orders lack the column{'s' if many else ''} {en}",
    )


def missing_sheet(case: Case, *tables: str) -> Text | None:
    """Return a sentence naming the sheets of the questionnaire that are not filled in, or None where all are."""
    absent = [TABLES[t] for t in tables if not case.questionnaire.has(t)]
    if not absent:
        return None
    ru = ", ".join(f"«{t.ru}»" for t in absent)
    en = ", ".join(f"“{t.en}”" for t in absent)
    many = len(absent) > 1
    return Text(
        f"В анкете не {'заполнены листы' if many else 'заполнен лист'} {ru}",
        f"The questionnaire's {'sheets' if many else 'sheet'} {en} {'are' if many else 'is'} not filled in",
    )


def too_few(n: int, needed: int, what: Text) -> Text:
    """Return the reason «too few units»."""
    return Text(f"{what.ru}: {n}, нужно не меньше {needed}", f"{what.en}: {n}, at least {needed} are needed")
