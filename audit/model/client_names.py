"""What a client is called: one key for all spellings of a name, and the client behind a name that a person wrote.

Orders, key clients, touches, every sheet match clients by the same words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["ClientNames", "clean_name", "legal_form", "name_key", "unmixed"]

_LATIN_LOOKALIKE = str.maketrans("abcehkmoptxy", "авсенкмортху")
_FORMS = re.compile(
    r"\b(общество с ограниченной ответственностью|публичное акционерное общество|закрытое акционерное общество|"
    r"открытое акционерное общество|непубличное акционерное общество|акционерное общество|"
    r"индивидуальный предприниматель|ооо|оао|зао|пао|нао|ао|тоо|одо|чп|чуп|оду|гуп|муп|фгуп|фгбу|фгбоу|гбу|мбу|нпо|тд|"
    r"торговый дом|торговая компания|группа компаний|гк|тк|"
    r"llc|ltd|limited|inc|incorporated|corp|corporation|co|plc|gmbh|ag|sa|bv|srl|oy|ab)\b"
)
_KEPT_FORMS = {"индивидуальный предприниматель": "ип"}
"""A sole trader «ИП Иванов» is not the company «Иванов»: this form stays part of the name."""
_QUOTES = re.compile("[\"'«»„“”‘’`´‹›]")
_MARKS = re.compile(r"[^\w&+]+")
_FORM = re.compile(
    r"\b(?:(?P<ооо>общество с ограниченной ответственностью|ооо|llc|ltd|limited|gmbh|srl|bv)"
    r"|(?P<ао>(?:публичное |закрытое |открытое |непубличное )?акционерное общество|ао|оао|зао|пао|нао|inc|incorporated"
    r"|corp|corporation|plc|ag|sa|ab)|(?P<ип>индивидуальный предприниматель|ип))\b"
)
"""Legal forms that tell companies of one name apart; a company that was ОАО and is ПАО stays one."""


def unmixed(word: str) -> str:
    """Return a lower-case word with Latin look-alikes put right: «cумма» typed with a Latin «c» is «сумма»."""
    if any("a" <= c <= "z" for c in word) and any("а" <= c <= "я" for c in word):
        return word.translate(_LATIN_LOOKALIKE)
    return word


@lru_cache(maxsize=500_000)
def clean_name(text: str) -> str:
    """Return a name as it is shown: as written, blanks collapsed."""
    return " ".join(unicodedata.normalize("NFC", text).split())


@lru_cache(maxsize=500_000)
def name_key(text: str) -> str:
    """Return the key of a client known by name only.

    Lower case, ё = е, quotes and legal form away, marks as blanks, words in alphabetical order. A name that consists
    of nothing else keeps what it has.
    """
    low = unicodedata.normalize("NFKC", text).lower().replace("ё", "е")
    low = _MARKS.sub(" ", _QUOTES.sub(" ", low))
    low = " ".join(unmixed(w) for w in low.split())
    for long, short in _KEPT_FORMS.items():
        low = low.replace(long, short)
    bare = " ".join(_FORMS.sub(" ", low).split())
    return " ".join(sorted((bare or low).split()))


def legal_form(text: str) -> str | None:
    """Return the class of a name's legal form: «ооо», «ао», «ип»; None where the name has none."""
    low = unicodedata.normalize("NFKC", text).lower().replace("ё", "е")
    low = " ".join(unmixed(w) for w in _MARKS.sub(" ", _QUOTES.sub(" ", low)).split())
    found = _FORM.search(low)
    return None if found is None else found.lastgroup


class ClientNames:
    """Finds the client behind a code or a name that somebody wrote on a sheet.

    ``known``: code or name as the orders have it, key of the client, place (1 code, 2 key, 3 name); the lowest place
    wins. A spelling counts as it is, blanks at the ends and letter case aside; then as names count in the orders:
    without legal form, quotes and word order, where only one client is called so.
    """

    def __init__(self, known: Iterable[tuple[str, str, int]]) -> None:
        self._exact: dict[str, str] = {}
        alike: dict[str, set[str]] = {}
        for said, key, place in sorted(known, key=lambda k: (k[2], k[1])):
            self._exact.setdefault(said.strip().casefold(), key)
            if place > 1:
                alike.setdefault(name_key(said), set()).add(key)
        self._alike = {name: next(iter(keys)) for name, keys in alike.items() if len(keys) == 1}

    def find(self, said: str) -> str | None:
        """Return the key of a client, None where the orders know none."""
        exact = self._exact.get(said.strip().casefold())
        if exact is not None:
            return exact
        form, name = legal_form(said), name_key(said)
        return self._exact.get(f"{name} {form}") or self._alike.get(name)
