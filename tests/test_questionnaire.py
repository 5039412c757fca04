"""Reading the questionnaire: types and spellings, and every problem with its cell, its value, what is allowed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from audit.errors import QuestionnaireError
from audit.intake.questionnaire import read_questionnaire
from audit.intake.questionnaire.cells import Bad, date, minutes, number
from audit.model.questionnaire import TABLES, Questionnaire, names_no_role, options

STAFF = """
person;name;title;role
K1;Иванов И.И.;;KM
K2;Петрова А.С.;;KM
O1;Сидоров П.П.;;OP
"""
TIME = """
person;function;share
K1;OPS_ORDER;0,4
K1;FARM;0,6
O1;OPER;1
"""


@pytest.fixture
def folder(tmp_path: Path):
    """Write tables as CSV files into a folder and return it."""

    def write(**tables: str) -> Path:
        for name, body in tables.items():
            (tmp_path / f"{name}.csv").write_text(body.strip() + "\n", encoding="utf-8")
        return tmp_path

    return write


def fatal(path: Path) -> str:
    """The Russian text of the error that reading must end with."""
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(path)
    assert caught.value.where and caught.value.todo
    return "\n".join(caught.value.lines("ru"))


def notes(q: Questionnaire) -> list[tuple[str, str]]:
    """Cells and English texts of the problems that did not stop the reading."""
    assert not any(p.fatal for p in q.problems)
    return [(p.cell, p.text.en) for p in q.problems]


def test_types_of_every_kind(folder) -> None:
    q = read_questionnaire(
        folder(
            company="key;value\nname;ООО «Хим»\nsale_type;TC\ncomplexity;2\nproject_sales;нет\n"
            "client_profile;частично\n"
            "hours_per_month;165,5\ngross_margin_share;0,25\nclients_on_market;12 000",
            staff="person;name;role;fte;start;end;aliases;cost_month\n"
            "K1;Иванов;KM;0,5;01.02.2020;2024-12-31;ivanov; Иванов И. ;120 000 руб.".replace(
                "ivanov; Иванов И. ", '"ivanov; Иванов И. "'
            ),
            day_log="person;date;start;end;function;interrupted\nK1;05.03.2024;9:05;10:30;OPS_ORDER;да",
        )
    )
    assert q.company == {
        "name": "ООО «Хим»",
        "sale_type": "TC",
        "complexity": 2.0,
        "clients_on_market": 12000.0,
        "project_sales": False,
        "client_profile": "partly",
        "hours_per_month": 165.5,
        "gross_margin_share": 0.25,
    }
    person = q.table("staff").iloc[0]
    assert (person["fte"], person["cost_month"], person["aliases"]) == (0.5, 120000.0, ("ivanov", "Иванов И."))
    assert (person["start"], person["end"]) == (pd.Timestamp(2020, 2, 1), pd.Timestamp(2024, 12, 31))
    assert person["title"] is None and pd.isna(person["hours_month"])
    record = q.table("day_log").iloc[0]
    # 9:05 is 9 × 60 + 5 = 545 minutes after midnight, 10:30 is 630
    assert (record["start"], record["end"], record["interrupted"]) == (545.0, 630.0, True)
    assert q.hours_per_month() == 165.5
    assert not q.problems
    for name, frame in q.tables.items():
        assert list(frame.columns) == [c.key for c in TABLES[name].columns]
    assert str(q.table("staff")["start"].dtype).startswith("datetime64")
    assert str(q.table("staff")["fte"].dtype) == "float64"


def test_a_blank_fte_is_one_and_absent_tables_are_absent(folder) -> None:
    q = read_questionnaire(folder(staff="person;role;fte\nK1;KM;", time="person;function;share\n"))
    assert q.table("staff")["fte"].tolist() == [1.0]
    assert list(q.tables) == ["staff"]
    assert not q.has("time") and list(q.table("time").columns) == ["person", "function", "share", "confidence"]


@pytest.mark.parametrize(
    ("cell", "role"),
    [
        ("KM", "KM"),
        ("km", "KM"),
        ("КМ", "KM"),
        ("Клиентский менеджер", "KM"),
        ("аккаунт-менеджер", "KM"),
        ("KM — клиентский менеджер (КМ): ведёт", "KM"),
        ("МРК", "KM"),
        ("менеджер по сопровождению", "KM"),
        ("СОП", "SOP"),
        ("Специалист офисных продаж", "SOP"),
        ("операционист", "OP"),
        ("Оператор 1С", "OP"),
        ("помощник менеджера", "OP"),
        ("ассистент менеджера", "OP"),
        ("СР", "SR"),
        ("хантер", "SR"),
        ("РОП", "ROP"),
        ("Начальник отдела продаж", "ROP"),
        ("КАМ", "KAM"),
        ("key account manager", "KAM"),
        ("бэк-офис", "BO"),
        ("технолог", "SUP"),
        ("менеджер по продажам «полного цикла»", "UNI"),
        ("Менеджер по закупкам", "PUR"),
        ("ведущий менеджер", "SKM"),
        ("ТМ", "TM"),
        ("client manager", "KM"),
    ],
)
def test_role_words(folder, cell: str, role: str) -> None:
    q = read_questionnaire(folder(staff=f'person;role\nK1;"{cell}"'))
    assert q.table("staff")["role"].tolist() == [role]
    assert not q.problems


@pytest.mark.parametrize(
    "title", ["Менеджер по продажам", "старший менеджер по продажам", "менеджер", "МП", "Sales manager"]
)
def test_a_bare_sales_manager_has_no_role_until_the_client_chooses(folder, title: str) -> None:
    """In the role's cell or, with that empty, in the title: the role is None, the words stay as the title."""
    q = read_questionnaire(folder(staff=f"person;title;role\nM1;;{title}\nM2;{title};\nM3;{title};KM"))
    staff = q.table("staff")
    assert staff["role"].tolist() == [None, None, "KM"]
    assert staff["title"].tolist() == [title, title, title]
    assert all(names_no_role(t) for t in staff["title"])
    assert [p.cell for p in q.problems] == ["staff.csv:2"] and "cells" in q.problems[0].text.en
    assert not q.problems[0].fatal and "UNI" in q.problems[0].text.ru


def test_an_empty_role_is_asked_for_and_the_title_only_hints(folder) -> None:
    text = fatal(folder(staff="person;title;role\nK1;Операционист;"))
    assert "staff.csv:2" in text and "«Роль»" in text and "может быть OP" in text


def test_codes_by_name_synonym_and_lookalike(folder) -> None:
    q = read_questionnaire(
        folder(
            company="Ключ;Значение\nТип продаж;ТС\nГде находится поддержка;в отделе продаж\nvat_basis;с НДС",
            staff=STAFF,
            time="Код сотрудника;Функция или группа;Доля времени\nK1;Обработка заказов: приём, ввод, передача в "
            "обеспечение;0,5\nK1;ops docs;0,2\nK1;операционная работа;0,3",
            handoffs="from_role;to_role;trigger;k;form;pack;pay_after;documented\n"
            'СР;КМ;после k-й продажи;3;письмо;"досье, контакты; PLAN";сохраняется;частично',
            self_check="question;answer\n1;да\n2;не знаю\n3;no\n4;",
            processes="process;owner\nлогистический;K1\nOPS_CLAIM;Петрова А.С.",
        )
    )
    assert q.company["sale_type"] == "TC"  # typed in Cyrillic
    assert (q.company["support_sits"], q.company["vat_basis"]) == ("inside", "gross")
    # in the order of the code list: the group stands before its functions
    assert q.table("time")["function"].tolist() == ["OPER", "OPS_ORDER", "OPS_DOCS"]
    rule = q.table("handoffs").iloc[0]
    assert (rule["from_role"], rule["to_role"], rule["trigger"], rule["k"]) == ("SR", "KM", "TRG_N_SALES", 3.0)
    assert (rule["form"], rule["pay_after"], rule["documented"]) == ("LETTER", "KEEP", "partly")
    assert rule["pack"] == ("FILE", "CONTACTS", "PLAN")
    # question 4 has no answer: it was not answered
    assert q.table("self_check")["answer"].tolist() == ["yes", "unknown", "no"]
    assert q.table("processes")["process"].tolist() == ["LOG", "OPS_CLAIM"]
    assert q.table("processes")["owner"].tolist() == ["K1", "K2"]  # found by name
    assert q.problems[0].text.en.startswith("the company's name is missing") and len(q.problems) == 1


def test_persons_are_found_by_code_name_alias_and_label(folder) -> None:
    q = read_questionnaire(
        folder(
            staff='person;name;role;aliases\nK1;Иванов И.И.;KM;"ivanov; Иванов Иван"\nK2;Петрова;KM;',
            touches="person;date;client_id;direction\nK1;01.02.2024;7701;OUT\nivanov;02.02.2024;7701;входящее\n"
            "K2 — Петрова;03.02.2024;0042;исх\nпетрова;04.02.2024;0042;",
        )
    )
    touches = q.table("touches")
    assert touches["person"].tolist() == ["K1", "K1", "K2", "K2"]
    assert touches["direction"].tolist() == ["OUT", "IN", "OUT", None]
    assert touches["client_id"].tolist() == ["7701", "7701", "0042", "0042"]  # leading zeros stay


def test_sums_of_shares(folder) -> None:
    """K1: 0.40 + 0.58 = 0.98, just allowed (1 ± 0.02); K2: 0.5 + 0.3 = 0.8, 0.20 short; O1: 1.03, 0.03 too much."""
    text = fatal(
        folder(
            staff=STAFF,
            time="person;function;share\nK1;OPS_ORDER;0.40\nK1;FARM;0.58\nK2;OPS_ORDER;0.5\nK2;FARM;0.3\nO1;OPER;1.03",
        )
    )
    assert "K1" not in text
    assert "time.csv:4: «K2» — сумма долей сотрудника K2 равна 0,8" in text and "не хватает 0,20" in text
    assert "time.csv:6" in text and "доля от 0 до 1" in text  # 1.03 is no share to begin with


def test_a_sum_above_one(folder) -> None:
    text = fatal(folder(staff=STAFF, time="person;function;share\nK1;OPS_ORDER;0.7\nK1;FARM;0.4"))
    assert "равна 1,1" in text and "лишние 0,10" in text


def test_the_tolerance_is_two_hundredths_either_way(folder) -> None:
    body = "person;function;share\nK1;OPS_ORDER;0.5\nK1;FARM;{}"
    assert read_questionnaire(folder(staff=STAFF, time=body.format("0.52"))).has("time")  # 1.02
    assert "лишние" in fatal(folder(staff=STAFF, time=body.format("0.53")))  # 1.03


@pytest.mark.parametrize("values", [("40", "60", "100"), ("40 %", "60%", "100 %"), ("40 %", "60", "100")])
def test_a_whole_table_in_per_cent_is_understood_and_said(folder, values: tuple[str, str, str]) -> None:
    a, b, c = values
    time = f"person;function;share\nK1;OPS_ORDER;{a}\nK1;FARM;{b}\nO1;OPER;{c}"
    q = read_questionnaire(folder(staff=STAFF, time=time))
    assert q.table("time")["share"].tolist() == [0.6, 0.4, 1.0]  # FARM stands before OPER
    said = any("per cent" in text for _, text in notes(q))
    assert said == ("%" not in b)  # a percent sign everywhere needs no explanation


def test_one_percentage_among_shares_is_an_error(folder) -> None:
    text = fatal(folder(staff=STAFF, time="person;function;share\nK1;OPS_ORDER;45\nK1;FARM;0.55\nO1;OPER;1"))
    assert "time.csv:2: «45»" in text and "от 0 до 1" in text
    assert "сумма" not in text  # the sum of K1 would only repeat it
    text = fatal(folder(staff=STAFF, time="person;function;share\nK1;OPS_ORDER;45 %\nK1;FARM;0.55\nO1;OPER;1"))
    assert "и доли, и проценты" in text


def test_percentages_of_key_clients_go_by_column(folder) -> None:
    q = read_questionnaire(
        folder(staff=STAFF, key_clients="client_id;lead;file_share;wallet_share\n1;K1;70;0.3\n2;K1;100;1\n3;K1;0;0")
    )
    assert q.table("key_clients")["file_share"].tolist() == [0.7, 1.0, 0.0]
    assert q.table("key_clients")["wallet_share"].tolist() == [0.3, 1.0, 0.0]


def test_unknown_codes_suggest_the_nearest(folder) -> None:
    text = fatal(
        folder(
            staff=STAFF + "X1;;;KMM",
            time=TIME + "K2;OPS_ODRER;1",
            handoffs="from_role;to_role;trigger\nSR;KM;TRG_N_SALE",
        )
    )
    assert "staff.csv:5: «KMM»" in text and "«KM — " in text
    assert "«OPS_ODRER»" in text and "«OPS_ORDER — " in text
    assert "«TRG_N_SALE»" in text and "«TRG_N_SALES — " in text
    assert "найдено ошибок: 3" in text


def test_unknown_persons_are_told_once_per_value_with_the_number_of_cells(folder) -> None:
    text = fatal(
        folder(
            staff=STAFF,
            touches="person;date;client_id\n" + "К99;01.02.2024;1\n" * 5,
            key_clients="client_id;lead;backup\n7;K1;K77",
        )
    )
    assert "touches.csv:2: «К99»" in text and "и ещё ячеек: 4" in text
    assert "key_clients.csv:2: «K77»" in text and "найдено ошибок: 2" in text


def test_time_without_staff(folder) -> None:
    text = fatal(folder(time=TIME))
    assert "лист «Сотрудники» пуст" in text and "найдено ошибок: 1" in text


def test_former_people_may_be_named_where_they_only_explain(folder) -> None:
    """Who acquired a client may have left long ago, and a superior may stand outside the sheet."""
    q = read_questionnaire(
        folder(staff="person;role;reports_to\nK1;KM;Директор", key_clients="client_id;lead;acquired_by\n7;K1;Кузнецов")
    )
    assert q.table("staff")["reports_to"].tolist() == [None]
    assert q.table("key_clients")["acquired_by"].tolist() == ["Кузнецов"]
    assert [c for c, _ in notes(q)] == ["staff.csv:2", "key_clients.csv:2"]


def test_duplicates(folder) -> None:
    text = fatal(
        folder(
            staff=STAFF + "K1;Другой;;KM",
            time=TIME + "O1;OPER;0",
            self_check="question;answer\n1;да\n1;нет",
            company="key;value\nname;А\nname;Б",
        )
    )
    assert "staff.csv:5: «K1» — код сотрудника повторяется" in text
    assert "time.csv:5" in text and "дважды" in text
    assert "self_check.csv:3" in text and "company.csv:3" in text


def test_one_alias_cannot_belong_to_two_persons(folder) -> None:
    text = fatal(folder(staff="person;role;aliases\nK1;KM;ivanov\nK2;KM;Ivanov"))
    assert "staff.csv:3: «Ivanov»" in text and "за K1" in text


def test_dates_and_times(folder) -> None:
    text = fatal(
        folder(
            staff="person;role;start;end\nK1;KM;01.03.2024;01.02.2024\nK2;KM;31.02.2024;",
            day_log="person;date;start;end;function\nK1;01.02.2024;10:00;09:00;FARM\nK1;01.02.2024;25:00;26:00;FARM\n"
            "K1;вчера;9:00;10:00;FARM",
        )
    )
    assert "staff.csv:2: «01.02.2024» — уволен раньше" in text
    assert "staff.csv:3: «31.02.2024» — такой даты нет" in text
    assert "day_log.csv:2: «09:00» — конец не позже начала (10:00)" in text
    assert "day_log.csv:3: «25:00»" in text and "чч:мм" in text
    assert "day_log.csv:4: «вчера» — нужна дата" in text


def test_overlapping_records_of_one_day(folder) -> None:
    """9:00–10:00 and 9:30–11:00 overlap; 10:00–10:30 of another person and a record that begins at 11:00 do not."""
    text = fatal(
        folder(
            staff=STAFF,
            day_log="person;date;start;end;function\nK1;01.02.2024;9:00;10:00;FARM\nK1;01.02.2024;9:30;11:00;OPER\n"
            "K2;01.02.2024;9:30;11:00;OPER\nK1;01.02.2024;11:00;12:00;OPER\nK1;02.02.2024;9:30;11:00;OPER",
        )
    )
    assert "day_log.csv:3" in text and "пересекается" in text and "найдено ошибок: 1" in text


def test_a_rule_that_lacks_its_number_is_noted(folder) -> None:
    q = read_questionnaire(folder(staff=STAFF, handoffs="from_role;to_role;trigger;k\nSR;KM;TRG_N_SALES;"))
    assert notes(q) == [
        ("handoffs.csv:2", "this rule also needs “After purchase number” (k), or it cannot be compared with the orders")
    ]


def test_bounds_and_kinds(folder) -> None:
    text = fatal(
        folder(
            company="key;value\nname;А\ncomplexity;5\nhours_per_month;много\nproject_sales;иногда",
            staff="person;role;fte\nK1;KM;3",
            key_clients="client_id;lead;nps;contacts;file_share;plan_items\n7;K1;11;2,5;-0,1;8",
        )
    )
    for expected in (
        "company.csv:3: «5» — нужно целое число от 1 до 4",
        "company.csv:4: «много» — нужно число",
        "company.csv:5: «иногда» — допустимы: yes, no",
        "staff.csv:2: «3» — нужно число от 0 до 2",
        "«11» — нужно число от 0 до 10",
        "«2,5» — нужно целое число не меньше 0",
        "«-0,1» — нужна доля от 0 до 1",
        "«8» — нужно целое число от 0 до 7",
    ):
        assert expected in text


def test_at_most_twenty_problems_are_listed_and_all_are_counted(folder) -> None:
    text = fatal(folder(staff="person;role\n" + "".join(f"P{i};XX{i}\n" for i in range(27))))
    assert "найдено ошибок: 27" in text and text.count("staff.csv:") == 20 and "… и ещё 7" in text


def test_english_error(folder) -> None:
    with pytest.raises(QuestionnaireError) as caught:
        read_questionnaire(folder(staff=STAFF, time="person;function;share\nK1;FARM;0.5"))
    lines = caught.value.lines("en")
    assert lines[0].startswith("Problems found in the questionnaire: 1")
    assert "the shares of K1 sum to 0.5, not to 1 (± 0.02): 0.50 is missing" in lines[0]


def test_missing_and_unknown_columns(folder) -> None:
    text = fatal(folder(staff="person;name\nK1;Иванов"))
    assert "нет обязательного столбца «role»" in text
    q = read_questionnaire(folder(staff="person;role;titel;совсем другое\nK1;KM;x;y"))
    assert [t for _, t in notes(q)] == [
        "no such column, it was not read; did you mean “title”?",
        "no such column, it was not read",
    ]


def test_a_delimiter_inside_a_value_is_noticed(folder) -> None:
    """0,45 in a file divided by commas is two cells: the row is not read as if nothing were wrong."""
    text = fatal(folder(staff="person,role\nK1,KM", time="person,function,share\nK1,OPER,0,45"))
    assert "time.csv:2" in text and "4 значений, а в заголовке 3" in text


def test_row_order_does_not_matter_to_time(folder, tmp_path: Path) -> None:
    first = read_questionnaire(folder(staff=STAFF, time=TIME)).table("time")
    head, *rows = TIME.strip().splitlines()
    second = read_questionnaire(folder(staff=STAFF, time="\n".join([head, *reversed(rows)]))).table("time")
    pd.testing.assert_frame_equal(first, second)


# ---- single cells


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0,5", 0.5),
        ("0.5", 0.5),
        ("1 234,5", 1234.5),
        ("1\u00a0234,5", 1234.5),
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("1 200 000 ₽", 1200000.0),
        ("−3", -3.0),
        (7, 7.0),
        ("1,200,000", 1200000.0),
        ("12 руб.", 12.0),
        ("8 ч", 8.0),
    ],
)
def test_numbers(cell: object, value: float) -> None:
    assert number(cell) == (value, False)


@pytest.mark.parametrize("cell", ["много", "1-2", "nan", "inf", "1_000", "0x10", True, dt.date(2024, 1, 1), "1e999"])
def test_not_numbers(cell: object) -> None:
    with pytest.raises(Bad):
        number(cell)


def test_percent_sign_is_reported_and_not_applied() -> None:
    assert number("45 %") == (45.0, True)
    assert number(None) == (None, False)


@pytest.mark.parametrize(
    "cell",
    [
        dt.date(2024, 2, 1),
        dt.datetime(2024, 2, 1, 10, 11),
        "01.02.2024",
        "1.2.24",
        "2024-02-01",
        "2024-02-01T10:11:12",
        "01.02.2024 10:11:12",
        "01/02/2024",
        "1 февраля 2024 г.",
        45323.0,
    ],
)
def test_dates(cell: object) -> None:
    assert date(cell) == dt.date(2024, 2, 1)


@pytest.mark.parametrize("cell", ["32.01.2024", "2024", "01.02.0001", 12.0, "1 мартобря 2024", True])
def test_not_dates(cell: object) -> None:
    with pytest.raises(Bad):
        date(cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("9:05", 545.0),
        ("09.05", 545.0),
        ("09:05:59", 545.0),
        (dt.time(9, 5), 545.0),
        ("24:00", 1440.0),
        (dt.time(9, 4, 59, 999_000), 545.0),
        (545 / 1440, 545.0),
        (dt.timedelta(hours=9, minutes=5), 545.0),
        ("0:00", 0.0),
    ],
)
def test_times(cell: object, value: float) -> None:
    assert minutes(cell) == value


@pytest.mark.parametrize("cell", ["9", "9:60", "24:01", "утро", 1.5, -0.1])
def test_not_times(cell: object) -> None:
    with pytest.raises(Bad):
        minutes(cell)


def test_no_two_codes_of_a_list_share_a_label() -> None:
    """Otherwise a drop-down list could not be read back."""
    for spec in TABLES.values():
        for column in spec.columns:
            for lang in ("ru", "en"):
                labels = [t.get(lang).casefold() for t in options(column).values()]
                assert len(labels) == len(set(labels)), (spec.name, column.key, lang)
