"""What an engagement keeps between runs, and under which key: prepared data and answers, each under a hash of all it hangs on.

Nothing here reads orders: what is kept is found before anything heavy is loaded.
"""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from audit.intake.addresses import is_cluster, is_elsewhere
from audit.resources import PACKAGE, resource_dir
from audit.run.inputs import Inputs
from audit.run.versions import kit_version
from audit.settings import Settings

__all__ = [
    "answer_digest",
    "as_read",
    "content_digest",
    "dump",
    "file_digest",
    "find_prepared",
    "leave_cluster",
    "prepared_key",
    "source_files",
    "whole",
]

_LAYOUT = "5"
"""Changes when the prepared folder's layout or the meaning of its columns does."""


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's names and bytes."""
    digest = hashlib.sha256()
    if path.is_dir():
        for inner in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(os.fsencode(inner.relative_to(path).as_posix()))
            digest.update(bytes.fromhex(file_digest(inner)))
        return digest.hexdigest()
    with path.open("rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def source_files(sources: Iterable[str]) -> list[Path]:
    """Return the files behind the sources that lie on this computer."""
    out: list[Path] = []
    for source in sources:
        if is_elsewhere(source):
            continue
        found = [Path(source)] if Path(source).exists() else sorted(map(Path, glob.glob(source, recursive=True)))
        for path in found:  # folders with all they hold, as intake reads them
            inside = sorted(path.rglob("*")) if path.is_dir() else [path]
            out += [p for p in inside if p.is_file() and not p.name.startswith((".", "~"))]
    return out


def content_digest(inputs: Inputs) -> str:
    """Return a hash of the inputs' content and of how it is read, the same on every day; a database has none."""
    digest = hashlib.sha256(f"{_LAYOUT}/{kit_version()}/{inputs.settings.inputs.engine}".encode())
    digest.update(inputs.settings.intake_digest().encode())
    for source in filter(is_elsewhere, inputs.orders):
        # the content has no hash here: a cluster's table is known by its snapshot, a database is read anew each time
        digest.update(f"{source}/{_snapshot(source, inputs.settings) or uuid.uuid4().hex}".encode())
    for path in source_files(inputs.orders):
        digest.update(os.fsencode(path.name))
        digest.update(bytes.fromhex(file_digest(path)))
    for answers in (inputs.questionnaire, inputs.collected):
        digest.update(bytes.fromhex(file_digest(answers)) if answers is not None else b"-")
    return digest.hexdigest()


def _snapshot(source: str, settings: Settings) -> str | None:
    if not is_cluster(source):
        return None
    from audit.intake import cluster

    return cluster.state(source, settings)


def as_read(inputs: Inputs) -> Inputs:
    """Return the inputs with what the cluster is to read named as such."""
    if inputs.settings.inputs.engine == "duckdb":
        return inputs
    from audit.intake import cluster

    return replace(inputs, orders=cluster.seen_by_cluster(inputs.orders, inputs.settings.inputs.engine))


def prepared_key(inputs: Inputs) -> str:
    """Return the name of the prepared folder of these inputs, today."""
    today = dt.date.today().isoformat()  # what is «in the future» changes from day to day
    return hashlib.sha256(f"{content_digest(inputs)}/{today}".encode()).hexdigest()[:32]


def find_prepared(inputs: Inputs, cache: Path) -> Path | None:
    """Return the prepared folder of these inputs, or None where they have to be read first."""
    if not cache.is_dir():
        return None
    target = cache / prepared_key(as_read(inputs))
    if not whole(target):
        return None
    leave_cluster(inputs)
    return target


def leave_cluster(inputs: Inputs) -> None:
    """End the application that looked at the sources, where a cluster reads them."""
    if any(map(is_cluster, inputs.orders)) or inputs.settings.inputs.engine != "duckdb":
        from audit.intake import cluster

        cluster.forget()


def whole(prepared: Path) -> bool:
    """Tell whether a prepared folder is there."""
    return (prepared / "clients.parquet").exists()


def answer_digest(settings: Settings) -> str:
    """Return a hash of what an answer depends on beside the data: the settings, and any file of the kit."""
    digest = hashlib.sha256(json.dumps(settings.as_json(), sort_keys=True).encode())
    for root in (PACKAGE, resource_dir("templates") / "narrative"):
        for path in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".toml", ".sql"}):
            told = path.stat()
            digest.update(f"{path.name} {told.st_size} {told.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def dump(value: Mapping[str, Any], path: Path) -> None:
    """Write JSON as every file of a run is written: UTF-8, LF, two blanks."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8", newline="\n")
