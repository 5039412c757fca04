"""The plan of one table: which column serves which field, what must be asked, what an analyst should know.

Two headers for a required or judged field stop the reading with the settings line that answers, unless the contents
decide: an empty column yields to a filled one, and equal contents are one column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from audit.errors import AmbiguityError, Answer, InputError, Text, did_you_mean
from audit.intake.documents import Kind, dated_by, declared, document_kind, number_column, reference_column
from audit.intake.files import TableReader
from audit.intake.grouped import DATE_INSIDE, Grouping, datelike, find_grouping, groups_add_up
from audit.intake.headers import NOT_USED, ColumnMatch, HeaderPlan, Match, match_header, match_headers, normalise_header
from audit.intake.layout import Layout, find_layout, head_rows, is_value
from audit.intake.proposals import OTHER_DAYS, likely_column, what_is_lost, without_year
from audit.intake.staging import Row
from audit.intake.traps import Head
from audit.intake.units import money_factor, multiplied, product_factor, said_factor, unit_of
from audit.intake.values import parse_number
from audit.intake.words import plain
from audit.model.intake_report import ColumnUse, Question
from audit.model.orders import field_name
from audit.settings import Settings

__all__ = ["JUDGED", "TablePlan", "absent_columns", "plan_table"]

JUDGED = frozenset(
    {
        "order_id",
        "order_date",
        "client_id",
        "client",
        "amount",
        "manager",
        "created_by",
        "margin",
        "cost",
        "status",
        "kind",
        "promised_date",
        "shipped_date",
        "qty",
        "price",
        "holding",
        "legal_entity",
        "currency",
        "posted",
        "deleted",
    }
)
"""Fields on which figures or verdicts rest: two headers for one of these are asked about before going on."""


_OF_DISPATCH = frozenset(
    {
        "order_id",
        "order_date",
        "shipped_date",
        "promised_date",
        "client_id",
        "client",
        "legal_entity",
        "holding",
        "amount",
        "qty",
        "price",
        "currency",
        "status",
        "kind",
        "posted",
        "deleted",
        "order_ref",
    }
)
"""Fields of a dispatch document that date an order; the rest of it is not looked at."""

_MARKS: tuple[Literal[",", "."], ...] = (",", ".")


@dataclass
class TablePlan:
    """How a table will be read."""

    layout: Layout
    keep: list[tuple[str, int]]
    """Field and column, ``first`` included."""
    labels: Mapping[str, str]
    uses: list[ColumnUse]
    client_id_is_inn: bool = False
    vat: str | None = None
    measured: Mapping[str, str] = field(default_factory=dict)
    """Headers with the unit that stands below them."""
    scale: Mapping[str, Decimal] = field(default_factory=dict)
    """Field, or ``product`` for quantity × price → what its numbers are multiplied by: thousands, hundredths."""
    grouping: Grouping | None = None
    """How a report is read whose clients, managers or months stand in rows of their own above their orders."""
    questions: list[Question] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    preamble: list[Row] = field(default_factory=list)
    not_found: tuple[str, ...] = ()
    """Headers that ``[columns]`` names and this table lacks."""
    document: Kind | None = None
    """Whether the rows are orders or dispatch documents, where the table says so."""
    declared: bool = False
    """Whether the settings name the table as one of dispatch documents."""
    dated_by: tuple[str, ...] = ()
    """Of a table of dispatch documents: the fields that hold the day of dispatch."""
    no_sales: InputError | None = None
    """Why a table of dispatch documents cannot be read as sales, where it cannot."""


def plan_table(
    reader: TableReader,
    settings: Settings,
    known_person: Callable[[str], bool] = lambda _: False,
    look: Callable[[Head], None] = lambda _: None,
) -> TablePlan:
    """Find the header of a table and decide which column is what; raise when a required field is missing.

    ``known_person`` says whether a text names somebody of the staff: it tells the level of managers in a grouped
    report; ``look`` shows the traps the table once its header is found. A table of dispatch documents is planned so
    that it can still be read either way: as sales, or for the dates that it gives to the orders it names.
    """
    rows = reader.head(head_rows(settings.reading.header_row))
    layout = find_layout(rows, settings.columns, settings.reading.header_row, reader.merged)
    if layout is None:
        every = [c for _, cells in rows for c in cells if c]
        look(Head(reader.name, reader.sheet, every, every, [cells for _, cells in rows]))
        raise _no_header(reader, rows, settings)
    layout = replace(layout, headers=tuple(_unique(layout.headers)))
    sample = [cells for number, cells in rows if number >= layout.first_row]
    asked = declared(reader.name, reader.sheet, settings)
    title = _title(rows, layout)[:6]
    whole = [
        " / ".join(p for p in pair if p)
        for pair in zip(layout.parents or [""] * len(layout.headers), layout.headers, strict=True)
    ]
    look(Head(reader.name, reader.sheet, _title(rows, layout), whole, sample))
    document = document_kind(reader.name, reader.sheet, title, layout.headers, sample)
    if asked or (document == "dispatch" and settings.reading.dispatch_files != ()):
        return _plan_dispatch(reader, settings, known_person, rows, layout, sample, must=bool(asked))
    plan = _plan(reader, settings, known_person, rows, layout, sample)
    plan.document = "order" if document == "order" else None
    return plan


def _plan_dispatch(
    reader: TableReader,
    settings: Settings,
    known_person: Callable[[str], bool],
    rows: Sequence[Row],
    layout: Layout,
    sample: Sequence[Sequence[str]],
    *,
    must: bool,
) -> TablePlan:
    """The plan of a table of dispatch documents; ``must`` where the settings say that it is one."""
    ref = reference_column(layout.headers, sample, settings.columns.get("order_ref"))
    plan: TablePlan | None = None
    no_sales: InputError | None = None
    if not must:
        try:
            plan = _plan(reader, settings, known_person, rows, layout, sample)
        except InputError as error:
            no_sales = error
    if plan is None:
        plan = _plan(reader, settings, known_person, rows, layout, sample, dispatch=True, ref=ref)
    elif ref is not None and "order_ref" not in plan.labels:
        header = plan.uses[ref].header
        plan.keep = [*plan.keep, ("order_ref", ref)]
        plan.labels = {**plan.labels, "order_ref": header}
        if plan.uses[ref].field is None or plan.uses[ref].how == "not_used":
            plan.uses[ref] = replace(plan.uses[ref], field="order_ref", how="mapped", score=1.0)
    numbers = [c for f, i in plan.keep if f == "order_id" for c in _column(sample, i)]
    plan.dated_by = dated_by(plan.labels, inside=any(DATE_INSIDE.search(n) for n in numbers))
    tied = {"order_ref", "order_id"} & {f for f, _ in plan.keep}
    if plan.dated_by and tied:
        plan.document, plan.declared, plan.no_sales = "dispatch", must, no_sales
    elif must:
        raise _no_dispatch(reader, layout.headers, dated=bool(plan.dated_by))
    elif no_sales is not None:
        raise no_sales
    return plan


def _no_dispatch(reader: TableReader, headers: Sequence[str], *, dated: bool) -> InputError:
    name = "order_ref" if dated else "shipped_date"
    shown = "; ".join(h for h in headers if h)
    return InputError(
        Text(
            f"В файле документов отгрузки не найден столбец «{field_name(name).ru}»",
            f"The file of dispatch documents has no column “{field_name(name).en}”",
        ),
        where=Text(f"{reader.name}; столбцы файла: {shown}", f"{reader.name}; columns of the file: {shown}"),
        todo=Text(
            f'Назовите его в audit.toml, раздел [columns]: {name} = "…", или уберите файл из [reading] dispatch_files',
            f'Name it in audit.toml, section [columns]: {name} = "…", or take the file out of [reading] dispatch_files',
        ),
    )


def _without_order(plan: HeaderPlan, headers: Sequence[str], ref: int) -> HeaderPlan:
    """Give the column that names the order back its header, as a field of its own."""
    columns = list(plan.columns)
    columns[ref] = ColumnMatch(ref, headers[ref], Match("order_ref", "mapped", 1.0, 2))
    return replace(plan, columns=tuple(columns), chosen={**plan.chosen, "order_ref": ref})


def _plan(
    reader: TableReader,
    settings: Settings,
    known_person: Callable[[str], bool],
    rows: Sequence[Row],
    layout: Layout,
    sample: Sequence[Sequence[str]],
    *,
    dispatch: bool = False,
    ref: int | None = None,
) -> TablePlan:
    """Decide which column is what. With ``dispatch`` only what dates an order is needed; ``ref`` names the order."""
    headers = layout.headers
    if ref is not None and headers[ref] not in settings.columns.values():
        blank = ["" if i == ref else h for i, h in enumerate(headers)]
        above = None if layout.parents is None else ["" if i == ref else p for i, p in enumerate(layout.parents)]
        plan = _without_order(match_headers(blank, settings.columns, above, layout.units), headers, ref)
    else:
        plan = match_headers(headers, settings.columns, layout.parents, layout.units)
    if not dispatch:
        _require_first(plan, reader, sample, settings)
    questions: list[Question] = []
    notes: list[Text] = []
    chosen = dict(plan.chosen)
    for name, rivals in _rivals(plan, layout.headers).items():
        if name in NOT_USED or (dispatch and name not in _OF_DISPATCH):
            continue
        if name == "price":
            paid = [i for i in rivals if _PRICE_LESS.search(layout.headers[i].lower())]
            if len(paid) == 1 or "amount" in chosen:
                chosen[name] = (paid or rivals)[0]
                continue
        chosen[name] = _settle(name, rivals, plan, sample, reader, questions)
    if not dispatch and "order_id" not in chosen:
        number = number_column(headers, sample, chosen)
        if number is not None and number not in chosen.values():
            chosen["order_id"] = number
    if not dispatch and (discount := _discount(headers, chosen, sample)) is not None:
        chosen["discount"] = discount
    _drop_wrong_types(chosen, sample, plan, notes)
    if dispatch:
        chosen = {f: i for f, i in chosen.items() if f in _OF_DISPATCH}
    else:
        _ask_about_shared(plan, chosen, reader)
    grouping = None
    if reader.format not in ("parquet", "sql"):
        grouping = find_grouping(rows, layout, chosen, settings, reader.outline(), known_person, reader.name)
    if grouping is not None:
        body = [(number, cells) for number, cells in rows if number >= grouping.first_row]
        if grouping.how == "pairs" and not groups_add_up(body, grouping, chosen):
            raise _more_than_two_levels(reader)
        return _plan_grouped(grouping, layout, plan, chosen, reader, settings, rows, questions, notes)
    if not dispatch:
        _require(chosen, plan, reader, sample)
    labels = {f: plan.columns[i].header for f, i in chosen.items()}
    measured = _measured(labels, chosen, layout)
    uses = _uses(reader.name, plan, chosen, sample)
    used = {f: i for f, i in chosen.items() if f not in NOT_USED}
    client_id = labels.get("client_id", "")
    return TablePlan(
        layout=layout,
        keep=[("first", 0), *sorted(used.items())],
        labels=labels,
        uses=uses,
        questions=questions,
        notes=notes,
        client_id_is_inn=_is_inn(client_id),
        vat=_vat(labels, chosen if "amount" in chosen else {}, layout.headers, sample),
        measured=measured,
        scale=_scales(measured, _title(rows, layout), settings, reader, notes),
        not_found=plan.missing_settings,
        preamble=[(n, c) for n, c in rows if n < layout.header_row],
    )


def _title(rows: Sequence[Row], layout: Layout) -> list[str]:
    """Filled cells above the header."""
    return [c for number, cells in rows if number < layout.header_row for c in cells if c]


def _rivals(plan: HeaderPlan, headers: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Columns that compete for a field: two synonyms, or the same header once more («Сумма», «Сумма.1»)."""
    out = dict(plan.rivals)
    for name, at in plan.chosen.items():
        again = re.compile(re.escape(headers[at]) + r"\.\d+")
        repeats = [i for i, h in enumerate(headers) if again.fullmatch(h) and plan.columns[i].match.field is None]
        if repeats and headers[at] and plan.columns[at].match.how != "setting":
            out[name] = (*out.get(name, (at,)), *repeats)
    amount = plan.chosen.get("amount")
    if amount is not None and plan.columns[amount].match.how != "setting" and not _LESS.search(headers[amount].lower()):
        less = [i for i, h in enumerate(headers) if plan.columns[i].match.field is None and _LESS.search(h.lower())]
        if less:
            out["amount"] = (*out.get("amount", (amount,)), *less)
    return out


_LESS = re.compile(
    r"(?:сумм|стоимост|итог|выручк|всего).{0,80}(?:со? +скидк|с +уч[её]том +скидк|после +скидк|за +вычетом +скидк|без +скидк)"
    r"|(?:amount|total|value|sales|revenue).{0,80}(?:after|net of|less|incl\w*|before) +discount|discounted (?:amount|total|value)"
)
"""The same sum once more, with a discount taken off or not."""
_PRICE_LESS = re.compile(
    r"со? +скидк|уч[её]том +скидк|после +скидк|вычетом +скидк|after +discount|net of discount|less discount|discounted"
)
"""A price from which a discount is taken off already: the one that was paid."""
_OFF = re.compile(r"скидк|discount|rabatt")
_NOT_SAID = re.compile(r"сумм|стоимост|amount|value|betrag|extended|gross|^sum$")
_SAID_NET = re.compile(r"\bnet\b|нетто|total|итог|всего|документ|заказ|оплат|paid|actual")
"""Sums that are what the client pays: nothing is left to be taken off."""


def _discount(headers: Sequence[str], chosen: Mapping[str, int], sample: Sequence[Sequence[str]]) -> int | None:
    """The column of discounts, where nothing says that the sums, or the price of which they are made, are less them."""
    if "amount" in chosen:
        amount = headers[chosen["amount"]].lower()
        net = bool(_LESS.search(amount) or _SAID_NET.search(amount)) or not _NOT_SAID.search(amount)
    else:
        net = "price" not in chosen or bool(_PRICE_LESS.search(headers[chosen["price"]].lower()))
    if net:
        return None
    found = [
        i
        for i, h in enumerate(headers)
        if _OFF.search(h.lower())
        and i not in chosen.values()
        and not _LESS.search(h.lower())
        and match_header(h).field is None
        and _numeric(_column(sample, i))
    ]
    sums = [i for i in found if not re.search(r"%|процент|percent|pct", headers[i].lower())]
    found = sums if len(found) > 1 else found
    if len(found) != 1 or ("amount" in chosen and _taken_off(chosen["amount"], found[0], sample)):
        return None
    return found[0]


def _numeric(cells: Sequence[str]) -> bool:
    filled = [c for c in cells if c]
    return bool(filled) and all(_number(c) is not None for c in filled)


def _number(text: str) -> Decimal | None:
    return next((n for m in _MARKS if (n := parse_number(text, m)) is not None), None)


def _taken_off(amount: int, discount: int, sample: Sequence[Sequence[str]]) -> bool:
    """Whether another column less the discount is the amount, in every row of the sample that has one."""
    amounts, off = ([_number(c) for c in _column(sample, i)] for i in (amount, discount))
    rows = [(r, a, d) for r, (a, d) in enumerate(zip(amounts, off, strict=True)) if a is not None and d]
    width = max((len(cells) for cells in sample), default=0)
    for i in range(width) if rows else ():
        if i not in (amount, discount):
            cells = _column(sample, i)
            whole = [_number(cells[r]) for r, _, _ in rows]
            if all(
                w is not None and abs(w - abs(d) - a) < Decimal("0.02")
                for w, (_, a, d) in zip(whole, rows, strict=True)
            ):
                return True
    return False


def _is_inn(header: str) -> bool:
    words = normalise_header(header)[0]
    return "инн" in words.split() or "inn" in words


def _plan_grouped(
    g: Grouping,
    layout: Layout,
    plan: HeaderPlan,
    chosen: Mapping[str, int],
    reader: TableReader,
    settings: Settings,
    rows: Sequence[Row],
    questions: list[Question],
    notes: list[Text],
) -> TablePlan:
    """The plan of a report whose lines take their client, manager or month from the groups above them."""
    layout = replace(layout, first_row=g.first_row)
    sample = [cells for number, cells in rows if number >= layout.first_row]
    separate = len(set(g.columns)) > 1
    own = {f: i for f, i in chosen.items() if f not in NOT_USED and (separate or i not in g.columns)}
    texts = [t for i in set(g.columns) for t in _column(sample, i)]
    known = {*own, *g.levels}
    missing = [] if "order_date" in known or any(DATE_INSIDE.search(t) for t in texts) else ["order_date"]
    missing += [] if {"client_id", "client", "legal_entity"} & known else ["client_id"]
    missing += [] if "amount" in own or {"qty", "price"} <= set(own) else ["amount"]
    if missing:
        raise _missing(missing, plan, reader, {*chosen.values(), *g.columns}, sample)
    uses = [
        u
        for u, c in zip(_uses(reader.name, plan, own, sample), plan.columns, strict=True)
        if separate or c.index not in g.columns
    ]
    header = {i: plan.columns[i].header for i in range(len(plan.columns))}
    labels = {f: header[i] for f, i in own.items()}
    measured = _measured(labels, own, layout)
    if not separate:
        for at, (name, column) in enumerate(zip(g.levels, g.columns, strict=True)):
            label = g.labels[at] if len(g.labels) == len(g.levels) else header[column]
            used = name != "-"
            how: Literal["setting", "mapped", "derived", "unmapped"] = "unmapped"
            if used:
                how = {"settings": "setting", "labels": "mapped", "values": "derived"}[g.told_by]  # type: ignore[assignment]
                labels.setdefault(name, label)
            example = g.examples[at][:60] if at < len(g.examples) and g.examples[at] else None
            uses.append(ColumnUse(reader.name, label, name if used else None, how, None, example))
    said = g.words()
    notes.append(Text(f"{reader.name}: {said.ru}", f"{reader.name}: {said.en}"))
    if g.told_by == "values":
        questions.append(
            Question(
                Text(
                    f"{reader.name}: {said.ru}. Уровни узнаны по значениям; если это верно, закрепите их",
                    f"{reader.name}: {said.en}. The levels were recognised by their values; if that is right, settle them",
                ),
                g.answer(),
                means=Text("да, так и есть", "yes, that is so"),
            )
        )
    return TablePlan(
        layout=layout,
        keep=list(own.items()),
        labels=labels,
        uses=uses,
        questions=questions,
        notes=notes,
        client_id_is_inn=_is_inn(labels.get("client_id", "")) or (g.told_by == "values" and "client_id" in g.levels),
        vat=_vat(labels, own, layout.headers, sample),
        measured=measured,
        scale=_scales(measured, _title(rows, layout), settings, reader, notes),
        grouping=g,
        not_found=plan.missing_settings,
        preamble=[(n, c) for n, c in rows if n < layout.header_row],
    )


def _unique(headers: Sequence[str]) -> list[str]:
    """Number repeated headers as spreadsheets do («Источник», «Источник.1»), so that settings can name each."""
    seen: dict[str, int] = {}
    out = []
    for h in headers:
        text = " ".join(h.split())
        if text in seen and text:
            seen[text] += 1
            out.append(f"{text}.{seen[text]}")
        else:
            seen[text] = 0
            out.append(text)
    return out


def _column(sample: Sequence[Sequence[str]], index: int) -> list[str]:
    return [cells[index].strip() if index < len(cells) else "" for cells in sample]


_DAYS = frozenset(("день", "число", "day", "day of month"))
"""Headers of the day where a date is spread over columns."""
_COUNTS = frozenset(("№", "#", "n", "no", "nr"))
"""Headers of a column that may do no more than count the rows."""


def _settle(
    name: str,
    rivals: Sequence[int],
    plan: HeaderPlan,
    sample: Sequence[Sequence[str]],
    reader: TableReader,
    questions: list[Question],
) -> int:
    contents = {i: _column(sample, i) for i in rivals}
    filled = [i for i in rivals if any(contents[i])]
    if len(filled) == 1:
        return filled[0]
    filled = filled or list(rivals)
    if all(contents[i] == contents[filled[0]] for i in filled):
        return filled[0]
    if name == "client" and (named := _several_values(contents, filled)) is not None:
        return named
    if name == "order_id" and (
        numbered := [i for i in filled if not _counts_rows(plan.columns[i].header, contents[i])]
    ):
        filled = numbered
        if len(filled) == 1:
            return filled[0]
    headers = [plan.columns[i].header for i in filled]
    words = field_name(name)
    listed_ru = " и ".join(f"«{h}»" for h in headers)
    listed_en = " and ".join(f"“{h}”" for h in headers)
    answer = f'[columns]\n{name} = "{_toml(headers[0])}"'
    means = Text(f"взять «{headers[0]}»", f"take “{headers[0]}”")
    others = tuple(
        Answer(Text(f"взять «{h}»", f"take “{h}”"), f'[columns]\n{name} = "{_toml(h)}"') for h in headers[1:]
    )
    what = Text(
        f"Полю «{words.ru}» подходит несколько столбцов: {listed_ru}",
        f"Several columns fit the field “{words.en}”: {listed_en}",
    )
    if name in JUDGED:
        raise AmbiguityError(
            what,
            where=reader.name,
            answer=answer,
            means=means,
            others=others,
            todo=Text(
                f'Добавьте в audit.toml, раздел [columns]: {name} = "{_toml(headers[0])}" (или другой из них)',
                f'Add to audit.toml, section [columns]: {name} = "{_toml(headers[0])}" (or another of them)',
            ),
        )
    taken = Text(f"{what.ru}; взят первый", f"{what.en}; the first was taken")
    questions.append(Question(taken, answer, others, means=means))
    return filled[0]


def _several_values(contents: Mapping[int, Sequence[str]], rivals: Sequence[int]) -> int | None:
    """The one of the columns whose values differ, where all others hold one value throughout: their own company."""
    varied = [i for i in rivals if len({c for c in contents[i] if c}) > 1]
    return varied[0] if len(varied) == 1 else None


def _toml(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _drop_wrong_types(
    chosen: dict[str, int], sample: Sequence[Sequence[str]], plan: HeaderPlan, notes: list[Text]
) -> None:
    """«Отгружено» of МойСклад is a sum of money, not a date: a date column must hold something date-like."""
    for name in ("shipped_date", "promised_date", "delivered_date", "requested_date", "client_since"):
        if name not in chosen or plan.columns[chosen[name]].match.how == "setting":
            continue
        cells = [c for c in _column(sample, chosen[name]) if c]
        if cells and not any(datelike(c) for c in cells):
            header = plan.columns[chosen.pop(name)].header
            words = field_name(name)
            notes.append(
                Text(
                    f"Столбец «{header}» не похож на поле «{words.ru}»: в нём не даты; не используется",
                    f"Column “{header}” does not hold dates and is not used as “{words.en}”",
                )
            )
    for name in ("complaint", "document_error"):
        if name not in chosen or plan.columns[chosen[name]].match.how == "setting":
            continue
        cells = [c for c in _column(sample, chosen[name]) if c]
        sums = [
            c for c in cells if parse_number(c, ",") not in (None, 0, 1) or parse_number(c, ".") not in (None, 0, 1)
        ]
        if cells and len(sums) > len(cells) / 2:
            header = plan.columns[chosen.pop(name)].header
            words = field_name(name)
            notes.append(
                Text(
                    f"Столбец «{header}» не похож на поле «{words.ru}»: в нём суммы; не используется",
                    f"Column “{header}” holds sums and is not used as “{words.en}”",
                )
            )


def _ask_about_shared(plan: HeaderPlan, chosen: Mapping[str, int], reader: TableReader) -> None:
    """One header that could be either of two fields is asked about."""
    for index, fields in plan.shared.items():
        if chosen.get(fields[0]) != index or not JUDGED & set(fields):
            continue
        header = plan.columns[index].header
        ru = ", ".join(f"«{field_name(f).ru}»" for f in fields)
        en = ", ".join(f"“{field_name(f).en}”" for f in fields)
        line = f'{fields[0]} = "{_toml(header)}"'
        raise AmbiguityError(
            Text(f"Столбец «{header}» подходит нескольким полям: {ru}", f"Column “{header}” fits several fields: {en}"),
            where=reader.name,
            answer=f"[columns]\n{line}",
            means=field_name(fields[0]),
            others=tuple(
                Answer(field_name(f), f'[columns]\n{f} = "{_toml(header)}"') for f in fields[1:] if f not in NOT_USED
            ),
            todo=Text(
                f"Добавьте в audit.toml, раздел [columns]: {line} (или другое поле)",
                f"Add to audit.toml, section [columns]: {line} (or another field)",
            ),
        )


def _more_than_two_levels(reader: TableReader) -> InputError:
    return InputError(
        Text(
            "В отчёте больше двух уровней (клиент, документ, товар или менеджер, клиент, документ): суммы групп — не суммы строк "
            "под ними, и где клиент, не видно",
            "The report has more than two levels (client, document, item, or manager, client, document): the sums of the groups "
            "are not those of the lines below them, and the clients cannot be told",
        ),
        where=reader.name,
        todo=Text(
            "Выгрузите в 1С список: «Ещё → Вывести список», со всеми столбцами",
            "Export a plain list instead of the grouped report (1C: More → Output list)",
        ),
    )


def _require_first(plan: HeaderPlan, reader: TableReader, sample: Sequence[Sequence[str]], settings: Settings) -> None:
    """Say what is fatal before anything is asked: no sum, or no date anywhere, whatever the groups of a report may give."""
    have = set(plan.chosen)
    missing = []
    if "order_date" not in have and settings.reading.groups is None:
        missing += [] if any(DATE_INSIDE.search(c) for row in sample for c in row) else ["order_date"]
    missing += [] if "amount" in have or {"qty", "price"} <= have else ["amount"]
    if missing and not {"client_id", "client", "legal_entity"} & have:
        missing.insert(missing.count("order_date"), "client_id")
    if missing:
        raise _missing(missing, plan, reader, set(plan.chosen.values()), sample)


def _require(chosen: Mapping[str, int], plan: HeaderPlan, reader: TableReader, sample: Sequence[Sequence[str]]) -> None:
    missing: list[str] = []
    numbers = _column(sample, chosen["order_id"]) if "order_id" in chosen else []
    if "order_date" not in chosen and not any(DATE_INSIDE.search(n) for n in numbers):
        missing.append("order_date")
    if not {"client_id", "client", "legal_entity"} & set(chosen):
        missing.append("client_id")
    if "amount" not in chosen and not {"qty", "price"} <= set(chosen):
        missing.append("amount")
    if missing:
        raise _missing(missing, plan, reader, set(chosen.values()), sample)
    if "amount" not in chosen and product_factor(*(plan.columns[chosen[f]].header for f in ("qty", "price"))) is None:
        qty, price = (plan.columns[chosen[f]].header for f in ("qty", "price"))
        raise InputError(
            Text(
                f"Суммы нет, а количество («{qty}») и цена («{price}») — в разных единицах: умножать их нельзя",
                f"There is no amount, and quantity (“{qty}”) and price (“{price}”) are of different units: they do not multiply",
            ),
            where=reader.name,
            todo=Text(
                "Выгрузите сумму или назовите столбцы в одной единице: audit.toml, раздел [columns], qty и price",
                "Export the amount, or name columns of one unit: audit.toml, section [columns], qty and price",
            ),
        )


def _missing(
    missing: Sequence[str], plan: HeaderPlan, reader: TableReader, taken: set[int], sample: Sequence[Sequence[str]]
) -> InputError:
    names = [field_name("client" if m == "client_id" else m) for m in missing]
    ru, en = ", ".join(f"«{n.ru}»" for n in names), ", ".join(f"“{n.en}”" for n in names)
    headers = [c.header for c in plan.columns if c.header]
    shown = "; ".join(headers[:25]) + (" …" if len(headers) > 25 else "")
    # What serves as another day of the sale, or serves nothing, may still have to serve as its date.
    free = {f for f in (*OTHER_DAYS, *NOT_USED) if "order_date" in missing}
    taken = {i for i in taken if plan.columns[i].match.field not in free or plan.columns[i].match.how == "setting"}
    likely = _proposed(missing, [c.header for c in plan.columns], sample, taken)
    example = ", ".join(f'{field} = "{_toml(header)}"' for field, header in likely)
    what = Text(f"Не найден обязательный столбец: {ru}", f"A required column is missing: {en}")
    if len(missing) > 1:
        what = Text(f"Не найдены обязательные столбцы: {ru}", f"Required columns are missing: {en}")
    where = Text(f"{reader.name}; столбцы файла: {shown}", f"{reader.name}; columns of the file: {shown}")
    columns = [(c.header, _column(sample, c.index)) for c in plan.columns]
    dated = next((header for field, header in likely if field == "order_date" and header != "…"), None)
    lost = what_is_lost(dated, dict(columns)[dated]) if dated is not None else None
    month = without_year(columns) if "order_date" in missing and dated is None else None
    if lost is not None:
        todo = Text(
            f"{lost.ru}. Попросите выгрузку с датой заказа; если её нет, укажите в audit.toml, раздел [columns]: {example}",
            f"{lost.en}. Ask for an export with the date of the order; if there is none, add to audit.toml, section [columns]: "
            f"{example}",
        )
    elif month is not None and (day := next((h for h, _ in columns if plain(h) in _DAYS), None)) is not None:
        todo = Text(
            f"Дата разнесена по столбцам («{month}», «{day}»). Выгрузите её одним столбцом или соедините год, месяц и день: "
            "«05.02.2024»",
            f"The date is spread over columns (“{month}”, “{day}”). Export it in one, or join year, month and day: “2024-02-05”",
        )
    elif month is not None:
        todo = Text(
            f"В столбце «{month}» месяц без года. Выгрузите дату заказа; если её нет, соедините год и месяц в одном столбце "
            "(«январь 2024»)",
            f"Column “{month}” holds a month without its year. Export the date of the order; if there is none, join year and "
            "month in one column (“January 2024”)",
        )
    elif len(likely) > 1:
        todo = Text(
            f"Если столбцы есть под другими именами, укажите их в audit.toml, раздел [columns]: {example}",
            f"If they are there under other names, name them in audit.toml, section [columns]: {example}",
        )
    else:
        todo = Text(
            f"Если столбец есть под другим именем, укажите его в audit.toml, раздел [columns]: {example}",
            f"If it is there under another name, name it in audit.toml, section [columns]: {example}",
        )
    if any(header == "…" for _, header in likely):
        return InputError(what, where=where, todo=todo)
    return AmbiguityError(what, where=where, todo=todo, answer=_columns_answer(likely), means=_columns_meant(likely))


def _columns_meant(likely: Sequence[tuple[str, str]]) -> Text:
    return Text(
        "; ".join(f"{field_name(field).ru} — «{header}»" for field, header in likely),
        "; ".join(f"{field_name(field).en}: “{header}”" for field, header in likely),
    )


def _columns_answer(likely: Sequence[tuple[str, str]]) -> str:
    return "[columns]\n" + "\n".join(f'{field} = "{_toml(header)}"' for field, header in likely)


def _proposed(
    missing: Sequence[str], headers: Sequence[str], sample: Sequence[Sequence[str]], taken: set[int]
) -> list[tuple[str, str]]:
    """Field and header that a person would propose for each missing field; «…» where no column looks like it."""
    columns = [(h, _column(sample, i)) for i, h in enumerate(headers)]
    out: list[tuple[str, str]] = []
    used = {i for i in taken if not ("client_id" in missing and _may_be_clients(columns[i]))}
    for name in missing:
        found = likely_column(name, columns, sorted(used))
        if found is None and name == "amount" and (factors := _factors(columns, used)) is not None:
            out.extend(factors)
            continue
        out.append(found or (name, "…"))
        if found is not None:
            used.add(headers.index(found[1]))
    return out


def _may_be_clients(column: tuple[str, Sequence[str]]) -> bool:
    """Whether a column of organisations may be the clients (Pipedrive), not one's own: it holds several."""
    header, cells = column
    return match_header(header).field == "organization" and len({c for c in cells if c}) > 1


def _factors(columns: Sequence[tuple[str, Sequence[str]]], used: set[int]) -> list[tuple[str, str]] | None:
    """Quantity and price as a person would name them where there is no sum: «Вес, кг» beside «Цена за кг»."""
    own = {
        f: [h for i, (h, _) in enumerate(columns) if i in used and match_header(h).field == f] for f in ("qty", "price")
    }
    goods = own["qty"] or [h for i, (h, cells) in enumerate(columns) if i not in used and _counts(h, cells)]
    if len(goods) == 1 and len(own["price"]) == 1 and product_factor(goods[0], own["price"][0]) is not None:
        return [("qty", goods[0]), ("price", own["price"][0])]
    return None


def _counts(header: str, cells: Sequence[str]) -> bool:
    numbers = [c for c in cells if c]
    return unit_of(header) is not None and bool(numbers) and all(is_value(c) for c in numbers)


def _no_header(reader: TableReader, rows: Sequence[Row], settings: Settings) -> InputError:
    asked = settings.reading.header_row
    first = next((" | ".join(c for c in cells if c)[:120] for _, cells in rows if any(cells)), "")
    where = Text(f"{reader.name}; первая строка: {first}", f"{reader.name}; first row: {first}")
    if asked is not None:
        what = Text(
            f"В файле нет строки {asked}, указанной как заголовок",
            f"The file has no row {asked}, which the settings name as the header",
        )
    else:
        what = Text(
            "Не найдена строка заголовка: ни одна из первых строк не похожа на названия столбцов",
            "No header found: none of the first rows looks like column names",
        )
        guess = _guessed_header(rows)
        if guess is not None:
            row, likely = guess
            example = ", ".join(f'{field} = "{_toml(header)}"' for field, header in likely)
            return AmbiguityError(
                what,
                where=where,
                answer=f"[reading]\nheader_row = {row}\n\n{_columns_answer(likely)}",
                means=_columns_meant(likely),
                todo=Text(
                    f"Если это заказы, добавьте в audit.toml: [reading] header_row = {row} и [columns] {example}; если нет, "
                    "уберите файл",
                    f"If these are orders, add to audit.toml: [reading] header_row = {row} and [columns] {example}; if not, "
                    "take the file away",
                ),
            )
    return InputError(
        what,
        where=where,
        todo=Text(
            "Если это не заказы, уберите файл; если заказы, укажите строку заголовка: [reading] header_row = N, и "
            'столбцы: [columns] order_date = "…"',
            "If these are no orders, take the file away; if they are, name the header row: [reading] header_row = N, "
            'and the columns: [columns] order_date = "…"',
        ),
    )


def _guessed_header(rows: Sequence[Row]) -> tuple[int, list[tuple[str, str]]] | None:
    """The first row of words only, below which stand a date, a client and a sum: its number and what is proposed."""
    for at, (number, cells) in enumerate(rows[:40]):
        words = [c for c in cells if c.strip()]
        if len(words) < 3 or any(is_value(c) for c in words) or len(set(words)) < len(words):
            continue
        sample = [c for _, c in rows[at + 1 :]]
        likely = _proposed(("order_date", "client_id", "amount"), [c.strip() for c in cells], sample, set())
        if all(header != "…" for _, header in likely):
            return number, likely
    return None


_MONEY = (
    r"(?:руб\w*|р\.|₽|rub\w*|roubles?|usd|us dollars?|dollars?|долл\w*|\$|eur|euros?|евро|€|тенге|₸|kzt|грн|uah|byn|gbp|£"
    r"|chf|pln|zł)"
)
_TITLE_SCALE = re.compile(
    rf"(?<![\d.,])(?<!\d )\b(тыс|млн|милл|mln|mio|tsd|tausend|thousands?|millions?)(?:яч\w*|ион\w*)?\.?\s*(?:of\s+)?{_MONEY}"
    rf"|(?<!\w)('?000s?)\s*{_MONEY}"
    rf"|\bin\s+(thousands|millions)\b|{_MONEY}\s*(?:in\s+)?(thousands?|millions?|mln|mio|tsd|'?000s?)\b|\b(t)(?:€|eur)\b",
    re.IGNORECASE,
)
"""The unit of money in a title; «Отбор: сумма больше 100 тыс. руб.» is none, a number stands before it."""


def _times(word: str) -> int:
    if word.lower().startswith(("млрд", "b")):
        return 1_000_000_000
    return 1_000_000 if word.lower().startswith(("м", "m")) else 1000


def _measured(labels: Mapping[str, str], columns: Mapping[str, int], layout: Layout) -> dict[str, str]:
    """Headers with the unit that stands below them."""
    units = {f: layout.units[i] for f, i in columns.items() if layout.units and layout.units[i]}
    return {f: f"{label}, {units[f]}" if f in units else label for f, label in labels.items()}


def _scales(
    measured: Mapping[str, str], title: Sequence[str], settings: Settings, reader: TableReader, notes: list[Text]
) -> dict[str, Decimal]:
    """What numbers are multiplied by: «тыс. руб.», «коп.», «тыс. шт» in a header, a price per 1000, «тыс. руб.» in the title.

    ``measured``: headers with their units. Whatever is multiplied is said.
    """
    out: dict[str, Decimal] = {}
    money = [name for name in ("amount", "margin", "cost", "price") if name in measured]
    for name in (*money, "qty"):
        header = measured.get(name, "")
        factor = said_factor(header) if name == "qty" else money_factor(header)
        if factor is not None:
            out[name] = factor
            how = multiplied(factor)
            notes.append(
                Text(
                    f"{reader.name}: числа в столбце «{header}» {how.ru}: так сказано в заголовке",
                    f"{reader.name}: numbers in column “{header}” were {how.en}, as its header says",
                )
            )
    factors = product_factor(measured.get("qty", ""), measured.get("price", ""))
    if factors is not None and factors != 1:
        out["product"] = factors
    said = next(((text, m) for text in title if (m := _TITLE_SCALE.search(text))), None)
    word = next(g for g in said[1].groups() if g).lower() if said else ""
    unit = settings.reading.money_unit or (1 if not word else 1_000_000 if word[0] in "мm" else 1000)
    if unit == 1 or set(out) & set(money):
        return out
    if settings.reading.money_unit is None and said is not None:
        times = multiplied(Decimal(unit))
        notes.append(
            Text(
                f"{reader.name}: все суммы {times.ru}: так сказано над таблицей («{said[0][:80]}»). Если это неверно: "
                "[reading] money_unit = 1",
                f"{reader.name}: all sums were {times.en}, as it is said above the table (“{said[0][:80]}”). If that is "
                "wrong: [reading] money_unit = 1",
            )
        )
    of_title = (name for name in money if name != "price" or "amount" not in money)
    return out | dict.fromkeys(of_title, Decimal(unit))


_TAX = re.compile(
    r"(?:сумма )?ндс(?: руб\w*)?|(?:vat|tax|gst)(?: amount| total)?|taxes|total tax|сумма налогов?|налоги"
)
_ROUNDED = Decimal("0.02")
_RATES = {True: (5, 7, 10, 18, 20, 22), False: (5, 7, 10, 12, 15, 16, 19, 20, 21, 22, 23, 25)}
"""Rates of the tax in per cent, where its column is headed in Russian and elsewhere."""


def _vat(
    labels: Mapping[str, str], chosen: Mapping[str, int], headers: Sequence[str], sample: Sequence[Sequence[str]]
) -> str | None:
    """Whether sums are with VAT («gross») or without («net»): as the header says, else as a column of the tax shows."""
    words = normalise_header(labels.get("amount") or labels.get("price", ""))[0]
    if "без ндс" in words or "без налог" in words or "net of vat" in words or "excl" in words or "untaxed" in words:
        return "net"
    if "с ндс" in words or "incl" in words:
        return "gross"
    tax = [i for i, h in enumerate(headers) if _TAX.fullmatch(normalise_header(h)[0])]
    if "amount" not in chosen or len(tax) != 1:
        return None
    pairs = [
        (amount, part)
        for amount, part in zip(
            map(_number, _column(sample, chosen["amount"])), map(_number, _column(sample, tax[0])), strict=True
        )
        if amount and part
    ]
    rates = _RATES[bool(re.search("[а-я]", headers[tax[0]].lower()))]
    shares = {
        "net": all(any(abs(part * 100 - amount * r) <= _ROUNDED * 100 for r in rates) for amount, part in pairs),
        "gross": all(
            any(abs(part * (100 + r) - amount * r) <= _ROUNDED * 100 for r in rates) for amount, part in pairs
        ),
    }
    told = [basis for basis, holds in shares.items() if holds and pairs]
    return told[0] if len(told) == 1 else None


def _uses(file: str, plan: HeaderPlan, chosen: Mapping[str, int], sample: Sequence[Sequence[str]]) -> list[ColumnUse]:
    by_index = {i: f for f, i in chosen.items()}
    out = []
    for c in plan.columns:
        example = next((v for v in _column(sample, c.index) if v), None)
        how = c.match.how
        name = c.match.field
        if name is None and by_index.get(c.index) == "discount":
            how, name = "mapped", "discount"
        if how in ("mapped", "guessed", "setting") and by_index.get(c.index) != name:
            how, name = "unmapped", None
        if name == "comment":
            example = None  # comments are personal data and go nowhere
        out.append(ColumnUse(file, c.header, name, how, c.match.score, None if example is None else example[:60]))
    return out


def absent_columns(plans: Sequence[TablePlan]) -> InputError | None:
    """Return the error for a header that the settings name and no file has."""
    if not plans:
        return None
    absent = set(plans[0].not_found).intersection(*(p.not_found for p in plans[1:]))
    if not absent:
        return None
    header = min(absent)
    hint = did_you_mean(header, (c.header for p in plans for c in p.uses if c.header))
    return InputError(
        Text(
            f"Ни в одном файле нет столбца «{header}», названного в [columns]",
            f"No file has the column that [columns] names: no column “{header}”",
        ),
        where="audit.toml, [columns]",
        todo=Text(f"Исправьте имя столбца: {hint.ru}", f"Correct the name of the column: {hint.en}"),
    )


def _counts_rows(header: str, cells: Sequence[str]) -> bool:
    """Whether a column headed «№» only counts the rows of the list: beside a number of the document it is no rival."""
    numbers = [c for c in cells if c]
    return header.strip().rstrip(".").casefold() in _COUNTS and numbers == [str(n + 1) for n in range(len(numbers))]
