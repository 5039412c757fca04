"""Buy-till-you-die models: how likely a unit is still alive, and what it will do, from when it was last seen.

While alive a unit acts at random moments at its own rate; after each act it may leave for good. Rates
differ between units (gamma), so do the chances of leaving (beta). In BG/NBD a unit can leave only after a
repeated act, so every unit seen once is held to be alive; in MBG/NBD it can leave after the first one
already.

A unit is known by ``x``, its acts after the first; ``t_x``, the time from the first act to the last (0
without repeats); ``T``, the time from the first act to the end of watching, in any one unit of time. Acts
on one day count once.
Sources: P. S. Fader, B. G. S. Hardie, K. L. Lee, Marketing Science 24, 2005; E. P. Batislam, M. Denizel, A.
Filiztekin, International Journal of Research in Marketing 24, 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from audit.stats.intervals import Reason

__all__ = ["BuyTillDie", "FitCheck", "Histories", "fit", "fit_check", "group_histories", "log_likelihood"]

Floats = NDArray[np.float64]
Model = Literal["MBG/NBD", "BG/NBD"]

# Logs of r, α (in mean lifetimes), a, b stay within e^±12; a fit at the wall has not been found.
_WALL = 12.0


@dataclass(frozen=True, slots=True)
class Histories:
    """Distinct histories (x, t_x, T) and how many units share each, sorted."""

    x: Floats
    t_x: Floats
    T: Floats
    count: Floats

    @property
    def units(self) -> int:
        """All units."""
        return int(self.count.sum())


def group_histories(x: ArrayLike, t_x: ArrayLike, T: ArrayLike, count: ArrayLike | None = None) -> Histories:
    """Collapse units (or counted groups of them) to distinct histories; the order of input is irrelevant."""
    columns = [np.asarray(v, dtype=np.float64) for v in (x, t_x, T)]
    n = np.ones(columns[0].shape) if count is None else np.asarray(count, dtype=np.float64)
    if columns[0].ndim != 1 or any(v.shape != columns[0].shape for v in (*columns, n)):
        raise ValueError("x, t_x, T and count must be vectors of one length")
    rows = np.column_stack(columns)
    if not np.isfinite(rows).all() or (rows < 0).any() or (n < 0).any():
        raise ValueError("histories must be finite and not negative")
    if (rows[:, 0] != np.rint(rows[:, 0])).any() or (rows[:, 1] > rows[:, 2]).any():
        raise ValueError("x must be whole and t_x at most T")
    if ((rows[:, 0] == 0) & (rows[:, 1] > 0)).any():
        raise ValueError("without repeats t_x is 0")
    distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
    weight = np.bincount(inverse.ravel(), weights=n, minlength=len(distinct))
    return Histories(distinct[:, 0], distinct[:, 1], distinct[:, 2], np.asarray(weight, dtype=np.float64))


def _chances(model: Model, x: Floats) -> Floats:
    """Return how often a unit with x repeats had the chance to leave."""
    return x + 1.0 if model == "MBG/NBD" else x


@dataclass(frozen=True, slots=True)
class _Terms:
    """The distinct x, for functions that need no evaluation per history."""

    x: Floats
    of: NDArray[np.intp]
    chances: Floats


def _terms(model: Model, h: Histories) -> _Terms:
    values, inverse = np.unique(h.x, return_inverse=True)
    return _Terms(values, inverse, _chances(model, values))


def _value_and_slope(log_params: Floats, h: Histories, terms: _Terms) -> tuple[float, Floats]:
    """Return the log-likelihood and its derivatives by the logs of r, α, a, b.

    With k chances to leave: alive at T ∝ B(a, b+k) (α+T)^−(r+x), left at t_x ∝ B(a+1, b+k−1) (α+t_x)^−(r+x)
    if k > 0.
    """
    r, alpha, a, b = np.exp(log_params)
    x, k = terms.x, terms.chances
    by_x = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    alive_x = special.betaln(a, b + k) - special.betaln(a, b)
    left_x = np.full(len(x), -np.inf)
    could = k > 0
    left_x[could] = special.betaln(a + 1, b + k[could] - 1) - special.betaln(a, b)

    end, last = np.log(alpha + h.T), np.log(alpha + h.t_x)
    power = r + h.x
    alive, left = alive_x[terms.of] - power * end, left_x[terms.of] - power * last
    total = np.logaddexp(alive, left)
    w = np.exp(alive - total)
    value = float((h.count * (by_x[terms.of] + total)).sum())

    digamma = special.digamma
    d_r = (digamma(r + x) - digamma(r) + np.log(alpha))[terms.of] - w * end - (1 - w) * last
    d_alpha = r / alpha - power * (w / (alpha + h.T) + (1 - w) / (alpha + h.t_x))
    common = digamma(a + b) - digamma(a + b + k)
    safe = np.where(could, k, 1.0)
    d_a = common[terms.of] + (1 - w) / a
    d_b = (common + digamma(b + safe - 1) - digamma(b))[terms.of] + w * (1.0 / (b + safe - 1))[terms.of]
    d_b = np.where(could[terms.of], d_b, 0.0)
    # not @: on a busy machine the threads of the linear algebra wait for each other far longer than the sum takes
    slope = np.array([(h.count * d).sum() for d in (d_r, d_alpha, d_a, d_b)]) * np.exp(log_params)
    return value, slope


def log_likelihood(model: Model, params: tuple[float, float, float, float], histories: Histories) -> float:
    """Return the log-likelihood of (r, alpha, a, b)."""
    if min(params) <= 0:
        raise ValueError("parameters must be positive")
    return _value_and_slope(np.log(np.array(params)), histories, _terms(model, histories))[0]


@dataclass(frozen=True, slots=True)
class BuyTillDie:
    """A fitted model.

    Rates of acting are gamma with shape ``r`` and rate ``alpha`` (in the time unit of the data: mean rate r
    ÷ alpha); chances of leaving are beta (``a``, ``b``). ``converged`` is False when the search stopped
    early, ended at the wall of what it allows, or two starting points did not agree: the model then says
    nothing and ``reason`` is set.
    """

    model: Model
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    units: int
    converged: bool
    reason: Reason | None = None

    @property
    def params(self) -> tuple[float, float, float, float]:
        """The parameters (r, alpha, a, b)."""
        return self.r, self.alpha, self.a, self.b

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
        """Return the probability that units with these histories have not left by T."""
        xs, last, end = (np.asarray(v, dtype=np.float64) for v in (x, t_x, T))
        k = _chances(self.model, xs)
        # In logs: a unit with thousands of acts and a long silence overflows otherwise.
        silence = (self.r + xs) * (np.log(self.alpha + end) - np.log(self.alpha + last))
        odds = np.log(self.a) - np.log(np.where(k > 0, self.b + k - 1, 1.0)) + silence
        return np.asarray(np.where(k > 0, special.expit(-odds), 1.0))

    def expected(self, t: ArrayLike) -> Floats:
        """Return the expected repeats of a unit nothing is known of in time ``t`` after its first act."""
        b = self.b + (1.0 if self.model == "MBG/NBD" else 0.0)
        stays = self.b / (self.a + self.b) if self.model == "MBG/NBD" else 1.0
        return stays * _acts_of_living(self.r, self.alpha, self.a, b, np.asarray(t, dtype=np.float64))

    def count_probabilities(self, T: ArrayLike, highest: int) -> Floats:
        """Return P(x = 0 … highest) within time T after the first act (rows: T; columns: x)."""
        time = np.asarray(T, dtype=np.float64)[:, None]
        x = np.arange(highest + 1, dtype=np.float64)[None, :]
        k = _chances(self.model, x)
        p = self.alpha / (self.alpha + time)  # x acts within the time are negative binomial in r and p
        log_acts = special.gammaln(x + self.r) - special.gammaln(x + 1) - special.gammaln(self.r)
        acts = np.exp(log_acts + self.r * np.log(p) + special.xlog1py(x, -p))
        at_least = np.where(x > 0, special.betaincc(self.r, np.maximum(x, 1.0), p), 1.0)
        stayed = np.exp(special.betaln(self.a, self.b + k) - special.betaln(self.a, self.b))
        safe = np.where(k > 0, k, 1.0)
        left = np.exp(special.betaln(self.a + 1, self.b + safe - 1) - special.betaln(self.a, self.b))
        return np.asarray(stayed * acts + np.where(k > 0, left * at_least, 0.0))


def _acts_of_living(r: ArrayLike, alpha: ArrayLike, a: float, b: ArrayLike, t: Floats) -> Floats:
    """Return the expected acts in time t of units alive at its start: E[(1 − (1 + p t/α)^−r) ÷ p].

    p ~ beta(a, b). The published form has a ₂F₁ with parameters that grow with r and b and overflow for
    units with thousands of acts; by Euler's transformation it is (1 − z)^(a−1) ₂F₁(a+b−1−r, a−1; a+b−1; z),
    z = t/(α+t), whose parameters stay small, as b − r does not depend on the history. At a = 1 it is 0/0:
    the mean of both sides is taken there.
    """
    shape, rate, beta = (np.asarray(v, dtype=np.float64) for v in (r, alpha, b))
    if abs(a - 1.0) < 1e-6:
        return (_acts_of_living(r, alpha, 1 - 1e-5, b, t) + _acts_of_living(r, alpha, 1 + 1e-5, b, t)) / 2
    # c = 0 is 0 · ∞; a step aside of 10⁻⁷ changes the result by as much.
    c = a + beta - 1.0
    c = np.where(np.abs(c) < 1e-7, 1e-7, c)
    z = t / (rate + t)
    f = special.hyp2f1(c - shape, a - 1.0, c, z)
    return np.asarray(c / (a - 1.0) * (1.0 - (1.0 - z) ** (a - 1.0) * f))


# Starting points as (r, α in mean lifetimes, a, b): even; few acts, long life; many acts, quick death; wide.
_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.3, 0.2, 0.5, 3.0), (2.0, 0.5, 0.8, 2.0), (0.5, 3.0, 3.0, 8.0))


def fit(histories: Histories, model: Model = "MBG/NBD") -> BuyTillDie:
    """Fit a model by maximum likelihood from several starting points.

    Time is measured in mean T while searching, so that days and weeks give the same fit. Converged means:
    the best search ended with a flat likelihood inside the walls, and another start found the same
    likelihood to 0.01. No units, or nobody ever repeated: not converged.
    """
    nan = float("nan")
    n = histories.units
    scale = float(histories.count @ histories.T) / n if n else 0.0
    if n == 0 or scale <= 0 or not (histories.x[histories.count > 0] > 0).any():
        reason: Reason = "no_units" if n == 0 else "not_converged"
        return BuyTillDie(model, nan, nan, nan, nan, nan, n, False, reason)
    scaled = Histories(histories.x, histories.t_x / scale, histories.T / scale, histories.count)
    terms = _terms(model, scaled)

    def loss(log_params: Floats) -> tuple[float, Floats]:
        value, slope = _value_and_slope(log_params, scaled, terms)
        return -value / n, -slope / n

    results = [
        optimize.minimize(
            loss,
            np.log(start),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-_WALL, _WALL)] * 4,
            options={"maxiter": 250, "ftol": 1e-14, "gtol": 1e-7},
        )
        for start in _STARTS
    ]
    results.sort(key=lambda found: float(found.fun))
    best, second = results[0], results[1]
    at = np.asarray(best.x, dtype=np.float64)
    flat = bool(np.abs(loss(at)[1]).max() < 1e-4)
    inside = bool((np.abs(at) < _WALL - 0.01).all())
    agree = (float(second.fun) - float(best.fun)) * n < 0.01
    r, alpha, a, b = (float(v) for v in np.exp(at))
    params = (r, alpha * scale, a, b)
    converged = flat and inside and agree
    return BuyTillDie(
        model,
        *params,
        log_likelihood=log_likelihood(model, params, histories),
        units=n,
        converged=converged,
        reason=None if converged else "not_converged",
    )


@dataclass(frozen=True, slots=True)
class FitCheck:
    """How many units repeated 0, 1, 2 … times, and how many the fitted model expects.

    ``repeats``: 0 … highest, the last entry meaning "that many or more"; ``observed``, ``expected``: units.
    ``misplaced``: share of units that would have to be put into another entry to make both equal. ``chi2``
    with ``df`` (entries − 1 − 4 fitted parameters) and ``p_value``: with many units any model is rejected,
    so look at ``misplaced``.
    """

    repeats: NDArray[np.int64]
    observed: Floats
    expected: Floats
    misplaced: float
    chi2: float
    df: int
    p_value: float


def fit_check(model: BuyTillDie, histories: Histories, highest: int = 7) -> FitCheck:
    """Compare the distribution of repeats with what the model expects of units watched just as long."""
    if highest < 5:
        raise ValueError("at least six entries are needed to judge four parameters")
    spans, inverse = np.unique(histories.T, return_inverse=True)
    weight = np.bincount(inverse, weights=histories.count, minlength=len(spans))
    below = weight @ model.count_probabilities(spans, highest - 1)
    n = float(histories.count.sum())
    expected = np.append(below, max(n - float(below.sum()), 0.0))
    clipped = np.minimum(histories.x, highest).astype(np.int64)
    counted = np.bincount(clipped, weights=histories.count, minlength=highest + 1)
    observed = np.asarray(counted, dtype=np.float64)
    used = expected > 0
    chi2 = float(((observed - expected)[used] ** 2 / expected[used]).sum())
    df = highest + 1 - 1 - 4
    return FitCheck(
        repeats=np.arange(highest + 1, dtype=np.int64),
        observed=observed,
        expected=expected,
        misplaced=float(np.abs(observed - expected).sum() / 2 / n) if n else float("nan"),
        chi2=chi2,
        df=df,
        p_value=float(special.chdtrc(df, chi2)),
    )
