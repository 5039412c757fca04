"""Headers: every synonym of the code list, near spellings, stacked headers; grouped reports that cannot be read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from audit.errors import InputError
from audit.intake.headers import match_header, match_headers, normalise_header
from audit.intake.layout import find_layout
from audit.method import method
from tests.intake.reading import read, refuses, write

SYNONYMS = [(field, v.header) for field, spec in method().headers.items() for v in spec.variants]


@pytest.mark.parametrize(("field", "header"), SYNONYMS, ids=lambda x: x)
def test_every_synonym_is_its_field_in_any_spelling(field: str, header: str) -> None:
    for text in (header, header.upper(), f"  {header}\u00a0 "):
        assert match_header(text).field == field, text
    assert match_header(header).how == "mapped" and match_header(header).also == ()


@pytest.mark.parametrize(
    ("header", "field", "how"),
    [
        ("ДатаОтгрузки", "promised_date", "mapped"),
        ("Дата отгрузки, факт", "shipped_date", "mapped"),
        ("Дата отгрузки [факт]", "shipped_date", "mapped"),
        ("Дата отгрузки (по накладной, фактическая)", None, "unmapped"),
        ("Дата изменения", None, "unmapped"),
        ("Сумма, тыс. руб.", "amount", "mapped"),
        ("Ответственый", "manager", "guessed"),
        ("Cумма", "amount", "mapped"),
        ("№", "order_id", "mapped"),
        ("№ п/п", None, "unmapped"),
        ("Погода", None, "unmapped"),
        ("order_date", "order_date", "mapped"),
        ("OrderDate", "order_date", "mapped"),
        ("", None, "unmapped"),
    ],
)
def test_headers_one_by_one(header: str, field: str | None, how: str) -> None:
    found = match_header(header)
    assert (found.field, found.how) == (field, how)


def test_matching_form() -> None:
    assert normalise_header("  Сумма, руб. ") == ("сумма руб", "сумма")
    assert normalise_header("№ Заказа") == ("заказа", "заказа")
    assert normalise_header("Плановая\u00a0дата  отгрузки") == ("плановая дата отгрузки",) * 2


def test_canonical_names_win_over_synonyms_and_weak_ones_yield() -> None:
    plan = match_headers(["order_date", "Дата", "Номер", "Номер по данным клиента"], {})
    assert plan.chosen["order_date"] == 0 and plan.chosen["order_id"] == 2 and not plan.rivals


def test_preamble_and_title_are_not_the_header() -> None:
    rows = [
        (1, ["Заказы", "", ""]),
        (2, ["Период: 2024", "", ""]),
        (3, ["", "", ""]),
        (4, ["Номер", "Дата", "Сумма"]),
        (5, ["1", "01.02.2024", "5"]),
    ]
    layout = find_layout(rows, {})
    assert layout is not None and (layout.header_row, layout.first_row) == (4, 5)


def test_header_of_two_rows_with_a_client_above_its_code() -> None:
    rows = [
        (1, ["Документ", "", "Контрагент", "", "Сумма"]),
        (2, ["Номер", "Дата", "Наименование", "ИНН", ""]),
        (3, ["1", "01.02.2024", "ООО А", "7707083893", "5"]),
    ]
    layout = find_layout(rows, {})
    assert layout is not None and layout.first_row == 3
    plan = match_headers(layout.headers, {}, layout.parents)
    assert plan.chosen == {"order_id": 0, "order_date": 1, "client": 2, "client_id": 3, "amount": 4}
    assert plan.columns[3].header == "Контрагент / ИНН"


def three_levels(first_item: int) -> str:
    lines = ["Контрагент;Сумма", "Документ;"]
    for client in range(4):
        lines.append(f"ООО Клиент {client};300")
        for doc in range(2):
            lines += [f"Заказ клиента {client}-{doc} от 01.02.2024 10:00:00;150", f"Болт;{first_item}", "Гайка;50"]
    return "\n".join(lines) + "\n"


def test_items_under_documents_are_told_by_their_sums_alone(tmp_path: Path) -> None:
    result = read(write(tmp_path / "o.csv", three_levels(100)), tmp_path / "out")
    assert result.report.revenue == 1200.0 and len(result.lines) == 16
    assert set(result.column("sku")) == {"Болт", "Гайка"}
    assert set(result.column("client_name")) == {f"ООО Клиент {i}" for i in range(4)}


def test_report_of_three_levels_whose_sums_do_not_agree_is_refused(tmp_path: Path) -> None:
    """Client, document, item: an item would be taken for the client of the next document."""
    with refuses(InputError, "more than two levels"):
        read(write(tmp_path / "o.csv", three_levels(70)), tmp_path / "out")


def test_amount_in_the_group_row_is_not_counted(tmp_path: Path) -> None:
    lines = ["Контрагент;Сумма", "Документ;"]
    for client, sums in {"ООО А": (100, 50), "ООО Б": (7,)}.items():
        lines.append(f"{client};{sum(sums)}")
        lines += [f"Заказ клиента {client[-1]}-{i} от 0{i + 1}.02.2024;{s}" for i, s in enumerate(sums)]
    result = read(write(tmp_path / "o.csv", "\n".join([*lines, "Итого;157"]) + "\n"), tmp_path / "out")
    assert result.report.revenue == 157.0 and result.report.control_sums[0].agrees
    assert result.column("client_name") == ["ООО А", "ООО А", "ООО Б"]
    assert result.column("amount") == [Decimal("100.0000"), Decimal("50.0000"), Decimal("7.0000")]
    assert result.reasons() == {"group_row": 2, "total_row": 1}
