"""Files that make readers panic, hang or fill the memory: an error that names the file, or a right reading."""

from __future__ import annotations

import csv
import os
import re
import tempfile
import time
import zipfile
from pathlib import Path

import fastexcel
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import AmbiguityError, InputError, QuestionnaireError, set_language
from audit.intake import guard
from audit.intake.guard import reading, survives
from audit.intake.questionnaire.raw import read_raw
from audit.intake.rejects import RejectedRows
from tests.intake.dialects.oldformats import write_xls
from tests.intake.reading import read, refuses, write

HEADERS = ["Номер", "Дата", "Клиент", "Сумма"]
MANY = "9" * 5000


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def html(cell: str) -> str:
    head = "".join(f"<th>{h}</th>" for h in HEADERS)
    rows = "".join(f"<tr><td>{i}</td><td>0{i}.02.2024</td><td>A</td><td>100</td></tr>" for i in range(1, 9))
    return f"<html><table><tr>{head}</tr>{rows}<tr>{cell}</tr></table></html>"


def xml(row: str) -> str:
    def cells(values: list[str]) -> str:
        return "".join(f'<Cell><Data ss:Type="String">{v}</Data></Cell>' for v in values)

    rows = "".join(f"<Row>{cells([str(i), f'0{i}.02.2024', 'A', '100'])}</Row>" for i in range(1, 9))
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    return (
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="a"><Table>'
        f"<Row>{cells(HEADERS)}</Row>{rows}{row}</Table></Worksheet></Workbook>"
    )


@pytest.mark.parametrize("where", ["colspan", "rowspan"])
def test_a_span_of_five_thousand_digits(where: str, tmp_path: Path) -> None:
    path = write(tmp_path / "o.xls", html(f'<td {where}="{MANY}">9</td><td>09.02.2024</td><td>A</td><td>1</td>'))
    assert read(path, tmp_path / "out").report.rows_read == 9


@pytest.mark.parametrize(
    "row",
    [
        f'<Row ss:Index="{MANY}"><Cell><Data ss:Type="String">9</Data></Cell></Row>',
        f'<Row><Cell ss:Index="{MANY}"><Data ss:Type="String">9</Data></Cell></Row>',
        f'<Row><Cell ss:MergeDown="{MANY}" ss:MergeAcross="²"><Data ss:Type="String">9</Data></Cell></Row>',
        '<Row ss:Index="²"><Cell ss:Index="٣"><Data ss:Type="String">9</Data></Cell></Row>',
    ],
)
def test_an_index_of_five_thousand_digits(row: str, tmp_path: Path) -> None:
    assert read(write(tmp_path / "o.xls", xml(row)), tmp_path / "out").report.rows_read == 9


def test_a_row_wider_than_any_spreadsheet(tmp_path: Path) -> None:
    path = write(tmp_path / "o.xls", html('<td colspan="2000">1</td>' * 12))
    with refuses(InputError, "A row has more than 20000 cells"):
        read(path, tmp_path / "out")


@pytest.mark.parametrize("same", [True, False])
def test_two_columns_of_one_name_in_parquet(same: bool, tmp_path: Path) -> None:
    days = [f"2024-01-{i + 1:02d}" for i in range(20)]
    amounts = [float(100 + i) for i in range(20)]
    other = amounts if same else [a * 2 for a in amounts]
    table = pa.Table.from_arrays(
        [pa.array(days), pa.array(["A", "B"] * 10), pa.array(amounts), pa.array(other)],
        names=["order_date", "client_id", "amount", "amount"],
    )
    pq.write_table(table, tmp_path / "o.parquet")
    if same:
        assert read(tmp_path / "o.parquet", tmp_path / "out").lines["amount"].map(float).sum() == sum(amounts)
    else:
        with pytest.raises(AmbiguityError):
            read(tmp_path / "o.parquet", tmp_path / "out")


def test_binary_data_with_a_few_letters_is_no_question_of_encoding(tmp_path: Path) -> None:
    (tmp_path / "o.parquet").write_bytes(bytes(range(1, 9)) * 40 + b"\xff\xa8\xd1" * 20 + bytes(range(1, 32)) * 20)
    with refuses(InputError, "binary data"):
        read(tmp_path / "o.parquet", tmp_path / "out")


# -- stray cells


def workbook(path: Path, far: str = "", edit: tuple[str, str] = ("", "")) -> Path:
    """Write eight orders as XLSX; ``far`` is put behind them, and the XML of the sheet is edited."""
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet()
    page.write_row(0, 0, HEADERS)
    for i in range(1, 9):
        page.write_row(i, 0, [f"N{i}", f"0{i}.02.2024", "A", 100 + i])
    book.close()
    with zipfile.ZipFile(path) as z:
        parts = {n: z.read(n) for n in z.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, body in parts.items():
            if name.endswith("sheet1.xml"):
                body = body.replace(b"</sheetData>", far.encode() + b"</sheetData>").replace(
                    *(e.encode() for e in edit)
                )
            z.writestr(name, body)
    return path


FAR = [
    '<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row>',
    '<row spans="1:1" r="1048576"><c t="n" r="XFD1048576"><v>1</v></c></row>',
    "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>",
    '<row r="1048576"><c  r = "XFD1048576"><v>1</v></c></row>',
    '<row r="1048576"><c r="&#88;FD1048576"><v>1</v></c></row>',
    '<row><c r="XFD1048576"><v>1</v></c></row>',
    '<row r="1048576"><c\nr="XFD1048576"><v>1</v></c></row>',
    '<row r="900000"><c r="A900000"><v>1</v></c></row><row r="10"><c r="ZZZ10"><v>1</v></c></row>',
    '<x:row xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" r="1048576"><x:c r="XFD1048576"/></x:row>',
    f'<row r="{MANY[:15]}"><c r="A{MANY[:15]}"><v>1</v></c></row>',
]


@pytest.mark.parametrize("far", FAR)
def test_a_stray_cell_is_found_however_it_is_written(far: str, tmp_path: Path) -> None:
    path = workbook(tmp_path / "o.xlsx", far)
    with refuses(InputError, "a stray cell stands far away"):
        read(path, tmp_path / "out")
    with pytest.raises(QuestionnaireError):
        read_raw(path)


def test_a_sheet_of_another_make_is_read(tmp_path: Path) -> None:
    plain = read(workbook(tmp_path / "o.xlsx"), tmp_path / "out").lines["amount"].tolist()
    for edit in ((' r="', " r = '"), ("<c ", "<c\n")):
        if edit[0] == ' r="':
            path = workbook(tmp_path / "p.xlsx")
            with zipfile.ZipFile(path) as z:
                parts = {n: z.read(n) for n in z.namelist()}
            with zipfile.ZipFile(path, "w") as z:
                for name, body in parts.items():
                    z.writestr(name, re.sub(rb' r="(\w+)"', rb" r='\1'", body) if "sheet1" in name else body)
        else:
            path = workbook(tmp_path / "p.xlsx", edit=edit)
        assert read(path, tmp_path / "out").lines["amount"].tolist() == plain


# -- native code


class PanicError(BaseException):
    """As pyo3 raises it: no `Exception`."""


@pytest.mark.parametrize("ask", ["orders", "questionnaire"])
def test_a_panic_of_native_code_is_an_error_that_names_the_file(
    ask: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def panics(source: object) -> None:
        os.write(2, b"thread '<unnamed>' panicked at src/lib.rs:1:1\n")
        raise PanicError("assertion `left == right` failed")

    path = workbook(tmp_path / "o.xlsx")
    monkeypatch.setattr(fastexcel, "read_excel", panics)
    if ask == "orders":
        with refuses(InputError, "damaged or incomplete"):
            read(path, tmp_path / "out")
    else:
        with pytest.raises(QuestionnaireError, match="damaged"):
            read_raw(path)
    assert "panicked" not in capfd.readouterr().err


def test_our_own_interrupt_passes() -> None:
    for own in (KeyboardInterrupt, SystemExit):
        with pytest.raises(own), reading("o.csv"):
            raise own
    with pytest.raises(OSError, match="space"), reading("o.csv"):
        raise OSError(28, "no space")  # the disk, not the file
    with refuses(InputError, "OSError: Corrupt snappy"), reading("o.parquet"):
        raise OSError("Corrupt snappy")


@pytest.mark.parametrize("does", ["import os; os.abort()", "import time; time.sleep(30)", "raise MemoryError"])
def test_what_takes_the_child_down_leaves_us_standing(
    does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_xls_of_orders(tmp_path / "o.xls")
    assert survives(path)
    monkeypatch.setattr(guard, "_CHILD", does)
    monkeypatch.setattr(guard, "SECONDS", 2)
    with refuses(InputError, "damaged or incomplete"):
        read(path, tmp_path / "out")


def write_xls_of_orders(path: Path) -> Path:
    write_xls(path, [HEADERS, *([f"N{i}", f"0{i}.02.2024", "A", float(100 + i)] for i in range(1, 9))])
    return path


@pytest.mark.parametrize("seed", range(12))
def test_damaged_bytes_of_an_old_workbook(seed: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import random

    draw = random.Random(seed)
    body = bytearray(write_xls_of_orders(tmp_path / "o.xls").read_bytes())
    for _ in range(draw.choice((1, 4, 40))):
        body[draw.randrange(512, len(body))] = draw.randrange(256)
    (tmp_path / "o.xls").write_bytes(body)
    try:
        read(tmp_path / "o.xls", tmp_path / "out")
    except InputError as e:
        assert "o.xls" in str(e)
    assert "panicked" not in capfd.readouterr().err


# -- long cells, rows set aside


@pytest.mark.parametrize("letter", ["x", " ", "1", ".", "Ж", "№", "(", "-", "1 ", "от "])
def test_a_long_cell_in_every_column_is_read_in_time(letter: str, tmp_path: Path) -> None:
    long = (letter * 32_767)[:32_767]
    rows = [f"N{i};1{i % 9}.01.2024;Клиент {i % 4};{100 + i};Иванов И." for i in range(20)]
    attack = [";".join(long if i == at else "1" for i in range(5)) for at in range(5)]
    text = "\n".join(["Номер;Дата;Клиент;Сумма;Менеджер", *rows[:10], *attack, *rows[10:]]) + "\n"
    begin = time.process_time()
    try:
        read(write(tmp_path / "o.csv", text), tmp_path / "out")
    except InputError as e:
        assert len(str(e)) < 2_000  # nor does the sentence hold the cell
    assert time.process_time() - begin < 8


def cells_of(line: str, delimiter: str) -> list[str]:
    return [c for row in csv.reader([line], delimiter=delimiter) for c in row]


HOSTILE = st.text(st.sampled_from("=+-@;,\t\"' 1aЯ|!\u00a0\n\r\v\x0c\x1c\u2028＝"), max_size=14)
RUNS = re.compile(r"[=+\-@＝＋－＠]")
NUMBER = re.compile(r"[+-]?\d[\d\s.,]*%?")


@given(HOSTILE, HOSTILE, HOSTILE)
def test_rows_set_aside_hold_no_formula_under_any_separator(file: str, column: str, value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.csv"
        with RejectedRows(path, "en") as out:
            out.write(file, [(3, column, value, "bad_amount")])
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2
    for delimiter in (",", ";", "\t"):
        # as a program reads quotes, and as one reads that knows none
        for cell in (*cells_of(lines[1], delimiter), *lines[1].split(delimiter)):
            bare = cell.strip(' "\u00a0')
            assert not RUNS.match(bare) or NUMBER.fullmatch(bare.replace('"', "")), (cell, lines[1])
