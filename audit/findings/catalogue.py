"""Judge a chapter: every finding of its catalogue gets a verdict, nothing is ever missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from audit.errors import Text
from audit.findings.declared import declared
from audit.findings.finding import Finding
from audit.findings.judge import not_assessed
from audit.method import method
from audit.model.case import Case
from audit.model.result import ChapterResult

__all__ = ["judge_chapter", "unjudged_findings"]

NOT_ASKED = Text("Эта глава в запуске не запрошена", "This chapter was not asked for in this run")
CHAPTER_FAILED = Text("Глава не досчитана: {error}", "The chapter failed: {error}")


Judge = Callable[[Case, ChapterResult], Sequence[Finding]]


def judge_chapter(case: Case, result: ChapterResult, judge: Judge | None = None) -> tuple[Finding, ...]:
    """Return every finding of the chapter in the order of the catalogue.

    ``judge`` is the room's own; without one all its findings are declared.
    """
    judged = {f.id: f for f in (judge or declared)(case, result)}
    order = [spec.id for spec in method().findings_of(result.chapter)]
    unknown = set(judged) - set(order)
    assert not unknown, f"{result.chapter} judges findings outside the catalogue: {unknown}"
    missing = set(order) - set(judged)
    assert not missing, f"{result.chapter} leaves findings without a verdict: {missing}"
    return tuple(judged[id] for id in order)


def unjudged_findings(chapters_done: set[str], failed: Mapping[str, Text]) -> tuple[Finding, ...]:
    """Return the findings of all chapters that were not computed, as ``not_assessed`` with the reason."""
    out = []
    for chapter in method().chapters:
        if chapter in chapters_done:
            continue
        if chapter in failed:
            reason = CHAPTER_FAILED.format(error=failed[chapter])
        else:
            reason = NOT_ASKED
        out += [not_assessed(spec.id, reason) for spec in method().findings_of(chapter)]
    return tuple(out)
