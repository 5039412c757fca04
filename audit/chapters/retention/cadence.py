"""The rhythm of every regular client: when the next order is due, and who is late, asleep or lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from audit.method import Thresholds
from audit.stats.cadence import gap_quantiles

__all__ = ["STATES", "Limits", "cadence", "limits_of", "seasonal", "slowing_p", "state_table"]

Floats = NDArray[np.float64]

STATES = ("lost", "sleeping", "late", "slowing", "on_time")
"""In the order in which they are tried (methodology 5.4)."""

SLOWING_MIN_GAPS = 4
"""Gaps on either side below which the ranks cannot tell slower from chance at 5 %."""
SEASON_MONTHS = 4
SEASON_MIN_DAYS = 365
SEASON_MIN_ORDERS = 4


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


def cadence(
    clients: pd.DataFrame,
    gaps: pd.DataFrame,
    days: pd.DataFrame,
    as_of: dt.date,
    limits: Limits,
    in_season: Collection[str] = (),
) -> pd.DataFrame:
    """Return the rhythm and the state of every regular client (two or more order days).

    ``clients``: client_key, segment, last_day; ``gaps``: one row per client as in ``gaps.sql``; ``days``: client_key,
    day, the last order days of every client (``last_days.sql``). Columns: client_key, gaps, ``usual_gap_days`` (median of
    the last twelve) and ``p90_gap_days`` (crossed by one next gap in ten), both shrunk to the segment's below ``min_gaps``
    gaps (``shrunk``; see `audit.stats.cadence.gap_quantiles`); ``silent_days`` since the last order; ``limit_days``
    (silence from which it sleeps); ``next_day`` (last order + usual gap); ``overdue_days`` (since then, at least 0);
    ``slowing_p``; ``state``. Clients without a segment make a segment of their own. ``in_season``: clients that were
    silent in the same weeks of earlier years, too (``seasons.sql``): they neither sleep nor are late.
    """
    rows = clients.merge(gaps, on="client_key", how="inner").sort_values("client_key").reset_index(drop=True)
    known = days[days["client_key"].isin(rows["client_key"])]
    segment = known["client_key"].map(rows.set_index("client_key")["segment"]).astype("string").fillna("—")
    since = (known["day"] - pd.Timestamp(as_of)).dt.days.to_numpy(dtype=np.float64)
    told = gap_quantiles(
        known["client_key"].to_numpy(dtype=object).astype(str), since, segment.to_numpy(dtype=object), limits.min_gaps
    )
    place = pd.Index(told.units).get_indexer(rows["client_key"].astype(str))
    usual, p90 = (np.round(q[place], 6) for q in (told.p50, told.p90))
    sure = rows["gaps"].to_numpy() >= limits.min_gaps

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
    return np.where(enough, special.ndtr(-z), 1.0)


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
