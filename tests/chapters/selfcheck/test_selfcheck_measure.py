"""Answers against figures: what refutes a «yes» and a «no», and what cannot be checked."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from audit.chapters.selfcheck.figures import Figure, order_headroom
from audit.chapters.selfcheck.measure import deals_once, diagnose, judge_answer, refutations
from audit.errors import Text
from audit.method import method
from audit.stats.intervals import Estimate
from tests.case_builder import make_case

RULES = refutations(method().thresholds)
MISSING = Text("нет", "none")


def figure(id: str, low: float, high: float, *more: tuple[float, float]) -> Figure:
    spans = [(low, high), *more]
    return Figure(id, tuple(Estimate((a + b) / 2, a, b, 100) for a, b in spans))


def state(question: int, answer: str, *figures: Figure) -> str:
    rule = RULES[question]
    known = {r.id: Figure(r.id, reason=MISSING) for r in (*rule.yes, *rule.no)} | {f.id: f for f in figures}
    return judge_answer(answer, rule, known)[0]


REPEAT, WALLET, LOST, RETURN = (
    "retention.regular_revenue_share",
    "base.wallet_share",
    "retention.lost_run_rate_share",
    "retention.return_rate",
)


@pytest.mark.parametrize(
    ("question", "id", "yes_wrong", "no_wrong", "between"),
    [
        (1, REPEAT, (0.3, 0.45), (0.7, 0.8), (0.45, 0.58)),
        (2, WALLET, (0.85, 0.95), (0.5, 0.7), (0.7, 0.9)),
        (3, "selfcheck.older_clients_change", (0.05, 0.1), (-0.1, 0.0), (-0.05, 0.1)),
        (4, "roles.km_operational_share", (0.05, 0.1), (0.45, 0.6), (0.15, 0.45)),
        (7, "retention.company_initiated_share", (0.55, 0.65), (0.1, 0.3), (0.35, 0.6)),
        (8, "retention.active_clients_trend", (0.01, 0.08), (-0.1, -0.02), (-0.02, 0.03)),
    ],
)
def test_an_answer_is_refuted_only_by_the_whole_interval(
    question: int, id: str, yes_wrong: tuple[float, float], no_wrong: tuple[float, float], between: tuple[float, float]
) -> None:
    assert state(question, "yes", figure(id, *yes_wrong)) == "contradicts"
    assert state(question, "no", figure(id, *no_wrong)) == "contradicts"
    assert state(question, "no", figure(id, *yes_wrong)) == "agrees"
    assert state(question, "yes", figure(id, *no_wrong)) == "agrees"
    assert state(question, "yes", figure(id, *between)) == state(question, "no", figure(id, *between)) == "unchecked"
    assert state(question, "yes") == state(question, "no") == "unchecked"
    assert state(question, "unknown", figure(id, *yes_wrong)) == "no_answer"


def test_leaving_for_good_rests_on_losses_and_returns() -> None:
    # «No, clients do not leave for good» falls with either figure; «yes» only if both are good, where both are known.
    assert state(5, "no", figure(LOST, 0.22, 0.3)) == "contradicts"
    assert state(5, "no", figure(LOST, 0.02, 0.05), figure(RETURN, 0.05, 0.15)) == "contradicts"
    assert state(5, "no", figure(LOST, 0.02, 0.05), figure(RETURN, 0.5, 0.8)) == "agrees"
    assert state(5, "yes", figure(LOST, 0.02, 0.05), figure(RETURN, 0.5, 0.8)) == "contradicts"
    assert state(5, "yes", figure(LOST, 0.02, 0.05)) == "contradicts"
    assert state(5, "yes", figure(LOST, 0.02, 0.05), figure(RETURN, 0.1, 0.15)) == "agrees"
    assert state(5, "yes", figure(RETURN, 0.5, 0.8)) == "unchecked"  # returns alone do not say how many leave


def test_an_order_could_always_be_larger() -> None:
    assert state(6, "yes", figure("selfcheck.order_headroom", -0.2, 0.0)) == "unchecked"
    assert state(6, "no", figure("selfcheck.order_headroom", 0.15, 0.3)) == "contradicts"
    assert state(6, "no", figure("selfcheck.order_headroom", -0.1, 0.05)) == "agrees"


def test_a_verdict_must_hold_without_the_client_that_dominates() -> None:
    assert state(1, "no", figure(REPEAT, 0.7, 0.8, (0.7, 0.9))) == "contradicts"
    assert state(1, "no", figure(REPEAT, 0.7, 0.8, (0.4, 0.65))) == "unchecked"


def test_every_limit_of_the_chapter_matters() -> None:
    def limits(**changes: float) -> dict[int, Any]:
        return refutations(method().thresholds.override({f"selfcheck.{k}": v for k, v in changes.items()}))

    assert limits(majority_share=0.6)[1].yes[0].limit == limits(majority_share=0.6)[7].yes[0].limit == 0.6
    assert limits(flat_change=0.07)[3].yes[0].limit == limits(flat_change=0.07)[3].no[0].limit == 0.07
    assert limits(full_wallet_share=0.95)[2].yes[0].limit == limits(full_wallet_share=0.95)[2].no[0].limit == 0.95
    assert limits(order_headroom=0.4)[6].no[0].limit == 0.4


def quarters(*rows: tuple[str, int, int, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["client_key", "quarter", "half", "days", "revenue"])


def test_room_up_to_the_best_quarter_is_measured_by_the_other_half() -> None:
    # Orders of 100 in quarters 0 to 3, of 200 in quarters 4 and 5: both halves choose quarter 4 and find 200.
    rows = [("A", q, h, 1, 100.0 if q < 4 else 200.0) for q in range(6) for h in (0, 1)]
    e = order_headroom(quarters(*rows), draws=50, seed=1)
    # Last year: 8 order days, 800 money; at 200 a day they would have brought 1 600. 1 − 800/1 600 = 0.5
    assert e.value == pytest.approx(0.5) and e.n == 1
    # One lucky order of 500 in quarter 3: the even half chooses that quarter, the odd half of it says 100.
    lucky = [("A", q, h, 1, 500.0 if (q, h) == (3, 0) else 100.0) for q in range(6) for h in (0, 1)]
    e = order_headroom(quarters(*lucky), draws=50, seed=1)
    # By the even half the best is quarter 3, worth 100; by the odd half all tie, quarter 0 is taken, worth 100 as well.
    # Last year: 7 × 100 + 500 = 1 200 of 8 × 100: no room, 1 − 1 200/800 = −0.5
    assert e.value == pytest.approx(-0.5)


def test_four_quarters_with_both_halves_are_needed() -> None:
    rows = [("A", q, h, 1, 100.0) for q in range(3) for h in (0, 1)]
    assert order_headroom(quarters(*rows), draws=50, seed=1).value is None


def test_revenue_of_clients_known_for_a_year() -> None:
    # 20 clients order 100 money on 10 March of 2023 to 2025: known for a year in 2024 and 2025, 10 % more in 2025.
    rows = [
        {"client_id": f"C{i}", "order_date": f"{year}-03-{10 + i % 5}", "amount": 110 if year == 2025 else 100}
        for i in range(20)
        for year in (2023, 2024, 2025)
    ]
    rows += [{"client_id": "N", "order_date": "2025-02-01", "amount": 9999}]  # new in 2025: not counted
    rows += [
        {"client_id": "E", "order_date": "2023-01-01", "amount": 1},
        {"client_id": "E", "order_date": "2025-12-31", "amount": 1},
    ]
    case = make_case(rows, {"self_check": [{"question": 3, "answer": "yes"}]})
    r = diagnose(case)
    case.close()
    m = r.metrics["selfcheck.older_clients_change"]
    assert m.value == pytest.approx((20 * 110 + 1) / (20 * 100) - 1) and m.n == 21
    assert r.tables["answers"].set_index("question").loc[3, "state"] == "contradicts"


def test_without_the_sheet_nothing_is_computed() -> None:
    case = make_case([{"client_id": "A", "order_date": "2025-01-01", "amount": 1}])
    r = diagnose(case)
    case.close()
    assert all(m.reason is not None and "«Самопроверка»" in m.reason.ru for m in r.metrics.values())


def test_where_a_deal_happens_once_nobody_is_told_that_clients_leave() -> None:
    lost, returned = figure(LOST, 0.88, 0.99), figure(RETURN, 0.0, 0.1)
    assert state(5, "no", lost, returned) == "contradicts"
    # Finished projects look like lost clients: neither «no» nor «yes» can be checked by them.
    known = deals_once({LOST: lost, RETURN: returned}, RULES[5])
    for answer in ("yes", "no"):
        verdict, reason = judge_answer(answer, RULES[5], known)
        assert verdict == "unchecked" and reason is not None and "project sales" in reason.en
    # Few are lost and those asleep come back: that is so whatever the type of sale, and «yes, they leave» is refuted.
    few = deals_once({LOST: figure(LOST, 0.01, 0.04), RETURN: figure(RETURN, 0.5, 0.7)}, RULES[5])
    assert judge_answer("yes", RULES[5], few)[0] == "contradicts"
    assert judge_answer("no", RULES[5], few)[0] == "agrees"
