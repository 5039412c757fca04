"""The conveyor as a picture: required stations in the order in which the client passes them, and who stands there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from audit.findings.finding import Status
from audit.method import Threshold, method
from audit.model.result import ChapterResult
from audit.present.chapter import ChapterView
from audit.present.chart import Caption, Chart
from audit.present.charts.draw import figure, finish, shorten
from audit.present.charts.style import chart_style
from audit.present.charts.tree import Box, fits_a_page, grouped, tree_chart
from audit.present.format import Fmt
from audit.present.style import ACCENT, INK, INK_FAINT, INK_SOFT, PAPER, STATUS, tint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["conveyor_chart", "organisation_chart", "station_states", "target_chart"]

LINE = ("TM", "SR", "SOP", "KM", "PM")


def station_states(
    result: ChapterResult, band: Threshold, judged: Mapping[str, Status] | None = None
) -> dict[str, Status]:
    """Return how each station is drawn: found (nobody, or coverage below the alarm), watch, clear, not_assessed.

    ``judged``: statuses of single stations from the verdict, which goes first.
    """
    assert band.watch is not None and band.found is not None
    out: dict[str, Status] = {}
    unknown = result.metrics["model.station_fte"].value is None
    for r in result.tables["stations"].to_dict("records"):
        code = str(r["station"])
        if unknown or not r["required"]:
            out[code] = "not_assessed"
        elif float(r["fte"]) <= 0:
            out[code] = "found"
        elif pd.isna(r["coverage"]):
            out[code] = "not_assessed"
        else:
            c = float(r["coverage"])
            out[code] = "found" if c <= band.found else "watch" if c <= band.watch else "clear"
    return {**out, **(judged or {})}


def _box(
    ax: Axes,
    x: float,
    y: float,
    w: float,
    h: float,
    row: Mapping[str, Any],
    state: Status,
    fmt: Fmt,
    names: Mapping[str, str],
    has_staff: bool,
) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    ru = fmt.lang == "ru"
    name = method().roles[str(row["station"])].short.get(fmt.lang)
    empty = has_staff and float(row["fte"]) <= 0
    optional = not row["required"]
    mark = STATUS[state]
    face = PAPER if empty or optional else tint(mark.line, 0.86) if state != "not_assessed" else "#f0f2f5"
    edge = mark.line if state in ("found", "watch", "clear") else INK_FAINT
    ax.add_patch(
        FancyBboxPatch(
            (x, y),
            w,
            h,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=face,
            edgecolor=edge,
            linewidth=1.6,
            linestyle=(0, (3, 2)) if empty or optional else "-",
            zorder=3,
        )
    )
    ax.text(
        x + w / 2, y + 0.22 * h, name, ha="center", va="center", fontsize=10.5, fontweight="bold", color=INK, zorder=5
    )
    if not has_staff:
        ax.text(x + w / 2, y + 0.66 * h, "—", ha="center", va="center", fontsize=9, color=INK_FAINT, zorder=5)
        return
    if empty:
        beside = optional and bool(row.get("beside"))
        text = (
            ("не занята" if not optional else "нет, нужна части" if beside else "нет, по желанию")
            if ru
            else ("nobody" if not optional else "none, a part needs it" if beside else "none, optional")
        )
        ink = mark.ink if not optional else INK_FAINT
        ax.text(x + w / 2, y + 0.62 * h, text, ha="center", va="center", fontsize=9, color=ink, zorder=5)
        return
    fte = fmt.num(row["fte"], 1, trim=True) + (" ст." if ru else " FTE")
    who = [names.get(p, p) for p in row["who"]]
    people = ", ".join(who[:2]) + (f" +{len(who) - 2}" if len(who) > 2 else "")
    ax.text(x + w / 2, y + 0.44 * h, fte, ha="center", va="center", fontsize=9, color=INK_SOFT, zorder=5)
    ax.text(
        x + w / 2, y + 0.59 * h, shorten(people, 20), ha="center", va="center", fontsize=7.5, color=INK_FAINT, zorder=5
    )
    if not pd.isna(row["coverage"]):
        c = float(row["coverage"])
        left, width, top = x + 0.12 * w, 0.76 * w, y + 0.7 * h
        ax.add_patch(Rectangle((left, top), width, 0.07 * h, facecolor="#dfe3e8", linewidth=0, zorder=4))
        ax.add_patch(
            Rectangle(
                (left, top),
                width * c,
                0.07 * h,
                facecolor=mark.line if state != "not_assessed" else INK_FAINT,
                linewidth=0,
                zorder=5,
            )
        )
        ax.text(x + w / 2, y + 0.88 * h, fmt.share(c, 0), ha="center", va="center", fontsize=8.5, color=INK, zorder=5)


def conveyor_chart(
    result: ChapterResult,
    fmt: Fmt,
    band: Threshold,
    note: str = "",
    accent: str = ACCENT,
    judged: Mapping[str, Status] | None = None,
    people: Mapping[str, str] | None = None,
) -> Chart | None:
    """Draw the conveyor of the type of sale: the client's way on top, those who support it below.

    A dashed box is a station that nobody holds; the strip is coverage, coloured by the limits of the verdict.
    """
    rows: list[dict[str, Any]] = [
        {**{str(k): v for k, v in r.items()}, "beside": r["station"] in result.facts["beside"]}
        for r in result.tables["stations"].to_dict("records")
    ]
    if not rows:
        return None
    ru, states = fmt.lang == "ru", station_states(result, band, judged)
    has_staff = result.metrics["model.station_fte"].value is not None
    line = [r for r in rows if r["station"] in LINE]
    below = [r for r in rows if r["station"] not in LINE]
    names, shown = method().roles, people or {}
    empty = [
        names[str(r["station"])].short.get(fmt.lang)
        for r in rows
        if r["required"] and has_staff and float(r["fte"]) <= 0
    ]
    weak = [
        names[str(r["station"])].short.get(fmt.lang)
        for r in rows
        if states[str(r["station"])] in ("found", "watch") and float(r["fte"]) > 0
    ]
    if not has_staff:
        title = "Какие роли нужны этому типу продаж" if ru else "The roles that this type of sale needs"
    elif empty:
        title = f"Роли в компании нет: {', '.join(empty)}" if ru else f"Nobody holds: {', '.join(empty)}"
    elif weak:
        title = (
            f"Роли заняты, но часть их работы делают другие: {', '.join(weak)}"
            if ru
            else f"The roles are filled, but others do part of their work: {', '.join(weak)}"
        )
    else:
        title = (
            "Все обязательные роли есть и делают свою работу"
            if ru
            else "Every required role is filled and does its work"
        )
    with chart_style(accent):
        fig, ax = figure("full", 2.5 if below else 1.5)
        ax.set_axis_off()
        columns = max(len(line), len(below), 1)
        gap = 0.35
        width = min(1.5, (10 - gap * (columns - 1)) / columns)
        used = columns * width + (columns - 1) * gap
        ax.set_xlim(-0.1, max(used, 6.0) + 0.1)
        height = 1.0
        ax.set_ylim(2.75 if below else 1.25, -0.1)
        ax.set_aspect("auto")
        for k, r in enumerate(line):
            x = k * (width + gap)
            _box(ax, x, 0.1, width, height, r, states[str(r["station"])], fmt, shown, has_staff)
            if k + 1 < len(line):
                ax.annotate(
                    "",
                    (x + width + gap - 0.03, 0.6),
                    (x + width + 0.03, 0.6),
                    arrowprops={"arrowstyle": "-|>", "color": INK_FAINT, "lw": 1.4},
                    zorder=2,
                )
        if below:
            ax.plot([0, used], [1.36, 1.36], color="#c3cad2", lw=1.0, zorder=1)
            ax.text(0, 1.31, "поддерживают" if ru else "support", fontsize=8.5, color=INK_FAINT, va="bottom")
            for k, r in enumerate(below):
                _box(ax, k * (width + gap), 1.55, width, height, r, states[str(r["station"])], fmt, shown, has_staff)
        return finish(fig, Caption("model-conveyor", title, note=note))


GROUP_FROM = (6, 3, 1)
"""More people of one role under one head are drawn as one box: the first of these with which the tree leaves room on its
page for what it should be."""


def organisation_chart(view: ChapterView, names: Mapping[str, str]) -> Chart | None:
    """Draw who reports to whom; its alternative text names every head with the people below."""
    people = {str(r["person"]): r for r in view.tables["people"].to_dict("records")}
    below: dict[str, list[str]] = {}
    for person, r in people.items():
        if isinstance(r["head"], str):
            below.setdefault(r["head"], []).append(person)
    roles, fmt = method().roles, view.fmt

    def short(role: object) -> str:
        return roles[role].short.get(view.lang) if isinstance(role, str) else view.label("роль не указана", "no role")

    def box(person: str, most: int) -> Box:
        r, mine = people[person], below.get(person, [])
        held = [short(r["role"]), *([short(r["role2"])] if isinstance(r["role2"], str) else [])]
        fte = "" if r["fte"] == 1 else " · " + fmt.fte(r["fte"])
        kinds = [(short(people[p]["role"]), box(p, most)) for p in mine]
        return Box(
            names.get(person, person),
            " + ".join(held) + fte,
            badge=fmt.num(len(mine)) if mine else "",
            part=None if pd.isna(r["foreign_share"]) else float(r["foreign_share"]),
            marked=bool(r["pointed_at"]),
            vacant=float(r["fte"]) <= 0,
            double=isinstance(r["role2"], str),
            below=grouped(kinds, most, view.label("{n} чел.", "{n} people")),
        )

    first = [p for p, r in people.items() if not isinstance(r["head"], str)]
    tops: list[Box] = []
    for most in GROUP_FROM:
        tops = [box(p, most) for p in first]
        if fits_a_page(tops):
            break
    said = [f"{names.get(h, h)}: {', '.join(names.get(p, p) for p in mine)}" for h, mine in below.items()]
    found = {
        n: view.finding(n).status in ("found", "watch") for n in ("wide_span", "no_client_head", "buying_under_sales")
    }
    title = view.plain("organisation", "chart", found=found)
    alt = f"{title}. {'; '.join(said)}."
    return tree_chart(
        tops,
        Caption("model-organisation", title, alt=alt, note=view.plain("organisation", "chart_note")),
        view.case.settings.report.accent,
    )


def target_chart(view: ChapterView, rows: pd.DataFrame) -> Chart | None:
    """Draw the stations that the type asks for under their heads, each with posts now and needed."""
    roles = method().roles
    boxes: dict[str, Box] = {}
    for r in rows.to_dict("records"):
        station = str(r["station"])
        now = view.fmt.num(r["now"], 1, trim=True)
        boxes[station] = Box(
            roles[station].short.get(view.lang),
            view.label(f"сейчас {now}, нужно {r['need']}", f"now {now}, needed {r['need']}"),
            marked=bool(r["required"]) and float(r["now"]) <= 0,
            vacant=float(r["now"]) <= 0,
        )
    managers = view.tables["people"]
    least = view.case.thresholds["model.no_client_head"].watch
    assert least is not None
    many = int((managers["family"] == "KM").sum()) >= least
    heads = bool({"TC", "C", "CS"} & set(view.result.facts["types"])) and many and "KM" in boxes

    department = {
        "ROP": view.label("отдел продаж", "sales department"),
        "RKO": view.label("клиентский отдел", "client department"),
        "KD": view.label("вся торговля", "all of trade"),
    }

    def head(role: str, *stations: str) -> Box | None:
        mine = tuple(boxes[s] for s in stations if s in boxes)
        return Box(roles[role].short.get(view.lang), department[role], below=mine) if mine else None

    line = [head("ROP", "TM", "SR", "SOP", "SUP", "PM", *(() if heads else ("KM", "OP", "BO")))]
    if heads:
        line.append(head("RKO", "KM", "OP", "BO"))
    below = tuple(b for b in line if b is not None)
    if not below:
        return None
    others = Box(view.label("Закупки", "Purchasing"), view.label("отдельно от продаж", "apart from sales"))
    top = Box(roles["KD"].short.get(view.lang), department["KD"], below=(*below, others))
    more = [f"{boxes[str(r['station'])].name} {r['change']}" for r in rows.to_dict("records") if r["low"] > r["now"]]
    title = view.plain("target", "chart", more=", ".join(more))
    said = "; ".join(f"{b.name} — {b.line}" for b in boxes.values())
    return tree_chart([top], Caption("model-target", title, alt=f"{title}. {said}."), view.case.settings.report.accent)
