"""Range gaps: categories that most similar clients buy and this one does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.stats.intervals import Estimate, mean_t

__all__ = ["CATEGORIES_MOST", "RangeGaps", "range_gaps"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CATEGORIES_MOST = 300
"""With more categories than this the rarest are left out: they cannot be usual among twenty clients."""
CANDIDATES_MOST = 300
"""A client is compared with at most so many of its segment that are nearest to it in size: the cost stays bounded."""
_DECILES = 0.3
"""Own size decile and the two beside it."""
_TELLS = 0.5
"""A category that chance alone would leave out in more than half of the cases tells nothing about the client."""


@dataclass(frozen=True, slots=True)
class RangeGaps:
    """Range gaps of regular clients.

    ``clients``: one row per client: client_key, ``categories`` bought, ``missing`` ones, ``by_chance`` how many
    chance alone would leave out in so few purchases, ``beyond_chance`` how many are not missing by chance (an
    estimate, may be negative), ``expected_revenue`` money in the missing ones. ``gaps``: one row per client ×
    missing category: ``peers_share`` of the similar clients that buy it, ``typical_share`` their median share of
    revenue in it, ``expected_revenue``. ``missing``: mean number a client, ``by_chance`` its floor, ``beyond`` the
    mean beyond chance with a t-interval over clients.
    """

    clients: pd.DataFrame
    gaps: pd.DataFrame
    missing: float
    by_chance: float
    beyond: Estimate


_CLIENT_COLUMNS = ["client_key", "categories", "missing", "by_chance", "beyond_chance", "expected_revenue"]
_GAP_COLUMNS = ["client_key", "category", "peers_share", "typical_share", "expected_revenue"]


def range_gaps(mix: pd.DataFrame, clients: pd.DataFrame, *, peers: int = 20, min_share: float = 0.5) -> RangeGaps:
    """Compare every regular client with the ``peers`` most similar ones and name the usual categories it lacks.

    ``mix``: one row per client × category with ``revenue`` and ``days`` (days on which it was bought), a year.
    ``clients``: client_key, segment, revenue, order_days. Similar are clients of the same segment and of its own or
    a neighbouring size decile (in a small segment at least three times ``peers``, in a large one at most
    `CANDIDATES_MOST` nearest in size), and among them the ``peers`` with the nearest mix (cosine of revenue by
    category). A segment with too few clients is compared with the whole base. A category is missing if at least
    ``min_share`` of the similar clients buy it and this one does not.

    A client that buys twice a year misses categories by chance. The floor ``by_chance`` is what is to be expected
    if the client put categories into its orders as its similar clients do: Σ (1 − q)^m over the usual categories, q
    the share of their order days with that category, m the client's order days. Names decide ties only.
    """
    base = clients[clients["client_key"].isin(mix["client_key"].unique())].copy()
    base["segment"] = base["segment"].astype(object).where(base["segment"].notna(), "")
    base = base.sort_values(["revenue", "client_key"], ascending=[False, True], kind="stable").reset_index(drop=True)
    if len(base) <= peers:
        empty = Estimate(None, None, None, len(base), reason="no_units")
        return RangeGaps(pd.DataFrame(columns=_CLIENT_COLUMNS), pd.DataFrame(columns=_GAP_COLUMNS), 0.0, 0.0, empty)
    names, paid, days = _matrix(mix, base["client_key"])
    bought = paid > 0
    unit = paid / np.maximum(np.sqrt((paid**2).sum(axis=1, keepdims=True)), 1e-300)
    share = paid / np.maximum(paid.sum(axis=1, keepdims=True), 1e-300)
    revenue = base["revenue"].to_numpy(dtype=np.float64)
    visits = np.maximum(base["order_days"].to_numpy(dtype=np.float64), 1.0)
    per_client: list[tuple[int, int, float, float, float]] = []
    gaps: list[tuple[int, int, float, float, float]] = []
    for i, near in _neighbours(base["segment"], unit, peers):
        usual = bought[near].mean(axis=0)
        common = np.flatnonzero(usual >= min_share - 1e-12)
        lacks = common[~bought[i, common]]
        part = np.minimum(days[near][:, common].sum(axis=0) / float(visits[near].sum()), 1.0)
        chance = (1 - part) ** visits[i]
        tells = chance <= _TELLS
        beyond = float(((~bought[i, common] - chance) / np.maximum(1 - chance, _TELLS))[tells].sum())
        money = 0.0
        for c in lacks:
            of_buyers = share[near, c][bought[near, c]]
            typical = float(np.median(of_buyers))
            gaps.append((i, int(c), float(usual[c]), typical, typical * revenue[i]))
            money += typical * revenue[i]
        per_client.append((i, len(lacks), float(chance.sum()), beyond, money))
    keys = base["client_key"].to_numpy()
    frame = pd.DataFrame(
        per_client, columns=["i", "missing", "by_chance", "beyond_chance", "expected_revenue"]
    ).sort_values("i")
    at = frame["i"].to_numpy(dtype=np.int64)
    frame["client_key"] = keys[at]
    frame["categories"] = bought[at].sum(axis=1)
    table = pd.DataFrame(gaps, columns=["i", "c", "peers_share", "typical_share", "expected_revenue"]).sort_values(
        ["i", "c"]
    )
    table["client_key"] = keys[table["i"].to_numpy(dtype=np.int64)]
    table["category"] = np.array(names, dtype=object)[table["c"].to_numpy(dtype=np.int64)]
    return RangeGaps(
        clients=frame[_CLIENT_COLUMNS].reset_index(drop=True),
        gaps=table[_GAP_COLUMNS].reset_index(drop=True),
        missing=float(frame["missing"].mean()),
        by_chance=float(frame["by_chance"].mean()),
        beyond=mean_t(frame["beyond_chance"].to_numpy(dtype=np.float64)),
    )


def _matrix(mix: pd.DataFrame, keys: pd.Series) -> tuple[list[str], Floats, Floats]:
    """Return category names and the matrices client × category of revenue and days; rows as ``keys``."""
    buyers = mix[mix["revenue"] > 0].groupby("category")["client_key"].nunique()
    kept = buyers.sort_index().sort_values(ascending=False, kind="stable").head(CATEGORIES_MOST).index
    names = sorted(str(c) for c in kept)
    r = pd.Index(keys.astype(object)).get_indexer(pd.Index(mix["client_key"].astype(object)))
    c = pd.Index(names, dtype=object).get_indexer(pd.Index(mix["category"].astype(object)))
    revenue, on = mix["revenue"].to_numpy(dtype=np.float64), mix["days"].to_numpy(dtype=np.float64)
    known = (r >= 0) & (c >= 0) & (revenue > 0)
    paid, days = np.zeros((len(keys), len(names))), np.zeros((len(keys), len(names)))
    paid[r[known], c[known]] = revenue[known]
    days[r[known], c[known]] = on[known]
    return names, paid, days


def _neighbours(segment: pd.Series, unit: Floats, peers: int) -> list[tuple[int, Ints]]:
    """Return for every client the positions of its ``peers`` most similar clients; clients stand in order of size."""
    everybody = np.arange(len(segment), dtype=np.int64)
    groups = {str(s): g.to_numpy(dtype=np.int64) for s, g in pd.Series(everybody).groupby(segment.to_numpy())}
    out: list[tuple[int, Ints]] = []
    for members in groups.values():
        pool = members if len(members) > peers else everybody
        wide = min(max(round(_DECILES * len(pool)), 3 * peers), CANDIDATES_MOST, len(pool) - 1)
        place = {int(i): p for p, i in enumerate(pool)}
        for i in members:
            p = place[int(i)]
            low = min(max(p - wide // 2, 0), len(pool) - 1 - wide)
            near = pool[low : low + wide + 1]
            near = near[near != i]
            cosine = np.round(unit[near] @ unit[i], 12)
            best = np.lexsort((near, np.abs(near - i), -cosine))[:peers]
            out.append((int(i), near[best]))
    return out
