"""A finding: the verdict on one disease, with severity, evidence and effect; no sentence in it yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from audit.errors import Text
from audit.ground.money import Basis
from audit.model.result import Grade
from audit.stats.montecarlo import Floats

__all__ = ["STATUSES", "Doubt", "Effect", "Finding", "Risk", "Severity", "Status"]

Status = Literal["found", "watch", "clear", "unclear", "not_assessed"]
Severity = Literal["critical", "major", "minor", "none"]
STATUSES: tuple[Status, ...] = ("found", "watch", "clear", "unclear", "not_assessed")


@dataclass(frozen=True)
class Doubt:
    """A figure that was measured and leaves room for a problem as well as for none: it, its interval, its limits.

    ``n`` units are behind it; ``units``: from how many of them on an interval round the same figure would tell, two
    digits, None where that cannot be said or is far out of reach; ``months`` the same of a trend, which more months settle
    and not more units.
    """

    value: float
    low: float
    high: float
    watch: float
    found: float
    unit: str
    n: int | None
    units: int | None
    months: int | None = None


@dataclass(frozen=True)
class Effect:
    """Money effect a year, in the engagement's currency, with formula and inputs: an increment over today's practice.

    ``low``, ``base``, ``high``: P10, P50, P90 of what may come («in eight cases of ten»). ``basis`` says whether it is
    gross profit or, where the margin is unknown, revenue. ``pool``: the money it is a part of: that of existing
    «clients», allocated to them by ``shares`` (client_key, share of the whole, cap of the client a year), that of «new»
    clients to come, which nobody can be named for, or none, and then it stays outside the headline. ``drawn``: the
    effect before caps, one entry per draw; ``causes``: the inputs it was drawn from, entry by entry the same.
    """

    low: float
    base: float
    high: float
    basis: Basis
    formula: Text
    inputs: Mapping[str, float] = field(default_factory=dict)
    pool: Literal["clients", "new"] | None = None
    shares: pd.DataFrame | None = None
    drawn: Floats | None = field(default=None, repr=False)
    causes: Mapping[str, Floats] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Risk:
    """What may be lost: the chance within a year (None where nothing tells it) and the money a year at stake.

    Never added to a gain. The money is of the company's basis.
    """

    chance: float | None
    stake: float


@dataclass(frozen=True)
class Finding:
    """The verdict on one finding of the catalogue.

    ``facts`` are finished numbers that the narrative names (JSON values); ``table`` is the key
    of the chapter's table (and annex sheet) behind it. ``doubt`` says why the status is
    ``unclear``: its interval, or in words.
    """

    id: str
    status: Status
    severity: Severity = "none"
    reason: Text | None = None
    metrics: tuple[str, ...] = ()
    effect: Effect | None = None
    risk: Risk | None = None
    grade: Grade | None = None
    actions: tuple[str, ...] = ()
    table: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    doubt: Doubt | Text | None = None

    @property
    def chapter(self) -> str:
        """The chapter of the finding."""
        return self.id.split(".")[0]
