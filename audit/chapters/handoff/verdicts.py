"""Verdicts on hand-offs (methodology, sections 5.8 and 7)."""

from __future__ import annotations

from typing import Any

from audit.errors import Text
from audit.findings.declared import declared
from audit.findings.finding import Finding, Status
from audit.findings.judge import doubt_of, make_finding, no_figure, not_assessed
from audit.findings.pricing import excess_loss_effect, stands_twice
from audit.method import method
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["judge"]


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


def _loss(case: Case, result: ChapterResult) -> Finding:
    """Found: the interval lies above zero by the clock and by one twice as long; watched: by one of the two only."""
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
    elif m.low > limits.found or stands_twice(m):
        status = "watch"
    else:
        status = "unclear"
    doubt = doubt_of(m, limits, change=True)
    facts["needed"] = None if doubt is None else doubt.units
    effect = excess_loss_effect(
        case,
        m,
        result.tables["handed"],
        1,
        Text(
            "избыточные потери × годовая выручка клиентов, переданных за последние 12 месяцев",
            "excess loss × annual revenue of the clients handed over in the last 12 months",
        ),
    )
    return make_finding(case, id, status, grade=m.grade or "C", effect=effect, table="handed", facts=facts, doubt=doubt)
