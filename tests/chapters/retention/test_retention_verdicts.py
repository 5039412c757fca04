"""Verdicts on retention: every finding found, watched, clear, not assessed; every threshold matters."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from audit.chapters.retention.measure import diagnose
from audit.chapters.retention.verdicts import judge
from audit.errors import Text
from audit.findings.finding import Finding
from audit.method import method
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric, metric, no_metric
from audit.present.format import Fmt
from audit.present.narrative import Narrative
from tests.case_builder import make_case

Rows = list[dict[str, Any]]
NOTHING = Text("нечего", "nothing")
MEDIAN_REACH = 0.8 - (0.5 * 0.5 * 0.3) ** 0.5
"""Half of the triangle 0.3 – 0.5 – 0.8 lies below: the area right of x is (0.8 − x)² ÷ (0.5 · 0.3)."""


def day(n: int) -> dt.date:
    return dt.date(2022, 1, 1) + dt.timedelta(days=n)


def order(client: str, at: int, amount: float, **more: Any) -> dict[str, Any]:
    return dict(
        order_id=f"{client}-{at}", client_id=client, order_date=day(at), amount=amount, margin=amount / 4, **more
    )


def company() -> Rows:
    """Three years to the last day of 2024: 30 old clients monthly, 60 new ones of whom every other comes back once.

    Old clients 0–5 stop in September 2023; 6–8 stop in July 2024. All orders of manager M0 or M1, items s and t.
    """
    rows: Rows = []
    for c in range(30):
        last = 610 if c < 6 else 920 if c < 9 else 1095
        for at in range(c % 28, last + 1, 30):
            sold = {"manager": f"M{c % 2}", "sku": "s", "initiator": "OUT" if at % 3 else "IN"}
            rows.append(order(f"old{c:02d}", at, 1000.0, **sold))
    for c in range(60):
        first = 200 + c * 12
        rows.append(order(f"new{c:02d}", first, 400.0, manager="M0", sku="t", initiator="IN"))
        if c % 2 and first + 40 <= 1095:
            rows.append(order(f"new{c:02d}", first + 40, 400.0, manager="M1", sku="t", initiator="IN"))
    rows.append(order("old29", 1095, 500.0, manager="M1", sku="s", initiator="OUT"))
    return rows


@pytest.fixture(scope="module")
def case() -> Case:
    return make_case(company(), {"company": {"sale_type": "TC"}})


@pytest.fixture(scope="module")
def result(case: Case) -> ChapterResult:
    return diagnose(case)


def verdict(case: Case, result: ChapterResult, name: str, *changed: Metric, **facts: Any) -> Finding:
    """Judge one finding after replacing some metrics and facts of the chapter."""
    new = replace(result, metrics={**result.metrics, **{m.id: m for m in changed}}, facts={**result.facts, **facts})
    return {f.id: f for f in judge(case, new)}[f"retention.{name}"]


def like(result: ChapterResult, name: str, value: float, low: float, high: float, **extra: Any) -> Metric:
    """The chapter's metric with another value and interval."""
    m = result.metrics[f"retention.{name}"]
    kept = {k: v for k, v in m.extra.items() if not k.startswith(("dominant", "without"))}
    more = {**kept, **extra}
    n = more.pop("n", m.n)
    if name == "lost_run_rate_share" and "clients_value" not in extra:
        more |= {"clients_value": value, "clients_low": low, "clients_high": high}
    return metric(m.id, value, low=low, high=high, n=n, **more)


def second(result: ChapterResult, low: float, high: float, days: int = 365, **extra: Any) -> Metric:
    mid = (low + high) / 2
    about = dict(judged_days=days, judged_low=low, judged_high=high, judged_value=mid, horizon_days=days, at_risk=30)
    return like(result, "second_purchase_share", mid, low, high, **{**about, **extra})


def test_the_company_is_judged_from_its_orders(case: Case, result: ChapterResult) -> None:
    found = {f.id.split(".")[1]: f for f in judge(case, result)}
    # Half of the 60 new clients come back within 40 days: the interval lies below 67 %.
    leaky = found["leaky_first_purchase"]
    assert leaky.status == "found" and leaky.facts["value"] == pytest.approx(0.5, abs=0.02)
    assert found["low_repeat_share"].status == "clear"
    # Six of thirty monthly clients left in 2023, and fifteen new ones after their second order.
    leak = found["revenue_leak"]
    assert leak.facts["lost_clients"] == 21 and leak.status == "found"
    assert leak.facts["clients_value"] == pytest.approx(21 / leak.facts["regular_clients"])
    assert set(found) == {spec.id.split(".")[1] for spec in method().findings_of("retention")}


# --- second purchase


def test_second_purchase_statuses(case: Case, result: ChapterResult) -> None:
    def status(m: Metric) -> str:
        return verdict(case, result, "leaky_first_purchase", m).status

    assert status(second(result, 0.50, 0.66)) == "found"
    assert status(second(result, 0.60, 0.70)) == "watch"
    assert status(second(result, 0.66, 0.80)) == "unclear"  # above the norm, but not surely
    assert status(second(result, 0.68, 0.80)) == "clear"


def test_second_purchase_at_a_shorter_horizon_is_clear_or_not_assessed(case: Case, result: ChapterResult) -> None:
    good = verdict(case, result, "leaky_first_purchase", second(result, 0.70, 0.80, days=120))
    assert good.status == "clear" and good.facts["sure_days"] == 120
    bad = verdict(case, result, "leaky_first_purchase", second(result, 0.20, 0.40, days=120, ready="2025-05-05"))
    assert bad.status == "not_assessed" and bad.reason is not None
    assert "5 May 2025" in bad.reason.en and "05.05.2025" in bad.reason.ru
    never = verdict(case, result, "leaky_first_purchase", second(result, 0.20, 0.40, days=120, ready=None))
    assert never.reason is not None and "More clients" in never.reason.en


def test_where_all_are_back_nobody_is_at_risk_and_the_limit_itself_decides(case: Case, result: ChapterResult) -> None:
    m = second(result, 0.78, 0.96, judged_days=60, judged_low=0.5, judged_high=0.7, judged_value=0.6, at_risk=4)
    f = verdict(case, result, "leaky_first_purchase", m)
    assert f.status == "clear" and (f.facts["sure_low"], f.facts["sure_days"]) == (0.78, 365)


def test_a_good_second_purchase_is_not_believed_where_old_clients_pass_for_new(
    case: Case, result: ChapterResult
) -> None:
    good = second(result, 0.70, 0.80)

    def judged(share: float, short: bool = False, limits: Any = None) -> Finding:
        old = metric("retention.new_probably_old_share", share, n=60, short=short, burn_in_days=548)
        changed = replace(case, thresholds=case.thresholds.override(limits or {}))
        return verdict(changed, result, "leaky_first_purchase", good, old)

    assert judged(0.05).status == "clear"
    doubtful = judged(0.06)
    assert doubtful.status == "unclear" and isinstance(doubtful.doubt, Text) and "6%" in doubtful.doubt.en
    assert "client_since" in doubtful.doubt.ru
    assert judged(0.06, limits={"retention.max_probably_old_share": 0.1}).status == "clear"
    short = judged(0.01, short=True)
    assert short.status == "unclear" and isinstance(short.doubt, Text) and "ten usual gaps" in short.doubt.en


def test_second_purchase_not_assessed(case: Case, result: ChapterResult) -> None:
    few = verdict(case, result, "leaky_first_purchase", second(result, 0.5, 0.6, n=19))
    assert few.status == "not_assessed" and few.reason is not None and "19" in few.reason.en
    none = verdict(case, result, "leaky_first_purchase", no_metric("retention.second_purchase_share", NOTHING))
    assert none.reason == NOTHING


def test_second_purchase_does_not_apply_where_deals_are_seen_to_happen_once(result: ChapterResult) -> None:
    """Declared projects and 3 of 4 clients older than a year that bought once: the test does not apply."""
    m = second(result, 0.5, 0.6)

    def found(says: dict[str, Any], once: float | None) -> Finding:
        return verdict(make_case(company()[:40], {"company": says}), result, "leaky_first_purchase", m, once_share=once)

    f = found({"sale_type": "TC", "project_sales": True}, 0.75)
    assert f.status == "not_assessed" and f.reason is not None
    assert "Does not apply" in f.reason.en and "Не применяется" in f.reason.ru
    # the orders contradict the declaration: 1 − 0.4 of the clients came again
    denied = found({"sale_type": "TC", "project_sales": True}, 0.4)
    assert denied.status == "found" and denied.facts["came_again"] == pytest.approx(0.6)
    # a type of sale declares nothing
    for once in (0.2, 0.9):
        guessed = found({"sale_type": "C"}, once)
        assert guessed.status == "found" and "came_again" not in guessed.facts
    assert found({"sale_type": "C", "project_sales": False}, 0.9).status == "found"


def test_nothing_applies_in_strategic_sales(result: ChapterResult) -> None:
    strategic = make_case(company()[:40], {"company": {"sale_type": "S"}})
    findings = judge(strategic, result)
    assert len(findings) == 11 and {f.status for f in findings} == {"not_assessed"}


def test_price_of_the_second_purchase_by_hand(case: Case, result: ChapterResult) -> None:
    m = second(result, 0.55, 0.55)
    facts = dict(
        new_a_year=100.0, new_seen=10**8, second_value=1000.0, second_value_low=1000.0, second_value_high=1000.0
    )
    f = verdict(case, result, "leaky_first_purchase", m, **facts)
    e = f.effect
    assert e is not None and (e.basis, e.pool, e.shares) == ("gross_profit", "new", None)
    # 100 · (0.67 − 0.55) · 1 000 · reach · margin 0.25, only the reach is uncertain.
    assert e.base == pytest.approx(100 * 0.12 * 1000 * MEDIAN_REACH * 0.25, rel=0.02)
    assert e.low < 0.9 * e.base and e.high > 1.1 * e.base
    # What cannot be followed for a year has no price.
    assert verdict(case, result, "leaky_first_purchase", m, second_value=None).effect is None
    wider = dict(facts, second_value_low=500.0, second_value_high=2000.0)
    unsure = verdict(case, result, "leaky_first_purchase", second(result, 0.5, 0.6), **wider).effect
    assert unsure is not None and unsure.low < e.low and unsure.high > e.high


# --- repeat revenue, leak


@pytest.mark.parametrize(
    ("name", "metric_name", "found", "watch", "clear"),
    [
        ("low_repeat_share", "regular_revenue_share", (0.5, 0.45, 0.59), (0.58, 0.55, 0.65), (0.7, 0.61, 0.8)),
        ("revenue_leak", "lost_run_rate_share", (0.3, 0.2, 0.4), (0.15, 0.11, 0.25), (0.05, 0.02, 0.09)),
        ("sleeping_clients", "sleeping_share", (0.2, 0.15, 0.3), (0.12, 0.08, 0.2), (0.05, 0.02, 0.09)),
        ("mostly_reactive", "company_initiated_share", (0.1, 0.05, 0.2), (0.3, 0.2, 0.35), (0.5, 0.41, 0.6)),
    ],
)
def test_shares_of_revenue(
    case: Case, result: ChapterResult, name: str, metric_name: str, found: Any, watch: Any, clear: Any
) -> None:
    for status, numbers in (("found", found), ("watch", watch), ("clear", clear)):
        assert verdict(case, result, name, like(result, metric_name, *numbers)).status == status
    none = verdict(case, result, name, no_metric(f"retention.{metric_name}", NOTHING))
    assert none.status == "not_assessed" and none.reason == NOTHING
    # A verdict that hangs on one client is watched only.
    alone = dict(dominant_share=0.4, without_value=watch[0], without_low=watch[1], without_high=watch[2])
    if name == "revenue_leak":  # by clients nothing is wrong
        alone |= dict(zip(("clients_value", "clients_low", "clients_high"), clear, strict=True))
    assert verdict(case, result, name, like(result, metric_name, *found, **alone)).status == "watch"
    holds = dict(dominant_share=0.4, without_value=found[0], without_low=found[1], without_high=found[2])
    assert verdict(case, result, name, like(result, metric_name, *found, **holds)).status == "found"
    gone = alone | dict(dominant_share=0.9, without_value=None, without_low=None, without_high=None)
    assert verdict(case, result, name, like(result, metric_name, *found, **gone)).status == "watch"


@pytest.mark.parametrize(
    ("name", "metric_name", "extra"),
    [
        ("low_repeat_share", "regular_revenue_share", {"n": 19}),
        ("revenue_leak", "lost_run_rate_share", {"regular_clients": 19}),
        ("sleeping_clients", "sleeping_share", {"regular_clients": 19}),
        ("weak_return", "return_rate", {"n": 19}),
        ("manager_outlier", "by_manager", {"n": 19}),
        ("manager_outlier", "by_manager", {"managers": 4}),
        ("mostly_reactive", "company_initiated_share", {"events": 19}),
        ("base_shrinking", "active_clients_trend", {"n": 19}),
    ],
)
def test_too_few_units(case: Case, result: ChapterResult, name: str, metric_name: str, extra: dict[str, Any]) -> None:
    f = verdict(case, result, name, like(result, metric_name, 0.5, 0.5, 0.5, **extra))
    assert f.status == "not_assessed" and f.reason is not None and f.severity == "none" and f.actions == ()


def test_projects_are_watched_at_most_where_the_orders_bear_them_out(result: ChapterResult) -> None:
    repeat, lost = (
        like(result, "regular_revenue_share", 0.3, 0.2, 0.4),
        like(result, "lost_run_rate_share", 0.6, 0.5, 0.7),
    )

    def statuses(company_says: dict[str, Any], once: float, limits: Any = None) -> list[str]:
        some = make_case(company()[:40], {"company": company_says}, limits and {"thresholds": limits})
        return [
            verdict(some, result, name, m, once_share=once).status
            for name, m in (("low_repeat_share", repeat), ("revenue_leak", lost))
        ]

    assert statuses({"sale_type": "C"}, 0.5) == ["watch", "watch"]
    assert statuses({"sale_type": "C"}, 0.49) == ["found", "found"]  # raw material sold by consultation comes back
    assert statuses({"sale_type": "C", "project_sales": True}, 0.1) == ["watch", "watch"]
    assert statuses({"sale_type": "C", "project_sales": False}, 0.9) == ["found", "found"]
    assert statuses({"sale_type": "TC"}, 0.9) == ["found", "found"]
    # the threshold matters
    assert statuses({"sale_type": "C"}, 0.49, {"retention.project_once_share": {"value": 0.4}}) == ["watch", "watch"]


def test_repeat_share_needs_a_year_after_the_burn_in(case: Case, result: ChapterResult) -> None:
    part = like(result, "regular_revenue_share", 0.3, 0.2, 0.4, whole_period=False)
    f = verdict(case, result, "low_repeat_share", part, ready_from="2025-06-30")
    assert f.status == "not_assessed" and f.reason is not None and "30 June 2025" in f.reason.en
    assert verdict(case, result, "low_repeat_share", part, ready_from="2024-06-30").status == "found"


def test_the_leak_is_the_worse_of_money_and_clients(case: Case, result: ChapterResult) -> None:
    def judged(money: tuple[float, float, float], clients: tuple[float, float, float]) -> Finding:
        by = dict(zip(("clients_value", "clients_low", "clients_high"), clients, strict=True))
        return verdict(case, result, "revenue_leak", like(result, "lost_run_rate_share", *money, **by))

    small, large = (0.03, 0.01, 0.08), (0.25, 0.18, 0.33)
    assert judged(small, small).status == "clear"
    assert judged(large, small).status == "found" and not judged(large, small).facts["by_clients"]
    by_clients = judged(small, large)
    assert by_clients.status == "found" and by_clients.facts["by_clients"] is True
    open_still = judged((0.1, 0.05, 0.2), small)
    assert open_still.status == "unclear" and open_still.doubt is not None


def test_price_of_the_leak_by_hand(case: Case, result: ChapterResult) -> None:
    m = like(result, "lost_run_rate_share", 0.30, 0.30, 0.30, run_rate=1000.0)
    e = verdict(case, result, "revenue_leak", m).effect
    assert e is not None and e.pool == "clients" and e.shares is not None
    # What is above the tolerable 12 % and within reach: 1 000 · (0.30 − 0.12) · reach · margin 0.25.
    assert e.base == pytest.approx(1000 * 0.18 * MEDIAN_REACH * 0.25, rel=0.02)
    assert e.shares["share"].sum() == pytest.approx(1.0)
    assert set(e.shares["client_key"]) == set(result.tables["lost_clients"]["client_key"])


# --- trends


@pytest.mark.parametrize(
    ("name", "metric_name"),
    [
        ("base_shrinking", "active_clients_trend"),
        ("ticket_decline", "ticket_trend"),
        ("frequency_decline", "frequency_trend"),
        ("range_decline", "range_trend"),
    ],
)
def test_trends(case: Case, result: ChapterResult, name: str, metric_name: str) -> None:
    def judged(value: float, low: float, high: float, last: float = 0.0, wide: float = 0.03) -> Finding:
        recent = dict(last_year=last, last_year_low=last - wide, last_year_high=last + wide)
        return verdict(case, result, name, like(result, metric_name, value, low, high, **recent))

    assert judged(-0.10, -0.14, -0.06).status == "found"
    assert judged(-0.05, -0.09, -0.01).status == "watch"
    assert judged(0.00, -0.04, 0.04).status == "clear"
    recent = judged(0.00, -0.04, 0.04, last=-0.2)  # a recent collapse hides in the slope
    assert recent.status == "watch" and recent.facts["by_last_year"] is True
    assert judged(0.00, -0.08, 0.08).status == "unclear"
    assert judged(0.00, -0.08, 0.08, last=-0.2).status == "watch"
    assert judged(0.00, -0.04, 0.04, last=-0.2, wide=0.25).status == "clear"  # the last year may as well have grown
    # a steep fall that may as well be a rise is no warning: a market shakes that much
    steep = judged(-0.30, -0.45, 0.05)
    assert steep.status == "unclear" and steep.doubt is not None
    assert judged(-0.30, -0.45, -0.15).status == "found"
    none = like(result, metric_name, -0.3, None, None)
    assert verdict(case, result, name, none).status == "not_assessed"
    assert verdict(case, result, name, no_metric(f"retention.{metric_name}", NOTHING)).status == "not_assessed"


def test_ticket_may_fall_while_the_range_grows(case: Case, result: ChapterResult) -> None:
    ticket = like(result, "ticket_trend", -0.10, -0.14, -0.06, last_year=-0.1)
    grows = like(result, "range_trend", 0.06, 0.02, 0.10)
    perhaps = like(result, "range_trend", 0.02, -0.02, 0.06)
    f = verdict(case, result, "ticket_decline", ticket, grows)
    assert f.status == "watch" and f.facts["range_grows"] is True
    assert verdict(case, result, "ticket_decline", ticket, perhaps).status == "found"


def test_price_of_a_decline_by_hand(case: Case, result: ChapterResult) -> None:
    m = like(result, "frequency_trend", -0.10, -0.10, -0.10, last_year=-0.1)
    e = verdict(case, result, "frequency_decline", m).effect
    assert e is not None and e.pool == "clients"
    # The twelve months to come lose 0.9^(1/12), 0.9^(2/12) … 0.9: on average 5.6 % of the last twelve, about half of 10 %.
    lost = 1 - sum(0.9 ** (t / 12) for t in range(1, 13)) / 12
    assert lost == pytest.approx(0.0550, abs=0.001)
    assert (e.low, e.base, e.high) == pytest.approx((case.annual_revenue * lost * 0.25,) * 3)


# --- sleepers


def test_price_of_sleepers_by_hand(case: Case, result: ChapterResult) -> None:
    asleep = like(result, "sleeping_share", 0.3, 0.2, 0.4, at_stake=1000.0)
    own = {"share": 0.15, "by_clients": 0.15, "n": 10**6}
    f = verdict(case, result, "sleeping_clients", asleep, own_return=own)
    assert f.effect is not None and f.facts["priced"]
    # 15 % come back by themselves, effort brings back 30 / 40 / 60 %: the middle of that triangle is 0.4268.
    middle = 0.6 - (0.5 * 0.3 * 0.2) ** 0.5
    assert f.effect.base == pytest.approx(1000 * (middle - 0.15) * 0.25, rel=0.02)
    # They come back by themselves: nothing is promised, and the sentence says so. Unknown: neither.
    alone = verdict(case, result, "sleeping_clients", asleep, own_return=own | {"share": 0.4})
    assert alone.effect is None and alone.facts["alone"]
    unknown = verdict(case, result, "sleeping_clients", asleep, own_return=None)
    assert unknown.effect is None and not unknown.facts["alone"]
    few = verdict(case, result, "sleeping_clients", asleep, own_return=own | {"n": 6}).effect
    assert few is not None and few.high - few.low > 1.2 * (f.effect.high - f.effect.low)


def test_weak_return(case: Case, result: ChapterResult) -> None:
    def status(low: float, high: float, days: int = 365) -> str:
        mid = (low + high) / 2
        m = like(
            result,
            "return_rate",
            mid,
            low,
            high,
            judged_days=days,
            judged_low=low,
            judged_high=high,
            judged_value=mid,
            horizon_days=days,
            at_risk=25,
            n=80,
            ready="2025-07-01",
        )
        return verdict(case, result, "weak_return", m).status

    assert status(0.05, 0.19) == "found"
    assert status(0.10, 0.28) == "watch"
    assert status(0.15, 0.30) == "unclear"
    assert status(0.25, 0.40) == "clear"
    assert status(0.25, 0.40, days=90) == "clear"
    assert status(0.05, 0.19, days=90) == "not_assessed"


# --- managers


def test_manager_outlier(case: Case, result: ChapterResult) -> None:
    def judged(outer: int, inner: int) -> Finding:
        m = like(result, "by_manager", 0.2, 0.15, 0.25, n=200, managers=5, found_managers=outer, watched_managers=inner)
        return verdict(case, result, "manager_outlier", m)

    assert judged(1, 0).status == "found"
    assert judged(0, 1).status == "watch"
    assert judged(0, 0).status == "clear"


def test_price_of_an_outlier_by_hand(case: Case, result: ChapterResult) -> None:
    table = pd.DataFrame(
        {
            "manager": ["A", "B"],
            "clients": [20, 60],
            "lost": [12, 4],
            "share": [0.6, 4 / 60],
            "expected": [0.2, 0.2],
            "q_value": [0.001, 0.9],
            "position": [2, 0],
            "lost_revenue": [1200.0, 100.0],
        }
    )
    changed = replace(result, tables={**result.tables, "by_manager": table})
    m = like(result, "by_manager", 0.2, 0.15, 0.25, n=80, managers=5, found_managers=1, watched_managers=0)
    lost = result.tables["lost_clients"].assign(last_manager="A", prior_revenue=100.0).head(4)
    changed = replace(changed, tables={**changed.tables, "lost_clients": lost})
    f = verdict(case, changed, "manager_outlier", m)
    assert f.effect is not None and f.effect.pool == "clients"
    # Expected of 20 clients at 20 %: 4; 8 too many at 100 each, a quarter of it profit.
    assert f.effect.base == pytest.approx(200, rel=0.03)
    assert f.effect.low < 180 and f.effect.high > 220


# --- words


def every_status(case: Case, result: ChapterResult) -> list[Finding]:
    """Every finding in every status, with the side notes that a sentence may have."""
    out = [
        verdict(case, result, "leaky_first_purchase", second(result, *i)) for i in ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8))
    ]
    shares = (
        ("low_repeat_share", "regular_revenue_share", (0.5, 0.6, 0.7)),
        ("revenue_leak", "lost_run_rate_share", (0.3, 0.15, 0.05)),
        ("sleeping_clients", "sleeping_share", (0.3, 0.12, 0.05)),
        ("mostly_reactive", "company_initiated_share", (0.1, 0.3, 0.5)),
    )
    alone = dict(dominant_share=0.4, without_value=0.6, without_low=0.5, without_high=0.7)
    for name, m, values in shares:
        out += [verdict(case, result, name, like(result, m, v, v - 0.01, v + 0.01)) for v in values]
        out.append(verdict(case, result, name, like(result, m, values[0], values[0], values[0], **alone)))
    for name, m in (
        ("base_shrinking", "active_clients_trend"),
        ("ticket_decline", "ticket_trend"),
        ("frequency_decline", "frequency_trend"),
        ("range_decline", "range_trend"),
    ):
        for v, last in ((-0.1, -0.1), (-0.05, -0.01), (0.02, -0.1), (0.02, 0.02)):
            out.append(verdict(case, result, name, like(result, m, v, v - 0.03, v + 0.03, last_year=last)))
    grows = like(result, "range_trend", 0.06, 0.02, 0.10)
    out.append(verdict(case, result, "ticket_decline", like(result, "ticket_trend", -0.1, -0.14, -0.06), grows))
    for v in (0.1, 0.2, 0.3):
        m = like(
            result,
            "return_rate",
            v,
            v - 0.05,
            v + 0.05,
            judged_days=365,
            judged_low=v - 0.05,
            judged_high=v + 0.05,
            judged_value=v,
            horizon_days=365,
            at_risk=25,
            n=81,
        )
        out.append(verdict(case, result, "weak_return", m))
    for outer, inner in ((1, 0), (0, 1), (0, 0)):
        about = dict(n=201, managers=5, found_managers=outer, watched_managers=inner)
        out.append(verdict(case, result, "manager_outlier", like(result, "by_manager", 0.2, 0.15, 0.25, **about)))
    return out


def test_every_verdict_has_words_in_both_languages(case: Case, result: ChapterResult) -> None:
    findings = every_status(case, result)
    seen = {(f.id, f.status) for f in findings}
    assert seen == {(s.id, k) for s in method().findings_of("retention") for k in ("found", "watch", "clear")}
    for f in findings:
        for lang in ("ru", "en"):
            title, text = Narrative(lang, Fmt(lang, "RUB")).finding(f, result)
            assert len(title) > 15 and len(text) > 60, f.id
            for part in (str(title), str(text)):
                assert "{" not in part and "None" not in part and ".." not in part.replace("…", ""), part
                if lang == "ru":
                    assert not re.search(r"[A-Za-z]{2,}", part), part
                else:
                    assert not re.search(r"[А-Яа-я]", part), part


def test_every_reason_has_words_in_both_languages(case: Case, result: ChapterResult) -> None:
    short = diagnose(make_case(company()[:200], {"company": {"sale_type": "TC"}}, {"period": {"horizon_days": 90}}))
    reasons = [f.reason for r in (result, short) for f in judge(case, r) if f.reason is not None]
    assert reasons
    for reason in reasons:
        assert re.search(r"[А-Яа-я]", reason.ru) and not re.search(r"[А-Яа-я]", reason.en)


# --- thresholds: for each, changing it changes a result

STATUS: list[tuple[str, dict[str, float], str, str, tuple[float, float, float]]] = [
    ("leaky_first_purchase", {"watch": 0.3, "found": 0.3}, "leaky_first_purchase", "", (0, 0, 0)),
    ("low_repeat_share", {"watch": 0.9, "found": 0.9}, "low_repeat_share", "regular_revenue_share", (0.7, 0.65, 0.75)),
    ("revenue_leak", {"watch": 0.4, "found": 0.5}, "revenue_leak", "lost_run_rate_share", (0.3, 0.25, 0.35)),
    ("base_shrinking", {"watch": -0.2, "found": -0.2}, "base_shrinking", "active_clients_trend", (-0.1, -0.12, -0.08)),
    ("sleeping_clients", {"watch": 0.4, "found": 0.5}, "sleeping_clients", "sleeping_share", (0.3, 0.25, 0.35)),
    ("ticket_decline", {"watch": -0.2, "found": -0.2}, "ticket_decline", "ticket_trend", (-0.1, -0.12, -0.08)),
    ("frequency_decline", {"watch": -0.2, "found": -0.2}, "frequency_decline", "frequency_trend", (-0.1, -0.12, -0.08)),
    ("range_decline", {"watch": -0.2, "found": -0.2}, "range_decline", "range_trend", (-0.1, -0.12, -0.08)),
    ("mostly_reactive", {"watch": 0.1, "found": 0.05}, "mostly_reactive", "company_initiated_share", (0.2, 0.15, 0.24)),
]


@pytest.mark.parametrize(("key", "change", "name", "metric_name", "numbers"), STATUS, ids=[s[0] for s in STATUS])
def test_threshold_changes_a_verdict(
    case: Case, result: ChapterResult, key: str, change: dict[str, float], name: str, metric_name: str, numbers: Any
) -> None:
    changed = replace(case, thresholds=case.thresholds.override({f"retention.{key}": change}))
    m = second(result, 0.4, 0.6) if not metric_name else like(result, metric_name, *numbers)
    before, after = verdict(case, result, name, m), verdict(changed, result, name, m)
    assert before.status != after.status


def test_thresholds_of_the_horizon(case: Case, result: ChapterResult) -> None:
    def status(change: dict[str, float], name: str, m: Metric) -> str:
        return verdict(replace(case, thresholds=case.thresholds.override(change)), result, name, m).status

    low = second(result, 0.2, 0.4)
    assert status({}, "leaky_first_purchase", low) == "found"
    assert status({"retention.horizon_days": 730}, "leaky_first_purchase", low) == "not_assessed"
    back = like(
        result,
        "return_rate",
        0.1,
        0.05,
        0.15,
        judged_days=365,
        judged_low=0.05,
        judged_high=0.15,
        judged_value=0.1,
        horizon_days=365,
        at_risk=25,
        n=80,
        ready=None,
    )
    assert status({}, "weak_return", back) == "found"
    assert status({"retention.weak_return": {"watch": 0.01, "found": 0.01}}, "weak_return", back) == "clear"
    assert status({"retention.return_horizon_days": 180}, "weak_return", back) == "not_assessed"
    outlier = like(result, "by_manager", 0.2, 0.1, 0.3, n=80, managers=5, found_managers=1, watched_managers=0)
    assert status({}, "manager_outlier", outlier) == "found"
    assert status({"retention.fewest_managers": 6}, "manager_outlier", outlier) == "not_assessed"


def test_thresholds_of_the_effects(case: Case, result: ChapterResult) -> None:
    m = {
        "sleeping_clients": like(result, "sleeping_share", 0.3, 0.2, 0.4, at_stake=1000.0),
        "revenue_leak": like(result, "lost_run_rate_share", 0.30, 0.22, 0.38, run_rate=1000.0),
        "leaky_first_purchase": second(result, 0.4, 0.5),
    }
    own = {"share": 0.1, "by_clients": 0.1, "n": 50}

    def base(name: str, change: dict[str, dict[str, float]]) -> float:
        changed = replace(case, thresholds=case.thresholds.override(change))
        effect = verdict(changed, result, name, m[name], own_return=own).effect
        assert effect is not None
        return effect.base

    for name, key in (
        ("sleeping_clients", "wake_share"),
        ("revenue_leak", "reach_leak"),
        ("leaky_first_purchase", "reach_second"),
    ):
        assert base(name, {f"retention.{key}": {"base": 0.6}}) > 1.03 * base(name, {}), key


def again(change: dict[str, Any], rows: Rows | None = None) -> ChapterResult:
    settings = {"thresholds": {f"retention.{k}": v for k, v in change.items()}}
    return diagnose(make_case(rows or company(), {"company": {"sale_type": "TC"}}, settings))


def test_thresholds_of_the_diagnosis(result: ChapterResult) -> None:
    def states(r: ChapterResult) -> dict[str, int]:
        return r.tables["states"].set_index("state")["clients"].astype(int).to_dict()  # type: ignore[no-any-return]

    base = states(result)
    assert base["lost"] >= 6 and base["sleeping"] >= 3  # old 0–5 and old 6–8 at the least
    assert states(again({"lost_min_days": 1000}))["lost"] == 0
    assert states(again({"lost_gap_multiple": 1000}))["lost"] == 0
    assert states(again({"sleeping_gap_multiple": 30, "lost_gap_multiple": 1000}))["sleeping"] == 0
    assert states(again({"sleeping_min_days": 2000, "lost_gap_multiple": 1000}))["sleeping"] == 0
    few = again({"cadence_min_gaps": 40})
    assert (
        few.metrics["retention.cadence"].extra["shrunk_share"]
        > result.metrics["retention.cadence"].extra["shrunk_share"]
    )
    assert states(again({"slowing_p_value": 1.1}))["slowing"] > base["slowing"]
    strict = again({"return_min_gaps": 25}).metrics["retention.return_rate"]
    assert (strict.n or 0) < (result.metrics["retention.return_rate"].n or 0)
    noise = [r.metrics["retention.grr"].extra["noise"] for r in (result, again({"noise_draws": 20}))]
    assert noise[0] != noise[1] and noise[0] == pytest.approx(noise[1], abs=0.1)
    assert again({"min_followed": 500}).metrics["retention.second_purchase_share"].extra["judged_days"] is None
    assert again({"min_months_after_burn_in": 24}).facts["ready_from"] > result.facts["ready_from"]


def test_threshold_of_a_project_size() -> None:
    rows = [order(f"p{c}", at, amount) for c in range(25) for at, amount in ((0, 900.0), (200, 300.0), (500, 1000.0))]

    def share(size: float) -> float | None:
        settings = {"thresholds": {"retention.project_size_share": size}}
        r = diagnose(make_case(rows, {"company": {"sale_type": "C"}}, settings))
        return r.metrics["retention.between_projects"].value

    assert share(0.5) == 1.0  # the sale of 300 lies between two projects
    assert share(0.2) == 0.0  # it is a project itself: nothing small in between


def test_every_threshold_of_the_chapter_is_tested() -> None:
    tested = {s[0] for s in STATUS} | {
        "horizon_days",
        "weak_return",
        "return_horizon_days",
        "manager_outlier",
        "fewest_managers",
        "wake_share",
        "reach_second",
        "reach_leak",
        "route_calls",  # both in tests/findings/test_business.py
        "route_minutes",
        "lost_min_days",
        "lost_gap_multiple",
        "sleeping_gap_multiple",
        "sleeping_min_days",
        "cadence_min_gaps",
        "slowing_p_value",
        "return_min_gaps",
        "noise_draws",
        "min_followed",
        "max_probably_old_share",
        "min_months_after_burn_in",
        "project_size_share",
        "project_once_share",
        "season_tolerance",
    }
    assert tested == {k.removeprefix("retention.") for k in method().thresholds if k.startswith("retention.")}
