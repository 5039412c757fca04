"""All traps by the moment at which they look, in the order in which they do."""

from __future__ import annotations

from audit.intake.traps import (
    LookAtHead,
    LookAtOrders,
    LookAtTable,
    discounts,
    document_sums,
    empty_amounts,
    filled_once,
    month_dates,
    open_deals,
    overlap,
    payments,
    pivots,
    registers,
    repeated_rows,
    returned_rows,
    same_sales,
    swapped_dates,
    thin_end,
    turned_signs,
)
from audit.intake.twice import SalesTrap

__all__ = ["AT_END", "AT_HEAD", "AT_ORDERS", "AT_TABLE", "AT_TABLES", "SALES_TWICE"]

AT_HEAD: tuple[LookAtHead, ...] = (registers.look, pivots.look)
AT_TABLE: tuple[LookAtTable, ...] = (
    empty_amounts.look,
    document_sums.look,
    filled_once.look,
    month_dates.look,
    discounts.look,
)
AT_TABLES: tuple[LookAtOrders, ...] = (swapped_dates.look, returned_rows.look, open_deals.look)
AT_ORDERS: tuple[LookAtOrders, ...] = (turned_signs.look,)
SALES_TWICE: tuple[SalesTrap, ...] = tuple(
    SalesTrap(t.look, t.again) for t in (payments, same_sales, overlap, repeated_rows)
)
"""Sales that stand twice: each looks at the canonical lines that the ones before have left."""
AT_END: tuple[LookAtOrders, ...] = (thin_end.look,)
"""Looks at the lines once every sale counts once; what is taken has them written again."""
