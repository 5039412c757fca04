"""The notebooks: stripped, short, complete, and usable alone with papermill."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import warnings
from pathlib import Path

import nbformat
import pytest

from audit.chapters import part
from audit.resources import resource_dir
from audit.run.notebook_api import parameters_of
from audit.run.notebooks import NOTEBOOKS, built_chapters

FOLDER = resource_dir("notebooks")
CHAPTERS = ["summary", *built_chapters()]


def cells(chapter: str) -> list[nbformat.NotebookNode]:
    return list(nbformat.read(FOLDER / f"{NOTEBOOKS[chapter]}.ipynb", as_version=4).cells)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_notebook_is_stripped_and_thin(chapter: str) -> None:
    own = cells(chapter)
    assert len(own) <= 13
    for cell in own:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
            assert "def " not in cell.source and len(cell.source.splitlines()) <= 14
    assert len({c.id for c in own}) == len(own)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_parameters_cell_documents_exactly_our_schema(chapter: str) -> None:
    tagged = [c for c in cells(chapter) if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    lines = [line for line in tagged[0].source.splitlines() if "=" in line.split("#")[0]]
    assert {line.split("=")[0].strip() for line in lines} == {p.name for p in parameters_of(chapter)}
    assert all("#" in line for line in lines), "every parameter is explained"


@pytest.mark.parametrize("name", sorted(p.name for p in FOLDER.glob("[0-9]*.ipynb")))
def test_prose_and_parameters_are_in_russian_too(name: str) -> None:
    for cell in nbformat.read(FOLDER / name, as_version=4).cells:
        russian = "".join(cell.metadata.get("ru", []))
        if cell.cell_type == "markdown":
            assert russian or re.search("[а-яё]{4}", cell.source), "a page in two languages holds both"
        elif "parameters" in cell.metadata.get("tags", []):
            names = [re.findall(r"^(\w+) = None  # ", text, re.MULTILINE) for text in (cell.source, russian)]
            assert names[0] == names[1] and len(names[0]) >= 4
            ranges = [re.findall(r"\d+[-–]\d+", text) for text in (cell.source, russian)]
            assert [r.replace("–", "-") for r in ranges[1]] == ranges[0], "the same ranges"
            ast.parse(russian)


@pytest.mark.parametrize("chapter", [c for c in CHAPTERS if c != "summary"])
def test_the_notebook_shows_every_section(chapter: str) -> None:
    room = part(chapter, "sections")
    assert room is not None
    source = "\n".join(c.source for c in cells(chapter) if c.cell_type == "code")
    for name in room.SECTIONS:
        assert f'"{name}"' in source, f"{chapter} does not show {name}"


def run_papermill(notebook: str, out: Path, *parameters: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "papermill", str(FOLDER / notebook), str(out), "--no-progress-bar", *parameters],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        cwd=out.parent,
    )


def test_papermill_alone_runs_a_notebook_on_given_files(tmp_path: Path) -> None:
    sample = resource_dir("data_samples") / "veldora_opt"
    out = tmp_path / "out.ipynb"
    done = run_papermill(
        "40_retention.ipynb",
        out,
        "-p",
        "orders",
        str(sample / "orders"),
        "-p",
        "questionnaire",
        str(sample / "questionnaire"),
        "-p",
        "horizon_days",
        "180",
        "-p",
        "lang",
        "en",
    )
    assert done.returncode == 0, done.stderr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nb = nbformat.read(out, as_version=4)
    shown = "".join(str(o.get("data", {}).get("text/html", "")) for c in nb.cells for o in c.get("outputs", []))
    assert "180" in shown and "km-section" in shown


def test_papermill_with_an_unknown_parameter_stops_with_our_sentence(tmp_path: Path) -> None:
    done = run_papermill("40_retention.ipynb", tmp_path / "out.ipynb", "-p", "horizont_days", "180")
    assert done.returncode != 0
    assert "horizon_days" in done.stderr + done.stdout
