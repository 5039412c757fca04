"""One key per client over all files, from everything that the files say about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from audit.intake.canonical import ClientKey
from audit.intake.clients import clean_name, client_id_key, name_key
from audit.intake.values import clean_text
from audit.settings import Merge

__all__ = ["ClientBook"]

Combination = tuple[str | None, str | None, str | None, str | None]
"""Texts of client_id, client, holding, legal entity."""


class ClientBook:
    """Knows all clients of all files; `key` tells who the client of a combination of texts is."""

    def __init__(self, level: str, merges: Sequence[Merge]) -> None:
        self._level = level
        self._ids: dict[tuple[str, bool], str | None] = {}
        self._ids_of_name: dict[str, set[str]] = defaultdict(set)
        self._names: dict[str, Counter[str]] = defaultdict(Counter)
        self._shown: dict[str, str] = {}
        self._merges = merges
        self._target: dict[str, str] = {}
        self.spellings: dict[str, set[str]] = defaultdict(set)
        """Key → ways in which its name is written."""

    def add(self, combinations: Iterable[tuple[Combination, int]], inn: bool) -> None:
        """Take in the distinct combinations of a file with their numbers of rows."""
        for (client_id, client, holding, entity), rows in combinations:
            key = self._id(client_id, inn)
            name = clean_text(client)
            own = clean_text(entity) or name
            if own is not None and key is not None:
                self._ids_of_name[name_key(own)].add(key)
                self._names[key][clean_name(own)] += rows
            for text in (name, clean_text(entity), clean_text(holding)):
                if text is not None:
                    self._names[f"\0{name_key(text)}"][clean_name(text)] += rows

    def close(self) -> None:
        """Settle the names shown and the declared merges once all files are known."""
        self._shown = {k: min(c, key=lambda n: (-c[n], n)) for k, c in self._names.items()}
        for merge in self._merges:
            self._target[self._named(merge.client)] = self._named(merge.into)
        for key in list(self._target):
            seen = {key}
            while self._target[key] in self._target and self._target[key] not in seen:
                seen.add(self._target[key])
                self._target[key] = self._target[self._target[key]]

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
            found = name_key(group) or found
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
            self._ids[memo] = None if value is None else client_id_key(value, inn)
        return self._ids[memo]

    def _by_name(self, text: str | None) -> str | None:
        """Key of a client known by name: its code if the name belongs to exactly one, else the name's own key."""
        if text is None:
            return None
        key = name_key(text)
        ids = self._ids_of_name.get(key, set())
        return next(iter(ids)) if len(ids) == 1 else key or None

    def _named(self, text: str) -> str:
        """Key of a client that the settings name by code, ИНН or name."""
        value = clean_text(text) or text
        for inn in (False, True):
            code = client_id_key(value, inn)
            if code is not None and code in self._names and not code.startswith("\0"):
                return code
        known_ids = {v for v in self._ids.values() if v is not None}
        if value in known_ids:
            return value
        return self._by_name(value) or value
