"""What mixing costs: foreign hours in money, and the 80/20 mirror."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

__all__ = ["Mirror", "foreign_cost", "mirror"]

WINNING = ("LEAD", "HUNT")
KEEPING = ("FARM", "KAM")


def foreign_cost(foreign: pd.DataFrame, costs: Mapping[str, float]) -> tuple[float, float]:
    """Return the cost a year of foreign hours, and the share of those hours whose cost is known.

    ``foreign``: person, foreign_hours (a month). Hours without a known cost are left out and lower the share.
    """
    total = float(foreign["foreign_hours"].sum())
    priced = foreign[foreign["person"].isin(list(costs))]
    cost = float((priced["foreign_hours"] * priced["person"].map(dict(costs)).astype(float)).sum()) * 12.0
    return cost, float(priced["foreign_hours"].sum()) / total if total > 0 else 1.0


@dataclass(frozen=True)
class Mirror:
    """The 80/20 mirror: hours and payroll on winning new clients beside what those clients bring, shares 0–1.

    Hours and payroll are shares of winning (LEAD, HUNT) in winning and keeping (FARM, KAM) together; None where
    nothing is known.
    """

    hours_share: float
    payroll_share: float | None
    revenue_share: float | None
    margin_share: float | None
    new_clients: int


def mirror(hours: pd.DataFrame, costs: Mapping[str, float], turnover: pd.DataFrame) -> Mirror | None:
    """Hold up the mirror; None where nobody reports hours on winning or keeping clients.

    ``turnover``: is_new (0/1), clients, revenue, margin of the recent period.
    """
    winning = hours[hours["group"].isin(WINNING)]
    selling = hours[hours["group"].isin((*WINNING, *KEEPING))]
    total = float(selling["hours"].sum())
    if total <= 0:
        return None

    def payroll(rows: pd.DataFrame) -> float:
        return float((rows["hours"] * rows["person"].map(dict(costs)).astype(float)).sum())

    covered = bool(selling["person"].isin(list(costs)).all()) and payroll(selling) > 0

    def share(column: str) -> float | None:
        values = turnover[column].astype(float)
        whole = float(values.sum())
        if len(turnover) == 0 or bool(values.isna().any()) or whole <= 0:
            return None
        return float(values[turnover["is_new"] == 1].sum()) / whole

    return Mirror(
        hours_share=float(winning["hours"].sum()) / total,
        payroll_share=payroll(winning) / payroll(selling) if covered else None,
        revenue_share=share("revenue"),
        margin_share=share("margin"),
        new_clients=int(turnover.loc[turnover["is_new"] == 1, "clients"].sum()),
    )
