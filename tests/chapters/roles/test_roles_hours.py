"""Whose work is it: hours, foreign share, operational share, and the traps of the methodology."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.ground.hours import owner_mix, sum_mixing
from audit.ground.mixing import effective_roles, flow, operational_load
from audit.ground.norm import Norm, expand_roles, type_shares
from audit.method import method
from tests.roles_tables import hours_of, staff


def foreign(people, answers, sale_type="TC", **more):
    hours, _, _ = hours_of(people, answers, sale_type, **more)
    return float(sum_mixing(hours, []).iloc[0]["foreign_share"])


def operational(people, answers, sale_type="TC"):
    hours, _, _ = hours_of(people, answers, sale_type)
    load = operational_load(hours, ("KM",), 0.05)
    return float(load["oper_hours"].sum() / load["hours"].sum())


def test_foreign_and_operational_share_by_hand():
    """Two client managers of 160 h and a half-time clerk of 80 h, type TC.

    K1: 64 h order entry (foreign), 80 h repeat sales, 16 h meetings. K2: 160 h repeat sales. O1: 80 h order entry
    (own). Foreign 64 of 160 + 160 + 80 = 400 h: 0.16. Operational share of КМ: 64 of 320 h: 0.2.
    """
    people = staff("K1 KM", "K2 KM", "O1 OP", O1={"fte": 0.5})
    answers = {
        "K1": {"OPS_ORDER": 0.4, "FARM_REPEAT": 0.5, "OV_MEET": 0.1},
        "K2": {"FARM_REPEAT": 1.0},
        "O1": {"OPS_ORDER": 1.0},
    }
    assert foreign(people, answers) == pytest.approx(64 / 400)
    assert operational(people, answers) == pytest.approx(64 / 320)


def test_breaks_are_not_working_time_and_overhead_stays_in_the_denominator():
    """40 % entry, 20 % breaks, 40 % meetings of 160 h: 64 foreign of 64 + 64 = 128 working hours: one half."""
    answers = {"K1": {"OPS_ORDER": 0.4, "OV_BREAK": 0.2, "OV_MEET": 0.4}}
    assert foreign(staff("K1 KM"), answers) == pytest.approx(0.5)
    assert operational(staff("K1 KM"), answers) == pytest.approx(0.5)


def test_own_crm_notes_are_taken_off_up_to_five_percent_of_hours():
    """8 % CRM of 160 h = 12.8 h, 8 h of it own notes; with 16 h entry (12.8 + 16 − 8) ÷ 160 = 0.13; all is foreign."""
    answers = {"K1": {"OPS_CRM": 0.08, "OPS_ORDER": 0.10, "FARM_REPEAT": 0.82}}
    assert operational(staff("K1 KM"), answers) == pytest.approx(20.8 / 160)
    assert foreign(staff("K1 KM"), answers) == pytest.approx(28.8 / 160)


def test_client_manager_who_only_types_orders_is_one_pure_role_and_all_foreign():
    hours, _, _ = hours_of(staff("K1 KM"), {"K1": {"OPS_ORDER": 1.0}})
    assert float(sum_mixing(hours, []).iloc[0]["foreign_share"]) == 1.0
    assert float(effective_roles(hours)["effective_roles"].iloc[0]) == 1.0


def test_order_entry_of_an_office_seller_is_own_work_in_transactional_sales():
    answers = {"S1": {"OPS_ORDER": 0.6, "FARM_REPEAT": 0.4}}
    assert foreign(staff("S1 SOP"), answers, "T") == 0.0
    assert foreign(staff("S1 SR"), answers, "T") == 1.0  # for a developer both are somebody else's


def test_first_persons_who_sell_are_no_mixing_in_strategic_sales():
    answers = {"G1": {"HUNT_SELL": 0.7, "KAM_LEAD": 0.3}}
    assert foreign(staff("G1 GD"), answers, "S") == 0.0
    assert foreign(staff("G1 GD"), answers, "TC") == 1.0


@pytest.mark.parametrize("sale_type", ["T", "TC", "C", "S", "CS"])
def test_allowed_owners_and_functions_outside_the_conveyor_are_never_foreign(sale_type):
    for code, f in method().functions.items():
        owners = f.owners[sale_type]
        norm = Norm((sale_type,), frozenset())
        for role in owners.allowed:
            if role != "ANY":
                assert norm.of_function(code, expand_roles([role], [sale_type])).kind in ("own", "allowed"), (
                    code,
                    role,
                )
        if not owners.in_conveyor:
            assert norm.of_function(code, ("TM",)).kind == "outside"


def test_two_roles_own_the_work_of_both_and_a_family_owns_together():
    """КМ + операционист: entry and repeat sales are own, papers are not: 0.2. A key account manager farms by right."""
    answers = {"K1": {"OPS_ORDER": 0.5, "FARM_REPEAT": 0.3, "SUP_BUY": 0.2}}
    assert foreign(staff("K1 KM OP"), answers) == pytest.approx(0.2)
    assert foreign(staff("A1 KAM"), {"A1": {"FARM_REPEAT": 0.5, "KAM_PLAN": 0.5}}) == 0.0
    assert foreign(staff("K1 KM"), {"K1": {"KAM_LEAD": 1.0}}, "T") == 0.0


def test_work_of_a_required_role_that_nobody_holds_stands_apart():
    """No back office in TC: papers go to a missing role; with one, to that role."""
    answers = {"K1": {"OPS_DOCS": 0.5, "FARM_REPEAT": 0.5}}
    hours, _, norm = hours_of(staff("K1 KM"), answers)
    rows = flow(hours, norm, 160.0)
    assert rows[["from_role", "kind", "to_role", "hours", "fte"]].values.tolist() == [
        ["KM", "own", "KM", 80.0, 0.5],
        ["KM", "missing", "BO", 80.0, 0.5],
    ]
    hours, _, norm = hours_of(staff("K1 KM", "B1 BO"), answers)
    assert set(flow(hours, norm, 160.0)["kind"]) == {"own", "foreign"}


def test_group_rows_serve_operational_shares_only():
    """K1 gives 30 % to OPER as a group: operational share 0.3, but whose work the group is, foreign share does not
    judge.

    Foreign share: 0 foreign of 112 h known by function; 48 of 160 h are known by group only.
    """
    people, answers = staff("K1 KM"), {"K1": {"OPER": 0.3, "FARM_REPEAT": 0.7}}
    assert operational(people, answers) == pytest.approx(0.3)
    hours, _, norm = hours_of(people, answers)
    total = sum_mixing(hours, []).iloc[0]
    assert (total["foreign_share"], total["known_hours"], total["hours"]) == (0.0, pytest.approx(112), 160)
    assert flow(hours, norm, 160.0).set_index("kind")["hours"].to_dict() == pytest.approx({"own": 112, "group": 48})


def test_group_row_of_somebody_who_owns_part_of_the_group_leaves_an_interval():
    """КМ + операционист: OPER holds own (entry) and foreign (papers) functions, so 30 % may or may not be foreign."""
    hours, _, _ = hours_of(staff("K1 KM OP"), {"K1": {"OPER": 0.3, "FARM_REPEAT": 0.7}})
    load = operational_load(hours, ("KM",), 0.05)
    assert load[["oper_hours", "unsure_hours"]].values.tolist() == [[0.0, pytest.approx(48.0)]]


def test_somebody_without_a_chosen_role_is_judged_by_nobody():
    hours, _, norm = hours_of(staff("M1", "K1 KM"), {"M1": {"OPS_ORDER": 1.0}, "K1": {"FARM_REPEAT": 1.0}})
    assert float(sum_mixing(hours, []).iloc[0]["known_hours"]) == 160.0
    assert float(sum_mixing(hours, []).iloc[0]["foreign_share"]) == 0.0
    assert "no_role" in set(flow(hours, norm, 160.0)["kind"])


def test_universal_seller_is_judged_as_the_seller_of_the_type():
    answers = {"U1": {"FARM_REPEAT": 0.5, "HUNT_SELL": 0.5}}
    assert foreign(staff("U1 UNI"), answers, "TC") == 0.5
    assert foreign(staff("U1 UNI"), answers, "S") == 0.0


def test_with_two_types_in_use_only_what_is_foreign_in_both_is_foreign():
    """Order entry is the office seller's in T and allowed in TC; engineering is nobody's in T (—) and foreign in TC."""
    answers = {"S1": {"OPS_ORDER": 0.5, "SOL_FORM": 0.3, "HUNT_SELL": 0.2}}
    assert foreign(staff("S1 SOP"), answers, types=("TC",)) == pytest.approx(0.5)
    assert foreign(staff("S1 SOP"), answers, types=("T", "TC")) == pytest.approx(0.2)


def test_type_shares_take_the_narrower_rule_first():
    """Segment A sells in C, item group «Проекты» in S, the rest in TC: 30, 50, 20 of 100; negative cells nothing."""
    rules = pd.DataFrame({"dimension": ["segment", "sku_group"], "value": ["A", "проекты "], "sale_type": ["C", "S"]})
    revenue = pd.DataFrame(
        {
            "segment": ["A", "A", "B", None, "B"],
            "sku_group": ["Сырьё", "Проекты", "Сырьё", "Проекты", "Брак"],
            "revenue": [30.0, 50.0, 20.0, 0.0, -5.0],
        }
    )
    assert type_shares(rules, revenue, "TC") == pytest.approx({"C": 0.3, "S": 0.5, "TC": 0.2})
    assert type_shares(rules, revenue.iloc[:0], "TC") == {"TC": 1.0}


def test_leavers_are_left_out_and_a_later_start_is_not():
    people = staff(
        "K1 KM", "K2 KM", "K3 KM", K1={"end": "2025-12-30"}, K2={"end": "2025-12-31"}, K3={"start": "2026-01-15"}
    )
    hours, present, _ = hours_of(people, {k: {"FARM_REPEAT": 1.0} for k in ("K1", "K2", "K3")})
    assert list(present["person"]) == ["K2", "K3"]
    assert set(hours["person"]) == {"K2", "K3"}


# --- properties

CODES = [c for c in method().functions if c != "OV_BREAK"]
ROLES = ["KM", "SR", "OP", "SOP", "SUP", "BO", "PM", "GD"]


@st.composite
def companies(draw):
    people, answers = [], {}
    for i in range(draw(st.integers(1, 4))):
        code = f"P{i}"
        people.append(f"{code} {draw(st.sampled_from(ROLES))}")
        weights = draw(st.dictionaries(st.sampled_from(CODES), st.integers(1, 9), min_size=1, max_size=5))
        total = sum(weights.values())
        answers[code] = {f: w / total for f, w in weights.items()}
    return people, answers, draw(st.sampled_from(["T", "TC", "C", "S", "CS"]))


@settings(max_examples=40)
@given(companies())
def test_flow_sums_to_the_hours_of_the_questionnaire(company):
    people, answers, kind = company
    hours, _, norm = hours_of(staff(*people), answers, kind)
    assert flow(hours, norm, 160.0)["hours"].sum() == pytest.approx(160.0 * len(people))
    assert hours["hours"].sum() == pytest.approx(160.0 * len(people))


@settings(max_examples=40)
@given(companies())
def test_relabelling_and_merging_people_changes_no_share(company):
    people, answers, kind = company
    base = foreign(staff(*people), answers, kind)
    renamed = {f"x{p}": v for p, v in reversed(answers.items())}
    assert foreign(staff(*(f"x{p}" for p in reversed(people))), renamed, kind) == pytest.approx(base)
    # The same person twice is one person of double working time.
    first = people[0].split()[0]
    double = [*people, people[0].replace(first, "twin", 1)]
    merged = staff(*people, **{first: {"fte": 2.0}})
    assert foreign(staff(*double), {**answers, "twin": answers[first]}, kind) == pytest.approx(
        foreign(merged, answers, kind)
    )


@settings(max_examples=40)
@given(companies())
def test_an_hour_moved_from_foreign_to_own_work_never_raises_foreign_share(company):
    people, answers, kind = company
    hours, _, _ = hours_of(staff(*people), answers, kind)
    alien = hours[hours["kind"] == "foreign"]
    own = hours[hours["kind"] == "own"]
    both = set(alien["person"]) & set(own["person"])
    if not both:
        return
    person = sorted(both)[0]
    a = alien[alien["person"] == person]["function"].iloc[0]
    b = own[own["person"] == person]["function"].iloc[0]
    moved = {p: dict(f) for p, f in answers.items()}
    step = moved[person][a] / 2
    moved[person][a] -= step
    moved[person][b] += step
    assert foreign(staff(*people), moved, kind) <= foreign(staff(*people), answers, kind) + 1e-12


@settings(max_examples=40)
@given(companies())
def test_effective_roles_equal_the_exponential_of_scipys_entropy(company):
    import numpy as np
    from scipy.stats import entropy

    people, answers, kind = company
    hours, _, _ = hours_of(staff(*people), answers, kind)
    mix = owner_mix(hours)
    for row in effective_roles(hours).to_dict("records"):
        parts = mix[mix["person"] == row["person"]]["hours"].to_numpy()
        assert row["effective_roles"] == pytest.approx(float(np.exp(entropy(parts))), rel=1e-9)
        assert row["max_share"] == pytest.approx(parts.max() / parts.sum())
