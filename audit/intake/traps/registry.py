"""All traps by the moment at which they look, in the order in which they do."""

from __future__ import annotations

from audit.intake.traps import (
    LookAtHead,
    LookAtOrders,
    LookAtTable,
    document_sums,
    empty_amounts,
    filled_once,
    month_dates,
    registers,
    swapped_dates,
    turned_signs,
)

__all__ = ["AT_HEAD", "AT_ORDERS", "AT_TABLE", "AT_TABLES"]

AT_HEAD: tuple[LookAtHead, ...] = (registers.look,)
AT_TABLE: tuple[LookAtTable, ...] = (empty_amounts.look, document_sums.look, filled_once.look, month_dates.look)
AT_TABLES: tuple[LookAtOrders, ...] = (swapped_dates.look,)
AT_ORDERS: tuple[LookAtOrders, ...] = (turned_signs.look,)
