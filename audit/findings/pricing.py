"""How a finding gets its price: inputs drawn by name, an amount from them, the clients on whom it falls."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.errors import Text
from audit.findings.finding import Effect
from audit.findings.money import annual_figure, capped, middle
from audit.ground.money import margin_of
from audit.model.case import Case
from audit.model.result import Metric
from audit.stats.montecarlo import DRAWS, Floats, Range, drawn_estimate, drawn_gamma, drawn_range, drawn_share

__all__ = ["WALLET_OUTSIDE", "Inputs", "excess_loss_effect", "price", "stands_twice"]

WALLET_OUTSIDE = Text(
    "Σ бюджет клиента, уходящий другим, × достижимая за год доля",
    "Σ client's budget spent elsewhere × the part a year can win",
)


class Inputs:
    """The inputs of one price, each drawn under its name: the same name gives the same draws in every price.

    Estimates come from their 95 % interval, assumptions are triangles on a threshold's low, base and high. ``told`` are
    the plain values for the reader, ``drawn`` the draws.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.told: dict[str, float] = {}
        self.drawn: dict[str, Floats] = {}
        self._seed = case.thresholds.count("general.bootstrap_seed")

    def known(self, name: str, value: float) -> float:
        """Take a figure that is not uncertain, for the reader."""
        self.told[name] = float(value)
        return float(value)

    def estimate(self, name: str, value: float, low: float | None, high: float | None) -> Floats:
        """Draw an estimate with its interval."""
        self.known(name, value)
        self.drawn[name] = drawn_estimate(name, value, low, high, seed=self._seed)
        return self.drawn[name]

    def metric(self, m: Metric) -> Floats:
        """Draw the value of a metric, under its id."""
        assert m.value is not None
        return self.estimate(m.id, m.value, m.low, m.high)

    def share(self, name: str, share: float, n: float) -> Floats:
        """Draw a share seen on ``n`` units."""
        self.known(name, share)
        self.drawn[name] = drawn_share(name, share, n, seed=self._seed)
        return self.drawn[name]

    def rate(self, name: str, a_year: float, seen: int) -> Floats:
        """Draw a number a year of which ``seen`` events tell."""
        self.known(name, a_year)
        one = a_year / seen if seen else 0.0
        self.drawn[name] = drawn_gamma(name, seen, seed=self._seed) * one
        return self.drawn[name]

    def range(self, name: str, low: float, base: float, high: float) -> Floats:
        """Draw what is known as low, base and high."""
        self.known(name, base)
        self.drawn[name] = drawn_range(name, Range(low, base, high), seed=self._seed)
        return self.drawn[name]

    def assumption(self, id: str) -> Floats:
        """Draw an assumption, the threshold of that name."""
        return self.range(id, *self.case.thresholds.range(id))


def price(
    inputs: Inputs,
    amount: Floats | float,
    formula: Text,
    clients: pd.DataFrame | None = None,
    weight: str = "",
    *,
    coming: bool = False,
    revenue: bool = True,
    limited: bool = True,
) -> Effect | None:
    """Return the effect of an amount a year, one entry per draw; None where it comes to nothing.

    ``amount``: revenue, turned into gross profit where the margin is known, or (``revenue`` off) money of the basis
    already. It falls on ``clients`` in proportion to ``weight``, on each at most what it brings in a year (unless
    ``limited`` is off); or it is the flow of clients to ``coming``. Neither: it stays outside the headline.
    """
    margin = margin_of(inputs.case)
    total = np.maximum(np.broadcast_to(np.asarray(amount, dtype=np.float64), DRAWS), 0.0)
    if revenue and margin.share is not None:
        total = total * inputs.known("margin_share", margin.share)
        formula = Text(f"{formula.ru} × доля валовой прибыли", f"{formula.en} × gross margin share")
    shares, counted = None, total
    if clients is not None:
        shares = _shares(inputs.case, clients, weight, margin.basis if limited else None)
        counted = capped(total, shares["share"].to_numpy(dtype=np.float64), shares["cap"].to_numpy(dtype=np.float64))
    whole = middle(counted)
    if whole.high <= 0:
        return None
    return Effect(
        low=whole.low,
        base=whole.base,
        high=whole.high,
        basis=margin.basis,
        formula=formula,
        inputs=inputs.told,
        pool="new" if coming else "clients" if shares is not None else None,
        shares=shares,
        drawn=total,
        causes=inputs.drawn,
    )


def _shares(case: Case, clients: pd.DataFrame, weight: str, cap: str | None) -> pd.DataFrame:
    """Return client_key, share (in proportion to ``weight``, adding up to 1) and cap (what the client brings a year)."""
    value = clients[weight].astype(float).clip(lower=0.0).fillna(0.0)
    out = pd.DataFrame({"client_key": clients["client_key"], "share": value})
    whole = out[out["share"] > 0].groupby("client_key", sort=True)["share"].sum()
    out = (whole / whole.sum()).reset_index()
    if cap is None:
        return out.assign(cap=np.inf)
    return out.assign(cap=out["client_key"].map(annual_figure(case).set_index("client_key")[cap]).fillna(0.0))


def stands_twice(m: Metric) -> bool:
    """Whether an excess loss is still above zero by the clock twice as long: lost, not merely slower."""
    low = m.extra.get("twice_low")
    return low is not None and float(low) > 0.0


def excess_loss_effect(case: Case, m: Metric, clients: pd.DataFrame, step: int, formula: Text) -> Effect | None:
    """Price an excess loss: the share lost beyond the matched clients × what the clients concerned bring a year.

    ``clients``: those concerned in the recent period (client_key, annual_value, still_away); the effect falls on
    those who have not ordered since, in proportion to their annual value, on all of them where everybody has.
    ``step``: every step-th client was followed; the sum is raised accordingly and cannot be allocated then. None
    where there is no excess.
    """
    assert m.value is not None
    value = clients["annual_value"].astype(float)
    total = float(value.sum()) * step
    if m.value <= 0 or total <= 0:
        return None
    inputs = Inputs(case)
    inputs.known("annual_revenue", total)
    inputs.known("clients", float(len(clients) * step))
    away = clients["still_away"].astype(bool)
    who = clients[away] if bool(away.any()) and float(value[away].sum()) > 0 else clients
    amount = np.clip(inputs.metric(m), 0.0, 1.0) * total
    return price(inputs, amount, formula, who if step == 1 else None, "annual_value")
