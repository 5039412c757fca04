"""How numbers, money, dates and counted words are written in Russian and in English.

Every method takes what JSON can hold (int, float, ISO date string, None) as well as dates and NumPy scalars, and
returns a plain string. A value that is missing, not a number or infinite is written «—». Spaces inside a figure are
no-break spaces (U+00A0), the minus sign is U+2212, a range has an en dash.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from babel import Locale, dates, numbers

from audit.errors import Lang
from audit.model.result import Metric

__all__ = ["DASH", "MINUS", "NBSP", "Fmt", "slug"]

NBSP = "\u00a0"
MINUS = "\u2212"
DASH = "—"

_LOCALES: dict[Lang, str] = {"ru": "ru", "en": "en_GB"}
_SYMBOLS = {"RUB": "₽", "USD": "$", "EUR": "€", "GBP": "£", "KZT": "₸", "UAH": "₴"}
"""Signs that the report's type face has; any other currency is written by its code."""
_PREFIXED = frozenset({"USD", "EUR", "GBP"})
"""Currencies whose sign stands before the figure in English; others are written by code, as in “RUB 12.4m”."""
_SCALES: tuple[tuple[float, dict[Lang, str]], ...] = (
    (1e12, {"ru": "трлн", "en": "trn"}),
    (1e9, {"ru": "млрд", "en": "bn"}),
    (1e6, {"ru": "млн", "en": "m"}),
    (1e3, {"ru": "тыс.", "en": "k"}),
)
_WORDS: dict[str, dict[Lang, tuple[str, ...]]] = {
    "day": {"ru": ("день", "дня", "дней"), "en": ("day", "days")},
    "fte": {"ru": ("ставка", "ставки", "ставок"), "en": ("FTE", "FTE")},
}


@lru_cache(maxsize=4)
def _locale(name: str) -> Locale:
    return Locale.parse(name)


_BEYOND = 1e24
"""No client has such a figure; a damaged one must not stop the report."""


def _number(value: Any) -> float | None:
    """Return the value as a float, or None for everything that is not a figure (NaN and infinity among it)."""
    if value is None or isinstance(value, str | bool):
        return None
    try:
        x = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return x if abs(x) < _BEYOND else None


def _whole(value: Any) -> dt.date | None:
    """Return the value as a date, or None."""
    if isinstance(value, dt.datetime):
        return None if value != value else value.date()  # NaT is not equal to itself
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value[:10])
        except ValueError:
            return None
    return None


def _tidy(text: str) -> str:
    return text.replace("\u202f", NBSP).replace("-", MINUS)


@dataclass(frozen=True)
class Fmt:
    """Writes figures in one language and one currency."""

    lang: Lang = "ru"
    currency: str = "RUB"
    """Code of the currency; empty where nobody knows it, then money stands without a sign."""

    # --- numbers

    def num(self, value: Any, digits: int = 0, *, trim: bool = False) -> str:
        """Write a number with ``digits`` decimals: «1 234,5»; ``trim`` drops trailing zeros."""
        x = _number(value)
        if x is None:
            return DASH
        places = ("#" if trim else "0") * digits
        x = round(x, digits) + 0.0  # no «−0»
        text = numbers.format_decimal(x, format="#,##0" + ("." + places if digits else ""), locale=_LOCALES[self.lang])
        return _tidy(text)

    def percent_sign(self) -> str:
        """Return the percent sign with the space that the language puts before it."""
        return NBSP + "%" if self.lang == "ru" else "%"

    def share(self, value: Any, digits: int | None = None, *, against: Any = None) -> str:
        """Write a share 0–1 as a percentage: «61 %».

        Without ``digits``: one decimal below 10 %, none above; a share that would round to 0 or 100 % without being it
        keeps a decimal («99,7 %», «< 0,1 %»). ``against``: a norm or threshold the share is compared with; if rounding
        would make the two look equal, a decimal is added.
        """
        x = _number(value)
        return DASH if x is None else self._percent(x, self._digits(x, digits, against)) + self.percent_sign()

    def _digits(self, x: float, digits: int | None, against: Any = None) -> int:
        if digits is None:
            size = abs(x) * 100
            edge = 0 < size < 0.5 or 99.5 <= size < 100
            # «5 %», not «5,0 %»; but never a bare «0 %» or «100 %» that is not one
            digits = 1 if edge or (size < 9.95 and round(size, 1) != round(size)) else 0
        norm = _number(against)
        while norm is not None and x != norm and digits < 2 and round(x * 100, digits) == round(norm * 100, digits):
            digits += 1
        return digits

    def _percent(self, x: float, digits: int) -> str:
        shown = round(x * 100, digits)
        if x > 0 and shown == 0:
            return "<" + NBSP + self.num(10.0**-digits, digits)
        if 0 < 1 - x < 0.005 and shown == 100:
            return ">" + NBSP + self.num(100 - 10.0**-digits, digits)
        return self.num(shown, digits)

    def share_interval(self, low: Any, high: Any, digits: int | None = None) -> str:
        """Write an interval of shares with one percent sign: «57–65 %»."""
        a, b = _number(low), _number(high)
        if a is None or b is None:
            return DASH
        d = max(self._digits(a, digits), self._digits(b, digits))
        return self._range(self._percent(a, d), self._percent(b, d)) + self.percent_sign()

    def _range(self, low: str, high: str) -> str:
        if low == high:
            return low
        # «−5…−2»: between signed figures a dash would read as another minus
        signed = low.startswith((MINUS, "<")) or high.startswith((MINUS, ">"))
        return f"{low}{'…' if signed else '–'}{high}"

    def change(self, value: Any, digits: int | None = None) -> str:
        """Write a relative change with its sign: «+12 %», «−5,3 %»."""
        x = _number(value)
        if x is None:
            return DASH
        text = self.share(abs(x), digits)
        if round(x * 100, 2) == 0 or text.startswith("<"):  # «< 0,1 %»: a sign before it could not be read
            return text
        return (MINUS if x < 0 else "+") + text

    def change_interval(self, low: Any, high: Any, digits: int | None = None) -> str:
        """Write an interval of changes: «−9…−2 %»."""
        a, b = _number(low), _number(high)
        if a is None or b is None:
            return DASH
        d = max(self._digits(a, digits), self._digits(b, digits))
        signed = [(MINUS if x < 0 else "+" if x > 0 else "") + self.num(abs(x) * 100, d) for x in (a, b)]
        return f"{signed[0]}…{signed[1]}{self.percent_sign()}"

    def points(self, value: Any, digits: int = 0) -> str:
        """Write a difference of shares in percentage points: «−6 п. п.»."""
        x = _number(value)
        if x is None:
            return DASH
        sign = "" if round(x * 100, digits) == 0 else MINUS if x < 0 else "+"
        unit = f"п.{NBSP}п." if self.lang == "ru" else "pp"
        return f"{sign}{self.num(abs(x) * 100, digits)}{NBSP}{unit}"

    def points_interval(self, low: Any, high: Any) -> str:
        """Write an interval of differences in percentage points with the unit once: «−1…+20 п. п.»."""
        a, b = self.points(low), self.points(high)
        if DASH in (a, b):
            return DASH
        return f"{a.partition(NBSP)[0]}…{b}"

    # --- money

    def money(self, value: Any, *, per_year: bool = False) -> str:
        """Write money short, in three significant digits: «12,4 млн ₽», “RUB 12.4m”."""
        x = _number(value)
        if x is None:
            return DASH
        divisor, word = self._scale(x)
        return self._with_currency(self._three(x / divisor), word) + (self.per_year() if per_year else "")

    def money_full(self, value: Any, digits: int = 0) -> str:
        """Write money to the unit: «12 412 300 ₽», “RUB 12,412,300”."""
        x = _number(value)
        return DASH if x is None else self._with_currency(self.num(x, digits), "")

    def money_range(self, low: Any, base: Any, high: Any, *, per_year: bool = False, of: str = "") -> str:
        """Write an effect with its range on one scale: «10,2 млн ₽ (8,1–12,4)».

        ``of`` says of what, between the sum and «в год»: «10,2 млн ₽ валовой прибыли в год (8,1–12,4)».
        """
        b = _number(base)
        if b is None:
            return DASH
        lo, hi = _number(low), _number(high)
        divisor, word = self._scale(b)
        wider, its_word = self._scale(hi) if hi is not None else (divisor, word)
        if wider > divisor and abs(b) >= wider / 10:  # «1 млн (0,36–2,73)» rather than «998 тыс. (363–2 727)»
            divisor, word = wider, its_word
        text = self._with_currency(self._three(b / divisor), word) + (f" {of}" if of else "")
        text += self.per_year() if per_year else ""
        if lo is None or hi is None or lo == hi:
            return text
        return f"{text} ({self._range(self._three(lo / divisor), self._three(hi / divisor))})"

    def per_year(self) -> str:
        """Return «в год» with the space before it."""
        return f"{NBSP}в{NBSP}год" if self.lang == "ru" else f"{NBSP}a{NBSP}year"

    def _scale(self, x: float) -> tuple[float, str]:
        # rounded first: 999 950 is «1 млн», not «1 000 тыс.»
        if abs(x) < 9_999.5:
            return 1.0, ""  # «4 250 ₽» is shorter to read than «4,25 тыс. ₽»
        shown = round(abs(x), 2 - math.floor(math.log10(abs(x))))
        for divisor, words in _SCALES:
            if shown >= divisor:
                return divisor, words[self.lang]
        return 1.0, ""

    def _three(self, x: float) -> str:
        size = abs(x)
        digits = 0 if size >= 99.95 or size == 0 else 1 if size >= 9.995 else 2
        return self.num(x, digits, trim=True)

    def _with_currency(self, figure: str, scale: str) -> str:
        sign = _SYMBOLS.get(self.currency, self.currency)
        if self.lang == "ru":
            return NBSP.join(part for part in (figure, scale, sign) if part)
        minus, figure = (MINUS, figure[1:]) if figure.startswith(MINUS) else ("", figure)
        if self.currency in _PREFIXED or not self.currency:
            return f"{minus}{sign}{figure}{scale}"
        return f"{self.currency}{NBSP}{minus}{figure}{scale}"

    # --- dates

    def date(self, value: Any) -> str:
        """Write a date in full: «31 декабря 2025 г.»."""
        day = _whole(value)
        if day is None:
            return DASH
        return _tidy(dates.format_date(day, "long", locale=_LOCALES[self.lang])).replace(" ", NBSP)

    def date_short(self, value: Any) -> str:
        """Write a date for a table: «31.12.2025», “31 Dec 2025”."""
        day = _whole(value)
        if day is None:
            return DASH
        pattern = "dd.MM.yyyy" if self.lang == "ru" else "d MMM yyyy"
        return dates.format_date(day, pattern, locale=_LOCALES[self.lang]).replace(" ", NBSP)

    def month(self, value: Any) -> str:
        """Write a month: «декабрь 2025 г.»."""
        day = _whole(value)
        if day is None:
            return DASH
        return f"{self._month(day)}{NBSP}{day.year}" + (f"{NBSP}г." if self.lang == "ru" else "")

    def month_short(self, value: Any) -> str:
        """Write a month for an axis: «12.25», “Dec 25”."""
        day = _whole(value)
        if day is None:
            return DASH
        return dates.format_date(day, "MM.yy" if self.lang == "ru" else "MMM yy", locale=_LOCALES[self.lang])

    def _month(self, day: dt.date) -> str:
        return dates.format_date(day, "LLLL", locale=_LOCALES[self.lang])

    def period(self, start: Any, end: Any) -> str:
        """Write a period; whole months are named without days: «январь 2023 — декабрь 2025 г.»."""
        a, b = _whole(start), _whole(end)
        if a is None or b is None:
            return DASH
        dash = f"{NBSP}— " if self.lang == "ru" else f"{NBSP}– "
        if a.day == 1 and (b + dt.timedelta(days=1)).day == 1:
            if (a.year, a.month) == (b.year, b.month):
                return self.month(b)
            first = self._month(a) if a.year == b.year else f"{self._month(a)}{NBSP}{a.year}"
            return f"{first}{dash}{self.month(b)}"
        return f"{self.date(a)}{dash}{self.date(b)}"

    # --- counted words

    def plural(self, n: Any, *forms: str | Sequence[str]) -> str:
        """Choose the word for a number: ru (день, дня, дней), en (day, days); a fraction takes «дня» / “days”.

        The forms may also be given as one sequence.
        """
        x = _number(n)
        words = [f for part in forms for f in ([part] if isinstance(part, str) else part)]
        wanted = 3 if self.lang == "ru" else 2
        if len(words) != wanted:
            raise ValueError(f"{self.lang} needs {wanted} forms, got {words!r}")
        form = _locale(_LOCALES[self.lang]).plural_form(abs(x) if x is not None else 0)
        if self.lang == "en":
            return words[0] if form == "one" else words[1]
        return {"one": words[0], "few": words[1], "many": words[2]}.get(form, words[1])

    def count(self, n: Any, *forms: str | Sequence[str], digits: int = 0) -> str:
        """Write a number with its word: «5 дней»."""
        x = _number(n)
        if x is None:
            return DASH
        shown = round(x, digits)
        return f"{self.num(shown, digits, trim=True)}{NBSP}{self.plural(shown, *forms)}"

    def days(self, value: Any, digits: int = 0) -> str:
        """Write days: «365 дней»."""
        return self.count(value, *_WORDS["day"][self.lang], digits=digits)

    def hours(self, value: Any, digits: int | None = None) -> str:
        """Write hours: «12,5 ч»."""
        x = _number(value)
        if x is None:
            return DASH
        d = digits if digits is not None else 0 if abs(x) >= 100 else 1
        return f"{self.num(x, d, trim=True)}{NBSP}{'ч' if self.lang == 'ru' else 'h'}"

    def fte(self, value: Any, digits: int | None = None) -> str:
        """Write full-time equivalents: «1,5 ставки», “1.5 FTE”."""
        x = _number(value)
        if x is None:
            return DASH
        d = digits if digits is not None else 2 if abs(x) < 1 else 1
        return self.count(x, *_WORDS["fte"][self.lang], digits=d)

    # --- by unit

    def value(self, x: Any, unit: str, *, against: Any = None) -> str:
        """Write a figure by its unit (share, change, count, days, hours, fte, money, money/year, ratio, index)."""
        match unit:
            case "share":
                return self.share(x, against=against)
            case "change" | "share/year":
                return self.change(x)
            case "points":
                return self.points(x)
            case "count":
                return self.num(x, 0 if _number(x) is None or abs(float(x)) >= 20 else 1, trim=True)
            case "days":
                return self.days(x)
            case "hours":
                return self.hours(x)
            case "fte":
                return self.fte(x)
            case "money":
                return self.money(x)
            case "money/year":
                return self.money(x, per_year=True)
            case "years":
                forms = ("год", "года", "лет") if self.lang == "ru" else ("year", "years")
                return self.count(x, *forms, digits=0 if abs(_number(x) or 0.0) >= 10 else 1)
            case _:
                return self.num(x, 2, trim=True)

    def metric(self, metric: Metric | None) -> str:
        """Write a metric's value by its unit; a value that cannot be had is «—»."""
        if metric is None or metric.value is None:
            return DASH
        return self.value(metric.value, metric.unit, against=metric.benchmark)

    def interval(self, metric: Metric | None) -> str:
        """Write a metric's 95 % interval by its unit, or nothing when it has none."""
        if metric is None or metric.value is None or metric.low is None or metric.high is None:
            return ""
        return self.between(metric.low, metric.high, metric.unit)

    def between(self, low: Any, high: Any, unit: str) -> str:
        """Write a range by its unit with the unit once: «57–65 %», «0,4–0,9 ставки»."""
        a, b = _number(low), _number(high)
        if a is None or b is None:
            return DASH
        match unit:
            case "share":
                return self.share_interval(a, b)
            case "change" | "share/year":
                return self.change_interval(a, b)
            case "points":
                return self.points_interval(a, b)
            case "money" | "money/year":
                divisor, word = self._scale(b)
                text = self._with_currency(self._range(self._three(a / divisor), self._three(b / divisor)), word)
                return text + (self.per_year() if unit == "money/year" else "")
            case "days" | "hours" | "fte" | "count" | "years":
                digits = 0 if unit == "days" else 2 if unit == "fte" and abs(b) < 1 else 1
                span = self._range(self.num(a, digits, trim=True), self.num(b, digits, trim=True))
                written = self.value(round(b, digits), unit)
                _, space, word = written.rpartition(NBSP)
                return span + (space + word if space and not word[:1].isdigit() else "")
            case _:
                return self._range(self.num(a, 2, trim=True), self.num(b, 2, trim=True))


_LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya".replace("_", "").split(" "),
        strict=True,
    )
)


def slug(text: str) -> str:
    """Return an ASCII id for a text: Cyrillic letters in Latin ones, everything else a hyphen."""
    latin = "".join(_LATIN.get(c, c) for c in text.lower())
    return re.sub(r"[^a-z0-9]+", "-", latin).strip("-") or "x"
