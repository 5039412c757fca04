"""Declared findings: what each word of a declaration does, and that the limits of every declared finding act."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from audit.errors import Text
from audit.findings.declared import declared, judge_declared
from audit.findings.finding import Effect, Finding
from audit.ground.lacks import HOURS_BY_GROUP
from audit.method import FindingSpec, Threshold, method
from audit.model.result import ChapterResult, Metric, metric, no_metric

CASE: Any = SimpleNamespace(thresholds=method().thresholds, annual_revenue=1000.0)
DECLARED = {spec.id: spec for spec in method().findings.values() if spec.rule is not None}
LATE = "service.late_share"
"""Judged by `service.late`: watched from 5 %, found from 10 %."""


def result_of(*metrics: Metric, **facts: Any) -> ChapterResult:
    return ChapterResult.of("service", list(metrics), {}, facts)


def spec_of(**declaration: Any) -> FindingSpec:
    return FindingSpec.model_validate(
        {
            "id": "service.late",
            "ru": "Отгрузки опаздывают",
            "en": "Late",
            "metrics": [LATE],
            "needs": [],
            "actions": ["fix_lateness"],
            "rule": "band",
            **declaration,
        }
    )


def verdict(m: Metric, more: dict[str, Any] | None = None, **declaration: Any) -> Finding:
    further = None if more is None else lambda case, result, m: more
    return judge_declared(CASE, result_of(m), spec_of(**declaration), further)


def late(value: float, low: float | None = None, high: float | None = None, **more: Any) -> Metric:
    return metric(LATE, value, low=low, high=high, **more)


# --- every declared finding


def _figure(limits: Threshold, side: str) -> float:
    """A value on the side named: at the limit (it counts as reached), or next to it on the good side."""
    assert limits.watch is not None and limits.found is not None
    good = -math.inf if limits.bad == "high" else math.inf
    match side:
        case "found":
            return limits.found
        case "watch":
            return limits.watch
        case _:
            return math.nextafter(limits.watch, good)


def _judged(spec: FindingSpec, value: float, thresholds: Any = None) -> Finding:
    """Judge a declared finding on a figure without an interval, with what its declaration names beside it."""
    own = {"value", "low", "high", "n", "watch", "found", "extra"}
    beside = dict.fromkeys(set(spec.facts) - own, 0.0) | {"recent_value": None, "by_group_hours": False}
    if spec.by:
        beside |= {spec.by: value, f"{spec.by}_low": None, f"{spec.by}_high": None}
    if spec.few is not None:
        beside[spec.few.of] = 1000
    m = metric(spec.metrics[0], 0.0 if spec.by else value, n=1000, **beside)
    further = dict.fromkeys({spec.cap, spec.role_hours_share, spec.base_revenue_share} - {"", "value"}, 0.0)
    case: Any = SimpleNamespace(thresholds=thresholds or method().thresholds, annual_revenue=1000.0)
    return judge_declared(case, ChapterResult.of(spec.chapter, [m]), spec, lambda case, result, m: further)


@pytest.mark.parametrize("id", [id for id, spec in DECLARED.items() if spec.rule == "band"])
def test_the_limits_of_each_declared_finding_act(id: str) -> None:
    spec, limits = DECLARED[id], method().thresholds[id]
    assert limits.watch is not None and limits.found is not None
    assert _judged(spec, _figure(limits, "found")).status == "found"
    assert _judged(spec, _figure(limits, "clear")).status == "clear"
    if limits.watch != limits.found:
        assert _judged(spec, _figure(limits, "watch")).status == "watch"
    # Both limits moved beyond the figure: what was found is clear.
    step = 1.0 if limits.bad == "high" else -1.0
    milder = method().thresholds.override({id: {"found": limits.found + 2 * step, "watch": limits.found + step}})
    assert _judged(spec, limits.found, milder).status == "clear"


@pytest.mark.parametrize("id", [id for id, spec in DECLARED.items() if spec.rule == "any"])
def test_a_finding_of_any_is_found_above_zero(id: str) -> None:
    assert _judged(DECLARED[id], 0.0).status == "clear"
    assert _judged(DECLARED[id], 0.1).status == "found"


@pytest.mark.parametrize("id", [id for id, spec in DECLARED.items() if spec.few is not None])
def test_a_finding_that_counts_its_units_is_not_assessed_with_few(id: str) -> None:
    spec, least = DECLARED[id], method().thresholds.count("general.min_units")
    assert spec.few is not None
    for n, assessed in ((least, True), (least - 1, False)):
        beside = {name: 0.0 for name in ("projects", spec.few.of)} | {spec.few.of: n}
        m = metric(spec.metrics[0], 0.5, **beside)
        f = judge_declared(CASE, ChapterResult.of(spec.chapter, [m]), spec, lambda case, result, m: {"projects": False})
        assert (f.status != "not_assessed") is assessed
        assert assessed or (f.reason is not None and f.reason.ru.startswith(f"{spec.few.ru}: {n}"))


# --- the words of a declaration


def test_without_a_figure_the_reason_of_the_figure_is_given() -> None:
    reason = Text("нет столбца", "no column")
    f = verdict(no_metric(LATE, reason))
    assert (f.status, f.reason, f.facts) == ("not_assessed", reason, {})


def test_a_band_is_judged_by_its_interval_and_named_by_its_figures() -> None:
    f = verdict(late(0.12, 0.1, 0.14, n=400), table="months")
    assert (f.status, f.table, f.grade) == ("found", "months", "C")
    assert f.facts == {"value": 0.12, "low": 0.1, "high": 0.14, "n": 400, "watch": 0.05, "found": 0.1}
    assert verdict(late(0.12, 0.04, 0.24)).status == "watch"
    assert verdict(late(0.02, 0.01, 0.09)).status == "clear"
    open_still = verdict(late(0.04, 0.01, 0.12, n=50), few={"ru": "Заказов", "en": "Orders"})
    assert open_still.status == "unclear" and open_still.severity == "none" and open_still.actions == ()
    # 8 points to the bad end, 6 to the alarm: 50 · (8 ÷ 6)² = 89
    assert open_still.doubt is not None and open_still.doubt.units == 89


def test_facts_come_in_the_order_of_the_declaration_from_the_metric_beside_it_and_the_chapter() -> None:
    spec = spec_of(facts=["start", "n", "extra", "found"])
    m = late(0.12, n=400, failed=48, orders=400)
    f = judge_declared(CASE, result_of(m, start="2024-01-01"), spec, lambda case, result, m: {"more": 1})
    assert list(f.facts.items()) == [
        ("start", "2024-01-01"),
        ("n", 400),
        ("failed", 48),
        ("orders", 400),
        ("found", 0.1),
        ("more", 1),
    ]


def test_by_judges_the_figure_beside_the_metric() -> None:
    m = late(0.5, excess=0.12, excess_low=0.1, excess_high=0.14)
    assert verdict(m, by="excess").status == "found"
    assert verdict(late(0.5, excess=0.01, excess_low=0.0, excess_high=0.02), by="excess").status == "clear"


@pytest.mark.parametrize(
    ("without", "status"), [((0.12, 0.1, 0.14), "found"), ((0.02, 0.01, 0.03), "watch"), ((None, None, None), "watch")]
)
def test_steady_asks_that_the_verdict_hold_without_the_dominant_client(without: Any, status: str) -> None:
    value, low, high = without
    m = late(0.12, 0.1, 0.14, dominant_share=0.4, without_value=value, without_low=low, without_high=high)
    assert verdict(m, steady=True).status == status
    assert verdict(m).status == "found"
    assert verdict(late(0.12, 0.1, 0.14), steady=True).status == "found", "nobody dominates"


@pytest.mark.parametrize(
    ("whole", "recent", "status"),
    [
        ((0.12, 0.1, 0.14), (0.02, 0.01, 0.04), "watch"),  # bad, and surely good by now
        ((0.02, 0.01, 0.04), (0.12, 0.1, 0.14), "found"),  # good, and surely bad by now
        ((0.12, 0.1, 0.14), (0.07, 0.01, 0.2), "found"),  # the last year cannot tell
        ((0.07, 0.04, 0.2), (0.02, 0.01, 0.04), "clear"),
        ((0.07, 0.04, 0.2), (None, None, None), "watch"),
    ],
)
def test_periods_let_the_last_year_correct_the_window(whole: Any, recent: Any, status: str) -> None:
    value, low, high = recent
    m = late(*whole, recent_value=value, recent_low=low, recent_high=high)
    assert verdict(m, periods=True).status == status


def test_cap_keeps_the_verdict_at_watch_where_the_fact_is_true() -> None:
    assert verdict(late(0.12), {"by_wish": True}, cap="by_wish").status == "watch"
    assert verdict(late(0.12), {"by_wish": False}, cap="by_wish").status == "found"
    assert verdict(late(0.01), {"by_wish": True}, cap="by_wish").status == "clear"


def test_hours_known_by_group_only_are_the_reason_where_they_leave_it_open() -> None:
    open_still = verdict(late(0.04, 0.0, 0.4, by_group_hours=True), by_group=True)
    assert (open_still.status, open_still.doubt) == ("unclear", HOURS_BY_GROUP)
    told = verdict(late(0.04, 0.0, 0.4, by_group_hours=False), by_group=True)
    assert told.status == "unclear" and told.doubt != HOURS_BY_GROUP
    assert verdict(late(0.07, 0.04, 0.4, by_group_hours=True), by_group=True).status == "watch"


def test_a_fact_weighs_the_finding() -> None:
    assert verdict(late(0.12)).severity == "minor"
    assert verdict(late(0.2), role_hours_share="value").severity == "major"  # 20 % of a role's hours
    assert verdict(late(0.12), {"part": 0.1}, base_revenue_share="part").severity == "major"  # 10 % of revenue
    assert verdict(late(0.12), {"part": None}, base_revenue_share="part").severity == "minor"


def test_a_price_stands_with_the_verdict() -> None:
    effect = Effect(50.0, 50.0, 50.0, "revenue", Text("", ""))  # 5 % of 1 000
    spec = spec_of(id="base.off_profile")  # lateness has no price of its own; found from 5 % here
    f = judge_declared(CASE, result_of(late(0.12)), spec, None, lambda case, result: effect)
    assert (f.effect, f.severity, f.actions) == (effect, "critical", ("learn_to_refuse",))


# --- declarations that say nothing


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rule": None, "table": "months"}, "table: read only with a rule"),
        ({"rule": "any", "steady": True}, 'steady: read only with rule = "band"'),
        ({"steddy": True}, "steddy"),
        ({"rule": "trend"}, "rule"),
        ({"few": {"of": "n"}}, "few.ru"),
    ],
)
def test_a_declaration_that_nothing_reads_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        spec_of(**change)


def test_a_fact_that_nobody_gives_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="lateness"):
        verdict(late(0.12), facts=["lateness"])


def test_facts_for_a_finding_that_is_not_declared_are_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match=r"service\.lateness"):
        declared(CASE, result_of(), facts={"service.lateness": lambda case, result, m: {}})
