"""The rules that every verdict follows: status from an interval and a band, severity from money and hours.

Orientation (methodology, section 4): turn the figure so that high is bad; W is the watch limit, F the found limit,
W ≤ F. ``found`` if low ≥ F; ``clear`` if high < W; otherwise ``watch``. Without an interval low = high = value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.errors import Text
from audit.findings.finding import Effect, Finding, Severity, Status
from audit.method import Threshold, Thresholds, method
from audit.model.case import Case
from audit.model.result import Grade, Metric

__all__ = ["band_finding", "make_finding", "not_assessed", "severity_of", "status_of", "worse"]

_STEPS: tuple[Severity, ...] = ("minor", "major", "critical")
_WORSE: dict[Status, int] = {"clear": 0, "not_assessed": 0, "watch": 1, "found": 2}


def status_of(value: float, low: float | None, high: float | None, band: Threshold) -> Status:
    """Return the status of a figure with its interval against a band.

    >>> band = Threshold(unit="share", source="", reason={"ru": "", "en": ""}, watch=0.2, found=0.4, bad="high")
    >>> status_of(0.45, 0.41, 0.5, band), status_of(0.45, 0.35, 0.5, band), status_of(0.1, 0.05, 0.15, band)
    ('found', 'watch', 'clear')
    """
    assert band.watch is not None and band.found is not None and band.bad is not None
    low = value if low is None else low
    high = value if high is None else high
    watch, found = band.watch, band.found
    if band.bad == "low":
        low, high, watch, found = -high, -low, -watch, -found
    if low >= found:
        return "found"
    if high < watch:
        return "clear"
    return "watch"


def worse(*statuses: Status) -> Status:
    """Return the worst of several statuses."""
    return max(statuses, key=lambda s: _WORSE[s])


def severity_of(
    status: Status,
    thresholds: Thresholds,
    *,
    annual_revenue: float = 0.0,
    effect: Effect | None = None,
    role_hours_share: float | None = None,
    base_revenue_share: float | None = None,
    invalidates: bool = False,
) -> Severity:
    """Return the severity of what is found or watched; ``watch`` is one step lower, never below minor.

    critical: base effect ≥ 3 % of annual revenue, or other findings fall with it; major: ≥ 0.5 %, or ≥ 20 % of a
    role's hours, or ≥ 10 % of the base's revenue. All limits are thresholds.
    """
    if status in ("clear", "not_assessed"):
        return "none"
    money = effect.base / annual_revenue if effect is not None and annual_revenue > 0 else 0.0
    step = 0
    if (
        money >= thresholds.value("severity.major_money_share")
        or (role_hours_share or 0.0) >= thresholds.value("severity.major_role_hours_share")
        or (base_revenue_share or 0.0) >= thresholds.value("severity.major_base_revenue_share")
    ):
        step = 1
    if invalidates or money >= thresholds.value("severity.critical_money_share"):
        step = 2
    if status == "watch":
        step = max(step - 1, 0)
    return _STEPS[step]


def not_assessed(id: str, reason: Text, *, facts: Mapping[str, Any] | None = None) -> Finding:
    """Return a finding that cannot be judged, with the reason."""
    return Finding(
        id=id, status="not_assessed", reason=reason, metrics=method().findings[id].metrics, facts=facts or {}
    )


_NOTHING = 1e-5
"""Part of a year's revenue below which money is rounding."""


def make_finding(
    case: Case,
    id: str,
    status: Status,
    *,
    grade: Grade,
    effect: Effect | None = None,
    role_hours_share: float | None = None,
    base_revenue_share: float | None = None,
    invalidates: bool = False,
    table: str | None = None,
    facts: Mapping[str, Any] | None = None,
    metrics: tuple[str, ...] | None = None,
) -> Finding:
    """Build a finding with its severity; actions come from the catalogue, none on grade D, effect only if it stands."""
    spec = method().findings[id]
    stands = status in ("found", "watch")
    if effect is not None and effect.high < _NOTHING * case.annual_revenue:
        effect = None  # what rounding leaves is no price
    severity = severity_of(
        status,
        case.thresholds,
        annual_revenue=case.annual_revenue,
        effect=effect,
        role_hours_share=role_hours_share,
        base_revenue_share=base_revenue_share,
        invalidates=invalidates,
    )
    return Finding(
        id=id,
        status=status,
        severity=severity,
        metrics=spec.metrics if metrics is None else metrics,
        effect=effect if stands else None,
        grade=grade,
        actions=spec.actions if stands and grade != "D" else (),
        table=table,
        facts=facts or {},
    )


def band_finding(case: Case, id: str, metric: Metric, **more: Any) -> Finding:
    """Judge a metric against the band of the same name; a metric without a value gives ``not_assessed``."""
    if metric.value is None:
        assert metric.reason is not None, f"{metric.id} has neither value nor reason"
        return not_assessed(id, metric.reason)
    status = status_of(metric.value, metric.low, metric.high, case.thresholds[id])
    return make_finding(case, id, status, grade=metric.grade or "C", **more)
