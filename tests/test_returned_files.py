"""What single persons send back: day logs, time sheets, twice, renamed, damaged; nothing of it counts twice."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from audit.errors import QuestionnaireError
from audit.intake.questionnaire import read_questionnaire
from audit.model.questionnaire import Questionnaire
from audit.model.questionnaire_json import questionnaire_from_json, questionnaire_to_json
from audit.present.forms_workbook import write_workbook
from audit.run.inputs import engagement_inputs

STAFF = "person;name;role\nКМ1;Иванов;KM\nКМ2;Петров;KM\nОП1;Сидорова;OP\n"
HEAD = "person,date,start,end,function,initiator,client,interrupted\n"


def day(person: str, date: str, *slots: tuple[str, str, str]) -> str:
    return "".join(f"{person},{date},{a},{b},{f},IN,,0\n" for a, b, f in slots)


MONDAY = day("КМ1", "2025-11-10", ("09:00", "12:00", "OPS_ORDER"), ("12:00", "13:00", "FARM"))
TUESDAY = day("КМ1", "2025-11-11", ("09:00", "13:00", "OPS_ORDER"))


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_bytes(text.encode("utf-8-sig"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path, "staff.csv", STAFF)
    return tmp_path


def said(q: Questionnaire, file: str) -> str:
    return " | ".join(p.text.en for p in q.problems if p.cell.startswith(file))


@pytest.mark.parametrize(
    "name",
    ["day_log_КМ1.csv", "day_log_КМ1 (2).csv", "Фотография дня_КМ1.csv", "day_log_КМ1.csv.txt", "Документ 7.csv"],
)
def test_a_persons_day_log_is_known_whatever_a_phone_calls_it(folder: Path, name: str) -> None:
    put(folder, name, HEAD + MONDAY + TUESDAY)
    q = read_questionnaire(folder)
    assert len(q.table("day_log")) == 3 and not q.problems
    (came,) = q.returned
    assert (came.file, came.table, came.people, came.rows, came.used) == (name, "day_log", ("КМ1",), 3, 3)
    assert came.days == (dt.date(2025, 11, 10), dt.date(2025, 11, 11))


def test_a_later_file_of_the_same_day_replaces_the_earlier_and_says_so(folder: Path) -> None:
    longer = MONDAY + day("КМ1", "2025-11-10", ("13:00", "14:00", "FARM"))
    put(folder, "day_log_КМ1.csv", HEAD + MONDAY + TUESDAY)
    put(folder, "day_log_КМ1 (1).csv", HEAD + longer)
    q = read_questionnaire(folder)
    log = q.table("day_log")
    assert len(log) == 3 + 1  # the longer Monday, and the Tuesday that only the first file has
    assert "the records (2) are replaced by the later file “day_log_КМ1 (1).csv”" in said(q, "day_log_КМ1.csv")
    by = {r.file: r for r in q.returned}
    assert (by["day_log_КМ1.csv"].used, by["day_log_КМ1.csv"].replaced) == (1, 2)


def test_later_is_told_by_the_name_not_by_the_clock_of_this_computer(folder: Path) -> None:
    put(folder, "day_log_КМ1_2025-11-12_1830.csv", HEAD + TUESDAY)
    put(folder, "day_log_КМ1_2025-11-11_1830.csv", HEAD + day("КМ1", "2025-11-11", ("09:00", "10:00", "FARM")))
    os.utime(folder / "day_log_КМ1_2025-11-12_1830.csv", (1, 1))
    assert list(read_questionnaire(folder).table("day_log")["function"]) == ["OPS_ORDER"]


def test_the_same_file_sent_twice_and_the_same_day_in_two_files_count_once(folder: Path) -> None:
    put(folder, "day_log_КМ1.csv", HEAD + MONDAY)
    put(folder, "day_log_КМ1 (1).csv", HEAD + MONDAY)
    put(folder, "day_log_КМ1 (2).csv", HEAD + MONDAY + TUESDAY)
    q = read_questionnaire(folder)
    assert len(q.table("day_log")) == 3
    assert "the same records were taken from “day_log_КМ1 (2).csv”" in said(q, "day_log_КМ1 (1).csv")
    assert said(q, "day_log_КМ1.csv") == "the same file as “day_log_КМ1 (1).csv”: not counted twice"


def test_rows_that_do_not_fit_are_set_aside_one_by_one(folder: Path) -> None:
    put(
        folder,
        "day_log_КМ1.csv",
        HEAD
        + MONDAY
        + day("КМ1", "2025-11-10", ("12:30", "13:30", "FARM"))  # overlaps 12:00–13:00
        + day("КМ1", "2025-11-11", ("10:00", "09:00", "FARM"))  # ends before it begins
        + day("КМ1", "2025-11-11", ("10:00", "11:00", "TEA"))  # no such function
        + day("КМ9", "2025-11-11", ("10:00", "11:00", "FARM"))  # no such person
        + "КМ1,вчера,10:00,11:00,FARM,IN,,0\n",
    )
    q = read_questionnaire(folder)
    assert len(q.table("day_log")) == 2
    (came,) = q.returned
    assert (came.rows, came.used, came.replaced) == (7, 2, 0)
    wrong = [p for p in q.problems if p.cell.startswith("day_log_КМ1.csv:")]
    assert sorted(p.cell.rsplit(":", 1)[1] for p in wrong) == ["4", "5", "6", "7", "8"]
    assert all(p.text.en.startswith("not taken: ") and not p.fatal for p in wrong)


def test_a_persons_time_replaces_the_column_the_head_filled_in(folder: Path) -> None:
    put(folder, "time.csv", "person;function;share\nКМ1;FARM;1\nОП1;OPER;1\n")
    put(folder, "time_КМ1.csv", "person,function,share\nКМ1,FARM,0.4\nКМ1,OPS_ORDER,0.6\n")
    put(folder, "time_КМ2.csv", "person,function,share\nКМ2,FARM,0.4\nКМ2,OPS_ORDER,0.3\n")
    q = read_questionnaire(folder)
    time = q.table("time").groupby("person")["share"].sum().round(6).to_dict()
    assert time == {"КМ1": 1.0, "ОП1": 1.0}
    assert sorted(q.table("time")["share"]) == [0.4, 0.6, 1.0]
    assert "replaced by the later file “time_КМ1.csv”" in said(q, "time.csv")
    assert "the shares of КМ2 sum to 0.7" in said(q, "time_КМ2.csv")


def test_the_heads_wrong_column_does_not_matter_once_the_person_has_answered(folder: Path) -> None:
    put(folder, "time.csv", "person;function;share\nКМ1;FARM;0.5\n")
    put(folder, "time_КМ1.csv", "person,function,share\nКМ1,FARM,1\n")
    assert list(read_questionnaire(folder).table("time")["share"]) == [1.0]


def test_what_is_no_answer_is_named(folder: Path) -> None:
    put(folder, "day_log_КМ1.html", "<html>")
    put(folder, "фото.jpg", "x")
    put(folder, "day_log_КМ1.xlsx", "no workbook")
    q = read_questionnaire(folder)
    assert "this is the form itself" in said(q, "day_log_КМ1.html")
    assert "pictures and documents are not read" in said(q, "фото.jpg")
    assert "cannot be read" in said(q, "day_log_КМ1.xlsx")


def test_hostile_content_stays_data(folder: Path) -> None:
    bad = '"=cmd|\'/c calc\'!A1",2025-11-10,09:00,10:00,FARM,IN,"<script>alert(1)</script>",0\n'
    put(folder, "day_log_x.csv", HEAD + bad + 'КМ1,2025-11-10,10:00,11:00,FARM,IN,"<b>=1+1</b>",0\n')
    put(folder, "day_log_y.csv", "\0\0,,,\n" + "," * 5000)
    q = read_questionnaire(folder)
    assert list(q.table("day_log")["client"]) == ["<b>=1+1</b>"]
    assert "nobody like that on the sheet" in said(q, "day_log_x.csv")


def test_an_engagement_takes_the_folder_beside_the_workbook(tmp_path: Path) -> None:
    for name in ("orders", "questionnaire"):
        (tmp_path / name).mkdir()
    put(tmp_path / "orders", "o.csv", "дата;клиент;сумма\n")
    write_workbook(tmp_path / "questionnaire.xlsx", "ru")
    put(tmp_path / "questionnaire", "staff.csv", STAFF)
    put(tmp_path / "questionnaire", "day_log_КМ1.csv", HEAD + MONDAY)
    inputs = engagement_inputs(tmp_path)
    assert inputs.questionnaire is not None and inputs.collected == tmp_path / "questionnaire"
    q = read_questionnaire(inputs.questionnaire, inputs.collected)
    assert len(q.table("staff")) == 3 and len(q.table("day_log")) == 2
    assert not [p for p in q.problems if p.fatal]
    again = questionnaire_from_json(json.loads(json.dumps(questionnaire_to_json(q))))
    assert again.returned == q.returned


def test_a_workbook_and_a_folder_with_the_same_answers_count_once(tmp_path: Path) -> None:
    (tmp_path / "questionnaire").mkdir()
    put(tmp_path / "questionnaire", "staff.csv", STAFF)
    put(tmp_path / "questionnaire", "time.csv", "person;function;share\nКМ1;FARM;1\n")
    q = read_questionnaire(tmp_path / "questionnaire")
    write_workbook(tmp_path / "questionnaire.xlsx", "ru", q)
    both = read_questionnaire(tmp_path / "questionnaire.xlsx", tmp_path / "questionnaire")
    assert len(both.table("staff")) == 3
    assert [p.table for p in both.problems] == ["company"]  # its name was not given
    put(tmp_path / "questionnaire", "staff.csv", STAFF.replace("Сидорова;OP", "Сидорова;PM"))
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(tmp_path / "questionnaire.xlsx", tmp_path / "questionnaire")
    assert "keep one of them" in caught.value.lines("en")[0]


FORM = "person;date;start;end;function;initiator;client;interrupted\n"


def form(*days: str, end: str = "13:00", person: str = "КМ1") -> str:
    return FORM + "".join(f"{person};{d};9:00;{end};OPS_ORDER;;;0\n" for d in days)


def dates(q: Questionnaire) -> list[str]:
    return [f"{d:%Y-%m-%d}" for d in q.table("day_log")["date"]] if q.has("day_log") else []


def test_a_file_opened_and_saved_by_a_russian_excel_is_the_same_file(folder: Path) -> None:
    text = form("10.11.2025", "11.11.2025", end="13:00:00")
    (folder / "day_log_КМ1_2025-11-10_2025-11-11.csv").write_bytes(text.replace("\n", "\r\n").encode("cp1251"))
    q = read_questionnaire(folder)
    assert dates(q) == ["2025-11-10", "2025-11-11"] and not q.problems


@pytest.mark.parametrize(
    ("name", "days", "read", "note"),
    [
        ("day_log_КМ1.csv", ("11/13/2025", "11/14/2025"), ["2025-11-13", "2025-11-14"], "month/day/year"),
        ("day_log_КМ1.csv", ("13/11/2025", "14/11/25"), ["2025-11-13", "2025-11-14"], ""),
        ("day_log_КМ1_2025-11-10_2025-11-12.csv", ("11/10/25", "11/12/25"), ["2025-11-10", "2025-11-12"], "month/day"),
        ("day_log_КМ1_2025-11-10_2025-11-12.csv", ("10/11/2025", "12/11/2025"), ["2025-11-10", "2025-11-12"], ""),
        ("Документ.csv", ("11/10/2025", "12/10/2025"), [], "day and month cannot be told apart"),
        ("Документ.csv", ("11/11/2025",), ["2025-11-11"], ""),
    ],
)
def test_day_and_month_of_a_file_saved_by_excel_are_never_guessed(
    folder: Path, name: str, days: tuple[str, ...], read: list[str], note: str
) -> None:
    put(folder, name, form(*days))
    q = read_questionnaire(folder)
    assert dates(q) == read
    assert note in said(q, name) if note else not q.problems


def test_times_as_excel_writes_them_and_an_end_at_midnight(folder: Path) -> None:
    put(
        folder,
        "day_log_КМ1.csv",
        FORM + "КМ1;2025-11-10;9:00:00 AM;12:15:00 PM;FARM;;;0\nКМ1;2025-11-10;10:30 PM;0:00;FARM;;;0\n",
    )
    put(
        folder,
        "day_log_КМ2.csv",
        FORM + "КМ2;2025-11-10;12:00 AM;1:00 am;FARM;;;0\nКМ2;2025-11-10;13:00 PM;14:00;FARM;;;0\n",
    )
    q = read_questionnaire(folder)
    log = q.table("day_log")
    assert log[["start", "end"]].to_numpy().tolist() == [[540, 735], [1350, 1440], [0, 60]]
    assert "a time hh:mm" in said(q, "day_log_КМ2.csv")


def test_a_code_typed_in_the_other_alphabet_is_that_persons_code(folder: Path) -> None:
    put(folder, "day_log_KM1.csv", form("2025-11-10", person="KM1"))  # Latin letters; the sheet has Cyrillic ones
    q = read_questionnaire(folder)
    assert list(q.table("day_log")["person"]) == ["КМ1"] and not q.problems


def test_two_codes_that_look_the_same_are_told_and_not_mixed(folder: Path) -> None:
    put(folder, "staff.csv", STAFF + "KM1;Лебедев;KM\n")
    put(folder, "day_log_KM1.csv", form("2025-11-10", person="KM1"))
    put(folder, "day_log_x.csv", form("2025-11-11", person="Km1"))
    q = read_questionnaire(folder)
    assert "looks the same as “КМ1”" in said(q, "staff.csv")
    assert list(q.table("day_log")["person"]) == ["KM1", "KM1"]


def test_text_copied_into_a_letter_and_lines_that_excel_put_in_quotes(folder: Path) -> None:
    put(folder, "письмо.txt", "Добрый день!\n\nВысылаю свой день.\n" + form("2025-11-10"))
    quoted = FORM + 'КМ2;2025-11-10;9:00;10:00;FARM;;"ООО ""А; Б""";0\n'
    put(folder, "Книга1.csv", "".join('"' + line.replace('"', '""') + '"\n' for line in quoted.splitlines()))
    q = read_questionnaire(folder)
    assert sorted(q.table("day_log")["person"]) == ["КМ1", "КМ2"] and not q.problems
    assert list(q.table("day_log")["client"].dropna()) == ['ООО "А; Б"']


def test_the_second_copy_of_an_apple_device_is_the_later_one(folder: Path) -> None:
    put(folder, "day_log_КМ1_2025-11-10.csv", form("2025-11-10"))
    put(folder, "day_log_КМ1_2025-11-10 2.csv", form("2025-11-10", end="14:00"))
    assert list(read_questionnaire(folder).table("day_log")["end"]) == [840]


def test_a_file_without_records_is_told(folder: Path) -> None:
    put(folder, "day_log_КМ1.csv", FORM)
    assert "no record in the file" in said(read_questionnaire(folder), "day_log_КМ1.csv")
