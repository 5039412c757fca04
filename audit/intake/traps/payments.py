"""Payments beside orders: money that came in for sales that another file holds, some days later and in its own documents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from audit.errors import AmbiguityError, Answer, InputError, Text
from audit.intake.documents import fits
from audit.intake.headers import normalise_header
from audit.intake.store import parquet
from audit.intake.table import Orders, Table
from audit.intake.traps import files_line
from audit.intake.twice import Again, money_text, percent, share_of
from audit.model.intake_report import Question
from audit.settings import Settings

__all__ = ["again", "alone", "certain", "look", "said_so", "unread"]

_PAYMENTS = Text("это оплаты, продажами не считать", "these are payments, do not count them as sales")
_DOCUMENT = re.compile(
    r"поступлени\w{1,9} (?:на расч|безнал|денеж|дс\b|наличн)|плат[её]жн\w{1,9} (?:поруч|орд|документ)|приходн\w{1,9} касс|\bпко\b"
    r"|оплата (?:от|покупат|по|плат[её]ж)|эквайринг|взаимозач|\b(?:customer |incoming )?payment\b|remittance"
    r"|cash receipt|bank receipt|wire transfer",
    re.IGNORECASE,
)
"""A cell that names a document of payment."""
_TITLE = re.compile(
    r"оплат|платеж|платёж|поступлени\w{1,9} (?:денег|дс|денежн|на расч|в банк|в касс|от покупат)"
    r"|(?:банк|касс)\w{0,12}\W{1,9}(?:\w{1,40}\W{1,9})?поступлени"
    r"|выписк\w{0,9} (?:банк|по сч|по р)|банк\w{0,12} выписк"
    r"|payment|receipts|remittance|bank statement|zahlungseing|cobros|encaissements",
    re.IGNORECASE,
)
"""A title of payments, which may as well be one of orders («оплаченные заказы»)."""
_HEADER = re.compile(
    r"плательщик\w*|назначени\w* платеж\w*|поступлени[ея]|приход|сумма (?:прихода|поступления|оплаты|платежа)"
    r"|дата (?:оплаты|платежа|поступления)"
    r"|(?:вид|способ|номер) (?:оплаты|платежа)|платеж\w* (?:поручение|документ)|(?:расчетный )?счет получателя|банк"
    r"|payer|paid by|payment (?:date|amount|method|reference|no|number|id|ref)|amount (?:paid|received)|date received|received from"
    r"|remittance|zahler|verwendungszweck|zahlungseingang|zahlungsdatum|auftraggeber|ordenante|fecha de pago|payeur"
)
"""Headers of lists of payments; one alone stands in lists of orders, too."""
_GOODS = re.compile(
    r"\b(?:сделк\w*|стади\w*|deals?|stage|счет(?:а|ов)?$|товар\w*|номенклатур\w*|артикул\w*|количеств\w*|заказ\w*|реализаци\w*|отгруз\w*|накладн\w*|product|item|sku|quantity|qty"
    r"|orders?|invoice|shipment|artikel|menge|auftrag(?:s\w*)?|bestell\w*)\b"
)
"""Headers of lists of what was sold."""
_SYSTEM = re.compile(
    r"сделк|воронк|\bлид|стади|этап|\bcrm|\bdeals?\b|\bpipeline|\bstage\b|\blead|opportunit|amocrm|bitrix|битрикс"
)
"""What a CRM calls its sales, in headers and names."""
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
       count(DISTINCT p.amount) FILTER (s.day IS NOT NULL), count(*) FILTER (s.day = p.day),
       coalesce(median(date_diff('day', s.day, p.day)) FILTER (s.day IS NOT NULL), 0)
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


def said_so(name: str, sheet: str | None, rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return what says that a table lists payments: its documents, two headers of payments, or its title and one of them.

    Empty where nothing does, or where headers speak of goods and orders.
    """
    if of_payments(rows):
        return (next(c.strip()[:60] for cells in rows for c in cells if _DOCUMENT.search(c[:60])),)
    title = next((t for t in (name, sheet or "", *(c for cells in rows[:5] for c in cells)) if _TITLE.search(t)), None)
    for cells in rows[:40]:
        words = {c.strip(): normalise_header(c)[0] for c in cells if c.strip() and len(c) <= 40}
        found = [shown for shown, word in words.items() if _HEADER.fullmatch(word)]
        if len(found) + (title is not None) >= 2 and found and not any(_GOODS.search(w) for w in words.values()):
            return tuple(found[:3])
    return ()


def certain(rows: Sequence[Sequence[str]], labels: Mapping[str, str]) -> bool:
    """Whether a table that could be read is one of payments: by its documents, or by two of the columns that serve."""
    own = (labels[f] for f in ("order_date", "client", "client_id", "amount") if f in labels)
    return of_payments(rows) or sum(bool(_HEADER.fullmatch(normalise_header(h)[0])) for h in own) >= 2


def unread(files: Mapping[str, Sequence[str]]) -> Question:
    """Ask about files of payments whose columns are not known: they were not read. ``files``: name → what says so."""
    shown = "; ".join(f"{name} ({', '.join(f'«{word}»' for word in words)})" for name, words in files.items())
    return Question(
        Text(
            f"Рядом с заказами лежат оплаты, они не прочитаны: {shown}",
            f"Payments stand beside the orders and were not read: {shown}",
        ),
        files_line("payment_files", files),
        means=_PAYMENTS,
        others=(Answer(Text("это продажи", "these are sales"), "[reading]\npayment_files = []"),),
        kind="payments",
        taken=True,
    )


def alone(error: InputError, words: Sequence[str]) -> InputError:
    """Return the error for a file of payments without orders beside it; what the file lacks is said after it."""
    shown = ", ".join(f"«{word}»" for word in words)
    what = Text(
        f"Это оплаты, а не заказы ({shown}). {error.what.ru}",
        f"These are payments and no orders ({shown}). {error.what.en}",
    )
    todo = error.todo or Text("", "")
    todo = Text(
        f"Попросите список заказов или отгрузок. {todo.ru}", f"Ask for the list of orders or dispatches. {todo.en}"
    )
    if isinstance(error, AmbiguityError):
        return AmbiguityError(
            what, where=error.where, todo=todo, answer=error.answer, means=error.means, others=error.others
        )
    return InputError(what, where=error.where, todo=todo)


def _titled(t: Table) -> bool:
    title = " ".join(c for _, cells in t.plan.preamble[:3] for c in cells if c)
    return any(_TITLE.search(text) for text in (t.name, t.reader.sheet or "", title))


def _of_system(t: Table) -> bool:
    """Whether a table comes from a CRM, by its name, sheet or headers."""
    own = t.name.rsplit("/", 1)[-1].lower().replace("_", " ").replace("-", " ")
    words = (own, (t.reader.sheet or "").lower(), *(normalise_header(u.header)[0] for u in t.plan.uses))
    return any(_SYSTEM.search(word) for word in words)


def look(orders: Orders, settings: Settings) -> Question | None:
    """Ask about files whose documents are payments, or whose sums are those of the sales some days later."""
    tables = orders.sales()
    if settings.reading.payment_files is not None:
        return None
    sure = [t for t in tables if t.of_payments]
    if tables and sure == tables:
        return _payments_alone(sure)
    found: dict[str, _Alike] = {}
    waiting = sorted(tables, key=lambda t: (t not in sure, not _titled(t), orders.tally.by_file[t.name], t.name))
    earlier: set[str] = set()
    while waiting:
        t = waiting.pop(0)
        others = [o.name for o in tables if o is not t and o.name not in found and o not in sure]
        if not others:
            continue
        values = {"file": t.name, "others": others}
        alike, money, n, sums, same_day, lag = orders.store.row(_ALIKE.format(lines=parquet(orders.lines)), values)
        share = alike / money if money else 0.0
        # Without words it needs sums that tell sales apart, on days that are not the sales' own.
        unnamed = settings.reading.same_sales is None and share >= _SAME and n >= 3 and sums >= 3 and 2 * same_day < n
        told = t in sure or (share >= _NAMED and _titled(t))
        if unnamed and not told and lag < 0 and t.name not in earlier:
            earlier.add(t.name)  # money and papers follow a sale: the file of the later days is looked at first
            waiting.append(t)
        elif told or unnamed:
            found[t.name] = _Alike(share, alike, int(lag))
    if not found:
        return None
    named = [t for t in tables if t.name in found and (t in sure or _titled(t))]
    rest = [t for t in tables if t.name not in found]
    if not named and any(_of_system(t) for t in tables):
        return _two_systems(orders, found)
    taken = len(named) == len(found)
    beside = ", ".join(t.name for t in rest)
    shares = Text(
        ", ".join(f"{percent(f.share)} % суммы {name}" for name, f in found.items()),
        ", ".join(f"{percent(f.share)} % of the money of {name}" for name, f in found.items()),
    )
    now = (
        Text("Продажами они не посчитаны", "They are not counted as sales")
        if taken
        else Text("Сейчас они посчитаны как продажи", "They are counted as sales now")
    )
    said = (
        Text("Рядом с заказами лежат оплаты тех же продаж", "Payments of the same sales stand beside the orders")
        if named
        else Text(
            "Похоже, рядом с заказами лежат оплаты тех же продаж, или это те же продажи из другой программы",
            "Payments of the same sales seem to stand beside the orders, or the same sales from another system",
        )
    )
    days = next(iter(found.values())).lag
    before = Text(f" (обычно на {days} дн. раньше)", f" (mostly {days} days before)") if days > 0 else Text("", "")
    different = Answer(Text("это отдельные продажи", "these are sales of their own"), "[reading]\npayment_files = []")
    mirror = Answer(
        Text("это те же продажи из другой программы", "these are the same sales from another system"),
        files_line("same_sales", found),
    )
    return Question(
        Text(
            f"{said.ru}: для {shares.ru} в {beside} есть тот же клиент с той же суммой{before.ru}. {now.ru}",
            f"{said.en}: for {shares.en} {beside} has the same client with the same sum{before.en}. {now.en}",
        ),
        files_line("payment_files", found),
        means=_PAYMENTS,
        others=(different,) if named else (mirror, different),
        kind="payments",
        share=share_of(sum(orders.tally.by_file[name] for name in found) / 10_000.0, orders),
        taken=taken,
    )


class _Alike(NamedTuple):
    """What of a file another one holds: share of its money, that money, by how many days it is later."""

    share: float
    money: float
    lag: int


def _payments_alone(tables: Sequence[Table]) -> Question:
    names = ", ".join(t.name for t in tables)
    return Question(
        Text(
            f"В папке только оплаты ({names}), заказов нет: оплата приходит частями и не в день заказа. Попросите список "
            "заказов или отгрузок; если его нет, подтвердите, что оплаты считаются продажами",
            f"The folder holds payments alone ({names}) and no orders: payments come in parts and on other days. Ask for the list "
            "of orders or dispatches; if there is none, confirm that payments count as sales",
        ),
        "[reading]\npayment_files = []",
        means=Text("считать оплаты продажами", "count the payments as sales"),
        kind="payments",
        share=1.0,
    )


def _two_systems(orders: Orders, found: Mapping[str, _Alike]) -> Question:
    """Ask about deals of a CRM beside the documents of the same sales, on other days."""
    tables = orders.sales()
    deals = [t.name for t in tables if _of_system(t)]
    documents = [t.name for t in tables if t.name not in deals] or [t.name for t in tables if t.name not in found]
    deals = [name for name in deals if name not in documents]
    share, money, days = next(iter(found.values()))
    gap = Text(f" (обычно с разницей в {abs(days)} дн.)", f" (mostly {abs(days)} days apart)") if days else Text("", "")
    counted = money_text(money)
    here, there = ", ".join(deals), ", ".join(documents)
    return Question(
        Text(
            f"Сделки CRM ({here}) и документы ({there}) — похоже, одни и те же продажи из двух программ: у {percent(share)} % "
            f"суммы те же клиенты и суммы{gap.ru}. Сейчас они посчитаны дважды: {counted.ru}",
            f"The deals of a CRM ({here}) and the documents ({there}) seem to be the same sales from two systems: "
            f"{percent(share)} % of the money is the same clients and sums{gap.en}. They are counted twice now: {counted.en}",
        ),
        files_line("same_sales", deals),
        means=Text(f"те же продажи, оставить {there}", f"the same sales, keep {there}"),
        others=(
            Answer(
                Text(f"те же продажи, оставить {here}", f"the same sales, keep {here}"),
                files_line("same_sales", documents),
            ),
            Answer(Text(f"{there} — оплаты", f"{there} are payments"), files_line("payment_files", documents)),
            Answer(Text("это разные продажи", "these are different sales"), "[reading]\nsame_sales = []"),
        ),
        kind="same_sales",
        share=share_of(money, orders),
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
