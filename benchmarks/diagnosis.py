"""How often is the audit right? Invented companies of two worlds, all findings judged in every one.

    python -m benchmarks.diagnosis --keep FILE.jsonl [--healthy 100] [--rounds 1] [--seed 7] [--report]

Half of the companies come from the product's own generator (``tools/samples``), half from ``benchmarks.second_world``,
which shares no code with it. The companies go the whole way of ``km-audit screen``: files, intake, all chapters,
verdicts. Every finding is planted once per round by the own generator and twice by the second world, where every fourth
company has two to four diseases. Outcomes are appended to FILE.jsonl as they come; companies already there are not
audited again, and ``--report`` only prints the tables into ``benchmarks/diagnosis.md``.

Counted per finding: planted, hit (``found``), watched, missed; false (``found`` though not planted and not implied by
what is planted) on healthy and on sick companies. What a disease necessarily brings along is declared beforehand, with
the reason, and counts neither for nor against; the last table shows how often it came.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from audit.method import method
from benchmarks import second_world
from tools.samples import generate, write
from tools.samples.population import population
from tools.samples.spec import CompanySpec

REPORT = Path(__file__).with_name("diagnosis.md")
BEGIN, END = "<!-- counted: begin -->", "<!-- counted: end -->"


@dataclass(frozen=True)
class Outcome:
    """What one company expects and what the audit said. ``implied``: finding → why it may come along."""

    name: str
    world: str
    sale_type: str
    clients: int
    planted: tuple[str, ...]
    implied: Mapping[str, str]
    statuses: Mapping[str, str]
    cpu_seconds: float = 0.0


def audit_folder(orders: Path, questionnaire: Path) -> dict[str, str]:
    """Audit files as ``km-audit screen`` does; return the status of every finding."""
    from audit.run.cases import open_inputs
    from audit.run.inputs import file_inputs
    from audit.run.notebook_api import compute_all

    given = str(questionnaire) if questionnaire.is_dir() and any(questionnaire.iterdir()) else None
    case = open_inputs(file_inputs(str(orders), given, None), orders.parent / "prepared")
    try:
        return {f["id"]: f["status"] for f in compute_all(case)["findings"]}
    finally:
        case.close()


def audit_own(spec: CompanySpec) -> Outcome:
    """Invent a company with the product's generator and audit it."""
    company = generate(spec)
    with tempfile.TemporaryDirectory(prefix="km-bench-", ignore_cleanup_errors=True) as folder:
        root = write(company, Path(folder), orders_format="parquet")
        statuses = audit_folder(root / "orders", root / "questionnaire")
    expect = company.truth["expect"]
    implied = dict.fromkeys(expect["may"], "side effect declared by the generator")
    return Outcome(spec.name, "own", spec.sale_type, spec.clients, tuple(expect["found"]), implied, statuses)


def audit_second(world: second_world.World) -> Outcome:
    """Invent a company of the second world and audit it."""
    with tempfile.TemporaryDirectory(prefix="km-bench-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        second_world.write(world, root)
        statuses = audit_folder(root / "orders.csv", root / "questionnaire")
    implied = {f: why for s in world.sick for f, why in second_world.IMPLIED.get(s, {}).items() if f not in world.sick}
    return Outcome(world.name, "second", world.sale_type, world.clients, world.sick, implied, statuses)


def companies(healthy: int, rounds: int, seed: int) -> Iterator[tuple[str, Any]]:
    """Yield (name, specification) of every company, healthy and sick ones of both worlds in turn."""
    findings = len(method().findings)
    own = [*population("healthy", healthy // 2, seed), *population("sick", rounds * findings, seed)]
    second = [
        *second_world.healthy_worlds(healthy - healthy // 2, seed),
        *second_world.sick_worlds(2 * rounds * findings, seed),
    ]
    # In turn, so that a run that is broken off has seen something of everything.
    named: list[list[tuple[str, Any]]] = [
        [(f"second {w.name}", w) for w in second],
        [(f"own {s.name}", s) for s in own],
    ]
    for pair in zip_longest(*(sorted(side, key=lambda x: x[0].split()[-1][-3:]) for side in named)):
        yield from (one for one in pair if one is not None)


def load(path: Path) -> list[Outcome]:
    """Return the outcomes kept in a file, if there is one."""
    if not path.is_file():
        return []
    return [Outcome(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def run(path: Path, healthy: int, rounds: int, seed: int) -> list[Outcome]:
    """Audit every company that the file does not have yet, one after another."""
    done = load(path)
    known = {f"{o.world} {o.name}" for o in done}
    for name, spec in companies(healthy, rounds, seed):
        if name in known:
            continue
        began = time.process_time()
        o = audit_own(spec) if isinstance(spec, CompanySpec) else audit_second(spec)
        o = Outcome(**{**asdict(o), "cpu_seconds": round(time.process_time() - began, 2)})
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(o), ensure_ascii=False) + "\n")
        done.append(o)
        for line in mistakes(o):
            print(line, flush=True)
    return done


AT_MOST_WATCH = ("model.overcapacity",)
"""Questions that are never a problem: watching them is all that an audit can do."""


def reached(finding: str, status: str) -> bool:
    """Whether the verdict on a planted disease is as strong as it can be."""
    return status == "found" or (finding in AT_MOST_WATCH and status == "watch")


def mistakes(o: Outcome) -> list[str]:
    """Return what the audit got wrong about a company."""
    where = f"{o.world} {o.name}, {o.sale_type}, {o.clients} clients, {' + '.join(o.planted) or 'healthy'}"
    missed = [f"missed  {f} ({o.statuses[f]}): {where}" for f in o.planted if not reached(f, o.statuses[f])]
    return missed + [f"wrongly {f}: {where}" for f in wrongly(o)]


def wrongly(o: Outcome) -> list[str]:
    """Return the findings that are found though nothing planted says or implies them."""
    return [f for f, s in o.statuses.items() if s == "found" and f not in o.planted and f not in o.implied]


# --- counting


def wilson_text(hits: int, n: int) -> str:
    """Return a share with its 95 % Wilson limits; a dash where nothing was counted."""
    from audit.stats.intervals import wilson

    if n == 0:
        return "—"
    low, high = wilson(hits, n)
    return f"{hits / n:.2f} ({low:.2f}–{high:.2f})"


def table(outcomes: list[Outcome]) -> list[str]:
    """Return the table per finding: planted, hit, watched, missed, false alarms, recall and precision."""
    lines = [
        "| finding | planted | hit | watch | missed | recall (Wilson 95 %) | found on healthy | watched on healthy | "
        "found on others' | precision (Wilson 95 %) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    total: Counter[str] = Counter()
    healthy = [o for o in outcomes if not o.planted]
    for id in method().findings:
        planted = [o.statuses[id] for o in outcomes if id in o.planted]
        hit = sum(reached(id, s) for s in planted)
        watch = planted.count("watch") if id not in AT_MOST_WATCH else 0
        false_healthy = sum(o.statuses[id] == "found" for o in healthy)
        watched = sum(o.statuses[id] == "watch" for o in healthy)
        false_sick = sum(id in wrongly(o) for o in outcomes if o.planted)
        said = hit + false_healthy + false_sick
        lines.append(
            f"| `{id}` | {len(planted)} | {hit} | {watch} | {len(planted) - hit - watch} | "
            f"{wilson_text(hit, len(planted))} | {false_healthy} of {len(healthy)} | {watched} | {false_sick} | "
            f"{wilson_text(hit, said)} |"
        )
        total.update(planted=len(planted), hit=hit, watch=watch, healthy=false_healthy, sick=false_sick, seen=watched)
    said = total["hit"] + total["healthy"] + total["sick"]
    lines.append(
        f"| **all** | {total['planted']} | {total['hit']} | {total['watch']} | "
        f"{total['planted'] - total['hit'] - total['watch']} | {wilson_text(total['hit'], total['planted'])} | "
        f"{total['healthy']} | {total['seen']} | {total['sick']} | {wilson_text(total['hit'], said)} |"
    )
    return lines


def confusion(outcomes: list[Outcome]) -> list[str]:
    """Return which other findings come with each disease, in companies with that disease alone."""
    lines = ["| disease | companies | comes along (times): implied because | not implied |", "|---|---|---|---|"]
    for id in method().findings:
        mine = [o for o in outcomes if o.planted and o.planted[0] == id and len(o.planted) == 1]
        implied: Counter[str] = Counter()
        other: Counter[str] = Counter()
        why: dict[str, str] = {}
        for o in mine:
            other.update(wrongly(o))
            for f, s in o.statuses.items():
                if s == "found" and f in o.implied:
                    implied[f] += 1
                    why[f] = o.implied[f] if o.world == "second" else why.get(f, o.implied[f])
        if implied or other:
            along = "; ".join(f"`{f}` ({n}): {why[f]}" for f, n in implied.most_common())
            rest = "; ".join(f"`{f}` ({n})" for f, n in other.most_common())
            lines.append(f"| `{id}` | {len(mine)} | {along or '—'} | {rest or '—'} |")
    return lines


def summary(outcomes: list[Outcome]) -> Iterable[str]:
    """Yield the figures by world and the list of mistakes."""
    yield "| world | companies | healthy | with any false finding (Wilson 95 %) | planted | recall | precision |"
    yield "|---|---|---|---|---|---|---|"
    for world in ("own", "second", "both"):
        mine = [o for o in outcomes if world in (o.world, "both")]
        healthy = [o for o in mine if not o.planted]
        alarmed = sum(bool(wrongly(o)) for o in healthy)
        planted = sum(len(o.planted) for o in mine)
        hit = sum(o.statuses[f] == "found" for o in mine for f in o.planted)
        false = sum(len(wrongly(o)) for o in mine)
        yield (
            f"| {world} | {len(mine)} | {len(healthy)} | {alarmed}: {wilson_text(alarmed, len(healthy))} | {planted} | "
            f"{wilson_text(hit, planted)} | {wilson_text(hit, hit + false)} |"
        )
    judged = [s for o in outcomes if not o.planted for s in o.statuses.values() if s != "not_assessed"]
    yield ""
    yield (
        f"Verdicts on healthy companies: {len(judged)}, of them found {judged.count('found')} "
        f"({judged.count('found') / max(len(judged), 1):.2%}), watched {judged.count('watch')} "
        f"({judged.count('watch') / max(len(judged), 1):.1%}). "
        f"CPU per company: {sum(o.cpu_seconds for o in outcomes) / max(len(outcomes), 1):.1f} s."
    )


def report(outcomes: list[Outcome]) -> str:
    """Return the counted part of the report as Markdown."""
    wrong = [f"- {line}" for o in outcomes for line in mistakes(o)]
    return "\n".join(
        [
            *summary(outcomes),
            "",
            "### Per finding",
            "",
            *table(outcomes),
            "",
            "### Every mistake",
            "",
            *(wrong or ["None."]),
            "",
            "### What comes along with a disease",
            "",
            "Companies with one disease only.",
            "",
            *confusion(outcomes),
        ]
    )


def main() -> None:
    """Audit the companies and print the tables into the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--healthy", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--report", action="store_true", help="only print what is kept into the report")
    args = parser.parse_args()
    outcomes = load(args.keep) if args.report else run(args.keep, args.healthy, args.rounds, args.seed)
    text = REPORT.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    REPORT.write_text(f"{head}{BEGIN}\n\n{report(outcomes)}\n\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
