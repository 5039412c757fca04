"""Dispatch documents beside orders: one sale in two files, which must not count twice.

In 1C an order and its dispatch are two documents with numbers of their own, and «Дата отгрузки» of the order is the
plan: the fact is the date of «Реализация товаров и услуг». Here dispatch documents are tied to the orders that they
fulfil, and give them the day of dispatch and, where the amounts compare, the share dispatched.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.intake.canonical import OUTPUT_SCHEMA, Dispatches, lines_writer
from audit.intake.numbers import from_decimal
from audit.intake.store import Store, parquet
from audit.intake.values import DateRule, clean_text, date_inside, order_number, parse_date

__all__ = [
    "CERTAIN",
    "DOCUMENTS",
    "LIKELY",
    "Covered",
    "Links",
    "Overlap",
    "Shipped",
    "document_rows",
    "give_dates",
    "named_orders",
]

CERTAIN = 0.8
"""Share of the dispatched money that is found among the orders from which on counting both is certainly double."""
LIKELY = 0.3
"""The same share from which on it is worth a question even where nothing names the other file as orders."""
_WHOLE = 0.995
"""A dispatched share from which on an order counts as dispatched in full: the rest is rounding of sums and VAT."""

_STRAYS = 0.05
"""Share of the documents whose order was not found up to which an order without a document is one that was not shipped."""
_ON_THE_WAY = 31
"""Days before the last document in which an order may still be waiting for its own."""
_NO_DAY = np.iinfo(np.int32).min

_AFTER_WORD = re.compile(
    r"(?:(?:заказ\w{0,9}|\borders?)(?:\s+(?:клиента|покупателя|no\.?|number))?[\s:№#]+|[№#]\s*)([^\s,;:()№]{0,60}\d[^\s,;()]*)"
)
_TOKEN = re.compile(r"(?<![^\s,;:()№#])[^\s,;:()№#]*\d[^\s,;()]*")
_PARTS = re.compile(r"[;\n]|,\s+(?=\D)")


def named_orders(text: str) -> tuple[tuple[str, str | None], ...]:
    """Return the orders that a cell names: number and, where it stands there, the text of its date.

    «Заказ клиента 0000-000123 от 01.02.2024 10:11:12» gives one with a date, «Отгрузка по заказу 123» one without,
    «Заказ 1; Заказ 2» two. Which of the numbers exist is not known here.
    """
    value = clean_text(text)
    if value is None:
        return ()
    out: dict[tuple[str, str | None], None] = {}
    for part in _PARTS.split(value):
        dated = date_inside(part.strip())
        if dated is not None:
            out[order_number(part.strip()), dated] = None
            continue
        found = _AFTER_WORD.findall(part.lower()) or _TOKEN.findall(part)
        if len(found) > 1:
            found = [f for f in found if len(f) >= 4]
        out |= dict.fromkeys((f.rstrip("."), None) for f in found)
    return tuple(out)


def mark(number: str) -> str:
    """Return an order number as it is compared: case and, where it is all digits, leading zeros do not matter."""
    return (number.lstrip("0") or "0") if number.isascii() and number.isdigit() else number.upper()


_EPOCH = 719_163
"""Ordinal of 1970-01-01."""
_MARK = "CASE WHEN regexp_full_match({0}, '[0-9]+') THEN coalesce(nullif(ltrim({0}, '0'), ''), '0') ELSE upper({0}) END"
DOCUMENTS = pa.schema(
    [
        ("file", pa.string()),
        ("row", pa.int64()),
        ("mark", pa.string()),
        ("ref_day", pa.date32()),
        ("own", pa.bool_()),
        ("document", pa.string()),
        ("client_key", pa.string()),
        ("day", pa.date32()),
        ("amount", pa.float64()),
    ]
)
"""Grain: one row per row of a dispatch file and order that it may belong to. ``own``: the number is the document's."""


_PLAIN = r"^(?P<number>[^\s,;:()№#]*[0-9][^\s,;:()№#.]*)$"
_DATED = r"^(?:[^0-9,;\n]*\s)?(?P<number>[^\s№,;]*[0-9][^\s№,;]*)\s+от\s+(?P<day>[0-9]{2}\.[0-9]{2}\.[0-9]{4})(?:\s[0-9:]+)?$"
"""The two common ways to name an order, read by the column; `named_orders` says the same of them, one by one."""


def document_rows(file: str, found: Dispatches, dates: DateRule) -> pa.Table:
    """Return the dispatches of a batch in `DOCUMENTS`; a row that names no order is tried by its own number."""
    rows = np.flatnonzero(found.reason == 0)
    pick = pa.array(rows)
    named = found.named.take(pick).cast(pa.string())
    dated, plain = pc.extract_regex(named, _DATED), pc.extract_regex(named, _PLAIN)
    number = pc.coalesce(pc.struct_field(dated, "number"), pc.struct_field(plain, "number"))
    day = pc.struct_field(dated, "day").dictionary_encode()
    known = pa.array([_ref_day(t, dates) for t in day.dictionary.to_pylist()], pa.int32())
    parts = []
    easy = np.flatnonzero(number.is_valid().to_numpy(zero_copy_only=False))
    if len(easy):
        at = pa.array(easy)
        parts.append((rows[easy], _marks(number.take(at)), known.take(day.indices.take(at)), False))
    hard: list[tuple[int, str, int | None]] = []
    own: list[int] = []
    rest = np.flatnonzero(~number.is_valid().to_numpy(zero_copy_only=False))
    for row, text in zip(rows[rest].tolist(), named.take(pa.array(rest)).to_pylist(), strict=True):
        candidates = dict.fromkeys((mark(n), _ref_day(d, dates)) for n, d in named_orders(text or ""))
        hard.extend((row, key, ref) for key, ref in candidates)
        if not candidates:
            own.append(row)
    parts.append(
        (
            np.array([h[0] for h in hard], np.int64),
            pa.array([h[1] for h in hard], pa.string()),
            pa.array([h[2] for h in hard], pa.int32()),
            False,
        )
    )
    own_rows = np.array(own, np.int64)
    numbers = _marks(found.numbers.take(pa.array(own_rows)))
    parts.append((own_rows, numbers, pa.nulls(len(own_rows), pa.int32()), True))
    return pa.concat_tables(_documents(file, found, *part) for part in parts)


def _documents(
    file: str, found: Dispatches, rows: npt.NDArray[np.int64], marks: pa.Array, ref: pa.Array, own: bool
) -> pa.Table:
    """Put together the rows of a batch that name their orders in one way."""
    n, at = len(rows), pa.array(rows)
    amount = pa.array(found.amount[rows] / 10_000.0, mask=~found.has_amount[rows])
    days = pa.array(found.days[rows], pa.int32())
    document = pc.binary_join_element_wise(found.numbers.take(at), days.cast(pa.string()), " ")
    return pa.Table.from_arrays(
        [
            pa.repeat(file, n),
            found.source_row.take(at),
            marks,
            ref.cast(pa.date32()),
            pa.repeat(own, n),
            document,
            found.clients.take(at).cast(pa.string()),
            days.cast(pa.date32()),
            amount,
        ],
        schema=DOCUMENTS,
    )


def _marks(numbers: pa.Array) -> pa.Array:
    """`mark` of a whole column."""
    digits = pc.match_substring_regex(numbers, "^[0-9]+$")
    bare = pc.utf8_ltrim(numbers, "0")
    return pc.if_else(digits, pc.if_else(pc.equal(bare, ""), "0", bare), pc.utf8_upper(numbers))


def _ref_day(text: str | None, dates: DateRule) -> int | None:
    """Day number of the date beside an order's number."""
    day = None if text is None else parse_date(text, dates)
    return None if day is None else day.toordinal() - _EPOCH


@dataclass(frozen=True)
class Overlap:
    """How much of what a file dispatched is also among the orders, by money: by number, by client and amount."""

    linked: float
    alike: float

    @property
    def share(self) -> float:
        """Share of the dispatched money found among the orders, either way."""
        return self.linked + self.alike


@dataclass(frozen=True)
class Shipped:
    """What one file of orders takes from the dispatch documents, by rows in the order of the file."""

    rows: npt.NDArray[np.int64]
    days: npt.NDArray[np.int32]
    """Days since 1970; the least whole number where nothing was dispatched."""
    shares: npt.NDArray[np.float64]
    """Share of the order's amount that was dispatched, NaN where it cannot be told."""


class Links:
    """Ties dispatch documents to orders with DuckDB; the orders are read from the canonical lines."""

    def __init__(self, store: Store, lines: Path, orders: Iterable[str]) -> None:
        """``orders`` names the files whose lines are orders."""
        self._store = store
        self._source = parquet(lines)
        store.keep("order_files", pa.table({"source_file": pa.array(list(orders), pa.string())}))
        # One row per order: client × number × date, as documents are compared elsewhere.
        store.run(f"""
CREATE OR REPLACE TEMP TABLE known_orders AS
SELECT *, count(*) OVER (PARTITION BY mark) AS same_number FROM (
  SELECT client_key, order_id, order_date, {_MARK.format("order_id")} AS mark, CAST(sum(amount) AS DOUBLE) AS amount
  FROM {self._source} WHERE kind = 'sale' AND source_file IN (SELECT source_file FROM order_files)
  GROUP BY client_key, order_id, order_date HAVING sum(amount) > 0)""")

        store.keep("documents", DOCUMENTS.empty_table())

    def add(self, documents: pa.Table) -> None:
        """Take in dispatch documents."""
        with self._store.given("batch", documents):
            self._store.run("INSERT INTO documents SELECT * FROM batch")

    def match(self) -> None:
        """Find the order of every document row: the same client first, then the nearest order before it.

        A number that several orders share (1C starts anew every year) needs the client or the date to tell them
        apart; a document's own number counts only for the same client and within a year.
        """
        self._store.run("""
CREATE OR REPLACE TEMP TABLE linked AS
SELECT *, count(*) OVER (PARTITION BY file, row) = 1 AS alone FROM (
SELECT d.file, d.row, d.day, d.amount, o.client_key, o.order_id, o.order_date
FROM documents AS d JOIN known_orders AS o ON o.mark = d.mark AND (d.ref_day IS NULL OR d.ref_day = o.order_date)
WHERE CASE WHEN d.own THEN coalesce(d.client_key = o.client_key, TRUE) AND d.day - o.order_date BETWEEN -3 AND 366
           WHEN d.ref_day IS NOT NULL THEN TRUE
           ELSE (o.same_number = 1 OR coalesce(d.client_key = o.client_key, FALSE)) AND o.order_date - d.day <= 31 END
QUALIFY row_number() OVER (
  PARTITION BY d.file, d.row, d.mark, d.ref_day
  ORDER BY coalesce(d.client_key = o.client_key, FALSE) DESC, o.order_date <= d.day DESC,
           abs(d.day - o.order_date), o.client_key, o.order_id) = 1)""")

    def drop(self, file: str) -> None:
        """Forget a file whose rows are sales after all."""
        for table in ("documents", "linked"):
            self._store.run(f"DELETE FROM {table} WHERE file = ?", [file])

    def overlap(self, file: str) -> Overlap:
        """How much of a file's money is among the orders: by number, else a document of equal client and amount."""
        found = self._store.row(
            """
WITH rows AS (SELECT row, any_value(document) AS document, any_value(client_key) AS client_key, any_value(day) AS day,
                     any_value(amount) AS amount, row IN (SELECT row FROM linked WHERE file = $file) AS linked
              FROM documents WHERE file = $file GROUP BY row),
documents_whole AS (SELECT client_key, day, linked, sum(amount) AS amount FROM rows
                    GROUP BY coalesce(document, CAST(row AS VARCHAR)), client_key, day, linked),
seen AS (SELECT linked, abs(amount) AS amount, NOT linked AND EXISTS (
           SELECT 1 FROM known_orders AS o WHERE o.client_key = w.client_key AND abs(o.amount - w.amount) < 0.01
             AND o.order_date BETWEEN w.day - 180 AND w.day + 7) AS alike
         FROM documents_whole AS w)
SELECT coalesce(sum(amount) FILTER (linked) / nullif(sum(amount), 0), 0),
       coalesce(sum(amount) FILTER (alike) / nullif(sum(amount), 0), 0) FROM seen""",
            {"file": file},
        )
        return Overlap(float(found[0]), float(found[1]))

    def linked_rows(self, file: str) -> npt.NDArray[np.int64]:
        """Rows of a dispatch file that found an order, in order."""
        sql = "SELECT DISTINCT row FROM linked WHERE file = ? ORDER BY row"
        return np.asarray(self._store.columns(sql, [file])["row"], np.int64)

    def orphans(self) -> int:
        """Number of dispatch documents that found no order."""
        return int(
            self._store.row("""
SELECT count(DISTINCT (file, coalesce(document, CAST(row AS VARCHAR)))) FROM documents AS d
WHERE NOT EXISTS (SELECT 1 FROM linked AS l WHERE l.file = d.file AND l.row = d.row)""")[0]
        )

    def orders(self) -> tuple[int, int]:
        """Number of orders that found a document, and of all orders."""
        found = self._store.row("""
SELECT (SELECT count(*) FROM (SELECT DISTINCT client_key, order_id, order_date FROM linked)),
       (SELECT count(*) FROM known_orders)""")
        return int(found[0]), int(found[1])

    def late_start(self) -> tuple[dt.date, dt.date] | None:
        """First order and first dispatch, where the dispatches begin more than a month later: a shorter export."""
        first, sent = self._store.row(
            "SELECT (SELECT min(order_date) FROM known_orders), (SELECT min(day) FROM documents)"
        )
        return (first, sent) if first and sent and (sent - first).days > 31 else None

    def usual_share(self) -> float | None:
        """The dispatched share of the middle order: far from one where the files differ in VAT."""
        value = self._store.row(f"SELECT median(share) FROM ({self._shares()}) WHERE share IS NOT NULL")[0]
        return None if value is None else float(value)

    def shipped(self, file: str) -> Shipped:
        """The day of the last dispatch and the dispatched share for every row of a file of orders that has any.

        Of an order that none of the documents names nothing was shipped, where nearly every document found its order and
        documents of its time are there: it is short, not unknown.
        """
        found = self._store.columns(
            f"SELECT l.source_row AS row, coalesce(date_diff('day', DATE '1970-01-01', s.day), {_NO_DAY}) AS day, s.share "
            f"FROM {self._source} AS l JOIN ({self._shares()} UNION ALL {self._unsent()}) AS s "
            "ON l.client_key = s.client_key AND l.order_id = s.order_id AND l.order_date = s.order_date "
            "WHERE l.source_file = ? AND l.kind = 'sale' ORDER BY l.source_row",
            [file],
        )
        share = np.ma.filled(np.ma.asarray(found["share"], np.float64), np.nan)
        return Shipped(np.asarray(found["row"], np.int64), np.asarray(found["day"], np.int32), share)

    def _unsent(self) -> str:
        documents = int(
            self._store.row("SELECT count(DISTINCT (file, coalesce(document, CAST(row AS VARCHAR)))) FROM documents")[0]
        )
        told = documents > 0 and self.orphans() <= _STRAYS * documents
        return f"""
SELECT o.client_key, o.order_id, o.order_date, CAST(NULL AS DATE) AS day, 0.0 AS share
FROM known_orders AS o
WHERE {str(told).upper()} AND o.order_id IS NOT NULL
  AND o.order_date BETWEEN (SELECT min(day) FROM documents) AND (SELECT max(day) - {_ON_THE_WAY} FROM documents)
  AND NOT EXISTS (SELECT 1 FROM linked AS l WHERE l.client_key = o.client_key AND l.order_id = o.order_id
                  AND l.order_date = o.order_date)"""

    @staticmethod
    def _shares() -> str:
        # A row that names several orders dates them all, but what part of its amount is whose is not known.
        return """
SELECT l.client_key, l.order_id, l.order_date, max(l.day) AS day,
       CASE WHEN bool_and(l.alone AND l.amount IS NOT NULL) THEN sum(l.amount) / any_value(o.amount) END AS share
FROM linked AS l JOIN known_orders AS o USING (client_key, order_id, order_date)
GROUP BY l.client_key, l.order_id, l.order_date"""


@dataclass(frozen=True)
class Covered:
    """Absolute revenue of the lines that have a ship date and a dispatched share, in ten-thousandths."""

    dated: int
    shared: int


def give_dates(lines: Path, shipped: Mapping[str, Shipped], *, shares: bool) -> Covered:
    """Write the day of dispatch into the lines that have none, and the dispatched share where ``shares`` says so.

    ``shipped`` is by file of orders. The file is written anew, one row group at a time.
    """
    dated = shared = 0
    texts = [f.name for f in OUTPUT_SCHEMA if pa.types.is_dictionary(f.type)]
    fresh = lines.with_suffix(".dated")
    with pq.ParquetFile(lines, read_dictionary=texts) as old, lines_writer(fresh) as new:
        for at in range(old.num_row_groups):
            group = old.read_row_group(at)
            found = shipped.get(group.column("source_file")[0].as_py())
            if found is not None and len(found.rows):
                group = _dated(group, found, shares=shares)
            money = np.abs(from_decimal(group.column("amount").combine_chunks())[0])
            dated += int(money[_filled(group, "shipped_date")].sum())
            shared += int(money[_filled(group, "shipped_pct")].sum())
            new.write_table(group.cast(OUTPUT_SCHEMA), row_group_size=group.num_rows)
    fresh.replace(lines)
    return Covered(dated, shared)


def _filled(group: pa.Table, name: str) -> npt.NDArray[np.bool_]:
    return np.asarray(group.column(name).is_valid().to_numpy())


def _dated(group: pa.Table, found: Shipped, *, shares: bool) -> pa.Table:
    """Give one row group of a file of orders what its dispatch documents say."""
    rows = group.column("source_row").to_numpy()
    place = np.minimum(np.searchsorted(found.rows, rows), len(found.rows) - 1)
    hit = found.rows[place] == rows
    sent = hit & (found.days[place] != _NO_DAY)
    days = pa.array(np.where(sent, found.days[place], 0), pa.int32(), mask=~sent).cast(pa.date32())
    at = group.schema.get_field_index("shipped_date")
    kept = group.column(at).combine_chunks()
    group = group.set_column(at, "shipped_date", pc.coalesce(kept, days))
    if shares:
        share = found.shares[place]
        share = np.where(share >= _WHOLE, 1.0, np.clip(share, 0.0, 1.0))
        at = group.schema.get_field_index("shipped_pct")
        group = group.set_column(at, "shipped_pct", pa.array(share, mask=~hit | np.isnan(share)))
    return group
