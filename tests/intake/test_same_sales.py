"""The same sale twice: payments, a second system, overlapping exports, repeated rows. Every answer is a line."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from audit.errors import InputError
from tests.intake.answering import answered
from tests.intake.reading import read, stopped

Sale = tuple[str, dt.date, str, int]
CLIENTS = ("ООО «Альфа»", "ООО Бета", "АО Гамма", "ООО «Дельта и К»", "ИП Зорин")


def sales(n: int = 40, start: dt.date = dt.date(2024, 1, 9), step: int = 3) -> list[Sale]:
    return [(f"А-{i:04}", start + dt.timedelta(days=step * i), CLIENTS[i % 5], 1000 + 37 * i) for i in range(n)]


def total(rows: Sequence[Sale]) -> int:
    return sum(r[3] for r in rows)


def csv(path: Path, rows: Sequence[Sale], head: str = "Номер;Дата;Контрагент;Сумма", number: bool = True) -> Path:
    body = "".join(f"{f'{n};' if number else ''}{d:%d.%m.%Y};{c};{a}\n" for n, d, c, a in rows)
    path.write_text(f"{head}\n{body}", encoding="utf-8")
    return path


def excel(
    path: Path, rows: Sequence[Sale], heads: Sequence[str], more: Callable[[int], list[object]] = lambda i: []
) -> Path:
    frame = pd.DataFrame([[n, d, c, a, *more(i)] for i, (n, d, c, a) in enumerate(rows)], columns=list(heads))
    frame.to_excel(path, index=False)
    return path


# ---- two systems, each with numbers of its own


def crm(path: Path, rows: Sequence[Sale]) -> Path:
    own = [(f"{7000 + i}", d, c.replace("«", '"').replace("»", '"').upper(), a) for i, (_, d, c, a) in enumerate(rows)]
    frame = pd.DataFrame(own, columns=["ID", "Created", "Company", "Amount"])
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".xlsx", ".parquet"])
def test_a_second_system_is_asked_about(tmp_path: Path, suffix: str) -> None:
    rows = sales()
    files = [csv(tmp_path / "a.csv", rows), crm(tmp_path / f"b{suffix}", rows)]
    asked, settled, (mirror, both) = answered(files, tmp_path / "out", "same_sales")
    assert asked.report.revenue == both.report.revenue == 2 * total(rows), "counted as they stand until answered"
    assert settled.report.revenue == mirror.report.revenue == total(rows)
    assert settled.reasons() == {"same_sale": 40}
    assert asked.report.questions[0].share == pytest.approx(0.5)


def test_lines_of_one_system_are_the_sums_of_the_other(tmp_path: Path) -> None:
    rows = sales(20)
    lines = [(n, d, c, part) for n, d, c, a in rows for part in (a // 3, a - a // 3)]
    files = [csv(tmp_path / "a.csv", lines), crm(tmp_path / "b.csv", rows)]
    _, settled, _ = answered(files, tmp_path / "out", "same_sales")
    assert settled.report.revenue == total(rows)


def test_a_system_that_was_replaced_keeps_its_own_years(tmp_path: Path) -> None:
    """Old: days 0–117 of the sales; new: days 60–237. What both cover counts once, the rest stays."""
    rows = sales(80)
    files = [csv(tmp_path / "old.csv", rows[:40]), crm(tmp_path / "new.csv", rows[20:])]
    asked, settled, _ = answered(files, tmp_path / "out", "same_sales")
    assert asked.report.revenue == total(rows) + total(rows[20:40])
    assert settled.report.revenue == total(rows)


def test_a_system_in_yearly_files_beside_a_whole_one(tmp_path: Path) -> None:
    rows = sales(60)
    files = [csv(tmp_path / "1.csv", rows[:30]), csv(tmp_path / "2.csv", rows[30:]), crm(tmp_path / "crm.csv", rows)]
    _, settled, _ = answered(files, tmp_path / "out", "same_sales")
    assert settled.report.revenue == total(rows)


def test_branches_and_years_are_not_asked_about(tmp_path: Path) -> None:
    rows = sales(60)
    files = [csv(tmp_path / "1.csv", rows[:30]), csv(tmp_path / "2.csv", rows[30:])]
    assert read(files, tmp_path / "out").report.questions == ()
    other = [(f"Б-{i}", d, CLIENTS[(i * i) % 5], a + 11 * i + 5) for i, (_, d, _, a) in enumerate(rows)]
    branches = [csv(tmp_path / "m.csv", rows), csv(tmp_path / "n.csv", other)]
    assert read(branches, tmp_path / "out").report.questions == ()


# ---- payments beside orders


@pytest.mark.parametrize(
    ("document", "head"),
    [
        ("Поступление на расчетный счет 00БП-0000{:02} от 15.01.2024", "Документ;Дата;Контрагент;Сумма"),
        ("Приходный кассовый ордер {}", "Документ;Дата;Контрагент;Сумма"),
        ("Платёжное поручение № {}", "Документ;Дата;Плательщик;Сумма"),
        ("Customer payment {}", "Document;Date;Customer;Amount"),
        ("Эквайринговая операция {}", "Документ;Дата;Контрагент;Сумма"),
    ],
)
def test_payments_are_no_sales(tmp_path: Path, document: str, head: str) -> None:
    rows = sales(12)
    paid = [(document.format(i), d + dt.timedelta(days=4 + i % 9), c, a) for i, (_, d, c, a) in enumerate(rows)]
    files = [csv(tmp_path / "0.csv", rows), csv(tmp_path / "1.csv", paid, head.replace("Плательщик", "Контрагент"))]
    asked, settled, (sold,) = answered(files, tmp_path / "out", "payments")
    assert asked.report.revenue == settled.report.revenue == total(rows)
    assert sold.report.revenue == 2 * total(rows), "unless they are said to be sales"


def test_payments_without_a_word_are_asked_about(tmp_path: Path) -> None:
    rows = sales(12)
    paid = [(f"{900 + i}", d + dt.timedelta(days=3 + i % 11), c, a) for i, (_, d, c, a) in enumerate(rows)]
    files = [csv(tmp_path / "0.csv", rows), csv(tmp_path / "1.csv", paid)]
    asked, settled, _ = answered(files, tmp_path / "out", "payments")
    assert asked.report.revenue == 2 * total(rows) and settled.report.revenue == total(rows)


@pytest.mark.parametrize(("orders", "papers"), [("a.csv", "b.csv"), ("b.csv", "a.csv")])
def test_of_two_lists_of_equal_sums_the_later_days_follow_the_sales(tmp_path: Path, orders: str, papers: str) -> None:
    """Invoices of the day after the orders: they are what may be set aside, whatever the files are called."""
    rows = sales(12)
    bills = [(f"{900 + i}", d + dt.timedelta(days=1), c, a) for i, (_, d, c, a) in enumerate(rows)]
    files = [csv(tmp_path / orders, rows), csv(tmp_path / papers, bills)]
    _, settled, _ = answered(files, tmp_path / "out", "payments")
    assert settled.report.revenue == total(rows) and settled.report.last_date == max(d for _, d, _, _ in rows)


# ---- overlapping exports


def test_a_corrected_document_counts_as_the_later_export_has_it(tmp_path: Path) -> None:
    """Document 2: 200, then 250. Later: 100 + 250 + 300; earlier: 100 + 200 + 300; both: 850."""
    a = [("1", dt.date(2024, 1, 10), "А", 100), ("2", dt.date(2024, 1, 20), "Б", 200)]
    b = [("2", dt.date(2024, 1, 20), "Б", 250), ("3", dt.date(2024, 2, 20), "А", 300)]
    files = [csv(tmp_path / "z.csv", a), csv(tmp_path / "y.csv", b)]
    asked, later, (earlier, keep) = answered(files, tmp_path / "out", "overlap")
    assert (asked.report.revenue, later.report.revenue, earlier.report.revenue, keep.report.revenue) == (
        850,
        650,
        600,
        850,
    )
    assert "200.00 / 250.00" in asked.report.questions[0].text.en


def test_a_document_cancelled_in_between_is_void(tmp_path: Path) -> None:
    head = "Номер;Дата;Контрагент;Сумма;Статус"
    (tmp_path / "a.csv").write_text(f"{head}\n1;10.01.2024;А;100;Новый\n2;20.01.2024;Б;200;Новый\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text(
        f"{head}\n1;10.01.2024;А;100;Отгружен\n2;20.01.2024;Б;200;Отменён\n3;05.02.2024;А;50;Новый\n", encoding="utf-8"
    )
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    asked, later, _ = answered(files, tmp_path / "out", "overlap")
    assert asked.report.revenue == 100 + 200 + 100 + 50 and later.report.revenue == 100 + 50


def test_a_document_moved_to_another_day_is_one(tmp_path: Path) -> None:
    rows = sales(10, step=1)
    moved = [
        *rows[5:8],
        (rows[8][0], rows[8][1] + dt.timedelta(days=2), *rows[8][2:]),
        *rows[9:],
        *sales(14, step=1)[10:],
    ]
    files = [csv(tmp_path / "a.csv", rows), csv(tmp_path / "b.csv", moved)]
    _, later, _ = answered(files, tmp_path / "out", "overlap")
    assert later.report.revenue == total(sales(14, step=1))


@pytest.mark.parametrize("edited", [False, True])
def test_overlapping_lists_without_numbers(tmp_path: Path, edited: bool) -> None:
    rows = sales(30)
    late = rows[20:] + sales(40)[30:]
    if edited:
        late[0] = (*late[0][:3], late[0][3] + 500)
    files = [
        csv(tmp_path / f"{n}.csv", r, "Дата;Контрагент;Сумма", number=False) for n, r in (("a", rows), ("b", late))
    ]
    asked, settled, _ = answered(files, tmp_path / "out", "overlap")
    assert asked.report.revenue == total(rows) + total(late)
    assert settled.report.revenue == total(sales(40)) + 500 * edited


def test_the_same_documents_in_a_workbook_and_a_text(tmp_path: Path) -> None:
    rows = sales(15)
    files = [
        csv(tmp_path / "a.csv", rows),
        excel(tmp_path / "b.xlsx", rows[10:], ["Номер", "Дата", "Контрагент", "Сумма"]),
    ]
    asked, dropped, (kept,) = answered(files, tmp_path / "out", "overlap")
    assert dropped.report.revenue == total(rows) and kept.report.revenue == asked.report.revenue


def test_numbers_that_begin_anew_and_parts_of_an_order_are_no_versions(tmp_path: Path) -> None:
    first = [(f"{i}", dt.date(2023, 1, 10 + i), CLIENTS[i % 5], 100 + i) for i in range(15)]
    again = [(f"{i}", dt.date(2024, 1, 10 + i), CLIENTS[i % 5], 300 + i) for i in range(15)]
    assert (
        read([csv(tmp_path / "a.csv", first), csv(tmp_path / "b.csv", again)], tmp_path / "out").report.questions == ()
    )
    for name, item in (("c", "краска"), ("d", "кисть")):
        body = "".join(f"{i};{10 + i}.01.2024;А;{100 + i};{item}\n" for i in range(9))
        (tmp_path / f"{name}.csv").write_text(f"Номер;Дата;Контрагент;Сумма;Номенклатура\n{body}", encoding="utf-8")
    assert read([tmp_path / "c.csv", tmp_path / "d.csv"], tmp_path / "out").report.questions == ()


def test_a_return_with_the_number_of_its_order_is_no_version(tmp_path: Path) -> None:
    rows = sales(6)
    back = [(rows[5][0], rows[5][1] + dt.timedelta(days=9), rows[5][2], -rows[5][3])]
    assert read([csv(tmp_path / "a.csv", rows), csv(tmp_path / "b.csv", back)], tmp_path / "out").report.questions == ()


# ---- rows repeated inside one file


@pytest.mark.parametrize("number", [True, False])
def test_a_list_pasted_below_itself(tmp_path: Path, number: bool) -> None:
    rows = sales(12)
    head = "Номер;Дата;Контрагент;Сумма" if number else "Дата;Контрагент;Сумма"
    file = csv(tmp_path / "a.csv", [*rows, *rows], head, number)
    asked, dropped, (kept,) = answered(file, tmp_path / "out", "repeated_rows")
    assert dropped.report.revenue == total(rows) and dropped.reasons() == {"repeated_row": 12}
    assert asked.report.revenue == kept.report.revenue == 2 * total(rows)


def test_a_part_exported_again_and_three_copies(tmp_path: Path) -> None:
    rows = sales(30)
    _, dropped, _ = answered(csv(tmp_path / "a.csv", [*rows, *rows[20:]]), tmp_path / "out", "repeated_rows")
    assert dropped.report.revenue == total(rows)
    _, dropped, _ = answered(csv(tmp_path / "b.csv", [*rows, *rows, *rows]), tmp_path / "out", "repeated_rows")
    assert dropped.report.revenue == total(rows)


def test_equal_lines_of_one_order_are_lines(tmp_path: Path) -> None:
    """One line of a document scanned twice, and equal sums on different days, are what they say."""
    rows = sales(30)
    assert read(csv(tmp_path / "a.csv", [*rows[:5], rows[4], *rows[5:]]), tmp_path / "out").report.revenue > total(rows)
    lines = [(f"{i // 3}", dt.date(2024, 1, 1 + i // 3), "А", 100 + i % 3 // 2) for i in range(45)]
    assert read(csv(tmp_path / "b.csv", lines), tmp_path / "out").report.questions == ()
    flat = [(f"{i}", dt.date(2024, 1, 1) + dt.timedelta(days=7 * i), "А", 100) for i in range(30)]
    assert read(csv(tmp_path / "c.csv", flat), tmp_path / "out").report.questions == ()


# ---- what a second file of the same sales is


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("Банк поступления.csv", "Дата операции;Плательщик;Поступление"),
        ("x.csv", "Дата поступления;Плательщик;Сумма прихода"),
        ("Bank statement.csv", "Booked on;Payer;Amount received"),
        ("y.csv", "Buchung am;Auftraggeber;Zahlungseingang"),
        ("Выписка банка.csv", "Проведено;Плательщик;Приход"),
    ],
)
def test_payments_whose_columns_are_unknown_do_not_stop_the_orders(tmp_path: Path, name: str, head: str) -> None:
    rows = sales(12)
    paid = [(n, d + dt.timedelta(days=4), c, a) for n, d, c, a in rows]
    files = [csv(tmp_path / "orders.csv", rows), csv(tmp_path / name, paid, head, number=False)]
    result = read(files, tmp_path / "out")
    (question,) = result.report.questions
    assert question.kind == "payments" and name in question.text.ru and head.split(";")[1] in question.text.en
    assert result.report.revenue == total(rows)
    settled = read(files, tmp_path / "out", tomllib.loads(question.answer))
    assert not settled.report.questions and settled.report.revenue == total(rows)
    for lines in (o.lines for o in question.others):
        error = stopped(files, tmp_path / "out", tomllib.loads(lines))
        assert "[columns]" in error.answer, "what is no payment is asked about as orders are"
    (tmp_path / "orders.csv").unlink()
    with pytest.raises(InputError) as alone:
        read(files[1], tmp_path / "out")
    assert "payments and no orders" in alone.value.what.en


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("Банк поступления.csv", "Номер;Дата;Контрагент;Сумма"),
        ("Поступления от покупателей.csv", "Номер;Дата;Контрагент;Сумма"),
        ("Касса - поступления.csv", "Номер;Дата;Клиент;Сумма"),
        ("Bank receipts.csv", "No;Date;Customer;Amount"),
        ("z.csv", "Номер;Дата оплаты;Плательщик;Сумма"),
    ],
)
def test_payments_by_their_title_or_columns(tmp_path: Path, name: str, head: str) -> None:
    rows = sales(12)
    paid = [(f"{900 + i}", d + dt.timedelta(days=4), c, a) for i, (_, d, c, a) in enumerate(rows)]
    files = [csv(tmp_path / "orders.csv", rows), csv(tmp_path / name, paid, head)]
    settings = {"columns": {"order_date": "Дата оплаты", "client": "Плательщик"}} if name == "z.csv" else {}
    asked, settled, (sold,) = answered(files, tmp_path / "out", "payments", settings)
    assert asked.report.revenue == settled.report.revenue == total(rows) and sold.report.revenue == 2 * total(rows)
    question = next(q for q in asked.report.questions if q.kind == "payments")
    assert (
        f"100 % суммы {name} в orders.csv есть тот же клиент" in question.text.ru and "4 дн. раньше" in question.text.ru
    )


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("deals.csv", "ID;Created;Company;Amount"),
        ("Сделки 2024.csv", "ID;Дата создания;Компания;Сумма"),
        ("x.csv", "Сделка;Дата создания;Компания;Сумма"),
        ("amocrm_export.csv", "ID;Created;Company;Amount"),
        ("q.csv", "Opportunity;Created;Company;Amount"),
    ],
)
def test_deals_some_days_before_their_documents_are_a_second_system(tmp_path: Path, name: str, head: str) -> None:
    rows = sales(12)
    deals = [(f"{700 + i}", d - dt.timedelta(days=4), c, a) for i, (_, d, c, a) in enumerate(rows)]
    files = [csv(tmp_path / "1c.csv", rows), csv(tmp_path / name, deals, head)]
    settings = {"columns": {"order_id": head.split(";")[0]}}
    asked, settled, (mirror, payments, different) = answered(files, tmp_path / "out", "same_sales", settings)
    question = next(q for q in asked.report.questions if q.kind == "same_sales")
    assert (
        f"({name})" in question.text.en and "deals of a CRM" in question.text.en and "4 days apart" in question.text.en
    )
    for once in (settled, mirror, payments):
        assert once.report.revenue == total(rows) and not [q for q in once.report.questions if q.kind == "payments"]
    assert min(settled.column("order_date")) == rows[0][1] and min(mirror.column("order_date")) == deals[0][1]
    assert different.report.revenue == asked.report.revenue == 2 * total(rows)


def test_payments_alone_are_asked_about(tmp_path: Path) -> None:
    rows = [(f"Поступление на расчетный счет 0{i} от 15.01.2024", d, c, a) for i, (_, d, c, a) in enumerate(sales(9))]
    result = read(csv(tmp_path / "p.csv", rows, "Документ;Дата;Контрагент;Сумма"), tmp_path / "out")
    (question,) = result.report.questions
    assert question.kind == "payments" and question.share == 1.0
    assert not read(tmp_path / "p.csv", tmp_path / "out", tomllib.loads(question.answer)).report.questions


@pytest.mark.parametrize(
    "head",
    ["Номер;Дата;Контрагент;Сумма;Дата оплаты;Способ оплаты", "Сделка;Дата;Компания;Сумма;Вид оплаты;Дата оплаты"],
)
def test_orders_that_tell_their_payment_are_orders(tmp_path: Path, head: str) -> None:
    body = "".join(f"{n};{d:%d.%m.%Y};{c};{a};{d:%d.%m.%Y};безнал\n" for n, d, c, a in sales(9))
    (tmp_path / "o.csv").write_text(f"{head}\n{body}", encoding="utf-8")
    assert not read(tmp_path / "o.csv", tmp_path / "out").report.questions
