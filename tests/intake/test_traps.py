"""Traps met by trying files from outside: each was once misread in silence, or asked with a line that did not help."""

from __future__ import annotations

import datetime as dt
import sqlite3
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from audit.errors import AmbiguityError, InputError
from audit.run.inputs import engagement_inputs
from tests.intake.reading import read, refuses, write

HEADER = "Номер;Дата;Клиент;Сумма"
INN = ("7707083893", "5003052454", "7728168971")


def day(i: int) -> dt.date:
    return dt.date(2023, 1, 1) + dt.timedelta(days=2 * i)


def text(row: Callable[[int], str], header: str = HEADER, n: int = 40) -> str:
    return "\n".join([header, *(row(i) for i in range(n))]) + "\n"


def test_numbers_rounded_by_excel_do_not_merge_clients(tmp_path: Path) -> None:
    """«7,70708E+09» stands for thousands of ИНН: the name tells the clients apart."""
    body = text(lambda i: f"{i};{day(i)};7,70708E+09;Фирма {i % 6};5", "Номер;Дата;ИНН;Контрагент;Сумма")
    result = read(write(tmp_path / "o.csv", body), tmp_path / "out")
    assert len(set(result.column("client_key"))) == 6
    assert any("Excel округлил" in n.ru and "строк: 40" in n.ru for n in result.report.notes)
    body = text(lambda i: f"{i};{day(i)};7.70708E+09;5", "Номер;Дата;ИНН;Сумма")
    with refuses(InputError, "no client"):
        read(write(tmp_path / "o.csv", body), tmp_path / "out")


def test_sums_in_thousands_are_taken_as_their_header_says(tmp_path: Path) -> None:
    body = text(lambda i: f"{i};{day(i)};К;1,5;1,2", "Номер;Дата;Клиент;Сумма, тыс. руб.;Себестоимость, млн руб", 2)
    result = read(write(tmp_path / "o.csv", body), tmp_path / "out")
    assert [float(a) for a in result.column("amount")] == [1500.0, 1500.0]
    assert [float(m) for m in result.column("margin")] == [1500.0 - 1_200_000.0] * 2
    assert sum("умножены" in n.ru for n in result.report.notes) == 2


def test_the_same_header_twice_is_asked_about(tmp_path: Path) -> None:
    file = write(tmp_path / "o.csv", text(lambda i: f"{i};{day(i)};К;{i + 1};{i + 2}", HEADER + ";Сумма"))
    with pytest.raises(AmbiguityError) as caught:
        read(file, tmp_path / "out")
    assert "«Сумма» и «Сумма.1»" in caught.value.what.ru
    assert read(file, tmp_path / "out", tomllib.loads(caught.value.answer)).report.revenue == sum(range(1, 41))
    assert read(file, tmp_path / "out", {"columns": {"amount": "Сумма.1"}}).report.revenue == sum(range(2, 42))
    equal = write(tmp_path / "p.csv", text(lambda i: f"{i};{day(i)};К;{i + 1};{i + 1}", HEADER + ";Сумма"))
    assert not read(equal, tmp_path / "out").report.questions


def test_years_of_two_digits_in_front(tmp_path: Path) -> None:
    file = write(tmp_path / "o.csv", text(lambda i: f"{i};{day(i):%y-%m-%d};К;5"))
    with pytest.raises(AmbiguityError) as caught:
        read(file, tmp_path / "out")
    result = read(file, tmp_path / "out", tomllib.loads(caught.value.answer))
    assert result.column("order_date") == [day(i) for i in range(40)]
    usual = write(tmp_path / "p.csv", text(lambda i: f"{i};{day(i):%d.%m.%y};К;5"))
    assert read(usual, tmp_path / "out").column("order_date") == [day(i) for i in range(40)]


def test_a_file_glued_together_from_two_encodings(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_bytes(
        text(lambda i: f"{i};{day(i)};Клиент;5").encode()
        + "".join(f"{i};{day(i)};Клиент;5\n" for i in range(9)).encode("cp1251")
    )
    result = read(tmp_path / "o.csv", tmp_path / "out")
    assert result.reasons() == {"bad_bytes": 9} and result.report.files[0].encoding == "utf-8"


def test_labels_above_say_whose_name_it_is(tmp_path: Path) -> None:
    """«Клиент» over «Наименование» and «ИНН», not merged: the name is the client's and no item's."""
    book = xlsxwriter.Workbook(str(tmp_path / "o.xlsx"))
    page = book.add_worksheet()
    page.write_row(0, 0, ["Заказ", "", "Клиент", "", "Деньги"])
    page.write_row(1, 0, ["Номер", "Дата", "Наименование", "ИНН", "Сумма"])
    for i in range(10):
        page.write_row(2 + i, 0, [f"{i}", day(i).isoformat(), f"ООО {i % 3}", int(INN[i % 3]), 5])
    page.write_row(13, 3, ["Итого:", 50])
    book.close()
    result = read(tmp_path / "o.xlsx", tmp_path / "out")
    assert set(result.column("client_name")) == {"ООО 0", "ООО 1", "ООО 2"} and "sku" not in result.report.fields
    assert [(c.label, c.agrees) for c in result.report.control_sums] == [("Итого:", True)]


def test_a_preamble_of_two_cells_is_no_header_row(tmp_path: Path) -> None:
    body = "Период: 2023;;;Отбор: нет\n" + text(lambda i: f"{i};{day(i)};К;5")
    result = read(write(tmp_path / "o.csv", body), tmp_path / "out")
    assert result.field_of("Номер") == ("order_id", "mapped")


def test_no_question_about_columns_that_are_not_used(tmp_path: Path) -> None:
    """Its line would name a field that audit.toml does not know."""
    body = text(
        lambda i: f"{i};{day(i)};К;5;{i};{100 - i};a{i};b{i}", HEADER + ";% оплаты;% долга;Комментарий;Примечание"
    )
    assert not read(write(tmp_path / "o.csv", body), tmp_path / "out").report.questions


def test_the_answered_question_about_currencies_is_not_asked_again(tmp_path: Path) -> None:
    body = text(lambda i: f"{i};{day(i)};К;5;{('руб.', 'USD')[i % 2]}", HEADER + ";Валюта")
    first = read(write(tmp_path / "o.csv", body), tmp_path / "out")
    (question,) = first.report.questions
    again = read(tmp_path / "o.csv", tmp_path / "out", tomllib.loads(question.answer))
    assert not again.report.questions and again.reasons() == {"foreign_currency": 20}


def test_inn_with_kpp_under_its_usual_header(tmp_path: Path) -> None:
    body = text(lambda i: f"{i};{day(i)};{INN[i % 3]}/770701001;5", "Номер;Дата;ИНН/КПП;Сумма")
    assert set(read(write(tmp_path / "o.csv", body), tmp_path / "out").column("client_id")) == set(INN)


def test_states_of_1c_in_two_parts(tmp_path: Path) -> None:
    body = text(lambda i: f"{i};{day(i)};К;5;К выполнению / В резерве", HEADER + ";Состояние")
    assert set(read(write(tmp_path / "o.csv", body), tmp_path / "out").column("status")) == {"open"}


def test_what_file_managers_leave_in_an_archive_is_no_data(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "o.zip", "w") as z:
        z.writestr("2023/o.csv", text(lambda i: f"{i};{day(i)};К;5"))
        for name in ("2023/Thumbs.db", "desktop.ini", "__MACOSX/._o.csv", ".DS_Store"):
            z.writestr(name, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert read(tmp_path / "o.zip", tmp_path / "out").report.rows_used == 40


def test_a_web_archive_is_named_as_such(tmp_path: Path) -> None:
    with refuses(InputError, "A MHT file"):
        read(write(tmp_path / "o.xls", "MIME-Version: 1.0\nContent-Type: multipart/related\n"), tmp_path / "out")


def test_a_database_beside_audit_toml_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    with sqlite3.connect(folder / "base.db") as base:
        base.execute("CREATE TABLE orders (order_id TEXT, order_date TEXT, client_id TEXT, amount REAL)")
        base.executemany("INSERT INTO orders VALUES (?, ?, 'C', 5)", [(str(i), day(i).isoformat()) for i in range(9)])
    (folder / "audit.toml").write_text('[inputs]\norders = ["sqlite:///base.db#orders"]\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = read(list(engagement_inputs(folder).orders), tmp_path / "out")
    assert result.report.rows_used == 9
    assert result.report.files[0].name == "sqlite:///base.db#orders", "no folder of this machine in the report"


def test_document_numbers_rounded_by_excel_are_no_numbers(tmp_path: Path) -> None:
    """«1,23457E+11» stands for thousands of orders: they would be one, and the real numbers are lost."""
    body = text(lambda i: f"{'1,23457E+11' if i < 30 else f'З-{i}'};{day(i)};Фирма {i % 6};5")
    result = read(write(tmp_path / "o.csv", body), tmp_path / "out")
    assert result.column("order_id") == [None] * 30 + [f"З-{i}" for i in range(30, 40)]
    (note,) = [n for n in result.report.notes if "Excel" in n.ru]
    assert "«1,23457E+11», строк: 30" in note.ru and "“1,23457E+11”, rows: 30" in note.en


STRAY = {
    "readme.txt": "Добрый день!\nВо вложении заказы, за весь период.\n\nС уважением, Пётр\n".encode("cp1251"),
    "скан.png": b"\x89PNG\r\n\x1a\n" + bytes(40),
    "Письмо.pdf": b"%PDF-1.7\n" + bytes(40),
}


def letter(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("[Content_Types].xml", "<Types/>")
        z.writestr("word/document.xml", "<w:document/>")


def test_letters_and_pictures_beside_exports_are_named_and_do_not_stop(tmp_path: Path) -> None:
    inside = tmp_path / "orders"
    inside.mkdir()
    for name, data in STRAY.items():
        (inside / name).write_bytes(data)
    letter(inside / "Опись.docx")
    with refuses(InputError, "not read as a table of orders"):
        read(inside, tmp_path / "out")
    write(inside / "Заказы.csv", text(lambda i: f"{i};{day(i)};Клиент;5"))
    result = read(inside, tmp_path / "out")
    assert result.report.rows_used == 40
    (note,) = [n.ru for n in result.report.notes if "Не таблицы" in n.ru]
    assert all(name in note for name in (*STRAY, "Опись.docx"))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as z:
        for file in inside.iterdir():
            z.write(file, file.name)
    packed = read(tmp_path / "all.zip", tmp_path / "out")
    assert packed.report.rows_used == 40
    assert any("all.zip/readme.txt" in n.ru for n in packed.report.notes)


def test_a_table_in_a_txt_is_a_table(tmp_path: Path) -> None:
    """1C saves tables as .txt: even two rows, even under headers nobody knows, are not passed over in silence."""
    result = read(write(tmp_path / "o.txt", text(lambda i: f"{i};{day(i)};К;5", n=1)), tmp_path / "out")
    assert result.report.rows_used == 1
    write(tmp_path / "p.txt", text(lambda i: f"{i};б;в;г", "А;Б;В;Г", n=5))
    with refuses(InputError, "No header found"):
        read([tmp_path / "o.txt", tmp_path / "p.txt"], tmp_path / "out")
