"""The picture of the plan: a bar for each action from its first day to its last, over 30, 60 and 90 days."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from audit.present.chart import Caption, Chart
from audit.present.charts.draw import figure, finish
from audit.present.charts.style import chart_style
from audit.present.format import Fmt
from audit.present.style import ACCENT, INK_FAINT, INK_SOFT, PAPER, RULE, tint

__all__ = ["Bar", "gantt"]

STEP_DAYS = 30


@dataclass(frozen=True, slots=True)
class Bar:
    """An action: its name and number, its first and last day, numbers of those it waits for, who answers."""

    number: int
    name: str
    begin: dt.date
    until: dt.date
    after: tuple[int, ...] = ()
    owner: str = ""


def gantt(caption: Caption, bars: Sequence[Bar], day: dt.date, *, fmt: Fmt, accent: str = ACCENT) -> Chart:
    """Draw the plan from the day of the report on; what waits for another action is joined to its end."""
    n = len(bars)
    last = max((b.until - day).days for b in bars)
    steps = range(0, max(3 * STEP_DAYS, -(-last // STEP_DAYS) * STEP_DAYS) + 1, STEP_DAYS)
    places = {b.number: i for i, b in enumerate(bars)}
    with chart_style(accent):
        fig, ax = figure("full", 0.5 + 0.27 * n)
        ax.set_xlim(0, steps[-1] * 1.02)
        ax.set_ylim(n - 0.4, -0.6)
        for x in steps[1:]:
            ax.axvline(x, color=RULE, lw=0.8, zorder=0)
        for i, b in enumerate(bars):
            x0, x1 = (b.begin - day).days, (b.until - day).days
            ax.barh(i, max(x1 - x0, 1), left=x0, height=0.52, color=tint(accent, 0.3 if b.after else 0.0), zorder=2)
            for number in b.after:
                k = places.get(number)
                if k is not None:
                    end = (bars[k].until - day).days
                    ax.plot([end, end], [k + 0.26, i - 0.26], color=INK_FAINT, lw=1.0, ls=":", zorder=1, clip_on=False)
            if b.owner:
                # Behind the bar; where the sheet ends there, before it, and in it where it begins at the names.
                late = x1 > steps[-1] * 0.8
                before, within = late and x0 > steps[-1] * 0.25, late and x0 <= steps[-1] * 0.25
                ax.annotate(
                    b.owner,
                    (x0 if before else x1, i),
                    xytext=(-4 if late else 4, 0),
                    textcoords="offset points",
                    va="center",
                    ha="right" if late else "left",
                    fontsize=7.5,
                    color=PAPER if within and not b.after else INK_SOFT,
                )
        ax.set_yticks(range(n), ["\n".join(textwrap.wrap(f"{b.number}. {b.name}", 50)) for b in bars], fontsize=7.5)
        ax.set_xticks(list(steps), [fmt.date_short(day + dt.timedelta(days=x)) for x in steps])
        ax.xaxis.tick_top()
        for side in ("bottom", "top", "left"):
            ax.spines[side].set_visible(False)
        ax.tick_params(length=0)
        return finish(fig, caption)
