"""Sheets that name clients as the orders do: by code where there is one, by name where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from audit.chapters.retention.measure import diagnose as retention
from audit.chapters.roles.measure import diagnose as roles
from audit.chapters.selfcheck.figures import figures
from audit.model.case import Case
from tests.case_builder import make_case

CLIENTS = [f"ООО «Альфа-{i}»" for i in range(30)]


def engagement(**tables: Any) -> Case:
    """Thirty clients known by name only, one order each month of two years, 100 roubles each."""
    months = [f"{year}-{month:02d}-10" for year in (2024, 2025) for month in range(1, 13)]
    orders = [{"client": c, "order_date": day, "amount": 100, "manager": "K1"} for c in CLIENTS for day in months]
    return make_case(orders, {"company": {"name": "Проба", "sale_type": "TC"}, **tables})


def touches(ours: int, theirs: int) -> list[dict[str, Any]]:
    return [
        {"person": "K1", "date": "2025-06-01", "client_id": CLIENTS[i % 30], "direction": "OUT" if i < ours else "IN"}
        for i in range(ours + theirs)
    ]


def test_touches_by_name_count_and_do_not_break_the_chapter() -> None:
    case = engagement(touches=touches(12, 28))
    m = retention(case).metrics["retention.company_initiated_share"]
    again = figures(case)["retention.company_initiated_share"].whole
    case.close()
    # 12 of 40 contacts begun by us.
    assert m.value == pytest.approx(12 / 40)
    assert again is not None and again.value == pytest.approx(12 / 40)


def test_touches_of_strangers_are_nobodys() -> None:
    strangers = [{**t, "client_id": "ООО «Никто»"} for t in touches(40, 0)]
    case = engagement(touches=touches(12, 28) + strangers)
    m = retention(case).metrics["retention.company_initiated_share"]
    again = figures(case)["retention.company_initiated_share"].whole
    case.close()
    assert m.value == pytest.approx(12 / 40)
    assert again is not None and again.value == pytest.approx(12 / 40)


def test_key_clients_by_name_are_found_in_the_revenue() -> None:
    keys = [{"client_id": c, "lead": "D1" if i < 3 else "K1", "wallet_share": 0.9} for i, c in enumerate(CLIENTS[:10])]
    case = engagement(
        staff=[{"person": "K1", "role": "KM"}, {"person": "D1", "role": "KD"}],
        time=[
            {"person": "K1", "function": "FARM_REPEAT", "share": 0.9},
            {"person": "K1", "function": "OV_MEET", "share": 0.1},
        ],
        key_clients=keys,
    )
    result = roles(case)
    case.close()
    # All bring the same, so three of ten key clients are 30 % of their revenue.
    assert result.metrics["roles.keys_led_by_first_persons"].value == pytest.approx(0.3)
    room = result.tables["clients_with_room"].set_index("client_key")["room"]
    # A client that spends 90 % of its budget with us has no room to grow.
    assert [room[c] for c in CLIENTS[:10]] == [False] * 10
