"""Off-profile clients: small ones whose odd orders take more effort than they are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

__all__ = ["OffProfile", "off_profile"]


@dataclass(frozen=True, slots=True)
class OffProfile:
    """Off-profile clients and what they take of the orders.

    ``table``: one row per client (see `off_profile`). ``order_share``: their share of orders; ``by_chance``: the
    share that coincidence would give; ``excess``: the difference, with ``low`` and ``high`` for how far coincidence
    may go (95 %). ``criteria``: which of margin, rare and effort could be measured and tell clients apart; ``common``:
    the others that could be measured, with the share of clients that bear them; ``margin_limit``, ``effort_limit``: the
    company's percentiles.
    """

    table: pd.DataFrame
    order_share: float
    by_chance: float
    excess: float
    low: float
    high: float
    criteria: tuple[str, ...]
    common: dict[str, float]
    margin_limit: float | None
    effort_limit: float | None


def _per_million(count: pd.Series, revenue: pd.Series) -> pd.Series:
    return count.astype(float) / revenue * 1e6


def off_profile(
    clients: pd.DataFrame,
    *,
    measurable: tuple[str, ...],
    max_revenue_share: float = 0.02,
    margin_quantile: float = 0.10,
    effort_quantile: float = 0.90,
    rare_share: float = 0.5,
    needed: int = 2,
    min_events: int = 2,
    most_bearers: float = 0.2,
) -> OffProfile:
    """Find the clients that are small and at least twice out of the ordinary, and count their orders.

    Grain of ``clients``: one row per client with positive revenue: client_key, revenue, orders, claims, returns,
    margin_share (None: unknown), rare_share of its revenue in goods hardly anybody else buys (None: unknown).
    ``measurable``: which of the criteria "margin", "rare", "effort" the data carry.

    - margin: below the company's ``margin_quantile`` over clients, or negative;
    - rare: at least ``rare_share`` of its revenue in rare goods;
    - effort: orders, claims or returns per million of revenue above their ``effort_quantile`` over clients; claims and
      returns count from ``min_events`` on, because one event in a small client is chance.

    A mark that more than ``most_bearers`` of the clients bear tells nobody apart and is dropped: with every client a
    buyer of goods made for it alone, rare goods are no oddity. A client qualifies with a revenue share below
    ``max_revenue_share`` and ``needed`` criteria. Percentiles mark a tenth of any base, so part of the qualifying is
    coincidence: whoever has one other criterion gets the percentile one with that probability. This floor is
    ``by_chance``; the verdict is about what exceeds it. All clients and orders of the period are known, so only
    coincidence is uncertain: the interval is that of independent chances.
    """
    revenue = clients["revenue"].astype(float)
    share = revenue / float(revenue.sum())
    marks: dict[str, pd.Series] = {}
    margin_limit = effort_limit = None
    if "margin" in measurable:
        margin = clients["margin_share"].astype(float)
        margin_limit = float(margin.quantile(margin_quantile))
        marks["margin"] = (margin < margin_limit) | (margin < 0)
    if "rare" in measurable:
        marks["rare"] = clients["rare_share"].astype(float).fillna(0.0) >= rare_share
    if "effort" in measurable:
        orders = _per_million(clients["orders"], revenue)
        effort_limit = float(orders.quantile(effort_quantile))
        effort = orders > effort_limit
        for events in ("claims", "returns"):
            rate = _per_million(clients[events], revenue)
            effort |= (rate > float(rate.quantile(effort_quantile))) & (clients[events] >= min_events)
        marks["effort"] = effort
    flags = pd.DataFrame(marks, index=clients.index).fillna(False).astype(bool)
    borne = flags.mean()
    common = {str(name): float(part) for name, part in borne[borne > most_bearers].items()}
    flags = flags.drop(columns=list(common))
    small = share < max_revenue_share
    held = flags.sum(axis=1)
    off = small & (held >= needed)
    chance = _chance(flags, small, needed, margin_quantile, 1 - effort_quantile)
    weight = clients["orders"].to_numpy(dtype=np.float64)
    total = float(weight.sum())
    part = weight / total if total > 0 else weight
    order_share, by_chance = float((part * off.to_numpy(dtype=np.float64)).sum()), float((part * chance).sum())
    half = float(special.ndtri(0.975)) * float(np.sqrt((part**2 * chance * (1 - chance)).sum()))
    table = clients.assign(revenue_share=share, off_profile=off, criteria_held=held)
    for name in ("margin", "rare", "effort"):
        table[f"flag_{name}"] = flags.get(name)
    return OffProfile(
        table=table,
        order_share=order_share,
        by_chance=by_chance,
        excess=order_share - by_chance,
        low=order_share - by_chance - half,
        high=order_share - by_chance + half,
        criteria=tuple(str(name) for name in flags),
        common=common,
        margin_limit=margin_limit,
        effort_limit=effort_limit,
    )


def _chance(
    flags: pd.DataFrame, small: pd.Series, needed: int, margin_rate: float, effort_rate: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return each client's probability of qualifying by a percentile alone: it has all but one criterion without it."""
    name, rate = ("margin", margin_rate) if "margin" in flags else ("effort", effort_rate)
    if name not in flags:
        return np.zeros(len(flags))
    others = flags.drop(columns=name).sum(axis=1)
    return np.where(small & (others == needed - 1), rate, 0.0)
