"""The measured type of sale, criterion by criterion."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tests.case_builder import make_case


def regular(gap_days: int, clients: int = 25, orders: int = 12, start: str = "2023-01-01") -> list[dict[str, Any]]:
    """Clients that order every ``gap_days``, each starting a day later."""
    out = []
    for c in range(clients):
        first = pd.Timestamp(start) + pd.Timedelta(days=c)
        for k in range(orders):
            day = first + pd.Timedelta(days=gap_days * k)
            out.append({"client": f"C{c:02d}", "order_id": f"{c}-{k}", "order_date": day.date(), "amount": 100})
    return out


def test_monthly_orders_cannot_tell_t_from_tc_and_tc_is_used() -> None:
    s = make_case(regular(20)).sale_type
    assert (s.interval_days, s.interval_n) == (20, 25)
    assert (s.declared, s.measured, s.used) == (None, "T/TC", "TC")


def test_two_month_orders_are_tc() -> None:
    s = make_case(regular(45)).sale_type
    assert s.measured == s.used == "TC"


def test_rare_orders_with_a_complex_dear_product_are_consultative() -> None:
    company = {"name": "X", "complexity": 3, "price_level": 3, "clients_on_market": 800}
    s = make_case(regular(90), {"company": company}).sale_type
    assert s.measured in ("C", "CS")
    assert s.used == s.measured


def test_the_declared_type_wins_and_the_exclusions_are_listed() -> None:
    s = make_case(regular(90), {"company": {"name": "X", "sale_type": "T", "complexity": 4}}).sale_type
    assert (s.declared, s.used) == ("T", "T")
    assert {c.name for c in s.excluding()} == {"interval", "complexity"}
    assert s.supporting() == ()


def test_the_interval_alone_never_refutes_c() -> None:
    s = make_case(regular(20), {"company": {"name": "X", "sale_type": "C"}}).sale_type
    assert s.excluding() == ()


def test_settings_override_the_questionnaire_and_unknown_is_no_declaration() -> None:
    company = {"company": {"name": "X", "sale_type": "T"}}
    assert make_case(regular(45), company, {"company": {"sale_type": "TC"}}).sale_type.declared == "TC"
    assert make_case(regular(45), {"company": {"name": "X", "sale_type": "unknown"}}).sale_type.declared is None


def test_one_time_clients_over_three_years_are_strategic() -> None:
    rows = [
        {"client": f"S{i}", "order_id": str(i), "order_date": f"{2022 + i % 4}-0{1 + i % 6}-11", "amount": 1e6}
        for i in range(40)
    ]
    s = make_case(rows).sale_type
    assert s.one_time_share == 1.0
    assert s.measured == s.used == "S"


def test_too_few_regular_clients_give_no_interval_criterion() -> None:
    s = make_case(regular(20, clients=5)).sale_type
    assert s.interval_n == 5
    assert all(c.name != "interval" for c in s.criteria)
    assert (s.measured, s.used) == ("?", "TC")
