"""The verbs that a chapter's sections are written with."""

from __future__ import annotations

import pandas as pd
import pytest
from markupsafe import Markup

from audit.chapters import part
from audit.model.result import ChapterResult, metric
from audit.present.blocks import Col
from audit.present.chapter import ChapterView
from tests.case_builder import make_case

ORDERS = [{"client_id": "A", "order_date": "2024-01-01", "amount": 100}]


@pytest.fixture(scope="module")
def view() -> ChapterView:
    result = ChapterResult.of("retention", [metric("retention.ticket_trend", 0.1)], {}, {"months": 12})
    return ChapterView(make_case(ORDERS), result, (), lambda: part("retention", "sections"))


def test_words_come_from_the_chapters_narrative_and_labels_from_the_code(view: ChapterView) -> None:
    assert view.say("trends", "title") == view.narrative.section("retention", "trends", "title")
    assert isinstance(view.say("trends", "title"), Markup) and type(view.plain("trends", "title")) is str
    assert view.plain("trends", "no_such_part") == ""
    assert view.label("Клиент", "Client") == "Клиент"
    assert view.metric("ticket_trend").value == 0.1


def test_a_caption_takes_the_sections_words_or_those_given(view: ChapterView) -> None:
    own = view.caption("trends", low=0.0, high=0.2, last=0.1, n=30)
    assert (own.id, own.note) == (
        "retention-trends",
        view.plain("trends", "chart_note", low=0.0, high=0.2, last=0.1, n=30),
    )
    # Without a trend there is nothing to note: an empty note is not the section's own, whose values are unknown here.
    given = view.caption("trends", "trend-active_clients", title="Клиенты", note="")
    assert (given.id, given.title, given.note) == ("retention-trend-active-clients", "Клиенты", "")


def test_a_section_leaves_out_what_is_empty(view: ChapterView) -> None:
    section = view.compose("second_by", [None, "", Markup("<p>есть</p>")])
    assert (section.id, section.title) == ("retention-second-by", view.plain("second_by", "title"))
    assert list(section.parts) == [Markup("<p>есть</p>")]
    assert view.compose("second_by", [], lead=Markup("Коротко")).lead == Markup("Коротко")
    assert list(view.empty("second_by").parts) == []


def test_a_table_has_one_name_in_the_annex(view: ChapterView) -> None:
    sheet = view.sheet("once", "Купили один раз", pd.DataFrame({"client_key": ["A"]}), [Col("client_key", "Код")])
    assert sheet.name == view.sheet_name("once") == "Купили один раз"
