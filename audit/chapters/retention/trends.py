"""Whether the active base, the ticket, the frequency and the range rise or fall from year to year."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.errors import Text
from audit.ground.dates import day_text
from audit.method import Thresholds
from audit.model.calendar import add_months, month_index
from audit.model.case import Case, sql_text
from audit.model.result import Metric, metric, no_metric
from audit.model.window import Window
from audit.stats.trend import Trend, tellable, yearly_trends

__all__ = [
    "FIGURES",
    "ITEMS_COVERAGE",
    "CompanyTrends",
    "calendar_table",
    "company_trends",
    "complete_months",
    "monthly_table",
    "pace_months",
    "trend_metrics",
    "trends_of",
    "within_reach",
]

FIGURES = ("active_clients", "ticket", "frequency", "range")


def complete_months(window: Window) -> tuple[int, int]:
    """Return the first and the last whole month of the window as month indices (last < first: there is none)."""
    first = month_index(window.start) + (window.start.day > 1)
    end = window.as_of
    whole = end.day == calendar.monthrange(end.year, end.month)[1]
    return first, month_index(end) - (not whole)


PACE_GAPS = 3.0
PACE_MONTHS = 4
"""Months in which a client counts as buying: three usual gaps of the company, four months at most (with more of them
the first months are lost to the trend, and its interval grows)."""
MONTHS_LEFT = 18
"""Months that the frequency must keep: a year, and half a year of pairs a year apart."""


def pace_months(usual_gap: float | None, months: int) -> int:
    """Return in how many months up to and including the present one an order makes a client count for its frequency.

    A client that orders every forty days has no order at all in many a month; if only clients with an order in the
    month counted, buying half as often would hardly show (at least one order each, by construction).
    """
    if usual_gap is None:
        return 1
    wanted = int(np.ceil(PACE_GAPS * usual_gap / 30.4375))
    return max(1, min(wanted, PACE_MONTHS, months - MONTHS_LEFT))


def within_reach(
    unit: NDArray[np.int64], month: NDArray[np.int64], reach: int, last_month: int
) -> tuple[NDArray[np.signedinteger[Any]], NDArray[np.signedinteger[Any]]]:
    """Return unit and month of every month in which a unit counts: one with an act, or up to ``reach`` − 1 after it."""
    if not len(unit):
        return unit, month
    first = int(month.min())
    span = last_month - first + 1
    code = unit * span + month - first
    counts = np.zeros((int(unit.max()) + 1) * span, dtype=bool)  # units are numbered without gaps
    for k in range(reach):
        counts[(code + k)[month + k <= last_month]] = True
    cells = np.flatnonzero(counts)
    del counts, code
    where = (cells // span).astype(np.int32)
    return where, (cells % span).astype(np.int32) + np.int32(first)


def trends_of(
    months: pd.DataFrame, first_month: int, last_month: int, *, with_items: bool, thresholds: Thresholds, reach: int = 1
) -> dict[str, Trend]:
    """Return the trends of the figures of one client × month frame, all from the same resampling of clients.

    ``months``: unit, month_index, order_days, orders, items, item_days, bought_real (revenue of order days, deflated
    where an index is given). Active clients; ticket = revenue ÷ orders; frequency = order days of the month ÷ clients
    with an order in it or in the ``reach`` − 1 months before (see `pace_months`; the first months of the window, in
    which that cannot be told, are left out); range = distinct items ÷ order days that name items.
    """
    ones = np.ones(len(months))
    days = months["order_days"].to_numpy(dtype=np.float64)
    figures: dict[str, Any] = {
        "active_clients": (ones, None),
        "ticket": (months["bought_real"].to_numpy(dtype=np.float64), months["orders"].to_numpy(dtype=np.float64)),
    }
    if reach == 1:
        figures["frequency"] = (days, ones)
    if with_items:
        named = months["item_days"].to_numpy(dtype=np.float64)
        figures["range"] = (months["items"].to_numpy(dtype=np.float64), named)
    unit, month = (months[c].to_numpy(dtype=np.int64) for c in ("unit", "month_index"))
    options: dict[str, Any] = {
        "last_month": last_month,
        "draws": thresholds.count("general.bootstrap_draws"),
        "seed": thresholds.count("general.bootstrap_seed"),
        "level": thresholds.value("general.confidence_level"),
    }
    out = yearly_trends(unit, month, figures, first_month=first_month, **options)
    if reach > 1:
        # Cells without an order day carry none, and an order day's own cell counts once.
        near, when = within_reach(unit, month, reach, last_month)
        told = month <= last_month
        span = last_month + 1
        own = np.searchsorted(near.astype(np.int64) * span + when, unit[told] * span + month[told])
        acts = np.zeros(len(near))
        np.add.at(acts, own, days[told])
        paced: dict[str, Any] = {"frequency": (acts, np.ones(len(near)))}
        del figures, unit, month, days, own, told
        found = yearly_trends(near, when, paced, first_month=first_month + reach - 1, **options)["frequency"]
        blank = np.full(reach - 1, np.nan)
        out["frequency"] = replace(found, monthly=np.concatenate([blank, found.monthly]))
    return out


INDEX_COVERAGE = 0.95
"""Part of the rows with a price index from which the ticket is deflated."""
ITEMS_COVERAGE = 0.8
"""Part of the cells with a named item from which the range is told."""


@dataclass(frozen=True, slots=True)
class CompanyTrends:
    """The trends of the whole company over ``months`` whole months, from ``first_month`` to ``last_month`` (indices).

    ``cells``: one row per client (unit) × month with an order; ``trends`` by figure, empty where there is no such row.
    """

    first_month: int
    last_month: int
    months: int
    cells: pd.DataFrame
    trends: dict[str, Trend]
    deflated: bool


def company_trends(case: Case) -> CompanyTrends:
    """Return the trends over the whole months of the window: one computation for all chapters that show them."""
    first, last = complete_months(case.window)
    deflated = case.intake.field_coverage.get("price_index", 0.0) >= INDEX_COVERAGE
    cells = case.query(
        sql_text("audit.chapters.retention", "months"), first_month=first, last_month=last, deflate=deflated
    )
    count = max(last - first + 1, 0)
    trends: dict[str, Trend] = {}
    if count and len(cells):
        with_items = case.has("sku") and float((cells["item_days"] > 0).mean()) >= ITEMS_COVERAGE
        reach = pace_months(case.sale_type.interval_days, count)
        trends = trends_of(cells, first, last, with_items=with_items, thresholds=case.thresholds, reach=reach)
    return CompanyTrends(first, last, count, cells, trends, deflated)


NO_ITEMS = Text("В заказах нет товара (sku)", "The orders do not name the item (sku)")
NO_TREND = Text(
    "Тренда нет: в большинстве месяцев показатель не посчитать",
    "There is no trend: in most months the figure cannot be computed",
)


def trend_metrics(trends: dict[str, Trend], window: Window, months: int, deflated: bool) -> list[Metric]:
    """Return the four trends as metrics, change a year.

    ``extra``: the last 12 months against the 12 before with their interval; ``tellable``: the least decline that an
    interval as wide as that of the slope could tell from none.
    """
    out = []
    for name in FIGURES:
        id = f"retention.{name}_trend"
        if name not in trends:
            out.append(no_metric(id, NO_ITEMS))
            continue
        if months < 24:
            first = dt.date(window.start.year, window.start.month, 1)
            day = day_text(add_months(first, 24 + (window.start.day > 1)))
            reason = Text(
                f"Полных месяцев {months}, для тренда без сезонности нужно 24. Оценить можно с {day.ru}",
                f"There are {months} whole months, a trend free of seasons needs 24. It can be judged from {day.en}",
            )
            out.append(no_metric(id, reason, n=trends[name].yearly.n))
            continue
        e, last = trends[name].yearly, trends[name].last_year
        if e.value is None:
            out.append(no_metric(id, NO_TREND, n=e.n))
            continue
        more: dict[str, Any] = {"deflated": deflated} if name == "ticket" else {}
        out.append(
            metric(
                id,
                e.value,
                low=e.low,
                high=e.high,
                n=e.n,
                months=months,
                pairs=trends[name].pairs,
                last_year=last.value,
                last_year_low=last.low,
                last_year_high=last.high,
                tellable=tellable(e),
                **more,
            )
        )
    return out


def monthly_table(trends: dict[str, Trend], first_month: int) -> pd.DataFrame:
    """Return the figures month by month: month (first day), active_clients, ticket, frequency, range (NaN if none)."""
    if not trends:
        return pd.DataFrame(columns=["month", *FIGURES])
    n = len(next(iter(trends.values())).monthly)
    month = [pd.Timestamp(dt.date((first_month + i) // 12, (first_month + i) % 12 + 1, 1)) for i in range(n)]
    out = pd.DataFrame({"month": month, **{k: t.monthly for k, t in trends.items()}})
    return out.reindex(columns=["month", *FIGURES]).astype({k: float for k in FIGURES})


def calendar_table(months: pd.DataFrame, units: pd.DataFrame, first_month: int, last_month: int) -> pd.DataFrame:
    """Return order days per client × month for the clients in ``units`` (unit, client_key), months without an order 0.

    Columns: client_key, month (first day), order_days; clients stand in the order of ``units``.
    """
    rows = months[months["unit"].isin(units["unit"])]
    wide = rows.pivot_table(index="unit", columns="month_index", values="order_days", aggfunc="sum", fill_value=0)
    wide = wide.reindex(index=units["unit"], columns=range(first_month, last_month + 1), fill_value=0)
    long = wide.reset_index().melt(id_vars="unit", var_name="month_index", value_name="order_days")
    place = dict(zip(units["unit"], range(len(units)), strict=True))
    long = units.merge(long, on="unit")
    long = long.assign(place=long["unit"].map(place)).sort_values(["place", "month_index"], ignore_index=True)
    long["month"] = [pd.Timestamp(dt.date(m // 12, m % 12 + 1, 1)) for m in long["month_index"].astype(int)]
    return long[["client_key", "month", "order_days"]].astype({"order_days": np.int64})
