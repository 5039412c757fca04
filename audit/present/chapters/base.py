"""The chapter «Клиентская база» as sections of the report, and its lists as sheets of the annex."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.errors import Text
from audit.findings.rules.base import SHEETS as SHEET_NAMES
from audit.model.result import Metric
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView, named
from audit.present.chart import Caption, Chart
from audit.present.charts import clients as charts

__all__ = ["SECTIONS", "SHEETS"]

SHOWN = 15
MOST_WALLETS = 12
"""Clients in the picture of wallets; the table has more."""


def _t(view: ChapterView, section: str, part: str, /, **values: Any) -> Markup:
    return view.narrative.section("base", section, part, view.result, **values)


def _plain(view: ChapterView, section: str, part: str, /, **values: Any) -> str:
    return str(_t(view, section, part, **values).unescape())


def _metric(view: ChapterView, name: str) -> Metric:
    return view.result.metrics[f"base.{name}"]


def _label(view: ChapterView, ru: str, en: str) -> str:
    return Text(ru, en).get(view.lang)


def _sheet_name(view: ChapterView, name: str) -> str:
    return SHEET_NAMES[name].get(view.lang)


def _caption(view: ChapterView, section: str, /, **values: Any) -> Caption:
    return Caption(
        f"base-{section.replace('_', '-')}",
        _plain(view, section, "chart", **values),
        note=_plain(view, section, "chart_note", **values),
    )


def _section(view: ChapterView, name: str, parts: list[Any], **values: Any) -> Section:
    return Section(
        f"base-{name.replace('_', '-')}",
        _plain(view, name, "title"),
        [p for p in parts if p is not None and p != ""],
        lead=_t(view, name, "lead", **values),
    )


def _limits(view: ChapterView) -> dict[str, float]:
    return {"a": view.case.thresholds.value("base.abc_a"), "b": view.case.thresholds.value("base.abc_b")}


def _yes(view: ChapterView) -> Callable[[Any], str]:
    return lambda v: "" if v is None or v != v else _label(view, "да", "yes") if v else ""


def _strategy(view: ChapterView) -> Callable[[Any], str]:
    """Return how a strategy is written in the report: in words, the letter is for the annex."""
    names = {letter: _plain(view, "strategies", letter) for letter in "ABCD"}
    return lambda v: names.get(str(v), "—")


# --- columns shared by the report and the annex


def _client(view: ChapterView) -> Col:
    return Col("client_name", _label(view, "Клиент", "Client"))


def _top_columns(view: ChapterView) -> list[Col]:
    columns = [
        _client(view),
        Col("revenue", _label(view, "Выручка", "Revenue"), "money"),
        Col("revenue_share", _label(view, "Доля", "Share"), "share"),
        Col("orders", _label(view, "Заказов", "Orders"), "count"),
        Col("abc", "ABC"),
        Col("xyz", "XYZ"),
        Col("abcd", _label(view, "Стратегия", "Strategy"), show=_strategy(view)),
    ]
    if view.result.facts["has_margin"]:
        columns[4:4] = [Col("margin_share", _label(view, "Валовая маржа", "Gross margin"), "share")]
    return columns


def _off_columns(view: ChapterView) -> list[Col]:
    checked = view.result.facts.get("off_criteria", [])
    columns = [
        _client(view),
        Col("revenue", _label(view, "Выручка", "Revenue"), "money"),
        Col("orders", _label(view, "Заказов", "Orders"), "count"),
        Col("claims", _label(view, "Рекламаций", "Claims"), "count"),
        Col("returns", _label(view, "Возвратов", "Returns"), "count"),
    ]
    if "margin" in checked:
        columns.append(Col("margin_share", _label(view, "Валовая маржа", "Gross margin"), "share"))
    if "rare" in checked:
        columns.append(Col("rare_share", _label(view, "В редких товарах", "In rare goods"), "share"))
    names = {"margin": ("маржа", "margin"), "rare": ("товары", "goods"), "effort": ("хлопоты", "effort")}
    for flag in checked:
        ru, en = names[flag]
        columns.append(Col(f"flag_{flag}", _label(view, f"Признак: {ru}", f"Mark: {en}"), show=_yes(view)))
    return columns


def _wallet_columns(view: ChapterView) -> list[Col]:
    return [
        _client(view),
        Col("share", _label(view, "Наша доля", "Our share"), "share"),
        Col("stated", _label(view, "названа", "stated"), "share"),
        Col("computed", _label(view, "по бюджету", "by budget"), "share"),
        Col("annual_revenue", _label(view, "Выручка за год", "Revenue a year"), "money"),
        Col("budget", _label(view, "Бюджет за год", "Budget a year"), "money"),
        Col("headroom", _label(view, "Уходит другим", "Goes elsewhere"), "money"),
    ]


def _gap_columns(view: ChapterView) -> list[Col]:
    return [
        _client(view),
        Col("category", _label(view, "Недостающая категория", "Missing category")),
        Col("peers_share", _label(view, "Берут похожие", "Similar clients buy it"), "share"),
        Col("typical_share", _label(view, "Обычная доля у них", "Its usual share with them"), "share"),
        Col("expected_revenue", _label(view, "Ожидаемая выручка", "Expected revenue"), "money"),
    ]


def _growth_columns(view: ChapterView) -> list[Col]:
    names = view.result.facts.get("labels", {})
    return [
        Col("manager", _label(view, "Менеджер", "Manager"), show=lambda v: names.get(str(v), str(v))),
        Col("clients", _label(view, "Клиентов", "Clients"), "count"),
        Col("prior_revenue", _label(view, "Выручка год назад", "Revenue a year ago"), "money"),
        Col("revenue", _label(view, "Выручка", "Revenue"), "money"),
        Col("expected_revenue", _label(view, "Если бы рос как сегменты", "If it grew as the segments"), "money"),
        Col("earned_share", _label(view, "Рост сверх сегмента", "Growth beyond"), "change"),
        Col("low", _label(view, "не ниже", "at least"), "change"),
        Col("high", _label(view, "не выше", "at most"), "change"),
        Col("new_category_share", _label(view, "В новых категориях", "In new categories"), "share"),
        Col("operational_share", _label(view, "Операционная загрузка", "Operational load"), "share"),
    ]


# --- sections


def spread(view: ChapterView) -> Section:
    """How revenue is spread over clients, and the largest of them."""
    clients = view.tables["clients"]
    if _metric(view, "top1_share").value is None:
        return _section(view, "spread", [])
    limits = _limits(view)
    words = {k: _plain(view, "spread", k) for k in ("x", "y", "equal", "top")}
    chart = charts.spread_chart(
        [float(v) for v in clients["revenue_share"]],
        view.fmt,
        _caption(view, "spread", **limits),
        limits=(limits["a"], limits["b"]),
        words=words,
    )
    listed = table(
        named(clients), _top_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=_sheet_name(view, "clients"), wide=False
    )
    return _section(view, "spread", [chart, listed])


def classes(view: ChapterView) -> Section:
    """Classes A, B, C and what they take and bring."""
    frame = view.tables["classes"]
    limits = _limits(view)
    if view.tables["clients"].empty:
        return _section(view, "classes", [], **limits)
    first = frame.set_index("label").loc["A"]
    values = {"clients": first["client_share"], "orders": first["order_share"], "revenue": first["revenue_share"]}
    names = {k: _plain(view, "classes", k) for k in ("clients", "orders", "revenue", "gross_profit")}
    chart = charts.classes_chart(frame, view.fmt, _caption(view, "classes", **values), names)
    return _section(view, "classes", [chart], **limits)


def strategies(view: ChapterView) -> Section:
    """Four strategies by size and room to grow."""
    frame = view.tables["strategies"]
    by = frame.set_index("label")["clients"]
    n = int(by.sum())
    parts: list[Any] = []
    if n:
        keys = ("A", "B", "C", "D", "room", "no_room", "large", "small", "revenue")
        words = {k: _plain(view, "strategies", k) for k in keys}
        words |= {f"clients_{letter}": _plain(view, "strategies", "clients", n=int(by[letter])) for letter in "ABCD"}
        caption = _caption(view, "strategies", a=int(by["A"]), c=int(by["C"]), n=n)
        parts.append(charts.strategies_chart(frame, view.fmt, caption, words))
        clients = view.tables["clients"]
        source = {k: _plain(view, "strategies", k) for k in ("wallet", "range", "best")}
        rows = named(clients[clients["abcd"].isin(["A", "C"])])
        columns = [
            _client(view),
            Col("abcd", _label(view, "Стратегия", "Strategy"), show=_strategy(view)),
            Col("revenue", _label(view, "Выручка", "Revenue"), "money"),
            Col(
                "room_from",
                _label(view, "Откуда видно место", "Where room shows"),
                show=lambda v: source.get(str(v), ""),
            ),
            Col("to_best", _label(view, "К своим лучшим кварталам", "To own best quarters"), "share"),
            Col("missing", _label(view, "Недостаёт категорий", "Missing categories"), "num"),
        ]
        if rows["wallet_share"].notna().any():
            columns.append(Col("wallet_share", _label(view, "Наша доля бюджета", "Our share of budget"), "share"))
        parts.append(table(rows, columns, fmt=view.fmt, max_rows=SHOWN, sheet=_sheet_name(view, "clients"), wide=False))
        parts.append(_t(view, "strategies", "note"))
    return _section(view, "strategies", parts)


def tail(view: ChapterView) -> Section:
    """The smaller half of clients."""
    orders, revenue = _metric(view, "tail_order_share"), _metric(view, "tail_revenue_share")
    if orders.value is None or revenue.value is None:
        return _section(view, "tail", [])
    names = {k: _plain(view, "classes", k) for k in ("clients", "orders", "revenue")}
    n = view.result.facts["clients"]
    rows = {
        names["clients"]: view.result.facts["tail_clients"] / n,
        names["orders"]: orders.value,
        names["revenue"]: revenue.value,
    }
    chart = charts.halves_chart(
        rows,
        view.fmt,
        _caption(view, "tail"),
        smaller=_plain(view, "tail", "smaller"),
        larger=_plain(view, "tail", "larger"),
    )
    return _section(view, "tail", [chart])


def off_profile(view: ChapterView) -> Section:
    """Off-profile clients by list."""
    names = {k: _plain(view, "off_profile", k) for k in ("margin", "rare", "effort")}
    rows = _off_rows(view)
    listed = None
    if len(rows):
        listed = table(
            rows, _off_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=_sheet_name(view, "off_profile"), wide=False
        )
    return _section(view, "off_profile", [listed], names=names)


def _off_rows(view: ChapterView) -> pd.DataFrame:
    clients = view.tables["clients"]
    mark = clients["off_profile"].eq(True) if "off_profile" in clients else pd.Series(False, index=clients.index)
    rows = clients[mark.astype(bool)]
    return named(rows.sort_values(["orders", "client_key"], ascending=[False, True]))


def wallet(view: ChapterView) -> Section:
    """Our share of key clients' wallets."""
    frame = _wallet_rows(view)
    if _metric(view, "wallet_share").value is None or frame.empty:
        return _section(view, "wallet", [])
    top = frame.head(MOST_WALLETS)
    chart = charts.wallet_chart(
        [str(v) for v in top["client_name"]],
        [float(v) for v in top["share"]],
        view.fmt,
        _caption(view, "wallet"),
        view.case.thresholds["base.wallet_headroom"],
    )
    listed = table(
        frame,
        _wallet_columns(view),
        fmt=view.fmt,
        max_rows=SHOWN,
        paper_rows=0,
        sheet=_sheet_name(view, "wallet"),
        wide=False,
    )
    return _section(view, "wallet", [chart, listed])


def _wallet_rows(view: ChapterView) -> pd.DataFrame:
    frame = view.tables["wallet"]
    return named(frame.sort_values(["headroom", "client_key"], ascending=[False, True], ignore_index=True))


def assortment(view: ChapterView) -> Section:
    """Categories that similar clients buy and this one does not."""
    m = _metric(view, "range_gap")
    half = (
        None
        if m.value is None
        else math.ceil(view.case.thresholds.value("base.similar_min_share") * float(m.extra["peers"]) - 1e-9)
    )
    by_category = view.tables["missing_categories"]
    if m.value is None or by_category.empty:
        return _section(view, "range", [], peers_half=half)
    top = by_category.head(10)
    first = top.iloc[0]
    caption = _caption(view, "range", top=str(first["category"]), clients=int(first["clients"]))
    chart = charts.categories_chart(
        [str(v) for v in top["category"]], [int(v) for v in top["clients"]], view.fmt, caption
    )
    listed = table(
        named(view.tables["gaps"]),
        _gap_columns(view),
        fmt=view.fmt,
        max_rows=SHOWN,
        sheet=_sheet_name(view, "gaps"),
        wide=False,
    )
    return _section(view, "range", [chart, listed, _t(view, "range", "note")], peers_half=half)


def giants(view: ChapterView) -> Section:
    """Orders too large and the others after them."""
    frame = view.tables["giants"]
    if frame.empty:
        return _section(view, "giants", [])
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
                        _label(view, "У остальных", "With the others"),
                        show=lambda v: _plain(view, "giants", str(v)),
                    ),
                    Col("before", _label(view, "До", "Before"), "share", 1),
                    Col("after", _label(view, "После", "After"), "share", 1),
                    Col(
                        "p", _label(view, "p одного показателя", "p of one outcome"), "num", show=lambda v: _p(view, v)
                    ),
                ],
                fmt=view.fmt,
                sortable=False,
            )
        )
    parts.append(
        table(named(frame), _giant_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=_sheet_name(view, "giants"))
    )
    parts.append(_t(view, "giants", "note"))
    return _section(view, "giants", parts)


def _p(view: ChapterView, value: Any) -> str:
    least = 0.001
    return f"< {view.fmt.num(least, 3)}" if float(value) < least else view.fmt.num(value, 3)


def _giant_columns(view: ChapterView) -> list[Col]:
    return [
        _client(view),
        Col("day", _label(view, "День", "Day"), "date"),
        Col("revenue", _label(view, "Сумма", "Amount"), "money"),
    ]


def _outcomes_chart(view: ChapterView, outcomes: pd.DataFrame) -> Chart | None:
    rows = []
    for r in outcomes.to_dict("records"):
        rows += [
            (_plain(view, "giants", f"{r['outcome']}_before"), float(r["before"])),
            (_plain(view, "giants", f"{r['outcome']}_after"), float(r["after"])),
        ]
    worst = outcomes.sort_values("p", kind="stable").iloc[0]
    caption = _caption(
        view,
        "giants",
        outcome=_plain(view, "giants", str(worst["outcome"])),
        before=float(worst["before"]),
        after=float(worst["after"]),
    )
    return charts.outcomes_chart(rows, view.fmt, caption)


def growth(view: ChapterView) -> Section:
    """Earned growth per manager beside the operational load."""
    frame = view.tables["growth"]
    if frame.empty:
        return _section(view, "growth", [], rows=0)
    names = view.result.facts["labels"]
    drawn = frame[frame["compared"].astype(bool)].head(SHOWN)
    span = {"lowest": drawn["earned_share"].min(), "highest": drawn["earned_share"].max()} if len(drawn) else {}
    caption = _caption(view, "growth", **{"lowest": None, "highest": None, **span})
    chart = charts.growth_chart(drawn, view.fmt, caption, names, _plain(view, "growth", "zero"))
    listed = table(
        frame, _growth_columns(view), fmt=view.fmt, max_rows=SHOWN, sheet=_sheet_name(view, "growth"), wide=False
    )
    return _section(view, "growth", [chart, listed, _t(view, "growth", "note")], rows=len(frame))


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "spread": spread,
    "classes": classes,
    "strategies": strategies,
    "tail": tail,
    "off_profile": off_profile,
    "wallet": wallet,
    "range": assortment,
    "giants": giants,
    "growth": growth,
}


def _whole_client_columns(view: ChapterView) -> list[Col]:
    return [
        Col("client_key", _label(view, "Код", "Code")),
        _client(view),
        Col("segment", _label(view, "Сегмент", "Segment")),
        Col("holding", _label(view, "Холдинг", "Holding")),
        Col("revenue", _label(view, "Выручка", "Revenue"), "money_full"),
        Col("revenue_share", _label(view, "Доля выручки", "Share of revenue"), "share"),
        Col("gross_profit", _label(view, "Валовая прибыль", "Gross profit"), "money_full"),
        Col("margin_share", _label(view, "Валовая маржа", "Gross margin"), "share"),
        Col("orders", _label(view, "Заказов", "Orders"), "count"),
        Col("order_days", _label(view, "Дней заказа", "Order days"), "count"),
        Col("abc", _label(view, "ABC по выручке", "ABC by revenue")),
        Col("abc_margin", _label(view, "ABC по прибыли", "ABC by profit")),
        Col("xyz", "XYZ"),
        Col("variation", _label(view, "Вариация по кварталам", "Variation by quarters"), "num", 2),
        Col("best_year", _label(view, "Лучшие 4 квартала", "Best 4 quarters"), "money_full"),
        Col("to_best", _label(view, "К лучшим кварталам", "To best quarters"), "share"),
        Col("missing", _label(view, "Недостаёт категорий", "Missing categories"), "num"),
        Col("missing_beyond_chance", _label(view, "из них не случайно", "not by chance"), "num", 1),
        Col("wallet_share", _label(view, "Наша доля бюджета", "Our share of budget"), "share"),
        Col("abcd", _label(view, "Стратегия", "Strategy")),
        Col("smaller_half", _label(view, "Меньшая половина", "Smaller half"), show=_yes(view)),
        Col("off_profile", _label(view, "Непрофильный", "Off-profile"), show=_yes(view)),
    ]


def SHEETS(view: ChapterView) -> list[Sheet]:
    """Return clients with their classes, holdings, off-profile clients, wallets, gaps, giant orders and growth."""
    clients = named(view.tables["clients"])
    yes = _yes(view)
    written = clients.assign(
        **{c: [yes(v) for v in clients[c]] for c in ("smaller_half", "off_profile") if c in clients}
    )
    sheets = [_sheet(view, "clients", "spread", written, _whole_client_columns(view))]
    holdings = view.tables["holdings"]
    if len(holdings) and int((holdings["clients"] > 1).sum()):
        sheets.append(
            _sheet(
                view,
                "holdings",
                "spread",
                holdings,
                [
                    Col("name", _label(view, "Холдинг или клиент", "Holding or client")),
                    Col("clients", _label(view, "Клиентов", "Clients"), "count"),
                    Col("revenue", _label(view, "Выручка", "Revenue"), "money_full"),
                ],
            )
        )
    off = _off_rows(view)
    if len(off):
        flags = {c: [yes(v) for v in off[c]] for c in off.columns if c.startswith("flag_")}
        sheets.append(_sheet(view, "off_profile", "off_profile", off.assign(**flags), _off_columns(view)))
    wallets = _wallet_rows(view)
    if len(wallets):
        sheets.append(_sheet(view, "wallet", "wallet", wallets, _wallet_columns(view)))
    if len(view.tables["gaps"]):
        sheets.append(_sheet(view, "gaps", "range", named(view.tables["gaps"]), _gap_columns(view)))
    if len(view.tables["giants"]):
        sheets.append(_sheet(view, "giants", "giants", named(view.tables["giants"]), _giant_columns(view)))
    growth_rows = view.tables["growth"]
    if len(growth_rows):
        names = view.result.facts["labels"]
        shown = growth_rows.assign(manager=[names.get(str(m), str(m)) for m in growth_rows["manager"]])
        sheets.append(_sheet(view, "growth", "growth", shown, _growth_columns(view)))
    return sheets


def _sheet(view: ChapterView, name: str, section: str, frame: pd.DataFrame, columns: list[Col]) -> Sheet:
    return Sheet(_sheet_name(view, name), _plain(view, section, "title"), frame, columns)
