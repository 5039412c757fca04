"""The chapter «Сервис» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from audit.chapters.service import charts
from audit.errors import Text
from audit.findings.finding import Status
from audit.ground.people import labels
from audit.method import method
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView, named
from audit.present.charts.away import away_chart

__all__ = ["SECTIONS", "SHEET_NAMES", "sheets"]

SHEET_NAMES: dict[str, Text] = {
    "kinds": Text("Сбои по видам", "Failures by kind"),
    "months": Text("Сбои по месяцам", "Failures by month"),
    "heat": Text("Менеджер и месяц", "Manager and month"),
    "reasons": Text("Причины рекламаций", "Reasons of complaints"),
    "services": Text("Шесть сервисов", "Six services"),
    "after_failure": Text("После первого сбоя", "After a first failure"),
}
"""Table of the result (and of a finding) → name of its sheet in the annex."""

SHOWN = 15
_FINDING = {"late": "late", "short": "short_shipments", "complaint": "complaints"}


def _kind_frame(view: ChapterView) -> pd.DataFrame:
    kinds = view.tables["kinds"]
    return kinds[kinds["kind"].isin(view.result.facts["seen"]) & (kinds["known"] > 0)]


def _kind_columns(view: ChapterView) -> list[Col]:
    return [
        Col("kind", view.label("Сбой", "Failure"), show=lambda v: view.plain("kinds", str(v))),
        Col("known", view.label("Заказов, где это видно", "Orders that tell"), "count"),
        Col("failed", view.label("Со сбоем", "With a failure"), "count"),
        Col("share", view.label("Доля заказов", "Share of orders"), "share"),
        Col("low", view.label("не ниже", "at least"), "share"),
        Col("high", view.label("не выше", "at most"), "share"),
        Col("revenue_share", view.label("Доля выручки", "Share of revenue"), "share"),
        Col("recent_share", view.label("Последние 12 месяцев", "Last 12 months"), "share"),
    ]


def kinds(view: ChapterView) -> Section:
    """How often each kind of failure happens."""
    frame = _kind_frame(view)
    parts: list[Any] = []
    if len(frame):
        worst = frame.sort_values(["share", "kind"], ascending=[False, True]).iloc[0]
        failing = float(worst["share"]) > 0
        caption = view.caption(
            "kinds", share=float(worst["share"]), worst=view.plain("kinds", str(worst["kind"])) if failing else ""
        )
        status: list[Status | None] = [
            view.finding(_FINDING[k]).status if k in _FINDING else None for k in frame["kind"]
        ]
        words = {str(k): view.plain("kinds", str(k)) for k in frame["kind"]}
        parts += [
            charts.kinds_chart(frame, view.fmt, caption, words, status),
            table(frame, _kind_columns(view), fmt=view.fmt, sortable=False),
        ]
    if view.metric("processing_days").value is not None:
        parts.append(view.say("kinds", "processing"))
    if view.metric("return_share").value is not None:
        parts.append(view.say("kinds", "returns"))
    if view.result.facts["overdue"]:
        parts.append(view.say("kinds", "overdue"))
    return view.compose("kinds", parts)


def months(view: ChapterView) -> Section:
    """Lateness month by month."""
    m = view.metric("late_share")
    if m.value is None or m.extra["recent_value"] is None:
        return view.empty("months")
    w = view.case.window
    before_n, before_bad = (m.n or 0) - m.extra["recent_n"], m.extra["failed"] - m.extra["recent_failed"]
    caption = view.caption(
        "months", last=m.extra["recent_value"], before=before_bad / before_n if before_n >= 20 else None
    )
    chart = charts.months_chart(
        view.tables["months"],
        view.fmt,
        caption,
        view.plain("months", "late"),
        w.recent_start if w.recent_is_whole else None,
        view.case.settings.report.accent,
    )
    return view.empty("months") if chart is None else view.compose("months", [chart])


def heat(view: ChapterView) -> Section:
    """Failure share per manager × month."""
    frame = view.tables["heat"]
    names = labels(view.case, [str(m) for m in frame["manager"].unique()])
    known = frame[frame["share"].notna()].sort_values(["share", "month_index"], ascending=[False, True])
    worst = known.iloc[0] if len(known) and float(known["share"].iloc[0]) > 0 else None
    title = view.plain("heat", "chart")
    if worst is not None:
        title = view.plain(
            "heat",
            "worst",
            who=names.get(str(worst["manager"]), str(worst["manager"])),
            share=float(worst["share"]),
            month=charts.month_start(int(worst["month_index"])),
        )
    caption = view.caption("heat", title=title)
    chart = charts.heat_chart(frame, view.fmt, caption, names)
    return view.empty("heat") if chart is None else view.compose("heat", [chart])


def _reason_words(view: ChapterView) -> list[str]:
    words = method().complaint_reasons
    return [
        view.plain("reasons", "unnamed") if r is None else words[str(r)].name.get(view.lang) if known else str(r)
        for r, known in zip(view.tables["reasons"]["reason"], view.tables["reasons"]["known"], strict=True)
    ]


def reasons(view: ChapterView) -> Section:
    """Complaints by reason."""
    frame = view.tables["reasons"]
    if frame.empty or not view.result.facts["reasons_given"]:
        return view.compose("reasons", [])
    words = _reason_words(view)
    given = [(w, int(n)) for w, n, r in zip(words, frame["orders"], frame["reason"], strict=True) if not pd.isna(r)]
    given.sort(key=lambda row: -row[1])
    tied = given[1][0] if len(given) > 1 and given[1][1] == given[0][1] else ""
    few = view.result.facts["reasons_given"] < view.case.thresholds.count("general.min_units")
    caption = view.caption("reasons", top=given[0][0], tied=tied, few=few)
    return view.compose("reasons", [charts.reasons_chart(frame, view.fmt, caption, words)])


def _service_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["services"]
    names = labels(view.case, [str(p) for p in [*rows["owner"].dropna(), *rows["backup"].dropna()]])
    services = method().services
    return rows.assign(
        name=[services[str(s)].name.get(view.lang) for s in rows["service"]],
        owner_name=[
            view.plain("services", "gone")
            if gone
            else names.get(str(o), str(o))
            if isinstance(o, str)
            else view.plain("services", "nobody")
            for o, gone in zip(rows["owner"], rows["owner_left"], strict=True)
        ],
        backup_name=[names.get(str(b), str(b)) if isinstance(b, str) else "—" for b in rows["backup"]],
        rule=[view.plain("services", str(r)) if r in ("yes", "partly", "no") else "—" for r in rows["written_rule"]],
    )


def _service_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", view.label("Сервис", "Service")),
        Col("owner_name", view.label("Ответственный", "Owner")),
        Col("backup_name", view.label("Дублёр", "Backup")),
        Col("sla_days", view.label("Срок, дней", "Agreed days"), "days"),
        Col("rule", view.label("Правило записано", "Written rule")),
        Col("failures_month", view.label("Сбоев в месяц", "Failures a month"), "num"),
    ]


def services(view: ChapterView) -> Section:
    """The six services with owner and agreed time, and functions that fail without an owner."""
    if view.metric("unowned_services").value is None:
        return view.compose("services", [])
    parts: list[Any] = [table(_service_frame(view), _service_columns(view), fmt=view.fmt, sortable=False)]
    failing = view.tables["processes"]
    if len(failing):
        functions = method().functions
        named = failing.assign(
            name=[functions[str(p)].name.get(view.lang) if p in functions else str(p) for p in failing["process"]]
        )
        parts.append(
            table(
                named,
                [
                    Col("name", view.label("Функция", "Function")),
                    Col("failures_month", view.label("Сбоев в месяц", "Failures a month"), "num"),
                ],
                fmt=view.fmt,
                caption=view.plain("services", "failing"),
                sortable=False,
            )
        )
    return view.compose("services", parts)


def after_failure(view: ChapterView) -> Section:
    """Clients after a first failure beside matched clients without one."""
    m = view.metric("failure_loss")
    parts: list[Any] = []
    if m.value is not None:
        caption = view.caption("after_failure")
        parts.append(
            away_chart(
                view.tables["failure_curve"],
                view.fmt,
                caption,
                treated=view.plain("after_failure", "failed"),
                controls=view.plain("after_failure", "others"),
                x_label=view.plain("after_failure", "x_label"),
                accent=view.case.settings.report.accent,
            )
        )
        by_kind = view.tables["by_kind"]
        if len(by_kind):
            parts.append(
                table(
                    by_kind,
                    [
                        Col(
                            "kind",
                            view.label("Первый сбой", "First failure"),
                            show=lambda v: view.plain("kinds", str(v)),
                        ),
                        Col("clients", view.label("Клиентов", "Clients"), "count"),
                        Col("treated", view.label("Не вернулись после сбоя", "Not back after it"), "share"),
                        Col("controls", view.label("Не вернулись без сбоя", "Not back without"), "share"),
                        Col("difference", view.label("Разница", "Difference"), "change", show=view.fmt.points),
                        Col("low", view.label("не ниже", "at least"), "change", show=view.fmt.points),
                        Col("high", view.label("не выше", "at most"), "change", show=view.fmt.points),
                    ],
                    fmt=view.fmt,
                    caption=view.plain("after_failure", "by_kind"),
                    sortable=False,
                )
            )
    return view.compose("after_failure", parts)


def _call_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["after_failure"]
    rows = rows[rows["still_away"].astype(bool)]
    rows = rows.sort_values(["overdue", "annual_value", "client_key"], ascending=[False, False, True])
    what = [
        ", ".join(view.plain("kinds", k) for k in ("late", "short", "complaint", "document_error") if r[k] == 1)
        for r in rows.to_dict("records")
    ]
    silence = [view.plain("to_call", "overdue" if late else "waiting") for late in rows["overdue"]]
    return named(rows).assign(
        what=pd.Series(what, index=rows.index, dtype=object), silence=pd.Series(silence, index=rows.index, dtype=object)
    )


def _call_columns(view: ChapterView) -> list[Col]:
    return [
        Col("client_name", view.label("Клиент", "Client")),
        Col("client_key", view.label("Код", "Code")),
        Col("day", view.label("Заказ со сбоем", "Order that went wrong"), "date"),
        Col("what", view.label("Что случилось", "What happened")),
        Col("silence", view.label("Молчит", "Silent")),
        Col("annual_value", view.label("Выручка в год по его темпу", "Revenue a year at its pace"), "money"),
    ]


def to_call(view: ChapterView) -> Section:
    """Clients that stumbled in the last 12 months and are not back."""
    frame = _call_frame(view)
    if frame.empty:
        return view.empty("to_call")
    listed = table(frame, _call_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("after_failure"))
    return view.compose("to_call", [listed])


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "kinds": kinds,
    "months": months,
    "heat": heat,
    "reasons": reasons,
    "services": services,
    "after_failure": after_failure,
    "to_call": to_call,
}


def sheets(view: ChapterView) -> list[Sheet]:
    """Return failures by kind and by month, manager × month, reasons, services, clients after a failure."""
    case, out = view.case, []
    if len(_kind_frame(view)):
        frame = _kind_frame(view)
        named = frame.assign(kind=[view.plain("kinds", str(k)) for k in frame["kind"]])
        columns = [Col("kind", view.label("Сбой", "Failure")), *_kind_columns(view)[1:]]
        out.append(view.sheet("kinds", view.plain("kinds", "title"), named, columns))
        by_month = view.tables["months"]
        by_month = by_month.assign(month=pd.to_datetime([charts.month_start(int(m)) for m in by_month["month_index"]]))
        out.append(
            view.sheet(
                "months",
                view.plain("months", "title"),
                by_month,
                [
                    Col("month", view.label("Месяц", "Month"), "month"),
                    Col("orders", view.label("Заказов", "Orders"), "count"),
                    Col("dated", view.label("С обеими датами", "With both dates"), "count"),
                    *(
                        Col(k, view.plain("kinds", k), "count")
                        for k in ("late", "short", "complaint", "document_error")
                    ),
                ],
            )
        )
    cells = view.tables["heat"]
    if len(cells):
        names = labels(case, [str(m) for m in cells["manager"].unique()])
        cells = cells.assign(
            month=pd.to_datetime([charts.month_start(int(m)) for m in cells["month_index"]]),
            name=[names.get(str(m), str(m)) for m in cells["manager"]],
        )
        out.append(
            view.sheet(
                "heat",
                view.plain("heat", "title"),
                cells,
                [
                    Col("name", view.label("Менеджер", "Manager")),
                    Col("month", view.label("Месяц", "Month"), "month"),
                    Col("orders", view.label("Заказов", "Orders"), "count"),
                    Col("failed", view.label("Сбоев", "Failures"), "count"),
                    Col("share", view.label("Доля", "Share"), "share"),
                ],
            )
        )
    if len(view.tables["reasons"]):
        frame = view.tables["reasons"].assign(name=_reason_words(view))
        out.append(
            view.sheet(
                "reasons",
                view.plain("reasons", "title"),
                frame,
                [
                    Col("name", view.label("Причина", "Reason")),
                    Col("orders", view.label("Рекламаций", "Complaints"), "count"),
                    Col("share", view.label("Доля", "Share"), "share"),
                    Col("recent_orders", view.label("За последние 12 месяцев", "Last 12 months"), "count"),
                    Col("revenue", view.label("Сумма заказов", "Value of the orders"), "money_full"),
                ],
            )
        )
    if view.metric("unowned_services").value is not None:
        out.append(
            view.sheet("services", view.plain("services", "title"), _service_frame(view), _service_columns(view))
        )
    if len(_call_frame(view)):
        out.append(view.sheet("after_failure", view.plain("to_call", "title"), _call_frame(view), _call_columns(view)))
    return out
