"""Accounting registers: account cards, turnover sheets, journals. They list postings, not orders."""

from __future__ import annotations

import re

from audit.errors import InputError, Text
from audit.intake.headers import normalise_header
from audit.intake.traps import Head
from audit.settings import Settings

__all__ = ["look"]

_NAMES = re.compile(
    r"карточк\w{0,9} (?:сч[её]та|субконто)|анализ (?:сч[её]та|субконто)|оборотно\W?сальдов|\bосв\b|обороты сч[её]та|журнал\W?ордер"
    r"|журнал проводок|отч[её]т по проводкам|главная книга|акт сверки|general ledger|account (?:card|ledger|statement|analysis)"
    r"|trial balance|journal entries|ledger entries|statement of account|kontoauszug|kontenblatt|saldenliste|summen und salden",
    re.IGNORECASE,
)
_DEBIT = re.compile(r"\b(дебет|дт|debit|dr|soll|d[ée]bit|debe)\b")
_CREDIT = re.compile(r"\b(кредит|кт|credit|cr|haben|cr[ée]dit|haber)\b")
_BALANCE = re.compile(
    r"^\W*(сальдо (на|началь|конеч)|входящее сальдо|исходящее сальдо|обороты за|opening balance|closing balance"
    r"|balance (brought|carried)|anfangsbestand|saldovortrag)",
    re.IGNORECASE,
)


def look(head: Head, settings: Settings) -> None:
    """Refuse a register: both debit and credit among the headers, and a title or a balance row that says what it is.

    Debit and credit alone suffice where no column of amounts stands beside them.
    """
    if "amount" in settings.columns:
        return
    words = [normalise_header(h)[0] for h in head.headers]
    both = any(_DEBIT.search(w) for w in words) and any(_CREDIT.search(w) for w in words)
    title = next((t for t in (*head.title, head.sheet or "", head.name) if _NAMES.search(t)), None)
    cells = [c for row in head.sample for c in row if c]
    balance = next((c for c in cells if _BALANCE.search(c)), None)
    if not (both and (title or balance or not any(w in _AMOUNTS for w in words))) and not (title and balance):
        return
    shown = (title or balance or " | ".join(h for h in head.headers if h)).strip()[:80]
    raise InputError(
        Text(
            f"Это бухгалтерский регистр, а не список заказов («{shown}»): в нём проводки по дебету и кредиту, отгрузки стоят "
            "вместе с оплатами",
            f"This is an accounting register (account card, ledger: debit and credit), not a list of orders (“{shown}”): "
            "sales stand there among payments",
        ),
        where=head.name,
        todo=Text(
            "Выгрузите список заказов или реализаций («Продажи → Реализация → Ещё → Вывести список»). Если сумма заказа "
            'в этом файле всё же есть, назовите её столбец: [columns] amount = "…"',
            "Export the list of orders or sales documents instead. If the amount of an order does stand in this file, "
            'name its column: [columns] amount = "…"',
        ),
    )


_AMOUNTS = frozenset(
    {"сумма", "сумма документа", "сумма заказа", "выручка", "amount", "revenue", "total", "betrag", "umsatz"}
)
