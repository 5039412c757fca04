"""The standing attack, with a seed of its own every time; ``KM_AUDIT_ATTACK_SECONDS`` and ``…_SEED`` change it."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import pytest

from benchmarks.attack import attack


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of memory and processor time are those of Unix")
def test_nothing_breaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seconds = float(os.environ.get("KM_AUDIT_ATTACK_SECONDS", "15"))
    seed = int(os.environ.get("KM_AUDIT_ATTACK_SEED") or secrets.randbits(32))
    with capsys.disabled():
        print(f"\nattack of {seconds:.0f} s, seed {seed}: ", end="", flush=True)
        figures = attack(seconds, seed, tmp_path)
        print(f"{figures.cases} cases, {len(figures.broken)} broken", flush=True)
    assert figures.broken == [], f"python -m benchmarks.attack --seconds {seconds:.0f} --seed {seed} --keep DIR"
    assert figures.cases > 0
