"""Where a table begins: the header among preamble rows, headers of two rows, merged cells.

The header is the first row with at least three known synonyms, else the row with the most (at least two fields of a
usable table). ``[reading] header_row`` and headers named in ``[columns]`` decide where that is not enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from audit.intake.headers import match_header, match_stacked, normalise_header
from audit.intake.staging import Row

__all__ = ["HEAD_ROWS", "Layout", "find_layout", "head_rows", "is_unit", "is_value"]

HEAD_ROWS = 120
"""How many rows are looked at for a header; 1C preambles are shorter than this."""


def head_rows(header_row: int | None) -> int:
    """Return how many first rows are needed: those for a header, or down to the one that is named, and a sample below."""
    return max(HEAD_ROWS, header_row or 0) + 80


_VALUE = re.compile(
    r"\s*+[-−–(]?\s*+\d(?:\s*+[\d.,:/\-T])*\s*+\)?\s*+(%|руб\.?|р\.|₽|г\.?|[A-Z]{3})?\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Layout:
    """A table's header. ``header_row`` and ``first_row`` are row numbers as a person sees them."""

    header_row: int
    first_row: int
    headers: tuple[str, ...]
    parents: tuple[str, ...] | None = None
    recognised: int = 0
    """Number of distinct fields recognised in the header."""
    fields: frozenset[str] = frozenset()
    """Those fields."""
    units: tuple[str, ...] = ()
    """What a row of units right under the header says of each column: «шт.», «тыс. руб.», empty."""


def is_value(text: str) -> bool:
    """Whether a cell looks like data (a number, a date, a sum of money) and not like a header word."""
    return bool(_VALUE.fullmatch(text))


def _fields(cells: Sequence[str], named: frozenset[str]) -> set[str]:
    out = set()
    for cell in cells:
        if not cell or len(cell) > 120:
            continue
        if normalise_header(cell)[0] in named:
            out.add(f"[columns] {cell}")
        elif (field := match_header(cell).field) is not None:
            out.add(field)
    return out


def find_layout(
    rows: Sequence[Row],
    columns: Mapping[str, str],
    header_row: int | None = None,
    merged: Sequence[tuple[int, int, int, int]] = (),
) -> Layout | None:
    """Find the header among the first rows of a table; None when no row looks like one.

    ``merged`` holds merged ranges as (first row, first column, last row, last column), rows as a person sees them,
    columns from 0; within them the text of the first cell counts for every cell.
    """
    named = frozenset(normalise_header(h)[0] for h in columns.values())
    filled = [(number, _fill(number, cells, merged)) for number, cells in rows[: max(HEAD_ROWS, (header_row or 0) + 1)]]
    best: tuple[int, int] | None = None
    for at, (number, cells) in enumerate(filled):
        if header_row is not None:
            if number == header_row:
                best = (len(_fields(cells, named)), at)
                break
            continue
        found = len(_fields(cells, named))
        if found >= 3:
            best = (found, at)
            break
        if found >= 2 and (best is None or found > best[0]) and not any(is_value(c) for c in cells if c):
            best = (found, at)
    if best is None and header_row is None:
        best = _report_header(filled)
    if best is None:
        return None
    return _with_units(_with_second_row(filled, best[1], best[0], rows, columns, header_row), filled)


_UNIT = re.compile(
    r"[(\[]?(?:в |in )?(?:(?:тыс|млн|млрд|т|k|mln|mio|tsd|thousands?|millions?|'?000s?)\b\.?\s*)?"
    r"(?:руб\w*|р|₽|rub|usd|us\$|\$|eur|€|евро|долл\w*|kzt|тенге|тг|₸|byn|uah|грн|gbp|£|chf|pln|cny|коп\w*|т|тн|кг|kg|шт\w*|pcs|units|ед"
    r"|уп\w*|л|м|м2|м3|м²|м³|%|t(?:eur|usd)|ч|час\w*)?\.?[)\]]?",
    re.IGNORECASE,
)
_MEASURED = frozenset({"amount", "price", "qty", "margin", "cost"})


def is_unit(text: str) -> bool:
    """Whether a cell is the unit of a column: «шт.», «тыс. руб.», «USD»."""
    return bool(_UNIT.fullmatch(text))


def _with_units(layout: Layout, filled: Sequence[tuple[int, list[str]]]) -> Layout:
    """A row below the header that holds nothing but units belongs to the header.

    One unit alone must stand under a number, or beside a label («Документ | тыс. руб.»).
    """
    cells = next((c for number, c in filled if number == layout.first_row), [])
    said = [c for c in cells if c]
    label = bool(said) and not is_unit(said[0]) and match_header(said[0]).field is not None
    units = said[label:]
    shown = ["" if label and c == said[0] else c for c in cells]
    padded = (*shown, *[""] * len(layout.headers))[: len(layout.headers)]
    measured = [match_header(h).field in _MEASURED for h, u in zip(layout.headers, padded, strict=True) if u]
    if not units or not all(is_unit(c) for c in units) or (len(said) < 2 and measured != [True]):
        return layout
    headers = list(layout.headers)
    for j in range(1, len(headers)):
        if padded[j] and padded[j - 1]:
            headers[j] = headers[j] or headers[j - 1]  # one heading over several units
    return replace(layout, first_row=layout.first_row + 1, units=padded, headers=tuple(headers))


def _report_header(filled: Sequence[tuple[int, list[str]]]) -> tuple[int, int] | None:
    """The header of a report that names little more than the sum: «Группировка | Сумма» above columns of numbers."""
    for at, (_, cells) in enumerate(filled):
        words = [c for c in cells if c]
        if len(words) < 2 or any(is_value(c) for c in words):
            continue
        for j, cell in enumerate(cells):
            if not cell or match_header(cell).field != "amount":
                continue
            below = [c[j] for _, c in filled[at + 1 : at + 41] if j < len(c) and c[j]]
            rows = sum(any(c) for _, c in filled[at + 1 : at + 41])
            if len(below) >= 2 and all(is_value(b) for b in below) and len(below) >= rows / 3:
                return 1, at
    return None


def _fill(number: int, cells: Sequence[str], merged: Sequence[tuple[int, int, int, int]]) -> list[str]:
    out = [c.strip() for c in cells]
    for top, left, bottom, right in merged:
        if top <= number <= bottom and number == top and left < len(out):
            for j in range(left + 1, min(right + 1, len(out))):
                out[j] = out[j] or out[left]
    return out


def _with_second_row(
    filled: Sequence[tuple[int, list[str]]],
    at: int,
    found: int,
    rows: Sequence[Row],
    columns: Mapping[str, str],
    header_row: int | None,
) -> Layout:
    number, cells = filled[at]
    named = frozenset(normalise_header(h)[0] for h in columns.values())
    single = Layout(number, number + 1, tuple(cells), None, found, frozenset(_fields(cells, named)))
    pairs = [(at, at + 1), (at - 1, at)]
    best = single
    for upper, lower in pairs:
        if upper < 0 or lower >= len(filled) or filled[lower][0] != filled[upper][0] + 1:
            continue
        if lower == at and (header_row is not None or sum(bool(c) for c in filled[upper][1]) < 2):
            continue  # a title above the header is no header row
        stacked = _stack(filled[upper], filled[lower], rows[upper][1], named)
        if stacked is None or stacked.recognised < best.recognised or _repeats(filled[upper][1], filled[lower][1]):
            continue
        # Labels above change what the words below mean: «Клиент» above «Наименование», «ИНН».
        if stacked.recognised > best.recognised or upper == at or "client" in stacked.fields - best.fields:
            best = stacked
    return best


def _repeats(upper: Sequence[str], lower: Sequence[str]) -> bool:
    """Whether the second row is the header once more."""
    return [c for c in upper if c] == [c for c in lower if c]


def _stack(
    upper: tuple[int, list[str]], lower: tuple[int, list[str]], upper_raw: Sequence[str], named: frozenset[str]
) -> Layout | None:
    width = max(len(upper[1]), len(lower[1]))
    top = upper[1] + [""] * (width - len(upper[1]))
    low = lower[1] + [""] * (width - len(lower[1]))
    raw = [c.strip() for c in upper_raw] + [""] * (width - len(upper_raw))
    words = [c for c in low if c]
    if not words or any(is_value(c) for c in words):
        return None
    # A second header row stands under a group label that spans several columns: at least one of its words has no
    # label of its own directly above. A row of data or a group row has no such shape.
    spans = [j for j in range(width) if low[j] and not raw[j]]
    # Or, in grouped reports of 1C, the second row names what stands under a group: «Контрагент» above «Документ».
    known = all(match_header(c).field is not None or normalise_header(c)[0] in named for c in words)
    if not (spans and len(words) >= 2) and not known:
        return None
    parents = list(top)
    for j in range(1, width):
        if not parents[j] and low[j]:
            parents[j] = parents[j - 1]
    parents = [p if low[j] else "" for j, p in enumerate(parents)]
    children = [low[j] or top[j] for j in range(width)]
    fields: set[str | None] = {
        f"[columns] {c}" if normalise_header(c)[0] in named else match_stacked(p, c).field
        for p, c in zip(parents, children, strict=True)
    }
    known_fields = frozenset(f for f in fields if f is not None)
    return Layout(lower[0], lower[0] + 1, tuple(children), tuple(parents), len(known_fields), known_fields)
