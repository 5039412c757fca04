"""The short report: fifteen pages to decide by, picked from the finished sections of the whole record.

Nothing is computed and nothing is said here that the record does not say: every page is a choice of the blocks that the
notebooks left. What a chapter does not have is left out; a page without anything is no page.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from audit.method import method
from audit.present.blocks import FindingView, by_reason, halves
from audit.present.context import ReportContext, glossary, threshold_words
from audit.present.format import Fmt
from audit.present.narrative import Narrative
from audit.present.proof import evidence_id
from audit.present.screen import piece
from audit.present.titles import chapter_title
from audit.present.tree import (
    Block,
    Card,
    Cell,
    Chapter,
    Columns,
    Figure,
    Group,
    Heading,
    Lines,
    List,
    PageBreak,
    Paragraph,
    Run,
    Table,
    text_of,
)
from audit.present.views import lower_first, what_it_moves
from audit.present.words import word

__all__ = ["FEWER_ROWS", "SHORT_PAGES", "SHORT_ROWS", "short_report"]

SHORT_ROWS = 15
"""Rows of a list in the short report: what somebody calls through in a week."""
SHORT_PAGES = 16
"""Pages of the short report at most: one that has more is set again with lists of `FEWER_ROWS`."""
FEWER_ROWS = 6
MOST_LETTERS = 80
"""Letters of a cell in a list: a longer name is cut here, not in the annex."""
_MOST_PROBLEMS = 4
"""Problems that have a page of evidence."""
_PARTS = 3
"""Pictures and tables that a page has room for: of the sections named for it, the first that have any."""


@dataclass(frozen=True)
class _Pick:
    """What a page takes of a section: its first figures and tables, its text only where it has nothing else to show."""

    section: str
    figures: int = 1
    tables: int = 0
    table: int = 0
    """The table to begin with."""
    text: bool = False
    size: str = "short"
    """How high a picture may be: ``third`` of a page, ``short``, ``tall`` (half a page: a tree, a flow)."""
    rows: int = SHORT_ROWS
    columns: int = 0
    """How many columns from the left; 0 for all."""
    told_from: int = 0
    """Only rows that say something from this column on: what a picture beside shows already is not said again."""


_SHAPE = (_Pick("model-organisation", size="tall"), _Pick("model-target", tables=1, told_from=3))
_HOURS = (
    _Pick("roles-flow", size="tall"),
    _Pick("roles-order-work", 0, 1),
    _Pick("roles-relief", 0, 1, table=2),
    _Pick("roles-week"),
    _Pick("roles-mirror"),
)
_HOURS_BY_ORDERS = (_Pick("roles-entry"), _Pick("roles-hunting", 0, 1))
"""Without a questionnaire the orders alone tell who does what."""
_LOST = (
    _Pick("handoff-path", size="third"),
    _Pick("retention-second-purchase", size="third"),
    _Pick("retention-change", size="third"),
    _Pick("retention-states", size="third"),
)
_LISTS = (
    _Pick("retention-worklist", 0, 1, columns=6),
    _Pick("handoff-handed", 0, 1, rows=8),
    _Pick("service-to-call", 0, 1, rows=8),
    _Pick("keys-clients", 0, 1),
    _Pick("keys-not-listed", 0, 1, rows=8),
    _Pick("base-strategies", 0, 1),
)
_GROW = (_Pick("base-wallet"), _Pick("base-strategies"), _Pick("base-range", 0, 1, rows=5), _Pick("ownership-load"))


class _Record:
    """The sections of all chapters, by the anchor of their heading."""

    def __init__(self, chapters: Mapping[str, Sequence[Block]], fmt: Fmt, rows: int) -> None:
        self.fmt = fmt
        self.rows = rows
        self.sections: dict[str, tuple[Heading, list[Block]]] = {}
        self.cards: dict[str, Card] = {}
        self.figures: dict[str, Figure] = {}
        self.taken: set[str] = set()
        for blocks in chapters.values():
            here: list[Block] = []
            for b in blocks:
                if isinstance(b, Heading) and b.level <= 2:
                    here = []
                    self.sections.setdefault(b.id, (b, here))
                else:
                    here.append(b)
                for part in _flat(b):
                    if isinstance(part, Card):
                        self.cards.setdefault(part.id, part)
                    elif isinstance(part, Figure):
                        self.figures.setdefault(part.id, part)

    def pick(self, wanted: _Pick) -> list[Block]:
        """Return what a page takes of a section, each picture once in the document; empty where there is nothing."""
        if wanted.section not in self.sections:
            return []
        head, blocks = self.sections[wanted.section]
        flat = [p for b in blocks for p in _flat(b)]
        figures = [self.figure(f.id, wanted.size) for f in flat if isinstance(f, Figure)][: wanted.figures]
        shown: list[Block] = [f for f in figures if f is not None]
        at = [k for k, b in enumerate(flat) if isinstance(b, Table)][wanted.table : wanted.table + wanted.tables]
        for k in at:
            t = flat[k]
            assert isinstance(t, Table)
            if f"table {wanted.section} {k}" in self.taken or not t.body:
                continue
            self.taken.add(f"table {wanted.section} {k}")
            short = _cut(t, wanted, min(self.rows, wanted.rows))
            if not short.body:
                continue
            shown.append(short)
            foot = flat[k + 1] if k + 1 < len(flat) else None
            if isinstance(foot, Group) and foot.style == "table-foot":
                shown.append(self._foot(foot, t, len(short.body)))
        if not shown and wanted.text:
            shown += [b for b in flat if isinstance(b, Paragraph)][:1]
        if not shown:
            return []
        if isinstance(shown[0], Figure):
            return shown  # its title heads what follows
        return [replace(head, level=2, id=f"short-{head.id}"), *shown]

    def _foot(self, foot: Group, table: Table, shown: int) -> Group:
        """Return what stands below a table with the number of rows that are left of it here."""
        if shown == len(table.body) or not table.total or not foot.body or not isinstance(foot.body[0], Paragraph):
            return foot
        before, now = (
            word("rows_shown", self.fmt.lang, shown=self.fmt.num(n), total=self.fmt.num(table.total))
            for n in (len(table.body), shown)
        )
        said = text_of(foot.body[0].inside)
        said = said.replace(before, now) if before in said else f"{now}. {said}"
        return replace(foot, body=(replace(foot.body[0], inside=(said,)), *foot.body[1:]))

    def first(self, wanted: Sequence[_Pick]) -> list[list[Block]]:
        """Return what fits on a page of the sections that have anything, in their order."""
        return list(itertools.islice(filter(None, map(self.pick, wanted)), _PARTS))

    def figure(self, id: str, size: str = "short") -> Figure | None:
        """Return a picture the first time it is asked for, as large as a short report has room for."""
        if id not in self.figures or id in self.taken:
            return None
        self.taken.add(id)
        f = self.figures[id]
        return replace(f, picture=replace(f.picture, style=size))


def _cut(t: Table, wanted: _Pick, rows: int) -> Table:
    """Return a table with the rows and columns that the short report has room for; a column that says nothing is left out."""
    style = "" if t.style == "wide" else t.style
    if wanted.told_from:
        t = replace(t, body=tuple(r for r in t.body if any(map(_says, r.cells[wanted.told_from :]))))
    t = replace(t, body=t.body[:rows], style=style, id="")
    if any(len(r.cells) != len(t.widths) for r in (*t.head, *t.body)):
        return t
    most = min(wanted.columns or len(t.widths), len(t.widths))
    kept = [k for k in range(most) if any(_says(r.cells[k]) for r in t.body)]
    head, body = (
        tuple(replace(r, cells=tuple(_clipped(r.cells[k]) for k in kept)) for r in p) for p in (t.head, t.body)
    )
    return replace(t, widths=tuple(t.widths[k] for k in kept), head=head, body=body)


def _says(cell: Cell) -> bool:
    return bool(text_of(cell.inside).strip("— "))


def _clipped(cell: Cell) -> Cell:
    """Return a cell no longer than what a list has room for: the annex has it whole."""
    said = text_of(cell.inside)
    return cell if len(said) <= MOST_LETTERS else replace(cell, inside=(f"{said[: MOST_LETTERS - 1].rstrip()}…",))


def _flat(block: Block) -> list[Block]:
    if isinstance(block, Columns):
        return [p for part in block.parts for b in part for p in _flat(b)]
    return [block]


def short_report(
    ctx: ReportContext,
    fmt: Fmt,
    views: Sequence[FindingView],
    summary: Sequence[Block],
    chapters: Mapping[str, Sequence[Block]],
    rows: int = SHORT_ROWS,
) -> tuple[list[Block], list[Block]]:
    """Return page one and the pages after it.

    ``summary``: the blocks of the summary's notebook; ``chapters``: those of each chapter's; ``rows``: of a list at most.
    """
    say = Narrative(fmt.lang, fmt).section

    def title(part: str) -> str:
        return str(say("summary", "short", part).unescape())

    parts = _by_section(summary)
    record = _Record(chapters, fmt, rows)
    front = parts.pop("executive", [])
    pages: list[list[Block]] = [
        _page("shape", title("shape"), [record.pick(p) for p in _SHAPE]),
        _page("hours", title("hours"), record.first(_HOURS)),
    ]
    if not pages[-1]:
        pages[-1] = _page("hours", title("hours"), record.first(_HOURS_BY_ORDERS))
    pages.append(_page("lost", title("lost"), record.first(_LOST)))
    money, plan = _whole(parts, "money"), _whole(parts, "plan")
    pages.append(money)
    pages.append(plan if any(isinstance(b, Table) for b in plan) else [])
    pages += _proofs(views, record, parts.get("evidence", []), summary)
    said = [front, money, plan]  # what has to be understood without the record at hand
    lists = _page("lists", title("lists"), [record.pick(p) for p in _LISTS])
    growth = _whole(parts, "grow")
    room = [b for p in _GROW for b in record.pick(p)]
    growth = [*growth, *room] if growth else []
    healthy = not any(v.finding.status == "found" for v in views)
    pages = [growth, *pages, lists] if healthy else [*pages, lists, growth]
    pages += [_kept(views, fmt, title("kept")), _silent(ctx, views, fmt)]
    pages.append(_basis(ctx, fmt, parts.get("assumptions", []), said))
    return front, [b for page in pages if page for b in page]


def _by_section(blocks: Sequence[Block]) -> dict[str, list[Block]]:
    out: dict[str, list[Block]] = {}
    here: list[Block] = out.setdefault("", [])
    for b in blocks:
        if isinstance(b, Heading) and b.level == 1:
            here = out.setdefault(b.id, [])
        if not isinstance(b, PageBreak):
            here.append(b)
    return out


def _smaller(block: Block) -> Block:
    if not isinstance(block, Figure):
        return block
    style = "low" if block.id in ("chart-money-spread", "chart-money-ways") else "short"
    return replace(block, picture=replace(block.picture, style=style))


def _head(id: str, title: str, *, brief: bool = False) -> Chapter:
    return Chapter(Heading(1, (title,), f"short-{id}"), brief=brief, joined=not brief)


def _page(id: str, title: str, picked: Sequence[Sequence[Block]]) -> list[Block]:
    body = [b for p in picked for b in p]
    return [_head(id, title), *body] if body else []


def _whole(parts: Mapping[str, Sequence[Block]], id: str) -> list[Block]:
    blocks = [_smaller(b) for b in parts.get(id, ())]
    if not blocks or not isinstance(blocks[0], Heading):
        return []
    return [_head(id, text_of(blocks[0].inside)), *blocks[1:]]


def _proofs(
    views: Sequence[FindingView], record: _Record, evidence: Sequence[Block], summary: Sequence[Block]
) -> list[list[Block]]:
    """Return a page of evidence for each problem of page one: its card, its picture, what would change our mind."""
    said: dict[str, list[Block]] = {}
    here: list[Block] = []
    for b in evidence:
        if isinstance(b, Heading) and b.level == 2:
            here = said.setdefault(b.id, [])
        else:
            here.append(b)
    by_anchor = {evidence_id(v.finding.id): v for v in views}
    pages = []
    for anchor, told in list(said.items())[:_MOST_PROBLEMS]:
        v = by_anchor.get(anchor)
        if v is None:
            continue
        spec = method().findings.get(v.finding.id)
        wanted = spec.picture if spec is not None else ()
        if v.finding.chapter == "roles":
            wanted = ("roles-evidence", *wanted)  # what people say, what a log shows, what the orders show
        pictures = (record.figure(f"chart-{p}") for p in wanted)
        card = record.cards.get(v.anchor)
        shown = [p for p in itertools.islice((p for p in pictures if p is not None), 1)]
        body: list[Block] = [*shown, *told]  # the sentences fill what the picture leaves of the page
        if card is not None:
            # the page has its title, and the plan what to do
            told_in_card = tuple(b for b in card.body if not (isinstance(b, Group) and b.style == "actions"))
            body.insert(0, replace(card, title=replace(card.title, inside=()), body=told_in_card))
        pages.append([_head(anchor, str(v.title)), *body])
    return pages


def _kept(views: Sequence[FindingView], fmt: Fmt, title: str) -> list[Block]:
    """List what is in order, by chapter, without a picture."""
    clear: dict[str, list[FindingView]] = {}
    for v in views:
        if v.finding.status == "clear":
            clear.setdefault(v.finding.chapter, []).append(v)
    if not clear:
        return []
    n = sum(map(len, clear.values()))
    lines = [piece(Lines((chapter_title(c, fmt.lang),), tuple((str(v.title),) for v in vs))) for c, vs in clear.items()]
    lead = str(Narrative(fmt.lang, fmt).section("summary", "short", "kept_lead", n=n).unescape())
    return [_head("kept", title), Paragraph((lead,), "chapter-findings"), *halves(lines).nodes]


def _silent(ctx: ReportContext, views: Sequence[FindingView], fmt: Fmt) -> list[Block]:
    """List what cannot be told, what to bring, and what it could move; a long list is small print in two columns."""
    lang = fmt.lang
    blind = [v for v in views if v.finding.status in ("unclear", "not_assessed")]
    if not blind:
        return []
    say = Narrative(lang, fmt).section
    title = str(say("summary", "limits", "title").unescape())
    told: list[tuple[str, str]] = []
    for reason, group in by_reason(blind, lang).items():
        moves = what_it_moves([v.finding.id for v in group], ctx.findings, fmt)
        names = "; ".join(lower_first(str(v.title)) for v in group)
        told.append((f"{reason.rstrip('.')}.", say("summary", "short", "silent", names=names, moves=moves).unescape()))
    if len(told) > 5:
        small = halves([piece(Paragraph((Run("b", (why,)), f" {what}"))) for why, what in told])
        return [_head("silent", title, brief=True), Group("legend", small.nodes)]
    return [
        _head("silent", title, brief=True),
        List(tuple((Paragraph((why,)), Paragraph((what,), "note")) for why, what in told)),
    ]


def _basis(ctx: ReportContext, fmt: Fmt, assumptions: Sequence[Block], pages: Sequence[Sequence[Block]]) -> list[Block]:
    """Say what the figures stand on: assumptions behind the money, limits that were changed, sources, words used."""
    lang = fmt.lang

    def title(part: str) -> str:
        return str(Narrative(lang, fmt).section("summary", "short", part).unescape())

    out: list[Block] = [_head("basis", title("basis"), brief=True)]
    out += [replace(b, level=2) if isinstance(b, Heading) else b for b in assumptions]
    changed = [t for t in ctx.thresholds if t.overridden]
    out.append(Heading(2, (title("overridden"),), "short-overridden"))
    if changed:
        out.append(List(tuple((Paragraph((threshold_words(t, fmt),)),) for t in changed)))
    else:
        out.append(Paragraph((title("none_overridden"),)))
    norms = list(dict.fromkeys(f"{d.name}: {d.benchmark}" for d in ctx.definitions if d.benchmark))
    if norms:
        out += [Heading(2, (title("sources"),), "short-sources"), *_small_list(norms)]
    text = text_of([p for page in pages for p in page])
    used = [t for t in glossary(lang) if any(f in text for f in t.forms)]
    if used:
        terms = [
            f"{t.term} — {lower_first(_first_sentence(t.meaning))}" for t in sorted(used, key=lambda t: t.term.lower())
        ]
        out += [Heading(2, (title("words"),), "short-words"), *_small_list(terms)]
    return [*out, Paragraph((title("record"),), "note")]


def _first_sentence(text: str) -> str:
    """Return what a word means in a sentence: the glossary of the whole record has the rest."""
    return re.split(r"(?<=\.)\s|; ", text)[0].rstrip(".") + "."


def _small_list(texts: Sequence[str]) -> list[Block]:
    told = halves([piece(Paragraph((t,))) for t in texts])
    return [Group("legend", told.nodes)]
