"""Shares of sums over clients, all with intervals from one and the same resampling of clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.intervals import Estimate, dominant_unit
from audit.stats.resample import MANY, bundles, canonical_order, percentile_interval, poisson_weights

__all__ = ["Share", "shares_of_sums"]

Floats = NDArray[np.float64]

_CELLS = 2_000_000
"""Weights held at once: 2 000 draws × 1 000 clients are 16 MB."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval, and the same without the client that dominates it.

    ``dominant_share`` is that client's part of the figure; ``without`` is None when no client passes the limit.
    ``dominant`` is its position in the input.
    """

    whole: Estimate
    dominant: int | None
    dominant_share: float
    without: Estimate | None


def shares_of_sums(
    figures: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    draws: int,
    seed: int,
    dominant_limit: float,
    level: float = 0.95,
) -> dict[str, Share]:
    """Return Σ top ÷ Σ bottom over clients for several figures, resampling clients once for all of them.

    Grain: one entry per client, the same clients in every column. Weights are Poisson(1) per client and draw, made
    block by block; clients are put into an order made from their values first, so that neither the order of the rows
    nor their names change a digit. ``n`` of a figure counts the clients that have anything in it. A figure whose
    bottom sums to zero or less has no value.
    """
    columns = [np.asarray(c, dtype=np.float64) for pair in figures.values() for c in pair]
    if not columns or len(columns[0]) == 0:
        none = Estimate(None, None, None, 0, level, "no_units")
        return {name: Share(none, None, 0.0, None) for name in figures}
    table = np.column_stack(columns)
    table = table[np.any(table != 0, axis=1)]
    table = table[canonical_order(table)] if len(table) else table
    # A client may dominate one figure only; it is left out by giving its row weight zero in that figure.
    doms = {name: dominant_unit(top, bottom, dominant_limit) for name, (top, bottom) in figures.items()}
    rng = np.random.default_rng(seed)
    totals = np.zeros((draws, table.shape[1]))
    lone: dict[int, Floats] = {}
    wanted = {name: _row_of(table, columns, d.index) for name, d in doms.items() if d.index is not None}
    bundle = bundles(len(table), seed)
    drawn = table if bundle is None else np.column_stack([np.bincount(bundle, c, MANY) for c in table.T])
    block = max(1, _CELLS // draws)
    for start in range(0, len(drawn), block):
        rows = drawn[start : start + block]
        weights = poisson_weights(rng, (draws, len(rows)))
        totals += weights @ rows
        for row in wanted.values():
            at = row if bundle is None else int(bundle[row])
            if start <= at < start + len(rows):
                lone[row] = weights[:, at - start]
    out: dict[str, Share] = {}
    for i, name in enumerate(figures):
        top, bottom = table[:, 2 * i], table[:, 2 * i + 1]
        pair = totals[:, 2 * i : 2 * i + 2]
        whole = _estimate(top, bottom, pair, level)
        dom = doms[name]
        without = None
        if dom.index is not None:
            row = wanted[name]
            keep = np.arange(len(table)) != row
            rest = pair - lone[row][:, None] * table[row, 2 * i : 2 * i + 2]
            without = _estimate(top[keep], bottom[keep], rest, level)
        out[name] = Share(whole, dom.index, dom.share, without)
    return out


def _row_of(table: Floats, columns: list[Floats], index: int) -> int:
    """Return the first row of the ordered table that equals the client at ``index`` of the input."""
    values = np.array([c[index] for c in columns]) + 0.0
    return int(np.flatnonzero((table == values).all(axis=1))[0])


def _estimate(top: Floats, bottom: Floats, totals: Floats, level: float) -> Estimate:
    n = int(((top != 0) | (bottom != 0)).sum())
    if n == 0:
        return Estimate(None, None, None, 0, level, "no_units")
    below = float(bottom.sum())
    if below <= 0:
        return Estimate(None, None, None, n, level, "zero_denominator")
    drawn = np.divide(totals[:, 0], totals[:, 1], out=np.full(len(totals), np.nan), where=totals[:, 1] > 0)
    value = float(top.sum()) / below
    interval = percentile_interval(drawn, n, level)
    if interval is None:
        return Estimate(value, None, None, n, level, "too_few_units")
    # The percentile interval of a skewed figure may stop short of the figure itself.
    return Estimate(value, min(interval[0], value), max(interval[1], value), n, level)
