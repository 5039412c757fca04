"""The money ledger: what everything found is worth a year, no money counted twice (methodology, 4.1).

Effects on existing clients overlap: a sleeping client is also a lost one. They are one pool: in every draw the largest
effect of a client counts, at most what the client brings in a year. Effects on clients to come are a pool of their own:
of several on the same flow the largest counts. The headline is the sum of both pools, draw by draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from audit.findings.finding import Effect, Finding
from audit.ground.money import Basis, margin_of
from audit.method import method
from audit.model.case import Case
from audit.stats.montecarlo import Floats, shares_of_spread, swings

__all__ = ["Amount", "Ledger", "annual_figure", "capped", "could_add", "make_ledger", "middle"]

BARS = 5
_CELLS = 2_000_000
_FEW = 400
"""Draws that tell whose effect counts, and how far a headline could move; the headline itself takes all."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum a year: P10, P50 and P90 of what may come."""

    low: float
    base: float
    high: float


@dataclass(frozen=True)
class Ledger:
    """What the findings are worth together.

    ``drawn``: the headline, one entry per draw. ``parts``: what of the headline's base each finding carries; they add
    up to it. ``spread``: the inputs that carry most of the headline's variance, with their part of it; ``swing``: between
    what middles each of them moves the headline. ``by_client``:
    one row per client and finding that counts for it: client_key, finding, base (adds up to the pool's base), cap.
    ``effects``: those of the headline. ``outside`` are findings whose effect belongs to no pool, or is in another basis.
    """

    basis: Basis
    headline: Amount
    drawn: Floats
    parts: Mapping[str, float]
    outside: tuple[str, ...]
    spread: Mapping[str, float]
    swing: Mapping[str, tuple[float, float]]
    effects: Mapping[str, Effect]
    by_client: pd.DataFrame

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings whose effects make the headline."""
        return tuple(self.parts)


_YEAR = """
WITH latest AS (
  SELECT client_key, max(day) AS last_day FROM client_day
  WHERE purchase_no IS NOT NULL AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
)
SELECT client_key, {{ double('sum(revenue)') }} AS revenue
FROM (
  SELECT d.client_key, d.revenue FROM client_day d JOIN latest l ON d.client_key = l.client_key
  WHERE {{ days_between('d.day', 'l.last_day') }} BETWEEN 0 AND 364
) AS year
GROUP BY client_key
ORDER BY client_key
"""


def annual_figure(case: Case) -> pd.DataFrame:
    """Return what each client brings a year: the 365 days up to and including its last order; never negative.

    One row per client: client_key, revenue, gross_profit (by the company's one margin; revenue where none is known).
    """

    def make() -> pd.DataFrame:
        year = case.query(_YEAR)
        revenue = year["revenue"].clip(lower=0).fillna(0.0)
        profit = (revenue * margin_of(case).of(year["client_key"])).clip(lower=0)
        return pd.DataFrame({"client_key": year["client_key"], "revenue": revenue, "gross_profit": profit})

    return case.once("annual figure", make)


def middle(drawn: Floats) -> Amount:
    """Return P10, P50 and P90."""
    low, base, high = np.quantile(drawn, [0.1, 0.5, 0.9])
    return Amount(float(low), float(base), float(high))


def capped(drawn: Floats, share: Floats, cap: Floats) -> Floats:
    """Return Σ min(share × drawn, cap) over clients, one entry per draw."""
    some = share > 0
    limit = cap[some] / share[some]
    order = np.argsort(limit, kind="stable")
    full = np.concatenate([[0.0], np.cumsum(np.where(np.isfinite(cap[some]), cap[some], 0.0)[order])])
    left = share[some].sum() - np.concatenate([[0.0], np.cumsum(share[some][order])])
    at = np.searchsorted(limit[order], drawn)
    return np.asarray(full[at] + drawn * np.maximum(left[at], 0.0), dtype=np.float64)


def make_ledger(findings: Sequence[Finding]) -> Ledger | None:
    """Add up what is ``found``, no money twice; None where nothing found has an effect.

    Findings that are only watched, or of grade D, are left out: nothing is promised on them.
    """
    standing = [f for f in findings if f.status == "found" and f.grade != "D" and f.effect is not None]
    order = list(method().findings)
    standing.sort(key=lambda f: order.index(f.id))
    if not standing:
        return None
    effects = {f.id: f.effect for f in standing if f.effect is not None}
    basis: Basis = "gross_profit" if any(e.basis == "gross_profit" for e in effects.values()) else "revenue"
    inside = {id: e for id, e in effects.items() if e.drawn is not None and e.pool is not None and e.basis == basis}
    existing = {id: e for id, e in inside.items() if e.pool == "clients"}
    coming = {id: e for id, e in inside.items() if e.pool == "new"}
    of_clients, by_client = _existing(existing)
    of_flow, flow_parts = _coming(coming)
    drawn = of_clients + of_flow
    headline = middle(drawn)
    # A part is the finding's part of the mean, so that parts add up to the headline whatever its form.
    whole = float(by_client["base"].sum()) + sum(flow_parts.values())
    scale = headline.base / whole if whole > 0 else 0.0
    by_client["base"] *= scale
    by_finding = by_client.groupby("finding")["base"].sum()
    parts = {id: float(by_finding.get(id, 0.0)) if id in existing else flow_parts[id] * scale for id in inside}
    causes = {name: values for e in inside.values() for name, values in e.causes.items()}
    spread = dict(list(shares_of_spread(drawn, causes).items())[:BARS])
    swing = swings(drawn, {name: causes[name] for name in spread})
    outside = tuple(id for id in effects if id not in inside)
    return Ledger(basis, headline, drawn, parts, outside, spread, swing, inside, by_client)


def could_add(findings: Sequence[Finding]) -> dict[str, float]:
    """Return how far the headline's base would rise were a priced finding that is not found yet confirmed, by finding.

    That is what settling it is worth knowing. What rests on a contradiction (grade D) is left out.
    """
    few = [replace(f, effect=_thinned(f.effect)) for f in findings]
    today = make_ledger(few)
    base = 0.0 if today is None else today.headline.base
    out = {}
    for f in few:
        if f.status == "found" or f.grade == "D" or f.effect is None:
            continue
        confirmed = [replace(g, status="found") if g is f else g for g in few]
        then = make_ledger(confirmed)
        out[f.id] = 0.0 if then is None else max(0.0, then.headline.base - base)
    return out


def _thinned(effect: Effect | None) -> Effect | None:
    if effect is None or effect.drawn is None:
        return effect
    return replace(effect, drawn=effect.drawn[:: max(1, len(effect.drawn) // _FEW)], causes={})


def _coming(effects: Mapping[str, Effect]) -> tuple[Floats, dict[str, float]]:
    """Return the pool of clients to come, one entry per draw, and the mean that each finding carries of it."""
    if not effects:
        return np.zeros(1), {}
    drawn = np.array([e.drawn for e in effects.values()])
    owner, largest = drawn.argmax(axis=0), drawn.max(axis=0)
    return largest, {id: float(np.where(owner == k, largest, 0.0).mean()) for k, id in enumerate(effects)}


def _existing(effects: Mapping[str, Effect]) -> tuple[Floats, pd.DataFrame]:
    """Return the pool of existing clients, one entry per draw, and what of its mean falls on client and finding.

    Columns: client_key, finding, base, cap.
    """
    if not effects:
        return np.zeros(1), pd.DataFrame({"client_key": [], "finding": [], "base": [], "cap": []})
    wide = {id: e.shares.set_index("client_key") for id, e in effects.items() if e.shares is not None}
    keys = pd.Index(sorted(set().union(*(w.index for w in wide.values()))))
    share = np.array([w["share"].reindex(keys, fill_value=0.0) for w in wide.values()])
    cap = np.array([w["cap"].reindex(keys, fill_value=0.0) for w in wide.values()])
    drawn = np.array([effects[id].drawn for id in wide])
    total, mean = np.zeros(drawn.shape[1]), np.zeros_like(share)
    alone = (share > 0).sum(axis=0) == 1  # no other effect on the client: nothing to compare in every draw
    for k in range(len(wide)):
        mine = alone & (share[k] > 0)
        total += capped(drawn[k], share[k][mine], cap[k][mine])
        mean[k, mine] = _mean_capped(drawn[k], share[k][mine], cap[k][mine])
    both = np.flatnonzero(~alone)
    step = max(1, _CELLS // max(drawn.shape[1], 1))
    for start in range(0, len(both), step):
        at = both[start : start + step]
        best = np.zeros((drawn.shape[1], len(at)))
        for k in range(len(wide)):
            amount = np.outer(drawn[k], share[k][at])
            np.maximum(best, np.minimum(amount, cap[k][at], out=amount), out=best)
        total += best.sum(axis=1)
        few = drawn[:, :: max(1, drawn.shape[1] // _FEW)]
        amounts = np.array([np.minimum(np.outer(few[k], share[k][at]), cap[k][at]) for k in range(len(wide))])
        owner = amounts.argmax(axis=0)
        for k in range(len(wide)):
            mean[k, at] = np.where(owner == k, amounts[k], 0.0).mean(axis=0)
    rows, columns = np.nonzero(mean.T)
    by_client = pd.DataFrame(
        {
            "client_key": keys[rows],
            "finding": np.array(list(wide), dtype=object)[columns],
            "base": mean[columns, rows],
            "cap": cap[columns, rows],
        }
    )
    return total, by_client


def _mean_capped(drawn: Floats, share: Floats, cap: Floats) -> Floats:
    """Return the mean over the draws of min(share × drawn, cap), one entry per client."""
    ordered = np.sort(drawn)
    before = np.concatenate([[0.0], np.cumsum(ordered)])
    at = np.searchsorted(ordered, cap / share)
    over = np.where(np.isfinite(cap), cap, 0.0) * (len(ordered) - at)
    return np.asarray((share * before[at] + over) / len(ordered), dtype=np.float64)
