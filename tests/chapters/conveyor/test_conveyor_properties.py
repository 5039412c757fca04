"""Properties of the organisation on companies drawn by chance: nobody is drawn twice or left out, nothing is lost in sums."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest

from audit.chapters import diagnose_chapter
from audit.chapters.conveyor import charts
from audit.chapters.conveyor.organisation import whose_hours
from audit.chapters.conveyor.sections import _posts_frame
from audit.ground.answers import read_answers
from audit.method import method
from audit.present.chapter import ChapterView
from audit.present.charts.tree import Box
from tests.roles_tables import case_of

ROLES = ["KM", "KM", "KM", "SKM", "SR", "SR", "TM", "OP", "BO", "SUP", "ROP", "RKO", "PUR", "SOP"]
FUNCTIONS = [f for f, s in method().functions.items() if s.group != "OVHD"]


def drawn_company(n: int, seed: int) -> tuple[list[dict[str, Any]], dict[str, dict[str, float]]]:
    """``n`` people with roles, heads (circles, oneself, strangers, leavers and none among them) and hours by chance."""
    rng = np.random.default_rng(seed)
    people, answers = [], {}
    for i in range(n):
        head = int(rng.integers(0, n + 2))
        row: dict[str, Any] = {
            "person": f"p{i:03d}",
            "role": str(rng.choice(ROLES)),
            "fte": float(rng.choice([0.5, 1.0])),
        }
        if rng.random() < 0.8:  # most report upwards, some to anybody
            row["reports_to"] = f"p{head if rng.random() < 0.2 else head % max(1, i // 4 + 1):03d}"
        if rng.random() < 0.1:
            row["role2"] = str(rng.choice(ROLES))
        if i and rng.random() < 0.05:
            row["end"] = "2024-01-01"
        people.append(row)
        told = rng.choice(FUNCTIONS, size=3, replace=False)
        if rng.random() < 0.9:
            answers[row["person"]] = {str(f): float(s) for f, s in zip(told, (0.5, 0.3, 0.2), strict=True)}
    return people, answers


def here(people: list[dict[str, Any]]) -> set[str]:
    return {p["person"] for p in people if "end" not in p}


def view_of(people: list[dict[str, Any]], answers: dict[str, dict[str, float]], lang: str = "en") -> ChapterView:
    company = {"touches_per_client_month": 4, "minutes_per_touch": 30}
    return diagnose_chapter(case_of(people, answers, company=company, report={"lang": lang}), "model")


def everybody(boxes: tuple[Box, ...] | list[Box]) -> Counter[str]:
    """Codes in a tree; people drawn as one box count under «grouped»."""
    found: Counter[str] = Counter()
    for b in boxes:
        several = re.fullmatch(r"(\d+) people", b.name)
        found.update({"grouped": int(several[1])} if several else {b.name: 1})
        found += everybody(b.below)
    return found


@pytest.mark.parametrize(("n", "seed"), [(6, 1), (17, 2), (45, 3), (120, 4)])
def test_everybody_on_the_sheet_is_on_the_tree_exactly_once(n, seed, monkeypatch):
    drawn: list[Box] = []
    monkeypatch.setattr(charts, "tree_chart", lambda tops, *_: drawn.extend(tops))
    people, answers = drawn_company(n, seed)
    view = view_of(people, answers)
    charts.organisation_chart(view, {})
    found = everybody(drawn)
    grouped = found.pop("grouped", 0)
    assert set(found) <= here(people) and set(found.values()) <= {1}
    assert sum(found.values()) + grouped == len(here(people))
    assert list(view.tables["people"]["person"]) == [p["person"] for p in people if "end" not in p]


@pytest.mark.parametrize(("n", "seed"), [(9, 11), (30, 12), (80, 13)])
def test_posts_lose_and_add_nobody(n, seed):
    """Every post of everybody with a role goes to some station, and of nobody twice."""
    people, answers = drawn_company(n, seed)
    told = read_answers(case_of(people, answers))
    spread = whose_hours(told)
    known = told.staff[told.staff["family"].notna()]
    assert spread["fte"].sum() == pytest.approx(known["fte"].sum())
    assert spread.groupby("person")["fte"].sum().to_dict() == pytest.approx(known.set_index("person")["fte"].to_dict())


@pytest.mark.parametrize(("n", "seed"), [(12, 21), (60, 22)])
def test_posts_now_and_the_change_make_what_is_needed(n, seed):
    """As printed: 2 now, “+1–2” and “3–4” needed; a dash only where what is needed lies on both sides of now."""
    rows = _posts_frame(view_of(*drawn_company(n, seed)))
    assert len(rows)
    for r in rows.to_dict("records"):
        need = [float(x) for x in re.split("–", r["need"])]
        change = [float(x) for x in re.findall(r"[\d.]+", r["change"])]
        if not change:
            assert need[0] <= r["now"] <= need[-1]
            continue
        sign = 1 if r["change"].startswith("+") else -1
        ends = sorted(r["now"] + sign * c for c in {change[0], change[-1]})
        assert ends == pytest.approx(need)
