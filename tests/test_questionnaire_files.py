"""The files a questionnaire comes in: encodings, delimiters, names of tables, workbooks in several shapes, damage."""

from __future__ import annotations

import datetime as dt
import io
import os
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter

from audit.errors import QuestionnaireError
from audit.intake.questionnaire import raw, read_questionnaire
from audit.intake.questionnaire.raw import column_letters
from audit.model.questionnaire import TABLES, Questionnaire
from audit.present.forms_workbook import write_workbook

STAFF = [["person", "name", "role"], ["K1", "Иванов Ёж", "KM"], ["O1", "Петрова", "OP"]]
TIME = [["person", "function", "share"], ["K1", "FARM", "0,45"], ["K1", "OPS_ORDER", "0,55"], ["O1", "OPER", "1"]]


def same(a: Questionnaire, b: Questionnaire) -> None:
    assert dict(a.company) == dict(b.company)
    assert list(a.tables) == list(b.tables)
    for name in a.tables:
        pd.testing.assert_frame_equal(a.tables[name], b.tables[name])


def put(folder: Path, name: str, rows: list[list[str]], mark: str = ";", encoding: str = "utf-8") -> None:
    quoted = [[f'"{c}"' if mark in c or '"' in c else c for c in row] for row in rows]
    (folder / name).write_bytes("\r\n".join(mark.join(r) for r in quoted).encode(encoding))


@pytest.fixture
def plain(tmp_path: Path) -> Questionnaire:
    folder = tmp_path / "plain"
    folder.mkdir()
    put(folder, "staff.csv", STAFF)
    put(folder, "time.csv", TIME)
    return read_questionnaire(folder)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("mark", [";", ",", "\t"])
def test_encodings_and_delimiters(tmp_path: Path, plain: Questionnaire, encoding: str, mark: str) -> None:
    put(tmp_path, "staff.csv", STAFF, mark, encoding)
    put(tmp_path, "time.csv", TIME, mark, encoding)
    same(read_questionnaire(tmp_path), plain)


@pytest.mark.parametrize(
    ("staff", "time_"),
    [
        ("staff.csv", "time.csv"),
        ("Сотрудники.csv", "Время.csv"),
        ("STAFF.TSV", "Time.txt"),
        ("2. Сотрудники.csv", "4 время.csv"),
    ],
)
def test_names_of_tables(tmp_path: Path, plain: Questionnaire, staff: str, time_: str) -> None:
    put(tmp_path, staff, STAFF)
    put(tmp_path, time_, TIME)
    (tmp_path / "readme.md").write_text("ignored", encoding="utf-8")
    (tmp_path / "._staff.csv").write_bytes(b"\0\1")
    q = read_questionnaire(tmp_path)
    same(q, plain)
    assert not q.problems


def test_russian_and_english_headings(tmp_path: Path, plain: Questionnaire) -> None:
    put(tmp_path, "staff.csv", [["Код сотрудника *", "ФИО", "РОЛЬ"], *STAFF[1:]])
    put(tmp_path, "time.csv", [["Person code", "Function or group", "Share of time"], *TIME[1:]])
    same(read_questionnaire(tmp_path), plain)


def test_excels_own_sep_line_and_line_numbers(tmp_path: Path) -> None:
    body = 'sep=;\nperson;name;role\nK1;"Иванов\nв две строки";KM\nK2;Петрова;XX\n'
    (tmp_path / "staff.csv").write_text(body, encoding="utf-8")
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(tmp_path)
    # sep= is line 1, the heading 2, K1 lines 3 and 4, K2 line 5
    assert "staff.csv:5: «XX»" in caught.value.lines("ru")[0]


def test_files_that_are_no_table_are_named(tmp_path: Path) -> None:
    put(tmp_path, "staff.csv", STAFF)
    put(tmp_path, "tmie.csv", [["кто", "сколько"], ["K1", "1"]])
    (problem,) = read_questionnaire(tmp_path).problems
    assert problem.cell == "tmie.csv" and "“Time” (time)" in problem.text.en and not problem.fatal


def test_one_table_in_two_files(tmp_path: Path) -> None:
    put(tmp_path, "staff.csv", STAFF)
    put(tmp_path, "Сотрудники.csv", STAFF)
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(tmp_path)
    assert "Сотрудники.csv: the same table is already in “staff.csv”" in caught.value.lines("en")[0]


def test_digest_follows_the_content(tmp_path: Path) -> None:
    put(tmp_path, "staff.csv", STAFF)
    first = read_questionnaire(tmp_path)
    assert len(first.sha256) == 64 and first.source == tmp_path.name
    os.utime(tmp_path / "staff.csv", (1, 1))
    assert read_questionnaire(tmp_path).sha256 == first.sha256
    put(tmp_path, "staff.csv", [*STAFF, ["K3", "Новый", "KM"]])
    assert read_questionnaire(tmp_path).sha256 != first.sha256


# ---- workbooks


def book(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    with xlsxwriter.Workbook(str(path)) as out:
        date = out.add_format({"num_format": "dd.mm.yyyy"})
        clock = out.add_format({"num_format": "hh:mm"})
        for name, rows in sheets.items():
            sheet = out.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, value in enumerate(row):
                    if isinstance(value, dt.date):
                        sheet.write_datetime(r, c, value, date)
                    elif isinstance(value, dt.time):
                        sheet.write_datetime(r, c, value, clock)
                    elif value is not None:
                        sheet.write(r, c, value)
    return path


def test_a_plain_workbook_with_keys_in_row_one(tmp_path: Path, plain: Questionnaire) -> None:
    time_ = [TIME[0], ["K1", "FARM", 0.45], ["K1", "OPS_ORDER", 0.55], ["O1", "OPER", 1]]
    same(read_questionnaire(book(tmp_path / "q.xlsx", {"staff": STAFF, "time": time_, "мои заметки": [["x"]]})), plain)


def test_typed_cells(tmp_path: Path) -> None:
    path = book(
        tmp_path / "q.xlsx",
        {
            "Сотрудники": [["person", "role", "start", "fte"], [7, "KM", dt.date(2020, 2, 1), 0.5]],
            "Фотография дня": [
                ["person", "date", "start", "end", "function", "interrupted"],
                [7, dt.date(2024, 3, 5), dt.time(9, 5), dt.time(10, 30), "FARM", True],
            ],
            "Ключевые клиенты": [["client_id", "lead", "plan"], [7701234567, 7, 0]],
        },
    )
    q = read_questionnaire(path)
    assert q.table("staff")["person"].tolist() == ["7"]  # not 7.0
    assert q.table("staff")["start"].tolist() == [pd.Timestamp(2020, 2, 1)]
    log = q.table("day_log").iloc[0]
    assert (log["person"], log["start"], log["end"], log["interrupted"]) == ("7", 545.0, 630.0, True)
    key = q.table("key_clients").iloc[0]
    assert (key["client_id"], key["lead"], key["plan"]) == ("7701234567", "7", False)


@pytest.mark.parametrize(
    "grid",
    [
        # functions down, persons across
        [["function", "K1", "O1"], ["FARM", 0.45, None], ["OPS_ORDER", 0.55, None], ["OPER", None, 1]],
        [
            ["Функция или группа", "Иванов Ёж", "o1"],
            ["OPER", None, 1],
            ["ведение", 0.45, None],
            ["OPS_ORDER", 0.55, None],
        ],
        # persons down, functions across
        [["person", "OPER", "FARM", "OPS_ORDER"], ["K1", None, 0.45, 0.55], ["O1", 1, None, None]],
        # per cent
        [["function", "K1", "O1"], ["FARM", 45, None], ["OPS_ORDER", 55, None], ["OPER", None, 100]],
    ],
)
def test_time_as_a_grid(tmp_path: Path, plain: Questionnaire, grid: list[list[object]]) -> None:
    same(read_questionnaire(book(tmp_path / "q.xlsx", {"staff": STAFF, "time": grid})), plain)


def test_confidence_of_a_grid_is_a_row(tmp_path: Path) -> None:
    grid = [["function", "K1", "O1"], ["confidence", 2, None], ["FARM", 0.45, None], ["OPER", 0.55, 1]]
    q = read_questionnaire(book(tmp_path / "q.xlsx", {"staff": STAFF, "time": grid}))
    assert q.table("time")["confidence"].tolist()[:2] == [2.0, 2.0]
    assert pd.isna(q.table("time")["confidence"].tolist()[2])


def test_cells_are_named_by_sheet_and_letter(tmp_path: Path) -> None:
    path = book(
        tmp_path / "q.xlsx",
        {
            "Сотрудники": [["person", "name", "title", "role"], ["K1", "", "", "KM"], ["K2", "", "", "КММ"]],
            "time": [["function", "K1", "К9"], ["FARM", 1, 1]],
        },
    )
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(path)
    text = caught.value.lines("ru")[0]
    assert "Сотрудники!D3: «КММ»" in text
    assert "time!C1: «К9» — такого сотрудника нет" in text


def test_hours_of_nobody_are_not_lost(tmp_path: Path) -> None:
    grid = [["function", "K1", None], ["FARM", 1, 0.3]]
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(book(tmp_path / "q.xlsx", {"staff": STAFF, "time": grid}))
    assert "time!C2: «0.3» — столбец времени без сотрудника" in caught.value.lines("ru")[0]


def test_formula_errors_are_found_where_they_stand(tmp_path: Path) -> None:
    """Readers turn #DIV/0! into an empty cell: the answer would vanish. An empty column on the left moves nothing."""
    path = tmp_path / "q.xlsx"
    with xlsxwriter.Workbook(str(path)) as out:
        sheet = out.add_worksheet("staff")
        sheet.write_row(1, 1, ["person", "role", "fte"])
        sheet.write_row(2, 1, ["K1", "KM"])
        sheet.write_formula(2, 3, "=1/0", None, "#DIV/0!")
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(path)
    assert "staff!D3: «#DIV/0!» — в ячейке ошибка формулы" in caught.value.lines("ru")[0]


def test_a_sheet_without_headings_is_told(tmp_path: Path) -> None:
    path = book(tmp_path / "q.xlsx", {"staff": [["Иванов", "КМ"], ["Петров", "СР"]]})
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(path)
    assert "staff!A1: «Иванов» — нет строки заголовков" in caught.value.lines("ru")[0]


# ---- what cannot be read at all


def refused(path: Path) -> str:
    started = time.monotonic()
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(path)
    assert time.monotonic() - started < 20
    ru, en = caught.value.lines("ru"), caught.value.lines("en")
    assert len(ru) == len(en) == 3 and ru != en
    return "\n".join(en)


def test_missing_wrong_and_empty(tmp_path: Path) -> None:
    assert "Questionnaire not found: none.xlsx" in refused(tmp_path / "none.xlsx")
    (tmp_path / "q.docx").write_bytes(b"x")
    assert "Not a workbook" in refused(tmp_path / "q.docx")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no table" in refused(empty)
    assert "no sheet of the questionnaire" in refused(book(tmp_path / "other.xlsx", {"Лист1": [["x"]]}))


def test_the_blank_form_is_a_questionnaire_that_says_nothing_yet(tmp_path: Path) -> None:
    write_workbook(tmp_path / "blank.xlsx", "ru")
    blank = read_questionnaire(tmp_path / "blank.xlsx")
    assert not blank.tables and not blank.company
    assert blank.problems[-1].text.en.startswith("the questionnaire is not filled in") and not blank.problems[-1].fatal


def test_damaged_workbooks(tmp_path: Path) -> None:
    path = tmp_path / "q.xlsx"
    for body in (b"", b"noise" * 1000, b"PK\x03\x04" + b"\0" * 200, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000):
        path.write_bytes(body)
        assert "cannot be read" in refused(path)
    whole = book(tmp_path / "whole.xlsx", {"staff": STAFF}).read_bytes()
    for cut in (len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:cut])
        assert "cannot be read" in refused(path)


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "MAX_UNPACKED_BYTES", 20 * 2**20)
    source = book(tmp_path / "whole.xlsx", {"staff": STAFF})
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(source) as given, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        for entry in given.infolist():
            out.writestr(entry, given.read(entry))
        with out.open("xl/media/zeros.bin", "w", force_zip64=True) as stream:
            for _ in range(21):
                stream.write(bytes(2**20))
    assert bomb.stat().st_size < 100_000
    assert "too large" in refused(bomb)


def test_one_cell_at_the_far_corner_is_refused(tmp_path: Path) -> None:
    """Readers lay out the whole rectangle up to the last cell: 16 384 × 1 048 576 cells."""
    far = tmp_path / "far.xlsx"
    with xlsxwriter.Workbook(str(far)) as out:
        sheet = out.add_worksheet("staff")
        sheet.write_row(0, 0, ["person", "role"])
        sheet.write(1_048_575, 16_383, "x")
    assert "too large" in refused(far)


def test_many_rows_of_touches_are_read_quickly(tmp_path: Path) -> None:
    out = io.StringIO("person;date;client_id;direction\n")
    out.seek(0, io.SEEK_END)
    for i in range(20_000):
        out.write(f"K1;{1 + i % 28:02d}.02.2024;{i % 500};OUT\n")
    (tmp_path / "touches.csv").write_text(out.getvalue(), encoding="utf-8")
    put(tmp_path, "staff.csv", STAFF)
    started = time.monotonic()
    assert len(read_questionnaire(tmp_path).table("touches")) == 20_000
    assert time.monotonic() - started < 15


def test_column_letters() -> None:
    assert [column_letters(i) for i in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]
    assert set(TABLES) >= {"staff", "time"}
