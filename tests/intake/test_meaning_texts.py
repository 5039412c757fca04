"""Encodings, quoting, dates and proposals: readable or asked about, never garbled in silence."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from audit.errors import AmbiguityError, InputError, SettingsError
from audit.intake.headers import match_headers
from tests.intake.dialects.oldformats import write_xls
from tests.intake.reading import answer, asked, read, refuses, stopped, write

TEXT = "Номер;Дата;Контрагент;Сумма\n" + "".join(
    f"{i};1{i}.01.2024;{name};{100 * i}\n"
    for i, name in enumerate(["ООО Альфа", "ИП Щукин", "Завод «Ёлка»", "Бета-Сервис"], 1)
)
"""Four names: 100 + 200 + 300 + 400 = 1000."""

# ---- encodings


@pytest.mark.parametrize("encoding", ["koi8-r", "mac-cyrillic", "iso8859-5"])
@pytest.mark.parametrize("ascii_header", [True, False])
def test_a_rare_russian_encoding_is_asked_about(tmp_path: Path, encoding: str, ascii_header: bool) -> None:
    text = TEXT.replace("«", '"').replace("»", '"')
    text = text.replace("Номер;Дата;Контрагент;Сумма", "Number;Date;Client;Amount") if ascii_header else text
    file = write(tmp_path / "o.csv", text, encoding)
    error = stopped(file, tmp_path / "out")
    assert answer(error.answer) == {"reading": {"encoding": encoding}} and "ООО Альфа" in error.what.ru and error.others
    result = read(file, tmp_path / "out", answer(error.answer))
    assert result.report.revenue == 1000 and "ИП Щукин" in result.column("client_name")


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp1252", ["Müller GmbH", "Weiß & Söhne", "Größe AG"]),
        ("cp1252", ["Société Générale", "Crédit Léger", "Hôtel du Nord"]),
        ("cp1250", ["Łódź Handel", "Świętokrzyska", "Kraków Żelazo"]),
        ("cp1254", ["Şişli Gıda", "İnşaat A.Ş.", "Doğan Yapı"]),
        ("cp1252", ["Peña Hermanos", "Muñoz y Cía", "Año Nuevo"]),
    ],
)
def test_western_letters_are_asked_about(tmp_path: Path, encoding: str, names: list[str]) -> None:
    rows = [f"{i};1{i}.01.2024;{n};100" for i, n in enumerate(names)]
    file = write(tmp_path / "o.csv", "\n".join(["Order number;Order date;Customer;Amount", *rows]), encoding)
    error = stopped(file, tmp_path / "out")
    lines = [error.answer, *(a.lines for a in error.others)]
    line = next(x for x in lines if encoding in x)
    assert read(file, tmp_path / "out", answer(line)).column("client_name") == names


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "utf-8", "utf-16"])
def test_the_usual_encodings_are_not_asked_about(tmp_path: Path, encoding: str) -> None:
    for text in (
        TEXT,
        TEXT.upper(),
        TEXT.replace("Бета-Сервис", "Acme Ltd"),
        TEXT.replace("Бета-Сервис", "ООО Acmeстрой"),
    ):
        text = (
            text.replace("«", '"')
            .replace("»", '"')
            .replace("НОМЕР;ДАТА;КОНТРАГЕНТ;СУММА", "Номер;Дата;Контрагент;Сумма")
        )
        assert read(write(tmp_path / "o.csv", text, encoding), tmp_path / "out").report.revenue == 1000


# ---- quoting


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-16"])
def test_lines_quoted_as_one_field(tmp_path: Path, delimiter: str, encoding: str) -> None:
    lines = [line.replace('"', '""') for line in TEXT.replace(";", delimiter).splitlines()]
    text = "\r\n".join('"' + line.replace("«Ёлка»", '""Ёлка""') + '"' for line in lines)
    result = read(write(tmp_path / "o.csv", text, encoding), tmp_path / "out")
    assert result.report.revenue == 1000 and 'Завод "Ёлка"' in result.column("client_name")
    assert result.column("source_row") == [2, 3, 4, 5]


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_single_quotes_around_the_fields(tmp_path: Path, delimiter: str) -> None:
    rows = [[*line.split(";")] for line in TEXT.splitlines()]
    rows[2][2] = f"ИП Щукин{delimiter} филиал"
    text = "\n".join(delimiter.join(f"'{c}'" for c in r) for r in rows)
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.revenue == 1000 and len(set(result.column("client_name"))) == 4


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
def test_carriage_returns_with_line_feeds_inside_quotes(tmp_path: Path, encoding: str) -> None:
    rows = TEXT.splitlines()
    rows[1] = '1;11.01.2024;"ООО Альфа\nфилиал";100'
    result = read(write(tmp_path / "o.csv", "\r".join(rows) + "\r", encoding), tmp_path / "out")
    assert result.report.revenue == 1000 and "ООО Альфа филиал" in result.column("client_name")


def test_the_digest_is_that_of_the_file_as_sent(tmp_path: Path) -> None:
    import hashlib

    file = write(tmp_path / "o.csv", "\n".join(f'"{line}"' for line in TEXT.splitlines()))
    result = read(file, tmp_path / "out")
    assert result.report.files[0].sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert result.report.files[0].size_bytes == file.stat().st_size


# ---- dates


@pytest.mark.parametrize(
    "cells",
    [["янв.23", "фев.23", "мар.24"], ["Jan-23", "Feb-23", "Mar-24"], ["Январь 2023", "Февраль 2023 г.", "Март 2024"]],
)
def test_months_without_a_day_are_said(tmp_path: Path, cells: list[str]) -> None:
    rows = [f"{i};{c};Фирма {i % 2};100" for i, c in enumerate(cells)]
    file = write(tmp_path / "o.csv", "\n".join(["Номер;Дата;Клиент;Сумма", *rows]), "cp1251")
    result = read(file, tmp_path / "out")
    assert result.column("order_date") == [dt.date(2023, 1, 1), dt.date(2023, 2, 1), dt.date(2024, 3, 1)]
    settled = read(file, tmp_path / "out", answer(asked(result, "month_dates").answer))
    assert settled.report.rows_used == 3 and not settled.report.questions


def test_a_month_among_days_is_no_date(tmp_path: Path) -> None:
    rows = [*(f"{i};1{i}.01.2024;А;100" for i in range(9)), ";Январь 2024;;900"]
    result = read(write(tmp_path / "o.csv", "\n".join(["Номер;Дата;Клиент;Сумма", *rows])), tmp_path / "out")
    assert result.report.revenue == 900 and result.report.rows_set_aside == 1


@pytest.mark.parametrize("form", [None, "dd.mm.yyyy", "0"])
@pytest.mark.parametrize("from_1904", [True, False])
def test_days_counted_from_1904(tmp_path: Path, form: str | None, from_1904: bool) -> None:
    first = dt.date(1904, 1, 1) if from_1904 else dt.date(1899, 12, 30)
    book = xlsxwriter.Workbook(str(tmp_path / "o.xlsx"), {"date_1904": from_1904})
    page = book.add_worksheet()
    page.write_row(0, 0, ["Номер", "Дата", "Клиент", "Сумма"])
    for i in range(1, 4):
        page.write_string(i, 0, str(i))
        page.write_number(
            i, 1, (dt.date(2024, 1, 10 + i) - first).days, book.add_format({"num_format": form or "General"})
        )
        page.write_row(i, 2, ["А", 100])
    book.close()
    result = read(tmp_path / "o.xlsx", tmp_path / "out")
    assert result.column("order_date") == [dt.date(2024, 1, 11), dt.date(2024, 1, 12), dt.date(2024, 1, 13)]


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("from_1904", [True, False])
def test_days_counted_from_1904_in_an_old_workbook(tmp_path: Path, typed: bool, from_1904: bool) -> None:
    first = dt.date(1904, 1, 1) if from_1904 else dt.date(1899, 12, 30)
    days = [dt.date(2024, 1, 10 + i) for i in range(1, 4)]
    cells = days if typed else [(day - first).days for day in days]
    rows = [["Номер", "Дата", "Клиент", "Сумма"], *([str(i), cell, "А", 100] for i, cell in enumerate(cells))]
    write_xls(tmp_path / "o.xls", rows, from_1904=from_1904)
    assert read(tmp_path / "o.xls", tmp_path / "out").column("order_date") == days


@pytest.mark.parametrize("form", ["«{:02}» {} {} года", '"{:02}" {} {} г.', "{}-го {} {}", "Ср, {} {} {} г."])
def test_spelt_dates_with_quotes(tmp_path: Path, form: str) -> None:
    cells = [form.format(9 + i, month, 2024) for i, month in enumerate(["января", "мая", "декабря"])]
    quoted = ('"' + cell.replace('"', '""') + '"' for cell in cells)
    rows = [f"{i};{cell};Фирма {i % 2};100" for i, cell in enumerate(quoted)]
    file = write(tmp_path / "o.csv", "\n".join(["Номер;Дата;Клиент;Сумма", *rows]), "cp1251")
    result = read(file, tmp_path / "out")
    assert result.column("order_date") == [dt.date(2024, 1, 9), dt.date(2024, 5, 10), dt.date(2024, 12, 11)]


def test_a_weekday_beside_a_date_leaves_the_order_of_day_and_month(tmp_path: Path) -> None:
    rows = [f"{i};{cell};F{i % 2};100" for i, cell in enumerate(["Tue 01/09/2024", "Sat 01/13/2024"])]
    result = read(write(tmp_path / "o.csv", "\n".join(["No;Date;Customer;Amount", *rows])), tmp_path / "out")
    assert result.column("order_date") == [dt.date(2024, 1, 9), dt.date(2024, 1, 13)]


# ---- proposals


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("uuid,title,when,boss,company_x,sum_x", "company_x"),
        ("Шифр,Тема,Когда,Куратор,Фирма клиента,Деньги", "Фирма клиента"),
        ("ref,what,at,who,purchaser,money", "purchaser"),
        ("key,subject,moment,agent,Customer label,Euro", "Customer label"),
        ("Ид,Что,День и час,Кто,Название покупателя по договору,К оплате руб", "Название покупателя по договору"),
    ],
)
def test_the_company_is_proposed(tmp_path: Path, header: str, client: str) -> None:
    rows = [f"D{i},{'Двери' if i % 2 else 'Окна'},2024-01-1{i},U{i % 2},C{i // 3},{100 * (i + 1)}" for i in range(6)]
    file = write(tmp_path / "o.csv", "\n".join([header, *rows]))
    error = stopped(file, tmp_path / "out")
    assert answer(error.answer)["columns"]["client"] == client
    result = read(file, tmp_path / "out", answer(error.answer))
    assert (result.report.revenue, result.report.counts["clients"]) == (2100, 2)


@pytest.mark.parametrize("other", ["Страна", "Country", "Оплачено да/нет", "Уникальный код", "Статус сделки", "Город"])
def test_never_a_country_a_flag_or_a_unique_code(tmp_path: Path, other: str) -> None:
    values = {"Оплачено да/нет": ["да", "нет"], "Уникальный код": [f"X{i}" for i in range(6)]}.get(
        other, ["Россия", "Китай"]
    )
    rows = [f"{i},2024-01-1{i},{values[i % len(values)]},{100 + i}" for i in range(6)]
    with pytest.raises(InputError) as caught:
        read(write(tmp_path / "o.csv", "\n".join([f"Номер,Дата,{other},Сумма", *rows])), tmp_path / "out")
    assert not isinstance(caught.value, AmbiguityError) and other not in str(caught.value.todo)


def test_one_column_given_to_two_fields_is_said(tmp_path: Path) -> None:
    file = write(tmp_path / "o.csv", TEXT)
    with refuses(SettingsError, "given to two fields"):
        read(file, tmp_path / "out", {"columns": {"client": "Контрагент", "manager": "Контрагент"}})


@pytest.mark.parametrize("row", [130, 260])
def test_a_header_far_below_can_be_named(tmp_path: Path, row: int) -> None:
    lines = [f"Текст договора, пункт {i}" for i in range(1, row)] + TEXT.splitlines()
    result = read(write(tmp_path / "o.csv", "\n".join(lines)), tmp_path / "out", {"reading": {"header_row": row}})
    assert result.report.revenue == 1000 and result.report.files[0].header_row == row
    book = xlsxwriter.Workbook(str(tmp_path / "o.xlsx"))
    page = book.add_worksheet()
    for r, line in enumerate(lines):
        page.write_row(r, 0, line.split(";"))
    book.close()
    assert read(tmp_path / "o.xlsx", tmp_path / "out", {"reading": {"header_row": row}}).report.revenue == 1000


# ---- headers


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (
            "Document No.|Posting Date|Sell-to Customer No.|Sell-to Customer Name|Salesperson Code|Quantity|Unit Price|Line Amount",
            "order_id order_date client_id client manager qty price amount",
        ),
        (
            "Sales document|Document Date|Sold-to pt|Net value|Doc. Currency|Created by|Order Quantity|Material",
            "order_id order_date client_id amount currency created_by qty sku",
        ),
        (
            "Belegnr.|Belegdatum|Kundennr.|Kundenname|Nettobetrag|Währung",
            "order_id order_date client_id client amount currency",
        ),
        (
            "Customer account|Created date and time|Sales responsible|Requested ship date|Confirmed ship date|Net amount",
            "client_id order_date manager requested_date promised_date amount",
        ),
        ("Document Number|Tran Date|Entity|Sales Rep|Amount", "order_id order_date client manager amount"),
        (
            "orderNumber|orderDate|requiredDate|shippedDate|customerNumber|customerName|quantityOrdered|priceEach",
            "order_id order_date requested_date shipped_date client_id client qty price",
        ),
        ("deal_id|created_at|manager_id|company_id|expected_amount", "order_id order_date manager client_id amount"),
    ],
)
def test_headers_of_other_systems(header: str, fields: str) -> None:
    plan = match_headers(header.split("|"), {})
    assert [
        next((f for f, at in plan.chosen.items() if at == i), None) for i in range(len(plan.columns))
    ] == fields.split()
    assert not plan.rivals


def test_the_fatal_lack_is_said_before_any_question(tmp_path: Path) -> None:
    """Two sums to choose from are no question while there is no date at all."""
    text = "Номер;Клиент;Сумма;Сумма с НДС\n1;Альфа;100;120\n2;Бета;200;240\n"
    with refuses(InputError, "A required column is missing: “order date”"):
        read(write(tmp_path / "o.csv", text), tmp_path / "out")
