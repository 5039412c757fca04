"""Verdicts on key clients (methodology, sections 5.7 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.findings.finding import Finding
from audit.findings.judge import make_finding, not_assessed, status_of, worse
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["judge"]


_SHARES = {
    "keys.no_file": "keys.no_file_share",
    "keys.no_buying_centre": "keys.no_buying_centre_share",
    "keys.no_plan": "keys.no_plan_share",
    "keys.no_backup": "keys.no_backup_share",
    "keys.no_influence": "keys.no_influence_share",
    "keys.disincentive": "keys.disincentive_share",
}


def judge(case: Case, result: ChapterResult, results: Mapping[str, ChapterResult]) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    return [_too_many(case, result), *(_share(case, result, id, metric) for id, metric in _SHARES.items())]


def _missing(id: str, m: Metric) -> Finding:
    assert m.reason is not None, f"{m.id} has neither value nor reason"
    return not_assessed(id, m.reason)


def _too_many(case: Case, result: ChapterResult) -> Finding:
    id = "keys.too_many"
    m = result.metrics["keys.most_per_manager"]
    if m.value is None:
        return _missing(id, m)
    status = status_of(m.value, m.low, m.high, case.thresholds[id])
    leads = result.tables["leads"]
    over = leads[leads["over"].astype(bool)]
    total = result.facts["recent_revenue"]
    facts = {
        "value": m.value,
        "limit": result.facts["limit"],
        "managers": m.n,
        "over": int(m.extra["over"]),
        "mean": m.extra["mean"],
        "beyond": int((over["counted"] - result.facts["limit"]).sum()),
    }
    share = float(over["revenue"].sum()) / total if total > 0 else None
    return make_finding(case, id, status, grade="C", base_revenue_share=share, table="leads", facts=facts)


def _share(case: Case, result: ChapterResult, id: str, metric: str) -> Finding:
    """Judge a share of the list; weak plans beside missing ones are watched."""
    m = result.metrics[metric]
    if m.value is None:
        return _missing(id, m)
    band = case.thresholds[id]
    status = status_of(m.value, m.low, m.high, band)
    total = result.facts["recent_revenue"]
    facts: dict[str, Any] = {
        "value": m.value,
        "low": m.low,
        "high": m.high,
        "n": m.n,
        "clients": m.extra["clients"],
        "unknown": m.extra["unknown"],
        "revenue": m.extra["revenue"],
        "watch": band.watch,
        "found": band.found,
        "revenue_share": m.extra["revenue"] / total if total > 0 else None,
        "weak": 0,
        "lower_rate": 0,
    }
    if id == "keys.no_plan":
        weak = result.metrics["keys.weak_plan_share"]
        facts["weak"] = 0 if weak.value is None else int(weak.extra["clients"])
        # A plan that ends with the year or has two items is better than none, and no long-term plan.
        both = (facts["clients"] + facts["weak"]) / m.n if m.n else 0.0
        if status == "clear" and status_of(both, None, None, band) == "found":
            status = worse(status, "watch")
    if id == "keys.disincentive":
        facts["lower_rate"] = result.facts["lower_rate"]
    return make_finding(
        case, id, status, grade="C", base_revenue_share=facts["revenue_share"], table="clients", facts=facts
    )
