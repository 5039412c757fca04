"""The common ground of all readers: raw text cells with their row numbers, kept as Parquet until they are understood.

Grain of a staged table: one row per row of the client's table after its header, in the order of the file. Columns:
``source_row`` (as a person sees it, from 1), ``problem`` (a code of `rejects.REASONS` where the row itself cannot be
read) with ``raw`` (what stood there), ``first`` (the first column, for totals and groups), and one text column per
field. An empty cell is null or empty text; meaning is given later, in one place (`canonical`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["TYPED", "Row", "StageWriter", "Staged"]

Row = tuple[int, list[str]]
"""Row number as a person sees it, and its cells as text."""

TYPED = "\ue000"
"""Put before a number that a typed cell gave, where text cells of the same column may use a decimal comma."""


_GROUP_ROWS = 122_880 * 2
"""A multiple of DuckDB's own row group: fewer is slower to read in parallel, more costs memory."""


@dataclass(frozen=True)
class Staged:
    """A staged table on disk."""

    path: Path
    rows: int
    fields: tuple[str, ...]
    """Fields that have a column."""
    typed: frozenset[str] = frozenset()
    """Fields whose column came typed (Parquet, database): numbers carry a decimal point, dates are ISO."""
    marked: bool = False
    """Whether typed numbers are marked with `TYPED`."""
    spans: tuple[tuple[int, int], ...] = ()
    """First and last row number of every row group, in order."""


class StageWriter:
    """Writes a staged table batch by batch; several fields may read the same column of the file."""

    def __init__(self, path: Path, fields: Sequence[str]) -> None:
        self.path = path
        self.fields = tuple(fields)
        self.schema = pa.schema(
            [pa.field("source_row", pa.int64()), pa.field("problem", pa.string()), pa.field("raw", pa.string()),
             *(pa.field(f, pa.string()) for f in self.fields)]
        )  # fmt: skip
        self._writer = pq.ParquetWriter(path, self.schema, compression="lz4", write_statistics=["source_row"])
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self.rows = 0
        self.spans: list[tuple[int, int]] = []
        """First and last row number of every row group."""

    def batch(
        self,
        source_row: pa.Array,
        columns: Sequence[pa.Array | pa.ChunkedArray],
        problem: pa.Array | None = None,
        raw: pa.Array | None = None,
    ) -> None:
        """Append rows; ``columns`` in the order of ``fields``."""
        n = len(source_row)
        if n == 0:
            return
        nulls = pa.nulls(n, pa.string())
        table = pa.table(
            [source_row, nulls if problem is None else problem, nulls if raw is None else raw, *columns],
            schema=self.schema,
        )
        self._waiting.append(table)
        self._waiting_rows += n
        self.rows += n
        if self._waiting_rows >= _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.concat_tables(self._waiting)
            numbers = table.column("source_row")
            for at in range(0, table.num_rows, _GROUP_ROWS):
                end = min(at + _GROUP_ROWS, table.num_rows) - 1
                self.spans.append((numbers[at].as_py(), numbers[end].as_py()))
            self._writer.write_table(table, row_group_size=_GROUP_ROWS)
            self._waiting.clear()
            self._waiting_rows = 0

    def lists(self, rows: Sequence[tuple[int, str | None, str | None, Sequence[str | None]]]) -> None:
        """Append rows given one by one: row number, problem, raw text, cells in the order of ``fields``."""
        if not rows:
            return
        columns = [pa.array([r[3][i] for r in rows], pa.string()) for i in range(len(self.fields))]
        self.batch(
            pa.array([r[0] for r in rows], pa.int64()),
            columns,
            pa.array([r[1] for r in rows], pa.string()),
            pa.array([r[2] for r in rows], pa.string()),
        )

    def __enter__(self) -> StageWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._flush()
        self._writer.close()
