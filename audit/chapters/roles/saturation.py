"""Hunter saturation: a developer's new clients fall as the own book of repeat clients grows (TS, the «battle path»)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from audit.errors import Text
from audit.model.case import Case, sql_text
from audit.model.result import Metric, metric, no_metric
from audit.stats.intervals import mean_t

__all__ = ["COLUMNS", "saturation_metric", "saturation_table"]

COLUMNS = ["person", "quarters", "new_before", "new_after", "book_before", "book_after", "change"]
LEAST_QUARTERS = 4


def saturation_table(
    rows: pd.DataFrame, developers: Collection[str], last_month: int, first_month: int
) -> pd.DataFrame:
    """Set each developer's new clients beside the own repeat clients, the earlier half of the quarters against the later.

    ``rows``: manager, client_key, month_index, won (1: first purchase). Whole quarters are counted back from ``last_month``
    to ``first_month``; with an odd number the middle one is left out. Grain: one row per developer with orders in both
    halves and four quarters or more. Columns: person, quarters, new_before, new_after (clients won a quarter), book_before,
    book_after (clients served a quarter that were won earlier), change = new_after − new_before.
    """
    whole = (last_month - first_month + 1) // 3
    half = whole // 2
    mine = rows[rows["manager"].isin(list(developers))].copy()
    mine["quarter"] = (last_month - mine["month_index"]) // 3
    mine = mine[mine["quarter"] < whole]
    out = []
    for person, part in mine.groupby("manager", sort=True):
        per = part.groupby(["quarter", "client_key"])["won"].max().reset_index()
        new = per[per["won"] == 1].groupby("quarter").size().reindex(range(whole), fill_value=0)
        book = per[per["won"] == 0].groupby("quarter").size().reindex(range(whole), fill_value=0)
        if whole < LEAST_QUARTERS or not (new + book)[:half].any() or not (new + book)[whole - half :].any():
            continue
        late, early = slice(0, half), slice(whole - half, whole)
        means = [float(x.iloc[s].mean()) for x in (new, book) for s in (early, late)]
        out.append((str(person), whole, *means, means[1] - means[0]))
    return pd.DataFrame(out, columns=COLUMNS)


def saturation_metric(case: Case, developers: Collection[str]) -> tuple[Metric, pd.DataFrame]:
    """Return by how many new clients a quarter developers whose book grew change, beside the others: a difference.

    Both kinds live in the same market, so that its ups and downs are in both. Developers are what was drawn (t interval);
    fewer than two on either side: no figure, the table alone.
    """
    id = "roles.hunter_saturation"
    nothing = pd.DataFrame(columns=COLUMNS)
    if not case.has("manager"):
        return no_metric(
            id, Text("В выгрузке нет ответственного менеджера", "The export lacks the responsible manager")
        ), nothing
    w = case.window
    last = w.as_of.year * 12 + w.as_of.month - 1
    first = w.new_from.year * 12 + w.new_from.month - 1 + (1 if w.new_from.day > 1 else 0)
    table = saturation_table(case.query(sql_text("audit.chapters.roles", "saturation")), developers, last, first)
    grew = (table["book_after"] > table["book_before"]).to_numpy(dtype=bool)
    if grew.sum() < 2 or (~grew).sum() < 2:
        return no_metric(
            id,
            Text(
                "Сравнивать не с кем: нужно по двое СР, у кого постоянных клиентов стало больше, и тех, у кого не стало, с годом "
                "заказов у каждого",
                "There is nobody to compare: it takes two developers whose book of repeat clients grew and two whose did not, "
                "with a year of orders each",
            ),
            n=len(table),
        ), table
    change = table["change"].to_numpy(dtype=np.float64)
    a, b = mean_t(change[grew]), mean_t(change[~grew])
    assert a.value is not None and b.value is not None
    half_a, half_b = (0.0 if e.low is None or e.value is None else e.value - e.low for e in (a, b))
    wide = float(np.hypot(half_a, half_b))
    value = a.value - b.value
    return metric(
        id, value, low=value - wide, high=value + wide, n=len(table), grew=int(grew.sum()), stayed=int((~grew).sum())
    ), table
