"""Do the intervals of the second edition keep their promise? Worlds of known truth, one estimator each.

    python -m benchmarks.intervals [seeds]        prints one line per world, 1 000 seeds by default

The tests of ``tests/stats`` run the same worlds with fewer seeds, and with other ones.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.stats.intervals import Estimate
from audit.stats.shares import clustered_share, weighted_share
from audit.stats.trend import Trend, yearly_trends
from benchmarks.simulation import Coverage, cover

Floats = NDArray[np.float64]


# --- shares ---


def late_orders(
    rng: np.random.Generator, clients: int, share: float, concentration: float, orders: float = 12.0
) -> tuple[Floats, Floats]:
    """Return marked and all orders of clients whose own shares are beta distributed and whose sizes differ much."""
    n = 1 + rng.poisson(rng.gamma(0.7, orders / 0.7, clients)).astype(np.float64)
    own = rng.beta(share * concentration, (1 - share) * concentration, clients)
    return rng.binomial(n.astype(np.int64), own).astype(np.float64), n


def late_coverage(clients: int, share: float, concentration: float, seeds: int, seed: int = 1) -> Coverage:
    """Coverage of a share of orders whose clients differ."""
    return cover(lambda rng: clustered_share(*late_orders(rng, clients, share, concentration)), share, seeds, seed)


@dataclass(frozen=True)
class ShareCoverage:
    """Coverage of a share of revenue, and how often the truth lies above the interval."""

    whole: Coverage
    above: float


def revenue_coverage(clients: int, spread: float, share: float, seeds: int, seed: int = 2) -> ShareCoverage:
    """Coverage of the share of a log-normal revenue that belongs to clients marked by chance."""
    above = 0

    def make(rng: np.random.Generator) -> Estimate:
        nonlocal above
        size = rng.lognormal(0.0, spread, clients)
        estimate = weighted_share(size * (rng.random(clients) < share), size)
        above += estimate.high is not None and estimate.high < share
        return estimate

    whole = cover(make, share, seeds, seed)
    return ShareCoverage(whole, above / seeds)


# --- trends ---

DECLINE = -0.05
"""From here a fall is a finding."""


@dataclass(frozen=True)
class ShakenMarket:
    """Clients that stay and order at rates of their own, in a market that moves all of them alike from month to month.

    ``shock``: standard deviation of the log of a month, correlated 0.8 with the next; orders and tickets are shaken
    apart. ``orders`` and ``ticket``: true growth a year.
    """

    clients: int = 150
    months: int = 36
    shock: float = 0.1
    orders: float = 0.0
    ticket: float = 0.0

    def market(self, rng: np.random.Generator) -> Floats:
        """Return the log of what the market does to every month."""
        path = rng.normal(size=self.months)
        for month in range(1, self.months):
            path[month] = 0.8 * path[month - 1] + 0.6 * path[month]
        return self.shock * path

    def draw(self, rng: np.random.Generator, draws: int) -> dict[str, Trend]:
        """Return the trends of the orders and of the ticket in one company."""
        month = np.arange(self.months)
        rate = rng.gamma(2.0, 0.5, self.clients)[:, None] * (1 + 0.25 * np.sin(2 * np.pi * month / 12))
        number = rng.poisson(rate * np.exp(np.log1p(self.orders) * month / 12 + self.market(rng)))
        unit, when = np.nonzero(number)
        count = number[unit, when].astype(np.float64)
        price = np.exp(np.log1p(self.ticket) * month / 12 + self.market(rng))[when]
        value = count * price * rng.lognormal(0.0, 0.8, self.clients)[unit] * rng.lognormal(0.0, 0.5, len(unit))
        figures = {"orders": (count, None), "ticket": (value, count)}
        return yearly_trends(unit, when, figures, first_month=0, last_month=self.months - 1, draws=draws)


@dataclass(frozen=True)
class TrendCoverage:
    """Coverage of a trend, and how often it would be found or watched as a decline of 5 % a year."""

    coverage: Coverage
    found: float
    watched: float


def market_coverage(world: ShakenMarket, seeds: int, draws: int, seed: int = 3) -> dict[str, TrendCoverage]:
    """Return the coverage of slope and last year of both figures of a world."""
    kept: dict[str, list[Estimate]] = {}
    for i in range(seeds):
        for name, trend in world.draw(np.random.default_rng([seed, i]), draws).items():
            kept.setdefault(f"{name}, slope", []).append(trend.yearly)
            kept.setdefault(f"{name}, last year", []).append(trend.last_year)
    out = {}
    for name, estimates in kept.items():
        stream = iter(estimates)
        truth = world.orders if name.startswith("orders") else world.ticket
        falls = [e for e in estimates if e.value is not None and e.value <= DECLINE and e.high is not None]
        out[name] = TrendCoverage(
            cover(lambda rng, s=stream: next(s), truth, seeds),  # type: ignore[misc]
            sum(e.high <= DECLINE for e in falls) / seeds,
            sum(DECLINE < e.high < 0 for e in falls) / seeds,
        )
    return out


def trends(seeds: int) -> None:
    """Print the lines of the trends."""
    worlds = [ShakenMarket(months=months, shock=shock) for months in (24, 36) for shock in (0.0, 0.1)]
    worlds += [ShakenMarket(months=24, orders=-0.05, ticket=-0.05), ShakenMarket(orders=-0.12, ticket=-0.25)]
    worlds += [ShakenMarket(clients=200, shock=0.0, orders=-0.12, ticket=-0.12)]
    for world in worlds:
        for name, got in market_coverage(world, seeds, 400).items():
            print(
                f"{world.clients} clients, {world.months} months, market ±{world.shock:.0%}, {name}: "
                f"{100 * got.coverage.covered:.1f} %, half-width {100 * got.coverage.half_width:.1f} pp, "
                f"found {100 * got.found:.1f} %, watched {100 * got.watched:.1f} %",
                flush=True,
            )


def _timed(run: Callable[[], None]) -> None:
    began = time.perf_counter()
    run()
    print(f"\n{time.perf_counter() - began:.0f} s")


def shares(seeds: int) -> None:
    """Print the lines of the shares."""
    for concentration in (5.0, 8.0):
        for clients in (40, 80, 200):
            for share in (0.05, 0.1, 0.3):
                got = late_coverage(clients, share, concentration, seeds)
                print(
                    f"share of orders {share:.2f}, {clients:3d} clients, concentration {concentration:.0f}: "
                    f"{100 * got.covered:.1f} %, half-width {100 * got.half_width:.1f} pp",
                    flush=True,
                )
    for spread in (0.8, 1.2, 1.6, 2.0):
        for clients in (60, 120, 250):
            for share in (0.12, 0.3):
                money = revenue_coverage(clients, spread, share, seeds)
                print(
                    f"share of revenue {share:.2f}, {clients:3d} clients, log spread {spread}: "
                    f"{100 * money.whole.covered:.1f} %, truth above {100 * money.above:.1f} %",
                    flush=True,
                )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for table in (shares, trends):
        _timed(lambda table=table: table(count))  # type: ignore[misc]
