"""Dates that name a month and no day: a pivot, or a column that a spreadsheet showed as «янв.23» and saved so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import Text
from audit.intake.dates import only_months
from audit.intake.proposals import all_first_of_month
from audit.intake.traps import Found
from audit.model.intake_report import Question
from audit.settings import Settings

if TYPE_CHECKING:
    from audit.intake.table import Table

__all__ = ["look"]


def look(table: Table, settings: Settings) -> Found:
    """Say that the day is lost: all orders of a client in a month become one day, its first."""
    found = list(table.staged.distinct.get("order_date", ()))
    first = all_first_of_month(table.plan.labels.get("order_date", ""), found)
    if settings.reading.date_format is not None or not (first or only_months(found)):
        return None
    example = min(found)
    return Question(
        Text(
            f"{table.name}: в датах нет дня, только месяц (например, «{example}»): взято первое число. Несколько заказов клиента "
            "за месяц сольются в один: вторую покупку в том же месяце, частоту чаще раза в месяц и сроки заказов оценить нельзя. "
            "Попросите выгрузку с полными датами; если их нет, закрепите это",
            f"{table.name}: the dates name a month and no day (for example “{example}”): its first was taken. Several orders of "
            "a client in a month become one: a second purchase within the month, a cadence of less than a month and the days an "
            "order takes cannot be assessed. Ask for an export with full dates; if there are none, settle it",
        ),
        '[reading]\ndate_format = "mmm.yy"',
        kind="month_dates",
        means=Text("полных дат нет, считать по месяцам", "there are no full dates, count by months"),
    )
