"""Who the persons in the orders are: spellings resolved to person codes, system users, proposals for the rest.

A spelling is *known* when it is, word for word, a code, a name or an alias of the questionnaire or an alias of
``[people]``; blanks, case, Ё, a bracketed post and a bracketed number in front do not count. «Иванов И.И.» for
«Иванов Иван Иванович» is a proposal: it is shown and never applied.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz, process

from audit.intake.words import plain, words
from audit.model.questionnaire import Questionnaire
from audit.settings import Settings

__all__ = ["SYSTEM", "Person", "PersonIndex", "clean_person", "person_key"]

SYSTEM = "SYS"
_MAX_COMPARED = 3000
"""Spellings compared with one another at most: a company has fewer sellers than this."""
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>")
_EDGE = re.compile(r"^[\s,;.]+|[\s,;]+$")


@lru_cache(maxsize=100_000)
def clean_person(text: str) -> str:
    """Return the spelling as it is shown: as written, blanks collapsed."""
    return " ".join(unicodedata.normalize("NFC", text).split())


@lru_cache(maxsize=100_000)
def person_key(text: str) -> str:
    """Return the spelling in comparing form: no brackets, lower case, ё = е, dots and commas as blanks."""
    bare = unicodedata.normalize("NFKC", _BRACKETED.sub(" ", text).strip() or text)
    return " ".join(bare.lower().replace("ё", "е").replace(".", " ").replace(",", " ").split())


@dataclass(frozen=True, slots=True)
class Person:
    """What a spelling resolves to. ``code`` is the person in the canonical lines."""

    spelling: str
    code: str
    how: Literal["known", "system", "proposed", "unknown"]
    proposal: str | None = None


class PersonIndex:
    """Resolves spellings; built from the settings and the questionnaire's staff."""

    def __init__(self, settings: Settings, questionnaire: Questionnaire | None) -> None:
        self._known: dict[str, str] = {}
        self._system = frozenset(person_key(u) for u in settings.people.system_users)
        self._names: dict[str, str] = {}
        """Comparing form of every known name → person code, for proposals."""
        taken: dict[str, set[str]] = {}
        if questionnaire is not None and questionnaire.has("staff"):
            staff = questionnaire.table("staff")
            for code, name, aliases in zip(staff["person"], staff["name"], staff["aliases"], strict=True):
                if not isinstance(code, str) or not code.strip():
                    continue
                code = code.strip()
                spellings = [code]
                if isinstance(name, str) and name.strip():
                    spellings.append(name)
                    self._names[person_key(name)] = code
                if isinstance(aliases, tuple | list):
                    spellings.extend(a for a in aliases if isinstance(a, str))
                for spelling in spellings:
                    key = person_key(spelling)
                    if key:
                        taken.setdefault(key, set()).add(code)
                        self._names.setdefault(key, code)
        for key, codes in taken.items():
            if len(codes) == 1:
                self._known[key] = next(iter(codes))
        self.namesakes = tuple(sorted(key for key, codes in taken.items() if len(codes) > 1))
        for spelling, code in settings.people.alias.items():
            self._known[person_key(spelling)] = code
        for key in self.namesakes:
            self._names.pop(key, None)

    def is_nobody(self, spelling: str) -> bool:
        """Whether a text stands where there is nobody: «нет», “unassigned”; not where somebody is called so."""
        key = person_key(spelling)
        return (not key or plain(spelling) in words().nobody) and key not in self._known

    def resolve(self, spelling: str) -> Person:
        """Return who a spelling is, without proposals."""
        shown = clean_person(spelling)
        key = person_key(shown)
        if key in self._known:
            code = self._known[key]
            return Person(shown, code, "system" if code == SYSTEM else "known")
        if key in self._system or words().is_system_user(shown) or words().is_system_user(key):
            return Person(shown, SYSTEM, "system")
        return Person(shown, shown, "unknown")

    def propose(self, people: Iterable[Person]) -> list[Person]:
        """Add to every unknown spelling the one person or fuller spelling that it may stand for, if there is one."""
        found = list(people)
        unknown = [p for p in found if p.how == "unknown"][:_MAX_COMPARED]
        others = {person_key(p.spelling): p.spelling for p in unknown}
        proposals: dict[str, str] = {}
        for p in unknown:
            key = person_key(p.spelling)
            hit = _one_match(key, self._names)
            if hit is None:
                hit = _one_fuller(key, others)
            if hit is not None and hit != p.spelling:
                proposals[p.spelling] = hit
        return [
            Person(p.spelling, p.code, "proposed", proposals[p.spelling]) if p.spelling in proposals else p
            for p in found
        ]


def _compatible(short: str, full: str) -> bool:
    """Whether two names in comparing form can be one person: the same surname, initials that fit."""
    a, b = short.split(), full.split()
    if not a or not b or a[0] != b[0] or len(a) < 2 or len(b) < 2:
        return False
    return all(
        x == y or (len(x) == 1 and y.startswith(x)) or (len(y) == 1 and x.startswith(y))
        for x, y in zip(a[1:], b[1:], strict=False)
    )


def _rotations(key: str) -> Iterable[str]:
    parts = key.split()
    yield key
    if len(parts) >= 2:
        yield " ".join((parts[-1], *parts[:-1]))
        yield " ".join((parts[1], parts[0], *parts[2:])) if len(parts) > 2 else " ".join((parts[1], parts[0]))


def _one_match(key: str, names: Mapping[str, str]) -> str | None:
    hits = {code for name, code in names.items() if any(_compatible(r, name) for r in _rotations(key))}
    if len(hits) == 1:
        return next(iter(hits))
    if hits or len(key) < 5:
        return None
    near = process.extract(key, list(names), scorer=fuzz.token_sort_ratio, score_cutoff=88.0, limit=3)
    codes = {names[n[0]] for n in near}
    return next(iter(codes)) if len(codes) == 1 else None


def _one_fuller(key: str, others: Mapping[str, str]) -> str | None:
    hits = [
        shown
        for other, shown in others.items()
        if other != key and len(other) > len(key) and any(_compatible(r, other) for r in _rotations(key))
    ]
    if len(hits) == 1:
        return hits[0]
    same = [shown for other, shown in others.items() if other != key and sorted(other.split()) == sorted(key.split())]
    return min(same) if not hits and len(same) == 1 and min(same) < key else None
