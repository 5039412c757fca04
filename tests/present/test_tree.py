"""The tree of blocks: the same in both documents, there and back through a notebook, never a command."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from markupsafe import Markup
from nbformat.v4 import new_code_cell, new_notebook, new_output

from audit.present.blocks import (
    Col,
    Section,
    action_text,
    callout,
    executive_page,
    finding_card,
    key_figures,
    metric_line,
    pairs,
    paper_scorecard,
    scorecard,
    status_mark,
    table,
    unassessed,
)
from audit.present.convert import blocks_of, runs_of
from audit.present.html import export_notebook
from audit.present.paper import BLOCKS, for_paper, stored, unstored
from audit.present.tree import Heading, Paragraph, Run, Table, from_plain, plain, text_of, walk
from tests.present.test_blocks import NASTY, RU, SHARE, VIEW


def section() -> Section:
    frame = pd.DataFrame({"client": [f"{NASTY} {i}" for i in range(20)], "n": range(20)})
    cols = [Col("client", "К", note=NASTY), Col("n", "n", "count"), Col("n", "ещё", "count", paper=False)]
    return Section(
        "s",
        NASTY,
        [
            finding_card(VIEW, RU),
            scorecard([("Глава", [VIEW])], RU),
            table(frame, cols, fmt=RU, max_rows=15, paper_rows=8, sheet="Лист", caption=NASTY),
            action_text(VIEW.actions[0], "ru"),
            callout("Внимание", Markup("<ul><li>раз</li><li>два</li></ul>")),
            key_figures([("1", "что", ""), ("2", "где", "и когда")]),
            metric_line(SHARE, NASTY, RU),
            unassessed([VIEW], RU),
            Markup("Слова <b>с</b> ударением: {}").format(status_mark("found", "ru")),
            "Просто.\n\nДва абзаца.",
            executive_page(
                fmt=RU, verdict="Вердикт.", findings=[VIEW], how_sure=["да"], decision=("Решить", ["раз", "два"])
            ),
        ],
        lead=NASTY,
    )


def test_there_and_back_through_a_notebook() -> None:
    blocks = section().blocks
    assert from_plain(json.loads(json.dumps(plain(for_paper(blocks))))) == for_paper(blocks)
    assert unstored(stored(blocks), str(section().html)) == for_paper(blocks)


def test_pictures_wait_in_the_html_alone() -> None:
    assert "base64" in section().html and len(stored(section().blocks)) < len(section().html)
    with pytest.raises(ValueError, match="picture"):
        unstored(stored(section().blocks), "<p>other</p>")


@pytest.mark.parametrize("junk", ["", "{", "5", '[{"k":"p"}]', '[{"k":"p","inside":"x"}]', '[{"k":"?"}]', '["text"]'])
def test_what_is_no_tree_is_refused(junk: str) -> None:
    with pytest.raises(ValueError):
        unstored(junk, "")


def test_html_read_back_says_what_the_blocks_say() -> None:
    """The converter, which reads what analysts show, reads the kit's own HTML as well."""
    said, read = (" ".join(text_of(b).split()) for b in (for_paper(section().blocks), blocks_of(str(section().html))))
    without_blanks = "".join(said.split()), "".join(read.split())
    assert without_blanks[0] == without_blanks[1]


def test_screen_keeps_what_paper_leaves_out() -> None:
    blocks = section().blocks
    (listed,) = (n for n in walk(blocks) if isinstance(n, Table) and len(n.body) == 15)
    (printed,) = (n for n in walk(for_paper(blocks)) if isinstance(n, Table) and len(n.body) == 8)
    assert [len(r.cells) for r in (listed.body[0], printed.body[0])] == [3, 2]
    assert sum(printed.widths) == pytest.approx(100)
    notes = [text_of(n) for n in walk(for_paper(blocks)) if isinstance(n, Paragraph) and n.style == "note"]
    assert notes == ["Показано строк: 8 из 20. Список целиком — на листе «Лист» файла annex.xlsx."]


def test_a_sentence_of_html_becomes_runs() -> None:
    assert runs_of("a &lt; b") == ("a < b",)
    assert runs_of("доля <b>5 %</b> велика ") == ("доля ", Run("b", ("5 %",)), " велика", " ")
    assert runs_of("") == ()


def test_a_notebook_gives_the_blocks_it_kept_or_else_those_of_its_html() -> None:
    data, metadata = Section("s", "Заголовок", ["Слова."])._repr_mimebundle_()
    whole = new_output("display_data", data=data, metadata=metadata)
    edited = new_output("display_data", data={**data, BLOCKS: "[{}]"}, metadata=metadata)
    foreign = new_output("display_data", data={"text/html": "<h1>Мой</h1><p>текст</p>"})
    wanted = (Heading(2, ("Заголовок",), "s"), Paragraph(("Слова.",)))
    for output in (whole, edited):
        assert export_notebook(new_notebook(cells=[new_code_cell("x", outputs=[output])]), "ru").blocks == wanted
    read: Any = export_notebook(new_notebook(cells=[new_code_cell("x", outputs=[foreign])]), "ru").blocks
    assert [type(b) for b in read] == [Heading, Paragraph] and read[0].level == 2


def test_pairs_and_the_printed_scorecard_are_blocks_of_paper() -> None:
    assert [b.kind for b in pairs(["a", "b", "c"]).nodes] == ["columns", "columns"]
    assert NASTY in text_of(paper_scorecard([("Глава", [VIEW])], RU).nodes)
