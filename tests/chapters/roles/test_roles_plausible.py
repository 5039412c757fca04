"""The hours of order entry against the documents: «we enter orders all day» beside how many orders there are."""

from __future__ import annotations

import pytest

from audit.chapters import verdicts_on
from audit.chapters.conveyor.measure import diagnose as conveyor
from audit.chapters.roles.measure import diagnose
from tests.roles_tables import case_of, orders, staff

ID = "roles.hours_implausible"
PEOPLE = staff("K1 KM", "S1 SR", "O1 OP")
COMPANY = {"minutes_per_order": 18, "minutes_per_line": 2}


def lines(n, **columns):
    return orders(n, manager=lambda i: "K1", **columns)


def judged(told, n=240, *, company=COMPANY, **more):
    """K1 (160 h a month) gives a share of the time to order entry; ``n`` documents of one line in the last year."""
    says = {"K1": {"OPS_ORDER": told, "FARM_REPEAT": 1 - told}}
    case = case_of(PEOPLE, says, lines=more.pop("lines", lines(n)), company=company, **more)
    result = diagnose(case)
    return next(f for f in verdicts_on(case, result) if f.id == ID), result.metrics["roles.entry_plausibility"], case


def test_hours_told_against_documents_with_a_pencil():
    """240 documents of one line a year = 20 a month × (18 + 2) min = 6⅔ h; told 0.25 × 160 = 40 h: six times as many."""
    found, m, _ = judged(0.25)
    assert m.value == pytest.approx(6.0)
    assert (m.extra["told_hours"], m.extra["traced_hours"]) == pytest.approx((40.0, 20 / 3))
    assert m.extra["minutes_each"] == pytest.approx(120.0)
    assert m.low < 6 < m.high, "told from memory"
    assert found.status == "found"
    assert found.actions == ("photograph_day",)


@pytest.mark.parametrize(("told", "status"), [(0.06, "clear"), (0.10, "unclear"), (0.15, "watch"), (0.30, "found")])
def test_three_times_is_watched_and_five_found(told, status):
    assert judged(told)[0].status == status


def test_a_few_hours_make_any_ratio():
    """Six hours told for half an hour's documents: a dozen times, and nothing to measure."""
    found, m, _ = judged(0.04, n=18)
    assert m.value > 10
    assert found.status == "clear" and found.facts["little"]
    assert judged(0.04, n=18, thresholds={"roles.implausible_least_share": 0.01})[0].status != "clear"


def test_who_typed_does_not_matter_and_unknown_documents_are_theirs():
    """The clerk, the site and nobody at all: the trace is the most that the managers can have typed."""
    typed = judged(0.25, lines=lines(240, created_by=lambda i: ("O1", "SYS", None)[i % 3]))[1]
    assert typed.value == pytest.approx(6.0)
    half = judged(0.25, lines=orders(240, manager=lambda i: ("S1", None)[i % 2]))[1]
    assert half.extra["documents"] == pytest.approx(10.0), "a developer's documents are not theirs"


def test_the_companys_own_minutes_decide():
    assert judged(0.25, company={"minutes_per_order": 118, "minutes_per_line": 2})[0].status == "clear"


def test_what_must_be_known():
    says = {"K1": {"OPER": 0.5, "FARM": 0.5}}
    grouped = diagnose(case_of(PEOPLE, says, lines=lines(240))).metrics["roles.entry_plausibility"]
    assert grouped.value is None and "по группам" in grouped.reason.ru
    no_manager = judged(0.25, lines=orders(240))[1]
    assert (no_manager.value is None and "Менеджер" in no_manager.reason.ru) or "енеджер" in no_manager.reason.ru
    t = case_of(PEOPLE, {"K1": {"FARM_REPEAT": 1.0}}, lines=lines(240), company=COMPANY)
    assert diagnose(t).metrics["roles.entry_plausibility"].value == 0.0, "nobody enters orders: nothing to doubt"


def test_no_page_shows_a_hire_beyond_the_first_step():
    """The clerk's desk would take 3 posts by hours told; while these are in doubt, one more than there is."""
    people = staff("K1 KM", "K2 KM", "K3 KM", "O1 OP")
    says = {k: {"OPS_ORDER": 0.8, "FARM_REPEAT": 0.2} for k in ("K1", "K2", "K3")} | {"O1": {"OPS_ORDER": 1.0}}

    def desk(minutes):
        case = case_of(people, says, lines=lines(240), company={"minutes_per_order": minutes, "minutes_per_line": 0})
        return conveyor(case).tables["posts"].set_index("station").loc["OP"]

    assert desk(1200)["high"] == 3.5
    assert (desk(20)["now"], desk(20)["high"]) == (1.0, 2.0)
