"""The hours that touches ask for: one definition, the same in every chapter, by pencil."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from audit.chapters.conveyor.measure import diagnose as conveyor
from audit.chapters.ownership.measure import diagnose as ownership
from audit.chapters.roles.measure import diagnose as roles
from audit.ground.touches import in_book, keepers, touch_work
from tests.case_builder import make_case

END = dt.date(2024, 12, 31)
STAFF = {"K1": "KM", "K2": "KM", "S1": "SOP", "R1": "SR", "O1": "OP"}


def test_lost_clients_are_owed_nothing() -> None:
    c = pd.DataFrame({"silent_days": [100, 400, 400, 400], "median_gap": [30.0, 30.0, 150.0, None]})
    # the second is silent for over a year and over 4 · 30 days; the third orders twice a year; the fourth ordered once
    assert in_book(c, usual_gap=120).tolist() == [True, False, True, True]
    assert in_book(c, usual_gap=30).tolist() == [True, False, True, False]
    assert in_book(c, usual_gap=120, gap_multiple=2).tolist() == [True, False, False, False]
    assert in_book(c, usual_gap=30, min_days=500).all()


def company(sale_type: str = "TC", silent: tuple[str, ...] = (), **given: Any) -> Any:
    """Clients that order every 30 days: 20 of K1, 10 of K2, 6 of the office seller S1, 5 of R1 who wins, 4 of Z who is on no
    sheet, 3 of K1 lost two years ago; 3 more of R1 ordered once, last month."""
    rows = []

    def buy(client: str, manager: str, first: int, last: int, step: int = 30) -> None:
        for day in range(last, first + 1, step):
            at = END - dt.timedelta(days=day)
            rows.append(
                {
                    "order_id": f"{client}-{day}",
                    "order_date": at,
                    "client_id": client,
                    "amount": 1000.0,
                    "manager": manager,
                    "created_by": "O1",
                }
            )

    for manager, n in {"K1": 20, "K2": 10, "S1": 6, "R1": 5, "Z": 4}.items():
        for i in range(n):
            buy(f"{manager}-{i:02d}", manager, 1000, i)
    for i in range(3):
        buy(f"lost-{i}", "K1", 1000, 800)
        buy(f"once-{i}", "R1", 20, 20)
    time = {"K1": "FARM_REPEAT", "K2": "FARM_REPEAT", "S1": "OPS_ORDER", "R1": "HUNT_RELATE", "O1": "OPS_ORDER"}
    q = {
        "company": {"sale_type": sale_type, "touches_per_client_month": 2, "minutes_per_touch": 30, **given},
        "staff": [{"person": p, "role": r} for p, r in STAFF.items()],
        "time": [{"person": p, "function": f, "share": 1.0} for p, f in time.items() if p not in silent],
    }
    return make_case(rows, q)


def test_whose_clients_are_owed_touches_by_pencil() -> None:
    """Handed over after the second purchase: R1 rightly keeps the three that ordered once, not the five. The six of the office
    seller come by themselves. 30 of the managers and 9 of nobody × 2 touches × 30 minutes are 39 hours."""
    work = touch_work(company(handoff_after=2))
    assert work is not None
    assert work.counts == {"clients": 39, "keeper": 30, "nobody": 9, "developer": 3, "office": 6}
    assert work.hours == pytest.approx(39) and work.touches == 2
    assert len(work.clients) == 48 and not work.clients.index.str.startswith("lost").any()
    assert touch_work(company()).counts["nobody"] == 12  # without a rule every client of a developer is due


@pytest.mark.parametrize("given", [{}, {"touches_a": 4, "touches_b": 3, "touches_c": 2, "touches_d": 0.5}])
def test_every_chapter_asks_for_the_same_hours(given: dict[str, float]) -> None:
    """Capacity, portfolio and load name one sum; the table by class adds up to it, and so do the clients."""
    case = company(handoff_after=2, **given)
    work = touch_work(case)
    used = conveyor(case).metrics["model.km_capacity_used"]
    r = roles(case)
    week, plan = r.metrics["roles.portfolio_size"], r.tables["touch_plan"]
    o = ownership(case)
    load = o.metrics["ownership.load"]
    assert used.extra["asked"] == pytest.approx(work.hours)
    assert week.extra["hours_needed"] == pytest.approx(work.hours) == pytest.approx(plan["hours"].sum())
    assert (plan["clients"] * plan["norm"]).sum() * work.norm.minutes / 60 == pytest.approx(work.hours)
    assert load.extra["hours_needed"] == pytest.approx(work.hours)
    assert plan["clients"].sum() == 39 == o.facts["load_clients"] + o.facts["load_shared"]
    for m in (used, week, load):
        assert {k: m.extra[k] for k in work.counts} == work.counts
        assert work.counts["clients"] == work.counts["keeper"] + work.counts["nobody"]
    held = work.clients[work.clients["holder"] == "keeper"].groupby("person")["hours"].sum()
    assert o.tables["load"].set_index("person")["hours_needed"].to_dict() == pytest.approx(held.to_dict())


def test_keepers_whose_hours_are_not_known_are_said() -> None:
    m = ownership(company(silent=("K2",))).metrics["ownership.load"]
    assert m.extra["without_hours"] == 10 and m.extra["keeper"] == 30


def test_office_sellers_keep_clients_only_where_no_client_manager_does() -> None:
    staff = pd.DataFrame({"person": list(STAFF), "family": list(STAFF.values())})
    assert keepers(staff, ("TC",)) == {"K1", "K2"} == keepers(staff, ("TC", "T"))
    assert keepers(staff, ("T",)) == {"K1", "K2", "S1"}
    assert keepers(staff[~staff["family"].isin(["KM", "SOP"])], ("TC",)) == {"R1"}
