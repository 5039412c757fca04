"""The counting behind benchmarks/diagnosis.md, by hand; and that every finding of the catalogue has a plant."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from audit.method import method
from benchmarks.diagnosis import Outcome, mistakes, summary, table, wrongly
from benchmarks.second_world import IMPLIED, PLANTS, healthy, write


def outcome(name: str, planted: tuple[str, ...] = (), implied: tuple[str, ...] = (), **found: str) -> Outcome:
    statuses = dict.fromkeys(method().findings, "clear") | {k.replace("__", "."): v for k, v in found.items()}
    return Outcome(name, "second", "TC", 100, planted, dict.fromkeys(implied, "because"), statuses)


def test_hits_misses_and_false_alarms_by_hand() -> None:
    late, owner, keys = "service.late", "service.no_owner", "keys.no_file"
    done = [
        outcome("hit", (late,), service__late="found"),
        outcome("watched", (late,), service__late="watch"),
        outcome("with what it implies", (keys,), (owner,), keys__no_file="found", service__no_owner="found"),
        outcome("false on another's", (keys,), keys__no_file="found", service__late="found"),
        outcome("false on a healthy one", service__late="found"),
        outcome("healthy"),
    ]
    row = next(line for line in table(done) if f"`{late}`" in line)
    cells = [c.strip() for c in row.strip("|").split("|")]
    # Two planted: one hit, one watched, none missed. Found on one of two healthy ones and on one other sick one.
    assert cells[1:5] == ["2", "1", "1", "0"] and cells[6] == "1 of 2" and cells[8] == "1"
    assert cells[5].startswith("0.50") and cells[9].startswith("0.33")  # 1 of 2 planted; 1 of 3 found
    assert wrongly(done[2]) == [] and wrongly(done[3]) == [late]
    assert len(mistakes(done[1])) == 1 and mistakes(done[0]) == []
    both = next(line for line in summary(done) if line.startswith("| both"))
    # Six companies, two healthy, one of them with a false alarm; 4 planted, 3 hit; 3 of 5 found are right.
    assert both.startswith("| both | 6 | 2 | 1: 0.50") and "| 4 | 0.75" in both and "0.60" in both


def test_every_finding_has_a_plant_and_what_it_implies_exists() -> None:
    assert set(PLANTS) == set(method().findings)
    assert set(IMPLIED) <= set(PLANTS)
    assert {f for along in IMPLIED.values() for f in along} <= set(PLANTS)


def test_the_second_world_is_the_same_every_time(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(healthy("x", "TC", 5, 40, 2), tmp_path / folder)
    assert (tmp_path / "a" / "orders.csv").read_bytes() == (tmp_path / "b" / "orders.csv").read_bytes()
    orders = pd.read_csv(tmp_path / "a" / "orders.csv")
    assert orders["client_id"].nunique() > 30 and (orders.loc[orders["kind"] == "return", "amount"] < 0).all()
