"""Status and severity: the rules of the methodology, section 4, value by value."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from audit.errors import Text
from audit.findings.catalogue import judge_chapter, unjudged_findings
from audit.findings.finding import Doubt, Effect, Finding
from audit.findings.judge import band, doubt_of, not_assessed, severity_of, status_of, worse
from audit.ground.money import margin_of
from audit.method import Threshold, method
from audit.model.result import ChapterResult, Metric
from tests.case_builder import make_case


def band_of(watch: float, found: float, bad: str) -> Threshold:
    return Threshold.model_validate(
        {"unit": "share", "source": "s", "reason": {"ru": "п", "en": "r"}, "watch": watch, "found": found, "bad": bad}
    )


HIGH = band_of(0.2, 0.4, "high")
LOW = band_of(0.67, 0.67, "low")
SHRINK = band_of(-0.05, -0.05, "low")


@pytest.mark.parametrize(
    ("limits", "value", "low", "high", "status"),
    [
        (HIGH, 0.45, 0.20, 0.50, "found"),  # measured beyond F 0.40, certain beyond W 0.20
        (HIGH, 0.45, 0.19, 0.70, "watch"),  # low 0.19 < W
        (HIGH, 0.30, 0.25, 0.50, "watch"),  # beyond W, short of F
        (HIGH, 0.15, 0.05, 0.40, "unclear"),  # high 0.40 reaches F
        (HIGH, 0.15, 0.10, 0.39, "clear"),  # below W, and the interval does not reach F
        (HIGH, 0.40, None, None, "found"),  # no interval: low = high = value
        (HIGH, 0.20, None, None, "watch"),
        (HIGH, 0.1999, None, None, "clear"),
        (LOW, 0.60, 0.55, 0.66, "found"),  # the whole interval below 67 %
        (LOW, 0.60, 0.55, 0.67, "found"),  # oriented: −0.67 ≥ −0.67
        (LOW, 0.66, 0.60, 0.70, "watch"),  # below, straddles
        (LOW, 0.70, 0.66, 0.75, "unclear"),  # above, straddles
        (LOW, 0.80, 0.68, 0.90, "clear"),
        (SHRINK, -0.10, -0.15, -0.06, "found"),
        (SHRINK, -0.04, -0.08, 0.00, "unclear"),
        (SHRINK, 0.02, -0.02, 0.05, "clear"),
    ],
)
def test_status(limits: Threshold, value: float, low: float | None, high: float | None, status: str) -> None:
    assert status_of(value, low, high, limits) == status


def test_what_is_unclear_says_from_how_many_units_it_could_be_told() -> None:
    def doubt(value: float, low: float, high: float, n: int | None = 100, **more: Any) -> Doubt | None:
        m = Metric(id="service.late_share", value=value, unit="share", low=low, high=high, n=n)
        return doubt_of(m, HIGH, **more)

    # 25 points to the bad end, 20 to the found limit: 100 · (25 ÷ 20)² = 156.25, to two digits 160.
    d = doubt(0.2 - 1e-9, 0.05, 0.45)
    assert d is not None and (d.units, d.n, d.watch, d.found, d.unit) == (160, 100, 0.2, 0.4, "share")
    # A figure at a hair's breadth from a limit promises nothing; answers that are missing do not come with more units.
    near = doubt_of(
        Metric(id="retention.second_purchase_share", value=0.6701, unit="share", low=0.6, high=0.74, n=100), LOW
    )
    assert near is not None and near.units is None
    given = doubt(0.15, 0.0, 0.45, sampled=False)
    assert given is not None and given.units is None
    assert doubt(0.15, 0.1, 0.3) is None and doubt(0.5, 0.1, 0.9) is None


def test_the_worst_of_several() -> None:
    assert worse("clear", "unclear", "not_assessed") == "unclear"
    assert worse("unclear", "watch") == "watch"
    assert worse("clear", "watch") == "watch"
    assert worse("watch", "found", "clear") == "found"
    assert worse("clear", "clear") == "clear"


def effect(base: float) -> Effect:
    return Effect(0, base, base, "revenue", Text("", ""))


@pytest.mark.parametrize(
    ("status", "more", "severity"),
    [
        ("found", {"money_share": 0.05}, "critical"),
        ("found", {"money_share": 0.049}, "major"),
        ("found", {"money_share": 0.01}, "major"),
        ("found", {"money_share": 0.009}, "minor"),
        ("found", {"role_hours_share": 0.2}, "major"),
        ("found", {"role_hours_share": 0.19}, "minor"),
        ("found", {"base_revenue_share": 0.1}, "major"),
        ("found", {"invalidates": True}, "critical"),
        ("watch", {"money_share": 0.05}, "major"),  # one step lower
        ("watch", {"money_share": 0.01}, "minor"),
        ("watch", {}, "minor"),  # never below minor
        ("clear", {"money_share": 0.5}, "none"),
        ("not_assessed", {}, "none"),
        ("unclear", {"money_share": 0.5}, "none"),
    ],
)
def test_severity(status: Any, more: dict[str, Any], severity: str) -> None:
    assert severity_of(status, method().thresholds, **more) == severity


def test_the_limits_of_severity_are_thresholds() -> None:
    changed = method().thresholds.override({"severity.critical_money_share": 0.5, "severity.major_money_share": 0.4})
    assert severity_of("found", changed, money_share=0.3) == "minor"


def test_a_metric_without_a_value_is_not_assessed_with_its_reason() -> None:
    case: Any = SimpleNamespace(thresholds=method().thresholds, annual_revenue=1000.0)
    reason = Text("нет листа", "no sheet")
    metric = Metric("roles.km_operational_share", None, "share", "high", reason=reason)
    finding = band(case, "roles.km_overload", metric)
    assert (finding.status, finding.reason, finding.severity) == ("not_assessed", reason, "none")


def test_grade_d_carries_no_action_and_clear_no_effect() -> None:
    case: Any = SimpleNamespace(thresholds=method().thresholds, annual_revenue=1000.0)

    def judged(value: float, grade: Any) -> Finding:
        metric = Metric("roles.km_operational_share", value, "share", "high", grade=grade)
        return band(case, "roles.km_overload", metric, effect=effect(40))

    assert judged(0.5, "B").actions and judged(0.5, "B").effect is not None
    assert judged(0.5, "D").actions == ()
    assert judged(0.1, "B").actions == () and judged(0.1, "B").effect is None


def test_what_no_chapter_judged_is_listed_with_the_reason() -> None:
    listed = unjudged_findings({"roles"}, {"retention": Text("упала", "broke")})
    ids = {f.id for f in listed}
    assert ids == {i for i in method().findings if not i.startswith("roles.")}
    for f in listed:
        assert f.status == "not_assessed" and f.reason is not None
        if f.chapter == "retention":
            assert "broke" in f.reason.en


def test_a_chapter_gives_every_finding_of_its_catalogue() -> None:
    case: Any = None
    for chapter in method().chapters:
        order = [s.id for s in method().findings_of(chapter)]
        given = [not_assessed(id, Text("нет", "no")) for id in reversed(order)]
        result = ChapterResult(chapter, {})
        assert [f.id for f in judge_chapter(case, result, lambda *_, given=given: given)] == order
        if order:
            with pytest.raises(AssertionError, match="without a verdict"):
                judge_chapter(case, result, lambda *_, given=given: given[1:])


@pytest.mark.parametrize(("revenue_effect", "severity"), [(60.0, "critical"), (40.0, "major"), (9.0, "minor")])
def test_the_severity_is_the_same_with_and_without_the_margin_column(revenue_effect: float, severity: str) -> None:
    rows = [{"client": "A", "order_date": f"2024-{m:02d}-01", "amount": 250} for m in (3, 6, 9, 12)]
    plain = make_case(rows)
    known = make_case([{**r, "margin": 50} for r in rows])
    metric = Metric("roles.km_operational_share", 0.5, "share", "high")
    # The export covers nine months of a year; whatever the company makes in one is what the effect is held against.
    year = plain.annual_revenue
    of_revenue = Effect(0, 0, year, "revenue", Text("", ""))
    money = {
        "revenue": replace(of_revenue, base=revenue_effect / 1000 * year),
        "gross_profit": replace(of_revenue, base=revenue_effect / 1000 * year * 0.2, basis="gross_profit"),
    }
    for case in (plain, known):
        f = band(case, "roles.km_overload", metric, effect=money[margin_of(case).basis])
        assert f.severity == severity
