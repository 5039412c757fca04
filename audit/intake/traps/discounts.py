"""A column of discounts beside the amount: taken off already, or still to be?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from audit.errors import Answer, Text
from audit.intake.traps import Found, reading_line
from audit.intake.values import parse_number
from audit.model.intake_report import Question
from audit.settings import Settings

if TYPE_CHECKING:
    from audit.intake.table import Table

__all__ = ["Way", "look", "way"]

Way = Literal["percent", "sum"]
_PERCENT = re.compile(r"%|процент|percent|pct|rate")
_SUM = re.compile(r"сумм|руб|₽|amount|value|usd|eur|[$€]")
_LOOKED_AT = 5_000
_NO_MATTER = Decimal("0.005")
"""Part of the sums below which a discount is told and not asked about."""
_MEANS = {
    "taken": Text("скидка из сумм уже вычтена", "the discount is taken off already"),
    "percent": Text("скидка в процентах, вычесть", "a discount in per cent: take it off"),
    "sum": Text("скидка суммой, вычесть", "a discount in money: take it off"),
}


def _ways(table: Table) -> tuple[Way, ...]:
    """What the discount can be, the likeliest first."""
    header, evidence = table.plan.labels["discount"].lower(), table.staged.numbers["discount"]
    if _PERCENT.search(header) or evidence.percent or evidence.largest < 1:
        return ("percent",)
    if _SUM.search(header) or evidence.largest > 100:
        return ("sum",)
    return ("percent", "sum") if evidence.largest <= 50 else ("sum", "percent")


def way(table: Table, settings: Settings) -> Way | None:
    """Return how a discount is taken off the sums of a table; None where it is not."""
    said = settings.reading.discounts
    if not table.staged.has("discount") or said == "taken":
        return None
    if said is not None:
        return said
    computed = not table.staged.has("amount")
    return "percent" if computed and _ways(table) == ("percent",) else None


def look(table: Table, settings: Settings) -> Found:
    """Ask whether sums are less the discount that stands beside them; quantity × price less discount proves it."""
    if settings.reading.discounts is not None or not table.staged.has("discount"):
        return None
    if way(table, settings) is not None or not table.staged.numbers["discount"].largest:
        return None
    ways = _ways(table)
    money = off = Decimal(0)
    proven = rows = 0
    for amount, product, discount in _rows(table):
        money += abs(amount)
        if discount:
            rows += 1
            off += min(_off(abs(amount), discount, ways[0], table), abs(amount))
            less = (product - _off(product, discount, w, table) for w in ways) if product else ()
            proven += any(abs(abs(amount) - abs(net)) <= max(abs(amount) / 500, Decimal("0.05")) for net in less)
    computed = not table.staged.has("amount")
    if not rows or (not computed and proven >= 0.9 * rows):
        return None
    part = off / money if money else Decimal(0)
    header = table.plan.labels["discount"]
    if part < _NO_MATTER:
        return Text(
            f"{table.name}: скидка («{header}») из сумм не вычтена: она меньше 0,5 % выручки",
            f"{table.name}: the discount (“{header}”) was not taken off the sums: it is below 0.5 % of revenue",
        )
    answers = (*ways, "taken") if computed else ("taken", *ways)
    lines = [reading_line("discounts", a) for a in answers]
    sums = "количество × цена" if computed else f"«{table.plan.labels['amount']}»"
    sums_en = "quantity × price" if computed else f"“{table.plan.labels['amount']}”"
    by = f"{100 * part:.1f}".removesuffix(".0")
    return Question(
        Text(
            f"{table.name}: рядом с суммой ({sums}) стоит скидка («{header}»), и не сказано, вычтена ли она. Сейчас не вычтена; "
            f"если вычесть, выручка меньше примерно на {by.replace('.', ',')} %",
            f"{table.name}: a discount (“{header}”) stands beside the amount ({sums_en}), and nothing says whether it is taken "
            f"off already. It was not taken off now; less it, revenue is lower by about {by} %",
        ),
        lines[0],
        tuple(Answer(_MEANS[a], line) for a, line in zip(answers[1:], lines[1:], strict=True)),
        kind="discounts",
        means=_MEANS[answers[0]],
        share=float(part),
    )


def _off(amount: Decimal, discount: Decimal, how: Way, table: Table) -> Decimal:
    if how == "sum":
        return abs(discount)
    parts = table.staged.numbers["discount"].largest < 1 and not table.staged.numbers["discount"].percent
    return amount * abs(discount) / (1 if parts else 100)


def _rows(table: Table) -> Iterator[tuple[Decimal, Decimal, Decimal]]:
    """Amount, quantity × price (0 where unknown) and discount of the first rows."""
    part = table.staged.first_rows(_LOOKED_AT)
    columns = [
        part.column(f).to_pylist() if table.staged.has(f) else [None] * part.num_rows
        for f in ("amount", "qty", "price", "discount")
    ]
    for texts in zip(*columns, strict=True):
        amount, qty, price, discount = (_number(t) for t in texts)
        product = (qty or Decimal(0)) * (price or Decimal(0))
        if amount or product:
            yield amount or product, product, discount or Decimal(0)


def _number(text: str | None) -> Decimal | None:
    if not text:
        return None
    comma = parse_number(text, ",")
    return comma if comma is not None else parse_number(text, ".")
