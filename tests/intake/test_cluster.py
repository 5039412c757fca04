"""Sources that Spark reads, as far as they can be told without it: names, secrets, states, sentences."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.engine import is_spark, spark, spark_master, spark_table
from audit.engine.spark_errors import shown
from audit.errors import InputError, SettingsError, ToolError, set_language
from audit.intake.cluster import seen_by_cluster, shown_cluster
from audit.intake.databases import is_address, is_cluster, is_elsewhere, redacted
from audit.run.cases import open_inputs
from audit.run.inputs import engagement_inputs, file_inputs
from audit.run.lab import settle_parameters
from audit.run.public import public_settings
from audit.settings import settings_from_mapping
from tests.intake.reading import read, refuses


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


@pytest.mark.parametrize(
    "source",
    [
        "spark:sales.dwh.orders",
        "spark:SELECT a FROM t",
        "s3a://bucket/orders",
        "hdfs://name:8020/orders",
        "abfss://box@account.dfs.core.windows.net/orders",
        "file:///shared/orders",
        "dbfs:/mnt/orders",
    ],
)
def test_what_only_a_cluster_reads(source: str) -> None:
    assert is_cluster(source) and is_elsewhere(source) and not is_address(source)


@pytest.mark.parametrize("source", ["orders/*.csv", "C:\\data\\orders.csv", "/data/s3a/x.parquet", "sparks.csv"])
def test_paths_are_paths(source: str) -> None:
    assert not is_elsewhere(source)


def test_a_database_is_no_cluster() -> None:
    assert is_address("postgresql://host/base#orders") and not is_cluster("postgresql://host/base#orders")


def test_names_say_nothing_of_folders_keys_and_queries() -> None:
    sources = [
        "spark:sales.`order lines`",
        "spark:SELECT secret FROM t",
        "spark: with x as (select 1) select * from x",
        "file:///home/me/client%20A/orders.parquet/",
        "s3a://key:word@bucket/orders/",
        "spark:sales.`order lines`",
    ]
    assert [name for _, name in shown_cluster(sources)] == [
        "spark:sales.order lines",
        "spark:query",
        "spark:query (2)",
        "orders.parquet",
        "s3a://…@bucket/orders",
    ]


KEYED = [
    "s3a://AKIA:pa/s@w@bucket/orders",
    "spark:SELECT * FROM jdbc_read(url => 'x', password => 'pa/s@w')",
    'spark:SELECT * FROM t WHERE "fs.s3a.secret.key" = 1 AND token=pa/s@w',
]


@pytest.mark.parametrize("source", KEYED)
def test_a_key_is_nowhere_to_be_seen(source: str, tmp_path: Path) -> None:
    notebook = tmp_path / "n.ipynb"
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": [f"orders = {json.dumps(source)}\n"]}
    notebook.write_text(json.dumps({"cells": [cell], "metadata": {}}), encoding="utf-8")
    settle_parameters(notebook, {"lang": "en"})
    settings = settings_from_mapping({"inputs": {"orders": [source]}})
    with pytest.raises(SettingsError) as error:
        read(source, tmp_path / "out")
    told = [redacted(source), json.dumps(public_settings(settings)), notebook.read_text("utf-8"), str(error.value)]
    assert not [text for text in told if "pa/s" in text or "s@w" in text]


def test_what_is_no_key_stays() -> None:
    for plain in (
        "spark:sales.dwh.orders",
        "abfss://box@account.dfs.core.windows.net/orders",
        "spark:SELECT a, b FROM t",
    ):
        assert redacted(plain) == shown(plain) == plain


def test_without_spark_as_the_engine_the_line_is_named(tmp_path: Path) -> None:
    with refuses(SettingsError, "Only Spark reads this source"):
        read("spark:sales.orders", tmp_path / "out")


def test_engines_have_names() -> None:
    assert not is_spark("duckdb")
    assert [spark_master(n) for n in ("spark", "local[2]", "spark://h:7077")] == [None, "local[2]", "spark://h:7077"]
    assert all(map(is_spark, ("spark", "local", "local[2]", "yarn", "k8s://h", "spark://h:7077")))
    with pytest.raises(SettingsError, match="Unknown engine"):
        is_spark("polars")


def test_a_folder_of_parquet_is_the_clusters_where_spark_is_the_engine(tmp_path: Path) -> None:
    (parts := tmp_path / "orders.parquet").mkdir()
    (other := tmp_path / "orders").mkdir()
    (tmp_path / "empty").mkdir()
    for place in (parts / "year=2024", other):
        place.mkdir(exist_ok=True)
        pq.write_table(pa.table({"a": [1]}), place / "part-0.parquet")
    (parts / "_SUCCESS").touch()
    (other / "returns.csv").write_text("a\n1\n", encoding="utf-8")
    sources = (str(parts), str(other), str(tmp_path / "empty"), str(other / "part-0.parquet"), "spark:t")
    assert seen_by_cluster(sources, "duckdb") == sources
    assert seen_by_cluster(sources, "spark") == (parts.as_uri(), *sources[1:])


def test_an_engagement_may_have_no_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text(
        '[inputs]\norders = ["spark:sales.orders"]\nengine = "spark"\norder_by = "line_id"\n', encoding="utf-8"
    )
    inputs = engagement_inputs(tmp_path)
    assert inputs.orders == ("spark:sales.orders",) and inputs.settings.inputs.order_by == ("line_id",)


def test_files_of_this_computer_need_no_spark_whatever_the_engine(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("order_id;order_date;client_id;amount\n1;2024-01-01;C;5\n2;2024-02-01;D;6\n", encoding="utf-8")
    settings = settings_from_mapping({"inputs": {"engine": "spark://127.0.0.1:9"}})
    inputs = replace(file_inputs(str(path), None, None), settings=settings)
    case = open_inputs(inputs, tmp_path / "cache")  # as every notebook opens it
    assert case.engine.name == "duckdb" and len(case.clients()) == 2
    case.close()


class _Answer:
    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows

    def select(self, *_: str) -> _Answer:
        return self

    def collect(self) -> list[tuple[Any, ...]]:
        return self.rows


class _Catalogue:
    """Answers what Spark would answer of one table, and keeps what it was asked."""

    def __init__(self, provider: str, **answers: list[tuple[Any, ...]]) -> None:
        about = [("Provider", "a column"), ("", ""), ("# Detailed Table Information", ""), ("Type", "MANAGED")]
        self.answers = {"DESCRIBE TABLE": [*about, ("Provider", provider)], **answers}
        self.asked: list[str] = []

    def sql(self, text: str) -> _Answer:
        self.asked.append(text)
        return _Answer(next(rows for begin, rows in self.answers.items() if text.startswith(begin)))


def test_the_snapshot_of_a_delta_table_is_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = _Catalogue("delta", **{"DESCRIBE DETAIL": [("id-1",)], "DESCRIBE HISTORY": [(17,)]})
    monkeypatch.setattr(spark_table, "application", lambda _: spark.Application(catalogue, ours=False))
    found = spark_table._state("spark:sales.orders", catalogue)
    assert found == spark_table.Snapshot("id-1/17", "delta")
    assert "DESCRIBE HISTORY sales.orders LIMIT 1" in catalogue.asked


def test_the_snapshot_of_an_iceberg_table_is_the_current_one() -> None:
    catalogue = _Catalogue("iceberg", SELECT=[(123456789,)])
    found = spark_table._state("spark:lake.sales.orders", catalogue)
    assert found == spark_table.Snapshot("123456789", "iceberg")
    assert catalogue.asked[-1].startswith("SELECT snapshot_id FROM lake.sales.orders.history")


@pytest.mark.parametrize("source", ["spark:SELECT * FROM sales.orders", "spark:sales.orders"])
def test_queries_and_foreign_tables_keep_no_state(source: str) -> None:
    assert spark_table._state(source, _Catalogue("jdbc")) is None


def test_a_master_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "_PATIENCE", 0.01)
    with pytest.raises(ToolError, match=r"does not answer \(tries: 3\)"):
        spark._knock("spark://127.0.0.1:9,127.0.0.1:10")
    spark._knock("local[2]")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("java.io.FileNotFoundException: File file:/home/me/x.parquet does not exist", "do not see these files"),
        ("java.io.FileNotFoundException: /home/me/x.parquet (Permission denied)", "do not see these files"),
        ("software.amazon.awssdk... Unable to load credentials from any of the providers", "did not let us in"),
        ("org.apache.hadoop.fs.s3a.UnknownStoreException: `s3a://b/': Bucket does not exist", "no such bucket"),
        ("s3a AccessControlException: Permission denied: user=x", "did not let us in"),
        ("java.lang.OutOfMemoryError: Java heap space", "ran out of memory"),
        ("java.io.IOException: No space left on device", "disk of the cluster is full"),
        ("Master removed our application: FAILED", "connection to the Spark cluster broke"),
        ("odd\n\tat a.b.C\nCaused by: java.lang.IllegalStateException: token=abc", "IllegalStateException: token=…"),
    ],
)
def test_what_spark_says_becomes_a_sentence(said: str, sentence: str) -> None:
    pytest.importorskip("pyspark")
    from audit.engine.spark_errors import explained

    source = "s3a://b/orders" if "s3a" in said else "file:///home/me"
    with pytest.raises(InputError) as error, explained(source, None):
        raise RuntimeError(said)
    assert sentence in str(error.value) and "\tat " not in str(error.value)
