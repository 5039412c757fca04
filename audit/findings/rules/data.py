"""The data chapter judges nothing: it says what the other verdicts rest on."""

from __future__ import annotations

from audit.findings.finding import Finding
from audit.model.case import Case
from audit.model.result import ChapterResult

__all__ = ["judge"]


def judge(case: Case, result: ChapterResult) -> list[Finding]:
    """Return no finding: the catalogue has none of this chapter."""
    return []
