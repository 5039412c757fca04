"""Cohorts of first purchases: who of them was active in each later month or quarter."""

from __future__ import annotations

import calendar
import datetime as dt

import numpy as np
import pandas as pd

from audit.model.calendar import month_index
from audit.model.window import Window

__all__ = ["cohort_table", "matrix"]


def cohort_table(cells: pd.DataFrame, window: Window, step: int) -> pd.DataFrame:
    """Return one row per cohort × age reached by ``as_of``; ages not reached yet do not appear.

    ``cells``: cohort, age (counts of periods of ``step`` months), active, revenue — only cells with turnover. Columns:
    ``cohort`` (first day of the period), ``age`` (periods since), ``clients`` (in the cohort), ``active`` (with an
    order day then), ``share`` (active ÷ clients, 0–1), ``revenue`` (net), ``known_new`` (the whole cohort lies after
    the burn-in, so its clients are new), ``complete`` (the period had ended by ``as_of``). A reached period in which
    nobody bought is 0, not missing.
    """
    last = month_index(window.as_of) // step
    ended = window.as_of.day == calendar.monthrange(window.as_of.year, window.as_of.month)[1]
    ended = ended and (month_index(window.as_of) + 1) % step == 0
    sizes = cells[cells["age"] == 0].set_index("cohort")["active"]
    found = cells.set_index(["cohort", "age"])
    grid = pd.MultiIndex.from_tuples(
        [(c, a) for c in sorted(sizes.index) for a in range(last - int(c) + 1)], names=["cohort", "age"]
    )
    out = found.reindex(grid).reset_index()
    out["clients"] = out["cohort"].map(sizes).astype(np.int64)
    out["active"] = out["active"].fillna(0).astype(np.int64)
    out["revenue"] = out["revenue"].fillna(0.0)
    out["share"] = out["active"] / out["clients"]
    out["complete"] = ended | (out["cohort"] + out["age"] < last)
    first = out["cohort"].astype(int) * step
    days = {int(m): dt.date(int(m) // 12, int(m) % 12 + 1, 1) for m in first.unique()}
    out["known_new"] = first.map(lambda m: days[int(m)] >= window.new_from)
    out["cohort"] = pd.to_datetime(first.map(lambda m: days[int(m)]))
    columns = ["cohort", "age", "clients", "active", "share", "revenue", "known_new", "complete"]
    return out[columns].reset_index(drop=True)


def matrix(table: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return cohorts × ages of one column; cells not reached yet are missing (blank), never zero."""
    return table.pivot(index="cohort", columns="age", values=value).astype(float).sort_index()
