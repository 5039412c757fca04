"""Papermill's engine for the kit's own notebooks: their cells run in this process, in an IPython shell of their own.

A kernel for every notebook costs a process, five sockets and an encrypted message for every cell; the kit's notebooks
need none of it. What a cell shows, prints and raises is written into the notebook as a kernel would have it written.
A notebook that somebody has edited gets a kernel (`audit.run.execute`): it may need what only a kernel has.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from papermill.engines import Engine

__all__ = ["InThisProcess"]


class _Stream:
    """Standard output or error of a cell; what is printed in one go stays one output."""

    def __init__(self, name: str, outputs: list[Any]) -> None:
        self._name, self._outputs = name, outputs

    def write(self, text: str) -> int:
        last = self._outputs[-1] if self._outputs else None
        if last is not None and last.output_type == "stream" and last.name == self._name:
            last.text += text
        elif text:
            self._outputs.append(nbformat.v4.new_output("stream", name=self._name, text=text))  # type: ignore[no-untyped-call]
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """No terminal: nobody colours what is printed."""
        return False


class _Published(DisplayPublisher):
    """Collects what ``display`` shows."""

    outputs: list[Any]

    def publish(self, data: Any, metadata: Any = None, source: Any = None, **kwargs: Any) -> None:
        self.outputs.append(nbformat.v4.new_output("display_data", data=data, metadata=metadata or {}))  # type: ignore[no-untyped-call]

    def clear_output(self, wait: bool = False) -> None:
        self.outputs.clear()


class _Result(DisplayHook):
    """Collects the value of a cell's last line."""

    outputs: list[Any]

    def write_output_prompt(self) -> None:
        """There is none in a notebook."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        self.outputs.append(
            nbformat.v4.new_output(  # type: ignore[no-untyped-call]
                "execute_result", data=format_dict, metadata=md_dict or {}, execution_count=self.prompt_count
            )
        )

    def finish_displayhook(self) -> None:
        """Nothing to end."""


class _Shell(InteractiveShell):
    """One notebook's IPython: a namespace of its own, no history, errors collected."""

    def __init__(self, **kwargs: Any) -> None:
        self.errors: list[tuple[type, BaseException, list[str]]] = []
        super().__init__(displayhook_class=_Result, display_pub_class=_Published, **kwargs)  # type: ignore[no-untyped-call]
        self.history_manager.enabled = False  # type: ignore[union-attr]

    def init_history(self) -> None:
        """Keep no history: a client's file names would stand in it."""
        from IPython.core.history import HistoryManager

        self.history_manager = HistoryManager(shell=self, parent=self, enabled=False)

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        self.errors.append((etype, evalue, list(stb)))

    def run(self, source: str) -> list[Any]:
        """Run a cell and return its outputs as the notebook keeps them; the last is the error, if there was one."""
        outputs: list[Any] = []
        cast(_Published, self.display_pub).outputs = cast(_Result, self.displayhook).outputs = outputs
        self.errors.clear()
        with (
            redirect_stdout(cast(TextIO, _Stream("stdout", outputs))),
            redirect_stderr(cast(TextIO, _Stream("stderr", outputs))),
        ):
            self.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        for kind, error, lines in self.errors:
            outputs.append(
                nbformat.v4.new_output("error", ename=kind.__name__, evalue=str(error), traceback=lines)  # type: ignore[no-untyped-call]
            )
        return outputs


class InThisProcess(Engine):  # type: ignore[misc]
    """Executes a notebook's cells one after the other and stops at the first that fails, as papermill's others do."""

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Return the name of Python's kernel, which is not started."""
        return name or "python3"

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:
        """Execute the notebook of papermill's manager in place."""
        _Shell.clear_instance()
        shell = _Shell.instance()  # ``display`` and ``get_ipython`` ask for the instance
        nb_man.nb.metadata["language_info"] = _language()
        try:
            for index, cell in enumerate(nb_man.nb.cells):
                nb_man.cell_start(cell, cell_index=index)
                if cell.cell_type == "code" and cell.source.strip():
                    cell.outputs = shell.run(cell.source)
                    cell.execution_count = shell.execution_count - 1
                failed = bool(shell.errors)
                if failed:
                    nb_man.cell_exception(cell, cell_index=index)
                nb_man.cell_complete(cell, cell_index=index)
                if failed:
                    break
        finally:
            shell.reset(new_session=False)  # type: ignore[no-untyped-call]
            _Shell.clear_instance()


def _language() -> Mapping[str, Any]:
    """Return what a kernel says of itself."""
    return {
        "codemirror_mode": {"name": "ipython", "version": sys.version_info[0]},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": f"ipython{sys.version_info[0]}",
        "version": sys.version.split()[0],
    }
