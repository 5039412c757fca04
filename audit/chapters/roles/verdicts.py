"""Verdicts on role mixing (methodology, sections 4, 5.3 and 7)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from audit.chapters.roles.relief import SELLING_GROUPS
from audit.errors import Text
from audit.findings.declared import declared
from audit.findings.finding import Effect, Finding, Status
from audit.findings.judge import band, doubt_of, judged, make_finding, no_figure, status_of, worse
from audit.findings.pricing import Inputs, price
from audit.ground.answers import read_answers
from audit.ground.people import labels
from audit.method import Threshold, method
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric
from audit.stats.montecarlo import NORMAL_95
from audit.stats.selfreport import pooled

__all__ = ["judge", "km_status", "mix_components"]

LEAST_SELLING = 0.01
"""A share of selling hours below which the formula has no meaning."""

FORMULA = Text(
    "((s + φΔ)/s)^ε − 1, умноженное на годовую прибыль клиентов КМ, которым есть куда расти: s — доля продаж в часах "
    "КМ, Δ — высвобождаемая доля часов (не больше 20 % и не больше, чем часов не хватает по норме касаний), φ — какая "
    "её часть уйдёт в продажи, ε — эластичность продаж по времени (Albers 2010)",
    "((s + φΔ)/s)^ε − 1, times the yearly profit of the client managers' clients with room to grow: s is the selling "
    "share of their hours, Δ the share of hours freed (at most 20% and at most what the touch norm lacks), φ the part "
    "of it that goes into selling, ε the elasticity of sales to selling time (Albers 2010)",
)


def judge(case: Case, result: ChapterResult) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    facts = {
        "roles.frontline_overload": _frontline,
        "roles.entry_burden": _entry,
        "roles.engineer_sells": _foreign,
        "roles.seller_buys": _foreign,
        "roles.owner_runs_keys": _keys,
        "roles.fragmented_function": _torn,
        "roles.pay_against_role": _pay,
        "roles.ambiguous_title": lambda case, result, m: {"staff": m.n},
    }
    return [
        *declared(case, result, facts=facts),
        _km_overload(case, result),
        _relief_shortage(case, result),
        _universal_seller(case, result),
        _hunter_farmer_mix(case, result),
        _evidence_conflict(case, result),
        _hours_implausible(case, result),
    ]


def _figures(case: Case, id: str, m: Metric) -> dict[str, Any]:
    limits = case.thresholds[id]
    return {"value": m.value, "low": m.low, "high": m.high, "n": m.n, "watch": limits.watch, "found": limits.found}


def _role(family: str) -> dict[str, str]:
    """Return the short name of a role in both languages, for a sentence."""
    short = method().roles[family].short
    return {"code": family, "ru": short.ru, "en": short.en}


def _frontline(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    family = m.extra["family"]
    return {"role": _role(family), "hours": m.extra["foreign_hours"], "top": result.facts["top"][family]}


def _relief_shortage(case: Case, result: ChapterResult) -> Finding:
    """Judge the missing relief per FTE of client managers; who is not overloaded lacks no relief."""
    id = "roles.relief_shortage"
    m, freed = result.metrics["roles.relief_shortage_fte"], result.metrics["roles.relief_fte"]
    if m.value is None:
        return no_figure(id, m)
    t, managers = case.thresholds, float(m.extra["km_fte"])
    per, least = t[id], t["roles.relief_shortage_least"]
    assert per.watch is not None and per.found is not None and least.watch is not None and least.found is not None
    limits = per.model_copy(
        update={"watch": max(least.watch, per.watch * managers), "found": max(least.found, per.found * managers)}
    )
    status = judged(m, limits)
    assert status is not None
    load = result.metrics["roles.km_operational_share"]
    calm = load.value is not None and km_status(load, t["roles.km_overload"]) == "clear"
    facts = {
        "value": m.value,
        "low": m.low,
        "high": m.high,
        "n": m.n,
        "watch": limits.watch,
        "found": limits.found,
        "km_fte": managers,
        "calm": calm,
        **result.facts["relief"],
        "freed_share": freed.extra["freed_share"],
        "relief_fte": freed.value,
        "hours_per_month": result.facts["hours_per_month"],
        "utilisation": result.facts["utilisation"],
        "productive_hours": result.facts["productive_hours"],
    }
    return make_finding(
        case,
        id,
        "clear" if calm else status,
        grade=m.grade or "C",
        role_hours_share=facts["freed_share"],
        table="relief",
        facts=facts,
        doubt=doubt_of(m, limits, sampled=False),
    )


def _entry(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    return {
        "own_work": m.extra["own_work"],
        "suspect": m.extra["suspect_logins"],
        "automatic": m.extra["automatic"],
        "since": result.facts["recent_from"],
        "until": result.facts["as_of"],
        "hours": result.facts["entry_hours_by_managers"],
        "before": result.facts["entry_share_before"],
        "staff_known": bool(result.facts["people"]),
    }


def _foreign(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    return {
        "role": _role(m.extra["family"]),
        "hours": m.extra["foreign_hours"],
        "parts": [{**_role(f), "value": v} for f, v in m.extra["by_family"].items()],
    }


def _keys(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    assert m.value is not None
    led = m.value * float(m.extra["revenue"])
    return {
        "led": m.extra["led"],
        "revenue_share": led / case.annual_revenue if case.annual_revenue > 0 else None,
        "dominant_share": m.extra.get("dominant_share"),
        "without_value": m.extra.get("without_value"),
        "strategic_too": bool(set(result.facts["types"]) & {"CS", "S"}),
    }


def _pay(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    """Name the roles that are not paid for their own work, with what they are paid for."""
    codes = method().answers["pays_for"]

    def named(values: Collection[str]) -> list[dict[str, str]]:
        return [{"code": c, "ru": codes[c].ru, "en": codes[c].en} for c in values]

    rows = result.tables["pay"]
    return {
        "roles": [
            {
                "role": _short(str(r["role"])),
                "foreign": named(r["foreign"]),
                "for_nothing": bool(r["for_nothing"]),
                "own": named(r["own"]),
            }
            for r in rows[rows["mismatch"].astype(bool)].to_dict("records")
        ]
    }


def _short(role: str) -> dict[str, str]:
    name = method().roles[role].short
    return {"code": role, "ru": name.ru, "en": name.en}


def _torn(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    functions = result.tables["functions"]
    torn = functions[functions["fragmented"].astype(bool)].sort_values(["hours", "function"], ascending=[False, True])
    return {
        "orphans": m.extra["orphans"],
        "functions": list(torn["function"].head(5)),
        "names": [result.facts["function_names"][f] for f in torn["function"].head(5)],
    }


def km_status(m: Metric, limits: Threshold) -> Status:
    """Return the status of the client managers' operational share; None-valued metrics must not come here.

    Where the sources contradict each other (grade D) the report's verdict stands only if log and trace give the same
    one; otherwise it is ``watch``: somebody is wrong, and the figure cannot tell who.
    """
    assert m.value is not None
    said = judged(m, limits)
    assert said is not None
    if m.grade != "D":
        return said
    others = [judged(m, limits, "day_log")]
    if m.extra.get("trace") is not None and m.extra["trace"] > m.value:
        others.append(judged(m, limits, "trace"))
    return said if all(o in (said, None) for o in others) else "watch"


def _over(case: Case, result: ChapterResult, limit: float) -> list[str]:
    """Return the client managers above the limit, most loaded first, as the report names them."""
    load = result.tables["km_load"]
    above = load[load["share"] >= limit].sort_values(["share", "person"], ascending=[False, True])
    names = labels(case)
    return [names.get(str(p), str(p)) for p in above["person"]]


def _part(sale_type: str | None) -> dict[str, str] | None:
    """Return the name of a part of the business in both languages, for a sentence."""
    if sale_type is None:
        return None
    kind = method().sale_types[sale_type]
    return {"ru": kind.ru.split(" (")[0].lower(), "en": kind.en.lower()}


def _km_overload(case: Case, result: ChapterResult) -> Finding:
    id = "roles.km_overload"
    m = result.metrics["roles.km_operational_share"]
    if m.value is None:
        return no_figure(id, m)
    status = km_status(m, case.thresholds[id])
    x = result.facts
    facts = {
        **_figures(case, id, m),
        "people": m.n,
        "part": _part(m.extra.get("part")),
        "together": m.extra.get("together", m.value),
        "hours": m.extra["operational_hours"],
        "fte": m.extra["operational_hours"] / float(x["hours_per_month"]),
        "top": x["top"]["KM"],
        # what the log and the trace show is of all client managers: it would not stand beside one part's share
        "day_log": None if m.extra.get("part") else m.extra.get("day_log"),
        "trace": None if m.extra.get("part") else m.extra.get("trace"),
        "contradicted": m.grade == "D",
        "relief": x["relief"],
        "relief_cost_year": x["relief_cost_year"],
        "spare": x["growth"] is not None and x["growth"]["counted"][2] <= 0,
        "potential": None if x["growth"] is None else x["growth"]["potential"],
        "over": _over(case, result, case.thresholds[id].found or 0.0),
    }
    return make_finding(
        case,
        id,
        status,
        grade=m.grade or "C",
        effect=_effect(case, result),
        role_hours_share=m.value,
        table="persons",
        facts=facts,
        doubt=doubt_of(m, case.thresholds[id], sampled=False),
    )


def _effect(case: Case, result: ChapterResult) -> Effect | None:
    """Return the money that freed selling time could bring, on the clients with room to grow."""
    growth, m = result.facts["growth"], result.metrics["roles.capacity_uplift"]
    load = result.metrics["roles.km_operational_share"]
    if growth is None or m.value is None or growth["worth_with_room"] <= 0 or not load.value:
        return None
    inputs = Inputs(case)
    s = inputs.estimate(
        "roles.selling_share", *_hours_share(case, result, float(m.extra["selling_share"]), SELLING_GROUPS)
    )
    s = np.maximum(s, LEAST_SELLING)
    # What can be freed is a part of the operational hours, which are as uncertain as memory and log leave them.
    told = _hours_share(case, result, load.value, ("OPER",))
    more = np.maximum(inputs.estimate(load.id, *told), 0.0) / load.value
    freed = np.minimum(inputs.range("roles.freed_share", *growth["freeable"]) * more, growth["most"])
    ratio = 1.0 + inputs.assumption("roles.reinvested_share") * freed / s
    ratio = np.minimum(ratio, case.thresholds.value("roles.capacity_max_time_ratio"))
    uplift = ratio ** inputs.assumption("roles.selling_time_elasticity") - 1.0
    worth = inputs.known("worth_with_room", float(growth["worth_with_room"]))
    inputs.known("clients_with_room", float(growth["clients_with_room"]))
    clients = result.tables["clients_with_room"]
    able = clients[clients["room"] == True]  # noqa: E712 - an object column
    return price(inputs, worth * uplift, FORMULA, able, "worth", revenue=False)


def _hours_share(case: Case, result: ChapterResult, told: float, groups: Collection[str]) -> tuple[float, float, float]:
    """Return the client managers' share of hours on some groups with its interval: told from memory, and pooled with the
    day log where there is one and it agrees."""
    level = case.thresholds.value("general.confidence_level")
    low, high = read_answers(case).told(["KM"], told, told, level)
    known = [(told, (high - low) / 2 / NORMAL_95)]
    proof = result.tables["evidence"]
    rows = proof[(proof["family"] == "KM") & proof["group"].isin(list(groups)) & proof["log_share"].notna()]
    errors = (rows["log_high"] - rows["log_low"]).astype(float) / 2 / NORMAL_95
    error = float(np.sqrt((errors**2).sum()))
    if len(rows) and error > 0 and not rows["conflict"].astype(bool).any():
        # The log has the work that is the managers' own as well: it moves the share as told by as much as it differs.
        logged = told + float((rows["log_share"] - rows["self_share_logged"].fillna(0.0)).astype(float).sum())
        known.append((logged, error))
    value, error = pooled(known)
    return value, value - NORMAL_95 * error, value + NORMAL_95 * error


def _universal_seller(case: Case, result: ChapterResult) -> Finding:
    """One universal seller is watched; two, or the given share of the sellers, are found."""
    id = "roles.universal_seller"
    m = result.metrics["roles.universal_sellers"]
    if m.value is None:
        return no_figure(id, m)
    t = case.thresholds
    status = status_of(m.value, m.low, m.high, t[id])
    doubt = doubt_of(m, t[id], sampled=False)
    if m.value > 0 and m.extra["share"] >= t.value("roles.universal_seller_share"):
        status = "found"
    people = result.tables["universal"]
    facts = {
        **_figures(case, id, m),
        "sellers": m.n,
        "share": m.extra["share"],
        "least_roles": t.value("roles.universal_effective_roles"),
        "max_share": t.value("roles.universal_max_share"),
        "mean": float(people["effective_roles"].mean()) if len(people) else None,
    }
    return make_finding(
        case,
        id,
        status,
        grade=m.grade or "C",
        role_hours_share=m.extra["share"],
        table="persons",
        facts=facts,
        doubt=doubt,
    )


def mix_components(case: Case, result: ChapterResult) -> dict[str, tuple[Metric, Status]]:
    """Return the measurable parts of hunting and farming mixed up, each with its own status."""
    limits = case.thresholds["roles.hunter_farmer_mix"]
    out: dict[str, tuple[Metric, Status]] = {}
    for name in ("km_hunting_share", "developer_farming_share", "developer_beyond_handoff"):
        m = result.metrics[f"roles.{name}"]
        if m.value is None:
            continue
        out[name] = (m, status_of(m.value, m.low, m.high, limits))
    return out


def _hunter_farmer_mix(case: Case, result: ChapterResult) -> Finding:
    id = "roles.hunter_farmer_mix"
    parts = mix_components(case, result)
    if not parts:
        return no_figure(id, result.metrics["roles.km_hunting_share"])
    status = worse(*(s for _, s in parts.values()))
    leading = max(
        (name for name, (_, s) in parts.items() if s == status), key=lambda n: float(parts[n][0].value or 0.0)
    )
    m = parts[leading][0]
    facts = {
        "leading": leading,
        **_figures(case, id, m),
        "k": result.facts["handoff_k"],
        "parts": {name: {"value": p.value, "low": p.low, "high": p.high, "n": p.n} for name, (p, _) in parts.items()},
    }
    hours_share = m.value if leading != "developer_beyond_handoff" else None
    return make_finding(
        case,
        id,
        status,
        grade=m.grade or "C",
        role_hours_share=hours_share,
        table="flow" if hours_share is not None else "hunting",
        facts=facts,
        doubt=doubt_of(m, case.thresholds[id], sampled=hours_share is None),
    )


def _evidence_conflict(case: Case, result: ChapterResult) -> Finding:
    """``found`` only where the contradiction touches the client managers' operational work, else ``watch``."""
    id = "roles.evidence_conflict"
    m = result.metrics["roles.self_vs_log"]
    if m.value is None:
        return no_figure(id, m)
    proof = result.tables["evidence"]
    rows = proof[proof["conflict"].astype(bool)]
    km = result.metrics["roles.km_operational_share"].extra
    facts = {
        **_figures(case, id, m),
        "touches_km": m.extra["touches_km_operations"],
        "pairs": [
            {
                **_role(str(r["family"])),
                "group_ru": method().groups[str(r["group"])].ru,
                "group_en": method().groups[str(r["group"])].en,
                "kind": str(r["conflict_kind"]),
            }
            for r in rows.to_dict("records")
        ],
        "said": km.get("self_report"),
        "logged": km.get("day_log"),
        "trace": km.get("trace"),
        "log_days": result.facts["log_days"],
    }
    # Its action is to look again, which is what a contradiction calls for: not grade D.
    cap = not m.extra["touches_km_operations"]
    return band(case, id, m, cap=cap, grade="B", table="evidence", facts=facts)


def _hours_implausible(case: Case, result: ChapterResult) -> Finding:
    """Judge the hours of order entry against the documents; a few hours make any ratio, so they are no problem."""
    id = "roles.hours_implausible"
    m = result.metrics["roles.entry_plausibility"]
    if m.value is None:
        return no_figure(id, m)
    least = case.thresholds.value("roles.implausible_least_share")
    little = m.extra["hours_share"] < least
    status = judged(m, case.thresholds[id])
    assert status is not None
    facts = {
        **_figures(case, id, m),
        "told": m.extra["told_hours"],
        "traced": m.extra["traced_hours"],
        "documents": m.extra["documents"],
        "share": m.extra["hours_share"],
        "least": least,
        "little": little,
        "minutes_told": m.extra["minutes_each"],
        "minutes_traced": m.extra["minutes_traced"],
        "minutes_given": result.facts["minutes_given"],
    }
    return make_finding(
        case,
        id,
        "clear" if little else status,
        grade="B",
        role_hours_share=m.extra["hours_share"],
        table="entry_hours",
        facts=facts,
        doubt=doubt_of(m, case.thresholds[id], sampled=False),
    )
