"""Killed at any moment, or out of disk: earlier runs intact, nothing half-written in sight, the next start cleans up."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.resources import resource_dir
from audit.run.kernels import kernel_environment
from audit.run.leftovers import MAKING, PARTIAL, PRIVATE, RENDERING, sweep
from tests.run.processes import children, outliving

posix = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")


def engagement(folder: Path) -> Path:
    (folder / "orders").mkdir(parents=True)
    lines = ["order_id;order_date;client_id;amount"]
    lines += [f"{i};2024-{1 + i % 12:02d}-{1 + i % 27:02d};C{i % 40};{100 + i}" for i in range(4000)]
    (folder / "orders" / "o.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def start(folder: Path) -> subprocess.Popen[str]:
    env = kernel_environment() | {"KM_AUDIT_LANG": "en", "PYTHONIOENCODING": "utf-8"}
    if (folder.parent / "tmp").is_dir():  # a temporary folder of our own shows what is left in it
        env["TMPDIR"] = str(folder.parent / "tmp")
    return subprocess.Popen(
        [sys.executable, "-m", "audit", "run", str(folder), "--chapter", "data"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=env,
        cwd=resource_dir("notebooks").parent,
    )


def finish(folder: Path) -> tuple[int, str]:
    process = start(folder)
    out, err = process.communicate(timeout=300)
    return process.returncode, out + err


def snapshot(run: Path) -> dict[str, bytes]:
    return {p.relative_to(run).as_posix(): p.read_bytes() for p in sorted(run.rglob("*")) if p.is_file()}


def visible(folder: Path) -> set[str]:
    return {p.name for p in (folder / "runs").iterdir() if not p.name.startswith(".")}


def stage_of(folder: Path) -> Path | None:
    return next(iter((folder / "runs").glob(f"{PARTIAL}*")), None)


def in_intake(folder: Path) -> bool:
    return any((folder / ".km-audit" / "prepared").glob(f"{MAKING}*"))


def in_a_chapter(folder: Path) -> bool:
    stage = stage_of(folder)
    return stage is not None and any((stage / "notebooks").glob("*.ipynb"))


def in_rendering(folder: Path) -> bool:
    stage = stage_of(folder)
    return stage is not None and (stage / "report.json").is_file()


def kill_when(folder: Path, moment: Callable[[Path], bool]) -> None:
    process = start(folder)
    try:
        end = time.monotonic() + 240
        while not moment(folder):
            assert process.poll() is None, "".join(process.communicate())
            assert time.monotonic() < end
            time.sleep(0.002)
        family = children(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert outliving(family) == [], "kernels outlive the run"


@posix
@pytest.mark.slow
def test_killed_in_intake_in_a_chapter_and_in_rendering(tmp_path: Path) -> None:
    folder = engagement(tmp_path / "acme")
    (tmp_path / "tmp").mkdir()
    code, said = finish(folder)
    assert code == 0, said
    assert list((tmp_path / "tmp").glob(f"{PRIVATE}*")) == []
    run = (folder / "runs" / "latest").resolve()
    before, seen = snapshot(run), visible(folder)
    shutil.rmtree(folder / ".km-audit")  # the intake has to be done again
    for moment in (in_intake, in_a_chapter, in_rendering):
        kill_when(folder, moment)
        assert snapshot(run) == before, "the earlier run is intact"
        assert visible(folder) == seen, "nothing half-written stands among the runs"
        assert (folder / "runs" / "latest").resolve() == run
        assert stage_of(folder) is not None
    code, said = finish(folder)
    assert code == 0, said
    assert "Removed what an interrupted run left" in said
    assert stage_of(folder) is None and not in_intake(folder)
    assert list((tmp_path / "tmp").glob(f"{PRIVATE}*")) == [], "a client's figures stay in no temporary folder"
    assert snapshot(run) == before
    assert len(visible(folder)) == len(seen) + 1
    assert (folder / "runs" / "latest").resolve() != run


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB; needs root."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        # a full disk cannot be had without one, and nobody is asked for root
        pytest.skip("mounting a small file system needs root on Linux")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if done.returncode != 0:
        # containers often forbid it, to root as well
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.slow
@pytest.mark.parametrize("left", [4_000, 500_000], ids=["no room for the data", "no room for the report"])
def test_a_full_disk_harms_no_earlier_run(small_disk: Path, left: int) -> None:
    folder = engagement(small_disk / "acme")
    code, said = finish(folder)
    assert code == 0, said
    run = (folder / "runs" / "latest").resolve()
    before, seen = snapshot(run), visible(folder)
    if left < 10_000:
        shutil.rmtree(folder / ".km-audit")
    free = shutil.disk_usage(small_disk).free
    (small_disk / "ballast").write_bytes(b"\0" * max(0, free - left))
    code, said = finish(folder)
    assert code in (1, 3), said
    assert "Traceback" not in said
    assert snapshot(run) == before
    if code == 1:
        assert visible(folder) == seen
        assert stage_of(folder) is None, "what was half-made is gone"
    (small_disk / "ballast").unlink()
    code, said = finish(folder)
    assert code == 0, said


def test_only_leftovers_of_dead_processes_go(tmp_path: Path) -> None:
    dead, own = 999_999_999, os.getpid()
    names: dict[str, tuple[str, bool]] = {
        f"{PARTIAL}20250101T000000Z-2-{dead}": (PARTIAL, True),
        f"{PARTIAL}20250101T000000Z-{own}": (PARTIAL, False),
        f"{MAKING}{dead}-abc": (MAKING, True),
        f"{MAKING}abc": (MAKING, True),  # of an older version, without a number
        f"{RENDERING}{dead}-x": (RENDERING, True),
        f"{PRIVATE}{dead}-x_y": (PRIVATE, True),
        f"{PRIVATE}{own}-x": (PRIVATE, False),
        f"{PRIVATE}demo": (PRIVATE, False),  # a user's own folder
    }
    for name in names:
        (tmp_path / name / "inside").mkdir(parents=True)
    gone: list[str] = []
    for prefix in (PARTIAL, MAKING, RENDERING, PRIVATE):
        gone += sweep(tmp_path, prefix)
    assert sorted(gone) == sorted(n for n, (_, goes) in names.items() if goes)
    assert {p.name for p in tmp_path.iterdir()} == {n for n, (_, goes) in names.items() if not goes}
    old = tmp_path / f"{PARTIAL}x-{own}"
    os.utime(next(tmp_path.glob(f"{PARTIAL}*-{own}")), (0, 0))
    assert sweep(tmp_path, PARTIAL) and not old.exists(), "numbers are used again: two days are enough"


@posix
def test_prepared_client_data_of_a_killed_process_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from audit.run.leftovers import private_folder, sweep_private

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine: Any = private_folder()
    assert (mine.stat().st_mode & 0o777) == 0o700, "only this user can read a client's data"
    left = tmp_path / f"{PRIVATE}999999999-abc"
    left.mkdir()
    assert sweep_private() == [left.name]
    assert mine.is_dir() and not left.exists()
