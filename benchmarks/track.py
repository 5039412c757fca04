"""When does ``track`` notice a disease that begins in month 18? A company simulated month by month, and the power stated.

Two companies with the same seed, one healthy, one sick, are spliced: of late shipments by the day of the order, of second
purchases by the day of a client's first order. Every month-end from month 12 on is computed as ``track`` would have seen
it then: that month the newest data, the quarter-ends before it the past.

**Power**, from what was planted and the interval of the last month before the onset alone. Late shipments: k months after
the onset k of the 18 + k months of orders are sick, so the share is p(k) = p0 + k / (18 + k) (p1 - p0). Second purchases: a
client falls into the figure with its whole wait, so p(k) is what the estimate at the horizon gives when at each day of
waiting the clients of k months since the onset are mixed with those before it. The test sees the move with a chance of
Phi(|p(k) - p0| / s - 1.96), s the standard error of the difference. The alarm is to come between the first month of chance
5 % and the first of chance 95 %.

The tables by month are of the seed the benchmark was built with; the other seeds were looked at once, when it was done. They
are followed through the quarter-ends before the onset and the twelve month-ends after it. Of each a company that stays
healthy is followed as well: every alarm of it is false.

    python -m benchmarks.track                     # prints benchmarks/track.md
    python -m benchmarks.track --seeds 41 42 43    # the same with other seeds
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import gamma, norm

from audit.model.calendar import add_months
from audit.run.compare import Run
from audit.run.inputs import engagement_inputs
from audit.run.notebook_api import assemble_saved, save_verdicts
from audit.run.past import cut_case, quarter_ends
from audit.run.prepare import prepare
from audit.run.track import Point, track_of
from tools.samples import CompanySpec, generate, write
from tools.samples.traits import healthy

ONSET_MONTH = 18


@dataclass(frozen=True)
class Onset:
    """A disease that begins: its figure and finding, healthy and sick values, whose day decides."""

    metric: str
    finding: str
    chapter: str
    trait: str
    healthy: float
    sick: float
    by_client: bool = False


LATE = Onset("service.late_share", "service.late", "service", "late_share", 0.03, 0.22)
SECOND = Onset(
    "retention.second_purchase_share",
    "retention.leaky_first_purchase",
    "retention",
    "second_purchase",
    0.90,
    0.40,
    by_client=True,
)
SEEDS = (301, 302, 303, 304, 305)
SPEC = CompanySpec(name="onset", title="Onset", clients=320, years=3, seed=22, season="none", tables="none")


def onset_day(spec: CompanySpec = SPEC) -> dt.date:
    """Return the day on which the disease begins: the first of month 19, eighteen whole months in."""
    return add_months(spec.start, ONSET_MONTH)


def simulate(disease: Onset, folder: Path, spec: CompanySpec = SPEC) -> Path:
    """Write the engagement folder of a company that falls ill on `onset_day`."""
    more = (("arrivals_share", 0.9),) if disease.by_client else ()
    well, ill = (
        generate(replace(spec, overrides=(*more, (disease.trait, value)))) for value in (disease.healthy, disease.sick)
    )
    day = onset_day(spec).isoformat()
    if disease.by_client:
        first = well.orders.groupby("client_id")["order_date"].min()
        late = set(first[first >= day].index)
        parts = [well.orders[~well.orders["client_id"].isin(late)], ill.orders[ill.orders["client_id"].isin(late)]]
    else:
        parts = [well.orders[well.orders["order_date"] < day], ill.orders[ill.orders["order_date"] >= day]]
    write(replace(well, orders=pd.concat(parts, ignore_index=True)), folder)
    return folder


def month_ends(spec: CompanySpec = SPEC, since: int = 12) -> list[dt.date]:
    """Return the ends of the months from month ``since`` to the last, all ends of calendar months."""
    return [add_months(spec.start, k) - dt.timedelta(1) for k in range(since, spec.years * 12 + 1)]


def audits(folder: Path, days: Sequence[dt.date], disease: Onset) -> dict[dt.date, Mapping[str, Any]]:
    """Compute findings.json of one chapter as of each day, from the orders up to it."""
    inputs = engagement_inputs(folder)
    prepared = prepare(inputs, folder / ".km-audit" / "prepared")
    out: dict[dt.date, Mapping[str, Any]] = {}
    for day in days:
        stage = Path(tempfile.mkdtemp(prefix="km-audit-"))
        try:
            with cut_case(prepared, day, inputs.settings, stage / "cut") as case:
                save_verdicts(case, [disease.chapter], stage)
                out[day] = assemble_saved(case, stage)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return out


def seen_at(
    now: dt.date, known: Mapping[dt.date, Mapping[str, Any]], disease: Onset
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the row of the figure and of the finding in the track as it was on a day."""
    start = dt.date.fromisoformat(known[now]["period"]["start"])
    past = [d for d in quarter_ends(start, now) if d in known]
    points = [Point("quarter", Run(d.isoformat(), known[d])) for d in past] + [Point("now", Run("now", known[now]))]
    content = track_of(points, frozenset({disease.metric}), frozenset({disease.finding}), "en").content
    row = next((m for m in content["metrics"] if m["id"] == disease.metric), {"move": None})
    return row, next((f for f in content["findings"] if f["id"] == disease.finding), {"status": "not_assessed"})


def expected(disease: Onset, p0: float, months_before: float, k: float) -> float:
    """Return what the figure is to be k months after the onset, ``months_before`` healthy months of it before."""
    if not disease.by_client:
        return p0 + k / (months_before + k) * (disease.sick - p0)
    u = np.arange(1.0, 366.0)
    usual_gap = (
        365.25 / healthy(SPEC).orders_per_year
    )  # tools/samples/buying.py: 12 days and two Erlang steps of 0.45 gaps
    back = gamma.cdf(u, 2, loc=12, scale=0.45 * usual_gap)
    step = np.diff(back, prepend=0.0)
    well, ill = (share * step / (1 - share * (back - step)) for share in (p0, disease.sick))
    waiting = months_before * (1 - p0 * back), np.clip(k - u / 30.44, 0, None) * (1 - disease.sick * back)
    mixed = (waiting[0] * well + waiting[1] * ill) / (waiting[0] + waiting[1])
    return float(1 - np.prod(1 - mixed))


def power(disease: Onset, before: Mapping[str, Any], months_before: float, k: float) -> float:
    """Return the chance that the move is beyond chance k months after the onset; ``before``: the figure before it."""
    p0 = float(before["value"])
    s0 = (float(before["high"]) - float(before["low"])) / 2 / 1.96
    p = expected(disease, p0, months_before, k)
    s = s0 * math.sqrt(p * (1 - p) / (p0 * (1 - p0)) * months_before / (months_before + k))
    return float(norm.cdf(abs(p - p0) / math.hypot(s0, s) - 1.96))


def month_of(disease: Onset, before: Mapping[str, Any], months_before: float, chance: float) -> int | None:
    """Return the first month after the onset at which the power reaches ``chance``; None if not within three years."""
    return next((k for k in range(1, 37) if power(disease, before, months_before, k) >= chance), None)


@dataclass(frozen=True)
class Watched:
    """What track said month by month: one row per month-end, with the power at it; ``alarm`` counts months after the onset."""

    disease: Onset
    rows: tuple[dict[str, Any], ...]
    earliest: int | None
    latest: int | None

    @property
    def before(self) -> int:
        """Month-ends up to the onset at which the figure is called worse: alarms about nothing."""
        return sum(r["verdict"] == "worse" for r in self.rows if r["month"] <= 0)

    @property
    def alarm(self) -> int | None:
        """Months from the onset to the first month-end at which the figure is worse beyond chance; None if never."""
        return next((r["month"] for r in self.rows if r["verdict"] == "worse"), None)


def watch(disease: Onset, folder: Path, days: Sequence[dt.date] | None = None, spec: CompanySpec = SPEC) -> Watched:
    """Simulate the company and follow it through the days given (default: every month-end from the twelfth)."""
    simulate(disease, folder, spec)
    onset = onset_day()
    known = audits(folder, month_ends() if days is None else days, disease)
    last = known[onset - dt.timedelta(1)]
    before = last["metrics"][disease.metric]
    first = dt.date.fromisoformat(last["period"]["new_from" if disease.by_client else "start"])
    ahead = (onset - first).days / 30.44
    rows: list[dict[str, Any]] = []
    for day in known:
        row, finding = seen_at(day, known, disease)
        m, month = known[day]["metrics"][disease.metric], (day.year - onset.year) * 12 + day.month - onset.month + 1
        move = row["move"] or {}
        rows.append(
            {k: m.get(k) for k in ("value", "low", "high")}
            | {"day": day, "month": month, "verdict": move.get("verdict"), "since": move.get("since")}
            | {"delta": [move.get(k) for k in ("delta", "delta_low", "delta_high")], "status": finding["status"]}
            | {"news": bool(finding.get("news")), "power": power(disease, before, ahead, month) if month > 0 else None}
        )
    early, late = (month_of(disease, before, ahead, c) for c in (0.05, 0.95))
    return Watched(disease, tuple(rows), early, late)


def year_after() -> list[dt.date]:
    """Return the quarter-ends up to the onset and the month-ends of the year after it."""
    ends = month_ends()
    before = [d for d in ends if d < onset_day()]
    return [d for d in before if d.month % 3 == 0] + ends[len(before) : len(before) + 12]


def _watched(disease: Onset, seed: int, days: Sequence[dt.date] | None = None) -> Watched:
    folder = Path(tempfile.mkdtemp(prefix="km-audit-"))
    try:
        return watch(disease, folder, days, replace(SPEC, seed=seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _others(disease: Onset, seeds: Sequence[int]) -> None:
    """Print what became of the other seeds: when the alarm came, when it may, and every false one."""
    print("| seed | alarm in month | power allows | before the onset | called worse on the healthy company |")
    print("|---|---|---|---|---|")
    inside = months = wrong = 0
    for seed in seeds:
        sick = _watched(disease, seed, year_after())
        well = _watched(replace(disease, sick=disease.healthy), seed, year_after())
        false = sum(r["verdict"] == "worse" for r in well.rows)
        judged = sum(r["verdict"] in ("worse", "better", "within") for r in well.rows)
        inside += sick.alarm is not None and (sick.earliest or 0) <= sick.alarm <= (sick.latest or 36)
        months, wrong = months + judged, wrong + false
        print(
            f"| {seed} | {sick.alarm or 'none'} | {sick.earliest}–{sick.latest} | {sick.before} | {false} of {judged} ends |",
            flush=True,
        )
    print(
        f"\nIn the months that the power allows: {inside} of {len(seeds)}. On healthy companies {wrong} of {months} month-ends "
        "were called worse (2.5 % are expected of a test at 95 %; neighbouring ends share nearly all orders, so they come in "
        "runs).\n"
    )


def main() -> None:
    """Print benchmarks/track.md."""
    parser = argparse.ArgumentParser(description="Print benchmarks/track.md.")
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS, help="Seeds of the further companies.")
    seeds = parser.parse_args().seeds
    print("# When `track` notices a disease that begins in month 18\n")
    print(
        "Printed by `python -m benchmarks.track`; its docstring says how the company is made and the power computed.\n"
    )
    for disease in (LATE, SECOND):
        print(f"## {disease.metric}: {disease.healthy:.0%} → {disease.sick:.0%} from {onset_day()}\n")
        if seeds:
            _others(disease, seeds)
        done = _watched(disease, SPEC.seed)
        print(
            f"Seed {SPEC.seed}: worse beyond chance first in month **{done.alarm}** after the onset; the power allows month "
            f"{done.earliest} (5 %) to {done.latest} (95 %). Alarms before the onset: {done.before}.\n"
        )
        _table(done)


def _table(done: Watched) -> None:
    print("| month-end | after onset | value (95 %) | against a year before | seen since | check | `--alert` | power |")
    print("|---|---|---|---|---|---|---|---|")
    for r in done.rows:
        if r["value"] is None:
            continue
        delta = "" if r["delta"][1] is None else "{:+.3f} ({:+.3f}…{:+.3f})".format(*r["delta"])
        rings = [name for name, rung in (("worse", r["verdict"] == "worse"), ("found", r["news"])) if rung]
        chance = "" if r["power"] is None else f"{r['power']:.0%}"
        print(
            f"| {r['day']} | {r['month']} | {r['value']:.3f} ({r['low']:.3f}…{r['high']:.3f}) | "
            f"{r['verdict'] or '—'} {delta} | {r['since'] or ''} | {r['status']} | {', '.join(rings)} | {chance} |"
        )
    print()


if __name__ == "__main__":
    main()
