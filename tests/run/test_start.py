"""The front door: from an empty folder to the report by clicks, on widgets alone, in a kernel and in a real browser."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.errors import AuditError, ParameterError, set_language
from audit.resources import resource_dir
from audit.run.cases import open_case
from audit.run.desk import Desk, excerpt
from audit.run.inputs import engagement_inputs
from audit.run.lab import START, make_copies, own_notebooks
from audit.run.start import Start, start
from audit.settings import load_settings
from tests.present.browsing import chromium
from tests.run.test_lab import Served, choose, run_all, until

SAMPLE = resource_dir("data_samples") / "khimsnab"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KM_AUDIT_LANG", raising=False)
    set_language("en")


def questioned() -> bytes:
    """An export that asks three things: the sum of the document on each of its lines, its currency, who is who."""
    rng = random.Random(5)
    lines = ["Order no;Date;Client;Manager;Product;Document amount"]
    for i in range(400):
        day = f"{2024 + i % 2}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        about = f"{i};{day};Client {rng.randint(1, 40)};{rng.choice(['Smith', 'Brown'])}"
        amount = rng.randint(1000, 90000)
        lines += [f"{about};Goods {rng.randint(1, 20)};{amount}" for _ in range(rng.randint(1, 3))]
    return ("\n".join(lines) + "\n").encode()


def six_questions() -> tuple[bytes, float]:
    """An export that asks six things, one answer after another, and its revenue once they are answered."""
    rng = random.Random(7)
    rows, revenue = [], 0
    for i in range(420):
        day = f"{rng.randint(1, 12):02d}/{rng.randint(1, 12):02d}/{2024 + i % 2}"  # day or month first?
        who = rng.randint(1, 40)
        client = f"{'АО' if who == 3 and i % 2 else 'ООО'} «Клиент {who}»"  # two companies, or one?
        people = f"{rng.choice(['Иванов', 'Петрова', 'Сидоров'])};{rng.choice(['Петрова', 'Склад'])}"  # whose client?
        net = rng.randint(1000, 90000)  # with VAT or without? in which currency?
        revenue += net
        rows.append(f"{i:05d};{day};{client};{people};{net};{net * 6 // 5}")
    rows += rows[100:160]  # pasted below, or sold again?
    head = "Номер;Дата;Контрагент;Менеджер;Ответственный;Сумма;Сумма с НДС"
    return ("\n".join([head, *rows]) + "\n").encode(), float(revenue)


ANSWERS = (
    ("взять «Менеджер»", '[columns] manager = "Менеджер"'),
    ("взять «Сумма»", '[columns] amount = "Сумма"'),
    ("первым стоит день", '[reading] date_format = "dd/mm/yyyy"'),
    ("это повтор, считать один раз", '[reading] repeated_rows = "drop"'),
    ("это один клиент", '[reading] legal_forms = "together"'),
    ("RUB", '[company] currency = "RUB"'),
)
"""What is pressed, in words, and the line that it writes."""


def everything(box: Any) -> Iterator[Any]:
    yield box
    for child in getattr(box, "children", ()):
        yield from everything(child)


def shown(page: Start) -> str:
    """All text and markup of the page."""
    return "\n".join(str(x.value) for x in everything(page.box) if isinstance(getattr(x, "value", None), str))


def buttons(page: Start) -> dict[str, Any]:
    return {x.description: x for x in everything(page.box) if hasattr(x, "click")}


def press(page: Start, label: str) -> None:
    buttons(page)[next(b for b in buttons(page) if label in b)].click()


def test_from_an_empty_folder_to_the_questions_and_their_answers(tmp_path: Path) -> None:
    page = Start(Desk(tmp_path))
    assert list(buttons(page)) == ["Begin the audit"]
    press(page, "Begin the audit")
    assert (tmp_path / "questionnaire.xlsx").is_file() and (tmp_path / "orders").is_dir()
    page.desk.put_orders("C:\\exports\\orders.csv", questioned())
    press(page, "Check")
    assert page.failure.value == ""
    assert "orders/orders.csv" in shown(page)
    press(page, "amount: “Document amount”")  # what stopped the reading is answered by a click as well
    assert page.failure.value == "" and "km-front" in shown(page)
    each, once = "it is the sum of each line", "it is the sum of the document, count it once"
    assert each in buttons(page) and once in buttons(page)
    assert "document_sums = [&#34;orders.csv&#34;]" in shown(page), "the line stands beside its button"
    before = load_settings(tmp_path / "audit.toml")
    assert before.reading.document_sums is None

    press(page, each)
    assert load_settings(tmp_path / "audit.toml").reading.document_sums == ()
    assert each not in buttons(page), "what is answered is not asked again"
    assert "document_sums = []" in shown(page), "the line written is shown"

    # a new start of the kernel: all is there, also the way back
    page = Start(Desk(tmp_path))
    assert "document_sums = []" in shown(page)
    press(page, "Take the last answer back")
    assert load_settings(tmp_path / "audit.toml").reading.document_sums is None
    assert each in buttons(page)


def test_six_questions_are_answered_by_six_clicks(tmp_path: Path) -> None:
    content, revenue = six_questions()
    desk = Desk(tmp_path)
    desk.set_up("ru")
    desk.put_orders("sales.csv", content)
    page = Start(desk)
    press(page, "Проверить")
    for means, line in ANSWERS:
        assert page.failure.value == ""
        press(page, means)
        told = shown(page)
        section, _, pair = line.partition(" ")
        assert f"{section}\n{pair}" in told.replace("&#34;", '"'), "the line written is shown"
        page = Start(Desk(tmp_path))  # a new start of the kernel after every answer loses nothing
    assert page.checked is not None and page.checked.usable and page.checked.asks == ()
    assert len(page.desk.answers()) == len(ANSWERS)
    case = open_case(orders=str(tmp_path / "orders"), settings=str(tmp_path / "audit.toml"))
    assert case.intake.revenue == revenue
    case.close()


def test_files_that_cannot_be_used_say_why_and_nothing_is_lost(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.set_up("en")
    lines = ["order_id;order_date;client;amount"] + [
        f"{i};{1 + i % 9}.{1 + i % 8}.2024;C{i % 9};{i}" for i in range(60)
    ]
    desk.put_orders("o.csv", "\n".join(lines).encode())
    checked = desk.check()
    if not checked.usable:  # day and month cannot be told apart
        assert [c.lines for a in checked.asks for c in a.choices]
    desk.put_orders("o.csv", b"a;b\n1;2\n")
    checked = desk.check()
    assert not checked.usable and "What to do" in checked.verdict and checked.page.is_file()
    page = Start(desk)
    assert "What to do" in shown(page)
    assert "Run the audit" not in buttons(page)
    kept = list((tmp_path / ".km-audit" / "replaced").iterdir())
    assert len(kept) == 1 and kept[0].name.endswith("-o.csv"), "a file that is replaced is kept"


def test_a_wrong_line_by_hand_is_told_and_not_written(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.set_up("en")
    desk.put_orders("o.csv", questioned().replace(b"Document amount", b"Amount"))
    page = Start(desk)
    press(page, "Check")
    before = (tmp_path / "audit.toml").read_bytes()
    area = next(x for x in everything(page.box) if type(x).__name__ == "Textarea")
    area.value = "[reading]\ndecimals = ','"
    press(page, "Write into audit.toml")
    assert "decimal" in page.failure.value and (tmp_path / "audit.toml").read_bytes() == before
    with pytest.raises(ParameterError):
        desk.put_orders(".hidden", b"")
    with pytest.raises(ParameterError, match="XLSX"):
        desk.put_questionnaire("a.pdf", b"")


def test_the_language_is_the_reports_and_is_changed_by_a_click(tmp_path: Path) -> None:
    page = Start(Desk(tmp_path))
    toggle = next(x for x in everything(page.box) if type(x).__name__ == "ToggleButtons")
    assert toggle.value == "en"
    toggle.value = "ru"
    press(page, "Begin the audit")
    assert load_settings(tmp_path / "audit.toml").report.lang == "ru"
    assert "Проверить" in buttons(page)
    toggle = next(x for x in everything(page.box) if type(x).__name__ == "ToggleButtons")
    toggle.value = "en"
    assert load_settings(tmp_path / "audit.toml").report.lang == "en" and "Check" in buttons(page)


def test_people_are_chosen_from_the_staff_sheet(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.set_up("en")
    desk.put_questionnaire("filled.xlsx", (SAMPLE / "questionnaire.xlsx").read_bytes())
    desk.put_orders("o.csv", questioned().replace(b"Document amount", b"Amount"))
    ours = [c.lines for a in desk.check().asks for c in a.choices if "questionnaire_is_ours" in c.lines]
    desk.answer(next(line for line in ours if "true" in line))
    who = [a for a in desk.check().asks if a.among]
    assert {a.text.en.split("“")[1].split("”")[0] for a in who} == {"Smith", "Brown"}
    desk.answer(who[0].among[0].lines)
    assert len([a for a in desk.check().asks if a.among]) == 1
    desk.answer(next(a for a in desk.check().asks if a.among).choices[-1].lines)
    assert len(load_settings(tmp_path / "audit.toml").people.system_users) == 1
    assert not [a for a in desk.check().asks if a.among]


def test_like_names_are_told_apart_by_a_click(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.set_up("en")
    lines = ["order_id;order_date;client_id;client;amount"]
    lines += [
        f"{i};2024-{1 + i % 12:02d}-11;{i % 2};{('Northern Steel', 'Northern Steal')[i % 2]};9" for i in range(60)
    ]
    desk.put_orders("o.csv", "\n".join(lines).encode())
    page = Start(desk)
    press(page, "Check")
    asked = "are “Northern Steel”"
    assert "one client?" in shown(page), asked
    press(page, "no, these are two")
    assert "one client?" not in shown(page).partition("Written into audit.toml")[0]
    assert [d.other for d in load_settings(tmp_path / "audit.toml").corrections.different]
    press(page, "Take the last answer back")
    press(page, "yes, one")
    assert len(load_settings(tmp_path / "audit.toml").corrections.merge) == 1
    assert page.checked is not None and page.checked.usable and "one client?" not in page.checked.verdict


def test_a_report_without_a_first_page_is_named() -> None:
    with pytest.raises(AuditError):
        excerpt("<html><body><p>x</p></body></html>")


@pytest.mark.slow
def test_run_and_links_and_page_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)
    desk.set_up("en")
    desk.put_orders("o.csv", questioned().replace(b"Document amount", b"Amount"))
    monkeypatch.setenv("KM_AUDIT_FILES_URL", "/files/")
    page = Start(desk)
    press(page, "Check")
    press(page, "Run the audit")
    assert page.failure.value == ""
    run = desk.latest()
    assert run is not None
    told = shown(page)
    assert f'href="/files/runs/{run.name}/report.html"' in told and f'href="/files/runs/{run.name}/annex.xlsx"' in told
    front = desk.page_one()
    assert front is not None and "km-front" in front and "<script" not in front
    bars = [x for x in everything(page.running) if type(x).__name__ == "IntProgress"]
    assert len(bars) > 10 and {b.bar_style for b in bars} == {"success"}
    # the notebook itself, as JupyterLab runs it, finds the same
    make_copies(engagement_inputs(tmp_path))
    nb = run_all(tmp_path / "notebooks" / START)
    outputs = [o for c in nb.cells for o in c.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "error"]
    assert any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in outputs)
    assert own_notebooks(tmp_path) == {}


def test_without_our_server_links_are_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KM_AUDIT_FILES_URL", raising=False)
    Desk(tmp_path).set_up("en")
    page = Start(Desk(tmp_path))
    assert str(tmp_path / "letter.html") in shown(page) and "href" not in shown(page)
    assert start(tmp_path).children


def click(page: Any, place: Any) -> None:
    """Click what a person sees: in view, and the page at rest."""
    place.wait_for()
    page.wait_for_selector("#jp-main-statusbar >> text=/Idle/")
    place.scroll_into_view_if_needed()
    page.wait_for_timeout(700)
    place.click()


def opened_lab(browser: Any, server: Served, width: int, height: int) -> Any:
    """Open the lab in a window of that size, and wait until its kernel has nothing to do."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(120_000)
    page.goto(server.url("/"))
    page.wait_for_selector("#jp-main-statusbar >> text=/Idle/")
    return page


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(os.name == "nt", reason="a console program cannot be asked to end politely on Windows")
def test_in_a_browser_from_an_empty_folder_to_the_report(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_bytes(questioned())
    folder = tmp_path / "acme"
    with chromium() as browser:
        server = Served(folder)
        try:
            page = opened_lab(browser, server, 1400, 1000)
            assert page.url.split("?")[0].endswith("/lab/tree/notebooks/start.ipynb")
            choose(page, "Run", "Run All Cells")
            click(page, page.get_by_role("button", name="Begin the audit"))
            with page.expect_file_chooser() as files:
                click(page, page.get_by_role("button", name="Add exports"))
            files.value.set_files([export])
            until(page, (folder / "orders" / "export.csv").is_file, "the export has come")
            assert (folder / "orders" / "export.csv").read_bytes() == export.read_bytes()
            click(page, page.get_by_role("button", name="Check", exact=True))
            click(page, page.get_by_role("button", name="amount: “Document amount”"))
            click(page, page.get_by_role("button", name="it is the sum of the document, count it once"))
            until(
                page,
                lambda: load_settings(folder / "audit.toml").reading.document_sums == ("export.csv",),
                "the line is written",
            )
            # a new start of the kernel in the middle loses nothing
            choose(page, "Kernel", "Restart Kernel and Run All Cells")
            page.locator("h3", has_text="Written into audit.toml").wait_for()
            click(page, page.get_by_role("button", name="Run the audit"))
            page.get_by_text(re.compile("Page one ·")).wait_for()
            front = page.frame_locator("iframe").last.locator(".km-front")
            front.wait_for()
            link = page.locator("a[target=_blank][href$='report.html']")
            with page.context.expect_page() as opened:
                click(page, link)
            opened.value.wait_for_selector(".km-cover h1")
        finally:
            server.stop()
    run = Desk(folder).latest()
    assert run is not None and json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(os.name == "nt", reason="a console program cannot be asked to end politely on Windows")
def test_in_a_browser_six_questions_are_answered_by_clicks(tmp_path: Path) -> None:
    content, _ = six_questions()
    folder = tmp_path / "acme"
    desk = Desk(folder)
    folder.mkdir()
    desk.set_up("ru")
    desk.put_orders("sales.csv", content)
    with chromium() as browser:
        server = Served(folder)
        try:
            page = opened_lab(browser, server, 1100, 900)
            restart = page.locator("[data-command='notebook:restart-run-all']").first
            restart.click()  # the ▶▶ of the page's first line: nothing is asked, nothing is lost
            click(page, page.get_by_role("button", name="Проверить", exact=True))
            for n, (means, line) in enumerate(ANSWERS, 1):
                click(page, page.get_by_role("button", name=means, exact=True))
                until(page, lambda n=n: len(desk.answers()) == n, line)
                page.locator("li pre", has_text=line.partition(" ")[2]).wait_for()
                if n == 3:
                    restart.click()
                    page.get_by_text("Провести аудит").wait_for()
            page.locator("h3", has_text="Вопросы: 0").wait_for()
            click(page, page.get_by_role("button", name="Провести аудит"))
            page.frame_locator("iframe").last.locator(".km-front").wait_for()
            page.get_by_text("Готово: отчёт ниже").first.wait_for()
            links = page.locator("a[target=_blank][href^='/files/']")
            addresses = {links.nth(i).get_attribute("href") for i in range(links.count())}
            assert {a.rsplit("/", 1)[-1] for a in addresses} >= {
                "report.pdf",
                "report.html",
                "annex.xlsx",
                "audit.toml",
            }
            for address in addresses:
                assert page.request.get(server.url(address)).ok, address
        finally:
            server.stop()
    assert desk.latest() is not None
    shutil.rmtree(folder)
