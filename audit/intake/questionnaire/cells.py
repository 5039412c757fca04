"""One cell of the questionnaire into one typed value, or a sentence that says what is allowed there."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from audit.errors import Text
from audit.intake.questionnaire.raw import ErrorCell, Uncalculated, nearest
from audit.method import method
from audit.model.questionnaire import Column, alike, answer_list, fold, options

__all__ = ["Bad", "number", "parse", "shown", "text_of"]


class Bad(Exception):
    """A cell that cannot be read; ``text`` says what is allowed."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def text_of(cell: Any) -> str | None:
    """Read a cell as text: blanks and NBSP trimmed, whole numbers without «.0», None when empty."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, dt.datetime | dt.date):
        return cell.strftime("%d.%m.%Y")
    text = str(cell).replace("\u00a0", " ").replace("\u202f", " ").replace("\ufeff", "").strip()
    return text or None


def shown(cell: Any) -> str:
    """Return a cell as the user sees it, for messages; long texts are cut."""
    text = text_of(cell) or ""
    return text if len(text) <= 60 else text[:57] + "..."


_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_UNITS = re.compile(
    r"(руб(лей|\.)?|₽|р\.|rub|eur|€|usd|\$|ч(ас(а|ов)?)?\.?|h|дн(я|ей|\.)?|days?|мин(ут|\.)?|min)$", re.I
)


def number(cell: Any) -> tuple[float | None, bool]:
    """Read a number; the flag tells whether it was written with a percent sign (the value is not divided).

    Decimal comma or point, blanks between thousands, a unit behind the number. Raise `Bad` for anything else.
    """
    if isinstance(cell, bool | dt.date | dt.time | dt.timedelta):
        raise Bad(Text("нужно число", "a number is expected"))
    if isinstance(cell, int | float):
        if not math.isfinite(cell):
            raise Bad(Text("нужно число", "a number is expected"))
        return float(cell), False
    text = text_of(cell)
    if text is None:
        return None, False
    percent = text.endswith("%")
    plain = text.rstrip("%").replace("\u2212", "-").replace("\u2009", "")
    plain = re.sub(r"\s+", "", _UNITS.sub("", plain.strip()).strip()).replace("'", "")
    if "," in plain and "." in plain:
        # The mark that comes last is the decimal one: 1.234,5 and 1,234.5.
        thousands = "." if plain.rfind(",") > plain.rfind(".") else ","
        plain = plain.replace(thousands, "")
    elif plain.count(",") > 1 or plain.count(".") > 1:
        plain = plain.replace(",", "").replace(".", "")
    if not _NUMBER.fullmatch(plain):
        raise Bad(Text("нужно число, например 12 или 0,5", "a number is expected, such as 12 or 0.5"))
    value = float(plain.replace(",", "."))
    if not math.isfinite(value):
        raise Bad(Text("нужно число", "a number is expected"))
    return value, percent


def _bounded(value: float, column: Column) -> float:
    low, high = column.low, column.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise Bad(bounds(column))
    return value


def bounds(column: Column) -> Text:
    """Say which numbers a column allows."""
    whole_ru, whole_en = ("целое число", "a whole number") if column.kind == "int" else ("число", "a number")
    if column.kind == "share":
        return Text("нужна доля от 0 до 1", "a share from 0 to 1 is expected")
    low = None if column.low is None else f"{column.low:g}"
    high = None if column.high is None else f"{column.high:g}"
    if low is not None and high is not None:
        return Text(f"нужно {whole_ru} от {low} до {high}", f"{whole_en} from {low} to {high} is expected")
    if low is not None:
        return Text(f"нужно {whole_ru} не меньше {low}", f"{whole_en} not below {low} is expected")
    return Text(f"нужно {whole_ru}", f"{whole_en} is expected")


_EPOCH = dt.date(1899, 12, 30)
_DATE = Text("нужна дата: дд.мм.гггг или гггг-мм-дд", "a date is expected: dd.mm.yyyy or yyyy-mm-dd")
_MONTHS = (
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
)


def date(cell: Any) -> dt.date | None:
    """Read a date: a date cell, an Excel serial number, dd.mm.yyyy, yyyy-mm-dd, «1 февраля 2024»; time is dropped."""
    if isinstance(cell, dt.datetime):
        found = cell.date()
    elif isinstance(cell, dt.date):
        found = cell
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        if not 20_000 <= cell <= 80_000:
            raise Bad(_DATE)
        found = _EPOCH + dt.timedelta(days=int(cell))
    else:
        text = text_of(cell)
        if text is None:
            return None
        found = _date_text(text)
    if not 1950 <= found.year <= 2100:
        raise Bad(Text("дата вне 1950–2100 годов", "the date is outside 1950–2100"))
    return found


def _date_text(text: str) -> dt.date:
    try:
        if m := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})([ T].*)?", text):
            return dt.date(int(m[1]), int(m[2]), int(m[3]))
        if m := re.fullmatch(r"(\d{1,2})[./](\d{1,2})[./](\d{4}|\d{2})( .*)?", text):
            year = int(m[3]) + (2000 if len(m[3]) == 2 else 0)
            return dt.date(year, int(m[2]), int(m[1]))
        if m := re.fullmatch(r"(\d{1,2}) ([а-яё]+) (\d{4})( ?г\.?)?", text.casefold()):
            return dt.date(int(m[3]), _MONTHS.index(m[2]) + 1, int(m[1]))
    except ValueError as e:
        raise Bad(Text(f"такой даты нет; {_DATE.ru}", f"there is no such date; {_DATE.en}")) from e
    raise Bad(_DATE)


_TIME = Text("нужно время чч:мм от 00:00 до 24:00", "a time hh:mm from 00:00 to 24:00 is expected")


def minutes(cell: Any) -> float | None:
    """Read a time of day as minutes since midnight: a time cell, a part of a day, «9:05», «09.05», «9:05 PM»; 24:00 is allowed."""
    if isinstance(cell, dt.datetime) and cell.date() in (dt.date(1899, 12, 31), dt.date(1900, 1, 1)):
        return 1440.0  # 24:00 is the whole of Excel's day one
    if isinstance(cell, dt.datetime | dt.time):
        # 9:05 kept as a part of a day may come back as 09:04:59.999.
        return float(round(cell.hour * 60 + cell.minute + cell.second / 60 + cell.microsecond / 6e7))
    if isinstance(cell, dt.timedelta):
        value = cell.total_seconds() / 60
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        # Excel keeps a time as a part of the day.
        value = float(cell) * 1440
    else:
        text = text_of(cell)
        if text is None:
            return None
        m = re.fullmatch(r"(\d{1,2})[:.](\d{2})(?::(\d{2}))?(?: ?([AaPp])\.?[Mm]\.?)?", text)
        if not m or int(m[2]) > 59 or int(m[3] or 0) > 59 or (m[4] and not 1 <= int(m[1]) <= 12):
            raise Bad(_TIME)
        hour = int(m[1]) % 12 + 12 * (m[4] in "Pp") if m[4] else int(m[1])
        value = hour * 60.0 + int(m[2])
    if not 0 <= value <= 1440 + 1e-6:
        raise Bad(_TIME)
    return float(round(value))


# ---- codes


def _title_variants(title: str) -> list[str]:
    """Spell out «помощник/ассистент менеджера» and drop remarks in brackets."""
    plain = re.sub(r"\([^()]*\)", " ", title)
    words = plain.split()
    out = [""]
    for word in words:
        parts = word.split("/") if "/" in word else [word]
        out = [f"{head} {part}".strip() for head in out for part in parts]
    return out


@lru_cache(maxsize=256)
def _words(column: Column) -> Mapping[str, str]:
    """Map every spelling that means one code of the column, and one only, to that code; codes themselves come first."""
    m = method()
    found: dict[str, set[str]] = {}

    def add(word: str, code: str) -> None:
        key = fold(word)
        if key:
            found.setdefault(key, set()).add(code)

    allowed = options(column)
    for code, label in allowed.items():
        for text in (label.ru, label.en, f"{code} — {label.ru}", f"{code} — {label.en}"):
            add(text, code)
            add(text.split(":")[0], code)
    named = answer_list(column)
    if named is not None:
        for code in allowed:
            for word in m.answers[named][code].also:
                add(word, code)
    if named == "role":
        for code in allowed:
            role = m.roles[code]
            for word in (role.ru, role.en, role.short.ru, role.short.en):
                add(word, code)
                add(word.split("(")[0], code)
            for title in role.titles:
                # «менеджер по продажам (требует уточнения)» stands in the list to say that it is no answer.
                if "требует уточнения" not in title:
                    for variant in _title_variants(title):
                        add(variant, code)
    for f in m.functions.values():
        if f.code in allowed and named is None:
            for word in f.also:
                add(word, f.code)
                add(word.split(":")[0], f.code)
                add(f"{f.code} — {word}", f.code)
    for group in m.groups.values():
        if group.code in allowed and named is None:
            add(group.ru, group.code)
            add(group.en, group.code)
    for service in m.services.values():
        if service.code in allowed and named is None:
            add(service.ru, service.code)
            add(service.en, service.code)
    out = {word: codes.copy().pop() for word, codes in found.items() if len(codes) == 1}
    out.update({fold(code): code for code in allowed})
    return out


def code(cell: Any, column: Column) -> str | None:
    """Read a code: the code itself, «CODE — wording» of the drop-down list, its Russian or English name, a synonym."""
    text = text_of(cell)
    if text is None:
        return None
    words = _words(column)
    plain = fold(text)
    tries = [plain]
    for mark in (" — ", " – ", " - "):
        if mark in text:
            tries.append(fold(text.split(mark)[0]))
    for word in tries:
        if word in words:
            return words[word]
    # Underscores and blanks are easily swapped; a Latin code is easily typed in Cyrillic.
    codes = {fold(c): c for c in options(column)}
    for word in tries:
        for other in (word.replace(" ", "_").replace("-", "_"), alike(word)):
            if other in codes:
                return codes[other]
    raise Bad(allowed_codes(text, column))


def allowed_codes(text: str, column: Column) -> Text:
    """Say which codes are allowed, the nearest one first."""
    choices = options(column)
    hit = nearest(text, dict(_words(column)))
    if hit is not None:
        return Text(
            f"нет такого значения; возможно, вы имели в виду «{hit} — {choices[hit].ru}»?",
            f"no such value; did you mean “{hit} — {choices[hit].en}”?",
        )
    if len(choices) <= 12:
        joined = ", ".join(choices)
        return Text(f"допустимы: {joined}", f"allowed: {joined}")
    first = ", ".join(list(choices)[:4])
    return Text(
        f"нет такого значения; выберите из списка на листе ({first} и ещё {len(choices) - 4})",
        f"no such value; choose from the sheet's list ({first} and {len(choices) - 4} more)",
    )


def codes(cell: Any, column: Column) -> tuple[str, ...]:
    """Read a list: parts between semicolons or line breaks, each a code where the column has codes; no repeats."""
    text = text_of(cell)
    if text is None:
        return ()
    marks = r"[;,\n]" if column.codes else r"[;\n]"
    parts = [p.strip() for p in re.split(marks, text)]
    out: dict[str, None] = {}
    for part in parts:
        if part:
            value = code(part, column) if column.codes else part
            if value is not None:
                out[value] = None
    return tuple(out)


_UNKNOWN = frozenset({"не знаю", "не знаем", "?", "нет данных", "н/д", "unknown", "don't know", "do not know", "n/a"})


def parse(cell: Any, column: Column) -> Any:
    """Read a cell as its column's kind; None when empty. Raise `Bad` with what is allowed.

    text, code → str; number, int → float; share → float as written, the percent sign dropped (the scale is a matter
    of the whole table); date → date; time → minutes; yesno → bool; yesnopartly → its code; list → tuple.
    """
    if isinstance(cell, Uncalculated):
        raise Bad(
            Text(
                "формула без значения: впишите число или откройте книгу в Excel или LibreOffice и сохраните",
                "a formula without a value: type the value in, or open the workbook in Excel or LibreOffice and save it",
            )
        )
    if isinstance(cell, ErrorCell):
        raise Bad(
            Text("в ячейке ошибка формулы: впишите значение", "the cell holds a formula error: type the value in")
        )
    kind = column.kind
    if kind == "list":
        return codes(cell, column)
    if text_of(cell) is None:
        return None
    if kind == "text":
        return text_of(cell)
    if kind == "code":
        return code(cell, column)
    if kind in ("yesno", "yesnopartly"):
        if fold(text_of(cell) or "") in _UNKNOWN:
            return None
        answer = code(cell, column)
        return answer if kind == "yesnopartly" else answer == "yes"
    if kind == "date":
        return date(cell)
    if kind == "time":
        return minutes(cell)
    if kind == "int" and answer_list(column) and isinstance(cell, str) and not re.fullmatch(r"\s*\d+\s*", cell):
        word = fold(cell).split(" — ")[0]
        named = method().answers[answer_list(column) or ""]
        hit = next((c for c, a in named.items() if word in (c, fold(a.ru), fold(a.en), *map(fold, a.also))), None)
        if hit is None:
            raise Bad(bounds(column))
        return float(hit)
    value, percent = number(cell)
    assert value is not None
    if kind == "share":
        return value
    if percent:
        raise Bad(Text("нужно число, а не процент", "a number is expected, not a percentage"))
    if kind == "int" and not value.is_integer():
        raise Bad(bounds(column))
    return _bounded(value, column)
