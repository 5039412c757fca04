"""What happened to treated units beyond what happened to comparable ones, with the same clock for both.

Treated units are compared with controls of their own stratum (same month, same ordinal number). The
controls of a stratum are weighted to the number of treated units there, so that both sides have the same
mixture of strata. Association is not cause: strata take out only what they are made of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.intervals import Estimate, Reason, wilson
from audit.stats.resample import DRAWS, SEED, percentile_interval, resampled_totals

__all__ = ["Matched", "matched_difference", "matched_ratio"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Matched:
    """A matched comparison.

    ``effect``: the figure with its interval; its ``n`` counts treated clusters. ``treated_figure``,
    ``control_figure``: the two sides of it, controls weighted. ``treated``, ``controls``: rows used;
    ``unmatched``: treated rows left out because their stratum has no control; ``strata`` used.
    """

    effect: Estimate
    treated_figure: float | None
    control_figure: float | None
    treated: int
    controls: int
    unmatched: int
    strata: int


def _weights(treated: NDArray[np.bool_], stratum: ArrayLike) -> tuple[Floats, int, int]:
    """Return row weights, the strata used and the treated rows without a control.

    1 for treated rows, treated ÷ controls of the stratum for controls, 0 in strata that lack either.
    """
    values, code = np.unique(np.asarray(stratum), return_inverse=True)
    if treated.ndim != 1 or code.shape != treated.shape:
        raise ValueError("treated and stratum must be vectors of one length")
    n_treated = np.bincount(code[treated], minlength=len(values)).astype(np.float64)
    n_control = np.bincount(code[~treated], minlength=len(values)).astype(np.float64)
    both = (n_treated > 0) & (n_control > 0)
    ratio = np.divide(n_treated, n_control, out=np.zeros(len(values)), where=both)
    weight = np.where(treated, both[code].astype(np.float64), ratio[code])
    return weight, int(both.sum()), int((treated & (weight == 0)).sum())


def _compare(
    treated: ArrayLike,
    stratum: ArrayLike,
    top: Floats,
    bottom: Floats,
    cluster: ArrayLike | None,
    *,
    as_ratio: bool,
    draws: int,
    seed: int,
    level: float,
) -> Matched:
    """Compare Σ top ÷ Σ bottom of both sides, by ratio or by difference, resampling clusters of rows.

    The weights of the controls stay as they are in every draw. Both sides are sums over clusters then, and
    the interval errs, if at all, on the wide side.
    """
    is_treated = np.asarray(treated, dtype=np.bool_)
    weight, strata, unmatched = _weights(is_treated, stratum)
    if top.shape != is_treated.shape or bottom.shape != is_treated.shape:
        raise ValueError("all columns must be vectors of one length")
    used = weight > 0
    side, w = is_treated[used], weight[used]
    rows = np.column_stack([top[used], bottom[used]]) * w[:, None]
    if not np.isfinite(rows).all():
        raise ValueError("values must be finite")
    table = np.column_stack([rows * side[:, None], rows * ~side[:, None], side])
    if cluster is not None:
        labels = np.asarray(cluster)
        if labels.shape != is_treated.shape:
            raise ValueError("one cluster label per row is needed")
        table = _cluster_sums(table, labels[used])
    treated_clusters = int((table[:, 4] > 0).sum())
    sums = np.sort(table, axis=0).sum(axis=0) if len(table) else np.zeros(5)
    counts = {"treated": int(side.sum()), "controls": int((~side).sum()), "unmatched": unmatched, "strata": strata}

    def nothing(reason: Reason) -> Matched:
        return Matched(Estimate(None, None, None, treated_clusters, level, reason), None, None, **counts)

    if strata == 0:
        return nothing("no_units")
    if sums[1] <= 0 or sums[3] <= 0 or (as_ratio and sums[2] <= 0):
        return nothing("zero_denominator")

    def combine(totals: Floats) -> Floats:
        ok = (totals[:, 1] > 0) & (totals[:, 3] > 0)
        if as_ratio:
            ok &= totals[:, 2] > 0
        safe = np.where(ok[:, None], totals, 1.0)
        ours, theirs = safe[:, 0] / safe[:, 1], safe[:, 2] / safe[:, 3]
        return np.where(ok, ours / theirs if as_ratio else ours - theirs, np.nan)

    value = float(combine(sums[None, :])[0])
    interval = percentile_interval(combine(resampled_totals(table, draws, seed)), treated_clusters, level)
    effect = (
        Estimate(value, None, None, treated_clusters, level, "too_few_units")
        if interval is None
        else Estimate(value, interval[0], interval[1], treated_clusters, level)
    )
    return Matched(effect, float(sums[0] / sums[1]), float(sums[2] / sums[3]), **counts)


def _cluster_sums(table: Floats, labels: NDArray[np.generic]) -> Floats:
    """Return the sums of rows per cluster, adding each cluster's rows in the order of their values."""
    _, code = np.unique(labels, return_inverse=True)
    order = np.lexsort([*table.T[::-1], code])
    starts = np.flatnonzero(np.concatenate([[True], np.diff(code[order]) != 0]))
    return np.asarray(np.add.reduceat(table[order], starts, axis=0)) if len(table) else table


def matched_ratio(
    treated: ArrayLike,
    stratum: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    cluster: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    level: float = 0.95,
) -> Matched:
    """Return Σ after ÷ Σ before of treated units over that of matched controls (0.85: 15 % less is left).

    Grain: one row per unit and event. ``before``, ``after``: sums over equally long spans on either side of
    the event (for a control: of the same date); ``stratum``: label of what is matched on; ``cluster``:
    label of what is independent, if rows are not (one unit in several rows, as a control early and treated
    later). Rows with nothing after stay in: leaving them out would hide those that left. Controls are
    weighted to treated ÷ controls of their stratum. The interval resamples clusters. No stratum with both
    sides: ``no_units``; one treated cluster: no interval.
    """
    return _compare(
        treated,
        stratum,
        np.asarray(after, dtype=np.float64),
        np.asarray(before, dtype=np.float64),
        cluster,
        as_ratio=True,
        draws=draws,
        seed=seed,
        level=level,
    )


def matched_difference(
    treated: ArrayLike,
    stratum: ArrayLike,
    outcome: ArrayLike,
    cluster: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    level: float = 0.95,
) -> Matched:
    """Return the mean outcome of treated units minus that of matched controls (share lost, say).

    Grain and arguments as in `matched_ratio`; ``outcome``: one number per row, 0 or 1 for a share. Where a
    share is 0 or 1 on one side resampling sees no spread there; the interval is then widened to Newcombe's,
    made of the Wilson limits of both sides. Source: R. G. Newcombe, Statistics in Medicine 17, 1998.
    """
    values = np.asarray(outcome, dtype=np.float64)
    matched = _compare(
        treated, stratum, values, np.ones_like(values), cluster, as_ratio=False, draws=draws, seed=seed, level=level
    )
    share, other, effect = matched.treated_figure, matched.control_figure, matched.effect
    certain = share in (0.0, 1.0) or other in (0.0, 1.0)
    if share is None or other is None or effect.low is None or effect.high is None or not certain:
        return matched
    if not np.isin(values, (0.0, 1.0)).all():
        return matched
    weight, _, _ = _weights(np.asarray(treated, dtype=np.bool_), stratum)
    weight = weight[~np.asarray(treated, dtype=np.bool_)]
    # Unequal weights make the controls worth fewer of them (Kish).
    worth = float(weight.sum() ** 2 / (weight**2).sum())
    low1, high1 = wilson(share * effect.n, effect.n, level)
    low2, high2 = wilson(other * worth, worth, level)
    low = share - other - float(np.hypot(share - low1, high2 - other))
    high = share - other + float(np.hypot(high1 - share, other - low2))
    return replace(matched, effect=replace(effect, low=min(effect.low, low), high=max(effect.high, high)))
