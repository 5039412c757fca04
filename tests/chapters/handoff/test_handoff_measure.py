"""Hand-offs on small tables: rules, switches, outcomes, and the comparison that needs no survivors."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.chapters.handoff.measure import recent_treated
from audit.chapters.handoff.practice import continuation, following, handed_against_kept, switches, won_by_developer
from audit.chapters.handoff.rules import developer_rules, form_mismatches, pair_table, required_pairs
from audit.ground.path import sides
from tests.case_builder import make_case, make_questionnaire

END = dt.date(2025, 12, 31)


def handoffs(*rows: dict[str, Any]) -> pd.DataFrame:
    return make_questionnaire({"handoffs": rows}).table("handoffs")


def rule(a: str, b: str, **more: Any) -> dict[str, Any]:
    return {"from_role": a, "to_role": b, **more}


def names(types: tuple[str, ...], held: set[str] | None = None) -> list[str]:
    return [f"{p['from_role']}-{p['to_role']}" for p in required_pairs(types, held)]


def test_the_type_of_sale_sets_the_required_pairs() -> None:
    assert names(("T",)) == ["TM-SR", "SR-SOP"]
    assert names(("TC",)) == ["TM-SR", "SR-KM"]
    assert names(("C",)) == names(("CS",), {"TM", "SR", "KM", "PM"}) == ["TM-SR", "SR-KM", "KM-PM"]
    assert names(("S",), {"SR", "PM"}) == ["SR-PM"]  # no telemarketer, none required
    assert names(("S",), {"TM", "SR", "PM"}) == ["TM-SR", "SR-PM"]
    assert names(("TC", "T")) == ["TM-SR", "SR-SOP", "SR-KM"]


def test_a_rule_is_documented_partly_or_missing() -> None:
    held = {"TM", "SR", "KM", "PM"}
    table = pair_table(
        required_pairs(("C",), held),
        handoffs(rule("TM", "SR", documented="yes", trigger="TRG_FIT"), rule("SR", "SKM", trigger="TRG_N_SALES", k=2)),
    )
    # A senior client manager is a client manager; a trigger alone is spoken only; the last is not there.
    assert table["gap"].tolist() == [0, 1, 2]
    assert table["named"].tolist() == [True, True, False]
    none = pair_table(required_pairs(("TC",), held), handoffs(rule("SR", "KM", documented="yes", trigger="TRG_NONE")))
    assert none["gap"].tolist() == [2, 2]


def test_pairs_with_an_empty_station_are_not_judged() -> None:
    table = pair_table(required_pairs(("TC",), {"SR", "KM"}), handoffs(rule("SR", "KM", documented="partly")))
    assert table["staffed"].tolist() == [False, True]
    assert np.isnan(table["gap"][0]) and table["gap"][1] == 1


def test_only_consultative_pairs_with_a_rule_need_gradual_joining() -> None:
    held = {"TM", "SR", "KM", "PM"}
    rows = handoffs(
        rule("TM", "SR", documented="yes", form="SCRIPT"),
        rule("SR", "KM", documented="yes", form="SCRIPT"),
        rule("KM", "PM", documented="yes", form="JOINT"),
    )
    c = form_mismatches(pair_table(required_pairs(("C",), held), rows))
    assert list(zip(c["from_role"], c["mismatch"], strict=True)) == [("SR", True), ("KM", False)]
    assert form_mismatches(pair_table(required_pairs(("TC",), held), rows)).empty
    missing = handoffs(rule("SR", "KM", documented="no", form="NONE"))
    assert form_mismatches(pair_table(required_pairs(("C",), held), missing)).empty


def test_rules_that_orders_can_show() -> None:
    rules = developer_rules(
        handoffs(
            rule("SR", "KM", trigger="TRG_N_SALES", k=2, deadline_days=5),
            rule("SR", "KM", trigger="TRG_N_SALES"),
            rule("SR", "KM", trigger="TRG_DEAL"),
            rule("SR", "KM", trigger="TRG_TIME", days=90),
            rule("TM", "SR", trigger="TRG_N_SALES", k=1),
        ),
        ("KM",),
        3.0,
    )
    assert [(r["trigger"], r["number"], r["deadline_days"]) for r in rules] == [
        ("TRG_N_SALES", 2, 5),
        ("TRG_N_SALES", 3, 0),
        ("TRG_TIME", 90, 0),
    ]


def buys(client: str, *purchases: tuple[int, str]) -> list[dict[str, Any]]:
    """Purchases of one client: day of 2025 (1 = 1 January) and manager."""
    first = pd.Timestamp("2025-01-01")
    days = [first + pd.Timedelta(days=d - 1) for d, _ in purchases]
    return [
        {
            "client_key": client,
            "purchase_no": i + 1,
            "day": day,
            "next_day": days[i + 1] if i + 1 < len(days) else pd.NaT,
            "month_index": day.year * 12 + day.month - 1,
            "revenue": 100.0,
            "manager": who,
        }
        for i, (day, (_, who)) in enumerate(zip(days, purchases, strict=True))
    ]


SIDE = {"S": "from", "K": "to"}


def won(*clients: list[dict[str, Any]]) -> pd.DataFrame:
    rows = pd.DataFrame([r for c in clients for r in c])
    rows["next_day"] = pd.to_datetime(rows["next_day"])
    return won_by_developer(rows, SIDE, set(rows["client_key"]))


def test_people_who_may_do_both_stand_on_neither_side() -> None:
    assert sides({"S": ("SR",), "K": ("KM", "SKM"), "U": ("SR", "KM"), "D": ("KD",)}, ("KM",)) == {
        "S": "from",
        "K": "to",
    }


def test_only_clients_first_served_by_a_developer_count() -> None:
    w = won(buys("A", (1, "S"), (30, "K")), buys("B", (1, "K"), (30, "K")), buys("C", (1, "x"), (30, "S")))
    assert set(w["client_key"]) == {"A"}


def test_the_switch_its_number_and_its_pause() -> None:
    # A: days 1, 11, 21 with S, then 51 with K and 61: the pause is 30 days, the other gaps are 10, 10, 10.
    s = switches(won(buys("A", (1, "S"), (11, "S"), (21, "S"), (51, "K"), (61, "K")), buys("B", (1, "S"), (9, "S"))))
    a, b = s.set_index("client_key").loc["A"], s.set_index("client_key").loc["B"]
    assert (a["switch_no"], a["lag_days"], a["own_gap_days"], a["lag_ratio"]) == (4, 30, 10, 3)
    assert np.isnan(b["switch_no"]) and np.isnan(b["lag_ratio"])


def outcome(rules: list[dict[str, Any]], *clients: list[dict[str, Any]]) -> dict[str, str]:
    t = following(won(*clients), rules)
    return dict(zip(t["client_key"], t["outcome"], strict=True))


def n_sales(k: float, deadline: float = 0.0) -> dict[str, Any]:
    return {"trigger": "TRG_N_SALES", "number": k, "deadline_days": deadline}


def test_keeping_the_rule_of_the_kth_sale() -> None:
    got = outcome(
        [n_sales(2)],
        buys("kept", (1, "S"), (20, "S"), (40, "K")),
        buys("late", (1, "S"), (20, "S"), (40, "S"), (60, "K")),
        buys("early", (1, "S"), (20, "K"), (40, "K")),
        buys("open", (1, "S"), (20, "S")),
        buys("other", (1, "S"), (20, "S"), (40, "x")),
        buys("not due", (1, "S")),
    )
    assert got == {"kept": "kept", "late": "late", "early": "early", "open": "open", "other": "open"}


def test_an_order_inside_the_deadline_is_not_late() -> None:
    client = buys("A", (1, "S"), (20, "S"), (23, "S"), (50, "K"))
    assert outcome([n_sales(2)], client) == {"A": "late"}
    assert outcome([n_sales(2, deadline=5)], client) == {"A": "kept"}


def test_rules_by_amount_and_by_time_and_several_rules_at_once() -> None:
    client = buys("A", (1, "S"), (20, "S"), (40, "S"), (100, "K"))  # 100 money each
    assert outcome([{"trigger": "TRG_VOLUME", "number": 300.0, "deadline_days": 0.0}], client) == {"A": "kept"}
    assert outcome([{"trigger": "TRG_VOLUME", "number": 200.0, "deadline_days": 0.0}], client) == {"A": "late"}
    # 60 days after 1 January is 2 March, day 61: purchase 3 is the last before it, purchase 4 goes to K.
    assert outcome([{"trigger": "TRG_TIME", "number": 60.0, "deadline_days": 0.0}], client) == {"A": "kept"}
    assert outcome([{"trigger": "TRG_TIME", "number": 30.0, "deadline_days": 0.0}], client) == {"A": "late"}
    assert outcome([n_sales(1), n_sales(3)], client) == {"A": "kept"}


def many(share_lost: float, *, handed: bool, n: int, seed: int) -> list[list[dict[str, Any]]]:
    """Clients that buy every 30 days from a common start; the third purchase is with K if ``handed``."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        days = [1 + i % 20 + 30 * k for k in range(8)]
        if rng.random() < share_lost:
            days = days[:3]
        out.append(
            buys(f"{'h' if handed else 'k'}{i}", *((d, "K" if handed and j >= 2 else "S") for j, d in enumerate(days)))
        )
    return out


def test_loss_is_counted_from_the_first_purchase_with_the_new_manager() -> None:
    # Half of the handed never order again after the third purchase, nobody of the others leaves.
    w = won(*many(0.5, handed=True, n=60, seed=1), *many(0.0, handed=False, n=60, seed=2))
    c = handed_against_kept(w, loss_gaps=2, as_of=END, draws=200, seed=1)
    assert c is not None and c.matched.effect.n == 60
    lost = sum(len(x) == 3 for x in many(0.5, handed=True, n=60, seed=1))
    assert c.matched.treated_figure == pytest.approx(lost / 60)
    assert c.matched.control_figure == 0.0
    assert c.matched.effect.low is not None and c.matched.effect.low > 0.2
    assert c.p_value is not None and c.p_value < 1e-6 and c.slower


def test_clients_lost_before_they_were_seen_handed_prove_nothing() -> None:
    """The trap: whoever must order again to be seen as handed looks more loyal than the others."""
    # Nobody is lost after purchase 3; of the developer's clients half stop after purchase 2, before any hand-off.
    stays = many(0.0, handed=True, n=60, seed=1)
    leaves = [buys(f"l{i}", *((1 + i % 20 + 30 * k, "S") for k in range(2))) for i in range(60)]
    kept = many(0.0, handed=False, n=60, seed=2)
    c = handed_against_kept(won(*stays, *leaves, *kept), loss_gaps=2, as_of=END, draws=200, seed=1)
    assert c is not None
    # Compared at the third purchase, both sides lose nobody; a naive «handed against not» would say −33 pp.
    assert c.matched.treated_figure == 0.0 and c.matched.control_figure == 0.0


def test_only_silence_beyond_the_own_gap_is_overdue() -> None:
    """Two handed clients buy every 30 days; one met the new manager 90 days before the end, the other 5."""
    end = (END - dt.date(2025, 1, 1)).days + 1
    late = buys("late", *((end - 90 - 30 * k, "K" if k == 0 else "S") for k in (2, 1, 0)))
    soon = buys("soon", *((end - 5 - 30 * k, "K" if k == 0 else "S") for k in (2, 1, 0)))
    back = buys("back", *((end - 5 - 30 * k, "S" if k > 1 else "K") for k in (3, 2, 1, 0)))
    w = won(late, soon, back, *many(0.0, handed=False, n=20, seed=2))
    c = handed_against_kept(w, loss_gaps=2, as_of=END, draws=50, seed=1)
    assert c is not None
    lines = [
        {"order_id": str(i), "order_date": r["day"].date(), "client_id": r["client_key"], "amount": 100.0}
        for i, r in enumerate(w.to_dict("records"))
    ]
    out = recent_treated(make_case(lines, settings={"period": {"as_of": END}}), c).set_index("client_key")
    assert out.loc[["back", "late", "soon"], "still_away"].tolist() == [False, True, True]
    assert out.loc[["back", "late", "soon"], "overdue"].tolist() == [False, True, False]


def test_nobody_to_compare_with() -> None:
    w = won(*many(0.5, handed=True, n=30, seed=1))
    c = handed_against_kept(w, loss_gaps=2, as_of=END, draws=100, seed=1)
    assert c is not None and c.matched.strata == 0  # at the second purchase nobody is handed, at the third all are
    assert (
        handed_against_kept(won(*many(0.0, handed=False, n=5, seed=1)), loss_gaps=2, as_of=END, draws=9, seed=1) is None
    )


def test_continuation_counts_only_clients_followed_long_enough() -> None:
    table = continuation(won(buys("A", (1, "S"), (31, "S")), buys("B", (340, "S"), (350, "S"))), END, 2.0)
    # The usual gap is √(30 · 10) ≈ 17 days for a first purchase, twice that is 35. A's first one is followed by one on
    # day 31, its second by none; B began 26 days before the end and is not followed long enough.
    assert table[["purchase_no", "side", "clients", "lost"]].to_numpy().tolist()[0] == [1, "from", 1, 0]
    assert table["clients"].sum() == 2 and table["lost"].sum() == 1
