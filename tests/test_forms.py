"""The papers of a new engagement: what is written can be filled in, recalculated by LibreOffice, and read back."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from audit.errors import Lang, ParameterError, QuestionnaireError
from audit.intake.headers import match_headers
from audit.intake.questionnaire import read_questionnaire
from audit.intake.questionnaire.cells import Bad, parse
from audit.method import method
from audit.model.questionnaire import COMPANY_KEYS, TABLES, Column, Questionnaire, options
from audit.present.forms import (
    new_engagement,
    write_audit_toml,
    write_letter,
    write_order_template,
    write_questionnaire,
)
from audit.present.forms_workbook import MOVED, form_words
from audit.resources import resource_dir
from audit.settings import CANONICAL_FIELDS, READING_ONLY_FIELDS, Settings, load_settings, settings_from_mapping

LANGS: tuple[Lang, ...] = ("ru", "en")
SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
needs_libreoffice = pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not installed")


def frame(table: str, *rows: dict[str, Any]) -> pd.DataFrame:
    """A table as the reader would give it, from the answers that matter."""
    spec, data = TABLES[table], {}
    for c in spec.columns:
        values = [r.get(c.key, c.default) for r in rows]
        if c.kind in ("number", "share", "int", "time"):
            data[c.key] = pd.Series([float("nan") if v is None else float(v) for v in values], dtype="float64")
        elif c.kind == "date":
            data[c.key] = pd.Series([pd.NaT if v is None else pd.Timestamp(v) for v in values], dtype="datetime64[s]")
        elif c.kind == "list":
            data[c.key] = pd.Series([tuple(v or ()) for v in values], dtype=object)
        else:
            data[c.key] = pd.Series(values, dtype=object)
    return pd.DataFrame(data)


def company_of(answers: dict[str, Any]) -> tuple[dict[str, Any], pd.DataFrame]:
    def text(v: Any) -> str:
        return ("yes" if v else "no") if isinstance(v, bool) else f"{v:.10g}" if isinstance(v, float) else str(v)

    return answers, frame("company", *({"key": k, "value": text(v)} for k, v in answers.items()))


def whole() -> Questionnaire:
    """An answer of every kind on every sheet, hostile texts included."""
    company, sheet = company_of(
        {
            "name": 'ООО «Хим & Ко» <script>alert("1")</script>',
            "sale_type": "TC",
            "complexity": 2.0,
            "clients_on_market": 12000.0,
            "project_sales": False,
            "client_profile": "partly",
            "support_sits": "inside",
            "minutes_per_line": 1.5,
            "currency": "RUB",
            "hours_per_month": 164.0,
            "vat_basis": "net",
            "gross_margin_share": 0.237,
        }
    )
    return Questionnaire(
        tables={
            "company": sheet,
            "sale_types": frame("sale_types", {"dimension": "sku_group", "value": "=1+1", "sale_type": "C"}),
            "staff": frame(
                "staff",
                {
                    "person": "K1",
                    "name": "Иванов Ёж И.",
                    "role": "KM",
                    "fte": 1.0,
                    "start": "2020-02-01",
                    "aliases": ("ivanov", "Иванов И. (Менеджер)"),
                    "cost_month": 120000.5,
                },
                {
                    "person": "007",
                    "name": "=HYPERLINK(1)",
                    "role": "OP",
                    "role2": "BO",
                    "fte": 0.5,
                    "reports_to": "K1",
                    "end": "2024-12-31",
                    "hours_month": 80.0,
                },
                {"person": "M3", "title": "Менеджер по продажам", "role": None, "fte": 1.0},
            ),
            "time": frame(
                "time",
                {"person": "K1", "function": "FARM", "share": 0.6, "confidence": 2},
                {"person": "K1", "function": "OPS_ORDER", "share": 0.4, "confidence": 2},
                {"person": "007", "function": "OPER", "share": 0.985},
                {"person": "007", "function": "OV_MEET", "share": 0.0},
            ),
            "day_log": frame(
                "day_log",
                {
                    "person": "K1",
                    "date": "2024-03-05",
                    "start": 545,
                    "end": 630,
                    "function": "OPS_ORDER",
                    "initiator": "IN",
                    "client": "0042",
                    "interrupted": True,
                },
                {
                    "person": "K1",
                    "date": "2024-03-05",
                    "start": 1380,
                    "end": 1440,
                    "function": "OV_WAIT",
                    "interrupted": False,
                },
            ),
            "handoffs": frame(
                "handoffs",
                {"from_role": "TM", "to_role": "SR"},
                {
                    "from_role": "SR",
                    "to_role": "KM",
                    "trigger": "TRG_N_SALES",
                    "k": 3,
                    "form": "GRADUAL",
                    "pack": ("FILE", "PLAN"),
                    "deadline_days": 14,
                    "pay_after": "FADE",
                    "documented": "no",
                },
            ),
            "self_check": frame("self_check", {"question": 1, "answer": "yes"}, {"question": 8, "answer": "unknown"}),
            "key_clients": frame(
                "key_clients",
                {
                    "client_id": "0077",
                    "criterion": "BIG",
                    "influence": True,
                    "lead": "K1",
                    "backup": "007",
                    "file_share": 0.7,
                    "decision_maker_known": False,
                    "contacts": 3,
                    "acquired_by": "Кузнецов",
                    "pay_rate": "lower",
                    "nps": 9,
                    "plan": True,
                    "plan_items": 7,
                    "annual_budget": 1e7,
                },
            ),
            "touches": frame(
                "touches",
                {"person": "007", "date": "2024-01-31", "client_id": "0077", "direction": "OUT", "kind": "звонок"},
            ),
            "processes": frame(
                "processes", {"process": "LOG"}, {"process": "OPS_CLAIM", "owner": "007", "sla_days": 3}
            ),
            "pay": frame(
                "pay",
                {"role": "KM", "fixed_share": 0.6, "pays_for": ("FIRST", "MARGIN")},
                {"role": "BO", "fixed_share": 1.0},
            ),
        },
        company=company,
    )


def same(a: Questionnaire, b: Questionnaire) -> None:
    assert dict(a.company) == dict(b.company)
    assert list(a.tables) == list(b.tables)
    for name in a.tables:
        pd.testing.assert_frame_equal(a.tables[name], b.tables[name])


# ---- the questionnaire


@pytest.mark.parametrize("lang", LANGS)
def test_what_is_written_reads_back_equal(tmp_path: Path, lang: Lang) -> None:
    write_questionnaire(tmp_path / "q.xlsx", lang, whole())
    back = read_questionnaire(tmp_path / "q.xlsx")
    same(whole(), back)
    assert {p.table for p in back.problems} == {"staff", "key_clients"}  # the bare title, the one who left


@pytest.mark.parametrize("lang", LANGS)
def test_confidence_that_differs_within_a_person_is_kept_too(tmp_path: Path, lang: Lang) -> None:
    """The grid has one confidence per person; such answers are written as a long sheet instead."""
    q = whole()
    tables = dict(q.tables)
    tables["time"] = tables["time"].assign(confidence=[1.0, 3.0, float("nan"), 2.0])
    mixed = Questionnaire(tables=tables, company=q.company)
    write_questionnaire(tmp_path / "q.xlsx", lang, mixed)
    same(mixed, read_questionnaire(tmp_path / "q.xlsx"))


def test_partly_filled_answers_stay_partly_filled(tmp_path: Path) -> None:
    some = Questionnaire(tables={k: v for k, v in whole().tables.items() if k in ("staff", "self_check")})
    write_questionnaire(tmp_path / "q.xlsx", "ru", some)
    same(some, read_questionnaire(tmp_path / "q.xlsx"))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), lang=st.sampled_from(LANGS))
def test_any_answers_read_back_equal(tmp_path: Path, data: st.DataObject, lang: Lang) -> None:
    words = st.text("абвЁzx019 .,-«»\"'=+<&", min_size=1, max_size=12).map(lambda s: "a" + s.strip())
    codes = data.draw(st.lists(words, min_size=1, max_size=4, unique_by=lambda s: " ".join(s.casefold().split())))
    codes = [f"{i}{' '.join(c.split())}" for i, c in enumerate(codes)]
    staff, time = [], []
    functions = list(options(TABLES["time"].column("function")))  # type: ignore[arg-type]
    order = {f: i for i, f in enumerate(functions)}
    for code in codes:
        role = data.draw(st.sampled_from(list(method().answers["role"])))
        staff.append({"person": code, "role": role, "fte": data.draw(st.sampled_from([0.25, 0.5, 1.0]))})
        picked = sorted(data.draw(st.lists(st.sampled_from(functions), max_size=5, unique=True)), key=order.__getitem__)
        parts = [data.draw(st.integers(1, 20)) for _ in picked]
        time += [{"person": code, "function": f, "share": p / sum(parts)} for f, p in zip(picked, parts, strict=True)]
    tables = {"staff": frame("staff", *staff)}
    if time:
        tables["time"] = frame("time", *time)
    q = Questionnaire(tables=tables)
    write_questionnaire(tmp_path / "any.xlsx", lang, q)
    same(q, read_questionnaire(tmp_path / "any.xlsx"))


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_questionnaire(tmp_path / f"{name}.xlsx", "ru", whole())
        write_order_template(tmp_path / f"{name}_o.xlsx", "en")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert (tmp_path / "a_o.xlsx").read_bytes() == (tmp_path / "b_o.xlsx").read_bytes()


@pytest.fixture(scope="module")
def blanks(tmp_path_factory: pytest.TempPathFactory) -> dict[Lang, Path]:
    folder = tmp_path_factory.mktemp("blank")
    for lang in LANGS:
        write_questionnaire(folder / f"{lang}.xlsx", lang)
    return {lang: folder / f"{lang}.xlsx" for lang in LANGS}


@pytest.mark.parametrize("lang", LANGS)
def test_the_blank_form_has_the_contracts_sheets_and_keys(blanks: dict[Lang, Path], lang: Lang) -> None:
    book = openpyxl.load_workbook(blanks[lang])
    titles = [t.ru if lang == "ru" else t.en for t in TABLES.values()]
    words = form_words()["book"][lang]
    assert book.sheetnames == [words["instructions"], *titles, words["lists"]]
    assert book[words["lists"]].sheet_state == "hidden"
    for name, title in zip(TABLES, titles, strict=True):
        sheet = book[title]
        assert sheet.row_dimensions[2].hidden and sheet.freeze_panes and sheet.protection.sheet, name
        assert sheet.protection.password is None
        keys = {c.value for c in sheet[2] if c.value and not str(c.value).startswith("=")}
        expected = {c.key for c in TABLES[name].columns}
        if name == "time":
            expected = {"function"}
        for column in TABLES[name].columns:
            if column.kind == "list" and column.codes:  # a column to tick for every answer
                expected = expected - {column.key} | {f"{column.key}:{code}" for code in options(column)}
        assert keys - {"prefilled"} == expected, name
    company = [row[0].value for row in book[titles[0]].iter_rows(min_row=3, max_row=2 + len(COMPANY_KEYS))]
    assert company == [c.key for c in COMPANY_KEYS]
    grid = [row[0].value for row in book[titles[3]].iter_rows(min_row=7)]
    assert grid == list(options(TABLES["time"].column("function")))  # type: ignore[arg-type]


@pytest.mark.parametrize("lang", LANGS)
def test_answers_can_be_typed_and_formulas_cannot(blanks: dict[Lang, Path], lang: Lang) -> None:
    book = openpyxl.load_workbook(blanks[lang])
    _, company, _, staff, grid = (book.worksheets[i] for i in range(5))
    for cell in (company["C3"], staff["A3"], staff["D3"], staff["L42"], grid["C7"], grid["AP70"], grid["C6"]):
        assert not cell.protection.locked, cell.coordinate
    for cell in (company["B3"], grid["C1"], grid["C2"], grid["C3"], grid["C4"], grid["B8"], staff["N3"]):
        assert cell.protection.locked, cell.coordinate
    # names, codes, roles and sums of the grid follow the staff sheet
    for address in ("C1", "C2", "C3", "C4", "C5", "AP1"):
        assert str(grid[address].value).startswith("=")
    assert staff["A3"].value == "P01" and staff["B3"].value is None


@pytest.mark.parametrize("lang", LANGS)
def test_every_code_has_a_dropdown_that_reads_back(blanks: dict[Lang, Path], lang: Lang) -> None:
    book = openpyxl.load_workbook(blanks[lang])
    lists = book[form_words()["book"][lang]["lists"]]
    offered = {tuple(c.value for c in col if c.value is not None) for col in lists.iter_cols(min_col=2)}
    sources = [v.formula1 for s in book.worksheets for v in s.data_validations.dataValidation if v.type == "list"]
    assert len([s for s in sources if s and "OFFSET" in s]) >= 7  # persons
    for spec in TABLES.values():
        for column in spec.columns:
            if column.kind not in ("code", "yesno", "yesnopartly"):
                continue
            wanted: list[Any] = list(options(column))
            if column.kind == "yesno":
                wanted = [code == "yes" for code in wanted]
            assert any(_as_answers(labels, column) == wanted for labels in offered), (spec.name, column.key)


def _as_answers(labels: tuple[Any, ...], column: Column) -> list[Any] | None:
    try:
        return [parse(label, column) for label in labels]
    except Bad:
        return None


def test_every_note_fits_and_exists_in_both_languages() -> None:
    words = form_words()
    assert set(words["book"]["ru"]) == set(words["book"]["en"])
    for name, spec in TABLES.items():
        keys = {c.key for c in (COMPANY_KEYS if name == "company" else spec.columns)}
        notes = words["sheets"][name]["notes"]
        assert set(notes) == keys, name
        assert all(note["ru"] and note["en"] and note["ru"] != note["en"] for note in notes.values())


def _seconds(name: str, answers: Questionnaire) -> float:
    """Count the cells of a sheet that the sample's department has filled: 6 s where one chooses or ticks, 12 s where one types."""
    spec, skipped = (
        TABLES[name],
        {*MOVED.get(name, ()), *(("person", "function", "confidence") if name == "time" else ())},
    )
    if name == "company":
        kinds = {c.key: c for c in COMPANY_KEYS}
        return sum(_of_cell(kinds[k], v) for k, v in answers.company.items())
    rows = answers.table(name).to_dict("records")
    once = 6 * answers.table(name)["person"].nunique() if name == "time" else 0  # how exact, once a person
    return once + sum(
        _of_cell(c, row[c.key])
        for row in rows
        for c in spec.columns
        if c.key not in skipped and row[c.key] is not None and row[c.key] == row[c.key]
    )


def _of_cell(column: Column, value: Any) -> float:
    typed = not column.codes and not column.person and column.kind in ("text", "number", "share", "int", "date", "time")
    return (
        6 * len(value) if isinstance(value, tuple) and column.codes else 12 if typed or isinstance(value, tuple) else 6
    )


def test_stated_minutes_are_those_of_the_cells() -> None:
    """Ten people and twenty key clients; what the count leaves out is reading and recalling, up to 3 minutes more."""
    answers = read_questionnaire(resource_dir("data_samples") / "khimsnab" / "questionnaire")
    people = len(answers.table("staff"))
    scale = {"staff": 10 / people, "time": 10 / people, "key_clients": 20 / len(answers.table("key_clients"))}
    sheets = form_words()["sheets"]
    asked = {name: s["minutes"] for name, s in sheets.items() if s["need"] != "optional"}
    for name, minutes in asked.items():
        assert 0 <= minutes - _seconds(name, answers) * scale.get(name, 1) / 60 <= 3, name
    assert sum(m for name, m in asked.items() if sheets[name]["need"] == "required") == 47  # «some forty-five»
    assert 80 <= sum(asked.values()) <= 90  # «about an hour and a half»


def test_self_check_questions_are_complete() -> None:
    questions = method().self_check
    assert list(questions) == [str(i) for i in range(1, 9)]
    assert all(q.ru.endswith("?") and q.en.endswith("?") for q in questions.values())


# ---- filled in by a program that does not calculate


def fill(blank: Path, path: Path, q: Questionnaire) -> Path:
    """Type answers into the blank form with openpyxl, which saves every formula without a value."""
    book = openpyxl.load_workbook(blank)
    sheets = dict(zip(TABLES, book.worksheets[1:], strict=False))
    rows = {sheets["company"].cell(r, 1).value: r for r in range(3, sheets["company"].max_row + 1)}
    for key, value in q.company.items():
        value = ("yes" if value else "no") if isinstance(value, bool) else value
        sheets["company"].cell(rows[key], 3).value = value
    for name in (t for t in TABLES if t not in ("company", "time") and q.has(t)):
        sheet = sheets[name]
        at = {cell.value: cell.column for cell in sheet[2] if cell.value}
        for i, row in enumerate(q.tables[name].to_dict("records"), 3):
            if name == "self_check":
                i = 2 + int(row["question"])
            for column in TABLES[name].columns:
                value = row[column.key]
                for code in options(column) if column.kind == "list" and column.codes else ():
                    sheet.cell(i, at[f"{column.key}:{code}"]).value = "да" if code in value else None
                if column.key not in at:
                    continue
                if isinstance(value, tuple):
                    value = "; ".join(value) or None
                elif pd.isna(value):
                    value = None
                elif column.kind == "time":
                    value = value / 1440
                elif column.kind == "yesno":
                    value = "да" if value else "нет"
                elif column.kind == "date":
                    value = value.to_pydatetime()
                sheet.cell(i, at[column.key]).value = value
                if isinstance(value, str):
                    sheet.cell(i, at[column.key]).data_type = "s"
    people = q.table("staff")["person"].tolist()
    grid = sheets["time"]
    lines = {grid.cell(r, 1).value: r for r in range(3, grid.max_row + 1)}
    for row in q.table("time").to_dict("records"):
        grid.cell(lines[row["function"]], 3 + people.index(row["person"])).value = row["share"]
        if not pd.isna(row["confidence"]):
            grid.cell(lines["confidence"], 3 + people.index(row["person"])).value = row["confidence"]
    book.save(path)
    return path


@pytest.mark.parametrize("lang", LANGS)
def test_every_sheet_filled_by_a_program_that_does_not_calculate(
    tmp_path: Path, blanks: dict[Lang, Path], lang: Lang
) -> None:
    given = whole()
    back = read_questionnaire(fill(blanks[lang], tmp_path / "q.xlsx", given))
    # TM → SR alone is what the form itself had written there: no answer.
    rules = given.table("handoffs").iloc[[1]].reset_index(drop=True)
    services = given.table("processes").iloc[[1]].reset_index(drop=True)
    same(Questionnaire({**given.tables, "handoffs": rules, "processes": services}, given.company), back)
    told = [p.text.get(lang) for p in back.problems if p.table == "time"]
    assert len(told) == 1 and "C — K1, D — 007" in told[0]


def persons(sheet: Any, *rows: tuple[str | None, str | None, str | None]) -> None:
    """Fill the first rows of the sheet of staff: code (None leaves the form's own), name, role."""
    for i, (code, name, role) in enumerate(rows, 3):
        sheet[f"A{i}"] = code or sheet[f"A{i}"].value
        sheet[f"B{i}"], sheet[f"D{i}"] = name, role


def test_columns_of_time_follow_the_rows_of_the_staff_with_gaps(tmp_path: Path, blanks: dict[Lang, Path]) -> None:
    """Somebody without time between two with it, a row left out: every column still belongs to its own row."""
    book = openpyxl.load_workbook(blanks["ru"])
    staff, grid = book.worksheets[3], book.worksheets[4]
    persons(staff, (None, "Иванов", "KM"), (None, "Без Времени", "ROP"), (None, None, None), ("X9", None, "OP"))
    grid["C8"], grid["F9"] = 1, "1,0"
    book.save(tmp_path / "q.xlsx")
    time = read_questionnaire(tmp_path / "q.xlsx").table("time")
    assert list(zip(time["person"], time["share"], strict=True)) == [("P01", 1.0), ("X9", 1.0)]


def test_shares_beyond_the_staff_are_an_error(tmp_path: Path, blanks: dict[Lang, Path]) -> None:
    book = openpyxl.load_workbook(blanks["ru"])
    staff, grid = book.worksheets[3], book.worksheets[4]
    persons(staff, (None, "Иванов", "KM"))
    grid["C8"], grid["D8"], grid["AP8"], grid["E8"] = 1, 0.4, 1, 0  # nothing but zeros is nobody's time
    book.save(tmp_path / "q.xlsx")
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(tmp_path / "q.xlsx")
    text = "\n".join(caught.value.lines("ru"))
    assert "найдено ошибок: 2" in text
    assert "Время!D8: «0.4» — столбец времени без сотрудника: по порядку это строка 2 списка" in text
    assert "Время!AP8: «1» — столбец времени без сотрудника: по порядку это строка 40 списка" in text


def test_names_typed_above_the_columns_count_and_may_end_the_order(tmp_path: Path, blanks: dict[Lang, Path]) -> None:
    """In the visible row, in any order; a code in the hidden row that contradicts the order is no place to guess."""
    book = openpyxl.load_workbook(blanks["ru"])
    staff, grid = book.worksheets[3], book.worksheets[4]
    persons(staff, (None, "Иванов", "KM"), (None, "Петрова", "OP"))
    grid["C1"], grid["D1"], grid["C8"], grid["D9"] = "Петрова", "P01", 1, 1
    book.save(tmp_path / "q.xlsx")
    time = read_questionnaire(tmp_path / "q.xlsx").table("time")
    assert time["person"].tolist() == ["P01", "P02"]
    assert time["function"].tolist() == [grid["A9"].value, grid["A8"].value]
    grid["C1"], grid["D1"], grid["C2"] = None, None, "P02"
    book.save(tmp_path / "q.xlsx")
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(tmp_path / "q.xlsx")
    assert "Время!D9: «1» — столбец времени без сотрудника: впишите его" in caught.value.lines("ru")[0]


def test_answers_that_are_formulas_without_a_value_are_told(tmp_path: Path, blanks: dict[Lang, Path]) -> None:
    """Readers take them for empty cells: the answers would vanish."""
    book = openpyxl.load_workbook(blanks["ru"])
    staff, grid = book.worksheets[3], book.worksheets[4]
    persons(staff, (None, "Иванов", "KM"), (None, "Петрова", "OP"))
    at = {cell.value: cell.coordinate for cell in staff[2]}
    staff[at["cost_month"].replace("2", "3")] = "=90000*1.3"
    grid["C8"], grid["D8"], grid["D9"], grid["E9"] = "=1/2+1/2", 1, "=0/1", "=1-0.5"
    book.save(tmp_path / "q.xlsx")
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(tmp_path / "q.xlsx")
    text = caught.value.lines("ru")[0]
    assert f"Сотрудники!{at['cost_month'].replace('2', '3')}: «=…» — формула без значения" in text
    assert "Время!C8: «=…» — формула без значения" in text and "(и ещё ячеек: 1)" in text
    assert "Время!E9: «=…» — столбец времени без сотрудника" in text


def test_a_form_with_answers_edited_by_such_a_program(tmp_path: Path) -> None:
    write_questionnaire(tmp_path / "q.xlsx", "en", whole())
    book = openpyxl.load_workbook(tmp_path / "q.xlsx")
    book.save(tmp_path / "edited.xlsx")
    same(whole(), read_questionnaire(tmp_path / "edited.xlsx"))


# ---- LibreOffice


def recalculated(path: Path, folder: Path) -> Path:
    """Open a workbook in LibreOffice, recalculate everything, save it as XLSX again."""
    assert SOFFICE is not None
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True, exist_ok=True)
    # 0: recalculate on load always; without it LibreOffice would keep the values we wrote.
    (profile / "user" / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        '<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">'
        "<value>0</value></prop></item></oor:items>",
        encoding="utf-8",
    )
    out = folder / "saved"
    subprocess.run(
        [
            SOFFICE,
            f"-env:UserInstallation={profile.as_uri()}",
            "--headless",
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
            "--outdir",
            str(out),
            str(path),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    return out / path.name


def error_cells(path: Path) -> list[str]:
    book = openpyxl.load_workbook(path, data_only=True)
    return [
        f"{sheet.title}!{cell.coordinate}"
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "e" or str(cell.value).startswith(("#", "Err:"))
    ]


@needs_libreoffice
@pytest.mark.parametrize("lang", LANGS)
def test_libreoffice_opens_recalculates_and_saves_it_unchanged(tmp_path: Path, lang: Lang) -> None:
    path = tmp_path / "q.xlsx"
    write_questionnaire(path, lang, whole())
    saved = recalculated(path, tmp_path)
    assert error_cells(saved) == []
    same(whole(), read_questionnaire(saved))
    # Every value that we had computed beside a formula is what LibreOffice computes.
    ours, theirs = (openpyxl.load_workbook(p, data_only=True) for p in (path, saved))
    formulas = openpyxl.load_workbook(path)
    compared = 0
    for sheet in formulas.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    continue
                mine = ours[sheet.title][cell.coordinate].value
                other = theirs[sheet.title][cell.coordinate].value
                compared += 1
                if isinstance(mine, float | int) and isinstance(other, float | int):
                    assert mine == pytest.approx(other, abs=1e-12), (sheet.title, cell.coordinate)
                else:
                    assert (mine or None) == (other or None), (sheet.title, cell.coordinate)
    assert compared > 250


@needs_libreoffice
@pytest.mark.parametrize("lang", LANGS)
def test_the_live_checks_of_a_form_being_filled_in(tmp_path: Path, blanks: dict[Lang, Path], lang: Lang) -> None:
    """Two persons: the first has 0.4 + 0.6 = 1, the second 0.9, ten per cent short."""
    book = openpyxl.load_workbook(blanks[lang])
    words = form_words()["book"][lang]
    staff, grid = book.worksheets[3], book.worksheets[4]
    staff["B3"], staff["D3"], staff["B4"], staff["D4"] = "Иванов", "KM — x", "Петрова", "OP — y"
    rows = {grid.cell(r, 1).value: r for r in range(1, grid.max_row + 1)}
    grid.cell(rows["FARM"], 3).value = 0.4
    grid.cell(rows["OPS_ORDER"], 3).value = 0.6
    grid.cell(rows["OPER"], 4).value = 0.9
    filled = tmp_path / "filled.xlsx"
    book.save(filled)
    # Without a program that calculates the persons are taken in order, and the same sum is short.
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(filled)
    assert "«P02» — сумма долей сотрудника P02 равна 0,9" in caught.value.lines("ru")[0]
    saved = recalculated(filled, tmp_path)
    assert error_cells(saved) == []
    result = openpyxl.load_workbook(saved, data_only=True)
    grid, first = result.worksheets[4], result.worksheets[0]
    assert [grid[f"{c}1"].value for c in "CDE"] == ["Иванов", "Петрова", None]
    assert [grid[f"{c}2"].value for c in "CDE"] == ["P01", "P02", None]
    assert [grid[f"{c}3"].value for c in "CDE"] == [1, 0.9, None]
    assert [grid[f"{c}4"].value for c in "CD"] == [words["time_good"], f"{words['time_short']}10 %"]
    assert [grid[f"{c}5"].value for c in "CD"] == ["KM", "OP"]
    states = {row[0].value: row[5].value for row in first.iter_rows(min_row=1, max_col=6)}
    assert states[TABLES["time"].ru if lang == "ru" else TABLES["time"].en] == (
        f"{words['people_ready']} 1 {words['of']} 2"
    )
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(saved)
    text = caught.value.lines("ru")[0]
    assert "найдено ошибок: 1" in text and "!D1: «P02» — сумма долей сотрудника P02 равна 0,9" in text


# ---- the other papers


@pytest.mark.parametrize("lang", LANGS)
def test_headings_of_the_order_template_are_recognised(tmp_path: Path, lang: Lang) -> None:
    write_order_template(tmp_path / "o.xlsx", lang)
    orders, notes = openpyxl.load_workbook(tmp_path / "o.xlsx").worksheets
    headings = [c.value for c in orders[1]]
    plan = match_headers(headings, {})
    assert [c.match.field for c in plan.columns] == list(plan.chosen) and not plan.rivals and not plan.shared
    assert {c.match.how for c in plan.columns} == {"mapped"}
    assert set(plan.chosen) == set(CANONICAL_FIELDS) - {"region", "contact"}
    # Nothing but headings: a forgotten example must never be an order.
    assert orders.max_row == 1
    rows = list(notes.iter_rows(min_row=3, values_only=True))
    assert rows[0][4:6] == (("ПРИМЕР 1", "ПРИМЕР 2") if lang == "ru" else ("EXAMPLE 1", "EXAMPLE 2"))
    assert {r[1] for r in rows[1:]} == set(CANONICAL_FIELDS) - {"region", "contact"}
    if lang == "en":
        assert not re.search("[а-яё]", " ".join(str(v) for r in rows for v in r if v), re.I)


@pytest.mark.parametrize("lang", LANGS)
def test_order_template_as_csv_marks_its_examples(tmp_path: Path, lang: Lang) -> None:
    write_order_template(tmp_path / "o.csv", lang)
    lines = (tmp_path / "o.csv").read_bytes().decode("utf-8-sig").split("\r\n")
    assert len(lines) == 4 and lines[3] == ""
    assert all(line.startswith("ПРИМЕР" if lang == "ru" else "EXAMPLE") for line in lines[1:3])
    assert len({line.count(";") for line in lines[:3]}) == 1


@pytest.mark.parametrize("lang", LANGS)
def test_the_letter(tmp_path: Path, lang: Lang) -> None:
    path = tmp_path / "letter.html"
    period = (dt.date(2023, 1, 1), dt.date(2025, 12, 31))
    write_letter(path, lang, company="АО <b>Заря</b> & К°", period=period, consultant="Мария <script>")
    text = path.read_text(encoding="utf-8")
    assert "АО &lt;b&gt;Заря&lt;/b&gt; &amp; К°" in text and "<script>" not in text
    assert "01.01.2023" in text and "31.12.2025" in text
    assert "http" not in text and "src=" not in text  # no network
    for word in ("1С" if lang == "ru" else "1C", "amoCRM", "24", "152-ФЗ" if lang == "ru" else "confidentiality"):
        assert word in text
    write_letter(path, lang)
    text = path.read_text(encoding="utf-8")
    assert ("последние 36 полных месяцев" if lang == "ru" else "the last 36 full months") in text
    assert ("Тридцать шесть" in text) == (lang == "ru")


def _keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    out = []
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            out += _keys(inner, (*path, name))
        else:
            out.append((*path, name))
    return out


@pytest.mark.parametrize("lang", LANGS)
def test_audit_toml_means_the_defaults_and_names_every_key(tmp_path: Path, lang: Lang) -> None:
    path = tmp_path / "audit.toml"
    write_audit_toml(path, lang)
    read = load_settings(path)
    default = Settings()
    assert read == default.model_copy(update={"inputs": read.inputs, "report": read.report})
    assert read.inputs == default.inputs.model_copy(update={"questionnaire": "questionnaire.xlsx"})
    assert read.report == default.report.model_copy(update={"lang": lang})
    # With every «#» before a key taken away the file is still accepted, and it names every key there is.
    text = re.sub(r"(?m)^#(?=\S)", "", path.read_text(encoding="utf-8"))
    raw = tomllib.loads(text)
    open_settings = settings_from_mapping(raw)
    for section, *rest in _keys(Settings):
        assert section in raw, section
        if rest and section != "corrections":
            assert rest[0] in raw[section], (section, rest)
    assert set(raw["columns"]) == {*CANONICAL_FIELDS, *READING_ONLY_FIELDS}
    assert set(raw["corrections"]["fix"][0]) == {"order_id", "field", "was", "becomes", "reason", "expect"}
    assert set(raw["corrections"]["merge"][0]) == {"client", "into", "reason", "expect"}
    # The thresholds shown are the ones in force.
    thresholds = method().thresholds
    assert set(raw["thresholds"]) == set(thresholds)
    assert thresholds.override(open_settings.thresholds).items == thresholds.items


def test_audit_toml_quotes_what_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    name = 'ООО "Заря" \\ C:\\x\n[inputs]\x7f'
    write_audit_toml(path, "ru", company=name, consultant="М. 'К'", questionnaire="a b.xlsx")
    read = load_settings(path)
    assert (read.company.name, read.report.consultant, read.inputs.questionnaire) == (name, "М. 'К'", "a b.xlsx")


# ---- a new engagement


@pytest.mark.parametrize("lang", LANGS)
def test_new_engagement(tmp_path: Path, lang: Lang) -> None:
    folder = tmp_path / "клиент 1" / "аудит"
    made = new_engagement(folder, lang)
    assert [p.name for p in made] == [
        "orders",
        "audit.toml",
        "questionnaire.xlsx",
        "orders_template.xlsx",
        "letter.html",
    ]
    assert all(p.exists() for p in made) and made[0].is_dir()
    assert load_settings(folder / "audit.toml").report.lang == lang
    assert zipfile.ZipFile(folder / "questionnaire.xlsx").testzip() is None
    # The template stands outside orders/: it is no export.
    assert list((folder / "orders").iterdir()) == []


def test_new_engagement_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "letter.html").write_text("моё", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ParameterError) as caught:
        new_engagement(tmp_path, "ru")
    assert "letter.html" in caught.value.lines("ru")[0] and len(caught.value.lines("en")) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["letter.html", "notes.txt"]
    assert (tmp_path / "letter.html").read_text(encoding="utf-8") == "моё"
    (tmp_path / "letter.html").unlink()
    assert len(new_engagement(tmp_path, "ru")) == 5  # other files do not matter


def test_new_engagement_where_a_file_stands(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("", encoding="utf-8")
    with pytest.raises(ParameterError):
        new_engagement(tmp_path / "x", "en")
    with pytest.raises(ParameterError):
        new_engagement(tmp_path / "x" / "y", "en")


# ---- the sample companies


def _samples() -> list[Path]:
    return sorted((Path(__file__).resolve().parent.parent / "data_samples").glob("*/questionnaire"))


@pytest.mark.parametrize("folder", _samples(), ids=lambda p: p.parent.name)
@pytest.mark.parametrize("lang", LANGS)
def test_each_sample_company_round_trips(tmp_path: Path, folder: Path, lang: Lang) -> None:
    given = read_questionnaire(folder)
    assert given.problems == () and given.has("time")
    write_questionnaire(tmp_path / "q.xlsx", lang, given)
    same(given, read_questionnaire(tmp_path / "q.xlsx"))


@needs_libreoffice
def test_a_sample_company_survives_libreoffice(tmp_path: Path) -> None:
    """Shares with many decimals, long day logs, touches: LibreOffice keeps fifteen digits, the answers stay equal."""
    folder = _samples()[0]
    given = read_questionnaire(folder)
    write_questionnaire(tmp_path / "q.xlsx", "ru", given)
    saved = recalculated(tmp_path / "q.xlsx", tmp_path)
    assert error_cells(saved) == []
    same(given, read_questionnaire(saved))
