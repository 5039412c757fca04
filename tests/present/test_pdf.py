"""The printed report: pages, numbers in the contents, nothing cut off, the same bytes again, nothing obeyed."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.present import pdf
from audit.present.convert import blocks_of
from audit.present.html import clean_html_output, export_notebook
from audit.present.pdf import Paper, PdfResult, write_pdf
from audit.present.report import build_report
from audit.present.tree import Heading, Paragraph, Picture, Run
from tests.present.run_folder import write_run

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    whole = build_report(write_run(tmp_path_factory.mktemp("run") / "r")).full
    assert whole is not None
    return whole


@pytest.fixture(scope="module")
def printed(paper: Paper, tmp_path_factory: pytest.TempPathFactory) -> tuple[PdfResult, Path]:
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    return write_pdf(paper, path), path


def text_of(path: Path, *options: str) -> str:
    done = subprocess.run(["pdftotext", *options, str(path), "-"], capture_output=True, check=True)
    return done.stdout.decode("utf-8").replace("\u200b", "").replace("\u00a0", " ")


def small(*body: Any, **more: Any) -> Paper:
    """Return a paper of a few blocks."""
    words = {"contents": "Содержание", "page": "с.", "of": "из", "picture_lost": "Картинка не читается."}
    colors = {"accent": "#1f5a7a", "ink": "#1f5a7a", "wash": "#eef3f6"}
    return replace(Paper("ru", "Отчёт", "ООО «Ромашка»", (), body, words=words, colors=colors), **more)


def test_engine_is_named_and_the_standards_are_kept(printed: tuple[PdfResult, Path]) -> None:
    result, path = printed
    assert result.engine is not None and result.engine.startswith("Typst ")
    assert result.pages >= 8
    # the only remark is on the letters of a client's name that no face has
    assert result.note is None or "PDF/UA" not in result.note.en
    data = path.read_bytes()
    assert data.startswith(b"%PDF") and b"<pdfuaid:part>1<" in data and b"<pdfaid:part>2<" in data


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_a_report_in_either_language_keeps_the_standards(lang: Any, tmp_path: Path) -> None:
    result = write_pdf(build_report(write_run(tmp_path / "r", lang)).paper, tmp_path / "x.pdf")
    assert result.note is None or "PDF/UA" not in result.note.en


def test_same_document_gives_same_bytes(paper: Paper, printed: tuple[PdfResult, Path], tmp_path: Path) -> None:
    write_pdf(paper, tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == printed[1].read_bytes()


@needs_poppler
def test_letters_survive(printed: tuple[PdfResult, Path]) -> None:
    text = text_of(printed[1])
    for letters in ("Ё", "№", "₽", "норма", "Консультант & Ко", "$x$ 'одинарные'", "=1+1", "</script>"):
        assert letters in text, letters
    assert "hidden_source" not in text


@needs_poppler
def test_contents_point_to_the_right_pages(printed: tuple[PdfResult, Path]) -> None:
    pages = text_of(printed[1], "-layout").split("\f")
    contents = next(p for p in pages if "Содержание" in p)
    entries = re.findall(r"(\S[^\n]*?)\s?\.{3,}\s*(\d+)(?=\s)", contents)  # two columns
    assert len(entries) >= 9
    for title, number in entries:
        assert title.split("  ")[0][:25] in pages[int(number) - 1], (title, number)


@needs_poppler
def test_pages_carry_number_company_and_confidentiality(printed: tuple[PdfResult, Path]) -> None:
    result, path = printed
    pages = text_of(path, "-layout").split("\f")[: result.pages]
    for number, text in enumerate(pages[1:], 2):
        assert f"с. {number} из {result.pages}" in text
        assert 'Только для "своих"' in text
        assert "ООО «Ромашка»" in text
    assert "с. 1 из" not in pages[0]


@needs_poppler
def test_table_heads_repeat_on_every_page(printed: tuple[PdfResult, Path]) -> None:
    rows = "".join(f"<tr><td>Клиент {i}</td><td>{i}</td></tr>" for i in range(90))
    table = f"<table><thead><tr><th>Клиент</th><th>Выручка</th></tr></thead><tbody>{rows}</tbody></table>"
    path = printed[1].with_name("long.pdf")
    assert write_pdf(small(*blocks_of(table)), path).note is None
    listing = [p for p in text_of(path, "-layout").split("\f") if re.search(r"Клиент \d+", p)]
    assert len(listing) >= 2
    assert all(re.search(r"Клиент\s+Выручка", p) for p in listing)


@needs_poppler
def test_a_list_without_end_is_cut_and_says_so(tmp_path: Path) -> None:
    rows = "".join(f"<tr><td>Клиент {i}</td><td>{i}</td></tr>" for i in range(1234))
    assert write_pdf(small(*blocks_of(f"<table>{rows}</table>")), tmp_path / "x.pdf").note is None
    text = text_of(tmp_path / "x.pdf")
    assert "Клиент 399" in text and "Клиент 400" not in text and "Показано строк: 400 из 1 234" in text


@needs_poppler
def test_a_wide_table_alone_lies_on_its_side(printed: tuple[PdfResult, Path]) -> None:
    done = subprocess.run(
        ["pdfinfo", "-f", "1", "-l", "99", str(printed[1])], capture_output=True, check=True, encoding="utf-8"
    )
    sizes = re.findall(r"Page +\d+ size: +([\d.]+) x ([\d.]+)", done.stdout)
    assert sum(float(a) > float(b) for a, b in sizes) == 1


@needs_poppler
def test_nothing_reaches_beyond_its_page(printed: tuple[PdfResult, Path], tmp_path: Path) -> None:
    """No word stands outside the page, whatever the length of a name."""
    hostile = small(
        Heading(1, ("Щ" * 300,)), Paragraph(("W" * 300,)), *blocks_of(f"<table><tr><td>{'Щ' * 300}<td>1</table>")
    )
    long = tmp_path / "long.pdf"
    write_pdf(replace(hostile, company="Щ" * 300, confidentiality="Ы" * 100), long)
    for path in (printed[1], long):
        told = subprocess.run(
            ["pdftotext", "-bbox", str(path), "-"], capture_output=True, check=True, encoding="utf-8"
        ).stdout
        width = 0.0
        for line in told.splitlines():
            if page := re.search(r'<page width="([\d.]+)"', line):
                width = float(page[1])
            elif word := re.search(r'xMin="(-?[\d.]+)".*xMax="([\d.]+)".*>(.*)</word>', line):
                assert float(word[1]) >= 0 and float(word[2]) <= width - 20, word[3]


@needs_poppler
def test_bookmarks_follow_the_contents(printed: tuple[PdfResult, Path]) -> None:
    data = printed[1].read_bytes()
    assert data.count(b"/Outlines") >= 1


HOSTILE = (
    '#read("/etc/passwd")',
    "#panic()",
    "$x^2$",
    "@ref <label>",
    "\\u{41} \\",
    "*b* _i_ `code` ```raw```",
    "<a> ]>[ ] }",
    '"; #import "x.typ"',
    "// /* comment */",
    "-- --- ... ~",
    "= no heading",
    "- no list",
)


@needs_poppler
def test_what_a_client_wrote_is_text_and_no_command(tmp_path: Path) -> None:
    blocks: list[Any] = []
    for name in HOSTILE:
        blocks += [Heading(1, (name,)), Paragraph((name, " ", Run("b", (name,))))]
    paper = small(*blocks, company=HOSTILE[0], consultant=HOSTILE[1], confidentiality=HOSTILE[2], title=HOSTILE[3])
    assert write_pdf(paper, tmp_path / "x.pdf").note is None
    text = " ".join(text_of(tmp_path / "x.pdf").split())
    for name in HOSTILE:
        assert text.count(name) >= 3, name
    assert "root:" not in text


@needs_poppler
def test_unseen_marks_go_and_missing_letters_are_named(tmp_path: Path) -> None:
    said = "a\u202eevil\u202c b\x00c \ufeffd \u2066e\u2069 中 \ud800 й"
    result = write_pdf(small(Paragraph((said,))), tmp_path / "x.pdf")
    text = text_of(tmp_path / "x.pdf")
    assert "aevil bc d e □" in text and "й" in text
    assert result.note is not None and "中" in result.note.ru and "PDF/UA" not in result.note.ru


@needs_poppler
def test_a_long_word_is_broken_a_short_one_is_not(tmp_path: Path) -> None:
    broken = pdf.Letters()("abc" * 20 + " short-word 12345678901234567890")
    assert broken.split(" ")[1:] == ["short-word", "12345678901234567890"]
    assert max(len(p) for p in broken.split(" ")[0].split("\u200b")) == 20
    assert "\u200b" in pdf.Letters()("https://shop.example.com/goods/list")


def test_a_document_that_breaks_a_rule_is_still_printed_and_says_so(tmp_path: Path) -> None:
    result = write_pdf(small(Paragraph(("да",))), tmp_path / "x.pdf", standards=("a-2a", "a-3b"))
    assert result.engine is not None and (tmp_path / "x.pdf").exists()
    assert result.note is not None and "PDF/UA" in result.note.en


def test_skipped_heading_levels_are_closed(tmp_path: Path) -> None:
    blocks = blocks_of("<h5>deep first</h5><p>a</p><h2>up</h2><h6>down</h6><h4>x</h4>")
    assert write_pdf(small(*blocks), tmp_path / "x.pdf").note is None


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@needs_poppler
def test_a_picture_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    def shown(media: str, data: bytes) -> Picture:
        return Picture(media, base64.b64encode(data).decode(), "рисунок", "full")

    good = Picture("image/png", PNG, "точка")
    bad = [shown("image/png", b"nonsense"), shown("image/svg+xml", b"<svg"), shown("image/gif", base64.b64decode(PNG))]
    assert write_pdf(small(Paragraph((good, *bad))), tmp_path / "x.pdf").note is None
    assert text_of(tmp_path / "x.pdf").count("Картинка не читается") == 3


def test_nothing_is_fetched_from_disk_or_network(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(base64.b64decode(PNG))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">'
        '<image width="9" height="9" xlink:href="secret.png"/><image href="http://127.0.0.1:9/x.png"/></svg>'
    )
    paper = small(Paragraph((Picture("image/svg+xml", base64.b64encode(svg.encode()).decode(), "x", "full"),)))
    files, _lost = pdf._files(paper)
    (drawn,) = (data for name, data in files.items() if name.endswith(".svg"))
    assert b"secret" not in drawn and b"127.0.0.1" not in drawn
    assert write_pdf(paper, tmp_path / "x.pdf").note is None


def test_without_typst_the_user_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    stale = tmp_path / "x.pdf"
    stale.write_bytes(b"old")
    monkeypatch.setitem(sys.modules, "typst", None)
    result = write_pdf(small(Paragraph(("да",))), stale)
    assert result.engine is None and result.pages == 0 and not stale.exists()
    assert result.note is not None and "pip install typst" in result.note.en


@needs_poppler
def test_an_analysts_cells_are_printed_and_what_cannot_be_leaves_a_line(tmp_path: Path) -> None:
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    html = (
        '<table class="dataframe"><thead><tr><th></th><th>доля</th></tr></thead>'
        "<tbody><tr><th>север</th><td>0.5</td></tr></tbody></table>"
    )
    widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider()"}
    nb = new_notebook(
        cells=[
            new_markdown_cell("# Заметка\n\n1. раз\n2. **два**\n\n> цитата\n\n`код`\n\n---"),
            new_code_cell("x", outputs=[new_output("display_data", {"text/html": html})]),
            new_code_cell("x", outputs=[new_output("display_data", {"image/png": PNG}, metadata={"alt": "рис"})]),
            new_code_cell("x", outputs=[new_output("display_data", widget)]),
            new_code_cell(
                "x", outputs=[new_output("display_data", {"text/html": "<div id=p></div><script>1</script>"})]
            ),
            new_code_cell("x", outputs=[new_output("stream", text="строка  с   пробелами")]),
        ]
    )
    blocks = blocks_of(str(export_notebook(nb, "ru").html))
    assert write_pdf(small(*blocks), tmp_path / "x.pdf").note is None
    text = text_of(tmp_path / "x.pdf", "-layout")
    for said in ("Заметка", "1. раз", "два", "цитата", "код", "север", "0.5"):
        assert said in text, said
    assert re.search(r"строка +с +пробелами", text)
    assert text.count("только в браузере") == 2 and "IntSlider" not in text


def test_a_table_without_rows_a_table_in_a_table_and_merged_cells_are_printed(tmp_path: Path) -> None:
    soup = (
        "<table></table><table><tr><th>a<th>b</table><table><tr><td rowspan=3>a<td colspan=2>b<tr><td>c</table>"
        "<table><tr><td><table><tr><td>in</table></table><dl><dt>t<dd>d</dl><p></p><ul></ul><details><summary>s</summary>x</details>"
    )
    assert write_pdf(small(*blocks_of(str(clean_html_output(soup)))), tmp_path / "x.pdf").note is None
