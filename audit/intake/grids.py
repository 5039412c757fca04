"""Tables that come row by row: HTML dressed as .xls, XML spreadsheets, database queries. One reader for all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

from lxml import etree

from audit.errors import InputError, Text
from audit.intake.columnar import file_digest
from audit.intake.delimited import sniff_encoding
from audit.intake.guard import guarded
from audit.intake.layout import HEAD_ROWS, Layout
from audit.intake.sheet_xml import whole
from audit.intake.sheets import choose_sheets
from audit.intake.staging import NUMBER_FIELDS, Row, Staged, StageWriter
from audit.intake.store import Store
from audit.intake.values import TYPED
from audit.settings import Settings

__all__ = ["GridReader", "cell_text", "open_html", "open_xml"]

_STEP = 20_000
DOWN = "\ue001"
"""Put before the text of a cell that is merged over the rows below: it counts there, but a sum counts only once."""
_MAX_SPAN = 2_000
"""No real header or cell spans more columns; a larger number is an attempt to fill the memory."""
_MAX_WIDTH = 20_000
"""Cells of a row; a spreadsheet has at most 16,384 columns."""


@dataclass
class GridReader:
    """A table that is read row by row, twice: its first rows to find the header, then all of them."""

    name: str
    format: str
    rows: Callable[[], Iterator[Row]]
    path: Path | None = None
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sha256: str = ""
    merged: tuple[tuple[int, int, int, int], ...] = ()
    digest: Callable[[], str] | None = None
    notes: list[Text] = field(default_factory=list)
    visible: bool = True

    @guarded
    def head(self, rows: int = HEAD_ROWS + 80) -> list[Row]:
        """Return the first rows as text cells."""
        return list(islice(self.every_row(), rows))

    @guarded
    def outline(self) -> Mapping[int, int]:
        """Return no outline: these formats have none."""
        return {}

    @guarded
    def every_row(self) -> Iterator[Row]:
        """Give all rows one by one."""
        for number, cells in self.rows():
            yield number, [c.removeprefix(DOWN) for c in cells]
        if self.path is not None:
            self.sha256 = file_digest(self.path)

    @guarded
    def stage(self, layout: Layout, keep: Sequence[tuple[str, int]], path: Path, store: Store) -> Staged:
        """Write the columns ``keep`` (field, column) of all rows after the header to ``path``."""
        with StageWriter(path, [f for f, _ in keep], store) as writer:
            body = (r for r in self.rows() if r[0] >= layout.first_row)
            blank: list[int] = []
            while part := list(islice(body, _STEP)):
                out: list[tuple[int, str | None, str | None, Sequence[str | None]]] = []
                for number, cells in part:
                    if not any(cells):
                        blank.append(number)  # blank rows at the very end are no rows
                        continue
                    out.extend((b, None, None, [None] * len(keep)) for b in blank)
                    blank.clear()
                    out.append((number, None, None, [_kept(cells[i], f) if i < len(cells) else None for f, i in keep]))
                writer.lists(out)
        if self.path is not None:
            self.sha256 = file_digest(self.path)
        elif self.digest is not None:
            self.sha256 = self.digest()
        return writer.staged


def _kept(text: str, name: str) -> str:
    """Return what a cell says for a field; a sum merged over several rows counts in the first of them."""
    if not text.startswith(DOWN):
        return text
    return "" if name in NUMBER_FIELDS else text[1:]


def cell_text(value: object) -> str:
    """Return a typed cell as text: dates ISO, whole numbers without a point, other numbers marked as typed."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{TYPED}{value!r}"
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral_value() else f"{TYPED}{value}"
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, dt.date):
        return value.isoformat()
    return "" if isinstance(value, bytes | bytearray | memoryview) else str(value)


def open_html(path: Path, name: str, encoding: str | None) -> GridReader:
    """Open an HTML page saved as .xls (Bitrix24 and many web systems): the rows of all its tables in order."""
    found = encoding or sniff_encoding(path, name)[0]

    def rows() -> Iterator[Row]:
        number = 0
        with path.open("rb") as f:
            events = etree.iterparse(
                f, events=("end",), tag="tr", html=True, encoding=found, no_network=True, huge_tree=True, recover=True
            )
            carried: dict[int, tuple[int, str]] = {}
            for _, tr in events:
                number += 1
                cells: list[str] = []
                for cell in tr.iterchildren("td", "th"):
                    _take_carried(cells, carried)
                    _not_too_wide(cells, name, number)
                    text = _html_text(cell)
                    down = _span(cell.get("rowspan"))
                    for _ in range(_span(cell.get("colspan"))):
                        if down > 1:
                            carried[len(cells)] = (down - 1, DOWN + text)
                        cells.append(text)
                        text = ""  # only the first cell of a span carries its text, as in a spreadsheet
                _take_carried(cells, carried)
                yield number, cells
                _forget(tr)

    return GridReader(name, "html", rows, path, encoding=found)


_BREAKS = frozenset(
    {"br", "p", "div", "li", "ul", "ol", "hr", "table", "tr", "td", "th", "h1", "h2", "h3", "h4", "pre"}
)


def _html_text(cell: Any) -> str:
    """Text of a cell in one line: a line break and the edges of a block are blanks, inline marks are nothing."""
    parts: list[str] = []
    for event, element in etree.iterwalk(cell, events=("start", "end", "comment")):
        if event == "comment":
            parts.append(element.tail or "")
            continue
        if element.tag in _BREAKS and element is not cell:
            parts.append(" ")
        parts.append((element.text if event == "start" else "" if element is cell else element.tail) or "")
    return " ".join("".join(parts).split())


def _take_carried(cells: list[str], carried: dict[int, tuple[int, str]]) -> None:
    while len(cells) in carried:
        left, text = carried.pop(len(cells))
        if left > 1:
            carried[len(cells)] = (left - 1, text)
        cells.append(text)


def _span(text: str | None) -> int:
    """The number of columns or rows that a cell spans."""
    if text is None or not (text := text.strip()).isascii() or not text.isdigit():
        return 1
    return min(max(whole(text) or 1, 1), _MAX_SPAN) if len(text) <= 9 else _MAX_SPAN


def _not_too_wide(cells: Sequence[str], name: str, row: int) -> None:
    if len(cells) > _MAX_WIDTH:
        raise InputError(
            Text(
                f"В строке больше {_MAX_WIDTH} ячеек: это не таблица",
                f"A row has more than {_MAX_WIDTH} cells: this is no table",
            ),
            where=f"{name}:{row}",
            todo=Text("Выгрузите данные заново в CSV или XLSX", "Export the data again as CSV or XLSX"),
        )


def _forget(element: Any) -> None:
    """Free what has been read, so that memory does not grow with the file."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


_SS = "{urn:schemas-microsoft-com:office:spreadsheet}"


def open_xml(path: Path, name: str, settings: Settings) -> list[GridReader]:
    """Open an XML spreadsheet of 2003: the sheets to be read."""
    sheets = []
    for sheet, visible in _xml_sheets(path).items():
        reader = GridReader(name, "xml", partial(_xml_rows, path, sheet), path, sheet, "utf-8", visible=visible)
        if any(any(cells) for _, cells in reader.head()):
            sheets.append(reader)
    return choose_sheets(name, sheets, settings)


def _xml_events(f: IO[bytes], *tags: str, events: tuple[str, ...] = ("end",)) -> Any:
    return etree.iterparse(
        f,
        events=events,
        tag=tags,
        resolve_entities=False,
        no_network=True,
        huge_tree=True,
        recover=True,
        load_dtd=False,
    )


def _xml_sheets(path: Path) -> dict[str, bool]:
    """Names of the sheets, and whether each is visible."""
    out: dict[str, bool] = {}
    with path.open("rb") as f:
        for _, element in _xml_events(f, f"{_SS}Row", f"{_SS}Worksheet"):
            if element.tag == f"{_SS}Worksheet":
                hidden = element.find("{*}WorksheetOptions/{*}Visible")
                out[element.get(f"{_SS}Name") or str(len(out) + 1)] = hidden is None
            _forget(element)
    return out


def _xml_rows(path: Path, sheet: str) -> Iterator[Row]:
    """Rows of one sheet; a cell merged over rows below counts in them as `DOWN` says."""
    number = at = 0
    inside = False
    carried: dict[int, tuple[int, str]] = {}
    with path.open("rb") as f:
        for event, element in _xml_events(f, f"{_SS}Row", f"{_SS}Worksheet", events=("start", "end")):
            if element.tag == f"{_SS}Worksheet":
                at += event == "start"
                inside = event == "start" and (element.get(f"{_SS}Name") or str(at)) == sheet
                if event == "end" and number:
                    return
            elif event == "end":
                if inside:
                    number = whole(element.get(f"{_SS}Index")) or number + 1
                    yield number, _xml_cells(element, carried, path.name, number)
                _forget(element)


def _xml_cells(row: Any, carried: dict[int, tuple[int, str]], name: str, number: int) -> list[str]:
    cells: list[str] = []
    for cell in row.iterchildren(f"{_SS}Cell"):
        _not_too_wide(cells, name, number)
        before = min((whole(cell.get(f"{_SS}Index")) or 1) - 1, _MAX_SPAN)
        _take_carried(cells, carried)
        while len(cells) < before:
            cells.append("")
            _take_carried(cells, carried)
        data = cell.find(f"{_SS}Data")
        text = "" if data is None else "".join(data.itertext())
        kind = None if data is None else data.get(f"{_SS}Type")
        if kind == "Number" and "." in text:
            text = TYPED + text
        elif kind == "DateTime":
            text = text.split(".")[0].replace("T", " ")
        if whole(below := cell.get(f"{_SS}MergeDown")):
            carried[len(cells)] = (_span(below), DOWN + text)
        cells.append(text)
        cells.extend("" for _ in range(_span(cell.get(f"{_SS}MergeAcross")) if cell.get(f"{_SS}MergeAcross") else 0))
    _take_carried(cells, carried)
    return cells


def not_a_table(name: str) -> InputError:
    """Return the error for a page without a table."""
    return InputError(
        Text("В файле нет ни одной таблицы", "The file holds no table"),
        where=name,
        todo=Text("Выгрузите данные заново в CSV или XLSX", "Export the data again as CSV or XLSX"),
    )
