"""The picture of the self-check: how many answers hold."""

from __future__ import annotations

from collections.abc import Mapping

from audit.present.chart import Caption, Chart
from audit.present.charts.draw import stacked_bars
from audit.present.format import Fmt
from audit.present.style import STATUS

__all__ = ["answers_chart"]

STATES = ("contradicts", "agrees", "unchecked", "no_answer")


def answers_chart(fmt: Fmt, caption: Caption, counts: Mapping[str, int], labels: Mapping[str, str], row: str) -> Chart:
    """Draw the eight answers as one bar: disagree, agree, cannot be checked, not answered."""
    colours = {
        "contradicts": STATUS["found"].line,
        "agrees": STATUS["clear"].line,
        "unchecked": "#c3cad2",
        "no_answer": "#e6e9ed",
    }
    shown = [s for s in STATES if counts.get(s, 0) > 0]
    return stacked_bars(
        caption,
        [row],
        {labels[s]: [float(counts[s])] for s in shown},
        fmt=fmt,
        unit="count",
        colors=[colours[s] for s in shown],
    )
