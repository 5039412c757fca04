"""How far an estimate made of uncertain inputs can be off, when each input is known as low, base and high."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.stats.resample import SEED

__all__ = ["Propagated", "Range", "product", "propagate"]

Floats = NDArray[np.float64]


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
        rng = np.random.default_rng([seed, zlib.crc32(name.encode("utf-8"))])
        columns[name] = ranges[name].quantile(rng.random(draws))
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
