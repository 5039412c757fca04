"""Who reports to whom: everybody stands in the chain once, circles are cut and told."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.ground.chain import make_chain


def chain(*people, present=None):
    """``"K1 KM R1"``: person, role, head."""
    rows = [[*p.split(), None][:3] for p in people]
    staff = pd.DataFrame(rows, columns=["person", "role", "reports_to"]).assign(role2=None)
    return make_chain(staff, pd.Series(present if present is not None else staff["person"]))


def test_spans_levels_and_tops():
    c = chain("G GD", "R ROP G", "K1 KM R", "K2 KM R", "S1 SR R", "O1 OP K1")
    assert c.heads == {"G": 1, "R": 3, "K1": 1}
    assert c.tops == ("G",)
    assert [c.level(p) for p in c.people] == [0, 1, 2, 2, 2, 3]
    assert c.layers == 3, "down to the sellers; a clerk below one adds no level"
    assert c.reports("R") == ("K1", "K2", "S1")


def test_a_client_department_has_client_managers_and_their_clerks_only():
    c = chain("H RKO", "K1 KM H", "K2 SKM H", "O1 OP H", "R ROP", "K3 KM R", "S1 SR R", "B ROP", "O2 OP B")
    assert c.is_client_head("H")
    assert not c.is_client_head("R"), "a developer reports there too"
    assert not c.is_client_head("B"), "clerks without client managers are no client department"


def test_why_a_chain_ends():
    c = chain("A KM A", "B KM C", "C KM B", "D KM X", "E KM F", "F KM", present=["A", "B", "C", "D", "E"])
    assert c.breaks == {"A": "circle", "B": "circle", "D": "unknown", "E": "left"}
    assert c.head == {"A": None, "B": None, "C": "B", "D": None, "E": None}
    assert c.known, "C has a head"
    assert not chain("A KM", "B KM").known


def test_nobody_is_lost_on_an_empty_sheet():
    c = chain("A KM B", present=[])
    assert (c.people, c.heads, c.tops, c.layers, c.known) == ((), {}, (), None, False)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=12))
def test_everybody_has_one_way_up_and_it_ends(heads):
    people = [f"p{i}" for i in range(len(heads))]
    staff = pd.DataFrame({"person": people, "role": "KM", "role2": None, "reports_to": [f"p{h}" for h in heads]})
    c = make_chain(staff, staff["person"])
    assert c.people == tuple(people)
    assert sum(c.heads.values()) + len(c.tops) == len(people)
    assert all(c.level(p) < len(people) for p in people)
    assert set(c.breaks) == set(c.tops), "whoever has no head is told why"


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_the_sheet_changes_no_head(turned):
    people = ["G GD", "R ROP G", "K1 KM R"]
    c = chain(*(reversed(people) if turned else people))
    assert c.head == {"G": None, "R": "G", "K1": "R"}
