"""What the canonical lines show as a whole: period, coverage, returns, gaps, duplicates. One look at the Parquet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.errors import Text
from audit.model.intake_report import DuplicateClient, Question
from audit.settings import Settings

__all__ = ["Summary", "summarise"]


@dataclass
class Summary:
    """Figures of all used lines."""

    first: dt.date
    last: dt.date
    revenue: float
    coverage: dict[str, float]
    revenue_by_file: dict[str, float]
    counts: dict[str, int]
    notes: list[Text] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    duplicate_clients: tuple[DuplicateClient, ...] = ()


def summarise(connection: Any, lines: Path, fields: Sequence[str], settings: Settings, files: int) -> Summary:
    """Compute the summary of ``lines.parquet``."""
    source = "read_parquet('" + lines.as_posix().replace("'", "''") + "')"

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return list(connection.execute(sql.replace("@lines", source)).fetchall())

    columns = {f: {"client": "client_name", "cost": "margin"}.get(f, f) for f in fields}
    parts = ", ".join(f"sum(abs(amount)) FILTER (WHERE {c} IS NOT NULL)" for c in columns.values())
    row = rows(f"SELECT min(order_date), max(order_date), sum(amount), count(*) FILTER (WHERE amount < 0), "
               f"sum(abs(amount)), {parts} FROM @lines")[0]  # fmt: skip
    first, last, revenue, returns, total, *covered = row
    by_file = {name: float(v) for name, v in rows("SELECT source_file, sum(amount) FROM @lines GROUP BY 1")}
    coverage = {f: float(v or 0) / float(total) if total else 0.0 for f, v in zip(fields, covered, strict=True)}
    return Summary(first, last, float(revenue), coverage, by_file, {"returns": int(returns)})
