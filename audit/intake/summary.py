"""What the canonical lines show as a whole: period, coverage, returns, gaps, duplicates. A few looks at the Parquet."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.errors import Text
from audit.intake.likeness import Client, suspected_duplicates
from audit.intake.numbers import Decimals
from audit.intake.store import Store, parquet
from audit.model.client_names import ClientNames
from audit.model.intake_report import DuplicateClient
from audit.settings import Settings

__all__ = ["Summary", "Tally", "equal_lines", "known_clients", "summarise"]

_EPOCH = dt.date(1970, 1, 1)


@dataclass
class Tally:
    """Running figures of the used lines, kept while they are written. Money in whole ten-thousandths: exact."""

    rows: int = 0
    first_day: int = 2**31 - 1
    last_day: int = -(2**31)
    revenue: int = 0
    absolute: int = 0
    returns: int = 0
    covered: Counter[str] = field(default_factory=Counter)
    """Column → absolute revenue of the rows that have it."""
    months: set[int] = field(default_factory=set)
    by_file: Counter[str] = field(default_factory=Counter)
    by_client: dict[str, float] = field(default_factory=dict)
    by_status: dict[str | None, float] = field(default_factory=dict)
    """Revenue of positive rows per status."""
    equal_lines: int | None = None
    """Lines beyond the first of each, where they were counted."""

    def add(self, file: str, columns: Mapping[str, pa.Array], amount: Decimals, days: npt.NDArray[np.int32]) -> None:
        """Take in a batch of used lines."""
        absolute = np.abs(amount)
        total = int(absolute.sum())
        self.rows += len(amount)
        self.first_day = min(self.first_day, int(days.min()))
        self.last_day = max(self.last_day, int(days.max()))
        self.revenue += int(amount.sum())
        self.by_file[file] += int(amount.sum())
        self.absolute += total
        self.returns += int((amount < 0).sum())
        for name, column in columns.items():
            if column.null_count == 0:
                self.covered[name] += total
            elif column.null_count < len(column):
                self.covered[name] += int(absolute[column.is_valid().to_numpy(zero_copy_only=False)].sum())
        month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        low = int(month.min())
        self.months.update((np.flatnonzero(np.bincount(month - low)) + low + 1970 * 12).tolist())
        for key, revenue in _sums(columns["client_key"], amount):
            assert key is not None
            self.by_client[key] = self.by_client.get(key, 0.0) + revenue
        if "status" in columns:
            for status, revenue in _sums(columns["status"], np.where(amount > 0, amount, 0)):
                self.by_status[status] = self.by_status.get(status, 0.0) + revenue


def _sums(column: pa.DictionaryArray, amount: Decimals) -> Iterator[tuple[str | None, float]]:
    """Revenue per distinct text of a column."""
    texts = [*column.dictionary.to_pylist(), None]
    codes = column.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)
    money = np.bincount(codes, weights=amount / 10_000.0, minlength=len(texts))
    rows = np.bincount(codes, minlength=len(texts))
    yield from ((t, m) for t, m, n in zip(texts, money.tolist(), rows.tolist(), strict=True) if n)


@dataclass
class Summary:
    """Figures of all used lines."""

    first: dt.date
    last: dt.date
    revenue: float
    coverage: dict[str, float]
    counts: dict[str, int]
    notes: list[Text] = field(default_factory=list)
    duplicate_clients: tuple[DuplicateClient, ...] = ()


def known_clients(store: Store, lines: Path) -> ClientNames:
    """Return the clients of the orders as the sheets of the questionnaire may name them."""
    source = parquet(lines)
    known = store.rows(
        f"SELECT client_id, min(client_key), 1 FROM {source} WHERE client_id IS NOT NULL GROUP BY 1 "
        f"UNION ALL SELECT DISTINCT client_key, client_key, 2 FROM {source} "
        f"UNION ALL SELECT client_name, min(client_key), 3 FROM {source} WHERE client_name IS NOT NULL GROUP BY 1 "
        "HAVING count(DISTINCT client_key) = 1"
    )
    return ClientNames(known)


def equal_lines(store: Store, lines: Path) -> int:
    """Return the number of lines beyond the first of each: equal in file, client, document, day, item, quantity, amount."""
    return int(
        store.row(
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM (SELECT hash(source_file, client_key, "
            f"order_id, order_date, sku, qty, amount) AS mark FROM {parquet(lines)}) GROUP BY mark HAVING count(*) > 1)"
        )[0]
    )


def summarise(
    store: Store,
    lines: Path,
    tally: Tally,
    fields: Sequence[str],
    shown: Callable[[str], str | None],
    settings: Settings,
) -> Summary:
    """Turn the tally into figures; only what needs to compare rows with one another looks at the lines again."""
    columns = {f: {"client": "client_name", "cost": "margin"}.get(f, f) for f in fields}
    total = tally.absolute
    out = Summary(
        _EPOCH + dt.timedelta(days=tally.first_day),
        _EPOCH + dt.timedelta(days=tally.last_day),
        tally.revenue / 10_000.0,
        {f: tally.covered[c] / total if total else 0.0 for f, c in columns.items()},
        {"returns": tally.returns, "clients": len(tally.by_client), "unlinked_returns": 0},
    )

    def one(sql: str) -> int:
        return int(store.row(sql.replace("@lines", parquet(lines)))[0])

    if tally.returns:
        alone = (
            "FROM (SELECT client_key, order_id, amount FROM @lines WHERE amount < 0) AS r WHERE NOT EXISTS "
            "(SELECT 1 FROM @lines AS s WHERE s.amount > 0 AND s.client_key = r.client_key AND s.order_id = r.order_id)"
        )
        out.counts["unlinked_returns"] = one(f"SELECT count(*) {alone}")
        out.counts["unlinked_returns_money"] = one(f"SELECT coalesce(round(sum(amount)), 0) {alone}")
    out.counts["duplicate_lines"] = equal_lines(store, lines) if tally.equal_lines is None else tally.equal_lines
    _gaps(out, tally.months)
    _open_orders(out, tally.by_status)
    clients = [Client(k, shown(k) or k, r) for k, r in sorted(tally.by_client.items())]
    different = {frozenset((d.client, d.other)) for d in settings.corrections.different}
    out.duplicate_clients = suspected_duplicates(clients, settings.report.lang, different)
    out.counts["suspected_duplicate_clients"] = len(out.duplicate_clients)
    return out


def _gaps(out: Summary, months: set[int]) -> None:
    every = range(out.first.year * 12 + out.first.month - 1, out.last.year * 12 + out.last.month)
    missing = [m for m in every if m not in months]
    out.counts["gap_months"] = len(missing)
    if missing:
        shown = ", ".join(f"{m // 12}-{m % 12 + 1:02d}" for m in missing[:12]) + (" …" if len(missing) > 12 else "")
        out.notes.append(
            Text(
                f"Месяцы без единого заказа: {shown}. Проверьте, не потеряна ли часть выгрузки",
                f"Months without a single order: {shown}. Check that no part of the export is missing",
            )
        )


def _open_orders(out: Summary, by_status: Mapping[str | None, float]) -> None:
    total = sum(by_status.values())
    new = by_status.get("new", 0.0)
    if total > 0 and new / total >= 0.01:
        share = f"{100.0 * new / total:.1f}"
        out.notes.append(
            Text(
                f"Заказы со статусом «новый» считаются заказами: {share.replace('.', ',')} % выручки. Если это ещё не "
                "продажи, добавьте их статусы в [reading] cancelled",
                f"Orders with the status “new” count as orders: {share} % of revenue. If these are not sales yet, "
                "add their statuses to [reading] cancelled",
            )
        )
