"""The notebooks of a run, executed side by side, and what else is given to the processes that execute them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from audit.errors import current_language, set_language
from audit.present.later import pictures_later
from audit.resources import nbformat, resource_dir
from audit.run.clock import Clock, Event
from audit.run.execute import Execution, execute_notebook
from audit.run.inputs import Inputs
from audit.run.kept import dump
from audit.run.lab import OwnNotebook
from audit.run.notebooks import NOTEBOOKS
from audit.run.public import public_settings
from audit.run.workers import Lost, Workers

__all__ = ["Executing"]


class Executing:
    """Executes notebooks into ``stage``, at most ``jobs`` at once, until the block ends; ``failed``: those that broke.

    Where the block ends by an error nobody waits for what is still running.
    """

    def __init__(
        self,
        inputs: Inputs,
        prepared: Path,
        stage: Path,
        *,
        jobs: int,
        clock: Clock,
        workers: Workers | None,
        own: Mapping[str, OwnNotebook],
    ) -> None:
        self.failed: list[Execution] = []
        self.clock, self.workers = clock, workers
        self._stage, self._own = stage, own
        (stage / "notebooks").mkdir()
        pictures_later(stage / "charts")
        settings, lang = stage / "settings.json", inputs.settings.report.lang
        dump(public_settings(inputs.settings), settings)
        self.parameters = {"prepared": str(prepared), "settings": str(settings), "lang": lang, "out": str(stage)}
        self._chapters: list[Future[None]] = []
        if own or workers is None:
            nbformat()
            import papermill  # noqa: F401 - here, once: threads that import side by side may meet half-made modules
        # the language of messages is a variable of the context; the rest of the context holds an event loop, which
        # threads must not share
        self._pool = ThreadPoolExecutor(max(1, jobs), initializer=set_language, initargs=(current_language(),))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self.workers is not None:
            self.workers.close()
        self._pool.shutdown(cancel_futures=error is not None)
        if self.workers is not None:
            self.workers.close()

    def begin(self, chapters: Sequence[str]) -> None:
        """Begin with the chapters, the longest first."""
        self._chapters = [self.submit(c) for c in sorted(chapters, key=_longest_first)]

    def wait(self) -> None:
        """Wait for the chapters, and write which of them failed beside what they have made."""
        with self.clock.step("notebooks"):
            for future in as_completed(self._chapters):
                future.result()
        broken = {f.chapter: {"ru": f.error.ru, "en": f.error.en} for f in self.failed if f.error}
        dump(broken, self._stage / "failed.json")

    def submit(self, chapter: str) -> Future[None]:
        """Give one notebook to the next who is free."""
        return self._pool.submit(self._execute, chapter)

    def _execute(self, chapter: str) -> None:
        name = f"{NOTEBOOKS[chapter]}.ipynb"
        self.clock.watch(Event(chapter, "start"))
        source, target = resource_dir("notebooks") / name, self._stage / "notebooks" / name
        done = _one(chapter, source, self._own.get(chapter), target, self.parameters, self.workers)
        self.clock.timings[chapter] = round(done.seconds, 3)
        self.clock.watch(Event(chapter, "failed" if done.error else "done", done.seconds, str(done.error or "")))
        if done.error is not None:
            self.failed.append(done)

    def elsewhere(self, step: str, ask: Callable[[Workers], None]) -> Future[bool]:
        """Have a step done in another process; the answer says whether it is."""
        return self._pool.submit(_elsewhere, step, ask, self.clock, self.workers)


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
