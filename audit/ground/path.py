"""The path of a new client: first, second and third purchase, who serves each, how long it takes, who is lost.

All clients of the path are followed for the same time from their first purchase, so that nobody counts as lost for having come
late: whoever has been watched for less is left out and counted apart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from audit.errors import Text
from audit.ground.keys import clients_named
from audit.ground.lacks import missing_columns, missing_sheets, too_few
from audit.ground.newcomers import mark_new
from audit.ground.norm import norm_of, seller_of_type
from audit.ground.parts import second_purchase_out
from audit.ground.people import roles_by_person
from audit.model.case import Case, sql_text

__all__ = [
    "LABEL",
    "LOST",
    "SERVERS",
    "STEPS",
    "Path",
    "links_of",
    "path_of",
    "server_reason",
    "sides",
    "steps_of",
    "takers_of",
]

MONTH = 30
STEPS = 3
"""Purchases that the path follows."""
SERVERS = ("from", "to", "other", "nobody")
"""Who served a purchase: a developer, a keeper of clients (client manager; office seller in T), anybody else on the staff
sheet, or nobody who is on it."""
LOST = "lost"
LABEL = Text(
    "Менеджер в заказах ни у одного клиента не меняется: похоже, это карточка клиента, а не исполнитель заказа",
    "The manager never changes within a client: it looks like a label of the client, not who served the order",
)
NEW = Text("Новых клиентов", "New clients")


@dataclass(frozen=True)
class Path:
    """New clients followed for ``horizon_days`` from their first purchase.

    ``clients``: one row per client: client_key, first_day, reached (purchases made in that time, at most three), who_1 …
    who_3 (see `SERVERS`; missing where the purchase was not made, "" where it cannot be told who serves), day_2, day_3 (days
    from the purchase before). ``new``: new clients in all, ``short``: those watched for less than the horizon. ``reason``: why
    there is no path; ``who_reason``: why it cannot be told who serves.
    """

    clients: pd.DataFrame
    horizon_days: int
    new: int
    short: int
    first_from: dt.date | None = None
    first_until: dt.date | None = None
    who_reason: Text | None = None
    reason: Text | None = None
    met: frozenset[str] = field(default_factory=frozenset)
    """Clients met by a keeper within the horizon: in a purchase or in a touch of the CRM."""
    keeper_known: bool = False
    """Whether anybody on the staff sheet keeps clients, so that «never met one» means something."""
    touches: bool = False
    """Whether touches of the CRM were looked at as well."""


def sides(roles: Mapping[str, Sequence[str]], takers: Collection[str]) -> dict[str, str]:
    """Return on which side of the hand-off each person stands: ``from`` a developer, ``to`` a taker.

    ``roles``: expanded roles of every person ever listed. Somebody who may do both (a universal seller, a second role)
    stands on neither side: handing a client to oneself leaves no trace.
    """
    out = {}
    for person, held in roles.items():
        gives, takes = "SR" in held, any(t in held for t in takers)
        if gives != takes:
            out[person] = "from" if gives else "to"
    return out


def takers_of(types: Sequence[str]) -> tuple[str, ...]:
    """Return the roles that keep clients in the types in use: client managers, office sellers in T."""
    return tuple(dict.fromkeys(t for t in (*(seller_of_type(t) for t in types), "KM") if t != "SR"))


def server_reason(case: Case) -> Text | None:
    """Return why it cannot be told who serves a purchase; None where it can."""
    reason = missing_columns(case, "manager") or missing_sheets(case, "staff")
    if reason is not None:
        return reason
    label = case.query(sql_text("audit.ground", "label")).iloc[0]
    return LABEL if int(label["clients"]) > 0 and int(label["several"]) == 0 else None


def steps_of(purchases: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """Return the path of each client within ``horizon_days`` of its first purchase.

    ``purchases``: client_key, purchase_no, day, who. Grain and columns: `Path.clients`.
    """
    p = purchases[purchases["purchase_no"] <= STEPS]
    days = p.pivot(index="client_key", columns="purchase_no", values="day").reindex(columns=range(1, STEPS + 1))
    days = days.astype("datetime64[s]")
    who = p.pivot(index="client_key", columns="purchase_no", values="who").reindex(columns=range(1, STEPS + 1))
    since = pd.DataFrame({k: (days[k] - days[1]).dt.days for k in days.columns})
    within = since.le(horizon_days)
    out: pd.DataFrame = pd.DataFrame({"first_day": days[1], "reached": within.sum(axis=1).astype(int)})
    for k in range(1, STEPS + 1):
        out[f"who_{k}"] = who[k].where(within[k], None).astype(object)
        if k > 1:
            out[f"day_{k}"] = (since[k] - since[k - 1]).where(within[k]).astype(float)
    return out.rename_axis("client_key").reset_index()


def links_of(clients: pd.DataFrame) -> pd.DataFrame:
    """Count the clients that go from one purchase to the next by who serves either.

    ``clients``: rows of `Path.clients`. Grain: step (1: first → second, 2: second → third) × who serves the earlier (``before``)
    × who serves the later, or ``lost`` (``after``). Columns: step, before, after, clients, days (median between the two;
    missing for the lost). The clients of a step sum to those who made its earlier purchase.
    """
    rows = []
    for step in range(1, STEPS):
        made = clients[clients["reached"] >= step]
        after = made[f"who_{step + 1}"].where(made["reached"] > step, LOST)
        part = pd.DataFrame({"before": made[f"who_{step}"], "after": after, "days": made[f"day_{step + 1}"]})
        sums = part.groupby(["before", "after"])["days"].agg(clients="size", days="median").reset_index()
        rows.append(sums.assign(step=step))
    out = pd.concat(rows, ignore_index=True)[["step", "before", "after", "clients", "days"]]
    order = ["", *SERVERS, LOST]
    place = out[["before", "after"]].apply(lambda c: c.map(order.index))
    at = place.assign(step=out["step"]).sort_values(["step", "before", "after"]).index
    ordered: pd.DataFrame = out.loc[at].reset_index(drop=True)
    return ordered


def path_of(case: Case) -> Path:
    """Return the path of the company's new clients; where several types are sold, not of those who may buy once."""
    return case.once("path", lambda: _path(case))


def _path(case: Case) -> Path:
    w, clients = case.window, case.clients()
    new = clients[mark_new(clients, w)]
    new = new[~new["client_key"].isin(second_purchase_out(case))]
    empty = steps_of(_nobody(), w.horizon_days)
    least = case.thresholds.count("general.min_units")
    if len(new) < least:
        return Path(empty, w.horizon_days, len(new), 0, reason=too_few(len(new), least, NEW))
    followed = (pd.Timestamp(w.as_of) - new["first_day"]).dt.days
    # where too few were watched for the whole horizon, for as long as the least number were
    # (of one month at least: who first bought on one or two days does not speak for the rest)
    longest = int(followed.max())
    horizon = min(w.horizon_days, int(np.sort(followed.to_numpy())[::-1][least - 1]), max(longest - MONTH, 1))
    enough = new[followed >= horizon]
    types = norm_of(case)[0].types
    why = server_reason(case)
    roles = {} if why is not None else roles_by_person(case.questionnaire.table("staff"), types)
    side = sides(roles, takers_of(types))
    bought = case.query(sql_text("audit.ground", "purchases"), up_to=STEPS)
    bought = bought[bought["client_key"].isin(set(enough["client_key"]))]
    if why is None:
        who = [
            side.get(m, "other" if m in roles else "nobody") if isinstance(m, str) else "nobody"
            for m in bought["manager"]
        ]
        bought = bought.assign(who=pd.Series(who, index=bought.index, dtype=object))
    else:
        bought = bought.assign(who="")
    table = steps_of(bought, horizon)
    met: set[str] = set()
    for k in range(1, STEPS + 1):
        met |= set(table.loc[table[f"who_{k}"] == "to", "client_key"])
    keepers = {p for p, held in roles.items() if any(t in held for t in takers_of(types))}
    spoken = _touched(case, keepers, table, horizon)
    return Path(
        table,
        horizon,
        len(new),
        len(new) - len(enough),
        pd.Timestamp(table["first_day"].min()).date(),
        pd.Timestamp(table["first_day"].max()).date(),
        why,
        None,
        frozenset(met | (spoken or set())),
        bool(keepers),
        spoken is not None,
    )


def _nobody() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "client_key": pd.Series(dtype=object),
            "purchase_no": pd.Series(dtype="int64"),
            "day": pd.Series(dtype="datetime64[s]"),
            "who": pd.Series(dtype=object),
        }
    )


def _touched(case: Case, keepers: Collection[str], table: pd.DataFrame, horizon: int) -> set[str] | None:
    """Return the clients with a touch by a keeper up to the horizon after the first purchase; None without touches."""
    if not case.questionnaire.has("touches"):
        return None
    rows = case.questionnaire.table("touches")
    rows = rows[rows["person"].astype(str).isin(set(keepers)) & rows["date"].notna()]
    if rows.empty:
        return set()
    found = pd.DataFrame({"client_key": clients_named(case, rows["client_id"]), "day": pd.to_datetime(rows["date"])})
    first = found["client_key"].map(table.set_index("client_key")["first_day"])
    until = pd.to_datetime(first) + pd.Timedelta(days=horizon)
    return set(found.loc[first.notna() & (found["day"] <= until), "client_key"])
