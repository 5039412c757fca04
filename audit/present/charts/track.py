"""Small multiples of the track: one figure over the months, its interval as a band, its norm as a dashed line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from audit.present.chart import Benchmark, Caption, Chart
from audit.present.charts.draw import benchmark, figure, finish, write_ticks
from audit.present.charts.style import chart_style
from audit.present.format import Fmt
from audit.present.style import ACCENT, PAPER, STATUS, tint

__all__ = ["over_time"]

_SHOWN_AS = {"better": "clear", "worse": "found"}


def over_time(
    caption: Caption,
    points: Sequence[Mapping[str, Any]],
    *,
    unit: str,
    fmt: Fmt,
    norm: Benchmark | None = None,
    since: str = "",
    verdict: str = "",
    accent: str = ACCENT,
) -> Chart:
    """Draw a figure over time: ``points`` have kind, as_of (ISO), value, low, high; a run is a hollow mark beside the line.

    ``since`` is the day of the turn: from there the line has the colour of the verdict.
    """
    from matplotlib.ticker import MaxNLocator

    days = [dt.date.fromisoformat(p["as_of"]) for p in points]
    x = [d.year + (d.month - 1) / 12 + d.day / 372 for d in days]
    line = [k for k, p in enumerate(points) if p["kind"] != "run"]
    if len(line) < 2:
        line = list(range(len(points)))
    with chart_style(accent):
        fig, ax = figure("half", 1.55)
        banded = [k for k in line if points[k]["low"] is not None and points[k]["high"] is not None]
        if len(banded) > 1:
            low, high = ([float(points[k][side]) for k in banded] for side in ("low", "high"))
            ax.fill_between([x[k] for k in banded], low, high, color=tint(accent, 0.82), lw=0, zorder=2)
        values = [float(p["value"]) for p in points]
        ax.plot([x[k] for k in line], [values[k] for k in line], color=accent, lw=1.6, marker="o", ms=3, zorder=4)
        aside = [k for k in range(len(points)) if k not in line]
        ax.plot(
            [x[k] for k in aside],
            [values[k] for k in aside],
            ls="",
            marker="D",
            ms=4.5,
            mfc=PAPER,
            mec=accent,
            zorder=5,
        )
        turned = [k for k in line if since and points[k]["as_of"] >= since]
        if turned and verdict in _SHOWN_AS:
            color = STATUS[_SHOWN_AS[verdict]].line  # type: ignore[index]
            ax.plot([x[k] for k in turned], [values[k] for k in turned], color=color, lw=2, marker="o", ms=4, zorder=6)
        bottom, top = ax.get_ylim()
        if norm is not None:
            bottom, top = min(bottom, norm.value), max(top, norm.value)
        least = 0.05 if unit == "share" else 0.05 * max(map(abs, values))  # a hair's breadth shall not look like a fall
        if top - bottom < least:
            middle = (top + bottom) / 2
            bottom, top = middle - least / 2, middle + least / 2
        if bottom < 0 <= min(values):  # below zero there is nothing
            bottom, top = 0.0, max(top, least)
        room = (top - bottom) or 1.0
        ax.set_ylim(bottom - 0.06 * room, top + 0.2 * room)
        ax.annotate(
            fmt.value(values[-1], unit),
            (x[-1], values[-1]),
            xytext=(0, 6),
            textcoords="offset points",
            ha="right",
            fontweight="bold",
            zorder=7,
            bbox={"facecolor": PAPER, "alpha": 0.8, "pad": 0.6, "linewidth": 0},
        )
        ax.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
        write_ticks(ax.yaxis, unit, fmt)
        years = sorted({d.year for d in days} | {days[-1].year + 1})
        ax.set_xlim(x[0] - 0.06, x[-1] + 0.06)
        marks = [y for y in years if x[0] - 0.06 <= y <= x[-1] + 0.06]
        ax.set_xticks(marks, [str(y) for y in marks])
        ax.grid(axis="y", zorder=0)
        if norm is not None:
            benchmark(ax, norm.value, norm.label, axis="y", side="left")
        return finish(fig, caption, width="half")
