"""The generic charts that chapters draw with: finished figures in, SVG and PNG out.

No chart computes a figure: labels, values, interval ends and benchmarks arrive finished. Title, subtitle and note stand
outside the SVG, as text of the page; in a picture for slides they are drawn in. Equal input gives equal bytes.

matplotlib is imported where something is drawn: whoever only reads figures (``check``, ``screen``) never waits for it.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from audit.findings.finding import Status
from audit.present.chart import FULL_WIDTH_IN, HALF_WIDTH_IN, Band, Benchmark, Caption, Chart, Width
from audit.present.charts.style import chart_style
from audit.present.format import MINUS, NBSP, Fmt
from audit.present.style import (
    ACCENT,
    CATEGORICAL,
    INK,
    INK_FAINT,
    INK_SOFT,
    PAPER,
    RULE,
    STATUS,
    SVG_FAMILIES,
    on_color,
    tint,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

__all__ = [
    "bars",
    "benchmark",
    "figure",
    "finish",
    "flow",
    "funnel",
    "heat_map",
    "lines_of",
    "ribbon",
    "shorten",
    "spread_labels",
    "stacked_bars",
    "step_curve",
    "time_series",
    "waterfall",
    "whiskers",
    "write_ticks",
]

BENCHMARK_COLOR = "#5b3a8e"
"""Norms and benchmarks are drawn in a colour that no status and no category has."""
_POINT = 1 / 72


def figure(width: Width = "full", height_in: float = 3.0, **axes: Any) -> tuple[Figure, Axes]:
    """Open a figure of a standard width with one axes; call inside `chart_style`."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(FULL_WIDTH_IN if width == "full" else HALF_WIDTH_IN, height_in), layout="constrained")
    engine = fig.get_layout_engine()
    assert engine is not None
    engine.set(w_pad=2 * _POINT, h_pad=3 * _POINT, wspace=0, hspace=0)  # type: ignore[call-arg]
    return fig, fig.add_subplot(**axes)


def finish(fig: Figure, caption: Caption, *, width: Width = "full") -> Chart:
    """Turn a figure into a `Chart`; call inside `chart_style`."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            if not axis.get_label_text():  # else all labels of the ticks are measured to find it a place
                axis.set_label_coords(0.5, 0.5)
    canvas = FigureCanvasSVG(fig)
    buffer = io.StringIO()
    canvas.print_svg(  # type: ignore[no-untyped-call]
        buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
    )
    return Chart(
        id=caption.id,
        title=caption.title,
        alt=caption.alt_text(),
        note=caption.note,
        svg=_compact(_UNSEEN.sub("", buffer.getvalue())),
        subtitle=caption.subtitle,
        width=width,
    )


_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""Characters that XML may not hold: a client's name that has one would break the picture."""
_NUMBER = re.compile(r"(-?\d+\.\d{3,})")
_UNUSED_ID = re.compile(r'<g id="[^"]*"(?=/?>)')
_FAMILY = re.compile(r" font-family: [^;\"]*;| font-family: [^;\"]*(?=\")")
_GROUP = re.compile(r"<g\b[^>]*>|</g>")
_NOTHING_DRAWN = re.compile(r'<path d="[^"]*"(?: clip-path="[^"]*")? style="fill: none"/>\s*|<g/>\s*')


def _bare_groups(svg: str) -> str:
    """Take out groups without attributes: they say nothing, and printing walks through every one of them."""
    kept: list[bool] = []

    def group(match: re.Match[str]) -> str:
        tag = match[0]
        if tag == "</g>":
            return tag if kept.pop() else ""
        if not tag.endswith("/>"):
            kept.append(tag != "<g>")
            return tag if kept[-1] else ""
        return tag

    return _GROUP.sub(group, svg)


_CLIP = re.compile(r'<clipPath id="([^"]+)">\s*<rect x="([^"]+)" y="([^"]+)" width="([^"]+)" height="([^"]+)"/>')
_CLIPPED = re.compile(r'(<path d=")([^"]*)(") clip-path="url\(#([^)]+)\)"')
_POINTS = re.compile(r"(-?\d+(?:\.\d+)?) (-?\d+(?:\.\d+)?)")


def _needless_clips(svg: str) -> str:
    """Let shapes that lie wholly inside their clip do without it: printing draws the clip anew for every one of them.

    The points of a curve enclose it, so that points inside mean a curve inside.
    """
    boxes = {m[1]: tuple(map(float, m.groups()[1:])) for m in _CLIP.finditer(svg)}

    def shape(match: re.Match[str]) -> str:
        box = boxes.get(match[4])
        if box is None:
            return match[0]
        x, y, width, height = box
        inside = all(
            x - 1 <= float(a) <= x + width + 1 and y - 1 <= float(b) <= y + height + 1
            for a, b in _POINTS.findall(match[2])
        )
        return f"{match[1]}{match[2]}{match[3]}" if inside else match[0]

    return _CLIPPED.sub(shape, svg)


def _compact(svg: str) -> str:
    """Drop what matplotlib writes for its own use, and digits nobody can see; name the type faces once."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, count=1, flags=re.S)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.S)
    svg = _NOTHING_DRAWN.sub("", _UNUSED_ID.sub("<g", svg))
    svg = re.sub(r' style="stroke-linejoin: miter"| transform="rotate\(-?0 [^"]*\)"', "", svg)
    svg = _bare_groups(svg)
    # only inside tags: a text may speak of font-family, too
    svg = re.sub(r"<text [^>]+>", lambda tag: _FAMILY.sub("", tag[0]), svg)
    svg = svg.replace("<svg ", f'<svg style="font-family: {SVG_FAMILIES}" ', 1)

    def shorter(match: re.Match[str]) -> str:
        text = f"{float(match[1]):.2f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text

    # only inside tags: a client's name in a text node keeps its digits
    svg = re.sub(r"<[^>]+>", lambda tag: _NUMBER.sub(shorter, tag[0]), svg)
    svg = _needless_clips(re.sub(r">\n\s+<", ">\n<", svg))
    return svg.strip() + "\n"


# --- parts


def shorten(text: str, letters: int = 34) -> str:
    """Cut a label that would push the plot aside; the table beside the chart has it in full."""
    flat = " ".join(str(text).split())
    return flat if len(flat) <= letters else flat[: letters - 1].rstrip() + "…"


def lines_of(text: str, letters: int = 34) -> str:
    """Set a label in one line, or in two where it is longer; only what two lines cannot hold is cut."""
    text = " ".join(str(text).split())
    if len(text) <= letters:
        return text
    return "\n".join(textwrap.wrap(shorten(text, 2 * letters - 6), letters, max_lines=2, placeholder="…"))


def benchmark(
    ax: Axes, value: float, label: str, *, axis: Literal["x", "y"] = "x", side: Literal["left", "right"] = "right"
) -> None:
    """Draw a norm across the plot, dashed, with its label at the end of the line.

    ``axis`` is the axis on which the figure is measured: "x" draws a vertical line, "y" a horizontal one, labelled at
    its ``side``.
    """
    if axis == "x":
        ax.axvline(value, color=BENCHMARK_COLOR, lw=1.3, ls=(0, (4, 2)), zorder=3)
        low, high = ax.get_xlim()
        right = value > low + 0.72 * (high - low)
        ax.annotate(
            label,
            (value, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if right else 4, 2),
            textcoords="offset points",
            ha="right" if right else "left",
            va="bottom",
            color=BENCHMARK_COLOR,
            fontsize=8.5,
        )
    else:
        ax.axhline(value, color=BENCHMARK_COLOR, lw=1.3, ls=(0, (4, 2)), zorder=3)
        at = 1 if side == "right" else 0
        ax.annotate(
            label,
            (at, value),
            xycoords=("axes fraction", "data"),
            xytext=(-2 if at else 4, 3),
            textcoords="offset points",
            ha=side,
            va="bottom",
            color=BENCHMARK_COLOR,
            fontsize=8.5,
        )


def whiskers(ax: Axes, y: float, low: float, high: float, color: str = INK) -> None:
    """Draw a 95 % interval as a horizontal whisker with small caps."""
    ax.plot([low, high], [y, y], color=color, lw=1.2, solid_capstyle="butt", zorder=4)
    for x in (low, high):
        ax.plot([x, x], [y - 0.11, y + 0.11], color=color, lw=1.2, solid_capstyle="butt", zorder=4)


def _unit_axis(axis: Any, unit: str, fmt: Fmt, ticks: int = 5) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    write_ticks(axis, unit, fmt)


def write_ticks(axis: Any, unit: str, fmt: Fmt) -> None:
    """Write an axis's tick labels in a unit («whole»: whole numbers)."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(_Ticks(unit, fmt)))


@dataclass(frozen=True)
class _Ticks:
    """Writes a tick; a class, because a figure with a function of its own could not be put aside (`Chart.save`)."""

    unit: str
    fmt: Fmt

    def __call__(self, x: float, position: int | None = None) -> str:
        match self.unit:
            case "share":
                return self.fmt.share(round(x, 4))
            case "change":
                return self.fmt.change(round(x, 4))
            case "money" | "money/year":
                return self.fmt.money(x)
            case "whole":
                return self.fmt.num(x)
        return self.fmt.num(x, 2, trim=True)


def _clean(values: Sequence[Any] | None, n: int) -> list[float]:
    if values is None:
        return [math.nan] * n
    return [math.nan if v is None else float(v) for v in values]


# --- charts


def bars(
    caption: Caption,
    labels: Sequence[str],
    values: Sequence[float | None],
    *,
    fmt: Fmt,
    unit: str = "share",
    low: Sequence[float | None] | None = None,
    high: Sequence[float | None] | None = None,
    n: Sequence[int | None] | None = None,
    mark: Benchmark | None = None,
    band: Band | None = None,
    status: Sequence[Status | None] | None = None,
    expected: Sequence[float | None] | None = None,
    expected_label: str = "",
    accent: str = ACCENT,
    limit: float | None = None,
    width: Width = "full",
) -> Chart:
    """Compare rows on one scale: horizontal bars with 95 % intervals, benchmark line and the limits of the verdict.

    One bar per label, first on top; a None value leaves the row empty with «—». ``expected`` draws a tick per row (what
    chance or team size alone would give). ``limit`` fixes the right end of the scale.
    """
    rows = len(labels)
    vals, lows, highs, floors = (_clean(v, rows) for v in (values, low, high, expected))
    with chart_style(accent):
        names = [lines_of(x) for x in labels]
        high_row = 0.34 if any("\n" in x for x in names) else 0.265
        fig, ax = figure(width, 0.48 + high_row * rows + (0.2 if mark or band else 0))
        finite = [v for v in (*vals, *highs, *floors) if math.isfinite(v)] + ([mark.value] if mark else [])
        top = limit if limit is not None else max([*finite, 0]) * 1.0 or 1.0
        if band is not None and band.found < top * 1.6:
            top = max(top, band.found * 1.08)
        bottom = min([*(v for v in (*vals, *lows) if math.isfinite(v)), 0.0])
        ax.set_xlim(bottom * 1.05, top * 1.02 + (top - bottom) * 0.16)
        ax.set_ylim(rows - 0.45, -0.55)
        if band is not None:
            _draw_band(ax, band)
        for i, value in enumerate(vals):
            if not math.isfinite(value):
                ax.text(0, i, " —", va="center", color=INK_FAINT)
                continue
            given = status[i] if status is not None else None
            color = STATUS[given].line if given else accent
            ax.barh(i, value, height=0.56, color=tint(color, 0.12), zorder=2)
            end = value
            if math.isfinite(lows[i]) and math.isfinite(highs[i]):
                whiskers(ax, i, lows[i], highs[i])
                end = max(value, highs[i])
            if math.isfinite(floors[i]):
                ax.plot([floors[i]] * 2, [i - 0.36, i + 0.36], color=INK, lw=2, solid_capstyle="butt", zorder=5)
                end = max(end, floors[i])
            count = n[i] if n is not None else None
            ax.annotate(
                _bar_text(value, unit, fmt),
                (end, i),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontweight="bold",
                zorder=6,
                bbox={"facecolor": PAPER, "alpha": 0.85, "pad": 0.8, "linewidth": 0},
            )
            if count is not None:
                ax.annotate(
                    f"n{NBSP}={NBSP}{fmt.num(count)}",
                    (1, i),
                    xycoords=("axes fraction", "data"),
                    va="center",
                    ha="right",
                    fontsize=7.5,
                    color=INK_FAINT,
                )
        if mark is not None:
            benchmark(ax, mark.value, mark.label)
        if expected_label and any(math.isfinite(v) for v in floors):
            ax.plot([], [], color=INK, lw=2, label=expected_label)
            ax.legend(loc="upper left", bbox_to_anchor=(0, -0.06), handlelength=1.0, borderaxespad=0.8)
        ax.set_yticks(range(rows), names)
        _unit_axis(ax.xaxis, unit, fmt)
        ax.spines["bottom"].set_visible(False)
        ax.axvline(0, color=INK_SOFT, lw=0.8, zorder=4)
        ax.grid(axis="x", zorder=0)
        return finish(fig, caption, width=width)


def _bar_text(value: float, unit: str, fmt: Fmt) -> str:
    return fmt.num(value, 2 if abs(value) < 1 else 1, trim=True) if unit == "fte" else fmt.value(value, unit)


def _draw_band(ax: Axes, band: Band) -> None:
    low, high = ax.get_xlim()
    spans = (
        [(band.watch, band.found, "watch"), (band.found, high, "found")]
        if band.bad == "high"
        else [(low if low < 0 else 0, band.found, "found"), (band.found, band.watch, "watch")]
    )
    for start, end, name in spans:
        mark: Status = "found" if name == "found" else "watch"
        if end > start:
            ax.axvspan(max(start, low), min(end, high), color=STATUS[mark].wash, lw=0, zorder=0)


def stacked_bars(
    caption: Caption,
    labels: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    *,
    fmt: Fmt,
    unit: str = "share",
    colors: Sequence[str] | None = None,
    accent: str = ACCENT,
    emphasise: str | None = None,
    width: Width = "full",
) -> Chart:
    """Show of what each row consists: one horizontal bar per label, parts in the order given, named above the bars.

    ``emphasise`` names the part that carries the finding: it is coloured, the others are greyed.
    """
    rows = len(labels)
    names = list(parts)
    base = list(colors) if colors is not None else [accent, *CATEGORICAL[1:]]
    if emphasise is not None:
        greys = ["#c3cad2", "#d9dee3", "#aab3bd", "#e6e9ed", "#98a2ad", "#eef0f3"]
        rest = iter(greys * 3)
        base = [STATUS["found"].line if name == emphasise else next(rest) for name in names]
    with chart_style(accent):
        fig, ax = figure(width, 0.6 + 0.29 * rows + 0.19 * max(0, math.ceil(len(names) / 4) - 1))
        left = np.zeros(rows)
        total = max((sum(max(0.0, float(parts[k][i] or 0)) for k in names) for i in range(rows)), default=1) or 1
        for k, name in enumerate(names):
            color = base[k % len(base)]
            values = np.array([max(0.0, float(v or 0)) for v in parts[name]])
            ax.barh(range(rows), values, left=left, height=0.64, color=color, label=name, edgecolor=PAPER, linewidth=1)
            for i, value in enumerate(values):
                if value / total >= 0.055:
                    text = fmt.share(value, 0) if unit == "share" else _bar_text(value, unit, fmt)
                    ax.text(left[i] + value / 2, i, text, ha="center", va="center", fontsize=8, color=on_color(color))
            left += values
        ax.set_ylim(rows - 0.4, -0.6)
        ax.set_xlim(0, total)
        ax.set_yticks(range(rows), [lines_of(x) for x in labels])
        if unit == "share":
            ax.set_xticks([])
        else:
            _unit_axis(ax.xaxis, unit, fmt)
        ax.spines["bottom"].set_visible(False)
        ax.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=min(len(names), 4),
            handlelength=0.9,
            handleheight=0.9,
            columnspacing=1.4,
            borderaxespad=0.2,
            handletextpad=0.5,
        )
        return finish(fig, caption, width=width)


def heat_map(
    caption: Caption,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    fmt: Fmt,
    unit: str = "share",
    row_notes: Sequence[str] | None = None,
    x_label: str = "",
    y_label: str = "",
    top: float | None = None,
    accent: str = ACCENT,
    width: Width = "full",
) -> Chart:
    """Show a table as colour: one row per cohort or person, one column per age or month; None and NaN stay blank.

    Figures are written into the cells while they fit; beyond that a scale stands below. ``row_notes`` (cohort sizes)
    stand between row label and cells. ``top`` fixes the value of the darkest colour.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import PathPatch

    grid = np.array([[math.nan if v is None else float(v) for v in row] for row in values], dtype=float)
    grid = grid.reshape(len(rows), len(columns))
    shown = grid[np.isfinite(grid)]
    peak = top if top is not None else float(shown.max()) if shown.size else 1.0
    written = len(columns) <= (16 if width == "full" else 8)
    with chart_style(accent):
        cell = 0.25 if len(rows) <= 14 else 0.215 if len(rows) <= 26 else 0.16
        fig, ax = figure(width, 0.55 + cell * max(len(rows), 2) + (0.4 if not written else 0))
        scale = LinearSegmentedColormap.from_list("accent", [tint(accent, 0.94), tint(accent, 0.45), accent])
        shades: dict[int, list[tuple[int, int]]] = {}
        for i, j in zip(*np.nonzero(np.isfinite(grid)), strict=True):
            value = float(grid[i, j])
            shade = round(min(1.0, value / peak) * _SHADES) if peak else 0
            shades.setdefault(shade, []).append((int(j), int(i)))
            if written:
                color = scale(shade / _SHADES)
                flat = "#" + "".join(f"{round(c * 255):02x}" for c in color[:3])
                text = fmt.num(value * 100, 0) if unit == "share" else _bar_text(value, unit, fmt)
                ax.text(j + 0.5, i + 0.52, text, ha="center", va="center", fontsize=7.5, color=on_color(flat))
        for shade, cells in shades.items():  # one shape for all cells of a shade: a thousand would take long to print
            ax.add_patch(PathPatch(_squares(cells), facecolor=scale(shade / _SHADES), edgecolor=PAPER, linewidth=0.9))
        ax.set_xlim(0, len(columns))
        ax.set_ylim(len(rows), 0)
        step = max(1, math.ceil(len(columns) / 18))
        ticks = range(0, len(columns), step)
        ax.set_xticks([j + 0.5 for j in ticks], [columns[j] for j in ticks])
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        label_step = max(1, math.ceil(len(rows) / 40))
        marks = range(0, len(rows), label_step)
        notes = row_notes or [""] * len(rows)
        names = [f"{shorten(rows[i], 24)}" + (f"   {notes[i]}" if notes[i] else "") for i in marks]
        ax.set_yticks([i + 0.5 for i in marks], names)
        ax.tick_params(axis="y", labelsize=8 if cell > 0.2 else 7)
        if x_label:
            ax.set_xlabel(x_label + (f", {'%'}" if unit == "share" and written else ""), loc="left")
        if y_label:
            ax.set_ylabel(y_label)
        for spine in ax.spines.values():
            spine.set_visible(False)
        if not written:
            _scale_strip(ax, scale, peak, unit, fmt, 0.1 / (cell * max(len(rows), 2)))
        return finish(fig, caption, width=width)


_SHADES = 40


def _squares(corners: Sequence[tuple[int, int]]) -> Outline:
    """Return unit squares with these lower corners as one outline."""
    from matplotlib.path import Path as Outline

    ring = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], dtype=float)
    points = np.concatenate([ring + corner for corner in corners])
    codes = [Outline.MOVETO, Outline.LINETO, Outline.LINETO, Outline.LINETO, Outline.CLOSEPOLY]
    return Outline(points, np.tile(codes, len(corners)))


def _scale_strip(ax: Axes, scale: LinearSegmentedColormap, peak: float, unit: str, fmt: Fmt, height: float) -> None:
    """Draw the colour scale under the map, a tenth of an inch high."""
    from matplotlib.patches import Rectangle

    strip = ax.inset_axes((0, -2.2 * height, 0.28, height))
    for k in range(24):
        strip.add_patch(Rectangle((k, 0), 1.02, 1, facecolor=scale(k / 23), linewidth=0))
    strip.set_xlim(0, 24)
    strip.set_ylim(0, 1)
    strip.set_yticks([])
    # Order days are counted in whole numbers: their scale has no halves.
    middle = [] if unit == "count" and peak % 2 else [peak / 2]
    marks = [0.0, *middle, peak]
    strip.set_xticks([24 * x / peak if peak else 0 for x in marks], [_Ticks(unit, fmt)(x) for x in marks])
    strip.tick_params(labelsize=7.5)
    for spine in strip.spines.values():
        spine.set_visible(False)


def step_curve(
    caption: Caption,
    days: Sequence[float],
    share: Sequence[float],
    *,
    fmt: Fmt,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    mark: Benchmark | None = None,
    horizon: float | None = None,
    horizon_label: str = "",
    at_risk: Sequence[tuple[float, int]] | None = None,
    at_risk_label: str = "",
    naive: Sequence[float] | None = None,
    naive_label: str = "",
    x_label: str = "",
    x_max: float | None = None,
    accent: str = ACCENT,
    width: Width = "full",
) -> Chart:
    """Show how a share grows with time since the start: a Kaplan–Meier step curve with its band and the norm.

    ``days`` and ``share`` are the steps (right-continuous); the figure at the horizon is written beside its point.
    ``at_risk`` gives the units still followed at chosen days, printed under the axis. ``naive`` is a second, thin
    curve of the uncorrected share.
    """
    from matplotlib.ticker import MaxNLocator

    x = np.asarray(days, dtype=float)
    y = np.asarray(share, dtype=float)
    with chart_style(accent):
        fig, ax = figure(width, 2.6 if width == "full" else 2.3)
        end = x_max if x_max is not None else max([*(x.tolist() or [1.0]), horizon or 0]) * 1.02
        ax.set_xlim(0, end)
        tops = np.concatenate([y, np.asarray(high if high is not None else [], dtype=float)])
        ceiling = max([0.2, *tops[np.isfinite(tops)].tolist(), mark.value * 1.1 if mark is not None else 0.0])
        ax.set_ylim(0, min(1.0, ceiling * 1.08))
        if low is not None and high is not None:
            ax.fill_between(
                x, np.asarray(low, float), np.asarray(high, float), step="post", color=tint(accent, 0.82), lw=0
            )
        if naive is not None:
            ax.step(x, np.asarray(naive, float), where="post", color=INK_FAINT, lw=1.1, ls=(0, (1, 1.4)))
            if naive_label and x.size:
                ax.annotate(
                    naive_label,
                    (x[-1], naive[-1]),
                    xytext=(-2, -11),
                    textcoords="offset points",
                    ha="right",
                    fontsize=8,
                    color=INK_FAINT,
                )
        ax.step(x, y, where="post", color=accent, lw=2.2)
        if mark is not None:
            # the label stands where the curve is not: left of the crossing while that comes late
            near = x.size and 0 <= y[-1] - mark.value < 0.14 * ax.get_ylim()[1]  # no room between line and curve
            late = not x.size or float(np.max(y[x <= end * (0.2 if near else 0.4)], initial=0.0)) < mark.value
            benchmark(ax, mark.value, mark.label, axis="y", side="left" if late else "right")
        if horizon is not None and x.size and x[0] <= horizon:
            at = int(np.searchsorted(x, horizon, side="right") - 1)
            ax.axvline(horizon, color=RULE, lw=1, zorder=0)
            ax.plot([horizon], [y[at]], "o", ms=7, color=accent, mec=PAPER, mew=1.5, zorder=6)
            text = horizon_label or fmt.share(y[at])
            # below the curve there is always room: a rising curve leaves it to the right, else well under the point
            right = horizon > end * (0.78 if width == "full" else 0.55)
            below = -24 if right else -9
            if mark is not None:  # the norm's line, and its words above it, are kept free
                points = ax.get_window_extent().height * 72 / fig.dpi / ax.get_ylim()[1]
                over = (y[at] - mark.value) * points
                below = next((d for d in (below, -9, -40) if not -4 < over + d < 27), below)
            ax.annotate(
                text,
                (horizon, y[at]),
                xytext=(-4 if right else 7, below),
                textcoords="offset points",
                ha="right" if right else "left",
                va="top",
                fontweight="bold",
                color=accent,
                fontsize=10,
            )
        _unit_axis(ax.yaxis, "share", fmt)
        ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 3, 6, 9, 10]) if end <= 130 else _quarters(end))
        write_ticks(ax.xaxis, "whole", fmt)
        ax.tick_params(axis="y", labelcolor=INK_SOFT)
        ax.grid(axis="y")
        if x_label:
            ax.set_xlabel(x_label, loc="right")
        if at_risk:
            _at_risk(ax, at_risk, at_risk_label, fmt)
        return finish(fig, caption, width=width)


def _quarters(end: float) -> Any:
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(next((s for s in (30, 60, 90, 180, 365) if end / s <= 9), 365))


def _at_risk(ax: Axes, at_risk: Sequence[tuple[float, int]], label: str, fmt: Fmt) -> None:
    for day, count in at_risk:
        ax.annotate(
            fmt.num(count),
            (day, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -36),
            textcoords="offset points",
            ha="center" if day > 0 else "left",
            fontsize=8,
            color=INK_SOFT,
        )
    if label:
        ax.annotate(
            label,
            (0, 0),
            xycoords="axes fraction",
            xytext=(0, -25),
            textcoords="offset points",
            fontsize=7.5,
            color=INK_FAINT,
        )


def flow(
    caption: Caption,
    links: Sequence[tuple[str, str, float]],
    *,
    fmt: Fmt,
    labels: Mapping[str, str],
    left_title: str,
    right_title: str,
    own_label: str,
    missing: Sequence[str] = (),
    missing_label: str = "",
    unit: str = "fte",
    smallest_share: float = 0.004,
    accent: str = ACCENT,
) -> Chart:
    """Show whose work is done by whom: roles that do it on the left, roles that own it on the right.

    ``links`` are (from role, to role, FTE or hours); a link to the same role is own work and is drawn pale. Ribbons
    are as wide as the hours. ``missing`` roles own work but nobody holds them: drawn as an outline. Links below
    ``smallest_share`` of all hours are not drawn (they stay in the totals).
    """
    from matplotlib.patches import Rectangle

    total = sum(v for _, _, v in links) or 1.0
    left_sum: dict[str, float] = {}
    right_sum: dict[str, float] = {}
    for a, b, v in links:
        left_sum[a] = left_sum.get(a, 0.0) + v
        right_sum[b] = right_sum.get(b, 0.0) + v
    sources = list(left_sum)
    targets = sorted(
        right_sum, key=lambda r: (sources.index(r) if r in sources else len(sources), list(right_sum).index(r))
    )
    most = max(len(sources), len(targets))
    with chart_style(accent):
        fig, ax = figure("full", max(2.3, 1.3 + 0.27 * most))
        gap = 0.042 if most > 6 else 0.055
        room = 1 - gap * (most - 1)
        left = _stack(sources, left_sum, total, room, gap)
        right = _stack(targets, right_sum, total, room, gap)
        ax.set_xlim(-0.5, 1.5)
        ax.set_ylim(1.01, -0.075)
        ax.axis("off")
        colors = _flow_colors(sources, links, accent)
        used_left = {r: left[r][0] for r in sources}
        used_right = {r: right[r][0] for r in targets}
        ordered = sorted(links, key=lambda k: (sources.index(k[0]), targets.index(k[1])))
        ends: dict[tuple[str, str], tuple[float, float]] = {}
        for b in targets:
            for a, b2, v in sorted(links, key=lambda k: sources.index(k[0])):
                if b2 == b:
                    ends[(a, b)] = (used_right[b], v / total * room)
                    used_right[b] += v / total * room
        for a, b, v in ordered:
            height = v / total * room
            start = used_left[a]
            used_left[a] += height
            if v / total < smallest_share:
                continue
            own = a == b
            color = "#e3e7eb" if own else tint(colors[a], 0.25)
            ax.add_patch(
                ribbon(0.03, start, 0.97, ends[(a, b)][0], height, color, 0.75 if own else 0.8, 1 if own else 2)
            )
        for side, place in (("left", left), ("right", right)):
            for role, (y, h) in place.items():
                x = 0.0 if side == "left" else 0.97
                absent = side == "right" and role in missing
                face = PAPER if absent else colors.get(role, INK_SOFT) if side == "left" else INK_SOFT
                edge = STATUS["found"].ink if absent else face
                ax.add_patch(
                    Rectangle(
                        (x, y),
                        0.03,
                        max(h, 0.003),
                        facecolor=face,
                        edgecolor=edge,
                        linewidth=1.2 if absent else 0,
                        hatch="////" if absent else None,
                        zorder=3,
                    )
                )
        for side, place, sums in (("left", left, left_sum), ("right", right, right_sum)):
            for role, y in spread_labels(
                {r: p[0] + p[1] / 2 for r, p in place.items()}, 0.052 * 6.5 / max(6.5, most)
            ).items():
                name = shorten(labels.get(role, role), 24)
                absent = side == "right" and role in missing
                figure_text = fmt.num(sums[role], 1, trim=True) if unit == "fte" else fmt.num(sums[role])
                x, ha = (-0.02, "right") if side == "left" else (1.02, "left")
                ink = STATUS["found"].ink if absent else INK
                suffix = f" ({missing_label})" if absent and missing_label else ""
                text = f"{name}{suffix}  {figure_text}" if side == "left" else f"{figure_text}  {name}{suffix}"
                ax.text(x, y, text, ha=ha, va="center", fontsize=9, color=ink)
        ax.text(-0.02, -0.05, left_title, ha="right", va="bottom", fontsize=8.5, color=INK_FAINT)
        ax.text(1.02, -0.05, right_title, ha="left", va="bottom", fontsize=8.5, color=INK_FAINT)
        ax.add_patch(Rectangle((0.4, -0.066), 0.03, 0.024, facecolor="#d3d9df", linewidth=0))
        ax.text(0.44, -0.054, own_label, ha="left", va="center", fontsize=8.5, color=INK_FAINT)
        return finish(fig, caption)


def _flow_colors(sources: Sequence[str], links: Sequence[tuple[str, str, float]], accent: str) -> dict[str, str]:
    """Colour the roles that do other roles' work, the biggest with the accent; who does only own work stays grey."""
    palette = [accent, *CATEGORICAL[1:]]
    foreign = {r: sum(v for a, b, v in links if a == r and a != b) for r in sources}
    busy = sorted((r for r in sources if foreign[r] > 0), key=lambda r: -foreign[r])
    return {r: palette[busy.index(r) % len(palette)] if r in busy else INK_SOFT for r in sources}


def _stack(
    roles: Sequence[str], sums: Mapping[str, float], total: float, room: float, gap: float
) -> dict[str, tuple[float, float]]:
    """Place nodes from top to bottom, spread evenly over the height: role → (top, height)."""
    spare = 1 - sum(sums[r] / total * room for r in roles)
    space = spare / (len(roles) - 1) if len(roles) > 1 else 0.0
    space = min(space, gap * 2.2)
    used = sum(sums[r] / total * room for r in roles) + space * max(0, len(roles) - 1)
    y = (1 - used) / 2
    out = {}
    for role in roles:
        height = sums[role] / total * room
        out[role] = (y, height)
        y += height + space
    return out


def spread_labels(wanted: Mapping[str, float], least: float) -> dict[str, float]:
    """Move labels apart until neighbours are at least ``least`` from each other, as little as possible."""
    names = sorted(wanted, key=lambda k: wanted[k])
    y = [wanted[k] for k in names]
    for _ in range(60):
        moved = False
        for i in range(len(y) - 1):
            short = least - (y[i + 1] - y[i])
            if short > 1e-6:
                y[i] -= short / 2
                y[i + 1] += short / 2
                moved = True
        if not moved:
            break
    return dict(zip(names, y, strict=True))


def ribbon(x0: float, y0: float, x1: float, y1: float, h: float, color: str, alpha: float, z: int) -> PathPatch:
    """Return a band of height ``h`` that runs smoothly from one place to another."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    middle = (x0 + x1) / 2
    m, c, line, close = Outline.MOVETO, Outline.CURVE4, Outline.LINETO, Outline.CLOSEPOLY
    points = [
        (x0, y0),
        (middle, y0),
        (middle, y1),
        (x1, y1),
        (x1, y1 + h),
        (middle, y1 + h),
        (middle, y0 + h),
        (x0, y0 + h),
        (x0, y0),
    ]
    codes = [m, c, c, c, line, c, c, c, close]
    return PathPatch(Outline(points, codes), facecolor=color, alpha=alpha, linewidth=0, zorder=z)


def funnel(
    caption: Caption,
    names: Sequence[str],
    units: Sequence[float],
    share: Sequence[float],
    *,
    fmt: Fmt,
    mean: float,
    limits: Sequence[tuple[float, float, float, float, float]],
    positions: Sequence[int],
    mean_label: str,
    x_label: str,
    accent: str = ACCENT,
    width: Width = "full",
) -> Chart:
    """Compare persons fairly: share against number of units, with the limits within which chance alone would put them.

    ``limits`` rows are (units, low 95 %, high 95 %, low 99.8 %, high 99.8 %) in rising units. ``positions``: 2 found, 1
    watched, 0 neither; only the first two are named.
    """
    table = np.asarray(limits, dtype=float).reshape(-1, 5)
    with chart_style(accent):
        fig, ax = figure(width, 2.5)
        grid = table[:, 0]
        ax.fill_between(grid, table[:, 3], table[:, 4], color="#f0f2f5", lw=0)
        ax.fill_between(grid, table[:, 1], table[:, 2], color="#e2e7ec", lw=0)
        ax.axhline(mean, color=INK_SOFT, lw=1)
        ax.annotate(
            mean_label,
            (1, mean),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            ha="left",
            va="center",
            textcoords="offset points",
            fontsize=8,
            color=INK_SOFT,
            annotation_clip=False,
        )
        for name, n, value, position in zip(names, units, share, positions, strict=True):
            state: Status = "found" if position == 2 else "watch" if position == 1 else "clear"
            color = STATUS[state].line if position else accent
            ax.plot([n], [value], "o" if state != "watch" else "D", ms=6.5, color=color, mec=PAPER, mew=1, zorder=4)
            if position:
                ax.annotate(shorten(name, 22), (n, value), xytext=(6, 3), textcoords="offset points", fontsize=8.5)
        every = [*share, *table[:, 3].tolist(), *table[:, 4].tolist()]
        ax.set_ylim(max(0.0, min(every) - 0.03), min(1.0, max(every) + 0.05))
        ax.set_xlim(float(grid[0]) if grid.size else 0, (max([*units, float(grid[-1]) if grid.size else 1])) * 1.02)
        _unit_axis(ax.yaxis, "share", fmt)
        write_ticks(ax.xaxis, "whole", fmt)
        ax.tick_params(axis="y", labelcolor=INK_SOFT)
        ax.set_xlabel(x_label, loc="right")
        return finish(fig, caption, width=width)


def waterfall(
    caption: Caption,
    start: tuple[str, float],
    steps: Sequence[tuple[str, float]],
    end: tuple[str, float],
    *,
    fmt: Fmt,
    unit: str = "money",
    accent: str = ACCENT,
    width: Width = "full",
) -> Chart:
    """Show how one year's figure became the next: start, rises and falls, end; the steps add up exactly."""
    bars_: list[tuple[str, float, float, str]] = [(start[0], 0.0, start[1], accent)]
    level = start[1]
    for name, delta in steps:
        low = min(level, level + delta)
        bars_.append((name, low, abs(delta), STATUS["clear"].line if delta >= 0 else STATUS["found"].line))
        level += delta
    bars_.append((end[0], 0.0, end[1], accent))
    with chart_style(accent):
        fig, ax = figure(width, 2.5)
        top = max(low + size for _, low, size, _ in bars_) or 1.0
        ax.set_ylim(min(0.0, min(low for _, low, _, _ in bars_)), top * 1.12)
        for i, (_, low, size, color) in enumerate(bars_):
            ax.bar(i, size, bottom=low, width=0.62, color=tint(color, 0.08))
            first_or_last = i in (0, len(bars_) - 1)
            value = size if first_or_last else steps[i - 1][1]
            text = fmt.value(abs(value), unit)
            if not first_or_last:
                text = ("+" if value >= 0 else MINUS) + text
            ax.annotate(
                text,
                (i, low + size),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=8.5,
                fontweight="bold",
            )
        level = start[1]
        for i in range(len(bars_) - 1):
            ax.plot([i + 0.31, i + 0.69], [level, level], color=INK_FAINT, lw=0.8)
            if i < len(steps):
                level += steps[i][1]
        import textwrap

        ax.set_xticks(range(len(bars_)), ["\n".join(textwrap.wrap(b[0], 13)) for b in bars_])
        ax.tick_params(axis="x", labelcolor=INK)
        ax.set_yticks([])
        ax.axhline(0, color=INK_SOFT, lw=0.8)
        ax.spines["bottom"].set_visible(False)
        return finish(fig, caption, width=width)


def time_series(
    caption: Caption,
    dates: Sequence[Any],
    series: Mapping[str, Sequence[float | None]],
    *,
    fmt: Fmt,
    unit: str = "money",
    trend: Sequence[float | None] | None = None,
    trend_label: str = "",
    mark: Benchmark | None = None,
    shade_from: Any = None,
    shade_label: str = "",
    from_zero: bool = True,
    accent: str = ACCENT,
    width: Width = "full",
) -> Chart:
    """Show a figure over the months: one line per series, named at its end, with a trend line and its yearly change.

    ``dates`` are month starts. ``shade_from`` sets off the last stretch (the 12 months judged) with a light ground.
    """
    with chart_style(accent):
        fig, ax = figure(width, 2.15)
        x = np.arange(len(dates), dtype=float)
        many = len(series) > 1
        palette = [accent, *CATEGORICAL[1:]]
        for k, (name, values) in enumerate(series.items()):
            y = np.array(_clean(values, len(dates)))
            color = palette[k % len(palette)]
            ax.plot(x, y, color=color, lw=1.8 if trend is None else 1.3, marker="o", ms=2.6, zorder=3, clip_on=False)
            seen = np.flatnonzero(np.isfinite(y))
            if many and seen.size:
                last = int(seen[-1])
                ax.annotate(
                    shorten(name, 20),
                    (x[last], y[last]),
                    xytext=(6, 0),
                    textcoords="offset points",
                    va="center",
                    color=color,
                    fontsize=8.5,
                    annotation_clip=False,
                )
        if trend is not None:
            t = np.array(_clean(trend, len(dates)))
            ax.plot(x, t, color=INK, lw=1.6, ls=(0, (5, 2)), zorder=4)
            if trend_label:
                ax.annotate(
                    trend_label,
                    (0, 1),
                    xycoords="axes fraction",
                    xytext=(3, -2),
                    textcoords="offset points",
                    va="top",
                    fontweight="bold",
                    fontsize=9,
                )
        low, high = ax.get_ylim()
        low = 0.0 if from_zero else low
        # room above the lines for the labels, which stand at the top
        ax.set_ylim(low, high + (high - low) * (0.2 if trend_label or shade_label else 0.06))
        if mark is not None:
            benchmark(ax, mark.value, mark.label, axis="y")
        if shade_from is not None:
            begin = next((i for i, d in enumerate(dates) if str(d)[:10] >= str(shade_from)[:10]), None)
            if begin is not None:
                ax.axvspan(begin - 0.5, len(dates) - 0.5, color=tint(accent, 0.92), lw=0, zorder=0)
                ax.annotate(
                    shade_label,
                    (begin - 0.3, 1),
                    xycoords=("data", "axes fraction"),
                    xytext=(2, -3),
                    va="top",
                    textcoords="offset points",
                    fontsize=8,
                    color=INK_FAINT,
                )
        step = max(1, math.ceil(len(dates) / (9 if width == "full" else 5)))
        ticks = range(0, len(dates), step)
        ax.set_xticks(list(ticks), [fmt.month_short(dates[i]) for i in ticks])
        ax.set_xlim(-0.5, len(dates) - 0.5)
        _unit_axis(ax.yaxis, unit, fmt, 4)
        ax.tick_params(axis="y", labelcolor=INK_SOFT)
        ax.grid(axis="y")
        return finish(fig, caption, width=width)
