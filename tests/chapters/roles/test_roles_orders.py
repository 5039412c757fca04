"""Hunters and farmers in the orders, mirror, costs, key clients of first persons, titles, privacy, missing parts."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from audit.chapters.roles.entry import entry_share
from audit.chapters.roles.figures import first_person_keys
from audit.chapters.roles.hunting import hunting_table
from audit.chapters.roles.measure import diagnose
from audit.chapters.roles.money import foreign_cost, mirror
from audit.ground.people import labels, small_roles
from audit.stats.shares import clustered_share
from tests.case_builder import make_case
from tests.roles_tables import case_of, hours_of, orders, staff

PEOPLE = staff("K1 KM", "R1 SR", "O1 OP")


def buys(client, manager, *days, group="A", **more):
    return [
        {
            "order_id": f"{client}-{d}",
            "order_date": d,
            "client_id": client,
            "amount": 10.0,
            "manager": manager,
            "sku_group": group,
            **more,
        }
        for d in days
    ]


HISTORY = buys("old", "K1", "2022-12-31", "2023-03-31", "2023-06-30", "2023-09-30", "2024-01-31", "2024-06-30")
END = buys("end", "K1", "2023-01-15", "2025-12-31")


def test_kinds_of_purchases_by_hand():
    """new1: first bought 2025-02, four purchases of the developer: three are new, the fourth repeats (k = 3).

    back: silent from 2024-06 to 2025-05, more than four of its usual gaps: reactivated. range: a category never
    bought before, a year into the window: new range. old: an ordinary repeat.
    """
    lines = [
        *HISTORY,
        *END,
        *buys("new1", "R1", "2025-02-01", "2025-03-01", "2025-04-01", "2025-05-01"),
        *buys("back", "R1", "2023-02-01", "2023-03-01", "2023-04-01", "2023-05-01", "2023-06-01"),
        *buys("back", "R1", "2025-05-15"),
        *buys("range", "R1", "2024-10-01", "2024-12-01", "2025-01-15"),
        *buys("range", "R1", "2025-02-15", group="B"),
        *buys("old", "R1", "2025-01-10"),
    ]
    table = diagnose(case_of(PEOPLE, lines=lines)).tables["hunting"].set_index("person")
    # range: 2025-01-15 is its third purchase of a client first seen in October 2024: new, as is everything up to k.
    assert table.loc["R1", ["new", "reactivated", "range", "repeat"]].tolist() == [4, 1, 1, 2]
    assert "K1" not in table.index  # the second order of a client met in the burn-in may be anything
    assert table.loc["R1", "hunt_share"] == pytest.approx(4 / 8)
    assert table.loc["R1", "expected"] == pytest.approx(4 / 8)
    # Its clients new1 3 of 4, range 1 of 2, back and old 0 of 1 each: worth fewer cases than the eight days.
    e = clustered_share([3, 1, 0, 0], [4, 2, 1, 1])
    assert table.loc["R1", ["low", "high"]].tolist() == pytest.approx([e.low, e.high])
    for change, column, days in (
        ({"roles.reactivation_min_days": 800}, "reactivated", 0),
        ({"roles.reactivation_gap_multiple": 40}, "reactivated", 0),
        ({"roles.handoff_default": 4}, "new", 6),  # the fourth of new1, and range's 2025-02-15, its fourth
    ):
        t = diagnose(case_of(PEOPLE, lines=lines, thresholds=change)).tables["hunting"].set_index("person")
        assert t.loc["R1", column] == days, change


def test_handoff_number_comes_from_company_then_rule_and_is_never_below_three_in_tc():
    lines = [*HISTORY, *END, *buys("n", "R1", *(f"2025-{m:02d}-01" for m in range(2, 10)))]

    def new(**more):
        table = diagnose(case_of(PEOPLE, lines=lines, **more)).tables["hunting"].set_index("person")
        return int(table.loc["R1", "new"])

    assert new() == 3
    assert new(company={"handoff_after": 5}) == 5
    assert new(company={"handoff_after": 1}) == 3
    assert new(company={"handoff_after": 1}, sale_type="C") == 1
    assert new(handoffs=[{"from_role": "SR", "to_role": "KM", "trigger": "TRG_N_SALES", "k": 4}]) == 4


def test_developers_days_beyond_the_hand_off_need_twenty_days():
    """24 order days of one client won by R1: three new, twenty-one beyond: 0.875. Nineteen days say nothing."""
    days = [(dt.date(2025, 1, 10) + dt.timedelta(days=14 * i)).isoformat() for i in range(24)]
    lines = [*HISTORY, *END, *buys("n", "R1", *days)]
    m = diagnose(case_of(PEOPLE, lines=lines)).metrics
    assert m["roles.developer_beyond_handoff"].value == pytest.approx(21 / 24)
    assert m["roles.hunt_share"].value == pytest.approx(3 / 24)
    few = diagnose(case_of(PEOPLE, lines=[*HISTORY, *END, *buys("n", "R1", *days[:19])])).metrics
    assert few["roles.developer_beyond_handoff"].value is None
    lower = case_of(PEOPLE, lines=[*HISTORY, *END, *buys("n", "R1", *days[:19])], thresholds={"general.min_units": 19})
    assert diagnose(lower).metrics["roles.developer_beyond_handoff"].value == pytest.approx(16 / 19)
    strategic = diagnose(case_of(PEOPLE, lines=lines, sale_type="S")).metrics["roles.developer_beyond_handoff"]
    assert strategic.value is None and "не чужая" in strategic.reason.ru


def test_hunting_table_without_rows_is_empty():
    empty = pd.DataFrame(
        {**dict.fromkeys(("manager", "client_key", "kind"), pd.Series(dtype=object)), "days": pd.Series(dtype="int64")}
    )
    assert hunting_table(empty, {}, 20).empty


# --- money


def test_foreign_cost_by_hand():
    """K1: 100 000 a month ÷ 160 h = 625 an hour × 40 foreign hours × 12 = 300 000; K2's is unknown: half."""
    foreign = pd.DataFrame({"person": ["K1", "K2"], "foreign_hours": [40.0, 40.0]})
    assert foreign_cost(foreign, {"K1": 625.0}) == pytest.approx((300_000.0, 0.5))
    assert foreign_cost(foreign.iloc[:0], {}) == (0.0, 1.0)


def test_cost_in_the_chapter_counts_the_persons_own_hours():
    people = staff("K1 KM", "O1 OP", K1={"fte": 0.5, "cost_month": 60000}, O1={"cost_month": 50000})
    answers = {"K1": {"OPS_ORDER": 0.5, "FARM_REPEAT": 0.5}, "O1": {"OPS_ORDER": 1.0}}
    # 80 h a month, 40 of them foreign: half of 60 000 × 12
    assert diagnose(case_of(people, answers)).metrics["roles.foreign_cost"].value == pytest.approx(360_000)
    people[0].pop("cost_month")
    assert diagnose(case_of(people, answers)).metrics["roles.foreign_cost"].value is None


def test_mirror_by_hand():
    """Winning 96 + 32 = 128 h, keeping 64 + 128 = 192 h: 0.4. Payroll 96·10 + 32·20. Revenue of new ones 30 of 120."""
    answers = {"R1": {"HUNT_SELL": 0.6, "FARM_REPEAT": 0.4}, "K1": {"LEAD_QUAL": 0.2, "FARM_REPEAT": 0.8}}
    hours, _, _ = hours_of(staff("R1 SR", "K1 KM"), answers)
    turnover = pd.DataFrame({"is_new": [0, 1], "clients": [9, 3], "revenue": [90.0, 30.0], "margin": [None, None]})
    m = mirror(hours, {"R1": 10.0, "K1": 20.0}, turnover)
    assert m is not None
    assert m.hours_share == pytest.approx(128 / 320)
    assert m.payroll_share == pytest.approx((96 * 10 + 32 * 20) / (160 * 10 + 160 * 20))
    assert (m.revenue_share, m.margin_share, m.new_clients) == (0.25, None, 3)
    assert mirror(hours, {"R1": 10.0}, turnover).payroll_share is None
    assert mirror(hours[hours["group"] == "OPER"], {}, turnover) is None


# --- first persons and key clients


def keys(*rows):
    return pd.DataFrame(rows, columns=["client_id", "lead"])


MONEY = pd.DataFrame(
    {
        "client_id": list("abcdef"),
        "client_key": list("abcdef"),
        "segment": [None] * 5 + ["VIP"],
        "revenue": [10.0, 20.0, 30.0, 40.0, 0.0, 100.0],
    }
)
ROLES = {"G1": ["GD", None], "D1": ["KD", "KAM"], "K1": ["KM", None]}


def test_share_of_key_revenue_led_by_first_persons():
    """a (10) and d (40) are the CEO's, b (20) a director's who is also КАМ, c (30) a manager's: 50 of 100."""
    m, table = first_person_keys(
        keys(("a", "G1"), ("b", "D1"), ("c", "K1"), ("d", "G1"), ("e", "G1"), ("x", "G1")), MONEY, ROLES
    )
    assert (m.value, m.n, m.extra["led"]) == (pytest.approx(0.5), 4, 2)
    assert list(table["client_key"]) == ["a", "b", "c", "d"]
    # d is 40 % of the figure: without it 10 of 60
    assert m.extra["without_value"] == pytest.approx(10 / 60)


def test_strategic_segments_are_led_by_right():
    m, _ = first_person_keys(keys(("f", "G1"), ("c", "K1")), MONEY, ROLES, strategic={"VIP"})
    assert m.value == 0.0
    m, _ = first_person_keys(keys(("f", "G1"), ("c", "K1")), MONEY, ROLES)
    assert m.value == pytest.approx(100 / 130)
    assert first_person_keys(keys(("e", "G1")), MONEY, ROLES)[0].value is None


# --- titles, privacy, missing parts


def test_bare_sales_managers_without_a_role():
    people = staff(
        "M1",
        "M2",
        "M3",
        "M4 KM",
        M1={"title": "Менеджер по продажам"},
        M3={"title": "Водитель"},
        M4={"title": "Менеджер по продажам"},
    )
    m = diagnose(case_of(people, {"M4": {"FARM_REPEAT": 1.0}})).metrics["roles.ambiguous_titles"]
    assert (m.value, m.extra["without_role"], m.n) == (2.0, 3, 4)


def test_people_are_shown_by_code_and_names_only_when_asked_for():
    people = staff("K1 KM", "Иванов KM", "P3 SR", K1={"name": "Сидоров С.С."}, Иванов={"name": "Иванов И.И."})
    case = case_of(people, {"K1": {"FARM_REPEAT": 1.0}})
    assert dict(labels(case, ["Чужой", "SYS", "Аноним"])) == {
        "K1": "K1",
        "Иванов": "КМ-1",
        "P3": "P3",
        "Аноним": "вне списка 1",
        "Чужой": "вне списка 2",
    }
    shown = case_of(people, {"K1": {"FARM_REPEAT": 1.0}}, report={"names": True})
    assert labels(shown)["K1"] == "Сидоров С.С."
    english = case_of(people, {"K1": {"FARM_REPEAT": 1.0}}, report={"lang": "en"})
    assert labels(english, ["Чужой"])["Чужой"] == "not listed 1"


def test_roles_of_one_or_two_people_are_named():
    case = case_of(staff("K1 KM", "K2 SKM", "K3 KAM", "R1 SR", "O1 OP", "O2 OP"), {"K1": {"FARM_REPEAT": 1.0}})
    result = diagnose(case)
    assert result.facts["small_roles"] == ["SR", "OP"]
    assert small_roles(pd.DataFrame({"family": ["KM", "KM"]})) == ("KM",)


def test_without_a_questionnaire_every_figure_names_what_is_missing():
    result = diagnose(case_of(None))
    for m in result.metrics.values():
        assert m.value is None
        assert m.reason is not None and m.reason.ru and m.reason.en, m.id
    assert "«Сотрудники», «Время»" in result.metrics["roles.foreign_share"].reason.ru
    assert "“Staff”, “Time”" in result.metrics["roles.foreign_share"].reason.en
    assert "«Фотография дня»" in result.metrics["roles.switching"].reason.ru


def test_group_answers_alone_refuse_foreign_share_and_the_limit_is_a_threshold():
    people, answers = staff("K1 KM", "O1 OP"), {"K1": {"OPER": 0.6, "FARM": 0.4}, "O1": {"OPS_ORDER": 1.0}}
    result = diagnose(case_of(people, answers))
    assert result.metrics["roles.foreign_share"].value is None
    assert result.metrics["roles.km_operational_share"].value == pytest.approx(0.6)
    assert result.facts["function_known_share"] == pytest.approx(0.5)
    lower = diagnose(case_of(people, answers, thresholds={"roles.function_known_min_share": 0.5}))
    assert lower.metrics["roles.foreign_share"].value == 0.0


def test_parts_of_the_business_with_types_of_their_own():
    """80 % of revenue in segment «Опт» sold in T, 20 % in TC: office sellers farm by right. A crumb counts not."""
    lines = [{**o, "segment": "Опт", "amount": 80.0 if i else 1.0} for i, o in enumerate(orders(20, manager="S1"))] + [
        {**o, "segment": "Проекты", "amount": 20.0, "order_id": f"p{i}"} for i, o in enumerate(orders(20, manager="S1"))
    ]
    people, answers = staff("S1 SOP"), {"S1": {"FARM_REPEAT": 1.0}}
    parts = [{"dimension": "segment", "value": "Опт", "sale_type": "T"}]
    result = diagnose(case_of(people, answers, lines=lines, sale_types=parts))
    assert result.facts["types"] == ["T", "TC"]
    assert result.metrics["roles.foreign_share"].value == 0.0
    assert diagnose(case_of(people, answers, lines=lines)).metrics["roles.foreign_share"].value == 1.0
    strict = case_of(people, answers, lines=lines, sale_types=parts, thresholds={"model.type_min_revenue_share": 0.9})
    assert diagnose(strict).facts["types"] == ["TC"]


def test_one_client_one_order_and_no_manager_do_not_break_the_chapter():
    one = make_case([{"order_id": "1", "order_date": "2025-01-01", "client_id": "a", "amount": 1.0}])
    assert diagnose(one).metrics["roles.entry_by_manager"].value is None


def test_entry_share_counts_only_what_people_typed() -> None:
    rows = pd.DataFrame(
        [
            ("K1", "K1", 30),  # typed by the manager
            ("OP1", "K1", 10),  # by the clerk: 30 of 40
            ("SYS", "K1", 60),  # by nobody: not counted
            ("OP1", "K2", 25),  # 0 of 25
            ("K3", "K3", 5),  # too few to judge
            (None, "K1", 7),  # author unknown
        ],
        columns=["created_by", "manager", "orders"],
    )
    found = entry_share(rows, min_orders=20, level=0.95)
    assert found[["person", "typed", "own", "share"]].to_numpy().tolist() == [["K1", 40, 30, 0.75], ["K2", 25, 0, 0.0]]
    low, high = proportion_confint(30, 40, method="wilson")
    assert (found.loc[0, "low"], found.loc[0, "high"]) == pytest.approx((low, high))
