"""Role mixing from the questionnaire: foreign work, operational load, whose work flows where, crumbs.

Every function takes the frame of `audit.ground.hours.work_hours` and returns small frames; shares are shares
of working hours (breaks excluded, overhead in the denominator).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from audit.ground.hours import by_function, group_hours, owner_mix, sum_mixing
from audit.ground.norm import Norm
from audit.ground.people import SELLERS
from audit.method import method
from audit.stats.entropy import effective_number

__all__ = [
    "beyond_notes",
    "effective_roles",
    "flow",
    "foreign_group_shares",
    "function_table",
    "is_fragmented",
    "load",
    "operational_load",
    "person_fragments",
    "universal",
]


def load(hours: pd.DataFrame, staff: pd.DataFrame) -> pd.DataFrame:
    """Return foreign work person by person.

    Grain: one row per person present. Columns: person, family, role, role2, fte, hours (a month), known_hours,
    foreign_hours, foreign_share (NaN where no hours are known by function), with the staff sheet's order.
    """
    sums = sum_mixing(hours, ["person"]) if len(hours) else sum_mixing(hours.assign(person=""), ["person"])
    out = staff[["person", "family", "role", "role2", "fte", "cost_month"]].merge(sums, on="person", how="left")
    zero = ["hours", "known_hours", "foreign_hours"]
    out[zero] = out[zero].fillna(0.0).astype(float)
    return out


def operational_load(hours: pd.DataFrame, families: Collection[str], notes_share: float) -> pd.DataFrame:
    """Return the operational load of the people of some families.

    Grain: one row per person. Columns: person, family, hours, oper_hours (foreign OPER hours less own CRM notes up to
    ``notes_share`` of the hours), unsure_hours (an OPER row by group for somebody who owns part of the group),
    notes_hours, share = oper_hours ÷ hours.
    """
    out = group_hours(hours, ("OPER",), notes_share).rename(columns={"foreign_hours": "oper_hours"})
    out = out[out["family"].isin(list(families))].reset_index(drop=True)
    out["share"] = out["oper_hours"] / out["hours"]
    return out


def foreign_group_shares(
    hours: pd.DataFrame, families: Collection[str], groups: tuple[str, ...], notes_share: float = 0.0
) -> dict[str, tuple[float, float, float]]:
    """Return (hours, surely foreign, possibly foreign) in some groups for every family that reports hours."""
    sums = group_hours(hours, groups, notes_share).groupby("family")[["hours", "foreign_hours", "unsure_hours"]].sum()
    out = {}
    for family in families:
        part = sums[sums.index == family].to_numpy(dtype=float)
        if len(part) and part[0, 0] > 0:
            out[family] = (float(part[0, 0]), float(part[0, 1]), float(part[0, 1] + part[0, 2]))
    return out


def flow(hours: pd.DataFrame, norm: Norm, hours_per_month: float) -> pd.DataFrame:
    """Return who does whose work: from the role that does it to the role that should.

    Grain: holder family × kind × owner family. ``kind``: own, allowed, foreign, missing (foreign, and nobody holds
    the owner role), overhead, outside (not in the conveyor of this type), group (known by group only), no_role (the
    holder's role was not chosen). ``to_role`` is the owner family for foreign and missing work, else the holder's
    own. ``hours`` a month sum to the working hours of the questionnaire; ``fte`` = hours ÷ ``hours_per_month``.
    """
    roles = method().roles
    held = {roles[r].family for r in norm.held}
    rows = []
    for r in hours.to_dict("records"):
        holder = r["family"] if isinstance(r["family"], str) else "?"
        kind, to = str(r["kind"]), holder
        if r["by_group"] and kind != "overhead":
            kind = "group"
        elif kind == "unknown":
            kind = "no_role"
        elif kind == "foreign":
            to = roles[r["owner"]].family
            if to not in held:
                kind = "missing"
        rows.append((holder, kind, to, float(r["hours"])))
    out = pd.DataFrame(rows, columns=["from_role", "kind", "to_role", "hours"])
    out = out.groupby(["from_role", "kind", "to_role"])["hours"].sum().reset_index()
    out["fte"] = out["hours"] / hours_per_month
    order = {code: i for i, code in enumerate(roles)}
    out["_a"], out["_b"] = (out[c].map(order).astype(float).fillna(len(order)) for c in ("from_role", "to_role"))
    return out.sort_values(["_a", "_b", "kind"], ignore_index=True).drop(columns=["_a", "_b"])


def effective_roles(hours: pd.DataFrame) -> pd.DataFrame:
    """Return of how many roles each person's work consists: exp(Shannon entropy) of hours over owner roles.

    Grain: one row per person with any owned hours. Columns: person, family, hours (owned), effective_roles,
    max_share (the largest owner's). Second to foreign share: a КМ who only enters orders is one pure role, 1.0 — the
    wrong one.
    """
    mix = owner_mix(hours)
    columns = ["person", "family", "hours", "effective_roles", "max_share"]
    if mix.empty:
        return pd.DataFrame(columns=columns)
    table = mix.pivot_table(
        index=["person", "family"], columns="owner_family", values="hours", aggfunc="sum", fill_value=0.0
    )
    table = table[table.sum(axis=1) > 0]  # a vacancy has no hours to be made of anything
    values = table.to_numpy(dtype=float)
    out = table.index.to_frame(index=False)
    out["hours"] = values.sum(axis=1)
    out["effective_roles"] = effective_number(values)
    out["max_share"] = values.max(axis=1) / values.sum(axis=1)
    return out[columns]


def universal(effective: pd.DataFrame, least_roles: float, most_share: float) -> pd.DataFrame:
    """Return the universal sellers: at least ``least_roles`` effective roles, none with ``most_share`` of the hours."""
    sellers = effective[effective["family"].isin(SELLERS)]
    mixed = (sellers["effective_roles"] >= least_roles - 1e-9) & (sellers["max_share"] < most_share)
    return sellers[mixed].reset_index(drop=True)


def beyond_notes(hours: pd.DataFrame, notes_share: float) -> pd.DataFrame:
    """Take the sellers' own CRM notes, up to ``notes_share`` of their hours, off their foreign OPS_CRM.

    A note on one's own contact is the manager's work (code list 3) and no gap of the back office.
    """
    total = hours.groupby(["person", "part"])["hours"].transform("sum")
    notes = (hours["function"] == "OPS_CRM") & (hours["kind"] == "foreign") & hours["family"].isin(SELLERS)
    return hours.assign(hours=(hours["hours"] - notes * notes_share * total).clip(lower=0.0))


def function_table(
    hours: pd.DataFrame, norm: Norm, person_share: float, crumb_share: float, role_share: float
) -> pd.DataFrame:
    """Return, per function of the conveyor, by how many hands it is done.

    Grain: one row per function with hours that has an owner in the types in use. Columns: function, group, owner
    (the role it should go to), hours, foreign_hours, people (with at least ``person_share`` of their own time on
    it), crumbs (people with less than ``crumb_share`` of their time on it), roles (families with at least
    ``role_share`` of the function's hours), foreign_roles (those among them for whom it is foreign), owner_present
    (somebody who owns it or may do it holds a role here).
    """
    rows = by_function(hours)
    rows = rows[rows["kind"].isin(["own", "allowed", "foreign"])]
    capacity = hours.groupby("person")["hours"].sum()
    out = []
    for function, part in rows.groupby("function", sort=False):
        total = float(part["hours"].sum())
        if total <= 0:
            continue
        share = part.groupby("person")["hours"].sum() / capacity
        share = share.dropna()
        by_role = part.groupby("family")["hours"].sum() / total
        strong = [str(f) for f, s in by_role.items() if s >= role_share - 1e-9]
        alien = part[part["kind"] == "foreign"].groupby("family")["hours"].sum() / total
        mine = set(norm.primary(str(function))) | set(norm.allowed(str(function)))
        out.append(
            {
                "function": str(function),
                "group": part["group"].iloc[0],
                "owner": norm.owner(str(function)),
                "hours": total,
                "foreign_hours": float(part.loc[part["kind"] == "foreign", "hours"].sum()),
                "people": int((share >= person_share - 1e-9).sum()),
                "crumbs": int((share < crumb_share - 1e-9).sum()),
                "roles": len(strong),
                "foreign_roles": sum(float(alien.get(f, 0.0)) >= role_share - 1e-9 for f in strong),
                "role_list": ";".join(strong),
                "owner_present": bool(mine & norm.held),
            }
        )
    columns = [
        "function",
        "group",
        "owner",
        "hours",
        "foreign_hours",
        "people",
        "crumbs",
        "roles",
        "foreign_roles",
        "role_list",
        "owner_present",
    ]
    order = {code: i for i, code in enumerate(method().functions)}
    frame = pd.DataFrame(out, columns=columns)
    return frame.sort_values("function", key=lambda s: s.map(order), ignore_index=True)


def is_fragmented(functions: pd.DataFrame, least_roles: int, least_hours: float) -> pd.Series:
    """Tell which functions nobody owns or too many share.

    Fragmented: hours but nobody present who owns the function or may do it; or at least ``least_roles`` roles with
    a large part each, one of them at least doing foreign work (where the norm itself names three owners, their
    sharing is right). Functions below ``least_hours`` a month are dust and stay out.
    """
    spread = (functions["roles"] >= least_roles) & (functions["foreign_roles"] >= 1)
    orphan = ~functions["owner_present"].astype(bool)
    return (spread | orphan) & (functions["hours"] >= least_hours - 1e-9)


def person_fragments(hours: pd.DataFrame, person_share: float) -> pd.DataFrame:
    """Return on how many functions each person spends at least ``person_share`` of the own time.

    Grain: one row per person. Columns: person, family, functions, crumbs (functions below that share).
    """
    rows = hours[~hours["by_group"].astype(bool) & (hours["kind"] != "overhead")]
    rows = rows.groupby(["person", "family", "function"], sort=False, dropna=False)["hours"].sum().reset_index()
    rows["share"] = rows["hours"] / rows["person"].map(hours.groupby("person")["hours"].sum()).astype(float)
    rows["large"] = np.where(rows["share"] >= person_share - 1e-9, 1, 0)
    out = rows.groupby(["person", "family"], as_index=False, dropna=False).agg(
        functions=("large", "sum"), all_functions=("large", "size")
    )
    out["crumbs"] = out["all_functions"] - out["functions"]
    return out[["person", "family", "functions", "crumbs"]]
