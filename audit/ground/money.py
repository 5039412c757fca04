"""The company's one gross margin: every chapter, the cap of an effect and the severity use it (methodology, 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from audit.ground.period import since
from audit.model.case import Case, sql_text

__all__ = ["COVERAGE", "Basis", "Margin", "margin_of", "margin_of_lines", "money_of_year"]

Basis = Literal["gross_profit", "revenue"]
"""In what money a sum is told."""

COVERAGE = 0.5
"""Lines with a margin or a cost stand for all where they make up at least this share of revenue."""


@dataclass(frozen=True)
class Margin:
    """What revenue leaves as gross profit.

    ``share``: gross profit ÷ revenue of the company, above 0 and at most 1; None where nothing tells it, and all money
    is then revenue and called so. ``source``: the orders, the questionnaire, or none. ``own``: the share of each client
    whose own lines tell it for half of its revenue, at most 1; a client sold at a loss has a negative one.
    """

    share: float | None
    source: Literal["orders", "questionnaire", "none"]
    own: Mapping[str, float]

    @property
    def basis(self) -> Basis:
        """In what money effects are told."""
        return "revenue" if self.share is None else "gross_profit"

    @property
    def factor(self) -> float:
        """What turns revenue of the company into the money of `basis`."""
        return 1.0 if self.share is None else self.share

    def of(self, client_keys: pd.Series) -> pd.Series:
        """Return what turns each client's revenue into the money of `basis`: its own share, else the company's.

        Its own holds only where the company's is the orders', too: next to a stated share the few that are known would
        be measured by another rule than the rest.
        """
        if self.source != "orders":
            return pd.Series(self.factor, index=client_keys.index)
        return self.known_of(client_keys).fillna(self.factor)

    def known_of(self, client_keys: pd.Series) -> pd.Series:
        """Return each client's own share; nothing where its lines do not tell it."""
        return client_keys.map(self.own).astype(float)


def margin_of(case: Case) -> Margin:
    """Return the margin of the last 12 months (of the whole window where it is shorter)."""

    def make() -> Margin:
        lines = case.query(sql_text("audit.ground", "margin"), since=since(case))
        return margin_of_lines(lines, case.questionnaire.company.get("gross_margin_share"))

    return case.once("margin", make)


def money_of_year(case: Case, basis: Basis) -> float:
    """Return what the company makes in a year in that money: revenue, or gross profit by its one margin."""
    return case.annual_revenue if basis == "revenue" else case.annual_revenue * margin_of(case).factor


def margin_of_lines(lines: pd.DataFrame, stated: float | None) -> Margin:
    """Choose the margin: of the orders where they tell it for half of the revenue, else as the company states it.

    ``lines``: one row per client: client_key, revenue, margin (gross profit of the lines that carry one), known
    (revenue of just those lines). A share that is not above 0 and at most 1 is none.
    """
    told = lines[(lines["revenue"] > 0) & (lines["known"] > 0) & (lines["known"] >= COVERAGE * lines["revenue"])]
    shares = (told["margin"] / told["known"]).clip(upper=1.0).astype(float)
    own = dict(zip(told["client_key"].astype(str), shares, strict=True))
    revenue, known = float(lines["revenue"].sum()), float(lines["known"].sum())
    if revenue > 0 and known >= COVERAGE * revenue:
        share = float(lines["margin"].sum()) / known
        if 0 < share <= 1:
            return Margin(share, "orders", own)
    if stated is not None and 0 < float(stated) <= 1:
        return Margin(float(stated), "questionnaire", own)
    return Margin(None, "none", own)
