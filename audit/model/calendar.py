"""Dates by hand: months and years without time zones or clocks."""

from __future__ import annotations

import calendar
import datetime as dt

__all__ = ["add_months", "month_index"]


def add_months(day: dt.date, months: int) -> dt.date:
    """Return the same day of another month; the last day where that month is shorter (29 Feb → 28 Feb)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))


def month_index(day: dt.date) -> int:
    """Return ``year * 12 + month − 1``, a count of months."""
    return day.year * 12 + day.month - 1
