"""One table of a file on its way through the reading, and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audit.intake.columns import TablePlan
from audit.intake.files import TableReader
from audit.intake.grouped import GroupRow
from audit.intake.staging import Staged
from audit.intake.store import Store
from audit.intake.summary import Tally
from audit.model.intake_report import ControlSum

__all__ = ["Orders", "Table"]


@dataclass
class Table:
    """One table on its way: reader, plan of its columns, staged rows, what became of them."""

    reader: TableReader
    plan: TablePlan
    staged: Staged
    size_bytes: int
    all_returns: bool = False
    rows_used: int = 0
    rows_set_aside: int = 0
    rows_service: int = 0
    """Of the rows set aside those between the data: totals, groups, blanks."""
    revenue_aside: float = 0.0
    totals: list[tuple[int, str, float]] = field(default_factory=list)
    shown: dict[str, int] = field(default_factory=dict)
    """Rows shown as examples, per reason."""
    groups: tuple[GroupRow, ...] = ()
    """Group rows of a report of three levels or more."""
    subtotals: list[ControlSum] = field(default_factory=list)
    """Sums of the groups against their lines, one a level."""
    russian: bool = False
    """Whether its first rows speak of roubles, or have the form of 1C."""
    of_payments: bool = False
    """Whether its cells name documents of payment."""
    dispatch: bool = False
    """Whether its rows are dispatch documents of orders that another table holds, and no sales."""

    @property
    def name(self) -> str:
        """Name under which the report speaks of the table."""
        return self.reader.name


@dataclass(frozen=True)
class Orders:
    """All tables, and what has been made of them so far."""

    tables: Sequence[Table]
    store: Store
    lines: Path
    """The canonical lines, once they were written."""
    tally: Tally
    """Figures of the written lines."""

    def sales(self) -> list[Table]:
        """Return the tables that hold sales of their own and gave at least one row."""
        return [t for t in self.tables if not t.dispatch and t.rows_used]
