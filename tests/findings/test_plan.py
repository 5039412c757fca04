"""The plan: one problem with its symptoms, what comes first, who answers, what it leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from audit.errors import Lang
from audit.findings.plan import Step, diseases, plan_of
from audit.method import method
from audit.present.format import Fmt
from audit.present.narrative import Narrative, narrative_source
from tests.case_builder import make_case

OVERLOAD, SHORT, ENTRY, LEAK = (
    "roles.km_overload",
    "roles.relief_shortage",
    "roles.entry_burden",
    "retention.leaky_first_purchase",
)


def judged(*found: str, watched: tuple[str, ...] = (), **more: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every finding of the catalogue, clear but for those named."""
    out: dict[str, dict[str, Any]] = {}
    for id, spec in method().findings.items():
        status = "found" if id in found else "watch" if id in watched else "clear"
        actions = list(spec.actions) if status != "clear" else []
        out[id] = {"status": status, "severity": "major", "actions": actions, "facts": {}, **more.get(id, {})}
    return out


def planned(findings: dict[str, dict[str, Any]], staff: Any = None, options: Any = ()) -> list[Step]:
    rows = [{"client": "A", "order_date": "2024-12-31", "amount": 1}]
    case = make_case(rows, {"staff": staff} if staff else None)
    try:
        return plan_of(case, findings, options)
    finally:
        case.close()


def test_findings_of_one_disease_are_told_as_one_problem() -> None:
    got = diseases(judged(OVERLOAD, SHORT, ENTRY, LEAK, watched=("model.missing_role",)))
    assert got == {OVERLOAD: OVERLOAD, SHORT: OVERLOAD, ENTRY: OVERLOAD, LEAK: LEAK, "model.missing_role": OVERLOAD}
    # A shortage without overload is a problem of its own; a missing telemarketer is no symptom of overload.
    assert diseases(judged(SHORT, watched=(OVERLOAD,)))[SHORT] == SHORT
    hunters = {"model.missing_role": {"facts": {"stations": [{"station": "TM"}, {"station": "OP"}]}}}
    assert diseases(judged(OVERLOAD, "model.missing_role", **hunters))["model.missing_role"] == "model.missing_role"


def test_simplify_automate_move_hire() -> None:
    steps = [s.id for s in planned(judged(OVERLOAD, SHORT, ENTRY))]
    places = [steps.index(a) for a in ("simplify_order", "automate_entry", "relieve_km", "hire_relief")]
    assert places == sorted(places)
    after = {s.id: s.after for s in planned(judged(OVERLOAD, SHORT, ENTRY))}
    assert after["automate_entry"] == ("simplify_order",) and "automate_entry" in after["relieve_km"]
    # What is not called for is not waited for.
    assert {s.id: s.after for s in planned(judged(SHORT))} == {"hire_relief": ()}


def test_a_part_of_another_step_is_not_told_twice() -> None:
    steps = {s.id: s for s in planned(judged(OVERLOAD, ENTRY))}
    assert "move_entry" not in steps and steps["relieve_km"].findings == (OVERLOAD, ENTRY)
    assert "move_entry" in {s.id for s in planned(judged(ENTRY))}


def test_net_money_leads_and_minor_findings_never_do() -> None:
    findings = judged(LEAK, "retention.revenue_leak", watched=("selfcheck.contradiction",))
    findings["retention.revenue_leak"]["effect"] = {"base": 500.0}
    options = [{"id": "second_purchase_route", "net": {"low": 1.0, "base": 900.0, "high": 2000.0}}]
    steps = planned(findings, options=options)
    assert [s.id for s in steps] == ["second_purchase_route", "stop_leak", "discuss_contradictions"]
    assert [s.net for s in steps] == [900.0, None, None]
    findings[LEAK]["severity"] = "minor"
    assert planned(findings, options=options)[0].id == "stop_leak"


def test_owners_exist() -> None:
    def owner(*staff: dict[str, Any], finding: str = LEAK) -> tuple[str, str | None, str | None]:
        step = planned(judged(finding), list(staff))[0]
        return step.owner, step.missing, step.person

    rop, kd = {"person": "R1", "role": "ROP"}, {"person": "D1", "role": "KD"}
    assert owner({"person": "C1", "role": "RKO"}, rop) == ("RKO", None, "C1")
    # No head of the client department: the head of sales, and that is said. Above that the commercial director.
    assert owner(rop, kd) == ("ROP", "RKO", "R1")
    assert owner(kd) == ("KD", "RKO", "D1")
    assert owner({**rop, "end": dt.date(2020, 1, 1)}, kd) == ("KD", "RKO", "D1")
    assert owner(rop, {"person": "R2", "role": "ROP"}) == ("ROP", "RKO", None)
    # Nobody who could answer is on the sheet, or there is no sheet: the catalogue's role stands.
    assert owner({"person": "K1", "role": "KM"}) == ("RKO", None, None)
    # A department owns nothing: the head it reports to does.
    late = "service.late"
    clerk = {"person": "O1", "role": "OP", "reports_to": "R1"}
    assert owner(clerk, rop, kd, finding=late) == ("ROP", None, "R1")
    assert owner({"person": "O1", "role": "OP"}, rop, kd, finding=late) == ("KD", None, "D1")


def step(action: str, lang: Lang = "en", **facts: Any) -> str:
    return Narrative(lang, Fmt(lang, "RUB")).first_step(action, facts).replace("\xa0", " ")


def test_numbers_and_names_in_a_step_are_the_companys_own() -> None:
    def leak(n: int) -> dict[str, Any]:
        return {"lost_clients": n, "largest": ["Alder", "Beech"]}

    # Seven lost clients: seven; seventy: the ten largest of them.
    assert "call the 7 lost clients" in step("stop_leak", revenue_leak=leak(7))
    assert "the 10 largest of 70 lost clients" in step("stop_leak", revenue_leak=leak(70))
    assert "Alder, Beech" in step("stop_leak", revenue_leak=leak(7))
    assert "7 ушедших клиентов" in step("stop_leak", "ru", revenue_leak=leak(7))
    # Without the facts the step stands in general.
    assert step("stop_leak") == method().actions["stop_leak"].first_step().en
    assert step("settle_type") == method().actions["settle_type"].first_step().en


def test_every_step_with_numbers_belongs_to_an_action_and_has_a_general_one() -> None:
    steps = narrative_source("ru", "actions")["steps"]
    assert set(steps) <= set(method().actions)
    for action in steps:
        general = method().actions[action].first_step().ru
        told = step(action, "ru")
        assert told == general or (
            method().actions[action].form and told.startswith(general) and "km-audit forms" in told
        )


def test_range_goes_to_others_while_the_client_manager_is_overloaded() -> None:
    assert "range_to_others" in method().findings["roles.km_overload"].actions
    told = step("range_to_others", km_overload={"over": ["K1", "K4"], "found": 0.4})
    assert "K1, K4" in told and "40%" in told
