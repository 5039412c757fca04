"""The chapter «Сервис» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.findings.finding import Status
from audit.findings.rules.service import sheet
from audit.ground.people import labels
from audit.method import method
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView, named
from audit.present.chart import Caption
from audit.present.charts import service as charts
from audit.present.charts.handoff import away_chart

__all__ = ["SECTIONS", "SHEETS"]

SHOWN = 15
_FINDING = {"late": "late", "short": "short_shipments", "complaint": "complaints"}


def _t(view: ChapterView, name: str, part: str, **values: Any) -> Markup:
    return view.narrative.section("service", name, part, view.result, **values)


def _plain(view: ChapterView, name: str, part: str, **values: Any) -> str:
    return str(_t(view, name, part, **values).unescape())


def _label(view: ChapterView, ru: str, en: str) -> str:
    return ru if view.lang == "ru" else en


def _section(view: ChapterView, name: str, parts: list[Any]) -> Section:
    return Section(
        f"service-{name.replace('_', '-')}",
        _plain(view, name, "title"),
        [p for p in parts if p is not None],
        lead=_t(view, name, "lead"),
    )


def _value(view: ChapterView, name: str) -> float | None:
    return view.result.metrics[f"service.{name}"].value


def _kind_frame(view: ChapterView) -> pd.DataFrame:
    kinds = view.tables["kinds"]
    return kinds[kinds["kind"].isin(view.result.facts["seen"]) & (kinds["known"] > 0)]


def _kind_columns(view: ChapterView) -> list[Col]:
    return [
        Col("kind", _label(view, "Сбой", "Failure"), show=lambda v: _plain(view, "kinds", str(v))),
        Col("known", _label(view, "Заказов, где это видно", "Orders that tell"), "count"),
        Col("failed", _label(view, "Со сбоем", "With a failure"), "count"),
        Col("share", _label(view, "Доля заказов", "Share of orders"), "share"),
        Col("low", _label(view, "не ниже", "at least"), "share"),
        Col("high", _label(view, "не выше", "at most"), "share"),
        Col("revenue_share", _label(view, "Доля выручки", "Share of revenue"), "share"),
        Col("recent_share", _label(view, "Последние 12 месяцев", "Last 12 months"), "share"),
    ]


def kinds(view: ChapterView) -> Section:
    """How often each kind of failure happens."""
    frame = _kind_frame(view)
    parts: list[Any] = []
    if len(frame):
        worst = frame.sort_values(["share", "kind"], ascending=[False, True]).iloc[0]
        failing = float(worst["share"]) > 0
        caption = Caption(
            "service-kinds",
            _plain(
                view,
                "kinds",
                "chart",
                share=float(worst["share"]),
                worst=_plain(view, "kinds", str(worst["kind"])) if failing else "",
            ),
            note=_plain(view, "kinds", "chart_note"),
        )
        status: list[Status | None] = [
            view.finding(_FINDING[k]).status if k in _FINDING else None for k in frame["kind"]
        ]
        words = {str(k): _plain(view, "kinds", str(k)) for k in frame["kind"]}
        parts += [
            charts.kinds_chart(frame, view.fmt, caption, words, status),
            table(frame, _kind_columns(view), fmt=view.fmt, sortable=False),
        ]
    if _value(view, "processing_days") is not None:
        parts.append(_t(view, "kinds", "processing"))
    if _value(view, "return_share") is not None:
        parts.append(_t(view, "kinds", "returns"))
    if view.result.facts["overdue"]:
        parts.append(_t(view, "kinds", "overdue"))
    return _section(view, "kinds", parts)


def months(view: ChapterView) -> Section:
    """Lateness month by month."""
    m = view.result.metrics["service.late_share"]
    if m.value is None or m.extra["recent_value"] is None:
        return Section("service-months", "", [])
    w = view.case.window
    before_n, before_bad = (m.n or 0) - m.extra["recent_n"], m.extra["failed"] - m.extra["recent_failed"]
    caption = Caption(
        "service-months",
        _plain(
            view,
            "months",
            "chart",
            last=m.extra["recent_value"],
            before=before_bad / before_n if before_n >= 20 else None,
        ),
        note=_plain(view, "months", "chart_note"),
    )
    chart = charts.months_chart(
        view.tables["months"],
        view.fmt,
        caption,
        _plain(view, "months", "late"),
        w.recent_start if w.recent_is_whole else None,
        view.case.settings.report.accent,
    )
    return Section("service-months", "", []) if chart is None else _section(view, "months", [chart])


def heat(view: ChapterView) -> Section:
    """Failure share per manager × month."""
    frame = view.tables["heat"]
    names = labels(view.case, [str(m) for m in frame["manager"].unique()])
    known = frame[frame["share"].notna()].sort_values(["share", "month_index"], ascending=[False, True])
    worst = known.iloc[0] if len(known) and float(known["share"].iloc[0]) > 0 else None
    title = _plain(view, "heat", "chart")
    if worst is not None:
        title = _plain(
            view,
            "heat",
            "worst",
            who=names.get(str(worst["manager"]), str(worst["manager"])),
            share=float(worst["share"]),
            month=charts.month_start(int(worst["month_index"])),
        )
    caption = Caption("service-heat", title, note=_plain(view, "heat", "chart_note"))
    chart = charts.heat_chart(frame, view.fmt, caption, names)
    return Section("service-heat", "", []) if chart is None else _section(view, "heat", [chart])


def _reason_words(view: ChapterView) -> list[str]:
    words = method().complaint_reasons
    return [
        _plain(view, "reasons", "unnamed") if r is None else words[str(r)].name.get(view.lang) if known else str(r)
        for r, known in zip(view.tables["reasons"]["reason"], view.tables["reasons"]["known"], strict=True)
    ]


def reasons(view: ChapterView) -> Section:
    """Complaints by reason."""
    frame = view.tables["reasons"]
    if frame.empty or not view.result.facts["reasons_given"]:
        return _section(view, "reasons", [])
    words = _reason_words(view)
    given = [(w, int(n)) for w, n, r in zip(words, frame["orders"], frame["reason"], strict=True) if not pd.isna(r)]
    given.sort(key=lambda row: -row[1])
    tied = given[1][0] if len(given) > 1 and given[1][1] == given[0][1] else ""
    few = view.result.facts["reasons_given"] < view.case.thresholds.count("general.min_units")
    caption = Caption(
        "service-reasons",
        _plain(view, "reasons", "chart", top=given[0][0], tied=tied, few=few),
        note=_plain(view, "reasons", "chart_note"),
    )
    return _section(view, "reasons", [charts.reasons_chart(frame, view.fmt, caption, words)])


def _service_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["services"]
    names = labels(view.case, [str(p) for p in [*rows["owner"].dropna(), *rows["backup"].dropna()]])
    services = method().services
    return rows.assign(
        name=[services[str(s)].name.get(view.lang) for s in rows["service"]],
        owner_name=[
            _plain(view, "services", "gone")
            if gone
            else names.get(str(o), str(o))
            if isinstance(o, str)
            else _plain(view, "services", "nobody")
            for o, gone in zip(rows["owner"], rows["owner_left"], strict=True)
        ],
        backup_name=[names.get(str(b), str(b)) if isinstance(b, str) else "—" for b in rows["backup"]],
        rule=[_plain(view, "services", str(r)) if r in ("yes", "partly", "no") else "—" for r in rows["written_rule"]],
    )


def _service_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", _label(view, "Сервис", "Service")),
        Col("owner_name", _label(view, "Владелец", "Owner")),
        Col("backup_name", _label(view, "Дублёр", "Backup")),
        Col("sla_days", _label(view, "Срок, дней", "Agreed days"), "days"),
        Col("rule", _label(view, "Правило записано", "Written rule")),
        Col("failures_month", _label(view, "Сбоев в месяц", "Failures a month"), "num"),
    ]


def services(view: ChapterView) -> Section:
    """The six services with owner and agreed time, and functions that fail without an owner."""
    if _value(view, "unowned_services") is None:
        return _section(view, "services", [])
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
                    Col("name", _label(view, "Функция", "Function")),
                    Col("failures_month", _label(view, "Сбоев в месяц", "Failures a month"), "num"),
                ],
                fmt=view.fmt,
                caption=_plain(view, "services", "failing"),
                sortable=False,
            )
        )
    return _section(view, "services", parts)


def after_failure(view: ChapterView) -> Section:
    """Clients after a first failure beside matched clients without one."""
    m = view.result.metrics["service.failure_loss"]
    parts: list[Any] = []
    if m.value is not None:
        caption = Caption(
            "service-after-failure",
            _plain(view, "after_failure", "chart"),
            note=_plain(view, "after_failure", "chart_note"),
        )
        parts.append(
            away_chart(
                view.tables["failure_curve"],
                view.fmt,
                caption,
                treated=_plain(view, "after_failure", "failed"),
                controls=_plain(view, "after_failure", "others"),
                x_label=_plain(view, "after_failure", "x_label"),
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
                            _label(view, "Первый сбой", "First failure"),
                            show=lambda v: _plain(view, "kinds", str(v)),
                        ),
                        Col("clients", _label(view, "Клиентов", "Clients"), "count"),
                        Col("treated", _label(view, "Не вернулись после сбоя", "Not back after it"), "share"),
                        Col("controls", _label(view, "Не вернулись без сбоя", "Not back without"), "share"),
                        Col("difference", _label(view, "Разница", "Difference"), "change"),
                        Col("low", _label(view, "не ниже", "at least"), "change"),
                        Col("high", _label(view, "не выше", "at most"), "change"),
                    ],
                    fmt=view.fmt,
                    caption=_plain(view, "after_failure", "by_kind"),
                    sortable=False,
                )
            )
    return _section(view, "after_failure", parts)


def _call_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["after_failure"]
    rows = rows[rows["still_away"].astype(bool)]
    rows = rows.sort_values(["overdue", "annual_value", "client_key"], ascending=[False, False, True])
    what = [
        ", ".join(_plain(view, "kinds", k) for k in ("late", "short", "complaint", "document_error") if r[k] == 1)
        for r in rows.to_dict("records")
    ]
    silence = [_plain(view, "to_call", "overdue" if late else "waiting") for late in rows["overdue"]]
    return named(rows).assign(
        what=pd.Series(what, index=rows.index, dtype=object), silence=pd.Series(silence, index=rows.index, dtype=object)
    )


def _call_columns(view: ChapterView) -> list[Col]:
    return [
        Col("client_name", _label(view, "Клиент", "Client")),
        Col("client_key", _label(view, "Код", "Code")),
        Col("day", _label(view, "Заказ со сбоем", "Order that went wrong"), "date"),
        Col("what", _label(view, "Что случилось", "What happened")),
        Col("silence", _label(view, "Молчит", "Silent")),
        Col("annual_value", _label(view, "Выручка в год по его темпу", "Revenue a year at its pace"), "money"),
    ]


def to_call(view: ChapterView) -> Section:
    """Clients that stumbled in the last 12 months and are not back."""
    frame = _call_frame(view)
    if frame.empty:
        return Section("service-to-call", "", [])
    listed = table(frame, _call_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=sheet(view.case, "after_failure"))
    return _section(view, "to_call", [listed])


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "kinds": kinds,
    "months": months,
    "heat": heat,
    "reasons": reasons,
    "services": services,
    "after_failure": after_failure,
    "to_call": to_call,
}


def SHEETS(view: ChapterView) -> list[Sheet]:
    """Return failures by kind and by month, manager × month, reasons, services, clients after a failure."""
    case, out = view.case, []
    if len(_kind_frame(view)):
        frame = _kind_frame(view)
        named = frame.assign(kind=[_plain(view, "kinds", str(k)) for k in frame["kind"]])
        columns = [Col("kind", _label(view, "Сбой", "Failure")), *_kind_columns(view)[1:]]
        out.append(Sheet(sheet(case, "kinds"), _plain(view, "kinds", "title"), named, columns))
        by_month = view.tables["months"]
        by_month = by_month.assign(month=pd.to_datetime([charts.month_start(int(m)) for m in by_month["month_index"]]))
        out.append(
            Sheet(
                sheet(case, "months"),
                _plain(view, "months", "title"),
                by_month,
                [
                    Col("month", _label(view, "Месяц", "Month"), "month"),
                    Col("orders", _label(view, "Заказов", "Orders"), "count"),
                    Col("dated", _label(view, "С обеими датами", "With both dates"), "count"),
                    *(
                        Col(k, _plain(view, "kinds", k), "count")
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
            Sheet(
                sheet(case, "heat"),
                _plain(view, "heat", "title"),
                cells,
                [
                    Col("name", _label(view, "Менеджер", "Manager")),
                    Col("month", _label(view, "Месяц", "Month"), "month"),
                    Col("orders", _label(view, "Заказов", "Orders"), "count"),
                    Col("failed", _label(view, "Сбоев", "Failures"), "count"),
                    Col("share", _label(view, "Доля", "Share"), "share"),
                ],
            )
        )
    if len(view.tables["reasons"]):
        frame = view.tables["reasons"].assign(name=_reason_words(view))
        out.append(
            Sheet(
                sheet(case, "reasons"),
                _plain(view, "reasons", "title"),
                frame,
                [
                    Col("name", _label(view, "Причина", "Reason")),
                    Col("orders", _label(view, "Рекламаций", "Complaints"), "count"),
                    Col("share", _label(view, "Доля", "Share"), "share"),
                    Col("recent_orders", _label(view, "За последние 12 месяцев", "Last 12 months"), "count"),
                    Col("revenue", _label(view, "Сумма заказов", "Value of the orders"), "money_full"),
                ],
            )
        )
    if _value(view, "unowned_services") is not None:
        out.append(
            Sheet(
                sheet(case, "services"), _plain(view, "services", "title"), _service_frame(view), _service_columns(view)
            )
        )
    if len(_call_frame(view)):
        out.append(
            Sheet(
                sheet(case, "after_failure"), _plain(view, "to_call", "title"), _call_frame(view), _call_columns(view)
            )
        )
    return out
