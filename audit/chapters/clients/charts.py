"""Pictures of the client base: how revenue is spread, classes, strategies, wallets, missing range, giants, growth.

Titles, subtitles and notes arrive finished from the narrative; nothing here computes a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from audit.method import Threshold
from audit.present.chart import Band, Benchmark, Caption, Chart
from audit.present.charts.draw import bars, figure, finish, stacked_bars, write_ticks
from audit.present.charts.style import chart_style
from audit.present.format import NBSP, Fmt
from audit.present.style import ACCENT, INK, INK_FAINT, INK_SOFT, PAPER, STATUS, tint

__all__ = [
    "categories_chart",
    "classes_chart",
    "growth_chart",
    "halves_chart",
    "outcomes_chart",
    "spread_chart",
    "strategies_chart",
    "wallet_chart",
    "whale_chart",
]

POINTS = 400
"""A curve of more clients is drawn through so many of them."""


def spread_chart(
    shares: Sequence[float], fmt: Fmt, caption: Caption, *, limits: tuple[float, float], words: Mapping[str, str]
) -> Chart | None:
    """Draw the running total of revenue over clients, largest first, with the classes and the line of equal clients.

    ``shares``: revenue share of every client in falling order; ``limits``: where class A and class B end. ``words``:
    x, y (axes), equal (label of the diagonal), top (label of the point at 20 % of the clients).
    """
    n = len(shares)
    if n < 2:
        return None
    total = np.concatenate([[0.0], np.cumsum(np.asarray(shares, dtype=float))])
    x = np.arange(n + 1) / n
    keep = np.unique(np.linspace(0, n, min(n, POINTS) + 1).astype(int))
    at = int(np.ceil(0.2 * n - 1e-12))
    with chart_style(ACCENT):
        fig, ax = figure("full", 2.5)
        for low, high, letter in ((0.0, limits[0], "A"), (limits[0], limits[1], "B"), (limits[1], 1.0, "C")):
            shade = tint(ACCENT, {"A": 0.86, "B": 0.92, "C": 0.97}[letter])
            ax.axhspan(low, high, color=shade, lw=0, zorder=0)
            ax.text(0.992, (low + high) / 2, letter, ha="right", va="center", color=INK_SOFT, fontsize=10, zorder=1)
        ax.plot([0, 1], [0, 1], color=INK_FAINT, lw=1, ls=(0, (3, 2)), zorder=2)
        ax.annotate(
            words["equal"], (0.62, 0.62), xytext=(6, -10), textcoords="offset points", fontsize=8, color=INK_FAINT
        )
        ax.plot(x[keep], total[keep], color=ACCENT, lw=2.2, zorder=3)
        ax.plot([at / n], [total[at]], "o", ms=7, color=ACCENT, mec=PAPER, mew=1.5, zorder=4)
        ax.annotate(
            words["top"],
            (at / n, total[at]),
            xytext=(9, -9),
            textcoords="offset points",
            va="top",
            fontweight="bold",
            color=ACCENT,
        )
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        ticks = [0, 0.2, 0.4, 0.6, 0.8, 1.0]
        ax.set_xticks(ticks, [fmt.share(t, 0) for t in ticks])
        ax.set_yticks(ticks, [fmt.share(t, 0) for t in ticks])
        ax.set_xlabel(words["x"], loc="right")
        ax.set_ylabel(words["y"])
        return finish(fig, caption)


def classes_chart(classes: pd.DataFrame, fmt: Fmt, caption: Caption, names: Mapping[str, str]) -> Chart | None:
    """Draw what the classes A, B, C take of clients, orders, revenue and, where known, gross profit."""
    if classes.empty or int(classes["clients"].sum()) == 0:
        return None
    rows: list[tuple[str, list[float]]] = [
        (names["clients"], [float(v) for v in classes["client_share"]]),
        (names["orders"], [float(v) for v in classes["order_share"]]),
        (names["revenue"], [float(v) for v in classes["revenue_share"]]),
    ]
    profit = pd.to_numeric(classes["gross_profit"]).fillna(0.0).clip(lower=0.0)
    if float(profit.sum()) > 0:
        rows.append((names["gross_profit"], [float(v) / float(profit.sum()) for v in profit]))
    labels = [str(v) for v in classes["label"]]
    parts = {label: [values[i] for _, values in rows] for i, label in enumerate(labels)}
    return stacked_bars(caption, [name for name, _ in rows], parts, fmt=fmt)


def whale_chart(
    running: Sequence[float], fmt: Fmt, caption: Caption, *, words: Mapping[str, str], falls: bool
) -> Chart | None:
    """Draw the running contribution over clients, the most profitable first, with its peak and its end.

    ``running``: 0, then the sum after each client; ``falls``: what lies behind the peak is worth seeing. ``words``: x, y
    (axes), peak, end (labels of the two points).
    """
    total = np.asarray(running, dtype=float)
    n = len(total) - 1
    if n < 2:
        return None
    x = np.arange(n + 1) / n
    top = int(np.argmax(total))
    keep = np.unique(np.concatenate([np.linspace(0, n, min(n, POINTS) + 1).astype(int), [top]]))
    loss = STATUS["found"].line
    with chart_style(ACCENT):
        fig, ax = figure("full", 2.5)
        ax.axhline(0, color=INK_SOFT, lw=0.8)
        ax.plot(x[keep], total[keep], color=ACCENT, lw=2.2, zorder=3)
        if falls:
            ax.plot(x[keep[keep >= top]], total[keep[keep >= top]], color=loss, lw=2.2, zorder=4)
            ax.axhline(total[top], color=INK_FAINT, lw=0.8, ls=(0, (3, 2)))
            ax.plot([x[top]], [total[top]], "o", ms=7, color=ACCENT, mec=PAPER, mew=1.5, zorder=5)
            ax.annotate(
                words["peak"],
                (x[top], total[top]),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                color=ACCENT,
            )
        ax.plot([1.0], [total[-1]], "o", ms=7, color=loss if falls else ACCENT, mec=PAPER, mew=1.5, zorder=5)
        ax.annotate(
            words["end"],
            (1.0, total[-1]),
            xytext=(-8, -14),
            textcoords="offset points",
            ha="right",
            fontweight="bold",
            color=loss if falls else ACCENT,
        )
        low, high = min(0.0, float(total.min())), max(float(total.max()), 0.0)
        room = (high - low) * 0.18 or 1.0
        ax.set_ylim(low - (room if total[-1] < 0 else 0.0), high + room)
        ax.set_xlim(0, 1.02)
        ticks = [0, 0.2, 0.4, 0.6, 0.8, 1.0]
        ax.set_xticks(ticks, [fmt.share(t, 0) for t in ticks])
        write_ticks(ax.yaxis, "money", fmt)
        ax.set_xlabel(words["x"], loc="right")
        ax.set_ylabel(words["y"])
        ax.grid(axis="y")
        return finish(fig, caption)


def halves_chart(rows: Mapping[str, float], fmt: Fmt, caption: Caption, *, smaller: str, larger: str) -> Chart:
    """Draw what the smaller half of the clients takes and brings: label → its share, the rest is the larger half."""
    return stacked_bars(
        caption,
        list(rows),
        {smaller: list(rows.values()), larger: [1 - v for v in rows.values()]},
        fmt=fmt,
        emphasise=smaller,
    )


def strategies_chart(strategies: pd.DataFrame, fmt: Fmt, caption: Caption, words: Mapping[str, str]) -> Chart | None:
    """Draw the four strategies as tiles: room to grow to the right, size upwards; None where no client is placed.

    ``words``: A, B, C, D (names of the strategies), room, no_room, large, small (axes), clients_A … clients_D
    (their clients: «91 клиент»), revenue (what the share is of).
    """
    from matplotlib.patches import Rectangle

    if int(strategies["clients"].sum()) == 0:
        return None
    by = {str(r["label"]): r for r in strategies.to_dict("records")}
    places = {"B": (0, 1), "A": (1, 1), "D": (0, 0), "C": (1, 0)}
    with chart_style(ACCENT):
        fig, ax = figure("full", 2.0)
        for letter, (i, j) in places.items():
            row = by[letter]
            shade = tint(ACCENT, 0.95 - 0.55 * float(row["revenue_share"]))
            ax.add_patch(Rectangle((i + 0.012, j + 0.03), 0.976, 0.94, facecolor=shade, linewidth=0))
            ink = INK if float(row["revenue_share"]) < 0.75 else PAPER
            ax.text(i + 0.05, j + 0.83, letter, fontsize=19, fontweight="bold", va="top", color=ink)
            ax.text(i + 0.17, j + 0.80, words[letter], fontsize=10, va="top", color=ink)
            share = fmt.share(row["revenue_share"])
            text = f"{words[f'clients_{letter}']}    {share}{NBSP}{words['revenue']}"
            ax.text(i + 0.17, j + 0.40, text, fontsize=9, va="top", color=ink)
        ax.set_xlim(0, 2)
        ax.set_ylim(0, 2)
        ax.set_xticks([0.5, 1.5], [words["no_room"], words["room"]])
        ax.set_yticks([0.5, 1.5], [words["small"], words["large"]])
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.tick_params(length=0)
        return finish(fig, caption)


def wallet_chart(
    names: Sequence[str], share: Sequence[float], fmt: Fmt, caption: Caption, band: Threshold
) -> Chart | None:
    """Draw our share of the wallets of key clients with the most budget elsewhere, with the limits of the verdict."""
    if not names:
        return None
    assert band.watch is not None and band.found is not None
    return bars(
        caption, list(names), [float(v) for v in share], fmt=fmt, band=Band(band.watch, band.found, "low"), limit=1.0
    )


def categories_chart(names: Sequence[str], clients: Sequence[int], fmt: Fmt, caption: Caption) -> Chart | None:
    """Draw how many clients miss each of the categories most often missing; None where nobody misses one."""
    if not names:
        return None
    return bars(caption, list(names), [float(v) for v in clients], fmt=fmt, unit="count")


def outcomes_chart(rows: Sequence[tuple[str, float]], fmt: Fmt, caption: Caption) -> Chart | None:
    """Draw outcomes of the other clients before and after giant orders: (label, share) in pairs."""
    if not rows:
        return None
    return bars(caption, [name for name, _ in rows], [value for _, value in rows], fmt=fmt)


def growth_chart(frame: pd.DataFrame, fmt: Fmt, caption: Caption, names: Mapping[str, str], label: str) -> Chart | None:
    """Draw earned growth per manager with intervals; zero is what the segments' growth explains."""
    if frame.empty:
        return None

    def known(column: str) -> list[float | None]:
        return [None if pd.isna(v) else float(v) for v in frame[column]]

    return bars(
        caption,
        [names.get(str(m), str(m)) for m in frame["manager"]],
        known("earned_share"),
        fmt=fmt,
        unit="change",
        low=known("low"),
        high=known("high"),
        n=[int(v) for v in frame["clients"]],
        mark=Benchmark(0.0, label),
    )
