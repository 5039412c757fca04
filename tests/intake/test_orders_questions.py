"""What is asked and never guessed: two headers for a field, the order of day and month, the decimal mark."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from audit.errors import AmbiguityError, InputError
from tests.intake.reading import read, refuses, write

AMERICAN_HEAD = "order_id;order_date;client_id;amount\n"


def test_two_headers_for_the_amount_stop_with_the_line_that_answers(tmp_path: Path) -> None:
    text = "Номер;Дата;Контрагент;Сумма;Сумма с НДС\n1;01.02.2024;А;100;120\n"
    path = write(tmp_path / "o.csv", text)
    with refuses(AmbiguityError, "Several columns fit the field “amount”: “Сумма” and “Сумма с НДС”"):
        read(path, tmp_path / "out")
    with pytest.raises(AmbiguityError) as caught:
        read(path, tmp_path / "out")
    assert caught.value.answer == '[columns]\namount = "Сумма"'
    result = read(path, tmp_path / "out", {"columns": {"amount": "Сумма с НДС"}})
    assert result.column("amount") == [Decimal("120.0000")]
    assert result.field_of("Сумма с НДС") == ("amount", "setting")
    assert result.field_of("Сумма")[1] in ("not_used", "unmapped")
    assert any("include VAT" in n.en for n in result.report.notes)


def test_two_headers_of_little_weight_are_asked_about_and_read_on(tmp_path: Path) -> None:
    text = "Номер;Дата;Контрагент;Сумма;Номенклатура;Артикул\n1;01.02.2024;А;100;Болт;B-1\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.column("sku") == ["Болт"]
    assert [q.answer for q in result.report.questions] == ['[columns]\nsku = "Номенклатура"']


def test_equal_or_empty_rivals_are_no_question(tmp_path: Path) -> None:
    text = "Номер;Дата;Контрагент;Сумма;Сумма заказа;Менеджер;Ответственный\n1;01.02.2024;А;100;100;;Иванов\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.column("amount") == [Decimal("100.0000")]
    assert result.column("manager") == ["Иванов"]
    assert result.report.questions == ()


def test_day_and_month_are_asked_where_no_date_shows_them(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", AMERICAN_HEAD + "1;02/03/2024;C;5\n2;04/05/2024;C;5\n")
    with pytest.raises(AmbiguityError) as caught:
        read(path, tmp_path / "out")
    assert 'date_format = "dd/mm/yyyy"' in caught.value.answer
    day_first = read(path, tmp_path / "out", {"reading": {"date_format": "dd/mm/yyyy"}})
    month_first = read(path, tmp_path / "out", {"reading": {"date_format": "mm/dd/yyyy"}})
    assert day_first.column("order_date") == [dt.date(2024, 3, 2), dt.date(2024, 5, 4)]
    assert month_first.column("order_date") == [dt.date(2024, 2, 3), dt.date(2024, 4, 5)]


def test_one_date_above_twelve_decides_for_all_files(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", AMERICAN_HEAD + "1;02/03/2024;C;5\n")
    write(tmp_path / "b.csv", AMERICAN_HEAD + "2;02/13/2024;C;5\n")
    result = read([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "out")
    assert result.column("order_date") == [dt.date(2024, 2, 3), dt.date(2024, 2, 13)]


def test_both_orders_in_one_file_are_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", AMERICAN_HEAD + "1;13/02/2024;C;5\n2;02/13/2024;C;5\n")
    with refuses(AmbiguityError, "both day/month and month/day"):
        read(path, tmp_path / "out")


def test_points_mean_day_first_unless_shown_otherwise(tmp_path: Path) -> None:
    plain = read(write(tmp_path / "a.csv", AMERICAN_HEAD + "1;02.03.2024;C;5\n"), tmp_path / "out")
    assert plain.column("order_date") == [dt.date(2024, 3, 2)]
    shown = read(write(tmp_path / "b.csv", AMERICAN_HEAD + "1;02.03.2024;C;5\n2;02.25.2024;C;5\n"), tmp_path / "out")
    assert shown.column("order_date") == [dt.date(2024, 2, 3), dt.date(2024, 2, 25)]


def test_both_decimal_marks_are_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", AMERICAN_HEAD + "1;01.02.2024;C;1,5\n2;01.02.2024;C;2.25\n")
    with refuses(AmbiguityError, "decimal mark is unclear: “1,5” or “2.25”"):
        read(path, tmp_path / "out")
    result = read(path, tmp_path / "out", {"reading": {"decimal": ","}})
    assert result.column("amount") == [Decimal("1.5"), Decimal("2.25")]


def test_three_digits_after_the_only_comma_take_what_the_neighbours_show(tmp_path: Path) -> None:
    head = "order_id;order_date;client_id;amount;qty\n"
    path = write(tmp_path / "a.csv", head + "1;01.02.2024;C;10,5;1,250\n")
    assert read(path, tmp_path / "out").column("qty") == [Decimal("1.2500")]
    alone = write(tmp_path / "b.csv", head + "1;01.02.2024;C;1,250;1\n")
    with refuses(AmbiguityError, "decimal mark is unclear"):
        read(alone, tmp_path / "out")


def test_a_header_row_and_columns_can_be_named(tmp_path: Path) -> None:
    text = "x;y\nКогда;Кто;Сколько\n01.02.2024;А;5\n"
    path = write(tmp_path / "o.csv", text)
    with refuses(InputError, "No header found"):
        read(path, tmp_path / "out")
    settings = {"columns": {"order_date": "Когда", "client": "Кто", "amount": "Сколько"}}
    result = read(path, tmp_path / "out", settings)
    assert result.column("amount") == [Decimal("5.0000")]
    assert result.lines["source_row"].tolist() == [3]
    settings["reading"] = {"header_row": 3}
    with refuses(InputError, "Required columns are missing"):
        read(path, tmp_path / "out", settings)


def test_a_column_that_the_settings_name_must_exist(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", "Номер;Дата;Контрагент;Сумма\n1;01.02.2024;А;100\n")
    with refuses(InputError, "no column “Сума”"):
        read(path, tmp_path / "out", {"columns": {"amount": "Сума"}})


def test_plan_and_fact_are_never_swapped(tmp_path: Path) -> None:
    text = "Номер;Дата;Контрагент;Сумма;Дата отгрузки;Дата отгрузки (факт)\n1;01.02.2024;А;100;10.02.2024;12.02.2024\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.column("promised_date") == [dt.date(2024, 2, 10)]
    assert result.column("shipped_date") == [dt.date(2024, 2, 12)]


def test_shipped_of_moysklad_is_money_and_no_date(tmp_path: Path) -> None:
    text = "Номер;Дата;Контрагент;Сумма;Отгружено\n1;01.02.2024;А;100;100,50\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert "shipped_date" not in result.report.fields
    assert any("Отгружено" in n.ru for n in result.report.notes)


def test_every_header_is_accounted_for(tmp_path: Path) -> None:
    text = (
        "Номер;Дата;Контрагент;Сумма;Ответственый;Комментарий;Воронка;Погода\n"
        "1;01.02.2024;А;100;Иванов;тайна;B2B;дождь\n"
    )
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert {c.header: (c.field, c.how) for c in result.report.columns} == {
        "Номер": ("order_id", "mapped"),
        "Дата": ("order_date", "mapped"),
        "Контрагент": ("client", "mapped"),
        "Сумма": ("amount", "mapped"),
        "Ответственый": ("manager", "guessed"),
        "Комментарий": ("comment", "not_used"),
        "Воронка": ("pipeline", "not_used"),
        "Погода": (None, "unmapped"),
    }
    assert next(c.example for c in result.report.columns if c.header == "Комментарий") is None
    assert next(c.example for c in result.report.columns if c.header == "Погода") == "дождь"
