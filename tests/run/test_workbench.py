"""The workbench: runs on every sample and on poor data, and its steps come to the very figures of the kit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from audit.errors import set_language
from audit.resources import resource_dir
from audit.run.lab import START, WORKBENCH, make_copies, own_notebooks
from audit.run.pipeline import run_audit
from tests.run.test_lab import add_cell, engagement

FOLDER = resource_dir("notebooks")


@pytest.mark.parametrize("name", [START, WORKBENCH])
def test_it_is_stripped_thin_and_keeps_out_of_the_report(name: str) -> None:
    nb = nbformat.read(FOLDER / name, as_version=4)
    assert len({c.id for c in nb.cells}) == len(nb.cells)
    for cell in nb.cells:
        assert {"internal", "parameters"} & set(cell.metadata.get("tags", []))
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
            assert "def " not in cell.source and len(cell.source.splitlines()) <= 16


def shown(folder: Path | None) -> list[Any]:
    """Execute the cells as a kernel would and return what each shows."""
    import ast

    space: dict[str, Any] = {}
    out = []
    for cell in nbformat.read(FOLDER / WORKBENCH, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, WORKBENCH, "exec"), space)
        if "parameters" in cell.metadata.get("tags", []) and folder is not None:
            space |= {"orders": str(folder / "orders"), "lang": "en"}
            if (folder / "questionnaire").is_dir():
                space["questionnaire"] = str(folder / "questionnaire")
        if isinstance(last, ast.Expr):
            out.append(eval(compile(ast.Expression(last.value), WORKBENCH, "eval"), space))
    return out


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["khimsnab", "veldora_opt", "proekt_inzh"])
def test_the_steps_come_to_the_kits_own_figures(sample: str) -> None:
    tables = [t for t in shown(resource_dir("data_samples") / sample) if isinstance(t, pd.DataFrame)]
    compared = [t.astype(object) for t in tables if {"kit", "steps"} <= set(t.index)]
    assert len(compared) == 3
    for table in compared:
        for column in set(table.columns) - {"status"}:
            kit, steps = table.loc["kit", column], table.loc["steps", column]
            assert (pd.isna(kit) and pd.isna(steps)) or kit == pytest.approx(steps), (column, table)
    assert compared[1].loc["own", "share"] >= compared[1].loc["steps", "share"], "stricter"


@pytest.mark.parametrize("rows", [60, 3])
def test_poor_data_stop_nothing(rows: int, tmp_path: Path) -> None:
    engagement(tmp_path)
    orders = tmp_path / "orders" / "o.csv"
    lines = orders.read_text(encoding="utf-8").splitlines()[: rows + 1]
    orders.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert shown(tmp_path)


def test_an_edited_workbench_enters_no_run(tmp_path: Path) -> None:
    set_language("en")
    inputs = engagement(tmp_path / "acme")
    folder = make_copies(inputs).folder
    filled = json.loads((folder / WORKBENCH).read_text(encoding="utf-8"))
    assert 'orders = ["../orders/*"]' in "".join(filled["cells"][1]["source"])
    add_cell(folder / WORKBENCH, "1 / 0")
    assert own_notebooks(inputs.folder) == {}
    result = run_audit(inputs, chapters=["data"])
    assert not result.failed and not (result.folder / "notebooks" / WORKBENCH).exists()
    assert make_copies(inputs).edited == (WORKBENCH,)
