"""Parquet as input: typed columns read as text, with row numbers, so that they go the same way as any other file."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.errors import InputError, Text
from audit.intake.guard import guarded, reading
from audit.intake.layout import HEAD_ROWS, Layout
from audit.intake.staging import Row, Staged, StageWriter
from audit.intake.store import Store

__all__ = ["ColumnarReader", "ParquetReader", "as_text", "file_digest", "open_parquet"]


_BATCH_ROWS = 131_072


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def as_text(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return a typed column as text: dates ISO, whole floats without «.0», nested values as null."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.cast(kind.value_type))
    if pa.types.is_string(kind):
        return column
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        # The clock reading in the column's own zone is the day that the client sees.
        local = pc.local_timestamp(column) if kind.tz else column
        return pc.strftime(local.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%d %H:%M:%S")
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        whole = pc.and_kleene(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 1e15))
        as_int = pc.if_else(whole, column, None).cast(pa.int64(), safe=False).cast(pa.string())
        number = pc.if_else(pc.is_nan(column), None, column).cast(pa.string())
        return pc.coalesce(pc.if_else(whole, as_int, None), number)
    if pa.types.is_boolean(kind):
        return pc.if_else(column, "1", "0")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.nulls(len(column), pa.string())
    if pa.types.is_nested(kind):
        return pa.nulls(len(column), pa.string())
    return column.cast(pa.string())


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


class ColumnarReader(ABC):
    """A table whose columns come typed, batch by batch."""

    name: str
    format: str
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    merged: tuple[tuple[int, int, int, int], ...] = ()
    sha256: str = ""

    @abstractmethod
    def columns(self) -> list[tuple[str, pa.DataType]]:
        """Return name and type of every column."""

    @abstractmethod
    def batches(self, rows: int, wanted: Sequence[int] | None = None) -> Iterator[Sequence[pa.Array]]:
        """Give the columns ``wanted`` (by place, in rising order; by default all), some ``rows`` of them at a time."""

    def first(self, rows: int) -> Iterator[Sequence[pa.Array]]:
        """Give the first rows."""
        return islice(self.batches(rows), 1)

    def read_whole(self) -> None:  # noqa: B027 - a hook: only a reader that hashes as it goes has something to do
        """Be told that every row was given."""

    @guarded
    def head(self, rows: int = HEAD_ROWS) -> list[Row]:
        """Return the header and the first rows as text cells."""
        out: list[Row] = [(1, [name for name, _ in self.columns()])]
        for batch in self.first(rows):
            columns = [as_text(c).to_pylist() for c in batch]
            at = len(out) + 1
            out.extend((at + i, [c or "" for c in cells]) for i, cells in enumerate(zip(*columns, strict=True)))
        return out[: rows + 1]

    @guarded
    def outline(self) -> Mapping[int, int]:
        """Return no outline: the format has none."""
        return {}

    @guarded
    def every_row(self) -> Iterator[Row]:
        """Give all rows one by one."""
        yield 1, [name for name, _ in self.columns()]
        at = 2
        for batch in self.batches(_BATCH_ROWS):
            columns = [as_text(c).to_pylist() for c in batch]
            for cells in zip(*columns, strict=True):
                yield at, [c or "" for c in cells]
                at += 1
        self.read_whole()

    @guarded
    def stage(self, layout: Layout, keep: Sequence[tuple[str, int]], path: Path, store: Store) -> Staged:
        """Write the columns ``keep`` (field, column) of all rows to ``path``. Row 1 is the header."""
        wanted = sorted({i for _, i in keep})
        types = self.columns()
        typed = frozenset(f for f, i in keep if not _is_text(types[i][1]))
        at = 2
        with StageWriter(path, [f for f, _ in keep], store, typed) as writer:
            for batch in self.batches(_BATCH_ROWS, wanted):
                rows = len(batch[0])
                text = {i: as_text(column) for i, column in zip(wanted, batch, strict=True)}
                writer.batch(pa.array(range(at, at + rows), pa.int64()), [text[i] for _, i in keep])
                at += rows
        self.read_whole()
        return writer.staged


@dataclass
class ParquetReader(ColumnarReader):
    """One Parquet file."""

    path: Path
    name: str
    file: pq.ParquetFile
    format: str = "parquet"

    def columns(self) -> list[tuple[str, pa.DataType]]:
        """Return name and type of every column."""
        return [(field.name, field.type) for field in self.file.schema_arrow]

    def batches(self, rows: int, wanted: Sequence[int] | None = None) -> Iterator[Sequence[pa.Array]]:
        """Give the columns ``wanted``, some ``rows`` of them at a time."""
        names = list(self.file.schema_arrow.names)
        # A name that stands twice names neither: all columns are read then, and told by their place.
        if wanted is None or any(names.count(names[i]) > 1 for i in wanted):
            every = range(len(names)) if wanted is None else wanted
            yield from ([batch.column(i) for i in every] for batch in self.file.iter_batches(rows))
        else:
            for batch in self.file.iter_batches(rows, columns=[names[i] for i in wanted]):
                yield [batch.column(names[i]) for i in wanted]

    def read_whole(self) -> None:
        """Take the file's hash."""
        self.sha256 = file_digest(self.path)


def open_parquet(path: Path, name: str) -> ParquetReader:
    """Open a Parquet file."""
    try:
        with reading(name):
            return ParquetReader(path, name, pq.ParquetFile(path))
    except InputError as e:
        raise InputError(
            Text("Файл Parquet повреждён или записан не до конца", "The Parquet file is damaged or incomplete"),
            where=name,
            todo=Text("Выгрузите его заново", "Export it again"),
        ) from e
