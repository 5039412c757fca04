"""The personal forms in Chromium, Firefox and WebKit: a day of 25 entries, what is sent, and that the kit reads it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import audit
from audit.chapters.roles.daylog import clean_log
from audit.cli import app
from audit.ground.people import staff_now
from audit.intake.questionnaire import read_questionnaire
from audit.model.questionnaire import Questionnaire
from tests.present.engines import Tab, fill, set_clock, tab
from tests.present.forms_pages import DAY, SAMPLE, pages

pytestmark = pytest.mark.browser


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def at(tab: Tab, minute: int, day: str = DAY) -> None:
    set_clock(tab, f"{day}T{clock(minute)}:00")


def sent(tab: Tab) -> list[list[str]]:
    """Return what the file holds, by way of the button that shows it as text."""
    tab.tap("#copy")
    text = tab.js("return document.querySelector('#text').value")
    assert text.startswith("\ufeff") and text.endswith("\n")
    return list(csv.reader(io.StringIO(text[1:]), delimiter=";"))


def read_back(folder: Path, table: str, rows: list[list[str]]) -> Questionnaire:
    """Read the sample's answers with this table instead of its own."""
    answers = folder / "answers"
    shutil.copytree(SAMPLE, answers)
    with (answers / f"{table}.csv").open("w", encoding="utf-8", newline="") as f:
        csv.writer(f, delimiter=";").writerows(rows)
    return read_questionnaire(answers)


def a_day(tab: Tab, day: str = DAY) -> list[list[str]]:
    """Live a working day of 25 entries from 9:00, a reload in the middle; return the rows to be sent.

    The buttons are pressed in turn, 20 minutes each; every third entry is the client's, every fifth is interrupted.
    """
    buttons = tab.js("return [...document.querySelectorAll('#large button.do:not([hidden])')].map(b => b.value)")
    assert len(buttons) == 12
    rows = []
    for k in range(25):
        if k == 12:
            tab.reload()
        at(tab, 540 + 20 * k, day)
        code = buttons[k % 11]
        tab.tap(f'#large button[value="{code}"]')
        if k % 3 == 0:
            tab.tap("#who button[value=IN]")
        if k % 5 == 4:
            tab.tap("#interrupt")
        begun, cut = ("IN" if k % 3 == 0 else ""), str(int(k % 5 == 4))
        rows.append(["KM1", day, clock(540 + 20 * k), clock(560 + 20 * k), code, begun, "", cut])
    at(tab, 540 + 20 * 25, day)
    tab.tap("#stop")
    return rows


@pytest.mark.parametrize(
    ("engine", "width", "lang"),
    [
        ("chromium", 360, "ru"),
        ("chromium", 1440, "en"),
        ("firefox", 360, "en"),
        ("firefox", 1440, "ru"),
        ("webkit", 360, "ru"),
        ("webkit", 1440, "en"),
    ],
)
def test_a_day_of_25_entries_survives_a_reload_an_edit_and_is_read(
    engine: str, width: int, lang: str, tmp_path: Path
) -> None:
    form = pages(tmp_path, lang) / "day_log_KM1.html"
    with tab(engine, tmp_path, width) as page:
        page.open(form)
        rows = a_day(page)
        assert page.js("return document.querySelectorAll('button.entry').length") == 25
        # the third entry began five minutes earlier, with a client: the second gives way
        page.tap("#entries li:nth-child(3) button")
        fill(page, "#e-from", "09:35")
        fill(page, "#e-client", "0203;330")
        page.tap("#dialog-form button[type=submit]")
        rows[1][3], rows[2][2], rows[2][6] = "09:35", "09:35", "0203;330"
        # a slip of the finger, and back
        page.tap("#large button.do:nth-child(1)")
        page.tap("#undo")
        assert sent(page) == [
            ["person", "date", "start", "end", "function", "initiator", "client", "interrupted"],
            *rows,
        ]
        page.tap("#download")
        file = f"day_log_KM1_{DAY}_{DAY}.csv"
        wait_for(lambda: list(tmp_path.rglob(file)))
        assert page.js("return document.documentElement.scrollWidth - innerWidth") <= 0
        page.js(
            "Object.assign(document.body.style, {width: '360px', margin: '0'})"
        )  # a phone's width, where a window cannot be so narrow
        wide = page.js(
            "return [...document.querySelectorAll('main *')]"
            ".filter(e => !e.closest('.dock') && e.getBoundingClientRect().right > 361).length"
        )
        assert wide == 0 or width > 500
    answers = read_back(tmp_path, "day_log", rows_of(next(tmp_path.rglob(file))))
    assert [p for p in answers.problems if p.table == "day_log"] == []
    log = answers.table("day_log")
    assert len(log) == 25 and log["interrupted"].sum() == 5 and (log["initiator"] == "IN").sum() == 9
    staff = staff_now(answers.table("staff"), pd.Timestamp(DAY).date(), 160)
    day = clean_log(log, staff, 6.0)
    assert (day.short_days, day.clipped, day.bad) == (0, 0, 0)
    assert day.days["hours"].tolist() == [pytest.approx(500 / 60)]


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")), delimiter=";"))


def wait_for(condition: Any) -> None:
    for _ in range(100):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("the file was not saved")


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_closing_the_browser_loses_nothing(engine: str, tmp_path: Path) -> None:
    """WebKit's driver forgets everything with its window, as a private window does: it cannot be tried there."""
    form = pages(tmp_path, "en") / "day_log_KM1.html"
    with tab(engine, tmp_path, 360) as page:
        page.open(form)
        at(page, 540)
        page.tap("#large button.do:nth-child(1)")
        at(page, 570)
        page.tap("#large button.do:nth-child(2)")
        at(page, 600)
        page.tap("#stop")
    with tab(engine, tmp_path, 360) as page:
        page.open(form)
        at(page, 610)
        page.tap("#undo")  # even what can be undone is kept
        page.tap("#stop")
        assert [row[2:4] for row in sent(page)[1:]] == [["09:00", "09:30"], ["09:30", "10:10"]]
        assert page.js("return document.querySelector('#store').textContent").startswith("Checked")


@pytest.mark.slow
def test_three_days_from_the_form_are_evidence_in_the_chapter_on_roles(tmp_path: Path) -> None:
    """The three days of one person are the least that speaks for a role; `check` reads them, the report compares them."""
    form = pages(tmp_path) / "day_log_KM1.html"
    days = ("2026-11-25", "2026-11-26", DAY)
    with tab("chromium", tmp_path, 360) as page:
        page.open(form)
        rows = [row for day in days for row in a_day(page, day)]
        assert sent(page)[1:] == rows
        page.tap("#download")
        wait_for(lambda: list(tmp_path.rglob(f"day_log_KM1_{days[0]}_{DAY}.csv")))
    read_back(tmp_path, "day_log", rows_of(next(tmp_path.rglob("day_log_KM1_2*.csv"))))
    (tmp_path / "answers").rename(tmp_path / "questionnaire")
    shutil.copytree(SAMPLE.parent / "orders", tmp_path / "orders")
    done = CliRunner().invoke(app, ["check", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    asked = json.loads(done.output)["questionnaire"]
    assert asked["tables"]["day_log"] == 75 and asked["problems"] == []
    case = audit.open_case(tmp_path / "orders", tmp_path / "questionnaire")
    evidence = audit.chapter(case, "roles").tables["evidence"].set_index(["family", "group"])
    assert evidence.loc[("KM", "OPER"), ["log_days", "log_people"]].tolist() == [3, 1]
    # 11 buttons in turn, 4 of them operational: entries 8–11 and 19–22 of 25
    assert evidence.loc[("KM", "OPER"), "log_share"] == pytest.approx(8 / 25)
    case.close()


@pytest.mark.parametrize(("engine", "width"), [("chromium", 360), ("firefox", 360), ("webkit", 360)])
def test_the_time_sheet_is_sent_when_it_adds_up(engine: str, width: int, tmp_path: Path) -> None:
    form = pages(tmp_path) / "time_KM1.html"
    with tab(engine, tmp_path, width) as page:
        page.open(form)
        codes = page.js("return [...document.querySelectorAll('#large .row')].map(r => r.dataset.code)")
        for code, hours in zip(codes, ("40", "30,5", "9.5"), strict=False):
            field = f'.row[data-code="{code}"] input[type=' + ("range" if hours == "40" else "number") + "]"
            fill(page, field, hours.replace(",", "."))
        assert page.js("return document.querySelector('#sum').textContent") == "80 из 160 ч"
        assert page.js("return document.querySelector('#send').disabled") is True
        page.reload()
        page.tap("#scale")
        assert page.js("return document.body.dataset.sum") == "good"
        rows = sent(page)
        assert page.js("return document.documentElement.scrollWidth - innerWidth") <= 0
    assert rows == [
        ["person", "function", "share", "confidence"],
        ["KM1", codes[0], "0.5000", "2"],
        ["KM1", codes[1], "0.3812", "2"],
        ["KM1", codes[2], "0.1187", "2"],
    ]
    answers = read_back(tmp_path, "time", rows)
    assert [p for p in answers.problems if p.table == "time"] == []
    assert answers.table("time")["share"].sum() == pytest.approx(1.0, abs=0.001)
