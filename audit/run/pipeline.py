"""A whole run: prepare, execute the notebooks, write everything aside, move it into place when whole."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from audit.errors import ParameterError, Text, current_language, set_language
from audit.intake.databases import is_elsewhere, redacted
from audit.model.case import Case, open_prepared
from audit.present.chart import pictures_later
from audit.present.context import read_context
from audit.resources import resource_dir
from audit.run.effects import saved_findings
from audit.run.execute import Execution, execute_notebook
from audit.run.findings_json import assemble, dump
from audit.run.inputs import Inputs, override
from audit.run.key import KEY, write_key
from audit.run.lab import OwnNotebook, own_notebooks, settle_parameters
from audit.run.leftovers import MAKING, PARTIAL, claimed, private_folder, sweep, sweep_private
from audit.run.notebook_api import NOTEBOOKS, built_chapters
from audit.run.peers import peers_of, read_peers
from audit.run.prepare import file_digest, prepare
from audit.run.public import public_settings
from audit.run.rendering import render_run
from audit.run.versions import versions
from audit.run.workers import Lost, Workers

__all__ = ["Event", "RunResult", "choose_chapters", "run_audit"]


@dataclass(frozen=True, slots=True)
class Event:
    """What the run is doing, for the progress display."""

    step: str
    state: Literal["start", "done", "failed", "note"]
    seconds: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class RunResult:
    """A finished run: where it lies, what failed in it, how long each step took."""

    folder: Path
    findings: Mapping[str, Any]
    failed: tuple[Execution, ...]
    timings: Mapping[str, float]
    pdf_engine: str | None
    notes: tuple[Text, ...] = ()


Watcher = Callable[[Event], None]


@dataclass
class _Clock:
    watch: Watcher
    timings: dict[str, float] = field(default_factory=dict)

    def step(self, name: str) -> _Step:
        return _Step(self, name)


@dataclass
class _Step:
    clock: _Clock
    name: str
    started: float = 0.0

    def __enter__(self) -> _Step:
        self.started = time.perf_counter()
        self.clock.watch(Event(self.name, "start"))
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        seconds = time.perf_counter() - self.started
        self.clock.timings[self.name] = round(seconds, 3)
        self.clock.watch(Event(self.name, "failed" if kind else "done", seconds))


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
    others = [] if benchmarks is None else read_peers(benchmarks)
    # the day of the report is one day, however long a run takes, and stands in the manifest with the other settings
    inputs = replace(inputs, settings=override(inputs.settings, {"report": {"date": inputs.settings.report.day}}))
    final, stage = _target(inputs, out)
    own = own_notebooks(inputs.folder)
    _sweep(stage.parent, PARTIAL, watch)
    for name in sweep_private():
        watch(Event("sweep", "note", detail=name))
    clock = _Clock(watch)
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
        case = open_prepared(prepared, inputs.settings)
        try:
            failed = _execute(inputs, prepared, stage, wanted, jobs, clock, workers, own)
            findings = _collect(case, stage, failed)
            dump(findings, stage / "findings.json")
            _copy_rejects(prepared, stage)
            rendered = render_run(
                stage,
                case=case,
                findings=findings,
                failed=failed,
                clock=clock,
                full=full,
                peers=peers_of(findings, others, inputs.folder),
            )
            if key:
                write_key(case, stage / KEY)
            if deck:
                from audit.present.deck import write_deck  # python-pptx, where slides are wanted

                with clock.step("deck"):
                    write_deck(read_context(stage), findings, stage / "charts", stage / "deck.pptx")
            _settle_notebooks(inputs, stage, final, None if private is not None else prepared)
            _manifest(inputs, case, stage, clock.timings, failed, rendered.pdf_engine, own)
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
    moved = tuple(Execution(f.chapter, final / "notebooks" / f.path.name, f.seconds, f.error, f.cell) for f in failed)
    return RunResult(final, findings, moved, clock.timings, rendered.pdf_engine, (*_own_notes(own), *rendered.notes))


def _execute(
    inputs: Inputs,
    prepared: Path,
    stage: Path,
    wanted: Sequence[str],
    jobs: int,
    clock: _Clock,
    workers: Workers | None,
    own: Mapping[str, OwnNotebook],
) -> list[Execution]:
    (stage / "notebooks").mkdir()
    pictures_later(stage / "charts")
    settings = stage / "settings.json"
    dump(public_settings(inputs.settings), settings)
    lang = inputs.settings.report.lang
    parameters = {"prepared": str(prepared), "settings": str(settings), "lang": lang, "out": str(stage)}
    source = resource_dir("notebooks")

    def one(chapter: str) -> Execution:
        name = f"{NOTEBOOKS[chapter]}.ipynb"
        clock.watch(Event(chapter, "start"))
        done = _one(chapter, source / name, own.get(chapter), stage / "notebooks" / name, parameters, workers)
        clock.timings[chapter] = round(done.seconds, 3)
        clock.watch(Event(chapter, "failed" if done.error else "done", done.seconds, str(done.error or "")))
        return done

    if own or workers is None:
        import papermill  # noqa: F401 - here, once: threads that import side by side may meet half-made modules

    failed = []
    with clock.step("notebooks"):
        # the language of messages is a variable of the context; the rest of the context holds an event loop, which
        # threads must not share
        with ThreadPoolExecutor(max(1, jobs), initializer=set_language, initargs=(current_language(),)) as pool:
            try:
                for future in as_completed([pool.submit(one, c) for c in sorted(wanted, key=_longest_first)]):
                    done = future.result()
                    if done.error is not None:
                        failed.append(done)
            except BaseException:
                if workers is not None:
                    workers.close()  # nobody waits for the chapters that are still running
                pool.shutdown(cancel_futures=True)
                raise
        dump({f.chapter: {"ru": f.error.ru, "en": f.error.en} for f in failed if f.error}, stage / "failed.json")
        summary = one("summary")
        if summary.error is not None:
            failed.append(summary)
    if workers is not None:
        workers.close()
    return failed


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
        settle_parameters(notebook, values)


def _collect(case: Case, stage: Path, failed: Sequence[Execution]) -> dict[str, Any]:
    saved = sorted((stage / "chapters").glob("*.json"))
    broken = {f.chapter: f.error for f in failed if f.error is not None}
    chapters = [json.loads(p.read_text(encoding="utf-8")) for p in saved]
    return assemble(case, chapters, broken, saved_findings(stage, case.settings.report.lang))


def _copy_rejects(prepared: Path, stage: Path) -> None:
    shutil.copyfile(prepared / "rejected_rows.csv", stage / "rejected_rows.csv")


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


def _keep_newest(cache: Path, current: Path, keep: int = 3) -> None:
    """Keep the prepared folders of the last few inputs; older ones go, they can be made again."""
    folders = [p for p in cache.iterdir() if p.is_dir() and p != current]
    for old in sorted(folders, key=lambda p: p.stat().st_mtime, reverse=True)[keep - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
