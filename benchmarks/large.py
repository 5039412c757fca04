"""Ten million order lines on one machine: ``km-audit screen`` beside the peers, on the same file, in one go.

    python -m benchmarks.large [--lines 10000000] [--kind lines|clients] [--folder DIR] [--only km-audit,duckdb,…] [--ydata PYTHON]

``--kind lines``: an invented distributor, a hundred lines a client. ``--kind clients``: every client ordered once and 20 000
people sold (``--lines`` clients; five million are the hardest that has been tried). Peers read the file and answer one
question of the many, revenue, order days and last order by client: DuckDB alone, polars, pandas. ``--ydata`` names a Python
that has ydata-profiling; its minimal report is made. A peer that is not installed is named and left out.

Wall and CPU seconds of all processes; memory is the largest sum of the proportional set sizes (PSS) of a command and all
that it started, looked at ten times a second. Needs Linux.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from audit.run.kernels import kernel_environment
from benchmarks.run import PROFILE, lines_file, measure

CHUNK = 500_000
PEOPLE = 20_000

DUCKDB = """
import sys, duckdb
print(duckdb.sql(f"SELECT count(*), sum(revenue), sum(days) FROM (SELECT client_id, sum(amount) AS revenue,"
    f" count(DISTINCT order_date) AS days, max(order_date) AS last FROM read_csv('{sys.argv[1]}') GROUP BY client_id)").fetchall())
"""
POLARS = """
import sys, polars as pl
f = pl.scan_csv(sys.argv[1]).group_by("client_id").agg(
    pl.col("amount").sum(), pl.col("order_date").n_unique().alias("days"), pl.col("order_date").max().alias("last"))
print(f.collect(engine="streaming").shape)
"""
PANDAS = """
import sys, pandas as pd
f = pd.read_csv(sys.argv[1], parse_dates=["order_date"]).groupby("client_id").agg(
    revenue=("amount", "sum"), days=("order_date", "nunique"), last=("order_date", "max"))
print(f.shape)
"""


def clients_file(folder: Path, clients: int) -> Path:
    """Write orders of as many clients, one each, sold by 20 000 people, once."""
    target = folder / f"clients_{clients}.csv"
    if target.exists():
        return target
    rng = np.random.default_rng(5)
    for first in range(0, clients, CHUNK):
        at = np.arange(first, min(clients, first + CHUNK))
        amount = np.round(rng.integers(5_000, 900_000, len(at)) / 100, 2)
        person = rng.integers(0, PEOPLE, len(at))
        pd.DataFrame(
            {
                "order_id": np.char.add("N", at.astype(str)),
                "order_date": np.datetime64("2023-01-01") + rng.integers(0, 1096, len(at)).astype("timedelta64[D]"),
                "client_id": np.char.add("C", np.char.zfill(at.astype(str), 8)),
                "amount": amount,
                "margin": np.round(amount * 0.22, 2),
                "manager": np.char.add("Manager ", np.char.zfill(person.astype(str), 5)),
            }
        ).to_csv(target, mode="a" if first else "w", header=first == 0, index=False)
    return target


def commands(orders: Path, out: Path, ydata: str | None) -> Mapping[str, list[str]]:
    """Return what is measured: name → command."""
    screen = [
        sys.executable,
        "-m",
        "audit",
        "screen",
        "--orders",
        str(orders),
        "--out",
        str(out / "findings.json"),
        "--lang",
        "en",
    ]
    peers = {"duckdb": DUCKDB, "polars": POLARS, "pandas": PANDAS}
    told = {"km-audit": screen} | {name: [sys.executable, "-c", code, str(orders)] for name, code in peers.items()}
    if ydata is not None:
        told["ydata-profiling"] = [ydata, "-c", PROFILE, str(orders), str(out / "profile.html")]
    return told


def _has(command: list[str], package: str) -> bool:
    return subprocess.run([command[0], "-c", f"import {package}"], capture_output=True, check=False).returncode == 0


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--kind", choices=("lines", "clients"), default="lines")
    parser.add_argument("--folder", type=Path, default=None, help="keep the generated file here")
    parser.add_argument("--only", default="km-audit,duckdb,polars,pandas,ydata-profiling")
    parser.add_argument("--ydata", default=None, metavar="PYTHON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="km-bench-") as name:
        folder = given.folder or Path(name)
        orders = (lines_file if given.kind == "lines" else clients_file)(folder, given.lines)
        print(f"{orders.name}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start\n")
        print("| | wall s | CPU s | together MiB |\n|---|---|---|---|", flush=True)
        for title, command in commands(orders, Path(name), given.ydata).items():
            if title not in given.only.split(","):
                continue
            if title != "km-audit" and not _has(command, title.replace("ydata-", "ydata_")):
                print(f"| {title} | not installed | | |", flush=True)
                continue
            m = measure(command, kernel_environment(), None)
            print(f"| {title} | {m.wall_s:.1f} | {m.cpu_s:.1f} | {m.together_mib:.0f} |", flush=True)


if __name__ == "__main__":
    main()
