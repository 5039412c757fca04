"""An organisation as boxes: heads in columns side by side, their people hanging below them, indented by level.

One layout for six people and for a hundred and twenty: whoever is on top stands above all columns, each head that reports
to the top opens a column, columns that find no room go to a second row. Nothing is laid out by forces or chance, so the
same organisation always looks the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit.present.chart import FULL_WIDTH_IN, Caption, Chart
from audit.present.charts.draw import figure, finish, shorten
from audit.present.charts.style import chart_style
from audit.present.style import ACCENT, INK, INK_FAINT, INK_SOFT, PAPER, RULE, STATUS, tint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Box", "fits_a_page", "grouped", "tree_chart"]

COLUMNS = 4
ALONE_FROM = 5
PAGE_IN = 4.7
"""Inches of height that leave room on a page of A4 for a second tree and a table."""
LINE = "#aab3bd"
_HEIGHT, _GAP, _INDENT, _BETWEEN = 0.38, 0.08, 0.16, 0.14
"""Inches: a box, between two boxes, a level, between two columns."""


@dataclass(frozen=True)
class Box:
    """One post or a group of equal ones, with what hangs below it.

    ``name`` and ``line`` are its two lines, ``badge`` stands at its right end (direct reports, a change). ``part`` is
    drawn as a bar along its lower edge: the share of foreign work. ``marked``: a finding points at it; ``vacant``:
    nobody holds it; ``double``: a second role is held beside.
    """

    name: str
    line: str = ""
    badge: str = ""
    part: float | None = None
    marked: bool = False
    vacant: bool = False
    double: bool = False
    below: tuple[Box, ...] = ()


@dataclass(frozen=True)
class _Placed:
    box: Box
    x: float
    y: float
    width: float
    parent: int | None


def _hang(box: Box, x: float, y: float, width: float, parent: int | None, out: list[_Placed]) -> float:
    """Place a box and all below it, return the next free height."""
    mine = len(out)
    out.append(_Placed(box, x, y, width, parent))
    y += _HEIGHT + _GAP
    for child in box.below:
        y = _hang(child, x + _INDENT, y, width - _INDENT, mine, out)
    return y


def _place(tops: Sequence[Box]) -> tuple[list[_Placed], float]:
    """Place everything on a page ``FULL_WIDTH_IN`` wide; return the boxes and the height used."""
    out: list[_Placed] = []
    width = (FULL_WIDTH_IN - (COLUMNS - 1) * _BETWEEN) / COLUMNS
    y = 0.0
    loose = tuple(t for t in tops if not t.below)
    for top in [t for t in tops if t.below]:
        mine = len(out)
        out.append(_Placed(top, (FULL_WIDTH_IN - width) / 2, y, width, None))
        y += _HEIGHT + 3 * _GAP
        y = _columns(_gathered(top.below), width, y, mine, out) + 2 * _GAP
    if loose:
        y = _columns(loose, width, y, None, out)
    return out, y


def _gathered(below: tuple[Box, ...]) -> tuple[Box, ...]:
    """Return heads first; people without people of their own follow, and share a column where there are heads."""
    heads = tuple(b for b in below if b.below)
    return (*heads, *(b for b in below if not b.below))


def _columns(boxes: Sequence[Box], width: float, y: float, parent: int | None, out: list[_Placed]) -> float:
    heads = [b for b in boxes if b.below]
    loose = [b for b in boxes if not b.below]
    stacks: list[list[Box]] = [[h] for h in heads]
    if loose:
        free = max(1, COLUMNS - len(heads) % COLUMNS) if heads else min(COLUMNS, len(loose))
        free = min(free, len(loose)) if len(heads) % COLUMNS or not heads else min(COLUMNS, len(loose))
        each = -(-len(loose) // free)
        stacks += [loose[k * each : (k + 1) * each] for k in range(free) if loose[k * each : (k + 1) * each]]
    if (
        len(stacks) == 1 and len(stacks[0][0].below) > ALONE_FROM
    ):  # one head alone: its people side by side, not in one pile
        head, mine = stacks[0][0], len(out)
        out.append(_Placed(head, (FULL_WIDTH_IN - width) / 2, y, width, parent))
        return _columns(head.below, width, y + _HEIGHT + 3 * _GAP, mine, out)
    for start in range(0, len(stacks), COLUMNS):
        row = stacks[start : start + COLUMNS]
        # rows below one another share their columns, so that a line to a lower row finds a gutter
        across = len(row) if len(stacks) <= COLUMNS else COLUMNS
        used = across * width + (across - 1) * _BETWEEN
        left, lowest = (FULL_WIDTH_IN - used) / 2, y
        for k, stack in enumerate(row):
            at = y
            for box in stack:
                at = _hang(box, left + k * (width + _BETWEEN), at, width, parent, out)
            lowest = max(lowest, at)
        y = lowest + _GAP
    return y


def _draw(ax: Axes, p: _Placed) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    alarm = STATUS["found"]
    face = PAPER if p.box.vacant else tint(alarm.line, 0.86) if p.box.marked else "#f3f5f8"
    edge = alarm.line if p.box.marked else INK_FAINT if p.box.vacant else LINE
    style = "round,pad=0,rounding_size=0.05"
    if p.box.double:
        ax.add_patch(
            FancyBboxPatch(
                (p.x + 0.05, p.y + 0.05), p.width, _HEIGHT, boxstyle=style, facecolor=PAPER, edgecolor=edge, lw=0.8
            )
        )
    ax.add_patch(
        FancyBboxPatch(
            (p.x, p.y),
            p.width,
            _HEIGHT,
            boxstyle=style,
            facecolor=face,
            edgecolor=edge,
            lw=1.3 if p.box.marked else 0.9,
            linestyle=(0, (3, 2)) if p.box.vacant else "-",
            zorder=3,
        )
    )
    letters = int(p.width * 14)
    badge = len(p.box.badge) + 1 if p.box.badge else 0
    ax.text(
        p.x + 0.07,
        p.y + 0.115,
        shorten(p.box.name, max(6, letters - badge)),
        fontsize=8.2,
        fontweight="bold",
        color=INK,
        va="center",
        zorder=5,
    )
    ax.text(
        p.x + 0.07, p.y + 0.25, shorten(p.box.line, letters + 7), fontsize=7.2, color=INK_SOFT, va="center", zorder=5
    )
    if p.box.badge:
        ax.text(
            p.x + p.width - 0.07,
            p.y + 0.115,
            p.box.badge,
            fontsize=7.6,
            color=alarm.ink if p.box.marked else INK_SOFT,
            ha="right",
            va="center",
            zorder=5,
        )
    if p.box.part is not None:
        left, top, long = p.x + 0.07, p.y + _HEIGHT - 0.05, p.width - 0.14
        ax.add_patch(Rectangle((left, top), long, 0.03, facecolor=RULE, lw=0, zorder=4))
        ax.add_patch(
            Rectangle((left, top), long * min(1.0, p.box.part), 0.03, facecolor=STATUS["found"].line, lw=0, zorder=5)
        )


def fits_a_page(tops: Sequence[Box]) -> bool:
    """Tell whether a tree is no higher than a page shared with others leaves room for."""
    return _place(tops)[1] <= PAGE_IN


def tree_chart(tops: Sequence[Box], caption: Caption, accent: str = ACCENT) -> Chart | None:
    """Draw organisations under their first persons; None where there is nobody."""
    if not tops:
        return None
    placed, height = _place(tops)
    with chart_style(accent):
        fig, ax = figure("full", height)
        ax.set_axis_off()
        ax.set_xlim(-_BETWEEN / 2 - 0.02, FULL_WIDTH_IN + 0.05)
        ax.set_ylim(height, -0.03)
        for p in placed:
            if p.parent is not None:
                _line(ax, placed[p.parent], p)
        for p in placed:
            _draw(ax, p)
        return finish(fig, caption)


def _line(ax: Axes, above: _Placed, below: _Placed) -> None:
    """Join a box to its head: down and across for columns, along the left side for what hangs below."""
    if below.x > above.x and below.x - above.x <= _INDENT + 1e-9:
        x, y = above.x + _INDENT / 2, below.y + _HEIGHT / 2
        ax.plot([x, x, below.x], [above.y + _HEIGHT, y, y], color=LINE, lw=0.9, zorder=1)
        return
    start, end = above.x + above.width / 2, below.x + below.width / 2
    first = above.y + _HEIGHT + 1.5 * _GAP
    xs, ys = [start, start], [above.y + _HEIGHT, first]
    if below.y - first > 2 * _GAP:  # further down: through the gutter, so that no line runs behind another's boxes
        gutter = below.x - _BETWEEN / 2
        if not below.box.below:  # one of a stack: from the side, as what hangs below a head
            middle = below.y + _HEIGHT / 2
            ax.plot([*xs, gutter, gutter, below.x], [*ys, first, middle, middle], color=LINE, lw=0.9, zorder=1)
            return
        last = below.y - _GAP
        xs, ys = [*xs, gutter, gutter, end], [*ys, first, last, last]
    else:
        xs, ys = [*xs, end], [*ys, first]
    ax.plot([*xs, end], [*ys, below.y], color=LINE, lw=0.9, zorder=1)


def grouped(boxes: Sequence[tuple[str, Box]], most: int, name: str) -> tuple[Box, ...]:
    """Fold boxes of one kind into one where a head has more than ``most`` of them; ``name`` takes their number."""
    kinds: dict[str, list[Box]] = {}
    for kind, box in boxes:
        kinds.setdefault(kind, []).append(box)
    out: list[Box] = []
    for kind, same in kinds.items():
        leaves = [b for b in same if not b.below]
        if len(leaves) <= most:
            out += same
            continue
        parts = [b.part for b in leaves if b.part is not None]
        out += [b for b in same if b.below]
        out.append(
            replace(
                leaves[0],
                name=name.format(n=len(leaves)),
                line=kind,
                part=sum(parts) / len(parts) if parts else None,
                marked=any(b.marked for b in leaves),
                vacant=all(b.vacant for b in leaves),
                double=False,
            )
        )
    return tuple(out)
