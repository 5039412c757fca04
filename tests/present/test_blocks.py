"""Blocks: everything a client wrote is text, ids are ASCII, verdicts are told by shape and word."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser

import pandas as pd
import pytest
from markupsafe import Markup

from audit.errors import Text
from audit.findings.finding import Effect, Finding
from audit.model.result import Metric
from audit.present.blocks import (
    PAPER_ONLY,
    PAPER_ROWS,
    SCREEN_ONLY,
    ActionView,
    Col,
    FindingView,
    Section,
    action_text,
    callout,
    executive_page,
    finding_card,
    gauge,
    halves,
    key_figures,
    metric_line,
    middle,
    norm_words,
    pairs,
    scorecard,
    status_mark,
    table,
    unassessed,
)
from audit.present.chart import Band
from audit.present.format import NBSP, Fmt, slug

RU, EN = Fmt("ru", "RUB"), Fmt("en", "RUB")
NASTY = "</script><script>alert(1)</script> <img src=x onerror=alert(1)> $x$ \"q\" 'q' {0} {x} %s"

LEAKY = Finding(
    id="retention.leaky_first_purchase",
    status="found",
    severity="major",
    metrics=("retention.second_purchase_share",),
    effect=Effect(1e6, 2e6, 4e6, "revenue", Text("клиенты × чек", "clients × ticket")),
    grade="C",
)
SHARE = Metric("retention.second_purchase_share", 0.61, "share", "low", 0.57, 0.65, 412, 0.67, "EK", "C")
VIEW = FindingView(
    LEAKY,
    NASTY,
    NASTY,
    SHARE,
    "Вторая покупка",
    Band(0.67, 0.67, "low"),
    actions=[ActionView(NASTY, NASTY, 30, NASTY, NASTY, "low")],
    href="#chart-km",
    sheet="Потери по менеджерам",
)


class Tags(HTMLParser):
    """Collects tags, checks that they balance."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in {"img", "br", "col", "hr", "wbr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parse(html: str) -> Tags:
    tags = Tags()
    tags.feed(str(html))
    tags.close()
    assert tags.open == []
    return tags


def everything() -> list[Markup]:
    frame = pd.DataFrame({"client": [NASTY, None], "sum": [1.5e6, None], "day": [dt.date(2025, 1, 2), None]})
    cols = [Col("client", NASTY, note=NASTY), Col("sum", "₽", "money"), Col("day", "Дата", "date")]
    return [
        table(frame, cols, fmt=RU, caption=NASTY, id=NASTY, sheet=NASTY, note=NASTY, max_rows=1),
        finding_card(VIEW, RU),
        scorecard([(NASTY, [VIEW])], EN),
        executive_page(
            fmt=RU,
            verdict=NASTY,
            numbers=[(NASTY, NASTY, NASTY)],
            findings=[VIEW],
            decision=(NASTY, [NASTY, NASTY]),
            how_sure=[NASTY],
        ).html,
        action_text(VIEW.actions[0], "ru"),
        callout(NASTY, NASTY),
        key_figures([(NASTY, NASTY, NASTY)]),
        metric_line(SHARE, NASTY, RU),
        Section(NASTY, NASTY, [NASTY], lead=NASTY).html,
    ]


@pytest.mark.parametrize("html", everything(), ids=lambda h: str(h)[:20])
def test_a_clients_text_is_only_text(html: Markup) -> None:
    tags = parse(html)
    names = {name for name, _ in tags.seen}
    assert not names & {"script", "b-", "iframe", "svg"}
    for name, attributes in tags.seen:
        assert not any(a.startswith("on") for a in attributes)
        if name == "img":
            assert (attributes["src"] or "").startswith("data:image/svg+xml;base64,")
    # where the words of the client stand, they stand whole
    assert any("$x$" in w and "{0}" in w for w in tags.words)


@pytest.mark.parametrize("html", everything(), ids=lambda h: str(h)[:20])
def test_ids_are_ascii(html: Markup) -> None:
    for _, attributes in parse(html).seen:
        assert (attributes.get("id") or "").isascii()


def test_slug() -> None:
    assert slug("Доля второй покупки: Ёлка № 1") == "dolya-vtoroy-pokupki-elka-1"
    assert slug("«»") == "x"


def test_verdict_has_shape_and_word() -> None:
    text = status_mark("found", "ru").striptags()
    assert "●" in text and "выявлено" in text
    assert "под наблюдением" in status_mark("watch", "ru", word_too=False)


def test_card_says_figure_interval_norm_price_grade_and_table() -> None:
    card = str(finding_card(VIEW, RU)).replace(NBSP, " ")
    for part in (
        "61 %",
        "57–65 %",
        "норма — не ниже 67 % (Ерохин, Климов, 2024)",
        "2 млн ₽ выручки в год (1–4)",
        "412",
        "один источник",
        "«Потери по менеджерам»",
        'href="#chart-km"',
        'id="finding-retention-leaky-first-purchase"',
    ):
        assert part in card, part


def test_clear_finding_has_no_actions_and_no_price() -> None:
    view = FindingView(Finding("base.long_tail", "clear"), "ok", actions=[ActionView("делай")])
    assert "делай" not in finding_card(view, RU)


def test_not_assessed_row_of_the_scorecard_gives_the_reason() -> None:
    blind = Finding("base.long_tail", "not_assessed", reason=Text("нет заказов", "no orders"))
    assert "no orders" in scorecard([("База", [FindingView(blind, "Хвост")])], EN)


def test_table_sorts_by_raw_values_and_writes_formatted_ones() -> None:
    frame = pd.DataFrame({"c": ["б", "а", "в"], "share": [0.5, None, 0.045], "d": ["2025-01-31", "2024-01-01", None]})
    html = str(table(frame, [Col("c", "К"), Col("share", "Доля", "share"), Col("d", "Дата", "date")], fmt=RU))
    assert f'<td class="km-r" data-v="0.045">4,5{NBSP}%</td>' in html
    assert '<td class="km-r">—</td>' in html
    assert '<td data-v="2025-01-31">31.01.2025</td>' in html
    assert "data-sortable" in html
    assert '<th scope="row">б</th>' in html


def test_cut_table_says_so_and_names_the_annex() -> None:
    html = str(table(pd.DataFrame({"c": range(30)}), [Col("c", "К", "count")], fmt=RU, max_rows=10, sheet="base.list"))
    assert html.count("<tr>") == 11
    assert "Показано строк: 10 из 30. Список целиком — на листе «base.list»" in html


def test_paper_has_the_first_rows_of_a_cut_list_and_its_own_note() -> None:
    frame = pd.DataFrame({"name": [f"n{i}" for i in range(20)], "n": range(20)})
    html = str(table(frame, [Col("name", "Имя"), Col("n", "n", "count")], fmt=RU, max_rows=15, sheet="Лист"))
    assert html.count("<tr") == 1 + 15 and html.count(f'<tr class="{SCREEN_ONLY}">') == 15 - PAPER_ROWS
    assert "Показано строк: 15 из 20" in html and f"Показано строк: {PAPER_ROWS} из 20" in html
    # two rows more than that are not worth a cut
    whole = str(table(frame.head(PAPER_ROWS + 2), [Col("name", "Имя")], fmt=RU, max_rows=15, sheet="Лист"))
    assert SCREEN_ONLY not in whole
    # without a sheet of the annex the rows would be nowhere
    assert SCREEN_ONLY not in str(table(frame, [Col("name", "Имя")], fmt=RU, max_rows=15))
    # a table that repeats a chart stays on the screen, its sheet is named on both
    beside = str(table(frame, [Col("name", "Имя")], fmt=RU, max_rows=15, paper_rows=0, sheet="Лист"))
    assert f'<div class="km-table {SCREEN_ONLY}">' in beside and beside.count("на листе «Лист»") == 2


def test_a_column_that_paper_lacks_leaves_its_room_to_the_others() -> None:
    frame = pd.DataFrame({"name": ["a"], "more": ["b"]})
    html = str(table(frame, [Col("name", "Имя"), Col("more", "Ещё", paper=False)], fmt=RU))
    assert html.count(f'<col class="{SCREEN_ONLY}"') == 2 and html.count(f'<col class="{PAPER_ONLY}"') == 1
    assert f'<col class="{PAPER_ONLY}" style="width: 100.0%">' in html
    assert f'<td class="{SCREEN_ONLY}">b</td>' in html and '<th scope="row">a</th>' in html


def test_two_columns_are_as_even_as_they_can_be() -> None:
    assert middle([1, 1, 1, 1]) == 2
    assert middle([5, 1, 1]) == 1  # 5 | 2
    assert middle([1, 1, 5]) == 2  # 2 | 5
    assert middle([]) == 0
    assert str(halves(["a", "b"])) == '<div class="km-two"><div><div>a</div><div>b</div></div></div>'
    assert str(pairs(["a", "b", "<c>"])).count("<div><div>") == 2 and "&lt;c&gt;" in str(pairs(["a", "b", "<c>"]))


def test_what_is_not_assessed_is_told_by_reason() -> None:
    why = Text("нет листа «Время»", "no sheet “Time”")
    views = [FindingView(Finding(f"roles.{n}", "not_assessed", "none", reason=why), n) for n in ("one", "<two>")]
    html = str(unassessed(views, RU))
    assert html.count("<p") == 1 and "one; &lt;two&gt;. нет листа «Время»" in html


def test_empty_table_says_so() -> None:
    assert "Строк нет." in table(pd.DataFrame({"c": []}), [Col("c", "К")], fmt=RU)


def test_only_what_a_portrait_page_cannot_hold_is_turned() -> None:
    narrow = pd.DataFrame({f"c{i}": [1] for i in range(9)})
    told = table(narrow, [Col(c, c) for c in narrow], fmt=RU)
    assert "km-table" in told and "km-dense" not in told and "km-wide" not in told
    snug = pd.DataFrame({f"c{i}": ["x" * 10] for i in range(9)})  # 9 × (10 + 2) letters: small type
    assert "km-dense" in table(snug, [Col(c, c, "date", show=str) for c in snug], fmt=RU)
    large = pd.DataFrame({f"c{i}": ["x" * 14] for i in range(9)})  # 9 × (14 + 2) letters
    assert "km-wide" in table(large, [Col(c, c, "date", show=str) for c in large], fmt=RU)


def test_column_widths_add_up() -> None:
    import re

    frame = pd.DataFrame({"name": ["очень длинное имя клиента, которое не помещается" * 3, "б"], "n": [1, 2]})
    html = str(table(frame, [Col("name", "И"), Col("n", "N", "num")], fmt=RU))
    widths = [float(w) for w in re.findall(r"width: ([\d.]+)%", html)]
    assert sum(widths) == pytest.approx(100, abs=0.2)
    assert widths[0] > widths[1]


def test_gauge_needs_something_to_compare_with() -> None:
    assert gauge(Metric("x", 0.5, "share"), None, RU) == ""
    assert gauge(Metric("x", None, "share"), Band(0.2, 0.4), RU) == ""
    assert gauge(Metric("x", 0.5, "share"), Band(0.2, 0.4), RU)


def test_section_shows_in_a_notebook() -> None:
    parts = ["Первый.\n\nВторой.", None, Markup("<ul><li>x</li></ul>")]
    bundle, _ = Section("s", "Раздел & <b>", parts)._repr_mimebundle_()
    assert bundle["text/plain"] == "Раздел & <b>\nПервый.\nВторой.\nx"
    assert bundle["text/html"].count("<p>") == 2
    assert bundle["text/html"].startswith("<style>")  # for JupyterLab; see test_html for what the report makes of it


def test_words_stand_apart_where_the_style_is_dropped() -> None:
    card = Markup('<span class="km-status">● выявлено</span><span class="km-severity">существенно</span>')
    bundle, _ = Section("s", "Раздел", [card])._repr_mimebundle_()
    assert "выявлено</span> <span" in bundle["text/html"]


def test_that_nothing_is_found_the_verdict_alone_says() -> None:
    page = executive_page(fmt=RU, verdict="Всё хорошо.").html
    assert "Всё хорошо." in page and "km-callout" not in page


def test_a_norm_and_a_step_are_words() -> None:
    low, high = (Metric("x", 0.5, "share", bad, benchmark=0.67) for bad in ("low", "high"))
    assert norm_words(low, RU).replace(NBSP, " ") == "норма — не ниже 67 %"
    assert norm_words(high, EN) == "norm: at most 67%"
    assert norm_words(low, EN, named=False) == "at least 67%" and norm_words(Metric("x", 0.5, "share"), RU) == ""
    told = str(action_text(ActionView("Обзвонить", "КМ", 30, "Составить список", proof="КМ звонят всем"), "ru"))
    assert "Первый шаг: составить список" in told and "Цель: КМ звонят всем" in told
