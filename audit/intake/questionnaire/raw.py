"""Questionnaire files as raw cells with addresses: a folder of CSVs or a workbook. Cells get no meaning here."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import fastexcel
import python_calamine
from lxml import etree

from audit.errors import InputError, QuestionnaireError, Text
from audit.intake.guard import hushed, reading, survives
from audit.intake.sheet_xml import BAD_PACKAGE, extent, sheet_facts, worksheets
from audit.intake.workbooks import sheet_entry
from audit.model.questionnaire import TABLES, Problem, fold

__all__ = ["ErrorCell", "RawTable", "Source", "Uncalculated", "column_letters", "nearest", "read_raw"]

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
TEXTS = (".csv", ".tsv", ".txt")
OWN_SHEETS = frozenset({"инструкция", "instructions", "списки", "lists"})
"""Sheets of the blank form that hold no answers."""

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


def read_raw(path: Path) -> Source:
    """Read a folder of CSVs or a workbook into raw tables; raise `QuestionnaireError` when it cannot be opened."""
    if path.is_dir():
        return _folder(path)
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
    tables: list[RawTable] = []
    problems: list[Problem] = []
    digest = hashlib.sha256()
    seen: dict[str, str] = {}
    files = sorted(
        (p for p in path.iterdir() if p.is_file() and p.suffix.lower() in TEXTS and p.name[0] not in ".~"),
        key=lambda p: p.name,
    )
    for file in files:
        table = _table_of(file.stem)
        if table is None:
            problems.append(_unknown_place(file.name, file.stem))
            continue
        body = _file_bytes(file)
        digest.update(file.name.encode("utf-8") + b"\0" + len(body).to_bytes(8, "big") + body)
        if table in seen:
            problems.append(_twice(table, file.name, seen[table]))
            continue
        seen[table] = file.name
        try:
            tables.append(_csv(table, file.name, body))
        except csv.Error as e:
            problems.append(
                Problem(table, file.name, "", Text(f"файл не читается как CSV: {e}", f"not readable as CSV: {e}"))
            )
    if not tables and not problems:
        expected = ", ".join(f"{name}.csv" for name in TABLES)
        raise QuestionnaireError(
            Text("В папке анкеты нет ни одной таблицы", "The questionnaire folder holds no table"),
            where=str(path),
            todo=Text(f"Положите в неё файлы: {expected}", f"Put these files into it: {expected}"),
        )
    return Source(tuple(tables), tuple(problems), path.name, digest.hexdigest())


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


def _twice(table: str, place: str, first: str) -> Problem:
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


def _workbook(path: Path) -> Source:
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
                table = _table_of(name)
                if table is None:
                    if fold(name) not in OWN_SHEETS:
                        problems.append(_unknown_place(name, name))
                    continue
                if table in seen:
                    problems.append(_twice(table, name, seen[table]))
                    continue
                seen[table] = name
                rows = [list(r) for r in book.get_sheet_by_name(name).to_python(skip_empty_area=False)]
                for r, c, error in _errors(checker, name, rows):
                    rows[r][c] = ErrorCell(error)
                for r, c in _uncalculated(body, name):
                    # What a reader takes for empty does not count for the extent of the sheet either.
                    rows.extend([] for _ in range(len(rows), r + 1))
                    rows[r].extend("" for _ in range(len(rows[r]), c + 1))
                    if rows[r][c] == "":
                        rows[r][c] = Uncalculated("=…")
                tables.append(
                    RawTable(table, name, tuple(map(tuple, rows)), tuple(range(1, len(rows) + 1)), sheet=True)
                )
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
