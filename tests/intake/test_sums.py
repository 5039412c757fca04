"""Rows that add up others: totals without a word that says so, heads of documents whose lines follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.intake.answering import answered
from tests.intake.dialects.oldformats import write_html, write_xls
from tests.intake.reading import asked, read, write

HEAD = "Номер;Дата;Клиент;Сумма\n"
JANUARY = "1;09.01.2024;ООО Ромашка;100\n2;19.01.2024;АО Вектор;250\n"
FEBRUARY = "3;05.02.2024;ООО Ромашка;300\n4;20.02.2024;ИП Егорова;500\n"


@pytest.mark.parametrize(
    "label",
    [
        "За январь 2024",
        "Январь",
        "Оборот за январь",
        "Накопительно",
        "Выручка дня",
        "Σ",
        "Alder Ltd sum",
        "",
        "Магазин 1",
    ],
)
@pytest.mark.parametrize("second", [800, 1150])
def test_a_row_without_a_number_that_adds_up_its_block_or_all_above_is_a_total(
    tmp_path: Path, label: str, second: int
) -> None:
    text = f"{HEAD}{JANUARY};31.01.2024;{label};350\n{FEBRUARY};29.02.2024;{label};{second}\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.revenue == 1150 and result.lines["client_key"].nunique() == 3
    assert result.reasons() == {"subtotal_row": 2} and not result.report.questions
    assert any("2" in n.ru and "итоги" in n.ru and "totals" in n.en for n in result.report.notes)


def test_totals_of_clients_are_known_wherever_they_stand(tmp_path: Path) -> None:
    below = ";29.02.2024;Σ ООО Ромашка;400\n;29.02.2024;АО Вектор Result;350\n;29.02.2024;ИП Егорова, всего;500\n"
    text = f"{HEAD}{JANUARY}{FEBRUARY}5;21.02.2024;АО Вектор;100\n{below}"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.revenue == 1250 and result.reasons() == {"subtotal_row": 3}


@pytest.mark.parametrize("last", [";29.02.2024;Оборот;1150", "Итого;;;1150"])
def test_one_total_of_everything_stands_at_the_end(tmp_path: Path, last: str) -> None:
    result = read(write(tmp_path / "o.csv", f"{HEAD}{JANUARY}{FEBRUARY}{last}\n"), tmp_path / "out")
    assert result.report.revenue == 1150 and result.report.rows_set_aside == 1


def test_a_total_may_stand_above_its_rows(tmp_path: Path) -> None:
    text = f"{HEAD};31.01.2024;За январь;350\n{JANUARY};29.02.2024;За февраль;800\n{FEBRUARY}"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.revenue == 1150 and result.reasons() == {"subtotal_row": 2}


def test_sales_without_a_number_stay_sales(tmp_path: Path) -> None:
    text = f"{HEAD}{JANUARY};31.01.2024;ИП Егорова;350\n{FEBRUARY};29.02.2024;АО Вектор;120\n;29.02.2024;АО Вектор;70\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.revenue == 1690 and not result.report.set_aside


def test_a_total_is_not_filled_with_the_client_above(tmp_path: Path) -> None:
    text = (
        "Клиент;Заказ;Дата;Сумма\nООО Ромашка;1;09.01.2024;100,50\nООО Ромашка;2;19.01.2024;250\n"
        "ООО Ромашка — 2 док.;;;350,50\nАО Вектор;3;05.02.2024;300\nАО Вектор;4;06.02.2024;500\nАО Вектор — 2 док.;;;800\n"
    )
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.revenue == 1150.5 and result.lines["client_key"].nunique() == 2
    assert not result.report.questions


HEADS = (
    "Дата;Документ;Покупатель;Товар;Стоимость\n09.01.2024;Н1;ООО Ромашка;;900\n;;;Болт;300\n;;;Гайка;600\n"
    "19.01.2024;Н2;АО Вектор;;700\n;;;Болт;200\n;;;Гайка;500\n"
)


def test_the_sum_of_a_document_above_its_lines_counts_once(tmp_path: Path) -> None:
    file = write(tmp_path / "o.csv", HEADS)
    result = read(file, tmp_path / "out")
    assert result.report.revenue == 1600 and result.reasons() == {"group_row": 2}
    assert result.column("order_id") == ["Н1", "Н1", "Н2", "Н2"] and result.column("sku") == ["Болт", "Гайка"] * 2
    assert asked(result, "filled_once").taken and any("2" in n.ru and "позиции" in n.ru for n in result.report.notes)
    said = read(file, tmp_path / "said", {"reading": {"fill_down": ["o.csv"]}})
    assert said.report.revenue == 1600 and not said.report.questions


def test_without_filling_down_the_heads_are_the_sales(tmp_path: Path) -> None:
    result = read(write(tmp_path / "o.csv", HEADS), tmp_path / "out", {"reading": {"fill_down": []}})
    assert result.report.revenue == 1600 and result.reasons() == {"no_client": 4}


# ---- totals in tables without numbers, above their rows, without what was cancelled, rounded

FIRST, SECOND = (
    [("09.01.2024", "ООО Ромашка", "100"), ("19.01.2024", "АО Вектор", "250")],
    [("05.02.2024", "ООО Ромашка", "300"), ("20.02.2024", "ИП Егорова", "500")],
)
Cells = tuple[str, ...]


def table(header: str, rows: Sequence[Cells]) -> str:
    return "\n".join([header, *(";".join(cells) for cells in rows)]) + "\n"


@pytest.mark.parametrize(
    "total",
    [
        lambda month, money: (f"28.0{month}.2024", "За месяц", money),
        lambda month, money: (f"28.0{month}.2024", "", money),
        lambda month, money: ("", ("Январь", "Февраль")[month - 1], money),
        lambda month, money: (f"28.0{month}.2024", f"Turnover {month}", money),
        lambda month, money: ("", "", money),
    ],
)
@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_totals_of_a_table_without_numbers(
    tmp_path: Path, total: Callable[[int, str], Cells], above: bool, whole: bool
) -> None:
    rows: list[Cells] = []
    for month, lines in enumerate((FIRST, SECOND), 1):
        own = total(month, str(sum(int(c[-1]) for c in lines)))
        rows += [own, *lines] if above else [*lines, own]
    if whole:
        rows = [("", "Оборот", "1150"), *rows] if above else [*rows, ("29.02.2024", "Оборот", "1150")]
    result = read(write(tmp_path / "o.csv", table("Дата;Клиент;Сумма", rows), "cp1251"), tmp_path / "out")
    assert result.report.revenue == 1150 and result.report.counts["clients"] == 3
    assert set(result.reasons()) <= {"subtotal_row", "blank_row"} and not result.report.questions


def test_one_total_of_a_table_without_numbers_needs_a_lack_or_many_rows(tmp_path: Path) -> None:
    head = "Дата;Клиент;Сумма"
    few = table(head, [*FIRST, ("31.01.2024", "Ильма", "350")])
    assert read(write(tmp_path / "a.csv", few), tmp_path / "out").report.revenue == 700
    for last in (("", "Ильма", "350"), ("31.01.2024", "", "350")):
        assert read(write(tmp_path / "b.csv", table(head, [*FIRST, last])), tmp_path / "out").report.revenue == 350
    many = [*FIRST, *SECOND, ("21.02.2024", "АО Вектор", "77"), ("29.02.2024", "Выручка", "1227")]
    assert read(write(tmp_path / "c.csv", table(head, many)), tmp_path / "out").report.revenue == 1227


def test_sales_that_happen_to_add_up_stay_sales(tmp_path: Path) -> None:
    rows = [*FIRST, ("20.01.2024", "АО Вектор", "350"), *SECOND, ("21.02.2024", "ИП Егорова", "800")]
    assert read(write(tmp_path / "a.csv", table("Дата;Клиент;Сумма", rows)), tmp_path / "out").report.revenue == 2300
    rows = [*FIRST, ("20.01.2024", "Новый", "350"), *SECOND, ("21.02.2024", "Ещё один", "810")]
    assert read(write(tmp_path / "b.csv", table("Дата;Клиент;Сумма", rows)), tmp_path / "out").report.revenue == 2310


@pytest.mark.parametrize("day", ["31.01.2024", "01.01.2024"])
@pytest.mark.parametrize("label", ["", "Январь и февраль"])
def test_one_dated_total_above_all_rows(tmp_path: Path, day: str, label: str) -> None:
    text = f"{HEAD};{day};{label};1150\n{JANUARY}{FEBRUARY}"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.revenue == 1150 and result.reasons() == {"subtotal_row": 1}


@pytest.mark.parametrize(
    ("field", "yes", "no"),
    [
        ("Статус", "Отменен", "Выполнен"),
        ("Status", "Cancelled", "Completed"),
        ("Проведен", "нет", "да"),
        ("Пометка удаления", "да", "нет"),
    ],
)
def test_totals_may_leave_out_what_was_cancelled(tmp_path: Path, field: str, yes: str, no: str) -> None:
    rows = [("1", *FIRST[0], no), ("5", "19.01.2024", "АО Вектор", "50", yes), ("2", *FIRST[1], no)]
    rows += [("", "31.01.2024", "За январь", "350", ""), ("3", *SECOND[0], no), ("4", *SECOND[1], no)]
    rows += [("6", "21.02.2024", "ИП Егорова", "70", yes), ("", "29.02.2024", "За февраль", "800", "")]
    result = read(write(tmp_path / "o.csv", table(f"Номер;Дата;Клиент;Сумма;{field}", rows)), tmp_path / "out")
    assert result.report.revenue == 1150 and result.reasons()["subtotal_row"] == 2


@pytest.mark.parametrize(("january", "february"), [("351", "800"), ("350.8", "800.4"), ("350.78", "800.35")])
def test_totals_may_be_rounded(tmp_path: Path, january: str, february: str) -> None:
    text = f"{HEAD}1;09.01.2024;ООО Ромашка;100.37\n2;19.01.2024;АО Вектор;250.41\n;31.01.2024;За январь;{january}\n"
    text += f"3;05.02.2024;ООО Ромашка;300.20\n4;20.02.2024;ИП Егорова;500.15\n;29.02.2024;За февраль;{february}\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.revenue == pytest.approx(1151.13) and result.reasons() == {"subtotal_row": 2}


def test_totals_in_whole_thousands(tmp_path: Path) -> None:
    rows = [
        ("1", "09.01.2024", "А", "100137.5"),
        ("2", "19.01.2024", "Б", "250041.2"),
        ("", "31.01.2024", "За январь", "350000"),
    ]
    rows += [
        ("3", "05.02.2024", "А", "300220.7"),
        ("4", "20.02.2024", "В", "500115.3"),
        ("", "29.02.2024", "За февраль", "800000"),
    ]
    result = read(write(tmp_path / "o.csv", table("Номер;Дата;Клиент;Сумма", rows)), tmp_path / "out")
    assert result.reasons() == {"subtotal_row": 2}


def test_a_total_shows_its_words_and_not_its_day(tmp_path: Path) -> None:
    rows = [*FIRST, ("31.01.2024", "За январь", "350"), *SECOND, ("29.02.2024", "За февраль", "800")]
    result = read(write(tmp_path / "o.csv", table("Дата;Клиент;Сумма", rows)), tmp_path / "out")
    (aside,) = result.report.set_aside
    assert aside.example == "За январь" and {e.value for e in aside.examples} == {"За январь", "За февраль"}


def test_many_rows_without_a_number_are_no_totals_and_cost_little(tmp_path: Path) -> None:
    rows = [
        ("" if i % 3 else str(i), f"{1 + i % 28:02d}.01.2024", f"К{i % 50}", f"{(i * 7919) % 9973 + 0.37:.2f}")
        for i in range(9000)
    ]
    result = read(write(tmp_path / "o.csv", table("Номер;Дата;Клиент;Сумма", rows)), tmp_path / "out")
    assert result.report.rows_used == 9000


# ---- item rows that repeat date and client, and not the number

ITEMS = [
    ("1", "09.01.2024", "Альфа", "Болт", "100"),
    ("", "09.01.2024", "Альфа", "Гайка", "200"),
    ("", "09.01.2024", "Альфа", "Шайба", "50"),
    ("2", "09.01.2024", "Бета", "Болт", "300"),
    ("", "09.01.2024", "Бета", "Гайка", "410"),
    ("3", "11.01.2024", "Альфа", "Болт", "500"),
]


@pytest.mark.parametrize(
    "header",
    [
        "Номер;Дата;Клиент;Товар;Сумма",
        "Order No;Date;Customer;Product;Amount",
        "Документ №;Дата;ИНН;Номенклатура;Сумма",
    ],
)
@pytest.mark.parametrize("save", [None, write_xls, write_html])
def test_the_number_once_for_its_items(tmp_path: Path, header: str, save) -> None:  # type: ignore[no-untyped-def]
    rows = [
        tuple({"Альфа": "7707083893", "Бета": "7728168971"}.get(c, c) for c in r) if "ИНН" in header else r
        for r in ITEMS
    ]
    file = tmp_path / ("o.xls" if save else "o.csv")
    if save:
        save(file, [header.split(";"), *rows])
    else:
        write(file, table(header, rows))
    first, filled, (blank,) = answered(file, tmp_path / "out", "filled_once")
    for result in (first, filled):
        assert result.column("order_id") == ["1", "1", "1", "2", "2", "3"] and result.report.revenue == 1560
    assert blank.column("order_id") == ["1", None, None, "2", None, "3"]


def test_a_row_of_another_client_keeps_its_blank_number(tmp_path: Path) -> None:
    rows = [*ITEMS * 10, ("", "11.01.2024", "Гамма", "Болт", "70")]
    rows = [(str(i) if r[0] else "", *r[1:]) for i, r in enumerate(rows)]
    result = read(write(tmp_path / "o.csv", table("Номер;Дата;Клиент;Товар;Сумма", rows)), tmp_path / "out")
    assert asked(result, "filled_once").taken and result.column("order_id")[-1] is None
    assert None not in result.column("order_id")[:-1]


def test_sales_without_a_number_between_others_are_not_filled(tmp_path: Path) -> None:
    rows = [(r[0], f"{9 + i:02d}.01.2024", *r[2:]) for i, r in enumerate(ITEMS)]
    result = read(write(tmp_path / "o.csv", table("Номер;Дата;Клиент;Товар;Сумма", rows)), tmp_path / "out")
    assert not result.report.questions and result.column("order_id").count(None) == 3
