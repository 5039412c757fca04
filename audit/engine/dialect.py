"""Named shims for the few places where SQL dialects differ.

The portable subset: DATE only (no timestamps), days-between only, ``nullif`` on every divisor, explicit null order,
DECIMAL(18,4) for money, year and month arithmetic on integers, no NaN.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["DUCKDB", "SPARK", "Dialect", "literal"]


@dataclass(frozen=True)
class Dialect:
    """The shims of one engine; each takes SQL expressions as text and returns SQL text."""

    name: str
    days_between: Callable[[str, str], str]
    """Days from the first date to the second, an integer."""
    month_index: Callable[[str], str]
    """``year * 12 + month − 1``, an integer that counts months."""
    quantile: Callable[[str, float], str]
    """Linear-interpolated quantile as an aggregate, DOUBLE."""
    double: Callable[[str], str]
    """Cast to DOUBLE."""
    money: Callable[[str], str]
    """Cast to DECIMAL(18,4)."""

    def names(self) -> dict[str, object]:
        """Return what a template may call."""
        return {
            "days_between": self.days_between,
            "month_index": self.month_index,
            "quantile": self.quantile,
            "double": self.double,
            "money": self.money,
            "lit": literal,
        }


def literal(value: object) -> str:
    """Return a Python value as an SQL literal; text is quoted with its quotes doubled."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dt.date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        # The backslash is an escape character in Spark's default string literals only; names are data, refuse it.
        if "\\" in value:
            raise ValueError("a backslash cannot be passed as an SQL literal; pass a table instead")
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(literal(v) for v in value) + ")" if value else "(NULL)"
    raise TypeError(f"no SQL literal for {type(value).__name__}")


def _month_index(d: str) -> str:
    return f"CAST(year({d}) * 12 + month({d}) - 1 AS INTEGER)"


DUCKDB = Dialect(
    name="duckdb",
    days_between=lambda a, b: f"CAST(date_diff('day', {a}, {b}) AS INTEGER)",
    month_index=_month_index,
    quantile=lambda x, q: f"quantile_cont({x}, {q})",
    double=lambda x: f"CAST({x} AS DOUBLE)",
    money=lambda x: f"CAST({x} AS DECIMAL(18,4))",
)
SPARK = Dialect(
    name="spark",
    days_between=lambda a, b: f"datediff({b}, {a})",
    month_index=_month_index,
    quantile=lambda x, q: f"percentile({x}, {q})",
    double=lambda x: f"CAST({x} AS DOUBLE)",
    money=lambda x: f"CAST({x} AS DECIMAL(18,4))",
)
