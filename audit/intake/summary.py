"""What the canonical lines show as a whole: period, coverage, returns, gaps, duplicates. A few looks at the Parquet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.errors import Text
from audit.intake.likeness import Client, suspected_duplicates
from audit.model.intake_report import DuplicateClient
from audit.settings import Settings

__all__ = ["DuplicateDocuments", "Summary", "duplicate_documents", "summarise"]


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
    duplicate_clients: tuple[DuplicateClient, ...] = ()


@dataclass(frozen=True)
class DuplicateDocuments:
    """Documents met word for word in several files: how many, their lines beyond the first file, their revenue."""

    documents: int
    lines: int
    revenue: float
    example: str
    rows: dict[str, frozenset[int]]
    """File → row numbers of the repetitions (only when asked for)."""


def _source(lines: Path) -> str:
    return "read_parquet('" + lines.as_posix().replace("'", "''") + "')"


def duplicate_documents(connection: Any, lines: Path, *, with_rows: bool) -> DuplicateDocuments | None:
    """Find documents (client × number × date) whose lines are all equal in two or more files.

    Grain of the comparison: the multiset of (item, quantity, amount). The file that comes first by name keeps its
    lines. Rows without a document number are not compared.
    """
    docs = f"""
SELECT source_file, client_key, order_id, order_date, count(*) AS n, sum(amount) AS revenue,
       sum(CAST(hash(coalesce(sku, ''), coalesce(CAST(qty AS VARCHAR), ''), CAST(amount AS VARCHAR)) AS HUGEINT)) AS mark
FROM {_source(lines)} WHERE order_id IS NOT NULL GROUP BY ALL"""
    again = f"""
SELECT *, min(source_file) OVER (PARTITION BY client_key, order_id, order_date, n, revenue, mark) AS kept_in FROM ({docs})"""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE again AS SELECT * FROM ({again}) WHERE source_file <> kept_in")
    found, n, revenue, example = connection.execute(
        "SELECT count(*), coalesce(sum(n), 0), coalesce(sum(revenue), 0), min(order_id) FROM again"
    ).fetchall()[0]
    if not found:
        return None
    rows: dict[str, frozenset[int]] = {}
    if with_rows:
        sql = (f"SELECT l.source_file, list(l.source_row) FROM {_source(lines)} AS l JOIN again AS a "
               "ON l.source_file = a.source_file AND l.client_key = a.client_key AND l.order_id = a.order_id "
               "AND l.order_date = a.order_date GROUP BY 1")  # fmt: skip
        rows = {file: frozenset(numbers) for file, numbers in connection.execute(sql).fetchall()}
    return DuplicateDocuments(int(found), int(n), float(revenue), str(example), rows)


def summarise(connection: Any, lines: Path, fields: Sequence[str], settings: Settings) -> Summary:
    """Compute the summary of ``lines.parquet``."""

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return list(connection.execute(sql.replace("@lines", _source(lines))).fetchall())

    columns = {f: {"client": "client_name", "cost": "margin"}.get(f, f) for f in fields}
    parts = ", ".join(f"sum(abs(amount)) FILTER (WHERE {c} IS NOT NULL)" for c in columns.values())
    row = rows(f"SELECT min(order_date), max(order_date), sum(amount), count(*) FILTER (WHERE amount < 0), "
               f"sum(abs(amount)), {parts} FROM @lines")[0]  # fmt: skip
    first, last, revenue, returns, total, *covered = row
    by_file = {name: float(v) for name, v in rows("SELECT source_file, sum(amount) FROM @lines GROUP BY 1")}
    coverage = {f: float(v or 0) / float(total) if total else 0.0 for f, v in zip(fields, covered, strict=True)}
    out = Summary(first, last, float(revenue), coverage, by_file, {"returns": int(returns)})
    out.counts["unlinked_returns"] = rows(
        "SELECT count(*) FROM @lines AS r WHERE r.amount < 0 AND NOT EXISTS (SELECT 1 FROM @lines AS s "
        "WHERE s.amount > 0 AND s.client_key = r.client_key AND s.order_id = r.order_id)"
    )[0][0] if returns else 0  # fmt: skip
    out.counts["duplicate_lines"] = int(rows(
        "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM (SELECT hash(source_file, client_key, "
        "coalesce(order_id, ''), order_date, coalesce(sku, ''), coalesce(CAST(qty AS VARCHAR), ''), "
        "CAST(amount AS VARCHAR)) AS mark FROM @lines) GROUP BY mark HAVING count(*) > 1)"
    )[0][0])  # fmt: skip
    _gaps(out, {r[0] for r in rows("SELECT DISTINCT year(order_date) * 12 + month(order_date) - 1 FROM @lines")})
    if "status" in fields:
        _open_orders(out, rows("SELECT status, count(*), sum(amount) FROM @lines WHERE amount > 0 GROUP BY 1"))
    clients = rows("SELECT client_key, coalesce(min(client_name), client_key), sum(amount), count(DISTINCT client_name) "
                   "FROM @lines GROUP BY 1 ORDER BY 1")  # fmt: skip
    out.counts["clients"] = len(clients)
    out.duplicate_clients = suspected_duplicates(
        [Client(k, n, float(r)) for k, n, r, _ in clients], settings.report.lang
    )
    out.counts["suspected_duplicate_clients"] = len(out.duplicate_clients)
    return out


def _gaps(out: Summary, months: set[int]) -> None:
    every = range(out.first.year * 12 + out.first.month - 1, out.last.year * 12 + out.last.month)
    missing = [m for m in every if m not in months]
    out.counts["gap_months"] = len(missing)
    if missing:
        shown = ", ".join(f"{m // 12}-{m % 12 + 1:02d}" for m in missing[:12]) + (" …" if len(missing) > 12 else "")
        out.notes.append(Text(f"Месяцы без единого заказа: {shown}. Проверьте, не потеряна ли часть выгрузки",
                              f"Months without a single order: {shown}. Check that no part of the export is missing"))  # fmt: skip


def _open_orders(out: Summary, statuses: Sequence[tuple[Any, ...]]) -> None:
    total = sum(float(r[2]) for r in statuses)
    new = sum(float(r[2]) for r in statuses if r[0] == "new")
    if total > 0 and new / total >= 0.01:
        share = 100.0 * new / total
        out.notes.append(Text(
            f"Заказы со статусом «новый» считаются заказами: {share:.1f} % выручки. Если это ещё не продажи, "
            "добавьте их статусы в [reading] cancelled".replace(".", ",", 1),
            f"Orders with the status “new” count as orders: {share:.1f} % of revenue. If these are not sales yet, "
            "add their statuses to [reading] cancelled",
        ))  # fmt: skip
