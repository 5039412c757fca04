"""Pictures of hand-offs: how many keep the rule, and how two groups of clients come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from audit.findings.finding import Status
from audit.ground.path import LOST
from audit.present.chart import Caption, Chart
from audit.present.charts.draw import bars, figure, finish, ribbon, spread_labels
from audit.present.charts.style import chart_style
from audit.present.format import NBSP, Fmt
from audit.present.style import ACCENT, CATEGORICAL, INK, INK_FAINT, INK_SOFT, STATUS, tint

__all__ = ["following_chart", "path_chart"]

OUTCOMES = ("kept", "late", "early", "open")


def following_chart(fmt: Fmt, caption: Caption, outcomes: Mapping[str, int], labels: Mapping[str, str]) -> Chart:
    """Draw clients that were due by what became of the hand-off; those that tell nothing are last and grey."""
    colours: dict[str, Status] = {"kept": "clear", "late": "found", "early": "watch", "open": "not_assessed"}
    return bars(
        caption,
        [labels[o] for o in OUTCOMES],
        [float(outcomes[o]) for o in OUTCOMES],
        fmt=fmt,
        unit="count",
        status=[colours[o] for o in OUTCOMES],
    )


_ORDER = ("to", "from", "other", "nobody", "", LOST)
"""Who serves, from top to bottom; the lost are last, where they fall out of the stream."""
_NODE, _GAP = 0.035, 0.05


def path_chart(
    links: pd.DataFrame,
    fmt: Fmt,
    caption: Caption,
    *,
    words: Mapping[str, str],
    heads: Sequence[str],
    under: Sequence[str],
) -> Chart | None:
    """Draw new clients from purchase to purchase by who serves, as wide as they are many; None without clients.

    ``links``: rows of `audit.ground.path.links_of`. ``words``: names of who serves and of the lost; ``heads``, ``under``: two
    lines above each purchase.
    """
    from matplotlib.patches import Rectangle

    if links.empty:
        return None
    stages = _stages(links)
    total = sum(stages[0].values())
    most = max(len(s) for s in stages)
    room = 1 - _GAP * (most - 1)
    colors = {"to": ACCENT, "from": CATEGORICAL[1], "other": CATEGORICAL[2], "nobody": INK_FAINT, "": ACCENT}
    colors[LOST] = STATUS["found"].line
    with chart_style(ACCENT):
        fig, ax = figure("full", 2.9)
        ax.set_xlim(-0.04, 2.62)
        ax.set_ylim(1.06, -0.2)
        ax.axis("off")
        tops: list[dict[str, float]] = []
        for k, stage in enumerate(stages):
            y, place = 0.0, {}
            for who in stage:
                place[who] = y
                y += stage[who] / total * room + _GAP
            tops.append(place)
            ax.text(k, -0.12, heads[k], fontsize=9.5, fontweight="bold", va="bottom", color=INK)
            ax.text(k, -0.05, under[k], fontsize=8.5, va="bottom", color=INK_FAINT)
        for step in (1, 2):
            left, right = dict(tops[step - 1]), dict(tops[step])
            rows = links[links["step"] == step]
            for r in sorted(rows.to_dict("records"), key=lambda r: (_place(r["before"]), _place(r["after"]))):
                before, after, height = str(r["before"]), str(r["after"]), int(r["clients"]) / total * room
                color = tint(colors[after], 0.55)
                ax.add_patch(ribbon(step - 1 + _NODE, left[before], step, right[after], height, color, 0.75, 1))
                left[before] += height
                right[after] += height
        for k, stage in enumerate(stages):
            heights = {w: n / total * room for w, n in stage.items()}
            middles = {w: tops[k][w] + heights[w] / 2 for w in stage}
            for who, y in spread_labels(middles, 0.085).items():
                box = (k, tops[k][who])
                ax.add_patch(
                    Rectangle(box, _NODE, max(heights[who], 0.004), facecolor=colors[who], linewidth=0, zorder=3)
                )
                text = f"{words[who]}{NBSP}{NBSP}{fmt.num(stage[who])}"
                ink = STATUS["found"].ink if who == LOST else INK if who else INK_SOFT
                ax.text(k + _NODE + 0.02, y, text, fontsize=9, va="center", color=ink, zorder=4)
        return finish(fig, caption)


def _place(who: object) -> int:
    return _ORDER.index(str(who))


def _stages(links: pd.DataFrame) -> list[dict[str, int]]:
    """Return clients at each purchase by who serves it, those lost before it included, in the order drawn."""
    first = links[links["step"] == 1].groupby("before")["clients"].sum()
    out = [first]
    out += [links[links["step"] == step].groupby("after")["clients"].sum() for step in (1, 2)]
    return [{w: int(s[w]) for w in _ORDER if w in s.index} for s in out]
