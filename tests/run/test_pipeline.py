"""A whole run from files to documents: what it leaves, what it never touches, what happens when a part fails."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from audit.errors import AuditError, InputError, ParameterError, PreparedError, set_language
from audit.method import method
from audit.present.short import SHORT_PAGES
from audit.resources import resource_dir
from audit.run import executing, screen
from audit.run.clock import Event
from audit.run.inputs import Inputs, engagement_inputs, file_inputs, override
from audit.run.kernels import kernel_environment
from audit.run.notebook_api import check_parameters
from audit.run.notebooks import NOTEBOOKS, built_chapters
from audit.run.pipeline import RunResult, run_audit
from audit.run.rendering import render_again
from audit.run.screen import write_screen

SAMPLE = resource_dir("data_samples") / "khimsnab"
HOSTILE = "</script><img src=x onerror=alert(1)> $x$ \"'=1+1 Ёж 🦔 " + "д" * 260


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engagement folder with the sample, one client of which has a hostile name."""
    place = tmp_path_factory.mktemp("engagement") / "acme"
    (place / "orders").mkdir(parents=True)
    shutil.copytree(SAMPLE / "questionnaire", place / "questionnaire")
    for path in sorted((SAMPLE / "orders").glob("*.csv")):
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
        name = rows[0].index("Контрагент")
        victim = max({r[name] for r in rows[1:]}, key=lambda c: sum(r[name] == c for r in rows))
        for row in rows[1:]:
            if row[name] == victim:
                row[name] = HOSTILE
        with (place / "orders" / path.name).open("w", encoding="utf-8", newline="") as f:
            csv.writer(f, delimiter=";").writerows(rows)
    (place / "audit.toml").write_text('[report]\nlang = "en"\nconsultant = "A & B <Consulting>"\n', encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def done(folder: Path) -> Iterator[RunResult]:
    yield run_audit(engagement_inputs(folder))


def test_a_run_leaves_everything_the_contract_names(done: RunResult, folder: Path) -> None:
    assert done.failed == ()
    names = {p.name for p in done.folder.iterdir()}
    assert {
        "report.html",
        "report.pdf",
        "annex.xlsx",
        "findings.json",
        "manifest.json",
        "rejected_rows.csv",
        "notebooks",
        "charts",
    } <= names
    assert done.pdf_engine is not None and done.pdf_engine.startswith("Typst")
    pages = re.findall(rb"/Count (\d+)", (done.folder / "report.pdf").read_bytes())
    assert 12 <= max(map(int, pages)) <= SHORT_PAGES  # a company with three problems
    assert done.folder.parent == folder.resolve() / "runs"
    assert {p.name for p in (done.folder / "notebooks").iterdir()} == {
        f"{NOTEBOOKS[c]}.ipynb" for c in ("summary", *built_chapters())
    }
    latest = folder / "runs" / "latest"
    assert (latest.resolve() if latest.exists() else Path()).name == done.folder.name
    assert not list((folder / "runs").glob(".km-audit-partial*")), "nothing half-made is left"


def test_findings_and_manifest_are_whole(done: RunResult) -> None:
    told = json.loads((done.folder / "findings.json").read_text(encoding="utf-8"))
    assert [f["id"] for f in told["findings"]] == list(method().findings)
    assert told["data"]["rows_read"] == told["data"]["rows_used"] + told["data"]["rows_set_aside"]
    with (done.folder / "rejected_rows.csv").open(encoding="utf-8-sig") as f:
        assert sum(1 for _ in csv.DictReader(f)) == told["data"]["rows_set_aside"]
    manifest = json.loads((done.folder / "manifest.json").read_text(encoding="utf-8"))
    assert all(len(o["sha256"]) == 64 for o in manifest["inputs"]["orders"])
    assert manifest["versions"]["pandas"]
    assert {"intake", "notebooks", "html", "pdf"} <= set(manifest["timings_seconds"])


def test_screen_says_the_same_as_the_notebooks(done: RunResult, folder: Path) -> None:
    told = json.loads((done.folder / "findings.json").read_text(encoding="utf-8"))
    assert write_screen(engagement_inputs(folder), None) == told


def test_a_second_screen_is_answered_from_the_first_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "again"
    shutil.copytree(SAMPLE, copy)
    (copy / "audit.toml").write_text('[report]\nlang = "en"\n', encoding="utf-8")
    first = write_screen(engagement_inputs(copy), tmp_path / "a.json")
    made: list[Inputs] = []
    computed = screen._computed
    monkeypatch.setattr(screen, "_computed", lambda i, cache: made.append(i) or computed(i, cache))
    assert write_screen(engagement_inputs(copy), tmp_path / "b.json") == first and not made
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    words = ["screen", str(copy), "--json", "--out", str(tmp_path / "c.json")]
    code = (
        "import sys, typer.testing, audit.cli as c;"
        f"done = typer.testing.CliRunner().invoke(c.app, {words});"
        "print(done.exit_code, sorted({'pandas', 'duckdb', 'scipy', 'audit.intake'} & sys.modules.keys()))"
    )
    answered = subprocess.run([sys.executable, "-c", code], env=kernel_environment(), capture_output=True, text=True)
    assert answered.stdout == "0 []\n", "nothing heavy is loaded to answer again" + answered.stdout + answered.stderr
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "c.json").read_bytes()
    kept = next((copy / ".km-audit" / "prepared").glob("*/screen-*.json"))
    kept.write_text("{", encoding="utf-8")
    assert write_screen(engagement_inputs(copy), None) == first and len(made) == 1, "a damaged answer is made anew"
    (copy / "audit.toml").write_text('[report]\nlang = "en"\n[thresholds]\n"roles.km_overload" = { found = 0.9 }\n')
    assert write_screen(engagement_inputs(copy), None) != first and len(made) == 2, "another limit, another verdict"


def test_nothing_from_a_file_runs_in_the_report(done: RunResult) -> None:
    html = (done.folder / "report.html").read_text(encoding="utf-8")
    assert "<img src=x" not in html and "onerror=alert" not in html.replace("&lt;img src=x onerror=alert", "")
    assert "A &amp; B &lt;Consulting&gt;" in html
    assert "Content-Security-Policy" in html
    assert "http://" not in html.replace("http://www.w3.org/", "")


def test_a_second_run_leaves_the_first_alone_and_finds_the_data_prepared(done: RunResult, folder: Path) -> None:
    before = {p: p.read_bytes() for p in done.folder.rglob("*") if p.is_file()}
    again = run_audit(engagement_inputs(folder), chapters=["data"])
    assert again.folder != done.folder
    assert {p: p.read_bytes() for p in done.folder.rglob("*") if p.is_file()} == before
    assert len(list((folder / ".km-audit" / "prepared").iterdir())) == 1
    status = {f["id"]: f for f in again.findings["findings"]}
    assert "not asked for" in status["roles.km_overload"]["reason"]


def test_rendering_again_shows_an_added_cell_and_hides_an_internal_one(done: RunResult, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(done.folder, run)
    findings = (run / "findings.json").read_bytes()
    path = run / "notebooks" / "40_retention.ipynb"
    nb = nbformat.read(path, as_version=4)
    for text, tags in (("seen by the client", []), ("for us only", ["internal"])):
        cell = nbformat.v4.new_code_cell("...", metadata={"tags": tags})
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        nb.cells.append(cell)
    nbformat.write(nb, path)
    render_again(run)
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "seen by the client" in html
    assert "for us only" not in html
    assert (run / "findings.json").read_bytes() == findings, "nothing is recomputed"


def test_what_is_no_run_is_not_rendered(tmp_path: Path) -> None:
    with pytest.raises(PreparedError, match="not the folder of a finished run"):
        render_again(tmp_path)


def small_inputs(tmp_path: Path) -> Inputs:
    file = tmp_path / "orders.csv"
    file.write_text("order_date;client;amount\n2024-01-10;A;100\n2024-03-10;A;150\n", encoding="utf-8")
    return override_lang(file_inputs(file, None, None))


def override_lang(inputs: Inputs) -> Inputs:
    from dataclasses import replace

    return replace(inputs, settings=override(inputs.settings, {"report": {"lang": "en"}}))


def test_a_failing_chapter_is_named_and_the_others_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebooks = tmp_path / "notebooks"
    shutil.copytree(resource_dir("notebooks"), notebooks)
    nb = nbformat.read(notebooks / "10_data.ipynb", as_version=4)
    nb.cells.append(nbformat.v4.new_code_cell("1 / 0"))
    nbformat.write(nb, notebooks / "10_data.ipynb")
    monkeypatch.setattr(executing, "resource_dir", lambda name: tmp_path / name)
    result = run_audit(small_inputs(tmp_path), tmp_path / "out", chapters=["roles"])
    assert [f.chapter for f in result.failed] == ["data"]
    assert "ZeroDivisionError" in str(result.failed[0].error)
    assert result.failed[0].path.is_file(), "the failed notebook is saved"
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in html and "Traceback" not in html


def test_unusable_input_touches_nothing(tmp_path: Path) -> None:
    inputs = small_inputs(tmp_path)
    run_audit(inputs, tmp_path / "out", chapters=["data"])
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    (tmp_path / "orders.csv").write_text("order_date;client;amount\nx;A;y\n", encoding="utf-8")
    with pytest.raises(AuditError):
        run_audit(inputs, tmp_path / "out")
    assert {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == before
    # what was refused is told beside the run, not in it
    assert {p.name for p in tmp_path.iterdir()} == {"orders.csv", "out", "out-rejected_rows.csv"}


def test_a_folder_that_is_not_ours_is_not_overwritten(tmp_path: Path) -> None:
    inputs = small_inputs(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_text("mine", encoding="utf-8")
    with pytest.raises(ParameterError, match="not empty"):
        run_audit(inputs, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.docx").read_text(encoding="utf-8") == "mine"


def test_what_a_killed_run_left_is_swept_and_told(tmp_path: Path) -> None:
    left = tmp_path / ".km-audit-partial-out-999999999"
    (left / "notebooks").mkdir(parents=True)
    events: list[Event] = []
    run_audit(small_inputs(tmp_path), tmp_path / "out", chapters=["data"], watch=events.append)
    assert not left.exists()
    assert [e.detail for e in events if e.state == "note"] == [left.name]


def test_parameters_are_checked_against_our_schema() -> None:
    assert check_parameters("retention", {"horizon_days": 180, "lang": "ru", "out": None}) == {
        "horizon_days": 180,
        "lang": "ru",
    }
    for given, says in (
        ({"horizont_days": 1}, "horizon_days"),
        ({"horizon_days": "a year"}, "int"),
        ({"horizon_days": 0}, "from 1"),
        ({"lang": "de"}, "en, ru"),
        ({"horizon_days": True}, "int"),
    ):
        with pytest.raises(ParameterError) as error:
            check_parameters("retention", given)
        assert says in str(error.value)


def test_an_engagement_without_orders_says_where_to_put_them(tmp_path: Path) -> None:
    (tmp_path / "orders").mkdir()
    with pytest.raises(InputError, match="no orders"):
        engagement_inputs(tmp_path)
    with pytest.raises(InputError, match="no engagement folder"):
        engagement_inputs(tmp_path / "none")


def test_the_key_of_the_inputs_sees_subfolders(tmp_path: Path) -> None:
    from audit.run.kept import source_files

    deep = tmp_path / "orders" / "2024"
    deep.mkdir(parents=True)
    (deep / "a.csv").write_text("x", encoding="utf-8")
    (deep / "~a.csv").write_text("an editor's lock", encoding="utf-8")
    for source in ("orders", "orders/*", "orders/**/*.csv"):
        assert source_files([str(tmp_path / source)]) == [deep / "a.csv"], source
