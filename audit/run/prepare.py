"""Prepare the data once: read the files, collapse the lines, and keep the result under the hash of its content."""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from audit.engine import open_engine
from audit.errors import AuditError, InputError, NothingUsableError, Text
from audit.intake import cluster
from audit.intake.databases import is_cluster, is_elsewhere
from audit.intake.orders import read_orders
from audit.intake.questionnaire import read_questionnaire
from audit.model.case import collapse
from audit.model.questionnaire_json import questionnaire_to_json
from audit.run.inputs import Inputs
from audit.run.leftovers import MAKING
from audit.run.versions import kit_version

__all__ = ["Progress", "content_digest", "file_digest", "find_prepared", "leave_rejects", "prepare"]

Progress = Callable[[str], None]

_LAYOUT = "4"
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


def _source_files(sources: Iterable[str]) -> list[Path]:
    """Return the files behind the sources that lie on this computer."""
    out: list[Path] = []
    for source in sources:
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
        known = cluster.state(source, inputs.settings) if is_cluster(source) else None
        digest.update(f"{source}/{known or uuid.uuid4().hex}".encode())
    for path in _source_files(s for s in inputs.orders if not is_elsewhere(s)):
        digest.update(os.fsencode(path.name))
        digest.update(bytes.fromhex(file_digest(path)))
    for answers in (inputs.questionnaire, inputs.collected):
        digest.update(bytes.fromhex(file_digest(answers)) if answers is not None else b"-")
    return digest.hexdigest()


def _key(inputs: Inputs) -> str:
    today = dt.date.today().isoformat()  # what is «in the future» changes from day to day
    return hashlib.sha256(f"{content_digest(inputs)}/{today}".encode()).hexdigest()[:32]


_State = list[tuple[str, int | str, int]]


def _state(inputs: Inputs) -> _State:
    """Return size and time of change of every file behind the inputs, and the snapshots of what a cluster reads."""
    files = _source_files(s for s in inputs.orders if not is_elsewhere(s))
    for answers in (inputs.questionnaire, inputs.collected):
        files += _source_files([str(answers)]) if answers is not None else []
    seen: _State = [
        (s, cluster.state(s, inputs.settings, now=True) or "", 0) for s in dict.fromkeys(inputs.orders) if is_cluster(s)
    ]
    try:
        return seen + [(str(p), s.st_size, s.st_mtime_ns) for p in files for s in [p.stat()]]
    except FileNotFoundError:
        return seen


def _unchanged(inputs: Inputs, before: _State) -> None:
    """Raise where a file changed while it was read: rows of two states must not meet in one audit."""
    now = _state(inputs)
    if now == before:
        return
    names = dict.fromkeys(Path(path).name for path, *_ in sorted(set(now) ^ set(before)))
    raise InputError(
        Text("Файлы изменились, пока их читали", "Files changed while they were read"),
        where=", ".join(names),
        todo=Text(
            "Дождитесь, пока выгрузка закончится, и запустите ещё раз", "Wait until the export has ended and run again"
        ),
    )


def find_prepared(inputs: Inputs, cache: Path) -> Path | None:
    """Return the prepared folder of these inputs, or None where they have to be read first."""
    if not cache.is_dir():
        return None
    target = cache / _key(_as_read(inputs))
    if not _whole(target):
        return None
    cluster.forget()
    return target


def _as_read(inputs: Inputs) -> Inputs:
    """Return the inputs with what the cluster is to read named as such."""
    return replace(inputs, orders=cluster.seen_by_cluster(inputs.orders, inputs.settings.inputs.engine))


def _whole(prepared: Path) -> bool:
    return (prepared / "clients.parquet").exists()


def prepare(inputs: Inputs, cache: Path, progress: Progress | None = None, *, rejects: Path | None = None) -> Path:
    """Return the prepared folder of these inputs, made now or found in ``cache`` under the hash of their content.

    The folder is made aside and renamed when whole, so that a killed run leaves nothing half-made under its name.
    Where not one row can be used, the list of the rows set aside goes to ``rejects`` (by default
    ``rejected_rows.csv`` of the engagement folder) and the error names it.
    """
    try:
        return _prepare(_as_read(inputs), cache, progress or (lambda _: None), rejects)
    finally:
        cluster.forget()  # one application reads everything, and ends with the reading


def _prepare(inputs: Inputs, cache: Path, say: Progress, rejects: Path | None) -> Path:
    before = _state(inputs)
    target = cache / _key(inputs)
    if _whole(target):
        say("cached")
        return target
    cache.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f"{MAKING}{os.getpid()}-", dir=cache))
    try:
        say("questionnaire")
        answers = inputs.questionnaire
        questionnaire = read_questionnaire(answers, inputs.collected) if answers is not None else None
        if questionnaire is not None:
            (stage / "questionnaire.json").write_text(
                json.dumps(questionnaire_to_json(questionnaire), ensure_ascii=False), encoding="utf-8"
            )
        say("orders")
        try:
            report = read_orders(inputs.orders, inputs.settings, questionnaire, stage)
        except AuditError:
            _unchanged(inputs, before)
            raise
        _unchanged(inputs, before)
        (stage / "intake.json").write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=1), encoding="utf-8")
        say("collapse")
        engine = open_engine()
        try:
            collapse(engine, stage)
        finally:
            engine.close()
        try:
            stage.rename(target)
        except OSError:  # another process was faster
            if not _whole(target):
                raise
            shutil.rmtree(stage, ignore_errors=True)
    except NothingUsableError as e:
        if rejects is None and inputs.folder is not None:
            rejects = inputs.folder / "rejected_rows.csv"
        if rejects is not None:
            leave_rejects(e.rejected, rejects)
            e.rejected = rejects
            assert e.todo is not None
            e.todo = Text(
                f"Откройте {rejects}: там каждая строка и почему она отложена. {e.todo.ru}",
                f"Open {rejects}: it lists every row and why it was set aside. {e.todo.en}",
            )
        shutil.rmtree(stage, ignore_errors=True)
        raise
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    return target


def leave_rejects(listed: Path, target: Path) -> None:
    """Copy the list of rows set aside to where the consultant finds it, written aside and moved into place."""
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(listed, aside)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
