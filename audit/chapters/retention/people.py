"""Losses by manager, who begins the contact, and what happens between two projects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from audit.stats.funnel import Funnel, funnel, funnel_limits

__all__ = ["between_projects", "initiative", "loss_by_manager", "loss_by_service"]


def loss_by_manager(
    clients: pd.DataFrame, manager: pd.Series, inner: float = 0.95, outer: float = 0.998
) -> tuple[pd.DataFrame, Funnel | None]:
    """Return clients lost per manager with the place of each in a funnel of equal risk.

    ``clients``: client_key, prior_days, recent_days, prior_revenue; ``manager``: manager of most order days of the
    prior period by client_key. At risk: clients with two or more order days in the prior period; lost: none in the
    recent one. Columns: manager, clients, lost, share, inner_low, inner_high (limits at level ``inner``), outer_low,
    outer_high (at ``outer``), position (2 beyond the outer limits on the bad side, 1 beyond the inner ones, negative
    on the good side), p_value, lost_revenue (prior revenue of the lost). Most clients first, then by name.
    """
    rows = clients[clients["prior_days"] >= 2].copy()
    rows["manager"] = rows["client_key"].map(manager)
    rows = rows[rows["manager"].notna()]
    rows["lost"] = rows["recent_days"] == 0
    rows["lost_revenue"] = rows["prior_revenue"].where(rows["lost"], 0.0)
    out = (
        rows.groupby("manager")
        .agg(clients=("client_key", "size"), lost=("lost", "sum"), lost_revenue=("lost_revenue", "sum"))
        .reset_index()
    )
    out = out.sort_values(["clients", "manager"], ascending=[False, True]).reset_index(drop=True)
    placed = funnel(out["lost"].to_numpy(), out["clients"].to_numpy()) if len(out) else None
    columns = [
        "manager",
        "clients",
        "lost",
        "share",
        "inner_low",
        "inner_high",
        "outer_low",
        "outer_high",
        "position",
        "p_value",
        "lost_revenue",
    ]
    if placed is None:
        return pd.DataFrame(columns=columns), None
    size, lost = out["clients"].to_numpy(dtype=np.float64), out["lost"].to_numpy(dtype=np.float64)
    near, far = funnel_limits(size, placed.rate, inner), funnel_limits(size, placed.rate, outer)
    position = np.zeros(len(out), dtype=np.int64)
    for low, high in (near, far):
        # Whole counts are compared: k/n against limit/n must not hang on the last bit.
        position += (lost > np.rint(high * size)).astype(np.int64) - (lost < np.rint(low * size)).astype(np.int64)
    return out.assign(
        clients=out["clients"].astype(np.int64),
        lost=out["lost"].astype(np.int64),
        share=placed.share,
        inner_low=near[0],
        inner_high=near[1],
        outer_low=far[0],
        outer_high=far[1],
        position=position,
        p_value=placed.p_value,
    )[columns], placed


def initiative(orders: pd.DataFrame, touches: pd.DataFrame) -> pd.DataFrame:
    """Return orders and touches begun by us and by the client, one row per client.

    ``orders``: client_key, by_us, by_client (orders of a known initiator; those of a system belong to nobody);
    ``touches``: client_key, direction OUT / IN. Columns: client_key, by_us, by_client.
    """
    parts = [orders[["client_key", "by_us", "by_client"]]]
    if len(touches):
        parts.append(
            pd.DataFrame(
                {
                    "client_key": touches["client_key"],
                    "by_us": (touches["direction"] == "OUT").astype(np.int64),
                    "by_client": (touches["direction"] == "IN").astype(np.int64),
                }
            )
        )
    both = pd.concat(parts, ignore_index=True)
    out = both.groupby("client_key", as_index=False)[["by_us", "by_client"]].sum()
    return out[(out["by_us"] + out["by_client"]) > 0].reset_index(drop=True)


def between_projects(projects: pd.DataFrame, touches: pd.DataFrame) -> tuple[int, int]:
    """Return clients that were looked after between two projects, and all clients with two or more projects.

    ``projects``: client_key, first_project, last_project, small_between; ``touches``: client_key, day. Looked after:
    a small sale, or a touch in either direction, strictly between the first and the last project.
    """
    if not len(projects):
        return 0, 0
    kept = projects["small_between"].to_numpy() > 0
    if len(touches):
        joined = projects.reset_index(names="row").merge(touches, on="client_key")
        inside = joined[(joined["day"] > joined["first_project"]) & (joined["day"] < joined["last_project"])]
        kept = kept | projects.index.isin(inside["row"])
    return int(kept.sum()), len(projects)


def loss_by_service(clients: pd.DataFrame, service: pd.DataFrame) -> pd.DataFrame:
    """Return clients lost with and without a late shipment in the prior period, within groups of equal frequency.

    Frequent buyers meet more failures and leave less, so only rows of one frequency may be compared. ``service``:
    client_key, dated_orders, late_orders. Columns: order_days (group), late (whether any shipment was late), clients,
    lost, share.
    """
    rows = clients[clients["prior_days"] >= 2].merge(service, on="client_key")
    rows = rows[rows["dated_orders"] > 0]
    group = pd.cut(rows["prior_days"], [1, 3, 8, np.inf], labels=["2–3", "4–8", "9+"])
    table: list[dict[str, Any]] = []
    for name in ("2–3", "4–8", "9+"):
        for late in (False, True):
            mine = rows[(group == name) & ((rows["late_orders"] > 0) == late)]
            lost = int((mine["recent_days"] == 0).sum())
            table.append(
                {
                    "order_days": name,
                    "late": late,
                    "clients": len(mine),
                    "lost": lost,
                    "share": lost / len(mine) if len(mine) else np.nan,
                }
            )
    return pd.DataFrame(table).astype({"share": float})
