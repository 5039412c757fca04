"""Pictures of key clients: the list of every manager against the limit, and what is missing on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audit.findings.finding import Status
from audit.method import Threshold
from audit.model.result import ChapterResult, Metric
from audit.present.chart import Band, Benchmark, Caption, Chart
from audit.present.charts.draw import bars
from audit.present.format import Fmt

__all__ = ["MOST_LEADS", "faults_chart", "leads_chart"]

MOST_LEADS = 20


def leads_chart(
    result: ChapterResult, fmt: Fmt, caption: Caption, names: Mapping[str, str], band: Threshold, mark: Benchmark
) -> Chart | None:
    """Draw the number of key clients of every selling lead with the limit; None without any."""
    rows = result.tables["leads"]
    rows = rows[rows["sells"].astype(bool)].head(MOST_LEADS)
    if rows.empty:
        return None
    assert band.watch is not None and band.found is not None
    return bars(
        caption,
        [names.get(str(p), str(p)) for p in rows["lead"]],
        [float(v) for v in rows["counted"]],
        fmt=fmt,
        unit="count",
        band=Band(band.watch, band.found),
        mark=mark,
    )


def faults_chart(
    fmt: Fmt, caption: Caption, labels: Sequence[str], metrics: Sequence[Metric], status: Sequence[Status]
) -> Chart | None:
    """Draw the share of key clients with each fault, coloured by verdict; None where nothing is answered."""
    if all(m.value is None for m in metrics):
        return None
    return bars(
        caption,
        labels,
        [m.value for m in metrics],
        fmt=fmt,
        low=[m.low for m in metrics],
        high=[m.high for m in metrics],
        n=[m.n if m.value is not None else None for m in metrics],
        status=status,
        limit=1.0,
    )
