"""Shares, classes, tail and regularity on tables small enough to check with a pencil."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.chapters.clients.regularity import xyz
from audit.chapters.clients.shares import by_holding, concentration, long_tail, smaller_half
from audit.ground.classes import abc
from audit.ground.room import own_best


def clients(*rows: tuple[str, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["client_key", "revenue", "orders"])


def test_concentration_with_the_arithmetic_written_out() -> None:
    # 500 + 200 + 100 + 100 + 50 + 50 = 1000; the client with −30 (returns only) does not count
    c = concentration(pd.Series([100.0, 500.0, 50.0, 200.0, 100.0, 50.0, -30.0]))
    assert c is not None
    assert c.n == 6
    assert c.top1 == pytest.approx(500 / 1000)
    assert c.top5 == pytest.approx((500 + 200 + 100 + 100 + 50) / 1000)
    assert (c.top20, c.top20_clients) == (pytest.approx(700 / 1000), 2)  # 20 % of 6 is 1.2, rounded up to 2 clients
    # 0.5² + 0.2² + 0.1² + 0.1² + 0.05² + 0.05² = 0.25 + 0.04 + 0.01 + 0.01 + 0.0025 + 0.0025
    assert c.hhi == pytest.approx(0.315)
    assert (c.even_top1, c.even_top5, c.even_hhi) == (pytest.approx(1 / 6), pytest.approx(5 / 6), pytest.approx(1 / 6))


def test_one_client_and_none() -> None:
    one = concentration(pd.Series([70.0]))
    assert one is not None
    assert (one.top1, one.top5, one.hhi, one.even_top5) == (1.0, 1.0, 1.0, 1.0)
    assert concentration(pd.Series([0.0, -5.0])) is None
    assert concentration(pd.Series([], dtype=float)) is None


def test_clients_of_a_holding_are_added_up() -> None:
    frame = pd.DataFrame(
        {
            "client_key": ["1", "2", "3", "4"],
            "client_name": ["А", "Б", "В", None],
            "holding": ["Г", "Г", None, " "],
            "revenue": [30.0, 40.0, 60.0, 5.0],
        }
    )
    h = by_holding(frame)
    assert h["name"].tolist() == ["Г", "В", "4"]  # 70, 60, 5; a client without a name is named by its key
    assert h["revenue"].tolist() == [70.0, 60.0, 5.0]
    assert h["clients"].tolist() == [2, 1, 1]


def test_abc_by_the_running_total() -> None:
    # 60 + 25 + 10 + 4 + 1 = 100; before each: 0, 60, 85, 95, 99
    revenue = pd.Series([60.0, 25.0, 10.0, 4.0, 1.0], index=list("abcde"))
    assert abc(revenue).tolist() == ["A", "A", "B", "C", "C"]  # the one that crosses 80 % is still A
    assert abc(revenue, a=0.5).tolist() == ["A", "B", "B", "C", "C"]
    assert abc(revenue, b=0.999).tolist() == ["A", "A", "B", "B", "B"]


def test_abc_leaves_nobody_out() -> None:
    classes = abc(pd.Series([0.0, -10.0, 5.0, np.nan], index=list("abcd")))
    assert classes.to_dict() == {"a": "C", "b": "C", "c": "A", "d": "C"}
    assert abc(pd.Series([0.0, 0.0])).tolist() == ["C", "C"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.randoms())
def test_shares_sum_to_one_abc_covers_all_and_row_order_is_irrelevant(values: list[float], random: object) -> None:
    revenue = pd.Series(values, index=[f"c{i:02d}" for i in range(len(values))])
    classes = abc(revenue)
    assert set(classes) <= {"A", "B", "C"} and len(classes) == len(revenue)
    shuffled = revenue.sample(frac=1, random_state=7)
    assert abc(shuffled).sort_index().tolist() == classes.sort_index().tolist()
    one, two = concentration(revenue), concentration(shuffled)
    assert one == two
    if one is not None:
        assert 0 < one.even_hhi <= one.hhi + 1e-12 <= 1 + 2e-12
        assert one.even_top1 - 1e-12 <= one.top1 <= one.top5 + 1e-12 <= 1 + 1e-9
        paid = revenue[revenue > 0]
        assert float((paid / paid.sum()).sum()) == pytest.approx(1)


def test_the_smaller_half_is_rounded_down_and_ties_go_by_key() -> None:
    c = clients(("e", 10, 1), ("a", 10, 1), ("b", 10, 1), ("d", 50, 1), ("c", 90, 1))
    assert c.loc[smaller_half(c), "client_key"].tolist() == ["a", "b"]  # 5 clients → 2; of three equal ones a and b


def test_long_tail_with_the_arithmetic_written_out() -> None:
    # the smaller half: revenue 2 + 3 = 5 of 100, orders 6 + 4 = 10 of 20
    c = clients(("a", 60, 7), ("b", 35, 3), ("c", 3, 4), ("d", 2, 6))
    t = long_tail(c)
    assert (t.clients, t.orders, t.revenue, t.order_share, t.revenue_share) == (2, 10, 5, 0.5, 0.05)


START = dt.date(2024, 1, 1)


def quarters(*rows: list[float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[f"q{k}" for k in range(len(rows[0]))], dtype=float)


STARTS = [dt.date(2024, 10, 1), dt.date(2024, 7, 1), dt.date(2024, 4, 1), dt.date(2024, 1, 1), dt.date(2023, 10, 1)]


def test_xyz_by_the_variation_of_quarters() -> None:
    q = quarters([100, 100, 100, 100, 100], [100, 140, 60, 100, 100], [400, 0, 0, 0, 0])
    first = pd.Series(pd.to_datetime(["2023-01-01"] * 3))
    out = xyz(q, first, STARTS)
    # second: mean 100, deviations 0, 40, −40, 0, 0 → √(3200/5) = 25.3 → 0.253; third: mean 80, √(5·…)
    assert out["variation"].iloc[0] == 0
    assert out["variation"].iloc[1] == pytest.approx(np.sqrt(3200 / 5) / 100)
    assert out["variation"].iloc[2] == pytest.approx(np.sqrt((320**2 + 4 * 80**2) / 5) / 80)  # 2.0
    assert out["xyz"].tolist() == ["X", "Y", "Z"]
    assert xyz(q, first, STARTS, x=0.26)["xyz"].tolist() == ["X", "X", "Z"]
    assert xyz(q, first, STARTS, y=0.2)["xyz"].tolist() == ["X", "Z", "Z"]


def test_quarters_before_the_first_order_do_not_count() -> None:
    q = quarters([100, 100, 0, 0, 0], [100, 100, 100, 100, 0])
    first = pd.Series(pd.to_datetime(["2024-07-01", "2023-11-15"]))
    out = xyz(q, first, STARTS)
    assert out["xyz"].tolist() == [None, "X"]  # two quarters are too few; four of the second are even
    assert np.isnan(out["variation"].iloc[0])
    assert xyz(q, first, STARTS, least=2)["xyz"].tolist() == ["X", "X"]


def test_own_best_four_quarters_in_a_row() -> None:
    # last four: 10 + 10 + 10 + 10 = 40; the best four in a row: 10 + 30 + 30 + 30 = 100
    q = quarters([10, 10, 10, 10, 30, 30, 30], [20, 20, 20, 20, 0, 0, 0], [-5, 0, 0, 0, 0, 0, 0])
    out = own_best(q)
    assert out["best_year"].iloc[:2].tolist() == [100, 80]
    assert out["to_best"].iloc[:2].tolist() == [pytest.approx(0.4), pytest.approx(1.0)]
    assert out.iloc[2].isna().all()
    assert own_best(quarters([1, 2, 3, 4])).isna().all().all()  # one year knows no better one
