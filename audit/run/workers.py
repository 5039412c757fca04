"""Processes that execute the kit's own notebooks, or only diagnose: they import while the data are read.

Importing pandas, SciPy, matplotlib and the kit takes longer than most chapters, so it is done once. On Linux one process
imports and the others are forked from it; elsewhere (Windows has no fork; on macOS forking after loading system
frameworks is unsafe) each imports for itself. Notebooks go to the next process that is free; each runs in a namespace
and a folder as fresh as a kernel's would be (`audit.run.shell`).

* Nothing is forked while a second thread lives, native ones included; where one does, no process is forked.
* A process ends with the one that started it, also after SIGKILL: the line on which it waits for work closes.
* One that is lost, or that cannot be had (``KM_AUDIT_KERNELS=fresh`` in the environment asks for none), is replaced by
  real kernels. Results are equal.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from audit.errors import Text, current_language, set_language
from audit.resources import PACKAGE, nbformat
from audit.run.execute import Execution, execute_here
from audit.run.kernels import kernel_environment

if TYPE_CHECKING:
    from audit.settings import Settings

__all__ = ["Lost", "Workers"]


class Lost(Exception):
    """No process is left, or the one that executed a notebook ended before it answered."""


@dataclass(frozen=True)
class _Line:
    """Our ends of the line to one process: where it takes its work from, where it answers."""

    ask: IO[bytes]
    answer: IO[bytes]
    socket: socket.socket | None = None

    def hang_up(self) -> None:
        """Let the process know that nobody asks any more; who waits for its answer hears its end."""
        with contextlib.suppress(OSError):
            if self.socket is None:
                self.ask.close()
            else:
                self.socket.shutdown(socket.SHUT_RDWR)  # closing one of its two files would leave it open

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        for end in (self.ask, self.answer):
            with contextlib.suppress(OSError):
                end.close()


class Workers:
    """The processes at hand. Thread-safe: as many notebooks run at once as there are processes."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]], lines: Sequence[_Line]) -> None:
        self._processes, self._lines = list(processes), list(lines)
        self.closed = self._asked = False
        self._free: queue.SimpleQueue[_Line | None] = queue.SimpleQueue()
        for line in lines:
            self._free.put(line)

    @classmethod
    def start(cls, number: int = 2, *, pages: bool = True) -> Workers | None:
        """Start the processes and return at once, or return None where there can be none.

        Without ``pages`` they load what verdicts need, and nothing that draws or executes notebooks.
        """
        asked = os.environ.get("KM_AUDIT_KERNELS", "")
        if asked == "fresh":
            return None
        forked = sys.platform.startswith("linux") and asked != "spawned"
        made = (_forked if forked else _spawned)(max(1, number), pages)
        return None if made is None else cls(*made)

    def execute(self, chapter: str, source: Path, target: Path, parameters: Mapping[str, Any]) -> Execution:
        """Execute one notebook in the next free process and return how it went; raises `Lost`."""
        job = {"chapter": chapter, "source": str(source), "target": str(target), "parameters": dict(parameters)}
        told = self._ask({"notebook": job})
        error = None if told["error"] is None else Text(**told["error"])
        return Execution(chapter, target, told["seconds"], error, told["cell"])

    def diagnose(self, chapters: Sequence[str], prepared: Path, settings: Settings, folder: Path) -> None:
        """Keep the verdicts of chapters below ``folder``; raises `Lost`, also where a chapter fails."""
        job = {"chapters": list(chapters), "prepared": str(prepared), "settings": settings.as_json()}
        self._ask({"verdicts": job | {"folder": str(folder)}})

    def draw(self, charts: Path) -> None:
        """Draw the pictures that were put aside in a folder of charts; raises `Lost`."""
        self._ask({"pictures": str(charts)})

    def write_lists(self, parameters: Mapping[str, Any]) -> None:
        """Write the annex of a run from what its notebooks, given these parameters, put aside; raises `Lost`."""
        self._ask({"lists": dict(parameters)})

    def _ask(self, job: Mapping[str, Any]) -> Mapping[str, Any]:
        line = self._free.get()
        if line is None:
            self._free.put(None)  # for the next who asks
            raise Lost
        self._asked = True
        asked = {**job, "lang": current_language(), "cwd": os.getcwd()}
        try:
            line.ask.write(json.dumps(asked).encode() + b"\n")
            line.ask.flush()
            told: Mapping[str, Any] = json.loads(line.answer.readline())
        except (OSError, ValueError) as e:
            line.close()
            if line in self._lines:
                self._lines.remove(line)
            if not self._lines:
                self._free.put(None)
            raise Lost from e
        self._free.put(line)
        return told

    def close(self) -> None:
        """End the processes, also in the middle of a notebook; a second call does nothing."""
        self.closed = True
        self._free.put(None)
        for line in self._lines:
            line.hang_up()
        for process in self._processes:
            if not self._asked:
                process.kill()  # it still imports and would not hear us; nothing of a client's is in it
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if sys.platform.startswith("linux"):
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)  # the forked ones are in its session
        self._processes.clear()
        for line in list(self._lines):
            line.close()
        self._lines.clear()


def _start(pages: bool, given: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import sys; from audit.run.workers import _serve; _serve({pages}, sys.argv[1:])",
            *given,
        ],
        env=kernel_environment() | {"MPLBACKEND": "agg"},
        cwd=PACKAGE.parent,  # never a client's folder: a module there must not be imported
        **options,
    )


def _forked(number: int, pages: bool) -> tuple[list[subprocess.Popen[bytes]], list[_Line]] | None:
    """One process that forks the others, each on a socket of its own."""
    pairs = [socket.socketpair() for _ in range(number)]
    numbers = [b.fileno() for _, b in pairs]
    try:
        process = _start(
            pages, [str(n) for n in numbers], pass_fds=numbers, stdin=subprocess.DEVNULL, start_new_session=True
        )
        return [process], [_Line(a.makefile("wb"), a.makefile("rb"), a) for a, _ in pairs]
    except OSError:
        for ours, _ in pairs:
            ours.close()
        return None
    finally:
        for _, theirs in pairs:
            theirs.close()


def _spawned(number: int, pages: bool) -> tuple[list[subprocess.Popen[bytes]], list[_Line]] | None:
    """Processes that have nothing in common, each on its standard input and output."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(number):
            processes.append(_start(pages, [], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True))
    except OSError:
        for process in processes:
            process.kill()
        return None
    lines = [_Line(p.stdin, p.stdout) for p in processes if p.stdin is not None and p.stdout is not None]
    return processes, lines


# --- in the processes


def _preload(pages: bool) -> None:
    """Import what every notebook needs and fill the caches that only depend on the kit's own files."""
    from audit.chapters import part
    from audit.method import method

    for chapter in method().chapters:
        for name in ("measure", "verdicts", "sections") if pages else ("measure", "verdicts"):
            part(chapter, name)
    importlib.import_module("audit.run.notebook_api")
    importlib.import_module("audit.engine.duck")
    if not pages:
        return
    nbformat()
    importlib.import_module("audit.run.shell")
    importlib.import_module("audit.run.cases").share_cases()
    from audit.present.chart import Caption
    from audit.present.charts.draw import bars
    from audit.present.charts.style import chart_style
    from audit.present.format import Fmt

    with chart_style():  # finds the type faces once for all
        bars(Caption("warm", "-"), ["-"], [0.5], fmt=Fmt(), unit="share")


def _serve(pages: bool, given: Sequence[str]) -> None:
    """Serve the sockets of these numbers, a forked process each; without any, standard input and output."""
    sys.path[:] = [p for p in sys.path if p]  # "" would let a module in the current folder stand in for ours
    if not given:
        line = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # what a library prints is no answer
    _preload(pages)
    if given:
        ends = [int(n) for n in given]
        gc.collect()
        gc.freeze()  # the others' collections leave the shared pages alone
        gc.set_threshold(50_000, 20, 20)  # a chapter makes millions of small things, and few of them lie in circles
        mine = ends[0]
        alone = len(os.listdir("/proc/self/task")) == 1
        for end in ends[1:]:
            if alone and os.fork() == 0:
                mine = end
                break
        for end in ends:
            if end != mine:
                os.close(end)
        channel = socket.socket(fileno=mine)
        line = channel.makefile("rb"), channel.makefile("wb")
    _work(*line)


def _work(jobs: IO[bytes], answers: IO[bytes]) -> None:
    """Do what is asked, one thing after the other, until nobody is there to ask."""
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        with contextlib.suppress(OSError):  # a parent that was killed resets the line
            for asked in jobs:
                waiting.put(asked)
        try:
            atexit._run_exitfuncs()  # temporary folders
        finally:
            os._exit(0)  # also in the middle of a notebook: whoever wanted it is gone

    threading.Thread(target=listen, daemon=True).start()
    while True:
        try:
            told = _one(json.loads(waiting.get()))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        answers.write(json.dumps(told).encode() + b"\n")
        answers.flush()


def _one(job: Mapping[str, Any]) -> dict[str, Any]:
    import numpy

    set_language(job["lang"])
    os.chdir(job["cwd"])
    numpy.random.seed()  # a fork inherits the state of the global generator
    if "verdicts" in job:
        _keep_verdicts(**job["verdicts"])
        return {}
    if "pictures" in job:
        from audit.present.chart import draw_pictures

        draw_pictures(Path(job["pictures"]))
        return {}
    if "lists" in job:
        _write_lists(**job["lists"])
        return {}
    nb = job["notebook"]
    done = execute_here(nb["chapter"], Path(nb["source"]), Path(nb["target"]), nb["parameters"])
    return {k: v for k, v in asdict(done).items() if k in ("seconds", "error", "cell")}


def _write_lists(out: str, **given: Any) -> None:
    from audit.run.cases import open_case
    from audit.run.rendering import write_lists

    stage = Path(out)
    findings = json.loads((stage / "findings.json").read_text(encoding="utf-8"))
    write_lists(stage, case=open_case(**given), findings=findings)


def _keep_verdicts(chapters: Sequence[str], prepared: str, settings: Mapping[str, Any], folder: str) -> None:
    from audit.run.cases import open_case
    from audit.run.notebook_api import save_verdicts

    case = open_case(prepared=prepared, settings=settings)
    try:
        save_verdicts(case, chapters, Path(folder))
    finally:
        case.close()
