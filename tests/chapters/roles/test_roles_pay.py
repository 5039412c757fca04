"""What a role is asked to do beside what it is paid for."""

from __future__ import annotations

import pytest

from audit.chapters import verdicts_on
from audit.chapters.roles.measure import diagnose
from audit.chapters.roles.pay import own_work
from tests.roles_tables import case_of, staff

ID = "roles.pay_against_role"
PEOPLE = staff("K1 KM", "S1 SR", "O1 OP", "R1 ROP")


def sheet(**paid):
    """``KM="REPEAT"``; a number is the fixed part of a role without variable pay."""
    return [
        {"role": r, "fixed_share": v, "pays_for": None}
        if not isinstance(v, str)
        else {"role": r, "fixed_share": 0.5, "pays_for": tuple(v.split())}
        for r, v in paid.items()
    ]


def judged(people=PEOPLE, **paid):
    more = {k: paid.pop(k) for k in ("sale_type", "thresholds") if k in paid}
    case = case_of(people, {}, pay=sheet(**paid), **more)
    result = diagnose(case)
    return next(f for f in verdicts_on(case, result) if f.id == ID), result.tables["pay"].set_index("role")


def test_every_role_is_paid_for_its_own_work():
    f, table = judged(KM="REPEAT MARGIN RETAIN", SR="FIRST HANDOFF", OP=1.0)
    assert (f.status, len(table)) == ("clear", 3)


@pytest.mark.parametrize(
    ("paid", "status"),
    [
        ({"KM": "FIRST", "SR": "FIRST"}, "watch"),
        ({"KM": "REPEAT FIRST", "SR": "FIRST REPEAT"}, "found"),
        ({"KM": "REPEAT", "SR": "FIRST", "OP": "REPEAT"}, "watch"),  # a clerk paid for sales
        ({"KM": 1.0, "SR": "HANDOFF"}, "watch"),  # a client manager on a fixed pay: nothing for the own work
        ({"KM": "REPEAT", "ROP": "FIRST REPEAT KEY"}, "clear"),  # heads are not judged
    ],
)
def test_paid_for_anothers_work_or_not_for_its_own(paid, status):
    assert judged(**paid)[0].status == status


def test_the_sentence_names_the_role_and_what_it_is_paid_for():
    f, table = judged(KM="FIRST", SR="FIRST")
    (km,) = f.facts["roles"]
    assert (km["role"]["code"], [c["code"] for c in km["foreign"]], km["for_nothing"]) == ("KM", ["FIRST"], True)
    assert table.loc["SR", "own"] == ("FIRST", "HANDOFF")


def test_key_clients_are_a_client_managers_work_where_there_is_no_key_account_manager():
    assert judged(KM="REPEAT KEY")[0].status == "clear"
    with_kam = [*PEOPLE, *staff("A1 KAM")]
    assert judged(with_kam, KM="REPEAT KEY", KAM="KEY")[0].status == "watch"


def test_who_keeps_clients_is_paid_for_keeping_them():
    assert set(own_work("SR", ["S"], [])) == {"FIRST", "HANDOFF", "REPEAT", "MARGIN", "RETAIN", "KEY"}
    assert judged(staff("S1 SR", "B1 BO"), SR="FIRST RETAIN", BO=1.0, sale_type="S")[0].status == "clear"
    assert judged(staff("S1 SOP"), SOP="REPEAT RETAIN", sale_type="T")[0].status == "clear"


def test_a_row_that_tells_nothing_is_no_verdict():
    f, table = judged(KM=0.6, ROP="FIRST")
    assert f.status == "not_assessed" and table.empty
    case = case_of(PEOPLE, {})
    silent = next(f for f in verdicts_on(case, diagnose(case)) if f.id == ID)
    assert silent.status == "not_assessed" and "Оплата" in silent.reason.ru


def test_the_limits_can_be_moved():
    stricter = {ID: {"watch": 1, "found": 1}}
    assert judged(KM="FIRST", SR="FIRST", thresholds=stricter)[0].status == "found"
