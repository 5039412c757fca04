"""What the traps of sales that stand twice share: what a trap tells to leave out, and how files are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from audit.errors import Text
from audit.intake.store import Store, parquet
from audit.intake.table import Orders, Table
from audit.model.intake_report import Question
from audit.settings import Settings

__all__ = ["Again", "SalesTrap", "client_days", "money_text", "percent", "share_of", "window"]


@dataclass(frozen=True)
class Again:
    """Rows that bring nothing new, by the settings: file → row numbers, why, and how the reader is told."""

    rows: Mapping[str, frozenset[int]]
    reason: str
    note: Text


class SalesTrap(NamedTuple):
    """Looks for sales that stand twice, and tells the rows that the settings leave out."""

    look: Callable[[Orders, Settings], Question | None]
    again: Callable[[Orders, Settings], Again | None]


def money_text(amount: float) -> Text:
    """Return a sum of money without its sign, as people write it."""
    whole = f"{amount:,.0f}"
    return Text(whole.replace(",", "\N{NO-BREAK SPACE}"), whole)


def percent(share: float) -> str:
    """Return a share as whole percent."""
    return f"{100.0 * share:.0f}"


def share_of(amount: float, orders: Orders) -> float:
    """Return the share of all revenue that an amount is, 0–1."""
    total = orders.tally.revenue / 10_000.0
    return min(1.0, max(0.0, amount / total)) if total > 0 else 0.0


def window(store: Store, orders: Orders, files: Sequence[Table]) -> tuple[object, object]:
    """Return the first and the last day of the sales of some files."""
    marks = ", ".join("?" for _ in files)
    sql = f"SELECT min(order_date), max(order_date) FROM {parquet(orders.lines)} WHERE source_file IN ({marks})"
    first, last = store.row(sql, [t.name for t in files])
    return first, last


def client_days(orders: Orders) -> str:
    """Return the query of what every file sold to every client on every day, with the numbers of its documents."""
    return f"""
SELECT source_file AS file, client_key, order_date AS day, CAST(sum(amount) AS DOUBLE) AS revenue,
       list(DISTINCT order_id) FILTER (order_id IS NOT NULL) AS ids
FROM {parquet(orders.lines)} GROUP BY ALL HAVING sum(amount) > 0"""
