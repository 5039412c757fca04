"""Off-profile clients, range gaps, wallets, strategies, giant orders and earned growth on small tables."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from audit.chapters.clients.giants import compare, joint_p, label_days, outcomes
from audit.chapters.clients.growth import earned_growth, rank_correlation, segment_growth
from audit.chapters.clients.profile import off_profile
from audit.ground.classes import abcd
from audit.ground.keys import match_keys
from audit.ground.room import room_to_grow, wallet
from audit.ground.similar import range_gaps

ALL = ("margin", "rare", "effort")


def base(n: int = 40) -> pd.DataFrame:
    """Equal clients: 100 money, 2 orders, margins 20 % to 24 %, no rare goods, no trouble."""
    return pd.DataFrame(
        {
            "client_key": [f"c{i:02d}" for i in range(n)],
            "revenue": 100.0,
            "orders": 2,
            "claims": 0,
            "returns": 0,
            "margin_share": [0.20 + 0.001 * (i % 5) for i in range(n)],
            "rare_share": 0.0,
        }
    )


# --- off-profile


def test_two_marks_of_three_make_a_small_client_off_profile() -> None:
    c = base()
    c.loc[0, ["margin_share", "rare_share"]] = [-0.1, 0.9]  # a loss on goods nobody else buys
    c.loc[1, "rare_share"] = 0.9  # one mark only
    c.loc[[0, 1], "revenue"] = 50.0
    found = off_profile(c, measurable=("margin", "rare"))
    assert found.table.loc[found.table["off_profile"], "client_key"].tolist() == ["c00"]
    # orders: 2 of 80; coincidence: clients with the mark "rare" (c00 and c01, 4 of 80 orders) × a tenth
    assert found.order_share == pytest.approx(2 / 80)
    assert found.by_chance == pytest.approx(0.1 * 4 / 80)
    assert found.excess == pytest.approx(2 / 80 - 0.1 * 4 / 80)
    # the only chance in it: two clients of 2/80 each qualify with probability 0.1
    half = 1.959964 * np.sqrt(2 * (2 / 80) ** 2 * 0.1 * 0.9)
    assert (found.low, found.high) == (
        pytest.approx(found.excess - half, abs=1e-6),
        pytest.approx(found.excess + half, abs=1e-6),
    )


def test_a_mark_that_more_than_a_fifth_bear_is_no_mark() -> None:
    c = base()
    c.loc[0, ["margin_share", "rare_share", "revenue"]] = [-0.1, 0.9, 50.0]
    c.loc[:7, "rare_share"] = 0.9  # eight of forty, a fifth: still a mark
    assert off_profile(c, measurable=ALL).criteria == ALL
    c.loc[8, "rare_share"] = 0.9
    found = off_profile(c, measurable=ALL)
    assert found.criteria == ("margin", "effort") and found.common == {"rare": pytest.approx(9 / 40)}
    assert found.table.loc[found.table["off_profile"], "client_key"].tolist() == ["c00"]  # by margin and orders
    assert found.table["criteria_held"].max() == 2 and found.table["flag_rare"].isna().all()
    assert off_profile(c, measurable=("margin", "rare")).order_share == 0
    assert off_profile(c, measurable=ALL, most_bearers=0.3).criteria == ALL


def test_a_large_client_is_never_off_profile() -> None:
    c = base()
    c.loc[0, ["margin_share", "rare_share"]] = [-0.1, 0.9]
    share = 100 / 4000  # 2.5 % of revenue
    assert not off_profile(c, measurable=ALL).table["off_profile"].any()
    found = off_profile(c, measurable=ALL, max_revenue_share=share + 0.001)
    assert found.table["off_profile"].sum() == 1


def test_each_limit_of_the_marks_matters() -> None:
    c = base()
    c["revenue"] = 60.0
    c.loc[0, ["margin_share", "rare_share"]] = [0.1995, 0.6]
    c.loc[1:, "revenue"] = 100.0

    def off(**limits: float) -> list[str]:
        table = off_profile(c, measurable=ALL, **limits).table  # type: ignore[arg-type]
        return table.loc[table["off_profile"], "client_key"].tolist()

    assert off() == ["c00"]
    assert off(margin_quantile=0.0) == ["c00"]  # below nobody: rare goods and orders per million remain
    assert off(rare_share=0.7, margin_quantile=0.0) == []
    assert off(needed=4) == []
    assert off(effort_quantile=1.0, margin_quantile=0.0) == []  # above nobody


def test_one_claim_in_a_small_client_is_no_mark() -> None:
    c = base()
    c.loc[0, ["rare_share", "revenue"]] = [0.9, 50.0]
    c["orders"] = c["revenue"] / 50  # the same per million for everybody
    c.loc[0, "claims"] = 1
    assert not off_profile(c, measurable=ALL, margin_quantile=0.0).table["off_profile"].any()
    assert off_profile(c, measurable=ALL, margin_quantile=0.0, min_events=1).table["off_profile"].sum() == 1


def test_equal_clients_are_not_off_profile_and_shuffling_changes_nothing() -> None:
    found = off_profile(base(), measurable=ALL)
    assert found.order_share == 0
    c = base()
    c.loc[3, ["margin_share", "rare_share", "revenue"]] = [-0.3, 1.0, 20.0]
    one, two = off_profile(c, measurable=ALL), off_profile(c.sample(frac=1, random_state=3), measurable=ALL)
    assert (one.order_share, one.by_chance) == (pytest.approx(two.order_share), pytest.approx(two.by_chance))


# --- range gaps


def mix(bought: dict[str, str], days: int = 10) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clients with the categories of their letters, each bought on every order day for 10 money."""
    rows = [
        {"client_key": k, "category": letter, "revenue": 10.0, "days": days} for k, s in bought.items() for letter in s
    ]
    clients = pd.DataFrame(
        {
            "client_key": list(bought),
            "segment": "s",
            "revenue": [100.0 + i for i in range(len(bought))],
            "order_days": days,
        }
    )
    return pd.DataFrame(rows), clients


def test_a_category_that_most_similar_clients_buy_is_missing() -> None:
    # five clients, three neighbours each: all buy A and B; d lacks B, and E is bought by one client only
    m, c = mix({"a": "AB", "b": "AB", "c": "AB", "d": "A", "e": "ABE"})
    g = range_gaps(m, c, peers=3)
    missing = dict(zip(g.clients["client_key"], g.clients["missing"], strict=True))
    assert missing == {"a": 0, "b": 0, "c": 0, "d": 1, "e": 0}
    row = g.gaps.iloc[0]
    assert (row["client_key"], row["category"], row["peers_share"]) == ("d", "B", 1.0)
    # B is half of the revenue of a, b, c; d has 103 money: 51.5 is to be expected
    assert (row["typical_share"], row["expected_revenue"]) == (0.5, pytest.approx(51.5))
    assert g.missing == pytest.approx(1 / 5)
    assert g.by_chance == 0  # every order day of the similar clients has B: chance would never leave it out


def test_the_floor_is_what_few_orders_leave_out() -> None:
    m, c = mix({"a": "AB", "b": "AB", "c": "AB", "d": "A"}, days=2)
    m.loc[(m["category"] == "B"), "days"] = 1  # B on one of two order days
    g = range_gaps(m, c, peers=3)
    d = g.clients.set_index("client_key").loc["d"]
    # usual: A (always bought: p = 0) and B: q = 1/2, two order days, p = (1 − 1/2)² = 1/4
    assert d["by_chance"] == pytest.approx(0.25)
    # A: (0 − 0)/1 = 0; B missing: (1 − 1/4)/(3/4) = 1
    assert d["beyond_chance"] == pytest.approx(1.0)
    a = g.clients.set_index("client_key").loc["a"]
    # A's neighbours b, c, d: B on 2 of 6 order days → p = (2/3)² = 4/9; bought: −(4/9)/(5/9) = −0.8
    assert a["beyond_chance"] == pytest.approx(-0.8)


def test_a_category_that_chance_would_leave_out_tells_nothing() -> None:
    m, c = mix({"a": "AB", "b": "AB", "c": "AB", "d": "A"}, days=1)
    m["days"] = m["days"].astype(float)
    m.loc[m["category"] == "B", "days"] = 0.3  # p = 1 − 0.3 for one order day: more than a half
    d = range_gaps(m, c, peers=3).clients.set_index("client_key").loc["d"]
    assert d["missing"] == 1
    assert d["beyond_chance"] == 0


def test_the_share_of_similar_clients_and_their_number_matter() -> None:
    m, c = mix({"a": "AB", "b": "AB", "c": "A", "d": "A", "e": "A"})
    assert range_gaps(m, c, peers=4, min_share=0.5).missing == pytest.approx(3 / 5)  # B: half of the neighbours
    assert range_gaps(m, c, peers=4, min_share=0.9).missing == 0
    assert range_gaps(m, c, peers=5).beyond.value is None  # a client cannot be compared with itself


def test_similar_means_the_same_segment() -> None:
    bought = {f"x{i}": "AB" for i in range(5)} | {f"y{i}": "A" for i in range(5)}
    m, c = mix(bought)
    c["segment"] = ["x"] * 5 + ["y"] * 5
    assert range_gaps(m, c, peers=4).missing == 0
    c["segment"] = None  # one segment: the nearest mixes are the same again, yet only four of each kind remain
    assert range_gaps(m, c, peers=9, min_share=0.5).missing == pytest.approx(0.5)  # each y misses B: 5 of 10


def test_shuffled_rows_give_the_same_gaps() -> None:
    m, c = mix({f"k{i}": "AB" if i % 3 else "AC" for i in range(12)})
    one = range_gaps(m, c, peers=4)
    two = range_gaps(m.sample(frac=1, random_state=1), c.sample(frac=1, random_state=2), peers=4)
    pd.testing.assert_frame_equal(one.clients, two.clients)
    pd.testing.assert_frame_equal(one.gaps, two.gaps)


# --- wallet and strategies


def test_keys_of_the_questionnaire_find_their_client() -> None:
    names = pd.DataFrame(
        {
            "said": ["7701", "c-1", "ООО «Альфа»", "7702"],
            "client_key": ["c-1", "c-1", "c-1", "c-2"],
            "place": [1, 2, 3, 1],
        }
    )
    found = match_keys(pd.Series([" 7701 ", "ооо «альфа»", "7703"]), names)
    assert found.tolist() == ["c-1", "c-1", None]


def test_wallet_with_the_arithmetic_written_out() -> None:
    keys = pd.DataFrame(
        {
            "client_key": ["a", "b", "c", "d", None],
            "wallet_share": [0.5, None, 0.25, None, 0.9],
            "annual_budget": [None, 400.0, 800.0, None, 1.0],
        }
    )
    w = wallet(keys, pd.Series({"a": 100.0, "b": 100.0, "c": 100.0}))
    t = w.table.set_index("client_key")
    assert t["share"].to_dict() == {"a": 0.5, "b": 0.25, "c": 0.25}  # b: 100/400; d says nothing
    # goes elsewhere: a 100/0.5 − 100, b 400 − 100, c 800 − 100
    assert t["headroom"].to_dict() == {"a": 100.0, "b": 300.0, "c": 700.0}
    assert w.mean.value == pytest.approx((0.5 + 0.25 + 0.25) / 3)
    assert w.weighted == pytest.approx(200 / 1200)
    assert (w.both, w.stated_mean.value, w.computed_mean.value) == (1, 0.25, pytest.approx(0.125))


def test_strategies_by_size_and_room() -> None:
    c = pd.DataFrame(
        {
            "abc": ["A", "A", "B", "C", "A", "C"],
            "wallet_share": [0.3, 0.9, None, None, None, None],
            "missing": [0, 9, 3, 0, None, None],
            "to_best": [1.0, 0.1, 1.0, 0.9, 0.5, None],
        }
    )
    out = room_to_grow(c)
    out["abcd"] = abcd(c["abc"], out["room"])
    # the wallet decides where it is known: the second has none left although range and best year say otherwise
    assert out["abcd"].tolist() == ["A", "B", "C", "D", "A", None]
    assert out["room_from"].tolist() == ["wallet", None, "range", None, "best", None]
    assert room_to_grow(c, full_wallet=0.2)["room"].tolist()[0] is False
    assert room_to_grow(c, min_missing=4)["room"].tolist()[2] is False
    assert room_to_grow(c, max_to_best=0.95)["room"].tolist()[3] is True


# --- indigestion


def days(*iso: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(iso)))


def test_days_before_and_after_a_giant_order() -> None:
    d = days("2024-01-01", "2024-05-10", "2024-06-01", "2024-06-02", "2024-06-30", "2024-07-01", "2024-12-01")
    label = label_days(d, [dt.date(2024, 6, 1)], after_days=29, before_days=30)
    assert label.tolist() == [None, "before", None, "after", "after", None, None]
    assert label_days(d, [dt.date(2024, 6, 1)], 30, 30).tolist()[5] == "after"
    assert label_days(d, [dt.date(2024, 6, 1)], 29, 160).tolist()[0] == "before"


def test_a_day_after_one_giant_is_not_before_the_next() -> None:
    label = label_days(days("2024-06-10"), [dt.date(2024, 6, 1), dt.date(2024, 7, 1)], 30, 30)
    assert label.tolist() == ["after"]


def slices(before: list[tuple[float, float]], after: tuple[float, float]) -> pd.DataFrame:
    rows = [{"label": "before", "top": a, "bottom": b} for a, b in before]
    return pd.DataFrame([*rows, {"label": "after", "top": after[0], "bottom": after[1]}])


def test_lateness_after_a_giant_order_against_the_months_before() -> None:
    # before: 2 of 100 in each of four months (no spread of their own); after: 20 of 100
    out = compare(slices([(2, 100)] * 4, (20, 100)), "late")
    assert out is not None
    assert (out.before, out.after, out.worse) == (0.02, 0.2, True)
    # spread of independent orders: p = 28/500, error = √(p(1 − p)(1/100 + 1/400)), t with 3 degrees of freedom
    error = np.sqrt(28 / 500 * (1 - 28 / 500) * (1 / 100 + 1 / 400))
    from scipy import stats

    assert out.p == pytest.approx(float(stats.t.sf(0.18 / error, 3)))


def test_waves_of_lateness_widen_the_spread() -> None:
    calm = compare(slices([(5, 100)] * 6, (12, 100)), "late")
    waves = compare(slices([(0, 100), (15, 100), (0, 100), (15, 100), (0, 100), (0, 100)], (12, 100)), "late")
    assert calm is not None and waves is not None
    assert calm.before == waves.before == 0.05
    assert calm.p < waves.p


def test_margin_is_bad_when_it_falls_and_little_data_is_no_comparison() -> None:
    rows = [(20, 100), (21, 100), (19, 100), (20, 100)]
    fall = compare(slices(rows, (10, 100)), "margin")
    rise = compare(slices(rows, (30, 100)), "margin")
    assert fall is not None and rise is not None
    assert fall.worse and fall.p < 0.01
    assert not rise.worse and rise.p > 0.9
    assert compare(slices([(2, 100)] * 2, (20, 100)), "late") is None  # two months have no spread
    assert compare(slices([(0, 6)] * 4, (1, 10)), "late") is None  # ten orders after: fewer than twenty


def test_the_p_value_pays_for_every_outcome_looked_at() -> None:
    daily = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=8, freq="MS"),
            "month_index": range(8),
            "shipped": 100,
            "late": [2] * 6 + [30, 30],
            "followed": 100,
            "silent": 3,
            "margin": np.nan,
            "margin_revenue": np.nan,
        }
    )
    label = pd.Series(["before"] * 6 + ["after"] * 2, dtype=object)
    found = outcomes(daily, label)
    assert [o.name for o in found] == ["late", "silent"]
    assert joint_p(found) == pytest.approx(2 * found[0].p)
    assert joint_p([]) == 1.0


# --- earned growth


def growth_rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "client_key": list("abcd"),
            "segment": ["s", "s", "t", "t"],
            "manager": ["M", "N", "M", "N"],
            "prior_revenue": [100.0, 100.0, 50.0, 150.0],
            "revenue": [150.0, 90.0, 50.0, 150.0],
            "new_category_revenue": [30.0, 0.0, 0.0, 15.0],
        }
    )


def test_growth_beyond_the_segment() -> None:
    rows = growth_rows()
    assert segment_growth(rows).to_dict() == {"s": pytest.approx(240 / 200), "t": pytest.approx(1.0)}
    out = earned_growth(rows, min_clients=2, draws=100).set_index("manager")
    # M: 150 + 50 against 100·1.2 + 50·1.0 = 170 → +30 of 150; N: 90 + 150 against 120 + 150 → −30 of 250
    assert out["earned"].to_dict() == {"M": pytest.approx(30), "N": pytest.approx(-30)}
    assert out["earned_share"].to_dict() == {"M": pytest.approx(0.2), "N": pytest.approx(-0.12)}
    assert out["new_category_share"].to_dict() == {"M": pytest.approx(30 / 200), "N": pytest.approx(15 / 240)}
    assert out["earned"].sum() == pytest.approx(0)  # segments leave nothing over
    assert earned_growth(rows, draws=100)["low"].isna().all()  # two clients carry no interval


def test_growth_without_managers_or_rows() -> None:
    assert earned_growth(growth_rows().assign(manager=None), draws=10).empty
    assert earned_growth(growth_rows().head(0)).empty


def test_rank_correlation() -> None:
    a = pd.Series([1, 2, 3, 4])
    assert rank_correlation(a, -a) == pytest.approx(-1)
    assert rank_correlation(a.head(3), a.head(3)) is None
    assert rank_correlation(a, pd.Series([1, 1, 1, 1])) is None
