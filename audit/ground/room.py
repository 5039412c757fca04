"""Room to grow, the one definition of the kit: our share of the client's wallet, its range, its own best year."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.ground.keys import clients_named
from audit.ground.period import since, to_year
from audit.ground.similar import RangeGaps, range_gaps
from audit.model.calendar import add_months
from audit.model.case import Case, sql_text
from audit.model.window import Window
from audit.stats.intervals import Estimate, mean_t

__all__ = [
    "Range",
    "Wallet",
    "own_best",
    "quarters_of",
    "quarters_wide",
    "range_of",
    "room_of",
    "room_to_grow",
    "wallet",
    "wallet_of",
]


QUARTERS_MOST = 20
"""Five years: an older best year says little about what the client could buy today."""


@dataclass(frozen=True)
class Wallet:
    """Our share of key clients' budgets.

    ``table``: one row per key client with a known share: client_key, ``stated``, ``computed`` (our revenue ÷ the
    client's annual budget), ``share`` the one used (stated where given), ``annual_revenue``, ``headroom`` money a
    year that goes elsewhere. ``mean`` with a t-interval over clients; ``weighted``: Σ revenue ÷ Σ budget where both
    are known; ``stated_mean``, ``computed_mean`` over clients that have both; ``both`` their number.
    """

    table: pd.DataFrame
    mean: Estimate
    weighted: float | None
    stated_mean: Estimate
    computed_mean: Estimate
    both: int


def wallet(keys: pd.DataFrame, annual_revenue: pd.Series) -> Wallet:
    """Work out what share of its budget each key client spends with us.

    ``keys``: client_key, wallet_share (0–1 or None), annual_budget (money or None); the first row of a client counts.
    ``annual_revenue``: by client_key; a client without orders in the last 12 months has 0. A stated share goes before a
    computed one; a computed share above 1 is taken as 1 (the budget was underestimated).
    """
    t = keys.dropna(subset=["client_key"]).drop_duplicates("client_key").reset_index(drop=True)
    revenue = t["client_key"].map(annual_revenue).fillna(0.0).astype(float).clip(lower=0.0)
    stated = pd.to_numeric(t["wallet_share"], errors="coerce").astype(float)
    budget = pd.to_numeric(t["annual_budget"], errors="coerce").astype(float)
    computed = (revenue / budget.where(budget > 0)).clip(upper=1.0)
    share = stated.where(stated.notna(), computed)
    from_share = (revenue / share.where(share > 0)) - revenue
    headroom = (budget - revenue).where(budget > 0, from_share).clip(lower=0.0)
    table = pd.DataFrame(
        {
            "client_key": t["client_key"],
            "stated": stated,
            "computed": computed,
            "share": share,
            "annual_revenue": revenue,
            "budget": budget,
            "headroom": headroom,
        }
    )
    table = table[table["share"].notna()].reset_index(drop=True)
    with_budget = table[table["budget"] > 0]
    both = table[table["stated"].notna() & table["computed"].notna()]
    return Wallet(
        table=table,
        mean=mean_t(table["share"].to_numpy(dtype=np.float64), bounds=(0.0, 1.0)),
        weighted=float(with_budget["annual_revenue"].sum() / with_budget["budget"].sum()) if len(with_budget) else None,
        stated_mean=mean_t(both["stated"].to_numpy(dtype=np.float64), bounds=(0.0, 1.0)),
        computed_mean=mean_t(both["computed"].to_numpy(dtype=np.float64), bounds=(0.0, 1.0)),
        both=len(both),
    )


def quarters_of(window: Window) -> list[dict[str, dt.date]]:
    """Return the whole quarters counted back from the last day, latest first: from and until, inclusive."""
    out: list[dict[str, dt.date]] = []
    until = window.as_of
    for k in range(1, QUARTERS_MOST + 1):
        start = add_months(window.as_of, -3 * k) + dt.timedelta(days=1)
        if start < window.start:
            break
        out.append({"from": start, "until": until})
        until = start - dt.timedelta(days=1)
    return out


def own_best(quarters: pd.DataFrame) -> pd.DataFrame:
    """Compare the last four quarters of a client with its own best four in a row.

    ``quarters``: one row per client, net revenue, latest first. Columns: ``best_year`` money, ``to_best``: last four ÷
    best four, at most 1. None where the window has fewer than five quarters or the client never had a positive year.
    """
    values = quarters.to_numpy(dtype=np.float64)
    n, k = values.shape
    empty = np.full(n, np.nan)
    if k < 5:
        return pd.DataFrame({"best_year": empty, "to_best": empty}, index=quarters.index)
    years = np.lib.stride_tricks.sliding_window_view(values, 4, axis=1).sum(axis=2)
    best = years.max(axis=1)
    to_best = np.divide(np.maximum(years[:, 0], 0.0), best, out=empty.copy(), where=best > 0)
    return pd.DataFrame({"best_year": np.where(best > 0, best, np.nan), "to_best": to_best}, index=quarters.index)


def room_to_grow(
    clients: pd.DataFrame, *, full_wallet: float = 0.8, min_missing: float = 2.0, max_to_best: float = 0.8
) -> pd.DataFrame:
    """Tell which clients can buy more from us.

    ``clients``: one row per client: ``wallet_share`` (our share, None unknown), ``missing`` categories beyond chance
    (None unknown), ``to_best`` last four quarters ÷ own best four (None unknown). Where the wallet is known it decides:
    room up to a share of ``full_wallet``, none above it. Else there is room if at least ``min_missing`` categories are
    missing or the client buys less than ``max_to_best`` of its own best. Columns: ``room`` (True, False, None where
    nothing is known), ``room_from`` (wallet, range, best, or None).
    """
    w = pd.to_numeric(clients["wallet_share"], errors="coerce").astype(float)
    m = pd.to_numeric(clients["missing"], errors="coerce").astype(float)
    b = pd.to_numeric(clients["to_best"], errors="coerce").astype(float)
    by_range, by_best = (m >= min_missing), (b < max_to_best)
    known = (w.notna() | m.notna() | b.notna()).to_numpy()
    room = np.where(w.notna(), w <= full_wallet, by_range | by_best).astype(bool)
    source = np.full(len(clients), None, dtype=object)
    source[by_best.to_numpy()] = "best"
    source[by_range.to_numpy()] = "range"
    source[w.notna().to_numpy()] = "wallet"
    source[~room | ~known] = None
    has_room = room.astype(object)
    has_room[~known] = None
    columns = {"room": has_room, "room_from": source}
    return pd.DataFrame({k: pd.Series(v, index=clients.index, dtype=object) for k, v in columns.items()})


# --- of a case


def _buyers(case: Case) -> pd.DataFrame:
    return case.once("buyers", lambda: case.query(sql_text("audit.ground", "buyers"), since=since(case)))


@dataclass(frozen=True)
class Range:
    """What clients buy by category, and the gaps in it."""

    mix: pd.DataFrame
    gaps: RangeGaps


def range_of(case: Case) -> Range | None:
    """Return the range of the regular clients of the recent period; None where orders name no item groups."""
    if not case.has("sku_group"):
        return None

    def make() -> Range:
        t = case.thresholds
        mix = case.query(
            sql_text("audit.ground", "categories"), since=since(case), max_clients=t.count("base.similar_max_clients")
        )
        peers, least = t.count("base.similar_clients"), t.value("base.similar_min_share")
        return Range(mix, range_gaps(mix, _buyers(case), peers=peers, min_share=least))

    return case.once("range", make)


def wallet_of(case: Case) -> Wallet | None:
    """Return our share of the key clients' wallets; None without the sheet."""
    if not case.questionnaire.has("key_clients"):
        return None

    def make() -> Wallet:
        keys = case.questionnaire.table("key_clients").copy()
        keys["client_key"] = clients_named(case, keys["client_id"])
        return wallet(keys, _buyers(case).set_index("client_key")["revenue"] * to_year(case))

    return case.once("wallet", make)


def quarters_wide(case: Case, client_keys: pd.Series) -> pd.DataFrame:
    """Return each client's net revenue by whole quarter, latest first; one row per entry of ``client_keys``."""
    quarters = quarters_of(case.window)
    if not quarters:
        return pd.DataFrame(index=client_keys.index)
    names = [f"q{k}" for k in range(len(quarters))]

    def make() -> pd.DataFrame:
        return case.query(sql_text("audit.ground", "quarters"), quarters=quarters).set_index("client_key")[names]

    return case.once("quarters", make).reindex(client_keys).fillna(0.0).astype(float).set_axis(client_keys.index)


def room_of(case: Case) -> pd.DataFrame:
    """Return which clients of the recent period can buy more, and from what it is known.

    One row per client, by client_key: wallet_share, missing (categories), missing_beyond_chance, best_year, to_best,
    room, room_from.
    """

    def make() -> pd.DataFrame:
        t, buyers = case.thresholds, _buyers(case)
        out = pd.DataFrame({"client_key": buyers["client_key"]})
        keys, goods = wallet_of(case), range_of(case)
        share = pd.Series(dtype=float) if keys is None else keys.table.set_index("client_key")["share"]
        out["wallet_share"] = out["client_key"].map(share).astype(float)
        least = max(t.count("general.min_units"), t.count("base.similar_clients") + 1)
        enough = goods is not None and goods.gaps.beyond.value is not None and len(goods.gaps.clients) >= least
        for name, column in (("missing", "missing"), ("missing_beyond_chance", "beyond_chance")):
            per = goods.gaps.clients.set_index("client_key")[column] if enough and goods is not None else None
            out[name] = np.nan if per is None else out["client_key"].map(per).astype(float)
        out = out.join(own_best(quarters_wide(case, out["client_key"])))
        room = room_to_grow(
            out.assign(missing=out["missing_beyond_chance"]),
            full_wallet=t.value("base.room_full_wallet"),
            min_missing=t.value("base.room_missing_categories"),
            max_to_best=t.value("base.room_below_best"),
        )
        return out.join(room).set_index("client_key")

    return case.once("room", make)
