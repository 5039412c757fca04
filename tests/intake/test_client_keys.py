"""Who a client is: placeholders, legal forms, people that are nobody, sheets that name clients as people do."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from audit.model.client_names import ClientNames, legal_form
from audit.model.questionnaire import Questionnaire
from tests.intake.answering import answered
from tests.intake.reading import read, write


@pytest.mark.parametrize(
    ("header", "codes"),
    [
        ("ИНН", ("0000000000", "0000000000", "нет", "нет")),
        ("ИНН", ("9999999999", "9999999999", "9999999999", "9999999999")),
        ("Customer ID", ("unknown", "unknown", "No code", "No code")),
        ("Код клиента", ("0", "0", "000", "000")),
        ("ИНН", ("1234567890", "1234567890", "без ИНН", "без ИНН")),
        ("Customer ID", ("test", "test", "Cash customer", "Cash customer")),
    ],
)
def test_a_placeholder_under_several_names_is_no_code(tmp_path: Path, header: str, codes: tuple[str, ...]) -> None:
    names = ("ООО Альфа", "ООО Бета", "ООО Гамма", "ООО Дельта")
    rows = "".join(f"{i};1{i}.01.2024;{c};{n};{100 + i}\n" for i, (c, n) in enumerate(zip(codes, names, strict=True)))
    text = f"Номер;Дата;{header};Клиент;Сумма\n{rows}9;20.01.2024;7707083893;ПАО Эпсилон;5\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert sorted(result.column("client_name")) == sorted([*names, "ПАО Эпсилон"])
    assert result.report.counts["clients"] == 5
    assert any("Placeholders" in n.en for n in result.report.notes)


def test_a_code_of_its_own_stays_whatever_it_looks_like(tmp_path: Path) -> None:
    """«0» and «11» are codes where each has one name, spelt twice."""
    text = "Номер;Дата;Код клиента;Клиент;Сумма\n1;10.01.2024;0;ООО Альфа;1\n2;11.01.2024;0;«Альфа» ООО;1\n3;12.01.2024;11;Б;1\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert sorted({*result.column("client_key")}) == ["0", "11"] and result.report.notes[0].en.startswith(
        "The files do not say"
    )


@pytest.mark.parametrize(
    "names",
    [
        ("ООО «Ромашка»", "АО «Ромашка»"),
        ('ЗАО "Ромашка"', "Ромашка, ООО"),
        ("Ромашка ИП", "ООО Ромашка"),
        ("Acme LLC", "Acme Inc."),
        ("Общество с ограниченной ответственностью «Вектор»", "Публичное акционерное общество «Вектор»"),
    ],
)
def test_companies_of_one_name_are_asked_about(tmp_path: Path, names: tuple[str, str]) -> None:
    rows = "".join(f"{i};1{i}.01.2024;{n};100\n" for i, n in enumerate((*names, names[0])))
    file = write(tmp_path / "o.csv", f"Номер;Дата;Клиент;Сумма\n{rows}")
    asked, together, (apart,) = answered(file, tmp_path / "out", "legal_forms")
    assert asked.report.counts["clients"] == apart.report.counts["clients"] == 2
    assert together.report.counts["clients"] == 1


@pytest.mark.parametrize(
    "names", [("ООО «Ромашка»", "Ромашка ООО"), ("ОАО Ромашка", "ПАО «Ромашка»"), ("Ромашка", "ООО Ромашка")]
)
def test_spellings_of_one_company_are_joined_in_silence(tmp_path: Path, names: tuple[str, str]) -> None:
    rows = "".join(f"{i};1{i}.01.2024;{n};100\n" for i, n in enumerate(names))
    result = read(write(tmp_path / "o.csv", f"Номер;Дата;Клиент;Сумма\n{rows}"), tmp_path / "out")
    assert result.report.counts["clients"] == 1 and result.report.questions == ()


def test_codes_tell_companies_of_one_name_apart_without_a_question(tmp_path: Path) -> None:
    text = "Номер;Дата;Код клиента;Клиент;Сумма\n1;10.01.2024;К1;ООО Ромашка;1\n2;11.01.2024;К2;АО Ромашка;1\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.report.counts["clients"] == 2 and result.report.questions == ()


@pytest.mark.parametrize("nobody", ["\\N", "-", "нет", "Без менеджера", "unassigned", "?", "NULL"])
def test_nobody_is_nobody(tmp_path: Path, nobody: str) -> None:
    text = f"Номер;Дата;Клиент;Сумма;Менеджер\n1;10.01.2024;А;1;{nobody}\n2;11.01.2024;А;1;Иванов\n"
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.column("manager") == [None, "Иванов"]
    assert [p.spelling for p in result.report.people] == ["Иванов"]


KNOWN = [
    ("K-1", "k1", 1),
    ("k1", "k1", 2),
    ("ООО «Ромашка Плюс»", "k1", 3),
    ("альфа", "альфа", 2),
    ("ООО Альфа", "альфа", 3),
]


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("k-1", "k1"),
        ("Ромашка Плюс, ООО", "k1"),
        ('общество с ограниченной ответственностью "ПЛЮС РОМАШКА"', "k1"),
        ("АЛЬФА", "альфа"),
        ("ООО «Альфа»", "альфа"),
        ("Ромашка", None),
    ],
)
def test_sheets_match_clients_as_orders_do(said: str, key: str | None) -> None:
    assert ClientNames(KNOWN).find(said) == key
    assert ClientNames([("а", "1", 3), ("ООО А", "2", 3)]).find("АО А") is None, "two clients are called so"
    assert (legal_form("Альфа, ООО"), legal_form("ЗАО «Оао»"), legal_form("Альфа")) == ("ооо", "ао", None)


def test_key_clients_are_found_by_any_spelling(tmp_path: Path) -> None:
    file = write(
        tmp_path / "o.csv", 'Номер;Дата;Контрагент;Сумма\n1;10.01.2024;"ООО ""Клиент 0""";1\n2;11.01.2024;ИП Б;1\n'
    )
    sheet = Questionnaire(tables={"key_clients": pd.DataFrame({"client_id": ["Клиент 0, ООО", "ип б", "ЗАО Нет"]})})
    result = read(file, tmp_path / "out", questionnaire=sheet)
    assert (result.report.counts["key_clients"], result.report.counts["key_clients_not_found"]) == (3, 1)
