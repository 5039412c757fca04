"""The chapter on whole cases: figures by hand, properties, degenerate input, Online Retail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from audit.chapters.clients.measure import _keepers, diagnose
from audit.method import method
from audit.model.case import Case
from audit.model.result import ChapterResult
from tests.case_builder import make_case
from tests.chapters.client_cases import bare, company, questionnaire
from tests.roles_tables import case_of, staff
from tests.shared_data import shared

IDS = {id for id in method().metrics if id.startswith("base.")}


@pytest.fixture(scope="module")
def plain() -> Iterator[tuple[Case, ChapterResult]]:
    case = make_case(company(), questionnaire(minutes_per_order=5.0, minutes_per_line=1.0))
    yield case, diagnose(case)
    case.close()


@pytest.fixture(scope="module")
def rich() -> Iterator[tuple[Case, ChapterResult]]:
    """The even company with something for every threshold to decide."""
    rows = company()
    number = rows["client_id"].str[1:].astype(int)
    third = number % 3 == 0
    rows.loc[third, "sku_group"] = "A"  # a third buys one category only, and an article of its own kind
    rows.loc[third, "sku"] = "спец"
    odd_quarter = pd.to_datetime(rows["order_date"]).dt.quarter % 2
    swing = 1 + odd_quarter * (0.4 * (number % 4 == 1) + 1.0 * (number % 4 == 3))
    rows["amount"] *= swing  # variation 0.2/1.2 = 0.17 and 0.5/1.5 = 0.33
    rows.loc[number == 1, "amount"] = 20.0
    rows.loc[number == 40, "amount"] = 15_000.0  # one large client, its margin the lowest, its goods its own
    rows["margin"] = rows["amount"] * (0.2 + 0.001 * number)
    rows.loc[number == 40, ["margin", "sku"]] = [-1.0, "особый 40"]
    rows.loc[(number == 1) & rows["sku"].str.endswith("-0"), "sku"] = "особый 1"
    quarter = (number == 4) & (pd.to_datetime(rows["order_date"]).dt.month <= 3)
    rows.loc[quarter, "sku"] = "особый 4"
    rows.loc[number == 4, "margin"] = -1.0
    last = rows["order_date"] == dt.date(2024, 12, 15)
    rows.loc[(number == 2) & last, "complaint"] = True
    rows.loc[number == 2, "margin"] = -1.0
    case = make_case(rows)
    yield case, diagnose(case)
    case.close()


@pytest.fixture(scope="module")
def giant() -> Iterator[tuple[Case, ChapterResult]]:
    case = make_case(giant_company(late_after=True))
    yield case, diagnose(case)
    case.close()


def again(case: Case, change: dict[str, Any]) -> ChapterResult:
    return diagnose(replace(case, thresholds=case.thresholds.override(change)))


def run(orders: Any, q: Any = None, **settings: Any) -> ChapterResult:
    case = make_case(orders, q, settings)
    try:
        return diagnose(case)
    finally:
        case.close()


def test_every_metric_is_there_with_a_value_or_a_reason(plain: tuple[Case, ChapterResult]) -> None:
    metrics = plain[1].metrics
    assert set(metrics) == IDS
    for m in metrics.values():
        assert (m.value is None) != (m.reason is None), m.id


def test_figures_of_an_even_company_by_hand(plain: tuple[Case, ChapterResult]) -> None:
    r = plain[1]
    # 48 clients of the sizes 1 000 … 1 900 (i mod 10): the five largest are four of 1 900 and one of 1 800
    sizes = sorted((1000 + 100 * (i % 10) for i in range(48)), reverse=True)
    assert r.metrics["base.top1_share"].value == pytest.approx(sizes[0] / sum(sizes))
    assert r.metrics["base.top5_share"].value == pytest.approx(sum(sizes[:5]) / sum(sizes))
    assert r.metrics["base.tail_order_share"].value == pytest.approx(0.5)  # everybody orders twelve times
    # everybody buys all four categories, each on half of twelve order days: chance would leave one out with p = 2⁻¹²
    p = 0.5**12
    assert r.metrics["base.range_gap"].extra["missing"] == 0.0
    assert r.metrics["base.range_gap"].value == pytest.approx(4 * (0 - p) / (1 - p))
    assert r.metrics["base.wallet_share"].value == pytest.approx(0.6)
    assert r.metrics["base.giant_orders"].value == 0
    assert r.metrics["base.steady_share"].value == 1.0
    clients = r.tables["clients"]
    assert clients["gross_profit"].sum() == pytest.approx(0.2 * clients["revenue"].sum())
    assert clients["annual_figure"].sum() == pytest.approx(0.2 * clients["revenue"].sum())
    assert clients["entry_hours"].sum() == pytest.approx(
        48 * (12 * 5 + 24 * 1) / 60
    )  # five minutes an order, one a line


def test_shares_sum_to_one_and_classes_cover_everybody(plain: tuple[Case, ChapterResult]) -> None:
    t = plain[1].tables
    assert t["clients"]["revenue_share"].sum() == pytest.approx(1)
    assert t["classes"]["clients"].sum() == t["strategies"]["clients"].sum() == len(t["clients"]) == 48
    assert t["classes"]["revenue_share"].sum() == pytest.approx(1)
    assert t["classes"]["order_share"].sum() == pytest.approx(1)


def test_the_order_of_rows_is_irrelevant(plain: tuple[Case, ChapterResult]) -> None:
    q = questionnaire(minutes_per_order=5.0, minutes_per_line=1.0)
    shuffled = run(company().sample(frac=1, random_state=5), q)
    for id, m in plain[1].metrics.items():
        other = shuffled.metrics[id]
        assert (m.value, m.low, m.high, m.n) == (other.value, other.low, other.high, other.n), id
    for name, table in plain[1].tables.items():
        pd.testing.assert_frame_equal(table, shuffled.tables[name])


@pytest.mark.parametrize(
    ("orders", "clients"),
    [
        (bare([("a", "2024-01-10", 100.0)]), 1),
        (bare([("a", "2024-01-10", 100.0), ("a", "2024-02-10", 50.0)]), 1),
        (bare([("a", "2024-01-10", 100.0), ("b", "2024-01-10", -100.0)]), 1),
        (bare([("a", "2024-01-10", -100.0)]), 0),
        (bare([("a", "2021-01-10", 100.0), ("b", "2024-01-10", 100.0)]), 1),
        (
            [
                {
                    **r,
                    "manager": "M",
                    "sku_group": "g",
                    "sku": "s",
                    "margin": 0.0,
                    "promised_date": "2024-01-12",
                    "shipped_date": "2024-01-12",
                }
                for r in bare([("a", "2024-01-10", 100.0)])
            ],
            1,
        ),
    ],
)
def test_degenerate_input_gives_reasons_and_no_crash(orders: list[dict[str, Any]], clients: int) -> None:
    r = run(orders)
    assert len(r.tables["clients"]) == clients
    assert set(r.metrics) == IDS
    for m in r.metrics.values():
        assert (m.value is None) != (m.reason is None), m.id


def test_without_optional_columns_the_sentence_names_them() -> None:
    rows = company()[["client_id", "order_date", "amount", "order_id"]]
    r = run(rows)
    said = {id: m.reason.ru for id, m in r.metrics.items() if m.reason is not None}
    assert "«товарная группа»" in said["base.range_gap"]
    assert "«обещанная дата отгрузки»" in said["base.giant_orders"]
    assert "«валовая прибыль»" in said["base.off_profile_order_share"]
    assert "«Ключевые клиенты»" in said["base.wallet_share"]
    assert "«холдинг»" in said["base.top1_holding_share"]
    assert r.metrics["base.top1_share"].value is not None
    assert r.metrics["base.tail_order_share"].value is not None


def test_holdings_are_a_level_of_their_own() -> None:
    rows = company().assign(holding=lambda t: t["client_id"].map({"c000": "Г", "c001": "Г", "c002": "Г"}))
    r = run(rows)
    one, group = r.metrics["base.top1_share"].value, r.metrics["base.top1_holding_share"].value
    sizes = [1000 + 100 * (i % 10) for i in range(48)]
    assert group == pytest.approx((1000 + 1100 + 1200) / sum(sizes))
    assert one is not None and group > one
    assert run(rows, level={"client": "holding"}).metrics["base.top1_holding_share"].value is None


def test_goods_that_hardly_anybody_buys() -> None:
    rows = company()
    odd = rows["client_id"] == "c000"
    rows.loc[odd, "sku"] = "только для него"
    rows.loc[odd, "margin"] = -10.0
    rows["amount"] = rows["amount"].where(~odd, 60.0)
    r = run(rows)
    c = r.tables["clients"].set_index("client_key").loc["c000"]
    assert c["rare_share"] == 1.0
    assert bool(c["off_profile"])
    assert r.metrics["base.off_profile_order_share"].value == pytest.approx(1 / 48)  # 12 of 576 orders


def giant_company(late_after: bool) -> pd.DataFrame:
    """The even company with one order of 300 000 on 15 June 2024; afterwards shipments are five days late, or not."""
    rows = company()
    first = rows.iloc[[0]].copy()
    first[["client_id", "client", "order_id"]] = ["big", "Большой объект", "big-1"]
    first[["order_date", "promised_date", "shipped_date"]] = [dt.date(2024, 6, 15)] * 3
    first[["amount", "margin"]] = [300_000.0, 60_000.0]
    if late_after:
        after = rows["order_date"].between(dt.date(2024, 6, 16), dt.date(2024, 8, 14))
        rows.loc[after, "shipped_date"] = rows.loc[after, "promised_date"] + dt.timedelta(days=5)
    return pd.concat([rows, first], ignore_index=True)


def test_a_giant_order_and_the_others_after_it(giant: tuple[Case, ChapterResult]) -> None:
    r = giant[1]
    assert r.metrics["base.giant_orders"].value == 1
    assert r.tables["giants"]["client_key"].tolist() == ["big"]
    late = r.tables["outcomes"].set_index("outcome").loc["late"]
    assert (late["before"], late["after"]) == (0.0, 1.0)
    assert (r.metrics["base.indigestion_p"].value or 1) < 0.001
    calm = run(giant_company(late_after=False))
    assert (calm.metrics["base.indigestion_p"].value or 0) > 0.5


def test_limits_of_giant_orders_matter(giant: tuple[Case, ChapterResult]) -> None:
    case = giant[0]
    # the usual month of the client at the 95th percentile is 1 900: 300 000 is 158 of them
    assert again(case, {"base.giant_multiple": 200}).metrics["base.giant_orders"].value == 0
    assert again(case, {"base.giant_quantile": 1.0}).metrics["base.giant_orders"].value == 0
    short = again(case, {"base.giant_after_days": 30}).tables["outcomes"].set_index("outcome").loc["late"]
    assert short["after_n"] < 60
    far = again(case, {"base.giant_before_days": 30})
    assert far.metrics["base.indigestion_p"].value is None  # one month before has no spread
    silence = again(case, {"base.giant_silence_days": 10}).tables["outcomes"].set_index("outcome")
    assert silence.loc["silent", "before"] == 1.0  # nobody orders twice in ten days


def test_a_client_that_always_orders_much_is_no_event() -> None:
    rows = company()
    big = rows["client_id"] == "c000"
    rows["amount"] = rows["amount"].where(~big, 100_000.0)
    case = make_case(rows)
    assert diagnose(case).metrics["base.giant_orders"].value == 0
    assert again(case, {"base.giant_max_a_year": 12}).metrics["base.giant_orders"].value == 24
    case.close()


@pytest.mark.parametrize(
    ("threshold", "value", "metric"),
    [
        ("base.similar_min_share", 0.9, "base.range_gap"),
        ("base.similar_clients", 5, "base.range_gap"),
        ("base.similar_max_clients", 25, "base.range_gap"),
        ("base.off_profile_rare_reach", 0.5, "base.off_profile_order_share"),
        ("base.off_profile_rare_share", 0.01, "base.off_profile_order_share"),
        ("base.off_profile_margin_quantile", 0.9, "base.off_profile_order_share"),
        ("base.off_profile_effort_quantile", 0.2, "base.off_profile_order_share"),
        ("base.off_profile_min_criteria", 1, "base.off_profile_order_share"),
        ("base.off_profile_min_events", 1, "base.off_profile_order_share"),
        ("base.off_profile_most_bearers", 0.01, "base.off_profile_order_share"),
        ("base.off_profile_max_revenue_share", 0.5, "base.off_profile_order_share"),
        ("base.xyz_x", 0.1, "base.steady_share"),
        ("base.xyz_y", 0.3, "base.steady_share"),
        ("base.xyz_min_quarters", 9, "base.steady_share"),
        ("general.min_units", 60, "base.tail_order_share"),
    ],
)
def test_every_threshold_of_the_chapter_changes_a_figure(
    rich: tuple[Case, ChapterResult], threshold: str, value: float, metric: str
) -> None:
    a, b = rich[1].metrics[metric], again(rich[0], {threshold: value}).metrics[metric]
    assert (a.value, a.n, a.extra) != (b.value, b.n, b.extra), threshold


def test_limits_of_classes_and_strategies_matter(plain: tuple[Case, ChapterResult]) -> None:
    case, result = plain
    classes = result.tables["classes"]["clients"].tolist()
    assert again(case, {"base.abc_a": 0.5}).tables["classes"]["clients"].tolist() != classes
    assert again(case, {"base.abc_b": 0.85}).tables["classes"]["clients"].tolist() != classes
    strategies = result.tables["strategies"]["clients"].tolist()
    changes: list[dict[str, Any]] = [
        {"base.room_full_wallet": 0.3},
        {"base.room_below_best": 1.1},
        {"base.room_missing_categories": -1},
    ]
    for change in changes:
        assert again(case, change).tables["strategies"]["clients"].tolist() != strategies, change


def online_retail() -> pd.DataFrame:
    """2010-12 to 2011-12, invoices and cancellations of known customers; amounts with their sign."""
    frame = pq.read_table(shared("online_retail/online_retail_2010_2011.parquet")).to_pandas()
    frame = frame[frame["CustomerID"].notna() & (frame["UnitPrice"].astype(float) > 0)]
    lines = pd.DataFrame(
        {
            "client_id": frame["CustomerID"].astype(float).astype(int).astype(str),
            "order_id": frame["InvoiceNo"].astype(str),
            "order_date": pd.to_datetime(frame["InvoiceDate"]).dt.date,
            "amount": frame["Quantity"].astype(float) * frame["UnitPrice"].astype(float),
        }
    )
    return lines.groupby(["client_id", "order_id", "order_date"], as_index=False)["amount"].sum()


@pytest.mark.slow
def test_online_retail_top_clients_once_the_giant_cancellations_are_netted() -> None:
    rows = online_retail()
    gross = rows[rows["amount"] > 0]
    settings = {"period": {"as_of": "2011-12-09"}}
    net, sold = run(rows, **settings), run(gross, **settings)
    top_net, top_sold = (r.tables["clients"]["client_key"].head(10).tolist() for r in (net, sold))
    # 16446 ordered 80 995 pieces for 168 469.60 on 2011-12-09 and cancelled them all the same day
    assert "16446" in top_sold[:5] and "16446" not in top_net
    kept = net.tables["clients"].set_index("client_key")["revenue"].get("16446", 0.0)
    assert kept == pytest.approx(rows.loc[rows["client_id"] == "16446", "amount"].sum(), abs=0.01)
    one = net.metrics["base.top5_share"].value
    two = sold.metrics["base.top5_share"].value
    assert one is not None and two is not None and one != two
    frame = net.tables["clients"]
    assert frame["revenue_share"].sum() == pytest.approx(1)
    assert net.metrics["base.range_gap"].reason is not None


def test_growth_is_compared_among_keepers_of_clients_and_strangers() -> None:
    case = case_of(staff("K1 KM", "R1 SR", "S1 SOP"), {})
    people = pd.Series(["K1", "R1", "S1", "nobody knows"])
    assert _keepers(case, people).tolist() == [True, False, False, True]
