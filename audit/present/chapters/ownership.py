"""The chapter «Чьи клиенты» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.errors import Text
from audit.findings.rules.ownership import SHEETS as SHEET_NAMES
from audit.model.result import Metric
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView, named
from audit.present.chart import Caption
from audit.present.charts import ownership as charts

__all__ = ["SECTIONS", "SHEETS"]

SHOWN = 15


def _t(view: ChapterView, section: str, part: str, /, **values: Any) -> Markup:
    return view.narrative.section("ownership", section, part, view.result, **values)


def _plain(view: ChapterView, section: str, part: str, /, **values: Any) -> str:
    return str(_t(view, section, part, **values).unescape())


def _metric(view: ChapterView, name: str) -> Metric:
    return view.result.metrics[f"ownership.{name}"]


def _label(view: ChapterView, ru: str, en: str) -> str:
    return Text(ru, en).get(view.lang)


def _sheet_name(view: ChapterView, name: str) -> str:
    return SHEET_NAMES[name].get(view.lang)


def _caption(view: ChapterView, section: str, /, **values: Any) -> Caption:
    return Caption(
        f"ownership-{section}",
        _plain(view, section, "chart", **values),
        note=_plain(view, section, "chart_note", **values),
    )


def _section(view: ChapterView, name: str, parts: list[Any], **values: Any) -> Section:
    return Section(
        f"ownership-{name}",
        _plain(view, name, "title"),
        [p for p in parts if p is not None and p != ""],
        lead=_t(view, name, "lead", **values),
    )


def _who(view: ChapterView, frame: pd.DataFrame, column: str = "manager") -> pd.DataFrame:
    """Write people as the report names them, and a client's key where it has no name."""
    if frame.empty:
        return frame
    names = view.result.facts["labels"]
    out = frame.copy()
    if column in out:
        out[column] = [None if pd.isna(v) else names.get(str(v), str(v)) for v in out[column]]
    return named(out)


def _client_columns(view: ChapterView) -> list[Col]:
    return [
        Col("client_name", _label(view, "Клиент", "Client")),
        Col("manager", _label(view, "Свой продавец", "Own seller")),
        Col("order_days", _label(view, "Дней заказа", "Order days"), "count"),
        Col("sellers", _label(view, "Продавцов", "Sellers"), "count"),
        Col("main_share", _label(view, "Доля своего", "Own seller's share"), "share"),
        Col("revenue", _label(view, "Выручка", "Revenue"), "money"),
    ]


def sellers(view: ChapterView) -> Section:
    """How many sellers regular clients know, and the largest clients who know one."""
    if _metric(view, "single_owner_share").value is None:
        return _section(view, "sellers", [])
    frame = view.tables["clients"]
    total = float(frame["revenue"].clip(lower=0).sum())
    masks = {
        "one": frame["sellers"] == 1,
        "two": frame["sellers"] == 2,
        "more": frame["sellers"] > 2,
        "none": frame["sellers"] == 0,
    }
    parts = {
        _plain(view, "sellers", k): (
            float(mask.mean()),
            float(frame.loc[mask, "revenue"].clip(lower=0).sum()) / total if total > 0 else 0.0,
        )
        for k, mask in masks.items()
        if k != "none" or bool(mask.any())
    }
    words = {k: _plain(view, "sellers", k) for k in ("clients", "revenue")}
    chart = charts.sellers_chart(
        parts, view.fmt, _caption(view, "sellers"), single=_plain(view, "sellers", "one"), **words
    )
    rows = _who(view, frame[frame["single"].astype(bool)])
    listed = table(
        rows, _client_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=_sheet_name(view, "clients"), wide=False
    )
    return _section(view, "sellers", [chart, listed if len(rows) else None])


def books(view: ChapterView) -> Section:
    """On how many people the base hangs."""
    m = _metric(view, "bus_factor")
    frame = view.tables["books"]
    if m.value is None or frame.empty:
        return _section(view, "books", [])
    caption = _caption(view, "books", top=float(frame["share"].max()))
    chart = charts.books_chart(
        frame,
        view.fmt,
        caption,
        view.result.facts["labels"],
        even=1 / max(int(m.extra["team"]), 1),
        even_label=_plain(view, "books", "even"),
    )
    return _section(view, "books", [chart])


def load(view: ChapterView) -> Section:
    """Hours the clients need against hours left."""
    m = _metric(view, "load")
    frame = view.tables["load"]
    if m.value is None or frame.empty:
        return _section(view, "load", [])
    band = view.case.thresholds["ownership.overloaded_book"]
    caption = _caption(view, "load", over=int(m.extra["overloaded"]), n=len(frame), limit=band.found)
    chart = charts.load_chart(frame, view.fmt, caption, view.result.facts["labels"], band)
    listed = table(
        _who(view, frame, "person"), _load_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=_sheet_name(view, "load")
    )
    # Where operational work takes that much, nobody should read spare hours into a light load.
    operational = float(frame["operational_hours"].sum()) / float(frame["hours"].sum()) if frame["hours"].sum() else 0.0
    drowning = operational >= (view.case.thresholds["roles.km_overload"].watch or 0.0)
    return _section(view, "load", [chart, _t(view, "load", "note", drowning=drowning), listed])


def _load_columns(view: ChapterView) -> list[Col]:
    return [
        Col("person", _label(view, "Менеджер", "Manager")),
        Col("clients", _label(view, "Клиентов", "Clients"), "count"),
        Col("hours_needed", _label(view, "Нужно часов", "Hours needed"), "hours"),
        Col("hours", _label(view, "Рабочих часов", "Working hours"), "hours"),
        Col("operational_hours", _label(view, "Операционных", "Operational"), "hours"),
        Col("hours_left", _label(view, "Остаётся", "Left"), "hours"),
        Col("load", _label(view, "Нагрузка", "Load"), "share"),
    ]


def departures(view: ChapterView) -> Section:
    """What a change of manager cost, or what is published about it."""
    m = _metric(view, "departure_effect")
    parts: list[Any] = []
    told = view.finding("handover_loss").status != "not_assessed"
    events = view.tables["events"]
    names = view.result.facts.get("labels", {})
    if m.value is not None and len(events):
        rows = [(_plain(view, "departures", "all"), m.value, m.low, m.high, int(m.n or 0))] if len(events) > 1 else []
        for r in events.dropna(subset=["effect"]).head(SHOWN).to_dict("records"):
            who = names.get(str(r["manager"]), str(r["manager"]))
            name = _plain(view, "departures", "event", who=who, day=r["day"])
            low, high = (None if pd.isna(r[k]) else float(r[k]) for k in ("low", "high"))
            rows.append((name, float(r["effect"]), low, high, int(r["clients"])))
        parts.append(
            charts.handover_chart(
                rows, view.fmt, _caption(view, "departures", told=told), _plain(view, "departures", "zero")
            )
        )
        parts.append(
            table(
                _who(view, events),
                _event_columns(view),
                fmt=view.fmt,
                max_rows=SHOWN,
                sheet=_sheet_name(view, "events"),
                wide=False,
            )
        )
    books_ = view.tables["books"]
    if len(books_) and view.result.facts.get("scenario_base") is not None:
        part = books_[books_["in_team"].astype(bool)] if "in_team" in books_ else books_
        book = float(part["repeat_revenue"].mean()) * view.result.facts["to_year"]
        parts.append(
            _t(
                view,
                "departures",
                "scenario",
                book=book,
                low=book * view.result.facts["scenario_low"],
                high=book * view.result.facts["scenario_high"],
            )
        )
    return _section(view, "departures", parts, told=told)


def _event_columns(view: ChapterView) -> list[Col]:
    kinds = {k: _plain(view, "departures", k) for k in ("left", "handed")}
    return [
        Col("manager", _label(view, "Чьи клиенты", "Whose clients")),
        Col("day", _label(view, "С какого дня", "From"), "date"),
        Col("kind", _label(view, "Что случилось", "What happened"), show=lambda v: kinds.get(str(v), str(v))),
        Col("span_days", _label(view, "Дней до и после", "Days each side"), "days"),
        Col("clients", _label(view, "Передано", "Handed"), "count"),
        Col("controls", _label(view, "Сопоставимых", "Comparable"), "count"),
        Col("handed_ratio", _label(view, "После к до", "After to before"), "share"),
        Col("control_ratio", _label(view, "то же у сопоставимых", "the same, comparable"), "share"),
        Col("effect", _label(view, "Разница", "Difference"), "change"),
    ]


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "sellers": sellers,
    "books": books,
    "load": load,
    "departures": departures,
}


def SHEETS(view: ChapterView) -> list[Sheet]:
    """Return regular clients with their sellers, books, loads, hand-overs and handed clients."""

    def sheet(name: str, section: str, frame: pd.DataFrame, columns: list[Col]) -> Sheet:
        return Sheet(_sheet_name(view, name), _plain(view, section, "title"), frame, columns)

    sheets = []
    if len(view.tables["clients"]):
        columns = [
            Col("client_key", _label(view, "Код", "Code")),
            *_client_columns(view),
            Col("repeat_revenue", _label(view, "Повторная выручка", "Repeat revenue"), "money_full"),
            Col("chance", _label(view, "Один продавец по случайности", "One seller by chance"), "share"),
        ]
        sheets.append(sheet("clients", "sellers", _who(view, view.tables["clients"]), columns))
    if len(view.tables["books"]):
        sheets.append(
            sheet(
                "books",
                "books",
                _who(view, view.tables["books"]),
                [
                    Col("manager", _label(view, "Продавец", "Seller")),
                    Col("clients", _label(view, "Клиентов", "Clients"), "count"),
                    Col("repeat_revenue", _label(view, "Повторная выручка", "Repeat revenue"), "money_full"),
                    Col("share", _label(view, "Доля", "Share"), "share"),
                ],
            )
        )
    if len(view.tables["load"]):
        sheets.append(sheet("load", "load", _who(view, view.tables["load"], "person"), _load_columns(view)))
    if len(view.tables["events"]):
        kinds = {k: _plain(view, "departures", k) for k in ("left", "handed")}
        events = _who(view, view.tables["events"])
        events["kind"] = [kinds.get(str(k), str(k)) for k in events["kind"]]
        sheets.append(sheet("events", "departures", events, _event_columns(view)))
    if len(view.tables["handed"]):
        sheets.append(
            sheet(
                "handed",
                "departures",
                _who(view, view.tables["handed"]),
                [
                    Col("client_key", _label(view, "Код", "Code")),
                    Col("client_name", _label(view, "Клиент", "Client")),
                    Col("manager", _label(view, "Был у", "Was with")),
                    Col("day", _label(view, "Передан", "Handed"), "date"),
                    Col("purchases", _label(view, "Покупок до", "Purchases before"), "count"),
                    Col("revenue_before", _label(view, "Выручка до", "Revenue before"), "money_full"),
                    Col("revenue_after", _label(view, "Выручка после", "Revenue after"), "money_full"),
                    Col("expected", _label(view, "Ожидалась", "Expected"), "money_full"),
                ],
            )
        )
    return sheets
