"""Prepare the data once: read the files, collapse the lines, and keep the result under the hash of its content."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from audit.engine import open_engine
from audit.errors import AuditError, InputError, NothingUsableError, Text
from audit.intake import cluster
from audit.intake.addresses import is_cluster
from audit.intake.orders import read_orders
from audit.intake.questionnaire import read_questionnaire
from audit.model.case import collapse
from audit.model.questionnaire_json import questionnaire_to_json
from audit.run.inputs import Inputs
from audit.run.kept import as_read, leave_cluster, prepared_key, source_files, whole
from audit.run.leftovers import MAKING

__all__ = ["Progress", "leave_rejects", "prepare"]

Progress = Callable[[str], None]

_State = list[tuple[str, int | str, int]]


def _state(inputs: Inputs) -> _State:
    """Return size and time of change of every file behind the inputs, and the snapshots of what a cluster reads."""
    answers = [str(a) for a in (inputs.questionnaire, inputs.collected) if a is not None]
    files = source_files([*inputs.orders, *answers])
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


def prepare(inputs: Inputs, cache: Path, progress: Progress | None = None, *, rejects: Path | None = None) -> Path:
    """Return the prepared folder of these inputs, made now or found in ``cache`` under the hash of their content.

    The folder is made aside and renamed when whole, so that a killed run leaves nothing half-made under its name.
    Where not one row can be used, the list of the rows set aside goes to ``rejects`` (by default
    ``rejected_rows.csv`` of the engagement folder) and the error names it.
    """
    try:
        return _prepare(as_read(inputs), cache, progress or (lambda _: None), rejects)
    finally:
        leave_cluster(inputs)  # one application reads everything, and ends with the reading


def _prepare(inputs: Inputs, cache: Path, say: Progress, rejects: Path | None) -> Path:
    before = _state(inputs)
    target = cache / prepared_key(inputs)
    if whole(target):
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
            if not whole(target):
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
