"""``findings.json`` alone, without notebooks or a report: the chapters side by side in two processes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from audit.errors import current_language, set_language
from audit.model.case import Case, open_prepared
from audit.resources import PACKAGE, resource_dir
from audit.run.cases import cache_folder
from audit.run.findings_json import dump
from audit.run.inputs import Inputs
from audit.run.leftovers import private_folder
from audit.run.notebook_api import assemble_saved, compute_all, save_verdicts
from audit.run.notebooks import built_chapters
from audit.run.prepare import find_prepared, prepare
from audit.run.workers import Lost, Workers
from audit.settings import Settings

__all__ = ["answer_digest", "write_out", "write_screen"]

ELSEWHERE = ("retention", "base", "selfcheck", "service")
"""Chapters for the second process: half of the work, and the two that the self-check asks stay beside it."""


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
    helper = Workers.start(1, pages=False)  # imports while the data are read
    try:
        prepared = prepare(inputs, cache or cache_folder())
        case = open_prepared(prepared, inputs.settings)
        try:
            findings = _in_two(case, prepared, helper) if helper is not None else compute_all(case)
        finally:
            case.close()
    finally:
        if helper is not None:
            helper.close()
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


def answer_digest(settings: Settings) -> str:
    """Return a hash of what an answer depends on beside the data: the settings, and any file of the kit."""
    digest = hashlib.sha256(json.dumps(settings.as_json(), sort_keys=True).encode())
    for root in (PACKAGE, resource_dir("templates") / "narrative"):
        for path in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".toml", ".sql"}):
            told = path.stat()
            digest.update(f"{path.name} {told.st_size} {told.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _in_two(case: Case, prepared: Path, helper: Workers) -> dict[str, Any]:
    folder = private_folder()
    try:
        with ThreadPoolExecutor(1, initializer=set_language, initargs=(current_language(),)) as pool:
            other = pool.submit(helper.diagnose, ELSEWHERE, prepared, case.settings, folder)
            save_verdicts(case, [c for c in built_chapters() if c not in ELSEWHERE], folder)
            try:
                other.result()
            except Lost:
                save_verdicts(case, ELSEWHERE, folder)
        return assemble_saved(case, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
