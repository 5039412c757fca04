"""A spreadsheet set to another country took the month for the day in every date where it could."""

from __future__ import annotations

import datetime as dt

from audit.errors import AmbiguityError, Answer, Text
from audit.intake.dates import Swapped, looks_swapped
from audit.intake.staging import DATE_FIELDS
from audit.intake.table import Orders, Table
from audit.intake.traps import files_line
from audit.settings import Settings

__all__ = ["look"]


def look(orders: Orders, settings: Settings) -> None:
    """Stop where the true dates of a column all have a day up to 12 and the texts beside them one above."""
    if settings.reading.swapped_dates is not None:
        return
    found: list[tuple[Table, str, Swapped]] = []
    for t in orders.tables:
        shown = ((f, looks_swapped(t.staged.distinct[f])) for f in DATE_FIELDS if f in t.staged.distinct)
        found += [(t, t.plan.labels.get(f, ""), seen) for f, seen in shown if seen is not None][:1]
    if not found:
        return
    _, header, seen = found[0]
    answer = files_line("swapped_dates", [t.name for t, _, _ in found])
    line = answer.splitlines()[1]
    day = dt.date.fromisoformat(seen.typed_example)
    raise AmbiguityError(
        Text(
            f"Похоже, Excel поменял местами день и месяц: в столбце «{header}» у настоящих дат день не больше 12 "
            f"(ячеек {seen.typed}, например {day:%d.%m.%Y}), а даты с днём больше 12 остались текстом "
            f"(ячеек {seen.texts}, например {seen.text_example}). Так бывает, когда выгрузку открыли в Excel с "
            "настройками другой страны",
            f"Excel seems to have swapped day and month: in column “{header}” the true dates have a day up to 12 "
            f"(cells: {seen.typed}, for example {day:%d.%m.%Y}), while dates with a day above 12 stayed text "
            f"(cells: {seen.texts}, for example {seen.text_example}). So it happens when an export was opened in an "
            "Excel set to another country",
        ),
        where=", ".join(t.name for t, _, _ in found),
        answer=answer,
        means=Text("поменять день и месяц обратно", "swap day and month back"),
        others=(Answer(Text("даты верны", "the dates are right"), files_line("swapped_dates", [])),),
        todo=Text(
            f"Попросите выгрузку, которую не открывали в Excel, или добавьте в audit.toml, раздел [reading]: "
            f"{line} — день и месяц вернутся на место; если даты верны: swapped_dates = []",
            f"Ask for an export that was not opened in Excel, or add to audit.toml, section [reading]: {line} "
            "to swap them back; if the dates are right: swapped_dates = []",
        ),
    )
