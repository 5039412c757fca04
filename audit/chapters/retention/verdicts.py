"""Verdicts on retention (methodology, sections 4, 5.4 and 7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pandas as pd

from audit.chapters.retention import prices
from audit.errors import Text
from audit.findings.declared import declared
from audit.findings.finding import Doubt, Finding, Status
from audit.findings.judge import (
    band,
    doubt_of,
    few,
    judged,
    make_finding,
    no_figure,
    not_assessed,
    status_of,
    steadied,
    worse,
)
from audit.ground.dates import day_text
from audit.method import Threshold, method
from audit.model.calendar import add_months
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric
from audit.stats.intervals import Estimate
from audit.stats.trend import months_to_tell

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
    """Return the verdict on every finding of the chapter; in strategic sales only that on the second purchase of other parts."""
    if case.sale_type.used == "S":
        x = result.facts
        some = [_leaky_first_purchase(case, result)] if x["left_out"] and not x["all_left_out"] else []
        told = {f.id for f in some}
        return [*some, *(not_assessed(s.id, NOT_IN_S) for s in method().findings_of("retention") if s.id not in told)]
    return [
        *declared(case, result, facts={"retention.mostly_reactive": _initiative}),
        _revenue_leak(case, result),
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


NEW_CLIENTS = Text("Новых клиентов после начального периода", "New clients after the burn-in")
CLIENTS = Text("Клиентов с заказами", "Clients with orders")
REGULAR_CLIENTS = Text("Постоянных клиентов (два дня заказа и больше)", "Regular clients (two order days or more)")
BEFORE = Text(
    "Постоянных клиентов с заказами в предыдущие 12 месяцев", "Regular clients with orders in the 12 months before"
)
SLEEPERS = Text("Клиентов, когда-либо замолкавших дольше своего предела", "Clients ever silent beyond their limit")
BOOKS = Text(
    "Клиентов с двумя и более днями заказа в предыдущие 12 месяцев и известным менеджером",
    "Clients with two or more order days in the 12 months before and a known manager",
)


# --- findings


NAMED = 3
"""So many clients are named in a first step; the list has them all."""


def _names(clients: pd.DataFrame) -> list[str]:
    return [str(name) for name in clients["client_name"].head(NAMED)]


def _waiting(case: Case, result: ChapterResult) -> dict[str, Any]:
    """Return the new clients of the last three months without a second order: how many, the largest, since when."""
    since = add_months(case.window.as_of, -3) + dt.timedelta(days=1)
    once = result.tables["once"]
    fresh = once[once["first_day"] >= pd.Timestamp(since)]
    return {"waiting": len(fresh), "waiting_names": _names(fresh), "waiting_since": since.isoformat()}


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
        "plain": result.metrics["retention.second_purchase_new"].value,
        "norm": limits.found,
        "missing_a_year": max(0, round(new_a_year * gap[1])),
        **_waiting(case, result),
    }
    if left := result.facts["left_out"]:
        facts["left_out"] = {**_spoken(left), "new": result.facts["left_out_new"]}
    elif case.project_sales_stated and result.facts["once_share"] is not None:
        facts["came_again"] = 1.0 - float(result.facts["once_share"])
    verdict = _within_horizon(case, m, limits, case.window.horizon_days, "retention.horizon_days")
    if verdict is None:
        return not_assessed(id, _not_yet(case, result, m, case.window.horizon_days), facts=facts)
    status, facts["sure_low"], facts["sure_days"] = verdict
    effect = prices.leaky_first_purchase(case, result, m, limits.found)
    doubt: Doubt | Text | None = doubt_of(m, limits, "judged")
    if status == "clear" and (mixed := _mixed(case, result)):
        status, doubt = "unclear", mixed
    if status == "clear" and (hidden := _hidden_part(result, limits.found)):
        status, doubt = "unclear", hidden
    return make_finding(case, id, status, grade=m.grade or "C", effect=effect, table="once", facts=facts, doubt=doubt)


def _spoken(types: Sequence[str]) -> dict[str, str]:
    """Return names of types of sale as they stand in a sentence."""
    named = [method().sale_types[t] for t in types]
    return {
        "ru": "», «".join(k.ru.split(" (")[0].lower() for k in named),
        "en": "”, “".join(k.en.lower() for k in named),
    }


def _hidden_part(result: ChapterResult, norm: float) -> Text | None:
    """Say that a good figure of all types together hides one that surely misses the norm; None: it hides none."""
    rows = result.tables["second_by"]
    rows = rows[~rows["label"].isin(result.facts["left_out"])]
    rows = rows[(rows["split"] == "sale_type") & (rows["high"] < norm)]
    if rows.empty:
        return None
    row = rows.sort_values(["share", "label"]).iloc[0]
    named = _spoken([str(row["label"])])
    value, low, high = (f"{float(row[c]) * 100:.0f}" for c in ("share", "low", "high"))
    ru, en = named["ru"], named["en"]
    return Text(
        f"По всем новым клиентам вместе доля хорошая, но по типам продаж — нет: в части «{ru}» второй раз покупают "
        f"{value}\u00a0% ({low}–{high}\u00a0%). Смотрите вторую покупку по типам продаж",
        f"The share of all new clients together is good, that of one type of sale is not: in the part “{en}” {value}% buy again "
        f"({low}–{high}%). See the second purchase by type of sale",
    )


def _mixed(case: Case, result: ChapterResult) -> Text | None:
    """Say why a good second-purchase figure cannot be believed: too many of the new clients may be old; None: it can."""
    old = result.metrics["retention.new_probably_old_share"]
    if old.value is None:
        return None
    if old.value > case.thresholds.value("retention.max_probably_old_share"):
        share = f"{old.value * 100:.0f}"
        return Text(
            f"Доля хорошая, но среди «новых» около {share}\u00a0% — вероятно, давние клиенты с редкими заказами: для них это "
            "не вторая покупка. Ответ даст поле «клиент с» (client_since) или более длинная выгрузка",
            f"The share is good, but about {share}% of the “new” clients are probably old ones who order rarely: theirs is no "
            "second purchase. The field “client since” (client_since) or a longer export would tell",
        )
    if old.extra["short"]:
        return Text(
            "Доля хорошая, но выгрузка короче десяти обычных промежутков между заказами: новых клиентов от давних не "
            "отличить. Ответ даст поле «клиент с» (client_since) или более длинная выгрузка",
            "The share is good, but the export is shorter than ten usual gaps between orders: new clients cannot be told from "
            "old ones. The field “client since” (client_since) or a longer export would tell",
        )
    return None


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
    needed = case.thresholds.count("retention.min_followed")
    full = case.thresholds.count("retention.horizon_days")
    if horizon < full:
        return Text(
            f"Горизонт {horizon} дн. короче {full} дн.: по нему виден только хороший результат, "
            "а доверительный интервал до нормы не дотягивает",
            f"The horizon of {horizon} days is shorter than {full}: it can only show a good result, "
            "and the interval does not reach the norm",
        )
    followed = m.extra["followed"]
    start = Text(
        f"Клиентов, за которыми следили все {horizon} дн.: {followed}, нужно {needed}; "
        "на более коротком сроке доля до границы уверенно не дотягивает",
        f"Clients followed for all of {horizon} days: {followed}, {needed} are needed; "
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
    """Judge the regular clients' share of revenue; where projects happen once it is watched at most."""
    id = "retention.low_repeat_share"
    m = result.metrics["retention.regular_revenue_share"]
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
            f"После начального периода прошло меньше {months} мес.: новых и старых клиентов не отличить за целый год. "
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
    if result.facts["left_out"]:
        return bool(result.facts["all_left_out"])  # told part by part: the others are judged
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


def _initiative(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    return dict(result.facts["initiative"])


def _revenue_leak(case: Case, result: ChapterResult) -> Finding:
    """Judge the lost part of the yearly rate by money and by clients; the worse counts, where projects happen once capped."""
    id = "retention.revenue_leak"
    m = result.metrics["retention.lost_run_rate_share"]
    if m.value is None:
        return no_figure(id, m)
    if reason := few(case, m.extra["regular_clients"], BEFORE):
        return not_assessed(id, reason)
    limits = case.thresholds[id]
    money, clients = judged(m, limits), judged(m, limits, "clients")
    assert money is not None and clients is not None and limits.watch is not None
    status = worse(steadied(money, m, limits), clients)
    facts = {
        **_figures(m),
        "watch": limits.watch,
        "found": limits.found,
        "projects": _once_only(case, result),
        "by_clients": status != steadied(money, m, limits),
        "largest": _names(result.tables["lost_clients"]),
    }
    if facts["projects"] and status == "found":
        status = "watch"
    effect = prices.leak(case, result)
    doubts = (doubt_of(m, limits, by) for by in ("", "clients", "without"))
    return make_finding(
        case,
        id,
        status,
        grade=m.grade or "C",
        effect=effect,
        base_revenue_share=m.value,
        table="lost_clients",
        facts=facts,
        doubt=next((d for d in doubts if d is not None), None),
    )


def _trend(case: Case, result: ChapterResult, name: str, metric_name: str) -> Finding:
    """Judge a yearly trend: found by the interval of the slope, watched also by the last year with its own.

    A trend is watched only if its interval lies wholly below zero; one that does not tell says which decline it could.
    """
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
        "by_last_year": False,
    }
    limits = case.thresholds[id]
    if m.low is None or m.high is None:
        reason = Text(
            "Месяцев с заказами слишком мало, чтобы отличить тренд от колебаний рынка",
            "Too few months have orders to tell a trend from the market's ups and downs",
        )
        return not_assessed(id, reason, facts=facts)
    last = judged(m, limits, "last_year", change=True)
    status = judged(m, limits, change=True)
    assert status is not None
    if status in ("clear", "unclear") and last in ("found", "watch"):
        status, facts["by_last_year"] = "watch", True
    doubt = None
    if status == "unclear":
        assert limits.watch is not None and limits.found is not None
        e = Estimate(m.value, m.low, m.high, m.n or 0, case.thresholds.value("general.confidence_level"))
        needed = months_to_tell(e, limits.found if m.value > limits.found else 0.0, int(m.extra["months"]))
        doubt = Doubt(m.value, m.low, m.high, limits.watch, limits.found, m.unit, m.n, None, needed)
        facts["months_needed"] = needed
    if name == "ticket_decline" and status == "found":
        breadth = result.metrics["retention.range_trend"]
        # Clients that buy more goods, smaller each, are what EK call a normal rotation.
        if breadth.value is not None and breadth.low is not None and breadth.low > 0:
            status = "watch"
            facts["range_grows"] = True
    facts["limit"] = limits.found
    effect = prices.trend(case, m)
    return make_finding(
        case, id, status, grade=m.grade or "C", effect=effect, table="monthly", facts=facts, doubt=doubt
    )


def _wakers(result: ChapterResult) -> dict[str, Any]:
    """Return the largest sleepers, and the role that should wake them."""
    asleep = result.tables["worklist"].query("state == 'sleeping'")
    if asleep.empty:
        return {"largest": [], "caller": None}
    short = method().roles[str(asleep["caller"].iloc[0])].short
    return {"largest": _names(asleep), "caller": {"ru": short.ru, "en": short.en}}


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
        **_wakers(result),
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
    doubt = doubt_of(m, limits, "judged")
    return make_finding(case, id, status, grade=m.grade or "C", table="worklist", facts=facts, doubt=doubt)


def _manager_outlier(case: Case, result: ChapterResult) -> Finding:
    """Judge whether some managers lose more clients than the others' spread and chance let a book like theirs expect."""
    id = "retention.manager_outlier"
    m = result.metrics["retention.by_manager"]
    if m.value is None:
        return no_figure(id, m)
    if reason := few(case, m.n, BOOKS):
        return not_assessed(id, reason)
    if m.extra["managers"] < (fewest := case.thresholds.count("retention.fewest_managers")):
        managers = m.extra["managers"]
        reason = Text(
            f"Менеджеров {managers}: чтобы отличить одного от разброса остальных, нужно не меньше {fewest}",
            f"{managers} managers: at least {fewest} are needed to tell one from the spread of the others",
        )
        return not_assessed(id, reason)
    found, watched = int(m.extra["found_managers"]), int(m.extra["watched_managers"])
    status: Status = "found" if found else "watch" if watched else "clear"
    table = result.tables["by_manager"]
    out = table[table["position"] >= 1]
    excess = float((out["lost"] - out["clients"] * out["expected"]).sum())
    lost = int(out["lost"].sum())
    effect = prices.excess_losses(case, result)
    facts = {
        **_figures(m),
        "excess": round(excess, 1),
        "outliers": len(out),
        "outliers_lost": lost,
        "outliers_clients": int(out["clients"].sum()),
    }
    return make_finding(case, id, status, grade=m.grade or "C", effect=effect, table="by_manager", facts=facts)
