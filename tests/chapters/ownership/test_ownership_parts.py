"""Sellers, bus factor, load and hand-overs on tables small enough to check with a pencil."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.chapters.ownership.handover import (
    Handover,
    departure_effect,
    handed_books,
    leavers,
    mark_rows,
    purchase_band,
    span_of,
)
from audit.chapters.ownership.sellers import (
    is_label,
    main_seller,
    meeting_roles,
    only_sellers,
    seller_roles,
    single_owner,
)
from audit.chapters.ownership.team import book_load, bus_factor, even_split, fewest, team_of

LAST = pd.Timestamp("2024-12-01")


def served(*rows: tuple[str, str, int, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["client_key", "manager", "days", "revenue"])
    return frame.assign(last_day=LAST)


# --- sellers


def test_who_is_a_seller() -> None:
    staff = pd.DataFrame(
        {
            "person": ["K", "S", "O", "D", "N"],
            "role": ["KM", "SR", "OP", "GD", None],
            "role2": [None, None, None, "KAM", None],
        }
    )
    # the clerk is none; the director is, by the second role; nobody chose a role for N, so N may sell
    assert dict(seller_roles(staff)) == {"K": True, "S": True, "O": False, "D": True, "N": True}
    rows = served(("c", "K", 1, 1), ("c", "O", 1, 1), ("c", "SYS", 1, 1), ("c", "Иванов", 1, 1))
    assert only_sellers(rows, seller_roles(staff))["manager"].tolist() == ["K", "Иванов"]


def test_a_label_of_the_crm_never_varies() -> None:
    assert is_label(pd.DataFrame({"days": [5, 2, 1], "managers": [1, 1, 1]}))
    assert not is_label(pd.DataFrame({"days": [5, 2], "managers": [1, 2]}))
    assert not is_label(pd.DataFrame({"days": [1, 1], "managers": [1, 1]})), "one order day proves nothing"


def test_the_clients_own_seller() -> None:
    rows = served(("c", "A", 3, 10), ("c", "B", 2, 90), ("d", "A", 1, 5), ("d", "B", 1, 6))
    own = main_seller(rows).set_index("client_key")
    assert own["manager"].to_dict() == {"c": "A", "d": "B"}  # most order days; on equal days most revenue
    assert own["main_days"].to_dict() == {"c": 3, "d": 1}
    assert own["days"].to_dict() == {"c": 5, "d": 2}
    assert own["sellers"].to_dict() == {"c": 2, "d": 2}


def test_single_owner_with_the_arithmetic_written_out() -> None:
    rows = served(("a", "M", 4, 40), ("b", "M", 2, 10), ("b", "N", 2, 10), ("c", "N", 2, 30), ("d", "M", 1, 99))
    clients = pd.DataFrame(
        {
            "client_key": list("abcd"),
            "order_days": [4, 4, 2, 1],
            "known_days": [4, 4, 2, 1],
            "revenue": [40.0, 20.0, 30.0, 99.0],
        }
    )
    s = single_owner(rows, clients)
    assert (s.n, s.single, s.team) == (3, 2, 2)  # d has one order day; a and c know one seller
    # of the ten order days of regular clients M has 6, N has 4
    chance = [0.6**4 + 0.4**4, 0.6**4 + 0.4**4, 0.6**2 + 0.4**2]
    assert s.chance == pytest.approx(sum(chance) / 3)
    assert s.chance_revenue == pytest.approx((chance[0] * 40 + chance[1] * 20 + chance[2] * 30) / 90)
    assert s.table.set_index("client_key")["main_share"].to_dict() == {"a": 1.0, "b": 0.5, "c": 1.0}


def test_a_client_without_a_seller_is_not_single() -> None:
    rows = served(("a", "M", 3, 10))
    clients = pd.DataFrame(
        {"client_key": ["a", "b"], "order_days": [3, 3], "known_days": [3, 3], "revenue": [1.0, 1.0]}
    )
    s = single_owner(rows, clients)
    assert (s.n, s.single) == (2, 1)
    assert s.table.set_index("client_key")["faces"].to_dict() == {"a": 1, "b": 0}


def test_a_second_face_is_anybody_still_here_with_a_fifth_of_the_days_or_touches() -> None:
    # a: M 8, N 2 (a fifth); b: M 9, N 1; c: M 6, L 4, but L has left; d as b, with three touches of eight by the director.
    days = {"a": (8, "N", 2), "b": (9, "N", 1), "c": (6, "L", 4), "d": (9, "N", 1)}
    rows = served(*((c, "M", m, 1) for c, (m, _, _) in days.items()), *((c, p, n, 1) for c, (_, p, n) in days.items()))
    clients = pd.DataFrame({"client_key": list("abcd"), "order_days": 10, "known_days": 10, "revenue": 100.0})
    touches = pd.DataFrame({"client_key": "d", "person": ["M"] * 5 + ["GD"] * 3})
    s = single_owner(rows, clients, touches=touches, gone={"L"})
    assert s.table.set_index("client_key")["faces"].to_dict() == {"a": 2, "b": 1, "c": 1, "d": 2}
    assert single_owner(rows, clients, touches=touches).table.set_index("client_key")["faces"]["c"] == 2
    assert single_owner(rows, clients, least=0.1).single == 0
    # Of the forty days M has 32, so that by chance most clients have nobody else with two days of ten.
    by_chance = single_owner(rows, clients)
    tenth = (0.8**10 + 10 * 0.8**9 * 0.2) * 1.0
    assert tenth < by_chance.chance < 0.7


def test_clients_know_heads_and_support_and_not_the_clerk() -> None:
    staff = pd.DataFrame({"person": list("KRSO"), "role": ["KM", "ROP", "SUP", "OP"], "role2": None})
    assert dict(meeting_roles(staff)) == {"K": True, "R": True, "S": True, "O": False}


# --- on how many people the base hangs


def test_the_fewest_sellers_beyond_half() -> None:
    totals = np.array([[60.0, 30.0, 10.0], [40.0, 35.0, 25.0], [50.0, 50.0, 0.0], [0.0, 0.0, 0.0]])
    assert fewest(totals, 0.5).tolist() == [1, 2, 2, 0]  # 60; 40 + 35; exactly half is not more than half
    assert fewest(totals[:1], 0.7).tolist() == [2]
    assert fewest(totals[:2], 0.5, np.array([160.0, 300.0])).tolist() == [2, 0]  # 60 + 30 of 160; all of 300 is a third
    assert [even_split(n, 0.5) for n in (1, 2, 3, 4, 5)] == [1, 2, 2, 3, 3]


def book(*parts: tuple[str | None, int], each: float = 10.0) -> pd.DataFrame:
    owners = [m for m, n in parts for _ in range(n)]
    return pd.DataFrame(
        {"client_key": [f"c{i}" for i in range(len(owners))], "manager": owners, "repeat_revenue": each}
    ).astype({"manager": object})


def test_bus_factor_of_one_and_of_an_even_team() -> None:
    heavy = book(("A", 32), ("B", 4), ("C", 4))
    b = bus_factor(heavy, "ABC", draws=300)
    assert b is not None
    assert (b.value, b.low, b.high, b.team, b.even) == (1, 1, 1, 3, 2)
    assert b.top_share == pytest.approx(0.8) and b.top_share > b.chance_top
    even = heavy.assign(manager=[f"M{i % 5}" for i in range(40)])
    c = bus_factor(even, [f"M{i}" for i in range(5)], draws=300)
    assert c is not None
    assert (c.value, c.even) == (3, 3)
    assert c.chance_low in (2, 3)
    assert bus_factor(heavy.assign(repeat_revenue=0.0), "ABC") is None


def test_everybody_who_sells_is_of_the_team_and_clients_of_nobody_are_orphaned_by_nobody() -> None:
    # A holds 40 of 100, B and C 5 each, and 50 know no seller of their own: A, B and C together hold half, not more.
    pool = bus_factor(book(("A", 40), ("B", 5), ("C", 5), (None, 50)), "ABCD", draws=300)
    assert pool is not None and pool.value is None and pool.held_share == pytest.approx(0.5)
    assert (pool.team, pool.even, pool.top_share) == (4, 3, pytest.approx(0.4))
    # Held by somebody, the same fifty make A's book too small to be half.
    held = bus_factor(book(("A", 40), ("B", 30), ("C", 30)), "ABCD", draws=300)
    assert held is not None and held.value == 2 and held.books["clients"].tolist() == [40, 30, 30, 0]


def test_developers_who_hand_over_make_no_base_look_concentrated() -> None:
    # Four client managers with ten clients each, six developers with one: three of four carry half, and none too few.
    books = book(*((f"K{i}", 10) for i in range(4)), *((f"S{i}", 1) for i in range(6)))
    sellers, developers = set(books["manager"]), {f"S{i}" for i in range(6)}
    told = bus_factor(books, sellers, hand_over=developers, draws=300)
    assert told is not None and (told.value, told.team, told.even) == (3, 4, 3)
    everybody = bus_factor(books, sellers, draws=300)
    assert everybody is not None and (everybody.team, everybody.even) == (10, 6)
    # Only developers sell: they are the team. Roles unknown: who holds less than a quarter of the middle book is none.
    revenue = pd.Series({"A": 100.0, "B": 90.0, "C": 20.0, "D": 0.0})
    assert team_of(revenue, set("ABCD"), (), 0.25) == 4
    assert (team_of(revenue, (), set("CD"), 0.25), team_of(revenue, (), (), 0.25)) == (2, 4)
    assert team_of(revenue, (), set("CD"), 0.1) == 3


def test_bus_factor_does_not_depend_on_the_order_of_rows() -> None:
    frame = pd.DataFrame(
        {
            "client_key": [f"c{i}" for i in range(60)],
            "manager": [f"M{i % 4}" for i in range(60)],
            "repeat_revenue": [float(1 + (i * 37) % 50) for i in range(60)],
        }
    )
    team = [f"M{i}" for i in range(4)]
    one, two = bus_factor(frame, team, draws=200), bus_factor(frame.sample(frac=1, random_state=4), team, draws=200)
    assert one is not None and two is not None
    assert (one.value, one.low, one.high, one.chance_low, one.chance_top) == (
        two.value,
        two.low,
        two.high,
        two.chance_low,
        two.chance_top,
    )


# --- load


def test_hours_needed_against_hours_left() -> None:
    books = pd.DataFrame({"clients": [60, 20, 5], "hours": [120.0, 40.0, 10.0]}, index=["K1", "K2", "K3"])
    hours = pd.DataFrame({"person": ["K1", "K2"], "hours": [150.0, 150.0], "operational_hours": [70.0, 30.0]})
    found = book_load(books, hours, shared=8, shared_hours=16.0)
    assert found is not None
    t = found.table.set_index("person")
    # K1: 60 · 2 · 60/60 = 120 h against 150 − 70 = 80; K2: 40 against 120
    assert t["hours_needed"].to_dict() == {"K1": 120.0, "K2": 40.0}
    assert t["load"].to_dict() == {"K1": pytest.approx(1.5), "K2": pytest.approx(1 / 3)}
    # of 8 clients of nobody the two carry 8 · 80/85; K3's hours are unknown
    assert found.shared_clients == pytest.approx(8 * 80 / 85) and found.without_hours == 5
    assert found.load == pytest.approx((160 + 2 * 8 * 80 / 85) / 200)
    stranger = pd.DataFrame({"clients": [3], "hours": [6.0]}, index=["X"])
    assert book_load(stranger, hours, shared=0, shared_hours=0.0) is None


def test_no_hours_left_at_all_stays_finite() -> None:
    hours = pd.DataFrame({"person": ["K"], "hours": [100.0], "operational_hours": [100.0]})
    books = pd.DataFrame({"clients": [10], "hours": [10.0]}, index=["K"])
    found = book_load(books, hours, shared=0, shared_hours=0.0)
    assert found is not None
    assert found.load == 10.0  # ten hours against one


# --- hand-overs


def test_people_who_left() -> None:
    staff = pd.DataFrame(
        {"person": ["K1", "K2", "K3", "O1"], "end": pd.to_datetime(["2024-06-30", None, "2023-01-01", "2024-05-31"])}
    )
    seen = pd.DataFrame({"manager": ["K1", "K3", "O1"], "first_day": pd.to_datetime(["2024-01-01"] * 3)})
    found = leavers(staff, seen, {"O1": False}, dt.date(2023, 6, 1), dt.date(2024, 12, 31))
    # K2 is still here, K3 left before the window, O1 sells nothing
    assert found == [Handover("K1", dt.date(2024, 7, 1), "left")]


def grid(*months: tuple[str, int, int, int, int, int]) -> dict[dt.date, pd.DataFrame]:
    out: dict[dt.date, list[dict[str, object]]] = {}
    for iso, clients, before, own_before, after, own_after in months:
        out.setdefault(dt.date.fromisoformat(iso), []).append(
            {
                "manager": "K1",
                "clients": clients,
                "days_before": before,
                "own_before": own_before,
                "days_after": after,
                "own_after": own_after,
            }
        )
    return {d: pd.DataFrame(rows) for d, rows in out.items()}


def test_a_book_handed_over_in_one_go_is_seen_in_the_orders() -> None:
    last = {"K1": dt.date(2024, 6, 20)}
    months = grid(
        ("2024-05-01", 20, 100, 90, 100, 30), ("2024-07-01", 20, 100, 85, 80, 0), ("2024-09-01", 20, 100, 61, 80, 0)
    )
    assert handed_books(months, last) == [Handover("K1", dt.date(2024, 6, 21), "handed")]  # the sharpest month counts
    assert handed_books(months, {"K1": dt.date(2024, 12, 1)}) == [Handover("K1", dt.date(2024, 7, 1), "handed")]
    assert handed_books(months, last, min_clients=21) == []
    assert handed_books(months, last, before=0.95) == []
    assert handed_books(grid(("2024-07-01", 20, 100, 85, 80, 16)), last) == []
    assert len(handed_books(grid(("2024-07-01", 20, 100, 85, 80, 16)), last, after=0.3)) == 1
    assert handed_books(grid(("2024-07-01", 20, 100, 85, 0, 0)), last) == []  # nobody bought afterwards


def test_span_and_bands() -> None:
    start, end = dt.date(2024, 1, 1), dt.date(2025, 12, 31)
    assert span_of(dt.date(2025, 1, 1), start, end, 400) == 365  # 366 days before, 365 from that day on
    assert span_of(dt.date(2025, 1, 1), start, end, 180) == 180
    assert purchase_band(pd.Series([1, 2, 3, 4, 5, 6, 9, 40])).tolist() == [1, 2, 3, 4, 4, 5, 6, 9]


def test_other_handed_books_are_no_controls() -> None:
    rows = pd.DataFrame(
        {
            "client_key": list("abc"),
            "manager": ["K1", "K2", "K3"],
            "holder": ["K1", "K2", "K3"],
            "holder_share": 1.0,
            "purchases": 3,
            "revenue_before": 10.0,
            "revenue_after": 5.0,
        }
    )
    one = Handover("K1", dt.date(2024, 6, 1), "left")
    other = Handover("K2", dt.date(2024, 8, 1), "handed")
    marked = mark_rows(rows, 0, one, 180, [one, other])
    assert marked["client_key"].tolist() == ["a", "c"]
    assert marked["treated"].tolist() == [True, False]
    assert len(mark_rows(rows, 0, one, 30, [one, other])) == 3


def test_standing_in_makes_nobodys_clients() -> None:
    # a is K1's; b is K2's, though K1 took most of last year's orders; c is nobody's; d has just come from K1 to K3.
    rows = pd.DataFrame(
        {
            "client_key": list("abcde"),
            "manager": ["K1", "K1", "K1", "K3", "K2"],
            "holder": ["K1", "K2", "K1", "K1", "K2"],
            "holder_share": [0.9, 0.7, 0.4, 0.6, 0.8],
        }
    )
    one = Handover("K1", dt.date(2024, 6, 1), "left")
    marked = mark_rows(rows, 0, one, 180, [one])
    assert dict(zip(marked["client_key"], marked["treated"], strict=True)) == {"a": True, "e": False}
    assert mark_rows(rows, 0, one, 180, [one], 0.4)["client_key"].tolist() == ["a", "c", "e"]


def handed(treated_after: list[float], control_after: list[float], purchases: int = 4) -> pd.DataFrame:
    n, k = len(treated_after), len(control_after)
    return pd.DataFrame(
        {
            "event": 0,
            "manager": "K1",
            "day": dt.date(2024, 6, 1),
            "kind": "left",
            "span_days": 365,
            "client_key": [f"c{i}" for i in range(n + k)],
            "treated": [True] * n + [False] * k,
            "purchases": purchases,
            "revenue_before": 100.0,
            "revenue_after": [*treated_after, *control_after],
        }
    )


def test_departure_effect_with_the_arithmetic_written_out() -> None:
    found = departure_effect(handed([80.0, 0.0, 70.0, 90.0], [100.0] * 8), draws=200)
    # handed: 240/400 = 0.6, the lost one stays in; controls 800/800 = 1
    assert found.effect.value == pytest.approx(-0.4)
    assert found.matched.treated == 4
    row = found.events.iloc[0]
    assert (row["handed_ratio"], row["control_ratio"], row["clients"]) == (pytest.approx(0.6), pytest.approx(1.0), 4)
    assert found.handed["expected"].tolist() == [100.0] * 4
    assert found.dominant_share == pytest.approx(0.25)
    assert found.without is not None, "one of four clients is more than a fifth of the revenue"


def test_handed_clients_without_a_like_are_left_out() -> None:
    rows = pd.concat([handed([50.0], [100.0], purchases=3), handed([10.0], [], purchases=30)], ignore_index=True)
    rows["client_key"] = ["a", "b", "c"]
    found = departure_effect(rows, draws=50)
    assert (found.matched.treated, found.matched.unmatched) == (1, 1)
    assert found.effect.value == pytest.approx(-0.5)


@given(st.integers(1, 50), st.integers(1, 400))
def test_bands_never_fall(a: int, b: int) -> None:
    low, high = sorted((a, b))
    bands = purchase_band(pd.Series([low, high]))
    assert bands.iloc[0] <= bands.iloc[1]
