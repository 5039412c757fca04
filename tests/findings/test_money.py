"""The money ledger: each client counted once, capped, and what cannot be allocated listed apart."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import Text
from audit.findings.finding import Effect, Finding
from audit.findings.money import annual_figure, make_ledger
from tests.case_builder import make_case


def finding(
    id: str,
    rows: list[tuple[str, float, float, float]] | None,
    basis: Literal["gross_profit", "revenue"] = "revenue",
    status: Any = "found",
    grade: Any = "C",
) -> Finding:
    frame = None if rows is None else pd.DataFrame(rows, columns=["client_key", "low", "base", "high"])
    return Finding(id, status, "major", effect=Effect(0, 1, 2, basis, Text("", ""), by_client=frame), grade=grade)


ANNUAL = pd.DataFrame(
    {"client_key": ["A", "B", "C"], "revenue": [100.0, 50.0, 10.0], "gross_profit": [30.0, 10.0, 3.0]}
)


def test_the_largest_effect_of_a_client_counts_with_its_own_ends() -> None:
    ledger = make_ledger(
        [
            finding("retention.revenue_leak", [("A", 5, 20, 40), ("B", 1, 2, 3)]),
            finding("retention.sleeping_clients", [("A", 1, 10, 90)]),
        ],
        ANNUAL,
    )
    assert ledger is not None
    # A: 20 beats 10, so 5 / 20 / 40 count and not the 90 of the smaller effect; B: 1 / 2 / 3.
    assert (ledger.headline.low, ledger.headline.base, ledger.headline.high) == (6, 22, 43)
    assert (ledger.sum_of_parts.low, ledger.sum_of_parts.base, ledger.sum_of_parts.high) == (7, 32, 133)
    assert ledger.by_client.set_index("client_key").loc["A", "parts"] == 30


def test_no_client_is_worth_more_than_it_brings_in_a_year() -> None:
    ledger = make_ledger([finding("retention.revenue_leak", [("C", 5, 20, 40), ("Z", 1, 2, 3)])], ANNUAL)
    assert ledger is not None
    # C brings 10 a year: 5 / 10 / 10; Z has no turnover in two years and no figure to be capped at.
    assert (ledger.headline.low, ledger.headline.base, ledger.headline.high) == (6, 12, 13)


def test_gross_profit_is_capped_at_the_gross_profit_of_a_year() -> None:
    rows = [("A", 10, 40, 50), ("B", 10, 40, 50)]
    ledger = make_ledger([finding("retention.revenue_leak", rows, "gross_profit")], ANNUAL)
    assert ledger is not None
    # A brings 30 a year → 10 / 30 / 30; B brings 10 → 10 / 10 / 10.
    assert (ledger.headline.low, ledger.headline.base, ledger.headline.high) == (20, 40, 40)


def test_what_cannot_be_allocated_stays_outside_and_is_listed() -> None:
    ledger = make_ledger(
        [finding("roles.relief_shortage", None), finding("retention.revenue_leak", [("A", 1, 2, 3)])], ANNUAL
    )
    assert ledger is not None
    assert ledger.outside == ("roles.relief_shortage",)
    assert ledger.headline.base == 2


def test_nothing_is_promised_on_watched_findings_or_contradictions() -> None:
    watched = finding("retention.revenue_leak", [("A", 1, 2, 3)], status="watch")
    disputed = finding("roles.km_overload", [("A", 1, 2, 3)], grade="D")
    assert make_ledger([watched, disputed], ANNUAL) is None


EFFECTS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.floats(0, 200)), min_size=1, max_size=8, unique_by=lambda r: r[0]
)


@given(EFFECTS, EFFECTS)
def test_the_headline_never_exceeds_the_parts_nor_the_caps(a: list[Any], b: list[Any]) -> None:
    both = [
        finding(id, [(c, x / 2, x, x * 2) for c, x in rows])
        for id, rows in (("retention.revenue_leak", a), ("retention.sleeping_clients", b))
    ]
    ledger = make_ledger(both, ANNUAL)
    assert ledger is not None
    assert ledger.headline.base <= ledger.sum_of_parts.base + 1e-9
    assert ledger.headline.low <= ledger.headline.base <= ledger.headline.high
    caps = ANNUAL.set_index("client_key")["revenue"]
    for row in ledger.by_client.itertuples():
        assert row.high <= caps[row.client_key] + 1e-9


def test_the_annual_figure_is_the_better_of_two_years() -> None:
    case = make_case(
        [
            {"client": "A", "order_date": "2023-06-01", "amount": 100, "margin": 20},
            {"client": "A", "order_date": "2024-06-01", "amount": 60, "margin": 30},
            {"client": "B", "order_date": "2021-01-01", "amount": 500},
            {"client": "C", "order_date": "2024-12-31", "amount": -5},
        ]
    )
    got = annual_figure(case).set_index("client_key")
    assert got.loc["A", "revenue"] == 100
    # The margin is that of the last 12 months: 30 of 60, so the better year leaves 50.
    assert got.loc["A", "gross_profit"] == 50
    assert "B" not in got.index
    assert got.loc["C", "revenue"] == pytest.approx(0)
