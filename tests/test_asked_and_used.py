"""Nothing is asked of a client that nothing uses: the columns of the order form, the questions, the sheets' columns."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest

from audit.ground.classes import CLASSES
from audit.intake.questionnaire import read_questionnaire
from audit.model.questionnaire import COMPANY_KEYS, PLAN_ITEMS, TABLES
from audit.present.forms_orders import asked_columns

ROOT = Path(__file__).parents[1] / "audit"
ONLY_NAMED = {"questionnaire.py", "questionnaire_json.py", "orders.py", "orders.sql"}
"""Files that name or carry everything and use nothing."""


@lru_cache
def source() -> str:
    rooms = ("chapters", "ground", "findings", "run", "model", "intake")
    files = [p for room in rooms for p in sorted((ROOT / room).rglob("*")) if p.suffix in (".py", ".sql", ".j2")]
    return "\n".join(p.read_text(encoding="utf-8") for p in files if p.name not in ONLY_NAMED)


BY_CLASS = {f"touches_{c.lower()}": "touches_{" for c in CLASSES}
"""Questions whose name the code puts together, and how."""


def used(key: str) -> bool:
    if key in BY_CLASS:
        return BY_CLASS[key] in source()
    return re.search(rf"\b{key}\b", source()) is not None


@pytest.mark.parametrize("key", [c.key for c in COMPANY_KEYS])
def test_every_question_about_the_company_is_used(key: str) -> None:
    assert used(key)


@pytest.mark.parametrize("column", list(asked_columns()))
def test_every_column_of_the_order_form_is_used(column: str) -> None:
    assert used(column)


@pytest.mark.parametrize("table", [t for t in TABLES if t != "company"])
def test_every_column_of_a_sheet_is_used(table: str) -> None:
    together = {key for key, _, _ in PLAN_ITEMS}  # the seven items of a plan are used as one list
    unused = [c.key for c in TABLES[table].columns if not used(c.key) and c.key not in together]
    assert unused == []


def test_what_nothing_uses_is_not_in_the_order_form() -> None:
    assert {"region", "contact"}.isdisjoint(asked_columns()) and "client_id" in asked_columns()


def test_a_question_that_is_asked_no_more_is_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "company.csv").write_text("key;value\nname;Проба\nsales_cycle_days;30\n", encoding="utf-8")
    q = read_questionnaire(tmp_path)
    assert dict(q.company) == {"name": "Проба"} and q.problems == ()
