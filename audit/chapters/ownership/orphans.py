"""Clients without a hand: who last served them has left, or nobody is named on their orders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["COLUMNS", "Orphans", "orphans"]

SYSTEM = "SYS"
COLUMNS = ["client_key", "client_name", "segment", "manager", "why", "since", "days", "revenue", "annual_figure"]


@dataclass(frozen=True)
class Orphans:
    """Clients of the recent period by who stands behind them.

    ``table``: one row per client, columns `COLUMNS`; ``why``: ``left`` (its seller has left), ``nobody`` (no order of the
    period names one), None (somebody here serves it), ``unknown`` (a seller who is not on the staff sheet). ``since``: from
    which day nobody; ``days`` from there to the day of the audit. ``waiting``: clients a developer still holds.
    """

    table: pd.DataFrame
    waiting: int

    @property
    def orphaned(self) -> pd.Series:
        """Which clients have no hand."""
        return self.table["why"].isin(["left", "nobody"])


def orphans(
    clients: pd.DataFrame,
    last: pd.DataFrame,
    ends: Mapping[str, dt.date | None],
    families: Mapping[str, str | None],
    as_of: dt.date,
    touched: Collection[tuple[str, str]] = (),
) -> Orphans:
    """Tell who stands behind each client.

    ``clients``: client_key, client_name, segment, revenue, annual_figure of the recent period; ``last``: client_key, manager
    (of the last order day that names one), served_day, last_day; ``ends``: last day of work by person of the staff sheet, None
    for who works here; ``touched``: (client_key, person) of touches and key lists: a client of a leaver whom somebody here
    touches, or leads as a key client, has a hand. What a system serves is nobody's orphan.
    """
    t = clients.merge(last, on="client_key", how="left")
    gone = {p for p, end in ends.items() if end is not None and end < as_of}
    kept = {c for c, p in touched if p in ends and p not in gone}
    why: list[str | None] = []
    since: list[dt.date | None] = []
    for key, manager, day in zip(t["client_key"], t["manager"], t["last_day"], strict=True):
        named = str(manager) if isinstance(manager, str) else None
        if named == SYSTEM or (key in kept and (named is None or named in gone)):
            state, begun = None, None
        elif named is None:
            state, begun = "nobody", pd.Timestamp(day).date()
        elif named not in ends:
            state, begun = "unknown", None
        elif named in gone:
            state, begun = "left", ends[named]
        else:
            state, begun = None, None
        why.append(state)
        since.append(begun)
    t["why"] = pd.Series(why, index=t.index, dtype=object)
    t["since"] = pd.Series(since, index=t.index, dtype=object)
    t["days"] = [np.nan if s is None else float((as_of - s).days) for s in since]
    here = t["why"].isna() & t["manager"].map(lambda m: families.get(m) == "SR" if isinstance(m, str) else False)
    return Orphans(t[COLUMNS].reset_index(drop=True), int(here.sum()))
