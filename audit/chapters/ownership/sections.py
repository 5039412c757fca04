"""The chapter «Чьи клиенты» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from audit.chapters.ownership import charts
from audit.errors import Text
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView, named

__all__ = ["SECTIONS", "SHEET_NAMES", "sheets"]

SHEET_NAMES: dict[str, Text] = {
    "clients": Text("Чьи клиенты", "Whose clients"),
    "books": Text("Клиенты продавцов", "Clients of the sellers"),
    "load": Text("Нагрузка менеджеров", "Load of the managers"),
    "events": Text("Передачи клиентов", "Hand-overs of clients"),
    "handed": Text("Переданные клиенты", "Handed clients"),
    "orphans": Text("Клиенты без менеджера", "Clients without a manager"),
    "hires": Text("Приведённые клиенты", "Clients brought"),
}
"""Table of the result (and of a finding) → name of its sheet in the annex."""

SHOWN = 15


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
        Col("client_name", view.label("Клиент", "Client")),
        Col("manager", view.label("Кто ведёт", "Whose client")),
        Col("order_days", view.label("Дней заказа", "Order days"), "count"),
        Col("faces", view.label("Кого знает", "People known"), "count"),
        Col("main_share", view.label("Его доля дней", "Share of the days"), "share"),
        Col("revenue", view.label("Выручка", "Revenue"), "money"),
    ]


def sellers(view: ChapterView) -> Section:
    """How many sellers regular clients know, and the largest clients who know one."""
    if view.metric("single_owner_share").value is None:
        return view.compose("sellers", [])
    frame = view.tables["clients"]
    total = float(frame["revenue"].clip(lower=0).sum())
    masks = {
        "one": frame["faces"] == 1,
        "two": frame["faces"] == 2,
        "more": frame["faces"] > 2,
        "none": frame["faces"] == 0,
    }
    parts = {
        view.plain("sellers", k): (
            float(mask.mean()),
            float(frame.loc[mask, "revenue"].clip(lower=0).sum()) / total if total > 0 else 0.0,
        )
        for k, mask in masks.items()
        if k != "none" or bool(mask.any())
    }
    words = {k: view.plain("sellers", k) for k in ("clients", "revenue")}
    chart = charts.sellers_chart(parts, view.fmt, view.caption("sellers"), single=view.plain("sellers", "one"), **words)
    rows = _who(view, frame[frame["single"].astype(bool)])
    listed = table(
        rows, _client_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("clients"), wide=False
    )
    return view.compose("sellers", [chart, listed if len(rows) else None])


def books(view: ChapterView) -> Section:
    """On how many people the base hangs."""
    m = view.metric("bus_factor")
    frame = view.tables["books"]
    if m.value is None or frame.empty:
        return view.compose("books", [])
    caption = view.caption("books", top=float(frame["share"].max()))
    chart = charts.books_chart(
        frame,
        view.fmt,
        caption,
        view.result.facts["labels"],
        even=1 / max(int(m.extra["team"]), 1),
        even_label=view.plain("books", "even"),
    )
    return view.compose("books", [chart])


def load(view: ChapterView) -> Section:
    """Hours the clients need against hours left."""
    m = view.metric("load")
    frame = view.tables["load"]
    if m.value is None or frame.empty:
        return view.compose("load", [])
    band = view.case.thresholds["ownership.overloaded_book"]
    caption = view.caption("load", over=int(m.extra["overloaded"]), n=len(frame), limit=band.found)
    chart = charts.load_chart(frame, view.fmt, caption, view.result.facts["labels"], band)
    listed = table(
        _who(view, frame, "person"), _load_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("load")
    )
    # Where operational work takes that much, nobody should read spare hours into a light load.
    operational = float(frame["operational_hours"].sum()) / float(frame["hours"].sum()) if frame["hours"].sum() else 0.0
    drowning = operational >= (view.case.thresholds["roles.km_overload"].watch or 0.0)
    return view.compose("load", [chart, view.say("load", "note", drowning=drowning), listed])


def _load_columns(view: ChapterView) -> list[Col]:
    return [
        Col("person", view.label("Менеджер", "Manager")),
        Col("clients", view.label("Клиентов", "Clients"), "count"),
        Col("hours_needed", view.label("Нужно часов", "Hours needed"), "hours"),
        Col("hours", view.label("Рабочих часов", "Working hours"), "hours"),
        Col("operational_hours", view.label("Операционных", "Operational"), "hours"),
        Col("hours_left", view.label("Остаётся", "Left"), "hours"),
        Col("load", view.label("Нагрузка", "Load"), "share"),
    ]


def departures(view: ChapterView) -> Section:
    """What a change of manager cost, or what is published about it."""
    m = view.metric("departure_effect")
    parts: list[Any] = []
    told = view.finding("handover_loss").status != "not_assessed"
    events = view.tables["events"]
    names = view.result.facts.get("labels", {})
    if m.value is not None and len(events):
        rows = [(view.plain("departures", "all"), m.value, m.low, m.high, int(m.n or 0))] if len(events) > 1 else []
        for r in events.dropna(subset=["effect"]).head(SHOWN).to_dict("records"):
            who = names.get(str(r["manager"]), str(r["manager"]))
            name = view.plain("departures", "event", who=who, day=r["day"])
            low, high = (None if pd.isna(r[k]) else float(r[k]) for k in ("low", "high"))
            rows.append((name, float(r["effect"]), low, high, int(r["clients"])))
        parts.append(
            charts.handover_chart(
                rows, view.fmt, view.caption("departures", told=told), view.plain("departures", "zero")
            )
        )
        parts.append(
            table(
                _who(view, events),
                _event_columns(view),
                fmt=view.fmt,
                max_rows=SHOWN,
                sheet=view.sheet_name("events"),
                wide=False,
            )
        )
    books_ = view.tables["books"]
    if len(books_) and bool((books_["clients"] > 0).any()) and view.result.facts.get("scenario_base") is not None:
        part = books_[books_["clients"] > 0]
        book = float(part["repeat_revenue"].mean()) * view.result.facts["to_year"]
        parts.append(
            view.say(
                "departures",
                "scenario",
                book=book,
                low=book * view.result.facts["scenario_low"],
                high=book * view.result.facts["scenario_high"],
            )
        )
    return view.compose("departures", parts, told=told)


def _event_columns(view: ChapterView) -> list[Col]:
    kinds = {k: view.plain("departures", k) for k in ("left", "handed")}
    return [
        Col("manager", view.label("Чьи клиенты", "Whose clients")),
        Col("day", view.label("С какого дня", "From"), "date"),
        Col("kind", view.label("Что случилось", "What happened"), show=lambda v: kinds.get(str(v), str(v))),
        Col("span_days", view.label("Дней до и после", "Days each side"), "days"),
        Col("clients", view.label("Передано", "Handed"), "count"),
        Col("controls", view.label("Сопоставимых", "Comparable"), "count"),
        Col("handed_ratio", view.label("После к до", "After to before"), "share"),
        Col("control_ratio", view.label("то же у сопоставимых", "the same, comparable"), "share"),
        Col("effect", view.label("Разница", "Difference"), "change"),
    ]


def _orphan_columns(view: ChapterView) -> list[Col]:
    why = {k: view.plain("orphans", k) for k in ("left", "nobody")}
    return [
        Col("client_name", view.label("Клиент", "Client")),
        Col("manager", view.label("Кто вёл последним", "Who served last")),
        Col("why", view.label("Почему", "Why"), show=lambda v: why.get(str(v), str(v))),
        Col("since", view.label("С какого дня", "From"), "date"),
        Col("days", view.label("Дней без менеджера", "Days without"), "count"),
        Col("revenue", view.label("Выручка", "Revenue"), "money"),
    ]


def orphans(view: ChapterView) -> Section:
    """Clients whom nobody stands behind, the largest first."""
    frame = view.tables["orphans"]
    listed = table(
        _who(view, frame),
        _orphan_columns(view),
        fmt=view.fmt,
        max_rows=SHOWN,
        sheet=view.sheet_name("orphans"),
        wide=False,
    )
    return view.compose("orphans", [listed if len(frame) else None])


def _hire_columns(view: ChapterView) -> list[Col]:
    return [
        Col("person", view.label("Кто пришёл", "Who joined")),
        Col("start", view.label("Когда", "When"), "date"),
        Col("brought", view.label("Привёл клиентов", "Clients brought"), "count"),
        Col("share", view.label("Купили снова", "Bought again"), "share"),
        Col("others", view.label("Новых у остальных", "New clients of the others"), "count"),
        Col("others_share", view.label("Из них купили снова", "Bought again"), "share"),
        Col("by_others", view.label("Знают и другого", "Know somebody else"), "count"),
    ]


def hires(view: ChapterView) -> Section:
    """Whether the clients that new sellers brought buy again, beside the others' of the same months."""
    frame = view.tables["hires"]
    if frame.empty:
        return view.empty("hires")
    listed = table(
        _who(view, frame, "person"), _hire_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("hires")
    )
    return view.compose("hires", [listed, view.say("hires", "note")])


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "sellers": sellers,
    "books": books,
    "orphans": orphans,
    "load": load,
    "departures": departures,
    "hires": hires,
}


def sheets(view: ChapterView) -> list[Sheet]:
    """Return regular clients with their sellers, books, loads, hand-overs and handed clients."""

    def sheet(name: str, section: str, frame: pd.DataFrame, columns: list[Col]) -> Sheet:
        return view.sheet(name, view.plain(section, "title"), frame, columns)

    sheets = []
    if len(view.tables["clients"]):
        columns = [
            Col("client_key", view.label("Код", "Code")),
            *_client_columns(view),
            Col("repeat_revenue", view.label("Повторная выручка", "Repeat revenue"), "money_full"),
            Col("chance", view.label("Один человек по случайности", "One person by chance"), "share"),
        ]
        sheets.append(sheet("clients", "sellers", _who(view, view.tables["clients"]), columns))
    if len(view.tables["books"]):
        sheets.append(
            sheet(
                "books",
                "books",
                _who(view, view.tables["books"]),
                [
                    Col("manager", view.label("Продавец", "Seller")),
                    Col("clients", view.label("Клиентов", "Clients"), "count"),
                    Col("repeat_revenue", view.label("Повторная выручка", "Repeat revenue"), "money_full"),
                    Col("share", view.label("Доля", "Share"), "share"),
                ],
            )
        )
    if len(view.tables["load"]):
        sheets.append(sheet("load", "load", _who(view, view.tables["load"], "person"), _load_columns(view)))
    if len(view.tables["events"]):
        kinds = {k: view.plain("departures", k) for k in ("left", "handed")}
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
                    Col("client_key", view.label("Код", "Code")),
                    Col("client_name", view.label("Клиент", "Client")),
                    Col("manager", view.label("Был у", "Was with")),
                    Col("day", view.label("Передан", "Handed"), "date"),
                    Col("purchases", view.label("Покупок до", "Purchases before"), "count"),
                    Col("revenue_before", view.label("Выручка до", "Revenue before"), "money_full"),
                    Col("revenue_after", view.label("Выручка после", "Revenue after"), "money_full"),
                    Col("expected", view.label("Ожидалась", "Expected"), "money_full"),
                ],
            )
        )
    if len(view.tables["orphans"]):
        columns = [Col("client_key", view.label("Код", "Code")), *_orphan_columns(view)]
        sheets.append(sheet("orphans", "orphans", _who(view, view.tables["orphans"]), columns))
    if len(view.tables["hires"]):
        sheets.append(sheet("hires", "hires", _who(view, view.tables["hires"], "person"), _hire_columns(view)))
    return sheets
