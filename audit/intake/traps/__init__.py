"""Traps: what a file can say other than its maker meant. One small module a trap.

A trap has a function ``look`` and stands in `registry` under the moment at which it looks:

=============  ====================================  ==========================================================
``AT_HEAD``    ``look(head, settings)``              the header of one table was found, no row was read yet
``AT_TABLE``   ``look(table, settings)``             all rows of one table are staged as text, none is understood
``AT_TABLES``  ``look(orders, settings)``            all tables are staged; what they show together
``AT_ORDERS``  ``look(orders, settings)``            the canonical lines are written
=============  ====================================  ==========================================================

It returns nothing, a note (a `Text`: read rightly, and the reader of the report should know how), or a `Question`.
Where going on would be guessing it raises `AmbiguityError` with the line that answers; where nothing can help,
`InputError`. What a trap changes in the reading is a setting, so that the line asked for and what the kit does are one
thing: a question with ``taken`` is read at once as its ``answer`` says, and only waits to be confirmed or denied. A trap
whose setting is given has nothing to ask.

Every possible answer is a line of its own: the likeliest in ``answer``, the rest in ``others``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit.errors import Text
from audit.intake.documents import toml_text
from audit.model.intake_report import Question
from audit.settings import Settings

if TYPE_CHECKING:
    from audit.intake.table import Orders, Table

__all__ = [
    "Found",
    "Head",
    "LookAtHead",
    "LookAtOrders",
    "LookAtTable",
    "column_line",
    "files_line",
    "joined",
    "reading_line",
]

Found = Question | Text | None


@dataclass(frozen=True, slots=True)
class Head:
    """A table whose header was found: its name, what stands above, the header, the first rows below."""

    name: str
    sheet: str | None
    title: Sequence[str]
    """Filled cells of the rows above the header."""
    headers: Sequence[str]
    """Headers, those of two rows as «upper / lower». Where none was found: all cells, as in ``title``."""
    sample: Sequence[Sequence[str]]


LookAtHead = Callable[[Head, Settings], Found]
LookAtTable = Callable[["Table", Settings], Found]
LookAtOrders = Callable[["Orders", Settings], Found]


def reading_line(setting: str, value: str | int | bool) -> str:
    """Return the lines of audit.toml that give a setting of [reading]."""
    return f"[reading]\n{setting} = {json.dumps(value, ensure_ascii=False)}"


def files_line(setting: str, names: Iterable[str]) -> str:
    """Return the lines of audit.toml that name files in a setting of [reading]."""
    return f"[reading]\n{setting} = [" + ", ".join(f'"{toml_text(name)}"' for name in names) + "]"


def joined(one: Question, more: Question) -> Question | None:
    """Return two questions of one kind as one whose lines name the files of both; None where they cannot be joined.

    Each line of audit.toml can stand there once only: two that give the same setting would contradict each other.
    """
    answer = _both(one.answer, more.answer)
    others = [_both(a.lines, b.lines) for a, b in zip(one.others, more.others, strict=False)]
    if (one.kind, one.taken, len(one.others)) != (more.kind, more.taken, len(more.others)) or None in (answer, *others):
        return None
    return replace(
        one,
        text=Text(f"{one.text.ru}. {more.text.ru}", f"{one.text.en}. {more.text.en}"),
        answer=answer or "",
        others=tuple(replace(a, lines=line or "") for a, line in zip(one.others, others, strict=True)),
        share=one.share + more.share,
    )


def _both(one: str, more: str) -> str | None:
    """One line that names the files of both."""
    if one == more:
        return one
    (head, _, files), (other, _, rest) = one.partition(" = ["), more.partition(" = [")
    if head != other or not files.endswith("]"):
        return None
    return f"{head} = [" + ", ".join(f for f in (files[:-1], rest[:-1]) if f) + "]"


def column_line(field: str, header: str) -> str:
    """Return the lines of audit.toml that name the column of a field."""
    return f"[columns]\n{field} = {json.dumps(header, ensure_ascii=False)}"
