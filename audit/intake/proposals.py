"""Which column a person would propose for a field that no header names: by its words first, then by its cells."""

from __future__ import annotations

import re
from collections.abc import Sequence

from audit.intake.headers import normalise_header
from audit.intake.units import of_goods
from audit.intake.values import DateRule, clean_text, parse_date, parse_number
from audit.intake.words import plain, words

__all__ = ["likely_column"]

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
        numbers = [n for t in cells if (n := parse_number(t, ",") or parse_number(t, ".")) is not None]
        most = _MOST * len(cells)
        if name == "order_date":
            if dates >= most:
                found.append((0 if _DATE.search(word) else 1, name, header))
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
