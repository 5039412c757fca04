"""Verdicts on retention (methodology, sections 4, 5.4 and 7)."""

from __future__ import annotations

from typing import Any

import numpy as np

from audit.chapters.retention import prices
from audit.errors import Text
from audit.findings.declared import declared
from audit.findings.finding import Finding, Status
from audit.findings.judge import band, few, make_finding, no_figure, not_assessed, status_of
from audit.ground.dates import day_text
from audit.method import Threshold, method
from audit.model.calendar import add_months
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


def judge(case: Case, result: ChapterResult) -> list[Finding]:
    """Return the verdict on every finding of the chapter; in strategic sales none applies."""
    if case.sale_type.used == "S":
        return [not_assessed(spec.id, NOT_IN_S) for spec in method().findings_of("retention")]
    facts = {"retention.revenue_leak": _projects, "retention.mostly_reactive": _initiative}
    return [
        *declared(case, result, facts=facts, prices={"retention.revenue_leak": prices.leak}),
        _leaky_first_purchase(case, result),
        _low_repeat_share(case, result),
        _trend(case, result, "base_shrinking", "active_clients_trend"),
        _sleeping_clients(case, result),
        _weak_return(case, result),
        _trend(case, result, "ticket_decline", "ticket_trend"),
        _trend(case, result, "frequency_decline", "frequency_trend"),
        _trend(case, result, "range_decline", "range_trend"),
        _manager_outlier(case, result),
    ]


def _figures(m: Metric) -> dict[str, Any]:
    return {"value": m.value, "low": m.low, "high": m.high, "n": m.n, **m.extra}


NEW_CLIENTS = Text("Новых клиентов после разгонного периода", "New clients after the burn-in")
CLIENTS = Text("Клиентов с заказами", "Clients with orders")
REGULAR_CLIENTS = Text("Постоянных клиентов (два дня заказа и больше)", "Regular clients (two order days or more)")
SLEEPERS = Text("Клиентов, когда-либо замолкавших дольше своего предела", "Clients ever silent beyond their limit")
BOOKS = Text(
    "Клиентов с двумя и более днями заказа в предыдущие 12 месяцев и известным менеджером",
    "Clients with two or more order days in the 12 months before and a known manager",
)


# --- findings


def _leaky_first_purchase(case: Case, result: ChapterResult) -> Finding:
    """Judge the second purchase: at the full horizon with enough at risk there, at a shorter one only «clear»."""
    id = "retention.leaky_first_purchase"
    m = result.metrics["retention.second_purchase_share"]
    if _seen_once(case, result):
        return not_assessed(id, PROJECTS)
    if m.value is None:
        return no_figure(id, m)
    if reason := few(case, m.n, NEW_CLIENTS):
        return not_assessed(id, reason)
    limits = case.thresholds[id]
    assert limits.found is not None
    naive = result.metrics["retention.second_purchase_naive"]
    gap = (limits.found - (m.high or m.value), limits.found - m.value, limits.found - (m.low or m.value))
    new_a_year = float(result.facts["new_a_year"])
    facts = {
        **_figures(m),
        "naive": naive.value,
        "naive_n": naive.n,
        "norm": limits.found,
        "missing_a_year": max(0, round(new_a_year * gap[1])),
    }
    if case.project_sales_stated and result.facts["once_share"] is not None:
        facts["came_again"] = 1.0 - float(result.facts["once_share"])
    verdict = _within_horizon(case, m, limits, case.window.horizon_days, "retention.horizon_days")
    if verdict is None:
        return not_assessed(id, _not_yet(case, result, m, case.window.horizon_days), facts=facts)
    status, facts["sure_low"], facts["sure_days"] = verdict
    effect = prices.leaky_first_purchase(case, result, m, limits.found)
    return make_finding(case, id, status, grade=m.grade or "C", effect=effect, table="once", facts=facts)


def _within_horizon(
    case: Case, m: Metric, limits: Threshold, wanted: int, full_key: str
) -> tuple[Status, float, int] | None:
    """Judge a Kaplan–Meier share that only grows with time; None where it cannot be judged yet.

    At the wanted horizon, if it is not shorter than the full one and enough clients are at risk there: by the interval.
    Otherwise nothing can be said but this: a lower limit on the good side is «clear», be it at the latest day with
    enough at risk or at the horizon itself (where nearly all are back nobody is left at risk). Returns the status
    with the lower limit and the day on which it rests.
    """
    assert limits.watch is not None and m.value is not None
    judged = m.extra["judged_days"]
    if judged is not None and judged == wanted and wanted >= case.thresholds.count(full_key):
        low, high = m.extra["judged_low"], m.extra["judged_high"]
        return status_of(m.extra["judged_value"], low, high, limits), low, judged
    points = [(m.low, m.extra["horizon_days"]), (m.extra["judged_low"], judged)]
    for low, days in points:
        if low is not None and days is not None and low >= limits.watch:
            return "clear", float(low), int(days)
    return None


def _not_yet(case: Case, result: ChapterResult, m: Metric, horizon: int) -> Text:
    """Say why a share within a horizon cannot be judged yet, and from which day it can be."""
    needed = case.thresholds.count("retention.min_at_risk")
    full = case.thresholds.count("retention.horizon_days")
    if horizon < full:
        return Text(
            f"Горизонт {horizon} дн. короче {full} дн.: по нему виден только хороший результат, "
            "а доверительный интервал до нормы не дотягивает",
            f"The horizon of {horizon} days is shorter than {full}: it can only show a good result, "
            "and the interval does not reach the norm",
        )
    at_risk = m.extra["at_risk"] if m.extra["horizon_days"] == horizon else 0
    start = Text(
        f"Клиентов, прослеженных {horizon} дн. и не вернувшихся раньше: {at_risk}, нужно {needed}; "
        "на более коротком сроке доля до границы уверенно не дотягивает",
        f"Clients followed for {horizon} days and not back before: {at_risk}, {needed} are needed; "
        "at a shorter horizon the share does not surely reach the limit",
    )
    ready = m.extra["ready"]
    if ready is None:
        return Text(
            start.ru + ". Нужно больше клиентов или более длинная выгрузка",
            start.en + ". More clients or a longer export are needed",
        )
    day = day_text(max(ready, str(result.facts["ready_from"])))
    return Text(
        f"{start.ru}. Оценить можно не раньше {day.ru}", f"{start.en}. It can be judged from {day.en} at the earliest"
    )


def _low_repeat_share(case: Case, result: ChapterResult) -> Finding:
    """Judge the repeat share of revenue; where projects happen once it is watched at most."""
    id = "retention.low_repeat_share"
    m = result.metrics["retention.repeat_revenue_share"]
    if m.value is None:
        return no_figure(id, m)
    if reason := few(case, m.n, CLIENTS):
        return not_assessed(id, reason)
    ready = str(result.facts["ready_from"])
    facts = {**_figures(m), "projects": _once_only(case, result)}
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
    limits = case.thresholds[id]
    assert limits.watch is not None
    facts["norm"] = limits.found
    gap = max(0.0, limits.watch - m.value)
    return band(case, id, m, steady=True, cap=facts["projects"], base_revenue_share=gap, facts=facts)


def _seen_once(case: Case, result: ChapterResult) -> bool:
    """Tell whether no second purchase is to be expected: projects are declared, and the orders show one deal a client.

    A type guessed from the interval declares nothing.
    """
    once = result.facts["once_share"]
    return bool(case.project_sales_stated) and (
        once is None or float(once) > case.thresholds.value("retention.project_once_share")
    )


def _once_only(case: Case, result: ChapterResult) -> bool:
    """Tell whether a deal happens once: the company says so, or its type does and the orders bear it out."""
    if case.project_sales_stated is not None:
        return case.project_sales_stated
    once = result.facts["once_share"]
    limit = case.thresholds.value("retention.project_once_share")
    return case.project_sales and (once is None or float(once) >= limit)


def _projects(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    return {"projects": _once_only(case, result)}


def _initiative(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    return dict(result.facts["initiative"])


def _trend(case: Case, result: ChapterResult, name: str, metric_name: str) -> Finding:
    """Judge a yearly trend: found by the interval of the slope, watched also by the last year alone."""
    id = f"retention.{name}"
    m = result.metrics[f"retention.{metric_name}"]
    if m.value is None:
        return no_figure(id, m)
    if reason := few(case, m.n, CLIENTS):
        return not_assessed(id, reason)
    facts = {
        **_figures(m),
        "nominal": name == "ticket_decline" and not m.extra.get("deflated", False),
        "range_grows": False,
    }
    widest = case.thresholds.value("retention.trend_max_half_width")
    limits = case.thresholds[id]
    assert limits.watch is not None
    status = status_of(m.value, m.low, m.high, limits)
    # a wide interval that lies wholly on one side says enough, where there are clients enough to believe it
    says_enough = status != "watch" and (m.n or 0) >= 2 * case.thresholds.count("general.min_units")
    if m.low is None or m.high is None or ((m.high - m.low) / 2 > widest and not says_enough):
        points = f"{widest * 100:g}"
        reason = Text(
            f"Интервал тренда шире ±{points.replace('.', ',')} п. п.: по этим данным направление не назвать",
            f"The interval of the trend is wider than ±{points} percentage points: the data do not tell a direction",
        )
        return not_assessed(id, reason, facts=facts)
    last = m.extra["last_year"]
    facts["by_last_year"] = bool(status == "clear" and last is not None and last < limits.watch)
    if facts["by_last_year"]:
        status = "watch"
    if name == "ticket_decline" and status == "found":
        breadth = result.metrics["retention.range_trend"]
        # Clients that buy more goods, smaller each, are what EK call a normal rotation.
        if breadth.value is not None and breadth.low is not None and breadth.low > 0:
            status = "watch"
            facts["range_grows"] = True
    facts["limit"] = limits.found
    effect = prices.trend(case, m)
    return make_finding(case, id, status, grade=m.grade or "C", effect=effect, table="monthly", facts=facts)


def _sleeping_clients(case: Case, result: ChapterResult) -> Finding:
    """Judge the revenue of sleeping clients; the effect is what waking brings beyond those who return anyway."""
    id = "retention.sleeping_clients"
    m = result.metrics["retention.sleeping_share"]
    if m.value is None:
        return no_figure(id, m)
    if reason := few(case, m.extra["regular_clients"], REGULAR_CLIENTS):
        return not_assessed(id, reason)
    if not case.window.recent_is_whole:
        months = case.settings.period.recent_months
        day = day_text(add_months(case.window.start, months))
        reason = Text(
            f"Выгрузка короче {months} мес. Оценить можно с {day.ru}",
            f"The export is shorter than {months} months. It can be judged from {day.en}",
        )
        return not_assessed(id, reason, facts=_figures(m))
    effect = prices.sleepers(case, result, m)
    limits = case.thresholds[id]
    own = result.facts["own_return"]
    facts = {
        **_figures(m),
        "watch": limits.watch,
        "found": limits.found,
        "own_return": None if own is None else own["share"],
        "alone": prices.comes_back_alone(case, result),
        "wake_share": case.thresholds.range("retention.wake_share")[1],
        "priced": effect is not None,
    }
    return band(case, id, m, steady=True, effect=effect, base_revenue_share=m.value, table="worklist", facts=facts)


def _weak_return(case: Case, result: ChapterResult) -> Finding:
    """Judge how many sleepers come back within a year of crossing their limit."""
    id = "retention.weak_return"
    m = result.metrics["retention.return_rate"]
    if m.value is None:
        return no_figure(id, m)
    if reason := few(case, m.n, SLEEPERS):
        return not_assessed(id, reason)
    limits = case.thresholds[id]
    horizon = case.thresholds.count("retention.return_horizon_days")
    facts = {**_figures(m), "norm": limits.found, "horizon_days_full": horizon}
    verdict = _within_horizon(case, m, limits, horizon, "retention.return_horizon_days")
    if verdict is None:
        return not_assessed(id, _not_yet(case, result, m, horizon), facts=facts)
    status, facts["sure_low"], facts["sure_days"] = verdict
    return make_finding(case, id, status, grade=m.grade or "C", table="worklist", facts=facts)


def _manager_outlier(case: Case, result: ChapterResult) -> Finding:
    """Judge whether some managers lose more clients than chance allows a book of their size."""
    id = "retention.manager_outlier"
    m = result.metrics["retention.by_manager"]
    if m.value is None:
        return no_figure(id, m)
    if reason := few(case, m.n, BOOKS):
        return not_assessed(id, reason)
    if m.extra["managers"] < 2:
        return not_assessed(
            id, Text("Менеджер один: сравнивать не с кем", "There is one manager only: nobody to compare with")
        )
    limits = case.thresholds[id]
    assert limits.watch is not None and limits.found is not None
    outer, inner = int(m.extra["outside_outer"]), int(m.extra["outside_inner"])
    status: Status = "found" if outer >= limits.found else "watch" if outer + inner >= limits.watch else "clear"
    table = result.tables["by_manager"]
    out = table[table["position"] >= 1]
    excess = float((out["lost"] - out["clients"] * m.value).sum())
    lost = int(out["lost"].sum())
    least = float((out["lost"] - np.floor(out["inner_high"] * out["clients"] + 1e-9)).sum()) if len(out) else 0.0
    effect = prices.excess_losses(case, result, excess, least)
    facts = {
        **_figures(m),
        "excess": round(excess, 1),
        "outliers": len(out),
        "outliers_lost": lost,
        "outliers_clients": int(out["clients"].sum()),
    }
    return make_finding(case, id, status, grade=m.grade or "C", effect=effect, table="by_manager", facts=facts)
