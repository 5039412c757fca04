"""Parquet as input: typed columns read as text, with row numbers, so that they go the same way as any other file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.errors import InputError, Text
from audit.intake.guard import guarded, reading
from audit.intake.layout import HEAD_ROWS, Layout
from audit.intake.staging import Row, Staged, StageWriter
from audit.intake.store import Store

__all__ = ["ParquetReader", "as_text", "file_digest", "open_parquet"]


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


@dataclass
class ParquetReader:
    """One Parquet file."""

    path: Path
    name: str
    file: pq.ParquetFile
    format: str = "parquet"
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    merged: tuple[tuple[int, int, int, int], ...] = ()
    sha256: str = ""

    @guarded
    def head(self, rows: int = HEAD_ROWS) -> list[Row]:
        """Return the header and the first rows as text cells."""
        names = list(self.file.schema_arrow.names)
        out: list[Row] = [(1, names)]
        for batch in self.file.iter_batches(rows):
            columns = [as_text(c).to_pylist() for c in batch.columns]
            out.extend((i + 2, [c or "" for c in cells]) for i, cells in enumerate(zip(*columns, strict=True)))
            break
        return out

    @guarded
    def outline(self) -> Mapping[int, int]:
        """Return no outline: the format has none."""
        return {}

    @guarded
    def every_row(self) -> Iterator[Row]:
        """Give all rows one by one."""
        names = list(self.file.schema_arrow.names)
        yield 1, names
        at = 2
        for batch in self.file.iter_batches(131_072):
            columns = [as_text(c).to_pylist() for c in batch.columns]
            for cells in zip(*columns, strict=True):
                yield at, [c or "" for c in cells]
                at += 1
        self.sha256 = file_digest(self.path)

    @guarded
    def stage(self, layout: Layout, keep: Sequence[tuple[str, int]], path: Path, store: Store) -> Staged:
        """Write the columns ``keep`` (field, column) of all rows to ``path``. Row 1 is the header."""
        names = self.file.schema_arrow.names
        wanted = sorted({i for _, i in keep})
        at = 2
        typed = frozenset(f for f, i in keep if not _is_text(self.file.schema_arrow.field(i).type))
        with StageWriter(path, [f for f, _ in keep], store, typed) as writer:
            # A name that stands twice names neither: all columns are read then, and told by their place.
            twice = any(names.count(names[i]) > 1 for i in wanted)
            for batch in self.file.iter_batches(131_072, columns=None if twice else [names[i] for i in wanted]):
                text = {i: as_text(batch.column(i if twice else names[i])) for i in wanted}
                numbers = pa.array(range(at, at + batch.num_rows), pa.int64())
                writer.batch(numbers, [text[i] for _, i in keep])
                at += batch.num_rows
        self.sha256 = file_digest(self.path)
        return writer.staged


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
