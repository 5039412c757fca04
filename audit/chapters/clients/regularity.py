"""How evenly clients buy: X, Y, Z."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

__all__ = ["xyz"]


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
