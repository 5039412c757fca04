"""Verdicts on retention (methodology, sections 4, 5.4 and 7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from audit.errors import Text
from audit.findings.finding import Finding, Status
from audit.findings.judge import make_finding, not_assessed, status_of
from audit.method import Threshold
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["judge"]

NOT_IN_S = Text(
    "Не применяется к стратегическим продажам: там сделка бывает раз за жизнь клиента, главное — не повторы",
    "Does not apply to strategic sales: a deal may happen once in a client's life, repeats are not the point",
)
PROJECTS = Text(
    "Не применяется: в проектных продажах сделка с клиентом случается один раз (признак project_sales)",
    "Does not apply: in project sales a deal with a client happens once (project_sales)",
)


def judge(case: Case, result: ChapterResult, results: Mapping[str, ChapterResult]) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    return [_leaky_first_purchase(case, result), _low_repeat_share(case, result)]


def day_text(day: dt.date | str) -> Text:
    """Return a date as it is written inside a sentence of either language."""
    d = dt.date.fromisoformat(day) if isinstance(day, str) else day
    months = "January February March April May June July August September October November December".split()
    return Text(f"{d:%d.%m.%Y}", f"{d.day} {months[d.month - 1]} {d.year}")


def too_few(n: int, needed: int, what: Text) -> Text:
    """Return the reason «too few units»."""
    return Text(
        f"{what.ru}: {n}, для вывода нужно не меньше {needed}",
        f"{what.en}: {n}, a verdict needs at least {needed}",
    )


def steady(status: Status, m: Metric, band: Threshold) -> Status:
    """Return the status if it also holds without the client that makes up too much of the figure, else ``watch``."""
    if "dominant_share" not in m.extra:
        return status
    value = m.extra.get("without_value")
    if value is None:
        return "watch"
    return status if status_of(value, m.extra["without_low"], m.extra["without_high"], band) == status else "watch"


def _few(case: Case, m: Metric, what: Text) -> Text | None:
    needed = case.thresholds.count("general.min_units")
    return too_few(m.n or 0, needed, what) if (m.n or 0) < needed else None


def _figures(m: Metric) -> dict[str, Any]:
    return {"value": m.value, "low": m.low, "high": m.high, "n": m.n, **m.extra}


NEW_CLIENTS = Text("Новых клиентов после разгонного периода", "New clients after the burn-in")
CLIENTS = Text("Клиентов с заказами", "Clients with orders")


def _leaky_first_purchase(case: Case, result: ChapterResult) -> Finding:
    """Judge the second purchase: at the full horizon with enough at risk there, at a shorter one only «clear»."""
    id = "retention.leaky_first_purchase"
    m = result.metrics["retention.second_purchase_share"]
    if case.sale_type.used == "S":
        return not_assessed(id, NOT_IN_S)
    if case.project_sales:
        return not_assessed(id, PROJECTS)
    if m.value is None:
        assert m.reason is not None
        return not_assessed(id, m.reason)
    if reason := _few(case, m, NEW_CLIENTS):
        return not_assessed(id, reason)
    band = case.thresholds[id]
    assert band.watch is not None
    full = case.thresholds.count("retention.horizon_days")
    wanted, judged = case.window.horizon_days, m.extra["judged_days"]
    low, high = m.extra["judged_low"], m.extra["judged_high"]
    naive = result.metrics["retention.second_purchase_naive"]
    facts = {**_figures(m), "naive": naive.value, "naive_n": naive.n, "norm": band.found, **_facts(result, "second")}
    if judged is not None and judged >= full and judged == wanted:
        status = status_of(m.extra["judged_value"], low, high, band)
    elif judged is not None and low >= band.watch:
        status = "clear"
    else:
        return not_assessed(id, _not_yet(case, result, m, full), facts=facts)
    return make_finding(case, id, status, grade=m.grade or "C", table="retention_second_purchase", facts=facts)


def _not_yet(case: Case, result: ChapterResult, m: Metric, full: int) -> Text:
    """Say why the second purchase cannot be judged yet, and from which day it can be."""
    needed = case.thresholds.count("retention.min_at_risk")
    if case.window.horizon_days < full:
        return Text(
            f"Горизонт {case.window.horizon_days} дн. короче {full} дн.: по нему виден только хороший результат, "
            "а доверительный интервал до нормы не дотягивает",
            f"The horizon of {case.window.horizon_days} days is shorter than {full}: it can only show a good result, "
            "and the interval does not reach the norm",
        )
    at_risk = m.extra["at_risk"] if m.extra["horizon_days"] == case.window.horizon_days else 0
    start = Text(
        f"Дольше {case.window.horizon_days} дн. без второй покупки прослежено клиентов: {at_risk}, нужно {needed}; "
        "на более коротком сроке доля до нормы уверенно не дотягивает",
        f"Clients followed for {case.window.horizon_days} days without a second purchase: {at_risk}, {needed} are needed; "
        "at a shorter horizon the share does not surely reach the norm",
    )
    ready = m.extra["ready"]
    if ready is None:
        return Text(start.ru + ". Нужны новые клиенты или более длинная выгрузка",
                    start.en + ". More new clients or a longer export are needed")  # fmt: skip
    day = day_text(max(ready, str(result.facts["ready_from"])))
    return Text(f"{start.ru}. Оценить можно не раньше {day.ru}", f"{start.en}. It can be judged from {day.en} at the earliest")


def _facts(result: ChapterResult, prefix: str) -> dict[str, Any]:
    """Return the facts of the chapter that belong to one finding, by prefix."""
    return {k.removeprefix(prefix + "_"): v for k, v in result.facts.items() if k.startswith(prefix + "_")}


def _low_repeat_share(case: Case, result: ChapterResult) -> Finding:
    """Judge the repeat share of revenue; where projects happen once it is watched at most."""
    id = "retention.low_repeat_share"
    m = result.metrics["retention.repeat_revenue_share"]
    if case.sale_type.used == "S":
        return not_assessed(id, NOT_IN_S)
    if m.value is None:
        assert m.reason is not None
        return not_assessed(id, m.reason)
    if reason := _few(case, m, CLIENTS):
        return not_assessed(id, reason)
    facts = _figures(m)
    ready = str(result.facts["ready_from"])
    if not m.extra["whole_period"] and result.facts["as_of"] < ready:
        months = case.thresholds.count("retention.min_months_after_burn_in")
        day = day_text(ready)
        reason = Text(
            f"После разгонного периода прошло меньше {months} мес.: новых и старых клиентов не отличить за целый год. "
            f"Оценить можно с {day.ru}",
            f"Fewer than {months} months lie after the burn-in: new and old clients cannot be told apart over a whole "
            f"year. It can be judged from {day.en}",
        )
        return not_assessed(id, reason, facts=facts)
    band = case.thresholds[id]
    assert band.watch is not None
    status = steady(status_of(m.value, m.low, m.high, band), m, band)
    facts |= {"norm": band.found, "projects": case.project_sales}
    if case.project_sales and status == "found":
        status = "watch"
    gap = max(0.0, band.watch - m.value)
    return make_finding(case, id, status, grade=m.grade or "C", base_revenue_share=gap, facts=facts)
