"""Verdicts on type of sale and conveyor: found, watched, clear, refused; limits matter."""

from __future__ import annotations

import dataclasses

import pytest

from audit.chapters import verdicts_on
from audit.chapters.conveyor.measure import diagnose
from audit.method import method
from audit.model.sale_type import ALL, Criterion
from tests.chapters.conveyor.test_conveyor_measure import FULL_TC, OWN_TC
from tests.roles_tables import case_of, staff


def judged(case):
    return {f.id.split(".")[1]: f for f in verdicts_on(case, diagnose(case))}


def find(name, people=(), answers=None, **more):
    return judged(case_of(staff(*people) if people is not None else None, answers, **more))[name]


# --- type


def mismatch(declared, *criteria, **more):
    case = case_of(staff("K1 KM"), {}, sale_type=declared, **more)
    facts = dataclasses.replace(case.sale_type, criteria=tuple(Criterion(n, 1.0, frozenset(c)) for n, c in criteria))
    return judged(dataclasses.replace(case, sale_type=facts))["type_mismatch"]


@pytest.mark.parametrize(
    ("criteria", "status"),
    [
        ([("interval", {"C", "CS"}), ("price", {"C", "CS"})], "found"),
        ([("interval", {"C", "CS"}), ("price", {"C"}), ("complexity", {"TC"})], "watch"),
        ([("interval", {"C", "CS"}), ("complexity", ALL)], "watch"),
        ([("interval", {"TC"}), ("price", {"T", "TC"})], "clear"),
        ([("one_time", ALL)], "not_assessed"),
    ],
)
def test_type_mismatch(criteria, status):
    """Two criteria against and none for: found; two against and one for, or one against: watched."""
    f = mismatch("TC", *criteria)
    assert f.status == status
    assert f.severity == {"found": "critical", "watch": "minor"}.get(status, "none")


def test_type_that_nobody_declared_is_refused_and_limits_matter():
    assert judged(case_of(staff("K1 KM"), {}, sale_type=None))["type_mismatch"].status == "not_assessed"
    against = [("interval", {"C"}), ("price", {"C"})]
    assert mismatch("TC", *against, thresholds={"model.type_mismatch": {"watch": 1, "found": 3}}).status == "watch"
    assert mismatch("TC", *against, thresholds={"model.type_mismatch": {"watch": 3, "found": 3}}).status == "clear"


# --- stations


def test_full_conveyor_is_clear():
    f = find("missing_role", FULL_TC, OWN_TC)
    assert (f.status, f.facts["required"]) == ("clear", 6)


def test_station_without_people_is_found_and_named():
    people = [p for p in FULL_TC if not p.startswith("S1")]
    f = find("missing_role", people, {k: v for k, v in OWN_TC.items() if k != "S1"})
    assert (f.status, f.severity, f.facts["empty"]) == ("found", "major", ["SUP"])
    # Somebody on paper with no working time holds nothing.
    ghost = [*staff(*people), {"person": "S1", "role": "SUP", "fte": 0.0}]
    assert judged(case_of(ghost, OWN_TC))["missing_role"].status == "found"


def buying(share):
    """R1's hours on qualification: the telemarketer does 160 h, R1 160·share."""
    return {**OWN_TC, "R1": {"LEAD_QUAL": share, "HUNT_SELL": 1.0 - share}}


@pytest.mark.parametrize(("status", "share", "coverage"), [("watch", 0.6, 0.625), ("clear", 0.4, 1 / 1.4)])
def test_coverage_decides(status, share, coverage):
    f = find("missing_role", FULL_TC, buying(share))
    assert f.status == status
    m = diagnose(case_of(staff(*FULL_TC), buying(share))).metrics["model.station_coverage"]
    assert m.value == pytest.approx(coverage)


def test_coverage_below_half_is_found_and_limits_matter():
    """The telemarketer qualifies 80 h (and has 80 h of meetings), R1 160 h: a third."""
    answers = {**buying(1.0), "T1": {"LEAD_QUAL": 0.5, "OV_MEET": 0.5}}
    f = find("missing_role", FULL_TC, answers)
    assert (f.status, f.facts["stations"][0]["station"]) == ("found", "TM")
    assert f.facts["stations"][0]["coverage"] == pytest.approx(1 / 3)
    low = {"model.missing_role": {"watch": 0.3, "found": 0.2}}
    assert find("missing_role", FULL_TC, answers, thresholds=low).status == "clear"


def test_gap_that_role_mixing_explains_is_its_evidence_and_no_second_disease():
    """K1 is 80 % operational: found as overload. Order desk 32 of 160 h = 0.2, without K1's hours 1.0: watched."""
    answers = {**OWN_TC, "K1": {"OPS_ORDER": 0.8, "FARM_REPEAT": 0.2}, "O1": {"OPS_ORDER": 0.2, "OV_WAIT": 0.8}}
    f = find("missing_role", FULL_TC, answers)
    assert (f.status, f.facts["softened"]) == ("watch", True)
    assert f.actions == ()  # relieving the client managers closes it
    # Where overload is not found, the same gap counts.
    tolerant = {"roles.km_overload": {"watch": 0.9, "found": 0.95}}
    alone = find("missing_role", FULL_TC, answers, thresholds=tolerant)
    assert (alone.status, alone.actions) == ("found", method().findings["model.missing_role"].actions)
    # The same for hunters and farmers: R1 does 100 % of the client managers' work.
    farms = {**OWN_TC, "R1": {"FARM_REPEAT": 1.0}, "K1": {"FARM_REPEAT": 0.4, "OV_MEET": 0.6}}
    f = find("missing_role", FULL_TC, farms)
    assert (f.status, f.facts["softened"]) == ("watch", True)


def test_missing_role_needs_staff_and_hours():
    f = find("missing_role", None)
    assert (f.status, "«Сотрудники»" in f.reason.ru) == ("not_assessed", True)
    f = find("missing_role", FULL_TC, {})
    assert (f.status, "«Время»" in f.reason.ru) == ("not_assessed", True)
    # Without hours an empty station is still an empty station.
    assert find("missing_role", FULL_TC[1:], {}).status == "found"


def test_extra_station():
    assert find("extra_station", ("S1 SOP", "K1 KM"), {}, sale_type="T").status == "found"
    assert find("extra_station", ("S1 SOP", "K1 KM"), {}, sale_type="T").severity == "minor"
    assert find("extra_station", ("S1 SOP", "A1 KAM"), {}, sale_type="T").status == "clear"
    assert find("extra_station", ("K1 KM",), {}, sale_type="TC").status == "not_assessed"
    assert find("extra_station", None, sale_type="T").status == "not_assessed"


@pytest.mark.parametrize(
    ("answer", "status"), [("no", "found"), ("partly", "watch"), ("yes", "clear"), (None, "not_assessed")]
)
def test_no_client_profile(answer, status):
    assert find("no_client_profile", ("K1 KM",), {}, company={"client_profile": answer}).status == status


def test_client_profile_limits_matter():
    strict = {"model.no_client_profile": {"watch": 1, "found": 1}}
    assert (
        find("no_client_profile", ("K1 KM",), {}, company={"client_profile": "partly"}, thresholds=strict).status
        == "found"
    )


@pytest.mark.parametrize(
    ("sits", "sla", "sale_type", "status"),
    [
        ("outside", [{"process": "TECH"}], "TC", "found"),
        ("outside", [], "TC", "watch"),
        ("outside", [{"process": "TECH", "sla_days": 2}], "TC", "clear"),
        ("inside", [], "TC", "clear"),
        ("both", [], "TC", "clear"),
        ("none", [], "TC", "not_assessed"),
        (None, [], "TC", "not_assessed"),
        ("outside", [{"process": "TECH"}], "C", "clear"),
        ("both", [], "CS", "clear"),
        ("inside", [{"process": "TECH", "sla_days": 2}], "S", "found"),  # dear specialists at every seller's call
        ("inside", [], "C", "found"),
        ("inside", [], "T", "not_assessed"),
    ],
)
def test_support_misplaced(sits, sla, sale_type, status):
    tables = {"processes": sla} if sla else {}
    f = find("support_misplaced", ("K1 KM",), {}, company={"support_sits": sits}, sale_type=sale_type, **tables)
    assert f.status == status


def test_support_for_a_client_manager_now_and_after_relief():
    """Four for five managers is 0.8. Each sells 80 h and enters orders 60 h, of which 0.8 can be handed over: 48 h more to
    sell, so (80 + 48) ÷ 80 = 1.6 times the support, 1.3 for each."""
    people = [f"K{i} KM" for i in range(5)] + [f"U{i} SUP" for i in range(4)] + ["O1 OP"]
    says = {f"K{i}": {"FARM_REPEAT": 0.5, "OPS_ORDER": 0.375, "OV_MEET": 0.125} for i in range(5)}
    taken = {"roles.transferable_OPS_ORDER": {"low": 0.6, "base": 0.8, "high": 0.9}}
    sla = [{"process": "TECH", "sla_days": 2}, {"process": "PRESALE", "sla_days": 3}, {"process": "LOG", "sla_days": 9}]
    result = diagnose(case_of(staff(*people), says, thresholds=taken, processes=sla))
    m = result.metrics["model.support_per_km"]
    assert m.value == pytest.approx(0.8)
    assert m.extra["after"] == pytest.approx(0.8 * (80 + 48) / 80)
    assert result.metrics["model.support_wait_days"].value == 3.0
    relieved = diagnose(case_of(staff(*people), {"K0": {"FARM_REPEAT": 1.0}})).metrics["model.support_per_km"]
    assert relieved.extra["after"] == pytest.approx(relieved.value), "nothing to hand over: nothing more to support"


def test_every_finding_of_the_chapter_is_judged():
    names = list(judged(case_of(None, sale_type=None)))
    assert names == [f.id.split(".")[1] for f in method().findings_of("model")]
