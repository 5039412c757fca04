"""The database of one reading: Arrow tables go in under a name, rows and columns come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.engine.duck import DuckEngine

__all__ = ["Store", "parquet", "quoted"]


def parquet(path: Path) -> str:
    """Return a Parquet file as it stands after FROM."""
    return f"read_parquet({quoted(path.as_posix())})"


def quoted(text: str) -> str:
    """Return a text as it stands in a query."""
    return "'" + text.replace("'", "''") + "'"


class Store:
    """DuckDB in memory, in the order of the rows; closed, it leaves nothing behind."""

    def __init__(self, memory_mb: int = 700) -> None:
        self._engine = DuckEngine(memory_mb=memory_mb)
        self._connection = self._engine.connection
        self._connection.execute("SET preserve_insertion_order = true")

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    @contextmanager
    def given(self, name: str, table: pa.Table) -> Iterator[None]:
        """Within the block queries see ``table`` under ``name``."""
        self._connection.register(name, table)
        try:
            yield
        finally:
            self._connection.unregister(name)

    def keep(self, name: str, table: pa.Table) -> None:
        """Keep a copy of ``table`` under ``name``."""
        with self.given("kept", table):
            self.run(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM kept")

    def run(self, sql: str, values: Sequence[object] = ()) -> None:
        """Run a statement that gives nothing back."""
        self._connection.execute(sql, list(values))

    def rows(self, sql: str, values: Mapping[str, object] | Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        given = dict(values) if isinstance(values, Mapping) else list(values)
        return self._connection.execute(sql, given).fetchall()

    def row(self, sql: str, values: Mapping[str, object] | Sequence[object] = ()) -> tuple[Any, ...]:
        """Return the only row of a query."""
        return self.rows(sql, values)[0]

    def columns(self, sql: str, values: Sequence[object] = ()) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of a query, masked where null."""
        found = self._connection.execute(sql, list(values)).fetchnumpy()
        return {name: np.ma.asarray(column) for name, column in found.items()}

    def table(self, sql: str) -> pa.Table:
        """Return a query's rows as an Arrow table."""
        return self._connection.sql(sql).to_arrow_table()
