"""The stations of the conveyor: which a type of sale needs, who stands on them, and how much of their work is done there.

Source: EK table 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from audit.ground.answers import Answers
from audit.ground.mixing import beyond_notes
from audit.ground.norm import Norm
from audit.method import method

__all__ = [
    "LINE",
    "conditional_stations",
    "conveyor",
    "fte_on",
    "required_stations",
    "station_functions",
    "station_rows",
]

LINE = ("TM", "SR", "SOP", "KM", "PM")
"""Stations through which the client passes, in order; the others support them."""


def required_stations(types: Sequence[str]) -> tuple[str, ...]:
    """Return the stations that the types in use require together, the client's way first, then support."""
    wanted = {r for t in types for r in method().sale_types[t].required}
    order = [*LINE, *(r for r in method().roles if r not in LINE)]
    return tuple(r for r in order if r in wanted)


def conditional_stations(types: Sequence[str]) -> tuple[str, ...]:
    """Return stations that only some companies of the types need (ТМ where clients are many)."""
    required = required_stations(types)
    return tuple(dict.fromkeys(r for t in types for r in method().sale_types[t].conditional if r not in required))


def station_functions(station: str, norm: Norm) -> tuple[str, ...]:
    """Return the functions that the station's family owns (as a primary owner) in the types in use."""
    roles = method().roles
    family = roles[station].family
    return tuple(f for f in method().functions if any(roles[r].family == family for r in norm.primary(f)))


def station_rows(hours: pd.DataFrame, station: str, norm: Norm) -> pd.Series:
    """Tell which rows of hours are on the station's functions, by the norm of the part that they serve."""
    functions = {p: station_functions(station, norm.for_part(p)) for p in hours["part"].unique()}
    on = [f in functions[p] for f, p in zip(hours["function"], hours["part"], strict=True)]
    return pd.Series(on, index=hours.index, dtype=bool)


def _holders(staff: pd.DataFrame, station: str) -> pd.Series:
    roles = method().roles
    family = roles[station].family

    def holds(*held: object) -> bool:
        return any(isinstance(r, str) and r != "" and roles[r].family == family for r in held)

    flags = [holds(a, b) for a, b in zip(staff["role"], staff["role2"], strict=True)]
    return pd.Series(flags, index=staff.index, dtype=bool)


def conveyor(
    answers: Answers, stations: Sequence[str], required: Sequence[str], notes_share: float = 0.0
) -> pd.DataFrame:
    """Return who stands on each station and how much of its work is done there.

    Grain: one row per station. Columns: station, required, people, who (codes), fte (a person with two roles
    divided by hours on each role's own functions, equally where there are none), own_hours (holders on the
    station's functions), foreign_hours (on them by people who neither own nor are allowed them), coverage = own ÷
    (own + foreign), NaN without hours; km_oper_hours and hunt_farm_hours: parts of foreign_hours that are client
    managers' operational work, and hunting by client managers or farming by developers (role mixing judges them
    elsewhere); by_role: foreign hours by family. Sellers' own CRM notes up to ``notes_share`` of their hours are nobody's
    gap.
    """
    staff, hours, norm = answers.staff, answers.hours, answers.norm
    known = beyond_notes(hours, notes_share)[~hours["by_group"].astype(bool)] if len(hours) else hours
    rows = []
    for station in stations:
        holds = _holders(staff, station)
        people = set(staff.loc[holds & (staff["fte"] > 0), "person"])
        part = known[station_rows(known, station, norm)]
        mine = part[part["person"].isin(people) & part["kind"].isin(["own", "allowed"])]
        alien = part[(part["kind"] == "foreign") & ~part["person"].isin(people)]
        km_oper = alien[(alien["family"] == "KM") & (alien["group"] == "OPER")]
        mixed = alien[
            ((alien["family"] == "KM") & (alien["group"] == "HUNT"))
            | ((alien["family"] == "SR") & (alien["group"] == "FARM"))
        ]
        own, foreign = float(mine["hours"].sum()), float(alien["hours"].sum())
        rows.append(
            {
                "station": station,
                "required": station in required,
                "people": len(people),
                "who": sorted(people),
                "fte": sum(fte_on(answers, p, station) for p in sorted(people)),
                "own_hours": own,
                "foreign_hours": foreign,
                "coverage": own / (own + foreign) if own + foreign > 0 else float("nan"),
                "km_oper_hours": float(km_oper["hours"].sum()),
                "hunt_farm_hours": float(mixed["hours"].sum()),
                "by_role": {str(f): float(h) for f, h in alien.groupby("family")["hours"].sum().items()},
            }
        )
    columns = [
        "station",
        "required",
        "people",
        "who",
        "fte",
        "own_hours",
        "foreign_hours",
        "coverage",
        "km_oper_hours",
        "hunt_farm_hours",
        "by_role",
    ]
    return pd.DataFrame(rows, columns=columns)


def fte_on(answers: Answers, person: str, station: str) -> float:
    """Return a person's FTE on one station: with two roles divided by hours on each role's own functions, else equally."""
    staff, hours, norm = answers.staff, answers.hours, answers.norm
    row = staff[staff["person"] == person].iloc[0]
    roles = method().roles
    families = list(dict.fromkeys(roles[r].family for r in (row["role"], row["role2"]) if isinstance(r, str) and r))
    fte = float(row["fte"])
    if len(families) == 1:
        return fte
    spent = {
        f: float(
            hours.loc[(hours["person"] == person) & hours["function"].isin(station_functions(f, norm)), "hours"].sum()
        )
        for f in families
    }
    total = sum(spent.values())
    mine = roles[station].family
    return fte * spent[mine] / total if total > 0 else fte / len(families)
