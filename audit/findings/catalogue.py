"""Judge a chapter: its rules, then the rest of its catalogue as ``not_assessed``, so that nothing is ever missing."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping

from audit.errors import Text
from audit.findings.finding import Finding
from audit.findings.judge import not_assessed
from audit.method import CHAPTERS, method
from audit.model.case import Case
from audit.model.result import ChapterResult

__all__ = ["NOT_BUILT", "is_built", "judge_chapter", "unjudged_findings"]

NOT_BUILT = Text(
    "В этой версии комплекта проверка ещё не реализована", "This version of the kit does not make this check yet"
)
NOT_ASKED = Text("Эта глава в запуске не запрошена", "This chapter was not asked for in this run")
CHAPTER_FAILED = Text("Глава не досчитана: {error}", "The chapter failed: {error}")


def judge_chapter(case: Case, result: ChapterResult) -> tuple[Finding, ...]:
    """Return every finding of the chapter in the order of the catalogue."""
    rules = importlib.import_module(f"audit.findings.rules.{result.chapter}")
    judged = {f.id: f for f in rules.judge(case, result)}
    order = [spec.id for spec in method().findings_of(result.chapter)]
    unknown = set(judged) - set(order)
    assert not unknown, f"rules of {result.chapter} judge findings outside the catalogue: {unknown}"
    return tuple(judged.get(id) or not_assessed(id, NOT_BUILT) for id in order)


def unjudged_findings(chapters_done: set[str], failed: Mapping[str, Text]) -> tuple[Finding, ...]:
    """Return the findings of all chapters that were not computed, as ``not_assessed`` with the reason."""
    out = []
    for chapter in CHAPTERS:
        if chapter in chapters_done:
            continue
        if chapter in failed:
            reason = CHAPTER_FAILED.format(error=failed[chapter])
        else:
            reason = NOT_ASKED if is_built(chapter) else NOT_BUILT
        out += [not_assessed(spec.id, reason) for spec in method().findings_of(chapter)]
    return tuple(out)


def is_built(chapter: str) -> bool:
    """Whether this version computes the chapter."""
    return all(
        importlib.util.find_spec(f"{part}.{chapter}") is not None for part in ("audit.diagnose", "audit.findings.rules")
    )
