"""Where a sheet's header is and which column holds which key; grids of time turned into long rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audit.errors import Text
from audit.intake.questionnaire.cells import shown, text_of
from audit.intake.questionnaire.raw import RawTable, nearest
from audit.model.questionnaire import PREFILLED_MARK, TABLES, Problem, TableSpec, fold, options

__all__ = ["Cell", "Record", "records"]

LOOK_FOR_HEADER = 12
"""Rows from the top among which the header is looked for."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value and where it stands."""

    value: Any
    where: str


@dataclass(frozen=True, slots=True)
class Record:
    """One row: key → cell, for the keys the sheet has."""

    cells: Mapping[str, Cell]
    where: str

    def value(self, key: str) -> Any:
        """Return the raw value of a key, None when the sheet lacks it."""
        cell = self.cells.get(key)
        return None if cell is None else cell.value

    def at(self, key: str) -> str:
        """Return the address of a key's cell, or of the row."""
        cell = self.cells.get(key)
        return self.where if cell is None else cell.where


@dataclass(frozen=True, slots=True)
class _Header:
    row: int
    keys: Mapping[int, str]
    """Column → key (``pack:FILE`` for a part of a list)."""
    form: bool
    """Whether the sheet is marked as filled in beforehand by the blank form."""
    unread: tuple[int, ...]


def _key_names(spec: TableSpec) -> dict[str, str]:
    names = {}
    for column in spec.columns:
        names[fold(column.key)] = column.key
        if column.kind == "list" and column.codes:
            names.update({fold(f"{column.key}:{code}"): f"{column.key}:{code}" for code in options(column)})
    return names


def _label_names(spec: TableSpec) -> dict[str, str]:
    names = _key_names(spec)
    for column in spec.columns:
        for label in (column.ru, column.en, column.key.replace("_", " ")):
            names.setdefault(fold(label), column.key)
            # The form marks required columns with a star; people shorten «Доля времени, %».
            names.setdefault(fold(label.split(",")[0].split("(")[0]), column.key)
    return names


def _plain(cell: Any) -> str:
    # The form explains a column under its label, in the same cell.
    return fold((text_of(cell) or "").split("\n")[0].rstrip("* "))


def _header(raw: RawTable, spec: TableSpec) -> _Header | None:
    """Find the header: the row with most machine keys as they are written, else the one with most labels.

    An English label differs from its key by a capital letter only, and both rows stand in the form: keys win.
    None when no row has enough of either.
    """
    keys, labels = _key_names(spec), _label_names(spec)
    required = {c.key for c in spec.columns if c.required}

    written = set(keys.values())

    def exact(cell: Any) -> str | None:
        word = text_of(cell) or ""
        return word if word in written else None

    def spelled(cell: Any) -> str | None:
        return labels.get(_plain(cell))

    for read in (exact, spelled):
        best_row = -1
        best: dict[int, str] = {}
        for i, row in enumerate(raw.rows[:LOOK_FOR_HEADER]):
            found = {c: key for c, cell in enumerate(row) if (key := read(cell)) is not None}
            if len(set(found.values())) > len(set(best.values())):
                best_row, best = i, found
        # One key is a header only when it is all the sheet needs or the sheet is a grid.
        if best and (len(set(best.values())) > 1 or required <= set(best.values()) or spec.name == "time"):
            cells = [_plain(c) for c in raw.rows[best_row]]
            unread = tuple(i for i, c in enumerate(cells) if c not in ("", PREFILLED_MARK) and i not in best)
            return _Header(best_row, best, PREFILLED_MARK in cells, unread)
    return None


def _is_empty(row: tuple[Any, ...]) -> bool:
    return all(text_of(c) is None for c in row)


def records(raw: RawTable) -> tuple[list[Record], list[Problem]]:
    """Turn a raw table into rows by key, with what is wrong about its shape.

    Empty rows are skipped. On a sheet of the blank form a row that holds nothing beyond what the form had filled in
    says nothing and is skipped too. ``time`` may be long (person, function, share), or a grid with functions down and
    persons across, or the reverse; a grid yields one row per filled cell.
    """
    spec = TABLES[raw.table]
    if all(_is_empty(row) for row in raw.rows):
        return [], []
    header = _header(raw, spec)
    if header is None:
        keys = ", ".join(c.key for c in spec.columns if c.required)
        first = next(i for i, row in enumerate(raw.rows) if not _is_empty(row))
        return [], [
            Problem(
                raw.table, raw.cell(first, 0), shown(next(c for c in raw.rows[first] if text_of(c) is not None)),
                Text(f"нет строки заголовков; нужны хотя бы столбцы: {keys}",
                     f"no header row; at least these columns are needed: {keys}"),
            )
        ]  # fmt: skip
    if raw.table == "time":
        found = set(header.keys.values())
        if "function" in found and "person" not in found:
            return _grid_of_functions(raw, header)
        if "person" in found and "function" not in found and "share" not in found:
            return _grid_of_persons(raw, header)
    return _long(raw, spec, header)


def _shape_problems(raw: RawTable, spec: TableSpec, header: _Header) -> Iterator[Problem]:
    names = _label_names(spec)
    seen: dict[str, int] = {}
    for index, key in header.keys.items():
        if key in seen:
            yield Problem(
                raw.table, raw.cell(header.row, index), key,
                Text("столбец с этим ключом встречается дважды; оставьте один",
                     "the column with this key stands twice; keep one"),
            )  # fmt: skip
        seen[key] = index
    for column in spec.columns:
        if column.required and column.key not in seen:
            yield Problem(
                raw.table, raw.cell(header.row), column.key,
                Text(f"нет обязательного столбца «{column.key}» ({column.ru})",
                     f"the required column “{column.key}” ({column.en}) is missing"),
            )  # fmt: skip
    for index in header.unread:
        value = shown(raw.rows[header.row][index])
        hit = nearest(value, names)
        ru = f"; возможно, это «{hit}»?" if hit and hit not in seen else ""
        en = f"; did you mean “{hit}”?" if hit and hit not in seen else ""
        yield Problem(
            raw.table, raw.cell(header.row, index), value,
            Text(f"такого столбца в таблице нет, он не прочитан{ru}", f"no such column, it was not read{en}"),
            fatal=False,
        )  # fmt: skip


def _long(raw: RawTable, spec: TableSpec, header: _Header) -> tuple[list[Record], list[Problem]]:
    problems = list(_shape_problems(raw, spec, header))
    width = len(raw.rows[header.row])
    out = []
    for i in range(header.row + 1, len(raw.rows)):
        row = raw.rows[i]
        if _is_empty(row):
            continue
        if not raw.sheet and len(row) > width and not _is_empty(row[width:]):
            problems.append(
                Problem(
                    raw.table, raw.cell(i), shown(";".join(row)),
                    Text(f"в строке {len(row)} значений, а в заголовке {width}; значения с разделителем внутри "
                         "возьмите в кавычки",
                         f"the row has {len(row)} values, the header {width}; quote values that hold the delimiter"),
                )
            )  # fmt: skip
            continue
        cells: dict[str, Cell] = {}
        parts: dict[str, list[str]] = {}
        for column, key in header.keys.items():
            value = row[column] if column < len(row) else None
            where = raw.cell(i, column)
            if ":" in key:
                # One column per part of a list; whatever is not «no» ticks it.
                whole, part = key.split(":", 1)
                parts.setdefault(whole, [])
                if text_of(value) is not None and fold(text_of(value) or "") not in _NO:
                    parts[whole].append(part)
                cells.setdefault(whole, Cell(None, where))
            else:
                cells[key] = Cell(value, where)
        for whole, ticked in parts.items():
            cells[whole] = Cell(";".join(ticked) or None, cells[whole].where)
        filled = {k for k, c in cells.items() if text_of(c.value) is not None}
        if not filled or (header.form and filled <= set(spec.prefilled)):
            continue
        # A question without an answer is a question not answered.
        if spec.name == "self_check" and "answer" not in filled:
            continue
        out.append(Record(cells, raw.cell(i)))
    return out, problems


_NO = frozenset({"нет", "no", "0", "false", "ложь", "-", "n"})


def _grid_of_functions(raw: RawTable, header: _Header) -> tuple[list[Record], list[Problem]]:
    """Functions down, persons across: the grid of the blank form. A row keyed ``confidence`` rates each person."""
    at = {key: column for column, key in header.keys.items()}
    names = raw.rows[header.row]
    confidence: dict[int, Cell] = {}
    body = range(header.row + 1, len(raw.rows))
    problems: list[Problem] = []
    rows = []
    for i in body:
        word = text_of(raw.rows[i][at["function"]]) if at["function"] < len(raw.rows[i]) else None
        if word is None:
            continue
        if fold(word) == "confidence":
            confidence = {c: Cell(v, raw.cell(i, c)) for c, v in enumerate(raw.rows[i]) if text_of(v) is not None}
        else:
            rows.append((i, word))
    # Column by column: the frame then has each person's rows together.
    out = []
    width = max(len(raw.rows[i]) for i, _ in rows) if rows else 0
    for column in range(width):
        if column in header.keys:
            continue
        who = names[column] if column < len(names) else None
        # The row of keys is hidden in the form: point to the name above it.
        person = Cell(who, raw.cell(max(0, header.row - 1) if raw.sheet else header.row, column))
        orphan = None
        for i, word in rows:
            share = raw.rows[i][column] if column < len(raw.rows[i]) else None
            if text_of(share) is None:
                continue
            if text_of(who) is None:
                if isinstance(share, int | float) and not isinstance(share, bool):
                    orphan = orphan or Cell(share, raw.cell(i, column))
                continue
            cells = {
                "person": person,
                "function": Cell(word, raw.cell(i, at["function"])),
                "share": Cell(share, raw.cell(i, column)),
            }
            if column in confidence:
                cells["confidence"] = confidence[column]
            out.append(Record(cells, raw.cell(i, column)))
        if orphan is not None:
            problems.append(
                Problem(
                    "time", orphan.where, shown(orphan.value),
                    Text("столбец времени без сотрудника: впишите его на лист «Сотрудники», откройте книгу в Excel "
                         "или LibreOffice и сохраните",
                         "a column of time without a person: fill in the sheet “Staff”, open the workbook in Excel "
                         "or LibreOffice and save it"),
                )
            )  # fmt: skip
    return out, problems


def _grid_of_persons(raw: RawTable, header: _Header) -> tuple[list[Record], list[Problem]]:
    """Persons down, functions across."""
    at = {key: column for column, key in header.keys.items()}
    top = raw.rows[header.row]
    out = []
    for i in range(header.row + 1, len(raw.rows)):
        row = raw.rows[i]
        for column, share in enumerate(row):
            word = top[column] if column < len(top) else None
            if column in header.keys or text_of(share) is None or text_of(word) is None:
                continue
            cells = {
                "person": Cell(row[at["person"]], raw.cell(i, at["person"])),
                "function": Cell(word, raw.cell(header.row, column)),
                "share": Cell(share, raw.cell(i, column)),
            }
            if "confidence" in at and text_of(row[at["confidence"]]) is not None:
                cells["confidence"] = Cell(row[at["confidence"]], raw.cell(i, at["confidence"]))
            out.append(Record(cells, raw.cell(i, column)))
    return out, []
