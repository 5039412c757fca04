"""From prepared data to all that a run leaves: notebooks executed, documents written beside each other.

Apart from `audit.run.pipeline`, which reads the data first: what pages need is loaded while notebooks execute.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.errors import current_language, set_language
from audit.intake.addresses import is_elsewhere
from audit.intake.databases import redacted
from audit.model.case import Case
from audit.present.chart import draw_pictures, pictures_later
from audit.present.context import read_context
from audit.resources import nbformat, resource_dir
from audit.run.clock import Clock, Event
from audit.run.effects import saved_findings
from audit.run.execute import Execution, execute_notebook
from audit.run.findings_json import assemble
from audit.run.inputs import Inputs
from audit.run.kept import dump, file_digest
from audit.run.key import KEY, write_key
from audit.run.lab import OwnNotebook, settle
from audit.run.notebooks import NOTEBOOKS
from audit.run.peers import peers_of
from audit.run.public import public_settings
from audit.run.rendering import Rendered, render_run, write_lists
from audit.run.versions import versions
from audit.run.workers import Lost, Workers

__all__ = ["Made", "make"]


@dataclass(frozen=True)
class Made:
    """What was made: the content of ``findings.json``, the notebooks that failed, the documents."""

    findings: Mapping[str, Any]
    failed: Sequence[Execution]
    rendered: Rendered


def make(
    inputs: Inputs,
    case: Case,
    stage: Path,
    final: Path,
    *,
    chapters: Sequence[str],
    jobs: int,
    clock: Clock,
    workers: Workers | None,
    own: Mapping[str, OwnNotebook],
    kept: bool,
    deck: bool,
    full: bool,
    key: bool,
    others: Sequence[Mapping[str, Any]],
) -> Made:
    """Make a whole run in ``stage``, to be moved to ``final``; ``kept``: the prepared data stay where they are."""
    shutil.copyfile(case.folder / "rejected_rows.csv", stage / "rejected_rows.csv")
    made = _side_by_side(inputs, case, stage, chapters, jobs, clock, workers, own, full, others)
    if key:
        write_key(case, stage / KEY)
    if deck:
        from audit.present.deck import write_deck  # python-pptx, where slides are wanted

        with clock.step("deck"):
            write_deck(read_context(stage), made.findings, stage / "charts", stage / "deck.pptx")
    _settle_notebooks(inputs, stage, final, case.folder if kept else None)
    _manifest(inputs, case, stage, clock.timings, made.failed, made.rendered.pdf_engine, own)
    return made


def _side_by_side(
    inputs: Inputs,
    case: Case,
    stage: Path,
    chapters: Sequence[str],
    jobs: int,
    clock: Clock,
    workers: Workers | None,
    own: Mapping[str, OwnNotebook],
    full: bool,
    others: Sequence[Mapping[str, Any]],
) -> Made:
    """Execute the notebooks and write the documents, beside each other where one does not need the other.

    Beside the summary's notebook and the pages the other process writes the annex and draws the charts' pictures.
    """
    (stage / "notebooks").mkdir()
    pictures_later(stage / "charts")
    settings = stage / "settings.json"
    dump(public_settings(inputs.settings), settings)
    lang = inputs.settings.report.lang
    parameters = {"prepared": str(case.folder), "settings": str(settings), "lang": lang, "out": str(stage)}
    source = resource_dir("notebooks")
    failed: list[Execution] = []

    def one(chapter: str) -> None:
        name = f"{NOTEBOOKS[chapter]}.ipynb"
        clock.watch(Event(chapter, "start"))
        done = _one(chapter, source / name, own.get(chapter), stage / "notebooks" / name, parameters, workers)
        clock.timings[chapter] = round(done.seconds, 3)
        clock.watch(Event(chapter, "failed" if done.error else "done", done.seconds, str(done.error or "")))
        if done.error is not None:
            failed.append(done)

    if own or workers is None:
        nbformat()
        import papermill  # noqa: F401 - here, once: threads that import side by side may meet half-made modules

    # the language of messages is a variable of the context; the rest of the context holds an event loop, which
    # threads must not share
    with ThreadPoolExecutor(max(1, jobs), initializer=set_language, initargs=(current_language(),)) as pool:
        try:
            with clock.step("notebooks"):
                for future in as_completed([pool.submit(one, c) for c in sorted(chapters, key=_longest_first)]):
                    future.result()
            dump({f.chapter: {"ru": f.error.ru, "en": f.error.en} for f in failed if f.error}, stage / "failed.json")
            findings = _collect(case, stage, failed)
            dump(findings, stage / "findings.json")
            summary = pool.submit(one, "summary")
            listed = pool.submit(_elsewhere, "annex", lambda w: w.write_lists(parameters), clock, workers)
            peers = peers_of(findings, others, inputs.folder)
            summary.result()
            drawn = pool.submit(_elsewhere, "pictures", lambda w: w.draw(stage / "charts"), clock, workers)
            rendered = render_run(
                stage, case=case, findings=findings, failed=failed, clock=clock, full=full, peers=peers
            )
            if not listed.result():
                with clock.step("annex"):
                    write_lists(stage, case=case, findings=findings)
            if not drawn.result():
                with clock.step("pictures"):
                    draw_pictures(stage / "charts")
            for aside in ("sheets", "effects"):  # what annex and summary are made of
                shutil.rmtree(stage / aside, ignore_errors=True)
        except BaseException:
            if workers is not None:
                workers.close()  # nobody waits for the chapters that are still running
            pool.shutdown(cancel_futures=True)
            raise
    if workers is not None:
        workers.close()
    return Made(findings, failed, rendered)


def _elsewhere(step: str, ask: Callable[[Workers], None], clock: Clock, workers: Workers | None) -> bool:
    """Have a step done in another process, and say whether it is."""
    if workers is None:
        return False
    with clock.step(step):
        try:
            ask(workers)
        except Lost:
            if workers.closed:
                raise
            return False
    return True


def _one(
    chapter: str,
    source: Path,
    own: OwnNotebook | None,
    target: Path,
    parameters: Mapping[str, Any],
    workers: Workers | None,
) -> Execution:
    """Execute one notebook: the analyst's own, or the kit's where there is none."""
    if own is not None or workers is None:
        return execute_notebook(chapter, source if own is None else own.path, target, parameters)
    try:
        return workers.execute(chapter, source, target, parameters)
    except Lost:
        if workers.closed:
            raise
        return execute_notebook(chapter, source, target, parameters)


def _longest_first(chapter: str) -> int:
    """Order chapters so that no long one is left running alone at the end."""
    longest = ("retention", "base", "roles", "service", "ownership")
    return longest.index(chapter) if chapter in longest else len(longest)


def _settle_notebooks(inputs: Inputs, stage: Path, final: Path, prepared: Path | None) -> None:
    """Point the executed notebooks at the finished run, so that the analyst can run them again where they lie.

    ``out`` is taken away: running a cell again must not change the figures of a finished run.
    """

    def relative(path: str | Path) -> str:
        """A path as seen from the notebooks: the folder can be moved, and says nothing of this computer."""
        try:
            return Path(os.path.relpath(path, final / "notebooks")).as_posix()
        except ValueError:  # another drive (Windows)
            return str(Path(path).absolute())

    values: dict[str, object] = {"settings": "../settings.json", "lang": inputs.settings.report.lang}
    if prepared is not None:
        values["prepared"] = relative(prepared)
    else:
        values["orders"] = [redacted(o) if is_elsewhere(o) else relative(o) for o in inputs.orders]
        if inputs.questionnaire is not None:
            values["questionnaire"] = relative(inputs.questionnaire)
    for notebook in sorted((stage / "notebooks").glob("*.ipynb")):
        settle(notebook, values, inputs.settings.report.lang)


def _collect(case: Case, stage: Path, failed: Sequence[Execution]) -> dict[str, Any]:
    saved = sorted((stage / "chapters").glob("*.json"))
    broken = {f.chapter: f.error for f in failed if f.error is not None}
    chapters = [json.loads(p.read_text(encoding="utf-8")) for p in saved]
    return assemble(case, chapters, broken, saved_findings(stage, case.settings.report.lang))


def _manifest(
    inputs: Inputs,
    case: Case,
    stage: Path,
    timings: Mapping[str, float],
    failed: Sequence[Execution],
    pdf_engine: str | None,
    own: Mapping[str, OwnNotebook],
) -> None:
    questionnaire = None
    if inputs.questionnaire is not None:
        questionnaire = {"name": inputs.questionnaire.name, "sha256": file_digest(inputs.questionnaire)}
        if inputs.collected is not None:
            questionnaire["collected"] = file_digest(inputs.collected)
    dump(
        {
            "schema": "km-audit-manifest/1",
            "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "inputs": {
                "orders": [{"name": f.name, "sha256": f.sha256, "bytes": f.size_bytes} for f in case.intake.files],
                "questionnaire": questionnaire,
            },
            "own_notebooks": {n.name: {"sha256": file_digest(n.path), "outdated": n.outdated} for n in own.values()},
            "versions": versions(),
            "settings": public_settings(inputs.settings),
            "thresholds_overridden": sorted(case.thresholds.overridden),
            "engine": case.engine.name,
            "pdf_engine": pdf_engine,
            "failed_chapters": sorted(f.chapter for f in failed),
            "timings_seconds": dict(timings),
        },
        stage / "manifest.json",
    )
