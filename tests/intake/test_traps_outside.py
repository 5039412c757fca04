"""Faults that an outside tester met: each was accepted in silence, or answered with a line that could not help."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from audit.errors import AmbiguityError, InputError
from audit.model.questionnaire import Questionnaire
from tests.intake.dialects.disguises import write_xlsx
from tests.intake.reading import read, refuses, write

HEADERS = ["Номер", "Дата", "Клиент", "Сумма"]
DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(120)]
"""1 January to 29 April: 48 days up to the twelfth of a month, 72 after it."""


def through_excel(day: dt.date, form: str = "%d.%m.%Y") -> dt.date | str:
    """What an Excel of another country makes of a date typed as text: swapped where it can be, else left as text."""
    return dt.date(day.year, day.day, day.month) if day.day <= 12 else day.strftime(form)


def book(path: Path, dates: Sequence[dt.date | str], *more: Sequence[Any], headers: Sequence[str] = HEADERS) -> Path:
    rows = [[f"З-{i}", d, f"Фирма {i % 5}", 10, *rest] for i, (d, *rest) in enumerate(zip(dates, *more, strict=True))]
    write_xlsx(path, {"Лист1": [[*headers], *rows]})
    return path


def asked(source: Path | list[Path], out: Path, settings: dict[str, Any] | None = None) -> AmbiguityError:
    with pytest.raises(AmbiguityError) as caught:
        read(source, out, settings)
    error = caught.value
    assert error.what.ru != error.what.en and error.todo is not None
    assert error.answer.splitlines()[1] in error.todo.ru and error.answer.splitlines()[1] in error.todo.en
    return error


# ---- day and month swapped by Excel


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M:%S"])
def test_swapped_dates_are_asked_about_and_put_back(tmp_path: Path, form: str) -> None:
    file = book(tmp_path / "Заказы [1].xlsx", [through_excel(d, form) for d in DAYS])
    error = asked(file, tmp_path / "out")
    assert "«Дата»" in error.what.ru and "ячеек 48" in error.what.ru and "ячеек 72" in error.what.ru
    result = read(file, tmp_path / "out", tomllib.loads(error.answer))
    assert result.column("order_date") == DAYS
    assert any("поменяны местами в столбцах «Дата», ячеек: 48" in n.ru for n in result.report.notes)
    right = read(file, tmp_path / "out", {"reading": {"swapped_dates": []}})
    assert right.column("order_date")[:2] == [dt.date(2024, 1, 1), dt.date(2024, 2, 1)]


def test_other_columns_of_the_file_are_put_back_unless_they_show_a_true_day_above_twelve(tmp_path: Path) -> None:
    """A column with few dates went through the same Excel; one with a true date of the 20th did not."""
    promised = [through_excel(d) if i < 15 else None for i, d in enumerate(DAYS)]
    shipped = [d + dt.timedelta(days=1) for d in DAYS]
    headers = [*HEADERS, "Плановая дата отгрузки", "Дата отгрузки (факт)"]
    file = book(tmp_path / "o.xlsx", [through_excel(d) for d in DAYS], promised, shipped, headers=headers)
    result = read(file, tmp_path / "out", tomllib.loads(asked(file, tmp_path / "out").answer))
    assert result.column("order_date") == DAYS
    assert result.column("promised_date") == [*DAYS[:15], *[None] * 105]
    assert result.column("shipped_date") == shipped


def test_only_the_files_named_are_put_back(tmp_path: Path) -> None:
    whole = book(tmp_path / "b.xlsx", DAYS)
    file = book(tmp_path / "a.xlsx", [through_excel(d) for d in DAYS])
    error = asked([file, whole], tmp_path / "out")
    assert error.answer == '[reading]\nswapped_dates = ["a.xlsx"]'
    result = read([file, whole], tmp_path / "out", tomllib.loads(error.answer))
    assert result.column("order_date") == [*DAYS, *DAYS]
    with refuses(InputError, "No file fits [reading] swapped_dates"):
        read(whole, tmp_path / "out", {"reading": {"swapped_dates": ["c*"]}})


@pytest.mark.parametrize(
    "dates",
    [
        [*[through_excel(d) for d in DAYS], dt.date(2024, 3, 13)],  # one true date that no month can be
        [d if i % 2 else d.strftime("%d.%m.%Y") for i, d in enumerate(DAYS)],  # true dates and texts of all days
        [through_excel(d) for d in DAYS if d.day > 12 or d.month < 2],  # twelve true dates may be chance
        [dt.date(2024, 1, 1)] * 40 + [d.strftime("%d.%m.%Y") for d in DAYS if d.day > 12],  # one date in forty rows
        [d for d in DAYS if d.day <= 12],
    ],
)
def test_no_question_where_the_dates_may_be_right(tmp_path: Path, dates: list[dt.date | str]) -> None:
    assert not read(book(tmp_path / "o.xlsx", dates), tmp_path / "out").report.questions


def test_american_dates_saved_as_csv_by_another_excel(tmp_path: Path) -> None:
    """03/05/2024 was taken for the third of May and saved as 03.05.2024; 03/25/2024 stayed as it was."""
    body = "".join(
        f"{i};{d:{'%m.%d.%Y' if d.day <= 12 else '%m/%d/%Y'}};Фирма {i % 5};10\n" for i, d in enumerate(DAYS)
    )
    file = write(tmp_path / "o.csv", ";".join(HEADERS) + "\n" + body)
    error = asked(file, tmp_path / "out")
    assert read(file, tmp_path / "out", tomllib.loads(error.answer)).column("order_date") == DAYS


# ---- the sign


def lines(*amounts: float, header: str = "", more: Callable[[float], str] = lambda a: "") -> str:
    rows = (f"{i};{DAYS[i]};Фирма {i % 5};{a}{more(a)}" for i, a in enumerate(amounts))
    return "\n".join([";".join(HEADERS) + header, *rows]) + "\n"


def test_sales_with_a_minus_are_asked_about_and_turned(tmp_path: Path) -> None:
    """Sales −100 and −50, a return +30: 100 + 50 − 30 = 120. The cost stands with a minus too, the quantity does not:
    the margin is 120 − (60 + 30 − 18) = 48."""
    text = lines(-100, -50, 30, header=";Себестоимость;Количество", more=lambda a: f";{0.6 * a:g};{2 if a < 0 else -1}")
    file = write(tmp_path / "o.csv", text)
    error = asked(file, tmp_path / "out")
    assert "строк с минусом 2 из 3" in error.what.ru and "−120" not in error.what.ru and "-120" in error.what.ru
    assert error.answer == '[reading]\nnegative_files = ["o.csv"]'
    result = read(file, tmp_path / "out", tomllib.loads(error.answer))
    assert [float(a) for a in result.column("amount")] == [100, 50, -30]
    assert [float(m) for m in result.column("margin")] == [40, 20, -12]
    assert [float(q) for q in result.column("qty")] == [2, 2, -1]
    assert result.report.revenue == 120
    assert read(file, tmp_path / "out", {"reading": {"negative_files": []}}).report.revenue == -120


def test_quantity_with_a_minus_and_no_amount(tmp_path: Path) -> None:
    text = "Номер;Дата;Клиент;Количество;Цена\n1;01.02.2024;А;-2;10\n2;03.02.2024;Б;-3;10\n"
    file = write(tmp_path / "o.csv", text)
    result = read(file, tmp_path / "out", tomllib.loads(asked(file, tmp_path / "out").answer))
    assert [float(a) for a in result.column("amount")] == [20, 30]


def test_returns_beside_sales_are_no_question(tmp_path: Path) -> None:
    sales = write(tmp_path / "a.csv", lines(100, 100, 100))
    back = write(tmp_path / "b.csv", lines(-10, -10, -10, -10))
    assert read([sales, back], tmp_path / "out").report.revenue == 260
    one = write(tmp_path / "c.csv", lines(100, 100, -500))  # one return larger than all that was sold
    assert read(one, tmp_path / "out").report.revenue == -300


def test_returns_alone_want_the_sales(tmp_path: Path) -> None:
    named = write(tmp_path / "Возвраты.csv", lines(10, 20))
    error = asked(named, tmp_path / "out")
    assert "добавьте файл продаж" in str(error.todo and error.todo.ru)
    assert read(named, tmp_path / "out", tomllib.loads(error.answer)).report.revenue == 30
    kind = write(tmp_path / "k.csv", lines(10, 20, header=";Вид документа", more=lambda a: ";Возврат"))
    with refuses(InputError, "returns alone"):
        read(kind, tmp_path / "out")


# ---- a column that is missing


@pytest.mark.parametrize(
    ("header", "row", "line"),
    [
        ("Номер;Когда;Клиент;Сумма", lambda i: f"{i};{DAYS[i]:%d.%m.%Y};Ф{i % 5};5", 'order_date = "Когда"'),
        ("Номер;Дата;Клиент;Итогово", lambda i: f"{i};{DAYS[i]};Ф{i % 5};1 500,{i}", 'amount = "Итогово"'),
        ("Номер;Дата;Кому;Сумма", lambda i: f"{i};{DAYS[i]};ООО Ф{i % 5};5", 'client = "Кому"'),
        ("Номер;Дата;Ключ;Сумма", lambda i: f"{i};{DAYS[i]};770123456{i % 5};5", 'client_id = "Ключ"'),
        # of two columns of numbers the larger one; a code, a per cent and a date are no sums
        (
            "Номер;Дата;Клиент;Мест;Итогово;Ключ;Процентовка %;Когда",
            lambda i: f"{i};{DAYS[i]};Ф{i % 5};3;{1000 + i};770123456{i};99999;{DAYS[i]:%d.%m.%Y}",
            'amount = "Итогово"',
        ),
        ("Номер;Дата;Клиент", lambda i: f"{i};{DAYS[i]};Ф{i % 5}", 'amount = "…"'),
        ("Номер;Клиент;Сумма", lambda i: f"{i};Ф{i % 5};5", 'order_date = "…"'),
        ("Номер;Дата;Сумма", lambda i: f"{i};{DAYS[i]};5", 'client_id = "…"'),
        (
            "Номер;Когда;Клиент;Итогово",
            lambda i: f"{i};{DAYS[i]};Ф{i % 5};7,5",
            'order_date = "Когда", amount = "Итогово"',
        ),
    ],
)
def test_a_missing_column_suggests_one_that_can_be_it(
    tmp_path: Path, header: str, row: Callable[[int], str], line: str
) -> None:
    file = write(tmp_path / "o.csv", "\n".join([header, *(row(i) for i in range(40))]) + "\n")
    with pytest.raises(InputError) as caught:
        read(file, tmp_path / "out")
    assert caught.value.todo is not None
    assert caught.value.todo.ru.endswith(f"раздел [columns]: {line}")
    assert caught.value.todo.en.endswith(f"section [columns]: {line}")
    if "…" not in line:
        settings = tomllib.loads("[columns]\n" + line.replace(", ", "\n"))
        assert read(file, tmp_path / "out", settings).report.rows_used == 40


# ---- key clients


def keys(*named: str) -> Questionnaire:
    return Questionnaire(tables={"key_clients": pd.DataFrame({"client_id": list(named)})})


ORDERS = "Номер;Дата;ИНН;Контрагент;Сумма\n" + "".join(
    f"{i};{DAYS[i]};{inn};{name};{100 - i}\n"
    for i, (inn, name) in enumerate(
        [("7707083893", "ООО «Ромашка»"), ("5003052454", "АО Заря"), ("7728168971", "Лютик")]
    )
)


def test_key_clients_of_another_system_are_a_question(tmp_path: Path) -> None:
    file = write(tmp_path / "o.csv", ORDERS)
    result = read(file, tmp_path / "out", questionnaire=keys("К-001", "К-002", " 7707083893 "))
    (question,) = result.report.questions
    assert "2 из 3 в заказах не найдены (например, «К-001»)" in question.text.ru
    assert "2 of 3 were not found" in question.text.en and "“7707083893” or “ООО «Ромашка»”" in question.text.en
    assert (result.report.counts["key_clients"], result.report.counts["key_clients_not_found"]) == (3, 2)


def test_half_of_the_key_clients_not_found_is_a_remark(tmp_path: Path) -> None:
    file = write(tmp_path / "o.csv", ORDERS)
    result = read(file, tmp_path / "out", questionnaire=keys("К-001", "ао заря"))
    assert not result.report.questions
    assert any(n.ru.startswith("Ключевые клиенты: 1 из 2 в заказах не найдены") for n in result.report.notes)


def test_key_clients_found_by_code_or_name_are_no_matter(tmp_path: Path) -> None:
    file = write(tmp_path / "o.csv", ORDERS)
    for given in (keys("7707083893", "АО Заря", "лютик"), Questionnaire(), None):
        report = read(file, tmp_path / "out", questionnaire=given).report
        assert not report.questions and not any("Ключевые" in n.ru for n in report.notes)


@pytest.mark.parametrize(
    ("sheet", "column", "title"), [("touches", "client_id", "Касания"), ("day_log", "client", "Фотография дня")]
)
def test_clients_of_other_sheets_are_matched_as_orders_are(tmp_path: Path, sheet: str, column: str, title: str) -> None:
    file = write(tmp_path / "o.csv", ORDERS)
    named = Questionnaire(tables={sheet: pd.DataFrame({column: ["ромашка", "ООО Заря", "7728168971", None, "Пион"]})})
    report = read(file, tmp_path / "out", questionnaire=named).report
    (note,) = [n for n in report.notes if n.ru.startswith(title)]
    assert "1 из 4 в заказах не найдены (например, «Пион»)" in note.ru and not report.questions
