"""Pictures of role mixing: whose work flows where, how loaded each client manager is, three sources, the mirror."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import pandas as pd

from audit.method import Threshold, method
from audit.model.result import ChapterResult
from audit.present.chart import Band, Benchmark, Caption, Chart
from audit.present.charts.draw import bars, figure, finish, flow, lines_of, shorten, stacked_bars, whiskers, write_ticks
from audit.present.charts.style import chart_style
from audit.present.format import Fmt
from audit.present.style import ACCENT, CATEGORICAL, INK, INK_FAINT, INK_SOFT, PAPER, STATUS

MOST_ENTRY = 15
MOST_FUNCTIONS = 10

__all__ = [
    "entry_chart",
    "evidence_chart",
    "flow_chart",
    "group_name",
    "km_load_chart",
    "mirror_chart",
    "order_chart",
    "relief_chart",
    "role_short",
    "week_chart",
]


def role_short(code: str | None, fmt: Fmt) -> str:
    """Return the short name of a role; «роль не выбрана» for "?"."""
    if code is None or code == "?":
        return "роль не выбрана" if fmt.lang == "ru" else "no role chosen"
    return method().roles[code].short.get(fmt.lang)


def group_name(code: str, fmt: Fmt) -> str:
    """Return the name of a group of functions."""
    return method().groups[code].name.get(fmt.lang)


def flow_chart(result: ChapterResult, fmt: Fmt, note: str = "", accent: str = ACCENT) -> Chart | None:
    """Draw who does whose work, in FTE; None without hours known by function."""
    rows = result.tables["flow"]
    if rows.empty or result.metrics["roles.flow"].value is None:
        return None
    ru = fmt.lang == "ru"
    links: dict[tuple[str, str], float] = {}
    for r in rows.to_dict("records"):
        key = (str(r["from_role"]), str(r["to_role"]))
        links[key] = links.get(key, 0.0) + float(r["fte"])
    missing = sorted(set(rows.loc[rows["kind"] == "missing", "to_role"]))
    codes = {c for pair in links for c in pair}
    share = fmt.share(result.metrics["roles.foreign_share"].value)
    fte = fmt.fte(result.metrics["roles.flow"].value)
    alien = rows[rows["kind"].isin(["foreign", "missing"])]
    if alien.empty:
        title = "Каждая роль делает свою работу" if ru else "Every role does its own work"
    else:
        top = alien.sort_values(["hours", "from_role", "to_role"], ascending=[False, True, True]).iloc[0]
        a, b = role_short(str(top["from_role"]), fmt), role_short(str(top["to_role"]), fmt)
        least = result.metrics["roles.foreign_share"].value
        title = (
            (f"Чужой работы почти нет: {share} часов" if ru else f"Hardly any foreign work: {share} of the hours")
            if least is not None and least < 0.02
            else f"Чужая работа — {share} часов, {fte}; больше всего {a} делают за роль «{b}»"
            if ru
            else f"Foreign work is {share} of the hours, {fte}; most of it: {a} working for {b}"
        )
    return flow(
        Caption("roles-flow", title, note=note),
        [(a, b, v) for (a, b), v in links.items()],
        fmt=fmt,
        labels={c: role_short(c, fmt) for c in codes},
        left_title="Кто делает, ставок" if ru else "Who does it, FTE",
        right_title="Чья это работа, ставок" if ru else "Whose work it is, FTE",
        own_label="своя работа" if ru else "own work",
        missing=missing,
        missing_label="роли нет" if ru else "nobody holds it",
        accent=accent,
    )


def _numbers(values: pd.Series) -> list[float | None]:
    return [None if v is None or math.isnan(float(v)) else float(v) for v in values]


def entry_chart(
    result: ChapterResult,
    fmt: Fmt,
    band: Threshold,
    names: Mapping[str, str],
    *,
    title: Callable[[int, int], str],
    note: str = "",
) -> Chart | None:
    """Draw how much of the orders of each manager's clients the manager types; None without managers to judge."""
    rows = result.tables["entry_share"].head(MOST_ENTRY)
    if rows.empty:
        return None
    assert band.watch is not None and band.found is not None
    above = int((rows["share"] >= band.found).sum())
    return bars(
        Caption("roles-entry", title(above, len(rows)), note=note),
        [names.get(str(p), str(p)) for p in rows["person"]],
        [float(v) for v in rows["share"]],
        fmt=fmt,
        low=[float(v) for v in rows["low"]],
        high=[float(v) for v in rows["high"]],
        n=[int(v) for v in rows["typed"]],
        band=Band(band.watch, band.found),
        limit=1.0,
    )


def order_chart(steps: pd.DataFrame, fmt: Fmt, caption: Caption, words: Mapping[str, str]) -> Chart:
    """Draw the minutes of an order by step, client managers' in front.

    ``steps``: name, minutes, km_minutes; ``words``: km, others.
    """
    mine = [float(round(v)) for v in steps["km_minutes"]]
    rest = [max(float(round(a)) - b, 0.0) for a, b in zip(steps["minutes"], mine, strict=True)]
    parts = {words["km"]: mine, words["others"]: rest}
    return stacked_bars(
        caption, [str(v) for v in steps["name"]], parts, fmt=fmt, unit="count", colors=[ACCENT, "#c3cad2"]
    )


def week_chart(
    week: pd.DataFrame, fmt: Fmt, caption: Caption, *, names: Mapping[str, str], now: str, after: str
) -> Chart:
    """Draw the hours of a week now and after relief, one bar each; what is set free is set off."""
    seen = week[(week["now"] > 0) | (week["after"] > 0)]
    parts = {
        names[str(r["part"])]: [round(float(r["now"]), 1), round(float(r["after"]), 1)] for r in seen.to_dict("records")
    }
    tones = {
        "clients": ACCENT,
        "winning": CATEGORICAL[1],
        "other": "#8a95a1",
        "overhead": "#c3cad2",
        "operational": STATUS["found"].line,
        "freed": STATUS["clear"].line,
    }
    colors = [tones[str(p)] for p in seen["part"]]
    return stacked_bars(caption, [now, after], parts, fmt=fmt, unit="hours", colors=colors)


def relief_chart(result: ChapterResult, fmt: Fmt, *, title: str, note: str = "") -> Chart | None:
    """Draw the hours of each function that can be handed over, with their range; None where there are none."""
    rows = result.tables["relief"].sort_values("base", ascending=False).head(MOST_FUNCTIONS)
    if rows.empty:
        return None
    functions, groups = method().functions, method().groups

    def label(row: Mapping[Hashable, Any]) -> str:
        code = str(row["function"])
        name = (functions[code] if code in functions else groups[code]).name.get(fmt.lang)
        return shorten(re.split(r"[:(,]", name)[0].strip(), 34)

    return bars(
        Caption("roles-relief", title, note=note),
        [label(r) for r in rows.to_dict("records")],
        [float(v) for v in rows["base"]],
        fmt=fmt,
        unit="hours",
        low=[float(v) for v in rows["low"]],
        high=[float(v) for v in rows["high"]],
    )


def km_load_chart(
    result: ChapterResult,
    fmt: Fmt,
    band: Threshold,
    note: str = "",
    accent: str = ACCENT,
    names: Mapping[str, str] | None = None,
) -> Chart | None:
    """Draw the operational load of each client manager with the limits of the verdict; None without client managers."""
    rows = result.tables["km_load"].sort_values(["share", "person"], ascending=[False, True])
    m = result.metrics["roles.km_operational_share"]
    if rows.empty or m.value is None:
        return None
    assert band.watch is not None and band.found is not None
    ru, names = fmt.lang == "ru", names or {}
    above = int((rows["share"] >= band.found).sum())
    share, limit = fmt.share(m.extra.get("together", m.value)), fmt.share(band.found)
    if m.value < band.watch and not above:
        title = (
            f"КМ заняты своей работой: чужая операционная — {share} времени"
            if ru
            else f"Client managers do their own work: {share} is operational work of others"
        )
    else:
        title = (
            f"В среднем {share} времени КМ — чужая операционная работа; выше {limit} — {above} из {len(rows)}"
            if ru
            else f"Client managers: {share} of the time on average is operational; {above} of {len(rows)} above {limit}"
        )
    return bars(
        Caption("roles-km-load", title, note=note),
        [names.get(p, p) for p in rows["person"]],
        [float(v) for v in rows["share"]],
        fmt=fmt,
        low=_numbers(rows["drawn_low"]),
        high=_numbers(rows["drawn_high"]),
        band=Band(band.watch, band.found),
        limit=max(0.55, float(rows["drawn_high"].max())),
        accent=accent,
    )


def mirror_chart(result: ChapterResult, fmt: Fmt, note: str = "", accent: str = ACCENT) -> Chart | None:
    """Draw the 80/20 mirror: winning new clients in hours and payroll, new clients in revenue and margin."""
    m = result.metrics["roles.mirror"]
    if m.value is None:
        return None
    ru = fmt.lang == "ru"
    x: Mapping[str, Any] = m.extra
    rows = [
        ("часы на привлечение" if ru else "hours on winning", m.value),
        ("оплата за привлечение" if ru else "payroll on winning", x["payroll_share"]),
        ("выручка новых клиентов" if ru else "revenue of new clients", x["revenue_share"]),
        ("прибыль новых клиентов" if ru else "margin of new clients", x["margin_share"]),
    ]
    rows = [r for r in rows if r[1] is not None]
    if len(rows) < 2:
        return None
    revenue = x["revenue_share"]
    title = (
        f"На новых клиентов уходит {fmt.share(m.value)} времени"
        + (f", они дают {fmt.share(revenue)} выручки" if revenue is not None else "")
        if ru
        else f"New clients take {fmt.share(m.value)} of the time"
        + (f" and bring {fmt.share(revenue)} of the revenue" if revenue is not None else "")
    )
    regular = method().benchmarks["regular_client_deals"].value
    mark = Benchmark(
        1 - regular, "новые клиенты: около 20 % сделок B2B" if ru else "new clients: about 20% of B2B deals"
    )
    return bars(
        Caption("roles-mirror", title, note=note),
        [r[0] for r in rows],
        [r[1] for r in rows],
        fmt=fmt,
        mark=mark,
        accent=accent,
    )


def evidence_chart(result: ChapterResult, fmt: Fmt, note: str = "", accent: str = ACCENT) -> Chart | None:
    """Draw the three sources for operational work, one row per role: report, day log with interval, trace in orders.

    None where only one source speaks.
    """
    proof = result.tables["evidence"]
    rows = proof[(proof["group"] == "OPER") & (proof["sources"] >= 2)]
    rows = rows[rows["log_share"].notna() | (rows["trace_share"] > 0.005)]
    if rows.empty:
        return None
    ru = fmt.lang == "ru"
    bad = rows[rows["conflict"].astype(bool)]
    if len(bad):
        who = ", ".join(role_short(str(f), fmt) for f in bad["family"])
        title = (
            f"Операционная работа: источники расходятся — {who}"
            if ru
            else (f"Operational work: the sources disagree for {who}")
        )
    else:
        logged = bool(rows["log_share"].notna().all())  # a trace is a lower bound: it cannot agree, only not contradict
        agree = (
            ("источники сходятся", "the sources agree") if logged else ("источники не расходятся", "no contradiction")
        )
        title = f"Операционная работа: {agree[0]}" if ru else f"Operational work: {agree[1]}"
    with chart_style(accent):
        fig, ax = figure("full", 0.75 + 0.42 * len(rows))
        ax.set_ylim(len(rows) - 0.4, -0.75)
        for i, r in enumerate(rows.to_dict("records")):
            color = STATUS["found"].line if r["conflict"] else accent
            points = [r[k] for k in ("self_share", "log_share") if not pd.isna(r[k])]
            ax.plot([min(points), max(points)], [i, i], color="#d5dae0", lw=3, zorder=1, solid_capstyle="round")
            if not pd.isna(r["log_low"]):
                whiskers(ax, i, float(r["log_low"]), float(r["log_high"]))
            if not pd.isna(r["trace_share"]):
                ax.plot([r["trace_share"]], [i], ">", ms=8, color=CATEGORICAL[1], mec=PAPER, zorder=4)
            if not pd.isna(r["log_share"]):
                ax.plot([r["log_share"]], [i], "s", ms=7, color=color, mec=PAPER, zorder=5)
            if not pd.isna(r["self_share"]):
                ax.plot([r["self_share"]], [i], "o", ms=8, color=PAPER, mec=INK, mew=1.4, zorder=6)
        labels = (
            ("o", PAPER, INK, "анкета" if ru else "self-report"),
            ("s", accent, PAPER, "фотография дня, 95 %" if ru else "day log, 95%"),
            (">", CATEGORICAL[1], PAPER, "ввод заказов: не меньше" if ru else "order entry: at least"),
        )
        for shape, face, edge, label in labels:
            ax.plot([], [], shape, ms=7, color=face, mec=edge, label=label, ls="none")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, borderaxespad=0.1, fontsize=8.5)
        ax.set_yticks(range(len(rows)), [lines_of(role_short(str(f), fmt)) for f in rows["family"]])
        ax.set_xlim(0, min(1.0, max(0.3, float(rows[["self_share", "log_high", "trace_share"]].max().max()) * 1.1)))
        write_ticks(ax.xaxis, "share", fmt)
        ax.tick_params(axis="x", labelcolor=INK_SOFT)
        ax.tick_params(axis="y", labelcolor=INK)
        ax.grid(axis="x", color="#eef0f3")
        ax.spines["bottom"].set_color(INK_FAINT)
        return finish(fig, Caption("roles-evidence", title, note=note))
