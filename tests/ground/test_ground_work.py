"""The work of an order: hours and money per order, by hand and against known truth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from audit.ground.answers import read_answers
from audit.ground.work import _order_work, order_work
from tests.roles_tables import case_of, orders, staff

PEOPLE = staff(
    "K1 KM", "O1 OP", "B1 BO", K1={"cost_month": 80_000}, O1={"cost_month": 48_000}, B1={"cost_month": 48_000}
)
ANSWERS = {
    "K1": {"FARM_REPEAT": 0.5, "OPS_ORDER": 0.25, "OPS_CHASE": 0.25},
    "O1": {"OPS_ORDER": 0.5, "OPS_CRM": 0.5},
    "B1": {"OPS_DOCS": 1.0},
}


def test_hours_and_money_per_order_by_pencil():
    """240 orders in 12 months are 20 a month. Hours: K1 40 + 40, O1 80 + 80, B1 160: 400 a month, 20 an order.

    An hour costs 500 (K1) and 300: (80·500 + 160·300 + 160·300) ÷ 20 = 136 000 ÷ 20 = 6 800 an order.
    """
    work = order_work(case_of(PEOPLE, ANSWERS, lines=orders(240)))
    assert work.documents == pytest.approx(20)
    assert work.hours_per_order == pytest.approx(20)
    assert work.cost_per_order == pytest.approx(6_800)
    assert list(work.steps["step"]) == ["entry", "chase", "papers", "other"]
    assert list(work.steps["hours"]) == pytest.approx([120, 40, 160, 80])
    assert list(work.steps["km_hours"]) == pytest.approx([40, 40, 0, 0])
    assert work.steps["hours"].sum() == pytest.approx(work.hours)


def test_hours_without_a_cost_count_as_the_others_and_too_many_of_them_leave_no_cost():
    """Without B1's cost 240 of 400 hours are priced, 60 %: too few. Without K1's 320 of 400, 80 %: 300 an hour for all."""
    without_b1 = [r | ({"cost_month": None} if r["person"] == "B1" else {}) for r in PEOPLE]
    work = order_work(case_of(without_b1, ANSWERS, lines=orders(240)))
    assert work.cost_per_order is None and work.cost_known_share == pytest.approx(0.6)
    without_k1 = [r | ({"cost_month": None} if r["person"] == "K1" else {}) for r in PEOPLE]
    assert order_work(case_of(without_k1, ANSWERS, lines=orders(240))).cost_per_order == pytest.approx(20 * 300)
    looser = case_of(without_b1, ANSWERS, lines=orders(240), thresholds={"roles.author_min_share": {"value": 0.5}})
    assert order_work(looser).cost_per_order is not None


def test_hours_given_as_operational_work_count_and_nobody_with_any_is_said():
    by_group = {"K1": {"OPER": 0.5, "FARM": 0.5}, "O1": {"OPER": 1.0}, "B1": {"OPER": 1.0}}
    work = order_work(case_of(PEOPLE, by_group, lines=orders(240)))
    assert work.hours_per_order == pytest.approx(20) and list(work.steps["step"]) == ["other"]
    none = order_work(case_of(staff("K1 KM"), {"K1": {"FARM_REPEAT": 1.0}}, lines=orders(240)))
    assert none.reason is not None and "операционной" in none.reason.ru
    assert order_work(case_of(None, lines=orders(240))).reason is not None


def test_limits_cover_the_true_hours_told_from_memory():
    """Twelve people whose true share of operational work is known tell it with the error of a self-report: a standard
    error of 0.14·√(p(1 − p)) each. The limits hold the true hours per order in 95 of 100 companies, give or take."""
    rng = np.random.default_rng(20)
    true = np.concatenate([rng.uniform(0.2, 0.6, 6), rng.uniform(0.7, 0.95, 6)])
    people = staff(*(f"K{i} KM" for i in range(6)), *(f"O{i} OP" for i in range(6)))
    names = [str(r["person"]) for r in people]
    case = case_of(people, {n: {"OPER": 1.0} for n in names}, lines=orders(240))
    answers = read_answers(case)
    truth = 160 * float(true.sum()) / 20
    held = 0
    runs = 400
    for _ in range(runs):
        cases = 51.0
        told = rng.beta(true * (cases - 1), (1 - true) * (cases - 1))  # its variance is p(1 − p) ÷ cases
        hours = answers.hours.assign(hours=160 * told)
        rest = answers.hours.assign(hours=160 * (1 - told), group="FARM", function="FARM")
        work = _order_work(case, dataclasses.replace(answers, hours=pd.concat([hours, rest], ignore_index=True)))
        held += work.low / 20 <= truth <= work.high / 20
    assert 0.95 <= held / runs <= 1.0
