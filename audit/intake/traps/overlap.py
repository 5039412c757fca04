"""Exports of overlapping periods: the same documents in several files, as they were or corrected in between."""

from __future__ import annotations

from dataclasses import dataclass

from audit.errors import Answer, Text
from audit.intake.store import parquet
from audit.intake.table import Orders
from audit.intake.traps import reading_line
from audit.intake.twice import Again, money_text, percent, share_of
from audit.model.intake_report import Question
from audit.settings import Settings

__all__ = ["again", "look"]

_NEAR_DAYS = 31
"""A document corrected in its date keeps its number; farther apart, numbers started anew."""
_COMMON = 0.5
"""Share of a file's documents on days that both cover, from which its numbers are the other file's."""
_SAME = 0.8
"""Share of the money of rows without numbers, on days that both files cover, from which the days stand twice."""

# Every document of every file; one that was cancelled, deleted or not posted brings nothing and yet is a version.
_DOCUMENTS = """
SELECT source_file AS file, client_key, order_id, order_date AS day, count(*) AS n, CAST(sum(amount) AS DOUBLE) AS revenue,
       sum(CAST(hash(sku, qty, amount) AS HUGEINT)) AS mark, list(DISTINCT sku) FILTER (sku IS NOT NULL) AS items
FROM {lines} WHERE order_id IS NOT NULL GROUP BY ALL
UNION ALL SELECT DISTINCT file, client_key, order_id, day, 0, 0.0, 0, NULL FROM voided"""

# Documents that a later file has too; parts of one order in files of their own share no item and are none.
_VERSIONS = f"""
WITH documents AS ({_DOCUMENTS}),
spans AS (SELECT file, min(day) AS first, max(day) AS last, row_number() OVER (ORDER BY max(day), file) AS rank
          FROM documents GROUP BY file)
SELECT a.file AS early, b.file AS late, a.client_key, a.order_id, a.day AS early_day, b.day AS late_day,
       a.revenue AS early_revenue, b.revenue AS late_revenue, a.n AS early_n, b.n AS late_n,
       a.day = b.day AND a.n = b.n AND a.mark = b.mark AS equal
FROM documents AS a JOIN documents AS b ON a.client_key = b.client_key AND a.order_id = b.order_id
     AND abs(date_diff('day', a.day, b.day)) <= {_NEAR_DAYS}
     AND (a.items IS NULL OR b.items IS NULL OR list_has_any(a.items, b.items))
JOIN spans AS s ON s.file = a.file JOIN spans AS t ON t.file = b.file
WHERE s.rank < t.rank AND a.revenue * b.revenue >= 0"""

# Rows without a number on days that two files cover: money of each, and of the rows that are equal.
_BARE = """
WITH bare AS (SELECT source_file AS file, client_key, order_date AS day, sku, qty, amount, count(*) AS n
              FROM {lines} WHERE order_id IS NULL AND amount > 0 GROUP BY ALL),
spans AS (SELECT file, min(day) AS first, max(day) AS last, row_number() OVER (ORDER BY max(day), file) AS rank
          FROM bare GROUP BY file),
shared AS (SELECT a.file AS early, b.file AS late, greatest(a.first, b.first) AS first, least(a.last, b.last) AS last
         FROM spans AS a JOIN spans AS b ON a.rank < b.rank AND a.first <= b.last AND b.first <= a.last),
money AS (SELECT early, late, first, last,
            (SELECT sum(n * amount) FROM bare WHERE file = early AND day BETWEEN first AND last) AS early_money,
            (SELECT sum(n * amount) FROM bare WHERE file = late AND day BETWEEN first AND last) AS late_money FROM shared),
equal AS (SELECT a.file AS early, b.file AS late, sum(least(a.n, b.n) * a.amount) AS money, sum(least(a.n, b.n)) AS n
          FROM bare AS a JOIN bare AS b ON a.client_key = b.client_key AND a.day = b.day AND a.amount = b.amount
               AND a.sku IS NOT DISTINCT FROM b.sku AND a.qty IS NOT DISTINCT FROM b.qty GROUP BY ALL)
SELECT early, late, first, last, CAST(equal.money AS DOUBLE), CAST(least(early_money, late_money) AS DOUBLE), n
FROM money JOIN equal USING (early, late) ORDER BY early, late"""


@dataclass(frozen=True)
class _Days:
    """Days that two files without numbers cover alike: ``equal`` of ``money`` stands in both."""

    early: str
    late: str
    first: object
    last: object
    equal: float
    money: float


def _versions(orders: Orders) -> bool:
    """Put the documents that stand in several files where queries find them; whether there are any."""
    lines = parquet(orders.lines)
    orders.store.run(f"CREATE OR REPLACE TEMP TABLE versions AS {_VERSIONS.format(lines=lines)}")
    # Numbers from 1 on in each branch meet by chance: on common days most of a file's documents must be in the other.
    orders.store.run(f"""
CREATE OR REPLACE TEMP TABLE related AS
WITH documents AS ({_DOCUMENTS.format(lines=lines)}),
spans AS (SELECT file, min(day) AS first, max(day) AS last FROM documents GROUP BY file),
met AS (SELECT early, late, count(*) AS n, count(*) FILTER (equal) AS equal FROM versions GROUP BY ALL),
common AS (SELECT early, late, equal, n, least(
  (SELECT count(*) FROM documents AS d JOIN spans AS s ON s.file = late WHERE d.file = early AND d.day BETWEEN s.first AND s.last),
  (SELECT count(*) FROM documents AS d JOIN spans AS s ON s.file = early WHERE d.file = late AND d.day BETWEEN s.first AND s.last)
) AS there FROM met)
SELECT early, late FROM common WHERE equal > 0 OR (there > 0 AND n >= {_COMMON} * there)""")
    orders.store.run(
        "DELETE FROM versions AS v WHERE NOT EXISTS (SELECT 1 FROM related AS r WHERE r.early = v.early AND r.late = v.late)"
    )
    return bool(orders.store.row("SELECT count(*) FROM versions")[0])


def _bare(orders: Orders) -> list[_Days]:
    found = orders.store.rows(_BARE.format(lines=parquet(orders.lines)))
    return [_Days(*row[:6]) for row in found if row[4] >= _SAME * row[5] and (row[6] >= 3 or row[4] == row[5])]


_LATER = Answer(
    Text("верно то, что в более поздней выгрузке", "the later export holds"), reading_line("duplicates", "later")
)
_EARLIER = Answer(
    Text("верно то, что в более ранней выгрузке", "the earlier export holds"), reading_line("duplicates", "earlier")
)
_DROP = Answer(
    Text("одинаковые — одни и те же продажи", "what is equal is the same sale"), reading_line("duplicates", "drop")
)
_KEEP = Answer(Text("это разные продажи", "these are different sales"), reading_line("duplicates", "keep"))


def look(orders: Orders, settings: Settings) -> Question | None:
    """Ask about documents that stand in several files, equal or corrected, and about days that stand twice."""
    if settings.reading.duplicates is not None or len(orders.tables) < 2:
        return None
    if _versions(orders):
        n, edited, revenue, example = orders.store.row(
            "SELECT count(*), count(*) FILTER (NOT equal), sum(least(early_revenue, late_revenue)), "
            "min(order_id || ': ' || early_revenue::DECIMAL(18, 2) || ' / ' || late_revenue::DECIMAL(18, 2)) "
            "FILTER (NOT equal) FROM versions"
        )
        return _edited(int(n), int(edited), float(revenue), str(example), orders) if edited else _equal(orders)
    days = _bare(orders)
    return _stand_twice(days, orders) if days else None


def _edited(n: int, edited: int, revenue: float, example: str, orders: Orders) -> Question:
    return Question(
        Text(
            f"Одни и те же документы есть в нескольких файлах: {n}, из них изменены {edited} (например, {example}). "
            f"Сейчас посчитано и то и другое",
            f"The same documents stand in several files: {n}, of which {edited} were corrected in between (for example "
            f"{example}). Both versions are counted now",
        ),
        _LATER.lines,
        means=_LATER.means,
        others=(_EARLIER, *((_DROP,) if edited < n else ()), _KEEP),
        kind="overlap",
        share=share_of(revenue, orders),
    )


def _equal(orders: Orders) -> Question:
    n, lines, revenue, example = orders.store.row(
        "SELECT count(*), sum(late_n), sum(late_revenue), min(order_id) FROM (SELECT DISTINCT ON (late, client_key, "
        "order_id, late_day) * FROM versions WHERE equal)"
    )
    money = money_text(float(revenue))
    return Question(
        Text(
            f"Одни и те же документы есть в нескольких файлах: {n} (например, {example}), строк {lines}, выручка "
            f"{money.ru}. Сейчас они посчитаны дважды",
            f"The same documents stand in several files: {n} (for example {example}), rows: {lines}, revenue {money.en}. "
            "They are counted twice now",
        ),
        _DROP.lines,
        means=_DROP.means,
        others=(_KEEP,),
        kind="overlap",
        share=share_of(float(revenue), orders),
    )


def _stand_twice(days: list[_Days], orders: Orders) -> Question:
    one = max(days, key=lambda d: d.equal)
    money = sum(d.equal for d in days)
    whole = all(d.equal >= 0.999 * d.money for d in days)
    return Question(
        Text(
            f"Номеров документов нет, а дни с {one.first} по {one.last} есть и в {one.early}, и в {one.late}: совпадает "
            f"{percent(one.equal / one.money)} % суммы. Сейчас они посчитаны дважды",
            f"There are no document numbers, and the days from {one.first} to {one.last} stand both in {one.early} and in "
            f"{one.late}: {percent(one.equal / one.money)} % of the money is the same. They are counted twice now",
        ),
        (_DROP if whole else _LATER).lines,
        means=(_DROP if whole else _LATER).means,
        others=(_LATER if whole else _DROP, _EARLIER, _KEEP),
        kind="overlap",
        share=share_of(money, orders),
    )


def again(orders: Orders, settings: Settings) -> Again | None:
    """Return the rows of documents and days that another file has as well, as ``[reading] duplicates`` says."""
    asked = settings.reading.duplicates
    if asked in (None, "keep") or len(orders.tables) < 2:
        return None
    rows: dict[str, set[int]] = {}
    documents = 0
    lines = parquet(orders.lines)
    if _versions(orders):
        gone, stays = ("late", "early") if asked in ("drop", "earlier") else ("early", "late")
        equal = " AND v.equal" if asked == "drop" else ""
        found = orders.store.rows(
            f"SELECT l.source_file, l.source_row FROM {lines} AS l WHERE EXISTS (SELECT 1 FROM versions AS v WHERE "
            f"v.{gone} = l.source_file AND v.client_key = l.client_key AND v.order_id = l.order_id "
            f"AND v.{gone}_day = l.order_date{equal})"
        )
        documents = int(
            orders.store.row(
                f"SELECT count(DISTINCT (client_key, order_id, {stays}_day)) FROM versions AS v WHERE true{equal}"
            )[0]
        )
        for file, row in found:
            rows.setdefault(file, set()).add(row)
    for days in _bare(orders):
        if asked == "drop":
            sql = f"""
WITH rows AS (SELECT source_row, client_key, order_date, sku, qty, amount, row_number() OVER (
                PARTITION BY client_key, order_date, sku, qty, amount ORDER BY source_row) AS k
              FROM {lines} WHERE source_file = $late AND order_id IS NULL AND order_date BETWEEN $first AND $last),
held AS (SELECT client_key, order_date, sku, qty, amount, count(*) AS n FROM {lines}
         WHERE source_file = $early AND order_id IS NULL AND order_date BETWEEN $first AND $last GROUP BY ALL)
SELECT source_row FROM rows AS r JOIN held AS h ON r.client_key = h.client_key AND r.order_date = h.order_date
  AND r.amount = h.amount AND r.sku IS NOT DISTINCT FROM h.sku AND r.qty IS NOT DISTINCT FROM h.qty WHERE k <= n"""
            values = {"late": days.late, "early": days.early, "first": days.first, "last": days.last}
            gone_file = days.late
        else:
            gone_file = days.early if asked == "later" else days.late
            sql = (
                f"SELECT source_row FROM {lines} WHERE source_file = $file AND order_id IS NULL "
                "AND order_date BETWEEN $first AND $last"
            )
            values = {"file": gone_file, "first": days.first, "last": days.last}
        rows.setdefault(gone_file, set()).update(n for (n,) in orders.store.rows(sql, values))
    n = sum(map(len, rows.values()))
    if not n:
        return None
    if documents:
        note = Text(
            f"Документы, повторённые в нескольких файлах, учтены один раз: {documents}, строк {n}",
            f"Documents repeated in several files were counted once: {documents}, rows: {n}",
        )
    else:
        note = Text(
            f"Дни, которые есть в нескольких файлах, учтены один раз: строк отложено {n}",
            f"Days that stand in several files were counted once: rows set aside: {n}",
        )
    return Again({file: frozenset(found) for file, found in rows.items()}, "duplicate_document", note)
