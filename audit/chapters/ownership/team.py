"""How many people the base hangs on, and whether their hours carry it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.stats.resample import poisson_weights

__all__ = [
    "LOAD_COLUMNS",
    "BookLoad",
    "BusFactor",
    "book_load",
    "bus_factor",
    "even_split",
    "fewest",
    "in_book",
    "team_of",
]

Floats = NDArray[np.float64]

_CELLS = 4_000_000


def fewest(totals: Floats, share: float) -> NDArray[np.int64]:
    """Return, for each row, the fewest columns that together exceed ``share`` of the row's sum; 0 for an empty row."""
    matrix = np.atleast_2d(np.asarray(totals, dtype=np.float64)).clip(min=0.0)
    running = np.cumsum(-np.sort(-matrix, axis=1), axis=1)
    whole = running[:, -1:]
    over = running > share * whole * (1 + 1e-12)
    return np.where(whole[:, 0] > 0, over.argmax(axis=1) + 1, 0).astype(np.int64)


def even_split(team: int, share: float) -> int:
    """Return the fewest of ``team`` equal sellers who together hold more than ``share``: 3 of 5, 3 of 4, 2 of 2."""
    return int(np.floor(team * share + 1e-12)) + 1 if team else 0


def team_of(books: pd.Series, min_share: float) -> pd.Series:
    """Return the sellers who count as the team: repeat revenue of at least ``min_share`` of the middle book.

    ``books``: repeat revenue by seller. A developer who keeps a client for one order, or a deputy, is no holder of
    the base. Measured by the median and not by an even share: where one seller holds nearly all, the others are a
    team still.
    """
    positive = books[books > 0].sort_index()
    if positive.empty:
        return positive
    return positive[positive >= min_share * float(positive.median())]


@dataclass(frozen=True)
class BusFactor:
    """On how many people the base hangs.

    ``value``: fewest sellers whose clients bring more than the given share of repeat revenue; ``low``, ``high``: the
    same over resampled clients (95 %); ``team``; ``even``: the value of an even split; ``top_share``: repeat revenue
    share of the largest book. Dealing the clients out at random over the team gives a value below ``chance_low``, and a
    largest book above ``chance_top``, in at most one case of twenty. ``books``: one row per seller: manager, clients,
    repeat_revenue, share, in_team.
    """

    value: int
    low: int
    high: int
    team: int
    even: int
    chance_low: int
    chance_top: float
    top_share: float
    clients: int
    books: pd.DataFrame


def bus_factor(
    clients: pd.DataFrame, *, share: float = 0.5, min_share: float = 0.25, draws: int = 2000, seed: int = 0
) -> BusFactor | None:
    """Tell on how many sellers the base hangs; None without repeat revenue.

    ``clients``: one row per client with its own seller: client_key, manager, repeat_revenue (negative counts as none).
    """
    c = clients.dropna(subset=["manager"]).copy()
    c["repeat_revenue"] = c["repeat_revenue"].clip(lower=0.0)
    books = c.groupby("manager")["repeat_revenue"].sum()
    total = float(books.sum())
    if total <= 0:
        return None
    team = team_of(books, min_share)
    inside = c[c["manager"].isin(team.index)]
    rng = np.random.default_rng(seed)
    # With very many clients the count hardly moves from draw to draw: fewer draws tell the same.
    draws = int(min(draws, max(200, 5 * _CELLS // max(len(inside), 1))))
    drawn = np.zeros((draws, len(team)))
    for k, manager in enumerate(team.index):
        book = np.sort(inside.loc[inside["manager"] == manager, "repeat_revenue"].to_numpy(dtype=np.float64))
        step = max(1, _CELLS // draws)
        for start in range(0, len(book), step):
            part = book[start : start + step]
            drawn[:, k] += poisson_weights(rng, (draws, len(part))) @ part
    spread = fewest(drawn, share)
    spread = spread[spread > 0]
    low, high = (int(np.quantile(spread, q, method="nearest")) for q in (0.025, 0.975))
    value = int(fewest(team.to_numpy(dtype=np.float64), share)[0])
    table = books.rename("repeat_revenue").to_frame()
    table["clients"] = c.groupby("manager").size()
    table["share"] = table["repeat_revenue"] / total
    table["in_team"] = table.index.isin(team.index)
    table = table.reset_index().sort_values(["repeat_revenue", "manager"], ascending=[False, True], ignore_index=True)
    positive = inside["repeat_revenue"].to_numpy(dtype=np.float64)
    chance_low, chance_top = _by_chance(positive, len(team), share, draws, rng)
    return BusFactor(
        value=value,
        low=min(low, value),
        high=max(high, value),
        team=len(team),
        even=even_split(len(team), share),
        chance_low=chance_low,
        chance_top=chance_top,
        top_share=float(team.max() / team.sum()),
        clients=len(c),
        books=table,
    )


def _by_chance(revenue: Floats, team: int, share: float, draws: int, rng: np.random.Generator) -> tuple[int, float]:
    """Deal every client to a random seller of the team: 5 % quantile of the bus factor, 95 % of the largest book."""
    ordered = np.sort(revenue)
    times = int(min(draws, max(200, _CELLS // max(len(ordered), 1))))
    dealt = np.array(
        [np.bincount(rng.integers(0, team, len(ordered)), weights=ordered, minlength=team) for _ in range(times)]
    )
    values = fewest(dealt, share)
    top = dealt.max(axis=1) / dealt.sum(axis=1)
    return int(np.quantile(values, 0.05, method="lower")), float(np.quantile(top, 0.95))


LOAD_COLUMNS = ["person", "clients", "hours_needed", "hours", "operational_hours", "hours_left", "load"]


def in_book(
    clients: pd.DataFrame, *, usual_gap: float | None, min_days: float = 365.0, gap_multiple: float = 4.0
) -> pd.Series:
    """Tell which clients are still to be cared for: all but the lost ones (methodology 5.4).

    ``clients``: ``silent_days`` since the last order, ``median_gap`` of the client (None with one order:
    ``usual_gap`` of the company). Lost: silent for longer than ``min_days`` and than ``gap_multiple`` median gaps.
    A sleeping client needs touches too.
    """
    gap = pd.to_numeric(clients["median_gap"]).astype(float).fillna(usual_gap or 0.0)
    silent = clients["silent_days"].astype(float)
    return ~((silent > min_days) & (silent > gap_multiple * gap))


@dataclass(frozen=True)
class BookLoad:
    """Hours that clients need against hours left, a month.

    ``table``: one row per person with clients and hours; ``shared_clients``: clients of nobody who keeps clients
    now, which the team has to carry; ``hours_needed``, ``hours_left``, ``load``: the whole team, shared clients
    included.
    """

    table: pd.DataFrame
    shared_clients: float
    hours_needed: float
    hours_left: float
    load: float


def book_load(
    clients: pd.Series, hours: pd.DataFrame, *, shared: int, without_hours: int, touches: float, minutes: float
) -> BookLoad | None:
    """Set the hours that the clients need against the hours left after operational work; None where nobody has both.

    ``clients``: number of clients by person who keeps clients; ``hours``: one row per person with ``hours``
    (working hours without breaks) and ``operational_hours``. Needed = clients × touches a month × minutes ÷ 60.
    ``load`` = needed ÷ left; where nothing is left at all, an hour is taken as left so that the figure stays
    finite. ``shared``: clients without a person who keeps them now (the person left, or a developer still holds a
    client due for the hand-over); ``without_hours``: clients of keepers whose hours are unknown. They carry their
    part of the shared ones.
    """
    t = hours[hours["person"].isin(clients.index) & (hours["hours"] > 0)].copy()
    if t.empty:
        return None
    t["clients"] = t["person"].map(clients).astype(int)
    t["hours_needed"] = t["clients"] * touches * minutes / 60
    t["hours_left"] = (t["hours"] - t["operational_hours"]).clip(lower=0.0)
    t["load"] = t["hours_needed"] / t["hours_left"].clip(lower=1.0)
    own = int(t["clients"].sum())
    common = shared * own / (own + without_hours)
    needed = float(t["hours_needed"].sum()) + common * touches * minutes / 60
    left = float(t["hours_left"].sum())
    table = t.sort_values(["load", "person"], ascending=[False, True], ignore_index=True)[LOAD_COLUMNS]
    return BookLoad(table, common, needed, left, needed / max(left, 1.0))
