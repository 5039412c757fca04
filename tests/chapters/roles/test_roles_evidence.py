"""Three sources side by side: the rule of contradiction and the grades."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from audit.chapters.roles.evidence import compare, contradicts, grade_of, self_shares
from audit.chapters.roles.measure import diagnose
from tests.roles_tables import case_of, hours_of, orders, staff


@pytest.mark.parametrize(
    ("said", "logged", "error", "trace", "kind"),
    [
        # 2·√(7² + 0²) = 14 points
        (0.30, 0.43, 0.0, None, None),
        (0.30, 0.45, 0.0, None, "self-log"),
        # 2·√(7² + 6²) = 18.4 points
        (0.30, 0.48, 0.06, None, None),
        (0.30, 0.49, 0.06, None, "self-log"),
        # a log of one day has no standard error and no verdict
        (0.30, 0.90, math.nan, None, None),
        # the trace is a lower bound: only above by more than 10 points it contradicts
        (0.30, None, math.nan, 0.39, None),
        (0.30, None, math.nan, 0.41, "trace-self"),
        (0.80, 0.30, math.nan, 0.41, "trace-log"),
        (0.30, None, math.nan, 0.00, None),
    ],
)
def test_rule_of_contradiction(said, logged, error, trace, kind):
    assert contradicts(said, logged, error, trace, 0.07, 0.10) == kind


def test_report_is_weighted_like_the_log_of_the_same_people():
    """K1 reports 50 % OPER, K2 10 %. Both: 0.3. K1 logged 30 h, K2 10 h: (0.5·30 + 0.1·10) ÷ 40 = 0.4."""
    answers = {"K1": {"OPS_ORDER": 0.5, "FARM_REPEAT": 0.5}, "K2": {"OPS_ORDER": 0.1, "FARM_REPEAT": 0.9}}
    hours, _, _ = hours_of(staff("K1 KM", "K2 KM"), answers)
    share = self_shares(hours).set_index("group")["share"]
    assert share["OPER"] == pytest.approx(0.3)
    assert self_shares(hours, {"K1": 30.0, "K2": 10.0}).set_index("group")["share"]["OPER"] == pytest.approx(0.4)


def table(said=0.3, logged=0.32, trace=0.25, trace_known=True):
    s = pd.DataFrame({"family": ["KM"], "group": ["OPER"], "share": [said]})
    lg = pd.DataFrame(
        {
            "family": ["KM"],
            "group": ["OPER"],
            "days": [5],
            "people": [1],
            "share": [logged],
            "low": [0.2],
            "high": [0.4],
            "error": [0.02],
        }
    )
    if logged is None:
        lg = lg.iloc[:0]
    t = pd.DataFrame({"family": ["KM"], "share": [trace]})
    return compare(s, s, lg, t, trace_known=trace_known, self_error=0.07, excess=0.10)


def test_grades():
    assert table().iloc[0]["grade"] == "A"
    assert table(trace=0.05).iloc[0]["grade"] == "B"  # far below the report: a lower bound that says nothing
    assert table(trace_known=False).iloc[0]["grade"] == "B"
    assert table(logged=None).iloc[0]["grade"] == "B"
    assert table(logged=None, trace_known=False).iloc[0]["grade"] == "C"
    d = table(logged=0.6)
    assert (d.iloc[0]["grade"], d.iloc[0]["conflict_kind"]) == ("D", "self-log")
    assert grade_of(d, ["KM"], ["OPER"]) == "D"
    assert grade_of(d, ["SR"], ["OPER"]) == "C"


def day(person, d, oper_hours):
    return [
        {
            "person": person,
            "date": f"2025-11-{d:02d}",
            "start": 540,
            "end": 540 + oper_hours * 60,
            "function": "OPS_ORDER",
        },
        {
            "person": person,
            "date": f"2025-11-{d:02d}",
            "start": 540 + oper_hours * 60,
            "end": 1020,
            "function": "FARM_REPEAT",
        },
    ]


PEOPLE = staff("K1 KM", "K2 KM", "O1 OP")
SAYS_LITTLE = {"K1": {"OPS_ORDER": 0.1, "FARM_REPEAT": 0.9}, "K2": {"FARM_REPEAT": 1.0}, "O1": {"OPS_ORDER": 1.0}}


def test_chapter_finds_the_contradiction_and_thresholds_matter():
    """K1 says 10 %, the log of three days shows 4 of 8 h: 40 points apart."""
    log = [*day("K1", 3, 4), *day("K1", 4, 4), *day("K1", 5, 4)]
    m = diagnose(case_of(PEOPLE, SAYS_LITTLE, day_log=log)).metrics
    assert (m["roles.self_vs_log"].value, m["roles.self_vs_log"].extra["touches_km_operations"]) == (2.0, True)
    assert m["roles.km_operational_share"].grade == "D"
    for change in (
        {"roles.self_report_error_pp": 0.25},
        {"roles.day_log_min_days_role": 4},
        {"roles.day_log_min_hours_day": 9},
    ):
        other = diagnose(case_of(PEOPLE, SAYS_LITTLE, day_log=log, thresholds=change)).metrics
        assert other["roles.km_operational_share"].grade != "D", change


def test_orders_typed_above_the_report_contradict_it_without_a_log():
    """Each of two managers typed 240 orders of the year: 480·(60 + 1) min ÷ 60 ÷ 12 = 40.7 h a month of 320: 12.7 %.

    They say 0 %: 12.7 > 10 points. With an hour an order at 40 minutes it is 8.5 % and no contradiction.
    """
    says = {"K1": {"FARM_REPEAT": 1.0}, "K2": {"FARM_REPEAT": 1.0}, "O1": {"OPS_ORDER": 1.0}}
    lines = orders(500, manager=lambda i: f"K{1 + i % 2}", created_by=lambda i: "O1" if i >= 480 else f"K{1 + i % 2}")
    m = diagnose(case_of(PEOPLE, says, lines=lines, company={"minutes_per_order": 60})).metrics
    assert m["roles.km_operational_share"].extra["trace"] == pytest.approx(480 * 61 / 60 / 12 / 320)
    assert (m["roles.self_vs_log"].value, m["roles.km_operational_share"].grade) == (1.0, "D")
    fewer = diagnose(case_of(PEOPLE, says, lines=lines, company={"minutes_per_order": 40})).metrics
    assert fewer["roles.self_vs_log"].value is None and fewer["roles.km_operational_share"].grade == "B"
    looser = case_of(
        PEOPLE, says, lines=lines, company={"minutes_per_order": 60}, thresholds={"roles.trace_excess_pp": 0.2}
    )
    assert diagnose(looser).metrics["roles.km_operational_share"].grade != "D"


def test_intervals_of_the_load_chart():
    """Five days: limits of the log; fewer: share ± 1.96·7 points, cut at zero."""
    log = [entry for d in (3, 4, 5, 6, 7) for entry in day("K1", d, 1)]
    load = diagnose(case_of(PEOPLE, SAYS_LITTLE, day_log=log)).tables["km_load"].set_index("person")
    assert list(load["drawn_from"]) == ["log", "self"]
    assert load.loc["K1", "log_share"] == pytest.approx(1 / 8)
    assert (load.loc["K2", "drawn_low"], load.loc["K2", "drawn_high"]) == (0.0, pytest.approx(1.96 * 0.07))
    stricter = case_of(PEOPLE, SAYS_LITTLE, day_log=log, thresholds={"roles.day_log_min_days_person": 6})
    assert list(diagnose(stricter).tables["km_load"]["drawn_from"]) == ["self", "self"]


def test_log_of_one_weekday_or_of_month_ends_is_pointed_out():
    """3, 10 and 17 November 2025 are Mondays; 28 November to 31 December are last days of months."""

    def facts(*days):
        log = [{"person": "K1", "date": d, "start": 540, "end": 1020, "function": "FARM_REPEAT"} for d in days]
        f = diagnose(case_of(PEOPLE, SAYS_LITTLE, day_log=log)).facts
        return f["log_one_weekday"], f["log_month_end"]

    assert facts("2025-11-03", "2025-11-10", "2025-11-17") == (True, False)
    assert facts("2025-11-03", "2025-11-04", "2025-11-12") == (False, False)
    assert facts("2025-11-28", "2025-12-29", "2025-12-31") == (False, True)
