"""A company that sells in several types: every figure of the conveyor part by part, no verdict on the mixture.

A part is a type of sale of the sheet «Типы продаж» with enough revenue. Clients belong to the part of most of their revenue;
whether a new client buys again is told of the part of its first order day, which the later purchases cannot change. People
work for the parts in proportion to the order days they serve there (`audit.ground.parts.served_parts`); hours of whoever
serves too few to tell are shared out like all order days, judged as they are for the company: foreign hours sum to its own.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.conveyor.stations import conveyor, fte_on, required_stations
from audit.ground.answers import Answers
from audit.ground.hours import sum_mixing
from audit.ground.newcomers import mark_new
from audit.ground.norm import Norm
from audit.ground.parts import client_parts, whole_parts
from audit.model.case import Case, sql_text
from audit.stats.survival import kaplan_meier

__all__ = ["PART_COLUMNS", "STATION_COLUMNS", "Parts", "interval_fits", "part_hours", "parts_of"]

PART_COLUMNS = (
    "sale_type",
    "values",
    "revenue_share",
    "clients",
    "interval_days",
    "interval_n",
    "interval_fits",
    "new_clients",
    "second",
    "second_low",
    "second_high",
    "foreign_share",
    "coverage",
    "weakest",
    "missing",
)


def interval_fits(sale_type: str, days: float | None, short: float, long: float) -> bool | None:
    """Tell whether a usual interval is one of the type (methodology, section 2); None without an interval."""
    if days is None:
        return None
    fits = {"T", "TC"} if days <= short else {"TC"} if days <= long else {"C", "CS"}
    # the interval alone never refutes a consultative sale, nor does it say anything of a strategic one
    return sale_type in fits | {"C", "S", "CS"}


STATION_COLUMNS = ("sale_type", "station", "required", "fte", "own_hours", "foreign_hours", "coverage")


@dataclasses.dataclass(frozen=True)
class Parts:
    """The parts of the business, and the conveyor of each: who stands where, how much of the work is done there.

    ``stations``: one row per part × station that any type requires: sale_type, station, required (by this type), fte (people's
    posts × the share of their work that goes to the part: they sum to the company's), own_hours, foreign_hours, coverage.
    """

    table: pd.DataFrame
    stations: pd.DataFrame


def parts_of(case: Case, answers: Answers) -> Parts:
    """Return the parts of a company that sells in several types, the largest first; no rows where it sells in one.

    Columns of the table: sale_type; values (segments and item groups named in the sheet); revenue_share; clients (that bought
    in the recent period); interval_days over interval_n regular clients and whether it is one of the type; new_clients with
    the share that buys again within the horizon (Kaplan–Meier, limits); foreign_share of the hours that go to this part;
    coverage of the weakest required station, its code, and required stations that nobody holds. Missing where not known.
    """
    types = answers.norm.types
    if len(types) < 2:
        return Parts(pd.DataFrame(columns=list(PART_COLUMNS)), pd.DataFrame(columns=list(STATION_COLUMNS)))
    sheet = case.questionnaire.table("sale_types")
    home, now, first = (client_parts(case, by) for by in ("revenue", "recent", "first"))
    gaps = case.query(sql_text("audit.chapters.conveyor", "part_gaps"))
    gaps = gaps.assign(part=gaps["client_key"].map(home))
    clients = case.clients()
    new = clients[mark_new(clients, case.window)]
    new = new.assign(part=new["client_key"].map(first))
    whole = whole_parts(case)
    t = case.thresholds
    least = t.count("general.min_units")
    short, long = t.value("model.interval_short_days"), t.value("model.interval_long_days")
    rows, conveyors = [], []
    for kind in types:
        hours = part_hours(answers.hours, kind, float(whole[kind]))
        conveyors.append(_conveyor(case, answers, hours, kind, float(whole[kind])))
        mine = gaps.loc[gaps["part"] == kind, "gap"].dropna()
        usual = float(mine.median()) if len(mine) >= least else None
        rows.append(
            {
                "sale_type": kind,
                "values": sorted(str(v) for v in sheet.loc[sheet["sale_type"] == kind, "value"]),
                "revenue_share": answers.type_shares[kind],
                "clients": int((now == kind).sum()),
                "interval_days": usual,
                "interval_n": len(mine),
                "interval_fits": interval_fits(kind, usual, short, long),
                **_second(case, new[new["part"] == kind], least),
                **_hours(case, hours, conveyors[-1]),
            }
        )
    out = pd.DataFrame(rows, columns=list(PART_COLUMNS))
    numbers = ["interval_days", "second", "second_low", "second_high", "foreign_share", "coverage"]
    stations = pd.concat(conveyors, ignore_index=True)[list(STATION_COLUMNS)]
    return Parts(out.astype(dict.fromkeys(numbers, float)), stations)


def _second(case: Case, new: pd.DataFrame, least: int) -> dict[str, Any]:
    """Return the second-purchase share of these new clients within the horizon, with at least so many of them watched for it."""
    w = case.window
    end = pd.Timestamp(w.as_of)
    followed = (end - new["first_day"]).dt.days
    out: dict[str, Any] = {"new_clients": len(new), "second": None, "second_low": None, "second_high": None}
    if int((followed >= w.horizon_days).sum()) < least:
        return out
    waits = (new["second_day"].fillna(end) - new["first_day"]).dt.days
    curve = kaplan_meier(waits.to_numpy(dtype=np.int64), new["second_day"].notna().to_numpy(dtype=np.bool_))
    e = curve.at(w.horizon_days).event_share
    return out | {"second": e.value, "second_low": e.low, "second_high": e.high}


def part_hours(hours: pd.DataFrame, kind: str, whole: float) -> pd.DataFrame:
    """Return the hours that go to one part: its own, and of those that serve no known part the share ``whole``."""
    factor = (hours["part"] == kind) + (hours["part"] == "") * whole
    out = hours.assign(hours=hours["hours"] * factor)
    return out[out["hours"] > 0].reset_index(drop=True)


def _conveyor(case: Case, answers: Answers, hours: pd.DataFrame, kind: str, whole: float) -> pd.DataFrame:
    """Return the conveyor of one part by the norm of its type alone; stations that only other types require stand in it, too."""
    required = required_stations((kind,))
    mine = dataclasses.replace(answers, hours=hours, norm=Norm((kind,), answers.norm.held))
    stations = [*required, *(s for s in required_stations(answers.norm.types) if s not in required)]
    table = conveyor(mine, stations, required, case.thresholds.value("roles.own_crm_notes_share"))
    fte = [
        sum(fte_on(mine, p, str(s)) * answers.served.get(p, {kind: whole}).get(kind, 0.0) for p in who)
        for s, who in zip(table["station"], table["who"], strict=True)
    ]
    return table.assign(sale_type=kind, posts=table["fte"], fte=fte)


def _hours(case: Case, hours: pd.DataFrame, table: pd.DataFrame) -> dict[str, Any]:
    """Return foreign share and coverage of the hours that go to one part, and the stations that nobody holds."""
    table = table[table["required"].astype(bool)]
    none = {"foreign_share": None, "coverage": None, "weakest": None}
    known = not case.questionnaire.table("staff").empty
    missing = [str(s) for s in table.loc[table["posts"] <= 0, "station"]] if known else []
    if not len(hours):
        return {**none, "missing": missing}
    manned = table[(table["posts"] > 0) & table["coverage"].notna()].sort_values(["coverage", "station"])
    weakest = manned.iloc[0] if len(manned) else None
    return {
        "foreign_share": float(sum_mixing(hours, []).iloc[0]["foreign_share"]),
        "coverage": None if weakest is None else float(weakest["coverage"]),
        "weakest": None if weakest is None else str(weakest["station"]),
        "missing": missing,
    }
