"""Kernels for notebooks that somebody has edited: a fresh one each, of this very Python."""

from __future__ import annotations

import os
import site
import sys
from typing import TYPE_CHECKING

from audit.resources import PACKAGE
from audit.run.leftovers import private_file

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager

__all__ = ["kernel_command", "kernel_environment", "kernel_manager"]

_ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Libraries that start threads when they are loaded are asked not to; chapters run side by side instead."""


def kernel_command() -> list[str]:
    """Return the command of a kernel of this very interpreter, whatever kernelspecs the user has installed.

    The log level silences what ipykernel prints about its transport and about being interrupted at shutdown.
    """
    return [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=50"]


def kernel_environment() -> dict[str, str]:
    """Return the environment of a kernel: this process's own, able to import this very ``audit``."""
    env = dict(os.environ)
    root = str(PACKAGE.parent)
    if root not in (*site.getsitepackages(), site.getusersitepackages()):
        known = [p for p in env.get("PYTHONPATH", "").split(os.pathsep) if p]
        env["PYTHONPATH"] = os.pathsep.join([*known, *([] if root in known else [root])])
    for name, value in _ONE_THREAD.items():
        env.setdefault(name, value)
    return env


def kernel_manager(kernel_name: str) -> AsyncKernelManager:
    """Return the manager of one kernel.

    A client's figures travel over a local socket: they are encrypted where the build of ZeroMQ can.
    """
    import zmq
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    manager = AsyncKernelManager(kernel_name=kernel_name)
    manager.connection_file = str(private_file(".json"))
    manager._kernel_spec = KernelSpec(
        argv=kernel_command(),
        display_name="km-audit",
        language="python",
        env={k: v for k, v in kernel_environment().items() if os.environ.get(k) != v},
        metadata={"supported_encryption": "curve"},
    )
    if zmq.has("curve"):
        manager.transport_encryption = "auto"
    return manager
