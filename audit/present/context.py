"""What the frame of a report needs besides the notebooks: ``report.json``, its entries, the glossary, findings read back."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audit.errors import Lang, PreparedError, Text
from audit.findings.finding import Effect, Finding
from audit.method import Thresholds, method
from audit.model.result import Metric
from audit.present.blocks import ActionView, FindingView
from audit.present.chart import Band
from audit.present.format import NBSP, Fmt, slug
from audit.present.style import ACCENT, STATUS
from audit.present.words import source_text
from audit.resources import resource_dir

__all__ = [
    "ActionEntry",
    "ChapterEntry",
    "DefinitionEntry",
    "PageOne",
    "PeerEntry",
    "PlanEntry",
    "ReportContext",
    "Term",
    "ThresholdEntry",
    "bands_of",
    "definitions_of",
    "glossary",
    "limits_of",
    "read_context",
    "threshold_words",
    "thresholds_of",
    "view_of",
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChapterEntry(_Part):
    """One chapter of the report and the notebook it comes from."""

    id: str
    title: str
    notebook: str
    """File name in the run's ``notebooks`` folder."""
    status: Literal["done", "failed", "skipped"] = "done"
    error: str = ""
    """Why it failed or was skipped, in the report's language."""
    appendix: bool = False


class ThresholdEntry(_Part):
    """A threshold in force."""

    id: str
    name: str
    unit: str
    source: str
    reason: str = ""
    watch: float | None = None
    found: float | None = None
    bad: Literal["high", "low"] | None = None
    value: float | None = None
    low: float | None = None
    base: float | None = None
    high: float | None = None
    overridden: bool = False


class DefinitionEntry(_Part):
    """What a metric means and how it is computed."""

    id: str
    name: str
    definition: str
    formula: str = ""
    unit: str = ""
    source: str = ""
    benchmark: str = ""


class ActionEntry(_Part):
    """A step of the plan, in words."""

    text: str
    owner: str = ""
    horizon_days: int | None = None
    first_step: str = ""
    proof: str = ""
    effort: Literal["low", "medium", "high"] | None = None

    def view(self) -> ActionView:
        """Return the step as the blocks show it."""
        return ActionView(self.text, self.owner, self.horizon_days, self.first_step, self.proof, self.effort)


class PageOne(_Part):
    """What page one says, for the slide that says the same."""

    numbers: tuple[tuple[str, str, str], ...] = ()
    decision: str = ""
    items: tuple[str, ...] = ()
    sure: str = ""


class PlanEntry(_Part):
    """A row of the plan: number, action, who answers, last day, numbers of those it waits for."""

    number: int
    text: str
    owner: str
    until: str
    after: tuple[int, ...] = ()


class PeerEntry(_Part):
    """Where a figure stands among other audited companies: quartiles, and how many of ``n`` are worse."""

    id: str
    value: float
    unit: str
    low: float
    median: float
    high: float
    better_than: int
    n: int


class ReportContext(_Part):
    """What the frame of the document needs besides the notebooks; see the module's docstring."""

    schema_: Literal["km-report/1"] = Field(default="km-report/1", alias="schema")
    lang: Lang = "ru"
    company: str
    title: str = ""
    currency: str = "RUB"
    period: dict[str, str | None] = Field(default_factory=dict)
    sale_type: dict[str, str | None] = Field(default_factory=dict)
    data: dict[str, float | None] = Field(default_factory=dict)
    data_notes: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    chapters: tuple[ChapterEntry, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    metrics: dict[str, dict[str, Any]] = Field(default_factory=dict)
    thresholds: tuple[ThresholdEntry, ...] = ()
    definitions: tuple[DefinitionEntry, ...] = ()
    actions: tuple[ActionEntry, ...] = ()
    page_one: PageOne | None = None
    plan: tuple[PlanEntry, ...] = ()
    growth: tuple[tuple[str, str, str], ...] = ()
    """Where to grow: where, how much, what to do."""
    peers: tuple[PeerEntry, ...] = ()
    """The figures among other audited companies of the same type of sale, where the consultant keeps enough of them."""
    consultant: str | None = None
    logo: str | None = None
    accent: str = Field(default=ACCENT, pattern=r"^#[0-9a-fA-F]{6}$")
    confidentiality: str | None = None
    dated: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def as_json(self) -> str:
        """Return the context as the text of ``report.json``."""
        plain = self.model_dump(mode="json", by_alias=True)
        return json.dumps(plain, ensure_ascii=False, indent=1) + "\n"


def read_context(run_dir: Path) -> ReportContext:
    """Read a run's ``report.json``; raise `PreparedError` when it is missing or damaged."""
    path = run_dir / "report.json"
    todo = Text("Запустите аудит заново: km-audit run", "Run the audit again: km-audit run")
    try:
        return ReportContext.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise PreparedError(
            Text("В папке запуска нет report.json", "The run folder has no report.json"), where=str(path), todo=todo
        ) from e
    except ValidationError as e:
        raise PreparedError(
            Text(f"report.json повреждён: {e.errors()[0]['msg']}", f"report.json is damaged: {e.errors()[0]['msg']}"),
            where=str(path),
            todo=todo,
        ) from e


# --- entries from the method


def definitions_of(ids: Iterable[str], lang: Lang) -> list[DefinitionEntry]:
    """Describe metrics of the catalogue in one language, in the order given."""
    out = []
    for id in ids:
        spec = method().metrics[id]
        mark = method().benchmarks[spec.benchmark].name.get(lang) if spec.benchmark else ""
        out.append(
            DefinitionEntry(
                id=id,
                name=spec.name.get(lang),
                definition=spec.definition.get(lang),
                formula=spec.formula,
                unit=spec.unit,
                source=source_text(spec.source, lang),
                benchmark=mark,
            )
        )
    return out


def thresholds_of(thresholds: Thresholds, lang: Lang, ids: Iterable[str] | None = None) -> list[ThresholdEntry]:
    """Describe the thresholds in force in one language; ``ids`` chooses some."""
    out = []
    for id in thresholds if ids is None else ids:
        t = thresholds[id]
        out.append(
            ThresholdEntry(
                id=id,
                name=method().describe(id, lang),
                unit=t.unit,
                source=source_text(t.source, lang),
                reason=t.reason.name.get(lang),
                watch=t.watch,
                found=t.found,
                bad=t.bad,
                value=t.value,
                low=t.low,
                base=t.base,
                high=t.high,
                overridden=id in thresholds.overridden,
            )
        )
    return out


# --- glossary


@dataclass(frozen=True)
class Term:
    """A word of the glossary, the forms in which text uses it, its meaning."""

    term: str
    meaning: str
    forms: tuple[str, ...]
    hover: bool = True

    @property
    def anchor(self) -> str:
        """The id of its entry in the report's glossary."""
        return f"term-{slug(self.term)}"


@lru_cache(maxsize=2)
def glossary(lang: Lang) -> tuple[Term, ...]:
    """Read the glossary of a language."""
    path = resource_dir("templates") / "narrative" / "glossary.toml"
    raw = tomllib.loads(path.read_text(encoding="utf-8"))["terms"]
    return tuple(
        Term(term, t["meaning"][lang], tuple(t.get("forms", {}).get(lang, [term])), t.get("hover", True))
        for t in raw
        if (term := t["term"].get(lang))
    )


# --- findings back from JSON


def _metric(id: str, raw: Mapping[str, Any]) -> Metric:
    reason = raw.get("reason")
    return Metric(
        id=id,
        value=raw.get("value"),
        unit=raw.get("unit", "ratio"),
        bad=raw.get("bad"),
        low=raw.get("low"),
        high=raw.get("high"),
        n=raw.get("n"),
        benchmark=raw.get("benchmark"),
        benchmark_source=raw.get("benchmark_source"),
        grade=raw.get("grade"),
        reason=Text(str(reason), str(reason)) if reason else None,
    )


def view_of(raw: Mapping[str, Any], ctx: ReportContext, bands: Mapping[str, Band]) -> FindingView:
    """Return a finding of ``findings.json`` with its words, its leading figure and its limits."""
    effect = raw.get("effect")
    reason = raw.get("reason")
    finding = Finding(
        id=raw["id"],
        status=raw["status"],
        severity=raw.get("severity", "none"),
        reason=Text(str(reason), str(reason)) if reason else None,
        metrics=tuple(raw.get("metrics", ())),
        effect=Effect(
            effect["low"],
            effect["base"],
            effect["high"],
            effect.get("basis", "revenue"),
            Text(str(effect.get("formula", "")), str(effect.get("formula", ""))),
        )
        if effect
        else None,
        grade=raw.get("grade"),
    )
    main = next((m for m in finding.metrics if m in ctx.metrics), None)
    return FindingView(
        finding=finding,
        title=str(raw.get("title", finding.id)),
        text=str(raw.get("text", "")),
        metric=_metric(main, ctx.metrics[main]) if main else None,
        metric_name=str(ctx.metrics[main].get("name", "")) if main else "",
        band=bands.get(finding.id),
        sheet=raw.get("table", ""),
    )


def bands_of(ctx: ReportContext) -> dict[str, Band]:
    """Return the limits of each finding's verdict."""
    return {
        t.id: Band(t.watch, t.found, t.bad)
        for t in ctx.thresholds
        if t.watch is not None and t.found is not None and t.bad is not None
    }


def limits_of(t: ThresholdEntry, fmt: Fmt) -> str:
    """Write the limits of a threshold: watch and found, or a value, or least, taken, most."""

    def limit(value: float | None) -> str:
        return "" if value is None else fmt.value(value, t.unit)

    if t.value is not None:
        return limit(t.value)
    if t.base is not None:
        return " / ".join(limit(v) for v in (t.low, t.base, t.high))
    sign = ("≥" if t.bad == "high" else "<") + NBSP
    if t.watch == t.found:
        return f"{STATUS['found'].shape} {sign}{limit(t.found)}"
    return f"{STATUS['watch'].shape} {sign}{limit(t.watch)}   {STATUS['found'].shape} {sign}{limit(t.found)}"


def threshold_words(t: ThresholdEntry, fmt: Fmt) -> str:
    """Name a threshold and its limits in a line; a parameter has no name of its own: what it is for names it."""
    name = t.name if t.name != t.id else t.reason[:1].upper() + t.reason[1:] or t.id
    return f"{name}: {limits_of(t, fmt)}"
