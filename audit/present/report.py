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
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from audit.errors import Lang, Text
from audit.method import method
from audit.present import tree
from audit.present.blocks import (
    PAPER_ONLY,
    Col,
    FindingView,
    blocks_in,
    by_reason,
    definition_id,
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
from audit.present.context import (
    ChapterEntry,
    DefinitionEntry,
    ReportContext,
    ThresholdEntry,
    bands_of,
    definitions_of,
    glossary,
    limits_of,
    read_context,
    thresholds_of,
    view_of,
)
from audit.present.folds import fold, fold_sections, titled
from audit.present.format import NBSP, Fmt, slug
from audit.present.html import Body, clean_html, export_notebook, inline_svg, number_ids, outline
from audit.present.paper import for_paper
from audit.present.pdf import Paper
from audit.present.screen import Piece, html_of, piece
from audit.present.short import FEWER_ROWS, short_report
from audit.present.style import GRADES, STATUS, css_tokens, font_file, on_color, readable, tint
from audit.present.titles import chapter_title
from audit.present.tree import Block, Break, Group, Heading, Inline, PageBreak, Paragraph, Picture, Run, text_of
from audit.present.views import what_it_moves
from audit.present.words import source_text, word
from audit.resources import nbformat, resource_dir

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


@dataclass(frozen=True)
class Documents:
    """One document for the browser as HTML, for paper as a tree of blocks: the short report, and the whole record."""

    html: str
    paper: Paper
    full: Paper | None = None
    """The whole record on paper, where ``paper`` is the short report."""
    shorter: Paper | None = None
    """The short report with shorter lists, for where ``paper`` has too many pages."""


class _Explainer:
    """Leads from the first use of each glossary term in a section to its meaning.

    In a report that is a link to the glossary, which a script opens in place (``linked``); a page without a glossary
    shows the meaning on hover.
    """

    def __init__(self, lang: Lang, *, linked: bool = False) -> None:
        self.linked = linked
        self.meaning = {form.lower(): t for t in glossary(lang) if t.hover for form in t.forms}
        forms = sorted(self.meaning, key=len, reverse=True)
        self.pattern = (
            re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, forms)) + r")(?![\w-])", re.I) if forms else None
        )
        self.used: set[str] = set()

    def begin(self) -> None:
        """Begin a section: terms are explained anew, since the one before may be folded."""
        self.used.clear()

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
            if self.linked:
                out.append(f'<a class="km-def" href="#{term.anchor}">{escape(match[1])}</a>')
            else:
                out.append(f'<abbr class="km-dfn" title="{escape(term.meaning)}">{escape(match[1])}</abbr>')
            at = match.end()
        out.append(str(escape(text[at:])))
        return "".join(out)


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
        nb = nbformat().read(path, as_version=4)
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
    short_front: Sequence[Block] = ()
    short_body: Sequence[Block] = ()
    shorter_body: Sequence[Block] = ()
    finder: Mapping[str, Any] | None = None
    """What can be chosen above the record: verdicts with their numbers, chapters."""


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
    views = [view_of(f, ctx, bands) for f in ctx.findings]
    summary = next((c for c in ctx.chapters if c.id == "summary"), None)
    front = bodies[summary.id] if summary is not None else Body(Markup(""))
    html, paper_front = clean_html(str(front.html), text=_Explainer(lang, linked=True)), _pages(front.blocks)
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
        groups = [(titles.get(c, c), [v for v in views if v.finding.chapter == c]) for c in order]
        told = [(title, [v for v in vs if v.finding.status != "not_assessed"]) for title, vs in groups]
        legend = _legend(lang)
        sections.append(
            _chapter(
                "scorecard",
                word("scorecard", lang),
                join([scorecard(groups, fmt), legend]),
                lang,
                explain=False,
                paper=join([paper_scorecard(told, fmt), legend]),
            )
        )
    for number, c in enumerate(main, 1):
        sections.append(_notebook_chapter(c, bodies[c.id], views, reasons, lang, f"{number}"))
    sections += [_notebook_chapter(c, bodies[c.id], views, reasons, lang, "") for c in chapters if c.appendix]
    parts = _parts(html, paper_front, sections + _appendix(ctx, views, fmt))
    kept = {c.id: bodies[c.id].blocks for c in chapters}
    first, rest = short_report(ctx, fmt, views, paper_front, kept)
    _, fewer = short_report(ctx, fmt, views, paper_front, kept, FEWER_ROWS)
    return replace(
        parts,
        short_front=for_paper(tuple(first)),
        short_body=for_paper(tuple(rest)),
        shorter_body=for_paper(tuple(fewer)),
        finder=_finder(views, [c.title for c in chapters], lang) if views else None,
    )


def _finder(views: Sequence[FindingView], chapters: Sequence[str], lang: Lang) -> Mapping[str, Any]:
    counts = [(s, sum(v.finding.status == s for v in views)) for s in STATUS]
    return {
        "verdicts": [(s, STATUS[s].shape, STATUS[s].word.get(lang), n) for s, n in counts if n],
        "chapters": chapters,
    }


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
    link = r'<a (?:class="km-def" )?href="#([^"]+)">(.*?)</a>'
    return re.sub(link, lambda m: m[0] if m[1] in known else m[2], parts[-1], flags=re.S)


def _fallback_front(ctx: ReportContext, views: Sequence[FindingView], fmt: Fmt) -> Any:
    """Page one from the context alone, when the summary notebook did not draw it."""
    rank = {"critical": 0, "major": 1, "minor": 2, "none": 3}
    bad = [v for v in views if v.finding.status in ("found", "watch")]
    bad.sort(key=lambda v: (v.finding.status != "found", rank[v.finding.severity]))
    steps = [f"{a.text} — {a.owner}" if a.owner else a.text for a in ctx.actions if (a.horizon_days or 999) <= 30]
    return executive_page(
        fmt=fmt,
        verdict=" ".join(ctx.verdict),
        findings=bad[:5],
        decision=(word("first_30_days", fmt.lang), steps) if steps else None,
    )


def _chapter(
    id: str,
    title: str,
    html: Markup,
    lang: Lang,
    *,
    number: str = "",
    explain: bool = True,
    linked: bool = False,
    brief: bool = False,
    paper: Markup | None = None,
) -> _Chapter:
    """Frame a chapter; a ``brief`` one does not begin a page of its own. ``paper`` is what paper shows instead.

    ``linked``: its terms lead to the document's glossary.
    """
    label = f"{number}. {title}" if number else title
    anchor = f"chapter-{slug(id)}"
    frame = Markup('<section class="km-chapter{}" aria-labelledby="{}"><h2 id="{}">{}</h2>\n{}</section>')
    explainer = _Explainer(lang, linked=linked)
    shown = clean_html(str(html), text=explainer, section=explainer.begin) if explain else html
    head = tree.Chapter(Heading(1, (label,), anchor), brief)
    told = frame.format(" km-brief" if brief else "", anchor, anchor, label, shown)
    return _Chapter(str(told), (head, *blocks_in([html if paper is None else paper])))


_ONLY_A_LEAD = re.compile(
    r'<section class="km-section">\s*<h3 id="[^"]*">([^<]*)</h3>\s*<div class="km-lead"><p>([^<]*)</p></div>\s*</section>'
)


def _gather(html: Markup, reasons: Collection[str], lang: Lang) -> Markup:
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


def _gather_blocks(blocks: Sequence[Block], reasons: Collection[str], lang: Lang) -> tuple[Block, ...]:
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
    told = _gather(body.html, reasons, lang)
    shown = join([*parts, told if c.status == "failed" else fold_sections(told, c.id, own, lang)])
    paper = Piece.of(shown, lambda: (*blocks_in(parts), *_gather_blocks(body.blocks, reasons, lang)))
    # a chapter without trouble follows on the page before it; one that has some begins its own
    quiet = c.status != "failed" and not any(v.finding.status == "found" for v in own)
    return _chapter(c.id, c.title, paper, lang, number=number, linked=True, brief=quiet and number not in ("", "1"))


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
                    "titles": _lines(
                        piece(*runs(status_mark(v.finding.status, lang, word_too=False)), " ", *runs(v.title))
                        for v in vs
                    ),
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
    if ctx.peers:
        out.append(_chapter("peers", word("peers", lang), _peer_table(ctx, fmt), lang, explain=False, brief=True))
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
    out.append(_chapter("glossary", word("glossary", lang), _glossary_list(lang), lang, explain=False, brief=True))
    return out


def _glossary_list(lang: Lang) -> Piece:
    terms = sorted(glossary(lang), key=lambda t: t.term.lower().replace("ё", "е"))
    told = [(t.anchor, (Run("b", (t.term,)), f" {t.meaning}")) for t in terms]
    shown = fold(titled(word("glossary_terms", lang), len(told), heading=False), _entries("glossary", told))
    return Piece.of(shown, lambda: (Group("glossary", halves([piece(Paragraph(t)) for _, t in told]).nodes),))


def _entries(style: str, told: Sequence[tuple[str, tuple[Inline, ...]]]) -> Markup:
    """Write entries in two columns, each with the anchor that a term or a figure leads to."""
    entries = Markup("").join(Markup('<p id="{}">{}</p>').format(id, html_of(inside)) for id, inside in told)
    return Markup('<div class="km-{} km-entries">{}</div>').format(style, entries)


def _lines(texts: Iterable[Any]) -> Markup:
    parts = [r for t in texts for r in (Break(), *runs(t))]
    return piece(*parts[1:])


_COUNTS = ("rows_read", "rows_used", "rows_set_aside", "orders", "order_days", "clients", "revenue")


def _peer_table(ctx: ReportContext, fmt: Fmt) -> Markup:
    """Build the table of figures among other audited companies, named as no norm."""
    lang = fmt.lang
    frame = pd.DataFrame(
        [
            {
                "metric": method().describe(p.id, lang),
                "value": fmt.value(p.value, p.unit),
                "median": fmt.value(p.median, p.unit),
                "half": fmt.between(p.low, p.high, p.unit),
                "place": word("peers_among", lang, k=str(p.better_than), n=str(p.n)),
            }
            for p in ctx.peers
        ],
        dtype=object,
    )
    cols = [Col(key, word(f"peers_{key}", lang)) for key in ("metric", "value", "median", "half", "place")]
    few, many = (f(p.n for p in ctx.peers) for f in (min, max))
    lead = word("peers_lead", lang, n=f"{few}" if few == many else f"{few}–{many}")
    return join([piece(Paragraph((lead,))), table(frame, cols, fmt=fmt, id="peers", sortable=False)])


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
    limits = _limits_by_metric(ctx, fmt)
    parts: list[Any] = []
    shown: list[Markup] = []
    for chapter, entries in itertools.groupby(ctx.definitions, key=lambda d: d.id.split(".", 1)[0]):
        here: list[tuple[str, tuple[Inline, ...]]] = []
        for d in entries:
            told: list[Inline] = [Run("b", (d.name,)), " ", Run("id", (d.id,)), f" {d.definition} "]
            if _speaks(d.formula, lang):
                told += [Run("code", (d.formula,)), ". "]
            if d.benchmark:
                told.append(f"{word('benchmark', lang)[:1].upper()}{word('benchmark', lang)[1:]}: {d.benchmark}. ")
            if d.id in limits:
                told.append(f"{word('limits', lang)}: {limits[d.id]}. ")
            told.append(f"{word('source', lang)}: {d.source}.")
            here.append((definition_id(d.id), tuple(told)))
        title = chapter_title(chapter, lang)
        parts += [Heading(3, (title,)), *pairs([piece(Paragraph(inside)) for _, inside in here]).nodes]
        shown.append(fold(titled(title, len(here)), _entries("defs", here)))
    return Piece.of(join(shown), lambda: (Group("defs", tuple(parts)),))


def _limits_by_metric(ctx: ReportContext, fmt: Fmt) -> dict[str, str]:
    """Return the limits of the verdicts that a metric decides, by metric."""
    bands = {t.id: limits_of(t, fmt) for t in ctx.thresholds if t.watch is not None}
    out: dict[str, str] = {}
    for id, spec in method().findings.items():
        if id in bands and spec.metrics:
            known = out.get(spec.metrics[0], "")
            if bands[id] not in known:
                out[spec.metrics[0]] = "; ".join(x for x in (known, bands[id]) if x)
    return out


def _threshold_list(ctx: ReportContext, fmt: Fmt) -> Markup:
    lang = fmt.lang

    usual = source_text("kit default", lang)

    def told(t: ThresholdEntry) -> tuple[str, Markup, str]:
        # a parameter has no name of its own: what it is for names it
        named = t.name != t.id
        name = t.name if named else (t.reason[:1].upper() + t.reason[1:] or t.id)
        more = [t.reason if named else "", t.id, t.source if t.source != usual else ""]
        changed = [Run("small", (word("overridden", lang),))] if t.overridden else []
        return name, piece(limits_of(t, fmt), *changed), " · ".join(x for x in more if x)

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
    listed = table(frame, cols, fmt=fmt)
    head = titled(word("threshold_list", lang), len(frame), heading=False)
    shown = join([piece(usually), fold(head, Markup('<div class="km-defs km-dense">{}</div>').format(listed))])
    return Piece.of(shown, lambda: (Group("defs", (usually, *printed)),))


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
    if not parts.short_front:
        return Documents(_html(ctx, paper, parts), paper)
    short = replace(paper, front=parts.short_front, body=parts.short_body, one_page=True)
    return Documents(_html(ctx, paper, parts), short, paper, replace(short, body=parts.shorter_body))


def _colors(ctx: ReportContext) -> dict[str, str]:
    return {
        "accent": ctx.accent,
        "ink": readable(ctx.accent),
        "on": on_color(ctx.accent),
        "wash": tint(ctx.accent, 0.93),
        "line": tint(ctx.accent, 0.55),
    }


_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of writing: one in a client's name would turn the sentence around it."""
_SCRIPT_WORDS = ("filter", "filter_hits", "table", "find_told", "find_none", "close", "what_it_means", "to_entry")


def _html(ctx: ReportContext, paper: Paper, parts: _Parts) -> str:
    lang = paper.lang
    script = _asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    logo = paper.logo
    made = (
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
            finder=parts.finder,
            front=Markup(_for_screen(parts.front)),
            body=Markup(_for_screen(parts.body)),
            css=Markup(_asset("report.css")),
            tokens=Markup(css_tokens()),
            fonts=Markup(_font_css()),
            colors=paper.colors,
            script=Markup(script),
            script_hash=f"sha256-{digest}",
            js_words=json.dumps({k: word(k, lang) for k in _SCRIPT_WORDS}, ensure_ascii=False),
        )
    )
    return _TURNS.sub("", made)
