"""The document: what is in it, in which order, and that it can be made again from the folder alone."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from markupsafe import Markup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from audit.errors import PreparedError
from audit.present.blocks import PAPER_ONLY, Section
from audit.present.format import NBSP
from audit.present.html import export_notebook
from audit.present.report import (
    ReportContext,
    _gather,
    build_report,
    definitions_of,
    glossary,
    read_context,
    thresholds_of,
)
from audit.present.tree import Link, Node, Table, walk
from tests.present.run_folder import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "r")


@pytest.fixture(scope="module")
def screen(run: Path) -> str:
    return build_report(run).html


def anchors(html: str) -> set[str]:
    return set(re.findall(r'\sid="([^"]+)"', html))


def test_order_of_the_document(screen: str) -> None:
    places = [
        screen.index(s)
        for s in (
            'id="cover"',
            'id="executive"',
            'id="chapter-scorecard"',
            'id="chapter-retention"',
            'id="chapter-base"',
            'id="chapter-keys"',
            'id="chapter-unassessed"',
            'id="chapter-about-data"',
            'id="chapter-definitions"',
            'id="chapter-thresholds"',
            'id="chapter-glossary"',
        )
    ]
    assert places == sorted(places)


def test_every_inner_link_leads_somewhere(screen: str) -> None:
    targets = set(re.findall(r'href="#([^"]+)"', screen))
    assert "finding-retention-leaky-first-purchase" in targets and "chart-km" in targets
    assert targets - anchors(screen) == set()


def test_a_section_for_the_analyst_stays_in_the_notebook() -> None:
    outputs = []
    for i in (1, 2):
        data, metadata = Section(f"s{i}", f"Раздел {i}", internal=i == 2)._repr_mimebundle_()
        assert f"Раздел {i}" in data["text/html"]
        outputs.append(new_output("display_data", data=data, metadata=metadata))
    cell = new_code_cell("x", outputs=outputs)
    html = str(export_notebook(new_notebook(cells=[cell]), "ru").html)
    assert "Раздел 1" in html and "Раздел 2" not in html


def test_ids_are_unique_and_ascii(screen: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', screen)
    assert len(ids) == len(set(ids))
    assert all(i.isascii() for i in ids)


def test_no_code_no_parameters_no_traceback(screen: str) -> None:
    for hidden in ("hidden_source", "PARAM", "след"):
        assert hidden not in screen


def test_failed_chapter_is_named_and_the_others_stand(screen: str) -> None:
    failed = screen[screen.index('id="chapter-keys"') :]
    assert "Главу построить не удалось" in failed and "KeyError" in failed


def test_chapter_with_nothing_to_say_says_so_in_a_line(screen: str) -> None:
    chapter = screen[screen.index('id="chapter-base"') : screen.index('id="chapter-keys"')]
    assert "Для этой главы нет данных." in chapter


def test_one_file_with_a_policy_that_forbids_the_rest(screen: str) -> None:
    assert "default-src 'none'" in screen
    assert re.findall(r'(?:src|href)="https?:', screen) == []
    assert screen.count("<script>") == 1
    assert "@import" not in screen and "<link" not in screen
    assert len(screen.encode()) < 3_000_000


def test_frame_speaks_the_language(tmp_path: Path) -> None:
    english = build_report(write_run(tmp_path / "en", "en")).html
    assert '<html lang="en"' in english
    assert "Scorecard" in english and "What could not be assessed" in english
    text = re.sub(r"<style>.*?</style>|<script>.*?</script>|<[^>]+>", " ", english, flags=re.S)
    cyrillic = re.findall(r"[а-яё]{4,}", text.replace("двойные", "").replace("одинарные", "").replace("ёлочки", ""))
    assert set(cyrillic) <= {"омашка", "онсультант"}  # names only


def test_russian_frame_has_no_english_word(screen: str) -> None:
    text = re.sub(r"<style>.*?</style>|<script>.*?</script>|<svg.*?</svg>|<[^>]+>", " ", screen, flags=re.S)
    english = set(re.findall(r"[a-z]{4,}", text)) - {"script", "onerror", "document", "title", "hacked"}
    # ids of the method, file names and the names of programmes stay as they are
    assert english <= {
        "retention",
        "leaky",
        "first",
        "purchase",
        "second",
        "share",
        "list",
        "annex",
        "xlsx",
        "audit",
        "toml",
        "rejected",
        "rows",
        "quot",
        "rror",
    }


def test_a_term_leads_to_the_glossary_once_a_section(screen: str) -> None:
    chapter = screen[screen.index('id="chapter-retention"') : screen.index('id="chapter-base"')]
    link = 'class="km-def" href="#term-kogorta"'
    assert chapter.count(link) == 1
    assert "Клиенты, впервые купившие в одном и том же месяце." in screen[screen.index('<p id="term-kogorta">') :]


def test_a_figure_leads_to_its_definition_with_source_and_limits(screen: str) -> None:
    anchor = "def-retention-second-purchase-share"
    assert screen.count(f'class="km-def" href="#{anchor}"') == 2, "its card and the scorecard"
    entry = screen[screen.index(f'<p id="{anchor}">') :].split("</p>")[0]
    assert "Смысл" in entry and "Источник: EK" in entry and f"Границы: ● &lt;{NBSP}67{NBSP}%" in entry


def test_thresholds_in_force_say_when_they_were_changed(screen: str) -> None:
    assert "изменён для этого аудита" in screen
    assert f"&lt;{NBSP}67{NBSP}%" in screen


def test_paper_and_screen_take_their_own_parts(run: Path, screen: str) -> None:
    paper = build_report(run).full
    assert paper is not None
    assert f'"{PAPER_ONLY}"' not in screen and f" {PAPER_ONLY}" not in screen and f"<!--{PAPER_ONLY}" not in screen
    assert 'class="km-table km-scorecard"' in screen and 'class="km-line"' not in screen
    kinds = {n.kind for n in walk([*paper.front, *paper.body]) if isinstance(n, Node)}
    styles = {n.style for n in walk(paper.body) if isinstance(n, Table)}
    assert "lines" in kinds and "scorecard" not in styles
    links = [n.to for n in walk([*paper.front, *paper.body]) if isinstance(n, Link)]
    anchor = "#finding-retention-leaky-first-purchase"  # page one and the scorecard
    assert links.count(anchor) >= 2 and screen.count(f'href="{anchor}"') >= 2


def test_sections_that_only_say_why_they_are_empty_become_a_line() -> None:
    def section(title: str, lead: str, more: str = "") -> str:
        return str(Section(title, title, [more] if more else [], lead=lead).html)

    html = (
        section("A", "нет данных")
        + section("B", "нет данных.")
        + section("C", "есть")
        + section("D", "нет данных", "x")
    )
    folded = str(_gather(Markup(html), {"нет данных"}, "ru"))
    assert "Не показано: «A», «B». нет данных." in folded
    assert folded.count("<section") == 2 and ">C</h3>" in folded and ">D</h3>" in folded


def test_a_name_cannot_turn_the_sentence_around_it(tmp_path: Path) -> None:
    html = build_report(write_run(tmp_path / "r", company="\u202eабв\u2066 שלום")).html
    assert "абв שלום" in html and not set(html) & {"\u202e", "\u2066"}


def test_rendering_again_gives_the_same_bytes(run: Path, screen: str) -> None:
    assert build_report(run).html == screen


def test_an_added_cell_appears_after_rendering_again(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r")
    path = run / "notebooks" / "40_retention.ipynb"
    nb = nbformat.read(path, as_version=4)
    shown = new_output("execute_result", {"text/plain": "СОРОК ДВА"}, execution_count=9)
    nb.cells.append(new_code_cell("1 + 1", outputs=[shown]))
    nb.cells.append(new_markdown_cell("тайное", metadata={"tags": ["internal"]}))
    nbformat.write(nb, path)
    html = build_report(run).html
    assert "СОРОК ДВА" in html and "тайное" not in html


def test_page_one_stands_without_the_summary_notebook(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r")
    (run / "notebooks" / "00_summary.ipynb").unlink()
    html = build_report(run).html
    assert 'id="executive"' in html and "Второй раз покупают 61 %" in html


def test_damaged_notebook_is_said_not_raised(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r")
    (run / "notebooks" / "40_retention.ipynb").write_text("{broken", encoding="utf-8")
    assert "файл 40_retention.ipynb не читается" in build_report(run).html


def test_missing_context_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(PreparedError) as raised:
        build_report(tmp_path)
    assert "km-audit run" in "\n".join(raised.value.lines("ru"))
    (tmp_path / "report.json").write_text('{"company": 3}', encoding="utf-8")
    with pytest.raises(PreparedError):
        read_context(tmp_path)


def test_context_goes_through_json_unchanged(run: Path) -> None:
    context = read_context(run)
    assert ReportContext.model_validate_json(context.as_json()) == context


def test_hostile_company_name_stays_a_name(tmp_path: Path) -> None:
    name = '</title><script>alert(1)</script>" \\ \n} @page{'
    run = write_run(tmp_path / "r", company=name)
    documents = build_report(run)
    assert "<script>alert" not in documents.html
    assert documents.paper.company == name


def test_method_describes_itself_in_both_languages() -> None:
    from audit.method import method

    for lang, default in (("ru", "значение по умолчанию"), ("en", "default of this audit")):
        entries = thresholds_of(method().thresholds, lang)  # type: ignore[arg-type]
        assert {e.id for e in entries} == set(method().thresholds)
        assert any(e.source == default for e in entries)
        definitions = definitions_of(method().metrics, lang)  # type: ignore[arg-type]
        assert all(d.name and d.definition and d.source for d in definitions)


def test_glossaries_explain_without_repeating() -> None:
    for lang in ("ru", "en"):
        terms = glossary(lang)  # type: ignore[arg-type]
        assert len({t.term for t in terms}) == len(terms) > 20
        forms = [f.lower() for t in terms for f in t.forms]
        assert len(forms) == len(set(forms))
