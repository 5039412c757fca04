"""The business case by hand: cost, gain, net, payback, and which way comes first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audit.errors import Text
from audit.findings.business import MEASURE, BusinessCase, Cost, business_case, payback_months
from audit.findings.finding import Effect
from tests.case_builder import make_case

STAFF = [
    {"person": "K1", "role": "KM", "cost_month": 80_000.0},
    {"person": "K2", "role": "KM", "cost_month": 80_000.0},
    {"person": "O1", "role": "OP", "cost_month": 50_000.0},
]
ROUTE, RELIEF = "retention.leaky_first_purchase", "roles.km_overload"


def effect(gain: float, **inputs: float) -> Effect:
    return Effect(0, 0, 0, "gross_profit", Text("", ""), inputs=inputs, pool="new", drawn=np.full(4000, gain))


def found(**facts: Any) -> dict[str, Any]:
    return {"status": "found", "facts": facts}


def built(
    effects: dict[str, Effect],
    findings: dict[str, Any],
    staff: Any = STAFF,
    margin: float | None = 0.25,
    thresholds: Any = None,
    **company: Any,
) -> BusinessCase:
    share = {} if margin is None else {"gross_margin_share": margin}
    given = {"sale_type": "TC", "minutes_per_touch": 20.0, **share, **company}
    case = make_case(
        [{"client": "A", "order_date": d, "amount": 10} for d in ("2024-01-01", "2024-12-31")],
        {"company": {k: v for k, v in given.items() if v is not None}, "staff": staff},
        {"thresholds": thresholds or {}},
    )
    try:
        return business_case(case, effects, findings)
    finally:
        case.close()


def test_the_second_purchase_route_by_hand() -> None:
    gain = {ROUTE: effect(500_000.0, **{"retention.new_a_year": 100.0})}
    made = built(gain, {ROUTE: found()})
    now, route = made.options
    assert (now.id, now.gain.base, now.cost) == ("as_now", 0, Cost(0, 0))
    # 100 new clients · 3 calls · 20 minutes = 100 hours; an hour costs (2 · 80 000 + 50 000) ÷ (3 · 160).
    assert route.cost is not None and route.net is not None
    assert route.cost.year == pytest.approx(100 * 210_000 / 480)
    assert route.net.base == pytest.approx(500_000 - route.cost.year)
    assert made.advised == "second_purchase_route" and made.first == route


def test_the_limits_of_the_route_and_of_automation_act() -> None:
    gain, facts = {ROUTE: effect(500_000.0, **{"retention.new_a_year": 100.0})}, {ROUTE: found()}

    def cost(**more: Any) -> float:
        route = built(gain, facts, **more).options[1].cost
        assert route is not None
        return route.year

    assert cost(thresholds={"retention.route_calls": 6}) == pytest.approx(2 * cost())
    # Minutes of a touch are the questionnaire's; where it gives none, the kit's 15, or whatever is set.
    assert cost(minutes_per_touch=None) == pytest.approx(cost() * 15 / 20)
    assert cost(minutes_per_touch=None, thresholds={"retention.route_minutes": 30}) == pytest.approx(cost() * 30 / 20)
    entry = {"roles.entry_burden": found(hours=100.0)}
    all_of_them = {"roles.uniform_orders": {"low": 0.8, "base": 0.9, "high": 1.0}}
    assert built({}, entry, thresholds=all_of_them).options[1].gain.base > 1.5 * built({}, entry).options[1].gain.base


def test_one_clerk_and_full_relief() -> None:
    facts = {RELIEF: found(relief={"shortage": [1.5, 2.0, 2.5]})}
    made = built({RELIEF: effect(1_300_000.0)}, facts, hire_once=40_000.0)
    first, full = (next(o for o in made.options if o.id == id) for id in ("first_step", "full_relief"))
    # One of two posts: half of the gain at the yearly pay of a clerk; hiring is paid once a head.
    assert first.cost == Cost(40_000.0, 600_000.0) and full.cost == Cost(80_000.0, 1_200_000.0)
    assert first.net is not None and first.net.base == pytest.approx(650_000 - 600_000)
    assert full.net is not None and full.net.base == pytest.approx(100_000)
    assert made.advised == "first_step", "the cheaper of two that pay"
    # Neither pays: measure first. So does a report of hours that cannot be.
    assert built({RELIEF: effect(1_000_000.0)}, facts).advised == MEASURE
    doubt = facts | {"roles.hours_implausible": found()}
    assert built({RELIEF: effect(1_300_000.0)}, doubt).advised == MEASURE


def test_without_costs_the_gain_is_gross() -> None:
    bare = [{k: v for k, v in p.items() if k != "cost_month"} for p in STAFF]
    gain = {ROUTE: effect(500_000.0, **{"retention.new_a_year": 100.0})}
    made = built(gain, {ROUTE: found()}, staff=bare)
    assert made.options[1].cost is None and made.options[1].net is None and made.advised is None
    # Revenue less a cost is no net either.
    assert built(gain, {ROUTE: found()}, margin=None).options[1].net is None


def test_automation_is_listed_without_a_net_until_its_price_is_known() -> None:
    facts = {"roles.entry_burden": found(hours=100.0)}
    unknown = built({}, facts).options[1]
    # 100 hours a month · 12 · 437.5 an hour · half of the orders uniform.
    assert unknown.id == "automation" and unknown.net is None
    assert unknown.gain.base == pytest.approx(100 * 12 * 437.5 * 0.5, rel=0.02)
    priced = built({}, facts, automation_once=60_000.0, automation_year=20_000.0).options[1]
    assert priced.cost == Cost(60_000.0, 20_000.0) and priced.payback_months is not None
    assert 3 <= priced.payback_months <= 12


def test_payback_counts_the_six_months_in_which_a_gain_grows() -> None:
    assert payback_months(1200.0, Cost(300.0, 600.0)) == 11
    assert payback_months(1200.0, Cost(0.0, 0.0)) == 1
    assert payback_months(600.0, Cost(300.0, 600.0)) is None
