"""The traps: each stands in the registry once, and what it asks for changes the reading through a setting alone."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import audit.intake
from audit.intake import traps
from audit.intake.traps.registry import AT_END, AT_HEAD, AT_ORDERS, AT_TABLE, AT_TABLES, SALES_TWICE
from audit.settings import Settings, settings_from_mapping
from tests.intake.reading import answer, asked, read, write


def test_every_trap_looks_once() -> None:
    modules = [m.name for m in pkgutil.iter_modules(traps.__path__) if m.name != "registry"]
    looks = [importlib.import_module(f"audit.intake.traps.{name}").look for name in modules]
    registered = [*AT_HEAD, *AT_TABLE, *AT_TABLES, *AT_ORDERS, *(t.look for t in SALES_TWICE), *AT_END]
    assert sorted(map(repr, looks)) == sorted(map(repr, registered)) and len(modules) >= 7


def test_answers_are_added_to_the_settings() -> None:
    first = Settings().answered('[reading]\nfill_down = ["a.csv"]').answered('[reading]\nfill_down = ["b.csv"]')
    assert first.reading.fill_down == ("a.csv", "b.csv") and Settings().reading.fill_down is None
    given = settings_from_mapping({"columns": {"client": "Фирма"}, "company": {"name": "ООО"}})
    assert given.answered('[company]\ncurrency = "USD"').company.name == "ООО"


def test_what_is_taken_for_one_file_settles_nothing_for_the_next(tmp_path: Path) -> None:
    text = "Номер;Дата;Клиент;Количество;Цена;Сумма\n{0};10.01.2024;А;2;50;0\n{0}1;11.01.2024;Б;1;50;0\n"
    files = [write(tmp_path / f"{name}.csv", text.format(name)) for name in ("a", "b")]
    result = read(files, tmp_path / "out")
    question = asked(result, "empty_amounts")
    assert question.answer == '[reading]\ncomputed_amounts = ["a.csv", "b.csv"]' and result.report.revenue == 300
    assert "b.csv" in question.text.ru and len(question.others) == 1
    assert read(files, tmp_path / "out", answer(question.answer)).report.revenue == 300


def test_every_answer_has_words() -> None:
    """A button says what its line means: whoever asks with a line says it in words as well."""
    silent = []
    for path in Path(audit.intake.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in ("Question", "AmbiguityError"):
                continue
            named = {k.arg for k in node.keywords}
            if (len(node.args) > 1 or "answer" in named) and "means" not in named:
                silent.append(f"{path.name}:{node.lineno}")
    assert not silent
