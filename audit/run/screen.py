"""``findings.json`` alone, without notebooks or a report: the chapters side by side in two processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from audit.errors import current_language, set_language
from audit.run.inputs import Inputs
from audit.run.kept import answer_digest, dump, find_prepared
from audit.run.leftovers import private_folder
from audit.run.workers import Lost, Workers
from audit.settings import Settings

__all__ = ["write_out", "write_screen"]

_TOGETHER = ("retention", "base", "selfcheck", "service")
"""Chapters for one process, the others are for the second: half of the work, and what is asked twice stays together."""


def write_screen(inputs: Inputs, out: Path | None) -> dict[str, Any]:
    """Compute ``findings.json`` through the chapter code that the notebooks call; write it to ``out``, if named.

    In an engagement folder the answer is kept beside the prepared data, under the settings and the very code that gave it: a
    second one comes at once.
    """
    cache = None if inputs.folder is None else inputs.folder.absolute() / ".km-audit" / "prepared"
    findings = None if cache is None else _kept(inputs, cache)
    if findings is None:
        findings = _computed(inputs, cache)
    if out is not None:
        write_out(findings, out / "findings.json" if out.is_dir() else out)
    return findings


def _computed(inputs: Inputs, cache: Path | None) -> dict[str, Any]:
    workers = Workers.start(2, pages=False)  # they import while the data are read
    try:
        from audit.run.cases import cache_folder  # a second answer needs none of this
        from audit.run.prepare import prepare

        prepared = prepare(inputs, cache or cache_folder())
        findings = _in_two(prepared, inputs.settings, workers)
    finally:
        if workers is not None:
            workers.close()
    if cache is not None:
        with contextlib.suppress(OSError):  # a full disk is no reason to withhold the answer
            write_out(findings, _place(prepared, inputs.settings))
    return findings


def _kept(inputs: Inputs, cache: Path) -> dict[str, Any] | None:
    prepared = find_prepared(inputs, cache)
    if prepared is None:
        return None
    try:
        told: dict[str, Any] = json.loads(_place(prepared, inputs.settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told


def _place(prepared: Path, settings: Settings) -> Path:
    """Return where the answer under these settings is kept: its name changes with them, and with any file of the kit."""
    return prepared / f"screen-{answer_digest(settings)}.json"


def _in_two(prepared: Path, settings: Settings, workers: Workers | None) -> dict[str, Any]:
    from audit.run.notebooks import built_chapters

    halves = [[c for c in built_chapters() if (c in _TOGETHER) == side] for side in (False, True)]
    folder = private_folder()
    try:
        with ThreadPoolExecutor(2, initializer=set_language, initargs=(current_language(),)) as pool:
            asked = [pool.submit(_diagnosed, half, prepared, settings, folder, workers) for half in halves]
            from audit.model.case import open_prepared  # while the chapters are diagnosed
            from audit.run.notebook_api import assemble_saved, save_verdicts

            case = open_prepared(prepared, settings)
            try:
                for half, there in zip(halves, asked, strict=True):
                    if not there.result():
                        save_verdicts(case, half, folder)
                return assemble_saved(case, folder)
            finally:
                case.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _diagnosed(
    chapters: Sequence[str], prepared: Path, settings: Settings, folder: Path, workers: Workers | None
) -> bool:
    """Have chapters diagnosed in another process, and say whether they are."""
    if workers is None:
        return False
    try:
        workers.diagnose(chapters, prepared, settings, folder)
    except Lost:
        return False
    return True


def write_out(findings: Mapping[str, Any], target: Path) -> None:
    """Write a file aside and move it into place; a pipe or a device is written into as it is."""
    if target.exists() and not target.is_file():
        dump(findings, target)
        return
    target = target.resolve()  # a link keeps leading where it leads
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        dump(findings, aside)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
