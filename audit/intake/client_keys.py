"""One key per client over all files, from everything that the files say about it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz import fuzz

from audit.intake.canonical import ClientKey
from audit.intake.clients import client_id_key
from audit.intake.values import clean_text
from audit.intake.words import plain
from audit.model.client_names import clean_name, legal_form, name_key
from audit.settings import Merge

__all__ = ["ClientBook"]

Combination = tuple[str | None, str | None, str | None, str | None]
"""Texts of client_id, client, holding, legal entity."""

_FILLER = re.compile(
    r"(\d)\1*|\d*(?P<end>\d)(?P=end){6}|0*123456789\d*|б[/.\\ -]?\s?н\.?"
    r"|(?:нет|без|не|no|none|unknown|n/?a|test|тест|физ|част|розн|прочи|разн|other|misc|cash|retail"
    r"|default|dummy|xxx)\b.*|[^\w]*"
)
"""What is written where a code is asked for and there is none: one digit over and over, a count, a word."""
_NAMES_OF_NOBODY = 3
"""So many names without a word in common or a likeness under one code say that the code is nobody's, whatever it is."""
_ALIKE = 70.0
"""Likeness of two names, 0–100, from which they may be spellings of one."""


class ClientBook:
    """Knows all clients of all files; `key` tells who the client of a combination of texts is.

    A placeholder under several names is nobody's code, and so is any code under three that have nothing in common.
    Companies of one name and of different legal forms are different clients, unless ``together`` says otherwise.
    """

    def __init__(self, level: str, merges: Sequence[Merge], *, together: bool = False) -> None:
        self._level = level
        self._together = together
        self._ids: dict[tuple[str, bool], str | None] = {}
        self._names_of_id: dict[str, Counter[str]] = defaultdict(Counter)
        self._written: Counter[str] = Counter()
        """Names as written → rows."""
        self._without_code: Counter[str] = Counter()
        self._ids_of_name: dict[str, set[str]] = defaultdict(set)
        self._shown: dict[str, str] = {}
        self._merges = merges
        self._target: dict[str, str] = {}
        self.placeholders: dict[str, int] = {}
        """Codes that stand under several names and are none → rows."""
        self.apart: Mapping[str, Mapping[str, str]] = {}
        """Bare name → legal form → the name as written, where companies of one name differ in it."""

    def add(self, combinations: Iterable[tuple[Combination, int]], inn: bool) -> None:
        """Take in the distinct combinations of a file with their numbers of rows."""
        for (client_id, client, holding, entity), rows in combinations:
            key = self._id(client_id, inn)
            name = clean_text(client)
            own = clean_text(entity) or name
            if own is not None and key is not None:
                self._names_of_id[key][clean_name(own)] += rows
            for text in (name, clean_text(entity), clean_text(holding)):
                if text is not None:
                    self._written[clean_name(text)] += rows
                    if key is None or _FILLER.fullmatch(plain(key)):
                        self._without_code[clean_name(text)] += rows

    def close(self) -> None:
        """Settle codes, names and the declared merges once all files are known."""
        self.placeholders = {
            code: names.total()
            for code, names in self._names_of_id.items()
            if len(keys := {name_key(n) for n in names}) > 1 and (_FILLER.fullmatch(plain(code)) or _unlike(keys))
        }
        self._ids = {memo: None if code in self.placeholders else code for memo, code in self._ids.items()}
        for code in self.placeholders:
            names = self._names_of_id.pop(code)
            if not _FILLER.fullmatch(plain(code)):
                self._without_code += names
        self.apart = {} if self._together else self._same_names()
        for code, names in self._names_of_id.items():
            for name in names:
                self._ids_of_name[self._name_key(name)].add(code)
        shown: dict[str, Counter[str]] = defaultdict(Counter)
        for name, rows in self._written.items():
            shown[f"\0{self._name_key(name)}"][name] += rows
        for key, names in (*self._names_of_id.items(), *shown.items()):
            self._shown[key] = min(names, key=lambda n: (-names[n], n))
        for merge in self._merges:
            self._target[self._named(merge.client)] = self._named(merge.into)
        for key in list(self._target):
            seen = {key}
            while self._target[key] in self._target and self._target[key] not in seen:
                seen.add(self._target[key])
                self._target[key] = self._target[self._target[key]]

    def _same_names(self) -> dict[str, dict[str, str]]:
        """Names known without a code that several legal forms bear."""
        forms: dict[str, dict[str, str]] = defaultdict(dict)
        for name, _ in sorted(self._without_code.items(), key=lambda n: (-n[1], n[0])):
            form = legal_form(name)
            if form is not None:
                forms[_bare(name)].setdefault(form, name)
        return {bare: dict(found) for bare, found in forms.items() if len(found) > 1}

    def merge_key(self, merge: Merge) -> str:
        """Return the key of the client that a merge takes away."""
        return self._named(merge.client)

    def shown(self, key: str) -> str | None:
        """Return the name of a key as it is shown: its most frequent spelling."""
        return self._shown.get(key) or self._shown.get(f"\0{key}")

    def key(
        self, client_id: str | None, client: str | None, holding: str | None, entity: str | None, inn: bool = False
    ) -> ClientKey:
        """Return who the client of a row is, at the level of the audit."""
        code = self._id(client_id, inn)
        name, own, group = clean_text(client), clean_text(entity), clean_text(holding)
        if own is not None and self._level != "legal_entity":
            found = self._by_name(name) or code or self._by_name(own)
        elif own is not None:
            found = code or self._by_name(own) or self._by_name(name)
        else:
            found = code or self._by_name(name)
        if self._level == "holding" and group is not None:
            found = self._name_key(group) or found
        if found is None:
            return ClientKey(None, None, code)
        into = self._target.get(found)
        if into is not None and into != found:
            return ClientKey(into, self.shown(into), code, merged_from=found)
        written = own or name
        return ClientKey(found, self.shown(found) or (clean_name(written) if written else None), code)

    def _id(self, text: str | None, inn: bool) -> str | None:
        if text is None:
            return None
        memo = (text, inn)
        if memo not in self._ids:
            value = clean_text(text)
            code = None if value is None else client_id_key(value, inn)
            self._ids[memo] = None if code in self.placeholders else code
        return self._ids[memo]

    def _name_key(self, text: str) -> str:
        """Key of a name; companies that only their legal form tells apart keep it."""
        key = name_key(text)
        if self._together:
            return _bare(text)
        form = legal_form(text) if self.apart else None
        return key if form is None or form == "ип" or _bare(text) not in self.apart else f"{key} {form}"

    def _by_name(self, text: str | None) -> str | None:
        """Key of a client known by name: its code if the name belongs to exactly one, else the name's own key."""
        if text is None:
            return None
        key = self._name_key(text)
        ids = self._ids_of_name.get(key, set())
        return next(iter(ids)) if len(ids) == 1 else key or None

    def _named(self, text: str) -> str:
        """Key of a client that the settings name by code, ИНН or name."""
        value = clean_text(text) or text
        for inn in (False, True):
            code = client_id_key(value, inn)
            if code is not None and code in self._names_of_id:
                return code
        known_ids = {v for v in self._ids.values() if v is not None}
        if value in known_ids:
            return value
        return self._by_name(value) or value


def _unlike(names: Iterable[str]) -> bool:
    """Whether keys of names are those of several companies rather than spellings and branches of one."""
    apart: list[str] = []
    for name in sorted(names):
        words = {w for w in name.split() if len(w) >= 4}
        if not any(words & set(other.split()) or fuzz.token_set_ratio(name, other) >= _ALIKE for other in apart):
            apart.append(name)
            if len(apart) == _NAMES_OF_NOBODY:
                return True
    return False


def _bare(name: str) -> str:
    """Key of a name without any legal form, that of a sole trader included."""
    key = name_key(name)
    return " ".join(w for w in key.split() if w != "ип") or key
