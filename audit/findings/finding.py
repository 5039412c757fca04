"""A finding: the verdict on one disease, with severity, evidence and effect; no sentence in it yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from audit.errors import Text
from audit.ground.money import Basis
from audit.model.result import Grade

__all__ = ["STATUSES", "Effect", "Finding", "Severity", "Status"]

Status = Literal["found", "watch", "clear", "not_assessed"]
Severity = Literal["critical", "major", "minor", "none"]
STATUSES: tuple[Status, ...] = ("found", "watch", "clear", "not_assessed")


@dataclass(frozen=True)
class Effect:
    """Money effect a year, in the engagement's currency: low / base / high with formula and inputs.

    ``basis`` says whether it is gross profit or, where the margin is unknown, revenue. ``by_client`` (client_key, low,
    base, high) allocates it; None where it cannot be allocated, and then it stays outside the headline.
    """

    low: float
    base: float
    high: float
    basis: Basis
    formula: Text
    inputs: Mapping[str, float] = field(default_factory=dict)
    by_client: pd.DataFrame | None = None


@dataclass(frozen=True)
class Finding:
    """The verdict on one finding of the catalogue.

    ``facts`` are finished numbers that the narrative names (JSON values); ``table`` is the key
    of the chapter's table (and annex sheet) behind it.
    """

    id: str
    status: Status
    severity: Severity = "none"
    reason: Text | None = None
    metrics: tuple[str, ...] = ()
    effect: Effect | None = None
    grade: Grade | None = None
    actions: tuple[str, ...] = ()
    table: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def chapter(self) -> str:
        """The chapter of the finding."""
        return self.id.split(".")[0]
