"""What a hand-over costs: all clients of a seller who left against comparable clients of the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.stats.intervals import Estimate
from audit.stats.matched import Matched, matched_ratio

__all__ = [
    "BOOK_DAYS",
    "Departure",
    "Handover",
    "books_at",
    "departure_effect",
    "handed_books",
    "leavers",
    "mark_rows",
    "purchase_band",
    "span_of",
]


@dataclass(frozen=True, slots=True)
class Handover:
    """A book that changed hands: whose, on which day, and how it is known."""

    manager: str
    day: dt.date
    kind: Literal["left", "handed"]
    """``left``: last day on the staff sheet; ``handed``: seen in the orders."""


def leavers(
    staff: pd.DataFrame, seen: pd.DataFrame, sells: Mapping[str, bool], start: dt.date, as_of: dt.date
) -> list[Handover]:
    """Return sellers whose last day on the staff sheet lies inside the window and who had orders before it.

    ``staff``: person, end (None: still here); ``seen``: one row per responsible person with ``first_day``. The
    hand-over begins on the day after the last day.
    """
    first = {str(r["manager"]): pd.Timestamp(r["first_day"]).date() for r in seen.to_dict("records")}
    out = []
    for r in staff.to_dict("records"):
        person, end = str(r["person"]), r.get("end")
        if end is None or pd.isna(end) or not sells.get(person, True) or person not in first:
            continue
        day = pd.Timestamp(end).date() + dt.timedelta(days=1)
        if first[person] < day and start < day <= as_of:
            out.append(Handover(person, day, "left"))
    return out


BOOK_DAYS = 365
"""Days before a date whose order days tell whose client one is at that date."""
BOOK_LEAST = 3
BOOK_AROUND = 183


def books_at(served: pd.DataFrame, at: dt.date, named: pd.Index) -> pd.DataFrame:
    """Return one row per responsible person with a book at ``at``: the clients whose order days of the 365 days before it were
    mostly this person's (at least three of them; of equals the first by name), and what became of them.

    ``served``: order days with a responsible person, ordered by client and person: unit (client), person (its place in ``named``,
    ordered by name), age (days since 1970). Columns: manager, clients, ``days_before``, ``own_before`` (all order days of these
    clients in the half-year before, and this person's), ``days_after``, ``own_after`` (from ``at`` on).
    """
    unit, person, age = (served[c].to_numpy() for c in ("unit", "person", "age"))
    before = (at - dt.date(1970, 1, 1)).days - age  # days from an order to ``at``
    many = len(named)
    year = (before >= 1) & (before <= BOOK_DAYS)
    every = unit[year].astype(np.int64) * many + person[year]
    first = np.flatnonzero(np.diff(every, prepend=-1))
    pairs, days = every[first], np.diff(first, append=len(every))
    client = pairs // max(many, 1)
    begin = np.flatnonzero(np.diff(client, prepend=-1))
    holder = np.full(int(unit[-1]) + 1 if len(unit) else 0, -1, dtype=np.int64)
    if len(begin):
        best = np.maximum.reduceat(days * many + (many - 1 - pairs % many), begin)
        kept = best // many >= BOOK_LEAST
        holder[client[begin][kept]] = (many - 1 - best % many)[kept]
    near = (before >= 1 - BOOK_AROUND) & (before <= BOOK_AROUND)
    near[near] = holder[unit[near]] >= 0
    unit, person, before = unit[near], person[near], before[near]
    book = holder[unit]

    def number(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(book[rows], minlength=many).astype(np.int64)

    own, past = person == book, before >= 1
    out = pd.DataFrame(
        {
            "manager": named,
            "clients": number(np.diff(unit, prepend=-1) != 0),
            "days_before": number(past),
            "own_before": number(past & own),
            "days_after": number(~past),
            "own_after": number(~past & own),
        }
    )
    return out[out["clients"] > 0].reset_index(drop=True)


def handed_books(
    grid: Mapping[dt.date, pd.DataFrame],
    last_days: Mapping[str, dt.date],
    *,
    min_clients: int = 5,
    before: float = 0.6,
    after: float = 0.1,
) -> list[Handover]:
    """Find books that were handed over in one go, from the orders alone.

    ``grid``: for each first day of a month, one row per manager with a book then: ``clients``, ``days_before``,
    ``own_before`` (order days of these clients in the half-year before, and those with this manager),
    ``days_after``, ``own_after``. A book is handed over where its manager had at least ``before`` of its order days
    and afterwards at most ``after``; of several such months the sharpest counts. A manager whose last order lies
    within a month of it handed over on the day after that order. A book nobody bought from afterwards is no
    hand-over seen.
    """
    best: dict[str, tuple[float, dt.date]] = {}
    for day in sorted(grid):
        for r in grid[day].to_dict("records"):
            if r["clients"] < min_clients or r["days_before"] <= 0 or r["days_after"] <= 0:
                continue
            was, then = r["own_before"] / r["days_before"], r["own_after"] / r["days_after"]
            if was < before or then > after:
                continue
            manager, fall = str(r["manager"]), was - then
            if manager not in best or fall > best[manager][0] + 1e-12:
                best[manager] = (fall, day)
    out = []
    for manager, (_, day) in sorted(best.items()):
        last = last_days.get(manager)
        exact = last + dt.timedelta(days=1) if last is not None and abs((last - day).days) <= 31 else day
        out.append(Handover(manager, exact, "handed"))
    return out


def span_of(day: dt.date, start: dt.date, as_of: dt.date, most: int) -> int:
    """Return the longest span in days that fits on both sides of a hand-over, at most ``most``."""
    return min(most, (day - start).days, (as_of - day).days + 1)


def purchase_band(number: pd.Series) -> pd.Series:
    """Group purchase numbers into bands that widen: 1, 2, 3, 4–5, 6–8, 9–12, 13–20, 21–35, 36 and more."""
    edges = np.array([1, 2, 3, 4, 6, 9, 13, 21, 36])
    return pd.Series(np.searchsorted(edges, number.to_numpy(dtype=np.int64), side="right"), index=number.index)


@dataclass(frozen=True)
class Departure:
    """What happened to handed clients.

    ``matched``: revenue after ÷ before of the handed clients over that of the controls; ``effect``: the same minus
    1; ``events``: one row per hand-over with its own figures; ``handed``: one row per handed client and hand-over:
    revenue_before, revenue_after, ``expected`` (before × what became of the controls), both over ``span_days``;
    ``dominant_share``: the largest client's part of the revenue before; ``without``: the effect without that
    client, None where none exceeds the limit.
    """

    matched: Matched
    effect: Estimate
    events: pd.DataFrame
    handed: pd.DataFrame
    dominant_share: float
    without: Estimate | None


EVENT_COLUMNS = [
    "manager",
    "day",
    "kind",
    "span_days",
    "clients",
    "controls",
    "handed_ratio",
    "control_ratio",
    "effect",
    "low",
    "high",
]

HANDED_COLUMNS = [
    "client_key",
    "manager",
    "day",
    "span_days",
    "purchases",
    "revenue_before",
    "revenue_after",
    "expected",
]


def departure_effect(rows: pd.DataFrame, *, dominant_limit: float = 0.2, draws: int = 2000, seed: int = 0) -> Departure:
    """Compare handed clients with clients of other sellers at the same date and purchase number.

    ``rows``: one row per client and hand-over: event (number), manager, day, kind, span_days, client_key, treated,
    purchases (order days so far), revenue_before, revenue_after. Clients bought in the span before; whatever
    follows counts, so lost ones stay in on both sides. Rows of a client in several hand-overs are one cluster.
    Net-negative sums count as nothing.
    """
    r = rows.copy()
    r["before"], r["after"] = r["revenue_before"].clip(lower=0.0), r["revenue_after"].clip(lower=0.0)
    r["stratum"] = r["event"].astype(int) * 100 + purchase_band(r["purchases"])

    def ratio(part: pd.DataFrame) -> Matched:
        return matched_ratio(
            part["treated"].to_numpy(dtype=bool),
            part["stratum"].to_numpy(),
            part["before"].to_numpy(dtype=np.float64),
            part["after"].to_numpy(dtype=np.float64),
            part["client_key"].to_numpy(dtype=str),
            draws=draws,
            seed=seed,
        )

    matched = ratio(r)
    treated = r[r["treated"]]
    total = float(treated["before"].sum())
    largest = float(treated["before"].max()) / total if total > 0 else 0.0
    without = None
    if largest > dominant_limit:
        name = treated.sort_values(["before", "client_key"], ascending=[False, True])["client_key"].iloc[0]
        without = ratio(r[r["client_key"] != name]).effect.map(lambda x: x - 1)
    events = []
    for number, part in r.groupby("event", sort=True):
        one = ratio(part)
        e, first = one.effect.map(lambda x: x - 1), part.iloc[0]
        events.append(
            {
                "manager": first["manager"],
                "day": first["day"],
                "kind": first["kind"],
                "span_days": first["span_days"],
                "clients": int(part["treated"].sum()),
                "controls": int((~part["treated"]).sum()),
                "handed_ratio": one.treated_figure,
                "control_ratio": one.control_figure,
                "effect": e.value,
                "low": e.low,
                "high": e.high,
            }
        )
        r.loc[r["event"] == number, "control_ratio"] = one.control_figure
    handed = r[r["treated"]].copy()
    handed["expected"] = handed["before"] * handed["control_ratio"].astype(float)
    return Departure(
        matched=matched,
        effect=matched.effect.map(lambda x: x - 1),
        events=pd.DataFrame(events, columns=EVENT_COLUMNS),
        handed=handed[HANDED_COLUMNS].sort_values(["day", "client_key"], kind="stable").reset_index(drop=True),
        dominant_share=largest,
        without=without,
    )


def mark_rows(
    rows: pd.DataFrame, event: int, handover: Handover, span: int, others: Sequence[Handover], held_share: float = 0.5
) -> pd.DataFrame:
    """Prepare the clients around one hand-over: treated are those of its manager; controls are not handed themselves.

    ``rows``: client_key, manager (of most order days in the span before), holder (of most order days in the two years
    before), holder_share (its part of them), purchases, revenue_before, revenue_after. ``others``: the other hand-overs;
    clients of a book that changed hands within ``span`` days of this one are no controls. A deputy on somebody's holiday
    takes orders, too, and of a client that buys rarely even most of them in a year: a client belongs to the seller of at
    least ``held_share`` of its order days over two years. Whose client it was is told by what lies before alone, as what
    follows is what is measured. Clients of nobody, and those whose seller changed within the two years, are left out.
    """
    near = {o.manager for o in others if abs((o.day - handover.day).days) < span and o.manager != handover.manager}
    mine, held = rows["manager"] == handover.manager, rows["holder"] == handover.manager
    keep = (
        (rows["holder_share"] >= held_share) & (mine == held) & ~rows["manager"].isin(near) & ~rows["holder"].isin(near)
    )
    out = rows[keep].copy()
    out["treated"] = mine[keep]
    out["event"], out["day"], out["kind"], out["span_days"] = event, handover.day, handover.kind, span
    out["manager"] = handover.manager
    return out
