"""The data page: what came in, what was left out and why, what that means for the conclusions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.model.orders import FIELD_NAMES
from audit.model.questionnaire import TABLES
from audit.present.annex import Sheet
from audit.present.blocks import PAPER_ONLY, Col, Section, join, key_figures, table
from audit.present.chapter import ChapterView
from audit.present.chart import Caption, Chart
from audit.present.charts.base import time_series

__all__ = ["SECTIONS", "SHEETS"]


def _t(view: ChapterView, name: str, part: str, **values: Any) -> Markup:
    return view.narrative.section("data", name, part, view.result, **values)


def _title(view: ChapterView, name: str) -> str:
    return str(_t(view, name, "title").unescape())


def _label(view: ChapterView, ru: str, en: str) -> str:
    return ru if view.lang == "ru" else en


def came_in(view: ChapterView) -> Section:
    """Files, rows, period, revenue by month."""
    fmt, x = view.fmt, view.result.facts
    top = view.result.metrics["data.top20_revenue_share"]
    figures = [
        (
            fmt.num(x["rows_used"]),
            _label(view, "строк в расчёте", "rows used"),
            _label(view, f"из {fmt.num(x['rows_read'])} прочитанных", f"of {fmt.num(x['rows_read'])} read"),
        ),
        (fmt.num(x["clients"]), _label(view, "клиентов с покупками", "clients who bought"), ""),
        (
            fmt.num(x["order_days"]),
            _label(view, "дней заказа", "order days"),
            _label(view, f"{fmt.num(x['orders'])} заказов", f"{fmt.num(x['orders'])} orders"),
        ),
        (
            fmt.money(x["revenue"]),
            _label(view, "выручка за период", "revenue of the period"),
            ""
            if top.value is None
            else _label(
                view,
                f"{fmt.metric(top)} — у 20 % крупнейших клиентов",
                f"{fmt.metric(top)} from the largest 20% of clients",
            ),
        ),
    ]
    files = table(
        view.tables["files"],
        [
            Col("file", _label(view, "Файл", "File")),
            Col("format", _label(view, "Вид", "Kind")),
            Col("encoding", _label(view, "Кодировка", "Encoding")),
            Col("rows_read", _label(view, "Прочитано строк", "Rows read"), "count"),
            Col("rows_used", _label(view, "В расчёте", "Used"), "count"),
            Col("rows_set_aside", _label(view, "Отложено", "Set aside"), "count"),
        ],
        fmt=fmt,
        max_rows=12,
        sortable=False,
    )
    return Section(
        "data-came-in",
        _title(view, "came_in"),
        [key_figures(figures), _revenue_chart(view), files],
        lead=_t(view, "came_in", "lead"),
    )


def _month_start(index: int) -> dt.date:
    return dt.date(index // 12, index % 12 + 1, 1)


def _revenue_title(view: ChapterView, revenue: pd.Series[float], first: int, last: int) -> str:
    """Say what the last 12 months brought against the 12 before; shorter or unusual data are named only."""
    w = view.case.window
    whole = last if (w.as_of + dt.timedelta(days=1)).day == 1 else last - 1
    begin = first if w.start.day == 1 else first + 1
    now = sum(float(revenue.get(m, 0.0)) for m in range(whole - 11, whole + 1))
    before = sum(float(revenue.get(m, 0.0)) for m in range(whole - 23, whole - 11))
    if whole - 23 < begin or before <= 0:
        return _title(view, "revenue")
    return str(_t(view, "revenue", "chart", now=now, change=now / before - 1).unescape())


def _revenue_chart(view: ChapterView) -> Chart | None:
    months = view.tables["months"]
    if len(months) < 3:
        return None
    first, last = int(months["month_index"].min()), int(months["month_index"].max())
    revenue = months.set_index("month_index")["revenue"]
    span = list(range(first, last + 1))
    w, fmt = view.case.window, view.fmt
    return time_series(
        Caption(
            "data-revenue",
            _revenue_title(view, revenue, first, last),
            note=str(_t(view, "revenue", "note", start=w.start, end=w.as_of).unescape()),
        ),
        [_month_start(m) for m in span],
        {_label(view, "выручка", "revenue"): [float(revenue.get(m, 0.0)) for m in span]},
        fmt=fmt,
        shade_from=w.recent_start if w.recent_is_whole else None,
        shade_label=_label(view, "последние 12 месяцев", "last 12 months")
        if view.case.settings.period.recent_months == 12
        else "",
        accent=view.case.settings.report.accent,
    )


def left_out(view: ChapterView) -> Section:
    """Rows set aside, with the reason, an example and their revenue."""
    aside = view.tables["set_aside"]
    frame = aside.assign(reason=aside[view.lang]) if len(aside) else aside.assign(reason=[])
    columns = [
        Col("reason", _label(view, "Почему строки отложены", "Why rows were set aside")),
        Col("rows", _label(view, "Строк", "Rows"), "count"),
        Col("revenue", _label(view, "На сумму", "Revenue"), "money"),
        Col("example", _label(view, "Пример", "Example")),
    ]
    body: Any = table(frame, columns, fmt=view.fmt, sortable=False) if len(frame) else _t(view, "left_out", "empty")
    parts = [body]
    sums = view.tables["control_sums"]
    if len(sums):
        parts.append(
            table(
                sums,
                [
                    Col("file", _label(view, "Файл", "File")),
                    Col("label", _label(view, "Итог в файле", "Total in the file")),
                    Col("stated", _label(view, "В файле", "Stated"), "money_full"),
                    Col("counted", _label(view, "Посчитано", "Counted"), "money_full"),
                    Col(
                        "agrees",
                        _label(view, "Сходится", "Agrees"),
                        show=lambda ok: _label(view, "да", "yes") if ok else _label(view, "нет", "no"),
                    ),
                ],
                fmt=view.fmt,
                sortable=False,
            )
        )
    return Section("data-left-out", _title(view, "left_out"), parts, lead=_t(view, "left_out", "lead"))


_HOW = {
    "mapped": ("понят", "mapped"),
    "guessed": ("угадан по смыслу", "guessed"),
    "setting": ("задан в audit.toml", "set"),
    "derived": ("вычислен", "derived"),
    "not_used": ("не нужен", "not used"),
    "unmapped": ("не понят", "unmapped"),
}


def understood(view: ChapterView) -> Section:
    """How the columns were understood, what was derived, what remains to be asked."""
    i = view.case.intake
    columns = view.tables["columns"].drop_duplicates(["header", "field"])
    names = {k: v.get(view.lang) for k, v in FIELD_NAMES.items()}
    coverage = dict(zip(view.tables["coverage"]["field"], view.tables["coverage"]["share"], strict=True))
    frame = columns.assign(
        meaning=[names.get(f, f or "—") if isinstance(f, str) else "—" for f in columns["field"]],
        how_word=[_HOW[h][0 if view.lang == "ru" else 1] for h in columns["how"]],
        filled=columns["field"].map(coverage).astype(float),
    )
    # what may be wrong comes first; on paper the rest is a sentence
    plain = frame["how"].eq("mapped")
    frame = frame.assign(plain=plain).sort_values("plain", kind="stable")
    listed = ", ".join(f"«{h}» — {m}" for h, m in frame.loc[plain, ["header", "meaning"]].itertuples(index=False))
    parts: list[Any] = [
        table(
            frame,
            [
                Col("header", _label(view, "Столбец файла", "Column of the file")),
                Col("meaning", _label(view, "Понят как", "Understood as")),
                Col("how_word", _label(view, "Как", "How")),
                Col("filled", _label(view, "Заполнен, доля выручки", "Filled, share of revenue"), "share"),
            ],
            fmt=view.fmt,
            sortable=False,
            max_rows=40,
            paper_rows=int((~plain).sum()),
            sheet=_label(view, "Столбцы", "Columns"),
        ),
        Markup('<p class="km-note {}">{}</p>').format(PAPER_ONLY, _t(view, "understood", "known", listed=listed))
        if listed
        else None,
    ]
    said = [*(n.get(view.lang) for n in i.notes), *(q.text.get(view.lang) for q in i.questions)]
    if said:
        parts.append(Markup("<ul>{}</ul>").format(join(Markup("<li>{}</li>").format(s) for s in said)))
    shown = [p for p in parts if p is not None]
    return Section("data-understood", _title(view, "understood"), shown, lead=_t(view, "understood", "lead"))


def who(view: ChapterView) -> Section:
    """Which sheets of the questionnaire are there, and people or clients that remain unclear."""
    q = view.case.questionnaire
    filled = [
        t.ru if view.lang == "ru" else t.en for n, t in TABLES.items() if q.has(n) or (n == "company" and q.company)
    ]
    empty = [
        t.ru if view.lang == "ru" else t.en
        for n, t in TABLES.items()
        if not (q.has(n) or (n == "company" and q.company))
    ]
    parts: list[Any] = [_t(view, "who", "sheets", filled=filled, empty=empty)]
    people = view.tables["people"]
    unclear = people[people["how"].isin(["unknown", "proposed"])] if len(people) else people
    if len(unclear):
        names = view.case.settings.report.names
        parts.append(_t(view, "who", "unknown", n=len(unclear), share=float(unclear["revenue_share"].max())))
        if names:
            parts.append(
                table(
                    unclear.sort_values("revenue_share", ascending=False),
                    [
                        Col("spelling", _label(view, "Написание в заказах", "Spelling in the orders")),
                        Col("proposal", _label(view, "Похоже на", "Looks like")),
                        Col("rows", _label(view, "Строк", "Rows"), "count"),
                        Col("revenue_share", _label(view, "Доля выручки", "Share of revenue"), "share"),
                    ],
                    fmt=view.fmt,
                    max_rows=15,
                )
            )
    twins = view.tables["duplicate_clients"]
    if len(twins):
        parts.append(_t(view, "who", "duplicates", n=len(twins)))
        parts.append(
            table(
                twins,
                [
                    Col("name_a", _label(view, "Клиент", "Client")),
                    Col("name_b", _label(view, "Возможно, он же", "Maybe the same")),
                    Col("similarity", _label(view, "Сходство", "Similarity"), "share"),
                    Col("revenue_a", _label(view, "Выручка", "Revenue"), "money"),
                    Col("revenue_b", _label(view, "Выручка второго", "Revenue of the other"), "money"),
                ],
                fmt=view.fmt,
                max_rows=10,
                sheet=_label(view, "Похожие клиенты", "Similar clients"),
            )
        )
    return Section("data-who", _title(view, "who"), parts)


def meaning(view: ChapterView) -> Section:
    """What the state of the data means for the conclusions."""
    x, w = view.result.facts, view.case.window
    lines = [
        _t(view, "meaning", "window", days=x["days"], burn_in=w.burn_in_days, new_from=w.new_from, as_of=w.as_of),
        _t(view, "meaning", "gaps", gaps=[_month_start(m) for m in x["gap_months"]]),
        _t(view, "meaning", "empty_clients", n=x["clients_without_purchase"]),
    ]
    items = join((Markup("<li>{}</li>").format(line) for line in lines if line.strip()), "")
    return Section("data-meaning", _title(view, "meaning"), [Markup("<ul>{}</ul>").format(items)])


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "came_in": came_in,
    "left_out": left_out,
    "understood": understood,
    "who": who,
    "meaning": meaning,
}


def SHEETS(view: ChapterView) -> list[Sheet]:
    """Return months, columns, rows set aside, people (by code unless names are asked for) and similar clients."""
    months = view.tables["months"]
    months = months.assign(month=pd.to_datetime([_month_start(int(m)) for m in months["month_index"]]))
    sheets = [
        Sheet(
            _label(view, "Месяцы", "Months"),
            _title(view, "revenue"),
            months,
            [
                Col("month", _label(view, "Месяц", "Month"), "month"),
                Col("revenue", _label(view, "Выручка", "Revenue"), "money_full"),
                Col("margin", _label(view, "Валовая прибыль", "Gross profit"), "money_full"),
                Col("orders", _label(view, "Заказов", "Orders"), "count"),
                Col("clients", _label(view, "Клиентов с заказом", "Clients with an order"), "count"),
                Col("first_purchases", _label(view, "Первых покупок", "First purchases"), "count"),
            ],
        ),
        Sheet(
            _label(view, "Столбцы", "Columns"),
            _title(view, "understood"),
            view.tables["columns"],
            [
                Col("file", _label(view, "Файл", "File")),
                Col("header", _label(view, "Столбец", "Column")),
                Col("field", _label(view, "Поле", "Field")),
                Col("how", _label(view, "Как понят", "How")),
            ],
        ),
    ]
    aside = view.tables["set_aside"]
    if len(aside):
        sheets.append(
            Sheet(
                _label(view, "Отложенные строки", "Rows set aside"),
                _title(view, "left_out"),
                aside.assign(reason=aside[view.lang]),
                [
                    Col("code", _label(view, "Код", "Code")),
                    Col("reason", _label(view, "Причина", "Reason")),
                    Col("rows", _label(view, "Строк", "Rows"), "count"),
                    Col("revenue", _label(view, "На сумму", "Revenue"), "money_full"),
                    Col("example", _label(view, "Пример", "Example")),
                ],
            )
        )
    if len(view.tables["duplicate_clients"]):
        sheets.append(
            Sheet(
                _label(view, "Похожие клиенты", "Similar clients"),
                _title(view, "who"),
                view.tables["duplicate_clients"],
                [
                    Col("name_a", _label(view, "Клиент", "Client")),
                    Col("name_b", _label(view, "Похожий", "Similar")),
                    Col("similarity", _label(view, "Сходство", "Similarity"), "share"),
                    Col("revenue_a", _label(view, "Выручка", "Revenue"), "money_full"),
                    Col("revenue_b", _label(view, "Выручка похожего", "Revenue of the similar"), "money_full"),
                    Col("reason", _label(view, "Почему", "Why")),
                ],
            )
        )
    return sheets
