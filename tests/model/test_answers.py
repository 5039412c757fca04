"""What a case was asked once it answers again: the same figures, and nobody's change in them."""

from __future__ import annotations

import pytest

from audit.model import case as module
from tests.case_builder import make_case

ROWS = [
    {"order_id": "1", "order_date": "2025-01-10", "client": "А", "amount": 100.0},
    {"order_id": "2", "order_date": "2025-02-10", "client": "Б", "amount": 200.0},
]
BY_CLIENT = "SELECT client_key, CAST(revenue AS DOUBLE) AS revenue FROM client_day ORDER BY client_key"


def test_the_engine_is_asked_once_and_nobody_sees_what_another_did_to_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = make_case(ROWS)
    asked: list[str] = []
    ask = case.engine.ask
    monkeypatch.setattr(case.engine, "ask", lambda sql: asked.append(sql) or ask(sql))
    first = case.query(BY_CLIENT)
    first["revenue"] = 0.0
    again = case.query(BY_CLIENT)
    assert list(again["revenue"]) == [100.0, 200.0] and len(asked) == 1
    case.query("SELECT count(*) AS n FROM client_day WHERE day >= {{ lit(since) }}", since=case.window.start)
    assert len(asked) == 2, "another question"


def test_a_large_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEPT_ROWS", 1)
    case = make_case(ROWS)
    assert case.query(BY_CLIENT).equals(case.query(BY_CLIENT)) and not case._answers
