"""How evenly clients buy (X, Y, Z), and how far each is below its own best year."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from audit.model.calendar import add_months
from audit.model.window import Window

__all__ = ["QUARTERS_MOST", "own_best", "quarters_of", "xyz"]

QUARTERS_MOST = 20
"""Five years: an older best year says little about what the client could buy today."""


def quarters_of(window: Window) -> list[dict[str, dt.date]]:
    """Return the whole quarters counted back from the last day, latest first: from and until, inclusive."""
    out: list[dict[str, dt.date]] = []
    until = window.as_of
    for k in range(1, QUARTERS_MOST + 1):
        start = add_months(window.as_of, -3 * k) + dt.timedelta(days=1)
        if start < window.start:
            break
        out.append({"from": start, "until": until})
        until = start - dt.timedelta(days=1)
    return out


def xyz(
    quarters: pd.DataFrame,
    first_day: pd.Series,
    starts: list[dt.date],
    *,
    x: float = 0.25,
    y: float = 0.5,
    least: int = 4,
    most: int = 8,
) -> pd.DataFrame:
    """Class clients by how evenly they buy: X steadily, Y with swings, Z now and then.

    ``quarters``: one row per client, net revenue of each whole quarter, latest first (q0, q1 …); ``starts``: their
    first days. Counted are the latest ``most`` quarters that began after the client's first order. Returns
    ``variation`` (standard deviation ÷ mean of those quarters) and ``xyz``; both None for a client known for fewer
    than ``least`` quarters or without positive revenue in them.
    """
    values = quarters.to_numpy(dtype=np.float64)[:, :most]
    first = pd.to_datetime(first_day).to_numpy(dtype="datetime64[D]")
    begins = np.array([np.datetime64(s) for s in starts[:most]], dtype="datetime64[D]")
    counts = begins[None, :] >= first[:, None] if len(begins) else np.zeros((len(values), 0), dtype=bool)
    known = counts.sum(axis=1)
    mean = np.divide((values * counts).sum(axis=1), known, out=np.zeros(len(values)), where=known > 0)
    spread = ((values - mean[:, None]) ** 2 * counts).sum(axis=1)
    deviation = np.sqrt(np.divide(spread, known, out=np.zeros(len(values)), where=known > 0))
    usable = (known >= least) & (mean > 0)
    variation = np.divide(deviation, mean, out=np.full(len(values), np.nan), where=usable)
    label = np.where(variation <= x, "X", np.where(variation <= y, "Y", "Z")).astype(object)
    label[~usable] = None
    out = pd.DataFrame({"variation": variation}, index=quarters.index)
    out["xyz"] = pd.Series(label, index=quarters.index, dtype=object)
    return out


def own_best(quarters: pd.DataFrame) -> pd.DataFrame:
    """Compare the last four quarters of a client with its own best four in a row.

    ``quarters``: one row per client, net revenue, latest first. Columns: ``best_year`` money, ``to_best``: last four ÷
    best four, at most 1. None where the window has fewer than five quarters or the client never had a positive year.
    """
    values = quarters.to_numpy(dtype=np.float64)
    n, k = values.shape
    empty = np.full(n, np.nan)
    if k < 5:
        return pd.DataFrame({"best_year": empty, "to_best": empty}, index=quarters.index)
    years = np.lib.stride_tricks.sliding_window_view(values, 4, axis=1).sum(axis=2)
    best = years.max(axis=1)
    to_best = np.divide(np.maximum(years[:, 0], 0.0), best, out=empty.copy(), where=best > 0)
    return pd.DataFrame({"best_year": np.where(best > 0, best, np.nan), "to_best": to_best}, index=quarters.index)
