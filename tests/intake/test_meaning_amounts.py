"""What an amount is: repeated document sums, zeros beside quantity and price, units, currencies, marks between thousands."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from audit.errors import InputError
from tests.intake.dialects.oldformats import write_html, write_xls, write_xml2003
from tests.intake.reading import answer, asked, read, refuses, stopped, write

# ---- the document's sum on each of its lines

LINES = (
    ("1", "10.01.2024", "ООО Альфа", "Болт", "1", "100", "300"),
    ("1", "10.01.2024", "ООО Альфа", "Гайка", "2", "100", "300"),
    ("2", "10.02.2024", "ООО Бета", "Болт", "1", "500", "900"),
    ("2", "10.02.2024", "ООО Бета", "Гайка", "1", "400", "900"),
    ("3", "10.03.2024", "ООО Альфа", "Болт", "1", "200", "200"),
)
"""300 = 1 × 100 + 2 × 100, 900 = 500 + 400: 1400 in all, 2600 if every line counted."""
PRICED = ["Номер", "Дата", "Клиент", "Номенклатура", "Количество", "Цена"]


@pytest.mark.parametrize(
    ("header", "delimiter", "encoding"),
    [
        (["Номер", "Дата", "Клиент", "Номенклатура", "Количество", "Цена", "Сумма документа"], ";", "utf-8"),
        (["Номер", "Дата", "Клиент", "Номенклатура", "Количество", "Цена", "Сумма"], "\t", "cp1251"),
        (["Order number", "Order date", "Customer", "Item", "Quantity", "Unit price", "Order total"], ",", "utf-8"),
        (["Belegnr.", "Belegdatum", "Kunde", "Artikel", "Menge", "Einzelpreis", "Betrag"], ";", "utf-16"),
        (
            ["orderNumber", "orderDate", "customerName", "productCode", "quantityOrdered", "priceEach", "Total Amount"],
            ",",
            "utf-8",
        ),
    ],
)
def test_a_sum_repeated_on_the_lines_counts_once(
    tmp_path: Path, header: list[str], delimiter: str, encoding: str
) -> None:
    text = "\n".join(delimiter.join(cells) for cells in (header, *LINES)) + "\n"
    file = write(tmp_path / "o.csv", text, encoding)
    result = read(file, tmp_path / "out")
    question = asked(result, "document_sums")
    assert question.taken and result.column("amount") == [100, 200, 500, 400, 200]
    confirmed = read(file, tmp_path / "out", answer(question.answer))
    assert confirmed.report.revenue == 1400 and not confirmed.report.questions
    denied = read(file, tmp_path / "out", answer(question.others[0].lines))
    assert denied.report.revenue == 2600 and not denied.report.questions


def test_a_list_pasted_below_itself_is_no_sum_of_documents(tmp_path: Path) -> None:
    rows = [f"{i};{1 + i % 28}.{1 + i % 12:02d}.2024;ООО {i % 9};{100 + i}" for i in range(100)]
    file = write(tmp_path / "o.csv", "\n".join(["Номер;Дата;Клиент;Сумма", *rows, *rows[20:60]]) + "\n")
    question = asked(read(file, tmp_path / "out"), "repeated_rows")
    assert [q.kind for q in read(file, tmp_path / "out").report.questions] == ["repeated_rows"]
    true = sum(100 + i for i in range(100))
    assert read(file, tmp_path / "out", answer(question.answer)).report.revenue == true
    # whoever says both loses nothing: the two equal halves of a document's sum are no repeated rows
    both = '[reading]\ndocument_sums = ["o.csv"]\nrepeated_rows = "drop"'
    assert read(file, tmp_path / "out", answer(both)).report.revenue == true


def test_without_prices_the_header_says_so_and_the_sum_is_divided_equally(tmp_path: Path) -> None:
    rows = [(*r[:4], r[6]) for r in LINES]
    text = "\n".join(";".join(r) for r in (["Номер", "Дата", "Клиент", "Товар", "Сумма документа"], *rows))
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert asked(result, "document_sums").taken and result.column("amount") == [150, 150, 450, 450, 200]


def test_lines_of_a_document_need_not_stand_together(tmp_path: Path) -> None:
    rows = [LINES[0], LINES[2], LINES[1], LINES[3]]
    text = "\n".join(";".join(r) for r in ([*PRICED, "Сумма"], *rows))
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert asked(result, "document_sums").taken and result.column("amount") == [100, 500, 200, 400]


def test_equal_lines_of_their_own_price_are_not_asked_about(tmp_path: Path) -> None:
    """Two lines of 100 each in every document: each is its own quantity × price."""
    rows = [f"{i};1{i % 10}.01.2024;А;Т{k};1;100;100" for i in range(30) for k in range(2)]
    text = "\n".join([";".join([*PRICED, "Сумма"]), *rows])
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert not result.report.questions and result.report.revenue == 6000


def test_many_documents_of_equal_lines_without_a_price_are_asked_about(tmp_path: Path) -> None:
    rows = [f"{i};1{i % 10}.01.2024;А;Т{k};{100 + i}" for i in range(30) for k in range(2)]
    text = "\n".join(["Номер;Дата;Клиент;Товар;Сумма", *rows])
    file = write(tmp_path / "o.csv", text)
    result = read(file, tmp_path / "out")
    question = asked(result, "document_sums")
    every = 2 * sum(100 + i for i in range(30))
    assert not question.taken and result.report.revenue == every and question.share == pytest.approx(0.5)
    assert read(file, tmp_path / "out", answer(question.answer)).report.revenue == every / 2
    assert read(file, tmp_path / "out", answer(question.others[0].lines)).report.revenue == every


def test_what_hangs_on_repeated_sums_is_a_share_of_all_files(tmp_path: Path) -> None:
    text = "\n".join(";".join(r) for r in ([*PRICED, "Сумма"], *LINES))
    folder = tmp_path / "files"
    folder.mkdir()
    write(folder / "o.csv", text)
    write(folder / "p.csv", "Номер;Дата;Клиент;Сумма\n71;10.05.2024;ООО Гамма;1000\n")
    result = read(folder, tmp_path / "out")
    assert result.report.revenue == 2400 and asked(result, "document_sums").share == pytest.approx(1200 / 2400)


# ---- nobody calculated the amounts


@pytest.mark.parametrize("kind", ["xlsx", "xls", "xml", "html", "csv"])
@pytest.mark.parametrize(
    "names", [("Количество", "Цена"), ("Order Quantity", "Unit Price"), ("quantityOrdered", "priceEach")]
)
def test_zeros_beside_quantity_and_price(tmp_path: Path, kind: str, names: tuple[str, str]) -> None:
    table = [["Номер", "Дата", "Клиент", *names, "Сумма"]]
    table += [[str(i), dt.date(2024, i, 10), "ООО Альфа", 2, 50 * i, 0] for i in range(1, 4)]  # type: ignore[list-item]
    file = tmp_path / ("o.csv" if kind == "csv" else "o.xls")
    if kind == "xlsx":
        file = tmp_path / "o.xlsx"
        book = xlsxwriter.Workbook(str(file), {"default_date_format": "dd.mm.yyyy"})
        page = book.add_worksheet()
        for r, cells in enumerate(table):
            for c, value in enumerate(cells):
                if r and c == 5:
                    page.write_formula(r, c, f"=D{r + 1}*E{r + 1}", None, 0)
                elif isinstance(value, dt.date):
                    page.write_datetime(r, c, dt.datetime.combine(value, dt.time()))
                else:
                    page.write(r, c, value)
        book.close()
    elif kind == "csv":
        write(file, "\n".join(";".join(str(c) for c in r) for r in table))
    else:
        {"xls": write_xls, "xml": write_xml2003}.get(
            kind, lambda p, t: write_html(p, [[str(c) for c in r] for r in t])
        )(file, table)  # type: ignore[operator]
    result = read(file, tmp_path / "out")
    question = asked(result, "empty_amounts")
    assert question.taken and result.report.revenue == 2 * 50 * (1 + 2 + 3)
    assert read(file, tmp_path / "out", answer(question.answer)).report.revenue == 600
    assert read(file, tmp_path / "out", answer(question.others[0].lines)).report.revenue == 0


def test_formulas_without_values_can_be_answered(tmp_path: Path) -> None:
    def book(priced: bool) -> Path:
        file = tmp_path / f"{priced}.xlsx"
        work = xlsxwriter.Workbook(str(file))
        page = work.add_worksheet()
        page.write_row(
            0, 0, ["Номер", "Дата", "Контрагент", "Сумма", *(["Количество", "Цена"] if priced else ["А", "Б"])]
        )
        for i in range(1, 5):
            page.write_row(i, 0, [f"N{i}", "01.02.2024", "А"])
            page.write_formula(i, 3, f"=E{i + 1}*F{i + 1}", None, "")
            page.write_row(i, 4, [2, 3])
        work.close()
        return file

    error = stopped(book(True), tmp_path / "out")
    assert read(book(True), tmp_path / "out", answer(error.answer)).report.revenue == 24
    with refuses(InputError, "formulas without values"):
        read(book(False), tmp_path / "out")


def test_an_amount_missing_in_some_rows_only_is_no_question(tmp_path: Path) -> None:
    text = ";".join([*PRICED, "Сумма"]) + "\n1;10.01.2024;А;Т;2;50;\n2;11.01.2024;А;Т;2;60;120\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.revenue == 220 and not result.report.questions


# ---- points or commas between thousands in every cell


@pytest.mark.parametrize(
    ("cells", "whole", "fraction"),
    [
        (["10.843", "7.000", "63.680"], 81523, "81.523"),
        (["1.234", "500", "2.000"], 3734, "503.234"),
        (["125.000 €", "10.500 €", "1.000 €"], 136500, "136.5"),
        (["R$ 1.500", "R$ 2.750", "R$ 10.000"], 14250, "14.25"),
        (["1,234", "5,678", "9,000"], 15912, "15.912"),
    ],
)
def test_three_digits_after_the_only_mark_are_asked_about(
    tmp_path: Path, cells: list[str], whole: int, fraction: str
) -> None:
    rows = [f"{i}\t1{i}.01.2024\tKunde {i % 2}\t{c}" for i, c in enumerate(cells)]
    file = write(tmp_path / "o.csv", "\n".join(["Belegnr.\tBelegdatum\tKunde\tBetrag", *rows]))
    error = stopped(file, tmp_path / "out")
    (other,) = error.others
    assert read(file, tmp_path / "out", answer(error.answer)).report.revenue == whole
    assert str(read(file, tmp_path / "out", answer(other.lines)).report.revenue) == fraction


def test_numbers_of_a_workbook_are_never_asked_about(tmp_path: Path) -> None:
    table = [
        ["Номер", "Дата", "Клиент", "Сумма"],
        ["1", dt.date(2024, 1, 10), "А", 10.843],
        ["2", dt.date(2024, 1, 11), "А", 7.125],
    ]
    write_xls(tmp_path / "o.xls", table)  # type: ignore[arg-type]
    assert read(tmp_path / "o.xls", tmp_path / "out").report.revenue == 17.968


def test_weighed_quantities_are_no_question(tmp_path: Path) -> None:
    text = "Номер;Дата;Клиент;Количество;Сумма\n1;10.01.2024;А;1.250;100\n2;11.01.2024;А;2.500;200\n"
    assert read(write(tmp_path / "o.csv", text), tmp_path / "out").column("qty") == [1.25, 2.5]


# ---- the unit of money above the table


@pytest.mark.parametrize(
    "title",
    [
        "Единица измерения: тыс. руб.",
        "Отчет по продажам, тыс. рублей",
        "Sales report (in thousands)",
        "Amounts in USD thousand",
        "Umsatz in Tsd. EUR",
        "Все суммы в тысячах рублей",
    ],
)
def test_the_title_says_thousands(tmp_path: Path, title: str) -> None:
    text = f"{title}\n\nНомер;Дата;Клиент;Сумма\n1;10.01.2024;А;100,5\n2;11.01.2024;Б;200,25\n"
    file = write(tmp_path / "o.csv", text)
    result = read(file, tmp_path / "out")
    assert result.report.revenue == 300750 and any("money_unit = 1" in n.ru for n in result.report.notes)
    assert read(file, tmp_path / "out", {"reading": {"money_unit": 1}}).report.revenue == 300.75


@pytest.mark.parametrize(
    "title",
    ["Отбор: сумма больше 100 тыс. руб.", "Клиенты с выручкой от 5 млн руб.", "Тысяча мелочей ООО", "Period 2024"],
)
def test_a_number_of_thousands_in_the_title_is_no_unit(tmp_path: Path, title: str) -> None:
    text = f"{title}\n\nНомер;Дата;Клиент;Сумма\n1;10.01.2024;А;100,5\n"
    assert read(write(tmp_path / "o.csv", text), tmp_path / "out").report.revenue == 100.5


def test_the_unit_can_be_given(tmp_path: Path) -> None:
    text = "Номер;Дата;Клиент;Сумма\n1;10.01.2024;А;1,5\n"
    file = write(tmp_path / "o.csv", text)
    assert read(file, tmp_path / "out", {"reading": {"money_unit": 1000000}}).report.revenue == 1_500_000


# ---- what stands inside the cells


@pytest.mark.parametrize(
    ("cells", "revenue"),
    [
        (["100,5 тыс. руб.", "1,2 млн руб.", "500 руб."], 1_301_000),
        (["10,00,000.00", "1,50,000.00", "500.00"], 1_150_500),
        (["1 000.00 Cr", "500.00 Cr", "200.00 Dr"], 1_300),
        (["1.5k", "2k", "0.5k"], 4_000),
        (["1 000 грн", "2 000 грн.", "500 грн"], 3_500),
        (["₹1,00,000", "₹2,50,000", "₹500"], 350_500),
    ],
)
def test_units_and_sides_in_cells(tmp_path: Path, cells: list[str], revenue: int) -> None:
    rows = [f"{i}\t1{i}.01.2024\tА\t{c}" for i, c in enumerate(cells)]
    result = read(
        write(tmp_path / "o.txt", "\n".join(["Номер\tДата\tКлиент\tСумма", *rows]), "utf-16"), tmp_path / "out"
    )
    assert result.report.revenue == revenue and result.report.rows_used == 3


def test_a_ledger_of_debits_is_turned_when_asked(tmp_path: Path) -> None:
    rows = [f"{i};1{i}.01.2024;A;{100 * i}.00 Dr" for i in range(1, 5)]
    file = write(tmp_path / "o.csv", "\n".join(["Order number;Order date;Customer;Amount", *rows]))
    error = stopped(file, tmp_path / "out")
    assert read(file, tmp_path / "out", answer(error.answer)).report.revenue == 1000


@pytest.mark.parametrize(
    ("cells", "main", "revenue"),
    [
        (["1 000,00 ₽", "1 000,00 $", "2 000,00 ₽", "4 000,00 €"], "RUB", 3000),
        (["100 USD", "200 USD", "300 EUR", "400 USD"], "USD", 700),
        (["€ 10,50", "€ 20,50", "£ 5,00", "€ 1,00"], "EUR", 32),
        (["100 тенге", "200 тенге", "300 руб.", "400 тенге"], "KZT", 700),
        (["10 zł", "20 zł", "30 €", "40 zł"], "PLN", 70),
    ],
)
def test_currencies_in_the_cells(tmp_path: Path, cells: list[str], main: str, revenue: float) -> None:
    table = [["Номер", "Дата", "Клиент", "Сумма"], *([str(i), f"1{i}.01.2024", "А", c] for i, c in enumerate(cells))]
    write_html(tmp_path / "o.xls", table)
    result = read(tmp_path / "o.xls", tmp_path / "out")
    question = asked(result, "currencies")
    assert question.answer == f'[company]\ncurrency = "{main}"' and result.report.revenue == revenue
    assert result.reasons() == {"foreign_currency": 4 - len(result.lines)} and set(result.column("currency")) == {main}
    other = read(tmp_path / "o.xls", tmp_path / "out", answer(question.others[0].lines))
    assert not other.report.questions and other.report.revenue != revenue


def test_one_currency_in_every_cell_is_no_question(tmp_path: Path) -> None:
    text = "Номер;Дата;Клиент;Сумма\n1;10.01.2024;А;100,00 $\n2;11.01.2024;Б;200\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert not result.report.questions and result.column("currency") == ["USD", None]


# ---- never a cost or a price


@pytest.mark.parametrize(
    "header",
    [
        "OrderNumber,OrderDate,_CustomerID,Order Quantity,Unit Cost,Unit Price",
        "orderNumber,orderDate,customerNumber,quantityOrdered,buyPrice,priceEach",
        "Document No.,Posting Date,Sell-to Customer No.,Quantity,Unit Cost (LCY),Unit Price",
        "Номер,Дата,Код клиента,Количество,Себестоимость единицы,Цена продажи",
        "Belegnr.,Belegdatum,Kundennr.,Menge,Einkaufspreis,Einzelpreis",
    ],
)
def test_quantity_times_price_with_other_words(tmp_path: Path, header: str) -> None:
    text = header + "\nS1,2023-01-05,C1,10,60,100\nS2,2023-02-15,C2,5,60,100\n"
    assert read(write(tmp_path / "o.csv", text), tmp_path / "out").report.revenue == 1500


@pytest.mark.parametrize(
    "other", ["Unit Cost", "Цена", "Себестоимость", "Freight", "Discount %", "VAT", "Остаток долга"]
)
def test_a_cost_is_never_proposed_as_the_amount(tmp_path: Path, other: str) -> None:
    text = f"Номер,Дата,Клиент,{other}\n" + "".join(f"{i},2024-01-1{i},К{i % 2},{100 + i}\n" for i in range(6))
    with pytest.raises(InputError) as caught:
        read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert f'amount = "{other}"' not in "\n".join(caught.value.lines("en"))
