"""The one margin: of the orders where they tell it, else as the company states it, else none."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from audit.chapters import diagnose_chapter
from audit.findings.money import annual_figure
from audit.ground.money import margin_of, margin_of_lines
from tests.case_builder import make_case

CHAPTERS = ("retention", "base", "ownership", "handoff", "service")


def lines(*rows: tuple[str, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["client_key", "revenue", "margin", "known"])


def test_the_orders_tell_it_where_half_of_the_revenue_carries_one() -> None:
    # A: 30 of 100; B tells nothing: 100 of 200 are known, and 30 ÷ 100 stands for both.
    m = margin_of_lines(lines(("A", 100, 30, 100), ("B", 100, 0, 0)), stated=0.5)
    assert (m.share, m.source, m.basis) == (0.3, "orders", "gross_profit")
    assert m.of(pd.Series(["A", "B", "Z"])).tolist() == [0.3, 0.3, 0.3]


def test_a_clients_own_margin_goes_before_the_companys() -> None:
    # Known: 100 + 60 of 260 in all, 30 + 36 = 66 of 160. C tells it for 60 of 100 and stands for itself; D for 0 of 60.
    m = margin_of_lines(lines(("A", 100, 30, 100), ("C", 100, 36, 60), ("D", 60, 0, 0)), stated=None)
    assert m.share == pytest.approx(66 / 160)
    assert m.of(pd.Series(["A", "C", "D"])).tolist() == pytest.approx([0.3, 0.6, 66 / 160])
    assert m.known_of(pd.Series(["D"])).isna().all()


def test_a_client_sold_at_a_loss_has_a_negative_one() -> None:
    m = margin_of_lines(lines(("A", 100, 40, 100), ("L", 100, -20, 100)), stated=None)
    assert m.share == pytest.approx(0.1)
    assert m.of(pd.Series(["L"])).tolist() == [-0.2]


@pytest.mark.parametrize(
    "rows",
    [
        [("A", 100, 30, 49), ("B", 100, 0, 0)],  # 49 of 200 known
        [("A", 100, -5, 100)],  # a loss is no margin to price with
        [("A", 100, 130, 100)],  # more profit than revenue: the column is something else
        [],
    ],
)
def test_else_the_stated_share_and_else_revenue(rows: list[tuple[str, float, float, float]]) -> None:
    stated = margin_of_lines(lines(*rows), stated=0.25)
    assert (stated.share, stated.source, stated.factor) == (0.25, "questionnaire", 0.25)
    # Next to a stated share nobody is measured by an own one.
    assert stated.of(pd.Series(["A", "B"])).tolist() == [0.25, 0.25]
    unknown = margin_of_lines(lines(*rows), stated=None)
    assert (unknown.share, unknown.source, unknown.basis, unknown.factor) == (None, "none", "revenue", 1.0)


def monthly(client: str, first: int, last: int, amount: float, margin: float | None) -> list[dict[str, Any]]:
    """One order a month, from month ``first`` to month ``last`` counted from January 2023."""
    return [
        {
            "client": client,
            "order_date": f"{2023 + k // 12}-{k % 12 + 1:02d}-15",
            "amount": amount,
            "margin": None if margin is None else amount * margin,
        }
        for k in range(first, last)
    ]


def test_every_chapter_prices_with_the_margin_of_the_last_twelve_months() -> None:
    rows = [r for c in "ABCDEFGH" for r in monthly(c, 0, 24, 100, 0.4) + monthly(c, 24, 36, 100, 0.1)]
    rows = [{**r, "manager": "M"} for r in rows]
    case = make_case(rows)
    assert margin_of(case).share == pytest.approx(0.1)
    for chapter in CHAPTERS:
        facts = diagnose_chapter(case, chapter).result.facts
        assert facts["margin_share"] == pytest.approx(0.1), chapter


def test_a_client_without_a_margin_is_capped_by_the_companys() -> None:
    case = make_case(monthly("known", 24, 36, 100, 0.24) + monthly("silent", 24, 36, 100, None))
    profit = annual_figure(case).set_index("client_key")["gross_profit"]
    # Both bring 1 200 a year; half of the revenue tells 24 %.
    assert profit.tolist() == pytest.approx([288, 288])
