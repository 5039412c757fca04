"""What one cell says: dates, numbers, yes and no, document numbers. Pure functions of text and of rules decided before.

These functions define the meaning. The fast paths for millions of rows (`numbers`, `canonical`) apply them to distinct
values only, or take a shortcut whose equality with them is tested.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

from audit.intake.words import plain, words

__all__ = [
    "BLANKS",
    "EARLIEST_YEAR",
    "TOTAL_WORDS",
    "TYPED",
    "DateForm",
    "DateRule",
    "Order",
    "clean_text",
    "currency_mark",
    "date_form",
    "date_inside",
    "empty_date",
    "is_bare_total",
    "is_cell_error",
    "is_page_line",
    "is_subtotal",
    "is_total",
    "month_number",
    "month_only",
    "named_like_total",
    "number_marks",
    "order_number",
    "parse_date",
    "parse_flag",
    "parse_number",
    "plausible",
    "total_of",
]

BLANKS = " \t\r\n\x0b\x0c\u00a0\u202f\u2007\u2009\u200b\ufeff"
TYPED = "\ue000"
"""Put before a number that a typed cell gave, where text cells of the same column may use a decimal comma."""
EARLIEST_YEAR = 1980
"""No order of an audit is older; such a date is a slip of the keyboard."""
_LATEST_YEAR = 2200

Order = Literal["dmy", "mdy"]
Mark = Literal[".", "/", "-"]

_NUMERIC = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:\s*г(?:\.|ода?)?)?(?:[T,\s]\s*[\d: .:,TZ+\-APMapm]*)?"
)
_YMD = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?:[T\s].*)?")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:\d{6})?")
_SERIAL = re.compile(r"(\d{5})(?:[.,]\d+)?")
_QUOTES = "\"'«»„“”‘’‹›"
_WEEKDAY = (
    r"(?:(?:пн|пон|вт|ср|чт|чет|пт|пят|сб|суб|вс|воск|нед|mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)"
    r"[^\W\d_]*\.?,?\s+)?"
)
_WORDED = re.compile(
    rf"{_WEEKDAY}[{_QUOTES}]?\s*(\d{{1,2}})\s*[{_QUOTES}]?(?:-?(?:го|е|ое)\b|st\b|nd\b|rd\b|th\b)?[\s./-]*"
    r"(?:(?:de|of|d')\s+)?([^\W\d_]+)\.?[\s.,/-]*(?:(?:de|del)\s+)?(\d{4}|\d{2})(?:\s*(?:г|года?|р|року|ж|жылы?)\b\.?)?"
    r"(?:[,T\s].*)?",
    re.IGNORECASE,
)
_WORDED_US = re.compile(
    rf"{_WEEKDAY}([A-Za-z]+)\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})(?:[,T\s].*)?", re.IGNORECASE
)
_WORDED_YEAR = re.compile(
    r"(\d{4})(?:\s*(?:г|года?)\b\.?)?[\s,./-]+(?:(\d{1,2})[\s.]*([^\W\d_]+)|([^\W\d_]+)[\s./-]*(\d{1,2}))\.?",
    re.IGNORECASE,
)
"""«2024 г., 9 января», «2024-Jan-09»."""
_BESIDE_DATE = re.compile(
    rf"{_WEEKDAY}(?:(?:от|dated|vom)\s+)?(\d{{1,4}}([./-])\d{{1,2}}\2\d{{1,4}})(?:\s*г\.)?(?:\s*\([^\W\d_]+\.?\))?",
    re.IGNORECASE,
)
"""A weekday, or «от», beside a date in figures: «Вт 09.01.2024», «09.01.2024 (вт)»."""
_MONTH_ONLY = re.compile(r"([^\W\d_]{3,})\.?[\s./-]*(\d{4}|\d{2})(?:\s*(?:г|года?)\b\.?)?", re.IGNORECASE)
_MONTH_NUMBER = re.compile(
    r"(?P<month>0?[1-9]|1[0-2])[./-](?P<year>(?:19|20)\d\d)|(?P<year2>(?:19|20)\d\d)[./-](?P<month2>0[1-9]|1[0-2])"
)
"""«01.2023», «2023-01»."""
_YEAR_FIRST = re.compile(r"(\d{4})[\s./-]*(?:г\.?,?\s*+)?([^\W\d_]{3,})\.?", re.IGNORECASE)
_MONTHS = {
    stem: month
    for month, stems in enumerate(
        (
            "янв jan ene gen січ sty oca",
            "фев feb fév fev лют lut şub",
            "мар mar mär mrz бер",
            "апр apr abr avr кві kwi nis",
            "май мая may mai maj mag тра",
            "июн jun juin giu чер cze haz",
            "июл jul juil lug лип lip tem",
            "авг aug ago aoû aou сер sie ağu",
            "сен sep set вер wrz eyl",
            "окт oct okt ott out жов paź eki",
            "ноя nov лис lis kas",
            "дек dec dez dic déc гру gru ara",
        ),
        1,
    )
    for stem in stems.split()
}
"""How the names of the months begin: Russian, English, German, Spanish, Italian, French, Portuguese, Ukrainian, Polish, Turkish."""


_SPELT = ((_WORDED, 1, 2, 3), (_WORDED_US, 2, 1, 3), (_WORDED_YEAR, 2, 3, 1), (_WORDED_YEAR, 5, 4, 1))
"""Dates whose month is a word: pattern, and where day, month and year stand in it."""


def month_number(word: str) -> int | None:
    """Return the month that a word names, shortened or not; None where it names none."""
    low = word.lower()
    return _MONTHS.get(low[:4]) or _MONTHS.get(low[:3])


_EPOCH = dt.date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 29221, 73050  # 1980-01-01 … 2099-12-31


_CELL_ERRORS = frozenset(
    {
        "#div/0!",
        "#дел/0!",
        "#n/a",
        "#н/д",
        "#name?",
        "#имя?",
        "#null!",
        "#пусто!",
        "#num!",
        "#число!",
        "#ref!",
        "#ссылка!",
        "#value!",
        "#знач!",
        "#getting_data",
        "#error",
        "#spill!",
        "#calc!",
    }
)


def is_cell_error(text: str | None) -> bool:
    """Whether a cell holds a spreadsheet's error instead of a value."""
    return bool(text) and text is not None and text.strip(BLANKS).lower() in _CELL_ERRORS


def clean_text(text: str | None) -> str | None:
    """Return a cell's text without blanks at its ends, no-break blanks as blanks.

    A mark of emptiness («—», «<Не указан>») and a spreadsheet's error give None.
    """
    if not text:
        return None
    value = text.strip(BLANKS + TYPED)
    if not value:
        return None
    if "\u00a0" in value or "\u202f" in value:
        value = value.replace("\u00a0", " ").replace("\u202f", " ")
    # Most short texts are numbers and codes; no mark of emptiness is made of digits alone.
    if (
        len(value) <= 14
        and not value.isdecimal()
        and (plain(value) in words().empty or (value[0] == "#" and is_cell_error(value)))
    ):
        return None
    return value


@dataclass(frozen=True, slots=True)
class DateForm:
    """What a date cell shows about its order: the mark between its parts, its first and second number."""

    mark: Mark
    first: int
    second: int


def date_form(text: str) -> DateForm | None:
    """Return the form of «01.02.2024», «1/2/24 10:11»; None for dates that leave no doubt and for other text."""
    found = _NUMERIC.fullmatch(text)
    if found is None and (beside := _BESIDE_DATE.fullmatch(text)) is not None:
        found = _NUMERIC.fullmatch(beside[1])
    if found is None:
        return None
    mark: Mark = "." if found[2] == "." else "/" if found[2] == "/" else "-"
    return DateForm(mark, int(found[1]), int(found[3]))


@dataclass(frozen=True, slots=True)
class DateRule:
    """How the dates of one file are read: day or month first per mark, and a pattern of ``strptime`` if one is set."""

    order: Mapping[str, Order] = field(default_factory=dict)
    pattern: str | None = None
    months: bool = False
    """Whether the dates name a month and no day: «янв.23» is its first."""
    swapped: bool = False
    """Whether a spreadsheet took the month for the day in its true dates, which come as ISO."""


def _date(year: int, month: int, day: int) -> dt.date | None:
    if year < 100:
        year += 2000 if year < 70 else 1900
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def parse_date(text: str, rule: DateRule) -> dt.date | None:
    """Return the calendar day of a cell; None where it is not a date. The time of day is dropped.

    Understood: ISO, yyyymmdd, dd.mm.yyyy and its kin with any mark, two-digit years (70–99 are 19xx), Excel serials,
    «1 февраля 2024 г.», ««09» января 2024 года», «Feb 1, 2024», «Вт 09.01.2024».
    """
    value = text.strip(BLANKS + TYPED)
    if rule.pattern is not None:
        try:
            return dt.datetime.strptime(value, rule.pattern).date()
        except ValueError:
            pass
    found = _YMD.fullmatch(value)
    if found:
        month, day = int(found[2]), int(found[3])
        return _date(int(found[1]), *((day, month) if rule.swapped and day <= 12 else (month, day)))
    found = _NUMERIC.fullmatch(value)
    if found:
        first, second = int(found[1]), int(found[3])
        day, month = (first, second) if rule.order.get(found[2], "dmy") == "dmy" else (second, first)
        return _date(int(found[4]), month, day)
    found = _COMPACT.fullmatch(value)
    if found:
        return _date(int(found[1]), int(found[2]), int(found[3]))
    found = _SERIAL.fullmatch(value)
    if found:
        serial = int(found[1])
        return _EPOCH + dt.timedelta(days=serial) if _FIRST_SERIAL <= serial <= _LAST_SERIAL else None
    for pattern, day_at, month_at, year_at in _SPELT:
        found = pattern.fullmatch(value)
        if found and (month_named := month_number(found[month_at] or "")) is not None:
            return _date(int(found[year_at]), month_named, int(found[day_at]))
    found = _BESIDE_DATE.fullmatch(value)
    if found and found[1] != value:
        return parse_date(found[1], replace(rule, pattern=None))
    if rule.months and (named := _month_of(value)) is not None:
        return _date(*named, 1)
    return None


def _month_of(value: str) -> tuple[int, int] | None:
    """Year and month of a cell that names no day: «янв.23», «01.2023», «2023 январь»."""
    found = _MONTH_NUMBER.fullmatch(value)
    if found:
        return int(found["year"] or found["year2"]), int(found["month"] or found["month2"])
    found = _MONTH_ONLY.fullmatch(value)
    if found and (month := month_number(found[1])):
        return int(found[2]), month
    found = _YEAR_FIRST.fullmatch(value)
    month = month_number(found[2]) if found else None
    return (int(found[1]), month) if found and month else None


def month_only(text: str) -> bool:
    """Whether a cell names a month of a year and no day: «янв.23», «March 2024», «2024-03», «03.2024»."""
    return _month_of(text.strip(BLANKS)) is not None


def empty_date(text: str | None) -> bool:
    """Whether a cell says «no date»: blank, 01.01.0001, 30.12.1899, «не закрыта»."""
    value = clean_text(text)
    if value is None:
        return True
    return plain(value) in words().empty_date or not any(c.isalnum() for c in value)


_CURRENCY = (
    r"(?:руб(?:лей|ля|ль|\.)?|р\.|р|₽|rub|rur|usd|us\$|eur(?:os?)?|евро|долл(?:ар(?:ов|а)?)?\.?|дол\.?|dollars?|cny|rmb|kzt|тенге|тг\.?"
    r"|byn|br|бел\. ?руб\.?|uah|грн\.?|гривен|gbp|chf|pln|zł|czk|kč|inr|rs\.?|try|tl|brl|r\$|aed|jpy|kgs|сом|uzs|сум|amd|gel|azn"
    r"|cad|c\$|ca\$|aud|a\$|au\$|sek|nok|dkk|huf|ron|sgd|hkd|\$|€|¥|₸|£|₴|₹|₺|₾|₼|֏)"
)
_UNIT = rf"(?:{_CURRENCY}|%|шт\.?|кг\.?|ед\.?)"
_TIMES: Mapping[str, int] = {
    "тыс": 10**3,
    "тис": 10**3,
    "k": 10**3,
    "к": 10**3,
    "tsd": 10**3,
    "thousand": 10**3,
    "млн": 10**6,
    "mln": 10**6,
    "mio": 10**6,
    "million": 10**6,
    "млрд": 10**9,
    "bn": 10**9,
}
"""Words behind a number that multiply it: «100,5 тыс. руб.»."""
_DEBIT = frozenset({"dr", "дт"})
_THIN = r"\s\u00a0\u202f\u2007\u2009'’`"
_NUMBER = re.compile(
    rf"(?P<open>\()?\s*+(?P<sign>[-−–—‑+])?\s*+(?:(?P<before>{_UNIT})\s*+(?:[$€£₽¥₸]\s*+)?)?(?P<sign2>[-−–—‑])?\s*+"
    rf"(?P<body>\d(?:[{_THIN}]?[\d.,])*|[.,]\d+)(?P<exp>[eE][-+]?\d{{1,3}})?"
    rf"(?:\s*+(?P<times>{'|'.join(_TIMES)})\b\.?)?\s*+(?P<after>{_UNIT})?\.?\s*+(?P<close>\))?"
    r"\s*+(?P<tail>[-−–]|(?:cr|dr|кт|дт)\b\.?)?",
    re.IGNORECASE,
)
_SPELT_SUM = re.compile(
    rf"(?P<open>\()?\s*+(?P<sign>[-−–—‑+])?\s*+(?P<before>{_CURRENCY}\s*+)?(?P<whole>\d{{1,3}}(?:[.,{_THIN}]\d{{3}})+|\d+)\s*+"
    rf"(?:[.,]\s?[-–—]{{1,2}}|=(?P<c1>\d\d)?|[-–—‑](?P<c2>\d\d)|(?P<unit>{_CURRENCY})\s*+(?P<c3>\d{{1,2}})\s*+"
    r"(?:коп(?:еек|ейк[аи])?|к|центов|цент|тиын|cents?|ct|gr|groszy)\.?|(?P<unit2>"
    rf"{_CURRENCY})\s*+(?P<c4>\d\d))\s*+(?P<after>{_CURRENCY})?\s*+(?P<close>\))?",
    re.IGNORECASE,
)
"""Hundredths written apart, or said to be none: «10763 руб. 05 коп.», «10 763-05», «10763=», «10.763,-», «12 € 50»."""
_DASHES = frozenset({"-", "−", "–"})
_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d*)?")
"""«10,00,000.00»: lakhs and crores."""
_OWN_MARK = re.compile(r"\d*[.,](?:\d{1,2}|\d{4,})")
"""«107950.40»: one mark that cannot stand between thousands separates the fraction, whatever it is elsewhere."""
_BLANK_GROUPS = re.compile(rf"\d{{1,3}}(?:[{_THIN}]\d{{3}})+(?:[.,][\d.,]*)?")
_STEP = Decimal("0.0001")
_LIMIT = Decimal("99999999999999.9999")


def _ungrouped(body: str) -> str | None:
    """Return the digits and marks without blanks between thousands; None where the blanks stand elsewhere."""
    bare = re.sub(rf"[{_THIN}]", "", body)
    return bare if bare == body or _BLANK_GROUPS.fullmatch(body) else None


def _match(value: str, decimal: str) -> re.Match[str] | None:
    """Take a number apart; one whose hundredths stand apart is written the plain way first."""
    found = _NUMBER.fullmatch(value)
    if found is None or (found["tail"] in _DASHES and found["body"][-1] in ".,"):
        return _NUMBER.fullmatch(_spelt_out(value, decimal))
    return found


def _spelt_out(value: str, decimal: str) -> str:
    """Return an amount whose hundredths stand apart in the plain way: «10763 руб. 05 коп.» as «10763.05 руб.»."""
    found = _SPELT_SUM.fullmatch(value)
    if found is None:
        return value
    whole = re.sub(rf"[.,{_THIN}]", "", found["whole"])
    part = next((c for c in found.group("c1", "c2", "c3", "c4") if c), "0").zfill(2)
    unit = next((u for u in found.group("before", "unit", "unit2", "after") if u), "").strip()
    return f"{found['open'] or ''}{found['sign'] or ''}{whole}{decimal}{part} {unit}{found['close'] or ''}"


def parse_number(text: str, decimal: Literal[".", ","], unit: Decimal = Decimal(1)) -> Decimal | None:
    """Return the number of a cell, times ``unit``, rounded half up to four places; None where it is not one.

    Hundredths may stand apart («10 руб. 50 коп.», «10-50»). Blanks, apostrophes and the other mark group thousands;
    brackets and any kind of minus make it negative; a currency word or a percent sign beside it is dropped, «тыс.»
    multiplies, a debit («Dr») counts negative beside credits.
    The other mark must stand between groups of three, or as in India; one that cannot separates the fraction.
    """
    value = text.strip(BLANKS).removeprefix("'")
    if value.startswith(TYPED):
        value, decimal = value[1:], "."
    found = _match(value, decimal)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    body = _ungrouped(found["body"])
    if body is None:
        return None
    if _INDIAN.fullmatch(body):
        body, decimal = body.replace(",", ""), "."
    if _OWN_MARK.fullmatch(body):
        decimal = "," if "," in body else "."
    other = "," if decimal == "." else "."
    whole, _, part = body.partition(decimal)
    if decimal in part or other in part:
        if other not in part and re.fullmatch(rf"\d{{1,3}}(?:\{decimal}\d{{3}})+", body):
            # «1.234.567» where the point is the decimal mark elsewhere: two of them can only group thousands.
            whole, part = body.replace(decimal, ""), ""
        else:
            return None
    if other in whole:
        if not re.fullmatch(rf"\d{{1,3}}(?:\{other}\d{{3}})+", whole):
            return None
        whole = whole.replace(other, "")
    try:
        number = Decimal(f"{whole or '0'}.{part or '0'}{found['exp'] or ''}") * unit
        number *= _TIMES.get((found["times"] or "").lower(), 1)
        if abs(number) > _LIMIT:
            return None
        number = number.quantize(_STEP, ROUND_HALF_UP)
    except InvalidOperation:
        return None
    tail = (found["tail"] or "").lower().rstrip(".")
    back = tail in _DEBIT or (tail and not tail.isalpha())
    negative = (found["sign"] or "+") != "+" or found["sign2"] or back or found["open"]
    return -number if negative else number


def number_marks(text: str) -> str | None:
    """Return what a cell proves about the decimal mark: «,», «.», «3,» or «3.» (three digits after one mark), None.

    A mark repeated, or the first of two kinds, groups thousands; the last of two kinds is the decimal mark.
    """
    value = text.strip(BLANKS)
    if value.startswith(TYPED):
        return None
    found = _NUMBER.fullmatch(value.removeprefix("'"))
    if found is None or (found["tail"] in _DASHES and found["body"][-1] in ".,"):
        return None
    body = _ungrouped(found["body"])
    if body is None:
        return None
    if _INDIAN.fullmatch(body):
        return "."
    commas, dots = body.count(","), body.count(".")
    if not commas and not dots:
        return None
    if commas and dots:
        last = max(body.rfind(","), body.rfind("."))
        return body[last] if body.count(body[last]) == 1 else None
    mark = "," if commas else "."
    if commas + dots > 1:
        grouped = re.fullmatch(rf"\d{{1,3}}(?:\{mark}\d{{3}})+", body)
        return None if grouped is None else "." if mark == "," else ","
    digits = len(body) - body.find(mark) - 1
    return f"3{mark}" if digits == 3 and 1 <= body.find(mark) <= 3 else mark


def currency_mark(text: str) -> str | None:
    """Return the currency word or sign beside a number, None where there is none."""
    found = _match(text.strip(BLANKS).removeprefix("'"), ".")
    if found is None:
        return None
    return next((m for m in (found["before"], found["after"]) if m and re.fullmatch(_CURRENCY, m, re.IGNORECASE)), None)


def parse_flag(text: str | None) -> bool:
    """Return whether a flag is set: any text, date, sum or 1 says yes; empty, 0, «0,00 ₽», «нет», «—» say no."""
    value = clean_text(text)
    return (
        value is not None
        and plain(value) not in words().no
        and parse_number(value, ",") != 0 != parse_number(value, ".")
    )


_OF_DATE = re.compile(
    r"(?<![^\s№])([^\s№]+)\s+(?:от|dated|of|from)\s+(\d{1,2}[\s./-].*|\d{4}-.*)\Z", re.IGNORECASE | re.DOTALL
)


def order_number(text: str) -> str:
    """Return the number of «Заказ клиента 0000-000123 от 01.02.2024 10:11:12», else the cell without «№»."""
    found = _OF_DATE.search(text)
    if found:
        return found[1]
    return text[1:].strip() or text if text.startswith("№") else text


def date_inside(text: str) -> str | None:
    """Return the date part of «Заказ клиента 0000-000123 от 01.02.2024 10:11:12», None where there is none."""
    found = _OF_DATE.search(text)
    return found[2] if found else None


_TOTAL = re.compile(
    r"\W*(общий итог|итоги|итого|итог|всего|grand total|totals?|sub-?total|"
    r"все продажи|все заказы|all sales|all orders|sous-total|(?:zwischen|gesamt)summe|summe|gesamt|razem|"
    r"toplam|разом|усього)(?![а-яёa-z])(.*)",
    re.IGNORECASE | re.DOTALL,
)
TOTAL_WORDS = (
    r"(?i)итог|всего|все продажи|все заказы|all sales|all orders|total|summe|gesamt|razem|toplam|разом|усього|^\*+$"
)
"""A text without one of these is no total: a quick look at many."""
_SUBTOTAL = re.compile(
    r"\W*((итого|всего|итог)\s+(по|за|на|для|у)\s.*|sub-?total.*|sous-total.*|zwischensumme.*|total\s+(for|by)\s.*)",
    re.IGNORECASE | re.DOTALL,
)
_STARS = re.compile(r"\*{1,6}")
"""SAP marks its totals so, a star a level."""
_LAST_TOTAL = re.compile(r"(.*[^\s–—-])[\s–—-]+(итог|total|totals|ergebnis|gesamt)", re.IGNORECASE)
_FORM = re.compile(
    r"(?<!\w)(ооо|оао|зао|пао|ао|ип|тоо|чп|тд|гк|llc|ltd|inc|corp|gmbh|plc|se|sa|s\.a\.|ag|bv|srl|oy|ab)(?!\w)",
    re.IGNORECASE,
)
_PAGE = re.compile(
    r"\W*(страница|стр|лист|page|seite|página|strona|sayfa)\b\W*\d+(\s*(из|of|von|de|z|/)\s*\d+)?\W*", re.IGNORECASE
)


def is_total(text: str) -> bool:
    """Whether a row that begins so is a total, not an order: «Итого», «Всего за март», no company («Итог ООО»)."""
    return bool(_STARS.fullmatch(text)) or (bool(_TOTAL.fullmatch(text)) and not named_like_total(text))


def named_like_total(text: str) -> bool:
    """Whether a text begins like a total and goes on like the name of a company: «Всего Хорошего ООО», «Total SE»."""
    found = _TOTAL.fullmatch(text)
    if found is None or is_subtotal(text) or found[2].lstrip()[:1] in ("-", "–", "—", ":"):
        return False
    form = _FORM.search(found[2])
    return form is not None and (found[1].lower() != "итого" or not found[2][form.end() :].strip(' .,"»”'))


def is_bare_total(text: str) -> bool:
    """Whether a text is a total beyond doubt: the word alone, or what it is of («Итого за день», «Всего: 5»)."""
    found = _TOTAL.fullmatch(text)
    if _STARS.fullmatch(text):
        return True
    return found is not None and (is_subtotal(text) or not any(c.isalpha() for c in found[2]))


def is_subtotal(text: str) -> bool:
    """Whether a total is of a part: «Итого по …»."""
    return bool(_SUBTOTAL.fullmatch(text))


def total_of(text: str) -> str | None:
    """Return what a text is the total of: «Total Alpha LLC», «Итого - Альфа», «ООО Альфа Итог»; None where it is none."""
    last = _LAST_TOTAL.fullmatch(text)
    if last is not None:
        return last[1].strip()
    found = _TOTAL.fullmatch(text)
    return found[2].strip(" -–—:") or None if found is not None else None


def is_page_line(text: str) -> bool:
    """Whether a text counts the pages of a printed report: «Страница 2 из 3»."""
    return bool(_PAGE.fullmatch(text))


def plausible(day: dt.date) -> bool:
    """Whether a date can belong to an order at all."""
    return EARLIEST_YEAR <= day.year <= _LATEST_YEAR
