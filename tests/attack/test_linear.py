"""A cell may hold 32,767 letters: every pattern over a client's text takes them in time linear in their number."""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import FrameType, ModuleType

import pytest

import audit

LENGTH = 16_000
"""Enough to tell: what grows with the square takes seconds."""
ATOMS = (
    "x",
    "Ж",
    " ",
    "\u00a0",
    "1",
    "-",
    ".",
    ",",
    "(",
    "[",
    "<",
    "№",
    "\n",
    '"',
    "1 ",
    "1.",
    "1,",
    "x ",
    "x.",
    "a-",
    "№ ",
    "от ",
    "1 от ",
    "1 of 1.",
    "(1",
    "( ",
    "2024-01-01 ",
    "ооо ",
    '<c r="A1" ',
    "</f> ",
    "х1",
    "A=",
    "/1",
)
FRAMES = (("", ""), ("", "!"), ("1", "x"), ("итого ", "\n!"))
SECONDS = 0.25
LAYERS = ("audit.intake", "audit.model", "audit.ground", "audit.settings", "audit.method")


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(audit.__path__, "audit."):
        if found.name.startswith(LAYERS):
            yield importlib.import_module(found.name)


def patterns() -> list[tuple[str, re.Pattern, str]]:
    """Every pattern of the readers with the way it is used: its module says so."""
    out = {}
    for module in modules():
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                for way in set(re.findall(rf"\b{name}\.(search|match|fullmatch|sub|findall|finditer|split)\b", source)):
                    out[f"{module.__name__}.{name}.{way}"] = (value, way)
    return [(k, *v) for k, v in sorted(out.items())]


def attacks(pattern: re.Pattern) -> Iterator[str]:
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    words = re.findall(r"(?<!\\)[A-Za-zА-Яа-яё]{2,}", text)[:6]
    for atom, (before, after) in product((*ATOMS, *words, *(f"{w} " for w in words)), FRAMES):
        yield before + (atom * LENGTH)[:LENGTH] + after


def slow(signum: int, frame: FrameType | None) -> None:
    raise TimeoutError


def use(pattern: re.Pattern, way: str, text: str) -> None:
    given = text.encode() if isinstance(pattern.pattern, bytes) else text
    if way == "sub":
        pattern.sub(lambda m: given[:0], given)
    elif way == "finditer":
        list(pattern.finditer(given))
    else:
        getattr(pattern, way)(given)


@pytest.mark.skipif(sys.platform == "win32", reason="no timer signals")
@pytest.mark.parametrize(("name", "pattern", "way"), patterns(), ids=[p[0] for p in patterns()])
def test_a_pattern_takes_a_long_cell_in_linear_time(name: str, pattern: re.Pattern, way: str) -> None:
    before = signal.signal(signal.SIGVTALRM, slow)
    worst, at = 0.0, ""
    try:
        for text in attacks(pattern):
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS * 8)
            begin = time.process_time()
            try:
                use(pattern, way, text)
            except TimeoutError:
                pytest.fail(f"longer than {SECONDS * 8} s on {text[:24]!r}…")
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            worst, at = max((worst, at), (time.process_time() - begin, text[:24]))
    finally:
        signal.signal(signal.SIGVTALRM, before)
    assert worst < SECONDS, f"{worst:.2f} s on {at!r}…"
