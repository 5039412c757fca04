"""Relief with a pencil, capacity by the formula, what freed time is worth, what if."""

from __future__ import annotations

import pandas as pd
import pytest

from audit.chapters.roles.measure import diagnose, what_if
from audit.chapters.roles.relief import capacity_uplift, relief, relief_kinds, transferable_shares
from audit.chapters.roles.verdicts import judge
from audit.chapters.roles.whatif import apply_change
from audit.errors import ParameterError
from audit.method import method
from tests.roles_tables import case_of, hours_of, orders, staff

PEOPLE = staff("K1 KM", "K2 KM", "O1 OP", "B1 BO")
ANSWERS = {
    "K1": {"OPS_ORDER": 0.40, "FARM_REPEAT": 0.50, "OV_MEET": 0.10},
    "K2": {"OPS_DOCS": 0.20, "OPS_CRM": 0.10, "FARM_REPEAT": 0.70},
    "O1": {"OPS_ORDER": 0.80, "OV_WAIT": 0.20},
    "B1": {"OPS_DOCS": 1.0},
}


def test_transferable_shares_of_the_functions_are_the_thresholds():
    tau = transferable_shares(method().thresholds)
    for code, f in method().functions.items():
        assert (code in tau) == (f.group == "OPER")
        if f.transferable is not None:
            assert tau[code] == f.transferable, code


def test_relief_with_a_pencil():
    """Entry 64 h × 0.9 = 57.6; papers 32 h × 0.95 = 30.4; CRM 16 h less 8 h own notes = 8 h × 0.6 = 4.8: 92.8 h.

    Low: 64·0.7 + 32·0.8 + 8·0.4 = 73.6; high: 64 + 32 + 8·0.8 = 102.4. The clerk waits 32 h.
    A person's useful hours: 160 × 0.85 = 136. Relief 92.8 ÷ 136 = 0.682, missing (92.8 − 32) ÷ 136 = 0.447.
    EK: K1 frees min(57.6; 20 % of 160 = 32), K2 min(35.2; 32) = 32: 64 ÷ 160 = 0.4 people; by the ratio 2 ÷ 5 = 0.4.
    """
    result = diagnose(case_of(PEOPLE, ANSWERS))
    pencil = result.tables["relief"].set_index("function")
    assert pencil["base"].to_dict() == pytest.approx({"OPS_ORDER": 57.6, "OPS_DOCS": 30.4, "OPS_CRM": 4.8})
    assert pencil["receiver"].to_dict() == {"OPS_ORDER": "OP", "OPS_DOCS": "BO", "OPS_CRM": "BO"}
    fte, missing = result.metrics["roles.relief_fte"], result.metrics["roles.relief_shortage_fte"]
    assert (fte.low, fte.value, fte.high) == pytest.approx((73.6 / 136, 92.8 / 136, 102.4 / 136))
    assert (missing.low, missing.value, missing.high) == pytest.approx((41.6 / 136, 60.8 / 136, 70.4 / 136))
    assert (fte.extra["ek_rule_fte"], fte.extra["ek_rule_people"]) == pytest.approx((0.4, 0.4))
    freed = result.tables["freed"].set_index("person")
    assert freed["freed_share"].to_dict() == pytest.approx({"K1": 57.6 / 160, "K2": 35.2 / 160})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"roles.utilisation": 1.0}, 92.8 / 160),
        ({"roles.transferable_OPS_ORDER": {"low": 0.1, "base": 0.5, "high": 0.5}}, (92.8 - 64 * 0.4) / 136),
        ({"roles.own_crm_notes_share": 0.0}, (92.8 + 8 * 0.6) / 136),
    ],
)
def test_every_parameter_of_the_relief_matters(change, expected):
    m = diagnose(case_of(PEOPLE, ANSWERS, thresholds=change)).metrics["roles.relief_fte"]
    assert m.value == pytest.approx(expected)


def test_eks_rule_takes_its_two_numbers_from_the_thresholds():
    m = diagnose(
        case_of(PEOPLE, ANSWERS, thresholds={"roles.relief_per_managers": 4, "roles.relief_max_freed_share": 0.1})
    ).metrics["roles.relief_fte"]
    assert (m.extra["ek_rule_fte"], m.extra["ek_rule_people"]) == pytest.approx((0.2, 0.5))


def test_shortage_is_never_below_zero():
    freed = pd.DataFrame(
        {"person": ["K1"], "hours": [160.0], "low": [10.0], "base": [20.0], "high": [50.0], "ek_hours": [20.0]}
    )
    r = relief(freed, 30.0, hours_per_month=160.0, utilisation=1.0, per_managers=5.0)
    assert r.shortage_fte == pytest.approx((0.0, 0.0, 20 / 160))


def test_capacity_uplift_by_the_formula():
    """s = 0.5, Δ = 0.3, φ = 0.7, ε = 0.34: (0.71 ÷ 0.5)^0.34 − 1 = 12.66 %; exact inputs leave no interval."""
    up = capacity_uplift(0.5, (0.3,) * 3, (0.7,) * 3, (0.34,) * 3, 2.0, draws=500, seed=1)
    assert up.base == pytest.approx((0.71 / 0.5) ** 0.34 - 1) == pytest.approx(0.12662, abs=1e-5)
    assert (up.low, up.high) == pytest.approx((up.base, up.base))
    wide = capacity_uplift(0.5, (0.2, 0.3, 0.4), (0.3, 0.7, 1.0), (0.1, 0.34, 0.6), 2.0, draws=20000, seed=1)
    assert 0 < wide.low < up.base < wide.high < (0.9 / 0.5) ** 0.6 - 1
    # Selling time at most doubles: s = 0.1, Δ = 0.5 would be 4.5 times.
    assert capacity_uplift(0.1, (0.5,) * 3, (0.7,) * 3, (0.34,) * 3, 2.0, draws=10, seed=1).base == pytest.approx(
        2**0.34 - 1
    )
    with pytest.raises(ValueError, match="selling"):
        capacity_uplift(0.0, (0.5,) * 3, (0.7,) * 3, (0.34,) * 3, 2.0, draws=10, seed=1)


def test_capacity_in_the_chapter_and_its_parameters():
    """s = (80 + 112) ÷ 320 = 0.6; Δ = 92.8 ÷ 320 = 0.29, counted up to EK's 0.20."""
    base = diagnose(case_of(PEOPLE, ANSWERS)).metrics["roles.capacity_uplift"]
    assert base.extra["selling_share"] == pytest.approx(0.6)
    assert base.value == pytest.approx(((0.6 + 0.7 * 0.2) / 0.6) ** 0.34 - 1)
    assert base.low < base.value < base.high
    for change, value in (
        ({"roles.reinvested_share": {"low": 0.1, "base": 0.5, "high": 0.6}}, ((0.6 + 0.5 * 0.2) / 0.6) ** 0.34 - 1),
        (
            {"roles.selling_time_elasticity": {"low": 0.1, "base": 0.2, "high": 0.6}},
            ((0.6 + 0.7 * 0.2) / 0.6) ** 0.2 - 1,
        ),
        ({"roles.capacity_max_time_ratio": 1.1}, 1.1**0.34 - 1),
    ):
        assert diagnose(case_of(PEOPLE, ANSWERS, thresholds=change)).metrics[
            "roles.capacity_uplift"
        ].value == pytest.approx(value)
    fewer = diagnose(case_of(PEOPLE, ANSWERS, thresholds={"roles.capacity_draws": 50})).metrics["roles.capacity_uplift"]
    assert fewer.value == base.value and fewer.low != base.low


def sale(client, day, amount, group="A", manager="K1", **more):
    return {
        "order_id": f"{client}{day}{group}",
        "order_date": day,
        "client_id": client,
        "amount": amount,
        "sku_group": group,
        "manager": manager,
        "margin": amount / 4,
        **more,
    }


def test_money_of_the_uplift_rests_on_the_managers_clients_with_room_to_grow():
    """As of 31.12.2025. up: 90 in 2024, 100 in 2025: its best; down: 100 → 70, below 0.8 of its best: room.

    rich: our share of the budget is 85 %: none although it fell; other: K2's is a client manager's, too; dev: the
    developer's, not counted. Margin is a quarter: down 17.5 + other 5 (50 → 20) = 22.5 with room.
    """
    lines = [
        sale("up", "2024-05-05", 90),
        sale("up", "2025-05-05", 100),
        sale("down", "2024-05-05", 100),
        sale("down", "2025-05-05", 70),
        sale("rich", "2024-05-05", 100),
        sale("rich", "2025-05-05", 60),
        sale("other", "2024-05-05", 50, manager="K2"),
        sale("other", "2025-05-05", 20, manager="K2"),
        sale("dev", "2024-05-05", 900, manager="R1"),
        sale("dev", "2025-05-05", 100, manager="R1"),
        sale("end", "2023-12-01", 1),
        sale("end", "2025-12-31", 1),
    ]
    keys = [{"client_id": "rich", "lead": "K1", "wallet_share": 0.85}]
    people = [*PEOPLE, *staff("R1 SR")]

    def able(**change):
        t = diagnose(case_of(people, ANSWERS, lines=lines, key_clients=keys, thresholds=change)).tables[
            "clients_with_room"
        ]
        return set(t.loc[t["room"] == True, "client_key"])  # noqa: E712 - an object column

    assert able() == {"down", "other"}
    assert able(**{"base.room_full_wallet": 0.9}) == {"down", "other", "rich"}
    assert able(**{"base.room_below_best": 0.5}) == {"other"}
    case = case_of(people, ANSWERS, lines=lines, key_clients=keys)
    result = diagnose(case)
    growth = result.facts["growth"]
    assert (growth["worth_with_room"], growth["clients_with_room"]) == (pytest.approx(22.5), 2)
    assert growth["lacking_share"] is None and growth["counted"] == growth["possible"]
    e = {f.id: f for f in judge(case, result)}["roles.km_overload"].effect
    m = result.metrics["roles.capacity_uplift"]
    assert e.pool == "clients" and set(e.shares["client_key"]) == {"down", "other"}
    assert e.base == pytest.approx(22.5 * m.value, rel=0.1)


def test_freed_hours_count_up_to_what_the_touch_norm_lacks():
    """320 h, 104 of them operational and foreign; one client: 1 touch of 60 minutes needs 1 h of the 216 left: nothing
    is lacking. 250 touches need 250 h, 34 more than are left: 0.106 of the hours, below EK's 0.20."""
    lines = [sale("a", "2025-05-05", 100), sale("a", "2023-05-05", 900), sale("a", "2025-12-31", 1)]

    def growth(touches):
        company = {"touches_per_client_month": touches, "minutes_per_touch": 60}
        result = diagnose(case_of(PEOPLE, ANSWERS, lines=lines, company=company))
        return result.facts["growth"], result.metrics["roles.km_operational_share"].extra["operational_hours"]

    spare, operational = growth(1)
    assert spare["lacking_share"] == 0 and spare["counted"] == [0, 0, 0]
    busy, operational = growth(250)
    assert busy["lacking_share"] == pytest.approx((250 - (320 - operational)) / 320)
    assert busy["counted"][2] == pytest.approx(min(busy["lacking_share"], 0.2))


def test_what_clients_bring_is_gross_profit_where_the_margin_is_known_else_revenue():
    lines = [
        {k: v for k, v in sale("a", d, x).items() if k != "margin"}
        for d, x in (("2024-02-01", 100), ("2025-12-31", 50))
    ]
    lines.append({**lines[0], "order_date": "2023-12-01", "order_id": "z"})
    assert diagnose(case_of(PEOPLE, ANSWERS, lines=lines)).facts["growth"]["worth_all"] == pytest.approx(50.0)
    stated = diagnose(case_of(PEOPLE, ANSWERS, lines=lines, company={"gross_margin_share": 0.2}))
    assert stated.facts["growth"]["worth_all"] == pytest.approx(10.0)


# --- what if


def test_moving_order_entry_to_the_clerk():
    """K1's 64 h: 57.6 h leave. They fill the clerk's 32 idle hours, 25.6 h need new hands: 25.6 ÷ 136 = 0.19.

    КМ after: (6.4 + 32 + 8) ÷ 320 = 0.145; before (64 + 32 + 8) ÷ 320 = 0.325.
    Own hours: 70 % of 57.6 = 40.3 back to repeat sales.
    """
    result = what_if(case_of(PEOPLE, ANSWERS), move_functions={"OPS_ORDER": "OP"})
    t = result.tables["what_if"].set_index("measure")
    assert list(t.loc["roles.km_operational_share"]) == pytest.approx([0.325, 46.4 / 320])
    assert list(t.loc["selling_share"]) == pytest.approx([0.6, (192 + 0.7 * 57.6) / 320])
    assert t.loc["hours_handed_over", "after"] == pytest.approx(57.6)
    assert t.loc["new_people_fte", "after"] == pytest.approx(25.6 / 136)
    assert t.loc["roles.foreign_share", "after"] < t.loc["roles.foreign_share", "before"]
    # The chapter itself stays with what is.
    assert result.metrics["roles.km_operational_share"].value == pytest.approx(0.325)


def test_adding_half_a_person_takes_what_that_person_can_carry():
    """0.5 × 160 × 0.85 = 68 of 92.8 transferable hours: КМ left with 104 − 68 = 36 of 320 h."""
    t = what_if(case_of(PEOPLE, ANSWERS), add_relief_fte=0.5).tables["what_if"].set_index("measure")
    assert list(t.loc["roles.km_operational_share"]) == pytest.approx([0.325, 36 / 320])
    assert t.loc["new_people_fte", "after"] == pytest.approx(0.5)
    # Five people cannot take more than there is.
    t = what_if(case_of(PEOPLE, ANSWERS), add_relief_fte=5).tables["what_if"].set_index("measure")
    assert t.loc["hours_handed_over", "after"] == pytest.approx(92.8)


def test_change_keeps_the_hours_of_the_people_who_were_there():
    hours, _, norm = hours_of(PEOPLE, ANSWERS)
    tau = transferable_shares(method().thresholds)
    rules = {"hours_per_month": 160.0, "utilisation": 0.85, "reinvested": 0.7}
    change = apply_change(hours, norm, tau, moves={"OPS_ORDER": "OP"}, add_relief_fte=0.1, **rules)
    old = change.hours[~change.hours["person"].str.startswith("+")]
    assert old.groupby("person")["hours"].sum().to_dict() == pytest.approx({p: 160.0 for p in ("K1", "K2", "O1", "B1")})
    new = change.hours[change.hours["person"].str.startswith("+")]
    assert new["hours"].sum() == pytest.approx(change.new_hands_hours + change.relief_hours)


def test_without_a_change_there_is_no_what_if_and_nonsense_is_refused():
    case = case_of(PEOPLE, ANSWERS)
    assert "what_if" not in what_if(case).tables
    with pytest.raises(ParameterError, match="OPS_ORDR"):
        what_if(case, move_functions={"OPS_ORDR": "OP"})
    with pytest.raises(ParameterError, match="OPP"):
        what_if(case, move_functions={"OPS_ORDER": "OPP"})
    with pytest.raises(ParameterError, match="add_relief_fte"):
        what_if(case, add_relief_fte=-1)
    assert "what_if" not in what_if(case_of(None, lines=orders(40)), add_relief_fte=1).tables


def test_the_kinds_of_relief_have_their_own_people() -> None:
    """120 h of useful work a post: 60 + 30 h of entry and CRM, 30 h of chasing, 12 h of claims, which are of no kind."""
    hours = {"OPS_ORDER": 60.0, "OPS_CHASE": 30.0, "OPS_CRM": 30.0, "OPS_CLAIM": 12.0, "OPER": 6.0}
    pencil = pd.DataFrame(
        {"function": list(hours), "low": [h / 2 for h in hours.values()], "base": list(hours.values()), "high": 100.0}
    )
    kinds = relief_kinds(pencil, 120.0).set_index("kind")
    assert kinds["base"].to_dict() == {"clerk": 0.75, "coordinator": 0.25, "other": pytest.approx(0.15)}
    assert kinds["hours"].sum() == sum(hours.values())
    assert kinds.loc["clerk", ["low", "high"]].tolist() == [0.375, pytest.approx(200 / 120)]
