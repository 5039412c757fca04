"""The sum of the whole document, repeated on each of its lines (1C «Сумма документа», SAP and CRM order totals)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audit.errors import Answer, Text
from audit.intake.documents import fits
from audit.intake.headers import normalise_header
from audit.intake.traps import Found, files_line
from audit.intake.values import parse_number
from audit.model.intake_report import Question
from audit.settings import Settings

if TYPE_CHECKING:
    from audit.intake.table import Orders, Table

__all__ = ["DOCUMENT_FIELDS", "Documents", "divide", "look", "share_in_question"]

DOCUMENT_FIELDS = ("order_id", "order_date", "client_id", "client")
"""What makes a document: 1C begins its numbers anew every year."""
_SAYS_SO = re.compile(
    r"(сумма|итого|всего|стоимость)\s+(по\s+)?(документа?у?|заказа?у?|накладной|реализации|счета?у?|чека?у?|сделки)\b"
    r"|\b(order|document|invoice|receipt|cart|basket|header)\s+(total|amount|sum|value)|\b(grand total|total paid)\b"
)
_Document = list[tuple[Decimal | None, Decimal | None]]
"""Amount and quantity × price of each line."""
_LOOKED_AT = 5_000
_LEAST_DOCUMENTS, _LEAST_ALONE = 2, 20
"""Documents of several lines that must all repeat their sum: with other signs beside, and without any."""


@dataclass(frozen=True)
class Documents:
    """The lines of a batch: the document of each, its amount, by what the document's sum is divided."""

    keys: Sequence[tuple[str | None, ...]]
    amounts: npt.NDArray[np.int64]
    weights: npt.NDArray[np.int64]


def divide(batches: Iterable[Documents]) -> list[npt.NDArray[np.int64]]:
    """Return the amounts of lines whose document's sum stood on each of them; they add up to it exactly.

    Divided by quantity × price, equally where a document has none. A line without a number is a document of its own.
    """
    whole = list(batches)
    lines: dict[tuple[str | None, ...], list[tuple[int, int]]] = {}
    for at, batch in enumerate(whole):
        for i, key in enumerate(batch.keys):
            if key[0] is not None:
                lines.setdefault(key, []).append((at, i))
    out = [batch.amounts.copy() for batch in whole]
    for places in lines.values():
        total = next((int(out[at][i]) for at, i in places if out[at][i]), 0)
        weights = [int(whole[at].weights[i]) for at, i in places]
        weights = weights if sum(weights) else [1] * len(places)
        given = passed = 0
        for (at, i), weight in zip(places, weights, strict=True):
            passed += weight
            share = total * passed // sum(weights) - given
            given += share
            out[at][i] = share
    return out


def look(table: Table, settings: Settings) -> Found:
    """Ask where every document of several lines has one amount on all of them.

    Where the header says so, or quantity × price of the lines adds up to that amount, it is read so until denied.
    """
    if settings.reading.document_sums is not None or not {"order_id", "amount"} <= set(table.staged.fields):
        return None
    several: list[_Document] = []
    for document in _documents(table):
        if len(document) == 1:
            continue
        if not document[0][0] or not (_first_alone(document) or _one_amount(document)):
            return None
        several.append(document)
    if len(several) < _LEAST_DOCUMENTS:
        return None
    if all(map(_first_alone, several)):
        return _question(table, several[0][0][0], first=True, certain=True)
    if not all(map(_one_amount, several)):
        return None
    priced = [d for d in several if all(product is not None for _, product in d)]
    if any(all(amount == product for amount, product in d) for d in priced):
        return None  # lines of equal amounts, each its own quantity × price
    adds_up = [d for d in priced if _near(d[0][0] or Decimal(0), sum((p for _, p in d if p is not None), Decimal(0)))]
    says_so = bool(_SAYS_SO.search(normalise_header(table.plan.labels.get("amount", ""))[0]))
    certain = len(adds_up) > len(several) / 2 or says_so
    varied = len({d[0][0] for d in several}) >= _LEAST_ALONE / 2
    if not certain and (len(several) < _LEAST_ALONE or not varied):
        return None
    return _question(table, several[0][0][0], first=False, certain=certain)


def _question(table: Table, amount: Decimal | None, *, first: bool, certain: bool) -> Question:
    number, header = table.plan.labels["order_id"], table.plan.labels["amount"]
    shown = f"{amount or 0:f}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    ru, en = (
        (" Прочитано так: сумма документа учтена один раз", " It is read so: the sum of a document counts once")
        if certain
        else (" Сейчас складываются все строки", " All lines are added now")
    )
    each = Answer(Text("это сумма каждой строки", "it is the sum of each line"), files_line("document_sums", []))
    seen = Text(
        f"у всех строк документа («{number}») одна и та же сумма (например, {shown}), похоже на сумму всего документа, "
        "повторённую в строках",
        f"has one and the same sum on all lines of a document (“{number}”), for example {shown}: it looks like the sum of the "
        "whole document, repeated on its lines",
    )
    if first:
        seen = Text(
            f"сумма стоит только в первой строке документа («{number}»), похоже на сумму всего документа (например, {shown})",
            f"has a sum in the first line of a document (“{number}”) alone: it looks like the sum of the whole document, for "
            f"example {shown}",
        )
    return Question(
        Text(f"{table.name}: в столбце «{header}» {seen.ru}.{ru}", f"{table.name}: column “{header}” {seen.en}.{en}"),
        files_line("document_sums", [table.name]),
        (each,),
        kind="document_sums",
        means=Text("это сумма документа, учесть её один раз", "it is the sum of the document, count it once"),
        taken=certain,
    )


def share_in_question(question: Question, orders: Orders) -> float:
    """Return the share of all revenue, 0–1, that is counted once or on every line as the question is answered."""
    files = tomllib.loads(question.answer)["reading"]["document_sums"]
    hanging = 0.0
    for table in orders.sales():
        if fits(table.name, table.reader.sheet, files):
            documents = list(_documents(table))
            every = float(sum(sum(amount or product or 0 for amount, product in d) for d in documents))
            once = float(sum(d[0][0] or 0 for d in documents))
            counted = once if question.taken else every
            hanging += orders.tally.by_file[table.name] * (every - once) / counted if counted else 0.0
    return min(1.0, max(0.0, hanging / orders.tally.revenue)) if orders.tally.revenue > 0 else 0.0


def _near(a: Decimal, b: Decimal) -> bool:
    return abs(a - b) <= max(abs(a) / 1000, Decimal("0.05"))


def _first_alone(document: _Document) -> bool:
    """Whether only the first line has an amount, and quantity × price gives the others theirs."""
    return all(amount is None and product is not None for amount, product in document[1:])


def _one_amount(document: _Document) -> bool:
    return len({amount for amount, _ in document}) == 1


def _documents(table: Table) -> Iterator[_Document]:
    """Amount and quantity × price of the first lines, by document; the last may be cut off and is left out.

    A document's cells are made numbers only when its turn comes: one without a common sum ends the question. Equal rows
    apart from one another are a list pasted below itself (`audit.intake.traps.repeated_rows`): one of them counts.
    """
    part = table.staged.first_rows(_LOOKED_AT)
    fields = [f for f in ("order_id", "order_date", "amount", "qty", "price") if table.staged.has(f)]
    columns = {f: part.column(f).to_pylist() for f in fields}
    nothing = [None] * part.num_rows

    def number(text: str | None) -> Decimal | None:
        if not text:
            return None
        found = parse_number(text, ",")
        return parse_number(text, ".") if found is None else found

    def line(i: int) -> tuple[Decimal | None, Decimal | None] | None:
        text = columns["amount"][i]
        amount = number(text)
        if amount is None and (text or "").strip():
            return None
        qty, price = (number(columns.get(f, nothing)[i]) for f in ("qty", "price"))
        return amount, qty * price if qty is not None and price is not None else None

    whole: list[dict[str, str | None]] = []
    dates: dict[str, str] = {}
    rows: dict[tuple[str, str], list[int]] = {}
    key = None
    for i, (order, date) in enumerate(zip(columns["order_id"], columns.get("order_date", nothing), strict=True)):
        if order:
            dates[order] = date or dates.get(order, "")  # numbers begin anew every year
            key = order, dates[order]
            rows.setdefault(key, []).append(i)
    if key and table.staged.rows > _LOOKED_AT:
        del rows[key]
    for at in rows.values():
        if at[-1] - at[0] >= len(at):
            whole = whole or part.select(table.staged.fields).to_pylist()
            if all(whole[i] == whole[at[0]] for i in at):
                del at[1:]
        if document := [found for i in at if (found := line(i)) is not None]:
            yield document
