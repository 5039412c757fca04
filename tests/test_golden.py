"""The three samples in both languages, whole: what `findings.json`, every section and every annex sheet say.

A change here is a change of what a reader sees. It is reviewed as a difference of the files in ``tests/golden`` and has
a line in ``CHANGELOG.md``. After such a change: ``KM_AUDIT_WRITE_GOLDEN=1 pytest tests/test_golden.py``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from lxml import html

from audit.chapters import diagnose_chapter
from audit.errors import Lang, set_language
from audit.model.case import Case, open_prepared
from audit.present.annex import Sheet, write_annex
from audit.present.later import pictures_later
from audit.run.effects import saved_findings
from audit.run.findings_json import assemble
from audit.run.inputs import file_inputs, override
from audit.run.kept import dump
from audit.run.notebook_api import save_chapter
from audit.run.notebooks import built_chapters
from audit.run.prepare import prepare
from audit.run.sheets import read_sheets
from tests.wording import forbidden

GOLDEN = Path(__file__).with_name("golden")
SAMPLES = ("khimsnab", "veldora_opt", "proekt_inzh")
LANGUAGES: tuple[Lang, ...] = ("ru", "en")

pytestmark = pytest.mark.slow


def section_text(markup: str) -> str:
    """Return what a section says: its words and figures without the drawing, with the drawing's words for the blind."""
    tree = html.fragment_fromstring(markup, create_parent="div")
    said = []
    for node in tree.iter():
        if not isinstance(node.tag, str) or any(a.tag == "svg" for a in node.iterancestors()):
            continue
        if node.tag in ("svg", "img"):
            said.append(node.get("alt") or node.get("aria-label") or "")
        elif node.tag not in ("style", "script"):
            said.append(node.text or "")
        said.append(node.tail or "" if node is not tree else "")
    return " ".join(" ".join(said).split())


def sheet_text(sheet: Sheet) -> str:
    """Return a sheet of the annex as one text: its words, columns and rows, figures with twelve digits."""
    rows = [[c.key, c.label, c.kind, c.note] for c in sheet.columns]
    for row in sheet.frame[[c.key for c in sheet.columns]].itertuples(index=False):
        rows.append([_cell(value) for value in row])
    return json.dumps([sheet.name, sheet.title, sheet.note, rows], ensure_ascii=False)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.12g}"
    return "" if value is None or value is pd.NaT else str(value)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_NOTHING = re.compile(r">[^<]*(?<![\w-])(nan|NaN|NaT|None|&lt;NA&gt;|-?inf)(?![\w-])[^<]*<")
"""How a value that is not there looks when somebody has forgotten it."""


def forgotten(case: Case, folder: Path, findings: dict[str, object]) -> list[str]:
    """Return the cells of the annex that show the machine's word for nothing."""
    book = folder / "annex.xlsx"
    write_annex(book, read_sheets(folder, findings, case), case.settings.report.lang)
    with zipfile.ZipFile(book) as parts:
        pages = [n for n in parts.namelist() if n.startswith("xl/worksheets/") or n == "xl/sharedStrings.xml"]
        return [hit[0] for n in pages for hit in _NOTHING.finditer(parts.read(n).decode("utf-8"))]


def picture_of(case: Case, folder: Path) -> tuple[dict[str, object], dict[str, str], list[str]]:
    """Return ``findings.json`` of a case, a digest of every section and sheet, by the way that a run goes, and what
    the sections say."""
    pictures_later(folder / "charts")
    views = [diagnose_chapter(case, chapter) for chapter in built_chapters()]
    digests, said = {}, []
    for view in views:
        for name in ("headline", *view.sections):
            said.append(section_text(str((view.headline() if name == "headline" else view.section(name)).html)))
            digests[f"{view.name}: {name}"] = digest(said[-1])
        save_chapter(view, folder)
    saved = [json.loads(p.read_text(encoding="utf-8")) for p in sorted((folder / "chapters").glob("*.json"))]
    findings = assemble(case, saved, priced=saved_findings(folder, case.settings.report.lang))
    for sheet in read_sheets(folder, findings, case):
        digests[f"annex: {sheet.name}"] = digest(sheet_text(sheet))
    return findings, digests, said


@pytest.fixture(scope="module")
def prepared_folders(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for sample in SAMPLES:
        folder = root / "data_samples" / sample
        inputs = file_inputs(str(folder / "orders"), folder / "questionnaire", None)
        folders[sample] = prepare(inputs, tmp_path_factory.mktemp(sample))
    return folders


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_says_what_it_said(
    sample: str, lang: Lang, root: Path, prepared_folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = root / "data_samples" / sample
    inputs = file_inputs(str(folder / "orders"), folder / "questionnaire", None)
    set_language(lang)
    case = open_prepared(prepared_folders[sample], override(inputs.settings, {"report": {"lang": lang}}))
    try:
        findings, digests, said = picture_of(case, tmp_path / "run")
        # one language is enough: a Russian page has no reason to say None
        assert lang == "en" or forgotten(case, tmp_path / "run", findings) == []
    finally:
        case.close()
        set_language("ru")
    assert [hit for text in said for hit in forbidden(text, lang)] == []
    made, kept = tmp_path / "findings.json", GOLDEN / f"{sample}.{lang}.json"
    dump(findings, made)
    texts = GOLDEN / f"{sample}.{lang}.texts.json"
    if os.environ.get("KM_AUDIT_WRITE_GOLDEN"):
        kept.write_bytes(made.read_bytes())
        dump(digests, texts)
    # The bytes are what is compared; the lines are shown because they say where.
    assert made.read_text(encoding="utf-8").splitlines() == kept.read_text(encoding="utf-8").splitlines()
    assert made.read_bytes() == kept.read_bytes()
    assert digests == json.loads(texts.read_text(encoding="utf-8"))
