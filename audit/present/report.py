"""One document out of a run: cover, page one, contents, scorecard, chapters, appendix.

Everything comes from the run folder, so that a report can be rendered again after an analyst has edited the notebooks:

    report.json            the context below (`ReportContext`), plain JSON
    notebooks/<name>.ipynb the executed notebooks, in the order of ``chapters``; the one with id ``summary`` is page one

No figure is computed here. ``report.json`` holds what the frame of the document needs:

    schema         "km-report/1"
    lang, company, title, currency, period {start, end, as_of}, sale_type {declared, measured, used, name}
    data           counts by name: rows_read, rows_used, rows_set_aside, orders, order_days, clients, revenue
    data_notes     sentences for the data page
    verdict        sentences; page one stands on them when the summary notebook is missing
    chapters       [{id, title, notebook, status: done|failed|skipped, error, appendix}] in the order of the report
    findings       as in findings.json, each with title and text in the report's language
    metrics        as in findings.json, each with its name
    thresholds     [{id, name, watch, found, bad | value | low, base, high, unit, source, reason, overridden}]
    definitions    [{id, name, definition, formula, unit, source, benchmark}]
    actions        [{text, owner, horizon_days, first_step, proof, effort}] of the first 30 days, in words
    consultant, logo (data: URI or a file in the run folder), accent, confidentiality, dated (ISO date), versions
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import nbformat
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audit.errors import Lang, PreparedError, Text
from audit.findings.finding import Effect, Finding
from audit.method import Thresholds, method
from audit.model.result import Metric
from audit.present import tree
from audit.present.blocks import (
    PAPER_ONLY,
    ActionView,
    Col,
    FindingView,
    blocks_in,
    by_reason,
    executive_page,
    halves,
    join,
    pairs,
    paper_scorecard,
    runs,
    scorecard,
    status_mark,
    table,
)
from audit.present.chart import Band
from audit.present.format import NBSP, Fmt, slug
from audit.present.html import Body, clean_html, export_notebook, inline_svg, number_ids, outline
from audit.present.paper import for_paper
from audit.present.pdf import Paper
from audit.present.screen import Piece, piece
from audit.present.style import ACCENT, GRADES, STATUS, css_tokens, font_file, on_color, readable, tint
from audit.present.titles import chapter_title
from audit.present.tree import Block, Break, Group, Heading, Inline, PageBreak, Paragraph, Picture, Run, text_of
from audit.present.views import what_it_moves
from audit.present.words import source_text, word
from audit.resources import resource_dir

__all__ = [
    "ChapterEntry",
    "DefinitionEntry",
    "Documents",
    "ReportContext",
    "ThresholdEntry",
    "bands_of",
    "build_report",
    "definitions_of",
    "frame_documents",
    "glossary",
    "read_context",
    "thresholds_of",
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChapterEntry(_Part):
    """One chapter of the report and the notebook it comes from."""

    id: str
    title: str
    notebook: str
    """File name in the run's ``notebooks`` folder."""
    status: Literal["done", "failed", "skipped"] = "done"
    error: str = ""
    """Why it failed or was skipped, in the report's language."""
    appendix: bool = False


class ThresholdEntry(_Part):
    """A threshold in force."""

    id: str
    name: str
    unit: str
    source: str
    reason: str = ""
    watch: float | None = None
    found: float | None = None
    bad: Literal["high", "low"] | None = None
    value: float | None = None
    low: float | None = None
    base: float | None = None
    high: float | None = None
    overridden: bool = False


class DefinitionEntry(_Part):
    """What a metric means and how it is computed."""

    id: str
    name: str
    definition: str
    formula: str = ""
    unit: str = ""
    source: str = ""
    benchmark: str = ""


class ActionEntry(_Part):
    """A step of the plan, in words."""

    text: str
    owner: str = ""
    horizon_days: int | None = None
    first_step: str = ""
    proof: str = ""
    effort: Literal["low", "medium", "high"] | None = None

    def view(self) -> ActionView:
        """Return the step as the blocks show it."""
        return ActionView(self.text, self.owner, self.horizon_days, self.first_step, self.proof, self.effort)


class ReportContext(_Part):
    """What the frame of the document needs besides the notebooks; see the module's docstring."""

    schema_: Literal["km-report/1"] = Field(default="km-report/1", alias="schema")
    lang: Lang = "ru"
    company: str
    title: str = ""
    currency: str = "RUB"
    period: dict[str, str | None] = Field(default_factory=dict)
    sale_type: dict[str, str | None] = Field(default_factory=dict)
    data: dict[str, float | None] = Field(default_factory=dict)
    data_notes: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    chapters: tuple[ChapterEntry, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    metrics: dict[str, dict[str, Any]] = Field(default_factory=dict)
    thresholds: tuple[ThresholdEntry, ...] = ()
    definitions: tuple[DefinitionEntry, ...] = ()
    actions: tuple[ActionEntry, ...] = ()
    consultant: str | None = None
    logo: str | None = None
    accent: str = Field(default=ACCENT, pattern=r"^#[0-9a-fA-F]{6}$")
    confidentiality: str | None = None
    dated: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def as_json(self) -> str:
        """Return the context as the text of ``report.json``."""
        plain = self.model_dump(mode="json", by_alias=True)
        return json.dumps(plain, ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True)
class Documents:
    """One document twice: for the browser as HTML, for paper as a tree of blocks."""

    html: str
    paper: Paper


def read_context(run_dir: Path) -> ReportContext:
    """Read a run's ``report.json``; raise `PreparedError` when it is missing or damaged."""
    path = run_dir / "report.json"
    todo = Text("Запустите аудит заново: km-audit run", "Run the audit again: km-audit run")
    try:
        return ReportContext.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise PreparedError(
            Text("В папке запуска нет report.json", "The run folder has no report.json"), where=str(path), todo=todo
        ) from e
    except ValidationError as e:
        raise PreparedError(
            Text(f"report.json повреждён: {e.errors()[0]['msg']}", f"report.json is damaged: {e.errors()[0]['msg']}"),
            where=str(path),
            todo=todo,
        ) from e


# --- entries from the method


def definitions_of(ids: Iterable[str], lang: Lang) -> list[DefinitionEntry]:
    """Describe metrics of the catalogue in one language, in the order given."""
    out = []
    for id in ids:
        spec = method().metrics[id]
        mark = method().benchmarks[spec.benchmark].name.get(lang) if spec.benchmark else ""
        out.append(
            DefinitionEntry(
                id=id,
                name=spec.name.get(lang),
                definition=spec.definition.get(lang),
                formula=spec.formula,
                unit=spec.unit,
                source=source_text(spec.source, lang),
                benchmark=mark,
            )
        )
    return out


def thresholds_of(thresholds: Thresholds, lang: Lang, ids: Iterable[str] | None = None) -> list[ThresholdEntry]:
    """Describe the thresholds in force in one language; ``ids`` chooses some."""
    out = []
    for id in thresholds if ids is None else ids:
        t = thresholds[id]
        out.append(
            ThresholdEntry(
                id=id,
                name=method().describe(id, lang),
                unit=t.unit,
                source=source_text(t.source, lang),
                reason=t.reason.name.get(lang),
                watch=t.watch,
                found=t.found,
                bad=t.bad,
                value=t.value,
                low=t.low,
                base=t.base,
                high=t.high,
                overridden=id in thresholds.overridden,
            )
        )
    return out


# --- glossary


@dataclass(frozen=True)
class Term:
    """A word of the glossary, the forms in which text uses it, its meaning."""

    term: str
    meaning: str
    forms: tuple[str, ...]
    hover: bool = True


@lru_cache(maxsize=2)
def glossary(lang: Lang) -> tuple[Term, ...]:
    """Read the glossary of a language."""
    path = resource_dir("templates") / "narrative" / "glossary.toml"
    raw = tomllib.loads(path.read_text(encoding="utf-8"))["terms"]
    return tuple(
        Term(term, t["meaning"][lang], tuple(t.get("forms", {}).get(lang, [term])), t.get("hover", True))
        for t in raw
        if (term := t["term"].get(lang))
    )


class _Explainer:
    """Wraps the first use of each glossary term in a chapter, so that its meaning shows on hover."""

    def __init__(self, lang: Lang) -> None:
        self.meaning = {form.lower(): t for t in glossary(lang) if t.hover for form in t.forms}
        forms = sorted(self.meaning, key=len, reverse=True)
        self.pattern = (
            re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, forms)) + r")(?![\w-])", re.I) if forms else None
        )
        self.used: set[str] = set()

    def __call__(self, text: str) -> str:
        if self.pattern is None or len(text) < 2:
            return str(escape(text))
        out: list[str] = []
        at = 0
        for match in self.pattern.finditer(text):
            term = self.meaning[match[1].lower()]
            # an abbreviation must be written as one: «ср» in a word list is not СР
            if term.term in self.used or (term.term.isupper() and not match[1].isupper()):
                continue
            self.used.add(term.term)
            out.append(str(escape(text[at : match.start()])))
            out.append(f'<abbr class="km-dfn" title="{escape(term.meaning)}">{escape(match[1])}</abbr>')
            at = match.end()
        out.append(str(escape(text[at:])))
        return "".join(out)


# --- findings back from JSON


def _metric(id: str, raw: Mapping[str, Any]) -> Metric:
    reason = raw.get("reason")
    return Metric(
        id=id,
        value=raw.get("value"),
        unit=raw.get("unit", "ratio"),
        bad=raw.get("bad"),
        low=raw.get("low"),
        high=raw.get("high"),
        n=raw.get("n"),
        benchmark=raw.get("benchmark"),
        benchmark_source=raw.get("benchmark_source"),
        grade=raw.get("grade"),
        reason=Text(str(reason), str(reason)) if reason else None,
    )


def _view(raw: Mapping[str, Any], ctx: ReportContext, bands: Mapping[str, Band]) -> FindingView:
    effect = raw.get("effect")
    reason = raw.get("reason")
    finding = Finding(
        id=raw["id"],
        status=raw["status"],
        severity=raw.get("severity", "none"),
        reason=Text(str(reason), str(reason)) if reason else None,
        metrics=tuple(raw.get("metrics", ())),
        effect=Effect(
            effect["low"],
            effect["base"],
            effect["high"],
            effect.get("basis", "revenue"),
            Text(str(effect.get("formula", "")), str(effect.get("formula", ""))),
        )
        if effect
        else None,
        grade=raw.get("grade"),
    )
    main = next((m for m in finding.metrics if m in ctx.metrics), None)
    return FindingView(
        finding=finding,
        title=str(raw.get("title", finding.id)),
        text=str(raw.get("text", "")),
        metric=_metric(main, ctx.metrics[main]) if main else None,
        metric_name=str(ctx.metrics[main].get("name", "")) if main else "",
        band=bands.get(finding.id),
        sheet=raw.get("table", ""),
    )


def bands_of(ctx: ReportContext) -> dict[str, Band]:
    """Return the limits of each finding's verdict."""
    return {
        t.id: Band(t.watch, t.found, t.bad)
        for t in ctx.thresholds
        if t.watch is not None and t.found is not None and t.bad is not None
    }


# --- document


def build_report(run_dir: Path, *, lang: Lang | None = None) -> Documents:
    """Build the report from a run folder; nothing is executed or computed anew.

    ``lang`` sets the language of the frame (by default the run's own; notebooks speak the language they were run in).
    """
    ctx = read_context(run_dir)
    lang = lang or ctx.lang
    bodies = {c.id: _body(run_dir, c, lang) for c in ctx.chapters}
    return _documents(ctx, lang, run_dir, _assemble(ctx, lang, bodies))


def _body(run_dir: Path, chapter: ChapterEntry, lang: Lang) -> Body:
    path = run_dir / "notebooks" / chapter.notebook
    if not path.is_file():
        return Body(Markup(""))
    try:
        nb = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except (ValueError, KeyError, AttributeError, OSError):
        text = Text(f"файл {chapter.notebook} не читается", f"the file {chapter.notebook} cannot be read").get(lang)
        return Body(Markup('<p class="km-error">{}</p>').format(text))
    return export_notebook(nb, lang)


@dataclass(frozen=True)
class _Chapter:
    """A chapter of both documents."""

    html: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class _Parts:
    front: str
    body: str
    contents: Sequence[Mapping[str, Any]]
    paper_front: Sequence[Block]
    paper_body: Sequence[Block]


def _parts(front: Markup, paper_front: Sequence[Block], chapters: Sequence[_Chapter]) -> _Parts:
    html = number_ids(f"{front}\n<!--km-front-ends-->\n" + "\n".join(c.html for c in chapters))
    top, _, body = html.partition("\n<!--km-front-ends-->\n")
    body = _repair_links(top, body)
    top = _repair_links(body, top)
    printed = for_paper(tuple(b for c in chapters for b in c.blocks))
    return _Parts(top, body, _contents(top, body), for_paper(tuple(paper_front)), printed)


def _assemble(ctx: ReportContext, lang: Lang, bodies: Mapping[str, Body]) -> _Parts:
    fmt = Fmt(lang, ctx.currency)
    bands = bands_of(ctx)
    views = [_view(f, ctx, bands) for f in ctx.findings]
    summary = next((c for c in ctx.chapters if c.id == "summary"), None)
    front = bodies[summary.id] if summary is not None else Body(Markup(""))
    html, paper_front = front.html, _pages(front.blocks)
    if "km-executive" not in html:
        page_one = _fallback_front(ctx, views, fmt)
        html, paper_front = page_one.html + html, (*page_one.blocks, PageBreak(), *paper_front)
    chapters = [c for c in ctx.chapters if c is not summary]
    main = [c for c in chapters if not c.appendix]
    reasons = _reasons(ctx)
    sections: list[_Chapter] = []
    if views:
        order = list(dict.fromkeys([c.id for c in chapters] + [v.finding.chapter for v in views]))
        titles = {c.id: c.title for c in chapters}
        groups = [
            (titles.get(c, c), [v for v in views if v.finding.chapter == c and v.finding.status != "not_assessed"])
            for c in order
        ]
        legend = _legend(lang)
        sections.append(
            _chapter(
                "scorecard",
                word("scorecard", lang),
                join([scorecard(groups, fmt), legend]),
                lang,
                explain=False,
                paper=join([paper_scorecard(groups, fmt), legend]),
            )
        )
    for number, c in enumerate(main, 1):
        sections.append(_notebook_chapter(c, bodies[c.id], views, reasons, lang, f"{number}"))
    sections += [_notebook_chapter(c, bodies[c.id], views, reasons, lang, "") for c in chapters if c.appendix]
    return _parts(html, paper_front, sections + _appendix(ctx, views, fmt))


def _pages(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Let page one stand alone; what follows it, the business case and the plan, share pages."""
    out: list[Block] = []
    heads = 0
    for b in blocks:
        if isinstance(b, Heading) and b.level == 1:
            heads += 1
            if heads == 2:
                out.append(PageBreak())
        out.append(b)
    return tuple(out)


def frame_documents(
    ctx: ReportContext, front: Markup, chapters: Sequence[tuple[str, str, Markup]], *, apart: bool = False
) -> Documents:
    """Put finished fragments that come from no notebook into the report's frame.

    ``front`` stands before the contents, ``chapters`` are (id, title, content) in reading order; ``apart``: each
    begins a page, however short.
    """
    made = [
        # a picture's size says nothing of the room it takes
        _chapter(id, title, html, ctx.lang, brief=not apart and len(re.sub(r'src="[^"]*"', "", str(html))) < 9000)
        for id, title, html in chapters
    ]
    return _documents(ctx, ctx.lang, Path(), _parts(front, _pages(blocks_in([front])), made))


def _repair_links(*parts: str) -> str:
    """Turn links inside the last part that lead nowhere (a card that a failed chapter never drew) into plain text."""
    known = set(re.findall(r'\sid="([^"]+)"', "".join(parts)))
    return re.sub(r'<a href="#([^"]+)">(.*?)</a>', lambda m: m[0] if m[1] in known else m[2], parts[-1], flags=re.S)


def _fallback_front(ctx: ReportContext, views: Sequence[FindingView], fmt: Fmt) -> Any:
    """Page one from the context alone, when the summary notebook did not draw it."""
    rank = {"critical": 0, "major": 1, "minor": 2, "none": 3}
    bad = [v for v in views if v.finding.status in ("found", "watch")]
    bad.sort(key=lambda v: (v.finding.status != "found", rank[v.finding.severity]))
    return executive_page(
        fmt=fmt,
        verdict=ctx.verdict[0] if ctx.verdict else "",
        lead=" ".join(ctx.verdict[1:]),
        findings=bad[:5],
        first_steps=[a.view() for a in ctx.actions if (a.horizon_days or 999) <= 30],
    )


def _chapter(
    id: str,
    title: str,
    html: Markup,
    lang: Lang,
    *,
    number: str = "",
    explain: bool = True,
    brief: bool = False,
    paper: Markup | None = None,
) -> _Chapter:
    """Frame a chapter; a ``brief`` one does not begin a page of its own. ``paper`` is what paper shows instead."""
    label = f"{number}. {title}" if number else title
    anchor = f"chapter-{slug(id)}"
    frame = Markup('<section class="km-chapter{}" aria-labelledby="{}"><h2 id="{}">{}</h2>\n{}</section>')
    shown = clean_html(str(html), text=_Explainer(lang)) if explain else html
    head = tree.Chapter(Heading(1, (label,), anchor), brief)
    told = frame.format(" km-brief" if brief else "", anchor, anchor, label, shown)
    return _Chapter(str(told), (head, *blocks_in([html if paper is None else paper])))


_ONLY_A_LEAD = re.compile(
    r'<section class="km-section">\s*<h3 id="[^"]*">([^<]*)</h3>\s*<div class="km-lead"><p>([^<]*)</p></div>\s*</section>'
)


def _fold(html: Markup, reasons: Collection[str], lang: Lang) -> Markup:
    """Name the sections that only say why they are empty in one line per reason, at the end of the chapter."""
    empty: dict[str, list[str]] = {}

    def take(match: re.Match[str]) -> str:
        told = str(Markup(match[2]).unescape()).strip().rstrip(".")
        if told not in reasons:
            return match[0]
        empty.setdefault(told, []).append(str(Markup(match[1]).unescape()))
        return ""

    rest = Markup(_ONLY_A_LEAD.sub(take, str(html)))
    return join([rest, *(piece(p) for p in _left_out(empty, lang))])


def _fold_blocks(blocks: Sequence[Block], reasons: Collection[str], lang: Lang) -> tuple[Block, ...]:
    """Do the same to the blocks of a chapter."""
    empty: dict[str, list[str]] = {}
    out: list[Block] = []
    k = 0
    while k < len(blocks):
        head, lead = blocks[k], blocks[k + 1] if k + 1 < len(blocks) else None
        alone = k + 2 >= len(blocks) or isinstance(blocks[k + 2], Heading)
        if isinstance(head, Heading) and isinstance(lead, Paragraph) and lead.style == "lead" and alone:
            told = text_of(lead).strip().rstrip(".")
            if told in reasons:
                empty.setdefault(told, []).append(text_of(head))
                k += 2
                continue
        out.append(head)
        k += 1
    return (*out, *_left_out(empty, lang))


def _left_out(empty: Mapping[str, Sequence[str]], lang: Lang) -> list[Paragraph]:
    return [
        Paragraph(
            (
                word(
                    "left_out",
                    lang,
                    sections=", ".join(f"«{t}»" if lang == "ru" else f"“{t}”" for t in titles),
                    reason=r,
                ),
            ),
            "unassessed",
        )
        for r, titles in empty.items()
    ]


def _reasons(ctx: ReportContext) -> frozenset[str]:
    """Return the reasons for which figures and verdicts are missing, as chapters write them."""
    told = (x.get("reason") for x in (*ctx.metrics.values(), *ctx.findings))
    return frozenset(str(r).strip().rstrip(".") for r in told if r)


def _notebook_chapter(
    c: ChapterEntry, body: Body, views: Sequence[FindingView], reasons: Collection[str], lang: Lang, number: str
) -> _Chapter:
    own = [v for v in views if v.finding.chapter == c.id]
    counts = [(s, sum(v.finding.status == s for v in own)) for s in STATUS]
    strip = [Run("count", (*runs(status_mark(s, lang)), f" — {n}")) for s, n in counts if n and s != "not_assessed"]
    parts: list[Markup] = [piece(Paragraph(tuple(strip), "chapter-findings"))] if strip else []
    if c.status == "failed":
        cell = f" {word('cell_error', lang, cell=body.error[0], error=body.error[1])}" if body.error else ""
        parts.append(piece(Paragraph((Run("b", (f"{word('chapter_failed', lang)}.",)), f" {c.error}{cell}"), "error")))
        html = Markup(re.sub(r'<p class="km-error">.*?</p>', "", str(body.html), flags=re.S))
        kept = tuple(b for b in body.blocks if not (isinstance(b, Paragraph) and b.style == "error"))
        body = Body(html, body.error, kept)
    empty = not re.sub(r"<[^>]+>|\s", "", str(body.html)) and "<img" not in str(body.html)
    if empty and c.status != "failed":
        parts.append(piece(Paragraph((c.error or word("chapter_silent", lang),), "silent")))
    shown = join([*parts, _fold(body.html, reasons, lang)])
    paper = Piece.of(shown, lambda: (*blocks_in(parts), *_fold_blocks(body.blocks, reasons, lang)))
    # a chapter without trouble follows on the page before it; one that has some begins its own
    quiet = c.status != "failed" and not any(v.finding.status == "found" for v in own)
    return _chapter(c.id, c.title, paper, lang, number=number, brief=quiet and number not in ("", "1"))


def _legend(lang: Lang) -> Markup:
    marks = [Paragraph((*runs(status_mark(s, lang)), f" — {word(f'read_{s}', lang)}")) for s in STATUS]
    grades = [Paragraph((f"{word('grade', lang)} ", Run("b", (g,)), f" — {t.get(lang)}")) for g, t in GRADES.items()]
    both = halves([piece(*marks, between="\n"), piece(*grades, between="\n")])
    return piece(Heading(2, (word("how_to_read", lang),), "how-to-read"), Group("legend", both.nodes))


# --- appendix


def _appendix(ctx: ReportContext, views: Sequence[FindingView], fmt: Fmt) -> list[_Chapter]:
    lang = fmt.lang
    out: list[_Chapter] = []
    blind = [v for v in views if v.finding.status in ("unclear", "not_assessed")]
    if blind:
        reasons = by_reason(blind, lang)
        frame = pd.DataFrame(
            [
                {
                    "reason": r,
                    "titles": _lines(v.title for v in vs),
                    "moves": what_it_moves([v.finding.id for v in vs], ctx.findings, fmt),
                }
                for r, vs in reasons.items()
            ],
            dtype=object,
        )
        cols = [
            Col(name, word(name if name != "titles" else "finding", lang)) for name in ("titles", "reason", "moves")
        ]
        listed = table(frame, cols, fmt=fmt, sortable=False)
        out.append(_chapter("unassessed", word("unassessed", lang), listed, lang, explain=False, brief=len(frame) < 9))
    out.append(
        _chapter("about-data", word("about_data", lang), _about_data(ctx, fmt), lang, explain=False, brief=bool(blind))
    )
    if ctx.definitions:
        out.append(
            _chapter(
                "definitions", word("definitions", lang), _definition_list(ctx, fmt), lang, explain=False, brief=True
            )
        )
    if ctx.thresholds:
        out.append(
            _chapter("thresholds", word("thresholds", lang), _threshold_list(ctx, fmt), lang, explain=False, brief=True)
        )
    terms = sorted(glossary(lang), key=lambda t: t.term.lower().replace("ё", "е"))
    explained = halves([piece(Paragraph((Run("b", (t.term,)), f" {t.meaning}"))) for t in terms])
    out.append(
        _chapter(
            "glossary",
            word("glossary", lang),
            piece(Group("glossary", explained.nodes)),
            lang,
            explain=False,
            brief=True,
        )
    )
    return out


def _lines(texts: Iterable[Any]) -> Markup:
    parts = [r for t in texts for r in (Break(), *runs(t))]
    return piece(*parts[1:])


_COUNTS = ("rows_read", "rows_used", "rows_set_aside", "orders", "order_days", "clients", "revenue")


def _about_data(ctx: ReportContext, fmt: Fmt) -> Markup:
    lang = fmt.lang
    rows = [
        (word(k, lang), fmt.money_full(ctx.data[k]) if k == "revenue" else fmt.num(ctx.data[k]))
        for k in _COUNTS
        if ctx.data.get(k) is not None
    ]
    frame = pd.DataFrame(rows, columns=["name", "value"])
    cols = [Col("name", word("measure", lang)), Col("value", word("figure", lang), show=str)]
    versions = ", ".join(f"{k} {v}" for k, v in ctx.versions.items())
    counted = table(frame, cols, fmt=fmt, sortable=False) if rows else None
    if counted and any(c.id == "data" and c.status == "done" for c in ctx.chapters):
        counted = Piece.of(counted, tuple)  # on paper the chapter just before says the same
    notes = [Paragraph((n,)) for n in (*ctx.data_notes, word("data_page", lang))]
    notes += [Paragraph((f"{word('versions', lang)}: {versions}.",), "note")] if versions else []
    return join([counted, piece(*notes, between="\n")])


def _speaks(formula: str, lang: Lang) -> bool:
    """Tell whether a formula can stand in the report: those written in English words only in the English one."""
    return bool(formula) and (lang == "en" or re.search(r"[A-Za-z]{3}", formula) is None)


def _definition_list(ctx: ReportContext, fmt: Fmt) -> Markup:
    """Every metric in one paragraph, by chapter, in two columns: a table would take three times the paper."""
    lang = fmt.lang
    parts: list[Any] = []
    for chapter, entries in itertools.groupby(ctx.definitions, key=lambda d: d.id.split(".", 1)[0]):
        told_here: list[Markup] = []
        for d in entries:
            told: list[Inline] = [Run("b", (d.name,)), " ", Run("id", (d.id,)), f" {d.definition} "]
            if _speaks(d.formula, lang):
                told += [Run("code", (d.formula,)), ". "]
            if d.benchmark:
                told.append(f"{word('benchmark', lang)[:1].upper()}{word('benchmark', lang)[1:]}: {d.benchmark}. ")
            told.append(f"{word('source', lang)}: {d.source}.")
            told_here.append(piece(Paragraph(tuple(told))))
        parts += [Heading(3, (chapter_title(chapter, lang),)), *pairs(told_here).nodes]
    return piece(Group("defs", tuple(parts)))


def _threshold_list(ctx: ReportContext, fmt: Fmt) -> Markup:
    lang = fmt.lang

    usual = source_text("kit default", lang)

    def limit(value: float | None, t: ThresholdEntry) -> str:
        return "" if value is None else fmt.value(value, t.unit)

    def written(t: ThresholdEntry) -> str:
        if t.value is not None:
            return limit(t.value, t)
        if t.base is not None:
            return " / ".join(limit(v, t) for v in (t.low, t.base, t.high))
        sign = ("≥" if t.bad == "high" else "<") + NBSP
        if t.watch == t.found:
            return f"{STATUS['found'].shape} {sign}{limit(t.found, t)}"
        return f"{STATUS['watch'].shape} {sign}{limit(t.watch, t)}   {STATUS['found'].shape} {sign}{limit(t.found, t)}"

    def told(t: ThresholdEntry) -> tuple[str, Markup, str]:
        # a parameter has no name of its own: what it is for names it
        named = t.name != t.id
        name = t.name if named else (t.reason[:1].upper() + t.reason[1:] or t.id)
        more = [t.reason if named else "", t.id, t.source if t.source != usual else ""]
        changed = [Run("small", (word("overridden", lang),))] if t.overridden else []
        return name, piece(written(t), *changed), " · ".join(x for x in more if x)

    # limits of findings first, then the parameters behind them
    limits = [told(t) for t in ctx.thresholds if t.watch is not None]
    parameters = [told(t) for t in ctx.thresholds if t.watch is None]
    frame = pd.DataFrame(
        [
            {"name": piece(Run("b", (name,)), " ", Run("id", (more,))), "limit": limit}
            for name, limit, more in [*limits, *parameters]
        ],
        columns=["name", "limit"],
        dtype=object,
    )
    cols = [Col("name", word("threshold", lang)), Col("limit", word("in_force", lang))]
    printed: list[Any] = []
    for title, entries in (("limits_of_findings", limits), ("parameters", parameters)):
        if entries:
            told_here = [
                piece(Paragraph((f"{name}: ", Run("b", runs(limit)), " ", Run("id", (more,)))))
                for name, limit, more in entries
            ]
            printed += [Heading(3, (word(title, lang),)), *pairs(told_here).nodes]
    usually = Paragraph((word("usual_source", lang),))
    shown = Group("defs", (usually, Group("dense", blocks_in([table(frame, cols, fmt=fmt)]))))
    return Piece.of(piece(shown), lambda: (Group("defs", (usually, *printed)),))


# --- frame


def _contents(front: str, body: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    tops = outline(front, 2) + outline(body, 3)
    for heading in tops:
        if heading.level == 2:
            entries.append({"id": heading.id, "text": heading.text, "children": [], "marks": ""})
        elif entries:
            entries[-1]["children"].append({"id": heading.id, "text": heading.text})
    return entries


@lru_cache(maxsize=1)
def _templates() -> Environment:
    env = Environment(
        loader=FileSystemLoader(str(resource_dir("templates") / "report")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return env


@lru_cache(maxsize=8)
def _asset(name: str) -> str:
    return (resource_dir("templates") / "report" / name).read_text(encoding="utf-8")


_FONT_FACES = (
    ("Audit Sans", "AuditSans-Regular", 400, "normal"),
    ("Audit Sans", "AuditSans-Semibold", 700, "normal"),
    ("Audit Sans", "AuditSans-Italic", 400, "italic"),
    ("Audit Serif", "AuditSerif-Regular", 400, "normal"),
    ("Audit Serif", "AuditSerif-Semibold", 700, "normal"),
)


@lru_cache(maxsize=1)
def _font_css() -> str:
    """Embed the faces."""
    rules = []
    for family, face, weight, style in _FONT_FACES:
        try:
            data = base64.b64encode(font_file(face, "woff2").read_bytes()).decode("ascii")
        except OSError:
            continue  # a text face of the reader's computer stands in
        rules.append(
            f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:{style};font-display:swap;'
            f'src:url("data:font/woff2;base64,{data}") format("woff2")}}'
        )
    return "\n".join(rules)


_LOGO_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".svg": "image/svg+xml",
    ".gif": "image/gif",
}


def _logo(ctx: ReportContext, run_dir: Path) -> Picture | None:
    if not ctx.logo:
        return None
    alt = ctx.consultant or word("logo", ctx.lang)
    given = re.fullmatch(r"data:(image/[a-z+]+);base64,([A-Za-z0-9+/=]+)", ctx.logo)
    if given:
        return Picture(given[1], given[2], alt)
    path = run_dir / ctx.logo
    kind = _LOGO_TYPES.get(path.suffix.lower())
    if kind is None or not path.is_file():
        return None
    return Picture(kind, base64.b64encode(path.read_bytes()).decode("ascii"), alt)


_PAPER = rf'<col\b[^>]*\bclass="{PAPER_ONLY}"[^>]*>|<p class="km-note {PAPER_ONLY}">.*?</p>'


def _for_screen(html: str) -> str:
    """Put the charts inline and leave out what is for paper: widths and notes of tables."""
    return inline_svg(re.sub(_PAPER, "", html, flags=re.S))


def _documents(ctx: ReportContext, lang: Lang, run_dir: Path, parts: _Parts) -> Documents:
    fmt = Fmt(lang, ctx.currency)
    title = ctx.title or word("report_title", lang)
    period = fmt.period(ctx.period.get("start"), ctx.period.get("end")) if ctx.period.get("start") else ""
    facts = [
        (word("sale_type", lang), ctx.sale_type.get("name") or ctx.sale_type.get("used") or ""),
        (word("as_of", lang), fmt.date(ctx.period["as_of"]) if ctx.period.get("as_of") else ""),
        (word("dated", lang), fmt.date(ctx.dated) if ctx.dated and ctx.dated != ctx.period.get("as_of") else ""),
        (word("prepared_by", lang), ctx.consultant or ""),
    ]
    paper = Paper(
        lang=lang,
        title=title,
        company=ctx.company,
        period=period,
        consultant=ctx.consultant or "",
        confidentiality=ctx.confidentiality if ctx.confidentiality is not None else word("confidential", lang),
        logo=_logo(ctx, run_dir),
        facts=[f for f in facts if f[1]],
        front=parts.paper_front,
        body=parts.paper_body,
        words={k: word(k, lang) for k in ("contents", "page", "of", "picture_lost")},
        colors=_colors(ctx),
        dated=ctx.dated,
    )
    return Documents(_html(ctx, paper, parts), paper)


def _colors(ctx: ReportContext) -> dict[str, str]:
    return {
        "accent": ctx.accent,
        "ink": readable(ctx.accent),
        "on": on_color(ctx.accent),
        "wash": tint(ctx.accent, 0.93),
        "line": tint(ctx.accent, 0.55),
    }


def _html(ctx: ReportContext, paper: Paper, parts: _Parts) -> str:
    lang = paper.lang
    script = _asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    logo = paper.logo
    return (
        _templates()
        .get_template("document.html.j2")
        .render(
            ctx=ctx,
            lang=lang,
            w=lambda key: word(key, lang),
            title=paper.title,
            period=paper.period,
            description=f"{ctx.company}. {paper.title}. {paper.period}".replace(NBSP, " "),
            generator="km-audit",
            logo=f"data:{logo.media};base64,{logo.data}" if logo is not None else "",
            confidentiality=paper.confidentiality,
            cover_facts=paper.facts,
            contents=parts.contents,
            front=Markup(_for_screen(parts.front)),
            body=Markup(_for_screen(parts.body)),
            css=Markup(_asset("report.css")),
            tokens=Markup(css_tokens()),
            fonts=Markup(_font_css()),
            colors=paper.colors,
            script=Markup(script),
            script_hash=f"sha256-{digest}",
            js_words=json.dumps(
                {"filter": word("filter", lang), "hits": word("filter_hits", lang), "table": word("table", lang)},
                ensure_ascii=False,
            ),
        )
    )
