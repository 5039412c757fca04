"""Is the money true? Invented companies whose yearly gain is known, by the whole way of ``km-audit screen``.

    python -m benchmarks.money [--companies 30] [--first 1000]

Two worlds, 36 months each. *Leak*: 60 new clients a year of whom 45 % buy again within a year where 67 % would be the
norm, and nothing else amiss. The true gain is what the methodology defines (4.1.3) with the true figures in it: 60 ×
(0.67 − 0.45) × mean reach × what a client brings in the 365 days from its second purchase on × margin. *Healthy*:
clients that pause, leave and come back; the true return is the share, by money, of those asleep on the last day that
order in the 12 months that the audit does not see. Seeds below 1000 were looked at while building; those reported were
not.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

START = np.datetime64("2022-01-01")
DAYS = 1096
MARGIN = 0.25
NORM, SHARE, NEW_A_YEAR = 0.67, 0.45, 60
REACH = (0.3 + 0.5 + 0.8) / 3
SIZE_SPREAD = 0.6
MEAN_TICKET = 30_000.0
LEAVES = 0.005
"""Chance to leave after an order, of clients that have bought twice: one in twenty a year. (At 0.02 one in five left a
year, which is a second disease, and was rightly found and priced as one.)"""


def sizes(rng: np.random.Generator, n: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Draw clients' usual order values, log-normal with the mean ticket."""
    return rng.lognormal(np.log(MEAN_TICKET) - SIZE_SPREAD**2 / 2, SIZE_SPREAD, n)


def run_of_orders(rng: np.random.Generator, size: float, until: float) -> list[tuple[float, float]]:
    """Draw days and amounts of a client from an order on (day 0), about every 35 days until it leaves."""
    out, day, usual = [], 0.0, float(rng.lognormal(np.log(35), 0.3))
    while day < until:
        out.append((day, size * float(rng.lognormal(-0.02, 0.2))))
        if rng.random() < LEAVES:
            break
        day += max(1.0, float(rng.gamma(4.0, usual / 4.0)))
    return out


def worth_of_second(clients: int = 100_000, seed: int = 1) -> float:
    """Return what a client truly brings in the 365 days from its second purchase on."""
    rng = np.random.default_rng(seed)
    return float(np.mean([sum(a for d, a in run_of_orders(rng, s, 365.0) if d < 365) for s in sizes(rng, clients)]))


def leaking(seed: int) -> pd.DataFrame:
    """Invent a company whose new clients leak: client, day number, amount."""
    rng = np.random.default_rng([seed, 7])
    rows: list[tuple[str, float, float]] = []

    def add(client: str, first: float, size: float) -> None:
        rows.extend((client, first + d, a) for d, a in run_of_orders(rng, size, DAYS - first) if 0 <= first + d < DAYS)

    for k, size in enumerate(sizes(rng, 120)):
        add(f"old{k:03d}", float(rng.uniform(-60, 30)), float(size))
    for k in range(rng.poisson(NEW_A_YEAR * DAYS / 365.25)):
        size, first = float(sizes(rng, 1)[0]), float(rng.uniform(0, DAYS))
        rows.append((f"new{k:04d}", first, size))
        if rng.random() < SHARE:
            add(f"new{k:04d}", first + 5 + float(rng.gamma(2.0, 30.0)) % 355, size)
    return pd.DataFrame(rows, columns=["client", "day", "amount"])


def healthy(seed: int) -> pd.DataFrame:
    """Invent a company of 200 clients that pause now and then and leave seldom, with the year after the audit."""
    rng = np.random.default_rng([seed, 11])
    rows = []
    for k, size in enumerate(sizes(rng, 200)):
        usual, day = float(rng.lognormal(np.log(30), 0.3)), float(rng.uniform(-200, 60))
        while day < DAYS + 365:
            if day >= 0:
                rows.append((f"c{k:03d}", day, float(size) * float(rng.lognormal(-0.02, 0.2))))
            fate = rng.random()
            if fate < 0.008:
                break
            day += max(1.0, float(rng.gamma(4.0, usual / 4.0)))
            if fate > 0.993:
                day += float(rng.uniform(120, 400))
    return pd.DataFrame(rows, columns=["client", "day", "amount"])


def screened(rows: pd.DataFrame) -> dict[str, Any]:
    """Write the orders of the audited time to a file and return what ``km-audit screen`` says of it."""
    from audit.run.cases import open_inputs
    from audit.run.inputs import file_inputs
    from audit.run.notebook_api import compute_all

    seen = rows[rows["day"] < DAYS]
    file = pd.DataFrame(
        {
            "order_id": [f"n{k}" for k in range(len(seen))],
            "order_date": (START + seen["day"].astype(int).to_numpy().astype("timedelta64[D]")).astype(str),
            "client_id": seen["client"].to_numpy(),
            "amount": seen["amount"].round(2).to_numpy(),
            "margin": (seen["amount"] * MARGIN).round(2).to_numpy(),
        }
    )
    with tempfile.TemporaryDirectory(prefix="km-bench-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "orders.csv"
        file.to_csv(path, index=False)
        case = open_inputs(file_inputs(str(path), None, None), Path(folder) / "prepared")
        try:
            return compute_all(case)
        finally:
            case.close()


@dataclass(frozen=True)
class Gain:
    """One company's headline against its truth; all None where nothing was priced."""

    low: float | None
    base: float | None
    high: float | None
    truth: float
    alone: bool
    """Whether the headline equals the effect of the one finding in it."""
    status: str = ""
    """Verdict on the leak of first purchases."""


def gain_of(seed: int, worth: float) -> Gain:
    """Audit a leaking company."""
    said = screened(leaking(seed))
    truth = NEW_A_YEAR * (NORM - SHARE) * REACH * worth * MARGIN
    leak = next(f for f in said["findings"] if f["id"] == "retention.leaky_first_purchase")
    money = said["money"]
    if money is None or "effect" not in leak:
        return Gain(None, None, None, truth, False, leak["status"])
    h = money["headline"]
    alone = money["findings"] == [leak["id"]] and abs(h["base"] - leak["effect"]["base"]) < 1e-6 * truth
    return Gain(h["low"], h["base"], h["high"], truth, alone, leak["status"])


def returns_of(seed: int) -> tuple[float, float, int]:
    """Audit a healthy company; return its own return rate, the true one by money, and how many sleep."""
    from audit.chapters.retention.measure import diagnose
    from audit.run.cases import open_inputs
    from audit.run.inputs import file_inputs

    rows = healthy(seed)
    seen = rows[rows["day"] < DAYS].assign(order_date=lambda x: START + x["day"].astype(int).astype("timedelta64[D]"))
    with tempfile.TemporaryDirectory(prefix="km-bench-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "orders.csv"
        seen[["order_date", "client", "amount"]].rename(columns={"client": "client_id"}).to_csv(path, index=False)
        case = open_inputs(file_inputs(str(path), None, None), Path(folder) / "prepared")
        try:
            result = diagnose(case)
        finally:
            case.close()
    own = result.facts["own_return"]
    listed = result.tables["worklist"]
    asleep = listed[listed["state"] == "sleeping"]
    back = asleep["client_key"].isin(rows.loc[rows["day"] >= DAYS, "client"])
    money = asleep["at_stake"].astype(float)
    truth = float(money[back].sum() / money.sum()) if len(asleep) else float("nan")
    return (float("nan") if own is None else own["share"]), truth, len(asleep)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--companies", type=int, default=30)
    parser.add_argument("--first", type=int, default=1000)
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.companies)
    worth = worth_of_second()
    gains = [gain_of(seed, worth) for seed in seeds]
    priced = [g for g in gains if g.low is not None and g.base is not None and g.high is not None]
    inside = sum(g.low <= g.truth <= g.high for g in priced)  # type: ignore[operator]
    ratios = [g.base / g.truth for g in priced if g.base is not None]
    print(
        json.dumps(
            {
                "companies": len(gains),
                "priced": len(priced),
                "truth inside P10-P90": inside,
                "median of P50 / truth": round(float(np.median(ratios)), 3) if ratios else None,
                "a tenth and nine tenths of it": [round(float(q), 2) for q in np.quantile(ratios, [0.1, 0.9])],
                "headline equals the one finding": sum(g.alone for g in priced),
            }
        ),
        flush=True,
    )
    seen = np.array([returns_of(seed) for seed in seeds])
    print(
        json.dumps(
            {
                "own return, mean": round(float(np.nanmean(seen[:, 0])), 3),
                "true return, mean": round(float(np.nanmean(seen[:, 1])), 3),
                "asleep, mean": round(float(seen[:, 2].mean()), 1),
                "without an own return": int(np.isnan(seen[:, 0]).sum()),
            }
        )
    )


if __name__ == "__main__":
    main()
