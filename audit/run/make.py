"""From the notebooks of a run to all that it leaves.

Apart from `audit.run.pipeline`, which reads the data and begins with the notebooks: what pages need is loaded meanwhile.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.intake.addresses import is_elsewhere
from audit.intake.databases import redacted
from audit.model.case import Case
from audit.present.chart import draw_pictures
from audit.present.context import read_context
from audit.run.effects import saved_findings
from audit.run.execute import Execution
from audit.run.executing import Executing
from audit.run.findings_json import assemble
from audit.run.inputs import Inputs
from audit.run.kept import dump, file_digest
from audit.run.key import KEY, write_key
from audit.run.lab import OwnNotebook, settle
from audit.run.peers import peers_of
from audit.run.public import public_settings
from audit.run.rendering import Rendered, render_run, write_lists
from audit.run.versions import versions

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
    notebooks: Executing,
    *,
    own: Mapping[str, OwnNotebook],
    kept: bool,
    deck: bool,
    full: bool,
    key: bool,
    others: Sequence[Mapping[str, Any]],
) -> Made:
    """Make a whole run in ``stage``, to be moved to ``final``; ``kept``: the prepared data stay where they are.

    Beside the summary's notebook and the pages the other process writes the annex and draws the charts' pictures.
    """
    clock, failed = notebooks.clock, notebooks.failed
    shutil.copyfile(case.folder / "rejected_rows.csv", stage / "rejected_rows.csv")
    notebooks.wait()
    findings = _collect(case, stage, failed)
    dump(findings, stage / "findings.json")
    summary = notebooks.submit("summary")
    listed = notebooks.elsewhere("annex", lambda w: w.write_lists(notebooks.parameters))
    peers = peers_of(findings, others, inputs.folder)
    summary.result()
    drawn = notebooks.elsewhere("pictures", lambda w: w.draw(stage / "charts"))
    rendered = render_run(stage, case=case, findings=findings, failed=failed, clock=clock, full=full, peers=peers)
    if not listed.result():
        with clock.step("annex"):
            write_lists(stage, case=case, findings=findings)
    if not drawn.result():
        with clock.step("pictures"):
            draw_pictures(stage / "charts")
    for aside in ("sheets", "effects"):  # what annex and summary are made of
        shutil.rmtree(stage / aside, ignore_errors=True)
    if key:
        write_key(case, stage / KEY)
    if deck:
        from audit.present.deck import write_deck  # python-pptx, where slides are wanted

        with clock.step("deck"):
            write_deck(read_context(stage), findings, stage / "charts", stage / "deck.pptx")
    _settle_notebooks(inputs, stage, final, case.folder if kept else None)
    _manifest(inputs, case, stage, clock.timings, failed, rendered.pdf_engine, own)
    return Made(findings, failed, rendered)


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
