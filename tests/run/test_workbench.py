"""The workbench: runs on every sample and on poor data, and its steps come to the very figures of the kit."""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from audit.errors import set_language
from audit.present.format import Fmt
from audit.resources import resource_dir
from audit.run.inputs import engagement_inputs
from audit.run.lab import START, WORKBENCH, make_copies, own_notebooks
from audit.run.pipeline import run_audit
from audit.run.rendering import render_again
from tests.run.test_lab import add_cell, engagement, run_all

FOLDER = resource_dir("notebooks")


@pytest.mark.parametrize("name", [START, WORKBENCH])
def test_it_is_stripped_thin_and_keeps_out_of_the_report(name: str) -> None:
    nb = nbformat.read(FOLDER / name, as_version=4)
    assert len({c.id for c in nb.cells}) == len(nb.cells)
    for cell in nb.cells:
        kept = {"internal", "parameters"} & set(cell.metadata.get("tags", []))
        assert kept or cell.source.endswith("own)"), "but for the one cell that is meant for a chapter"
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
            assert "def " not in cell.source and len(cell.source.splitlines()) <= 22


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


@pytest.mark.slow
def test_a_horizon_of_each_segment_gets_into_the_report_of_a_finished_run(tmp_path: Path) -> None:
    """What the analysts' page tells: one cell of the workbench, pasted into the run's notebook, and `render`."""
    set_language("ru")
    folder = tmp_path / "acme"
    (folder / "orders").mkdir(parents=True)
    rng = random.Random(3)
    lines = ["order_id;order_date;client_id;segment;amount"]
    for client in range(240):  # dealers come back after two months, shops after seven
        dealer, start = client % 2 == 0, dt.date(2023, 1, 1) + dt.timedelta(rng.randint(0, 900))
        waits = [0, rng.randint(40, 80) if dealer else rng.randint(150, 270)]
        for k, wait in enumerate(waits[: 1 + (rng.random() < 0.7)]):
            day = start + dt.timedelta(wait)
            if day <= dt.date(2025, 12, 31):
                lines.append(f"{client}-{k};{day};C{client};{'dealers' if dealer else 'shops'};{rng.randint(100, 900)}")
    (folder / "orders" / "o.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "audit.toml").write_text('[report]\nlang = "ru"\n[company]\ncurrency = "RUB"\n', encoding="utf-8")
    inputs = engagement_inputs(folder)
    run = run_audit(inputs, chapters=["retention"]).folder
    before = {name: (run / name).read_bytes() for name in ("findings.json", "annex.xlsx")}
    notebook = run / "notebooks" / "40_retention.ipynb"
    head, parameters = nbformat.read(notebook, as_version=4).cells[:2]
    assert head.source.startswith("# Удержание") and "1–3650" in parameters.source, "in the engagement's words"
    assert "ru" not in head.metadata and "ru" not in parameters.metadata
    bench = nbformat.read(make_copies(inputs).folder / WORKBENCH, as_version=4)
    cell = next(c for c in bench.cells if c.source.endswith("own)"))
    given = next(line for line in cell.source.splitlines() if line.startswith("days |="))
    nb = nbformat.read(notebook, as_version=4)
    at = next(i for i, c in enumerate(nb.cells) if "open_chapter" in c.source)
    own = cell.source.replace(given, 'days |= {"dealers": 90, "shops": 300}')
    nb.cells.insert(at + 1, nbformat.v4.new_code_cell(own))
    nbformat.write(nb, notebook)

    told = [n.ru for n in render_again(run).notes]
    assert len([t for t in told if "не выполнена" in t and "40_retention" in t]) == 1, told
    assert "Другое определение" not in (run / "report.html").read_text(encoding="utf-8")

    outputs = [o for c in run_all(notebook).cells for o in c.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "error"], outputs
    assert not render_again(run).notes
    html = (run / "report.html").read_text(encoding="utf-8")
    part = html[html.index("Другое определение</h") :].partition("</table>")[0]
    kit = json.loads(before["findings.json"])["metrics"]["retention.second_purchase_share"]
    assert "dealers" in part and "shops" in part and ">90<" in part and ">300<" in part and "все вместе" in part
    assert Fmt("ru").share(kit["value"]) in part.replace("&nbsp;", "\N{NO-BREAK SPACE}"), "the kit's figure beside"
    assert before == {name: (run / name).read_bytes() for name in before}, "nothing is recomputed"

    # the same cell in the engagement's own copy enters every run
    copy = folder / "notebooks" / "40_retention.ipynb"
    nb = nbformat.read(copy, as_version=4)
    nb.cells.insert(at + 1, cell)
    nbformat.write(nb, copy)
    again = run_audit(engagement_inputs(folder), chapters=["retention"])
    assert not again.failed and "Другое определение" in (again.folder / "report.html").read_text(encoding="utf-8")
