"""The plan: findings of one disease told together, actions in the order in which they can be done, owners who exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.ground.people import labels
from audit.method import method
from audit.model.case import Case

__all__ = ["Step", "diseases", "plan_of"]

_ABOVE = {"RKO": "ROP", "ROP": "KD", "KD": "GD", "GD": "OWN"}
"""Who answers where the company has no such head."""
_HEADED = frozenset({"OP", "PUR", "CLAIM", "LOG", "PROD", "BO"})
"""Departments do not own a plan: the head they report to does."""
_OPTION = {
    "hire_relief": "first_step",
    "automate_entry": "automation",
    "second_purchase_route": "second_purchase_route",
}
"""The way of the business case that an action is."""


@dataclass(frozen=True, slots=True)
class Step:
    """An action of the plan: who answers for it here, what comes before it, what it leaves a year (None: not known).

    ``owner`` is a role that the company has; ``missing`` the role that should answer, where it has none; ``person`` the
    code of the owner where one person holds the role.
    """

    id: str
    findings: tuple[str, ...]
    owner: str
    missing: str | None
    person: str | None
    after: tuple[str, ...]
    net: float | None


def diseases(findings: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the disease of every finding that is found or watched: its own id, or the found one it is a symptom of.

    Nothing is a symptom of a contradiction (grade D). A missing station is a symptom of overload only where what is
    missing is the clerk or the back office.
    """
    specs = method().findings
    out = {}
    for id, f in findings.items():
        if f["status"] not in ("found", "watch"):
            continue
        lead = specs[id].symptom_of
        stations = [s["station"] for s in f.get("facts", {}).get("stations", ())]
        leads = lead and findings[lead]["status"] == "found" and findings[lead].get("grade") != "D"
        if leads and set(stations) <= {"OP", "BO"}:
            out[id] = lead
        else:
            out[id] = id
    return out


def plan_of(case: Case, findings: Mapping[str, Mapping[str, Any]], options: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Return the actions that the findings call for, in order: what must come first, net money, term.

    A step that is part of another one here (``within``) is not told twice: that one answers its findings, too.
    What rests on minor or watched findings alone comes after what does not, unless it has to come first.
    ``findings``: content of ``findings.json`` by id; ``options``: the ways of its business case.
    """
    used: dict[str, list[str]] = {}
    for id, f in findings.items():
        if f["status"] in ("found", "watch"):
            for action in f["actions"]:
                used.setdefault(action, []).append(id)
    catalogue = method().actions
    for action in [a for a in used if catalogue[a].within in used]:
        whole = str(catalogue[action].within)
        used[whole] = list(dict.fromkeys([*used[whole], *used.pop(action)]))
    after = {a: tuple(b for b in catalogue[a].after if b in used) for a in used}
    net = {o["id"]: o["net"] for o in options}
    nets = {a: (net.get(_OPTION.get(a, "")) or {}).get("base") for a in used}
    places = list(catalogue)

    def weight(action: str) -> tuple[bool, float, int, int]:
        whole = [findings[id] for id in used[action]]
        heavy = any(f["status"] == "found" and f["severity"] != "minor" for f in whole)
        money = nets[action]
        if money is None:
            money = max((f.get("effect", {}).get("base", 0.0) for f in whole), default=0.0)
        return not heavy, -money, catalogue[action].horizon_days, places.index(action)

    followers: dict[str, set[str]] = {a: {a} for a in used}
    for _ in used:
        for a in used:
            for b in after[a]:
                followers[b] |= followers[a]
    # What has to come first is as urgent as the most urgent that waits for it.
    urgency = {a: (min(weight(f) for f in followers[a]), weight(a)) for a in used}
    order: list[str] = []
    while len(order) < len(used):
        ready = [a for a in used if a not in order and set(after[a]) <= set(order)]
        order.append(min(ready, key=lambda a: urgency[a]))
    staff, names = case.questionnaire.table("staff"), labels(case)
    return [Step(a, tuple(used[a]), *_owner(catalogue[a].owner, staff, names), after[a], nets[a]) for a in order]


def _owner(role: str, staff: pd.DataFrame, names: Mapping[str, str]) -> tuple[str, str | None, str | None]:
    """Return who answers here: a role that somebody holds, the role that is missing, the holder where there is one.

    The holder stands as the report names people: a code that is a name gives no name away.
    """
    here = staff[staff["end"].isna()] if len(staff) else staff
    held: dict[str, list[str]] = {}
    for row in here.to_dict("records"):
        for r in (row["role"], row.get("role2")):
            if isinstance(r, str):
                held.setdefault(r, []).append(str(row["person"]))
    if not held:
        return role, None, None
    wanted = _head_of(role, here, held) if role in _HEADED else role
    at: str | None = wanted
    while at is not None and at not in held:
        at = _ABOVE.get(at)
    if at is None:
        return role, None, None
    people = sorted(set(held[at]))
    return at, (role if at != wanted else None), (names.get(people[0], people[0]) if len(people) == 1 else None)


def _head_of(role: str, here: pd.DataFrame, held: Mapping[str, Sequence[str]]) -> str:
    """Return the role of the head to whom the holders of a department's role report; a commercial director if unknown."""
    roles = here.set_index("person")["role"].to_dict()
    for person in held.get(role, ()):
        head = here.loc[here["person"] == person, "reports_to"].iloc[0]
        if isinstance(head, str) and isinstance(roles.get(head), str) and roles[head] not in _HEADED:
            return str(roles[head])
    return "KD"
