"""Which sheets are read: hidden ones, a sheet a year or branch, payments and plans beside orders, other formats."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pytest
import xlsxwriter

from audit.errors import AmbiguityError
from tests.intake.dialects.disguises import write_xlsx
from tests.intake.dialects.oldformats import write_xls
from tests.intake.reading import Read, answer, read, stopped

Cell = str | int | float | dt.date
RU = ["Номер", "Дата", "Клиент", "Сумма"]
EN = ["Order number", "Order date", "Customer", "Amount"]
DE = ["Belegnr.", "Belegdatum", "Kunde", "Betrag"]


def rows(mark: str, n: int, amount: int = 100) -> list[list[Cell]]:
    return [[f"{mark}-{i}", dt.date(2024, 1 + i % 12, 10), f"Фирма {i % 3}", amount] for i in range(1, n + 1)]


def xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]], hidden: Mapping[str, int] | None = None) -> Path:
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "dd.mm.yyyy"})
    for name, table in sheets.items():
        page = book.add_worksheet(name)
        for r, cells in enumerate(table):
            for c, value in enumerate(cells):
                page.write_datetime(r, c, dt.datetime.combine(value, dt.time())) if isinstance(
                    value, dt.date
                ) else page.write(r, c, value)
        if (hidden or {}).get(name) == 1:
            page.hide()
        if (hidden or {}).get(name) == 2:
            page.very_hidden()
    shown = next((p for p in book.worksheets() if p.name not in (hidden or {})), None)
    if shown is not None:
        shown.activate()
        shown.set_first_sheet()
    book.close()
    return path


def xml2003(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]], hidden: Sequence[str] = ()) -> Path:
    def cell(value: Cell) -> str:
        kind = "Number" if isinstance(value, int | float) else "String"
        text = value.strftime("%d.%m.%Y") if isinstance(value, dt.date) else escape(str(value))
        return f'<Cell><Data ss:Type="{kind}">{text}</Data></Cell>'

    body = "".join(
        f'<Worksheet ss:Name="{name}"><Table>'
        + "".join("<Row>" + "".join(cell(v) for v in r) + "</Row>" for r in table)
        + "</Table>"
        + (
            '<WorksheetOptions xmlns="urn:schemas-microsoft-com:office:excel"><Visible>SheetHidden</Visible></WorksheetOptions>'
            if name in hidden
            else ""
        )
        + "</Worksheet>"
        for name, table in sheets.items()
    )
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    path.write_text(
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}">{body}</Workbook>', encoding="utf-8"
    )
    return path


def ods(
    path: Path, sheets: Mapping[str, Sequence[Sequence[str]]], spans: Mapping[tuple[int, int], int] | None = None
) -> Path:
    """``spans``: (row, column) → rows that the cell is merged over."""

    def cell(r: int, c: int, value: str) -> str:
        down = (spans or {}).get((r, c), 1)
        merged = f' table:number-rows-spanned="{down}" table:number-columns-spanned="1"' if down > 1 else ""
        if value == "":
            return "<table:table-cell/>"
        return (
            f'<table:table-cell{merged} office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
        )

    tables = "".join(
        f'<table:table table:name="{name}">'
        + "".join(
            "<table:table-row>" + "".join(cell(r, c, v) for c, v in enumerate(cells)) + "</table:table-row>"
            for r, cells in enumerate(table)
        )
        + "</table:table>"
        for name, table in sheets.items()
    )
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.2"><office:body>'
        f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("mimetype", kind)
        z.writestr("content.xml", content)
        z.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>',
        )
    return path


def notes(result: Read) -> str:
    return " ".join(n.ru + n.en for n in result.report.notes)


# ---- hidden sheets


@pytest.mark.parametrize("how", [1, 2])
@pytest.mark.parametrize("headers", [RU, EN, DE])
def test_hidden_sheets_are_named_and_not_read(tmp_path: Path, how: int, headers: list[str]) -> None:
    file = xlsx(tmp_path / "o.xlsx", {"Old": [headers, *rows("A", 9)], "Now": [headers, *rows("B", 6)]}, {"Old": how})
    result = read(file, tmp_path / "out")
    assert result.report.rows_used == 6 and "«Old»" in notes(result) and "hidden sheets were not read" in notes(result)
    line = {"reading": {"sheet": "Old"}}
    assert read(file, tmp_path / "out", line).report.rows_used == 9


def test_a_hidden_sheet_of_an_xml_workbook(tmp_path: Path) -> None:
    file = xml2003(
        tmp_path / "o.xls", {"Черновик": [RU, *rows("A", 5)], "Заказы": [RU, *rows("B", 4)]}, hidden=["Черновик"]
    )
    result = read(file, tmp_path / "out")
    assert result.report.rows_used == 4 and "скрытые листы не прочитаны: «Черновик»" in notes(result)


def test_a_workbook_whose_only_table_is_hidden_is_asked_about(tmp_path: Path) -> None:
    file = xlsx(tmp_path / "o.xlsx", {"Data": [EN, *rows("A", 5)], "Empty": []}, {"Data": 1})
    error = stopped(file, tmp_path / "out")
    assert "Data" in error.what.en and read(file, tmp_path / "out", answer(error.answer)).report.rows_used == 5


# ---- a sheet a year or a branch


@pytest.mark.parametrize(
    "second",
    [
        ["Номер", "Дата", "Клиент", "Сумма", "Комментарий"],
        ["№ заказа", "Дата заказа", "Покупатель", "Сумма, руб."],
        ["Сумма", "Клиент", "Дата", "Номер"],
        ["Номер", "Дата", "Контрагент", "Менеджер", "Сумма"],
        ["Order number", "Order date", "Customer", "Amount"],
    ],
)
def test_sheets_of_one_kind_are_read_together(tmp_path: Path, second: list[str]) -> None:
    order = {
        "Номер": 0,
        "Дата": 1,
        "Клиент": 2,
        "Сумма": 3,
        "№ заказа": 0,
        "Дата заказа": 1,
        "Покупатель": 2,
        "Сумма, руб.": 3,
    }
    order |= {"Контрагент": 2, "Order number": 0, "Order date": 1, "Customer": 2, "Amount": 3}
    later = [[r[order[h]] if h in order else "x" for h in second] for r in rows("B", 4)]
    file = xlsx(tmp_path / "o.xlsx", {"2023": [RU, *rows("A", 3)], "2024": [second, *later]})
    result = read(file, tmp_path / "out")
    assert (result.report.rows_used, result.report.revenue) == (7, 700) and not result.report.questions
    assert "«2023», «2024»" in notes(result)
    assert (
        read(
            xml2003(tmp_path / "o.xls", {"Юг": [RU, *rows("A", 3)], "Север": [second, *later]}), tmp_path / "x"
        ).report.rows_used
        == 7
    )


# ---- orders among other tables


@pytest.mark.parametrize(
    "other", ["Оплаты", "Дебиторка", "План 2024", "Свод", "Payments", "Budget", "Zahlungen", "Долги"]
)
@pytest.mark.parametrize("write", [xlsx, xml2003])
def test_payments_debts_and_plans_are_not_orders(tmp_path: Path, other: str, write) -> None:  # type: ignore[no-untyped-def]
    payment: list[list[Cell]] = [["Дата", "Контрагент", "Сумма"], [dt.date(2024, 1, 20), "Фирма 1", 50]]
    file = write(tmp_path / "o.xlsx", {other: payment, "Лист2": [RU, *rows("B", 6)]})
    result = read(file, tmp_path / "out")
    assert result.report.rows_used == 6 and not result.report.questions
    assert f"«{other}»" in notes(result) and "без таблицы заказов" not in notes(result)


def test_the_title_above_the_table_tells_too(tmp_path: Path) -> None:
    payment: list[list[Cell]] = [
        ["Поступления от клиентов"],
        [],
        ["Дата", "Контрагент", "Сумма"],
        [dt.date(2024, 1, 20), "А", 50],
    ]
    result = read(xlsx(tmp_path / "o.xlsx", {"Лист1": payment, "Лист2": [RU, *rows("B", 6)]}), tmp_path / "out")
    assert result.report.rows_used == 6


@pytest.mark.parametrize("names", [("Лист1", "Лист2"), ("Data", "More"), ("Москва", "Реестр")])
def test_two_that_fit_are_asked_about(tmp_path: Path, names: tuple[str, str]) -> None:
    bare: list[list[Cell]] = [
        ["Дата", "Контрагент", "Сумма"],
        *([dt.date(2024, 1, 20), "Фирма 1", 50] for _ in range(2)),
    ]
    file = xlsx(tmp_path / "o.xlsx", {names[0]: bare, names[1]: [RU, *rows("B", 6)]})
    error = stopped(file, tmp_path / "out")
    lines = [error.answer, *(a.lines for a in error.others)]
    assert [read(file, tmp_path / f"out{i}", answer(line)).report.rows_used for i, line in enumerate(lines)] == [
        2,
        6,
        8,
    ]


def test_a_plan_with_the_header_of_the_orders_is_asked_about(tmp_path: Path) -> None:
    file = xlsx(tmp_path / "o.xlsx", {"Факт": [RU, *rows("A", 6)], "План": [RU, *rows("B", 4)]})
    error = stopped(file, tmp_path / "out")
    assert read(file, tmp_path / "out", answer(error.answer)).report.rows_used == 6


def test_a_line_for_one_workbook_leaves_the_others_alone(tmp_path: Path) -> None:
    one = xlsx(
        tmp_path / "a.xlsx",
        {"Лист1": [["Дата", "Контрагент", "Сумма"], [dt.date(2024, 1, 20), "Ф", 50]], "Б": [RU, *rows("B", 6)]},
    )
    two = xlsx(tmp_path / "b.xlsx", {"Год": [RU, *rows("C", 3)]})
    with pytest.raises(AmbiguityError):
        read([one, two], tmp_path / "out")
    assert read([one, two], tmp_path / "out", {"reading": {"sheet": "a.xlsx#Б"}}).report.rows_used == 9


@pytest.mark.parametrize("first", ["Свод", "Pivot", "Отчёт"])
def test_a_pivot_before_the_data(tmp_path: Path, first: str) -> None:
    pivot: list[list[Cell]] = [["Клиент", "Сумма"], ["Фирма 1", 600]]
    file = xlsx(tmp_path / "o.xlsx", {first: pivot, "Данные": [RU, *rows("B", 6)]})
    result = read(file, tmp_path / "out")
    assert result.report.rows_used == 6 and f"планов или сводов: «{first}»" in notes(result)


def test_sheets_of_an_open_document(tmp_path: Path) -> None:
    def texts(mark: str, n: int) -> list[list[str]]:
        return [[f"{mark}{i}", f"1{i}.01.2024", "Фирма", "100"] for i in range(n)]

    file = ods(
        tmp_path / "o.ods", {"Оплаты": [RU, *texts("A", 2)], "2023": [RU, *texts("B", 3)], "2024": [RU, *texts("C", 4)]}
    )
    with pytest.raises(AmbiguityError):
        read(file, tmp_path / "out")  # payments with the very header of the orders
    result = read(file, tmp_path / "out", {"reading": {"sheet": ["2023", "2024"]}})
    assert result.report.rows_used == 7


# ---- merged cells and odd packages


def test_cells_merged_over_rows_in_every_format(tmp_path: Path) -> None:
    """The client counts for both rows, the sum once."""
    header = ["Клиент", "Номер", "Дата", "Сумма"]
    table = [header, ["ООО Альфа", "1", "10.01.2024", "100"], ["", "2", "11.01.2024", "200"]]
    files = [ods(tmp_path / "o.ods", {"Лист1": table}, {(1, 0): 2})]
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    cells = "".join(f"<Cell><Data>{h}</Data></Cell>" for h in header)
    files.append(tmp_path / "o.xls")
    files[-1].write_text(
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="A"><Table><Row>{cells}</Row>'
        '<Row><Cell ss:MergeDown="1"><Data>ООО Альфа</Data></Cell><Cell><Data>1</Data></Cell><Cell><Data>10.01.2024</Data></Cell>'
        '<Cell ss:MergeDown="1"><Data>300</Data></Cell></Row>'
        '<Row><Cell ss:Index="2"><Data>2</Data></Cell><Cell><Data>11.01.2024</Data></Cell></Row></Table></Worksheet></Workbook>',
        encoding="utf-8",
    )
    files.append(tmp_path / "h.xls")
    files[-1].write_text(
        "<html><table><tr>"
        + "".join(f"<th>{h}</th>" for h in header)
        + '</tr><tr><td rowspan="2">ООО Альфа</td><td>1</td>'
        '<td>10.01.2024</td><td rowspan="2">300</td></tr><tr><td>2</td><td>11.01.2024</td></tr></table></html>',
        encoding="utf-8",
    )
    for file in files:
        result = read(file, tmp_path / "out")
        assert result.report.revenue == 300 and set(result.column("client_name")) == {"ООО Альфа"}, file.name


ITEMS = [
    ["Дата", "Номер", "Клиент", "Товар", "Сумма"],
    ["10.01.2024", "1", "ООО Альфа", "Болт", 100],
    ["", "", "", "Гайка", 200],
    ["12.01.2024", "2", "ООО Бета", "Болт", 400],
    ["", "", "", "Гайка", 500],
]


@pytest.mark.parametrize("columns", [(0, 1, 2), (2, 0, 1)])
def test_cells_merged_in_an_old_workbook(tmp_path: Path, columns: tuple[int, ...]) -> None:
    write_xls(tmp_path / "o.xls", ITEMS, merged=[(top, top + 1, c, c) for c in columns for top in (1, 3)])
    result = read(tmp_path / "o.xls", tmp_path / "out")
    assert result.column("client_name") == ["ООО Альфа"] * 2 + ["ООО Бета"] * 2
    assert result.column("order_id") == ["1", "1", "2", "2"] and not result.report.questions
    assert result.report.rows_used == 4 and result.report.revenue == 1200


def test_a_workbook_under_the_name_of_another_kind(tmp_path: Path) -> None:
    rows = [["Клиент", "Номер", "Дата", "Сумма"], ["ООО Альфа", "1", "10.01.2024", 100], ["", "2", "11.01.2024", 200]]
    write_xls(tmp_path / "o.xlsx", rows, merged=[(1, 2, 0, 0)])
    write_xlsx(tmp_path / "new.xlsx", {"Лист1": rows}, merge=[(1, 0, 2, 0, "ООО Альфа")])
    (tmp_path / "new.xlsx").rename(tmp_path / "n.xls")
    for name in ("o.xlsx", "n.xls"):
        result = read(tmp_path / name, tmp_path / "out")
        assert result.report.revenue == 300 and result.column("client_name") == ["ООО Альфа"] * 2, name


def test_a_merged_header_in_an_old_workbook(tmp_path: Path) -> None:
    rows = [
        ["Контрагент", "", "Документ", "", "Сумма"],
        ["Наименование", "ИНН", "Номер", "Дата", ""],
        ["ООО Альфа", "7707083893", "1", "10.01.2024", 100],
        ["ООО Бета", "7728168971", "2", "11.01.2024", 200],
    ]
    write_xls(tmp_path / "o.xls", rows, merged=[(0, 0, 0, 1), (0, 0, 2, 3), (0, 1, 4, 4)])
    result = read(tmp_path / "o.xls", tmp_path / "out")
    assert result.column("client_name") == ["ООО Альфа", "ООО Бета"] and result.column("order_id") == ["1", "2"]


@pytest.mark.parametrize(
    "cell",
    [
        "ООО Альфа<br>филиал",
        "<p>ООО Альфа</p><p>филиал</p>",
        "<div>ООО Альфа</div>филиал",
        "ООО <b>Аль</b>фа<br/>филиал",
    ],
)
def test_line_breaks_of_a_web_page_are_blanks(tmp_path: Path, cell: str) -> None:
    page = (
        "<html><table><tr><th>Номер</th><th>Дата</th><th>Клиент</th><th>Сумма</th></tr>"
        f"<tr><td>1</td><td>10.01.2024<br>10:00</td><td>{cell}</td><td>1<b>00</b></td></tr></table></html>"
    )
    (tmp_path / "o.xls").write_text(page, encoding="utf-8")
    result = read(tmp_path / "o.xls", tmp_path / "out")
    assert result.column("client_name") == ["ООО Альфа филиал"] and result.report.revenue == 100


def test_a_package_named_with_backslashes(tmp_path: Path) -> None:
    source = xlsx(tmp_path / "s.xlsx", {"Лист1": [RU, *rows("A", 5)], "Свод": [["x"]]})
    with zipfile.ZipFile(source) as whole, zipfile.ZipFile(tmp_path / "o.xlsx", "w") as odd:
        for entry in whole.namelist():
            odd.writestr(entry.replace("/", "\\"), whole.read(entry))
    result = read(tmp_path / "o.xlsx", tmp_path / "out")
    assert result.report.rows_used == 5 and result.report.files[0].name == "o.xlsx"
    assert result.report.files[0].size_bytes == (tmp_path / "o.xlsx").stat().st_size


def test_orders_hidden_behind_a_page_of_words_are_asked_about(tmp_path: Path) -> None:
    file = xlsx(
        tmp_path / "o.xlsx", {"Инструкция": [["Как заполнять"], ["Шаг 1"]], "База": [RU, *rows("A", 5)]}, {"База": 1}
    )
    error = stopped(file, tmp_path / "out")
    assert "«База»" in error.what.ru and read(file, tmp_path / "out", answer(error.answer)).report.rows_used == 5


@pytest.mark.parametrize("date", ["Дата отгрузки", "Дата отгр."])
def test_a_year_under_other_headers_is_asked_about(tmp_path: Path, date: str) -> None:
    other: list[Cell] = ["Док. №", date, "Контрагент", "Выручка"]
    file = xlsx(tmp_path / "o.xlsx", {"2024": [RU, *rows("A", 3)], "2025": [other, *rows("B", 4)]})
    error = stopped(file, tmp_path / "out")
    assert "«2024», «2025»" in error.what.ru
    both = answer(error.others[-1].lines)
    result = read(file, tmp_path / "out", both | {"columns": {"order_date": date}})
    assert result.report.rows_used == 7 and result.report.revenue == 700


def test_sums_by_client_without_a_date_are_a_pivot(tmp_path: Path) -> None:
    file = xlsx(
        tmp_path / "o.xlsx", {"2024": [RU, *rows("A", 3)], "Клиенты": [["Клиент", "Выручка"], ["Фирма 1", 45000]]}
    )
    result = read(file, tmp_path / "out")
    assert result.report.rows_used == 3
    assert any("планов или сводов: «Клиенты»" in n.ru for n in result.report.notes)
