"""The last line of a check: a tick only where nothing is left to settle; whose questionnaire; what the kit writes where."""

from __future__ import annotations

import datetime as dt
import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from audit.errors import Text, set_language
from audit.intake.files import find_files
from audit.intake.whose_questionnaire import look
from audit.model.intake_report import ColumnUse, FileUse, IntakeReport, PersonUse, Question, SetAside, SetAsideRow
from audit.model.questionnaire import Questionnaire
from audit.present.tick import judge
from audit.resources import resource_dir
from audit.run.check import check_inputs, print_check
from audit.run.inputs import engagement_inputs, is_engagement
from audit.settings import settings_from_mapping


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def report(**changes: object) -> IntakeReport:
    """100 rows read: 95 used for 950 of money, 3 bad ones of 10 each, a total and a blank row."""
    base = IntakeReport(
        files=(FileUse("o.csv", "", 1, "csv", rows_read=100, rows_used=95, rows_set_aside=5),),
        columns=(ColumnUse("o.csv", "Менеджер", "manager", "mapped"),),
        fields=("order_date", "client", "amount", "manager"),
        field_coverage={"manager": 0.9},
        rows_read=100,
        rows_used=95,
        rows_set_aside=5,
        set_aside=(
            SetAside("bad_date", Text("", ""), 3, 30.0, examples=(SetAsideRow("o.csv", 7, None, None),)),
            SetAside("total_row", Text("", ""), 1, 980.0),
            SetAside("blank_row", Text("", ""), 1),
        ),
        first_date=dt.date(2024, 1, 1),
        last_date=dt.date(2024, 12, 31),
        revenue=950.0,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_a_tick_says_what_share_was_used() -> None:
    """950 ÷ (950 + 30) = 97 %; 95 ÷ 98 rows of data = 97 %: the total and the blank row were no data."""
    tick = judge(report(), blank=False)
    assert tick.whole and tick.sentence().en == "The data can be audited: 97 % of revenue and 97 % of rows were used"
    assert report().service_rows == 2


@pytest.mark.parametrize(
    ("changes", "blank", "says"),
    [
        ({"questions": (Question(Text("", ""), kind="overlap"),)}, False, "open questions: 1"),
        ({"revenue": 500.0}, False, "6 % of revenue was set aside"),
        ({"field_coverage": {"manager": 0.0}}, False, "“Менеджер” (responsible manager) is empty throughout"),
        ({}, True, "the questionnaire is blank"),
        (
            {"files": (FileUse("o.csv", "", 1, "csv", rows_read=3, rows_used=0, rows_set_aside=3),)},
            False,
            "the file o.csv was set aside as a whole",
        ),
    ],
)
def test_no_tick_where_something_is_left(changes: dict[str, object], blank: bool, says: str) -> None:
    tick = judge(report(**changes), blank=blank)
    assert not tick.whole and says in tick.sentence().en and tick.sentence().en.startswith("Usable, with questions: ")
    assert tick.sentence().ru.startswith("Данные годятся, но есть вопросы: ")


def test_sales_that_stand_elsewhere_and_the_currency_leave_a_tick() -> None:
    aside = (SetAside("dispatch_dated", Text("", ""), 50, 900.0), SetAside("duplicate_document", Text("", ""), 9, 90.0))
    told = report(set_aside=aside, questions=(Question(Text("", ""), kind="currency"),))
    assert judge(told, blank=False).whole and told.revenue_used_share == 1.0


def people(*shares: tuple[str, str, float]) -> list[PersonUse]:
    return [PersonUse(name, "manager", None, how, 1, share) for name, how, share in shares]  # type: ignore[arg-type]


def sheet(**company: str) -> Questionnaire:
    import pandas as pd

    return Questionnaire(company=dict(company), tables={"staff": pd.DataFrame({"person": ["K1", "K2"]})})


def test_a_questionnaire_of_strangers_is_asked_about() -> None:
    """5 % of revenue is of known people: less than a tenth; with a proposal of 6 % more it is enough."""
    settings = settings_from_mapping({})
    few = people(("Иванов", "known", 0.05), ("Smith", "unknown", 0.95))
    question = look(few, [], sheet(), settings)
    assert question is not None and "5 % of revenue" in question.text.en
    enough = people(("Иванов", "known", 0.05), ("Петров П.", "proposed", 0.06), ("Smith", "unknown", 0.89))
    assert look(enough, [], sheet(), settings) is None
    assert look(people(("Smith", "unknown", 1.0)), [], sheet(), settings) is None, "one person tells nothing"
    for lines in (question.answer, question.others[0].lines):
        import tomllib

        assert look(few, [], sheet(), settings_from_mapping(tomllib.loads(lines))) is None


def test_a_questionnaire_of_another_company_is_asked_about() -> None:
    settings = settings_from_mapping({})
    assert look([], ["ООО «Химснаб»"], sheet(name="АО Лесторг"), settings) is not None
    assert look([], ["ООО «Химснаб»", "ООО Химснаб-Юг"], sheet(name="Химснаб"), settings) is None
    ours = settings_from_mapping({"company": {"name": "Химснаб"}})
    assert look([], [], sheet(name="Лесторг"), ours) is not None


def test_until_it_is_answered_it_is_left_out_and_found_among_the_orders(tmp_path: Path) -> None:
    sample = resource_dir("data_samples") / "khimsnab"
    (tmp_path / "orders").mkdir()
    rows = "".join(
        f"{i};{1 + i % 28:02d}.0{1 + i % 9}.2024;К{i % 9};{100 + i};{'Adam' if i % 2 else 'Eve'}\n" for i in range(80)
    )
    (tmp_path / "orders" / "o.csv").write_text(f"Номер;Дата;Клиент;Сумма;Менеджер\n{rows}", encoding="utf-8")
    shutil.copy(sample / "questionnaire.xlsx", tmp_path / "orders" / "анкета клиента.xlsx")
    inputs = engagement_inputs(tmp_path)
    assert inputs.questionnaire is not None and inputs.questionnaire.parent.name == "orders"
    result = check_inputs(inputs)
    assert "questionnaire" in {q.kind for q in result.case.intake.questions}
    assert not result.case.questionnaire.has("staff") and result.case.intake.rows_used == 80
    (tmp_path / "audit.toml").write_text("[inputs]\nquestionnaire_is_ours = true\n", encoding="utf-8")
    confirmed = check_inputs(engagement_inputs(tmp_path))
    assert confirmed.case.questionnaire.has("staff")
    assert "questionnaire" not in {q.kind for q in confirmed.case.intake.questions}


def test_the_kit_s_own_pages_are_no_inputs(tmp_path: Path) -> None:
    orders = "Номер;Дата;Клиент;Сумма\n1;10.01.2024;А;5\n"
    for name in ("o.csv", "rejected_rows.csv", "check.html", ".km-audit/prepared/x/lines.csv", "runs/1/orders.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(orders, encoding="utf-8")
    (tmp_path / "runs" / "1" / "manifest.json").write_text("{}", encoding="utf-8")
    assert [f.name for f in find_files([tmp_path])] == ["o.csv"]
    assert not is_engagement(tmp_path)
    (tmp_path / "orders").mkdir()
    assert is_engagement(tmp_path)


def test_the_screen_tells_money_beside_rows_and_no_totals_as_put_aside(tmp_path: Path) -> None:
    from rich.console import Console

    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "o.csv").write_text(
        "Номер;Дата;Клиент;Сумма\n1;10.01.2024;А;900\n2;xx;А;100\n3;11.01.2024;А;-50\nИтого;;;950\n", encoding="utf-8"
    )
    (tmp_path / "audit.toml").write_text('[company]\ncurrency = "RUB"\n[report]\nlang = "en"\n', encoding="utf-8")
    written = io.StringIO()
    print_check(check_inputs(engagement_inputs(tmp_path)), Console(width=200, file=written))
    text = written.getvalue().replace("\u00a0", " ")
    assert "read 4 = used 2 + set aside 1 + totals, groups and blank rows 1" in text
    assert "1  the date is not recognised or impossible, RUB 100 (11%)" in text and "total row" not in text
    assert "returns whose order was not found: 1, RUB −50" in text
    assert "Usable, with questions: 11 % of revenue was set aside" in text
