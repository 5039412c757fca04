"""Where a sheet's header is and which column holds which key; grids of time turned into long rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.errors import Text
from audit.intake.questionnaire.cells import Bad, number, shown, text_of
from audit.intake.questionnaire.raw import LOOK_FOR_HEADER, ErrorCell, RawTable, column_letters, nearest
from audit.model.questionnaire import PREFILLED_MARK, TABLES, Problem, TableSpec, fold, options

__all__ = ["Cell", "Record", "records", "staff_places"]


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


def staff_places(raw: RawTable) -> tuple[Cell | None, ...]:
    """Who stands in each row of the form's sheet ``staff``, in order; None where the row says nothing beyond a code.

    Empty for a sheet that is not the form's (no label above the keys): the order of its rows promises nothing.
    """
    header = _header(raw, TABLES["staff"])
    if not raw.sheet or header is None or header.row == 0:
        return ()
    at = {key: column for column, key in header.keys.items()}
    out: list[Cell | None] = []
    for i in range(header.row + 1, len(raw.rows)):
        row = raw.rows[i]
        known = any(text_of(row[c]) is not None for c, key in header.keys.items() if key != "person" and c < len(row))
        column = at.get("person")
        code = None if column is None or column >= len(row) else text_of(row[column])
        out.append(Cell(code, raw.cell(i, column)) if known and code is not None else None)
    return tuple(out)


def records(raw: RawTable, staff: Sequence[Cell | None] = ()) -> tuple[list[Record], list[Problem]]:
    """Turn a raw table into rows by key, with what is wrong about its shape.

    Empty rows are skipped. On a sheet of the blank form a row that holds nothing beyond what the form had filled in
    says nothing and is skipped too. ``time`` may be long (person, function, share), or a grid with functions down and
    persons across, or the reverse; a grid yields one row per filled cell. ``staff`` (`staff_places`) names the columns
    of the form's grid whose formulas nobody has calculated.
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
                raw.table,
                raw.cell(first, 0),
                shown(next(c for c in raw.rows[first] if text_of(c) is not None)),
                Text(
                    f"нет строки заголовков; нужны хотя бы столбцы: {keys}",
                    f"no header row; at least these columns are needed: {keys}",
                ),
            )
        ]
    if raw.table == "time":
        found = set(header.keys.values())
        if "function" in found and "person" not in found:
            return _grid_of_functions(raw, header, staff)
        if "person" in found and "function" not in found and "share" not in found:
            return _grid_of_persons(raw, header)
    return _long(raw, spec, header)


def _shape_problems(raw: RawTable, spec: TableSpec, header: _Header) -> Iterator[Problem]:
    names = _label_names(spec)
    seen: dict[str, int] = {}
    for index, key in header.keys.items():
        if key in seen:
            yield Problem(
                raw.table,
                raw.cell(header.row, index),
                key,
                Text(
                    "столбец с этим ключом встречается дважды; оставьте один",
                    "the column with this key stands twice; keep one",
                ),
            )
        seen[key] = index
    for column in spec.columns:
        if column.required and column.key not in seen:
            yield Problem(
                raw.table,
                raw.cell(header.row),
                column.key,
                Text(
                    f"нет обязательного столбца «{column.key}» ({column.ru})",
                    f"the required column “{column.key}” ({column.en}) is missing",
                ),
            )
    for index in header.unread:
        value = shown(raw.rows[header.row][index])
        hit = nearest(value, names)
        ru = f"; возможно, это «{hit}»?" if hit and hit not in seen else ""
        en = f"; did you mean “{hit}”?" if hit and hit not in seen else ""
        yield Problem(
            raw.table,
            raw.cell(header.row, index),
            value,
            Text(f"такого столбца в таблице нет, он не прочитан{ru}", f"no such column, it was not read{en}"),
            fatal=False,
        )


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
                    raw.table,
                    raw.cell(i),
                    shown(";".join(row)),
                    Text(
                        f"в строке {len(row)} значений, а в заголовке {width}; значения с разделителем внутри "
                        "возьмите в кавычки",
                        f"the row has {len(row)} values, the header {width}; quote values that hold the delimiter",
                    ),
                )
            )
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


def _is_share(cell: Any) -> bool:
    try:
        return isinstance(cell, ErrorCell) or number(cell)[0] is not None
    except Bad:
        return False


def _name(cells: Sequence[Any], column: int) -> str | None:
    """Return what stands above a column; a formula in error or without a value names nobody."""
    cell = cells[column] if column < len(cells) else None
    return None if isinstance(cell, ErrorCell) else text_of(cell)


def _grid_of_functions(
    raw: RawTable, header: _Header, staff: Sequence[Cell | None]
) -> tuple[list[Record], list[Problem]]:
    """Functions down, persons across: the grid of the blank form. A row keyed ``confidence`` rates each person."""
    at = {key: column for column, key in header.keys.items()}
    confidence: dict[int, Cell] = {}
    rows = []
    for i in range(header.row + 1, len(raw.rows)):
        word = text_of(raw.rows[i][at["function"]]) if at["function"] < len(raw.rows[i]) else None
        if word is None:
            continue
        if fold(word) == "confidence":
            confidence = {c: Cell(v, raw.cell(i, c)) for c, v in enumerate(raw.rows[i]) if text_of(v) is not None}
        else:
            rows.append((i, word))
    columns = {
        c: [(i, word, raw.rows[i][c]) for i, word in rows if c < len(raw.rows[i]) and text_of(raw.rows[i][c])]
        for c in range(max((len(raw.rows[i]) for i, _ in rows), default=0))
        if c not in header.keys
    }
    # The form's first person stands right of the words for the functions.
    first = at["function"] + 1
    while sum(not _is_share(v) for _, _, v in columns.get(first, ())) > len(rows) / 2:
        first += 1
    people, problems = _people_of_grid(raw, header, columns, first, staff)
    out = []
    # Column by column: the frame then has each person's rows together.
    for column, cells in columns.items():
        person = people.get(column)
        if person is None:
            continue
        for i, word, share in cells:
            record = {
                "person": person,
                "function": Cell(word, raw.cell(i, at["function"])),
                "share": Cell(share, raw.cell(i, column)),
            }
            if column in confidence:
                record["confidence"] = confidence[column]
            out.append(Record(record, raw.cell(i, column)))
    return out, problems


def _people_of_grid(
    raw: RawTable,
    header: _Header,
    columns: Mapping[int, Sequence[tuple[int, str, Any]]],
    first: int,
    staff: Sequence[Cell | None],
) -> tuple[dict[int, Cell], list[Problem]]:
    """Whom each column of the grid is about, and the columns of shares that are about nobody.

    The form writes codes and names above its columns by formulas. A program that does not calculate saves them
    without values: the columns from ``first`` on then follow the rows of the staff sheet, as the form says, and that
    is told. A name typed over the visible formula counts; a code out of order ends the trust in the order.
    """
    top = raw.rows[header.row]
    # The row of keys is hidden in the form: point to the name above it.
    shown_row = max(0, header.row - 1) if raw.sheet else header.row
    above = raw.rows[shown_row] if shown_row < header.row else ()
    people: dict[int, Cell] = {}
    for names in (top, above):
        for column, cells in columns.items():
            named = _name(names, column) is not None and column not in people
            if named and (names is top or (column >= first and cells)):
                people[column] = Cell(names[column], raw.cell(shown_row, column))
    places = {first + i: cell for i, cell in enumerate(staff)} if above else {}
    spoken = {c: code for c in people if (code := _name(top, c)) is not None}
    in_order = all((place := places.get(c)) is not None and place.value == code for c, code in spoken.items())
    problems: list[Problem] = []
    placed: list[str] = []
    for column, cells in columns.items():
        shares = [(i, value) for i, _, value in cells if _is_share(value)]
        if not shares or column in people:
            continue
        place = places.get(column) if in_order else None
        if place is None:
            row, value = next(((i, v) for i, v in shares if isinstance(v, ErrorCell) or number(v)[0]), (-1, None))
            if row >= 0:  # a column of nothing but zeros is nobody's time
                text = _nobody(column - first + 1 if places and in_order and column >= first else None)
                problems.append(Problem("time", raw.cell(row, column), shown(value), text))
            continue
        people[column] = Cell(place.value, raw.cell(shown_row, column))
        placed.append(f"{column_letters(column)} — {place.value}")
    if placed:
        listed = ", ".join(placed) if len(placed) <= 4 else f"{placed[0]}, {placed[1]}, …, {placed[-1]}"
        problems.append(
            Problem(
                "time",
                raw.cell(shown_row),
                "",
                Text(
                    f"над столбцами нет сотрудников (формулы не пересчитаны): взят порядок листа «Сотрудники»: {listed}",
                    "nobody is named above the columns (the formulas were not calculated): the order of the sheet "
                    f"“Staff” was taken: {listed}",
                ),
                fatal=False,
            )
        )
    return people, problems


def _nobody(place: int | None) -> Text:
    """Say that a column of shares is about nobody; ``place`` is its number where the order of the staff sheet counts."""
    if place is None:
        return Text(
            "столбец времени без сотрудника: впишите его на лист «Сотрудники», откройте книгу в Excel "
            "или LibreOffice и сохраните",
            "a column of time without a person: fill in the sheet “Staff”, open the workbook in Excel "
            "or LibreOffice and save it",
        )
    return Text(
        f"столбец времени без сотрудника: по порядку это строка {place} списка на листе «Сотрудники», а в ней "
        "никого нет; впишите туда сотрудника или уберите доли",
        f"a column of time without a person: by its order it belongs to row {place} of the list on the sheet "
        "“Staff”, where nobody stands; fill in that row or take the shares away",
    )


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
