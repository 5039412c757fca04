"""The week of the head of sales: the three numbers by pencil, one line, one page, and nobody named."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit.cli import app
from audit.errors import set_language
from audit.present.week import week_line, week_page
from audit.run.week import operational_hours, past_rhythm, second_purchases
from tests.case_builder import make_case
from tools.samples import CompanySpec, generate, write

END = dt.date(2025, 12, 31)
PERIOD = {"period": {"start": "2023-01-01", "end": "2025-12-31", "as_of": "2025-12-31", "burn_in_days": 30}}


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def bought(client: str, *days_before_end: int) -> list[dict[str, Any]]:
    days = [(END - dt.timedelta(d)).isoformat() for d in days_before_end]
    return [{"client": client, "order_date": d, "amount": 100, "order_id": f"{client}{d}"} for d in days]


def test_second_purchases_of_the_last_90_days_against_the_same_days_a_year_ago() -> None:
    rows = [
        *bought("old", 1095, 10),  # its first purchase is the first day of the export: it may be no first
        *bought("a", 200, 89),  # the second 89 days before the end: the first of the 90 days
        *bought("b", 200, 90),  # a day too early
        *bought("c", 30, 0),
        *bought("d", 500, 20),  # second purchase 480 days after the first: no return to count
        *bought("e", 60),  # a first purchase alone
        *bought("f", 365 + 100, 365 + 10),  # second purchase in the same 90 days a year ago
    ]
    case = make_case(rows, settings=PERIOD)
    got = second_purchases(case)
    assert got == {"value": 2, "first": 2, "before": 1, "against": "year", "chance": True}
    case.close()


def test_chance_is_told_and_a_short_export_is_not_compared() -> None:
    many = [row for k in range(12) for row in bought(f"n{k}", 120, 5)]
    case = make_case([*bought("old", 1095, 10), *many, *bought("f", 465, 375)], settings=PERIOD)
    got = second_purchases(case)
    assert (got["value"], got["before"], got["chance"]) == (12, 1, False), (
        "12 of 13 are no toss of a coin: 64 % to 99.8 %"
    )
    case.close()
    short = {"period": PERIOD["period"] | {"start": "2024-03-01"}}
    rows = [*bought("old", 670, 10), *many]
    case = make_case(rows, settings=short)
    got = second_purchases(case)
    assert (got["against"], got["before"]) == ("quarter", 0), "a year ago lies before the first new client"
    case.close()
    case = make_case(rows, settings={"period": PERIOD["period"] | {"start": "2025-03-01"}})
    assert second_purchases(case)["value"] is None
    case.close()


def test_clients_past_their_rhythm_are_the_late_and_the_asleep() -> None:
    steady = [row for k in range(8) for row in bought(f"s{k}", *range(0, 720, 30))]
    late = bought("late", *range(45, 720, 30))
    asleep = bought("asleep", *range(150, 720, 30))
    case = make_case([*steady, *late, *asleep], settings=PERIOD)
    got = past_rhythm(case)
    assert (got["value"], got["asleep"], got["regular"]) == (2, 1, 10)
    case.close()


def test_operational_hours_of_the_last_four_weeks_of_the_log() -> None:
    def entry(day: str, start: int, end: int, function: str) -> dict[str, Any]:
        return {"person": "K1", "date": day, "start": start * 60, "end": end * 60, "function": function}

    log = [
        entry("2025-10-01", 9, 17, "OPS_ORDER"),  # older than four weeks: not counted
        entry("2025-12-01", 9, 13, "OPS_ORDER"),
        entry("2025-12-01", 13, 17, "FARM_TIMING"),
        entry("2025-12-02", 9, 11, "OPS_CHASE"),
        entry("2025-12-02", 11, 17, "FARM_TIMING"),
    ]
    tables = {
        "staff": [{"person": "K1", "role": "KM", "fte": 1.0}],
        "time": [{"person": "K1", "function": "FARM_TIMING", "share": 1.0}],
        "day_log": log,
    }
    case = make_case(bought("a", 200, 89), tables, PERIOD)
    got = operational_hours(case)
    assert (got["value"], got["share"], got["days"]) == (3.0, 0.375, 2), "(4 + 2) ÷ 2 days; 6 of 16 hours"
    assert (got["since"], got["until"], got["sellers"]) == ("2025-12-01", "2025-12-02", False)
    case.close()
    case = make_case(bought("a", 200, 89), settings=PERIOD)
    assert operational_hours(case) == {"value": None}
    case.close()


@pytest.mark.slow
def test_the_command_names_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    company = generate(CompanySpec(name="acme", title="Acme", clients=70, years=3, seed=5, lang="en"))
    write(company, folder)
    names = set(company.orders["client"]) | set(company.orders["client_id"]) | set(company.orders["manager"].dropna())
    for lang in ("ru", "en"):
        done = CliRunner().invoke(app, ["week", str(folder), "--lang", lang])
        assert done.exit_code == 0, done.output
        line = (folder / "track" / "week.txt").read_text(encoding="utf-8")
        assert done.stdout == line and line.count("\n") == 1 and len(line) < 400
        page = (folder / "track" / "week.html").read_text(encoding="utf-8")
        assert [n for n in names if re.search(rf"(?<!\w){re.escape(str(n))}(?!\w)", page + line)] == []
        assert page.count("<section>") == 3 and "<script" not in page and "{{" not in page


def test_what_is_missing_is_said_and_a_company_is_text() -> None:
    nothing = {"value": None}
    numbers = {
        "company": "</script><b>Ёж",
        "currency": "RUB",
        "as_of": "2025-12-31",
        "second_purchases": nothing,
        "past_rhythm": {"value": 2, "asleep": 1, "regular": 10, "at_stake": 100.0},
        "operational_hours": nothing,
    }
    page = week_page(numbers, "en")
    assert "<b>Ёж" not in page and "Nobody keeps a day log" in page and "too short" in page
    assert week_line(numbers, "en") == "Orders up to 31 December 2025: past their rhythm: 2 of 10 regular clients."
