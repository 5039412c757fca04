"""Columns of numbers: evidence about their decimal mark over all rows, and their values as exact ten-thousandths.

Money is carried as whole ten-thousandths in 64-bit integers (DECIMAL(18,4) on disk): sums do not depend on order. The
plain ways to write a number go through DuckDB's casts, whatever is left cell by cell through `values.parse_number`,
which defines the meaning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit.errors import AmbiguityError, Answer, Text
from audit.intake.store import Store
from audit.intake.values import TYPED, currency_mark, number_marks, parse_number
from audit.settings import Reading

__all__ = ["MONEY", "Decimals", "NumberEvidence", "Numbers", "Resolved", "decide_marks", "product", "to_decimal"]

MONEY = pa.decimal128(18, 4)
Decimals = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]
_ONE = Decimal(1)
_BLANK = "[ \u00a0\u202f]"
_COMMA_STYLE = rf"[-+]?(\d{{1,3}}({_BLANK}\d{{3}})+|\d+)(,\d*)?"
"""«1 234,56»: blanks between thousands, a decimal comma. Everything rarer goes cell by cell."""
_THREE = r"[-+]?\d{1,3}[.,]\d{3}"
_MANY = 20_000


def _cast(text: str, times: Decimal = _ONE) -> str:
    """SQL that reads a number; one that is multiplied is rounded afterwards."""
    if times == 1:
        return f"TRY_CAST({text} AS DECIMAL(18,4))"
    return f"TRY_CAST(TRY_CAST({text} AS DECIMAL(27,13)) * {times:f} AS DECIMAL(18,4))"


_BLANKS = " \u00a0\u202f"


def _plain(times: Decimal = _ONE) -> str:
    """SQL that reads «1234.56»."""
    return f"CASE WHEN contains(c, '_') THEN NULL ELSE {_cast('c', times)} END"


def _comma(blanks: str = _BLANKS, times: Decimal = _ONE) -> str:
    """SQL that reads «1 234,56»; ``blanks`` are those that can occur."""
    bare = "c"
    for blank in blanks:
        bare = f"replace({bare}, '{blank}', '')"
    bare = f"replace({bare}, ',', '.')"
    return f"CASE WHEN regexp_full_match(c, '{_COMMA_STYLE}') THEN {_cast(bare, times)} END"


@dataclass
class NumberEvidence:
    """What the cells of one number column show, over all rows."""

    filled: int = 0
    plain: int = 0
    """Cells that are a number in one of the common ways."""
    marks: Counter[str] = field(default_factory=Counter)
    """Cells that prove a decimal comma or point («,» «.»), or leave three digits after one mark («3,» «3.»)."""
    currencies: Counter[str] = field(default_factory=Counter)
    """Cells per currency word or sign that stands in them."""
    percent: int = 0
    negative: int = 0
    largest: float = 0.0
    example: dict[str, str] = field(default_factory=dict)

    def __iadd__(self, other: NumberEvidence) -> NumberEvidence:
        self.filled += other.filled
        self.plain += other.plain
        self.marks += other.marks
        self.currencies += other.currencies
        self.percent += other.percent
        self.negative += other.negative
        self.largest = max(self.largest, other.largest)
        self.example = {**other.example, **self.example}
        return self


@dataclass(frozen=True)
class Resolved:
    """A column read on the way, with the decimal mark that it was read with («any»: no cell has one)."""

    values: Decimals
    known: npt.NDArray[np.bool_]
    mark: Literal[".", ",", "any"]


class Numbers:
    """Text to numbers by the column, in the database of the reading."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _query(self, sql: str, column: pa.Array) -> pa.Table:
        numbered = pa.array(np.arange(len(column), dtype=np.int32))
        with self._store.given("arriving", pa.table([column, numbered], names=["c", "place"])):
            return self._store.table(sql)

    def examine(self, column: pa.Array) -> tuple[NumberEvidence, Resolved | None]:
        """Count what the cells of a text column show, and read them on the way where they leave no doubt.

        Numbers of typed cells show nothing about marks.
        """
        typed = _typed(column)
        if typed is None:
            return self._examine(column)
        bare = pc.if_else(typed, pc.utf8_slice_codeunits(column, 1), column)
        out, _ = self._examine(pc.if_else(typed, None, bare))
        numbers, _ = self._examine(pc.if_else(typed, bare, None))
        numbers.marks.clear()
        numbers.example.clear()
        out += numbers
        return out, None

    def _examine(self, column: pa.Array) -> tuple[NumberEvidence, Resolved | None]:
        # Whole numbers fit both ways; the way that the first cells show goes first and mostly takes all.
        with_comma = any("," in (t or "") for t in column.slice(0, 500).to_pylist())
        values, known = self._values(_comma(self._blanks(column)) if with_comma else _plain(), column)
        filled = pc.not_equal(column, "").fill_null(False).to_numpy(zero_copy_only=False)
        out = NumberEvidence(int(filled.sum()))
        self._weigh(column, _holding(column, "," if with_comma else ".", known), "," if with_comma else ".", out)
        rest = np.flatnonzero(filled & ~known)
        odd = 0
        if len(rest):
            texts = column.take(pa.array(rest))
            other = _plain() if with_comma else _comma(self._blanks(texts))
            values[rest], known[rest] = self._values(other, texts)
            mark = "." if with_comma else ","
            self._weigh(texts, _holding(texts, mark, known[rest]), mark, out)
            strange = np.flatnonzero(~known[rest])
            odd = len(strange)
            if odd:
                self._closer(texts.take(pa.array(strange)), out)
        out.plain = int(known.sum())
        out.negative += int((values < 0).sum())
        out.largest = max(out.largest, float(np.abs(values).max()) / 10_000.0 if len(values) else 0.0)
        commas, dots = out.marks[","] + out.marks["3,"], out.marks["."] + out.marks["3."]
        if odd or (commas and dots):
            return out, None
        return out, Resolved(values, known, "," if commas else "." if dots else "any")

    @staticmethod
    def _blanks(column: pa.Array) -> str:
        return "".join(b for b in _BLANKS if pc.any(pc.match_substring(column, b)).as_py())

    @staticmethod
    def _weigh(column: pa.Array, holding: _Bools, mark: str, out: NumberEvidence) -> None:
        """Tell cells that prove a decimal mark from those with exactly three digits after it."""
        at = np.flatnonzero(holding)
        if len(at) == 0:
            return
        some = column.take(pa.array(at[:1000]))
        three = pc.match_substring_regex(some, f"^{_THREE}$")
        if len(at) > 1000 and pc.all(three).as_py():
            some = column.take(pa.array(at))
            three = pc.match_substring_regex(some, f"^{_THREE}$")
        undecided = int(pc.sum(three).as_py() or 0)
        out.marks[mark] += len(three) - undecided
        out.marks[f"3{mark}"] += undecided
        out.example[mark] = pc.min(some).as_py()

    @staticmethod
    def _closer(texts: pa.Array, out: NumberEvidence) -> None:
        for pair in texts.value_counts().slice(0, _MANY).to_pylist():
            text, n = pair["values"], pair["counts"]
            mark = number_marks(text)
            if mark is not None:
                out.marks[mark] += n
                kind = mark[-1]
                out.example[kind] = min(out.example.get(kind, text), text)
            currency = currency_mark(text)
            if currency is not None:
                out.currencies[currency] += n
            if "%" in text:
                out.percent += n
            number = parse_number(text, "," if mark in (",", "3,") else ".")
            if number is not None:
                out.largest = max(out.largest, abs(float(number)))
                out.negative += n if number < 0 else 0

    def _values(self, expression: str, column: pa.Array) -> tuple[Decimals, _Bools]:
        result = self._query(f"SELECT {expression} AS d, place FROM arriving", column)
        at = result.column(1).to_numpy()
        if bool((at[1:] < at[:-1]).any()):  # a parallel scan promises no order
            result = result.sort_by("place")
        return from_decimal(result.column(0))

    def read(
        self, column: pa.Array, decimal: Literal[".", ","], times: Decimal = _ONE
    ) -> tuple[Decimals, npt.NDArray[np.bool_]]:
        """Return the values times ``times`` in ten-thousandths and a mask of the cells that hold a number."""
        expression = _plain(times) if decimal == "." else _comma(times=times)
        if _typed(column) is not None:
            typed = _cast("substr(c, 2)", times)
            expression = f"CASE WHEN starts_with(c, '{TYPED}') THEN {typed} ELSE {expression} END"
        values, known = self._values(expression, column)
        if known.all():
            return values, known
        rest = np.flatnonzero(~known)
        texts = column.take(pa.array(rest))
        coded = texts.dictionary_encode()
        memo: list[int | None] = []
        for text in coded.dictionary.to_pylist():
            number = parse_number(text, decimal, times) if text else None
            memo.append(None if number is None else int(number.scaleb(4)))
        if any(v is not None for v in memo):
            lut = np.array([v if v is not None else 0 for v in memo] + [0], np.int64)
            good = np.array([v is not None for v in memo] + [False])
            at = coded.indices.fill_null(len(memo)).to_numpy(zero_copy_only=False)
            values[rest] = lut[at]
            known[rest] = good[at]
        return values, known


def _typed(column: pa.Array) -> pa.BooleanArray | None:
    """Which cells carry the mark of a typed number; None where no cell does."""
    marked = pc.starts_with(column, TYPED)
    return marked.fill_null(False) if pc.any(marked).as_py() else None


def _holding(column: pa.Array, mark: str, known: _Bools) -> _Bools:
    """Which of the known cells hold a mark."""
    found: _Bools = pc.match_substring(column, mark).fill_null(False).to_numpy(zero_copy_only=False)
    return found & known


def from_decimal(column: pa.ChunkedArray | pa.Array) -> tuple[Decimals, npt.NDArray[np.bool_]]:
    """Return DECIMAL(18,4) values as ten-thousandths and a mask of those that are not null."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    n = len(array)
    if n == 0:
        return np.zeros(0, np.int64), np.zeros(0, bool)
    # 18 digits fit into the low half of the 128-bit value.
    words = np.frombuffer(array.buffers()[1], np.int64, count=2 * n, offset=16 * array.offset)[0::2]
    known = array.is_valid().to_numpy(zero_copy_only=False)
    return np.where(known, words, 0), known.copy()


def to_decimal(values: Decimals, known: npt.NDArray[np.bool_] | None) -> pa.Array:
    """Return ten-thousandths as a DECIMAL(18,4) column, null where not known."""
    n = len(values)
    pairs = np.empty((n, 2), np.int64)
    pairs[:, 0] = values
    pairs[:, 1] = values >> 63
    validity = None
    if known is not None and not known.all():
        validity = pa.py_buffer(np.packbits(known, bitorder="little").tobytes())
    return pa.Array.from_buffers(MONEY, n, [validity, pa.py_buffer(pairs)])


def product(a: Decimals, b: Decimals, times: Decimal = _ONE) -> tuple[Decimals, npt.NDArray[np.bool_]]:
    """Return a × b × times in ten-thousandths, rounded half up, and a mask of those that fit."""
    many, of = times.as_integer_ratio()
    of *= 10_000
    exact = np.abs(a.astype(np.float64)) * np.abs(b.astype(np.float64)) * many < 9e18
    raw = np.where(exact, a, 0) * np.where(exact, b, 0) * many
    out = np.sign(raw) * ((np.abs(raw) + of // 2) // of)
    for i in np.flatnonzero(~exact).tolist():
        value = (abs(int(a[i]) * int(b[i])) * many + of // 2) // of
        if value < 10**18:
            out[i] = value if (a[i] < 0) == (b[i] < 0) else -value
    return out, exact | (out != 0)


def decide_marks(
    evidence: Mapping[str, Mapping[str, NumberEvidence]], typed: Mapping[str, frozenset[str]], reading: Reading
) -> dict[str, dict[str, Literal[".", ","]]]:
    """Decide the decimal mark of every number column of every file.

    A column that shows it decides for itself; one that does not takes what the other columns of its file show, then
    what the other files show. Both marks proven in one column, or three digits after the only mark with no neighbour
    to ask, is a question.
    """
    own: dict[str, set[str]] = {}
    for file, columns in evidence.items():
        own[file] = set()
        for name, e in columns.items():
            if name in typed.get(file, frozenset()):
                continue
            if e.marks["."] and e.marks[","] and reading.decimal is None:
                raise _unclear(file, e.example.get(",", "1,5"), e.example.get(".", "1.5"))
            own[file] |= {m for m in (".", ",") if e.marks[m]}
    pooled = set().union(*own.values()) if own else set()
    out: dict[str, dict[str, Literal[".", ","]]] = {}
    for file, columns in evidence.items():
        out[file] = {}
        for name, e in columns.items():
            if name in typed.get(file, frozenset()):
                out[file][name] = "."
            elif reading.decimal is not None:
                out[file][name] = reading.decimal
            else:
                out[file][name] = _mark(file, name, e, own[file], pooled)
    return out


_MONEY_FIELDS = frozenset({"amount", "margin", "cost", "price"})


def _mark(file: str, name: str, e: NumberEvidence, own: set[str], pooled: set[str]) -> Literal[".", ","]:
    if e.marks[","]:
        return ","
    if e.marks["."]:
        return "."
    if not e.marks["3,"] and not e.marks["3."]:
        return "," if own == {","} else "."
    for marks in (own, pooled):
        if len(marks) == 1:
            return "," if marks == {","} else "."
    if name == "discount":
        return "," if e.marks["3,"] else "."
    if e.marks["3."] and not e.marks["3,"] and name not in _MONEY_FIELDS:
        return "."  # «1.234» pieces or kilograms: a weighed quantity has three places
    # «10.843» in every cell: whole sums grouped by points (German, Turkish, Brazilian), or three places of a dinar
    raise _unclear(file, e.example.get(",", ""), e.example.get(".", ""))


def _unclear(file: str, comma: str, point: str) -> AmbiguityError:
    if comma and point:
        what = Text(
            f"Неясно, чем отделена дробная часть: «{comma}» или «{point}»",
            f"The decimal mark is unclear: “{comma}” or “{point}”",
        )
    else:
        shown = comma or point
        mark = "," if comma else "."
        whole = shown.replace(mark, "")
        what = Text(
            f"Неясно, чем отделена дробная часть: «{shown}» — это {whole} или дробное число с тремя знаками",
            f"The decimal mark is unclear: “{shown}” is {whole}, with a mark between thousands, or a fraction of three places",
        )
    lines = {mark: f'[reading]\ndecimal = "{mark}"' for mark in (",", ".")}
    likely = "," if point or not comma else "."
    means = {
        ",": Text("дробную часть отделяет запятая", "a comma separates the fraction"),
        ".": Text("дробную часть отделяет точка", "a point separates the fraction"),
    }
    other = "." if likely == "," else ","
    return AmbiguityError(
        what,
        where=file,
        todo=Text(
            f'Добавьте в audit.toml, раздел [reading]: decimal = "{likely}" (или "{other}")',
            f'Add to audit.toml, section [reading]: decimal = "{likely}" (or "{other}")',
        ),
        answer=lines[likely],
        means=means[likely],
        others=(Answer(means[other], lines[other]),),
    )
