"""Key clients' workbooks from the orders to the report: made, filled in as a manager would, read back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from rich.console import Console

from audit.ground.key_clients import key_clients
from audit.intake.questionnaire import read_questionnaire
from audit.model.key_form import FILE_FIELDS, KEY_MARK, PLAN_QUESTIONS
from audit.resources import resource_dir
from audit.run.check import check_inputs, print_check, write_page
from audit.run.forms import make_forms
from audit.run.inputs import engagement_inputs, override


@pytest.fixture(scope="module")
def engagement(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "acme"
    sample = resource_dir("data_samples") / "khimsnab"
    shutil.copytree(sample / "orders", folder / "orders")
    shutil.copyfile(sample / "questionnaire.xlsx", folder / "questionnaire.xlsx")
    inputs = engagement_inputs(folder)
    made = make_forms(inputs)
    assert any(p.name == "key_clients_KM1.xlsx" for _, paths in made.forms for p in paths)
    return folder


def rows_of(sheet: Any) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for r in range(1, sheet.max_row + 1):
        if sheet.cell(r, 1).value:
            rows.setdefault(str(sheet.cell(r, 1).value), []).append(r)
    return rows


def test_a_book_has_a_sheet_a_client_begun_with_the_orders(engagement: Path) -> None:
    book = openpyxl.load_workbook(engagement / "forms" / "key_clients_KM1.xlsx")
    sheets = [s for s in book if s.sheet_state == "visible"]
    case = check_inputs(engagement_inputs(engagement)).case
    mine = [c for c in key_clients(case) if c.lead == "KM1"]
    assert len(sheets) == len(mine)
    first = sheets[0]
    assert first["A1"].value == KEY_MARK and first["B1"].value == mine[0].name
    money = [c.value for c in first[next(r for r in range(1, 20) if first.cell(r, 2).value == "Выручка")][2:]]
    assert money == [round(q[2]) for q in mine[0].quarters] and len(money) == 8
    told = {first.cell(r, 2).value: first.cell(r, 3).value for r in range(1, 20)}
    assert told["Код клиента"] == mine[0].client_id
    assert f"заказов {mine[0].orders}" in str(told["Сбои за 12 месяцев"])
    for sheet in book:
        for row in sheet.iter_rows():
            assert not any(cell.data_type == "f" for cell in row), "no formula anywhere"


def test_what_is_filled_in_is_counted_not_guessed(engagement: Path) -> None:
    book = openpyxl.load_workbook(engagement / "forms" / "key_clients_KM1.xlsx")
    sheets = [s for s in book if s.sheet_state == "visible"]
    sheet = sheets[0]
    client = str(sheet.cell(rows_of(sheet)["client_id"][0], 3).value)
    at = rows_of(sheet)
    for key in list(FILE_FIELDS)[:4]:
        sheet.cell(at[key][0], 3).value = "=cmd|'/c calc'!A1" if key == "file.needs" else "знаем"
    sheet.cell(at["file.route"][0], 3).value = "не знаем"
    one, two = at["centre"][:2]
    for column, said in (
        (2, "Ильин, директор"),
        (3, "принимает решение (ЛПР)"),
        (5, "сторонник"),
        (7, "срок"),
        (9, "12 января"),
    ):
        sheet.cell(one, column).value = said
    sheet.cell(two, 2).value = "Орлова, технолог"
    for key in ("plan_aims", "plan_actions", "plan_dates"):
        sheet.cell(at[key][0], 3).value = "вырасти вдвое"
    sheet.cell(at["plan_budget"][0], 3).value = "нет"
    sheet.cell(at["wallet_share"][0], 3).value = 0.5
    returns = engagement / "questionnaire"
    returns.mkdir(exist_ok=True)
    book.save(returns / "Ключевые (1).xlsx")

    before = read_questionnaire(engagement / "questionnaire.xlsx").table("key_clients").set_index("client_id")
    inputs = engagement_inputs(engagement)
    settings = override(inputs.settings, {"report": {"lang": "ru"}})
    result = check_inputs(type(inputs)(inputs.orders, inputs.questionnaire, settings, inputs.folder))
    keys = result.case.questionnaire.table("key_clients")
    assert len(keys) == len(before), "the client was on the sheet: no second row"
    row = keys.set_index("client_id").loc[client]
    assert row["file_share"] == pytest.approx(4 / len(FILE_FIELDS))
    assert row["buying_centre_share"] == pytest.approx(4 / 8)  # 4 cells of one person, none of the other
    assert (row["decision_maker_known"], row["contacts"]) == (True, 2)
    said = [bool(row[key]) for key in PLAN_QUESTIONS]
    assert said == [True, True, False, False, True, False, False]
    assert (row["plan"], row["plan_items"], row["wallet_share"]) == (True, 3, 0.5)
    assert row["backup"] == before.loc[client, "backup"], "what the sheet was not asked stays"
    others = keys.set_index("client_id").drop(client)["file_share"]
    assert others.equals(before.drop(client)["file_share"].reindex(others.index))

    (came,) = result.case.questionnaire.returned
    assert (came.table, came.people, came.clients, came.used) == ("key_clients", ("KM1",), (client,), 1)
    console = Console(record=True, width=200)
    print_check(result, console)
    page = console.export_text()
    shown = write_page(result, engagement).read_text(encoding="utf-8")
    assert "Пришло от людей" in shown and "Ключевые (1).xlsx" in shown
    assert "Ключевые (1).xlsx  Досье ключевых клиентов  KM1" in page
    assert f"листов клиентов без ответов: {len(sheets) - 1} из {len(sheets)}" in page


def test_a_later_book_of_the_same_client_replaces_the_earlier(engagement: Path, tmp_path: Path) -> None:
    shutil.copyfile(engagement / "questionnaire.xlsx", tmp_path / "questionnaire.xlsx")
    returns = tmp_path / "questionnaire"
    returns.mkdir()
    for name, fields in (("keys.xlsx", 2), ("keys (1).xlsx", 5)):
        book = openpyxl.load_workbook(engagement / "forms" / "key_clients_KM1.xlsx")
        sheet = next(s for s in book if s.sheet_state == "visible")
        at = rows_of(sheet)
        for key in list(FILE_FIELDS)[:fields]:
            sheet.cell(at[key][0], 3).value = "знаем"
        sheet.cell(at["backup"][0], 3).value = "Никто"
        book.save(returns / name)
    q = read_questionnaire(tmp_path / "questionnaire.xlsx", returns)
    client = q.returned[0].clients[0]
    row = q.table("key_clients").set_index("client_id").loc[client]
    assert (
        row["file_share"] == pytest.approx(5 / len(FILE_FIELDS))
        and row["plan"] is False
        and row["buying_centre_share"] == 0
    )
    before = read_questionnaire(tmp_path / "questionnaire.xlsx").table("key_clients").set_index("client_id").loc[client]
    assert row["backup"] == before["backup"], "a backup whom nobody knows is not taken"
    assert any("not taken: nobody like that" in p.text.en and p.value == "Никто" for p in q.problems)
    assert any("replaced by the later file “keys (1).xlsx”" in p.text.en for p in q.problems)


def test_without_a_list_the_largest_clients_go_to_their_sellers(tmp_path: Path) -> None:
    sample = resource_dir("data_samples") / "khimsnab"
    shutil.copytree(sample / "orders", tmp_path / "orders")
    shutil.copytree(sample / "questionnaire", tmp_path / "questionnaire")
    (tmp_path / "questionnaire" / "key_clients.csv").unlink()
    made = make_forms(engagement_inputs(tmp_path), ["KM1"])
    (path,) = next(paths for form, paths in made.forms if form.name.en == "Key client files")
    book = openpyxl.load_workbook(path)
    case = check_inputs(engagement_inputs(tmp_path)).case
    mine = [c for c in key_clients(case) if c.seller == "KM1"]
    assert 0 < len(mine) <= 10 and len([s for s in book if s.sheet_state == "visible"]) == len(mine)
