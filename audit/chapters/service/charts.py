"""Pictures of service: kinds of failure, lateness by month, manager × month, reasons of complaints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from audit.findings.finding import Status
from audit.present.chart import Caption, Chart
from audit.present.charts.draw import bars, heat_map, time_series
from audit.present.format import Fmt

__all__ = ["heat_chart", "kinds_chart", "month_start", "months_chart", "reasons_chart"]

MOST_MANAGERS = 20
MOST_REASONS = 10
SMALLEST_MONTH = 5


def month_start(index: int) -> dt.date:
    """Return the first day of a month given as ``year * 12 + month − 1``."""
    return dt.date(index // 12, index % 12 + 1, 1)


def kinds_chart(
    kinds: pd.DataFrame, fmt: Fmt, caption: Caption, labels: Mapping[str, str], status: Sequence[Status | None]
) -> Chart | None:
    """Draw how often each kind of failure happens, with intervals; None where nothing can be told."""
    if kinds.empty:
        return None
    return bars(
        caption,
        [labels[str(k)] for k in kinds["kind"]],
        [float(v) for v in kinds["share"]],
        fmt=fmt,
        low=[float(v) for v in kinds["low"]],
        high=[float(v) for v in kinds["high"]],
        n=[int(v) for v in kinds["known"]],
        status=status,
    )


def months_chart(
    months: pd.DataFrame, fmt: Fmt, caption: Caption, label: str, shade_from: Any, accent: str
) -> Chart | None:
    """Draw the share of late orders month by month; None with fewer than three months to draw."""
    rows = months[months["dated"] >= SMALLEST_MONTH]
    if len(rows) < 3:
        return None
    share = (rows["late"] / rows["dated"]).set_axis(rows["month_index"].astype(int))
    span = range(int(rows["month_index"].min()), int(rows["month_index"].max()) + 1)
    return time_series(
        caption,
        [month_start(m) for m in span],
        {label: [float(share[m]) if m in share.index else None for m in span]},
        fmt=fmt,
        unit="share",
        shade_from=shade_from,
        accent=accent,
    )


def heat_chart(heat: pd.DataFrame, fmt: Fmt, caption: Caption, names: Mapping[str, str]) -> Chart | None:
    """Draw the failure share per manager × month, busiest manager first; None for a single manager."""
    managers = list(dict.fromkeys(heat.loc[heat["share"].notna(), "manager"]))[:MOST_MANAGERS]
    if len(managers) < 2:
        return None
    months = sorted(int(m) for m in heat["month_index"].unique())
    cells = heat.set_index(["manager", "month_index"])["share"]
    totals = heat.drop_duplicates("manager").set_index("manager")["total_orders"]
    return heat_map(
        caption,
        [names.get(str(m), str(m)) for m in managers],
        [fmt.month_short(month_start(m)) for m in months],
        [[None if pd.isna(cells[(m, k)]) else float(cells[(m, k)]) for k in months] for m in managers],
        fmt=fmt,
        row_notes=[fmt.num(totals[m]) for m in managers],
    )


def reasons_chart(reasons: pd.DataFrame, fmt: Fmt, caption: Caption, labels: Sequence[str]) -> Chart | None:
    """Draw complaints by reason; None without reasons."""
    rows = reasons.head(MOST_REASONS)
    if rows.empty:
        return None
    return bars(
        caption,
        list(labels)[: len(rows)],
        [float(v) for v in rows["share"]],
        fmt=fmt,
        n=[int(v) for v in rows["orders"]],
    )
