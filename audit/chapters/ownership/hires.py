"""Clients that a hire brought along: won in the first months of somebody new, and whether they bought again (TS).

Whoever comes with clients of an earlier employer brings them quickly; whether they stay the company's is what counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pandas as pd

__all__ = ["BROUGHT_DAYS", "COLUMNS", "hires"]

BROUGHT_DAYS = 180
"""New clients of so many days from a hire's first day count as brought."""
COLUMNS = ["person", "start", "brought", "again", "share", "others", "others_again", "others_share", "by_others"]


def hires(
    new: pd.DataFrame, starts: Mapping[str, dt.date], horizon_days: int, served: Mapping[str, set[str]]
) -> pd.DataFrame:
    """Set the clients each hire brought beside the new clients that the others won in the same months.

    ``new``: new clients watched for the horizon since their first purchase: client_key, manager (of the first purchase),
    first_day, second_day; ``starts``: first day of work of the hires; ``served``: who served each client lately. Grain: one row
    per hire that brought anybody: person, start, brought, again (of them: bought again within the horizon), share, the same
    of the others' new clients of those months, by_others (brought clients whom somebody else has served lately).
    """
    rows = []
    wait = (new["second_day"] - new["first_day"]).dt.days
    back = wait.le(horizon_days)
    for person, start in sorted(starts.items(), key=lambda x: (x[1], x[0])):
        day = pd.Timestamp(start)
        months = (new["first_day"] >= day) & (new["first_day"] < day + pd.Timedelta(days=BROUGHT_DAYS))
        mine = months & (new["manager"] == person)
        rest = months & (new["manager"] != person) & new["manager"].notna()
        if not mine.any():
            continue
        n, k, m, j = int(mine.sum()), int((mine & back).sum()), int(rest.sum()), int((rest & back).sum())
        known = sum(bool(served.get(str(c), set()) - {person}) for c in new.loc[mine, "client_key"])
        rows.append((person, start, n, k, k / n, m, j, j / m if m else float("nan"), known))
    return pd.DataFrame(rows, columns=COLUMNS)
