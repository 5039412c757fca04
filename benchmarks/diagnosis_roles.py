"""How often is the audit right about roles and conveyor? Invented companies whose diseases are known.

    python -m benchmarks.diagnosis_roles [healthy] [sick per finding] [seed] [out.json]

Healthy companies count false alarms, sick ones (one planted disease each) recall and precision, per finding of the
chapters «roles» and «model». The companies go the whole way: files, intake, diagnosis, verdict. Findings that a disease
brings along (``may`` of the sample's truth) count neither for nor against.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from audit.method import method
from audit.samples import generate, write
from audit.samples.population import population
from audit.samples.spec import CompanySpec

CHAPTERS = ("roles", "model")


@dataclass(frozen=True)
class Outcome:
    """What one company expects and what the audit said."""

    spec: CompanySpec
    found: tuple[str, ...]
    may: tuple[str, ...]
    statuses: dict[str, str]


def audit_one(spec: CompanySpec) -> Outcome:
    """Invent a company, write its files, audit the two chapters."""
    from audit.run.cases import diagnose_chapter, open_case

    company = generate(spec)
    with tempfile.TemporaryDirectory(prefix="km-bench-", ignore_cleanup_errors=True) as folder:
        root = write(company, Path(folder), orders_format="parquet")
        questionnaire = root / "questionnaire"
        case = open_case(str(root / "orders"), str(questionnaire) if questionnaire.is_dir() else None)
        statuses = {}
        for chapter in CHAPTERS:
            statuses |= {f.id: f.status for f in diagnose_chapter(case, chapter).findings}
        case.close()
    expect = company.truth["expect"]
    return Outcome(spec, tuple(expect["found"]), tuple(expect["may"]), statuses)


@dataclass
class Score:
    """Counts of one finding over all companies."""

    planted: int = 0
    hit: int = 0
    watched: int = 0
    false_found: int = 0
    healthy: int = 0
    healthy_found: int = 0
    healthy_watched: int = 0

    @property
    def recall(self) -> float:
        return self.hit / self.planted if self.planted else float("nan")

    @property
    def precision(self) -> float:
        said = self.hit + self.false_found + self.healthy_found
        return self.hit / said if said else float("nan")


def score(outcomes: list[Outcome]) -> dict[str, Score]:
    """Count hits and false alarms per finding."""
    table = {f.id: Score() for c in CHAPTERS for f in method().findings_of(c)}
    for o in outcomes:
        healthy = not o.spec.diseases
        for id, s in table.items():
            status = o.statuses[id]
            if id in o.found:
                s.planted += 1
                s.hit += status == "found"
                s.watched += status == "watch"
            elif healthy:
                s.healthy += 1
                s.healthy_found += status == "found"
                s.healthy_watched += status == "watch"
            elif id not in o.may:
                s.false_found += status == "found"
    return table


def main() -> None:
    numbers = [int(a) for a in sys.argv[1:4]]
    healthy, per_finding, seed = (*numbers, *(100, 100, 11)[len(numbers) :])
    findings = [f.id for c in CHAPTERS for f in method().findings_of(c)]
    specs = [
        *population("healthy", healthy, seed),
        *population("sick", per_finding * len(findings), seed, chapters=CHAPTERS),
    ]
    started = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        outcomes = list(pool.map(audit_one, specs, chunksize=4))
    table = score(outcomes)
    print(f"{len(specs)} companies, {time.perf_counter() - started:.0f} s")
    print("finding                     planted recall precision | healthy found watched")
    for id, s in table.items():
        print(
            f"{id:28s}{s.planted:6d} {s.recall:6.3f} {s.precision:9.3f} | "
            f"{s.healthy_found / max(s.healthy, 1):6.3f} {s.healthy_watched / max(s.healthy, 1):6.3f}"
        )
    wrong: Counter[str] = Counter()
    for o in outcomes:
        for id, status in o.statuses.items():
            if id in o.found and status != "found":
                wrong[f"missed   {id} ({status}) in {o.spec.sale_type}"] += 1
            elif id not in o.found and id not in o.may and status == "found":
                planted = o.spec.diseases[0].finding if o.spec.diseases else "healthy"
                wrong[f"wrongly  {id} in {o.spec.sale_type}, {planted}"] += 1
    for line, n in sorted(wrong.items(), key=lambda x: -x[1])[:40]:
        print(f"{n:4d}  {line}")
    if len(sys.argv) > 4:
        rows = {id: vars(s) | {"recall": s.recall, "precision": s.precision} for id, s in table.items()}
        Path(sys.argv[4]).write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
