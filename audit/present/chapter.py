"""A chapter as the notebooks see it: figures, verdicts, and sections that display themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.errors import Lang, ParameterError, Text, did_you_mean
from audit.findings.finding import STATUSES, Finding
from audit.method import method
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric
from audit.present.annex import Sheet
from audit.present.blocks import Col, Columns, FindingView, Section, finding_card, scorecard, table, unassessed
from audit.present.chart import Caption, Chart
from audit.present.format import Fmt
from audit.present.narrative import Narrative
from audit.present.views import finding_view, metric_name

__all__ = ["ChapterView", "named"]


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """Write a client's code where it has no name, in a list with ``client_key`` and ``client_name``."""
    if frame.empty or "client_name" not in frame:
        return frame
    name = frame["client_name"].astype(object)
    return frame.assign(client_name=name.where(name.notna() & name.ne(""), frame["client_key"]))


@dataclass(frozen=True)
class ChapterView:
    """One diagnosed and judged chapter, ready to be shown."""

    case: Case
    result: ChapterResult
    findings: tuple[Finding, ...]
    pages: Callable[[], Any]
    """Loads the room's ``sections`` when one is first shown: a verdict alone needs no drawing."""

    @property
    def lang(self) -> Lang:
        """Language of the report."""
        return self.case.settings.report.lang

    @cached_property
    def fmt(self) -> Fmt:
        """Formats of numbers, dates and money."""
        return Fmt(self.lang, self.case.currency)

    @cached_property
    def narrative(self) -> Narrative:
        """The sentences of the report."""
        return Narrative(self.lang, self.fmt, {"company": self.case.company_name, "window": self.case.window})

    @property
    def name(self) -> str:
        """Chapter id."""
        return self.result.chapter

    def finding(self, id: str) -> Finding:
        """Return one finding by its id, with or without the chapter's name."""
        full = id if "." in id else f"{self.name}.{id}"
        return next(f for f in self.findings if f.id == full)

    @cached_property
    def _module(self) -> Any:
        return self.pages()

    @property
    def _parts(self) -> Mapping[str, Callable[[ChapterView], Section]]:
        parts: Mapping[str, Callable[[ChapterView], Section]] = self._module.SECTIONS
        return parts

    @cached_property
    def _shown(self) -> dict[str, Section]:
        return {}

    @property
    def sections(self) -> list[str]:
        """Names of the chapter's sections in reading order."""
        return list(self._parts)

    def section(self, name: str) -> Section:
        """Return one section; in a notebook it shows itself and becomes part of the report."""
        if name not in self._parts:
            hint = did_you_mean(name, self._parts)
            raise ParameterError(
                Text(f"В главе нет раздела «{name}»: {hint.ru}", f"The chapter has no section “{name}”: {hint.en}")
            )
        if name not in self._shown:
            self._shown[name] = self._parts[name](self)
        return self._shown[name]

    def headline(self) -> Section:
        """Return the chapter's verdicts: cards of what is found and watched, a table of what is clear, the rest by
        reason."""
        by: dict[str, list[FindingView]] = {status: [] for status in STATUSES}
        for view in self.views:
            by[view.finding.status].append(view)
        parts: list[object] = [finding_card(v, self.fmt) for v in (*by["found"], *by["watch"])]
        if by["clear"]:
            parts.append(scorecard([("", by["clear"])], self.fmt))
        if silent := [*by["unclear"], *by["not_assessed"]]:
            parts.append(unassessed(silent, self.fmt))
        title = "Выводы главы" if self.lang == "ru" else "Findings of this chapter"
        return Section(f"{self.name}-findings", title, parts)

    @cached_property
    def views(self) -> list[FindingView]:
        """The chapter's findings with their words, in the order of the catalogue."""
        out = []
        for f in self.findings:
            title, text = self.narrative.finding(f, self.result)
            sheet = self.sheet_name(f.table) if f.table else ""
            out.append(finding_view(f, title, text, self.result.metrics, self.case.thresholds, self.fmt, sheet=sheet))
        return out

    def show(self, *names: str) -> None:
        """Display several sections, one after the other."""
        from IPython.display import display

        for name in names:
            display(self.section(name))  # type: ignore[no-untyped-call]

    def beside(self, name: str, own: pd.DataFrame, title: str = "") -> Section:
        """Return figures of your own definition below the kit's figure, written as the report writes it.

        ``own``: one row for each figure under its label (the index); columns ``value`` and, where there are such, ``low``,
        ``high``, ``n`` and ``horizon_days``. Verdicts, money and findings.json stay the kit's; the lead says so.
        """
        kit = self.metric(name)
        known = {"value": kit.value, "low": kit.low, "high": kit.high, "n": kit.n, **kit.extra}
        first = pd.DataFrame([known], index=[metric_name(kit.id, kit.extra.get("horizon_days"), self.lang)])
        keys = ("value", "low", "high", "n", "horizon_days")
        frame = pd.concat([part.reindex(columns=keys).astype(object) for part in (first, own)]).rename_axis("figure")
        frame = frame.reset_index().assign(
            interval=[
                self.fmt.between(low, high, kit.unit) for low, high in zip(frame["low"], frame["high"], strict=True)
            ]
        )
        columns = [
            Col("figure", self.label("Показатель", "Figure")),
            Col("horizon_days", self.label("Срок, дней", "Horizon, days"), "count"),
            Col("value", self.label("Значение", "Value"), "num", show=lambda v: self.fmt.value(v, kit.unit)),
            Col("interval", self.label("Интервал 95 %", "95% interval")),
            Col("n", self.label("Наблюдений", "Observations"), "count"),
        ]
        if frame["horizon_days"].isna().all():
            del columns[1]
        lead = self.label(
            "Первая строка — расчёт отчёта, ниже — то же по другому определению. Выводы и деньги отчёта посчитаны по первой "
            "строке.",
            "The first row is the report's figure, the others follow another definition. Verdicts and money in the report "
            "rest on the first row.",
        )
        title = title or self.label("Другое определение", "Another definition")
        listed = table(frame, columns, fmt=self.fmt, sortable=False)
        return Section(self._anchor(f"beside_{name}"), title, [listed], lead=lead)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """The chapter's figures as a frame: id, name, value, low, high, n, unit, benchmark, grade, reason."""
        rows = []
        for m in self.result.metrics.values():
            rows.append(
                {
                    "metric": m.id,
                    "name": method().metrics[m.id].name.get(self.lang),
                    "value": m.value,
                    "low": m.low,
                    "high": m.high,
                    "n": m.n,
                    "unit": m.unit,
                    "benchmark": m.benchmark,
                    "grade": m.grade,
                    "reason": None if m.reason is None else m.reason.get(self.lang),
                }
            )
        return pd.DataFrame(rows)

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The chapter's tables by name."""
        return self.result.tables

    def charts(self) -> list[Chart]:
        """Return the charts of the sections shown so far, for slides."""
        parts = (p for s in self._shown.values() for p in s.parts)
        flat = (q for p in parts for q in (p.parts if isinstance(p, Columns) else (p,)))
        return [p for p in flat if isinstance(p, Chart)]

    def sheets(self) -> list[Sheet]:
        """Return the chapter's annex sheets."""
        return list(self._module.sheets(self))

    # --- what a chapter's sections are written with

    def say(self, section: str, part: str, /, **values: Any) -> Markup:
        """Return a part (``title``, ``lead``, ``note`` …) of a section's words; empty where there is none."""
        return self.narrative.section(self.name, section, part, self.result, **values)

    def plain(self, section: str, part: str, /, **values: Any) -> str:
        """Return a part of a section's words as plain text, for titles, charts and cells."""
        return str(self.say(section, part, **values).unescape())

    def label(self, ru: str, en: str) -> str:
        """Return the one of two wordings that the report's language needs."""
        return Text(ru, en).get(self.lang)

    def metric(self, name: str) -> Metric:
        """Return a figure of the chapter by the part of its id after the dot."""
        return self.result.metrics[f"{self.name}.{name}"]

    def caption(
        self,
        section: str,
        id: str = "",
        /,
        *,
        title: str | None = None,
        note: str | None = None,
        subtitle: str = "",
        **values: Any,
    ) -> Caption:
        """Return what stands around a section's chart: its ``chart`` and ``chart_note``, or the words given.

        ``id`` tells a second chart of the section from the first.
        """
        return Caption(
            self._anchor(id or section),
            self.plain(section, "chart", **values) if title is None else title,
            note=self.plain(section, "chart_note", **values) if note is None else note,
            subtitle=subtitle,
        )

    def compose(self, name: str, parts: Sequence[object], /, *, lead: Markup | None = None, **values: Any) -> Section:
        """Build a section from its words and parts; parts that are None or empty are left out."""
        return Section(
            self._anchor(name),
            self.plain(name, "title"),
            [p for p in parts if p is not None and p != ""],
            lead=self.say(name, "lead", **values) if lead is None else lead,
        )

    def empty(self, name: str) -> Section:
        """Return the section that has nothing to show here."""
        return Section(self._anchor(name), "", [])

    def sheet_name(self, key: str) -> str:
        """Return the annex sheet's own name of one of the chapter's tables."""
        names: Mapping[str, Text] = self._module.SHEET_NAMES
        return names[key].get(self.lang)

    def sheet(self, key: str, title: str, frame: pd.DataFrame, columns: Sequence[Col]) -> Sheet:
        """Build an annex sheet under the name of the chapter's table."""
        return Sheet(self.sheet_name(key), title, frame, columns)

    def _anchor(self, name: str) -> str:
        return f"{self.name}-{name.replace('_', '-')}"
