"""What a chapter returns: metrics and tables, finished before any sentence is written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from audit.errors import Text
from audit.method import method

__all__ = ["ChapterResult", "Grade", "Metric", "metric", "no_metric"]

Grade = Literal["A", "B", "C", "D"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure with its unit, number of units behind it, 95 % interval, direction, benchmark and evidence grade.

    ``value`` is None when the figure cannot be had; ``reason`` then says why. ``extra`` carries what the figure needs
    to be read (``horizon_days``, ``at_risk`` …) and goes into ``findings.json`` beside it.
    """

    id: str
    value: float | None
    unit: str
    bad: Literal["high", "low"] | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    benchmark: float | None = None
    benchmark_source: str | None = None
    grade: Grade | None = None
    reason: Text | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def metric(
    id: str,
    value: float,
    *,
    low: float | None = None,
    high: float | None = None,
    n: int | None = None,
    grade: Grade = "C",
    benchmark: float | None = None,
    **extra: Any,
) -> Metric:
    """Build a metric of the catalogue; unit, direction and benchmark come from the method."""
    spec = method().metrics[id]
    if not math.isfinite(value):
        raise AssertionError(f"{id} is {value}; use no_metric with a reason")
    mark = method().benchmarks[spec.benchmark] if spec.benchmark else None
    return Metric(
        id=id,
        value=float(value),
        unit=spec.unit,
        bad=spec.bad,
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        n=None if n is None else int(n),
        benchmark=benchmark if benchmark is not None else (mark.value if mark else None),
        benchmark_source=mark.source if mark else None,
        grade=grade,
        extra=extra,
    )


def no_metric(id: str, reason: Text, *, n: int | None = None, **extra: Any) -> Metric:
    """Build a metric that cannot be had, with the reason."""
    spec = method().metrics[id]
    mark = method().benchmarks[spec.benchmark] if spec.benchmark else None
    return Metric(
        id=id,
        value=None,
        unit=spec.unit,
        bad=spec.bad,
        n=n,
        benchmark=mark.value if mark else None,
        benchmark_source=mark.source if mark else None,
        reason=reason,
        extra=extra,
    )


@dataclass(frozen=True)
class ChapterResult:
    """A chapter's figures: metrics in reading order, tables by name, and loose facts for charts and text."""

    chapter: str
    metrics: Mapping[str, Metric]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """JSON values only."""

    @classmethod
    def of(
        cls,
        chapter: str,
        metrics: list[Metric],
        tables: Mapping[str, pd.DataFrame] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> ChapterResult:
        """Build a result from a list of metrics."""
        return cls(chapter, {m.id: m for m in metrics}, tables or {}, facts or {})
