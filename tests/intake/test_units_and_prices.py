"""What a header measures and what an amount cell says: hundredths apart, goods and money, prices per tonne, discounts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from audit.errors import AmbiguityError, InputError
from tests.intake.answering import answered
from tests.intake.reading import Read, answer, read, refuses, stopped, write


def given(tmp_path: Path, text: str, settings: dict[str, object] | None = None, encoding: str = "utf-8") -> Read:
    return read(write(tmp_path / "o.csv", text, encoding), tmp_path / "out", settings)


def two(header: str, first: str, second: str) -> str:
    """Two orders: what stands behind number, day and client."""
    return f"Номер;Дата;Клиент;{header}\n1;09.01.2024;Ромашка;{first}\n2;19.01.2024;Вектор;{second}\n"


# ---- cells


@pytest.mark.parametrize(
    ("cells", "currency"),
    [
        (("10763 руб. 05 коп.", "250 руб. 50 коп."), "RUB"),
        (("10 763 р. 05 к.", "250р.50к."), "RUB"),
        (("10763 рубля 5 копеек", "250 рублей 50 копеек"), "RUB"),
        (("10763-05", "250-50"), None),
        (("10 763=05", "250=50"), None),
        (("10 763-05 руб.", "250-50 руб."), "RUB"),
        (("10 763 грн. 05 коп.", "250 грн. 50 коп."), "UAH"),
        (("10.763 € 05", "250 € 50"), "EUR"),
        (("USD $10,763.05", "$250.50 USD"), "USD"),
        (("10763.05 dollars", "250.5 dollars"), "USD"),
        (("'10763.05", "'250.50"), None),
        (("10763.05 Br", "250.50 Br"), "BYN"),
    ],
)
def test_hundredths_may_stand_apart(tmp_path: Path, cells: tuple[str, str], currency: str | None) -> None:
    result = given(tmp_path, two("Сумма", *cells))
    assert result.column("amount") == [Decimal("10763.05"), Decimal("250.5")]
    assert result.report.currency == (currency or "")


@pytest.mark.parametrize("cell", ["10.763,-", "10 763,--", "10763.–", "10763=", "10'763.-", "10.763,- €"])
def test_no_hundredths_are_no_minus(tmp_path: Path, cell: str) -> None:
    assert given(tmp_path, two("Сумма", cell, "250,50" if "," in cell else "250")).column("amount")[0] == 10763


@pytest.mark.parametrize("cell", ["-250 руб. 50 коп.", "(250 руб. 50 коп.)", "−250-50", "-250=50", "250,50-"])
def test_a_minus_stays_one(tmp_path: Path, cell: str) -> None:
    assert given(tmp_path, two("Сумма", "1000,00", cell)).column("amount")[1] == Decimal("-250.5")


@pytest.mark.parametrize(
    "row",
    [
        '="0001";09.01.2024;="7707083893";Ромашка;="1000,50"',
        '"=""0001""";09.01.2024;"=""7707083893""";Ромашка;"=""1000,50"""',
        '="0001"\t09.01.2024\t="7707083893"\tРомашка\t="1000,50"',
        '"=""0001""",09.01.2024,"=""7707083893""",Ромашка,"=""1000.50"""',
        '="0001"|09.01.2024|="7707083893"|Ромашка|="1 000,50"',
    ],
)
def test_texts_written_as_formulas(tmp_path: Path, row: str) -> None:
    mark = next(m for m in "|\t;," if m in row)
    result = given(
        tmp_path, mark.join(["Номер", "Дата", "ИНН", "Клиент", "Сумма"]) + f"\n{row}\n{row.replace('0001', '0002')}\n"
    )
    assert result.column("order_id") == ["0001", "0002"] and result.column("client_id") == ["7707083893"] * 2
    assert result.report.revenue == 2001


# ---- goods are no money


@pytest.mark.parametrize(
    "header",
    [
        "Сумма, кг;Сумма, руб",
        "Продажи, шт;Продажи, руб.",
        "Оборот (т);Выручка",
        "Итого, м²;Стоимость, р.",
        "Всего кг;Сумма руб",
        "Total (kg);Total (USD)",
        "Sales (units);Sales ($)",
        "Umsatz, Stück;Umsatz, EUR",
        "Продажи, тыс. шт;Продажи, руб.",
    ],
)
def test_what_is_counted_in_goods_is_no_money(tmp_path: Path, header: str) -> None:
    assert given(tmp_path, two(header, "10;1000", "5;500")).report.revenue == 1500


def test_units_below_the_header_tell_goods_from_money(tmp_path: Path) -> None:
    text = "Номер;Дата;Клиент;Продажи;Продажи\n;;;кг;тыс. руб.\n1;09.01.2024;Ромашка;10;1\n2;19.01.2024;Вектор;5;0,5\n"
    assert given(tmp_path, text).report.revenue == 1500
    stacked = "Номер;Дата;Клиент;Продажи;\n;;;кг;руб.\n1;09.01.2024;Ромашка;10;1000\n2;19.01.2024;Вектор;5;500\n"
    assert given(tmp_path, stacked).report.revenue == 1500


def test_a_sum_in_kilograms_alone_is_no_amount(tmp_path: Path) -> None:
    with refuses(InputError, "required column is missing: “amount”"):
        given(tmp_path, two("Сумма, кг", "10", "5"))


@pytest.mark.parametrize(
    ("unit", "code"), [("EUR", "EUR"), ("долл.", "USD"), ("тенге", "KZT"), ("тыс. руб.", "RUB"), ("$", "USD")]
)
def test_the_currency_of_a_row_of_units(tmp_path: Path, unit: str, code: str) -> None:
    text = two("Сумма", "1", "2").replace("Сумма\n", f"Сумма\n;;;{unit}\n")
    result = given(tmp_path, text)
    assert (result.report.currency, result.report.currency_source, result.report.rows_read) == (code, "files", 2)


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("Валюта: USD", "USD"),
        ("All amounts in EUR", "EUR"),
        ("Продажи за 2024 год, суммы указаны в долларах США", "USD"),
        ("Сумма указана в тенге", "KZT"),
        ("Currency: GBP", "GBP"),
        ("Суммы приведены в тыс. руб.", "RUB"),
        ("Отчёт для USD Trading LLC", ""),
        ("Суммы в белорусских рублях", ""),
    ],
)
def test_the_currency_told_above_the_table(tmp_path: Path, title: str, code: str) -> None:
    assert given(tmp_path, f"{title}\n" + two("Сумма", "1", "2")).report.currency == code


@pytest.mark.parametrize(
    "header", ["Сумма, коп.", "Сумма в копейках", "amount_cents", "Amount (cents)", "Total, pence"]
)
def test_hundredths_in_the_header(tmp_path: Path, header: str) -> None:
    result = given(tmp_path, two(header, "100050", "50000"))
    assert result.report.revenue == Decimal("1500.5") and any("разделены на 100:" in n.ru for n in result.report.notes)


@pytest.mark.parametrize(
    "header", ["Amount ($k)", "Revenue, K", "Sales (€k)", "Выручка, тыс. €", "Amount, USD thousand"]
)
def test_thousands_of_a_foreign_currency(tmp_path: Path, header: str) -> None:
    assert given(tmp_path, two(header, "1", "0,5")).report.revenue == 1500


# ---- quantity × price


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("Количество;Цена без НДС", "10;100", "5;100"),
        ("Кол-во;Цена с учётом скидки", "10;100", "5;100"),
        ("Кол-во, тыс. шт;Цена", "0,01;100", "0,005;100"),
        ("Кол-во, т;Цена за т", "10;100", "5;100"),
        ("Кол-во, кг;Цена за т", "10000;100", "5000;100"),
        ("Кол-во;Цена за 1000 шт", "10000;100", "5000;100"),
        ("Кол-во, тыс. шт;Цена за тыс. шт", "10;100", "5;100"),
        ("Кол-во, шт;Цена, руб./шт", "10;100", "5;100"),
        ("Qty;Price excl. VAT", "10;100", "5;100"),
        ("Quantity (kg);Unit price, USD per t", "10000;100", "5000;100"),
        ("Quantity;Selling price per unit", "10;100", "5;100"),
        ("Количество;Цена без скидки;Цена со скидкой", "10;120;100", "5;100;100"),
        ("Menge;Stückpreis", "10;100", "5;100"),
    ],
)
def test_quantity_times_price_by_any_name(tmp_path: Path, header: str, first: str, second: str) -> None:
    result = given(tmp_path, two(header, first, second))
    assert result.report.revenue == 1500
    assert any("× «" in n.ru and "(строк: 2)" in n.ru for n in result.report.notes)


def test_a_price_per_thousand_loses_nothing(tmp_path: Path) -> None:
    assert given(tmp_path, two("Кол-во;Цена за 1000 шт", "1500;123,45", "1;1")).column("amount")[0] == Decimal(
        "185.175"
    )


@pytest.mark.parametrize(
    "price", ["Цена закупки", "Unit cost", "Purchase price", "Цена поставщика", "Себестоимость единицы"]
)
def test_what_it_cost_is_no_price(tmp_path: Path, price: str) -> None:
    with pytest.raises(InputError) as caught:
        given(tmp_path, two(f"Кол-во;{price}", "10;100", "5;100"))
    assert price not in str(caught.value.todo and caught.value.todo.ru)


@pytest.mark.parametrize(
    ("qty", "price"), [("Кол-во, шт", "Цена за кг"), ("Кол-во, упак", "Цена, руб./шт"), ("Qty, pcs", "Price per kg")]
)
def test_pieces_at_a_price_per_kilogram_do_not_multiply(tmp_path: Path, qty: str, price: str) -> None:
    with refuses(InputError, "do not multiply"):
        given(tmp_path, two(f"{qty};{price}", "10;100", "5;100"))


@pytest.mark.parametrize(
    "header",
    [
        "Вес, кг;Цена за кг",
        "Масса, т;Цена за т",
        "Weight (kg);Price per kg",
        "Часов, ч;Цена за час",
        "Отпущено, м3;Цена за м3",
    ],
)
def test_quantity_and_price_are_proposed_where_there_is_no_sum(tmp_path: Path, header: str) -> None:
    text = two(header, "10;100", "5;100")
    error = stopped(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert given(tmp_path, text, answer(error.answer)).report.revenue == 1500


def test_two_prices_are_no_question_beside_a_sum(tmp_path: Path) -> None:
    text = two("Кол-во;Цена без НДС;Цена с НДС;Сумма", "10;100;120;1000", "5;100;120;500")
    assert given(tmp_path, text).report.revenue == 1500
    with pytest.raises(AmbiguityError):
        given(tmp_path, text.replace(";Сумма", ";Прочее").replace(";1000", ";x").replace(";500\n", ";x\n"))


# ---- discounts


@pytest.mark.parametrize(
    ("header", "first", "second", "taken_off"),
    [
        ("Сумма;Скидка", "1000;100", "500;0", 1400),
        ("Сумма;Скидка, %", "1000;10", "500;0", 1400),
        ("Amount;Discount", "1000;100", "500;0", 1400),
        ("Количество;Цена;Сумма;Скидка", "10;100;1000;100", "5;100;500;0", 1400),
        ("Стоимость;Сумма скидки", "1000;100", "500;0", 1400),
        ("Betrag;Rabatt", "1000;100", "500;0", 1400),
    ],
)
def test_a_discount_beside_the_sum_is_asked_about(
    tmp_path: Path, header: str, first: str, second: str, taken_off: int
) -> None:
    file = write(tmp_path / "o.csv", two(header, first, second))
    asked, taken, others = answered(file, tmp_path / "out", "discounts")
    assert asked.report.revenue == taken.report.revenue == 1500
    assert taken_off in [o.report.revenue for o in others]


@pytest.mark.parametrize("header", ["Скидка", "Discount"])
def test_a_discount_beside_quantity_and_price_is_asked_about(tmp_path: Path, header: str) -> None:
    file = write(tmp_path / "o.csv", two(f"Кол-во;Цена;{header}", "10;100;50", "5;100;0"))
    _, first, others = answered(file, tmp_path / "out", "discounts")
    assert [r.report.revenue for r in (first, *others)] == [1000, 1450, 1500]


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("Количество;Цена;Сумма;Скидка", "10;100;900;100", "5;100;500;0"),
        ("Quantity;Unit Price;Line Discount %;Line Amount", "10;100;10;900", "5;100;0;500"),
        ("Subtotal;Discount Amount;Amount", "1000;100;900", "500;0;500"),
        ("Gross Amount;Discount Amount;Net Amount", "1000;100;900", "500;0;500"),
        ("Выручка;Скидка", "900;100", "500;0"),
        ("Сумма со скидкой;Скидка", "900;100", "500;0"),
        ("Сумма документа;Скидка", "900;100", "500;0"),
        ("Сумма;Дисконтная карта;Скидка", "900;К1;0", "500;К2;0"),
        ("Количество;Цена;Скидка", "10;100;0,1", "5;100;0"),
    ],
)
def test_a_discount_that_is_proven_or_said_is_not_asked_about(
    tmp_path: Path, header: str, first: str, second: str
) -> None:
    result = given(tmp_path, two(header, first, second))
    assert result.report.revenue == 1400 and not result.report.questions


def test_what_hangs_on_a_discount(tmp_path: Path) -> None:
    (question,) = given(tmp_path, two("Сумма;Скидка, руб.", "1000;300", "500;0")).report.questions
    assert question.share == pytest.approx(0.2) and "примерно на 20 %" in question.text.ru


def test_a_small_discount_is_told_and_not_asked_about(tmp_path: Path) -> None:
    result = given(tmp_path, two("Сумма;Скидка, руб.", "1000;3", "500;0"))
    assert not result.report.questions and any("меньше 0,5 %" in n.ru for n in result.report.notes)


@pytest.mark.parametrize("how", ["taken", "percent", "sum"])
def test_every_answer_changes_the_revenue(tmp_path: Path, how: str) -> None:
    result = given(tmp_path, two("Сумма;Скидка", "1000;10", "500;0"), {"reading": {"discounts": how}})
    assert result.report.revenue == {"taken": 1500, "percent": 1400, "sum": 1490}[how]


def test_a_return_carries_its_discount_back(tmp_path: Path) -> None:
    result = given(tmp_path, two("Сумма;Скидка", "1000;100", "-1000;100"), {"reading": {"discounts": "sum"}})
    assert result.column("amount") == [900, -900]


def test_parts_of_one_in_a_workbook_are_per_cents(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "o.xlsx"))
    page, share = book.add_worksheet(), book.add_format({"num_format": "0%"})
    page.write_row(0, 0, ["Номер", "Дата", "Клиент", "Сумма", "Скидка"])
    for i in (1, 2):
        page.write_row(i, 0, [f"З-{i}", f"1{i}.01.2024", "Ромашка", 1000])
        page.write_number(i, 4, 0.1, share)
    book.close()
    _, taken, (less,) = answered(tmp_path / "o.xlsx", tmp_path / "out", "discounts")
    assert taken.report.revenue == 2000 and less.report.revenue == 1800
