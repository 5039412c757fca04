"""How long until it happens, when many have not been watched long enough: Kaplan–Meier and the log-rank test.

Times are counted from each unit's own start. A unit is in the risk set at time t if it entered before t
(always, without late entry) and its time is at least t; a unit censored at t is still at risk for the
events at t.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from audit.stats.intervals import Estimate, Reason, clopper_pearson

__all__ = ["LogRank", "SurvivalAt", "SurvivalCurve", "kaplan_meier", "logrank", "logrank_by_stratum"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SurvivalAt:
    """The curve at one horizon.

    ``survival`` with ``low`` and ``high`` is the share for which it has *not* happened by the horizon
    (inclusive). ``at_risk``: units still watched just before the horizon; ``events``: events up to it. When
    nobody was watched that long and it had not happened to all, ``survival`` is None with reason
    ``beyond_follow_up`` and only an upper limit (that of the last time seen) is known.
    """

    horizon: float
    survival: float | None
    low: float
    high: float
    at_risk: int
    events: int
    n: int
    level: float
    reason: Reason | None = None

    @property
    def event_share(self) -> Estimate:
        """The share for which it has happened by the horizon: 1 − survival, limits swapped."""
        value = None if self.survival is None else 1.0 - self.survival
        if self.n == 0:
            return Estimate(None, None, None, 0, self.level, self.reason)
        return Estimate(value, 1.0 - self.high, 1.0 - self.low, self.n, self.level, self.reason)


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """A Kaplan–Meier curve; one entry per distinct time at which anything was seen.

    ``times`` ascending; ``survival``, ``low``, ``high`` hold from that time on (1 before the first);
    ``at_risk`` just before, ``events`` and ``censored`` at that time. ``median``: first time at which
    survival is at most one half; None where it never is.
    """

    times: Floats
    survival: Floats
    low: Floats
    high: Floats
    at_risk: Ints
    events: Ints
    censored: Ints
    n: int
    level: float
    median: float | None
    _exits: Floats = field(repr=False)
    _entries: Floats | None = field(repr=False)

    def at(self, horizon: float) -> SurvivalAt:
        """Return the curve at ``horizon`` (events at the horizon itself included) with an honest interval.

        Where nothing has happened yet the log-log interval does not exist: the lower limit is then the exact
        binomial one for the units still at risk at the horizon, none of which had the event (with late entry:
        for the smallest risk set on the way). Where it has happened to all see `kaplan_meier`.
        """
        if self.n == 0:
            return SurvivalAt(horizon, None, 0.0, 1.0, 0, 0, 0, self.level, "no_units")
        at_risk = int(_at_risk(np.array([horizon]), self._exits, self._entries)[0])
        i = int(np.searchsorted(self.times, horizon, side="right")) - 1
        events = int(self.events[: i + 1].sum())
        s, low, high = (float(self.survival[i]), float(self.low[i]), float(self.high[i])) if i >= 0 else (1.0, 0.0, 1.0)
        if s > 0 and horizon > self.times[-1]:
            return SurvivalAt(horizon, None, 0.0, high, 0, events, self.n, self.level, "beyond_follow_up")
        if s >= 1.0:
            watched = at_risk if self._entries is None else min([at_risk, *self.at_risk[: i + 1].tolist()])
            low, high = clopper_pearson(watched, watched, self.level)
        return SurvivalAt(horizon, s, low, high, at_risk, events, self.n, self.level)

    def at_all(self, horizons: Iterable[float]) -> list[SurvivalAt]:
        """Return the curve at several horizons."""
        return [self.at(h) for h in horizons]


def _times(duration: ArrayLike, event: ArrayLike, entry: ArrayLike | None) -> tuple[Floats, Bools, Floats | None]:
    """Check and convert the three columns of survival data."""
    t = np.asarray(duration, dtype=np.float64)
    e = np.asarray(event)
    if t.ndim != 1 or e.shape != t.shape:
        raise ValueError("duration and event must be vectors of one length")
    if e.dtype != np.bool_:
        if not np.isin(e, (0, 1)).all():
            raise ValueError("event must be true or false")
        e = e.astype(np.bool_)
    if not np.isfinite(t).all() or (t < 0).any():
        raise ValueError("durations must be finite and not negative")
    if entry is None:
        return t, e, None
    late = np.asarray(entry, dtype=np.float64)
    if late.shape != t.shape or not np.isfinite(late).all() or (late >= t).any():
        raise ValueError("entry must be finite and earlier than the duration")
    return t, e, late


def _at_risk(times: Floats, sorted_exits: Floats, sorted_entries: Floats | None) -> Ints:
    """Return how many units are watched just before each time: entry < t ≤ exit."""
    left = len(sorted_exits) - np.searchsorted(sorted_exits, times, side="left")
    if sorted_entries is not None:
        left = left - (len(sorted_entries) - np.searchsorted(sorted_entries, times, side="left"))
    return np.asarray(left, dtype=np.int64)


def kaplan_meier(
    duration: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None, level: float = 0.95
) -> SurvivalCurve:
    """Return the share for which it has not happened yet, by time since the start, allowing for censoring.

    Grain: one entry per unit. ``duration``: time to the event or to the end of watching; ``event``: whether
    it happened; ``entry``: time from which the unit was watched, for units that count only because it had
    not happened before (late entry). Ties: events come before censorings at the same time. With late entry
    the curve is conditional on the earliest entry, and a small early risk set that dies out takes it to
    zero for good.

    Interval: log-log with Greenwood's variance. Its two undefined ends: where nothing has happened, the
    exact binomial lower limit of r out of r, r the units at risk; where it has happened to all, the lower
    limit is 0 and the upper one the smaller of two valid limits, each taken at half the error: the log-log
    limit just before the last drop, and the exact binomial limit of none out of those still at risk then.
    Source: E. L. Kaplan, P. Meier, JASA 53, 1958; J. D. Kalbfleisch, R. L. Prentice 2002 for the log-log
    interval.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    t, e, late = _times(duration, event, entry)
    exits = np.sort(t)
    entries = None if late is None else np.sort(late)
    times, inverse = np.unique(t, return_inverse=True)
    m = len(times)
    events = np.bincount(inverse, weights=e, minlength=m).astype(np.int64)
    censored = np.bincount(inverse, minlength=m).astype(np.int64) - events
    at_risk = _at_risk(times, exits, entries)

    d, r = events.astype(np.float64), at_risk.astype(np.float64)
    survival = np.asarray(np.cumprod(1.0 - d / r), dtype=np.float64)
    alive = r > d
    greenwood = np.cumsum(np.divide(d, r * (r - d), out=np.zeros(m), where=alive))
    low, high = _log_log(survival, greenwood, at_risk, level)

    half = np.flatnonzero(survival <= 0.5 + 1e-12)
    return SurvivalCurve(
        times=times,
        survival=survival,
        low=low,
        high=high,
        at_risk=at_risk,
        events=events,
        censored=censored,
        n=len(t),
        level=level,
        median=float(times[half[0]]) if half.size else None,
        _exits=exits,
        _entries=entries,
    )


def _log_log(survival: Floats, greenwood: Floats, at_risk: Ints, level: float) -> tuple[Floats, Floats]:
    """Return the limits of the curve; see `kaplan_meier` for the ends."""
    tail = (1 - level) / 2
    z = float(special.ndtri(1 - tail))
    inside = (survival > 0) & (survival < 1)
    log_s = np.log(survival, out=np.full(len(survival), -1.0), where=inside)
    spread = np.minimum(np.sqrt(greenwood) / -log_s, 300.0)
    low = np.where(inside, np.exp(log_s * np.exp(z * spread)), 0.0)
    high = np.where(inside, np.exp(log_s * np.exp(-z * spread)), 1.0)

    nothing_yet = survival >= 1
    low[nothing_yet] = tail ** (1.0 / np.maximum(at_risk[nothing_yet], 1))

    zero = np.flatnonzero(survival <= 0)
    if zero.size:
        last = int(zero[0])
        upper = 1.0 - (tail / 2) ** (1.0 / max(int(at_risk[last]), 1))
        if last > 0 and inside[last - 1]:
            z_half = float(special.ndtri(1 - tail / 2))
            upper = min(upper, float(np.exp(log_s[last - 1] * np.exp(-z_half * spread[last - 1]))))
        high[zero] = upper
    return low, high


@dataclass(frozen=True, slots=True)
class LogRank:
    """Whether it happens sooner in one group than in another.

    ``chi2`` with ``df`` degrees of freedom and its two-sided ``p_value``; ``groups`` with ``observed`` and
    ``expected`` events each. ``z`` (two groups only): positive when the *first* group in ``groups`` has
    more events than expected, i.e. has them sooner; its one-sided p-value is 1 − Φ(z). Nothing to compare
    (one group, no event at which both were at risk): ``p_value`` None.
    """

    chi2: float
    df: int
    p_value: float | None
    groups: tuple[object, ...]
    observed: Floats
    expected: Floats
    n: int
    z: float | None


def logrank(
    duration: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
) -> LogRank:
    """Return the log-rank test of equal survival between groups, within strata if given.

    Grain: one entry per unit. ``group`` and ``strata`` are labels of any kind that sorts; missing labels
    are the caller's mistake. Units are compared only with units of their own stratum at risk at the same
    time. Computed in floating point: products of counts overflow 64-bit integers from about 200 000 units.
    Source: N. Mantel 1966; R. Peto, J. Peto 1972.
    """
    t, e, late = _times(duration, event, entry)
    g, groups = _codes(group, len(t))
    s = np.zeros(len(t), dtype=np.int64) if strata is None else _codes(strata, len(t))[0]
    k = len(groups)
    tables = _tables(t, e, late, g, k, s)
    observed = tables.died.sum(axis=0)
    expected = (tables.total_died[:, None] * tables.share).sum(axis=0)
    difference = observed - expected
    spread = tables.spread
    variance = -(tables.share * spread[:, None]).T @ tables.share
    variance[np.diag_indices(k)] += (tables.share * spread[:, None]).sum(axis=0)

    informative = variance.diagonal() > 1e-12
    df = max(int(informative.sum()) - 1, 0)
    if df == 0:
        return LogRank(0.0, 0, None, groups, observed, expected, len(t), None)
    # Groups that were never at risk together with another one carry no information.
    keep = np.flatnonzero(informative)[:-1]
    rank = int(np.linalg.matrix_rank(variance[np.ix_(keep, keep)]))
    chi2 = float(difference[keep] @ np.linalg.pinv(variance[np.ix_(keep, keep)]) @ difference[keep])
    z = float(difference[0] / np.sqrt(variance[0, 0])) if k == 2 else None
    return LogRank(chi2, rank, float(special.chdtrc(rank, chi2)), groups, observed, expected, len(t), z)


def logrank_by_stratum(
    duration: ArrayLike, event: ArrayLike, group: ArrayLike, stratum: NDArray[np.int64], n_strata: int
) -> Floats:
    """Return one two-group log-rank z per stratum (thousands of small comparisons at once).

    ``group``: false / true; ``stratum``: numbers 0 … n_strata − 1. Positive z: the units with ``group``
    true have the event *sooner* than the others of their stratum. NaN where there is nothing to compare.
    """
    t, e, _ = _times(duration, event, None)
    g = np.asarray(group, dtype=np.bool_).astype(np.int64)
    s = np.asarray(stratum, dtype=np.int64)
    tables = _tables(t, e, None, g, 2, s)
    share = tables.share[:, 1]
    excess = np.bincount(tables.stratum, tables.died[:, 1] - tables.total_died * share, minlength=n_strata)
    variance = np.bincount(tables.stratum, tables.spread * share * (1 - share), minlength=n_strata)
    z = np.full(n_strata, np.nan)
    np.divide(excess, np.sqrt(variance), out=z, where=variance > 1e-12)
    return z


@dataclass(frozen=True, slots=True)
class _Tables:
    """One row per stratum × event time: who was at risk, who had the event."""

    stratum: Ints
    died: Floats  # rows × groups
    total_died: Floats
    share: Floats  # rows × groups: share of those at risk
    spread: Floats  # d (r − d) / (r − 1)


def _tables(t: Floats, e: Bools, late: Floats | None, g: Ints, k: int, s: Ints) -> _Tables:
    """Return the tables of all strata and event times without a loop over them.

    A unit's stratum and the rank of its time are folded into one sortable key, so that counting who is
    still at risk is a difference of two positions in a sorted array.
    """
    ranks_of, rank = np.unique(t, return_inverse=True)
    width = len(ranks_of) + 1
    key = s * width + rank + 1
    rows, row = np.unique(key[e], return_inverse=True)
    stratum = rows // width
    end = (stratum + 1) * width
    # A late entry ranks with the last observed time that is not after it (0: before all): not at risk there yet.
    late_key = None if late is None else s * width + np.searchsorted(ranks_of, late, side="right")
    died = np.bincount(row * k + g[e], minlength=len(rows) * k).reshape(len(rows), k).astype(np.float64)
    at_risk = np.zeros((len(rows), k))
    for code in range(k):
        mine = g == code
        keys = np.sort(key[mine])
        at_risk[:, code] = np.searchsorted(keys, end) - np.searchsorted(keys, rows)
        if late_key is not None:
            entered = np.sort(late_key[mine])
            at_risk[:, code] -= np.searchsorted(entered, end) - np.searchsorted(entered, rows)
    total_died, total = died.sum(axis=1), at_risk.sum(axis=1)
    spread = np.divide(total_died * (total - total_died), total - 1, out=np.zeros(len(rows)), where=total > 1)
    return _Tables(stratum, died, total_died, at_risk / total[:, None], spread)


def _codes(labels: ArrayLike, n: int) -> tuple[Ints, tuple[object, ...]]:
    """Return labels as numbers 0 … k − 1 in sorted order, and the labels."""
    values, codes = np.unique(np.asarray(labels), return_inverse=True)
    if codes.shape != (n,):
        raise ValueError("one label per unit is needed")
    return codes.astype(np.int64), tuple(values.tolist())
