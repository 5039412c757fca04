"""Verdicts on hand-offs (methodology, sections 5.8 and 7)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.errors import Text
from audit.findings.declared import declared
from audit.findings.finding import Effect, Finding, Status
from audit.findings.judge import make_finding, no_figure, not_assessed
from audit.method import method
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["excess_loss_effect", "judge", "stands_twice"]


def judge(case: Case, result: ChapterResult) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    facts = {"handoff.no_rule": _gaps, "handoff.rule_not_followed": _switches, "handoff.form_mismatch": _wrong_forms}
    return [*declared(case, result, facts=facts), _loss(case, result)]


def _short(code: str) -> dict[str, str]:
    role = method().roles[code].short
    return {"ru": role.ru, "en": role.en}


def _gaps(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    pairs = result.tables["pairs"]
    bad = pairs[pairs["gap"] > 0].sort_values("gap", ascending=False, kind="stable")
    return {
        "empty": int((~pairs["staffed"].astype(bool)).sum()),
        "pairs": [
            {"from": _short(str(r["from_role"])), "to": _short(str(r["to_role"])), "gap": int(r["gap"])}
            for r in bad.to_dict("records")
        ],
    }


def _switches(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    number, lag = result.metrics["handoff.switch_number"], result.metrics["handoff.switch_lag"]
    return {"switch_number": number.value, "lag": lag.value}


def _wrong_forms(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    forms = method().answers["form"]
    return {
        "pairs": [
            {
                "from": _short(w["from_role"]),
                "to": _short(w["to_role"]),
                "form": {"ru": forms[w["form"]].ru, "en": forms[w["form"]].en},
            }
            for w in m.extra.get("worst", ())
        ]
    }


def stands_twice(m: Metric) -> bool:
    """Whether an excess loss is still above zero by the clock twice as long: lost, not merely slower."""
    low = m.extra.get("twice_low")
    return low is not None and float(low) > 0.0


def _loss(case: Case, result: ChapterResult) -> Finding:
    """Found: the interval lies above zero by the clock and by one twice as long; watched: it takes zero in."""
    id = "handoff.loss"
    m = result.metrics["handoff.loss_difference"]
    if m.value is None:
        return no_figure(id, m)
    assert m.low is not None and m.high is not None
    t = case.thresholds
    limits = t[id]
    assert limits.watch is not None and limits.found is not None
    facts: dict[str, Any] = {
        "value": m.value,
        "low": m.low,
        "high": m.high,
        "n": m.n,
        "handed": m.extra["handed"],
        "kept": m.extra["kept"],
        "controls": m.extra["controls"],
        "unmatched": m.extra["unmatched"],
        "gaps": m.extra["loss_gaps"],
        "twice": m.extra["twice_value"],
        "twice_low": m.extra["twice_low"],
        "lasting": stands_twice(m),
    }
    if m.low > limits.found and stands_twice(m):
        status: Status = "found"
    elif m.high < limits.watch:
        status = "clear"
    elif (
        # A loss that the longer clock shows beyond doubt is not «cannot tell», however wide the shorter one's interval.
        m.low <= limits.found and (m.high - m.low) / 2 > t.value("handoff.max_half_width") and not stands_twice(m)
    ):
        points = f"{t.value('handoff.max_half_width') * 100:g}"
        return not_assessed(
            id,
            Text(
                f"По этим данным не сказать: интервал разницы шире ±{points.replace('.', ',')} процентных "
                "пунктов и захватывает "
                f"ноль, переданных клиентов для сравнения — {m.n}",
                f"These data cannot tell: the interval of the difference is wider than ±{points} percentage "
                "points and takes in "
                f"zero, with {m.n} handed clients to compare",
            ),
            facts=facts,
        )
    else:
        status = "watch"
    effect = excess_loss_effect(
        result,
        m,
        result.tables["handed"],
        1,
        Text(
            "избыточные потери × годовая выручка клиентов, переданных за последние 12 месяцев",
            "excess loss × annual revenue of the clients handed over in the last 12 months",
        ),
    )
    return make_finding(case, id, status, grade=m.grade or "C", effect=effect, table="handed", facts=facts)


def excess_loss_effect(
    result: ChapterResult, m: Metric, clients: pd.DataFrame, step: int, formula: Text
) -> Effect | None:
    """Price an excess loss: the share lost beyond the matched clients × what the clients concerned bring a year.

    ``clients``: those concerned in the recent period (client_key, annual_value, still_away); the effect falls on
    those who have not ordered since, in proportion to their annual value, on all of them where everybody has.
    ``step``: every step-th client was followed; the sum is raised accordingly and cannot be allocated then. None
    where there is no excess.
    """
    assert m.value is not None
    value = clients["annual_value"].astype(float)
    total = float(value.sum()) * step
    if m.value <= 0 or total <= 0:
        return None
    margin = result.facts["margin_share"]
    factor = 1.0 if margin is None else float(margin)
    low, base, high = (
        max(0.0, min(1.0, v)) * total * factor
        for v in (m.low if m.low is not None else 0.0, m.value, m.high or m.value)
    )
    if margin is not None:
        formula = Text(f"{formula.ru} × доля валовой прибыли", f"{formula.en} × gross margin share")
    by_client = None
    if step == 1:
        away = clients["still_away"].astype(bool)
        who = clients[away] if bool(away.any()) and float(value[away].sum()) > 0 else clients
        part = who["annual_value"].astype(float)
        part = part / float(part.sum())
        by_client = pd.DataFrame(
            {
                "client_key": who["client_key"].to_numpy(),
                "low": low * part.to_numpy(),
                "base": base * part.to_numpy(),
                "high": high * part.to_numpy(),
            }
        )
    inputs = {"excess_loss": m.value, "annual_revenue": total, "clients": float(len(clients) * step)}
    return Effect(
        low=low,
        base=base,
        high=high,
        basis="revenue" if margin is None else "gross_profit",
        formula=formula,
        inputs=inputs if margin is None else {**inputs, "margin_share": factor},
        by_client=by_client,
    )
