"""The margin that turns revenue into gross profit in the chapters on hand-offs and service."""

from __future__ import annotations

from audit.model.case import Case, sql_text

__all__ = ["KNOWN_SHARE", "margin_share"]

KNOWN_SHARE = 0.5
"""The margin of the orders stands for the company's where at least half of the revenue carries one."""


def margin_share(case: Case) -> float | None:
    """Return gross profit ÷ revenue: of the orders where they carry it, else as the company says, else None."""
    row = case.query(sql_text("audit.diagnose", "service_margin")).iloc[0]
    known, total = float(row["known_revenue"]), float(row["revenue"])
    if known > 0 and total > 0 and known >= KNOWN_SHARE * total:
        share = float(row["margin"]) / known
        if 0 < share < 1:
            return share
    told = case.questionnaire.company.get("gross_margin_share")
    return float(told) if told is not None and 0 < float(told) < 1 else None
