"""Whose norm judges a person in a company that sells in several types: that of the clients served."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from audit.chapters import diagnose_chapter
from audit.chapters.conveyor.measure import diagnose as conveyor
from audit.chapters.conveyor.organisation import matrix_of
from audit.chapters.conveyor.parts import part_hours
from audit.chapters.roles.measure import diagnose as roles
from audit.ground.answers import read_answers
from audit.ground.hours import group_hours, sum_mixing
from audit.ground.parts import served_parts, whole_parts
from tests.case_builder import make_case

ROLES = {"K1": "KM", "K2": "KM", "K3": "KM", "K4": "KM", "S1": "SOP", "R1": "SR", "O1": "OP", "B1": "BO", "U1": "SUP"}
TIME = {
    **{k: {"FARM_REPEAT": 0.5, "OPS_ORDER": 0.3, "OPS_CRM": 0.2} for k in ("K1", "K2", "K3", "K4")},
    "S1": {"OPS_ORDER": 0.6, "FARM_REPEAT": 0.4},
    "R1": {"HUNT_RELATE": 1.0},
    "O1": {"OPS_ORDER": 1.0},
    "B1": {"OPS_DOCS": 1.0},
    "U1": {"SOL_CONSULT": 1.0},
}
TYPES = [
    {"dimension": "segment", "value": "розница", "sale_type": "T"},
    {"dimension": "segment", "value": "проект", "sale_type": "C"},
]
KM_HOURS = 160.0


def company(types: list[dict[str, str]] = TYPES, managers: bool = True, **time: dict[str, float]) -> Any:
    """Wholesale (TC) with K1, retail (T) with S1 and K2, projects (C) with K3; K4 serves 24 order days of wholesale and 8 of
    retail; K5, of the orders alone, 4 days. All in the last year, 4 000 a day."""
    rows: list[dict[str, Any]] = []

    def buy(client: str, n: int, segment: str, manager: str) -> None:
        for k in range(n):
            day = dt.date(2024, 1, 10) + dt.timedelta(days=(340 // n) * k)
            rows.append(
                {
                    "order_id": f"{client}-{k}",
                    "order_date": day,
                    "client_id": client,
                    "amount": 4000.0,
                    "segment": segment,
                    **({"manager": manager} if managers else {}),
                }
            )

    for i in range(10):
        buy(f"w{i}", 10, "опт", "K1")
        buy(f"r{i}", 10, "розница", "S1" if i < 5 else "K2")
        buy(f"p{i}", 4, "проект", "K3")
    for i in range(3):
        buy(f"x{i}", 8, "опт", "K4")
    buy("y", 8, "розница", "K4")
    buy("z", 4, "опт", "K5")
    q: dict[str, Any] = {
        "company": {"sale_type": "TC"},
        "staff": [{"person": p, "role": r} for p, r in ROLES.items()],
        "time": [{"person": p, "function": f, "share": s} for p, fs in {**TIME, **time}.items() for f, s in fs.items()],
    }
    if types:
        q["sale_types"] = types
    return make_case(rows, q)


@pytest.fixture(scope="module")
def three() -> Any:
    return company()


def test_the_orders_tell_whom_each_person_serves(three):
    """K4: 24 of 32 order days in wholesale; four days of K5 tell nothing, nor does the clerk appear in the orders."""
    assert served_parts(three) == {
        "K1": {"TC": 1.0},
        "K2": {"T": 1.0},
        "S1": {"T": 1.0},
        "K3": {"C": 1.0},
        "K4": {"TC": 0.75, "T": 0.25},
    }


def test_each_is_judged_by_the_norm_of_the_clients_served(three):
    """Half of a client manager's time is repeat sales: own in wholesale and projects, the office seller's in retail, and for K4
    foreign by a quarter. Order entry is foreign to a client manager everywhere, and the office seller's own in retail."""
    answers = read_answers(three)
    rows = answers.hours.set_index(["person", "function"])

    def foreign(person: str, function: str) -> float:
        mine = rows.loc[[(person, function)]]
        assert answers.foreign_part(person, function) == pytest.approx(
            mine.loc[mine["kind"] == "foreign", "hours"].sum() / mine["hours"].sum()
        )
        return float(mine.loc[mine["kind"] == "foreign", "hours"].sum())

    assert [foreign(p, "FARM_REPEAT") for p in ("K1", "K2", "K3", "K4")] == [0, 80, 0, 20]
    assert [foreign(p, "OPS_ORDER") for p in ("K1", "K2", "K3", "K4")] == [48, 48, 48, 48]
    assert foreign("S1", "OPS_ORDER") == 0 and foreign("S1", "FARM_REPEAT") == 0
    assert foreign("O1", "OPS_ORDER") == 0  # whom the clerk works for is not known: own in one type is enough
    owners = answers.hours[(answers.hours["person"] == "K4") & (answers.hours["function"] == "OPS_ORDER")]
    assert owners.set_index("part")["owner"].to_dict() == {"TC": "OP", "T": "SOP"}


def test_the_parts_sum_to_the_company(three):
    answers, whole = read_answers(three), whole_parts(three)
    parts = [sum_mixing(part_hours(answers.hours, t, float(whole[t])), []).iloc[0] for t in answers.norm.types]
    company_ = sum_mixing(answers.hours, []).iloc[0]
    for column in ("hours", "known_hours", "foreign_hours"):
        assert sum(p[column] for p in parts) == pytest.approx(company_[column])
    assert company_["hours"] == pytest.approx(9 * KM_HOURS) and whole.sum() == pytest.approx(1)


def test_the_table_by_part_sums_to_the_company(three):
    result = conveyor(three)
    rows = result.tables["parts"]
    assert rows["revenue_share"].sum() == pytest.approx(1)
    assert rows["clients"].sum() == result.metrics["model.active_clients"].value == 35
    assert set(rows["sale_type"]) == {"TC", "T", "C"}
    asked = result.metrics["model.km_capacity_used"]
    assert asked.value is None  # no touch norm was given, and the sentence says so
    assert asked.reason is not None and "нормы касаний" in asked.reason.ru


def test_the_conveyor_of_each_part_sums_to_the_posts_of_the_company(three):
    """K4 is three quarters in wholesale; K1 whole. The clerk, unseen, is divided as all order days are."""
    rows, whole = conveyor(three).tables["part_stations"].set_index(["sale_type", "station"]), whole_parts(three)
    assert [rows.loc[(t, "KM"), "fte"] for t in ("TC", "T", "C")] == pytest.approx([1.75, 1.25, 1.0])
    assert [rows.loc[(t, "OP"), "fte"] for t in ("TC", "T", "C")] == pytest.approx([whole[t] for t in ("TC", "T", "C")])
    assert rows.groupby("station")["fte"].sum()["KM"] == pytest.approx(4)
    assert rows.loc[("T", "SOP"), "required"] and not rows.loc[("T", "KM"), "required"]
    # in retail K2 and K4 spend 80 + 20 hours on repeat sales that are the office seller's, who spends 64 himself; entry likewise
    own, foreign = 0.6 * 160 + 0.4 * 160, (0.3 + 0.5) * 160 * 1.25
    assert rows.loc[("T", "SOP"), "coverage"] == pytest.approx(own / (own + foreign))


def test_managers_of_one_part_do_not_hide_behind_those_of_another():
    """K3 of projects enters nothing. Wholesale: 48 + 32 − 8 of 160 hours, 45 %, of K1 and of three quarters of K4; of all four
    managers it is three in four of that, 34 %."""
    m = roles(company(K3={"FARM_REPEAT": 1.0})).metrics["roles.km_operational_share"]
    assert m.value == pytest.approx(0.45) and m.extra["part"] in ("TC", "T") and m.n == 2
    assert m.extra["together"] == pytest.approx(0.45 * 3 / 4) and m.extra["day_log"] is None
    alone = roles(company(types=[])).metrics["roles.km_operational_share"]
    assert alone.extra["part"] is None and alone.extra["together"] == alone.value == pytest.approx(0.45)


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_report_says_by_whose_norm_each_is_judged(three, lang):
    settings = three.settings
    report = settings.report.model_copy(update={"lang": lang})
    made = dataclasses.replace(three, settings=settings.model_copy(update={"report": report}))
    said = str(diagnose_chapter(made, "roles").section("by_role").html).replace("\u00a0", " ")
    assert "K4 (" in said and "75" in said and "25" in said
    assert ("4 человек в заказах не видно" in said) if lang == "ru" else ("4 people are not seen in the orders" in said)
    parts = str(diagnose_chapter(made, "model").section("parts").html).replace("\u00a0", " ")
    assert "1,8 ·" in parts if lang == "ru" else "1.8 ·" in parts


def test_own_notes_are_taken_off_once(three):
    """20 % of K4's time is CRM typing, 5 % of it the own notes: 15 % of 160 hours are foreign, as for K1."""
    sums = group_hours(answers_hours(three), ("OPER",), 0.05).set_index("person")
    assert sums.loc["K4", "notes_hours"] == pytest.approx(8) == sums.loc["K1", "notes_hours"]
    assert sums.loc["K4", "foreign_hours"] == pytest.approx(48 + 32 - 8)


def answers_hours(case: Any) -> Any:
    return read_answers(case).hours


def test_the_matrix_shows_own_and_foreign_hours_of_a_role_apart(three):
    rows = matrix_of(read_answers(three))
    mine = rows[(rows["function"] == "FARM_REPEAT") & (rows["family"] == "KM")].set_index("norm")
    assert mine["hours"].to_dict() == pytest.approx({"own": 80 + 80 + 60, "foreign": 80 + 20})
    assert mine["people"].to_dict() == {"own": 3, "foreign": 2}


def test_without_managers_in_the_orders_work_is_foreign_only_if_it_is_so_in_every_type():
    hidden = read_answers(company(managers=False))
    assert hidden.served == {} and set(hidden.hours["part"]) == {""}
    kinds = hidden.hours.set_index(["person", "function"])["kind"]
    assert kinds["K2", "FARM_REPEAT"] == "own" and kinds["K2", "OPS_ORDER"] == "foreign"


def test_a_company_of_one_type_knows_no_parts():
    one, plain = read_answers(company(types=[])), company(types=[])
    assert one.served == {} and set(one.hours["part"]) == {""}
    assert whole_parts(plain).empty
