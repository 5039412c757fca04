"""A header that may be the number of the order, and is the only one that may, is the number."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.intake.reading import asked, read, stopped


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


@pytest.mark.parametrize(
    "header",
    ["Накладная", "Накладная №", "№ накладной", "Счёт", "Счёт №", "Invoice", "Invoice #", "УПД", "Чек", "Name"],
)
def test_the_document_of_the_row_is_its_number_where_no_other_is(header: str, tmp_path: Path) -> None:
    rows = "Н1;09.01.2024;А;Болт;900\nН1;09.01.2024;А;Гайка;900\nН2;19.01.2024;Б;Болт;700\nН2;19.01.2024;Б;Гайка;700\n"
    file = tmp_path / "list.csv"
    file.write_text(f"{header};Дата;Клиент;Товар;Сумма документа\n{rows}", encoding="utf-8")
    result = read(file, tmp_path / "out")
    assert list(result.lines["order_id"]) == ["Н1", "Н1", "Н2", "Н2"]
    assert asked(result, "document_sums").taken and result.report.revenue == 1600


@pytest.mark.parametrize("values", [("40702/1", "40702/1", "40702/2"), ("А1", "б/н", "А2"), ("7", "7", "7")])
def test_an_account_of_the_client_or_a_word_is_no_number(values: tuple[str, str, str], tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    dated = zip(values, ("10.01.2024;А", "11.02.2024;А", "12.03.2024;Б"), strict=True)
    file.write_text("Счёт;Дата;Клиент;Сумма\n" + "".join(f"{v};{d};100\n" for v, d in dated), encoding="utf-8")
    assert read(file, tmp_path / "out").lines["order_id"].isna().all()


def test_a_better_number_goes_first(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "Накладная;Номер;Дата;Клиент;Сумма\nН1;1;10.01.2024;А;100\nН1;2;10.01.2024;А;50\n", encoding="utf-8"
    )
    assert list(read(file, tmp_path / "out").lines["order_id"]) == ["1", "2"]


@pytest.mark.parametrize("counter", ["№", "#", "No."])
def test_a_column_that_counts_the_rows_is_no_rival_of_the_number(counter: str, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    rows = "1;10.01.2024;КА-7;А;100\n2;11.01.2024;КА-8;Б;50\n3;12.01.2024;КА-8;Б;60\n"
    file.write_text(f"{counter};Дата;Номер;Контрагент;Сумма\n{rows}", encoding="utf-8")
    assert list(read(file, tmp_path / "out").lines["order_id"]) == ["КА-7", "КА-8", "КА-8"]


def test_two_numbers_that_count_nothing_are_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    rows = "7;10.01.2024;КА-7;А;100\n9;11.01.2024;КА-8;Б;50\n4;12.01.2024;КА-9;Б;60\n"
    file.write_text(f"№;Дата;Номер;Контрагент;Сумма\n{rows}", encoding="utf-8")
    assert 'order_id = "№"' in stopped(file, tmp_path / "out").answer
