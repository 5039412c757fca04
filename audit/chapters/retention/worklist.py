"""Lists a manager can work from tomorrow."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from audit.ground.norm import Norm, seller_of_type

__all__ = ["callers", "first_step", "goods_text", "worklist"]

_WORK = {"sleeping": "REACT", "late": "FARM_TIMING"}
"""Whose work a silent client is: waking is reactivation, a late order is the check of the next purchase."""


def callers(norm: Norm, held: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """Return who should call a client in each state: the role, and the role it stands in for where nobody holds that.

    In trade with regular clients the developer wakes the sleepers, and the client manager asks for the next order; in
    consultative sales the client manager does both (EK tables 2 and 3). ``held``: the roles of those who work here;
    empty where nobody is known.
    """
    out: dict[str, tuple[str, str | None]] = {}
    for state, work in _WORK.items():
        owners = norm.primary(work) or (seller_of_type(norm.types[0]),)
        able = (*owners, *norm.allowed(work))
        here = next((r for r in able if r in held), owners[0])
        out[state] = (here, None if here in owners else owners[0])
    return out


def first_step(state: str, rank: int, overdue_days: int, usual_gap_days: float, full_wallet: bool = False) -> str:
    """Return the code of the first step for one client; the words are in the narrative.

    ``visit``: a sleeping client among the largest ten of the list; ``call_offer``: another sleeping one, to be
    offered what it used to buy; ``new_goods``: late, and buys all from us already, so that asking for orders more
    often is idle; ``call_check``: late by less than its usual gap, to be asked for the next order; ``ask_reason``:
    late by more.
    """
    if state == "sleeping":
        return "visit" if rank <= 10 else "call_offer"
    if full_wallet:
        return "new_goods"
    return "call_check" if overdue_days <= usual_gap_days else "ask_reason"


def goods_text(goods: pd.DataFrame) -> pd.Series:
    """Return what each client used to buy as one line, largest first (client_key → «a; b; c»)."""
    if not len(goods):
        return pd.Series(dtype="object")
    wide = goods.pivot(index="client_key", columns="place", values="goods").sort_index(axis=1)
    text = wide[wide.columns[0]].astype("object")
    for place in wide.columns[1:]:
        more = wide[place].astype("object")
        text = text.where(more.isna(), text + "; " + more.fillna(""))
    return text


def worklist(
    rhythm: pd.DataFrame,
    clients: pd.DataFrame,
    p_alive: pd.Series,
    goods: pd.Series,
    who: dict[str, tuple[str, str | None]],
    full_wallet: Collection[str] = (),
) -> pd.DataFrame:
    """Return the late and sleeping clients, most revenue at stake first (ties: longest overdue, then client_key).

    One row per client. Columns: client_key, client_name, state, last_day, usual_gap_days, next_day (when the order was
    due), overdue_days, at_stake (revenue of the 365 days up to the last order, at least 0), p_alive (missing where the
    model does not fit), manager (of the last order), caller (the role that should call, see `callers`),
    stands_for (the role that nobody holds and it stands in for), goods (what it used to buy), seasonal (orders in at
    most four months of the year), first_step (code). ``full_wallet``: clients that buy all from us.
    """
    rows = rhythm[rhythm["state"].isin(["late", "sleeping"])].merge(
        clients[["client_key", "client_name", "last_day", "last_year_revenue", "last_manager", "seasonal"]],
        on="client_key",
    )
    rows["at_stake"] = rows["last_year_revenue"].clip(lower=0.0)
    rows = rows.sort_values(["at_stake", "overdue_days", "client_key"], ascending=[False, False, True])
    rows = rows.reset_index(drop=True)
    rows["p_alive"] = rows["client_key"].map(p_alive).astype(float)
    rows["goods"] = rows["client_key"].map(goods).astype("object")
    asleep = (rows["state"] == "sleeping").cumsum()
    rows["first_step"] = [
        first_step(str(s), int(k), int(o), float(g), str(c) in full_wallet)
        for c, s, k, o, g in zip(
            rows["client_key"], rows["state"], asleep, rows["overdue_days"], rows["usual_gap_days"], strict=True
        )
    ]
    rows["manager"] = rows["last_manager"]
    rows["caller"] = [who[str(s)][0] for s in rows["state"]]
    rows["stands_for"] = pd.Series([who[str(s)][1] for s in rows["state"]], index=rows.index, dtype="object")
    return rows[
        [
            "client_key",
            "client_name",
            "state",
            "last_day",
            "usual_gap_days",
            "next_day",
            "overdue_days",
            "at_stake",
            "p_alive",
            "manager",
            "caller",
            "stands_for",
            "goods",
            "seasonal",
            "first_step",
        ]
    ]
