"""The chapter «Смешение ролей» as sections of the report."""

from __future__ import annotations

from collections.abc import Callable

from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView
from audit.present.charts import roles as charts

__all__ = ["SECTIONS"]


def _said(view: ChapterView, name: str, part: str) -> str:
    return view.narrative.section("roles", name, part, view.result)


def _flow(view: ChapterView) -> Section:
    return Section(
        "roles-flow", _said(view, "flow", "title"),
        [charts.flow_chart(view.result, view.fmt, note=str(_said(view, "flow", "note")))], lead=_said(view, "flow", "lead"),
    )  # fmt: skip


def _km_load(view: ChapterView) -> Section:
    chart = charts.km_load_chart(view.result, view.fmt, view.case.thresholds["roles.km_overload"])
    return Section("roles-km-load", _said(view, "km_load", "title"), [chart], lead=_said(view, "km_load", "lead"))


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {"flow": _flow, "km_load": _km_load}
