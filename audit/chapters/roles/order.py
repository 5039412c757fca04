"""The work of an order in the chapter «roles»: hours and money per order, what people say beside what leaves a trace."""

from __future__ import annotations

import pandas as pd

from audit.chapters.roles.daylog import CleanLog
from audit.errors import Text
from audit.ground.work import OTHER_STEP, STEPS, OrderWork
from audit.model.result import Metric, metric, no_metric

__all__ = ["STEP_COLUMNS", "logged_hours", "order_metrics", "order_steps"]

STEP_COLUMNS = (
    "step",
    "hours",
    "km_hours",
    "minutes",
    "km_minutes",
    "km_log_minutes",
    "trace_minutes",
    "cost",
    "cost_year",
)
NO_COST = Text(
    "На листе «Сотрудники» не указана стоимость месяца у тех, кто занят операционной работой",
    "The sheet “Staff” lacks the cost a month of those who do operational work",
)


def logged_hours(log: CleanLog | None, family: str, hours: float, min_days: int) -> dict[str, float]:
    """Return a family's hours a month by step as its day log has them: share of logged hours × its working hours.

    Empty with fewer than ``min_days`` whole person-days.
    """
    if log is None or hours <= 0:
        return {}
    rows = log.rows[log.rows["family"] == family]
    if int((log.days["family"] == family).sum()) < min_days or rows.empty:
        return {}
    oper = rows[rows["group"] == "OPER"]
    steps = [STEPS.get(str(f), OTHER_STEP) for f in oper["function"]]
    shares = oper.groupby(pd.Series(steps, index=oper.index, dtype=object))["hours"].sum() / float(rows["hours"].sum())
    return {str(s): float(v) * hours for s, v in shares.items()}


def order_steps(work: OrderWork, logged: dict[str, float], trace_hours: float | None) -> pd.DataFrame:
    """Return the work of an order step by step, one row per step with hours.

    ``logged``: client managers' hours a month by step from the day log, empty without one; ``trace_hours``: hours a month
    that typing the orders takes by the minutes per order and line. Columns: step, hours and km_hours a month; minutes,
    km_minutes, km_log_minutes, trace_minutes per order (missing where not known); cost per order, cost_year.
    """
    if work.reason is not None:
        return pd.DataFrame(columns=list(STEP_COLUMNS))
    out = work.steps[["step", "hours", "km_hours"]].copy()
    per_order = 60.0 / work.documents
    out["minutes"], out["km_minutes"] = out["hours"] * per_order, out["km_hours"] * per_order
    spoken = {s: logged.get(s, 0.0) * per_order for s in out["step"]} if logged else {}
    out["km_log_minutes"] = out["step"].map(spoken).astype(float)
    trace = {} if trace_hours is None else {STEPS["OPS_ORDER"]: trace_hours * per_order}
    out["trace_minutes"] = out["step"].map(trace).astype(float)
    rate = float("nan") if work.cost is None else work.cost / work.hours
    out["cost"] = out["hours"] * rate / work.documents
    out["cost_year"] = out["hours"] * rate * 12.0
    return out[list(STEP_COLUMNS)]


def order_metrics(work: OrderWork, steps: pd.DataFrame) -> list[Metric]:
    """Return hours and money per order; the limits are those of shares of time told from memory."""
    ids = ("roles.hours_per_order", "roles.order_cost")
    if work.reason is not None:
        return [no_metric(id, work.reason) for id in ids]
    low, high = work.error
    per = work.hours_per_order
    longest = steps.sort_values(["hours", "step"], ascending=[False, True]).iloc[0]
    hours = metric(
        ids[0],
        per,
        low=per * low,
        high=per * high,
        n=work.people,
        hours_month=work.hours,
        orders_month=work.documents,
        km_share=float(steps["km_hours"].sum()) / work.hours,
        longest_step=str(longest["step"]),
        longest_share=float(longest["hours"]) / work.hours,
    )
    cost = work.cost_per_order
    if cost is None:
        return [hours, no_metric(ids[1], NO_COST, known_share=work.cost_known_share)]
    known = work.cost_known_share
    return [hours, metric(ids[1], cost, low=cost * low, high=cost * high, n=work.people, known_share=known)]
