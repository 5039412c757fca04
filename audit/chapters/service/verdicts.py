"""Verdicts on service (methodology, sections 5.8 and 7)."""

from __future__ import annotations

from typing import Any

from audit.errors import Text
from audit.findings.declared import declared
from audit.findings.finding import Finding
from audit.findings.judge import make_finding, no_figure, status_of
from audit.findings.pricing import excess_loss_effect, stands_twice
from audit.method import method
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["judge"]

_KINDS = {"late": "late", "short_shipments": "short", "complaints": "complaint"}


def judge(case: Case, result: ChapterResult) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    facts = {
        "service.late": _lateness,
        "service.short_shipments": _short,
        "service.complaints": _complaints,
        "service.no_owner": _unowned,
    }
    return [*declared(case, result, facts=facts), _failures(case, result)]


def _shares(case: Case, result: ChapterResult, m: Metric, kind: str) -> dict[str, Any]:
    limits = case.thresholds[f"service.{kind}"]
    kinds: dict[Any, Any] = result.tables["kinds"].set_index("kind").loc[_KINDS[kind]].to_dict()
    return {
        "recent": m.extra["recent_value"],
        "recent_n": m.extra["recent_n"],
        "recent_failed": m.extra["recent_failed"],
        "recent_low": m.extra["recent_low"],
        "recent_high": m.extra["recent_high"],
        "recent_revenue": float(kinds["revenue"]),
        "watch": limits.watch,
        "found": limits.found,
        "start": result.facts["start"],
        "as_of": result.facts["as_of"],
    }


def _lateness(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    days, taken = result.metrics["service.late_days"], result.metrics["service.processing_days"]
    return {
        **_shares(case, result, m, "late"),
        "by_wish": m.extra["basis"] == "requested_date",
        "days": days.value,
        "days_p90": days.extra.get("p90"),
        "processing": taken.value,
        "overdue": result.facts["overdue"],
    }


def _short(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    return _shares(case, result, m, "short_shipments")


def _complaints(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    reasons = result.tables["reasons"]
    named = reasons[reasons["reason"].notna()].head(3)
    words = method().complaint_reasons
    return {
        **_shares(case, result, m, "complaints"),
        "reasons": [
            {
                "ru": words[str(r["reason"])].ru if r["known"] else str(r["reason"]),
                "en": words[str(r["reason"])].en if r["known"] else str(r["reason"]),
                "share": float(r["share"]),
            }
            for r in named.to_dict("records")
        ],
        "one_in": round(1.0 / m.value) if m.value else None,
        "papers": result.metrics["service.document_error_share"].value,
        "returns": result.metrics["service.return_share"].value,
    }


def _unowned(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    names = method().services
    return {
        "services": [{"ru": names[s].ru, "en": names[s].en} for s in m.extra["services"]],
        "failing": len(result.tables["processes"]),
    }


def _failures(case: Case, result: ChapterResult) -> Finding:
    """Found: the log-rank test says so and the loss is higher, by the clock and by one twice as long."""
    id = "service.failures_cost_clients"
    loss, p = result.metrics["service.failure_loss"], result.metrics["service.failure_p"]
    if loss.value is None or p.value is None:
        return no_figure(id, loss)
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
        case,
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
