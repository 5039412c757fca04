"""Persons' names kept out of the list of rows set aside, where the report is to show none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

__all__ = ["hide_persons"]

_WHOLE_ROW = frozenset({"bad_bytes", "unclosed_quote", "field_count"})
"""Reasons whose value is the row as it stands, which may name anybody."""
_LABELLED = frozenset({"total_row", "subtotal_row", "group_row"})
"""Reasons whose value is a label, which may name the person whose rows are added up."""


def hide_persons(spellings: Iterable[str], code: Callable[[str], str]) -> Callable[[str, str | None], str | None]:
    """Return what turns a rejected row's value (by its reason) into one without the persons' names.

    ``code`` gives what stands for a spelling: the person's code, or a mark where nobody has given one.
    """
    known = sorted({s for s in spellings if len(s) > 1}, key=len, reverse=True)
    named = re.compile("|".join(map(re.escape, known))) if known else None

    def hide(reason: str, value: str | None) -> str | None:
        if value is None or named is None:
            return value
        if reason in _WHOLE_ROW:
            return None
        if reason not in _LABELLED:
            return value
        return named.sub(lambda m: code(m[0]), value)

    return hide
