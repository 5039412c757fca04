"""The report in a real browser, network blocked: nothing runs, nothing is asked for, mouse and keyboard both work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.present.report import build_report
from tests.present.browsing import axe_violations, chromium, opened, tab_until
from tests.present.run_folder import write_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module", params=["ru", "en"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = write_run(tmp_path_factory.mktemp(request.param) / "r", request.param)
    path = run / "report.html"
    path.write_text(build_report(run).html, encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    with opened(browser, report) as tab:
        yield tab


def until(page: Any, condition: str) -> None:
    """Wait for a condition; not by playwright's own polling, which evaluates text inside the page and is forbidden."""
    for _ in range(60):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def clients(page: Any) -> list[str]:
    return page.locator("#chapter-retention ~ div table tbody").first.locator("tr:visible th").all_inner_texts()


def test_contents_lead_to_their_chapters(page: Any) -> None:
    links = page.locator(".km-menu a").all()
    assert len(links) >= 10
    for link in links:
        target = link.get_attribute("href")
        assert page.locator(target).count() == 1
    page.locator('.km-menu a[href="#chapter-retention"]').click()
    until(page, "Math.abs(document.getElementById('chapter-retention').getBoundingClientRect().top) < 200")


def test_lists_sort_and_filter_by_mouse_and_keyboard(page: Any) -> None:
    assert len(clients(page)) == 60
    first = clients(page)[0]
    money = page.locator("table[data-sortable] thead th button").nth(1)
    money.click()  # figures: largest first, as they stand
    assert page.locator("th[aria-sort=descending]").count() == 1
    money.focus()
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=ascending]").count() == 1
    assert clients(page)[-1] == first
    page.locator(".km-tools input").first.fill("😀 5")
    assert clients(page) == ["😀 № 5 ₽"]
    assert page.locator("[role=status]").first.inner_text().endswith(": 1")


def test_definitions_show_on_focus_and_go_on_escape(page: Any) -> None:
    word = page.locator(".km-tip-host[tabindex]").first
    word.scroll_into_view_if_needed()
    word.focus()
    tip = page.locator(".km-tip")
    assert tip.is_visible() and tip.inner_text() == word.get_attribute("data-tip")
    described = page.locator(f"#{word.get_attribute('aria-describedby')}")
    assert described.text_content() == tip.inner_text()
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_keyboard_can_skip_to_the_report(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "km-skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "report"


def test_keyboard_alone_opens_a_chapter_sorts_and_filters(page: Any) -> None:
    tab_until(page, "e.matches('.km-menu a[href=\"#chapter-retention\"]')")
    page.keyboard.press("Enter")
    until(page, "Math.abs(document.getElementById('chapter-retention').getBoundingClientRect().top) < 200")
    # from there on Tab goes through the chapter, not through the contents again
    tab_until(page, "e.matches('.km-tools input') || e.matches('thead button')", most=60)
    tab_until(page, "e.matches('table[data-sortable] thead button') && e.closest('th').classList.contains('km-r')")
    first = clients(page)[0]
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=descending]").count() == 1
    page.keyboard.press("Space")
    assert page.locator("th[aria-sort=ascending]").count() == 1
    assert clients(page)[-1] == first
    for _ in range(10):  # back to the filter above the list
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.km-tools input')"):
            break
    page.keyboard.type("😀 5")
    assert clients(page) == ["😀 № 5 ₽"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", "focus can be seen"


@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing_serious(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(100)
    assert axe_violations(page) == []


def test_charts_are_drawn_in_the_reports_face(page: Any) -> None:
    assert page.locator("svg.km-svg[role=img][aria-label]").count() == 1
    family = page.evaluate("getComputedStyle(document.querySelector('svg.km-svg text')).fontFamily")
    assert family.startswith('"Audit Sans"')
    assert page.evaluate("document.fonts.check('12px \"Audit Sans\"')")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_page_fits_the_window(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # what is wider than the window scrolls by itself, and the keyboard can reach it
    stuck = page.evaluate(
        "[...document.querySelectorAll('.km-scroll, .km-plot')].filter(e => e.scrollWidth > e.clientWidth + 1 "
        "&& e.tabIndex !== 0).length"
    )
    assert stuck == 0


def test_menu_folds_on_a_small_screen(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    until(page, "!document.querySelector('.km-menu').open")
    page.locator(".km-menu summary").click()
    page.locator('.km-menu a[href="#chapter-glossary"]').click()
    until(page, "!document.querySelector('.km-menu').open")


def test_paper_from_the_browser_hides_the_controls(page: Any) -> None:
    page.emulate_media(media="print")
    assert not page.locator(".km-nav").is_visible()
    assert not page.locator(".km-tools").first.is_visible()
