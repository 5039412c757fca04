"""The money ledger: pools, caps, draws; parts that add up; what each input carries of the spread."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import Text
from audit.findings.finding import Effect, Finding
from audit.findings.money import Ledger, annual_figure, capped, could_add, make_ledger, middle
from audit.findings.pricing import Inputs, price
from audit.ground.money import Basis
from tests.case_builder import make_case

CAPS = {"A": 100.0, "B": 50.0, "C": 10.0}
LEAK, SLEEP, FIRST, RELIEF = (
    "retention.revenue_leak",
    "retention.sleeping_clients",
    "retention.leaky_first_purchase",
    "roles.km_overload",
)


def effect(
    rows: dict[str, float] | None,
    total: list[float],
    pool: Literal["clients", "new"] | None = "clients",
    basis: Basis = "revenue",
) -> Effect:
    """An effect with two draws or more; ``rows``: client → part of the whole."""
    shares = None
    if rows is not None:
        keys = list(rows)
        part = np.array(list(rows.values())) / sum(rows.values())
        shares = pd.DataFrame({"client_key": keys, "share": part, "cap": [CAPS.get(k, np.inf) for k in keys]})
    return Effect(0, 1, 2, basis, Text("", ""), pool=pool, shares=shares, drawn=np.array(total))


def ledger_of(*effects: tuple[str, Effect], status: Any = "found", grade: Any = "C") -> Ledger | None:
    return make_ledger([Finding(id, status, "major", effect=e, grade=grade) for id, e in effects])


def test_in_every_draw_the_largest_effect_of_a_client_counts() -> None:
    # A: leak 20, 10 against sleep 5, 40; B: leak alone 4, 2.
    ledger = ledger_of((LEAK, effect({"A": 10, "B": 2}, [24, 12])), (SLEEP, effect({"A": 1}, [5, 40])))
    assert ledger is not None
    assert ledger.drawn.tolist() == pytest.approx([24, 42])
    mean = ledger.by_client.set_index(["client_key", "finding"])["base"] * ledger.drawn.mean() / ledger.headline.base
    assert mean.to_dict() == pytest.approx({("A", LEAK): 10, ("A", SLEEP): 20, ("B", LEAK): 3})


def test_no_client_is_worth_more_than_it_brings_in_a_year() -> None:
    ledger = ledger_of((LEAK, effect({"C": 1, "Z": 1}, [10, 30])))
    assert ledger is not None
    # C brings 10 a year: 5, 10; Z has no cap here: 5, 15.
    assert ledger.drawn.tolist() == pytest.approx([10, 25])


def test_clients_to_come_are_a_pool_of_their_own() -> None:
    flow = effect(None, [100, 300], "new")
    other = effect(None, [200, 100], "new")
    ledger = ledger_of((FIRST, flow), (RELIEF, other), (LEAK, effect({"C": 1}, [50, 50])))
    assert ledger is not None
    # The larger of both on the flow in every draw, not capped by past orders; 10 of C beside it.
    assert ledger.drawn.tolist() == pytest.approx([210, 310])
    assert set(ledger.findings) == {FIRST, RELIEF, LEAK}


def test_what_belongs_to_no_pool_stays_outside_and_is_listed() -> None:
    ledger = ledger_of(("service.failures_cost_clients", effect(None, [9, 9], None)), (LEAK, effect({"A": 1}, [2, 2])))
    assert ledger is not None
    assert ledger.outside == ("service.failures_cost_clients",)
    assert ledger.headline.base == 2


def test_nothing_is_promised_on_watched_findings_or_contradictions() -> None:
    assert ledger_of((LEAK, effect({"A": 1}, [2, 2])), status="watch") is None
    assert ledger_of((LEAK, effect({"A": 1}, [2, 2])), grade="D") is None


SOME = st.lists(
    st.tuples(st.sampled_from("ABCZ"), st.floats(0.1, 200)), min_size=1, max_size=4, unique_by=lambda r: r[0]
)
DRAWN = st.lists(st.floats(0, 500), min_size=7, max_size=7)


@given(SOME, SOME, DRAWN, DRAWN, DRAWN)
def test_parts_add_up_and_a_further_finding_never_lowers_the_headline(
    a: list[Any], b: list[Any], first: list[float], second: list[float], flow: list[float]
) -> None:
    effects = [(LEAK, effect(dict(a), first)), (SLEEP, effect(dict(b), second)), (FIRST, effect(None, flow, "new"))]
    before = 0.0
    for n in (1, 2, 3):
        ledger = ledger_of(*effects[:n])
        assert ledger is not None
        assert sum(ledger.parts.values()) == pytest.approx(ledger.headline.base, abs=1e-6)
        assert ledger.headline.low <= ledger.headline.base + 1e-9 <= ledger.headline.high + 2e-9
        assert ledger.headline.base >= before - 1e-6
        before = ledger.headline.base
        named = ledger.by_client.groupby("finding")["base"].sum().to_dict()
        assert all(ledger.parts[id] == pytest.approx(x, abs=1e-6) for id, x in named.items())


def test_a_sum_with_caps_is_the_plain_one() -> None:
    rng = np.random.default_rng(1)
    share, cap, drawn = rng.dirichlet(np.ones(50)), rng.gamma(1, 20, 50), rng.gamma(2, 400, 300)
    cap[:5] = np.inf
    plain = np.minimum(np.outer(drawn, share), cap).sum(axis=1)
    assert capped(drawn, share, cap) == pytest.approx(plain)


def case_of_two() -> Any:
    return make_case(
        [
            {"client": "A", "order_date": "2023-06-01", "amount": 100, "margin": 20},
            {"client": "A", "order_date": "2024-05-01", "amount": 60, "margin": 30},
            {"client": "B", "order_date": "2021-01-01", "amount": 500},
            {"client": "C", "order_date": "2024-12-31", "amount": 40, "margin": 20},
        ]
    )


def test_the_annual_figure_is_that_of_the_365_days_up_to_the_last_order() -> None:
    got = annual_figure(case_of_two()).set_index("client_key")
    # 1 June 2023 lies 335 days before 1 May 2024; who left long ago counts by its own last year.
    assert got["revenue"].to_dict() == {"A": 160, "B": 500, "C": 40}
    # The margin is that of the last 12 months: half.
    assert got["gross_profit"].to_dict() == {"A": 80, "B": 250, "C": 20}


def test_a_finding_alone_gives_a_headline_equal_to_its_effect() -> None:
    case = case_of_two()
    inputs = Inputs(case)
    amount = 1000 * inputs.assumption("retention.reach_leak") * inputs.estimate("share", 0.3, 0.2, 0.45)
    clients = pd.DataFrame({"client_key": ["A", "B"], "worth": [3.0, 1.0]})
    for e in (price(inputs, amount, Text("", ""), clients, "worth"), price(inputs, amount, Text("", ""), coming=True)):
        ledger = ledger_of((LEAK, e)) if e is not None else None
        assert e is not None and ledger is not None
        assert (ledger.headline.low, ledger.headline.base, ledger.headline.high) == pytest.approx(
            (e.low, e.base, e.high)
        )
        assert e.basis == "gross_profit" and e.inputs["margin_share"] == pytest.approx(0.5)
        # Both inputs carry the spread.
        assert set(ledger.swing) == set(ledger.spread)
        for low, high in ledger.swing.values():
            assert low < ledger.headline.base < high  # both inputs raise the sum
        assert set(ledger.spread) == {"share", "retention.reach_leak"} and sum(ledger.spread.values()) <= 1.05


def test_an_input_named_by_two_prices_is_drawn_once() -> None:
    case = case_of_two()
    one, two = Inputs(case), Inputs(case)
    assert (one.assumption("retention.reach_leak") == two.assumption("retention.reach_leak")).all()
    assert (one.assumption("retention.reach_leak") != one.assumption("retention.reach_second")).any()


def test_the_middle_of_the_draws() -> None:
    m = middle(np.arange(101.0))
    assert (m.low, m.base, m.high) == (10, 50, 90)


def test_what_settling_a_finding_could_move() -> None:
    counted = Finding(LEAK, "found", effect=effect({"A": 1}, [20, 20]), grade="C")
    watched = Finding(SLEEP, "watch", effect=effect({"A": 1, "Z": 1}, [60, 60]), grade="C")
    disputed = Finding(RELIEF, "watch", effect=effect({"Z": 1}, [90, 90]), grade="D")
    # Confirmed, 30 would count on A in place of 20, and 30 on Z: 60 in place of 20.
    assert could_add([counted, watched, disputed]) == pytest.approx({SLEEP: 40})
    assert could_add([watched]) == pytest.approx({SLEEP: 60})
