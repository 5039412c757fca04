"""What one cell says."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal

import pytest

from audit.intake.clients import client_id_key, valid_inn
from audit.intake.likeness import Client, suspected_duplicates
from audit.intake.people import person_key
from audit.intake.values import (
    DateRule,
    clean_text,
    date_inside,
    empty_date,
    is_subtotal,
    is_total,
    number_marks,
    order_number,
    parse_date,
    parse_number,
)
from audit.intake.words import words
from audit.model.client_names import name_key

DAY = dt.date(2024, 2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-01",
        "2024-2-1",
        "2024-02-01 10:11:12",
        "2024-02-01T10:11:12.000Z",
        "2024/02/01",
        "2024.02.01",
        "20240201",
        "01.02.2024",
        "1.2.2024",
        "01.02.24",
        "01.02.2024 10:11:12",
        "01.02.2024 г.",
        "\u00a001.02.2024 ",
        "01/02/2024",
        "01-02-2024",
        "45323",
        "45323.42",
        "1 февраля 2024 г.",
        "01 фев 2024",
        "1 Февраля 2024",
        "1-Feb-24",
        "Feb 1, 2024",
        "February 1st, 2024 10:00",
        "«01» февраля 2024 года",
        '"01" февраля 2024 г.',
        "“1” февраля 2024 г., четверг",
        "'01' февраля 2024 10:11:12",
        "1-го февраля 2024",
        "четверг, 1 февраля 2024 г.",
        "2024 г., 1 февраля",
        "Thursday, February 1, 2024",
        "1st of February 2024",
        "1 de febrero de 2024",
        "1. Februar 2024",
        "1 février 2024",
        "1 лютого 2024 р.",
        "1 Şubat 2024",
        "Чт 01.02.2024",
        "01.02.2024 (чт)",
        "от 01.02.2024 г.",
    ],
)
def test_every_way_to_write_a_date(text: str) -> None:
    assert parse_date(text, DateRule()) == DAY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "31.02.2024",
        "2024-13-01",
        "00.00.0000",
        "abc",
        "12345",
        "99999",
        "1.2",
        "10:11",
        "-",
        "ООО 1 февраля 2024",
        "12 шт 2024",
        "Заказ 12 от 01.02.2024",
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert parse_date(text, DateRule()) is None


def test_order_of_day_and_month_per_mark_and_patterns() -> None:
    rule = DateRule({"/": "mdy", ".": "dmy"})
    assert parse_date("02/01/2024", rule) == DAY and parse_date("01.02.2024", rule) == DAY
    assert parse_date("2024_01_02", DateRule(pattern="%Y_%d_%m")) == DAY
    assert parse_date("31.12.69", DateRule()) == dt.date(2069, 12, 31)
    assert parse_date("01.01.70", DateRule()) == dt.date(1970, 1, 1)


@pytest.mark.parametrize(
    "text", [None, "", "  .  .    ", "01.01.0001 0:00:00", "0001-01-01", "30.12.1899", "не закрыта", "—"]
)
def test_empty_dates(text: str | None) -> None:
    assert empty_date(text)
    assert not empty_date("01.02.2024")


@pytest.mark.parametrize(
    ("text", "comma", "point", "mark"),
    [
        ("1 234,56", "1234.56", "1234.56", ","),
        ("1\u00a0234,56", "1234.56", "1234.56", ","),
        ("1\u202f234,56", "1234.56", "1234.56", ","),
        ("1,234.56", None, "1234.56", "."),
        ("1.234,56", "1234.56", None, ","),
        ("1,234", "1.234", "1234", "3,"),
        ("1.234", "1234", "1.234", "3."),
        ("1.234.567", "1234567", "1234567", ","),
        ("1'234.5", "1234.5", "1234.5", "."),
        ("−5", "-5", "-5", None),
        ("(1 234,50)", "-1234.5", "-1234.5", ","),
        ("12,5-", "-12.5", "-12.5", ","),
        ("5 руб.", "5", "5", None),
        ("1 234,5 ₽", "1234.5", "1234.5", ","),
        ("$5", "5", "5", None),
        ("1e3", "1000", "1000", None),
        ("0,00005", "0.0001", "0.0001", ","),
        ("1 2 3", None, None, None),
        ("12,345,6", None, None, None),
        ("100-200", None, None, None),
        ("12.03.2024", None, None, None),
        ("abc", None, None, None),
        ("(5", None, None, None),
        ("9" * 30, None, None, None),
        ("5 тыс", "5000", "5000", None),
        ("1,5,", None, None, None),
    ],
)
def test_numbers(text: str, comma: str | None, point: str | None, mark: str | None) -> None:
    assert parse_number(text, ",") == (None if comma is None else Decimal(comma))
    assert parse_number(text, ".") == (None if point is None else Decimal(point))
    assert number_marks(text) == mark


def test_documents_with_their_date() -> None:
    text = "Заказ клиента 0000-000123 от 01.02.2024 10:11:12"
    assert order_number(text) == "0000-000123" and date_inside(text) == "01.02.2024 10:11:12"
    assert order_number("Реализация № 12/а от 1 февраля 2024 г.") == "12/а"
    assert order_number("№ 0007") == "0007" and order_number("SO-1") == "SO-1" and date_inside("SO-1") is None


def test_totals_and_marks_of_emptiness() -> None:
    for text in ("Итого", "ИТОГО:", "Всего 5", "Итого по ООО А", "Total", "  * Итог"):
        assert is_total(text)
    for text in ("Итоговая компания", "ООО Итог", "Totalitarian", "Всеволод"):
        assert not is_total(text)
    assert is_subtotal("Итого по складу") and not is_subtotal("Итого")
    assert [clean_text(t) for t in ("<Не указан>", " — ", "#N/A", "null", " a ", None)] == [
        None,
        None,
        None,
        None,
        "a",
        None,
    ]


def test_inn_and_codes() -> None:
    assert (
        valid_inn("7707083893") and not valid_inn("7707083894") and valid_inn("500100732259") and not valid_inn("77x")
    )
    assert client_id_key("7707083893.0", True) == "7707083893"
    assert client_id_key("7707083893/770701001", True) == "7707083893"
    assert client_id_key("107083899", True) == "0107083899"  # the zero comes back: the check digit proves it
    assert client_id_key("107083898", True) == "107083898"
    assert client_id_key("000123") == "000123" and client_id_key("'0012") == "0012" and client_id_key("  ") is None


def test_names() -> None:
    for text in (
        "ООО «Ромашка Плюс»",
        "Ромашка-плюс, ООО",
        'Общество с ограниченной ответственностью "Ромашка Плюс"',
        "ромашка  ПЛЮС",
    ):
        assert name_key(text) == "плюс ромашка"
    assert name_key("Cтройбаза") == name_key("Стройбаза")  # the first «C» is Latin
    assert name_key("ИП Иванов") != name_key("ООО Иванов") and name_key("ООО") == "ооо"
    assert person_key("[12] Иванов  И.И. (менеджер)") == "иванов и и"


def test_words_of_the_systems() -> None:
    w = words()
    assert [w.status.code(s) for s in ("Закрыто и не реализовано", "Сделка успешна", "Отменён клиентом", "?")] == [
        "cancelled",
        "closed",
        "cancelled",
        None,
    ]
    assert w.status.code("Не отгружен") == "open" and w.status.code("Частично отгружен") == "open"
    assert w.kind.code("Возврат товаров от клиента") == "return" and w.kind.code("Передача на комиссию") == "internal"
    assert w.is_system_user("Обмен с сайтом") and w.is_system_user("ROBOT") and not w.is_system_user("Апинин А.")


@pytest.mark.slow
def test_two_hundred_thousand_clients_are_compared_in_bounded_time() -> None:
    clients = [Client(f"K{i}", f"ООО Торговая фирма {i * 7919 % 1_000_003:x} {i % 977}", 1.0) for i in range(200_000)]
    clients += [Client("A", "Промснабкомплект", 5.0), Client("B", "Промснабкомплэкт", 6.0)]
    begin = time.process_time()
    found = suspected_duplicates(clients, "ru")
    assert time.process_time() - begin < 60
    assert any({d.client_a, d.client_b} == {"A", "B"} for d in found) and len(found) <= 300
