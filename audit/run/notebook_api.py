"""What a notebook calls: check the parameters, open the chapter, save its results."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.chapters import diagnose_chapter
from audit.errors import AuditError, ParameterError, Text, did_you_mean
from audit.model.case import Case
from audit.present.chapter import ChapterView
from audit.present.summary import SummaryView
from audit.run.cases import open_case
from audit.run.effects import saved_findings, write_effects
from audit.run.findings_json import assemble, chapter_json
from audit.run.kept import dump
from audit.run.notebooks import NOTEBOOKS, built_chapters
from audit.run.sheets import write_sheets

__all__ = ["PARAMETERS", "Parameter", "check_parameters", "open_chapter", "open_summary", "save_chapter"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One notebook parameter: what it takes, and where it goes in the settings (section, key) or the chapter."""

    name: str
    kinds: tuple[type, ...]
    ru: str
    en: str
    setting: tuple[str, str] | None = None
    option: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


_COMMON = (
    Parameter("orders", (str, list, tuple), "файл, папка или список файлов заказов", "orders: file, folder or list"),
    Parameter("questionnaire", (str,), "анкета: XLSX или папка CSV", "questionnaire: XLSX or folder of CSVs"),
    Parameter("settings", (str, dict), "audit.toml", "audit.toml"),
    Parameter("lang", (str,), "язык отчёта", "language of the report", choices=("ru", "en")),
    Parameter("prepared", (str,), "подготовленная папка", "prepared folder"),
    Parameter("out", (str,), "папка для результатов", "folder for the results"),
    Parameter("as_of", (str,), "дата, на которую смотрим, ГГГГ-ММ-ДД", "as-of date, YYYY-MM-DD", ("period", "as_of")),
)
PARAMETERS: Mapping[str, tuple[Parameter, ...]] = {
    "summary": _COMMON,
    "data": _COMMON,
    "model": _COMMON,
    "roles": (
        *_COMMON,
        Parameter(
            "add_relief_fte",
            (int, float),
            "сколько ставок разгрузки добавить",
            "relief FTE to add",
            option=True,
            low=0,
            high=1000,
        ),
        Parameter("move_functions", (dict,), "какие функции кому передать", "functions to move to a role", option=True),
    ),
    "retention": (
        *_COMMON,
        Parameter(
            "burn_in_days",
            (int,),
            "начальный период, дней",
            "burn-in, days",
            ("period", "burn_in_days"),
            low=0,
            high=3650,
        ),
        Parameter(
            "horizon_days",
            (int,),
            "горизонт второй покупки, дней",
            "second-purchase horizon, days",
            ("period", "horizon_days"),
            low=1,
            high=3650,
        ),
    ),
}
"""The parameters of each chapter's notebook: our own schema, since papermill only warns."""

_IGNORED = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open", "audit", "display"})


def parameters_of(chapter: str) -> tuple[Parameter, ...]:
    """Return a chapter's parameters."""
    return PARAMETERS.get(chapter, _COMMON)


def check_parameters(chapter: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with values, or raise `ParameterError` for an unknown name, a wrong type or range."""
    known = {p.name: p for p in parameters_of(chapter)}
    where = f"notebooks/{NOTEBOOKS.get(chapter, chapter)}.ipynb"
    out: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise ParameterError(
                Text(f"Неизвестный параметр «{name}»", f"Unknown parameter “{name}”"),
                where=where,
                todo=Text(f"Исправьте имя: {hint.ru}", f"Correct the name: {hint.en}"),
            )
        if value is None:
            continue
        p = known[name]
        if isinstance(value, Path | dt.date):
            value = str(value)
        if not isinstance(value, p.kinds) or (isinstance(value, bool) and bool not in p.kinds):
            kinds = " / ".join(k.__name__ for k in p.kinds)
            raise ParameterError(
                Text(
                    f"Параметр {name} = {value!r}: нужен тип {kinds} ({p.ru})",
                    f"Parameter {name} = {value!r}: {kinds} is needed ({p.en})",
                ),
                where=where,
                todo=Text("Исправьте значение", "Correct the value"),
            )
        if p.choices and value not in p.choices:
            hint = did_you_mean(str(value), p.choices)
            raise ParameterError(
                Text(f"Параметр {name} = {value!r}: {hint.ru}", f"Parameter {name} = {value!r}: {hint.en}"), where=where
            )
        low, high = p.low, p.high
        if isinstance(value, int | float) and (
            (low is not None and value < low) or (high is not None and value > high)
        ):
            raise ParameterError(
                Text(
                    f"Параметр {name} = {value}: допустимо от {low:g} до {high:g}",
                    f"Parameter {name} = {value}: allowed from {low:g} to {high:g}",
                ),
                where=where,
            )
        out[name] = value
    return out


def _from_namespace(chapter: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Take the parameters from a notebook's globals; any other plain value was meant as one and is checked."""
    import types

    given = {}
    for name, value in namespace.items():
        if name.startswith("_") or name in _IGNORED:
            continue
        if isinstance(value, types.ModuleType | type) or callable(value):
            continue
        given[name] = value
    return check_parameters(chapter, given)


def _case(chapter: str, values: Mapping[str, Any]) -> tuple[Case, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    options: dict[str, Any] = {}
    for p in parameters_of(chapter):
        if p.name in values and p.setting is not None:
            changes.setdefault(p.setting[0], {})[p.setting[1]] = values[p.name]
        if p.name in values and p.option:
            options[p.name] = values[p.name]
    case = open_case(
        values.get("orders"),
        values.get("questionnaire"),
        values.get("settings"),
        lang=values.get("lang"),
        prepared=values.get("prepared"),
        changes=changes,
    )
    return case, options


def quiet_errors() -> None:
    """In a notebook, show an `AuditError` as its own lines instead of a traceback."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return

    def handler(self: Any, etype: type, value: BaseException, tb: Any, tb_offset: int | None = None) -> list[str]:
        lines = str(value).split("\n")
        self._showtraceback(etype, value, lines)
        return lines

    shell.set_custom_exc((AuditError,), handler)  # type: ignore[no-untyped-call]


def open_chapter(chapter: str, namespace: Mapping[str, Any] | None = None, **parameters: Any) -> ChapterView:
    """Open one chapter from a notebook's parameters: pass ``globals()``, or the parameters by name."""
    quiet_errors()
    values = _from_namespace(chapter, namespace) if namespace is not None else {}
    values |= check_parameters(chapter, parameters)
    case, options = _case(chapter, values)
    return diagnose_chapter(case, chapter, **options)


def compute_all(case: Case) -> dict[str, Any]:
    """Diagnose every chapter in this process and return the content of ``findings.json``."""
    views = [diagnose_chapter(case, c) for c in built_chapters()]
    return assemble(case, [chapter_json(v) for v in views], priced=[f for v in views for f in v.findings])


def save_verdicts(case: Case, chapters: Iterable[str], folder: Path) -> None:
    """Diagnose chapters and keep their figures and findings below ``folder``, as their notebooks would."""
    for chapter in chapters:
        _keep(diagnose_chapter(case, chapter), folder)


def _keep(view: ChapterView, folder: Path) -> None:
    (folder / "chapters").mkdir(parents=True, exist_ok=True)
    dump(chapter_json(view), folder / "chapters" / f"{view.name}.json")
    write_effects(folder, view.findings)


def assemble_saved(case: Case, folder: Path) -> dict[str, Any]:
    """Return the content of ``findings.json`` from the chapters kept below ``folder``, those that failed named."""
    failed = folder / "failed.json"
    broken = json.loads(failed.read_text(encoding="utf-8")) if failed.is_file() else {}
    return assemble(
        case,
        [json.loads(p.read_text(encoding="utf-8")) for p in sorted((folder / "chapters").glob("*.json"))],
        {chapter: Text(**text) for chapter, text in broken.items()},
        saved_findings(folder, case.settings.report.lang),
    )


def open_summary(namespace: Mapping[str, Any] | None = None, **parameters: Any) -> SummaryView:
    """Open the summary over the chapters saved in ``out``, or over all chapters computed here when run alone."""
    quiet_errors()
    values = _from_namespace("summary", namespace) if namespace is not None else {}
    values |= check_parameters("summary", parameters)
    case, _ = _case("summary", values)
    out = Path(values["out"]) if "out" in values else None
    if out is not None and any((out / "chapters").glob("*.json")):
        findings = assemble_saved(case, out)
    else:
        findings = compute_all(case)
    return SummaryView(case, findings)


def save_chapter(view: ChapterView, out: str | Path | None) -> None:
    """Write the chapter's figures, tables and charts below ``out``; does nothing when the notebook runs alone."""
    if out is None:
        return
    folder = Path(out)
    _keep(view, folder)
    write_sheets(folder, view.name, view.sheets())
    charts = folder / "charts"
    charts.mkdir(exist_ok=True)
    for chart in view.charts():
        chart.save(charts)  # in a run the pictures are drawn later, while the PDF is printed
