"""The default engine: embedded DuckDB, no extensions from outside, memory and spill bounded."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path

import duckdb
import pyarrow as pa

from audit.engine.base import Engine
from audit.engine.dialect import DUCKDB

__all__ = ["DuckEngine"]


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

    def attach(self, name: str, path: Path) -> None:
        """Make the Parquet at ``path`` visible to queries under ``name``."""
        source = path / "*.parquet" if path.is_dir() else path
        text = source.as_posix().replace("'", "''")
        self.connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet('{text}')")

    def _arrow(self, sql: str) -> pa.Table:
        return self.connection.sql(sql).to_arrow_table()

    def _write(self, sql: str, path: Path) -> None:
        target = path.as_posix().replace("'", "''")
        self.connection.execute(f"COPY ({sql}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")

    def close(self) -> None:
        """Close the connection and remove the spill folder."""
        self.connection.close()
        self._remove_spill()
