"""Execute notebooks through papermill: one of the kit's own in this process, an edited one in a kernel of its own."""

from __future__ import annotations

import logging
import re
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit import errors
from audit.errors import AuditError, Text, ToolError
from audit.resources import nbformat
from audit.run.kernels import kernel_manager

__all__ = ["Execution", "execute_here", "execute_notebook"]

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ENGINE = "km-audit"


@dataclass(frozen=True, slots=True)
class Execution:
    """How one notebook went. ``error`` is None when every cell ran."""

    chapter: str
    path: Path
    seconds: float
    error: Text | None = None
    cell: int | None = None


def _register() -> None:
    import papermill.engines as engines
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.utils import merge_kwargs, remove_args

    class OwnKernel(engines.NBClientEngine):  # type: ignore[misc]
        """Papermill's engine with a kernel of this interpreter, whatever kernelspecs the user has installed."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, start_timeout: int = 60, **kwargs: Any) -> Any:
            manager = kernel_manager(kernel_name)
            safe = remove_args(
                [
                    "input_path",
                    "timeout",
                    "startup_timeout",
                    "execution_timeout",
                    "log_output",
                    "stdout_file",
                    "stderr_file",
                ],
                **kwargs,
            )
            final = merge_kwargs(
                safe,
                timeout=None,
                startup_timeout=start_timeout,
                kernel_name=kernel_name,
                km=manager,
                log=logging.getLogger("papermill"),
                log_output=False,
                stdout_file=None,
                stderr_file=None,
            )
            client = PapermillNotebookClient(nb_man, **final)
            client.owns_km = True  # the client shuts the kernel down, also after an error
            return client.execute()

    engines.papermill_engines.register(_ENGINE, OwnKernel)


def execute_notebook(chapter: str, source: Path, target: Path, parameters: Mapping[str, Any]) -> Execution:
    """Execute ``source`` with ``parameters`` in a kernel and save it at ``target``, also when a cell fails or it dies.

    A kernel that does not start (another program took its port meanwhile) is started once more. Raises `ToolError`
    where none can be started; an error inside the notebook is returned, not raised.
    """
    nbformat()
    from nbclient.exceptions import DeadKernelError
    from papermill.engines import papermill_engines

    if _ENGINE not in papermill_engines._engines:
        _register()
    started = time.perf_counter()
    for again in (True, False):
        try:
            return _papermill(_ENGINE, chapter, source, target, parameters, started)
        except DeadKernelError:
            nb = nbformat().read(target, as_version=4)
            cell = next((c.execution_count for c in reversed(nb.cells) if c.get("execution_count")), None)
            return Execution(chapter, target, time.perf_counter() - started, _DIED, cell)
        except (RuntimeError, OSError, TimeoutError) as e:
            if not again:
                raise _no_kernel(e, source) from e
        finally:
            _close_event_loop()
    raise AssertionError("the second attempt returns or raises")


def execute_here(chapter: str, source: Path, target: Path, parameters: Mapping[str, Any]) -> Execution:
    """Execute one of the kit's own notebooks in this process (`audit.run.shell`) and save it at ``target``.

    An error inside the notebook is returned, not raised.
    """
    nbformat()
    from papermill.engines import papermill_engines

    from audit.run.shell import InThisProcess

    papermill_engines.register("km-audit-here", InThisProcess)
    return _papermill("km-audit-here", chapter, source, target, parameters, time.perf_counter())


def _papermill(
    engine: str, chapter: str, source: Path, target: Path, parameters: Mapping[str, Any], started: float
) -> Execution:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # papermill and its kernels warn about their own internals
            papermill.execute_notebook(
                _literal(source),
                _literal(target),
                parameters=dict(parameters),
                engine_name=engine,
                request_save_on_cell_execute=engine == _ENGINE,  # what runs in this process is saved at its end
                kernel_name="python3",
                language="python",
                progress_bar=False,
                log_output=False,
            )
    except PapermillExecutionError as e:
        return Execution(chapter, target, time.perf_counter() - started, _explain(e), e.exec_count)
    return Execution(chapter, target, time.perf_counter() - started)


def _no_kernel(error: Exception, source: Path) -> ToolError:
    return ToolError(
        Text(
            f"Ядро Jupyter не запустилось ({type(error).__name__}: {error})",
            f"The Jupyter kernel did not start ({type(error).__name__}: {error})",
        ),
        where=str(source),
        todo=Text(
            "Проверьте установку: python -m ipykernel --version",
            "Check the installation: python -m ipykernel --version",
        ),
    )


def _literal(path: Path) -> str:
    """Return a path that papermill takes as it stands: it fills names in braces with parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _close_event_loop() -> None:
    """Close the event loop that the Jupyter client opened for this thread; the thread may end, the loop would stay."""
    import asyncio

    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    if not loop.is_running():
        loop.close()
        asyncio.set_event_loop(None)


_DIED = Text(
    "ядро Jupyter остановилось: его завершила система (часто не хватает памяти) или сбой в библиотеке",
    "the Jupyter kernel ended: the system stopped it (often for want of memory) or a library crashed",
)


def _explain(error: Any) -> Text:
    """Return one line for the user: an `AuditError` speaks for itself, anything else is named with its type."""
    message = _ANSI.sub("", str(error.evalue)).strip().split("\n")
    kind = getattr(errors, error.ename, None)
    if isinstance(kind, type) and issubclass(kind, AuditError):
        line = "; ".join(message)
    else:
        line = f"{error.ename}: {message[0] if message else ''}"
    return Text(line, line)
