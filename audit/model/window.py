"""The dates of the audit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

__all__ = ["Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """The dates of the audit; every «last 12 months» in the kit is ``recent_start`` … ``as_of``, both inclusive."""

    start: dt.date
    end: dt.date
    as_of: dt.date
    burn_in_days: int
    burn_in_source: str
    """``setting`` or ``rule``."""
    new_from: dt.date
    """First day on which a first order makes a client new: ``start + burn_in_days``."""
    recent_start: dt.date
    prior_start: dt.date
    """Start of the period of equal length before the recent one."""
    horizon_days: int
    probably_old_share: float | None = None
    """Share of the clients first seen after the burn-in who are probably old (`audit.model.truncation`); None: nobody."""

    @property
    def days(self) -> int:
        """Length of the window in days, both ends included."""
        return (self.as_of - self.start).days + 1

    @property
    def has_prior(self) -> bool:
        """Whether the whole prior period lies inside the window."""
        return self.prior_start >= self.start

    @property
    def recent_is_whole(self) -> bool:
        """Whether the whole recent period lies inside the window."""
        return self.recent_start >= self.start
