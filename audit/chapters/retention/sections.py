"""The chapter «Удержание» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from audit.chapters.retention import charts
from audit.errors import Text
from audit.method import method
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, columns, table
from audit.present.chapter import ChapterView, named
from audit.present.views import owner_words

__all__ = ["SECTIONS", "SHEET_NAMES", "sheets"]

SHOWN = 15
SMALLEST_BOOK = 5
SHEET_NAMES: dict[str, Text] = {
    "worklist": Text("Кому звонить", "Whom to call"),
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


def _norm(view: ChapterView, finding: str) -> float | None:
    """Return the norm to draw, or None where the finding does not apply."""
    f = view.finding(finding)
    if f.status == "not_assessed" and not f.facts:
        return None
    return view.case.thresholds[f"retention.{finding}"].found


# --- columns of tables, shared by the report and the annex


def _client(view: ChapterView) -> list[Col]:
    return [Col("client_name", view.label("Клиент", "Client")), Col("client_key", view.label("Код", "Code"))]


def _second_by_columns(view: ChapterView) -> list[Col]:
    names = {
        "cohort": view.label("полугодие первого заказа", "half-year of the first order"),
        "segment": view.label("сегмент", "segment"),
        "first_manager": view.label("первый менеджер", "first manager"),
        "sale_type": view.label("тип продаж", "type of sale"),
    }
    return [
        Col("split", view.label("Разрез", "Split"), show=lambda v: names.get(str(v), str(v))),
        Col("label", view.label("Группа", "Group")),
        Col("n", view.label("Новых клиентов", "New clients"), "count"),
        Col("second", view.label("Купили второй раз", "Bought again"), "count"),
        Col("share", view.label("Доля за срок", "Share by the horizon"), "share"),
        Col("low", view.label("не ниже", "at least"), "share"),
        Col("high", view.label("не выше", "at most"), "share"),
        Col("at_risk", view.label("Под наблюдением", "At risk"), "count"),
        Col("p_value", view.label("p различий", "p of differences"), "num", 3),
    ]


def _worklist_columns(view: ChapterView) -> list[Col]:
    # without the staff nobody knows which roles there are, and without managers in the orders who served last
    who = Col("who", view.label("Кому звонить", "Who should call")) if view.case.questionnaire.has("staff") else None
    last = Col("manager", view.label("Последний менеджер", "Last manager")) if view.case.has("manager") else None
    return [
        *_client(view)[:1],
        Col("state", view.label("Состояние", "State"), show=lambda v: view.plain("states", str(v))),
        Col("last_day", view.label("Последний заказ", "Last order"), "date", paper=False),
        Col("usual_gap_days", view.label("Обычный промежуток, дней", "Usual gap, days"), "days", paper=False),
        Col("overdue_days", view.label("Просрочено, дней", "Overdue, days"), "days"),
        Col("at_stake", view.label("Под угрозой за год", "At risk a year"), "money"),
        Col("p_alive", view.label("Вероятность «жив»", "P(alive)"), "share"),
        *(c for c in (last, who) if c is not None),
        Col("goods", view.label("Что покупал", "Used to buy"), paper=False),
        Col(
            "seasonal",
            view.label("Сезонный", "Seasonal"),
            show=lambda v: view.label("да", "yes") if v else "",
            paper=False,
        ),
        Col("first_step", view.label("Первый шаг", "First step"), show=lambda v: view.plain("worklist", str(v))),
    ]


def _worklist(view: ChapterView) -> pd.DataFrame:
    """Return the list of silent clients with the role that should call, beside the last manager."""
    frame = _managers(view, view.tables["worklist"], "manager")
    pairs = zip(frame["caller"], frame["stands_for"], strict=True)
    who = [owner_words(str(role), other if isinstance(other, str) else "", view.lang) for role, other in pairs]
    return frame.assign(who=pd.Series(who, index=frame.index, dtype="object"))


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
                known[person] = view.plain("managers", "unnamed", k=k)
        view.__dict__["person_labels"] = known
    return lambda person: known.get(person, view.plain("managers", "unnamed", k="?"))


def _second_by_frame(view: ChapterView) -> pd.DataFrame:
    frame, types = view.tables["second_by"], method().sale_types
    shown = [
        types[str(v)].name.get(view.lang).split(" (")[0].lower() if s == "sale_type" else v
        for s, v in zip(frame["split"], frame["label"], strict=True)
    ]
    frame = frame.assign(label=pd.Series(shown, index=frame.index, dtype=object))
    if view.case.settings.report.names:
        return frame
    label = _person_labels(view)
    named = [label(str(v)) if s == "first_manager" else v for s, v in zip(frame["split"], frame["label"], strict=True)]
    return frame.assign(label=named)


# --- sections


def second_purchase(view: ChapterView) -> Section:
    """The survival curve of the second purchase, with the third beside it."""
    m = view.metric("second_purchase_share")
    parts: list[Any] = []
    if m.value is not None:
        norm = _norm(view, "leaky_first_purchase")
        caption = view.caption(
            "second_purchase", "second", subtitle=view.plain("second_purchase", "subtitle"), norm=norm
        )
        parts.append(charts.second_chart(view.result, view.fmt, caption, norm))
        at = view.tables["second_at"]
        parts.append(table(at[at["share"].notna()], _horizon_columns(view), fmt=view.fmt, sortable=False))
        if view.metric("third_purchase_share").value is not None:
            parts.append(view.say("second_purchase", "third"))
        if view.metric("once_unmet_share").value is not None:
            parts.append(view.say("second_purchase", "unmet"))
        parts.append(view.say("second_purchase", "note"))
    return view.compose("second_purchase", parts)


def _horizon_columns(view: ChapterView) -> list[Col]:
    return [
        Col("horizon_days", view.label("Срок, дней", "Horizon, days"), "days"),
        Col("share", view.label("Купили второй раз", "Bought again"), "share"),
        Col("low", view.label("не ниже (95 %)", "at least (95%)"), "share"),
        Col("high", view.label("не выше (95 %)", "at most (95%)"), "share"),
        Col("at_risk", view.label("Под наблюдением", "At risk"), "count"),
        Col("events", view.label("Вторых покупок", "Second purchases"), "count"),
    ]


def second_by(view: ChapterView) -> Section:
    """The second purchase by half-year cohort, segment and first manager."""
    frame = _second_by_frame(view)
    rows = frame[frame["split"] == "cohort"]
    p = float(rows["p_value"].iloc[0]) if len(rows) and rows["p_value"].notna().any() else None
    norm = _norm(view, "leaky_first_purchase")
    chart = charts.second_by_chart(rows, view.fmt, view.caption("second_by", "second-by", p=p), norm)
    listed = table(
        frame, _second_by_columns(view), fmt=view.fmt, max_rows=25, wide=False, sheet=view.sheet_name("second_by")
    )
    return view.compose("second_by", [chart, listed])


def repeat_share(view: ChapterView) -> Section:
    """Repeat share of revenue, orders and margin."""
    if view.metric("repeat_revenue_share").value is None:
        return view.compose("repeat_share", [])
    f = view.finding("low_repeat_share")
    band = None if f.status == "not_assessed" and not f.facts else view.case.thresholds["retention.low_repeat_share"]
    return view.compose(
        "repeat_share", [charts.repeat_chart(view.result, view.fmt, view.caption("repeat_share", "repeat"), band)]
    )


def cohorts(view: ChapterView) -> Section:
    """The heat map of cohorts."""
    step = int(view.result.facts["cohort_step"])
    frame = view.tables["cohorts" if step == 1 else "cohorts_quarterly"]
    if frame.empty:
        return view.compose("cohorts", [])
    age = 4 if step == 3 else min(12, int(frame["age"].max()))
    later = frame[(frame["age"] == age) & frame["known_new"] & frame["complete"]]
    n = int(frame.loc[frame["age"] == 0, "clients"].sum())
    values: dict[str, Any] = {
        "n": n,
        "age": age,
        "later": float(later["active"].sum() / later["clients"].sum()) if len(later) else None,
    }
    title = view.plain("cohorts", "chart" if len(later) and age > 0 else "chart_short", **values)
    caption = view.caption("cohorts", title=title, **values)
    note = view.say("cohorts", "note", complete=bool(frame["complete"].all()))
    return view.compose("cohorts", [charts.cohort_chart(frame, view.fmt, caption, step), note])


def change(view: ChapterView) -> Section:
    """The bridge of the year, gross and net retention."""
    if "bridge" not in view.tables:
        return view.compose("change", [])
    rows = view.tables["bridge"].set_index("part")["revenue"]
    caption = view.caption("change", "bridge", lost=abs(float(rows["lost"])), new=float(rows["new"]))
    return view.compose("change", [charts.bridge_chart(view.result, view.fmt, caption)])


def drivers(view: ChapterView) -> Section:
    """What moved the revenue of the clients that stayed."""
    if "drivers" not in view.tables:
        return view.compose("drivers", [])
    rows = view.tables["drivers"].set_index("driver")["effect"]
    frequency = float(rows["frequency"])
    caption = view.caption("drivers", "drivers", frequency=frequency)
    return view.compose("drivers", [charts.drivers_chart(view.result, view.fmt, caption)], frequency=frequency)


def trends(view: ChapterView) -> Section:
    """Four monthly figures with their trends."""
    pictures = []
    for name in ("active_clients", "ticket", "frequency", "range"):
        m = view.metric(f"{name}_trend")
        if m.value is None:
            change_text = view.plain("trends", "no_trend")
            note = ""
        else:
            change_text = view.plain("trends", "a_year", value=m.value)
            note = view.plain("trends", "chart_note", low=m.low, high=m.high, last=m.extra["last_year"], n=m.n)
        caption = view.caption(
            "trends", f"trend-{name}", title=view.plain("trends", name, change=change_text), note=note
        )
        chart = charts.trend_chart(
            view.tables["monthly"], name, view.fmt, caption, m.value, view.result.facts["recent_start"]
        )
        if chart is not None:
            pictures.append(chart)
    rows = [columns(*pictures[i : i + 2]) for i in range(0, len(pictures), 2)]
    return view.compose("trends", rows)


def states(view: ChapterView) -> Section:
    """Regular clients by state."""
    frame = view.tables["states"]
    by = frame.set_index("state")["clients"]
    n = int(by.sum())
    if n == 0:
        return view.compose("states", [])
    names = {s: view.plain("states", s) for s in (*STATES, "clients", "money")}
    caption = view.caption("states", "states", asleep=int(by["sleeping"]), late=int(by["late"]), n=n)
    parts: list[Any] = [charts.states_chart(frame, view.fmt, caption, names)]
    parts.append(
        table(
            frame,
            [
                Col("state", view.label("Состояние", "State"), show=lambda v: names[str(v)]),
                Col("clients", view.label("Клиентов", "Clients"), "count"),
                Col("share", view.label("Доля", "Share"), "share"),
                Col(
                    "at_stake",
                    view.label("Выручка за год до последнего заказа", "Revenue, year to last order"),
                    "money",
                ),
                Col("recent_revenue", view.label("Выручка последних 12 мес.", "Revenue, last 12 months"), "money"),
            ],
            fmt=view.fmt,
            sortable=False,
        )
    )
    if view.metric("p_alive").value is not None:
        parts.append(view.say("states", "alive"))
    return view.compose("states", parts)


def worklist(view: ChapterView) -> Section:
    """The first fifteen lines of the list of late and sleeping clients."""
    frame = named(_worklist(view))
    total = float(frame["at_stake"].sum())
    if frame.empty:
        return view.compose("worklist", [], n=0, total=0.0)
    # How probable it is that the client still buys is in the annex only: who calls does not need it.
    columns_shown = [c for c in _worklist_columns(view) if c.key != "p_alive"]
    listed = table(frame, columns_shown, fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("worklist"))
    roles = dict(zip(frame["state"], frame["who"], strict=True))
    if not view.case.questionnaire.has("staff"):
        roles = {}
    note = view.say(
        "worklist", "note", sleeping=roles.get("sleeping"), late=roles.get("late"), known=view.case.has("manager")
    )
    return view.compose("worklist", [listed, note], n=len(frame), total=total)


def comeback(view: ChapterView) -> Section:
    """The return of sleepers."""
    m = view.metric("return_rate")
    if m.value is None:
        return view.compose("comeback", [])
    caption = view.caption("comeback", "return")
    return view.compose("comeback", [charts.return_chart(view.result, view.fmt, caption, _norm(view, "weak_return"))])


def managers(view: ChapterView) -> Section:
    """The funnel of managers, and losses by service history where shipments are dated."""
    m = view.metric("by_manager")
    parts: list[Any] = []
    if m.value is not None:
        frame = view.tables["by_manager"]
        named = _managers(view, frame, "manager")
        out = int((frame["position"] >= 1).sum())
        drawn = frame[frame["clients"] >= SMALLEST_BOOK]
        caption = view.caption("managers", "managers", out=out, n=len(frame))
        parts.append(
            charts.managers_chart(
                drawn,
                m.value,
                (m.extra["centre"], m.extra["spread"], len(frame)),
                view.fmt,
                caption,
                [str(x) for x in named.loc[drawn.index, "manager"]],
                view.plain("managers", "mean"),
                view.plain("managers", "units"),
            )
        )
        parts.append(view.say("managers", "note"))
    service = view.tables.get("loss_by_service")
    if service is not None and int(service["clients"].sum()) > 0:
        parts.append(
            table(
                service,
                [
                    Col("order_days", view.label("Дней заказа за год", "Order days in the year")),
                    Col(
                        "late",
                        view.label("Опоздания отгрузки", "Late shipments"),
                        show=lambda v: view.label("были", "yes") if v else view.label("не было", "no"),
                    ),
                    Col("clients", view.label("Клиентов", "Clients"), "count"),
                    Col("lost", view.label("Ушли", "Lost"), "count"),
                    Col("share", view.label("Доля ушедших", "Share lost"), "share"),
                ],
                fmt=view.fmt,
                sortable=False,
                caption=view.plain("managers", "service"),
                note=view.plain("managers", "service_note"),
            )
        )
    return view.compose("managers", parts)


def initiative(view: ChapterView) -> Section:
    """Who begins the contact; for consultative sales what happens between projects."""
    parts = []
    if view.metric("between_projects").value is not None:
        parts.append(view.say("initiative", "between"))
    return view.compose("initiative", parts)


def calendar(view: ChapterView) -> Section:
    """Order days of the largest clients by month."""
    frame = view.tables["calendar"]
    if frame.empty:
        return view.compose("calendar", [])
    months = sorted(frame["month"].unique())
    bought = frame[frame["month"].isin(months[-12:])].groupby("client_key")["order_days"].sum()
    caption = view.caption(
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
    return view.compose("calendar", [chart])


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
            Col("figure", view.label("Показатель", "Figure")),
            Col("ours", view.label("В отчёте: действительно новые клиенты", "In the report: really new clients")),
            Col("whole", view.label("Вся выгрузка", "Whole export")),
        ],
        fmt=view.fmt,
        sortable=False,
    )
    return view.compose("whole_window", [listed])


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


def sheets(view: ChapterView) -> list[Sheet]:
    """Return the chapter's tables whole."""
    client = _client(view)
    tables = view.tables
    out: list[Sheet] = []

    def add(name: str, section: str, frame: pd.DataFrame | None, cols: list[Col]) -> None:
        if frame is not None and len(frame):
            out.append(view.sheet(name, view.plain(section, "title"), frame, cols))

    work = _worklist_columns(view)
    next_day = Col("next_day", view.label("Заказ ожидался", "Order was due"), "date")
    add("worklist", "worklist", _worklist(view), [work[0], client[1], *work[1:4], next_day, *work[4:]])
    rhythm = [
        *client,
        Col("state", view.label("Состояние", "State"), show=lambda v: view.plain("states", str(v))),
        Col("last_day", view.label("Последний заказ", "Last order"), "date"),
        Col("gaps", view.label("Промежутков", "Gaps"), "count"),
        Col("usual_gap_days", view.label("Обычный промежуток, дней", "Usual gap, days"), "days", 1),
        Col("p90_gap_days", view.label("90-й процентиль, дней", "90th percentile, days"), "days", 1),
        Col("silent_days", view.label("Молчит, дней", "Silent, days"), "days"),
        Col("limit_days", view.label("Спит с, дней", "Asleep from, days"), "days", 1),
        Col("seasonal", view.label("Сезонный", "Seasonal"), show=lambda v: view.label("да", "yes") if v else ""),
        Col("next_day", view.label("Следующий заказ ожидается", "Next order expected"), "date"),
        Col("p_alive", view.label("Вероятность «жив»", "P(alive)"), "share"),
    ]
    add("rhythm", "states", tables["rhythm"], rhythm)
    add("second_by", "second_by", _second_by_frame(view), _second_by_columns(view))
    once = [
        *client,
        Col("segment", view.label("Сегмент", "Segment")),
        Col("first_day", view.label("Первый заказ", "First order"), "date"),
        Col("first_revenue", view.label("Выручка первого дня", "Revenue of the first day"), "money_full"),
        Col("first_manager", view.label("Первый менеджер", "First manager")),
    ]
    add("once", "second_purchase", _managers(view, tables["once"], "first_manager"), once)
    lost = [
        *client,
        Col("segment", view.label("Сегмент", "Segment")),
        Col("last_day", view.label("Последний заказ", "Last order"), "date"),
        Col("yearly_rate", view.label("Выручка в год до ухода", "Revenue a year before leaving"), "money_full"),
        Col("last_manager", view.label("Последний менеджер", "Last manager")),
    ]
    gone = tables.get("lost_clients")
    add("lost_clients", "change", None if gone is None else _managers(view, gone, "last_manager"), lost)
    cohort = [
        Col("cohort", view.label("Месяц первого заказа", "Month of the first order"), "month"),
        Col("age", view.label("Месяцев после", "Months after"), "count"),
        Col("clients", view.label("Клиентов", "Clients"), "count"),
        Col("active", view.label("Заказывали", "Active"), "count"),
        Col("share", view.label("Доля", "Share"), "share"),
        Col("revenue", view.label("Выручка", "Revenue"), "money_full"),
    ]
    add("cohorts", "cohorts", tables["cohorts"], cohort)
    months = [
        Col("month", view.label("Месяц", "Month"), "month"),
        Col("active_clients", view.label("Активных клиентов", "Active clients"), "count"),
        Col("ticket", view.label("Средний чек", "Order value"), "money_full"),
        Col("frequency", view.label("Дней заказа на клиента", "Order days per client"), "num", 2),
        Col("range", view.label("Товаров на день заказа", "Items per order day"), "num", 2),
    ]
    add("monthly", "trends", tables["monthly"], months)
    by = tables.get("by_manager")
    manager = [
        Col("manager", view.label("Менеджер", "Manager")),
        Col("clients", view.label("Клиентов год назад", "Clients a year ago"), "count"),
        Col("lost", view.label("Ушли", "Lost"), "count"),
        Col("share", view.label("Доля", "Share"), "share"),
        Col("expected", view.label("Ожидаемая доля", "Share expected"), "share"),
        Col("q_value", view.label("q (доля ошибочных выводов)", "q (false discovery rate)"), "num", 4),
        Col("lost_revenue", view.label("Выручка ушедших год назад", "Revenue of the lost a year ago"), "money_full"),
    ]
    add("by_manager", "managers", None if by is None else _managers(view, by, "manager"), manager)
    add(
        "whole_window",
        "whole_window",
        _beside_frame(view),
        [
            Col("figure", view.label("Показатель", "Figure")),
            Col("ours", view.label("В отчёте", "In the report")),
            Col("whole", view.label("Вся выгрузка", "Whole export")),
        ],
    )
    return out
