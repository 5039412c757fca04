"""A developer's new clients beside the own book: the earlier half of the quarters against the later."""

from __future__ import annotations

import pandas as pd

from audit.chapters.roles.measure import diagnose
from audit.chapters.roles.saturation import saturation_table
from tests.roles_tables import case_of, staff


def months(person, won, kept, first=0):
    """``won[q]`` new clients and ``kept[q]`` repeat ones in the first month of every quarter."""
    rows = []
    for q, (new, old) in enumerate(zip(won, kept, strict=True)):
        at = first + 3 * q
        rows += [(person, f"{person}-{q}-{i}", at, 1) for i in range(new)]
        rows += [(person, f"{person}-old-{i}", at, 0) for i in range(old)]
    return pd.DataFrame(rows, columns=["manager", "client_key", "month_index", "won"])


def test_halves_by_hand():
    """Six quarters: 5, 4, 3 new clients, then 2, 1, 0, while the book goes 0, 3, 6 → 9, 12, 15."""
    rows = months("S1", (5, 4, 3, 2, 1, 0), (0, 3, 6, 9, 12, 15))
    (r,) = saturation_table(rows, ["S1"], last_month=17, first_month=0).to_dict("records")
    assert (r["quarters"], r["new_before"], r["new_after"]) == (6, 4.0, 1.0)
    assert (r["book_before"], r["book_after"], r["change"]) == (3.0, 12.0, -3.0)


def test_the_middle_quarter_and_what_is_no_whole_quarter_are_left_out():
    rows = months("S1", (9, 5, 4, 7, 2, 1), (0,) * 6, first=-2)  # the first lies before the first month
    (r,) = saturation_table(rows, ["S1"], last_month=15, first_month=0).to_dict("records")
    assert (r["quarters"], r["new_before"], r["new_after"]) == (5, 4.5, 1.5)


def test_only_developers_with_a_year_of_orders():
    rows = pd.concat([months("S1", (1, 1, 1, 1), (1, 1, 1, 1)), months("K1", (1,) * 4, (9,) * 4)])
    assert list(saturation_table(rows, ["S1"], 11, 0)["person"]) == ["S1"]
    assert saturation_table(rows, ["S1"], 8, 0).empty, "three quarters have no two halves"


def buys(person, won, kept):
    """Orders of 2024 and 2025 by quarter; the repeat clients are the first ones of K1."""
    out = []
    for q, (new, old) in enumerate(zip(won, kept, strict=True)):
        day = f"{2024 + q // 4}-{1 + 3 * (q % 4):02d}-15"
        names = [f"{person}{q}n{i}" for i in range(new)] + [f"{person}o{i}" for i in range(old)]
        out += [
            {"order_id": f"{c}-{q}", "order_date": day, "client_id": c, "amount": 10.0, "manager": person}
            for c in names
        ]
    return out


def test_developers_whose_book_grew_against_the_others():
    """Two whose book grows win fewer and fewer, two whose does not win as many as ever: the difference is theirs."""
    grows, stays = ((6, 6, 6, 6, 1, 1, 1, 1), (1, 1, 1, 1, 9, 9, 9, 9)), ((4,) * 8, (2,) * 8)
    known = [
        {"order_id": f"h{p}{i}", "order_date": "2023-01-10", "client_id": f"S{p}o{i}", "amount": 1.0, "manager": "K1"}
        for p in range(4)
        for i in range(9)
    ]
    end = [{"order_id": "end", "order_date": "2025-12-31", "client_id": "S0o0", "amount": 1.0, "manager": "K1"}]
    lines = [*known, *end, *(r for p in range(4) for r in buys(f"S{p}", *(grows if p < 2 else stays)))]
    people = staff("K1 KM", *(f"S{p} SR" for p in range(4)))
    result = diagnose(case_of(people, lines=lines))
    m = result.metrics["roles.hunter_saturation"]
    assert m.value is not None and m.value < -2
    assert (m.extra["grew"], m.extra["stayed"]) == (2, 2)
    assert m.low <= m.value <= m.high
    alone = diagnose(case_of(people[:3], lines=lines)).metrics["roles.hunter_saturation"]
    assert alone.value is None and "Сравнивать не с кем" in alone.reason.ru
