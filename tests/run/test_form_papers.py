"""Forms that begin with a chapter's figures: portraits, hand-off acts, «our client», the second purchase."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from audit.chapters import diagnose_chapter
from audit.ground.key_clients import key_clients
from audit.method import method
from audit.present.format import Fmt
from audit.present.forms_asked import FORM_NAMES
from audit.present.narrative import Narrative
from audit.resources import resource_dir
from audit.run.cases import open_inputs
from audit.run.forms import FORMS, make_forms
from audit.run.inputs import engagement_inputs, override


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("papers") / "acme"
    sample = resource_dir("data_samples") / "khimsnab"
    shutil.copytree(sample / "orders", folder / "orders")
    shutil.copyfile(sample / "questionnaire.xlsx", folder / "questionnaire.xlsx")
    inputs = engagement_inputs(folder)
    settings = override(inputs.settings, {"report": {"lang": "ru"}})
    inputs = type(inputs)(inputs.orders, inputs.questionnaire, settings, inputs.folder)
    make_forms(inputs)
    return folder / "forms", open_inputs(inputs, folder / ".km-audit" / "prepared")


def cells(sheet: Any) -> list[list[Any]]:
    return [[c.value for c in row] for row in sheet.iter_rows()]


def test_a_step_of_the_plan_orders_only_forms_that_the_command_makes(made: tuple[Path, Any]) -> None:
    assert [form.id for form in FORMS] == list(FORM_NAMES)
    ordered = {a.id: a.form for a in method().actions.values() if a.form is not None}
    assert set(ordered.values()) <= set(FORM_NAMES) and ordered["fill_files"] == "key_files"
    assert (
        Narrative("ru", Fmt("ru"))
        .first_step("fill_files", {})
        .endswith("Форму «Досье ключевых клиентов» делает km-audit forms")
    )


def test_every_key_client_has_a_page(made: tuple[Path, Any]) -> None:
    forms, case = made
    page = (forms / "key_portraits.html").read_text(encoding="utf-8")
    for client in key_clients(case):
        assert page.count(client.name) >= 2
    assert "ведёт KM1" in page and "default-src 'none'" in page
    assert (forms / "key_portraits.pdf").read_bytes().startswith(b"%PDF")


def test_an_act_says_what_was_agreed_and_what_is_to_be_written(made: tuple[Path, Any]) -> None:
    book = openpyxl.load_workbook(made[0] / "handoff_acts.xlsx")
    rules = made[1].questionnaire.table("handoffs")
    assert len(book.sheetnames) == len(rules)
    rows = {r[1]: r for r in cells(book["СР → КМ"])[3:]}
    assert rows["После какой покупки"][2] == "1"
    assert rows["Досье клиента"][2].startswith("по правилу")
    assert not rows["План развития клиента"][2].startswith("по правилу")
    assert all(r[3] is None for r in rows.values()), "the right column is for the two who sign"


def test_our_client_shows_ten_best_beside_ten_worst(made: tuple[Path, Any]) -> None:
    book = openpyxl.load_workbook(made[0] / "our_client.xlsx")
    listed = cells(book["Список"])[3:]
    clients = diagnose_chapter(made[1], "base").tables["clients"]
    by = next(c for c in ("contribution", "gross_profit") if c in clients and clients[c].notna().any())
    ranked = clients[clients[by].notna()].sort_values([by, "client_key"], ascending=[False, True])["client_name"]
    assert [r[1] for r in listed if r[0] == "лучшие"] == list(ranked[:10])
    assert [r[1] for r in listed if r[0] == "худшие"] == list(ranked[::-1][:10])
    fields = cells(book["Портрет"])[3:]
    assert len(fields) == 10 and all(r[1] is None and r[2] is None for r in fields)


def test_first_buyers_without_a_second_purchase_are_to_be_called(made: tuple[Path, Any]) -> None:
    forms, case = made
    rows = cells(openpyxl.load_workbook(forms / "second_purchase.xlsx")["Маршрут"])
    head, body = rows[2], rows[3:]
    known = case.clients().set_index("client_key")
    assert len(body) > 0
    for row in body:
        said = dict(zip(head, row, strict=True))
        client = known.loc[str(said["Код"])]
        assert client["order_days"] == 1
        first = client["first_day"].date()
        assert said["День 60"].date() == first + dt.timedelta(days=60)
        assert said["Что сказал, день 30"] is None
    ages = [(case.window.as_of - r[2].date()).days for r in body]
    due = [a for a in ages if a <= 90]
    assert ages[: len(due)] == sorted(due, reverse=True), "whose ninety days end first comes first"


def test_one_manager_gets_the_own_clients_only(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder = tmp_path / "one"
    shutil.copytree(made[0].parent, folder, ignore=shutil.ignore_patterns("forms"))
    make_forms(engagement_inputs(folder), ["KM3"])
    books = sorted(p.name for p in (folder / "forms").glob("key_clients_*.xlsx"))
    assert books == ["key_clients_KM3.xlsx"]
    page = (folder / "forms" / "key_portraits.html").read_text(encoding="utf-8")
    mine = {c.name for c in key_clients(made[1]) if c.lead == "KM3"}
    others = {c.name for c in key_clients(made[1]) if c.lead == "KM1"}
    assert all(name in page for name in mine) and not any(name in page for name in others)


def test_a_hostile_name_of_a_client_stays_text(tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    (folder / "orders").mkdir(parents=True)
    (folder / "questionnaire").mkdir()
    names = ['=HYPERLINK("http://x")', "<script>alert(1)</script>", "+7 900", "@SUM(A1)", "[Лист]*:?/ 'x'", "-"]
    rows = ["Номер;Дата;Код клиента;Контрагент;Сумма;Ответственный"]
    for i in range(120):
        name = names[i % 6].replace('"', '""')
        rows.append(f'{i};{1 + i % 28:02}.{1 + i // 10:02}.2025;C{i % 6};"{name}";{1000 + i};K1')
    rows.append('999;20.12.2025;C9;"=1+1";500;K1')
    (folder / "orders" / "o.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "questionnaire" / "staff.csv").write_text("person;role\nK1;KM\n", encoding="utf-8")
    make_forms(engagement_inputs(folder))
    made = sorted((folder / "forms").glob("*.xlsx"))
    assert {p.name for p in made} >= {"key_clients_K1.xlsx", "our_client.xlsx", "second_purchase.xlsx"}
    seen = set()
    for path in made:
        for sheet in openpyxl.load_workbook(path):
            for row in sheet.iter_rows():
                assert not any(cell.data_type == "f" or cell.hyperlink for cell in row)
                seen |= {str(cell.value) for cell in row}
    assert set(names) - {"-"} <= seen
    page = (folder / "forms" / "key_portraits.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page


def test_nobody_asked_is_not_no_backup(tmp_path: Path) -> None:
    """While the sheet «Ключевые клиенты» is empty the largest stand in: only what the orders say is told."""
    sample = resource_dir("data_samples") / "khimsnab"
    shutil.copytree(sample / "orders", tmp_path / "orders")
    shutil.copytree(sample / "questionnaire", tmp_path / "questionnaire")
    (tmp_path / "questionnaire" / "key_clients.csv").unlink()
    inputs = engagement_inputs(tmp_path)
    make_forms(replace(inputs, settings=override(inputs.settings, {"report": {"lang": "ru"}})))
    page = (tmp_path / "forms" / "key_portraits.html").read_text(encoding="utf-8")
    assert "дублёра нет" not in page and "по заказам чаще других — KM" in page
    assert "ведущий и дублёр не названы" in page and "KM1 (по заказам)" in page
