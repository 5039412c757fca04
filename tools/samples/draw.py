"""Random numbers that stay the same on every machine and under every NumPy version.

NumPy promises a stable *bit stream*, not stable distributions: ``Generator.gamma`` may change with a release.
The sample companies are committed and compared byte by byte, so everything here is built from uniform doubles
alone.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Draw:
    """One independent stream of random numbers for one concern of one company.

    Streams are told apart by ``label``: a new concern gets a stream of its own and leaves all others as they
    were.
    """

    def __init__(self, seed: int, label: str) -> None:
        self._bits = np.random.Generator(np.random.PCG64([seed, zlib.crc32(label.encode("utf-8"))]))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Floats:
        """Uniform doubles in [low, high)."""
        return np.asarray(low + (high - low) * self._bits.random(shape), dtype=np.float64)

    def chance(self, probability: float | Floats, size: int) -> Bools:
        """Independent yes/no answers, each yes with its ``probability``."""
        return np.asarray(self.uniform(size) < probability, dtype=np.bool_)

    def erlang(self, shape: int, *size: int) -> Floats:
        """Gamma variates of integer ``shape`` scaled to mean 1: the regularity of gaps between orders."""
        total = np.zeros(size)
        for _ in range(shape):  # one pass a stage keeps memory at one array, whatever the shape
            total -= np.log1p(-self.uniform(*size))
        return np.asarray(total / shape, dtype=np.float64)

    def exponential(self, rate: float | Floats, size: int) -> Floats:
        """Waiting times of a constant hazard; a hazard of zero never comes (infinity)."""
        hazard = np.broadcast_to(np.asarray(rate, dtype=np.float64), (size,))
        waiting = -np.log1p(-self.uniform(size))
        never = np.full(size, np.inf)
        return np.asarray(np.divide(waiting, hazard, out=never, where=hazard > 0), dtype=np.float64)

    def normal(self, size: int) -> Floats:
        """Standard normal variates (Box–Muller)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(size)))
        return np.asarray(radius * np.cos(2.0 * np.pi * self.uniform(size)), dtype=np.float64)

    def lognormal(self, sigma: float, size: int) -> Floats:
        """Log-normal variates with mean 1 and log standard deviation ``sigma``."""
        return np.asarray(np.exp(sigma * self.normal(size) - 0.5 * sigma * sigma), dtype=np.float64)

    def poisson(self, mean: float | Floats, size: int, *, at_most: int = 40) -> Ints:
        """Poisson counts by inversion, cut off at ``at_most`` (basket sizes, documents a month)."""
        level = np.broadcast_to(np.asarray(mean, dtype=np.float64), (size,))
        target = self.uniform(size)
        term = np.exp(-level)
        reached = term.copy()
        count = np.zeros(size, dtype=np.int64)
        for k in range(1, at_most + 1):
            count += target > reached
            term = term * level / k
            reached += term
        return count

    def whole(self, low: int, high: int, size: int) -> Ints:
        """Whole numbers from ``low`` to ``high`` inclusive, evenly."""
        return np.asarray(low + np.floor(self.uniform(size) * (high - low + 1)), dtype=np.int64)

    def order(self, size: int) -> Ints:
        """A random permutation of 0 … size − 1."""
        return np.argsort(self.uniform(size), kind="stable").astype(np.int64)

    def pick(self, weights: npt.ArrayLike, size: int) -> Ints:
        """Indices drawn with the given ``weights`` (they need not sum to one)."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        index = np.searchsorted(edges, self.uniform(size) * edges[-1], side="right")
        return np.asarray(np.minimum(index, len(edges) - 1), dtype=np.int64)
