"""Verdicts on service (methodology, sections 5.8 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.errors import Text
from audit.findings.finding import Finding, Status
from audit.findings.judge import make_finding, not_assessed, status_of
from audit.findings.rules.handoff import excess_loss_effect, stands_twice
from audit.method import Threshold, method
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["judge", "of_two_periods"]


def judge(case: Case, result: ChapterResult, results: Mapping[str, ChapterResult]) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    return [
        _late(case, result),
        _orders(case, result, "service.short_shipments", "service.short_share", "short"),
        _orders(case, result, "service.complaints", "service.complaint_share", "complaint"),
        _no_owner(case, result),
        _failures(case, result),
    ]


def _missing(id: str, m: Metric) -> Finding:
    assert m.reason is not None, f"{m.id} has neither value nor reason"
    return not_assessed(id, m.reason)


def of_two_periods(m: Metric, band: Threshold) -> Status:
    """Judge a share of orders of the whole window; the last 12 months correct it where they are sure.

    A last year that is bad for sure is found, one that is good for sure leaves a bad window watched; a last year
    with too few orders to tell changes nothing.
    """
    assert m.value is not None
    whole = status_of(m.value, m.low, m.high, band)
    recent = m.extra["recent_value"]
    if recent is None:
        return whole
    now = status_of(recent, m.extra["recent_low"], m.extra["recent_high"], band)
    if now == "clear":
        return "watch" if whole == "found" else "clear"
    return "found" if now == "found" else whole


def _figures(result: ChapterResult, m: Metric, band: Threshold, kind: str) -> dict[str, Any]:
    kinds: dict[Any, Any] = result.tables["kinds"].set_index("kind").loc[kind].to_dict()
    return {
        "value": m.value,
        "low": m.low,
        "high": m.high,
        "n": m.n,
        "failed": m.extra["failed"],
        "revenue_share": m.extra["revenue_share"],
        "recent": m.extra["recent_value"],
        "recent_n": m.extra["recent_n"],
        "recent_failed": m.extra["recent_failed"],
        "recent_low": m.extra["recent_low"],
        "recent_high": m.extra["recent_high"],
        "recent_revenue": float(kinds["revenue"]),
        "watch": band.watch,
        "found": band.found,
        "start": result.facts["start"],
        "as_of": result.facts["as_of"],
    }


def _late(case: Case, result: ChapterResult) -> Finding:
    """Judge lateness; against the client's own wish (no promised date) it is watched at most."""
    id = "service.late"
    m = result.metrics["service.late_share"]
    if m.value is None:
        return _missing(id, m)
    band = case.thresholds[id]
    status = of_two_periods(m, band)
    by_wish = m.extra["basis"] == "requested_date"
    if by_wish and status == "found":
        status = "watch"
    days, taken = result.metrics["service.late_days"], result.metrics["service.processing_days"]
    facts = {
        **_figures(result, m, band, "late"),
        "by_wish": by_wish,
        "days": days.value,
        "days_p90": days.extra.get("p90"),
        "processing": taken.value,
        "overdue": result.facts["overdue"],
    }
    return make_finding(
        case, id, status, grade=m.grade or "C", base_revenue_share=m.extra["revenue_share"], table="months", facts=facts
    )


def _orders(case: Case, result: ChapterResult, id: str, metric: str, kind: str) -> Finding:
    m = result.metrics[metric]
    if m.value is None:
        return _missing(id, m)
    band = case.thresholds[id]
    facts = _figures(result, m, band, kind)
    if kind == "complaint":
        reasons = result.tables["reasons"]
        named = reasons[reasons["reason"].notna()].head(3)
        words = method().complaint_reasons
        facts["reasons"] = [
            {
                "ru": words[str(r["reason"])].ru if r["known"] else str(r["reason"]),
                "en": words[str(r["reason"])].en if r["known"] else str(r["reason"]),
                "share": float(r["share"]),
            }
            for r in named.to_dict("records")
        ]
        facts["one_in"] = round(1.0 / m.value) if m.value > 0 else None
        facts["papers"] = result.metrics["service.document_error_share"].value
        facts["returns"] = result.metrics["service.return_share"].value
    return make_finding(
        case,
        id,
        of_two_periods(m, band),
        grade=m.grade or "C",
        base_revenue_share=m.extra["revenue_share"],
        table="reasons" if kind == "complaint" else "months",
        facts=facts,
    )


def _no_owner(case: Case, result: ChapterResult) -> Finding:
    id = "service.no_owner"
    m = result.metrics["service.unowned_services"]
    if m.value is None:
        return _missing(id, m)
    status = status_of(m.value, None, None, case.thresholds[id])
    names = method().services
    facts = {
        "value": m.value,
        "n": m.n,
        "no_owner": m.extra["no_owner"],
        "no_sla": m.extra["no_sla"],
        "services": [{"ru": names[s].ru, "en": names[s].en} for s in m.extra["services"]],
        "failing": len(result.tables["processes"]),
    }
    return make_finding(case, id, status, grade="C", table="services", facts=facts)


def _failures(case: Case, result: ChapterResult) -> Finding:
    """Found: the log-rank test says so and the loss is higher, by the clock and by one twice as long."""
    id = "service.failures_cost_clients"
    loss, p = result.metrics["service.failure_loss"], result.metrics["service.failure_p"]
    if loss.value is None or p.value is None:
        return _missing(id, loss)
    status = status_of(p.value, None, None, case.thresholds[id])
    higher = p.extra["slower"] and loss.value > 0
    sure = loss.low is not None and loss.low > 0 and stands_twice(loss)
    if not higher:
        status = "clear"
    elif status == "found" and not sure:
        status = "watch"
    x = result.facts
    facts = {
        "value": loss.value,
        "low": loss.low,
        "high": loss.high,
        "n": loss.n,
        "failed": loss.extra["failed"],
        "others": loss.extra["others"],
        "controls": loss.extra["controls"],
        "unmatched": loss.extra["unmatched"],
        "gaps": loss.extra["loss_gaps"],
        "p": p.value,
        "twice": loss.extra["twice_value"],
        "lasting": stands_twice(loss),
        "kinds": loss.extra["kinds"],
        "away": int(result.tables["after_failure"]["still_away"].astype(bool).sum()),
    }
    effect = excess_loss_effect(
        result,
        loss,
        result.tables["after_failure"],
        int(loss.extra["sampled_step"]),
        Text(
            "избыточные потери × годовая выручка клиентов с первым сбоем за последние 12 месяцев",
            "excess loss × annual revenue of the clients with a first failure in the last 12 months",
        ),
    )
    total = float(x["annual_revenue"])
    share = float(result.tables["after_failure"]["annual_value"].sum()) / total if total > 0 else None
    return make_finding(
        case,
        id,
        status,
        grade=loss.grade or "C",
        effect=effect,
        base_revenue_share=None if share is None else share * max(loss.value, 0.0),
        table="after_failure",
        facts=facts,
    )
