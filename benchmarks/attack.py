"""The standing attack: cases drawn anew every time, read in a child process; what breaks is kept with its files.

    python -m benchmarks.attack --minutes 60 [--seed N] [--keep DIR]

A case is a client's file of any format, whole or damaged, a questionnaire, settings (`tests/attack/cases.py`); what
must hold is in `tests/attack/oracles.py`. The child may die (a crash), take long (60 s of processor time) or grow (2 GB):
all three are failures, and the attack goes on with the next seed. The seed is printed: the same seed draws the same cases.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

HOME = Path(__file__).resolve().parent.parent
SECONDS = 60
"""Processor time of one case."""
STILL = 240
"""Seconds without a word after which the child is taken for hung, on a machine that does other work too."""
MEMORY_BYTES = 2 * 2**30


@dataclass
class Figures:
    """What an attack came to."""

    seed: int
    seconds: float = 0.0
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Cases by kind and end: read, asked, refused, broken."""
    rows: int = 0
    slowest: tuple[float, str] = (0.0, "")
    largest: int = 0
    """Most memory of the child, in bytes."""
    broken: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """All cases."""
        return self.ends.total()


def attack(seconds: float, seed: int | None = None, keep: Path | None = None) -> Figures:
    """Attack for ``seconds``; keep the files of broken cases in ``keep``."""
    figures = Figures(secrets.randbits(32) if seed is None else seed)
    begin = time.monotonic()
    at = 0
    while (left := seconds - (time.monotonic() - begin)) > 0:
        with tempfile.TemporaryDirectory(prefix="km-attack-") as folder:
            _child(figures.seed + at, left, Path(folder), figures, keep)
        at += 1
    figures.seconds = time.monotonic() - begin
    return figures


def _child(seed: int, seconds: float, folder: Path, figures: Figures, keep: Path | None) -> None:
    words = [
        sys.executable,
        "-m",
        "benchmarks.attack",
        "--child",
        str(folder),
        "--seed",
        str(seed),
        "--seconds",
        str(seconds),
    ]
    env = os.environ | {"PYTHONPATH": str(HOME), "TMPDIR": str(folder), "KM_AUDIT_CACHE": str(folder)}
    with (
        (folder / "stderr").open("wb") as err,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=err, cwd=HOME, env=env) as p,
    ):
        lines: Queue[bytes] = Queue()
        assert p.stdout is not None
        threading.Thread(target=_pass_on, args=[p.stdout, lines], daemon=True).start()
        fell = ""
        while not fell:
            try:
                line = lines.get(timeout=STILL)
            except Empty:
                p.kill()
                fell = f"stands still for {STILL} s"
                break
            if not line:
                break
            _count(json.loads(line), folder, figures, keep)
        code = p.wait()
        if fell or code:
            told = (folder / "stderr").read_text(encoding="utf-8", errors="replace")[-400:]
            _broken("process", fell or f"the process ended with {code}: {told}", seed, folder / "case", figures, keep)


def _pass_on(source: IO[bytes], lines: Queue[bytes]) -> None:
    for line in iter(source.readline, b""):
        lines.put(line)
    lines.put(b"")


def _count(told: dict[str, Any], folder: Path, figures: Figures, keep: Path | None) -> None:
    figures.ends[told["kind"], told["end"]] += 1
    figures.rows += told["rows"]
    figures.largest = max(figures.largest, told["memory"])
    figures.slowest = max(figures.slowest, (told["seconds"], told["kind"]))
    if told["broken"]:
        figures.broken.append(f"{told['kind']} ({told['depth']}, seed {told['seed']}): {told['broken']}")
        kept = Path(told["kept"])
        if keep is not None and kept.exists():
            shutil.copytree(kept, keep / kept.name, dirs_exist_ok=True)


def _broken(kind: str, what: str, seed: int, case: Path, figures: Figures, keep: Path | None) -> None:
    figures.ends[kind, "broken"] += 1
    figures.broken.append(f"{kind} (seed {seed}): {what}")
    if keep is not None and case.exists():
        shutil.copytree(case, keep / f"{kind}_{seed}_{figures.cases}", dirs_exist_ok=True)


def _spent() -> float:
    """Return the processor time of this process and of the children it has waited for."""
    import resource

    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def run_child(folder: Path, seed: int, seconds: float) -> None:
    """Draw cases and strike until the time is over; one line of JSON per case."""
    import resource
    import warnings

    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    from audit.errors import set_language
    from tests.attack.cases import Case, cases
    from tests.attack.oracles import DEPTHS, strike

    warnings.simplefilter("error")
    set_language("en")
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    begin = time.monotonic()
    number = largest = 0

    @seeded(seed)
    @settings(
        max_examples=400, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(cases())
    def one(case: Case) -> None:
        nonlocal number, largest
        if time.monotonic() - begin > seconds:
            return
        number += 1
        at = folder / "case"
        shutil.rmtree(at, ignore_errors=True)
        at.mkdir()
        depth = DEPTHS[number % len(DEPTHS)]
        start = _spent()
        verdict = strike(case, at, depth)
        took = _spent() - start
        used = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) * 1024
        grown, largest = used > max(largest, MEMORY_BYTES), max(largest, used)
        broken = verdict.broken or (f"{took:.0f} s" if took > SECONDS else f"{used >> 20} MB" if grown else "")
        kept = folder / f"{case.kind}_{seed}_{number}"
        if broken:
            shutil.copytree(at, kept, dirs_exist_ok=True)
        told = {
            "kind": case.kind,
            "end": "broken" if broken else verdict.end,
            "broken": broken,
            "rows": verdict.rows,
            "seconds": took,
            "memory": used,
            "depth": depth,
            "seed": seed,
            "kept": str(kept),
        }
        print(json.dumps(told), flush=True)

    one()


def table(figures: Figures) -> list[str]:
    """The figures as a table of Markdown."""
    ends = ("read", "asked", "refused", "broken")
    kinds = sorted({k for k, _ in figures.ends})
    out = ["| kind of case | cases | read | asked | refused | broken |", "|---|---:|---:|---:|---:|---:|"]
    for kind in (*kinds, "all"):
        found = [sum(n for (k, e), n in figures.ends.items() if e == end and kind in (k, "all")) for end in ends]
        out.append(f"| {kind} | {sum(found)} | " + " | ".join(map(str, found)) + " |")
    return out


def main() -> int:
    """Run the attack by hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--keep", type=Path, help="where the files of broken cases go")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    seconds = given.seconds if given.seconds is not None else given.minutes * 60
    if given.child is not None:
        run_child(given.child, given.seed, seconds)
        return 0
    figures = attack(seconds, given.seed, given.keep)
    print(f"seed {figures.seed}, {figures.seconds / 60:.1f} minutes")
    print("\n".join(table(figures)))
    print(
        f"rows read {figures.rows}; slowest {figures.slowest[0]:.1f} s ({figures.slowest[1]}); largest {figures.largest >> 20} MB"
    )
    for line in sorted(set(figures.broken)):
        print("BROKEN", line)
    return bool(figures.broken)


if __name__ == "__main__":
    sys.exit(main())
