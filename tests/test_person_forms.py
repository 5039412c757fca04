"""The forms that one person fills in: what is in them, for whom they are made, and that nothing reaches outside."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit.cli import app
from audit.errors import ParameterError, QuestionnaireError
from audit.method import method
from audit.present import forms_person
from audit.present.forms_asked import file_names
from audit.present.forms_person import button
from audit.resources import resource_dir
from audit.run.forms import Made, make_forms
from audit.run.inputs import Inputs, engagement_inputs
from audit.settings import Settings, settings_from_mapping

SAMPLE = resource_dir("data_samples") / "khimsnab"


def made(
    folder: Path, people: tuple[str, ...] = (), lang: str = "ru", answers: Path | None = None, **report: Any
) -> Made:
    settings: Settings = settings_from_mapping({"report": {"lang": lang, **report}})
    return make_forms(Inputs((), answers or SAMPLE / "questionnaire", settings, folder), people)


def told(page: Path) -> dict[str, Any]:
    found = re.search(r'data-form="([^"]*)"', page.read_text(encoding="utf-8"))
    assert found is not None
    return dict(json.loads(unescape(found[1])))


def test_everybody_who_works_here_gets_a_form(tmp_path: Path) -> None:
    forms = made(tmp_path)
    pages = sorted(p.stem for p in (tmp_path / "forms").glob("day_log_*.html"))
    assert len(pages) == 17 and "day_log_KM1" in pages
    assert "day_log_KM2" not in pages  # who left in 2024
    assert {p for _, paths in forms.forms for p in paths} <= set((tmp_path / "forms").iterdir())


def test_one_person_in_any_letter_case_and_nobody_who_is_not_there(tmp_path: Path) -> None:
    made(tmp_path, ("кМ1",))  # Cyrillic letters
    made(tmp_path, ("km1",))
    assert [p.name for p in (tmp_path / "forms").glob("day_log_*.html")] == ["day_log_KM1.html"]
    with pytest.raises(ParameterError, match="KM99") as wrong:
        made(tmp_path, ("KM99",))
    assert wrong.value.todo is not None and "KM" in wrong.value.todo.en


def test_without_staff_it_says_which_sheet_to_fill(tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "company.csv").write_text("key,value\nname,Acme\n", encoding="utf-8")
    with pytest.raises(QuestionnaireError) as wrong:
        made(tmp_path, answers=answers)
    assert "Сотрудники" in wrong.value.what.ru


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("kind", ["day_log", "time"])
def test_a_page_reaches_nothing_outside_and_runs_only_its_own_script(kind: str, lang: str, tmp_path: Path) -> None:
    made(tmp_path, ("KM1",), lang)
    text = (tmp_path / "forms" / f"{kind}_KM1.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 200_000
    assert not re.search(r"https?:|//[a-z]|\bsrc=|<link|@import|url\(", text)
    assert not re.search(r"<[^>]*\s(?:style|on\w+)=", re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.S))
    for tag, asked in (("script", "script-src"), ("style", "style-src")):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{asked} 'sha256-{digest}'" in text
    assert "default-src 'none'" in text


def test_a_page_stays_small_with_as_many_clients_as_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clients = [[f"{n:012}", f"Ж{n:059}".replace("0", "щ")] for n in range(forms_person.MOST_CLIENTS)]
    monkeypatch.setattr(forms_person, "_clients", lambda asked, person: clients)
    made(tmp_path, ("KM1",))
    assert (tmp_path / "forms" / "day_log_KM1.html").stat().st_size < 200_000


def test_names_only_where_asked_for(tmp_path: Path) -> None:
    page = tmp_path / "forms" / "day_log_KM1.html"
    made(tmp_path, ("KM1",))
    assert "Макаров" not in page.read_text(encoding="utf-8")
    made(tmp_path, ("KM1",), names=True)
    assert "Макаров Кирилл Львович" in page.read_text(encoding="utf-8")


def test_what_a_client_wrote_stays_text(tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    shutil.copytree(SAMPLE / "questionnaire", answers)
    hostile = '"></script><script>alert(1)</script>'
    staff = (
        (answers / "staff.csv")
        .read_text(encoding="utf-8")
        .replace("Макаров Кирилл Львович", f'"{hostile.replace(chr(34), chr(34) * 2)}"')
    )
    (answers / "staff.csv").write_text(staff, encoding="utf-8")
    made(tmp_path, ("KM1",), answers=answers, names=True)
    text = (tmp_path / "forms" / "day_log_KM1.html").read_text(encoding="utf-8")
    assert text.count("<script>") == 1 and "alert(1)" in text


def test_large_buttons_are_what_the_person_does_and_operational_work_is_among_them(tmp_path: Path) -> None:
    made(tmp_path)
    functions = method().functions
    for page in (tmp_path / "forms").glob("day_log_*.html"):
        large = told(page)["large"]
        assert len(large) == len(set(large)) == 12, page.name
        assert sum(functions[f].group == "OPER" for f in large) >= 4, page.name
    # the sheet «Время» of KM1 begins with these
    assert {"FARM_REPEAT", "OPS_ORDER", "OPS_CHASE"} <= set(told(tmp_path / "forms" / "day_log_KM1.html")["large"])


def test_without_a_time_sheet_the_norm_of_the_role_is_offered(tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "company.csv").write_text("key,value\nname,Acme\nsale_type,TC\n", encoding="utf-8")
    (answers / "staff.csv").write_text("person,role\nA,SR\nB,BO\nC,менеджер по продажам\n", encoding="utf-8")
    made(tmp_path, answers=answers)
    developer, clerk, unclear = (told(tmp_path / "forms" / f"day_log_{p}.html")["large"] for p in "ABC")
    assert {"HUNT_SELL", "HUNT_NEED"} <= set(developer) and "OPS_DOCS" in clerk
    assert "FARM_REPEAT" in unclear  # a title that names no role: the seller of the type


def test_every_function_has_a_short_name() -> None:
    for lang in ("ru", "en"):
        names = [button(f, lang) for f in method().functions]
        assert len(set(names)) == len(names) and max(map(len, names)) <= 34


def test_a_code_becomes_a_file_name_and_no_two_the_same() -> None:
    assert file_names(["KM1", "km1", "КМ1", "Иванов И.И.", "../x", "a/b", ""]) == {
        "KM1": "KM1",
        "km1": "km1-2",
        "КМ1": "КМ1-3",
        "Иванов И.И.": "Иванов_И.И",
        "../x": "x",
        "a/b": "a_b",
        "": "person",
    }


def test_the_day_on_paper_is_one_landscape_sheet_with_rows_of_six_millimetres(tmp_path: Path) -> None:
    made(tmp_path, ("KM1",))
    data = (tmp_path / "forms" / "day_log_KM1.pdf").read_bytes()
    (box,) = set(re.findall(rb"/MediaBox\s*\[([^\]]+)\]", data))
    width, height = (float(x) for x in box.split()[2:])
    assert (round(width), round(height)) == (842, 595)
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == 1
    typed = (resource_dir("templates") / "forms" / "day.typ").read_text(encoding="utf-8")
    assert "#let row-height = 6mm" in typed
    made(tmp_path, ("KM1",))
    assert (tmp_path / "forms" / "day_log_KM1.pdf").read_bytes() == data


def test_a_name_of_300_letters_leaves_the_day_on_one_sheet(tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    shutil.copytree(SAMPLE / "questionnaire", answers)
    staff = (answers / "staff.csv").read_text(encoding="utf-8").replace("Макаров Кирилл Львович", "Щ" * 300)
    (answers / "staff.csv").write_text(staff, encoding="utf-8")
    made(tmp_path, ("KM1",), answers=answers, names=True)
    data = (tmp_path / "forms" / "day_log_KM1.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == 1


@pytest.fixture(scope="module")
def engagement(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engagement")
    shutil.copytree(SAMPLE / "orders", folder / "orders")
    shutil.copytree(SAMPLE / "questionnaire", folder / "questionnaire")
    return folder


def test_clients_by_name_are_the_persons_own_and_only_where_asked_for(engagement: Path) -> None:
    inputs = engagement_inputs(engagement, orders_needed=False)
    page = engagement / "forms" / "day_log_KM1.html"
    make_forms(inputs, ["KM1"])
    assert told(page)["clients"] is None
    make_forms(inputs, ["KM1", "KM3"], clients=True)
    mine, others = told(page)["clients"], told(page.with_name("day_log_KM3.html"))["clients"]
    assert len(mine) > 20 and all(code.isdigit() and name for code, name in mine)
    assert mine != others
    assert page.stat().st_size < 200_000
    assert told(page.with_name("time_KM1.html"))["clients"] is None


def test_the_command_says_what_it_made(engagement: Path) -> None:
    done = CliRunner().invoke(app, ["forms", str(engagement), "--person", "KM1", "--lang", "en", "--json"])
    assert done.exit_code == 0, done.output
    status = json.loads(done.output)
    assert status["status"] == "done"
    assert str(engagement / "forms" / "day_log_KM1.html") in status["forms"][0]["files"]
    shown = CliRunner().invoke(app, ["forms", str(engagement), "--person", "KM1", "--lang", "en"])
    assert "Working day, on paper: 1" in shown.output
    settings = engagement / "audit.toml"
    settings.write_text("[company]\nproject_sales = true\n", encoding="utf-8")
    once = CliRunner().invoke(app, ["forms", str(engagement), "--person", "KM1", "--lang", "en"])
    settings.unlink()
    assert "Second-purchase route: 0 — nothing to make it from for these persons" in once.output
    refused = CliRunner().invoke(app, ["forms", str(engagement / "nowhere"), "--lang", "en"])
    assert refused.exit_code == 1


def test_an_engagement_without_orders_still_gets_the_personal_forms(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE / "questionnaire", tmp_path / "questionnaire")
    (tmp_path / "questionnaire" / "company.csv").write_text("key,value\nname,Acme\n", encoding="utf-8")
    inputs = engagement_inputs(tmp_path, orders_needed=False)
    result = make_forms(replace(inputs, settings=Settings()), ["KM1"])
    assert any("type of sale" in note.en for note in result.notes)
    assert (tmp_path / "forms" / "day_log_KM1.html").is_file()
