"""The business case: what each way of acting costs, gains and leaves a year, and which one comes first (methodology, 4.1).

Gains are those of the ledger, so that a way is never worth more than the finding it answers. They come in linearly over
six months. Costs are known where the questionnaire tells pay and prices; where it does not, a way stands without a net.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.findings.finding import Effect
from audit.findings.money import Amount, capped, middle
from audit.findings.pricing import Inputs
from audit.ground.answers import read_answers
from audit.ground.money import margin_of
from audit.ground.people import hour_cost, post_cost
from audit.model.case import Case
from audit.stats.montecarlo import DRAWS, Floats

__all__ = ["MEASURE", "BusinessCase", "Cost", "Option", "business_case"]

RAMP_MONTHS = 6
MOST_MONTHS = 60
"""A way that has not paid back in five years does not."""
MEASURE = "measure"
"""Advised where no way pays, or the hours are not to be believed: measure first."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a way of acting costs: once, and a year."""

    once: float
    year: float


@dataclass(frozen=True, slots=True)
class Option:
    """A way of acting: what it costs (None: not known), gains a year and leaves a year, when it has paid back."""

    id: str
    cost: Cost | None
    gain: Amount
    net: Amount | None
    payback_months: int | None


@dataclass(frozen=True, slots=True)
class BusinessCase:
    """Ways of acting, and which comes first: the cheapest whose middle net is positive, else `MEASURE`.

    ``advised`` is None where the cost of no way is known: gains are then gross, and called so.
    """

    options: tuple[Option, ...]
    advised: str | None

    @property
    def first(self) -> Option | None:
        """The way that is advised first; None where that is to measure."""
        return next((o for o in self.options if o.id == self.advised), None)


def payback_months(gain: float, cost: Cost) -> int | None:
    """Return the month in which a way has earned its cost: the gain grows to its full rate over six months.

    Gain 1 200 a year, cost 600 a year and 300 once: the months leave −33, −17, 0, 17, 33, 50, then 50 each; 250 of the
    300 are earned after the tenth, all in the eleventh.
    """
    earned = 0.0
    for month in range(1, MOST_MONTHS + 1):
        earned += gain / 12 * min(month / RAMP_MONTHS, 1.0) - cost.year / 12
        if earned >= cost.once - 1e-9:
            return month
    return None


def _option(id: str, gain: Floats, cost: Cost | None, in_profit: bool) -> Option:
    whole = middle(gain)
    if cost is None or not in_profit:
        return Option(id, cost, whole, None, None)
    net = Amount(whole.low - cost.year, whole.base - cost.year, whole.high - cost.year)
    return Option(id, cost, whole, net, payback_months(whole.base, cost) if net.base > 0 else None)


def business_case(case: Case, effects: Mapping[str, Effect], findings: Mapping[str, Mapping[str, Any]]) -> BusinessCase:
    """Set the ways of acting side by side.

    ``effects``: those of the headline, by finding; ``findings``: content of ``findings.json`` by id.
    """
    found = {id: f["facts"] for id, f in findings.items() if f["status"] == "found" and f.get("grade") != "D"}
    company, staff = case.questionnaire.company, read_answers(case).staff
    nothing = np.zeros(DRAWS)
    in_profit = margin_of(case).basis == "gross_profit"
    options = [_option("as_now", nothing, Cost(0.0, 0.0), True)]

    def gain(id: str) -> Floats:
        e = effects.get(id)
        if e is None or e.drawn is None:
            return nothing
        return (
            e.drawn if e.shares is None else capped(e.drawn, e.shares["share"].to_numpy(), e.shares["cap"].to_numpy())
        )

    def posts(n: float) -> Cost | None:
        post = post_cost(staff, ("OP", "BO"))
        return None if post is None else Cost(float(company.get("hire_once") or 0.0) * np.ceil(n), post * n)

    relief = found.get("roles.km_overload", {}).get("relief")
    if relief is not None and relief["shortage"][1] > 0:
        need = float(relief["shortage"][1])
        # One clerk frees as much of the whole as one post is of the posts.
        options.append(
            _option("first_step", gain("roles.km_overload") * min(1.0, 1.0 / need), posts(min(1.0, need)), in_profit)
        )
        if "roles.hours_implausible" not in found:  # not a hire beyond the first step before somebody has measured
            options.append(_option("full_relief", gain("roles.km_overload"), posts(need), in_profit))
    hour = hour_cost(staff, ("KM", "SOP", "OP", "BO", "UNI"))
    entry = found.get("roles.entry_burden", {}).get("hours")
    if entry is not None and hour is not None:
        saved = float(entry) * 12 * hour * Inputs(case).assumption("roles.uniform_orders")
        once, year = company.get("automation_once"), company.get("automation_year")
        price = None if once is None or year is None else Cost(float(once), float(year))
        options.append(_option("automation", saved, price, True))
    if "retention.leaky_first_purchase" in effects:
        e = effects["retention.leaky_first_purchase"]
        t = case.thresholds
        minutes = company.get("minutes_per_touch") or t.value("retention.route_minutes")
        calls = e.inputs["retention.new_a_year"] * t.value("retention.route_calls")
        price = None if hour is None else Cost(0.0, calls * float(minutes) / 60 * hour)
        options.append(_option("second_purchase_route", gain("retention.leaky_first_purchase"), price, in_profit))
    return BusinessCase(tuple(options), _advised(options, "roles.hours_implausible" in found))


def _advised(options: list[Option], implausible: bool) -> str | None:
    ways = [o for o in options if o.id != "as_now"]
    if implausible:
        return MEASURE
    paying = [o for o in ways if o.cost is not None and o.net is not None and o.net.base > 0]
    if paying:
        return min(paying, key=lambda o: (o.cost.once + o.cost.year if o.cost else 0.0, o.id)).id
    return MEASURE if any(o.net is not None for o in ways) else None
