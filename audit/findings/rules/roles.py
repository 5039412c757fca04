"""Verdicts on role mixing (methodology, sections 4, 5.3 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.errors import Text
from audit.findings.finding import Effect, Finding, Status
from audit.findings.judge import make_finding, not_assessed, status_of, worse
from audit.method import Threshold, method
from audit.model.case import Case
from audit.model.result import ChapterResult, Grade, Metric

__all__ = ["judge", "km_status", "mix_components"]

FORMULA = Text(
    "((s + φΔ)/s)^ε − 1, умноженное на годовую прибыль клиентов КМ, которым есть куда расти: s — доля продаж в часах "
    "КМ, Δ — высвобождаемая доля часов, φ — какая её часть уйдёт в продажи, ε — эластичность продаж по времени "
    "(Albers 2010)",
    "((s + φΔ)/s)^ε − 1, times the yearly profit of the client managers' clients with room to grow: s is the selling "
    "share of their hours, Δ the share of hours freed, φ the part of it that goes into selling, ε the elasticity of "
    "sales to selling time (Albers 2010)",
)


def judge(case: Case, result: ChapterResult, results: Mapping[str, ChapterResult]) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    return [
        _km_overload(case, result),
        _frontline_overload(case, result),
        _relief_shortage(case, result),
        _entry_burden(case, result),
        _universal_seller(case, result),
        _hunter_farmer_mix(case, result),
        _share(case, result, "roles.engineer_sells", "roles.engineer_selling_share"),
        _share(case, result, "roles.seller_buys", "roles.seller_buying_share"),
        _owner_runs_keys(case, result),
        _fragmented_function(case, result),
        _evidence_conflict(case, result),
        _ambiguous_title(case, result),
    ]


BY_GROUP = Text(
    "Время записано по группам функций: какая часть этой работы чужая, из них не видно. Распишите его по функциям",
    "Time is given by groups of functions, which do not tell how much of this work is foreign. Give it by function",
)


def _limits(case: Case, id: str, m: Metric) -> dict[str, Any]:
    band = case.thresholds[id]
    return {"value": m.value, "low": m.low, "high": m.high, "n": m.n, "watch": band.watch, "found": band.found}


def _role(family: str) -> dict[str, str]:
    """Return the short name of a role in both languages, for a sentence."""
    short = method().roles[family].short
    return {"code": family, "ru": short.ru, "en": short.en}


def _missing(id: str, m: Metric) -> Finding:
    assert m.reason is not None, f"{m.id} has neither value nor reason"
    return not_assessed(id, m.reason)


def km_status(m: Metric, band: Threshold) -> Status:
    """Return the status of the client managers' operational share; None-valued metrics must not come here.

    Where the sources contradict each other (grade D) the report's verdict stands only if log and trace give the same
    one; otherwise it is ``watch``: somebody is wrong, and the figure cannot tell who.
    """
    assert m.value is not None
    said = status_of(m.value, m.low, m.high, band)
    if m.grade != "D":
        return said
    others: list[Status] = []
    if m.extra.get("day_log") is not None:
        others.append(status_of(m.extra["day_log"], m.extra["day_log_low"], m.extra["day_log_high"], band))
    if m.extra.get("trace") is not None and m.extra["trace"] > m.value:
        others.append(status_of(m.extra["trace"], None, None, band))
    return said if all(o == said for o in others) else "watch"


def _km_overload(case: Case, result: ChapterResult) -> Finding:
    id = "roles.km_overload"
    m = result.metrics["roles.km_operational_share"]
    if m.value is None:
        return _missing(id, m)
    status = km_status(m, case.thresholds[id])
    x = result.facts
    facts = {
        **_limits(case, id, m),
        "people": m.n,
        "hours": m.extra["operational_hours"],
        "fte": m.extra["operational_hours"] / float(x["hours_per_month"]),
        "top": x["top"]["KM"],
        "day_log": m.extra.get("day_log"),
        "trace": m.extra.get("trace"),
        "contradicted": m.grade == "D",
        "relief": x["relief"],
        "relief_cost_year": x["relief_cost_year"],
    }
    return make_finding(
        case,
        id,
        status,
        grade=m.grade or "C",
        effect=_effect(result),
        role_hours_share=m.value,
        table="persons",
        facts=facts,
    )


def _effect(result: ChapterResult) -> Effect | None:
    """Return the money that freed selling time could bring, allocated to the clients with room to grow."""
    e = result.facts["effect"]
    m = result.metrics["roles.capacity_uplift"]
    if e is None or m.value is None or m.low is None or m.high is None:
        return None
    inputs = {
        "s": float(m.extra["selling_share"]),
        "delta": float(m.extra["freed_share"]),
        "phi": float(m.extra["reinvested"]),
        "epsilon": float(m.extra["elasticity"]),
        "uplift_low": m.low,
        "uplift_base": m.value,
        "uplift_high": m.high,
        "worth_with_room": float(e["worth_with_room"]),
        "clients_with_room": float(e["clients_with_room"]),
    }
    return Effect(
        low=e["low"],
        base=e["base"],
        high=e["high"],
        basis=e["basis"],
        formula=FORMULA,
        inputs=inputs,
        by_client=result.tables["effect_by_client"],
    )


def _frontline_overload(case: Case, result: ChapterResult) -> Finding:
    id = "roles.frontline_overload"
    m = result.metrics["roles.frontline_operational_share"]
    if m.value is None:
        return _missing(id, m)
    band = case.thresholds[id]
    status = status_of(m.value, m.low, m.high, band)
    assert band.watch is not None and band.found is not None
    if m.low is not None and m.high is not None and m.low < band.watch and m.high >= band.found:
        return not_assessed(id, BY_GROUP)
    facts = {
        **_limits(case, id, m),
        "role": _role(m.extra["family"]),
        "hours": m.extra["foreign_hours"],
        "top": result.facts["top"][m.extra["family"]],
    }
    return make_finding(case, id, status, grade=m.grade or "C", role_hours_share=m.value, table="persons", facts=facts)


def _relief_shortage(case: Case, result: ChapterResult) -> Finding:
    id = "roles.relief_shortage"
    m = result.metrics["roles.relief_shortage_fte"]
    if m.value is None:
        return _missing(id, m)
    status = status_of(m.value, m.low, m.high, case.thresholds[id])
    r = result.facts["relief"]
    freed = result.metrics["roles.relief_fte"].extra["freed_share"]
    facts = {
        **_limits(case, id, m),
        **r,
        "freed_share": freed,
        "relief_fte": result.metrics["roles.relief_fte"].value,
        "hours_per_month": result.facts["hours_per_month"],
        "utilisation": result.facts["utilisation"],
    }
    return make_finding(case, id, status, grade=m.grade or "C", role_hours_share=freed, table="relief", facts=facts)


def _entry_burden(case: Case, result: ChapterResult) -> Finding:
    id = "roles.entry_burden"
    m = result.metrics["roles.entry_by_manager"]
    if m.value is None:
        return _missing(id, m)
    status = status_of(m.value, m.low, m.high, case.thresholds[id])
    facts = {
        **_limits(case, id, m),
        "own_work": m.extra["own_work"],
        "suspect": m.extra["suspect_logins"],
        "automatic": m.extra["automatic"],
        "since": result.facts["recent_from"],
        "until": result.facts["as_of"],
        "hours": result.facts["entry_hours_by_managers"],
        "before": result.facts["entry_share_before"],
        "staff_known": bool(result.facts["people"]),
    }
    return make_finding(case, id, status, grade=m.grade or "C", table="entry_hours", facts=facts)


def _universal_seller(case: Case, result: ChapterResult) -> Finding:
    """One universal seller is watched; two, or the given share of the sellers, are found."""
    id = "roles.universal_seller"
    m = result.metrics["roles.universal_sellers"]
    if m.value is None:
        return _missing(id, m)
    t = case.thresholds
    status = status_of(m.value, m.low, m.high, t[id])
    if m.value > 0 and m.extra["share"] >= t.value("roles.universal_seller_share"):
        status = "found"
    people = result.tables["universal"]
    facts = {
        **_limits(case, id, m),
        "sellers": m.n,
        "share": m.extra["share"],
        "least_roles": t.value("roles.universal_effective_roles"),
        "max_share": t.value("roles.universal_max_share"),
        "mean": float(people["effective_roles"].mean()) if len(people) else None,
    }
    return make_finding(
        case, id, status, grade=m.grade or "C", role_hours_share=m.extra["share"], table="persons", facts=facts
    )


def mix_components(case: Case, result: ChapterResult) -> dict[str, tuple[Metric, Status]]:
    """Return the measurable parts of hunting and farming mixed up, each with its own status.

    Order days so few that nothing bad is seen and nothing can be excluded (interval wider than useful) are left out.
    """
    band = case.thresholds["roles.hunter_farmer_mix"]
    out: dict[str, tuple[Metric, Status]] = {}
    for name in ("km_hunting_share", "developer_farming_share", "developer_beyond_handoff"):
        m = result.metrics[f"roles.{name}"]
        if m.value is None:
            continue
        status = status_of(m.value, m.low, m.high, band)
        half = 0.0 if m.low is None or m.high is None else (m.high - m.low) / 2
        too_wide = half > case.thresholds.value("roles.handoff_max_half_width")
        if status == "watch" and too_wide and m.value < float(band.watch or 0.0):
            continue
        out[name] = (m, status)
    return out


def _hunter_farmer_mix(case: Case, result: ChapterResult) -> Finding:
    id = "roles.hunter_farmer_mix"
    parts = mix_components(case, result)
    if not parts:
        return _missing(id, result.metrics["roles.km_hunting_share"])
    status = worse(*(s for _, s in parts.values()))
    leading = max(
        (name for name, (_, s) in parts.items() if s == status), key=lambda n: float(parts[n][0].value or 0.0)
    )
    m = parts[leading][0]
    band = case.thresholds[id]
    facts = {
        "leading": leading,
        "value": m.value,
        "low": m.low,
        "high": m.high,
        "n": m.n,
        "watch": band.watch,
        "found": band.found,
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
    )


def _share(case: Case, result: ChapterResult, id: str, metric_id: str) -> Finding:
    """Judge the share of a role's hours in somebody else's work."""
    m = result.metrics[metric_id]
    if m.value is None:
        return _missing(id, m)
    band = case.thresholds[id]
    status = status_of(m.value, m.low, m.high, band)
    assert band.watch is not None and band.found is not None
    if m.low is not None and m.high is not None and m.low < band.watch and m.high >= band.found:
        return not_assessed(id, BY_GROUP)
    facts = {
        **_limits(case, id, m),
        "role": _role(m.extra["family"]),
        "hours": m.extra["foreign_hours"],
        "parts": [{**_role(f), "value": v} for f, v in m.extra["by_family"].items()],
    }
    return make_finding(case, id, status, grade=m.grade or "C", role_hours_share=m.value, table="flow", facts=facts)


def _owner_runs_keys(case: Case, result: ChapterResult) -> Finding:
    """A share of revenue: one client above the dominance limit must not decide alone."""
    id = "roles.owner_runs_keys"
    m = result.metrics["roles.keys_led_by_first_persons"]
    if m.value is None:
        return _missing(id, m)
    band = case.thresholds[id]
    status = status_of(m.value, m.low, m.high, band)
    without = m.extra.get("without_value")
    if "dominant_share" in m.extra:
        alone: Status = "clear" if without is None else status_of(float(without), None, None, band)
        if alone != status:
            status = "watch"
    led = m.value * float(m.extra["revenue"])
    share = led / case.annual_revenue if case.annual_revenue > 0 else None
    facts = {
        **_limits(case, id, m),
        "led": m.extra["led"],
        "revenue_share": share,
        "dominant_share": m.extra.get("dominant_share"),
        "without_value": without,
        "strategic_too": bool(set(result.facts["types"]) & {"CS", "S"}),
    }
    return make_finding(case, id, status, grade=m.grade or "C", base_revenue_share=share, table="keys", facts=facts)


def _fragmented_function(case: Case, result: ChapterResult) -> Finding:
    id = "roles.fragmented_function"
    m = result.metrics["roles.fragmentation"]
    if m.value is None:
        return _missing(id, m)
    status = status_of(m.value, m.low, m.high, case.thresholds[id])
    functions = result.tables["functions"]
    torn = functions[functions["fragmented"].astype(bool)].sort_values(["hours", "function"], ascending=[False, True])
    facts = {
        **_limits(case, id, m),
        "orphans": m.extra["orphans"],
        "functions": list(torn["function"].head(5)),
        "names": [result.facts["function_names"][f] for f in torn["function"].head(5)],
    }
    return make_finding(case, id, status, grade=m.grade or "C", table="functions", facts=facts)


def _evidence_conflict(case: Case, result: ChapterResult) -> Finding:
    """``found`` only where the contradiction touches the client managers' operational work, else ``watch``."""
    id = "roles.evidence_conflict"
    m = result.metrics["roles.self_vs_log"]
    if m.value is None:
        return _missing(id, m)
    band = case.thresholds[id]
    status = status_of(m.value, m.low, m.high, band)
    if status == "found" and not m.extra["touches_km_operations"]:
        status = "watch"
    proof = result.tables["evidence"]
    rows = proof[proof["conflict"].astype(bool)]
    km = result.metrics["roles.km_operational_share"].extra
    facts = {
        **_limits(case, id, m),
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
    grade: Grade = "B"
    return make_finding(case, id, status, grade=grade, table="evidence", facts=facts)


def _ambiguous_title(case: Case, result: ChapterResult) -> Finding:
    id = "roles.ambiguous_title"
    m = result.metrics["roles.ambiguous_titles"]
    if m.value is None:
        return _missing(id, m)
    status = status_of(m.value, m.low, m.high, case.thresholds[id])
    facts = {**_limits(case, id, m), "staff": m.n}
    return make_finding(case, id, status, grade=m.grade or "C", table="persons", facts=facts)
