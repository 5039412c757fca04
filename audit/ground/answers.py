"""What the questionnaire says about people and hours, read once: the ground of the chapters «roles» and «model»."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from audit.errors import Text
from audit.ground.hours import sum_mixing, work_hours
from audit.ground.lacks import missing_sheets
from audit.ground.norm import Norm, expand_roles, norm_of
from audit.ground.parts import served_parts
from audit.ground.people import staff_now
from audit.method import method
from audit.model.case import Case
from audit.stats.selfreport import told_bounds, told_cases

__all__ = ["Answers", "read_answers"]


USUAL = 2
"""Confidence of a person who named none."""


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
    confidence: Mapping[str, int]
    """How sure each person is of the own shares: 1 guess, 2, 3 records kept; 2 where nothing was said."""
    served: Mapping[str, Mapping[str, float]]
    """Which share of a person's work goes to which part of the business (`served_parts`), of people present whom the orders
    show; empty in a company of one type."""
    reason: Text | None = None
    """Why there are no hours, naming the sheets to fill in; None where there are some."""

    def told(self, families: Collection[str] | None, least: float, most: float, level: float) -> tuple[float, float]:
        """Return the limits of a share of the families' hours that was told from memory, between two readings of it.

        ``families`` None: of everybody's hours.
        """
        rows = self.hours if families is None else self.hours[self.hours["family"].isin(list(families))]
        mine = rows.groupby("person")["hours"].sum()
        cases = told_cases(mine.to_numpy(dtype=float), [self.confidence.get(str(p), USUAL) for p in mine.index])
        return told_bounds(least, most, cases, level)

    def foreign_part(self, person: str, function: str) -> float:
        """Return which share of a person's work on a function (or group) is foreign: 0 or 1, or in between for whoever serves
        parts of different types."""
        row = self.staff[self.staff["person"] == person].iloc[0]
        out = 0.0
        for part, share in self.served.get(person, {"": 1.0}).items():
            norm = self.norm.for_part(part)
            roles = expand_roles((row["role"], row["role2"]), norm.types)
            judge = norm.of_function if function in method().functions else norm.of_group
            out += share if judge(function, roles).kind == "foreign" else 0.0
        return out

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
    served = served_parts(case)
    served = {p: parts for p, parts in served.items() if p in set(staff["person"])}
    hours = work_hours(staff, time, norm, served)
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
        confidence=_confidence(time),
        served=served,
        leavers=tuple(sorted((listed & set(staff_table["person"].astype(str))) - set(staff["person"]))),
        reason=reason,
    )


def _confidence(time: pd.DataFrame) -> dict[str, int]:
    """Return the confidence of every person who gave one: of the rows with the largest shares of time, rounded."""
    if not len(time) or "confidence" not in time:
        return {}
    rows = time[time["confidence"].notna() & time["share"].notna()]
    weighted = (rows["confidence"] * rows["share"]).groupby(rows["person"].astype(str)).sum()
    shares = rows.groupby(rows["person"].astype(str))["share"].sum()
    return {str(p): round(float(weighted[p] / shares[p])) for p in weighted.index if shares[p] > 0}
