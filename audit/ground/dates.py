"""Dates inside the sentences that say why a figure cannot be had."""

from __future__ import annotations

import datetime as dt

from audit.errors import Text

__all__ = ["day_text"]

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def day_text(day: dt.date | str) -> Text:
    """Return a date as it is written inside a sentence of either language; text is an ISO date."""
    d = dt.date.fromisoformat(day) if isinstance(day, str) else day
    return Text(f"{d:%d.%m.%Y}", f"{d.day} {_MONTHS[d.month - 1]} {d.year}")
