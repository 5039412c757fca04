"""What single persons sent back: day logs, time sheets, workbooks of key clients. Nothing of it counts twice.

Unlike the department's own sheets these cannot be corrected by whoever collects them: a row that does not fit is set
aside and named, and the rest of the file counts. Of one person and day (of one person's time, of one key client) the
latest file counts. Later is the file with the later moment or the higher copy number in its name («… (2).csv», «… 2.csv»).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from audit.errors import Text
from audit.intake.questionnaire.cells import text_of
from audit.intake.questionnaire.layout import Cell, Record, records
from audit.intake.questionnaire.notes import Entry, Notes, Row
from audit.intake.questionnaire.raw import RawTable
from audit.model.key_form import CENTRE_COLUMNS, CENTRE_FIELDS, CENTRE_ROW, DECIDES, FILE_FIELDS, PLAN_QUESTIONS, SHORT
from audit.model.questionnaire import Returned, fold

__all__ = ["key_record", "merge", "read_files", "read_key_sheets"]

Unit = Hashable
_NOTHING = frozenset({"", "-", "—", "?", "нет", "no", "n/a", "не знаем", "не знаю", "unknown", "not known"})
"""Words that fill a field with nothing."""

_COPY = re.compile(r"(?:\((\d{1,3})\)| (\d{1,2}))\s*$")
_MOMENT = re.compile(r"(20\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)(?:[T_ -]?([0-2]\d)[-:h.]?([0-5]\d))?")


def _age(raw: RawTable) -> tuple[str, int, str]:
    """Sort key by which the latest of several files comes last: the moment in its name, its copy number, its name."""
    stem = raw.file.rsplit(".", 1)[0]
    copy = _COPY.search(stem)
    moments = ["".join(p or "00" for p in m) for m in _MOMENT.findall(stem)]
    return max(moments, default=""), int(copy[1] or copy[2]) if copy else 0, raw.file


def latest_first(raws: Sequence[RawTable]) -> list[RawTable]:
    """Sort files so that the latest comes first."""
    return sorted(raws, key=_age, reverse=True)


def unit_of(table: str, row: Row) -> Unit:
    """Return what can be answered once: a person and day of a log, a person's time, a key client."""
    if table == "day_log":
        return row["person"], row["date"]
    return row["person"] if table == "time" else fold(str(row["client_id"]))


@dataclass
class _Taken:
    """Which file each unit was taken from, and its rows, to tell a copy from a correction."""

    file: dict[Unit, str] = field(default_factory=dict)
    rows: dict[Unit, list[str]] = field(default_factory=dict)


def _shown(table: str, unit: Any) -> str:
    if table == "day_log":
        person, day = unit
        return f"{person} {day:%d.%m.%Y}"
    return str(unit)


def _listed(table: str, units: Sequence[Unit]) -> str:
    shown = [_shown(table, u) for u in units]
    return ", ".join(shown) if len(shown) <= 5 else ", ".join(shown[:4]) + f" … ({len(shown)})"


def merge(
    table: str, own: list[Entry], files: Sequence[tuple[RawTable, list[Entry], int]], notes: Notes
) -> tuple[list[Entry], list[Returned]]:
    """Put together the rows of the department's sheet and of the files, latest first: each unit once.

    ``files``: the file, its rows that fit, how many it had. What a later file replaces is told, and whether it was the
    same. A key client's sheet adds to the row of the questionnaire, it does not replace what it was not asked.
    """
    taken = _Taken()
    out: list[Entry] = []
    found: list[Returned] = []
    for raw, entries, total in files:
        place = raw.file or raw.place
        kept, dropped = _split(table, entries, taken)
        _tell(table, place, dropped, taken, notes)
        for entry in kept:
            unit = unit_of(table, entry.row)
            taken.file[unit] = place
            taken.rows.setdefault(unit, []).append(repr(entry.row))
        out = kept + out
        found.append(
            Returned(
                file=place,
                table=table,
                people=tuple(
                    dict.fromkeys(str(e.row["lead" if table == "key_clients" else "person"]) for e in entries)
                ),
                days=tuple(sorted({e.row["date"] for e in kept})) if table == "day_log" else (),
                clients=tuple(str(e.row["client_id"]) for e in kept) if table == "key_clients" else (),
                rows=total,
                used=len(kept),
                replaced=len(dropped),
            )
        )
    if table == "key_clients":
        return _joined(own, out), found
    stay, dropped = _split(table, own, taken)
    if dropped:
        _tell(table, dropped[0].record.where.split("!")[0].split(":")[0], dropped, taken, notes)
    return stay + out, found


def _split(table: str, entries: Sequence[Entry], taken: _Taken) -> tuple[list[Entry], list[Entry]]:
    kept = [e for e in entries if not e.good or unit_of(table, e.row) not in taken.file]
    return kept, [e for e in entries if e.good and unit_of(table, e.row) in taken.file]


def _tell(table: str, place: str, dropped: Sequence[Entry], taken: _Taken, notes: Notes) -> None:
    by: dict[tuple[str, bool], dict[Unit, int]] = {}
    rows: dict[Unit, list[str]] = {}
    for e in dropped:
        rows.setdefault(unit_of(table, e.row), []).append(repr(e.row))
    for unit, mine in rows.items():
        same = sorted(mine) == sorted(taken.rows[unit])
        by.setdefault((taken.file[unit], same), {})[unit] = len(mine)
    for (file, same), units in by.items():
        what, n = _listed(table, list(units)), sum(units.values())
        text = (
            Text(f"{what}: те же записи уже взяты из «{file}»", f"{what}: the same records were taken from “{file}”")
            if same
            else Text(
                f"{what}: записи ({n}) заменены более поздним файлом «{file}»; если верен этот, уберите тот",
                f"{what}: the records ({n}) are replaced by the later file “{file}”; if this one is right, remove that",
            )
        )
        notes.add(table, place, "", text, fatal=False)


def _joined(own: list[Entry], sheets: list[Entry]) -> list[Entry]:
    """Lay the answers of key clients' sheets over the questionnaire's rows of the same clients."""
    answers = {unit_of("key_clients", e.row): e for e in sheets}
    out = []
    for e in own:
        mine = answers.pop(unit_of("key_clients", e.row), None) if e.good else None
        if mine is None:
            out.append(e)
        else:
            given = {k: v for k, v in mine.row.items() if v is not None and k != "client_id"}
            out.append(Entry({**e.row, **given}, e.record, True))
    return [*out, *answers.values()]


# ---- a key client's sheet


def key_record(raw: RawTable) -> tuple[Record | None, bool]:
    """Read the sheet of one key client as a row of ``key_clients``; None where nothing beyond the client is answered.

    ``file_share``: filled fields of the client file; ``buying_centre_share``: filled cells beside the people named;
    ``plan_*``: whether the question is answered. A section left blank in a sheet that was filled in is empty: 0, no.
    """
    cells: dict[str, Cell] = {}
    file: list[bool] = []
    centre: list[dict[str, str]] = []
    plan: dict[str, bool] = {}
    horizon = False
    for i, row in enumerate(raw.rows):
        key = text_of(row[0]) if row else None
        given = [text_of(c) for c in row[2:]]
        first = next((g for g in given if g), None)
        where = raw.cell(i, 2)
        said = first is not None and fold(first) not in _NOTHING
        if key in FILE_FIELDS:
            file.append(said)
        elif key in PLAN_QUESTIONS:
            plan[key] = said
        elif key == CENTRE_ROW:
            cells_of = (row[c] if c < len(row) else None for c in CENTRE_COLUMNS)
            person = dict(zip(CENTRE_FIELDS, (text_of(c) or "" for c in cells_of), strict=True))
            if any(person.values()):
                centre.append(person)
        elif key in ("client_id", "lead", *SHORT):
            value = next((c for c in row[2:] if text_of(c)), None)
            cells[key] = Cell(value, where)
            horizon = horizon or (key == "plan_horizon_months" and value is not None)
    answered = any(file) or bool(centre) or any(plan.values())
    if not answered:
        return None, "client_id" in cells
    top = raw.cell(0, 2)

    def put(key: str, value: Any) -> None:
        cells[key] = Cell(value, top)

    put("file_share", sum(file) / len(FILE_FIELDS))
    known = [p[k] for p in centre for k in CENTRE_FIELDS if k != "person"]
    put("buying_centre_share", sum(fold(v) not in _NOTHING for v in known) / len(known) if known else 0.0)
    decides = {fold(DECIDES.ru), fold(DECIDES.en)}
    put("decision_maker_known", "yes" if any(fold(p["part"]) in decides and p["person"] for p in centre) else "no")
    put("contacts", sum(bool(p["person"]) for p in centre))
    for key in PLAN_QUESTIONS:
        put(key, "yes" if plan.get(key) else "no")
    put("plan", "yes" if any(plan.values()) else "no")
    put("plan_items", sum(plan.values()))
    return Record(cells, top), True


_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})\b.*")


def _dated(raw: RawTable, found: list[Record], notes: Notes) -> list[Record]:
    """Write dates with slashes as ISO: Excel saves a form's dates as the computer has them, 11/13/2025 or 13/11/2025.

    A date that cannot be the one makes it the other; else the days in the file's name tell. Where both stay possible
    the order of day and month is asked about and nothing is taken.
    """
    said = [_SLASHES.fullmatch(text_of(r.value("date")) or "") for r in found] if raw.table == "day_log" else []
    parts = [(int(m[1]), int(m[2]), int(m[3]) % 100 + 2000) for m in said if m]
    if not parts:
        return found
    ways = {True: [_day(y, a, b) for a, b, y in parts], False: [_day(y, b, a) for a, b, y in parts]}
    fits = [first for first, days in ways.items() if None not in days]
    if len(fits) == 2 and ways[True] != ways[False]:
        named = {f"{y}-{m}-{d}" for y, m, d, *_ in _MOMENT.findall(raw.file)}
        fits = [first for first in fits if named and named <= {str(d) for d in ways[first]}]
    if not fits:
        notes.add(
            raw.table,
            found[0].at("date"),
            found[0].value("date"),
            Text(
                "не понять, где день, а где месяц: возьмите файл таким, каким его дала форма, не сохраняя в Excel, "
                "или запишите даты как 2025-11-30",
                "day and month cannot be told apart: take the file as the form gave it, not saved by Excel, "
                "or write the dates as 2025-11-30",
            ),
        )
        return [r for r, m in zip(found, said, strict=True) if not m]
    if fits[0] and ways[True] != ways[False]:
        text = Text("даты прочитаны как месяц/день/год", "the dates are read as month/day/year")
        notes.add(raw.table, found[0].at("date"), found[0].value("date"), text, fatal=False)
    days = iter(ways[fits[0]])
    return [
        Record({**r.cells, "date": Cell(str(next(days)), r.at("date"))}, r.where) if m else r
        for r, m in zip(found, said, strict=True)
    ]


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


Check = Callable[[list[Entry], Notes], list[Entry]]


def read_files(
    raws: Sequence[RawTable], typed: Callable[[list[Record], Notes], list[Entry]], fits: Check, notes: Notes
) -> list[tuple[RawTable, list[Entry], int]]:
    """Read the files of single persons, latest first: what fits of each, and how many rows it had."""
    out = []
    for raw in latest_first(raws):
        soft = Notes(soft=True)
        found, problems = records(raw)
        soft.extend(problems)
        if not found and not problems:
            said = Text(
                "в файле нет ни одной записи: попросите прислать ещё раз", "no record in the file: ask for it again"
            )
            soft.add(raw.table, raw.file or raw.place, "", said, fatal=False)
        found = _dated(raw, found, soft)
        entries = [e for e in fits(typed(found, soft), soft) if e.good]
        notes.extend(soft.problems())
        out.append((raw, entries, len(found)))
    return out


def read_key_sheets(
    raws: Sequence[RawTable], typed: Callable[[list[Record], Notes], list[Entry]], notes: Notes
) -> list[tuple[RawTable, list[Entry], int]]:
    """Read the workbooks of key clients, latest first; sheets left blank are counted, not read."""
    books: dict[str, list[RawTable]] = {}
    for raw in latest_first(raws):
        books.setdefault(raw.file or raw.place, []).append(raw)
    out = []
    for name, sheets in books.items():
        soft = Notes(soft=True)
        found = [key_record(raw) for raw in sheets]
        answered = [r for r, _ in found if r is not None]
        blank = sum(r is None and ours for r, ours in found)
        if blank:
            soft.add(
                "key_clients",
                name,
                "",
                Text(
                    f"листов клиентов без ответов: {blank} из {len(sheets)}",
                    f"clients' sheets without answers: {blank} of {len(sheets)}",
                ),
                fatal=False,
            )
        entries = [e for e in typed(answered, soft) if e.good]
        notes.extend(soft.problems())
        out.append((sheets[0], entries, len(answered)))
    return out
