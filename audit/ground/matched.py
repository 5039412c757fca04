"""Comparing clients at one and the same moment of their life: the same purchase number, the same month, the same pace.

A *landmark* is a purchase. What a client is compared by (a failure on that purchase, a new manager on it) is known on
its day; what becomes of the client is looked for strictly afterwards, by the same clock on both sides. So nobody has to
survive in order to be counted, and nobody who buys more often is given more chances.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.stats.matched import Matched, matched_difference
from audit.stats.survival import logrank

__all__ = ["Comparison", "compare", "number_band", "pace_half", "pool_weight", "prepare", "strata", "twice_extra"]

POOL_WEIGHT = 2.0
"""The gap usual for all clients counts as so many gaps of the client's own, where the data do not tell how many."""
POOL_WEIGHTS = (0.3, 6.0)
ENOUGH_GAPS = 30
EXACT_NUMBERS = 10
BANDS = (12, 15, 20, 30, 50)
CURVE_STEPS = 16
LARGE_ORDER = 3.0
"""An order so many times the client's usual one stocks it up: the silence after it means nothing by itself."""


def prepare(purchases: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Add to each purchase what was known of the client on its day, and what followed.

    ``purchases``: client_key, day, next_day (missing: none so far), purchase_no, month_index, revenue; every client
    from its first purchase on without a break. Sorted by client and day on return. Columns added: ``gaps``
    (completed before or on that day), ``usual_days`` — geometric mean of those gaps, drawn towards that of all
    clients while they are few — ``large`` (three times the client's mean order so far or more), ``annual_value``
    (mean order so far × 365 ÷ usual gap), ``wait_days`` (to the next purchase or to ``as_of``), ``returned``.
    """
    p = purchases.sort_values(["client_key", "day"], kind="stable").reset_index(drop=True)
    by = p.groupby("client_key", sort=False)
    gap = by["day"].diff().dt.days.to_numpy(dtype=np.float64)
    logs = np.log(np.maximum(gap, 1.0))
    known = np.isfinite(gap)
    p["gaps"] = by.cumcount().to_numpy()
    p["_log"] = np.where(known, logs, 0.0)
    total = p.groupby("client_key", sort=False)["_log"].cumsum().to_numpy(dtype=np.float64)
    centre = float(np.median(logs[known])) if known.any() else np.log(365.0)
    n = p["gaps"].to_numpy(dtype=np.float64)
    weight = pool_weight(p["client_key"].to_numpy(dtype=object)[known], logs[known])
    p["usual_days"] = np.exp((total + weight * centre) / (n + weight))
    p = p.drop(columns="_log")
    revenue = p["revenue"].to_numpy(dtype=np.float64)
    so_far = by["revenue"].cumsum().to_numpy(dtype=np.float64)
    before = np.divide(so_far - revenue, n, out=np.full(len(p), np.nan), where=n > 0)
    with np.errstate(invalid="ignore"):
        p["large"] = np.isfinite(before) & (revenue >= LARGE_ORDER * np.maximum(before, 1e-9))
    p["annual_value"] = np.maximum(so_far, 0.0) / (n + 1.0) * 365.0 / p["usual_days"].to_numpy(dtype=np.float64)
    end = pd.Timestamp(as_of)
    p["returned"] = p["next_day"].notna() & (p["next_day"] <= end)
    until = p["next_day"].where(p["returned"], end)
    p["wait_days"] = (until - p["day"]).dt.days.to_numpy(dtype=np.float64)
    return p


def pool_weight(client: NDArray[np.object_], log_gaps: NDArray[np.float64]) -> float:
    """Return how many own gaps the usual gap of all clients is worth: variance within a client ÷ between clients.

    One-way random effects on log gaps, by moments, kept between 0.3 and 6; 2 with fewer than 30 repeated gaps. Where
    clients differ much from one another, two gaps of a client already say more about it than everybody else's do.
    """
    frame = pd.DataFrame({"client": client, "x": log_gaps})
    by = frame.groupby("client", sort=False)["x"].agg(["mean", "size", "var"])
    sure = by[by["size"] >= 2]
    free = float((sure["size"] - 1).sum())
    if free < ENOUGH_GAPS or len(sure) < 2:
        return POOL_WEIGHT
    within = float((sure["var"] * (sure["size"] - 1)).sum()) / free
    # What the means of few gaps vary by chance alone is taken off; a tenth of the variance is always left.
    between = float(sure["mean"].var()) - within * float((1.0 / sure["size"]).mean())
    between = max(between, 0.1 * float(sure["mean"].var()), 1e-9)
    return float(np.clip(within / between, *POOL_WEIGHTS))


def number_band(number: pd.Series) -> NDArray[np.int64]:
    """Return the purchase number itself up to ten, beyond that the upper end of its band (999 for the last)."""
    n = number.to_numpy(dtype=np.int64)
    ends = np.array([*BANDS, 999], dtype=np.int64)
    return np.where(n <= EXACT_NUMBERS, n, ends[np.minimum(np.searchsorted(ends, n), len(ends) - 1)])


def pace_half(landmarks: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which landmarks belong to the slower half among those of the same purchase number (False: no gap known
    yet)."""
    band = number_band(landmarks["purchase_no"])
    usual = landmarks["usual_days"]
    middle = usual.groupby(band).transform("median")
    return np.asarray((usual > middle) & (landmarks["gaps"] > 0))


def strata(landmarks: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of the stratum of each landmark: month × purchase number × pace × stocking up."""
    month = landmarks["month_index"].to_numpy(dtype=np.int64)
    half = pace_half(landmarks).astype(np.int64)
    large = landmarks["large"].to_numpy(dtype=np.int64)
    return np.asarray(((month * 1000 + number_band(landmarks["purchase_no"])) * 2 + half) * 2 + large)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Clients after an event against clients at the same point without it.

    ``matched``: share without a further order within ``loss_gaps`` usual gaps, treated minus controls, with the
    interval that resamples clients; followed that long only. ``p_value``: two-sided log-rank test of the time to the
    next order, in usual gaps, within strata; ``slower``: treated clients come back later or less. ``curve``: gaps,
    treated, controls — share not back within so many gaps, from 0 to the clock's ``loss_gaps``, where it is the two
    figures of ``matched``. ``rows``: the landmarks used, with ``treated``, ``stratum``, ``lost`` (missing where not followed long
    enough).
    """

    matched: Matched
    twice: Matched
    p_value: float | None
    slower: bool
    curve: pd.DataFrame
    rows: pd.DataFrame


def compare(
    landmarks: pd.DataFrame,
    treated: NDArray[np.bool_],
    *,
    loss_gaps: float,
    as_of: dt.date,
    draws: int,
    seed: int,
    level: float = 0.95,
) -> Comparison:
    """Compare landmarks after an event (``treated``) with those at the same point without it.

    ``landmarks``: rows of `prepare`. Only those whose whole clock of ``loss_gaps`` usual gaps fits before ``as_of``
    tell whether the client was lost; the length of the clock is known on the day it starts, so leaving the others
    out picks nobody. Strata that lack one of the sides are left out and counted as unmatched.
    """
    rows = landmarks.assign(treated=treated, stratum=strata(landmarks))
    rows["lost"] = _lost(rows, loss_gaps, as_of)

    def difference(lost: pd.Series) -> Matched:
        seen = rows[lost.notna()]
        return matched_difference(
            seen["treated"].to_numpy(dtype=np.bool_),
            seen["stratum"].to_numpy(),
            lost[lost.notna()].to_numpy(dtype=np.float64),
            cluster=seen["client_key"].to_numpy(dtype=object).astype(str),
            draws=draws,
            seed=seed,
            level=level,
        )

    both = rows.groupby("stratum")["treated"].agg(["any", "all"])
    mixed = rows["stratum"].map(both["any"] & ~both["all"]).to_numpy(dtype=np.bool_)
    used = rows[mixed]
    p_value, slower = None, False
    if len(used):
        usual = used["usual_days"].to_numpy(dtype=np.float64)
        test = logrank(
            used["wait_days"].to_numpy(dtype=np.float64) / usual,
            used["returned"].to_numpy(dtype=np.bool_),
            used["treated"].to_numpy(dtype=np.bool_),
            strata=used["stratum"].to_numpy(),
        )
        # Groups come sorted, False first: z > 0 says that the controls order sooner than expected.
        p_value, slower = test.p_value, test.z is not None and test.z > 0
    matched, twice = difference(rows["lost"]), difference(_lost(rows, 2 * loss_gaps, as_of))
    return Comparison(matched, twice, p_value, slower, _curve(rows, loss_gaps), rows)


def _lost(rows: pd.DataFrame, gaps: float, as_of: dt.date) -> pd.Series:
    """Return 1 for a landmark without a further order within ``gaps`` usual gaps, 0 with one, missing if not
    followed."""
    limit = gaps * rows["usual_days"]
    followed = (pd.Timestamp(as_of) - rows["day"]).dt.days >= limit
    lost = ~(rows["returned"] & (rows["wait_days"] <= limit))
    return lost.astype(float).where(followed)


def _curve(rows: pd.DataFrame, loss_gaps: float) -> pd.DataFrame:
    """Return the share not back on both sides, controls weighted to the treated, up to the clock of the comparison.

    The clients are those of ``matched``, so that the curves end in its two figures.
    """
    seen = rows[rows["lost"].notna()]
    both = seen.groupby("stratum")["treated"].agg(["any", "all"])
    used = seen[seen["stratum"].map(both["any"] & ~both["all"]).to_numpy(dtype=np.bool_)]
    out = _points(used, [loss_gaps * k / CURVE_STEPS for k in range(1, CURVE_STEPS + 1)]) if len(used) else []
    return pd.DataFrame(out, columns=["gaps", "treated", "controls"]).astype(float)


def _points(rows: pd.DataFrame, points: list[float]) -> list[dict[str, float]]:
    treated = rows["treated"].to_numpy(dtype=np.bool_)
    _, code = np.unique(rows["stratum"].to_numpy(), return_inverse=True)
    ours = np.bincount(code, weights=treated)
    theirs = np.bincount(code, weights=~treated)
    weight = np.where(treated, 1.0, (ours / theirs)[code])
    relative = rows["wait_days"].to_numpy(dtype=np.float64) / rows["usual_days"].to_numpy(dtype=np.float64)
    back_at = np.where(rows["returned"].to_numpy(dtype=np.bool_), relative, np.inf)
    out = [{"gaps": 0.0, "treated": 1.0, "controls": 1.0}]
    for g in points:
        away = (back_at > g) * weight
        out.append(
            {
                "gaps": g,
                "treated": float(away[treated].sum() / weight[treated].sum()),
                "controls": float(away[~treated].sum() / weight[~treated].sum()),
            }
        )
    return out


def twice_extra(c: Comparison, needed: int) -> dict[str, Any]:
    """Return the difference by the clock twice as long for a metric's ``extra``; None with fewer than ``needed``
    clients."""
    e = c.twice.effect
    known = e.n >= needed and e.value is not None and e.low is not None
    return {
        "twice_value": e.value if known else None,
        "twice_low": e.low if known else None,
        "twice_high": e.high if known else None,
        "twice_n": e.n,
    }
