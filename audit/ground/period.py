"""The recent period as the chapters about clients use it."""

from __future__ import annotations

import datetime as dt

from audit.model.case import Case

__all__ = ["since", "to_year"]


def since(case: Case) -> dt.date:
    """Return the first day of the recent period inside the window."""
    return max(case.window.recent_start, case.window.start)


def to_year(case: Case) -> float:
    """Return what turns a sum of the recent period into a yearly one: 1, or more where the window is shorter."""
    w = case.window
    return 12 / case.settings.period.recent_months if w.recent_is_whole else 365.25 / max(w.days, 1)
