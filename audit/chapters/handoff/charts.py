"""Pictures of hand-offs: how many keep the rule, and how two groups of clients come back."""

from __future__ import annotations

from collections.abc import Mapping

from audit.findings.finding import Status
from audit.present.chart import Caption, Chart
from audit.present.charts.draw import bars
from audit.present.format import Fmt

__all__ = ["following_chart"]

OUTCOMES = ("kept", "late", "early", "open")


def following_chart(fmt: Fmt, caption: Caption, outcomes: Mapping[str, int], labels: Mapping[str, str]) -> Chart:
    """Draw clients that were due by what became of the hand-off; those that tell nothing are last and grey."""
    colours: dict[str, Status] = {"kept": "clear", "late": "found", "early": "watch", "open": "not_assessed"}
    return bars(
        caption,
        [labels[o] for o in OUTCOMES],
        [float(outcomes[o]) for o in OUTCOMES],
        fmt=fmt,
        unit="count",
        status=[colours[o] for o in OUTCOMES],
    )
