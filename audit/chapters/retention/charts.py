"""Pictures of retention: survival curves, cohorts, the bridge of the year, rhythm, funnel of managers, calendar.

Titles, subtitles and notes arrive finished from the narrative; nothing here computes a figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.retention.cohorts import matrix
from audit.method import Threshold
from audit.model.result import ChapterResult
from audit.present.chart import Benchmark, Caption, Chart
from audit.present.charts.draw import bars, funnel, heat_map, stacked_bars, step_curve, time_series, waterfall
from audit.present.format import Fmt
from audit.present.style import INK_FAINT, STATUS
from audit.stats.funnel import limits_of_size

__all__ = [
    "bridge_chart",
    "calendar_chart",
    "cohort_chart",
    "drivers_chart",
    "managers_chart",
    "repeat_chart",
    "return_chart",
    "second_by_chart",
    "second_chart",
    "states_chart",
    "trend_chart",
]

AT_RISK_DAYS = (0, 90, 180, 270, 365)
MAX_COHORTS = 24
CURVE_POINTS = 400


def _norm_label(value: float, fmt: Fmt) -> str:
    return f"{'норма' if fmt.lang == 'ru' else 'norm'} {fmt.share(value)}"


def _limit_label(value: float, fmt: Fmt) -> str:
    return f"{'нижняя граница' if fmt.lang == 'ru' else 'lower limit'} {fmt.share(value)}"


def _at_risk(curve: pd.DataFrame, days: Sequence[int], end: float) -> list[tuple[float, int]]:
    """Return the clients still followed and not back at chosen days."""
    times, at_risk = curve["days"].to_numpy(), curve["at_risk"].to_numpy()
    out = []
    for day in days:
        if day > end:
            break
        i = int(np.searchsorted(times, day, side="left"))
        out.append((float(day), int(at_risk[i]) if i < len(times) else 0))
    return out


def _thin(curve: pd.DataFrame, end: float) -> pd.DataFrame:
    """Keep the rows that change the picture: events up to the end, at most a few hundred."""
    rows = curve[(curve["days"] <= end) & (curve["events"] > 0)]
    if len(rows) > CURVE_POINTS:
        keep = np.unique(np.linspace(0, len(rows) - 1, CURVE_POINTS).astype(int))
        rows = rows.iloc[keep]
    return rows


def _curve(caption: Caption, curve: pd.DataFrame, fmt: Fmt, horizon: float, norm: Benchmark | None) -> Chart | None:
    if curve.empty or int(curve["events"].sum()) == 0:
        return None
    end = max(float(min(horizon * 1.1, curve["days"].max())), 30.0)
    rows = _thin(curve, end)
    if rows.empty:
        return None
    reached = float(curve["days"].max()) >= horizon
    days = [0.0, *rows["days"].astype(float), end]
    share = [0.0, *rows["share"], float(rows["share"].iloc[-1])]
    low = [0.0, *rows["low"], float(rows["low"].iloc[-1])]
    high = [0.0, *rows["high"], float(rows["high"].iloc[-1])]
    ru = fmt.lang == "ru"
    return step_curve(
        caption,
        days,
        share,
        fmt=fmt,
        low=low,
        high=high,
        mark=norm,
        horizon=horizon if reached else None,
        at_risk=_at_risk(curve, AT_RISK_DAYS, end),
        at_risk_label="под наблюдением, ещё не вернулись" if ru else "followed, not back yet",
        x_label="дней" if ru else "days",
        x_max=end,
    )


def second_chart(result: ChapterResult, fmt: Fmt, caption: Caption, norm: float | None) -> Chart | None:
    """Draw how the share of new clients with a second order grows, with its band and the norm; None without events."""
    m = result.metrics["retention.second_purchase_share"]
    if m.value is None:
        return None
    mark = None if norm is None else Benchmark(norm, _norm_label(norm, fmt))
    return _curve(caption, result.tables["second_curve"], fmt, float(m.extra["wanted_days"]), mark)


def return_chart(result: ChapterResult, fmt: Fmt, caption: Caption, norm: float | None) -> Chart | None:
    """Draw how the share of sleepers that came back grows from the day they fell asleep; None without events."""
    m = result.metrics["retention.return_rate"]
    if m.value is None:
        return None
    mark = None if norm is None else Benchmark(norm, _limit_label(norm, fmt))
    return _curve(caption, result.tables["return_curve"], fmt, float(m.extra["wanted_days"]), mark)


def second_by_chart(rows: pd.DataFrame, fmt: Fmt, caption: Caption, norm: float | None) -> Chart | None:
    """Draw the second-purchase share of the rows of one split with intervals; None without a reached row."""
    if rows.empty or rows["share"].isna().all():
        return None

    def known(column: str) -> list[float | None]:
        return [None if math.isnan(v) else float(v) for v in rows[column]]

    mark = None if norm is None else Benchmark(norm, _norm_label(norm, fmt))
    return bars(
        caption,
        [str(x) for x in rows["label"]],
        known("share"),
        fmt=fmt,
        low=known("low"),
        high=known("high"),
        n=[int(x) for x in rows["n"]],
        mark=mark,
        limit=1.0,
    )


def repeat_chart(result: ChapterResult, fmt: Fmt, caption: Caption, band: Threshold | None) -> Chart | None:
    """Draw the regular clients' share and the repeat shares with intervals and the lower limit; None without revenue."""
    names = {
        "regular_revenue_share": "Постоянные клиенты" if fmt.lang == "ru" else "Regular clients",
        "repeat_revenue_share": "Повторная выручка" if fmt.lang == "ru" else "Repeat revenue",
        "repeat_margin_share": "Повторная прибыль" if fmt.lang == "ru" else "Repeat profit",
        "repeat_order_share": "Повторные заказы" if fmt.lang == "ru" else "Repeat orders",
    }
    rows = [(label, result.metrics[f"retention.{key}"]) for key, label in names.items()]
    rows = [(label, m) for label, m in rows if m.value is not None]
    if not rows:
        return None
    mark = None
    if band is not None and band.found is not None:
        mark = Benchmark(band.found, _limit_label(band.found, fmt))
    return bars(
        caption,
        [label for label, _ in rows],
        [m.value for _, m in rows],
        fmt=fmt,
        low=[m.low for _, m in rows],
        high=[m.high for _, m in rows],
        n=[m.n for _, m in rows],
        mark=mark,
        limit=1.0,
    )


def cohort_label(day: Any, step: int, fmt: Fmt) -> str:
    """Name a cohort: month or quarter of the first order."""
    d = pd.Timestamp(day)
    if step == 3:
        quarter = (d.month - 1) // 3 + 1
        return f"{quarter} кв. {d.year}" if fmt.lang == "ru" else f"Q{quarter} {d.year}"
    return fmt.month_short(d.date())


def cohort_chart(table: pd.DataFrame, fmt: Fmt, caption: Caption, step: int) -> Chart | None:
    """Draw cohorts × age as colour, unreached cells blank, cohorts of the burn-in with an asterisk (newest 24)."""
    if table.empty:
        return None
    grid = matrix(table, "share").tail(MAX_COHORTS)
    grid = grid.loc[:, grid.notna().any()]
    grid = grid.iloc[:, 1:] if grid.shape[1] > 1 else grid  # every cohort is whole at age 0
    about = table.drop_duplicates("cohort").set_index("cohort").loc[grid.index]
    labels = [
        cohort_label(d, step, fmt) + ("" if known else " *")
        for d, known in zip(grid.index, about["known_new"], strict=True)
    ]
    values = [[None if math.isnan(v) else float(v) for v in row] for row in grid.to_numpy(dtype=float)]
    ru = fmt.lang == "ru"
    unit = ("кварталов" if step == 3 else "месяцев") if ru else ("quarters" if step == 3 else "months")
    return heat_map(
        caption,
        labels,
        [str(a) for a in grid.columns],
        values,
        fmt=fmt,
        row_notes=[fmt.num(n) for n in about["clients"]],
        x_label=f"{unit} после первого заказа" if ru else f"{unit} after the first order",
    )


_PARTS: dict[str, tuple[str, str]] = {
    "new": ("новые", "new"),
    "returned": ("вернулись", "returned"),
    "grown": ("выросли", "grown"),
    "shrunk": ("сократили", "shrunk"),
    "lost": ("ушли", "lost"),
    "inactive": ("возвраты", "refunds"),
}


def bridge_chart(result: ChapterResult, fmt: Fmt, caption: Caption) -> Chart | None:
    """Draw how the earlier year's revenue became the last year's; None without two years."""
    if "bridge" not in result.tables:
        return None
    rows = result.tables["bridge"].set_index("part")["revenue"]
    k = 0 if fmt.lang == "ru" else 1
    rare = ("returned", "inactive")
    steps = [(_PARTS[p][k], float(rows[p])) for p in _PARTS if p not in rare or rows[p] != 0]
    first, last = (("год назад", "последний год"), ("year before", "last year"))[k]
    return waterfall(caption, (first, float(rows["before"])), steps, (last, float(rows["after"])), fmt=fmt)


_DRIVERS: dict[str, tuple[str, str]] = {
    "frequency": ("частота", "frequency"),
    "breadth": ("широта", "breadth"),
    "value": ("ценность", "value"),
    "returns": ("возвраты", "returns"),
}


def drivers_chart(result: ChapterResult, fmt: Fmt, caption: Caption) -> Chart | None:
    """Draw what moved the revenue of the clients that stayed; None without two years."""
    if "drivers" not in result.tables:
        return None
    k = 0 if fmt.lang == "ru" else 1
    before, change = float(result.facts["drivers"]["before"]), float(result.facts["drivers"]["change"])
    if before <= 0:
        return None
    rows = result.tables["drivers"]
    steps = [
        (_DRIVERS[str(d)][k], float(e))
        for d, e in zip(rows["driver"], rows["effect"], strict=True)
        if d != "returns" or e != 0
    ]
    first, last = (("год назад", "последний год"), ("year before", "last year"))[k]
    return waterfall(caption, (first, before), steps, (last, before + change), fmt=fmt)


def trend_chart(
    monthly: pd.DataFrame, column: str, fmt: Fmt, caption: Caption, yearly: float | None, recent_start: str
) -> Chart | None:
    """Draw one monthly figure with its trend through the middle of the period; None with fewer than three months."""
    rows = monthly[["month", column]]
    values = rows[column].to_numpy(dtype=float)
    if len(rows) < 3 or not np.isfinite(values).any():
        return None
    trend: list[float | None] | None = None
    positive = np.isfinite(values) & (values > 0)
    if yearly is not None and yearly > -1 and positive.any():
        months = np.arange(len(values))
        level = np.median(np.log(values[positive]) - np.log1p(yearly) * months[positive] / 12)
        trend = [float(np.exp(level + np.log1p(yearly) * i / 12)) for i in months]
    ru = fmt.lang == "ru"
    return time_series(
        caption,
        [d.date() for d in rows["month"]],
        {column: [None if math.isnan(v) else v for v in values]},
        fmt=fmt,
        unit="money" if column == "ticket" else "count",
        trend=trend,
        trend_label="" if yearly is None else f"{fmt.change(yearly)} {'в год' if ru else 'a year'}",
        shade_from=recent_start,
        shade_label="последние 12 мес." if ru else "last 12 months",
        width="half",
    )


_STATE_COLORS = {
    "on_time": STATUS["clear"].line,
    "slowing": "#b9a22f",
    "late": STATUS["watch"].line,
    "sleeping": STATUS["found"].line,
    "lost": INK_FAINT,
}


def states_chart(table: pd.DataFrame, fmt: Fmt, caption: Caption, names: Mapping[str, str]) -> Chart | None:
    """Draw regular clients and their money by state, as shares; None without regular clients."""
    by = dict(zip(table["state"], table["clients"].astype(float), strict=True))
    stake = dict(zip(table["state"], table["at_stake"].clip(lower=0).astype(float), strict=True))
    clients, money = sum(by.values()), sum(stake.values())
    if clients == 0:
        return None
    order = ["on_time", "slowing", "late", "sleeping", "lost"]
    parts = {names[s]: [by[s] / clients] + ([stake[s] / money] if money > 0 else []) for s in order}
    labels = [names["clients"]] + ([names["money"]] if money > 0 else [])
    return stacked_bars(caption, labels, parts, fmt=fmt, colors=[_STATE_COLORS[s] for s in order])


def managers_chart(
    table: pd.DataFrame,
    rate: float,
    around: tuple[float, float, int],
    fmt: Fmt,
    caption: Caption,
    names: Sequence[str],
    mean_label: str,
    x_label: str,
) -> Chart | None:
    """Draw managers on a funnel: share of clients lost against the size of the book; None with fewer than two.

    ``around``: centre and spread of the managers, and their number (`audit.stats.funnel.Outliers`).
    """
    if len(table) < 2:
        return None
    top = int(table["clients"].max())
    grid = np.unique(np.linspace(max(1, int(table["clients"].min() * 0.6)), top * 1.05 + 1, 60).astype(int))
    near, far = (limits_of_size(grid, *around, level) for level in (0.95, 0.998))
    limits = [
        (float(n), float(near[0][i]), float(near[1][i]), float(far[0][i]), float(far[1][i])) for i, n in enumerate(grid)
    ]
    return funnel(
        caption,
        list(names),
        [float(x) for x in table["clients"]],
        [float(x) for x in table["share"]],
        fmt=fmt,
        mean=rate,
        limits=limits,
        positions=[int(x) for x in table["position"]],
        mean_label=mean_label,
        x_label=x_label,
    )


def calendar_chart(table: pd.DataFrame, fmt: Fmt, caption: Caption, name: Callable[[Any, Any], str]) -> Chart | None:
    """Draw order days per month of the largest clients; months without an order stay blank. None without months."""
    if table.empty:
        return None
    wide = table.pivot(index="client_key", columns="month", values="order_days")
    wide = wide.loc[table["client_key"].drop_duplicates()]
    names = table.drop_duplicates("client_key").set_index("client_key")["client_name"]
    values = [[float(v) if v > 0 else None for v in row] for row in wide.to_numpy(dtype=float)]
    return heat_map(
        caption,
        [name(k, names[k]) for k in wide.index],
        [fmt.month_short(pd.Timestamp(m).date()) for m in wide.columns],
        values,
        fmt=fmt,
        unit="count",
    )
