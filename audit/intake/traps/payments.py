"""Payments beside orders: money that came in for sales that another file holds, some days later and in its own documents."""

from __future__ import annotations

import re
from collections.abc import Sequence

from audit.errors import Answer, Text
from audit.intake.documents import fits
from audit.intake.store import parquet
from audit.intake.table import Orders, Table
from audit.intake.traps import files_line
from audit.intake.twice import Again, percent, share_of
from audit.model.intake_report import Question
from audit.settings import Settings

__all__ = ["again", "look", "of_payments"]

_DOCUMENT = re.compile(
    r"поступлени\w{1,9} (?:на расч|безнал|денеж|дс\b|наличн)|плат[её]жн\w{1,9} (?:поруч|орд|документ)|приходн\w{1,9} касс|\bпко\b"
    r"|оплата (?:от|покупат|по|плат[её]ж)|эквайринг|взаимозач|\b(?:customer |incoming )?payment\b|remittance"
    r"|cash receipt|bank receipt|wire transfer",
    re.IGNORECASE,
)
"""A cell that names a document of payment."""
_TITLE = re.compile(
    r"оплат|платеж|платёж|поступлени\w{1,9} (?:денег|дс|денежн|на расч)|payment|receipts|remittance", re.IGNORECASE
)
"""A title of payments, which may as well be one of orders («оплаченные заказы»)."""
_SAME = 0.8
_NAMED = 0.5
"""Share of a file's money that stands among the orders by client and amount: without a title of payments, and with one."""
_BEFORE_DAYS, _AFTER_DAYS = 10, 90
"""How long before a sale it may be paid, and how long after."""

_ALIKE = f"""
WITH sums AS (SELECT source_file AS file, client_key, order_id, order_date AS day, CAST(sum(amount) AS DOUBLE) AS amount
              FROM {{lines}} GROUP BY ALL HAVING sum(amount) > 0),
paid AS (SELECT client_key, amount, day, row_number() OVER (PARTITION BY client_key, amount ORDER BY day) AS k
         FROM sums WHERE file = $file),
sold AS (SELECT client_key, amount, day, row_number() OVER (PARTITION BY client_key, amount ORDER BY day) AS k
         FROM sums WHERE file IN (SELECT unnest($others)))
SELECT coalesce(sum(p.amount) FILTER (s.day IS NOT NULL), 0), coalesce(sum(p.amount), 0), count(s.day),
       count(DISTINCT p.amount) FILTER (s.day IS NOT NULL), count(*) FILTER (s.day = p.day)
FROM paid AS p LEFT JOIN sold AS s ON s.client_key = p.client_key AND s.amount = p.amount AND s.k = p.k
     AND date_diff('day', s.day, p.day) BETWEEN -{_BEFORE_DAYS} AND {_AFTER_DAYS}"""


def of_payments(sample: Sequence[Sequence[str]]) -> bool:
    """Whether most cells of a column of a table's first rows name documents of payment."""
    rows = [cells for cells in sample if any(cells)][:100]
    for column in range(max(map(len, rows), default=0)):
        cells = [c for r in rows if column < len(r) and (c := r[column].strip())]
        if len(cells) * 2 >= len(rows) and sum(bool(_DOCUMENT.search(c[:60])) for c in cells) > 0.6 * len(cells):
            return True
    return False


def _titled(t: Table) -> bool:
    title = " ".join(c for _, cells in t.plan.preamble[:3] for c in cells if c)
    return any(_TITLE.search(text) for text in (t.name, t.reader.sheet or "", title))


def look(orders: Orders, settings: Settings) -> Question | None:
    """Ask about files whose documents are payments, or whose sums are those of the sales some days later."""
    tables = orders.sales()
    if settings.reading.payment_files is not None or len(tables) < 2:
        return None
    certain = [t for t in tables if t.of_payments]
    found: dict[str, float] = {}
    for t in sorted(tables, key=lambda t: (t not in certain, not _titled(t), orders.tally.by_file[t.name], t.name)):
        others = [o.name for o in tables if o is not t and o.name not in found and o not in certain]
        if not others:
            continue
        values = {"file": t.name, "others": others}
        alike, money, n, sums, same_day = orders.store.row(_ALIKE.format(lines=parquet(orders.lines)), values)
        share = alike / money if money else 0.0
        # Without words it needs sums that tell sales apart, on days that are not the sales' own.
        unnamed = share >= _SAME and n >= 3 and sums >= 3 and 2 * same_day < n
        if t in certain or (share >= _NAMED and _titled(t)) or unnamed:
            found[t.name] = share
    if not found:
        return None
    taken = all(t in certain or _titled(t) for t in tables if t.name in found)
    names = ", ".join(found)
    shares = ", ".join(f"{name} — {percent(share)} %" for name, share in found.items())
    now = (
        Text("Продажами они не посчитаны", "They are not counted as sales")
        if taken
        else Text("Сейчас они посчитаны как продажи", "They are counted as sales now")
    )
    return Question(
        Text(
            f"Рядом с заказами лежат оплаты тех же продаж ({names}): по клиенту и сумме среди заказов есть {shares}. {now.ru}",
            f"Payments of the same sales stand beside the orders ({names}): by client and amount the orders hold {shares}. "
            f"{now.en}",
        ),
        files_line("payment_files", found),
        others=(
            Answer(Text("это отдельные продажи", "these are sales of their own"), "[reading]\npayment_files = []"),
        ),
        kind="payments",
        share=share_of(sum(orders.tally.by_file[name] for name in found) / 10_000.0, orders),
        taken=taken,
    )


def again(orders: Orders, settings: Settings) -> Again | None:
    """Return every row of the files named as payments."""
    asked = settings.reading.payment_files or ()
    named = [t for t in orders.sales() if fits(t.name, t.reader.sheet, asked)]
    if not named:
        return None
    sql = f"SELECT source_row FROM {parquet(orders.lines)} WHERE source_file = ?"
    rows = {t.name: frozenset(n for (n,) in orders.store.rows(sql, [t.name])) for t in named}
    files, n = ", ".join(rows), sum(map(len, rows.values()))
    return Again(
        rows,
        "payment",
        Text(
            f"{files}: оплаты, а не продажи; строк отложено: {n}",
            f"{files}: payments and no sales; rows set aside: {n}",
        ),
    )
