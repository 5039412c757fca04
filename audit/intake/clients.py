"""Who the clients are: one key per client from ИНН, code or normalised name, and suspected duplicates.

A key joins rows silently only where the rule is plain: the same ИНН or code, else the same name after legal form,
quotes, case, Ё, blanks and word order are taken away. Anything nearer than that is offered, never applied.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["client_id_key", "is_rounded", "valid_inn"]

_WEIGHTS_10 = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_WEIGHTS_11 = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_WEIGHTS_12 = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)


def _digit(number: str, weights: tuple[int, ...]) -> int:
    return sum(int(d) * w for d, w in zip(number, weights, strict=False)) % 11 % 10


def valid_inn(text: str) -> bool:
    """Whether the text is an ИНН with right check digits (10 digits a company, 12 a person)."""
    if not text.isascii() or not text.isdigit():
        return False
    if len(text) == 10:
        return _digit(text, _WEIGHTS_10) == int(text[9])
    if len(text) == 12:
        return _digit(text, _WEIGHTS_11) == int(text[10]) and _digit(text, _WEIGHTS_12) == int(text[11])
    return False


_ROUNDED = re.compile(r"\d[.,]\d+[eеEЕ]\+?\d{1,2}")


def is_rounded(text: str) -> bool:
    """Whether a spreadsheet has rounded a long number: «7,70708E+09» stands for many ИНН at once."""
    return bool(_ROUNDED.fullmatch(text.strip()))


@lru_cache(maxsize=500_000)
def client_id_key(text: str, is_inn: bool = False) -> str | None:
    """Return a client's code in one form: blanks away, «.0» of a spreadsheet number away, zeros kept.

    Under an ИНН header «7701234567/770101001» gives the ИНН without the КПП, and a leading zero that a spreadsheet
    swallowed comes back where the check digits prove it. A number that a spreadsheet has rounded is no code.
    """
    code = " ".join(unicodedata.normalize("NFKC", text).replace("\ue000", "").split())
    code = code.removeprefix("'").strip()  # a spreadsheet's mark of text
    if is_rounded(code):
        return None
    if re.fullmatch(r"\d+[.,]0+", code):
        code = re.split(r"[.,]", code)[0]
    if is_inn:
        compact = code.replace(" ", "")
        first = re.match(r"(\d{9,12})(?:[/\\]\d{9})?$", compact)
        if first:
            code = first[1]
            if len(code) in (9, 11) and valid_inn("0" + code):
                code = "0" + code
    return code or None
