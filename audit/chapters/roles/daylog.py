"""The day log («фотография дня»): what people really did, with the day as the sampling unit.

Slots of one day hang together, days hardly do: a share is hours on a group over all logged hours, its interval a
t-interval over person-days. Three person-days are the least for a role, five for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from scipy import special

from audit.ground.hours import BREAK
from audit.method import method
from audit.stats.intervals import Estimate, ratio_t
from audit.stats.shares import clustered_share

__all__ = [
    "INITIATIVE",
    "CleanLog",
    "Switching",
    "clean_log",
    "day_ratio",
    "group_shares",
    "initiative",
    "operational_by_person",
    "switching",
]


@dataclass(frozen=True)
class CleanLog:
    """A day log fit to be counted.

    ``rows``: person, family, date, start, end (minutes since midnight), function, group, initiator, client,
    interrupted, hours — working entries of whole days. ``days``: person, family, date, hours (working, breaks
    excluded). ``short_days``: person-days with too few logged hours, left out; ``clipped``: entries cut because they
    overlap the one before; ``bad``: entries that end before they begin or of people not present, left out.
    """

    rows: pd.DataFrame
    days: pd.DataFrame
    short_days: int
    clipped: int
    bad: int


_COLUMNS = (
    "person",
    "family",
    "date",
    "start",
    "end",
    "function",
    "group",
    "initiator",
    "client",
    "interrupted",
    "hours",
)


def clean_log(log: pd.DataFrame, staff: pd.DataFrame, min_hours_day: float) -> CleanLog:
    """Cut overlaps, leave out breaks and days that were not logged whole.

    A day is whole from ``min_hours_day`` logged hours (breaks included) × the person's FTE, at most 1. An entry that
    starts before the previous one of the same person and day ends is cut to start there: no minute counts twice.
    """
    functions = method().functions
    family = dict(zip(staff["person"], staff["family"], strict=True))
    fte = dict(zip(staff["person"], staff["fte"], strict=True))
    bad = clipped = 0
    rows: list[dict[str, object]] = []
    frame = log.copy()
    frame["person"] = frame["person"].astype(str)
    for (person, date), part in frame.sort_values(["person", "date", "start", "end"], kind="stable").groupby(
        ["person", "date"], sort=True
    ):
        reached = -1.0
        for r in part.to_dict("records"):
            start, end = float(r["start"]), float(r["end"])
            if person not in family or not end > start:  # NaN compares false: bad too
                bad += 1
                continue
            if start < reached:
                clipped += 1
                start = reached
                if end <= start:
                    continue
            reached = end
            code = str(r["function"])
            rows.append(
                {
                    "person": person,
                    "family": family[person],
                    "date": date,
                    "start": start,
                    "end": end,
                    "function": code,
                    "group": functions[code].group if code in functions else code,
                    "initiator": r.get("initiator"),
                    "client": r.get("client"),
                    "interrupted": r.get("interrupted"),
                    "hours": (end - start) / 60.0,
                }
            )
    clean = pd.DataFrame(rows, columns=list(_COLUMNS))
    clean["hours"] = clean["hours"].astype(float)
    logged = clean.groupby(["person", "date"])["hours"].sum().reset_index()
    least = min_hours_day * logged["person"].map(fte).astype(float).clip(upper=1.0)
    whole = logged[logged["hours"] >= least - 1e-9]
    short = len(logged) - len(whole)
    clean = clean.merge(whole[["person", "date"]], on=["person", "date"], how="inner")
    clean = clean[clean["function"] != BREAK].reset_index(drop=True)
    days = clean.groupby(["person", "family", "date"], dropna=False)["hours"].sum().reset_index()
    return CleanLog(clean, days, short, clipped, bad)


def day_ratio(part: pd.Series, whole: pd.Series) -> tuple[Estimate, float]:
    """Return Σ ``part`` ÷ Σ ``whole`` (hours of person-days) with its t-interval, and the standard error.

    The standard error is NaN with fewer than two days; the limits stay between 0 and 1.
    """
    top, bottom = part.to_numpy(dtype=float), whole.to_numpy(dtype=float)
    half = ratio_t(top, bottom).half_width
    error = float("nan") if half is None else half / float(special.stdtrit(len(top) - 1, 0.975))
    return ratio_t(top, bottom, bounds=(0.0, 1.0)), error


def group_shares(log: CleanLog, by: str, min_days: int) -> pd.DataFrame:
    """Return the share of logged hours that each role (or person) spends on each group of functions.

    Grain: ``by`` × group, for units with at least ``min_days`` person-days. Columns: by, group, days, people, share,
    low, high (95 % t-interval over days), error (standard error). Groups never met have share 0.
    """
    groups = list(method().groups)
    keys = ["person", "date"]
    table = log.rows.pivot_table(index=keys, columns="group", values="hours", aggfunc="sum", fill_value=0.0)
    table = table.reindex(columns=groups, fill_value=0.0)
    days = log.days.set_index(keys)
    out = []
    for unit, part in days.dropna(subset=[by] if by in days else []).groupby(by, sort=True):
        if len(part) < min_days:
            continue
        mine = table.loc[part.index]
        people = part.index.get_level_values("person").nunique()
        for group in groups:
            e, error = day_ratio(mine[group], part["hours"])
            out.append(
                {
                    by: unit,
                    "group": group,
                    "days": len(part),
                    "people": people,
                    "share": e.value,
                    "low": e.low,
                    "high": e.high,
                    "error": error,
                }
            )
    columns = [by, "group", "days", "people", "share", "low", "high", "error"]
    frame = pd.DataFrame(out, columns=columns)
    numbers = ["share", "low", "high", "error"]
    frame[numbers] = frame[numbers].astype(float)
    return frame


def operational_by_person(
    log: CleanLog, foreign: Mapping[tuple[str, str], float], min_days: int, notes_share: float
) -> pd.DataFrame:
    """Return each person's logged operational share by the definition of the self-report.

    ``foreign``: (person, function) → which share of it is foreign OPER work (0 or 1, between them for whoever serves parts
    of different types). Own CRM notes up to ``notes_share`` of a day's hours are taken off that day. Columns: person, days,
    share, low, high; people with ``min_days`` whole days only.
    """
    rows = log.rows.copy()
    rows["part"] = [foreign.get((p, f), 0.0) for p, f in zip(rows["person"], rows["function"], strict=True)]
    rows["hours"] = rows["hours"] * rows["part"]
    rows = rows[rows["part"] > 0]
    notes_part = {p: foreign.get((str(p), "OPS_CRM"), 0.0) for p in rows["person"].unique()}
    crm = rows[rows["function"] == "OPS_CRM"].groupby(["person", "date"])["hours"].sum()
    out = []
    for person, days in log.days.groupby("person", sort=True):
        if len(days) < min_days:
            continue
        done = rows[rows["person"] == person].groupby(["person", "date"])["hours"].sum()
        index = pd.MultiIndex.from_frame(days[["person", "date"]])
        day_hours = pd.Series(days["hours"].to_numpy(dtype=float), index=index)
        limit = notes_share * notes_part.get(person, 0.0) * day_hours
        notes = crm.reindex(index).fillna(0.0).clip(upper=limit)
        top = (done.reindex(index).fillna(0.0) - notes).to_numpy(dtype=float)
        e = ratio_t(top, day_hours.to_numpy(), bounds=(0.0, 1.0))
        out.append({"person": person, "days": len(days), "share": e.value, "low": e.low, "high": e.high})
    return pd.DataFrame(out, columns=["person", "days", "share", "low", "high"])


INITIATIVE = ["family", "days", "by_client", "by_us", "share", "low", "high"]


def initiative(log: CleanLog, level: float = 0.95) -> pd.DataFrame:
    """Return who begins the work of each role: entries that the client began, that we began, and our share.

    Grain: one row per role with such entries, largest number first; ``days``: person-days with them. Interval: days are
    what was drawn. A developer who calls all day would hide, in one sum, client managers who only answer.
    """
    rows = log.rows[log.rows["initiator"].isin(["IN", "OUT"])]
    out = []
    for family, part in rows.dropna(subset=["family"]).groupby("family", sort=True):
        ours = (part["initiator"] == "OUT").groupby([part["person"], part["date"]])
        e = clustered_share(ours.sum(), ours.size(), level)
        us = int(ours.sum().sum())
        out.append((family, ours.ngroups, len(part) - us, us, e.value, e.low, e.high))
    frame = pd.DataFrame(out, columns=INITIATIVE).astype({"share": float, "low": float, "high": float})
    most = (frame["by_client"] + frame["by_us"]).sort_values(ascending=False, kind="stable").index
    return frame.loc[most].reset_index(drop=True)


@dataclass(frozen=True)
class Switching:
    """How chopped up the day is: group changes an hour, share of entries interrupted, who begins the work.

    ``interrupted_share`` is None where nobody filled it; ``by_client`` and ``by_us`` count entries begun by the
    client (IN) and by the person (OUT).
    """

    changes_per_hour: Estimate
    changes: int
    hours: float
    interrupted_share: float | None
    by_client: int
    by_us: int
    days: int
    people: int


def switching(log: CleanLog) -> Switching:
    """Count how often the group of functions changes within a person's day, per logged working hour.

    Breaks end nothing: work on the same group before and after lunch is no change. Interval: t over person-days.
    """
    rows = log.rows.sort_values(["person", "date", "start"], kind="stable")
    before = rows.groupby(["person", "date"])["group"].shift()
    rows = rows.assign(changed=((rows["group"] != before) & before.notna()).astype(float))
    per_day = rows.groupby(["person", "date"], as_index=False).agg(changed=("changed", "sum"), hours=("hours", "sum"))
    told = rows["interrupted"].dropna()
    return Switching(
        changes_per_hour=ratio_t(per_day["changed"], per_day["hours"], bounds=None),
        changes=int(rows["changed"].sum()),
        hours=float(rows["hours"].sum()),
        interrupted_share=float(told.astype(bool).mean()) if len(told) else None,
        by_client=int((rows["initiator"] == "IN").sum()),
        by_us=int((rows["initiator"] == "OUT").sum()),
        days=len(per_day),
        people=int(per_day["person"].nunique()) if len(per_day) else 0,
    )
