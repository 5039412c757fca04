"""Hunters and farmers in the orders: which purchases each manager handles, and what chance would give.

Purchases up to number k belong to the developer, who then hands the client over; EK let a developer keep «perhaps the
following sales» in TC, so up to three are normal there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from audit.model.case import Case
from audit.stats.intervals import Estimate
from audit.stats.shares import clustered_share

__all__ = ["KINDS", "handoff_number", "hunting_table", "own_number", "pooled", "share_of_days"]

KINDS = ("new", "reactivated", "range", "repeat")


def handoff_number(case: Case, types: Collection[str], default: int) -> tuple[int, str]:
    """Return the purchase up to which a developer rightly keeps a client, and where the number comes from.

    ``company.handoff_after``, else the largest ``k`` of a hand-off rule that starts with a developer, else
    ``default`` (3). In TC never below 3. Sources: ``company``, ``rule``, ``default``.
    """
    own = own_number(case)
    if own is None:
        return default, "default"
    source = "rule" if case.questionnaire.company.get("handoff_after") is None else "company"
    return (max(own, default) if "TC" in types else own), source


def own_number(case: Case) -> int | None:
    """Return the purchase after which the company itself says it hands a client over, or None where it does not."""
    given = case.questionnaire.company.get("handoff_after")
    if given is not None:
        return int(given)
    rules = case.questionnaire.table("handoffs")
    ks = rules.loc[rules["from_role"] == "SR", "k"].dropna() if len(rules) else pd.Series(dtype=float)
    return int(ks.max()) if len(ks) else None


def hunting_table(rows: pd.DataFrame, families: Mapping[str, str | None], min_days: int) -> pd.DataFrame:
    """Return what each manager's order days consist of.

    ``rows``: manager, client_key, kind, days. Grain: one row per manager. Columns: person, family (None: not in the
    staff sheet), days, new, reactivated, range, repeat (order days), hunt_share = new ÷ days with low / high,
    repeat_share, expected (the hunt share if orders fell on people at random: that of all order days), judged
    (``min_days`` days at least).
    """
    table = rows.pivot_table(index="manager", columns="kind", values="days", aggfunc="sum", fill_value=0)
    table = table.reindex(columns=list(KINDS), fill_value=0).astype(int)
    out = table.reset_index().rename(columns={"manager": "person"})
    out.columns.name = None
    out.insert(1, "family", pd.Series([families.get(str(p)) for p in out["person"]], dtype=object, index=out.index))
    out.insert(2, "days", table.sum(axis=1).to_numpy())
    shares = [share_of_days(rows, [str(p)], "new") for p in out["person"]]
    out["hunt_share"] = (out["new"] / out["days"]).astype(float)
    out["low"], out["high"] = [e.low for e in shares], [e.high for e in shares]
    out = out.astype({"low": float, "high": float})
    out["repeat_share"] = (out["repeat"] / out["days"]).astype(float)
    total = int(out["days"].sum())
    out["expected"] = float(out["new"].sum()) / total if total else float("nan")
    out["judged"] = out["days"] >= min_days
    return out


def share_of_days(rows: pd.DataFrame, people: Collection[str], kind: str, level: float = 0.95) -> Estimate:
    """Return the share of the people's order days that are of one kind; clients are what was drawn.

    ``rows``: manager, client_key, kind, days.
    """
    mine = rows[rows["manager"].isin(list(people))]
    days = mine.groupby("client_key")["days"].sum()
    marked = mine[mine["kind"] == kind].groupby("client_key")["days"].sum().reindex(days.index, fill_value=0)
    return clustered_share(marked, days, level)


def pooled(table: pd.DataFrame, people: Collection[str]) -> dict[str, int]:
    """Return the order days of some people by kind, and their sum as ``days``."""
    part = table[table["person"].isin(list(people))]
    return {name: int(part[name].sum()) for name in ("days", *KINDS)}
