"""The PDF from a process of its own: the same bytes, a way out when it dies, nothing left when we do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from audit.present.pdf import write_pdf
from audit.run.kernels import kernel_environment
from audit.run.printer import Printer
from tests.run.test_workers import ROOT, gone, linux

HTML = '<!DOCTYPE html><html lang="ru"><head><title>Ё</title></head><body><h2 id="a">Отчёт</h2></body></html>'


def test_it_prints_what_would_be_printed_here(tmp_path: Path) -> None:
    here = write_pdf(HTML, tmp_path / "here.pdf", "ru")
    with closing(Printer()) as printer:
        printer.start()
        printer.begin(HTML, tmp_path / "there.pdf", "ru")
        there = printer.result()
    assert there == here
    if here.engine == "WeasyPrint":
        assert (tmp_path / "there.pdf").read_bytes() == (tmp_path / "here.pdf").read_bytes()


@pytest.mark.parametrize("before", [True, False], ids=["before it is asked", "after"])
def test_a_lost_process_is_replaced_by_this_one(tmp_path: Path, before: bool) -> None:
    with closing(Printer()) as printer:
        printer.start()
        assert printer._process is not None
        if before:
            printer._process.kill()
            printer._process.wait()
        printer.begin(HTML, tmp_path / "r.pdf", "ru")
        if not before and printer._process is not None:
            printer._process.kill()
        assert printer.result().engine == write_pdf(HTML, tmp_path / "x.pdf", "ru").engine
    assert (tmp_path / "r.pdf").exists() == (tmp_path / "x.pdf").exists()


def test_closing_an_idle_one_ends_it(tmp_path: Path) -> None:
    printer = Printer()
    printer.start()
    process = printer._process
    printer.close()
    printer.close()
    assert process is not None and process.returncode is not None


@linux
@pytest.mark.parametrize("asked", [True, False])
def test_it_ends_with_the_process_that_started_it(tmp_path: Path, asked: bool) -> None:
    script = """
import json, os, signal, sys, time
from pathlib import Path
from audit.run.printer import Printer
printer = Printer()
printer.start()
if sys.argv[2] == "True":
    printer.begin("<p>long</p>" * 30000, Path(sys.argv[1]), "ru")
    time.sleep(1)
print(json.dumps(printer._process.pid), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "r.pdf"), str(asked)],
        stdout=subprocess.PIPE,
        text=True,
        env=kernel_environment(),
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL
    pid = json.loads(done.stdout)
    end = time.monotonic() + 20
    while not gone(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert gone(pid)
