"""What the money is measured against: a returning client's worth, and the sleepers that return by themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.retention.cadence import cadence, limits_of
from audit.model.calendar import add_months
from audit.model.case import Case, sql_text
from audit.stats.cadence import LAST_GAPS
from audit.stats.cumulative import mean_cumulative

__all__ = ["own_return", "second_value"]

LEAST = 5
"""Clients below which a figure that a price rests on is not taken."""
MOST = 5_000
"""Clients at most from which the worth of a second purchase is drawn."""
YEAR = 365


def second_value(case: Case, new: pd.DataFrame) -> dict[str, Any]:
    """Return the revenue of the 365 days from the second purchase on, that purchase included, a client.

    The mean cumulative function over all new clients that bought again, each at risk as long as it was seen, with the
    limits of its resampled copies. ``new``: client_key, second_day. Facts: second_value, second_value_low,
    second_value_high (None with fewer than five such clients, or where nobody was followed for a year) and
    second_value_n.
    """
    again = new.loc[new["second_day"].notna(), ["client_key", "second_day"]].sort_values("client_key")
    again = again.iloc[:: max(1, -(-len(again) // MOST))].reset_index(drop=True)
    nothing = {"second_value": None, "second_value_low": None, "second_value_high": None, "second_value_n": len(again)}
    if len(again) < LEAST:
        return nothing
    acts = case.query(sql_text("audit.chapters.retention", "second_acts"))
    unit = acts["client_key"].map(pd.Series(again.index, index=again["client_key"]))
    acts = acts.assign(unit=unit).dropna(subset=["unit"])
    found = mean_cumulative(
        acts["unit"],
        acts["age"],
        acts["revenue"],
        (pd.Timestamp(case.window.as_of) - again["second_day"]).dt.days + 1,
        YEAR,
        seed=case.thresholds.count("general.bootstrap_seed"),
    )
    if found.value is None or found.value <= 0:
        return nothing
    low, high = np.nanquantile(found.draws, [0.025, 0.975])
    return nothing | {
        "second_value": found.value,
        "second_value_low": min(float(low), found.value),
        "second_value_high": max(float(high), found.value),
    }


def own_return(case: Case) -> dict[str, Any] | None:
    """Return which part of the money asleep a year ago has ordered since, without this audit's effort.

    The same rule as today's on the orders until then. ``share`` by money, ``by_clients``, ``n`` clients then asleep;
    None with fewer than five of them, or less than 24 months of orders.
    """
    w = case.window
    if not w.has_prior:
        return None
    then = replace(
        w, as_of=add_months(w.as_of, -12), recent_start=w.prior_start, prior_start=add_months(w.prior_start, -12)
    )
    past = replace(case, window=then)
    t = case.thresholds
    clients = past.query(sql_text("audit.chapters.retention", "year_ago"), until=w.as_of)
    gaps = past.query(sql_text("audit.chapters.retention", "gaps"))
    seasons = past.query(
        sql_text("audit.chapters.retention", "seasons"), tolerance=t.value("retention.season_tolerance")
    )
    days = past.query(sql_text("audit.chapters.retention", "last_days"), days=LAST_GAPS + 1)
    known = clients[["client_key", "segment", "last_day"]]
    rhythm = cadence(known, gaps, days, then.as_of, limits_of(t), set(seasons["client_key"]))
    asleep = clients[clients["client_key"].isin(rhythm.loc[rhythm["state"] == "sleeping", "client_key"])]
    money = asleep["at_stake"].clip(lower=0.0)
    if len(asleep) < LEAST or float(money.sum()) <= 0:
        return None
    back = asleep["returned"] == 1
    return {"share": float(money[back].sum()) / float(money.sum()), "by_clients": float(back.mean()), "n": len(asleep)}
