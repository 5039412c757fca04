"""Execute notebooks through papermill, each in its own kernel of this very Python."""

from __future__ import annotations

import logging
import re
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.errors import Text, ToolError

__all__ = ["Execution", "execute_notebook"]

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


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
    import zmq
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.utils import merge_kwargs, remove_args

    class OwnKernel(engines.NBClientEngine):  # type: ignore[misc]
        """Papermill's engine with a kernel of this interpreter, whatever kernelspecs the user has installed."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, start_timeout: int = 60, **kwargs: Any) -> Any:
            manager = AsyncKernelManager(kernel_name=kernel_name)
            manager._kernel_spec = KernelSpec(
                argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                display_name="km-audit",
                language="python",
                metadata={"supported_encryption": "curve"},
            )
            if zmq.has("curve"):  # a client's figures travel over a local socket: encrypt them where the build can
                manager.transport_encryption = "auto"
            safe = remove_args(
                ["input_path", "timeout", "startup_timeout", "execution_timeout", "log_output", "stdout_file",
                 "stderr_file"], **kwargs,
            )  # fmt: skip
            final = merge_kwargs(
                safe, timeout=None, startup_timeout=start_timeout, kernel_name=kernel_name, km=manager,
                log=logging.getLogger("papermill"), log_output=False, stdout_file=None, stderr_file=None,
            )  # fmt: skip
            client = PapermillNotebookClient(nb_man, **final)
            client.owns_km = True  # the client shuts the kernel down, also after an error
            return client.execute()

    engines.papermill_engines.register("km-audit", OwnKernel)


def execute_notebook(chapter: str, source: Path, target: Path, parameters: Mapping[str, Any]) -> Execution:
    """Execute ``source`` with ``parameters`` and save it at ``target``, also when a cell fails.

    Raises `ToolError` where no kernel can be started; an error inside the notebook is returned, not raised.
    """
    import papermill
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError

    if "km-audit" not in papermill_engines._engines:
        _register()
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # papermill and its kernels warn about their own internals
            papermill.execute_notebook(
                source, target, parameters=dict(parameters), engine_name="km-audit", kernel_name="python3",
                language="python", progress_bar=False, log_output=False,
            )  # fmt: skip
    except PapermillExecutionError as e:
        return Execution(chapter, target, time.perf_counter() - started, _explain(e), e.exec_count)
    except (RuntimeError, OSError, TimeoutError) as e:
        raise ToolError(
            Text(f"Ядро Jupyter не запустилось ({type(e).__name__}: {e})",
                 f"The Jupyter kernel did not start ({type(e).__name__}: {e})"),
            where=str(source),
            todo=Text("Проверьте установку: python -m ipykernel --version",
                      "Check the installation: python -m ipykernel --version"),
        ) from e  # fmt: skip
    return Execution(chapter, target, time.perf_counter() - started)


def _explain(error: Any) -> Text:
    """Return one line for the user: an `AuditError` speaks for itself, anything else is named with its type."""
    message = _ANSI.sub("", str(error.evalue)).strip().split("\n")
    if error.ename.endswith("Error") and error.ename in {
        "InputError", "AmbiguityError", "QuestionnaireError", "SettingsError", "ParameterError", "PreparedError",
        "ToolError",
    }:  # fmt: skip
        line = "; ".join(message)
    else:
        line = f"{error.ename}: {message[0] if message else ''}"
    return Text(line, line)
