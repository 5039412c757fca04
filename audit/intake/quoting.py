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
_TITLES = 6
"""Lines of a title that may stand above lines quoted as a whole."""
_MOST = 0.8
_FEW = 20
_LEAST_FIELDS = 3
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def odd_quoting(text: str, delimiters: Sequence[str]) -> Quoting | None:
    """Tell how the first lines of a file are quoted, None for the usual way."""
    if _ends_with_returns(text):
        return "carriage returns"
    lines = [line for line in text.splitlines()[:_LOOKED_AT] if line.strip()]
    if len(lines) < 2:
        return None
    whole = lines[next((i for i, line in enumerate(lines[:_TITLES]) if _one_field(line)), 0) :]
    holding = sum(_one_field(line) and any(d in line[1:-1] for d in delimiters) for line in whole)
    if holding >= max(2, _MOST * len(whole)) or (holding == len(whole) - 1 and holding and len(lines) == 2):
        return "whole lines"
    if sum(bool(_FORMULA.search(line)) for line in lines[1:]) >= _MOST * len(lines[1:]):
        return "formulas"
    return "single quotes" if any(_single_quoted(lines, d) for d in delimiters) else None


def _ends_with_returns(text: str) -> bool:
    """Whether lines end with CR: every LF stands inside quotes."""
    if "\n" not in text or text.count("\r") == text.count("\r\n"):
        return False
    bare = _QUOTED.sub("", text)
    return bare.count("\r") - bare.count("\r\n") > _FEW * bare.count("\n") and bare.count("\r\n") == 0


def _single_quoted(lines: Sequence[str], delimiter: str) -> bool:
    """Whether fields stand in ': all of them, or those that hold the delimiter, which else make lines too long."""
    between = f"'{delimiter}'"
    if sum(line[0] == line[-1] == "'" and between in line for line in lines) >= _MOST * len(lines):
        return True
    if not any(f"{delimiter}'" in line or line[0] == "'" for line in lines):
        return False
    usual_width, width = (
        [len(row) for row in csv.reader(lines, delimiter=delimiter, quotechar=mark)] for mark in ('"', "'")
    )
    return width[0] >= _LEAST_FIELDS and len(set(width)) == 1 and len(set(usual_width)) > 1


_FORMULA = re.compile(r'(?P<before>^|[;,\t|])(?:="(?P<bare>[^"]*)"|"=""(?P<quoted>[^"]*)""")(?=[;,\t|\r\n]|$)')


_WHOLE = re.compile(r'"((?:[^"]|"")+)"[;,\t|]*\s*')
"""A line in quotes; a spreadsheet adds delimiters behind it."""


def _one_field(line: str) -> bool:
    return _WHOLE.fullmatch(line) is not None


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
        whole = _WHOLE.fullmatch(bare)
        sink.write((whole[1].replace('""', '"') if whole else bare) + "\n")


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
