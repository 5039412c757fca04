"""Charts of the follow-up audit: before and after on one scale, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from audit.findings.finding import Status
from audit.present.chart import Caption, Chart
from audit.present.charts.draw import figure, finish, lines_of
from audit.present.charts.style import chart_style
from audit.present.format import Fmt
from audit.present.style import ACCENT, INK_FAINT, PAPER, STATUS

__all__ = ["before_after"]

_SHOWN_AS: Mapping[str, Status] = {"better": "clear", "worse": "found", "shifted": "watch"}


def before_after(caption: Caption, rows: Sequence[Mapping[str, Any]], *, fmt: Fmt, accent: str = ACCENT) -> Chart:
    """Draw one row per figure: a hollow mark for the old value, a solid one for the new, whiskers for the intervals.

    ``rows``: label, verdict (better / worse / shifted / within), and old and new, each with value, low, high as shares.
    """
    n = len(rows)
    with chart_style(accent):
        fig, ax = figure("full", 0.7 + 0.46 * n)
        ends = [float(side[k]) for r in rows for side in (r["old"], r["new"]) for k in ("low", "high")]
        low, high = min(*ends, 0.0), max(ends)
        room = (high - low) or 1.0
        ax.set_xlim(low - 0.01 * room, high + 0.12 * room)
        ax.set_ylim(n - 0.4, -0.6)
        for i, row in enumerate(rows):
            mark = _SHOWN_AS.get(row["verdict"])
            color = STATUS[mark].line if mark else accent
            for side, y, solid in (("old", i - 0.14, False), ("new", i + 0.14, True)):
                value, a, b = (float(row[side][k]) for k in ("value", "low", "high"))
                ink = color if solid else INK_FAINT
                ax.plot([a, b], [y, y], color=ink, lw=1.6 if solid else 1.2, solid_capstyle="butt", zorder=3)
                ax.plot(
                    [value],
                    [y],
                    marker="o",
                    ms=7,
                    mfc=ink if solid else PAPER,
                    mec=ink,
                    mew=1.4,
                    zorder=4,
                    clip_on=False,
                )
            end = max(float(row[s]["high"]) for s in ("old", "new"))
            text = f"{fmt.share(row['old']['value'])} → {fmt.share(row['new']['value'])}"
            ax.annotate(text, (end, i), xytext=(7, 0), textcoords="offset points", va="center", fontweight="bold")
        ax.set_yticks(range(n), [lines_of(str(r["label"]), 42) for r in rows])
        ticks = [t for t in ax.get_xticks() if low - 1e-9 <= t <= high + 0.02 * room and math.isfinite(t)]
        ax.set_xticks(ticks, [fmt.share(round(float(t), 4)) for t in ticks])
        ax.spines["bottom"].set_visible(False)
        ax.grid(axis="x", zorder=0)
        return finish(fig, caption)
