"""Orders in: every file of the client becomes canonical lines, and not a row is lost.

Stages: find and open the files; find the header and decide which column is what; stage all rows as text with their
row numbers; count evidence for dates, numbers, persons, clients over all rows; then one SQL query per table gives
every row its values and, where it cannot be used, the reason. ``rows_read = rows_used + rows_set_aside`` is asserted
for every file.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from audit.errors import Text
from audit.intake.assemble import Intake
from audit.intake.store import Store
from audit.model.intake_report import IntakeReport
from audit.model.questionnaire import Questionnaire
from audit.settings import Settings

__all__ = ["read_orders"]

Progress = Callable[[Text], None]


def read_orders(
    sources: Sequence[str | Path],
    settings: Settings,
    questionnaire: Questionnaire | None,
    out: Path,
    *,
    today: dt.date | None = None,
    progress: Progress | None = None,
) -> IntakeReport:
    """Read all orders into ``out/lines.parquet`` and list what was set aside in ``out/rejected_rows.csv``.

    ``sources`` are files, folders, patterns, archives, or database addresses (``sqlite:///x.db#table``). ``lines``
    holds exactly `LINES_SCHEMA`, ordered by file and row. Rows dated after ``today`` are set aside as future, rows
    outside ``[period]`` as outside the period. Raise `InputError` for unusable input and `AmbiguityError`, with the
    settings line that answers it, where going on would be guessing.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".intake-", dir=out, ignore_cleanup_errors=True) as work, Store() as store:
        intake = Intake(
            settings=settings,
            questionnaire=questionnaire,
            out=out,
            work=Path(work),
            store=store,
            today=today or dt.date.today(),
            say=progress or _quiet,
        )
        return intake.run(sources)


def _quiet(text: Text) -> None:
    """Say nothing."""
