"""The order of day and month in every file: decided from all its dates, or asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from audit.errors import AmbiguityError, Text
from audit.intake.values import DateRule, Order, clean_text, date_form, empty_date
from audit.settings import Reading

__all__ = ["decide_orders"]

_SHORT = re.compile(r"(\d{2})([./-])(\d{1,2})\2(\d{2})(?!\d).*")
_MOST_YEARS = 6
_LEAST_DAYS = 10

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


def decide_orders(texts: Mapping[str, Iterable[str]], reading: Reading) -> dict[str, DateRule]:
    """Decide per file how its dates are read; ``texts`` holds the distinct date texts of each file.

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
            shown = _shown([largest]) or pooled[mark]
            if asked is not None:
                order[mark] = asked
            elif mark == ".":
                order[mark] = "mdy" if shown == {"mdy"} else "dmy"
            elif len(shown) == 1:
                order[mark] = next(iter(shown))
            else:
                raise _question(file, largest[2], both=len(shown) == 2)
        out[file] = DateRule(order, pattern)
    return out


def _year_question(file: str, mark: str, example: str) -> AmbiguityError:
    line = f'date_format = "%y{mark}%m{mark}%d"'
    return AmbiguityError(
        Text(f"Похоже, в датах год стоит первым, двумя цифрами (например, {example})",
             f"The dates seem to begin with a year of two digits (for example {example})"),
        where=file, answer=f"[reading]\n{line}",
        todo=Text(f'Добавьте в audit.toml, раздел [reading]: {line} (или "dd{mark}mm{mark}yy", если первым стоит день)',
                  f'Add to audit.toml, section [reading]: {line} (or "dd{mark}mm{mark}yy" if the day comes first)'),
    )  # fmt: skip


def _question(file: str, example: str, *, both: bool) -> AmbiguityError:
    if both:
        what = Text(f"В файле есть и даты «день/месяц», и даты «месяц/день» (например, {example})",
                    f"The file has both day/month and month/day dates (for example {example})")  # fmt: skip
    else:
        what = Text(
            f"По датам не видно, где день, а где месяц (например, {example})",
            f"The dates do not show which part is the day and which the month (for example {example})",
        )
    return AmbiguityError(
        what, where=file, answer='[reading]\ndate_format = "dd/mm/yyyy"',
        todo=Text('Добавьте в audit.toml, раздел [reading]: date_format = "dd/mm/yyyy" (или "mm/dd/yyyy")',
                  'Add to audit.toml, section [reading]: date_format = "dd/mm/yyyy" (or "mm/dd/yyyy")'),
    )  # fmt: skip
