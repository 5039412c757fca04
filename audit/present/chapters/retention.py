"""The chapter «Удержание» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.errors import Text
from audit.model.result import Metric
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, columns, table
from audit.present.chapter import ChapterView, named
from audit.present.chart import Caption
from audit.present.charts import retention as charts

__all__ = ["SECTIONS", "SHEETS", "SHEET_NAMES"]

SHOWN = 15
SMALLEST_BOOK = 5
SHEET_NAMES: dict[str, Text] = {
    "worklist": Text("Кого будить", "Whom to wake"),
    "rhythm": Text("Ритм клиентов", "Rhythm of clients"),
    "second_by": Text("Вторая покупка", "Second purchase"),
    "once": Text("Купили один раз", "Bought once"),
    "lost_clients": Text("Ушедшие клиенты", "Lost clients"),
    "cohorts": Text("Когорты", "Cohorts"),
    "monthly": Text("Помесячно", "By month"),
    "by_manager": Text("Потери по менеджерам", "Losses by manager"),
    "whole_window": Text("Без поправок", "Without corrections"),
}
"""Table of the result (and of a finding) → name of its sheet in the annex."""
STATES = ("on_time", "slowing", "late", "sleeping", "lost")


def _t(view: ChapterView, name: str, part: str, **values: Any) -> Markup:
    return view.narrative.section("retention", name, part, view.result, **values)


def _plain(view: ChapterView, name: str, part: str, **values: Any) -> str:
    return str(_t(view, name, part, **values).unescape())


def _metric(view: ChapterView, name: str) -> Metric:
    return view.result.metrics[f"retention.{name}"]


def _label(view: ChapterView, ru: str, en: str) -> str:
    return Text(ru, en).get(view.lang)


def _caption(view: ChapterView, name: str, id: str, *, subtitle: str = "", **values: Any) -> Caption:
    return Caption(
        f"retention-{id}",
        _plain(view, name, "chart", **values),
        note=_plain(view, name, "chart_note", **values),
        subtitle=subtitle,
    )


def _section(view: ChapterView, name: str, parts: list[Any], **values: Any) -> Section:
    return Section(
        f"retention-{name.replace('_', '-')}",
        _plain(view, name, "title"),
        [p for p in parts if p is not None and p != ""],
        lead=_t(view, name, "lead", **values),
    )


def _norm(view: ChapterView, finding: str) -> float | None:
    """Return the norm to draw, or None where the finding does not apply."""
    f = view.finding(finding)
    if f.status == "not_assessed" and not f.facts:
        return None
    return view.case.thresholds[f"retention.{finding}"].found


# --- columns of tables, shared by the report and the annex


def _client(view: ChapterView) -> list[Col]:
    return [Col("client_name", _label(view, "Клиент", "Client")), Col("client_key", _label(view, "Код", "Code"))]


def _second_by_columns(view: ChapterView) -> list[Col]:
    names = {
        "cohort": _label(view, "полугодие первого заказа", "half-year of the first order"),
        "segment": _label(view, "сегмент", "segment"),
        "first_manager": _label(view, "первый менеджер", "first manager"),
    }
    return [
        Col("split", _label(view, "Разрез", "Split"), show=lambda v: names.get(str(v), str(v))),
        Col("label", _label(view, "Группа", "Group")),
        Col("n", _label(view, "Новых клиентов", "New clients"), "count"),
        Col("second", _label(view, "Купили второй раз", "Bought again"), "count"),
        Col("share", _label(view, "Доля за срок", "Share by the horizon"), "share"),
        Col("low", _label(view, "не ниже", "at least"), "share"),
        Col("high", _label(view, "не выше", "at most"), "share"),
        Col("at_risk", _label(view, "Под наблюдением", "At risk"), "count"),
        Col("p_value", _label(view, "p различий", "p of differences"), "num", 3),
    ]


def _worklist_columns(view: ChapterView) -> list[Col]:
    return [
        *_client(view)[:1],
        Col("state", _label(view, "Состояние", "State"), show=lambda v: _plain(view, "states", str(v))),
        Col("last_day", _label(view, "Последний заказ", "Last order"), "date"),
        Col("usual_gap_days", _label(view, "Обычный промежуток, дней", "Usual gap, days"), "days", paper=False),
        Col("overdue_days", _label(view, "Просрочено, дней", "Overdue, days"), "days"),
        Col("at_stake", _label(view, "На кону за год", "At stake a year"), "money"),
        Col("p_alive", _label(view, "Вероятность «жив»", "P(alive)"), "share"),
        Col("manager", _label(view, "Последний менеджер", "Last manager")),
        Col("goods", _label(view, "Что покупал", "Used to buy"), paper=False),
        Col(
            "seasonal",
            _label(view, "Сезонный", "Seasonal"),
            show=lambda v: _label(view, "да", "yes") if v else "",
            paper=False,
        ),
        Col("first_step", _label(view, "Первый шаг", "First step"), show=lambda v: _plain(view, "worklist", str(v))),
    ]


def _managers(view: ChapterView, frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Replace persons by roles or numbers unless names are wanted in this report."""
    if view.case.settings.report.names or column not in frame:
        return frame
    label = _person_labels(view)
    out = frame.copy()
    out[column] = pd.Series(
        [None if pd.isna(v) else label(str(v)) for v in frame[column]], index=frame.index, dtype="object"
    )
    return out


def _person_labels(view: ChapterView) -> Callable[[str], str]:
    """Return how persons are written without names: the person's code from the questionnaire, else a number.

    Numbers follow the size of the book (most clients a year ago first), then the spelling.
    """
    if "person_labels" in view.__dict__:
        known: dict[str, str] = view.__dict__["person_labels"]
    else:
        staff = view.case.questionnaire.table("staff") if view.case.questionnaire.has("staff") else None
        codes = set(staff["person"].astype(str)) if staff is not None and "person" in staff else set()
        seen: list[str] = []
        for name, column in (
            ("by_manager", "manager"),
            ("worklist", "manager"),
            ("lost_clients", "last_manager"),
            ("once", "first_manager"),
        ):
            if name in view.tables:
                seen += [str(v) for v in view.tables[name][column].dropna().unique()]
        second = view.tables["second_by"]
        seen += [str(v) for v in second.loc[second["split"] == "first_manager", "label"]]
        known, k = {}, 0
        for person in dict.fromkeys(seen):
            if person in codes:
                known[person] = person
            else:
                k += 1
                known[person] = _plain(view, "managers", "unnamed", k=k)
        view.__dict__["person_labels"] = known
    return lambda person: known.get(person, _plain(view, "managers", "unnamed", k="?"))


def _second_by_frame(view: ChapterView) -> pd.DataFrame:
    frame = view.tables["second_by"]
    if view.case.settings.report.names:
        return frame
    label = _person_labels(view)
    named = [label(str(v)) if s == "first_manager" else v for s, v in zip(frame["split"], frame["label"], strict=True)]
    return frame.assign(label=named)


# --- sections


def second_purchase(view: ChapterView) -> Section:
    """The survival curve of the second purchase, with the third beside it."""
    m = _metric(view, "second_purchase_share")
    parts: list[Any] = []
    if m.value is not None:
        norm = _norm(view, "leaky_first_purchase")
        caption = _caption(
            view, "second_purchase", "second", subtitle=_plain(view, "second_purchase", "subtitle"), norm=norm
        )
        parts.append(charts.second_chart(view.result, view.fmt, caption, norm))
        at = view.tables["second_at"]
        parts.append(table(at[at["share"].notna()], _horizon_columns(view), fmt=view.fmt, sortable=False))
        if _metric(view, "third_purchase_share").value is not None:
            parts.append(_t(view, "second_purchase", "third"))
        parts.append(_t(view, "second_purchase", "note"))
    return _section(view, "second_purchase", parts)


def _horizon_columns(view: ChapterView) -> list[Col]:
    return [
        Col("horizon_days", _label(view, "Срок, дней", "Horizon, days"), "days"),
        Col("share", _label(view, "Купили второй раз", "Bought again"), "share"),
        Col("low", _label(view, "не ниже (95 %)", "at least (95%)"), "share"),
        Col("high", _label(view, "не выше (95 %)", "at most (95%)"), "share"),
        Col("at_risk", _label(view, "Под наблюдением", "At risk"), "count"),
        Col("events", _label(view, "Вторых покупок", "Second purchases"), "count"),
    ]


def second_by(view: ChapterView) -> Section:
    """The second purchase by half-year cohort, segment and first manager."""
    frame = _second_by_frame(view)
    rows = frame[frame["split"] == "cohort"]
    p = float(rows["p_value"].iloc[0]) if len(rows) and rows["p_value"].notna().any() else None
    norm = _norm(view, "leaky_first_purchase")
    chart = charts.second_by_chart(rows, view.fmt, _caption(view, "second_by", "second-by", p=p), norm)
    listed = table(
        frame,
        _second_by_columns(view),
        fmt=view.fmt,
        max_rows=25,
        wide=False,
        sheet=SHEET_NAMES["second_by"].get(view.lang),
    )
    return _section(view, "second_by", [chart, listed])


def repeat_share(view: ChapterView) -> Section:
    """Repeat share of revenue, orders and margin."""
    if _metric(view, "repeat_revenue_share").value is None:
        return _section(view, "repeat_share", [])
    f = view.finding("low_repeat_share")
    band = None if f.status == "not_assessed" and not f.facts else view.case.thresholds["retention.low_repeat_share"]
    return _section(
        view,
        "repeat_share",
        [charts.repeat_chart(view.result, view.fmt, _caption(view, "repeat_share", "repeat"), band)],
    )


def cohorts(view: ChapterView) -> Section:
    """The heat map of cohorts."""
    step = int(view.result.facts["cohort_step"])
    frame = view.tables["cohorts" if step == 1 else "cohorts_quarterly"]
    if frame.empty:
        return _section(view, "cohorts", [])
    age = 4 if step == 3 else min(12, int(frame["age"].max()))
    later = frame[(frame["age"] == age) & frame["known_new"] & frame["complete"]]
    n = int(frame.loc[frame["age"] == 0, "clients"].sum())
    values = {
        "n": n,
        "age": age,
        "later": float(later["active"].sum() / later["clients"].sum()) if len(later) else None,
    }
    title = _plain(view, "cohorts", "chart" if len(later) and age > 0 else "chart_short", **values)
    caption = Caption("retention-cohorts", title, note=_plain(view, "cohorts", "chart_note", **values))
    note = _t(view, "cohorts", "note", complete=bool(frame["complete"].all()))
    return _section(view, "cohorts", [charts.cohort_chart(frame, view.fmt, caption, step), note])


def change(view: ChapterView) -> Section:
    """The bridge of the year, gross and net retention."""
    if "bridge" not in view.tables:
        return _section(view, "change", [])
    rows = view.tables["bridge"].set_index("part")["revenue"]
    caption = _caption(view, "change", "bridge", lost=abs(float(rows["lost"])), new=float(rows["new"]))
    return _section(view, "change", [charts.bridge_chart(view.result, view.fmt, caption)])


def drivers(view: ChapterView) -> Section:
    """What moved the revenue of the clients that stayed."""
    if "drivers" not in view.tables:
        return _section(view, "drivers", [])
    rows = view.tables["drivers"].set_index("driver")["effect"]
    frequency = float(rows["frequency"])
    caption = _caption(view, "drivers", "drivers", frequency=frequency)
    return _section(view, "drivers", [charts.drivers_chart(view.result, view.fmt, caption)], frequency=frequency)


def trends(view: ChapterView) -> Section:
    """Four monthly figures with their trends."""
    pictures = []
    for name in ("active_clients", "ticket", "frequency", "range"):
        m = _metric(view, f"{name}_trend")
        if m.value is None:
            change_text = _plain(view, "trends", "no_trend")
            note = ""
        else:
            change_text = _plain(view, "trends", "a_year", value=m.value)
            note = _plain(view, "trends", "chart_note", low=m.low, high=m.high, last=m.extra["last_year"], n=m.n)
        caption = Caption(
            f"retention-trend-{name.replace('_', '-')}", _plain(view, "trends", name, change=change_text), note=note
        )
        chart = charts.trend_chart(
            view.tables["monthly"], name, view.fmt, caption, m.value, view.result.facts["recent_start"]
        )
        if chart is not None:
            pictures.append(chart)
    rows = [columns(*pictures[i : i + 2]) for i in range(0, len(pictures), 2)]
    return _section(view, "trends", rows)


def states(view: ChapterView) -> Section:
    """Regular clients by state."""
    frame = view.tables["states"]
    by = frame.set_index("state")["clients"]
    n = int(by.sum())
    if n == 0:
        return _section(view, "states", [])
    names = {s: _plain(view, "states", s) for s in (*STATES, "clients", "money")}
    caption = _caption(view, "states", "states", asleep=int(by["sleeping"]), late=int(by["late"]), n=n)
    parts: list[Any] = [charts.states_chart(frame, view.fmt, caption, names)]
    parts.append(
        table(
            frame,
            [
                Col("state", _label(view, "Состояние", "State"), show=lambda v: names[str(v)]),
                Col("clients", _label(view, "Клиентов", "Clients"), "count"),
                Col("share", _label(view, "Доля", "Share"), "share"),
                Col(
                    "at_stake",
                    _label(view, "Выручка за год до последнего заказа", "Revenue, year to last order"),
                    "money",
                ),
                Col("recent_revenue", _label(view, "Выручка последних 12 мес.", "Revenue, last 12 months"), "money"),
            ],
            fmt=view.fmt,
            sortable=False,
        )
    )
    if _metric(view, "p_alive").value is not None:
        parts.append(_t(view, "states", "alive"))
    return _section(view, "states", parts)


def worklist(view: ChapterView) -> Section:
    """The first fifteen lines of the list of late and sleeping clients."""
    frame = named(_managers(view, view.tables["worklist"], "manager"))
    total = float(frame["at_stake"].sum())
    if frame.empty:
        return _section(view, "worklist", [], n=0, total=0.0)
    # How probable it is that the client still buys is in the annex only: who calls does not need it.
    columns_shown = [c for c in _worklist_columns(view) if c.key != "p_alive"]
    listed = table(frame, columns_shown, fmt=view.fmt, max_rows=SHOWN, sheet=SHEET_NAMES["worklist"].get(view.lang))
    return _section(view, "worklist", [listed, _t(view, "worklist", "note")], n=len(frame), total=total)


def comeback(view: ChapterView) -> Section:
    """The return of sleepers."""
    m = _metric(view, "return_rate")
    if m.value is None:
        return _section(view, "comeback", [])
    caption = _caption(view, "comeback", "return")
    return _section(view, "comeback", [charts.return_chart(view.result, view.fmt, caption, _norm(view, "weak_return"))])


def managers(view: ChapterView) -> Section:
    """The funnel of managers, and losses by service history where shipments are dated."""
    m = _metric(view, "by_manager")
    parts: list[Any] = []
    if m.value is not None:
        frame = view.tables["by_manager"]
        t = view.case.thresholds
        named = _managers(view, frame, "manager")
        out = int((frame["position"] >= 1).sum())
        drawn = frame[frame["clients"] >= SMALLEST_BOOK]
        caption = _caption(view, "managers", "managers", out=out, n=len(frame))
        parts.append(
            charts.managers_chart(
                drawn,
                m.value,
                view.fmt,
                caption,
                [str(x) for x in named.loc[drawn.index, "manager"]],
                (t.value("general.funnel_watch_level"), t.value("general.funnel_found_level")),
                _plain(view, "managers", "mean"),
                _plain(view, "managers", "units"),
            )
        )
        parts.append(_t(view, "managers", "note"))
    service = view.tables.get("loss_by_service")
    if service is not None and int(service["clients"].sum()) > 0:
        parts.append(
            table(
                service,
                [
                    Col("order_days", _label(view, "Дней заказа за год", "Order days in the year")),
                    Col(
                        "late",
                        _label(view, "Опоздания отгрузки", "Late shipments"),
                        show=lambda v: _label(view, "были", "yes") if v else _label(view, "не было", "no"),
                    ),
                    Col("clients", _label(view, "Клиентов", "Clients"), "count"),
                    Col("lost", _label(view, "Ушли", "Lost"), "count"),
                    Col("share", _label(view, "Доля ушедших", "Share lost"), "share"),
                ],
                fmt=view.fmt,
                sortable=False,
                caption=_plain(view, "managers", "service"),
                note=_plain(view, "managers", "service_note"),
            )
        )
    return _section(view, "managers", parts)


def initiative(view: ChapterView) -> Section:
    """Who begins the contact; for consultative sales what happens between projects."""
    parts = []
    if _metric(view, "between_projects").value is not None:
        parts.append(_t(view, "initiative", "between"))
    return _section(view, "initiative", parts)


def calendar(view: ChapterView) -> Section:
    """Order days of the largest clients by month."""
    frame = view.tables["calendar"]
    if frame.empty:
        return _section(view, "calendar", [])
    months = sorted(frame["month"].unique())
    bought = frame[frame["month"].isin(months[-12:])].groupby("client_key")["order_days"].sum()
    caption = _caption(
        view,
        "calendar",
        "calendar",
        n=len(bought),
        silent=int((bought == 0).sum()),
        months=len(months[-12:]),
        first=frame["month"].min().date(),
        last=frame["month"].max().date(),
    )
    chart = charts.calendar_chart(
        frame, view.fmt, caption, lambda key, name: str(key) if name is None or pd.isna(name) else str(name)
    )
    return _section(view, "calendar", [chart])


_FIGURES = {
    "clients": (Text("Клиентов с заказами", "Clients with orders"), "count"),
    "orders": (Text("Заказов", "Orders"), "count"),
    "order_days": (Text("Дней заказа", "Order days"), "count"),
    "revenue": (Text("Выручка", "Revenue"), "money_full"),
    "top20_revenue_share": (
        Text("Доля выручки 20 % крупнейших клиентов", "Revenue share of the top 20% of clients"),
        "share",
    ),
    "second_purchase_naive": (
        Text("Вторые покупки к первым, без поправок", "Second to first purchases, uncorrected"),
        "share",
    ),
    "second_purchase_share": (Text("Вторая покупка за {d} дней", "Second purchase within {d} days"), "share"),
    "repeat_revenue_share": (Text("Доля повторной выручки", "Repeat revenue share"), "share"),
}


def _beside_frame(view: ChapterView) -> pd.DataFrame:
    """Return the two columns of figures as finished text: figure, ours, whole."""
    fmt = view.fmt

    def show(row: dict[Any, Any], side: str) -> str:
        value = row[side]
        if pd.isna(value):
            return "—"
        kind = _FIGURES[row["figure"]][1]
        if kind == "count":
            return fmt.num(value)
        if kind == "money_full":
            return fmt.money_full(value)
        text = fmt.share(value, 1)
        low, high, n = row[f"{side}_low"], row[f"{side}_high"], row[f"{side}_n"]
        if not pd.isna(low):
            text += f" ({fmt.share_interval(low, high, 1)})"
        return text + ("" if pd.isna(n) else f", n = {fmt.num(n)}")

    rows = []
    for row in view.tables["whole_window"].to_dict("records"):
        name = _FIGURES[row["figure"]][0].get(view.lang)
        days = row["horizon_days"]
        name = name.format(d="" if pd.isna(days) else fmt.num(days))
        rows.append({"figure": name, "ours": show(row, "ours"), "whole": show(row, "whole")})
    return pd.DataFrame(rows)


def whole_window(view: ChapterView) -> Section:
    """The chapter's figures beside those of the whole window without burn-in (appendix)."""
    listed = table(
        _beside_frame(view),
        [
            Col("figure", _label(view, "Показатель", "Figure")),
            Col("ours", _label(view, "В отчёте: новые клиенты после разгона", "In the report: new after the burn-in")),
            Col("whole", _label(view, "Вся выгрузка, без разгона", "Whole export, no burn-in")),
        ],
        fmt=view.fmt,
        sortable=False,
    )
    return _section(view, "whole_window", [listed])


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "second_purchase": second_purchase,
    "second_by": second_by,
    "repeat_share": repeat_share,
    "cohorts": cohorts,
    "change": change,
    "drivers": drivers,
    "trends": trends,
    "states": states,
    "worklist": worklist,
    "comeback": comeback,
    "managers": managers,
    "initiative": initiative,
    "calendar": calendar,
    "whole_window": whole_window,
}


# --- annex


def SHEETS(view: ChapterView) -> list[Sheet]:
    """Return the chapter's tables whole."""
    client = _client(view)
    tables = view.tables
    out: list[Sheet] = []

    def add(name: str, section: str, frame: pd.DataFrame | None, cols: list[Col]) -> None:
        if frame is not None and len(frame):
            out.append(Sheet(SHEET_NAMES[name].get(view.lang), _plain(view, section, "title"), frame, cols))

    work = _worklist_columns(view)
    next_day = Col("next_day", _label(view, "Заказ ожидался", "Order was due"), "date")
    add(
        "worklist",
        "worklist",
        _managers(view, tables["worklist"], "manager"),
        [work[0], client[1], *work[1:4], next_day, *work[4:]],
    )
    rhythm = [
        *client,
        Col("state", _label(view, "Состояние", "State"), show=lambda v: _plain(view, "states", str(v))),
        Col("last_day", _label(view, "Последний заказ", "Last order"), "date"),
        Col("gaps", _label(view, "Промежутков", "Gaps"), "count"),
        Col("usual_gap_days", _label(view, "Обычный промежуток, дней", "Usual gap, days"), "days", 1),
        Col("p90_gap_days", _label(view, "90-й процентиль, дней", "90th percentile, days"), "days", 1),
        Col("silent_days", _label(view, "Молчит, дней", "Silent, days"), "days"),
        Col("limit_days", _label(view, "Спит с, дней", "Asleep from, days"), "days", 1),
        Col("seasonal", _label(view, "Сезонный", "Seasonal"), show=lambda v: _label(view, "да", "yes") if v else ""),
        Col("next_day", _label(view, "Следующий заказ ожидается", "Next order expected"), "date"),
        Col("p_alive", _label(view, "Вероятность «жив»", "P(alive)"), "share"),
    ]
    add("rhythm", "states", tables["rhythm"], rhythm)
    add("second_by", "second_by", _second_by_frame(view), _second_by_columns(view))
    once = [
        *client,
        Col("segment", _label(view, "Сегмент", "Segment")),
        Col("first_day", _label(view, "Первый заказ", "First order"), "date"),
        Col("first_revenue", _label(view, "Выручка первого дня", "Revenue of the first day"), "money_full"),
        Col("first_manager", _label(view, "Первый менеджер", "First manager")),
    ]
    add("once", "second_purchase", _managers(view, tables["once"], "first_manager"), once)
    lost = [
        *client,
        Col("segment", _label(view, "Сегмент", "Segment")),
        Col("last_day", _label(view, "Последний заказ", "Last order"), "date"),
        Col("prior_revenue", _label(view, "Выручка год назад", "Revenue a year ago"), "money_full"),
        Col("last_manager", _label(view, "Последний менеджер", "Last manager")),
    ]
    gone = tables.get("lost_clients")
    add("lost_clients", "change", None if gone is None else _managers(view, gone, "last_manager"), lost)
    cohort = [
        Col("cohort", _label(view, "Месяц первого заказа", "Month of the first order"), "month"),
        Col("age", _label(view, "Месяцев после", "Months after"), "count"),
        Col("clients", _label(view, "Клиентов", "Clients"), "count"),
        Col("active", _label(view, "Заказывали", "Active"), "count"),
        Col("share", _label(view, "Доля", "Share"), "share"),
        Col("revenue", _label(view, "Выручка", "Revenue"), "money_full"),
    ]
    add("cohorts", "cohorts", tables["cohorts"], cohort)
    months = [
        Col("month", _label(view, "Месяц", "Month"), "month"),
        Col("active_clients", _label(view, "Активных клиентов", "Active clients"), "count"),
        Col("ticket", _label(view, "Средний чек", "Order value"), "money_full"),
        Col("frequency", _label(view, "Дней заказа на клиента", "Order days per client"), "num", 2),
        Col("range", _label(view, "Товаров на день заказа", "Items per order day"), "num", 2),
    ]
    add("monthly", "trends", tables["monthly"], months)
    by = tables.get("by_manager")
    manager = [
        Col("manager", _label(view, "Менеджер", "Manager")),
        Col("clients", _label(view, "Клиентов год назад", "Clients a year ago"), "count"),
        Col("lost", _label(view, "Ушли", "Lost"), "count"),
        Col("share", _label(view, "Доля", "Share"), "share"),
        Col("inner_low", _label(view, "95 %: от", "95%: from"), "share"),
        Col("inner_high", _label(view, "95 %: до", "95%: to"), "share"),
        Col("outer_low", _label(view, "99,8 %: от", "99.8%: from"), "share"),
        Col("outer_high", _label(view, "99,8 %: до", "99.8%: to"), "share"),
        Col("p_value", _label(view, "p", "p"), "num", 4),
        Col("lost_revenue", _label(view, "Выручка ушедших год назад", "Revenue of the lost a year ago"), "money_full"),
    ]
    add("by_manager", "managers", None if by is None else _managers(view, by, "manager"), manager)
    add(
        "whole_window",
        "whole_window",
        _beside_frame(view),
        [
            Col("figure", _label(view, "Показатель", "Figure")),
            Col("ours", _label(view, "В отчёте", "In the report")),
            Col("whole", _label(view, "Вся выгрузка", "Whole export")),
        ],
    )
    return out
