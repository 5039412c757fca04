"""Amounts that nobody calculated: all zero, or formulas without values, while quantity × price is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import AmbiguityError, Answer, InputError, Text
from audit.intake.traps import Found, files_line
from audit.intake.workbooks import formulas_without_values
from audit.model.intake_report import Question
from audit.settings import Settings

if TYPE_CHECKING:
    from audit.intake.table import Table

__all__ = ["look"]


def look(table: Table, settings: Settings) -> Found:
    """Take quantity × price for amounts that are all zero, until denied; ask where a workbook holds bare formulas."""
    staged, plan = table.staged, table.plan
    amount = staged.numbers.get("amount")
    priced = all(f in staged.numbers and staged.numbers[f].largest > 0 for f in ("qty", "price"))
    if settings.reading.computed_amounts is not None or amount is None or amount.largest > 0 or not staged.rows:
        return None
    answer = files_line("computed_amounts", [table.name])
    if not amount.filled:
        if formulas_without_values(table.reader):
            raise _uncalculated(table, answer if priced else "")
        return None  # an empty amount is quantity × price where the row has both
    if not priced:
        return None
    header = plan.labels["amount"]
    return Question(
        Text(
            f"{table.name}: в столбце «{header}» одни нули, а количество × цена не ноль: формулы не пересчитаны или суммы не "
            "выгружены. Сумма посчитана как количество × цена",
            f"{table.name}: column “{header}” holds nothing but zeros while quantity × price is not zero: formulas were not "
            "calculated, or the sums not exported. The amount was computed as quantity × price",
        ),
        answer,
        (Answer(Text("нулевые суммы верны", "amounts of zero are right"), files_line("computed_amounts", [])),),
        kind="empty_amounts",
        means=Text("да, сумма — количество × цена", "yes, the amount is quantity × price"),
        taken=True,
    )


def _uncalculated(table: Table, answer: str) -> InputError:
    what = Text(
        "В ячейках формулы без значений: книгу не пересчитали",
        "Cells hold formulas without values: the workbook was never calculated",
    )
    again = Text(
        "Откройте её в Excel или LibreOffice, сохраните и пришлите ещё раз",
        "Open it in Excel or LibreOffice, save it and send it again",
    )
    if not answer:
        return InputError(what, where=table.name, todo=again)
    line = answer.splitlines()[1]
    return AmbiguityError(
        what,
        where=table.name,
        answer=answer,
        means=Text("взять количество × цену", "take quantity × price"),
        todo=Text(
            f"{again.ru}; или возьмите количество × цену: добавьте в audit.toml, раздел [reading]: {line}",
            f"{again.en}; or take quantity × price: add to audit.toml, section [reading]: {line}",
        ),
    )
