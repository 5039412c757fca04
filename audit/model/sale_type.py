"""Which type of sale the orders look like, criterion by criterion; the declared type wins (methodology, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.engine import Engine
from audit.method import Thresholds
from audit.model.window import Window

__all__ = ["Criterion", "SaleTypeFacts", "judge_sale_type"]

ALL = frozenset({"T", "TC", "C", "S", "CS"})


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion, its figure, and the types that it is compatible with."""

    name: str
    value: float | None
    compatible: frozenset[str]


@dataclass(frozen=True, slots=True)
class SaleTypeFacts:
    """Declared, measured and used type of sale, with the criteria behind the measured one."""

    declared: str | None
    measured: str
    """A type code, ``"T/TC"`` where the interval cannot tell the two apart, or ``"?"`` without evidence."""
    used: str
    criteria: tuple[Criterion, ...]
    interval_days: float | None
    """Median over regular clients of the median gap, last 12 months."""
    interval_n: int
    one_time_share: float | None

    def excluding(self) -> tuple[Criterion, ...]:
        """Criteria that exclude the declared type."""
        return tuple(c for c in self.criteria if self.declared is not None and self.declared not in c.compatible)

    def supporting(self) -> tuple[Criterion, ...]:
        """Criteria with a real opinion that include the declared type."""
        return tuple(
            c for c in self.criteria if self.declared in c.compatible and c.compatible != ALL and self.declared
        )


_INTERVALS = """
WITH recent AS (
  SELECT client_key, count(purchase_no) AS order_days
  FROM client_day WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.recent_start) }}
  GROUP BY client_key
), gaps AS (
  SELECT c.client_key, {{ quantile('c.gap_days', 0.5) }} AS gap
  FROM client_day c JOIN recent r ON c.client_key = r.client_key
  WHERE r.order_days >= 2 AND c.gap_days IS NOT NULL AND c.previous_day >= {{ lit(w.recent_start) }}
  GROUP BY c.client_key
)
SELECT {{ quantile('gap', 0.5) }} AS interval_days, count(gap) AS n FROM gaps
"""
_ONE_TIME = """
SELECT count(*) AS clients, CAST(sum(CASE WHEN order_days = 1 THEN 1 ELSE 0 END) AS BIGINT) AS one_time
FROM clients WHERE order_days >= 1
"""


def judge_sale_type(
    engine: Engine, window: Window, thresholds: Thresholds, declared: str | None, company: Mapping[str, Any]
) -> SaleTypeFacts:
    """Measure the type of sale; complexity, price level and market size come from the questionnaire.

    The interval alone never refutes C. With none declared, an interval up to 31 days gives «T/TC» and TC is used.
    """
    row = engine.query(_INTERVALS, w=window).iloc[0]
    interval = None if pd.isna(row["interval_days"]) else float(row["interval_days"])
    n = int(row["n"])
    ones = engine.query(_ONE_TIME).iloc[0]
    clients = int(ones["clients"])
    one_time_share = float(ones["one_time"]) / clients if clients else None
    criteria: list[Criterion] = []
    if interval is not None and n >= thresholds.count("general.min_units"):
        if interval <= thresholds.value("model.interval_short_days"):
            fits = frozenset({"T", "TC"})
        elif interval <= thresholds.value("model.interval_long_days"):
            fits = frozenset({"TC"})
        else:
            fits = frozenset({"C", "CS"})
        criteria.append(Criterion("interval", interval, fits | {"C"}))
    years = window.days / 365.25
    if one_time_share is not None and years >= thresholds.value("model.one_time_min_years") - 0.01:
        only_s = one_time_share >= thresholds.value("model.one_time_client_share")
        criteria.append(Criterion("one_time", one_time_share, frozenset({"S"}) if only_s else ALL))
    complexity = company.get("complexity")
    if complexity is not None:
        table = {1: {"T", "TC"}, 2: {"TC"}, 3: {"C", "CS"}, 4: {"S", "CS"}}
        criteria.append(Criterion("complexity", float(complexity), frozenset(table[int(complexity)])))
    price = company.get("price_level")
    if price is not None:
        table = {1: {"T", "TC"}, 2: {"TC"}, 3: {"C", "CS"}, 4: {"S", "CS"}}
        criteria.append(Criterion("price", float(price), frozenset(table[int(price)])))
    market = company.get("clients_on_market")
    if market is not None:
        size = float(market)
        fits = frozenset(
            t
            for t, low, high in (("T", 1e3, 1e6), ("TC", 1e3, 1e5), ("C", 1e2, 1e4), ("CS", 1e2, 1e4), ("S", 0, 2e3))
            if low <= size <= high
        )
        criteria.append(Criterion("market", size, fits or ALL))
    measured = _measured(criteria, interval)
    if declared is not None:
        used = declared
    elif measured in ALL:
        used = measured
    else:
        used = "TC"
    return SaleTypeFacts(declared, measured, used, tuple(criteria), interval, n, one_time_share)


def _measured(criteria: list[Criterion], interval: float | None) -> str:
    if not criteria:
        return "?"
    for c in criteria:
        if c.name == "one_time" and c.compatible == frozenset({"S"}):
            return "S"
    votes = {t: sum(t in c.compatible and c.compatible != ALL for c in criteria) for t in ALL}
    best = max(votes.values())
    if best == 0:
        return "?"
    winners = {t for t, v in votes.items() if v == best}
    interval_only = next((c.compatible - {"C"} for c in criteria if c.name == "interval"), None)
    if len(winners) > 1 and interval_only:
        winners &= interval_only or winners
        winners = winners or {t for t, v in votes.items() if v == best}
    if winners == {"T", "TC"}:
        return "T/TC"
    if len(winners) == 1:
        return next(iter(winners))
    for t in ("TC", "C", "CS", "T", "S"):
        if t in winners:
            return t
    return "?"
