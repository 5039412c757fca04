"""Lists a manager can work from tomorrow."""

from __future__ import annotations

import pandas as pd

__all__ = ["first_step", "goods_text", "worklist"]


def first_step(state: str, rank: int, overdue_days: int, usual_gap_days: float) -> str:
    """Return the code of the first step for one client; the words are in the narrative.

    ``visit``: a sleeping client among the largest ten of the list; ``call_offer``: another sleeping one, to be
    offered what it used to buy; ``call_check``: late by less than its usual gap, to be asked for the next order;
    ``ask_reason``: late by more.
    """
    if state == "sleeping":
        return "visit" if rank <= 10 else "call_offer"
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


def worklist(rhythm: pd.DataFrame, clients: pd.DataFrame, p_alive: pd.Series, goods: pd.Series) -> pd.DataFrame:
    """Return the late and sleeping clients, most revenue at stake first (ties: longest overdue, then client_key).

    One row per client. Columns: client_key, client_name, state, last_day, usual_gap_days, next_day (when the order was
    due), overdue_days, at_stake (revenue of the 365 days up to the last order, at least 0), p_alive (missing where the
    model does not fit), manager (of the last order), goods (what it used to buy), seasonal (orders in at most four
    months of the year), first_step (code).
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
        first_step(str(s), int(k), int(o), float(g))
        for s, k, o, g in zip(rows["state"], asleep, rows["overdue_days"], rows["usual_gap_days"], strict=True)
    ]
    rows["manager"] = rows["last_manager"]
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
            "goods",
            "seasonal",
            "first_step",
        ]
    ]
