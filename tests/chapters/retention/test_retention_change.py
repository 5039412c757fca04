"""Revenue kept and lost, the rhythm of clients, trends, people: small tables with the arithmetic written out."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.chapters.retention.cadence import cadence, limits_of, seasonal, slowing_p, state_table
from audit.chapters.retention.change import bridge_of, bridge_table, drivers_of, loss_columns, stock_up
from audit.chapters.retention.measure import diagnose
from audit.chapters.retention.people import (
    between_projects,
    expected_losses,
    initiative,
    loss_by_manager,
    loss_by_service,
)
from audit.chapters.retention.returns import own_return, second_value
from audit.chapters.retention.silence import alive, crossings, return_waits, sleeping_columns
from audit.chapters.retention.trends import (
    calendar_table,
    complete_months,
    pace_months,
    trend_metrics,
    trends_of,
    within_reach,
)
from audit.chapters.retention.worklist import callers, first_step, goods_text, worklist
from audit.ground.norm import Norm
from audit.method import method
from audit.model.case import Case
from tests.case_builder import make_case
from tests.chapters.retention.test_retention_second import WINDOW

LIMITS = limits_of(method().thresholds)


def years(rows: list[tuple[str, float, float, int, int]]) -> pd.DataFrame:
    """Clients from (client, revenue before, revenue after, order days before, after)."""
    columns = ["client_key", "prior_revenue", "recent_revenue", "prior_days", "recent_days"]
    return pd.DataFrame(rows, columns=columns)


BOOK = years(
    [
        ("kept", 100, 120, 4, 4),
        ("shrunk", 200, 150, 5, 5),
        ("lost", 300, 0, 3, 0),
        ("new", 0, 80, 0, 2),
        ("returned", 0, 40, 0, 1),
        ("refunded", -20, 0, 0, 0),
    ]
)


def test_lost_revenue_grr_nrr_by_hand() -> None:
    columns = {k: (top.sum(), bottom.sum()) for k, (top, bottom) in loss_columns(BOOK).items()}
    # Lost: 300 (and the refund of −20, whose client did not order either) of 580.
    assert columns["lost_revenue"] == (280, 580)
    # GRR: min(120, 100) + min(150, 200) + 0 = 250 of the 600 of clients with revenue before.
    assert columns["grr"] == (250, 600)
    assert columns["nrr"] == (120 + 150, 600)


def test_grr_and_nrr_of_published_examples() -> None:
    # 20 000 at the start, 1 200 churned, 800 contracted, 3 000 expanded: GRR 90 %, NRR 105 %.
    book = years([("churned", 1200, 0, 1, 0), ("contracted", 5000, 4200, 1, 1), ("expanded", 13800, 16800, 1, 1)])
    shares = {k: top.sum() / bottom.sum() for k, (top, bottom) in loss_columns(book).items()}
    assert (shares["grr"], shares["nrr"]) == (pytest.approx(0.90), pytest.approx(1.05))


def test_bridge_by_hand() -> None:
    known = np.array([True, True, True, False, True, True])
    table = bridge_table(bridge_of(BOOK, known)).set_index("part")
    assert table["revenue"].to_dict() == {
        "before": 580,
        "new": 80,
        "returned": 40,
        "grown": 20,
        "shrunk": -50,
        "lost": -300,
        "inactive": 20,
        "after": 390,
    }
    assert table.loc["before", "revenue"] + table["revenue"].iloc[1:-1].sum() == table.loc["after", "revenue"]


def test_drivers_add_up_and_tell_stocking_up_from_growth() -> None:
    # One client: 10 days × 2 items × 5 before, 5 days × 2 items × 10 after: half as often, twice the value.
    rows = years([("a", 100, 100, 10, 5)]).assign(prior_items=20, recent_items=10)
    d = drivers_of(rows, with_items=True)
    effect = d.table.set_index("driver")["effect"]
    # L(100, 100) = 100: frequency 100 · ln(5/10), breadth 100 · ln(2/2), value 100 · ln(10/5).
    assert effect["frequency"] == pytest.approx(-100 * np.log(2))
    assert effect["breadth"] == pytest.approx(0)
    assert effect["value"] == pytest.approx(100 * np.log(2))
    assert d.pattern == "stocking_up" and d.change == 0
    assert stock_up(69, -69, 100) == "smaller_and_more_often"
    assert stock_up(30, 10, 100) == "growth"
    assert stock_up(-30, 5, 100) == "decline"
    assert stock_up(1, -1, 100) == "even"


def test_drivers_put_net_returns_and_unnamed_goods_in_a_line_of_their_own() -> None:
    rows = years([("a", 100, 200, 2, 4), ("net return", 50, -10, 1, 1), ("no goods", 30, 60, 1, 1)])
    rows = rows.assign(prior_items=[2, 1, 0], recent_items=[4, 1, 0])
    d = drivers_of(rows, with_items=True)
    effect = d.table.set_index("driver")["effect"]
    assert effect["returns"] == pytest.approx(-60 + 30)
    assert effect["frequency"] == pytest.approx(100)  # twice as many days, each like before
    assert effect.sum() == pytest.approx(d.change) == pytest.approx(70)
    two = drivers_of(rows, with_items=False).table["driver"].tolist()
    assert two == ["frequency", "value", "returns"]


def rhythms(gaps: dict[str, list[int]], silent: dict[str, int], as_of: dt.date) -> tuple[pd.DataFrame, ...]:
    """Clients, gaps (nothing recent) and order days from each client's gaps and the days since its last order."""
    rows = []
    for key, lengths in gaps.items():
        last = pd.Timestamp(as_of) - pd.Timedelta(days=silent[key])
        back = np.concatenate([[0], np.cumsum(lengths[::-1])])
        rows += [(key, last - pd.Timedelta(days=int(d))) for d in back]
    days = pd.DataFrame(rows, columns=["client_key", "day"]).sort_values(["client_key", "day"], ignore_index=True)
    clients = pd.DataFrame({"client_key": list(gaps), "segment": None})
    clients["last_day"] = clients["client_key"].map(days.groupby("client_key")["day"].max())
    counted = pd.DataFrame({"client_key": list(gaps), "gaps": [len(g) for g in gaps.values()]})
    return clients, counted, days


def test_states_by_hand() -> None:
    as_of = dt.date(2024, 12, 31)
    silent = {"on_time": 35, "late": 45, "short": 55, "sleeping": 81, "lost": 366, "slow buyer": 366}
    # Nine gaps each: the usual one is the fifth, and one next gap in ten exceeds the ninth. Limits: late > 40,
    # sleeping > 80, lost > 365 days. "short": 2 × 20 = 40 days, but nobody sleeps before day 60. "slow buyer": four
    # usual gaps are 400 days.
    usual = [30] * 8 + [40]
    gaps = dict.fromkeys(silent, usual) | {"short": [15] * 8 + [20], "slow buyer": [100] * 8 + [150]}
    clients, counted, days = rhythms(gaps, silent, as_of)
    state = cadence(clients, counted, days, as_of, LIMITS).set_index("client_key")
    assert state["state"].to_dict() == {
        "on_time": "on_time",
        "late": "late",
        "short": "late",
        "sleeping": "sleeping",
        "lost": "lost",
        "slow buyer": "sleeping",
    }
    assert state.loc["late", "overdue_days"] == 15 and state.loc["late", "next_day"] == pd.Timestamp("2024-12-16")
    assert state.loc["short", "limit_days"] == 60 and state.loc["late", "limit_days"] == 80
    table = state_table(state.reset_index(), clients.assign(recent_revenue=10.0, last_year_revenue=20.0))
    assert table.set_index("state")["clients"].to_dict() == {
        "lost": 1,
        "sleeping": 2,
        "late": 2,
        "slowing": 0,
        "on_time": 1,
    }
    assert table["share"].sum() == pytest.approx(1) and table["at_stake"].sum() == 120


def test_few_gaps_are_drawn_to_the_segment_and_only_the_last_twelve_count() -> None:
    as_of = dt.date(2024, 12, 31)
    rng = np.random.default_rng(9)
    steady = {f"s{i}": rng.integers(20, 41, 12).tolist() for i in range(12)}
    gaps = {**steady, "rare": [120], "slowed": [10] * 12}
    clients, counted, days = rhythms(gaps, dict.fromkeys(gaps, 20), as_of)
    out = cadence(clients, counted, days, as_of, LIMITS).set_index("client_key")
    assert out.loc["rare", "shrunk"] and not out.loc["s6", "shrunk"]
    assert out.loc["s6", "usual_gap_days"] == pytest.approx(np.median(steady["s6"]))
    assert 25 < out.loc["rare", "usual_gap_days"] < 120 < 3 * out.loc["rare", "p90_gap_days"]
    # A client that orders far more rarely for twelve gaps is on its new rhythm, whatever there was before.
    case = make_case(
        [
            dict(order_id=str(i), client_id="A", order_date=dt.date(2022, 1, 3) + dt.timedelta(days=int(d)), amount=10)
            for i, d in enumerate(np.cumsum([0, *[7] * 30, *[40] * 12]))
        ]
    )
    assert diagnose(case).tables["rhythm"]["usual_gap_days"].tolist() == [40]


def test_a_client_slows_down_when_its_gaps_grow_and_the_silence_is_one_of_them() -> None:
    # Until the last year every 30 days, then gaps of 45, of 30, or of 30 and a silence of 55.
    as_of = dt.date(2024, 12, 31)
    recent = {"slower": ([45] * 7, 40), "as ever": ([31, 29] * 6, 5), "quiet": ([30] * 3, 55), "young": ([60] * 2, 30)}
    rows = []
    for key, (gaps, silent) in recent.items():
        before = [29, 31] * 8 if key != "young" else []
        back = np.concatenate([[0], np.cumsum([*before, *gaps][::-1])])
        rows += [(key, pd.Timestamp(as_of) - pd.Timedelta(days=int(silent + d))) for d in back]
    days = pd.DataFrame(rows, columns=["client_key", "day"])
    p = slowing_p(days, as_of, dt.date(2024, 1, 1))
    assert p["slower"] < 0.001 and 0.2 < p["as ever"] < 0.8 and np.isnan(p["young"])
    quiet = days[days["client_key"] == "quiet"]
    now, earlier = (slowing_p(quiet, as_of - dt.timedelta(days=d), dt.date(2024, 8, 1))["quiet"] for d in (0, 50))
    assert now < 0.5 < earlier
    shuffled = days.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(slowing_p(shuffled, as_of, dt.date(2024, 1, 1)).sort_index(), p.sort_index())


def test_the_chapter_tells_who_slows_down() -> None:
    start = dt.date(2023, 1, 2)
    steps = {"slower": [14] * 26 + [28] * 13, "steady": [14] * 52}
    case = make_case(
        [
            dict(order_id=f"{k}{i}", client_id=k, order_date=start + dt.timedelta(days=int(d)), amount=10)
            for k, gaps in steps.items()
            for i, d in enumerate(np.cumsum([0, *gaps]))
        ]
    )
    rhythm = diagnose(case).tables["rhythm"].set_index("client_key")
    assert rhythm["state"].to_dict() == {"slower": "slowing", "steady": "on_time"}
    assert rhythm.loc["slower", "slowing_p"] < 0.001 and not rhythm.loc["steady", "slowing_p"] < 0.05


def test_seasonal_clients() -> None:
    frame = pd.DataFrame(
        {
            "first_seen_day": pd.to_datetime(["2022-05-01", "2024-05-01", "2022-01-01"]),
            "last_day": pd.to_datetime(["2024-06-01", "2024-06-20", "2024-12-01"]),
            "order_days": [6, 6, 30],
            "calendar_months": [2, 2, 12],
        }
    )
    assert seasonal(frame).tolist() == [True, False, False]


def test_sleeping_share_by_hand() -> None:
    clients = pd.DataFrame(
        {
            "client_key": ["asleep", "lost", "late", "once"],
            "last_year_revenue": [100.0, 900.0, 70.0, 30.0],
            "recent_revenue": [60.0, 0.0, 70.0, 30.0],
        }
    )
    rhythm = pd.DataFrame({"client_key": ["asleep", "lost", "late"], "state": ["sleeping", "lost", "late"]})
    top, bottom = sleeping_columns(clients, rhythm)
    assert top.tolist() == [100, 0, 0, 0]
    assert bottom.tolist() == [100, 0, 70, 30]  # the lost one is in neither; the one-time client is awake: 100 / 200


def test_first_crossing_by_hand() -> None:
    silences = pd.DataFrame(
        [
            ("A", 6, 100, 400, 1, 5, 40.0),  # limit 80: crossed, back 20 days later
            ("A", 9, 300, 300, 0, 8, 45.0),  # the second crossing does not count
            ("B", 5, 70, 500, 1, 4, 36.0),  # limit 72: not crossed
            ("C", 7, 65, 65, 0, 6, 10.0),  # limit 60, not 20: silent for 5 days beyond it so far
        ],
        columns=[
            "client_key",
            "purchase_no",
            "silent_days",
            "followed_days",
            "returned",
            "gaps_before",
            "p90_before_days",
        ],
    )
    table = crossings(silences, LIMITS)
    assert table["client_key"].tolist() == ["A", "C"]
    assert table["days_after"].tolist() == [20, 5] and table["returned"].tolist() == [True, False]
    w = return_waits(table)
    assert w.followed.tolist() == [320, 5]
    assert w.curve().at(20).event_share.value == pytest.approx(1.0)  # C left the risk set on day 5


def test_crossing_from_orders() -> None:
    # Gaps 30, 30, 30, 30, then 100 (back), then silent: limit max(60, 2 × 30) = 60, crossed after 60 of the 100 days.
    days = [0, 30, 60, 90, 120, 220]
    rows = [
        dict(order_id=str(i), client_id="A", order_date=dt.date(2023, 1, 1) + dt.timedelta(days=d), amount=10)
        for i, d in enumerate(days)
    ]
    rows.append(dict(order_id="z", client_id="Z", order_date=dt.date(2024, 6, 30), amount=1))
    r = diagnose(make_case(rows))
    m = r.metrics["retention.return_rate"]
    assert (m.n, m.extra["events"], m.value) == (1, 1, pytest.approx(1.0))
    assert r.tables["return_curve"]["days"].tolist() == [40]
    strict = diagnose(make_case(rows, settings={"thresholds": {"retention.return_min_gaps": 5}}))
    assert (
        strict.metrics["retention.return_rate"].extra["events"] == 0
    )  # only the silence at the end has five gaps before


def test_p_alive_falls_with_silence() -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(1, 12, 300)
    span = rng.integers(60, 700, 300)
    last = np.where(x > 1, (span * rng.uniform(0.2, 1, 300)).astype(int), 0)
    a = alive(x, np.where(x > 1, np.maximum(last, 1), 0), span)
    if a.check is not None:
        assert ((a.p_alive >= 0) & (a.p_alive <= 1)).all()
    none = alive(np.ones(30, dtype=np.int64), np.zeros(30, dtype=np.int64), np.full(30, 100))
    assert none.check is None and np.isnan(none.p_alive).all()  # nobody ever came back: no model


def test_complete_months() -> None:
    w = replace(WINDOW, start=dt.date(2023, 1, 2), as_of=dt.date(2024, 12, 30))
    assert complete_months(w) == (2023 * 12 + 1, 2024 * 12 + 10)  # February 2023 … November 2024
    assert complete_months(WINDOW) == (2023 * 12, 2024 * 12 + 11)


def monthly(growth: float, months: int = 36, clients: int = 40) -> pd.DataFrame:
    """Clients that order every month; the number of orders a month grows by a factor a year."""
    rows = [
        (u, 2022 * 12 + m, 1, 1, 2, 1, 100.0 * (1 + growth) ** (m / 12)) for u in range(clients) for m in range(months)
    ]
    columns = ["unit", "month_index", "order_days", "orders", "items", "item_days", "bought_real"]
    return pd.DataFrame(rows, columns=columns)


def test_trends_by_hand() -> None:
    t = trends_of(monthly(-0.1), 2022 * 12, 2022 * 12 + 35, with_items=True, thresholds=method().thresholds)
    assert t["ticket"].yearly.value == pytest.approx(-0.1)  # every pair of months a year apart falls by a tenth
    assert t["ticket"].last_year.value == pytest.approx(-0.1)
    assert t["active_clients"].yearly.value == pytest.approx(0)
    assert t["range"].yearly.value == pytest.approx(0)
    w = replace(WINDOW, start=dt.date(2022, 1, 1))
    assert [m.value for m in trend_metrics(t, w, 36, False)] == pytest.approx([0, -0.1, 0, 0])
    short = trend_metrics(t, replace(w, start=dt.date(2023, 3, 15)), 20, False)
    assert short[0].value is None and short[0].reason is not None
    assert "1 April 2025" in short[0].reason.en  # 24 whole months after March 2023, which is not whole


def test_frequency_of_clients_that_order_less_than_monthly() -> None:
    # First year: every second month; second year: every fourth. Of 40 clients 20 order a month, then 10.
    rows = [
        (u, 2022 * 12 + m, 1, 1, 1, 1, 100.0)
        for u in range(40)
        for m in range(24)
        if (m % 2 == u % 2 if m < 12 else m % 4 == u % 4)
    ]
    columns = ["unit", "month_index", "order_days", "orders", "items", "item_days", "bought_real"]
    frame, first = pd.DataFrame(rows, columns=columns), 2022 * 12
    given: dict[str, Any] = {"with_items": False, "thresholds": method().thresholds}
    # Everybody who has an order in a month has exactly one: 20 / 20, then 10 / 10.
    assert trends_of(frame, first, first + 23, **given)["frequency"].yearly.value == pytest.approx(0)
    # All 40 ordered within the last four months: 20 / 40, then 10 / 40. Three months pass before that can be told.
    paced = trends_of(frame, first, first + 23, reach=4, **given)["frequency"]
    assert paced.yearly.value == pytest.approx(-0.5)
    assert np.isnan(paced.monthly[:3]).all() and paced.monthly[3:].tolist() == [0.5] * 9 + [0.25] * 12
    assert trends_of(frame, first, first + 23, reach=4, **given)["active_clients"].yearly.value == pytest.approx(-0.5)


def test_pace_in_months() -> None:
    # Three gaps of 40 days are 120 days, four months, and no more; 20 months of data leave room for two.
    assert [pace_months(g, 36) for g in (None, 10.0, 19.0, 40.0, 95.0)] == [1, 1, 2, 4, 4]
    assert pace_months(40.0, 20) == 2 and pace_months(40.0, 12) == 1


def test_ticket_is_deflated_by_the_price_index() -> None:
    rows = [
        dict(
            order_id=f"{c}-{m}",
            client_id=f"C{c}",
            order_date=dt.date(2022 + m // 12, m % 12 + 1, 10),
            amount=100 * 1.2 ** (m / 12),
            price_index=1.2 ** (m / 12),
        )
        for c in range(3)
        for m in range(36)
    ]
    nominal = diagnose(make_case([{k: v for k, v in r.items() if k != "price_index"} for r in rows]))
    real = diagnose(make_case(rows))
    assert nominal.metrics["retention.ticket_trend"].value == pytest.approx(0.2, abs=1e-4)
    assert real.metrics["retention.ticket_trend"].value == pytest.approx(0.0, abs=1e-4)
    assert real.metrics["retention.ticket_trend"].extra["deflated"] is True


def test_calendar() -> None:
    units = pd.DataFrame({"unit": [2], "client_key": ["B"]})
    rows = monthly(0, months=3, clients=3)
    rows = rows[~((rows["unit"] == 2) & (rows["month_index"] == 2022 * 12 + 1))]
    out = calendar_table(rows, units, 2022 * 12, 2022 * 12 + 3)
    assert out["order_days"].tolist() == [1, 0, 1, 0]
    assert out["month"].dt.month.tolist() == [1, 2, 3, 4]


def test_managers_are_held_against_the_spread_of_the_others() -> None:
    """Five managers of forty clients lose four each, one loses twenty; who has the hard segment is not blamed for it."""
    rows: list[tuple[str, float, float, int, int]] = []
    for m in "ABCDEF":
        lost = 20 if m == "F" else 4
        rows += [(f"{m}{i}", 10.0, 0.0 if i < lost else 1.0, 3, 0 if i < lost else 1) for i in range(40)]
    rows += [("few days", 10.0, 0.0, 1, 0)]  # one order day a year ago: not a regular client
    frame = years(rows).assign(segment=None, first_day=pd.Timestamp("2020-01-01"))
    manager = pd.Series({r[0]: r[0][0] for r in rows})
    table, placed = loss_by_manager(frame, manager, 0.1, 0.01, 20)
    by = table.set_index("manager")
    assert by.loc["F", ["clients", "lost", "position"]].tolist() == [40, 20, 2]
    assert (by.loc[list("ABCDE"), "position"] == 0).all()
    assert by.loc["F", "lost_revenue"] == 200 and placed is not None
    assert by["expected"].tolist() == pytest.approx([40 / 240] * 6)
    # The same with books too small to be found, and with a stricter rate.
    assert loss_by_manager(frame, manager, 0.1, 0.01, 41)[0]["position"].max() == 1
    assert loss_by_manager(frame, manager, 1e-9, 1e-9, 20)[0]["position"].max() == 0
    none, nothing = loss_by_manager(frame, pd.Series(dtype="object"), 0.1, 0.01, 20)
    assert none.empty and nothing is None


def test_what_a_book_lets_expect_is_told_apart_from_its_manager() -> None:
    """Half of every book is hard (half lost), half easy (a tenth); one manager has hard clients only."""
    rows = []
    for m in "ABCDE":
        rows += [(f"{m}h{i}", m, "hard", i < 10) for i in range(20)] + [
            (f"{m}e{i}", m, "easy", i < 2) for i in range(20)
        ]
    rows += [(f"Fh{i}", "F", "hard", i < 20) for i in range(40)]
    frame = pd.DataFrame(rows, columns=["client_key", "manager", "segment", "lost"])
    frame = frame.assign(first_day=pd.Timestamp("2020-01-01"), prior_revenue=10.0)
    due = pd.Series(expected_losses(frame), index=frame["manager"]).groupby(level=0).mean()
    assert due["F"] - due["A"] == pytest.approx(0.2)  # 0.5 against the mean of 0.5 and 0.1


def test_initiative_by_hand() -> None:
    orders = pd.DataFrame({"client_key": ["A", "B", "C"], "by_us": [2, 0, 0], "by_client": [1, 4, 0]})
    touches = pd.DataFrame({"client_key": ["A", "D"], "direction": ["OUT", "IN"]})
    out = initiative(orders, touches).set_index("client_key")
    assert out["by_us"].to_dict() == {"A": 3, "B": 0, "D": 0}
    assert out["by_client"].to_dict() == {"A": 1, "B": 4, "D": 1}


def test_touches_count_for_the_client_that_is_audited() -> None:
    rows = [
        dict(
            order_id=str(i),
            client_id="code",
            client_key="holding",
            amount=10,
            initiator="IN",
            order_date=dt.date(2024, 1, 1) + dt.timedelta(days=30 * i),
        )
        for i in range(4)
    ]
    touch = dict(person="K1", date="2024-03-01", direction="OUT")
    touches = [{**touch, "client_id": "code"}, {**touch, "client_id": "prospect"}]
    r = diagnose(make_case(rows, {"company": {"sale_type": "TC"}, "touches": touches}))
    m = r.metrics["retention.company_initiated_share"]
    assert m.value == pytest.approx(1 / 5) and m.extra["events"] == 5  # the prospect never ordered: not the base


def test_between_projects() -> None:
    day = pd.to_datetime
    projects = pd.DataFrame(
        {
            "client_key": ["A", "B", "C"],
            "first_project": day(["2023-01-01"] * 3),
            "last_project": day(["2024-01-01"] * 3),
            "small_between": [1, 0, 0],
        }
    )
    touches = pd.DataFrame({"client_key": ["B", "C"], "day": day(["2023-06-01", "2024-06-01"])})
    assert between_projects(projects, touches) == (2, 3)  # A by a small sale, B by a touch; C's came afterwards
    assert between_projects(projects.head(0), touches) == (0, 0)


def test_loss_by_service_compares_like_with_like() -> None:
    clients = years([("a", 1, 0, 2, 0), ("b", 1, 1, 3, 1), ("c", 1, 1, 9, 9), ("d", 1, 0, 9, 0)])
    service = pd.DataFrame({"client_key": list("abcd"), "dated_orders": [2, 3, 9, 9], "late_orders": [1, 0, 0, 2]})
    table = loss_by_service(clients, service).set_index(["order_days", "late"])
    assert table.loc[("2–3", True), ["clients", "lost"]].tolist() == [1, 1]
    assert table.loc[("9+", False), "share"] == 0 and table.loc[("9+", True), "share"] == 1
    assert np.isnan(table.loc[("4–8", True), "share"])


def test_worklist_order_and_first_steps() -> None:
    day = pd.Timestamp("2024-10-01")
    rhythm = pd.DataFrame(
        {
            "client_key": list("abcd"),
            "state": ["late", "sleeping", "on_time", "late"],
            "usual_gap_days": [30.0, 20.0, 10.0, 30.0],
            "next_day": [day] * 4,
            "overdue_days": [10, 60, 0, 40],
        }
    )
    clients = pd.DataFrame(
        {
            "client_key": list("abcd"),
            "client_name": list("ABCD"),
            "last_day": [day] * 4,
            "last_year_revenue": [50.0, 80.0, 999.0, 50.0],
            "last_manager": "M",
            "seasonal": False,
        }
    )
    goods = goods_text(pd.DataFrame({"client_key": ["b", "b"], "goods": ["y", "x"], "place": [2, 1]}))
    who = callers(Norm(("TC",)), {"SR", "KM"})
    out = worklist(rhythm, clients, pd.Series({"b": 0.4}), goods, who, {"a", "b"})
    assert out["client_key"].tolist() == ["b", "d", "a"]  # 80, then 50 overdue for 40 days, then 50 for 10
    # a buys all from us, so does b: new goods for who is late; who sleeps is to be woken first.
    assert out["first_step"].tolist() == ["visit", "ask_reason", "new_goods"]
    assert out["caller"].tolist() == ["SR", "KM", "KM"] and out["stands_for"].isna().all()
    assert out["goods"].tolist()[0] == "x; y" and out["p_alive"].tolist()[0] == 0.4
    assert first_step("sleeping", 11, 5, 30.0) == "call_offer" and first_step("late", 0, 10, 30.0) == "call_check"


@pytest.mark.parametrize(
    ("sale_type", "held", "sleeping", "late"),
    [
        ("T", {"SR", "SOP"}, ("SR", None), ("SOP", None)),
        ("TC", {"SR", "KM"}, ("SR", None), ("KM", None)),
        ("TC", {"KM"}, ("KM", "SR"), ("KM", None)),  # nobody develops: the client manager may, and it is said
        ("C", {"SR", "KM"}, ("KM", None), ("KM", None)),
        ("CS", {"KM"}, ("KM", None), ("KM", None)),
        ("S", {"SR"}, ("SR", None), ("SR", None)),
        ("TC", set(), ("SR", None), ("KM", None)),  # no staff sheet: the role of the type stands
    ],
)
def test_who_calls_follows_the_type_of_sale(sale_type: str, held: set[str], sleeping: Any, late: Any) -> None:
    assert callers(Norm((sale_type,)), held) == {"sleeping": sleeping, "late": late}


def test_value_of_a_returner() -> None:
    # Four come back once, in 2023, for 100 and 300 a month later; the fifth in December 2024 for 50, seen for a month.
    rows = [
        {"client": f"c{k}", "order_date": at, "amount": amount}
        for k in range(4)
        for at, amount in (("2022-11-01", 10), ("2023-01-01", 100), ("2023-02-01", 300))
    ]
    rows += [{"client": "late", "order_date": d, "amount": 50} for d in ("2024-11-01", "2024-12-01")]
    rows.append({"client": "end", "order_date": "2024-12-31", "amount": 1})
    case = make_case(rows)
    new = case.clients().query("second_day == second_day")[["client_key", "second_day"]]
    # Day 0: (4 · 100 + 50) ÷ 5; day 31, which only four were watched for: 4 · 300 ÷ 4.
    found = second_value(case, new)
    assert found["second_value"] == pytest.approx(90 + 300)
    assert found["second_value_low"] < 390 < found["second_value_high"] or found["second_value_low"] <= 390
    assert second_value(case, new.head(4))["second_value"] is None, "four are too few"
    case.close()


def test_own_return_of_those_asleep_a_year_ago() -> None:
    """Ten order monthly through 2022 and stop in June 2023: asleep at the end of 2023; four of them order in 2024."""
    rows = []
    for k in range(30):
        for n in range(36):
            month = f"{2022 + n // 12}-{n % 12 + 1:02d}-05"
            if k < 10 and n >= 18 and not (k < 4 and n == 28):
                continue
            rows.append({"client": f"c{k:02d}", "order_date": month, "amount": 100 + 100 * (k < 2)})
    rows.append({"client": "end", "order_date": "2024-12-31", "amount": 1})
    case = make_case(rows)
    got = own_return(case)
    case.close()
    # Two of the four bring twice as much: 2 · 200 + 2 · 100 of 2 · 200 + 8 · 100.
    assert got == {"share": pytest.approx(600 / 1200), "by_clients": pytest.approx(0.4), "n": 10}
    short = make_case([r for r in rows if r["order_date"] >= "2023-02-01"])
    assert own_return(short) is None
    short.close()


def test_a_client_counts_in_the_months_after_its_order():
    # units 1 and 2 bought in month 10 and 12; with a reach of 2 months each order counts in its month and the next
    unit, month = within_reach(np.array([1, 2]), np.array([10, 12]), 2, 12)
    assert list(zip(unit.tolist(), month.tolist(), strict=True)) == [(1, 10), (1, 11), (2, 12)]


def season_case(limits: dict[str, Any] | None = None) -> Case:
    """Three years to 31 December 2024: 30 clients that buy every ten days, some of them not in winter."""
    rows = []
    for c in range(30):
        kind = "winter" if c < 10 else "asleep" if c < 20 else "steady"
        day = dt.date(2022, 1, 5 + c % 5)
        while day <= dt.date(2024, 12, 31):
            gone = (kind == "winter" and (day.month in (10, 11, 12, 1))) or (
                kind == "asleep" and day > dt.date(2024, 9, 30)
            )
            if not gone:
                rows.append(
                    {"client_id": f"{kind}{c:02d}", "order_id": f"{c}-{day}", "order_date": day, "amount": 100.0}
                )
            day += dt.timedelta(days=10)
    return make_case(rows, {"company": {"sale_type": "TC"}}, limits and {"thresholds": limits})


def test_a_silence_of_every_winter_is_no_sleep() -> None:
    # all twenty are silent since the end of September, some ninety days, and their usual gap is ten
    states = diagnose(season_case()).tables["states"].set_index("state")["clients"]
    assert states["sleeping"] == 10 and states["on_time"] == 20 and states["late"] == states["lost"] == 0
    # with all of the silence set aside at its ends nothing would be left to compare
    blind = diagnose(season_case({"retention.season_tolerance": {"value": 0.5}})).tables["states"].set_index("state")
    assert blind.loc["sleeping", "clients"] == 0
