"""Logged days far from the orders: a device's clock may have stood wrong."""

from __future__ import annotations

from typing import Any

import pytest

from audit.present.returned import wanted
from tests.case_builder import make_case


@pytest.mark.parametrize(("day", "told"), [("1970-01-01", True), ("2035-05-05", True), ("2026-03-02", False)])
def test_a_day_far_from_the_orders_is_named(day: str, told: bool) -> None:
    log: dict[str, Any] = {"person": "K1", "date": day, "start": 540, "end": 600, "function": "FARM"}
    case = make_case(
        [{"order_date": f"2025-{m:02}-01", "client_id": "C1", "amount": 10} for m in range(1, 13)],
        {"staff": [{"person": "K1", "role": "KM"}], "day_log": [log]},
    )
    said = " ".join(t.en for t in wanted(case))
    assert ("more than two years away from the orders: K1" in said) is told
    case.close()
