"""What is lacking, in one sentence each: too few units, a column of the orders, a sheet of the questionnaire."""

from __future__ import annotations

from collections.abc import Sequence

from audit.errors import Text
from audit.model.case import Case
from audit.model.orders import FIELD_NAMES
from audit.model.questionnaire import TABLES, TableSpec

__all__ = ["HOURS_BY_GROUP", "missing_columns", "missing_sheets", "no_initiator", "too_few"]

HOURS_BY_GROUP = Text(
    "Время записано по группам функций: какая часть этой работы чужая, из них не видно. Распишите его по функциям",
    "Time is given by groups of functions, which do not tell how much of this work is foreign. Give it by function",
)


def too_few(n: int, needed: int, what: Text) -> Text:
    """Return the reason «too few units»."""
    return Text(
        f"{what.ru}: {n}, для вывода нужно не меньше {needed}", f"{what.en}: {n}, a verdict needs at least {needed}"
    )


def missing_columns(case: Case, *fields: str) -> Text | None:
    """Return a sentence naming the columns that the orders lack, or None where they have them all."""
    absent = [FIELD_NAMES[f] for f in fields if not case.has(f)]
    if not absent:
        return None
    named, many = _named(absent), len(absent) > 1
    return Text(
        f"В заказах нет {'столбцов' if many else 'столбца'} {named.ru}: добавьте {'их' if many else 'его'} в выгрузку",
        f"The orders lack the {'columns' if many else 'column'} {named.en}: add {'them' if many else 'it'} to the export",
    )


def missing_sheets(case: Case, *tables: str) -> Text | None:
    """Return a sentence naming the sheets of the questionnaire that are not filled in, or None where all are."""
    absent = [TABLES[t] for t in tables if not case.questionnaire.has(t)]
    if not absent:
        return None
    named, many = _named(absent), len(absent) > 1
    return Text(
        f"В анкете не {'заполнены листы' if many else 'заполнен лист'} {named.ru}",
        f"The questionnaire's {'sheets' if many else 'sheet'} {named.en} {'are' if many else 'is'} not filled in",
    )


def no_initiator(case: Case) -> Text:
    """Say why nobody knows who began orders and touches: no column and no sheet, or nothing in them."""
    column, sheet = missing_columns(case, "initiator"), missing_sheets(case, "touches")
    if column is None or sheet is None:
        return Text("Ни у одного заказа и касания инициатор не указан", "No order or touch names who began it")
    return Text(
        f"{column.ru}; {sheet.ru[0].lower()}{sheet.ru[1:]}", f"{column.en}; {sheet.en[0].lower()}{sheet.en[1:]}"
    )


def _named(things: Sequence[Text | TableSpec]) -> Text:
    return Text(", ".join(f"«{t.ru}»" for t in things), ", ".join(f"“{t.en}”" for t in things))
