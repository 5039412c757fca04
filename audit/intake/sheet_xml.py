"""What a worksheet's XML says that the reader of workbooks does not: how far its cells lie, outlines, bare formulas.

Read by a parser, so that neither the order of attributes nor quotes, prefixes or references matter.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, NamedTuple
from xml.parsers import expat

from audit.intake.archives import DAMAGED_ZIP

__all__ = ["BAD_PACKAGE", "SheetFacts", "column_number", "extent", "sheet_facts", "whole", "worksheets"]

BAD_PACKAGE = (*DAMAGED_ZIP, KeyError, ValueError, expat.ExpatError)
"""What a damaged package raises: the archive cannot be read, lacks a part, or a part is no XML."""
_PART = 2**18
_FAR_OR_ODD = re.compile(rb'<c(?! r="[A-Z][0-9]{1,6}")([^>]{0,40})')
_PREFIXED = re.compile(rb":c[ >]")
_ROW_OF_CELL = re.compile(rb'<c r="[A-Z]+([0-9]{5,20})"')
_BESIDE_CELLS = (b"ol", b"ellWatch", b"ond", b"fRule", b"fvo", b"ontrol", b"ustom")
"""How tags of a worksheet go on that begin with «<c» and are no cells."""


def whole(text: str | None, most: int = 9) -> int | None:
    """Return a number of at most ``most`` digits, None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= most else None


def place(reference: str) -> tuple[int, int] | None:
    """Return row and column, from 1, of «BC12»; None where it is no reference."""
    letters = reference.rstrip("0123456789")
    row = whole(reference[len(letters) :], 20)
    if row is None or not letters.isascii() or not letters.isalpha() or len(letters) > 9:
        return None
    return row, column_number(letters)


def column_number(letters: str) -> int:
    """Return the number, from 1, of a column that spreadsheets name with letters."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


@dataclass
class SheetFacts:
    """What is found in one sheet: rows and columns from 1."""

    rows: int = 0
    columns: int = 0
    levels: dict[int, int] = field(default_factory=dict)
    """Outline level by row."""
    bare_formulas: list[tuple[int, int]] = field(default_factory=list)
    """Cells with a formula and no value: a program wrote it, and nobody has calculated."""


class _Sheet:
    """Takes the elements of a worksheet one by one."""

    def __init__(self) -> None:
        self.facts = SheetFacts()
        self.row = self.column = 0
        self.inside: list[str] = []
        self.formula = self.value = self.text = False
        self.sheet = True

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        tag = name.rpartition(":")[2]
        if not self.inside:
            self.sheet = tag == "worksheet"
        self.inside.append(tag)
        if tag == "row":
            self.row, self.column = whole(attributes.get("r"), 20) or self.row + 1, 0
            level = whole(attributes.get("outlineLevel"), 3)
            if level is not None:
                self.facts.levels[self.row] = level
        elif tag == "c":
            at = place(attributes.get("r", ""))
            row, self.column = at or (self.row, self.column + 1)
            self.facts.rows, self.facts.columns = max(self.facts.rows, row), max(self.facts.columns, self.column)
            self.cell = (row, self.column)
            self.formula, self.value, self.text = False, False, attributes.get("t") == "str"
        elif tag == "f":
            self.formula = True

    def end(self, name: str) -> None:
        tag = self.inside.pop()
        if tag == "c" and self.formula and not self.value and not self.text:
            self.facts.bare_formulas.append(self.cell)

    def characters(self, text: str) -> None:
        if self.inside and self.inside[-1] == "v" and text.strip():
            self.value = True


def sheet_facts(stream: IO[bytes], most: int | None = None) -> SheetFacts:
    """Read a worksheet to its end, or its first ``most`` bytes; another kind of XML has no rows."""
    sheet = _Sheet()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = sheet.start
    parser.EndElementHandler = sheet.end
    parser.CharacterDataHandler = sheet.characters
    parser.EntityDeclHandler = _no_entities
    left = most
    while sheet.sheet and (part := stream.read(_PART if left is None else min(_PART, left))):
        parser.Parse(part, False)
        left = None if left is None else left - len(part)
    return sheet.facts


def _no_entities(*declared: object) -> None:
    raise ValueError("a worksheet declares entities")


class Extent(NamedTuple):
    """How far a worksheet reaches: its last row and column, from 1, and whether its rows may have outline levels."""

    rows: int
    columns: int
    outlined: bool


def extent(open_it: Callable[[], IO[bytes]], most: int) -> Extent:
    """Return how far a worksheet that ``open_it`` opens reaches, exactly if it spans more than ``most`` cells.

    Where every cell is spelled as Excel spells it a quick look settles it; a parser tells the rest.
    """
    with open_it() as stream:
        bound = _at_most(stream)
    if bound is not None and bound[0] * bound[1] > most:
        with open_it() as stream:
            last = (int(row) for text in _whole_tags(stream) for row in set(_ROW_OF_CELL.findall(text)))
            bound = bound._replace(rows=max(last, default=9_999))
    if bound is not None and bound.rows * bound.columns <= most:
        return bound
    with open_it() as stream:
        facts = sheet_facts(stream)
    return Extent(facts.rows, facts.columns, bool(facts.levels))


def _at_most(stream: IO[bytes]) -> Extent | None:
    """What a worksheet does not exceed; None where a cell is spelled in a way of its own."""
    rows, columns, outlined = 999_999, 26, False
    for text in _whole_tags(stream):
        if b"\0" in text or _PREFIXED.search(text):
            return None
        outlined = outlined or b"outlineLevel" in text
        for tag in set(_FAR_OR_ODD.findall(text)):
            if tag.startswith(_BESIDE_CELLS):
                continue
            at = place(tag[4:].partition(b'"')[0].decode("latin-1")) if tag.startswith(b' r="') else None
            if at is None:
                return None
            rows, columns = max(rows, at[0]), max(columns, at[1])
    return Extent(rows, columns, outlined)


def _whole_tags(stream: IO[bytes]) -> Iterator[bytes]:
    """Give a file in parts that end with a tag."""
    rest = b""
    while part := stream.read(_PART):
        text = rest + part
        cut = text.rfind(b">") + 1 or len(text)
        yield text[:cut]
        rest = text[cut:]
    yield rest


def worksheets(package: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the parts of a workbook that may be worksheets: all XML outside its own tables and styles."""
    other = ("sharedstrings.xml", "styles.xml", "workbook.xml", "core.xml", "app.xml", "[content_types].xml")
    return [
        e
        for e in package.infolist()
        if e.filename.lower().endswith(".xml")
        and not e.filename.lower().endswith(other)
        and "/theme/" not in e.filename
    ]
