"""Pictures: a base of generic charts in the report's style, and one module per chapter that names its own."""

from audit.present.charts.base import (
    Band,
    Benchmark,
    Caption,
    Chart,
    bars,
    flow,
    funnel,
    heat_map,
    stacked_bars,
    step_curve,
    time_series,
    waterfall,
)

__all__ = [
    "Band",
    "Benchmark",
    "Caption",
    "Chart",
    "bars",
    "flow",
    "funnel",
    "heat_map",
    "stacked_bars",
    "step_curve",
    "time_series",
    "waterfall",
]
