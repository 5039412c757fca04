"""How far an estimate made of uncertain inputs can be off, when each input is known as low, base and high."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from audit.stats.resample import SEED

__all__ = [
    "DRAWS",
    "Propagated",
    "Range",
    "drawn_estimate",
    "drawn_gamma",
    "drawn_range",
    "drawn_share",
    "product",
    "propagate",
    "shares_of_spread",
]

Floats = NDArray[np.float64]

DRAWS = 4_000
"""Draws of everything that enters a price: P10 and P90 of a sum are then known to about a fiftieth of its spread."""
BINS = 20
NORMAL_95 = 1.959963984540054


def _numbers(name: str, draws: int, seed: int) -> Floats:
    """Return numbers between 0 and 1 that belong to a name: the same name gives the same numbers everywhere."""
    return np.random.default_rng([seed, zlib.crc32(name.encode("utf-8"))]).random(draws)


@dataclass(frozen=True, slots=True)
class Range:
    """An uncertain input: at least ``low``, most likely ``base``, at most ``high`` (a triangle)."""

    low: float
    base: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.base, self.high]).all() and self.low <= self.base <= self.high):
            raise ValueError(f"low ≤ base ≤ high is needed, not {self.low}, {self.base}, {self.high}")

    @property
    def mean(self) -> float:
        """The mean of the triangle."""
        return (self.low + self.base + self.high) / 3

    @property
    def variance(self) -> float:
        """The variance of the triangle."""
        a, c, b = self.low, self.base, self.high
        return (a * a + b * b + c * c - a * b - a * c - b * c) / 18

    def quantile(self, p: Floats) -> Floats:
        """Return the quantiles of the triangle."""
        a, c, b = self.low, self.base, self.high
        if a == b:
            return np.full(np.shape(p), a)
        rising = (c - a) / (b - a)
        left = a + np.sqrt(p * (b - a) * (c - a))
        right = b - np.sqrt((1 - p) * (b - a) * (b - c))
        return np.where(p < rising, left, right)


@dataclass(frozen=True, slots=True)
class Propagated:
    """A result of uncertain inputs.

    ``base``: with every input at its base (what a reader gets with a pencil); ``low``, ``high``: the limits
    within which the result lies with probability ``level`` if the inputs vary independently, stretched to
    ``base`` where that lies outside; ``mean``: its mean; ``worst``, ``best``: the least and the greatest of
    the results with every input at one end of its range (all of them at once: nearly impossible when there
    are several).
    """

    base: float
    low: float
    high: float
    mean: float
    worst: float
    best: float
    level: float


def _corners(values: list[tuple[float, float]]) -> Floats:
    """Return every combination of low and high inputs, one row each."""
    return np.array(np.meshgrid(*values, indexing="ij")).reshape(len(values), -1).T


def propagate(
    function: Callable[..., Floats],
    ranges: Mapping[str, Range],
    draws: int = 20_000,
    seed: int = SEED,
    level: float = 0.95,
) -> Propagated:
    """Return ``function`` of uncertain inputs with its limits, by simulation of independent triangles.

    ``function`` takes the inputs by name, as arrays, and returns an array. Every input has random numbers
    of its own made from the seed and its name, so that adding an input, or naming them in another order,
    leaves those of the others alone. Corners are tried for up to 12 inputs; with more, ``worst`` and
    ``best`` are those of the simulation.
    """
    names = sorted(ranges)
    if not names:
        raise ValueError("at least one range is needed")

    def evaluate(columns: dict[str, Floats]) -> Floats:
        out = np.asarray(function(**columns), dtype=np.float64)
        if not np.isfinite(out).all():
            raise ValueError("the function must be finite over the whole of its ranges")
        return out

    base = float(evaluate({name: np.array([ranges[name].base]) for name in names})[0])
    columns = {}
    for name in names:
        columns[name] = ranges[name].quantile(_numbers(name, draws, seed))
    results = evaluate(columns)
    ends = results
    if len(names) <= 12:
        corners = _corners([(ranges[name].low, ranges[name].high) for name in names])
        ends = evaluate({name: corners[:, i] for i, name in enumerate(names)})
    low, high = np.quantile(results, [(1 - level) / 2, (1 + level) / 2])
    return Propagated(
        base=base,
        low=min(float(low), base),
        high=max(float(high), base),
        mean=float(results.mean()),
        worst=min(float(ends.min()), base),
        best=max(float(ends.max()), base),
        level=level,
    )


def product(ranges: Mapping[str, Range], draws: int = 20_000, seed: int = SEED, level: float = 0.95) -> Propagated:
    """Return the product of independent uncertain inputs; its mean is exact, its limits are simulated."""
    names = sorted(ranges)

    def multiply(**columns: Floats) -> Floats:
        return np.asarray(np.prod([columns[name] for name in names], axis=0))

    simulated = propagate(multiply, ranges, draws, seed, level)
    mean = float(np.prod([ranges[name].mean for name in names]))
    return Propagated(simulated.base, simulated.low, simulated.high, mean, simulated.worst, simulated.best, level)


def drawn_range(name: str, range: Range, draws: int = DRAWS, seed: int = SEED) -> Floats:
    """Return draws of an assumption, a triangle on low, base and high."""
    return range.quantile(_numbers(name, draws, seed))


def drawn_estimate(
    name: str, value: float, low: float | None, high: float | None, draws: int = DRAWS, seed: int = SEED
) -> Floats:
    """Return draws of an estimate from its 95 % interval: two halves of normal curves that meet at the value.

    A side without a limit does not vary.
    """
    z = special.ndtri(_numbers(name, draws, seed))
    below = 0.0 if low is None else (value - low) / NORMAL_95
    above = 0.0 if high is None else (high - value) / NORMAL_95
    return np.asarray(value + np.where(z < 0, below, above) * z, dtype=np.float64)


def drawn_share(name: str, share: float, n: float, draws: int = DRAWS, seed: int = SEED) -> Floats:
    """Return draws of a share seen on ``n`` units: beta(k + ½, n − k + ½), k = share × n."""
    k = share * n
    return np.asarray(special.betaincinv(k + 0.5, n - k + 0.5, _numbers(name, draws, seed)), dtype=np.float64)


def drawn_gamma(name: str, count: float, draws: int = DRAWS, seed: int = SEED) -> Floats:
    """Return draws of the number to expect where ``count`` events were seen: gamma(count + ½)."""
    return np.asarray(special.gammaincinv(count + 0.5, _numbers(name, draws, seed)), dtype=np.float64)


def shares_of_spread(result: Floats, inputs: Mapping[str, Floats]) -> dict[str, float]:
    """Return which part of the variance of a result each input carries, the largest first.

    The draws are cut into 20 equal parts by the input; the variance of the means of the result over the parts, less
    what chance alone gives, ÷ its whole variance. What inputs carry only together is in none of them, so the parts add
    up to 1 at most (within the noise of the draws). An input that does not vary carries nothing.
    """
    out: dict[str, float] = {}
    whole = float(result.var())
    for name, values in inputs.items():
        if whole <= 0 or values.min() == values.max():
            continue
        order = np.argsort(values, kind="stable")
        means = np.array([part.mean() for part in np.array_split(result[order], BINS)])
        chance = (BINS - 1) / len(result)
        out[name] = float(np.clip((means.var() / whole - chance) / (1 - chance), 0.0, 1.0))
    return dict(sorted(out.items(), key=lambda x: (-x[1], x[0])))


def swings(result: Floats, inputs: Mapping[str, Floats], part: float = 0.2) -> dict[str, tuple[float, float]]:
    """Return between what medians the result moves as each input goes from its low end to its high end.

    Low end: the fifth (``part``) of the draws in which the input is lowest; high end likewise. An input that does not
    vary moves nothing and is left out.
    """
    out: dict[str, tuple[float, float]] = {}
    few = max(1, round(part * len(result)))
    for name, values in inputs.items():
        if values.min() == values.max():
            continue
        order = np.argsort(values, kind="stable")
        out[name] = (float(np.median(result[order[:few]])), float(np.median(result[order[-few:]])))
    return out
