"""Findings with their words: from a live chapter, or from ``findings.json`` when the summary reads a finished run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from audit.errors import Lang, Text
from audit.findings.finding import Effect, Finding, Risk
from audit.method import Thresholds, method
from audit.model.result import Metric
from audit.present.blocks import ActionView, FindingView
from audit.present.chart import Band
from audit.present.format import Fmt
from audit.present.narrative import Narrative
from audit.present.words import lower_first

__all__ = [
    "action_view",
    "band_of",
    "finding_from_json",
    "finding_view",
    "input_name",
    "lower_first",
    "metric_from_json",
    "metric_name",
    "owner_words",
    "what_it_moves",
]

_OWNERS = {
    "CLAIM": Text("ответственный за рекламации", "who answers for claims"),
    "PUR": Text("закупщик", "purchasing manager"),
}
"""Who acts, where the short name of the role is a department's."""


def band_of(thresholds: Thresholds, finding: str, metric: Metric | None) -> Band | None:
    """Return the limits to draw behind a finding's figure, where both speak of the same quantity."""
    if finding not in thresholds.items or metric is None:
        return None
    t = thresholds[finding]
    if t.kind != "band" or t.unit != metric.unit or t.bad != metric.bad:
        return None
    assert t.watch is not None and t.found is not None and t.bad is not None
    return Band(t.watch, t.found, t.bad)


def action_view(id: str, fmt: Fmt, told: Mapping[str, Any] | None = None) -> ActionView:
    """Return an action of the catalogue in words; ``told``: what ``findings.json`` says of it here (owner, first step)."""
    told = told or {}
    a = method().actions[id]
    lang = fmt.lang
    proof = "" if a.metric is None else Narrative(lang, fmt).target(a.metric, a.target)
    return ActionView(
        text=a.name.get(lang),
        owner=owner_words(told.get("owner", a.owner), told.get("missing_role", ""), lang),
        horizon_days=a.horizon_days,
        first_step=told.get("first_step") or a.first_step().get(lang),
        proof=proof,
        effort=a.effort,
    )


def owner_words(owner: str, missing: str, lang: Lang) -> str:
    """Return who answers for an action, and the role that should but that nobody holds."""

    def short(role: str) -> str:
        return _OWNERS.get(role, method().roles[role].short).get(lang)

    if not missing:
        return short(owner)
    return Text(f"{short(owner)} (роли {short(missing)} нет)", f"{short(owner)} (no {short(missing)})").get(lang)


def finding_view(
    finding: Finding,
    title: str | Markup,
    text: str | Markup,
    metrics: Mapping[str, Metric],
    thresholds: Thresholds,
    fmt: Fmt,
    *,
    href: str = "",
    sheet: str = "",
) -> FindingView:
    """Put a finding together with its leading metric, limits, benchmark sentence and actions.

    The leading metric is the first of the finding's that has a value.
    """
    lang = fmt.lang
    own = [metrics[m] for m in finding.metrics if m in metrics]
    lead = next((m for m in own if m.value is not None), None)
    benchmark = ""
    if lead is not None:
        mark = method().metrics[lead.id].benchmark
        benchmark = method().benchmarks[mark].name.get(lang) if mark else ""
    return FindingView(
        finding=finding,
        title=title,
        text=text,
        metric=lead,
        metric_name=metric_name(lead.id, lead.extra.get("horizon_days"), lang) if lead is not None else "",
        band=band_of(thresholds, finding.id, lead),
        benchmark_text=benchmark,
        actions=tuple(action_view(a, fmt) for a in finding.actions),
        href=href,
        others=tuple(
            (metric_name(m.id, m.extra.get("horizon_days"), lang), m)
            for m in own
            if m is not lead and m.value is not None
        ),
        sheet=sheet,
    )


def metric_name(id: str, horizon_days: Any, lang: Lang) -> str:
    """Return a metric's name; one «within 365 days» that was taken at a shorter horizon names that horizon."""
    name = method().metrics[id].name.get(lang)
    if horizon_days is None or int(horizon_days) == 365:
        return name
    return re.sub(r"365 (?:дней|days)", Fmt(lang).days(int(horizon_days)), name)


_METRIC_KEYS = ("value", "unit", "bad", "low", "high", "n", "benchmark", "benchmark_source", "grade", "reason")


def metric_from_json(id: str, raw: Mapping[str, Any]) -> Metric:
    """Build a metric from its JSON."""
    reason = raw.get("reason")
    return Metric(
        id=id,
        **{k: raw.get(k) for k in _METRIC_KEYS if k != "reason"},  # type: ignore[arg-type]
        reason=None if reason is None else Text(reason, reason),
        extra={k: v for k, v in raw.items() if k not in _METRIC_KEYS},
    )


def finding_from_json(raw: Mapping[str, Any], lang: Lang) -> Finding:
    """Build a finding from its JSON; an effect comes back without its draws."""
    effect = raw.get("effect")
    reason = raw.get("reason")
    return Finding(
        id=raw["id"],
        status=raw["status"],
        severity=raw["severity"],
        reason=None if reason is None else Text(reason, reason),
        metrics=tuple(raw["metrics"]),
        effect=None
        if effect is None
        else Effect(
            low=effect["low"],
            base=effect["base"],
            high=effect["high"],
            basis=effect["basis"],
            formula=Text(effect["formula"], effect["formula"]),
            inputs=effect.get("inputs", {}),
            pool=effect.get("pool"),
        ),
        risk=None if "risk" not in raw else Risk(raw["risk"]["chance"], raw["risk"]["stake"]),
        grade=raw.get("grade"),
        actions=tuple(raw["actions"]),
        facts=raw.get("facts", {}),
    )


def what_it_moves(ids: Iterable[str], findings: Iterable[Mapping[str, Any]], fmt: Fmt) -> str:
    """Say what settling some findings could do to the sum of page one: by how much at most, as far as that is known.

    ``findings``: those of ``findings.json``; ``could_add`` is by how much the sum would rise, were one of them confirmed.
    """
    known = {f["id"]: float(f["could_add"]) for f in findings if "could_add" in f}
    ids = list(ids)
    more = max((known.get(id, 0.0) for id in ids), default=0.0)
    kinds = {method().findings[id].money for id in ids if id not in known}
    part = "price" if more > 0 else "gain" if "gain" in kinds else "risk" if "risk" in kinds else "nothing"
    return str(Narrative(fmt.lang, fmt).section("summary", "moves", part, more=more).unescape())


def input_name(id: str, lang: Lang) -> str:
    """Return the name of an input of the prices: a metric's, an assumption's, or of what the prices draw beside."""
    m = method()
    if id in m.metrics:
        return m.metrics[id].name.get(lang)
    if id in m.thresholds.items:
        reason = m.thresholds[id].reason
        return reason.ru if lang == "ru" else reason.en
    return _INPUTS[id].get(lang)


_INPUTS = {
    "retention.new_a_year": Text("новых клиентов в год", "new clients a year"),
    "retention.second_value": Text(
        "сколько клиент приносит за год со второй покупки", "what a client brings in the year from its second purchase"
    ),
    "retention.own_return": Text("сколько спящих возвращается без усилий", "sleepers that return by themselves"),
    "retention.excess_clients": Text("клиенты, потерянные сверх общего уровня", "clients lost above the common rate"),
    "roles.selling_share": Text("доля продаж в часах КМ", "selling share of client managers' hours"),
    "roles.freed_share": Text("высвобождаемая доля часов КМ", "share of client managers' hours freed"),
    "base.off_profile_margin": Text("достижимая маржа непрофильных", "margin within reach of off-profile clients"),
    "base.giant_margin_loss": Text("потеря маржи после непосильных заказов", "margin lost after orders too large"),
}
