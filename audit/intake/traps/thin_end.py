"""An export that thins out: its last weeks hold next to nothing, and every client looks silent."""

from __future__ import annotations

import calendar
import datetime as dt

from audit.errors import Answer, Text
from audit.intake.store import parquet
from audit.intake.table import Orders
from audit.model.intake_report import Question
from audit.settings import Settings

__all__ = ["look"]

_THIN = 0.1
"""Share of the usual volume below which weeks are thin."""
_THIN_BY_ROW = 0.5
"""The same for rows, which are quicker to count than purchases: no file is looked at closer above it."""
_EXPECTED = 10
"""Sales that the thin weeks should have held for their lack to mean anything."""
_LEAST_WEEKS = 3
"""Thin weeks; at least twice as many before them must tell what is usual."""
_USUAL_WEEKS = 52
_SAME_SEASON_WEEKS = 3


def look(orders: Orders, settings: Settings) -> Question | None:
    """End the period where the usual volume ends, until denied, where the last weeks hold less than a tenth of it."""
    if settings.period.end is not None or settings.period.as_of is not None:
        return None
    lines = parquet(orders.lines)
    back = f"date_diff('day', order_date, (SELECT max(order_date) FROM {lines})) // 7"
    sql = "SELECT {0}, {1} FROM {2} WHERE amount > 0 GROUP BY 1"
    by_row = _weeks(orders.store.rows(sql.format(back, "count(*)", lines)))
    if not _thin_weeks(by_row, _THIN_BY_ROW):
        return None
    every = _weeks(orders.store.rows(sql.format(back, "count(DISTINCT (client_key, order_date))", lines)))
    tail = _thin_weeks(every, _THIN)
    if not tail or _thin_last_year(every, tail):
        return None
    last = orders.store.row(f"SELECT max(order_date) FROM {lines} WHERE amount > 0 AND {back} >= {tail}")[0]
    month_end = last.replace(day=calendar.monthrange(last.year, last.month)[1])
    end = month_end if (month_end - last).days < 10 else last
    final = dt.date(1970, 1, 1) + dt.timedelta(days=orders.tally.last_day)
    few = sum(every[:tail])
    bought = f"{few} purchase{'s' * (few != 1)} in {tail} week{'s' * (tail != 1)}"
    return Question(
        Text(
            f"После {last:%d.%m.%Y} выгрузка почти пуста: за {tail} нед. покупок {few}, обычно столько же бывает за несколько "
            f"дней. Период закончен {end:%d.%m.%Y}: молчание в конце — свойство файла, а не клиентов ([period] end = {end})",
            f"After {last} the export is all but empty: {bought}, as many as a few usual days hold. "
            f"The period was ended on {end}: silence at the end is the file's, not the clients' ([period] end = {end})",
        ),
        f"[period]\nend = {end}",
        others=(
            Answer(
                Text("выгрузка полна, продажи прекратились", "the export is whole, sales stopped"),
                f"[period]\nend = {final}",
            ),
        ),
        kind="thin_end",
        means=Text(f"закончить период {end:%d.%m.%Y}", f"end the period on {end}"),
        taken=True,
    )


def _usual(weeks: list[int]) -> float:
    """Volume of a usual week: the median of a year."""
    year = sorted(weeks[:_USUAL_WEEKS])
    return year[len(year) // 2] if year else 0.0


def _weeks(found: list[tuple[int, int]]) -> list[int]:
    """Volume per week back from the end, weeks without any included."""
    weeks = dict(found)
    return [weeks.get(n, 0) for n in range(max(weeks, default=0) + 1)]


def _thin_weeks(every: list[int], thin: float) -> int:
    """Number of the last weeks whose volume is thin; 0 where the end is as usual."""
    found = 0
    for tail in range(_LEAST_WEEKS, len(every) // 3 + 1):
        usual = _usual(every[tail:])
        if usual * tail >= _EXPECTED and sum(every[:tail]) < thin * usual * tail and every[tail - 1] < usual / 2:
            found = tail
    return found


def _thin_last_year(every: list[int], tail: int) -> bool:
    """Whether the same weeks of the year before were as thin: a season, not a fault of the file."""
    before = every[52 + _SAME_SEASON_WEEKS : 52 + tail - _SAME_SEASON_WEEKS] or every[52 : 52 + tail]
    return len(every) >= 52 + tail and sum(before) < _THIN * 3 * _usual(every[tail:]) * len(before)
