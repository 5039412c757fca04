"""A header that may be the number of the order, and is the only one that may, is the number."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.intake.reading import read


@pytest.mark.parametrize(
    "header",
    [
        "Sales order;Order date;Customer ID;Amount",
        "Order;Date;Customer;Amount",
        "Заказ клиента;Дата;Клиент;Сумма",
        "Заказ;Дата;Контрагент;Сумма",
        "Код заказа;Дата;Покупатель;Сумма",
    ],
)
def test_two_orders_of_one_day_are_two(header: str, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"{header}\nSO1;2024-01-10;A;100\nSO2;2024-01-10;A;200\nSO3;2024-02-11;B;300\n", encoding="utf-8")
    lines = read(file, tmp_path / "out").lines
    assert list(lines["order_id"]) == ["SO1", "SO2", "SO3"]


def test_a_contract_or_a_reason_is_no_number(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "Основание;Дата;Клиент;Сумма\nДоговор 5;10.01.2024;А;100\nДоговор 5;11.02.2024;Б;300\n", encoding="utf-8"
    )
    assert read(file, tmp_path / "out").lines["order_id"].isna().all()
