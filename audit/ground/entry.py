"""What entering orders takes: minutes a document, and the hours that the client managers' documents can have taken.

The documents are the only trace of order entry that every accounting system keeps.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.ground.answers import Answers
from audit.ground.norm import expand_roles, seller_of_type
from audit.ground.people import roles_by_person
from audit.ground.period import since
from audit.model.case import Case, sql_text

__all__ = ["EntryHours", "entry_hours_of", "entry_minutes", "recent_months"]

FUNCTION = "OPS_ORDER"
KM = "KM"


def entry_minutes(case: Case) -> tuple[float, float]:
    """Return minutes per order head and per line: the company's own where given, else the kit's."""
    q, t = case.questionnaire.company, case.thresholds
    a, b = q.get("minutes_per_order"), q.get("minutes_per_line")
    return (
        t.value("roles.minutes_per_order") if a is None else float(a),
        t.value("roles.minutes_per_line") if b is None else float(b),
    )


def recent_months(case: Case) -> float:
    """Return the months of the recent period."""
    w = case.window
    return float(case.settings.period.recent_months) if w.recent_is_whole else max(w.days / 30.4375, 1.0)


@dataclass(frozen=True)
class EntryHours:
    """Client managers' hours a month on entering orders: as told, and as their clients' documents can have taken.

    ``told_low``, ``told_high``: the error of telling from memory; ``documents`` a month; ``hours``: all their hours.
    """

    told: float
    told_low: float
    told_high: float
    traced: float
    documents: float
    hours: float

    @property
    def ratio(self) -> float:
        """How many times the hours told exceed what the documents can have taken."""
        return self.told / self.traced


def entry_hours_of(case: Case, answers: Answers) -> EntryHours | None:
    """Return the client managers' hours of order entry by both sources; None where one is silent.

    Every document counts whose responsible person is a client manager, or unknown (without a staff sheet's word, the
    seller of the type), whoever typed it, a system included: the trace is the most that they can have typed. Told: rows by
    function; who gave operational work by group alone has told nothing.
    """
    mine = answers.hours[answers.hours["family"] == KM]
    rows = mine[(mine["function"] == FUNCTION) & ~mine["by_group"].astype(bool)]
    grouped = mine[(mine["group"] == "OPER") & mine["by_group"].astype(bool)]
    total, told = float(mine["hours"].sum()), float(rows["hours"].sum())
    if total <= 0 or (told <= 0 and len(grouped)) or not case.has("manager"):
        return None
    served = case.query(sql_text("audit.ground", "documents"), since=since(case))
    roles = roles_by_person(case.questionnaire.table("staff"), answers.norm.types)
    default = expand_roles([seller_of_type(answers.norm.types[0])], answers.norm.types)
    theirs = served[[not isinstance(m, str) or KM in (roles.get(m) or default) for m in served["manager"]]]
    a, b = entry_minutes(case)
    months = recent_months(case)
    documents = float(theirs["documents"].sum())
    traced = (a * documents + b * float(theirs["lines"].sum())) / 60 / months
    if traced <= 0:
        return None
    level = case.thresholds.value("general.confidence_level")
    low, high = answers.told([KM], told / total, told / total, level)
    return EntryHours(told, low * total, high * total, traced, documents / months, total)
