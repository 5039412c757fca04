"""Returns by flag, status, kind, quantity, refund column; a name alone makes none."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.intake.answering import answered, the_question
from tests.intake.reading import read

HEAD = ("Номер", "Дата", "Клиент", "Сумма")
AMOUNTS = (100, 200, 300, 400, 500)


def table(path: Path, header: str, cells: list[object], amounts: tuple[int, ...] = AMOUNTS, number: str = "{}") -> Path:
    """Five orders of one client; one more column."""
    rows = [
        (number.format(i), f"{10 + i}.0{i + 1}.2024", "ООО Альфа", a, c)
        for i, (a, c) in enumerate(zip(amounts, cells, strict=True))
    ]
    frame = pd.DataFrame(rows, columns=[*HEAD, header])
    if path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep=";", encoding="cp1251")
    return path


@pytest.mark.parametrize(
    ("name", "header", "cells"),
    [
        ("a.xlsx", "Возврат", [False, True, False, True, False]),
        ("a.csv", "Возврат", ["", "да", "", "Да", ""]),
        ("a.csv", "Это возврат", ["0", "1", "0", "1", "0"]),
        ("a.parquet", "Is return", [False, True, False, True, False]),
        ("a.csv", "Статус", ["Закрыт", "Возврат", "Закрыт", "Возврат товара", "Отгружен"]),
        ("a.xlsx", "Status", ["Closed", "Refund", "Closed", "Return", "Shipped"]),
    ],
)
def test_marked_rows_are_subtracted_until_denied(tmp_path: Path, name: str, header: str, cells: list[object]) -> None:
    """100 + 300 + 500 = 900 sold, 200 + 400 = 600 came back."""
    file = table(tmp_path / name, header, cells)
    asked, settled, (void, sales) = answered(file, tmp_path / "out", "returned_rows")
    assert asked.report.revenue == settled.report.revenue == 900 - 600
    assert (void.report.revenue, sales.report.revenue) == (900, 1500)
    assert void.reasons() == {"returned": 2}
    assert the_question(asked, "returned_rows").share == pytest.approx(600 / 1500)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Status", ["Closed", "Returned", "Closed", "Fully refunded", "Shipped"]),
        ("Статус", ["Закрыт", "Возвращён", "Закрыт", "Возвращена", "Отгружен"]),
        ("Refunded", ["no", "yes", "no", "yes", "no"]),
    ],
)
def test_a_sale_that_came_back_whole_is_none(tmp_path: Path, header: str, cells: list[object]) -> None:
    file = table(tmp_path / "a.csv", header, cells)
    asked, _, (returns, _) = answered(file, tmp_path / "out", "returned_rows")
    assert asked.report.revenue == 900 and returns.report.revenue == 300


@pytest.mark.parametrize("header", ["Сумма возврата", "Refund amount"])
def test_a_column_of_refunds_reduces_the_amount(tmp_path: Path, header: str) -> None:
    """1500 sold, 200 and 50 paid back."""
    file = table(tmp_path / "a.csv", header, ["", "200", "", "50", "0"])
    asked, settled, (sales,) = answered(file, tmp_path / "out", "returned_rows")
    assert asked.report.revenue == settled.report.revenue == 1250 and sales.report.revenue == 1500


@pytest.mark.parametrize("header", ["Количество", "Qty", "Кол-во"])
def test_a_quantity_below_zero_is_a_return(tmp_path: Path, header: str) -> None:
    result = read(table(tmp_path / "a.csv", header, [1, -2, 3, -1, 2]), tmp_path / "out")
    assert result.report.revenue == 900 - 600
    assert any("below zero" in n.en for n in result.report.notes)


def test_returns_without_their_order_are_counted_with_their_money(tmp_path: Path) -> None:
    result = read(table(tmp_path / "a.csv", "Кол-во", [1, -2, 3, -1, 2]), tmp_path / "out")
    assert (result.report.counts["unlinked_returns"], result.report.counts["unlinked_returns_money"]) == (2, -600)


@pytest.mark.parametrize("name", ["возвратная тара.csv", "returning customers.csv", "Возвраты не было.csv"])
def test_a_name_alone_makes_no_returns(tmp_path: Path, name: str) -> None:
    named = table(tmp_path / name, "Товар", ["а", "б", "в", "г", "д"], number="Т-{}")
    text = named.read_text(encoding="cp1251").replace("ООО Альфа", "ЗАО Тара")
    named.write_text(text, encoding="cp1251")
    orders = table(tmp_path / "o.csv", "Товар", ["а", "б", "в", "г", "д"], amounts=(1, 2, 3, 4, 5))
    result = read([named, orders], tmp_path / "out")
    assert result.report.revenue == 1500 + 15
    asked = [q for q in result.report.questions if q.kind == "return_files"]
    assert len(asked) == (name.startswith("Возвраты"))
    for q in asked:
        assert (
            read([named, orders], tmp_path / "out", {"reading": {"return_files": [name]}}).report.revenue == 15 - 1500
        )
        assert q.others[0].lines == "[reading]\nreturn_files = []"


# ---- situations met in public exports


def test_shopify_tells_what_was_refunded(tmp_path: Path) -> None:
    """Order 3 was refunded whole, order 4 in part: 1500 − 300 − 100."""
    rows = ["Name,Paid at,Billing Name,Total,Financial Status,Refunded Amount"]
    refunds = {2: ("refunded", 300), 3: ("partially_refunded", 100)}
    for i, a in enumerate(AMOUNTS):
        status, back = refunds.get(i, ("paid", 0))
        rows.append(f"#10{i},2024-0{i + 1}-15,Alpha {i},{a},{status},{back}")
    (tmp_path / "o.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    settings = {"columns": {"order_id": "Name", "order_date": "Paid at", "client": "Billing Name", "amount": "Total"}}
    asked, _, _ = answered(tmp_path / "o.csv", tmp_path / "out", "returned_rows", settings)
    assert asked.report.revenue == 1500 - 300 - 100


def test_woocommerce_prefixes_its_statuses(tmp_path: Path) -> None:
    cells = ["wc-completed", "wc-refunded", "wc-processing", "wc-cancelled", "wc-failed"]
    result = read(table(tmp_path / "a.csv", "Status", cells), tmp_path / "out")
    assert result.report.revenue == 100 + 300
    assert result.reasons() == {"returned": 1, "cancelled": 2}


def test_quickbooks_lists_invoices_and_their_payments(tmp_path: Path) -> None:
    text = "Num,Date,Customer,Amount,Transaction type\n"
    text += "".join(
        f"{i},2024-0{i + 1}-10,Alpha,{a},Invoice\n,2024-0{i + 1}-25,Alpha,{a},Payment\n" for i, a in enumerate(AMOUNTS)
    )
    (tmp_path / "o.csv").write_text(text, encoding="utf-8")
    result = read(tmp_path / "o.csv", tmp_path / "out")
    assert result.report.revenue == 1500 and result.reasons() == {"internal": 5}


def test_xero_keeps_what_was_deleted(tmp_path: Path) -> None:
    cells = ["AUTHORISED", "PAID", "VOIDED", "DELETED", "PAID"]
    assert read(table(tmp_path / "a.csv", "Status", cells), tmp_path / "out").report.revenue == 100 + 200 + 500


def test_a_download_saved_twice(tmp_path: Path) -> None:
    file = table(tmp_path / "orders.csv", "Товар", ["а", "б", "в", "г", "д"], number="Т-{}")
    (tmp_path / "orders (1).csv").write_bytes(file.read_bytes())
    asked, once, _ = answered([file, tmp_path / "orders (1).csv"], tmp_path / "out", "overlap")
    assert asked.report.revenue == 3000 and once.report.revenue == 1500
