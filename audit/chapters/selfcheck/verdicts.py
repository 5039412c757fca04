"""Verdict on what the management says (methodology, sections 5.9 and 7)."""

from __future__ import annotations

from audit.errors import Text
from audit.findings.finding import Finding
from audit.findings.judge import make_finding, no_figure, not_assessed, status_of
from audit.model.case import Case
from audit.model.result import ChapterResult

__all__ = ["judge"]


def judge(case: Case, result: ChapterResult) -> list[Finding]:
    """Return the verdict on the chapter's finding: how many of the eight answers the figures contradict."""
    id = "selfcheck.contradiction"
    m = result.metrics["selfcheck.contradictions"]
    if m.value is None:
        return [no_figure(id, m)]
    x = result.facts
    status = status_of(m.value, None, None, case.thresholds[id])
    needed = case.thresholds.count("selfcheck.min_checked")
    facts = {
        "value": m.value,
        "checked": x["checked"],
        "answered": x["answered"],
        "questions": x["questions"],
        "contradictions": x["contradictions"],
        "unchecked": x["unchecked"],
        "yes": result.metrics["selfcheck.yes_answers"].value,
    }
    if status == "clear" and int(x["checked"]) < needed:
        return [
            not_assessed(
                id,
                Text(
                    f"С цифрами удалось сверить только {x['checked']} из {x['answered']} ответов, нужно не "
                    f"меньше {needed}: "
                    "чего не хватает, видно в таблице ответов",
                    f"Only {x['checked']} of {x['answered']} answers could be held against a figure, at least "
                    f"{needed} are needed; "
                    "the table of answers says what is missing",
                ),
                facts=facts,
            )
        ]
    return [make_finding(case, id, status, grade="C", table="answers", facts=facts)]
