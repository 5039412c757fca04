"""Two systems, each with numbers of its own, hold the same sales: 1C and the CRM, the old program and the new."""

from __future__ import annotations

from audit.errors import Answer, Text
from audit.intake.documents import fits
from audit.intake.store import parquet
from audit.intake.table import Orders, Table
from audit.intake.traps import files_line
from audit.intake.twice import Again, client_days, money_text, percent, share_of, window
from audit.model.intake_report import Question
from audit.settings import Settings

__all__ = ["again", "look"]

_SAME = 0.8
"""Share of a file's money that another file holds client by client and day by day, from which they are one thing."""
_LEAST = 3
"""Equal client-days below which likeness may be chance, unless nothing differs; one sum over and over tells nothing."""

# One row per pair of files: money of the first on days that both cover, the part the second holds, equal client-days.
_PAIRS = """
WITH days AS ({days}),
spans AS (SELECT file, min(day) AS first, max(day) AS last, count(*) AS n FROM days GROUP BY file),
shared AS (SELECT a.file AS one, b.file AS other, greatest(a.first, b.first) AS first, least(a.last, b.last) AS last
         FROM spans AS a JOIN spans AS b ON a.file <> b.file AND a.first <= b.last AND b.first <= a.last),
inside AS (SELECT one, other, sum(d.revenue) AS revenue, count(*) AS n
           FROM shared JOIN days AS d ON d.file = one AND d.day BETWEEN first AND last GROUP BY ALL),
equal AS (SELECT a.file AS one, b.file AS other, sum(a.revenue) AS revenue, count(*) AS n, count(DISTINCT a.revenue) AS sums
          FROM days AS a JOIN days AS b ON a.client_key = b.client_key AND a.day = b.day AND a.file <> b.file
               AND abs(a.revenue - b.revenue) < 0.005
          WHERE (a.ids IS NOT NULL OR b.ids IS NOT NULL) AND NOT coalesce(list_has_any(a.ids, b.ids), false)
          GROUP BY ALL)
SELECT one, other, equal.revenue, inside.revenue, equal.n, inside.n, equal.sums FROM equal JOIN inside USING (one, other)"""


def look(orders: Orders, settings: Settings) -> Question | None:
    """Ask where most of a file's money stands in another file too, under other numbers."""
    tables = orders.sales()
    if settings.reading.same_sales is not None or len(tables) < 2:
        return None
    pairs = {(r[0], r[1]): r[2:] for r in orders.store.rows(_PAIRS.format(days=client_days(orders)))}
    kept: list[Table] = []
    copies: dict[str, float] = {}
    for t in sorted(tables, key=lambda t: (-orders.tally.by_file[t.name], -len(t.staged.fields), t.name)):
        shares = [pairs[t.name, k.name] for k in kept if (t.name, k.name) in pairs]
        same = [
            found[0]
            for found in shares
            if found[0] >= _SAME * found[1] and (found[2] >= _LEAST or found[2] == found[3]) and found[4] > 1
        ]
        if same:
            copies[t.name] = max(same)
        else:
            kept.append(t)
    if not copies:
        return None
    mirrors = sorted({k.name for k in kept for c in copies if (c, k.name) in pairs})
    first = next(iter(copies))
    whole = max(pairs[first, k][0] / pairs[first, k][1] for k in mirrors if (first, k) in pairs)
    money = money_text(sum(copies.values()))
    here, there = ", ".join(copies), ", ".join(mirrors)
    return Question(
        Text(
            f"Те же продажи, похоже, есть в файлах двух программ: {percent(whole)} % суммы {here} — те же клиенты, дни и "
            f"суммы, что в {there}, но с другими номерами. Сейчас они посчитаны дважды: {money.ru}",
            f"The same sales seem to stand in the files of two systems: {percent(whole)} % of the money of {here} is the "
            f"same clients, days and amounts as in {there}, under other numbers. They are counted twice now: {money.en}",
        ),
        files_line("same_sales", copies),
        others=(
            Answer(
                Text(f"те же продажи, оставить {here}", f"the same sales, keep {here}"),
                files_line("same_sales", mirrors),
            ),
            Answer(Text("это разные продажи", "these are different sales"), "[reading]\nsame_sales = []"),
        ),
        kind="same_sales",
        means=Text(f"те же продажи, не считать {here}", f"the same sales, leave {here} out"),
        share=share_of(sum(copies.values()), orders),
    )


_APART_DAYS = 90
"""How many days apart two systems may date one sale: a deal is won before its documents are written."""
_AGAIN = f"""
WITH sums AS (SELECT source_file AS file, client_key, order_id, order_date, sum(amount) AS amount
              FROM {{lines}} GROUP BY ALL HAVING sum(amount) > 0),
beyond AS (SELECT DISTINCT d.client_key, d.order_id, d.order_date
           FROM sums AS d JOIN sums AS o ON o.file IN (SELECT unnest($others)) AND o.client_key = d.client_key
                AND o.amount = d.amount AND abs(date_diff('day', d.order_date, o.order_date)) <= {_APART_DAYS}
           WHERE d.file = $file AND d.order_date NOT BETWEEN $first AND $last)
SELECT source_row FROM {{lines}} AS l WHERE source_file = $file AND (order_date BETWEEN $first AND $last OR EXISTS (
    SELECT 1 FROM beyond AS b WHERE b.client_key = l.client_key AND b.order_date = l.order_date
    AND b.order_id IS NOT DISTINCT FROM l.order_id))"""
"""Rows on the days that the others cover, and before or after them those of documents that the others hold, too."""


def again(orders: Orders, settings: Settings) -> Again | None:
    """Return the rows of the files named on the days that the others cover, and of documents that they date otherwise."""
    asked = settings.reading.same_sales or ()
    tables = orders.sales()
    named = [t for t in tables if fits(t.name, t.reader.sheet, asked)]
    others = [t for t in tables if t not in named]
    if not named or not others:
        return None
    first, last = window(orders.store, orders, others)
    rows = {
        t.name: frozenset(
            n
            for (n,) in orders.store.rows(
                _AGAIN.format(lines=parquet(orders.lines)),
                {"file": t.name, "others": [o.name for o in others], "first": first, "last": last},
            )
        )
        for t in named
    }
    files, n = ", ".join(t.name for t in named), sum(map(len, rows.values()))
    return Again(
        rows,
        "same_sale",
        Text(
            f"{files}: те же продажи есть в других файлах, строк отложено: {n}",
            f"{files}: the same sales stand in other files, rows set aside: {n}",
        ),
    )
