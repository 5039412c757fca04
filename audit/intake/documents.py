"""Which documents a table holds: orders, or the dispatch documents that fulfil them.

«Заказ клиента» and «Реализация товаров и услуг» of 1C are one sale in two documents, each with a number of its own. What
is recognised here is only the kind; `dispatch` ties the documents to the orders.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from audit.intake.headers import match_header, normalise_header
from audit.settings import Settings

__all__ = [
    "Kind",
    "dated_by",
    "declared",
    "declared_sheet",
    "document_kind",
    "number_column",
    "reference_column",
    "toml_text",
    "word_kind",
]

Kind = Literal["order", "dispatch"]

_WORDS = re.compile(
    r"(?P<dispatch>реализаци[яйию]|отгруз(?:к|ок|очн)|накладн|\bупд\b|универсальн\w+ передаточн|\bторг\W?12|счет\w*\W?фактур"
    r"|документ\w* продаж|shipment|d[ei]spatch|deliver(?:y|ies)|invoice|waybill|goods issue)"
    r"|(?P<order>заказ|заявк|\borders?\b|\bsales order)"
)
_RETURNS = re.compile(r"возврат|\breturn|refund|credit note")
_KIND_HEADERS = frozenset({"вид документа", "тип документа", "документ", "document type", "document kind", "type"})
_OWN_NUMBERS = re.compile(
    r"(?:номер|код)?\s*(?:реализации|отгрузки|накладной|упд|счета фактуры|отгрузочного документа)"
    r"|(?:shipment|dispatch|delivery|delivery note|invoice) ?(?:no|number|id)"
)
_ORDER_NUMBERS = re.compile(r"(?:номер )?заказа?(?: клиента| покупателя)?|(?:sales )?order(?: id| no| number)?")
_REFERENCES = (
    "заказ клиента",
    "заказ покупателя",
    "номер заказа",
    "номер заказа клиента",
    "номер заказа покупателя",
    "заказ",
    "код заказа",
    "заказ основание",
    "распоряжение",
    "документ основание",
    "основание",
    "сделка",
    "sales order",
    "order",
    "order id",
    "order no",
    "order number",
    "order ref",
    "order reference",
    "based on",
    "source document",
)
"""Headers under which a dispatch document names its order, the surest first."""
_LOOSE = frozenset({"распоряжение", "документ основание", "основание", "сделка", "based on", "source document"})
"""Of these, headers that may hold a contract or a phrase instead: their cells must carry a number."""
_OWN_DOCUMENTS = re.compile(
    r"(?:номер )?(?:(?:расходн\w+ )?накладн(?:ая|ой)|сч[её]та?(?: фактур[аы])?|упд|реализаци[яи]|заявк[аи]|чека?|акта?)"
    r"|invoice|bill|receipt|rechnung|rechnungsnummer|name"
)
"""Headers that may be the number of the row's own document where every cell carries a digit: Shopify calls it Name."""


def word_kind(text: str) -> Kind | None:
    """Which of the two documents a text speaks of first: «Отгрузки по заказам» are dispatches."""
    found = _WORDS.search(text.lower().replace("ё", "е").replace("_", " "))
    if found is None:
        return None
    return "dispatch" if found["dispatch"] else "order"


def document_kind(
    name: str, sheet: str | None, title: Sequence[str], headers: Sequence[str], sample: Sequence[Sequence[str]]
) -> Kind | None:
    """Return which document the rows of a table are, None where nothing says so.

    The document cells («Реализация товаров и услуг 00УТ-000012 от …») say it best, then the title above the table,
    the sheet, the name of the file, the header of the number. Returns are neither.
    """
    own = name.rsplit("/", 1)[-1]
    top = " ".join(title)
    if _RETURNS.search(f"{own} {sheet or ''} {top}".lower()):
        return None
    kinds = (_kind_of_cells(headers, sample, bare=False), *(word_kind(t) for t in (top, sheet or "", own, name)))
    # «Вид документа: Реализация» comes last: exports of orders call their sales so too.
    for kind in (*kinds, _kind_of_cells(headers, sample, bare=True)):
        if kind is not None:
            return kind
    words = [normalise_header(h)[0] for h in headers]
    for word in words:
        if _OWN_NUMBERS.fullmatch(word):
            return "dispatch"
        if _ORDER_NUMBERS.fullmatch(word):
            return "order"
    return None


def _kind_of_cells(headers: Sequence[str], sample: Sequence[Sequence[str]], *, bare: bool) -> Kind | None:
    """The kind that the leftmost column of documents names in most of its cells.

    A column under «Заказ клиента» beside one of numbers names another document, not the one of the row. ``bare``
    takes the column of document kinds, which carries no numbers.
    """
    rows = [cells for cells in sample[:120] if any(cells)]
    numbers = sum(match_header(h).field == "order_id" for h in headers)
    for at, header in enumerate(headers):
        word = normalise_header(header)[0]
        if (word in _REFERENCES and numbers > 1) or (bare and word not in _KIND_HEADERS):
            continue
        cells = [c.strip() for r in rows if at < len(r) and (c := r[at]).strip()]
        if len(cells) * 2 < len(rows) or not any(c[0].isalpha() for c in cells[:20]):
            continue
        kinds = [k for c in cells if (k := _kind_of_cell(c, bare)) is not None]
        if len(kinds) > len(cells) * 0.6:
            dispatches = kinds.count("dispatch")
            return "dispatch" if dispatches * 2 > len(kinds) else "order"
    return None


def _kind_of_cell(text: str, bare: bool) -> Kind | None:
    """The document that a cell names: «Расходная накладная № 12»; without a number only where ``bare``."""
    head = text[:48].lower().replace("ё", "е")
    found = _WORDS.search(head)
    if found is None or _RETURNS.search(head):
        return None
    if not bare and not any(c.isdigit() for c in text[found.end() :]):
        return None
    return "dispatch" if found["dispatch"] else "order"


def declared(name: str, sheet: str | None, settings: Settings) -> bool | None:
    """Whether ``[reading] dispatch_files`` names a table; None where the setting is not given."""
    asked = settings.reading.dispatch_files
    return None if asked is None else fits(name, sheet, asked)


def fits(name: str, sheet: str | None, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns names a table: its file, its name inside an archive, or a sheet «Файл.xlsx#Лист»."""
    whole = name if sheet is None or "#" in name else f"{name}#{sheet}"
    file = whole.split("#", 1)[0]
    names = {whole, name, file, file.rsplit("/", 1)[-1], whole.rsplit("/", 1)[-1]}
    return any(fnmatch.fnmatchcase(n.lower(), pattern.lower()) for n in names for pattern in patterns)


def toml_text(name: str) -> str:
    """Return a name as it stands in a quoted text of audit.toml, where it is a pattern that only it fits."""
    return re.sub(r"([*?[])", r"[\1]", name).replace("\\", "\\\\").replace('"', '\\"')


def declared_sheet(name: str, sheet: str, settings: Settings) -> bool:
    """Whether ``[reading] dispatch_files`` names this sheet itself, as «Продажи.xlsx#Реализации»."""
    whole = f"{name}#{sheet}".lower()
    asked = [p.lower() for p in settings.reading.dispatch_files or () if "#" in p]
    return any(fnmatch.fnmatchcase(n, pattern) for n in (whole, whole.rsplit("/", 1)[-1]) for pattern in asked)


def reference_column(headers: Sequence[str], sample: Sequence[Sequence[str]], named: str | None) -> int | None:
    """Return the column in which a dispatch document names its order; ``named`` is its header in the settings."""
    words = [normalise_header(h)[0] for h in headers]
    wanted = _REFERENCES if named is None else (normalise_header(named)[0], *_REFERENCES)
    for word in wanted:
        for at, header in enumerate(words):
            cells = [r[at] for r in sample if at < len(r) and r[at].strip()]
            if header == word and cells and (word not in _LOOSE or any(c.isdigit() for c in "".join(cells))):
                return at
    return None


def number_column(headers: Sequence[str], sample: Sequence[Sequence[str]], chosen: Mapping[str, int]) -> int | None:
    """Return the column that may be the number of the order where none is called so: «Sales order», «Накладная».

    A document has one day and one client; a column whose values have several (an account, a person) is no number.
    """
    at = reference_column(headers, sample, None)
    if at is not None and normalise_header(headers[at])[0] not in _LOOSE:
        return at
    for at, header in enumerate(headers):
        if at not in chosen.values() and _OWN_DOCUMENTS.fullmatch(normalise_header(header)[0]):
            cells = [r[at].strip() for r in sample if at < len(r) and r[at].strip()]
            one = all(_one_each(sample, at, chosen[f]) for f in ("order_date", "client", "client_id") if f in chosen)
            if cells and one and all(any(c.isdigit() for c in cell) for cell in cells):
                return at
    return None


def _one_each(sample: Sequence[Sequence[str]], at: int, other: int) -> bool:
    """Whether every value of a column stands beside one value of another, blank cells aside."""
    pairs = {(r[at].strip(), r[other].strip()) for r in sample if max(at, other) < len(r)}
    beside = [value for value, there in pairs if value and there]
    return len(beside) == len(set(beside))


def dated_by(labels: Mapping[str, str], *, inside: bool) -> tuple[str, ...]:
    """Return the fields that hold the day of dispatch, the first that a row fills counts; none where no field does.

    The date of the document is the fact (``inside``: it stands in the cell of the number), and so is «Дата отгрузки»
    where the only other date is the order's own.
    """
    out = ["shipped_date"] if "shipped_date" in labels else []
    own = normalise_header(labels.get("order_date", ""))[0]
    if (own and "заказ" not in own and "order" not in own.split()) or (not own and inside):
        out.append("order_date")
    if not out and normalise_header(labels.get("promised_date", ""))[0] == "дата отгрузки":
        out.append("promised_date")
    return tuple(out)
