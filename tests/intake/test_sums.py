"""Rows that add up others: totals without a word that says so, heads of documents whose lines follow."""

from __future__ import annotations

from pathlib import Path

import pytest

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
