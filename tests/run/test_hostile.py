"""A company whose names are attacks, through the whole run: nothing runs, nothing breaks, nothing is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit.errors import Lang, set_language
from audit.resources import PACKAGE
from audit.run.inputs import engagement_inputs
from audit.run.kernels import kernel_environment
from audit.run.pipeline import RunResult, run_audit
from tests.present.browsing import axe_violations, chromium, opened
from tools.samples.company import generate
from tools.samples.files import write
from tools.samples.spec import CompanySpec, Disease

ATTACKS = (
    "</script><script>document.title='hacked'</script>",
    "<img src=x onerror=\"document.title='hacked'\">",
    "$x$ $\\frac{1}{0}$ 'одинарные' \"двойные\" «ёлочки»",
    "=1+1",
    "+7 (495) 000-00-00",
    "-2+3",
    "@SUM(1)",
    '=HYPERLINK("http://x.example","x")',
    "Ё" * 300,
    "😀🧑‍🔧 № 5 ₽",
    "{{ 7*7 }} {% raw %} ${HOME} `id` %s %(x)d",
    "A & B, <b>C</b> \\n \\ud800 | col ]]> --",
    "\u202eабв\u2066 مرحبا שלום",
)
COMPANY = "=1+1 </script><img src=x onerror=\"document.title='hacked'\"> $x$ «Ё» '😀'"


def attacked(kind: str) -> Callable[[str], str]:
    """Return a replacement of names: each gets an attack and stays itself and only itself."""
    known: dict[str, str] = {}

    def name(old: str) -> str:
        if old and old not in known:
            n = len(known)
            known[old] = f"{ATTACKS[n % len(ATTACKS)]} {kind}{n}"
        return known.get(old, old)

    return name


def make_hostile(folder: Path, lang: Lang) -> None:
    spec = CompanySpec(
        name="hostile",
        title=COMPANY,
        clients=60,
        sellers=3,
        seed=5,
        lang=lang,
        diseases=(Disease("roles.km_overload"), Disease("retention.leaky_first_purchase")),
    )
    company = generate(spec)
    people = attacked("p")
    for column, rename in (
        ("client", attacked("c")),
        ("contact", attacked("k")),
        ("sku", attacked("s")),
        ("sku_group", attacked("g")),
        ("region", attacked("r")),
        ("holding", attacked("h")),
        ("segment", attacked("m")),
        ("manager", people),
        ("created_by", people),
    ):
        company.orders[column] = [rename(v) if isinstance(v, str) else v for v in company.orders[column]]
    staff = company.questionnaire["staff"]
    staff["aliases"] = [";".join([*([a] if a else []), *(people(x) for x in a.split(";"))]) for a in staff["aliases"]]
    staff["name"] = [people(v) for v in staff["name"]]
    write(company, folder)
    quoted = json.dumps(COMPANY, ensure_ascii=False)
    (folder / "audit.toml").write_text(
        f'[company]\nname = {quoted}\n[report]\nlang = "{lang}"\nnames = true\nconsultant = {quoted}\n'
        f"confidentiality = {quoted}\n",
        encoding="utf-8",
    )


@pytest.fixture(scope="module", params=["ru", "en"])
def hostile(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunResult]:
    set_language(request.param)
    folder = tmp_path_factory.mktemp("hostile") / "acme"
    make_hostile(folder, request.param)
    yield run_audit(engagement_inputs(folder), deck=True)


@pytest.mark.slow
def test_every_chapter_is_whole_and_the_names_are_there(hostile: RunResult) -> None:
    assert hostile.failed == ()
    told = json.loads((hostile.folder / "findings.json").read_text(encoding="utf-8"))
    assert told["company"]["name"] == COMPANY
    html = (hostile.folder / "report.html").read_text(encoding="utf-8")
    for shown in ("&lt;img src=x onerror=", "$x$", "=HYPERLINK(", "😀🧑‍🔧 № 5 ₽", "{{ 7*7 }}"):
        assert shown in html, shown
    assert "<img src=x" not in html and "<script>document" not in html
    assert "\u202e" not in html, "no name turns the sentence around it"


@pytest.mark.slow
@pytest.mark.browser
def test_in_a_browser_nothing_runs_and_nothing_spills(hostile: RunResult) -> None:
    with chromium() as browser, opened(browser, hostile.folder / "report.html") as page:
        assert page.locator("main img:not([src^='data:'])").count() == 0
        assert axe_violations(page) == []
        for width in (360, 768, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(100)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_the_pdf_shows_the_names_as_text(hostile: RunResult) -> None:
    done = subprocess.run(["pdftotext", str(hostile.folder / "report.pdf"), "-"], capture_output=True, check=True)
    text = "".join(done.stdout.decode("utf-8").split())
    assert "</script><img" in text and "$x$" in text
    assert (hostile.folder / "report.pdf").read_bytes().count(b"/JavaScript") == 0


@pytest.mark.slow
def test_no_cell_of_the_annex_can_run(hostile: RunResult) -> None:
    from openpyxl import load_workbook

    seen: set[str] = set()
    for sheet in load_workbook(hostile.folder / "annex.xlsx"):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate, cell.value)
                if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@")):
                    seen.add(cell.value[0])
                if cell.hyperlink is not None:  # our own links, from the index to the sheets and back
                    assert cell.hyperlink.target is None, (sheet.title, cell.coordinate)
    assert {"=", "+", "@"} <= seen


@pytest.mark.slow
def test_the_deck_holds_them_as_text(hostile: RunResult) -> None:
    from pptx import Presentation

    prs = Presentation(str(hostile.folder / "deck.pptx"))
    assert 8 <= len(prs.slides) <= 12
    assert "</script>" in prs.slides[0].shapes.title.text_frame.text
    with zipfile.ZipFile(hostile.folder / "deck.pptx") as package:
        for name in package.namelist():
            assert b"<script" not in package.read(name), name


@pytest.mark.slow
def test_check_prints_them_and_nothing_else_happens(hostile: RunResult) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "audit", "check", str(hostile.folder.parent.parent)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=PACKAGE.parent,
        timeout=120,
        env=kernel_environment() | {"PYTHONIOENCODING": "utf-8", "KM_AUDIT_LANG": "en"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_names_come_through_whole(hostile: RunResult) -> None:
    """A name of 300 letters is cut nowhere but on a chart or a slide: the lists hold all of it."""
    from openpyxl import load_workbook

    told = [c.value for s in load_workbook(hostile.folder / "annex.xlsx") for row in s.iter_rows() for c in row]
    assert any(isinstance(v, str) and "Ё" * 300 in v for v in told)
