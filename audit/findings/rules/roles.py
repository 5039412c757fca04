"""Verdicts on role mixing (methodology, sections 4, 5.3 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.findings.finding import Finding
from audit.findings.judge import make_finding, not_assessed, status_of
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["judge"]


def judge(case: Case, result: ChapterResult, results: Mapping[str, ChapterResult]) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    return [_km_overload(case, result), _entry_burden(case, result)]


def _limits(case: Case, id: str, m: Metric) -> dict[str, Any]:
    band = case.thresholds[id]
    return {"value": m.value, "low": m.low, "high": m.high, "n": m.n, "watch": band.watch, "found": band.found}


def _km_overload(case: Case, result: ChapterResult) -> Finding:
    id = "roles.km_overload"
    m = result.metrics["roles.km_operational_share"]
    if m.value is None:
        assert m.reason is not None
        return not_assessed(id, m.reason)
    status = status_of(m.value, m.low, m.high, case.thresholds[id])
    facts = {
        **_limits(case, id, m),
        "people": m.n,
        "hours": m.extra["operational_hours"],
        "fte": m.extra["operational_hours"] / float(result.facts["hours_per_month"]),
        "top": result.facts["km_top_functions"],
    }
    return make_finding(
        case, id, status, grade=m.grade or "C", role_hours_share=m.value, table="km_load", facts=facts
    )


def _entry_burden(case: Case, result: ChapterResult) -> Finding:
    id = "roles.entry_burden"
    m = result.metrics["roles.entry_by_manager"]
    if m.value is None:
        assert m.reason is not None
        return not_assessed(id, m.reason)
    status = status_of(m.value, m.low, m.high, case.thresholds[id])
    facts = {
        **_limits(case, id, m),
        "own_work": m.extra["own_work"],
        "suspect": m.extra["suspect_logins"],
        "automatic": m.extra["automatic"],
        "since": result.facts["recent_from"],
        "until": result.facts["as_of"],
        "hours": result.facts["entry_hours_by_managers"],
    }
    return make_finding(case, id, status, grade=m.grade or "C", table="entry", facts=facts)
