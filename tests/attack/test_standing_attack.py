"""The standing attack, with a seed of its own every time; ``KM_AUDIT_ATTACK_SECONDS`` and ``…_SEED`` change it."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audit.intake import assemble, delimited
from benchmarks.attack import attack
from tests.attack import oracles
from tests.attack.cases import Case, Truth
from tests.attack.oracles import Verdict, strike


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


ROWS = "Номер;Дата;Контрагент;Сумма\n1;2024-02-01;А;100.50\n2;2024-03-14;Б;200.10\n"


def test_the_oracles_see_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong sums, lost rows, another figure in another shape, a mistake of ours: each is told as broken."""
    right = Case("clean", {"o.csv": ROWS.encode()}, truth=Truth(2, Decimal("300.60")))

    def struck(**changes: Any) -> Verdict:
        return strike(replace(right, **changes), Path(tempfile.mkdtemp(dir=tmp_path)))

    assert struck().end == "read"
    assert "301" in struck(truth=Truth(2, Decimal(301))).broken
    assert "2 rows of 3" in struck(truth=Truth(3, Decimal("300.60"))).broken
    twin = {"p.csv": ROWS.replace("100.50", "100.51").encode()}
    assert "order: other orders" in struck(twin=twin, relation="order").broken
    assert "refused" in struck(files={"o.csv": b"a;b\n1;2\n"}).broken

    def mistaken(*args: object, **options: object) -> None:
        raise KeyError("amount")

    monkeypatch.setattr(oracles, "read_orders", mistaken)
    assert struck().broken.startswith("KeyError")
    monkeypatch.undo()
    monkeypatch.setattr(assemble, "plan_table", mistaken)
    assert "KeyError at assemble.py" in struck().broken
    monkeypatch.undo()
    monkeypatch.setattr(delimited, "DELIMITERS", None)
    assert struck().broken.startswith("hidden by the guard: TypeError")
