"""Bad input: one sentence each, in bounded time and memory, never a traceback."""

from __future__ import annotations

import random
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from audit.errors import InputError
from tests.intake.dialects.oldformats import write_encrypted
from tests.intake.reading import read, refuses, write

GOOD = "order_id;order_date;client_id;amount\n1;2024-01-01;C;5\n"


def small_xlsx(path: Path) -> Path:
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet()
    page.write_row(0, 0, ["order_id", "order_date", "client_id", "amount"])
    for i in range(1, 200):
        page.write_row(i, 0, [f"N{i}", "2024-01-01", f"C{i * 7919}", i])
    book.close()
    return path


def test_truncated_workbook_and_zip(tmp_path: Path) -> None:
    whole = small_xlsx(tmp_path / "o.xlsx").read_bytes()
    (tmp_path / "o.xlsx").write_bytes(whole[: len(whole) * 2 // 3])
    with refuses(InputError, "damaged or incomplete"):
        read(tmp_path / "o.xlsx", tmp_path / "out")


def test_zip_with_a_damaged_entry(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "o.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("o.csv", GOOD + "".join(f"{i};2024-01-01;C{i * 31};{i}\n" for i in range(5000)))
    raw = bytearray((tmp_path / "o.zip").read_bytes())
    raw[2000:2100] = bytes(100)
    (tmp_path / "o.zip").write_bytes(raw)
    with refuses(InputError, "damaged or incomplete"):
        read(tmp_path / "o.zip", tmp_path / "out")


def test_encrypted_workbook(tmp_path: Path) -> None:
    write_encrypted(tmp_path / "o.xlsx")
    with refuses(InputError, "protected by a password"):
        read(tmp_path / "o.xlsx", tmp_path / "out")


@pytest.mark.parametrize("name", ["o.csv", "xl/workbook.xml"])
def test_zip_bomb(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as z, z.open(name, "w") as f:
        for _ in range(150):
            f.write(b"0" * 2**20)
    begin = time.perf_counter()
    with refuses(InputError, "was not unpacked"):
        read(tmp_path / "bomb.zip", tmp_path / "out")
    assert time.perf_counter() - begin < 5


def test_archive_in_an_archive_and_empty_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as z:
        z.writestr("o.csv", GOOD)
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as z:
        z.write(tmp_path / "in.zip", "in.zip")
    with refuses(InputError, "archive inside an archive"):
        read(tmp_path / "out.zip", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "none.zip", "w"):
        pass
    with refuses(InputError, "holds no files"):
        read(tmp_path / "none.zip", tmp_path / "out")


def test_archive_names_never_become_paths(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "o.zip", "w") as z:
        z.writestr("../../evil.csv", GOOD)
    result = read(tmp_path / "o.zip", tmp_path / "out")
    assert result.report.rows_used == 1
    assert not (tmp_path.parent / "evil.csv").exists() and not (tmp_path / "evil.csv").exists()


@pytest.mark.parametrize("start", ["", "order_id;order_date;client_id;amount\n"])
def test_one_endless_line(tmp_path: Path, start: str) -> None:
    """Stands for the 2 GB line: a sparse file, of which no more than a few blocks may be read."""
    path = tmp_path / "o.csv"
    with path.open("wb") as f:
        f.write(start.encode() + b"x" * 2**20)
        for _ in range(96):
            f.write(b"x" * 2**20)
    tracemalloc.start()
    begin = time.perf_counter()
    with refuses(InputError, "A line is longer than 4 MB"):
        read(path, tmp_path / "out")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.perf_counter() - begin < 20
    assert peak < 300 * 2**20


def test_binary_noise_under_any_name(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(200_000)
    for name in ("o.csv", "o.xlsx", "o.xls", "o.parquet"):
        (tmp_path / name).write_bytes(noise)
        with refuses(InputError, ""):
            read(tmp_path / name, tmp_path / "out")
    for magic, what in (
        (b"PK\x03\x04", "damaged"),
        (b"PAR1", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "damaged"),
        (b"%PDF-1.4", "PDF"),
        (b"Rar!\x1a", "RAR"),
        (b'{"a": [', "JSON"),
    ):
        (tmp_path / "o.csv").write_bytes(magic + noise)
        with refuses(InputError, what):
            read(tmp_path / "o.csv", tmp_path / "out")


def test_formulas_without_values(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "o.xlsx"))
    page = book.add_worksheet()
    page.write_row(0, 0, ["Номер", "Дата", "Контрагент", "Сумма", "Количество", "Цена"])
    for i in range(1, 20):
        page.write_row(i, 0, [f"N{i}", "01.02.2024", "А"])
        page.write_formula(i, 3, f"=E{i + 1}*F{i + 1}", None, "")
        page.write_row(i, 4, [2, 3])
    book.close()
    with refuses(InputError, "formulas without values"):
        read(tmp_path / "o.xlsx", tmp_path / "out")


def test_formulas_as_text_are_bad_amounts(tmp_path: Path) -> None:
    text = GOOD + "2;2024-01-01;C;=B2*C2\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.reasons() == {"bad_amount": 1}
    assert result.rejected[0]["value"] == "'=B2*C2"


def test_cell_errors_are_rejects_and_not_blanks(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "o.xlsx"))
    page = book.add_worksheet()
    page.write_row(0, 0, ["Номер", "Дата", "Контрагент", "Сумма", "Регион"])
    page.write_row(1, 0, ["1", "01.02.2024", "А", 5, "Юг"])
    page.write_row(2, 0, ["2", "01.02.2024", "А"])
    page.write_formula(2, 3, "=1/0", None, "#DIV/0!")
    page.write_row(3, 0, ["3", "01.02.2024"])
    page.write_formula(3, 2, "=NA()", None, "#N/A")
    page.write_number(3, 3, 7)
    page.write_row(4, 0, ["4", "01.02.2024", "А", 5])
    page.write_formula(4, 4, "=NA()", None, "#N/A")
    book.close()
    result = read(tmp_path / "o.xlsx", tmp_path / "out")
    assert result.column("order_id") == ["1", "4"]
    assert [(r["row"], r["reason_code"], r["value"]) for r in result.rejected] == [
        ("3", "cell_error", "#DIV/0!"),
        ("4", "cell_error", "#N/A"),
    ]
    assert result.column("region") == ["Юг", None]


def test_three_hundred_columns(tmp_path: Path) -> None:
    head = ["Номер", "Дата", "Контрагент", "Сумма", *(f"Реквизит {i}" for i in range(296))]
    body = ["1", "01.02.2024", "А", "5", *(str(i) for i in range(296))]
    result = read(write(tmp_path / "o.csv", ";".join(head) + "\n" + ";".join(body) + "\n"), tmp_path / "out")
    assert result.report.rows_used == 1
    assert sum(c.how == "unmapped" for c in result.report.columns) == 296


def test_workbook_with_nothing_in_it(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "o.xlsx"))
    book.add_worksheet()
    book.close()
    with refuses(InputError, "no sheet with anything in it"):
        read(tmp_path / "o.xlsx", tmp_path / "out")


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    small_xlsx(tmp_path / "o.xlsx")
    with refuses(InputError, "The file has no sheet “Orders”"):
        read(tmp_path / "o.xlsx", tmp_path / "out", {"reading": {"sheet": "Orders"}})


def test_page_without_a_table_and_unknown_encoding(tmp_path: Path) -> None:
    with refuses(InputError, ""):
        read(write(tmp_path / "o.xls", "<html><body><p>Сессия истекла</p></body></html>"), tmp_path / "out")
    with refuses(InputError, "Unknown encoding"):
        read(write(tmp_path / "o.csv", GOOD), tmp_path / "out", {"reading": {"encoding": "win-1251x"}})


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("sqlite:///{d}/none.db#t", "Database file not found"),
        ("sqlite:///{d}/o.db", "names no table"),
        ("sqlite:///{d}/o.db#nope", "answered with an error"),
        ("nosuch://x/y#t", "Unknown kind of database"),
        ("sqlite:///{d}/o.db#SELECT broken FROM", "answered with an error"),
    ],
)
def test_databases_that_do_not_answer(tmp_path: Path, address: str, what: str) -> None:
    import sqlite3

    sqlite3.connect(tmp_path / "o.db").close()
    (tmp_path / "o.db").write_bytes(b"")
    with refuses(InputError, what):
        read(address.format(d=tmp_path.as_posix()), tmp_path / "out")


def test_passwords_of_databases_are_not_shown(tmp_path: Path) -> None:
    from audit.intake.databases import shown_address

    assert shown_address("postgresql+psycopg://user:secret@host/base#orders") == "postgresql+psycopg://host/base#orders"
    assert "secret" not in shown_address("mssql+pyodbc://host/b?password=secret#SELECT 1")


def test_a_stray_cell_in_the_last_corner(tmp_path: Path) -> None:
    """Read densely, this small file would need half a terabyte."""
    book = xlsxwriter.Workbook(str(tmp_path / "o.xlsx"))
    page = book.add_worksheet()
    page.write_row(0, 0, ["order_id", "order_date", "client_id", "amount"])
    page.write_row(1, 0, ["1", "2024-01-01", "C", 5])
    page.write(1_048_575, 16_383, "x")
    book.close()
    with refuses(InputError, "a stray cell stands far away"):
        read(tmp_path / "o.xlsx", tmp_path / "out")
