"""One place where raw text cells get their meaning, the same for every file format.

Everything that differs between exports (spellings, marks, orders of day and month) is decided before, from evidence
over all rows. Here every distinct text of a batch is understood once and given to its rows as a code; numbers go by the
column. A row that cannot be used gets one reason, the first that applies in the order of `rejects.REASONS`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.intake.clients import is_rounded
from audit.intake.numbers import Decimals, Numbers, from_decimal, product, to_decimal
from audit.intake.rejects import DISPATCHED, REASONS
from audit.intake.staging import CODED_FIELDS, PERSON_FIELDS, Staged
from audit.intake.summary import Tally
from audit.intake.traps.document_sums import DOCUMENT_FIELDS, Documents
from audit.intake.traps.filled_once import Once, fill_down
from audit.intake.traps.returned_rows import is_returned
from audit.intake.values import (
    EARLIEST_YEAR,
    TOTAL_WORDS,
    TYPED,
    DateRule,
    clean_text,
    currency_mark,
    date_inside,
    empty_date,
    is_bare_total,
    is_cell_error,
    is_page_line,
    is_subtotal,
    is_total,
    named_like_total,
    order_number,
    parse_date,
    parse_flag,
    total_of,
)
from audit.model.orders import LINES_SCHEMA
from audit.settings import Settings

__all__ = [
    "OUTPUT_SCHEMA",
    "Canonical",
    "ClientKey",
    "Codes",
    "Dispatches",
    "RejectedRow",
    "TableRules",
    "Voided",
    "lines_writer",
    "voided_table",
]

Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
_Pick = slice | npt.NDArray[np.intp]
"""All rows, or the numbers of those that are used."""
RejectedRow = tuple[int, str | None, str | None, str, float | None]
"""Row number, header of the column at fault, its value, reason code, amount where there is one."""

Voided = tuple[str, str, str, int]
"""File, client's key, number and day of a document that was cancelled, deleted or never posted."""

_CODE = {code: np.int8(i + 1) for i, code in enumerate(REASONS)}
_NAME = {int(v): k for k, v in _CODE.items()}
_LACKING = frozenset({"no_client", "no_date", "bad_date", "no_amount", "bad_amount"})
_VOID = np.array([_CODE[c] for c in ("deleted", "unposted", "cancelled")], np.int8)
_GROUPING = frozenset({"page_line", "total_row", "subtotal_row", "group_row"})
_UNREADABLE = frozenset({"bad_bytes", "unclosed_quote", "field_count"})
_LABELLED = ("first", "order_id", "order_date", "client", "client_id", "sku", "manager", "legal_entity")
"""Where «Итого» or the text of a group may stand."""
_RULER = re.compile(r"[-=_+|\s]*")
"""What a line drawn across a printed list leaves in a cell."""
_NO_DAY = np.iinfo(np.int32).min
_EPOCH = dt.date(1970, 1, 1)
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())
_TEXT_COLUMNS = tuple(f.name for f in LINES_SCHEMA if pa.types.is_string(f.type) and f.name != "order_id")
OUTPUT_SCHEMA = pa.schema([f.with_type(_DICTIONARY) if f.name in _TEXT_COLUMNS else f for f in LINES_SCHEMA])
"""`LINES_SCHEMA` with texts as codes: what is handed to the Parquet writer, which stores plain strings."""


_ALWAYS = frozenset({"client_name", "client_id", "order_id"})
_COUNTED = ["order_date", "source_row", *(f.name for f in LINES_SCHEMA if f.nullable and f.name not in _ALWAYS)]
"""Columns whose empty cells the file counts, so that the collapse need not read those that hold nothing."""


def lines_writer(path: Path) -> pq.ParquetWriter:
    """Open the file of canonical lines for writing tables in `OUTPUT_SCHEMA`."""
    texts = [f.name for f in OUTPUT_SCHEMA if pa.types.is_dictionary(f.type)]
    return pq.ParquetWriter(
        path, OUTPUT_SCHEMA, compression="snappy", use_dictionary=texts, write_statistics=_COUNTED, store_schema=False
    )


def voided_table(found: Sequence[Voided]) -> pa.Table:
    """Return voided documents as a table: file, client_key, order_id, day."""
    files, keys, numbers, days = zip(*found, strict=True) if found else ((), (), (), ())
    day = pa.array(days, pa.int32()).cast(pa.date32())
    texts = (pa.array(t, pa.string()) for t in (files, keys, numbers))
    return pa.Table.from_arrays([*texts, day], names=["file", "client_key", "order_id", "day"])


class Codes:
    """Understands every distinct text once and numbers the results; −1 stands for null."""

    def __init__(self, understand: Callable[[str], str | None]) -> None:
        self._understand = understand
        self._memo: dict[str | None, int] = {None: -1, "": -1}
        self._index: dict[str, int] = {}
        self.values: list[str] = []

    def code(self, text: str | None) -> int:
        """Return the number of what a text means."""
        known = self._memo.get(text)
        if known is None:
            assert text is not None
            value = self._understand(text)
            known = -1 if value is None else self.of(value)
            self._memo[text] = known
        return known

    def of(self, value: str) -> int:
        """Return the number of a result."""
        at = self._index.get(value)
        if at is None:
            at = self._index[value] = len(self.values)
            self.values.append(value)
        return at

    def column(self, column: pa.DictionaryArray) -> Ints:
        """Return the codes of a column's rows."""
        lut = np.fromiter((self.code(t) for t in column.dictionary.to_pylist()), np.int32, len(column.dictionary))
        return _spread(column, lut, -1)

    def array(self, codes: Ints) -> pa.DictionaryArray:
        """Return codes as an Arrow column that carries only the texts it uses."""
        used = np.zeros(len(self.values) + 1, bool)
        used[codes] = True
        used[-1] = False
        kept = np.flatnonzero(used)
        place = np.full(len(self.values) + 1, -1, np.int32)
        place[kept] = np.arange(len(kept), dtype=np.int32)
        indices = place[codes]
        texts = pa.array([self.values[i] for i in kept.tolist()], pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), texts)


def _spread(column: pa.DictionaryArray, lut: npt.NDArray[Any], missing: Any) -> npt.NDArray[Any]:
    """Give every row what its distinct text was given."""
    table = np.append(lut, np.array([missing], lut.dtype))
    indices = column.indices
    if indices.null_count:
        indices = indices.fill_null(len(lut))
    return np.asarray(table[indices.to_numpy(zero_copy_only=False)])


@dataclass(frozen=True, slots=True)
class ClientKey:
    """Who a row's client is: key, name as shown, cleaned client code, and its key before a declared merge."""

    key: str | None
    shown: str | None = None
    clean_id: str | None = None
    merged_from: str | None = None


@dataclass
class TableRules:
    """How one staged table is understood."""

    name: str
    staged: Staged
    labels: Mapping[str, str]
    """Header of the file per field, as shown to the user."""
    dates: DateRule
    marks: Mapping[str, Literal[".", ","]]
    """Decimal mark per number field."""
    codes: Mapping[str, Codes]
    """Persons and words."""
    clients: Callable[[str | None, str | None, str | None, str | None], ClientKey]
    """Client of a combination of client_id, client, holding and legal entity texts."""
    scale: Mapping[str, Decimal] = field(default_factory=dict)
    """Field, or ``product`` for quantity × price → what its numbers are multiplied by: thousands, hundredths."""
    pct_scale: int = 1
    """1 where the shipped share runs to 1, 100 where it runs to 100."""
    all_returns: bool = False
    """Whether the whole file is returns written as positive amounts."""
    currency: str | None = None
    """The only currency used; rows in another are set aside."""
    again: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Reason → rows that bring nothing new: another file has the sale, or the same file has the row."""
    fixes: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """Declared corrections: (field, order number, value that must stand there) → value that replaces it."""
    dated_by: tuple[str, ...] = ()
    """Fields that hold the day of dispatch, where the table is one of dispatch documents."""
    swapped: frozenset[str] = frozenset()
    """Date fields in whose true dates a spreadsheet swapped day and month."""
    inverted: frozenset[str] = frozenset()
    """Number fields whose sign is turned: sales stand with a minus."""
    filled: Once | None = None
    """What stands once: fields whose blank cells take the value above."""
    computed: bool = False
    """Whether the amount is quantity × price whatever its own column holds."""
    discount: Literal["percent", "sum"] | None = None
    """How a discount that stands beside the sums is taken off them; None where it is not."""
    divided: Sequence[Decimals] | None = None
    """Per batch the amounts of the rows, where the file repeats a document's sum on each of its lines."""


@dataclass
class _Dates:
    days: Ints
    empty: Bools


@dataclass(frozen=True)
class Dispatches:
    """The rows of a batch of dispatch documents: what they say of themselves and of the orders they name."""

    reason: npt.NDArray[np.int8]
    """Why a row is no dispatch; 0 where it is one."""
    source_row: pa.Array
    days: Ints
    amount: Decimals
    has_amount: Bools
    named: pa.Array
    """The cell that names the order, as written."""
    numbers: pa.Array
    """The document's own number."""
    clients: pa.DictionaryArray

    def verdict(self) -> Dispatches:
        """Return what is still needed once the orders were found: everything but the texts."""
        none = self.named.slice(0, 0)
        return replace(self, named=none, numbers=none, clients=none)


class Canonical:
    """Turns the batches of one staged table into canonical lines and rejected rows."""

    def __init__(self, rules: TableRules, settings: Settings, numbers: Numbers, today: dt.date, tally: Tally) -> None:
        self.rules = rules
        self.settings = settings
        self.numbers = numbers
        self.today = today
        self.tally = tally
        self.texts = {f: Codes(clean_text) for f in (*CODED_FIELDS, "holding")}
        self.keys = Codes(str)
        self.names = Codes(str)
        self.ids = Codes(str)
        self.merges = Codes(str)
        self._clients: dict[tuple[str | None, ...], tuple[int, int, int, int]] = {}
        self._at = -1
        signs = rules.staged.numbers.get("amount")
        self._sold_with_plus = signs is None or 2 * signs.negative <= signs.filled
        self._above: dict[str, str | None] = {}
        self._fixed_fields = {f for f, _, _ in rules.fixes}
        self._days: dict[tuple[str, bool], int] = {}
        self._swapped = replace(rules.dates, swapped=True)
        self.people: dict[tuple[str, str], list[float]] = {}
        """(field, spelling as written) → used rows and their revenue."""
        self.fixed: dict[tuple[str, str, str], list[float]] = {}
        self._sold = 0
        """Sum of the rows used so far, in ten-thousandths."""
        self.merged: dict[str, list[float]] = {}
        """Key before a declared merge → used rows and their revenue."""
        self.totals: list[tuple[int, str, float]] = []
        """Total rows: row number, label, amount."""
        self.voided: list[Voided] = []
        self.negative_quantities = 0
        """Rows whose quantity is below zero and whose amount is not: returns."""
        self.derived_amounts = 0
        self.unread_dates: dict[str, Counter[str]] = {}
        """Field → cells that hold something and no date."""
        self.rounded_numbers: Counter[str] = Counter()
        """Document numbers that a spreadsheet rounded → rows."""

    def has(self, name: str) -> bool:
        """Whether the table has the field."""
        return self.rules.staged.has(name)

    def apply(self, batch: pa.RecordBatch) -> tuple[pa.Table | None, list[RejectedRow]]:
        """Return the used rows in `OUTPUT_SCHEMA`, or None, and the rows set aside."""
        self._at += 1
        if self.rules.filled:
            batch = fill_down(batch, self.rules.staged, self.rules.filled, self._above)
        if self.rules.fixes:
            batch = self._fix(batch)
        n = batch.num_rows
        reason = self._unreadable(batch)
        dates = self._order_date(batch)
        self._rows_without_date(batch, dates, reason)
        amount, has_amount, margin, has_margin, qty, has_qty, price = self._money(batch)
        self._dated_totals(batch, reason, amount)
        kind = self._kind(batch)
        back = kind == self.rules.codes["kind"].of("return")
        marked = self._marked(batch)
        if self.settings.reading.returned_rows == "sums":
            amount, margin = self._less_refunds(batch, amount, margin)
        elif self.settings.reading.returned_rows == "returns":
            back |= marked
        if qty is not None and self._sold_with_plus:
            back |= (qty < 0) & (amount > 0)
            self.negative_quantities += int(((qty < 0) & (amount > 0)).sum())
        amount, margin, qty = self._turn_returns(back, amount, margin, qty)
        keys, names, ids, merged = self._client_columns(batch)
        if self.settings.reading.returned_rows == "void":
            reason[marked & (reason == 0)] = _CODE["returned"]
        self._reasons(batch, reason, dates, amount, has_amount, keys, back, kind, price, qty, has_qty)
        rejects = self._rejected(batch, reason, amount, has_amount) if reason.any() else []
        self._keep_voided(batch, reason, keys, dates)
        used = np.flatnonzero(reason == 0)
        self._sold += int(amount[used].sum())
        if len(used) == 0:
            return None, rejects
        # Values are made for all rows and picked as numbers: cheaper than picking the texts first.
        pick = slice(None) if len(used) == n else used
        columns: dict[str, pa.Array] = {
            "client_key": self.keys.array(keys[pick]),
            "client_name": self.names.array(names[pick]),
            "order_id": _picked(self._order_ids(batch, count=True), pick),
            "order_date": _date_array(dates.days[pick]),
            "client_id": self.ids.array(ids[pick]),
            "amount": to_decimal(amount[pick], None),
            "kind": self.rules.codes["kind"].array(np.where(kind[pick] < 0, self._sale, kind[pick]).astype(np.int32)),
            "source_file": _constant(self.rules.name, len(used)),
            "source_row": _picked(batch.column("source_row"), pick),
        }
        if margin is not None and has_margin is not None:
            columns["margin"] = to_decimal(margin[pick], has_margin[pick])
        if qty is not None and has_qty is not None:
            columns["qty"] = to_decimal(qty[pick], has_qty[pick])
        self._other_columns(batch, pick, columns)
        self.tally.add(self.rules.name, columns, amount[pick], dates.days[pick])
        self._count_people(batch, pick, amount[pick])
        self._count_merged(merged[pick], amount[pick])
        arrays = [columns[f.name] if f.name in columns else pa.nulls(len(used), f.type) for f in OUTPUT_SCHEMA]
        return pa.Table.from_arrays(arrays, schema=OUTPUT_SCHEMA), rejects

    @staticmethod
    def _unreadable(batch: pa.RecordBatch) -> npt.NDArray[np.int8]:
        """The reasons that the reader of the file already gave."""
        problem = batch.column("problem")
        if problem.null_count == batch.num_rows:
            return np.zeros(batch.num_rows, np.int8)
        coded = problem.dictionary_encode()
        lut = np.array([_CODE[c] for c in coded.dictionary.to_pylist()], np.int8)
        return _spread(coded, lut, np.int8(0)).astype(np.int8)

    # -- dispatch documents --------------------------------------------------------------------------------------

    def dispatches(self, batch: pa.RecordBatch) -> Dispatches:
        """Return what a batch of dispatch documents says; none of its rows is a purchase.

        A document without client or amount still dates its order. One dated after today, or after ``as_of``, has not
        happened yet; a return is no dispatch.
        """
        self._at += 1
        n = batch.num_rows
        reason = self._unreadable(batch)
        dates = self._day_of_dispatch(batch)
        self._rows_without_date(batch, dates, reason)
        amount, has_amount, *_ = self._money(batch)
        kind = self._kind(batch)
        keyed = any(self.has(f) for f in ("client_id", "client", "holding", "legal_entity"))
        keys = self._client_columns(batch)[0] if keyed else np.full(n, -1, np.int32)

        def mark(mask: Bools, code: str) -> None:
            reason[mask & (reason == 0)] = _CODE[code]

        self._void(batch, mark, kind)
        mark(dates.empty & (dates.days == _NO_DAY), "no_date")
        mark((dates.days == _NO_DAY) | (dates.days < (dt.date(EARLIEST_YEAR, 1, 1) - _EPOCH).days), "bad_date")
        mark(dates.days > (self.today - _EPOCH).days, "future_date")
        if self.settings.period.as_of:
            mark(dates.days > (self.settings.period.as_of - _EPOCH).days, "outside_period")
        mark((kind == self.rules.codes["kind"].of("return")) | (has_amount & (amount < 0)), "dispatch_return")
        named = batch.column("order_ref") if self.has("order_ref") else pa.nulls(n, pa.string()).dictionary_encode()
        return Dispatches(
            reason,
            batch.column("source_row"),
            dates.days,
            amount,
            has_amount,
            named,
            self._order_ids(batch),
            self.keys.array(keys),
        )

    def dispatch_rejects(
        self, batch: pa.RecordBatch, found: Dispatches, linked: npt.NDArray[np.int64]
    ) -> list[RejectedRow]:
        """Return the rows of a batch of dispatch documents, all set aside; ``linked`` are those that found an order.

        What they dispatched is in the orders, so no revenue is set aside with them.
        """
        rows = np.isin(found.source_row.to_numpy(zero_copy_only=False), linked)
        codes = np.where(rows, _CODE["dispatch_dated"], _CODE["dispatch_no_order"])
        reason = np.where(found.reason == 0, codes, found.reason).astype(np.int8)
        out = self._rejected(batch, reason, found.amount, found.has_amount)
        return [(*r[:4], None) if r[3] in DISPATCHED else r for r in out]

    def _day_of_dispatch(self, batch: pa.RecordBatch) -> _Dates:
        out = _Dates(np.full(batch.num_rows, _NO_DAY, np.int32), np.ones(batch.num_rows, bool))
        for name in self.rules.dated_by:
            more = self._order_date(batch) if name == "order_date" else self._date_column(batch, name)
            gap = out.days == _NO_DAY
            out.days[gap] = more.days[gap]
            out.empty &= more.empty
        return out

    # -- dates ---------------------------------------------------------------------------------------------------

    def _day(self, text: str, swapped: bool = False) -> int:
        """Day number of a date text; `_NO_DAY` where it is none."""
        known = self._days.get((text, swapped))
        if known is None:
            day = parse_date(text, self._swapped if swapped else self.rules.dates)
            known = _NO_DAY if day is None else (day - _EPOCH).days
            self._days[text, swapped] = known
        return known

    def _date_column(self, batch: pa.RecordBatch, name: str) -> _Dates:
        column = batch.column(name)
        texts = [t or "" for t in column.dictionary.to_pylist()]
        swapped = name in self.rules.swapped
        lut = np.fromiter((self._day(t, swapped) for t in texts), np.int32, len(texts))
        empty = np.fromiter((empty_date(t) for t in texts), bool, len(texts))
        lut[empty] = _NO_DAY
        return _Dates(_spread(column, lut, np.int32(_NO_DAY)), _spread(column, empty, True))

    def _order_date(self, batch: pa.RecordBatch) -> _Dates:
        if self.has("order_date"):
            dates = self._date_column(batch, "order_date")
            if not (self.has("order_id") and bool((dates.empty).any())):
                return dates
            where = np.flatnonzero(dates.empty)
        else:
            n = batch.num_rows
            dates = _Dates(np.full(n, _NO_DAY, np.int32), np.ones(n, bool))
            where = np.arange(n)
        texts = batch.column("order_id").take(pa.array(where)).dictionary_encode()
        inside = [date_inside(clean_text(t) or "") for t in texts.dictionary.to_pylist()]
        lut = np.fromiter((_NO_DAY if t is None else self._day(t) for t in inside), np.int32, len(inside))
        none = np.fromiter((t is None for t in inside), bool, len(inside))
        dates.days[where] = _spread(texts, lut, np.int32(_NO_DAY))
        dates.empty[where] = _spread(texts, none, True)
        return dates

    # -- rows that are no orders ---------------------------------------------------------------------------------

    def _rows_without_date(self, batch: pa.RecordBatch, dates: _Dates, reason: npt.NDArray[np.int8]) -> None:
        """Blank rows, repeated headers, page lines, totals: most of them lack a date."""
        rows = np.flatnonzero((dates.days == _NO_DAY) & (reason == 0))
        if len(rows) == 0:
            return
        names = [f for f in self.rules.staged.fields if f != "first"]
        part = batch.take(pa.array(rows))
        cells = {f: _texts(part.column(f)) for f in (*names, "first")}
        date_label = _last(self.rules.labels.get("order_date") or self.rules.labels.get("order_id", ""))
        amount_label = _last(self.rules.labels.get("amount", ""))
        for i, row in enumerate(rows.tolist()):
            texts = {f: cells[f][i] for f in names}
            code = self._kind_of_row(texts, cells["first"][i], date_label, amount_label)
            if code is not None:
                reason[row] = _CODE[code]

    def _dated_totals(self, batch: pa.RecordBatch, reason: npt.NDArray[np.int8], amount: Decimals) -> None:
        """Totals that carry the date, the client or the number of what they total: «Итого за день» as the client.

        A text that may be a name («Total Energies») is a total where its sums are those of the rows above it.
        """
        for name in ("client", "client_id", "sku", "manager", "order_id"):
            if not self.has(name):
                continue
            column = batch.column(name)
            if name == "order_id":
                if not any(
                    pc.any(pc.starts_with(column, w)).as_py() for w in ("Итого", "ИТОГО", "Всего", "Total", "TOTAL")
                ):
                    continue
                column = column.dictionary_encode()
            if not pc.any(pc.match_substring_regex(column.dictionary, TOTAL_WORDS)).as_py():
                continue
            texts = [clean_text(t) or "" for t in column.dictionary.to_pylist()]
            like = np.fromiter((is_total(t) for t in texts), bool, len(texts))
            if not like.any():
                continue
            sure = np.fromiter((is_bare_total(t) for t in texts), bool, len(texts))
            part = np.fromiter((is_subtotal(t) for t in texts), bool, len(texts))
            rows = _spread(column, like, False) & (reason == 0)
            certain = _spread(column, sure, False)
            if name in ("client", "client_id") and _add_up(rows, amount, reason):
                certain = rows
            code = np.where(_spread(column, part, False), _CODE["subtotal_row"], _CODE["total_row"])
            hit = rows & certain
            reason[hit] = code[hit]

    def _totals_of_nobody(
        self, batch: pa.RecordBatch, reason: npt.NDArray[np.int8], amount: Decimals, sums: Bools, dates: _Dates
    ) -> None:
        """Sums without a client that a word names as totals, or that nothing names and that are the sum of all above."""
        rows = np.flatnonzero(sums & (reason == 0))
        if len(rows) == 0:
            return
        part = batch.take(pa.array(rows))
        named = [f for f in ("first", "order_id", "order_date") if f in self.rules.staged.fields]
        labels = list(zip(*(_texts(part.column(f)) for f in named), strict=True))
        above = self._sold + np.cumsum(np.where((reason == 0) & ~sums, amount, 0))
        for row, texts in zip(rows.tolist(), labels, strict=True):
            whole = above[row] == amount[row] != 0
            if any(is_total(t) for t in texts if t):
                reason[row] = _CODE["total_row" if whole else "subtotal_row"]
            elif whole and not any(texts) and dates.empty[row]:
                reason[row] = _CODE["total_row"]

    @staticmethod
    def _kind_of_row(
        texts: Mapping[str, str | None], first: str | None, date_label: str, amount_label: str
    ) -> str | None:
        filled = [t for t in texts.values() if t]
        if all(_RULER.fullmatch(t) for t in (*filled, first or "")):
            return "blank_row"
        date = texts.get("order_date") or texts.get("order_id")
        if date and date_label and " ".join(date.split()) == date_label:
            return "repeated_header"
        if amount_label and texts.get("amount") == amount_label:
            return "repeated_header"
        labels = [t for f in _LABELLED[1:] if (t := texts.get(f))]
        labels = [*([first] if first else []), *labels]
        if any(is_page_line(t) for t in labels) and len(set(filled + labels)) == 1:
            return "page_line"
        if any(is_subtotal(t) or (total_of(t) and not is_total(t) and not named_like_total(t)) for t in labels):
            return "subtotal_row"
        return "total_row" if any(is_total(t) for t in labels) else None

    # -- money ---------------------------------------------------------------------------------------------------

    def _number(self, batch: pa.RecordBatch, name: str) -> tuple[Decimals, Bools]:
        mark = self.rules.marks[name]
        read_with = self.rules.staged.resolved[self._at].get(name)
        times = self.rules.scale.get(name, Decimal(1))
        if times == 1 and read_with in (mark, "any") and name not in self._fixed_fields:
            values, known = from_decimal(batch.column(f"={name}"))
        else:
            values, known = self.numbers.read(batch.column(name), mark, times)
        return -values if name in self.rules.inverted else values, known

    def _money(
        self, batch: pa.RecordBatch
    ) -> tuple[Decimals, Bools, Decimals | None, Bools | None, Decimals | None, Bools | None, Decimals | None]:
        n = batch.num_rows
        qty = has_qty = price = has_price = None
        if self.has("qty"):
            qty, has_qty = self._number(batch, "qty")
        if self.has("price"):
            price, has_price = self._number(batch, "price")
        if self.has("amount") and not self.rules.computed:
            amount, has_amount = self._number(batch, "amount")
        else:
            amount, has_amount = np.zeros(n, np.int64), np.zeros(n, bool)
        if qty is not None and has_qty is not None and price is not None and has_price is not None:
            gap = np.flatnonzero(has_qty & has_price & ~has_amount)
            if len(gap) and self.has("amount") and not self.rules.computed:
                gap = gap[_blank(batch.column("amount"), gap)]
            if len(gap):
                amount[gap], has_amount[gap] = product(
                    qty[gap], price[gap], self.rules.scale.get("product", Decimal(1))
                )
                self.derived_amounts += len(gap)
        if self.rules.discount is not None:
            amount = amount - self._discount(batch, amount, self.rules.discount)
        if self.rules.divided is not None:
            amount = self.rules.divided[self._at]
            has_amount = has_amount | (amount != 0)
        margin = has_margin = None
        if self.has("margin"):
            margin, has_margin = self._number(batch, "margin")
        elif self.has("cost"):
            cost, has_margin = self._number(batch, "cost")
            # Exports write the cost of a return now with a minus, now without: it follows the sign of the amount.
            cost = np.where((amount < 0) & (cost > 0), -cost, cost)
            margin = amount - cost
            has_margin = has_margin & has_amount
        return amount, has_amount, margin, has_margin, qty, has_qty, price

    def _discount(self, batch: pa.RecordBatch, amount: Decimals, how: Literal["percent", "sum"]) -> Decimals:
        """What a discount takes off; a workbook keeps its per cents as parts of one."""
        evidence = self.rules.staged.numbers["discount"]
        part, known = self._number(batch, "discount")
        if how == "sum":
            return np.where(known, np.sign(amount) * np.abs(part), 0)
        off = np.where(known, product(amount, part)[0], 0)
        return off if evidence.largest < 1 and not evidence.percent else np.sign(off) * ((np.abs(off) + 50) // 100)

    def documents(self, batch: pa.RecordBatch) -> Documents:
        """Return what tells the documents of a batch apart, and by what their sums are to be divided."""
        self._at += 1
        if self.rules.filled:
            batch = fill_down(batch, self.rules.staged, self.rules.filled, self._above)
        amount, has_amount, _, _, qty, has_qty, price = self._money(batch)
        weight = np.ones(batch.num_rows, np.int64)
        if qty is not None and has_qty is not None and price is not None:
            weight = np.where(has_qty, np.abs(product(qty, price)[0]), 0)
        texts = [_texts(batch.column(f)) for f in DOCUMENT_FIELDS if self.has(f)]
        return Documents(list(zip(*texts, strict=True)), np.where(has_amount, amount, 0), weight)

    def _turn_returns(
        self, back: Bools, amount: Decimals, margin: Decimals | None, qty: Decimals | None
    ) -> tuple[Decimals, Decimals | None, Decimals | None]:
        """A return written as a positive amount counts negative, with its margin and quantity."""
        turn = back & (amount > 0)
        if not turn.any():
            return amount, margin, qty
        amount = np.where(turn, -amount, amount)
        margin = None if margin is None else np.where(turn, -margin, margin)
        qty = None if qty is None else np.where(turn & (qty > 0), -qty, qty)
        return amount, margin, qty

    def _marked(self, batch: pa.RecordBatch) -> Bools:
        """Which rows a flag or a status marks as returned, where the settings say what that means."""
        out = np.zeros(batch.num_rows, bool)
        if self.settings.reading.returned_rows in ("void", "returns"):
            if self.has("returned"):
                out |= _flags(batch.column("returned"))
            if self.has("status"):
                column = batch.column("status")
                texts = column.dictionary.to_pylist()
                lut = np.fromiter((is_returned(clean_text(t) or "") for t in texts), bool, len(texts))
                out |= _spread(column, lut, False)
        return out

    def _less_refunds(
        self, batch: pa.RecordBatch, amount: Decimals, margin: Decimals | None
    ) -> tuple[Decimals, Decimals | None]:
        """Amounts, and margins, less the sums that came back, whatever sign these are written with."""
        if not self.has("returned"):
            return amount, margin
        sums, known = self.numbers.read(
            batch.column("returned").dictionary_decode(),
            self.rules.marks.get("amount", "."),
            self.rules.scale.get("amount", Decimal(1)),
        )
        back = np.where(known, np.abs(sums), 0)
        return amount - back, None if margin is None else margin - back

    # -- codes ---------------------------------------------------------------------------------------------------

    @property
    def _sale(self) -> int:
        return self.rules.codes["kind"].of("sale")

    def _kind(self, batch: pa.RecordBatch) -> Ints:
        codes = self.rules.codes["kind"]
        n = batch.num_rows
        if self.rules.all_returns:
            return np.full(n, codes.of("return"), np.int32)
        if self.has("kind"):
            return codes.column(batch.column("kind"))
        out = np.full(n, self._sale, np.int32)
        if self.has("order_id"):
            hit = pc.match_substring_regex(batch.column("order_id"), "^[ \u00a0]*(?i:возврат|credit note|return )")
            where = hit.fill_null(False).to_numpy(zero_copy_only=False)
            if where.any():
                out[where] = codes.of("return")
        return out

    def _client_columns(self, batch: pa.RecordBatch) -> tuple[Ints, Ints, Ints, Ints]:
        """Key, shown name, cleaned code and key before a merge, as codes per row."""
        plain = not (self.has("legal_entity") or self.settings.level.client == "holding")
        if not (plain and self.has("client_id")):
            return self._client_combinations(batch)
        # A row's code alone says who it is; only rows without one need the other columns.
        column = batch.column("client_id")
        texts = column.dictionary.to_pylist()
        luts = np.full((4, len(texts)), -1, np.int32)
        for i, text in enumerate(texts):
            luts[:, i] = self._client(("client_id",), (text or None,))
        out = [_spread(column, lut, np.int32(-1)) for lut in luts]
        rest = np.flatnonzero(out[0] < 0)
        if len(rest) and self.has("client"):
            more = self._client_combinations(batch.take(pa.array(rest)))
            for whole, part in zip(out, more, strict=True):
                whole[rest] = part
        return out[0], out[1], out[2], out[3]

    def _client_combinations(self, batch: pa.RecordBatch) -> tuple[Ints, Ints, Ints, Ints]:
        present = [f for f in ("client_id", "client", "holding", "legal_entity") if self.has(f)]
        dictionaries: list[list[str | None]] = []
        combined: npt.NDArray[np.int64] | None = None
        for name in present:
            column = batch.column(name)
            texts: list[str | None] = [*column.dictionary.to_pylist(), None]
            codes = column.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
            combined = codes if combined is None else combined * len(texts) + codes
            dictionaries.append(texts)
        assert combined is not None
        found, back = _unique(combined)
        keys, names, ids, merged = (np.empty(len(found), np.int32) for _ in range(4))
        for i, value in enumerate(found.tolist()):
            parts: list[str | None] = []
            for texts in reversed(dictionaries):
                value, at = divmod(value, len(texts))
                parts.append(texts[at] or None)
            parts.reverse()
            keys[i], names[i], ids[i], merged[i] = self._client(present, parts)
        return keys[back], names[back], ids[back], merged[back]

    def _client(self, present: Sequence[str], parts: Sequence[str | None]) -> tuple[int, int, int, int]:
        memo = (*present, *parts)
        known = self._clients.get(memo)
        if known is None:
            given = dict(zip(present, parts, strict=False))
            found = self.rules.clients(
                given.get("client_id"), given.get("client"), given.get("holding"), given.get("legal_entity")
            )
            known = (
                -1 if found.key is None else self.keys.of(found.key),
                -1 if found.shown is None else self.names.of(found.shown),
                -1 if found.clean_id is None else self.ids.of(found.clean_id),
                -1 if found.merged_from is None else self.merges.of(found.merged_from),
            )
            self._clients[memo] = known
        return known

    def _order_ids(self, batch: pa.RecordBatch, *, count: bool = False) -> pa.Array:
        """Document numbers; one that a spreadsheet rounded is none, and is counted where ``count`` says so."""
        if not self.has("order_id"):
            return pa.nulls(batch.num_rows, pa.string())
        column = batch.column("order_id")
        # Anything but plain ASCII letters, digits and inner marks is looked at text by text.
        simple = pc.match_substring_regex(
            column, r"^[0-9A-Za-zА-Яа-я][0-9A-Za-zА-Яа-я/_.#:-]*[0-9][0-9A-Za-zА-Яа-я/_.#:-]*$"
        )
        simple = pc.or_kleene(simple, pc.match_substring_regex(column, r"^[0-9]+$")).fill_null(False)
        if pc.all(simple).as_py():
            return column
        where = np.flatnonzero(~simple.to_numpy(zero_copy_only=False))
        texts = column.take(pa.array(where)).dictionary_encode()
        written = texts.dictionary.to_pylist()
        cleaned = pa.array([_order_id(t) for t in written], pa.string())
        if count:
            self._count_rounded(written, texts.indices)
        mask = pc.invert(simple)
        return pc.replace_with_mask(column, mask, cleaned.take(texts.indices))

    def _count_rounded(self, written: Sequence[str | None], indices: pa.Array) -> None:
        rounded = [i for i, t in enumerate(written) if t and is_rounded(t)]
        if rounded:
            rows = np.bincount(indices.drop_null().to_numpy(zero_copy_only=False), minlength=len(written))
            self.rounded_numbers.update({str(written[i]): int(rows[i]) for i in rounded})

    # -- reasons -------------------------------------------------------------------------------------------------

    def _reasons(
        self,
        batch: pa.RecordBatch,
        reason: npt.NDArray[np.int8],
        dates: _Dates,
        amount: Decimals,
        has_amount: Bools,
        keys: Ints,
        back: Bools,
        kind: Ints,
        price: Decimals | None,
        qty: Decimals | None,
        has_qty: Bools | None,
    ) -> None:
        reading, period, codes = self.settings.reading, self.settings.period, self.rules.codes

        def mark(mask: Bools, code: str) -> None:
            reason[mask & (reason == 0)] = _CODE[code]

        def coded(name: str) -> Ints:
            return codes[name].column(batch.column(name))

        self._void(batch, mark, kind)
        self._totals_of_nobody(batch, reason, amount, has_amount & (keys < 0), dates)
        mark(keys < 0, "no_client")
        if reading.drop_order_id_prefix and self.has("order_id"):
            ids = self._order_ids(batch)
            hit = np.zeros(batch.num_rows, bool)
            for prefix in reading.drop_order_id_prefix:
                hit |= pc.starts_with(ids, prefix).fill_null(False).to_numpy(zero_copy_only=False)
            mark(hit, "dropped_prefix")
        earliest = (dt.date(1980, 1, 1) - _EPOCH).days
        mark(dates.empty & (dates.days == _NO_DAY), "no_date")
        mark((dates.days == _NO_DAY) | (dates.days < earliest), "bad_date")
        missing = np.flatnonzero(~has_amount)
        if len(missing):
            names = ("amount",) if self.has("amount") else ("qty", "price")
            empty = np.ones(len(missing), bool)
            for name in names:
                empty &= _blank(batch.column(name), missing)
            none = np.zeros(len(reason), bool)
            none[missing[empty]] = True
            mark(none, "no_amount")
            mark(~has_amount, "bad_amount")
        if reading.drop_nonpositive_price:
            if price is not None:
                mark(price <= 0, "nonpositive_price")
            elif qty is not None and has_qty is not None:
                mark(has_qty & (qty > 0) & (amount <= 0), "nonpositive_price")
            else:
                mark(amount == 0, "nonpositive_price")
        if reading.drop_returns:
            mark((amount < 0) | back, "return_dropped")
        if self.rules.currency is not None:
            found = coded("currency") if self.has("currency") else self._marked_currency(batch)
            mark((found >= 0) & (found != codes["currency"].of(self.rules.currency)), "foreign_currency")
        mark(dates.days > (self.today - _EPOCH).days, "future_date")
        outside = np.zeros(len(reason), bool)
        if period.start:
            outside |= dates.days < (period.start - _EPOCH).days
        for end in (period.end, period.as_of):
            if end:
                outside |= dates.days > (end - _EPOCH).days
        mark(outside, "outside_period")
        for code, rows in self.rules.again.items():
            hit = pc.is_in(batch.column("source_row"), pa.array(sorted(rows), pa.int64())).to_numpy(
                zero_copy_only=False
            )
            mark(hit, code)

    def _keep_voided(self, batch: pa.RecordBatch, reason: npt.NDArray[np.int8], keys: Ints, dates: _Dates) -> None:
        """Remember the documents that count for nothing: in a later export they void what an earlier one held."""
        rows = np.flatnonzero(np.isin(reason, _VOID) & (keys >= 0) & (dates.days != _NO_DAY))
        if len(rows) and self.has("order_id"):
            numbers = self._order_ids(batch.select(["order_id"]).take(pa.array(rows))).to_pylist()
            clients = [self.keys.values[k] for k in keys[rows].tolist()]
            found = zip(clients, numbers, dates.days[rows].tolist(), strict=True)
            self.voided.extend((self.rules.name, c, n, d) for c, n, d in found if n)

    def _marked_currency(self, batch: pa.RecordBatch) -> Ints:
        """Currency that the amount's own cell names."""
        if not self.has("amount") or not self.rules.staged.numbers["amount"].currencies:
            return np.full(batch.num_rows, -1, np.int32)
        codes, cells = self.rules.codes["currency"], batch.column("amount").dictionary_encode()
        marks = (currency_mark(t) if t else None for t in cells.dictionary.to_pylist())
        return _spread(cells, np.fromiter(map(codes.code, marks), np.int32, len(cells.dictionary)), np.int32(-1))

    def _void(self, batch: pa.RecordBatch, mark: Callable[[Bools, str], None], kind: Ints) -> None:
        """Documents that do not count whatever they hold: deleted, unposted, internal, cancelled."""
        codes = self.rules.codes
        if self.has("deleted"):
            mark(_flags(batch.column("deleted")), "deleted")
        if self.has("posted"):
            filled = ~_blank(batch.column("posted"))
            mark(filled & ~_flags(batch.column("posted")), "unposted")
        if self.has("kind"):
            mark(kind == codes["kind"].of("internal"), "internal")
        if self.has("status"):
            mark(codes["status"].column(batch.column("status")) == codes["status"].of("cancelled"), "cancelled")

    _FIELD_OF: Mapping[str, tuple[str, ...]] = {
        "repeated_header": ("order_date", "order_id"),
        "deleted": ("deleted",),
        "unposted": ("posted",),
        "internal": ("kind",),
        "cancelled": ("status",),
        "no_client": ("client_id", "client", "legal_entity"),
        "dropped_prefix": ("order_id",),
        "no_date": ("order_date", "order_id"),
        "bad_date": ("order_date", "order_id"),
        "no_amount": ("amount", "price"),
        "bad_amount": ("amount", "price", "qty"),
        "nonpositive_price": ("price", "amount"),
        "returned": ("returned", "status"),
        "return_dropped": ("amount", "price"),
        "foreign_currency": ("currency", "amount"),
        "payment": ("order_id", "order_date"),
        "same_sale": ("order_id", "order_date"),
        "duplicate_document": ("order_id", "order_date"),
        "repeated_row": ("order_id", "order_date"),
        "dispatch_return": ("amount", "order_id"),
        "dispatch_dated": ("order_ref", "order_id"),
        "dispatch_no_order": ("order_ref", "order_id"),
        "future_date": ("order_date", "order_id"),
        "outside_period": ("order_date", "order_id"),
    }

    def _rejected(
        self, batch: pa.RecordBatch, reason: npt.NDArray[np.int8], amount: Decimals, has_amount: Bools
    ) -> list[RejectedRow]:
        rows = np.flatnonzero(reason)
        part = batch.take(pa.array(rows))
        numbers = part.column("source_row").to_pylist()
        codes = [_NAME[c] for c in reason[rows].tolist()]
        money = [
            a / 10_000 if k else None for a, k in zip(amount[rows].tolist(), has_amount[rows].tolist(), strict=True)
        ]
        cells: dict[str, list[str | None]] = {}

        def column_of(name: str) -> list[str | None]:
            if name not in cells:
                cells[name] = part.column(name).to_pylist()
            return cells[name]

        fields = {code: next((f for f in self._FIELD_OF.get(code, ()) if self.has(f)), None) for code in set(codes)}
        named = [f for f in _LABELLED if f in self.rules.staged.fields]
        out: list[RejectedRow] = []
        for i, code in enumerate(codes):
            column: str | None = None
            value: str | None = None
            amount_set_aside = money[i]
            if code in _GROUPING:
                value = _row_words([t for f in named if (t := clean_text(column_of(f)[i]))])
                if code == "total_row" and money[i] is not None:
                    self.totals.append((numbers[i], value or "", money[i] or 0.0))
                amount_set_aside = None
            elif code in _UNREADABLE:
                value = column_of("raw")[i]
            elif (name := fields[code]) is not None:
                column = self.rules.labels.get(name)
                value = column_of(name)[i]
                if code in _LACKING and is_cell_error(value):
                    code = "cell_error"
            if value and TYPED in value:
                value = value.replace(TYPED, "")
            out.append((numbers[i], column, value or None, code, amount_set_aside))
        return out

    # -- the rest of the columns ---------------------------------------------------------------------------------

    def _other_columns(self, batch: pa.RecordBatch, pick: _Pick, columns: dict[str, pa.Array]) -> None:
        codes = self.rules.codes
        for name in (*PERSON_FIELDS, "currency", "status", "initiator"):
            if self.has(name):
                columns[name] = codes[name].array(codes[name].column(batch.column(name))[pick])
        if not self.has("currency") and self.has("amount") and self.rules.staged.numbers["amount"].currencies:
            columns["currency"] = codes["currency"].array(self._marked_currency(batch)[pick])
        for name in (*CODED_FIELDS, "holding"):
            if self.has(name):
                columns[name] = self.texts[name].array(self.texts[name].column(batch.column(name))[pick])
        for name in ("requested_date", "promised_date", "shipped_date", "delivered_date", "client_since"):
            if self.has(name):
                read = self._date_column(batch, name)
                self._count_unread(name, batch.column(name), (read.days == _NO_DAY) & ~read.empty)
                days = read.days[pick]
                low, high = (dt.date(1980, 1, 1) - _EPOCH).days, (dt.date(2200, 1, 1) - _EPOCH).days
                columns[name] = _date_array(np.where((days < low) | (days >= high), _NO_DAY, days).astype(np.int32))
        for name in ("complaint", "document_error"):
            if self.has(name):
                columns[name] = pa.array(_flags(batch.column(name))[pick])
        if self.has("shipped_pct"):
            value, known = self._number(batch, "shipped_pct")
            share = np.clip(value / (10_000.0 * self.rules.pct_scale), 0.0, 1.0)
            columns["shipped_pct"] = pa.array(share[pick], mask=~known[pick])
        if self.has("price_index"):
            value, known = self._number(batch, "price_index")
            columns["price_index"] = pa.array(value[pick] / 10_000.0, mask=~known[pick])

    def _count_unread(self, name: str, column: pa.DictionaryArray, unread: Bools) -> None:
        """Count the cells of a column of dates that hold something else."""
        rows = np.flatnonzero(unread)
        if len(rows):
            self.unread_dates.setdefault(name, Counter()).update(column.take(pa.array(rows)).to_pylist())

    def _count_people(self, batch: pa.RecordBatch, pick: _Pick, amount: Decimals) -> None:
        for name in PERSON_FIELDS:
            if not self.has(name):
                continue
            column = batch.column(name)
            texts = column.dictionary.to_pylist()
            codes = column.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)[pick]
            rows = np.bincount(codes, minlength=len(texts) + 1)
            money = np.bincount(codes, weights=amount / 10_000.0, minlength=len(texts) + 1)
            for text, n, revenue in zip(texts, rows.tolist(), money.tolist(), strict=False):
                if n and clean_text(text) is not None:
                    entry = self.people.setdefault((name, text), [0.0, 0.0])
                    entry[0] += n
                    entry[1] += revenue

    def _count_merged(self, merged: Ints, amount: Decimals) -> None:
        if not self.merges.values:
            return
        where = merged >= 0
        rows = np.bincount(merged[where], minlength=len(self.merges.values))
        money = np.bincount(merged[where], weights=amount[where] / 10_000.0, minlength=len(self.merges.values))
        for key, n, revenue in zip(self.merges.values, rows.tolist(), money.tolist(), strict=True):
            entry = self.merged.setdefault(key, [0.0, 0.0])
            entry[0] += n
            entry[1] += revenue

    def _fix(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Apply declared corrections to the texts of single documents."""
        wanted = {order for _, order, _ in self.rules.fixes}
        numbers = self._order_ids(batch)
        hit = pc.is_in(numbers, pa.array(sorted(wanted), pa.string())).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(hit)
        if len(rows) == 0:
            return batch
        columns = list(batch.columns)
        ids = numbers.take(pa.array(rows)).to_pylist()
        for at, name in enumerate(batch.schema.names):
            fixes = {(o, was): new for (f, o, was), new in self.rules.fixes.items() if f == name}
            if not fixes:
                continue
            texts = _texts(columns[at])
            for row, order in zip(rows.tolist(), ids, strict=True):
                was = clean_text(texts[row]) or ""
                if (order, was) in fixes:
                    texts[row] = fixes[order, was]
                    entry = self.fixed.setdefault((name, order, was), [0.0])
                    entry[0] += 1
            column = pa.array(texts, pa.string())
            columns[at] = column.dictionary_encode() if pa.types.is_dictionary(batch.schema.field(at).type) else column
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _add_up(totals: Bools, amount: Decimals, reason: npt.NDArray[np.int8]) -> bool:
    """Whether every one of the rows that may be totals holds the sum of the rows since the one before it."""
    money = np.where(totals | (reason != 0), 0, amount)
    sums = np.cumsum(money)
    at = np.flatnonzero(totals)
    above = np.diff(sums[at], prepend=0)
    several = np.diff(at, prepend=-1) > 2
    return bool(several.any()) and bool((np.abs(amount[at] - above) <= 500).all())


def _row_words(texts: Sequence[str]) -> str | None:
    """What a total or a group calls itself: the word for a total, else the first text that is no date and no number."""
    total = next((t for t in texts if is_total(t) or total_of(t)), None)
    said = next((t for t in texts if any(c.isalpha() for c in t) and parse_date(t, DateRule()) is None), None)
    return total or said or next(iter(texts), None)


def _order_id(text: str | None) -> str | None:
    value = clean_text(text)
    return None if value is None or is_rounded(value) else order_number(value)


def _last(label: str) -> str:
    return " ".join(label.rsplit(" / ", 1)[-1].split())


def _texts(column: pa.Array) -> list[str | None]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode() if hasattr(column, "dictionary_decode") else column.cast(pa.string())
    return [clean_text(t) for t in column.to_pylist()]


def _blank(column: pa.Array, rows: npt.NDArray[np.intp] | None = None) -> Bools:
    """Which cells (of ``rows``) have no text or a mark of emptiness."""
    if rows is not None:
        column = column.take(pa.array(rows))
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    lut = np.fromiter((clean_text(t) is None for t in coded.dictionary.to_pylist()), bool, len(coded.dictionary))
    return _spread(coded, lut, True)


def _flags(column: pa.DictionaryArray) -> Bools:
    texts = column.dictionary.to_pylist()
    return _spread(column, np.fromiter((parse_flag(t) for t in texts), bool, len(texts)), False)


def _unique(codes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.intp]]:
    """Distinct codes and, for every row, which one it has; without sorting where the codes are dense."""
    top = int(codes.max()) + 1 if len(codes) else 0
    if top <= 4 * len(codes) + 1000:
        seen = np.zeros(top, bool)
        seen[codes] = True
        found = np.flatnonzero(seen)
        place = np.zeros(top, np.intp)
        place[found] = np.arange(len(found))
        return found, place[codes]
    coded = pa.array(codes).dictionary_encode()
    return coded.dictionary.to_numpy(), coded.indices.to_numpy().astype(np.intp)


def _picked(column: pa.Array, pick: _Pick) -> pa.Array:
    return column if isinstance(pick, slice) else column.take(pa.array(pick))


def _date_array(days: Ints) -> pa.Array:
    return pa.array(days, pa.int32(), mask=days == _NO_DAY).cast(pa.date32())


def _constant(text: str, n: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([text], pa.string()))
