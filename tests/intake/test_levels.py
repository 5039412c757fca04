"""Levels of a grouped report are told apart by what they hold: documents, persons, clients; a failing sum is never passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.errors import AmbiguityError, InputError
from audit.present.tick import judge
from tests.intake.dialects.oldformats import write_html, write_xls
from tests.intake.reading import answer, read, refuses, stopped, write

DATED = """{head}
{one};;;600
{a};;;300
{leaf};09.01.2024;1;100
{leaf};10.01.2024;2;200
{b};;;300
{leaf};11.01.2024;3;300
{two};;;900
{c};;;400
{leaf};12.01.2024;4;400
{d};;;500
{leaf};13.01.2024;5;500
"""
CLIENTS = {"a": "Альфа", "b": "Уют", "c": "Рога и копыта", "d": "Стройка"}
ABROAD = {"a": "Alpha", "b": "Beta Trade", "c": "Gamma", "d": "Delta"}
PERSONS = {"one": "Иванов Иван", "two": "Петрова Анна"}


@pytest.mark.parametrize(
    ("head", "groups", "clients", "leaf"),
    [
        ("Контрагент;Дата;Номер;Сумма", PERSONS, CLIENTS, ""),
        ("Контрагент;Дата;Номер;Сумма", {"one": "Иванов И.И.", "two": "Петрова А. С."}, CLIENTS, ""),
        ("Менеджер;Дата;Номер;Сумма\nКонтрагент;;;\nДокумент;;;", PERSONS, CLIENTS, "Реализация"),
        ("Менеджер / Контрагент;Дата;Номер;Сумма", PERSONS, CLIENTS, ""),
        ("Customer;Date;Order No;Amount", {"one": "John Smith", "two": "Mary Jane Fox"}, ABROAD, ""),
        ("Kunde;Rechnungsdatum;Belegnummer;Betrag", {"one": "Anna Weber", "two": "Jörg Klein"}, ABROAD, ""),
    ],
)
def test_managers_above_clients_with_dates_in_a_column(
    tmp_path: Path, head: str, groups: dict[str, str], clients: dict[str, str], leaf: str
) -> None:
    text = DATED.format(head=head, leaf=leaf, **groups, **clients)
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert set(result.column("client_name")) == set(clients.values())
    assert set(result.column("manager")) == set(groups.values())
    assert result.column("order_id") == ["1", "2", "3", "4", "5"] and result.report.revenue == 1500
    assert [c.agrees for c in result.report.control_sums] == [True, True]
    settled = [answer(q.answer) for q in result.report.questions]
    for settings in settled:
        again = read(tmp_path / "o.csv", tmp_path / "out", settings)
        assert not again.report.questions and set(again.column("manager")) == set(groups.values())


INSIDE = """{head};Сумма
Иванов Иван;600
Альфа;300
Реализация 0001 от 09.01.2024;100
Реализация 0002 от 10.01.2024;200
Уют;300
Реализация 0003 от 11.01.2024;300
Петрова Анна;900
Копыта;400
Реализация 0004 от 12.01.2024;400
Стройка;500
Реализация 0005 от 13.01.2024;500
"""


@pytest.mark.parametrize("head", ["Контрагент", "Менеджер", "Менеджер / Контрагент / Документ", "Группировка"])
@pytest.mark.parametrize("save", [None, write_xls, write_html])
def test_managers_above_clients_with_dates_in_the_documents(tmp_path: Path, head: str, save) -> None:  # type: ignore[no-untyped-def]
    text = INSIDE.format(head=head)
    file = tmp_path / ("o.xls" if save else "o.csv")
    if save:
        save(file, [line.split(";") for line in text.splitlines()])
    else:
        write(file, text, "cp1251")
    result = read(file, tmp_path / "out")
    assert set(result.column("client_name")) == {"Альфа", "Уют", "Копыта", "Стройка"}
    assert set(result.column("manager")) == {"Иванов Иван", "Петрова Анна"}
    assert all(c.agrees for c in result.report.control_sums)


def test_regions_above_clients_are_asked_about(tmp_path: Path) -> None:
    text = DATED.format(head="Контрагент;Дата;Номер;Сумма", leaf="", one="Север", two="Юг", **CLIENTS)
    error = stopped(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert isinstance(error, AmbiguityError) and "Север" in error.what.ru
    settings = {"reading": {"groups": ["region", "client", "order_id"]}}
    result = read(tmp_path / "o.csv", tmp_path / "out", settings)
    assert set(result.column("region")) == {"Север", "Юг"} and result.report.counts["clients"] == 4


DOCUMENTS = """ООО Альфа;300
Реализация 0001 от 09.01.2024;100
Реализация 0002 от 10.01.2024;200
ООО Уют;300
Реализация 0003 от 11.01.2024;300
ИП Петров;400
Реализация 0004 от 12.01.2024;400
ИП Котов;400
Реализация 0005 от 12.01.2024;400
Рога;400
Реализация 0006 от 12.01.2024;400
"""


@pytest.mark.parametrize(
    "head",
    [
        "Контрагент;Сумма",
        "Контрагент / Документ;Сумма",
        "Контрагент, документ;Сумма",
        "Группировка;Сумма",
        "Контрагент;Сумма\nДокумент;руб.",
        "Контрагент\nДокумент;Сумма",
        "Покупатель;Сумма продаж\nРегистратор;",
    ],
)
def test_two_levels_under_one_header(tmp_path: Path, head: str) -> None:
    result = read(write(tmp_path / "o.csv", f"Продажи\n\n{head}\n{DOCUMENTS}"), tmp_path / "out")
    assert result.report.counts["clients"] == 5 and result.report.revenue == 1800
    assert [c.agrees for c in result.report.control_sums] == [True] and not result.report.questions


def test_a_unit_beside_a_label_counts(tmp_path: Path) -> None:
    text = f"Контрагент;Сумма\nДокумент;тыс. руб.\n{DOCUMENTS}"
    assert read(write(tmp_path / "o.csv", text), tmp_path / "out").report.revenue == 1_800_000


def test_groups_with_vat_above_lines_without_are_read_and_told(tmp_path: Path) -> None:
    text = "".join(
        f"{name};{amount if 'Реал' in name else amount * 12 // 10}\n"
        for name, amount in ((n, int(a)) for n, a in (line.split(";") for line in DOCUMENTS.splitlines()))
    )
    result = read(write(tmp_path / "o.csv", f"Контрагент;Сумма\n{text}"), tmp_path / "out")
    assert result.report.revenue == 1800 and [c.agrees for c in result.report.control_sums] == [False]
    tick = judge(result.report, blank=False)
    assert not tick.whole and "do not agree" in tick.sentence().en and "не сходятся" in tick.sentence().ru


def test_managers_alone_above_documents_are_no_clients(tmp_path: Path) -> None:
    text = "Менеджер;Сумма\nИванов Иван;300\nЗаказ 1 от 09.01.2024;100\nЗаказ 2 от 10.01.2024;200\n"
    text += "Петрова Анна;300\nЗаказ 3 от 11.01.2024;300\n"
    with refuses(InputError, "A required column is missing: “client”"):
        read(write(tmp_path / "o.csv", text), tmp_path / "out")


@pytest.mark.parametrize("second", ["Болт", "Гайка М8"])
def test_items_below_documents_with_dates_in_a_column_are_no_clients(tmp_path: Path, second: str) -> None:
    rows = ["Контрагент;Дата;Номер;Сумма"]
    for i, client in enumerate(("Альфа", "Бета", "Гамма", "Дельта"), 1):
        rows += [f"{client};;;{i}00", f";0{i}.01.2024;{i};{i}00", f"{second};;;{i}00"]
    with refuses(InputError, "more than two levels"):
        read(write(tmp_path / "o.csv", "\n".join(rows)), tmp_path / "out")
