"""The order of day and month in every file: decided from all its dates, or asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.errors import AmbiguityError, Answer, Text
from audit.intake.values import DateRule, Order, clean_text, date_form, empty_date, month_only
from audit.settings import Reading

__all__ = ["Swapped", "decide_orders", "looks_swapped", "only_months", "true_dates"]

_SHORT = re.compile(r"(\d{2})([./-])(\d{1,2})\2(\d{2})(?!\d).*")
_MOST_YEARS = 6
_LEAST_DAYS = 10
_LEAST_MONTHS = 0.8

_ISO = re.compile(r"(\d{4}-\d{2}-(\d{2}))(?:[T ].*)?")
_LEAST_ROWS, _LEAST_DATES, _LEAST_LATE = 20, 8, 0.95
"""Of each kind, and the share of texts beyond the twelfth: together no chance (0.4 to the eighth is below 0.001)."""

_MASK = re.compile(r"\b(dd(?=\W?mm)|mm(?=\W?dd)|дд(?=\W?мм)|мм(?=\W?дд))", re.IGNORECASE)
"""Day and month of a mask of dates."""

_Largest = tuple[int, int, str]
"""Largest first part, largest second part, an example."""


def _largest(texts: Iterable[str]) -> dict[str, _Largest]:
    """Largest first and second part per mark among dates that could be read both ways."""
    out: dict[str, _Largest] = {}
    for text in texts:
        value = clean_text(text)
        form = None if value is None else date_form(value)
        if form is None or empty_date(value):
            continue
        assert value is not None
        first, second, example = out.get(form.mark, (0, 0, value))
        out[form.mark] = (max(first, form.first), max(second, form.second), min(example, value))
    return out


def _year_first(texts: Iterable[str]) -> tuple[str, str] | None:
    """Mark and example of «23-01-27» where the first parts are a few years and the last ones the days of a month."""
    first: dict[str, set[str]] = {}
    last: dict[str, set[str]] = {}
    example: dict[str, str] = {}
    for text in texts:
        found = _SHORT.fullmatch(text.strip())
        if found:
            first.setdefault(found[2], set()).add(found[1])
            last.setdefault(found[2], set()).add(found[4])
            example[found[2]] = max(example.get(found[2], ""), text.strip())
    for mark, years in first.items():
        days = last[mark]
        if len(years) <= _MOST_YEARS and len(days) >= _LEAST_DAYS and all(1 <= int(d) <= 31 for d in days):
            return mark, example[mark]
    return None


def _shown(found: Iterable[_Largest]) -> set[Order]:
    out: set[Order] = set()
    for first, second, _ in found:
        if first > 12:
            out.add("dmy")
        if second > 12:
            out.add("mdy")
    return out


@dataclass(frozen=True)
class Swapped:
    """What shows that day and month of a column's true dates are swapped: cells and an example of either kind."""

    typed: int
    typed_example: str
    texts: int
    text_example: str


def true_dates(column: Mapping[str, int]) -> int:
    """Return the number of cells with a true date, where none has a day that could not be a month; else 0.

    ``column``: distinct texts → cells. A true date of a workbook comes as ISO.
    """
    found = [(int(iso[2]), n) for text, n in column.items() if (iso := _ISO.fullmatch(text.strip()))]
    return sum(n for _, n in found) if all(day <= 12 for day, _ in found) else 0


def looks_swapped(column: Mapping[str, int]) -> Swapped | None:
    """Tell a column whose day and month a spreadsheet swapped, as it does to dates of another country.

    It takes 05.03 for the third of May and makes it a true date; 25.03 makes no sense to it and stays text. So the
    true dates all have a day up to 12 and the texts all have one above.
    """
    typed = true_dates(column)
    if typed < _LEAST_ROWS:
        return None
    whole = {iso[1] for text in column if (iso := _ISO.fullmatch(text.strip()))}
    late: dict[str, int] = {}
    early = 0
    for text, n in column.items():
        value = clean_text(text)
        form = None if value is None or empty_date(value) else date_form(value)
        if form is None or value is None:
            continue
        if max(form.first, form.second) > 12:
            day = re.split(r"[T,\s]", value)[0]
            late[day] = late.get(day, 0) + n
        else:
            early += n
    texts = sum(late.values())
    if texts < _LEAST_ROWS or min(len(whole), len(late)) < _LEAST_DATES or texts < _LEAST_LATE * (texts + early):
        return None
    return Swapped(typed, min(whole), texts, min(late))


def _asked(reading: Reading) -> tuple[Order | None, str | None]:
    """Return the order, and the strptime pattern, that ``[reading] date_format`` names."""
    text = reading.date_format
    if text is None:
        return None, None
    if "%" in text:
        month = max(text.find(p) for p in ("%m", "%b", "%B"))
        return ("dmy" if text.find("%d") <= month else "mdy"), text
    low = text.lower()
    return ("mdy" if 0 <= low.find("m") < low.find("d") and not low.startswith("y") else "dmy"), None


def _said(header: str) -> Order | None:
    """Return the order that a header names: «Дата (дд/мм/гггг)», “Order date (MM/DD/YYYY)”."""
    mask = _MASK.search(header)
    return None if mask is None else "dmy" if mask[1][0].casefold() in "dд" else "mdy"


def decide_orders(
    texts: Mapping[str, Iterable[str]], reading: Reading, headers: Mapping[str, str] | None = None
) -> dict[str, DateRule]:
    """Decide per file how its dates are read; ``texts`` holds the distinct date texts of each file, ``headers`` the
    header above them, which may name the order and is believed where no date contradicts it.

    Day first is the rule for dates with points unless a second part above 12 says otherwise. With slashes and dashes
    the file must show it (a part above 12), or all other files together, or the settings; else it is asked.
    """
    asked, pattern = _asked(reading)
    texts = {file: list(values) for file, values in texts.items()}
    if asked is None:
        for file, values in texts.items():
            doubtful = _year_first(values)
            if doubtful is not None:
                raise _year_question(file, *doubtful)
    found = {file: _largest(values) for file, values in texts.items()}
    pooled = {
        mark: _shown(f[mark] for f in found.values() if mark in f) for mark in {m for f in found.values() for m in f}
    }
    out: dict[str, DateRule] = {}
    for file, marks in found.items():
        order: dict[str, Order] = {}
        for mark, largest in sorted(marks.items()):
            said = _said((headers or {}).get(file, ""))
            shown = _shown([largest]) or ({said} if said else pooled[mark])
            if asked is not None:
                order[mark] = asked
            elif mark == ".":
                if not shown and _rest_is_american(texts[file]):
                    raise _question(file, largest[2], both=False, likely="mm/dd/yyyy")
                order[mark] = "mdy" if shown == {"mdy"} else "dmy"
            elif len(shown) == 1:
                order[mark] = next(iter(shown))
            else:
                raise _question(file, largest[2], both=len(shown) == 2)
        out[file] = DateRule(order, pattern, months=only_months(texts[file]))
    return out


def only_months(texts: Iterable[str]) -> bool:
    """Whether nearly all dates of a column name a month without a day."""
    given = [t for t in texts if not empty_date(t)]
    return bool(given) and sum(month_only(t) for t in given) >= _LEAST_MONTHS * len(given)


def _year_question(file: str, mark: str, example: str) -> AmbiguityError:
    line = f'date_format = "%y{mark}%m{mark}%d"'
    return AmbiguityError(
        Text(
            f"Похоже, в датах год стоит первым, двумя цифрами (например, {example})",
            f"The dates seem to begin with a year of two digits (for example {example})",
        ),
        where=file,
        answer=f"[reading]\n{line}",
        means=Text("первым стоит год", "the year comes first"),
        others=(
            Answer(Text("первым стоит день", "the day comes first"), f'[reading]\ndate_format = "dd{mark}mm{mark}yy"'),
        ),
        todo=Text(
            f'Добавьте в audit.toml, раздел [reading]: {line} (или "dd{mark}mm{mark}yy", если первым стоит день)',
            f'Add to audit.toml, section [reading]: {line} (or "dd{mark}mm{mark}yy" if the day comes first)',
        ),
    )


def _rest_is_american(texts: Iterable[str]) -> bool:
    """Whether dates with points all have parts up to 12, while all others are 03/25/2024: Excel had the file before.

    It understood 03/05/2024 as the third of May and saved it as CSV in its own way, 03.05.2024.
    """
    found = {
        (form.mark == ".", form.first, form.second)
        for text in texts
        if (value := clean_text(text)) and (form := date_form(value)) is not None
    }
    rest = [second for pointed, _, second in found if not pointed]
    return len(rest) >= _LEAST_DATES <= len(found) - len(rest) and min(rest) > 12


def _question(file: str, example: str, *, both: bool, likely: str = "dd/mm/yyyy") -> AmbiguityError:
    if both:
        what = Text(
            f"В файле есть и даты «день/месяц», и даты «месяц/день» (например, {example})",
            f"The file has both day/month and month/day dates (for example {example})",
        )
    else:
        what = Text(
            f"По датам не видно, где день, а где месяц (например, {example})",
            f"The dates do not show which part is the day and which the month (for example {example})",
        )
    means = {
        "dd/mm/yyyy": Text("первым стоит день", "the day comes first"),
        "mm/dd/yyyy": Text("первым стоит месяц", "the month comes first"),
    }
    other = "mm/dd/yyyy" if likely == "dd/mm/yyyy" else "dd/mm/yyyy"
    return AmbiguityError(
        what,
        where=file,
        answer=f'[reading]\ndate_format = "{likely}"',
        means=means[likely],
        others=(Answer(means[other], f'[reading]\ndate_format = "{other}"'),),
        todo=Text(
            f'Добавьте в audit.toml, раздел [reading]: date_format = "{likely}" (или "{other}")',
            f'Add to audit.toml, section [reading]: date_format = "{likely}" (or "{other}")',
        ),
    )
