"""The common ground of all readers: raw text cells with their row numbers, kept on disk until they are understood.

Grain of a staged table: one row per row of the client's table after its header, in the order of the file. Columns:
``source_row`` (as a person sees it, from 1), ``problem`` (a code of `rejects.REASONS` where the row itself cannot be
read) with ``raw`` (what stood there), ``first`` (the first column, for totals and groups), and one column per field.
An empty cell is null or empty text; meaning is given later, in one place (`canonical`).

Texts that repeat are stored as codes with a dictionary per batch, so that later every distinct text is understood
once. While rows pass, the evidence that decides how they are to be read is counted: distinct dates, persons, words,
clients, and how numbers are written.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from audit.intake.numbers import MONEY, NumberEvidence, Numbers, to_decimal
from audit.intake.store import Store

__all__ = [
    "CODED_FIELDS",
    "COUNTED_FIELDS",
    "DATE_FIELDS",
    "KEY_FIELDS",
    "NUMBER_FIELDS",
    "PERSON_FIELDS",
    "Row",
    "StageWriter",
    "Staged",
]

Row = tuple[int, list[str]]
"""Row number as a person sees it, and its cells as text."""

DATE_FIELDS = ("order_date", "requested_date", "promised_date", "shipped_date", "delivered_date", "client_since")
NUMBER_FIELDS = ("amount", "margin", "cost", "qty", "price", "price_index", "shipped_pct", "discount")
PERSON_FIELDS = ("manager", "created_by", "processed_by")
KEY_FIELDS = ("client_id", "client", "holding", "legal_entity")
WORD_FIELDS = ("status", "kind", "initiator", "currency")
COUNTED_FIELDS = frozenset({*DATE_FIELDS, *PERSON_FIELDS, *WORD_FIELDS})
"""Fields whose distinct texts are needed before the first row can be understood."""
_PLAIN = frozenset({*NUMBER_FIELDS, "order_id", "first"})
"""Stored as they are: nearly every row has a text of its own."""
_BATCH_ROWS = 500_000


@dataclass
class Staged:
    """A staged table on disk with the evidence counted on the way."""

    path: Path
    fields: tuple[str, ...]
    rows: int = 0
    typed: frozenset[str] = frozenset()
    """Fields whose column came typed (Parquet, database): numbers carry a decimal point, dates are ISO."""
    distinct: dict[str, Counter[str]] = field(default_factory=dict)
    clients: Counter[tuple[str | None, str | None, str | None, str | None]] = field(default_factory=Counter)
    """Rows per distinct combination of `KEY_FIELDS`."""
    numbers: dict[str, NumberEvidence] = field(default_factory=dict)
    resolved: list[dict[str, str]] = field(default_factory=list)
    """Per batch: number field → decimal mark with which ``=field`` already holds its values."""

    def has(self, name: str) -> bool:
        """Whether the table has a column for the field."""
        return name in self.fields

    def first_rows(self, n: int) -> pa.Table:
        """Return the first rows, at most ``n`` of them."""
        with pa.memory_map(str(self.path)) as f, pa.ipc.open_stream(f) as reader:
            first = next(iter(reader), None)
            return pa.Table.from_batches([first.slice(0, n)] if first is not None else [], reader.schema)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the staged rows batch by batch."""
        with pa.OSFile(str(self.path), "rb") as f, pa.ipc.open_stream(f) as reader:
            yield from reader

    def columns(self, *names: str) -> Iterator[pa.RecordBatch]:
        """Read some columns batch by batch; the rest of the file is not touched."""
        with pa.memory_map(str(self.path)) as f, pa.ipc.open_stream(f) as reader:
            for batch in reader:
                yield batch.select(list(names))

    def set_aside(self, rows: npt.NDArray[np.bool_], reason: str) -> None:
        """Give rows a reason (a code of `rejects.REASONS`) for which they are set aside: the file is written anew."""
        path, start = self.path.with_suffix(f".{reason}.arrow"), 0
        with pa.OSFile(str(path), "wb") as sink:
            writer: pa.RecordBatchStreamWriter | None = None
            for batch in self.batches():
                writer = writer or pa.ipc.new_stream(sink, batch.schema)
                hit = pa.array(rows[start : start + batch.num_rows])
                problem = pc.if_else(hit, reason, batch.column("problem"))
                at = batch.schema.get_field_index("problem")
                writer.write_batch(batch.set_column(at, batch.schema.field(at), problem))
                start += batch.num_rows
            if writer is not None:
                writer.close()
        with contextlib.suppress(OSError):  # still mapped on Windows: the work folder goes as a whole
            self.path.unlink()
        self.path = path


class StageWriter:
    """Writes a staged table batch by batch; several fields may read the same column of the file."""

    def __init__(self, path: Path, fields: Sequence[str], store: Store, typed: frozenset[str] = frozenset()) -> None:
        self.staged = Staged(path, tuple(fields), typed=typed)
        self._numbers = Numbers(store)
        coded = pa.dictionary(pa.int32(), pa.string())
        self._schema = pa.schema(
            [
                pa.field("source_row", pa.int64()),
                pa.field("problem", pa.string()),
                pa.field("raw", pa.string()),
                *(pa.field(f, pa.string() if f in _PLAIN else coded) for f in fields),
                *(pa.field(f"={f}", MONEY) for f in fields if f in NUMBER_FIELDS),
            ]
        )
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_stream(self._sink, self._schema)
        self._waiting: list[tuple[pa.Array, list[pa.ChunkedArray], pa.Array, pa.Array]] = []
        self._waiting_rows = 0
        # One thread codes and writes a batch while the reader is at the next: never more than two in memory.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="intake-stage")
        self._busy: Future[None] | None = None
        for name in fields:
            if name in COUNTED_FIELDS:
                self.staged.distinct[name] = Counter()
            if name in NUMBER_FIELDS:
                self.staged.numbers[name] = NumberEvidence()

    def batch(
        self,
        source_row: pa.Array,
        columns: Sequence[pa.Array | pa.ChunkedArray],
        problem: pa.Array | None = None,
        raw: pa.Array | None = None,
    ) -> None:
        """Append rows of text; ``columns`` in the order of the fields."""
        n = len(source_row)
        if n == 0:
            return
        nulls = pa.nulls(n, pa.string())
        chunked = [c if isinstance(c, pa.ChunkedArray) else pa.chunked_array([c]) for c in columns]
        self._waiting.append(
            (source_row, chunked, problem if problem is not None else nulls, raw if raw is not None else nulls)
        )
        self._waiting_rows += n
        self.staged.rows += n
        if self._waiting_rows >= _BATCH_ROWS:
            self._hand_over()

    def lists(self, rows: Sequence[tuple[int, str | None, str | None, Sequence[str | None]]]) -> None:
        """Append rows given one by one: row number, problem, raw text, cells in the order of the fields."""
        if not rows:
            return
        columns = [pa.array([r[3][i] for r in rows], pa.string()) for i in range(len(self.staged.fields))]
        self.batch(
            pa.array([r[0] for r in rows], pa.int64()),
            columns,
            pa.array([r[1] for r in rows], pa.string()),
            pa.array([r[2] for r in rows], pa.string()),
        )

    def takes_codes(self, name: str) -> bool:
        """Whether a field's texts may arrive as codes with a dictionary."""
        return name not in _PLAIN and name not in DATE_FIELDS

    def _hand_over(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting, self._waiting_rows = self._waiting, [], 0
        if self._busy is not None:
            self._busy.result()
        self._busy = self._pool.submit(self._write, waiting)

    def _write(self, waiting: list[tuple[pa.Array, list[pa.ChunkedArray], pa.Array, pa.Array]]) -> None:
        numbers = pa.concat_arrays([w[0] for w in waiting])
        columns: list[pa.Array] = [
            numbers,
            pa.concat_arrays([w[2] for w in waiting]),
            pa.concat_arrays([w[3] for w in waiting]),
        ]
        keys: dict[str, pa.DictionaryArray] = {}
        values: list[pa.Array] = []
        resolved: dict[str, str] = {}
        self.staged.resolved.append(resolved)
        for at, name in enumerate(self.staged.fields):
            chunks = [chunk for w in waiting for chunk in w[1][at].chunks]
            for w in waiting:
                w[1][at] = None
            column = _one(pa.chunked_array(chunks, pa.string())) if name in _PLAIN else _coded(name, chunks)
            columns.append(column)
            if name in self.staged.distinct:
                _count(self.staged.distinct[name], column)
            if name in self.staged.numbers:
                evidence, read = self._numbers.examine(column)
                self.staged.numbers[name] += evidence
                if read is None:
                    values.append(pa.nulls(len(column), MONEY))
                else:
                    values.append(to_decimal(read.values, read.known))
                    resolved[name] = read.mark
            if name in KEY_FIELDS:
                keys[name] = column
        if keys:
            _count_clients(self.staged.clients, keys)
        self._writer.write_batch(pa.RecordBatch.from_arrays([*columns, *values], schema=self._schema))

    def __enter__(self) -> StageWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._hand_over()
            if self._busy is not None:
                self._busy.result()
        finally:
            self._pool.shutdown()
            self._writer.close()
            self._sink.close()


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _coded(name: str, chunks: Sequence[pa.Array]) -> pa.DictionaryArray:
    """Return a text column as codes. A date with a clock after it is stored as its day: «01.02.2024 10:11:12»."""
    if name in DATE_FIELDS:
        chunks = _days_only(pa.chunked_array(chunks, pa.string())).chunks
    coded = [c if pa.types.is_dictionary(c.type) else c.dictionary_encode() for c in chunks]
    if len(coded) == 1:
        return coded[0]
    whole = pa.chunked_array(coded).unify_dictionaries().combine_chunks()
    return whole if isinstance(whole, pa.DictionaryArray) else pa.concat_arrays(whole.chunks)


_WITH_CLOCK = r"^(\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{5})(?:[ T,]+\d.*|\.\d+)$"


def _days_only(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Drop the time of day where nearly every cell has one of its own: a few thousand days remain."""
    head = column.slice(0, 2000)
    if pc.count_distinct(head).as_py() < len(head) // 40:
        return column
    after = pc.utf8_slice_codeunits(column, 10, 11)
    if set(pc.unique(after).to_pylist()) <= {None, "", " ", "T"}:
        return pc.utf8_slice_codeunits(column, 0, 10)
    return pc.replace_substring_regex(column, _WITH_CLOCK, r"\1")


def _count(counter: Counter[str], column: pa.DictionaryArray) -> None:
    indices = column.indices
    if indices.null_count:
        indices = indices.drop_null()
    rows = np.bincount(indices.to_numpy(), minlength=len(column.dictionary))
    for text, n in zip(column.dictionary.to_pylist(), rows.tolist(), strict=True):
        if text and n:
            counter[text] += n


def _count_clients(
    counter: Counter[tuple[str | None, str | None, str | None, str | None]], keys: dict[str, pa.DictionaryArray]
) -> None:
    combined: np.ndarray[Any, np.dtype[np.int64]] | None = None
    sizes: list[int] = []
    for column in keys.values():
        size = len(column.dictionary) + 1
        codes = column.indices.fill_null(size - 1).to_numpy(zero_copy_only=False).astype(np.int64)
        combined = codes if combined is None else combined * size + codes
        sizes.append(size)
    assert combined is not None
    coded = pa.array(combined).dictionary_encode()
    found = coded.dictionary.to_numpy()
    rows = np.bincount(coded.indices.to_numpy(), minlength=len(found))
    texts: dict[str, list[str | None]] = {f: [None] * len(found) for f in KEY_FIELDS}
    rest = found
    for (name, column), size in reversed(list(zip(keys.items(), sizes, strict=True))):
        dictionary = [*column.dictionary.to_pylist(), None]
        texts[name] = [dictionary[i] or None for i in (rest % size).tolist()]
        rest = rest // size
    combos = zip(*(texts[f] for f in KEY_FIELDS), strict=True)
    for combo, n in zip(combos, rows.tolist(), strict=True):
        counter[combo] += n


CODED_FIELDS = frozenset(
    {"department", "complaint_reason", "sku", "sku_group", "contact", "channel", "segment", "region", "organization"}
)
"""Free texts that stay as they are but for blanks at their ends and marks of emptiness."""
