"""What a header measures: money or goods, in which unit, and in how many at once (thousands, hundredths)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from audit.errors import Text

__all__ = [
    "Measure",
    "is_price",
    "money_factor",
    "multiplied",
    "of_goods",
    "price_basis",
    "product_factor",
    "said_factor",
    "unit_of",
]

_GOODS: Mapping[str, tuple[str, str]] = {
    "": ("1", "ед единица единиц единицу units unit each ea изм"),
    "piece": ("1", "шт штук штука штуки штуку pcs pc pieces piece stk stück st"),
    "pack": (
        "1",
        "уп упак упаковка упаковок упаковки упаковку пач пачек пачку кор коробок короб коробку ящ ящиков pack packs box boxes",
    ),
    "kg": ("1", "кг килограмм килограммов kg kgs kilo kilos kilogram kilograms"),
    "g": ("0.001", "г гр грамм граммов gram grams"),
    "ц": ("100", "ц центнер центнеров"),
    "t": ("1000", "т тн тонн тонна тонну тонны ton tons tonne tonnes mt t"),
    "l": ("1", "л литр литров литра l ltr liter liters litre litres"),
    "ml": ("0.001", "мл ml"),
    "m": ("1", "м метр метров метра пог пм meter meters metre metres"),
    "m2": ("1", "м2 кв m2 sqm"),
    "m3": ("1", "м3 куб m3 cbm"),
    "hour": ("1", "ч час часов часа hour hours"),
}
_BASE = {"g": "kg", "ц": "kg", "t": "kg", "ml": "l"}
_UNITS: Mapping[str, tuple[str, Decimal]] = {
    word: (_BASE.get(unit, unit), Decimal(factor)) for unit, (factor, all_) in _GOODS.items() for word in all_.split()
}
"""Word → what is counted, and how many of it the word means; a unit may be any."""
_FILLERS = frozenset(
    {"в", "in", "of", "тыс", "млн", "thousand", "thousands", "million", "millions", "000", "1000", "п"}
)
_CUT = re.compile(r"(?<!\s)\s*[,(\[](.*)$", re.DOTALL)
_WORD = re.compile(r"[^\W_]+")
_SIGN = re.compile(r"[$€£₽¥₸₴]")
_TIMES = re.compile(
    r"\b(тыс|млн|млрд|т ?р|т ?руб\w*|000s?|thousands?|millions?|billions?|mln|mio|tsd|bn|k (?:rub|usd|eur)"
    r"|[tkm](?:rub|usd|eur|chf|gbp))\b"
)
_SHORT = re.compile(r"[,(\[]\s*k\s*[\])]?\s*$|[$€£]\s?[kt]\b|\b[kt]\s?[$€£₽]", re.IGNORECASE)
_SHORT_MILLIONS = re.compile(r"[$€£]\s?m\b|\bm\s?[$€£]|\bmm\b", re.IGNORECASE)
_HUNDREDTHS = re.compile(r"\b(?:коп(?:еек|ейк\w*)?|cents?|pence|центов|центах)\b")
_PER = re.compile(
    r"(?:\bза\b|\bper\b|/|\bpro\b)\s*(?P<many>1 ?000|100|10|тыс\w*\.?|thousand)?\s*(?P<unit>[^\W\d_]+[23²³]?)?",
    re.IGNORECASE,
)
_PRICE = re.compile(
    r"^(?:цена|стоимость единицы|стоимость за|price|(?:net |gross |sales |selling |unit |item )?(?:unit )?price)\b"
)
_OF_PRICE = re.compile(
    r"без|с|со|в|за|на|по|включая|учетом|ндс|скид(?:ки|кой|ку|ок)|кол|тыс|1000|100|000"
    r"|руб|рублях|рублей|р|rub|usd|eur|долл|евро|отпускная|продажная|оптовая|фактическая|договорная|итоговая|цена"
    r"|товара|продукции|продажи|реализации|отгрузки|vat|tax|gst|incl|excl|including|excluding|ex|net|gross|of|per|each"
    r"|discount|after|before|with|sales|selling|unit|item|price|final"
)
"""Words that may go on the header of a price at which something is sold."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit of goods: what is counted and how many of it."""

    base: str
    factor: Decimal


def _plain(header: str) -> str:
    return unicodedata.normalize("NFKC", header).lower().replace("ё", "е")


@lru_cache(maxsize=4096)
def unit_of(header: str) -> Measure | None:
    """Return the unit of goods behind a header's comma, in its brackets, or as its last word; None for money or nothing."""
    text = _plain(header)
    cut = _CUT.search(text)
    words = _WORD.findall(cut[1] if cut else text)
    if cut is None:
        words = words[-1:] if len(words) > 1 else []
    named = [w for w in words if w not in _FILLERS]
    if not named or _SIGN.search(text) or any(w not in _UNITS for w in named):
        return None
    return Measure(*_UNITS[named[0]])


def of_goods(header: str) -> bool:
    """Whether a header that sounds like money measures goods: «Продажи, шт», “Total (kg)”."""
    return unit_of(header) is not None


def is_price(header: str) -> bool:
    """Whether a header names the price at which a unit is sold: «Цена без НДС за кг», “Price excl. VAT”; no cost, no list."""
    text = _plain(header)
    found = _PRICE.search(text)
    if found is None:
        return False
    return all(_OF_PRICE.fullmatch(w) or w in _UNITS or w in _FILLERS for w in _WORD.findall(text[found.end() :]))


def price_basis(header: str) -> Measure | None:
    """Return for how many of what a price stands: «за 1000 шт», «руб./т»; None where it does not say."""
    for found in _PER.finditer(_plain(header)):
        unit, many = found["unit"] or "", found["many"] or ""
        times = Decimal(1000 if "000" in many or many[:3] in ("тыс", "tho") else many or 1)
        if unit in _UNITS:
            base, factor = _UNITS[unit]
            return Measure(base, factor * times)
        if many:
            return Measure("", times)
    return None


def said_factor(text: str) -> Decimal | None:
    """Return what a header multiplies its numbers by: «тыс.», “$k”, “mln”; None where it says nothing."""
    plain = _plain(text)
    found = _TIMES.search(" ".join(re.findall(r"[^\W_]+", plain)))
    if found is not None:
        word = found[1]
        millions = word.startswith(("м", "m"))
        return Decimal(10**9 if word.startswith(("млрд", "b")) else 10**6 if millions else 1000)
    if _SHORT.search(plain):
        return Decimal(1000)
    return Decimal(10**6) if _SHORT_MILLIONS.search(plain) else None


def money_factor(header: str) -> Decimal | None:
    """Return what sums under a header are multiplied by, hundredths («коп.», “cents”) included; None where nothing is said."""
    words = " ".join(re.findall(r"[^\W_]+", _plain(re.sub(r"(?<=[a-zа-я])(?=[A-ZА-Я])", " ", header))))
    basis = _PER.search(_plain(header))
    if basis is not None and basis["many"]:
        words = words.replace("тыс", " ").replace("1000", " ").replace("000", " ")
        return Decimal("0.01") if _HUNDREDTHS.search(words) else None
    return Decimal("0.01") if _HUNDREDTHS.search(words) else said_factor(header)


def product_factor(qty: str, price: str) -> Decimal | None:
    """Return what quantity × price is multiplied by to be money: 0.001 for kilograms at a price per tonne; None where
    the two are of different units and do not multiply."""
    counted, basis = unit_of(qty), price_basis(price)
    if basis is None:
        return Decimal(1)
    if counted is None:
        return 1 / basis.factor if basis.base in ("", "piece", "pack") else Decimal(1)
    if counted.base and basis.base and counted.base != basis.base:
        return None
    return counted.factor / basis.factor if counted.base == basis.base else 1 / basis.factor


def multiplied(factor: Decimal) -> Text:
    """Return how a factor is told: «умножены на 1 000», «разделены на 100»."""
    if factor < 1:
        by = f"{1 / factor:f}"
        return Text(f"разделены на {by}", f"divided by {by}")
    by = f"{int(factor):,}".replace(",", " ")
    return Text(f"умножены на {by}", f"taken times {by}")
