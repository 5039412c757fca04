"""The period an export covers, and the currency of its amounts."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from audit.intake.orders import read_orders
from audit.intake.period import edges, titled
from audit.settings import settings_from_mapping
from tests.intake.answering import answered
from tests.intake.reading import TODAY, read, write

D = dt.date


@pytest.mark.parametrize(
    ("cell", "first", "last"),
    [
        ("Период: 01.01.2024 - 31.12.2024", D(2024, 1, 1), D(2024, 12, 31)),
        ("Период: Январь 2023 г. - Май 2024 г.", D(2023, 1, 1), D(2024, 5, 31)),
        ("Продажи с 01.02.2024 по 31.03.2025", D(2024, 2, 1), D(2025, 3, 31)),
        ("Period: 2024-01-01 – 2024-12-31", D(2024, 1, 1), D(2024, 12, 31)),
        ("Отчёт о продажах за 2024 год", D(2024, 1, 1), D(2024, 12, 31)),
        ("за 3 квартал 2024 г.", D(2024, 7, 1), D(2024, 9, 30)),
        ("Orders from 01.01.2024 to 30.06.2024", D(2024, 1, 1), D(2024, 6, 30)),
    ],
)
def test_titles(cell: str, first: dt.date, last: dt.date) -> None:
    assert titled(["Отбор: все", cell]) == (first, last)


@pytest.mark.parametrize(
    "cell", ["Сформирован 01.02.2025", "Договор с 5 поставщиками", "за 99.99.2024", "Период: 31.12.2024 - 01.01.2024"]
)
def test_no_titles(cell: str) -> None:
    assert titled([cell]) is None


@pytest.mark.parametrize(
    ("first", "last", "start", "end"),
    [
        (
            D(2024, 3, 10),
            D(2025, 2, 19),
            D(2024, 3, 1),
            D(2025, 2, 28),
        ),  # the tenth day; the last ten of 28 begin on 19
        (D(2024, 3, 11), D(2025, 2, 18), D(2024, 3, 11), D(2025, 2, 18)),
        (D(2024, 1, 18), D(2025, 12, 22), D(2024, 1, 1), D(2025, 12, 31)),  # January begins after the holidays
        (D(2024, 1, 19), D(2025, 12, 21), D(2024, 1, 19), D(2025, 12, 21)),
        (D(2024, 2, 29), D(2026, 1, 14), D(2024, 2, 29), D(2026, 1, 14)),
    ],
)
def test_edges_of_months(first: dt.date, last: dt.date, start: dt.date, end: dt.date) -> None:
    assert edges(first, last, [], TODAY) == (start, end)


def test_a_title_decides_where_it_holds_the_orders_and_never_beyond_today() -> None:
    whole = [(D(2024, 1, 1), D(2024, 12, 31))]
    assert edges(D(2024, 2, 14), D(2024, 11, 3), whole, TODAY) == (D(2024, 1, 1), D(2024, 12, 31))
    assert edges(D(2023, 2, 14), D(2024, 11, 3), whole, TODAY) == (D(2023, 2, 14), D(2024, 12, 31))
    assert edges(D(2024, 2, 14), D(2026, 1, 25), [(D(2024, 1, 1), D(2026, 12, 31))], D(2026, 1, 26))[1] == D(
        2026, 1, 26
    )


def weekly(until: dt.date, *late: dt.date, a_week: int = 6) -> str:
    first = D(2023, 1, 2)
    days = [first + dt.timedelta(days=7 * w + k) for w in range((until - first).days // 7) for k in range(a_week)]
    rows = "".join(f"{i};{d:%Y-%m-%d};C{i % 17};{100 + i % 9}\n" for i, d in enumerate([*days, *late]))
    return f"order_id;order_date;client_id;amount\n{rows}"


@pytest.mark.parametrize(
    ("late", "last"),
    [
        ((D(2025, 12, 31),), D(2025, 12, 31)),
        ((D(2025, 10, 1), D(2025, 11, 20), D(2025, 12, 30)), D(2025, 12, 30)),
        (tuple(D(2025, 9, 12) + dt.timedelta(days=28 * i) for i in range(4)), D(2025, 12, 5)),
    ],
)
def test_an_export_that_thins_out_ends_where_it_was_full(
    tmp_path: Path, late: tuple[dt.date, ...], last: dt.date
) -> None:
    file = write(tmp_path / "o.csv", weekly(D(2025, 9, 1), *late))
    asked, settled, (whole,) = answered(file, tmp_path / "out", "thin_end")
    assert asked.report.period_end == settled.report.period_end == D(2025, 8, 31)
    assert asked.reasons() == {"outside_period": len(late)}
    assert whole.report.last_date == last and whole.reasons() == {}
    assert "[period] end = 2025-08-31" in asked.report.questions[0].text.en


def test_quiet_weeks_that_are_usual_are_not_asked_about(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.csv", weekly(D(2025, 9, 1))), tmp_path / "out").report.questions == ()
    rare = weekly(D(2025, 12, 1), D(2025, 12, 31), a_week=1)  # one sale a week: four weeks without one are nothing
    assert read(write(tmp_path / "b.csv", rare), tmp_path / "out").report.questions == ()
    seasons = "order_id;order_date;client_id;amount\n" + "".join(
        f"{y}{i};{D(y, 5, 1) + dt.timedelta(days=i)};C{i % 9};5\n" for y in (2023, 2024, 2025) for i in range(150)
    )
    closed = seasons + "x;2025-12-29;C1;5\ny;2024-12-28;C1;5\nz;2023-12-28;C1;5\n"
    assert read(write(tmp_path / "c.csv", closed), tmp_path / "out").report.questions == ()


# ---- currency

ROW = "1;10.01.2024;ООО Альфа;{}\n2;11.01.2024;ООО Бета;{}\n"


@pytest.mark.parametrize(
    ("head", "amount", "code", "source"),
    [
        ("Номер;Дата;Клиент;Сумма, руб.", "100", "RUB", "files"),
        ("Номер;Дата;Клиент;Сумма ₽", "100", "RUB", "files"),
        ("Order;Order date;Customer;Amount, EUR", "100", "EUR", "files"),
        ("Order;Order date;Customer;Amount ($)", "100", "USD", "files"),
        ("Order;Order date;Customer;Amount", "$100", "USD", "files"),
        ("Номер;Дата;Клиент;Сумма", "100 тенге", "KZT", "files"),
    ],
)
def test_the_currency_that_the_file_names(tmp_path: Path, head: str, amount: str, code: str, source: str) -> None:
    report = read(write(tmp_path / "o.csv", f"{head}\n{ROW.format(amount, amount)}"), tmp_path / "out").report
    assert (report.currency, report.currency_source) == (code, source)


@pytest.mark.parametrize(
    "text",
    [
        "Номер;Дата;ИНН;Клиент;Сумма\n1;10.01.2024;7707083893;А;5\n",
        "Заказ;Контрагент;Сумма\nЗаказ клиента 0000-000123 от 01.02.2024 10:11:12;А;5\n",
        "Продажи\nПараметры: Период: 01.01.2024 - 31.12.2024\n\nНомер;Дата;Клиент;Сумма\n1;10.01.2024;А;5\n",
    ],
)
def test_roubles_by_form_are_said(tmp_path: Path, text: str) -> None:
    report = read(write(tmp_path / "o.csv", text), tmp_path / "out").report
    assert (report.currency, report.currency_source) == ("RUB", "form")
    assert any("The files name no currency" in n.en for n in report.notes)


@pytest.mark.parametrize(
    ("head", "first"), [("Номер;Дата;Клиент;Сумма", "RUB"), ("Order;Order date;Customer;Amount", "USD")]
)
def test_else_there_is_no_sign_and_one_question(tmp_path: Path, head: str, first: str) -> None:
    file = write(tmp_path / "o.csv", f"{head}\n{ROW.format(1, 2)}")
    report = read_orders([file], settings_from_mapping({}), None, tmp_path / "out", today=TODAY)
    (question,) = [q for q in report.questions if q.kind == "currency"]
    assert (report.currency, report.currency_source) == ("", "unknown")
    for lines in (question.answer, *(o.lines for o in question.others)):
        settings = tomllib.loads(lines)
        again = read_orders([file], settings_from_mapping(settings), None, tmp_path / "out", today=TODAY)
        assert (again.currency, again.currency_source) == (settings["company"]["currency"], "settings")
        assert not again.questions
    assert question.answer == f'[company]\ncurrency = "{first}"'
