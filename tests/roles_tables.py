"""Small tables for the tests of roles and conveyor: who works, what the time goes to, what the orders say."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import pandas as pd

from audit.ground.hours import work_hours
from audit.ground.norm import Norm
from audit.ground.people import staff_now
from audit.method import method
from audit.model.case import Case
from audit.model.sale_type import judge_sale_type
from audit.settings import settings_from_mapping
from tests.case_builder import make_case, make_questionnaire

AS_OF = dt.date(2025, 12, 31)
Time = Mapping[str, Mapping[str, float]]


def staff(*people: str, **extra: Mapping[str, Any]) -> list[dict[str, Any]]:
    """``"K1 KM"`` or ``"K1 KM OP"`` (two roles) → rows of the staff sheet; ``K1={"fte": 0.5}`` adds columns."""
    rows = []
    for text in people:
        code, *roles = text.split()
        row: dict[str, Any] = {"person": code, "role": roles[0] if roles else None}
        if len(roles) > 1:
            row["role2"] = roles[1]
        rows.append(row | dict(extra.get(code, {})))
    return rows


def time(answers: Time) -> list[dict[str, Any]]:
    """``{"K1": {"OPS_ORDER": 0.5, …}}`` → rows of the time sheet."""
    return [{"person": p, "function": f, "share": s} for p, fs in answers.items() for f, s in fs.items()]


def hours_of(
    people: Sequence[dict[str, Any]], answers: Time, sale_type: str = "TC", *, types: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame, Norm]:
    """Judged hours (160 a month), people present, and the norm, without any file."""
    q = make_questionnaire({"staff": people, "time": time(answers)})
    kinds = tuple(types) or (sale_type,)
    present = staff_now(q.table("staff"), AS_OF, 160.0, kinds)
    held = {r for rs in present["roles"] for r in rs}
    norm = Norm(kinds, frozenset(held))
    return work_hours(present, q.table("time"), norm), present, norm


def orders(n: int = 0, **columns: Any) -> list[dict[str, Any]]:
    """``n`` orders, one a day back from the audit, twenty-five clients in turn; columns may be functions of i."""
    rows = []
    for i in range(n):
        day = AS_OF - dt.timedelta(days=i % 360)
        row = {"order_id": f"o{i}", "order_date": day.isoformat(), "client_id": f"c{i % 25}", "amount": 100.0}
        rows.append(row | {k: v(i) if callable(v) else v for k, v in columns.items()})
    # Two years earlier, so that the window is longer than the recent period.
    first = {"order_id": "old", "order_date": "2023-01-01", "client_id": "c0", "amount": 100.0}
    return [*rows, first]


def case_of(
    people: Sequence[dict[str, Any]] | None,
    answers: Time | None = None,
    *,
    sale_type: str | None = "TC",
    lines: list[dict[str, Any]] | None = None,
    thresholds: Mapping[str, Any] | None = None,
    report: Mapping[str, Any] | None = None,
    company: Mapping[str, Any] | None = None,
    **tables: list[dict[str, Any]],
) -> Case:
    """A case with a questionnaire (none where ``people`` is None) and forty orders unless ``lines`` are given."""
    questionnaire: dict[str, Any] | None = None
    if people is not None:
        questionnaire = {"company": {"name": "Проба", "sale_type": sale_type, **(company or {})}, "staff": people}
        questionnaire |= {"time": time(answers or {})} | tables
    settings: dict[str, Any] = {"thresholds": dict(thresholds or {}), "report": dict(report or {})}
    if people is None and sale_type is not None:
        settings["company"] = {"sale_type": sale_type}
    if lines is not None:
        return make_case(lines, questionnaire, settings)
    # The same forty orders again and again: only what the questionnaire and the settings change is made anew.
    base, chosen = _forty_orders(), settings_from_mapping(settings)
    q = make_questionnaire(questionnaire or {})
    limits = method().thresholds.override(chosen.thresholds)
    declared = chosen.company.sale_type or q.company.get("sale_type")
    kind = judge_sale_type(base.engine, base.window, limits, declared, q.company)
    return dataclasses.replace(base, settings=chosen, thresholds=limits, questionnaire=q, sale_type=kind)


@lru_cache(maxsize=1)
def _forty_orders() -> Case:
    return make_case(orders(40))
