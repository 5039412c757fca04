"""Which clients are new, and from which day on that can be told (left truncation)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from audit.model.calendar import add_months
from audit.model.window import Window

__all__ = ["believed_since", "judged_from", "mark_new", "new_a_year", "new_by_card", "ready_from"]

SAME_DAY_SHARE = 0.2
"""A date carried by so many of the dated clients is the day of a move between systems, not of becoming a client."""
LATE_CARD_DAYS = 31
"""A card opened so long after the first order says nothing about when the client came."""
DATED_SHARE = 0.95
"""With so many clients dated by client_since the burn-in is not needed to know who is new."""
MIN_CLIENTS = 20


def believed_since(clients: pd.DataFrame) -> pd.Series:
    """Return ``client_since`` where it can be believed, missing elsewhere (one entry per client, same index).

    Not believed: a date later than the first order by more than a month, and a date shared by a fifth of all dated
    clients and by at least 20 of them (cards created in bulk when a system was changed).
    """
    since = pd.to_datetime(clients["client_since"])
    late = (since - clients["first_day"]).dt.days > LATE_CARD_DAYS
    since = since.mask(late)
    counts = since.value_counts()
    dated = int(counts.sum())
    bulk = counts[(counts >= MIN_CLIENTS) & (counts >= SAME_DAY_SHARE * dated)].index
    return since.mask(since.isin(bulk))


def mark_new(clients: pd.DataFrame, window: Window) -> pd.Series:
    """Tell which clients are new in the window (boolean, one entry per client with an order day).

    A believed ``client_since`` decides: new if it lies inside the window. Otherwise the first order day must lie after
    the burn-in: a client first seen earlier may have bought before the export begins.
    """
    start, as_of, new_from = (np.datetime64(d) for d in (window.start, window.as_of, window.new_from))
    since = believed_since(clients)
    seen = clients["first_day"].notna() & (clients["first_day"] >= start) & (clients["first_day"] <= as_of)
    by_order = clients["first_day"] >= new_from
    by_card = (since >= start) & (since <= as_of)
    return (seen & by_card.where(since.notna(), by_order)).astype(bool)


def new_by_card(clients: pd.DataFrame, window: Window) -> bool:
    """Tell whether a believed ``client_since`` alone decided for every new client, so that no burn-in limits them."""
    new = mark_new(clients, window)
    return bool(new.any()) and bool(believed_since(clients)[new].notna().all())


def new_a_year(clients: pd.DataFrame, window: Window) -> tuple[int, float]:
    """Return how many new clients first bought in the recent period after the burn-in, and how many that is a year."""
    start = max(window.recent_start, window.new_from, window.start)
    recent = mark_new(clients, window) & (clients["first_day"] >= pd.Timestamp(start))
    months = ((window.as_of - start).days + 1) / 30.4375
    return int(recent.sum()), float(recent.sum()) * 12.0 / months if months > 0 else 0.0


def judged_from(clients: pd.DataFrame, window: Window) -> dt.date:
    """Return the first day from which a first purchase of a new client can be told from a repeated one.

    The start of the recent period where that lies after the burn-in, or where nearly all clients are dated by
    ``client_since``; otherwise the end of the burn-in.
    """
    start = max(window.recent_start, window.start)
    buyers = clients[clients["first_day"].notna()]
    dated = believed_since(buyers).notna().mean() if len(buyers) else 0.0
    return start if dated >= DATED_SHARE else max(start, window.new_from)


def ready_from(window: Window, months: int, burn_in_share: float) -> dt.date:
    """Return the first day on which ``months`` whole months lie after the burn-in.

    A burn-in that is cut to a share of a short window grows as the window does; then the day is the one on which the
    rest of the window, one minus that share, is long enough.
    """
    grown = int(window.days * burn_in_share)
    cut = window.burn_in_source == "rule" and window.burn_in_days >= grown - 1
    plain = add_months(window.new_from, months)
    if not cut:
        return plain
    needed = (add_months(window.start, months) - window.start).days
    return max(plain, window.start + dt.timedelta(days=int(np.ceil(needed / (1 - burn_in_share)))))
