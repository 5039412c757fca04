"""How long a whole audit takes, from files to PDF, and where the time goes.

    python -m benchmarks.run [--lines 1000000] [--repeat 3] [--kernels warm,fresh] [--only sample,lines] [--ydata PYTHON]

Runs ``km-audit run`` on the sample of the first edition and on an invented distributor of a million order lines, each in
a process of its own, and prints wall seconds, CPU seconds of all processes, the largest process and the largest sum over all
processes at once (proportional set size, sampled), and the steps of the run from its manifest. ``--ydata`` names a
Python that has ydata-profiling: its minimal report of the same orders file is timed beside it. Needs Linux.
"""

from __future__ import annotations

import argparse
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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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


def _together_mib(pid: int) -> float:
    total = 0
    for member in _family(pid):
        try:
            text = Path(f"/proc/{member}/smaps_rollup").read_text(encoding="utf-8")
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
    return total / 1024


def measure(command: Sequence[str], env: Mapping[str, str], run: Path | None) -> Measured:
    """Run a command to its end and measure it with everything it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(command, env=dict(env), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    most = 0.0
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.1):
            most = max(most, _together_mib(process.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    _, err = process.communicate()
    wall = time.perf_counter() - started
    done.set()
    watcher.join()
    if process.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command[:6])} ended with {process.returncode}: {err[-400:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    steps = {}
    if run is not None:
        steps = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["timings_seconds"]
    return Measured(wall, cpu, after.ru_maxrss / 1024, most, steps)


def audit(orders: Path, questionnaire: Path | None, out: Path, kernels: str) -> Measured:
    """Measure one audit; no cache of an earlier one is used."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "audit", "run", "--orders", str(orders), "--out", str(out), "--lang", "en"]
    command += ["--questionnaire", str(questionnaire)] if questionnaire is not None else []
    env = kernel_environment() | {"KM_AUDIT_KERNELS": kernels}
    return measure(command, env, out)


def report(title: str, runs: Sequence[Measured]) -> None:
    """Print the medians, and the steps of the middle run."""
    middle = sorted(runs, key=lambda m: m.wall_s)[len(runs) // 2]
    cpu = statistics.median(m.cpu_s for m in runs)
    spread = f"{min(m.wall_s for m in runs):.1f}-{max(m.wall_s for m in runs):.1f}"
    print(
        f"{title}: {middle.wall_s:.1f} s wall ({spread}, {len(runs)} runs), {cpu:.1f} s CPU, "
        f"{max(m.largest_mib for m in runs):.0f} MiB largest process, "
        f"{max(m.together_mib for m in runs):.0f} MiB together"
    )
    if middle.steps:
        print("   " + ", ".join(f"{k} {v:.1f}" for k, v in middle.steps.items()), flush=True)


def lines_file(folder: Path, lines: int) -> Path:
    """Write the invented distributor's orders as CSV, once."""
    target = folder / f"orders_{lines}.csv"
    if not target.exists():
        for k, chunk in enumerate(generate_lines(lines, max(100, lines // 100))):
            chunk.to_csv(target, mode="w" if k == 0 else "a", header=k == 0, index=False)
    return target


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--kernels", default="warm,fresh")
    parser.add_argument("--only", default="sample,lines")
    parser.add_argument("--ydata", default=None, metavar="PYTHON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="km-bench-") as name:
        folder = Path(name)
        sample = folder / FIRST_EDITION.name
        write(generate(FIRST_EDITION), sample, headers="ru")
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start", flush=True)
        for kernels in given.kernels.split(","):
            if "sample" in given.only:
                audit(
                    sample / "orders", sample / "questionnaire", folder / "run", kernels
                )  # not counted: warms the disk
                runs = [
                    audit(sample / "orders", sample / "questionnaire", folder / "run", kernels)
                    for _ in range(given.repeat)
                ]
                report(f"sample, {kernels} kernels", runs)
            if "lines" in given.only and kernels == given.kernels.split(",")[0]:
                orders = lines_file(folder, given.lines)
                report(f"{given.lines:,} lines", [audit(orders, None, folder / "run", kernels)])
                if given.ydata is not None:
                    command = [given.ydata, "-c", PROFILE, str(orders), str(folder / "profile.html")]
                    report("ydata-profiling, minimal", [measure(command, os.environ, None)])


if __name__ == "__main__":
    main()
