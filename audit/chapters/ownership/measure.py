"""The chapter «Чьи клиенты»: from the case to its metrics, tables and facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.ownership import handover as handovers
from audit.chapters.ownership.hires import COLUMNS as HIRES
from audit.chapters.ownership.hires import hires
from audit.chapters.ownership.orphans import COLUMNS as ORPHANS
from audit.chapters.ownership.orphans import orphans
from audit.chapters.ownership.sellers import (
    is_label,
    main_seller,
    meeting_roles,
    only_sellers,
    seller_roles,
    single_owner,
)
from audit.chapters.ownership.team import LOAD_COLUMNS, book_load, bus_factor
from audit.errors import Text
from audit.ground.answers import read_answers
from audit.ground.keys import clients_named
from audit.ground.lacks import missing_columns, missing_sheets, too_few
from audit.ground.money import margin_of
from audit.ground.newcomers import mark_new
from audit.ground.parts import second_purchase_out
from audit.ground.people import family_label, person_labels
from audit.ground.period import since, to_year
from audit.ground.shares import share_of
from audit.ground.touches import touch_work
from audit.model.calendar import add_months
from audit.model.case import Case, sql_text
from audit.model.result import ChapterResult, Metric, metric, no_metric
from audit.stats.intervals import dominant_unit, wilson
from audit.stats.shares import weighted_share

__all__ = ["diagnose"]

IDS = (
    "ownership.single_owner_share",
    "ownership.single_owner_revenue_share",
    "ownership.bus_factor",
    "ownership.load",
    "ownership.departure_effect",
    "ownership.orphan_share",
    "ownership.orphan_revenue_share",
    "ownership.brought_again_share",
)
BUYERS = Text("Клиентов с заказом за последние 12 месяцев", "Clients with an order in the last 12 months")
REGULAR = Text(
    "Постоянных клиентов (два и более дня заказа) с известным ответственным",
    "Regular clients (two or more order days) with a known responsible person",
)
WITH_SELLER = Text(
    "Клиентов с повторной выручкой и известным продавцом", "Clients with repeat revenue and a known seller"
)
HANDED = Text("Переданных клиентов", "Handed clients")
BROUGHT = Text("Клиентов, приведённых новыми продавцами", "Clients brought by hires")
HISTORY_DAYS = 730
"""Days before a hand-over by which a client's own seller is told from a deputy."""
_TABLES = ("clients", "books", "load", "events", "handed", "orphans", "hires")


@dataclass(frozen=True)
class Part:
    """One piece of the chapter: its metrics, tables and facts."""

    metrics: list[Metric]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ground:
    """What every part of the chapter reads: clients of the recent period and who served them.

    ``clients``: client_key, client_name, segment, order_days, known_days, revenue, repeat_revenue,
    ``annual_figure`` (gross profit a year where the margin is known, else revenue), manager (own
    seller or None), main_days (order days with it). ``sellers``: client × seller, sellers only; ``faces``: client ×
    person who meets clients, of any role. ``gone``: people who left before the day of the audit.
    """

    clients: pd.DataFrame
    sellers: pd.DataFrame
    faces: pd.DataFrame
    sells: Mapping[str, bool]
    gone: frozenset[str]


def _sql(case: Case, name: str, **values: Any) -> pd.DataFrame:
    return case.query(sql_text("audit.chapters.ownership", name), **values)


def diagnose(case: Case) -> ChapterResult:
    """Return the figures of «whose clients» (methodology 5.6).

    Tables: ``clients`` (one row per regular client: own seller, sellers met, share of the own seller, single),
    ``books`` (one row per seller: clients, repeat revenue, share), ``load`` (per manager: hours needed and left),
    ``events`` (one row per hand-over), ``handed`` (one row per handed client), ``orphans`` (one row per client without a hand),
    ``hires`` (one row per hire that brought new clients).
    """
    w = case.window
    facts: dict[str, Any] = {"since": since(case).isoformat(), "as_of": w.as_of.isoformat(), "to_year": to_year(case)}
    if missing := missing_columns(case, "manager"):
        empty = {name: pd.DataFrame() for name in _TABLES}
        return ChapterResult.of("ownership", [no_metric(i, missing) for i in IDS], empty, facts | {"labels": {}})
    ground, basis = _ground(case)
    parts = [
        _single(case, ground),
        _bus(case, ground),
        _load(case, ground),
        _departure(case, ground),
        _orphans(case, ground),
        _hires(case, ground),
    ]
    tables = {k: t for p in parts for k, t in p.tables.items()}
    people = {str(m) for t in tables.values() for c in ("manager", "person") if c in t for m in t[c].dropna()}
    facts |= basis | {"labels": person_labels(case, people)}
    for p in parts:
        facts |= p.facts
    return ChapterResult.of("ownership", [m for p in parts for m in p.metrics], tables, facts)


def _ground(case: Case) -> tuple[Ground, dict[str, Any]]:
    staff = case.questionnaire.table("staff")
    sells = seller_roles(staff)
    first = since(case)
    served = case.query(sql_text("audit.ground", "sellers"), since=first)
    clients = _sql(case, "clients", since=first)
    known = served.groupby("client_key")["days"].sum()
    # Two people on one day are two rows: a client cannot have more known days than order days.
    clients["known_days"] = np.minimum(clients["client_key"].map(known).fillna(0), clients["order_days"]).astype(int)
    margin = margin_of(case)
    clients["annual_figure"] = (clients["revenue"] * margin.of(clients["client_key"]) * to_year(case)).clip(lower=0.0)
    sellers = only_sellers(served, sells)
    own = (
        main_seller(sellers).set_index("client_key") if len(sellers) else pd.DataFrame(columns=["manager", "main_days"])
    )
    clients["manager"] = clients["client_key"].map(own["manager"]).astype(object)
    clients["main_days"] = clients["client_key"].map(own["main_days"]).astype(float).fillna(0.0)
    gone = frozenset(
        str(r["person"])
        for r in staff.to_dict("records")
        if r.get("end") is not None and not pd.isna(r["end"]) and pd.Timestamp(r["end"]).date() < case.window.as_of
    )
    facts = {
        "basis": margin.basis,
        "margin_share": margin.factor,
        "margin_source": margin.source,
        "turnover": _turnover(case, staff, sells),
    }
    return Ground(clients, sellers, only_sellers(served, meeting_roles(staff)), sells, gone), facts


def _turnover(case: Case, staff: pd.DataFrame, sells: Mapping[str, bool]) -> dict[str, float] | None:
    """Return how many sellers leave a year, per seller, with Wilson limits; None where nobody's last day is known.

    Cases: sellers whose last day lies in the window. Trials: seller-years, each person's time in the window.
    """
    w = case.window
    left, years = 0, 0.0
    for r in staff.to_dict("records"):
        if not sells.get(str(r["person"]), True):
            continue
        start, end = (
            None if r.get(k) is None or pd.isna(r[k]) else pd.Timestamp(r[k]).date() for k in ("start", "end")
        )
        begin, until = max(start or w.start, w.start), min(end or w.as_of, w.as_of)
        years += max((until - begin).days, 0) / 365.25
        left += int(end is not None and w.start <= end < w.as_of)
    if left == 0 or years < 1:
        return None
    low, high = wilson(min(left, years), years)
    return {"base": min(left / years, 1.0), "low": low, "high": high, "left": float(left), "years": years}


# --- clients who know one person only


def _touches(case: Case) -> pd.DataFrame | None:
    """Return the touches of the recent period by people who meet clients: client_key, person; None without the sheet."""
    if not case.questionnaire.has("touches"):
        return None
    raw = case.questionnaire.table("touches")
    day = pd.to_datetime(raw["date"])
    raw = raw[(day >= pd.Timestamp(since(case))) & (day <= pd.Timestamp(case.window.as_of))]
    rows = pd.DataFrame({"client_key": clients_named(case, raw["client_id"]), "manager": raw["person"].astype(str)})
    rows = only_sellers(rows.dropna(), meeting_roles(case.questionnaire.table("staff")))
    return rows.rename(columns={"manager": "person"})


def _single(case: Case, ground: Ground) -> Part:
    ids = IDS[:2]
    t = case.thresholds
    ever = _sql(case, "ever")
    one_ever = int((ever["managers"] == 1).sum())
    facts: dict[str, Any] = {"one_seller_ever": one_ever, "clients_ever": len(ever)}
    facts["second_face"] = t.value("ownership.second_face_share")
    found = single_owner(
        ground.faces,
        ground.clients.drop(columns=["manager", "main_days"]),
        touches=_touches(case),
        gone=ground.gone,
        least=t.value("ownership.second_face_share"),
        seed=t.count("general.bootstrap_seed"),
    )
    names = [
        "client_key",
        "client_name",
        "segment",
        "manager",
        "order_days",
        "faces",
        "main_share",
        "revenue",
        "repeat_revenue",
        "single",
        "chance",
        "annual_figure",
    ]
    table = found.table.sort_values(["revenue", "client_key"], ascending=[False, True], ignore_index=True)[names]
    tables = {"clients": table}
    facts |= {"regular": found.n, "single": found.single, "team": found.team}
    reason: Text | None = None
    if is_label(ever) and len(ever):
        reason = Text(
            "Ответственный ни у одного клиента за весь период не менялся: похоже, это закрепление из CRM, а не "
            "тот, кто "
            "вёл заказ. Выгрузите ответственного из самого заказа",
            "The responsible person never varies within any client: it looks like an assignment of the CRM, not "
            "who took "
            "the order. Export the responsible person of the order itself",
        )
    elif found.team == 1:
        reason = Text(
            "Клиентов в заказах ведёт один человек: у каждого он единственный по построению",
            "The orders know one person who meets clients: every client has one by construction",
        )
    elif found.n < t.count("general.min_units"):
        reason = too_few(found.n, t.count("general.min_units"), REGULAR)
    if reason is not None:
        return Part([no_metric(i, reason, n=found.n) for i in ids], tables, facts)
    value = found.single / found.n
    low, high = wilson(found.single, found.n)
    revenue = found.table["revenue"].clip(lower=0.0).to_numpy(dtype=np.float64)
    mark = found.table["single"].to_numpy(dtype=np.float64)
    share = share_of(revenue * mark, revenue, weighted_share, t.value("general.dominant_client_share"))
    clients: dict[str, Any] = _beyond(value, low, high, found.chance)
    metrics = [metric(ids[0], value, low=low, high=high, n=found.n, team=found.team, **clients)]
    e = share.whole
    if e.value is None:
        metrics.append(no_metric(ids[1], Text("Выручки у постоянных клиентов нет", "Regular clients have no revenue")))
    else:
        extra: dict[str, Any] = _beyond(e.value, e.low, e.high, found.chance_revenue)
        if share.dominant is not None:
            out = share.without
            more = (
                {} if out is None or out.value is None else _beyond(out.value, out.low, out.high, found.chance_revenue)
            )
            extra |= {"dominant_share": share.dominant_share, **{f"without_{k}": v for k, v in more.items()}}
            extra.setdefault("without_beyond", None)
        metrics.append(metric(ids[1], e.value, low=e.low, high=e.high, n=e.n, **extra))
    return Part(metrics, tables, facts)


def _beyond(value: float, low: float | None, high: float | None, chance: float) -> dict[str, float]:
    """Return the share beyond chance, (x − c) ÷ (1 − c), of a figure and its limits."""
    low, high = value if low is None else low, value if high is None else high

    def out(x: float) -> float:
        return (x - chance) / (1 - chance) if chance < 1 else 0.0

    return {"chance": chance, "beyond": out(value), "beyond_low": out(low), "beyond_high": out(high)}


# --- on how many people the base hangs


def _bus(case: Case, ground: Ground) -> Part:
    id = "ownership.bus_factor"
    t = case.thresholds
    present = ground.clients[~ground.clients["manager"].isin(ground.gone)]
    with_seller = present[present["manager"].notna() & (present["repeat_revenue"] > 0)].copy()
    held = with_seller["main_days"] >= t.value("ownership.held_share") * with_seller["order_days"]
    with_seller["manager"] = with_seller["manager"].where(held, None)
    nothing = {"books": pd.DataFrame(columns=["manager", "clients", "repeat_revenue", "share"])}
    least = t.count("general.min_units")
    if len(with_seller) < least:
        return Part([no_metric(id, too_few(len(with_seller), least, WITH_SELLER), n=len(with_seller))], nothing)
    share = t.value("ownership.bus_factor_share")
    found = bus_factor(
        with_seller,
        set(ground.sellers["manager"]) - ground.gone,
        **_by_role(case),
        min_share=t.value("ownership.team_min_share"),
        share=share,
        draws=t.count("general.bootstrap_draws"),
        seed=t.count("general.bootstrap_seed"),
    )
    if found is None:
        return Part([no_metric(id, Text("Повторной выручки нет", "There is no repeat revenue"))], nothing)
    facts = {"clients_of_leavers": len(ground.clients) - len(present), "top_share": found.top_share}
    facts |= {"held_share": found.held_share, "unheld": int((~held).sum())}
    if found.value is None:
        part = f"{found.held_share * 100:.0f}"
        reason = Text(
            f"Клиенты, у которых есть свой продавец, дают {part}\u00a0% повторной выручки: ничей уход не оставит без своего "
            "продавца больше половины базы",
            f"Clients with a seller of their own bring {part}% of repeat revenue: nobody's leaving can orphan more than half "
            "of the base",
        )
        return Part([no_metric(id, reason, n=found.clients)], {"books": found.books}, facts)
    m = metric(
        id,
        float(found.value),
        low=float(found.low),
        high=float(found.high),
        n=found.clients,
        team=found.team,
        even_split=found.even,
        chance_low=found.chance_low,
        chance_top=found.chance_top,
        top_share=found.top_share,
        held_share=found.held_share,
        share=share,
    )
    return Part([m], {"books": found.books}, facts)


def _by_role(case: Case) -> dict[str, set[str]]:
    """Return who hands clients over by role, where somebody is there to take them, and whose role nobody named.

    ``unknown`` holds the sellers of the orders that are not on the sheet, too.
    """
    staff = case.questionnaire.table("staff")
    families = {str(r["person"]): family_label(r.get("role"), r.get("role2")) for r in staff.to_dict("records")}
    takers = case.sale_type.used != "S" and any(f in ("KM", "SOP", "UNI") for f in families.values())
    met = {str(m) for m in case.query(sql_text("audit.ground", "managers"))["manager"]}
    return {
        "hand_over": {p for p, f in families.items() if f == "SR"} if takers else set(),
        "unknown": {p for p in met if families.get(p) is None},
    }


# --- clients without a hand


def _orphans(case: Case, ground: Ground) -> Part:
    """Return how many clients of the recent period nobody here stands behind, and their part of its revenue."""
    ids, t = IDS[5:], case.thresholds
    nothing = {"orphans": pd.DataFrame(columns=ORPHANS)}
    if missing := missing_sheets(case, "staff"):
        return Part([no_metric(i, missing) for i in ids], nothing)
    staff = case.questionnaire.table("staff").to_dict("records")
    ends = {
        str(r["person"]): None if r.get("end") is None or pd.isna(r["end"]) else pd.Timestamp(r["end"]).date()
        for r in staff
    }
    families = {str(r["person"]): family_label(r.get("role"), r.get("role2")) for r in staff}
    found = orphans(
        ground.clients.drop(columns=["manager"]),
        _sql(case, "last", since=since(case)),
        ends,
        families,
        case.window.as_of,
        _held_otherwise(case),
    )
    table, n = found.table, len(found.table)
    if n < t.count("general.min_units"):
        lack = too_few(n, t.count("general.min_units"), BUYERS)
        return Part([no_metric(i, lack, n=n) for i in ids], nothing)
    revenue = table["revenue"].clip(lower=0.0).to_numpy(dtype=np.float64)
    unknown = revenue[(table["why"] == "unknown").to_numpy()].sum() / revenue.sum() if revenue.sum() > 0 else 0.0
    most = t.value("ownership.orphan_most_unknown")
    if unknown > most:
        part = f"{unknown * 100:.0f}"
        reason = Text(
            f"{part}\u00a0% выручки — у ответственных, которых нет на листе «Сотрудники»: кто из них работает, неизвестно. "
            "Допишите их вместе с ушедшими и днём ухода",
            f"{part}% of revenue is with responsible people who are not on the sheet “Staff”: who of them still works here is "
            "not known. Add them, those who left with their last day",
        )
        return Part([no_metric(i, reason, n=n) for i in ids], nothing)
    mark = found.orphaned.to_numpy()
    lost = table[found.orphaned].sort_values(["revenue", "client_key"], ascending=[False, True], ignore_index=True)
    extra: dict[str, Any] = {
        "orphans": int(mark.sum()),
        "left": int((table["why"] == "left").sum()),
        "nobody": int((table["why"] == "nobody").sum()),
        "waiting": found.waiting,
        "median_days": float(lost["days"].median()) if len(lost) else None,
        "revenue": float(lost["revenue"].clip(lower=0.0).sum()),
    }
    # Every client is counted, none was drawn: a state has no interval.
    metrics = [metric(ids[0], float(mark.mean()), n=n, **extra)]
    total = float(revenue.sum())
    if total <= 0:
        nothing_sold = Text("Выручки за последние 12 месяцев нет", "There is no revenue in the last 12 months")
        return Part([*metrics, no_metric(ids[1], nothing_sold)], {"orphans": lost})
    d = dominant_unit(revenue * mark, revenue, t.value("general.dominant_client_share"))
    more: dict[str, Any] = {} if d.index is None else {"dominant_share": d.share, "without_value": d.without}
    metrics.append(metric(ids[1], float((revenue * mark).sum()) / total, n=n, **more))
    return Part(metrics, {"orphans": lost})


def _held_otherwise(case: Case) -> set[tuple[str, str]]:
    """Return who touches a client, or leads it as a key client, beside what its orders say: (client_key, person)."""
    out: set[tuple[str, str]] = set()
    touches = _touches(case)
    if touches is not None:
        out |= set(zip(touches["client_key"].astype(str), touches["person"].astype(str), strict=True))
    if case.questionnaire.has("key_clients"):
        keys = case.questionnaire.table("key_clients")
        named = clients_named(case, keys["client_id"])
        out |= {(str(c), str(p)) for c, p in zip(named, keys["lead"], strict=True) if isinstance(c, str)}
    return out


# --- load


def _load(case: Case, ground: Ground) -> Part:
    id = "ownership.load"
    nothing = {"load": pd.DataFrame(columns=LOAD_COLUMNS)}
    answers = read_answers(case)
    if answers.reason is not None:
        return Part([no_metric(id, answers.reason)], nothing)
    touches = touch_work(case)
    if touches is None:
        return Part(
            [
                no_metric(
                    id,
                    Text(
                        "На листе «Компания» не заполнено: касаний на клиента в месяц и минут на касание",
                        "The sheet “Company” lacks touches per client per month and minutes per touch",
                    ),
                )
            ],
            nothing,
        )
    asked = touches.asked
    kept = asked[asked["holder"] == "keeper"]
    books = kept.groupby("person").agg(clients=("hours", "size"), hours=("hours", "sum"))
    shared = asked[asked["holder"] == "nobody"]
    hours = answers.hours[answers.hours["person"].isin(set(books.index))]
    per = hours.groupby("person")["hours"].sum().rename("hours").to_frame()
    per["operational_hours"] = hours[hours["group"] == "OPER"].groupby("person")["hours"].sum()
    per = per.fillna(0.0).reset_index()
    found = book_load(books, per, shared=len(shared), shared_hours=float(shared["hours"].sum()))
    if found is None:
        return Part(
            [
                no_metric(
                    id,
                    Text(
                        "Ни у кого из тех, кто ведёт клиентов по заказам, нет часов на листе «Время»",
                        "Nobody who keeps clients by the orders has hours on the sheet “Time”",
                    ),
                )
            ],
            nothing,
        )
    limit = float(case.thresholds["ownership.overloaded_book"].found or 0.0)
    table = found.table
    m = metric(
        id,
        found.load,
        n=len(table),
        hours_needed=found.hours_needed,
        hours_left=found.hours_left,
        overloaded=int((table["load"] >= limit).sum()),
        highest=float(table["load"].max()),
        touches=touches.touches,
        minutes=touches.norm.minutes,
        by_class=bool(touches.norm.by_class),
        shared_clients=found.shared_clients,
        without_hours=found.without_hours,
        asked=touches.hours,
        **touches.counts,
    )
    return Part([m], {"load": table}, {"load_clients": int(table["clients"].sum()), "load_shared": len(shared)})


# --- departures


def _departure(case: Case, ground: Ground) -> Part:
    id = "ownership.departure_effect"
    t, w = case.thresholds, case.window
    least_days, most_days = t.count("ownership.handover_min_days"), t.count("ownership.handover_span_days")
    low, base, high = t.range("ownership.departure_scenario")
    facts: dict[str, Any] = {"scenario_low": low, "scenario_base": base, "scenario_high": high}
    nothing = {
        "events": pd.DataFrame(columns=handovers.EVENT_COLUMNS),
        "handed": pd.DataFrame(columns=handovers.HANDED_COLUMNS),
    }
    events = _events(case, ground)
    usable = [(e, handovers.span_of(e.day, w.start, w.as_of, most_days)) for e in events]
    ready = [(e, span) for e, span in usable if span >= least_days]
    facts |= {"handovers": len(events), "handovers_usable": len(ready)}
    if not events:
        return Part(
            [
                no_metric(
                    id,
                    Text(
                        "За период никто из продавцов не ушёл и не передал клиентов целиком",
                        "In the window no seller left or handed the clients over as a whole",
                    ),
                )
            ],
            nothing,
            facts,
        )
    if not ready:
        late = max(e.day for e in events)
        soon = late + dt.timedelta(days=least_days - 1)
        early = (late - w.start).days < least_days
        reason = (
            Text(
                f"До передачи меньше {least_days} дней истории: сравнивать не с чем",
                f"Fewer than {least_days} days of history before the hand-over: nothing to compare with",
            )
            if early
            else Text(
                f"После передачи прошло меньше {least_days} дней; оценить можно с {soon:%d.%m.%Y}",
                f"Fewer than {least_days} days since the hand-over; it can be judged from {soon.isoformat()}",
            )
        )
        return Part([no_metric(id, reason)], nothing, facts)
    frames, unsure = [], 0
    for number, (event, span) in enumerate(ready):
        rows = _sql(case, "handover", at=event.day, span=span, history=HISTORY_DAYS)
        unsure += int((rows["manager"] == event.manager).sum())
        frames.append(handovers.mark_rows(rows, number, event, span, events, t.value("ownership.held_share")))
    rows = pd.concat(frames, ignore_index=True)
    facts["handed_unsure"] = unsure - int(rows["treated"].sum())
    if not bool(rows["treated"].any()):
        return Part(
            [
                no_metric(
                    id,
                    Text(
                        "У ушедших продавцов в заказах перед уходом не было своих клиентов",
                        "The sellers who left had no clients of their own in the orders before they left",
                    ),
                )
            ],
            nothing,
            facts,
        )
    found = handovers.departure_effect(
        rows,
        dominant_limit=t.value("general.dominant_client_share"),
        draws=t.count("general.bootstrap_draws"),
        seed=t.count("general.bootstrap_seed"),
    )
    names = case.clients().set_index("client_key")["client_name"]
    handed = found.handed.assign(client_name=found.handed["client_key"].map(names))
    tables = {"events": found.events, "handed": handed}
    e = found.effect
    facts |= {"handed": int(found.matched.treated), "handed_unmatched": found.matched.unmatched}
    if e.value is None:
        return Part(
            [
                no_metric(
                    id,
                    Text(
                        "Нет сопоставимых клиентов других продавцов на ту же дату и с тем же числом покупок",
                        "There are no comparable clients of other sellers at the same date and purchase number",
                    ),
                    n=e.n,
                )
            ],
            tables,
            facts,
        )
    extra: dict[str, Any] = {
        "half_width": e.half_width,
        "handed_ratio": found.matched.treated_figure,
        "control_ratio": found.matched.control_figure,
        "controls": found.matched.controls,
        "events": len(ready),
    }
    if found.without is not None:
        extra |= {
            "dominant_share": found.dominant_share,
            "without_value": found.without.value,
            "without_low": found.without.low,
            "without_high": found.without.high,
        }
    return Part([metric(id, e.value, low=e.low, high=e.high, n=e.n, **extra)], tables, facts)


def _hires(case: Case, ground: Ground) -> Part:
    """Return whether the clients that hires brought along buy again, beside the others' new clients of the same months."""
    id, w = "ownership.brought_again_share", case.window
    staff = case.questionnaire.table("staff")
    starts: dict[str, dt.date] = {}
    for r in staff.to_dict("records"):
        day = r.get("start")
        if day is not None and not pd.isna(day) and ground.sells.get(str(r["person"]), True):
            began = pd.Timestamp(day).date()
            if w.start <= began <= w.as_of:
                starts[str(r["person"])] = began
    none = {"hires": pd.DataFrame(columns=HIRES)}
    if not starts:
        return Part(
            [
                no_metric(
                    id,
                    Text(
                        "За период выгрузки продавцов не принимали, или на листе «Сотрудники» не указан первый день работы",
                        "No sellers joined in the period, or the sheet “Staff” does not give the first day of work",
                    ),
                )
            ],
            none,
        )
    clients = case.clients()
    new = clients[mark_new(clients, w) & ~clients["client_key"].isin(second_purchase_out(case))]
    new = new[(pd.Timestamp(w.as_of) - new["first_day"]).dt.days >= w.horizon_days]
    first = case.query(sql_text("audit.ground", "purchases"), up_to=1).set_index("client_key")["manager"]
    served = {str(client): set(map(str, people)) for client, people in ground.faces.groupby("client_key")["manager"]}
    new = new.assign(manager=new["client_key"].map(first).astype(object))
    table = hires(new, starts, w.horizon_days, served)
    n, least = int(table["brought"].sum()), case.thresholds.count("general.min_units")
    if n < least:
        return Part([no_metric(id, too_few(n, least, BROUGHT), n=n)], {"hires": table})
    again = int(table["again"].sum())
    low, high = wilson(again, n)
    others, back = int(table["others"].sum()), int(table["others_again"].sum())
    m = metric(
        id,
        again / n,
        low=low,
        high=high,
        n=n,
        hires=len(table),
        others=others,
        others_share=back / others if others else None,
        by_others=int(table["by_others"].sum()),
        horizon_days=w.horizon_days,
    )
    return Part([m], {"hires": table})


def _events(case: Case, ground: Ground) -> list[handovers.Handover]:
    """Return every hand-over: people who left by the staff sheet, then books that changed hands in the orders."""
    t, w = case.thresholds, case.window
    seen = _sql(case, "manager_days")
    staff = case.questionnaire.table("staff")
    left = handovers.leavers(staff, seen, ground.sells, w.start, w.as_of)
    least = dt.timedelta(days=t.count("ownership.handover_min_days"))
    firsts = []
    day = add_months(w.start.replace(day=1), 1)
    while day <= w.as_of - least:
        if day - least >= w.start:
            firsts.append(day)
        day = add_months(day, 1)
    grid: dict[dt.date, pd.DataFrame] = {}
    if firsts:
        named = pd.Index(_sql(case, "names")["manager"])
        served = _sql(case, "served", since=firsts[0] - dt.timedelta(days=handovers.BOOK_DAYS))
        grid = {at: handovers.books_at(served, at, named) for at in firsts}
    last = {str(r["manager"]): pd.Timestamp(r["last_day"]).date() for r in seen.to_dict("records")}
    handed = handovers.handed_books(
        grid,
        last,
        min_clients=t.count("ownership.handed_min_clients"),
        before=t.value("ownership.handed_before_share"),
        after=t.value("ownership.handed_after_share"),
    )
    known = {e.manager for e in left}
    handed = [e for e in handed if e.manager not in known and ground.sells.get(e.manager, True) and e.manager != "SYS"]
    return sorted([*left, *handed], key=lambda e: (e.day, e.manager))
