"""A table, a query or a folder of Parquet that the cluster reads: its lines in a stated order, as Arrow batches.

The executors read and sort; this process gets one partition after another, so that its memory does not grow with the
table. Nothing of Python has to be installed on the executors.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from audit.engine.spark import Application, application
from audit.engine.spark_errors import explained
from audit.errors import InputError, Text, did_you_mean

__all__ = ["Snapshot", "SparkTable", "is_query", "snapshot"]

_QUERY = re.compile(r"\s*(?:select|with|from|values|table)\b", re.IGNORECASE)
_FILES = ("parquet", "orc", "csv", "json", "avro", "hive")
"""Providers whose table is what its files are."""


def is_query(what: str) -> bool:
    """Whether what stands after ``spark:`` is a query and no table."""
    return bool(_QUERY.match(what))


@dataclass(frozen=True)
class Snapshot:
    """The state of a source: two readings of the same state give the same lines."""

    state: str
    kind: str
    """``delta`` and ``iceberg`` tables are read as of this state; ``files`` are told by names, sizes, times of change."""
    size_bytes: int = 0


def snapshot(source: str, master: str | None) -> Snapshot | None:
    """Return the state of a source, looked at once an application; None where its format keeps none."""
    held = application(master)
    key = ("snapshot", source)
    if key not in held.kept:
        with explained(source, held.session):
            held.kept[key] = _state(source, held.session)
    found: Snapshot | None = held.kept[key]
    return found


def files_now(source: str, master: str | None) -> Snapshot | None:
    """Return the state of a source's files as they are at this moment, for telling whether they changed meanwhile."""
    held = application(master)
    held.kept.pop(("snapshot", source), None)
    return snapshot(source, master)


def _state(source: str, session: Any) -> Snapshot | None:
    what = _named(source)
    if what is None:
        return _files([source], session)
    if is_query(what):
        return None  # the tables behind it may be of any format
    about = _about(what, session)
    provider = about.get("provider", "").lower()
    if "view" in about.get("type", "").lower():
        return None
    if provider == "delta":
        detail = session.sql(f"DESCRIBE DETAIL {what}").select("id").collect()
        last = session.sql(f"DESCRIBE HISTORY {what} LIMIT 1").select("version").collect()
        return Snapshot(f"{detail[0][0]}/{last[0][0]}", "delta") if detail and last else None
    if provider == "iceberg":
        last = session.sql(
            f"SELECT snapshot_id FROM {what}.history WHERE is_current_ancestor ORDER BY made_current_at DESC LIMIT 1"
        ).collect()
        return Snapshot(str(last[0][0]), "iceberg") if last else None
    if provider in _FILES:
        return _files(list(session.table(what).inputFiles()), session)
    return None


def _about(table: str, session: Any) -> dict[str, str]:
    """Return what the catalogue says of a table, by lower-case name; columns of the same names are left out."""
    rows = session.sql(f"DESCRIBE TABLE EXTENDED {table}").collect()
    start = next((i for i, row in enumerate(rows) if str(row[0]).startswith("# Detailed")), len(rows))
    return {str(row[0]).strip().lower(): str(row[1]).strip() for row in rows[start:]}


def _files(paths: list[str], session: Any) -> Snapshot | None:
    """Return the state of files: the cluster lists them and reads nothing of them."""
    if not paths:
        return None
    listed = session.read.format("binaryFile").option("recursiveFileLookup", "true").load(paths)
    digest, size = hashlib.sha256(), 0
    for path, length, changed in sorted(map(tuple, listed.select("path", "length", "modificationTime").collect())):
        digest.update(f"{path}\x1f{length}\x1f{changed}\x1e".encode())
        size += length
    return Snapshot(digest.hexdigest(), "files", size)


def _named(source: str) -> str | None:
    """Return the table or query of a ``spark:`` source; None for the address of a folder."""
    return source[len("spark:") :].strip() if source.lower().startswith("spark:") else None


class SparkTable:
    """The lines of one source, in the order of the key ``order_by`` or, without one, of all columns."""

    def __init__(self, source: str, master: str | None, order_by: Sequence[str] = ()) -> None:
        self.source = source
        self.snapshot = snapshot(source, master)
        self._application: Application = application(master)
        self._session = self._application.session
        with explained(source, self._session):
            frame = self._frame()
            self.columns: list[str] = list(frame.columns)
            self._kinds = [f.dataType for f in frame.schema.fields]
            # columns are told by their place: names may hold dots, or stand twice
            self._plain = frame.toDF(*(f"c{i}" for i in range(len(self.columns))))
        self.types = [_arrow_type(kind, self._large) for kind in self._kinds]
        self.key = [self._place(name) for name in order_by]
        self.received_bytes = 0
        """What came over the wire so far."""

    def _frame(self) -> Any:
        what = _named(self.source)
        if what is None:
            return self._session.read.parquet(self.source)
        if is_query(what):
            return self._session.sql(what)
        if self.snapshot is not None and self.snapshot.kind != "files":
            return self._session.sql(f"SELECT * FROM {what} VERSION AS OF {self.snapshot.state.rpartition('/')[2]}")
        return self._session.table(what)

    @property
    def _large(self) -> bool:
        return str(self._session.conf.get("spark.sql.execution.arrow.useLargeVarTypes", "false")).lower() == "true"

    def _place(self, name: str) -> int:
        """Return the place of a column of the key; Spark does not tell capitals from small letters."""
        exact = [i for i, column in enumerate(self.columns) if column == name]
        alike = [i for i, column in enumerate(self.columns) if column.casefold() == name.casefold()]
        if len(found := exact or alike) == 1:
            return found[0]
        hint = did_you_mean(name, self.columns)
        raise InputError(
            Text(f"В источнике нет столбца «{name}»: {hint.ru}", f"The source has no column “{name}”: {hint.en}"),
            where="audit.toml, [inputs] order_by",
            todo=Text("Исправьте имя столбца", "Correct the name of the column"),
        )

    def _taken(self, i: int) -> str:
        """Return what is sent of a column: a moment as the clock of the session's zone shows it."""
        if (
            self.types[i] is None
        ):  # no text, number, day or yes/no: it says nothing to the reader, and may not fit Arrow
            return "CAST(NULL AS STRING)"
        return f"CAST(c{i} AS TIMESTAMP_NTZ)" if self._kinds[i].typeName() == "timestamp" else f"c{i}"

    def batches(self, columns: Sequence[int] | None = None, first: int | None = None) -> Iterator[pa.RecordBatch]:
        """Give the lines, or the ``first`` of them, with the columns at these places, in the stated order.

        Behind a key come the columns that are given: lines that agree in all of these cannot be told apart. Nulls
        stand first, texts in the order of their bytes.
        """
        wanted = list(range(len(self.columns))) if columns is None else list(columns)
        behind = wanted if self.key else range(len(self.columns))
        order = [i for i in dict.fromkeys([*self.key, *behind]) if self.types[i] is not None]
        with explained(self.source, self._session):
            lines = self._plain
            if order:
                lines = lines.orderBy(*(lines[f"c{i}"].asc_nulls_first() for i in order))
            if first is not None:
                lines = lines.limit(first)
            lines = lines.selectExpr(*(f"{self._taken(i)} AS c{i}" for i in wanted))
            text = pa.large_string() if self._large else pa.string()
            schema = pa.schema([(f"c{i}", self.types[i] or text) for i in wanted])
            for batch in _sent(lines, schema) if hasattr(lines, "_jdf") else _streamed(lines):
                self.received_bytes += batch.nbytes
                yield batch


def _sent(lines: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Give the lines of a classic session: Java's own Arrow batches, one partition and then the next."""
    from pyspark import rdd, serializers

    take: Any = rdd.RDD
    as_is: Any = serializers.NoOpSerializer
    arrow = take(lines._jdf.toArrowBatchRdd().toJavaRDD(), lines.sparkSession.sparkContext, as_is())
    for message in arrow.toLocalIterator(prefetchPartitions=True):
        yield pa.ipc.read_record_batch(pa.py_buffer(message), schema)


def _streamed(lines: Any) -> Iterator[pa.RecordBatch]:
    """Give the lines of Spark Connect (shared clusters of Databricks), which streams Arrow by itself."""
    client, plan = lines.sparkSession.client, lines._plan
    for part in client.to_table_as_iterator(plan.to_proto(client), plan.observations):
        if isinstance(part, pa.Table):
            yield from part.to_batches()


def _arrow_type(kind: Any, large: bool) -> pa.DataType | None:
    """Return the Arrow type in which Spark sends a column; None where it holds no plain value."""
    from pyspark.sql import types

    if isinstance(kind, types.DecimalType):
        return pa.decimal128(kind.precision, kind.scale)
    if isinstance(kind, types.StringType | types.CharType | types.VarcharType):
        return pa.large_string() if large else pa.string()
    plain: dict[type, pa.DataType] = {
        types.BooleanType: pa.bool_(),
        types.ByteType: pa.int8(),
        types.ShortType: pa.int16(),
        types.IntegerType: pa.int32(),
        types.LongType: pa.int64(),
        types.FloatType: pa.float32(),
        types.DoubleType: pa.float64(),
        types.DateType: pa.date32(),
        types.TimestampType: pa.timestamp("us"),
        types.TimestampNTZType: pa.timestamp("us"),
    }
    return plain.get(type(kind))
