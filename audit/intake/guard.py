"""One guard around every reader of files: whatever goes wrong inside it is an error that names the file.

Readers are other people's code, some of it native. It may raise anything (a panic of native code is no `Exception`),
write to the process's standard error, or end the process when a damaged file asks for more memory than there is. The
first is turned into an `InputError`, the second is hushed, and files whose extent is not known beforehand are first
opened in a child process with a limit of memory and time.
"""

from __future__ import annotations

import functools
import inspect
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from audit.errors import AuditError, InputError, Text

__all__ = ["failed", "guarded", "hushed", "reading", "survives"]

F = TypeVar("F", bound=Callable[..., Any])

SECONDS = 50
"""A workbook that takes longer to open is no export."""
MEMORY_BYTES = 2 * 2**30
_NOT_THE_FILE = (AuditError, KeyboardInterrupt, SystemExit, GeneratorExit)


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Turn any failure inside the block into an `InputError` about ``where``, the file and the place in it."""
    try:
        yield
    except _NOT_THE_FILE:
        raise
    except OSError as e:
        if e.errno is not None:  # the file system, not what stands in the file
            raise
        raise failed(where, e) from e
    except BaseException as e:
        raise failed(where, e) from e


def failed(where: str, cause: BaseException) -> InputError:
    """Return the error for a file at which its reader failed."""
    said = f"{type(cause).__name__}: {cause}".splitlines()[0][:120].rstrip(": ")
    return InputError(
        Text(
            f"Файл не читается: он повреждён или записан необычно ({said})",
            f"The file cannot be read: it is damaged or was written in an unusual way ({said})",
        ),
        where=where,
        todo=Text(
            "Откройте его в той программе, где он сделан, сохраните заново или выгрузите в CSV",
            "Open it in the program that made it and save it again, or export it as CSV",
        ),
    )


def guarded(method: F) -> F:
    """Put a reader's method, or a generator method, under the guard; the reader knows its own name."""
    if inspect.isgeneratorfunction(method):

        @functools.wraps(method)
        def rows(self: Any, *args: Any, **options: Any) -> Iterator[Any]:
            with reading(self.name):
                yield from method(self, *args, **options)

        return cast(F, rows)

    @functools.wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        with reading(self.name):
            return method(self, *args, **options)

    return cast(F, call)


_HUSHED = threading.RLock()


@contextmanager
def hushed() -> Iterator[None]:
    """Keep what native code writes to the process's standard error (its panics) out of sight."""
    with _HUSHED:
        try:
            kept = os.dup(2)
        except OSError:  # no standard error at all
            yield
            return
        try:
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


_CHILD = """
import sys
with __import__("contextlib").suppress(ImportError, ValueError, OSError):
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
import fastexcel
try:
    book = fastexcel.read_excel(open(sys.argv[1], "rb").read())  # a path would be read by its extension
    for name in book.sheet_names:
        book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
except MemoryError:
    raise
except Exception:
    pass  # said by whoever reads it next
"""


def survives(path: Path) -> bool:
    """Whether a workbook can be opened without ending the process: tried in a child, within `SECONDS` and memory."""
    with suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, str(path), str(MEMORY_BYTES)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode == 0
    return False
