"""Which processes a process has started, and whether they have ended; Linux only."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the living descendants of a process, whatever sessions they made for themselves."""
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except OSError:
        return []
    return [int(p) for p in told] + [q for p in told for q in children(int(p))]


def ended(pid: int) -> bool:
    """Tell whether a process is gone; a zombie that nobody has waited for runs no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def outliving(family: Iterable[int], seconds: float = 20) -> list[int]:
    """Wait for processes to end and return those that did not."""
    left = list(family)
    end = time.monotonic() + seconds
    while (left := [p for p in left if not ended(p)]) and time.monotonic() < end:
        time.sleep(0.05)
    return left
