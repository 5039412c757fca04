"""The page «Adding a finding» of CONTRIBUTING.md, followed to the letter on a copy of the tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pptx import Presentation

pytestmark = pytest.mark.slow

FENCE = re.compile(r"^```(?P<kind>toml|python|diff)\n(?P<body>.*?)^```$", re.S | re.M)


def follow(page: str, tree: Path) -> set[str]:
    """Do what the page says: add its blocks to the files they name, and make its changes; return the files."""
    touched = set()
    for block in FENCE.finditer(page):
        head, body = block["body"].split("\n", 1)
        if block["kind"] == "diff":
            name = head.removeprefix("--- ")
            old = "".join(f"{line[1:]}\n" for line in body.splitlines() if line.startswith("-"))
            new = "".join(f"{line[1:]}\n" for line in body.splitlines() if line.startswith("+"))
            text = (tree / name).read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{name} does not hold {old!r} once"
            text = text.replace(old, new)
        else:
            name = head.removeprefix("# add to: ")
            text = f"{(tree / name).read_text(encoding='utf-8')}\n\n{body}"
        (tree / name).write_text(text, encoding="utf-8")
        touched.add(name)
    return touched


def test_the_page_adds_a_finding_in_three_places_of_one_room(root: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for part in ("audit", "notebooks", "templates", "data_samples/khimsnab"):
        shutil.copytree(root / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(root / "pyproject.toml", tree / "pyproject.toml")
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    touched = follow(page.split("## Adding a finding")[1].split("\n## ")[0], tree)
    room = "audit/chapters/clients"
    assert touched == {f"{room}/room.toml", f"{room}/measure.py", "templates/narrative/clients.toml"}

    sample, out = tree / "data_samples/khimsnab", tmp_path / "run"
    words = ["--orders", str(sample / "orders"), "--questionnaire", str(sample / "questionnaire"), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "audit", "run", *words, "--deck", "--chapter", "base", "--lang", "en"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    found = json.loads((out / "findings.json").read_text(encoding="utf-8"))
    told = next(f for f in found["findings"] if f["id"] == "base.tiny_orders")
    share = found["metrics"]["base.tiny_order_share"]["value"]
    # 1 647 of the 24 597 orders of the sample are below a quarter of the mean order.
    assert share == pytest.approx(1647 / 24597)
    assert (told["status"], told["actions"]) == ("found", ["minimum_order"])
    assert told["title"] == "6.7% of orders are tiny"
    assert "minimum_order" in [a["id"] for a in found["actions"]]
    assert found["thresholds"]["base.tiny_orders"]["found"] == 0.06
    report = (out / "report.html").read_text(encoding="utf-8")
    assert told["title"] in report and "Set a minimum order" in report
    slides = Presentation(str(out / "deck.pptx")).slides
    assert any(told["title"] in s.text_frame.text for slide in slides for s in slide.shapes if s.has_text_frame)
