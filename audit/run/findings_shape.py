"""What a findings.json must hold to be compared: a file that was cut, edited or made by another program is told so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

__all__ = ["fault_in"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Company(_Part):
    name: str
    currency: str


class _Period(_Part):
    start: dt.date
    end: dt.date
    as_of: dt.date
    recent_start: dt.date


class _SaleType(_Part):
    used: str


class _Metric(_Part):
    value: FiniteFloat | None
    unit: str
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None


class _Range(_Part):
    low: FiniteFloat
    base: FiniteFloat
    high: FiniteFloat


class _Finding(_Part):
    id: str
    status: str
    severity: str
    metrics: list[str]
    effect: _Range | None = None


class _Action(_Part):
    id: str
    title: str
    owner: str
    findings: list[str]
    metric: str | None
    target: FiniteFloat | None


class _Money(_Part):
    basis: str
    unit: str
    headline: _Range | None
    findings: list[str] = []


class _Findings(_Part):
    company: _Company
    lang: str
    thresholds: dict[str, dict[str, Any]]
    period: _Period
    sale_type: _SaleType
    data: dict[str, Any]
    metrics: dict[str, _Metric]
    findings: list[_Finding]
    actions: list[_Action]
    money: _Money | None = None


def fault_in(told: Mapping[str, Any]) -> str | None:
    """Return the first place of a findings.json that is missing or wrong, as ``period.as_of``; None where none is."""
    try:
        _Findings.model_validate(told)
    except ValidationError as e:
        return ".".join(str(part) for part in e.errors()[0]["loc"])
    priced = {f["id"] for f in told["findings"] if f.get("effect") is not None}
    counted = (told.get("money") or {}).get("findings", ())
    return next((f"findings.{id}.effect" for id in counted if id not in priced), None)
