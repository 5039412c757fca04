"""The default engine: embedded DuckDB, no extensions from outside, memory and spill bounded."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from audit.engine.base import Engine
from audit.engine.dialect import DUCKDB

__all__ = ["DuckEngine"]

PART_LINES = 2_500_000
"""Lines whose documents are grouped in memory without spilling."""
MOST_PARTS = 16
"""Every part reads all lines again: beyond so many, spilling is cheaper."""


class DuckEngine(Engine):
    """DuckDB in this process; ``memory_limit`` bounds it, larger work spills to a private temporary folder."""

    dialect = DUCKDB

    def __init__(self, *, memory_limit: str = "1GB", threads: int | None = None) -> None:
        # our number in its name: if we are killed, the next run finds it and removes what a client's data left in it
        spill = tempfile.mkdtemp(prefix=f"km-audit-{os.getpid()}-")
        self._remove_spill = weakref.finalize(self, shutil.rmtree, spill, True)
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": memory_limit,
            "temp_directory": spill,
            "max_temp_directory_size": "50GB",
            "preserve_insertion_order": "false",
        }
        if threads is not None:
            config["threads"] = threads
        self.connection = duckdb.connect(":memory:", config=config)

    def parts(self, lines: Path) -> int:
        """Return into how many parts of clients the collapse is divided: groups that fit into memory take half the time."""
        if not lines.is_file():
            return 1
        rows = int(pq.read_metadata(lines).num_rows)
        return min(max(-(-rows // PART_LINES), 1), MOST_PARTS)

    def attach(self, name: str, path: Path, part: tuple[int, int] | None = None) -> None:
        """Make the Parquet at ``path`` visible to queries under ``name``, all of it or one part of its clients."""
        source = path / "*.parquet" if path.is_dir() else path
        text = source.as_posix().replace("'", "''")
        where = "" if part is None else f" WHERE hash(client_key) % {part[1]} = {part[0]}"
        self.connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet('{text}'){where}")

    def _arrow(self, sql: str) -> pa.Table:
        return self.connection.sql(sql).to_arrow_table()

    def _write(self, sql: str, path: Path) -> None:
        target = path.as_posix().replace("'", "''")
        self.connection.execute(f"COPY ({sql}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")

    def close(self) -> None:
        """Close the connection and remove the spill folder."""
        self.connection.close()
        self._remove_spill()
