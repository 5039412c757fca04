"""The chapter «Тип продаж и конвейер» as sections of the report, and its annex sheets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.findings.rules.model import CRITERIA
from audit.findings.rules.model import SHEETS as _NAMES
from audit.ground.people import labels
from audit.method import method
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, key_figures, table
from audit.present.chapter import ChapterView
from audit.present.charts import model as charts

__all__ = ["SECTIONS", "SHEETS"]

_OPINIONS = {
    "supports": ("за", "for"),
    "excludes": ("против", "against"),
    "neutral": ("не судит", "neutral"),
    "none": ("", ""),
}


def _t(view: ChapterView, name: str, part: str, **values: Any) -> Markup:
    return view.narrative.section("model", name, part, view.result, **values)


def _plain(view: ChapterView, name: str, part: str, **values: Any) -> str:
    return str(_t(view, name, part, **values).unescape())


def _say(view: ChapterView, ru: str, en: str) -> str:
    return ru if view.lang == "ru" else en


def _type_name(view: ChapterView, code: str | None) -> str:
    types = method().sale_types
    if code in types:
        return types[str(code)].name.get(view.lang).split(" (")[0].lower()
    if code and "/" in code:
        return _say(view, " или ", " or ").join(_type_name(view, c) for c in code.split("/"))
    return _say(view, "не определён", "undetermined")


def _criterion(view: ChapterView, name: str, value: Any) -> str:
    fmt = view.fmt
    match name:
        case "interval":
            return fmt.days(value)
        case "one_time":
            return fmt.share(value)
        case "complexity" | "price":
            return _say(view, f"{fmt.num(value)} из 4", f"{fmt.num(value)} of 4")
        case _:
            return fmt.num(value)


def _criteria_frame(view: ChapterView) -> pd.DataFrame:
    i = 0 if view.lang == "ru" else 1
    rows = view.tables["criteria"].copy()
    rows["name"] = [CRITERIA[str(c)].get(view.lang) for c in rows["criterion"]]
    rows["shown"] = [_criterion(view, str(c), v) for c, v in zip(rows["criterion"], rows["value"], strict=True)]
    rows["verdict"] = [_OPINIONS[str(o)][i] for o in rows["opinion"]]
    rows["types"] = ["; ".join(_type_name(view, c) for c in str(t).split(", ")) for t in rows["compatible"]]
    return rows


def _criteria_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", _say(view, "Признак", "Criterion")),
        Col("shown", _say(view, "Значение", "Value")),
        Col("types", _say(view, "С какими типами совместим", "Compatible with")),
        Col("verdict", _say(view, "О заявленном типе", "On the declared type")),
    ]


def _type(view: ChapterView) -> Section:
    x = view.result.facts
    parts_text = ", ".join(f"{_type_name(view, t)} — {view.fmt.share(x['type_shares'].get(t))}" for t in x["types"])
    rows = _criteria_frame(view)
    body: list[Any] = [
        table(rows, _criteria_columns(view), fmt=view.fmt, sortable=False) if len(rows) else _t(view, "type", "empty"),
        _t(view, "type", "note"),
    ]
    lead = _t(
        view,
        "type",
        "lead",
        declared=_type_name(view, x["declared"]),
        measured=_type_name(view, x["measured"]),
        used=_type_name(view, x["used"]),
        parts=parts_text,
    )
    return Section("model-type", _plain(view, "type", "title"), body, lead=lead)


def _station_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["stations"].copy()
    roles = method().roles
    rows["name"] = [roles[str(s)].name.get(view.lang).split(" (")[0] for s in rows["station"]]
    names = labels(view.case)
    rows["names"] = [", ".join(names.get(p, p) for p in who) for who in rows["who"]]
    rows["need"] = [_say(view, "да", "yes") if r else _say(view, "по желанию", "optional") for r in rows["required"]]
    rows["others"] = [
        ", ".join(
            f"{roles[f].short.get(view.lang)} {view.fmt.hours(h, 0)}" for f, h in sorted(d.items(), key=lambda p: -p[1])
        )
        for d in rows["by_role"]
    ]
    return rows


def _station_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", _say(view, "Станция", "Station")),
        Col("need", _say(view, "Обязательна", "Required")),
        Col("people", _say(view, "Людей", "People"), "count"),
        Col("names", _say(view, "Кто", "Who")),
        Col("fte", _say(view, "Ставок", "FTE"), "fte"),
        Col("own_hours", _say(view, "Часов держателей", "Holders' hours"), "hours", 0),
        Col("foreign_hours", _say(view, "Часов у чужих", "Others' hours"), "hours", 0),
        Col("coverage", _say(view, "Покрытие", "Coverage"), "share"),
        Col("others", _say(view, "Кто ещё делает", "Who else does it")),
    ]


def _conveyor(view: ChapterView) -> Section:
    x = view.result.facts
    band = view.case.thresholds["model.missing_role"]
    verdict = view.finding("missing_role").facts.get("stations", [])
    chart = charts.conveyor_chart(
        view.result,
        view.fmt,
        band,
        _plain(view, "conveyor", "note"),
        view.case.settings.report.accent,
        judged={r["station"]: r["status"] for r in verdict},
        people=labels(view.case),
    )
    parts: list[Any] = [chart]
    if view.result.metrics["model.station_fte"].value is not None:
        parts.append(table(_station_frame(view), _station_columns(view), fmt=view.fmt, sortable=False))
        small = [
            method().roles[r].short.get(view.lang)
            for r in x["small_roles"]
            if r in set(view.tables["stations"]["station"])
        ]
        if small:
            parts.append(_t(view, "conveyor", "small", names=", ".join(small)))
    return Section("model-conveyor", _plain(view, "conveyor", "title"), parts, lead=_t(view, "conveyor", "lead"))


def _market(view: ChapterView) -> Section:
    fmt, m = view.fmt, view.result.metrics
    ticket, interval = m["model.ticket"], m["model.interval_days"]
    figures = [
        (
            fmt.metric(m["model.active_clients"]),
            _say(view, "активных клиентов", "active clients"),
            _say(view, "за последние 12 месяцев", "in the last 12 months"),
        ),
        (
            fmt.metric(ticket),
            _say(view, "обычный заказ", "usual order"),
            ""
            if ticket.value is None
            else _say(view, "восемь из десяти: ", "eight of ten: ")
            + fmt.between(ticket.extra["p10"], ticket.extra["p90"], "money"),
        ),
        (
            fmt.metric(interval),
            _say(view, "между покупками постоянного клиента", "between a regular client's purchases"),
            "" if interval.value is not None or interval.reason is None else interval.reason.get(view.lang),
        ),
    ]
    return Section(
        "model-market", _plain(view, "market", "title"), [key_figures(figures)], lead=_t(view, "market", "lead")
    )


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {"type": _type, "conveyor": _conveyor, "market": _market}
"""Sections in reading order."""


def SHEETS(view: ChapterView) -> list[Sheet]:
    """Return the chapter's whole tables for the annex."""
    out = []
    if len(view.tables["criteria"]):
        out.append(
            Sheet(
                _NAMES["criteria"].get(view.lang),
                _say(view, "Признаки типа продаж", "Criteria of the type of sale"),
                _criteria_frame(view)[[c.key for c in _criteria_columns(view)]],
                _criteria_columns(view),
            )
        )
    if view.result.metrics["model.station_fte"].value is not None:
        out.append(
            Sheet(
                _NAMES["stations"].get(view.lang),
                _say(view, "Станции конвейера", "Stations of the conveyor"),
                _station_frame(view)[[c.key for c in _station_columns(view)]],
                _station_columns(view),
            )
        )
    return out
