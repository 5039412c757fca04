"""The questionnaire as a workbook: blank for the client, or filled with a company's answers.

Every sheet has the label in row 1 and the machine key in the hidden row 2, which is all the reader needs; words,
colours, lists, sums and lights are for the person who fills it in. Words lie in templates/forms/questionnaire.toml.
"""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_range_abs, xl_rowcol_to_cell

from audit.errors import Lang, Text
from audit.method import method
from audit.model.questionnaire import (
    COMPANY_KEYS,
    PLAN_ITEMS,
    PREFILLED_MARK,
    TABLES,
    Column,
    Questionnaire,
    TableSpec,
    options,
)
from audit.resources import resource_dir

__all__ = ["CREATED", "form_words", "write_workbook"]

CREATED = dt.datetime(2024, 1, 1)
"""Written into every workbook instead of the present moment: the same content gives the same bytes."""

FIRST = 2
"""First row of answers, counted from 0: under the label and the hidden key."""

MOVED = {
    "key_clients": (
        "file_share",
        "decision_maker_known",
        "contacts",
        "buying_centre_share",
        *(key for key, _, _ in PLAN_ITEMS),
        "plan_items",
        "plan_horizon_months",
    )
}
"""Questions that a form of its own asks better: their columns are hidden while nobody has answered them here."""
PREFILLED_HANDOFFS = (("TM", "SR"), ("SR", "KM"), ("SR", "SOP"), ("KM", "PM"))
SPARE_PERSONS = 40
BLANK_PRINTED = 12
"""Columns of the blank time sheet that are printed."""
_HEADS = {
    "sale_types": "dimension",
    "day_log": "person",
    "handoffs": "trigger",
    "self_check": "answer",
    "key_clients": "client_id",
    "touches": "person",
    "processes": "owner",
    "pay": "fixed_share",
}
"""The key whose filled cells are counted to say how far a sheet is."""
_WIDTHS = {
    "number": 13,
    "int": 12,
    "share": 13,
    "date": 13,
    "time": 11,
    "yesno": 13,
    "yesnopartly": 15,
    "list": 32,
    "text": 24,
    "code": 34,
}

Row = dict[str, Any]


@lru_cache(maxsize=1)
def form_words() -> dict[str, Any]:
    """Read the words of the form (both languages)."""
    path = resource_dir("templates") / "forms" / "questionnaire.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@dataclass
class _Form:
    """The workbook being written, with what its sheets share."""

    book: Any
    lang: Lang
    company: Questionnaire | None
    words: dict[str, Any]
    formats: dict[str, Any]
    staff_rows: int
    people: list[Row]
    sheets: dict[str, Any] = field(default_factory=dict)
    lists: dict[tuple[str, ...], str] = field(default_factory=dict)
    printed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Last row and column of a sheet that is printed upright, the persons side by side over as many pages as needed."""

    def title(self, table: str) -> str:
        """Name of a table's sheet."""
        spec = TABLES[table]
        return spec.ru if self.lang == "ru" else spec.en

    def ref(self, table: str, area: str) -> str:
        """Refer to cells of a table's sheet in a formula."""
        return f"'{self.title(table)}'!{area}"

    def rows(self, table: str) -> list[Row]:
        """The answers given for a table, as rows; empty for the blank form."""
        if self.company is None or not self.company.has(table):
            return []
        return [{str(k): v for k, v in row.items()} for row in self.company.tables[table].to_dict("records")]

    def shown(self, column: Column, code: str) -> str:
        """How the drop-down list words a code; codes that are plain words («yes», «inside») stay hidden."""
        label = options(column)[code].get(self.lang)
        return f"{code} — {label}" if code == code.upper() and not code.isdigit() else label


def write_workbook(path: Path, lang: Lang, company: Questionnaire | None = None) -> None:
    """Write the questionnaire: instructions, the contract's sheets in order, a hidden sheet of lists.

    With ``company`` its answers stand in the cells; reading the file back gives equal tables.
    """
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        words = form_words()["book"][lang]
        book.set_properties({"title": words["title"], "author": "km-audit", "created": CREATED})
        form = _Form(book, lang, company, words, _formats(book), 0, [])
        form.people = form.rows("staff")
        form.staff_rows = max(SPARE_PERSONS, len(form.people) + 10)
        instructions = book.add_worksheet(words["instructions"])
        for table in TABLES:
            form.sheets[table] = book.add_worksheet(form.title(table))
        hidden = book.add_worksheet(words["lists"])
        hidden.hide()
        _list_people(form, hidden)
        states = {}
        for table, spec in TABLES.items():
            states[table] = _WRITERS.get(table, _write_table)(form, spec)
            _finish(form, table)
        for i, labels in enumerate(form.lists):
            hidden.write_column(0, i + 1, labels)
        _write_instructions(form, instructions, states)
        instructions.activate()


def _formats(book: Any) -> dict[str, Any]:
    base = {"font_name": "Arial", "font_size": 10, "valign": "vcenter"}
    edge = {"border": 1, "border_color": "#C9CED6"}
    answer = {**base, **edge, "locked": False, "bg_color": "#FFF9DB"}
    make = book.add_format
    return {
        "base": make(base),
        "wrap": make({**base, "text_wrap": True}),
        "title": make({**base, "font_size": 18, "bold": True, "font_color": "#1F3B57"}),
        "head": make({**base, **edge, "bold": True, "text_wrap": True, "valign": "top", "bg_color": "#DCE6F0"}),
        "head_bold": make({**base, "bold": True}),
        "head_note": make({**base, "font_size": 8, "font_color": "#55606E"}),
        "person": make({**base, **edge, "bold": True, "text_wrap": True, "align": "center", "bg_color": "#DCE6F0"}),
        "key": make({**base, "font_size": 8, "font_color": "#8A93A0"}),
        "cell": make({**base, **edge}),
        "cell_wrap": make({**base, **edge, "text_wrap": True}),
        "note": make({**base, **edge, "text_wrap": True, "font_color": "#55606E", "font_size": 9}),
        "group": make({**base, **edge, "bold": True, "bg_color": "#EEF2F6"}),
        "indent": make({**base, **edge, "indent": 1, "text_wrap": True}),
        "sum": make({**base, **edge, "num_format": "0%", "align": "center", "bold": True}),
        "state": make({**base, **edge, "align": "center", "text_wrap": True, "font_size": 8}),
        "link": make({**base, **edge, "font_color": "#1F5A7A", "underline": 1}),
        "text": make({**answer, "num_format": "@", "text_wrap": True}),
        "code": make(answer),
        "number": make({**answer, "align": "center"}),
        "share": make({**answer, "num_format": "0%", "align": "center"}),
        "date": make({**answer, "num_format": "dd.mm.yyyy", "align": "center"}),
        "time": make({**answer, "num_format": "[hh]:mm", "align": "center"}),
        "input": make({**answer}),
        "group_input": make({**answer, "num_format": "0%", "bold": True, "align": "center"}),
        "grid_input": make({**answer, "num_format": "0%", "align": "center"}),
        "grid_count": make({**answer, "align": "center"}),
        "good": make({"bg_color": "#CDEBD3", "font_color": "#1D5B2B"}),
        "warn": make({"bg_color": "#FCE9B8", "font_color": "#7A5200"}),
        "bad": make({"bg_color": "#F6C9C4", "font_color": "#8B1F14"}),
        "off": make({"bg_color": "#F0F0F0", "font_color": "#F0F0F0"}),
    }


_ANSWER_FORMAT = {
    "text": "text",
    "list": "text",
    "number": "number",
    "int": "number",
    "share": "share",
    "date": "date",
    "time": "time",
    "code": "code",
    "yesno": "code",
    "yesnopartly": "code",
}


# ---- values and rules of one cell


def _absent(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)) or value == ()


def _put(form: _Form, sheet: Any, row: int, col: int, column: Column, value: Any, style: str | None = None) -> None:
    """Write one answer in the way the person filling the form would have entered it."""
    format_ = form.formats[style or _ANSWER_FORMAT[column.kind]]
    if _absent(value):
        sheet.write_blank(row, col, None, format_)
    elif column.kind == "date":
        stamp = pd.Timestamp(value)
        sheet.write_datetime(row, col, dt.datetime(stamp.year, stamp.month, stamp.day), format_)
    elif column.kind == "time":
        sheet.write_number(row, col, float(value) / 1440, format_)
    elif column.kind == "list":
        sheet.write_string(row, col, "; ".join(value), format_)
    elif column.kind == "yesno":
        sheet.write_string(row, col, form.shown(column, "yes" if value else "no"), format_)
    elif column.kind in ("code", "yesnopartly"):
        sheet.write_string(row, col, form.shown(column, str(value)), format_)
    elif column.kind == "text":
        sheet.write_string(row, col, str(value), format_)
    else:
        sheet.write_number(row, col, float(value), format_)


def _offered(form: _Form, labels: Sequence[str]) -> str:
    """Put a list of labels on the sheet of lists (once) and return the range that a drop-down list points to."""
    key = tuple(labels)
    if key not in form.lists:
        col = len(form.lists) + 1
        form.lists[key] = f"='{form.words['lists']}'!{xl_range_abs(0, col, len(key) - 1, col)}"
    return form.lists[key]


def _rule(form: _Form, column: Column) -> dict[str, Any] | None:
    """What Excel itself refuses in a cell of this column."""
    w = form.words
    low, high = column.low, column.high
    stop = {"error_title": w["title"][:32], "ignore_blank": True}
    if column.person:
        # A person who is not on the sheet yet may be added later: warn, do not refuse.
        return {
            "validate": "list",
            "source": _people_range(form),
            "error_type": "warning",
            "error_message": w["warn_list"],
            **stop,
        }
    if column.kind in ("code", "yesno", "yesnopartly"):
        labels = [form.shown(column, code) for code in options(column)]
        return {"validate": "list", "source": _offered(form, labels), "error_message": w["warn_list"], **stop}
    if column.kind == "share":
        return {
            "validate": "decimal",
            "criteria": "between",
            "minimum": 0,
            "maximum": 1,
            "error_message": w["warn_share"],
            **stop,
        }
    if column.kind in ("number", "int"):
        kind = "integer" if column.kind == "int" else "decimal"
        if low is not None and high is not None:
            return {
                "validate": kind,
                "criteria": "between",
                "minimum": low,
                "maximum": high,
                "error_message": f"{w['warn_number']}: {low:g}–{high:g}",
                **stop,
            }
        return {
            "validate": kind,
            "criteria": ">=",
            "value": low or 0,
            "error_message": f"{w['warn_number']} ≥ {low or 0:g}",
            **stop,
        }
    if column.kind == "date":
        return {
            "validate": "date",
            "criteria": "between",
            "minimum": dt.date(1980, 1, 1),
            "maximum": dt.date(2100, 12, 31),
            "error_message": w["warn_date"],
            **stop,
        }
    if column.kind == "time":
        return {
            "validate": "decimal",
            "criteria": "between",
            "minimum": 0,
            "maximum": 1,
            "error_message": w["warn_time"],
            **stop,
        }
    return None


# ---- persons


def _people_range(form: _Form) -> str:
    first, area = "$A$1", f"$A$1:$A${form.staff_rows}"
    lists = f"'{form.words['lists']}'!"
    # Only as long as there are persons: nobody scrolls through blank lines.
    return f'=OFFSET({lists}{first},0,0,MAX(1,COUNTIF({lists}{area},"?*")),1)'


def _person_label(person: Row) -> str:
    name = person.get("name")
    return str(person["person"]) if _absent(name) else f"{person['person']} — {name}"


def _known(form: _Form, row: int) -> str:
    """Formula part: whether this row of the staff sheet holds anybody (the code alone is filled in beforehand)."""
    return f"COUNTA({form.ref('staff', f'$B${row + 1}:$D${row + 1}')})=0"


def _list_people(form: _Form, hidden: Any) -> None:
    for i in range(form.staff_rows):
        row = FIRST + i
        code, name = form.ref("staff", f"$A${row + 1}"), form.ref("staff", f"$B${row + 1}")
        value = _person_label(form.people[i]) if i < len(form.people) else ""
        hidden.write_formula(i, 0, f'=IF({_known(form, row)},"",IF({name}="",{code},{code}&" — "&{name}))', None, value)


# ---- sheets


def _headings(form: _Form, sheet: Any, table: str, columns: Sequence[tuple[str, str, str, float]]) -> None:
    """Write labels with their notes, and the hidden row of machine keys: (label, note, key, width) per column."""
    f = form.formats
    longest = 0.0
    for col, (label, note, key, width) in enumerate(columns):
        if note:
            sheet.write_rich_string(0, col, f["head_bold"], label, f["head_note"], f"\n{note}", f["head"])
        elif label:
            sheet.write_string(0, col, label, f["head"])
        sheet.set_column(col, col, width)
        # Lines the label takes in bold 10, and the note in 8 points, at about one letter a unit of width.
        longest = max(longest, 13 * math.ceil(1.1 * len(label) / width) + 11 * math.ceil(len(note) / (1.15 * width)))
        if key:
            sheet.write_string(1, col, key, f["key"])
    sheet.set_row(0, max(28.0, longest + 6))
    sheet.set_row(1, None, None, {"hidden": True})


def _note(table: str, key: str, lang: Lang) -> str:
    return str(form_words()["sheets"][table]["notes"].get(key, {}).get(lang, ""))


def _label(column: Column, lang: Lang) -> str:
    return (column.ru if lang == "ru" else column.en) + (" *" if column.required else "")


@dataclass(frozen=True)
class _State:
    """How far a sheet is: a formula for the instructions, its value now, whether anything is there."""

    formula: str
    value: str


def _write_table(form: _Form, spec: TableSpec) -> _State:
    """Write a sheet of rows: one column per key, a list of codes as one column to tick per code."""
    sheet = form.sheets[spec.name]
    given = form.rows(spec.name)
    ready = _prefill(form, spec) if not given else []
    body = given or ready
    total = max(int(form_words()["sheets"][spec.name]["rows"]), len(body) + (0 if spec.name == "self_check" else 10))
    if spec.name == "staff":
        total = form.staff_rows
    heads: list[tuple[str, str, str, float]] = []
    tick = Column("tick", "yesno", "", "")
    col = 0
    count_col = 0
    hidden: list[int] = []
    for column in spec.columns:
        note = _note(spec.name, column.key, form.lang)
        if column.key == _HEADS.get(spec.name):
            count_col = col
        if column.kind == "list" and column.codes:
            for i, code in enumerate(options(column)):
                label = options(column)[code].get(form.lang)
                heads.append((label[:1].upper() + label[1:], note if i == 0 else "", f"{column.key}:{code}", 15))
                for r in range(total):
                    ticked = r < len(body) and code in (body[r].get(column.key) or ())
                    _put(form, sheet, FIRST + r, col, tick, True if ticked else None)
                sheet.data_validation(
                    FIRST,
                    col,
                    FIRST + total - 1,
                    col,
                    {"validate": "list", "source": [form.words["yes"]], "error_message": form.words["warn_list"]},
                )
                col += 1
            continue
        heads.append((_label(column, form.lang), note, column.key, _width(column)))
        if column.key in MOVED.get(spec.name, ()) and not any(not _absent(r.get(column.key)) for r in body):
            hidden.append(col)
        for r in range(total):
            value = body[r].get(column.key) if r < len(body) else None
            if column.person and value is not None:
                value = _person_shown(form, value)
            _put(form, sheet, FIRST + r, col, column, value)
        # A list of calls is pasted from the CRM: its persons may be logins.
        rule = None if spec.name == "touches" and column.person else _rule(form, column)
        if rule is not None:
            sheet.data_validation(FIRST, col, FIRST + total - 1, col, rule)
        col += 1
    if ready:
        sheet.write_string(1, col, PREFILLED_MARK, form.formats["key"])
    _headings(form, sheet, spec.name, heads)
    for k in hidden:
        sheet.set_column(k, k, heads[k][3], None, {"hidden": True})
    sheet.freeze_panes(FIRST, 1)
    area = xl_range_abs(FIRST, count_col, FIRST + total - 1, count_col)
    filled = sum(not _absent(r.get(spec.columns[0].key if not ready else "")) for r in body)
    if spec.name in _HEADS:
        filled = sum(not _absent(r.get(_HEADS[spec.name])) for r in body)
    return _counted(form, spec.name, area, filled)


def _width(column: Column) -> float:
    if column.person:
        return 26
    return {"role": 46, "role2": 30, "from_role": 46, "to_role": 46, "function": 58, "process": 52, "trigger": 36}.get(
        column.key, _WIDTHS[column.kind]
    )


def _person_shown(form: _Form, code: str) -> str:
    return next((_person_label(p) for p in form.people if p["person"] == code), code)


def _prefill(form: _Form, spec: TableSpec) -> list[Row]:
    """What the blank form fills in beforehand so that nobody has to invent it."""
    if spec.name == "staff":
        return [{"person": f"P{i + 1:02d}"} for i in range(SPARE_PERSONS)]
    if spec.name == "handoffs":
        return [{"from_role": a, "to_role": b} for a, b in PREFILLED_HANDOFFS]
    if spec.name == "processes":
        return [{"process": code} for code in method().services]
    if spec.name == "pay":
        return [{"role": code} for code, role in method().roles.items() if role.paid_for is not None]
    return []


def _counted(form: _Form, table: str, area: str, filled: int) -> _State:
    w = form.words
    count = f"COUNTA({form.ref(table, area)})"
    return _State(
        f'=IF({count}=0,"{w["empty"]}","{w["rows"]}: "&{count})', f"{w['rows']}: {filled}" if filled else w["empty"]
    )


def _write_company(form: _Form, spec: TableSpec) -> _State:
    """Write the company sheet: one question per row; the key stands in a hidden column."""
    sheet, w, f = form.sheets["company"], form.words, form.formats
    _headings(
        form,
        sheet,
        "company",
        [
            ("", "", "key", 4),
            (w["key_question"], "", "", 46),
            (w["key_answer"], "", "value", 52),
            (w["key_note"], "", "", 70),
        ],
    )
    answers = dict(form.company.company) if form.company is not None else {}
    for i, column in enumerate(COMPANY_KEYS):
        row = FIRST + i
        sheet.write_string(row, 0, column.key, f["key"])
        sheet.write_string(row, 1, _label(column, form.lang), f["cell_wrap"])
        _put(form, sheet, row, 2, column, answers.get(column.key))
        sheet.write_string(row, 3, _note("company", column.key, form.lang), f["note"])
        sheet.set_row(row, 30)
        rule = _rule(form, column)
        if rule is not None:
            sheet.data_validation(row, 2, row, 2, rule)
    sheet.set_column(0, 0, 4, None, {"hidden": True})
    sheet.set_column(2, 2, 52)
    sheet.freeze_panes(FIRST, 2)
    count = f"COUNTA({form.ref('company', xl_range_abs(FIRST, 2, FIRST + len(COMPANY_KEYS) - 1, 2))})"
    tail = f" {w['of']} {len(COMPANY_KEYS)}"
    return _State(f'=IF({count}=0,"{w["empty"]}",{count}&"{tail}")', f"{len(answers)}{tail}" if answers else w["empty"])


def _write_self_check(form: _Form, spec: TableSpec) -> _State:
    """Write the eight questions; the answer is chosen beside each."""
    sheet, w, f = form.sheets["self_check"], form.words, form.formats
    answer = spec.column("answer")
    assert answer is not None
    _headings(
        form,
        sheet,
        "self_check",
        [
            ("№", "", "question", 6),
            (w["key_question"], "", "", 90),
            (_label(answer, form.lang), _note("self_check", "answer", form.lang), "answer", 26),
        ],
    )
    given = {int(r["question"]): r["answer"] for r in form.rows("self_check")}
    questions = method().self_check
    for i, (number, question) in enumerate(questions.items()):
        sheet.write_number(FIRST + i, 0, int(number), f["cell"])
        sheet.write_string(FIRST + i, 1, question.name.get(form.lang), f["cell_wrap"])
        _put(form, sheet, FIRST + i, 2, answer, given.get(int(number)))
        sheet.set_row(FIRST + i, 30)
    last = FIRST + len(questions) - 1
    rule = _rule(form, answer)
    assert rule is not None
    sheet.data_validation(FIRST, 2, last, 2, rule)
    sheet.write_string(1, 3, PREFILLED_MARK, f["key"])
    sheet.freeze_panes(FIRST, 0)
    return _counted(form, "self_check", xl_range_abs(FIRST, 2, last, 2), len(given))


def _write_staff(form: _Form, spec: TableSpec) -> _State:
    """Write the staff sheet with, beside each person, whether the time on the next sheet adds up."""
    sheet, w, f = form.sheets["staff"], form.words, form.formats
    _write_table(form, spec)
    end = FIRST + form.staff_rows - 1
    col = len(spec.columns) + 1  # a column further: the mark of prefilled rows stands next to the last key
    sheet.write_string(0, col, w["time_check"], f["head"])
    sheet.set_column(col, col, 14)
    sheet.set_column(col - 1, col - 1, 2)
    if _grid_fits(form):
        sums = _time_sums(form)
        for i in range(form.staff_rows):
            cell = form.ref("time", xl_rowcol_to_cell(_SUM_ROW, _PERSON_COL + i))
            total = sums.get(str(form.people[i]["person"]), 0.0) if i < len(form.people) else None
            sheet.write_formula(
                FIRST + i, col, f'=IF({_known(form, FIRST + i)},"",{cell})', f["sum"], "" if total is None else total
            )
        _lights(form, sheet, FIRST, col, end, col, xl_rowcol_to_cell(FIRST, col))
    codes = xl_range_abs(FIRST, 0, end, 0)
    sheet.conditional_format(
        FIRST, 0, end, 0, {"type": "formula", "criteria": f"=COUNTIF({codes},$A{FIRST + 1})>1", "format": f["bad"]}
    )
    sheet.conditional_format(
        FIRST,
        3,
        end,
        3,
        {
            "type": "formula",
            "criteria": f'=AND(COUNTA($B{FIRST + 1}:$C{FIRST + 1})>0,$D{FIRST + 1}="")',
            "format": f["warn"],
        },
    )
    return _counted(form, "staff", xl_range_abs(FIRST, 3, end, 3), sum(not _absent(p["role"]) for p in form.people))


def _lights(form: _Form, sheet: Any, r0: int, c0: int, r1: int, c1: int, cell: str) -> None:
    """Traffic light for sums of shares: green when 1 ± 0.02, amber when nothing is filled, red otherwise."""
    area = (r0, c0, r1, c1)
    # The tolerance is the reader's; the thousandth covers decimal fractions that binary sums miss.
    near = f"ABS({cell}-1)<=0.0201"
    for criteria, light in (
        (f'={cell}=""', None),
        (f"={near}", "good"),
        (f"={cell}=0", "warn"),
        (f"=NOT({near})", "bad"),
    ):
        rule: dict[str, Any] = {"type": "formula", "criteria": criteria, "stop_if_true": True}
        if light:
            rule["format"] = form.formats[light]
        sheet.conditional_format(*area, rule)


# ---- the grid of time

_SUM_ROW, _STATE_ROW, _ROLE_ROW, _CONFIDENCE_ROW, _GRID_ROW = 2, 3, 4, 5, 6
_PERSON_COL = 2
_FUNCTION_WIDTH = 56


def _grid_functions() -> list[tuple[str, Text, bool]]:
    """Rows of the grid: code, name, whether it is a whole group."""
    m = method()
    out = []
    for group in m.groups.values():
        out.append((group.code, group.name, True))
        out.extend((code, m.functions[code].name, False) for code in m.functions_of(group.code))
    return out


def _grid_fits(form: _Form) -> bool:
    """Whether the given answers lose nothing in the grid, which has one confidence per person."""
    codes = {str(p["person"]) for p in form.people}
    confidence: dict[str, set[float | None]] = {}
    for row in form.rows("time"):
        if row["person"] not in codes:
            return False
        value = None if _absent(row["confidence"]) else float(row["confidence"])
        confidence.setdefault(str(row["person"]), set()).add(value)
    return all(len(v) == 1 for v in confidence.values())


def _time_sums(form: _Form) -> dict[str, float]:
    sums: dict[str, float] = {}
    for row in form.rows("time"):
        sums[str(row["person"])] = sums.get(str(row["person"]), 0.0) + float(row["share"])
    return sums


def _write_time(form: _Form, spec: TableSpec) -> _State:
    """Write the grid: functions down, persons across; names, roles and codes come from the staff sheet by formula."""
    if not _grid_fits(form):
        return _write_table(form, spec)
    sheet, w, f = form.sheets["time"], form.words, form.formats
    functions = _grid_functions()
    last_row, last_col = _GRID_ROW + len(functions) - 1, _PERSON_COL + form.staff_rows - 1
    note = " ".join(_note("time", k, form.lang) for k in ("share", "function"))
    sheet.write_rich_string(0, 1, f["head_bold"], w["time_function"], f["head_note"], f"\n{note}", f["head"])
    sheet.set_row(0, 92)
    sheet.write_string(1, 0, "function", f["key"])
    sheet.set_row(1, None, None, {"hidden": True})
    sheet.set_column(0, 0, 4, None, {"hidden": True})
    sheet.set_column(1, 1, _FUNCTION_WIDTH)
    sheet.set_column(_PERSON_COL, last_col, 10)
    for row, label in ((_SUM_ROW, w["time_sum"]), (_STATE_ROW, w["time_state"]), (_ROLE_ROW, w["time_role"])):
        sheet.write_string(row, 1, label, f["group"])
    sheet.set_row(_STATE_ROW, 24)
    sheet.write_string(_CONFIDENCE_ROW, 0, "confidence", f["key"])
    sheet.write_string(_CONFIDENCE_ROW, 1, w["time_confidence"], f["group"])
    shares = {(str(r["person"]), str(r["function"])): float(r["share"]) for r in form.rows("time")}
    sure = {str(r["person"]): r["confidence"] for r in form.rows("time")}
    sums = _time_sums(form)
    share, confidence = spec.column("share"), spec.column("confidence")
    assert share is not None and confidence is not None
    for i, (code, name, whole) in enumerate(functions):
        sheet.write_string(_GRID_ROW + i, 0, code, f["key"])
        text = name.get(form.lang)
        sheet.write_string(
            _GRID_ROW + i,
            1,
            f"{text.upper()} ({w['time_whole']})" if whole else text,
            f["group" if whole else "indent"],
        )
        lines = math.ceil(1.05 * len(text) / _FUNCTION_WIDTH)
        if lines > 1:
            sheet.set_row(_GRID_ROW + i, 13.5 * lines + 1)
    for i in range(form.staff_rows):
        col = _PERSON_COL + i
        letter = xl_col_to_name(col)
        person = form.people[i] if i < len(form.people) else None
        code = str(person["person"]) if person else ""
        _person_heading(form, sheet, col, FIRST + i, person)
        area = f"{letter}{_GRID_ROW + 1}:{letter}{last_row + 1}"
        total = sums.get(code, 0.0)
        sheet.write_formula(_SUM_ROW, col, f'=IF({letter}$2="","",SUM({area}))', f["sum"], total if person else "")
        sheet.write_formula(
            _STATE_ROW, col, _state_formula(form, letter), f["state"], _state_now(form, total) if person else ""
        )
        _put(form, sheet, _CONFIDENCE_ROW, col, confidence, sure.get(code), "grid_count")
        for j, (function, _, whole) in enumerate(functions):
            style = "group_input" if whole else "grid_input"
            _put(form, sheet, _GRID_ROW + j, col, share, shares.get((code, function)), style)
    rule = _rule(form, share)
    assert rule is not None
    sheet.data_validation(_GRID_ROW, _PERSON_COL, last_row, last_col, rule)
    sheet.data_validation(
        _CONFIDENCE_ROW,
        _PERSON_COL,
        _CONFIDENCE_ROW,
        last_col,
        {"validate": "list", "source": [1, 2, 3], "error_message": w["warn_list"]},
    )
    _grid_colours(form, sheet, last_row, last_col)
    sheet.freeze_panes(_GRID_ROW, _PERSON_COL)
    shown = len(form.people) or BLANK_PRINTED
    form.printed["time"] = (last_row, _PERSON_COL + shown - 1)
    heads = form.ref("time", xl_range_abs(1, _PERSON_COL, 1, last_col))
    states = form.ref("time", xl_range_abs(_STATE_ROW, _PERSON_COL, _STATE_ROW, last_col))
    ready = sum(abs(s - 1) <= 0.0201 for s in sums.values())
    return _State(
        f'=IF(COUNTIF({heads},"?*")=0,"{w["empty"]}","{w["people_ready"]} "&COUNTIF({states},"{w["time_good"]}")'
        f'&" {w["of"]} "&COUNTIF({heads},"?*"))',
        f"{w['people_ready']} {ready} {w['of']} {len(form.people)}" if form.people else w["empty"],
    )


def _person_heading(form: _Form, sheet: Any, col: int, row: int, person: Row | None) -> None:
    f = form.formats
    code, name, role = (form.ref("staff", f"${c}${row + 1}") for c in "ABD")
    blank = _known(form, row)
    shown = role_shown = value = ""
    if person is not None:
        value = str(person["person"])
        shown = value if _absent(person["name"]) else str(person["name"])
        role_shown = "" if _absent(person["role"]) else str(person["role"])
    sheet.write_formula(0, col, f'=IF({blank},"",IF({name}="",{code},{name}))', f["person"], shown)
    sheet.write_formula(1, col, f'=IF({blank},"",{code}&"")', f["key"], value)
    sheet.write_formula(
        _ROLE_ROW, col, f'=IF({blank},"",IFERROR(LEFT({role},FIND(" — ",{role})-1),{role}&""))', f["state"], role_shown
    )


def _state_formula(form: _Form, letter: str) -> str:
    w, total = form.words, f"{letter}${_SUM_ROW + 1}"
    return (
        f'=IF({letter}$2="","",IF({total}=0,"{w["time_empty"]}",IF(ABS({total}-1)<=0.0201,"{w["time_good"]}",'
        f'IF({total}<1,"{w["time_short"]}"&ROUND(100*(1-{total}),0)&" %",'
        f'"{w["time_over"]}"&ROUND(100*({total}-1),0)&" %"))))'
    )


def _state_now(form: _Form, total: float) -> str:
    w = form.words
    if total == 0:
        return str(w["time_empty"])
    if abs(total - 1) <= 0.0201:
        return str(w["time_good"])
    return f"{w['time_short' if total < 1 else 'time_over']}{round(100 * abs(1 - total))} %"


def _grid_colours(form: _Form, sheet: Any, last_row: int, last_col: int) -> None:
    first = xl_col_to_name(_PERSON_COL)
    nobody = {"type": "formula", "criteria": f'={first}$2=""', "format": form.formats["off"], "stop_if_true": True}
    sheet.conditional_format(_SUM_ROW, _PERSON_COL, last_row, last_col, nobody)
    _lights(form, sheet, _SUM_ROW, _PERSON_COL, _STATE_ROW, last_col, f"{first}${_SUM_ROW + 1}")
    # A group and its rows both filled is allowed, but usually the same hours twice.
    functions = _grid_functions()
    for i, (_, _, whole) in enumerate(functions):
        if whole:
            end = next((j for j in range(i + 1, len(functions)) if functions[j][2]), len(functions)) - 1
            top, below, bottom = _GRID_ROW + i, _GRID_ROW + i + 2, _GRID_ROW + end + 1
            sheet.conditional_format(
                top,
                _PERSON_COL,
                top,
                last_col,
                {
                    "type": "formula",
                    "criteria": f"=AND({first}{top + 1}>0,SUM({first}{below}:{first}{bottom})>0)",
                    "format": form.formats["warn"],
                },
            )


# ---- finishing


def _finish(form: _Form, table: str) -> None:
    """Colour the tab by need, protect what is not an answer, set up printing."""
    sheet = form.sheets[table]
    need = form_words()["sheets"][table]["need"]
    sheet.set_tab_color({"required": "#B3261E", "recommended": "#1F5A7A", "optional": "#9AA3AE"}[need])
    sheet.protect("", {"format_columns": True, "format_rows": True, "select_locked_cells": True})
    sheet.set_paper(9)
    sheet.set_margins(0.4, 0.4, 0.5, 0.5)
    if table in form.printed:
        sheet.print_area(0, 0, *form.printed[table])
        sheet.fit_to_pages(0, 1)
        sheet.repeat_columns(0, _PERSON_COL - 1)
    else:
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
    sheet.hide_gridlines(2)


def _write_instructions(form: _Form, sheet: Any, states: dict[str, _State]) -> None:
    """Write sheet one: how to fill the form in, what each sheet asks, how far each is, what the colours mean."""
    w, f = form.words, form.formats
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 70)
    sheet.set_column(2, 2, 34)
    sheet.set_column(3, 4, 14)
    sheet.set_column(5, 5, 20)
    sheet.write_string(0, 0, w["title"], f["title"])
    sheet.set_row(0, 30)
    row = 1
    for text in (w["intro"], *(f"{i}. {s}" for i, s in enumerate(w["steps"], 1)), w["privacy"]):
        sheet.merge_range(row, 0, row, 5, text, f["wrap"])
        sheet.set_row(row, 30 if len(text) > 150 else 17)
        row += 1
    row += 1
    for col, key in enumerate(("sheet", "what", "who", "minutes", "need", "state")):
        sheet.write_string(row, col, w[key], f["head"])
    first = row + 1
    minutes = 0
    for table in TABLES:
        row += 1
        words = form_words()["sheets"][table]
        title = form.title(table)
        sheet.write_url(row, 0, f"internal:'{title}'!A1", f["link"], title)
        sheet.write_string(row, 1, words[form.lang]["what"], f["cell_wrap"])
        sheet.write_string(row, 2, words[form.lang]["who"], f["cell_wrap"])
        sheet.write_number(row, 3, words["minutes"], f["cell"])
        sheet.write_string(row, 4, w[words["need"]], f["cell"])
        state = states[table]
        sheet.write_formula(row, 5, state.formula, f["cell"], state.value)
        sheet.set_row(row, 30 if len(words[form.lang]["what"]) > 72 else 17)
        minutes += 0 if words["need"] == "optional" else words["minutes"]
    blank = f'$F{first + 1}="{w["empty"]}"'
    for criteria, light in (
        (f'=AND({blank},$E{first + 1}="{w["required"]}")', "bad"),
        (f'=AND({blank},$E{first + 1}="{w["recommended"]}")', "warn"),
        (f"=NOT({blank})", "good"),
    ):
        sheet.conditional_format(
            first, 5, row, 5, {"type": "formula", "criteria": criteria, "format": f[light], "stop_if_true": True}
        )
    row += 1
    sheet.write_string(row, 0, f"{w['total']}: {minutes}", f["base"])
    row += 2
    book = form.book
    for style, key in (
        ("input", "legend_input"),
        ("good", "legend_good"),
        ("warn", "legend_warn"),
        ("bad", "legend_bad"),
    ):
        colours = {"input": "#FFF9DB", "good": "#CDEBD3", "warn": "#FCE9B8", "bad": "#F6C9C4"}
        swatch = book.add_format({"bg_color": colours[style], "border": 1, "border_color": "#C9CED6"})
        sheet.write_blank(row, 0, None, swatch)
        sheet.write_string(row, 1, w[key], f["base"])
        row += 1
    sheet.write_string(row, 0, w["required_mark"], f["base"])
    sheet.protect("", {"format_columns": True, "format_rows": True})
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 1)


_WRITERS: dict[str, Callable[[_Form, TableSpec], _State]] = {
    "company": _write_company,
    "staff": _write_staff,
    "time": _write_time,
    "self_check": _write_self_check,
}
