"""Pivots are refused by name, with what to ask for; lists of orders that have months among their columns are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from audit.errors import InputError
from tests.intake.dialects.disguises import write_xlsx
from tests.intake.dialects.oldformats import write_html, write_xls
from tests.intake.reading import read, refuses, write

PIVOTS = {
    "months with a year": "Контрагент;янв.24;фев.24;мар.24;Итого\nАльфа;100;200;300;600\nБета;10;;30;40\nИтого;110;200;330;640",
    "months": "Продажи за 2024 год\nКлиент;Менеджер;Январь;Февраль;Март\nАльфа;Иванов;100;200;300\nБета;Петров;10;20;30",
    "English": "Customer;Jan 2024;Feb 2024;Mar 2024;Grand Total\nAlpha Ltd;1,100;200;300;1,600\nBeta;10;20;30;60",
    "German": "Kunde;01/2024;02/2024;03/2024;Summe\nAlpha GmbH;100,00;200,00;;300,00\nBeta;1;2;3;6",
    "years": "Клиент;2022;2023;2024\nАльфа;100;200;300\nБета;10;20;30",
    "quarters": "Клиент;I кв. 2024;II кв. 2024;III кв. 2024\nАльфа;100;200;300\nБета;10;20;30",
    "days": "Клиент;01.01.2024;02.01.2024;03.01.2024\nАльфа;100;;300\nБета;10;20;",
    "two measures": "Контрагент;Январь 2024;;Февраль 2024;\n;Количество;Сумма;Количество;Сумма\nАльфа;1;100;2;200\nБета;1;10;2;20",
    "Excel": "Названия строк;Сумма по полю Сумма;;;\n;янв;фев;мар;Общий итог\nАльфа;100;200;300;600\nБета;10;20;30;60",
    "months down": "Месяц;Альфа;Бета;Гамма\nянварь 2024;100;200;300\nфевраль 2024;10;20;30\nмарт 2024;10;20;30",
}


@pytest.mark.parametrize("name", PIVOTS)
def test_a_pivot_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with refuses(InputError, "This is a pivot (crosstab)") as _:
        read(write(tmp_path / "o.csv", PIVOTS[name] + "\n", "utf-8-sig"), tmp_path / "out")


@pytest.mark.parametrize("save", [write_xls, write_html, lambda path, rows: write_xlsx(path, {"Лист1": rows})])
def test_a_pivot_in_any_workbook(tmp_path: Path, save: Callable[[Path, Sequence[Sequence[str]]], object]) -> None:
    save(tmp_path / "o.xls", [line.split(";") for line in PIVOTS["months with a year"].split("\n")])
    with pytest.raises(InputError) as caught:
        read(tmp_path / "o.xls", tmp_path / "out")
    assert caught.value.todo is not None and "a row an order: date, number, client" in caught.value.todo.en


def test_orders_with_months_among_their_columns_are_no_pivot(tmp_path: Path) -> None:
    text = "Дата;Клиент;Сумма;План янв.;План фев.;янв;фев;мар\n09.01.2024;Альфа;100;1;2;3;4;5\n10.01.2024;Бета;200;1;2;3;4;5\n"
    assert read(write(tmp_path / "o.csv", text), tmp_path / "out").report.revenue == 300


def test_a_list_without_a_known_header_is_no_pivot(tmp_path: Path) -> None:
    rows = ["a;b;c;d;e", *(f"К{i};09.0{i}.2024;10.0{i}.2024;11.0{i}.2024;{i}00" for i in range(1, 6))]
    with pytest.raises(InputError) as caught:
        read(write(tmp_path / "o.csv", "\n".join(rows)), tmp_path / "out")
    assert "pivot" not in caught.value.what.en
