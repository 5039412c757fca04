"""Which header of a file is which canonical field: exact synonyms first, near ones as a guess, never a silent choice.

Matching follows the code list: NFKC, lower case, ё = е, CamelCase split, blanks and marks collapsed; the text after a
comma or in brackets counts at first and is dropped only where nothing fits with it. Then token similarity of at least
0.9 makes a guess. Two headers for one field are a question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz, process

from audit.errors import SettingsError, Text
from audit.intake.units import is_price, of_goods
from audit.method import method
from audit.model.client_names import unmixed

__all__ = ["NOT_USED", "ColumnMatch", "Match", "known_headers", "match_headers", "normalise_header"]

How = Literal["mapped", "guessed", "setting", "derived", "not_used", "unmapped"]

NOT_USED = frozenset({"pipeline", "close_date", "repeat_flag", "comment", "lines", "payment_pct"})
"""Recognised, named in the report, and not used: they say nothing that the orders do not say better."""

_NEVER = frozenset({"дата изменения", "дата модификации", "изменено", "modified", "updated at", "date modified"})
"""Headers that look like a known one and mean something else."""

_WEAK = frozenset(
    {
        "номер по данным клиента",
        "номер счета",
        "дата начала",
        "дата согласования",
        "период",
        "грузополучатель",
        "компания контакта",
        "ответственный за контакт",
        "категория",
        "группа",
        "тип",
        "направление",
        "стоимость",
        "отгружено",
        "группа стадии",
        "закрыта",
        "количество упаковок",
        "наименование",
        "источник",
        "город",
        "страна",
        "country",
        "territory",
        "область",
        "ссылка",
        "документ",
        "guid",
        "id",
        "пользователь",
        "наценка",
        "операция",
        "вид операции",
        "хозяйственная операция",
        "продажи",
        "оборот",
        "дата счета",
        "заказ",
        "order",
        "billing name",
        "paid at",
        "posting date",
        "billing date",
        "created on",
        "created date and time",
        "date created",
        "rechnungsdatum",
        "buchungsdatum",
        "billing document",
        "transaction number",
        "rechnungsnummer",
        "receipt no",
        "document id",
        "company id",
        "bill to customer no",
        "invoice account",
        "account number",
        "bill to name",
        "entity",
        "firma",
        "debitor",
        "total due",
        "subtotal",
        "sub total",
        "extended price",
        "pieces",
        "anzahl",
        "заказано",
        "num",
        "record id",
        "invoice id",
        "время",
        "creation date",
        "deal created",
        "item",
        "item no",
        "item name",
        "name 1",
        "main line name",
        "rate",
        "item rate",
        "item total",
        "gross amount",
        "bill to customer name",
        "partner id",
    }
)
"""Synonyms that serve a field only where no other header of the file does."""

_PLAN_OR_FACT = re.compile(r"\b(факт\w*|план\w*|actual|planned|plan|fact)\b")
_CAMEL = re.compile(r"(?<=[a-zа-я0-9])(?=[A-ZА-Я])|(?<=[A-ZА-Я])(?=[A-ZА-Я][a-zа-я])")
_NUMBER_SIGN = frozenset({"no", "n", "nо", "nr"})
_MARKS = re.compile(r"[^\w%№]+")
_CUT = re.compile(r"(?<!\s)\s*[,(\[].*$", re.DOTALL)
_UNIT_END = re.compile(
    r" (?:в |in )?(?:(?:тыс|млн|thousands?|millions?|mln|mio|tsd|000s?)(?: (?:руб\w*|р|rub|usd|eur|chf|gbp))?"
    r"|т ?р(?:уб\w*)?|[tkm](?:rub|usd|eur|chf|gbp)|cents?|pence|коп(?:еек|ейк\w*)?|руб\w*|rub|usd|eur)$"
)
"""Thousands, millions, hundredths, a currency behind the word without comma or brackets: «Net value TEUR», «Сумма т. р.»."""
_GENERIC_NAME = frozenset({"наименование", "название", "имя", "name"})
_GENERIC_CODE = frozenset({"код", "инн", "id", "code", "inn"})


@lru_cache(maxsize=20_000)
def normalise_header(header: str) -> tuple[str, str]:
    """Return the header in matching form, whole and without what follows a comma or stands in brackets."""
    text = unicodedata.normalize("NFKC", header.replace("№", "\u0001")).replace("\u0001", "№")
    return _plain(text), _plain(_CUT.sub("", text)) if text[:1] not in "([" else _plain(text)


def _plain(text: str) -> str:
    words = _MARKS.sub(" ", _CAMEL.sub(" ", text).lower().replace("ё", "е").replace("_", " ")).split()
    kept = [unmixed(w.replace("№", "")) for w in words]
    kept = [w for w in kept if w]
    if len(kept) > 1 and kept[0] in _NUMBER_SIGN and any("а" <= c <= "я" for c in kept[1]):
        del kept[0]  # «No заказа» typed where the keyboard has no №
    return " ".join(kept) if kept else " ".join(words)


@dataclass(frozen=True, slots=True)
class _Known:
    exact: Mapping[str, tuple[str, ...]]
    spellings: tuple[str, ...]
    joined: Mapping[str, tuple[str, ...]]
    """Synonyms without blanks: «STOCKCODE», «СУММАДОКУМЕНТА»."""


@lru_cache(maxsize=1)
def known_headers() -> _Known:
    """Return every synonym in matching form with the fields that carry it."""
    exact: dict[str, list[str]] = {}
    for field, spec in method().headers.items():
        for text in (field, *(v.header for v in spec.variants)):
            fields = exact.setdefault(normalise_header(text)[0], [])
            if field not in fields:
                fields.append(field)
    whole = {k: tuple(v) for k, v in exact.items()}
    joined: dict[str, set[tuple[str, ...]]] = {}
    for text, owners in whole.items():
        joined.setdefault(text.replace(" ", ""), set()).add(owners)
    once = {text: next(iter(f)) for text, f in joined.items() if len(f) == 1 and len(text) >= 5}
    return _Known(whole, tuple(exact), once)


@dataclass(frozen=True, slots=True)
class Match:
    """What one header may mean: its field, how it was found, how near, and how strong the claim is."""

    field: str | None
    how: How
    score: float | None = None
    strength: int = 0
    """3 the canonical name itself, 2 a synonym, 1 a weak synonym or a guess."""
    also: tuple[str, ...] = ()
    """Other fields that the same header could be."""


_NO_MATCH = Match(None, "unmapped")


_NUMBERED = re.compile(r"\.\d+$")
_MONEY = frozenset({"amount", "margin", "cost"})
_OF_GOODS = Match("qty", "mapped", 1.0, 1)


@lru_cache(maxsize=20_000)
def match_header(header: str) -> Match:
    """Return what one header means by itself, whatever else stands in the file.

    What is counted in pieces or kilograms is no money («Продажи, шт»), and a price goes by many names.
    """
    found = _by_words(header)
    if found.field in _MONEY and of_goods(header):
        return _OF_GOODS
    if found.how != "mapped" and is_price(header):
        return Match("price", "mapped", 1.0, 2)
    return found


def _by_words(header: str) -> Match:
    whole, cut = normalise_header(header)
    if not whole or whole in _NEVER or cut in _NEVER:
        return _NO_MATCH
    known = known_headers()
    dropped = whole[len(cut) :] if whole.startswith(cut) else ""
    for text in (whole, cut):
        if text == cut and text != whole and _PLAN_OR_FACT.search(dropped):
            break  # «Дата отгрузки (…факт…)» must not fall back to «Дата отгрузки», which is the plan
        fields = known.exact.get(text)
        if fields:
            strength = 1 if text in _WEAK else 2
            if header.strip() == fields[0] or whole.replace(" ", "_") == fields[0]:
                strength = 3
            return Match(fields[0], "mapped", 1.0, strength, fields[1:])
    fields = known.joined.get(whole.replace(" ", ""))
    if fields:
        return Match(fields[0], "mapped", 1.0, 1 if whole in _WEAK else 2, fields[1:])
    fields = known.exact.get(_UNIT_END.sub("", whole))
    if fields:
        return Match(fields[0], "mapped", 1.0, 1, fields[1:])
    if len(whole) < 4:
        return _NO_MATCH
    near = process.extractOne(whole, known.spellings, scorer=fuzz.token_sort_ratio, score_cutoff=90.0)
    if near is None:
        return _NO_MATCH
    fields = known.exact[near[0]]
    if bool(_PLAN_OR_FACT.search(whole)) != bool(_PLAN_OR_FACT.search(near[0])):
        return _NO_MATCH
    return Match(fields[0], "guessed", round(near[1] / 100.0, 2), 1, fields[1:])


def match_stacked(parent: str, child: str) -> Match:
    """Return what a header of two rows means: «Контрагент» above «ИНН», «Сумма» above «Всего»."""
    if not child:
        return match_header(parent)
    if not parent:
        return match_header(child)
    for text in (f"{parent} {child}", f"{child} {parent}"):
        found = known_headers().exact.get(normalise_header(text)[0])
        if found:
            return Match(found[0], "mapped", 1.0, 2, found[1:])
    above, below = match_header(parent), match_header(child)
    if above.field in _MONEY and below.field is None and of_goods(f"{parent}, {child}"):
        return _OF_GOODS
    word = normalise_header(child)[0]
    if above.field == "client" and word in _GENERIC_CODE:
        return Match("client_id", "mapped", 1.0, 2)
    if above.field is not None and word in _GENERIC_NAME:
        return above
    return below if below.field is not None else above


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """One column of a table: position, header as shown, what it is."""

    index: int
    header: str
    match: Match


@dataclass(frozen=True, slots=True)
class HeaderPlan:
    """All columns of a table, the column chosen per field, and the fields for which two headers compete."""

    columns: tuple[ColumnMatch, ...]
    chosen: Mapping[str, int]
    rivals: Mapping[str, tuple[int, ...]]
    shared: Mapping[int, tuple[str, ...]]
    """Columns whose header could be either of several fields."""
    missing_settings: tuple[str, ...] = ()
    """Headers named in ``[columns]`` that this table does not have."""


def match_headers(
    headers: Sequence[str],
    settings_columns: Mapping[str, str],
    parents: Sequence[str] | None = None,
    units: Sequence[str] = (),
) -> HeaderPlan:
    """Match all headers of a table at once; ``units``: what a row below them says of each.

    What ``[columns]`` names wins. Otherwise the strongest claim on a field wins; equal claims are rivals, left for
    the caller to settle by content or to ask about. «Партнер» beside «Контрагент» are client and legal entity (1C UT
    11), not rivals.
    """
    above = parents if parents is not None else [""] * len(headers)
    whole = [" / ".join(p for p in (a, h) if p) for a, h in zip(above, headers, strict=True)]
    matches = [match_stacked(a, h) for a, h in zip(above, headers, strict=True)]
    for i, unit in enumerate(units[: len(matches)]):
        if unit and matches[i].field is None:
            matches[i] = match_header(_NUMBERED.sub("", headers[i]))  # one heading twice, over two units
        if unit and matches[i].field in _MONEY and of_goods(f"{headers[i]}, {unit}"):
            matches[i] = _OF_GOODS
    named: dict[str, int] = {}
    missing: list[str] = []
    for field, header in settings_columns.items():
        at = _find(header, headers, whole)
        if at is None:
            missing.append(header)
        elif at in named.values():
            other = next(f for f, i in named.items() if i == at)
            raise _given_twice(other, field, header)
        else:
            named[field] = at
            matches[at] = Match(field, "setting", None, 4)
    taken = set(named.values())
    for i, m in enumerate(matches):
        if i not in taken and m.field in named:
            matches[i] = Match(m.field, "not_used", m.score, 0)
    _split_partner(headers, matches)
    _by_program([normalise_header(h)[0] for h in headers], matches)
    claims: dict[str, list[int]] = {}
    for i, m in enumerate(matches):
        if m.field is not None and m.strength > 0:
            claims.setdefault(m.field, []).append(i)
    chosen: dict[str, int] = {}
    rivals: dict[str, tuple[int, ...]] = {}
    for field, indices in claims.items():
        best = max(matches[i].strength for i in indices)
        strong = [i for i in indices if matches[i].strength == best]
        chosen[field] = strong[0]
        if len(strong) > 1:
            rivals[field] = tuple(strong)
        for i in indices:
            if i not in strong:
                matches[i] = Match(field, "not_used", matches[i].score, 0)
    for i, m in enumerate(matches):
        if m.field in NOT_USED and m.how in ("mapped", "guessed"):
            matches[i] = Match(m.field, "not_used", m.score, 0, m.also)
    shared = {i: (m.field, *m.also) for i, m in enumerate(matches) if m.field and m.also and chosen.get(m.field) == i}
    columns = tuple(ColumnMatch(i, whole[i], m) for i, m in enumerate(matches))
    return HeaderPlan(columns, chosen, rivals, shared, tuple(missing))


def _given_twice(field: str, other: str, header: str) -> SettingsError:
    return SettingsError(
        Text(
            f"Столбец «{header}» назван двум полям: {field} и {other}",
            f"Column “{header}” is given to two fields: {field} and {other}",
        ),
        where="audit.toml, [columns]",
        todo=Text("Оставьте одно из них", "Keep one of them"),
    )


def _find(header: str, headers: Sequence[str], whole: Sequence[str]) -> int | None:
    for candidates in (headers, whole):
        for i, h in enumerate(candidates):
            if h.strip() == header.strip():
                return i
    target = normalise_header(header)[0]
    for candidates in (headers, whole):
        hits = [i for i, h in enumerate(candidates) if normalise_header(h)[0] == target]
        if len(hits) == 1:
            return hits[0]
    return None


def _split_partner(headers: Sequence[str], matches: list[Match]) -> None:
    clients = [i for i, m in enumerate(matches) if m.field == "client" and m.how == "mapped"]
    partner = [i for i in clients if normalise_header(headers[i])[1] == "партнер"]
    contractor = [i for i in clients if normalise_header(headers[i])[1] == "контрагент"]
    if len(partner) == 1 and len(contractor) == 1:
        matches[contractor[0]] = Match("legal_entity", "mapped", 1.0, 2)


_OF_LEDGER = frozenset({"memo", "memo description", "split", "num", "document number", "posting", "transaction type"})
_NAMED: Mapping[str, tuple[frozenset[str], str]] = {
    # Shopify: the number of the order stands on all its lines, the inner one (Id) on the first alone.
    "name": (frozenset({"lineitem name"}), "order_id"),
    # Xero: the contact is who is billed.
    "contact name": (frozenset({"invoice number"}), "client"),
}
"""A header that says what it is by its neighbours alone: what must stand beside it, and the field it is then."""


def _by_program(words: Sequence[str], matches: list[Match]) -> None:
    """Settle headers whose meaning depends on the program, told by its other headers."""
    for header, (beside, field) in _NAMED.items():
        if header in words and beside <= set(words) and not (field == "client" and _claimed(field, matches)):
            matches[words.index(header)] = Match(field, "mapped", 1.0, 2)
    # QuickBooks, NetSuite: the account of a ledger is no client, the name beside it is.
    if (
        {"name", "account"} <= set(words)
        and _OF_LEDGER & set(words)
        and not _claimed("client", matches, but="account", words=words)
    ):
        matches[words.index("name")] = Match("client", "mapped", 1.0, 2)
        matches[words.index("account")] = _NO_MATCH


def _claimed(field: str, matches: Sequence[Match], but: str = "", words: Sequence[str] = ()) -> bool:
    return any(m.field == field and m.strength > 1 and (not words or words[i] != but) for i, m in enumerate(matches))
