"""From lines to documents, client × day and clients: returns, cancellations, purchase numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.engine import duck
from audit.model.case import filled_columns
from tests.case_builder import make_case


def line(client: str, day: str, amount: float, order: str | None = None, **more: Any) -> dict[str, Any]:
    return {"client": client, "order_date": day, "amount": amount, "order_id": order, **more}


def days(rows: list[dict[str, Any]]) -> pd.DataFrame:
    case = make_case(rows)
    try:
        return case.query("SELECT * FROM client_day ORDER BY client_key, day")
    finally:
        case.close()


def test_several_documents_on_one_day_are_one_purchase() -> None:
    d = days([line("A", "2024-01-01", 100, "1"), line("A", "2024-01-01", 50, "2"), line("A", "2024-02-10", 30, "3")])
    assert d["revenue"].tolist() == [150, 30]
    assert d["orders"].tolist() == [2, 1]
    assert d["purchase_no"].tolist() == [1, 2]
    assert d["gap_days"].iloc[1] == 40  # 1 January to 10 February


def test_a_linked_return_nets_on_the_orders_own_day() -> None:
    d = days([line("A", "2024-01-01", 100, "1"), line("A", "2024-03-01", -30, "1")])
    assert d["day"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-01"]
    assert d["revenue"].tolist() == [70]  # 100 − 30 on 1 January, nothing in March


def test_an_order_cancelled_in_full_equals_one_never_placed() -> None:
    placed = [line("A", "2024-01-01", 100, "1"), line("A", "2024-05-01", 40, "2")]
    cancelled = [*placed, line("A", "2024-02-01", 500, "9"), line("A", "2024-02-20", -500, "9")]
    a, b = days(placed), days(cancelled)
    bought = b[b["purchase_no"].notna()].reset_index(drop=True)
    columns = ["day", "revenue", "orders", "purchase_no", "gap_days"]
    pd.testing.assert_frame_equal(a[columns], bought[columns], check_dtype=False)
    assert b["revenue"].sum() == a["revenue"].sum() == 140


def test_cancelled_in_full_although_its_lines_have_two_dates() -> None:
    d = days(
        [
            line("A", "2024-02-01", 60, "9"),
            line("A", "2024-02-05", 40, "9"),
            line("A", "2024-02-20", -100, "9"),
            line("A", "2024-05-01", 40, "2"),
        ]
    )
    assert d.loc[d["purchase_no"].notna(), "day"].dt.strftime("%Y-%m-%d").tolist() == ["2024-05-01"]


def test_an_unlinked_return_nets_on_its_own_date_and_makes_no_purchase() -> None:
    d = days([line("A", "2024-01-01", 100, "1"), line("A", "2024-03-01", -30, "R-7")])
    assert d["revenue"].tolist() == [100, -30]
    assert d["purchase_no"].isna().tolist() == [False, True]


def test_a_number_used_again_by_another_client_or_year_is_another_order() -> None:
    d = days(
        [
            line("A", "2023-01-10", 100, "0000-000001"),
            line("A", "2024-01-10", 80, "0000-000001"),
            line("B", "2024-01-12", -50, "0000-000001"),
        ]
    )
    assert d.loc[d["client_key"] == "A", "purchase_no"].tolist() == [1, 2]
    assert d.loc[d["client_key"] == "B", "revenue"].tolist() == [-50]


def test_a_return_takes_from_the_latest_order_of_that_number_before_it() -> None:
    d = days([line("A", "2023-01-10", 100, "1"), line("A", "2024-01-10", 80, "1"), line("A", "2024-02-01", -30, "1")])
    assert d["revenue"].tolist() == [100, 50]


def test_the_seller_of_the_day_is_the_one_with_most_revenue_ties_by_code() -> None:
    d = days(
        [
            line("A", "2024-01-01", 100, "1", manager="K2"),
            line("A", "2024-01-01", 300, "2", manager="K1"),
            line("B", "2024-01-01", 100, "3", manager="K2"),
            line("B", "2024-01-01", 100, "4", manager="K1"),
        ]
    )
    assert d["manager"].tolist() == ["K1", "K1"]


def test_distinct_items_of_the_day() -> None:
    d = days(
        [
            line("A", "2024-01-01", 10, "1", sku="p"),
            line("A", "2024-01-01", 10, "1", sku="q"),
            line("A", "2024-01-01", 10, "2", sku="p"),
            line("A", "2024-01-01", -5, "2", sku="z"),
        ]
    )
    assert d["items"].tolist() == [2]  # p and q; the item only taken back does not count


def test_clients_table() -> None:
    case = make_case(
        [
            line("A", "2024-01-01", 100, "1", margin=30),
            line("A", "2024-03-01", 50, "2", margin=10),
            line("A", "2024-06-01", 50, "3", margin=10),
            line("B", "2024-02-01", -5, "4"),
        ]
    )
    c = case.clients().set_index("client_key")
    assert c.loc["A", "order_days"] == 3
    assert c.loc["A", "margin"] == 50
    assert str(c.loc["A", "second_day"])[:10] == "2024-03-01"
    assert str(c.loc["A", "third_day"])[:10] == "2024-06-01"
    assert c.loc["B", "order_days"] == 0
    assert pd.isna(c.loc["B", "first_day"])


ROWS = st.lists(
    st.tuples(
        st.sampled_from("ABC"), st.integers(0, 700), st.integers(-300, 900).filter(bool), st.sampled_from("12345")
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.randoms(use_true_random=False))
def test_row_order_changes_nothing_and_no_money_is_lost(rows: list[Any], random: Any) -> None:
    start = pd.Timestamp("2023-01-01")
    lines = [line(c, str((start + pd.Timedelta(days=d)).date()), float(a), o) for c, d, a, o in rows]
    shuffled = lines.copy()
    random.shuffle(shuffled)
    first, second = days(lines), days(shuffled)
    pd.testing.assert_frame_equal(first, second)
    assert first["revenue"].sum() == pytest.approx(sum(r["amount"] for r in lines), abs=1e-6)
    bought = first[first["purchase_no"].notna()]
    assert (bought["revenue"] > 0).all()
    for _, g in bought.groupby("client_key"):
        assert g["purchase_no"].tolist() == list(range(1, len(g) + 1))


def test_part_by_part_of_the_clients_the_tables_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        line(
            f"C{k % 23}",
            f"2024-{1 + k % 11:02d}-{1 + k % 27:02d}",
            10 + k if k % 9 else -5,
            str(k // 2),
            manager="AB"[k % 2],
        )
        for k in range(200)
    ]

    def tables() -> dict[str, pd.DataFrame]:
        case = make_case(rows)
        try:
            names = ("orders", "client_day", "clients")
            told = {name: case.query(f"SELECT * FROM {name}") for name in names}
            assert all((case.folder / f"{name}.parquet").is_dir() == (duck.PART_LINES < 200) for name in names)
            return {name: t.sort_values(list(t.columns), ignore_index=True) for name, t in told.items()}
        finally:
            case.close()

    whole = tables()
    monkeypatch.setattr(duck, "PART_LINES", 40)  # five parts
    parts = tables()
    for name, table in whole.items():
        pd.testing.assert_frame_equal(table, parts[name])


def test_columns_that_hold_nothing_are_known_from_the_file_alone() -> None:
    case = make_case([line("A", "2024-01-01", 100, "1", manager="M")])
    try:
        filled = filled_columns(case.folder / "lines.parquet")
    finally:
        case.close()
    assert "manager" in filled
    assert not filled & {"department", "shipped_date", "complaint", "price_index"}
