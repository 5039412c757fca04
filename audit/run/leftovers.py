"""What a killed process leaves behind: found by the number in its name, removed by the next start, and told.

Everything half-made lies beside its final place under a name that carries the maker's process number. A folder whose
maker still lives is left alone; one older than two days goes in any case, for numbers are used again.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "MAKING",
    "PARTIAL",
    "PRIVATE",
    "RENDERING",
    "alive",
    "claimed",
    "private_file",
    "private_folder",
    "sweep",
    "sweep_private",
]

PARTIAL = ".km-audit-partial-"
"""A run being made: ``.km-audit-partial-<name>-<pid>``."""
MAKING = ".making-"
"""Data being prepared: ``.making-<pid>-<random>``."""
RENDERING = ".km-audit-render-"
"""A report being rendered again: ``.km-audit-render-<pid>-<random>``."""
PRIVATE = "km-audit-"
"""A client's data in the system's temporary folder: ``km-audit-<pid>-<random>``.

Prepared data of a run without a folder of its own; DuckDB's spill; how to reach a kernel.
"""

_TOO_OLD_S = 2 * 24 * 3600


def alive(pid: int) -> bool:
    """Tell whether a process lives."""
    if sys.platform == "win32":  # signal 0 would end the process there
        import ctypes

        kernel32 = ctypes.windll.kernel32
        handle = kernel32.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if not handle:
            return False
        code = ctypes.c_ulong()
        kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel32.CloseHandle(handle)
        return code.value == 259  # STILL_ACTIVE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def private_folder() -> Path:
    """Make a folder that only this user can read, named so that a later start can remove it if we are killed."""
    return Path(tempfile.mkdtemp(prefix=f"{PRIVATE}{os.getpid()}-"))


def private_file(suffix: str) -> Path:
    """Return a new name in the temporary folder for a file that a later start removes if we are killed."""
    return Path(tempfile.gettempdir()) / f"{PRIVATE}{os.getpid()}-{uuid.uuid4().hex}{suffix}"


def _maker(name: str, prefix: str) -> int | None:
    rest = name[len(prefix) :]
    number = rest.rsplit("-", 1)[-1] if prefix == PARTIAL else rest.split("-", 1)[0]
    return int(number) if number.isdigit() else None


def _left(folder: Path, prefix: str) -> Iterator[Path]:
    for path in folder.glob(f"{prefix}*"):
        pid = _maker(path.name, prefix)
        if pid is None and prefix == PRIVATE:
            continue  # not of this kind: the prefix is shared with other temporary folders
        try:
            old = time.time() - path.lstat().st_mtime > _TOO_OLD_S
        except OSError:
            continue
        if pid is None or old or (pid != os.getpid() and not alive(pid)):
            yield path


def claimed(folder: Path, name: str) -> bool:
    """Tell whether another living process is making the run of that name in a folder."""
    made = {p.name for p in folder.iterdir() if p.name.rpartition("-")[0] == f"{PARTIAL}{name}"}
    return bool(made - {f"{PARTIAL}{name}-{os.getpid()}"} - {p.name for p in _left(folder, PARTIAL)})


def sweep(folder: Path, prefix: str) -> list[str]:
    """Remove what killed processes left in a folder under a prefix; return the names of what was removed."""
    gone = []
    if folder.is_dir():
        for path in _left(folder, prefix):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            if not path.exists():
                gone.append(path.name)
    return gone


def sweep_private() -> list[str]:
    """Remove prepared client data that killed processes of this user left in the temporary folder."""
    return sweep(Path(tempfile.gettempdir()), PRIVATE)
