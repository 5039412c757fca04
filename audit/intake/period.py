"""The period that an export covers: whole months, or what the report's own title says."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Sequence

__all__ = ["edges", "titled"]

_EDGE_DAYS = 10
"""A first order on one of the first ten days, a last one on one of the last ten: the month was exported whole."""
_HOLIDAYS = 8
"""Days on which January begins with nobody at work."""
_MONTHS = {
    start: n
    for n, starts in enumerate(
        (
            ("январ", "jan"),
            ("феврал", "feb"),
            ("март", "mar"),
            ("апрел", "apr"),
            ("ма", "may"),
            ("июн", "jun"),
            ("июл", "jul"),
            ("август", "aug"),
            ("сентябр", "sep"),
            ("октябр", "oct"),
            ("ноябр", "nov"),
            ("декабр", "dec"),
        ),
        start=1,
    )
    for start in starts
}
_SAYS = re.compile(r"период|period|\bс \d|\bfrom \d|\bза\b|dates?\b", re.IGNORECASE)
_DAY = r"(?:(?P<d{0}>\d{{1,2}})\.(?P<m{0}>\d{{1,2}})\.(?P<y{0}>\d{{4}})|(?P<Y{0}>\d{{4}})-(?P<M{0}>\d{{2}})-(?P<D{0}>\d{{2}}))"
_DAYS = re.compile(rf"{_DAY.format(1)}\D{{1,12}}{_DAY.format(2)}")
_NAMED = re.compile(
    r"(?P<a>[а-яёa-z]{3,9})\.? (?P<ya>\d{4})[^\d]{0,8}?[-–—по]+ *(?P<b>[а-яёa-z]{3,9})\.? (?P<yb>\d{4})", re.IGNORECASE
)
_MONTH = re.compile(r"(?:период|period|\bза|for)\W+(?P<a>[а-яёa-z]{3,9})\.? (?P<ya>\d{4})", re.IGNORECASE)
_QUARTER = re.compile(r"\b(?P<q>[1-4])[- ]?(?:й|ый)? ?(?:квартал|кв\.|quarter)[а-я]* (?P<y>\d{4})", re.IGNORECASE)
_YEAR = re.compile(r"(?:период|period|\bза|for(?: the)?(?: year)?)\W+(?P<y>\d{4})\b(?! ?[-–—.]\d)", re.IGNORECASE)


def _last(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def _month(word: str) -> int | None:
    low = word.lower()
    found = [start for start in _MONTHS if low.startswith(start)]
    return _MONTHS[max(found, key=len)] if found else None


def titled(cells: Iterable[str]) -> tuple[dt.date, dt.date] | None:
    """Return the first and the last day that a title names: «Период: 01.01.2024 - 31.12.2024», «за 2024 год»."""
    for cell in cells:
        text = " ".join(cell.split())
        if not _SAYS.search(text):
            continue
        try:
            found = _read(text)
        except ValueError:
            continue
        if found is not None and found[0] <= found[1]:
            return found
    return None


def _read(text: str) -> tuple[dt.date, dt.date] | None:
    if m := _DAYS.search(text):
        ends = [
            dt.date(int(m[f"y{n}"] or m[f"Y{n}"]), int(m[f"m{n}"] or m[f"M{n}"]), int(m[f"d{n}"] or m[f"D{n}"]))
            for n in "12"
        ]
        return ends[0], ends[1]
    if m := _QUARTER.search(text):
        year, quarter = int(m["y"]), int(m["q"])
        return dt.date(year, 3 * quarter - 2, 1), _last(year, 3 * quarter)
    if (m := _NAMED.search(text)) and (a := _month(m["a"])) and (b := _month(m["b"])):
        return dt.date(int(m["ya"]), a, 1), _last(int(m["yb"]), b)
    if (m := _MONTH.search(text)) and (a := _month(m["a"])):
        return dt.date(int(m["ya"]), a, 1), _last(int(m["ya"]), a)
    if m := _YEAR.search(text):
        return dt.date(int(m["y"]), 1, 1), dt.date(int(m["y"]), 12, 31)
    return None


def edges(
    first: dt.date, last: dt.date, titles: Sequence[tuple[dt.date, dt.date]], today: dt.date
) -> tuple[dt.date, dt.date]:
    """Return the period of orders that fell on ``first`` to ``last``: as titles say, else to the edge of the month.

    A title counts where it holds the order at that end. Nothing is said of days after today.
    """
    starts = [a for a, _ in titles if a <= first]
    ends = [b for _, b in titles if b >= last]
    early = _EDGE_DAYS + (_HOLIDAYS if first.month == 1 else 0)
    start = max(starts) if starts else first.replace(day=1) if first.day <= early else first
    month_end = _last(last.year, last.month)
    end = min(ends) if ends else month_end if last.day > month_end.day - _EDGE_DAYS else last
    return start, max(last, min(end, today))
