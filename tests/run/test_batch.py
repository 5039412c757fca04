"""Many engagements: bounded, in order, and one that fails or crashes does not stop the rest."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from audit.errors import ParameterError, set_language
from audit.run import batch
from audit.run.batch import BatchRow, exit_code, expand_folders, run_batch, told_apart
from audit.run.kernels import kernel_environment


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


STAND_IN = """
import json, os, signal, sys, time
folder = sys.argv[sys.argv.index("run") + 1]
name = os.path.basename(folder)
open(os.path.join(folder, "started"), "w").close()
time.sleep(0.3)
if name == "bad":
    print(json.dumps({"status": "error", "message": "No orders", "where": "orders"})); sys.exit(1)
if name == "crash":
    os.kill(os.getpid(), signal.SIGKILL)
if name == "silent":
    sys.stderr.write("first\\nMemoryError\\n"); sys.exit(1)
run = os.path.join(folder, "runs", "1"); os.makedirs(run)
json.dump({"company": {"name": "Firm " + name}}, open(os.path.join(run, "findings.json"), "w"))
failed = [{"chapter": "roles", "error": "KeyError: x", "notebook": "n"}] if name == "part" else []
print(json.dumps({"status": "failed_chapters" if failed else "done", "run": run, "failed": failed,
                  "report_html": os.path.join(run, "report.html"),
                  "findings": {"found": 2, "watch": 1, "clear": 3, "unclear": 5, "not_assessed": 4}}))
sys.exit(3 if failed else 0)
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a small program in the place of ``km-audit run``: what is tested here is the batch, not the audit."""
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN, encoding="utf-8")
    real = subprocess.Popen

    def start(command: list[str], **options: Any) -> Any:
        assert command[1:4] == ["-m", "audit", "run"]
        return real([command[0], str(script), *command[3:]], **options)

    monkeypatch.setattr(batch.subprocess, "Popen", start)
    return tmp_path


def folders(root: Path, *names: str) -> list[Path]:
    for name in names:
        (root / name).mkdir()
    return [root / n for n in names]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_every_engagement_gets_its_row_in_the_order_given(stand_in: Path) -> None:
    rows = run_batch(folders(stand_in, "good", "bad", "crash", "part", "silent"), jobs=3)
    assert [Path(r.folder).name for r in rows] == ["good", "bad", "crash", "part", "silent"]
    assert [r.status for r in rows] == ["done", "error", "error", "failed_chapters", "error"]
    good, bad, crash, part, silent = rows
    assert (good.company, good.found, good.watch, good.clear, good.unclear, good.not_assessed) == (
        "Firm good",
        2,
        1,
        3,
        5,
        4,
    )
    assert good.report.endswith("report.html") and good.error == "" and good.seconds >= 0.3
    assert bad.error == "No orders (orders)"
    assert str(int(signal.SIGKILL)) in crash.error
    assert part.error == "roles: KeyError: x" and part.report
    assert silent.error == "MemoryError"
    assert exit_code(rows) == 3


def test_exit_codes() -> None:
    done, part, error = (BatchRow("d", "c", s) for s in ("done", "failed_chapters", "error"))  # type: ignore[arg-type]
    assert exit_code([done, done]) == 0
    assert exit_code([done, part]) == 3
    assert exit_code([done, error]) == 3
    assert exit_code([error, error]) == 1


def test_no_more_at_once_than_asked(stand_in: Path) -> None:
    living, most = 0, 0
    lock = threading.Lock()

    def change(by: int) -> None:
        nonlocal living, most
        with lock:
            living += by
            most = max(most, living)

    rows = run_batch(
        folders(stand_in, *(f"g{i}" for i in range(5))),
        jobs=2,
        on_start=lambda _: change(1),
        on_end=lambda _: change(-1),
    )
    assert len(rows) == 5 and most == 2


def test_an_interruption_stops_what_was_started(stand_in: Path) -> None:
    def interrupt(_: BatchRow) -> None:
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_batch(folders(stand_in, *(f"g{i}" for i in range(8))), jobs=1, on_end=interrupt)
    assert time.monotonic() - started < 8 * 0.3 + 5
    assert sum((stand_in / f"g{i}" / "started").exists() for i in range(8)) < 8


def test_folders_once_each_and_patterns(tmp_path: Path) -> None:
    a, b = folders(tmp_path, "a1", "a2")
    (tmp_path / "a3").write_text("a file", encoding="utf-8")
    assert expand_folders([b, str(tmp_path / "a*"), f"{a}/../a1"]) == [b, a]
    assert expand_folders([tmp_path / "none"]) == [tmp_path / "none"], "a missing folder is told by its own run"
    with pytest.raises(ParameterError, match="No folder"):
        expand_folders([str(tmp_path / "z*")])


@pytest.mark.slow
def test_the_command_on_real_engagements(tmp_path: Path, root: Path) -> None:
    good, bad = folders(tmp_path, "good", "bad")
    (good / "orders").mkdir()
    lines = ["order_date;client_id;amount", *(f"2024-{1 + i % 12:02d}-11;C{i % 5};{i}" for i in range(40))]
    (good / "orders" / "o.csv").write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "audit", "batch", str(good), str(bad), "--json", "--lang", "en"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=root,
        timeout=600,
        env=kernel_environment() | {"PYTHONIOENCODING": "utf-8", "KM_AUDIT_LANG": "en"},
    )
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert [e["status"] for e in told["engagements"]] == ["done", "error"]
    assert Path(told["engagements"][0]["report"]).is_file()
    assert told["engagements"][1]["error"]


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    a, b, c = tmp_path / "acme" / "2024", tmp_path / "beta" / "2024", tmp_path / "gamma"
    assert told_apart([a, b, c]) == ["acme/2024", "beta/2024", "gamma"]
    assert told_apart([c]) == ["gamma"]
