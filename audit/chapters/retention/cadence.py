"""The rhythm of every regular client: when the next order is due, and who is late, asleep or lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from audit.method import Thresholds

__all__ = ["STATES", "Limits", "cadence", "limits_of", "own_weight", "seasonal", "slowing_p", "state_table"]

Floats = NDArray[np.float64]

STATES = ("lost", "sleeping", "late", "slowing", "on_time")
"""In the order in which they are tried (methodology 5.4)."""

SPREAD_FALLBACK = 1.8
"""90th percentile ÷ median of gaps where no client has enough of them: that of gaps with a coefficient of variation
near 0.5, as of a client that orders when the stock is used up."""
SLOWING_MIN_GAPS = 4
"""Gaps on either side below which the ranks cannot tell slower from chance at 5 %."""
SEASON_MONTHS = 4
SEASON_MIN_DAYS = 365
SEASON_MIN_ORDERS = 4
NORMAL_P90 = 1.2816
MEDIAN_VARIANCE = 1.5708
"""Variance of a sample median of n normal values is about π/2 · σ²/n."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the states; days and multiples as in the thresholds."""

    lost_min_days: float
    lost_gap_multiple: float
    sleeping_gap_multiple: float
    sleeping_min_days: float
    min_gaps: int
    slowing_p: float


def limits_of(thresholds: Thresholds) -> Limits:
    """Return the limits in force."""
    return Limits(
        lost_min_days=thresholds.value("retention.lost_min_days"),
        lost_gap_multiple=thresholds.value("retention.lost_gap_multiple"),
        sleeping_gap_multiple=thresholds.value("retention.sleeping_gap_multiple"),
        sleeping_min_days=thresholds.value("retention.sleeping_min_days"),
        min_gaps=thresholds.count("retention.cadence_min_gaps"),
        slowing_p=thresholds.value("retention.slowing_p_value"),
    )


def own_weight(gaps: Floats, log_median: Floats, spread: Floats, min_gaps: int) -> Floats:
    """Return how much a client's own median counts against its segment's, 0–1; 1 from ``min_gaps`` gaps on.

    Empirical Bayes on logs: weight = n ÷ (n + κ), κ = π/2 · (variance of gaps within a client) ÷ (variance of medians
    between clients), both from clients with enough gaps. Where clients differ much from one another and little within
    themselves, two gaps already say more about a client than its segment does. With fewer than ten such clients κ = 2.
    """
    sure = gaps >= min_gaps
    kappa = 2.0
    if sure.sum() >= 10:
        within = float(np.median(np.log(spread[sure]) / NORMAL_P90)) ** 2
        noise = float(np.mean(MEDIAN_VARIANCE * within / gaps[sure]))
        between = max(float(np.var(log_median[sure])) - noise, 0.02)
        kappa = float(np.clip(MEDIAN_VARIANCE * within / between, 0.1, 8.0))
    return np.where(sure, 1.0, gaps / (gaps + kappa))


def cadence(
    clients: pd.DataFrame, gaps: pd.DataFrame, as_of: dt.date, limits: Limits, in_season: Collection[str] = ()
) -> pd.DataFrame:
    """Return the rhythm and the state of every regular client (two or more order days).

    ``clients``: client_key, segment, last_day; ``gaps``: one row per client as in ``retention_gaps.sql``. Columns:
    client_key, gaps, ``usual_gap_days`` (median) and ``p90_gap_days``, both shrunk to the segment's below ``min_gaps``
    gaps, ``shrunk``; ``silent_days`` since the last order; ``limit_days`` (silence from which it sleeps); ``next_day``
    (last order + usual gap); ``overdue_days`` (since then, at least 0); ``slowing_p``; ``state``. Clients without a
    segment make a segment of their own. ``in_season``: clients that were silent in the same weeks of earlier years,
    too (``retention_seasons.sql``): they neither sleep nor are late.
    """
    rows = clients.merge(gaps, on="client_key", how="inner").reset_index(drop=True)
    n = rows["gaps"].to_numpy(dtype=np.float64)
    # Engines interpolate quantiles differently in the last bit; no state may hang on it.
    median = np.maximum(np.round(rows["median_gap_days"].to_numpy(dtype=np.float64), 6), 1.0)
    own_p90 = np.maximum(np.round(rows["p90_gap_days"].to_numpy(dtype=np.float64), 6), median)
    spread = own_p90 / median
    log_median = np.log(median)
    segment = rows["segment"].astype("string").fillna("—").to_numpy(dtype=object)
    sure = n >= limits.min_gaps
    weight = own_weight(n, log_median, spread, limits.min_gaps)
    usual = np.exp(weight * log_median + (1 - weight) * _centre(log_median, segment, sure))
    ratio_weight = np.minimum(n / limits.min_gaps, 1.0)
    typical = _centre(np.log(spread), segment, sure, fallback=float(np.log(SPREAD_FALLBACK)))
    p90 = np.round(usual * np.exp(ratio_weight * np.log(spread) + (1 - ratio_weight) * typical), 6)
    usual = np.round(usual, 6)

    silent = (pd.Timestamp(as_of) - rows["last_day"]).dt.days.to_numpy(dtype=np.float64)
    asleep_from = np.maximum(limits.sleeping_gap_multiple * p90, limits.sleeping_min_days)
    p_slow = slowing_p(rows)
    unexpected = ~rows["client_key"].isin(list(in_season)).to_numpy(dtype=np.bool_)
    state = np.select(
        [
            (silent > limits.lost_min_days) & (silent > limits.lost_gap_multiple * usual),
            (silent > limits.sleeping_gap_multiple * p90) & (silent >= limits.sleeping_min_days) & unexpected,
            (silent > p90) & unexpected,
            p_slow < limits.slowing_p,
        ],
        list(STATES[:4]),
        STATES[4],
    )
    next_day = rows["last_day"] + pd.to_timedelta(np.rint(usual), unit="D")
    return pd.DataFrame(
        {
            "client_key": rows["client_key"],
            "gaps": rows["gaps"].astype(np.int64),
            "usual_gap_days": usual,
            "p90_gap_days": p90,
            "shrunk": ~sure,
            "silent_days": silent.astype(np.int64),
            "limit_days": asleep_from,
            "next_day": next_day,
            "overdue_days": np.maximum((pd.Timestamp(as_of) - next_day).dt.days.to_numpy(), 0),
            "slowing_p": p_slow,
            "state": state,
        }
    )


def _centre(
    values: Floats, segment: NDArray[np.object_], sure: NDArray[np.bool_], fallback: float | None = None
) -> Floats:
    """Return the median of each client's segment among clients sure of their own; of the base where these are few.

    With fewer than ten sure clients in all: the fallback, or the median of everybody where none is given.
    """
    if not len(values):
        return values
    base = float(np.median(values[sure])) if sure.sum() >= 10 else None
    if base is None:
        base = float(np.median(values)) if fallback is None else fallback
    frame = pd.DataFrame({"segment": segment[sure], "value": values[sure]})
    by = frame.groupby("segment")["value"].agg(["median", "size"])
    known = by.loc[by["size"] >= 10, "median"].to_dict()
    return np.array([known.get(s, base) for s in segment], dtype=np.float64)


def slowing_p(gaps: pd.DataFrame) -> Floats:
    """Return the one-sided p-value that the last year's gaps are longer than those before (Mann–Whitney with ties).

    1 where either side has fewer than four gaps. Normal approximation with continuity correction.
    """
    total = gaps["gaps"].to_numpy(dtype=np.float64)
    late = gaps["recent_gaps"].to_numpy(dtype=np.float64)
    early = total - late
    u = gaps["recent_twice_ranks"].to_numpy(dtype=np.float64) / 2.0 - late * (late + 1) / 2.0
    ties = gaps["tie_sum"].to_numpy(dtype=np.float64)
    variance = late * early / 12.0 * (total + 1 - ties / np.maximum(total * (total - 1), 1.0))
    enough = (late >= SLOWING_MIN_GAPS) & (early >= SLOWING_MIN_GAPS) & (variance > 0)
    z = np.divide(u - late * early / 2.0 - 0.5, np.sqrt(np.where(enough, variance, 1.0)))
    return np.where(enough, stats.norm.sf(z), 1.0)


def seasonal(clients: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which clients buy by the season: four or more order days over more than a year, all in at most four months.

    ``clients``: first_seen_day, last_day, order_days, calendar_months (distinct months of the year with an order day).
    """
    span = (clients["last_day"] - clients["first_seen_day"]).dt.days.to_numpy()
    return np.asarray(
        (clients["order_days"].to_numpy() >= SEASON_MIN_ORDERS)
        & (span >= SEASON_MIN_DAYS)
        & (clients["calendar_months"].to_numpy() <= SEASON_MONTHS)
    )


def state_table(rhythm: pd.DataFrame, clients: pd.DataFrame) -> pd.DataFrame:
    """Return clients and money per state, one row per state in the order of `STATES`.

    Columns: state, clients, share (of regular clients), recent_revenue (last 12 months), at_stake (revenue of the 365
    days up to each client's last order).
    """
    rows = rhythm[["client_key", "state"]].merge(
        clients[["client_key", "recent_revenue", "last_year_revenue"]], on="client_key", how="left"
    )
    out = rows.groupby("state").agg(
        clients=("client_key", "size"), recent_revenue=("recent_revenue", "sum"), at_stake=("last_year_revenue", "sum")
    )
    out = out.reindex(list(STATES), fill_value=0).reset_index(names="state")
    out.insert(2, "share", out["clients"] / max(len(rhythm), 1))
    return out.astype({"clients": np.int64, "recent_revenue": float, "at_stake": float})
