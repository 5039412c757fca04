"""Pictures of hand-offs: how many keep the rule, and how two groups of clients come back."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from audit.findings.finding import Status
from audit.present.charts.base import Caption, Chart, bars, step_curve
from audit.present.format import Fmt

__all__ = ["away_chart", "following_chart"]

OUTCOMES = ("kept", "late", "early", "open")


def following_chart(fmt: Fmt, caption: Caption, outcomes: Mapping[str, int], labels: Mapping[str, str]) -> Chart:
    """Draw clients that were due by what became of the hand-off; those that tell nothing are last and grey."""
    colours: dict[str, Status] = {"kept": "clear", "late": "found", "early": "watch", "open": "not_assessed"}
    return bars(
        caption, [labels[o] for o in OUTCOMES], [float(outcomes[o]) for o in OUTCOMES], fmt=fmt, unit="count",
        status=[colours[o] for o in OUTCOMES],
    )  # fmt: skip


def away_chart(
    curve: pd.DataFrame, fmt: Fmt, caption: Caption, *, treated: str, controls: str, x_label: str, gaps: float,
    value: float | None,
) -> Chart | None:  # fmt: skip
    """Draw the share not yet back by time since the purchase, treated clients and matched others; None without a curve."""
    if len(curve) < 2:
        return None
    return step_curve(
        caption, [float(g) for g in curve["gaps"]], [float(v) for v in curve["treated"]], fmt=fmt,
        naive=[float(v) for v in curve["controls"]], naive_label=controls,
        horizon=gaps if float(curve["gaps"].max()) >= gaps else None,
        horizon_label=f"{treated}: {fmt.share(value)}" if value is not None else treated, x_label=x_label,
        x_max=float(curve["gaps"].max()) * 1.02,
    )  # fmt: skip
