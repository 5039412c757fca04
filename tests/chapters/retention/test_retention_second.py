"""Second purchase, newcomers, repeat share, cohorts: small tables with the arithmetic written out."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from audit.chapters.retention.cohorts import cohort_table, matrix
from audit.chapters.retention.first_part import (
    naive_metric,
    new_metric,
    probably_old_metric,
    purchase_metric,
    top_share,
)
from audit.chapters.retention.measure import diagnose
from audit.chapters.retention.second import curve_table, longest_judged, purchase_split, share_at, waits, when_judged
from audit.ground.newcomers import believed_since, judged_from, mark_new, new_a_year, new_by_card, ready_from
from audit.ground.shares import share_of
from audit.method import method
from audit.model.window import Window
from audit.stats.shares import weighted_share
from tests.case_builder import make_case

AS_OF = dt.date(2024, 2, 29)
WINDOW = Window(
    start=dt.date(2023, 1, 1),
    end=dt.date(2024, 12, 31),
    as_of=dt.date(2024, 12, 31),
    burn_in_days=180,
    burn_in_source="rule",
    new_from=dt.date(2023, 6, 30),
    recent_start=dt.date(2024, 1, 1),
    prior_start=dt.date(2023, 1, 1),
    horizon_days=365,
)


def people(rows: list[tuple[str, str, str | None]]) -> pd.DataFrame:
    """A frame of clients from (client, first day, second day)."""
    frame = pd.DataFrame(rows, columns=["client_key", "first_day", "second_day"])
    for c in ("first_day", "second_day"):
        frame[c] = pd.to_datetime(frame[c])
    frame["order_days"] = np.where(frame["second_day"].isna(), 1, 2)
    return frame


FIVE = people(
    [
        ("A", "2024-01-20", "2024-01-30"),  # back after 10 days
        ("B", "2024-01-20", "2024-02-09"),  # back after 20
        ("C", "2024-02-14", None),  # watched for 15 days only
        ("D", "2024-01-20", "2024-02-19"),  # back after 30
        ("E", "2024-01-20", None),  # watched for 40
    ]
)


def test_second_purchase_by_hand() -> None:
    # S(10) = 4/5; C leaves at 15; S(20) = 4/5 · 2/3 = 8/15; S(30) = 8/15 · 1/2 = 4/15.
    curve = waits(FIVE, "first_day", "second_day", AS_OF).curve()
    at = share_at(curve, (9, 10, 20, 30, 40, 41)).set_index("horizon_days")
    assert at["share"].tolist()[:5] == pytest.approx([0, 1 / 5, 7 / 15, 11 / 15, 11 / 15])
    assert np.isnan(at.loc[41, "share"])  # nobody was watched for 41 days
    assert at["at_risk"].tolist() == [5, 5, 3, 2, 1, 0]
    table = curve_table(curve)
    assert table["days"].tolist() == [10, 15, 20, 30, 40]
    assert table["events"].tolist() == [1, 0, 1, 1, 0]
    assert table["censored"].tolist() == [0, 1, 0, 0, 1]


def test_naive_share_counts_everybody_alike() -> None:
    m = naive_metric(FIVE)
    assert m.value == pytest.approx(3 / 5)  # A, B, D of five: C and E, watched for 15 and 40 days, count as gone
    assert m.n == 5
    assert naive_metric(FIVE.head(0)).value is None


def test_metric_stands_in_at_the_longest_horizon_for_which_enough_were_followed() -> None:
    w = waits(FIVE, "first_day", "second_day", AS_OF)
    followed = sorted(w.followed.tolist(), reverse=True)
    thresholds = method().thresholds.override({"retention.min_followed": 2})
    m = purchase_metric("retention.second_purchase_share", w, 365, thresholds, AS_OF)
    # Two clients, back or not, were followed for the second longest span.
    assert (m.extra["judged_days"], m.extra["followed"], m.n) == (min(followed[1], 40), 0, 5)
    assert m.extra["ready"] == (AS_OF + dt.timedelta(days=365 - followed[1])).isoformat()


def test_no_new_clients_has_a_reason() -> None:
    w = waits(FIVE.head(0), "first_day", "second_day", AS_OF)
    m = purchase_metric("retention.second_purchase_share", w, 365, method().thresholds, AS_OF)
    assert m.value is None and m.reason is not None and m.n == 0


def test_when_and_where_judged() -> None:
    w = waits(FIVE, "first_day", "second_day", AS_OF)
    third = sorted(w.followed.tolist(), reverse=True)[2]
    assert when_judged(w, third, 3, AS_OF) == AS_OF
    assert when_judged(w, third + 10, 3, AS_OF) == AS_OF + dt.timedelta(days=10)
    assert when_judged(w, 10, 6, AS_OF) is None
    point = longest_judged(w, 20, 3)
    assert point is not None and point.horizon == 20
    assert longest_judged(w, 365, 6) is None


def test_clients_who_all_come_back_are_judged_though_nobody_is_left_at_risk() -> None:
    # Thirty clients won two years ago, all back within a month: nobody is at risk at 365 days, all were followed.
    first = pd.Timestamp("2022-03-01")
    frame = pd.DataFrame(
        {"first_day": [first] * 30, "second_day": [first + pd.Timedelta(days=10 + i % 20) for i in range(30)]}
    )
    m = purchase_metric(
        "retention.second_purchase_share",
        waits(frame, "first_day", "second_day", AS_OF),
        365,
        method().thresholds,
        AS_OF,
    )
    assert (m.extra["judged_days"], m.extra["judged_value"], m.extra["at_risk"]) == (365, 1.0, 0)


def test_probably_old_clients_by_hand() -> None:
    new = pd.DataFrame(
        {"client_since": [None, "2023-09-01"], "first_day": pd.to_datetime(["2023-08-01", "2023-09-02"])}
    )
    window = replace(WINDOW, probably_old_share=0.08)
    m = probably_old_metric(new, window, 30.0)
    assert (m.value, m.n, m.extra["short"]) == (pytest.approx(0.04), 2, False)  # half of them are dated
    assert probably_old_metric(new, window, window.days / 9).extra["short"] is True
    assert probably_old_metric(new, WINDOW, 30.0).value is None


def test_source_ratio_of_new_clients() -> None:
    m = new_metric(pd.DataFrame({"order_days": [1, 2, 5, 1]}))
    assert (m.value, m.n) == (0.5, 4)
    assert new_metric(pd.DataFrame({"order_days": []})).value is None


def test_split_by_first_manager() -> None:
    label = pd.Series(["M1", "M1", "M2", "M2", None])
    table = purchase_split(FIVE, {"first_manager": label}, AS_OF, 30, 2)
    assert table["label"].tolist() == ["M1", "M2"]
    assert table["n"].tolist() == [2, 2]
    assert table["second"].tolist() == [2, 1]
    # M1: both back by day 20. M2: C watched for 15 days, then D alone at risk and back on day 30.
    assert table["share"].tolist() == pytest.approx([1.0, 1.0])
    assert purchase_split(FIVE, {"first_manager": label}, AS_OF, 30, 3).empty


def test_who_is_new() -> None:
    rows = pd.DataFrame(
        [
            ("burn-in", "2023-03-01", None, False),  # may have bought before the export
            ("after", "2023-07-01", None, True),
            ("card inside", "2023-03-01", "2023-02-20", True),  # client_since inside the window decides
            ("card before", "2023-09-01", "2019-05-05", False),
            ("card too late", "2023-03-01", "2023-09-01", False),  # half a year after the first order: not believed
            ("future", "2025-03-01", None, False),  # after as_of
        ],
        columns=["client_key", "first_day", "client_since", "expected"],
    )
    for c in ("first_day", "client_since"):
        rows[c] = pd.to_datetime(rows[c])
    assert mark_new(rows, WINDOW).tolist() == rows["expected"].tolist()


def test_burn_in_limits_nobody_where_the_card_decides_for_every_new_client() -> None:
    rows = pd.DataFrame(
        {
            "first_day": pd.to_datetime(["2023-03-01", "2023-09-01", "2023-03-01"]),
            "client_since": pd.to_datetime(["2023-02-20", "2023-08-30", None]),
        }
    )
    assert new_by_card(rows, WINDOW)  # the third is not new: first seen in the burn-in, without a date
    later = rows.assign(first_day=pd.to_datetime(["2023-03-01", "2023-09-01", "2023-09-01"]))
    assert not new_by_card(later, WINDOW)  # now it is, by its first order
    assert not new_by_card(rows.iloc[2:], WINDOW)  # nobody is new


def test_new_clients_a_year_are_those_of_the_recent_period() -> None:
    start = max(WINDOW.recent_start, WINDOW.new_from)
    days = [pd.Timestamp(start) - pd.Timedelta(days=1), pd.Timestamp(start), pd.Timestamp(WINDOW.as_of)]
    rows = pd.DataFrame({"first_day": days, "client_since": pd.to_datetime([None, None, None])})
    won, yearly = new_a_year(rows, WINDOW)
    months = ((WINDOW.as_of - start).days + 1) / 30.4375
    assert won == 2 and yearly == pytest.approx(2 * 12 / months)


def test_cards_created_in_bulk_are_not_believed() -> None:
    rows = pd.DataFrame({"first_day": pd.to_datetime(["2023-09-01"] * 60)})
    moved = [dt.date(2023, 8, 15)] * 25 + [dt.date(2018, 1, 1) + dt.timedelta(days=i) for i in range(35)]
    rows["client_since"] = pd.to_datetime(pd.Series(moved))
    assert believed_since(rows).notna().sum() == 35  # 25 of 60 on one day: the day of a new system
    few = rows.iloc[10:]  # 15 on one day are too few to be sure
    assert believed_since(few).notna().sum() == 50


def test_judged_from_needs_the_burn_in_or_dates() -> None:
    late = replace(WINDOW, new_from=dt.date(2024, 3, 1))
    rows = pd.DataFrame({"first_day": pd.to_datetime(["2023-02-01", "2024-02-01"])})
    rows["client_since"] = pd.to_datetime([None, None])
    assert judged_from(rows, WINDOW) == dt.date(2024, 1, 1)
    assert judged_from(rows, late) == dt.date(2024, 3, 1)
    rows["client_since"] = pd.to_datetime(["2019-01-01", "2024-01-25"])
    assert judged_from(rows, late) == dt.date(2024, 1, 1)


def test_ready_from() -> None:
    assert ready_from(WINDOW, 12, 1 / 3) == dt.date(2024, 6, 30)  # 180 days, then twelve months
    short = replace(WINDOW, as_of=dt.date(2023, 12, 31), burn_in_days=121, new_from=dt.date(2023, 5, 2))
    # The burn-in is a third of 365 days and grows: 365 days are the other two thirds of 548 days.
    assert ready_from(short, 12, 1 / 3) == dt.date(2023, 1, 1) + dt.timedelta(days=548)


ORDERS = [
    # A: new, 100 on its first day, 50 later. B: old (card of 2015), all 300 repeat. C: new, 150 once.
    dict(order_id="1", client_id="A", order_date="2024-02-01", amount=100, margin=40, client_since="2024-01-15"),
    dict(order_id="2", client_id="A", order_date="2024-06-01", amount=50, margin=10, client_since="2024-01-15"),
    dict(order_id="3", client_id="B", order_date="2024-03-01", amount=200, margin=50, client_since="2015-01-01"),
    dict(order_id="4", client_id="B", order_date="2024-09-01", amount=100, margin=20, client_since="2015-01-01"),
    dict(order_id="5", client_id="C", order_date="2024-05-01", amount=150, margin=60, client_since="2024-04-20"),
    dict(order_id="6", client_id="B", order_date="2023-01-09", amount=500, margin=90, client_since="2015-01-01"),
    dict(order_id="7", client_id="B", order_date="2024-12-31", amount=400, margin=30, client_since="2015-01-01"),
]


def test_repeat_share_by_hand() -> None:
    r = diagnose(make_case(ORDERS))
    # Last 12 months: 100 + 50 + 200 + 100 + 150 + 400 = 1 000, of which 100 (A) + 150 (C) on first order days.
    assert r.metrics["retention.repeat_revenue_share"].value == pytest.approx(1 - 250 / 1000)
    # Six orders, two of them first: 4/6. Margin 40+10+50+20+60+30 = 210, first 40 + 60.
    assert r.metrics["retention.repeat_order_share"].value == pytest.approx(4 / 6)
    assert r.metrics["retention.repeat_margin_share"].value == pytest.approx(1 - 100 / 210)
    assert r.metrics["retention.repeat_revenue_share"].extra["since"] == "2024-01-01"


def test_repeat_share_is_judged_only_where_new_clients_are_known() -> None:
    rows = [{**o, "client_since": None} for o in ORDERS]
    r = diagnose(make_case(rows, settings={"period": {"burn_in_days": 500}}))
    # 2023-01-09 + 500 days = 2024-05-23: 50 (A) + 100 + 400 (B) are left, nobody is new.
    m = r.metrics["retention.repeat_revenue_share"]
    assert m.extra["since"] == "2024-05-23" and m.extra["whole_period"] is False
    assert m.value == pytest.approx(1.0)


def test_returns_reduce_revenue_and_make_no_purchase() -> None:
    back = dict(order_id="1", client_id="A", order_date="2024-02-20", amount=-30, client_since="2024-01-15")
    r = diagnose(make_case([*ORDERS, back]))
    # The return nets on its order's day: first days 70 + 150 of 970.
    assert r.metrics["retention.repeat_revenue_share"].value == pytest.approx(1 - 220 / 970)
    assert r.metrics["retention.second_purchase_naive"].value == pytest.approx(2 / 3)


def test_dominant_client() -> None:
    top, bottom = np.array([10.0, 0.0, 60.0, 5.0]), np.array([40.0, 40.0, 100.0, 20.0])
    s = share_of(top, bottom, weighted_share, 0.2)
    assert s.whole.value == pytest.approx(75 / 200)
    assert s.dominant == 2 and s.dominant_share == pytest.approx(60 / 75)
    assert s.without is not None and s.without.value == pytest.approx(15 / 100)
    free = share_of(top, bottom, weighted_share, 0.9)
    assert free.dominant is None and free.without is None


def test_shares_do_not_depend_on_the_order_of_clients() -> None:
    top = np.arange(30.0) % 7
    bottom = 10.0 + np.arange(30.0) % 11
    a = share_of(top, bottom, weighted_share, 0.5).whole
    order = np.argsort(np.sin(np.arange(30.0)))
    b = share_of(top[order], bottom[order], weighted_share, 0.5).whole
    assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), rel=1e-12)
    assert a.low is not None and a.value is not None and a.high is not None and a.low < a.value < a.high


def test_share_without_a_denominator_has_no_value() -> None:
    s = share_of(np.array([1.0, 2.0]), np.array([5.0, -5.0]), weighted_share, 1.0)
    assert s.whole.value is None and s.whole.reason == "zero_denominator"
    assert share_of(np.zeros(0), np.zeros(0), weighted_share, 1.0).whole.n == 0


def test_cohorts_by_hand() -> None:
    jan, feb = 2024 * 12, 2024 * 12 + 1
    cells = pd.DataFrame(
        [(jan, 0, 4, 400.0), (jan, 2, 1, 50.0), (feb, 0, 2, 70.0)], columns=["cohort", "age", "active", "revenue"]
    )
    window = replace(WINDOW, start=dt.date(2024, 1, 1), as_of=dt.date(2024, 3, 20), new_from=dt.date(2024, 2, 1))
    table = cohort_table(cells, window, 1)
    grid = matrix(table, "share")
    # January: 4 clients, nobody in February (0, not blank), one of four in March.
    assert grid.loc["2024-01-01"].tolist() == [1.0, 0.0, 0.25]
    assert grid.loc["2024-02-01"].tolist()[:2] == [1.0, 0.0]
    assert np.isnan(grid.loc["2024-02-01", 2])  # April has not come
    assert table["known_new"].tolist() == [False] * 3 + [True] * 2
    assert table["complete"].tolist() == [True, True, False, True, False]  # March ends after as_of


def test_cohort_figures_from_orders() -> None:
    r = diagnose(make_case(ORDERS))
    grid = matrix(r.tables["cohorts"], "active")
    assert grid.loc["2024-02-01"].dropna().tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]  # A: February and June
    assert r.metrics["retention.cohorts"].value == 3


def test_top_share_rounds_the_number_of_clients_up() -> None:
    assert top_share(pd.Series([50.0, 20.0, 10.0, 10.0, 5.0, 5.0])) == pytest.approx(70 / 100)  # 20 % of 6 → 2
    assert top_share(pd.Series([1.0] * 10)) == pytest.approx(0.2)
    assert top_share(pd.Series([], dtype=float)) is None


def test_beside_the_whole_window() -> None:
    r = diagnose(make_case(ORDERS))
    table = r.tables["whole_window"].set_index(["figure", "horizon_days"])
    row = table.loc[("second_purchase_share", 180.0)]
    # New: A (back after 121 days) and C. Whole window: B counts as new too and is back after 417 days.
    assert row["ours_n"] == 2 and row["whole_n"] == 3
    assert row["ours"] == pytest.approx(1 / 2) and row["whole"] == pytest.approx(1 / 3)


def test_kaplan_meier_is_unbiased_where_the_naive_ratio_is_not() -> None:
    """Clients arrive over three years; 60 % come back, after 10 to 300 days. Old clients look new without a burn-in."""
    rng = np.random.default_rng(12)
    naive, estimate = [], []
    for _ in range(200):
        first = rng.integers(0, 1095, 150)
        back = np.where(rng.random(150) < 0.6, first + rng.integers(10, 300, 150), 10**6)
        end = 1095
        frame = pd.DataFrame({"first_day": pd.Timestamp("2020-01-01") + pd.to_timedelta(first, unit="D")})
        second = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.minimum(back, end + 1), unit="D")
        frame["second_day"] = pd.Series(second).where(back <= end)
        naive.append(float((back <= end).mean()))
        curve = waits(frame, "first_day", "second_day", dt.date(2022, 12, 31)).curve()
        estimate.append(curve.at(365).event_share.value)
    assert np.mean(estimate) == pytest.approx(0.6, abs=0.01)
    assert np.mean(naive) < 0.57
