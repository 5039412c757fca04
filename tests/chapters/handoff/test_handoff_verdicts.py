"""Verdicts on hand-offs: found, watched, clear, not assessed, and every threshold of the chapter."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audit.chapters import verdicts_on
from audit.chapters.handoff.measure import diagnose
from audit.findings.finding import Finding
from audit.model.result import metric
from tests.case_builder import make_case

STAFF = [
    {"person": "S1", "role": "SR"},
    {"person": "K1", "role": "KM"},
    {"person": "K2", "role": "KM"},
    {"person": "T1", "role": "TM"},
    {"person": "P1", "role": "PM"},
]
START = dt.date(2023, 1, 1)


def purchases(
    client: str, first: int, gap: int, count: int, handed_at: int | None, seller: str = "K1"
) -> list[dict[str, Any]]:
    """Orders of one client: the developer S1 up to the purchase before ``handed_at``, then the seller."""
    out = []
    for i in range(count):
        who = "S1" if handed_at is None or i + 1 < handed_at else seller
        day = START + dt.timedelta(days=first + gap * i)
        out.append({"client_id": client, "order_date": day.isoformat(), "amount": 1000, "manager": who})
    return out


def company(handed: float = 1.0, lost: float = 0.0, k: int = 2, n: int = 120, seed: int = 7) -> list[dict[str, Any]]:
    """Old clients of K1 and K2, and ``n`` new ones: a share handed over after purchase k, a share of these lost
    then."""
    rng = np.random.default_rng(seed)
    out: list[dict[str, Any]] = []
    for i in range(20):
        out += purchases(f"old{i}", 3 + i, 40, 25, 1, f"K{i % 2 + 1}")
    for i in range(n):
        first, gap = 250 + int(rng.integers(0, 600)), int(rng.integers(25, 36))
        at = k + 1 if rng.random() < handed else None
        count = k + 1 if at is not None and rng.random() < lost else 10
        out += purchases(f"new{i}", first, gap, count, at)
    last = (START + dt.timedelta(days=1094)).isoformat()
    return [r for r in out if r["order_date"] <= last] + [
        {"client_id": "old0", "order_date": last, "amount": 1000, "manager": "K1"}
    ]


def rules(**more: Any) -> list[dict[str, Any]]:
    said = {"trigger": "TRG_N_SALES", "k": 2, "form": "GRADUAL", "documented": "yes", **more}
    return [
        {"from_role": "TM", "to_role": "SR", "documented": "yes", "trigger": "TRG_FIT"},
        {"from_role": "SR", "to_role": "KM", **said},
    ]


def verdicts(
    orders: list[dict[str, Any]],
    handoffs: list[dict[str, Any]] | None,
    thresholds: dict[str, Any] | None = None,
    sale_type: str = "TC",
    staff: list[dict[str, Any]] | None = STAFF,
) -> dict[str, Finding]:
    q: dict[str, Any] = {"company": {"sale_type": sale_type}}
    q |= {"handoffs": handoffs} if handoffs is not None else {}
    q |= {"staff": staff} if staff is not None else {}
    settings = {"thresholds": {"general.bootstrap_draws": 200, **(thresholds or {})}}
    case = make_case(orders, q, settings)
    out = {f.id.split(".")[1]: f for f in verdicts_on(case, diagnose(case))}
    case.close()
    return out


SMALL = company(n=5)


def test_a_rule_is_found_missing_watched_in_part_and_clear() -> None:
    assert verdicts(SMALL, rules(documented="no"))["no_rule"].status == "found"
    assert verdicts(SMALL, rules()[:1])["no_rule"].status == "found"  # the pair is not on the sheet at all
    assert verdicts(SMALL, rules(documented="partly"))["no_rule"].status == "watch"
    assert verdicts(SMALL, rules())["no_rule"].status == "clear"
    f = verdicts(SMALL, None)["no_rule"]
    assert f.status == "not_assessed" and f.reason is not None and "«Передачи»" in f.reason.ru
    lenient = {"handoff.no_rule": {"watch": 2, "found": 3}}
    assert verdicts(SMALL, rules(documented="no"), lenient)["no_rule"].status == "watch"


def test_the_form_matters_in_consultative_sales_only() -> None:
    assert verdicts(SMALL, rules(form="SCRIPT"), sale_type="C")["form_mismatch"].status == "found"
    assert verdicts(SMALL, rules(form="GRADUAL"), sale_type="C")["form_mismatch"].status == "clear"
    assert verdicts(SMALL, rules(form="SCRIPT"))["form_mismatch"].status == "not_assessed"
    none = verdicts(SMALL, rules(documented="no", form="NONE"), sale_type="C")
    assert none["form_mismatch"].status == "not_assessed" and none["no_rule"].status == "found"


def test_the_rule_is_followed_or_not() -> None:
    on_time = company(handed=1.0)
    assert verdicts(on_time, rules())["rule_not_followed"].status == "clear"
    # The rule says after the first purchase, all are handed after the second.
    off = verdicts(on_time, rules(k=1))["rule_not_followed"]
    assert off.status == "found" and off.facts["kept"] == 0 and off.facts["late"] == off.facts["n"]
    # 70 % are handed in time: 30 % off the rule, between 20 and 40.
    assert verdicts(company(handed=0.7), rules())["rule_not_followed"].status == "watch"
    strict = {"handoff.rule_not_followed": {"watch": 0.01, "found": 0.1}}
    assert verdicts(company(handed=0.7), rules(), strict)["rule_not_followed"].status == "found"


def test_what_following_the_rule_needs() -> None:
    def reason(**kw: Any) -> str:
        f = verdicts(**{"orders": company(n=40), "handoffs": rules(), **kw})["rule_not_followed"]
        assert f.status == "not_assessed" and f.reason is not None
        return f.reason.ru

    assert "«Передачи»" in reason(handoffs=None)
    assert "проверить по заказам" in reason(handoffs=rules(trigger="TRG_DEAL", k=None))
    assert "«Сотрудники»" in reason(staff=None)
    no_manager = [{k: v for k, v in r.items() if k != "manager"} for r in SMALL]
    assert "«ответственный менеджер»" in reason(orders=no_manager)
    label = [{**r, "manager": "K1" if r["client_id"] < "new2" else "S1"} for r in SMALL]
    assert "ни у одного клиента не меняется" in reason(orders=label)
    assert "нужно не меньше 20" in reason(orders=SMALL)


def test_loss_after_a_hand_off() -> None:
    f = verdicts(company(handed=0.5, lost=0.6, n=200), rules())["loss"]
    assert f.status == "found" and f.effect is not None and f.effect.basis == "revenue"
    assert f.effect.low <= f.effect.base <= f.effect.high
    assert f.effect.pool == "clients"
    # No margin is known here: excess × annual revenue of the clients handed over in the last year, on the clients still
    # away, on each at most what it brought in its last year.
    e = f.effect
    assert e.drawn is not None and e.shares is not None
    whole = e.inputs["handoff.loss_difference"] * e.inputs["annual_revenue"]
    assert float(np.median(e.drawn)) == pytest.approx(whole, rel=0.02)
    assert e.base == pytest.approx(float(np.minimum(e.shares["share"] * whole, e.shares["cap"]).sum()), rel=0.02)


def test_no_loss_is_not_found_and_too_wide_an_interval_says_nothing() -> None:
    same = company(handed=0.5, lost=0.0, n=200)
    usual = verdicts(same, rules())["loss"]
    # Nobody is lost on either side: the difference is 0, Newcombe's interval takes it in.
    assert usual.status == "unclear" and usual.facts["low"] < 0 < usual.facts["high"]
    wide = verdicts(same, rules(), {"handoff.max_half_width": 0.0001})["loss"]
    assert wide.status == "not_assessed" and wide.reason is not None and "процентных пунктов" in wide.reason.ru


@pytest.mark.parametrize(("twice_low", "status"), [(0.15, "watch"), (0.0, "not_assessed"), (None, "not_assessed")])
def test_a_wide_interval_is_watched_where_the_longer_clock_tells(twice_low: float | None, status: str) -> None:
    # Two gaps: 16 points more are lost, between −1 and 32: half-width 16.5, more than 15, and zero is inside.
    case = make_case(company(handed=0.5, n=60), {"company": {"sale_type": "TC"}, "staff": STAFF, "handoffs": rules()})
    result = diagnose(case)
    loss = metric(
        "handoff.loss_difference",
        0.16,
        low=-0.01,
        high=0.32,
        n=91,
        handed=0.42,
        kept=0.26,
        controls=87,
        unmatched=26,
        loss_gaps=2.0,
        twice_value=0.28,
        twice_low=twice_low,
    )
    changed = replace(result, metrics={**result.metrics, "handoff.loss_difference": loss})
    found = {f.id: f for f in verdicts_on(case, changed)}["handoff.loss"]
    case.close()
    assert found.status == status


def test_the_bands_of_the_loss_matter() -> None:
    data = company(handed=0.5, lost=0.6, n=200)
    assert verdicts(data, rules(), {"handoff.loss": {"watch": 0.95, "found": 0.95}})["loss"].status == "clear"
    # A clock of forty gaps does not fit before the end of the data for anybody.
    assert verdicts(data, rules(), {"handoff.loss_gaps": 40})["loss"].status == "not_assessed"


def test_all_handed_on_one_purchase_leaves_nobody_to_compare_with() -> None:
    f = verdicts(company(handed=1.0), rules())["loss"]
    assert f.status == "not_assessed" and f.reason is not None and "Сравнить не с кем" in f.reason.ru
