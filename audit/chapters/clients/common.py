"""What the chapters about clients share: what the export lacks."""

from __future__ import annotations

from audit.errors import Text
from audit.model.case import Case
from audit.model.orders import FIELD_NAMES

__all__ = ["missing_fields", "too_few"]


def missing_fields(case: Case, *fields: str) -> Text | None:
    """Return a sentence that names the columns the orders lack, or None where all are there."""
    absent = [FIELD_NAMES[f] for f in fields if not case.has(f)]
    if not absent:
        return None
    ru, en = ", ".join(f"«{t.ru}»" for t in absent), ", ".join(f"“{t.en}”" for t in absent)
    many = len(absent) > 1
    return Text(
        f"В выгрузке заказов нет {'столбцов' if many else 'столбца'} {ru}: добавьте {'их' if many else 'его'} в "
        "выгрузку",
        f"The orders lack the {'columns' if many else 'column'} {en}: add {'them' if many else 'it'} to the export",
    )


def too_few(n: int, needed: int, what: Text) -> Text:
    """Return the sentence «too few units for a verdict»."""
    return Text(
        f"{what.ru}: {n}, для вывода нужно не меньше {needed}", f"{what.en}: {n}, a verdict needs at least {needed}"
    )
