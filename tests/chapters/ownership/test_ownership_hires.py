"""Clients that a hire brought along: by pencil, and through the chapter."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from audit.chapters import diagnose_chapter
from audit.chapters.ownership.hires import hires
from tests.case_builder import make_case

HIRED = dt.date(2024, 3, 1)
START = dt.date(2022, 1, 1)


def rows():
    """K1 and K2 serve forty old clients each month; K2 joins in March 2024 and brings 24 clients in the first months, of whom
    18 buy again within the year; K1 wins 20 in the same time, of whom 5 do. K1 serves six of the brought ones later."""
    out = []

    def buy(client, day, manager):
        out.append(
            {"order_id": f"{client}{day}", "order_date": day, "client_id": client, "amount": 100.0, "manager": manager}
        )

    for k in range(48):
        for i in range(40):
            buy(f"o{i}", START + dt.timedelta(days=30 * k + i % 20), "K1")
    for i in range(24):
        day = HIRED + dt.timedelta(days=5 * i)
        buy(f"b{i}", day, "K2")
        if i < 18:
            buy(f"b{i}", day + dt.timedelta(days=60), "K2")
        if i < 6:
            buy(f"b{i}", dt.date(2025, 6, 1), "K1")
    for i in range(20):
        day = HIRED + dt.timedelta(days=5 * i)
        buy(f"n{i}", day, "K1")
        if i < 5:
            buy(f"n{i}", day + dt.timedelta(days=60), "K1")
    return out


def view(lang="ru", **k2):
    staff = [{"person": "K1", "role": "KM", "start": "2020-01-01"}, {"person": "K2", "role": "KM", **k2}]
    q = {"company": {"sale_type": "TC"}, "staff": staff}
    return diagnose_chapter(make_case(rows(), q, {"report": {"lang": lang}}), "ownership")


def test_brought_clients_by_pencil():
    day = pd.Timestamp(HIRED)
    new = pd.DataFrame(
        {
            "client_key": ["a", "b", "c", "d", "e"],
            "manager": ["K2", "K2", "K2", "K1", None],
            "first_day": [day, day + pd.Timedelta(days=179), day + pd.Timedelta(days=180), day, day],
            "second_day": [day + pd.Timedelta(days=365), pd.NaT, day, day + pd.Timedelta(days=366), day],
        }
    )
    (row,) = hires(new, {"K2": HIRED, "K3": HIRED}, 365, {"a": {"K2", "K1"}, "b": {"K2"}}).to_dict("records")
    assert (row["person"], row["brought"], row["again"], row["share"]) == ("K2", 2, 1, 0.5)
    assert (row["others"], row["others_again"], row["by_others"]) == (1, 0, 1)


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_chapter_tells_them_beside_the_others(lang):
    shown = view(lang, start=HIRED.isoformat())
    m = shown.metric("brought_again_share")
    assert (m.value, m.n) == (pytest.approx(0.75), 24)
    assert m.low < 0.75 < m.high
    assert m.extra["others_share"] == pytest.approx(0.25) and m.extra["by_others"] == 6
    html = str(shown.section("hires").html)
    assert "75" in html and "25" in html and "None" not in html
    assert shown.sheet_name("hires") in {s.name for s in shown.sheets()}


def test_without_the_first_day_nobody_is_a_hire():
    shown = view()
    m = shown.metric("brought_again_share")
    assert m.value is None and "первый день" in m.reason.ru
    assert shown.tables["hires"].empty and not shown.section("hires").parts
