"""Findings that are declared in the catalogue, judged from the chapter's result without code of their own.

A chapter may add what a declaration cannot say: further facts for the sentences, and the price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from audit.findings.finding import Effect, Finding
from audit.findings.judge import band, few, make_finding, no_figure, not_assessed
from audit.ground.lacks import HOURS_BY_GROUP
from audit.method import FindingSpec, method
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["Facts", "Price", "declared", "judge_declared"]

Facts = Callable[[Case, ChapterResult, Metric], Mapping[str, Any]]
"""Further facts of a finding, from its case, its chapter and the metric that is judged."""
Price = Callable[[Case, ChapterResult], Effect | None]


def declared(
    case: Case,
    result: ChapterResult,
    *,
    facts: Mapping[str, Facts] | None = None,
    prices: Mapping[str, Price] | None = None,
) -> list[Finding]:
    """Return the verdicts on the chapter's declared findings; ``facts`` and ``prices`` are by the finding's id."""
    facts, prices = facts or {}, prices or {}
    specs = {spec.id: spec for spec in method().findings_of(result.chapter) if spec.rule is not None}
    unknown = {*facts, *prices} - set(specs)
    assert not unknown, f"not declared: {unknown}"
    return [judge_declared(case, result, spec, facts.get(id), prices.get(id)) for id, spec in specs.items()]


def judge_declared(
    case: Case, result: ChapterResult, spec: FindingSpec, facts: Facts | None = None, price: Price | None = None
) -> Finding:
    """Return the verdict that the declaration gives on its first metric."""
    id, m = spec.id, result.metrics[spec.metrics[0]]
    if m.value is None:
        return no_figure(id, m)
    if spec.few is not None:
        n = m.n if spec.few.of == "n" else m.extra[spec.few.of]
        if (lack := few(case, n, spec.few.name)) is not None:
            return not_assessed(id, lack)
    shown = _facts(case, result, spec, m)
    if facts is not None:
        shown |= facts(case, result, m)
    effect = None if price is None else price(case, result)
    more: dict[str, Any] = {"effect": effect, "table": spec.table, "facts": shown}
    if spec.by_group and m.extra["by_group_hours"]:
        more["doubt"] = HOURS_BY_GROUP
    if spec.rule == "any":
        return make_finding(case, id, "found" if m.value > 0 else "clear", grade=m.grade or "C", **more)
    return band(
        case,
        id,
        m,
        by=spec.by,
        steady=spec.steady,
        periods=spec.periods,
        cap=bool(spec.cap and shown[spec.cap]),
        sampled=spec.sampled,
        together=spec.together,
        role_hours_share=shown[spec.role_hours_share] if spec.role_hours_share else None,
        base_revenue_share=shown[spec.base_revenue_share] if spec.base_revenue_share else None,
        **more,
    )


def _facts(case: Case, result: ChapterResult, spec: FindingSpec, m: Metric) -> dict[str, Any]:
    known: dict[str, Any] = {**result.facts, **m.extra, "value": m.value, "low": m.low, "high": m.high, "n": m.n}
    if spec.rule == "band":
        limits = case.thresholds[spec.id]
        known |= {"watch": limits.watch, "found": limits.found}
    out: dict[str, Any] = {}
    for name in spec.facts:
        assert name in {*known, "extra"}, f"{spec.id} declares a fact that nobody gives: {name}"
        out |= m.extra if name == "extra" else {name: known[name]}
    return out
