"""Hours a month of every person on every function, each judged own or foreign: the ground of the chapter.

``h[i,f]`` = FTE × hours a month × share. Breaks (OV_BREAK) are not working time and are left out; other overhead
stays in the denominator and outside mixing. A row that names only a group of functions serves operational shares;
foreign share needs functions, so such hours stand outside its numerator *and* denominator, and their share is
stated.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from audit.ground.norm import Norm, expand_roles
from audit.method import method

__all__ = ["HOUR_COLUMNS", "by_function", "group_hours", "judge", "owner_mix", "sum_mixing", "work_hours"]

BREAK = "OV_BREAK"
HOUR_COLUMNS = (
    "person",
    "role",
    "role2",
    "family",
    "roles",
    "part",
    "function",
    "group",
    "by_group",
    "hours",
    "kind",
    "owner",
)


def judge(rows: pd.DataFrame, norm: Norm) -> pd.DataFrame:
    """Add ``kind`` and ``owner`` to rows of person × function by the norm of their part; ``by_group`` rows name a group."""
    out = rows.copy()
    norms = {part: norm.for_part(part) for part in out["part"].unique()}
    verdicts = [
        (norms[part].of_group if by_group else norms[part].of_function)(function, roles)
        for part, function, by_group, roles in zip(
            out["part"], out["function"], out["by_group"], out["roles"], strict=True
        )
    ]
    out["kind"] = pd.Series([v.kind for v in verdicts], index=out.index, dtype=object)
    out["owner"] = pd.Series([v.owner for v in verdicts], index=out.index, dtype=object)
    return out


def _by_part(rows: pd.DataFrame, served: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Divide each row's hours over the parts of the business its person serves; part "" where that is not known."""
    if not served:
        return rows.assign(part="")
    out = []
    for row in rows.to_dict("records"):
        for part, share in served.get(row["person"], {"": 1.0}).items():
            # a universal seller counts as the seller of the type served
            roles = expand_roles((row["role"], row["role2"]), (part,)) if part else row["roles"]
            out.append({**row, "part": part, "hours": row["hours"] * share, "roles": roles})
    return pd.DataFrame(out, columns=[*rows.columns, "part"])


def work_hours(
    staff: pd.DataFrame, time: pd.DataFrame, norm: Norm, served: Mapping[str, Mapping[str, float]] | None = None
) -> pd.DataFrame:
    """Return the working hours a month behind every answer of the sheet «Время».

    Grain: one row per person × function (or group) × part of the business, of people present on the day of the audit.
    ``hours``: capacity × share; ``by_group``: the row names a group only; ``part``: type of sale that the hours serve, ""
    in a company of one type and for people of whom it is not known (``served``: share of each part by person);
    ``kind``, ``owner``: see `Norm`. Breaks, empty shares, people who are not there any more and unknown codes are left
    out; two rows for one function are added up.
    """
    functions, groups = method().functions, method().groups
    columns = list(HOUR_COLUMNS)
    if time.empty or staff.empty:
        return pd.DataFrame(columns=columns).astype({"hours": float})
    t = time[["person", "function", "share"]].copy()
    t["share"] = pd.to_numeric(t["share"], errors="coerce")
    known = t["function"].isin([*functions, *groups]) & (t["function"] != BREAK) & (t["share"] > 0)
    t = t[known].groupby(["person", "function"], sort=False)["share"].sum().reset_index()
    t["person"] = t["person"].astype(str)
    rows = t.merge(staff, on="person", how="inner")
    rows["by_group"] = ~rows["function"].isin(list(functions))
    rows["group"] = [functions[f].group if f in functions else f for f in rows["function"]]
    rows["hours"] = rows["capacity_hours"] * rows["share"]
    rows = judge(_by_part(rows, served or {}), norm)
    return rows[columns].reset_index(drop=True)


def by_function(hours: pd.DataFrame) -> pd.DataFrame:
    """Return the hours whose owner can be told: rows by function, and overhead however it is given."""
    return hours[(~hours["by_group"].astype(bool) | (hours["kind"] == "overhead")) & (hours["kind"] != "unknown")]


def sum_mixing(hours: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Sum working hours, hours known by function and foreign hours, for each ``by`` (empty: one row, the company).

    Columns: ``hours`` all working hours; ``known_hours`` those known by function; ``foreign_hours``;
    ``foreign_share`` = foreign ÷ known, NaN where nothing is known.
    """
    known = by_function(hours)
    foreign = known[known["kind"] == "foreign"]
    if by:
        out = hours.groupby(by, sort=True)["hours"].sum().to_frame("hours")
        out["known_hours"] = known.groupby(by)["hours"].sum()
        out["foreign_hours"] = foreign.groupby(by)["hours"].sum()
    else:
        out = pd.DataFrame({"hours": [hours["hours"].sum()]})
        out["known_hours"], out["foreign_hours"] = known["hours"].sum(), foreign["hours"].sum()
    out = out.fillna(0.0).astype(float)
    out["foreign_share"] = (out["foreign_hours"] / out["known_hours"]).where(out["known_hours"] > 0)
    return out.reset_index(drop=not by)


def group_hours(hours: pd.DataFrame, groups: tuple[str, ...], notes_share: float = 0.0) -> pd.DataFrame:
    """Sum, per person, the foreign hours in some groups of functions.

    Columns: person, family, ``hours`` all, ``foreign_hours`` surely foreign, ``unsure_hours`` given by a group whose
    functions belong to different roles. ``notes_share`` of a person's hours spent on own CRM notes is taken off
    OPS_CRM, where that is foreign, and nowhere else; of hours that serve several parts, part by part.
    """
    # Plain sums over a few hundred rows: six aligned groupings would cost fifty times as much.
    sums: dict[tuple[str, str, str], list[float]] = {}
    columns = ("person", "family", "part", "function", "group", "by_group", "kind", "hours")
    for person, family, part, function, group, by_group, kind, h in zip(*(hours[c] for c in columns), strict=True):
        if not isinstance(family, str):
            continue
        row = sums.setdefault((str(person), family, part), [0.0, 0.0, 0.0, 0.0])
        row[0] += h
        if group in groups and kind == "foreign":
            row[1] += h
            row[3] += h if function == "OPS_CRM" else 0.0
        elif group in groups and kind == "unknown" and by_group:
            row[2] += h
    people: dict[tuple[str, str], list[float]] = {}
    for (person, family, _), (total, foreign, unsure, crm) in sorted(sums.items()):
        notes = min(crm, notes_share * total)
        whole = people.setdefault((person, family), [0.0, 0.0, 0.0, 0.0])
        for k, value in enumerate((total, foreign - notes, unsure, notes)):
            whole[k] += value
    names = ["person", "family", "hours", "foreign_hours", "unsure_hours", "notes_hours"]
    rows = [(*who, *values) for who, values in people.items()]
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names[2:], float))


def owner_mix(hours: pd.DataFrame) -> pd.DataFrame:
    """Return how each person's hours divide over the roles that own them.

    Grain: person × owner family with ``hours``. Own or allowed work counts as the person's own family; foreign work
    as its owner. Overhead, work outside the conveyor and rows by group have no owner and stay out.
    """
    rows = by_function(hours)
    rows = rows[rows["kind"].isin(["own", "allowed", "foreign"])].copy()
    roles = method().roles
    rows["owner_family"] = [roles[o].family for o in rows["owner"]]
    return rows.groupby(["person", "family", "owner_family"], sort=True)["hours"].sum().reset_index()
