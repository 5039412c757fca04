"""The check from inside: the page it leaves, what the page says, and lines that settle its questions when pasted."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from audit.errors import AmbiguityError, Lang, NothingUsableError
from audit.present.check import alias_lines, by_chapter, merge_lines
from audit.present.forms import write_questionnaire
from audit.run.check import CheckResult, check_inputs, print_check, write_page, write_refusal
from audit.run.inputs import engagement_inputs, override

HOSTILE = '<script>alert("1")</script> & Co'
HEADER = "Номер;Дата;Контрагент;Сумма документа;Ответственый;Статус"


def engagement(folder: Path, rows: list[str], toml: str = "") -> Path:
    (folder / "orders").mkdir(parents=True, exist_ok=True)
    (folder / "orders" / "заказы <b>.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="cp1251")
    (folder / "audit.toml").write_text(f'[company]\nname = "{"<i>Альфа</i>"}"\n{toml}', encoding="utf-8")
    return folder


def some_rows() -> list[str]:
    clients = ["ООО «Ромашка»", "ООО Промторг", "ООО Пром торг", HOSTILE.replace('"', "'"), "=HYPERLINK(1)"]
    people = ["Иванов И.И.", "Иванов Иван Иванович", "<img src=x onerror=alert(1)>"]
    rows = [
        f"{i:05};{1 + i % 28:02}.{1 + i % 12:02}.2024;{clients[i % 5]};{100 + i},50;{people[i % 3]};Закрыт"
        for i in range(60)
    ]
    rows[7] = "00007;32.13.2024;ООО Ромашка;<b>1</b>;;Закрыт"
    rows[8] = "00008;01.02.2024;ООО Ромашка;5;Петров П.;Отменён"
    rows[9] = f"00009;01.02.2024;ООО Ромашка;{HOSTILE.replace(chr(34), '')};Петров П.;Закрыт"
    return [*rows, "Итого;;;1 000 000,00;;"]


def check(folder: Path, lang: Lang = "en") -> CheckResult:
    inputs = engagement_inputs(folder)
    settings = override(inputs.settings, {"report": {"lang": lang}})
    return check_inputs(type(inputs)(inputs.orders, inputs.questionnaire, settings, inputs.folder))


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_page_shows_everything_and_lets_nothing_run(tmp_path: Path, lang: Lang) -> None:
    folder = engagement(tmp_path / "acme", some_rows())
    result = check(folder, lang)
    page = write_page(result, folder)
    assert page == folder / "check.html"
    html = page.read_text(encoding="utf-8")
    body = html[html.index("<body") :]
    script = re.findall(r"<script>(.*?)</script>", body, re.S)
    assert len(script) == 1 and "alert" not in script[0], "the only script is our own"
    assert f'lang="{lang}"' in html and "default-src 'none'" in html
    assert not re.search(r"(src|href)=\"?(https?:)?//", body) and "onerror=alert" not in re.sub(
        r"&lt;.*?&gt;", "", body
    )
    assert "<i>Альфа</i>" not in html and "&lt;i&gt;Альфа&lt;/i&gt;" in html
    assert "&lt;script&gt;" in body and "заказы &lt;b&gt;.csv" in body
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("\u00a0", " ")
    used, aside = result.case.intake.rows_used, result.case.intake.rows_set_aside
    assert (used, aside) == (57, 4)
    said = {
        "ru": (
            "cp1251",
            "точка с запятой",
            "угадан, 96 %",
            "заказ отменён",
            "32.13.2024",
            "Анкеты нет",
            "лист анкеты «Время»",
            "Промторг",
            "Сходится",
            "столбец заказов «товар»",
        ),
        "en": (
            "cp1251",
            "semicolon",
            "guessed, 96%",
            "the order is cancelled",
            "32.13.2024",
            "There is no questionnaire",
            "questionnaire sheet “Time”",
            "Промторг",
            "Agrees",
            "orders column “item”",
        ),
    }
    for text in said[lang]:
        assert text in words, text
    with (folder / "rejected_rows.csv").open(encoding="utf-8-sig", newline="") as f:
        assert len(list(csv.DictReader(f))) == aside
    result.case.close()


def test_the_lines_that_the_page_offers_settle_its_questions(tmp_path: Path) -> None:
    folder = engagement(tmp_path / "acme", some_rows())
    intake = check(folder).case.intake
    proposed = [p for p in intake.people if p.how == "proposed"]
    (pair,) = intake.duplicate_clients
    assert {p.spelling for p in proposed} == {"Иванов И.И."}
    page = write_page(check(folder), folder).read_text(encoding="utf-8")
    guessed = re.search(r"\[columns\]\nmanager = &(?:quot|#34);(\w+)&(?:quot|#34);", page)
    assert guessed is not None
    lines = [alias_lines(proposed), merge_lines(pair), f'[columns]\nmanager = "{guessed[1]}"']
    engagement(folder, some_rows(), "\n".join(lines))
    again = check(folder).case.intake
    assert not again.duplicate_clients and not [p for p in again.people if p.how == "proposed"]
    assert next(c.how for c in again.columns if c.field == "manager") == "setting"
    assert again.revenue == intake.revenue and again.counts["clients"] == intake.counts["clients"] - 1


def test_hostile_spellings_make_lines_that_parse(tmp_path: Path) -> None:
    import tomllib

    rows = [
        r.replace("Иванов И.И.", 'Ива"нов\\ И.И.').replace("Иванов Иван Иванович", 'Ива"нов\\ Иван Иванович')
        for r in some_rows()
    ]
    people = check(engagement(tmp_path / "acme", rows)).case.intake.people
    parsed = tomllib.loads(alias_lines(people))
    assert parsed == {"people": {"alias": {'Ива"нов\\ И.И.': 'Ива"нов\\ Иван Иванович'}}}


def test_nothing_usable_leaves_the_rows_and_says_where(tmp_path: Path) -> None:
    folder = engagement(tmp_path / "acme", [f"{i};когда-то;ООО А;5;Петров;Закрыт" for i in range(4)])
    with pytest.raises(NothingUsableError) as caught:
        check(folder)
    assert str(folder / "rejected_rows.csv") in "\n".join(caught.value.lines("ru"))
    with (folder / "rejected_rows.csv").open(encoding="utf-8-sig", newline="") as f:
        rows = list(csv.DictReader(f))
    assert [r["row"] for r in rows] == ["2", "3", "4", "5"] and {r["value"] for r in rows} == {"когда-то"}
    html = write_refusal(caught.value, folder, engagement_inputs(folder).settings, "ru").read_text(encoding="utf-8")
    assert "Ни одна строка не годится (всего строк: 4)" in html and 'href="rejected_rows.csv"' in html
    assert not list(folder.glob(".*csv*")) + list(folder.glob(".check*"))


def test_a_question_that_stops_the_reading_stands_on_the_page_with_its_answer(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    (folder / "orders").mkdir(parents=True)
    (folder / "orders" / "o.csv").write_text("Номер;Дата;Клиент;Сумма\n1;01/02/2024;<b>А</b>;5\n", encoding="utf-8")
    with pytest.raises(AmbiguityError) as caught:
        check(folder)
    html = write_refusal(caught.value, folder, None, "en").read_text(encoding="utf-8")
    assert "date_format = &#34;dd/mm/yyyy&#34;" in html or 'date_format = "dd/mm/yyyy"' in html
    assert '<h1 id="title">acme</h1>' in html and "These data cannot be used yet" in html


def plain(folder: Path, text: str) -> Path:
    (folder / "orders").mkdir(parents=True)
    (folder / "orders" / "o.csv").write_text(text, encoding="utf-8")
    return folder


def printed(result: CheckResult) -> str:
    out = io.StringIO()
    print_check(result, Console(file=out, width=400, color_system=None))
    return out.getvalue()


MONTHS = "".join(f"{i};1{i % 10}.0{1 + i % 9}.2024;Клиент {i % 3};100;@\n" for i in range(18))


@pytest.mark.parametrize(("header", "person"), [("Примечание", "x"), ("Менеджер", ""), ("Менеджер", "нет")])
def test_nobody_named_is_not_everybody_known(tmp_path: Path, header: str, person: str) -> None:
    text = f"Номер;Дата;Клиент;Сумма;{header}\n" + MONTHS.replace("@", person)
    page = write_page(check(plain(tmp_path / "a", text), "ru"), tmp_path / "a").read_text(encoding="utf-8")
    assert "Все сотрудники в заказах опознаны" not in page and "не назван ни один сотрудник" in page


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("blank", [True, False])
def test_without_answers_every_chapter_says_what_a_run_can_tell(tmp_path: Path, lang: Lang, blank: bool) -> None:
    folder = plain(tmp_path / "a", "Номер;Дата;Клиент;Сумма;Менеджер\n" + MONTHS.replace("@", "Петров"))
    if blank:
        write_questionnaire(folder / "questionnaire.xlsx", lang)
    result = check(folder, lang)
    said, page = printed(result), write_page(result, folder).read_text(encoding="utf-8")
    heading = {"ru": "Что скажет отчёт без анкеты", "en": "What a run without it will say"}[lang]
    roles = {"ru": "Смешение ролей", "en": "Role mixing"}[lang]
    assert heading in said and heading in page
    prospects = by_chapter(result.case, result.findings["findings"], lang)
    assert len(prospects) == 9 and sum(p.all for p in prospects) == len(result.findings["findings"])
    assert sum(p.ready for p in prospects) == len(result.assessable())
    assert any(p.title == roles and p.needs[0] == {"ru": "«Сотрудники»", "en": "“Staff”"}[lang] for p in prospects)


def test_a_questionnaire_with_answers_gets_no_such_list(tmp_path: Path) -> None:
    folder = plain(tmp_path / "a", "Номер;Дата;Клиент;Сумма\n" + MONTHS.replace(";@", ""))
    (folder / "questionnaire").mkdir()
    (folder / "questionnaire" / "company.csv").write_text("key,value\nname,Alpha\n", encoding="utf-8")
    (folder / "audit.toml").write_text('[inputs]\nquestionnaire = "questionnaire"\n', encoding="utf-8")
    result = check(folder)
    assert "What a run without it" not in printed(result)


@pytest.mark.parametrize("bad", ["много", "#ССЫЛКА!", "12 34"])
def test_amounts_that_could_not_be_read_are_no_tick(tmp_path: Path, bad: str) -> None:
    """Two rows of eighteen: their money is unknown, so no share of revenue tells of them."""
    rows = MONTHS.replace(";100;@\n", f";{bad};@\n", 2).replace(";@", "")
    result = check(plain(tmp_path / "a", "Номер;Дата;Клиент;Сумма\n" + rows), "ru")
    assert not result.tick().whole and "не прочитаны суммы в 11 % строк" in result.tick().sentence().ru


def test_money_of_another_currency_is_not_shown_as_the_reports(tmp_path: Path) -> None:
    """Two rows of eighteen in dollars: 100 dollars are not 100 roubles, and add nothing to a share of revenue."""
    rows = MONTHS.replace(";100;@\n", ";100 $;@\n", 2).replace(";100;@\n", ";100 руб.;@\n").replace(";@", "")
    result = check(plain(tmp_path / "a", "Номер;Дата;Клиент;Сумма\n" + rows), "ru")
    said, sentence = printed(result), result.tick().sentence().ru
    (line,) = [line for line in said.splitlines() if "сумма в другой валюте" in line]
    assert "₽" not in line and "%" not in line
    assert "в другой валюте 11 % строк" in sentence and "выручки отложено" not in sentence
    assert said.index('currency = "RUB"') < said.index("или: суммы в USD") < said.index('currency = "USD"')
