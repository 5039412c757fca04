"""Pivots: clients down, months or days across. They hold sums and no orders."""

from __future__ import annotations

import re
from collections.abc import Sequence

from audit.errors import InputError, Text
from audit.intake.grouped import datelike
from audit.intake.headers import match_header
from audit.intake.layout import is_value
from audit.intake.traps import Head
from audit.intake.values import month_number, month_only
from audit.settings import Settings

__all__ = ["look"]

_LEAST = 3
"""So many columns must be named after periods, one less where each says its year: «янв.24»."""
_NUMBERS = 0.6
"""Share of the filled cells below that must be numbers."""
_ROWS = 40
_LONGEST = len("September")
_YEAR = re.compile(r"(?:19|20)\d{2}(?:\s*г(?:\.|од|ода)?)?")
_PART = re.compile(
    r"(?:[1-4IV]{1,3}\s*-?(?:й\s*)?(?:кв\.?|квартал)|Q\s?[1-4]|[1-4]Q|(?:неделя|week|kw|нед\.?)\s*\d{1,2})[\s./'-]*(?:(?:19|20)?\d{2})?"
    r"(?:\s*г(?:\.|ода?)?)?",
    re.IGNORECASE,
)


def look(head: Head, settings: Settings) -> None:
    """Refuse a table whose columns are months, quarters, years or days with numbers below, and that has no own date."""
    if {"order_date", "amount"} & set(settings.columns) or any(
        match_header(h).field == "order_date" for h in head.headers
    ):
        return
    rows = [list(head.headers), *head.sample[:_ROWS]] if head.headers is not head.title else list(head.sample[:_ROWS])
    for at, cells in enumerate(rows):
        periods = {i: period for i, c in enumerate(cells) if (period := _period(c))}
        plain = any(is_value(c) for i, c in enumerate(cells) if i not in periods and c.strip())
        sure = all(month_only(p) for p in periods.values())
        if not plain and len(set(periods.values())) >= _LEAST - sure and _numbers_below(rows[at + 1 :], list(periods)):
            raise _refused(head, [cells[i] for i in periods], across=True)
    if not any(match_header(h).field in ("client", "client_id", "legal_entity") for h in head.headers):
        down = _months_down(rows)
        if down is not None:
            raise _refused(head, down, across=False)


def _period(text: str) -> str:
    """The period that a header names: «янв.24», «Январь / Сумма», «2024», «I кв. 2024», «01.02.2024»; empty where it names none."""
    for part in text.split(" / "):
        word = " ".join(part.split())
        alone = word.split(",")[0].rstrip(".")
        if (
            month_only(word)
            or _YEAR.fullmatch(word)
            or _PART.fullmatch(word)
            or (datelike(word) and not word.isdigit() and len(word) <= 24)
        ):
            return word.lower()
        if alone.isalpha() and len(alone) <= _LONGEST and (month := month_number(alone)) is not None:
            return str(month)
    return ""


def _numbers_below(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> bool:
    cells = [c for row in rows for i in columns if i < len(row) and (c := row[i].strip())]
    numbers = sum(is_value(c) and not (datelike(c) and not c.isdigit()) for c in cells)
    return bool(cells) and numbers >= _NUMBERS * len(cells)


def _months_down(rows: Sequence[Sequence[str]]) -> list[str] | None:
    """Months of the first column where at least three columns of numbers under words of no known meaning stand beside it."""
    for at, cells in enumerate(rows[:_ROWS]):
        words = [
            i for i, c in enumerate(cells) if i and c.strip() and not is_value(c) and match_header(c).field is None
        ]
        below = [row for row in rows[at + 1 :] if row and row[0].strip()]
        months = [row[0] for row in below if _period(row[0].strip())]
        known = any(match_header(c).field is not None for c in cells[1:] if c.strip())
        enough = min(len(words), len(set(months))) >= _LEAST and len(months) >= len(below) - 1
        if enough and not known and _numbers_below(below, words):
            return months
    return None


def _refused(head: Head, periods: Sequence[str], *, across: bool) -> InputError:
    shown = ", ".join(f"«{' '.join(p.split())}»" for p in list(dict.fromkeys(periods))[:3])
    where = Text("в столбцах", "across") if across else Text("в строках", "down")
    return InputError(
        Text(
            f"Это сводная таблица, а не список заказов: периоды стоят {where.ru} ({shown} …), под ними только суммы",
            f"This is a pivot (crosstab), not a list of orders: periods stand {where.en} ({shown} …) with nothing but sums",
        ),
        where=head.name,
        todo=Text(
            "Развернуть её в заказы нельзя: сколько заказов за суммой месяца и в какие дни, в ней не видно, а на этом стоят "
            "повторные покупки и частота. Выгрузите список документов, строка на заказ: дата, номер, клиент, сумма (1С: «Продажи "
            "→ Заказы клиентов → Ещё → Вывести список»; Excel: двойной щелчок по общему итогу сводной открывает её строки) — или "
            "уберите файл",
            "It cannot be turned back into orders: how many orders stand behind the sum of a month, and on which days, it does not "
            "show, and second purchases and cadence rest on it. Export the list of documents, a row an order: date, number, "
            "client, amount (1C: Sales → Orders → More → Output list; Excel: a double click on the grand total of a pivot opens "
            "its rows), or take the file away",
        ),
    )
