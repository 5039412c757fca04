"""Verdicts on «whose clients» (methodology, sections 4, 5.6 and 7)."""

from __future__ import annotations

from typing import Any

from audit.errors import Text
from audit.findings.finding import Finding, Risk, Status
from audit.findings.judge import (
    band,
    doubt_of,
    judged,
    make_finding,
    no_figure,
    not_assessed,
    status_of,
    steadied,
    worse,
)
from audit.ground.lacks import too_few
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["judge"]


HANDED = Text("Переданных клиентов", "Handed clients")
WIDE_TIMES = 2
"""A wide interval far from zero is believed from so many times the least number of clients on."""


def judge(case: Case, result: ChapterResult) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    return [
        _single_owner(case, result),
        _bus_factor(case, result),
        _handover_loss(case, result),
        _overloaded(case, result),
        _orphans(case, result),
    ]


def _limits(case: Case, id: str) -> dict[str, Any]:
    limits = case.thresholds[id]
    return {"watch": limits.watch, "found": limits.found, "since": None}


def _period(result: ChapterResult) -> dict[str, Any]:
    return {"since": result.facts["since"], "until": result.facts["as_of"]}


def _single_owner(case: Case, result: ChapterResult) -> Finding:
    """Judge clients who know one seller only: by their number or by their revenue, the worse counts."""
    id = "ownership.single_owner"
    m, revenue = (result.metrics[f"ownership.single_owner_{k}"] for k in ("share", "revenue_share"))
    if m.value is None:
        return no_figure(id, m)
    limits = case.thresholds[id]
    statuses = [
        steadied(status, k, limits, "without_beyond")
        for k in (m, revenue)
        if (status := judged(k, limits, "beyond")) is not None
    ]
    x = result.facts
    facts = {
        "value": m.value,
        "low": m.low,
        "high": m.high,
        "n": m.n,
        "chance": m.extra["chance"],
        "team": m.extra["team"],
        "single": x["single"],
        "least": x["second_face"],
        "revenue_share": revenue.value,
        "revenue_low": revenue.low,
        "revenue_high": revenue.high,
        "by_revenue": len(statuses) > 1 and worse(*statuses) != statuses[0],
        "turnover": x["turnover"],
        **_limits(case, id),
        **_period(result),
    }
    return make_finding(
        case,
        id,
        worse(*statuses),
        grade="C",
        risk=_single_risk(case, result),
        base_revenue_share=revenue.value or 0.0,
        doubt=next(
            (d for k in (m, revenue) for at in ("beyond", "without_beyond") if (d := doubt_of(k, limits, at))), None
        ),
        table="clients",
        facts=facts,
    )


def _single_risk(case: Case, result: ChapterResult) -> Risk | None:
    """What is at stake when a seller leaves whom alone clients know, by the published fall after such a change."""
    single = result.tables["clients"]
    brought = single.loc[single["single"].astype(bool), "annual_figure"].astype(float).sum()
    return _departure_risk(result, float(brought) * _published_fall(case))


def _published_fall(case: Case) -> float:
    return case.thresholds.range("ownership.departure_scenario")[1]


def _departure_risk(result: ChapterResult, stake: float) -> Risk | None:
    """Return the risk of a seller's leaving; its chance is the share of sellers that left in a year, where known."""
    turnover = result.facts["turnover"]
    return Risk(None if turnover is None else float(turnover["base"]), stake) if stake > 0 else None


def _bus_factor(case: Case, result: ChapterResult) -> Finding:
    """Judge on how many sellers the base hangs: one beyond chance is found, below even and chance watched."""
    id = "ownership.bus_factor"
    m = result.metrics[id]
    if m.value is None:
        return no_figure(id, m)
    e, limits = m.extra, case.thresholds[id]
    assert limits.found is not None
    facts = {
        "value": int(m.value),
        "low": m.low,
        "high": m.high,
        "n": m.n,
        "team": e["team"],
        "even": e["even_split"],
        "chance_low": e["chance_low"],
        "chance_top": e["chance_top"],
        "top_share": e["top_share"],
        "share": e["share"],
        **_period(result),
    }
    least = case.thresholds.count("ownership.min_team")
    if e["team"] < least:
        reason = Text(
            f"Продавцов, на которых держится база: {e['team']}; в команде меньше {least} она держится на одном-двух по "
            "построению",
            f"Sellers who hold the base: {e['team']}; in a team of fewer than {least} it hangs on one or two by "
            "construction",
        )
        return not_assessed(id, reason, facts=facts)
    high = m.value if m.high is None else m.high
    status: Status = "clear"
    if high <= limits.found and e["top_share"] > e["chance_top"]:
        status = "found"
    elif m.value <= limits.found or (m.value < e["even_split"] and m.value < e["chance_low"]):
        status = "watch"
    books, x = result.tables["books"], result.facts
    largest = float(books["repeat_revenue"].max()) * x["to_year"] * x["margin_share"]
    return make_finding(
        case,
        id,
        status,
        grade="C",
        risk=_departure_risk(result, largest * _published_fall(case)),
        base_revenue_share=e["top_share"],
        table="books",
        facts=facts,
    )


def _handover_loss(case: Case, result: ChapterResult) -> Finding:
    """Judge the change of revenue after hand-overs; too few clients or too wide an interval cannot be judged at all."""
    id = "ownership.handover_loss"
    m = result.metrics["ownership.departure_effect"]
    x = result.facts
    t = case.thresholds
    scenario = {k: x.get(f"scenario_{k}") for k in ("low", "base", "high")}
    if m.value is None:
        return no_figure(id, m, facts={"scenario": scenario})
    facts: dict[str, Any] = {
        "value": m.value,
        "low": m.low,
        "high": m.high,
        "n": m.n,
        "half_width": m.extra["half_width"],
        "handed_ratio": m.extra["handed_ratio"],
        "control_ratio": m.extra["control_ratio"],
        "controls": m.extra["controls"],
        "events": m.extra["events"],
        "scenario": scenario,
        "unmatched": x["handed_unmatched"],
    }
    least, widest = t.count("general.min_units"), t.value("ownership.handover_max_half_width")
    low, high = scenario["low"], scenario["high"]
    aside = Text(
        f"; по публикациям смена менеджера снижает продажи на {_percent(low)}–{_percent(high)} % (Ши и др., 2017), "
        "есть и обратный результат (Шмитц и др., 2020)",
        f"; published studies put the fall of sales after a change of manager at {_percent(low)}–{_percent(high)}% "
        "(Shi et al., 2017), the opposite has been found too (Schmitz et al., 2020)",
    )
    if (m.n or 0) < least or m.low is None:
        lack = too_few(m.n or 0, least, HANDED)
        reason = Text(f"{lack.ru} — сказать нельзя{aside.ru}", f"{lack.en}: it cannot be told{aside.en}")
        return not_assessed(id, reason, facts=facts)
    # A wide interval still tells of a change that exceeds, with all of its interval, what it could not resolve; but not
    # from the very least of clients, whose resampled interval is itself a guess.
    enough = (m.n or 0) >= WIDE_TIMES * least
    plain = enough and m.high is not None and (m.high <= -widest or m.low >= widest)
    if m.extra["half_width"] is None or (m.extra["half_width"] > widest and not plain):
        width = m.extra["half_width"]
        reason = Text(
            f"Переданных клиентов {m.n}, интервал ±{_percent(width)} п. п. шире {_percent(widest)} — сказать "
            f"нельзя{aside.ru}",
            f"{m.n} handed clients, the interval of ±{_percent(width)} pp is wider than {_percent(widest)}: it "
            "cannot be "
            f"told{aside.en}",
        )
        return not_assessed(id, reason, facts=facts)
    facts["dominant"] = "dominant_share" in m.extra
    return band(case, id, m, steady=True, change=True, risk=_handover_risk(result, m), table="handed", facts=facts)


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share * 100:.0f}"


def _handover_risk(result: ChapterResult, m: Metric) -> Risk | None:
    """What handed clients brought less a year than comparable ones: at stake whenever a book changes hands again."""
    assert m.value is not None
    handed = result.tables["handed"]
    yearly = handed["expected"].astype(float) * 365.25 / handed["span_days"].astype(float)
    per = yearly.groupby(handed["client_key"]).max() * result.facts["margin_share"]
    return _departure_risk(result, float(per.sum()) * max(0.0, -m.value))


def _overloaded(case: Case, result: ChapterResult) -> Finding:
    """Judge the hours clients need: the whole team, or several managers far beyond the limit."""
    id = "ownership.overloaded_book"
    m = result.metrics["ownership.load"]
    if m.value is None:
        return no_figure(id, m)
    e = m.extra
    status = status_of(m.value, m.low, m.high, case.thresholds[id])
    people = m.n or 0
    persons = status_of(float(e["overloaded"]), None, None, case.thresholds["ownership.overloaded_people"])
    many = e["overloaded"] >= case.thresholds.value("ownership.overloaded_people_share") * people
    status = worse(status, "watch" if persons == "found" and not many else persons)
    facts = {
        "value": m.value,
        "people": people,
        "needed": e["hours_needed"],
        "shared": int(e["shared_clients"]),
        "left": e["hours_left"],
        "touches": e["touches"],
        "minutes": e["minutes"],
        "overloaded": e["overloaded"],
        "highest": e["highest"],
        "clients": result.facts["load_clients"],
        "by_class": e["by_class"],
        "office": e["office"],
        "developer": e["developer"],
        "without": e["without_hours"],
        **_limits(case, id),
        **_period(result),
    }
    return make_finding(
        case,
        id,
        status,
        grade="B",
        role_hours_share=max(0.0, 1 - 1 / m.value) if m.value > 0 else 0.0,
        table="load",
        facts=facts,
        doubt=doubt_of(m, case.thresholds[id], sampled=False),
    )


def _orphans(case: Case, result: ChapterResult) -> Finding:
    """Judge clients without a hand: by their number or by their revenue, the worse counts."""
    id = "ownership.orphans"
    m, revenue = result.metrics["ownership.orphan_share"], result.metrics["ownership.orphan_revenue_share"]
    if m.value is None:
        return no_figure(id, m)
    limits = case.thresholds[id]
    statuses = [steadied(s, k, limits) for k in (m, revenue) if (s := judged(k, limits)) is not None]
    lost = result.tables["orphans"]
    stake = float(lost["annual_figure"].astype(float).sum()) * _published_fall(case) if len(lost) else 0.0
    facts = {
        "value": m.value,
        "n": m.n,
        **{k: m.extra[k] for k in ("orphans", "left", "nobody", "waiting", "median_days", "revenue")},
        "revenue_share": revenue.value,
        "by_revenue": len(statuses) > 1 and worse(*statuses) != statuses[0],
        "names": [str(n) for n in lost["client_name"].where(lost["client_name"].notna(), lost["client_key"]).head(5)],
        **_limits(case, id),
        **_period(result),
    }
    return make_finding(
        case,
        id,
        worse(*statuses),
        grade="B",
        risk=Risk(None, stake) if stake > 0 else None,
        base_revenue_share=revenue.value or 0.0,
        table="orphans",
        facts=facts,
    )
