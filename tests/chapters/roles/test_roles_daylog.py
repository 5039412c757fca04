"""The day log: cleaning, shares with the day as the sampling unit, coverage of the intervals, switching."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from audit.chapters.roles.daylog import clean_log, day_ratio, group_shares, initiative, operational_by_person, switching
from audit.ground.people import staff_now
from tests.case_builder import make_questionnaire
from tests.roles_tables import AS_OF, staff


def log(*entries):
    """(person, day of November, start, end in hours, function, initiator, interrupted)."""
    rows = [
        {
            "person": p,
            "date": f"2025-11-{d:02d}",
            "start": s * 60,
            "end": e * 60,
            "function": f,
            "initiator": (*x, None)[0],
            "interrupted": (*x, None, None)[1],
        }
        for p, d, s, e, f, *x in entries
    ]
    return make_questionnaire({"day_log": rows}).table("day_log")


def people(*codes, **extra):
    return staff_now(make_questionnaire({"staff": staff(*codes, **extra)}).table("staff"), AS_OF, 160.0)


DAY = [
    ("K1", 3, 9, 13, "OPS_ORDER", "IN", True),
    ("K1", 3, 13, 14, "OV_BREAK"),
    ("K1", 3, 14, 18, "FARM_REPEAT", "OUT", False),
]


def test_breaks_are_left_out_and_short_days_dropped():
    """4 + 4 working hours; a day of 5 logged hours is too short, unless the person works half time."""
    short = [("K1", 4, 9, 14, "FARM_REPEAT"), ("K2", 4, 9, 14, "FARM_REPEAT")]
    clean = clean_log(log(*DAY, *short), people("K1 KM", "K2 KM", K2={"fte": 0.5}), 6.0)
    assert clean.days[["person", "hours"]].values.tolist() == [["K1", 8.0], ["K2", 5.0]]
    assert clean.short_days == 1
    assert len(clean_log(log(*short), people("K1 KM", "K2 KM"), 5.0).days) == 2


def test_no_minute_counts_twice():
    """9–13 and 12–18: the second entry is cut to 13–18; one inside another vanishes; one that ends first is bad."""
    clean = clean_log(
        log(
            ("K1", 3, 9, 13, "OPS_ORDER"),
            ("K1", 3, 12, 18, "FARM_REPEAT"),
            ("K1", 3, 10, 11, "HUNT_SELL"),
            ("K1", 3, 18, 17, "HUNT_SELL"),
            ("XX", 3, 9, 18, "HUNT_SELL"),
        ),
        people("K1 KM"),
        6.0,
    )
    assert dict(zip(clean.rows["function"], clean.rows["hours"], strict=True)) == {"OPS_ORDER": 4.0, "FARM_REPEAT": 5.0}
    assert (clean.clipped, clean.bad) == (2, 2)


def test_share_of_a_role_with_its_t_interval_by_hand():
    """Three days of 8 h with 2, 4, 6 h of operations: 12 ÷ 24 = 0.5; deviations −2, 0, 2 h, s² = 8 ÷ 2 = 4 h².

    Standard error √(4 ÷ 3) ÷ 8 = 0.1443; t(0.975; 2) = 4.303: 0.5 ± 0.621, cut to 0 … 1.
    """
    rows = [
        (("K1", d, 9, 9 + x, "OPS_ORDER"), ("K1", d, 9 + x, 17, "FARM_REPEAT")) for d, x in ((3, 2), (4, 4), (6, 6))
    ]
    clean = clean_log(log(*(r for pair in rows for r in pair)), people("K1 KM"), 6.0)
    table = group_shares(clean, "family", 3).set_index("group")
    row = table.loc["OPER"]
    assert (row["share"], row["days"], row["people"]) == (pytest.approx(0.5), 3, 1)
    assert row["error"] == pytest.approx(np.sqrt(4 / 3) / 8)
    assert (row["low"], row["high"]) == (0.0, 1.0)
    assert group_shares(clean, "family", 4).empty
    estimate, error = day_ratio(pd.Series([2.0, 4.0, 6.0]), pd.Series([8.0, 8.0, 8.0]))
    half = stats.t.ppf(0.975, 2) * error
    assert half == pytest.approx(0.621, abs=5e-4) and (estimate.low, estimate.high) == (0.0, 1.0)


def test_logged_operational_share_by_the_definition_of_the_report():
    """Five days of 8 h: 2 h entry and 0.8 h CRM. Own notes up to 5 % = 0.4 h a day: (2 + 0.8 − 0.4) ÷ 8 = 0.3."""
    entries = []
    for d in (3, 4, 5, 6, 7):
        entries += [("K1", d, 9, 11, "OPS_ORDER"), ("K1", d, 11, 11.8, "OPS_CRM"), ("K1", d, 11.8, 17, "FARM_REPEAT")]
    clean = clean_log(log(*entries), people("K1 KM"), 6.0)
    foreign = {("K1", "OPS_ORDER"): True, ("K1", "OPS_CRM"): True}
    row = operational_by_person(clean, foreign, 5, 0.05).iloc[0]
    assert (row["share"], row["days"]) == (pytest.approx(0.3), 5)
    assert operational_by_person(clean, foreign, 6, 0.05).empty


def test_switching_counts_changes_of_the_group_within_a_day():
    """OPER → FARM → FARM → OPER on one day of 8 h: two changes, 0.25 an hour; a break changes nothing."""
    clean = clean_log(
        log(
            ("K1", 3, 9, 11, "OPS_ORDER", "IN", True),
            ("K1", 3, 11, 13, "FARM_REPEAT", "OUT", False),
            ("K1", 3, 13, 14, "OV_BREAK"),
            ("K1", 3, 14, 16, "FARM_AOV", "OUT", False),
            ("K1", 3, 16, 18, "OPS_DOCS", "IN", None),
        ),
        people("K1 KM"),
        6.0,
    )
    s = switching(clean)
    assert (s.changes, s.hours, s.changes_per_hour.value) == (2, 8.0, 0.25)
    assert (s.interrupted_share, s.by_client, s.by_us) == (pytest.approx(1 / 3), 2, 2)


def test_who_begins_the_work_is_told_by_role():
    """A developer who only calls does not hide client managers who only answer."""
    clean = clean_log(
        log(
            *(("S1", d, 9 + h, 10 + h, "HUNT_CALL", "OUT", False) for d in (3, 4) for h in range(8)),
            *(("K1", d, 9 + h, 10 + h, "OPS_ORDER", "IN" if h else "OUT", False) for d in (3, 4) for h in range(8)),
        ),
        people("S1 SR", "K1 KM"),
        6.0,
    )
    by = initiative(clean).set_index("family")
    assert by[["by_client", "by_us", "days"]].to_dict("index") == {
        "KM": {"by_client": 14, "by_us": 2, "days": 2},
        "SR": {"by_client": 0, "by_us": 16, "days": 2},
    }
    assert by.loc["KM", "share"] == 2 / 16 and by.loc["KM", "high"] < by.loc["SR", "low"]


@pytest.mark.parametrize("days", [5, 10])
def test_day_log_intervals_cover_the_truth(days):
    """1 200 logs whose days vary around 0.4: the 95 % interval covers it in 92–98 %."""
    rng = np.random.default_rng(2025)
    covered = 0
    for _ in range(1200):
        whole = rng.uniform(6.5, 9.0, days)
        part = whole * rng.beta(8, 12, days)  # mean 0.4
        e, _ = day_ratio(pd.Series(part), pd.Series(whole))
        covered += e.low <= 0.4 <= e.high
    assert 0.92 <= covered / 1200 <= 0.98


def test_work_sampling_intervals_cover_the_truth():
    """1 200 logs of half-hour slots, ten days, each day with a mood of its own around 0.3: same demand."""
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(1200):
        mood = rng.beta(6, 14, 10)  # mean 0.3
        slots = rng.random((10, 16)) < mood[:, None]
        e, _ = day_ratio(pd.Series(slots.sum(axis=1) / 2.0), pd.Series(np.full(10, 8.0)))
        covered += e.low <= 0.3 <= e.high
    assert 0.92 <= covered / 1200 <= 0.98
