"""The deck: number of slides, native text and tables, nothing outside its box, nothing lost, equal bytes."""

from __future__ import annotations

import copy
import io
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pptx import Presentation
from pptx.util import Emu

from audit.errors import Lang, set_language
from audit.present.context import PageOne, PlanEntry, ReportContext
from audit.present.deck import HEIGHT_IN, MAX_SLIDES, WIDTH_IN, _wrap, chart_of, fit_text, whole_sentences, write_deck
from audit.present.format import Fmt
from audit.present.titles import chapter_title
from audit.run.inputs import demo_inputs
from audit.run.screen import write_screen

HOSTILE = "</a:t></a:r> <script> $x$ =1+1 \"'& Ёж 🦔 \x07" + "д" * 300
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000020000000108060000000f0d0a0a0000000049454e44ae426082"
)  # header of a 2 x 1 picture; its pixels do not matter here


@pytest.fixture(scope="module", params=["ru", "en"])
def told(request: pytest.FixtureRequest) -> dict[str, Any]:
    """findings.json of the bundled sample."""
    set_language(request.param)
    return write_screen(demo_inputs(request.param), None)


PLAN = (
    PlanEntry(number=1, text="Cut the steps", owner="KD (KD1)", until="2026-01-30"),
    PlanEntry(number=2, text="Hand over", owner="ROP", until="2026-03-01", after=(1,)),
)


def context(told: dict[str, Any], **changes: Any) -> ReportContext:
    lang: Lang = told["lang"]
    given: dict[str, Any] = {
        "lang": lang,
        "company": told["company"]["name"],
        "currency": "RUB",
        "confidentiality": "Secret",
        "period": {k: told["period"][k] for k in ("start", "end", "as_of")},
        "verdict": ("Verdict.",),
        "dated": "2025-12-31",
        "consultant": "A & B <Consulting>",
        "plan": PLAN,
    }
    return ReportContext(**(given | changes))


def texts(slide: Any) -> list[str]:
    out = [s.text_frame.text for s in slide.shapes if s.has_text_frame]
    for shape in slide.shapes:
        if shape.has_table:
            out += [cell.text for row in shape.table.rows for cell in row.cells]
    return out


def deck(told: dict[str, Any], folder: Path, **changes: Any) -> Any:
    charts = folder / "charts"
    charts.mkdir(exist_ok=True)
    write_deck(context(told, **changes), told, charts, folder / "deck.pptx")
    return Presentation(str(folder / "deck.pptx"))


def pictured(folder: Path, *names: str) -> None:
    from PIL import Image

    (folder / "charts").mkdir(exist_ok=True)
    for name in names:
        Image.new("RGB", (1340, 700), "white").save(folder / "charts" / f"{name}.png")


def test_slides_in_order_with_real_titles(told: dict[str, Any], tmp_path: Path) -> None:
    pictured(tmp_path, "roles-km-load", "retention-second")
    prs = deck(told, tmp_path)
    assert 8 <= len(prs.slides) <= MAX_SLIDES
    titles = [s.shapes.title.text_frame.text for s in prs.slides]
    assert all(titles) and titles[0] == told["company"]["name"]
    found = [f["title"] for f in told["findings"] if f["status"] == "found" and f["disease"] == f["id"]]
    assert 0 < len(found) <= 5
    assert set(found) <= set(titles), "every problem that is found has a slide"
    shown = {s.shapes.title.text_frame.text: sum(p.shape_type == 13 for p in s.shapes) for s in prs.slides}
    by_id = {f["id"]: f["title"] for f in told["findings"]}
    assert shown[by_id["roles.km_overload"]] == 1
    assert shown[by_id["retention.leaky_first_purchase"]] == 1
    for slide in prs.slides:
        for shape in slide.shapes:
            if shape.shape_type == 13:
                assert shape._element.nvPicPr.cNvPr.get("descr"), "a picture has alternative text"


def test_the_verdict_slide_says_what_page_one_says(told: dict[str, Any], tmp_path: Path) -> None:
    one = PageOne(
        numbers=(("411", "hours", "a remark"),) * 3, decision="Decide", items=("First", "Second"), sure="Sure"
    )
    said = texts(deck(told, tmp_path, page_one=one).slides[1])
    assert {"Verdict.", "411", "hours", "a remark", "Decide", "Sure"} <= set(said)
    assert any("1. First" in t and "2. Second" in t for t in said)


def test_the_business_case_names_every_way_and_no_formula(told: dict[str, Any], tmp_path: Path) -> None:
    fmt = Fmt(told["lang"], "RUB")
    cells = {t for s in deck(told, tmp_path).slides for t in texts(s)}
    for o in told["money"]["options"]:
        if o["id"] != "as_now":
            assert fmt.money_range(o["gain"]["low"], o["gain"]["base"], o["gain"]["high"]) in cells
    assert not any(" × " in c for c in cells)


def test_what_is_in_order_is_counted_by_chapter(told: dict[str, Any], tmp_path: Path) -> None:
    said = {"ru": "Что в порядке", "en": "What is in order"}[told["lang"]]
    slide = next(s for s in deck(told, tmp_path).slides if s.shapes.title.text_frame.text == said)
    counts = Counter(f["id"].split(".")[0] for f in told["findings"] if f["status"] == "clear")
    rows = next([[c.text for c in r.cells] for r in s.table.rows] for s in slide.shapes if s.has_table)
    assert {r[0]: r[1] for r in rows[1:]} == {chapter_title(c, told["lang"]): str(n) for c, n in counts.items()}


def test_a_slide_says_whole_sentences_only() -> None:
    told = "В 2025 г. люди ввели 1 236 заказов. Это много. " + "Остальное не поместится никак. " * 9
    assert whole_sentences(told, 3, 0.45, largest=14, smallest=12) == "В 2025 г. люди ввели 1 236 заказов. Это много."
    assert whole_sentences("Одно.", 3, 0.1, largest=14, smallest=12) == "Одно."


def test_the_scorecard_and_the_plan_are_native_tables(told: dict[str, Any], tmp_path: Path) -> None:
    prs = deck(told, tmp_path)
    cells = [c for s in prs.slides for shape in s.shapes if shape.has_table for c in texts(s)]
    for f in told["findings"]:
        if f["status"] in ("found", "watch"):
            assert any(f["title"] in c for c in cells)
    for entry in PLAN:
        assert entry.text in cells and entry.owner in cells


def boxes(prs: Any) -> list[tuple[str, float, float, list[tuple[str, int, bool]]]]:
    """Every text with the box it stands in: text, width and height in inches, its runs' sizes."""
    out = []

    def add(frame: Any, width: float, height: float) -> None:
        runs = [(r.text, int(r.font.size.pt), bool(r.font.bold)) for p in frame.paragraphs for r in p.runs]
        if runs:
            out.append((frame.text, width, height, runs))

    for slide in prs.slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                add(shape.text_frame, Emu(shape.width).inches, Emu(shape.height).inches)
            if shape.has_table:
                table = shape.table
                for row in table.rows:
                    for k, cell in enumerate(row.cells):
                        add(cell.text_frame, Emu(table.columns[k].width).inches, Emu(row.height).inches)
    return out


def assert_nothing_overflows(prs: Any) -> None:
    for text, width, height, runs in boxes(prs):
        need = sum(len(_wrap(t, width - 0.08, size, bold)) * size * 1.2 / 72 for t, size, bold in runs)
        assert need <= height + 0.02, (text[:60], need, height)
    for slide in prs.slides:
        for shape in slide.shapes:
            right, bottom = Emu(shape.left + shape.width).inches, Emu(shape.top + shape.height).inches
            assert right <= WIDTH_IN + 0.01 and bottom <= HEIGHT_IN + 0.01, shape.name
            assert shape.left >= 0 and shape.top >= 0


def test_nothing_overflows(told: dict[str, Any], tmp_path: Path) -> None:
    pictured(tmp_path, "roles-km-load", "retention-second", "roles-flow")
    assert_nothing_overflows(deck(told, tmp_path))


def test_anything_a_client_writes_is_text_in_its_box(told: dict[str, Any], tmp_path: Path) -> None:
    bad = copy.deepcopy(told)
    for f in bad["findings"]:
        f["title"] = f"{HOSTILE} {f['id']}"
        f["text"] = HOSTILE * 8
    prs = deck(bad, tmp_path, company=HOSTILE, consultant=HOSTILE, confidentiality=HOSTILE, verdict=(HOSTILE * 3,))
    assert_nothing_overflows(prs)
    assert "<script>" in prs.slides[0].shapes.title.text_frame.text
    with zipfile.ZipFile(tmp_path / "deck.pptx") as package:
        assert b"<script>" not in b"".join(package.read(n) for n in package.namelist() if n.endswith(".xml"))
    notes = [s.notes_slide.notes_text_frame.text for s in prs.slides if s.has_notes_slide]
    assert any("д" * 300 in n for n in notes), "what the slide cuts stands whole in the notes"


def test_equal_input_gives_equal_bytes(told: dict[str, Any], tmp_path: Path) -> None:
    pictured(tmp_path, "roles-km-load")
    deck(told, tmp_path)
    first = (tmp_path / "deck.pptx").read_bytes()
    deck(told, tmp_path)
    assert (tmp_path / "deck.pptx").read_bytes() == first
    with zipfile.ZipFile(io.BytesIO(first)) as package:
        assert {i.date_time for i in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_company_without_findings_gets_its_deck_too(told: dict[str, Any], tmp_path: Path) -> None:
    quiet = copy.deepcopy(told)
    for f in quiet["findings"]:
        if f["status"] in ("found", "watch"):
            f.update(status="clear", severity="none")
    quiet["actions"] = []
    prs = deck(quiet, tmp_path)
    assert 5 <= len(prs.slides) <= MAX_SLIDES
    assert_nothing_overflows(prs)


def test_what_could_not_be_assessed_is_named(told: dict[str, Any], tmp_path: Path) -> None:
    blind = copy.deepcopy(told)
    blind["findings"][0].update(status="not_assessed", reason="No questionnaire at all")
    prs = deck(blind, tmp_path)
    assert any("No questionnaire at all" in t for s in prs.slides for t in texts(s))


def test_fit_text_shrinks_then_cuts() -> None:
    assert fit_text("short", 5, 1, largest=20, smallest=10) == ("short", 20)
    text, size = fit_text("word " * 30, 3, 1, largest=20, smallest=10)
    assert 10 <= size < 20 and text == ("word " * 30).strip()
    text, size = fit_text("word " * 400, 3, 1, largest=20, smallest=10)
    assert size == 10 and text.endswith("…")
    assert len(_wrap(text, 3, 10, False)) * 10 * 1.22 / 72 <= 1
    text, size = fit_text("д" * 500, 2, 0.3, largest=12, smallest=10)
    assert text.endswith("…") and len(_wrap(text, 2, size, False)) == 1


def test_the_chart_of_a_finding_is_the_best_that_is_there(tmp_path: Path) -> None:
    for name in ("retention-repeat", "service-kinds", "base-abc"):
        Image.new("RGB", (40, 30)).save(tmp_path / f"{name}.png")
    assert chart_of("retention.low_repeat_share", tmp_path) == tmp_path / "retention-repeat.png"
    assert chart_of("service.late", tmp_path) == tmp_path / "service-kinds.png"
    assert chart_of("base.indigestion", tmp_path) is None
    assert chart_of("roles.km_overload", tmp_path) is None
    Image.new("RGB", (40, 50)).save(tmp_path / "service-kinds.png")  # forty lines: nobody reads them on a wall
    assert chart_of("service.late", tmp_path) is None


@pytest.mark.slow
def test_libreoffice_opens_the_deck(told: dict[str, Any], tmp_path: Path) -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        # CI installs it; a person need not have it to run the other tests
        pytest.skip("LibreOffice is not installed")
    prs = deck(told, tmp_path)
    done = subprocess.run(
        [
            office,
            "--headless",
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            "--convert-to",
            "pdf",
            "--outdir",
            str(tmp_path),
            str(tmp_path / "deck.pptx"),
        ],
        capture_output=True,
        text=True,
        timeout=240,
    )
    if not (tmp_path / "deck.pdf").is_file() and "could not be loaded" in done.stdout + done.stderr:
        # spreadsheets alone are a common installation
        pytest.skip("this LibreOffice has no Impress")
    data = (tmp_path / "deck.pdf").read_bytes()
    counts = [int(n) for n in re.findall(rb"/Count\s+(\d+)", data)]
    assert max(counts) == len(prs.slides)
