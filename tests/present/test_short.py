"""The short report: page one is one page whatever it says, the plan has days, pages are picked and said once."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.errors import Lang, Text
from audit.findings.finding import Effect, Finding, Severity
from audit.model.result import Metric
from audit.present.blocks import FindingView, executive_page
from audit.present.format import Fmt
from audit.present.page_one import DECIDE_DAYS, decision, numbers, schedule
from audit.present.paper import for_paper
from audit.present.pdf import Paper, PdfResult, write_pdf
from audit.present.proof import growth
from audit.present.report import build_report
from audit.present.short import SHORT_PAGES
from audit.present.short import _Pick as Pick
from audit.present.short import _Record as Record
from audit.present.tree import Cell, Chapter, Figure, Group, Heading, Node, Paragraph, Row, Table, text_of, walk
from audit.run import rendering
from tests.present.run_folder import write_run
from tests.present.test_summary import summary

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
LONG = Text(
    "Клиентские менеджеры отдают операционной работе, которую при этом типе продаж должны делать другие, 51 % времени",
    "Client managers give 51% of their time to operational work that is others' to do under this type of sale",
)


def problem(lang: Lang, severity: Severity = "critical") -> FindingView:
    effect = Effect(1e8, 3e8, 9e8, "gross_profit", Text("", ""))
    finding = Finding("roles.km_overload", "found", severity, effect=effect, grade="B")
    metric = Metric("roles.km_operational_share", 0.51, "share", "high", 0.45, 0.58, 50, 0.2, "EK", "B")
    return FindingView(finding, LONG.get(lang) * 2, (LONG.get(lang) + ". ") * 4, metric)


def printed(front: Any, lang: Lang, folder: Path) -> list[str]:
    words = {"contents": "C", "page": "p.", "of": "of", "picture_lost": "-"}
    colors = {"accent": "#1f5a7a", "ink": "#1f5a7a", "wash": "#eef3f6"}
    body = (Chapter(Heading(1, ("NEXT",), "next"), joined=True), Paragraph(("Дальше. " * 900,)))
    paper = Paper(lang, "Отчёт", "Щ" * 200, for_paper(front), body, words=words, colors=colors, one_page=True)
    result = write_pdf(paper, folder / "x.pdf")
    assert result.note is None, result.note
    done = subprocess.run(["pdftotext", str(folder / "x.pdf"), "-"], capture_output=True, check=True)
    return done.stdout.decode("utf-8").split("\f")


@needs_poppler
@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("problems", [0, 1, 2, 3, 5])
def test_page_one_is_one_page_whatever_it_says(problems: int, lang: Lang, tmp_path: Path) -> None:
    long = LONG.get(lang)
    page = executive_page(
        fmt=Fmt(lang, "RUB"),
        verdict=f"{long}; {long}.",
        numbers=[("1 234 567 ₽", long, long)] * 3,
        findings=[problem(lang)] * problems,
        decision=("D", [f"{long}. {long}. {long}."] * 3),
        how_sure=[long * 3, "LAST LINE"],
    )
    pages = printed(page.blocks, lang, tmp_path)
    assert "LAST LINE" in pages[1]
    assert ("NEXT" in pages[1]) != ("NEXT" in pages[2])


def test_what_is_asked_has_a_day_and_somebody_who_is_there() -> None:
    found = {"status": "found", "severity": "major", "title": "x", "grade": "C"}
    s = summary(
        {
            "roles.km_overload": {**found, "actions": ["simplify_order", "relieve_km", "freeze_km_targets"]},
            "retention.leaky_first_purchase": {**found, "actions": ["second_purchase_route"]},
        }
    )
    for a in s.findings["actions"]:
        a["findings"] = [
            "retention.leaky_first_purchase" if a["id"] == "second_purchase_route" else "roles.km_overload"
        ]
        a |= {"horizon_days": 60 if a["id"] == "relieve_km" else 30, "owner": "KD", "person": "KD1"}
    object.__setattr__(s.case.settings.report, "date", dt.date(2026, 12, 1))
    title, items = decision(s)
    assert "15" in title and s.day + dt.timedelta(days=DECIDE_DAYS) == dt.date(2026, 12, 15)
    assert len(items) == 3 and "маршрут второй покупки" in " ".join(items)
    assert all("KD1)" in x for x in items[:2]) and "Всего в плане" in items[2]
    plan = {p.id: p for p in schedule(s)}
    assert plan["simplify_order"].until == dt.date(2026, 12, 31)
    # what waits begins where the other ends, and never later than fifteen days before its own last day
    assert plan["relieve_km"].begin == dt.date(2026, 12, 31) and plan["relieve_km"].until == dt.date(2027, 1, 30)
    assert plan["relieve_km"].after == (plan["simplify_order"].number,)


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_three_numbers_say_what_they_know_and_what_not(lang: str) -> None:
    told = numbers(summary({}, lang))
    unknown = "нельзя сказать" if lang == "ru" else "cannot tell"
    assert [value for value, _, _ in told[:2]] == [unknown, unknown] and told[2][0] == "—"
    assert all(name for _, name, _ in told)
    f = {"hours": 411.0, "value": 0.51, "found": 0.4, "watch": 0.2}
    known = numbers(summary({"roles.km_overload": {"status": "found", "severity": "major", "facts": f}}, lang))
    assert known[0][0].startswith("411") and "51" in known[0][2] and "40" in known[0][2]
    held = summary({}, lang)
    held.findings["money"] = {"headline": None, "reason": "R"}  # type: ignore[index]
    assert numbers(held)[2][0] == unknown


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_where_nobody_does_the_work_of_others_the_first_number_is_no_zero(lang: str) -> None:
    calm = {"status": "clear", "severity": "none", "facts": {"hours": 0.0, "value": 0.0, "found": 0.4, "watch": 0.2}}
    value, name, note = numbers(summary({"roles.km_overload": calm}, lang))[0]
    assert not any(c.isdigit() for c in value + name) and "40" in note
    load = {"status": "clear", "severity": "none", "facts": {"left": 900.0, "needed": 500.0}}
    s = summary({"roles.km_overload": calm, "ownership.overloaded_book": load}, lang)
    value, name, _ = numbers(s)[0]
    assert value.startswith("400") and (("свободно" in name) if lang == "ru" else ("free" in name))
    assert any("400" in row["much"] for row in growth(s))  # the same figure as where it is spent


def long_list(rows: int) -> Table:
    cells = [(f"Клиент {k}", "КМ", "") for k in range(rows)]
    head = Row(tuple(Cell((x,)) for x in ("Клиент", "Роль", "Менеджер")))
    body = tuple(Row(tuple(Cell((x,)) for x in row)) for row in cells)
    return Table((1.0, 1.0, 1.0), (head,), body, total=188)


def test_a_list_says_how_many_rows_it_shows_and_has_no_empty_column() -> None:
    fmt = Fmt("ru")
    foot = Group("table-foot", (Paragraph(("Показано строк: 15 из 188. Список — в annex.xlsx.",), "note"),))
    chapters = {"base": [Heading(1, ("База",), "base"), Heading(2, ("Список",), "list"), long_list(15), foot]}
    record = Record(chapters, fmt, 15)
    _, t, below = record.pick(Pick("list", 0, 1, rows=8))
    assert isinstance(t, Table) and len(t.body) == 8 and len(t.widths) == 2
    assert text_of([below]).startswith("Показано строк: 8 из 188.")
    whole = [
        *chapters["base"][:2],
        long_list(15),
        Group("table-foot", (Paragraph(("Список — в annex.xlsx.",), "note"),)),
    ]
    assert "Показано строк: 6 из 188. Список" in text_of(Record({"base": whole}, fmt, 6).pick(Pick("list", 0, 1)))
    assert record.pick(Pick("list", 0, 1, columns=9)) == []  # each table once, and no more columns than there are
    record = Record(chapters, fmt, 15)
    assert len(record.pick(Pick("list", 0, 1, columns=9))[1].widths) == 2  # type: ignore[attr-defined]
    record = Record(chapters, fmt, 15)
    assert record.pick(Pick("list", 0, 1, told_from=2)) == []  # the third column says nothing in any row
    named = Row((Cell(("W" * 300,)), Cell(("КМ",)), Cell(("",))))
    wild = [*chapters["base"][:2], replace(long_list(1), body=(named,))]
    assert "W" * 79 + "…" in text_of(Record({"base": wild}, fmt, 6).pick(Pick("list", 0, 1)))


def test_a_report_of_too_many_pages_is_set_again_with_shorter_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(tmp_path / "r")
    documents = build_report(folder)
    assert documents.shorter is not None
    asked: list[Any] = []

    def counted(paper: Paper, path: Path) -> PdfResult:
        asked.append(paper)
        return PdfResult("Typst", SHORT_PAGES + 1 if len(asked) == 1 else SHORT_PAGES)

    monkeypatch.setattr(rendering, "write_pdf", counted)
    assert rendering._documents(folder).pages == SHORT_PAGES
    assert len(asked) == 2 and asked[1] == documents.shorter


def test_the_short_report_says_nothing_twice_and_links_lead_somewhere(tmp_path: Path) -> None:
    documents = build_report(write_run(tmp_path / "r"))
    short, full = documents.paper, documents.full
    assert full is not None and short.one_page and not full.one_page
    nodes = [n for n in walk([*short.front, *short.body]) if isinstance(n, Node)]
    pictures = [n.id for n in nodes if isinstance(n, Figure)]
    assert len(pictures) == len(set(pictures))
    whole = text_of([*full.front, *full.body])
    for n in nodes:
        if isinstance(n, Figure):
            assert text_of(n.title) in whole
    result = write_pdf(short, tmp_path / "short.pdf")
    assert result.pages < write_pdf(full, tmp_path / "full.pdf").pages
    data = (tmp_path / "short.pdf").read_bytes()
    assert b"<pdfuaid:part>1<" in data and b"<pdfaid:part>2<" in data


@needs_poppler
def test_contents_stand_on_the_cover_with_page_numbers(tmp_path: Path) -> None:
    short = build_report(write_run(tmp_path / "r")).paper
    write_pdf(replace(short, company="Ромашка"), tmp_path / "x.pdf")
    done = subprocess.run(["pdftotext", "-layout", str(tmp_path / "x.pdf"), "-"], capture_output=True, check=True)
    pages = done.stdout.decode("utf-8").replace("\u200b", "").split("\f")
    entries = re.findall(r"(\S[^\n]*?)\s?\.{3,}\s*(\d+)(?=\s)", pages[0])
    assert len(entries) >= 2
    for title, number in entries:
        assert title[:25] in pages[int(number) - 1], (title, number)
