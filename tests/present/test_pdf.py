"""The printed report: pages, numbers in the contents, nothing cut off, the same bytes again, a way without Pango."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from audit.present import pdf
from audit.present.pdf import PdfResult, find_browser, write_pdf
from audit.present.report import build_reports
from tests.present.run_folder import write_run

try:
    import weasyprint
except OSError:  # no Pango on this computer
    weasyprint = None

needs_pango = pytest.mark.skipif(weasyprint is None, reason="Pango is not installed")
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return next(build_reports(write_run(tmp_path_factory.mktemp("run") / "r"), targets=("print",)))


@pytest.fixture(scope="module")
def printed(page: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[PdfResult, Path]:
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    return write_pdf(page, path, "ru", engine="weasyprint"), path


def text_of(path: Path, *options: str) -> str:
    done = subprocess.run(["pdftotext", *options, str(path), "-"], capture_output=True, check=True)
    return done.stdout.decode("utf-8")


@needs_pango
def test_engine_and_pages_are_named(printed: tuple[PdfResult, Path]) -> None:
    result, path = printed
    assert result.engine == "WeasyPrint" and result.note is None
    assert result.pages >= 8
    assert path.read_bytes().startswith(b"%PDF")


@needs_pango
def test_same_html_gives_same_bytes(page: str, printed: tuple[PdfResult, Path], tmp_path: Path) -> None:
    write_pdf(page, tmp_path / "again.pdf", "ru", engine="weasyprint")
    assert (tmp_path / "again.pdf").read_bytes() == printed[1].read_bytes()


@needs_pango
@needs_poppler
def test_letters_survive(printed: tuple[PdfResult, Path]) -> None:
    text = text_of(printed[1])
    for letters in ("Ё", "№", "₽", "норма", "Консультант & Ко", "$x$ 'одинарные'"):
        assert letters in text
    assert "hidden_source" not in text


@needs_pango
@needs_poppler
def test_contents_point_to_the_right_pages(printed: tuple[PdfResult, Path]) -> None:
    pages = text_of(printed[1], "-layout").split("\f")
    contents = next(p for p in pages if "Содержание" in p)
    entries = re.findall(r"(\S[^\n]*?)\s?\.{3,}\s*(\d+)(?=\s)", contents)  # two columns
    assert len(entries) >= 9
    for title, number in entries:
        assert title.split("  ")[0][:25] in pages[int(number) - 1], (title, number)


@needs_pango
@needs_poppler
def test_pages_carry_number_company_and_confidentiality(printed: tuple[PdfResult, Path]) -> None:
    result, path = printed
    pages = text_of(path, "-layout").split("\f")[: result.pages]
    for number, text in enumerate(pages[1:], 2):
        assert f"с. {number} из {result.pages}" in text.replace("\u00a0", " ")
        assert 'Только для "своих"' in text
        assert "ООО «Ромашка»" in text
    assert "с. 1 из" not in pages[0]


@needs_pango
@needs_poppler
def test_table_heads_repeat_on_every_page(printed: tuple[PdfResult, Path]) -> None:
    pages = text_of(printed[1], "-layout").split("\f")
    listing = [p for p in pages if re.search(r"Клиент \d+", p)]
    assert len(listing) >= 2
    assert all(re.search(r"Клиент\s+Выручка", p) for p in listing)


@needs_pango
def test_nothing_reaches_beyond_its_page(page: str) -> None:
    """No line, picture or table is wider than the page it stands on."""
    from weasyprint.urls import URLFetcher

    document = weasyprint.HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=("data",))).render()
    beyond: list[str] = []
    landscape = 0
    for sheet in document.pages:
        landscape += sheet.width > sheet.height

        def look(box: Any, page_width: float = sheet.width) -> None:
            kind, width = type(box).__name__, getattr(box, "width", 0)
            right = box.position_x + (width if isinstance(width, int | float) else 0)
            if right > page_width + 1 and kind in ("TextBox", "InlineReplacedBox", "BlockReplacedBox", "TableBox"):
                beyond.append(f"{kind} {getattr(box, 'text', '')!r} ends at {right:.0f} of {page_width:.0f}")
            for child in getattr(box, "children", []):
                look(child)

        look(sheet._page_box)
    assert beyond == []
    assert landscape == 1  # the wide table, and only it


@needs_pango
def test_bookmarks_follow_the_contents(page: str) -> None:
    from weasyprint.urls import URLFetcher

    document = weasyprint.HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=("data",))).render()
    tree = document.make_bookmark_tree()
    chapters = [label for label, _target, _children, _state in tree]
    assert chapters[0] == "Главное" and "1. Удержание" in chapters and "Словарь" in chapters
    assert "Вторая покупка" in [c[0] for label, _t, children, _s in tree if label == "1. Удержание" for c in children]


@needs_pango
def test_nothing_is_fetched_from_disk_or_network(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET", encoding="utf-8")
    html = (
        f'<html lang="ru"><link rel="attachment" href="{secret.as_uri()}"><img src="{secret.as_uri()}">'
        f'<img src="http://127.0.0.1:9/x.png"><p>да</p></html>'
    )
    result = write_pdf(html, tmp_path / "x.pdf", "ru", engine="weasyprint")
    assert result.pages == 1
    assert b"secret" not in (tmp_path / "x.pdf").read_bytes()


def test_without_pango_a_browser_prints(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_pango(*_: object) -> int:
        raise OSError("cannot load library 'libpango-1.0-0'")

    def fake_browser(html: str, path: Path, browser: Path) -> int:
        path.write_bytes(b"%PDF-")
        return 5

    monkeypatch.setattr(pdf, "_weasyprint", no_pango)
    monkeypatch.setattr(pdf, "find_browser", lambda: Path("/opt/msedge"))
    monkeypatch.setattr(pdf, "_browser", fake_browser)
    result = write_pdf(page, tmp_path / "x.pdf", "ru")
    assert result.engine == "browser (msedge)" and result.pages == 5
    assert result.note is not None and "браузером (msedge)" in result.note.ru


def test_without_any_engine_the_user_is_told_what_to_install(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_pango(*_: object) -> int:
        raise OSError("cannot load library 'libpango-1.0-0'")

    stale = tmp_path / "x.pdf"
    stale.write_bytes(b"old")
    monkeypatch.setattr(pdf, "_weasyprint", no_pango)
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    result = write_pdf(page, stale, "en")
    assert result.engine is None and result.pages == 0 and not stale.exists()
    assert result.note is not None and "libpango-1.0-0" in result.note.en and "Edge" in result.note.ru


@pytest.mark.browser
def test_an_installed_browser_really_prints(page: str, tmp_path: Path) -> None:
    if find_browser() is None:
        pytest.skip("no Chromium, Chrome or Edge is installed")
    result = write_pdf(page, tmp_path / "x.pdf", "ru", engine="browser")
    assert result.pages >= 8 and result.engine is not None and result.engine.startswith("browser")
