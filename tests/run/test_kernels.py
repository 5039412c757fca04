"""Kernels: a forked one is as separate as a fresh one, dies with its parent, is replaced by a fresh one on failure."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from audit.errors import set_language
from audit.resources import resource_dir
from audit.run.execute import Execution, execute_notebook
from audit.run.kernels import WarmKernels, kernel_environment

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernels are forked on Linux only")
ROOT = resource_dir("notebooks").parent


@pytest.fixture(autouse=True, scope="module")
def _no_backend_chosen() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPLBACKEND", raising=False)  # the suite chooses one for its own process
        yield


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


@pytest.fixture(scope="module")
def warm(_no_backend_chosen: None) -> Iterator[WarmKernels]:
    started = WarmKernels.start()
    assert started is not None
    yield started
    started.close()


def run(folder: Path, source: str, warm: WarmKernels | None, name: str = "nb") -> tuple[Execution, list[Any]]:
    """Execute a notebook of one cell and return how it went and what the cell printed."""
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("x = 1", metadata={"tags": ["parameters"]}), nbformat.v4.new_code_cell(source)]
    )
    nbformat.write(nb, folder / f"{name}.ipynb")
    done = execute_notebook("data", folder / f"{name}.ipynb", folder / f"{name}_out.ipynb", {"x": 2}, warm)
    return done, list(nbformat.read(folder / f"{name}_out.ipynb", as_version=4).cells[-1].outputs)


def printed(outputs: list[Any]) -> Any:
    return json.loads("".join(o.text for o in outputs if o.output_type == "stream"))


STATE = """
import json, os, sys, numpy, matplotlib
from ipykernel.kernelapp import IPKernelApp
app = IPKernelApp.instance()
print(json.dumps({
    "pid": os.getpid(), "parent": os.getppid(), "session": os.getsid(0), "cwd": os.getcwd(), "x": x,
    "seen": "left_behind" in globals() or hasattr(sys, "left_behind"), "random": numpy.random.random(),
    "curve": app.curve_secretkey is not None, "env": os.environ.get("KM_TEST"), "stdin": sys.stdin is not None,
    "backend": matplotlib.get_backend(),
}))
left_behind = sys.left_behind = True
"""


@linux
def test_forked_kernels_share_nothing(tmp_path: Path, warm: WarmKernels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KM_TEST", "as it is now")
    first, second = (printed(run(tmp_path, STATE, warm, name)[1]) for name in ("a", "b"))
    assert first["pid"] != second["pid"]
    for state in (first, second):
        assert state["session"] == state["pid"], "a session of its own: signals reach this kernel only"
        assert state["parent"] == warm._process.pid
        assert state["x"] == 2, "parameters arrive"
        assert not state["seen"], "nothing of the kernel before is there"
        assert state["curve"], "the connection is encrypted"
        assert state["env"] == "as it is now"
        assert state["cwd"] == os.getcwd()
        assert "inline" in state["backend"]
    assert first["random"] != second["random"], "the global generator is seeded anew"


@linux
def test_a_forked_kernel_shows_pictures_as_a_fresh_one_does(tmp_path: Path, warm: WarmKernels) -> None:
    source = "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()"
    shown = []
    for kernels in (warm, None):
        done, outputs = run(tmp_path, source, kernels)
        assert done.error is None
        shown.append([sorted(o.data) for o in outputs if o.output_type == "display_data"])
    assert shown[0] == shown[1] == [["image/png", "text/plain"]]


@linux
def test_the_forking_process_has_one_thread(warm: WarmKernels, tmp_path: Path) -> None:
    run(tmp_path, "print(1)", warm)
    assert not warm.broken
    assert len(os.listdir(f"/proc/{warm._process.pid}/task")) == 1, "nothing may be forked beside a second thread"


@linux
def test_an_error_and_a_dying_kernel_are_told_and_saved(tmp_path: Path, warm: WarmKernels) -> None:
    done, outputs = run(tmp_path, "1 / 0", warm)
    assert "ZeroDivisionError" in str(done.error)
    assert any(o.output_type == "error" for o in outputs)
    done, _ = run(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", warm)
    assert "kernel ended" in str(done.error)
    assert done.path.is_file()
    assert run(tmp_path, "print(7)", warm)[0].error is None, "the next one is not harmed"


@linux
def test_a_lost_forking_process_is_replaced_by_fresh_kernels(tmp_path: Path) -> None:
    warm = WarmKernels.start()
    assert warm is not None
    try:
        os.kill(warm._process.pid, signal.SIGKILL)
        done, outputs = run(tmp_path, "print(x)", warm)
        assert done.error is None and printed(outputs) == 2
        assert warm.broken
    finally:
        warm.close()


def test_kernels_can_be_asked_to_be_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KM_AUDIT_KERNELS", "fresh")
    assert WarmKernels.start() is None
    done, outputs = run(tmp_path, "import audit; print(x)", None)
    assert done.error is None and printed(outputs) == 2


def gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody has waited for yet counts as ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z"


@linux
def test_everything_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = """
import json, os, signal, sys
from audit.run.kernels import WarmKernels
warm = WarmKernels.start()
kernel = warm.fork(["-f", sys.argv[1]], dict(os.environ), os.getcwd())
print(json.dumps([warm._process.pid, kernel.pid]), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "connection.json")],
        stdout=subprocess.PIPE,
        text=True,
        env=kernel_environment(),
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL
    pids = json.loads(done.stdout)
    end = time.monotonic() + 20
    while not all(gone(p) for p in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert [p for p in pids if not gone(p)] == []
