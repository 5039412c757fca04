"""The rules that every verdict follows: status from an interval and a band, severity from money and hours.

Orientation (methodology, section 4): turn the figure so that high is bad; W is the watch limit, F the found limit,
W ≤ F. ``found`` if value ≥ F and low ≥ W (measured beyond F, certain beyond W); ``watch`` if value ≥ W; ``clear`` if
value < W and high < F; otherwise ``unclear``. Without an interval low = high = value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from audit.errors import Text
from audit.findings.finding import Doubt, Effect, Finding, Risk, Severity, Status
from audit.ground.lacks import too_few
from audit.ground.money import money_of_year
from audit.method import Threshold, Thresholds, method
from audit.model.case import Case
from audit.model.result import Grade, Metric

__all__ = [
    "band",
    "doubt_of",
    "few",
    "judged",
    "make_finding",
    "no_figure",
    "not_assessed",
    "severity_of",
    "status_of",
    "steadied",
    "worse",
]

_STEPS: tuple[Severity, ...] = ("minor", "major", "critical")
_WORSE: dict[Status, int] = {"clear": 0, "not_assessed": 0, "unclear": 1, "watch": 2, "found": 3}


def status_of(value: float, low: float | None, high: float | None, band: Threshold) -> Status:
    """Return the status of a figure with its interval against a band.

    >>> band = Threshold(unit="share", source="", reason={"ru": "", "en": ""}, watch=0.2, found=0.4, bad="high")
    >>> status_of(0.45, 0.35, 0.5, band), status_of(0.45, 0.15, 0.7, band), status_of(0.1, 0.05, 0.35, band)
    ('found', 'watch', 'clear')
    >>> status_of(0.1, 0.02, 0.45, band)
    'unclear'
    """
    assert band.watch is not None and band.found is not None and band.bad is not None
    low = value if low is None else low
    high = value if high is None else high
    watch, found = band.watch, band.found
    if band.bad == "low":
        value, low, high, watch, found = -value, -high, -low, -watch, -found
    if value >= watch:
        return "found" if value >= found and low >= watch else "watch"
    return "clear" if high < found else "unclear"


FAR = 30.0
"""So many times the data are out of reach: no number of units is promised."""


def doubt_of(m: Metric, limits: Threshold, by: str = "", *, sampled: bool = True, change: bool = False) -> Doubt | None:
    """Return why a figure (or the one beside it named ``by``) tells neither a problem nor its absence; None otherwise.

    An interval of a sample shrinks as the root of the number of units: ``units`` is where its bad end would meet the
    found limit, or the good end of a bad ``change`` meet none. One that comes from answers not given (``sampled`` false)
    does not.
    """
    value, low, high, n = _figure(m, by)
    if value is None or low is None or high is None or judged(m, limits, by, change=change) != "unclear":
        return None
    assert limits.watch is not None and limits.found is not None
    good = value < limits.watch if limits.bad == "high" else value > limits.watch
    reach = high - value if (limits.bad == "high") == good else value - low
    gap = abs((limits.found if good else 0.0) - value)
    times = (reach / gap) ** 2 if gap > 0 else math.inf
    units = None if n is None or not sampled or times > FAR else math.ceil(n * times)
    if units is not None:
        step = 10 ** max(0, len(str(units)) - 2)
        units = math.ceil(units / step) * step
    return Doubt(value, low, high, limits.watch, limits.found, m.unit, n, units)


def worse(*statuses: Status) -> Status:
    """Return the worst of several statuses."""
    return max(statuses, key=lambda s: _WORSE[s])


def judged(m: Metric, limits: Threshold, by: str = "", *, change: bool = False) -> Status | None:
    """Return the status of a figure, or of the one beside it that is named ``by``; None where that is unknown.

    Beside a metric stand ``by`` or ``by_value`` with ``by_low`` and ``by_high`` where it has an interval. ``change``: the
    figure is a change, or a difference of two groups; chance alone makes half of those that are none look bad, so there is
    no warning while its interval takes in none.
    """
    value, low, high, _ = _figure(m, by)
    if value is None:
        return None
    status = status_of(value, low, high, limits)
    sure = high is not None and high < 0 if limits.bad == "low" else low is not None and low > 0
    return "unclear" if change and status in ("watch", "found") and not sure else status


def _figure(m: Metric, by: str) -> tuple[float | None, float | None, float | None, int | None]:
    """Return value, low, high and n of a metric or of the figure beside it."""
    if not by:
        return m.value, m.low, m.high, m.n
    e = m.extra
    return e.get(by, e.get(f"{by}_value")), e.get(f"{by}_low"), e.get(f"{by}_high"), e.get(f"{by}_n", m.n)


def steadied(status: Status, m: Metric, limits: Threshold, by: str = "without", *, change: bool = False) -> Status:
    """Return the status if it also holds without the client that makes up too much of the figure.

    Otherwise ``watch``, or ``unclear`` where neither of the two is a warning.
    """
    other = judged(m, limits, by, change=change)
    if "dominant_share" not in m.extra or other == status:
        return status
    return "watch" if {status, other} & {"found", "watch"} else "unclear"


def _two_periods(m: Metric, limits: Threshold) -> Status | None:
    """Judge a share of the whole window; the last 12 months correct it where they are sure.

    A last year that is bad for sure is found, one that is good for sure leaves a bad window watched; a last year
    with too few units to tell changes nothing.
    """
    whole, now = judged(m, limits), judged(m, limits, "recent")
    if now == "clear":
        return "watch" if whole == "found" else "clear"
    return "found" if now == "found" else whole


def few(case: Case, n: int | None, what: Text) -> Text | None:
    """Return the reason why so many units are too few for a verdict, or None where they are enough."""
    needed = case.thresholds.count("general.min_units")
    return too_few(n or 0, needed, what) if (n or 0) < needed else None


def severity_of(
    status: Status,
    thresholds: Thresholds,
    *,
    money_share: float = 0.0,
    role_hours_share: float | None = None,
    base_revenue_share: float | None = None,
    invalidates: bool = False,
) -> Severity:
    """Return the severity of what is found or watched; ``watch`` is one step lower, never below minor.

    ``money_share``: base effect ÷ what the company makes in a year in the same money (gross profit against gross
    profit, revenue against revenue). critical: ≥ 5 % of it, or other findings fall with it; major: ≥ 1 %, or ≥ 20 % of
    a role's hours, or ≥ 10 % of the base's revenue. All limits are thresholds.
    """
    if status not in ("found", "watch"):
        return "none"
    step = 0
    if (
        money_share >= thresholds.value("severity.major_money_share")
        or (role_hours_share or 0.0) >= thresholds.value("severity.major_role_hours_share")
        or (base_revenue_share or 0.0) >= thresholds.value("severity.major_base_revenue_share")
    ):
        step = 1
    if invalidates or money_share >= thresholds.value("severity.critical_money_share"):
        step = 2
    if status == "watch":
        step = max(step - 1, 0)
    return _STEPS[step]


def not_assessed(id: str, reason: Text, *, facts: Mapping[str, Any] | None = None) -> Finding:
    """Return a finding that cannot be judged, with the reason."""
    return Finding(
        id=id, status="not_assessed", reason=reason, metrics=method().findings[id].metrics, facts=facts or {}
    )


def no_figure(id: str, m: Metric, *, facts: Mapping[str, Any] | None = None) -> Finding:
    """Return the finding that cannot be judged because its figure cannot be had."""
    assert m.reason is not None, f"{m.id} has neither value nor reason"
    return not_assessed(id, m.reason, facts=facts)


HANGS_ON_ONE = Text(
    "Показатель держится на одном клиенте: без него судить не о чем",
    "The figure hangs on one client: without it there is nothing to judge by",
)
_NOTHING = 1e-5
"""Part of a year's money below which an effect is rounding."""


def make_finding(
    case: Case,
    id: str,
    status: Status,
    *,
    grade: Grade,
    effect: Effect | None = None,
    risk: Risk | None = None,
    role_hours_share: float | None = None,
    base_revenue_share: float | None = None,
    invalidates: bool = False,
    table: str | None = None,
    facts: Mapping[str, Any] | None = None,
    metrics: tuple[str, ...] | None = None,
    doubt: Doubt | Text | None = None,
) -> Finding:
    """Build a finding with its severity; actions come from the catalogue, none on grade D, effect only if it stands.

    What is ``unclear`` says why: ``doubt``, or that the figure hangs on one client. An effect of what is ``unclear``
    is no price: it only tells how far the sum could move, were it settled.
    """
    spec = method().findings[id]
    stands = status in ("found", "watch")
    assert effect is None or spec.money == "gain", f"{id} is not declared to have a price"
    assert risk is None or spec.money == "risk", f"{id} is not declared to be a risk"
    year = 0.0 if effect is None else money_of_year(case, effect.basis)
    if effect is not None and effect.high < _NOTHING * year:
        effect = None  # what rounding leaves is no price
    severity = severity_of(
        status,
        case.thresholds,
        money_share=0.0 if effect is None or year <= 0 else effect.base / year,
        role_hours_share=role_hours_share,
        base_revenue_share=base_revenue_share,
        invalidates=invalidates,
    )
    return Finding(
        id=id,
        status=status,
        severity=severity,
        metrics=spec.metrics if metrics is None else metrics,
        effect=None if status in ("clear", "not_assessed") else effect,
        risk=risk if stands else None,
        grade=grade,
        actions=spec.actions if stands and grade != "D" else (),
        table=table,
        facts=facts or {},
        doubt=(doubt or HANGS_ON_ONE) if status == "unclear" else None,
    )


def band(
    case: Case,
    id: str,
    m: Metric,
    *,
    by: str = "",
    steady: bool = False,
    periods: bool = False,
    cap: bool = False,
    sampled: bool = True,
    change: bool = False,
    **more: Any,
) -> Finding:
    """Judge a metric against the band of the finding's name; without a value it is not assessed.

    ``by`` judges the figure of that name beside the metric; ``steady`` asks that the verdict hold without the dominant
    client; ``periods`` lets the last 12 months correct the whole window; ``cap`` keeps it at ``watch``;
    ``sampled``: see `doubt_of`; ``change``: see `judged`.
    """
    if m.value is None:
        return no_figure(id, m)
    limits = case.thresholds[id]
    status = _two_periods(m, limits) if periods else judged(m, limits, by, change=change)
    assert status is not None, f"{m.id} has no {by}"
    doubt = doubt_of(m, limits, by, sampled=sampled, change=change)
    if steady:
        alone = f"without_{by}" if by else "without"
        status = steadied(status, m, limits, alone, change=change)
        doubt = doubt or doubt_of(m, limits, alone, sampled=sampled, change=change)
    if cap and status == "found":
        status = "watch"
    return make_finding(case, id, status, **{"grade": m.grade or "C", "doubt": doubt, **more})
