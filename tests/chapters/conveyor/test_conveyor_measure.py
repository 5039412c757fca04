"""Type of sale, criteria, conveyor coverage, usual order, market reserve."""

from __future__ import annotations

import pytest

from audit.chapters.conveyor.measure import criteria_table, diagnose
from audit.chapters.conveyor.stations import required_stations
from audit.chapters.conveyor.support import agreed_days
from audit.model.sale_type import ALL, Criterion, SaleTypeFacts
from tests.case_builder import make_questionnaire
from tests.roles_tables import case_of, orders, staff

FULL_TC = ("T1 TM", "R1 SR", "K1 KM", "O1 OP", "S1 SUP", "B1 BO")
OWN_TC = {
    "T1": {"LEAD_QUAL": 1.0},
    "R1": {"HUNT_SELL": 1.0},
    "K1": {"FARM_REPEAT": 1.0},
    "O1": {"OPS_ORDER": 1.0},
    "S1": {"SOL_FORM": 1.0},
    "B1": {"OPS_DOCS": 1.0},
}


def stations(people, answers, **more):
    return diagnose(case_of(people, answers, **more)).tables["stations"].set_index("station")


def test_required_stations_of_each_type_in_the_clients_way():
    assert required_stations(["T"]) == ("TM", "SR", "SOP", "BO")
    assert required_stations(["TC"]) == ("TM", "SR", "KM", "OP", "SUP", "BO")
    assert required_stations(["S"]) == ("SR", "PM", "SUP", "BO")
    assert required_stations(["T", "C"]) == ("TM", "SR", "SOP", "KM", "PM", "SUP", "BO")


def test_coverage_by_hand():
    """Order desk: O1 does 80 h of entry and 40 h of chasing, K1 40 h of entry: 120 ÷ 160 = 0.75.

    Back office may type in TC: its 20 h are nobody's gap.
    """
    answers = {
        **OWN_TC,
        "O1": {"OPS_ORDER": 0.5, "OPS_CHASE": 0.25, "OV_WAIT": 0.25},
        "K1": {"FARM_REPEAT": 0.75, "OPS_ORDER": 0.25},
        "B1": {"OPS_DOCS": 0.875, "OPS_ORDER": 0.125},
    }
    row = stations(staff(*FULL_TC), answers).loc["OP"]
    assert (row["own_hours"], row["foreign_hours"], row["km_oper_hours"]) == (120.0, 40.0, 40.0)
    assert row["coverage"] == pytest.approx(0.75)
    assert row["by_role"] == {"KM": 40.0}
    m = diagnose(case_of(staff(*FULL_TC), answers)).metrics["model.station_coverage"]
    assert (m.value, m.extra["station"], m.n) == (pytest.approx(0.75), "OP", 6)


def test_own_crm_notes_are_no_gap_of_the_back_office():
    """B1 has 140 h of papers. K1 types 16 h into the CRM, 8 h of them (5 %) are own notes: 140 ÷ (140 + 8)."""
    answers = {**OWN_TC, "K1": {"FARM_REPEAT": 0.9, "OPS_CRM": 0.1}, "B1": {"OPS_DOCS": 0.875, "OV_WAIT": 0.125}}
    case = case_of(staff(*FULL_TC), answers)
    row = diagnose(case).tables["stations"].set_index("station").loc["BO"]
    assert (row["own_hours"], row["foreign_hours"], row["km_oper_hours"]) == (140.0, 8.0, 8.0)
    assert row["coverage"] == pytest.approx(140 / 148)


def test_a_person_with_two_roles_is_divided_by_hours_on_each_roles_functions():
    """K1 is КМ and операционист: 96 h farming, 32 h entry: 0.75 and 0.25 of the person; without hours half and half."""
    answers = {**OWN_TC, "K1": {"FARM_REPEAT": 0.6, "OPS_ORDER": 0.2, "OV_MEET": 0.2}}
    people = staff("T1 TM", "R1 SR", "K1 KM OP", "S1 SUP", "B1 BO")
    t = stations(people, {k: v for k, v in answers.items() if k != "O1"})
    assert (t.loc["KM", "fte"], t.loc["OP", "fte"]) == pytest.approx((0.75, 0.25))
    t = stations(people, {"B1": {"OPS_DOCS": 1.0}})
    assert (t.loc["KM", "fte"], t.loc["OP", "fte"]) == pytest.approx((0.5, 0.5))


def test_senior_and_key_account_managers_hold_the_client_managers_station():
    t = stations(staff("A1 KAM", "B1 SKM"), {"A1": {"FARM_REPEAT": 1.0}})
    assert (t.loc["KM", "people"], t.loc["KM", "fte"]) == (2, 2.0)
    assert t.loc["TM", "people"] == 0


def test_optional_and_extra_stations_are_shown_but_not_required():
    t = stations(staff("R1 SR", "S9 SOP"), {"R1": {"HUNT_SELL": 1.0}}, sale_type="S")
    assert t["required"].to_dict() == {"TM": False, "SR": True, "SOP": False, "PM": True, "SUP": True, "BO": True}


def test_criteria_speak_one_by_one():
    facts = SaleTypeFacts(
        declared="T",
        measured="C",
        used="T",
        interval_days=90.0,
        interval_n=50,
        one_time_share=0.3,
        criteria=(
            Criterion("interval", 90.0, frozenset({"C", "CS"})),
            Criterion("complexity", 1.0, frozenset({"T", "TC"})),
            Criterion("one_time", 0.3, ALL),
        ),
    )
    rows = criteria_table(facts)
    assert list(rows["opinion"]) == ["excludes", "supports", "neutral"]
    assert list(rows["compatible"]) == ["C, CS", "T, TC", "T, TC, C, S, CS"]


def test_usual_order_active_clients_and_market_reserve():
    """Recent orders of 100 … 500: median 300, p10 140, p90 460. Served: five clients, four won in the recent
    period.

    Market 105: (105 − 5) ÷ (4 in the months of that period, as a year).
    """
    lines = [
        {"order_id": f"n{i}", "order_date": f"2025-0{i}-10", "client_id": f"n{i}", "amount": 100.0 * i}
        for i in range(1, 5)
    ] + [
        {"order_id": "z", "order_date": "2025-12-31", "client_id": "n4", "amount": 500.0},
        {"order_id": "a", "order_date": "2024-01-01", "client_id": "old", "amount": 900.0},
    ]
    case = case_of(staff("K1 KM"), {"K1": {"FARM_REPEAT": 1.0}}, lines=lines, company={"clients_on_market": 105})
    m = diagnose(case).metrics
    assert (m["model.ticket"].value, m["model.ticket"].extra["p10"], m["model.ticket"].extra["p90"]) == pytest.approx(
        (300, 140, 460)
    )
    assert m["model.active_clients"].value == 4
    w = case.window
    months = ((w.as_of - max(w.recent_start, w.new_from)).days + 1) / 30.4375
    assert m["model.market_reserve"].value == pytest.approx(100 / (4 * 12 / months))
    none = diagnose(case_of(staff("K1 KM"), {}, lines=lines)).metrics["model.market_reserve"]
    assert none.value is None and "«Компания»" in none.reason.ru


def test_support_is_agreed_when_a_technical_service_or_function_has_a_time():
    def agreed(*rows):
        return agreed_days(make_questionnaire({"processes": list(rows)}).table("processes"))

    assert agreed_days(make_questionnaire({}).table("processes")) == (False, None)
    assert agreed({"process": "LOG", "sla_days": 2}) == (True, None)
    assert agreed({"process": "TECH", "sla_days": 1}) == (True, 1.0)
    assert agreed({"process": "SOL_CONSULT", "sla_days": 4}, {"process": "TECH", "sla_days": 1}) == (True, 4.0)


def test_without_a_questionnaire_the_chapter_says_what_is_missing():
    result = diagnose(case_of(None, sale_type=None))
    assert result.metrics["model.station_fte"].value is None
    assert "«Сотрудники»" in result.metrics["model.station_fte"].reason.ru
    assert result.metrics["model.active_clients"].value == 25
    # The stations that the type would need are still listed for the picture.
    assert list(result.tables["stations"]["station"]) == ["TM", "SR", "KM", "OP", "SUP", "BO"]


def test_staff_without_time_shows_people_but_no_coverage():
    result = diagnose(case_of(staff(*FULL_TC), {}))
    assert result.metrics["model.station_fte"].value == 6.0
    assert result.metrics["model.station_coverage"].value is None
    assert orders(1)  # the table builder used above
