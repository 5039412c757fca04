"""From a run folder to its documents: report.json, report.html, report.pdf, annex.xlsx, charts."""

from __future__ import annotations

import base64
import json
import mimetypes
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from audit.errors import ParameterError, PreparedError, Text, set_language
from audit.method import method
from audit.model.case import Case
from audit.present.annex import write_annex
from audit.present.context import (
    ActionEntry,
    ChapterEntry,
    PageOne,
    PeerEntry,
    PlanEntry,
    ReportContext,
    definitions_of,
    read_context,
    thresholds_of,
)
from audit.present.html import unshown
from audit.present.page_one import decision, numbers, schedule, sure_line
from audit.present.pdf import PdfResult, write_pdf
from audit.present.proof import growth
from audit.present.report import build_report
from audit.present.short import SHORT_PAGES
from audit.present.summary import SummaryView
from audit.present.titles import chapter_title
from audit.present.views import lower_first, metric_name
from audit.present.words import word
from audit.resources import nbformat
from audit.run.execute import Execution
from audit.run.leftovers import RENDERING, sweep
from audit.run.notebooks import NOTEBOOKS, built_chapters
from audit.run.sheets import read_sheets
from audit.run.versions import main_versions

__all__ = ["Rendered", "render_again", "render_run", "report_context", "write_lists"]


@dataclass(frozen=True)
class Rendered:
    """What rendering made: the engine of the PDF (None without one) and words to the user."""

    pdf_engine: str | None
    notes: tuple[Text, ...] = ()


class _Clock(Protocol):
    def step(self, name: str) -> AbstractContextManager[Any]: ...


def _step(clock: _Clock | None, name: str) -> AbstractContextManager[Any]:
    return clock.step(name) if clock is not None else nullcontext()


def _logo(case: Case) -> str | None:
    """Return the logo as a data address: a PNG, JPEG or SVG named in the settings."""
    name = case.settings.report.logo
    if name is None:
        return None
    path = Path(name)
    kind = mimetypes.guess_type(path.name)[0]
    if not path.is_file() or kind not in ("image/png", "image/jpeg", "image/svg+xml"):
        raise ParameterError(
            Text(f"Логотип не читается: {name}", f"The logo cannot be read: {name}"),
            where="audit.toml, [report] logo",
            todo=Text("Укажите файл PNG, JPEG или SVG", "Name a PNG, JPEG or SVG file"),
        )
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def report_context(
    case: Case, findings: Mapping[str, Any], failed: Sequence[Execution], stage: Path, peers: tuple[PeerEntry, ...] = ()
) -> ReportContext:
    """Gather what the frame of the document needs; the chapters' own content stays in the notebooks."""
    report = case.settings.report
    lang = report.lang
    broken = {f.chapter: f for f in failed}
    summary = SummaryView(case, findings)
    chapters = []
    for chapter in ("summary", *built_chapters()):
        notebook = f"{NOTEBOOKS[chapter]}.ipynb"
        if not (stage / "notebooks" / notebook).exists():
            continue
        error = broken.get(chapter)
        chapters.append(
            ChapterEntry(
                id=chapter,
                title=chapter_title(chapter, lang),
                notebook=notebook,
                status="failed" if error is not None else "done",
                error=error.error.get(lang) if error is not None and error.error is not None else "",
            )
        )
    # The data page supports the verdicts: it stands behind the chapters that speak of the business.
    chapters.sort(key=lambda c: c.id == "data")
    metrics = {
        id: {**raw, "name": metric_name(id, raw.get("horizon_days"), lang)} for id, raw in findings["metrics"].items()
    }
    sale = findings["sale_type"]
    sale_name = method().sale_types[sale["used"]].name.get(lang)
    if sale["declared"] is None:
        sale_name = word("sale_type_by_orders", lang, name=lower_first(sale_name))
    decided = decision(summary)
    return ReportContext(
        lang=lang,
        company=case.company_name if case.company_name != "—" else word("no_company", lang),
        currency=case.currency,
        period={k: findings["period"][k] for k in ("start", "end", "as_of")},
        sale_type={**sale, "name": sale_name},
        data={k: v for k, v in findings["data"].items() if isinstance(v, int | float)},
        data_notes=tuple(n.get(lang) for n in case.intake.notes),
        verdict=(str(summary.verdict().unescape()),),
        chapters=tuple(chapters),
        findings=tuple(findings["findings"]),
        metrics=metrics,
        thresholds=tuple(thresholds_of(case.thresholds, lang)),
        definitions=tuple(definitions_of(findings["metrics"], lang)),
        actions=tuple(
            ActionEntry(
                text=str(a.text),
                owner=a.owner,
                horizon_days=a.horizon_days,
                first_step=str(a.first_step),
                proof=a.proof,
                effort=a.effort,
            )
            for a in summary.first_steps()
        ),
        page_one=PageOne(
            numbers=tuple(numbers(summary)), decision=decided[0], items=tuple(decided[1]), sure=sure_line(summary)
        ),
        plan=tuple(
            PlanEntry(
                number=p.number,
                text=str(summary.plan_views()[p.id].text),
                owner=p.owner,
                until=p.until.isoformat(),
                after=p.after,
            )
            for p in schedule(summary)
        ),
        peers=peers,
        growth=tuple((r["where"], r["much"], r["what"]) for r in growth(summary)),
        consultant=report.consultant,
        logo=_logo(case),
        accent=report.accent,
        confidentiality=report.confidentiality,
        dated=summary.day.isoformat(),
        versions=main_versions(),
    )


def render_run(
    stage: Path,
    *,
    case: Case,
    findings: Mapping[str, Any],
    failed: Sequence[Execution],
    clock: _Clock | None = None,
    full: bool = False,
    peers: tuple[PeerEntry, ...] = (),
) -> Rendered:
    """Write report.json, report.html and report.pdf of a run being made in ``stage``, from its executed notebooks.

    ``full``: also report-full.pdf, the whole record on paper.
    """
    context = report_context(case, findings, failed, stage, peers)
    (stage / "report.json").write_text(context.as_json(), encoding="utf-8", newline="\n")
    result = _documents(stage, clock, full)
    return Rendered(result.engine, (result.note,) if result.note is not None else ())


def write_lists(stage: Path, *, case: Case, findings: Mapping[str, Any]) -> None:
    """Write annex.xlsx of a run being made in ``stage``, from what its chapters put aside."""
    write_annex(stage / "annex.xlsx", read_sheets(stage, findings, case), case.settings.report.lang)


def _documents(folder: Path, clock: _Clock | None = None, full: bool = False) -> PdfResult:
    """Write report.html and report.pdf, and the whole record on paper where it is asked for."""
    with _step(clock, "html"):
        documents = build_report(folder)
        (folder / "report.html").write_text(documents.html, encoding="utf-8", newline="\n")
    with _step(clock, "pdf"):
        result = write_pdf(documents.paper, folder / "report.pdf")
        if result.pages > SHORT_PAGES and documents.shorter is not None:
            result = write_pdf(documents.shorter, folder / "report.pdf")
        if full and documents.full is not None:
            whole = write_pdf(documents.full, folder / FULL)
            result = result if result.note is not None else replace(result, note=whole.note)
    return result


FULL = "report-full.pdf"
"""The whole record on paper."""


def render_again(run: Path) -> Rendered:
    """Render a finished run again from its notebooks, edited or not; the old report stays till it is whole."""
    if not run.is_dir() or not (run / "report.json").is_file():
        raise PreparedError(
            Text(f"{run} — не папка готового аудита", f"{run} is not the folder of a finished run"),
            todo=Text("Укажите папку с report.json", "Name the folder that holds report.json"),
        )
    set_language(read_context(run).lang)
    sweep(run, RENDERING)
    with tempfile.TemporaryDirectory(prefix=f"{RENDERING}{os.getpid()}-", dir=run) as aside:
        part = Path(aside)
        for name in ("report.json",):
            shutil.copyfile(run / name, part / name)
        shutil.copytree(run / "notebooks", part / "notebooks")
        full = (run / FULL).exists()
        result = _documents(part, full=full)
        for name in ("report.html", "report.pdf", *((FULL,) if full else ())):
            if (part / name).exists():
                os.replace(part / name, run / name)
            else:
                (run / name).unlink(missing_ok=True)
    notes = (*_left_out(run), *((result.note,) if result.note is not None else ()))
    manifest = run / "manifest.json"
    if manifest.is_file():
        told = json.loads(manifest.read_text(encoding="utf-8"))
        told["pdf_engine"] = result.engine
        manifest.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8", newline="\n")
    return Rendered(result.engine, notes)


def _left_out(run: Path) -> list[Text]:
    """Say what stands in a run's notebooks and not in its report: cells that never ran, outputs no page can show."""
    named = {c.notebook for c in read_context(run).chapters}
    out = [
        Text(
            f"В отчёт не входит: {p.name} — не глава этого аудита",
            f"Not in the report: {p.name} is no chapter of this audit",
        )
        for p in sorted((run / "notebooks").glob("*.ipynb"))
        if p.name not in named
    ]
    for name in sorted(named):
        path = run / "notebooks" / name
        if not path.is_file():
            out.append(
                Text(f"Ноутбука {name} нет: его главы в отчёте нет", f"{name} is missing: its chapter is not shown")
            )
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without ids: an old editor, no fault of the report
            try:
                nb = nbformat().read(path, as_version=4)
            except (ValueError, KeyError, AttributeError, OSError):
                out.append(Text(f"{name} не читается", f"{name} cannot be read"))
                continue
        for missing in unshown(nb):
            out.append(Text(f"{name}, {missing.ru}", f"{name}, {missing.en}"))
    return out
