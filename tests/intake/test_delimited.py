"""The byte sieve: exact rows and row numbers whatever stands in the lines."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pyarrow as pa
import pytest

from audit.intake import delimited
from audit.intake.delimited import open_delimited
from audit.intake.layout import Layout
from audit.intake.store import Store
from audit.settings import Reading
from tests.intake.reading import read, write

HEAD = "order_id;order_date;client_id;amount\n"


def staged(path: Path, tmp_path: Path, names: tuple[str, ...]) -> list[tuple]:
    """Row number, problem and cells of every staged row."""
    reader = open_delimited(path, path.name, Reading(delimiter=";"), tmp_path)
    layout = Layout(1, 2, names)
    with Store(200) as store:
        result = reader.stage(layout, [(f"x{i}", i) for i in range(len(names))], tmp_path / "s.arrow", store)
    rows: list[tuple] = []
    for batch in result.batches():
        rows += list(zip(*(c.to_pylist() for c in pa.Table.from_batches([batch]).columns), strict=True))
    return rows


@pytest.mark.parametrize("block", [64, 1000, 2**20])
def test_a_million_ways_to_write_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Random cells with quotes, delimiters and line ends, in blocks of any size: the same as Python's csv."""
    monkeypatch.setattr(delimited, "BLOCK_BYTES", block)
    draw = random.Random(block)
    letters = 'аб;"\n\r, xyz1'
    rows = [
        ["".join(draw.choices(letters, k=draw.randint(0, 6))).replace("\r", "") for _ in range(3)] for _ in range(800)
    ]
    rows = [[r[0] or "k", *r[1:]] for r in rows]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", lineterminator="\n").writerows([["a", "b", "c"], *rows])
    path = tmp_path / "o.csv"
    path.write_bytes(out.getvalue().encode())
    got = staged(path, tmp_path, ("a", "b", "c"))
    wanted = [r for r in rows]
    kept = [[c or "" for c in r[3:]] for r in got if r[1] is None]
    assert kept == [r for r in wanted if any(c.strip() for c in r)]
    numbers = [r[0] for r in got]
    assert numbers == sorted(numbers)


def test_odd_lines_keep_their_numbers(tmp_path: Path) -> None:
    lines = [
        "1;2024-01-01;C;5",
        '2;2024-01-01;"C;x";5',
        '3;2024-01-01;ООО "Рога";5',
        "4;2024-01-01;C;5;лишнее",
        "5;2024-01-01;C;5;;",
        "6;2024-01-01;C",
        '7;2024-01-01;"много\nстрок";5',
        "",
        "8;2024-01-01;C\x00;5",
        "9;2024-01-01;C\r;5",
        '10;2024-01-01;"не закрыта;5',
        "11;2024-01-01;C;5",
    ]
    result = read(write(tmp_path / "o.csv", HEAD + "\n".join(lines) + "\n"), tmp_path / "out")
    assert list(zip(result.column("order_id"), result.lines["source_row"], strict=True)) == [
        ("1", 2),
        ("2", 3),
        ("3", 4),
        ("5", 6),
        ("7", 8),
        ("9", 12),
        ("11", 14),
    ]
    assert [(r["row"], r["reason_code"]) for r in result.rejected] == [
        ("5", "field_count"),
        ("7", "no_amount"),
        ("10", "blank_row"),
        ("11", "bad_bytes"),
        ("13", "unclosed_quote"),
    ]
    assert result.column("client_name")[2] is None
    assert result.column("client_key") == ["C", "C;x", 'ООО "Рога"', "C", "много строк", "C", "C"]


def test_damaged_utf8_lines_are_set_aside_alone(tmp_path: Path) -> None:
    good = "".join(f"{i};2024-01-01;Клиент;5\n" for i in range(100))
    raw = (HEAD + good).encode() + b"100;2024-01-01;\xd0\xff\xfe;5\n" + "101;2024-01-01;Клиент;5\n".encode()
    path = tmp_path / "o.csv"
    path.write_bytes(raw)
    result = read(path, tmp_path / "out", {"reading": {"encoding": "utf-8"}})
    assert result.report.rows_used == 101
    assert [(r["row"], r["reason_code"]) for r in result.rejected] == [("102", "bad_bytes")]


def test_the_code_page_shows_itself_late_in_the_file(tmp_path: Path) -> None:
    """A megabyte of plain ASCII, then Russian names in windows-1251."""
    plain = "".join(f"{i};2024-01-01;CLIENT-{i % 9};5;note {'x' * 30}\n" for i in range(16_000))
    text = HEAD.replace("\n", ";manager\n") + plain + "A1;2024-01-01;C;5;Иванов\n" * 2000
    result = read(write(tmp_path / "o.csv", text, "cp1251"), tmp_path / "out")
    assert result.report.files[0].encoding == "cp1251"
    assert "Иванов" in set(result.column("manager"))


def test_a_stray_quote_does_not_swallow_the_rest(tmp_path: Path) -> None:
    body = "".join(f"{i};2024-01-01;C{i % 5};5\n" for i in range(1000))
    text = HEAD + body + '1000;2024-01-01;"ООО без пары;5\n' + body.replace("\n", "x\n").replace("5x", "5")
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.rows_used == 2000
    assert [(r["row"], r["reason_code"]) for r in result.rejected] == [("1002", "unclosed_quote")]


def test_an_encoding_that_no_sample_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three Russian names in 30 000 lines, between the places that are looked at."""
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 2**18)
    lines = [f"{i};2024-01-01;CLIENT-{i % 9};5;{'x' * 40}\n" for i in range(30_000)]
    path = tmp_path / "o.csv"
    for at in (20_000, 20_001, 20_002):
        lines[at] = f"{at};2024-01-01;Ромашка;5;y\n"
    write(path, HEAD.replace("\n", ";contact\n") + "".join(lines), "cp1251")
    monkeypatch.setattr(delimited, "sniff_encoding", lambda *_: ("utf-8", 0, True))
    result = read(path, tmp_path / "out")
    assert result.report.files[0].encoding == "cp1251"
    assert result.report.rows_used == 30_000
    assert result.column("client_key").count("Ромашка") == 3


def csv_rows(lines: list[str]) -> list[list[str]]:
    return [next(csv.reader([line], delimiter=";")) for line in lines]


@pytest.mark.parametrize("tail", ["", ";", ";;"])
def test_quotes_inside_unquoted_names_are_letters(tmp_path: Path, tail: str) -> None:
    """1C writes ООО "Ромашка" without quoting the field, and often one delimiter too many."""
    draw = random.Random(5)
    names = [
        'ООО "Рога"',
        'АО "Копыта" и Ко',
        "просто",
        '12" болт',
        '"в кавычках"',
        '"с ""двойными"""',
        '"с ; внутри"',
        "",
    ]
    lines = [f"k{i};{draw.choice(names)};{draw.choice(names)}{tail}" for i in range(500)]
    path = write(tmp_path / "o.csv", "\n".join(["a;b;c", *lines]) + "\n")
    got = [list(r[3:]) for r in staged(path, tmp_path, ("a", "b", "c"))]
    assert got == [r[:3] for r in csv_rows(lines)]


def test_blank_fields_left_out_at_the_end(tmp_path: Path) -> None:
    lines = [f"k{i};x" if i % 9 else f"k{i};x;y;z" for i in range(500)]
    path = write(tmp_path / "o.csv", "\n".join(["a;b;c;d", *lines]) + "\n")
    got = [[c or "" for c in r[3:]] for r in staged(path, tmp_path, ("a", "b", "c", "d"))]
    assert got == [[*r, "", ""][:4] for r in csv_rows(lines)]


@pytest.mark.parametrize("odd", [0.0, 0.01, 0.3])
def test_blocks_that_need_no_sieve_give_what_the_sieve_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: float
) -> None:
    """Lines without quotes, a few of them short, long, blank, damaged: the same rows with and without the sieve."""
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 700)
    draw = random.Random(int(odd * 100))
    lines = []
    for i in range(600):
        line = f"{i};{'я' * draw.randint(0, 4)};{draw.choice(['', 'б', ' '])}".encode()
        if draw.random() < odd:
            line = draw.choice([b"x;y", b"x;y;z;w", b"", b";;", b"x;\xff;z", b"x;\0;z", b"x;y\rz;w"])
        lines.append(line)
    path = tmp_path / "o.csv"
    path.write_bytes(b"a;b;c\r\n" + b"\r\n".join(lines) + b"\r\n")
    quick = staged(path, tmp_path, ("a", "b", "c"))
    monkeypatch.setattr(delimited._Sieve, "_clean_block", lambda *_: 0)
    assert staged(path, tmp_path, ("a", "b", "c")) == quick
    assert odd or len(quick) == 600
