"""Pictures of «whose clients»: how many sellers clients know, who holds the base, loads, what hand-overs cost.

Titles, subtitles and notes arrive finished from the narrative; nothing here computes a figure.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from audit.method import Threshold
from audit.present.chart import Band, Benchmark, Caption, Chart
from audit.present.charts.draw import bars, stacked_bars
from audit.present.format import Fmt

__all__ = ["books_chart", "handover_chart", "load_chart", "sellers_chart"]

MOST_BOOKS = 15


def sellers_chart(
    parts: Mapping[str, tuple[float, float]], fmt: Fmt, caption: Caption, *, clients: str, revenue: str, single: str
) -> Chart | None:
    """Draw how many sellers regular clients know: label → (share of clients, share of their revenue)."""
    if not parts:
        return None
    return stacked_bars(
        caption, [clients, revenue], {name: list(values) for name, values in parts.items()}, fmt=fmt, emphasise=single
    )


def books_chart(
    books: pd.DataFrame, fmt: Fmt, caption: Caption, names: Mapping[str, str], *, even: float, even_label: str
) -> Chart | None:
    """Draw each seller's part of repeat revenue against an even split over the team; None without books."""
    if books.empty:
        return None
    rows = books.head(MOST_BOOKS)
    return bars(
        caption,
        [names.get(str(m), str(m)) for m in rows["manager"]],
        [float(v) for v in rows["share"]],
        fmt=fmt,
        n=[int(v) for v in rows["clients"]],
        mark=Benchmark(even, even_label),
    )


def load_chart(
    load: pd.DataFrame, fmt: Fmt, caption: Caption, names: Mapping[str, str], band: Threshold
) -> Chart | None:
    """Draw hours needed ÷ hours left per manager with the limits of the verdict; None without managers."""
    if load.empty:
        return None
    assert band.watch is not None and band.found is not None
    rows = load.head(MOST_BOOKS)
    return bars(
        caption,
        [names.get(str(p), str(p)) for p in rows["person"]],
        [float(v) for v in rows["load"]],
        fmt=fmt,
        unit="share",
        n=[int(v) for v in rows["clients"]],
        band=Band(band.watch, band.found),
    )


def handover_chart(
    rows: list[tuple[str, float, float | None, float | None, int]], fmt: Fmt, caption: Caption, label: str
) -> Chart | None:
    """Draw the change of revenue after each hand-over and over all: (label, value, low, high, handed clients)."""
    if not rows:
        return None
    return bars(
        caption,
        [r[0] for r in rows],
        [r[1] for r in rows],
        fmt=fmt,
        unit="change",
        low=[r[2] for r in rows],
        high=[r[3] for r in rows],
        n=[r[4] for r in rows],
        mark=Benchmark(0.0, label),
    )
