"""Verdicts on service: found, watched, clear, not assessed, and every threshold of the chapter."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from audit.chapters import verdicts_on
from audit.chapters.service.measure import diagnose
from audit.findings.finding import Finding
from tests.case_builder import make_case


def verdicts(
    orders: list[dict[str, Any]],
    thresholds: dict[str, Any] | None = None,
    processes: list[dict[str, Any]] | None = None,
) -> dict[str, Finding]:
    q = {"processes": processes} if processes is not None else None
    case = make_case(orders, q, {"thresholds": {"general.bootstrap_draws": 200, **(thresholds or {})}})
    out = {f.id.split(".")[1]: f for f in verdicts_on(case, diagnose(case))}
    case.close()
    return out


def orders(n: int, late: int = 0, short: int = 0, complaint: int = 0, year: int = 2025) -> list[dict[str, Any]]:
    """``n`` orders of as many clients, evenly over a year; the first ones fail."""
    out = []
    for i in range(n):
        day = dt.date(year, 1, 1) + dt.timedelta(days=i * 364 // max(n - 1, 1))
        out.append(
            {
                "client_id": f"C{i}",
                "order_date": day.isoformat(),
                "amount": 100,
                "order_id": f"{year}-{i}",
                "promised_date": (day + dt.timedelta(days=3 + i % 2)).isoformat(),
                "shipped_date": (day + dt.timedelta(days=5 if i < late else 2)).isoformat(),
                "shipped_pct": 0.5 if i < short else 1.0,
                "complaint": i < complaint,
            }
        )
    return out


CASES = [
    # finding, field, of 400 orders: found, watched, clear (Wilson: 60 of 400 are 12–19 %, 30 are 5–11 %, 10 are 1–5 %)
    ("late", "late", 60, 30, 8),
    ("short_shipments", "short", 48, 20, 3),
    ("complaints", "complaint", 24, 8, 0),
]


@pytest.mark.parametrize(("finding", "field", "found", "watch", "clear"), CASES)
def test_shares_of_orders(finding: str, field: str, found: int, watch: int, clear: int) -> None:
    for count, status in ((found, "found"), (watch, "watch"), (clear, "clear")):
        f = verdicts(orders(400, **{field: count}))[finding]
        assert (f.status, f.facts["failed"], f.facts["n"]) == (status, count, 400)
    lenient = verdicts(orders(400, **{field: found}), {f"service.{finding}": {"watch": 0.5, "found": 0.6}})
    assert lenient[finding].status == "clear"


@pytest.mark.parametrize(
    ("finding", "column"), [("late", "promised_date"), ("short_shipments", "shipped_pct"), ("complaints", "complaint")]
)
def test_a_missing_column_is_named(finding: str, column: str) -> None:
    rows = [{k: v for k, v in r.items() if k != column} for r in orders(60)]
    f = verdicts(rows)[finding]
    assert f.status == "not_assessed" and f.reason is not None and "нет столбц" in f.reason.ru


def test_few_orders_say_nothing() -> None:
    f = verdicts(orders(19, late=10))["late"]
    assert f.status == "not_assessed" and f.reason is not None and "19" in f.reason.ru
    assert verdicts(orders(19, late=18), {"general.min_units": 10})["late"].status == "found"


@pytest.mark.parametrize("column", ["promised_date", "shipped_date"])
def test_a_date_that_stands_the_same_number_of_days_after_every_order_tells_nothing(column: str) -> None:
    rows = orders(200, late=60)
    day = {r["order_id"]: dt.date.fromisoformat(r["order_date"]) for r in rows}
    same = [{**r, column: (day[r["order_id"]] + dt.timedelta(days=4)).isoformat()} for r in rows]
    f = verdicts(same)["late"]
    assert (
        f.status == "not_assessed" and f.reason is not None and "(4)" in f.reason.ru and "tells nothing" in f.reason.en
    )
    assert verdicts(same, {"service.same_lag_share": 1.0})["late"].status != "not_assessed"
    # Two orders in a hundred that differ make it a date again.
    mixed = [{**r, column: rows[i][column]} if i % 50 == 1 else r for i, r in enumerate(same)]
    assert verdicts(mixed, {"service.same_lag_share": 0.97})["late"].status == "not_assessed"


def test_a_real_wish_stands_in_for_a_promise_of_the_system() -> None:
    rows = [
        {
            **r,
            "requested_date": r["promised_date"],
            "promised_date": (dt.date.fromisoformat(r["order_date"]) + dt.timedelta(days=9)).isoformat(),
        }
        for r in orders(400, late=100)
    ]
    assert verdicts(rows)["late"].status == "watch"


def test_what_is_so_now_decides_and_a_bad_past_is_watched() -> None:
    was_bad = orders(400, late=120, year=2024) + orders(400, late=4, year=2025)
    assert verdicts(was_bad)["late"].status == "watch"  # 15 % over two years, 1 % in the last
    got_bad = orders(400, late=4, year=2024) + orders(400, late=80, year=2025)
    assert verdicts(got_bad)["late"].status == "found"  # 20 % in the last year


def test_late_against_the_clients_wish_is_watched_at_most() -> None:
    rows = [
        {**{k: v for k, v in r.items() if k != "promised_date"}, "requested_date": r["promised_date"]}
        for r in orders(400, late=100)
    ]
    f = verdicts(rows)["late"]
    assert f.status == "watch" and f.facts["by_wish"]


SERVICES = ("PRESALE", "TECH", "MKT", "PROD", "LOG", "ACC")


def services(missing: int, no_time: int = 0) -> list[dict[str, Any]]:
    return [
        {"process": s, "owner": None if i < missing else "A", "sla_days": None if 6 - i <= no_time else 2}
        for i, s in enumerate(SERVICES)
    ]


def test_services_without_owner_or_time() -> None:
    rows = orders(30)
    assert verdicts(rows, processes=services(0))["no_owner"].status == "clear"
    assert verdicts(rows, processes=services(1))["no_owner"].status == "watch"
    assert verdicts(rows, processes=services(2, 1))["no_owner"].status == "found"  # two without owner, one without time
    assert verdicts(rows, processes=services(0)[:3])["no_owner"].status == "found"  # three are not named at all
    lenient = {"service.no_owner": {"watch": 5, "found": 6}}
    assert verdicts(rows, lenient, services(3))["no_owner"].status == "clear"
    assert verdicts(rows)["no_owner"].status == "not_assessed"
    functions = [{"process": "OPS_CLAIM", "owner": "A"}]
    assert verdicts(rows, processes=functions)["no_owner"].status == "not_assessed"


def buyers(loss: float, fail: float = 0.12, n: int = 160, seed: int = 3) -> list[dict[str, Any]]:
    """Clients with a rhythm of their own of 20 to 60 days; an order is late with chance ``fail``, and a client stops
    after a late one with chance ``loss``."""
    rng = np.random.default_rng(seed)
    start, out = dt.date(2024, 1, 1), []
    for i in range(n):
        gap, day, number = float(rng.uniform(20, 60)), int(rng.integers(0, 120)), 0
        while day < 730:
            number += 1
            late = bool(rng.random() < fail)
            at = start + dt.timedelta(days=day)
            out.append(
                {
                    "client_id": f"C{i}",
                    "order_date": at.isoformat(),
                    "amount": 1000,
                    "order_id": f"{i}-{number}",
                    "promised_date": (at + dt.timedelta(days=3 + number % 2)).isoformat(),
                    "shipped_date": (at + dt.timedelta(days=(6 if late else 3) + number % 2)).isoformat(),
                    "margin": 200,
                }
            )
            if late and number >= 2 and rng.random() < loss:
                break
            day += max(5, int(rng.normal(gap, gap / 5)))
    return out


def test_failures_that_cost_clients_and_failures_that_do_not() -> None:
    f = verdicts(buyers(0.5))["failures_cost_clients"]
    assert f.status == "found" and f.facts["p"] < 0.05 and f.facts["lasting"]
    # Gross profit: 200 of 1 000 are margin; what is allocated to clients adds up to the effect.
    e = f.effect
    assert e is not None and e.basis == "gross_profit" and e.inputs["margin_share"] == pytest.approx(0.2)
    assert e.base == pytest.approx(e.inputs["service.failure_loss"] * e.inputs["annual_revenue"] * 0.2, rel=0.02)
    assert e.shares is not None and e.shares["share"].sum() == pytest.approx(1.0)
    assert verdicts(buyers(0.0))["failures_cost_clients"].status in ("clear", "watch")


def test_the_thresholds_of_the_comparison_matter() -> None:
    rows = buyers(0.5)
    strict = {"service.failures_cost_clients": {"watch": 0.0, "found": 0.0}}
    assert verdicts(rows, strict)["failures_cost_clients"].status != "found"
    # A clock of thirty gaps does not fit before the end of the data.
    assert verdicts(rows, {"service.loss_gaps": 30})["failures_cost_clients"].status == "not_assessed"


def test_failures_need_something_that_can_fail() -> None:
    bare = [{k: r[k] for k in ("client_id", "order_date", "amount")} for r in orders(60)]
    f = verdicts(bare)["failures_cost_clients"]
    assert f.status == "not_assessed" and f.reason is not None and "рекламация" in f.reason.ru
    fine = verdicts(orders(60))["failures_cost_clients"]
    assert fine.status == "not_assessed" and fine.reason is not None and "сбоем нет" in fine.reason.ru
