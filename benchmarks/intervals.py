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

from audit.stats.shares import clustered_share, weighted_share
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

    def make(rng: np.random.Generator):  # type: ignore[no-untyped-def]
        nonlocal above
        size = rng.lognormal(0.0, spread, clients)
        estimate = weighted_share(size * (rng.random(clients) < share), size)
        above += estimate.high is not None and estimate.high < share
        return estimate

    whole = cover(make, share, seeds, seed)
    return ShareCoverage(whole, above / seeds)


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
    _timed(lambda: shares(count))
