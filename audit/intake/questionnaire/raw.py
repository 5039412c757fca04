"""Questionnaire files as raw cells with addresses: a folder of CSVs or a workbook. Cells get no meaning here."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import fastexcel
import python_calamine
from lxml import etree

from audit.errors import InputError, QuestionnaireError, Text
from audit.intake.guard import hushed, reading, survives
from audit.intake.sheet_xml import BAD_PACKAGE, extent, sheet_facts, worksheets
from audit.intake.workbooks import sheet_entry
from audit.model.key_form import KEY_MARK
from audit.model.questionnaire import TABLES, Problem, fold

__all__ = ["ErrorCell", "RawTable", "Source", "Uncalculated", "column_letters", "nearest", "read_raw", "twice"]

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
TEXTS = (".csv", ".tsv", ".txt")
OWN_SHEETS = frozenset({"инструкция", "instructions", "списки", "lists"})
"""Sheets of the blank form that hold no answers."""

LOOK_FOR_HEADER = 12
"""Rows from the top among which the header is looked for."""

MAX_FILE_BYTES = 100 * 2**20
MAX_UNPACKED_BYTES = 400 * 2**20
MAX_CELLS = 5_000_000
_DAMAGED = Text("это не книга Excel, или файл повреждён", "not a workbook, or the file is damaged")


class ErrorCell(str):
    """A spreadsheet error such as ``#DIV/0!`` standing in a cell."""

    __slots__ = ()


class Uncalculated(ErrorCell):
    """A formula that was saved without its value, by a program that does not calculate."""

    __slots__ = ()


@dataclass(frozen=True)
class RawTable:
    """One sheet or file: the table it belongs to, its cells, and how to name a cell to the user."""

    table: str
    place: str
    """Name of the sheet, or of the file."""
    rows: tuple[tuple[Any, ...], ...]
    lines: tuple[int, ...]
    """Line or row number of each row, counted from 1."""
    sheet: bool
    file: str = ""
    """The file it came in, where several lie together."""
    came: Literal["", "person", "key"] = ""
    """From one person's form, or a key client's sheet; else the department's own table."""

    def cell(self, row: int, column: int | None = None) -> str:
        """Name a cell: ``staff!D7`` in a workbook, ``staff.csv:7`` in a folder."""
        if not self.sheet:
            return f"{self.place}:{self.lines[row]}"
        letters = "" if column is None else column_letters(column)
        return f"{self.place}!{letters}{self.lines[row]}"


@dataclass(frozen=True)
class Source:
    """All tables found, the digest of the bytes they came from, and what was found wrong on the way."""

    tables: tuple[RawTable, ...]
    problems: tuple[Problem, ...]
    name: str
    sha256: str


def column_letters(index: int) -> str:
    """Name a column counted from 0 as spreadsheets do: 0 → A, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def nearest(word: str, known: dict[str, str]) -> str | None:
    """Return the value whose key is spelled most like ``word`` (difflib ratio of at least 0.6), or None."""
    near = difflib.get_close_matches(fold(word), list(known), n=1, cutoff=0.6)
    return known[near[0]] if near else None


_NAMES = {fold(n).replace("_", " ").replace("-", " "): t.name for t in TABLES.values() for n in (t.name, t.ru, t.en)}


def _table_of(name: str) -> str | None:
    plain = fold(name).replace("_", " ").replace("-", " ")
    # «3. Сотрудники», «3 Сотрудники» are the same sheet.
    plain = re.sub(r"^\d+[.)]? +", "", plain)
    return _NAMES.get(plain)


def _form_of(name: str) -> str | None:
    """Tell the table of one person's form by its name: «day_log_КМ1 (2)», «time_K1», whatever a phone adds behind."""
    plain = fold(name).replace("-", "_").replace(" ", "_")
    plain = next((t for t in _FORMS if plain.startswith(f"{t}_")), "")
    return _FORMS.get(plain)


_FORMS = {
    fold(n).replace(" ", "_"): name for name in ("day_log", "time") for n in (name, TABLES[name].ru, TABLES[name].en)
}
"""Beginnings of the names of files that the forms for single persons make."""


def read_raw(path: Path, collected: Path | None = None) -> Source:
    """Read a folder or a workbook into raw tables; raise `QuestionnaireError` when it cannot be opened.

    A folder may hold CSVs of the tables, workbooks, and what single persons sent back. ``collected`` is such a folder
    beside the questionnaire itself.
    """
    source = _read_one(path)
    if collected is None or not collected.is_dir() or collected.resolve() == path.resolve():
        return source
    more = _folder(collected)
    digest = hashlib.sha256(bytes.fromhex(source.sha256) + bytes.fromhex(more.sha256)).hexdigest()
    return Source((*source.tables, *more.tables), (*source.problems, *more.problems), source.name, digest)


def _read_one(path: Path) -> Source:
    if path.is_dir():
        found = _folder(path)
        if found.tables or found.problems:
            return found
        expected = ", ".join(f"{name}.csv" for name in TABLES)
        raise QuestionnaireError(
            Text("В папке анкеты нет ни одной таблицы", "The questionnaire folder holds no table"),
            where=str(path),
            todo=Text(f"Положите в неё файлы: {expected}", f"Put these files into it: {expected}"),
        )
    if not path.is_file():
        raise QuestionnaireError(
            Text(f"Анкета не найдена: {path.name}", f"Questionnaire not found: {path.name}"),
            where=str(path),
            todo=Text(
                "Проверьте путь: нужна книга XLSX или папка с файлами CSV",
                "Check the path: a workbook (XLSX) or a folder of CSV files is expected",
            ),
        )
    if path.suffix.lower() not in WORKBOOKS:
        raise QuestionnaireError(
            Text(f"Анкета — не книга и не папка: {path.name}", f"Not a workbook and not a folder: {path.name}"),
            where=str(path),
            todo=Text(
                "Укажите книгу XLSX, а если таблицы в CSV — папку, в которой они лежат",
                "Give an XLSX workbook or, when the tables are CSV files, the folder that holds them",
            ),
        )
    return _workbook(path)


def _unreadable(path: Path, why: Text) -> QuestionnaireError:
    return QuestionnaireError(
        Text(f"Анкета не читается: {why.ru}", f"The questionnaire cannot be read: {why.en}"),
        where=str(path),
        todo=Text(
            "Откройте файл в Excel или LibreOffice, сохраните заново как XLSX без пароля и повторите",
            "Open the file in Excel or LibreOffice, save it again as XLSX without a password, and repeat",
        ),
    )


def _file_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _unreadable(
                path,
                Text(
                    f"файл больше {MAX_FILE_BYTES // 2**20} МБ — это не анкета",
                    f"the file is larger than {MAX_FILE_BYTES // 2**20} MB, which no questionnaire is",
                ),
            )
        return path.read_bytes()
    except OSError as e:
        raise _unreadable(path, Text(f"нет доступа ({e.strerror})", f"no access ({e.strerror})")) from e


# ---- folder of CSVs


def _folder(path: Path) -> Source:
    """Read everything that lies in a folder: tables as CSV, workbooks, forms of single persons, in order of name."""
    tables: list[RawTable] = []
    problems: list[Problem] = []
    digest = hashlib.sha256()
    seen: dict[str, str] = {}
    bodies: dict[str, str] = {}
    for file in sorted((p for p in path.iterdir() if p.is_file() and p.name[0] not in ".~"), key=lambda p: p.name):
        kind = file.suffix.lower()
        if kind not in (*TEXTS, *WORKBOOKS):
            if kind in _NOT_ANSWERS:
                problems.append(_note(file.name, _NOT_ANSWERS[kind]))
            continue
        try:
            body = _file_bytes(file)
        except QuestionnaireError as e:
            problems.append(_note(file.name, e.what))
            continue
        digest.update(file.name.encode("utf-8") + b"\0" + len(body).to_bytes(8, "big") + body)
        own = _table_of(file.stem) if kind in TEXTS else None
        if own is None:  # a form or a workbook may have been sent twice
            first = bodies.setdefault(hashlib.sha256(body).hexdigest(), file.name)
            if first != file.name:
                problems.append(
                    _note(
                        file.name,
                        Text(
                            f"тот же файл, что «{first}»: второй раз не считается",
                            f"the same file as “{first}”: not counted twice",
                        ),
                    )
                )
                continue
        if kind in WORKBOOKS:
            try:
                found = _workbook(file, inside=True)
            except QuestionnaireError as e:
                problems.append(_note(file.name, e.what))
                continue
            tables += found.tables
            problems += found.problems
            continue
        try:
            table = own or _form_of(file.stem) or _form_by_header(body)
            if table is None:
                problems.append(_unknown_place(file.name, file.stem))
                continue
            if own is not None and own in seen:
                problems.append(twice(own, file.name, seen[own]))
                continue
            if own is not None:
                seen[own] = file.name
            raw = _csv(table, file.name, body)
            tables.append(replace(raw, file=file.name, came="" if own else "person"))
        except csv.Error as e:
            said = Text(f"файл не читается как CSV: {e}", f"not readable as CSV: {e}")
            problems.append(Problem(own or "", file.name, "", said, fatal=own is not None))
    return Source(tuple(tables), tuple(problems), path.name, digest.hexdigest())


_NOT_ANSWERS: Mapping[str, Text] = MappingProxyType(
    {
        **dict.fromkeys(
            (".html", ".htm"),
            Text(
                "это сама форма, а не ответ: откройте её и нажмите «Отправить», в папку нужен файл CSV",
                "this is the form itself, not an answer: open it and press “Send”; the folder needs the CSV",
            ),
        ),
        **dict.fromkeys(
            (".pdf", ".jpg", ".jpeg", ".png", ".heic", ".docx", ".doc"),
            Text(
                "картинки и документы не читаются: перенесите записи на лист «Фотография дня» анкеты",
                "pictures and documents are not read: type the records into the sheet “Day log” of the questionnaire",
            ),
        ),
    }
)
"""What people send back instead of the answers."""


def _note(file: str, text: Text) -> Problem:
    return Problem("", file, "", text, fatal=False)


def _form_by_header(body: bytes) -> str | None:
    """Tell the table of a person's form by its columns, whatever the file is called and whatever was written above."""
    for head in decode(body[:4096]).splitlines()[:LOOK_FOR_HEADER]:
        mark = max((";", "\t", ","), key=head.count)
        found = _form_by_columns(next(csv.reader([_bare(head)], delimiter=mark), []))
        if found:
            return found
    return None


def _bare(line: str) -> str:
    """Take off the quotes that Excel puts round a whole line which it had read as one cell."""
    cells = next(csv.reader([line]), [])
    return cells[0] if len(cells) == 1 and ";" in cells[0] else line


def _form_by_columns(cells: Sequence[Any]) -> str | None:
    named = {fold(str(c)).rstrip("* ") for c in cells if c}
    for table in ("day_log", "time"):
        needed = [{fold(n) for n in (c.key, c.ru, c.en)} for c in TABLES[table].columns if c.required]
        if all(named & names for names in needed):
            return table
    return None


def _unknown_place(shown: str, name: str) -> Problem:
    hint = nearest(name, _NAMES)
    ru = f"; возможно, это «{TABLES[hint].ru}» ({hint})?" if hint else ""
    en = f"; did you mean “{TABLES[hint].en}” ({hint})?" if hint else ""
    return Problem(
        "",
        shown,
        "",
        Text(
            f"такой таблицы в анкете нет, она не прочитана{ru}",
            f"the questionnaire has no such table, it was not read{en}",
        ),
        fatal=False,
    )


def twice(table: str, place: str, first: str) -> Problem:
    """Say that a table stands in two places."""
    return Problem(
        table,
        place,
        "",
        Text(
            f"та же таблица уже есть в «{first}»; оставьте одну",
            f"the same table is already in “{first}”; keep one of them",
        ),
    )


def decode(body: bytes) -> str:
    """Decode a text file: UTF-8 with or without mark, UTF-16 with its mark, else Windows-1251."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", errors="replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1251", errors="replace")


def _csv(table: str, name: str, body: bytes) -> RawTable:
    text = decode(body).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    offset = 0
    if text[:4].casefold() == "sep=":  # Excel's own first line naming the delimiter
        offset, text = 1, text.partition("\n")[2]
    delimiter = _delimiter(text, table)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    start = 1
    for row in reader:
        if len(row) == 1 and delimiter in row[0]:  # a whole line that Excel had read as one cell
            row = next(csv.reader([row[0]], delimiter=delimiter))
        rows.append(tuple(row))
        lines.append(start + offset)
        start = reader.line_num + 1
    return RawTable(table, name, tuple(rows), tuple(lines), sheet=False)


def _delimiter(text: str, table: str) -> str:
    header = next((line for line in text.split("\n") if line.strip()), "")
    known = {fold(n) for c in TABLES[table].columns for n in (c.key, c.ru, c.en)}

    def score(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        return sum(fold(c) in known for c in cells), len(cells)

    return max((";", "\t", ","), key=score)


# ---- workbook


def _workbook(path: Path, *, inside: bool = False) -> Source:
    """Read a workbook; ``inside`` a folder it is named with each sheet, and may be a person's or of key clients."""
    body = _file_bytes(path)
    _refuse_bombs(path, body)
    tables: list[RawTable] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    try:
        with hushed(), reading(str(path)):
            book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(body))
            checker = fastexcel.read_excel(body)
            for name in book.sheet_names:
                table, place = _table_of(name), f"{path.name}, {name}" if inside else name
                came: Literal["", "person", "key"] = ""
                if table is None and fold(name) in OWN_SHEETS:
                    continue
                if table is None:
                    top = book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=1)
                    if top and top[0] and top[0][0] == KEY_MARK:
                        table, came = "key_clients", "key"
                    elif inside:
                        table, came = _form_of(name) or _form_by_columns(top[0] if top else ()), "person"
                if table is None:
                    problems.append(_unknown_place(place, name))
                    continue
                if not came and table in seen:
                    problems.append(twice(table, place, seen[table]))
                    continue
                if not came:
                    seen[table] = place
                rows = [list(r) for r in book.get_sheet_by_name(name).to_python(skip_empty_area=False)]
                for r, c, error in _errors(checker, name, rows):
                    rows[r][c] = ErrorCell(error)
                for r, c in _uncalculated(body, name):
                    # What a reader takes for empty does not count for the extent of the sheet either.
                    rows.extend([] for _ in range(len(rows), r + 1))
                    rows[r].extend("" for _ in range(len(rows[r]), c + 1))
                    if rows[r][c] == "":
                        rows[r][c] = Uncalculated("=…")
                numbers = tuple(range(1, len(rows) + 1))
                file = path.name if inside else ""
                tables.append(RawTable(table, place, tuple(map(tuple, rows)), numbers, True, file, came))
    except InputError as e:
        encrypted = isinstance(e.__cause__, python_calamine.PasswordError) or (
            body[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" and path.suffix.lower() != ".xls"
        )
        why = Text("книга защищена паролем", "the workbook is protected by a password") if encrypted else _DAMAGED
        raise _unreadable(path, why) from e
    if not tables:
        titles = ", ".join(f"«{t.ru}»" for t in TABLES.values())
        english = ", ".join(f"“{t.en}”" for t in TABLES.values())
        raise QuestionnaireError(
            Text("В книге нет ни одного листа анкеты", "The workbook has no sheet of the questionnaire"),
            where=str(path),
            todo=Text(f"Нужны листы: {titles}", f"Sheets expected: {english}"),
        )
    return Source(tuple(tables), tuple(problems), path.name, hashlib.sha256(body).hexdigest())


def _refuse_bombs(path: Path, body: bytes) -> None:
    """Refuse a workbook that unpacks to more than a questionnaire can be, before anything unpacks it.

    A single cell far to the right and below makes readers lay out the whole rectangle: its area is limited too.
    """
    too_big = Text(
        "в распакованном виде она слишком велика для анкеты", "unpacked it is too large to be a questionnaire"
    )
    try:
        other_kind = not body.startswith(b"PK") or b"content.xml" in body or b"workbook.bin" in body
        if other_kind and not survives(path):  # nothing tells their extent before they are read
            raise _unreadable(path, _DAMAGED)
        if not body.startswith(b"PK"):
            return
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entries = archive.infolist()
            if sum(e.file_size for e in entries) > MAX_UNPACKED_BYTES or len(entries) > 10_000:
                raise _unreadable(path, too_big)
            for entry in worksheets(archive):
                rows, columns, _ = extent(partial(archive.open, entry), MAX_CELLS)
                if rows * columns > MAX_CELLS:
                    raise _unreadable(path, too_big)
    except BAD_PACKAGE as e:
        raise _unreadable(path, _DAMAGED) from e


def _uncalculated(body: bytes, name: str) -> Iterator[tuple[int, int]]:
    """Find the formulas without a value: readers take them for empty cells, and an answer would vanish."""
    if not body.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entry = sheet_entry(archive, name)
            if entry is None:
                return
            with archive.open(entry) as stream:
                found = sheet_facts(stream).bare_formulas
    except (*BAD_PACKAGE, etree.XMLSyntaxError):
        return  # an ODS, or a workbook of another make: the sheet itself was read
    for row, column in found:
        yield row - 1, column - 1


_ERROR_NAMES = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}


def _errors(checker: Any, name: str, rows: list[list[Any]]) -> Iterator[tuple[int, int, str]]:
    """Find the cells that hold spreadsheet errors: calamine reads them as empty, fastexcel tells them apart."""
    if not any(any(v != "" for v in row) for row in rows):
        return
    sheet = checker.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    _, found = sheet.to_arrow_with_errors()
    # fastexcel drops empty columns on the left and counts from the first used one.
    shift = len(rows[0]) - sheet.width
    for error in found.errors if found else ():
        row, column = error.position
        kind = re.search(r"Error\((\w+)\)", error.detail)
        if row < len(rows) and column + shift < len(rows[row]):
            yield row, column + shift, _ERROR_NAMES.get(kind[1], "#ERROR!") if kind else "#ERROR!"
