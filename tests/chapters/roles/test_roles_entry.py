"""Who typed the orders: counts, the metric, and when it must refuse."""

from __future__ import annotations

import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from audit.chapters.roles.entry import entry_by_manager, entry_hours, measure_entry
from audit.chapters.roles.measure import diagnose
from audit.stats.shares import clustered_share
from tests.roles_tables import case_of, orders, staff

ID = "roles.entry_by_manager"


def counted(rows, own=(), listed=("K1", "K2", "O1")):
    frame = pd.DataFrame(rows, columns=["created_by", "manager", "orders"])
    return measure_entry(frame, lambda p: p in own, listed)


def judged(entry, **more):
    rules = {"has_fields": True, "in_conveyor": True, "needs_roles": False, "min_units": 20, "min_author_share": 0.8}
    return entry_by_manager(entry, **(rules | more))


def test_share_by_hand_and_interval_by_managers():
    """K1 typed 12 of his own, O1 typed 28 for K1 and 20 for K2, the site 40: 12 of 60 typed by people = 0.2."""
    entry = counted([("K1", "K1", 12), ("O1", "K1", 28), ("O1", "K2", 20), ("SYS", "K2", 40)])
    m = judged(entry)
    assert (entry.orders, entry.typed, entry.by_manager, entry.automatic) == (100, 60, 12, 40)
    assert m.value == pytest.approx(12 / 60)
    # K1's habit is 12 of 40, K2's none of 20: two managers are worth fewer cases than sixty orders.
    e = clustered_share([12, 0], [40, 20])
    assert (m.low, m.high) == pytest.approx((e.low, e.high))
    assert m.low < proportion_confint(12, 60, method="wilson")[0]
    assert m.n == 60


def test_entry_that_is_the_managers_own_work_counts_in_the_denominator_only():
    """S1's 30 own orders are his work, K1's 10 are not: 10 of 50."""
    entry = counted([("S1", "S1", 30), ("K1", "K1", 10), ("O1", "K1", 10)], own=("S1",), listed=("S1", "K1", "O1"))
    assert (entry.own, entry.foreign) == (30, 10)
    assert judged(entry).value == pytest.approx(10 / 50)


def test_author_equal_to_manager_everywhere_is_not_assessed_and_never_a_figure():
    m = judged(counted([("K1", "K1", 30), ("K2", "K2", 30)]))
    assert m.value is None and "совпадают" in m.reason.ru


def test_orders_of_the_site_prove_that_the_author_field_lives_its_own_life():
    """Everything people typed, the manager typed; but the site's orders differ: 60 of 60."""
    assert judged(counted([("K1", "K1", 60), ("SYS", "K2", 5)])).value == 1.0


def test_no_author_field_few_authors_or_few_orders_are_not_assessed():
    assert judged(counted([]), has_fields=False).value is None
    thin = counted([("O1", "K1", 79), (None, "K1", 21)])
    assert judged(thin).value is None and "79" in judged(thin).reason.ru
    assert judged(thin, min_author_share=0.79).value == 0.0
    assert judged(counted([("O1", "K1", 19)])).value is None
    assert judged(counted([("O1", "K1", 19)]), min_units=19).value == 0.0


def test_logins_that_match_no_manager_are_not_assessed_instead_of_zero():
    """ivanov types for Иванов И.И. only: two spellings of one man. Nothing tells, so nothing is said."""
    rows = [("ivanov", "Иванов И.И.", 40), ("petrova", "Петрова", 40)]
    assert judged(counted(rows, listed=())).value is None
    # With the clerks listed, nobody unknown is left: a real zero.
    assert judged(counted(rows, listed=("ivanov", "petrova"))).value == 0.0


def test_unlisted_author_who_serves_one_manager_only_raises_the_upper_limit():
    """«ivanov» typed 30 orders, all of K1, who has 50 of 110: he may be K1. «clerk» types for both."""
    rows = [("ivanov", "K1", 30), ("clerk", "K1", 20), ("clerk", "K2", 55), ("K2", "K2", 5)]
    entry = counted(rows, listed=("K1", "K2"))
    assert (entry.suspect, entry.foreign) == (30, 5)
    m = judged(entry)
    assert m.value == pytest.approx(5 / 110)
    assert m.low == pytest.approx(clustered_share([0, 5], [50, 60]).low)
    assert m.high == pytest.approx(clustered_share([30, 5], [50, 60]).high)


def test_entry_hours_are_a_plus_b_lines():
    """12 orders of 30 lines in 12 months at 5 min an order and 1 min a line: (60 + 30) ÷ 60 ÷ 12 = 0.125 h a month."""
    rows = pd.DataFrame({"created_by": ["K1", "K1", "SYS", None], "orders": [10, 2, 9, 9], "lines": [24, 6, 9, 9]})
    out = entry_hours(rows, 5.0, 1.0, 12.0)
    assert out.to_dict("records") == [{"person": "K1", "orders": 12, "lines": 30, "hours": pytest.approx(0.125)}]


def typed(share_by_manager, n=60):
    """Every ``1 / share``-th order typed by its manager K1 or K2, the others by O1."""
    step = round(1 / share_by_manager)
    return orders(n, manager=lambda i: f"K{1 + i % 2}", created_by=lambda i: f"K{1 + i % 2}" if i % step == 0 else "O1")


PEOPLE = staff("K1 KM", "K2 KM", "O1 OP")


def metric_of(people, lines, **more):
    return diagnose(case_of(people, lines=lines, **more)).metrics[ID]


def test_recent_period_only_and_roles_by_the_type_of_sale():
    """15 of 60 recent orders; in T with office sellers they are own work; in S entry is no station's work."""
    assert metric_of(PEOPLE, typed(0.25)).value == pytest.approx(0.25)
    sop = staff("K1 SOP", "K2 SOP", "O1 OP")
    assert metric_of(sop, typed(0.25), sale_type="T").value == 0.0
    assert metric_of(sop, typed(0.25), sale_type="TC").value == 0.0  # allowed there
    refused = metric_of(PEOPLE, typed(0.25), sale_type="S")
    assert refused.value is None and "не входит в конвейер" in refused.reason.ru


def test_without_a_questionnaire_managers_count_as_client_managers_except_in_transactional_sales():
    assert metric_of(None, typed(0.25)).value == pytest.approx(0.25)
    refused = metric_of(None, typed(0.25), sale_type="T")
    assert refused.value is None and "СОП" in refused.reason.ru


def test_old_practice_is_shown_beside_but_does_not_count():
    """A year ago K1 typed everything; in the last 12 months the clerk does."""
    old = [
        {
            "order_id": f"p{i}",
            "order_date": "2024-05-01",
            "client_id": f"c{i}",
            "amount": 1.0,
            "manager": "K1",
            "created_by": "K1",
        }
        for i in range(30)
    ] + [
        {
            "order_id": "q",
            "order_date": "2024-05-02",
            "client_id": "c",
            "amount": 1.0,
            "manager": "K1",
            "created_by": "O1",
        }
    ]
    result = diagnose(case_of(PEOPLE, lines=old + orders(40, manager="K1", created_by="O1")))
    assert result.metrics[ID].value == 0.0
    assert result.facts["entry_share_before"] == pytest.approx(30 / 31)


def test_minutes_of_the_questionnaire_go_before_the_kits():
    """40 orders of one line in 12 months: at 6 + 1 min 40·7/60/12 = 0.389 h; at 12 + 3 min 0.833 h."""
    lines = orders(40, manager="K1", created_by="K1") + orders(1, order_id="z", manager="K2", created_by="O1")
    by_kit = diagnose(case_of(PEOPLE, lines=lines))
    assert by_kit.facts["entry_hours_by_managers"] == pytest.approx(40 * 7 / 60 / 12)
    own = diagnose(case_of(PEOPLE, lines=lines, company={"minutes_per_order": 12, "minutes_per_line": 3}))
    assert own.facts["entry_hours_by_managers"] == pytest.approx(40 * 15 / 60 / 12)
    slower = diagnose(
        case_of(PEOPLE, lines=lines, thresholds={"roles.minutes_per_order": 9, "roles.minutes_per_line": 2})
    )
    assert slower.facts["entry_hours_by_managers"] == pytest.approx(40 * 11 / 60 / 12)


def test_automation_share_by_hand():
    """10 of 40 recent orders have the system user as author."""
    lines = orders(40, manager="K1", created_by=lambda i: "SYS" if i % 4 == 0 else "O1")
    m = diagnose(case_of(PEOPLE, lines=lines)).metrics["roles.automation_share"]
    assert (m.value, m.n) == (0.25, 40)
    assert diagnose(case_of(PEOPLE, lines=orders(40, manager="K1"))).metrics["roles.automation_share"].value is None
