"""The organisation, whatever it is like: everybody stands on the tree once, posts now and changes make the target."""

from __future__ import annotations

import random
import re

import pandas as pd
import pytest

from audit.chapters import diagnose_chapter
from audit.chapters.conveyor.measure import diagnose
from audit.chapters.conveyor.organisation import whose_hours
from audit.ground.answers import read_answers
from audit.ground.chain import make_chain
from tests.roles_tables import case_of, staff

ROLES = ("KM", "SKM", "KAM", "SR", "TM", "OP", "BO", "SUP", "ROP", "RKO", "KD", "PUR", "UNI", "")
FUNCTIONS = (
    "FARM_REPEAT",
    "HUNT_SELL",
    "OPS_ORDER",
    "OPS_DOCS",
    "SUP_BUY",
    "MG_LEAD",
    "OV_MEET",
    "KAM_PLAN",
    "FARM",
    "OPER",
)


def anybody(seed):
    """A staff of 6 to 120: roles, half posts, second roles; heads that are right, missing, unknown, gone or in a circle."""
    rng = random.Random(seed)
    n = rng.choice((6, 13, 40, 120))
    codes = [f"P{i}" for i in range(n)]
    rows, says = [], {}
    for code in codes:
        role, second = rng.choice(ROLES), rng.choice(("", "", "", *ROLES))
        row = staff(f"{code} {role}".strip() + (f" {second}" if role and second else ""))[0]
        row |= {"reports_to": rng.choice([*codes, None, "X99"]), "fte": rng.choice((0.5, 1.0, 1.0, 1.5))}
        if rng.random() < 0.1:
            row["end"] = "2025-03-01"
        rows.append(row)
        if rng.random() < 0.8:
            parts = rng.sample(FUNCTIONS, 3)
            says[code] = dict(zip(parts, (0.5, 0.3, 0.2), strict=True))
    return rows, {c: s for c, s in says.items() if not any(r["person"] == c and r.get("end") for r in rows)}


@pytest.mark.parametrize("seed", range(12))
def test_everybody_stands_on_the_tree_exactly_once(seed):
    rows, _ = anybody(seed)
    present = pd.Series([r["person"] for r in rows if "end" not in r])
    chain = make_chain(pd.DataFrame(rows), present)
    seen: list[str] = []
    below = list(chain.tops)
    while below:
        seen.append(below.pop())
        below.extend(chain.reports(seen[-1]))
    assert sorted(seen) == sorted(present), "from the tops down, nobody twice and nobody left out"
    assert sum(chain.heads.values()) == len(present) - len(chain.tops)
    assert all(p in chain.breaks for p in chain.tops), "whoever stands under nobody is told why"


@pytest.mark.parametrize("seed", range(5))
def test_posts_are_divided_over_the_stations_and_none_is_lost(seed):
    rows, says = anybody(seed)
    case = case_of(rows, says)
    answers = read_answers(case)
    spread = whose_hours(answers)
    held = answers.staff[answers.staff["family"].notna() & (answers.staff["fte"] > 0)].set_index("person")["fte"]
    told = spread.groupby("person")["fte"].sum()
    assert told.to_dict() == pytest.approx(held[told.index].to_dict()), "everybody's posts, over all stations"
    posts = diagnose(case).tables["posts"]
    for r in posts.to_dict("records"):
        assert r["low"] <= r["high"] and 2 * r["low"] == round(2 * r["low"])
        assert not r["required"] or r["low"] >= 0.5


@pytest.mark.parametrize("seed", range(5))
def test_posts_now_and_the_change_make_the_target(seed):
    """As the page and the annex print them: now + change = needed, and a dash only where today's posts are within the range."""
    rows, says = anybody(seed)
    view = diagnose_chapter(case_of(rows, says), "model")
    sheet = next(s for s in view.sheets() if s.name == view.sheet_name("posts"))
    for r in sheet.frame.to_dict("records"):
        need, change = (numbers(r[c]) for c in ("need", "change"))
        assert need[0] <= need[-1]
        if r["change"] == "—":
            assert need[0] <= r["now"] <= need[-1]
            continue
        sign = 1 if r["change"].startswith("+") else -1
        assert sorted(round(r["now"] + sign * c, 6) for c in change) == need


def numbers(text):
    return [float(x.replace(",", ".")) for x in re.findall(r"\d+(?:,\d+)?", text)]
