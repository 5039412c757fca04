"""Every way in which the 200 orders are written. Each function writes into a folder and returns what to read."""

from __future__ import annotations

import csv
import datetime as dt
import io
import sqlite3
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from tests.intake.dialects.oldformats import Cell, write_html, write_ods, write_xls, write_xml2003
from tests.intake.dialects.orders import ORDERS, Order

Source = Path | str | list[Path]


@dataclass(frozen=True)
class Disguise:
    name: str
    write: Callable[[Path], Source]
    set_aside: int
    """Rows that are no orders: totals, groups, repeated headers."""
    settings: dict[str, Any] = field(default_factory=dict)


DISGUISES: list[Disguise] = []


def disguise(set_aside: int = 0, **settings: Any) -> Callable[[Callable[[Path], Source]], Callable[[Path], Source]]:
    def add(write: Callable[[Path], Source]) -> Callable[[Path], Source]:
        DISGUISES.append(Disguise(write.__name__, write, set_aside, settings))
        return write

    return add


HEADERS = ["Номер", "Дата", "Контрагент", "Сумма", "Себестоимость", "Менеджер", "Автор", "Статус", "Дата отгрузки"]
ENGLISH = ["order_id", "order_date", "client", "amount", "cost", "manager", "created_by", "status", "promised_date"]


def comma(value: Decimal, group: str = "") -> str:
    whole, _, part = f"{value:,.2f}".partition(".")
    return whole.replace(",", group) + "," + part


def dotted(day: dt.date | None) -> str:
    return "" if day is None else day.strftime("%d.%m.%Y")


def iso(day: dt.date | None) -> str:
    return "" if day is None else day.isoformat()


def rows(
    date: Callable[[dt.date | None], str] = dotted,
    number: Callable[[Decimal], str] = comma,
    orders: Sequence[Order] = ORDERS,
) -> list[list[str]]:
    return [
        [
            o.number,
            date(o.date),
            o.client,
            number(o.amount),
            number(o.cost),
            o.manager,
            o.author,
            o.status,
            date(o.planned),
        ]
        for o in orders
    ]


def typed(orders: Sequence[Order] = ORDERS) -> list[list[Cell]]:
    return [
        [o.number, o.date, o.client, float(o.amount), float(o.cost), o.manager, o.author, o.status, o.planned]
        for o in orders
    ]


def text(
    table: Sequence[Sequence[str]], delimiter: str = ";", newline: str = "\r\n", quoting: int = csv.QUOTE_MINIMAL
) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(table)
    return out.getvalue()


def save(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


def write_xlsx(path: Path, sheets: dict[str, Sequence[Sequence[Cell]]], merge: Sequence[tuple] = ()) -> Path:
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "dd.mm.yyyy"})
    date = book.add_format({"num_format": "dd.mm.yyyy"})
    for name, table in sheets.items():
        page = book.add_worksheet(name)
        for r, row in enumerate(table):
            for c, value in enumerate(row):
                if isinstance(value, dt.date):
                    page.write_datetime(r, c, dt.datetime(value.year, value.month, value.day), date)
                elif isinstance(value, str):
                    page.write_string(r, c, value)
                elif value is not None:
                    page.write_number(r, c, value)
        for top, left, bottom, right, value in merge:
            page.merge_range(top, left, bottom, right, value)
    book.close()
    return path


# -- encodings, delimiters, line ends ------------------------------------------------------------------------------


@disguise()
def utf8_semicolon(d: Path) -> Source:
    return save(d / "orders.csv", text([HEADERS, *rows()]))


@disguise()
def utf8_with_mark(d: Path) -> Source:
    return save(d / "orders.csv", text([HEADERS, *rows()]), "utf-8-sig")


@disguise()
def windows_1251(d: Path) -> Source:
    return save(d / "orders.csv", text([HEADERS, *rows()]), "cp1251")


@disguise()
def dos_866(d: Path) -> Source:
    return save(
        d / "orders.txt",
        text([HEADERS, *rows()])
        .replace("«", '"')
        .replace("»", '"')
        .replace('ООО "Завод имени Серго"', '"ООО ""Завод имени Серго"""'),
        "cp866",
    )


@disguise()
def unicode_text_of_1c(d: Path) -> Source:
    return save(d / "orders.txt", text([HEADERS, *rows()], "\t"), "utf-16")


@disguise()
def utf16_without_mark(d: Path) -> Source:
    return save(d / "orders.txt", text([HEADERS, *rows()], "\t"), "utf-16-le")


@disguise()
def commas_and_points(d: Path) -> Source:
    return save(d / "orders.csv", text([ENGLISH, *rows(iso, lambda v: f"{v:.2f}")], ",", "\n"))


@disguise()
def points_with_comma_thousands(d: Path) -> Source:
    return save(d / "orders.csv", text([ENGLISH, *rows(iso, lambda v: f"{v:,.2f}")], ","))


@disguise()
def tabs(d: Path) -> Source:
    return save(d / "orders.tsv", text([HEADERS, *rows()], "\t", "\n"))


@disguise()
def everything_quoted(d: Path) -> Source:
    return save(d / "orders.csv", text([HEADERS, *rows()], quoting=csv.QUOTE_ALL), "utf-8-sig")


@disguise()
def carriage_returns_only(d: Path) -> Source:
    return save(d / "orders.csv", text([HEADERS, *rows()], newline="\r"), "cp1251")


@disguise(set_aside=1)
def no_last_line_end_and_blank_tail(d: Path) -> Source:
    return save(d / "orders.csv", text([HEADERS, *rows()]).rstrip() + "\r\n;;;;;;;;\r\n\r\n\r\n")


@disguise()
def comments_over_several_lines(d: Path) -> Source:
    table = [[*HEADERS, "Комментарий"]]
    table += [[*r, f'позвонить;\r\nсказать "да"\n№ {i}' if i % 3 == 0 else ""] for i, r in enumerate(rows())]
    return save(d / "orders.csv", text(table))


@disguise()
def blanks_around(d: Path) -> Source:
    table = [[f" {h}\u00a0" for h in HEADERS], *([f"  {c}\u00a0 " for c in r] for r in rows())]
    return save(d / "orders.csv", text(table))


# -- dates and numbers ---------------------------------------------------------------------------------------------


@disguise()
def clock_and_no_break_thousands(d: Path) -> Source:
    table = [
        [
            o.number,
            f"{dotted(o.date)} {o.clock}",
            o.client,
            comma(o.amount, "\u00a0"),
            comma(o.cost, "\u00a0"),
            o.manager,
            o.author,
            o.status,
            f"{dotted(o.planned)} 0:00:00" if o.planned else "01.01.0001 0:00:00",
        ]
        for o in ORDERS
    ]
    return save(d / "orders.csv", text([HEADERS, *table]), "cp1251")


@disguise()
def narrow_blanks_minus_signs_roubles(d: Path) -> Source:
    def money(v: Decimal) -> str:
        return ("−" if v < 0 else "") + comma(abs(v), "\u202f") + " руб."

    return save(d / "orders.csv", text([HEADERS, *rows(dotted, money)]))


@disguise()
def brackets_and_currency_signs(d: Path) -> Source:
    def money(v: Decimal) -> str:
        return f"({comma(-v, ' ')} ₽)" if v < 0 else f"{comma(v, ' ')} ₽"

    return save(d / "orders.csv", text([HEADERS, *rows(dotted, money)]))


@disguise()
def two_digit_years(d: Path) -> Source:
    def short(day: dt.date | None) -> str:
        return "" if day is None else f"{day.day}.{day.month}.{day:%y}"

    return save(d / "orders.csv", text([HEADERS, *rows(short)]))


@disguise()
def excel_serials(d: Path) -> Source:
    def serial(day: dt.date | None) -> str:
        return "" if day is None else str((day - dt.date(1899, 12, 30)).days)

    return save(d / "orders.csv", text([HEADERS, *rows(serial)]))


@disguise()
def months_in_words(d: Path) -> Source:
    names = [
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ]

    def words(day: dt.date | None) -> str:
        return "" if day is None else f"{day.day} {names[day.month - 1]} {day.year} г."

    return save(d / "orders.csv", text([HEADERS, *rows(words)]))


@disguise()
def american_dates(d: Path) -> Source:
    def month_first(day: dt.date | None) -> str:
        return "" if day is None else day.strftime("%m/%d/%Y")

    return save(d / "orders.csv", text([ENGLISH, *rows(month_first, lambda v: f"{v:.2f}")], ","))


@disguise(reading={"date_format": "dd/mm/yyyy"})
def slashes_day_first(d: Path) -> Source:
    return save(d / "orders.csv", text([HEADERS, *rows(lambda x: "" if x is None else x.strftime("%d/%m/%Y"))]))


@disguise()
def iso_with_time_zone(d: Path) -> Source:
    return save(d / "orders.csv", text([HEADERS, *rows(lambda x: "" if x is None else f"{x}T10:11:12Z")]))


# -- shapes of reports ---------------------------------------------------------------------------------------------

TOTAL = comma(sum((o.amount for o in ORDERS), Decimal(0)), " ")


@disguise(set_aside=1)
def preamble_and_total(d: Path) -> Source:
    width = len(HEADERS)
    top = [
        ["Заказы клиентов"],
        ["Период: 01.01.2023 - 31.12.2024"],
        ['Отбор: Организация Равно "Химпоставка"'],
        ["Параметры: Валюта: руб."],
        [],
    ]
    table = [r + [""] * (width - len(r)) for r in top]
    total = ["Итого", "", "", TOTAL] + [""] * (width - 4)
    return save(d / "orders.csv", text([*table, HEADERS, *rows(), total]), "cp1251")


@disguise(set_aside=2 * 4 - 1 + 1)
def printed_pages(d: Path) -> Source:
    table: list[list[str]] = []
    for start in range(0, 200, 50):
        part = ORDERS[start : start + 50]
        total = comma(sum((o.amount for o in part), Decimal(0)), " ")
        table += [HEADERS, *rows(orders=part), ["Итого по странице", "", "", total, "", "", "", "", ""]]
    return save(d / "orders.csv", text([*table, ["Всего", "", "", TOTAL, "", "", "", "", ""]]))


@disguise()
def document_in_one_cell(d: Path) -> Source:
    head = ["Заказ клиента", *HEADERS[2:]]
    table = [
        [f"Заказ клиента {o.number} от {dotted(o.date)} {o.clock}", *r[2:]] for o, r in zip(ORDERS, rows(), strict=True)
    ]
    return save(d / "orders.csv", text([head, *table]))


def _grouped(document: Callable[[Order], list[str]], width: int, sums: bool) -> list[list[str]]:
    out: list[list[str]] = []
    for client in sorted({o.client for o in ORDERS}):
        part = [o for o in ORDERS if o.client == client]
        total = comma(sum((o.amount for o in part), Decimal(0)), " ") if sums else ""
        out.append([client, *[""] * (width - 2), total])
        out += [document(o) for o in part]
    return out


CLIENT_COUNT = len({o.client for o in ORDERS})


@disguise(set_aside=CLIENT_COUNT + 1)
def grouped_by_client(d: Path) -> Source:
    head1 = ["Контрагент", "Менеджер", "Автор", "Статус", "Дата отгрузки", "Себестоимость", "Сумма"]
    head2 = ["Документ", "", "", "", "", "", ""]
    body = _grouped(
        lambda o: [
            f"  Заказ клиента {o.number} от {dotted(o.date)} {o.clock}",
            o.manager,
            o.author,
            o.status,
            dotted(o.planned),
            comma(o.cost, " "),
            comma(o.amount, " "),
        ],
        7,
        True,
    )
    top = [["Продажи по клиентам", *[""] * 6], [""] * 7]
    return save(d / "orders.csv", text([*top, head1, head2, *body, ["Итого", *[""] * 5, TOTAL]]), "cp1251")


@disguise(set_aside=CLIENT_COUNT)
def client_above_its_orders(d: Path) -> Source:
    head = ["Контрагент", "Номер", "Дата", "Себестоимость", "Менеджер", "Автор", "Статус", "Дата отгрузки", "Сумма"]
    body = _grouped(
        lambda o: [
            "",
            o.number,
            dotted(o.date),
            comma(o.cost),
            o.manager,
            o.author,
            o.status,
            dotted(o.planned),
            comma(o.amount),
        ],
        9,
        False,
    )
    return save(d / "orders.csv", text([head, *body]))


@disguise()
def header_of_two_rows(d: Path) -> Source:
    head1 = ["Документ", "", "Контрагент", "Суммы", "", "Сотрудники", "", "Статус", "Дата отгрузки"]
    head2 = ["Номер", "Дата", "Наименование", "Сумма", "Себестоимость", "Менеджер", "Автор", "", ""]
    return save(d / "orders.csv", text([["Реестр заказов", *[""] * 8], head1, head2, *rows()]))


@disguise()
def camel_case_of_1c(d: Path) -> Source:
    head = [
        "Номер",
        "Дата",
        "Контрагент",
        "СуммаДокумента",
        "Себестоимость",
        "Менеджер",
        "Автор",
        "Статус",
        "ДатаОтгрузки",
    ]
    return save(d / "orders.csv", text([head, *rows()]))


@disguise()
def fact_beside_plan(d: Path) -> Source:
    head = [*HEADERS[:8], "Дата отгрузки (факт)", "Плановая дата отгрузки", "% отгрузки", "% оплаты"]
    table = [[*r[:8], r[1], r[8], "100", "50"] for r in rows()]
    return save(d / "orders.csv", text([head, *table]))


@disguise()
def columns_shuffled_and_numbered(d: Path) -> Source:
    order = [5, 3, 8, 0, 2, 7, 1, 6, 4]
    table = [["№ п/п", *(HEADERS[i] for i in order)]]
    table += [[str(n), *(r[i] for i in order)] for n, r in enumerate(rows(), 1)]
    return save(d / "orders.csv", text(table))


@disguise()
def amo_export(d: Path) -> Source:
    head = [
        "ID",
        "Название сделки",
        "Компания",
        "Ответственный",
        "Бюджет ",
        "Дата создания сделки",
        "Кем создана сделка",
        "Дата закрытия",
        "Этап сделки",
        "Источник",
        "Источник",
        "Теги сделки",
        "План. дата отгрузки",
        "Себестоимость",
        *(f"Поле {i}" for i in range(60)),
    ]
    stage = {"Закрыт": "Успешно реализовано", "К отгрузке": "Переговоры", "Отгружен": "Отгружен"}
    table = [
        [
            o.number,
            f"Сделка {o.number}",
            o.client,
            o.manager,
            f"{o.amount:.2f}",
            f"{dotted(o.date)} {o.clock}",
            o.author,
            "не закрыта",
            stage[o.status],
            "Сайт",
            "Звонок",
            "",
            dotted(o.planned),
            f"{o.cost:.2f}",
            *[""] * 60,
        ]
        for o in ORDERS
    ]
    return save(d / "amo.csv", text([head, *table], ",", quoting=csv.QUOTE_ALL))


@disguise(set_aside=20)
def unposted_and_deleted(d: Path) -> Source:
    head = [*HEADERS, "Проведен", "ПометкаУдаления"]
    table = [[*r, "Да", "Нет"] for r in rows()]
    table[50:50] = [[*r, "Нет", "Нет"] for r in rows()[:10]]
    table[150:150] = [[*r, "Да", "Да"] for r in rows()[:10]]
    return save(d / "orders.csv", text([head, *table]))


# -- returns -------------------------------------------------------------------------------------------------------


@disguise()
def returns_as_a_kind(d: Path) -> Source:
    head = [*HEADERS, "Вид документа"]
    table = [
        [
            o.number,
            dotted(o.date),
            o.client,
            comma(abs(o.amount)),
            comma(abs(o.cost)),
            o.manager,
            o.author,
            o.status,
            dotted(o.planned),
            "Возврат товаров от клиента" if o.amount < 0 else "Реализация товаров и услуг",
        ]
        for o in ORDERS
    ]
    return save(d / "orders.csv", text([head, *table]))


@disguise()
def returns_in_a_file_of_their_own(d: Path) -> Source:
    sold = [o for o in ORDERS if o.amount >= 0]
    back = [
        [
            o.number,
            dotted(o.date),
            o.client,
            comma(-o.amount),
            comma(-o.cost),
            o.manager,
            o.author,
            o.status,
            dotted(o.planned),
        ]
        for o in ORDERS
        if o.amount < 0
    ]
    return [
        save(d / "Реализации.csv", text([HEADERS, *rows(orders=sold)])),
        save(d / "Возвраты.csv", text([HEADERS, *back])),
    ]


# -- containers ----------------------------------------------------------------------------------------------------


@disguise()
def split_in_two_dialects(d: Path) -> Source:
    save(d / "2023.csv", text([HEADERS, *rows(orders=ORDERS[:90])]), "cp1251")
    save(d / "2024.csv", text([ENGLISH, *rows(iso, lambda v: f"{v:.2f}", ORDERS[90:])], ","))
    return d


@disguise()
def zip_with_russian_names(d: Path) -> Source:
    path = d / "orders.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("Заказы/часть 1.csv", text([HEADERS, *rows(orders=ORDERS[:60])]).encode("cp1251"))
        z.writestr("Заказы/часть 2.csv", text([HEADERS, *rows(orders=ORDERS[60:])]).encode())
    return path


@disguise()
def parquet_typed(d: Path) -> Source:
    columns = list(zip(*typed(), strict=True))
    pq.write_table(pa.table([pa.array(c) for c in columns], names=ENGLISH), d / "orders.parquet")
    return d / "orders.parquet"


@disguise()
def parquet_of_texts(d: Path) -> Source:
    columns = list(zip(*rows(), strict=True))
    pq.write_table(pa.table([pa.array(c).dictionary_encode() for c in columns], names=HEADERS), d / "orders.parquet")
    return d / "orders.parquet"


@disguise()
def workbook(d: Path) -> Source:
    return write_xlsx(d / "orders.xlsx", {"TDSheet": [HEADERS, *typed()]})


@disguise()
def workbook_of_texts(d: Path) -> Source:
    return write_xlsx(d / "orders.xlsx", {"Лист1": [HEADERS, *rows()]})


@disguise()
def workbook_half_text_half_numbers(d: Path) -> Source:
    mixed = [t if i % 2 else r for i, (t, r) in enumerate(zip(typed(), rows(), strict=True))]
    return write_xlsx(d / "orders.xlsx", {"Лист1": [HEADERS, *mixed]})


@disguise(set_aside=1)
def workbook_with_empty_sheet_preamble_and_merges(d: Path) -> Source:
    top: list[list[Cell]] = [["Отчёт по заказам"], ["Период: 2023 - 2024 гг."], []]
    head1: list[Cell] = ["Документ", None, "Контрагент", "Суммы", None, "Сотрудники", None, "Статус", "Дата отгрузки"]
    head2: list[Cell] = ["Номер", "Дата", "Наименование", "Сумма", "Себестоимость", "Менеджер", "Автор", None, None]
    total: list[Cell] = ["Итого", None, None, float(sum((o.amount for o in ORDERS), Decimal(0)))]
    book = xlsxwriter.Workbook(str(d / "orders.xlsx"))
    book.add_worksheet("Лист1")
    page = book.add_worksheet("Данные")
    date = book.add_format({"num_format": "dd.mm.yyyy"})
    table = [*top, head1, head2, *typed(), total]
    for r, row in enumerate(table):
        for c, value in enumerate(row):
            if isinstance(value, dt.date):
                page.write_datetime(r, c, dt.datetime(value.year, value.month, value.day), date)
            elif value is not None:
                page.write(r, c, value)
    for first, last, label in ((0, 1, "Документ"), (3, 4, "Суммы"), (5, 6, "Сотрудники")):
        page.merge_range(3, first, 3, last, label)
    for column, label in ((7, "Статус"), (8, "Дата отгрузки")):
        page.merge_range(3, column, 4, column, label)
    book.close()
    return d / "orders.xlsx"


@disguise()
def workbook_with_misspelt_strings(d: Path) -> Source:
    whole = write_xlsx(d / "whole.xlsx", {"TDSheet": [HEADERS, *typed()]})
    with zipfile.ZipFile(whole) as z, zipfile.ZipFile(d / "orders.xlsx", "w", zipfile.ZIP_DEFLATED) as out:
        for entry in z.namelist():
            out.writestr(entry.replace("sharedStrings.xml", "SharedStrings.xml"), z.read(entry))
    whole.unlink()
    return d / "orders.xlsx"


@disguise()
def workbook_with_a_sheet_a_year(d: Path) -> Source:
    return write_xlsx(
        d / "orders.xlsx",
        {
            "2023": [HEADERS, *typed(ORDERS[:90])],
            "2024": [HEADERS, *typed(ORDERS[90:])],
            "Справка": [["Подготовил", "Отдел продаж"]],
        },
    )


@disguise()
def workbook_with_merged_clients(d: Path) -> Source:
    table: list[list[Cell]] = [HEADERS]
    merge = []
    for client in sorted({o.client for o in ORDERS}):
        part = typed([o for o in ORDERS if o.client == client])
        for i, row in enumerate(part):
            table.append([*row[:2], client if i == 0 else None, *row[3:]])
        if len(part) > 1:
            merge.append((len(table) - len(part), 2, len(table) - 1, 2, client))
    return write_xlsx(d / "orders.xlsx", {"Лист1": table}, merge)


@disguise()
def old_xls(d: Path) -> Source:
    write_xls(d / "orders.xls", [HEADERS, *typed()])
    return d / "orders.xls"


@disguise()
def open_document(d: Path) -> Source:
    write_ods(d / "orders.ods", [HEADERS, *typed()])
    return d / "orders.ods"


@disguise()
def html_dressed_as_xls(d: Path) -> Source:
    write_html(d / "DEAL_20240501.xls", [HEADERS, *rows()])
    return d / "DEAL_20240501.xls"


@disguise()
def xml_of_2003(d: Path) -> Source:
    write_xml2003(d / "orders.xls", [HEADERS, *typed()])
    return d / "orders.xls"


@disguise()
def database_table(d: Path) -> Source:
    path = d / "orders.db"
    base = sqlite3.connect(path)
    base.execute(f"CREATE TABLE [заказы] ({', '.join(f'[{h}]' for h in HEADERS)})")
    values = [[v.isoformat() if isinstance(v, dt.date) else v for v in r] for r in typed()]
    base.executemany(f"INSERT INTO [заказы] VALUES ({', '.join('?' * len(HEADERS))})", values)
    base.commit()
    base.close()
    return f"sqlite:///{path.as_posix()}#заказы"


@disguise()
def database_query(d: Path) -> Source:
    source = str(database_table(d)).split("#")[0]
    return f"{source}#SELECT * FROM [заказы] WHERE [Сумма] IS NOT NULL ORDER BY [Номер] DESC"
