"""Who serves whom: sellers per client, the client's own seller, and clients who know one person only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.method import method

__all__ = [
    "SELLER_ROLES",
    "SingleOwner",
    "is_label",
    "main_seller",
    "meeting_roles",
    "only_sellers",
    "seller_roles",
    "single_owner",
]

SELLER_ROLES = ("KM", "SKM", "KAM", "SR", "SOP", "UNI")
"""Roles whose people are sellers in the column «responsible manager»; UNI is the universal seller."""


def seller_roles(staff: pd.DataFrame) -> Mapping[str, bool]:
    """Tell for everybody on the staff sheet whether the person sells; without a chosen role it may, so it does."""
    return _holders(staff, SELLER_ROLES)


def meeting_roles(staff: pd.DataFrame) -> Mapping[str, bool]:
    """Tell for everybody on the staff sheet whether clients know the person: heads, directors, support included."""
    return _holders(staff, {code for code, role in method().roles.items() if role.meets_clients})


def _holders(staff: pd.DataFrame, wanted: Collection[str]) -> Mapping[str, bool]:
    out: dict[str, bool] = {}
    for r in staff.to_dict("records"):
        roles = [r.get("role"), r.get("role2")]
        named = [x for x in roles if isinstance(x, str) and x]
        out[str(r["person"])] = not named or any(x in wanted for x in named)
    return out


def only_sellers(rows: pd.DataFrame, sells: Mapping[str, bool]) -> pd.DataFrame:
    """Keep rows whose ``manager`` is one of those meant; somebody not on the staff sheet counts, system users never do."""
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


MOST_DAYS = 60
"""From so many order days on the shares of people by chance hardly move."""
DEALS = 400


@dataclass(frozen=True)
class SingleOwner:
    """Regular clients and how many people of the company they know.

    ``table``: one row per regular client: client_key, manager (who took most of its orders), days, faces (people it
    knows: that one and every second face), main_share, revenue, ``single`` (one face), ``chance`` (probability of one
    face if orders fell on people at random). ``n``, ``single``: clients; ``chance``, ``chance_revenue``: the mean of
    ``chance``, plain and weighted by revenue; ``team``: people who took orders.
    """

    table: pd.DataFrame
    n: int
    single: int
    chance: float
    chance_revenue: float
    team: int


def single_owner(
    served: pd.DataFrame,
    clients: pd.DataFrame,
    *,
    touches: pd.DataFrame | None = None,
    gone: Collection[str] = (),
    least: float = 0.2,
    seed: int = 0,
) -> SingleOwner:
    """Count regular clients who know one person only.

    ``served``: client × person who meets clients, of any role, with ``days``, ``revenue``, ``last_day``; ``touches``:
    client_key, person, one row per touch; ``clients``: client_key, order_days, known_days (days with any responsible
    person), revenue. Regular: at least two order days, at least two of them with a known responsible person. A second
    face is anybody else still working here (not in ``gone``) with at least the share ``least`` of the client's order days
    or touches. A client served by nobody who meets clients stays in the count, as not single. Chance: every order day
    falls on a person j with the probability p[j] of its share of all order days.
    """
    regular = clients[(clients["order_days"] >= 2) & (clients["known_days"] >= 2)]
    mine = served[served["client_key"].isin(regular["client_key"])]
    own = (
        main_seller(mine)
        if len(mine)
        else pd.DataFrame(columns=["client_key", "manager", "main_days", "days", "sellers"])
    )
    table = regular.merge(own.drop(columns="sellers"), on="client_key", how="left")
    table["days"] = pd.to_numeric(table["days"]).fillna(0).astype(int)
    table["main_share"] = pd.to_numeric(table["main_days"]) / table["days"].where(table["days"] > 0)
    seen = [mine[["client_key", "manager", "days"]]]
    if touches is not None and len(touches):
        counted = touches.groupby(["client_key", "person"]).size().rename("days").reset_index()
        seen.append(counted.rename(columns={"person": "manager"}))
    second = pd.concat([_second(part, own, gone, least) for part in seen]).drop_duplicates()
    table["faces"] = table["client_key"].map(second.groupby("client_key").size()).fillna(0).astype(int)
    table["faces"] += table["manager"].notna()
    table["single"] = table["faces"] == 1
    per = mine.groupby("manager")["days"].sum()
    here = ~per.index.isin(list(gone))
    p = (per / per.sum()).to_numpy(dtype=np.float64) if len(per) else np.zeros(0)
    by_days = {int(m): _one_face(p, here, int(m), least, seed) for m in table["days"].clip(upper=MOST_DAYS).unique()}
    table["chance"] = table["days"].clip(upper=MOST_DAYS).map(by_days).astype(float)
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


def _second(counts: pd.DataFrame, own: pd.DataFrame, gone: Collection[str], least: float) -> pd.DataFrame:
    """Return client_key and manager of every second face by one kind of count (``days``)."""
    rows = counts.merge(own[["client_key", "manager"]].rename(columns={"manager": "main"}), on="client_key")
    enough = rows["days"] >= least * rows.groupby("client_key")["days"].transform("sum") - 1e-9
    there = enough & (rows["manager"] != rows["main"]) & ~rows["manager"].isin(list(gone))
    return rows.loc[there, ["client_key", "manager"]]


def _one_face(p: NDArray[np.float64], here: NDArray[np.bool_], days: int, least: float, seed: int) -> float:
    """Return the probability of no second face if ``days`` order days fell on people with the chances ``p``."""
    if not len(p) or not days:
        return 0.0
    enough = least * days - 1e-9
    if enough <= 1 and here.all():
        return float((p**days).sum())
    # Sorted, so that renaming people changes nothing.
    order = np.lexsort((here, p))
    dealt = np.random.default_rng([seed, days]).multinomial(days, p[order], size=DEALS)
    others = np.where(here[order], dealt, 0)
    others[np.arange(DEALS), dealt.argmax(axis=1)] = 0
    return float((others.max(axis=1) < enough).mean())
