"""What the browser shows folded: sections that prove nothing wrong, never a problem and never an analyst's cell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markupsafe import Markup

from audit.findings.finding import Finding, Status
from audit.present.blocks import FindingView, Section
from audit.present.folds import fold_sections
from audit.present.report import build_report
from audit.present.tree import Node, walk
from tests.present.run_folder import add_quiet_chapter, write_run


def _views(**statuses: Status) -> list[FindingView]:
    return [FindingView(Finding(id.replace("__", "."), s, "none"), id) for id, s in statuses.items()]


def _section(id: str, *pictures: str) -> Markup:
    shown = [Markup('<figure id="chart-{}"></figure>').format(p) for p in pictures]
    return Section(id, id, shown).html


def _folded(html: Markup) -> list[str]:
    return re.findall(r'<details class="km-fold"[^>]*><summary><h3 id="([^"]+)"', html)


CHAPTER = Markup("\n").join(
    (
        _section("service-findings"),
        _section("service-months", "service-months"),
        _section("service-reasons", "service-reasons"),
        _section("service-heat"),
        _section("mine"),
    )
)


def test_in_a_chapter_with_a_problem_only_what_is_clear_is_folded() -> None:
    told = fold_sections(CHAPTER, "service", _views(service__late="found", service__complaints="clear"), "ru")
    assert _folded(told) == ["service-reasons"]
    assert 'data-v="found"' in told and "Проблем в этой главе не найдено" not in told
    assert "○" in told[told.index("service-reasons") :].split("</summary>")[0], "its verdict stands beside the title"


def test_what_cannot_be_told_stays_open_beside_a_problem() -> None:
    told = fold_sections(CHAPTER, "service", _views(service__late="watch", service__complaints="unclear"), "en")
    assert _folded(told) == []


def test_a_chapter_with_nothing_found_is_its_verdicts_and_a_sentence() -> None:
    told = fold_sections(CHAPTER, "service", _views(service__late="clear"), "ru")
    assert _folded(told) == ["service-months", "service-reasons", "service-heat"]
    said = told.index("Проблем в этой главе не найдено")
    assert told.index("service-findings") < said < told.index("<details")


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (("clear", "clear"), "Проблем в этой главе не найдено."),
        (("clear", "unclear"), "Там, где данных хватило, проблем не найдено."),
        (("clear", "not_assessed"), "Там, где данных хватило, проблем не найдено."),
        (("not_assessed", "unclear"), "Есть ли здесь проблемы, по этим данным сказать нельзя."),
    ],
)
def test_what_was_not_assessed_is_not_called_free_of_trouble(statuses: tuple[Status, Status], said: str) -> None:
    told = fold_sections(CHAPTER, "service", _views(service__late=statuses[0], service__complaints=statuses[1]), "ru")
    assert f'<p class="km-folded">{said} ' in told and told.count("km-folded") == 1


def test_without_verdicts_nothing_is_folded() -> None:
    assert fold_sections(CHAPTER, "service", [], "ru") == CHAPTER


def test_nothing_of_a_section_is_lost() -> None:
    told = fold_sections(CHAPTER, "service", _views(service__late="clear"), "ru")
    for tag in ("section", "details", "figure"):
        assert told.count(f"<{tag}") == told.count(f"</{tag}>")
    ids = re.findall(r'id="([^"]+)"', CHAPTER)
    assert re.findall(r'id="([^"]+)"', told) == ids, "each once, in the same order"


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_an_analyst_s_cells_are_open_in_a_folded_chapter(tmp_path: Path, lang: str) -> None:
    run = add_quiet_chapter(write_run(tmp_path / "r", "ru" if lang == "ru" else "en"), "ru" if lang == "ru" else "en")
    made = build_report(run)
    html = made.html[made.html.index('id="chapter-service"') :]
    html = html[: html.index('<section class="km-chapter')]
    assert _folded(Markup(html)) == ["service-months", "service-to-call"]
    bare = re.sub(r"<details.*?</details>", "", html, flags=re.S)
    for shown in ("Ячейка аналитика", "Слова аналитика") if lang == "ru" else ("An analyst", "The analyst"):
        assert shown in bare
    assert made.full is not None
    ids = [n.id for n in walk(made.full.body) if isinstance(n, Node) and getattr(n, "id", "")]
    assert "service-months" in ids and "service-to-call" in ids, "paper has no folds"
