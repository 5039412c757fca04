"""The very same SQL text on DuckDB and on local Spark gives equal results: exact for counts, dates, text and money."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from audit.engine import Engine, open_engine
from audit.engine.base import arrow_to_frame
from audit.model.case import TABLES_IN_ORDER, Case, collapse, open_prepared
from audit.resources import resource_dir
from audit.run.cases import diagnose_chapter
from audit.run.inputs import Inputs, file_inputs
from audit.run.notebook_api import built_chapters
from audit.run.prepare import prepare

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None, reason="pyspark is not installed: pip install km-audit[spark]"
    ),
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java: Spark needs Java 17"),
]


QUERIES = bool(os.environ.get("KM_AUDIT_SPARK_QUERIES"))
"""The collapse is always compared; every query of every chapter only when asked for: it takes many minutes."""


@pytest.fixture(scope="module")
def spark() -> Iterator[Engine]:
    engine = open_engine("local[2]")
    engine.session.sparkContext.setLogLevel("ERROR")  # type: ignore[attr-defined]
    engine.session.conf.set("spark.sql.shuffle.partitions", "2")  # type: ignore[attr-defined]
    yield engine
    engine.close()


def assert_equal(duck: pa.Table, other: pa.Table, what: str) -> None:
    """Compare as sets of rows; DOUBLE to 1e-12 relative, everything else exactly."""
    assert duck.column_names == other.column_names, what
    assert duck.num_rows == other.num_rows, what
    for field, theirs in zip(duck.schema, other.schema, strict=True):
        if pa.types.is_decimal(field.type):
            assert pa.types.is_decimal(theirs.type) and theirs.type.scale == field.type.scale, f"{what}.{field.name}"
    a, b = arrow_to_frame(duck), arrow_to_frame(other)
    exact = [c for c in a.columns if not pa.types.is_floating(duck.schema.field(c).type)]
    order = exact + [c for c in a.columns if c not in exact]
    a = a.sort_values(order, na_position="last", ignore_index=True)[order]
    b = b.sort_values(order, na_position="last", ignore_index=True)[order]
    for column in order:
        left, right = a[column], b[column]
        assert left.isna().equals(right.isna()), f"{what}.{column}: nulls differ"
        known = left.notna()
        if column in exact:
            assert (left[known].astype(str).to_numpy() == right[known].astype(str).to_numpy()).all() or np.array_equal(
                pd.to_numeric(left[known], errors="coerce"), pd.to_numeric(right[known], errors="coerce")
            ), f"{what}.{column}"
        else:
            np.testing.assert_allclose(
                left[known].to_numpy(float), right[known].to_numpy(float), rtol=1e-12, atol=1e-12,
                err_msg=f"{what}.{column}",
            )  # fmt: skip


class _Recorder:
    """Keep every query that the diagnoses send."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.seen: dict[str, tuple[str, dict[str, Any]]] = {}
        self._query = engine.query
        engine.query = self.query  # type: ignore[method-assign]

    def query(self, template: str, **values: Any) -> pd.DataFrame:
        self.seen.setdefault(self.engine.render(template, **values), (template, values))
        return self._query(template, **values)


def recorded(case: Case) -> dict[str, tuple[str, dict[str, Any]]]:
    recorder = _Recorder(case.engine)
    reopened = open_prepared(case.folder, case.settings, engine=case.engine)
    for chapter in built_chapters():
        diagnose_chapter(reopened, chapter)
    return recorder.seen


def compare(inputs: Inputs, spark: Engine, tmp_path: Path, *, queries: bool) -> int:
    prepared = prepare(inputs, tmp_path / "duck")
    other = tmp_path / "spark"
    other.mkdir()
    shutil.copyfile(prepared / "lines.parquet", other / "lines.parquet")
    collapse(spark, other)
    duck = open_engine("duckdb")
    for name in ("lines", *TABLES_IN_ORDER):
        duck.attach(name, prepared / f"{name}.parquet")
        assert_equal(duck._arrow(f"SELECT * FROM {name}"), spark._arrow(f"SELECT * FROM {name}"), name)
    done = 0
    if queries:
        case = open_prepared(prepared, inputs.settings, engine=duck)
        for sql, (template, values) in recorded(case).items():
            assert_equal(duck._arrow(sql), spark._arrow(spark.render(template, **values)), template[:200])
            done += 1
    duck.close()
    return done


@pytest.mark.parametrize("sample", ["khimsnab", "veldora_opt", "proekt_inzh"])
def test_the_samples_agree(sample: str, spark: Engine, tmp_path: Path) -> None:
    folder = resource_dir("data_samples") / sample
    inputs = file_inputs(str(folder / "orders"), folder / "questionnaire", None)
    done = compare(inputs, spark, tmp_path, queries=QUERIES and sample == "khimsnab")
    assert done >= (5 if QUERIES and sample == "khimsnab" else 0)


def test_a_hundred_thousand_lines_agree(spark: Engine, tmp_path: Path) -> None:
    from audit.samples.bulk import generate_lines

    path = tmp_path / "orders.parquet"
    pd.concat(generate_lines(100_000, 5_000, seed=7)).to_parquet(path)
    assert compare(file_inputs(str(path), None, None), spark, tmp_path, queries=QUERIES) >= (5 if QUERIES else 0)
