"""Files whose only dates are months, or other days of the sale: proposed as a person would, with what is lost."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from audit.errors import AmbiguityError, InputError
from tests.intake.dialects.disguises import write_xlsx
from tests.intake.reading import answer, asked, read, refuses, stopped, write


@pytest.mark.parametrize(
    ("header", "cells", "lost"),
    [
        ("Сделка;Компания;Дата закрытия;Сумма", ["09.01.2024", "10.02.2024", "11.02.2024"], "closed"),
        ("Deal Name;Company;Close Date;Amount", ["2024-01-09", "2024-02-10", "2024-02-11"], "closed"),
        ("Заказ;Клиент;Дата отгрузки;Сумма", ["09.01.2024", "10.02.2024", "11.02.2024"], "of dispatch"),
        ("Счет;Покупатель;Дата оплаты;Сумма", ["09.01.2024", "10.02.2024", "11.02.2024"], "of payment"),
        ("№;Клиент;Месяц;Сумма", ["январь 2024", "февраль 2024", "март 2024"], "a month and no day"),
        ("№;Customer;Month;Revenue", ["2024-01", "2024-02", "2024-03"], "a month and no day"),
        ("Nr;Kunde;Monat;Umsatz", ["01/2024", "02/2024", "03/2024"], "a month and no day"),
        ("№;Клиент;Месяц продажи;Сумма", ["01.01.2024", "01.02.2024", "01.03.2024"], "a month and no day"),
    ],
)
def test_the_only_column_that_may_be_the_date_is_proposed(
    tmp_path: Path, header: str, cells: list[str], lost: str
) -> None:
    rows = [f"D{i};Alpha {i % 2};{cell};{100 * (i + 1)}" for i, cell in enumerate(cells)]
    file = write(tmp_path / "o.csv", "\n".join([header, *rows]))
    error = stopped(file, tmp_path / "out")
    assert isinstance(error, AmbiguityError) and error.todo is not None and lost in error.todo.en
    settings = answer(error.answer)
    assert settings["columns"] == {"order_date": header.split(";")[2]}
    result = read(file, tmp_path / "out", settings)
    assert result.report.revenue == 600 and result.report.rows_used == 3
    months = [q for q in result.report.questions if q.kind == "month_dates"]
    assert len(months) == (lost == "a month and no day")


def test_a_month_of_a_workbook_is_the_first_of_it(tmp_path: Path) -> None:
    rows = [["Клиент", "Период", "Выручка"], *([f"А{m % 2}", dt.date(2024, m, 1), 100] for m in range(1, 7))]
    write_xlsx(tmp_path / "o.xlsx", {"Лист1": rows})
    result = read(tmp_path / "o.xlsx", tmp_path / "out")
    question = asked(result, "month_dates")
    assert "second purchase" in question.text.en and result.report.rows_used == 6
    assert not read(tmp_path / "o.xlsx", tmp_path / "out", answer(question.answer)).report.questions


@pytest.mark.parametrize("months", [("Январь", "Февраль", "Март"), ("1", "2", "3"), ("jan", "feb", "mar")])
def test_a_month_without_its_year_is_said(tmp_path: Path, months: tuple[str, ...]) -> None:
    rows = [f"А{i % 2};2024;{month};{10 + i}" for i, month in enumerate(months)]
    with refuses(InputError, "without its year"):
        read(write(tmp_path / "o.csv", "\n".join(["Клиент;Год;Месяц;Сумма", *rows])), tmp_path / "out")


def test_one_lack_is_told_as_one_and_two_as_two(tmp_path: Path) -> None:
    with pytest.raises(InputError) as one:
        read(write(tmp_path / "a.csv", "Клиент;Товар;Сумма\nА;Болт;1\nБ;Гайка;2\n"), tmp_path / "out")
    assert one.value.what.ru == "Не найден обязательный столбец: «дата заказа»"
    with pytest.raises(InputError) as two:
        read(write(tmp_path / "b.csv", "Клиент;Товар;Менеджер\nА;Болт;И\nБ;Гайка;П\n"), tmp_path / "out")
    assert two.value.what.en.startswith("Required columns are missing: ") and two.value.what.en.count("“") == 2


def test_a_date_spread_over_columns_is_said(tmp_path: Path) -> None:
    rows = [f"А;2024;{month};{month + 3};{10 + month}" for month in range(1, 9)]
    with refuses(InputError, "spread over columns"):
        read(write(tmp_path / "o.csv", "\n".join(["Клиент;Год;Месяц;День;Сумма", *rows])), tmp_path / "out")


@pytest.mark.parametrize(
    ("header", "first"),
    [
        ("Order date (MM/DD/YYYY)", "2024-02-03"),
        ("Date dd/mm/yyyy", "2024-03-02"),
        ("Дата (дд/мм/гггг)", "2024-03-02"),
        ("Дата заказа, мм/дд/гг", "2024-02-03"),
    ],
)
def test_a_header_that_names_the_order_of_day_and_month_is_believed(tmp_path: Path, header: str, first: str) -> None:
    text = f"{header};Client;Amount\n02/03/2024;A;100\n04/05/2024;B;200\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out", {"columns": {"order_date": header}})
    assert str(result.report.first_date) == first


def test_a_date_that_contradicts_its_header_goes_first(tmp_path: Path) -> None:
    text = "Order date (MM/DD/YYYY);Client;Amount\n02/03/2024;A;100\n25/05/2024;B;200\n"
    assert str(read(write(tmp_path / "o.csv", text), tmp_path / "out").report.first_date) == "2024-03-02"
