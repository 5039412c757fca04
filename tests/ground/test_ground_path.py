"""The path of a new client: by pencil, against Kaplan–Meier, and with known truth where many came late."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.chapters.handoff.measure import diagnose
from audit.chapters.retention.measure import diagnose as retention
from audit.ground.path import links_of, path_of, sides, steps_of
from audit.stats.survival import kaplan_meier
from tests.case_builder import make_case

START = dt.date(2022, 1, 1)
END = dt.date(2025, 12, 31)
PEOPLE = [
    {"person": "R1", "role": "SR", "cost_month": 100_000, "fte": 1.0},
    {"person": "K1", "role": "KM", "cost_month": 90_000},
    {"person": "D1", "role": "KD"},
]


def buys(client: str, manager: str | None, *days: dt.date) -> list[dict[str, Any]]:
    return [
        {
            "order_id": f"{client}-{d}",
            "order_date": d,
            "client_id": client,
            "amount": 1000.0,
            "margin": 250.0,
            "manager": manager,
            "client_since": None if client == "old" else days[0] if k == 0 else None,
        }
        for k, d in enumerate(days)
    ]


def old() -> list[dict[str, Any]]:
    """One client of always, served by both: the manager is no label, and the window is four years."""
    days = [*(START + dt.timedelta(days=30 * k) for k in range(48)), END]
    return [r | {"manager": "K1" if k % 2 else "R1"} for k, d in enumerate(days) for r in buys("old", "K1", d)]


def day(n: int) -> dt.date:
    return dt.date(2023, 1, 1) + dt.timedelta(days=n)


def test_steps_by_pencil():
    """a: days 0, 40, 100 by R, K, K; b: 0 and 400, the second too late; c: 0 and 365, just in time."""
    rows = pd.DataFrame(
        [
            ("a", 1, day(0), "from"),
            ("a", 2, day(40), "to"),
            ("a", 3, day(100), "to"),
            ("b", 1, day(0), "from"),
            ("b", 2, day(400), "to"),
            ("c", 1, day(5), "other"),
            ("c", 2, day(370), "from"),
        ],
        columns=["client_key", "purchase_no", "day", "who"],
    ).astype({"day": "datetime64[s]"})
    out = steps_of(rows, 365).set_index("client_key")
    assert out["reached"].to_dict() == {"a": 3, "b": 1, "c": 2}
    assert out.loc["a", ["day_2", "day_3"]].tolist() == [40, 60]
    assert pd.isna(out.loc["b", "who_2"]) and pd.isna(out.loc["b", "day_2"])
    links = links_of(out.reset_index())
    first = links[links["step"] == 1].set_index(["before", "after"])["clients"].to_dict()
    assert first == {("from", "to"): 1, ("from", "lost"): 1, ("other", "from"): 1}
    second = links[links["step"] == 2].set_index(["before", "after"])["clients"].to_dict()
    assert second == {("from", "lost"): 1, ("to", "to"): 1}


def test_who_may_do_both_stands_on_neither_side():
    assert sides({"S": ("SR",), "K": ("KM", "SKM"), "U": ("SR", "KM")}, ("KM",)) == {"S": "from", "K": "to"}


def company(seed: int, back: float, new: int = 240) -> list[dict[str, Any]]:
    """New clients come ever faster; a part ``back`` buys again, half of it within 60 days, all within 300."""
    rng = np.random.default_rng(seed)
    rows = old()
    for i in range(new):
        first = day(int(1090 * np.sqrt(rng.random())))
        days = [first]
        if rng.random() < back:
            days.append(first + dt.timedelta(days=int(rng.integers(5, 300))))
        rows += buys(f"n{i}", "R1", days[0])
        rows += [r for d in days[1:] if d <= END for r in buys(f"n{i}", "K1", d)]
    for r in rows:
        r["client_since"] = None if r["client_id"] == "old" else r["client_since"]
    return rows


def test_late_comers_are_not_lost_and_the_share_is_that_of_kaplan_and_meier():
    """The naive ratio of a growing company is too low; among clients watched for a year nobody is cut off, so the share of
    the path is Kaplan–Meier's of the same clients, and its limits hold the truth."""
    truth, held, naive = 0.6, 0, []
    runs = 20
    for seed in range(runs):
        case = make_case(company(seed, truth), {"company": {"sale_type": "TC"}, "staff": PEOPLE})
        path = path_of(case)
        assert path.reason is None and path.horizon_days == 365
        assert path.new == len(path.clients) + path.short and path.short > 60
        again = path.clients["reached"] >= 2
        waits = path.clients["day_2"].fillna(365).to_numpy(dtype=np.int64)
        curve = kaplan_meier(waits, again.to_numpy(dtype=np.bool_))
        point = curve.at(365).event_share.value
        assert point == pytest.approx(float(again.mean()))
        rows = diagnose(case).tables["path_by"].iloc[0] if seed < 3 else None
        if rows is not None:
            assert rows["who"] == "from" and rows["low"] <= again.mean() <= rows["high"]
        n = len(again)
        error = 2 * (truth * (1 - truth) / n) ** 0.5
        held += abs(float(again.mean()) - truth) <= error
        everyone = case.clients()
        mine = everyone[everyone["client_key"] != "old"]
        naive.append(float((mine["order_days"] >= 2).mean()))
    assert held >= 17
    assert np.mean(naive) < truth - 0.04


def test_never_met_cost_and_the_case_without_anybody_to_ask():
    rows = company(1, 0.5)
    touched = [r["client_id"] for r in rows if r["client_id"] != "old"][:1]
    case = make_case(
        rows,
        {
            "company": {"sale_type": "TC"},
            "staff": PEOPLE,
            "touches": [
                {
                    "person": "K1",
                    "date": dt.date(2023, 1, 1) + dt.timedelta(days=1095),
                    "client_id": touched[0],
                    "direction": "OUT",
                }
            ],
        },
    )
    m = retention(case).metrics["retention.once_unmet_share"]
    path = path_of(case)
    once = path.clients[path.clients["reached"] == 1]
    # whoever bought once was served by the developer alone: nobody of them met a client manager
    assert m.value == 1.0 and m.n == len(once) and m.extra["touches"] is True
    cost = diagnose(case).metrics["handoff.new_client_cost"]
    assert cost.value == pytest.approx(1_200_000 / cost.extra["new_a_year"]) and cost.extra["winning_share"] is None
    alone = make_case([{**r, "manager": None} for r in rows], {"company": {"sale_type": "TC"}, "staff": PEOPLE})
    blind = path_of(alone)
    assert blind.who_reason is not None and set(links_of(blind.clients)["before"]) == {""}
    assert retention(alone).metrics["retention.once_unmet_share"].value is None
    no_keeper = make_case(rows, {"company": {"sale_type": "TC"}, "staff": PEOPLE[:1]})
    reason = retention(no_keeper).metrics["retention.once_unmet_share"].reason
    assert reason is not None and "никто не ведёт" in reason.ru


def test_what_a_new_client_costs_by_pencil():
    """R1, 100 000 a month, wins in 50 of the 80 % that are no overhead; T1, whose cost is not given and so is R1's, wins all day;
    R2, 50 000, gave no hours and wins as the others do: (62 500 + 100 000) ÷ 200 000 = 0.8125. A year: 12 × (62 500 + 100 000 +
    40 625) = 2 437 500, or 0.8125 of all three."""
    staff = [
        {"person": "R1", "role": "SR", "cost_month": 100_000.0},
        {"person": "T1", "role": "TM", "fte": 1.0},
        {"person": "R2", "role": "SR", "fte": 0.5, "cost_month": 50_000.0},
        {"person": "K1", "role": "KM", "cost_month": 90_000.0},
    ]
    hours = {
        "R1": {"HUNT_RELATE": 0.4, "LEAD_QUAL": 0.1, "FARM_REPEAT": 0.3, "OV_MEET": 0.2},
        "T1": {"LEAD_QUAL": 1.0},
        "K1": {"FARM_REPEAT": 1.0},
    }
    q = {
        "company": {"sale_type": "TC"},
        "staff": staff,
        "time": [{"person": p, "function": f, "share": s} for p, fs in hours.items() for f, s in fs.items()],
    }
    rows = old() + [r for i in range(40) for r in buys(f"n{i}", "R1", day(600 + 10 * i))]
    m = diagnose(make_case(rows, q)).metrics["handoff.new_client_cost"]
    assert m.extra["payroll_year"] == pytest.approx(12 * 250_000)
    assert m.extra["winning_share"] == pytest.approx(0.8125)
    assert m.value == pytest.approx(2_437_500 / m.extra["new_a_year"])


def test_a_touch_within_the_year_is_a_meeting():
    """One-time clients with a touch by the client manager 30 days after the purchase were met; later than a year, not."""
    rows = old() + [r for i in range(40) for r in buys(f"n{i}", "R1", day(i))]
    soon = [{"person": "K1", "date": day(i + 30), "client_id": f"n{i}", "direction": "OUT"} for i in range(10)]
    late = [{"person": "K1", "date": day(i + 400), "client_id": f"n{i}", "direction": "OUT"} for i in range(10, 20)]
    case = make_case(rows, {"company": {"sale_type": "TC"}, "staff": PEOPLE, "touches": soon + late})
    m = retention(case).metrics["retention.once_unmet_share"]
    assert (m.n, m.extra["unmet"]) == (40, 30)


def test_a_short_export_shortens_the_time_for_all_alike():
    """Thirty clients came within the last 300 days before the end: the least number of twenty was watched for a while; all of
    the path have the same time, and no figure waits for a year."""
    rows = old() + [r for i in range(30) for r in buys(f"n{i}", "R1", END - dt.timedelta(days=300 - 5 * i))]
    path = path_of(make_case(rows, {"company": {"sale_type": "TC"}, "staff": PEOPLE}))
    assert path.horizon_days == 300 - 5 * 19 and len(path.clients) == 20 and path.short == 10
