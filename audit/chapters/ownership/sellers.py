"""Who serves whom: sellers per client, the client's own seller, and clients who know one seller only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["SELLER_ROLES", "SingleOwner", "is_label", "main_seller", "only_sellers", "seller_roles", "single_owner"]

SELLER_ROLES = ("KM", "SKM", "KAM", "SR", "SOP", "UNI")
"""Roles whose people are sellers in the column «responsible manager»; UNI is the universal seller."""


def seller_roles(staff: pd.DataFrame) -> Mapping[str, bool]:
    """Tell for everybody on the staff sheet whether the person sells; without a chosen role it may, so it does."""
    out: dict[str, bool] = {}
    for r in staff.to_dict("records"):
        roles = [r.get("role"), r.get("role2")]
        named = [x for x in roles if isinstance(x, str) and x]
        out[str(r["person"])] = not named or any(x in SELLER_ROLES for x in named)
    return out


def only_sellers(rows: pd.DataFrame, sells: Mapping[str, bool]) -> pd.DataFrame:
    """Keep rows whose ``manager`` is a seller; somebody not on the staff sheet counts as one, system users never do."""
    keep = [m != "SYS" and sells.get(str(m), True) for m in rows["manager"]]
    return rows[np.array(keep, dtype=bool)].reset_index(drop=True)


def is_label(ever: pd.DataFrame) -> bool:
    """Whether the responsible manager never varies within any client: then it is a label of the CRM, not who served.

    ``ever``: one row per client: ``days`` with a responsible person and ``managers``, how many different ones. Clients
    with one such day prove nothing.
    """
    several = ever[ever["days"] >= 2]
    return bool(len(several)) and int(several["managers"].max()) <= 1


def main_seller(rows: pd.DataFrame) -> pd.DataFrame:
    """Return each client's own seller: most order days, then most revenue, then the latest order, then the name.

    ``rows``: client_key, manager, days, revenue, last_day. Grain: one row per client with ``manager``,
    ``main_days`` (the seller's), ``days`` (sum over sellers) and ``sellers`` (how many).
    """
    ranked = rows.sort_values(
        ["client_key", "days", "revenue", "last_day", "manager"],
        ascending=[True, False, False, False, True],
        kind="stable",
    )
    first = ranked.drop_duplicates("client_key")[["client_key", "manager", "days"]].rename(
        columns={"days": "main_days"}
    )
    sums = rows.groupby("client_key").agg(days=("days", "sum"), sellers=("manager", "nunique"))
    return first.join(sums, on="client_key").reset_index(drop=True)


@dataclass(frozen=True)
class SingleOwner:
    """Regular clients and how many sellers they know.

    ``table``: one row per regular client: client_key, manager (its own seller), days, sellers, main_share, revenue,
    ``single``, ``chance`` (probability of meeting one seller only if orders fell on sellers at random). ``n``,
    ``single``: clients; ``chance``, ``chance_revenue``: the mean of ``chance``, plain and weighted by revenue;
    ``team``: sellers.
    """

    table: pd.DataFrame
    n: int
    single: int
    chance: float
    chance_revenue: float
    team: int


def single_owner(sellers: pd.DataFrame, clients: pd.DataFrame) -> SingleOwner:
    """Count regular clients who met one seller only in the recent period.

    ``sellers``: client × seller with ``days``, ``revenue``, ``last_day`` (see `only_sellers`); ``clients``:
    client_key, order_days, known_days (days with any responsible person), revenue. Regular: at least two order
    days, at least two of them with a known responsible person. A client served by no seller at all stays in the
    count, as not single. Chance: if every order day fell on a seller j with the probability p[j] of its share of
    all order days, a client with m such days would meet one seller only with Σ p[j]^m.
    """
    regular = clients[(clients["order_days"] >= 2) & (clients["known_days"] >= 2)]
    mine = sellers[sellers["client_key"].isin(regular["client_key"])]
    own = (
        main_seller(mine)
        if len(mine)
        else pd.DataFrame(columns=["client_key", "manager", "main_days", "days", "sellers"])
    )
    table = regular.merge(own, on="client_key", how="left")
    table["sellers"] = pd.to_numeric(table["sellers"]).fillna(0).astype(int)
    table["days"] = pd.to_numeric(table["days"]).fillna(0).astype(int)
    table["main_share"] = pd.to_numeric(table["main_days"]) / table["days"].where(table["days"] > 0)
    table["single"] = table["sellers"] == 1
    per = mine.groupby("manager")["days"].sum().to_numpy(dtype=np.float64)
    p = np.sort(per / per.sum()) if per.sum() > 0 else np.zeros(0)
    m = table["days"].to_numpy(dtype=np.float64)
    table["chance"] = (p[None, :] ** m[:, None]).sum(axis=1) if len(p) else np.zeros(len(m))
    table.loc[table["days"] == 0, "chance"] = 0.0
    money = table["revenue"].clip(lower=0.0)
    total = float(money.sum())
    return SingleOwner(
        table=table.drop(columns="main_days"),
        n=len(table),
        single=int(table["single"].sum()),
        chance=float(table["chance"].mean()) if len(table) else 0.0,
        chance_revenue=float((table["chance"] * money).sum()) / total if total > 0 else 0.0,
        team=len(p),
    )
