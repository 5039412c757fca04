"""Which sheets of a workbook hold the orders, and what is said of the rest.

Hidden sheets are not what the client sends. Of the visible ones those count whose header has a date, a client and a sum,
unless name or title say payments, debts, a plan, a pivot. Sheets of one kind (a year, a branch each) are read together
though a word, a column or the order of their headers differs; where two fit that are not of one kind it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from audit.errors import AmbiguityError, Answer, InputError, Text, did_you_mean
from audit.intake.documents import declared_sheet, fits, toml_text, word_kind
from audit.intake.grouped import datelike
from audit.intake.layout import Layout, find_layout, head_rows
from audit.intake.staging import Row
from audit.intake.values import parse_number
from audit.settings import Settings

__all__ = ["Sheet", "choose_sheets"]

_ASIDE = re.compile(
    r"оплат|плат[её]ж|поступлени|payment|receipt|zahlung|paiement|pagos?\b|задолж|долг|дебитор|дз\b|\bdebts?\b|receivable|aging|"
    r"\bплан|\bplan\b|budget|бюджет|прогноз|forecast|\btargets?\b|\bсвод|сводн|pivot|\bитог|summary|dashboard|дашборд",
    re.IGNORECASE,
)
"""Words for tables of sums that are no orders."""
_CLIENTS = frozenset({"client", "client_id", "legal_entity"})
_ALIKE = 0.6
"""Share of the recognised fields of two headers that both have, from which they are of one kind."""


class Sheet(Protocol):
    """One sheet of a workbook, its rows known."""

    name: str
    notes: list[Text]
    visible: bool

    @property
    def sheet(self) -> str | None:
        """Name of the sheet."""
        ...

    @property
    def merged(self) -> tuple[tuple[int, int, int, int], ...]:
        """Merged cells."""
        ...

    def head(self, rows: int = ...) -> list[Row]:
        """Return the first rows as text cells."""
        ...


S = TypeVar("S", bound=Sheet)


def choose_sheets(name: str, sheets: Sequence[S], settings: Settings) -> list[S]:
    """Return the sheets to read, in the order of the workbook; ``sheets`` are those that hold anything."""
    asked = settings.reading.sheet
    if not sheets:
        raise InputError(
            Text("В книге нет ни одного заполненного листа", "The workbook has no sheet with anything in it"),
            where=name,
            todo=Text("Выгрузите данные заново", "Export the data again"),
        )
    wanted = [p for p in asked or () if "#" not in p or fits(name, None, [p.split("#")[0]])]
    if wanted:
        found = [s for s in sheets if _named(s, wanted) or declared_sheet(name, s.sheet or "", settings)]
        if not any(_named(s, wanted) for s in found):
            hint = did_you_mean(wanted[0].split("#")[-1], (s.sheet or "" for s in sheets))
            raise InputError(
                Text(f"В файле нет листа «{wanted[0]}»", f"The file has no sheet “{wanted[0]}”"),
                where=name,
                todo=Text(f"Исправьте [reading] sheet: {hint.ru}", f"Correct [reading] sheet: {hint.en}"),
            )
    else:
        found = _chosen(name, sheets, settings)
    if len(found) > 1:
        for s in found:
            s.name = f"{name}#{s.sheet}"
    return found


def _named(s: Sheet, wanted: Iterable[str]) -> bool:
    return any(s.sheet == p or fits(s.name, s.sheet, [p]) for p in wanted)


def _chosen(name: str, sheets: Sequence[S], settings: Settings) -> list[S]:
    visible = [s for s in sheets if s.visible]
    hidden = [s for s in sheets if not s.visible]
    layouts: dict[str | None, Layout] = {}
    for s in visible:
        layout = _layout(s, settings)
        if layout is not None and layout.recognised >= 2:
            layouts[s.sheet] = layout
    usable = [s for s in visible if s.sheet in layouts]
    declared = [s for s in usable if declared_sheet(name, s.sheet or "", settings)]
    usable = [s for s in usable if s not in declared]
    whole = [s for s in usable if _whole(layouts[s.sheet])]
    aside = [s for s in whole if _aside(s, layouts[s.sheet])]
    fit = [s for s in whole if s not in aside] or whole
    if {word_kind(s.sheet or "") for s in fit} >= {"order", "dispatch"}:
        fit = [s for s in fit if word_kind(s.sheet or "") != "dispatch"]
    pool = fit or usable
    if not pool and not declared:
        tables = [s for s in hidden if (own := _layout(s, settings)) is not None and _whole(own)] or hidden
        if hidden and (not visible or tables is not hidden):
            raise _all_hidden(name, tables)
        return [max(visible, key=lambda s: len(s.head()))]  # its header is asked about with the sheet's own words
    family: list[S] = []
    if pool:
        first = max(pool, key=lambda s: word_kind(s.sheet or "") == "order")
        alike = _alike if fit else _same
        family = [s for s in pool if s is first or alike(layouts[s.sheet], layouts[first.sheet])]
        rivals = [s for s in fit if s not in family]
        rivals += [s for s in aside if s not in family and _same(layouts[s.sheet], layouts[first.sheet])]
        rivals += [s for s in usable if s not in family and s not in whole and _may_be_orders(s, layouts[s.sheet])]
        if rivals:
            raise _which(name, family, rivals)
    found = [s for s in sheets if s in family or s in declared]
    _tell(name, found, family, layouts)
    sums = [s for s in usable if _sums(layouts[s.sheet])]
    _tell_left(name, found[0], [s for s in visible if s not in found], sums, hidden, settings)
    return found


def _layout(s: Sheet, settings: Settings) -> Layout | None:
    rows = s.head(head_rows(settings.reading.header_row))
    return find_layout(rows, settings.columns, settings.reading.header_row, s.merged)


def _whole(layout: Layout) -> bool:
    return "order_date" in layout.fields and _sums(layout)


def _sums(layout: Layout) -> bool:
    """Whether a header has a client and a sum."""
    fields = layout.fields
    return bool(_CLIENTS & fields and ("amount" in fields or {"qty", "price"} <= fields))


def _may_be_orders(s: Sheet, layout: Layout) -> bool:
    """Whether a sheet with a client and a sum has dates too, only under a header that is not that of an order's date."""
    return (
        _sums(layout)
        and not _aside(s, layout)
        and word_kind(s.sheet or "") != "dispatch"
        and any(
            datelike(c) and parse_number(c, ".") is None
            for number, cells in s.head()
            if number >= layout.first_row
            for c in cells
        )
    )


def _aside(s: Sheet, layout: Layout) -> bool:
    """Whether a sheet's name, or else the title above its table, speaks of something other than orders."""
    if word_kind(s.sheet or "") == "order":
        return False
    title = " ".join(c for number, cells in s.head()[:20] if number < layout.header_row for c in cells)
    return bool(_ASIDE.search(s.sheet or "") or (word_kind(title) is None and _ASIDE.search(title)))


def _same(layout: Layout, other: Layout) -> bool:
    return [h.strip() for h in layout.headers] == [h.strip() for h in other.headers]


def _alike(layout: Layout, other: Layout) -> bool:
    """Whether two headers name mostly the same; with a document's number in one alone they are not of one kind."""
    if _same(layout, other):
        return True
    both, either = layout.fields & other.fields, layout.fields | other.fields
    return ("order_id" in layout.fields) == ("order_id" in other.fields) and len(both) >= _ALIKE * len(either)


def _listed(sheets: Iterable[Sheet]) -> str:
    return ", ".join(f"«{s.sheet}»" for s in sheets)


def _line(name: str, sheets: Sequence[Sheet]) -> str:
    whole = [f'"{toml_text(f"{name}#{s.sheet}")}"' for s in sheets]
    return "[reading]\nsheet = " + (whole[0] if len(whole) == 1 else f"[{', '.join(whole)}]")


def _orders_on(sheets: Sequence[Sheet]) -> Text:
    one = len(sheets) == 1
    return Text(
        f"заказы на {'листе' if one else 'листах'} {_listed(sheets)}",
        f"the orders are on {'sheet' if one else 'sheets'} {_listed(sheets)}",
    )


def _which(name: str, family: Sequence[Sheet], rivals: Sequence[Sheet]) -> AmbiguityError:
    answer = _line(name, family)
    said = [Answer(_orders_on([s]), _line(name, [s])) for s in rivals]
    every = Answer(
        Text("заказы на всех этих листах", "the orders are on all of these sheets"), _line(name, [*family, *rivals])
    )
    return AmbiguityError(
        Text(
            f"Таблицы с датой, клиентом и суммой стоят на нескольких листах: {_listed([*family, *rivals])}; какие из них "
            "заказы, по ним не видно",
            f"Tables with date, client and sum stand on several sheets: {_listed([*family, *rivals])}; they do not show "
            "which of them are the orders",
        ),
        where=name,
        answer=answer,
        means=_orders_on(family),
        others=(*said, every),
        todo=Text(
            f"Назовите листы с заказами в audit.toml, раздел [reading]: {answer.splitlines()[1]}",
            f"Name the sheets of orders in audit.toml, section [reading]: {answer.splitlines()[1]}",
        ),
    )


def _all_hidden(name: str, hidden: Sequence[Sheet]) -> AmbiguityError:
    answer = _line(name, hidden[:1])
    return AmbiguityError(
        Text(
            f"Таблица заказов есть только на скрытом листе: {_listed(hidden)}",
            f"A table of orders stands on a hidden sheet alone: {_listed(hidden)}",
        ),
        where=name,
        answer=answer,
        means=_orders_on(hidden[:1]),
        others=tuple(Answer(_orders_on([s]), _line(name, [s])) for s in hidden[1:]),
        todo=Text(
            f"Покажите лист с заказами и сохраните книгу, или добавьте в audit.toml, раздел [reading]: {answer.splitlines()[1]}",
            f"Unhide the sheet of orders and save the workbook, or add to audit.toml, section [reading]: {answer.splitlines()[1]}",
        ),
    )


def _tell(name: str, found: Sequence[Sheet], family: Sequence[S], layouts: dict[str | None, Layout]) -> None:
    if len(family) < 2:
        return
    listed = _listed(family)
    if all(_same(layouts[s.sheet], layouts[family[0].sheet]) for s in family):
        found[0].notes.append(
            Text(
                f"{name}: прочитаны листы с одинаковым заголовком: {listed}",
                f"{name}: sheets with the same header were read: {listed}",
            )
        )
    else:
        found[0].notes.append(
            Text(
                f"{name}: прочитаны листы одного рода, заголовки немного различаются: {listed}",
                f"{name}: sheets of one kind were read, their headers differ a little: {listed}",
            )
        )


def _tell_left(
    name: str, first: Sheet, left: Sequence[S], sums: Sequence[S], hidden: Sequence[S], settings: Settings
) -> None:
    dispatches = [s for s in left if word_kind(s.sheet or "") == "dispatch"]
    if dispatches and settings.reading.dispatch_files is None:
        line = f'[reading] dispatch_files = ["{toml_text(f"{name}#{dispatches[0].sheet}")}"]'
        first.notes.append(
            Text(
                f"{name}: лист «{dispatches[0].sheet}» похож на документы отгрузки и не прочитан; чтобы взять из него даты "
                f"отгрузки в заказы: {line}",
                f"{name}: sheet “{dispatches[0].sheet}” looks like dispatch documents and was not read; to take the ship dates "
                f"of the orders from it: {line}",
            )
        )
    other = [s for s in left if s in sums and s not in dispatches]
    if other:
        first.notes.append(
            Text(
                f"{name}: не прочитаны листы оплат, долгов, планов или сводов: {_listed(other)}. Если заказы там: "
                f"[reading] {_line(name, other).splitlines()[1]}",
                f"{name}: sheets of payments, debts, plans or pivots were not read: {_listed(other)}. If the orders are "
                f"there: [reading] {_line(name, other).splitlines()[1]}",
            )
        )
    bare = [s for s in left if s not in sums]
    if bare:
        first.notes.append(
            Text(
                f"{name}: не прочитаны листы без таблицы заказов: {_listed(bare)}",
                f"{name}: sheets without a table of orders were not read: {_listed(bare)}",
            )
        )
    if hidden:
        line = _line(name, hidden[:1]).splitlines()[1]
        first.notes.append(
            Text(
                f"{name}: скрытые листы не прочитаны: {_listed(hidden)}. Если заказы там: [reading] {line}",
                f"{name}: hidden sheets were not read: {_listed(hidden)}. If the orders are there: [reading] {line}",
            )
        )
