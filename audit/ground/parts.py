"""To which part of a business that sells in several types a client belongs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd

from audit.ground.norm import norm_of, seller_of_type
from audit.ground.period import since
from audit.model.case import Case, sql_text

__all__ = [
    "client_parts",
    "largest",
    "managers_clients",
    "once_parts",
    "part_of_row",
    "second_purchase_out",
    "served_parts",
    "share_of_days",
    "whole_parts",
]


def part_of_row(segment: object, sku_group: object, rules: Mapping[tuple[str, str], str], default: str) -> str:
    """Return the type in which a segment and an item group are sold; a rule for the item group goes first."""
    for dimension, value in (("sku_group", sku_group), ("segment", segment)):
        if isinstance(value, str) and (dimension, value.strip().casefold()) in rules:
            return rules[dimension, value.strip().casefold()]
    return default


def largest(money: pd.DataFrame, column: str, order: Sequence[str]) -> pd.Series:
    """Return the part in which each client has most of ``column``; on equal sums the part earlier in ``order``.

    ``money``: client_key, part and the column, one row per client × part. A client with nothing above 0 is missing.
    """
    place = {t: k for k, t in enumerate(order)}
    rows = money[money[column] > 0].assign(place=money["part"].map(place).fillna(len(place)))
    rows = rows.sort_values(["client_key", column, "place"], ascending=[True, False, True], kind="stable")
    return rows.drop_duplicates("client_key").set_index("client_key")["part"]


def client_parts(case: Case, by: Literal["revenue", "recent", "first"]) -> pd.Series:
    """Return the type of sale in which each client buys most, by client_key; empty where the company sells in one.

    ``by``: its revenue of the whole window, of the recent period, or of its first order day, which later purchases do not
    change.
    """
    types = norm_of(case)[0].types
    if len(types) < 2:
        return pd.Series(dtype=object)
    return largest(case.once("part_money", lambda: _money(case)), by, types)


def managers_clients(case: Case, clients: pd.Index) -> pd.Index:
    """Return those of the clients that a client manager keeps: where several types are sold, not those of parts without one.

    A client belongs to the part of most of its revenue. Where no type has client managers, all clients.
    """
    part, types = client_parts(case, "revenue"), norm_of(case)[0].types
    if part.empty or all(seller_of_type(t) != "KM" for t in types):
        return clients
    kept = {t: seller_of_type(t) == "KM" for t in {*types, *part}}
    return clients[part.reindex(clients).fillna(types[0]).map(kept).to_numpy(dtype=bool)]


def share_of_days(days: pd.DataFrame, parts: Sequence[str], least: float) -> dict[str, dict[str, float]]:
    """Return which share of each person's order days lies in each part that it serves; they sum to 1.

    ``days``: manager, part, days. Whoever served fewer than ``least`` order days is left out: so few tell nothing.
    """
    served = days.assign(days=days["days"].astype(float))
    table = served.pivot_table(index="manager", columns="part", values="days", aggfunc="sum", fill_value=0.0)
    table = table.reindex(columns=list(parts), fill_value=0.0).astype(float)
    out = {}
    for person, row in zip(table.index, table.to_numpy(dtype=float), strict=True):
        if row.sum() >= max(least, 1.0):
            out[str(person)] = {t: float(d / row.sum()) for t, d in zip(parts, row, strict=True) if d > 0}
    return out


def served_parts(case: Case) -> dict[str, dict[str, float]]:
    """Return for which parts of the business the sellers work, by the order days of the recent period they served there.

    Share of each type by person, of people of the orders with at least ``general.min_units`` order days, leading type first;
    empty where the company sells in one type.
    """
    types = norm_of(case)[0].types
    if len(types) < 2:
        return {}
    least = case.thresholds.count("general.min_units")
    return share_of_days(_days(case).dropna(subset=["manager"]), types, least)


def whole_parts(case: Case) -> pd.Series:
    """Return how all order days of the recent period divide over the parts; empty where the company sells in one type."""
    types = norm_of(case)[0].types
    if len(types) < 2:
        return pd.Series(dtype=float)
    whole = _days(case).groupby("part")["days"].sum().reindex(list(types), fill_value=0).astype(float)
    return whole / whole.sum() if float(whole.sum()) > 0 else pd.Series(1.0 / len(types), index=list(types))


def _days(case: Case) -> pd.DataFrame:
    """Return the order days of the recent period by part and who served: manager, part, days."""

    def make() -> pd.DataFrame:
        days = case.query(sql_text("audit.ground", "part_days"), since=since(case))
        return days.assign(part=days["client_key"].map(client_parts(case, "revenue")))

    return case.once("part_days", make)


def once_parts(case: Case) -> tuple[str, ...]:
    """Return the types in which a client may buy once and be served well; none where the company sells in one type.

    Strategic sales; consultative ones too where projects are declared. Orders that say otherwise decide: where half of the
    clients of the part first seen a year ago came again, a second purchase is to be expected.
    """
    part = client_parts(case, "first")
    projects = {"C", "CS"} if case.project_sales_stated else set()
    types = [t for t in norm_of(case)[0].types if t == "S" or t in projects]
    if part.empty or not types:
        return ()
    clients = case.clients()
    old = clients[
        (clients["order_days"] >= 1)
        & (clients["first_day"] <= pd.Timestamp(case.window.as_of) - pd.Timedelta(days=365))
    ]
    once = (old["order_days"] == 1).groupby(old["client_key"].map(part)).mean()
    limit = case.thresholds.value("retention.project_once_share")
    return tuple(t for t in types if float(once.get(t, 1.0)) > limit)


def second_purchase_out(case: Case) -> frozenset[str]:
    """Return the clients of whom no second purchase is to be expected: those of `once_parts`."""
    types = once_parts(case)
    part = client_parts(case, "first") if types else pd.Series(dtype=object)
    return frozenset(part.index[part.isin(types)])


def _money(case: Case) -> pd.DataFrame:
    sheet = case.questionnaire.table("sale_types").to_dict("records")
    rules = {(str(r["dimension"]), str(r["value"]).strip().casefold()): str(r["sale_type"]) for r in sheet}
    money = case.query(sql_text("audit.ground", "part_money"), since=since(case))
    pairs = zip(money["segment"], money["sku_group"], strict=True)
    kinds = [part_of_row(a, b, rules, case.sale_type.used) for a, b in pairs]
    sums = money.assign(part=kinds).groupby(["client_key", "part"])[["revenue", "recent", "first"]].sum()
    return sums.reset_index()
