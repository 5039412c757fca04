"""Which column a person would propose for a field that no header names: by its words first, then by its cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from audit.errors import Text
from audit.intake.headers import match_header, normalise_header
from audit.intake.units import of_goods
from audit.intake.values import DateRule, clean_text, month_number, month_only, parse_date, parse_number
from audit.intake.words import plain, words

__all__ = ["OTHER_DAYS", "all_first_of_month", "likely_column", "what_is_lost", "without_year"]

_CLIENT = re.compile(
    r"\b(client|customer|company|buyer|account|purchaser|partner|debtor|клиент\w*|покупател\w*|заказчик\w*|контрагент\w*|фирм\w*"
    r"|компани\w*|партн[её]р\w*|kunde\w*|debitor\w*|cliente|abnehmer|organi[sz]ation|организаци\w*|предприяти\w*|плательщик\w*)\b"
)
_NO_CLIENT = re.compile(
    r"\b(country|страна|land|city|город|region|регион|область|state|status|статус|stage|стадия|этап|manager|менеджер|user|owner"
    r"|seller|продавец|employee|сотрудник|rep|currency|валюта|type|тип|вид|kind|channel|канал|source|источник|warehouse|склад"
    r"|product|товар|item|номенклатура|артикул|sku|title|unit|ед|description|описание|comment|комментарий|address|адрес|segment"
    r"|order|заказ|deal|сделка|document|документ|number|номер|date|дата|phone|телефон|e ?mail|department|отдел|supplier|поставщик"
    r"|quantity|количество|category|категория|contact|контакт)\b|[№]"
)
_AMOUNT = re.compile(
    r"\b(amount|sum|total|revenue|sales|value|turnover|dollars|сумм\w*|выручк\w*|стоимост\w*|итог\w*|оборот\w*|betrag|umsatz|importe)\b"
)
_NO_AMOUNT = re.compile(
    r"\b(инн|кпп|огрн|код|номер|id|code|number|no|phone|телефон|индекс|год|месяц|year|month|day|день|cost|costs|cogs"
    r"|себестоимост\w*|закуп\w*|price|цена|цены|preis|margin|маржа|прибыль|profit|vat|ндс|tax|налог|discount|скидка|qty|quantity"
    r"|количество|кол|menge|units?|stock|остат\w*|weight|вес|freight|доставка|level|reports|percent|share|доля|rate|курс|долг"
    r"|оплачено|paid|payment|оплата|balance|сальдо|план|plan|budget)\b|[№%]"
)
_DATE = re.compile(r"\b(order|заказ\w*|document|документ\w*|created|создан\w*|sale|продаж\w*|date|дата|datum)\b")
_MOST = 0.8
_MONTH = re.compile(r"\b(месяц\w*|month|monat|mes|mois|місяць)\b")
_PERIOD = re.compile(r"\b(период|period|zeitraum)\b")
_PAID = re.compile(r"оплат|платеж|\b(?:payment|paid|zahlung)")
_LEAST_MONTHS = 3
OTHER_DAYS: Mapping[str, Text] = {
    "close_date": Text("закрытия сделки", "on which the deal was closed"),
    "shipped_date": Text("отгрузки", "of dispatch"),
    "delivered_date": Text("доставки", "of delivery"),
    "promised_date": Text("отгрузки", "of dispatch"),
    "requested_date": Text("желаемой отгрузки", "asked for"),
}
"""Fields that hold another day of the sale: proposed for its date where the file has no other."""


def likely_column(
    name: str, columns: Sequence[tuple[str, Sequence[str]]], taken: Sequence[int]
) -> tuple[str, str] | None:
    """Return field and header of the column that a person would propose; None where none looks like it.

    ``columns``: header and first cells of each. A sum is numbers that are no codes, costs, prices or quantities; a date is
    dates; a client is whoever the header says, else texts that repeat, or codes of eight digits or more. Never a column in
    which every cell differs, that says yes and no, or a country.
    """
    found: list[tuple[float, str, str]] = []
    for at, (header, raw) in enumerate(columns):
        cells = [clean for t in raw if (clean := clean_text(t)) is not None]
        if at in taken or not header or not cells:
            continue
        word = normalise_header(header)[0]
        dates = sum(not t.isdigit() and parse_date(t, DateRule()) is not None for t in cells)
        months = sum(map(month_only, cells))
        numbers = [n for t in cells if (n := parse_number(t, ",") or parse_number(t, ".")) is not None]
        most = _MOST * len(cells)
        if name == "order_date":
            if dates >= most:
                other = _MONTH.search(word) or match_header(header).field in OTHER_DAYS
                found.append((2 if other else 0 if _DATE.search(word) else 1, name, header))
            elif months >= most and (_MONTH.search(word) or _DATE.search(word) or _PERIOD.search(word)):
                found.append((3, name, header))
        elif name == "amount":
            codes = sum(t.isdigit() and len(t) >= 8 for t in cells)
            if (
                len(numbers) >= most
                and dates < most
                and codes < most
                and not _NO_AMOUNT.search(word)
                and not of_goods(header)
            ):
                typical = float(sorted(abs(n) for n in numbers)[len(numbers) // 2])
                if _AMOUNT.search(word):
                    found.append((-typical - 1e15, name, header))
                elif len(set(numbers)) > min(3, len(numbers) - 1) and max(numbers) >= 10:  # no flags, no list of kinds
                    found.append((-typical, name, header))
        else:
            rank = _client_rank(word, cells, dates >= most)
            if rank is not None:
                coded = sum(t.isdigit() and len(t) >= 8 for t in cells) >= most
                found.append((rank, "client_id" if coded else "client", header))
    return min(found)[1:] if found else None


def what_is_lost(header: str, raw: Sequence[str]) -> Text | None:
    """What an audit cannot tell where this column has to serve as the date of the order; None for a plain date."""
    cells = [clean for t in raw if (clean := clean_text(t)) is not None]
    if all_first_of_month(header, cells) or sum(map(month_only, cells)) >= _MOST * len(cells) > 0:
        return Text(
            f"В «{header}» только месяц, дня нет: несколько заказов клиента за месяц сольются в один, поэтому вторую покупку в том "
            "же месяце, частоту чаще раза в месяц и сроки заказов оценить нельзя",
            f"“{header}” holds a month and no day: several orders of a client in a month become one, so a second purchase within "
            "the month, a cadence of less than a month and the days an order takes cannot be assessed",
        )
    paid = Text("оплаты", "of payment") if _PAID.search(normalise_header(header)[0]) else None
    other = paid or OTHER_DAYS.get(match_header(header).field or "")
    if other is None:
        return None
    return Text(
        f"«{header}» — день {other.ru}, а не заказа: месяц продажи может сдвинуться, а сроки от заказа до этого дня оценить нельзя",
        f"“{header}” is the day {other.en}, not that of the order: the month of a sale may shift, and the days from the order to "
        "it cannot be assessed",
    )


def all_first_of_month(header: str, texts: Sequence[str]) -> bool:
    """Whether a column that says it holds months or periods gives the first of several of them and no other day."""
    word = normalise_header(header)[0]
    if not texts or not (_MONTH.search(word) or _PERIOD.search(word)):
        return False
    days = {parse_date(t, DateRule()) for t in texts}
    return len(days) >= _LEAST_MONTHS and all(day is not None and day.day == 1 for day in days)


def without_year(columns: Sequence[tuple[str, Sequence[str]]]) -> str | None:
    """Header of a column of months that name no year; None where there is none."""
    for header, raw in columns:
        cells = [clean for t in raw if (clean := clean_text(t)) is not None]
        if not cells or not header:
            continue
        named = sum(month_number(t) is not None and len(t) <= 12 and t.isalpha() for t in cells)
        numbered = (
            sum(t.isdigit() and 1 <= int(t) <= 12 for t in cells) if _MONTH.search(normalise_header(header)[0]) else 0
        )
        if max(named, numbered) >= _MOST * len(cells):
            return header
    return None


def _client_rank(word: str, cells: Sequence[str], dates: bool) -> float | None:
    """How well a column may name clients, lower is better; None where it cannot."""
    distinct = set(cells)
    flags = {plain(t) for t in distinct} <= words().yes | words().no
    unique = len(distinct) == len(cells) > 1
    if dates or flags:
        return None
    if _CLIENT.search(word):
        return 0.5 if unique else 0.0
    if unique or _NO_CLIENT.search(word):
        return None
    letters = sum(any(x.isalpha() for x in t) for t in cells) >= _MOST * len(cells)
    codes = sum(t.isdigit() and len(t) >= 8 for t in cells) >= _MOST * len(cells)
    return 1.0 + 1.0 / len(distinct) if letters else 3.0 if codes else None
