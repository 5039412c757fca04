"""Do figures, intervals and verdicts mean what they say? Companies of known truth, from files to ``findings.json``.

    python -m benchmarks.verdicts --keep FILE.jsonl [--rows churn late] [--seed 900] [--part 1.0] [--report]

Every company is a file of orders (or a whole engagement) whose truth was set beforehand; it goes the way of
``km-audit screen``. A row prints its lines beside what it should reach; lines are kept in FILE.jsonl, a row that is run
again replaces its own, and ``--report`` only prints what is kept into ``benchmarks/verdicts.md``. ``--part`` takes a part
of the companies of every row. Seeds below 100 were looked at while building; those reported (900 and above) were not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.chapters import diagnose_chapter
from audit.model.result import Metric
from audit.run.cases import open_inputs
from audit.run.inputs import file_inputs
from benchmarks import money, second_world
from benchmarks.diagnosis import Outcome, audit_own, audit_second, wilson_text, wrongly
from benchmarks.intervals import ShakenMarket
from tools.samples.population import population

Floats = NDArray[np.float64]
START = dt.date(2023, 1, 1)
REPORT = Path(__file__).with_name("verdicts.md")
BEGIN, END = "<!-- counted: begin -->", "<!-- counted: end -->"


# --- one company


@dataclass(frozen=True)
class Told:
    """What one chapter of the audit says of a company: statuses by finding, metrics by id, tables by name."""

    statuses: Mapping[str, str]
    metrics: Mapping[str, Metric]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def inside(self, id: str, truth: float) -> bool | None:
        """Whether a metric's interval holds the truth; None where there is none."""
        m = self.metrics[id]
        return None if m.low is None or m.high is None else m.low <= truth <= m.high


def screened(rows: pd.DataFrame, chapter: str) -> Told:
    """Write orders as a file, read it as ``km-audit screen`` does, and return what one chapter says."""
    with tempfile.TemporaryDirectory(prefix="km-verdicts-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "orders.csv"
        rows.to_csv(path, index=False)
        case = open_inputs(file_inputs(str(path), None, None), Path(folder) / "prepared")
        try:
            view = diagnose_chapter(case, chapter)
            return Told({f.id: f.status for f in view.findings}, view.result.metrics, view.result.tables)
        finally:
            case.close()


def orders(rows: Sequence[tuple[Any, ...]], more: Sequence[str] = ()) -> pd.DataFrame:
    """Return rows of client, day, amount and ``more`` as a file of orders, by day."""
    frame = pd.DataFrame(rows, columns=["client_id", "day", "amount", *more]).sort_values(["day", "client_id"])
    frame["order_id"] = [f"o{i}" for i in range(len(frame))]
    frame["order_date"] = [(START + dt.timedelta(days=int(d))).isoformat() for d in frame["day"]]
    return frame.drop(columns="day").round({"amount": 2})


def length(months: int) -> int:
    """Return the days of so many months."""
    return (pd.Timestamp(START) + pd.DateOffset(months=months) - pd.Timestamp(START)).days


def rhythm(rng: np.random.Generator, begin: float, end: float, usual: float, spread: float = 0.4) -> Iterator[float]:
    """Draw a client's days from its first order on: log-normal gaps with the mean ``usual``."""
    day = begin
    while day < end:
        yield day
        day += max(1.0, usual * float(np.exp(spread * rng.normal() - spread**2 / 2)))


@dataclass(frozen=True)
class Base:
    """Clients that buy at rhythms of their own, leave at a constant hazard and are replaced at once.

    ``gap``: median gap in days, spread 0.4 on the log between clients; ``loss``: share of clients that leave in a year;
    amounts are log-normal between clients with ``spread``.
    """

    clients: int = 150
    months: int = 36
    gap: float = 30.0
    loss: float = 0.1
    spread: float = 0.8

    def draw(self, rng: np.random.Generator) -> tuple[pd.DataFrame, float]:
        """Return the orders, and the true share of the yearly rate that the earlier year's regular clients took away.

        Regular: two order days in the file and one in the earlier year; gone: left before the last year.
        """
        days, rows = length(self.months), []
        last_year = days - 365
        gone = all_ = 0.0
        number = 0
        for _ in range(self.clients):
            begin = 0.0
            while begin < days:
                number += 1
                end = begin + (rng.exponential(-365 / np.log(1 - self.loss)) if self.loss > 0 else np.inf)
                usual = self.gap * float(np.exp(0.4 * rng.normal()))
                size = 1000 * rng.lognormal(0.0, self.spread)
                # Somebody there from the beginning is met anywhere in the rhythm; somebody new begins with an order.
                first = begin + (rng.random() * usual if begin <= 0 else 0.0)
                bought = [int(d) for d in rhythm(rng, first, min(end, days), usual)]
                rows += [(f"c{number:04d}", d, size * rng.lognormal(-0.08, 0.4)) for d in bought]
                if len(set(bought)) > 1 and any(last_year - 365 <= d < last_year for d in bought):
                    all_ += size / usual
                    gone += size / usual * (bought[-1] < last_year and end < days)
                begin = end
        return orders(rows), gone / all_


def of_many(make: Callable[[np.random.Generator], pd.DataFrame], chapter: str, n: int, seed: int) -> list[Told]:
    """Return what a chapter says of many companies."""
    return [screened(make(np.random.default_rng([seed, i])), chapter) for i in range(n)]


# --- the table


@dataclass(frozen=True)
class Line:
    """One line of the table; ``kept`` tells whether the target was reached."""

    row: str
    what: str
    target: str
    said: str
    kept: bool


def share_line(row: str, what: str, target: str, hits: Sequence[bool | None], least: float, most: float = 1.0) -> Line:
    """Return a line on a share of companies, which should lie between two limits."""
    known = [h for h in hits if h is not None]
    text = f"{sum(known)} of {len(known)}: {wilson_text(sum(known), len(known))}"
    share = sum(known) / max(len(known), 1)
    return Line(row, what, target, text, bool(known) and least - 1e-9 <= share <= most + 1e-9)


def headline(n: int, seed: int) -> Iterator[Line]:
    """One disease: new clients leak. Its price against the truth, and its verdict."""
    worth = money.worth_of_second()
    gains = [money.gain_of(seed * 1000 + i, worth) for i in range(n)]
    priced = [g for g in gains if g.low is not None and g.high is not None and g.base is not None]
    hits = [g.low <= g.truth <= g.high for g in priced if g.low is not None and g.high is not None]
    ratio = float(np.median([g.base / g.truth for g in priced if g.base is not None]))
    yield share_line("headline", "one disease: true gain inside P10–P90", "≥ 75 %", hits, 0.75)
    yield Line("headline", "… median of P50 ÷ truth", "0.7–1.4", f"{ratio:.2f}", 0.7 <= ratio <= 1.4)
    alone = [g.alone for g in priced]
    yield share_line("headline", "… a finding alone equals its headline", "all", alone, 1.0)
    found = [g.status == "found" for g in gains]
    yield share_line("headline", "leak: 45 % of about 150 new clients buy again: found", "100 %", found, 1.0)


def late_company(rng: np.random.Generator, share: float = 0.1) -> pd.DataFrame:
    """Return orders of 80 clients whose own late shares are beta distributed round the truth (concentration 5–8)."""
    concentration = rng.uniform(5.0, 8.0)
    rows, _ = Base(clients=80, months=24, gap=45.0).draw(rng)
    own = {c: rng.beta(share * concentration, (1 - share) * concentration) for c in sorted(set(rows["client_id"]))}
    late = rng.random(len(rows)) < rows["client_id"].map(own)
    day = pd.to_datetime(rows["order_date"])
    # A promise of the same number of days to everybody would be the system's, and tell nothing.
    extra = np.arange(len(rows)) % 3
    rows["promised_date"] = (day + pd.to_timedelta(5 + extra, unit="D")).dt.date
    shipped = 3 + extra + rng.integers(0, 3, len(rows)) + np.where(late, 4 + rng.integers(0, 5, len(rows)), 0)
    rows["shipped_date"] = (day + pd.to_timedelta(shipped, unit="D")).dt.date
    return rows


def late(n: int, seed: int) -> Iterator[Line]:
    """Late shares of clients that differ."""
    told = of_many(late_company, "service", n, seed)
    hits = [t.inside("service.late_share", 0.1) for t in told]
    yield share_line("late", "late share 10 %, clients differ: interval holds it", "≥ 85 %", hits, 0.85)


def leavers(rng: np.random.Generator, clients: int, spread: float, share: float) -> pd.DataFrame:
    """Return two years of clients that buy monthly; each leaves in the first year with chance ``share``."""
    rows: list[tuple[str, int, float]] = []
    for c in range(clients):
        usual, size = 25 * float(np.exp(0.2 * rng.normal())), 1000 * rng.lognormal(0.0, spread)
        end = rng.uniform(60, 365) if rng.random() < share else 731.0
        bought = rhythm(rng, rng.random() * usual, min(end, 731.0), usual)
        rows += [(f"c{c:04d}", int(d), size * rng.lognormal(-0.08, 0.4)) for d in bought]
    return orders(rows)


def revenue(n: int, seed: int) -> Iterator[Line]:
    """Shares of a revenue that clients share very unequally; who leaves is drawn without regard to size."""
    hits, above, truth = [], [], 0.2
    for i in range(n):
        rng = np.random.default_rng([seed, 30, i])
        told = screened(leavers(rng, (60, 120, 180, 250)[i % 4], (0.8, 1.2, 1.6, 2.0)[i // 4 % 4], truth), "retention")
        m = told.metrics["retention.lost_run_rate_share"]
        hits.append(told.inside(m.id, truth))
        above.append(m.high is not None and m.high < truth)
    yield share_line("revenue", "share of revenue 20 %, log-sd 0.8–2.0, 60–250 clients", "93–97 %", hits, 0.9)
    yield share_line("revenue", "… truth above the interval", "≤ 4 %", above, 0.0, 0.05)


def rare_buyers(rng: np.random.Generator, share: float) -> pd.DataFrame:
    """Return three years of clients with a median gap of 110 days; ``share`` of the new ones buy again in a year."""
    days, rows = length(36), []

    def add(client: str, begin: float, size: float, usual: float) -> None:
        end = begin + rng.exponential(2500.0)
        for d in rhythm(rng, begin, min(end, days), usual, 0.5):
            if d >= 0:
                rows.append((client, int(d), size * rng.lognormal(-0.08, 0.4)))

    for c in range(150):
        usual = 110 * float(np.exp(0.3 * rng.normal()))
        add(f"old{c:03d}", -float(rng.uniform(0, 400)), 1000 * rng.lognormal(0.0, 0.8), usual)
    for c in range(rng.poisson(80 * days / 365)):
        begin, size = float(rng.uniform(0, days)), 1000 * rng.lognormal(0.0, 0.8)
        rows.append((f"new{c:03d}", int(begin), size))
        if rng.random() < share:
            usual = 110 * float(np.exp(0.3 * rng.normal()))
            add(f"new{c:03d}", begin + min(usual * float(np.exp(0.5 * rng.normal())), 360.0), size, usual)
    return orders([r for r in rows if r[1] < days])


def second(n: int, seed: int) -> Iterator[Line]:
    """Second purchase among rare buyers: the old ones among the «new» must not gild it in silence."""
    truth = 0.6
    told = of_many(lambda rng: rare_buyers(rng, truth), "retention", n, seed)
    id = "retention.second_purchase_share"
    judged = [t for t in told if t.statuses["retention.leaky_first_purchase"] in ("found", "watch", "clear")]
    off = [t.metrics[id].value - truth for t in judged if t.metrics[id].value is not None]  # type: ignore[operator]
    bias = float(np.mean(off)) if off else 0.0
    kinds = Counter(t.statuses["retention.leaky_first_purchase"] for t in told)
    text = f"{100 * bias:+.1f} pp in {len(off)} judged, held back in {n - len(judged)} ({_counts(kinds)})"
    yield Line("second", "second purchase, median gap 110 d: bias", "≤ 3 pp or held back", text, abs(bias) <= 0.03)
    clear = [s == "clear" for s in (t.statuses["retention.leaky_first_purchase"] for t in told)]
    yield share_line("second", "… 60 % where 67 % is the norm called clear", "none", clear, 0.0, 0.05)


def churn(n: int, seed: int) -> Iterator[Line]:
    """Clients that leave at a constant rate: is it told, and as what it is?"""
    for loss, months, gap, companies in (
        (0.26, 36, 30.0, n),
        (0.26, 24, 30.0, n),
        (0.26, 24, 45.0, n),
        (0.10, 36, 30.0, 8 * n // 3),
    ):
        seen, said, true, alarms = [], [], [], Counter[str]()
        for i in range(companies):
            rows, truth = Base(months=months, gap=gap, loss=loss).draw(np.random.default_rng([seed, i]))
            told = screened(rows, "retention")
            seen.append(told.statuses["retention.revenue_leak"])
            alarms.update(f for f, s in told.statuses.items() if s == "found" and f != "retention.revenue_leak")
            said.append(told.metrics["retention.lost_run_rate_share"].value or 0.0)
            true.append(truth)
        name = f"{loss:.0%} of 150 clients leave a year, {months} months, gap {gap:.0f} d"
        hits = [s == "found" for s in seen]
        if loss > 0.2:
            yield share_line("churn", f"{name}: `revenue_leak` found", "≥ 12 of 15", hits, 0.8)
        else:
            yield share_line("churn", f"{name}: `revenue_leak` found", "≤ 1 of 40", hits, 0.0, 1 / 40)
            yield Line("churn", "… all verdicts on the leak", "", _counts(Counter(seen)), True)
        bias = float(np.mean(said) - np.mean(true))
        text = f"{np.mean(said):.3f} told, {np.mean(true):.3f} true of that year's clients"
        yield Line("churn", "… lost run rate", "bias ≤ 1.5 pp", text, abs(bias) <= 0.015)
        if alarms:
            yield Line("churn", "… other findings found", "", _counts(alarms), True)


def sleepers(n: int, seed: int) -> Iterator[Line]:
    """Sleepers that return by themselves, against what they truly do in the year that the audit does not see."""
    seen = np.array([money.returns_of(seed * 1000 + i) for i in range(n)])
    known = ~np.isnan(seen[:, 0]) & ~np.isnan(seen[:, 1])
    own, true = seen[known, 0].mean(), seen[known, 1].mean()
    off = (seen[known, 0] - seen[known, 1]).std(ddof=1) / np.sqrt(known.sum())
    text = (
        f"{own:.3f} told, {true:.3f} true ± {off:.3f} ({known.sum()} companies, {seen[:, 2].mean():.0f} sleepers each)"
    )
    yield Line("sleepers", "own return ρ of sleepers, healthy", "within .05", text, bool(abs(own - true) <= 0.05))


class Market(ShakenMarket):
    """The market of `benchmarks.intervals`, with orders of days and clients instead of its trends."""

    def sales(self, rng: np.random.Generator) -> pd.DataFrame:
        """Return the orders."""
        month = np.arange(self.months)
        pace = np.exp(np.log1p(self.orders) * month / 12 + self.market(rng))
        price = np.exp(np.log1p(self.ticket) * month / 12 + self.market(rng))
        rate = rng.gamma(2.0, 0.75, self.clients)[:, None] * (1 + 0.25 * np.sin(2 * np.pi * month / 12)) * pace
        size = 1000 * rng.lognormal(0.0, 0.8, self.clients)
        first = [length(m) for m in range(self.months + 1)]
        rows = []
        for c, m in zip(*np.nonzero(number := rng.poisson(rate)), strict=True):
            for day in rng.integers(first[m], first[m + 1], number[c, m]):
                rows.append((f"c{c:04d}", int(day), size[c] * price[m] * rng.lognormal(-0.125, 0.5)))
        return orders(rows)


def slowing(rng: np.random.Generator, clients: int = 200, change: float = -0.12) -> pd.DataFrame:
    """Return three years of clients that stay and keep a rhythm of 30 days, which grows slower by so much a year."""
    days, rows = length(36), []
    for c in range(clients):
        usual, size = 30 * float(np.exp(0.4 * rng.normal())), 1000 * rng.lognormal(0.0, 0.8)
        day = rng.random() * usual
        while day < days:
            rows.append((f"c{c:04d}", int(day), size * rng.lognormal(-0.08, 0.4)))
            day += max(1.0, usual * (1 + change) ** (-day / 365) * float(np.exp(0.4 * rng.normal() - 0.08)))
    return orders(rows)


TRENDS = {
    "retention.active_clients_trend": "retention.base_shrinking",
    "retention.ticket_trend": "retention.ticket_decline",
    "retention.frequency_trend": "retention.frequency_decline",
}


def trends(n: int, seed: int) -> Iterator[Line]:
    """Trends in a market that shakes, where nothing declines, and where something does."""
    for months in (24, 36):
        told = of_many(Market(months=months).sales, "retention", n, seed + months)
        hits = [t.inside(m, 0.0) for t in told for m in TRENDS]
        yield share_line("trends", f"no trend, shock of 10 %, {months} months: interval holds it", "≥ 90 %", hits, 0.9)
        false = [t.statuses[f] == "found" for t in told for f in TRENDS.values()]
        yield share_line("trends", "… falsely found", "≤ 2.5 %", false, 0.0, 0.025)
    told = of_many(Market(months=24, orders=0.0, ticket=-0.05).sales, "retention", n, seed + 1)
    hits = [t.statuses["retention.ticket_decline"] == "found" for t in told]
    yield share_line("trends", "ticket exactly −5 %, same shock, 24 months: found", "≤ 7 %", hits, 0.0, 0.07)
    told = of_many(Market(ticket=-0.25).sales, "retention", n, seed + 2)
    hits = [t.statuses["retention.ticket_decline"] == "found" for t in told]
    yield share_line("trends", "ticket −25 % a year, same shock, 36 months: found", "≥ 80 %", hits, 0.8)
    told = of_many(slowing, "retention", n, seed + 3)
    hits = [t.statuses["retention.frequency_decline"] == "found" for t in told]
    yield share_line("trends", "frequency −12 % a year, 200 clients, steady market: found", "≥ 60 %", hits, 0.6)
    told = of_many(Market(clients=200, shock=0.0, orders=-0.12).sales, "retention", n, seed + 3)
    both = ("retention.frequency_decline", "retention.base_shrinking")
    hits = [any(t.statuses[f] in ("found", "watch") for f in both) for t in told]
    yield share_line("trends", "… the same without any rhythm: frequency or base watched or found", "", hits, 0.0)


def books(rng: np.random.Generator, sizes: Sequence[int], chances: Floats) -> pd.DataFrame:
    """Return two years of managers' clients; each leaves between the years with its manager's chance."""
    rows: list[tuple[str, int, float, str]] = []
    for m, (size, chance) in enumerate(zip(sizes, chances, strict=True)):
        for c in range(size):
            end = rng.uniform(200, 365) if rng.random() < chance else 731.0
            usual, worth = 40 * float(np.exp(0.3 * rng.normal())), 1000 * rng.lognormal(0.0, 0.8)
            bought = rhythm(rng, rng.random() * usual, min(end, 731.0), usual)
            rows += [(f"m{m:02d}c{c:03d}", int(d), worth * rng.lognormal(-0.08, 0.4), f"Manager {m}") for d in bought]
    return orders(rows, ["manager"])


def managers(n: int, seed: int) -> Iterator[Line]:
    """Managers that differ by their clients only, and one who truly loses three times as many."""
    id = "retention.manager_outlier"
    for count in (8, 20):

        def alike(rng: np.random.Generator, count: int = count) -> pd.DataFrame:
            odds = 0.25 * np.exp(0.5 * rng.normal(size=count))
            return books(rng, [int(x) for x in rng.integers(20, 81, count)], odds / (1 + odds))

        told = of_many(alike, "retention", n, seed + count)
        hits = [t.statuses[id] == "found" for t in told]
        yield share_line(
            "managers", f"{count} managers that differ by their clients only: any found", "≤ 5 %", hits, 0, 0.05
        )

    def outlier(rng: np.random.Generator) -> pd.DataFrame:
        return books(rng, [50] * 8, np.array([0.6] + [0.2] * 7))

    told = of_many(outlier, "retention", n, seed)
    hits = [t.statuses[id] == "found" for t in told]
    yield share_line("managers", "one of 8 loses three times 20 %, 50 clients each: found", "≥ 70 %", hits, 0.7)


def crossing(n: int, seed: int) -> Iterator[Line]:
    """Is a client on its usual rhythm «late» one time in ten? The gap going on at the end of the file, known here."""
    beyond: dict[str, list[bool]] = {"1–3": [], "4–7": [], "8–12": [], "13+": [], "ten gaps after slowing": []}
    for i in range(n):
        rng = np.random.default_rng([seed, 60, i])
        usual = 25 * np.exp(0.6 * rng.normal(size=400))
        known = rng.integers(1, 26, 400)
        slowed = rng.random(400) < 0.3
        rows, following = [], {}
        for c in range(400):
            # The file ends with the last known order of every client; the next gap is kept apart.
            slow = np.arange(known[c] + 1) >= known[c] - 10 if slowed[c] and known[c] >= 14 else np.zeros(known[c] + 1)
            gaps = np.maximum(1, np.rint(usual[c] * (1 + slow) * np.exp(0.5 * rng.normal(size=known[c] + 1))))
            day = length(36) - 1 - int(rng.integers(0, 20))
            name = f"c{c:04d}"
            following[name] = (float(gaps[-1]), bool(slow[-1]))
            for gap in [0.0, *gaps[-2::-1]]:
                day -= int(gap)
                rows.append((name, day, 1000.0))
        told = screened(orders([r for r in rows if r[1] >= 0]), "retention")
        for r in told.tables["rhythm"].to_dict("records"):
            gap, slow_now = following[str(r["client_key"])]
            have = int(r["gaps"])
            band = "1–3" if have < 4 else "4–7" if have < 8 else "8–12" if have < 13 else "13+"
            beyond["ten gaps after slowing" if slow_now else band].append(gap > float(r["p90_gap_days"]))
    steady = [x for name, part in beyond.items() if name != "ten gaps after slowing" for x in part]
    yield share_line("crossing", "next gap beyond «late», all on their rhythm", "8–12 %", steady, 0.08, 0.12)
    for name, part in beyond.items():
        slow = name == "ten gaps after slowing"
        what = f"… {name}" if slow else f"… {name} gaps known"
        limits = (0.08, 0.12) if slow else (0.07, 0.14)
        yield share_line("crossing", what, "8–12 %" if slow else "7–14 %", part, *limits)


def handed(rng: np.random.Generator, effect: float, clients: int = 126) -> pd.DataFrame:
    """Return three years of five managers; one leaves 14 months before the end, his clients buy so much less."""
    days, rows = length(36), []
    moved = days - 426
    sizes = [clients, 100, 100, 100, 100]
    for m, size in enumerate(sizes):
        for c in range(size):
            usual, worth = 30 * float(np.exp(0.4 * rng.normal())), 1000 * rng.lognormal(0.0, 0.6)
            end = rng.exponential(-365 / np.log(0.9))
            end = end if end < days else days
            # Half of the loss are clients that leave, the other half orders that grow rarer.
            gone = m == 0 and rng.random() < effect / 2
            slower = 1 / (1 - effect / 2 / (1 - effect / 2)) if m == 0 else 1.0
            day = rng.random() * usual
            while day < end and not (gone and day >= moved):
                who = f"Manager {m}" if m or day < moved else f"Manager {1 + c % 4}"
                rows.append((f"m{m}c{c:03d}", int(day), worth * rng.lognormal(-0.08, 0.4), who))
                pace = slower if day >= moved else 1.0
                day += max(1.0, pace * usual * float(np.exp(0.4 * rng.normal() - 0.08)))
    return orders(rows, ["manager"])


def handover(n: int, seed: int) -> Iterator[Line]:
    """A book of 126 clients handed over, with and without a loss."""
    id = "ownership.handover_loss"
    for effect in (0.3, 0.0):
        told = of_many(lambda rng, e=effect: handed(rng, e), "ownership", n, seed)  # type: ignore[misc]
        seen = Counter(t.statuses[id] for t in told)
        hits = [t.statuses[id] == "found" for t in told]
        values = [v for t in told if (v := t.metrics["ownership.departure_effect"].value) is not None]
        text = f", effect {np.mean(values):+.3f}" if values else ""
        target, limits = ("≥ 60 %", (0.6, 1.0)) if effect else ("≤ 5 %", (0.0, 0.05))
        line = share_line("handover", f"hand-over of 126 clients, −{effect:.0%}: found", target, hits, *limits)
        yield replace(line, said=f"{line.said}{text} ({_counts(seen)})")


def healthy(n: int, seed: int) -> Iterator[Line]:
    """Healthy companies of both worlds, all findings judged."""
    done: list[Outcome] = [audit_second(w) for w in second_world.healthy_worlds(n, seed)]
    done += [audit_own(s) for s in population("healthy", n // 2, seed)]
    false = [bool(wrongly(o)) for o in done]
    yield share_line("healthy", "healthy companies with anything falsely found", "≤ 2 %", false, 0.0, 0.02)
    where = Counter(f for o in done for f in wrongly(o))
    if where:
        yield Line("healthy", "… which", "", _counts(where), True)
    for status, target, most in (("watch", "≤ 0.7", 0.7), ("unclear", "rare", 1.0)):
        each = [sum(s == status for s in o.statuses.values()) for o in done]
        mean = float(np.mean(each))
        yield Line("healthy", f"… `{status}` each", target, f"{mean:.2f}", mean <= most)
        common = Counter(f for o in done for f, s in o.statuses.items() if s == status).most_common(6)
        yield Line("healthy", "… most often", "", ", ".join(f"{f} {k}" for f, k in common), True)
    relief = [o.statuses["roles.relief_shortage"] == "found" for o in done]
    yield share_line("healthy", "relief shortage found while nobody is overloaded", "0", relief, 0.0, 0.0)
    types = [o for o in done if o.sale_type in ("T", "C", "S", "CS")]
    of_type = ("roles.hunter_farmer_mix", "retention.leaky_first_purchase", "retention.low_repeat_share")
    hits = [any(o.statuses[f] == "found" for f in of_type) for o in types]
    yield share_line("healthy", "types T, C, S, CS: hunter–farmer mix or a project test found", "none", hits, 0.0, 0.0)


def _counts(of: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(of.items(), key=lambda x: (-x[1], x[0])))


ROWS: dict[str, tuple[Callable[[int, int], Iterator[Line]], int]] = {
    "headline": (headline, 30),
    "late": (late, 40),
    "revenue": (revenue, 48),
    "second": (second, 20),
    "churn": (churn, 15),
    "sleepers": (sleepers, 120),
    "trends": (trends, 30),
    "managers": (managers, 30),
    "crossing": (crossing, 16),
    "handover": (handover, 15),
    "healthy": (healthy, 30),
}
"""Row → its lines, and of how many companies (of each kind)."""


def load(path: Path) -> dict[str, list[Line]]:
    """Return the lines kept in a file by row."""
    out: dict[str, list[Line]] = {}
    if path.is_file():
        for text in path.read_text(encoding="utf-8").splitlines():
            line = Line(**json.loads(text))
            out.setdefault(line.row, []).append(line)
    return out


def report(kept: Mapping[str, Sequence[Line]]) -> str:
    """Return the table as Markdown."""
    rows = ["| companies of known truth | to reach | came out | |", "|---|---|---|---|"]
    for name in ROWS:
        for line in kept.get(name, ()):
            mark = "" if not line.target else "yes" if line.kept else "**no**"
            rows.append(f"| {line.what} | {line.target} | {line.said} | {mark} |")
    return "\n".join(rows)


def main() -> None:
    """Run the rows and print the table into the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--rows", nargs="*", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--seed", type=int, default=900)
    parser.add_argument("--part", type=float, default=1.0)
    parser.add_argument("--report", action="store_true", help="only print what is kept into the report")
    given = parser.parse_args()
    kept = load(given.keep)
    if given.report:
        head, rest = REPORT.read_text(encoding="utf-8").split(BEGIN, 1)
        REPORT.write_text(f"{head}{BEGIN}\n\n{report(kept)}\n\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")
        return
    for name in given.rows:
        make, companies = ROWS[name]
        began = time.process_time()
        kept[name] = []
        for line in make(max(2, round(companies * given.part)), given.seed):
            kept[name].append(line)
            print(f"{'  ' if line.kept else '! '}{line.what} | {line.target} | {line.said}", flush=True)
            text = "".join(json.dumps(asdict(x), ensure_ascii=False) + "\n" for lines in kept.values() for x in lines)
            given.keep.write_text(text, encoding="utf-8")
        print(f"  ({name}: {time.process_time() - began:.0f} s of CPU)", flush=True)


if __name__ == "__main__":
    main()
