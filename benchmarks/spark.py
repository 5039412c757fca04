"""How long a cluster takes to read orders, by lines and workers, and what comes over the wire: printed as Markdown.

    python -m benchmarks.spark --lines 1000000 5000000 --workers 1 2

Starts a standalone master and workers of one processor each on this computer, under a user who cannot read this user's
folders (root is needed), lays the lines in disorder into a shared folder, and audits them through the cluster and, as one
file in their order, without it. Every figure of findings.json has to be the same; a difference ends the benchmark. Results
and what follows from them are in spark.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from audit.resources import resource_dir
from tools.samples.bulk import write_lines
from tools.spark_cluster import Cluster, standalone

PARTS = 16
TICK = os.sysconf("SC_CLK_TCK")


def lay_out(folder: Path, shared: Path, lines: int) -> tuple[Path, Path]:
    """Write the lines as one file in their order, and as a folder of parts in disorder; return both."""
    import pyarrow as pa

    plain = write_lines(folder / f"{lines}.plain", lines, max(lines // 200, 50))
    whole, parts = folder / f"{lines}" / "orders.parquet", shared / f"{lines}" / "orders.parquet"
    whole.parent.mkdir(exist_ok=True)
    parts.mkdir(parents=True, exist_ok=True)
    source = pq.ParquetFile(plain)
    schema = source.schema_arrow.insert(0, pa.field("line", pa.int64()))
    at = 0
    writers = [pq.ParquetWriter(parts / f"part-{k}.parquet", schema) for k in range(PARTS)]
    with pq.ParquetWriter(whole, schema) as ordered:
        for batch in source.iter_batches(200_000):
            numbers = pa.array(range(at, at + batch.num_rows), pa.int64())
            table = pa.Table.from_arrays([numbers, *batch.columns], schema=schema)
            ordered.write_table(table)
            for k, writer in enumerate(writers):  # neighbours go to different parts
                writer.write_table(table.take(list(range(table.num_rows))[k::PARTS][::-1]))
            at += batch.num_rows
    for writer in writers:
        writer.close()
    plain.unlink()
    return whole, parts


def audited(source: str, engine: str | None) -> dict[str, Any]:
    """Audit in this process and return seconds of each stage, bytes received and the findings."""
    from audit.engine import spark
    from audit.engine.spark_table import SparkTable
    from audit.intake.columnar import ColumnarReader
    from audit.model.case import open_prepared
    from audit.run import prepare as preparing
    from audit.run.inputs import file_inputs, override
    from audit.run.notebook_api import compute_all

    stages: dict[str, float] = {}
    tables: list[SparkTable] = []

    def timed(owner: Any, name: str, stage: str) -> None:
        whole = getattr(owner, name)

        def run(*args: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return whole(*args, **options)
            finally:
                stages[stage] = stages.get(stage, 0.0) + time.perf_counter() - started

        setattr(owner, name, run)

    whole_init = SparkTable.__init__

    def known(self: SparkTable, *args: Any, **options: Any) -> None:
        whole_init(self, *args, **options)
        tables.append(self)

    SparkTable.__init__ = known  # type: ignore[method-assign]
    timed(ColumnarReader, "head", "first rows")
    timed(ColumnarReader, "stage", "sort, send, stage")
    timed(preparing, "read_orders", "reading in all")
    timed(preparing, "collapse", "collapse (DuckDB)")
    inputs = file_inputs(source, None, None)
    settings = {"inputs": {"engine": engine, "order_by": ["line"]}} if engine else {}
    inputs = replace(inputs, settings=override(inputs.settings, settings))
    with tempfile.TemporaryDirectory() as cache:
        if engine:
            timed(spark, "_start", "start of Spark")
        started = time.perf_counter()
        prepared = preparing.prepare(inputs, Path(cache))
        case = open_prepared(prepared, inputs.settings)
        begun = time.perf_counter()
        findings = compute_all(case)
        stages["chapters (DuckDB)"] = time.perf_counter() - begun
        stages["all"] = time.perf_counter() - started
        case.close()
        lines = (prepared / "lines.parquet").stat().st_size
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "stages": stages,
        "cpu": used.ru_utime + used.ru_stime,
        "memory_mib": used.ru_maxrss / 1024,
        "received": sum(t.received_bytes for t in tables),
        "lines_bytes": lines,
        "findings": findings,
    }


def in_child(source: Path, engine: str | None, environment: dict[str, str], out: Path) -> dict[str, Any]:
    """Audit in a process of its own, so that its processor time and memory are its own."""
    command = [sys.executable, "-m", "benchmarks.spark", "--child", str(source), "--out", str(out)]
    if engine:
        command += ["--engine", engine]
    root = str(resource_dir("data_samples").parent)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, cwd=root, env={**os.environ, **environment, "PYTHONPATH": root})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    told["with_java"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return told


def of_workers(cluster: Cluster) -> float:
    """Return the processor seconds of the cluster's processes and of all that they have started and waited for."""
    total = 0
    for pid in cluster.processes:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        total += sum(int(f) for f in fields[11:15])
    return total / TICK


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000_000, 5_000_000, 20_000_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--executor", default="1g", help="memory of an executor")
    parser.add_argument("--child", default=None, help=argparse.SUPPRESS)
    parser.add_argument("--engine", default=None, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        given.out.write_text(json.dumps(audited(given.child, given.engine)), encoding="utf-8")
        return
    with tempfile.TemporaryDirectory(prefix="km-bench-") as name:
        folder = Path(name)
        for workers in given.workers:
            with standalone(workers, executor=given.executor, partitions=16) as cluster:
                for lines in given.lines:
                    whole, parts = lay_out(folder, cluster.shared, lines)
                    print(f"\n## {lines:,} lines, {workers} workers, load {os.getloadavg()[0]:.1f}\n", flush=True)
                    before = of_workers(cluster)
                    by_cluster = in_child(parts, cluster.master, cluster.environment, folder / "cluster.json")
                    time.sleep(5)  # the executor has ended, and its time counts
                    of_cluster = of_workers(cluster) - before
                    by_file = in_child(whole, None, {}, folder / "file.json")
                    assert by_cluster["findings"] == by_file["findings"], "the cluster's audit differs from the file's"
                    _print(by_cluster, by_file, of_cluster)


def _print(by_cluster: dict[str, Any], by_file: dict[str, Any], of_cluster: float) -> None:
    print("| | through the cluster | from one file |\n|---|---|---|")
    for stage in by_cluster["stages"] | by_file["stages"]:
        cells = (f"{told['stages'][stage]:.1f}" if stage in told["stages"] else "–" for told in (by_cluster, by_file))
        print(f"| {stage}, wall s | {' | '.join(cells)} |")
    print(f"| CPU s of Python here | {by_cluster['cpu']:.1f} | {by_file['cpu']:.1f} |")
    print(f"| CPU s here with Java | {by_cluster['with_java']:.1f} | {by_file['with_java']:.1f} |")
    print(f"| CPU s of master and workers | {of_cluster:.1f} | – |")
    print(f"| memory of Python, MiB | {by_cluster['memory_mib']:.0f} | {by_file['memory_mib']:.0f} |")
    print(f"| over the wire, MB | {by_cluster['received'] / 1e6:.1f} | – |")
    print(
        f"| lines.parquet, MB | {by_cluster['lines_bytes'] / 1e6:.1f} | {by_file['lines_bytes'] / 1e6:.1f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
