"""Tables glued one below the other: a second header whose columns stand in another order begins a table of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import dropwhile, takewhile

from audit.errors import Text
from audit.intake.delimited import DelimitedReader
from audit.intake.files import TableReader
from audit.intake.grids import GridReader
from audit.intake.headers import match_header, normalise_header
from audit.intake.layout import Layout, is_value
from audit.intake.staging import Row, Staged

__all__ = ["second_header", "split"]

_LEAST_FIELDS = 3


def second_header(reader: TableReader, layout: Layout, staged: Staged) -> int | None:
    """Return the row of the first header below the table's own that differs from it, None where there is none.

    All rows are looked at only where the column of dates holds the word of a header, or rows have too many fields.
    """
    wider = isinstance(reader, DelimitedReader) and reader.counts["field_count"]
    if not wider and not any(_is_header_word(t) for t in staged.distinct.get("order_date", ())):
        return None
    own = {_words(layout.headers), _words(layout.parents or ())}
    for number, cells in reader.every_row():
        if number < layout.first_row or _words(cells) in own:
            continue
        words = [c for c in cells if c.strip()]
        if len(words) < _LEAST_FIELDS or any(is_value(c) for c in words):
            continue
        if len({match_header(c).field for c in words} - {None}) >= _LEAST_FIELDS and _repeats(cells, layout):
            return number
    return None


def _is_header_word(text: str) -> bool:
    return not is_value(text) and match_header(text).how == "mapped"


def _words(cells: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(normalise_header(c)[0] for c in cells if c.strip())


def _repeats(cells: list[str], layout: Layout) -> bool:
    """Whether most words of a row are headers of the table above, or it opens with as many fields as that."""
    known = set(_words(layout.headers))
    words = _words(cells)
    return sum(w in known for w in words) * 2 > len(words) or len(words) >= len(known)


def split(reader: TableReader, at: int) -> tuple[GridReader, GridReader]:
    """Return the table above row ``at`` and the one that begins there."""

    def above() -> Iterator[Row]:
        return takewhile(lambda row: row[0] < at, reader.every_row())

    def below() -> Iterator[Row]:
        return dropwhile(lambda row: row[0] < at, reader.every_row())

    first, second = (
        GridReader(
            name,
            reader.format,
            rows,
            getattr(reader, "path", None),
            reader.sheet,
            reader.encoding,
            reader.delimiter,
            merged=reader.merged if rows is above else (),
        )
        for name, rows in ((reader.name, above), (f"{reader.name}#{at}", below))
    )
    first.notes.append(
        Text(
            f"{reader.name}: в строке {at} начинается таблица с другим порядком столбцов, она прочитана отдельно",
            f"{reader.name}: a table with its columns in another order begins in row {at}, it was read by itself",
        )
    )
    return first, second
