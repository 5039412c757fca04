"""What entering orders takes: minutes a document."""

from __future__ import annotations

from audit.model.case import Case

__all__ = ["entry_minutes"]


def entry_minutes(case: Case) -> tuple[float, float]:
    """Return minutes per order head and per line: the company's own where given, else the kit's."""
    q, t = case.questionnaire.company, case.thresholds
    a, b = q.get("minutes_per_order"), q.get("minutes_per_line")
    return (
        t.value("roles.minutes_per_order") if a is None else float(a),
        t.value("roles.minutes_per_line") if b is None else float(b),
    )
