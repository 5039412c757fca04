"""A row of a table as typed values, and the problems met on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from audit.errors import Text
from audit.intake.questionnaire.cells import shown
from audit.intake.questionnaire.layout import Record
from audit.model.questionnaire import Problem

__all__ = ["Entry", "Notes", "Row"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A row as typed values with the record it came from; not ``good`` when one of its cells could not be read."""

    row: Row
    record: Record
    good: bool


class Notes:
    """Problems as they are found; the same value wrong in the same way is told once, with the number of cells.

    ``soft``: nothing stops the audit; what would have is not taken, and the text says so.
    """

    def __init__(self, *, soft: bool = False) -> None:
        self._soft = soft
        self._found: dict[tuple[str, str, str, str, bool], list[str]] = {}
        self._texts: dict[str, Text] = {}

    def add(self, table: str, cell: str, value: Any, text: Text, *, fatal: bool = True) -> None:
        """Note a problem."""
        if self._soft and fatal:
            text, fatal = Text(f"не взято: {text.ru}", f"not taken: {text.en}"), False
        self._texts[text.en] = text
        place = cell.split(":")[0].split("!")[0]
        self._found.setdefault((table, place, shown(value), text.en, fatal), []).append(cell)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note problems found elsewhere."""
        for p in problems:
            self.add(p.table, p.cell, p.value, p.text, fatal=p.fatal)

    def problems(self) -> tuple[Problem, ...]:
        """Return them in the order in which they were first met."""
        out = []
        for (table, _, value, key, fatal), cells in self._found.items():
            text = self._texts[key]
            more = len(cells) - 1
            if more:
                text = Text(f"{text.ru} (и ещё ячеек: {more})", f"{text.en} (and {more} more cells)")
            out.append(Problem(table, cells[0], value, text, fatal))
        return tuple(out)
