"""Who reports to whom: the chain of command of the people who work here now (questionnaire, ``staff.reports_to``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from audit.ground.people import SELLERS, family_label

__all__ = ["Break", "Chain", "make_chain"]

Break = Literal["none", "unknown", "left", "circle"]
"""Why somebody stands under nobody: no head is given; the head is not on the sheet; has left; the chain runs in a circle."""

CLIENT_DEPARTMENT = ("KM", "OP", "BO")
"""Families of a client department: client managers of every rank, and their clerks."""


@dataclass(frozen=True)
class Chain:
    """Heads and their people. Everybody who works here stands in it exactly once.

    ``head``: person → head, or None where the chain ends; ``breaks``: why it ends there; ``family`` and ``people`` (in the
    order of the staff sheet) of those present.
    """

    people: tuple[str, ...]
    family: Mapping[str, str | None]
    head: Mapping[str, str | None]
    breaks: Mapping[str, Break]

    def reports(self, person: str) -> tuple[str, ...]:
        """Return who reports to a person directly."""
        return tuple(p for p in self.people if self.head[p] == person)

    @property
    def heads(self) -> dict[str, int]:
        """Return everybody with people, and how many report to them directly."""
        spans = Counter(h for h in self.head.values() if h is not None)
        return {p: spans[p] for p in self.people if p in spans}

    @property
    def tops(self) -> tuple[str, ...]:
        """Return those who report to nobody."""
        return tuple(p for p in self.people if self.head[p] is None)

    def level(self, person: str) -> int:
        """Return how many levels of heads stand above a person."""
        above, at = 0, self.head[person]
        while at is not None:
            above, at = above + 1, self.head[at]
        return above

    @property
    def layers(self) -> int | None:
        """Return the levels from the first person to the sellers, both counted; None where no seller has a head."""
        levels = [self.level(p) + 1 for p in self.people if self.family[p] in SELLERS and self.head[p] is not None]
        return max(levels, default=None)

    def is_client_head(self, person: str) -> bool:
        """Tell whether a head leads a client department and nothing else: client managers and their clerks only."""
        families = [self.family[p] for p in self.reports(person)]
        return "KM" in families and all(f in CLIENT_DEPARTMENT for f in families)

    @property
    def known(self) -> bool:
        """Whether anybody has a head that works here."""
        return any(h is not None for h in self.head.values())


def make_chain(staff: pd.DataFrame, present: pd.Series) -> Chain:
    """Build the chain of those ``present`` (codes) from the staff sheet (person, role, role2, reports_to).

    Who leads himself, or stands in a circle, has no head: each circle is cut at the person highest on the sheet, and told.
    A head that the reader of the questionnaire did not find on the sheet has been taken away there; a head who has left is
    passed over only in words: whose place the people now have is for the client to say.
    """
    here = dict.fromkeys(str(p) for p in present)
    rows = {str(r["person"]): r for r in reversed(staff.to_dict("records"))}
    people = tuple(p for p in dict.fromkeys(staff["person"].astype(str)) if p in here)
    family = {p: family_label(rows[p].get("role"), rows[p].get("role2")) for p in people}
    head: dict[str, str | None] = {}
    breaks: dict[str, Break] = {}
    for p in people:
        given = rows[p].get("reports_to")
        at = str(given) if isinstance(given, str) and given else None
        head[p] = at if at in here and at != p else None
        if at is None:
            breaks[p] = "none"
        elif at == p:
            breaks[p] = "circle"
        elif at not in here:
            breaks[p] = "left" if at in rows else "unknown"
    for p in people:  # cut every circle at the person met first
        seen, at = {p}, head[p]
        while at is not None and at not in seen:
            seen.add(at)
            at = head[at]
        if at == p:
            head[p], breaks[p] = None, "circle"
    return Chain(people, family, head, breaks)
