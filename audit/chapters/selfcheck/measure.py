"""The eight answers beside their figures, and which of them the figures contradict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from audit.chapters.selfcheck.figures import Figure, figures
from audit.errors import Text
from audit.ground.lacks import missing_sheets
from audit.method import Thresholds, method
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric, metric, no_metric
from audit.stats.intervals import Estimate

__all__ = ["Refutation", "State", "answer_table", "deals_once", "diagnose", "judge_answer", "refutations"]

LEAVING = 5
"""The question whether clients leave and do not come back."""

State = Literal["agrees", "contradicts", "unchecked", "no_answer"]


@dataclass(frozen=True, slots=True)
class Refutation:
    """What would refute an answer: the whole interval of a figure on one side of a limit."""

    id: str
    side: Literal["above", "below"]
    limit: float

    def holds(self, e: Estimate) -> bool:
        """Whether the whole interval lies beyond the limit; a figure without an interval is its own interval."""
        assert e.value is not None
        low = e.value if e.low is None else e.low
        high = e.value if e.high is None else e.high
        return low > self.limit if self.side == "above" else high < self.limit

    def fails(self, e: Estimate) -> bool:
        """Whether the whole interval lies on the other side."""
        assert e.value is not None
        low = e.value if e.low is None else e.low
        high = e.value if e.high is None else e.high
        return high <= self.limit if self.side == "above" else low >= self.limit


@dataclass(frozen=True, slots=True)
class _Rule:
    """When a «yes» and a «no» are refuted. ``yes``: all of these must hold; ``no``: any one is enough."""

    yes: tuple[Refutation, ...]
    no: tuple[Refutation, ...]


def refutations(t: Thresholds) -> dict[int, _Rule]:
    """Return what refutes each answer, by question.

    An answer is held against what it says: «yes, clients leave for good» is refuted by a small loss, «no» by a large
    one. Limits are those of the findings about the same figure; between the two limits nothing is refuted. That
    regular clients spend no more than they buy here is denied by a share of their wallet wholly below a full one. The
    sixth «yes» cannot be refuted: an order could always be larger.
    """

    def watch(id: str) -> float:
        value = t[id].watch
        assert value is not None
        return value

    def found(id: str) -> float:
        value = t[id].found
        assert value is not None
        return value

    flat = t.value("selfcheck.flat_change")
    return {
        1: _Rule(
            (Refutation("retention.regular_revenue_share", "below", t.value("selfcheck.majority_share")),),
            (Refutation("retention.regular_revenue_share", "above", watch("retention.low_repeat_share")),),
        ),
        2: _Rule(
            (Refutation("base.wallet_share", "above", t.value("selfcheck.full_wallet_share")),),
            (Refutation("base.wallet_share", "below", t.value("selfcheck.full_wallet_share")),),
        ),
        3: _Rule(
            (Refutation("selfcheck.older_clients_change", "above", flat),),
            (Refutation("selfcheck.older_clients_change", "below", flat),),
        ),
        4: _Rule(
            (Refutation("roles.km_operational_share", "below", watch("roles.km_overload")),),
            (Refutation("roles.km_operational_share", "above", found("roles.km_overload")),),
        ),
        5: _Rule(
            (
                Refutation("retention.lost_run_rate_share", "below", watch("retention.revenue_leak")),
                Refutation("retention.return_rate", "above", found("retention.weak_return")),
            ),
            (
                Refutation("retention.lost_run_rate_share", "above", found("retention.revenue_leak")),
                Refutation("retention.return_rate", "below", found("retention.weak_return")),
            ),
        ),
        6: _Rule((), (Refutation("selfcheck.order_headroom", "above", t.value("selfcheck.order_headroom")),)),
        7: _Rule(
            (Refutation("retention.company_initiated_share", "above", t.value("selfcheck.majority_share")),),
            (Refutation("retention.company_initiated_share", "below", watch("retention.mostly_reactive")),),
        ),
        8: _Rule(
            (Refutation("retention.active_clients_trend", "above", 0.0),),
            (Refutation("retention.active_clients_trend", "below", 0.0),),
        ),
    }


NEVER = Text("Такой ответ цифрами не опровергнуть", "No figure could refute this answer")
STRADDLES = Text(
    "Интервал показателя захватывает границу: ни подтвердить, ни опровергнуть",
    "The interval of the figure takes in the limit: neither confirmed nor refuted",
)


ONCE = Text(
    "В проектных продажах сделка с клиентом бывает один раз: то, что он больше не покупает, ещё не значит, что он ушёл",
    "In project sales a deal with a client may happen once: that it buys no more does not mean that it left",
)


def deals_once(known: Mapping[str, Figure], rule: _Rule) -> dict[str, Figure]:
    """Return the figures for sales in which a deal happens once: losing clients for good cannot be told there.

    A client whose project is finished looks lost and is not. So what would refute «no, they do not leave» (``rule.no``)
    is set aside unless it surely does not hold; that few are lost stays a figure.
    """
    aside = {r.id: Figure(r.id, reason=ONCE) for r in rule.no if not _all(known[r.id], r.fails)}
    return {**known, **aside}


def judge_answer(answer: str, rule: _Rule, known: Mapping[str, Figure]) -> tuple[State, Text | None]:
    """Tell whether the figures contradict one answer: state and, where it cannot be checked, why.

    An answer agrees with the figures if they refute the opposite one; where the opposite cannot be refuted at all,
    if what would refute the answer surely does not hold. Between the two limits, or with a missing figure, it cannot
    be checked.
    """
    if answer not in ("yes", "no"):
        return "no_answer", None
    mine, opposite = (rule.yes, rule.no) if answer == "yes" else (rule.no, rule.yes)
    if _refuted(answer, mine, known):
        return "contradicts", None
    if opposite and mine:
        agrees = _refuted("no" if answer == "yes" else "yes", opposite, known)
    else:
        agrees = bool(mine) and all(_all(known[r.id], r.fails) for r in mine)
    if agrees:
        return "agrees", None
    if not mine:
        return "unchecked", NEVER
    return "unchecked", known[mine[0].id].reason or STRADDLES


def _all(figure: Figure, test: Callable[[Estimate], bool]) -> bool:
    """Whether a test holds for the figure, and for the figure without the client that dominates it."""
    return bool(figure.estimates) and all(test(e) for e in figure.estimates if e.value is not None)


def _refuted(answer: str, tests: tuple[Refutation, ...], known: Mapping[str, Figure]) -> bool:
    """Whether an answer is refuted: «no» by any of its tests, «yes» by all that can be had, the first being a must."""
    if answer == "no":
        return any(_all(known[r.id], r.holds) for r in tests)
    had = [r for r in tests if known[r.id].estimates]
    return bool(had) and had[0] is tests[0] and all(_all(known[r.id], r.holds) for r in had)


def answer_table(answers: Mapping[int, str], rules: Mapping[int, _Rule], known: Mapping[str, Figure]) -> pd.DataFrame:
    """Return the eight questions with answers, figures and states, one row per question.

    Columns: question, answer (yes, no, unknown, or missing), check (metric id), value, low, high, n, unit, limit
    (the one that would refute the answer given), state, reason_ru, reason_en; figure_reason_ru / _en where the
    figure is missing.
    """
    rows: list[dict[str, Any]] = []
    for number, rule in rules.items():
        answer = answers.get(number)
        state, reason = judge_answer(answer or "unknown", rule, known)
        tests = (rule.yes if answer == "yes" else rule.no) or rule.no
        lead = tests[0]
        for r in tests:
            figure = known[r.id]
            if (
                state == "contradicts"
                and figure.estimates
                and all(r.holds(e) for e in figure.estimates if e.value is not None)
            ):
                lead = r
                break
        figure = known[lead.id]
        e = figure.whole
        rows.append(
            {
                "question": number,
                "answer": answer,
                "check": lead.id,
                "value": None if e is None else e.value,
                "low": None if e is None else e.low,
                "high": None if e is None else e.high,
                "n": None if e is None else e.n,
                "unit": method().metrics[lead.id].unit,
                "limit": lead.limit,
                "state": state,
                "reason_ru": None if reason is None else reason.ru,
                "reason_en": None if reason is None else reason.en,
                "figure_reason_ru": None if figure.reason is None else figure.reason.ru,
                "figure_reason_en": None if figure.reason is None else figure.reason.en,
            }
        )
    frame = pd.DataFrame(rows)
    numbers = ["value", "low", "high", "n", "limit"]
    frame[numbers] = frame[numbers].astype(float)
    return frame


def diagnose(case: Case) -> ChapterResult:
    """Return the eight answers against their figures.

    Table ``answers`` as in `answer_table`. Facts: counts of the states, and the contradictions in the words of the
    method.
    """
    ids = ("selfcheck.contradictions", "selfcheck.checked", "selfcheck.yes_answers")
    own = ("selfcheck.older_clients_change", "selfcheck.order_headroom")
    if reason := missing_sheets(case, "self_check"):
        empty = pd.DataFrame(
            columns=["question", "answer", "check", "value", "low", "high", "n", "unit", "limit", "state"]
        )
        return ChapterResult.of(
            "selfcheck",
            [no_metric(id, reason) for id in (*ids, *own)],
            {"answers": empty},
            {"answered": 0, "contradictions": [], "unchecked": []},
        )
    raw = case.questionnaire.table("self_check")
    answers = {
        int(r["question"]): str(r["answer"])
        for r in raw.to_dict("records")
        if r["question"] is not None and not pd.isna(r["question"]) and isinstance(r["answer"], str)
    }
    known: Mapping[str, Figure] = figures(case)
    rules = refutations(case.thresholds)
    if case.project_sales:
        known = deals_once(known, rules[LEAVING])
    table = answer_table(answers, rules, known)
    states = table["state"].value_counts()
    checked = int(states.get("agrees", 0) + states.get("contradicts", 0))
    answered = int(table["answer"].isin(["yes", "no"]).sum())
    metrics: list[Metric] = []
    if checked:
        metrics.append(metric(ids[0], float(states.get("contradicts", 0)), n=checked))
    else:
        metrics.append(
            no_metric(
                ids[0],
                Text(
                    "Ни один ответ «да» или «нет» не с чем сверить: нужных показателей нет или их интервалы "
                    "захватывают границы",
                    "No answer “yes” or “no” can be held against a figure: the figures are missing or "
                    "straddle their limits",
                )
                if answered
                else Text("На все вопросы отвечено «не знаю»", "Every question was answered “I do not know”"),
                n=0,
            )
        )
    metrics.append(metric(ids[1], float(checked), n=answered))
    metrics.append(metric(ids[2], float((table["answer"] == "yes").sum()), n=len(answers)))
    metrics += [_own_metric(known[id]) for id in own]
    facts = {
        "answered": answered,
        "checked": checked,
        "questions": len(table),
        "contradictions": [_fact(r) for r in table.to_dict("records") if r["state"] == "contradicts"],
        "unchecked": [int(r["question"]) for r in table.to_dict("records") if r["state"] == "unchecked"],
    }
    return ChapterResult.of("selfcheck", metrics, {"answers": table}, facts)


def _own_metric(figure: Figure) -> Metric:
    e = figure.whole
    if e is None or e.value is None:
        return no_metric(figure.id, figure.reason or STRADDLES)
    return metric(figure.id, e.value, low=e.low, high=e.high, n=e.n)


def _fact(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a contradiction for the narrative: question in words, answer, figure, value, interval, unit."""
    q = method().self_check[str(int(row["question"]))]
    spec = method().metrics[str(row["check"])]
    return {
        "question": int(row["question"]),
        "ru": q.ru,
        "en": q.en,
        "answer": str(row["answer"]),
        "figure_ru": spec.ru,
        "figure_en": spec.en,
        "value": float(row["value"]),
        "low": None if math.isnan(row["low"]) else float(row["low"]),
        "high": None if math.isnan(row["high"]) else float(row["high"]),
        "unit": str(row["unit"]),
        "limit": float(row["limit"]),
    }
