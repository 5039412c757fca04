"""The chapter «Тип продаж и конвейер» as sections of the report, and its annex sheets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from audit.chapters.conveyor import charts
from audit.chapters.conveyor.verdicts import CRITERIA
from audit.errors import Text
from audit.ground.people import labels
from audit.method import method
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, key_figures, table
from audit.present.chapter import ChapterView

__all__ = ["SECTIONS", "SHEET_NAMES", "sheets"]

SHEET_NAMES: dict[str, Text] = {
    "criteria": Text("Тип продаж", "Type of sale"),
    "stations": Text("Роли конвейера", "Roles of the conveyor"),
    "people": Text("Подчинение", "Chain of command"),
    "posts": Text("Ставки по ролям", "Posts by role"),
    "parts": Text("Типы продаж по частям", "Types of sale by part"),
    "matrix": Text("Функции и роли", "Functions and roles"),
}
"""Table of the result (and of a finding) → name of its sheet in the annex."""

_OPINIONS = {
    "supports": ("да", "yes"),
    "excludes": ("нет", "no"),
    "neutral": ("не влияет", "no bearing"),
    "none": ("", ""),
}


def _type_name(view: ChapterView, code: str | None) -> str:
    types = method().sale_types
    if code in types:
        return types[str(code)].name.get(view.lang).split(" (")[0].lower()
    if code and "/" in code:
        return view.label(" или ", " or ").join(_type_name(view, c) for c in code.split("/"))
    return view.label("не определён", "undetermined")


def _criterion(view: ChapterView, name: str, value: Any) -> str:
    fmt = view.fmt
    match name:
        case "interval":
            return fmt.days(value)
        case "one_time":
            return fmt.share(value)
        case "complexity" | "price":
            return view.label(f"{fmt.num(value)} из 4", f"{fmt.num(value)} of 4")
        case _:
            return fmt.num(value)


def _criteria_frame(view: ChapterView) -> pd.DataFrame:
    i = 0 if view.lang == "ru" else 1
    rows = view.tables["criteria"].copy()
    rows["name"] = [CRITERIA[str(c)].get(view.lang) for c in rows["criterion"]]
    rows["shown"] = [_criterion(view, str(c), v) for c, v in zip(rows["criterion"], rows["value"], strict=True)]
    rows["verdict"] = [_OPINIONS[str(o)][i] for o in rows["opinion"]]
    rows["types"] = ["; ".join(_type_name(view, c) for c in str(t).split(", ")) for t in rows["compatible"]]
    return rows


def _criteria_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", view.label("Признак", "Criterion")),
        Col("shown", view.label("Значение", "Value")),
        Col("types", view.label("Каким типам соответствует", "Types it fits")),
        Col("verdict", view.label("Подтверждает тип", "Bears the type out")),
    ]


def _type(view: ChapterView) -> Section:
    x = view.result.facts
    parts_text = ", ".join(f"{_type_name(view, t)} — {view.fmt.share(x['type_shares'].get(t))}" for t in x["types"])
    rows = _criteria_frame(view)
    body: list[Any] = [
        table(rows, _criteria_columns(view), fmt=view.fmt, sortable=False) if len(rows) else view.say("type", "empty"),
        view.say("type", "note"),
    ]
    return view.compose(
        "type",
        body,
        declared=_type_name(view, x["declared"]),
        measured=_type_name(view, x["measured"]),
        used=_type_name(view, x["used"]),
        parts=parts_text,
    )


def _parts_frame(view: ChapterView) -> pd.DataFrame:
    rows, roles, fmt = view.tables["parts"], method().roles, view.fmt
    out = rows.assign(name=[_type_name(view, str(t)) for t in rows["sale_type"]])
    out["what"] = [", ".join(v) or view.label("остальное", "the rest") for v in rows["values"]]
    out["interval"] = ["" if pd.isna(r["interval_days"]) else _interval_cell(view, r) for r in rows.to_dict("records")]
    out["second_text"] = [
        "—"
        if pd.isna(r["second"])
        else f"{fmt.share(r['second'])} ({fmt.share_interval(r['second_low'], r['second_high'])})"
        for r in rows.to_dict("records")
    ]
    out["weak"] = [
        "—" if not isinstance(w, str) else f"{roles[w].short.get(view.lang)} {fmt.share(c)}"
        for w, c in zip(rows["weakest"], rows["coverage"], strict=True)
    ]
    out["lacks"] = [", ".join(roles[s].short.get(view.lang) for s in m) or "—" for m in rows["missing"]]
    return out


LEAST_POST = 0.05
"""Posts below this are printed as none."""


def _interval_cell(view: ChapterView, row: Mapping[Any, Any]) -> str:
    days = view.fmt.days(row["interval_days"])
    return f"{days}, {view.plain('parts', 'fits' if row['interval_fits'] else 'differs')}"


def _parts_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", view.label("Тип продаж", "Type of sale")),
        Col("what", view.label("Что это", "What it is")),
        Col("revenue_share", view.label("Доля выручки", "Share of revenue"), "share"),
        Col("clients", view.label("Клиентов", "Clients"), "count"),
        Col("interval", view.label("Обычный интервал", "Usual interval")),
        Col("second_text", view.label("Вторая покупка", "Second purchase")),
        Col("foreign_share", view.label("Чужая работа", "Foreign work"), "share"),
        Col("weak", view.label("Слабейшая станция", "Weakest station")),
        Col("lacks", view.label("Нет станций", "Stations lacking")),
    ]


def _parts(view: ChapterView) -> Section:
    if view.tables["parts"].empty:
        return view.empty("parts")
    rows = _parts_frame(view)
    listed = table(rows, _parts_columns(view), fmt=view.fmt, sortable=False)
    horizon = view.case.window.horizon_days
    stations, columns = _part_stations(view)
    return view.compose(
        "parts",
        [
            listed,
            view.say("parts", "stations"),
            table(stations, columns, fmt=view.fmt, sortable=False),
            view.say("parts", "note", horizon=horizon),
        ],
    )


def _part_stations(view: ChapterView) -> tuple[pd.DataFrame, list[Col]]:
    """Return the conveyor of every part side by side: posts, and the part of the station's work that it does itself."""
    rows, roles, fmt = view.tables["part_stations"], method().roles, view.fmt
    out: dict[str, dict[str, Any]] = {}
    for r in rows.to_dict("records"):
        name = roles[str(r["station"])].short.get(view.lang)
        row = out.setdefault(str(r["station"]), {"name": name, "fte": 0.0})
        row["fte"] += float(r["fte"])
        covered = f" · {fmt.share(r['coverage'])}" if r["required"] and not pd.isna(r["coverage"]) else ""
        here = fmt.num(r["fte"], 1) + covered if r["fte"] >= LEAST_POST else view.label("нет", "none")
        row[str(r["sale_type"])] = here if r["required"] or r["fte"] >= LEAST_POST else "—"
    columns = [
        Col("name", view.label("Роль", "Role")),
        *(Col(t, _type_name(view, t)) for t in dict.fromkeys(str(t) for t in rows["sale_type"])),
        Col("fte", view.label("Всего ставок", "FTE in all"), "num", 1),
    ]
    return pd.DataFrame(list(out.values())), columns


def _station_frame(view: ChapterView) -> pd.DataFrame:
    rows = view.tables["stations"].copy()
    roles = method().roles
    rows["name"] = [roles[str(s)].short.get(view.lang) for s in rows["station"]]
    names = labels(view.case)
    rows["names"] = [", ".join(names.get(p, p) for p in who) for who in rows["who"]]
    beside = set(view.result.facts["beside"])
    rows["need"] = [
        view.label("да", "yes")
        if r
        else view.label("части продаж", "by part of the sales")
        if s in beside
        else view.label("по желанию", "optional")
        for s, r in zip(rows["station"], rows["required"], strict=True)
    ]
    rows["others"] = [_hours_by_role(view, d) for d in rows["by_role"]]
    return rows


def _hours_by_role(view: ChapterView, hours: Mapping[str, float]) -> str:
    """Write whose hours these are, most first; less than half an hour a month is nobody's work."""
    roles = method().roles
    told = sorted(((f, h) for f, h in hours.items() if round(h) >= 1), key=lambda p: -p[1])
    return ", ".join(f"{roles[f].short.get(view.lang)} {view.fmt.hours(h, 0)}" for f, h in told)


def _station_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", view.label("Роль", "Role")),
        Col("need", view.label("Обязательна", "Required")),
        Col("people", view.label("Людей", "People"), "count"),
        Col("names", view.label("Кто", "Who")),
        Col("fte", view.label("Ставок", "FTE"), "fte"),
        Col("own_hours", view.label("Своих часов", "Own hours"), "hours", 0),
        Col("foreign_hours", view.label("Часов у других ролей", "Others' hours"), "hours", 0),
        Col("coverage", view.label("Делает сама", "Does itself"), "share"),
        Col("others", view.label("Кто ещё делает", "Who else does it")),
    ]


def _conveyor(view: ChapterView) -> Section:
    x = view.result.facts
    band = view.case.thresholds["model.missing_role"]
    verdict = view.finding("missing_role").facts.get("stations", [])
    chart = charts.conveyor_chart(
        view.result,
        view.fmt,
        band,
        view.plain("conveyor", "note"),
        view.case.settings.report.accent,
        judged={r["station"]: r["status"] for r in verdict},
        people=labels(view.case),
    )
    parts: list[Any] = [chart]
    if view.metric("station_fte").value is not None:
        parts.append(table(_station_frame(view), _station_columns(view), fmt=view.fmt, sortable=False))
        small = [
            method().roles[r].short.get(view.lang)
            for r in x["small_roles"]
            if r in set(view.tables["stations"]["station"])
        ]
        if small:
            parts.append(view.say("conveyor", "small", names=", ".join(small)))
    return view.compose("conveyor", parts)


def _organisation(view: ChapterView) -> Section:
    x, names = view.result.facts["organisation"], labels(view.case)
    parts: list[Any] = []
    if x["known"]:
        parts.append(charts.organisation_chart(view, names))
        parts += [
            view.say("organisation", kind, names=", ".join(x[kind])) for kind in ("left", "circle", "none") if x[kind]
        ]
    return view.compose("organisation", parts, people=len(view.tables["people"]))


def _people_frame(view: ChapterView) -> pd.DataFrame:
    rows, names, roles = view.tables["people"].copy(), labels(view.case), method().roles
    rows["name"] = [names.get(p, p) for p in rows["person"]]
    rows["role_name"] = [
        ", ".join(roles[r].short.get(view.lang) for r in (a, b) if isinstance(r, str))
        for a, b in zip(rows["role"], rows["role2"], strict=True)
    ]
    rows["head_name"] = [names.get(h, h) if isinstance(h, str) else "" for h in rows["head"]]
    return rows


def _people_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", view.label("Сотрудник", "Person")),
        Col("role_name", view.label("Роль", "Role")),
        Col("head_name", view.label("Руководитель", "Head")),
        Col("level", view.label("Уровень", "Level"), "count"),
        Col("reports", view.label("Прямых подчинённых", "Direct reports"), "count"),
        Col("fte", view.label("Ставка", "FTE"), "fte"),
        Col("foreign_share", view.label("Чужая работа", "Foreign work"), "share"),
    ]


def _posts_frame(view: ChapterView) -> pd.DataFrame:
    rows, roles = view.tables["posts"].copy(), method().roles
    rows["name"] = [roles[s].short.get(view.lang) for s in rows["station"]]
    rows["now"] = rows["now"].astype(float).round(1)  # as it is printed, so that now and the change make what is needed
    rows["need"] = [_span(view, low, high) for low, high in zip(rows["low"], rows["high"], strict=True)]
    rows["change"] = [
        _change(view, low - now, high - now)
        for low, high, now in zip(rows["low"], rows["high"], rows["now"], strict=True)
    ]
    rows["why"] = [_hours_by_role(view, moved) for moved in rows["moved"]]
    return rows


_NORM = {"own": "■", "allowed": "□", "foreign": "●"}
HEADS = ("RKO", "ROP", "KD", "GD", "OWN")
CRUMB = 1.0
"""Hours a month below which a function of a role is not worth a cell."""


def _matrix_frame(view: ChapterView) -> tuple[pd.DataFrame, list[str]]:
    """Return one row per function and a column per family, cells as written; functions that nobody does stand last."""
    roles, functions = method().roles, method().functions
    rows = view.tables["matrix"].assign(family=lambda t: t["family"].where(~t["family"].isin(HEADS), HEADS[0]))
    rows = rows.groupby(["function", "family", "norm"], sort=False)["hours"].sum().reset_index()
    order = [f for f in roles if f in set(rows["family"])]
    wide: dict[str, dict[str, Any]] = {}
    for r in rows.to_dict("records"):
        code = str(r["function"])
        row = wide.setdefault(
            code, {"code": code, "name": functions[code].name.get(view.lang), "hours": 0.0, "foreign": 0.0}
        )
        row["hours"] += r["hours"]
        row["foreign"] += r["hours"] if r["norm"] == "foreign" else 0.0
        mark = _NORM[r["norm"]]
        before = f"{row[r['family']]} " if r["family"] in row else ""
        if r["hours"] >= CRUMB:
            row[r["family"]] = f"{before}{mark} {view.fmt.num(r['hours'], 0)}"
        elif r["norm"] == "own" and not before:
            row[r["family"]] = mark
    frame = pd.DataFrame(list(wide.values()))
    for family in order:
        if family not in frame:
            frame[family] = ""
    frame[order] = frame[order].fillna("")
    return frame, order


def _matrix_head(view: ChapterView, family: str) -> str:
    """Heads of every kind share a column: what they do is led, not done."""
    if family == HEADS[0]:
        return view.label("руководители", "heads")
    return method().roles[family].short.get(view.lang)


def _stressed(cell: str) -> Markup:
    """Foreign work stands out."""
    return Markup("<strong>{}</strong>").format(cell) if _NORM["foreign"] in cell else escape(cell)


def _matrix(view: ChapterView) -> Section:
    if not view.result.facts["has_time"] or view.tables["matrix"].empty:
        return view.empty("matrix")
    frame, families = _matrix_frame(view)
    done = frame[frame["hours"] >= CRUMB]
    columns = [
        Col("name", view.label("Функция", "Function")),
        *(Col(f, _matrix_head(view, f), show=_stressed) for f in families if (done[f] != "").any()),
        Col("foreign", view.label("Делают другие, часов", "By others, hours"), "hours", 0),
    ]
    idle = [str(n) for n in frame.loc[frame["hours"] < CRUMB, "name"]]
    shown = table(done, columns, fmt=view.fmt, sortable=False, wide=True, paper_rows=None)
    parts: list[Any] = [view.say("matrix", "legend"), shown]
    if idle:
        parts.append(view.say("matrix", "idle", names="; ".join(idle)))
    return view.compose("matrix", parts)


def _matrix_sheet(view: ChapterView) -> pd.DataFrame:
    rows, m = view.tables["matrix"].copy(), method()
    words = {"own": ("своя", "own"), "allowed": ("разрешена", "allowed"), "foreign": ("чужая", "foreign")}
    rows["name"] = [m.functions[f].name.get(view.lang) for f in rows["function"]]
    rows["role"] = [m.roles[f].short.get(view.lang) for f in rows["family"]]
    rows["whose"] = [view.label(*words[n]) for n in rows["norm"]]
    return rows


def _matrix_columns(view: ChapterView) -> list[Col]:
    return [
        Col("function", view.label("Код", "Code")),
        Col("name", view.label("Функция", "Function")),
        Col("role", view.label("Роль", "Role")),
        Col("whose", view.label("По норме", "By the norm")),
        Col("hours", view.label("Часов в месяц", "Hours a month"), "hours", 0),
        Col("people", view.label("Людей", "People"), "count"),
    ]


def _span(view: ChapterView, low: float, high: float) -> str:
    ends = [view.fmt.num(x, 1, trim=True) for x in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]}–{ends[1]}"


def _change(view: ChapterView, low: float, high: float) -> str:
    """Return the change in posts, where both ends agree on its direction; a dash otherwise.

    Posts set free are time to grow with, not people to part with, and are said so.
    """
    if low <= 0 <= high:
        return "—"
    least, most = sorted((abs(low), abs(high)))
    ends = _span(view, least, most)
    return f"+{ends}" if low > 0 else view.label(f"освободится {ends}", f"{ends} set free")


def _posts_columns(view: ChapterView) -> list[Col]:
    return [
        Col("name", view.label("Роль", "Role")),
        Col("now", view.label("Ставок сейчас", "FTE now"), "fte"),
        Col("need", view.label("Нужно", "Needed")),
        Col("change", view.label("Изменение", "Change")),
        Col("why", view.label("Чья работа вернётся сюда, часов в месяц", "Whose hours a month return here")),
    ]


def _target(view: ChapterView) -> Section:
    if view.tables["posts"].empty:
        return view.empty("target")
    rows = _posts_frame(view)
    return view.compose(
        "target", [charts.target_chart(view, rows), table(rows, _posts_columns(view), fmt=view.fmt, sortable=False)]
    )


def _support(view: ChapterView) -> Section:
    """How much support there is for a client manager, now and after relief, and what waiting is agreed."""
    types = view.result.facts["types"]
    fast, slow = "TC" in types, bool({"C", "CS", "S"} & set(types))
    m = view.metric("support_per_km")
    if not (fast or slow) or (m.value is not None and m.value == 0):
        return view.empty("support")
    after = m.extra.get("after") if m.value is not None else None
    more = after is not None and round(after, 1) > round(float(m.value or 0), 1)
    return view.compose("support", [], fast=fast, slow=slow, more=more)


def _market(view: ChapterView) -> Section:
    fmt, m = view.fmt, view.result.metrics
    ticket, interval = m["model.ticket"], m["model.interval_days"]
    figures = [
        (
            fmt.metric(m["model.active_clients"]),
            view.label("активных клиентов", "active clients"),
            view.label("за последние 12 месяцев", "in the last 12 months"),
        ),
        (
            fmt.metric(ticket),
            view.label("обычный заказ", "usual order"),
            ""
            if ticket.value is None
            else view.label("восемь из десяти: ", "eight of ten: ")
            + fmt.between(ticket.extra["p10"], ticket.extra["p90"], "money"),
        ),
        (
            fmt.metric(interval),
            view.label("между покупками постоянного клиента", "between a regular client's purchases"),
            "" if interval.value is not None or interval.reason is None else interval.reason.get(view.lang),
        ),
    ]
    return view.compose("market", [key_figures(figures)])


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {
    "type": _type,
    "organisation": _organisation,
    "parts": _parts,
    "conveyor": _conveyor,
    "target": _target,
    "support": _support,
    "market": _market,
    "matrix": _matrix,
}
"""Sections in reading order."""


def sheets(view: ChapterView) -> list[Sheet]:
    """Return the chapter's whole tables for the annex."""
    out = []
    if len(view.tables["criteria"]):
        out.append(
            view.sheet(
                "criteria",
                view.label("Признаки типа продаж", "Criteria of the type of sale"),
                _criteria_frame(view)[[c.key for c in _criteria_columns(view)]],
                _criteria_columns(view),
            )
        )
    if view.metric("station_fte").value is not None:
        out.append(
            view.sheet(
                "stations",
                view.label("Роли конвейера", "Roles of the conveyor"),
                _station_frame(view)[[c.key for c in _station_columns(view)]],
                _station_columns(view),
            )
        )
    tables = {
        "people": (view.label("Кто кому подчинён", "Who reports to whom"), _people_frame, _people_columns),
        "posts": (view.label("Ставки по ролям", "Posts by role"), _posts_frame, _posts_columns),
        "parts": (view.label("Типы продаж по частям", "Types of sale by part"), _parts_frame, _parts_columns),
        "matrix": (view.label("Функции и роли", "Functions and roles"), _matrix_sheet, _matrix_columns),
    }
    for key, (title, frame, columns) in tables.items():
        if len(view.tables[key]):
            out.append(view.sheet(key, title, frame(view)[[c.key for c in columns(view)]], columns(view)))
    return out
