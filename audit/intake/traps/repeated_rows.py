"""The same rows twice inside one file: a list pasted below itself, an export joined with its copy."""

from __future__ import annotations

from audit.errors import Answer, Text
from audit.intake.documents import fits
from audit.intake.store import parquet, quoted
from audit.intake.summary import equal_lines
from audit.intake.table import Orders
from audit.intake.traps import reading_line
from audit.intake.twice import Again, money_text, share_of
from audit.model.intake_report import Question
from audit.settings import Settings

__all__ = ["again", "look"]

_LEAST_SHARE = 0.01
"""Share of the rows that stand again, below which equal lines are what they are everywhere: goods scanned twice."""

# Rows of documents all of whose lines stand several times; without numbers, rows copied in one block further down.
_REPEATS = """
WITH rows AS (SELECT source_file AS file, source_row AS row, client_key, order_id, order_date, amount,
                hash(source_file, client_key, order_id, order_date, sku, qty, amount) AS mark FROM {lines}),
numbered AS (SELECT *, row_number() OVER (PARTITION BY mark ORDER BY row) AS k, count(*) OVER (PARTITION BY mark) AS n,
               row - lag(row) OVER (PARTITION BY mark ORDER BY row) AS step FROM rows),
whole AS (SELECT file, client_key, order_id, order_date FROM numbered WHERE order_id IS NOT NULL
          GROUP BY ALL HAVING min(n) > 1),
blocks AS (SELECT file, step, count(*) AS n FROM numbered WHERE order_id IS NULL AND step > 1 GROUP BY ALL),
copied AS (SELECT file, arg_max(step, n) AS step FROM blocks GROUP BY file
           HAVING max(n) >= 2 AND max(n) >= 0.8 * arg_max(step, n))
SELECT r.file, r.row, CAST(r.amount AS DOUBLE) AS amount FROM numbered AS r LEFT JOIN whole AS w ON r.file = w.file
  AND r.client_key = w.client_key AND r.order_id = w.order_id AND r.order_date = w.order_date
LEFT JOIN copied AS c ON r.file = c.file
WHERE r.k > 1 AND NOT list_contains({once}::VARCHAR[], r.file)
  AND (w.file IS NOT NULL OR (r.order_id IS NULL AND r.step = c.step))"""


def _repeats(orders: Orders, settings: Settings) -> str | None:
    """Return the query of the rows that stand again; None where hardly any row has an equal one.

    Files whose documents' sums were divided among their lines have equal lines by that, and nothing twice.
    """
    if orders.tally.equal_lines is None:
        orders.tally.equal_lines = equal_lines(orders.store, orders.lines)
    equal = orders.tally.equal_lines
    if not equal or equal < _LEAST_SHARE * orders.tally.rows:
        return None
    divided = settings.reading.document_sums or ()
    once = [quoted(t.name) for t in orders.tables if fits(t.name, t.reader.sheet, divided)]
    return _REPEATS.format(lines=parquet(orders.lines), once=f"[{', '.join(once)}]")


def look(orders: Orders, settings: Settings) -> Question | None:
    """Ask where whole documents, or a block of rows, stand in a file more than once."""
    sql = _repeats(orders, settings) if settings.reading.repeated_rows is None else None
    if sql is None:
        return None
    n, revenue, files = orders.store.row(f"SELECT count(*), sum(amount), list_sort(list(DISTINCT file)) FROM ({sql})")
    if n < _LEAST_SHARE * orders.tally.rows or not n:
        return None
    where, money = ", ".join(files), money_text(float(revenue))
    return Question(
        Text(
            f"{where}: одни и те же строки повторены внутри файла: {n}, сумма {money.ru}. Сейчас они посчитаны дважды",
            f"{where}: the same rows are repeated inside the file: {n}, amount {money.en}. They are counted twice now",
        ),
        reading_line("repeated_rows", "drop"),
        others=(
            Answer(Text("это разные продажи", "these are different sales"), reading_line("repeated_rows", "keep")),
        ),
        kind="repeated_rows",
        means=Text("это повтор, считать один раз", "they are repeated, count them once"),
        share=share_of(float(revenue), orders),
    )


def again(orders: Orders, settings: Settings) -> Again | None:
    """Return the repeated rows, the first of each stays."""
    sql = _repeats(orders, settings) if settings.reading.repeated_rows == "drop" else None
    if sql is None:
        return None
    rows: dict[str, set[int]] = {}
    for file, row, _ in orders.store.rows(sql):
        rows.setdefault(file, set()).add(row)
    n = sum(map(len, rows.values()))
    if not n:
        return None
    return Again(
        {file: frozenset(found) for file, found in rows.items()},
        "repeated_row",
        Text(f"Повторы строк внутри файла отложены: {n}", f"Rows repeated inside a file were set aside: {n}"),
    )
