"""Returns told by a mark on a sale: a flag, a status, or a column with the sum that came back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from audit.errors import Answer, Text
from audit.intake.traps import reading_line
from audit.intake.values import clean_text, parse_flag, parse_number
from audit.intake.words import plain
from audit.model.intake_report import Question
from audit.settings import Settings

if TYPE_CHECKING:
    from audit.intake.table import Orders, Table

__all__ = ["is_returned", "look"]

_DOCUMENT = frozenset(
    ("возврат", "возвраты", "возврат товара", "возврат средств", "сторно", "return", "returns", "refund", "credit note")
)
"""Statuses that name the return itself."""
_CAME_BACK = re.compile(
    r"(?:полностью |fully |wc-)?(?:возвращ[её]н|вернул|сторнирован|полный возврат|returned|refunded|full refund|charged? ?back)"
)
"""Statuses and headers of a sale that came back whole."""
_SAME = 0.5
"""Share of the marked rows that repeat a sale of their client, from which they are documents of the return itself."""
_Means = Literal["void", "returns", "sums", "sales"]
_SAID: Mapping[_Means, Text] = {
    "void": Text("продажа вернулась целиком: не считать", "the sale came back whole: do not count it"),
    "returns": Text("это документы возврата: вычесть", "these are documents of returns: subtract them"),
    "sums": Text("в столбце возвращённая сумма: вычесть", "the column holds the sum that came back: subtract it"),
    "sales": Text("отметка ничего не меняет: продажи", "the mark changes nothing: sales"),
}


@dataclass
class _Seen:
    """The marked rows of a table and what else is known of them."""

    rows: int = 0
    amount: float = 0.0
    others: float = 0.0
    sums: int = 0
    keys: list[tuple[str, str]] = field(default_factory=list)
    """Client and amount, client and number of the marked rows."""
    sold: set[tuple[str, str]] = field(default_factory=set)


def is_returned(status: str) -> bool:
    """Whether a status says that the sale came back."""
    words = plain(status)
    return words in _DOCUMENT or (
        _CAME_BACK.match(words) is not None and "част" not in words and "partial" not in words
    )


def _rows(table: Table) -> Iterator[dict[str, str]]:
    names = [f for f in ("returned", "status", "client_id", "client", "order_id", "amount") if table.staged.has(f)]
    for batch in table.staged.batches():
        columns = [batch.column(f).to_pylist() for f in names]
        for values in zip(*columns, strict=True):
            yield {f: clean_text(v) or "" for f, v in zip(names, values, strict=True) if v is not None}


def _marked(row: Mapping[str, str]) -> bool:
    return parse_flag(row.get("returned")) or is_returned(row.get("status", ""))


def _seen(table: Table) -> _Seen:
    out = _Seen()
    for row in _rows(table):
        client = row.get("client_id") or row.get("client") or ""
        amount = next((n for m in (",", ".") if (n := parse_number(row.get("amount", ""), m)) is not None), None)
        keys = [(client, f"№{n}") for n in [row.get("order_id")] if n]
        keys += [(client, f"{abs(amount)}")] if amount else []
        if not _marked(row):
            out.sold.update(keys)
            out.others += float(amount or 0)
        elif amount is None or amount > 0:
            out.rows += 1
            out.amount += float(amount or 0)
            out.keys += keys
            told = parse_number(row.get("returned", ""), ",") or parse_number(row.get("returned", ""), ".")
            out.sums += told is not None and abs(told) > 1
    return out


def look(orders: Orders, settings: Settings) -> Question | None:
    """Read marked rows as returned, until denied: as what, depends on whether the sale stands beside them."""
    if settings.reading.returned_rows is not None:
        return None
    marked = [
        t
        for t in orders.tables
        if t.staged.has("returned") or any(is_returned(s) for s in t.staged.distinct.get("status", ()))
    ]
    seen = {t.name: s for t in marked if (s := _seen(t)).rows}
    if not seen:
        return None
    rows, keys = sum(s.rows for s in seen.values()), [k for s in seen.values() for k in s.keys]
    sold = set().union(*(s.sold for s in seen.values()))
    repeats = sum(k in sold for k in keys) / len(keys) if keys else 0.0
    sums = sum(s.sums for s in seen.values())
    table = next(t for t in marked if t.name in seen)
    header = table.plan.labels.get("returned") or table.plan.labels.get("status", "")
    whole = _CAME_BACK.match(plain(header)) or any(
        _CAME_BACK.match(plain(s)) for s in table.staged.distinct.get("status", ())
    )
    means: _Means = "sums" if sums * 2 > rows else "void" if whole and repeats < _SAME else "returns"
    money = sum(s.amount for s in seen.values())
    every = money + sum(s.others for s in seen.values())
    every_meaning: tuple[_Means, ...] = ("sums", "sales") if means == "sums" else ("void", "returns", "sales")
    return Question(
        Text(
            f"{', '.join(seen)}: в столбце «{header}» отмечены возвраты, строк: {rows}. Понято так: {_SAID[means].ru}",
            f"{', '.join(seen)}: column “{header}” marks returns, rows: {rows}. Understood so: {_SAID[means].en}",
        ),
        reading_line("returned_rows", means),
        others=tuple(Answer(_SAID[m], reading_line("returned_rows", m)) for m in every_meaning if m != means),
        kind="returned_rows",
        means=_SAID[means],
        share=min(1.0, money / every) if every > 0 else 0.0,
        taken=True,
    )
