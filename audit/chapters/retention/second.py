"""Second and third purchases: how many clients come back, allowing for those not watched long enough."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.stats.survival import SurvivalAt, SurvivalCurve, kaplan_meier, logrank

__all__ = ["Waits", "curve_table", "longest_judged", "purchase_split", "share_at", "waits", "when_judged"]

HORIZONS_DAYS = (30, 60, 90, 180, 365, 730)


@dataclass(frozen=True, slots=True)
class Waits:
    """Days from one purchase to the next, or to the end of watching, one entry per client.

    ``followed``: days from the purchase to the end of watching, whether the next one came or not.
    """

    days: NDArray[np.int64]
    happened: NDArray[np.bool_]
    followed: NDArray[np.int64]

    def curve(self) -> SurvivalCurve:
        """Return the Kaplan–Meier curve of the wait."""
        return kaplan_meier(self.days, self.happened)


def waits(clients: pd.DataFrame, origin: str, event: str, as_of: dt.date) -> Waits:
    """Return the wait from the day in column ``origin`` to the one in ``event`` for clients that have the first.

    A missing event day means that it had not happened by ``as_of``, when watching ends. Grain: one client.
    """
    rows = clients[clients[origin].notna()]
    end = rows[event].fillna(pd.Timestamp(as_of))
    days = np.asarray((end - rows[origin]).dt.days, dtype=np.int64)
    followed = np.asarray((pd.Timestamp(as_of) - rows[origin]).dt.days, dtype=np.int64)
    return Waits(days, np.asarray(rows[event].notna(), dtype=np.bool_), followed)


def curve_table(curve: SurvivalCurve) -> pd.DataFrame:
    """Return the curve as shares that have bought again: one row per day on which anything was seen.

    Columns: ``days`` since the purchase; ``share``, ``low``, ``high`` (0–1, 95 % log-log); ``at_risk`` clients still
    watched and not back just before; ``events``, ``censored`` on that day.
    """
    return pd.DataFrame(
        {
            "days": curve.times.astype(np.int64),
            "share": 1.0 - curve.survival,
            "low": 1.0 - curve.high,
            "high": 1.0 - curve.low,
            "at_risk": curve.at_risk,
            "events": curve.events,
            "censored": curve.censored,
        }
    )


def share_at(curve: SurvivalCurve, horizons: tuple[int, ...] = HORIZONS_DAYS) -> pd.DataFrame:
    """Return the shares back by horizon: horizon_days, share, low, high (NaN if not reached), at_risk, events, n."""
    rows = []
    for point in curve.at_all(horizons):
        e = point.event_share
        reached = e.value is not None
        rows.append(
            {
                "horizon_days": int(point.horizon),
                "share": e.value if reached else np.nan,
                "low": e.low if reached else np.nan,
                "high": e.high if reached else np.nan,
                "at_risk": point.at_risk,
                "events": point.events,
                "n": point.n,
            }
        )
    return pd.DataFrame(rows).astype({"share": float, "low": float, "high": float})


def longest_judged(w: Waits, horizon: int, min_followed: int) -> SurvivalAt | None:
    """Return the curve at the horizon, or at the latest earlier day for which ``min_followed`` clients were followed.

    Followed from the start, whatever became of them: the better the clients come back, the fewer are left at risk.
    """
    if len(w.followed) < min_followed:
        return None
    curve = w.curve()
    day = min(horizon, int(np.sort(w.followed)[::-1][min_followed - 1]))
    point = curve.at(day)
    return point if point.survival is not None else curve.at(float(curve.times[-1]))


def when_judged(w: Waits, horizon: int, min_followed: int, as_of: dt.date) -> dt.date | None:
    """Return the day from which ``min_followed`` of the present clients are followed for the horizon; None: never."""
    if len(w.followed) < min_followed:
        return None
    longest = int(np.sort(w.followed)[::-1][min_followed - 1])
    return as_of + dt.timedelta(days=max(0, horizon - longest))


def purchase_split(
    clients: pd.DataFrame, by: dict[str, pd.Series], as_of: dt.date, horizon: int, min_units: int
) -> pd.DataFrame:
    """Return the second-purchase share by cohort, segment, first manager …

    ``by``: name of the split → label per client (index of ``clients``); a missing label leaves the client out of that
    split. Columns: split, label, n, second (clients seen to buy again), share, low, high at the horizon (missing where
    nobody was watched that long), at_risk, p_value (log-rank over the labels shown; the same for all rows of a split).
    Labels with fewer than ``min_units`` clients are left out. Associations only: clients are not given to managers by
    lot.
    """
    rows: list[dict[str, object]] = []
    w = waits(clients, "first_day", "second_day", as_of)
    for split, labels in by.items():
        label = labels.reindex(clients.index)
        sizes = label.value_counts()
        shown = sorted(str(x) for x in sizes[sizes >= min_units].index)
        if not shown:
            continue
        text = label.astype("string")
        inside = text.isin(shown).fillna(False).to_numpy(dtype=np.bool_)
        p = None
        if len(shown) > 1:
            p = logrank(w.days[inside], w.happened[inside], text[inside].to_numpy(dtype=object).astype(str)).p_value
        for name in shown:
            mine = (text == name).fillna(False).to_numpy(dtype=np.bool_)
            point = kaplan_meier(w.days[mine], w.happened[mine]).at(horizon)
            e = point.event_share
            reached = e.value is not None
            rows.append(
                {
                    "split": split,
                    "label": name,
                    "n": int(mine.sum()),
                    "second": int(w.happened[mine].sum()),
                    "share": e.value if reached else np.nan,
                    "low": e.low if reached else np.nan,
                    "high": e.high if reached else np.nan,
                    "at_risk": point.at_risk,
                    "p_value": np.nan if p is None else p,
                }
            )
    columns = ["split", "label", "n", "second", "share", "low", "high", "at_risk", "p_value"]
    return pd.DataFrame(rows, columns=columns).astype({"share": float, "low": float, "high": float, "p_value": float})
