"""The document as a tree of blocks: what is said, free of how it is shown. HTML and Typst are two renderers over it.

Text is plain text, never markup: nothing that a client wrote can become a command of either renderer. A block holds
blocks or runs of text; a run is a plain string, a styled piece of text, a link, a mark, a picture or a line break.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from audit.findings.finding import Status

__all__ = [
    "Block",
    "Break",
    "Card",
    "Cell",
    "Chapter",
    "Code",
    "Columns",
    "Facts",
    "Figure",
    "Grade",
    "Group",
    "Heading",
    "Headline",
    "Headlines",
    "Inline",
    "KeyFigures",
    "Lines",
    "Link",
    "List",
    "Mark",
    "Node",
    "Note",
    "PageBreak",
    "Paragraph",
    "Picture",
    "Quote",
    "Row",
    "Rule",
    "Run",
    "Table",
    "from_plain",
    "plain",
    "text_of",
    "walk",
]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the document; ``kind`` names it for the renderers."""

    kind: ClassVar[str] = ""


# --- runs of text


@dataclass(frozen=True, slots=True)
class Run(Node):
    """A piece of text in a style: b, i, code, sup, sub, strike, small (a line of its own), who, id, severity …"""

    kind: ClassVar[str] = "run"
    style: str
    inside: tuple[Inline, ...]
    note: str = ""
    """What shows on hover; paper has none."""


@dataclass(frozen=True, slots=True)
class Link(Node):
    """A link to an anchor of the document (``#chart-…``) or to an address."""

    kind: ClassVar[str] = "link"
    to: str
    inside: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Mark(Node):
    """A verdict by shape and word; where it is not ``shown`` the word is for screen readers."""

    kind: ClassVar[str] = "mark"
    status: Status
    shape: str
    word: str
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Grade(Node):
    """An evidence grade."""

    kind: ClassVar[str] = "grade"
    letter: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Break(Node):
    """A new line within a paragraph."""

    kind: ClassVar[str] = "break"


@dataclass(frozen=True, slots=True)
class Picture(Node):
    """A picture: its media type and bytes in base64; one without ``alt`` repeats what the text beside it says."""

    kind: ClassVar[str] = "picture"
    media: str
    data: str
    alt: str = ""
    style: str = ""
    """``gauge``, ``full``, ``half``, or nothing for one in its own size."""


Inline = str | Run | Link | Mark | Grade | Break | Picture
"""A string is plain text; one of `Markup` is inline HTML of the kit's own sentences, converted where it must be."""


# --- blocks


@dataclass(frozen=True, slots=True)
class Heading(Node):
    """A heading: 1 for a chapter, 2 for a section of it. ``style`` «kicker» is the small one above page one."""

    kind: ClassVar[str] = "heading"
    level: int
    inside: tuple[Inline, ...]
    id: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Chapter(Node):
    """Where a chapter begins: a new page, unless it is ``brief`` or is ``joined`` to a page that is half empty."""

    kind: ClassVar[str] = "chapter"
    title: Heading
    brief: bool = False
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph(Node):
    """A paragraph; ``style`` is its part in the page: lead, note, label, verdict …"""

    kind: ClassVar[str] = "p"
    inside: tuple[Inline, ...]
    style: str = ""
    only: str = ""
    """``screen`` or ``paper``, for what stands in one of the two documents."""


@dataclass(frozen=True, slots=True)
class Code(Node):
    """Text that keeps its lines and blanks."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True, slots=True)
class List(Node):
    """A list; each item holds blocks."""

    kind: ClassVar[str] = "list"
    items: tuple[tuple[Block, ...], ...]
    ordered: bool = False
    start: int = 1
    style: str = ""


@dataclass(frozen=True, slots=True)
class Facts(Node):
    """Short facts: label and value."""

    kind: ClassVar[str] = "facts"
    items: tuple[tuple[tuple[Inline, ...], tuple[Inline, ...]], ...]


@dataclass(frozen=True, slots=True)
class KeyFigures(Node):
    """Two to five large figures in a row: value, what it is, remark."""

    kind: ClassVar[str] = "keys"
    items: tuple[tuple[tuple[Inline, ...], tuple[Inline, ...], tuple[Inline, ...]], ...]


@dataclass(frozen=True, slots=True)
class Card(Node):
    """A finding in full: verdict, title, the figure on its scale, what is said of it."""

    kind: ClassVar[str] = "card"
    status: Status
    verdict: tuple[Inline, ...]
    title: Heading
    figure: tuple[Block, ...]
    body: tuple[Block, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Headline(Node):
    """A finding on page one: the figure at the side of what is said of it."""

    kind: ClassVar[str] = "headline"
    status: Status
    figure: tuple[Block, ...]
    body: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Headlines(Node):
    """The findings of page one."""

    kind: ClassVar[str] = "headlines"
    items: tuple[Headline, ...]


@dataclass(frozen=True, slots=True)
class Note(Node):
    """A remark set apart from the text: note, warning, good."""

    kind: ClassVar[str] = "note"
    tone: str
    title: tuple[Inline, ...]
    body: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Figure(Node):
    """A chart with its title above and its note below."""

    kind: ClassVar[str] = "figure"
    picture: Picture
    title: tuple[Inline, ...] = ()
    subtitle: tuple[Inline, ...] = ()
    note: tuple[Inline, ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class Cell(Node):
    """A cell of a table: runs, or blocks where an analyst put some there."""

    kind: ClassVar[str] = "cell"
    inside: tuple[Any, ...] = ()
    align: str = ""
    """``r`` or ``c``; to the left by default."""
    across: int = 1
    down: int = 1
    head: bool = False
    only: str = ""
    sort: str = ""
    """What the browser sorts by, where it is not the text."""


@dataclass(frozen=True, slots=True)
class Row(Node):
    """A row of a table; ``style`` is total, found, watch, group."""

    kind: ClassVar[str] = "row"
    cells: tuple[Cell, ...]
    style: str = ""
    only: str = ""


@dataclass(frozen=True, slots=True)
class Table(Node):
    """A table: shares of its columns in the width, rows of its head (repeated on every page), rows of its body."""

    kind: ClassVar[str] = "table"
    widths: tuple[float, ...]
    head: tuple[Row, ...]
    body: tuple[Row, ...]
    caption: tuple[Inline, ...] = ()
    style: str = ""
    """``wide`` (a page across), ``dense`` (small type), ``scorecard``, ``foreign`` (an analyst's), or nothing."""
    id: str = ""
    letters: float = 0
    """How many letters an analyst's table needs across."""
    only: str = ""
    sortable: bool = False
    screen_widths: tuple[float, ...] = ()
    """Widths on the screen, where paper leaves columns out."""
    total: int = 0
    """Rows of the whole list, where this is the beginning of one."""


@dataclass(frozen=True, slots=True)
class Lines(Node):
    """Verdicts of a chapter, a line each, kept together."""

    kind: ClassVar[str] = "lines"
    title: tuple[Inline, ...]
    items: tuple[tuple[Inline, ...], ...]


@dataclass(frozen=True, slots=True)
class Columns(Node):
    """Parts side by side. ``style`` «pair» is small print in two columns, «lower» the foot of page one."""

    kind: ClassVar[str] = "columns"
    parts: tuple[tuple[Block, ...], ...]
    style: str = ""


@dataclass(frozen=True, slots=True)
class Group(Node):
    """Blocks of one style: legend, definitions, glossary, the text of a card, what to do, the foot of a table."""

    kind: ClassVar[str] = "group"
    style: str
    body: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Quote(Node):
    """A quotation."""

    kind: ClassVar[str] = "quote"
    body: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Rule(Node):
    """A line across the page."""

    kind: ClassVar[str] = "rule"


@dataclass(frozen=True, slots=True)
class PageBreak(Node):
    """What follows begins a page."""

    kind: ClassVar[str] = "pagebreak"


Block = (
    Heading
    | Chapter
    | Paragraph
    | Code
    | List
    | Facts
    | KeyFigures
    | Card
    | Headlines
    | Note
    | Figure
    | Table
    | Lines
    | Columns
    | Group
    | Quote
    | Rule
    | PageBreak
)


def walk(part: Any) -> Iterator[Any]:
    """Yield every node and text below a part, in reading order."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Node):
        yield part
        for f in fields(part):
            value = getattr(part, f.name)
            if isinstance(value, tuple | Node):
                yield from walk(value)
            elif f.name in ("word", "letter", "text"):
                yield value
    elif isinstance(part, Iterable):
        for p in part:
            yield from walk(p)


def text_of(part: Any) -> str:
    """Return the text of a part, without its styles."""
    return "".join(p for p in walk(part) if isinstance(p, str))


def plain(part: Any, text: Callable[[str], str] = str) -> Any:
    """Return a part as what JSON can hold: a node is an object with its kind under ``k``, what is usual is left out.

    ``text`` writes every text that is shown.
    """
    if isinstance(part, Node):
        out: dict[str, Any] = {"k": part.kind}
        for f in fields(part):
            value = getattr(part, f.name)
            if value != f.default:
                shown = isinstance(value, str) and f.name in _SHOWN
                out[f.name] = text(value) if shown else value if isinstance(value, str) else plain(value, text)
        return out
    if isinstance(part, tuple | list):
        return [plain(p, text) for p in part]
    return text(part) if isinstance(part, str) else part


_SHOWN = frozenset({"word", "letter", "text", "alt"})


_KINDS = {
    cls.kind: cls
    for cls in (
        *(Run, Link, Mark, Grade, Break, Picture, Heading, Chapter, Paragraph, Code, List, Facts, KeyFigures, Card),
        *(Headline, Headlines, Note, Figure, Cell, Row, Table, Lines, Columns, Group, Quote, Rule, PageBreak),
    )
}


def from_plain(part: Any) -> Any:
    """Read back what `plain` wrote; raise `ValueError` for anything else."""
    if isinstance(part, list):
        return tuple(from_plain(p) for p in part)
    if not isinstance(part, dict):
        return part
    cls = _KINDS.get(part.get("k", ""))
    if cls is None:
        raise ValueError("not a block")
    given = {}
    for f in fields(cls):
        if f.name in part:
            given[f.name] = from_plain(part[f.name])
            wanted = str if f.type in ("str", "Status") else tuple if str(f.type).startswith("tuple") else None
            if wanted is not None and not isinstance(given[f.name], wanted):
                raise ValueError(f"{cls.kind}: {f.name}")
    try:
        return cls(**given)
    except TypeError as e:
        raise ValueError(str(e)) from e
