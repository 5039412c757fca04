"""What a run tells while it works, and how long its steps take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Clock", "Event", "Watcher"]


@dataclass(frozen=True, slots=True)
class Event:
    """What the run is doing, for the progress display."""

    step: str
    state: Literal["start", "done", "failed", "note"]
    seconds: float = 0.0
    detail: str = ""


Watcher = Callable[[Event], None]


@dataclass
class Clock:
    """Tells ``watch`` of the steps of a run, and keeps the seconds of each."""

    watch: Watcher
    timings: dict[str, float] = field(default_factory=dict)

    def step(self, name: str) -> _Step:
        """Return a step to be gone through by ``with``."""
        return _Step(self, name)


@dataclass
class _Step:
    clock: Clock
    name: str
    started: float = 0.0

    def __enter__(self) -> _Step:
        """Return a step to be gone through by ``with``."""
        self.started = time.perf_counter()
        self.clock.watch(Event(self.name, "start"))
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        seconds = time.perf_counter() - self.started
        self.clock.timings[self.name] = round(seconds, 3)
        self.clock.watch(Event(self.name, "failed" if kind else "done", seconds))
