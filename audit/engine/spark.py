"""The engine for data that outgrow one machine: an existing Spark session or a master address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from audit.engine.base import Engine
from audit.engine.dialect import SPARK
from audit.errors import Text, ToolError

__all__ = ["SparkEngine"]


class SparkEngine(Engine):
    """Spark through PySpark (optional dependency, Java 17)."""

    dialect = SPARK

    def __init__(self, master: str | None = None) -> None:
        try:
            from pyspark.sql import SparkSession
        except ImportError as e:
            raise ToolError(
                Text('Для engine = "spark" нужен пакет pyspark', 'engine = "spark" needs the package pyspark'),
                todo=Text("Установите km-audit[spark] и Java 17", "Install km-audit[spark] and Java 17"),
            ) from e
        active = SparkSession.getActiveSession()
        self._own = active is None
        if active is None:
            builder = SparkSession.builder.appName("km-audit").master(master or "local[2]")
            builder = builder.config("spark.sql.session.timeZone", "UTC").config("spark.ui.enabled", "false")
            try:
                active = builder.getOrCreate()
            except Exception as e:
                raise ToolError(
                    Text(f"Spark не запустился ({type(e).__name__})", f"Spark did not start ({type(e).__name__})"),
                    where=master or "local[2]",
                    todo=Text("Проверьте Java 17 и адрес master", "Check Java 17 and the master address"),
                ) from e
        self.session: Any = active

    def attach(self, name: str, path: Path, part: tuple[int, int] | None = None) -> None:
        """Make the Parquet at ``path`` visible to queries under ``name``, all of it or one part of its clients."""
        rows = self.session.read.parquet(path.absolute().as_uri())
        if part is not None:
            rows = rows.where(f"pmod(hash(client_key), {part[1]}) = {part[0]}")
        rows.createOrReplaceTempView(name)

    def _arrow(self, sql: str) -> pa.Table:
        return self.session.sql(sql).toArrow()

    def _write(self, sql: str, path: Path) -> None:
        self.session.sql(sql).write.mode("overwrite").parquet(path.absolute().as_uri())

    def close(self) -> None:
        """Stop the session if this engine started it."""
        if self._own:
            self.session.stop()
