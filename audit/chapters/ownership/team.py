"""How many people the base hangs on, and whether their hours carry it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.stats.resample import poisson_weights

__all__ = ["LOAD_COLUMNS", "BookLoad", "BusFactor", "book_load", "bus_factor", "even_split", "fewest", "team_of"]

Floats = NDArray[np.float64]

_CELLS = 4_000_000


def fewest(totals: Floats, share: float, whole: Floats | None = None) -> NDArray[np.int64]:
    """Return, for each row, the fewest columns that together exceed ``share`` of the whole.

    ``whole``: one figure a row, the row's sum if not given; 0 where nothing is there and where all columns together do
    not exceed it.
    """
    matrix = np.atleast_2d(np.asarray(totals, dtype=np.float64)).clip(min=0.0)
    running = np.cumsum(-np.sort(-matrix, axis=1), axis=1)
    whole = running[:, -1] if whole is None else whole
    over = running > (share * whole * (1 + 1e-12))[:, None]
    return np.where((whole > 0) & over.any(axis=1), over.argmax(axis=1) + 1, 0).astype(np.int64)


def even_split(team: int, share: float) -> int:
    """Return the fewest of ``team`` equal sellers who together hold more than ``share``: 3 of 5, 3 of 4, 2 of 2."""
    return int(np.floor(team * share + 1e-12)) + 1 if team else 0


@dataclass(frozen=True)
class BusFactor:
    """On how many people the base hangs.

    ``value``: fewest sellers whose leaving orphans more than the given share of repeat revenue, None where even all of
    them hold less; ``low``, ``high``: the same over resampled clients (95 %); ``team``; ``even``: the value of an even
    split; ``top_share``: repeat revenue share of the largest book; ``held_share``: that of all held clients. Dealing the
    held clients out at random over the team gives a value below ``chance_low``, and a largest book above ``chance_top``,
    in at most one case of twenty. ``books``: one row per seller: manager, clients, repeat_revenue, share.
    """

    value: int | None
    low: int
    high: int
    team: int
    even: int
    chance_low: int
    chance_top: float
    top_share: float
    held_share: float
    clients: int
    books: pd.DataFrame


def team_of(books: pd.Series, hand_over: Collection[str], unknown: Collection[str], min_share: float) -> int:
    """Return over how many of the sellers a base can be spread: all who sell, whatever their books.

    ``books``: repeat revenue by seller; ``hand_over``: developers who by their role pass their clients on; ``unknown``:
    sellers whose role nobody named, of whom those below ``min_share`` of the middle book are taken for developers, too.
    Counting them would make every conveyor look concentrated. Where nobody else sells, everybody counts.
    """
    middle = float(books[books > 0].median()) if (books > 0).any() else 0.0
    small = books.index.isin(list(unknown)) & (books.to_numpy() < min_share * middle)
    keeps = ~books.index.isin(list(hand_over)) & ~small
    return int(keeps.sum()) or len(books)


def bus_factor(
    clients: pd.DataFrame,
    sellers: Collection[str],
    *,
    hand_over: Collection[str] = (),
    unknown: Collection[str] = (),
    min_share: float = 0.25,
    share: float = 0.5,
    draws: int = 2000,
    seed: int = 0,
) -> BusFactor | None:
    """Tell on how many sellers the base hangs; None without repeat revenue.

    ``clients``: one row per client: client_key, manager (who holds it, None where nobody does), repeat_revenue
    (negative counts as none); ``sellers``: everybody who sells; ``hand_over``, ``unknown``, ``min_share``: see
    `team_of`. A client that nobody holds is orphaned by nobody's leaving: it counts in the whole and in no book.
    """
    c = clients.assign(repeat_revenue=clients["repeat_revenue"].clip(lower=0.0))
    books = c.groupby("manager")["repeat_revenue"].sum().reindex(sorted(sellers), fill_value=0.0)
    total = float(c["repeat_revenue"].sum())
    if total <= 0 or not len(books):
        return None
    rng = np.random.default_rng(seed)
    # With very many clients the count hardly moves from draw to draw: fewer draws tell the same.
    draws = int(min(draws, max(200, 5 * _CELLS // max(len(c), 1))))
    drawn = np.zeros((draws, len(books)))
    free = np.zeros(draws)
    place = {m: k for k, m in enumerate(books.index)}
    for manager, part in c.groupby(c["manager"].fillna(""), sort=True):
        book = np.sort(part["repeat_revenue"].to_numpy(dtype=np.float64))
        step = max(1, _CELLS // draws)
        into = drawn[:, place[manager]] if manager in place else free
        for start in range(0, len(book), step):
            some = book[start : start + step]
            into += poisson_weights(rng, (draws, len(some))) @ some
    spread = fewest(drawn, share, drawn.sum(axis=1) + free)
    spread = np.where(spread > 0, spread, len(books))
    low, high = (int(np.quantile(spread, q, method="nearest")) for q in (0.025, 0.975))
    value = int(fewest(books.to_numpy(dtype=np.float64), share, np.array([total]))[0]) or None
    table = books.rename("repeat_revenue").to_frame()
    table["clients"] = c.groupby("manager").size().reindex(table.index, fill_value=0)
    table["share"] = table["repeat_revenue"] / total
    table = table.rename_axis("manager").reset_index()
    table = table.sort_values(["repeat_revenue", "manager"], ascending=[False, True], ignore_index=True)
    held = c.loc[c["manager"].isin(books.index), "repeat_revenue"].to_numpy(dtype=np.float64)
    team = team_of(books, hand_over, unknown, min_share)
    chance_low, chance_top = _by_chance(held, total, team, share, draws, rng)
    return BusFactor(
        value=value,
        low=low if value is None else min(low, value),
        high=high if value is None else max(high, value),
        team=team,
        even=even_split(team, share),
        chance_low=chance_low,
        chance_top=chance_top,
        top_share=float(books.max() / total),
        held_share=float(books.sum() / total),
        clients=len(c),
        books=table,
    )


def _by_chance(
    revenue: Floats, total: float, team: int, share: float, draws: int, rng: np.random.Generator
) -> tuple[int, float]:
    """Deal every held client to a random seller of the team: 5 % quantile of the bus factor, 95 % of the largest book."""
    ordered = np.sort(revenue)
    times = int(min(draws, max(200, _CELLS // max(len(ordered), 1))))
    dealt = np.array(
        [np.bincount(rng.integers(0, team, len(ordered)), weights=ordered, minlength=team) for _ in range(times)]
    )
    values = fewest(dealt, share, np.full(times, total))
    values = np.where(values > 0, values, team)
    return int(np.quantile(values, 0.05, method="lower")), float(np.quantile(dealt.max(axis=1) / total, 0.95))


LOAD_COLUMNS = ["person", "clients", "hours_needed", "hours", "operational_hours", "hours_left", "load"]


@dataclass(frozen=True)
class BookLoad:
    """Hours that clients need against hours left, a month.

    ``table``: one row per person with clients and hours; ``shared_clients``: clients of nobody who keeps clients
    now, which the team has to carry; ``without_hours``: clients of keepers whose hours are not known, and that are in no
    figure; ``hours_needed``, ``hours_left``, ``load``: the whole team, shared clients included.
    """

    table: pd.DataFrame
    shared_clients: float
    without_hours: int
    hours_needed: float
    hours_left: float
    load: float


def book_load(books: pd.DataFrame, hours: pd.DataFrame, *, shared: int, shared_hours: float) -> BookLoad | None:
    """Set the hours that the clients need against the hours left after operational work; None where nobody has both.

    ``books``: by person who keeps clients: ``clients`` and the ``hours`` a month that their touches ask for; ``hours``: one row
    per person with ``hours`` (working hours without breaks) and ``operational_hours``. ``load`` = needed ÷ left; where nothing is
    left at all, an hour is taken as left so that the figure stays finite. ``shared``: clients without a person who keeps them
    now, and their hours; keepers whose hours are unknown carry their part of them.
    """
    t = hours[hours["person"].isin(books.index) & (hours["hours"] > 0)].copy()
    if t.empty:
        return None
    t["clients"] = t["person"].map(books["clients"]).astype(int)
    t["hours_needed"] = t["person"].map(books["hours"]).astype(float)
    t["hours_left"] = (t["hours"] - t["operational_hours"]).clip(lower=0.0)
    t["load"] = t["hours_needed"] / t["hours_left"].clip(lower=1.0)
    own, kept = int(t["clients"].sum()), int(books["clients"].sum())
    needed = float(t["hours_needed"].sum()) + shared_hours * own / kept
    left = float(t["hours_left"].sum())
    table = t.sort_values(["load", "person"], ascending=[False, True], ignore_index=True)[LOAD_COLUMNS]
    return BookLoad(table, shared * own / kept, kept - own, needed, left, needed / max(left, 1.0))
