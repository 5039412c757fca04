"""The chapter «Передача клиентов» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.findings.rules.handoff import sheet
from audit.method import method
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView, named
from audit.present.chart import Caption
from audit.present.charts import handoff as charts

__all__ = ["SECTIONS", "SHEETS"]

SHOWN = 15


def _t(view: ChapterView, name: str, part: str, **values: Any) -> Markup:
    return view.narrative.section("handoff", name, part, view.result, **values)


def _plain(view: ChapterView, name: str, part: str, **values: Any) -> str:
    return str(_t(view, name, part, **values).unescape())


def _label(view: ChapterView, ru: str, en: str) -> str:
    return ru if view.lang == "ru" else en


def _section(view: ChapterView, name: str, parts: list[Any]) -> Section:
    return Section(
        f"handoff-{name}", _plain(view, name, "title"), [p for p in parts if p is not None], lead=_t(view, name, "lead")
    )


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
                "rule": _plain(view, "rule", "empty" if pd.isna(r["gap"]) else words[float(r["gap"])]),
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
        Col("pair", _label(view, "Передача", "Hand-off")),
        Col("rule", _label(view, "Правило", "Rule")),
        Col("trigger", _label(view, "Когда", "When")),
        Col("form", _label(view, "Форма", "Form")),
        Col("pack", _label(view, "Что передают, из шести", "Handed over, of six"), "count"),
        Col("deadline_days", _label(view, "Срок, дней", "Deadline, days"), "days"),
        Col("pay", _label(view, "Оплата передающего", "Pay of the giver")),
    ]


def rule(view: ChapterView) -> Section:
    """Required pairs and what is said of each."""
    if view.result.metrics["handoff.rule_gap"].value is None and not view.result.facts["named"]:
        return _section(view, "rule", [])
    pays = {str(p) for p in view.tables["pairs"]["pay_after"].dropna()}
    note = _t(view, "rule", "pay") if pays & {"NEG", "STOP"} else None
    return _section(view, "rule", [table(_pair_frame(view), _pair_columns(view), fmt=view.fmt, sortable=False), note])


def practice(view: ChapterView) -> Section:
    """What the orders show of the hand-off from developer to client manager."""
    parts: list[Any] = []
    outcomes = view.result.facts.get("outcomes")
    if outcomes and sum(outcomes.values()):
        decided = outcomes["kept"] + outcomes["late"] + outcomes["early"]
        caption = Caption(
            "handoff-following",
            _plain(view, "practice", "chart", kept=outcomes["kept"], decided=decided),
            note=_plain(view, "practice", "chart_note"),
        )
        words = {o: _plain(view, "practice", o) for o in charts.OUTCOMES}
        parts.append(charts.following_chart(view.fmt, caption, outcomes, words))
    if view.result.metrics["handoff.switch_number"].value is not None:
        parts.append(_t(view, "practice", "number"))
    if view.result.metrics["handoff.switch_lag"].value is not None:
        parts.append(_t(view, "practice", "lag"))
    return _section(view, "practice", parts)


def _continuation_columns(view: ChapterView) -> list[Col]:
    words = {"from": _label(view, "СР", "developer"), "to": _label(view, "новый менеджер", "new manager")}
    return [
        Col("purchase_no", _label(view, "Покупка №", "Purchase"), "count"),
        Col("side", _label(view, "Кто вёл", "Served by"), show=lambda v: words.get(str(v), str(v))),
        Col("clients", _label(view, "Клиентов", "Clients"), "count"),
        Col("lost", _label(view, "Не купили снова", "Not back"), "count"),
        Col("share", _label(view, "Доля", "Share"), "share"),
        Col("low", _label(view, "не ниже", "at least"), "share"),
        Col("high", _label(view, "не выше", "at most"), "share"),
    ]


def loss(view: ChapterView) -> Section:
    """Clients after the hand-off beside matched ones still with the developer."""
    m = view.result.metrics["handoff.loss_difference"]
    parts: list[Any] = []
    if m.value is not None:
        caption = Caption("handoff-loss", _plain(view, "loss", "chart"), note=_plain(view, "loss", "chart_note"))
        parts.append(
            charts.away_chart(
                view.tables["loss_curve"],
                view.fmt,
                caption,
                treated=_plain(view, "loss", "handed"),
                controls=_plain(view, "loss", "kept"),
                x_label=_plain(view, "loss", "x_label"),
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
                caption=_plain(view, "loss", "continuation"),
                sortable=False,
                note=_plain(view, "loss", "continuation_note"),
            )
        )
    return _section(view, "loss", parts)


def _handed_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["handed"]
    words = [
        "overdue" if overdue else "waiting" if away else ""
        for away, overdue in zip(rows["still_away"], rows["overdue"], strict=True)
    ]
    rows = named(rows).assign(silence=[_plain(view, "handed", w) if w else "" for w in words])
    order = ["overdue", "still_away", "annual_value", "client_key"]
    return rows.sort_values(order, ascending=[False, False, False, True])


def _handed_columns(view: ChapterView) -> list[Col]:
    return [
        Col("client_name", _label(view, "Клиент", "Client")),
        Col("client_key", _label(view, "Код", "Code")),
        Col("day", _label(view, "Первая покупка с новым менеджером", "First purchase with the new manager"), "date"),
        Col("silence", _label(view, "С тех пор не покупал", "Not back since")),
        Col("annual_value", _label(view, "Выручка в год по его темпу", "Revenue a year at its pace"), "money"),
    ]


def handed(view: ChapterView) -> Section:
    """Clients handed over in the last 12 months, silent ones first."""
    if view.tables["handed"].empty:
        return Section("handoff-handed", "", [])
    listed = table(
        _handed_frame(view), _handed_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=sheet(view.case, "handed")
    )
    return _section(view, "handed", [listed])


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "rule": rule,
    "practice": practice,
    "loss": loss,
    "handed": handed,
}


def SHEETS(view: ChapterView) -> list[Sheet]:
    """Return rules, clients by outcome, changes of manager, losses by purchase, clients handed over."""
    case, out = view.case, []
    if view.result.facts["named"]:
        out.append(Sheet(sheet(case, "pairs"), _plain(view, "rule", "title"), _pair_frame(view), _pair_columns(view)))
    following = view.tables["following"]
    client = [Col("client_name", _label(view, "Клиент", "Client")), Col("client_key", _label(view, "Код", "Code"))]
    if len(following):
        frame = following.assign(outcome=[_plain(view, "practice", str(o)) for o in following["outcome"]])
        out.append(
            Sheet(
                sheet(case, "following"),
                _plain(view, "practice", "title"),
                frame,
                [
                    *client,
                    Col("due_no", _label(view, "Передать после покупки №", "Due after purchase"), "count"),
                    Col("due_day", _label(view, "Дата", "Date"), "date"),
                    Col("outcome", _label(view, "Итог", "Outcome")),
                ],
            )
        )
    switches = view.tables["switches"]
    if len(switches):
        out.append(
            Sheet(
                sheet(case, "switches"),
                _plain(view, "practice", "title"),
                switches,
                [
                    *client,
                    Col("purchases", _label(view, "Покупок", "Purchases"), "count"),
                    Col(
                        "switch_no",
                        _label(view, "Первая покупка с новым менеджером №", "First purchase with the new manager"),
                        "count",
                    ),
                    Col("switch_day", _label(view, "Дата", "Date"), "date"),
                    Col("lag_days", _label(view, "Пауза, дней", "Pause, days"), "days"),
                    Col("own_gap_days", _label(view, "Обычный промежуток, дней", "Usual gap, days"), "days"),
                    Col("lag_ratio", _label(view, "Пауза к промежутку", "Pause ÷ gap"), "num", 2),
                ],
            )
        )
    if len(view.tables["continuation"]):
        out.append(
            Sheet(
                sheet(case, "continuation"),
                _plain(view, "loss", "continuation"),
                view.tables["continuation"],
                _continuation_columns(view),
            )
        )
    if len(view.tables["handed"]):
        out.append(
            Sheet(sheet(case, "handed"), _plain(view, "handed", "title"), _handed_frame(view), _handed_columns(view))
        )
    return out
