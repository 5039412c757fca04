"""Kernels for the notebooks: a fresh process each, or a fork of one process that has done the imports.

Starting a Python and importing pandas, SciPy, matplotlib and the kit takes longer than most chapters. On Linux one
process does that once (`WarmKernels`) and forks a kernel for every notebook. A forked kernel is as separate as a fresh
one: a process and a session of its own, its own sockets and keys, nothing shared but memory pages that are copied when
written to. Three things are kept so:

* nothing is forked while a second thread lives, native ones included (counted before the first fork);
* the forking process runs no user code, opens no socket, reads no data;
* it ends with the process that started it, also after SIGKILL (its end of the socket closes), and takes its kernels
  along.

Elsewhere (Windows has no fork; on macOS forking after loading system frameworks is unsafe), where the process cannot be
started, and with ``KM_AUDIT_KERNELS=fresh`` in the environment, every notebook gets a fresh kernel. Results are equal.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import site
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audit.resources import PACKAGE
from audit.run.leftovers import private_file

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager

__all__ = ["WarmKernels", "kernel_command", "kernel_environment", "kernel_manager", "warm_kernels"]

_READY_WITHIN_S = 60.0
_ANSWER_WITHIN_S = 30.0
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


def kernel_manager(kernel_name: str, warm: WarmKernels | None = None) -> AsyncKernelManager:
    """Return the manager of one kernel: of a forked one where ``warm`` can fork, of a fresh one otherwise.

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
    if warm is not None:
        manager.provisioner = _provisioner(warm, manager)
    return manager


def _provisioner(warm: WarmKernels, manager: AsyncKernelManager) -> Any:
    import uuid

    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    class Forked(LocalProvisioner):
        """Starts a kernel by asking the forking process; falls back to a fresh one when it does not answer."""

        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
            arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
            env, cwd = kwargs.get("env") or dict(os.environ), kwargs.get("cwd") or os.getcwd()
            made = warm.fork(arguments, env, str(cwd))
            if made is None:
                return await super().launch_kernel(cmd, **kwargs)
            self.process, self.pid, self.pgid, self.cwd = made, made.pid, made.pid, cwd  # type: ignore[assignment]
            return self.connection_info

    manager.kernel_id = str(uuid.uuid4())
    return Forked(kernel_id=manager.kernel_id, kernel_spec=manager.kernel_spec, parent=manager)


class _ForkedKernel:
    """A forked kernel, spoken to as `subprocess.Popen` is: it is the child of another process."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, owner: WarmKernels) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._owner = owner

    def poll(self) -> int | None:
        """Return the exit code, or None while the kernel lives."""
        if self.returncode is None:
            self.returncode = self._owner.exit_code(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code; raises `subprocess.TimeoutExpired`."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            time.sleep(0.02)
        return code

    def send_signal(self, signum: int) -> None:
        """Signal the kernel, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """End the kernel at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)


class WarmKernels:
    """The process that forks kernels; start it early, it imports while something else is done.

    Thread-safe. After any failure it forks no more and every caller gets a fresh kernel.
    """

    def __init__(self, process: subprocess.Popen[bytes], channel: socket.socket) -> None:
        self._process = process
        self._channel = channel
        self._lines = channel.makefile("rb")
        self._lock = threading.Lock()
        self._ready = self._closed = False
        self.broken = False

    @classmethod
    def start(cls) -> WarmKernels | None:
        """Start the process, or return None where kernels cannot be forked."""
        if not sys.platform.startswith("linux") or os.environ.get("KM_AUDIT_KERNELS", "") == "fresh":
            return None
        ours, theirs = socket.socketpair()
        try:
            env = kernel_environment()
            env.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # what ipykernel would choose
            process = subprocess.Popen(
                [sys.executable, "-c", f"from audit.run.kernels import _serve; _serve({theirs.fileno()})"],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env=env,
                start_new_session=True,
                cwd=PACKAGE.parent,  # never a client's folder: a module there must not be imported
            )
        except OSError:
            ours.close()
            return None
        finally:
            theirs.close()
        ours.settimeout(_READY_WITHIN_S)
        return cls(process, ours)

    def _answer(self) -> Mapping[str, Any]:
        line = self._lines.readline()
        if not line:
            raise OSError("the forking process ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ask(self, question: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Ask one thing and return the answer; None once anything has gone wrong."""
        with self._lock:
            if self.broken:
                return None
            try:
                if not self._ready:
                    if not self._answer().get("ready"):
                        raise OSError("the forking process has more than one thread")
                    self._ready = True
                    self._channel.settimeout(_ANSWER_WITHIN_S)
                self._channel.sendall(json.dumps(question).encode() + b"\n")
                return self._answer()
            except (OSError, ValueError):
                self.broken = True
                return None

    def fork(self, arguments: Sequence[str], env: Mapping[str, str], cwd: str) -> _ForkedKernel | None:
        """Fork a kernel with ipykernel's arguments; None when it cannot be had this way."""
        answer = self._ask({"fork": {"arguments": list(arguments), "env": dict(env), "cwd": cwd}})
        return _ForkedKernel(int(answer["pid"]), self) if answer is not None and answer.get("pid") else None

    def exit_code(self, pid: int) -> int | None:
        """Return the exit code of a forked kernel, None while it lives; one that nobody knows of is gone."""
        answer = self._ask({"poll": pid})
        if answer is None:
            try:
                os.kill(pid, 0)
            except OSError:
                return -1
            return None
        code = answer.get("code")
        return None if code is None else int(code)

    def close(self) -> None:
        """End the process and whatever kernels it still has; a second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self.broken = True
            self._lines.close()
            self._channel.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def warm_kernels() -> Iterator[WarmKernels | None]:
    """Run a block with a forking process at hand; None where there cannot be one."""
    warm = WarmKernels.start()
    try:
        yield warm
    finally:
        if warm is not None:
            warm.close()


# --- in the forking process


def _preload() -> None:
    """Import what every notebook needs and fill the caches that only depend on the kit's own files."""
    import audit.run.notebook_api as api
    from audit.chapters import part
    from audit.method import method
    from audit.present.chart import Caption
    from audit.present.charts.draw import bars
    from audit.present.charts.style import chart_style
    from audit.present.format import Fmt

    for chapter in api.built_chapters():
        for name in ("measure", "verdicts", "sections"):
            part(chapter, name)
    for name in (
        "ipykernel.kernelapp",
        "ipykernel.ipkernel",
        "ipykernel.zmqshell",
        "IPython.display",
        "audit.engine.duck",
        "pyarrow.parquet",
    ):
        importlib.import_module(name)
    method()
    with chart_style():  # finds the type faces once for all
        bars(Caption("warm", "-"), ["-"], [0.5], fmt=Fmt(), unit="share")


def _threads() -> int:
    """Count this process's threads, those of native libraries included."""
    return len(os.listdir("/proc/self/task"))


def _serve(descriptor: int) -> None:
    """Answer questions until the other end closes; in a forked child, become the kernel."""
    channel = socket.socket(fileno=descriptor)
    sys.path[:] = [p for p in sys.path if p]  # "" would let a module in the current folder stand in for ours
    _preload()
    gc.collect()
    gc.freeze()  # the children's collections leave the shared pages alone
    lines = channel.makefile("rb")
    job = _answer_all(channel, lines)
    code = 0
    if job is not None:
        lines.close()
        channel.close()
        try:
            _become_kernel(job)
        except BaseException:
            traceback.print_exc()
            code = 1
        atexit._run_exitfuncs()  # the kernel's last messages, temporary folders of the notebook
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # taking down the shared memory object by object would copy it first


def _answer_all(channel: socket.socket, lines: Any) -> Mapping[str, Any] | None:
    """Return the job in a child, None in the parent at the end."""
    children: dict[int, int | None] = {}

    def answer(value: Mapping[str, Any]) -> None:
        channel.sendall(json.dumps(value).encode() + b"\n")

    try:
        answer({"ready": _threads() == 1})
        for line in lines:
            question = json.loads(line)
            if "fork" in question:
                pid = os.fork()
                if pid == 0:
                    children.clear()
                    job: dict[str, Any] = question["fork"]
                    return job
                children[pid] = None
                answer({"pid": pid})
            else:
                pid = question["poll"]
                if children.get(pid, -1) is None:
                    done, status = os.waitpid(pid, os.WNOHANG)
                    children[pid] = os.waitstatus_to_exitcode(status) if done else None
                answer({"code": children.get(pid, -1)})
    except OSError:
        pass  # the other end is gone
    for pid, code in children.items():
        if code is None:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    return None


def _become_kernel(job: Mapping[str, Any]) -> None:
    """Turn this forked child into an IPython kernel and run it to its end."""
    import numpy
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()  # a session of its own, as a fresh kernel has: signals reach it and its children only
    os.environ.clear()
    os.environ.update(job["env"])
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    os.chdir(job["cwd"])
    numpy.random.seed()  # a fork inherits the state of the global generator; a fresh kernel would not
    sys.argv = ["ipykernel_launcher", *job["arguments"]]
    # ipykernel read the parent's number when it was imported; with it the kernel ends when its parent does
    IPKernelApp.launch_instance(argv=[*job["arguments"], f"--IPKernelApp.parent_handle={os.getppid()}"])
