"""What is lacking is said in one sentence each."""

from __future__ import annotations

from typing import Any

from audit.errors import Text
from audit.ground.lacks import missing_columns, missing_sheets, no_initiator, too_few
from tests.case_builder import make_case

ORDERS: list[dict[str, Any]] = [{"client_id": "A", "order_date": "2024-01-01", "amount": 100, "manager": "M"}]
TOUCHES = [{"client_id": "A", "date": "2024-01-02", "direction": "out"}]


def test_too_few_units_are_counted() -> None:
    assert too_few(3, 20, Text("Клиентов", "Clients")) == Text(
        "Клиентов: 3, для вывода нужно не меньше 20", "Clients: 3, a verdict needs at least 20"
    )


def test_columns_that_the_orders_lack_are_named_and_asked_for() -> None:
    case = make_case(ORDERS)
    assert missing_columns(case, "manager") is None
    assert missing_columns(case, "manager", "initiator") == Text(
        "В заказах нет столбца «инициатор»: добавьте его в выгрузку",
        "The orders lack the column “initiator”: add it to the export",
    )
    several = missing_columns(case, "promised_date", "shipped_date")
    assert several is not None
    assert several.ru.startswith("В заказах нет столбцов «") and several.ru.endswith("»: добавьте их в выгрузку")
    assert several.en.startswith("The orders lack the columns “") and several.en.endswith("”: add them to the export")


def test_sheets_that_are_not_filled_in_are_named() -> None:
    case = make_case(ORDERS, {"touches": TOUCHES})
    assert missing_sheets(case, "touches") is None
    one, two = missing_sheets(case, "staff"), missing_sheets(case, "staff", "time", "touches")
    assert one == Text("В анкете не заполнен лист «Сотрудники»", "The questionnaire's sheet “Staff” is not filled in")
    assert two == Text(
        "В анкете не заполнены листы «Сотрудники», «Время»",
        "The questionnaire's sheets “Staff”, “Time” are not filled in",
    )


def test_who_began_is_unknown_without_column_and_sheet_or_with_nothing_in_them() -> None:
    neither = no_initiator(make_case(ORDERS))
    assert "«инициатор»: добавьте его в выгрузку; в анкете не заполнен лист «" in neither.ru
    assert "add it to the export; the questionnaire's sheet “" in neither.en
    assert no_initiator(make_case(ORDERS, {"touches": TOUCHES})).ru.startswith("Ни у одного заказа и касания")
