"""Delimited text quoted in a way of its own: told from its first lines, and written again the usual way."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

__all__ = ["Quoting", "odd_quoting", "rewrite", "usual"]

Quoting = Literal["whole lines", "single quotes", "carriage returns", "formulas"]
"""The line as one quoted field; ' in place of "; lines end with CR while LF stands inside quotes; ="0012" for a text."""

_LOOKED_AT = 60
_MOST = 0.8


def odd_quoting(text: str, delimiters: Sequence[str]) -> Quoting | None:
    """Tell how the first lines of a file are quoted, None for the usual way."""
    if text.count("\r") - text.count("\r\n") > text.count("\n") > 0:
        return "carriage returns"
    lines = [line for line in text.splitlines()[:_LOOKED_AT] if line.strip()]
    if len(lines) < 2:
        return None
    if all(_one_field(line) and any(d in line for d in delimiters) for line in lines[:-1]):
        return "whole lines"
    if sum(bool(_FORMULA.search(line)) for line in lines[1:]) >= _MOST * len(lines[1:]):
        return "formulas"
    for delimiter in delimiters:
        cells = [c.strip() for line in lines[:-1] for c in line.split(delimiter) if c.strip()]
        single = sum(len(c) >= 2 and c[0] == c[-1] == "'" for c in cells)
        if len(cells) >= 2 * len(lines[:-1]) and single >= _MOST * len(cells):
            return "single quotes"
    return None


_FORMULA = re.compile(r'(?P<before>^|[;,\t|])(?:="(?P<bare>[^"]*)"|"=""(?P<quoted>[^"]*)""")(?=[;,\t|\r\n]|$)')


def _one_field(line: str) -> bool:
    return len(line) > 2 and line[0] == line[-1] == '"' and '"' not in line[1:-1].replace('""', "")


def usual(text: str, how: Quoting, delimiter: str) -> str:
    """Return text in the usual quoting, line by line."""
    out = io.StringIO()
    _READ[how](io.StringIO(text, newline=_ENDS[how]), out, delimiter)
    return out.getvalue()


def rewrite(path: Path, encoding: str, mark_bytes: int, how: Quoting, delimiter: str, target: Path) -> None:
    """Write the file again, in UTF-8 and the usual quoting; its lines keep their numbers."""
    with (
        path.open(encoding=encoding, errors="replace", newline=_ENDS[how]) as source,
        target.open("w", encoding="utf-8", newline="") as sink,
    ):
        if mark_bytes:
            source.read(1)
        _READ[how](source, sink, delimiter)


def _whole_lines(source: Iterator[str], sink: io.TextIOBase, delimiter: str) -> None:
    for line in source:
        bare = line.rstrip("\r\n")
        sink.write((bare[1:-1].replace('""', '"') if _one_field(bare) else bare) + "\n")


def _single_quotes(source: Iterator[str], sink: io.TextIOBase, delimiter: str) -> None:
    writer = csv.writer(sink, delimiter=delimiter, lineterminator="\n")
    writer.writerows(csv.reader(source, delimiter=delimiter, quotechar="'"))


def _formulas(source: Iterator[str], sink: io.TextIOBase, delimiter: str) -> None:
    for line in source:
        sink.write(_FORMULA.sub(lambda m: f'{m["before"]}"{m["bare"] or m["quoted"] or ""}"', line))


def _carriage_returns(source: Iterator[str], sink: io.TextIOBase, delimiter: str) -> None:
    for line in source:
        sink.write(line.rstrip("\r").replace("\n", " ") + "\n")


_READ: dict[Quoting, Callable[[Iterator[str], io.TextIOBase, str], None]] = {
    "whole lines": _whole_lines,
    "single quotes": _single_quotes,
    "carriage returns": _carriage_returns,
    "formulas": _formulas,
}
_ENDS: dict[Quoting, str] = {"whole lines": "", "single quotes": "", "carriage returns": "\r", "formulas": ""}
