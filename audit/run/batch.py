"""Many engagements, a few at a time, each in a process of its own: one that fails or crashes does not stop the rest.

Every engagement is run exactly as ``km-audit run DIR`` would, and leaves the same below ``DIR/runs``. The batch as a
whole ends with 0 when every audit is whole, with 3 when some failed or lack a chapter, with 1 when none could be made.
"""

from __future__ import annotations

import glob
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from audit.errors import Lang, ParameterError, Text, current_language, set_language
from audit.run.kernels import kernel_environment
from audit.run.peers import add_peers, anonymous_row, read_peers

__all__ = ["BatchRow", "exit_code", "expand_folders", "run_batch", "told_apart"]


@dataclass(frozen=True)
class BatchRow:
    """How one engagement went. ``status``: done, failed_chapters (report made, chapters named in error) or error."""

    folder: str
    company: str
    status: Literal["done", "failed_chapters", "error"]
    found: int = 0
    watch: int = 0
    clear: int = 0
    unclear: int = 0
    not_assessed: int = 0
    report: str = ""
    error: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def expand_folders(given: Sequence[str | Path]) -> list[Path]:
    """Return the engagement folders, each once, in the order given; patterns are expanded where the shell did not."""
    out: dict[Path, None] = {}
    for item in given:
        text = str(item)
        if any(c in text for c in "*?[") and not Path(text).exists():
            matched = sorted(p for p in map(Path, glob.glob(text)) if p.is_dir())
            if not matched:
                raise ParameterError(
                    Text(f"Под образец {text} не подошла ни одна папка", f"No folder matches the pattern {text}"),
                    where="batch",
                )
            for path in matched:
                out.setdefault(path)
        else:
            out.setdefault(Path(text))
    resolved: dict[Path, Path] = {}
    for path in out:
        resolved.setdefault(path.resolve(), path)
    return list(resolved.values())


def told_apart(folders: Sequence[Path]) -> list[str]:
    """Return a name for each folder: as many of the last parts of its path as no other of them shares.

    >>> told_apart([Path("clients/acme/2024"), Path("clients/beta/2024"), Path("gamma")])
    ['acme/2024', 'beta/2024', 'gamma']
    """
    parts = [p.resolve().parts for p in folders]

    def last(of: tuple[str, ...], n: int) -> str:
        return "/".join(of[-n:])

    out = []
    for mine in parts:
        n = next((n for n in range(1, len(mine)) if sum(last(p, n) == last(mine, n) for p in parts) == 1), len(mine))
        out.append(last(mine, n))
    return out


def exit_code(rows: Sequence[BatchRow]) -> int:
    """Return 0 when every audit is whole, 1 when none could be made, 3 in between."""
    if all(r.status == "done" for r in rows):
        return 0
    return 1 if all(r.status == "error" for r in rows) else 3


def run_batch(
    folders: Sequence[Path],
    *,
    jobs: int = 2,
    lang: Lang | None = None,
    deck: bool = False,
    benchmarks: Path | None = None,
    on_start: Callable[[Path], None] | None = None,
    on_end: Callable[[BatchRow], None] | None = None,
) -> list[BatchRow]:
    """Run the audits, at most ``jobs`` at once, and return how each went, in the order given.

    ``benchmarks``: each report says where its figures stand among the companies of that file, as it was at the start;
    at the end the anonymous figures of the audits made whole are kept in it.

    An interruption (Ctrl-C) stops the processes it started and leaves finished audits as they are.
    """
    if benchmarks is not None:
        read_peers(benchmarks)  # one that cannot be read is told before hours of work
    living: set[subprocess.Popen[str]] = set()
    lock = threading.Lock()
    stopped = threading.Event()

    def one(folder: Path) -> BatchRow:
        if stopped.is_set():
            return BatchRow(str(folder), folder.name, "error")
        if on_start is not None:
            on_start(folder)
        command = [sys.executable, "-m", "audit", "run", str(folder), "--json", "--jobs", "2" if jobs == 1 else "1"]
        command += ["--lang", lang] if lang else []
        command += ["--deck"] if deck else []
        command += ["--benchmarks", str(benchmarks)] if benchmarks is not None else []
        env = kernel_environment() | {"PYTHONIOENCODING": "utf-8", "KM_AUDIT_LANG": current_language()}
        started = time.perf_counter()
        with lock:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            living.add(process)
        try:
            out, err = process.communicate()
        finally:
            with lock:
                living.discard(process)
        row = _row(folder, process.returncode, out, err, time.perf_counter() - started)
        if on_end is not None and not stopped.is_set():
            on_end(row)
        return row

    rows: dict[Path, BatchRow] = {}
    with ThreadPoolExecutor(max(1, jobs), initializer=set_language, initargs=(current_language(),)) as pool:
        futures = {pool.submit(one, folder): folder for folder in folders}
        try:
            for future in as_completed(futures):
                rows[futures[future]] = future.result()
        except BaseException:
            stopped.set()
            with lock:
                for process in living:
                    process.terminate()
            raise
    if benchmarks is not None:
        whole = [(folder, rows[folder]) for folder in folders if rows[folder].status == "done"]
        add_peers(benchmarks, [anonymous_row(folder, _findings_of(row)) for folder, row in whole])
    return [rows[folder] for folder in folders]


def _findings_of(row: BatchRow) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((Path(row.report).parent / "findings.json").read_text(encoding="utf-8"))
    return told


def _row(folder: Path, code: int, out: str, err: str, seconds: float) -> BatchRow:
    try:
        told = json.loads(out)
    except ValueError:
        told = {}
    if not isinstance(told, dict) or told.get("status") not in ("done", "failed_chapters"):
        return BatchRow(str(folder), folder.name, "error", error=_why(told, code, err), seconds=round(seconds, 1))
    counts = told["findings"]
    failed = "; ".join(f"{f['chapter']}: {f['error']}" for f in told["failed"])
    return BatchRow(
        str(folder),
        _company(Path(told["run"]), folder),
        told["status"],
        counts["found"],
        counts["watch"],
        counts["clear"],
        counts["unclear"],
        counts["not_assessed"],
        told["report_html"],
        failed,
        round(seconds, 1),
    )


def _why(told: object, code: int, err: str) -> str:
    """Return one line that says why an engagement failed."""
    if isinstance(told, dict) and told.get("message"):
        where = f" ({told['where']})" if told.get("where") else ""
        return f"{told['message']}{where}"
    if code < 0:
        return str(Text(f"процесс остановлен сигналом {-code}", f"the process was stopped by signal {-code}"))
    last = [line.strip() for line in err.splitlines() if line.strip()]
    return last[-1] if last else str(Text(f"код завершения {code}", f"exit code {code}"))


def _company(run: Path, folder: Path) -> str:
    try:
        told = json.loads((run / "findings.json").read_text(encoding="utf-8"))
        return str(told["company"]["name"]) or folder.name
    except (OSError, ValueError, KeyError, TypeError):
        return folder.name
