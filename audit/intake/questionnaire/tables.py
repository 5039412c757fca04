"""Rows by key into typed frames, and the checks that need more than one cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.errors import Text
from audit.intake.questionnaire.cells import Bad, number, parse, text_of
from audit.intake.questionnaire.layout import Record, records, staff_places
from audit.intake.questionnaire.notes import Entry, Notes, Row
from audit.intake.questionnaire.raw import ErrorCell, RawTable, nearest, twice
from audit.intake.questionnaire.returned import merge, read_files, read_key_sheets
from audit.method import method
from audit.model.questionnaire import (
    COMPANY_KEYS,
    RETIRED_KEYS,
    TABLES,
    Column,
    Problem,
    Returned,
    TableSpec,
    alike,
    fold,
    names_no_role,
)

__all__ = ["SUM_TOLERANCE", "Built", "build"]

SUM_TOLERANCE = 0.02
"""How far a person's shares may be from 1 (contracts, section 3)."""


@dataclass(frozen=True)
class Built:
    """Typed frames in the contract's order, the company's answers, what came from whom, and the problems."""

    tables: dict[str, pd.DataFrame]
    company: dict[str, Any]
    returned: tuple[Returned, ...]
    problems: tuple[Problem, ...]


def build(raws: Sequence[RawTable]) -> Built:
    """Build typed frames, the company's answers and the problems from raw tables; tables in the contract's order."""
    notes = Notes()
    rows = _own_rows([raw for raw in raws if not raw.came], notes)
    company, company_frame = _company(rows.pop("company", []), notes)
    typed = {name: _typed(spec, rows[name], notes) for name, spec in TABLES.items() if rows.get(name)}
    people = _People(typed.get("staff", []), notes)
    _staff(typed.get("staff", []), people, notes)
    for name, spec in TABLES.items():
        if name in typed and name != "staff":
            _persons(spec, typed[name], people, notes)
    returned = _returned([raw for raw in raws if raw.came], typed, people, notes)
    _time(typed.get("time", []), people, notes)
    _day_log(typed.get("day_log", []), notes)
    _handoffs(typed.get("handoffs", []), notes)
    _repeats("self_check", ("question",), typed.get("self_check", []), notes, fatal=True)
    _repeats("sale_types", ("dimension", "value"), typed.get("sale_types", []), notes, fatal=True)
    _repeats("key_clients", ("client_id",), typed.get("key_clients", []), notes, fatal=False)
    _repeats("processes", ("process",), typed.get("processes", []), notes, fatal=False)
    _repeats("pay", ("role",), typed.get("pay", []), notes, fatal=False)
    tables = {}
    for name, spec in TABLES.items():
        if name == "company" and company:
            tables[name] = company_frame
        elif typed.get(name):
            body = [e.row for e in typed[name] if e.good]
            tables[name] = _frame(spec, _in_order(body, people) if name == "time" else body)
    return Built(tables, company, returned, notes.problems())


def _own_rows(raws: Sequence[RawTable], notes: Notes) -> dict[str, list[Record]]:
    """Read the department's tables; one that stands in two files counts once, or is asked about where they differ."""
    rows: dict[str, list[Record]] = {}
    first: dict[str, RawTable] = {}
    for raw in raws:
        beside = [r for r in raws if r.table == "staff" and r.file == raw.file]
        found, problems = records(raw, staff_places(beside[0]) if beside else ())
        # The form's questions stand on its sheet of the company without answers too.
        filled = any(text_of(r.value("value")) for r in found) if raw.table == "company" else bool(found)
        if raw.table in first:
            if filled and _values(raw.table, found) != _values(raw.table, rows[raw.table]):
                notes.extend([twice(raw.table, raw.place, first[raw.table].place)])
            continue
        if filled:
            first[raw.table] = raw
        elif raw.table in rows:
            continue
        notes.extend(problems)
        rows[raw.table] = found
    return rows


def _values(table: str, found: list[Record]) -> list[str]:
    """Return what rows say whatever the file they stand in: typed, persons by code, in one order."""
    if table == "company":
        return [repr(_company(found, Notes())[0])]
    spec = TABLES[table]
    persons = [c.key for c in spec.columns if c.person]
    rows = [e.row for e in _typed(spec, found, Notes())]
    for row in rows:
        row.update({k: str(row[k]).split(" — ")[0] for k in persons if row.get(k)})
    return sorted(repr([_plain(row.get(c.key)) for c in spec.columns]) for row in rows)


def _plain(value: Any) -> Any:
    return round(float(value), 9) if isinstance(value, int | float) else value


def _returned(
    raws: Sequence[RawTable], typed: dict[str, list[Entry]], people: _People, notes: Notes
) -> tuple[Returned, ...]:
    """Put what single persons sent back into the tables, and tell what came from whom."""
    out: list[Returned] = []
    for table in ("time", "day_log", "key_clients"):
        mine = [raw for raw in raws if raw.table == table]
        if not mine:
            continue

        def read(found: list[Record], soft: Notes, spec: TableSpec = TABLES[table]) -> list[Entry]:
            entries = _typed(spec, found, soft)
            _persons(spec, entries, people, soft)
            for e in entries:  # a backup whom nobody knows is none; who won the client may have left
                if e.row.get("backup") not in (None, *people.order):
                    e.row["backup"] = None
            must = [c.key for c in spec.columns if c.person and c.required]
            known = [e for e in entries if all(e.row.get(k) in people.order for k in must)]
            return known

        def fits(entries: list[Entry], soft: Notes, table: str = table) -> list[Entry]:
            if table == "day_log":
                return _day_log(entries, soft)
            wrong = _time(entries, people, soft)
            return [e for e in entries if e.row.get("person") not in wrong]

        files = read_key_sheets(mine, read, notes) if table == "key_clients" else read_files(mine, read, fits, notes)
        merged, found = merge(table, typed.get(table, []), files, notes)
        if merged:
            typed[table] = merged
        out += found
    return tuple(out)


# ---- company


def _company(rows: list[Record], notes: Notes) -> tuple[dict[str, Any], pd.DataFrame]:
    names = {fold(n): c.key for c in COMPANY_KEYS for n in (c.key, c.ru, c.en)}
    specs = {c.key: c for c in COMPANY_KEYS}
    found: dict[str, Any] = {}
    for record in rows:
        word = text_of(record.value("key"))
        if word is None:
            notes.add(
                "company",
                record.where,
                record.value("value"),
                Text(
                    "значение без ключа: впишите, к чему оно относится", "a value without a key: say what it belongs to"
                ),
            )
            continue
        if fold(word.rstrip("*").strip()) in RETIRED_KEYS:
            continue
        key = names.get(fold(word.rstrip("*").strip()))
        if key is None:
            hit = nearest(word, names)
            notes.add(
                "company",
                record.at("key"),
                word,
                Text(
                    "такого вопроса на листе нет, ответ не прочитан" + (f"; возможно, это «{hit}»?" if hit else ""),
                    "the sheet has no such question, the answer was not read"
                    + (f"; did you mean “{hit}”?" if hit else ""),
                ),
                fatal=False,
            )
            continue
        spec = specs[key]
        try:
            value = parse(record.value("value"), spec)
            if spec.kind == "share" and value is not None:
                value = _single_share(record, spec, notes)
        except Bad as e:
            notes.add("company", record.at("value"), record.value("value"), e.text)
            continue
        if value is None:
            continue
        if key in found:
            notes.add(
                "company",
                record.at("key"),
                word,
                Text("на этот вопрос уже есть ответ выше; оставьте один", "this question is answered above; keep one"),
            )
            continue
        found[key] = value
    if rows and not found.get("name"):
        notes.add(
            "company",
            rows[0].where,
            "",
            Text("не указано название компании", "the company's name is missing"),
            fatal=False,
        )
    company = {c.key: found[c.key] for c in COMPANY_KEYS if c.key in found}
    frame = pd.DataFrame(
        {
            "key": pd.Series(list(company), dtype=object),
            "value": pd.Series([_as_text(v) for v in company.values()], dtype=object),
        }
    )
    return company, frame


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _single_share(record: Record, spec: Column, notes: Notes) -> float:
    value, percent = number(record.value("value"))
    assert value is not None
    if percent or 1 < value <= 100:
        if not percent:
            notes.add(
                "company",
                record.at("value"),
                record.value("value"),
                Text(
                    f"прочитано как проценты: {value:g} % = {value / 100:g}",
                    f"read as per cent: {value:g} % = {value / 100:g}",
                ),
                fatal=False,
            )
        value /= 100
    if not 0 <= value <= 1:
        raise Bad(Text("нужна доля от 0 до 1", "a share from 0 to 1 is expected"))
    return value


# ---- one table


def _typed(spec: TableSpec, rows: list[Record], notes: Notes) -> list[Entry]:
    """Parse every cell; a row with a wrong or missing required cell is told and not good."""
    scale = {c.key: _scale(spec, c, rows, notes) for c in spec.columns if c.kind == "share"}
    out = []
    for record in rows:
        row: Row = {}
        good = True
        for column in spec.columns:
            cell = record.value(column.key)
            if column.key in ("role", "role2") and _no_role(spec, column, row, record, notes):
                row[column.key] = None
                continue
            try:
                value = parse(cell, column)
                if column.kind == "share" and value is not None:
                    value /= scale[column.key]
                    if not -1e-12 <= value <= 1 + 1e-12:
                        raise Bad(Text("нужна доля от 0 до 1", "a share from 0 to 1 is expected"))
            except Bad as e:
                notes.add(spec.name, record.at(column.key), cell, e.text)
                good = False
                continue
            if column.required and value is None and column.key in record.cells:
                notes.add(spec.name, record.at(column.key), "", _required(spec, column, record))
                good = False
            if value is None and column.default is not None:
                value = column.default
            row[column.key] = value
        good = good and all(c.key in record.cells for c in spec.columns if c.required)
        out.append(Entry(row, record, good))
    return out


def _required(spec: TableSpec, column: Column, record: Record) -> Text:
    ru, en = f"не заполнено обязательное поле «{column.ru}»", f"the required field “{column.en}” is empty"
    if column.key == "role":
        # The title may suggest a role; it is offered, never applied.
        try:
            hint = parse(record.value("title"), column)
        except Bad:
            hint = None
        if hint:
            ru, en = f"{ru}; судя по должности, это может быть {hint}", f"{en}; by the title it may be {hint}"
    return Text(ru, en)


def _no_role(spec: TableSpec, column: Column, row: Row, record: Record, notes: Notes) -> bool:
    """Whether the role is a bare «sales manager», in the cell itself or, with the cell empty, in the title."""
    cell, title = text_of(record.value(column.key)), row.get("title")
    if spec.name != "staff":
        return False
    if cell in (None, "?") and (column.key == "role2" or not names_no_role(title)):
        return cell == "?" and column.key == "role2"
    if cell not in (None, "?"):
        try:
            parse(cell, column)
            return False
        except Bad:
            if not names_no_role(cell):
                return False
        # The words stood in the role's place: keep them as the title, which is what they are.
        if title is None:
            row["title"] = cell
    notes.add(
        "staff",
        record.at(column.key),
        cell or title or "",
        Text(
            "по этой должности роль не определить: выберите, что человек делает на самом деле — привлекает (SR), ведёт "
            "постоянных клиентов (KM), оформляет заказы (SOP, OP) или всё сразу (UNI)",
            "this title does not tell the role: choose what the person really does — wins clients (SR), looks after "
            "regular ones (KM), takes and enters orders (SOP, OP) or all of it (UNI)",
        ),
        fatal=False,
    )
    return True


def _scale(spec: TableSpec, column: Column, rows: list[Record], notes: Notes) -> float:
    """Find the scale of a share column: 1 for shares, 100 when the whole column is written in per cent.

    Per cent is believed only when nothing in the column contradicts it. In ``time`` that is when every person's sum
    is far above 1, so that 45 among shares stays an error of its own; elsewhere when no value lies inside 0–1.
    """
    values: list[tuple[float, bool, Record]] = []
    for record in rows:
        cell = record.value(column.key)
        if isinstance(cell, ErrorCell):
            continue
        try:
            value, percent = number(cell)
        except Bad:
            continue
        if value is not None:
            values.append((value, percent, record))
    if not values:
        return 1.0
    largest = max(v for v, _, _ in values)
    signs = {percent for v, percent, _ in values if v != 0}
    if signs == {True}:
        per_cent = True
    elif True in signs and any(not percent and 0 < v < 1 for v, percent, _ in values):
        where, cell = next((r.at(column.key), r.value(column.key)) for v, percent, r in values if percent)
        notes.add(
            spec.name,
            where,
            cell,
            Text(
                "в одном столбце и доли, и проценты: запишите все одинаково, например 0,45",
                "shares and percentages in one column: write all of them alike, for example 0.45",
            ),
        )
        return 1.0
    elif spec.name == "time":
        sums: dict[str, float] = {}
        for v, _, record in values:
            who = fold(text_of(record.value("person")) or "")
            sums[who] = sums.get(who, 0.0) + v
        # A person's shares sum to 1 or to 100: 10 lies between the two whatever is missing from them.
        per_cent = largest > 1 and all(s > 10 for s in sums.values() if s > 0)
    else:
        per_cent = largest > 1 and not any(0 < v < 1 for v, _, _ in values)
    if not per_cent:
        return 1.0
    if signs != {True}:
        notes.add(
            spec.name,
            values[0][2].at(column.key),
            values[0][2].value(column.key),
            Text(
                f"весь столбец «{column.ru}» прочитан как проценты: 45 = 0,45",
                f"the whole column “{column.en}” is read as per cent: 45 = 0.45",
            ),
            fatal=False,
        )
    return 100.0


def _frame(spec: TableSpec, rows: list[Row]) -> pd.DataFrame:
    data: dict[str, Any] = {}
    for column in spec.columns:
        values = [row.get(column.key) for row in rows]
        if column.kind in ("number", "share", "int", "time"):
            data[column.key] = pd.Series([float("nan") if v is None else float(v) for v in values], dtype="float64")
        elif column.kind == "date":
            stamps = [pd.NaT if v is None else pd.Timestamp(v) for v in values]
            data[column.key] = pd.Series(stamps, dtype="datetime64[s]")
        elif column.kind == "list":
            data[column.key] = pd.Series([tuple(v or ()) for v in values], dtype=object)
        else:
            data[column.key] = pd.Series(values, dtype=object)
    return pd.DataFrame(data)


# ---- persons


class _People:
    """Who is on the staff sheet, and the spellings under which the other sheets may name them."""

    def __init__(self, staff: list[Entry], notes: Notes) -> None:
        self.order: dict[str, int] = {}
        names: dict[str, set[str]] = {}
        folded: dict[str, set[str]] = {}
        twins: dict[str, str] = {}
        for entry in staff:
            row, record, person = entry.row, entry.record, entry.row.get("person")
            if person is None:
                continue
            if person in self.order:
                notes.add(
                    "staff",
                    record.at("person"),
                    person,
                    Text(
                        "код сотрудника повторяется: у каждого должен быть свой",
                        "the person code is used twice: everybody needs a code of their own",
                    ),
                )
                continue
            self.order[person] = len(self.order)
            folded.setdefault(fold(person), set()).add(person)
            twin = twins.setdefault(alike(person), person)
            if twin != person:
                notes.add(
                    "staff",
                    record.at("person"),
                    person,
                    Text(
                        f"этот код не отличить на вид от «{twin}» в другой строке (русские и латинские буквы или "
                        "регистр): дайте коды, которые не спутать",
                        f"this code looks the same as “{twin}” in another row (Cyrillic and Latin letters, or case): "
                        "give codes that cannot be mistaken",
                    ),
                    fatal=False,
                )
            for word in (row.get("name"), *(row.get("aliases") or ())):
                if word:
                    names.setdefault(fold(word), set()).add(person)
        self._spellings = {w: next(iter(p)) for w, p in {**names, **folded}.items() if len(p) == 1}
        codes = [alike(p) for p in self.order]
        self._alike = {c: p for c, p in zip(codes, self.order, strict=True) if codes.count(c) == 1}

    def find(self, text: str) -> str | None:
        """Return the code meant: the code itself, «code — name» of the drop-down list, a unique name or alias.

        A code typed with Cyrillic letters for Latin ones, or the other way, is that code where only one looks so.
        """
        if text in self.order:
            return text
        head = text.split(" — ")[0].strip()
        if head in self.order:
            return head
        return self._spellings.get(fold(text)) or self._spellings.get(fold(head)) or self._alike.get(alike(head))

    def unknown(self, text: str) -> Text:
        """Say that nobody on the staff sheet is called so, with the nearest spelling."""
        hit = nearest(text, self._spellings)
        ru = f"; возможно, вы имели в виду «{hit}»?" if hit else "; допишите сотрудника или исправьте код"
        en = f"; did you mean “{hit}”?" if hit else "; add the person or correct the code"
        return Text(f"такого сотрудника нет на листе «Сотрудники»{ru}", f"nobody like that on the sheet “Staff”{en}")


def _persons(spec: TableSpec, rows: list[Entry], people: _People, notes: Notes) -> None:
    """Replace every spelling of a person by the code; somebody not on the staff sheet is told.

    Who acquired a client and whom somebody reports to may have left: that is told but does not stop the audit.
    """
    for column in (c for c in spec.columns if c.person):
        for entry in rows:
            row, record, text = entry.row, entry.record, entry.row.get(column.key)
            if text is None:
                continue
            if not people.order:
                notes.add(
                    spec.name,
                    record.at(column.key),
                    "",
                    Text(
                        "сотрудники названы, а лист «Сотрудники» пуст: заполните его",
                        "persons are named, but the sheet “Staff” is empty: fill it in",
                    ),
                )
                break
            found = people.find(text)
            if found is None:
                loose = column.key in ("acquired_by", "reports_to")
                notes.add(spec.name, record.at(column.key), text, people.unknown(text), fatal=not loose)
                if column.key == "reports_to":
                    row[column.key] = None
            else:
                row[column.key] = found


def _staff(rows: list[Entry], people: _People, notes: Notes) -> None:
    _persons(TABLES["staff"], rows, people, notes)
    owner: dict[str, str] = {}
    for entry in rows:
        row, record = entry.row, entry.record
        start, end = row.get("start"), row.get("end")
        if start and end and end < start:
            notes.add(
                "staff",
                record.at("end"),
                record.value("end"),
                Text(f"уволен раньше, чем принят ({start:%d.%m.%Y})", f"left before starting ({start:%d.%m.%Y})"),
            )
        for alias in row.get("aliases") or ():
            first = owner.setdefault(fold(alias), row.get("person", ""))
            if first != row.get("person", ""):
                notes.add(
                    "staff",
                    record.at("aliases"),
                    alias,
                    Text(
                        f"это написание уже записано за {first}: заказы не поделить между двумя людьми",
                        f"this spelling already belongs to {first}: orders cannot be split between two persons",
                    ),
                )


# ---- the rest


def _in_order(rows: list[Row], people: _People) -> list[Row]:
    m = method()
    place: dict[str, int] = {}
    for group in m.groups:
        place[group] = len(place)
        for code in m.functions_of(group):
            place[code] = len(place)
    last = len(people.order)
    return sorted(rows, key=lambda r: (people.order.get(r["person"], last), r["person"], place[r["function"]]))


def _time(rows: list[Entry], people: _People, notes: Notes) -> set[str]:
    """Check that nobody has a function twice and that everybody's shares sum to 1; return who fails."""
    wrong: set[str] = set()
    sums: dict[str, float] = {}
    first: dict[str, Record] = {}
    seen: dict[tuple[str, str], Record] = {}
    broken: set[str] = set()
    for entry in rows:
        row, record = entry.row, entry.record
        if not entry.good:
            # A sum that lacks a share we could not read would only confuse.
            broken.add(row.get("person") or "")
            continue
        person, function = row["person"], row["function"]
        if (person, function) in seen:
            wrong.add(person)
            notes.add(
                "time",
                record.at("function"),
                function,
                Text(
                    f"у сотрудника {person} эта функция записана дважды; сложите доли в одну строку",
                    f"{person} has this function twice; add the shares up in one row",
                ),
            )
        seen[person, function] = record
        first.setdefault(person, record)
        sums[person] = sums.get(person, 0.0) + row["share"]
    for person, total in sums.items():
        if abs(total - 1) > SUM_TOLERANCE + 1e-9 and person not in broken:
            wrong.add(person)
            gap = 1 - total
            ru = f"не хватает {gap:.2f}" if gap > 0 else f"лишние {-gap:.2f}"
            en = f"{gap:.2f} is missing" if gap > 0 else f"{-gap:.2f} too much"
            notes.add(
                "time",
                first[person].at("person"),
                person,
                Text(
                    f"сумма долей сотрудника {person} равна {total:.3g}".replace(".", ",")
                    + f", а должна быть 1 (± {SUM_TOLERANCE:g}): {ru}".replace(".", ","),
                    f"the shares of {person} sum to {total:.3g}, not to 1 (± {SUM_TOLERANCE:g}): {en}",
                ),
            )
    return wrong | broken


def _clock(value: float) -> str:
    return f"{int(value) // 60:02d}:{int(value) % 60:02d}"


def _day_log(rows: list[Entry], notes: Notes) -> list[Entry]:
    """Check that records end after they start and do not overlap; return those that stand."""
    days: dict[tuple[str, dt.date], list[tuple[float, float, Entry]]] = {}
    good: list[Entry] = []
    for entry in (e for e in rows if e.good):
        row, record = entry.row, entry.record
        start, end = row["start"], row["end"]
        if end == 0 < start:
            end = row["end"] = 1440.0  # to midnight
        if end <= start:
            notes.add(
                "day_log",
                record.at("end"),
                record.value("end"),
                Text(
                    f"конец не позже начала ({_clock(start)}); запись через полночь разделите на две",
                    f"the end is not after the start ({_clock(start)}); split a record that passes midnight in two",
                ),
            )
            continue
        days.setdefault((row["person"], row["date"]), []).append((start, end, entry))
    for (person, day), items in days.items():
        items.sort(key=lambda x: (x[0], x[1]))
        latest = -1.0
        for start, end, entry in items:
            if start < latest:
                notes.add(
                    "day_log",
                    entry.record.at("start"),
                    entry.record.value("start"),
                    Text(
                        f"у {person} {day:%d.%m.%Y} запись {_clock(start)}–{_clock(end)} пересекается с предыдущей, "
                        f"которая кончается в {_clock(latest)}",
                        f"{person} on {day:%d.%m.%Y}: the record {_clock(start)}–{_clock(end)} overlaps the one before, "
                        f"which ends at {_clock(latest)}",
                    ),
                )
            else:
                good.append(entry)
            latest = max(latest, end)
    return good


def _handoffs(rows: list[Entry], notes: Notes) -> None:
    tests: Mapping[str, Any] = method().triggers
    for row, record in ((e.row, e.record) for e in rows if e.good):
        if row["from_role"] == row["to_role"]:
            notes.add(
                "handoffs",
                record.at("to_role"),
                record.value("to_role"),
                Text(
                    "передача от роли самой себе: укажите другую роль", "a hand-off from a role to itself: name another"
                ),
            )
        needs = tests[row["trigger"]].tests if row.get("trigger") else ""
        if needs and row.get(needs) is None:
            column = TABLES["handoffs"].column(needs)
            assert column is not None
            notes.add(
                "handoffs",
                record.at("trigger"),
                record.value("trigger"),
                Text(
                    f"для этого правила впишите ещё «{column.ru}» ({needs}), иначе его не сверить с заказами",
                    f"this rule also needs “{column.en}” ({needs}), or it cannot be compared with the orders",
                ),
                fatal=False,
            )


def _repeats(table: str, key: tuple[str, ...], rows: list[Entry], notes: Notes, *, fatal: bool) -> None:
    seen: set[tuple[Any, ...]] = set()
    for row, record in ((e.row, e.record) for e in rows if e.good):
        value = tuple(row[k] for k in key)
        if value in seen:
            notes.add(
                table,
                record.at(key[-1]),
                record.value(key[-1]),
                Text("эта строка уже есть выше; оставьте одну", "this row already stands above; keep one"),
                fatal=fatal,
            )
        seen.add(value)
