"""The deck: the audit as 8–12 slides that the consultant goes on editing in PowerPoint, Keynote or Impress.

Text and tables are native objects, slide titles are real titles, charts are the pictures of the run's ``charts``
folder. Every text is measured before it is placed: the size goes down to a floor, then the text is cut and ends in «…»;
the whole of it stands in the speaker notes. Equal input gives equal bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

from audit.errors import Lang, Text
from audit.findings.finding import Finding
from audit.method import method
from audit.model.result import Metric
from audit.present.annex import clean_text
from audit.present.blocks import norm_words
from audit.present.chart import Band, Benchmark, Caption
from audit.present.context import ReportContext, bands_of
from audit.present.format import Fmt
from audit.present.narrative import Narrative
from audit.present.style import GRADES, INK, INK_FAINT, INK_SOFT, RULE, SEVERITIES, STATUS, on_color, readable, tint
from audit.present.summary import is_priced, money_spread, price_words, rank
from audit.present.titles import chapter_title
from audit.present.views import finding_from_json, metric_from_json
from audit.present.words import word

__all__ = ["MAX_SLIDES", "chart_of", "fit_text", "whole_sentences", "write_deck"]

FONT = "Arial"
"""A face with Cyrillic that every system has, or has a metric twin of; the report's own faces are not on a client's."""
WIDTH_IN, HEIGHT_IN = 13.333, 7.5
MARGIN_IN = 0.6
MAX_SLIDES = 12
MAX_FINDINGS = 5
_LINE = 1.22
"""Line height as a multiple of the font size."""
_MAX_PROPERTY = 255
_EPOCH = (1980, 1, 1, 0, 0, 0)

_T = {
    "scorecard": Text("Что выявлено и что под наблюдением", "What was found and what to watch"),
    "plan": Text("План действий", "Plan of action"),
    "fine": Text("Что в порядке", "What is in order"),
    "in_order": Text("В норме", "In order"),
    "limits": Text("О чём по данным сказать нельзя", "What the data cannot tell"),
    "data": Text("На чём основаны выводы", "What the conclusions rest on"),
    "more": Text("и ещё {n} — в отчёте", "and {n} more in the report"),
    "why": Text("Почему не оценено", "Why it was not assessed"),
    "checks": Text("Проверки", "Checks"),
    "how_much": Text("Оценка в год", "Estimate a year"),
    "apart": Text(
        "Оценки пересекаются: одни и те же деньги могут войти в несколько строк, складывать их нельзя.",
        "The estimates overlap: the same money may stand in several rows, so they do not add up.",
    ),
    "ways_apart": Text(
        "Варианты пересекаются: их прирост складывать нельзя.", "The ways overlap: their gains do not add up."
    ),
    "grade": Text("Доказательность", "Evidence"),
    "norm": Text("Норма", "Norm"),
    "interval": Text("интервал 95\u00a0%", "95% interval"),
    "do": Text("Что делать", "What to do"),
}


_PAGES = {
    "shape": ("model-organisation", "model-target"),
    "hours": ("roles-flow", "roles-mirror", "roles-entry"),
    "lost": ("handoff-path", "retention-second", "retention-bridge"),
}
"""Pictures of the pages of the short report that the deck shows as they are."""


def chart_of(finding: str, charts: Path) -> Path | None:
    """Return the chart that shows a finding's evidence, or None where the report has none."""
    paths = (charts / f"{candidate}.png" for candidate in method().findings[finding].picture)
    return next((p for p in paths if p.is_file() and _fits_a_slide(p)), None)


def _fits_a_slide(path: Path) -> bool:
    """Whether the letters of a picture can be read on a slide: one of forty lines is no slide's."""
    from PIL import Image

    with Image.open(path) as image:
        return image.height <= 1.05 * image.width


# --- measuring


@lru_cache(maxsize=64)
def _face(size_pt: int, bold: bool) -> Any:
    """Return DejaVu Sans at ten units a point: matplotlib brings it everywhere, Arial is not on every computer."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size_pt * 10)


@lru_cache(maxsize=8192)
def _width_in(text: str, size_pt: int, bold: bool) -> float:
    # a line of Arial is at most 0.90 as wide as one of DejaVu Sans, which stands in where there is no Arial
    return float(_face(size_pt, bold).getlength(text)) / 10 / 72


def _wrap(text: str, width_in: float, size_pt: int, bold: bool) -> list[str]:
    """Break a text into lines of a width, as PowerPoint will: at blanks, a longer word wherever it must."""
    out: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for token in paragraph.split(" "):
            trial = f"{line} {token}" if line else token
            if _width_in(trial, size_pt, bold) <= width_in:
                line = trial
                continue
            if line:
                out.append(line)
            while _width_in(token, size_pt, bold) > width_in and len(token) > 1:
                cut = len(token) - 1
                while cut > 1 and _width_in(token[:cut], size_pt, bold) > width_in:
                    cut -= 1
                out.append(token[:cut])
                token = token[cut:]
            line = token
        out.append(line)
    return out


def fit_text(
    text: str, width_in: float, height_in: float, *, largest: int, smallest: int, bold: bool = False
) -> tuple[str, int]:
    """Return the text and the font size in points at which it fits a box; at the smallest size it is cut with «…»."""
    text = _plain(text)
    for size in range(largest, smallest - 1, -1):
        if len(_wrap(text, width_in, size, bold)) * size * _LINE / 72 <= height_in:
            return text, size
    rows = max(1, int(height_in * 72 / (smallest * _LINE)))
    lines = _wrap(text, width_in, smallest, bold)[:rows]
    last = lines[-1].rstrip(" ,;:—–-.")
    while last and _width_in(last + "…", smallest, bold) > width_in:
        last = last[:-1].rstrip(" ,;:—–-.")
    lines[-1] = last + "…"
    return " ".join(lines), smallest


def whole_sentences(text: str, width_in: float, height_in: float, *, largest: int, smallest: int) -> str:
    """Return as many whole first sentences as fit a box at the smallest size: a slide need not say everything."""
    sentences = re.split(r"(?<=[.!?…]) (?=[A-ZА-ЯЁ«“\d])", _plain(text))
    for n in range(len(sentences), 1, -1):
        if not fit_text(" ".join(sentences[:n]), width_in, height_in, largest=largest, smallest=smallest)[0].endswith(
            "…"
        ):
            return " ".join(sentences[:n])
    return sentences[0]


def _plain(text: object) -> str:
    """Return a text as a slide may hold it: no control characters, single blanks."""
    return re.sub(r"[ \t\r\f\v]+", " ", clean_text(str(text))).strip(" ")


# --- what is shown


@dataclass(frozen=True)
class _Shown:
    """A finding with its words and figures."""

    finding: Finding
    title: str
    text: str
    figure: str = ""
    figure_name: str = ""
    interval: str = ""
    norm: str = ""
    price: str = ""
    metric: Metric | None = None
    band: Band | None = None


@dataclass(frozen=True)
class _Content:
    """What the slides say, in order; no layout."""

    ctx: ReportContext
    findings: Mapping[str, Any]

    @property
    def lang(self) -> Lang:
        return self.ctx.lang

    @cached_property
    def fmt(self) -> Fmt:
        return Fmt(self.lang, self.ctx.currency)

    @cached_property
    def all(self) -> list[_Shown]:
        return [self._shown(raw) for raw in self.findings["findings"]]

    def _shown(self, raw: Mapping[str, Any]) -> _Shown:
        finding, fmt, metrics = finding_from_json(raw, self.lang), self.fmt, self.findings["metrics"]
        lead = next((m for m in finding.metrics if metrics.get(m, {}).get("value") is not None), None)
        figure = name = interval = norm = price = ""
        metric: Metric | None = None
        if lead is not None:
            metric = metric_from_json(lead, metrics[lead])
            figure, interval = fmt.metric(metric), fmt.interval(metric)
            name = method().describe(lead, self.lang)
            if metric.benchmark is not None:
                norm = norm_words(metric, fmt, named=False)
        if finding.effect is not None and finding.status in ("found", "watch"):
            e = finding.effect
            price = fmt.money_range(e.low, e.base, e.high, per_year=True, of=word(f"effect_{e.basis}", self.lang))
        told = (_plain(raw["title"]), _plain(raw["text"]), figure, name, interval, norm, price)
        return _Shown(finding, *told, metric, self.bands.get(finding.id))

    @cached_property
    def bands(self) -> Mapping[str, Band]:
        return bands_of(self.ctx)

    def by_status(self, *statuses: str) -> list[_Shown]:
        return sorted((s for s in self.all if s.finding.status in statuses), key=lambda s: rank(s.finding))

    def together(self) -> str:
        """Return the sentence of page one on what everything found is worth, each client counted once."""
        money = self.findings.get("money")
        narrative = Narrative(self.lang, self.fmt)
        if money and money["headline"] is None:
            return _plain(narrative.section("summary", "price", "open", reason=money["reason"]).unescape())
        if money is None or not is_priced(money):
            return ""
        outside = [s.title for s in self.all if s.finding.id in money["outside"]]
        words = price_words(self.findings)
        way = narrative.section("summary", "options", money["advised"]) if words["first"] else ""
        said = narrative.section("summary", "price", money["basis"], money=money, outside=outside, way=way, **words)
        return _plain(said.unescape())

    def headlines(self) -> list[_Shown]:
        """The findings with a slide of their own: as on page one of the report."""
        own = {f["id"] for f in self.findings["findings"] if f.get("disease") == f["id"]}
        standing = [s for s in self.by_status("found", "watch") if s.finding.grade != "D" and s.finding.id in own]
        found = [s for s in standing if s.finding.status == "found"][:MAX_FINDINGS]
        watched = [s for s in standing if s.finding.status == "watch"]
        return found + watched[: max(0, 3 - len(found))]


# --- slides


class _Deck:
    """Places texts, tables and pictures on slides."""

    def __init__(self, content: _Content, charts: Path) -> None:
        from pptx import Presentation
        from pptx.util import Inches

        self.c = content
        self.charts = charts
        self.inches = Inches
        self.prs: Any = Presentation()
        self.prs.slide_width, self.prs.slide_height = Inches(WIDTH_IN), Inches(HEIGHT_IN)
        self.accent = content.ctx.accent
        _set_theme(self.prs, self.accent)
        self.slide: Any = None
        self.count = 0

    def t(self, key: str, **values: object) -> str:
        text = _T[key].get(self.c.lang)
        return text.format(**values) if values else text

    def open(self, title: str) -> None:
        """Begin a slide: a real title, a rule below it, company and page number at the foot."""
        self.slide = self.prs.slides.add_slide(self.prs.slide_layouts[5])
        self.count += 1
        shown, size = fit_text(title, WIDTH_IN - 2 * MARGIN_IN - 0.2, 0.95, largest=28, smallest=16, bold=True)
        box = self.slide.shapes.title
        self._place(box, MARGIN_IN, 0.35, WIDTH_IN - 2 * MARGIN_IN, 1.0)
        self._write(box.text_frame, [(shown, size, True, readable(self.accent))], anchor="bottom")
        self.bar(MARGIN_IN, 1.42, WIDTH_IN - 2 * MARGIN_IN, 0.02, RULE)
        foot = self.c.ctx.company + (f" · {self.c.ctx.confidentiality}" if self.c.ctx.confidentiality else "")
        self.text(foot, MARGIN_IN, 7.05, 10.5, 0.3, largest=10, smallest=9, color=INK_FAINT)
        self.text(
            str(self.count),
            WIDTH_IN - MARGIN_IN - 1,
            7.05,
            1.0,
            0.3,
            largest=10,
            smallest=10,
            color=INK_FAINT,
            align="right",
        )

    def _place(self, shape: Any, x: float, y: float, w: float, h: float) -> None:
        shape.left, shape.top = self.inches(x), self.inches(y)
        shape.width, shape.height = self.inches(w), self.inches(h)

    def _write(
        self, frame: Any, paragraphs: Sequence[tuple[str, int, bool, str]], *, align: str = "left", anchor: str = "top"
    ) -> None:
        from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
        from pptx.util import Pt

        frame.word_wrap = True
        frame.auto_size = MSO_AUTO_SIZE.NONE
        frame.vertical_anchor = {"top": MSO_ANCHOR.TOP, "middle": MSO_ANCHOR.MIDDLE, "bottom": MSO_ANCHOR.BOTTOM}[
            anchor
        ]
        frame.margin_left = frame.margin_right = self.inches(0.04)
        frame.margin_top = frame.margin_bottom = self.inches(0.02)
        for i, (text, size, bold, color) in enumerate(paragraphs):
            p = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
            p.alignment = {"left": PP_ALIGN.LEFT, "right": PP_ALIGN.RIGHT, "center": PP_ALIGN.CENTER}[align]
            lang = "ru-RU" if self.c.lang == "ru" else "en-GB"
            if text:
                run = p.add_run()
                run.text = text
                run.font.size, run.font.bold, run.font.name = Pt(size), bold, FONT
                run.font.color.rgb = _rgb(color)
                run._r.get_or_add_rPr().set("lang", lang)
            # an empty cell is as high as its end mark, 18 points unless told otherwise
            mark = p._p.get_or_add_endParaRPr()
            mark.set("lang", lang)
            mark.set("sz", str(size * 100))

    def text(
        self,
        text: str,
        x: float,
        y: float,
        w: float,
        h: float,
        *,
        largest: int,
        smallest: int,
        bold: bool = False,
        color: str = INK,
        align: str = "left",
        anchor: str = "top",
    ) -> None:
        """Place one text so that it fits its box."""
        if not text:
            return
        shown, size = fit_text(text, w - 0.12, h - 0.06, largest=largest, smallest=smallest, bold=bold)
        box = self.slide.shapes.add_textbox(self.inches(x), self.inches(y), self.inches(w), self.inches(h))
        self._write(box.text_frame, [(shown, size, bold, color)], align=align, anchor=anchor)

    def bar(self, x: float, y: float, w: float, h: float, color: str) -> Any:
        from pptx.enum.shapes import MSO_SHAPE
        from pptx.oxml.ns import qn

        shape = self.slide.shapes.add_shape(
            MSO_SHAPE.RECTANGLE, self.inches(x), self.inches(y), self.inches(w), self.inches(h)
        )
        shape.fill.solid()
        shape.fill.fore_color.rgb = _rgb(color)
        shape.line.fill.background()
        shape._element.remove(shape._element.find(qn("p:style")))  # the theme's shadow
        return shape

    def notes(self, text: str) -> None:
        """Put what the slide leaves out into the speaker notes."""
        if text:
            self.slide.notes_slide.notes_text_frame.text = clean_text(text)

    def table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        y: float,
        bottom: float,
        *,
        status: Sequence[str] | None = None,
        size: int = 13,
        lines: int = 3,
        room: float = WIDTH_IN - 2 * MARGIN_IN,
    ) -> int:
        """Place a native table below ``y`` and above ``bottom`` (inches); return how many rows found room.

        The font goes down to 10 points before rows are left out; a cell takes at most ``lines`` lines.
        """
        wide = [w / sum(widths) * room for w in widths]

        def lay(points: int) -> tuple[list[list[str]], list[float]]:
            cells, heights = [], []
            for row in rows:
                fitted = [
                    fit_text(c, wide[k] - 0.2, lines * points * _LINE / 72 + 0.01, largest=points, smallest=points)[0]
                    for k, c in enumerate(row)
                ]
                high = max(len(_wrap(c, wide[k] - 0.2, points, False)) for k, c in enumerate(fitted))
                cells.append(fitted)
                heights.append(high * points * _LINE / 72 + 0.14)
            return cells, heights

        for points in range(size, 9, -1):
            cells, heights = lay(points)
            rows_of_head = max(len(_wrap(label, wide[k] - 0.2, points, True)) for k, label in enumerate(head))
            top = rows_of_head * points * _LINE / 72 + 0.16
            if top + sum(heights) <= bottom - y:
                break
        used, kept = top, 0
        for height in heights:
            if used + height > bottom - y:
                break
            used += height
            kept += 1
        shape = self.slide.shapes.add_table(
            kept + 1, len(head), self.inches(MARGIN_IN), self.inches(y), self.inches(room), self.inches(used)
        )
        table = shape.table
        _plain_table(shape)
        for k, w in enumerate(wide):
            table.columns[k].width = self.inches(w)
        table.rows[0].height = self.inches(top)
        for k, label in enumerate(head):
            self._cell(table.cell(0, k), label, points, bold=True, color=on_color(self.accent), fill=self.accent)
        for i in range(kept):
            table.rows[i + 1].height = self.inches(heights[i])
            mark = STATUS[status[i]] if status is not None else None  # type: ignore[index]
            for k, value in enumerate(cells[i]):
                first = k == 0 and mark is not None
                self._cell(
                    table.cell(i + 1, k),
                    value,
                    points,
                    bold=first,
                    color=mark.ink if first and mark else INK,
                    fill=mark.wash if first and mark else "#ffffff" if i % 2 == 0 else "#f6f7f9",
                )
        return kept

    def _cell(self, cell: Any, text: str, size: int, *, bold: bool, color: str, fill: str) -> None:
        cell.fill.solid()
        cell.fill.fore_color.rgb = _rgb(fill)
        self._write(cell.text_frame, [(text, size, bold, color)], anchor="middle")
        cell.margin_left = cell.margin_right = self.inches(0.08)
        cell.margin_top = cell.margin_bottom = self.inches(0.04)

    def on_its_scale(self, s: _Shown) -> io.BytesIO | None:
        """Draw a finding's figure with its interval, norm and limits; None where there is nothing to compare with."""
        from audit.present.charts.draw import bars

        m = s.metric
        if m is None or m.value is None or (s.band is None and m.benchmark is None):
            return None
        mark = Benchmark(m.benchmark, norm_words(m, self.c.fmt)) if m.benchmark is not None else None
        chart = bars(
            Caption("verdict", s.figure_name),
            [""],
            [m.value],
            fmt=self.c.fmt,
            unit=m.unit,
            low=[m.low],
            high=[m.high],
            mark=mark,
            band=s.band,
            accent=self.accent,
        )
        picture = chart.slide_png
        return io.BytesIO(picture) if picture is not None else None

    def picture(self, path: Path | io.BytesIO, x: float, y: float, w: float, h: float, alt: str) -> None:
        """Place a picture inside a box, its proportions kept."""
        from PIL import Image

        with Image.open(path) as image:
            ratio = image.width / image.height
        width, height = (w, w / ratio) if w / ratio <= h else (h * ratio, h)
        source = path if isinstance(path, io.BytesIO) else str(path)
        if isinstance(source, io.BytesIO):
            source.seek(0)
        shape = self.slide.shapes.add_picture(
            source,
            self.inches(x + (w - width) / 2),
            self.inches(y + (h - height) / 2),
            self.inches(width),
            self.inches(height),
        )
        shape._element.nvPicPr.cNvPr.set("descr", clean_text(alt))

    # --- the slides

    def cover(self) -> None:
        c = self.c.ctx
        self.slide = self.prs.slides.add_slide(self.prs.slide_layouts[5])
        self.count += 1
        self.bar(0, 0, 0.42, HEIGHT_IN, self.accent)
        title = c.title or word("report_title", self.c.lang)
        self.text(title, 1.1, 1.7, 11, 0.5, largest=18, smallest=14, color=readable(self.accent))
        shown, size = fit_text(c.company, 10.9, 1.7, largest=44, smallest=20, bold=True)
        self._place(self.slide.shapes.title, 1.1, 2.25, 11.2, 1.9)
        self._write(self.slide.shapes.title.text_frame, [(shown, size, True, INK)])
        period = self.c.fmt.period(c.period.get("start"), c.period.get("end")) if c.period.get("start") else ""
        self.text(period, 1.1, 4.3, 11, 0.5, largest=20, smallest=14, color=INK_SOFT)
        facts = [
            f"{word('as_of', self.c.lang)}: {self.c.fmt.date(c.period['as_of'])}" if c.period.get("as_of") else "",
            f"{word('prepared_by', self.c.lang)}: {c.consultant}" if c.consultant else "",
            c.confidentiality if c.confidentiality is not None else word("confidential", self.c.lang),
        ]
        self.text("\n".join(f for f in facts if f), 1.1, 5.6, 11, 1.1, largest=14, smallest=11, color=INK_FAINT)

    def verdict(self) -> None:
        """Page one: the sentence, three numbers, what to decide, how sure we are."""
        lang, one = self.c.lang, self.c.ctx.page_one
        self.open(word("executive", lang))
        room = WIDTH_IN - 2 * MARGIN_IN
        self.text(" ".join(self.c.ctx.verdict), MARGIN_IN, 1.6, room, 1.5, largest=28, smallest=14, bold=True)
        if one is None:
            return
        width = (room - 0.2 * (len(one.numbers) - 1)) / max(len(one.numbers), 1)
        for k, (value, name, note) in enumerate(one.numbers):
            x = MARGIN_IN + k * (width + 0.2)
            self.bar(x, 3.2, width, 1.75, tint(self.accent, 0.93))
            self.text(value, x + 0.12, 3.22, width - 0.2, 0.65, largest=24, smallest=16, bold=True)
            self.text(name, x + 0.12, 3.85, width - 0.2, 0.6, largest=13, smallest=9, color=INK_SOFT)
            self.text(note, x + 0.12, 4.45, width - 0.2, 0.47, largest=12, smallest=9, color=INK_FAINT)
        asked = "\n".join([f"{k}. {x}" for k, x in enumerate(one.items, 1)] if len(one.items) > 1 else one.items)
        self.text(one.decision, MARGIN_IN, 5.05, room, 0.35, largest=15, smallest=12, bold=True)
        self.text(asked, MARGIN_IN, 5.4, room, 1.05, largest=15, smallest=10)
        self.text(one.sure, MARGIN_IN, 6.5, room, 0.45, largest=12, smallest=9, color=INK_SOFT)
        self.notes("\n".join([*(": ".join(n) for n in one.numbers), one.decision, *one.items, one.sure]))

    def pictures(self, part: str) -> None:
        """The pictures of a page of the short report side by side, under its title."""
        shown = self.found_pictures(part)
        title = _plain(Narrative(self.c.lang, self.c.fmt).section("summary", "short", part).unescape())
        self.open(title)
        room = WIDTH_IN - 2 * MARGIN_IN
        width = (room - 0.25 * (len(shown) - 1)) / len(shown)
        for k, path in enumerate(shown):
            self.picture(path, MARGIN_IN + k * (width + 0.25), 1.6, width, 5.3, f"{title} ({k + 1})")

    def found_pictures(self, part: str) -> list[Path]:
        """Return the pictures of a page that this run has and that a slide can show, two at most."""
        paths = (self.charts / f"{name}.png" for name in _PAGES[part])
        return [p for p in paths if p.is_file() and _fits_a_slide(p)][:2]

    def growth(self) -> None:
        """Where to grow, as in the report."""
        said = Narrative(self.c.lang, self.c.fmt).section
        self.open(_plain(said("summary", "grow", "title").unescape()))
        head = [_plain(said("summary", "grow", part).unescape()) for part in ("where", "how_much", "what")]
        rows = [list(r) for r in self.c.ctx.growth]
        self._left_out(len(rows) - self.table(head, rows, (4, 4, 4.2), 1.6, 6.1, size=16, lines=5))
        lead = _plain(said("summary", "grow", "lead").unescape())
        self.text(lead, MARGIN_IN, 6.15, WIDTH_IN - 2 * MARGIN_IN, 0.5, largest=13, smallest=10, color=INK_SOFT)

    def scorecard(self) -> None:
        shown = self.c.by_status("found", "watch")
        self.open(self.t("scorecard") if shown else self.t("fine"))
        lang = self.c.lang
        if not shown:
            return self._fine_table(self.c.by_status("clear"), 1.6)
        head = [word("status", lang), word("finding", lang), word("figure", lang), self.t("norm"), word("effect", lang)]
        marks = [STATUS[s.finding.status] for s in shown]
        rows = [
            [f"{m.shape} {m.word.get(lang)}", s.title, s.figure, s.norm, s.price]
            for m, s in zip(marks, shown, strict=True)
        ]
        kept = self.table(head, rows, (1.7, 5.2, 1.3, 1.1, 2.8), 1.6, 6.7, status=[s.finding.status for s in shown])
        self._left_out(len(shown) - kept)
        return None

    def _left_out(self, n: int) -> None:
        if n > 0:
            self.text(self.t("more", n=n), MARGIN_IN, 6.72, 8, 0.3, largest=11, smallest=10, color=INK_FAINT)

    def finding(self, s: _Shown) -> None:
        lang, mark = self.c.lang, STATUS[s.finding.status]
        self.open(s.title)
        chart = chart_of(s.finding.id, self.charts) or self.on_its_scale(s)
        left = 4.7 if chart is not None else WIDTH_IN - 2 * MARGIN_IN
        severity = SEVERITIES[s.finding.severity].get(lang)
        label = f"{mark.shape} {mark.word.get(lang)}" + (f", {severity}" if severity else "")
        self.text(
            f"{label} · {chapter_title(s.finding.chapter, lang)}",
            MARGIN_IN,
            1.5,
            left,
            0.35,
            largest=13,
            smallest=9,
            bold=True,
            color=mark.ink,
        )
        y = 1.9
        if s.figure:
            self.text(s.figure, MARGIN_IN, y, left, 0.75, largest=40, smallest=20, bold=True)
            about = [
                s.figure_name,
                f"{self.t('interval')}: {s.interval}" if s.interval else "",
                word("norm_named", lang, norm=s.norm) if s.norm else "",
            ]
            self.text(
                "; ".join(a for a in about if a), MARGIN_IN, y + 0.75, left, 0.6, largest=13, smallest=9, color=INK_SOFT
            )
            y += 1.42
        told = whole_sentences(s.text, left - 0.12, 5.29 - y, largest=15, smallest=12)  # the whole is in the notes
        self.text(told, MARGIN_IN, y, left, 5.35 - y, largest=15, smallest=10)
        rest = [f"{word('effect', lang)}: {s.price}" if s.price else ""]
        if s.finding.grade is not None:
            rest.append(f"{self.t('grade')} {s.finding.grade}: {GRADES[s.finding.grade].get(lang)}")
        self.text("\n".join(r for r in rest if r), MARGIN_IN, 5.38, left, 0.75, largest=13, smallest=9, color=INK_SOFT)
        actions = [method().actions[a] for a in s.finding.actions]
        if actions:
            self.bar(MARGIN_IN, 6.15, WIDTH_IN - 2 * MARGIN_IN, 0.78, tint(self.accent, 0.92))
            steps = "; ".join(a.name.get(lang) for a in actions)
            self.text(
                f"{self.t('do')}: {steps}",
                MARGIN_IN + 0.1,
                6.17,
                WIDTH_IN - 2 * MARGIN_IN - 0.2,
                0.74,
                largest=14,
                smallest=10,
                anchor="middle",
            )
        if chart is not None:
            self.picture(chart, MARGIN_IN + left + 0.25, 1.55, WIDTH_IN - 2 * MARGIN_IN - left - 0.25, 4.5, s.title)
        formula = s.finding.effect.formula.get(lang) if s.finding.effect is not None and s.price else ""
        self.notes("\n".join(x for x in (s.title, s.text, formula, s.finding.id) if x))

    def price(self, shown: Sequence[_Shown]) -> None:
        """The business case: the ways of acting side by side; where there is no choice, what is found with its price."""
        lang, fmt = self.c.lang, self.c.fmt
        said = Narrative(lang, fmt).section

        def label(part: str) -> str:
            return _plain(said("summary", "money", part).unescape())

        self.open(label("title"))
        worth, spread = self.c.together(), self._spread()
        self.text(worth, MARGIN_IN, 1.55, WIDTH_IN - 2 * MARGIN_IN, 0.9, largest=18, smallest=11, bold=True)
        options = [o for o in (self.c.findings.get("money") or {}).get("options", ()) if o["id"] != "as_now"]
        widths: Sequence[float]
        if options:
            head = [label(part) for part in ("way", "cost", "gain", "net", "payback")]
            rows = [
                [
                    _plain(said("summary", "options", o["id"]).unescape()),
                    label("unknown") if o["cost"] is None else fmt.money(o["cost"]["year"]),
                    fmt.money_range(o["gain"]["low"], o["gain"]["base"], o["gain"]["high"]),
                    "—" if o["net"] is None else fmt.money_range(*o["net"].values()),
                    "—" if o["payback_months"] is None else str(o["payback_months"]),
                ]
                for o in options
            ]
            widths, apart = (2.2, 1.9, 2.0, 2.0, 1.6), self.t("ways_apart")
        else:
            head = [word("finding", lang), self.t("how_much")]
            rows, widths, apart = [[s.title, s.price] for s in shown], (3.6, 2.4), self.t("apart")
        top = 2.55 if worth else 1.6
        bottom = 6.2
        if spread is not None:
            self.picture(spread[0], MARGIN_IN + 8.1, top, WIDTH_IN - 2 * MARGIN_IN - 8.1, bottom - top, spread[1])
        room = 7.9 if spread is not None else WIDTH_IN - 2 * MARGIN_IN
        self._left_out(len(rows) - self.table(head, rows, widths, top, bottom, lines=6, room=room))
        self.text(apart, MARGIN_IN, 6.3, WIDTH_IN - 2 * MARGIN_IN, 0.4, largest=13, smallest=10, color=INK_SOFT)
        formulas = [s.finding.effect.formula.get(lang) if s.finding.effect else "" for s in shown]
        self.notes("\n".join(f"{s.title}: {s.price}: {f}" for s, f in zip(shown, formulas, strict=True)))

    def _spread(self) -> tuple[io.BytesIO, str] | None:
        """Draw what the sum hangs on, with its alternative text; None where no sum is named."""
        money = self.c.findings.get("money")
        if money is None or not is_priced(money) or not money["spread"]:
            return None
        chart = money_spread(self.c.findings, Narrative(self.c.lang, self.c.fmt), self.c.fmt)
        picture = chart.slide_png
        return None if picture is None else (io.BytesIO(picture), chart.alt)

    def plan(self) -> None:
        """The plan as in the report: number, action, who, last day, what it waits for."""
        lang, fmt = self.c.lang, self.c.fmt
        said = Narrative(lang, fmt).section
        self.open(self.t("plan"))
        rows = [
            [str(p.number), p.text, p.owner, fmt.date_short(p.until), ", ".join(map(str, p.after))]
            for p in self.c.ctx.plan
        ]
        labels = [_plain(said("summary", "schedule", part).unescape()) for part in ("number", "until", "after")]
        head = [labels[0], word("action", lang), word("owner", lang), *labels[1:]]
        self._left_out(len(rows) - self.table(head, rows, (0.6, 6.6, 2.2, 1.6, 1.2), 1.6, 6.7))
        self.notes("\n".join(f"{a['title']}. {a['first_step']}" for a in self.c.findings["actions"]))

    def _fine_table(self, shown: Sequence[_Shown], y: float) -> None:
        """Name what is in order chapter by chapter: a row for each of forty checks could not be read on a wall."""
        lang = self.c.lang
        chapters: dict[str, list[str]] = {}
        for s in shown:
            chapters.setdefault(chapter_title(s.finding.chapter, lang), []).append(s.title)
        rows = [[name, str(len(titles)), self._first(titles)] for name, titles in chapters.items()]
        if rows:
            head = [word("chapter", lang), self.t("in_order"), word("finding", lang)]
            self._left_out(len(rows) - self.table(head, rows, (2.9, 1.2, 8.1), y, 6.7))
            self.notes("\n".join(f"{name}: {'; '.join(titles)}" for name, titles in chapters.items()))

    def _first(self, titles: Sequence[str], letters: int = 160) -> str:
        """Name the first titles whole, within about two lines, and count the others."""
        kept = 1
        while kept < len(titles) and len("; ".join(titles[: kept + 1])) <= letters:
            kept += 1
        rest = [self.t("more", n=len(titles) - kept)] if kept < len(titles) else []
        return "; ".join([*titles[:kept], *rest])

    def fine(self) -> None:
        self.open(self.t("fine"))
        self._fine_table(self.c.by_status("clear"), 1.6)

    def limits(self) -> None:
        self.open(self.t("limits"))
        groups: dict[str, list[str]] = {}
        for s in self.c.all:
            if s.finding.status in ("unclear", "not_assessed"):
                reason = s.text if s.finding.reason is None else s.finding.reason.get(self.c.lang)
                groups.setdefault(reason, []).append(s.title)
        rows = [[reason, "; ".join(titles)] for reason, titles in sorted(groups.items(), key=lambda g: -len(g[1]))]
        self._left_out(len(rows) - self.table([self.t("why"), self.t("checks")], rows, (7.1, 5.0), 1.6, 6.7, lines=4))
        self.notes("\n".join(": ".join(r) for r in rows))

    def data(self) -> None:
        c, lang = self.c, self.c.lang
        self.open(self.t("data"))
        d = c.findings["data"]
        rows = [
            [word(k, lang), c.fmt.money_full(d[k]) if k == "revenue" else c.fmt.num(d[k])]
            for k in ("rows_read", "rows_used", "rows_set_aside", "orders", "order_days", "clients", "revenue")
            if d.get(k) is not None
        ]
        self.table([word("measure", lang), word("figure", lang)], rows, (6, 3), 1.6, 4.75)
        told = "\n".join([f"{self.t('grade')}:", *(f"{g} — {text.get(lang)}" for g, text in GRADES.items())])
        self.text(told, MARGIN_IN, 4.85, WIDTH_IN - 2 * MARGIN_IN, 1.9, largest=14, smallest=10, color=INK_SOFT)
        self.notes("\n".join(c.ctx.data_notes))

    def build(self) -> None:
        """Make the slides in the order of the short report's pages; where twelve do not hold all, the last named go."""
        heads = self.c.headlines()
        priced = [s for s in self.c.by_status("found", "watch") if s.price]
        bad, clear = self.c.by_status("found", "watch"), self.c.by_status("clear")
        silent = any(s.finding.status in ("unclear", "not_assessed") for s in self.c.all)
        growth = (2, bool(self.c.ctx.growth), self.growth)
        healthy = not any(s.finding.status == "found" for s in bad)  # then where to grow comes first, as in the report
        # how soon it is given up, whether there is anything to show, the slide
        slides: list[tuple[int, bool, Callable[[], None]]] = [
            (0, True, self.cover),
            (0, True, self.verdict),
            *([growth] if healthy else []),
            (3, bool(self.found_pictures("shape")), lambda: self.pictures("shape")),
            (4, bool(self.found_pictures("hours")), lambda: self.pictures("hours")),
            (4, bool(self.found_pictures("lost")), lambda: self.pictures("lost")),
            (1, bool(priced), lambda: self.price(priced)),
            (1, bool(self.c.ctx.plan), self.plan),
            *((0 if s.finding.status == "found" else 5, True, partial(self.finding, s)) for s in heads),
            *([] if healthy else [growth]),
            (5, bool(clear and bad), self.fine),
            (2, silent, self.limits),
            (6, True, self.scorecard),
            (7, True, self.data),
        ]
        there = sorted((last, k) for k, (last, shown, _) in enumerate(slides) if shown)[:MAX_SLIDES]
        for k in sorted(k for _, k in there):
            slides[k][2]()


def _rgb(color: str) -> Any:
    from pptx.dml.color import RGBColor

    make: Any = RGBColor
    return make(*(int(color[i : i + 2], 16) for i in (1, 3, 5)))


def _plain_table(shape: Any) -> None:
    """Take off the template's table style: fills are set cell by cell."""
    properties = shape._element.graphic.graphicData.tbl.tblPr
    properties.set("bandRow", "0")
    for child in list(properties):
        if child.tag.endswith("tableStyleId"):
            child.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # «No Style, No Grid»


def _set_theme(prs: Any, accent: str) -> None:
    """Give the theme our face and accent, so that what is added by hand matches."""
    from pptx.opc.constants import RELATIONSHIP_TYPE as RT

    part = prs.slide_master.part.part_related_by(RT.THEME)
    xml = part.blob.decode("utf-8")
    xml = re.sub(r'(<a:latin typeface=")[^"]*(")', rf"\g<1>{FONT}\2", xml)
    color = accent.lstrip("#").upper()
    xml = re.sub(r"(<a:accent1>\s*<a:srgbClr val=\")[0-9A-Fa-f]{6}(\")", rf"\g<1>{color}\2", xml)
    part._blob = xml.encode("utf-8")


def _settle(data: bytes) -> bytes:
    """Write the package again with one fixed date for every member: equal input, equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            fixed = zipfile.ZipInfo(info.filename, _EPOCH)
            fixed.compress_type, fixed.external_attr, fixed.create_system = zipfile.ZIP_DEFLATED, 0, 0
            new.writestr(fixed, old.read(info.filename))
    return out.getvalue()


def write_deck(ctx: ReportContext, findings: Mapping[str, Any], charts: Path, path: Path) -> int:
    """Write the deck of a run and return its number of slides.

    ``ctx`` is the content of report.json, ``findings`` that of findings.json, ``charts`` the folder of pictures.
    """
    deck = _Deck(_Content(ctx, findings), charts)
    deck.build()
    core = deck.prs.core_properties
    day = dt.datetime.fromisoformat(ctx.dated or "2000-01-01")
    core.created = core.modified = core.last_printed = day
    core.title = clean_text(f"{ctx.company}. {ctx.title or word('report_title', ctx.lang)}")[:_MAX_PROPERTY]
    core.author = core.last_modified_by = clean_text(ctx.consultant or "km-audit")[:_MAX_PROPERTY]
    core.language, core.revision, core.subject, core.keywords = ctx.lang, 1, "", ""
    buffer = io.BytesIO()
    deck.prs.save(buffer)
    path.write_bytes(_settle(buffer.getvalue()))
    return deck.count
