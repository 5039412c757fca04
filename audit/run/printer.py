"""The PDF in a process of its own: it loads its libraries while the summary runs, and prints while pictures are drawn.

One thread of layout is the longest single step of a run, and the second processor has nothing else to do. The process
ends with the one that started it, also after SIGKILL: the pipe between them closes. Where it cannot be started or dies,
the PDF is printed here.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from audit.errors import Lang, Text
from audit.present.pdf import PdfResult, write_pdf
from audit.resources import PACKAGE
from audit.run.kernels import kernel_environment

__all__ = ["Printer"]


class Printer:
    """Prints one report; `start` it early, ask with `begin`, fetch with `result`, `close` in any case."""

    def __init__(self) -> None:
        self._job: tuple[str, Path, Lang] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, so that its libraries are there when they are needed."""
        if self._process is not None:
            return
        with contextlib.suppress(OSError):  # then `result` prints here
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from audit.run.printer import _serve; _serve()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=kernel_environment(),
                cwd=PACKAGE.parent,  # never a client's folder: a module there must not be imported
            )

    def begin(self, html: str, path: Path, lang: Lang) -> None:
        """Start printing ``html`` (the ``print`` target of `build_reports`) to ``path``."""
        self._job = (html, path, lang)
        self.start()
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(json.dumps({"html": html, "path": str(path), "lang": lang}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            self.close()

    def result(self) -> PdfResult:
        """Wait for what was begun."""
        assert self._job is not None, "nothing was begun"
        html, path, lang = self._job
        answer = self._process.stdout.readline() if self._process is not None and self._process.stdout else b""
        self.close()
        if not answer:
            return write_pdf(html, path, lang)
        told: dict[str, Any] = json.loads(answer)
        return PdfResult(told["engine"], told["pages"], Text(**told["note"]) if told["note"] else None)

    def close(self) -> None:
        """End the process; a second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # it was gone before us
                    pipe.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _serve() -> None:
    """Load what printing needs, then print one job from standard input and answer on standard output."""
    answer_to = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library's own words must not get among the answers
    with contextlib.suppress(ImportError, OSError):  # without Pango it is a browser's work; `write_pdf` says so
        import weasyprint  # noqa: F401
    line = sys.stdin.buffer.readline()
    if not line:
        return
    threading.Thread(target=_end_with_the_other, daemon=True).start()
    job = json.loads(line)
    done = write_pdf(job["html"], Path(job["path"]), job["lang"])
    note = None if done.note is None else {"ru": done.note.ru, "en": done.note.en}
    told = json.dumps({"engine": done.engine, "pages": done.pages, "note": note})
    os.write(answer_to, told.encode() + b"\n")


def _end_with_the_other() -> None:
    sys.stdin.buffer.read()
    os._exit(1)
