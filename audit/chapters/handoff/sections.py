"""The chapter «Передача клиентов» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from audit.chapters.handoff import charts
from audit.errors import Text
from audit.ground.path import LOST, SERVERS
from audit.method import method
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView, named
from audit.present.charts.away import away_chart

__all__ = ["SECTIONS", "SHEET_NAMES", "sheets"]

SHEET_NAMES: dict[str, Text] = {
    "pairs": Text("Правила передачи", "Hand-off rules"),
    "following": Text("Передачи по правилу", "Hand-offs and the rule"),
    "switches": Text("Смена менеджера", "Change of manager"),
    "handed": Text("Переданные за 12 месяцев", "Clients handed over"),
    "path": Text("Путь нового клиента", "Path of a new client"),
    "continuation": Text("Потери по покупкам", "Losses by purchase"),
}
"""Table of the result (and of a finding) → name of its sheet in the annex."""

SHOWN = 15


def _word(view: ChapterView, list_name: str, code: object) -> str:
    answers = method().answers[list_name]
    return answers[str(code)].name.get(view.lang) if code is not None and str(code) in answers else "—"


def _ordinal(k: int) -> str:
    """Write an English ordinal: 1st, 2nd, 3rd, 4th, 11th."""
    ending = "th" if k % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(k % 10, "th")
    return f"{k}{ending}"


def _pair_frame(view: ChapterView) -> pd.DataFrame:
    """Return the pairs in words."""
    roles, triggers, fmt = method().roles, method().triggers, view.fmt
    words = {0.0: "documented", 1.0: "partly", 2.0: "none"}
    rows = []
    for r in view.tables["pairs"].to_dict("records"):
        trigger = triggers[str(r["trigger"])].name.get(view.lang) if r["trigger"] in triggers else "—"
        unit = triggers[str(r["trigger"])].tests if r["trigger"] in triggers else ""
        number = r[unit] if unit in ("k", "amount", "days") else None
        if number is not None and not pd.isna(number):
            written = trigger.replace("k-й", f"{fmt.num(number)}-й").replace("k-th", _ordinal(int(number)))
            trigger = written if written != trigger else f"{trigger}: {fmt.num(number)}"
        rows.append(
            {
                "pair": f"{roles[str(r['from_role'])].short.get(view.lang)} → "
                f"{roles[str(r['to_role'])].short.get(view.lang)}",
                "rule": view.plain("rule", "empty" if pd.isna(r["gap"]) else words[float(r["gap"])]),
                "trigger": trigger,
                "form": _word(view, "form", r["form"]),
                "pack": None if pd.isna(r["pack"]) else r["pack"],
                "deadline_days": r["deadline_days"],
                "pay": _word(view, "pay_after", r["pay_after"]),
            }
        )
    return pd.DataFrame(rows, columns=["pair", "rule", "trigger", "form", "pack", "deadline_days", "pay"])


def _pair_columns(view: ChapterView) -> list[Col]:
    return [
        Col("pair", view.label("Передача", "Hand-off")),
        Col("rule", view.label("Правило", "Rule")),
        Col("trigger", view.label("Когда", "When")),
        Col("form", view.label("Форма", "Form")),
        Col("pack", view.label("Что передают, из шести", "Handed over, of six"), "count"),
        Col("deadline_days", view.label("Срок, дней", "Deadline, days"), "days"),
        Col("pay", view.label("Оплата передающего", "Pay of the giver")),
    ]


def rule(view: ChapterView) -> Section:
    """Required pairs and what is said of each."""
    if view.metric("rule_gap").value is None and not view.result.facts["named"]:
        return view.compose("rule", [])
    pays = {str(p) for p in view.tables["pairs"]["pay_after"].dropna()}
    note = view.say("rule", "pay") if pays & {"NEG", "STOP"} else None
    return view.compose("rule", [table(_pair_frame(view), _pair_columns(view), fmt=view.fmt, sortable=False), note])


def practice(view: ChapterView) -> Section:
    """What the orders show of the hand-off from developer to client manager."""
    parts: list[Any] = []
    outcomes = view.result.facts.get("outcomes")
    if outcomes and sum(outcomes.values()):
        decided = outcomes["kept"] + outcomes["late"] + outcomes["early"]
        caption = view.caption("practice", "following", kept=outcomes["kept"], decided=decided)
        words = {o: view.plain("practice", o) for o in charts.OUTCOMES}
        parts.append(charts.following_chart(view.fmt, caption, outcomes, words))
    if view.metric("switch_number").value is not None:
        parts.append(view.say("practice", "number"))
    if view.metric("switch_lag").value is not None:
        parts.append(view.say("practice", "lag"))
    return view.compose("practice", parts)


def _continuation_columns(view: ChapterView) -> list[Col]:
    words = {"from": view.label("СР", "developer"), "to": view.label("новый менеджер", "new manager")}
    return [
        Col("purchase_no", view.label("Покупка №", "Purchase"), "count"),
        Col("side", view.label("Кто вёл", "Served by"), show=lambda v: words.get(str(v), str(v))),
        Col("clients", view.label("Клиентов", "Clients"), "count"),
        Col("lost", view.label("Не купили снова", "Not back"), "count"),
        Col("share", view.label("Доля", "Share"), "share"),
        Col("low", view.label("не ниже", "at least"), "share"),
        Col("high", view.label("не выше", "at most"), "share"),
    ]


def loss(view: ChapterView) -> Section:
    """Clients after the hand-off beside matched ones still with the developer."""
    m = view.metric("loss_difference")
    parts: list[Any] = []
    if m.value is not None:
        caption = view.caption("loss")
        parts.append(
            away_chart(
                view.tables["loss_curve"],
                view.fmt,
                caption,
                treated=view.plain("loss", "handed"),
                controls=view.plain("loss", "kept"),
                x_label=view.plain("loss", "x_label"),
                accent=view.case.settings.report.accent,
            )
        )
    frame = view.tables["continuation"]
    if len(frame):
        parts.append(
            table(
                frame,
                _continuation_columns(view),
                fmt=view.fmt,
                caption=view.plain("loss", "continuation"),
                sortable=False,
                note=view.plain("loss", "continuation_note"),
            )
        )
    return view.compose("loss", parts)


def _who(view: ChapterView, code: str) -> str:
    if code == "to" and "T" in view.result.facts["types"]:
        return view.plain("path", "to_t")
    return view.plain("path", code or "unknown")


def _path_columns(view: ChapterView) -> list[Col]:
    return [
        Col("stage", view.label("Покупка", "Purchase")),
        Col("name", view.label("Кто вёл", "Served by")),
        Col("clients", view.label("Клиентов", "Clients"), "count"),
        Col("next", view.label("Купили снова", "Bought again"), "count"),
        Col("share", view.label("Доля", "Share"), "share"),
        Col("low", view.label("не ниже", "at least"), "share"),
        Col("high", view.label("не выше", "at most"), "share"),
        Col("days", view.label("Через дней", "Days later"), "days"),
    ]


def _path_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["path_by"]
    return rows.assign(
        stage=[view.plain("path", "stage", k=int(k)) for k in rows["step"]], name=[_who(view, w) for w in rows["who"]]
    )


def path(view: ChapterView) -> Section:
    """First, second and third purchase of new clients by who serves, and what winning one costs."""
    links = view.tables["path"]
    if links.empty:
        return view.compose("path", [])
    x = view.result.facts["path"]
    codes = ("", *SERVERS, LOST)
    words = {c: _who(view, c) for c in codes}
    heads = [view.plain("path", "stage", k=k) for k in (1, 2, 3)]
    under = ["", *("" if d is None else view.plain("path", "after", days=d) for d in x["days"])]
    chart = charts.path_chart(links, view.fmt, view.caption("path"), words=words, heads=heads, under=under)
    rows = _path_frame(view)
    listed = table(rows, _path_columns(view), fmt=view.fmt, sortable=False) if len(rows) else None
    note = view.say("path", "note") if len(rows) else None
    return view.compose("path", [chart, listed, view.say("path", "cost"), note])


def _handed_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["handed"]
    words = [
        "overdue" if overdue else "waiting" if away else ""
        for away, overdue in zip(rows["still_away"], rows["overdue"], strict=True)
    ]
    rows = named(rows).assign(silence=[view.plain("handed", w) if w else "" for w in words])
    order = ["overdue", "still_away", "annual_value", "client_key"]
    return rows.sort_values(order, ascending=[False, False, False, True])


def _handed_columns(view: ChapterView) -> list[Col]:
    return [
        Col("client_name", view.label("Клиент", "Client")),
        Col("client_key", view.label("Код", "Code")),
        Col("day", view.label("Первая покупка с новым менеджером", "First purchase with the new manager"), "date"),
        Col("silence", view.label("С тех пор не покупал", "Not back since")),
        Col("annual_value", view.label("Выручка в год по его темпу", "Revenue a year at its pace"), "money"),
    ]


def handed(view: ChapterView) -> Section:
    """Clients handed over in the last 12 months, silent ones first."""
    if view.tables["handed"].empty:
        return view.empty("handed")
    listed = table(
        _handed_frame(view), _handed_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("handed")
    )
    return view.compose("handed", [listed])


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "path": path,
    "rule": rule,
    "practice": practice,
    "loss": loss,
    "handed": handed,
}


def sheets(view: ChapterView) -> list[Sheet]:
    """Return rules, clients by outcome, changes of manager, losses by purchase, clients handed over."""
    out = []
    if view.result.facts["named"]:
        out.append(view.sheet("pairs", view.plain("rule", "title"), _pair_frame(view), _pair_columns(view)))
    if len(view.tables["path_by"]):
        out.append(view.sheet("path", view.plain("path", "title"), _path_frame(view), _path_columns(view)))
    following = view.tables["following"]
    client = [Col("client_name", view.label("Клиент", "Client")), Col("client_key", view.label("Код", "Code"))]
    if len(following):
        frame = following.assign(outcome=[view.plain("practice", str(o)) for o in following["outcome"]])
        out.append(
            view.sheet(
                "following",
                view.plain("practice", "title"),
                frame,
                [
                    *client,
                    Col("due_no", view.label("Передать после покупки №", "Due after purchase"), "count"),
                    Col("due_day", view.label("Дата", "Date"), "date"),
                    Col("outcome", view.label("Итог", "Outcome")),
                ],
            )
        )
    switches = view.tables["switches"]
    if len(switches):
        out.append(
            view.sheet(
                "switches",
                view.plain("practice", "title"),
                switches,
                [
                    *client,
                    Col("purchases", view.label("Покупок", "Purchases"), "count"),
                    Col(
                        "switch_no",
                        view.label("Первая покупка с новым менеджером №", "First purchase with the new manager"),
                        "count",
                    ),
                    Col("switch_day", view.label("Дата", "Date"), "date"),
                    Col("lag_days", view.label("Пауза, дней", "Pause, days"), "days"),
                    Col("own_gap_days", view.label("Обычный промежуток, дней", "Usual gap, days"), "days"),
                    Col("lag_ratio", view.label("Пауза к промежутку", "Pause ÷ gap"), "num", 2),
                ],
            )
        )
    if len(view.tables["continuation"]):
        out.append(
            view.sheet(
                "continuation",
                view.plain("loss", "continuation"),
                view.tables["continuation"],
                _continuation_columns(view),
            )
        )
    if len(view.tables["handed"]):
        out.append(view.sheet("handed", view.plain("handed", "title"), _handed_frame(view), _handed_columns(view)))
    return out
