"""The chapter «Ключевые клиенты» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.chapters.keys import charts
from audit.chapters.keys.faults import FAULTS
from audit.errors import Text
from audit.ground.key_clients import KeyClient, key_clients
from audit.ground.people import labels
from audit.method import method
from audit.model.questionnaire import PLAN_ITEMS
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView, named
from audit.present.chart import Benchmark
from audit.present.format import slug
from audit.present.forms_keys import history

__all__ = ["SECTIONS", "SHEET_NAMES", "portrait", "sheets"]

SHEET_NAMES: dict[str, Text] = {
    "clients": Text("Ключевые клиенты", "Key clients"),
    "leads": Text("Списки менеджеров", "Managers' lists"),
    "not_listed": Text("Вне списков", "On nobody's list"),
}
"""Table of the result (and of a finding) → name of its sheet in the annex."""

SHOWN = 25
PORTRAITS = 5
"""Portraits in the report; km-audit forms makes one of every key client."""


def _names(view: ChapterView) -> Mapping[str, str]:
    clients = view.tables["clients"]
    people = [*clients["lead"].dropna(), *clients["backup"].dropna(), *clients["seller"].dropna()]
    return labels(view.case, [str(p) for p in people])


def _mark(view: ChapterView, value: object) -> str:
    if value is None or (not isinstance(value, bool) and pd.isna(value)):  # type: ignore[call-overload]
        return "?"
    return "✗" if value else "✓"


def _fault_columns(view: ChapterView, *, counts: bool) -> list[Col]:
    names = {f: view.plain("faults", f) for f in FAULTS}
    if counts:
        return [Col(f, names[f], "count") for f in FAULTS]
    return [Col(f, names[f], show=lambda v: _mark(view, v)) for f in FAULTS]


def _lead_columns(view: ChapterView) -> list[Col]:
    return [
        Col("lead_name", view.label("Ведёт", "Lead")),
        Col("clients", view.label("Всего на листе", "On the list"), "count"),
        Col("counted", view.label("В счёт", "Counted"), "count"),
        *_fault_columns(view, counts=True),
        Col("hours_per_client", view.label("Часов на клиента", "Hours a client"), "hours"),
        Col("revenue", view.label("Выручка за 12 месяцев", "Revenue of 12 months"), "money"),
    ]


def _client_columns(view: ChapterView) -> list[Col]:
    answers = method().answers["criterion"]
    return [
        Col("client_name", view.label("Клиент", "Client")),
        Col("lead_name", view.label("Ведёт", "Lead")),
        Col("revenue", view.label("Выручка за 12 месяцев", "Revenue of 12 months"), "money"),
        Col(
            "criterion",
            view.label("Признак", "Criterion"),
            show=lambda v: answers[v].name.get(view.lang) if v in answers else "",
        ),
        Col("steps", view.label("Что сделать", "What to do")),
    ]


def _client_frame(view: ChapterView) -> pd.DataFrame:
    names, rows = _names(view), view.tables["clients"]
    said = ["; ".join(view.plain("clients", code) for code in str(codes).split(";")) for codes in rows["to_do"]]
    sellers = ["" if pd.isna(p) else names.get(str(p), str(p)) for p in rows["seller"]]
    return rows.assign(lead_name=[names.get(str(p), str(p)) for p in rows["lead"]], seller_name=sellers, steps=said)


def _lead_frame(view: ChapterView) -> pd.DataFrame:
    names, rows = _names(view), view.tables["leads"]
    return rows.assign(lead_name=[names.get(str(p), str(p)) for p in rows["lead"]])


def leads(view: ChapterView) -> Section:
    """Every manager's own key list against the limit."""
    frame = view.tables["leads"]
    if frame.empty:
        return view.compose("leads", [])
    over = len(view.result.facts["over"])
    caption = view.caption("leads", over=over)
    chart = charts.leads_chart(
        view.result,
        view.fmt,
        caption,
        _names(view),
        view.case.thresholds["keys.too_many"],
        Benchmark(float(view.result.facts["limit"]), view.plain("leads", "norm")),
    )
    listed = table(
        _lead_frame(view), _lead_columns(view), fmt=view.fmt, max_rows=SHOWN, wide=False, sheet=view.sheet_name("leads")
    )
    x = view.result.facts
    left = view.say("leads", "left") if x["lead_left"] else None
    differs = view.say("leads", "differs", sheet=view.sheet_name("clients")) if x["differs"] else None
    hours = view.say("leads", "hours") if view.metric("hours_per_client").value is not None else None
    return view.compose("leads", [chart, left, differs, hours, listed])


def what_is_missing(view: ChapterView) -> Section:
    """Shares of key clients without file, centre, plan, backup; beyond influence; with pay that discourages."""
    metrics = [view.result.metrics[f"keys.{f}_share"] for f in FAULTS]
    status = [view.finding(f).status for f in FAULTS]
    known = [(m.value, f) for m, f in zip(metrics, FAULTS, strict=True) if m.value is not None]
    worst = max(known, default=(0.0, ""))
    caption = view.caption("faults", worst_share=worst[0], worst=view.plain("faults", worst[1]) if worst[1] else "")
    chart = charts.faults_chart(view.fmt, caption, [view.plain("faults", f) for f in FAULTS], metrics, status)
    unknown = view.say("faults", "unknown") if view.result.facts.get("unknown_clients") else None
    if known and not worst[0]:
        lead = Markup("{} {}").format(view.say("faults", "lead"), view.say("faults", "nothing", n=len(known)))
        return view.compose("faults", [unknown], lead=lead)
    return view.compose("faults", [chart, unknown, *_plan(view)])


def _plan(view: ChapterView) -> list[Any]:
    """Return what the plans lack, or which question would tell it; nothing where nobody has a plan."""
    rows, x = view.tables["plan"], view.result.facts
    if not x.get("plans"):
        return []
    if rows.empty:
        return [view.say("faults", "plan_unasked")]
    frame = rows.assign(name=[view.plain("faults", str(k)) for k in rows["item"]])
    columns = [
        Col("name", view.label("Пункт плана", "Item of the plan")),
        Col("lacking", view.label("Планов без него", "Plans without it"), "count"),
        Col("n", view.label("из", "of"), "count"),
    ]
    return [view.say("faults", "plan"), table(frame, columns, fmt=view.fmt, sortable=False, wide=False)]


def clients(view: ChapterView) -> Section:
    """Key clients with something to do about them; those in order are counted in a line and listed in the annex."""
    if view.tables["clients"].empty:
        return view.empty("clients")
    frame = _client_frame(view)
    open_steps = frame[view.tables["clients"]["to_do"] != "keep"]
    if open_steps.empty:
        return view.compose("clients", [], lead=view.say("clients", "nothing", sheet=view.sheet_name("clients")))
    quiet = view.say("clients", "quiet", n=len(frame) - len(open_steps)) if len(open_steps) < len(frame) else None
    listed = table(open_steps, _client_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("clients"))
    return view.compose("clients", [listed, quiet])


def not_listed(view: ChapterView) -> Section:
    """Large clients that nobody lists as key."""
    frame = named(view.tables["not_listed"])
    if frame.empty:
        return view.empty("not_listed")
    return view.compose("not_listed", [table(frame, _unlisted_columns(view), fmt=view.fmt)])


def portrait(view: ChapterView, client: KeyClient, place: int, *, title: bool = True) -> Section:
    """Return the portrait of one client; ``place`` numbers it among the others."""
    parts = [_quarters(view, client), _facts(view, client)]
    return Section(
        f"{view.name}-portrait-{place}-{slug(client.client_id)}",
        client.name if title else "",
        [p for p in parts if p],
        level=4,
    )


def _quarters(view: ChapterView, client: KeyClient) -> object:
    if not client.quarters:
        return None
    row: dict[str, object] = {"name": view.label("Выручка", "Revenue")}
    cols = [Col("name", view.label("Квартал", "Quarter"))]
    for k, (first, last, money) in enumerate(client.quarters):
        row[f"q{k}"] = money
        cols.append(Col(f"q{k}", f"{first:%m.%y}–{last:%m.%y}", "money"))
    return table(pd.DataFrame([row]), cols, fmt=view.fmt, sortable=False, wide=False)


def _facts(view: ChapterView, client: KeyClient) -> object:
    names = labels(view.case, [p for p in (client.lead, client.seller) if p])
    a = client.answers
    lines = history(client, view.fmt)
    who = client.lead or client.seller
    people = [
        view.plain("portraits", "lead_is" if client.lead else "seller_is", who=names.get(who, who)) if who else "",
        view.plain("portraits", "backup_is", who=names.get(str(a["backup"]), str(a["backup"])))
        if a.get("backup")
        else view.plain("portraits", "no_backup" if client.listed else "backup_unasked"),
    ]
    lines.append((view.plain("portraits", "people"), "; ".join(p for p in people if p)))
    lines.append((view.plain("portraits", "known"), _known(view, client)))
    lines.append((view.plain("portraits", "plan"), _plan_of(view, client)))
    mine = view.tables["clients"]
    steps = mine.loc[mine["client_id"] == client.client_id, "to_do"] if len(mine) else pd.Series(dtype=object)
    codes = str(steps.iloc[0]).split(";") if len(steps) else ["fill_file"]
    lines.append((view.plain("portraits", "next"), "; ".join(view.plain("clients", c) for c in codes)))
    cols = [Col("what", view.plain("portraits", "what")), Col("said", view.plain("portraits", "said"))]
    frame = pd.DataFrame(lines, columns=["what", "said"])
    return table(frame, cols, fmt=view.fmt, sortable=False, wide=False)


def _known(view: ChapterView, client: KeyClient) -> str:
    a = client.answers
    parts = []
    if "file_share" in a:
        parts.append(view.plain("portraits", "file_is", share=a["file_share"]))
    if "buying_centre_share" in a:
        parts.append(view.plain("portraits", "centre_is", share=a["buying_centre_share"]))
    if "decision_maker_known" in a:
        key = "decides_known" if a["decision_maker_known"] else "decides_unknown"
        parts.append(view.plain("portraits", key))
    if "contacts" in a:
        parts.append(view.plain("portraits", "contacts_are", n=int(a["contacts"])))
    return "; ".join(parts) or view.plain("portraits", "unasked")


def _plan_of(view: ChapterView, client: KeyClient) -> str:
    a = client.answers
    if a.get("plan") is False:
        return view.plain("portraits", "no_plan")
    said = {key: a[key] for key, _, _ in PLAN_ITEMS if key in a}
    if not said and "plan" not in a:
        return view.plain("portraits", "unasked")
    parts = [view.plain("portraits", "has_plan")]
    if "plan_horizon_months" in a:
        parts.append(view.plain("portraits", "horizon", months=a["plan_horizon_months"]))
    lacks = [view.plain("faults", key) for key, given in said.items() if not given]
    if said:
        parts.append(view.plain("portraits", "items", n=len(said) - len(lacks), of=len(PLAN_ITEMS)))
    if lacks:
        parts.append(view.plain("portraits", "lacks", items=", ".join(lacks)))
    return "; ".join(parts)


def portraits(view: ChapterView) -> Section:
    """The portraits of the largest key clients."""
    mine = [c for c in key_clients(view.case) if c.listed]
    if not mine or view.tables["clients"].empty:
        return view.empty("portraits")
    shown = mine[:PORTRAITS]
    rest = view.say("portraits", "rest", n=len(mine) - len(shown)) if len(shown) < len(mine) else None
    return view.compose("portraits", [*(portrait(view, c, i) for i, c in enumerate(shown, 1)), rest])


def _unlisted_columns(view: ChapterView) -> list[Col]:
    return [
        Col("client_name", view.label("Клиент", "Client")),
        Col("client_key", view.label("Код", "Code")),
        Col("revenue", view.label("Выручка за 12 месяцев", "Revenue of 12 months"), "money"),
        Col("order_days", view.label("Дней заказа", "Order days"), "count"),
    ]


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "leads": leads,
    "faults": what_is_missing,
    "clients": clients,
    "not_listed": not_listed,
    "portraits": portraits,
}


def sheets(view: ChapterView) -> list[Sheet]:
    """Return the key clients with faults and steps, the lists of the managers, and large clients on no list."""
    out = []
    if len(view.tables["clients"]):
        frame = _client_frame(view)
        for f in FAULTS:
            frame[f] = [_mark(view, v) for v in frame[f]]
        frame["lacks"] = [
            "; ".join(view.plain("faults", k) for k in str(v).split(";") if k) for v in frame["plan_lacks"]
        ]
        columns = _client_columns(view)
        whole = [
            columns[0],
            Col("client_id", view.label("Код", "Code")),
            *columns[1:3],
            Col("seller_name", view.label("Кто ведёт по заказам", "Seller by the orders")),
            Col("nps", "NPS", "num", 0),
            *_fault_columns(view, counts=False),
            Col("lacks", view.label("Чего нет в плане", "What the plan lacks")),
            columns[4],
        ]
        out.append(view.sheet("clients", view.plain("clients", "title"), frame, whole))
        out.append(view.sheet("leads", view.plain("leads", "title"), _lead_frame(view), _lead_columns(view)))
    if len(view.tables["not_listed"]):
        out.append(
            view.sheet(
                "not_listed", view.plain("not_listed", "title"), view.tables["not_listed"], _unlisted_columns(view)
            )
        )
    return out
