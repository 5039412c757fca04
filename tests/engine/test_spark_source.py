"""What the executors of Spark read is the very same as the same data in a file: lines, counts, rows set aside, questions."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.engine import spark, spark_table
from audit.errors import InputError, set_language
from audit.run.inputs import Inputs, file_inputs
from audit.run.kept import find_prepared
from audit.run.prepare import prepare
from audit.settings import settings_from_mapping
from tests.engine.spark_here import NEEDED, small_session
from tests.intake.reading import Read, read

pytestmark = NEEDED
SPARK = {"engine": "spark"}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    warehouse = tmp_path_factory.mktemp("warehouse")
    made = small_session(
        spark__sql__shuffle__partitions="3",
        spark__sql__adaptive__enabled="false",
        spark__sql__files__openCostInBytes="100000000",
        spark__sql__warehouse__dir=warehouse.as_uri(),
    )
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    set_language("en")
    monkeypatch.setattr(spark_table, "_CELLS", 200)  # several partitions even of a few lines
    yield
    spark.release()


def orders(n: int = 90) -> pa.Table:
    """Lines with everything that decides by «the first»: rows twice, names of one client, dates that are none."""
    draw = random.Random(3)
    rows: list[dict[str, Any]] = []
    for i in range(n):
        client = draw.randrange(12)
        rows.append(
            {
                "line": i,
                "Order number": f"A-{i // 2:04}",
                "Order date": "soon" if i % 31 == 7 else f"{1 + i % 28:02}.{1 + i % 12:02}.2024",
                "Client ID": None if i % 29 == 3 else f"C{client}",
                "Client name": f"Client {client}" + (" Ltd" if i % 3 else ""),
                "Amount": Decimal(draw.randrange(-2000, 90000)) / 4,
                "Quantity": draw.randrange(1, 9) / 2,
                "Ship date": dt.datetime(2024, 6, 1 + i % 28, 13, 5),
                "Complaint": i % 17 == 0,
                "Manager": draw.choice(["Ann", "Bob"]),
                "tags": [1, 2],
            }
        )
    if n > 12:
        rows.insert(12, dict(rows[10]))  # the same line twice
    fields = [("line", pa.int64()), ("Amount", pa.decimal128(18, 4)), ("Ship date", pa.timestamp("us"))]
    table = pa.Table.from_pylist(rows)
    for name, kind in fields:
        at = table.column_names.index(name)
        table = table.set_column(at, name, table.column(at).cast(kind))
    return table.sort_by("line")


def files(folder: Path, table: pa.Table) -> tuple[Path, Path]:
    """Return the table as one file, and as a folder of that name whose parts hold its rows in disorder."""
    whole, parts = folder / "file" / "orders.parquet", folder / "folder" / "orders.parquet"
    whole.parent.mkdir()
    parts.mkdir(parents=True)
    pq.write_table(table, whole)
    shuffled = list(range(table.num_rows))
    random.Random(8).shuffle(shuffled)
    for k in range(4):
        pq.write_table(table.take(shuffled[k::4]), parts / f"part-{k}.parquet")
    return whole, parts


def told(found: Read) -> dict[str, Any]:
    """Return the report of a reading without what only names the reader."""
    out = found.report.as_json()
    for file in out["files"]:
        for key in ("sha256", "size_bytes", "format"):
            file.pop(key)
    out["notes"] = [n for n in out["notes"] if "Spark" not in str(n)]
    return out


def same(a: Read, b: Read) -> None:
    assert told(a) == told(b)
    assert a.rejected == b.rejected
    pd.testing.assert_frame_equal(a.lines, b.lines, check_exact=True)


@pytest.mark.parametrize("key", [["line"], []], ids=["by a key", "by all columns"])
def test_a_folder_gives_what_a_file_gives(key: list[str], session: Any, tmp_path: Path) -> None:
    whole, parts = files(tmp_path, orders())  # its first column is the key: all columns order the rows the same way
    by_file = read(whole, tmp_path / "a")
    by_cluster = read(parts.as_uri(), tmp_path / "b", {"inputs": SPARK | {"order_by": key}})
    assert by_file.rejected and by_file.report.notes
    same(by_file, by_cluster)
    assert any("the key “line”" in n.en if key else "all columns" in n.en for n in by_cluster.report.notes)


def test_without_a_key_the_order_is_that_of_all_columns(session: Any, tmp_path: Path) -> None:
    table = orders().drop_columns(["line", "tags"])

    frame = table.to_pandas().sort_values(table.column_names, na_position="first", kind="stable")
    whole, parts = files(tmp_path, pa.Table.from_pandas(frame, table.schema, preserve_index=False))
    same(read(whole, tmp_path / "a"), read(parts.as_uri(), tmp_path / "b", {"inputs": SPARK}))


def test_a_table_and_a_query_give_the_same(session: Any, tmp_path: Path) -> None:
    whole, parts = files(tmp_path, orders(30))
    session.sql("CREATE DATABASE IF NOT EXISTS shop")
    session.read.parquet(parts.as_uri()).write.mode("overwrite").saveAsTable("shop.orders")
    by_file = read(whole, tmp_path / "a")
    settings = {"inputs": SPARK | {"order_by": "LINE"}}
    for n, source in enumerate(("spark:shop.orders", "spark:SELECT * FROM shop.orders")):
        found = read(source, tmp_path / str(n), settings)
        assert found.report.files[0].name == ("spark:shop.orders" if n == 0 else "spark:query")
        assert found.column("order_id") == by_file.column("order_id")
        assert found.column("amount") == by_file.column("amount")
        assert [r["row"] for r in found.rejected] == [r["row"] for r in by_file.rejected]
        assert any("read anew each time" in note.en for note in found.report.notes) == (n == 1)


def test_two_queries_have_names_of_their_own(session: Any, tmp_path: Path) -> None:
    _, parts = files(tmp_path, orders(30))
    session.read.parquet(parts.as_uri()).createOrReplaceTempView("lines_of_two")
    queries = [f"spark:SELECT * FROM lines_of_two WHERE line % 2 = {n}" for n in (0, 1)]
    found = read(queries, tmp_path / "out", {"inputs": SPARK})
    assert [f.name for f in found.report.files] == ["spark:query", "spark:query (2)"]
    assert found.report.rows_read == 31


def test_values_of_every_type_come_as_a_file_gives_them(session: Any) -> None:
    query = (
        "spark:SELECT 1 AS n, 'x' AS t, map(1, 2) AS m, TIMESTAMP'2024-01-02 03:04:05' AS at, 1.50BD AS d, true AS yes, "
        "X'00' AS raw, CAST(NULL AS VOID) AS nothing, 1.5D AS f, DATE'2024-05-06' AS day, '2' AS `a.b`"
    )
    table = spark_table.SparkTable(query, None)
    [batch] = table.batches()
    assert table.columns[-1] == "a.b"
    assert list(batch.to_pylist()[0].values())[:3] == [1, "x", None]
    values = dict(zip(table.columns, batch.to_pylist()[0].values(), strict=True))
    assert values["d"] == Decimal("1.50") and values["yes"] is True and values["f"] == 1.5
    assert values["day"] == dt.date(2024, 5, 6) and values["at"].hour == 3
    assert values["raw"] is None and values["nothing"] is None
    assert table.received_bytes > 0


def test_a_moment_is_read_by_the_clock_of_the_session(session: Any) -> None:
    before = session.conf.get("spark.sql.session.timeZone")
    session.conf.set("spark.sql.session.timeZone", "GMT+3")
    try:
        [batch] = spark_table.SparkTable("spark:SELECT TIMESTAMP'2024-01-01 22:30:00Z' AS at", None).batches()
    finally:
        session.conf.set("spark.sql.session.timeZone", before)
    assert batch.column(0).to_pylist() == [dt.datetime(2024, 1, 2, 1, 30)]


def test_lines_come_partition_by_partition(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_table, "_CELLS", 8_000)
    table = spark_table.SparkTable("spark:SELECT id, id % 7 AS k FROM range(30000)", None, ["k", "id"])
    sizes, seen = [], []
    for batch in table.batches([0, 1]):
        sizes.append(batch.num_rows)
        seen += zip(batch.column(1).to_pylist(), batch.column(0).to_pylist(), strict=True)
    assert len(sizes) >= 7 and max(sizes) < 8_000
    assert seen == sorted(seen) and len(seen) == 30_000
    assert sum(b.num_rows for b in table.batches(first=5)) == 5


def test_a_state_is_read_once(session: Any, tmp_path: Path) -> None:
    _, parts = files(tmp_path, orders(30))
    cache = tmp_path / "cache"
    inputs = file_inputs(str(parts), None, None)
    inputs = replace(inputs, settings=settings_from_mapping({"inputs": SPARK}))
    first = prepare(inputs, cache)
    assert find_prepared(inputs, cache) == first == prepare(inputs, cache)
    assert pq.read_table(first / "lines.parquet").column("source_file")[0].as_py() == "orders.parquet"
    pq.write_table(orders(30).slice(0, 3), parts / "part-9.parquet")
    assert find_prepared(inputs, cache) is None
    assert prepare(inputs, cache) != first
    query = replace(inputs, orders=(f"spark:SELECT * FROM parquet.`{parts.as_posix()}`",))
    assert prepare(query, cache) != prepare(query, cache)


def test_a_folder_that_changes_while_it_is_read_is_refused(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, parts = files(tmp_path, orders(30))
    whole = spark_table.SparkTable.batches

    def meanwhile(self: Any, *args: Any, **options: Any) -> Iterator[pa.RecordBatch]:
        yield from whole(self, *args, **options)
        pq.write_table(orders(3), parts / "part-7.parquet")

    monkeypatch.setattr(spark_table.SparkTable, "batches", meanwhile)
    inputs = Inputs((parts.as_uri(),), None, settings_from_mapping({"inputs": SPARK}))
    with pytest.raises(InputError, match="changed while they were read"):
        prepare(inputs, tmp_path / "cache")


def test_the_session_that_is_there_is_used_and_goes_on(session: Any, tmp_path: Path) -> None:
    held = spark.application("local[2]")
    assert held.session is session and not held.ours
    spark.release()
    assert session.range(3).count() == 3


@pytest.mark.parametrize(
    ("source", "what", "todo"),
    [
        ("spark:nowhere.orders", "no such table", "SHOW TABLES"),
        ("spark:SELECT amunt FROM range(3)", "a column or a function that is not there", "Correct the query"),
        ("spark:SELECT * FRM range(3) GROUP", "cannot parse", "backticks"),
        ("file:///nowhere/at/all", "nothing at this address", "folder of Parquet"),
        ("s3a://key:secret@bucket/orders", "lacks the library hadoop-aws", "hadoop-aws:3"),
        ("gs://bucket/orders", "does not know this storage", "spark.jars.packages"),
        ("hdfs://127.0.0.1:9/orders", "storage does not answer", "Check the address"),
        ("spark:SELECT 1 / (id - id) AS x FROM range(3)", "answered with an error: ", "in Spark itself"),
    ],
)
def test_an_error_of_spark_is_a_sentence(
    source: str, what: str, todo: str, session: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    with pytest.raises(InputError) as error:
        read(source, tmp_path / "out", {"inputs": SPARK})
    said = str(error.value)
    assert what in said and todo in said, said
    assert "secret" not in said and "at org.apache" not in said and "Exception in" not in said
    out = capfd.readouterr()
    assert "org.apache" not in out.err + out.out


def test_what_is_no_parquet_is_said(session: Any, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not Parquet"):
        read(tmp_path.as_uri(), tmp_path / "out", {"inputs": SPARK})


def test_a_key_that_is_no_column_is_asked_for(session: Any, tmp_path: Path) -> None:
    _, parts = files(tmp_path, orders(5))
    with pytest.raises(InputError, match=r"no column “lines”.*“line”"):
        read(parts.as_uri(), tmp_path / "out", {"inputs": SPARK | {"order_by": ["lines"]}})


def test_spark_connect_gives_the_same_lines(tmp_path: Path) -> None:
    """In a process of its own: a session of Connect and a classic one do not stand side by side."""
    pytest.importorskip("grpc", reason="Spark Connect needs grpcio: pip install pyspark[connect]")
    whole, parts = files(tmp_path, orders(60))
    program = f"""
import pyarrow.parquet as pq
from pathlib import Path
from pyspark.sql import SparkSession
from audit.intake.orders import read_orders
from audit.settings import settings_from_mapping
session = SparkSession.builder.remote("local[1]").config("spark.sql.shuffle.partitions", "3").getOrCreate()
out = Path({str(tmp_path)!r})
settings = settings_from_mapping({{"inputs": {{"engine": "spark", "order_by": ["line"]}}}})
read_orders([{parts.as_uri()!r}], settings, None, out / "a")
read_orders([{str(whole)!r}], settings_from_mapping({{}}), None, out / "b")
assert pq.read_table(out / "a/lines.parquet").equals(pq.read_table(out / "b/lines.parquet"))
print("equal")
session.stop()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False, timeout=600
    )
    assert "equal" in done.stdout, done.stderr[-2000:]
