"""Orders that only a cluster reads: a table or a query of Spark, a folder of Parquet in shared storage.

The executors read; the lines come in a stated order and go the way of every other typed table (`ColumnarReader`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audit.engine import is_spark, spark_master, spark_table
from audit.engine.spark import release
from audit.errors import SettingsError, Text
from audit.intake.addresses import is_cluster
from audit.intake.columnar import ColumnarReader, as_text
from audit.intake.databases import redacted
from audit.settings import Settings

__all__ = ["ClusterReader", "forget", "open_cluster", "seen_by_cluster", "shown_cluster", "state"]

_END, _BETWEEN = "\x1e", "\x1f"


def shown_cluster(sources: Sequence[str]) -> list[tuple[str, str]]:
    """Return the sources, each once, with the names under which the report speaks of them.

    A name carries no key, no folder of this computer and no text of a query.
    """
    names = {source: _shown(source) for source in sources}
    seen: Counter[str] = Counter()
    out = []
    for source, name in names.items():
        seen[name] += 1
        out.append((source, name if seen[name] == 1 else f"{name} ({seen[name]})"))
    return out


def _shown(source: str) -> str:
    if source.lower().startswith("spark:"):
        what = source[len("spark:") :].strip()
        return "spark:query" if spark_table.is_query(what) else "spark:" + what.replace("`", "")
    if source.lower().startswith("file:"):
        return unquote(source.rstrip("/").rpartition("/")[2])
    return redacted(source).rstrip("/")


def seen_by_cluster(sources: Sequence[str], engine: str) -> tuple[str, ...]:
    """Return the sources with a folder that holds Parquet alone as an address for Spark, where the engine is Spark."""
    if not is_spark(engine):
        return tuple(sources)
    return tuple(Path(s).absolute().as_uri() if _is_parquet_folder(s) else s for s in sources)


def _is_parquet_folder(source: str) -> bool:
    folder = Path(source)
    if is_cluster(source) or not folder.is_dir():
        return False
    inside = [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(("_", "."))]
    return bool(inside) and all(p.suffix == ".parquet" for p in inside)


def state(source: str, settings: Settings, *, now: bool = False) -> str | None:
    """Return the state of a source, None where its format keeps none; ``now``: of its files, looked at again."""
    master = _master(source, settings)
    found = spark_table.snapshot(source, master)
    if now and found is not None and found.kind == "files":
        found = spark_table.files_now(source, master)
    return None if found is None else f"{found.kind}/{found.state}"


def forget() -> None:
    """End the application, if one was started for reading."""
    release()


def _master(source: str, settings: Settings) -> str | None:
    if not is_spark(settings.inputs.engine):
        raise SettingsError(
            Text("Этот источник читает только Spark", "Only Spark reads this source"),
            where=redacted(source),
            todo=Text(
                'Укажите движок: [inputs] engine = "spark" (сессия этого ноутбука или spark-defaults.conf), '
                '"spark://host:7077" или "local[2]"',
                'Name the engine: [inputs] engine = "spark" (the session of this notebook, or spark-defaults.conf), '
                '"spark://host:7077" or "local[2]"',
            ),
        )
    return spark_master(settings.inputs.engine)


def open_cluster(source: str, settings: Settings, name: str) -> ClusterReader:
    """Open a source that Spark reads; ``name`` is what the report calls it."""
    return ClusterReader(name, spark_table.SparkTable(source, _master(source, settings), settings.inputs.order_by))


class ClusterReader(ColumnarReader):
    """A table that the executors of a cluster read."""

    format = "spark"

    def __init__(self, name: str, table: Any) -> None:
        self.name = name
        self.table = table
        self._digest = hashlib.sha256()
        self.notes = [self._said()]

    @property
    def size_bytes(self) -> int:
        """Size of the files behind the source; 0 where it is not known."""
        return 0 if self.table.snapshot is None else int(self.table.snapshot.size_bytes)

    def _said(self) -> Text:
        by = ", ".join(f"«{self.table.columns[i]}»" for i in self.table.key)
        ru = f"{self.name}: строки прочитаны кластером Spark и пронумерованы в порядке " + (
            f"ключа {by}" if by else "всех столбцов"
        )
        en = f"{self.name}: read by the Spark cluster, rows numbered in the order of " + (
            f"the key {by}" if by else "all columns"
        )
        if self.table.snapshot is None:
            ru += "; снимка у источника нет, он читается заново при каждом запуске"
            en += "; the source keeps no snapshot, it is read anew each time"
        return Text(ru, en.replace("«", "“").replace("»", "”"))

    def columns(self) -> list[tuple[str, pa.DataType]]:
        """Return name and type of every column."""
        return [(n, t or pa.null()) for n, t in zip(self.table.columns, self.table.types, strict=True)]

    def batches(self, rows: int, wanted: Sequence[int] | None = None) -> Iterator[Sequence[pa.Array]]:
        """Give the columns ``wanted``; how many rows a batch has, the cluster says."""
        self._digest = hashlib.sha256()
        for batch in self.table.batches(wanted):
            self._take_in(batch)
            yield batch.columns

    def first(self, rows: int) -> Iterator[Sequence[pa.Array]]:
        """Give the first rows: the cluster sends no more than these."""
        yield from (batch.columns for batch in self.table.batches(first=rows))

    def read_whole(self) -> None:
        """Take the hash of the cells that were read."""
        self.sha256 = self._digest.hexdigest()

    def _take_in(self, batch: pa.RecordBatch) -> None:
        """Add the cells to the hash, whatever batches the cluster makes of the rows."""
        text = pa.large_string()
        cells = [pc.fill_null(as_text(column).cast(text), "") for column in batch.columns]
        lines = pc.binary_join_element_wise(*cells, pa.scalar(_END, text), pa.scalar(_BETWEEN, text))
        _, ends, data = lines.buffers()
        if data is not None:
            first, last = np.frombuffer(ends, np.int64)[[lines.offset, lines.offset + len(lines)]].tolist()
            self._digest.update(memoryview(data)[first:last])
