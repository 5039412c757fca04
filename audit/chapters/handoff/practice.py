"""The practice: when the developer's clients really change hands in the orders, and what becomes of them.

Only clients new in the window whose first purchase a developer served. Who served each purchase is known on its day,
so a client counts as handed from the purchase on which the new manager first appears, and its clock starts there: it
need not order again to be counted, and the weeks before it was handed are nobody's merit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.ground.matched import Comparison, compare, prepare
from audit.stats.intervals import wilson_bounds

__all__ = ["continuation", "following", "handed_against_kept", "switches", "won_by_developer"]

SHOWN_PURCHASES = 8


def won_by_developer(purchases: pd.DataFrame, side: Mapping[str, str], new: Collection[str]) -> pd.DataFrame:
    """Return the purchases of new clients whose first purchase a developer served, with ``side`` of each purchase.

    ``purchases``: client_key, purchase_no, day, next_day, month_index, revenue, manager. ``side``: from, to, or missing
    (somebody else, nobody named). Sorted by client and purchase.
    """
    p = purchases[purchases["client_key"].isin(list(new))].copy()
    p["side"] = p["manager"].map(dict(side)).astype(object)
    first = p[(p["purchase_no"] == 1) & (p["side"] == "from")]["client_key"]
    p = p[p["client_key"].isin(set(first))]
    return p.sort_values(["client_key", "purchase_no"], kind="stable").reset_index(drop=True)


def switches(won: pd.DataFrame) -> pd.DataFrame:
    """Return when each client changed hands, one row per client.

    ``won``: rows of `won_by_developer`. Columns: client_key, purchases, ``switch_no`` (number of the first purchase
    with the new manager; missing: none so far), ``switch_day``, ``lag_days`` (from the last purchase with the
    developer to that one), ``own_gap_days`` (median of the client's other gaps; missing without any), ``lag_ratio``.
    """
    by = won.groupby("client_key", sort=True)
    out = by.agg(purchases=("purchase_no", "max")).reset_index()
    taken = won[won["side"] == "to"].drop_duplicates("client_key")
    out = out.merge(
        taken[["client_key", "purchase_no", "day"]].rename(columns={"purchase_no": "switch_no", "day": "switch_day"}),
        on="client_key",
        how="left",
    )
    rows = won.merge(out[["client_key", "switch_no"]], on="client_key", how="left")
    rows["gap"] = rows.groupby("client_key")["day"].diff().dt.days
    kept = rows[(rows["side"] == "from") & (rows["purchase_no"] < rows["switch_no"])]
    last_kept = kept.groupby("client_key")["day"].max().rename("last_kept").reset_index()
    out = out.merge(last_kept.astype({"last_kept": "datetime64[s]"}), on="client_key", how="left")
    out["lag_days"] = (out["switch_day"] - out["last_kept"]).dt.days.astype(float)
    others = rows[rows["gap"].notna() & ((rows["purchase_no"] != rows["switch_no"]) | rows["switch_no"].isna())]
    own = others.groupby("client_key")["gap"].median()
    out = out.drop(columns="last_kept").merge(own.rename("own_gap_days").reset_index(), on="client_key", how="left")
    out["own_gap_days"] = out["own_gap_days"].astype(float)
    out["lag_ratio"] = (out["lag_days"] / out["own_gap_days"].where(out["own_gap_days"] > 0)).astype(float)
    return out


def following(won: pd.DataFrame, rules: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return for each client that reached its hand-off whether the rule was kept, one row per client.

    ``rules``: rows of `developer_rules`; with several, keeping any one of them is enough. Columns: client_key,
    ``due_no`` and ``due_day`` (the purchase that makes the client due under the first rule reached), ``outcome``:
    kept — the first purchase after it is served by the new manager; early — the new manager served a purchase up to
    it; late — the developer still served the first purchase that came later than the deadline; open — no such
    purchase yet, or somebody else served it. The shares of the outcomes are among clients that ordered again: the
    others show nothing either way.
    """
    out: pd.DataFrame | None = None
    rank = {"kept": 0, "open": 1, "late": 2, "early": 3}
    for rule in rules:
        table = _one_rule(won, rule)
        if out is None:
            out = table
            continue
        both = out.merge(table, on="client_key", how="outer", suffixes=("", "_new"))
        better = both["outcome"].isna() | (both["outcome_new"].map(rank) < both["outcome"].map(rank))
        for column in ("due_no", "due_day", "outcome"):
            both[column] = both[f"{column}_new"].where(better, both[column])
        out = both[["client_key", "due_no", "due_day", "outcome"]]
    if out is None:
        return pd.DataFrame(columns=["client_key", "due_no", "due_day", "outcome"])
    return out.sort_values("client_key", ignore_index=True)


def _due(won: pd.DataFrame, rule: Mapping[str, Any]) -> pd.DataFrame:
    """Return the purchase that makes each client due and the day its deadline runs from: client_key, due_no,
    due_day."""
    number = float(rule["number"])
    if rule["trigger"] == "TRG_TIME":
        due_day = won.groupby("client_key")["day"].transform("min") + pd.Timedelta(days=number)
        rows = won.assign(due_day=due_day)[won["day"] <= due_day]
        rows = rows.drop_duplicates("client_key", keep="last")
        return rows.rename(columns={"purchase_no": "due_no"})[["client_key", "due_no", "due_day"]]
    if rule["trigger"] == "TRG_VOLUME":
        reached = won.groupby("client_key")["revenue"].cumsum() >= number
    else:
        reached = won["purchase_no"] >= number
    rows = won[reached].drop_duplicates("client_key")
    return rows.rename(columns={"purchase_no": "due_no", "day": "due_day"})[["client_key", "due_no", "due_day"]]


def _one_rule(won: pd.DataFrame, rule: Mapping[str, Any]) -> pd.DataFrame:
    due = _due(won, rule)
    rows = won[["client_key", "purchase_no", "day", "side"]].merge(due, on="client_key")
    early = set(rows.loc[(rows["purchase_no"] <= rows["due_no"]) & (rows["side"] == "to"), "client_key"])
    after = rows[rows["purchase_no"] > rows["due_no"]]
    in_time = after["day"] <= after["due_day"] + pd.Timedelta(days=float(rule["deadline_days"]))
    # A purchase inside the deadline tells something only if the new manager is there already.
    telling = after[~in_time | (after["side"] == "to")].drop_duplicates("client_key").set_index("client_key")["side"]
    outcome = []
    for key in due["client_key"]:
        side = telling.get(key)
        outcome.append("early" if key in early else "kept" if side == "to" else "late" if side == "from" else "open")
    return due.assign(outcome=outcome).reset_index(drop=True)


def handed_against_kept(
    won: pd.DataFrame, *, loss_gaps: float, as_of: dt.date, draws: int, seed: int, level: float = 0.95
) -> Comparison | None:
    """Compare clients on the purchase on which they met the new manager with those still served by the developer then.

    Landmarks: every purchase from the second on up to the first one with the new manager (that one included). Treated:
    the purchase with the new manager. Lost: no order within ``loss_gaps`` usual gaps after it. Matched by month,
    purchase number and pace. None where nobody is handed or nobody kept.
    """
    if won.empty:
        return None
    rows = prepare(won, as_of)
    switch = rows[rows["side"] == "to"].drop_duplicates("client_key").set_index("client_key")["purchase_no"]
    at = rows["client_key"].map(switch)
    rows = rows[(rows["purchase_no"] >= 2) & (at.isna() | (rows["purchase_no"] <= at)) & rows["side"].notna()]
    rows = rows.reset_index(drop=True)
    treated = (rows["side"] == "to").to_numpy(dtype=np.bool_)
    if not treated.any() or treated.all():
        return None
    return compare(rows, treated, loss_gaps=loss_gaps, as_of=as_of, draws=draws, seed=seed, level=level)


def continuation(won: pd.DataFrame, as_of: dt.date, loss_gaps: float) -> pd.DataFrame:
    """Return by purchase number and side how many clients did not order again within the clock, followed that long
    only.

    Grain: one row per purchase number (1 to 8) × side. Columns: purchase_no, side (from, to), clients, lost, share with
    Wilson low, high. A picture of where on the way clients are lost; who was handed over after a purchase and never
    ordered again stands with the developer here, as in the orders.
    """
    columns = ["purchase_no", "side", "clients", "lost", "share", "low", "high"]
    if won.empty:
        return pd.DataFrame(columns=columns)
    rows = prepare(won, as_of)
    limit = loss_gaps * rows["usual_days"]
    followed = (pd.Timestamp(as_of) - rows["day"]).dt.days >= limit
    rows = rows[followed & rows["side"].notna() & (rows["purchase_no"] <= SHOWN_PURCHASES)]
    lost = ~(rows["returned"] & (rows["wait_days"] <= limit.loc[rows.index]))
    out = rows.assign(lost=lost).groupby(["purchase_no", "side"])["lost"].agg(clients="size", lost="sum").reset_index()
    low, high = wilson_bounds(out["lost"], out["clients"])
    out = out.assign(share=out["lost"] / out["clients"], low=low, high=high)
    typed: pd.DataFrame = out.astype({"purchase_no": int, "clients": int, "lost": int, "share": float})
    return typed[columns]
