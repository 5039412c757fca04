"""The work of an order: what hours and money the operational work takes per order, step by step.

Hours are those of the sheet «Время», whoever spends them; orders are those of the recent period. Operational work is the
group OPER of the functions: what happens between the client's word and a paid delivery, offers and claims included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from audit.errors import Text
from audit.ground.answers import Answers, read_answers
from audit.ground.lacks import missing_sheets
from audit.ground.period import since, to_year
from audit.model.case import Case, sql_text

__all__ = ["OTHER_STEP", "STEPS", "OrderWork", "hour_costs", "order_work", "steps_of"]

STEPS: Mapping[str, str] = {
    "OPS_ORDER": "entry",
    "OPS_RESERVE": "reserve",
    "OPS_CHASE": "chase",
    "OPS_SHIP": "ship",
    "OPS_DOCS": "papers",
}
"""Functions through which an order passes, in order, and the name of the step."""
OTHER_STEP = "other"
"""Offers, claims, receivables, CRM notes, polls, and hours given as operational work as a whole."""


def hour_costs(staff: pd.DataFrame) -> dict[str, float]:
    """Return the cost of an hour by person, cost a month ÷ hours a month; people without a cost are left out."""
    known = staff[staff["cost_month"].notna() & (staff["capacity_hours"] > 0)]
    return {str(r["person"]): float(r["cost_month"] / r["capacity_hours"]) for r in known.to_dict("records")}


@dataclass(frozen=True)
class OrderWork:
    """Operational work beside the orders it serves.

    ``steps``: one row per step with hours (see `steps_of`). ``hours`` and ``cost`` a month (None: what the people cost is not
    known), ``low`` and ``high``: 95 % limits of the hours told from memory. ``documents``, ``lines``: orders and their lines a
    month. ``reason``: why there is no figure; None where there is one.
    """

    steps: pd.DataFrame
    hours: float
    low: float
    high: float
    cost: float | None
    documents: float
    lines: float
    people: int
    cost_known_share: float
    reason: Text | None = None

    @property
    def hours_per_order(self) -> float:
        """Hours of operational work per order."""
        return self.hours / self.documents

    @property
    def cost_per_order(self) -> float | None:
        """What the operational work costs per order; None where the cost of the hours is not known."""
        return None if self.cost is None else self.cost / self.documents

    @property
    def error(self) -> tuple[float, float]:
        """How far the hours told may be off: lower and upper limit ÷ value."""
        return self.low / self.hours, self.high / self.hours


def steps_of(hours: pd.DataFrame, costs: Mapping[str, float]) -> pd.DataFrame:
    """Sum the operational hours by step.

    ``hours``: rows of `work_hours`; ``costs``: cost of an hour by person. Grain: one row per step that has hours, in the
    order of an order's way. Columns: step, hours (a month), km_hours (of client managers), priced_hours (whose cost is
    known), priced (their cost a month).
    """
    rows = hours[hours["group"] == "OPER"].copy()
    rows["step"] = [STEPS.get(str(f), OTHER_STEP) for f in rows["function"]]
    rate = rows["person"].map(dict(costs)).astype(float)
    rows["km_hours"] = rows["hours"].where(rows["family"] == "KM", 0.0)
    rows["priced_hours"] = rows["hours"].where(rate.notna(), 0.0)
    rows["priced"] = (rows["hours"] * rate).fillna(0.0)
    columns = ["hours", "km_hours", "priced_hours", "priced"]
    sums = rows.groupby("step")[columns].sum()
    order = [s for s in (*STEPS.values(), OTHER_STEP) if s in sums.index]
    return sums.loc[order].rename_axis("step").reset_index().astype(dict.fromkeys(columns, float))


def order_work(case: Case) -> OrderWork:
    """Return the operational work of an order, by what people say and the orders of the recent period.

    The cost of an hour is each person's own; hours of people whose cost is not given cost as much as the others' on average,
    where those known make up at least ``roles.author_min_share`` of the hours; else there is no cost.
    """
    return case.once("order_work", lambda: _order_work(case, read_answers(case)))


def _order_work(case: Case, answers: Answers) -> OrderWork:
    row = case.query(sql_text("audit.ground", "documents"), since=since(case)).iloc[0]
    a_month = to_year(case) / 12
    documents, lines = int(row["documents"]) * a_month, int(row["lines"]) * a_month
    steps = steps_of(answers.hours, hour_costs(answers.staff))
    hours = float(steps["hours"].sum())
    reason = missing_sheets(case, "staff", "time") or answers.reason
    if reason is None and documents <= 0:
        reason = Text("За последние 12 месяцев заказов нет", "No orders in the last 12 months")
    if reason is None and hours <= 0:
        reason = Text(
            "На листе «Время» ни у кого нет операционной работы: работу заказа не из чего посчитать",
            "Nobody on the sheet “Time” has operational work: there is nothing to reckon the work of an order from",
        )
    if reason is not None:
        return OrderWork(steps, hours, hours, hours, None, documents, lines, 0, 0.0, reason)
    whole = float(answers.hours["hours"].sum())
    level = case.thresholds.value("general.confidence_level")
    low, high = answers.told(None, hours / whole, hours / whole, level)
    known = float(steps["priced_hours"].sum()) / hours
    enough = known >= case.thresholds.value("roles.author_min_share")
    rate = float(steps["priced"].sum()) / float(steps["priced_hours"].sum()) if enough else None
    people = int(answers.hours.loc[answers.hours["group"] == "OPER", "person"].nunique())
    cost = None if rate is None else hours * rate
    return OrderWork(steps, hours, low * whole, high * whole, cost, documents, lines, people, known)
