"""The picture of what the sum hangs on: one bar per uncertain figure, the widest on top (a tornado)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from audit.present.chart import Caption, Chart
from audit.present.charts.draw import figure, finish, write_ticks
from audit.present.charts.style import chart_style
from audit.present.format import Fmt
from audit.present.style import ACCENT, INK, tint

__all__ = ["tornado"]

LETTERS = 52
"""A name is set in lines of so many letters: nothing of it is cut."""


def tornado(
    caption: Caption, rows: Sequence[Mapping[str, Any]], base: float, *, fmt: Fmt, accent: str = ACCENT
) -> Chart:
    """Draw how far each figure moves the sum: from its middle where the figure is low to where it is high.

    ``rows``: name, low and high (money a year), the one that carries most first. ``base``: the sum's own middle.
    """
    n = len(rows)
    names = [textwrap.fill(str(r["name"]), LETTERS) for r in rows]
    lines = max(name.count("\n") + 1 for name in names)
    with chart_style(accent):
        fig, ax = figure("full", 0.5 + (0.12 + 0.14 * lines) * n)
        ends = [float(r[k]) for r in rows for k in ("low", "high")] + [base]
        room = (max(ends) - min(ends)) or abs(base) or 1.0
        ax.set_xlim(min(ends) - 0.3 * room, max(ends) + 0.3 * room)
        ax.set_ylim(n - 0.45, -0.55)
        for i, row in enumerate(rows):
            a, b = sorted((float(row["low"]), float(row["high"])))
            ax.barh(i, b - a, left=a, height=0.56, color=tint(accent, 0.35), zorder=2)
            for x, side in ((a, "right"), (b, "left")):
                gap = -5 if side == "right" else 5
                ax.annotate(fmt.money(x), (x, i), xytext=(gap, 0), textcoords="offset points", va="center", ha=side)
        ax.axvline(base, color=INK, lw=1.2, zorder=4)
        ax.set_yticks(range(n), names)
        ax.locator_params(axis="x", nbins=5)
        write_ticks(ax.xaxis, "money", fmt)
        ax.spines["bottom"].set_visible(False)
        ax.grid(axis="x", zorder=0)
        return finish(fig, caption)
