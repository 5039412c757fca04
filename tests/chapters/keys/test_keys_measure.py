"""Key clients on small lists, each share with its arithmetic."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from audit.chapters.keys.measure import diagnose, faults, leads_table, share_metric, to_do
from tests.case_builder import make_case, make_questionnaire

ROLES = {"K1": ["KM"], "K2": ["KM"], "S1": ["SR"], "D1": ["KD"], "X1": ["KM"]}


def keys(*rows: dict[str, Any]) -> pd.DataFrame:
    return make_questionnaire({"key_clients": rows}).table("key_clients")


def key(client: str, lead: str = "K1", **more: Any) -> dict[str, Any]:
    return {"client_id": client, "lead": lead, **more}


def judged(*rows: dict[str, Any], left: tuple[str, ...] = (), **more: Any) -> pd.DataFrame:
    return faults(keys(*rows), ROLES, left, file_min=0.7, centre_min=0.5, **more)


def test_a_file_counts_from_seventy_percent_and_an_empty_cell_says_nothing() -> None:
    t = judged(key("A", file_share=0.69), key("B", file_share=0.70), key("C"))
    assert t["no_file"].tolist() == [True, False, None]


def test_a_buying_centre_needs_a_decision_maker_and_half_of_its_fields() -> None:
    t = judged(
        key("A", decision_maker_known=True, buying_centre_share=0.5),
        key("B", decision_maker_known=True, buying_centre_share=0.4),
        key("C", decision_maker_known=False, buying_centre_share=0.9),
        key("D", decision_maker_known=True),
        key("E"),
    )
    assert t["no_buying_centre"].tolist() == [False, True, True, False, None]


def test_a_plan_of_nothing_is_no_plan_and_one_within_the_year_is_weak() -> None:
    t = judged(
        key("A", plan=True, plan_items=5, plan_horizon_months=18),
        key("B", plan=True, plan_items=0),
        key("C", plan=False),
        key("D", plan=True, plan_items=5, plan_horizon_months=12),
        key("E", plan=True, plan_items=3, plan_horizon_months=24),
        key("F"),
    )
    assert t["no_plan"].tolist() == [False, True, True, False, False, None]
    assert t["weak_plan"].tolist() == [False, None, None, True, True, None]


def test_a_backup_must_be_somebody_else_who_still_works_here() -> None:
    t = judged(key("A", backup="K2"), key("B"), key("C", backup="K1"), key("D", backup="X1"), left=("X1",))
    assert t["no_backup"].tolist() == [False, True, True, True]


def test_an_empty_backup_column_of_a_sheet_nobody_filled_in_says_nothing() -> None:
    assert judged(key("A"), key("B"))["no_backup"].tolist() == [None, None]
    # A sheet that is filled in otherwise means «nobody» by an empty cell: 4 of 6 answers are given.
    said = {"influence": True, "file_share": 0.9, "decision_maker_known": True, "plan": True}
    assert judged(key("A", **said))["no_backup"].tolist() == [True]


def test_pay_discourages_by_a_lower_rate_or_somebody_elses_client_but_not_by_the_conveyor() -> None:
    t = judged(
        key("A", pay_rate="lower", acquired_by="K1"),
        key("B", pay_rate="same", acquired_by="K1"),
        key("C", pay_rate="same", acquired_by="K2"),  # another manager's client
        key("D", pay_rate="same", acquired_by="S1"),  # a developer's, handed over at the same rate
        key("E", acquired_by="S1"),  # handed over, the rate is not said
        key("F", pay_rate="lower", acquired_by="S1"),
        key("G"),
    )
    assert t["disincentive"].tolist() == [True, False, True, False, True, True, None]


def test_shares_leave_room_for_unanswered_cells() -> None:
    # Of five clients three are answered for, one of them bad: 1/3; at least 1/5, at most (1 + 2)/5.
    t = judged(key("A", file_share=0.1), key("B", file_share=0.9), key("C", file_share=0.9), key("D"), key("E"))
    m = share_metric("keys.no_file_share", t.assign(revenue=10.0), "no_file", 3)
    assert (m.value, m.low, m.high) == (pytest.approx(1 / 3), pytest.approx(0.2), pytest.approx(0.6))
    assert m.extra["clients"] == 1 and m.extra["unknown"] == 2 and m.extra["revenue"] == 10.0
    assert share_metric("keys.no_file_share", t.assign(revenue=0.0), "no_file", 4).value is None


def test_a_managers_own_list_counts_only_clients_within_influence() -> None:
    t = judged(
        key("A"), key("B", influence=False), key("C", influence=True), key("D", "D1"), key("E", "X1"), left=("X1",)
    ).assign(revenue=[5.0, 4.0, 3.0, 2.0, 1.0])
    leads = leads_table(t, 1).set_index("lead")
    assert leads.loc["K1", ["clients", "counted", "no_influence", "revenue"]].tolist() == [3, 2, 1, 12.0]
    assert leads["over"].to_dict() == {"K1": True, "D1": False, "X1": False}  # a director and a leaver sell no more


def test_what_to_do_stands_in_its_order() -> None:
    t = judged(
        key("A", file_share=0.1, plan=False, backup="K2"),
        key("B", influence=False, file_share=0.1, backup="K2"),
        key("C", backup="K2", file_share=0.9),
        key("D", "X1", backup="K2"),
        left=("X1",),
    ).assign(revenue=[3.0, 2.0, 1.0, 4.0], full_wallet=False)
    assert to_do(t, 15).tolist() == ["fill_file;write_plan", "off_list", "keep", "name_lead"]
    # With room for one client only the smaller of the two within influence goes.
    assert to_do(t, 1).tolist() == ["fill_file;write_plan", "off_list", "hand_over", "name_lead"]
    # Who buys everything from us is offered new goods; who is beyond influence stays off the list.
    full = t.assign(full_wallet=[False, True, True, False])
    assert to_do(full, 15).tolist() == ["fill_file;write_plan", "off_list", "new_goods", "name_lead"]


STAFF = [{"person": "K1", "role": "KM"}, {"person": "K2", "role": "SKM"}, {"person": "D1", "role": "KD"}]
ORDERS = [
    {"client_id": c, "client": f"Фирма {c}", "order_date": f"2024-0{m}-01", "amount": a}
    for c, a in (("A", 100), ("B", 50), ("Z", 80))
    for m in (1, 5)
]


def test_the_chapter_knows_clients_by_code_or_name_and_names_large_ones_not_listed() -> None:
    rows = [key("A", "K1"), key("Фирма B", "K2"), key("Q", "D1")]
    case = make_case(ORDERS, {"staff": STAFF, "key_clients": rows})
    r = diagnose(case)
    case.close()
    clients = r.tables["clients"].set_index("client_id")
    assert clients["revenue"].to_dict() == {"A": 200.0, "Фирма B": 100.0, "Q": 0.0}
    assert r.facts["unknown_clients"] == 1
    # Listed clients bring 200 and 100, the median is 150; Z with 160 is on nobody's list.
    assert r.tables["not_listed"]["client_key"].tolist() == ["Z"]
    assert r.metrics["keys.most_per_manager"].value == 1 and r.metrics["keys.most_per_manager"].n == 2


def test_without_the_sheet_every_figure_says_what_it_needs() -> None:
    case = make_case(ORDERS)
    r = diagnose(case)
    case.close()
    assert all(m.value is None and m.reason and "«Ключевые клиенты»" in m.reason.ru for m in r.metrics.values())


def test_the_seven_items_of_a_plan_are_seven_answers_and_their_count_stands_in() -> None:
    yes = dict.fromkeys(("plan_aims", "plan_actions", "plan_own_actions", "plan_dates"), True)
    no = dict.fromkeys(("plan_budget", "plan_owner", "plan_agreed"), False)
    t = judged(
        key("A", plan=True, plan_items=1, **yes, **no),  # four of seven by the answers, whatever the count says
        key("B", plan=True, **{**yes, "plan_aims": False}, **no),
        key("C", plan=True, plan_aims=True, plan_budget=False),  # one, and up to six: open
        key("D", **dict.fromkeys([*yes, *no], False)),
        key("E", plan=True, plan_items=3),
        key("F", plan=True, plan_horizon_months=6, plan_aims=True),
    )
    assert t["weak_plan"].tolist() == [False, True, None, None, True, True]
    assert t["no_plan"].tolist() == [False, False, False, True, False, False]
    assert t["plan_lacks"].tolist()[:3] == [
        "plan_budget;plan_owner;plan_agreed",
        "plan_aims;plan_budget;plan_owner;plan_agreed",
        "plan_budget",
    ]
    rows = [key("A", plan=True, **yes, **no), key("B", plan=True, plan_budget=False), key("C", plan=False)]
    case = make_case(ORDERS, {"staff": STAFF, "key_clients": rows})
    r = diagnose(case)
    case.close()
    assert r.tables["plan"].iloc[0].to_dict() == {"item": "plan_budget", "n": 2, "lacking": 2}
    assert r.tables["plan"].set_index("item")["n"]["plan_aims"] == 1


def test_hours_per_key_client_and_who_serves_them_by_the_orders() -> None:
    # K1 says half of 160 hours goes to key accounts, two clients on the list, the director's counted too: 80 ÷ 3.
    time = [
        {"person": "K1", "function": "KAM_PLAN", "share": 0.5},
        {"person": "K1", "function": "FARM_REPEAT", "share": 0.5},
    ]
    orders = [{**o, "manager": {"A": "K1", "B": "K2", "Z": "D1"}[o["client_id"]]} for o in ORDERS]
    rows = [key("A", "K1"), key("B", "K1"), key("Z", "D1")]
    case = make_case(orders, {"staff": STAFF, "time": time, "key_clients": rows})
    r = diagnose(case)
    case.close()
    m = r.metrics["keys.hours_per_client"]
    assert (m.value, m.n, m.extra["people"]) == (pytest.approx(80 / 3), 3, 1)
    assert r.tables["leads"].set_index("lead")["hours_per_client"]["K1"] == 40
    # B's orders are taken by K2; Z's by the director, who is no seller: nothing is known there.
    clients = r.tables["clients"].set_index("client_id")
    assert clients["differs"].to_dict() == {"A": False, "B": True, "Z": False}
    assert clients["seller"].to_dict() == {"A": "K1", "B": "K2", "Z": None} or pd.isna(clients["seller"]["Z"])
    assert (r.facts["differs"], r.facts["sellers_known"]) == (1, 2)
