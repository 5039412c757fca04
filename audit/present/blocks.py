"""Building blocks of the report: finished, escaped fragments of HTML that notebook cells display.

Every text that is not `markupsafe.Markup` is escaped here; a client's name may hold anything. Fragments carry no script
and no style sheet of their own: without the report's CSS they are plain, readable HTML. Charts travel as ``<img>`` with
an SVG inside, which can run nothing.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import pandas as pd
from markupsafe import Markup, escape

from audit.errors import Lang
from audit.findings.finding import Effect, Finding, Severity, Status
from audit.model.result import Grade, Metric
from audit.present.chart import Band, Chart, data_uri
from audit.present.format import DASH, NBSP, Fmt, slug
from audit.present.style import GRADES, SEVERITIES, STATUS, tint
from audit.present.words import source_text, word
from audit.resources import resource_dir

__all__ = [
    "PAPER_ONLY",
    "SCREEN_ONLY",
    "ActionView",
    "Col",
    "Columns",
    "FindingView",
    "Section",
    "action_table",
    "by_reason",
    "callout",
    "chips",
    "columns",
    "definition",
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
PAPER_ROWS = 8
"""Rows of a cut list in the PDF: the browser has a filter, paper has the annex."""


def finding_id(id: str) -> str:
    """Return the anchor of a finding's card: ``roles.km_overload`` → ``finding-roles-km-overload``."""
    return "finding-" + slug(id)


def join(parts: Iterable[Any], separator: str = "\n") -> Markup:
    """Join fragments, escaping those that are plain text; None and empty ones are left out."""
    return Markup(separator).join(_html(p) for p in parts if p is not None and str(p))


def _html(part: Any) -> Markup:
    if isinstance(part, Chart | Section):
        return part.html
    return escape(part)


def paragraphs(text: str | Markup) -> Markup:
    """Turn a text into paragraphs at its blank lines; one that holds block markup already is left as it is."""
    safe = escape(text)
    if re.match(r"\s*<(p|ul|ol|dl|div|table|figure|section|article|aside|h\d)\b", safe):
        return safe
    blocks = [b.strip() for b in re.split(r"\n\s*\n", str(safe)) if b.strip()]
    return Markup("\n".join(f"<p>{b}</p>" for b in blocks))


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
        return join(
            [
                # no name of its own: forty landmarks would be as good as none
                Markup('<section class="km-section{}">').format(f" {self.classes}" if self.classes else ""),
                Markup('<h{0} id="{1}">{2}</h{0}>').format(self.level, name, self.title) if self.title else None,
                Markup('<div class="km-lead">{}</div>').format(paragraphs(self.lead)) if self.lead else None,
                *(_block(p) for p in self.parts),
                Markup("</section>"),
            ]
        )

    def __html__(self) -> str:
        return str(self.html)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        # the style is for JupyterLab alone; the report drops every style sheet that comes with an output
        data = {"text/html": f"<style>{_lab_style()}</style>\n{self.html}", "text/plain": _plain(self.html)}
        return data, {"internal": True} if self.internal else {}


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


def status_mark(status: Status, lang: Lang, *, word_too: bool = True) -> Markup:
    """Show a status by shape and word: «● выявлено»."""
    mark = STATUS[status]
    name = mark.word.get(lang)
    if not word_too:
        return Markup(
            '<span class="km-status km-{}"><span aria-hidden="true">{}</span><span class="km-sr">{}</span></span>'
        ).format(status, mark.shape, name)
    return Markup('<span class="km-status km-{}"><span class="km-shape" aria-hidden="true">{}</span> {}</span>').format(
        status, mark.shape, name
    )


def grade_mark(grade: Grade | None, lang: Lang) -> Markup:
    """Show an evidence grade as a letter that explains itself on hover."""
    if grade is None:
        return Markup("")
    return Markup('<abbr class="km-grade km-grade-{}" title="{}">{}</abbr>').format(
        grade.lower(), GRADES[grade].get(lang), grade
    )


def definition(term: str, meaning: str) -> Markup:
    """Wrap a term so that its meaning shows on hover and on keyboard focus."""
    return Markup('<abbr class="km-dfn" title="{}">{}</abbr>').format(meaning, term)


def callout(title: str, body: str | Markup, kind: Literal["note", "warning", "good"] = "note") -> Markup:
    """Set a remark apart from the text."""
    return Markup('<aside class="km-callout km-callout-{}">{}{}</aside>').format(
        kind, Markup('<p class="km-callout-title">{}</p>').format(title) if title else "", paragraphs(body)
    )


def chips(items: Iterable[tuple[str, str]]) -> Markup:
    """List short facts in a row: label and value."""
    return Markup('<dl class="km-chips">{}</dl>').format(
        join((Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(k, v) for k, v in items), "")
    )


@dataclass(frozen=True)
class Columns:
    """Parts side by side (below one another on a narrow screen)."""

    parts: tuple[Any, ...]

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
        return Markup("")
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
    return Markup('<img class="km-gauge" alt="" src="{}">').format(data_uri(svg))


def metric_line(metric: Metric, name: str, fmt: Fmt) -> Markup:
    """Show one figure in a line: name, value, interval, norm, number of units, grade."""
    rest: list[Any] = []
    interval = fmt.interval(metric)
    if interval:
        rest.append(Markup('<span title="{}">{}</span>').format(word("interval", fmt.lang), interval))
    if metric.benchmark is not None:
        rest.append(f"{word('benchmark', fmt.lang)} {fmt.value(metric.benchmark, metric.unit)}")
    if metric.n is not None:
        rest.append(f"n{NBSP}={NBSP}{fmt.num(metric.n)}")
    if metric.value is None and metric.reason is not None:
        rest = [metric.reason.get(fmt.lang)]
    return Markup(
        '<p class="km-metric"><span class="km-metric-name">{}</span> <b>{}</b> '
        '<span class="km-metric-rest">{}</span> {}</p>'
    ).format(name, fmt.metric(metric), join(rest, " · "), grade_mark(metric.grade, fmt.lang))


def key_figures(items: Sequence[tuple[str, str, str]]) -> Markup:
    """Show two to five large figures in a row: value, what it is, remark."""
    cells = (
        Markup('<div class="km-key"><p class="km-key-value">{}</p><p class="km-key-name">{}</p>{}</div>').format(
            value, name, Markup('<p class="km-key-note">{}</p>').format(note) if note else ""
        )
        for value, name, note in items
    )
    return Markup('<div class="km-keys">{}</div>').format(join(cells, ""))


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

    def classes(self) -> str:
        """Return the class attribute of the column's cells, with a space before it, or nothing."""
        names = [*(["km-r"] if self.kind in _RIGHT else []), *([] if self.paper else [SCREEN_ONLY])]
        return f' class="{" ".join(names)}"' if names else ""

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
    head = join(
        (
            Markup('<th scope="col"{}>{}</th>').format(
                Markup(c.classes()), Markup('<abbr title="{}">{}</abbr>').format(c.note, c.label) if c.note else c.label
            )
            for c in columns
        ),
        "",
    )
    rows: list[str] = []
    lengths: list[list[int]] = [[] for _ in columns]
    words: list[int] = [max((len(w) for w in c.label.split()), default=1) for c in columns]
    records: list[dict[str, Any]] = [{str(k): v for k, v in r.items()} for r in part.to_dict("records")]
    for number, record in enumerate(records):
        cells: list[str] = []
        for k, col in enumerate(columns):
            value = record.get(col.key)
            content = col.write(value, fmt)
            if len(lengths[k]) < 200:
                _measure(content, lengths[k], words, k)
            sort = _sort_value(value, col) if sortable else ""
            attributes = col.classes() + (f' data-v="{escape(sort)}"' if sort != "" else "")
            tag = "th" if k == 0 and row_header else "td"
            scope = ' scope="row"' if tag == "th" else ""
            cells.append(f"<{tag}{scope}{attributes}>{content}</{tag}>")
        row_class = emphasise(record) if emphasise is not None else ""
        names = [f"km-row-{slug(row_class)}"] if row_class else []
        names += [SCREEN_ONLY] if number >= on_paper else []
        opening = f'<tr class="{" ".join(names)}">' if names else "<tr>"
        rows.append(f"{opening}{''.join(cells)}</tr>")
    if not rows:
        rows = [f'<tr><td colspan="{len(columns)}">{escape(word("empty_table", fmt.lang))}</td></tr>']

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

    feet = Markup('<p class="km-note">{}</p>').format(foot(len(part))) if foot(len(part)) else Markup("")
    if on_paper < len(part):
        feet = Markup('<p class="km-note {}">{}</p><p class="km-note {}">{}</p>').format(
            SCREEN_ONLY, foot(len(part)), PAPER_ONLY, foot(on_paper)
        )
    if feet:
        feet = Markup('<div class="km-table-foot">{}</div>').format(feet)
    least, wanted = _needs(columns, lengths, words)
    across = sum(need for need, c in zip(least, columns, strict=True) if c.paper)
    dense = across > _LETTERS_ACROSS[False]
    if wide is None:
        wide = across > _LETTERS_DENSE
    return Markup(
        '<div class="km-table{wide}{only}"{id}><div class="km-scroll"><table{sort}>{caption}{widths}'
        "<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></div>{foot}"
    ).format(
        wide=" km-wide" if wide else " km-dense" if dense else "",
        only="" if on_paper or not total else f" {SCREEN_ONLY}",
        id=Markup(' id="{}"').format(slug(id)) if id else "",
        sort=Markup(' data-sortable="1"') if sortable and total > 2 else "",
        caption=Markup("<caption>{}</caption>").format(caption) if caption else "",
        widths=_widths(columns, least, wanted, _LETTERS_ACROSS[wide]),
        head=head,
        rows=Markup("".join(rows)),
        foot=feet,
    )


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


def _widths(columns: Sequence[Col], least: Sequence[float], wanted: Sequence[float], room: float) -> Markup:
    """Share the width among the columns by their text: a fixed layout prints many times faster than a measured one.

    What a column needs comes first; running text shares the rest. Columns that only the browser shows have a set of
    widths of their own, since what is left out on paper leaves its room to the others.
    """
    printed = [k for k, c in enumerate(columns) if c.paper]
    if len(printed) == len(columns):
        return Markup(f"<colgroup>{_cols(least, wanted, room, '')}</colgroup>")
    on_screen = f' class="{SCREEN_ONLY}"'
    paper = _cols([least[k] for k in printed], [wanted[k] for k in printed], room, f' class="{PAPER_ONLY}"')
    return Markup(f"<colgroup>{_cols(least, wanted, room, on_screen)}{paper}</colgroup>")


def _cols(least: Sequence[float], wanted: Sequence[float], room: float, classes: str) -> str:
    given = list(wanted)
    if sum(wanted) > room > sum(least):
        spare = (room - sum(least)) / (sum(wanted) - sum(least))
        given = [a + (b - a) * spare for a, b in zip(least, wanted, strict=True)]
    elif sum(least) >= room:
        given = list(least)
    total = sum(given)
    return "".join(f'<col{classes} style="width: {w / total * 100:.1f}%">' for w in given)


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


def _verdict_words(finding: Finding, lang: Lang) -> Markup:
    severity = SEVERITIES[finding.severity].get(lang)
    return Markup("{}{}").format(
        status_mark(finding.status, lang),
        Markup('<span class="km-severity">{}</span>').format(severity) if severity else "",
    )


def _norm_text(view: FindingView, fmt: Fmt, *, sourced: bool = True) -> str:
    """Write the norm short: «норма ≥ 67 % (Ерохин, Климов, 2024)»."""
    metric = view.metric
    if metric is None or metric.benchmark is None:
        return ""
    sign = {"low": "≥", "high": "≤"}.get(metric.bad or "", "")
    figure_text = fmt.value(metric.benchmark, metric.unit)
    source = f" ({source_text(metric.benchmark_source, fmt.lang)})" if sourced and metric.benchmark_source else ""
    return f"{word('norm', fmt.lang)} {sign + NBSP if sign else ''}{figure_text}{source}"


def _effect_text(effect: Effect, fmt: Fmt) -> str:
    basis = word(f"effect_{effect.basis}", fmt.lang)
    return fmt.money_range(effect.low, effect.base, effect.high, per_year=True, of=basis)


def _figure_box(view: FindingView, fmt: Fmt) -> Markup:
    metric = view.metric
    if metric is None or metric.value is None:
        return Markup("")
    interval = fmt.interval(metric)
    norm = view.benchmark_text or _norm_text(view, fmt)
    return join(
        [
            Markup('<div class="km-value">'),
            Markup('<p class="km-big{}">{}</p>').format(
                " km-long" if len(fmt.metric(metric)) > 9 else "", fmt.metric(metric)
            ),
            Markup('<p class="km-value-name">{}</p>').format(view.metric_name) if view.metric_name else None,
            gauge(metric, view.band, fmt),
            Markup('<p class="km-value-note">{}: {}</p>').format(word("interval", fmt.lang), interval)
            if interval
            else None,
            Markup('<p class="km-value-note km-norm">{}</p>').format(norm) if norm else None,
            Markup("</div>"),
        ],
        "",
    )


def finding_card(view: FindingView, fmt: Fmt) -> Markup:
    """Show one finding in full: verdict, sentence, figure on its scale, price, evidence, what to do."""
    f, lang = view.finding, fmt.lang
    facts: list[tuple[str, Any]] = []
    if f.effect is not None and f.status in ("found", "watch"):
        facts.append(
            (
                word("effect", lang),
                Markup('<span title="{}">{}</span>').format(f.effect.formula.get(lang), _effect_text(f.effect, fmt)),
            )
        )
    if f.grade is not None:
        facts.append(
            (word("grade", lang), Markup("{} — {}").format(grade_mark(f.grade, lang), GRADES[f.grade].get(lang)))
        )
    if view.metric is not None and view.metric.n is not None and view.metric.value is not None:
        facts.append((word("based_on", lang), fmt.num(view.metric.n)))
    box = _figure_box(view, fmt)
    body = join(
        [
            Markup('<div class="km-card-text">{}</div>').format(paragraphs(view.text)) if view.text else None,
            *(metric_line(m, name, fmt) for name, m in view.others),
            chips(facts) if facts else None,
            _action_list(view.actions, fmt) if view.actions and f.status in ("found", "watch") else None,
            _card_links(view, fmt),
        ]
    )
    return Markup(
        '<article class="km-card km-card-{status}" id="{id}"><p class="km-verdict">{words}</p><h4>{title}</h4>'
        '<div class="km-card-body{bare}">{box}<div class="km-card-main">{body}</div></div></article>'
    ).format(
        status=f.status,
        id=view.anchor,
        words=_verdict_words(f, lang),
        title=view.title,
        box=box,
        body=body,
        bare="" if box else " km-bare",
    )


def _card_links(view: FindingView, fmt: Fmt) -> Markup | None:
    links: list[Any] = []
    if view.href:
        links.append(Markup('<a href="{}">{}</a>').format(view.href, word("evidence_link", fmt.lang)))
    if view.sheet and view.finding.status in ("found", "watch"):
        links.append(word("in_annex", fmt.lang, sheet=view.sheet))
    return Markup('<p class="km-links">{}</p>').format(join(links, " · ")) if links else None


def _when(action: ActionView, lang: Lang) -> str:
    return word("within_days", lang, n=action.horizon_days) if action.horizon_days else ""


def _action_list(actions: Sequence[ActionView], fmt: Fmt) -> Markup:
    rows = (
        Markup("<li>{}{}</li>").format(
            a.text,
            Markup(' <span class="km-who">{}</span>').format(
                join([x for x in (a.owner, _when(a, fmt.lang)) if x], ", ")
            )
            if a.owner or a.horizon_days
            else "",
        )
        for a in actions
    )
    return Markup('<div class="km-actions"><p class="km-label">{}</p><ul>{}</ul></div>').format(
        word("actions", fmt.lang), join(rows, "")
    )


def action_table(actions: Sequence[ActionView], fmt: Fmt, *, caption: str = "", id: str = "") -> Markup:
    """Show the plan as a table: action with its first step, owner, term, proof."""
    lang = fmt.lang
    frame = pd.DataFrame(
        [
            {
                "action": Markup("{}{}").format(
                    a.text,
                    Markup('<span class="km-sub">{}: {}</span>').format(word("first_step", lang), a.first_step)
                    if a.first_step
                    else "",
                ),
                "owner": a.owner,
                "when": _when(a, lang),
                "proof": a.proof,
                "effort": word(f"effort_{a.effort}", lang) if a.effort else "",
            }
            for a in actions
        ],
        columns=["action", "owner", "when", "proof", "effort"],
        dtype=object,
    )
    cols = [Col("action", word("action", lang)), Col("owner", word("owner", lang)), Col("when", word("when", lang))]
    if any(a.effort for a in actions):
        cols.append(Col("effort", word("effort", lang)))
    if any(a.proof for a in actions):
        cols.append(Col("proof", word("proof", lang)))
    return table(frame, cols, fmt=fmt, caption=caption, id=id, sortable=False)


def scorecard(groups: Sequence[tuple[str, Sequence[FindingView]]], fmt: Fmt) -> Markup:
    """Show every finding in one table, grouped by chapter: verdict, figure on its scale, norm, grade, price."""
    lang = fmt.lang
    rows: list[Any] = []
    for chapter, views in groups:
        if not views:
            continue
        if chapter:
            rows.append(Markup('<tr class="km-group"><th scope="rowgroup" colspan="5">{}</th></tr>').format(chapter))
        for v in views:
            f = v.finding
            known = v.metric is not None and v.metric.value is not None
            reason = v.text if f.status == "unclear" else f.reason.get(lang) if f.reason is not None else ""
            detail = (
                Markup('<span class="km-sub">{}</span>').format(reason)
                if reason
                else Markup('<span class="km-sub">{} {}</span>').format(
                    word("effect", lang), _effect_text(f.effect, fmt)
                )
                if f.effect is not None and f.status in ("found", "watch")
                else ""
            )
            severity = SEVERITIES[f.severity].get(lang)
            rows.append(
                Markup(
                    '<tr><td>{}{}</td><th scope="row"><a href="#{}">{}</a>{}</th><td class="km-r">{}{}</td>'
                    '<td class="km-scale">{}</td><td class="km-c">{}</td></tr>'
                ).format(
                    status_mark(f.status, lang),
                    Markup('<span class="km-sub">{}</span>').format(severity) if severity else "",
                    v.anchor,
                    v.title,
                    detail,
                    Markup("<b>{}</b>").format(fmt.metric(v.metric)) if known else "",
                    Markup('<span class="km-sub">{}</span>').format(fmt.interval(v.metric)) if known else "",
                    join(
                        [
                            gauge(v.metric, v.band, fmt) if v.metric else "",
                            Markup('<span class="km-sub">{}</span>').format(_norm_text(v, fmt, sourced=False))
                            if known
                            else "",
                        ],
                        "",
                    ),
                    grade_mark(f.grade, lang),
                )
            )
    head = join(
        (
            Markup('<th scope="col"{}>{}</th>').format(Markup(f' class="{c}"') if c else "", word(k, lang))
            for k, c in (
                ("status", ""),
                ("finding", ""),
                ("figure", "km-r"),
                ("scale", "km-scale"),
                ("grade_short", "km-c"),
            )
        ),
        "",
    )
    widths = Markup("".join(f'<col style="width: {w}%">' for w in (21, 36, 11, 23, 9)))
    return Markup(
        '<div class="km-table km-scorecard"><div class="km-scroll"><table><colgroup>{}</colgroup>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div></div>"
    ).format(widths, head, join(rows))


def paper_scorecard(groups: Sequence[tuple[str, Sequence[FindingView]]], fmt: Fmt) -> Markup:
    """Show every finding on one page of the PDF: a line each, by chapter, in two columns.

    The title has the figure; limits, interval and norm stand in the chapters.
    """
    parts: list[Any] = []
    for chapter, views in groups:
        rows = []
        for v in views:
            mark = status_mark(v.finding.status, fmt.lang, word_too=False)
            title = Markup('<a href="#{}">{}</a>').format(v.anchor, v.title)
            if v.finding.status in ("found", "watch"):
                title = Markup("<b>{}</b>").format(title)
            rows.append(Markup('<li class="km-line">{}{}</li>').format(mark, title))
        if rows:
            parts.append(Markup('<div class="km-lines"><h4>{}</h4><ul>{}</ul></div>').format(chapter, join(rows, "")))
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
    return join(
        Markup('<p class="km-unassessed">{}: {}{}</p>').format(
            status_mark(group[0].finding.status, fmt.lang),
            "; ".join(str(Markup(v.title).unescape()) for v in group),
            f". {reason}" if reason else "",
        )
        for reason, group in by_reason(views, fmt.lang).items()
    )


def halves(items: Sequence[Any]) -> Markup:
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


def pairs(items: Sequence[Any]) -> Markup:
    """Set a long list in two columns, read line by line: it may break between any two pages."""
    rest = [*items, ""] if len(items) % 2 else items
    return _in_two([(rest[k], rest[k + 1]) for k in range(0, len(rest), 2)])


def _in_two(rows: Sequence[tuple[Any, Any]]) -> Markup:
    return Markup('<div class="km-two">{}</div>').format(
        join((Markup("<div><div>{}</div><div>{}</div></div>").format(_html(a), _html(b)) for a, b in rows), "")
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


def _headline(view: FindingView, fmt: Fmt) -> Markup:
    """Show one finding on page one: figure, sentence, verdict with norm, price and grade."""
    f, lang = view.finding, fmt.lang
    if view.metric is not None and view.metric.value is not None:
        value = fmt.metric(view.metric)
        shown = Markup('<p class="km-big{}">{}</p><p class="km-int">{}</p>').format(
            " km-long" if len(value) > 7 else "", value, fmt.interval(view.metric)
        )
    else:
        shown = Markup('<p class="km-big" aria-hidden="true">{}</p>').format(STATUS[f.status].shape)
    foot: list[Any] = [_verdict_words(f, lang)]
    norm = _norm_text(view, fmt)
    if norm:
        foot.append(Markup("<span>{}</span>").format(norm))
    if f.effect is not None:
        price = _effect_text(f.effect, fmt)
        foot.append(Markup("<span>{} {}</span>").format(word("effect", lang).lower(), price))
    if f.grade is not None:
        foot.append(Markup("<span>{} {}</span>").format(word("grade", lang).lower(), grade_mark(f.grade, lang)))
    return Markup(
        '<li class="km-headline km-card-{}"><div class="km-headline-figure">{}</div><div class="km-headline-text">'
        '<p class="km-headline-title"><a href="#{}">{}</a></p>{}<p class="km-headline-foot">{}</p></div></li>'
    ).format(
        f.status,
        shown,
        view.anchor,
        view.title,
        join((Markup("<p>{}</p>").format(p) for p in (gist(view.text), view.symptoms) if p), ""),
        join(foot, ""),
    )


def executive_page(
    *,
    fmt: Fmt,
    verdict: str | Markup,
    lead: str | Markup = "",
    findings: Sequence[FindingView] = (),
    how_sure: Sequence[str | Markup] = (),
    first_steps: Sequence[ActionView] = (),
    headline: str = "",
    nothing: str | Markup | None = None,
) -> Section:
    """Build page one: the verdict in a sentence, three to five findings, how sure we are, the first 30 days.

    ``headline`` is the price of everything found, in words.
    """
    lang = fmt.lang
    rows = [_headline(v, fmt) for v in findings]
    found = (
        Markup('<ol class="km-headlines">{}</ol>').format(join(rows, ""))
        if rows
        else callout("", nothing, "note")
        if nothing is not None
        else callout("", word("nothing_found", lang), "good")
    )
    sure = (
        Markup("<ul>{}</ul>").format(join((Markup("<li>{}</li>").format(x) for x in how_sure), "")) if how_sure else ""
    )
    steps = (
        Markup('<ol class="km-steps">{}</ol>').format(
            join(
                (
                    Markup("<li>{}{}</li>").format(
                        a.text, Markup(' <span class="km-who">{}</span>').format(a.owner) if a.owner else ""
                    )
                    for a in first_steps
                ),
                "",
            )
        )
        if first_steps
        else ""
    )
    lower = (
        Markup(
            '<div class="km-columns km-exec-lower"><div><h3 id="executive-sure">{}</h3>{}</div><div>{}</div></div>'
        ).format(
            word("how_sure", lang),
            sure,
            Markup('<h3 id="executive-steps">{}</h3>{}').format(word("first_30_days", lang), steps) if steps else "",
        )
        if sure or steps
        else None
    )
    parts = [
        Markup('<p class="km-verdict-sentence">{}</p>').format(verdict),
        Markup('<p class="km-exec-lead">{}</p>').format(lead) if lead else None,
        Markup('<p class="km-exec-price">{}</p>').format(headline) if headline else None,
        Markup('<h3 id="executive-found">{}</h3>').format(word("what_is_wrong", lang)),
        found,
        lower,
    ]
    return Section("executive", word("executive", lang), [p for p in parts if p is not None], 2, classes="km-executive")


def severity_rank(severity: Severity) -> int:
    """Order severities: critical first."""
    return _SEVERITY_ORDER[severity]
