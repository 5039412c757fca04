"""Processes that execute the kit's notebooks: as separate as kernels, gone with their parent, replaced when lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from audit.errors import set_language
from audit.resources import resource_dir
from audit.run.clock import Clock
from audit.run.execute import Execution, execute_notebook
from audit.run.executing import _elsewhere, _one
from audit.run.kernels import kernel_environment
from audit.run.workers import Lost, Workers
from tests.case_builder import make_case

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are forked on Linux only")
ROOT = resource_dir("notebooks").parent


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    started = Workers.start(1)
    assert started is not None
    yield started
    started.close()


def notebook(folder: Path, *sources: str, name: str = "nb") -> tuple[Path, Path]:
    """Write a notebook with parameters and these cells; return where it is and where it is to be saved."""
    cells = [nbformat.v4.new_code_cell("x = 1", metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(s) for s in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb", folder / f"{name}_out.ipynb"


def run(workers: Workers | None, folder: Path, *sources: str) -> tuple[Execution, list[Any]]:
    """Execute a notebook of these cells and return how it went and what its last cell shows."""
    source, target = notebook(folder, *sources)
    done = _one("data", source, None, target, {"x": 2}, workers)
    return done, list(nbformat.read(target, as_version=4).cells[-1].outputs)


def printed(outputs: list[Any]) -> Any:
    return json.loads("".join(o.text for o in outputs if o.output_type == "stream"))


STATE = """
import json, os, sys, numpy
print(json.dumps({
    "x": x, "pid": os.getpid(), "cwd": os.getcwd(), "random": numpy.random.random(),
    "seen": "left_behind" in globals() or "x_before" in globals(), "path": "" in sys.path,
}))
left_behind = True
"""


def test_notebooks_share_no_names(tmp_path: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    first = printed(run(workers, tmp_path, STATE)[1])
    monkeypatch.chdir(tmp_path)
    second = printed(run(workers, tmp_path, STATE)[1])
    assert first["pid"] == second["pid"] != os.getpid(), "one process, not this one"
    assert not first["seen"] and not second["seen"], "nothing of the notebook before is there"
    assert first["x"] == second["x"] == 2, "parameters arrive"
    assert second["cwd"] == str(tmp_path.resolve()), "the folder is the one of whoever asks"
    assert first["random"] != second["random"], "the global generator is seeded anew"
    assert not first["path"], "a module in the current folder cannot stand in for ours"


CELLS = (
    "from IPython.display import HTML, display",
    "display(HTML('<b>shown</b>')); print('a'); print('b'); import sys; print('c', file=sys.stderr); {'last': x}",
    "import pandas as pd; pd.DataFrame({'n': [x]})",
    "x;",
    "1 / (x - 2)",
    "print('never reached')",
)


def test_what_a_cell_shows_is_kept_as_a_kernel_keeps_it(tmp_path: Path, workers: Workers) -> None:
    kept: list[list[Any]] = []
    errors = []
    for how in (workers, None):
        done, _ = run(how, tmp_path, *CELLS)
        errors.append((str(done.error), done.cell))
        cells = [c for c in nbformat.read(done.path, as_version=4).cells if c.cell_type == "code"]
        for cell in cells:
            for output in cell.outputs:
                output.pop("traceback", None)  # colours and file names of the cells differ
        kept.append([(c.execution_count, c.metadata.get("tags"), c.outputs) for c in cells])
    assert errors[0] == errors[1] == ("ZeroDivisionError: division by zero", 7)
    assert kept[0] == kept[1]
    kinds = [o.output_type for _, _, outputs in kept[0] for o in outputs]
    assert kinds == ["display_data", "stream", "stream", "execute_result", "execute_result", "error"]


def test_an_error_of_the_kit_speaks_without_a_traceback(tmp_path: Path, workers: Workers) -> None:
    source = "import audit; audit.open_chapter('roles', orders='/nowhere/at/all.csv')"
    done, outputs = run(workers, tmp_path, source)
    assert "/nowhere/at/all.csv" in str(done.error) and "Error" not in str(done.error)
    assert outputs[-1].output_type == "error" and not any("Traceback" in line for line in outputs[-1].traceback)


def test_the_end_of_a_process_is_told_and_saved(tmp_path: Path) -> None:
    workers = Workers.start(1)
    assert workers is not None
    try:
        deadly = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        with pytest.raises(Lost):
            workers.execute("data", *notebook(tmp_path, deadly), {"x": 2})
        done, _ = run(workers, tmp_path, deadly)
        assert "kernel ended" in str(done.error) and done.path.is_file(), "a kernel tries once more, and tells"
        done, outputs = run(workers, tmp_path, "print(x)")
        assert done.error is None and printed(outputs) == 2, "kernels go on where no process is left"
    finally:
        workers.close()


def test_processes_that_were_asked_nothing_end_at_once() -> None:
    workers = Workers.start(2)  # they still import
    assert workers is not None
    process = workers._processes[0]
    began = time.monotonic()
    workers.close()
    assert process.returncode is not None and time.monotonic() - began < 4, "a wrong file name is told without a wait"


def test_notebooks_of_one_process_share_the_case(workers: Workers, tmp_path: Path) -> None:
    case = make_case([{"order_id": "1", "order_date": "2025-01-10", "client": "A", "amount": 100.0}])
    source = "import audit; case = audit.open_case(prepared={folder!r}, lang={lang!r}); print(id(case))"
    ids = [
        printed(run(workers, tmp_path, source.format(folder=str(case.folder), lang=lang))[1])
        for lang in ("en", "en", "ru")
    ]
    assert ids[0] == ids[1] != ids[2], "other settings are another case"


@pytest.mark.parametrize("closed", [False, True])
def test_a_step_is_done_here_where_the_other_process_is_lost(closed: bool) -> None:
    class Gone(Workers):
        def draw(self, charts: Path) -> None:
            raise Lost

    workers, steps = Gone([], []), Clock(lambda event: None)
    workers.closed = closed
    if closed:
        with pytest.raises(Lost):  # the run itself ends
            _elsewhere("pictures", lambda w: w.draw(Path()), steps, workers)
    else:
        assert not _elsewhere("pictures", lambda w: w.draw(Path()), steps, workers)
        assert not _elsewhere("pictures", lambda w: w.draw(Path()), steps, None)


def test_kernels_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KM_AUDIT_KERNELS", "fresh")
    assert Workers.start(2) is None
    source = "import audit, ipykernel.kernelapp as k; print(int(k.IPKernelApp.initialized()) + x)"
    done, outputs = run(None, tmp_path, source)
    assert done.error is None and printed(outputs) == 3


def test_processes_that_cannot_be_forked_import_for_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KM_AUDIT_KERNELS", "spawned")
    workers = Workers.start(1)
    assert workers is not None
    try:
        noisy = "import os; os.write(1, b'a library talks')\n" + STATE
        done, outputs = run(workers, tmp_path, noisy)
        assert done.error is None and printed(outputs)["x"] == 2, "what a library prints is no answer"
    finally:
        workers.close()


def test_two_run_at_once(tmp_path: Path) -> None:
    workers = Workers.start(2)
    assert workers is not None
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    meet = (
        "import pathlib, time\n"
        "(pathlib.Path({mine!r}) / 'here').touch()\n"
        "end = time.monotonic() + 60\n"
        "while not (pathlib.Path({other!r}) / 'here').exists():\n"
        "    assert time.monotonic() < end\n"
        "    time.sleep(0.01)\n"
    )
    told: list[Execution] = []
    threads = [
        threading.Thread(
            target=lambda m=m, o=o: told.append(run(workers, m, meet.format(mine=str(m), other=str(o)))[0])
        )
        for m, o in (folders, folders[::-1])
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        workers.close()
    assert [d.error for d in told] == [None, None]


def test_closing_ends_a_notebook_that_is_running(tmp_path: Path) -> None:
    workers = Workers.start(1)
    assert workers is not None
    source, target = notebook(tmp_path, f"open({str(tmp_path / 'begun')!r}, 'w').close(); import time; time.sleep(600)")
    told: list[str] = []

    def ask() -> None:
        try:
            workers.execute("data", source, target, {})
        except Lost:
            told.append("lost")

    thread = threading.Thread(target=ask)
    thread.start()
    end = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < end:
        time.sleep(0.05)
    began = time.monotonic()
    workers.close()
    assert time.monotonic() - began < 4, "it ends by itself, nobody has to kill it"
    thread.join(timeout=20)
    assert told == ["lost"] and workers.closed
    with pytest.raises(Lost):
        workers.execute("data", source, target, {})


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
from pathlib import Path
from audit.run.workers import Workers
workers = Workers.start(2)
for name in ("a", "b"):
    workers.execute("data", Path(sys.argv[1]), Path(sys.argv[2]) / f"{name}.ipynb", {})
print(json.dumps([p.pid for p in workers._processes]), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    source, _ = notebook(tmp_path, "import os; open(f'{x}-{os.getpid()}', 'w').close()")
    done = subprocess.run(
        [sys.executable, "-c", script, str(source), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=kernel_environment(),
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL
    pids = [*json.loads(done.stdout), *(int(p.name[2:]) for p in tmp_path.glob("1-*"))]
    assert len(set(pids)) == 2
    end = time.monotonic() + 20
    while not all(gone(p) for p in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert [p for p in pids if not gone(p)] == []


def test_a_kernel_that_does_not_start_is_started_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_client.manager import AsyncKernelManager

    begun = AsyncKernelManager.start_kernel
    tries = []

    async def taken(self: Any, **kwargs: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("Address already in use")
        await begun(self, **kwargs)

    monkeypatch.setattr(AsyncKernelManager, "start_kernel", taken)
    source, target = notebook(tmp_path, "print(x)")
    done = execute_notebook("data", source, target, {"x": 2})
    assert done.error is None and len(tries) == 2
