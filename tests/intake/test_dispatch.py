"""Orders and dispatch documents in one folder: one sale, counted once, dated by its dispatch."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xlsxwriter

from audit.errors import AmbiguityError, InputError
from audit.intake.canonical import Dispatches
from audit.intake.dispatch import document_rows, mark, named_orders
from audit.intake.documents import document_kind
from audit.intake.values import DateRule, parse_date
from tests.intake.reading import Read, read, refuses, write

ORDERS = """Номер;Дата;Контрагент;Сумма;Дата отгрузки;Менеджер
0000-000001;10.01.2024;ООО Альфа;1000;15.01.2024;Иванов
0000-000002;12.01.2024;ООО Бета;2000;20.01.2024;Иванов
0000-000003;14.01.2024;ООО Гамма;3000;20.01.2024;Петров
0000-000004;16.01.2024;ООО Альфа;4000;25.01.2024;Петров
"""
# Order 1: one document in full. Order 2: two documents, 1500 + 500, the later on 24.01. Order 3: 2400 of 3000, 80 %.
# Order 4: nothing yet. The last document names an order that is not among these.
DISPATCHES = """Номер;Дата;Контрагент;Сумма;Заказ клиента
00УТ-000011;15.01.2024;ООО Альфа;1000;Заказ клиента 0000-000001 от 10.01.2024 9:05:01
00УТ-000012;18.01.2024;ООО Бета;1500;Заказ клиента 0000-000002 от 12.01.2024 10:00:00
00УТ-000013;24.01.2024;ООО Бета;500;Заказ клиента 0000-000002 от 12.01.2024 10:00:00
00УТ-000014;19.01.2024;ООО Гамма;2400;Заказ клиента 0000-000003 от 14.01.2024 10:00:00
00УТ-000015;20.01.2024;ООО Дельта;700;Заказ клиента 0000-000777 от 28.12.2023 10:00:00
"""
SETTLED: dict[str, Any] = {"reading": {"dispatch_files": ["Реализации*"]}}


def day(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%d.%m.%Y").date()


def folder(tmp_path: Path, orders: str = ORDERS, dispatches: str = DISPATCHES, **more: str) -> Path:
    inside = tmp_path / "orders"
    inside.mkdir(exist_ok=True)
    write(inside / "Заказы.csv", orders)
    write(inside / "Реализации.csv", dispatches)
    for name, text in more.items():
        write(inside / f"{name}.csv", text)
    return inside


def by_order(result: Read, column: str) -> dict[str, Any]:
    return dict(zip(result.column("order_id"), result.column(column), strict=True))


def test_dispatch_documents_date_their_orders(tmp_path: Path) -> None:
    result = read(folder(tmp_path), tmp_path / "out", SETTLED)
    assert result.report.revenue == 10_000.0  # 1000 + 2000 + 3000 + 4000: the orders alone
    assert by_order(result, "shipped_date") == {
        "0000-000001": day("15.01.2024"),
        "0000-000002": day("24.01.2024"),
        "0000-000003": day("19.01.2024"),
        "0000-000004": None,
    }
    assert by_order(result, "promised_date")["0000-000002"] == day(
        "20.01.2024"
    )  # «Дата отгрузки» of an order is the plan
    assert by_order(result, "shipped_pct") == {
        "0000-000001": 1.0,
        "0000-000002": 1.0,
        "0000-000003": 0.8,
        "0000-000004": None,
    }
    assert result.reasons() == {"dispatch_dated": 4, "dispatch_no_order": 1}
    assert (result.report.rows_read, result.report.rows_used) == (9, 4)
    assert {r["row"]: r["reason_code"] for r in result.rejected}["6"] == "dispatch_no_order"
    assert result.rejected[0]["value"].startswith("Заказ клиента 0000-000001")
    assert all(s.revenue is None for s in result.report.set_aside)  # the sale is not lost: the order carries it
    assert result.report.counts["dispatched_orders"] == 3
    assert result.report.counts["dispatches_without_order"] == 1
    assert any("дали дату 3 заказам из 4" in n.ru and "не найден: 1" in n.ru for n in result.report.notes)
    assert result.report.questions == ()
    assert {"shipped_date", "shipped_pct"} <= set(result.report.fields)
    assert result.report.field_coverage["shipped_date"] == 0.6  # 6000 of 10 000
    assert result.field_of("Заказ клиента") == ("order_ref", "mapped")


def test_an_order_that_no_document_names_was_not_shipped(tmp_path: Path) -> None:
    on = [f"{1 + i % 27:02d}.0{1 + i // 27}.2024" for i in range(81)]
    rows = [f"0000-{i:06d};{on[i]};ООО Альфа;1000;;Иванов" for i in range(81)]
    orders = ORDERS.splitlines()[0] + "\n" + "\n".join(rows) + "\n"
    sent = [
        f"00УТ-{i:06d};{on[i]};ООО Альфа;1000;Заказ клиента 0000-{i:06d} от {on[i]}"
        for i in range(81)
        if i not in (5, 40, 70)
    ]
    dispatches = DISPATCHES.splitlines()[0] + "\n" + "\n".join(sent) + "\n"
    told = by_order(read(folder(tmp_path, orders, dispatches), tmp_path / "out", SETTLED), "shipped_pct")
    # Two orders of January and February have none; the third, of March, may still be on its way.
    assert {k for k, v in told.items() if v == 0} == {"0000-000005", "0000-000040"}
    assert told["0000-000070"] is None and told["0000-000006"] == 1.0
    # Where many documents name no order that is known, a missing one says nothing.
    strays = dispatches + "".join(f"00УТ-9{i:05d};01.02.2024;ООО Альфа;1000;Заказ 77{i:04d}\n" for i in range(9))
    told = by_order(read(folder(tmp_path, orders, strays), tmp_path / "out2", SETTLED), "shipped_pct")
    assert told["0000-000005"] is None


def test_until_it_is_answered_certain_double_counting_is_avoided_and_asked_about(tmp_path: Path) -> None:
    """5400 of 6100 dispatched is among the orders: 89 %, above the limit of 80 %."""
    files = folder(tmp_path)
    result = read(files, tmp_path / "out")
    assert result.report.revenue == 10_000.0
    (question,) = result.report.questions
    assert "89 %" in question.text.ru and "dispatch_files = []" in question.text.en
    assert question.answer == '[reading]\ndispatch_files = ["Реализации.csv"]'
    settled = read(files, tmp_path / "out2", tomllib.loads(question.answer))
    assert settled.report.questions == () and settled.report.revenue == 10_000.0
    assert settled.column("shipped_date") == result.column("shipped_date")


def test_documents_without_a_column_for_the_order_are_known_by_client_and_amount(tmp_path: Path) -> None:
    """Neither a reference nor equal numbers: 1000 + 3000 of 4000 are sums that the same clients ordered: 100 %."""
    text = """Номер;Дата;Контрагент;Сумма
Реализация товаров и услуг 00УТ-000011 от 15.01.2024 9:00:00;15.01.2024;Альфа ООО;1000
Реализация товаров и услуг 00УТ-000012 от 19.01.2024 9:00:00;19.01.2024;ООО "Гамма";3000
"""
    inside = tmp_path / "orders"
    inside.mkdir()
    write(inside / "a.csv", ORDERS)  # no name says «orders»: the money does
    write(inside / "b.csv", text)
    result = read(inside, tmp_path / "out")
    assert "100 %" in result.report.questions[0].text.ru and result.report.revenue == 10_000.0
    assert "export them with that column" in result.report.questions[0].text.en
    assert result.reasons() == {"dispatch_no_order": 2}
    assert result.report.counts["dispatched_orders"] == 0


def test_both_stay_in_while_double_counting_is_not_certain(tmp_path: Path) -> None:
    """Other clients, other sums: nothing of it is among the orders, yet both kinds are there."""
    other = "Номер;Дата;Контрагент;Сумма\nА-1;15.02.2024;ООО Юг;70\nА-2;16.02.2024;ООО Север;80\n"
    files = folder(tmp_path, dispatches=other)
    result = read(files, tmp_path / "out")
    assert result.report.revenue == 10_150.0 and result.report.rows_set_aside == 0
    (question,) = result.report.questions
    assert "0 % of the money of Реализации.csv" in question.text.en and "may be double" in question.text.en
    own = read(files, tmp_path / "out2", {"reading": {"dispatch_files": []}})
    assert own.report.questions == () and own.report.revenue == 10_150.0


def test_several_files_are_one_question(tmp_path: Path) -> None:
    """Of the first 89 % is among the orders, of the second nothing: one is left out, the other counted and told."""
    other = "Номер;Дата;Контрагент;Сумма\nА-1;15.02.2024;ООО Юг;70\n"
    result = read(folder(tmp_path, **{"Отгрузки юга": other}), tmp_path / "out")
    (question,) = result.report.questions
    assert "Not counted as sales: Реализации.csv. Both are counted" in question.text.en
    assert question.answer == '[reading]\ndispatch_files = ["Отгрузки юга.csv", "Реализации.csv"]'
    assert result.report.revenue == 10_070.0 and result.reasons() == {"dispatch_dated": 4, "dispatch_no_order": 1}
    settled = read(tmp_path / "orders", tmp_path / "out", tomllib.loads(question.answer))
    assert settled.report.revenue == 10_000.0 and settled.reasons() == {"dispatch_dated": 4, "dispatch_no_order": 2}


def test_uncertain_documents_that_cannot_be_sales_stop_with_the_line(tmp_path: Path) -> None:
    """Two numbers, and only 1000 of 6000 among the orders (17 %): which number to count by cannot be told."""
    text = """Номер;Дата;Контрагент;Сумма;Заказ клиента
Р-1;15.01.2024;ООО Альфа;1000;0000-000001
Р-2;18.01.2024;ООО Юг;5000;0000-000900
"""
    files = folder(tmp_path, dispatches=text)
    with pytest.raises(AmbiguityError) as caught:
        read(files, tmp_path / "out")
    assert "17 %" in caught.value.what.en
    result = read(files, tmp_path / "out", tomllib.loads(caught.value.answer))
    assert result.reasons() == {"dispatch_dated": 1, "dispatch_no_order": 1}


def test_dispatches_alone_are_sales(tmp_path: Path) -> None:
    inside = tmp_path / "orders"
    inside.mkdir()
    plain = "\n".join(row.rsplit(";", 1)[0] for row in DISPATCHES.splitlines())
    write(inside / "Реализации.csv", plain)
    result = read(inside, tmp_path / "out")
    assert result.report.revenue == 6100.0 and result.report.questions == ()
    write(inside / "Реализации.csv", DISPATCHES)
    with refuses(AmbiguityError, "Several columns fit the field “order number”: “Номер” and “Заказ клиента”"):
        read(inside, tmp_path / "out")


def test_numbers_of_every_year_are_told_apart_by_date_or_client(tmp_path: Path) -> None:
    """1C numbers begin anew every January: «7» is an order of 2023 and of 2024."""
    orders = """Номер;Дата;Контрагент;Сумма
7;10.01.2023;А;10
7;10.01.2024;А;20
8;11.01.2023;А;30
8;11.01.2024;Б;40
"""
    text = """Номер;Дата;Контрагент;Сумма;Заказ
Р-1;20.01.2024;А;20;7
Р-2;20.01.2023;А;10;Заказ клиента 7 от 10.01.2023
Р-3;25.01.2024;Б;40;8
Р-4;26.01.2024;В;30;8
"""
    result = read(folder(tmp_path, orders, text), tmp_path / "out", SETTLED)
    # «8» of client В is nobody's: two orders have the number and neither is his.
    assert result.column("shipped_date") == [day("20.01.2023"), day("20.01.2024"), None, day("25.01.2024")]
    assert result.reasons() == {"dispatch_dated": 3, "dispatch_no_order": 1}


def test_the_number_of_the_order_as_the_documents_own(tmp_path: Path) -> None:
    """Without a column for the order equal numbers of the same client count; of another client they do not."""
    text = """Номер накладной;Дата накладной;Покупатель
0000-000001;15.01.2024;ООО Альфа
0000-000002;18.01.2024;ООО Другой
"""
    files = folder(tmp_path, dispatches=text)
    with refuses(InputError, "no column “order that was dispatched”"):
        read(files, tmp_path / "out", SETTLED)
    asked = {**SETTLED, "columns": {"order_ref": "Номер накладной"}}
    result = read(files, tmp_path / "out", asked)
    assert result.reasons() == {"dispatch_dated": 2}  # named as the order, the numbers are unique
    result = read(folder(tmp_path, dispatches=text.replace("Номер накладной", "Номер")), tmp_path / "out", SETTLED)
    assert result.reasons() == {"dispatch_dated": 1, "dispatch_no_order": 1}
    assert result.column("shipped_pct") == [None] * 4  # no amounts, no shares


def test_what_is_no_dispatch_keeps_its_own_reason(tmp_path: Path) -> None:
    text = """Номер;Дата;Контрагент;Сумма;Заказ;Проведен
Р-1;15.01.2024;ООО Альфа;1000;0000-000001;Да
Р-2;16.01.2024;ООО Альфа;1000;0000-000001;Нет
Р-3;17.01.2024;ООО Альфа;-100;0000-000001;Да
Р-4;17.01.2031;ООО Альфа;100;0000-000001;Да
Итого;;;2000;;
"""
    result = read(folder(tmp_path, dispatches=text), tmp_path / "out", SETTLED)
    assert result.reasons() == {
        "dispatch_dated": 1,
        "unposted": 1,
        "dispatch_return": 1,
        "future_date": 1,
        "total_row": 1,
    }
    assert by_order(result, "shipped_date")["0000-000001"] == day("15.01.2024")


def test_what_the_orders_know_themselves_stays(tmp_path: Path) -> None:
    orders = """Номер;Дата;Контрагент;Сумма;Фактическая дата отгрузки;% отгрузки
0000-000001;10.01.2024;ООО Альфа;1000;14.01.2024;50
0000-000002;12.01.2024;ООО Бета;2000;;100
"""
    result = read(folder(tmp_path, orders), tmp_path / "out", SETTLED)
    assert result.column("shipped_date") == [day("14.01.2024"), day("24.01.2024")]
    assert result.column("shipped_pct") == [0.5, 1.0]


def test_shares_are_not_made_of_sums_with_and_without_vat(tmp_path: Path) -> None:
    """Orders with VAT of 20 %, dispatches without: every share would be 1 / 1.2 = 0.83."""
    orders = "Номер;Дата;Контрагент;Сумма\n" + "".join(f"{i};10.01.2024;К{i};1200\n" for i in range(10, 20))
    text = "Номер;Дата;Контрагент;Сумма;Заказ\n" + "".join(f"Р{i};12.01.2024;К{i};1000;{i}\n" for i in range(10, 20))
    result = read(folder(tmp_path, orders, text), tmp_path / "out", SETTLED)
    assert set(result.column("shipped_date")) == {day("12.01.2024")}
    assert set(result.column("shipped_pct")) == {None}
    assert any("не посчитана" in n.ru for n in result.report.notes)


def test_lines_of_an_order_all_get_its_date(tmp_path: Path) -> None:
    """Grain of lines on both sides: 60 of 100 dispatched is 60 % for each line; leading zeros do not matter."""
    orders = "Номер;Дата;Контрагент;Номенклатура;Сумма\n0012;10.01.2024;А;Болт;40\n0012;10.01.2024;А;Гайка;60\n"
    text = "Номер;Дата;Контрагент;Номенклатура;Сумма;Заказ\nР1;12.01.2024;А;Болт;40;12\nР1;12.01.2024;А;Гайка;20;12\n"
    result = read(folder(tmp_path, orders, text), tmp_path / "out", SETTLED)
    assert result.column("shipped_date") == [day("12.01.2024")] * 2
    assert result.column("shipped_pct") == [0.6, 0.6]


def test_many_rows_groups_and_a_file_of_returns(tmp_path: Path) -> None:
    n = 3000
    orders = "Номер;Дата;Контрагент;Сумма\n" + "".join(f"З{i};10.01.2024;К{i % 7};10\n" for i in range(n))
    text = "Номер;Дата;Контрагент;Сумма;Заказ\n" + "".join(
        f"Р{i};1{i % 9}.02.2024;К{i % 7};10;З{i}\n" for i in range(0, n, 2)
    )
    back = "Номер;Дата;Контрагент;Сумма\nЗ0;20.02.2024;К0;10\n"
    files = folder(tmp_path, orders, text, Возвраты=back)
    result = read(files, tmp_path / "out", SETTLED)
    lines = result.lines
    assert list(lines["source_file"].drop_duplicates()) == ["Возвраты.csv", "Заказы.csv"]
    assert result.report.revenue == 10.0 * n - 10.0
    sold = lines[lines["source_file"] == "Заказы.csv"]
    assert sold["shipped_date"].notna().sum() == n // 2 and (sold["shipped_pct"].dropna() == 1.0).all()
    assert sold["shipped_date"].iloc[16] == day("17.02.2024")  # i = 16: 16 % 9 = 7
    assert lines[lines["source_file"] == "Возвраты.csv"]["shipped_date"].isna().all()
    assert result.report.field_coverage["shipped_date"] == pytest.approx(n / 2 / (n + 1))


def test_sheets_of_one_workbook(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "Продажи.xlsx"))
    for sheet, text in (("Реализации", DISPATCHES), ("Заказы", ORDERS)):
        page = book.add_worksheet(sheet)
        for r, row in enumerate(text.splitlines()):
            page.write_row(r, 0, row.split(";"))
    book.close()
    result = read(tmp_path / "Продажи.xlsx", tmp_path / "out")
    assert result.report.revenue == 10_000.0 and "shipped_date" not in result.report.fields
    line = '[reading] dispatch_files = ["Продажи.xlsx#Реализации"]'
    assert any(line in n.ru and "похож на документы отгрузки" in n.ru for n in result.report.notes)
    settled = read(tmp_path / "Продажи.xlsx", tmp_path / "out", {"reading": {"dispatch_files": ["Продажи.xlsx#Реал*"]}})
    assert settled.report.revenue == 10_000.0 and settled.report.counts["dispatched_orders"] == 3
    assert settled.reasons() == {"dispatch_dated": 4, "dispatch_no_order": 1}


def test_a_kind_of_sale_is_weaker_than_the_name_of_the_file(tmp_path: Path) -> None:
    """Exports of orders say «Вид документа: Реализация» too; still they are the orders of the dispatches beside them."""
    rows = [f"{row};{'Вид документа' if i == 0 else 'Реализация'}" for i, row in enumerate(ORDERS.splitlines())]
    result = read(folder(tmp_path, "\n".join(rows)), tmp_path / "out")
    assert result.report.revenue == 10_000.0 and len(result.report.questions) == 1
    sample = [["1", "Реализация"]] * 3
    assert document_kind("2024.csv", None, [], ["Номер", "Вид документа"], sample) == "dispatch"


def test_dispatches_of_a_shorter_period_are_told(tmp_path: Path) -> None:
    files = folder(tmp_path, ORDERS + "0000-000000;01.06.2023;ООО Альфа;500;05.06.2023;Иванов\n")
    result = read(files, tmp_path / "out", SETTLED)
    assert any("начинаются с 15.01.2024, а заказы — с 01.06.2023" in n.ru for n in result.report.notes)
    assert not any("начинаются" in n.ru for n in read(folder(tmp_path), tmp_path / "out", SETTLED).report.notes)


def test_settings_that_fit_nothing_are_refused(tmp_path: Path) -> None:
    files = folder(tmp_path)
    with refuses(InputError, "No file fits"):
        read(files, tmp_path / "out", {"reading": {"dispatch_files": ["Отгрузки*"]}})
    with refuses(InputError, "Every file is named"):
        read(files, tmp_path / "out", {"reading": {"dispatch_files": ["*"]}})


@pytest.mark.parametrize(
    ("name", "sheet", "title", "cell", "kind"),
    [
        ("Реализации.xlsx", None, "", "0000-000001", "dispatch"),
        ("Отгрузки по заказам.xlsx", None, "", "1", "dispatch"),
        ("Заказы с датой отгрузки.csv", None, "", "1", "order"),
        ("orders.zip/shipments_2024.csv", None, "", "1", "dispatch"),
        ("2024.csv", "Заказы клиентов", "", "1", "order"),
        ("2024.csv", None, "Реализации товаров и услуг", "1", "dispatch"),
        ("2024.csv", None, "", "Реализация товаров и услуг 00УТ-000001 от 01.02.2024", "dispatch"),
        ("Реализации.csv", None, "", "Заказ клиента 00УТ-000001 от 01.02.2024", "order"),
        ("Возвраты реализаций.csv", None, "", "1", None),
        ("border_2024.csv", None, "", "1", None),
    ],
)
def test_kinds_of_documents(name: str, sheet: str | None, title: str, cell: str, kind: str | None) -> None:
    rows = [[cell, "01.02.2024", "5"]] * 5
    assert document_kind(name, sheet, [title] if title else [], ["Номер", "Дата", "Сумма"], rows) == kind


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("Заказ клиента 0000-000123 от 01.02.2024 10:11:12", [("0000-000123", "01.02.2024 10:11:12")]),
        ("0000-000123", [("0000-000123", None)]),
        ("Отгрузка по заказу № 4567, 12 мест", [("4567", None)]),
        ("Заказ 11; Заказ 12", [("11", None), ("12", None)]),
        ("Sales order SO-17", [("so-17", None)]),
        ("ORDER-17", [("ORDER-17", None)]),
        ("без заказа", []),
        ("", []),
    ],
)
def test_orders_named_in_a_cell(text: str, orders: list[tuple[str, str | None]]) -> None:
    assert list(named_orders(text)) == orders


NAMED = (
    "Заказ клиента 0000-000123 от 01.02.2024 10:11:12",
    "заказ 7 от 05.03.2024",
    "УТ-15 от 05.03.2024 9:00",
    "0012",
    "12.",
    "Заказ № 5 от 05.03.2024",
    "№5 от 05.03.2024",
    "Счёт от клиента 8 от 05.03.2024",
    "Заказ 1 от 05.03.2024, Заказ 2",
    "Заказ 1 от 05.03.2024; Заказ 2 от 06.03.2024",
    "so-17",
    "order-17",
    "#44",
    "Отгрузка по заказу 4567, 12 мест",
    "Договор 15",
    "заказ клиента",
    "12/24",
    "а.1",
    "5 от 45.03.2024",
    "Заказ 9 от 2024-03-05",
)


def test_the_columns_way_says_the_same_as_cell_by_cell() -> None:
    n = len(NAMED)
    found = Dispatches(
        reason=np.zeros(n, np.int8),
        source_row=pa.array(range(n), pa.int64()),
        days=np.full(n, 19_800, np.int32),
        amount=np.full(n, 10_000, np.int64),
        has_amount=np.ones(n, bool),
        named=pa.array(NAMED).dictionary_encode(),
        numbers=pa.array([f"Р{i}" for i in range(n)]),
        clients=pa.array(["К"] * n).dictionary_encode(),
    )
    rule = DateRule()
    table = document_rows("f", found, rule).to_pylist()
    got = {(r["row"], r["mark"], r["ref_day"]) for r in table if not r["own"]}
    assert got == {
        (i, mark(number), parse_date(when, rule) if when else None)
        for i, text in enumerate(NAMED)
        for number, when in named_orders(text)
    }
    assert {NAMED[r["row"]] for r in table if r["own"]} == {"заказ клиента"}
    assert table[0]["amount"] == 1.0 and table[0]["day"] == dt.date(2024, 3, 18)
