"""The chapter «Смешение ролей» as sections of the report, and its annex sheets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.chapters.roles import charts
from audit.chapters.roles.week import KINDS
from audit.errors import Text
from audit.ground.money import margin_of
from audit.ground.people import labels
from audit.method import method
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView

__all__ = ["SECTIONS", "SHEET_NAMES", "sheets"]

SHEET_NAMES: dict[str, Text] = {
    "order_steps": Text("Работа заказа", "Work of an order"),
    "touch_plan": Text("Касания по норме", "Touches by the norm"),
    "persons": Text("Люди и роли", "People and roles"),
    "flow": Text("Поток работы", "Flow of work"),
    "functions": Text("Функции", "Functions"),
    "relief": Text("Разгрузка", "Relief"),
    "freed": Text("Разгрузка по КМ", "Relief by person"),
    "entry_hours": Text("Ввод заказов", "Order entry"),
    "hunting": Text("Привлечение и ведение", "Winning and keeping"),
    "evidence": Text("Три источника", "Three sources"),
    "room": Text("Есть куда расти", "Room to grow"),
    "keys": Text("Кто ведёт ключевых", "Who leads key clients"),
    "pay": Text("Оплата", "Pay"),
    "saturation": Text("Новые и свои постоянные СР", "New and own clients"),
}
"""Table of the result (and of a finding) → name of its sheet in the annex."""


def _names(view: ChapterView) -> Mapping[str, str]:
    """Return how people are named here; kept out of the chapter's facts, because it is the key to the codes."""
    t = view.tables
    met = {*t["entry"]["manager"].dropna(), *t["entry"]["created_by"].dropna(), *t["hunting"]["person"].dropna()}
    return labels(view.case, {str(p) for p in met})


def _roles(view: ChapterView, frame: pd.DataFrame, column: str = "family") -> pd.DataFrame:
    out = frame.copy()
    out[column] = [charts.role_short(None if pd.isna(c) else str(c), view.fmt) for c in out[column]]
    return out


def _persons(view: ChapterView, frame: pd.DataFrame) -> pd.DataFrame:
    out, names = frame.copy(), _names(view)
    out["person"] = [names.get(str(p), str(p)) for p in out["person"]]
    return out


def _accent(view: ChapterView) -> str:
    return view.case.settings.report.accent


def _privacy(view: ChapterView) -> list[Any]:
    """Say what is personal in figures of small roles, who is without hours, and how people are named."""
    x, parts = view.result.facts, []
    if x["small_roles"]:
        names = ", ".join(charts.role_short(f, view.fmt) for f in x["small_roles"])
        parts.append(view.say("by_role", "small", names=names))
    if x["without_time"] and x["people"]:
        parts.append(view.say("by_role", "without", n=x["without_time"]))
    parts.append(view.say("by_role", "codes", names_shown=x["names_shown"]))
    return [Markup(" ").join(parts)] if x["people"] else []


def _flow(view: ChapterView) -> Section:
    note = view.plain("flow", "note", people=view.tables["persons"]["hours"].gt(0).sum())
    return view.compose("flow", [charts.flow_chart(view.result, view.fmt, note, _accent(view))])


MOST_NAMED = 6
"""So many people who serve several parts are named in the sentence; the annex has all."""


def _type_names(view: ChapterView) -> dict[str, str]:
    types = method().sale_types
    return {t: types[t].name.get(view.lang).split(" (")[0].lower() for t in view.result.facts["types"]}


def _served(view: ChapterView) -> list[Any]:
    """Say by which type of sale each person is judged, where the company sells in several."""
    rows, types = view.tables["served"], _type_names(view)
    hours = view.tables["persons"]
    if len(types) < 2 or not (hours["hours"] > 0).any():
        return []
    rows = rows[rows["person"].isin(set(hours.loc[hours["hours"] > 0, "person"]))]
    several = rows[rows.duplicated("person", keep=False)]
    alone = rows.drop(index=several.index)["part"].value_counts()
    names = _names(view)
    mixed = [_shares(view, str(p), names, part, types) for p, part in several.groupby("person", sort=True)]
    unseen = int((hours["hours"] > 0).sum()) - rows["person"].nunique()
    one = [{"type": types[t], "n": int(alone[t])} for t in types if t in alone]
    return [
        view.say(
            "by_role", "served", one=one, mixed=mixed[:MOST_NAMED], more=max(len(mixed) - MOST_NAMED, 0), unseen=unseen
        )
    ]


def _shares(
    view: ChapterView, person: str, names: Mapping[str, str], part: pd.DataFrame, types: Mapping[str, str]
) -> str:
    told = [f"{types[str(t)]} {view.fmt.share(float(s), 0)}" for t, s in zip(part["part"], part["share"], strict=True)]
    return f"{names.get(person, person)} ({', '.join(told)})"


def _by_role(view: ChapterView) -> Section:
    rows = view.tables["by_role"]
    parts: list[Any] = []
    if len(rows):
        columns = [
            Col("family", view.label("Роль", "Role")),
            Col("people", view.label("Людей", "People"), "count"),
            Col("fte", view.label("Ставок", "FTE"), "fte"),
            Col("foreign_share", view.label("Чужая работа", "Foreign work"), "share"),
            Col("foreign_hours", view.label("Чужих часов в месяц", "Foreign hours a month"), "hours"),
            Col(
                "oper_share",
                view.label("Операционная чужая", "Foreign operational"),
                "share",
                note=view.label(
                    "доля всех часов роли, заметки в CRM до 5 % вычтены",
                    "share of all hours, CRM notes up to 5% taken off",
                ),
            ),
            Col("effective_roles", view.label("Сколько ролей совмещает", "Roles combined"), "num", 1),
        ]
        parts.append(table(_roles(view, rows), columns, fmt=view.fmt, sheet=view.sheet_name("persons")))
        parts += _served(view)
    parts += _privacy(view)
    cost = view.metric("foreign_cost")
    if cost.value is not None:
        parts.append(
            view.label(
                f"Чужая работа обходится в {view.fmt.money(cost.value)} в год по стоимости часа тех, кто её делает.",
                f"Foreign work costs {view.fmt.money(cost.value)} a year at the hourly cost of those who do it.",
            )
        )
    return view.compose("by_role", parts, known=view.result.facts["function_known_share"])


def _km_load(view: ChapterView) -> Section:
    days = view.case.thresholds.count("roles.day_log_min_days_person")
    note = view.plain("km_load", "note", days=days, n=len(view.tables["km_load"]))
    chart = charts.km_load_chart(
        view.result, view.fmt, view.case.thresholds["roles.km_overload"], note, _accent(view), _names(view)
    )
    return view.compose("km_load", [chart])


def _entry(view: ChapterView) -> Section:
    rows = view.tables["entry"]
    parts: list[Any] = []
    if view.metric("entry_by_manager").value is not None:
        own = rows["created_by"] == rows["manager"]
        known = rows["created_by"].notna() & rows["manager"].notna()
        system = rows["created_by"] == "SYS"
        parts_ = [
            (view.label("ввёл сам ответственный менеджер", "keyed in by the responsible manager"), own & known),
            (view.label("ввёл другой сотрудник", "keyed in by somebody else"), ~own & known & ~system),
            (view.label("не вводил никто: сайт, обмен", "keyed in by nobody: site, exchange"), system),
            (view.label("автор или менеджер не указан", "author or manager not given"), ~known & ~system),
        ]
        frame = pd.DataFrame([{"who": w, "orders": int(rows.loc[m, "orders"].sum())} for w, m in parts_])
        frame = frame[frame["orders"] > 0]
        frame["share"] = frame["orders"] / frame["orders"].sum()
        columns = [
            Col("who", view.label("Кто ввёл", "Who keyed in")),
            Col("orders", view.label("Заказов", "Orders"), "count"),
            Col("share", view.label("Доля", "Share"), "share"),
        ]
        listed = table(frame, columns, fmt=view.fmt, sheet=view.sheet_name("entry_hours"))
        limit = view.case.thresholds["roles.entry_burden"].found
        chart = charts.entry_chart(
            view.result,
            view.fmt,
            view.case.thresholds["roles.entry_burden"],
            _names(view),
            title=lambda above, n: view.plain("entry", "chart", above=above, n=n, limit=limit),
            note=view.plain("entry", "chart_note"),
        )
        parts = [p for p in (chart, listed, view.say("entry", "note")) if p is not None]
    return view.compose("entry", parts)


def _step_columns(view: ChapterView, rows: pd.DataFrame) -> list[Col]:
    columns = [
        Col("name", view.label("Шаг заказа", "Step of the order")),
        Col("hours", view.label("Часов в месяц", "Hours a month"), "hours", 0),
        Col("minutes", view.label("Минут на заказ", "Minutes per order"), "num"),
        Col("km_minutes", view.label("из них КМ", "of which client managers"), "num"),
        Col("km_log_minutes", view.label("КМ по фотографии дня", "client managers, day log"), "num"),
        Col("trace_minutes", view.label("по следу в заказах", "by trace in the orders"), "num"),
        Col("cost", view.label("Стоимость на заказ", "Cost per order"), "money"),
        Col("cost_year", view.label("Стоимость в год", "Cost a year"), "money"),
    ]
    return [c for c in columns if c.key == "name" or rows[c.key].notna().any()]


def _step_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["order_steps"]
    out = rows.assign(name=[view.plain("order_work", str(s)) for s in rows["step"]])
    sums: dict[str, Any] = {c: rows[c].sum(min_count=1) for c in rows.columns if c not in ("step", "trace_minutes")}
    sums |= {"name": view.label("Всего", "Total"), "trace_minutes": float("nan")}
    return pd.concat([out, pd.DataFrame([sums])], ignore_index=True) if len(out) else out


def _order_work(view: ChapterView) -> Section:
    if view.metric("hours_per_order").value is None:
        return view.compose("order_work", [])
    rows = _step_frame(view)
    total = str(rows["name"].iloc[-1])
    listed = table(
        rows,
        _step_columns(view, rows),
        fmt=view.fmt,
        sortable=False,
        emphasise=lambda row: "total" if row["name"] == total else "",
    )
    longest = view.plain("order_work", str(view.metric("hours_per_order").extra["longest_step"]))
    caption = view.caption("order_work", longest=longest)
    words = {k: view.plain("order_work", k) for k in ("km", "others")}
    chart = charts.order_chart(rows.iloc[:-1], view.fmt, caption, words)
    return view.compose("order_work", [chart, listed, view.say("order_work", "note")])


def _relief(view: ChapterView) -> Section:
    m, r = view.metric("relief_fte"), view.result.facts["relief"]
    parts: list[Any] = []
    if m.value is not None and r is not None and len(view.tables["relief"]):
        title = view.plain(
            "relief", "chart", of=float(view.tables["relief"]["hours"].sum()), hours=r["transferable"][1]
        )
        chart = charts.relief_chart(view.result, view.fmt, title=title, note=view.plain("relief", "chart_note"))
        parts = [
            chart,
            _pencil(view),
            _pencil_sum(view),
            _kinds(view),
            view.say("relief", "ek"),
            _uplift(view),
            view.say("relief", "note"),
        ]
    elif m.value is not None:
        parts = [
            view.label(
                "Операционной работы за других у КМ нет: передавать нечего.",
                "Client managers do no operational work for others: there is nothing to hand over.",
            )
        ]
    return view.compose("relief", parts)


SHOWN_KINDS = 4


def _touch_columns(view: ChapterView, rows: pd.DataFrame) -> list[Col]:
    columns = [
        Col("name", view.label("Клиенты", "Clients")),
        Col("clients", view.label("Сколько", "How many"), "count"),
        Col("norm", view.label("Касаний в месяц по норме", "Touches a month by the norm"), "num", 1),
        Col("made", view.label("сделано", "made"), "num", 1),
        Col("hours", view.label("Часов в месяц по норме", "Hours a month by the norm"), "hours", 0),
    ]
    return [c for c in columns if c.key != "made" or rows["made"].notna().any()]


def _touch_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["touch_plan"]
    names = [view.plain("week", str(v) or "unknown") for v in rows["label"]]
    n = float(rows["clients"].sum())
    total = {
        "name": view.label("Всего", "Total"),
        "clients": n,
        "norm": float((rows["norm"] * rows["clients"]).sum()) / n,
        "made": float((rows["made"] * rows["clients"]).sum(min_count=1)) / n,
        "hours": rows["hours"].sum(),
    }
    return pd.concat([rows.assign(name=names), pd.DataFrame([total])], ignore_index=True)


def _week(view: ChapterView) -> Section:
    week, plan = view.tables["week"], view.tables["touch_plan"]
    if week.empty:
        return view.empty("week")
    now = dict(zip(week["part"], week["now"].astype(float), strict=True))
    after = dict(zip(week["part"], week["after"].astype(float), strict=True))
    values: dict[str, Any] = {
        "oper": now["operational"],
        "freed": after["freed"],
        "clients": now["clients"],
        "week": float(week["now"].sum()),
    }
    names = {p: view.plain("week", p) for p in week["part"]}
    bars = {k: view.plain("week", k) for k in ("now", "after")}
    parts: list[Any] = [charts.week_chart(week, view.fmt, view.caption("week", **values), names=names, **bars)]
    if len(plan):
        rows = _touch_frame(view)
        total = str(rows["name"].iloc[-1])
        parts += [
            view.say("week", "norm"),
            table(
                rows,
                _touch_columns(view, rows),
                fmt=view.fmt,
                sortable=False,
                wide=False,
                emphasise=lambda row: "total" if row["name"] == total else "",
            ),
        ]
        if len(kinds := view.tables["touch_kinds"]):
            known = {k: view.plain("week", k) for k in KINDS}
            told = [
                f"{known.get(str(k), str(k))} {view.fmt.share(float(v), 0)}"
                for k, v in kinds.head(SHOWN_KINDS).to_numpy()
            ]
            parts.append(
                view.say("week", "kinds", told=told, meetings=float(kinds.set_index("kind")["share"].get("meeting", 0)))
            )
    parts.append(view.say("week", "portfolio"))
    return view.compose("week", parts, **values)


def _pencil(view: ChapterView) -> Markup:
    """The relief table that can be followed with a pencil: hours × share = hours that can be handed over."""
    rows = view.tables["relief"].copy()
    functions, groups = method().functions, method().groups
    rows["name"] = [(functions[f] if f in functions else groups[f]).name.get(view.lang) for f in rows["function"]]
    no_one = view.label(" (роли нет)", " (nobody holds it)")
    rows["to"] = [
        "—"
        if pd.isna(r["receiver"])
        else charts.role_short(str(r["receiver"]), view.fmt) + ("" if r["receiver_held"] else no_one)
        for r in rows.to_dict("records")
    ]
    total = {"name": view.label("Всего", "Total"), "to": ""} | {
        k: rows[k].sum() for k in ("hours", "low", "base", "high")
    }
    rows = pd.concat([rows, pd.DataFrame([total])], ignore_index=True)
    columns = [
        Col("name", view.label("Операционная функция", "Operational function")),
        Col("to", view.label("Чья она", "Whose it is")),
        Col("hours", view.label("Часов КМ в месяц", "Client managers' hours a month"), "hours", 0),
        Col("tau_base", view.label("× доля передачи", "× share to hand over"), "num", 2),
        Col("base", view.label("= передать, часов", "= hand over, hours"), "hours", 0),
        Col("low", view.label("не меньше", "at least"), "hours", 0),
        Col("high", view.label("не больше", "at most"), "hours", 0),
    ]
    return table(
        rows,
        columns,
        fmt=view.fmt,
        sortable=False,
        emphasise=lambda row: "total" if row["name"] == total["name"] else "",
    )


def _pencil_sum(view: ChapterView) -> Markup:
    """From hours to people: idle hours off, divided by the useful hours of a full-time person; EK's rule beside."""
    r, x, fmt = view.result.facts["relief"], view.result.facts, view.fmt
    unit = x["hours_per_month"] * x["utilisation"]
    low, base, high = r["transferable"]
    s = [max(v - r["idle"], 0.0) for v in (low, base, high)]
    lines = [
        (view.label("Можно передать, часов в месяц", "Can be handed over, hours a month"), base, low, high, 0),
        (
            view.label(
                "− свободное время тех, кто мог бы её взять (по анкете)",
                "− spare time of those who could take it (questionnaire)",
            ),
            r["idle"],
            None,
            None,
            0,
        ),
        (view.label("= некому сделать, часов", "= nobody to do it, hours"), s[1], s[0], s[2], 0),
        (
            view.label(
                f"÷ продуктивных часов одного сотрудника, {fmt.num(x['hours_per_month'])} × {fmt.num(x['utilisation'], 2)}",
                f"÷ productive hours of one person, {fmt.num(x['hours_per_month'])} × {fmt.num(x['utilisation'], 2)}",
            ),
            unit,
            None,
            None,
            0,
        ),
        (view.label("= не хватает ставок", "= short, FTE"), *(r["shortage"][i] for i in (1, 0, 2)), 2),
        (
            view.label(
                "Для сравнения: по правилу «один на пятерых, до 20 %», ставок",
                "For comparison: by the rule “one to five, up to 20%”, FTE",
            ),
            r["ek_fte"],
            None,
            None,
            2,
        ),
    ]
    frame = pd.DataFrame([{"line": a, "base": (b, d), "low": (lo, d), "high": (hi, d)} for a, b, lo, hi, d in lines])

    def show(cell: Any) -> str:
        return "" if cell[0] is None else fmt.num(cell[0], cell[1], trim=True)

    columns = [
        Col("line", view.label("Расчёт", "Calculation")),
        Col("base", view.label("Базовый", "Base"), "num", show=show),
        Col("low", view.label("Не меньше", "At least"), "num", show=show),
        Col("high", view.label("Не больше", "At most"), "num", show=show),
    ]
    return table(frame, columns, fmt=fmt, sortable=False)


def _kinds(view: ChapterView) -> Markup:
    """Which people the work asks for: clerk, coordinator, back office, each with its FTE."""
    rows = view.tables["relief_kinds"]
    frame = rows.assign(name=[view.plain("relief", str(k)) for k in rows["kind"]])
    columns = [
        Col("name", view.label("Кто разгрузит", "Who would relieve")),
        Col("hours", view.label("Часов в месяц", "Hours a month"), "hours", 0),
        Col("base", view.label("Ставок", "FTE"), "num", 2),
        Col("low", view.label("не меньше", "at least"), "num", 2),
        Col("high", view.label("не больше", "at most"), "num", 2),
    ]
    return table(frame, columns, fmt=view.fmt, sortable=False, wide=False)


_SELLING_TIME = ("selling_time_ipg", "selling_time_cso", "selling_time_observed")
"""Published figures beside the client managers' own selling share."""


def _uplift(view: ChapterView) -> Any:
    """What freed time may bring: inputs of the formula, its result, money, cost of the relief."""
    m, x, fmt = view.metric("capacity_uplift"), view.result.facts, view.fmt
    if m.value is None:
        return view.say("relief", "uplift")
    t = view.case.thresholds
    phi, epsilon = t.range("roles.reinvested_share"), t.range("roles.selling_time_elasticity")
    e = x["growth"]
    delta = e["possible"]
    rows: list[tuple[str, str]] = [
        (
            view.label("s — доля продаж в часах КМ", "s, selling share of the client managers' hours"),
            fmt.share(m.extra["selling_share"]),
        ),
        (
            view.label("Δ — высвобождаемая доля часов, не больше 20 %", "Δ, share of hours freed, at most 20%"),
            f"{fmt.share(delta[1])} ({fmt.share_interval(delta[0], delta[2])})",
        ),
        (
            view.label("φ — какая её часть уйдёт в продажи", "φ, part of it that goes into selling"),
            f"{fmt.share(phi[1])} ({fmt.share_interval(phi[0], phi[2])})",
        ),
        (
            view.label(
                "ε — эластичность продаж по времени (Альберс и др., 2010)",
                "ε, elasticity of sales to selling time (Albers et al., 2010)",
            ),
            f"{fmt.num(epsilon[1], 2)} ({fmt.num(epsilon[0], 2)}–{fmt.num(epsilon[2], 2)})",
        ),
        (
            view.label("Прирост = ((s + φΔ) ÷ s)^ε − 1", "Growth = ((s + φΔ) ÷ s)^ε − 1"),
            f"{fmt.share(m.value)} ({fmt.interval(m)})",
        ),
    ]
    of_profit = margin_of(view.case).basis == "gross_profit"
    basis = view.label("прибыль", "gross profit") if of_profit else view.label("выручка", "revenue")
    count = f"{fmt.num(e['clients_with_room'])} {view.label('из', 'of')} {fmt.num(e['clients'])}"
    rows.append(
        (
            view.label(
                f"Годовая {basis} клиентов КМ, которым есть куда расти ({count})",
                f"Yearly {basis} of client managers' clients with room to grow ({count})",
            ),
            fmt.money(e["worth_with_room"]),
        )
    )
    effect = next(f.effect for f in view.findings if f.id == "roles.km_overload")
    if effect is not None:
        rows.append(
            (
                view.label(f"Возможный прирост, {basis} в год", f"Possible growth, {basis} a year"),
                fmt.money_range(effect.low, effect.base, effect.high),
            )
        )
    if x["relief_cost_year"] is not None:
        rows.append(
            (
                view.label(
                    f"Стоимость {fmt.fte(x['relief']['fte'][1])} в год по средней оплате операциониста и бэк-офиса",
                    f"Cost of {fmt.fte(x['relief']['fte'][1])} a year at the mean pay of clerks and back office",
                ),
                fmt.money(x["relief_cost_year"]),
            )
        )
    frame = pd.DataFrame(rows, columns=["line", "value"])
    columns = [
        Col("line", view.label("Что даст высвобожденное время", "What freed time may bring")),
        Col("value", view.label("Значение", "Value")),
    ]
    marks = [b.name.get(view.lang) for key, b in method().benchmarks.items() if key in _SELLING_TIME]
    beside = view.say("relief", "beside", marks="; ".join(marks))
    parts = [view.say("relief", "uplift"), table(frame, columns, fmt=fmt, sortable=False), beside]
    return Markup("\n").join(p if k == 1 else Markup("<p>{}</p>").format(p) for k, p in enumerate(parts))


_HUNT_KINDS = {
    "new": ("новые", "new"),
    "reactivated": ("возвращённые", "reactivated"),
    "range": ("новый ассортимент", "new range"),
    "repeat": ("повторные", "repeat"),
}


def _hunting(view: ChapterView) -> Section:
    rows = view.tables["hunting"]
    parts: list[Any] = []
    rows = rows[rows["judged"].astype(bool)].sort_values(["family", "hunt_share"], ascending=[True, False])
    if len(rows):
        shown = _persons(view, _roles(view, rows))
        parts = [
            table(shown, _hunt_columns(view), fmt=view.fmt, max_rows=15, sheet=view.sheet_name("hunting")),
            view.say("hunting", "note"),
        ]
    return view.compose("hunting", parts)


def _saturation(view: ChapterView) -> Section:
    rows = view.tables["saturation"]
    if rows.empty:
        return view.empty("saturation")
    shown = _persons(view, rows.sort_values(["change", "person"]))
    listed = table(shown, _saturation_columns(view), fmt=view.fmt, max_rows=15, sheet=view.sheet_name("saturation"))
    return view.compose("saturation", [listed])


def _saturation_columns(view: ChapterView) -> list[Col]:
    return [
        Col("person", view.label("СР", "Developer")),
        Col("new_before", view.label("Новых за квартал, раньше", "New a quarter, earlier"), "num", 1),
        Col("new_after", view.label("Новых за квартал, позже", "New a quarter, later"), "num", 1),
        Col("book_before", view.label("Своих постоянных, раньше", "Own repeat clients, earlier"), "num", 1),
        Col("book_after", view.label("Своих постоянных, позже", "Own repeat clients, later"), "num", 1),
    ]


def _hunt_columns(view: ChapterView) -> list[Col]:
    i = 0 if view.lang == "ru" else 1
    return [
        Col("person", view.label("Кто", "Who")),
        Col("family", view.label("Роль", "Role")),
        Col("days", view.label("Дней заказа", "Order days"), "count"),
        *(Col(k, v[i], "count") for k, v in _HUNT_KINDS.items()),
        Col("hunt_share", view.label("Доля новых", "Share of new"), "share"),
        Col("expected", view.label("Ожидалось бы случайно", "Expected by chance"), "share"),
    ]


def _function_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", view.label("Функция", "Function")),
        Col("owner", view.label("Чья", "Whose")),
        Col("hours", view.label("Часов в месяц", "Hours a month"), "hours", 0),
        Col("foreign_share", view.label("Делают другие", "Done by others"), "share"),
        Col(
            "people", view.label("Сколько человек тратят ≥ 5 % времени", "People who spend ≥ 5% of their time"), "count"
        ),
        Col(
            "crumbs",
            view.label("Сколько человек тратят < 10 % времени", "People who spend < 10% of their time"),
            "count",
        ),
        Col("who", view.label("Роли, на которых ≥ 15 % часов", "Roles with ≥ 15% of the hours")),
        Col("mark", view.label("Отметка", "Mark")),
    ]


def _function_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["functions"].copy()
    rows["name"] = [method().functions[f].name.get(view.lang) for f in rows["function"]]
    rows["owner"] = [charts.role_short(None if pd.isna(o) else str(o), view.fmt) for o in rows["owner"]]
    rows["foreign_share"] = rows["foreign_hours"] / rows["hours"]
    rows["who"] = [", ".join(charts.role_short(c, view.fmt) for c in str(s).split(";") if c) for s in rows["role_list"]]
    rows["mark"] = [
        ""
        if not r["fragmented"]
        else view.label("поделена между ролями", "divided between roles")
        if r["owner_present"]
        else view.label("не отвечает никто", "nobody answers")
        for r in rows.to_dict("records")
    ]
    return rows.sort_values(["fragmented", "foreign_hours"], ascending=[False, False], ignore_index=True)


def _functions(view: ChapterView) -> Section:
    parts: list[Any] = []
    if len(view.tables["functions"]):
        rows = _function_frame(view)
        rows = rows[rows["fragmented"].astype(bool) | (rows["foreign_hours"] > 0)]
        if len(rows):
            parts = [
                table(rows, _function_columns(view), fmt=view.fmt, max_rows=12, sheet=view.sheet_name("functions"))
            ]
    return view.compose("functions", parts)


def _evidence_columns(view: ChapterView) -> list[Col]:
    return [
        Col("family", view.label("Роль", "Role")),
        Col("group_name", view.label("Работа", "Work")),
        Col("self_share", view.label("Анкета", "Self-report"), "share"),
        Col("log_share", view.label("Фотография дня", "Day log"), "share"),
        Col("interval", view.label("95 %", "95%")),
        Col("log_days", view.label("Дней", "Days"), "count"),
        Col("trace_share", view.label("След в заказах", "Trace in orders"), "share"),
        Col("grade", view.label("Доказательность", "Evidence"), "grade"),
    ]


def _evidence_frame(view: ChapterView) -> pd.DataFrame:
    rows = _roles(view, view.tables["evidence"])
    rows["group_name"] = [charts.group_name(str(g), view.fmt) for g in rows["group"]]
    rows["interval"] = [
        "" if pd.isna(r["log_low"]) else view.fmt.share_interval(r["log_low"], r["log_high"])
        for r in rows.to_dict("records")
    ]
    return rows.sort_values(["conflict", "sources"], ascending=[False, False], kind="stable", ignore_index=True)


def _evidence(view: ChapterView) -> Section:
    parts: list[Any] = []
    rows = _evidence_frame(view)
    rows = rows[rows["sources"] >= 2]
    if len(rows):
        note = view.plain("evidence", "note")
        parts = [
            charts.evidence_chart(view.result, view.fmt, note, _accent(view)),
            table(
                rows,
                _evidence_columns(view),
                fmt=view.fmt,
                max_rows=12,
                sheet=view.sheet_name("evidence"),
                emphasise=lambda row: "found" if row["conflict"] else "",
            ),
        ]
    x = view.result.facts
    if x["log_days"] and (x["log_one_weekday"] or x["log_month_end"] or x["log_short_days"]):
        parts.append(view.say("evidence", "log"))
    s = view.metric("switching")
    if s.value is not None:
        x, fmt = s.extra, view.fmt
        told = (
            ""
            if x["interrupted_share"] is None
            else view.label(
                f", прервано {fmt.share(x['interrupted_share'])} записей",
                f", {fmt.share(x['interrupted_share'])} of entries interrupted",
            )
        )
        parts.append(
            view.label(
                f"Вид работы меняется в среднем {fmt.num(s.value, 1)} раза в час{told}.",
                f"The kind of work changes {fmt.num(s.value, 1)} times an hour on average{told}.",
            )
        )
    begun = view.tables["initiative"]
    if len(begun):
        columns = [
            Col("family", view.label("Роль", "Role")),
            Col("by_client", view.label("По запросу клиента", "Begun by the client"), "count"),
            Col("by_us", view.label("По своей инициативе", "Begun by us"), "count"),
            Col("share", view.label("Своих начинаний", "Our own share"), "share"),
            Col("low", view.label("не меньше", "at least"), "share"),
            Col("high", view.label("не больше", "at most"), "share"),
            Col("days", view.label("Дней в журнале", "Days logged"), "count"),
        ]
        listed = table(_roles(view, begun), columns, fmt=view.fmt, sortable=False, wide=False)
        parts += [view.say("evidence", "initiative"), listed]
    return view.compose("evidence", parts)


def _mirror(view: ChapterView) -> Section:
    note = view.plain("mirror", "note")
    return view.compose("mirror", [charts.mirror_chart(view.result, view.fmt, note, _accent(view))])


_WHAT_IF = {
    "selling_share": (("доля продаж в часах КМ", "selling share of client managers' hours"), "share"),
    "hours_handed_over": (("передано часов в месяц", "hours a month handed over"), "hours"),
    "new_people_fte": (("нужно новых ставок", "new people needed, FTE"), "fte"),
}


def _what_if(view: ChapterView) -> Section:
    frame = view.tables.get("what_if")
    parts: list[Any] = []
    if frame is not None and len(frame):
        i = 0 if view.lang == "ru" else 1
        rows = []
        for r in frame.to_dict("records"):
            name = str(r["measure"])
            if name in _WHAT_IF:
                label, unit = _WHAT_IF[name][0][i], _WHAT_IF[name][1]
            else:
                spec = method().metrics[name]
                label, unit = spec.name.get(view.lang), spec.unit
            rows.append(
                {"label": label, "before": view.fmt.value(r["before"], unit), "after": view.fmt.value(r["after"], unit)}
            )
        columns = [
            Col("label", view.label("Показатель", "Measure")),
            Col("before", view.label("Сейчас", "Now")),
            Col("after", view.label("После", "After")),
        ]
        parts = [table(pd.DataFrame(rows), columns, fmt=view.fmt, sortable=False)]
    else:
        parts = [
            view.label(
                "Изменение не задано: впишите параметры ноутбука add_relief_fte и move_functions.",
                "No change is given: parameters add_relief_fte and move_functions of the notebook.",
            )
        ]
    section = view.compose("what_if", parts, phi=view.case.thresholds.range("roles.reinvested_share")[1])
    return section if frame is not None and len(frame) else dataclasses.replace(section, internal=True)


_PAID, _UNPAID, _ANOTHERS = "■", "□", "●"


def _pay_frame(view: ChapterView) -> pd.DataFrame:
    """One row per role: a mark under everything that pay may depend on."""
    rows, codes = view.tables["pay"], method().answers["pays_for"]
    frame = pd.DataFrame(
        {
            "name": [method().roles[str(r)].short.get(view.lang) for r in rows["role"]],
            "fixed_share": rows["fixed_share"].astype(float),
        }
    )
    for code in codes:
        frame[code] = [
            (_PAID if code in own else _ANOTHERS) if code in paid else _UNPAID if code in own else ""
            for own, paid in zip(rows["own"], rows["paid"], strict=True)
        ]
    return frame


def _pay_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", view.label("Роль", "Role")),
        Col("fixed_share", view.label("Оклад", "Fixed part"), "share"),
        *(Col(code, a.name.get(view.lang)) for code, a in method().answers["pays_for"].items()),
    ]


def _pay(view: ChapterView) -> Section:
    if view.tables["pay"].empty:
        return view.empty("pay")
    return view.compose("pay", [table(_pay_frame(view), _pay_columns(view), fmt=view.fmt, sortable=False)])


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "flow": _flow,
    "by_role": _by_role,
    "km_load": _km_load,
    "relief": _relief,
    "week": _week,
    "entry": _entry,
    "order_work": _order_work,
    "hunting": _hunting,
    "saturation": _saturation,
    "functions": _functions,
    "evidence": _evidence,
    "mirror": _mirror,
    "pay": _pay,
    "what_if": _what_if,
}
"""Sections in reading order. ``what_if`` shows something only where the notebook's parameters ask for a change."""

_TITLES = {
    "touch_plan": ("Касания клиентов КМ по норме", "Touches of client managers' clients by the norm"),
    "order_steps": ("Часы и деньги на один заказ, по шагам", "Hours and money per order, step by step"),
    "persons": ("Сотрудники: чужая работа и роли", "People: foreign work and roles"),
    "flow": ("Кто чью работу делает, часы", "Who does whose work, hours"),
    "functions": ("Функции: сколько ролей их делает", "Functions: how many roles do them"),
    "relief": ("Разгрузка по функциям", "Relief by function"),
    "freed": ("Разгрузка по КМ", "Relief by client manager"),
    "entry_hours": ("Ввод заказов: часы по авторам", "Order entry: hours by author"),
    "hunting": ("Кто привлекает и кто ведёт клиентов", "Who wins and who keeps clients"),
    "evidence": ("Три источника", "Three sources"),
    "room": ("Клиенты КМ: кому есть куда расти", "Client managers' clients and room to grow"),
    "keys": ("Ключевые клиенты и кто их ведёт", "Key clients and who leads them"),
    "pay": ("Что поручено и за что платят", "What is asked and what is paid for"),
    "saturation": ("СР: новые клиенты и свои постоянные", "Developers: new clients and own repeat clients"),
}
_ROOM = {True: ("есть", "yes"), False: ("нет", "no"), None: ("неизвестно", "unknown")}
_FLOW_KINDS = {
    "own": ("своя", "own"),
    "allowed": ("разрешённая", "allowed"),
    "foreign": ("чужая", "foreign"),
    "missing": ("чужая, роли нет", "foreign, nobody holds the role"),
    "overhead": ("накладное время", "overhead"),
    "outside": ("вне конвейера", "outside the conveyor"),
    "group": ("известна только группа", "known by group only"),
    "no_role": ("роль не выбрана", "no role chosen"),
}


def sheets(view: ChapterView) -> list[Sheet]:
    """Return the chapter's whole tables for the annex; people by code unless names are asked for."""
    i, fmt, t = (0 if view.lang == "ru" else 1), view.fmt, view.tables
    who, role, hours = (
        Col("person", ("Кто", "Who")[i]),
        Col("family", ("Роль", "Role")[i]),
        ("часов в месяц", "hours a month")[i],
    )

    def sheet(name: str, frame: pd.DataFrame, columns: list[Col]) -> Sheet:
        return view.sheet(name, _TITLES[name][i], frame[[c.key for c in columns]], columns)

    people = _persons(view, _roles(view, t["persons"]))
    types, told = _type_names(view), t["served"]
    spoken = {
        str(p): "; ".join(
            f"{types[str(x)]} {fmt.share(float(s), 0)}" for x, s in zip(part["part"], part["share"], strict=True)
        )
        for p, part in told.groupby("person")
    }
    people["served"] = [
        spoken.get(str(p), ("по заказам не видно", "not seen in the orders")[i]) for p in t["persons"]["person"]
    ]
    by_type = [Col("served", ("Каких клиентов ведёт", "Clients served")[i])] if len(types) > 1 else []
    flow = _roles(view, _roles(view, t["flow"], "from_role"), "to_role")
    flow["kind"] = [_FLOW_KINDS[str(k)][i] for k in flow["kind"]]
    relief = t["relief"].copy()
    named = {**method().functions, **method().groups}
    relief["name"] = [named[f].name.get(view.lang) for f in relief["function"]]
    relief["receiver"] = [
        charts.role_short(None if pd.isna(r) else str(r), fmt) if not pd.isna(r) else "" for r in relief["receiver"]
    ]
    room = t["clients_with_room"]
    keys = t["keys"].copy()
    names = _names(view)
    keys["lead"] = [names.get(str(p), str(p)) for p in keys["lead"]]
    keys["first"] = [("да", "yes")[i] if v else ("нет", "no")[i] for v in keys["first_person"]]
    out = [
        sheet(
            "persons",
            people,
            [
                who,
                role,
                Col("hours", ("Часов в месяц", "Hours a month")[i], "hours", 0),
                Col("foreign_share", ("Чужая работа", "Foreign work")[i], "share"),
                Col("oper_share", ("Операционная чужая", "Foreign operational")[i], "share"),
                Col("selling_share", ("Продажи", "Selling")[i], "share"),
                Col("effective_roles", ("Сколько ролей совмещает", "Roles combined")[i], "num", 2),
                Col("functions", ("Функций ≥ 5 % времени", "Functions with ≥ 5% of time")[i], "count"),
                Col("crumbs", ("Функций < 10 % времени", "Functions with < 10% of time")[i], "count"),
                *by_type,
            ],
        ),
        sheet(
            "flow",
            flow,
            [
                Col("from_role", ("Кто делает", "Who does it")[i]),
                Col("kind", ("Чья работа", "Whose work")[i]),
                Col("to_role", ("Чья это роль", "Whose role it is")[i]),
                Col("hours", hours, "hours"),
                Col("fte", ("ставок", "FTE")[i], "fte"),
            ],
        ),
        sheet(
            "functions",
            _function_frame(view)
            if len(t["functions"])
            else t["functions"].assign(name=[], who=[], mark=[], foreign_share=[]),
            _function_columns(view),
        ),
        sheet(
            "relief",
            relief,
            [
                Col("name", ("Функция", "Function")[i]),
                Col("receiver", ("Чья", "Whose")[i]),
                Col("hours", hours, "hours"),
                *(Col(f"tau_{k}", f"τ {w}", "num", 2) for k, w in zip(("low", "base", "high"), _THREE[i], strict=True)),
                *(
                    Col(k, f"{('передать', 'hand over')[i]}, {w}", "hours")
                    for k, w in zip(("low", "base", "high"), _THREE[i], strict=True)
                ),
            ],
        ),
        sheet(
            "freed",
            _persons(view, t["freed"]),
            [
                who,
                Col("hours", hours, "hours"),
                Col("base", ("можно передать, базовая оценка", "can be handed over, base")[i], "hours"),
                Col("low", ("не меньше", "at least")[i], "hours"),
                Col("high", ("не больше", "at most")[i], "hours"),
                Col("freed_share", ("доля времени", "share of time")[i], "share"),
                Col("ek_hours", ("по правилу до 20 %", "by the rule of up to 20%")[i], "hours"),
            ],
        ),
        sheet(
            "entry_hours",
            _persons(view, t["entry_hours"]),
            [
                who,
                Col("orders", ("Заказов введено", "Orders keyed in")[i], "count"),
                Col("lines", ("Строк", "Lines")[i], "count"),
                Col("hours", hours, "hours"),
            ],
        ),
        sheet("touch_plan", _touch_frame(view), _touch_columns(view, t["touch_plan"]))
        if len(t["touch_plan"])
        else sheet("touch_plan", t["touch_plan"].assign(name=[]), [Col("name", "")]),
        sheet("order_steps", _step_frame(view), _step_columns(view, t["order_steps"]))
        if len(t["order_steps"])
        else sheet("order_steps", t["order_steps"].assign(name=[]), [Col("name", "")]),
        sheet("hunting", _persons(view, _roles(view, t["hunting"])), _hunt_columns(view)),
        sheet("evidence", _evidence_frame(view), _evidence_columns(view)),
    ]
    if len(room):
        profit = margin_of(view.case).basis == "gross_profit"
        worth = (("Прибыль в год", "Gross profit a year") if profit else ("Выручка в счёт", "Revenue counted"))[i]
        frame = room.assign(
            room=[_ROOM[None if pd.isna(r) else bool(r)][i] for r in room["room"]],
            manager=[names.get(str(m), "") for m in room["manager"]],
        )
        out.append(
            sheet(
                "room",
                frame,
                [
                    Col("client_key", ("Клиент", "Client")[i]),
                    Col("manager", ("Менеджер", "Manager")[i]),
                    Col("revenue", ("Выручка в год", "Revenue a year")[i], "money_full"),
                    Col("worth", worth, "money_full"),
                    Col("wallet_share", ("Наша доля в закупках", "Our share of wallet")[i], "share"),
                    Col("best_year", ("Лучшие четыре квартала", "Best four quarters")[i], "money_full"),
                    Col("missing", ("Не берёт категорий, обычных у похожих", "Categories missing")[i], "count"),
                    Col("room", ("Есть куда расти", "Room to grow")[i]),
                ],
            )
        )
    if len(keys):
        out.append(
            sheet(
                "keys",
                keys,
                [
                    Col("client_key", ("Клиент", "Client")[i]),
                    Col("lead", ("Ведёт", "Lead")[i]),
                    Col("revenue", ("Выручка за 12 месяцев", "Revenue of 12 months")[i], "money_full"),
                    Col("first", ("Первое лицо", "First person")[i]),
                ],
            )
        )
    if len(t["saturation"]):
        out.append(sheet("saturation", _persons(view, t["saturation"]), _saturation_columns(view)))
    if len(t["pay"]):
        out.append(sheet("pay", _pay_frame(view), _pay_columns(view)))
    return [s for s in out if len(s.frame)]


_THREE = (("низкая", "базовая", "высокая"), ("low", "base", "high"))
