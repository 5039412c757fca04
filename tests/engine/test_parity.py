"""The very same SQL text on DuckDB and on local Spark gives equal results: exact for counts, dates, text and money."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from audit.chapters import diagnose_chapter
from audit.engine import Engine, open_engine
from audit.engine.base import arrow_to_frame
from audit.model.case import TABLES_IN_ORDER, Case, collapse, open_prepared
from audit.resources import PACKAGE, resource_dir
from audit.run.inputs import Inputs, file_inputs
from audit.run.notebooks import built_chapters
from audit.run.prepare import prepare
from tests.engine.spark_here import NEEDED, small_session
from tools.samples.company import generate
from tools.samples.files import write
from tools.samples.spec import CompanySpec, Disease

pytestmark = NEEDED


@pytest.fixture(scope="module")
def spark() -> Iterator[Engine]:
    session = small_session(spark__sql__shuffle__partitions="1")
    yield open_engine("spark")  # takes the active session
    session.stop()


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
                left[known].to_numpy(float),
                right[known].to_numpy(float),
                rtol=1e-12,
                atol=1e-12,
                err_msg=f"{what}.{column}",
            )


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
    case.engine.query = recorder._query  # type: ignore[method-assign]
    return recorder.seen


def agree(inputs: Inputs, spark: Engine, tmp_path: Path) -> Case:
    """Assert that both engines collapse the lines alike; return the case as DuckDB has it, Spark having it too."""
    prepared = prepare(inputs, tmp_path / "duck")
    other = tmp_path / "spark"
    other.mkdir()
    shutil.copyfile(prepared / "lines.parquet", other / "lines.parquet")
    collapse(spark, other)
    duck = open_engine("duckdb")
    for name in ("lines", *TABLES_IN_ORDER):
        duck.attach(name, prepared / f"{name}.parquet")
        assert_equal(duck._arrow(f"SELECT * FROM {name}"), spark._arrow(f"SELECT * FROM {name}"), name)
    return open_prepared(prepared, inputs.settings, engine=duck)


@pytest.mark.parametrize("sample", ["khimsnab", "veldora_opt", "proekt_inzh"])
def test_the_samples_collapse_alike(sample: str, spark: Engine, tmp_path: Path) -> None:
    folder = resource_dir("data_samples") / sample
    agree(file_inputs(str(folder / "orders"), folder / "questionnaire", None), spark, tmp_path).engine.close()


def test_a_hundred_thousand_lines_collapse_alike(spark: Engine, tmp_path: Path) -> None:
    from tools.samples.bulk import generate_lines

    path = tmp_path / "orders.parquet"
    pd.concat(generate_lines(100_000, 5_000, seed=7)).to_parquet(path)
    agree(file_inputs(str(path), None, None), spark, tmp_path).engine.close()


SMALL = (
    # between them they send every query: a manager who left hands clients over, giants crowd out the others
    CompanySpec(
        name="small",
        clients=60,
        sellers=3,
        seed=5,
        overrides=(("leaver", True),),
        diseases=(Disease("base.indigestion"),),
    ),
    CompanySpec(name="projects", sale_type="C", clients=40, sellers=3, seed=5),
)


def test_every_query_of_every_chapter_agrees(spark: Engine, tmp_path: Path) -> None:
    texts = {p.read_text(encoding="utf-8"): p.stem for p in (PACKAGE / "diagnose" / "sql").glob("*.sql")}
    compared: set[str] = set()
    for spec in SMALL:
        folder = tmp_path / spec.name
        write(generate(spec), folder)
        case = agree(file_inputs(str(folder / "orders"), folder / "questionnaire", None), spark, folder)
        sent = recorded(case)
        assert len(sent) >= len(texts)
        for sql, (template, values) in sent.items():
            if spec is not SMALL[0] and template in compared:
                continue  # the second company is there for what the first does not send
            assert_equal(case.engine._arrow(sql), spark._arrow(spark.render(template, **values)), template[:200])
        compared |= {template for template, _ in sent.values()}
        case.engine.close()
    assert [name for text, name in texts.items() if text not in compared] == [], "queries that no company sends"
