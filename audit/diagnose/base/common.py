"""What the chapters about clients share: the period, the scale to a year, the margin, and what the export lacks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from audit.errors import Text
from audit.model.case import Case
from audit.model.orders import FIELD_NAMES

__all__ = ["MoneyBasis", "missing_fields", "money_basis", "too_few"]

_MARGIN_COVERAGE = 0.5
"""The margin of the orders is used if it is known for at least this share of revenue."""


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


@dataclass(frozen=True, slots=True)
class MoneyBasis:
    """In what money an effect is told: gross profit where a margin is known, else revenue, named so.

    ``margin_share``: gross profit ÷ revenue (1 on the basis of revenue, so that one formula serves both); ``source``:
    orders, questionnaire, or None.
    """

    basis: Literal["gross_profit", "revenue"]
    margin_share: float
    source: Literal["orders", "questionnaire"] | None


def money_basis(clients: pd.DataFrame, stated: float | None) -> MoneyBasis:
    """Choose the basis: the margin of the orders where it is known for half of the revenue, else the stated share.

    ``clients``: revenue, margin, margin_revenue (revenue of documents whose margin is known; None: unknown). A
    margin that is not positive gives no gross profit to speak of: the stated share, else revenue.
    """
    known, total = float(clients["margin_revenue"].sum()), float(clients["revenue"].sum())
    if total > 0 and known >= _MARGIN_COVERAGE * total:
        share = float(clients["margin"].sum()) / known
        if share > 0:
            return MoneyBasis("gross_profit", min(share, 1.0), "orders")
    if stated is not None and math.isfinite(stated) and stated > 0:
        return MoneyBasis("gross_profit", min(float(stated), 1.0), "questionnaire")
    return MoneyBasis("revenue", 1.0, None)
