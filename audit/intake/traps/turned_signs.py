"""Sales that stand with a minus, as in ledger entries."""

from __future__ import annotations

from audit.errors import AmbiguityError, InputError, Text
from audit.intake.staging import Staged
from audit.intake.table import Orders
from audit.intake.traps import files_line
from audit.settings import Settings

__all__ = ["look", "minus_fields"]


def minus_fields(staged: Staged) -> frozenset[str]:
    """The number fields that mostly stand with a minus."""
    signed = {f: staged.numbers[f] for f in ("amount", "margin", "cost", "qty", "price") if f in staged.numbers}
    return frozenset(f for f, e in signed.items() if e.negative * 2 > e.filled)


def look(orders: Orders, settings: Settings) -> None:
    """Stop where what was sold is less than nothing, mostly row by row: a sign turned, or the sales are missing."""
    if orders.tally.revenue >= 0 or orders.tally.returns * 2 <= orders.tally.rows:
        return
    if settings.reading.negative_files is not None:
        return
    sales = orders.sales()
    revenue = f"{orders.tally.revenue / 10_000:,.0f}"
    what = Text(
        f"Почти все суммы отрицательные: строк с минусом {orders.tally.returns} из {orders.tally.rows}, вся выручка "
        + revenue.replace(",", "\N{NO-BREAK SPACE}"),
        f"Nearly all amounts are negative: {orders.tally.returns} of {orders.tally.rows} rows, revenue is {revenue}",
    )
    where = ", ".join(t.name for t in sales)
    minus = [t for t in sales if {"amount", "qty", "price"} & minus_fields(t.staged)]
    if minus or any(t.all_returns for t in sales):
        answer = files_line("negative_files" if minus else "return_files", [t.name for t in minus])
        line = answer.splitlines()[1]
        ru, en = (
            ("продажи в них записаны с минусом", "sales stand there with a minus")
            if minus
            else ("это продажи, а не возвраты", "these are sales and no returns")
        )
        raise AmbiguityError(
            what,
            where=where,
            answer=answer,
            means=Text(ru, en),
            todo=Text(
                f"Если это одни возвраты, добавьте файл продаж. Если {ru}, добавьте в audit.toml, раздел "
                f"[reading]: {line}",
                f"If these are returns alone, add the file of sales. If {en}, add to audit.toml, section "
                f"[reading]: {line}",
            ),
        )
    raise InputError(
        what,
        where=where,
        todo=Text(
            "Здесь одни возвраты: добавьте файл продаж; если вид документа понят неверно, назовите его "
            'столбец в audit.toml: [columns] kind = "…"',
            "These are returns alone: add the file of sales; if the kind of document was misunderstood, name "
            'its column in audit.toml: [columns] kind = "…"',
        ),
    )
