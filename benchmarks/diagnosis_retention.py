"""How often is the audit right about retention? Invented companies whose diseases are known.

    python -m benchmarks.diagnosis_retention [--healthy 100] [--sick 100] [--seed 23] [--jobs 2] [--json OUT]

Healthy companies (all types of sale, seasonal ones included) count false alarms; sick ones, one planted disease of the
chapter each, count recall and precision per finding. The companies go the whole way: files, intake, diagnosis, verdict.
Findings that a disease brings along (``may`` of the sample's truth) count neither for nor against.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from audit.method import method
from audit.samples import generate, write
from audit.samples.population import population
from audit.samples.spec import CompanySpec

CHAPTER = "retention"


@dataclass(frozen=True)
class Outcome:
    """What one company expects of the chapter and what the audit said."""

    spec: CompanySpec
    found: tuple[str, ...]
    may: tuple[str, ...]
    statuses: dict[str, str]


def audit_one(spec: CompanySpec) -> Outcome:
    """Invent a company, write its files, audit the chapter."""
    from audit.run.cases import diagnose_chapter, open_case

    company = generate(spec)
    with tempfile.TemporaryDirectory(prefix="km-bench-", ignore_cleanup_errors=True) as folder:
        root = write(company, Path(folder), orders_format="parquet")
        questionnaire = root / "questionnaire"
        case = open_case(str(root / "orders"), str(questionnaire) if questionnaire.is_dir() else None)
        statuses = {f.id: f.status for f in diagnose_chapter(case, CHAPTER).findings}
        case.close()
    expect = company.truth["expect"]
    return Outcome(spec, tuple(expect["found"]), tuple(expect["may"]), statuses)


@dataclass(frozen=True)
class Score:
    """Counts of one finding over all companies."""

    planted: int
    hit: int
    watched: int
    false_found: int
    healthy: int
    healthy_found: int
    healthy_watched: int
    healthy_unassessed: int

    @property
    def recall(self) -> float | None:
        """Share of planted diseases that were found."""
        return self.hit / self.planted if self.planted else None

    @property
    def precision(self) -> float | None:
        """Share of what was found that was planted (in sick and healthy companies together)."""
        said = self.hit + self.false_found + self.healthy_found
        return self.hit / said if said else None


def score(outcomes: Iterable[Outcome]) -> dict[str, Score]:
    """Count hits and false alarms per finding."""
    done = list(outcomes)
    table = {}
    for spec in method().findings_of(CHAPTER):
        planted = [o.statuses[spec.id] for o in done if spec.id in o.found]
        quiet = [o.statuses[spec.id] for o in done if not o.spec.diseases]
        wrong = [o for o in done if o.spec.diseases and spec.id not in (*o.found, *o.may)]
        table[spec.id] = Score(
            planted=len(planted), hit=planted.count("found"), watched=planted.count("watch"),
            false_found=sum(o.statuses[spec.id] == "found" for o in wrong), healthy=len(quiet),
            healthy_found=quiet.count("found"), healthy_watched=quiet.count("watch"),
            healthy_unassessed=quiet.count("not_assessed"),
        )  # fmt: skip
    return table


def _share(value: float | None) -> str:
    return "    —" if value is None else f"{value:5.3f}"


def main() -> None:
    """Run the populations and print the table and every mistake."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--healthy", type=int, default=100)
    parser.add_argument("--sick", type=int, default=100)
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    specs = [
        *population("healthy", args.healthy, args.seed),
        *population("sick", args.sick, args.seed, chapters=(CHAPTER,)),
    ]
    started = time.perf_counter()
    with ProcessPoolExecutor(args.jobs) as pool:
        outcomes = list(pool.map(audit_one, specs, chunksize=2))
    table = score(outcomes)
    print(f"{len(specs)} companies, {time.perf_counter() - started:.0f} s")
    print(f"{'finding':32}planted recall precision | healthy: found watched not assessed")
    for id, s in table.items():
        print(
            f"{id:32}{s.planted:7d}  {_share(s.recall)}     {_share(s.precision)} | "
            f"{s.healthy_found:14d} {s.healthy_watched:7d} {s.healthy_unassessed:12d}"
        )
    alarmed = sum(not o.spec.diseases and "found" in o.statuses.values() for o in outcomes)
    print(f"healthy companies with any false alarm: {alarmed} of {args.healthy}")
    for o in outcomes:
        for id, status in o.statuses.items():
            if id in o.found and status != "found":
                print(f"missed  {id} ({status}): {o.spec.name}, {o.spec.sale_type}")
            elif status == "found" and id not in o.found and id not in o.may:
                print(f"wrongly {id}: {o.spec.name}, {o.spec.sale_type}")
    if args.json is not None:
        rows = {id: vars(s) | {"recall": s.recall, "precision": s.precision} for id, s in table.items()}
        args.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
