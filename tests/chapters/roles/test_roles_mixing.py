"""Effective roles, universal sellers, functions in many hands, crumbs."""

from __future__ import annotations

import math

import pytest

from audit.ground.mixing import (
    effective_roles,
    foreign_group_shares,
    function_table,
    is_fragmented,
    load,
    person_fragments,
    universal,
)
from tests.roles_tables import hours_of, staff


def test_effective_roles_by_hand():
    """Half own, a quarter each for operations clerk and developer: exp(−(½ ln ½ + 2·¼ ln ¼)) = 2·√2 = 2.828."""
    hours, _, _ = hours_of(
        staff("K1 KM"), {"K1": {"FARM_REPEAT": 0.4, "OPS_ORDER": 0.2, "HUNT_SELL": 0.2, "OV_MEET": 0.2}}
    )
    row = effective_roles(hours).iloc[0]
    assert row["effective_roles"] == pytest.approx(2 * math.sqrt(2))
    assert row["max_share"] == pytest.approx(0.5)


def test_shared_function_counts_as_the_own_role_if_among_owners():
    """Range expansion belongs to КМ and СР in TC: a developer doing it and hunting is one role."""
    hours, _, _ = hours_of(
        staff("R1 SR", "K1 KM"), {"R1": {"FARM_RANGE": 0.5, "HUNT_SELL": 0.5}, "K1": {"FARM_REPEAT": 1.0}}
    )
    assert list(effective_roles(hours)["effective_roles"]) == pytest.approx([1.0, 1.0])


def test_universal_seller_needs_three_roles_and_no_half():
    """U1: thirds of own, clerk's, developer's work (3.0 roles); U2: half and two quarters (2.83); O1 is no seller."""
    thirds = {"FARM_REPEAT": 0.34, "OPS_ORDER": 0.33, "HUNT_SELL": 0.33}
    quarters = {"FARM_REPEAT": 0.5, "OPS_ORDER": 0.25, "HUNT_SELL": 0.25}
    hours, _, _ = hours_of(staff("U1 KM", "U2 KM", "O1 OP"), {"U1": thirds, "U2": quarters, "O1": thirds})
    found = universal(effective_roles(hours), 2.99, 0.5)
    assert list(found["person"]) == ["U1"]
    assert list(universal(effective_roles(hours), 2.8, 0.51)["person"]) == ["U1", "U2"]


def functions(people, answers, sale_type="TC"):
    hours, _, norm = hours_of(people, answers, sale_type)
    table = function_table(hours, norm, 0.05, 0.10, 0.15)
    table["fragmented"] = is_fragmented(table, 3, 8.0)
    return table.set_index("function")


def test_function_without_anybody_who_owns_or_may_do_it_is_fragmented():
    """Marketing is МКТ's (or the commercial director's); here only a client manager does 16 h of it: no owner."""
    answers = {"K1": {"MG_MKT": 0.1, "FARM_REPEAT": 0.9}}
    row = functions(staff("K1 KM"), answers).loc["MG_MKT"]
    assert (row["owner"], bool(row["owner_present"]), bool(row["fragmented"])) == ("MKT", False, True)
    assert not functions(staff("K1 KM", "D1 KD"), answers).loc["MG_MKT"]["fragmented"]


def test_dust_is_not_fragmented():
    """4 h a month of marketing without an owner: below 0.05 FTE = 8 h."""
    assert not functions(staff("K1 KM"), {"K1": {"MG_MKT": 0.025, "FARM_REPEAT": 0.975}}).loc["MG_MKT"]["fragmented"]


def test_function_spread_over_three_roles_one_of_them_foreign():
    """Entry: K1 16 h, R1 16 h, O1 32 h of 64: 25 %, 25 %, 50 % — three roles from 15 %, two of them foreign."""
    answers = {
        "K1": {"OPS_ORDER": 0.1, "FARM_REPEAT": 0.9},
        "R1": {"OPS_ORDER": 0.1, "HUNT_SELL": 0.9},
        "O1": {"OPS_ORDER": 0.2, "OPS_RESERVE": 0.8},
    }
    row = functions(staff("K1 KM", "R1 SR", "O1 OP"), answers).loc["OPS_ORDER"]
    assert (row["hours"], row["foreign_hours"], row["people"], row["crumbs"]) == (64.0, 32.0, 3, 0)
    assert (row["roles"], row["foreign_roles"], bool(row["fragmented"])) == (3, 2, True)


def test_function_that_the_norm_itself_gives_to_three_roles_is_not_fragmented():
    """Loyalty in C is КМ's, ПМ and support may: 16 h each is how it should be."""
    share = {"FARM_LOYAL": 0.1}
    answers = {"K1": share | {"FARM_REPEAT": 0.9}, "P1": share | {"PROJ_RUN": 0.9}, "E1": share | {"SOL_FORM": 0.9}}
    row = functions(staff("K1 KM", "P1 PM", "E1 SUP"), answers, "C").loc["FARM_LOYAL"]
    assert (row["roles"], row["foreign_roles"], bool(row["fragmented"])) == (3, 0, False)


def test_crumbs_of_a_person():
    """Four functions: 80 %, 12 %, 5 %, 3 %: three from 5 %, one crumb; overhead is not a function."""
    answers = {"K1": {"FARM_REPEAT": 0.70, "OPS_ORDER": 0.12, "HUNT_SELL": 0.05, "OPS_DOCS": 0.03, "OV_MEET": 0.10}}
    hours, people, _ = hours_of(staff("K1 KM"), answers)
    row = person_fragments(hours, 0.05).iloc[0]
    assert (row["functions"], row["crumbs"]) == (3, 1)
    assert load(hours, people)["foreign_share"].iloc[0] == pytest.approx(0.20)


def test_foreign_hours_in_some_groups_of_one_family():
    """E1 sells 32 of 160 h: 24 h hunting and 8 h repeat sales; finding development (own) does not count."""
    answers = {"E1": {"HUNT_SELL": 0.15, "FARM_REPEAT": 0.05, "FARM_FINDDEV": 0.2, "SOL_FORM": 0.6}}
    hours, _, _ = hours_of(staff("E1 SUP"), answers)
    shares = foreign_group_shares(hours, ["SUP", "PM"], ("HUNT", "FARM"))
    assert shares == {"SUP": pytest.approx((160.0, 32.0, 32.0))}


def test_a_vacancy_with_a_row_of_hours_is_made_of_no_roles():
    hours, _, _ = hours_of(staff("K1 KM", "V1 KM", V1={"fte": 0}), {p: {"FARM_REPEAT": 1.0} for p in ("K1", "V1")})
    assert effective_roles(hours)["person"].tolist() == ["K1"]
