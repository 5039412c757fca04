"""Building blocks of the report: what notebook cells display, and both documents are made of.

Each function makes nodes of the tree (`audit.present.tree`) and returns them written as HTML (`Piece`), with the nodes
kept. A text that is not `markupsafe.Markup` is plain text; a client's name may hold anything.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

import pandas as pd
from markupsafe import Markup, escape

from audit.errors import Lang
from audit.findings.finding import Effect, Finding, Severity, Status
from audit.model.result import Grade, Metric
from audit.present import tree
from audit.present.chart import Band, Chart, svg_picture
from audit.present.convert import blocks_of
from audit.present.format import DASH, NBSP, Fmt, slug
from audit.present.paper import BLOCKS, stored
from audit.present.screen import Piece, html_of, piece
from audit.present.style import GRADES, SEVERITIES, STATUS, tint
from audit.present.tree import (
    Block,
    Card,
    Cell,
    Facts,
    Group,
    Heading,
    Headline,
    Headlines,
    Inline,
    KeyFigures,
    Lines,
    Link,
    List,
    Mark,
    Note,
    Paragraph,
    Row,
    Run,
    Table,
)
from audit.present.words import lower_first, source_text, word
from audit.resources import resource_dir

__all__ = [
    "PAPER_ONLY",
    "SCREEN_ONLY",
    "ActionView",
    "Col",
    "Columns",
    "FindingView",
    "Section",
    "action_text",
    "by_reason",
    "callout",
    "chips",
    "columns",
    "definition",
    "definition_id",
    "executive_page",
    "finding_card",
    "finding_id",
    "gauge",
    "grade_mark",
    "halves",
    "join",
    "key_figures",
    "metric_line",
    "middle",
    "norm_words",
    "pairs",
    "paper_scorecard",
    "paragraphs",
    "scorecard",
    "status_mark",
    "table",
    "unassessed",
]

Kind = Literal[
    "text",
    "num",
    "count",
    "share",
    "change",
    "money",
    "money_full",
    "date",
    "month",
    "days",
    "hours",
    "fte",
    "status",
    "grade",
    "severity",
]
_RIGHT = frozenset({"num", "count", "share", "change", "money", "money_full", "days", "hours", "fte"})
SCREEN_ONLY, PAPER_ONLY = "km-screen-only", "km-paper-only"
"""Classes of what stands in only one of the two documents made of the same fragments."""
PAPER_ROWS = 15
"""Rows of a cut list in the PDF: the browser has a filter, paper has the annex."""


def finding_id(id: str) -> str:
    """Return the anchor of a finding's card: ``roles.km_overload`` → ``finding-roles-km-overload``."""
    return "finding-" + slug(id)


def definition_id(metric: str) -> str:
    """Return the anchor of a metric's definition: ``roles.foreign_share`` → ``def-roles-foreign-share``."""
    return "def-" + slug(metric)


def _defined(metric: Metric, *inside: Inline) -> Link:
    """Lead from a figure or its name to what it means."""
    return Link(f"#{definition_id(metric.id)}", inside)


def join(parts: Iterable[Any], separator: str = "\n") -> Markup:
    """Join fragments, escaping those that are plain text; None and empty ones are left out."""
    kept = [p for p in parts if p is not None and str(p)]
    html = Markup(separator).join(_html(p) for p in kept)
    return Piece.of(html, lambda: blocks_in(kept)) if separator == "\n" else html


def _html(part: Any) -> Markup:
    if isinstance(part, Chart | Section):
        return part.html
    return html_of(part)


def runs(part: Any) -> tuple[Inline, ...]:
    """Return what a text, a sentence or a mark is made of."""
    if isinstance(part, Piece):
        return part.nodes
    if isinstance(part, Markup):
        return (part,) if part else ()
    return (str(part),) if part is not None and str(part) else ()


def blocks_in(parts: Iterable[Any]) -> tuple[Block, ...]:
    """Return the blocks that parts of a section are made of; HTML that is nobody's block is read as blocks."""
    out: list[Block] = []
    for part in parts:
        if part is None:
            continue
        if isinstance(part, Section):
            out += part.blocks
        elif isinstance(part, Chart | Columns):
            out.append(part.block)
        elif isinstance(part, Piece):
            out += part.nodes
        elif isinstance(part, Markup):
            out += blocks_of(str(part))
        elif str(part):
            out += (Paragraph((x,)) for x in _split(str(part)))
    return tuple(out)


def _split(text: str) -> list[str]:
    return [b.strip() for b in re.split(r"\n\s*\n", text) if b.strip()]


def paragraphs(text: str | Markup) -> Markup:
    """Turn a text into paragraphs at its blank lines; one that holds block markup already is left as it is."""
    if isinstance(text, Piece) and not any(isinstance(n, str | Run | Mark | tree.Grade | Link) for n in text.nodes):
        return text
    safe = escape(text)
    if re.match(r"\s*<(p|ul|ol|dl|div|table|figure|section|article|aside|h\d)\b", safe):
        return safe
    if isinstance(text, Piece):
        return piece(Paragraph(text.nodes))
    return piece(*(Paragraph((Markup(b) if isinstance(text, Markup) else b,)) for b in _split(str(text))), between="\n")


# --- sections


@dataclass(frozen=True)
class Section:
    """A titled piece of a chapter: what a notebook cell displays. ``parts`` are fragments, charts or plain texts.

    An ``internal`` one is shown in the notebook and left out of the report.
    """

    id: str
    title: str
    parts: Sequence[Any] = ()
    level: int = 3
    lead: str | Markup = ""
    classes: str = ""
    internal: bool = False

    @property
    def html(self) -> Markup:
        """The finished fragment."""
        name = slug(self.id)
        parts = [
            # no name of its own: forty landmarks would be as good as none
            Markup('<section class="km-section{}">').format(f" {self.classes}" if self.classes else ""),
            Markup('<h{0} id="{1}">{2}</h{0}>').format(self.level, name, self.title) if self.title else None,
            Markup('<div class="km-lead">{}</div>').format(paragraphs(self.lead)) if self.lead else None,
            *(_block(p) for p in self.parts),
            Markup("</section>"),
        ]
        html = Markup("\n").join(_html(p) for p in parts if p is not None and str(p))
        return Piece.of(html, lambda: self.blocks)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The nodes it is made of."""
        kicker = "kicker" if "km-executive" in self.classes else ""
        head = [Heading(self.level - 1, (self.title,), slug(self.id), kicker)] if self.title else []
        lead = [
            replace(p, style="lead") if isinstance(p, Paragraph) else p
            for p in (blocks_in([paragraphs(self.lead)]) if self.lead else ())
        ]
        return (*head, *lead, *blocks_in(_block(p) for p in self.parts))

    def __html__(self) -> str:
        return str(self.html)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        # the style is for JupyterLab alone; the report drops every style sheet that comes with an output
        html = self.html
        shown = _APART.sub(" ", str(html))
        data: dict[str, Any] = {"text/html": f"<style>{_lab_style()}</style>\n{shown}", "text/plain": _plain(html)}
        data[BLOCKS] = stored(self.blocks)
        return data, {"internal": True} if self.internal else {}


_APART = re.compile(r'(?=<span class="km-(?:severity|sub|int|who|value-note)\b)')
"""Where only the style keeps two words apart: JupyterLab drops the style of a notebook that somebody else has run."""


@lru_cache(maxsize=1)
def _lab_style() -> str:
    return (resource_dir("templates") / "report" / "lab.css").read_text(encoding="utf-8").replace("\n", "")


def _block(part: Any) -> Any:
    """Plain text and inline markup become paragraphs; blocks pass."""
    if part is None or isinstance(part, Chart | Columns | Section):
        return part
    return paragraphs(part)


def _plain(html: Markup) -> str:
    text = re.sub(r"<(br|/p|/tr|/h\d|/li|/figure|/caption)[^>]*>", "\n", str(html))
    stripped = re.sub(r"<[^>]+>", " ", text)
    lines = (re.sub(r"[ \t]+", " ", Markup(line).unescape()).strip() for line in stripped.splitlines())
    return "\n".join(line for line in lines if line)


# --- small marks


def status_mark(status: Status, lang: Lang, *, word_too: bool = True) -> Piece:
    """Show a status by shape and word: «● выявлено»."""
    mark = STATUS[status]
    return piece(Mark(status, mark.shape, mark.word.get(lang), word_too))


def grade_mark(grade: Grade | None, lang: Lang) -> Piece:
    """Show an evidence grade as a letter that explains itself on hover."""
    return piece() if grade is None else piece(tree.Grade(grade, GRADES[grade].get(lang)))


def definition(term: str, meaning: str) -> Markup:
    """Wrap a term so that its meaning shows on hover and on keyboard focus."""
    return piece(Run("dfn", (term,), meaning))


def callout(title: str, body: str | Markup, kind: Literal["note", "warning", "good"] = "note") -> Markup:
    """Set a remark apart from the text."""
    return piece(Note(kind, runs(title), blocks_in([paragraphs(body)])))


def chips(items: Iterable[tuple[str, Any]]) -> Markup:
    """List short facts in a row: label and value."""
    return piece(Facts(tuple((runs(k), runs(v)) for k, v in items)))


@dataclass(frozen=True)
class Columns:
    """Parts side by side (below one another on a narrow screen)."""

    parts: tuple[Any, ...]

    @property
    def block(self) -> tree.Columns:
        """The node it is made of."""
        return tree.Columns(tuple(blocks_in([_block(p)]) for p in self.parts))

    def __html__(self) -> str:
        cells = (Markup("<div>{}</div>").format(_html(_block(p))) for p in self.parts)
        return str(Markup('<div class="km-columns">{}</div>').format(join(cells, "")))

    def __str__(self) -> str:
        return self.__html__()


def columns(*parts: Any) -> Columns:
    """Place parts side by side (below one another on a narrow screen)."""
    return Columns(parts)


# --- figures


_GAUGE_W, _GAUGE_H = 240, 26


def gauge(metric: Metric, band: Band | None, fmt: Fmt) -> Markup:
    """Draw one figure on a line: limits of the verdict as grounds, 95 % interval as a bar, norm as a tick.

    Nothing is drawn when the metric has no value or there is nothing to compare it with.
    """
    value = metric.value
    if value is None or (band is None and metric.benchmark is None):
        return piece()
    points = [value, metric.low, metric.high, metric.benchmark, *((band.watch, band.found) if band else ())]
    known = [p for p in points if p is not None and math.isfinite(p)]
    low, high = min(0.0, *known), max(known)
    if metric.unit == "share" and low >= 0:
        high = 1.0 if high > 0.55 else min(1.0, high * 1.5)
    else:
        high = high * 1.25 if high > 0 else 1.0
    span = (high - low) or 1.0

    def x(v: float) -> str:
        return f"{4 + (min(max(v, low), high) - low) / span * (_GAUGE_W - 8):.1f}"

    def rect(a: float, b: float, color: str, top: float = 9, height: float = 8) -> str:
        width = float(x(b)) - float(x(a))
        return f'<rect x="{x(a)}" y="{top}" width="{width:.1f}" height="{height}" fill="{color}"/>' if width > 0 else ""

    parts = [rect(low, high, "#e9ecf0")]
    if band is not None:
        watch, found = tint(STATUS["watch"].line, 0.5), tint(STATUS["found"].line, 0.45)
        if band.bad == "high":
            parts += [rect(band.watch, band.found, watch), rect(band.found, high, found)]
        else:
            parts += [rect(band.found, band.watch, watch), rect(low, band.found, found)]
    if metric.benchmark is not None:
        parts.append(f'<rect x="{float(x(metric.benchmark)) - 1:.1f}" y="3" width="2" height="20" fill="#5b3a8e"/>')
    if metric.low is not None and metric.high is not None:
        parts.append(rect(metric.low, metric.high, "#1c2430", 11.5, 3))
    parts.append(f'<circle cx="{x(value)}" cy="13" r="5.5" fill="#1c2430" stroke="#fff" stroke-width="1.5"/>')
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_GAUGE_W} {_GAUGE_H}" width="{_GAUGE_W}" '
        f'height="{_GAUGE_H}">{"".join(parts)}</svg>'
    )
    return piece(svg_picture(svg, "", "gauge"))


def metric_line(metric: Metric, name: str, fmt: Fmt) -> Markup:
    """Show one figure in a line: name, value, interval, norm, number of units, grade."""
    rest: list[Any] = []
    interval = fmt.interval(metric)
    if interval:
        rest.append(piece(Run("", (interval,), word("interval", fmt.lang))))
    if metric.benchmark is not None:
        rest.append(f"{word('benchmark', fmt.lang)} {fmt.value(metric.benchmark, metric.unit)}")
    if metric.n is not None:
        rest.append(f"n{NBSP}={NBSP}{fmt.num(metric.n)}")
    if metric.value is None and metric.reason is not None:
        rest = [metric.reason.get(fmt.lang)]
    told = [r for k, x in enumerate(rest) for r in (*((" · ",) if k else ()), *runs(x))]
    parts = (
        Run("metric-name", (_defined(metric, name),)),
        " ",
        Run("b", (fmt.metric(metric),)),
        " ",
        Run("metric-rest", tuple(told)),
        " ",
        *runs(grade_mark(metric.grade, fmt.lang)),
    )
    return piece(Paragraph(parts, "metric"))


def key_figures(items: Sequence[tuple[str, str, str]]) -> Markup:
    """Show two to five large figures in a row: value, what it is, remark."""
    return piece(KeyFigures(tuple((runs(value), runs(name), runs(note)) for value, name, note in items)))


# --- tables


@dataclass(frozen=True)
class Col:
    """A column of a table: key in the frame, label, how values are written, and a note shown on hover.

    ``show`` writes the cell itself (plain text is escaped); sorting still follows the raw value. A column with
    ``paper`` False is left out of the PDF: paper has neither room nor a filter for it.
    """

    key: str
    label: str
    kind: Kind = "text"
    digits: int | None = None
    note: str = ""
    show: Callable[[Any], Any] | None = None
    paper: bool = True

    def cell(self, inside: tuple[Inline, ...], *, head: bool = False, sort: str = "") -> Cell:
        """Return a cell of the column."""
        align = "r" if self.kind in _RIGHT else ""
        return Cell(inside, align, head=head, only="" if self.paper else "screen", sort=sort)

    def write(self, value: Any, fmt: Fmt) -> Markup:
        """Return the cell's content."""
        if self.show is not None:
            return escape(self.show(value))
        missing = value is None or (not isinstance(value, str) and bool(pd.isna(value)))
        match self.kind:
            case "text":
                return Markup("") if missing else escape(value)
            case "status":
                return Markup("") if missing else status_mark(value, fmt.lang)
            case "grade":
                return Markup("") if missing else grade_mark(value, fmt.lang)
            case "severity":
                return Markup("") if missing else escape(SEVERITIES[value].get(fmt.lang))
            case "date":
                return escape(DASH if missing else fmt.date_short(value))
            case "month":
                return escape(DASH if missing else fmt.month(value))
        if missing:
            return escape(DASH)
        match self.kind:
            case "count":
                return escape(fmt.num(value, 0))
            case "num":
                return escape(fmt.num(value, 0 if self.digits is None else self.digits))
            case "share":
                return escape(fmt.share(value, self.digits))
            case "change":
                return escape(fmt.change(value, self.digits))
            case "money":
                return escape(fmt.money(value))
            case "money_full":
                return escape(fmt.money_full(value, self.digits or 0))
            case "days":
                return escape(fmt.num(value, self.digits or 0))
            case "hours":
                return escape(fmt.num(value, 1 if self.digits is None else self.digits))
            case _:
                return escape(fmt.num(value, 2 if self.digits is None else self.digits, trim=True))


_STATUS_ORDER: dict[str, int] = {status: i for i, status in enumerate(STATUS)}
_SEVERITY_ORDER = {"critical": 0, "major": 1, "minor": 2, "none": 3}


def table(
    frame: pd.DataFrame,
    columns: Sequence[Col],
    *,
    fmt: Fmt,
    caption: str = "",
    id: str = "",
    sortable: bool = True,
    max_rows: int | None = None,
    paper_rows: int | None = PAPER_ROWS,
    sheet: str = "",
    note: str = "",
    wide: bool | None = None,
    row_header: bool = True,
    emphasise: Callable[[Mapping[str, Any]], str] | None = None,
) -> Markup:
    """Show a frame: one row per row of the frame, columns as given.

    ``max_rows`` cuts the list and says so, naming the annex ``sheet`` that has it whole; a list that may be cut has
    ``paper_rows`` in the PDF (two more where that saves the cut; None for as many as on the screen; 0 leaves the table
    out where a chart beside it says the same, and names the sheet). ``wide`` puts the
    table on a landscape page of the PDF; by default only what is too wide for a portrait page in small type. The first
    column heads its row. ``emphasise`` returns a class for a row («total», «found» …) or "". A frame that holds
    `Markup` must be of dtype object: pandas' own strings forget that they are safe, and are escaped.
    """
    total = len(frame)
    part = frame if max_rows is None else frame.head(max_rows)
    on_paper = len(part)
    if max_rows is not None and sheet and paper_rows is not None and len(part) > (paper_rows + 2 if paper_rows else 0):
        on_paper = paper_rows
    head = Row(
        tuple(
            c.cell((Run("head", (c.label,), c.note),) if c.note else (c.label,) if c.label else (), head=True)
            for c in columns
        )
    )
    rows: list[Row] = []
    lengths: list[list[int]] = [[] for _ in columns]
    words: list[int] = [max((len(w) for w in c.label.split()), default=1) for c in columns]
    records: list[dict[str, Any]] = [{str(k): v for k, v in r.items()} for r in part.to_dict("records")]
    for number, record in enumerate(records):
        cells: list[Cell] = []
        for k, col in enumerate(columns):
            value = record.get(col.key)
            content = col.write(value, fmt)
            if len(lengths[k]) < 200:
                _measure(content, lengths[k], words, k)
            sort = _sort_value(value, col) if sortable else ""
            cells.append(col.cell(runs(content), head=k == 0 and row_header, sort=sort))
        row_class = emphasise(record) if emphasise is not None else ""
        rows.append(Row(tuple(cells), slug(row_class) if row_class else "", "screen" if number >= on_paper else ""))
    if not rows:
        rows = [Row((Cell((word("empty_table", fmt.lang),), across=len(columns)),))]

    def foot(rows_shown: int) -> Markup:
        said: list[str] = []
        if 0 < rows_shown < total:
            said.append(word("rows_shown", fmt.lang, shown=fmt.num(rows_shown), total=fmt.num(total)))
        if sheet:
            said.append(word("in_annex", fmt.lang, sheet=sheet))
        if note:
            said.append(note)
        text = ". ".join(f.rstrip(".") for f in said)
        return Markup("{}.").format(text) if text else Markup("")

    feet: list[Paragraph] = []
    if on_paper < len(part):
        feet = [
            Paragraph(runs(foot(len(part))), "note", only="screen"),
            Paragraph(runs(foot(on_paper)), "note", only="paper"),
        ]
    elif foot(len(part)):
        feet = [Paragraph(runs(foot(len(part))), "note")]
    least, wanted = _needs(columns, lengths, words)
    across = sum(need for need, c in zip(least, columns, strict=True) if c.paper)
    dense = across > _LETTERS_ACROSS[False]
    if wide is None:
        wide = across > _LETTERS_DENSE
    printed = [k for k, c in enumerate(columns) if c.paper]
    room = _LETTERS_ACROSS[wide]
    made = Table(
        widths=_shares([least[k] for k in printed], [wanted[k] for k in printed], room),
        head=(head,),
        body=tuple(rows),
        caption=runs(caption),
        style="wide" if wide else "dense" if dense else "",
        id=slug(id) if id else "",
        only="" if on_paper or not total else "screen",
        sortable=sortable and total > 2,
        screen_widths=() if len(printed) == len(columns) else _shares(least, wanted, room),
        total=total,
    )
    return piece(made, *([Group("table-foot", tuple(feet))] if feet else []))


_MARK = re.compile(r"<[^>]*>")
_NOTE = re.compile(r'<span class="km-sub">.*?</span>', re.S)


def _measure(content: Markup, lengths: list[int], words: list[int], k: int) -> None:
    """Note how long a cell's text and its longest word are; small print under it counts little."""
    raw = str(content)
    text = _MARK.sub("", _NOTE.sub("", raw) or raw)
    lengths.append(len(text))
    words[k] = max(words[k], min(22, max((len(w) for w in text.split(" ")), default=0)))


_LETTERS_ACROSS = {False: 100.0, True: 158.0}
"""Letters of table text that fit across a portrait and a landscape page."""


_LETTERS_DENSE = 122.0
"""Letters that fit across a portrait page in small type."""


def _needs(
    columns: Sequence[Col], lengths: Sequence[Sequence[int]], words: Sequence[int]
) -> tuple[list[float], list[float]]:
    """Return the letters that each column needs at least, and those it would like to have.

    Figures, dates and words that cannot be broken need their whole length; running text can do with its longest word.
    """
    least: list[float] = []
    wanted: list[float] = []
    for col, seen, word_length in zip(columns, lengths, words, strict=True):
        if col.kind in ("text", "status") and (col.show is None or max(seen, default=0) > 24):
            typical = sorted(seen)[int(0.9 * (len(seen) - 1))] if seen else 8
            shortest = max(word_length * 1.05, 4.0) + 2
            need = min(90.0, 14 + (typical - 14) ** 0.9) if typical > 14 else float(typical)
        else:
            shortest = max(float(max(seen, default=6)), word_length * 1.0, 4.0) + 2
            need = 0.0
        # The heading is set bold, and a word of it is never broken.
        heading = max((len(w) for w in re.split(r"[\s-]", col.label)), default=0)
        shortest = max(shortest, heading * 1.15 + 2)
        least.append(shortest)
        wanted.append(max(need + 2, shortest))
    return least, wanted


def _shares(least: Sequence[float], wanted: Sequence[float], room: float) -> tuple[float, ...]:
    """Share the width among the columns by their text, in per cent: what a column needs comes first.

    Columns that only the browser shows have a set of widths of their own, since what is left out on paper leaves its
    room to the others.
    """
    given = list(wanted)
    if sum(wanted) > room > sum(least):
        spare = (room - sum(least)) / (sum(wanted) - sum(least))
        given = [a + (b - a) * spare for a, b in zip(least, wanted, strict=True)]
    elif sum(least) >= room:
        given = list(least)
    total = sum(given)
    return tuple(w / total * 100 for w in given)


def _sort_value(value: Any, col: Col) -> str:
    if value is None or (not isinstance(value, str) and bool(pd.isna(value))):
        return ""
    if col.kind == "status":
        return str(_STATUS_ORDER.get(str(value), 9))
    if col.kind == "severity":
        return str(_SEVERITY_ORDER.get(str(value), 9))
    if col.kind in ("date", "month"):
        return str(value)[:10]
    if col.kind in _RIGHT:
        try:
            return repr(round(float(value), 6))
        except (TypeError, ValueError):
            return ""
    return "" if col.show is None else str(value)


# --- findings


@dataclass(frozen=True)
class ActionView:
    """A step to take, in words: what, who, within how many days, first step, what proves it."""

    text: str | Markup
    owner: str = ""
    horizon_days: int | None = None
    first_step: str | Markup = ""
    proof: str = ""
    effort: Literal["low", "medium", "high"] | None = None


@dataclass(frozen=True)
class FindingView:
    """A finding with everything that its card, its line on page one and its row of the scorecard show."""

    finding: Finding
    title: str | Markup
    text: str | Markup = ""
    metric: Metric | None = None
    metric_name: str = ""
    band: Band | None = None
    benchmark_text: str = ""
    """What the norm is and who says so, for the card; elsewhere the metric's benchmark is written with its source."""
    actions: Sequence[ActionView] = ()
    href: str = ""
    """Link to the evidence (``#chart-…``); the card itself is linked as ``#finding-…``."""
    others: Sequence[tuple[str, Metric]] = field(default_factory=tuple)
    """Further metrics that the verdict rests on: name and metric."""
    sheet: str = ""
    """The annex sheet behind it, by its own name."""
    symptoms: str = ""
    """What else shows the same disease, a sentence for page one."""

    @property
    def anchor(self) -> str:
        """The card's id."""
        return finding_id(self.finding.id)


def _verdict_words(finding: Finding, lang: Lang) -> tuple[Inline, ...]:
    severity = SEVERITIES[finding.severity].get(lang)
    return (*runs(status_mark(finding.status, lang)), *((Run("severity", (severity,)),) if severity else ()))


def norm_words(metric: Metric, fmt: Fmt, *, named: bool = True) -> str:
    """Say the norm of a figure: «норма — не ниже 67 %», unless ``named`` «не ниже 67 %»; empty where it has none."""
    if metric.benchmark is None:
        return ""
    norm = fmt.value(metric.benchmark, metric.unit)
    part = {"low": "norm_least", "high": "norm_most"}.get(metric.bad or "")
    norm = word(part, fmt.lang, value=norm) if part else norm
    return word("norm_named", fmt.lang, norm=norm) if named else norm


def _norm_text(view: FindingView, fmt: Fmt, *, sourced: bool = True) -> str:
    """Write the norm short: «норма — не ниже 67 % (Ерохин, Климов, 2024)»."""
    metric = view.metric
    if metric is None or metric.benchmark is None:
        return ""
    source = f" ({source_text(metric.benchmark_source, fmt.lang)})" if sourced and metric.benchmark_source else ""
    return f"{norm_words(metric, fmt)}{source}"


def _effect_text(effect: Effect, fmt: Fmt) -> str:
    basis = word(f"effect_{effect.basis}", fmt.lang)
    return fmt.money_range(effect.low, effect.base, effect.high, per_year=True, of=basis)


def _figure_box(view: FindingView, fmt: Fmt) -> tuple[Block, ...]:
    metric = view.metric
    if metric is None or metric.value is None:
        return ()
    interval = fmt.interval(metric)
    norm = view.benchmark_text or _norm_text(view, fmt)
    value = fmt.metric(metric)
    parts: list[Any] = [Paragraph((value,), "big-long" if len(value) > 9 else "big")]
    if view.metric_name:
        parts.append(Paragraph((_defined(metric, view.metric_name),), "value-name"))
    parts += runs(gauge(metric, view.band, fmt))
    if interval:
        parts.append(Paragraph((f"{word('interval', fmt.lang)}: {interval}",), "value-note"))
    if norm:
        parts.append(Paragraph((norm,), "norm"))
    return tuple(parts)


def finding_card(view: FindingView, fmt: Fmt) -> Markup:
    """Show one finding in full: verdict, sentence, figure on its scale, price, evidence, what to do."""
    f, lang = view.finding, fmt.lang
    facts: list[tuple[str, Any]] = []
    if f.effect is not None and f.status in ("found", "watch"):
        facts.append((word("effect", lang), piece(Run("", (_effect_text(f.effect, fmt),), f.effect.formula.get(lang)))))
    if f.grade is not None:
        facts.append((word("grade", lang), piece(*runs(grade_mark(f.grade, lang)), f" — {GRADES[f.grade].get(lang)}")))
    if view.metric is not None and view.metric.n is not None and view.metric.value is not None:
        facts.append((word("based_on", lang), fmt.num(view.metric.n)))
    body: list[Any] = [Group("card-text", blocks_in([paragraphs(view.text)]))] if view.text else []
    body += blocks_in(metric_line(m, name, fmt) for name, m in view.others)
    if facts:
        body += blocks_in([chips(facts)])
    if view.actions and f.status in ("found", "watch"):
        body.append(_action_list(view.actions, fmt))
    body += _card_links(view, fmt)
    return piece(
        Card(
            f.status,
            _verdict_words(f, lang),
            Heading(3, runs(view.title), style="card"),
            _figure_box(view, fmt),
            tuple(body),
            view.anchor,
        )
    )


def _card_links(view: FindingView, fmt: Fmt) -> list[Block]:
    links: list[Inline] = []
    if view.href:
        links.append(Link(view.href, (word("evidence_link", fmt.lang),)))
    if view.sheet and view.finding.status in ("found", "watch"):
        links += [*((" · ",) if links else ()), word("in_annex", fmt.lang, sheet=view.sheet)]
    return [Paragraph(tuple(links), "links")] if links else []


def _when(action: ActionView, lang: Lang) -> str:
    return word("within_days", lang, n=action.horizon_days) if action.horizon_days else ""


def _action_list(actions: Sequence[ActionView], fmt: Fmt) -> Group:
    items = tuple((Paragraph((*runs(a.text), *_who(a.owner, _when(a, fmt.lang)))),) for a in actions)
    return Group("actions", (Paragraph((word("actions", fmt.lang),), "label"), List(items)))


def _who(*told: str) -> tuple[Inline, ...]:
    said = ", ".join(x for x in told if x)
    return (" ", Run("who", (said,))) if said else ()


def action_text(action: ActionView, lang: Lang) -> Piece:
    """Show an action with its first step and its proof below it."""
    step = action.first_step
    step = Markup(lower_first(step)) if isinstance(step, Markup) else lower_first(step)
    first = (_small(f"{word('first_step', lang)}: ", *runs(step)),) if step else ()
    proof = (_small(f"{word('proof', lang)}: ", lower_first(action.proof)),) if action.proof else ()
    return piece(*runs(action.text), *first, *proof)


def scorecard(groups: Sequence[tuple[str, Sequence[FindingView]]], fmt: Fmt) -> Markup:
    """Show every finding in one table, grouped by chapter: verdict, figure on its scale, norm, grade, price."""
    lang = fmt.lang
    rows: list[Row] = []
    for chapter, views in groups:
        if not views:
            continue
        if chapter:
            rows.append(Row((Cell((chapter,), across=5, head=True),), "group"))
        for v in views:
            f = v.finding
            known = v.metric is not None and v.metric.value is not None
            reason = v.text if f.status == "unclear" else f.reason.get(lang) if f.reason is not None else ""
            detail: tuple[Inline, ...] = ()
            if reason:
                detail = (_small(*runs(reason)),)
            elif f.effect is not None and f.status in ("found", "watch"):
                detail = (_small(f"{word('effect', lang)} {_effect_text(f.effect, fmt)}"),)
            severity = SEVERITIES[f.severity].get(lang)
            figure: tuple[Inline, ...] = ()
            scale = runs(gauge(v.metric, v.band, fmt)) if v.metric else ()
            if known and v.metric is not None:
                figure = (_defined(v.metric, Run("b", (fmt.metric(v.metric),))), _small(fmt.interval(v.metric)))
                scale = (*scale, _small(_norm_text(v, fmt, sourced=False)))
            rows.append(
                Row(
                    (
                        Cell((*runs(status_mark(f.status, lang)), *((_small(severity),) if severity else ()))),
                        Cell((Link(f"#{v.anchor}", runs(v.title)), *detail), head=True),
                        Cell(figure, "r"),
                        Cell(scale, "scale"),
                        Cell(runs(grade_mark(f.grade, lang)), "c"),
                    ),
                    "not_assessed" if f.status == "not_assessed" else "",
                )
            )
    names = (("status", ""), ("finding", ""), ("figure", "r"), ("scale", "scale"), ("grade_short", "c"))
    head = Row(tuple(Cell((word(k, lang),), align, head=True) for k, align in names))
    return piece(Table((21.0, 36.0, 11.0, 23.0, 9.0), (head,), tuple(rows), style="scorecard"))


def _small(*inside: Inline) -> Run:
    """Set small print below a cell's text."""
    return Run("small", tuple(x for x in inside if x))


def paper_scorecard(groups: Sequence[tuple[str, Sequence[FindingView]]], fmt: Fmt) -> Piece:
    """Show every finding on one page of the PDF: a line each, by chapter, in two columns.

    The title has the figure; limits, interval and norm stand in the chapters.
    """
    parts: list[Markup] = []
    for chapter, views in groups:
        items: list[tuple[Inline, ...]] = []
        for v in views:
            link = Link(f"#{v.anchor}", runs(v.title))
            heavy = v.finding.status in ("found", "watch")
            items.append(
                (*runs(status_mark(v.finding.status, fmt.lang, word_too=False)), Run("b", (link,)) if heavy else link)
            )
        if items:
            parts.append(piece(Lines((chapter,), tuple(items))))
    return halves(parts)


def by_reason(views: Iterable[FindingView], lang: Lang) -> dict[str, list[FindingView]]:
    """Group findings that tell nothing by their reason: twenty checks that lack one table are one thing to ask.

    What is unclear has a reason of its own: its text.
    """
    out: dict[str, list[FindingView]] = {}
    for v in views:
        told = v.finding.reason.get(lang) if v.finding.reason else str(Markup(v.text).unescape())
        out.setdefault(told, []).append(v)
    return out


def unassessed(views: Sequence[FindingView], fmt: Fmt) -> Markup:
    """Tell in a few lines which findings tell nothing, and why."""
    return piece(
        *(
            Paragraph(
                (
                    *runs(status_mark(group[0].finding.status, fmt.lang)),
                    ": ",
                    "; ".join(str(Markup(v.title).unescape()) for v in group).rstrip("." if reason else ""),
                    f". {reason}" if reason else "",
                ),
                "unassessed",
            )
            for reason, group in by_reason(views, fmt.lang).items()
        ),
        between="\n",
    )


def halves(items: Sequence[Any]) -> Piece:
    """Set a list in two columns of about equal length, read downwards; for what fits on a page.

    Multi-column text would be laid out many times over before it is balanced.
    """
    first = middle([len(Markup(i).striptags()) + 40 * (1 + str(i).count("<li")) for i in items])
    return _in_two([(join(items[:first]), join(items[first:]))])


def middle(lengths: Sequence[float]) -> int:
    """Return how many items to set in the first of two columns, so that the longer one is as short as can be."""
    total = sum(lengths)
    so_far = [0.0, *itertools.accumulate(lengths)]
    return min(range(len(so_far)), key=lambda k: (max(so_far[k], total - so_far[k]), k))


def pairs(items: Sequence[Any]) -> Piece:
    """Set a long list in two columns, read line by line: it may break between any two pages."""
    rest = [*items, ""] if len(items) % 2 else items
    return _in_two([(rest[k], rest[k + 1]) for k in range(0, len(rest), 2)])


def _in_two(rows: Sequence[tuple[Any, Any]]) -> Piece:
    html = join((Markup("<div><div>{}</div><div>{}</div></div>").format(_html(a), _html(b)) for a, b in rows), "")
    return Piece.of(
        Markup('<div class="km-two">{}</div>').format(html),
        lambda: tuple(tree.Columns((blocks_in([a]), blocks_in([b])), "pair") for a, b in rows),
    )


_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[A-ZА-ЯЁ«“0-9])")
_SHORT_WORD = re.compile(r"(^|[\s\u00a0(])(г|гг|т|п|с|см|тыс|руб|ст|им|е|д|к|н|vs|e\.g|i\.e|no)\.$", re.I)


def gist(text: str | Markup, letters: int = 190) -> str:
    """Return the first sentences of a text, about ``letters`` long: page one is one page, the card has it all."""
    plain = re.sub(r"[ \t\n]+", " ", Markup(text).striptags() if isinstance(text, Markup) else str(text)).strip()
    out = ""
    start = 0
    for match in [*_SENTENCE_END.finditer(plain), None]:
        end = match.start() if match is not None else len(plain)
        if match is not None and _SHORT_WORD.search(plain[:end]):
            continue  # «2025 г. Заказы» is not the end of a sentence
        piece = plain[start:end].strip()
        if out and len(out) + len(piece) > letters:
            break
        out = f"{out} {piece}".strip()
        start = end
    if len(out) > 1.5 * letters:
        out = out[: letters + 1].rsplit(" ", 1)[0].rstrip(" ,;:—–") + "…"
    return out


def _headline(view: FindingView, fmt: Fmt) -> Headline:
    """Show one finding on page one: figure, sentence, verdict with norm, price and grade."""
    f, lang = view.finding, fmt.lang
    if view.metric is not None and view.metric.value is not None:
        value = fmt.metric(view.metric)
        shown: tuple[Block, ...] = (
            Paragraph((value,), "big-long" if len(value) > 7 else "big"),
            Paragraph(runs(fmt.interval(view.metric)), "int"),
        )
    else:
        shown = (Paragraph((STATUS[f.status].shape,), "big"),)
    foot: list[Inline] = [*_verdict_words(f, lang)]
    norm = _norm_text(view, fmt)
    if norm:
        foot.append(Run("part", (norm,)))
    if f.effect is not None:
        foot.append(Run("part", (f"{word('effect', lang).lower()} {_effect_text(f.effect, fmt)}",)))
    if f.grade is not None:
        foot.append(Run("part", (f"{word('grade', lang).lower()} ", *runs(grade_mark(f.grade, lang)))))
    body = (
        Paragraph((Link(f"#{view.anchor}", runs(view.title)),), "headline-title"),
        *(Paragraph((p,)) for p in (gist(view.text), view.symptoms) if p),
        Paragraph(tuple(foot), "headline-foot"),
    )
    return Headline(f.status, shown, body)


def executive_page(
    *,
    fmt: Fmt,
    verdict: str | Markup,
    numbers: Sequence[tuple[str, str, str]] = (),
    findings: Sequence[FindingView] = (),
    decision: tuple[str, Sequence[str]] | None = None,
    how_sure: Sequence[str | Markup] = (),
    nothing: str | Markup | None = None,
) -> Section:
    """Build page one: the verdict in a sentence, three numbers, the problems, what to decide, how sure we are.

    With more than three problems each is its title and its marks: their texts stand on their own pages.
    """
    lang = fmt.lang
    rows = tuple(_headline(v if len(findings) <= 3 else replace(v, text="", symptoms=""), fmt) for v in findings)
    found = [piece(Headlines(rows))] if rows else [callout("", nothing, "note")] if nothing is not None else []
    parts: list[Block] = [Paragraph(runs(verdict), "verdict-sentence")]
    parts += blocks_in([key_figures(numbers)]) if numbers else []
    parts += [Heading(2, (word("what_is_wrong", lang),), "executive-found")] if rows else []
    parts += blocks_in(found)
    if decision is not None:
        title, items = decision
        asked = List(tuple((Paragraph((x,)),) for x in items), ordered=len(items) > 1)
        parts.append(Note("note", (title,), (asked,) if len(items) > 1 else (Paragraph((items[0],)),)))
    parts += [Paragraph(runs(x), "sure") for x in how_sure]
    shown = [piece(p) for p in parts]
    return Section("executive", word("executive", lang), shown, 2, classes="km-executive")


def severity_rank(severity: Severity) -> int:
    """Order severities: critical first."""
    return _SEVERITY_ORDER[severity]
