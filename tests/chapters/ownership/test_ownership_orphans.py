"""Clients whom nobody stands behind: who last served them has left, or nobody is named."""

from __future__ import annotations

from typing import Any

import pytest

from audit.chapters.ownership.measure import diagnose
from audit.chapters.ownership.verdicts import judge
from tests.case_builder import make_case
from tests.chapters.client_cases import company, questionnaire

ID = "ownership.orphans"


def sheet(*gone: str, end: str = "2024-09-30", without: tuple[str, ...] = (), **tables: Any) -> dict[str, Any]:
    """The usual answers, with some of the four sellers gone since ``end`` or not on the sheet at all."""
    q = questionnaire()
    q["staff"] = [r | ({"end": end} if r["person"] in gone else {}) for r in q["staff"] if r["person"] not in without]
    return {k: v for k, v in q.items() if k not in ("key_clients", "touches")} | tables


def orders(last: Any = lambda i: None, clients: int = 48) -> Any:
    """48 clients of four sellers; from July 2024 on every order of client ``i`` is with ``last(i)``, if that names one."""
    rows = company(clients)
    at = rows["client_id"].str[1:].astype(int).map(last)
    late = rows["order_date"].astype(str) >= "2024-07-01"
    rows["manager"] = rows["manager"].where(~late | at.isna(), at)
    return rows


def judged(rows: Any, q: Any, **settings: Any) -> tuple[Any, Any]:
    case = make_case(rows, q, settings)
    try:
        result = diagnose(case)
        return next(f for f in judge(case, result) if f.id == ID), result
    finally:
        case.close()


@pytest.mark.parametrize(("of_k1", "status"), [(0, "clear"), (4, "watch"), (16, "found")])
def test_clients_of_a_seller_who_has_left(of_k1: int, status: str) -> None:
    """The last orders of the first clients are with K1, who left on 30 September: 4 of 48 = 8.3 %, 16 = 33 %."""
    f, result = judged(orders(lambda i: "K1" if i < of_k1 else "K2"), sheet("K1"))
    assert f.status == status
    assert result.metrics["ownership.orphan_share"].value == pytest.approx(of_k1 / 48)
    assert (f.facts["orphans"], f.facts["left"], f.facts["nobody"]) == (of_k1, of_k1, 0)
    lost = result.tables["orphans"]
    assert set(lost["manager"]) <= {"K1"} and set(lost["days"]) <= {88.0}, "30 September to 27 December"
    assert (f.risk is None) == (of_k1 == 0), "what they bring is at stake, and no gain"


def test_the_limits_can_be_moved() -> None:
    rows, q = orders(lambda i: "K1" if i < 4 else "K2"), sheet("K1")
    assert judged(rows, q, thresholds={ID: {"watch": 0.02, "found": 0.03}})[0].status == "found"


def test_somebody_else_took_the_last_order() -> None:
    """K1 has left, and every client has been with K2 since July."""
    assert judged(orders(lambda i: "K2"), sheet("K1"))[0].facts["orphans"] == 0


def test_orders_that_name_nobody() -> None:
    """Twelve clients have had no named person in the last 12 months."""
    rows = orders(lambda i: "K2")
    first = rows["client_id"].str[1:].astype(int) < 12
    rows["manager"] = rows["manager"].where(~(first & (rows["order_date"].astype(str) >= "2024-01-01")), None)
    f, result = judged(rows, sheet())
    assert (f.status, f.facts["nobody"], f.facts["left"]) == ("found", 12, 0)
    assert result.tables["orphans"]["manager"].isna().all()


def test_the_site_makes_no_orphans() -> None:
    assert judged(orders(lambda i: "SYS" if i < 30 else "K2"), sheet())[0].facts["orphans"] == 0


def test_who_touches_a_client_or_leads_it_as_a_key_client_is_a_hand() -> None:
    rows = orders(lambda i: "K1" if i < 16 else "K2")
    touch = [{"person": "K3", "date": "2024-11-01", "client_id": f"c{i:03d}", "direction": "OUT"} for i in range(6)]
    old = [{"person": "K1", "date": "2024-08-01", "client_id": "c007", "direction": "OUT"}]
    lead = [{"client_id": "c006", "lead": "K4"}]
    f, _ = judged(rows, sheet("K1", touches=touch + old, key_clients=lead))
    assert f.facts["orphans"] == 16 - 6 - 1, "a touch of the one who left is no hand"


def test_strangers_are_unknown_and_not_gone() -> None:
    """K4 is not on the sheet: with a quarter of the revenue nothing is told; with a tenth it is."""
    f, _ = judged(orders(lambda i: "K4" if i % 4 == 0 else "K2"), sheet("K1", without=("K4",)))
    assert f.status == "not_assessed" and "Сотрудники" in f.reason.ru
    few, result = judged(orders(lambda i: "K4" if i % 10 == 0 else "K2"), sheet("K1", without=("K4",)))
    assert few.status == "clear" and not len(result.tables["orphans"])
    moved = {"ownership.orphan_most_unknown": 0.5}
    more, _ = judged(orders(lambda i: "K4" if i % 4 == 0 else "K2"), sheet("K1", without=("K4",)), thresholds=moved)
    assert more.status == "clear"


def test_a_developers_new_clients_are_shown_apart() -> None:
    q = sheet()
    q["staff"] = [*q["staff"], {"person": "S1", "role": "SR"}]
    f, _ = judged(orders(lambda i: "S1" if i < 5 else "K2"), q)
    assert (f.facts["orphans"], f.facts["waiting"]) == (0, 5)


def test_no_staff_no_verdict() -> None:
    assert judged(orders(), None)[0].status == "not_assessed"
