"""Do intervals and verdicts keep their promise through the product's own path, from files to ``findings.json``?

    python -m benchmarks.verdicts [companies] [seed]        prints one line per world, 15 companies each by default

Every company is a file of orders with a truth set beforehand; it goes the way of ``km-audit screen``. Seeds below
100 were looked at while building; the figures quoted elsewhere are of seed 500.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.chapters import diagnose_chapter
from audit.model.result import Metric
from audit.run.cases import open_inputs
from audit.run.inputs import file_inputs
from benchmarks import second_world
from benchmarks.diagnosis import audit_folder

Floats = NDArray[np.float64]
START = dt.date(2023, 1, 1)


@dataclass(frozen=True)
class Told:
    """What one chapter of the audit says of a company: statuses by finding, metrics by id."""

    statuses: Mapping[str, str]
    metrics: Mapping[str, Metric]


def screened(rows: pd.DataFrame, chapter: str) -> Told:
    """Write orders as a file, read it as ``km-audit screen`` does, and return what one chapter says."""
    with tempfile.TemporaryDirectory(prefix="km-verdicts-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "orders.csv"
        rows.to_csv(path, index=False)
        case = open_inputs(file_inputs(str(path), None, None), Path(folder) / "prepared")
        try:
            view = diagnose_chapter(case, chapter)
            return Told({f.id: f.status for f in view.findings}, view.result.metrics)
        finally:
            case.close()


@dataclass(frozen=True)
class Base:
    """Clients that buy at rhythms of their own, leave at a constant hazard and are replaced at once.

    ``gap``: median gap in days, spread 0.4 on the log between clients; ``loss``: share of clients that leave in a year;
    ``arrivals``: new clients a year beyond those; amounts are log-normal between clients with ``spread``.
    """

    clients: int = 150
    months: int = 36
    gap: float = 30.0
    loss: float = 0.1
    arrivals: float = 0.0
    spread: float = 0.8

    @property
    def days(self) -> int:
        """Length of the file."""
        return (pd.Timestamp(START) + pd.DateOffset(months=self.months) - pd.Timestamp(START)).days

    def draw(self, rng: np.random.Generator) -> pd.DataFrame:
        """Return orders: client_id, order_date, amount."""
        rows: list[tuple[str, int, float]] = []
        number = 0

        def live(begin: float) -> float:
            nonlocal number
            number += 1
            end = begin + (rng.exponential(-365 / np.log(1 - self.loss)) if self.loss > 0 else np.inf)
            usual = self.gap * np.exp(0.4 * rng.normal())
            size = 1000 * rng.lognormal(0.0, self.spread)
            # Somebody there from the beginning is met anywhere in the rhythm; somebody new begins with an order.
            day = begin + (rng.random() * usual if begin <= 0 else 0.0)
            while day < min(end, self.days):
                rows.append((f"c{number:04d}", int(day), size * rng.lognormal(0.0, 0.4)))
                day += max(1.0, usual * np.exp(0.4 * rng.normal() - 0.08))
            return end

        for _ in range(self.clients):
            begin = 0.0
            while begin < self.days:
                begin = live(begin)
        for begin in rng.uniform(1, self.days, rng.poisson(self.arrivals * self.days / 365)):
            live(float(begin))
        return orders(rows)


def orders(rows: list[tuple[str, int, float]]) -> pd.DataFrame:
    """Return rows of client, day and amount as a file of orders that reaches its last day."""
    frame = pd.DataFrame(rows, columns=["client_id", "day", "amount"]).sort_values(["day", "client_id"])
    frame["order_id"] = [f"o{i}" for i in range(len(frame))]
    frame["order_date"] = [(START + dt.timedelta(days=int(d))).isoformat() for d in frame["day"]]
    return frame.drop(columns="day").round({"amount": 2})


def late_company(rng: np.random.Generator, share: float = 0.1, concentration: float = 6.0) -> pd.DataFrame:
    """Return orders of 80 clients whose own late shares are beta distributed round the truth."""
    rows = Base(clients=80, months=24, gap=45.0).draw(rng)
    own = {c: rng.beta(share * concentration, (1 - share) * concentration) for c in sorted(set(rows["client_id"]))}
    late = rng.random(len(rows)) < rows["client_id"].map(own)
    day = pd.to_datetime(rows["order_date"])
    # A promise of the same number of days to everybody would be the system's, and tell nothing.
    extra = np.arange(len(rows)) % 3
    rows["promised_date"] = (day + pd.to_timedelta(5 + extra, unit="D")).dt.date
    shipped = 3 + extra + rng.integers(0, 3, len(rows)) + np.where(late, 4 + rng.integers(0, 5, len(rows)), 0)
    rows["shipped_date"] = (day + pd.to_timedelta(shipped, unit="D")).dt.date
    return rows


def inside(told: Told, id: str, truth: float) -> bool:
    """Whether a metric's interval holds the truth."""
    m = told.metrics[id]
    return m.low is not None and m.high is not None and m.low <= truth <= m.high


def many(make: Callable[[np.random.Generator], pd.DataFrame], chapter: str, companies: int, seed: int) -> list[Told]:
    """Return what a chapter says of many companies."""
    return [screened(make(np.random.default_rng([seed, i])), chapter) for i in range(companies)]


def main(companies: int = 15, seed: int = 500) -> None:
    """Print the table."""
    for loss, months, gap in ((0.26, 36, 30.0), (0.26, 24, 30.0), (0.10, 36, 30.0)):
        world = Base(months=months, gap=gap, loss=loss)
        told = many(world.draw, "retention", companies, seed)
        seen = Counter(t.statuses["retention.revenue_leak"] for t in told)
        share = np.mean([t.metrics["retention.lost_run_rate_share"].value or 0.0 for t in told])
        print(
            f"{loss:.0%} of clients leave a year, {months} months: {dict(seen)}, lost run rate {share:.3f}", flush=True
        )
    told = many(late_company, "service", companies, seed)
    hits = sum(inside(t, "service.late_share", 0.1) for t in told)
    print(f"late share 10 %, clients differ: {hits} of {companies} intervals hold the truth", flush=True)
    healthy = second_world.healthy_worlds(companies, seed)
    counts: Counter[str] = Counter()
    where: Counter[str] = Counter()
    for world in healthy:
        with tempfile.TemporaryDirectory(prefix="km-verdicts-", ignore_cleanup_errors=True) as folder:
            second_world.write(world, Path(folder))
            seen_statuses = audit_folder(Path(folder) / "orders.csv", Path(folder) / "questionnaire")
        counts.update(seen_statuses.values())
        where.update(f"{k} {s}" for k, s in seen_statuses.items() if s in ("found", "watch", "unclear"))
    print(f"{companies} healthy companies: {dict(counts)}", flush=True)
    print("  " + ", ".join(f"{k} {n}" for k, n in where.most_common()), flush=True)


if __name__ == "__main__":
    main(*(int(x) for x in sys.argv[1:3]))
