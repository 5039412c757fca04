"""How revenue is spread over clients: concentration, holdings, and the long tail."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Concentration", "Tail", "by_holding", "concentration", "long_tail", "smaller_half"]


@dataclass(frozen=True, slots=True)
class Concentration:
    """How much of the revenue the largest clients bring, beside what equal clients would give.

    ``n``: clients with positive net revenue; ``top1``, ``top5``, ``top20``: revenue share of the largest one, five and
    20 % of them (their number, rounded up, is ``top20_clients``); ``hhi``: sum of squared shares, 0–1. ``even_*``: the
    same figure if all n clients were equal, which is the floor below which it cannot fall.
    """

    n: int
    top1: float
    top5: float
    top20: float
    top20_clients: int
    hhi: float
    even_top1: float
    even_top5: float
    even_hhi: float


def concentration(revenue: pd.Series) -> Concentration | None:
    """Tell how much the largest clients bring; None where nobody has positive revenue.

    Grain: one value per client, net money of the period. Clients with zero or negative revenue (only returns of earlier
    purchases) count neither above nor below the line. Ties do not matter: equal clients bring equal revenue.
    """
    paid = np.sort(revenue[revenue > 0].to_numpy(dtype=np.float64))[::-1]
    n = len(paid)
    if n == 0:
        return None
    share = paid / paid.sum()
    top20 = math.ceil(0.2 * n - 1e-12)
    return Concentration(
        n=n,
        top1=float(share[0]),
        top5=float(share[:5].sum()),
        top20=float(share[:top20].sum()),
        top20_clients=top20,
        hhi=float((share**2).sum()),
        even_top1=1 / n,
        even_top5=min(5, n) / n,
        even_hhi=1 / n,
    )


def by_holding(clients: pd.DataFrame) -> pd.DataFrame:
    """Sum clients up to their holdings; a client without a holding stands for itself.

    Grain: one row per holding or single client. Columns: ``name``, ``clients`` (how many), ``revenue``; largest first.
    """
    named = clients["holding"].notna() & (clients["holding"].astype(str).str.strip() != "")
    unit = clients["holding"].astype(str).where(named, "\x00" + clients["client_key"].astype(str))
    name = clients["holding"].where(named, clients["client_name"].fillna(clients["client_key"]))
    frame = pd.DataFrame({"unit": unit, "name": name, "revenue": clients["revenue"]})
    out = frame.groupby("unit", sort=True).agg(
        name=("name", "first"), clients=("name", "size"), revenue=("revenue", "sum")
    )
    return out.sort_values(["revenue", "name"], ascending=[False, True], kind="stable").reset_index(drop=True)


def smaller_half(clients: pd.DataFrame) -> pd.Series:
    """Mark the smaller half of the clients by revenue (rounded down); on equal revenue the client's key decides."""
    order = clients.sort_values(["revenue", "client_key"], kind="stable").index
    mark = pd.Series(False, index=clients.index)
    mark[order[: len(order) // 2]] = True
    return mark


@dataclass(frozen=True, slots=True)
class Tail:
    """What the smaller half of the clients takes and brings: counts, and its shares of orders and of revenue.

    All clients and all their orders are counted, as for `concentration`: there is no sample to err.
    """

    clients: int
    orders: float
    revenue: float
    order_share: float
    revenue_share: float


def long_tail(clients: pd.DataFrame) -> Tail:
    """Compare the orders of the smaller half of clients with the revenue it brings.

    Grain of ``clients``: one row per client with positive revenue: client_key, revenue, orders.
    """
    tail = clients[smaller_half(clients)]
    orders, revenue = float(tail["orders"].sum()), float(tail["revenue"].sum())
    return Tail(
        len(tail), orders, revenue, orders / float(clients["orders"].sum()), revenue / float(clients["revenue"].sum())
    )
