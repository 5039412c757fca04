"""The data page: what came in, what was left out and why, what that means for the conclusions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.errors import Text
from audit.ground.newcomers import new_by_card
from audit.model.orders import FIELD_NAMES
from audit.model.questionnaire import TABLES
from audit.present.annex import Sheet
from audit.present.blocks import PAPER_ONLY, Col, Section, join, key_figures, table
from audit.present.chapter import ChapterView
from audit.present.chart import Chart
from audit.present.charts.draw import time_series

__all__ = ["SECTIONS", "SHEET_NAMES", "sheets"]

SHEET_NAMES: dict[str, Text] = {
    "months": Text("Месяцы", "Months"),
    "columns": Text("Столбцы", "Columns"),
    "set_aside": Text("Отложенные строки", "Rows set aside"),
    "duplicate_clients": Text("Похожие клиенты", "Similar clients"),
}
"""Table of the result (and of a finding) → name of its sheet in the annex."""


def came_in(view: ChapterView) -> Section:
    """Files, rows, period, revenue by month."""
    fmt, x = view.fmt, view.result.facts
    top = view.metric("top20_revenue_share")
    figures = [
        (
            fmt.num(x["rows_used"]),
            view.label("строк в расчёте", "rows used"),
            view.label(f"из {fmt.num(x['rows_read'])} прочитанных", f"of {fmt.num(x['rows_read'])} read"),
        ),
        (fmt.num(x["clients"]), view.label("клиентов с покупками", "clients who bought"), ""),
        (
            fmt.num(x["order_days"]),
            view.label("дней заказа", "order days"),
            view.label(f"{fmt.num(x['orders'])} заказов", f"{fmt.num(x['orders'])} orders"),
        ),
        (
            fmt.money(x["revenue"]),
            view.label("выручка за период", "revenue of the period"),
            ""
            if top.value is None
            else view.label(
                f"{fmt.metric(top)} — у 20 % крупнейших клиентов", f"{fmt.metric(top)} from the largest 20% of clients"
            ),
        ),
    ]
    files = table(
        view.tables["files"],
        [
            Col("file", view.label("Файл", "File")),
            Col("format", view.label("Вид", "Kind")),
            Col("encoding", view.label("Кодировка", "Encoding")),
            Col("rows_read", view.label("Прочитано строк", "Rows read"), "count"),
            Col("rows_used", view.label("В расчёте", "Used"), "count"),
            Col("rows_set_aside", view.label("Отложено", "Set aside"), "count"),
            *(
                [Col("rows_service", view.label("Итоги, группы, пустые", "Totals, groups, blanks"), "count")]
                if view.tables["files"]["rows_service"].any()
                else []
            ),
        ],
        fmt=fmt,
        max_rows=12,
        sortable=False,
    )
    return view.compose("came_in", [key_figures(figures), _revenue_chart(view), files])


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
        return view.plain("revenue", "title")
    return str(view.say("revenue", "chart", now=now, change=now / before - 1).unescape())


def _revenue_chart(view: ChapterView) -> Chart | None:
    months = view.tables["months"]
    if len(months) < 3:
        return None
    first, last = int(months["month_index"].min()), int(months["month_index"].max())
    revenue = months.set_index("month_index")["revenue"]
    span = list(range(first, last + 1))
    w, fmt = view.case.window, view.fmt
    return time_series(
        view.caption(
            "revenue",
            title=_revenue_title(view, revenue, first, last),
            note=view.plain("revenue", "note", start=w.start, end=w.as_of),
        ),
        [_month_start(m) for m in span],
        {view.label("выручка", "revenue"): [float(revenue.get(m, 0.0)) for m in span]},
        fmt=fmt,
        shade_from=w.recent_start if w.recent_is_whole else None,
        shade_label=view.label("последние 12 месяцев", "last 12 months")
        if view.case.settings.period.recent_months == 12
        else "",
        accent=view.case.settings.report.accent,
    )


def left_out(view: ChapterView) -> Section:
    """Rows set aside, with the reason, an example and their revenue."""
    aside = view.tables["set_aside"]
    frame = aside.assign(reason=aside[view.lang]) if len(aside) else aside.assign(reason=[])
    columns = [
        Col("reason", view.label("Почему строки отложены", "Why rows were set aside")),
        Col("rows", view.label("Строк", "Rows"), "count"),
        Col("revenue", view.label("На сумму", "Revenue"), "money"),
        Col("example", view.label("Пример", "Example")),
    ]
    body: Any = table(frame, columns, fmt=view.fmt, sortable=False) if len(frame) else view.say("left_out", "empty")
    parts = [body]
    sums = view.tables["control_sums"]
    if len(sums):
        parts.append(
            table(
                sums,
                [
                    Col("file", view.label("Файл", "File")),
                    Col("label", view.label("Итог в файле", "Total in the file")),
                    Col("stated", view.label("В файле", "Stated"), "money_full"),
                    Col("counted", view.label("Посчитано", "Counted"), "money_full"),
                    Col(
                        "agrees",
                        view.label("Сходится", "Agrees"),
                        show=lambda ok: view.label("да", "yes") if ok else view.label("нет", "no"),
                    ),
                ],
                fmt=view.fmt,
                sortable=False,
            )
        )
    return view.compose("left_out", parts)


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
                Col("header", view.label("Столбец файла", "Column of the file")),
                Col("meaning", view.label("Понят как", "Understood as")),
                Col("how_word", view.label("Как", "How")),
                Col("filled", view.label("Заполнен, доля выручки", "Filled, share of revenue"), "share"),
            ],
            fmt=view.fmt,
            sortable=False,
            max_rows=40,
            paper_rows=int((~plain).sum()),
            sheet=view.label("Столбцы", "Columns"),
        ),
        Markup('<p class="km-note {}">{}</p>').format(PAPER_ONLY, view.say("understood", "known", listed=listed))
        if listed
        else None,
    ]
    said = [*(n.get(view.lang) for n in i.notes), *(q.text.get(view.lang) for q in i.questions)]
    if said:
        parts.append(Markup("<ul>{}</ul>").format(join(Markup("<li>{}</li>").format(s) for s in said)))
    return view.compose("understood", parts)


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
    parts: list[Any] = [view.say("who", "sheets", filled=filled, empty=empty)]
    people = view.tables["people"]
    unclear = people[people["how"].isin(["unknown", "proposed"])] if len(people) else people
    if len(unclear):
        names = view.case.settings.report.names
        parts.append(view.say("who", "unknown", n=len(unclear), share=float(unclear["revenue_share"].max())))
        if names:
            parts.append(
                table(
                    unclear.sort_values("revenue_share", ascending=False),
                    [
                        Col("spelling", view.label("Написание в заказах", "Spelling in the orders")),
                        Col("proposal", view.label("Похоже на", "Looks like")),
                        Col("rows", view.label("Строк", "Rows"), "count"),
                        Col("revenue_share", view.label("Доля выручки", "Share of revenue"), "share"),
                    ],
                    fmt=view.fmt,
                    max_rows=15,
                )
            )
    twins = view.tables["duplicate_clients"]
    if len(twins):
        parts.append(view.say("who", "duplicates", n=len(twins)))
        parts.append(
            table(
                twins,
                [
                    Col("name_a", view.label("Клиент", "Client")),
                    Col("name_b", view.label("Возможно, он же", "Maybe the same")),
                    Col("similarity", view.label("Сходство", "Similarity"), "share"),
                    Col("revenue_a", view.label("Выручка", "Revenue"), "money"),
                    Col("revenue_b", view.label("Выручка второго", "Revenue of the other"), "money"),
                ],
                fmt=view.fmt,
                max_rows=10,
                sheet=view.sheet_name("duplicate_clients"),
            )
        )
    return view.compose("who", parts)


def meaning(view: ChapterView) -> Section:
    """What the state of the data means for the conclusions."""
    x, w = view.result.facts, view.case.window
    lines = [
        view.say(
            "meaning",
            "window",
            days=x["days"],
            burn_in=w.burn_in_days,
            new_from=w.new_from,
            as_of=w.as_of,
            by_card=new_by_card(view.case.clients(), w),
        ),
        view.say("meaning", "gaps", gaps=[_month_start(m) for m in x["gap_months"]]),
        view.say("meaning", "empty_clients", n=x["clients_without_purchase"]),
    ]
    items = join((Markup("<li>{}</li>").format(line) for line in lines if line.strip()), "")
    return view.compose("meaning", [Markup("<ul>{}</ul>").format(items)])


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "came_in": came_in,
    "left_out": left_out,
    "understood": understood,
    "who": who,
    "meaning": meaning,
}


def sheets(view: ChapterView) -> list[Sheet]:
    """Return months, columns, rows set aside, people (by code unless names are asked for) and similar clients."""
    months = view.tables["months"]
    months = months.assign(month=pd.to_datetime([_month_start(int(m)) for m in months["month_index"]]))
    sheets = [
        view.sheet(
            "months",
            view.plain("revenue", "title"),
            months,
            [
                Col("month", view.label("Месяц", "Month"), "month"),
                Col("revenue", view.label("Выручка", "Revenue"), "money_full"),
                Col("margin", view.label("Валовая прибыль", "Gross profit"), "money_full"),
                Col("orders", view.label("Заказов", "Orders"), "count"),
                Col("clients", view.label("Клиентов с заказом", "Clients with an order"), "count"),
                Col("first_purchases", view.label("Первых покупок", "First purchases"), "count"),
            ],
        ),
        view.sheet(
            "columns",
            view.plain("understood", "title"),
            view.tables["columns"],
            [
                Col("file", view.label("Файл", "File")),
                Col("header", view.label("Столбец", "Column")),
                Col("field", view.label("Поле", "Field")),
                Col("how", view.label("Как понят", "How")),
            ],
        ),
    ]
    aside = view.tables["set_aside"]
    if len(aside):
        sheets.append(
            view.sheet(
                "set_aside",
                view.plain("left_out", "title"),
                aside.assign(reason=aside[view.lang]),
                [
                    Col("code", view.label("Код", "Code")),
                    Col("reason", view.label("Причина", "Reason")),
                    Col("rows", view.label("Строк", "Rows"), "count"),
                    Col("revenue", view.label("На сумму", "Revenue"), "money_full"),
                    Col("example", view.label("Пример", "Example")),
                ],
            )
        )
    if len(view.tables["duplicate_clients"]):
        sheets.append(
            view.sheet(
                "duplicate_clients",
                view.plain("who", "title"),
                view.tables["duplicate_clients"],
                [
                    Col("name_a", view.label("Клиент", "Client")),
                    Col("name_b", view.label("Похожий", "Similar")),
                    Col("similarity", view.label("Сходство", "Similarity"), "share"),
                    Col("revenue_a", view.label("Выручка", "Revenue"), "money_full"),
                    Col("revenue_b", view.label("Выручка похожего", "Revenue of the similar"), "money_full"),
                    Col("reason", view.label("Почему", "Why")),
                ],
            )
        )
    return sheets
