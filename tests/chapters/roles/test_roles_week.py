"""A client manager's week, touches by class, the portfolio that follows: by pencil."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from audit.chapters.clients.measure import diagnose as base
from audit.chapters.roles.measure import diagnose
from audit.chapters.roles.week import PARTS, WEEKS_A_MONTH, portfolio, touch_kinds, touch_plan, week_of
from audit.ground.classes import TouchNorm, classes_of
from audit.ground.touches import touch_work
from audit.method import method
from tests.case_builder import make_case
from tests.chapters.client_cases import company, questionnaire


def test_the_week_by_pencil():
    """Two full-time managers: 200 hours on clients, 40 on meetings, 80 operational a month; 60 can be handed over. A week
    is a month ÷ 4.348: 100 ÷ 4.348 = 23 hours on clients each."""
    hours = pd.DataFrame({"group": ["FARM", "KAM", "OVHD", "OPER"], "hours": [150.0, 50.0, 40.0, 80.0]})
    week = week_of(hours, 2.0, 60.0).set_index("part")
    assert week.loc["clients", "now"] == pytest.approx(100 / WEEKS_A_MONTH) == pytest.approx(23.0, abs=0.01)
    assert week.loc["operational"].tolist() == pytest.approx([40 / WEEKS_A_MONTH, 10 / WEEKS_A_MONTH])
    assert week.loc["freed"].tolist() == pytest.approx([0, 30 / WEEKS_A_MONTH])
    assert week["now"].sum() == pytest.approx(week["after"].sum()) == pytest.approx(160 / WEEKS_A_MONTH)
    # nobody can be relieved of more than there is
    assert week_of(hours, 2.0, 500.0).set_index("part").loc["operational", "after"] == pytest.approx(0)


def test_every_group_of_functions_has_its_part_of_the_week():
    assert {g for groups in PARTS.values() for g in groups} == set(method().groups)


def owed(labels: list[str], norm: TouchNorm) -> pd.DataFrame:
    """Clients a, b, c … of these classes with the touches and hours of the norm."""
    label = pd.Series(labels, index=list("abc")[: len(labels)], dtype=object)
    touches = norm.of_each(label)
    return pd.DataFrame({"label": label, "touches": touches, "hours": touches * norm.minutes / 60})


def test_touches_by_class_and_the_portfolio_by_pencil():
    """2 A × 4 and 1 D × 1 touches of 30 minutes: 4 + 0.5 = 4.5 hours a month for 3 clients, 1.5 each. 60 hours of one
    manager are 40 such clients. 6 touches made with the A in 3 months: 1 a month each."""
    plan = touch_plan(
        owed(["A", "A", "D"], TouchNorm({"A": 4.0, "D": 1.0}, None, 30.0)), pd.Series({"a": 5, "b": 1}), 3.0
    )
    assert plan["hours"].tolist() == [4.0, 0.5] and plan["made"].tolist() == [1.0, 0.0]
    assert portfolio(plan, 60.0, 1.0) == pytest.approx(40)


def test_a_client_without_a_class_gets_the_general_norm_or_the_mean_of_those_given():
    general, by_class = TouchNorm({"A": 4.0}, 2.0, 60.0), TouchNorm({"A": 4.0, "D": 1.0}, None, 60.0)
    assert touch_plan(owed(["A", ""], general), None, 1.0)["norm"].tolist() == [4.0, 2.0]
    assert touch_plan(owed(["A", "D", ""], by_class), None, 1.0)["norm"].tolist() == [4.0, 1.0, 2.5]
    assert touch_plan(owed(["", ""], by_class), None, 1.0)["norm"].tolist() == [2.5]  # nobody's class is known


def test_classes_are_those_of_the_client_base_and_the_norm_by_class_moves_the_portfolio():
    """48 clients, 4 managers with 90 % of 160 hours on clients: 144 each. One norm of 2 × 30 minutes: 144 clients now."""
    plain = make_case(company(), questionnaire())
    table = base(plain).tables["clients"].set_index("client_key")["abcd"]
    mine = classes_of(plain)
    assert mine.to_dict() == table.reindex(mine.index).to_dict()
    m = diagnose(plain).metrics["roles.portfolio_size"]
    assert m.extra["now"] == pytest.approx(144) and m.extra["book"] == pytest.approx(12)
    assert m.low is not None and m.high is not None and m.extra["now"] <= m.low <= m.value <= m.high
    by_class = make_case(company(), questionnaire(touches_a=8.0, touches_b=8.0, touches_c=8.0, touches_d=8.0))
    assert diagnose(by_class).metrics["roles.portfolio_size"].extra["now"] == pytest.approx(36)
    work = touch_work(by_class)
    assert work is not None and work.touches == pytest.approx(8)


def test_without_a_norm_the_week_is_drawn_and_the_portfolio_is_not():
    bare = questionnaire()
    bare["company"] = {"sale_type": "TC"}
    result = diagnose(make_case(company(), bare))
    assert len(result.tables["week"]) and result.tables["touch_plan"].empty
    reason = result.metrics["roles.portfolio_size"].reason
    assert reason is not None and "касаний" in reason.ru


def test_touches_made_are_counted_per_client_and_month():
    day = dt.date(2024, 12, 1)
    rows = [
        {"person": "K1", "date": day + dt.timedelta(days=k), "client_id": "c000", "direction": "OUT"} for k in range(20)
    ]
    plan = diagnose(make_case(company(), {**questionnaire(), "touches": rows})).tables["touch_plan"]
    assert (plan["made"] * plan["clients"]).sum() == pytest.approx(20)


def test_kinds_of_touches_are_told_under_one_name_each():
    """Three calls under three names, a letter, a visit; what has no kind is not counted, an unknown name stays."""
    kinds = touch_kinds(pd.Series(["CALL", "Звонок", "телефон", "письмо", "Визит", None, "", "Выставка"], dtype=object))
    assert kinds.to_dict() == pytest.approx({"call": 0.5, "mail": 1 / 6, "meeting": 1 / 6, "Выставка": 1 / 6})
    assert kinds.index[0] == "call" and touch_kinds(pd.Series([None], dtype=object)).empty


def test_the_week_says_how_clients_are_touched():
    """30 touches of the managers, all calls: told with the advice on visits; without the column nothing is said."""
    rows = company()
    q = questionnaire()
    day, client = max(rows["order_date"]), rows["client_id"].iloc[0]
    person = next(s["person"] for s in q["staff"] if s["role"] == "KM")
    touches = [{"person": person, "date": day, "client_id": client, "direction": "OUT", "kind": "Звонок"}] * 30
    with_kind = diagnose(make_case(rows, {**q, "touches": touches})).tables["touch_kinds"]
    assert with_kind.to_dict("records") == [{"kind": "call", "share": 1.0}]
    bare = [{k: v for k, v in t.items() if k != "kind"} for t in touches]
    assert diagnose(make_case(rows, {**q, "touches": bare})).tables["touch_kinds"].empty
