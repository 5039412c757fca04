"""The docs tell the truth: printed pages are fresh, links lead somewhere, commands exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import typer.main

from audit.cli import app

PAGES = ("README.md", "README.ru.md", "CONTRIBUTING.md", "CHANGELOG.md")


def all_pages(root: Path) -> list[Path]:
    return [root / p for p in PAGES] + sorted((root / "docs").glob("*.md"))


@pytest.mark.parametrize("name", ["settings.md", "catalogue.md"])
def test_printed_pages_are_fresh(root: Path, name: str) -> None:
    spec = importlib.util.spec_from_file_location("make_docs", root / "tools" / "make_docs.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert (root / "docs" / name).read_text(encoding="utf-8") == tool.PAGES[name](), "run python tools/make_docs.py"


def test_links_inside_the_repository_lead_somewhere(root: Path) -> None:
    broken = []
    for page in all_pages(root):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_every_command_named_in_the_docs_exists(root: Path) -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for page in all_pages(root):
        for command in re.findall(r"km-audit ([a-z]+)\b", page.read_text(encoding="utf-8")):
            assert command in known | {"is", "audits"}, f"{page.name}: km-audit {command}"


def test_every_command_has_help() -> None:
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert command.help and command.help.strip(), name
        for parameter in command.params:
            told = getattr(parameter, "help", None)
            assert told or parameter.name == "help", f"{name}: {parameter.name} has no help"
