"""A company that sells in two types: figures part by part, no verdict on the mixture, one type as before."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from audit.chapters.conveyor.measure import diagnose
from audit.chapters.conveyor.parts import interval_fits
from audit.chapters.conveyor.verdicts import judge
from audit.chapters.retention.measure import diagnose as retention
from audit.chapters.retention.verdicts import judge as judge_retention
from audit.ground.parts import largest, once_parts, part_of_row, second_purchase_out, share_of_days, whole_parts
from audit.ground.path import path_of
from audit.present.format import Fmt
from audit.present.narrative import Narrative
from tests.case_builder import make_case

START = dt.date(2022, 1, 1)
PEOPLE = [
    {"person": "T1", "role": "TM"},
    {"person": "R1", "role": "SR"},
    {"person": "K1", "role": "KM"},
    {"person": "K2", "role": "KM"},
    {"person": "O1", "role": "OP"},
    {"person": "S1", "role": "SUP"},
    {"person": "B1", "role": "BO"},
]
OWN = {
    "T1": "LEAD_QUAL",
    "R1": "HUNT_RELATE",
    "K1": "FARM_REPEAT",
    "K2": "FARM_REPEAT",
    "O1": "OPS_ORDER",
    "S1": "SOL_CONSULT",
    "B1": "OPS_DOCS",
}


def lines(retail: float = 400.0) -> list[dict[str, Any]]:
    """60 wholesale clients order 1 000 every 40 days with K1, 40 of retail every 10 days with K2; 30 wholesale and 30 retail
    clients are new in 2024: each of the former buys again after 40 days, one in three of the latter after 10."""
    rows: list[dict[str, Any]] = []

    def buy(client: str, day: dt.date, amount: float, segment: str, manager: str) -> None:
        rows.append(
            {
                "order_id": f"{client}-{day}",
                "order_date": day,
                "client_id": client,
                "amount": amount,
                "segment": segment,
                "manager": manager,
            }
        )

    for k in range(0, 1460, 40):
        for i in range(60):
            buy(f"w{i}", START + dt.timedelta(days=min(k + i % 40, 1459)), 1000.0, "опт", "K1")
    for k in range(0, 1460, 10):
        for i in range(40):
            buy(f"r{i}", START + dt.timedelta(days=min(k + i % 10, 1459)), retail, "розница", "K2")
    for i in range(30):
        day = dt.date(2024, 3, 1) + dt.timedelta(days=i)
        buy(f"nw{i}", day, 1000.0, "опт", "K1")
        buy(f"nw{i}", day + dt.timedelta(days=40), 1000.0, "опт", "K1")
        buy(f"nr{i}", day, retail, "розница", "K2")
        if i % 3 == 0:
            buy(f"nr{i}", day + dt.timedelta(days=10), retail, "розница", "K2")
    return rows


def case(*, parts: bool = True, retail: float = 400.0, **company: Any) -> Any:
    time = [{"person": p, "function": f, "share": 1.0} for p, f in OWN.items()]
    q: dict[str, Any] = {"company": {"sale_type": "TC", **company}, "staff": PEOPLE, "time": time}
    if parts:
        q["sale_types"] = [{"dimension": "segment", "value": "розница", "sale_type": "T"}]
    return make_case(lines(retail), q)


@pytest.fixture(scope="module")
def two() -> tuple[Any, Any]:
    made = case(retail=80.0)
    return made, diagnose(made)


def test_figures_by_part_by_pencil(two):
    """Retail sells 40 clients × 36.5 orders × 80 against wholesale's 60 × 9.1 × 1 000 a year: about 18 % of revenue."""
    rows = two[1].tables["parts"].set_index("sale_type")
    assert list(rows.index) == ["TC", "T"]
    assert rows["revenue_share"].sum() == pytest.approx(1)
    assert rows.loc["T", "revenue_share"] == pytest.approx(0.18, abs=0.02)
    assert rows.loc["TC", "interval_days"] == 40 and rows.loc["T", "interval_days"] == 10
    assert rows["interval_fits"].tolist() == [True, True]
    assert rows["clients"].tolist() == [60, 40]
    assert rows["new_clients"].tolist() == [30, 30]
    assert rows.loc["TC", "second"] == 1.0 and rows.loc["T", "second"] == pytest.approx(1 / 3)
    assert rows.loc["T", "values"] == ["розница"]


def test_hours_go_to_the_part_that_a_person_serves_and_are_judged_by_its_norm(two):
    """K2 serves retail alone: in T a client manager's repeat sales belong to the office seller. K1 serves wholesale. Of whom
    the other five work for the orders do not tell: their work would be foreign only if it were so in both types."""
    rows = two[1].tables["parts"].set_index("sale_type")
    whole = whole_parts(two[0])
    assert rows.loc["TC", "foreign_share"] == 0
    assert rows.loc["T", "foreign_share"] == pytest.approx(1 / (1 + 5 * whole["T"]))
    assert rows.loc["T", "missing"] == ["SOP"] and rows.loc["TC", "missing"] == []


def test_a_part_without_its_station_is_watched_as_a_part_and_the_company_lacks_none(two):
    findings = {f.id: f for f in judge(*two)}
    f = findings["model.missing_role"]
    assert f.status == "watch" and f.severity == "minor" and f.actions == ()
    assert [(s["station"], s["part"]["type"]) for s in f.facts["stations"]] == [("SOP", "T")]
    assert two[1].metrics["model.station_fte"].extra["empty"] == []
    assert findings["model.type_mismatch"].status == "not_assessed"
    assert "нескольких типах" in findings["model.type_mismatch"].reason.ru


def test_one_type_is_judged_as_before():
    """Without the sheet, and with every part of the one type, nothing differs to the last digit."""
    plain, same = case(parts=False), case(parts=False)
    q = same.questionnaire
    with_sheet = make_case(
        lines(),
        {
            "company": dict(q.company),
            "staff": PEOPLE,
            "time": [{"person": p, "function": f, "share": 1.0} for p, f in OWN.items()],
            "sale_types": [{"dimension": "segment", "value": "розница", "sale_type": "TC"}],
        },
    )
    one, other = diagnose(plain), diagnose(with_sheet)
    assert {k: (m.value, m.low, m.high, m.n) for k, m in one.metrics.items()} == {
        k: (m.value, m.low, m.high, m.n) for k, m in other.metrics.items()
    }
    assert one.tables["parts"].empty and other.tables["parts"].empty
    assert [(f.id, f.status) for f in judge(plain, one)] == [(f.id, f.status) for f in judge(with_sheet, other)]


def test_the_leading_type_is_judged_in_full():
    """With retail the larger part its missing office seller is found, and the client managers of the rest are at most watched."""
    made = case(retail=4000.0)
    result = diagnose(made)
    assert list(result.tables["parts"]["sale_type"]) == ["T", "TC"]
    f = next(f for f in judge(made, result) if f.id == "model.missing_role")
    assert f.status == "found" and f.facts["empty"] == ["SOP"]


def test_rules_weights_and_largest_parts_by_pencil():
    rules = {("segment", "розница"): "T", ("sku_group", "проект"): "S"}
    assert part_of_row("Розница ", None, rules, "TC") == "T"
    assert part_of_row("розница", "Проект", rules, "TC") == "S"
    assert part_of_row("опт", None, rules, "TC") == "TC"
    days = pd.DataFrame([("a", "T", 3), ("a", "TC", 1), ("b", "TC", 4)], columns=["manager", "part", "days"])
    w = share_of_days(days, ["TC", "T"], least=4)
    assert w == {"a": {"TC": 0.25, "T": 0.75}, "b": {"TC": 1.0}}
    assert share_of_days(days, ["TC", "T"], least=5) == {}
    money = pd.DataFrame([("x", "T", 5.0), ("x", "TC", 5.0), ("y", "T", 1.0), ("z", "T", -1.0)])
    money.columns = ["client_key", "part", "revenue"]
    assert largest(money, "revenue", ["TC", "T"]).to_dict() == {"x": "TC", "y": "T"}


@pytest.mark.parametrize(
    ("kind", "days", "fits"),
    [
        ("T", 10, True),
        ("T", 45, False),
        ("TC", 45, True),
        ("TC", 90, False),
        ("C", 10, True),
        ("S", 400, True),
        ("T", None, None),
    ],
)
def test_the_interval_of_a_part(kind, days, fits):
    assert interval_fits(kind, days, 31.0, 61.0) is fits


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_words_name_the_part_and_never_the_company(two, lang):
    f = next(f for f in judge(*two) if f.id == "model.missing_role")
    fmt = Fmt(lang, "RUB")
    title, text = Narrative(lang, fmt, {"company": "Проба", "window": two[0].window}).finding(f, two[1])
    assert ("части продаж" in title) if lang == "ru" else ("Part of the sales" in title)
    assert "розница" in text and fmt.share(f.facts["stations"][0]["part"]["share"]) in text


def test_a_good_share_of_the_mixture_is_no_verdict_where_one_part_misses_the_norm():
    """Sixty wholesale clients are new besides and come back: 100 of 120 do, but of retail's thirty one in three."""
    more = [
        {
            "order_id": f"x{i}-{k}",
            "order_date": dt.date(2024, 3, 1) + dt.timedelta(days=i + 40 * k),
            "client_id": f"x{i}",
            "amount": 1000.0,
            "segment": "опт",
            "manager": "K1",
        }
        for i in range(60)
        for k in range(2)
    ]
    q: dict[str, Any] = {"company": {"sale_type": "TC"}, "staff": PEOPLE}
    for sheet, status in (([], "clear"), ([{"dimension": "segment", "value": "розница", "sale_type": "T"}], "unclear")):
        made = make_case([*lines(80.0), *more], {**q, "sale_types": sheet} if sheet else q)
        result = retention(made)
        f = next(f for f in judge_retention(made, result) if f.id == "retention.leaky_first_purchase")
        assert f.status == status
    assert "транзакционные" in f.doubt.ru and "33" in f.doubt.ru
    by = result.tables["second_by"]
    assert by[by["split"] == "sale_type"].set_index("label")["n"].to_dict() == {"T": 30, "TC": 90}


def strategic() -> Any:
    """As `case`, but retail is sold strategically: nine in ten of its clients buy once, and 30 more of them are new in 2024."""
    rows = [r for r in lines() if not r["client_id"].startswith(("r", "nr"))]
    for i in range(30):
        rows.append(
            {"order_id": f"s{i}", "order_date": dt.date(2022, 2, 1) + dt.timedelta(days=20 * i), "client_id": f"s{i}"}
        )
        rows.append(
            {"order_id": f"n{i}", "order_date": dt.date(2024, 3, 1) + dt.timedelta(days=20 * i), "client_id": f"n{i}"}
        )
    for r in rows:
        if "amount" not in r:
            r.update(amount=150_000.0, segment="заводы", manager="R1")
    time = [{"person": p, "function": f, "share": 1.0} for p, f in OWN.items()]
    q: dict[str, Any] = {
        "company": {"sale_type": "TC", "touches_per_client_month": 2, "minutes_per_touch": 30},
        "staff": PEOPLE,
        "time": time,
        "sale_types": [{"dimension": "segment", "value": "заводы", "sale_type": "S"}],
    }
    return make_case(rows, q)


@pytest.fixture(scope="module")
def with_strategic() -> tuple[Any, Any]:
    made = strategic()
    return made, retention(made)


def test_a_part_where_a_client_buys_once_is_out_of_the_second_purchase(with_strategic):
    """All 30 new wholesale clients come back, none of the strategic ones is expected to: 100 %, not 50 %; nobody of them is on
    the list of those to win back, nor on the path; their row stays in the table by type of sale."""
    made, result = with_strategic
    assert result.facts["left_out"] == ["S"]
    m = result.metrics
    assert m["retention.second_purchase_share"].value == 1.0 and m["retention.second_purchase_share"].n == 30
    assert m["retention.second_purchase_new"].value == 1.0
    assert result.tables["once"].empty and path_of(made).new == 30
    by = result.tables["second_by"]
    assert set(by.loc[by["split"] == "sale_type", "label"]) == {"TC", "S"}
    f = next(f for f in judge_retention(made, result) if f.id == "retention.leaky_first_purchase")
    assert f.status == "clear"
    assert f.facts["left_out"]["new"] == result.facts["left_out_new"] > 20
    for lang, word in (("ru", "один раз"), ("en", "buy once")):
        text = Narrative(lang, Fmt(lang), {"company": "Проба", "window": made.window}).finding(f, result)[1]
        assert word in text and "None" not in text


def test_projects_are_left_out_only_where_the_orders_bear_it_out():
    """Retail declared as projects sold consultatively: its clients order every ten days, so they count."""
    made = make_case(
        lines(),
        {
            "company": {"sale_type": "TC", "project_sales": True},
            "staff": PEOPLE,
            "sale_types": [{"dimension": "segment", "value": "розница", "sale_type": "C"}],
        },
    )
    assert once_parts(made) == () and second_purchase_out(made) == frozenset()


def test_the_touch_norm_asks_nothing_for_clients_of_a_part_without_client_managers(two):
    """Of 100 clients 40 are retail's, kept by office sellers: the norm asks the client managers for 60 × 2 × 30 minutes."""
    made = case(retail=80.0, touches_per_client_month=2, minutes_per_touch=30)
    m = diagnose(made).metrics["model.km_capacity_used"]
    assert m.extra["clients"] == 60 and m.extra["asked"] == pytest.approx(60.0)
    posts = diagnose(case(retail=80.0, parts=False, touches_per_client_month=2, minutes_per_touch=30))
    assert posts.metrics["model.km_capacity_used"].extra["clients"] == 100
