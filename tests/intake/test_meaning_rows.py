"""What a row is: totals with dates, group rows of every sort, page lines, registers, second headers, values that stand once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from audit.errors import InputError
from tests.intake.dialects.disguises import write_xlsx
from tests.intake.dialects.oldformats import write_html, write_xls
from tests.intake.reading import answer, asked, read, refuses, write

# ---- totals that carry a date, a client or a number


@pytest.mark.parametrize(
    ("label", "where"),
    [
        ("Итого за день", "client"),
        ("Итого по дню:", "client"),
        ("Total for day", "client"),
        ("Zwischensumme", "client"),
        ("Всего", "client"),
        ("ИТОГО", "manager"),
        ("Subtotal", "sku"),
        ("Разом", "client"),
    ],
)
def test_totals_with_a_date_are_no_sales(tmp_path: Path, label: str, where: str) -> None:
    header = "Дата;Номер;Клиент;Менеджер;Номенклатура;Сумма"
    total = {"client": f";{label};;", "manager": f";ООО Альфа;{label};", "sku": f";ООО Альфа;Иванов;{label}"}[where]
    rows = [
        "10.01.2024;1;ООО Альфа;Иванов;Болт;100",
        "10.01.2024;2;ООО Бета;Иванов;Болт;200",
        f"10.01.2024;{total};300",
        "11.01.2024;3;ООО Альфа;Иванов;Гайка;400",
        f"11.01.2024;{total};400",
    ]
    result = read(write(tmp_path / "o.csv", "\n".join([header, *rows]), "cp1251"), tmp_path / "out")
    assert result.report.revenue == 700 and result.report.counts["clients"] == 2
    assert set(result.reasons()) <= {"total_row", "subtotal_row"}


def test_a_total_by_client_is_known_by_its_sum(tmp_path: Path) -> None:
    rows = [
        ["Дата", "Номер", "Клиент", "Сумма"],
        ["10.01.2024", "1", "Альфа", "100"],
        ["12.01.2024", "2", "Альфа", "200"],
        ["12.01.2024", "", "Итого Альфа", "300"],
        ["13.01.2024", "3", "Бета", "400"],
        ["13.01.2024", "", "Итого Бета", "400"],
    ]
    write_html(tmp_path / "o.xls", rows)
    assert read(tmp_path / "o.xls", tmp_path / "out").report.revenue == 700


@pytest.mark.parametrize(
    "name", ["Total Energies", "Total SE", "Итог ООО", "Всего Хорошего ООО", "ООО «Итого»", "Totals Ltd", "Summe GmbH"]
)
def test_a_client_named_like_a_total_stays(tmp_path: Path, name: str) -> None:
    rows = [f"1{i}.01.2024;{i};{name if i % 2 else 'ООО Бета'};{100 + 7 * i}" for i in range(6)]
    result = read(write(tmp_path / "o.csv", "\n".join(["Дата;Номер;Клиент;Сумма", *rows])), tmp_path / "out")
    assert result.report.rows_used == 6 and result.report.counts["clients"] == 2


# ---- groups of two levels

Groups = Sequence[tuple[str, Sequence[tuple[str, str, str]]]]


def two_levels(first: str = "ООО Альфа", second: str = "ООО Бета", tail: str = "", attributes: str = "") -> list[str]:
    """Two clients with two documents each: 300 and 700."""
    blank = ";" * attributes.count(";") if attributes else ""
    return [
        f"{first};;300{attributes}",
        f"Реализация 1 от 10.01.2024;10.01.2024;100{blank}",
        f"Реализация 2 от 10.02.2024;10.02.2024;200{blank}",
        *([tail] if tail else []),
        f"{second};;700{attributes}",
        f"Реализация 3 от 10.03.2024;10.03.2024;300{blank}",
        f"Реализация 4 от 10.04.2024;10.04.2024;400{blank}",
    ]


HEAD = ["Контрагент;;", "Документ;Дата;Сумма"]


def test_sums_of_the_groups_are_compared_at_two_levels(tmp_path: Path) -> None:
    good = read(write(tmp_path / "a.csv", "\n".join([*HEAD, *two_levels(), "Итого;;1000"])), tmp_path / "out")
    assert [c.agrees for c in good.report.control_sums] == [True, True] and good.report.revenue == 1000
    wrong = [line.replace(";;700", ";;900") for line in two_levels()]
    bad = read(write(tmp_path / "b.csv", "\n".join([*HEAD, *wrong, "Итого;;1200"])), tmp_path / "out")
    assert [c.agrees for c in bad.report.control_sums] == [False, False]


@pytest.mark.parametrize("name", ["Итог ООО", "Total Energies", "Всего Хорошего ООО", "Total SE", "Итог Сервис"])
def test_a_group_named_like_a_total_is_a_client(tmp_path: Path, name: str) -> None:
    text = "\n".join([*HEAD, *two_levels(second=name), "Итого;;1000"])
    result = read(write(tmp_path / "o.csv", text, "utf-16"), tmp_path / "out")
    assert result.column("client_name") == ["ООО Альфа"] * 2 + [name] * 2


@pytest.mark.parametrize("name", ["", "<Не указан>", "—", "(пусто)", "N/A"])
def test_a_group_without_a_name_ends_the_one_above(tmp_path: Path, name: str) -> None:
    result = read(write(tmp_path / "o.csv", "\n".join([*HEAD, *two_levels(second=name)])), tmp_path / "out")
    assert result.column("client_name") == ["ООО Альфа"] * 2 and result.reasons() == {"group_row": 2, "no_client": 2}


@pytest.mark.parametrize(
    "lines",
    [
        ["Страница 2 из 3;;"],
        ["Страница 2 из 3;;", "Контрагент;;", "Документ;Дата;Сумма"],
        ["Page 2 of 3;;", "Контрагент;;", "Документ;Дата;Сумма"],
        ["Лист 2;;"],
        ["Стр. 2;;", "Документ;Дата;Сумма"],
    ],
)
def test_page_lines_are_no_clients(tmp_path: Path, lines: list[str]) -> None:
    rows = two_levels()
    result = read(
        write(tmp_path / "o.csv", "\n".join([*HEAD, *rows[:2], *lines, *rows[2:], "Итого;;1000"])), tmp_path / "out"
    )
    assert result.report.revenue == 1000 and result.column("client_name") == ["ООО Альфа"] * 2 + ["ООО Бета"] * 2
    assert result.reasons()["page_line"] == 1


def test_page_lines_in_a_plain_list(tmp_path: Path) -> None:
    text = (
        "Номер;Дата;Клиент;Сумма\n1;10.01.2024;А;100\nСтраница 1 из 2;;;\nНомер;Дата;Клиент;Сумма\n2;11.01.2024;Б;200\n"
    )
    result = read(write(tmp_path / "o.csv", text), tmp_path / "out")
    assert result.reasons() == {"page_line": 1, "repeated_header": 1} and result.report.revenue == 300


@pytest.mark.parametrize(
    ("header", "values", "field"),
    [
        ("ИНН", ";7701234567", "client_id"),
        ("Менеджер", ";Иванов И.И.", "manager"),
        ("Регион", ";Москва", "region"),
        ("ИНН;Менеджер", ";7701234567;Иванов И.И.", "manager"),
        ("Код клиента", ";K-17", "client_id"),
    ],
)
def test_groups_that_carry_attributes(tmp_path: Path, header: str, values: str, field: str) -> None:
    head = ["Контрагент" + ";" * (2 + header.count(";") + 1), f"Документ;Дата;Сумма;{header}"]
    rows = two_levels(attributes=values)
    if "7701234567" in values or "K-17" in values:  # a code of its own for either
        rows = [
            r.replace("7701234567", "7707083893").replace("K-17", "K-18") if r.startswith("ООО Бета") else r
            for r in rows
        ]
    result = read(write(tmp_path / "o.csv", "\n".join([*head, *rows])), tmp_path / "out")
    assert result.report.revenue == 1000 and result.report.counts["clients"] == 2
    assert set(result.column("client_name")) == {"ООО Альфа", "ООО Бета"} and None not in result.column(field)


def test_groups_in_a_workbook_and_an_old_one(tmp_path: Path) -> None:
    table = [line.split(";") for line in [*HEAD, *two_levels("Müller GmbH", "Schmidt AG"), "Итого;;1000"]]
    write_xlsx(tmp_path / "o.xlsx", {"TDSheet": table})
    write_xls(tmp_path / "o.xls", table)
    for file in ("o.xlsx", "o.xls"):
        result = read(tmp_path / file, tmp_path / "out")
        assert (
            result.column("client_name") == ["Müller GmbH"] * 2 + ["Schmidt AG"] * 2 and result.report.revenue == 1000
        )


# ---- accounting registers


@pytest.mark.parametrize(
    "text",
    [
        "Карточка счета 62.01 за 2024 г.\n\nПериод;Документ;Аналитика Дт;Аналитика Кт;Дебет;Кредит\n"
        "10.01.2024;Реализация 1 от 10.01.2024;А;Б;100,00;\n11.01.2024;Поступление 1 от 11.01.2024;А;Б;;100,00\n",
        "Оборотно-сальдовая ведомость по счету 62\nКонтрагент;Сальдо на начало;Дебет;Кредит;Сальдо на конец\nА;0;100;50;50\n",
        "General ledger\nPosting Date,Document No.,Text,Debit,Credit\n2024-01-10,1,Invoice,100.00,\n2024-01-11,2,Payment,,100.00\n",
        "Kontoauszug\nBelegdatum;Belegnr.;Text;Soll;Haben\n10.01.2024;1;Rechnung;100,00;\n11.01.2024;2;Zahlung;;100,00\n",
        "Анализ субконто Контрагенты\n\nКонтрагент;Дата;Дебет;Кредит\nСальдо на начало;;10;\nА;10.01.2024;100;\nА;11.01.2024;;90\n",
        "Акт сверки\nДата;Документ;Дебет;Кредит\n10.01.2024;Продажа (1);100,00;\n12.01.2024;Оплата (1);;9\n",
    ],
)
def test_registers_are_refused_by_name(tmp_path: Path, text: str) -> None:
    with refuses(InputError, "accounting register"):
        read(write(tmp_path / "o.csv", text, "cp1251" if text[0] > "z" else "utf-8"), tmp_path / "out")


def test_orders_with_a_column_called_credit_are_no_register(tmp_path: Path) -> None:
    text = "Order number,Order date,Customer,Credit,Amount\n1,2024-01-10,A,no,100\n2,2024-01-11,B,yes,200\n"
    assert read(write(tmp_path / "o.csv", text), tmp_path / "out").report.revenue == 300


# ---- a second header


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Дата;Номер;Клиент;Менеджер;Сумма", "Дата;Номер;Менеджер;Клиент;Сумма"),
        ("Дата;Номер;Клиент;Менеджер;Сумма", "Номер;Дата;Клиент;Сумма;Менеджер"),
        ("Дата;Номер;Клиент;Сумма", "Дата;Номер;Клиент;Менеджер;Сумма"),
        ("Order date;Order number;Customer;Amount", "Order number;Customer;Order date;Amount"),
        ("Belegdatum;Belegnr.;Kunde;Betrag", "Belegnr.;Belegdatum;Kunde;Betrag"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "xlsx", "html"])
def test_a_second_header_in_another_order_begins_a_table(tmp_path: Path, first: str, second: str, kind: str) -> None:
    said = {
        "Дата": 0,
        "Order date": 0,
        "Belegdatum": 0,
        "Номер": 1,
        "Order number": 1,
        "Belegnr.": 1,
        "Клиент": 2,
        "Customer": 2,
    }
    said |= {"Kunde": 2, "Менеджер": 3, "Сумма": 4, "Amount": 4, "Betrag": 4}
    lines = [[f"1{i}.01.2024", f"N{i}", f"Фирма {i % 2}", "Иванов И.И.", str(100 * (i + 1))] for i in range(4)]
    table = [first.split(";")] + [[r[said[h]] for h in first.split(";")] for r in lines[:2]]
    table += [second.split(";")] + [[r[said[h]] for h in second.split(";")] for r in lines[2:]]
    file = tmp_path / {"csv": "o.csv", "xlsx": "o.xlsx", "html": "o.xls"}[kind]
    if kind == "csv":
        write(file, "\n".join(";".join(r) for r in table))
    elif kind == "xlsx":
        write_xlsx(file, {"Лист1": table})
    else:
        write_html(file, table)
    result = read(file, tmp_path / "out")
    assert result.report.revenue == 1000 and sorted(set(result.column("client_name"))) == ["Фирма 0", "Фирма 1"]
    assert result.column("order_id") == ["N0", "N1", "N2", "N3"] and any(
        "строке 4" in n.ru for n in result.report.notes
    )


# ---- values that stand once

BLANK_BELOW = [
    ["Клиент", "Номер", "Дата", "Сумма"],
    ["ООО Альфа", "1", "10.01.2024", "100"],
    ["", "2", "10.02.2024", "200"],
    ["", "3", "10.03.2024", "300"],
    ["ООО Бета", "4", "10.04.2024", "400"],
    ["", "5", "10.05.2024", "500"],
    ["", "6", "10.06.2024", "600"],
]


@pytest.mark.parametrize("kind", ["csv", "cp1251", "utf-16", "xlsx", "xls", "html"])
def test_a_client_in_the_first_of_its_rows(tmp_path: Path, kind: str) -> None:
    file = tmp_path / {"xlsx": "o.xlsx", "xls": "o.xls", "html": "o.xls"}.get(kind, "o.csv")
    if kind == "xlsx":
        write_xlsx(file, {"Лист1": BLANK_BELOW})
    elif kind == "xls":
        write_xls(file, BLANK_BELOW)
    elif kind == "html":
        write_html(file, BLANK_BELOW)
    else:
        text = "\n".join("\t".join(r) for r in BLANK_BELOW)
        write(file, text, "utf-8" if kind == "csv" else kind)
    result = read(file, tmp_path / "out")
    question = asked(result, "filled_once")
    assert question.taken and (result.report.revenue, result.report.counts["clients"]) == (2100, 2)
    confirmed = read(file, tmp_path / "out", answer(question.answer))
    assert confirmed.report.revenue == 2100 and not confirmed.report.questions
    denied = read(file, tmp_path / "out", answer(question.others[0].lines))
    assert denied.report.revenue == 500 and denied.reasons() == {"no_client": 4}


def test_document_client_and_date_in_the_first_line_of_the_document(tmp_path: Path) -> None:
    rows = [
        "Order number,Order date,Customer,Item,Amount",
        "1,2024-01-10,Alpha,Bolt,100",
        ",,,Nut,200",
        "2,2024-01-10,Beta,Bolt,300",
        ",,,Nut,400",
        ",,,Washer,500",
        "Total,,,,1500",
    ]
    result = read(write(tmp_path / "o.csv", "\n".join(rows)), tmp_path / "out")
    assert asked(result, "filled_once").taken and result.column("order_id") == ["1", "1", "2", "2", "2"]
    assert result.column("client_name") == ["Alpha"] * 2 + ["Beta"] * 3 and result.reasons() == {"total_row": 1}


def test_the_day_once_for_all_its_orders(tmp_path: Path) -> None:
    rows = ["Дата;Клиент;Сумма", "10.01.2024;Альфа;100", ";Бета;200", "11.01.2024;Альфа;300", ";Гамма;400", ";Бета;500"]
    result = read(write(tmp_path / "o.csv", "\n".join(rows)), tmp_path / "out")
    assert [d.day for d in result.column("order_date")] == [10, 10, 11, 11, 11] and asked(result, "filled_once").taken


@pytest.mark.parametrize(
    "rows",
    [
        [
            "1;Альфа;100",
            "2;;200",
            "3;Альфа;300",
            "4;;400",
            "5;Альфа;500",
            "6;Бета;600",
        ],  # cash sales between known clients
        [f"{i};{'' if i % 3 == 0 else f'Фирма {i % 4}'};{100 + i}" for i in range(1, 40)],
        ["1;;100", "2;Альфа;200", "3;;300", "4;Бета;400"],  # nothing above the first row
    ],
)
def test_rows_without_a_client_stay_without(tmp_path: Path, rows: list[str]) -> None:
    lines = [f"1{i % 9}.01.2024;{r}" for i, r in enumerate(rows)]
    result = read(write(tmp_path / "o.csv", "\n".join(["Дата;Номер;Клиент;Сумма", *lines])), tmp_path / "out")
    assert not result.report.questions and result.reasons() == {"no_client": sum(r.split(";")[1] == "" for r in rows)}


# ---- what is told in public of exports


def test_shopify_writes_the_total_and_the_client_on_the_first_line(tmp_path: Path) -> None:
    rows = [
        "Order number,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Billing Company",
        "#1001,53.90,2025-01-07 09:50:26 +0200,1,Mask,34.90,Alpha SAS",
        "#1001,,2025-01-07 09:50:26 +0200,1,Leaf,15.00,",
        "#1001,,2025-01-07 09:50:26 +0200,1,Pen,4.00,",
        "#1002,20.00,2025-01-08 09:50:26 +0200,2,Pen,5.00,Beta Ltd",
        "#1002,,2025-01-08 09:50:26 +0200,1,Leaf,10.00,",
    ]
    file = write(tmp_path / "o.csv", "\n".join(rows))
    result = read(file, tmp_path / "out")
    assert asked(result, "document_sums").taken and round(result.report.revenue, 2) == 73.90
    assert result.column("client_name") == ["Alpha SAS"] * 3 + ["Beta Ltd"] * 2
    lines = read(file, tmp_path / "out", {"reading": {"document_sums": [], "fill_down": ["o.csv"]}})
    assert round(lines.report.revenue, 2) == 53.9 + 15 + 4 + 20 + 10


@pytest.mark.parametrize("stars", ["*", "**", "***"])
def test_stars_of_sap_are_totals(tmp_path: Path, stars: str) -> None:
    rows = [
        "S;Sales document;Document Date;Sold-to pt;Net value",
        ";4711;10.01.2024;C1;1.000,00",
        ";4712;11.01.2024;C2;500,00-",
        f"{stars};;;;500,00",
    ]
    result = read(write(tmp_path / "o.csv", "\n".join(rows), "utf-16"), tmp_path / "out")
    assert result.report.revenue == 500 and result.reasons() == {"total_row": 1}


def test_quickbooks_groups_without_a_header_and_their_totals(tmp_path: Path) -> None:
    rows = [
        "Sales by Customer Detail,,,,,",
        ",Type,Date,Num,Qty,Amount",
        "Alpha LLC,,,,,",
        ",Invoice,01/13/2024,1001,1,100.00",
        ",Invoice,02/14/2024,1002,2,200.00",
        "Total Alpha LLC,,,,3,300.00",
        "Beta Inc.,,,,,",
        ",Invoice,03/15/2024,1003,1,400.00",
        "Total Beta Inc.,,,,1,400.00",
        "TOTAL,,,,4,700.00",
    ]
    result = read(write(tmp_path / "o.csv", "\n".join(rows)), tmp_path / "out")
    assert result.column("client_name") == ["Alpha LLC", "Alpha LLC", "Beta Inc."] and result.report.revenue == 700
    assert all(c.agrees for c in result.report.control_sums)


@pytest.mark.parametrize("label", ["ООО Альфа Итог", "Alpha Ltd Total", "Total - Alpha Inc.", "Kunde 1 Ergebnis"])
def test_subtotals_that_a_spreadsheet_or_netsuite_inserts(tmp_path: Path, label: str) -> None:
    name = label.replace(" Итог", "").replace(" Total", "").replace("Total - ", "").replace(" Ergebnis", "")
    table = [["Клиент", "Номер", "Дата", "Сумма"], [name, "1", "10.01.2024", "100"], [name, "2", "11.01.2024", "200"]]
    table += [
        [label, "", "", "300"],
        ["Бета", "3", "12.01.2024", "400"],
        ["Бета Итог", "", "", "400"],
        ["Общий итог", "", "", "700"],
    ]
    write_xls(tmp_path / "o.xls", table)
    result = read(tmp_path / "o.xls", tmp_path / "out")
    assert result.report.revenue == 700 and set(result.reasons()) <= {"subtotal_row", "total_row"}
    assert result.report.counts["clients"] == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1251", "utf-16"])
def test_a_line_that_names_the_delimiter(tmp_path: Path, encoding: str) -> None:
    text = "sep=;\r\nНомер;Дата;Клиент;Сумма\r\n1;10.01.2024;А;100,50\r\n2;11.01.2024;Б, В;200\r\n"
    result = read(write(tmp_path / "o.csv", text, encoding), tmp_path / "out")
    assert result.report.revenue == 300.5 and result.report.rows_set_aside == 0


def test_a_total_in_the_number_with_client_and_date(tmp_path: Path) -> None:
    rows = [
        "10.01.2024;1;Альфа;100",
        "10.01.2024;2;Альфа;200",
        "10.01.2024;Итого по клиенту;Альфа;300",
        "11.01.2024;3;Бета;50",
    ]
    result = read(write(tmp_path / "o.csv", "\n".join(["Дата;Номер;Клиент;Сумма", *rows])), tmp_path / "out")
    assert result.report.revenue == 350 and result.reasons() == {"subtotal_row": 1}


def test_three_levels_whose_groups_carry_attributes(tmp_path: Path) -> None:
    rows = [
        "Менеджер;;;",
        "Контрагент;;;",
        "Документ;Дата;Сумма;Регион",
        "Иванов И.И.;;300;",
        "ООО Альфа;;300;Москва",
        "Реализация 1 от 10.01.2024;10.01.2024;100;",
        "Реализация 2 от 10.02.2024;10.02.2024;200;",
        "Петров П.П.;;700;",
        "ООО Бета;;700;Тверь",
        "Реализация 3 от 10.03.2024;10.03.2024;700;",
    ]
    result = read(write(tmp_path / "o.csv", "\n".join(rows)), tmp_path / "out")
    assert result.column("client_name") == ["ООО Альфа"] * 2 + ["ООО Бета"]
    assert result.column("manager") == ["Иванов И.И."] * 2 + ["Петров П.П."] and result.column("region")[-1] == "Тверь"
