"""What the words in cells mean: statuses, kinds of document, initiators, currencies, yes and no, empty marks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

__all__ = ["Words", "plain", "words"]


def plain(text: str) -> str:
    """Return a cell's words in comparing form: lower case, ё = е, blanks of all kinds collapsed."""
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").lower().replace("ё", "е").split())


_WORD = re.compile(r"\w+")
_DENIES = frozenset({"без", "кроме", "no", "non", "not", "without", "поставщику", "поставщикам", "supplier", "vendor"})
"""Beside one of these a word inside a value says nothing: «без права возврата», «списание: возврат поставщику»."""


@dataclass(frozen=True)
class _Codes:
    exact: Mapping[str, str]
    starts: tuple[tuple[str, str], ...]
    inside: tuple[tuple[str, str], ...] = ()
    """Words that decide wherever they stand, unless the value denies them."""

    def code(self, text: str) -> str | None:
        """Return the code of a value, None where the word is not known."""
        value = plain(text)
        if value in self.exact:
            return self.exact[value]
        said = set(_WORD.findall(value))
        if self.inside and not said & _DENIES:
            for word, code in self.inside:
                if word in said:
                    return code
        return next((code for start, code in self.starts if value.startswith(start)), None)


@dataclass(frozen=True)
class Words:
    """All word lists, loaded once."""

    status: _Codes
    kind: _Codes
    initiator: _Codes
    currency: _Codes
    yes: frozenset[str]
    no: frozenset[str]
    empty: frozenset[str]
    nobody: frozenset[str]
    """What stands where a person is asked for and there is none."""
    empty_date: frozenset[str]
    system_exact: frozenset[str]
    system_starts: tuple[str, ...]
    system_contains: tuple[str, ...]

    def is_system_user(self, text: str) -> bool:
        """Whether a user name belongs to no person: administrator, robot, exchange with the site."""
        value = plain(text)
        return (
            value in self.system_exact
            or value.startswith(self.system_starts)
            or any(part in value for part in self.system_contains)
        )


def _codes(raw: Mapping[str, Mapping[str, list[str]]]) -> _Codes:
    exact = {plain(w): code for code, body in raw.items() for w in body["exact"]}
    starts = [(plain(w), code) for code, body in raw.items() for w in body.get("starts", [])]
    inside = tuple((plain(w), code) for code, body in raw.items() for w in body.get("inside", []))
    return _Codes(exact, tuple(sorted(starts, key=lambda s: -len(s[0]))), inside)


@lru_cache(maxsize=1)
def words() -> Words:
    """Load the word lists."""
    raw = tomllib.loads(files("audit.intake").joinpath("data", "words.toml").read_text(encoding="utf-8"))

    def values(name: str, key: str = "exact") -> frozenset[str]:
        return frozenset(plain(w) for w in raw[name][key])

    return Words(
        status=_codes(raw["status"]),
        kind=_codes(raw["kind"]),
        initiator=_codes(raw["initiator"]),
        currency=_Codes({plain(w): code for code, all_ in raw["currency"].items() for w in all_}, ()),
        yes=values("yes"),
        no=values("no"),
        empty=values("empty"),
        nobody=values("nobody"),
        empty_date=values("empty_date"),
        system_exact=values("system_users"),
        system_starts=tuple(w.lower().replace("ё", "е") for w in raw["system_users"]["starts"]),
        system_contains=tuple(plain(w) for w in raw["system_users"]["contains"]),
    )
