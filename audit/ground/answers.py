"""What the questionnaire says about people and hours, read once: the ground of the chapters «roles» and «model»."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from audit.errors import Text
from audit.ground.hours import sum_mixing, work_hours
from audit.ground.lacks import missing_sheets
from audit.ground.norm import Norm, norm_of
from audit.ground.people import staff_now
from audit.model.case import Case

__all__ = ["Answers", "read_answers"]


@dataclass(frozen=True)
class Answers:
    """People present, their judged hours, and the norm by which they were judged.

    ``without_time``: people present with no working hours in the sheet «Время»; ``leavers``: people with hours who
    had left before the day of the audit, left out.
    """

    staff: pd.DataFrame
    hours: pd.DataFrame
    norm: Norm
    type_shares: Mapping[str, float]
    hours_per_month: float
    without_time: tuple[str, ...]
    leavers: tuple[str, ...]
    reason: Text | None = None
    """Why there are no hours, naming the sheets to fill in; None where there are some."""

    @property
    def known_share(self) -> float:
        """Share of working hours whose function, not only group, is known; 0 without hours."""
        if self.hours.empty:
            return 0.0
        sums = sum_mixing(self.hours, []).iloc[0]
        return float(sums["known_hours"] / sums["hours"]) if sums["hours"] > 0 else 0.0


def read_answers(case: Case) -> Answers:
    """Read staff and time of the questionnaire and judge every hour by the norm of the types in use."""
    q = case.questionnaire
    staff_table, time = q.table("staff"), q.table("time")
    per_month = q.hours_per_month()
    as_of = case.window.as_of
    norm, shares = norm_of(case)
    staff = staff_now(staff_table, as_of, per_month, norm.types)
    working = staff[staff["fte"] > 0]
    held = {r for rs in working["roles"] for r in rs}
    norm = Norm(norm.types, frozenset(held))
    hours = work_hours(staff, time, norm)
    reason = missing_sheets(case, "staff", "time")
    if reason is None and hours.empty:
        reason = Text(
            "На листе «Время» нет рабочих часов действующих сотрудников",
            "The sheet “Time” has no working hours of present staff",
        )
    listed = set(time["person"].astype(str)) if len(time) else set()
    return Answers(
        staff=staff,
        hours=hours,
        norm=norm,
        type_shares=shares,
        hours_per_month=per_month,
        without_time=tuple(p for p in staff["person"] if p not in set(hours["person"])),
        leavers=tuple(sorted((listed & set(staff_table["person"].astype(str))) - set(staff["person"]))),
        reason=reason,
    )
