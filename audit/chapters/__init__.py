"""The rooms of the audit, one a chapter: what it measures, what it finds, how it says so, how it shows it.

Each holds ``measure`` (case → figures), ``verdicts`` where a finding cannot be declared in the catalogue, ``sections``
and ``charts``, and its SQL. A room stands on the ground (`audit.ground`) and knows no other room.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from audit.findings.catalogue import judge_chapter
from audit.findings.finding import Finding
from audit.method import method
from audit.model.case import Case
from audit.model.result import ChapterResult
from audit.present.chapter import ChapterView

__all__ = ["diagnose_chapter", "part", "verdicts_on", "view_of"]


def part(chapter: str, name: str) -> ModuleType | None:
    """Return a part of a chapter's room, loaded when it is first asked for; None where the room has none."""
    full = f"audit.chapters.{method().chapters[chapter].room}.{name}"
    return importlib.import_module(full) if find_spec(full) is not None else None


def verdicts_on(case: Case, result: ChapterResult) -> tuple[Finding, ...]:
    """Return the verdicts on a diagnosed chapter: every finding of its catalogue."""
    verdicts = part(result.chapter, "verdicts")
    return judge_chapter(case, result, verdicts.judge if verdicts is not None else None)


def view_of(case: Case, result: ChapterResult) -> ChapterView:
    """Judge a diagnosed chapter and make it ready to be shown."""
    return ChapterView(case, result, verdicts_on(case, result), lambda: part(result.chapter, "sections"))


def diagnose_chapter(case: Case, chapter: str, **options: Any) -> ChapterView:
    """Diagnose and judge one chapter; the notebooks, ``screen`` and the tests all go this way."""
    measure = part(chapter, "measure")
    assert measure is not None
    return view_of(case, measure.diagnose(case, **options))
