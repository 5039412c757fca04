"""The rhythm of every regular client: when the next order is due, and who is late, asleep or lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.method import Thresholds
from audit.stats.cadence import gap_quantiles, gaps_longer

__all__ = ["STATES", "Limits", "cadence", "limits_of", "seasonal", "slowing_p", "state_table"]

Floats = NDArray[np.float64]

STATES = ("lost", "sleeping", "late", "slowing", "on_time")
"""In the order in which they are tried (methodology 5.4)."""

AT_ONCE = 10_000
"""Clients whose slowing is tested at once."""

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
    slowing: pd.Series | None = None,
) -> pd.DataFrame:
    """Return the rhythm and the state of every regular client (two or more order days).

    ``clients``: client_key, segment, last_day; ``gaps``: one row per client as in ``gaps.sql``; ``days``: client_key,
    day, the last order days of every client (``last_days.sql``). Columns: client_key, gaps, ``usual_gap_days`` (median of
    the last twelve) and ``p90_gap_days`` (crossed by one next gap in ten), both shrunk to the segment's below ``min_gaps``
    gaps (``shrunk``; see `audit.stats.cadence.gap_quantiles`); ``silent_days`` since the last order; ``limit_days``
    (silence from which it sleeps); ``next_day`` (last order + usual gap); ``overdue_days`` (since then, at least 0);
    ``slowing_p``; ``state``. Clients without a segment make a segment of their own. ``in_season``: clients that were
    silent in the same weeks of earlier years, too (``seasons.sql``): they neither sleep nor are late. ``slowing``: see
    `slowing_p`; whoever is not in it was not tested.
    """
    rows = clients.merge(gaps, on="client_key", how="inner").sort_values("client_key").reset_index(drop=True)
    known = days[days["client_key"].isin(rows["client_key"])]
    # Clients and segments by their numbers: hundreds of thousands of texts are slow to sort. ``rows`` stand by key.
    place = pd.Index(rows["client_key"]).get_indexer(known["client_key"])
    segment = pd.factorize(rows["segment"].astype("string").fillna("—"), sort=True)[0]
    since = (known["day"] - pd.Timestamp(as_of)).dt.days.to_numpy(dtype=np.float64)
    told = gap_quantiles(place, since, segment[place], limits.min_gaps)
    usual, p90 = (np.full(len(rows), np.nan) for _ in range(2))
    usual[told.units], p90[told.units] = (np.round(q, 6) for q in (told.p50, told.p90))
    sure = rows["gaps"].to_numpy() >= limits.min_gaps

    silent = (pd.Timestamp(as_of) - rows["last_day"]).dt.days.to_numpy(dtype=np.float64)
    asleep_from = np.maximum(limits.sleeping_gap_multiple * p90, limits.sleeping_min_days)
    p_slow = rows["client_key"].map({} if slowing is None else slowing).to_numpy(dtype=np.float64)
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


def slowing_p(days: pd.DataFrame, as_of: dt.date, recent_start: dt.date) -> pd.Series:
    """Return by client_key the one-sided p-value that the gaps begun in the last year are longer than those before.

    ``days``: client_key, day of clients with enough of them (``rhythm_days.sql``). The running silence is one of the last
    year's gaps, not ended yet (log-rank): a client that has stopped coming slows down, too. NaN with fewer than four gaps
    on either side.
    """
    since = (days["day"] - pd.Timestamp(as_of)).dt.days.to_numpy(dtype=np.float64)
    unit, keys = pd.factorize(days["client_key"])
    order = np.lexsort((since, unit)) if (np.diff(unit) < 0).any() else slice(None)
    unit, since = unit[order], since[order]
    p = np.full(len(keys), np.nan)
    # Every client is tested by itself: so many clients at once that memory stays small.
    edges = np.searchsorted(unit, np.arange(0, len(keys) + AT_ONCE, AT_ONCE))
    for start, stop in pairwise(edges.tolist()):
        test = gaps_longer(unit[start:stop], since[start:stop], 0.0, float((recent_start - as_of).days))
        p[test.units.astype(np.int64)] = test.p_value
    return pd.Series(p, index=keys, dtype=float)


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
