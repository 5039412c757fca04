"""Exports of programs as their headers come: each is read right, or one question is asked whose lines lead there."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from audit.errors import AmbiguityError
from tests.intake.reading import asked, read, stopped, write

# Program: header, two rows (9 January, 900; 19 January, 250.5), what is read: number, client, manager of the first row.
EXPORTS = {
    "business central ledger": (
        "Posting Date,Document Type,Document No.,Customer No.,Customer Name,Currency Code,Original Amount,Amount,"
        "Amount (LCY),Remaining Amount,Due Date,Open",
        "2024-01-09,Invoice,103001,10000,Alpha,,900.00,900.00,900.00,0.00,2024-02-09,No",
        "2024-01-19,Invoice,103002,20000,Beta,,250.50,250.50,250.50,0.00,2024-02-19,No",
        ("103001", "Alpha", None),
    ),
    "sap orders": (
        "Sales Doc.;Item;Sold-to pt;Name 1;Doc. Date;Material;Order Quantity;SU;Net value;Curr.;Created by;SOrg.;Dlv.Date",
        "4711;10;C1;Alpha;09.01.2024;M-1;2;PC;900,00;EUR;MILLER;1000;20.01.2024",
        "4712;10;C2;Beta;19.01.2024;M-2;1;PC;250,50;EUR;SMITH;1000;30.01.2024",
        ("4711", "Alpha", None),
    ),
    "sap billing": (
        "Bill.Doc.;BillT;Sold-to party;Payer;Billing Date;Net Value;Curr.;Created By",
        "90001;F2;Alpha;C1;09.01.2024;900,00;EUR;MILLER",
        "90002;F2;Beta;C2;19.01.2024;250,50;EUR;SMITH",
        ("90001", None, None),
    ),
    "dynamics finance": (
        "Sales order,Customer account,Customer name,Invoice account,Order type,Status,Created date and time,"
        "Requested ship date,Sales responsible,Sales taker,Line amount,Currency",
        "000697,US-001,Alpha,US-001,Sales order,Invoiced,2024-01-09 10:00,2024-01-20,Julia,Karl,900.00,USD",
        "000698,US-002,Beta,US-002,Sales order,Invoiced,2024-01-19 11:00,2024-01-25,Julia,Karl,250.50,USD",
        ("000697", "Alpha", "Julia"),
    ),
    "dynamics sales": (
        "Order ID,Name,Customer,Potential Customer,Total Amount,Total Discount Amount,Status Reason,Created On,Owner,Currency",
        "ORD-01,Bikes,Alpha,Alpha,900.00,10.00,Invoiced,2024-01-09,Julia,US Dollar",
        "ORD-02,Locks,Beta,Beta,250.50,0.00,Invoiced,2024-01-19,Ben,US Dollar",
        ("ORD-01", "Alpha", "Julia"),
    ),
    "netsuite": (
        "Date,Period,Type,Document Number,Name,Account,Memo,Amount,Sales Rep,Status",
        "2024-01-09,Jan 2024,Invoice,INV100,Alpha,4000 Sales,,900.00,Julia,Paid In Full",
        "2024-01-19,Jan 2024,Invoice,INV101,Beta,4000 Sales,,250.50,Ben,Open",
        ("INV100", "Alpha", "Julia"),
    ),
    "amocrm": (
        "ID;Название сделки;Компания;Основной контакт;Компания контакта;Ответственный;Этап сделки;Бюджет ;"
        "Дата создания сделки;Кем создана сделка;Дата редактирования;Дата закрытия;Теги",
        "1;С 1;Alpha;Иванов;Alpha;Julia;Успешно реализовано;900;09.01.2024 10:00:00;Петров;10.01.2024;15.01.2024 10:00:00;",
        "2;С 2;Beta;Сидоров;Beta;Ben;Успешно реализовано;250,5;19.01.2024 10:00:00;Котов;20.01.2024;не закрыта;",
        ("1", "Alpha", "Julia"),
    ),
    "bitrix24": (
        "ID;Воронка;Стадия сделки;Название сделки;Сумма;Валюта;Компания;Контакт;Ответственный;Дата создания;Кем создана;"
        "Дата изменения;Дата начала;Дата закрытия;Источник;Вероятность;Повторная сделка",
        "1;Общая;Сделка успешна;П;900;RUB;Alpha;И;Julia;09.01.2024 10:00:00;Петров;10.01.2024;09.01.2024;15.01.2024;Звонок;100;N",
        "2;Общая;Сделка успешна;П;250.50;RUB;Beta;С;Ben;19.01.2024 10:00:00;Котов;20.01.2024;19.01.2024;25.01.2024;Звонок;100;N",
        ("1", "Alpha", "Julia"),
    ),
    "moysklad": (
        "№;Время;Контрагент;Организация;Сумма;Валюта;Выставлено счетов;Оплачено;Отгружено;План. дата отгрузки;Статус;"
        "Владелец-сотрудник;Когда изменён;Кто изменил",
        "00001;09.01.2024 10:00;Alpha;ООО Мы;900,00;руб;900,00;900,00;900,00;20.01.2024;Отгружен;Julia;;",
        "00002;19.01.2024 10:00;Beta;ООО Мы;250,50;руб;250,50;0;0;20.01.2024;Отгружен;Ben;;",
        ("00001", "Alpha", "Julia"),
    ),
    "1c orders": (
        "Номер;Дата;Сумма;Валюта;Клиент;Текущее состояние;Срок выполнения;% оплаты;% отгрузки;% долга;Менеджер;Операция;"
        "Организация;Склад",
        "0000-000001;09.01.2024;900,00;RUB;Alpha;Закрыт;;100;100;0;Julia;Реализация;ООО Мы;Основной",
        "0000-000002;19.01.2024;250,50;RUB;Beta;Закрыт;;100;100;0;Ben;Реализация;ООО Мы;Основной",
        ("0000-000001", "Alpha", "Julia"),
    ),
    "1c gross profit": (
        "Номенклатура;Клиент;Менеджер;Документ продажи;Количество;Выручка;Себестоимость;Валовая прибыль;Рентабельность, %",
        "Болт;Alpha;Julia;Реализация товаров и услуг 0000-000001 от 09.01.2024 10:00:00;10;900,00;600,00;300,00;33,33",
        "Гайка;Beta;Ben;Реализация товаров и услуг 0000-000002 от 19.01.2024 10:00:00;5;250,50;200,00;50,50;20,16",
        ("0000-000001", "Alpha", "Julia"),
    ),
    "shopify": (
        "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Created at,"
        "Lineitem quantity,Lineitem name,Lineitem price,Billing Name,Billing Company,Refunded Amount,Id",
        "#1001,a@a.a,paid,2024-01-09,USD,900.00,0.00,0.00,900.00,,5.00,2024-01-09,2,Pump,452.50,Ann,Alpha,0.00,11",
        "#1002,b@b.b,paid,2024-01-19,USD,250.50,0.00,0.00,250.50,,0.00,2024-01-19,1,Valve,250.50,Bob,Beta,0.00,12",
        ("#1001", "Alpha", None),
    ),
    "woocommerce": (
        "Order ID,Order Number,Order Date,Paid Date,Status,Shipping Total,Order Total,Order Currency,Customer ID,"
        "Billing First Name,Billing Company,Item Name,Item Quantity,Item Total",
        "1,1001,2024-01-09,2024-01-09,completed,0,900.00,USD,7,Ann,Alpha,Pump,2,900.00",
        "2,1002,2024-01-19,2024-01-19,completed,0,250.50,USD,8,Bob,Beta,Valve,1,250.50",
        ("1", "Alpha", None),
    ),
    "odoo": (
        "Order Reference,Creation Date,Order Date,Customer,Salesperson,Company,Total,Invoice Status,Status",
        "S00001,2024-01-08,2024-01-09,Alpha,Julia,My Company,900.00,Fully Invoiced,Sales Order",
        "S00002,2024-01-18,2024-01-19,Beta,Ben,My Company,250.50,Fully Invoiced,Sales Order",
        ("S00001", "Alpha", "Julia"),
    ),
    "quickbooks": (
        "Date,Transaction Type,Num,Posting,Name,Memo/Description,Account,Split,Amount,Balance",
        "01/09/2024,Invoice,1001,Yes,Alpha,,Accounts Receivable,Sales,900.00,900.00",
        "01/19/2024,Invoice,1002,Yes,Beta,,Accounts Receivable,Sales,250.50,1150.50",
        ("1001", "Alpha", None),
    ),
    "salesforce": (
        "Opportunity Owner,Account Name,Opportunity Name,Stage,Amount,Expected Revenue,Probability (%),Age,Created Date,Type",
        "Julia,Alpha,D1,Closed Won,900.00,900.00,100,5,2024-01-09,New Business",
        "Ben,Beta,D2,Closed Won,250.50,250.50,100,5,2024-01-19,Existing Business",
        (None, "Alpha", "Julia"),
    ),
    "hubspot": (
        "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Pipeline,Create Date,Associated Company,"
        "Associated Company IDs",
        "1,D1,Closed Won,2024-01-29 10:00,Julia,900,Sales,2024-01-09 10:00,Alpha,77",
        "2,D2,Closed Won,2024-01-29 10:00,Ben,250.5,Sales,2024-01-19 10:00,Beta,78",
        ("1", "Alpha", "Julia"),
    ),
    "zoho crm": (
        "Record Id,Deal Name,Account Name,Amount,Stage,Closing Date,Deal Owner,Created Time,Contact Name,Type",
        "z1,D1,Alpha,900,Closed Won,2024-01-29,Julia,2024-01-09 10:00:00,Ann,New",
        "z2,D2,Beta,250.5,Closed Won,2024-01-29,Ben,2024-01-19 10:00:00,Bob,New",
        ("z1", "Alpha", "Julia"),
    ),
    "zoho books": (
        "Invoice Date,Invoice ID,Invoice Number,Invoice Status,Customer ID,Customer Name,Currency Code,Item Name,Quantity,"
        "Item Price,Item Total,SubTotal,Total,Balance,Sales person",
        "2024-01-09,9,INV-1,Closed,C1,Alpha,USD,Pump,2,450.00,900.00,900.00,900.00,0,Julia",
        "2024-01-19,10,INV-2,Closed,C2,Beta,USD,Valve,1,250.50,250.50,250.50,250.50,0,Ben",
        ("INV-1", "Alpha", "Julia"),
    ),
}


@pytest.mark.parametrize("program", EXPORTS)
def test_an_export_is_read_as_its_program_means_it(tmp_path: Path, program: str) -> None:
    header, first, second, (number, client, manager) = EXPORTS[program]
    file, settings = write(tmp_path / "export.csv", f"{header}\n{first}\n{second}\n"), {}
    if "01/09/2024" in first:  # American dates are asked about apart
        settings = {"reading": {"date_format": "mm/dd/yyyy"}}
    result = read(file, tmp_path / "out", settings)
    assert not result.report.questions, result.report.questions
    assert result.report.revenue == 1150.5 and result.column("order_date") == [
        dt.date(2024, 1, 9),
        dt.date(2024, 1, 19),
    ]
    assert (result.column("order_id")[0], result.column("client_name")[0]) == (number, client)
    assert manager is None or result.column("manager")[0] == manager


@pytest.mark.parametrize(
    ("rows", "revenue"),
    [
        (
            "Document No.,Sell-to Customer Name,Posting Date,No.,Quantity,Unit Price Excl. VAT,Line Discount %,"
            "Line Amount Excl. VAT,Amount Including VAT\n1,Alpha,2024-01-09,1896-S,2,500,10,900,1080\n"
            "2,Beta,2024-01-19,1900-S,1,250.5,0,250.5,300.6",
            [1150.5, 1380.6],
        ),
        (
            "ContactName,EmailAddress,InvoiceNumber,InvoiceDate,DueDate,Total,TaxTotal,Description,Quantity,UnitAmount,"
            "Discount,LineAmount,Currency,Status\nAlpha,a,INV-1,2024-01-09,2024-02-09,1080,180,Pump,2,450,,900,GBP,Paid\n"
            "Beta,b,INV-2,2024-01-19,2024-02-19,300.6,50.1,Valve,1,250.5,,250.5,GBP,Paid",
            [1380.6, 1150.5],
        ),
        (
            "Номер заказа;Дата заказа;Клиент;Продавец;Сумма без налога;Налоги;Итого\n"
            "S1;2024-01-09;Alpha;М;900;180;1080\nS2;2024-01-19;Beta;М;250,5;50,1;300,6",
            [1150.5, 1380.6],
        ),
        (
            "Регистратор;Период;Партнер;Контрагент;Количество;Сумма продажи, руб.;Сумма с НДС\n"
            "Реализация 00-1 от 09.01.2024;09.01.2024;Alpha;ООО Alpha;1;900;1080\n"
            "Реализация 00-2 от 19.01.2024;19.01.2024;Beta;ООО Beta;1;250,5;300,6",
            [1150.5, 1380.6],
        ),
        (
            "Title,Value,Currency,Status,Organization,Contact person,Owner,Won time,Deal created,ID\n"
            "D1,900,USD,Won,Alpha,Ann,Julia,2024-01-29,2024-01-09,1\nD2,250.5,USD,Won,Beta,Bob,Ben,2024-01-29,2024-01-19,2",
            [1150.5],
        ),
    ],
)
def test_one_question_whose_lines_lead_to_the_values(tmp_path: Path, rows: str, revenue: list[float]) -> None:
    """With tax or without, the document or its line, one's own organisation or the client: a person must say."""
    file = write(tmp_path / "export.csv", rows + "\n")
    error = stopped(file, tmp_path / "out")
    results = [
        read(file, tmp_path / "out", tomllib.loads(line)) for line in (error.answer, *(a.lines for a in error.others))
    ]
    assert [float(r.report.revenue) for r in results] == revenue
    assert all(r.column("client_name") == ["Alpha", "Beta"] for r in results)


def test_the_number_of_shopify_stands_on_every_line(tmp_path: Path) -> None:
    """Its inner number stands on the first line of an order alone, as client and total do."""
    header = EXPORTS["shopify"][0]
    rows = [
        "#1001,a@a.a,paid,2024-01-09,USD,47.00,6.00,3.29,56.29,FALL5,5.00,2024-01-09,2,Print,16.00,Ann,Alpha,0.00,5550000001",
        "#1001,a@a.a,,,,,,,,,,2024-01-09,1,Bag,20.00,,,,",
        "#1002,b@b.b,paid,2024-01-19,USD,25.00,0.00,0.00,25.00,,0.00,2024-01-19,1,Pen,5.00,Bob,Beta,0.00,5550000002",
        "#1002,b@b.b,,,,,,,,,,2024-01-19,2,Bag,10.00,,,,",
    ]
    result = read(write(tmp_path / "orders.csv", "\n".join([header, *rows])), tmp_path / "out")
    assert result.column("order_id") == ["#1001", "#1001", "#1002", "#1002"]
    assert asked(result, "document_sums").taken and round(float(result.report.revenue), 2) == 81.29


@pytest.mark.parametrize(
    "stage", ["Closed Lost", "closedlost", "Closed - Lost", "Lost", "Проиграна", "Quotation", "Quotation Sent"]
)
def test_what_was_lost_or_only_offered_is_no_sale(tmp_path: Path, stage: str) -> None:
    rows = f"Alpha,900.00,2024-01-09,Closed Won\nBeta,250.50,2024-01-19,{stage}\n"
    result = read(write(tmp_path / "o.csv", "Account Name,Amount,Created Date,Stage\n" + rows), tmp_path / "out")
    assert result.report.revenue == 900 and result.reasons() == {"cancelled": 1}


def test_a_list_that_sap_printed_to_a_text_file(tmp_path: Path) -> None:
    ruler = "-" * 60
    rows = [
        "|4711      |C1        |09.01.2024|       1.000,00|EUR  |",
        "|4712      |C2        |19.01.2024|         250,50|EUR  |",
    ]
    head = "|SD Doc.   |Sold-to pt|Doc. Date |      Net Value|Curr.|"
    lines = [
        "List of Sales Orders",
        "",
        ruler,
        head,
        ruler,
        *rows,
        ruler,
        "|*         |          |          |       1.250,50|EUR  |",
        ruler,
    ]
    result = read(write(tmp_path / "list.txt", "\n".join(lines)), tmp_path / "out")
    assert result.report.revenue == 1250.5 and result.column("order_id") == ["4711", "4712"]
    assert set(result.reasons()) <= {"blank_row", "total_row", "subtotal_row"}


@pytest.mark.parametrize("mark", [",", "."])
def test_two_decimal_marks_in_one_column_are_both_read_once_said(tmp_path: Path, mark: str) -> None:
    """A mark with two digits behind it separates the fraction whatever the others do; only «1,250» hangs on the answer."""
    text = "Номер;Дата;Клиент;Сумма\n1;09.01.2024;А;103108,08\n2;19.01.2024;Б;107950.40\n3;20.01.2024;Б;7,5\n"
    file = write(tmp_path / "o.csv", text)
    with pytest.raises(AmbiguityError):
        read(file, tmp_path / "out")
    assert read(file, tmp_path / "out", {"reading": {"decimal": mark}}).report.revenue == 211065.98


@pytest.mark.parametrize(
    ("header", "tax", "basis"),
    [
        ("НДС", "150;15", "include"),
        ("Сумма НДС", "180;18", "exclude"),
        ("VAT", "150;15", "include"),
        ("Taxes", "171;17,1", "exclude"),
        ("Tax amount", "90;18", "exclude"),
    ],
)
def test_a_column_of_the_tax_tells_whether_sums_hold_it(tmp_path: Path, header: str, tax: str, basis: str) -> None:
    first, second = tax.split(";")
    text = f"Номер;Дата;Клиент;Сумма;{header}\n1;09.01.2024;А;900;{first}\n2;19.01.2024;Б;90;{second}\n"
    notes = read(write(tmp_path / "o.csv", text), tmp_path / "out").report.notes
    assert any(f"Amounts {basis} VAT" in n.en for n in notes)


def test_thousands_without_quotes_shift_a_row_and_set_it_aside(tmp_path: Path) -> None:
    text = "No,Date,Customer,Amount,Note\n1,2024-01-29,Alpha,1,700.00,x\n2,2024-01-19,Beta,250.50,y\n3,2024-01-20,Beta,300.50,y\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.reasons() == {"field_count": 1} and result.report.revenue == 551


def test_no_written_for_the_sign_of_numbers(tmp_path: Path) -> None:
    text = "No заказа;Дата;Клиент;Сумма\n11;09.01.2024;Ромашка;5\n12;19.01.2024;Вектор;7\n"
    assert read(write(tmp_path / "o.csv", text), tmp_path / "out").column("order_id") == ["11", "12"]


@pytest.mark.parametrize(
    ("won", "still_open"),
    [("Сделка успешна", "В работе"), ("Успешно реализовано", "Отправлено КП"), ("Closed Won", "Proposal")],
)
def test_open_deals_are_told_with_the_line_that_sets_them_aside(tmp_path: Path, won: str, still_open: str) -> None:
    """900 sold, 100 of 1000 in an open deal."""
    rows = f"Alpha,900.00,2024-01-09,{won}\nBeta,100.00,2024-01-19,{still_open}\nGamma,5.00,2024-01-20,Lost\n"
    file = write(tmp_path / "o.csv", "Account Name,Amount,Created Date,Stage\n" + rows)
    result = read(file, tmp_path / "out")
    (note,) = [n for n in result.report.notes if n.en.startswith("Open deals")]
    assert result.report.revenue == 1000 and "10.0 % of revenue" in note.en and "10,0 % выручки" in note.ru
    line = tomllib.loads(note.en.rpartition(": ")[2].replace("[reading] ", "[reading]\n"))
    settled = read(file, tmp_path / "out", line)
    assert settled.report.revenue == 900
    assert not [n for n in settled.report.notes if n.en.startswith("Open deals")]


def test_orders_in_work_are_no_open_deals(tmp_path: Path) -> None:
    rows = "А;900;09.01.2024;Закрыт\nБ;100;19.01.2024;В работе\n"
    result = read(write(tmp_path / "o.csv", "Контрагент;Сумма;Дата;Статус\n" + rows), tmp_path / "out")
    assert not [n for n in result.report.notes if n.en.startswith("Open deals")]


@pytest.mark.parametrize(
    "header",
    [
        "Заявка;Дата заявки;Клиент;Стоимость заказа",
        "Voucher No.;Date;Party Name;Gross Total",
        "Счёт №;Дата счёта;Покупатель;Сумма счёта",
        "order_number;created_at;customer_name;total_price",
    ],
)
def test_further_headers_are_known(tmp_path: Path, header: str) -> None:
    result = read(
        write(tmp_path / "o.csv", header + "\n1;2024-01-09;Alpha;900\n2;2024-02-19;Beta;100\n"), tmp_path / "out"
    )
    assert result.report.revenue == 1000 and result.column("order_id") == ["1", "2"]
