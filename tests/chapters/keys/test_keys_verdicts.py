"""Verdicts on key clients: found, watched, clear, not assessed, and every threshold of the chapter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audit.chapters import verdicts_on
from audit.chapters.keys.measure import diagnose
from audit.findings.finding import Finding
from tests.case_builder import make_case

STAFF = [{"person": "K1", "role": "KM"}, {"person": "K2", "role": "KM"}, {"person": "S1", "role": "SR"}]
GOOD = {
    "lead": "K1",
    "backup": "K2",
    "influence": True,
    "file_share": 0.9,
    "decision_maker_known": True,
    "buying_centre_share": 0.8,
    "plan": True,
    "plan_items": 6,
    "plan_horizon_months": 24,
    "acquired_by": "K1",
    "pay_rate": "same",
}
BAD: dict[str, dict[str, Any]] = {
    "no_file": {"file_share": 0.2},
    "no_buying_centre": {"decision_maker_known": False},
    "no_plan": {"plan": False},
    "no_backup": {"backup": None},
    "no_influence": {"influence": False},
    "disincentive": {"pay_rate": "lower"},
}


def verdicts(rows: list[dict[str, Any]] | None, thresholds: dict[str, Any] | None = None) -> dict[str, Finding]:
    orders = [{"client_id": f"C{i}", "order_date": "2024-06-01", "amount": 100} for i in range(30)]
    q = {"staff": STAFF} | ({"key_clients": rows} if rows is not None else {})
    case = make_case(orders, q, {"thresholds": thresholds or {}})
    out = {f.id.split(".")[1]: f for f in verdicts_on(case, diagnose(case))}
    case.close()
    return out


def listed(n: int, bad: int = 0, change: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return [{**GOOD, "client_id": f"C{i}", **((change or {}) if i < bad else {})} for i in range(n)]


@pytest.mark.parametrize("name", list(BAD))
def test_each_share_has_its_three_verdicts(name: str) -> None:
    # Of ten clients: file, centre, plan and backup are watched from 15 % and found from 30 %, the others 20 % and 40 %.
    found, watch = (3, 2) if name not in ("no_influence", "disincentive") else (4, 2)
    assert verdicts(listed(10, found, BAD[name]))[name].status == "found"
    assert verdicts(listed(10, watch, BAD[name]))[name].status == "watch"
    assert verdicts(listed(10, 1, BAD[name]))[name].status == "clear"
    others = {k: f.status for k, f in verdicts(listed(10, found, BAD[name])).items() if k != name}
    assert set(others.values()) == {"clear"}


@pytest.mark.parametrize("name", list(BAD))
def test_each_band_matters(name: str) -> None:
    found = 3 if name not in ("no_influence", "disincentive") else 4
    changed = verdicts(listed(10, found, BAD[name]), {f"keys.{name}": {"watch": 0.8, "found": 0.9}})
    assert changed[name].status == "clear"


def test_sixteen_clients_are_too_many_thirteen_are_watched() -> None:
    assert verdicts(listed(16))["too_many"].status == "found"
    assert verdicts(listed(15))["too_many"].status == "watch"
    assert verdicts(listed(13))["too_many"].status == "watch"
    assert verdicts(listed(12))["too_many"].status == "clear"
    assert verdicts(listed(16), {"keys.too_many": {"watch": 20, "found": 25}})["too_many"].status == "clear"
    # Sixteen on the list, two of them beyond influence: fourteen count.
    assert verdicts(listed(16, 2, BAD["no_influence"]))["too_many"].status == "watch"


def test_the_limits_inside_a_client_matter() -> None:
    rows = listed(10, 4, {"file_share": 0.6, "buying_centre_share": 0.6})
    assert verdicts(rows)["no_file"].status == "found" and verdicts(rows)["no_buying_centre"].status == "clear"
    changed = verdicts(rows, {"keys.file_min_share": 0.5, "keys.buying_centre_min_share": 0.7})
    assert changed["no_file"].status == "clear" and changed["no_buying_centre"].status == "found"


def test_weak_plans_are_watched_and_never_found() -> None:
    rows = listed(10, 9, {"plan_horizon_months": 6})
    assert verdicts(rows)["no_plan"].status == "watch"
    assert verdicts(rows, {"keys.plan_min_months": 3})["no_plan"].status == "clear"
    few = listed(10, 9, {"plan_items": 3})
    assert verdicts(few)["no_plan"].status == "watch"
    assert verdicts(few, {"keys.plan_min_items": 2})["no_plan"].status == "clear"


def test_unanswered_cells_keep_a_verdict_open() -> None:
    # Four of ten have no file, six are not answered: at least 40 % is found whatever the rest says.
    rows = [{**r, "file_share": 0.2 if i < 4 else None} for i, r in enumerate(listed(10))]
    assert verdicts(rows, {"keys.min_clients": 4})["no_file"].status == "found"
    # One of ten bad, three good, six unknown: between 10 % and 70 %, a quarter of those answered.
    rows = [{**r, "file_share": (0.2, 0.9, 0.9, 0.9)[i] if i < 4 else None} for i, r in enumerate(listed(10))]
    assert verdicts(rows, {"keys.min_clients": 4})["no_file"].status == "watch"
    rows = [{**r, "file_share": 0.9 if i < 4 else None} for i, r in enumerate(listed(10))]
    unknown = verdicts(rows, {"keys.min_clients": 4})["no_file"]  # none to six of ten: answers would tell, not clients
    assert unknown.status == "unclear" and unknown.doubt is not None and unknown.doubt.units is None
    assert verdicts(rows)["no_file"].status == "not_assessed"  # four answered, five are needed


def test_without_the_sheet_nothing_is_assessed_and_the_sheet_is_named() -> None:
    for f in verdicts(None).values():
        assert f.status == "not_assessed" and f.reason is not None and "«Ключевые клиенты»" in f.reason.ru


def test_severity_follows_the_revenue_of_the_clients_concerned() -> None:
    # Four of the thirty equal clients: 13 % of revenue, ten percent and more make it major.
    assert verdicts(listed(10, 4, BAD["no_backup"]))["no_backup"].severity == "major"
    assert verdicts(listed(10, 2, BAD["no_backup"]))["no_backup"].severity == "minor"


@pytest.mark.parametrize("name", ["no_file", "no_buying_centre", "no_plan", "disincentive"])
def test_a_known_wallet_prices_what_planned_work_can_win(name: str) -> None:
    rows = [{**r, "wallet_share": 0.25} if i < 2 else r for i, r in enumerate(listed(10, 5, BAD[name]))]
    e = verdicts(rows)[name].effect
    # Two of the five concerned told their wallet; the middle of the triangle 5, 10, 20 % is 11.3 %.
    assert e is not None and e.pool == "clients" and e.shares is not None and e.drawn is not None
    assert e.shares["client_key"].tolist() == ["C0", "C1"]
    middle = 0.2 - (0.5 * 0.15 * 0.1) ** 0.5
    assert float(np.median(e.drawn)) == pytest.approx(e.inputs["headroom"] * middle, rel=0.02)
    assert verdicts(listed(10, 5, BAD[name]))[name].effect is None, "nobody's wallet is known"


def test_a_list_that_is_too_long_is_priced_by_those_who_are_to_go_to_somebody_else() -> None:
    # Sixteen equal clients of one manager: the last by name is beyond the fifteen that one person can lead.
    rows = [{**r, "wallet_share": 0.25} for r in listed(16)]
    e = verdicts(rows)["too_many"].effect
    assert e is not None and e.shares is not None and e.shares["client_key"].tolist() == ["C9"]
    assert verdicts(listed(16))["too_many"].effect is None, "nobody's wallet is known"


def test_two_leads_of_one_client_do_not_double_its_wallet() -> None:
    once = verdicts([{**r, "wallet_share": 0.25} for r in listed(10, 5, BAD["no_plan"])])["no_plan"].effect
    rows = listed(10, 5, BAD["no_plan"])
    both = verdicts([{**r, "wallet_share": 0.25} for r in [*rows, {**rows[0], "lead": "K2"}]])["no_plan"].effect
    assert once is not None and both is not None and both.inputs["headroom"] == once.inputs["headroom"]


@pytest.mark.parametrize("name", ["no_backup", "no_influence"])
def test_what_is_a_risk_or_cannot_be_moved_has_no_price(name: str) -> None:
    rows = [{**r, "wallet_share": 0.25} for r in listed(10, 5, BAD[name])]
    assert verdicts(rows)[name].effect is None
