"""How revenue is spread over clients: concentration, classes A, B, C, and the long tail."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Concentration", "Tail", "abc", "abcd", "by_holding", "concentration", "long_tail", "smaller_half"]


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


def abc(revenue: pd.Series, a: float = 0.8, b: float = 0.95) -> pd.Series:
    """Put every client into class A, B or C by its place in the running total of revenue.

    Largest first; a client is A while the clients before it bring less than ``a`` of the total, B while they bring
    less than ``b``, else C. So the largest client is always A, and the one that crosses a limit belongs to the
    class above it. Clients with zero or negative figures are C. Equal clients in different classes: the index
    decides.
    """
    values = pd.to_numeric(revenue).astype(float).fillna(0.0)
    ranked = values[values > 0].sort_index(kind="stable").sort_values(ascending=False, kind="stable")
    out = pd.Series("C", index=values.index, dtype=object)
    total = float(ranked.sum())
    if total > 0:
        before = (ranked.cumsum() - ranked) / total
        out[ranked.index] = np.where(before < a - 1e-12, "A", np.where(before < b - 1e-12, "B", "C"))
    return out


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


def abcd(size: pd.Series, room: pd.Series) -> pd.Series:
    """Place clients by size now and room to grow: A grow and guard, B guard, C grow selectively, D serve cheaply.

    ``size``: class by revenue, A is large; ``room``: True, False, or None where nothing is known, and so is the place.
    """
    large = (size == "A").to_numpy()
    grows = (room == True).to_numpy()  # noqa: E712 - an object column
    place = np.where(large, np.where(grows, "A", "B"), np.where(grows, "C", "D")).astype(object)
    place[room.isna().to_numpy()] = None
    return pd.Series(place, index=size.index, dtype=object)
