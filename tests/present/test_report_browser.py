"""The report in a real browser, network blocked: nothing runs, nothing is asked for, mouse and keyboard both work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.present.report import build_report
from tests.present.browsing import axe_violations, chromium, opened, tab_until
from tests.present.run_folder import add_quiet_chapter, write_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module", params=["ru", "en"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = add_quiet_chapter(write_run(tmp_path_factory.mktemp(request.param) / "r", request.param), request.param)
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
    assert page.locator(".km-tools [role=status]").first.inner_text().endswith(": 1")


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


def visible(page: Any, selector: str) -> list[str]:
    return [e.inner_text() for e in page.locator(selector).all() if e.is_visible()]


def folds(page: Any) -> list[bool]:
    return page.evaluate("[...document.querySelectorAll('#chapter-service ~ * details.km-fold')].map(e => e.open)")


def test_what_is_clear_is_folded_and_opens_by_key_link_and_address(page: Any, report: Path) -> None:
    assert folds(page) == [False, False]
    assert not page.locator("#chart-service-months").is_visible()
    assert visible(page, "#service-months") and visible(page, "#mine"), "titles and an analyst's cell stay in sight"
    tab_until(page, "e.matches('.km-fold > summary') && e.querySelector('#service-months')")
    page.keyboard.press("Enter")
    assert folds(page) == [True, False] and page.locator("#chart-service-months").is_visible()
    page.locator('.km-menu a[href="#chapter-service"]').click()
    page.locator('.km-menu a[href="#service-to-call"]').click()
    until(page, "document.getElementById('service-to-call').closest('details').open")
    page.goto(report.as_uri() + "#chart-service-months")
    page.reload()
    until(page, "document.getElementById('service-months').closest('details').open")


def test_all_folds_open_and_close_at_once(page: Any) -> None:
    page.locator("[data-do=open]").click()
    assert page.locator("details.km-fold:not([open])").count() == 0
    page.locator("[data-do=fold]").click()
    assert page.locator("details.km-fold[open]").count() == 0


def test_the_record_is_chosen_by_verdict_chapter_and_words(page: Any, report: Path) -> None:
    rows = "#chapter-scorecard ~ * tbody tr:not(.km-group)"
    assert len(visible(page, rows)) == 2, "what was not assessed is in the appendix until it is asked for"
    told = page.locator("#find-told")
    tab_until(page, "e.matches('input[value=found]')")
    page.keyboard.press("Space")
    assert len(visible(page, rows)) == 1 and len(visible(page, ".km-card")) == 1
    assert not page.locator("#chapter-service").is_visible() and not page.locator("#chapter-glossary").is_visible()
    assert told.get_attribute("role") == "status" and "1" in told.inner_text() and "3" in told.inner_text()
    assert page.evaluate("location.hash") == "#find?verdict=found"
    page.locator("input[value=found]").uncheck()
    page.locator("input[value=not_assessed]").check()
    assert len(visible(page, rows)) == 1
    page.locator(".km-find [data-do=reset]").click()
    assert len(visible(page, rows)) == 2 and told.inner_text() == ""
    assert page.evaluate("document.activeElement.id") == "find-text"
    # a client's name leaves the rows that have it, in the folds, too
    name = page.evaluate(
        "document.querySelector('#service-to-call').closest('details').querySelector('tbody th').textContent"
    )
    page.locator("#find-text").fill(name.split()[0].upper() + " 7")
    until(page, "document.getElementById('service-to-call').closest('details').open")
    assert len(visible(page, "#chapter-service ~ * tbody tr")) == 1
    assert not page.locator("#chapter-retention").is_visible()
    # the address brings all of it back
    address = page.evaluate("location.href")
    page.goto("about:blank")
    page.goto(address)
    until(page, "document.body.querySelector('.km-found-bar:not([hidden])')")
    assert len(visible(page, "#chapter-service ~ * tbody tr")) == 1
    page.locator(".km-found-bar [data-do=reset]").click()
    assert folds(page) == [False, False] and page.locator("#chapter-retention").is_visible()


def test_a_link_to_what_the_choice_hides_ends_the_choice(page: Any) -> None:
    page.locator("#find-chapter").select_option(index=1)
    assert not page.locator("#chapter-service").is_visible()
    page.locator('.km-menu a[href="#chapter-service"]').click()
    until(page, "document.getElementById('chapter-service').getBoundingClientRect().height > 0")
    assert page.locator("#find-chapter").input_value() == ""


def test_nothing_found_is_said(page: Any) -> None:
    page.locator("#find-text").fill("qqqq")
    until(page, "document.getElementById('find-told').textContent.length > 5")
    assert visible(page, ".km-chapter") == []


@pytest.mark.parametrize("width", [360, 1440])
def test_a_figure_and_a_term_are_explained_in_place(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    for link in (".km-card a.km-def[href^='#def-']", "a.km-def[href='#term-kogorta'], a.km-def[href='#term-cohort']"):
        word = page.locator(link).first
        word.scroll_into_view_if_needed()
        word.focus()
        page.keyboard.press("Enter")
        box = page.locator("dialog[open]")
        entry = page.locator(word.get_attribute("href")).text_content()
        assert box.locator("p").first.inner_text().split() == entry.split()
        assert axe_violations(page, least=5) == [], "the page behind is out of reach meanwhile"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0
        assert page.evaluate("document.activeElement.matches('a.km-def')"), "the reader is where they were"
        word.click()
        page.locator("dialog[open] button").click()
    assert page.evaluate("location.hash") == "", "reading a definition leads nowhere"


def test_without_a_script_everything_can_be_read(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    tab = context.new_page()
    tab.goto(report.as_uri())
    assert not tab.locator(".km-find").is_visible()
    assert tab.locator("#chapter-scorecard ~ * tbody tr:visible").count() == 6, "three findings below three chapters"
    tab.locator("#service-months").click()
    assert tab.locator("#chart-service-months").is_visible()
    tab.locator(".km-card a.km-def").first.click()
    assert tab.locator("#def-retention-second-purchase-share").is_visible()
    context.close()


def test_on_a_phone_a_row_of_words_is_a_card(page: Any) -> None:
    page.locator("[data-do=open]").click()
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_timeout(100)
    hidden = page.evaluate(
        "[...document.querySelectorAll('.km-stack td, .km-scorecard td')].filter(e => e.getClientRects().length && "
        "e.getBoundingClientRect().right > 360).length"
    )
    assert hidden == 0
    cell = page.locator(".km-stack td[data-label]").first
    assert cell.get_attribute("data-label") in page.evaluate(
        "getComputedStyle(document.querySelector('.km-stack td[data-label]'), '::before').content"
    )


def test_a_long_list_keeps_its_head_in_sight(page: Any) -> None:
    row = page.locator("#chapter-retention ~ div table tbody tr").nth(40)
    row.scroll_into_view_if_needed()
    head = page.locator("#chapter-retention ~ div table thead th").first.bounding_box()
    assert 0 <= head["y"] < 120


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
    page.locator("[data-do=open]").click()
    page.locator("input[value=found]").check()
    assert axe_violations(page) == []


def test_charts_are_drawn_in_the_reports_face(page: Any) -> None:
    assert page.locator("svg.km-svg[role=img][aria-label]").count() == 2
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
    assert not page.locator(".km-find").is_visible()
    assert page.locator("#chart-service-months").is_visible(), "paper has no folds"
