"""The chapter «Клиентская база» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from audit.chapters.clients import charts
from audit.chapters.clients.service import whale
from audit.errors import Text
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView, named
from audit.present.chart import Chart

__all__ = ["SECTIONS", "SHEET_NAMES", "sheets"]

SHEET_NAMES: dict[str, Text] = {
    "clients": Text("Клиенты и классы", "Clients and classes"),
    "holdings": Text("Холдинги", "Holdings"),
    "off_profile": Text("Непрофильные клиенты", "Off-profile clients"),
    "wallet": Text("Доля в закупках", "Share of wallet"),
    "gaps": Text("Недостающие категории", "Missing categories"),
    "giants": Text("Непосильные заказы", "Orders too large"),
    "growth": Text("Рост сверх сегмента", "Growth beyond segment"),
}
"""Table of the result (and of a finding) → name of its sheet in the annex."""

SHOWN = 15
SEEN_LOSS = 0.01
"""A fall behind the peak of the whale curve is drawn and spoken of from this part of the peak on."""
MOST_WALLETS = 12
"""Clients in the picture of wallets; the table has more."""


def _limits(view: ChapterView) -> dict[str, Any]:
    return {"a": view.case.thresholds.value("base.abc_a"), "b": view.case.thresholds.value("base.abc_b")}


def _yes(view: ChapterView) -> Callable[[Any], str]:
    return lambda v: "" if v is None or v != v else view.label("да", "yes") if v else ""


def _strategy(view: ChapterView) -> Callable[[Any], str]:
    """Return how a strategy is written in the report: in words, the letter is for the annex."""
    names = {letter: view.plain("strategies", letter) for letter in "ABCD"}
    return lambda v: names.get(str(v), "—")


# --- columns shared by the report and the annex


def _client(view: ChapterView) -> Col:
    return Col("client_name", view.label("Клиент", "Client"))


def _top_columns(view: ChapterView) -> list[Col]:
    columns = [
        _client(view),
        Col("revenue", view.label("Выручка", "Revenue"), "money"),
        Col("revenue_share", view.label("Доля", "Share"), "share"),
        Col("orders", view.label("Заказов", "Orders"), "count"),
        Col("abc", "ABC"),
        Col("xyz", "XYZ"),
        Col("abcd", view.label("Стратегия", "Strategy"), show=_strategy(view)),
    ]
    if view.result.facts["has_margin"]:
        columns[4:4] = [Col("margin_share", view.label("Валовая маржа", "Gross margin"), "share")]
    return columns


def _off_columns(view: ChapterView) -> list[Col]:
    checked = view.result.facts.get("off_criteria", [])
    columns = [
        _client(view),
        Col("revenue", view.label("Выручка", "Revenue"), "money"),
        Col("orders", view.label("Заказов", "Orders"), "count"),
        Col("claims", view.label("Рекламаций", "Claims"), "count"),
        Col("returns", view.label("Возвратов", "Returns"), "count"),
    ]
    if "margin" in checked:
        columns.append(Col("margin_share", view.label("Валовая маржа", "Gross margin"), "share"))
    if "rare" in checked:
        columns.append(Col("rare_share", view.label("В редких товарах", "In rare goods"), "share"))
    names = {"margin": ("маржа", "margin"), "rare": ("товары", "goods"), "effort": ("заказы и претензии", "effort")}
    for flag in checked:
        ru, en = names[flag]
        columns.append(Col(f"flag_{flag}", view.label(f"Признак: {ru}", f"Mark: {en}"), show=_yes(view)))
    return columns


def _wallet_columns(view: ChapterView) -> list[Col]:
    return [
        _client(view),
        Col("share", view.label("Наша доля", "Our share"), "share"),
        Col("stated", view.label("названа", "stated"), "share"),
        Col("computed", view.label("по бюджету", "by budget"), "share"),
        Col("annual_revenue", view.label("Выручка за год", "Revenue a year"), "money"),
        Col("budget", view.label("Бюджет за год", "Budget a year"), "money"),
        Col("headroom", view.label("Уходит другим", "Goes elsewhere"), "money"),
    ]


def _gap_columns(view: ChapterView) -> list[Col]:
    return [
        _client(view),
        Col("category", view.label("Недостающая категория", "Missing category")),
        Col("peers_share", view.label("Берут похожие", "Similar clients buy it"), "share"),
        Col("typical_share", view.label("Обычная доля у них", "Its usual share with them"), "share"),
        Col("expected_revenue", view.label("Ожидаемая выручка", "Expected revenue"), "money"),
    ]


def _growth_columns(view: ChapterView) -> list[Col]:
    names = view.result.facts.get("labels", {})
    return [
        Col("manager", view.label("Менеджер", "Manager"), show=lambda v: names.get(str(v), str(v))),
        Col("clients", view.label("Клиентов", "Clients"), "count"),
        Col("prior_revenue", view.label("Выручка год назад", "Revenue a year ago"), "money"),
        Col("revenue", view.label("Выручка", "Revenue"), "money"),
        Col("expected_revenue", view.label("Если бы рос как сегменты", "If it grew as the segments"), "money"),
        Col("earned_share", view.label("Рост сверх сегмента", "Growth beyond"), "change"),
        Col("low", view.label("не ниже", "at least"), "change"),
        Col("high", view.label("не выше", "at most"), "change"),
        Col("new_category_share", view.label("В новых категориях", "In new categories"), "share"),
        Col("operational_share", view.label("Операционная загрузка", "Operational load"), "share"),
    ]


# --- sections


def spread(view: ChapterView) -> Section:
    """How revenue is spread over clients, and the largest of them."""
    clients = view.tables["clients"]
    if view.metric("top1_share").value is None:
        return view.compose("spread", [])
    limits = _limits(view)
    words = {k: view.plain("spread", k) for k in ("x", "y", "equal", "top")}
    chart = charts.spread_chart(
        [float(v) for v in clients["revenue_share"]],
        view.fmt,
        view.caption("spread", **limits),
        limits=(limits["a"], limits["b"]),
        words=words,
    )
    listed = table(
        named(clients), _top_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("clients"), wide=False
    )
    return view.compose("spread", [chart, listed])


def classes(view: ChapterView) -> Section:
    """Classes A, B, C and what they take and bring."""
    frame = view.tables["classes"]
    limits = _limits(view)
    if view.tables["clients"].empty:
        return view.compose("classes", [], **limits)
    first = frame.set_index("label").loc["A"]
    values: dict[str, Any] = {
        "clients": first["client_share"],
        "orders": first["order_share"],
        "revenue": first["revenue_share"],
    }
    names = {k: view.plain("classes", k) for k in ("clients", "orders", "revenue", "gross_profit")}
    chart = charts.classes_chart(frame, view.fmt, view.caption("classes", **values), names)
    return view.compose("classes", [chart], **limits)


def strategies(view: ChapterView) -> Section:
    """Four strategies by size and room to grow."""
    frame = view.tables["strategies"]
    by = frame.set_index("label")["clients"]
    n = int(by.sum())
    parts: list[Any] = []
    if n:
        keys = ("A", "B", "C", "D", "room", "no_room", "large", "small", "revenue")
        words = {k: view.plain("strategies", k) for k in keys}
        words |= {f"clients_{letter}": view.plain("strategies", "clients", n=int(by[letter])) for letter in "ABCD"}
        caption = view.caption("strategies", a=int(by["A"]), c=int(by["C"]), n=n)
        parts.append(charts.strategies_chart(frame, view.fmt, caption, words))
        clients = view.tables["clients"]
        source = {k: view.plain("strategies", k) for k in ("wallet", "range", "best")}
        rows = named(clients[clients["abcd"].isin(["A", "C"])])
        columns = [
            _client(view),
            Col("abcd", view.label("Стратегия", "Strategy"), show=_strategy(view)),
            Col("revenue", view.label("Выручка", "Revenue"), "money"),
            Col(
                "room_from", view.label("Откуда видно место", "Where room shows"), show=lambda v: source.get(str(v), "")
            ),
            Col("to_best", view.label("К своим лучшим кварталам", "To own best quarters"), "share"),
            Col("missing", view.label("Недостаёт категорий", "Missing categories"), "num"),
        ]
        if rows["wallet_share"].notna().any():
            columns.append(Col("wallet_share", view.label("Наша доля бюджета", "Our share of budget"), "share"))
        parts.append(table(rows, columns, fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("clients"), wide=False))
        parts.append(view.say("strategies", "note"))
    return view.compose("strategies", parts)


def tail(view: ChapterView) -> Section:
    """The smaller half of clients."""
    orders, revenue = view.metric("tail_order_share"), view.metric("tail_revenue_share")
    if orders.value is None or revenue.value is None:
        return view.compose("tail", [])
    names = {k: view.plain("classes", k) for k in ("clients", "orders", "revenue")}
    n = view.result.facts["clients"]
    rows = {
        names["clients"]: view.result.facts["tail_clients"] / n,
        names["orders"]: orders.value,
        names["revenue"]: revenue.value,
    }
    chart = charts.halves_chart(
        rows, view.fmt, view.caption("tail"), smaller=view.plain("tail", "smaller"), larger=view.plain("tail", "larger")
    )
    return view.compose("tail", [chart])


def _contribution_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", view.label("Стратегия", "Strategy")),
        Col("clients", view.label("Клиентов", "Clients"), "count"),
        Col("orders", view.label("Заказов", "Orders"), "count"),
        Col("revenue", view.label("Выручка", "Revenue"), "money"),
        Col("profit", view.label("Валовая прибыль", "Gross profit"), "money"),
        Col("service_cost", view.label("Работа над заказами", "Work of the orders"), "money"),
        Col("contribution", view.label("Остаётся", "Left"), "money"),
        Col("losing", view.label("Не окупают работу", "Do not pay for it"), "count"),
    ]


def _contribution_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["contribution"]
    names = [view.plain("strategies", str(v)) if v else view.plain("after_service", "unknown") for v in rows["label"]]
    sums: dict[str, Any] = {c: rows[c].sum() for c in rows.columns if c != "label"}
    total = pd.DataFrame([sums | {"name": view.label("Всего", "Total")}])
    return pd.concat([rows.assign(name=names), total], ignore_index=True)


def _levers(view: ChapterView) -> Any:
    """Return the four things to settle before anybody is hired, each with its figure."""
    keys = ("simplify", "minimum", "portal", "fee")
    step = view.plain("after_service", str(view.result.facts["longest_step"]))
    rows = [
        {"name": view.plain("after_service", k), "figure": view.plain("after_service", f"{k}_figure", step=step)}
        for k in keys
    ]
    columns = [
        Col("name", view.label("Что решить до найма", "To settle before hiring")),
        Col("figure", view.label("Что говорят цифры", "What the figures say")),
    ]
    return table(pd.DataFrame(rows), columns, fmt=view.fmt, sortable=False, wide=False)


def after_service(view: ChapterView) -> Section:
    """What the work of their orders leaves of clients, and what it opens for decision."""
    if view.metric("losing_client_share").value is None:
        return view.compose("after_service", [])
    clients = view.tables["clients"]
    year = float(view.result.facts["to_year"])
    found = whale(clients["contribution"])
    falls = found.lost > SEEN_LOSS * found.peak
    words = {k: view.plain("after_service", k) for k in ("x", "y", "peak", "end")}
    running = [float(v) for v in found.running * year]
    chart = charts.whale_chart(running, view.fmt, view.caption("after_service", falls=falls), words=words, falls=falls)
    rows = _contribution_frame(view)
    total = view.label("Всего", "Total")
    listed = table(
        rows,
        _contribution_columns(view),
        fmt=view.fmt,
        sortable=False,
        sheet=view.sheet_name("clients"),
        emphasise=lambda row: "total" if row["name"] == total else "",
    )
    return view.compose("after_service", [chart, listed, _levers(view), view.say("after_service", "note")])


def off_profile(view: ChapterView) -> Section:
    """Off-profile clients by list."""
    names = {k: view.plain("off_profile", k) for k in ("margin", "rare", "effort")}
    rows = _off_rows(view)
    listed = None
    if len(rows):
        listed = table(
            rows, _off_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("off_profile"), wide=False
        )
    return view.compose("off_profile", [listed], names=names)


def _off_rows(view: ChapterView) -> pd.DataFrame:
    clients = view.tables["clients"]
    mark = clients["off_profile"].eq(True) if "off_profile" in clients else pd.Series(False, index=clients.index)
    rows = clients[mark.astype(bool)]
    return named(rows.sort_values(["orders", "client_key"], ascending=[False, True]))


def wallet(view: ChapterView) -> Section:
    """Our share of key clients' wallets."""
    frame = _wallet_rows(view)
    if view.metric("wallet_share").value is None or frame.empty:
        return view.compose("wallet", [])
    top = frame.head(MOST_WALLETS)
    chart = charts.wallet_chart(
        [str(v) for v in top["client_name"]],
        [float(v) for v in top["share"]],
        view.fmt,
        view.caption("wallet"),
        view.case.thresholds["base.wallet_headroom"],
    )
    listed = table(
        frame,
        _wallet_columns(view),
        fmt=view.fmt,
        max_rows=SHOWN,
        paper_rows=0,
        sheet=view.sheet_name("wallet"),
        wide=False,
    )
    return view.compose("wallet", [chart, listed])


def _wallet_rows(view: ChapterView) -> pd.DataFrame:
    frame = view.tables["wallet"]
    return named(frame.sort_values(["headroom", "client_key"], ascending=[False, True], ignore_index=True))


def assortment(view: ChapterView) -> Section:
    """Categories that similar clients buy and this one does not."""
    m = view.metric("range_gap")
    half = (
        None
        if m.value is None
        else math.ceil(view.case.thresholds.value("base.similar_min_share") * float(m.extra["peers"]) - 1e-9)
    )
    by_category = view.tables["missing_categories"]
    if m.value is None or by_category.empty:
        return view.compose("range", [], peers_half=half)
    top = by_category.head(10)
    first = top.iloc[0]
    caption = view.caption("range", top=str(first["category"]), clients=int(first["clients"]))
    chart = charts.categories_chart(
        [str(v) for v in top["category"]], [int(v) for v in top["clients"]], view.fmt, caption
    )
    listed = table(
        named(view.tables["gaps"]),
        _gap_columns(view),
        fmt=view.fmt,
        max_rows=SHOWN,
        sheet=view.sheet_name("gaps"),
        wide=False,
    )
    return view.compose("range", [chart, listed, view.say("range", "note")], peers_half=half)


def giants(view: ChapterView) -> Section:
    """Orders too large and the others after them."""
    frame = view.tables["giants"]
    if frame.empty:
        return view.compose("giants", [])
    parts: list[Any] = []
    outcomes = view.tables["outcomes"]
    if len(outcomes):
        parts.append(_outcomes_chart(view, outcomes))
        parts.append(
            table(
                outcomes,
                [
                    Col(
                        "outcome",
                        view.label("У остальных", "With the others"),
                        show=lambda v: view.plain("giants", str(v)),
                    ),
                    Col("before", view.label("До", "Before"), "share", 1),
                    Col("after", view.label("После", "After"), "share", 1),
                    Col("p", view.label("p одного показателя", "p of one outcome"), "num", show=lambda v: _p(view, v)),
                ],
                fmt=view.fmt,
                sortable=False,
            )
        )
    parts.append(
        table(named(frame), _giant_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("giants"))
    )
    parts.append(view.say("giants", "note"))
    return view.compose("giants", parts)


def _p(view: ChapterView, value: Any) -> str:
    least = 0.001
    return f"< {view.fmt.num(least, 3)}" if float(value) < least else view.fmt.num(value, 3)


def _giant_columns(view: ChapterView) -> list[Col]:
    return [
        _client(view),
        Col("day", view.label("День", "Day"), "date"),
        Col("revenue", view.label("Сумма", "Amount"), "money"),
    ]


def _outcomes_chart(view: ChapterView, outcomes: pd.DataFrame) -> Chart | None:
    rows = []
    for r in outcomes.to_dict("records"):
        rows += [
            (view.plain("giants", f"{r['outcome']}_before"), float(r["before"])),
            (view.plain("giants", f"{r['outcome']}_after"), float(r["after"])),
        ]
    worst = outcomes.sort_values("p", kind="stable").iloc[0]
    caption = view.caption(
        "giants",
        outcome=view.plain("giants", str(worst["outcome"])),
        before=float(worst["before"]),
        after=float(worst["after"]),
    )
    return charts.outcomes_chart(rows, view.fmt, caption)


def growth(view: ChapterView) -> Section:
    """Earned growth per manager beside the operational load."""
    frame = view.tables["growth"]
    if frame.empty:
        return view.compose("growth", [], rows=0)
    names = view.result.facts["labels"]
    drawn = frame[frame["compared"].astype(bool)].head(SHOWN)
    span = {"lowest": drawn["earned_share"].min(), "highest": drawn["earned_share"].max()} if len(drawn) else {}
    caption = view.caption("growth", **{"lowest": None, "highest": None, **span})
    chart = charts.growth_chart(drawn, view.fmt, caption, names, view.plain("growth", "zero"))
    listed = table(
        frame, _growth_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=view.sheet_name("growth"), wide=False
    )
    return view.compose("growth", [chart, listed, view.say("growth", "note")], rows=len(frame))


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "spread": spread,
    "classes": classes,
    "strategies": strategies,
    "tail": tail,
    "after_service": after_service,
    "off_profile": off_profile,
    "wallet": wallet,
    "range": assortment,
    "giants": giants,
    "growth": growth,
}


def _whole_client_columns(view: ChapterView) -> list[Col]:
    return [
        Col("client_key", view.label("Код", "Code")),
        _client(view),
        Col("segment", view.label("Сегмент", "Segment")),
        Col("holding", view.label("Холдинг", "Holding")),
        Col("revenue", view.label("Выручка", "Revenue"), "money_full"),
        Col("revenue_share", view.label("Доля выручки", "Share of revenue"), "share"),
        Col("gross_profit", view.label("Валовая прибыль", "Gross profit"), "money_full"),
        Col("margin_share", view.label("Валовая маржа", "Gross margin"), "share"),
        Col("service_cost", view.label("Работа над заказами", "Work of the orders"), "money_full"),
        Col("contribution", view.label("Остаётся после неё", "Left after it"), "money_full"),
        Col("orders", view.label("Заказов", "Orders"), "count"),
        Col("order_days", view.label("Дней заказа", "Order days"), "count"),
        Col("abc", view.label("ABC по выручке", "ABC by revenue")),
        Col("abc_margin", view.label("ABC по прибыли", "ABC by profit")),
        Col("xyz", "XYZ"),
        Col("variation", view.label("Вариация по кварталам", "Variation by quarters"), "num", 2),
        Col("best_year", view.label("Лучшие 4 квартала", "Best 4 quarters"), "money_full"),
        Col("to_best", view.label("К лучшим кварталам", "To best quarters"), "share"),
        Col("missing", view.label("Недостаёт категорий", "Missing categories"), "num"),
        Col("missing_beyond_chance", view.label("из них не случайно", "not by chance"), "num", 1),
        Col("wallet_share", view.label("Наша доля бюджета", "Our share of budget"), "share"),
        Col("abcd", view.label("Стратегия", "Strategy")),
        Col("smaller_half", view.label("Меньшая половина", "Smaller half"), show=_yes(view)),
        Col("off_profile", view.label("Непрофильный", "Off-profile"), show=_yes(view)),
    ]


def sheets(view: ChapterView) -> list[Sheet]:
    """Return clients with their classes, holdings, off-profile clients, wallets, gaps, giant orders and growth."""
    clients = named(view.tables["clients"])
    yes = _yes(view)
    written = clients.assign(
        **{c: [yes(v) for v in clients[c]] for c in ("smaller_half", "off_profile") if c in clients}
    )
    sheets = [view.sheet("clients", view.plain("spread", "title"), written, _whole_client_columns(view))]
    holdings = view.tables["holdings"]
    if len(holdings) and int((holdings["clients"] > 1).sum()):
        sheets.append(
            view.sheet(
                "holdings",
                view.plain("spread", "title"),
                holdings,
                [
                    Col("name", view.label("Холдинг или клиент", "Holding or client")),
                    Col("clients", view.label("Клиентов", "Clients"), "count"),
                    Col("revenue", view.label("Выручка", "Revenue"), "money_full"),
                ],
            )
        )
    off = _off_rows(view)
    if len(off):
        flags = {c: [yes(v) for v in off[c]] for c in off.columns if c.startswith("flag_")}
        sheets.append(
            view.sheet("off_profile", view.plain("off_profile", "title"), off.assign(**flags), _off_columns(view))
        )
    wallets = _wallet_rows(view)
    if len(wallets):
        sheets.append(view.sheet("wallet", view.plain("wallet", "title"), wallets, _wallet_columns(view)))
    if len(view.tables["gaps"]):
        sheets.append(view.sheet("gaps", view.plain("range", "title"), named(view.tables["gaps"]), _gap_columns(view)))
    if len(view.tables["giants"]):
        sheets.append(
            view.sheet("giants", view.plain("giants", "title"), named(view.tables["giants"]), _giant_columns(view))
        )
    growth_rows = view.tables["growth"]
    if len(growth_rows):
        names = view.result.facts["labels"]
        shown = growth_rows.assign(manager=[names.get(str(m), str(m)) for m in growth_rows["manager"]])
        sheets.append(view.sheet("growth", view.plain("growth", "title"), shown, _growth_columns(view)))
    return sheets
