"""What comes back from disk is written anew: no script, no frame, balanced tags, unique ids."""

from __future__ import annotations

import base64
import re

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from audit.present.html import clean_html, clean_svg, export_notebook, inline_svg, markdown, number_ids, outline


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("<p onclick='x'>a</p>", "<p>a</p>"),
        ("<script>alert(1)</script>b", "b"),
        ("<style>*{}</style><p>a", "<p>a</p>"),
        ("<a href='javascript:alert(1)'>x</a>", "<a>x</a>"),
        ("<a href='#ok'>x</a>", '<a href="#ok">x</a>'),
        ("<a href='https://x.example/'>x</a>", '<a href="https://x.example/" rel="noopener noreferrer">x</a>'),
        ("<img src='http://x/y.png'>", ""),
        ("<img src=x onerror=alert(1)>", ""),
        ("<iframe src='data:text/html,x'>y</iframe>z", "z"),
        ("<svg><script>1</script><p>t</p></svg>u", "u"),
        ("<input value=1><p>a</p>", "<p>a</p>"),
        ("</div></section><b>a", "<b>a</b>"),
        ("<table><tr><td>1<td>2<tr><td>3</table>", "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>"),
        ("<td><p>a</td>b", "<td><p>a</p></td>b"),
        ("<p style='color:red; background:url(x); position:fixed'>a</p>", '<p style="color:red">a</p>'),
        ("<p id='1 х'>a</p>", '<p id="x-1--">a</p>'),
        ("<!-- c --><![CDATA[x]]>&lt;b&gt;", "&lt;b&gt;"),
        ("<h1>a</h1>", "<h3>a</h3>"),
        ("a < b & c", "a &lt; b &amp; c"),
    ],
)
def test_clean_html(dirty: str, clean: str) -> None:
    shift = 2 if "<h1>" in dirty else 0
    assert str(clean_html(dirty, shift=shift)) == clean


@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<table>",
                "</table>",
                "<tr>",
                "<td>",
                "</td>",
                "<script>",
                "</script>",
                "<svg>",
                "</svg>",
                "<b onload=x>",
                "</b>",
                "<div>",
                "</div>",
                "text",
                "&lt;",
                "<",
                "'",
            ]
        ),
        max_size=25,
    )
)
def test_any_soup_comes_out_balanced_and_harmless(parts: list[str]) -> None:
    out = str(clean_html("".join(parts)))
    etree.fromstring(f"<root>{out}</root>".encode())  # balanced
    assert "script" not in out and "onload" not in out
    assert str(clean_html(out)) == out  # cleaning again changes nothing


def test_markdown_shows_raw_html_as_text_and_starts_at_section_level() -> None:
    out = str(markdown("# Заметка\n\n<script>alert(1)</script> **важно**\n\n## Ниже\n\n|a|b|\n|-|-|\n|1|2|"))
    assert "<h3>Заметка</h3>" in out and "<h4>Ниже</h4>" in out
    assert "&lt;script&gt;" in out and "<strong>важно</strong>" in out and "<td>1</td>" in out


SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 1 1" onload="x()">'
    '<defs><clipPath id="p1"><rect width="1" height="1"/></clipPath></defs><script>alert(1)</script>'
    '<foreignObject><p>x</p></foreignObject><g id="unused" clip-path="url(#p1)" style="fill:url(http://x/y)">'
    '<use xlink:href="#p1"/><image href="http://x/y.png"/><text onclick="x">a &lt; b</text></g></svg>'
)


def test_svg_is_cleaned_and_its_ids_are_its_own() -> None:
    out = clean_svg(SVG.encode(), "s1-", 'alt "text"')
    assert out is not None
    root = etree.fromstring(out.encode())
    names = [etree.QName(e).localname for e in root.iter()]
    assert "script" not in names and "foreignObject" not in names
    assert 'id="s1-p1"' in out and "url(#s1-p1)" in out and 'href="#s1-p1"' in out
    assert not re.search(r"onload|onclick|http://x|unused", out)
    assert root.get("aria-label") == 'alt "text"' and "a &lt; b" in out


def test_svg_that_is_none_is_refused() -> None:
    assert clean_svg(b"<html/>", "p", "") is None
    assert clean_svg(b"<svg", "p", "") is None
    bomb = b'<!DOCTYPE s [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg"><text>&a;</text></svg>'
    assert "aaaa" not in (clean_svg(bomb, "p", "") or "")


def test_charts_go_inline_each_with_its_own_ids() -> None:
    coded = base64.b64encode(SVG.encode()).decode()
    img = f'<img class="km-svg" alt="a &lt; b" src="data:image/svg+xml;base64,{coded}">'
    out = inline_svg(img + img)
    assert out.count('<svg class="km-svg"') == 2
    assert 'id="s1-p1"' in out and 'id="s2-p1"' in out
    assert 'aria-label="a &lt; b"' in out


def notebook() -> nbformat.NotebookNode:
    html = (
        '<style>.km-section{color:GREEN}</style><section class="km-section"><h3 id="a">Раздел</h3><p>наш</p>'
        "<script>alert(1)</script></section>"
    )
    return new_notebook(
        cells=[
            new_markdown_cell("# Заметка аналитика"),
            new_code_cell("SOURCE", metadata={"tags": ["parameters"]}, outputs=[new_output("stream", text="PARAM")]),
            new_code_cell("SOURCE", metadata={"tags": ["injected-parameters"]}),
            new_code_cell("SOURCE", metadata={"tags": ["internal"]}, outputs=[new_output("stream", text="INTERNAL")]),
            new_markdown_cell("INTERNAL", metadata={"tags": ["internal"]}),
            new_code_cell("SOURCE", outputs=[new_output("display_data", {"text/html": html, "text/plain": "PLAIN"})]),
            new_code_cell(
                "SOURCE",
                outputs=[
                    new_output("stream", name="stdout", text="\x1b[31mпечать\x1b[0m <b>"),
                    new_output("stream", name="stderr", text="WARNING"),
                    new_output("execute_result", {"text/plain": "3 < 4"}, execution_count=1),
                    new_output(
                        "display_data", {"image/png": "aGVsbG8=", "text/plain": "PLAIN"}, metadata={"alt": "рис"}
                    ),
                    new_output("display_data", {"image/svg+xml": SVG}),
                    new_output("display_data", {"text/html": "<table border=1><tr><td>1</td></tr></table>"}),
                    new_output("display_data", {"text/markdown": "**жирно**"}),
                    new_output("display_data", {"application/javascript": "alert(1)"}),
                ],
            ),
        ]
    )


def test_notebook_shows_outputs_and_prose_only() -> None:
    body = export_notebook(notebook(), "ru")
    html = str(body.html)
    for shown in (
        "<h3>Заметка аналитика</h3>",
        "<p>наш</p>",
        "печать &lt;b&gt;",
        "3 &lt; 4",
        "<strong>жирно</strong>",
        'alt="рис" src="data:image/png;base64,aGVsbG8="',
        "km-foreign",
        "data:image/svg+xml;base64,",
    ):
        assert shown in html, shown
    for hidden in ("SOURCE", "PARAM", "INTERNAL", "PLAIN", "WARNING", "GREEN", "alert", "\x1b"):
        assert hidden not in html, hidden
    assert body.error is None


def test_traceback_becomes_one_line() -> None:
    broken = new_code_cell(
        "x",
        outputs=[
            new_output("error", ename="ValueError", evalue="нет <столбца>\nещё строка", traceback=["длинный", "след"])
        ],
    )
    body = export_notebook(new_notebook(cells=[new_code_cell("ok"), broken]), "ru")
    assert body.error == (2, "ValueError: нет <столбца>")
    assert "нет &lt;столбца&gt;" in body.html and "след" not in body.html


def test_exporting_leaves_the_notebook_alone() -> None:
    nb = notebook()
    before = nbformat.writes(nb)
    export_notebook(nb, "ru")
    assert nbformat.writes(nb) == before


def test_ids_become_unique_and_headings_get_one() -> None:
    out = number_ids('<h2>Вторая покупка</h2><p id="a">x</p><p id="a">y</p><p id="a-2">z</p><h3 id="k">T</h3>')
    assert re.findall(r'id="([^"]+)"', out) == ["h-vtoraya-pokupka", "a", "a-2", "a-2-2", "k"]
    assert [(h.level, h.text, h.id) for h in outline(out)] == [
        (2, "Вторая покупка", "h-vtoraya-pokupka"),
        (3, "T", "k"),
    ]
