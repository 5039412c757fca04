"""Who has not come back: treated clients beside matched ones, by the clock of their own gaps."""

from __future__ import annotations

import pandas as pd

from audit.present.chart import Caption, Chart
from audit.present.charts.draw import figure, finish
from audit.present.charts.style import chart_style
from audit.present.format import Fmt
from audit.present.style import ACCENT, INK_SOFT

__all__ = ["away_chart"]

LINE = 0.09
"""Height of a line of text in `away_chart`, as a share of clients."""


def away_chart(
    curve: pd.DataFrame, fmt: Fmt, caption: Caption, *, treated: str, controls: str, x_label: str, accent: str = ACCENT
) -> Chart | None:
    """Draw the share not yet back by time since the purchase, treated clients and others, up to the time of the
    verdict; None without a curve."""
    if len(curve) < 2:
        return None
    x = curve["gaps"].to_numpy(dtype=float)
    end = float(x.max())
    with chart_style(accent):
        fig, ax = figure("full", 2.4)
        ax.set_xlim(0, end * 1.24)
        ax.set_ylim(0, 1.02)
        last = {}
        for column, color, width in (("controls", INK_SOFT, 1.6), ("treated", accent, 2.4)):
            y = curve[column].to_numpy(dtype=float)
            ax.step(x, y, where="post", color=color, lw=width)
            last[column] = float(y[-1])
        # Labels at the ends stand a line apart, the lower one no lower than the axis.
        under, over = sorted(last, key=lambda column: last[column])
        middle = (last[under] + last[over]) / 2
        at = {under: max(0.03, min(last[under], middle - LINE / 2))}
        at[over] = max(last[over], at[under] + LINE)
        for column, name, color in (("treated", treated, accent), ("controls", controls, INK_SOFT)):
            ax.annotate(
                f"{name}: {fmt.share(last[column])}",
                (end, at[column]),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                color=color,
                fontsize=9,
                fontweight="bold" if column == "treated" else "normal",
            )
        ticks = [end * k / 4 for k in range(5)]
        ax.set_xticks(ticks, [fmt.num(t, 2, trim=True) for t in ticks])
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1], [fmt.share(v) for v in (0, 0.25, 0.5, 0.75, 1)])
        ax.tick_params(axis="y", labelcolor=INK_SOFT)
        ax.grid(axis="y")
        ax.set_xlabel(x_label, loc="left")
        return finish(fig, caption)
