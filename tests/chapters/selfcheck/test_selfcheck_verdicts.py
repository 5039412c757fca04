"""The verdict on what the management says: found, watched, clear, not assessed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from audit.chapters import verdicts_on
from audit.chapters.selfcheck.measure import diagnose
from audit.findings.finding import Finding
from tests.case_builder import make_case


def orders(growth: float = 0.0) -> list[dict[str, Any]]:
    """Forty steady clients over three years, an order a month begun by us; revenue grows by ``growth`` a year."""
    out = []
    for i in range(40):
        for month in range(36):
            day = dt.date(2023 + month // 12, month % 12 + 1, 1 + i % 27)
            out.append(
                {
                    "client_id": f"C{i}",
                    "order_date": day.isoformat(),
                    "amount": 100 * (1 + growth) ** (month // 12),
                    "initiator": "OUT" if (i + month) % 4 else "IN",
                }
            )
    last = {"client_id": "C0", "order_date": "2025-12-31", "amount": 100, "initiator": "OUT"}
    return [*out, last]


def verdict(answers: dict[int, str] | None, thresholds: dict[str, Any] | None = None, rows: Any = None) -> Finding:
    q = {"self_check": [{"question": k, "answer": v} for k, v in answers.items()]} if answers is not None else {}
    settings = {"thresholds": {"general.bootstrap_draws": 200, **(thresholds or {})}, "period": {"burn_in_days": 30}}
    case = make_case(orders(0.1) if rows is None else rows, q, settings)
    (finding,) = verdicts_on(case, diagnose(case))
    case.close()
    return finding


# Nobody leaves, sales grow by 10 % a year, three quarters of the orders are begun by us, all revenue is repeat.
HONEST = {1: "yes", 3: "no", 5: "no", 7: "no"}
DENIED = {1: "no", 3: "yes", 5: "yes", 7: "yes"}


def test_honest_answers_are_clear() -> None:
    f = verdict(HONEST)
    assert f.status == "clear" and f.facts["checked"] >= 3 and f.facts["contradictions"] == []


def test_three_contradictions_are_found_one_is_watched() -> None:
    f = verdict(DENIED)
    assert f.status == "found" and [c["question"] for c in f.facts["contradictions"]] == [1, 3, 5, 7]
    assert verdict({**HONEST, 1: "no"}).status == "watch"
    assert verdict(DENIED, {"selfcheck.contradiction": {"watch": 5, "found": 6}}).status == "clear"


def test_too_few_checked_answers_are_no_agreement() -> None:
    f = verdict({1: "yes", 3: "no"})
    assert f.status == "not_assessed" and f.reason is not None and "2 из 2" in f.reason.ru
    assert verdict({1: "yes", 3: "no"}, {"selfcheck.min_checked": 2}).status == "clear"
    assert verdict({1: "no", 3: "no"}).status == "watch"  # a contradiction is one, however few were checked


def test_what_cannot_be_assessed() -> None:
    none = verdict(None)
    assert none.status == "not_assessed" and none.reason is not None and "«Самопроверка»" in none.reason.ru
    unknown = verdict({1: "unknown", 8: "unknown"})
    assert unknown.status == "not_assessed" and unknown.reason is not None and "«не знаю»" in unknown.reason.ru
    bare = [{k: r[k] for k in ("client_id", "order_date", "amount")} for r in orders() if r["order_date"] < "2023-06"]
    short = verdict({3: "no", 4: "no", 7: "no", 8: "no"}, rows=bare)
    assert short.status == "not_assessed" and short.reason is not None
