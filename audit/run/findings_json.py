"""``findings.json``: the audit's verdicts for machines (contracts, section 6). Same inputs, same bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from audit.errors import Text
from audit.findings.business import Cost, Option, business_case
from audit.findings.catalogue import unjudged_findings
from audit.findings.finding import Doubt, Effect, Finding
from audit.findings.money import Amount, Ledger, could_add, make_ledger
from audit.findings.plan import Step, diseases, plan_of
from audit.ground.money import margin_of
from audit.method import method
from audit.model.case import Case
from audit.model.result import Metric
from audit.present.chapter import ChapterView
from audit.present.format import Fmt
from audit.present.narrative import Narrative

__all__ = ["assemble", "chapter_json", "metric_json"]

SCHEMA = "km-audit/1"
METHOD = 2
"""Edition of the methodology that the figures follow."""


def _plain(value: Any) -> Any:
    """Return JSON values; a number that is not finite has no place in the file."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        assert math.isfinite(value), "a figure is not finite"
        # Sums in another order, on another processor, differ in the last bits: twelve digits are the same everywhere.
        return float(f"{value:.12g}")
    if value is None or isinstance(value, bool | int | str):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")


def metric_json(m: Metric, lang: str) -> dict[str, Any]:
    """Return one metric; without a value there is a reason."""
    out: dict[str, Any] = {"value": m.value, "unit": m.unit}
    for key in ("bad", "low", "high", "n", "benchmark", "benchmark_source", "grade"):
        if getattr(m, key) is not None:
            out[key] = getattr(m, key)
    if m.reason is not None:
        out["reason"] = m.reason.ru if lang == "ru" else m.reason.en
    for key, value in m.extra.items():
        out.setdefault(key, value)
    return dict(_plain(out))


def _effect_json(effect: Effect, currency: str, lang: str) -> dict[str, Any]:
    return dict(
        _plain(
            {
                "low": effect.low,
                "base": effect.base,
                "high": effect.high,
                "unit": f"{currency or 'money'}/year",
                "basis": effect.basis,
                "formula": effect.formula.ru if lang == "ru" else effect.formula.en,
                "inputs": effect.inputs,
                "pool": effect.pool,
            }
        )
    )


def _finding_json(f: Finding, title: str, text: str, currency: str, lang: str, sheet: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {"id": f.id, "status": f.status, "severity": f.severity}
    if f.status == "not_assessed" and f.reason is not None:
        out["reason"] = f.reason.ru if lang == "ru" else f.reason.en
    out["metrics"] = list(f.metrics)
    out["title"], out["text"] = title, text
    if isinstance(f.doubt, Doubt):
        needs = {"units": f.doubt.units, "months": f.doubt.months}
        if known := {k: v for k, v in needs.items() if v is not None}:
            out["needs"] = known
    if f.effect is not None:
        out["effect"] = _effect_json(f.effect, currency, lang)
    if f.risk is not None:
        out["risk"] = _plain({"chance": f.risk.chance, "stake": f.risk.stake, "unit": f"{currency}/year"})
    if f.grade is not None:
        out["grade"] = f.grade
    out["actions"] = list(f.actions)
    if sheet:
        out["table"] = sheet
    if f.facts:
        out["facts"] = _plain(f.facts)
    return out


def _unescape(markup: object) -> str:
    """Return a sentence as plain text: JSON and spreadsheets are not HTML."""
    return markup.unescape() if hasattr(markup, "unescape") else str(markup)


def chapter_json(view: ChapterView) -> dict[str, Any]:
    """Return one chapter as JSON values: metrics, findings with their sentences, facts."""
    findings = []
    for f in view.findings:
        title, text = view.narrative.finding(f, view.result)
        sheet = view.sheet_name(f.table) if f.table else ""
        findings.append(_finding_json(f, _unescape(title), _unescape(text), view.case.currency, view.lang, sheet))
    return {
        "chapter": view.name,
        "metrics": {m.id: metric_json(m, view.lang) for m in view.result.metrics.values()},
        "findings": findings,
        "facts": _plain(view.result.facts),
    }


def assemble(
    case: Case,
    chapters: Sequence[Mapping[str, Any]],
    failed: Mapping[str, Text] | None = None,
    priced: Sequence[Finding] = (),
) -> dict[str, Any]:
    """Put the chapters together in the order of the report; what no chapter judged is ``not_assessed``.

    ``failed`` names chapters that broke, with the error: their findings say so. ``priced``: the findings with the
    draws of their effects, from which comes what all is worth together.
    """
    lang = case.settings.report.lang
    fmt = Fmt(lang, case.currency)
    narrative = Narrative(lang, fmt, {"company": case.company_name, "window": case.window})
    by_name = {c["chapter"]: c for c in chapters}
    metrics: dict[str, Any] = {}
    findings: dict[str, Any] = {}
    for name in method().chapters:
        if name in by_name:
            metrics.update(by_name[name]["metrics"])
            findings.update({f["id"]: f for f in by_name[name]["findings"]})
    for f in unjudged_findings(set(by_name), failed or {}):
        title, text = narrative.finding(f)
        findings[f.id] = _finding_json(f, _unescape(title), _unescape(text), case.currency, lang)
    ordered = [findings[id] for id in method().findings if id in findings]
    by_id = {f["id"]: f for f in ordered}
    for id, disease in diseases(by_id).items():
        by_id[id]["disease"] = disease
    for id, more in could_add(priced).items():
        by_id[id]["could_add"] = _plain(more)
    money = _money_json(case, make_ledger(priced), by_id)
    i, w, s = case.intake, case.window, case.sale_type
    clients = case.clients()
    return {
        "schema": SCHEMA,
        "method": METHOD,
        "company": {"name": case.company_name, "currency": case.currency},
        "lang": lang,
        "thresholds": {
            id: {k: v for k, v in t.model_dump().items() if v is not None and k != "reason"}
            | ({"overridden": True} if id in case.thresholds.overridden else {})
            for id, t in case.thresholds.items.items()
        },
        "period": {
            "start": w.start.isoformat(),
            "end": w.end.isoformat(),
            "as_of": w.as_of.isoformat(),
            "burn_in_days": w.burn_in_days,
            "new_from": w.new_from.isoformat(),
            "recent_start": w.recent_start.isoformat(),
            "horizon_days": w.horizon_days,
        },
        "sale_type": {"declared": s.declared, "measured": s.measured, "used": s.used},
        "data": {
            "rows_read": i.rows_read,
            "rows_used": i.rows_used,
            "rows_set_aside": i.rows_set_aside,
            "orders": int(clients["orders"].sum()),
            "order_days": int(clients["order_days"].sum()),
            "clients": int((clients["order_days"] > 0).sum()),
            "revenue": float(i.revenue),
            "set_aside": {r.code: r.rows for r in i.set_aside},
            "currency_source": i.currency_source,
            "questions": [
                {
                    "kind": q.kind,
                    "share": float(f"{q.share:.4g}"),
                    "text": q.text.get(lang),
                    "answer": q.answer,
                    "others": [{"means": o.means.get(lang), "answer": o.lines} for o in q.others],
                }
                for q in i.questions
            ],
        },
        "metrics": metrics,
        "findings": ordered,
        "money": money,
        "actions": [
            _step_json(step, by_id, narrative)
            for step in plan_of(case, by_id, [] if money is None else money["options"])
        ],
    }


def _step_json(step: Step, findings: Mapping[str, Mapping[str, Any]], narrative: Narrative) -> dict[str, Any]:
    a = method().actions[step.id]
    facts = {id.split(".", 1)[1]: findings[id].get("facts", {}) for id in step.findings}
    out = {
        "id": step.id,
        "findings": list(step.findings),
        "owner": step.owner,
        "horizon_days": a.horizon_days,
        "effort": a.effort,
        "metric": a.metric,
        "target": a.target,
        "title": a.name.get(narrative.lang),
        "first_step": narrative.first_step(step.id, facts),
        "after": list(step.after),
        "net": step.net,
    }
    named = {"person": step.person, "missing_role": step.missing}
    return out | {k: v for k, v in named.items() if v is not None}


def _amount_json(amount: Amount | None) -> dict[str, float] | None:
    return None if amount is None else {"low": amount.low, "base": amount.base, "high": amount.high}


def _cost_json(cost: Cost | None) -> dict[str, float] | None:
    return None if cost is None else {"once": cost.once, "year": cost.year}


def _option_json(option: Option) -> dict[str, Any]:
    return {
        "id": option.id,
        "cost": _cost_json(option.cost),
        "gain": _amount_json(option.gain),
        "net": _amount_json(option.net),
        "payback_months": option.payback_months,
    }


_IN_DOUBT = 0.1
"""Share of revenue in open questions from which no sum of money is named (contracts, section 6)."""


def _held_back(case: Case) -> Text | None:
    """Return why no sum is named while questions about the data leave too much of revenue open."""
    open_share = min(1.0, sum(q.share for q in case.intake.questions))
    if open_share < _IN_DOUBT:
        return None
    percent = f"{100.0 * open_share:.0f}"
    return Text(
        f"Сумма не названа: {percent} % выручки — в неотвеченных вопросах о данных",
        f"No sum is named: {percent} % of revenue is in open questions about the data",
    )


def _money_json(case: Case, ledger: Ledger | None, findings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the business case: the gain of all that is found, the way advised first, all ways, risks, spread."""
    risk = [
        {"finding": id, "chance": f["risk"]["chance"], "stake": f["risk"]["stake"]}
        for id, f in findings.items()
        if f["status"] == "found" and "risk" in f
    ]
    unit, reason = f"{case.currency or 'money'}/year", _held_back(case)
    basis = margin_of(case).basis if ledger is None else ledger.basis
    if reason is not None:
        return {
            "unit": unit,
            "basis": basis,
            "headline": None,
            "reason": reason.get(case.settings.report.lang),
            **dict.fromkeys(("cost", "net", "payback_months", "advised")),
            "options": [],
            "risk": _plain(risk),
            "spread": [],
            "findings": [] if ledger is None else list(ledger.findings),
            "outside": [] if ledger is None else list(ledger.outside),
        }
    if ledger is None and not risk:
        return None
    cases = business_case(case, {} if ledger is None else ledger.effects, findings)
    first = cases.first
    return dict(
        _plain(
            {
                "unit": unit,
                "basis": basis,
                "headline": _amount_json(Amount(0.0, 0.0, 0.0) if ledger is None else ledger.headline),
                "cost": None if first is None else _cost_json(first.cost),
                "net": None if first is None else _amount_json(first.net),
                "payback_months": None if first is None else first.payback_months,
                "advised": cases.advised,
                "options": [_option_json(o) for o in cases.options],
                "risk": risk,
                "spread": []
                if ledger is None
                else [
                    {"input": i, "share": s, "low": ledger.swing[i][0], "high": ledger.swing[i][1]}
                    for i, s in ledger.spread.items()
                ],
                "findings": [] if ledger is None else list(ledger.findings),
                "outside": [] if ledger is None else list(ledger.outside),
            }
        )
    )
