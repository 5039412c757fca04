"""Workbooks: XLSX, XLSB, XLS, ODS. Read by fastexcel as text; cell errors are told apart from empty cells.

`sheets` says which of them are read.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import fastexcel
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree

from audit.errors import InputError, Text
from audit.intake.columnar import file_digest
from audit.intake.guard import guarded, hushed, reading, survives
from audit.intake.layout import HEAD_ROWS, Layout
from audit.intake.sheet_xml import BAD_PACKAGE, extent, sheet_facts, worksheets
from audit.intake.sheets import choose_sheets
from audit.intake.staging import DATE_FIELDS, KEY_FIELDS, NUMBER_FIELDS, Row, Staged, StageWriter
from audit.intake.store import Store
from audit.intake.values import TYPED
from audit.settings import Settings

__all__ = ["SheetReader", "formulas_without_values", "open_workbook", "sheet_entry"]

_ERRORS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}
_ERROR = re.compile(r"Error\((\w+)\)")
_REQUIRED = frozenset({"order_date", "client_id", "client", "amount"})
MAX_CELLS = 50_000_000
"""Cells of one sheet, empty ones in between included: about 1.6 GB while it is read."""
_HIDDEN_EXTENT = frozenset({"xls", "xlsb", "ods"})
"""Kinds whose extent nothing tells before they are read."""
_MERGED_BYTES = 40 * 2**20
"""Merged cells are looked up in files up to this size; larger ones are lists, not forms."""


@dataclass
class SheetReader:
    """One sheet of a workbook, loaded as text."""

    path: Path
    name: str
    format: str
    sheet: str | None
    workbook: Any
    table: pa.RecordBatch | None
    errors: list[tuple[int, int, str]] = field(default_factory=list)
    """Cell errors: row from 0, column from 0, text."""
    encoding: str | None = None
    delimiter: str | None = None
    sha256: str = ""
    merged: tuple[tuple[int, int, int, int], ...] = ()
    notes: list[Text] = field(default_factory=list)
    visible: bool = True
    sent: Path | None = None
    """The file as it was sent, where a repaired copy of it is read."""
    levels: Mapping[int, int] | None = None
    """Outline levels, once they were looked up."""

    @guarded
    def head(self, rows: int = HEAD_ROWS + 80) -> list[Row]:
        """Return the first rows as text cells."""
        assert self.table is not None
        top = self.table.slice(0, rows)
        columns = [_strings(c).to_pylist() for c in top.columns]
        return [(i + 1, [c or "" for c in cells]) for i, cells in enumerate(zip(*columns, strict=True))]

    @guarded
    def outline(self) -> Mapping[int, int]:
        """Return the outline level of the rows that have one."""
        if self.levels is None:
            self.levels = _outline(self.path, self.sheet) if self.format == "xlsx" else {}
        return self.levels

    @guarded
    def every_row(self) -> Iterator[Row]:
        """Give all rows one by one, cell errors as their text."""
        table, self.table = self.table, None
        if table is None:  # staged already, and read once more
            with hushed():
                table = self.workbook.load_sheet(
                    self.sheet, header_row=None, skip_rows=0, dtypes="string"
                ).to_arrow_with_errors()[0]
        wrong = {(row, column): text for row, column, text in self.errors}
        for begin in range(0, table.num_rows, 20_000):
            part = table.slice(begin, 20_000)
            columns = [_strings(c).to_pylist() for c in part.columns]
            for at, cells in enumerate(zip(*columns, strict=True), begin):
                row = [c or "" for c in cells]
                if wrong:
                    row = [wrong.get((at, j), c) for j, c in enumerate(row)]
                yield at + 1, row
        self.sha256 = file_digest(self.sent or self.path)

    @guarded
    def stage(self, layout: Layout, keep: Sequence[tuple[str, int]], path: Path, store: Store) -> Staged:
        """Write the columns ``keep`` (field, column) of all rows after the header to ``path``."""
        assert self.table is not None
        table, self.table = self.table, None
        begin = layout.first_row - 1
        columns = {i: _strings(table.column(i)).slice(begin) for _, i in keep}
        rows = _last_row(table, begin)
        columns = {i: c.slice(0, rows) for i, c in columns.items()}
        for i, spots in self._errors_by_column(begin, rows).items():
            if i in columns:
                columns[i] = _put(columns[i], spots)
                if not any(f in _REQUIRED for f, at in keep if at == i):
                    header = layout.headers[i] if i < len(layout.headers) else ""
                    self.notes.append(
                        Text(
                            f"{self.name}: в столбце «{header}» ячеек с ошибкой Excel: {len(spots)}, прочитаны как пустые",
                            f"{self.name}: {len(spots)} cells with an Excel error in column “{header}” were read as empty",
                        )
                    )
        if _counts_from_1904(self.path, self.format):
            columns |= {i: _from_1904(columns[i]) for f, i in keep if f in DATE_FIELDS}
        numbers = {i for f, i in keep if f in NUMBER_FIELDS}
        doubtful = [i for i in sorted(numbers) if _doubtful(columns[i])]
        if doubtful:
            columns |= self._marked(doubtful, columns, begin, rows)
        self._fill_merged(keep, columns, begin, rows)
        with StageWriter(path, [f for f, _ in keep], store) as writer:
            for at in range(0, rows, 131_072):
                n = min(131_072, rows - at)
                source = pa.array(np.arange(begin + at + 1, begin + at + n + 1, dtype=np.int64))
                writer.batch(source, [columns[i].slice(at, n) for _, i in keep])
        self.sha256 = file_digest(self.sent or self.path)
        return writer.staged

    def _errors_by_column(self, begin: int, rows: int) -> dict[int, list[tuple[int, str]]]:
        out: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for row, column, text in self.errors:
            if begin <= row < begin + rows:
                out[column].append((row - begin, text))
        return out

    def _marked(
        self, doubtful: Sequence[int], columns: dict[int, pa.Array], begin: int, rows: int
    ) -> dict[int, pa.Array]:
        """Mark numbers that number cells gave, in columns where text cells use a comma."""
        with hushed():
            sheet = self.workbook.load_sheet(
                self.sheet,
                header_row=None,
                skip_rows=begin,
                dtypes=dict.fromkeys(doubtful, "float"),
                use_columns=list(doubtful),
            )
            batch, failed = sheet.to_arrow_with_errors()
        texts = {(e.offset_position[0], e.offset_position[1]) for e in (failed.errors if failed else [])}
        out = {}
        for at, i in enumerate(doubtful):
            numeric = batch.column(at).slice(0, rows).is_valid().to_numpy(zero_copy_only=False).copy()
            for row, column in texts:
                if column in (at, i) and row < rows:
                    numeric[row] = False
            pointed = pc.match_substring(columns[i], ".").fill_null(False)
            commas = pc.match_substring(columns[i], ",").fill_null(False)
            mask = pc.and_(pc.and_(pa.array(numeric), pointed), pc.invert(commas))
            marked = pc.binary_join_element_wise(TYPED, columns[i], "")
            out[i] = pc.if_else(mask, marked, columns[i])
        return out

    def _fill_merged(
        self, keep: Sequence[tuple[str, int]], columns: dict[int, pa.Array], begin: int, rows: int
    ) -> None:
        """A cell merged over several rows counts for each of them."""
        wanted = {i for f, i in keep if f in (*KEY_FIELDS, "order_id", "order_date", "manager")}
        if (
            not any(columns[i].null_count or pc.any(pc.equal(columns[i], "")).as_py() for i in wanted)
            or self.path.stat().st_size > _MERGED_BYTES
        ):
            return
        for top, left, bottom, right in _merged_ranges(self.path, self.sheet):
            if bottom == top:
                continue
            for i in range(left, right + 1):
                if i not in wanted or top < begin or top - begin >= rows:
                    continue
                values = columns[i].to_pylist()
                for row in range(top + 1 - begin, min(bottom + 1 - begin, rows)):
                    values[row] = values[top - begin]
                columns[i] = pa.array(values, pa.string())


def _named_so(path: Path, kind: str) -> bool:
    """Whether the name of a workbook says what it is; the reader trusts the name of a file, and its contents where it has none."""
    return path.suffix.lower() in (f".{kind}", ".xlsm" if kind == "xlsx" else f".{kind}")


def _merged_ranges(path: Path, sheet: str | None) -> list[tuple[int, int, int, int]]:
    import python_calamine

    try:
        with hushed(), reading(path.name):
            book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(path.read_bytes()))
            page = book.get_sheet_by_name(sheet or "")
            left = (page.start or (0, 0))[1]
            found = page.merged_cell_ranges or _ods_merged(path, sheet)
            return [(a, b - left, c, d - left) for (a, b), (c, d) in found]
    except InputError:  # merged ranges are a help, not a need; the sheet itself was read
        return []


_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_Corner = tuple[int, int]


def _ods_merged(path: Path, sheet: str | None) -> list[tuple[_Corner, _Corner]]:
    """Cells of an OpenDocument sheet that span rows: first and last corner (row, column), both from 0."""
    out: list[tuple[_Corner, _Corner]] = []
    if not zipfile.is_zipfile(path):
        return out
    with zipfile.ZipFile(path) as z:
        if "content.xml" not in z.namelist():
            return out
        with z.open("content.xml") as f:
            safe = {"resolve_entities": False, "no_network": True, "huge_tree": True}
            for _, table in etree.iterparse(f, tag=f"{_TABLE}table", **safe):
                if table.get(f"{_TABLE}name") != sheet:
                    table.clear()
                    continue
                at = 0
                for row in table.iter(f"{_TABLE}table-row"):
                    column = 0
                    for cell in row:
                        down, across = (int(cell.get(f"{_TABLE}number-{k}-spanned") or 1) for k in ("rows", "columns"))
                        if down > 1:
                            out.append(((at, column), (at + down - 1, column + across - 1)))
                        column += int(cell.get(f"{_TABLE}number-columns-repeated") or 1)
                    at += int(row.get(f"{_TABLE}number-rows-repeated") or 1)
    return out


_OUTLINED_ROW = re.compile(rb"<row\b[^<>]*>")
_ROW_NUMBER = re.compile(rb'\br="(\d+)"')
_ROW_LEVEL = re.compile(rb'\boutlineLevel="(\d+)"')
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


def _outline(path: Path, sheet: str | None) -> dict[int, int]:
    """Outline levels by row number, read from the sheet's XML; empty for lists too large to be a report."""
    if path.stat().st_size > _MERGED_BYTES:
        return {}
    out: dict[int, int] = {}
    try:
        with zipfile.ZipFile(path) as z:
            entry = sheet_entry(z, sheet)
            if entry is None:
                return {}
            with z.open(entry) as f:
                text = b""
                while part := f.read(2**18):
                    text += part
                    whole = text.rfind(b">") + 1  # a tag may be cut by the end of what was read
                    for row in _OUTLINED_ROW.findall(text, 0, whole):
                        number, level = _ROW_NUMBER.search(row), _ROW_LEVEL.search(row)
                        if number and level:
                            out[int(number[1])] = int(level[1])
                    text = text[whole:]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, etree.XMLSyntaxError, KeyError):
        return {}  # the outline is a help; the sheet itself was read
    return out


def sheet_entry(z: zipfile.ZipFile, sheet: str | None) -> str | None:
    """Name of the archive's entry that holds a sheet."""
    entries = {n.lower(): n for n in z.namelist()}
    book = etree.fromstring(z.read(entries["xl/workbook.xml"]), _safe())
    links = etree.fromstring(z.read(entries["xl/_rels/workbook.xml.rels"]), _safe())
    targets = {link.get("Id"): link.get("Target") or "" for link in links}
    for element in book.iter("{*}sheet"):
        if element.get("name") == sheet:
            target = str(targets.get(element.get(f"{_RELATIONS}id"), "")).lstrip("/")
            return entries.get((target if target.startswith("xl/") else f"xl/{target}").lower())
    return None


def _safe() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True)


def _strings(column: pa.Array) -> pa.Array:
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


_SERIAL = r"^\d{5}(\.\d+)?$"
_DAYS_TO_1904 = 1462


_GLOBALS = struct.pack("<HH", 0x0809, 16) + struct.pack("<HH", 0x0600, 0x0005)
"""How the part of an Excel 97 workbook begins that counts for all of its sheets."""
_DATE_MODE, _END = 0x22, 0x0A


def _counts_from_1904(path: Path, kind: str) -> bool:
    """Whether a workbook counts its days from 1904, as Excel for Macintosh did; dates in date format tell it themselves."""
    if kind == "xls":
        with path.open("rb") as f:
            return _date_mode(f.read(2**20))
    if kind != "xlsx":
        return False
    with zipfile.ZipFile(path) as z:
        entry = next((n for n in z.namelist() if n.lower() == "xl/workbook.xml"), None)
        book = None if entry is None else etree.fromstring(z.read(entry), _safe())
    return book is not None and any(p.get("date1904") in ("1", "true") for p in book.iter("{*}workbookPr"))


def _date_mode(book: bytes) -> bool:
    """Whether the record of an Excel 97 workbook that tells whence its days count says 1904."""
    at = book.find(_GLOBALS)
    while 0 <= at <= len(book) - 6:
        record, size = struct.unpack_from("<HH", book, at)
        if record == _DATE_MODE:
            return size == 2 and book[at + 4 : at + 6] == b"\1\0"
        if record == _END:
            return False
        at += 4 + size
    return False


def _from_1904(column: pa.Array) -> pa.Array:
    """Serial numbers of days as those of a workbook that counts from 1900."""
    days = pc.if_else(pc.match_substring_regex(column, _SERIAL), pc.utf8_slice_codeunits(column, 0, 5), None).cast(
        pa.int32()
    )
    return pc.coalesce(pc.add(days, _DAYS_TO_1904).cast(pa.string()), column)


def _doubtful(column: pa.Array) -> bool:
    """Whether the texts of a number column leave its decimal mark open: a comma, or three digits after every point."""
    if pc.any(pc.match_substring(column, ",")).as_py():
        return True
    for some in (column.slice(0, 1000), column):  # the first cells mostly settle it
        pointed = some.filter(pc.match_substring(some, ".").fill_null(False))
        if not pc.all(pc.match_substring_regex(pointed, r"^-?\d{1,3}\.\d{3}$")).as_py():
            return False
    return len(pointed) > 0


def _last_row(table: pa.RecordBatch, begin: int) -> int:
    """Number of rows from ``begin`` to the last one that holds anything."""
    last = 0
    for column in table.columns:
        filled = column.slice(begin).is_valid().to_numpy(zero_copy_only=False)
        at = np.flatnonzero(filled)
        last = max(last, int(at[-1]) + 1 if len(at) else 0)
    return last


def _put(column: pa.Array, spots: Sequence[tuple[int, str]]) -> pa.Array:
    mask = np.zeros(len(column), bool)
    for row, _ in spots:
        mask[row] = True
    texts = [t for _, t in sorted(spots)]
    return pc.replace_with_mask(column, pa.array(mask), pa.array(texts, pa.string()))


def _damaged(name: str, kind: str) -> InputError:
    return InputError(
        Text(f"Файл {kind} повреждён или передан не полностью", f"The {kind} file is damaged or incomplete"),
        where=name,
        todo=Text(
            "Откройте его в Excel, сохраните заново и пришлите ещё раз",
            "Open it in Excel, save it again and send it once more",
        ),
    )


def open_workbook(path: Path, name: str, kind: str, settings: Settings) -> list[SheetReader]:
    """Open a workbook and return the sheets to be read."""
    levels: dict[int, int] | None = None
    if kind == "xlsx":
        levels = None if _bounded(path, name) else {}
    elif kind in _HIDDEN_EXTENT and not survives(path):
        raise _damaged(name, kind)
    try:
        with hushed(), reading(name):
            workbook = fastexcel.read_excel(str(path) if _named_so(path, kind) else path.read_bytes())
            names = list(workbook.sheet_names)
    except InputError as e:
        said = str(e.__cause__)
        raise (encrypted(name) if "assword" in said or "ncrypt" in said else _damaged(name, kind)) from e
    sheets = [r for sheet in names if (r := _load(workbook, path, name, kind, sheet)) is not None]
    for reader in sheets:
        reader.levels = levels
    return choose_sheets(name, sheets, settings)


def _bounded(path: Path, name: str) -> bool:
    """Refuse a sheet whose cells lie so far apart that a dense table of it would not fit into memory.

    One stray cell in XFD1048576 makes 17 thousand million cells; the reader would take the whole process down. Returns
    whether rows of any sheet may have outline levels.
    """
    outlined = False
    try:
        with zipfile.ZipFile(path) as z:
            for entry in worksheets(z):
                rows, columns, levels = extent(partial(z.open, entry), MAX_CELLS)
                outlined = outlined or levels
                if rows * columns > MAX_CELLS:
                    raise InputError(
                        Text(
                            f"Лист слишком велик (строк: {rows}, столбцов: {columns}): где-то далеко стоит лишняя ячейка",
                            f"A sheet is too large (rows: {rows}, columns: {columns}): a stray cell stands far away",
                        ),
                        where=f"{name}, {entry.filename}",
                        todo=Text(
                            "Удалите пустые строки и столбцы за таблицей и сохраните книгу, или выгрузите CSV",
                            "Delete the empty rows and columns beyond the table and save the workbook, or export CSV",
                        ),
                    )
    except BAD_PACKAGE as e:
        raise _damaged(name, "XLSX") from e
    return outlined


def _load(workbook: Any, path: Path, name: str, kind: str, sheet: str) -> SheetReader | None:
    try:
        with hushed(), reading(name):
            loaded = workbook.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
            table, failed = loaded.to_arrow_with_errors()
    except InputError as e:
        said = str(e.__cause__)
        if "empty" in said.lower() or "NoData" in said or "no data" in said.lower():
            return None
        raise _damaged(name, kind) from e
    if table.num_rows == 0 or table.num_columns == 0:
        return None
    errors = []
    for cell in failed.errors if failed else []:
        hit = _ERROR.search(cell.detail)
        row, column = cell.position
        errors.append((row, column, _ERRORS.get(hit[1], "#ERROR") if hit else "#ERROR"))
    return SheetReader(path, name, kind, sheet, workbook, table, errors, visible=loaded.visible == "visible")


def encrypted(name: str) -> InputError:
    """Return the error for a workbook behind a password."""
    return InputError(
        Text("Файл защищён паролем", "The file is protected by a password"),
        where=name,
        todo=Text(
            "Снимите пароль (Файл → Сведения → Защита книги) и пришлите файл ещё раз",
            "Remove the password (File → Info → Protect Workbook) and send the file again",
        ),
    )


def formulas_without_values(reader: object) -> bool:
    """Whether a workbook holds formulas that nobody has calculated yet: a program wrote it, and every such cell is empty."""
    if not isinstance(reader, SheetReader) or reader.format != "xlsx" or reader.path.stat().st_size > _MERGED_BYTES:
        return False
    with reading(reader.name), zipfile.ZipFile(reader.path) as z:
        entry = sheet_entry(z, reader.sheet)
        if entry is None:
            return False
        with z.open(entry) as f:
            return bool(sheet_facts(f, most=4 * 2**20).bare_formulas)
