"""Reports with several levels of groups: manager → client → order, month → client → order, client → order → item.

The rows of such a report stand under one another in one column (or each level in a column of its own); only the
deepest are lines, all others say what the lines below them have in common. Where a row stands in the tree is taken
from outline levels of the workbook, from blanks before its text, from the column it fills, or, where the report shows
none of these, from its dated rows. What a level is follows from the labels stacked in the header or from its values;
where neither tells, ``[reading] groups`` is asked for. Sums of the groups are compared with their lines afterwards.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from audit.errors import AmbiguityError, InputError, Lang, Text
from audit.intake.clients import valid_inn
from audit.intake.headers import match_header, normalise_header
from audit.intake.layout import Layout, is_unit, is_value
from audit.intake.staging import NUMBER_FIELDS, Row, Staged, StageWriter
from audit.intake.store import Store
from audit.intake.values import (
    BLANKS,
    DateRule,
    is_bare_total,
    is_page_line,
    is_subtotal,
    is_total,
    month_only,
    parse_date,
    parse_number,
    total_of,
)
from audit.model.intake_report import ControlSum
from audit.model.orders import field_name
from audit.settings import Settings

__all__ = [
    "DATE_INSIDE",
    "GroupRow",
    "Grouping",
    "datelike",
    "find_grouping",
    "group_sums",
    "groups_add_up",
    "stage_grouped",
]

DATE_INSIDE = re.compile(r"\b(?:от|dated)\s+\d{1,2}[ ./-]")
"""«Заказ клиента 0000-000123 от 01.02.2024»: a document's number that carries its date."""
NOT_USED = "-"
"""A level that is none of our fields: warehouse, price list."""

_PERIOD = re.compile(
    r"(январ|феврал|март|апрел|ма[йя]|июн|июл|август|сентябр|октябр|ноябр|декабр|january|february|march|april|may|june|"
    r"july|august|september|october|november|december)\w*\s+\d{4}\s*(г(\.|ода?)?)?|"
    r"([1-4IV]+)\s*(-?й\s*)?(квартал|кв\.?|quarter)\s+\d{4}\s*(г\.?|года?)?|(19|20)\d{2}\s*(г\.?|год)?|"
    r"(нед(еля|\.)?|week)\s*\d.*",
    re.IGNORECASE,
)
_PERIOD_LABELS = frozenset({"месяц", "квартал", "год", "неделя", "день", "период", "month", "quarter", "year", "week"})
_LEGAL = re.compile(
    r"\b(ооо|оао|зао|пао|нао|ао|ип|тоо|чп|гуп|муп|фгуп|нпо|тд|гк|llc|ltd|inc|corp|gmbh|plc)\b", re.IGNORECASE
)
_PERSON = re.compile(
    r"[А-ЯЁ][а-яё]+(-[А-ЯЁ][а-яё]+)?\s+([А-ЯЁ]\.\s?([А-ЯЁ]\.)?|[А-ЯЁ][а-яё]+\s+[А-ЯЁ][а-яё]*(вич|вна|ична|ьич|оглы|кызы))"
    r"(\s*\([^)]*\))?"
)
_LEAST_SHARE = 0.8
"""Share of a level's texts that must look alike for its values to tell what it is."""
_MOST_LEVELS = 8

How = Literal["outline", "blanks", "columns", "pairs", "dated", "sums"]
_HOW: Mapping[str, Text] = {
    "outline": Text("по группировке строк книги", "by the outline of the workbook"),
    "blanks": Text("по отступам", "by indentation"),
    "columns": Text("по столбцам", "by columns"),
    "pairs": Text("по строкам с датой", "by the dated rows"),
    "dated": Text("по строкам с датой", "by the dated rows"),
    "sums": Text("по датам и суммам", "by dates and sums"),
}


@dataclass(frozen=True, slots=True)
class Grouping:
    """How a grouped report is read. ``levels`` names the field of every level, outermost first; the last are lines."""

    how: How
    levels: tuple[str, ...]
    columns: tuple[int, ...]
    """Column in which the text of each level stands."""
    depths: tuple[int, ...]
    """Outline level, or number of blanks, of each level; empty where neither is used."""
    first_row: int
    """Number of the first row below all header rows."""
    labels: tuple[str, ...]
    """Labels that stand in the header for the levels; empty where there are none."""
    told_by: Literal["labels", "values", "settings"]
    examples: tuple[str, ...] = ()
    filled: frozenset[int] = frozenset()
    """Of two levels: the columns that lines fill with words; a row that fills one is no group."""

    def named(self) -> Text:
        """Say what the levels are, from the outermost."""
        ru = " → ".join("не используется" if f == NOT_USED else field_name(f).ru for f in self.levels)
        en = " → ".join("not used" if f == NOT_USED else field_name(f).en for f in self.levels)
        return Text(ru, en)

    def words(self) -> Text:
        """Say what the levels are and how they were told apart."""
        named, how = self.named(), _HOW[self.how]
        return Text(
            f"отчёт с группировками: {named.ru} (уровни определены {how.ru})",
            f"a grouped report: {named.en} (levels told {how.en})",
        )

    def answer(self) -> str:
        """Return the settings line that fixes the levels."""
        return "[reading]\ngroups = [" + ", ".join(f'"{f}"' for f in self.levels) + "]"


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group of the report: its row, its level from 0, its text."""

    row: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is known of the columns while levels are sought."""

    date: int | None
    number: int | None
    amount: int | None
    client: tuple[int, ...]


def datelike(text: str) -> bool:
    """Whether a cell may hold a date: «01.02.2024», «1 фев 2024», a spreadsheet's serial number."""
    digits = sum(c.isdigit() for c in text)
    if any(c.isalpha() for c in text):
        return digits >= 3 and _spelt_date(text)
    if text.count(".") == 2 or text.count("/") == 2 or text.count("-") == 2:
        return digits >= 4
    return digits == 5 and text[:5].isdigit()


@lru_cache(maxsize=20_000)
def _spelt_date(text: str) -> bool:
    return month_only(text) or parse_date(text, DateRule()) is not None


def _cell(cells: Sequence[str], i: int | None) -> str:
    return cells[i].strip(BLANKS) if i is not None and i < len(cells) else ""


def _sum(cells: Sequence[str], i: int | None) -> Decimal | None:
    """The amount of a row whichever decimal mark it has; sums of one report are only compared with one another."""
    text = _cell(cells, i)
    if not text:
        return None
    comma, point = parse_number(text, ","), parse_number(text, ".")
    return comma if comma is not None else point


# -- is it one -----------------------------------------------------------------------------------------------------


def find_grouping(
    rows: Sequence[Row],
    layout: Layout,
    chosen: Mapping[str, int],
    settings: Settings,
    outline: Mapping[int, int],
    known_person: Callable[[str], bool],
    name: str,
) -> Grouping | None:
    """Return how a report with groups is to be read; None for a plain table.

    ``outline`` holds the outline level of the rows that have one. Raise `AmbiguityError` where it is not plain what a
    level is.
    """
    columns = _Columns(
        chosen.get("order_date"),
        chosen.get("order_id"),
        chosen.get("amount"),
        tuple(chosen[f] for f in ("client_id", "client") if f in chosen),
    )
    main, labels, first_row = _stacked_labels(rows, layout)
    body = [(n, c) for n, c in rows if n >= first_row and any(x.strip(BLANKS) for x in c)]
    body = [(n, c) for n, c in body if not _is_total_row(c) and _cell(c, main) not in labels]
    if len(body) < 3:
        return None
    asked = len(settings.reading.groups or ())
    found = (
        _by_depth(body, main, columns, outline)
        or _by_columns(body, chosen, columns)
        or _by_dates(body, main, columns)
        or _by_dated_columns(body, chosen.get("client", main), columns, asked)
    )
    if found is None:
        return _pairs(body, main, chosen, columns, first_row, labels, known_person, name)
    how, level_columns, depths, count = found
    draft = Grouping(how, (NOT_USED,) * count, level_columns, depths, first_row, labels, "values")
    texts: list[list[str]] = [[] for _ in range(count)]
    for _, cells, level in _walk(iter(body), draft, columns, outline):
        text = _cell(cells, level_columns[level]) if level is not None else ""
        if level is not None and text and len(texts[level]) < 300:
            texts[level].append(text)
    return _name_levels(draft, texts, chosen, settings, known_person, name)


def _pairs(
    body: Sequence[Row],
    main: int,
    chosen: Mapping[str, int],
    columns: _Columns,
    first_row: int,
    labels: tuple[str, ...],
    known_person: Callable[[str], bool],
    name: str,
) -> Grouping | None:
    """Two levels: clients in rows of their own above their orders.

    So it is when most dated rows name no client while rows without a date have a text and nothing else but numbers and
    what the dated rows leave to them (the client's ИНН, manager, region).
    """
    at = chosen.get("client", main)
    nameless = [i for i in range(main) if any(_cell(c, i) for _, c in body)]
    if (
        "client" not in chosen
        and nameless
        and not any(_dated(c, columns, nameless[0]) and _cell(c, nameless[0]) for _, c in body)
    ):
        at = nameless[0]  # QuickBooks: the groups stand in a column without a header
    lines = [c for _, c in body if _dated(c, columns, at)]
    known = [i for f, i in chosen.items() if f in ("client", "client_id", "legal_entity") and i != at]
    if not lines or any(sum(bool(_cell(c, i)) for c in lines) > len(lines) / 2 for i in known):
        return None
    named = sum(bool(_cell(c, at)) for c in lines)
    documents = sum(bool(DATE_INSIDE.search(_cell(c, at))) for c in lines)
    if "client" in chosen and named > len(lines) / 2 and documents <= len(lines) / 2:
        return None
    width = max(len(c) for c in lines)
    filled = {i for i in range(width) if i != at and sum(_is_word(_cell(c, i)) for c in lines) > len(lines) / 2}
    filled |= {i for i in (columns.date, columns.number) if i is not None and i != at}
    others = [c for _, c in body if not _dated(c, columns, at)]
    if not any(
        _cell(c, at) and not is_page_line(_cell(c, at)) and not any(_cell(c, i) for i in filled) for c in others
    ):
        return None
    number = columns.number if columns.number is not None else columns.date
    leaf = at if documents or number is None else number
    field = "order_id" if leaf in (at, columns.number) else "order_date"
    texts = [t for c in others if (t := _cell(c, at)) and not any(_cell(c, i) for i in filled)]
    of = _pair_of(labels, texts, at in chosen.values(), known_person)
    return Grouping("pairs", (of, field), (at, leaf), (), first_row, labels, "labels", filled=frozenset(filled))


def _pair_of(labels: Sequence[str], texts: Sequence[str], headed: bool, known_person: Callable[[str], bool]) -> str:
    """Field of the groups of a report of two levels: what its label says; under no or another label, persons are managers."""
    said = next((f for label in labels if (f := _label_field(label))), None) if headed else None
    persons = sum(map(known_person, dict.fromkeys(texts))) >= _LEAST_SHARE * len(dict.fromkeys(texts)) > 0
    if persons and said in (None, "client", "order_id"):
        return "manager"
    if said in (None, "order_id"):
        return _kind(texts, known_person) or "client"
    return said if said in ("client", "client_id", "legal_entity", "manager", "sku", "sku_group") else "client"


def groups_add_up(rows: Iterable[Row], g: Grouping, chosen: Mapping[str, int]) -> bool:
    """Whether the groups of a report of two levels may be that: their sums are those of their lines, or all off alike (VAT).

    Else some of them are lines of a document, or groups of groups.
    """
    columns = _Columns(chosen.get("order_date"), chosen.get("order_id"), chosen.get("amount"), ())
    found: list[tuple[Decimal, Decimal]] = []
    for _, cells, level in _walk(iter(rows), g, columns, {}):
        amount = _sum(cells, columns.amount)
        if level == 0 and amount is not None:
            found.append((amount, Decimal(0)))
        elif level == 1 and found:
            found[-1] = (found[-1][0], found[-1][1] + (amount or 0))
    whole = found[:-1]  # the sample may end inside the last group
    wrong = [
        (stated, counted)
        for stated, counted in whole
        if abs(stated - counted) > max(abs(stated) / 100, Decimal("0.05"))
    ]
    if any(stated and not counted for stated, counted in wrong) and len(whole) >= 2:
        return False
    ratios = [stated / counted for stated, counted in wrong if counted]
    alike = len(ratios) == len(wrong) == len(whole) and max(ratios, default=0) - min(ratios, default=0) < Decimal(
        "0.01"
    )
    return len(whole) < 3 or alike or len(wrong) <= len(whole) * 0.4


def _is_word(text: str) -> bool:
    return bool(text) and not is_value(text)


def _is_total_row(cells: Sequence[str]) -> bool:
    return any(is_total(t) or is_subtotal(t) for c in cells if (t := c.strip(BLANKS)))


def _stacked_labels(rows: Sequence[Row], layout: Layout) -> tuple[int, tuple[str, ...], int]:
    """Return the column of the groups, the labels stacked in it in the header, and where the body begins.

    1C writes one label per level into the first column of the header: «Менеджер», below it «Контрагент», «Документ».
    """
    by_number = dict(rows)
    first = next((j for j, h in enumerate(layout.headers) if h), 0)
    parents = layout.parents or ("",) * len(layout.headers)
    labels = [t for t in (parents[first] if first < len(parents) else "", layout.headers[first]) if t]
    at = layout.header_row - len(labels)
    while at in by_number and _is_label_row(by_number[at], first):
        labels.insert(0, _cell(by_number[at], first))
        at -= 1
    at = layout.header_row + 1
    while at in by_number and _is_label_row(by_number[at], first):
        labels.append(_cell(by_number[at], first))
        at += 1
    return first, tuple(labels), max(at, layout.first_row)


def _is_label_row(cells: Sequence[str], column: int) -> bool:
    """Whether a row holds one label and nothing else but units."""
    text = _cell(cells, column)
    alone = not any(c.strip(BLANKS) and not is_unit(c.strip(BLANKS)) for j, c in enumerate(cells) if j != column)
    return alone and bool(text) and _label_field(text) is not None


def _label_field(label: str) -> str | None:
    words = normalise_header(label)[0]
    if words in _PERIOD_LABELS or any(w in _PERIOD_LABELS for w in words.split()):
        return "order_date"
    return match_header(label).field


_Found = tuple[How, tuple[int, ...], tuple[int, ...], int]


def _lines_lack_client(lines: Sequence[Sequence[str]], columns: _Columns, own: int) -> bool:
    """Whether lines do not say themselves who the client is, but for the column of the groups."""
    others = [i for i in columns.client if i != own]
    return bool(lines) and sum(any(_cell(c, i) for i in others) for c in lines) <= len(lines) / 2


def _by_depth(body: Sequence[Row], main: int, columns: _Columns, outline: Mapping[int, int]) -> _Found | None:
    """Three depths or more, by the workbook's outline or by blanks before the text."""
    ways: tuple[How, How] = ("outline", "blanks")
    for how in ways:
        depths = [_depth(n, c, main, outline, how) for n, c in body if _cell(c, main)]
        ladder = tuple(sorted(set(depths)))
        if not 3 <= len(ladder) <= _MOST_LEVELS or len(depths) < len(body) * 0.9:
            continue
        texts = [_cell(c, main) for _, c in body if _cell(c, main)]
        if sum(is_value(t) and not _is_period(t) for t in texts) > len(texts) * 0.2:
            continue  # numbers set to the right, not a tree
        lines = [c for n, c in body if _depth(n, c, main, outline, how) == ladder[-1]]
        # Going deeper, a tree never skips a step.
        steps = list(pairwise(depths))
        skipped = sum(ladder.index(b) - ladder.index(a) > 1 for a, b in steps)
        if skipped <= len(steps) * 0.02 and _lines_lack_client(lines, columns, main):
            return how, (main,) * len(ladder), ladder, len(ladder)
    return None


def _depth(number: int, cells: Sequence[str], main: int, outline: Mapping[int, int], how: str) -> int:
    if how == "outline":
        return outline.get(number, 0)
    text = cells[main] if main < len(cells) else ""
    return len(text) - len(text.lstrip(BLANKS))


def _is_period(text: str) -> bool:
    return bool(_PERIOD.fullmatch(text)) or datelike(text)


def _dated(cells: Sequence[str], columns: _Columns, main: int) -> bool:
    return datelike(_cell(cells, columns.date)) or any(
        DATE_INSIDE.search(_cell(cells, i)) for i in (columns.number, main) if i is not None
    )


_STAGGERED = (
    "organization",
    "department",
    "region",
    "segment",
    "holding",
    "manager",
    "client",
    "client_id",
    "legal_entity",
    "order_id",
    "sku_group",
)


def _by_columns(body: Sequence[Row], chosen: Mapping[str, int], columns: _Columns) -> _Found | None:
    """Every level in a column of its own: a group row fills that one and numbers, a line fills none of them."""
    places = sorted(chosen[f] for f in _STAGGERED if f in chosen)
    groups: dict[int, int] = {}
    lines: list[Sequence[str]] = []
    for _, cells in body:
        if datelike(_cell(cells, columns.date)) or DATE_INSIDE.search(_cell(cells, columns.number)):
            lines.append(cells)
            continue
        texts = [i for i, c in enumerate(cells) if c.strip(BLANKS) and not is_value(c)]
        if len(texts) == 1 and texts[0] in places:
            groups[texts[0]] = groups.get(texts[0], 0) + 1
    if len(groups) < 2 or not lines or columns.date in groups or columns.number in groups:
        return None
    used = tuple(sorted(groups))
    if any(sum(bool(_cell(c, i)) for c in lines) > len(lines) / 2 for i in used):
        return None
    leaf = columns.number if columns.number is not None else columns.date
    return "columns", (*used, leaf if leaf is not None else used[-1]), (), len(used) + 1


def _by_dates(body: Sequence[Row], main: int, columns: _Columns) -> _Found | None:
    """No outward sign of levels: documents with dates, and between them rows that have a text and numbers only."""
    dated = [_dated(c, columns, main) for _, c in body]
    lines = [c for (_, c), d in zip(body, dated, strict=True) if d]
    if not lines or not DATE_INSIDE.search(_cell(lines[0], main)) or not _lines_lack_client(lines, columns, main):
        return None
    width = max(len(c) for _, c in body)
    taken = {i for i in range(width) if i != main and any(_is_word(_cell(c, i)) for c in lines)}
    for (_, cells), d in zip(body, dated, strict=True):
        if not d and any(_cell(cells, i) for i in taken):
            return None
    runs = _runs(dated)
    above, longest = runs[0], max(runs)
    amounts = [(d, _sum(c, columns.amount)) for (_, c), d in zip(body, dated, strict=True)]
    if above >= 1 and max(runs[1:], default=0) > 0 and _one_sum_each(amounts, above):
        return "sums", (main,) * (above + 2), (), above + 2
    if above >= 2 and above >= longest:
        return "dated", (main,) * (above + 1), (), above + 1
    return None


def _by_dated_columns(body: Sequence[Row], at: int, columns: _Columns, asked: int) -> _Found | None:
    """The same, dates in a column of their own: two groups or more above the first line, the outer sums those of the inner.

    ``asked`` is the number of levels that the settings name: then the sums are not needed.
    """
    if columns.date is None or columns.date == at:
        return None
    dated = [_dated(c, columns, at) for _, c in body]
    lines = [c for (_, c), d in zip(body, dated, strict=True) if d]
    if not lines or not _lines_lack_client(lines, columns, at):
        return None
    words = [t for c in lines if (t := _cell(c, at))]
    if len(words) > len(lines) / 2 and len(set(words)) > max(2, len(lines) / 2):
        return None  # a plain list: every line names its client
    width = max(len(c) for _, c in body)
    taken = {i for i in range(width) if i != at and sum(_is_word(_cell(c, i)) for c in lines) > len(lines) / 2}
    taken |= {i for i in (columns.date, columns.number) if i is not None and i != at}
    groups = [(c, d) for (_, c), d in zip(body, dated, strict=True)]
    if any(not d and (not _cell(c, at) or any(_cell(c, i) for i in taken)) for c, d in groups):
        return None
    runs = _runs(dated)
    above = runs[0]
    if above < 2 or above < max(runs) or not (asked == above + 1 or _outer_sums_hold(groups, above, columns)):
        return None
    return "dated", (at,) * (above + 1), (), above + 1


def _outer_sums_hold(rows: Sequence[tuple[Sequence[str], bool]], above: int, columns: _Columns) -> bool:
    """Whether the sum of nearly every outermost group is that of its lines; where none has a sum, whether there are several."""
    run: list[Decimal | None] = []
    outer: list[tuple[Decimal | None, Decimal]] = []
    for cells, dated in rows:
        amount = _sum(cells, columns.amount)
        if not dated:
            run.append(amount)
            continue
        if len(run) == above:
            outer.append((run[0], Decimal(0)))
        run = []
        outer[-1] = (outer[-1][0], outer[-1][1] + (amount or 0))
    stated = [(said, counted) for said, counted in outer if said is not None]
    if not stated:
        return len(outer) >= 2
    known = stated[:-1] or stated  # the sample may end inside the last group
    return sum(
        abs(said - counted) <= max(abs(said) / 100, Decimal("0.05")) for said, counted in known
    ) >= _LEAST_SHARE * len(known)


def _runs(dated: Sequence[bool]) -> list[int]:
    """Number of undated rows before every dated one."""
    out, run = [], 0
    for d in dated:
        if d:
            out.append(run)
            run = 0
        else:
            run += 1
    return out


def _one_sum_each(rows: Sequence[tuple[bool, Decimal | None]], above: int) -> bool:
    """Whether undated rows can be told apart by sums: a document's items add up to it, then come group rows.

    ``rows`` are (dated, amount); at most the last document may be cut off by the end of the sample.
    """
    left: Decimal | None = None
    groups = 0
    documents = wrong = 0
    for dated, amount in rows:
        if dated:
            wrong += left is not None and left != 0
            left = amount
            documents += 1
            groups = 0
        elif left is not None and left != 0:
            if amount is None or abs(amount) > abs(left) + Decimal("0.05"):
                wrong += 1
                left = Decimal(0)
            else:
                left -= amount
                left = Decimal(0) if abs(left) <= Decimal("0.05") else left
        else:
            groups += 1
            wrong += groups > above
    return documents >= 2 and wrong == 0


# -- walking the tree ----------------------------------------------------------------------------------------------

_Step = tuple[int, Sequence[str], int | None]
"""Row number, cells, level; None for a row that is no part of the tree (blank, total, repeated label)."""


def _walk(rows: Iterator[Row], g: Grouping, columns: _Columns, outline: Mapping[int, int]) -> Iterator[_Step]:
    """All rows with their levels; the total that closes a group («Total Alpha LLC», «ООО Альфа Итог») has none."""
    open_: dict[int, str] = {}
    for number, cells, level in _levels(rows, g, columns, outline):
        text = "" if level is None else _cell(cells, g.columns[level])
        if level is not None and level < len(g.levels) - 1 and (of := total_of(text)) and of in open_.values():
            yield number, cells, None
            continue
        if level is not None:
            open_[level] = text
        yield number, cells, level


def _levels(rows: Iterator[Row], g: Grouping, columns: _Columns, outline: Mapping[int, int]) -> Iterator[_Step]:
    if g.how == "pairs":
        yield from _walk_pairs(rows, g, columns)
    elif g.how in ("outline", "blanks"):
        yield from _walk_depths(rows, g, outline)
    elif g.how == "columns":
        yield from _walk_columns(rows, g, columns)
    else:
        yield from _walk_dates(rows, g, columns)


def _outside(cells: Sequence[str], g: Grouping) -> bool:
    text = _cell(cells, g.columns[0])
    filled = [c.strip(BLANKS) for c in cells if c.strip(BLANKS)]
    if not filled or _is_total_row(cells) or (len(filled) == 1 and is_page_line(filled[0])):
        return True
    return bool(g.labels) and text in g.labels


def _walk_pairs(rows: Iterator[Row], g: Grouping, columns: _Columns) -> Iterator[_Step]:
    """A row without a date that fills none of the lines' columns is a group, though its text be missing.

    One named like a total («Total Energies») is a group where its sum is that of the lines below it.
    """
    held: Row | None = None
    below: list[Row] = []

    def settled() -> Iterator[_Step]:
        if held is not None:
            stated = _sum(held[1], columns.amount)
            counted = sum((_sum(cells, columns.amount) or Decimal(0) for _, cells in below), Decimal(0))
            yield *held, 0 if below and stated is not None and abs(stated - counted) <= Decimal("0.05") else None
            yield from ((number, cells, 1) for number, cells in below)
            below.clear()

    for number, cells in rows:
        if _dated(cells, columns, g.columns[0]):
            if held is None:
                yield number, cells, 1
            else:
                below.append((number, cells))
            continue
        yield from settled()
        text = _cell(cells, g.columns[0])
        held = (number, cells) if _is_total_row([text]) and not is_bare_total(text) else None
        if held is None:
            level = 1 if any(_cell(cells, i) for i in g.filled) else 0
            yield number, cells, None if _outside(cells, g) else level
    yield from settled()


def _walk_depths(rows: Iterator[Row], g: Grouping, outline: Mapping[int, int]) -> Iterator[_Step]:
    main = g.columns[0]
    for number, cells in rows:
        if _outside(cells, g) or not _cell(cells, main):
            yield number, cells, None
            continue
        depth = _depth(number, cells, main, outline, g.how)
        yield number, cells, max((i for i, d in enumerate(g.depths) if d <= depth), default=0)


def _walk_columns(rows: Iterator[Row], g: Grouping, columns: _Columns) -> Iterator[_Step]:
    last = len(g.levels) - 1
    for number, cells in rows:
        if _outside(cells, g):
            yield number, cells, None
            continue
        texts = [i for i, c in enumerate(cells) if c.strip(BLANKS) and not is_value(c)]
        dated = datelike(_cell(cells, columns.date)) or DATE_INSIDE.search(_cell(cells, columns.number))
        if not dated and len(texts) == 1 and texts[0] in g.columns[:last]:
            yield number, cells, g.columns.index(texts[0])
        else:
            yield number, cells, last


def _walk_dates(rows: Iterator[Row], g: Grouping, columns: _Columns) -> Iterator[_Step]:
    """Rows between documents: how many stand together tells their levels, sums tell the items of a document."""
    document = len(g.levels) - (2 if g.how == "sums" else 1)
    waiting: list[Row] = []
    left = Decimal(0)

    def levels_above() -> Iterator[_Step]:
        for i, (number, cells) in enumerate(waiting):
            yield number, cells, max(document - len(waiting) + i, 0)
        waiting.clear()

    for number, cells in rows:
        if _outside(cells, g):
            yield from levels_above()
            yield number, cells, None
        elif _dated(cells, columns, g.columns[0]):
            yield from levels_above()
            yield number, cells, document
            left = (_sum(cells, columns.amount) or Decimal(0)) if g.how == "sums" else Decimal(0)
        elif abs(left) > Decimal("0.05"):
            left -= _sum(cells, columns.amount) or Decimal(0)
            yield number, cells, document + 1
        else:
            waiting.append((number, list(cells)))
    yield from levels_above()


# -- what the levels are -------------------------------------------------------------------------------------------


def _name_levels(
    draft: Grouping,
    texts: Sequence[Sequence[str]],
    chosen: Mapping[str, int],
    settings: Settings,
    known_person: Callable[[str], bool],
    name: str,
) -> Grouping:
    count = len(draft.levels)
    examples = tuple(", ".join(f"«{t}»" for t in list(dict.fromkeys(level))[:2]) for level in texts)
    asked = settings.reading.groups
    if asked is not None:
        if len(asked) != count:
            raise _wrong_number(asked, examples, name)
        return replace(draft, levels=tuple(asked), told_by="settings", examples=examples)
    if draft.how == "columns":
        by_column = {i: f for f, i in chosen.items()}
        return replace(draft, levels=tuple(by_column[i] for i in draft.columns), told_by="labels", examples=examples)
    if len(draft.labels) == count:
        fields = tuple(_label_field(label) or NOT_USED for label in draft.labels)
        if {"client", "client_id", "legal_entity"} & set(fields):
            return replace(draft, levels=fields, told_by="labels", examples=examples)
    seen = _told_apart([_kind(level, known_person) for level in texts], texts, draft.labels)
    fields_seen = [f or NOT_USED for f in seen]
    plain = all(f is not None for f in seen[:-1]) and len({f for f in seen if f}) == sum(f is not None for f in seen)
    document = seen.index("order_id") if "order_id" in seen else None
    if document is not None and document == count - 2 and seen[-1] is None:
        fields_seen[-1] = "sku"  # what stands under a document are its items
    elif seen[-1] is None and not texts[-1] and "order_id" in chosen:
        fields_seen[-1] = "order_id"
    elif seen[-1] is None and not {"order_date"} & set(chosen):
        plain = False
    if plain and {"client", "client_id"} & set(fields_seen):
        return replace(draft, levels=tuple(fields_seen), examples=examples)
    proposed = replace(draft, levels=tuple(_best_guess(fields_seen)))
    raise AmbiguityError(
        Text(
            f"Отчёт с группировками, уровней {count}; что стоит на каждом, по файлу не видно: {_listed(examples)}",
            f"A grouped report of {count} levels; the file does not show what each of them is: {_listed(examples)}",
        ),
        where=name,
        answer=proposed.answer(),
        means=proposed.named(),
        todo=Text(
            "Назовите уровни сверху вниз в audit.toml, раздел [reading], ключ groups; «-» — уровень не нужен. "
            "Или выгрузите список без группировок («Ещё → Вывести список»)",
            "Name the levels from the outermost in audit.toml, section [reading], key groups; “-” for a level that is "
            "not needed. Or export a plain list (More → Output list)",
        ),
    )


def _told_apart(seen: list[str | None], texts: Sequence[Sequence[str]], labels: Sequence[str]) -> list[str | None]:
    """Add what levels show beside one another: few persons above many clients, above the documents or the dated lines.

    One label over several levels is that of the outermost, or says «Контрагент» wherever the client stands.
    """
    distinct = [list(dict.fromkeys(level)) for level in texts]
    said = _label_field(labels[0]) if len(labels) == 1 else None
    document = seen.index("order_id") if "order_id" in seen else len(seen) - 1
    if said == "manager" and seen[0] is None:
        seen[0] = "manager"
    for at in range(document - 1):
        few = len(distinct[at]) < len(distinct[document - 1])
        if (
            seen[at] is None
            and few
            and distinct[at]
            and all(map(_TWO_NAMES.fullmatch, distinct[at]))
            and "manager" not in seen
        ):
            seen[at] = "manager"
    inner = document - 1
    if inner > 0 and seen[inner] is None and not {"client", "client_id"} & set(seen) and all(seen[:inner]):
        seen[inner] = "client"
    return seen


_TWO_NAMES = re.compile(r"[A-ZА-ЯЁІЇЄҐ][^\W\d_]+(?:-[^\W\d_]+)?\s+[A-ZА-ЯЁІЇЄҐ][^\W\d_]+(?:\s+[A-ZА-ЯЁІЇЄҐ][^\W\d_]+)?")
"""Name and surname: persons where there are few of them and groups stand below each."""


def _kind(texts: Sequence[str], known_person: Callable[[str], bool]) -> str | None:
    """Field that the values of a level show; None where they show none."""
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return None

    def share(test: Callable[[str], Any]) -> float:
        return sum(bool(test(t)) for t in distinct) / len(distinct)

    if share(DATE_INSIDE.search) >= _LEAST_SHARE:
        return "order_id"
    if share(_is_period) >= _LEAST_SHARE:
        return "order_date"
    if share(valid_inn) >= _LEAST_SHARE:
        return "client_id"
    legal = share(_LEGAL.search)
    persons = share(lambda t: known_person(t) or (_PERSON.fullmatch(t) and not _LEGAL.search(t)))
    if persons >= _LEAST_SHARE and legal < 0.2:
        return "manager"
    return "client" if legal >= 0.5 else None


def _best_guess(seen: Sequence[str]) -> list[str]:
    """Fill in what is not known for the line that the user will correct."""
    out = list(seen)
    document = out.index("order_id") if "order_id" in out else len(out) - 1
    if "order_id" not in out:
        out[document] = "order_id"
    for wanted in ("client", "manager"):
        free = [i for i in range(document) if out[i] == NOT_USED]
        if wanted not in out and not (wanted == "client" and "client_id" in out) and free:
            out[free[-1]] = wanted
    return out


def _listed(examples: Iterable[str]) -> str:
    return "; ".join(f"{i} — {e}" for i, e in enumerate(examples, 1))


def _wrong_number(asked: Sequence[str], examples: Sequence[str], name: str) -> InputError:
    return InputError(
        Text(
            f"В [reading] groups уровней {len(asked)}, в отчёте их {len(examples)}: {_listed(examples)}",
            f"[reading] groups names {len(asked)} levels, the report has {len(examples)}: {_listed(examples)}",
        ),
        where=name,
        todo=Text(
            "Назовите каждый уровень сверху вниз; ненужный — «-»",
            "Name every level from the outermost; “-” for one that is not needed",
        ),
    )


# -- reading it ----------------------------------------------------------------------------------------------------


def stage_grouped(
    rows: Iterator[Row], g: Grouping, regular: Mapping[str, int], outline: Mapping[int, int], path: Path, store: Store
) -> tuple[Staged, tuple[GroupRow, ...]]:
    """Write the lines of a report with everything that their groups say; return the groups for their sums.

    ``regular`` maps fields to columns. A line takes from its groups what its own cells lack; a group row is set aside
    as such, with its numbers.
    """
    columns = _Columns(regular.get("order_date"), regular.get("order_id"), regular.get("amount"), ())
    shared = len(set(g.columns)) == 1
    own = {f: i for f, i in regular.items() if i not in set(g.columns) or not shared}
    level_fields = [f for f in dict.fromkeys(g.levels) if f != NOT_USED]
    fields = ["first", *sorted({*own, *level_fields})]
    texts = [f for f in fields[1:] if f not in NUMBER_FIELDS]
    last = len(g.levels) - 1
    carried: list[dict[str, str]] = [{} for _ in g.levels]
    groups: list[GroupRow] = []
    blank: list[int] = []
    out: list[tuple[int, str | None, str | None, Sequence[str | None]]] = []
    body = ((n, c) for n, c in rows if n >= g.first_row)
    with StageWriter(path, fields, store) as writer:
        for number, cells, level in _walk(body, g, columns, outline):
            if not any(c.strip(BLANKS) for c in cells):
                blank.append(number)  # blank rows at the very end are no rows
                continue
            out.extend((b, "blank_row", None, [None] * len(fields)) for b in blank)
            blank.clear()
            text = _cell(cells, g.columns[level if level is not None else 0])
            values: dict[str, str] = {f: _cell(cells, i) for f, i in own.items() if _cell(cells, i)}
            problem: str | None = None
            if level is None:
                problem = "repeated_header" if text in g.labels else "page_line" if is_page_line(text) else None
                if problem is None and total_of(text) and not is_total(text):
                    problem = "subtotal_row"
                values = {f: v for f, v in values.items() if f in NUMBER_FIELDS}
            else:
                field = g.levels[level]
                if field != NOT_USED and field not in values and not _month(field, text):
                    values[field] = text
                if level < last:
                    carried[level:] = [{} for _ in carried[level:]]
                    carried[level] = {f: v for f, v in values.items() if f in texts}
                    groups.append(GroupRow(number, level, text))
                    problem = "group_row"
                    values = {f: v for f, v in values.items() if f in NUMBER_FIELDS}
                else:
                    for above in reversed(carried[:last]):
                        values = {**above, **values}
            out.append((number, problem, None, [text, *(values.get(f) for f in fields[1:])]))
            if len(out) >= 20_000:
                writer.lists(out)
                out = []
        writer.lists(out)
    return writer.staged, tuple(groups)


def _month(field: str, text: str) -> bool:
    """Whether a text of a date level is a month or a year: no day of an order."""
    return field == "order_date" and bool(_PERIOD.fullmatch(text))


def group_sums(
    staged: Staged,
    groups: Sequence[GroupRow],
    g: Grouping | None,
    mark: Literal[".", ","] | None,
    name: str,
    lang: Lang,
) -> list[ControlSum]:
    """Compare the sum of every group with the lines below it; one control sum a level.

    A group without a sum of its own is not compared. Within 1 % is equal: reports round.
    """
    if g is None or mark is None or not staged.has("amount"):
        return []
    stated: dict[int, Decimal] = {}
    lines: list[tuple[int, Decimal]] = []
    tops = {group.row for group in groups}
    for batch in staged.batches():
        columns = (batch.column(c).to_pylist() for c in ("source_row", "problem", "first", "amount"))
        for row, problem, first, text in zip(*columns, strict=True):
            value = parse_number(text, mark) if text else None
            if value is not None and row in tops:
                stated[row] = value
            elif value is not None and problem is None and not is_total(first or ""):
                lines.append((row, value))
    total = Decimal(0)
    before: list[Decimal] = [total]
    for _, value in lines:
        total += value
        before.append(total)
    numbers = [row for row, _ in lines]
    ends = _ends(groups)
    out = []
    for level in range(len(g.levels) - 1):
        said = counted = Decimal(0)
        wrong: list[str] = []
        compared = 0
        for group, end in zip(groups, ends, strict=True):
            if group.level != level or group.row not in stated:
                continue
            found = before[bisect_left(numbers, end)] - before[bisect_left(numbers, group.row)]
            compared += 1
            said += stated[group.row]
            counted += found
            if abs(stated[group.row] - found) > max(abs(stated[group.row]) / 100, Decimal("0.01")):
                wrong.append(group.text)
        if compared:
            label = _level_label(g.levels[level], level, compared, wrong).get(lang)
            out.append(ControlSum(name, label, float(said), float(counted), not wrong))
    return out


def _ends(groups: Sequence[GroupRow]) -> list[int]:
    """Row at which each group ends: that of the next group of its level or above it."""
    ends = [2**62] * len(groups)
    open_: list[int] = []
    for at, group in enumerate(groups):
        while open_ and groups[open_[-1]].level >= group.level:
            ends[open_.pop()] = group.row
        open_.append(at)
    return ends


def _level_label(name: str, level: int, compared: int, wrong: Sequence[str]) -> Text:
    what = field_name(name) if name != NOT_USED else Text(f"№ {level + 1}", f"no. {level + 1}")
    text = Text(f"итоги уровня «{what.ru}»: {compared}", f"subtotals of level “{what.en}”: {compared}")
    if not wrong:
        return text
    shown = ", ".join(wrong[:3])
    return Text(f"{text.ru}, не сходятся {len(wrong)}: {shown}", f"{text.en}, {len(wrong)} do not agree: {shown}")
