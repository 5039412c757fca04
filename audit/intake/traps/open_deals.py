"""Deals still open beside deals won: in a sales pipeline only what was won is sold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from audit.errors import Text
from audit.intake.traps.returned_rows import is_returned
from audit.intake.values import clean_text, parse_number
from audit.intake.words import plain, words
from audit.settings import Settings

if TYPE_CHECKING:
    from audit.intake.table import Orders

__all__ = ["look"]

_WON = frozenset(("сделка успешна", "успешно реализовано", "успешна", "closed won", "closedwon", "closed - won", "won"))
_ENDED = frozenset(("closed", "shipped", "cancelled"))
_LEAST = 0.01
"""Share of the money from which open deals are told."""
_SHOWN = 12


def look(orders: Orders, settings: Settings) -> Text | None:
    """Say that open deals count as purchases and what they are worth, with the line that sets them aside."""
    aside = {plain(c) for c in settings.reading.cancelled}
    money: dict[str, float] = {}
    whole = 0.0
    for table in orders.tables:
        stages = [clean_text(s) or "" for s in table.staged.distinct.get("status", ())]
        if table.dispatch or not any(plain(s) in _WON for s in stages) or not table.staged.has("amount"):
            continue
        still_open = {
            s
            for s in stages
            if s and words().status.code(s) not in _ENDED and plain(s) not in aside and not is_returned(s)
        }
        for batch in table.staged.batches() if still_open else ():
            pairs = zip(batch.column("status").to_pylist(), batch.column("amount").to_pylist(), strict=True)
            for stage, text in pairs:
                amount = next((n for m in (",", ".") if (n := parse_number(text or "", m)) is not None), None)
                if amount is None or amount <= 0:
                    continue
                stage = clean_text(stage) or ""
                if stage in still_open:
                    money[stage] = money.get(stage, 0.0) + float(amount)
                if plain(stage) not in aside and words().status.code(stage) != "cancelled":
                    whole += float(amount)
    share = sum(money.values()) / whole if whole else 0.0
    if share < _LEAST:
        return None
    stages = sorted(money, key=lambda s: -money[s])
    line = f"[reading] cancelled = {json.dumps([*settings.reading.cancelled, *stages], ensure_ascii=False)}"
    more = len(stages) - _SHOWN
    ru = ", ".join(f"«{s}»" for s in stages[:_SHOWN]) + (f" и ещё {more}" if more > 0 else "")
    en = ", ".join(f"“{s}”" for s in stages[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    per_cent = f"{100 * share:.1f}"
    return Text(
        f"Открытые сделки ({ru}) считаются заказами: {per_cent.replace('.', ',')} % выручки. Если это ещё не продажи: {line}",
        f"Open deals ({en}) count as orders: {per_cent} % of revenue. If these are not sales yet: {line}",
    )
