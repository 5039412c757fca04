"""Reports with three levels of groups and more: read, reconciled, or asked about; never guessed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import pytest
import xlsxwriter

from audit.errors import AmbiguityError, InputError
from tests.intake.dialects.disguises import comma, dotted
from tests.intake.dialects.orders import ORDERS, Order
from tests.intake.reading import Read, read, refuses, write

MONTHS = (
    "Январь",
    "Февраль",
    "Март",
    "Апрель",
    "Май",
    "Июнь",
    "Июль",
    "Август",
    "Сентябрь",
    "Октябрь",
    "Ноябрь",
    "Декабрь",
)
Line = tuple[int, str, Decimal]
"""Depth, text, amount."""


def by_manager(o: Order) -> str:
    return o.manager


def by_client(o: Order) -> str:
    return o.client


def by_month(o: Order) -> str:
    return f"{MONTHS[o.date.month - 1]} {o.date.year} г."


def document(o: Order) -> str:
    return f"Заказ клиента {o.number} от {dotted(o.date)} {o.clock}"


def tree(orders: Sequence[Order], keys: Sequence[Callable[[Order], str]], depth: int = 0) -> list[Line]:
    """Rows of a report grouped by the keys, each group above its lines with their sum."""
    if not keys:
        return [(depth, document(o), o.amount) for o in orders]
    out: list[Line] = []
    for text, members in groupby(sorted(orders, key=keys[0]), keys[0]):
        part = list(members)
        out.append((depth, text, sum((o.amount for o in part), Decimal(0))))
        out += tree(part, keys[1:], depth + 1)
    return out


def report(
    lines: Sequence[Line], labels: Sequence[str], *, blanks: int = 0, sums: bool = True, deepest: int | None = None
) -> str:
    """The report as 1C saves it: title, parameters, stacked labels, rows, «Итого»."""
    last = max(d for d, _, _ in lines) if deepest is None else deepest
    out = ["Валовая прибыль;;", "Параметры:;Период: 2023 г.;", ";;", f"{labels[0]};Сумма;"]
    out += [f"{label};;" for label in labels[1:]]
    for depth, text, amount in lines:
        shown = comma(amount, "\u00a0") if sums or depth == last else ""
        cell = " " * (blanks * depth) + text.replace('"', '""')
        out.append(f'"{cell}";{shown};')
    total = sum((a for d, _, a in lines if d == last), Decimal(0))
    return "\r\n".join([*out, f"Итого;{comma(total, ' ')};"]) + "\r\n"


def expect(result: Read, *, managers: bool = False) -> None:
    got = sorted(
        zip(
            result.column("order_id"),
            result.column("order_date"),
            result.column("client_name"),
            result.column("amount"),
            strict=True,
        )
    )
    wanted = sorted((o.number, o.date, o.client, o.amount.quantize(Decimal("0.0001"))) for o in ORDERS)
    assert got == wanted
    if managers:
        of = {o.number: o.manager for o in ORDERS}
        assert result.column("manager") == [of[n] for n in result.column("order_id")]
    for control in result.report.control_sums:
        assert control.agrees, control


LEVELS = ("Менеджер", "Контрагент", "Документ")


@pytest.mark.parametrize("blanks", [0, 4])
@pytest.mark.parametrize("sums", [True, False])
@pytest.mark.parametrize("labels", [LEVELS, ("Группировка",)])
def test_manager_client_order(tmp_path: Path, blanks: int, sums: bool, labels: tuple[str, ...]) -> None:
    lines = tree(ORDERS, [by_manager, by_client])
    if labels != LEVELS:  # bureaus and «Три кита» aside, legal forms say who is a client
        labels = ("Контрагент",)
    result = read(write(tmp_path / "o.csv", report(lines, labels, blanks=blanks, sums=sums), "cp1251"), tmp_path / "o")
    expect(result, managers=True)
    groups = sum(d < 2 for d, _, _ in lines)
    assert result.reasons() == {"group_row": groups, "total_row": 1}
    sums_told = {c.label: c.stated for c in result.report.control_sums}
    assert len(sums_told) == (3 if sums else 1) and len(set(sums_told.values())) == 1
    asked = [q.answer for q in result.report.questions]
    wanted = '[reading]\ngroups = ["manager", "client", "order_id"]'
    assert asked == ([] if labels == LEVELS else [wanted])


def test_month_client_order_and_four_levels(tmp_path: Path) -> None:
    lines = tree(ORDERS, [by_month, by_client])
    expect(read(write(tmp_path / "a.csv", report(lines, ("Месяц", "Контрагент", "Регистратор"))), tmp_path / "o"))
    lines = tree(ORDERS, [by_month, by_manager, by_client])
    expect(read(write(tmp_path / "b.csv", report(lines, ("Контрагент",))), tmp_path / "o"), managers=True)


def outlined(path: Path, lines: Sequence[Line], labels: Sequence[str]) -> Path:
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet("TDSheet")
    page.outline_settings(True, False, True, False)
    page.write_row(0, 0, ["Продажи"])
    page.write_row(2, 0, [labels[0], "Количество", "Сумма"])
    for i, label in enumerate(labels[1:], 3):
        page.write_string(i, 0, label)
    begin = 2 + len(labels)
    for i, (depth, text, amount) in enumerate(lines, begin):
        page.write_string(i, 0, text)
        page.write_number(i, 2, float(amount))
        page.set_row(i, None, None, {"level": depth})
    page.write_string(begin + len(lines), 0, "Итого")
    page.write_number(begin + len(lines), 2, float(sum(o.amount for o in ORDERS)))
    book.close()
    return path


def test_outline_of_a_workbook(tmp_path: Path) -> None:
    lines = tree(ORDERS, [by_month, by_manager, by_client])
    labels = ("Месяц", "Основной менеджер", "Партнер", "Документ")
    expect(read(outlined(tmp_path / "o.xlsx", lines, labels), tmp_path / "out"), managers=True)


def test_items_under_documents_become_lines(tmp_path: Path) -> None:
    lines: list[Line] = []
    for depth, text, amount in tree(ORDERS, [by_manager, by_client]):
        lines.append((depth, text, amount))
        if depth == 2:
            part = (amount / 3).quantize(Decimal("0.01"))
            lines += [(3, "Болт М8", part), (3, "Гайка М8", amount - part)]
    for name, blanks in (("a.csv", 0), ("b.csv", 2)):
        text = report(lines, ("Менеджер", "Контрагент", "Документ", "Номенклатура"), blanks=blanks)
        result = read(write(tmp_path / name, text), tmp_path / "out")
        assert set(result.column("sku")) == {"Болт М8", "Гайка М8"} and len(result.lines) == 400
        totals = result.lines.groupby("order_id")["amount"].sum().to_dict()
        assert totals == {o.number: o.amount.quantize(Decimal("0.0001")) for o in ORDERS}
        assert {c.label for c in result.report.control_sums if not c.agrees} == set()
        assert len(result.report.control_sums) == 4


def test_levels_in_columns_of_their_own(tmp_path: Path) -> None:
    out = ["Менеджер;Контрагент;Номер;Дата;Сумма"]
    of = {document(o): o for o in ORDERS}
    for depth, text, amount in tree(ORDERS, [by_manager, by_client]):
        shown = '"' + text.replace('"', '""') + '"'
        o = of.get(text)
        tail = f";;{o.number};{dotted(o.date)}" if o else f"{shown};;;" if depth == 0 else f";{shown};;"
        out.append(f"{tail};{comma(amount)}")
    result = read(write(tmp_path / "o.csv", "\n".join(out) + "\n"), tmp_path / "out")
    expect(result, managers=True)
    assert result.reasons().keys() == {"group_row"} and not result.report.questions


def test_what_cannot_be_told_is_asked_with_the_line_that_answers(tmp_path: Path) -> None:
    def region(o: Order) -> str:
        return ("Север", "Юг", "Центр")[MANAGER_INDEX[o.manager]]

    def nickname(o: Order) -> str:
        return f"Точка {o.client[-4:]}"

    lines = tree(ORDERS, [region, nickname])
    file = write(tmp_path / "o.csv", report(lines, ("Группировка",), blanks=2))
    with pytest.raises(AmbiguityError) as caught:
        read(file, tmp_path / "out")
    assert "«Север»" in caught.value.what.ru and "Заказ клиента" in caught.value.what.ru
    settings = tomllib.loads(caught.value.answer)
    result = read(file, tmp_path / "out", settings)
    assert sorted(result.column("order_id")) == [o.number for o in ORDERS]
    assert {n[:5] for n in result.column("client_name")} == {"Точка"}
    settings = {"reading": {"groups": ["region", "client", "order_id"]}}
    assert set(read(file, tmp_path / "out", settings).column("region")) == {"Север", "Юг", "Центр"}
    with refuses(InputError, "groups names 2 levels, the report has 3"):
        read(file, tmp_path / "out", {"reading": {"groups": ["client", "order_id"]}})


MANAGER_INDEX = {m: i for i, m in enumerate(dict.fromkeys(o.manager for o in ORDERS))}


def test_a_subtotal_that_does_not_agree_is_shown(tmp_path: Path) -> None:
    lines = tree(ORDERS, [by_manager, by_client])
    at = next(i for i, (d, _, _) in enumerate(lines) if d == 1)
    lines[at] = (1, lines[at][1], lines[at][2] + 100_000)
    result = read(write(tmp_path / "o.csv", report(lines, LEVELS)), tmp_path / "out", {"report": {"lang": "en"}})
    (wrong,) = [c for c in result.report.control_sums if not c.agrees]
    assert wrong.label.endswith(f"1 do not agree: {lines[at][1]}") and wrong.stated - wrong.counted == pytest.approx(
        1e5
    )


def test_page_breaks_blank_rows_and_two_files(tmp_path: Path) -> None:
    text = report(tree(ORDERS, [by_manager, by_client]), LEVELS).split("\r\n")
    text[60:60] = ["", "Менеджер;Сумма;", "Контрагент;;", "Документ;;", ""]
    half = next(i for i, line in enumerate(text) if line.startswith('"Сидоров'))
    head = text[:6]
    first = write(tmp_path / "a.csv", "\r\n".join(text[:half]) + "\r\n")
    second = write(tmp_path / "b.csv", "\r\n".join([*head, *text[half:]]) + "\r\n", "utf-16")
    result = read([first, second], tmp_path / "out")
    assert sorted(result.column("order_id")) == [o.number for o in ORDERS]
    assert result.reasons()["repeated_header"] == 3 and result.reasons()["blank_row"] == 2


def test_plain_tables_are_not_taken_for_trees(tmp_path: Path) -> None:
    rows = ["Номер;Дата;Контрагент;Сумма", *(f"{i};{'' if i % 7 < 2 else '01.02.2024'};ООО А{i};5" for i in range(60))]
    result = read(write(tmp_path / "o.csv", "\n".join(rows) + "\n"), tmp_path / "out")
    assert set(result.reasons()) == {"no_date"}
    rows = ["Дата;Клиент;Сумма", *(f"01.02.2024;{' ' * (i % 4)}Клиент {i};{' ' * (i % 5)}{i + 1}" for i in range(60))]
    assert read(write(tmp_path / "p.csv", "\n".join(rows) + "\n"), tmp_path / "out").report.rows_used == 60
