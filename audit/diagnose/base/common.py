"""What the chapters about clients share: the period, the scale to a year, the margin, and what the export lacks."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from audit.diagnose.roles.people import labels
from audit.model.case import Case, sql_text

__all__ = ["MoneyBasis", "money_basis", "person_labels", "since", "to_year"]

_MARGIN_COVERAGE = 0.5
"""The margin of the orders is used if it is known for at least this share of revenue."""


def since(case: Case) -> dt.date:
    """Return the first day of the recent period inside the window."""
    return max(case.window.recent_start, case.window.start)


def to_year(case: Case) -> float:
    """Return what turns a sum of the recent period into a yearly one: 1, or more where the window is shorter."""
    w = case.window
    return 12 / case.settings.period.recent_months if w.recent_is_whole else 365.25 / max(w.days, 1)


def person_labels(case: Case, people: Iterable[str]) -> dict[str, str]:
    """Return how the report names these people; strangers are numbered among everybody named in the orders."""
    seen = case.query(sql_text("audit.diagnose", "base_people"))["manager"]
    names = labels(case, [str(m) for m in seen])
    return {p: names.get(p, p) for p in sorted(set(people))}


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
