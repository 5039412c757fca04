"""Words that exports use aside: units of money, kinds and states of a document, codes that are none, totals."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.intake.reading import Read, answer, read, stopped, write

SUMS = "1;09.01.2024;Ромашка;100,5\n2;19.01.2024;Вектор;250,5\n"


def given(tmp_path: Path, text: str) -> Read:
    return read(write(tmp_path / "o.csv", text), tmp_path / "out")


@pytest.mark.parametrize(
    "header",
    [
        "Сумма, т.р.",
        "Сумма т. р.",
        "Выручка, т. руб.",
        "Amount (000 USD)",
        "Net value TEUR",
        "Net value, k EUR",
        "Amount, '000",
    ],
)
def test_thousands_in_few_letters(tmp_path: Path, header: str) -> None:
    assert given(tmp_path, f"Номер;Дата;Клиент;{header}\n{SUMS}").column("amount") == [100_500, 250_500]


@pytest.mark.parametrize("header", ["Сумма, в т.ч. НДС", "Сумма, руб.", "Amount, USD"])
def test_units_that_multiply_nothing(tmp_path: Path, header: str) -> None:
    assert given(tmp_path, f"Номер;Дата;Клиент;{header}\n{SUMS}").report.revenue == 351


def test_a_row_of_units_belongs_to_the_header(tmp_path: Path) -> None:
    head = "Номер;Дата;Клиент;Кол-во;Сумма\n;;;шт.;тыс. руб.\n"
    result = given(tmp_path, head + "1;09.01.2024;Ромашка;3;100,5\n2;19.01.2024;Вектор;2;250,5\n")
    assert result.column("amount") == [100_500, 250_500] and result.column("qty") == [3, 2]
    assert result.report.rows_read == 2


@pytest.mark.parametrize("mark", [",", "."])
def test_small_sums_in_millions_are_exact(tmp_path: Path, mark: str) -> None:
    text = "Номер;Дата;Клиент;Сумма, млн руб\n1;09.01.2024;Ромашка;0,018250\n2;19.01.2024;Вектор;-0,000040\n"
    more = "3;20.01.2024;Вектор;0,00001234 EUR\n4;20.01.2024;Вектор;(0,00001)\n"
    result = given(tmp_path, (text + more).replace("0,", f"0{mark}"))
    assert result.column("amount") == [18_250, -40, Decimal("12.34"), -10]


CLIENTS = ("ООО Ромашка", "АО Вектор", "ИП Егорова")


def coded(tmp_path: Path, code: str, names: tuple[str, ...]) -> Read:
    rows = "".join(f"{i};1{i}.01.2024;{code};{n};100\n" for i, n in enumerate(names))
    return given(tmp_path, f"Номер;Дата;ИНН;Клиент;Сумма\n{rows}9;20.01.2024;7707083893;ПАО Сбербанк;300\n")


@pytest.mark.parametrize("code", ["б/н", "Б.Н.", "без номера", "7700000000", "7712345678", "ФЛ"])
def test_one_code_under_three_names_is_nobodys(tmp_path: Path, code: str) -> None:
    result = coded(tmp_path, code, CLIENTS)
    assert result.report.counts["clients"] == 4 and any("Placeholders" in n.en for n in result.report.notes)


@pytest.mark.parametrize("names", [("ООО Ромашка", "Ромашка Сервис", "Ромашка-Юг"), ("Альфа", "Альфо", "ООО «Альфа»")])
def test_one_code_under_names_of_one_company_is_its_own(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert coded(tmp_path, "7712345678", names).report.counts["clients"] == 2


@pytest.mark.parametrize(
    "kind",
    [
        "Корректировка (возврат от покупателя)",
        "Возврат от покупателя",
        "Поступление: возврат товаров от клиента",
        "Sales return",
        "Customer refund",
    ],
)
def test_the_word_return_inside_a_kind_of_operation(tmp_path: Path, kind: str) -> None:
    rows = f"Продажа;1;09.01.2024;Ромашка;1000\n{kind};2;19.01.2024;Ромашка;400\n"
    assert given(tmp_path, f"Вид операции;Номер;Дата;Контрагент;Сумма\n{rows}").report.revenue == 600


def test_a_kind_that_denies_returns_is_a_sale(tmp_path: Path) -> None:
    rows = "Продажа;1;09.01.2024;Ромашка;1000\nРеализация без права возврата;2;19.01.2024;Ромашка;400\n"
    assert given(tmp_path, f"Вид операции;Номер;Дата;Контрагент;Сумма\n{rows}").report.revenue == 1400


@pytest.mark.parametrize(
    "status", ["Не состоялась", "Удалён", "Не проведен", "Непроведённый", "Черновик", "Void", "Draft", "Deleted"]
)
def test_a_state_in_which_nothing_was_sold(tmp_path: Path, status: str) -> None:
    rows = f"1;09.01.2024;Ромашка;100;Выполнен\n2;19.01.2024;Вектор;250;{status}\n"
    result = given(tmp_path, f"Номер;Дата;Клиент;Сумма;Статус\n{rows}")
    assert result.report.revenue == 100 and result.reasons() == {"cancelled": 1}


@pytest.mark.parametrize("header", ["Сумма возврата", "Refunded Amount"])
@pytest.mark.parametrize(("back", "revenue"), [("50,00", 600), ("0,00", 650)])
def test_a_refund_of_zero_is_none(tmp_path: Path, header: str, back: str, revenue: int) -> None:
    rows = f"1;09.01.2024;Ромашка;100,00;0,00\n2;19.01.2024;Вектор;250,00;{back}\n3;05.02.2024;Егорова;300,00;0,00 ₽\n"
    result = given(tmp_path, f"Номер;Дата;Клиент;Сумма;{header}\n{rows}")
    assert result.report.revenue == revenue and len(
        [q for q in result.report.questions if q.kind == "returned_rows"]
    ) == (back != "0,00")


@pytest.mark.parametrize(("header", "off"), [("Скидка, %", "50"), ("Discount %", "0,5"), ("Процент скидки", "50%")])
def test_a_discount_beside_quantity_and_price(tmp_path: Path, header: str, off: str) -> None:
    rows = f"1;09.01.2024;Ромашка;10;100;{off}\n2;19.01.2024;Вектор;10;100;0\n3;20.01.2024;Вектор;1;9,99;\n"
    result = given(tmp_path, f"Номер;Дата;Клиент;Количество;Цена;{header}\n{rows}")
    assert result.column("amount") == [500, 1000, Decimal("9.99")]
    assert any("× (1 − discount)" in n.en for n in result.report.notes)


@pytest.mark.parametrize("header", ["Сумма со скидкой", "Сумма с учётом скидки", "Total after discount"])
def test_a_sum_less_its_discount_beside_the_sum(tmp_path: Path, header: str) -> None:
    text = f"Номер;Дата;Клиент;Сумма;Скидка;{header}\n1;09.01.2024;Ромашка;1000;100;900\n"
    file = write(tmp_path / "o.csv", text)
    error = stopped(file, tmp_path / "out")
    lines = [answer(line) for line in (error.answer, *(a.lines for a in error.others))]
    assert [read(file, tmp_path / "out", line).report.revenue for line in lines] == [1000, 900]


@pytest.mark.parametrize(
    "total",
    ["Итого месяц;31.01.2024;;350", "Все продажи;;;350", ";;;350", ";;Все продажи;350", "Total month;31.01.2024;;350"],
)
def test_totals_are_not_revenue_set_aside(tmp_path: Path, total: str) -> None:
    result = given(tmp_path, f"Номер;Дата;Клиент;Сумма\n1;09.01.2024;Ромашка;100\n2;19.01.2024;Вектор;250\n{total}\n")
    assert result.report.revenue == 350 and set(result.reasons()) <= {"total_row", "subtotal_row"}
    assert not any(s.revenue for s in result.report.set_aside)


def test_a_sale_without_a_client_is_set_aside_as_one(tmp_path: Path) -> None:
    result = given(tmp_path, "Номер;Дата;Клиент;Сумма\n1;09.01.2024;Ромашка;100\n2;19.01.2024;;100\n;;;70\n")
    assert result.reasons() == {"no_client": 2}


def test_an_unclear_encoding_names_its_file(tmp_path: Path) -> None:
    rows = "".join(f"{i};1{i}.01.2024;ООО Ромашка и товарищи;100\n" for i in range(1, 9))
    file = tmp_path / "o.csv"
    file.write_bytes(f"Номер;Дата;Клиент;Сумма\n{rows}".encode("koi8-r"))
    assert stopped(file, tmp_path / "out").where == "o.csv"
