"""A whole run: prepare, execute the notebooks, write everything aside, move it into place when whole."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audit.errors import ParameterError, Text
from audit.model.case import open_prepared
from audit.run.clock import Clock, Event, Watcher
from audit.run.execute import Execution
from audit.run.executing import Executing
from audit.run.inputs import Inputs, override
from audit.run.lab import OwnNotebook, own_notebooks
from audit.run.leftovers import MAKING, PARTIAL, claimed, private_folder, sweep, sweep_private
from audit.run.notebooks import built_chapters
from audit.run.prepare import prepare
from audit.run.workers import Workers

__all__ = ["RunResult", "choose_chapters", "run_audit"]


@dataclass(frozen=True)
class RunResult:
    """A finished run: where it lies, what failed in it, how long each step took."""

    folder: Path
    findings: Mapping[str, Any]
    failed: tuple[Execution, ...]
    timings: Mapping[str, float]
    pdf_engine: str | None
    notes: tuple[Text, ...] = ()


def choose_chapters(names: Sequence[str] | None) -> list[str]:
    """Return the chapters to run, in the order of the report; an unknown one is an error."""
    built = built_chapters()
    if not names:
        return built
    for name in names:
        if name not in built:
            from audit.errors import did_you_mean

            hint = did_you_mean(name, built)
            raise ParameterError(
                Text(f"Главы «{name}» нет: {hint.ru}", f"There is no chapter “{name}”: {hint.en}"), where="--chapter"
            )
    return [c for c in built if c in names or c == "data"]


def _sweep(folder: Path, prefix: str, watch: Watcher) -> None:
    """Remove what killed runs left behind, and say so."""
    for name in sweep(folder, prefix):
        watch(Event("sweep", "note", detail=name))


def _is_ours(folder: Path) -> bool:
    return (folder / "manifest.json").is_file() and (folder / "findings.json").is_file()


def _target(inputs: Inputs, out: Path | None) -> tuple[Path, Path]:
    """Return the run's final folder and the folder in which it is made beside it."""
    if out is not None:
        final = out.resolve()  # a link keeps its target: the run is made where it leads
        if final.exists() and not final.is_dir():
            raise ParameterError(Text(f"{final} — файл, а не папка", f"{final} is a file, not a folder"), where="--out")
        if final.is_dir() and any(final.iterdir()) and not _is_ours(final):
            raise ParameterError(
                Text(
                    f"Папка {final} не пуста, и в ней не отчёт km-audit",
                    f"The folder {final} is not empty and holds no km-audit run",
                ),
                where="--out",
                todo=Text("Укажите новую или пустую папку", "Give a new or empty folder"),
            )
        final.parent.mkdir(parents=True, exist_ok=True)
        if claimed(final.parent, final.name):
            raise ParameterError(
                Text(f"В папку {final} уже пишет другой запуск", f"Another run is being written to {final}"),
                where="--out",
                todo=Text("Дождитесь его конца или укажите другую папку", "Wait for its end or give another folder"),
            )
        return final, final.parent / f"{PARTIAL}{final.name}-{os.getpid()}"
    assert inputs.folder is not None, "an engagement folder or --out is needed"
    runs = inputs.folder.absolute() / "runs"
    runs.mkdir(exist_ok=True)
    final = _free(runs / dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ"))
    return final, runs / f"{PARTIAL}{final.name}-{os.getpid()}"


def _free(wanted: Path) -> Path:
    """Return the name of a run that no other has or is being made under: the wanted one, else numbered on."""
    final, n = wanted, 1
    while final.exists() or claimed(final.parent, final.name):
        n += 1
        final = wanted.with_name(f"{wanted.name}-{n}")
    return final


def _add_run(stage: Path, final: Path) -> Path:
    """Put a run beside the others of its engagement and return where it lies; no other run is ever replaced."""
    wanted = final
    while True:
        try:
            return stage.rename(final)
        except OSError:
            if not final.exists():
                raise
            final = _free(wanted)  # made in the same second as another


def _replace_run(stage: Path, final: Path) -> None:
    """Put a run into ``--out``, in the place of the one that was there."""
    if final.exists():
        old = final.with_name(f"{PARTIAL}old-{final.name}-{os.getpid()}")
        os.replace(final, old)
        try:
            os.replace(stage, final)
        except OSError:
            os.replace(old, final)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(stage, final)


def _point_latest(final: Path) -> None:
    """Let ``runs/latest`` lead to the newest run: a symlink, or a text file where links need rights (Windows)."""
    link = final.parent / "latest"
    aside = final.parent / f"{PARTIAL}latest-{os.getpid()}"
    try:
        aside.unlink(missing_ok=True)
        aside.symlink_to(final.name, target_is_directory=True)
        os.replace(aside, link)
    except OSError:
        aside.unlink(missing_ok=True)
        (final.parent / "latest.txt").write_text(final.name + "\n", encoding="utf-8")


def run_audit(
    inputs: Inputs,
    out: Path | None = None,
    *,
    chapters: Sequence[str] | None = None,
    jobs: int = 2,
    deck: bool = False,
    full: bool = False,
    key: bool = False,
    benchmarks: Path | None = None,
    watch: Watcher | None = None,
    workers: Workers | None = None,
) -> RunResult:
    """Run the audit and return the finished run; raises `AuditError` where the input cannot be used.

    A chapter that fails is named in the result, the others are finished and rendered. Notebooks that the analyst has
    edited in the engagement's own ``notebooks`` folder are executed instead of the kit's, and named. ``deck`` adds
    deck.pptx, ``full`` report-full.pdf, ``key`` key.csv. ``benchmarks``: anonymous figures of other audits to stand among.
    ``workers`` may have been started earlier; they are closed at the end.
    """
    watch = watch or (lambda _: None)
    wanted = choose_chapters(chapters)
    others = []
    if benchmarks is not None:
        from audit.run.peers import read_peers

        others = read_peers(benchmarks)  # one that cannot be read is told before the work
    # the day of the report is one day, however long a run takes, and stands in the manifest with the other settings
    inputs = replace(inputs, settings=override(inputs.settings, {"report": {"date": inputs.settings.report.day}}))
    final, stage = _target(inputs, out)
    own = own_notebooks(inputs.folder)
    _sweep(stage.parent, PARTIAL, watch)
    for name in sweep_private():
        watch(Event("sweep", "note", detail=name))
    clock = Clock(watch)
    stage.mkdir(parents=True)
    workers = workers or Workers.start(jobs)  # import while the data are read
    private: Path | None = None
    try:
        if inputs.folder is not None:
            cache = inputs.folder.absolute() / ".km-audit" / "prepared"
            _sweep(cache, MAKING, watch)
        else:
            private = private_folder()
            cache = private
        with clock.step("intake"):
            rejects = None if out is None else final.with_name(f"{final.name}-rejected_rows.csv")
            prepared = prepare(inputs, cache, rejects=rejects)
        executing = Executing(inputs, prepared, stage, jobs=jobs, clock=clock, workers=workers, own=own)
        with executing as notebooks:
            if own or workers is None:  # threads import Jupyter, and would meet modules that we have half made
                import audit.run.make  # noqa: F401
            notebooks.begin(wanted)
            from audit.run.make import make  # what pages need is loaded while the notebooks execute

            case = open_prepared(prepared, inputs.settings)
            try:
                made = make(
                    inputs,
                    case,
                    stage,
                    final,
                    notebooks,
                    own=own,
                    kept=private is None,
                    deck=deck,
                    full=full,
                    key=key,
                    others=others,
                )
            finally:
                case.close()
        if out is not None:
            _replace_run(stage, final)
        else:
            final = _add_run(stage, final)
            _point_latest(final)
            _keep_newest(cache, prepared)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    finally:
        if workers is not None:
            workers.close()
        if private is not None:
            shutil.rmtree(private, ignore_errors=True)
    failed = tuple(replace(f, path=final / "notebooks" / f.path.name) for f in made.failed)
    notes = (*_own_notes(own), *made.rendered.notes)
    return RunResult(final, made.findings, failed, clock.timings, made.rendered.pdf_engine, notes)


def _own_notes(own: Mapping[str, OwnNotebook]) -> tuple[Text, ...]:
    """Say which notebooks were the analyst's own, and which of them are made from an older kit."""
    if not own:
        return ()
    names = ", ".join(n.name for n in own.values())
    notes = [
        Text(
            f"Выполнены ноутбуки аналитика из папки notebooks: {names}",
            f"The analyst's own notebooks in the folder notebooks were executed: {names}",
        )
    ]
    old = ", ".join(n.name for n in own.values() if n.outdated)
    if old:
        notes.append(Text(f"Из них сделаны из прежней версии комплекта: {old}", f"Made from an older kit: {old}"))
    return tuple(notes)


def _keep_newest(cache: Path, current: Path, keep: int = 3) -> None:
    """Keep the prepared folders of the last few inputs; older ones go, they can be made again."""
    folders = [p for p in cache.iterdir() if p.is_dir() and p != current]
    for old in sorted(folders, key=lambda p: p.stat().st_mtime, reverse=True)[keep - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
