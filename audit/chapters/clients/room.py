"""Room to grow: our share of the client's wallet, and the classes A, B, C, D with a strategy for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.stats.intervals import Estimate, mean_t

__all__ = ["STRATEGIES", "Wallet", "abcd", "wallet"]

STRATEGIES = ("A", "B", "C", "D")
"""A grow and guard, B guard, C grow selectively, D serve cheaply."""


@dataclass(frozen=True)
class Wallet:
    """Our share of key clients' budgets.

    ``table``: one row per key client with a known share: client_key, ``stated``, ``computed`` (our revenue ÷ the
    client's annual budget), ``share`` the one used (stated where given), ``annual_revenue``, ``headroom`` money a
    year that goes elsewhere. ``mean`` with a t-interval over clients; ``weighted``: Σ revenue ÷ Σ budget where both
    are known; ``stated_mean``, ``computed_mean`` over clients that have both; ``both`` their number.
    """

    table: pd.DataFrame
    mean: Estimate
    weighted: float | None
    stated_mean: Estimate
    computed_mean: Estimate
    both: int


def wallet(keys: pd.DataFrame, annual_revenue: pd.Series) -> Wallet:
    """Work out what share of its budget each key client spends with us.

    ``keys``: client_key, wallet_share (0–1 or None), annual_budget (money or None); the first row of a client counts.
    ``annual_revenue``: by client_key; a client without orders in the last 12 months has 0. A stated share goes before a
    computed one; a computed share above 1 is taken as 1 (the budget was underestimated).
    """
    t = keys.dropna(subset=["client_key"]).drop_duplicates("client_key").reset_index(drop=True)
    revenue = t["client_key"].map(annual_revenue).fillna(0.0).astype(float).clip(lower=0.0)
    stated = pd.to_numeric(t["wallet_share"], errors="coerce").astype(float)
    budget = pd.to_numeric(t["annual_budget"], errors="coerce").astype(float)
    computed = (revenue / budget.where(budget > 0)).clip(upper=1.0)
    share = stated.where(stated.notna(), computed)
    from_share = (revenue / share.where(share > 0)) - revenue
    headroom = (budget - revenue).where(budget > 0, from_share).clip(lower=0.0)
    table = pd.DataFrame(
        {
            "client_key": t["client_key"],
            "stated": stated,
            "computed": computed,
            "share": share,
            "annual_revenue": revenue,
            "budget": budget,
            "headroom": headroom,
        }
    )
    table = table[table["share"].notna()].reset_index(drop=True)
    with_budget = table[table["budget"] > 0]
    both = table[table["stated"].notna() & table["computed"].notna()]
    return Wallet(
        table=table,
        mean=mean_t(table["share"].to_numpy(dtype=np.float64), bounds=(0.0, 1.0)),
        weighted=float(with_budget["annual_revenue"].sum() / with_budget["budget"].sum()) if len(with_budget) else None,
        stated_mean=mean_t(both["stated"].to_numpy(dtype=np.float64), bounds=(0.0, 1.0)),
        computed_mean=mean_t(both["computed"].to_numpy(dtype=np.float64), bounds=(0.0, 1.0)),
        both=len(both),
    )


def abcd(
    clients: pd.DataFrame, *, max_wallet: float = 0.5, min_missing: float = 2.0, max_to_best: float = 0.8
) -> pd.DataFrame:
    """Place clients by size now and room to grow: A grow and guard, B guard, C grow selectively, D serve cheaply.

    ``clients``: one row per client: ``abc`` (class A by revenue is large), ``wallet_share`` (our share, None
    unknown), ``missing`` categories beyond chance (None unknown), ``to_best`` last four quarters ÷ own best four
    (None unknown). Where the wallet is known it decides: room if our share is below ``max_wallet``. Else there is
    room if at least ``min_missing`` categories are missing or the client buys less than ``max_to_best`` of its own
    best. Columns: ``room`` (True, False, None where nothing is known), ``room_from`` (wallet, range, best, or
    None), ``abcd`` (None without room).
    """
    w = pd.to_numeric(clients["wallet_share"], errors="coerce").astype(float)
    m = pd.to_numeric(clients["missing"], errors="coerce").astype(float)
    b = pd.to_numeric(clients["to_best"], errors="coerce").astype(float)
    by_range, by_best = (m >= min_missing), (b < max_to_best)
    known = w.notna() | m.notna() | b.notna()
    room = np.where(w.notna(), w < max_wallet, by_range | by_best).astype(bool)
    source = np.full(len(clients), None, dtype=object)
    source[by_best.to_numpy()] = "best"
    source[by_range.to_numpy()] = "range"
    source[w.notna().to_numpy()] = "wallet"
    source[~room] = None
    large = (clients["abc"] == "A").to_numpy()
    label = np.where(large, np.where(room, "A", "B"), np.where(room, "C", "D")).astype(object)
    has_room = room.astype(object)
    for column in (has_room, source, label):
        column[~known.to_numpy()] = None
    columns = {"room": has_room, "room_from": source, "abcd": label}
    return pd.DataFrame({k: pd.Series(v, index=clients.index, dtype=object) for k, v in columns.items()})
