"""The personal forms in Chromium: corrections, ways back, what is kept and what is sent, by finger and by keyboard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.present.browsing import axe_violations, chromium, tab_until
from tests.present.forms_pages import DAY, pages

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module", params=["ru", "en"])
def forms(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 360, "height": 760}, offline=True, accept_downloads=True)
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda m: said.append(m.text))
    opened.on("pageerror", lambda e: said.append(str(e)))
    opened.on("dialog", lambda d: d.accept())
    opened.clock.install(time=f"{DAY}T09:00:00")
    yield opened
    assert said == []
    context.close()


def press(page: Any, nth: int, minutes: int = 30) -> None:
    page.locator("#large button.do").nth(nth).click()
    page.clock.fast_forward(minutes * 60_000)


def entries(page: Any) -> list[str]:
    return [" ".join(t.split()) for t in page.locator("#entries li .when").all_inner_texts()]


@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing_serious(page: Any, forms: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto((forms / "day_log_KM1.html").as_uri())
    assert axe_violations(page) == []
    press(page, 0)
    page.click("#interrupt")
    press(page, 1)
    page.click("#more summary")
    page.locator("details").last.locator("summary").click()
    assert axe_violations(page) == []
    page.locator("button.entry").first.click()
    assert axe_violations(page) == []
    page.goto((forms / "time_KM1.html").as_uri())
    page.locator(".row input[type=number]").first.fill("30")
    page.click("#more summary")
    assert axe_violations(page) == []


def test_what_interrupted_is_followed_by_a_way_back(page: Any, forms: Path) -> None:
    page.goto((forms / "day_log_KM1.html").as_uri())
    assert not page.locator("#back").is_visible()
    press(page, 0)
    page.click("#interrupt")
    press(page, 3)
    page.click("#back")
    page.clock.fast_forward(30 * 60_000)
    page.click("#pause")
    page.clock.fast_forward(45 * 60_000)
    page.click("#back")  # after lunch: where one was
    codes = page.evaluate("state.entries.map(e => [e.f, e.x, e.s])")
    large = page.evaluate("F.large")
    assert codes == [
        [large[0], 1, 540],
        [large[3], 0, 570],
        [large[0], 0, 600],
        ["OV_BREAK", 0, 630],
        [large[0], 0, 675],
    ]
    assert not page.locator("#back").is_visible()


def test_an_edit_moves_its_neighbours_and_refuses_what_cannot_be(page: Any, forms: Path) -> None:
    page.goto((forms / "day_log_KM1.html").as_uri())
    for nth in (0, 1, 2):
        press(page, nth)
    page.click("#stop")
    assert entries(page) == ["09:00–09:30", "09:30–10:00", "10:00–10:30"]

    def edit(nth: int | None, start: str, end: str) -> str:
        (page.locator("#add") if nth is None else page.locator("button.entry").nth(nth)).click()
        page.fill("#e-from", start)
        page.fill("#e-to", end)
        page.click("#dialog-form button[type=submit]")
        wrong = str(page.locator("#e-wrong").text_content())
        if wrong:
            page.click("#e-cancel")
        return wrong

    assert edit(1, "09:20", "10:10") == ""
    assert entries(page) == ["09:00–09:20", "09:20–10:10", "10:10–10:30"]
    assert edit(None, "09:40", "09:50") == ""  # forgotten in the middle of another
    assert entries(page) == ["09:00–09:20", "09:20–09:40", "09:40–09:50", "09:50–10:10", "10:10–10:30"]
    words = page.evaluate("W")
    assert edit(0, "09:00", "08:50") == words["bad_times"]
    assert edit(0, "09:00", "23:00") == words["future"]
    assert words["overlap"].split("«")[0].split("“")[0] in edit(2, "09:00", "10:00")
    assert entries(page) == ["09:00–09:20", "09:20–09:40", "09:40–09:50", "09:50–10:10", "10:10–10:30"]
    page.locator("button.entry").first.click()
    page.click("#e-delete")
    assert len(entries(page)) == 4
    for _ in range(3):
        page.click("#undo")
    assert entries(page) == ["09:00–09:30", "09:30–10:00", "10:00–10:30"]


def test_an_entry_left_open_overnight_asks_for_its_end(page: Any, forms: Path) -> None:
    page.goto((forms / "day_log_KM1.html").as_uri())
    press(page, 0, 24 * 60)
    page.reload()
    assert page.locator("#open button").count() == 1
    assert page.locator("#download").is_disabled()  # what has no end is no row
    page.locator("#open button").click()
    page.fill("#e-to", "12:30")
    page.click("#dialog-form button[type=submit]")
    assert page.locator("#open button").count() == 0
    assert entries(page) == ["09:00–12:30"]
    assert page.locator("#notes").inner_text().split(":")[0].rsplit(" ", 2)[1] == "6"  # hours from which a day counts
    assert page.locator("#days button").count() == 2


def test_a_word_of_300_letters_does_not_push_the_page_aside(page: Any, forms: Path) -> None:
    page.goto((forms / "day_log_KM1.html").as_uri())
    page.locator("#large button.do").first.click()
    page.fill("#client", "Щ" * 300)
    page.keyboard.press("Tab")
    page.clock.fast_forward(60_000)
    press(page, 1)
    assert page.locator("#entries").inner_text().count("Щ") == 300
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_shift_past_midnight_ends_at_midnight(page: Any, forms: Path) -> None:
    page.goto((forms / "day_log_KM1.html").as_uri())
    page.clock.fast_forward(14 * 3_600_000)
    press(page, 0, 90)
    page.locator("#open button").click()
    page.fill("#e-to", "00:00")
    page.click("#dialog-form button[type=submit]")
    assert entries(page) == ["23:00–24:00"]
    page.locator("button.entry").first.click()
    assert page.locator("#e-to").input_value() == "00:00"
    page.click("#e-cancel")
    page.click("#copy")
    assert f"KM1;{DAY};23:00;24:00;" in page.locator("#text").input_value()


def test_a_clock_put_back_loses_nothing(page: Any, forms: Path) -> None:
    """A flight west, or the end of summer time: what was running cannot have ended before it began."""
    page.goto((forms / "day_log_KM1.html").as_uri())
    page.locator("#large button.do").nth(0).click()
    page.clock.set_fixed_time(f"{DAY}T08:00:00")
    page.locator("#large button.do").nth(1).click()
    assert len(entries(page)) == 2
    assert page.locator("#open button").count() == 1  # asks for the end, as of what was left over night
    page.clock.set_fixed_time(f"{DAY}T08:30:00")
    page.click("#stop")
    page.click("#copy")
    assert page.locator("#text").input_value().count(DAY) == 1
    assert "08:00;08:30" in page.locator("#text").input_value()


def test_it_goes_on_from_a_file_that_excel_has_saved(page: Any, forms: Path, tmp_path: Path) -> None:
    page.goto((forms / "day_log_KM1.html").as_uri())
    code = page.locator("#large button.do").first.get_attribute("value")
    saved = tmp_path / "x.csv"
    head = "person;date;start;end;function;initiator;client;interrupted\r\n"
    saved.write_bytes(f"{head}KM1;29.11.2026;9:00;9:45:00;{code};IN;Ромашка;0\r\n".encode("cp1251"))
    page.set_input_files("#load", saved)
    page.locator("#days button").nth(1).wait_for()
    page.locator("#days button").first.click()
    page.click("#copy")
    assert f"KM1;2026-11-29;09:00;09:45;{code};IN;Ромашка;0" in page.locator("#text").input_value()
    page.clock.fast_forward(60_000)
    saved.write_bytes(f"{head}KM1;Nov 29;9:00;9:45;{code};IN;;0\r\n".encode())
    page.set_input_files("#load", saved)
    page.locator("#said", has_text="KM1").wait_for()
    assert page.locator("#days button").count() == 2


def test_it_says_whether_the_browser_keeps_what_is_written(browser: Any, forms: Path) -> None:
    context = browser.new_context(offline=True)
    first = context.new_page()
    first.goto((forms / "day_log_KM1.html").as_uri())
    first.reload()  # proves nothing
    words = first.evaluate("W")
    assert first.locator("#store").inner_text() == words["store_new"]
    first.close()
    for _ in range(20):  # the browser hands what one page kept to the next a moment later
        second = context.new_page()
        second.goto((forms / "day_log_KM1.html").as_uri())
        if (told := second.locator("#store").inner_text()) == words["store_kept"]:
            break
        second.close()
        time.sleep(0.1)
    assert told == words["store_kept"]
    context.close()


def test_where_nothing_is_kept_the_file_is_offered_after_every_entry(page: Any, forms: Path, tmp_path: Path) -> None:
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } })")
    page.goto((forms / "day_log_KM1.html").as_uri())
    assert page.locator("#store").inner_text() == page.locator("#store-top").inner_text() == page.evaluate("W.store_no")
    press(page, 0)
    page.locator("#large button.do").nth(1).click()
    assert page.locator("#save-now").is_visible()
    with page.expect_download() as download:
        page.click("#save-now-button")
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert not page.locator("#save-now").is_visible()
    page.clock.fast_forward(10 * 60_000)
    page.reload()
    assert entries(page) == []
    page.set_input_files("#load", saved)
    page.locator("button.entry").first.wait_for()
    assert entries(page) == ["09:00–09:30"]
    other = tmp_path / "other.csv"
    other.write_text(saved.read_text(encoding="utf-8").replace("KM1", "KM2"), encoding="utf-8")
    page.set_input_files("#load", other)
    page.locator("#said", has_text="KM1").wait_for()
    assert entries(page) == ["09:00–09:30"]


def test_the_share_sheet_gets_the_file(page: Any, forms: Path) -> None:
    page.add_init_script(
        "navigator.canShare = (d) => d.files.length === 1;"
        "navigator.share = async (d) => { window.shared = [d.files[0].name, await d.files[0].text()]; };"
    )
    page.goto((forms / "day_log_KM1.html").as_uri())
    press(page, 0)
    page.click("#stop")
    page.click("#send")
    page.locator("#said", has_text=page.evaluate("W.sent")).wait_for()
    name, text = page.evaluate("window.shared")
    assert name == f"day_log_KM1_{DAY}_{DAY}.csv"
    assert f"KM1;{DAY};09:00;09:30;" in text


def test_keyboard_alone_logs_an_hour_and_corrects_it(page: Any, forms: Path) -> None:
    page.goto((forms / "day_log_KM1.html").as_uri())
    tab_until(page, "e.matches('#large button.do:nth-child(2)')")
    page.keyboard.press("Enter")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", "focus can be seen"
    page.clock.fast_forward(60 * 60_000)
    tab_until(page, "e.id === 'stop'")
    page.keyboard.press("Space")
    tab_until(page, "e.matches('button.entry')")
    page.keyboard.press("Enter")
    tab_until(page, "e.id === 'e-cut'")
    page.keyboard.press("Space")
    tab_until(page, "e.matches('#dialog-form button[type=submit]')")
    page.keyboard.press("Enter")
    assert not page.locator("#dialog").is_visible()
    assert page.evaluate("state.entries.map(e => [e.s, e.e, e.x])") == [[540, 600, 1]]


def test_more_activities_are_found_by_a_word_and_stay_at_hand(page: Any, forms: Path) -> None:
    page.goto((forms / "day_log_KM1.html").as_uri())
    assert page.locator("#large button.do:visible").count() == 12
    page.click("#more summary")
    page.fill("#find", "crm")
    assert page.locator("#all button.do:visible").count() == 1
    page.locator("#all button.do:visible").click()
    assert page.locator("#large button.do:visible").count() == 13


def test_the_same_button_again_is_the_next_client(page: Any, forms: Path) -> None:
    page.goto((forms / "day_log_KM1.html").as_uri())
    first = page.locator("#large button.do").first
    first.click()
    page.click("#who button[value=IN]")
    first.click()  # twice at once: nothing
    assert page.evaluate("state.entries.map(e => e.i)") == ["IN"]
    page.clock.fast_forward(20 * 60_000)
    first.click()
    page.fill("#client", "<b>&;7</b>")
    page.click("#stop")  # at once: no minute has passed
    assert entries(page) == ["09:00–09:20"]
    page.click("#undo")
    assert page.evaluate("state.entries.map(e => [e.s, e.e, e.c])") == [[540, 560, ""], [560, None, "<b>&;7</b>"]]
    assert page.locator("#entries b").count() == 0


def test_another_window_of_the_form_shows_the_same_day(page: Any, forms: Path) -> None:
    page.goto((forms / "day_log_KM1.html").as_uri())
    other = page.context.new_page()
    other.clock.install(time=f"{DAY}T09:00:00")
    other.goto((forms / "day_log_KM1.html").as_uri())
    press(page, 0)
    other.locator("button.entry").first.wait_for()
    assert entries(other) == entries(page)
