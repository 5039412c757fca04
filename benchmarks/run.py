"""How long an audit takes, from files to PDF, beside an earlier state of the kit, and where the time goes.

    python -m benchmarks.run [--base FOLDER] [--pairs 4] [--only run,screen] [--lines 1000000] [--ydata PYTHON]

Everything runs in a process of its own, nothing of an earlier run is used but where the row says so. ``--base``: a checkout
of the state to compare with (``git worktree add FOLDER COMMIT``); the two run in turn, this one first in every second pair.
Printed is a table in Markdown: medians of wall and CPU seconds (of all processes), the median of the pairs' ratios with the
smallest and the largest, the largest process and the largest sum over all at once (proportional set size, sampled); then
the steps of the middle run. ``--ydata`` names a Python that has ydata-profiling: its minimal report of the million lines
is timed beside ours. Needs Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.resources import PACKAGE
from audit.run.kernels import kernel_environment
from tools.samples import CompanySpec, Disease, generate, write
from tools.samples.bulk import generate_lines

FIRST_EDITION = CompanySpec(
    name="khimsnab_first",
    title="ООО «Химснаб-Приречье»",
    sale_type="TC",
    clients=350,
    years=3,
    sellers=5,
    seed=11,
    sector="chemicals",
    season="summer_dip",
    diseases=(
        Disease("roles.km_overload", 0.52),
        Disease("roles.entry_burden", 0.72),
        Disease("retention.leaky_first_purchase", 0.45),
    ),
    overrides=(
        ("leaver", True),
        ("orders_per_year", 7.2),
        ("lines_mean", 1.8),
        ("denied", (4,)),
        ("client_head", False),
        ("even_spans", False),
        ("buying_apart", False),
        ("minutes_per_order", 5),
        ("touches_per_client_month", 1.5),
    ),
)
"""The sample of the first edition: all figures of ``benchmarks/run.md`` are of it, so that editions can be compared."""

PROFILE = """
import sys
import pandas as pd
from ydata_profiling import ProfileReport
ProfileReport(pd.read_csv(sys.argv[1]), minimal=True, progress_bar=False).to_file(sys.argv[2])
"""


@dataclass(frozen=True)
class Measured:
    """One run: wall and CPU seconds, memory in MiB, seconds by step."""

    wall_s: float
    cpu_s: float
    largest_mib: float
    together_mib: float
    steps: Mapping[str, float]


def _family(pid: int) -> list[int]:
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except OSError:
        return []
    return [pid, *(q for p in told for q in _family(int(p)))]


def _mib(member: int, file: str, field: str) -> float:
    """Return a size that the system tells of a process; 0 where the process is gone."""
    try:
        text = Path(f"/proc/{member}/{file}").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(field)), 0.0)


def measure(command: Sequence[str], env: Mapping[str, str], run: Path | None) -> Measured:
    """Run a command to its end and measure it with everything it starts, also what outlives who started it."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans are ours to wait for
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(command, env=dict(env), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    largest = together = 0.0
    done = threading.Event()

    def watch() -> None:
        nonlocal largest, together
        while not done.wait(0.25):
            family = _family(process.pid)
            largest = max(largest, *(_mib(m, "status", "VmHWM:") for m in family), 0)
            together = max(together, sum(_mib(m, "smaps_rollup", "Pss:") for m in family))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    _, err = process.communicate()
    wall = time.perf_counter() - started
    done.set()
    watcher.join()
    if process.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command[:6])} ended with {process.returncode}: {err[-400:]}")
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    steps = {}
    if run is not None:
        steps = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["timings_seconds"]
    return Measured(wall, cpu, largest, together, steps)


@dataclass(frozen=True)
class Job:
    """Something to be measured: its arguments to ``km-audit``; ``fresh``: a folder that has to be gone before."""

    name: str
    arguments: Sequence[str]
    fresh: Path | None = None
    run: Path | None = None
    pairs: int | None = None


def once(job: Job, tree: Path) -> Measured:
    """Measure a job with the kit of a checkout."""
    if job.fresh is not None:
        shutil.rmtree(job.fresh, ignore_errors=True)
    env = kernel_environment() | {"PYTHONPATH": str(tree), "KM_AUDIT_LANG": "en"}
    return measure([sys.executable, "-P", "-m", "audit", *job.arguments], env, job.run)


def report(job: Job, trees: Mapping[str, Path], pairs: int) -> str:
    """Measure a job in turn with each kit and return its rows; the steps of the middle run are printed at once."""
    runs: dict[str, list[Measured]] = {name: [] for name in trees}
    if job.pairs is None:
        for tree in trees.values():  # not counted: warms the disk
            once(job, tree)
    for k in range(job.pairs or pairs):
        for name in list(trees)[:: 1 if k % 2 else -1]:
            runs[name].append(once(job, trees[name]))
    rows = []
    for name, taken in runs.items():
        wall, cpu = (statistics.median(getattr(m, part) for m in taken) for part in ("wall_s", "cpu_s"))
        told = ["", ""]
        if name == "now" and len(trees) > 1:
            for n, part in enumerate(("wall_s", "cpu_s")):
                ratios = [getattr(a, part) / getattr(b, part) for a, b in zip(taken, runs["base"], strict=True)]
                told[n] = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        largest, together = (max(getattr(m, part) for m in taken) for part in ("largest_mib", "together_mib"))
        rows.append(
            f"| {job.name} | {name} | {len(taken)} | {wall:.2f} | {told[0]} | {cpu:.2f} | {told[1]} "
            f"| {largest:.0f} | {together:.0f} |"
        )
        middle = sorted(taken, key=lambda m: m.wall_s)[len(taken) // 2]
        if middle.steps:
            print(f"{job.name}, {name}: " + ", ".join(f"{k} {v:.1f}" for k, v in middle.steps.items()), flush=True)
    return "\n".join(rows)


def lines_file(folder: Path, lines: int) -> Path:
    """Write the invented distributor's orders as CSV, once."""
    target = folder / f"orders_{lines}.csv"
    if not target.exists():
        for k, chunk in enumerate(generate_lines(lines, max(100, lines // 100))):
            chunk.to_csv(target, mode="w" if k == 0 else "a", header=k == 0, index=False)
    return target


def jobs(folder: Path, lines: int, only: Sequence[str]) -> list[Job]:
    """Return what is asked for, its files made below ``folder``."""
    sample = folder / FIRST_EDITION.name
    write(generate(FIRST_EDITION), sample, headers="ru")
    engagement, kept = folder / "engagement", folder / "engagement" / ".km-audit"
    shutil.copytree(sample, engagement)
    named = ["--orders", str(sample / "orders"), "--questionnaire", str(sample / "questionnaire")]
    out, found = folder / "run", str(folder / "findings.json")
    made: dict[str, Callable[[], Job]] = {
        "run": lambda: Job("sample: HTML, PDF, annex", ["run", *named, "--out", str(out)], out, out),
        "screen": lambda: Job("sample: `screen`, nothing kept", ["screen", str(engagement), "--out", found], kept),
        "again": lambda: Job("sample: `screen` once more", ["screen", str(engagement), "--out", found]),
        "start": lambda: Job("`--version`", ["--version"]),
        "help": lambda: Job("`--help`", ["--help"]),
        "lines": lambda: Job(
            f"{lines:,} lines: HTML, PDF, annex",
            ["run", "--orders", str(lines_file(folder, lines)), "--out", str(out)],
            out,
            out,
            pairs=1,
        ),
    }
    unknown = set(only) - set(made)
    if unknown:
        raise SystemExit(f"--only takes {', '.join(made)}; not {', '.join(sorted(unknown))}")
    return [made[name]() for name in only]


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=None, metavar="FOLDER")
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--only", default="run,screen,again,start,help,lines")
    parser.add_argument("--ydata", default=None, metavar="PYTHON")
    given = parser.parse_args()
    trees = {} if given.base is None else {"base": given.base.resolve()}
    trees["now"] = PACKAGE.parent
    with tempfile.TemporaryDirectory(prefix="km-bench-") as name:
        folder = Path(name)
        rows = []
        load = os.getloadavg()[0]
        for job in jobs(folder, given.lines, given.only.split(",")):
            rows.append(report(job, trees, given.pairs))
        if given.ydata is not None:
            command = [given.ydata, "-c", PROFILE, str(lines_file(folder, given.lines)), str(folder / "profile.html")]
            m = measure(command, os.environ, None)
            rows.append(
                f"| {given.lines:,} lines: ydata-profiling, minimal | | 1 | {m.wall_s:.2f} | | {m.cpu_s:.2f} | "
                f"| {m.largest_mib:.0f} | {m.together_mib:.0f} |"
            )
        print(f"\n{os.cpu_count()} processors, load {load:.1f} at the start\n")
        print("| | kit | runs | wall s | ratio | CPU s | ratio | largest MiB | together MiB |")
        print("|---|---|---|---|---|---|---|---|---|")
        print("\n".join(rows))


if __name__ == "__main__":
    main()
