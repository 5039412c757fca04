"""Service on small tables, with the arithmetic; Northwind's reference; clients after a first failure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.chapters.service.measure import diagnose
from audit.chapters.service.measures import heat_table, kind_table, reason_table, services_table, unowned_processes
from audit.ground.matched import compare, number_band, pool_weight, prepare, strata
from audit.model.case import Case, sql_text
from audit.stats.intervals import wilson
from tests.case_builder import make_case, make_questionnaire
from tests.shared_data import shared

END = dt.date(2025, 12, 31)


def order(
    client: str, day: str, promised: str | None = None, shipped: str | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "client_id": client,
        "order_date": day,
        "amount": more.pop("amount", 100),
        "order_id": f"{client}{day}",
        "promised_date": promised,
        "shipped_date": shipped,
        **more,
    }


def kinds(rows: list[dict[str, Any]], promise: str = "promised_date") -> pd.DataFrame:
    case = make_case(rows)
    table = kind_table(case.query(sql_text("audit.chapters.service", "kinds"), promise=promise), level=0.95)
    case.close()
    return table.set_index("kind")


def test_late_is_strictly_after_the_promised_day() -> None:
    t = kinds(
        [
            order("A", "2025-03-01", "2025-03-05", "2025-03-05", amount=100),  # on the day
            order("B", "2025-03-01", "2025-03-05", "2025-03-06", amount=300),  # a day late
            order("C", "2025-03-01", "2025-03-05", "2025-03-04", amount=100),
            order("D", "2025-03-01", "2025-03-05", None, amount=500),  # not shipped yet: cannot be told
            order("E", "2025-03-01", None, "2025-03-09", amount=500),  # no promise
        ]
    )
    late = t.loc["late"]
    assert (late["known"], late["failed"], late["share"]) == (3, 1, pytest.approx(1 / 3))
    assert late["revenue_share"] == pytest.approx(300 / 500)


def test_the_interval_is_that_of_clients() -> None:
    # A is late four times of four, B never in four: two clients of one habit each are worth two cases, one of them late.
    days = [f"2025-0{m}-01" for m in (1, 2, 3, 4)]
    rows = [order("A", d, d, f"{d[:8]}09") for d in days] + [order("B", d, d, d) for d in days]
    late = kinds(rows).loc["late"]
    assert late["share"] == 0.5
    assert late[["low", "high"]].tolist() == pytest.approx(list(wilson(1, 2)))
    # Eight clients with one order each: eight cases.
    alone = [order(f"{k}{i}", d, d, d if k == "B" else f"{d[:8]}09") for k in "AB" for i, d in enumerate(days)]
    assert kinds(alone).loc["late", ["low", "high"]].tolist() == pytest.approx(list(wilson(4, 8)))


def test_short_orders_are_those_below_a_hundred_percent_and_open_ones_wait() -> None:
    t = kinds(
        [
            order("A", "2025-03-01", shipped_pct=1.0, status="closed"),
            order("B", "2025-03-01", shipped_pct=0.6, status="shipped"),
            order("C", "2025-03-01", shipped_pct=0.0, status="open"),
            order("D", "2025-03-01", shipped_pct=0.9),
        ]
    )
    assert (t.loc["short", "known"], t.loc["short", "failed"]) == (3, 2)


def test_a_document_of_which_nothing_was_shipped_is_short_and_no_order() -> None:
    # What was not shipped carries no money: B's document is short all the same, and tells nothing of lateness.
    t = kinds(
        [
            order("A", "2025-03-01", "2025-03-05", "2025-03-05", shipped_pct=1.0, complaint=False),
            order("B", "2025-03-01", "2025-03-05", "2025-03-09", amount=0, shipped_pct=0.0, complaint=True),
            order("C", "2025-03-01", "2025-03-05", amount=0, complaint=False),  # a free sample: nothing is known
        ]
    )
    assert (t.loc["short", "known"], t.loc["short", "failed"]) == (2, 1)
    assert (t.loc["late", "known"], t.loc["complaint", "known"], t.loc["complaint", "failed"]) == (1, 1, 0)


def test_an_order_is_one_document_whatever_its_lines() -> None:
    line = order("A", "2025-03-01", complaint=False)
    t = kinds([line, {**line, "complaint": True}, order("B", "2025-03-01", complaint=False)])
    assert (t.loc["complaint", "known"], t.loc["complaint", "failed"]) == (2, 1)


def test_returns_are_no_orders_and_stand_apart() -> None:
    rows = [order("A", "2025-03-01", amount=100), order("A", "2025-04-01", amount=-25, order_id="A2025-03-01")]
    case = make_case(rows)
    r = diagnose(case)
    case.close()
    assert r.metrics["service.return_share"].value == pytest.approx(0.25)
    assert r.facts["orders"] == 1


def test_reasons_become_codes_where_the_method_knows_them() -> None:
    t = reason_table(
        pd.DataFrame(
            {
                "reason": ["LATE", "Срыв сроков", "упало с полки", None],
                "orders": [3, 2, 4, 1],
                "revenue": [1.0, 1, 1, 1],
                "recent_orders": [0, 0, 0, 0],
            }
        )
    )
    assert t["reason"].tolist() == ["LATE", "упало с полки", None]
    assert t["orders"].tolist() == [5, 4, 1] and t["share"].tolist() == [0.5, 0.4, 0.1]
    assert t["known"].tolist() == [True, False, False]


def test_a_service_needs_an_owner_who_works_here_and_a_time() -> None:
    rows = make_questionnaire(
        {
            "processes": [
                {"process": "PRESALE", "owner": "A", "sla_days": 1},
                {"process": "TECH", "owner": "A"},
                {"process": "MKT", "sla_days": 2},
                {"process": "PROD", "owner": "gone", "sla_days": 2},
                {"process": "OPS_CLAIM", "failures_month": 4},
                {"process": "OPS_SHIP", "owner": "A", "failures_month": 9},
            ]
        }
    ).table("processes")
    t = services_table(rows, {"gone"}).set_index("service")
    assert t["unowned"].to_dict() == {
        "PRESALE": False,
        "TECH": True,
        "MKT": True,
        "PROD": True,
        "LOG": True,
        "ACC": True,
    }
    assert (int(t["no_owner"].sum()), int(t["no_sla"].sum())) == (4, 3)  # MKT, PROD, LOG, ACC; TECH, LOG, ACC
    assert unowned_processes(rows, {"gone"})["process"].tolist() == ["OPS_CLAIM"]


def test_cells_of_few_orders_stay_blank() -> None:
    cells = pd.DataFrame(
        {
            "manager": ["A", "A", "B"],
            "month_index": [1, 2, 1],
            "orders": [10, 4, 6],
            "dated": [8, 4, 6],
            "late": [2, 4, 0],
            "failed": [3, 4, 0],
        }
    )
    t = heat_table(cells, [1, 2], True)
    assert t["manager"].tolist() == ["A", "A", "B", "B"]
    assert t["share"].fillna(-1).tolist() == [0.25, -1, 0, -1]
    assert t["total_share"].tolist() == [0.5, 0.5, 0, 0]  # 6 of 12
    assert heat_table(cells, [1, 2], False)["total_share"].tolist()[0] == 0.5  # 7 of 14


# --- landmarks


def purchases(client: str, *days: int, failed: int = 0) -> list[dict[str, Any]]:
    """Purchases on days of 2025; ``failed`` is the number of the purchase that went wrong (0: none)."""
    dates = [pd.Timestamp("2025-01-01") + pd.Timedelta(days=d - 1) for d in days]
    return [
        {
            "client_key": client,
            "day": day,
            "next_day": dates[i + 1] if i + 1 < len(dates) else pd.NaT,
            "purchase_no": i + 1,
            "month_index": day.year * 12 + day.month - 1,
            "revenue": 100.0,
            "failed": int(i + 1 == failed),
        }
        for i, day in enumerate(dates)
    ]


def landmarks(*clients: list[dict[str, Any]]) -> pd.DataFrame:
    rows = pd.DataFrame([r for c in clients for r in c])
    rows["next_day"] = pd.to_datetime(rows["next_day"])
    return prepare(rows, END)


def test_the_usual_gap_uses_only_what_was_known_on_the_day() -> None:
    # Gaps 10, 40 and 90 days; all gaps have the median 40. With so few the common gap counts as two.
    p = landmarks(purchases("A", 1, 11, 51, 141))
    assert p["gaps"].tolist() == [0, 1, 2, 3]
    expected = [40.0, (10 * 40 * 40) ** (1 / 3), (10 * 40 * 40 * 40) ** (1 / 4), (10 * 40 * 90 * 40 * 40) ** (1 / 5)]
    assert p["usual_days"].tolist() == pytest.approx(expected)
    # The latest purchase is on day 141, the year has 365: watched for 224 days, no further order.
    assert p["wait_days"].tolist() == [10, 40, 90, 224] and p["returned"].tolist() == [True, True, True, False]


def test_clients_that_differ_much_speak_for_themselves_sooner() -> None:
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(40).astype(str), 5).astype(object)
    level = np.repeat(rng.normal(3, 1.0, 40), 5)
    assert pool_weight(who, level + rng.normal(0, 0.3, 200)) == pytest.approx(0.3)  # the least it can be
    same = pool_weight(who, 3 + rng.normal(0, 0.3, 200))
    assert same == pytest.approx(6.0)  # all alike: the most


def test_purchase_numbers_beyond_ten_are_taken_in_bands() -> None:
    assert number_band(pd.Series([1, 10, 11, 12, 13, 30, 31, 51])).tolist() == [1, 10, 12, 12, 15, 30, 50, 999]


def test_a_stratum_is_month_number_pace_and_stocking_up() -> None:
    p = landmarks(purchases("A", 1, 20, 40), purchases("B", 1, 30, 60), purchases("C", 2, 25, 45))
    assert len(set(strata(p[p["purchase_no"] == 1]))) == 1  # no pace known yet
    # Second purchases of January: gaps of 19 and 29 and 23 days; the one above their middle is the slow half.
    second = p[p["purchase_no"] == 2]
    assert strata(second)[0] == strata(second)[2] != strata(second)[1]


def test_lost_means_no_order_within_two_usual_gaps_for_those_followed_that_long() -> None:
    rows = landmarks(
        *(purchases(f"t{i}", 1, 31, failed=2) for i in range(12)),  # fail on the second purchase and never come back
        *(purchases(f"c{i}", 1, 31, 61, 91) for i in range(12)),
    )
    rows = rows[rows["purchase_no"] >= 2].reset_index(drop=True)
    c = compare(rows, (rows["failed"] == 1).to_numpy(), loss_gaps=2, as_of=END, draws=200, seed=1)
    assert c.matched.treated_figure == 1.0 and c.matched.control_figure == 0.0
    assert c.matched.treated == 12 and c.matched.controls == 12  # the second purchases alone: same month, same number
    assert c.p_value is not None and c.p_value < 1e-4 and c.slower
    assert c.curve.iloc[0].tolist() == [0.0, 1.0, 1.0]
    assert c.curve.iloc[-1].tolist() == [2.0, 1.0, 0.0]  # the curves end in the two figures of the comparison


# --- Northwind


@pytest.fixture(scope="module")
def northwind() -> Case:
    folder = shared("northwind")
    orders = pd.read_csv(folder / "orders.csv", dtype=str)
    lines = pd.read_csv(folder / "order_details.csv", dtype={"order_id": str})
    money = (lines["unit_price"] * lines["quantity"] * (1 - lines["discount"])).groupby(lines["order_id"]).sum()
    frame = pd.DataFrame(
        {
            "order_id": orders["order_id"],
            "order_date": orders["order_date"],
            "client_id": orders["customer_id"],
            "amount": orders["order_id"].map(money),
            "manager": orders["employee_id"],
            "promised_date": orders["required_date"],
            "shipped_date": orders["shipped_date"],
        }
    )
    return make_case(frame)


def test_northwind_ships_37_of_809_orders_late(northwind: Case) -> None:
    r = diagnose(northwind)
    m = r.metrics["service.late_share"]
    assert (m.extra["failed"], m.n) == (37, 809)
    assert m.value == pytest.approx(37 / 809)
    assert r.facts["overdue"] == 0  # 21 orders are not shipped, none of them is overdue on the last day
    assert r.metrics["service.short_share"].value is None


def test_a_wish_stands_in_for_a_missing_promise(northwind: Case) -> None:
    lines = northwind.query("SELECT * FROM lines").drop(columns=["source_row", "source_file", "requested_date"])
    rows = lines.rename(columns={"promised_date": "requested_date"})
    rows = rows.astype(object).where(rows.notna(), None)
    case = make_case(rows)
    m = diagnose(case).metrics["service.late_share"]
    case.close()
    assert (m.extra["failed"], m.n, m.extra["basis"]) == (37, 809, "requested_date")


def test_without_the_columns_each_figure_names_what_it_needs() -> None:
    case = make_case([{"client_id": f"C{i}", "order_date": "2025-03-01", "amount": 10} for i in range(30)])
    r = diagnose(case)
    case.close()
    said = {k: m.reason.ru for k, m in r.metrics.items() if m.reason is not None}
    assert (
        "«обещанная дата отгрузки»" in said["service.late_share"]
        and "«дата отгрузки, факт»" in said["service.late_share"]
    )
    assert "«процент отгрузки»" in said["service.short_share"] and "«рекламация»" in said["service.complaint_share"]
    assert "«Процессы и сервисы»" in said["service.unowned_services"]
    assert "хотя бы одно из этого" in said["service.failure_loss"]
