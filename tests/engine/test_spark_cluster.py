"""A real cluster in small: a master and two workers under another user, who cannot read this user's folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.resources import resource_dir
from tests.engine.spark_here import NEEDED
from tools.spark_cluster import Cluster, free_port, other_user_reads, standalone

pytestmark = [
    *NEEDED,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root starts the workers under another user"
    ),
]
ROWS = 4000


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    # A clone below a private home, say /root: workers of another user cannot start Spark from there, and to open the folder
    # to them would undo what is tested. CI's clone is open to all and does not skip.
    if not other_user_reads():
        pytest.skip("the other user cannot read the folder in which pyspark is installed")
    with standalone() as running:
        yield running


def screen(cluster: Cluster, orders: str, engine: str | None, out: Path) -> subprocess.CompletedProcess[str]:
    """Run ``km-audit screen`` as its user would."""
    command = [sys.executable, "-P", "-m", "audit", "screen", "--orders", orders, "--lang", "en", "--out", str(out)]
    if engine is not None:
        command += ["--engine", engine]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env={**os.environ, **cluster.environment, "PYTHONPATH": str(resource_dir("data_samples").parent)},
    )


def sample_lines() -> pa.Table:
    """The first lines of the bundled sample, numbered, as text."""
    from pyarrow import csv

    path = min((resource_dir("data_samples") / "khimsnab" / "orders").glob("*.csv"))
    table = csv.read_csv(path, parse_options=csv.ParseOptions(delimiter=";"))
    table = pa.table(
        [c.cast(pa.string()) for c in table.columns], names=[n.lstrip("\ufeff") for n in table.column_names]
    )
    table = table.slice(0, ROWS)
    return table.add_column(0, "Строка", pa.array(range(table.num_rows), pa.int64()))


def test_the_audit_of_a_cluster_is_that_of_a_file(cluster: Cluster, tmp_path: Path) -> None:
    table = sample_lines()
    pq.write_table(table, tmp_path / "orders.parquet")
    parts = cluster.shared / "orders.parquet"
    parts.mkdir()
    for k in range(3):
        pq.write_table(table.take(list(range(table.num_rows))[k::3]), parts / f"part-{k}.parquet")
    told = {}
    for name, source, engine in (("file", tmp_path / "orders.parquet", None), ("cluster", parts, cluster.master)):
        done = screen(cluster, str(source), engine, tmp_path / f"{name}.json")
        assert done.returncode == 0, done.stderr
        assert "org.apache" not in done.stderr + done.stdout and "WARN" not in done.stderr
        told[name] = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    assert told["cluster"]["data"]["rows_read"] == ROWS
    assert told["cluster"] == told["file"]


def test_files_of_a_private_folder_are_named_and_what_to_give_instead(cluster: Cluster, tmp_path: Path) -> None:
    private = tmp_path / "orders"
    private.mkdir(mode=0o700)
    pq.write_table(sample_lines().slice(0, 20), private / "part-0.parquet")
    done = screen(cluster, str(private), cluster.master, tmp_path / "out.json")
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert "machines of the cluster do not see these files, or may not read them" in said
    assert "a shared folder file:///" in said and "without --engine" in said
    assert "Exception" not in said and "org.apache" not in said


def test_a_master_that_is_not_there_is_said_within_seconds(cluster: Cluster, tmp_path: Path) -> None:
    done = screen(cluster, "spark:shop.orders", f"spark://127.0.0.1:{free_port()}", tmp_path / "out.json")
    assert done.returncode == 1
    assert "does not answer (tries: 3)" in " ".join(done.stderr.split())
