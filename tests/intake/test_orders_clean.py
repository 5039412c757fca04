"""Clean files: the common ways to write a CSV, Parquet, several files, folders and patterns."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.errors import InputError
from audit.model.orders import LINES_SCHEMA
from tests.intake.reading import read, refuses, write

RUSSIAN = """Номер;Дата;Контрагент;ИНН;Сумма;Менеджер
0001;01.02.2024;ООО "Ромашка";7707083893;1 234,56;Иванов И.И.
0002;15.03.2024;АО Василёк;7736050003;-100,5;Петров П.П.
"""
ROWS = [
    ("0001", dt.date(2024, 2, 1), "7707083893", Decimal("1234.5600")),
    ("0002", dt.date(2024, 3, 15), "7736050003", Decimal("-100.5000")),
]


def rows_of(result) -> list[tuple]:
    frame = result.lines
    return list(zip(frame["order_id"], frame["order_date"], frame["client_key"], frame["amount"], strict=True))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "cp866", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    result = read(write(tmp_path / "o.csv", RUSSIAN, encoding), tmp_path / "out")
    assert rows_of(result) == ROWS
    assert result.lines["client_name"].tolist() == ['ООО "Ромашка"', "АО Василёк"]


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, newline: str) -> None:
    text = RUSSIAN.replace('"Ромашка"', "Ромашка")
    text = text.replace("1 234,56", "1234.56").replace("-100,5", "-100.5") if delimiter == "," else text
    text = text.replace(";", delimiter).replace("\n", newline)
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert rows_of(result) == ROWS
    assert result.report.files[0].delimiter == delimiter


def test_lines_have_exactly_the_schema(tmp_path: Path) -> None:
    read(write(tmp_path / "o.csv", RUSSIAN), tmp_path / "out")
    assert pq.read_schema(tmp_path / "out" / "lines.parquet").equals(LINES_SCHEMA)


def test_parquet_with_types_reads_like_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "Номер": ["0001", "0002"],
            "Дата": pa.array([dt.datetime(2024, 2, 1, 10), dt.datetime(2024, 3, 15)], pa.timestamp("us")),
            "ИНН": pa.array([7707083893.0, 7736050003.0], pa.float64()),
            "Сумма": pa.array([1234.56, -100.5], pa.float64()),
        }
    )
    pq.write_table(table, tmp_path / "o.parquet")
    assert rows_of(read(tmp_path / "o.parquet", tmp_path / "out")) == ROWS


def test_folder_pattern_and_several_files(tmp_path: Path) -> None:
    head, *body = RUSSIAN.splitlines()
    folder = tmp_path / "orders"
    folder.mkdir()
    for i, line in enumerate(body):
        write(folder / f"{i}.csv", f"{head}\n{line}\n")
    write(folder / "~$lock.csv", "x")
    for source in (folder, str(folder / "*.csv"), [folder / "1.csv", folder / "0.csv", folder / "0.csv"]):
        result = read(source, tmp_path / "out")
        assert rows_of(result) == ROWS
        assert [f.name for f in result.report.files] == ["0.csv", "1.csv"]
        assert result.lines["source_row"].tolist() == [2, 2]


def test_amount_from_price_and_quantity_and_margin_from_cost(tmp_path: Path) -> None:
    text = """order_id,order_date,client_id,qty,price,cost
A,2024-01-01,C1,3,10.50,20
B,2024-01-02,C1,-1,10.50,-5
"""
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    # 3 x 10.50 = 31.50, less 20 = 11.50; -1 x 10.50 = -10.50, less -5 = -5.50
    assert result.column("amount") == [Decimal("31.5000"), Decimal("-10.5000")]
    assert result.column("margin") == [Decimal("11.5000"), Decimal("-5.5000")]
    assert {"amount", "cost", "margin"} <= set(result.report.fields)


def test_every_reason_of_a_simple_file(tmp_path: Path) -> None:
    text = """order_id;order_date;client_id;amount;status
1;2024-01-10;C1;100;closed
2;;C1;100;closed
3;2024-02-31;C1;100;closed
4;2024-01-10;;100;closed
5;2024-01-10;C1;;closed
6;2024-01-10;C1;abc;closed
7;2026-01-16;C1;100;closed
8;2024-01-10;C1;100;Отменён
9;2019-12-31;C1;100;closed
order_id;order_date;client_id;amount;status

Итого;;;900;
"""
    settings = {"period": {"start": dt.date(2020, 1, 1)}}
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out", settings)
    assert result.column("order_id") == ["1"]
    assert [(r["row"], r["reason_code"]) for r in result.rejected] == [
        ("3", "no_date"),
        ("4", "bad_date"),
        ("5", "no_client"),
        ("6", "no_amount"),
        ("7", "bad_amount"),
        ("8", "future_date"),
        ("9", "cancelled"),
        ("10", "outside_period"),
        ("11", "repeated_header"),
        ("12", "blank_row"),
        ("13", "total_row"),
    ]
    assert result.rejected[1] | {"reason": ""} == {
        "file": "o.csv",
        "row": "4",
        "column": "order_date",
        "value": "2024-02-31",
        "reason_code": "bad_date",
        "reason": "",
    }
    cancelled = next(s for s in result.report.set_aside if s.code == "cancelled")
    assert cancelled.revenue == 100.0


def test_missing_and_empty(tmp_path: Path) -> None:
    with refuses(InputError, "No orders file found"):
        read(tmp_path / "nothing.csv", tmp_path / "out")
    with refuses(InputError, "The file is empty"):
        read(write(tmp_path / "empty.csv", ""), tmp_path / "out")
    with refuses(InputError, "A required column is missing: “order date”"):
        read(write(tmp_path / "o.csv", "Номер;Контрагент;Сумма;Менеджер\n1;A;5;M\n"), tmp_path / "out")
    with refuses(InputError, "Not one row can be used (rows: 1): the date is not recognised"):
        read(write(tmp_path / "bad.csv", "order_date,client_id,amount\nx,C,5\n"), tmp_path / "out")
    with refuses(InputError, "not one row of orders"):
        read(write(tmp_path / "head.csv", "order_date,client_id,amount\n"), tmp_path / "out")


@pytest.mark.parametrize(
    "moment",
    [
        "{d:%d.%m.%Y} {h}:{m:02d}:07",
        "{d:%Y-%m-%d}T{h:02d}:{m:02d}:07",
        "{d.day}.{d.month}.{d:%y} {h}:{m:02d}",
        "{s}.{m:02d}7",
    ],
)
def test_thousands_of_moments_are_days(tmp_path: Path, moment: str) -> None:
    """Every cell has a time of its own: the fast way to the day gives what the cell says."""
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=i // 40) for i in range(4000)]
    texts = [moment.format(d=d, h=i % 24, m=i % 60, s=(d - dt.date(1899, 12, 30)).days) for i, d in enumerate(days)]
    text = "order_id;order_date;client_id;amount\n" + "".join(f"{i};{t};C;1\n" for i, t in enumerate(texts))
    assert read(write(tmp_path / "o.csv", text), tmp_path / "out").column("order_date") == days
