"""What if: relief people are added, or functions are moved to another role. Mixing and capacity before and after.

Assumptions, all printed: of a moved operational function the transferable share τ (base) leaves, the rest stays; φ
(base) of the freed hours goes to the person's own functions in the present proportion, the rest waits; moved work
first fills documented idle hours of the receiving role, then new people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from audit.chapters.roles.relief import WAITING, Three
from audit.errors import ParameterError, Text, did_you_mean
from audit.ground.hours import judge
from audit.ground.norm import Norm, expand_roles, family_of
from audit.method import method

__all__ = ["Change", "apply_change", "check_moves"]


@dataclass(frozen=True)
class Change:
    """Hours after a change, and what it takes: hours moved, hours for new hands."""

    hours: pd.DataFrame
    moved_hours: float
    relief_hours: float
    new_hands_hours: float


def check_moves(moves: Mapping[str, str], add_relief_fte: float) -> None:
    """Refuse unknown functions and roles and a negative number of people, with a hint."""
    m = method()
    for function, role in moves.items():
        if function not in m.functions:
            hint = did_you_mean(function, m.functions)
            raise ParameterError(
                Text(f"move_functions: функции «{function}» нет", f"move_functions: no function “{function}”"),
                todo=hint,
            )
        if role not in m.roles:
            hint = did_you_mean(role, m.roles)
            raise ParameterError(
                Text(f"move_functions: роли «{role}» нет", f"move_functions: no role “{role}”"), todo=hint
            )
    if not add_relief_fte >= 0:
        raise ParameterError(
            Text("add_relief_fte не может быть меньше нуля", "add_relief_fte cannot be below zero"),
            todo=Text("Укажите число ставок, например 1", "Give a number of people, for example 1"),
        )


def _take(hours: pd.DataFrame, moved: pd.Series, to: pd.Series) -> pd.DataFrame:
    """Return what leaves: function, to (receiving role), hours."""
    out = pd.DataFrame({"function": hours["function"], "to": to, "hours": moved})
    return out[out["hours"] > 1e-12]


def apply_change(
    hours: pd.DataFrame,
    norm: Norm,
    tau: Mapping[str, Three],
    *,
    moves: Mapping[str, str],
    add_relief_fte: float,
    hours_per_month: float,
    utilisation: float,
    reinvested: float,
    notes_share: float = 0.05,
    family: str = "KM",
) -> Change:
    """Move functions away from everybody to whom they are foreign, then let relief people take what is left.

    Relief people take transferable operational work of ``family``, every function in proportion, up to
    add_relief_fte × hours a month × utilisation. Total hours grow only by those of the new hands.
    """
    check_moves(moves, add_relief_fte)
    rows = hours.reset_index(drop=True).copy()
    alien = rows["kind"] == "foreign"
    in_move = alien & rows["function"].isin(list(moves))
    factor = pd.Series([tau[f][1] if f in tau else 1.0 for f in rows["function"]], index=rows.index)
    # Own notes in the CRM are everybody's own work up to a share of the hours: they cannot be handed over.
    limit = notes_share * rows.groupby(["person", "part"])["hours"].transform("sum")
    notes = rows["hours"].clip(upper=limit).where(rows["function"] == "OPS_CRM", 0.0)
    loose = (rows["hours"] - notes) * factor
    moved = loose.where(in_move, 0.0)
    target = rows["function"].map(dict(moves)).where(in_move)
    left = _take(rows, moved, target)

    open_ = alien & (rows["group"] == "OPER") & (rows["family"] == family) & ~in_move
    pool = loose.where(open_, 0.0)
    capacity = add_relief_fte * hours_per_month * utilisation
    part = min(1.0, capacity / float(pool.sum())) if pool.sum() > 0 else 0.0
    relieved = pool * part
    moved = moved + relieved

    freed = moved.groupby(rows["person"]).sum()
    rows["hours"] = rows["hours"] - moved
    own = rows["kind"].isin(["own", "allowed"])
    base = rows["hours"].where(own, 0.0)
    whole = base.groupby(rows["person"]).transform("sum")
    back = rows["person"].map(freed).astype(float) * reinvested
    rows["hours"] = rows["hours"] + (base / whole * back).where(own & (whole > 0), 0.0)
    has_own = base.groupby(rows["person"]).sum() > 0
    waits = freed * pd.Series({p: (1 - reinvested) if has_own[p] else 1.0 for p in freed.index})
    people = {str(r["person"]): r for r in rows.drop_duplicates("person").to_dict("records")}

    extra: list[dict[str, object]] = []

    def add(
        person: str, family: str | None, roles: tuple[str, ...], role: object, role2: object, code: str, h: float
    ) -> None:
        extra.append(
            {
                "person": person,
                "role": role,
                "role2": role2,
                "family": family,
                "roles": roles,
                "part": "",
                "function": code,
                "group": method().functions[code].group,
                "by_group": False,
                "hours": h,
            }
        )

    for person, h in waits.items():
        if h > 1e-12:
            p = people[str(person)]
            add(str(person), p["family"], p["roles"], p["role"], p["role2"], WAITING, float(h))

    absorbed = new_hands = 0.0
    for (code, role), part_ in left.groupby(["function", "to"], sort=True):
        need = float(part_["hours"].sum())
        idle = (rows["function"] == WAITING) & (rows["family"] == family_of(str(role)))
        spare = float(rows.loc[idle, "hours"].sum())
        take = min(spare, need)
        if take > 0:
            for p in rows[idle].to_dict("records"):
                add(
                    str(p["person"]),
                    p["family"],
                    p["roles"],
                    p["role"],
                    p["role2"],
                    str(code),
                    take * p["hours"] / spare,
                )
            rows.loc[idle, "hours"] *= 1 - take / spare
        absorbed += take
        if need - take > 1e-12:
            add(
                f"+{role}",
                family_of(str(role)),
                expand_roles([str(role)], norm.types),
                role,
                None,
                str(code),
                need - take,
            )
            new_hands += need - take
    for code, h in (relieved[relieved > 0]).groupby(rows["function"]).sum().items():
        named = str(code) if code in method().functions else "OPS_ORDER"
        to = norm.owner(named) or "OP"
        add(f"+{to}", family_of(to), expand_roles([to], norm.types), to, None, named, float(h))

    if extra:
        more = judge(pd.DataFrame(extra), norm)
        rows = pd.concat([rows, more[rows.columns]], ignore_index=True)
        keys = ["person", "part", "function"]
        first = rows.drop_duplicates(keys).drop(columns="hours")
        rows = first.merge(rows.groupby(keys, as_index=False)["hours"].sum(), on=keys)[list(rows.columns)]
    rows = rows[rows["hours"] > 1e-12].reset_index(drop=True)
    return Change(
        hours=rows,
        moved_hours=float(left["hours"].sum()),
        relief_hours=float(relieved.sum()),
        new_hands_hours=new_hands,
    )
