"""What is left of clients after the work of their orders, by pencil and against a plain re-count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from audit.chapters.clients.measure import diagnose
from audit.chapters.clients.service import after_service, by_class, whale
from tests.case_builder import make_case
from tests.chapters.client_cases import company, questionnaire


def test_the_whale_by_pencil():
    """Profits 100, 50, 20, 10 with 1, 1, 3, 2 orders of 10: left 90, 40, −10, −10. Peak 130, total 110."""
    left = after_service(pd.Series([100.0, 50.0, 20.0, 10.0]), pd.Series([1, 1, 3, 2]), 10.0)
    assert list(left["contribution"]) == [90.0, 40.0, -10.0, -10.0]
    found = whale(left["contribution"])
    assert list(found.running) == [0.0, 90.0, 130.0, 120.0, 110.0]
    assert (found.peak, found.total, found.losing, found.lost) == (130.0, 110.0, 2, 20.0)


def test_the_whale_against_a_plain_count():
    rng = np.random.default_rng(4)
    values = pd.Series(rng.normal(10, 30, 500))
    found = whale(values)
    best, total = 0.0, 0.0
    for v in sorted(values, reverse=True):
        total += v
        best = max(best, total)
    assert found.peak == pytest.approx(best) and found.total == pytest.approx(total)
    assert found.peak - found.lost == pytest.approx(found.total)


def test_classes_sum_to_all_clients_those_without_one_included():
    rows = pd.DataFrame(
        {
            "abcd": ["A", "D", None, "A"],
            "orders": [1, 2, 3, 4],
            "revenue": [1.0, 2.0, 3.0, 4.0],
            "profit": [1.0] * 4,
            "service_cost": [0.5, 1.0, 1.5, 2.0],
            "contribution": [0.5, 0.0, -0.5, -1.0],
        }
    )
    out = by_class(rows, ("A", "B", "C", "D"))
    assert list(out["label"]) == ["A", "D", ""]
    assert list(out["clients"]) == [2, 1, 1] and list(out["losing"]) == [1, 0, 1]
    assert out["orders"].sum() == 10


def test_cost_of_an_order_and_of_small_ones_by_pencil():
    """48 clients order monthly: 48 orders a month. Four managers give 16 hours a month each to entry at 600, the clerk 160 at
    400: (64·600 + 160·400) ÷ 48 = 2 133.33 an order. At a margin of 20 % an order pays from 10 666.67 on; all are 1 000 to
    1 900, so none does, and what the clients leave together is below nothing: no peak."""
    result = diagnose(make_case(company(), questionnaire()))
    m = result.metrics
    cost = (64 * 600 + 160 * 400) / 48
    assert m["base.paying_order"].value == pytest.approx(cost / 0.2)
    assert m["base.unpaid_order_share"].value == 1.0
    assert m["base.losing_client_share"].value == 1.0
    assert m["base.contribution_peak"].value is None and m["base.contribution_peak"].reason is not None
    clients = result.tables["clients"]
    assert float(clients["service_cost"].sum()) == pytest.approx(48 * 12 * cost)
    revenue = sum(1000 + 100 * (i % 10) for i in range(48)) * 12
    assert result.facts["profit_year"] == pytest.approx(0.2 * revenue)
    assert result.facts["small_lacking_year"] == pytest.approx(48 * 12 * cost - 0.2 * revenue)
    assert result.tables["contribution"]["clients"].sum() == 48


def test_larger_orders_pay_and_the_peak_is_above_the_total_where_some_do_not():
    """Orders a hundred times as large pay; one client whose orders stay small does not."""
    rows = company()
    big = rows["client_id"] != "c000"
    rows["amount"] = rows["amount"].where(~big, rows["amount"] * 100)
    rows["margin"] = rows["amount"] * 0.2
    m = diagnose(make_case(rows, questionnaire())).metrics
    assert m["base.losing_client_share"].value == pytest.approx(1 / 48)
    cost = (64 * 600 + 160 * 400) / 48
    lost = 12 * (cost - 0.2 * 1000)
    assert m["base.losing_client_share"].extra["lost"] == pytest.approx(lost)
    peak = m["base.contribution_peak"].value
    assert peak is not None and peak > 1


def test_without_cost_or_margin_nothing_is_guessed():
    q = questionnaire()
    bare = {**q, "staff": [{k: v for k, v in r.items() if k != "cost_month"} for r in q["staff"]]}
    m = diagnose(make_case(company(), bare)).metrics["base.losing_client_share"]
    assert m.value is None and m.reason is not None and "стоимость месяца" in m.reason.ru
    m = diagnose(make_case(company().drop(columns="margin"), q)).metrics["base.losing_client_share"]
    assert m.value is None and m.reason is not None and "Валовая прибыль" in m.reason.ru
