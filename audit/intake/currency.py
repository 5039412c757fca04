"""In which currency the amounts are: what the files say, else what kind of files they are, else a question."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from audit.errors import Answer, Text
from audit.intake.words import words
from audit.model.intake_report import Question

if TYPE_CHECKING:
    from audit.intake.table import Table

__all__ = ["Known", "ask", "looks_russian", "told", "written"]

Source = Literal["settings", "questionnaire", "files", "form", "unknown"]
_TOKEN = re.compile(r"[^\W\d_]+\.?|[$€₽£¥₸]")
_OF_1C = re.compile(
    r"\b[A-ZА-Я0-9]{2,4}-\d{6}\b.* от \d{1,2}\.\d{2}\.\d{4}|от \d{1,2}\.\d{2}\.\d{4} \d{1,2}:\d{2}:\d{2}"
    r"|^\s*(?:отбор|параметры)\s*:|^[A-ZА-Я0-9]{4}-\d{6}$",
    re.IGNORECASE,
)
"""A cell of a list or a report of 1C."""


@dataclass(frozen=True)
class Known:
    """The currency of the report and whence it is known; an empty code where nothing says it."""

    code: str
    source: Source
    note: Text | None = None


def looks_russian(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> bool:
    """Whether the first rows of a table speak of roubles, of an ИНН, or have the form of 1C."""
    if any(re.search(r"₽|\bруб|\bИНН\b|инн контрагента", h, re.IGNORECASE) for h in headers):
        return True
    cells = [c for cells in rows for c in cells if c]
    return any("₽" in c or re.search(r"\bруб\b\.?|\bрублей\b", c, re.IGNORECASE) or _OF_1C.search(c) for c in cells)


def written(table: Table) -> str | None:
    """Return the currency that the header of the amount names: «Сумма, EUR», “Amount ($)”."""
    label = table.plan.measured.get("amount") or table.plan.measured.get("price") or ""
    codes = {c for token in _TOKEN.findall(label) if (c := words().currency.code(token)) is not None}
    return codes.pop() if len(codes) == 1 else None


_TOLD = re.compile(
    r"(?:\bвалют\w*(?: (?:отч[её]та|документа|учета))?|\bcurrency|\bсумм\w*|\bцены|\bпоказател\w*|\bamounts?|\bvalues?"
    r"|\bsales|\bfigures|\bprices)\W+"
    r"(?:(?:указан\w*|приведен\w*|показан\w*|выражен\w*|are|is|shown|stated|given|expressed|in|в|во) ){0,3}"
    r"(?:(?:тыс|млн|thousands?|millions?)\.?(?: of)? )?(?P<word>[^\W\d_]+\.?|[$€£])(?: (?P<more>\w+))?",
    re.IGNORECASE,
)
_IN_WHICH = {
    "рублях": "RUB",
    "долларах": "USD",
    "тенге": "KZT",
    "гривнах": "UAH",
    "юанях": "CNY",
    "фунтах": "GBP",
    "злотых": "PLN",
}


def told(text: str) -> str | None:
    """Return the currency that a line above the table names: «Валюта: USD», “All amounts in EUR”, «суммы в долларах»."""
    for found in _TOLD.finditer(text):
        word = found["word"].lower()
        code = _IN_WHICH.get(word) or words().currency.code(word)
        if code is not None:
            return None if word in ("рублях", "рубли") and (found["more"] or "").lower().startswith("бел") else code
    return None


def ask(found: Mapping[str, int], asked: str | None, source: Source, tables: Sequence[Table]) -> Known | Question:
    """Return the currency, or the question where nothing says it.

    ``found``: currency of cells and columns → rows; ``asked``: what settings or questionnaire (``source``) say.
    """
    if asked is not None:
        return Known(asked, source)
    if found:
        return Known(min(found, key=lambda c: (-found[c], c)), "files")
    headers = {code for t in tables if (code := written(t)) is not None}
    if len(headers) == 1:
        return Known(headers.pop(), "files")
    titles = {code for t in tables for _, row in t.plan.preamble for cell in row if (code := told(cell)) is not None}
    if not headers and len(titles) == 1:
        return Known(titles.pop(), "files")
    if not headers and any(t.russian or t.plan.client_id_is_inn for t in tables):
        return Known(
            "RUB",
            "form",
            Text(
                "Валюта в файлах не названа; рубли — по ИНН, знаку рубля или форме 1С",
                "The files name no currency; roubles, by the ИНН, the rouble sign or the form of 1C",
            ),
        )
    russian = any(re.search("[а-я]", h.lower()) for t in tables for h in t.plan.labels.values())
    codes = ("RUB", "KZT", "BYN", "USD", "EUR") if russian else ("USD", "EUR", "GBP", "RUB")
    lines = [f'[company]\ncurrency = "{code}"' for code in codes]
    others = tuple(Answer(Text(code, code), line) for code, line in zip(codes[1:], lines[1:], strict=True))
    return Question(
        Text(
            "В какой валюте суммы, в файлах не сказано; они показаны без знака валюты",
            "The files do not say in which currency the amounts are; they are shown without a sign",
        ),
        lines[0],
        others,
        kind="currency",
        means=Text(codes[0], codes[0]),
    )
