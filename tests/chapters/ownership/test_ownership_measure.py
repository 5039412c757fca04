"""The chapter on whole cases: figures by hand, Northwind, simulated hand-overs, degenerate input."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.chapters.ownership.handover import departure_effect
from audit.chapters.ownership.measure import diagnose
from audit.chapters.ownership.verdicts import judge
from audit.method import method
from audit.model.case import Case
from audit.model.result import ChapterResult
from tests.case_builder import make_case
from tests.chapters.client_cases import bare, company, questionnaire
from tests.shared_data import shared

IDS = {id for id in method().metrics if id.startswith("ownership.")}


@pytest.fixture(scope="module")
def plain() -> Iterator[tuple[Case, ChapterResult]]:
    case = make_case(company(), questionnaire())
    yield case, diagnose(case)
    case.close()


def run(orders: Any, q: Any = None, **settings: Any) -> ChapterResult:
    case = make_case(orders, q, settings)
    try:
        return diagnose(case)
    finally:
        case.close()


def again(case: Case, change: dict[str, Any]) -> ChapterResult:
    return diagnose(replace(case, thresholds=case.thresholds.override(change)))


def test_every_metric_is_there_with_a_value_or_a_reason(plain: tuple[Case, ChapterResult]) -> None:
    assert set(plain[1].metrics) == IDS
    for m in plain[1].metrics.values():
        assert (m.value is None) != (m.reason is None), m.id


def test_figures_of_an_even_company_by_hand(plain: tuple[Case, ChapterResult]) -> None:
    m = plain[1].metrics
    # every third order is the deputy's: everybody knows two sellers
    assert m["ownership.single_owner_share"].value == 0
    # books of a month: K1 16 400, K2 17 600, K3 16 800, K4 18 000; the two largest have 35 600 of 68 800, 52 %
    bus = m["ownership.bus_factor"]
    assert (bus.value, bus.extra["even_split"], bus.extra["chance_low"]) == (2, 3, 2)
    assert bus.extra["top_share"] == pytest.approx(18_000 / 68_800)
    # 48 clients · 2 touches · 30 minutes = 48 h; four managers have 160 h less a tenth: 576 h
    assert m["ownership.load"].value == pytest.approx(48 / 576)
    assert plain[1].tables["load"]["clients"].tolist() == [12, 12, 12, 12]
    assert m["ownership.departure_effect"].value is None


def test_the_order_of_rows_is_irrelevant(plain: tuple[Case, ChapterResult]) -> None:
    shuffled = run(company().sample(frac=1, random_state=5), questionnaire())
    for id, m in plain[1].metrics.items():
        other = shuffled.metrics[id]
        assert (m.value, m.low, m.high, m.n) == (other.value, other.low, other.high, other.n), id


def test_a_label_is_not_assessed_and_one_seller_neither() -> None:
    rows = company()
    rows["manager"] = "K" + (rows["client_id"].str[1:].astype(int) % 4 + 1).astype(str)
    reason = run(rows, questionnaire()).metrics["ownership.single_owner_share"].reason
    assert reason is not None and "CRM" in reason.ru
    odd = (rows["client_id"] == "c000") & (pd.to_datetime(rows["order_date"]).dt.month % 2 == 1)
    rows.loc[odd, "manager"] = "K2"  # one client with two: no label any more
    found = run(rows, questionnaire()).metrics["ownership.single_owner_share"]
    assert found.value == pytest.approx(47 / 48)
    rows["manager"] = "K1"
    assert run(rows).metrics["ownership.single_owner_share"].value is None


def test_clerks_in_the_column_are_no_sellers() -> None:
    rows = company()
    third = (pd.to_datetime(rows["order_date"]).dt.month % 3 == 1) & (rows["client_id"] != "c001")
    rows.loc[third, "manager"] = "O1"  # the deputy's orders are the clerk's now; c001 keeps its two sellers
    r = run(rows, questionnaire())
    assert r.metrics["ownership.single_owner_share"].value == pytest.approx(47 / 48)
    without_roles = run(rows)
    assert without_roles.metrics["ownership.single_owner_share"].value == 0


@pytest.mark.parametrize(
    "orders",
    [
        bare([("a", "2024-01-10", 100.0)]),
        [{**r, "manager": "M"} for r in bare([("a", "2024-01-10", 100.0)])],
        [{**r, "manager": "M"} for r in bare([("a", "2024-01-10", -100.0)])],
        [
            {**r, "manager": m}
            for r, m in zip(bare([("a", "2022-01-10", 9.0), ("b", "2024-01-10", 9.0)]), "MN", strict=True)
        ],
    ],
)
def test_degenerate_input_gives_reasons_and_no_crash(orders: list[dict[str, Any]]) -> None:
    r = run(orders)
    assert set(r.metrics) == IDS
    assert all(m.value is None and m.reason is not None for m in r.metrics.values())


def test_without_the_column_every_sentence_names_it() -> None:
    r = run(company().drop(columns="manager"), questionnaire())
    assert {m.reason.ru for m in r.metrics.values() if m.reason} == {
        "В заказах нет столбца «ответственный менеджер»: добавьте его в выгрузку"
    }


def test_load_says_what_it_needs() -> None:
    q = questionnaire()
    del q["company"]["touches_per_client_month"]
    reason = run(company(), q).metrics["ownership.load"].reason
    assert reason is not None and "касаний на клиента" in reason.ru
    reason = run(company()).metrics["ownership.load"].reason
    assert reason is not None and "«Время»" in reason.ru


def test_clients_of_people_who_left_burden_the_team(plain: tuple[Case, ChapterResult]) -> None:
    q = questionnaire()
    q["staff"][3]["end"] = dt.date(2024, 12, 20)  # K4 left ten days before the end
    r = run(company(), q)
    # 36 clients of K1–K3 and 12 of nobody: 48 h against 3 · 144
    assert r.metrics["ownership.load"].value == pytest.approx(48 / 432)
    assert r.facts["load_shared"] == 12
    assert r.facts["clients_of_leavers"] == 12
    assert r.metrics["ownership.bus_factor"].extra["team"] == 3


@pytest.mark.parametrize(
    ("threshold", "value", "metric"),
    [
        ("ownership.bus_factor_share", 0.8, "ownership.bus_factor"),
        ("ownership.held_share", 0.7, "ownership.bus_factor"),
        ("ownership.second_face_share", 0.4, "ownership.single_owner_share"),
        ("general.min_units", 60, "ownership.single_owner_share"),
    ],
)
def test_thresholds_change_figures(
    plain: tuple[Case, ChapterResult], threshold: str, value: float, metric: str
) -> None:
    a, b = plain[1].metrics[metric], again(plain[0], {threshold: value}).metrics[metric]
    assert (a.value, a.n, a.extra) != (b.value, b.n, b.extra), threshold


def test_who_counts_as_the_team_where_nobody_named_roles() -> None:
    rows = company()
    rows.loc[rows["client_id"].isin(["c000", "c004"]), "manager"] = "new"  # two clients of 48 are a sixth of a book
    case = make_case(rows)
    assert diagnose(case).metrics["ownership.bus_factor"].extra["team"] == 4
    assert again(case, {"ownership.team_min_share": 0.05}).metrics["ownership.bus_factor"].extra["team"] == 5
    case.close()


# --- hand-overs


def handed_company(
    handed: int, effect: float, seed: int = 0, staff: bool = True, deputies: float = 0.0
) -> tuple[pd.DataFrame, Any]:
    """Sellers K1 to K4; K1 leaves after 30 June 2024 and K5 takes its ``handed`` clients, whose orders shrink by ``effect``.

    Three times as many clients of the others. Poisson orders about ten a year over three years, log-normal sizes;
    ``deputies``: share of orders taken by somebody who stands in.
    """
    rng = np.random.default_rng([seed, handed])
    start, end, left = dt.date(2022, 7, 1), dt.date(2025, 6, 30), dt.date(2024, 6, 30)
    rows = []
    for i in range(4 * handed):
        mine, size = i < handed, float(rng.lognormal(0, 0.5))
        t = float(rng.exponential(36))
        while t < (end - start).days:
            day = start + dt.timedelta(days=int(t))
            after = day > left
            amount = 1000 * size * float(rng.lognormal(0, 0.3)) * (1 - effect if mine and after else 1)
            seller = ("K5" if after else "K1") if mine else f"K{2 + i % 3}"
            if deputies and rng.random() < deputies:
                seller = str(rng.choice([k for k in ("K5" if after else "K1", "K2", "K3", "K4") if k != seller]))
            rows.append({"client_id": f"c{i:04d}", "order_date": day, "amount": round(amount, 2), "manager": seller})
            t += float(rng.exponential(36)) + 1
    q = questionnaire(sellers=5)
    q["staff"][0]["end"] = left
    q["time"] = [r for r in q["time"] if r["person"] != "K1"]
    return pd.DataFrame(rows), (q if staff else None)


@pytest.mark.parametrize("staff", [True, False])
def test_twenty_handed_clients_cannot_tell(staff: bool) -> None:
    orders, q = handed_company(20, 0.15, staff=staff)
    case = make_case(orders, q)
    r = diagnose(case)
    m = r.metrics["ownership.departure_effect"]
    assert m.n == 20
    assert r.tables["events"]["manager"].tolist() == ["K1"]
    assert r.tables["events"]["kind"].tolist() == ["left" if staff else "handed"]
    finding = next(f for f in judge(case, r) if f.id == "ownership.handover_loss")
    case.close()
    assert finding.status == "not_assessed"
    assert finding.reason is not None
    assert "сказать нельзя" in finding.reason.ru and "13–18 %" in finding.reason.ru and "Шмитц" in finding.reason.ru


@pytest.mark.slow
@pytest.mark.parametrize("handed", [100, 200])
def test_a_loss_of_fifteen_percent_is_inside_the_interval(handed: int) -> None:
    orders, q = handed_company(handed, 0.15)
    m = run(orders, q).metrics["ownership.departure_effect"]
    assert m.low is not None and m.high is not None and m.value is not None
    assert m.low <= -0.15 <= m.high
    assert m.n == handed
    if handed == 200:
        assert m.extra["half_width"] <= 0.15
        assert m.value < 0


@pytest.mark.slow
def test_deputies_do_not_dilute_what_a_hand_over_costs() -> None:
    # Two of five orders are taken by somebody who stands in. By the person of most orders of a year alone a seventh of
    # «handed» clients would be others', and −30 % would look like −25 %.
    found = [
        run(*handed_company(126, 0.3, seed, deputies=0.4)).metrics["ownership.departure_effect"] for seed in range(4)
    ]
    values = [m.value for m in found if m.value is not None]
    assert len(values) == 4 and -0.34 < float(np.mean(values)) < -0.26
    assert all(m.high is not None and m.high < 0 for m in found)


def test_a_hand_over_without_loss_is_no_loss() -> None:
    orders, q = handed_company(60, 0.0)
    m = run(orders, q).metrics["ownership.departure_effect"]
    assert m.low is not None and m.high is not None
    assert m.low <= 0 <= m.high


def test_coverage_of_the_interval_over_many_worlds() -> None:
    """100 handed clients, 300 controls, −15 %, a seventh of all lost by chance: 95 % intervals cover about 95 %."""
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n = 400
        treated = np.arange(n) < 100
        before = rng.lognormal(0, 0.8, n)
        change = rng.lognormal(-0.1, 0.45, n) * (rng.random(n) > 1 / 7)
        rows = pd.DataFrame(
            {
                "event": 0,
                "manager": "K1",
                "day": dt.date(2024, 6, 1),
                "kind": "left",
                "span_days": 365,
                "client_key": [f"c{i}" for i in range(n)],
                "treated": treated,
                "purchases": rng.integers(2, 12, n),
                "revenue_before": before,
                "revenue_after": before * change * np.where(treated, 0.85, 1.0),
            }
        )
        e = departure_effect(rows, draws=300, seed=seed).effect
        assert e.low is not None and e.high is not None
        hits += e.low <= -0.15 <= e.high
    assert 51 <= hits <= 60  # 85 % to 100 %: a binomial of 60 with 95 % falls below 52 once in two hundred


def test_too_early_to_judge_gives_the_day() -> None:
    orders, q = handed_company(20, 0.15)
    cut = orders[orders["order_date"] <= dt.date(2024, 8, 31)]
    reason = run(cut, q).metrics["ownership.departure_effect"].reason
    # handed over on 1 July 2024; 180 days are whole on 27 December 2024
    assert reason is not None and "27.12.2024" in reason.ru


@pytest.mark.parametrize(
    ("threshold", "value"),
    [
        ("ownership.handover_min_days", 600),
        ("ownership.handover_span_days", 200),
        ("ownership.handed_min_clients", 40),
        ("ownership.handed_before_share", 1.0),
        ("ownership.handed_after_share", -1.0),
        ("ownership.departure_scenario", {"low": 0.1}),
    ],
)
def test_thresholds_of_hand_overs_change_figures(
    handed_case: tuple[Case, ChapterResult], threshold: str, value: Any
) -> None:
    case, before = handed_case
    after = again(case, {threshold: value})
    a, b = (r.metrics["ownership.departure_effect"] for r in (before, after))
    assert (a.value, before.facts["scenario_low"]) != (b.value, after.facts["scenario_low"]), threshold


@pytest.fixture(scope="module")
def handed_case() -> Iterator[tuple[Case, ChapterResult]]:
    orders, _ = handed_company(24, 0.15, staff=False)
    twice = orders["manager"].eq("K1") & (pd.to_datetime(orders["order_date"]).dt.day % 7 == 0)
    orders.loc[twice, "manager"] = "K2"  # the deputy takes every seventh day of K1's clients
    case = make_case(orders)
    yield case, diagnose(case)
    case.close()


# --- Northwind


def northwind() -> pd.DataFrame:
    folder = shared("northwind")
    lines = pd.read_csv(folder / "order_details.csv")
    orders = pd.read_csv(folder / "orders.csv")
    lines["amount"] = lines["unit_price"] * lines["quantity"] * (1 - lines["discount"])
    sums = lines.groupby("order_id", as_index=False)["amount"].sum()
    both = orders.merge(sums, on="order_id")
    return pd.DataFrame(
        {
            "order_id": both["order_id"].astype(str),
            "order_date": pd.to_datetime(both["order_date"]).dt.date,
            "client_id": both["customer_id"],
            "manager": "E" + both["employee_id"].astype(str),
            "amount": both["amount"],
        }
    )


def test_northwind_one_client_has_one_seller() -> None:
    r = run(northwind())
    assert (r.facts["one_seller_ever"], r.facts["clients_ever"]) == (1, 89)
    m = r.metrics["ownership.single_owner_share"]
    # Nine people and few orders a client: chance alone leaves a fifth without a second face.
    assert m.value is not None and m.value < m.extra["chance"] < 0.25
    assert m.extra["team"] == 9
    assert not (r.metrics["ownership.departure_effect"].value or 0)
