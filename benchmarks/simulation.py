"""Do the intervals keep their promise? Simulated worlds whose truth is known.

    python -m benchmarks.simulation [seeds]              prints one line per estimator, 1 000 seeds by default
    python -m benchmarks.simulation handover [seeds]     prints the table of hand-overs alone

Every world draws data of the kind the estimator meets, with the true value set beforehand, and counts how
often the 95 % interval covers it. The tests run the same worlds with fewer seeds or draws.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from audit.chapters.ownership.verdicts import WIDE_TIMES
from audit.method import method
from audit.stats.cadence import gap_quantiles, gaps_longer
from audit.stats.decompose import grr_noise
from audit.stats.intervals import Estimate, bootstrap_ratio, ratio_t
from audit.stats.matched import matched_difference, matched_ratio
from audit.stats.resample import DRAWS
from audit.stats.survival import kaplan_meier
from audit.stats.trend import yearly_slope, yearly_trends

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Coverage:
    """How an interval did over many seeds: share that covers, mean error and half-width, share without."""

    covered: float
    bias: float
    half_width: float
    missing: float
    seeds: int


def cover(make: Callable[[np.random.Generator], Estimate], truth: float, seeds: int, seed: int = 0) -> Coverage:
    """Run ``make`` with one generator per seed and compare with the truth."""
    hits, errors, widths, missing = 0, [], [], 0
    for i in range(seeds):
        estimate = make(np.random.default_rng([seed, i]))
        if estimate.low is None or estimate.high is None or estimate.value is None:
            missing += 1
            continue
        hits += estimate.low <= truth <= estimate.high
        errors.append(estimate.value - truth)
        widths.append((estimate.high - estimate.low) / 2)
    known = max(len(errors), 1)
    return Coverage(
        hits / known, float(np.mean(errors or [np.nan])), float(np.mean(widths or [np.nan])), missing / seeds, seeds
    )


# --- time to an event ---


def second_event_times(rng: np.random.Generator, n: int, p: float, horizon: float = 365.0) -> Floats:
    """Draw whole days to a second event that a share ``p`` has within the horizon (a few never, inf)."""
    ever = p + (1 - p) * 0.4
    # Three in ten of those who come at all come quickly; the rest so slowly that p have come by the horizon.
    quick = rng.random(n) < 0.3
    slow_share = (p / ever - 0.3 * (1 - np.exp(-horizon / 40.0))) / 0.7
    slow_mean = -horizon / np.log(1 - slow_share)
    t = np.ceil(rng.exponential(np.where(quick, 40.0, slow_mean)))
    return np.where(rng.random(n) < ever, np.maximum(t, 1.0), np.inf)


def km_estimate(rng: np.random.Generator, n: int, p: float, window: float = 900.0) -> Estimate:
    """Staggered entry over the window, watching ends for all on its last day."""
    start = np.floor(rng.random(n) * window)
    t = second_event_times(rng, n, p)
    follow = window - start
    return kaplan_meier(np.minimum(t, follow), t <= follow).at(365).event_share


def naive_share(rng: np.random.Generator, n: int, p: float, window: float = 900.0) -> float:
    """The ratio of units seen twice to units seen, in the same world as `km_estimate`."""
    start = np.floor(rng.random(n) * window)
    t = second_event_times(rng, n, p)
    return float((t <= window - start).mean())


def late_entry_estimate(rng: np.random.Generator, n: int, p: float, late: bool = True) -> Estimate:
    """Two units in five began before the records do and are seen only if nothing had happened by then."""
    window = 900.0
    before = rng.random(n) < 0.4
    start = np.where(before, -np.floor(rng.random(n) * 300.0) - 1, np.floor(rng.random(n) * window))
    t = second_event_times(rng, n, p)
    entry = np.where(before, -start, -1.0)
    seen = t > entry
    follow = window - start
    duration, event, entry = np.minimum(t, follow)[seen], (t <= follow)[seen], entry[seen]
    return kaplan_meier(duration, event, entry if late else None).at(365).event_share


# --- sums over units ---


def ratio_estimate(rng: np.random.Generator, n: int, spread: float, draws: int = DRAWS) -> Estimate:
    """Share of a skewed sum that belongs to units with a mark; marks are rarer among large units."""
    size = rng.lognormal(0.0, spread, n)
    marked = rng.random(n) < np.where(size > 1.0, 0.2, 0.4)
    return bootstrap_ratio(size * marked, size, draws=draws, seed=int(rng.integers(2**31)))


def ratio_truth(spread: float) -> float:
    """E[size · mark] ÷ E[size] of `ratio_estimate`: 0.2 of the sum above the median size, 0.4 below."""
    above = float(stats.norm.cdf(spread))
    return 0.2 * above + 0.4 * (1 - above)


def day_log_estimate(rng: np.random.Generator, days: int) -> Estimate:
    """Hours on a task in a diary of a few days: share and length vary from day to day."""
    hours = rng.uniform(6.0, 10.0, days)
    share = rng.beta(0.35 * 8, 0.65 * 8, days)
    return ratio_t(hours * share, hours, bounds=(0.0, 1.0))


# --- trends ---


@dataclass(frozen=True)
class TrendWorld:
    """Units join over time and leave for good; while there they order at a seasonal, drifting rate."""

    units: int = 300
    months: int = 48
    rate_growth: float = -0.06
    ticket_growth: float = -0.08
    stay: float = 0.985
    shocks: float = 0.0  # months that go their own way for all units alike

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
        """Return unit, month, orders, value of all unit-months with an order."""
        n = self.units
        start = np.where(rng.random(n) < 0.6, 0, rng.integers(0, self.months, n))
        end = start + rng.geometric(1 - self.stay, n)
        month = np.arange(self.months)
        season = 1.0 + 0.25 * np.sin(2 * np.pi * month / 12)
        season *= np.exp(self.shocks * np.random.default_rng(5).normal(size=self.months))
        alive = (month >= start[:, None]) & (month < end[:, None])
        own = rng.gamma(2.0, 0.4, n)
        rate = own[:, None] * season * (1 + self.rate_growth) ** (month / 12)
        orders = rng.poisson(rate) * alive
        unit, when = np.nonzero(orders)
        count = orders[unit, when].astype(np.float64)
        ticket = rng.lognormal(0.0, 0.8, n)[unit] * (1 + self.ticket_growth) ** (when / 12)
        value = count * ticket * rng.lognormal(0.0, 0.5, len(unit))
        return unit, when, count, value

    def truth(self) -> dict[str, float]:
        """Return the slopes of the expected monthly figures (a very large population)."""
        rng = np.random.default_rng(99)
        big = replace(self, units=150_000)
        _, when, count, value = big.draw(rng)
        active = np.bincount(when, minlength=self.months).astype(np.float64)
        orders = np.bincount(when, weights=count, minlength=self.months)
        total = np.bincount(when, weights=value, minlength=self.months)
        figures = {"active": active, "ticket": total / orders, "frequency": orders / active}
        return {name: float(yearly_slope(monthly)) for name, monthly in figures.items()}


def trend_coverage(world: TrendWorld, seeds: int, draws: int) -> dict[str, Coverage]:
    """Coverage of all three trends of a world."""
    truth = world.truth()
    found: dict[str, list[Estimate]] = {name: [] for name in truth}
    for i in range(seeds):
        unit, when, count, value = world.draw(np.random.default_rng([7, i]))
        ones = np.ones(len(unit))
        trends = yearly_trends(
            unit,
            when,
            {"active": (ones, None), "ticket": (value, count), "frequency": (count, ones)},
            first_month=0,
            last_month=world.months - 1,
            draws=draws,
            seed=i,
        )
        for name, trend in trends.items():
            found[name].append(trend.yearly)
    out = {}
    for name, estimates in found.items():
        stream = iter(estimates)
        out[name] = cover(lambda rng, s=stream: next(s), truth[name], seeds)  # type: ignore[misc]
    return out


# --- matched comparisons ---


def matched_estimate(
    rng: np.random.Generator, treated: int, effect: float = 0.85, spread: float = 1.0, draws: int = DRAWS
) -> Estimate:
    """Skewed sums before; after: the stratum's season, an individual change, some lost, the effect."""
    strata = 24
    weights = rng.dirichlet(np.full(strata, 3.0))
    side = np.repeat([True, False], [treated, 4 * treated])
    stratum = rng.choice(strata, size=len(side), p=weights)
    before = rng.lognormal(0.0, spread, len(side))
    season = np.exp(0.2 * np.sin(np.arange(strata)))[stratum]
    change = rng.lognormal(-0.18, 0.6, len(side)) * (rng.random(len(side)) > 0.15) / 0.85
    after = before * season * change * np.where(side, effect, 1.0)
    return matched_ratio(side, stratum, before, after, draws=draws, seed=int(rng.integers(2**31))).effect


@dataclass(frozen=True)
class HandoverVerdicts:
    """What the report says of a change of manager over many seeds: shares of seeds, and the interval behind them."""

    coverage: Coverage
    cannot_tell: float
    found: float


def handover_verdicts(treated: int, effect: float, spread: float, seeds: int, draws: int = DRAWS) -> HandoverVerdicts:
    """Simulate hand-overs of ``treated`` clients whose revenue changes by ``effect`` − 1 and apply the report's rule.

    The rule (methodology 5.6): a half-width above 15 percentage points cannot tell, unless there are twice the least
    clients and the whole interval lies farther from zero than that; what can tell and lies below zero is found.
    """
    t = method().thresholds
    widest, least = t.value("ownership.handover_max_half_width"), t.count("general.min_units")
    kept: list[Estimate] = []

    def make(rng: np.random.Generator) -> Estimate:
        kept.append(matched_estimate(rng, treated, effect, spread, draws).map(lambda x: x - 1.0))
        return kept[-1]

    coverage = cover(make, effect - 1.0, seeds)
    silent = found = 0
    for e in kept:
        if e.low is None or e.high is None:
            silent += 1
            continue
        plain = treated >= WIDE_TIMES * least and (e.high <= -widest or e.low >= widest)
        if (e.high - e.low) / 2 > widest and not plain:
            silent += 1
        elif e.high <= 0:
            found += 1
    return HandoverVerdicts(coverage, silent / seeds, found / seeds)


def handover_table(seeds: int) -> None:
    """Print the hand-over table of ``benchmarks/diagnosis.md``."""
    print(
        "| handed clients | spread of revenue (log) | true change | covered | mean half-width | cannot tell | found |"
    )
    print("|---|---|---|---|---|---|---|")
    for treated in (20, 100, 200):
        for spread in (0.6, 1.0):
            for effect in (0.85, 1.0):
                v = handover_verdicts(treated, effect, spread, seeds)
                print(
                    f"| {treated} | {spread} | {100 * (effect - 1):+.0f} % | {100 * v.coverage.covered:.1f} % | "
                    f"±{100 * v.coverage.half_width:.1f} pp | {100 * v.cannot_tell:.1f} % | {100 * v.found:.1f} % |",
                    flush=True,
                )


def matched_loss_estimate(rng: np.random.Generator, treated: int, effect: float = 0.1, draws: int = DRAWS) -> Estimate:
    """Share lost, higher by ``effect`` among the treated, its level differing between strata."""
    side = np.repeat([True, False], [treated, 4 * treated])
    stratum = rng.integers(0, 12, len(side))
    level = 0.15 + 0.1 * (stratum % 3)
    lost = (rng.random(len(side)) < level + effect * side).astype(np.float64)
    return matched_difference(side, stratum, lost, draws=draws, seed=int(rng.integers(2**31))).effect


# --- orders of units that do not change ---


def steady_orders(rng: np.random.Generator, n: int) -> tuple[NDArray[np.int64], Floats, NDArray[np.bool_]]:
    """Return unit, value, whether in the second year: two years of Poisson orders at unchanging rates."""
    rate = rng.gamma(0.8, 6.0, n)
    counts = rng.poisson(rate[:, None], (n, 2))
    unit = np.repeat(np.tile(np.arange(n), 2), counts.T.ravel())
    second = np.repeat([False, True], [int(counts[:, 0].sum()), int(counts[:, 1].sum())])
    value = rng.lognormal(0.0, 0.7, len(unit)) * rng.lognormal(0.0, 1.0, n)[unit]
    return unit, value, second


def chance_retention(seeds: int, n: int = 400, draws: int = 100) -> tuple[float, float, float]:
    """Return mean gross retention of units that do not change, mean noise floor, share inside its range."""
    measured, floor, inside = [], [], []
    for i in range(seeds):
        rng = np.random.default_rng([11, i])
        unit, value, second = steady_orders(rng, n)
        before = np.bincount(unit[~second], weights=value[~second], minlength=n)
        after = np.bincount(unit[second], weights=value[second], minlength=n)
        kept = float(np.minimum(before, after).sum() / before.sum())
        noise = grr_noise(unit, value, draws=draws, seed=i)
        assert noise.value is not None and noise.low is not None and noise.high is not None
        measured.append(kept)
        floor.append(noise.value)
        inside.append(noise.low <= kept <= noise.high)
    return float(np.mean(measured)), float(np.mean(floor)), float(np.mean(inside))


def renewal_days(
    rng: np.random.Generator, units: int, mean_gap: float, until: float, shape: float, slower: float = 1.0
) -> Iterator[tuple[int, float]]:
    """Yield (unit, day) of gamma renewals; from the middle on gaps are ``slower`` times as long."""
    for unit in range(units):
        day = float(np.floor(rng.random() * mean_gap))
        while day <= until:
            yield unit, day
            mean = mean_gap * (slower if day >= until / 2 else 1.0)
            day += max(1.0, round(mean * rng.gamma(shape, 1 / shape)))


def slowing_rate(seed: int, units: int, mean_gap: float, shape: float, slower: float = 1.0) -> tuple[float, float]:
    """Return the share of units tested and the share of those with p < 0.05."""
    rows = np.array(list(renewal_days(np.random.default_rng(seed), units, mean_gap, 730.0, shape, slower)))
    test = gaps_longer(rows[:, 0].astype(np.int64), rows[:, 1], as_of=730, split=365)
    tested = ~np.isnan(test.p_value)
    return float(tested.mean()), float((test.p_value[tested] < 0.05).mean()) if tested.any() else float("nan")


def next_gap_exceeds(seed: int, units: int, own_spread: float = 0.6) -> dict[int, float]:
    """Return, by number of known gaps, how often the next gap exceeds p90 (one in ten is right)."""
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 14, units)
    level = rng.normal(3.4, 0.8, units)
    gaps = np.maximum(1.0, np.round(np.exp(level[:, None] + own_spread * rng.normal(size=(units, 14)))))
    days = np.concatenate([np.zeros((units, 1)), np.cumsum(gaps, axis=1)], axis=1)[:, :14]
    known = np.arange(14) <= n[:, None]
    unit, column = np.nonzero(known)
    usual = gap_quantiles(unit, days[unit, column])
    exceeds = gaps[np.arange(units), n] > usual.p90
    return {int(k): float(exceeds[n == k].mean()) for k in np.unique(n)}


def main(seeds: int = 1000) -> None:
    """Print the whole table."""

    def line(name: str, c: Coverage) -> None:
        print(
            f"{name:58} {100 * c.covered:5.1f} %   bias {c.bias:+.4f}   half-width {c.half_width:.3f}"
            f"   without interval {100 * c.missing:.1f} %",
            flush=True,
        )

    began = time.perf_counter()
    print(f"Share of {seeds} seeds whose 95 % interval covers the truth\n")
    for p in (0.5, 0.67, 0.8):
        for n in (100, 300, 1000):
            line(f"Kaplan–Meier at 365 d, p = {p}, n = {n}", cover(lambda r, n=n, p=p: km_estimate(r, n, p), p, seeds))
        late = cover(lambda r, p=p: late_entry_estimate(r, 400, p), p, seeds)
        line(f"  the same with late entry, n = 400, p = {p}", late)
        wrong = cover(lambda r, p=p: late_entry_estimate(r, 400, p, late=False), p, seeds)
        line("  … late entry ignored (must fail)", wrong)
        naive = np.mean([naive_share(np.random.default_rng([1, i]), 400, p, 500.0) for i in range(200)])
        print(f"  naive ratio over a window of 500 days: {naive:.3f} instead of {p}")
    for p in (0.2, 0.3):
        line(f"Kaplan–Meier, return rate p = {p}, n = 60", cover(lambda r, p=p: km_estimate(r, 60, p), p, seeds))
    for n in (30, 100, 400):
        for spread in (0.7, 1.2):
            got = cover(lambda r, n=n, s=spread: ratio_estimate(r, n, s), ratio_truth(spread), seeds)
            line(f"ratio of sums, n = {n}, log spread {spread}", got)
    for days in (3, 5, 10, 20):
        line(f"diary share, {days} days", cover(lambda r, d=days: day_log_estimate(r, d), 0.35, seeds))
    for units in (100, 300):
        for name, got in trend_coverage(TrendWorld(units), seeds, 1000).items():
            line(f"trend of {name}, {units} units, 48 months", got)
        for name, got in trend_coverage(TrendWorld(units, shocks=0.3), seeds, 1000).items():
            line(f"  the same with uneven months: {name}", got)
    for treated in (20, 100, 200):
        for spread in (0.6, 1.0, 1.4):
            got = cover(lambda r, t=treated, s=spread: matched_estimate(r, t, spread=s, draws=1000), 0.85, seeds)
            line(f"matched ratio −15 %, {treated} treated, log spread {spread}", got)
        got = cover(lambda r, t=treated: matched_loss_estimate(r, t, draws=1000), 0.1, seeds)
        line(f"matched difference +10 pp, {treated} treated", got)
    measured, floor, inside = chance_retention(min(seeds, 300), draws=200)
    print(f"gross retention of unchanging units: {measured:.4f}, floor {floor:.4f}, inside {inside:.3f}")
    for gap in (7.0, 14.0, 30.0, 60.0):
        for shape in (1.0, 4.0):
            _, size = slowing_rate(1, 4000, gap, shape)
            tested, power = slowing_rate(2, 2000, gap, shape, slower=1.5)
            rates = f"size {size:.3f}, power at ×1.5 {power:.3f}, tested {tested:.2f}"
            print(f"gaps longer, mean {gap:.0f} d, shape {shape:.0f}: {rates}")
    print("next gap beyond p90 by known gaps:", {k: round(v, 3) for k, v in next_gap_exceeds(3, 60_000).items()})
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["handover"]:
        handover_table(int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
