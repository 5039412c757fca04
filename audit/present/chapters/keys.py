"""The chapter «Ключевые клиенты» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.diagnose.keys import FAULTS
from audit.findings.rules.keys import sheet
from audit.ground.people import labels
from audit.method import method
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView, named
from audit.present.chart import Benchmark, Caption
from audit.present.charts import keys as charts

__all__ = ["SECTIONS", "SHEETS"]

SHOWN = 25


def _t(view: ChapterView, name: str, part: str, **values: Any) -> Markup:
    return view.narrative.section("keys", name, part, view.result, **values)


def _plain(view: ChapterView, name: str, part: str, **values: Any) -> str:
    return str(_t(view, name, part, **values).unescape())


def _label(view: ChapterView, ru: str, en: str) -> str:
    return ru if view.lang == "ru" else en


def _section(view: ChapterView, name: str, parts: list[Any], lead: Markup | None = None) -> Section:
    return Section(
        f"keys-{name.replace('_', '-')}",
        _plain(view, name, "title"),
        [p for p in parts if p is not None],
        lead=_t(view, name, "lead") if lead is None else lead,
    )


def _names(view: ChapterView) -> Mapping[str, str]:
    people = [*view.tables["clients"]["lead"].dropna(), *view.tables["clients"]["backup"].dropna()]
    return labels(view.case, [str(p) for p in people])


def _mark(view: ChapterView, value: object) -> str:
    if value is None or (not isinstance(value, bool) and pd.isna(value)):  # type: ignore[call-overload]
        return "?"
    return "✗" if value else "✓"


def _fault_columns(view: ChapterView, *, counts: bool) -> list[Col]:
    names = {f: _plain(view, "faults", f) for f in FAULTS}
    if counts:
        return [Col(f, names[f], "count") for f in FAULTS]
    return [Col(f, names[f], show=lambda v: _mark(view, v)) for f in FAULTS]


def _lead_columns(view: ChapterView) -> list[Col]:
    return [
        Col("lead_name", _label(view, "Ведёт", "Lead")),
        Col("clients", _label(view, "Всего на листе", "On the list"), "count"),
        Col("counted", _label(view, "В счёт", "Counted"), "count"),
        *_fault_columns(view, counts=True),
        Col("revenue", _label(view, "Выручка за 12 месяцев", "Revenue of 12 months"), "money"),
    ]


def _client_columns(view: ChapterView) -> list[Col]:
    answers = method().answers["criterion"]
    return [
        Col("client_name", _label(view, "Клиент", "Client")),
        Col("lead_name", _label(view, "Ведёт", "Lead")),
        Col("revenue", _label(view, "Выручка за 12 месяцев", "Revenue of 12 months"), "money"),
        Col(
            "criterion",
            _label(view, "Признак", "Criterion"),
            show=lambda v: answers[v].name.get(view.lang) if v in answers else "",
        ),
        Col("steps", _label(view, "Что сделать", "What to do")),
    ]


def _client_frame(view: ChapterView) -> pd.DataFrame:
    names, rows = _names(view), view.tables["clients"]
    said = ["; ".join(_plain(view, "clients", code) for code in str(codes).split(";")) for codes in rows["to_do"]]
    return rows.assign(lead_name=[names.get(str(p), str(p)) for p in rows["lead"]], steps=said)


def _lead_frame(view: ChapterView) -> pd.DataFrame:
    names, rows = _names(view), view.tables["leads"]
    return rows.assign(lead_name=[names.get(str(p), str(p)) for p in rows["lead"]])


def leads(view: ChapterView) -> Section:
    """Every manager's own key list against the limit."""
    frame = view.tables["leads"]
    if frame.empty:
        return _section(view, "leads", [])
    over = len(view.result.facts["over"])
    caption = Caption("keys-leads", _plain(view, "leads", "chart", over=over), note=_plain(view, "leads", "chart_note"))
    chart = charts.leads_chart(
        view.result,
        view.fmt,
        caption,
        _names(view),
        view.case.thresholds["keys.too_many"],
        Benchmark(float(view.result.facts["limit"]), _plain(view, "leads", "norm")),
    )
    listed = table(
        _lead_frame(view),
        _lead_columns(view),
        fmt=view.fmt,
        max_rows=SHOWN,
        wide=False,
        sheet=sheet(view.case, "leads"),
    )
    left = _t(view, "leads", "left") if view.result.facts["lead_left"] else None
    return _section(view, "leads", [chart, left, listed])


def what_is_missing(view: ChapterView) -> Section:
    """Shares of key clients without file, centre, plan, backup; beyond influence; with pay that discourages."""
    metrics = [view.result.metrics[f"keys.{f}_share"] for f in FAULTS]
    status = [view.finding(f).status for f in FAULTS]
    known = [(m.value, f) for m, f in zip(metrics, FAULTS, strict=True) if m.value is not None]
    worst = max(known, default=(0.0, ""))
    caption = Caption(
        "keys-faults",
        _plain(
            view, "faults", "chart", worst_share=worst[0], worst=_plain(view, "faults", worst[1]) if worst[1] else ""
        ),
        note=_plain(view, "faults", "chart_note"),
    )
    chart = charts.faults_chart(view.fmt, caption, [_plain(view, "faults", f) for f in FAULTS], metrics, status)
    unknown = _t(view, "faults", "unknown") if view.result.facts.get("unknown_clients") else None
    if known and not worst[0]:
        lead = Markup("{} {}").format(_t(view, "faults", "lead"), _t(view, "faults", "nothing", n=len(known)))
        return _section(view, "faults", [unknown], lead)
    return _section(view, "faults", [chart, unknown])


def clients(view: ChapterView) -> Section:
    """Key clients with something to do about them; those in order are counted in a line and listed in the annex."""
    if view.tables["clients"].empty:
        return Section("keys-clients", "", [])
    frame = _client_frame(view)
    open_steps = frame[view.tables["clients"]["to_do"] != "keep"]
    if open_steps.empty:
        return _section(view, "clients", [], _t(view, "clients", "nothing", sheet=sheet(view.case, "clients")))
    quiet = _t(view, "clients", "quiet", n=len(frame) - len(open_steps)) if len(open_steps) < len(frame) else None
    listed = table(open_steps, _client_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=sheet(view.case, "clients"))
    return _section(view, "clients", [listed, quiet])


def not_listed(view: ChapterView) -> Section:
    """Large clients that nobody lists as key."""
    frame = named(view.tables["not_listed"])
    if frame.empty:
        return Section("keys-not-listed", "", [])
    return _section(view, "not_listed", [table(frame, _unlisted_columns(view), fmt=view.fmt)])


def _unlisted_columns(view: ChapterView) -> list[Col]:
    return [
        Col("client_name", _label(view, "Клиент", "Client")),
        Col("client_key", _label(view, "Код", "Code")),
        Col("revenue", _label(view, "Выручка за 12 месяцев", "Revenue of 12 months"), "money"),
        Col("order_days", _label(view, "Дней заказа", "Order days"), "count"),
    ]


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "leads": leads,
    "faults": what_is_missing,
    "clients": clients,
    "not_listed": not_listed,
}


def SHEETS(view: ChapterView) -> list[Sheet]:
    """Return the key clients with faults and steps, the lists of the managers, and large clients on no list."""
    out = []
    if len(view.tables["clients"]):
        frame = _client_frame(view)
        for f in FAULTS:
            frame[f] = [_mark(view, v) for v in frame[f]]
        columns = _client_columns(view)
        whole = [
            columns[0],
            Col("client_id", _label(view, "Код", "Code")),
            *columns[1:3],
            *_fault_columns(view, counts=False),
            columns[4],
        ]
        out.append(Sheet(sheet(view.case, "clients"), _plain(view, "clients", "title"), frame, whole))
        out.append(
            Sheet(sheet(view.case, "leads"), _plain(view, "leads", "title"), _lead_frame(view), _lead_columns(view))
        )
    if len(view.tables["not_listed"]):
        out.append(
            Sheet(
                sheet(view.case, "not_listed"),
                _plain(view, "not_listed", "title"),
                view.tables["not_listed"],
                _unlisted_columns(view),
            )
        )
    return out
