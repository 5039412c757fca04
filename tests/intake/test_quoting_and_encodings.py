"""Text files written in a way of their own: encodings that must be asked about, odd quoting, months without a day."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest
import xlsxwriter

from tests.intake.reading import asked, read, stopped, write

NAMES = {
    "ru": ["ООО Ромашка и товарищи", "Завод Вектор", "Торговый дом Щука", "Молочный комбинат"],
    "de": ["Müller GmbH", "Größe & Söhne", "Bäcker AG", "Straße KG"],
    "pl": ["Łódź Sp", "Żółw", "Ślązak", "Gęś"],
    "tr": ["İstanbul Ş", "Güneş", "Çağdaş", "Öğün"],
    "fr": ["Société Générale", "Crème Brûlée", "Hôtel Français", "Évêque"],
}


@pytest.mark.parametrize(
    ("encoding", "language"),
    [
        ("koi8-r", "ru"),
        ("mac-cyrillic", "ru"),
        ("iso8859-5", "ru"),
        ("cp855", "ru"),
        ("cp1252", "de"),
        ("mac-roman", "de"),
        ("cp850", "de"),
        ("cp1250", "pl"),
        ("cp852", "pl"),
        ("iso8859-2", "pl"),
        ("cp1254", "tr"),
        ("cp1252", "fr"),
        ("cp850", "fr"),
    ],
)
def test_the_first_guess_of_an_encoding_reads_the_names(tmp_path: Path, encoding: str, language: str) -> None:
    names = NAMES[language]
    head = "Номер;Дата;Клиент;Сумма" if language == "ru" else "No;Date;Customer;Amount"
    rows = "".join(f"{i};0{i}.01.2024;{name};{100 * i}\n" for i, name in enumerate(names, 1))
    file = write(tmp_path / "o.csv", f"{head}\n{rows}", encoding)
    error = stopped(file, tmp_path / "out")
    assert len(error.others) >= 1 and names[0].split()[0] in error.what.ru
    assert read(file, tmp_path / "out", tomllib.loads(error.answer)).column("client_name") == names


ROWS = [
    ["Номер", "Дата", "Клиент", "Сумма"],
    ["1", "09.01.2024", 'ООО "Ромашка, и Ко"', "1000"],
    ["2", "19.01.2024", "Вектор", "250,50"],
]


def inner(cells: list[str], mark: str, quote: str = '"') -> str:
    return mark.join(f"{quote}{c.replace(quote, quote * 2)}{quote}" if mark in c or quote in c else c for c in cells)


def whole(line: str) -> str:
    return '"' + line.replace('"', '""') + '"'


def form(how: str) -> str:
    lines = [inner(cells, "," if how != "semicolons" else ";") for cells in ROWS]
    if how in ("plain", "semicolons"):
        return "\n".join(map(whole, lines)) + "\n"
    if how == "crlf":
        return "\ufeff" + "\r\n".join(map(whole, lines)) + "\r\n"
    if how == "title":
        return "Отчёт о продажах\n\n" + "\n".join(map(whole, lines))
    if how == "bare header":
        return lines[0] + "\n" + "\n".join(map(whole, lines[1:]))
    return "\n".join(f"{whole(line)};;;" for line in lines)


@pytest.mark.parametrize("how", ["plain", "semicolons", "crlf", "title", "bare header", "resaved"])
def test_lines_quoted_as_a_whole(tmp_path: Path, how: str) -> None:
    result = read(write(tmp_path / "o.csv", form(how)), tmp_path / "out")
    assert result.report.revenue == 1250.5 and result.column("client_name") == ['ООО "Ромашка, и Ко"', "Вектор"]


@pytest.mark.parametrize("mark", [";", ",", "\t", "|"])
@pytest.mark.parametrize("every", [True, False])
def test_single_quotes_around_fields(tmp_path: Path, mark: str, every: bool) -> None:
    name = f"O'Neil{mark} Inc"
    rows = [
        ["No", "Date", "Customer", "Amount"],
        ["1", "2024-01-19", name, "1000.50"],
        ["2", "2024-01-20", "Beta", "250.00"],
    ]
    lines = [
        mark.join(f"'{c.replace(chr(39), chr(39) * 2)}'" if every or mark in c else c for c in cells) for cells in rows
    ]
    result = read(write(tmp_path / "o.csv", "\n".join(lines) + "\n"), tmp_path / "out")
    assert result.report.revenue == 1250.5 and result.column("client_name")[0].split() == name.split()


def test_apostrophes_in_names_are_no_quotes(tmp_path: Path) -> None:
    text = "No,Date,Customer,Amount\n1,2024-01-19,'t Hart BV,10\n2,2024-01-20,O'Neil,20\n3,2024-01-20,Beta's,30\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.column("client_name") == ["'t Hart BV", "O'Neil", "Beta's"] and result.report.revenue == 60


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-16"])
@pytest.mark.parametrize("breaks", [1, 5])
def test_lines_that_end_with_cr_and_hold_lf(tmp_path: Path, encoding: str, breaks: int) -> None:
    name = "ООО\n" + "Рома\nшка " * (breaks // 2) + "и Ко"
    text = f'Номер;Дата;Клиент;Сумма\r1;09.01.2024;"{name}";1000\r2;19.01.2024;"Век\nтор";250\r'
    result = read(write(tmp_path / "o.csv", text, encoding), tmp_path / "out")
    assert result.report.revenue == 1250 and result.column("client_name")[1] == "Век тор"


@pytest.mark.parametrize(
    "month", ["янв.23", "Январь 2023 г.", "Jan-23", "01.2023", "2023-01", "1/2023", "2023 январь", "янв.-23"]
)
def test_a_month_and_no_day(tmp_path: Path, month: str) -> None:
    file = write(tmp_path / "o.csv", f"Номер;Дата;Клиент;Сумма\n1;{month};Ромашка;1000\n2;{month};Вектор;250\n")
    result = read(file, tmp_path / "out")
    question = asked(result, "month_dates")
    assert result.column("order_date") == [dt.date(2023, 1, 1)] * 2
    settled = read(file, tmp_path / "out", tomllib.loads(question.answer))
    assert settled.column("order_date") == [dt.date(2023, 1, 1)] * 2 and not settled.report.questions


@pytest.mark.parametrize("form", ["General", "dd.mm.yyyy", "0", "mmm.yy", "yyyy-mm-dd;@"])
def test_days_from_1904_in_any_format(tmp_path: Path, form: str) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "o.xlsx"), {"date_1904": True})
    page, shown = book.add_worksheet(), book.add_format({"num_format": form})
    page.write_row(0, 0, ["Номер", "Дата", "Клиент", "Сумма"])
    for i in range(1, 9):
        page.write_row(i, 0, [f"З-{i}", "", "Ромашка", 100])
        page.write_number(i, 1, (dt.date(2024, 1, i) - dt.date(1904, 1, 1)).days, shown)
    book.close()
    result = read(tmp_path / "o.xlsx", tmp_path / "out")
    assert result.column("order_date") == [dt.date(2024, 1, i) for i in range(1, 9)]
