"""Losses by manager, who begins the contact, and what happens between two projects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.stats.funnel import Outliers, outliers

__all__ = ["between_projects", "expected_losses", "initiative", "loss_by_manager", "loss_by_service"]

Floats = NDArray[np.float64]


FEWEST_ALIKE = 20
"""Clients of a segment from which it is told apart."""


def loss_by_manager(
    clients: pd.DataFrame, manager: pd.Series, watch: float, found: float, min_clients: int
) -> tuple[pd.DataFrame, Outliers | None]:
    """Return clients lost per manager, each held against the others after what the book lets expect.

    ``clients``: client_key, segment, first_day, prior_days, recent_days, prior_revenue; ``manager``: manager of most
    order days of the prior period by client_key. At risk: clients with two or more order days in the prior period; lost:
    none in the recent one. ``watch``, ``found``: false-discovery rates below which a manager is watched, found (with
    ``min_clients`` at least). Columns: manager, clients, lost, share, expected (share that segment, size and time with
    the company of these very clients let expect), q_value (see `audit.stats.funnel.outliers`), ``position`` (2 found, 1
    watched, 0), lost_revenue (prior revenue of the lost). Most clients first, then by name.
    """
    rows = clients[clients["prior_days"] >= 2].copy()
    rows["manager"] = rows["client_key"].map(manager)
    rows = rows[rows["manager"].notna()]
    columns = ["manager", "clients", "lost", "share", "expected", "q_value", "position", "lost_revenue"]
    if not len(rows):
        return pd.DataFrame(columns=columns), None
    rows["lost"] = rows["recent_days"] == 0
    rows["due"] = expected_losses(rows)
    rows["lost_revenue"] = rows["prior_revenue"].where(rows["lost"], 0.0)
    out = (
        rows.groupby("manager")
        .agg(
            clients=("client_key", "size"),
            lost=("lost", "sum"),
            due=("due", "sum"),
            lost_revenue=("lost_revenue", "sum"),
        )
        .reset_index()
        .sort_values(["clients", "manager"], ascending=[False, True])
        .reset_index(drop=True)
    )
    size = out["clients"].to_numpy(dtype=np.float64)
    placed = outliers(out["lost"].to_numpy(), size, expected=out["due"].to_numpy())
    with np.errstate(invalid="ignore"):
        far = (placed.q_value < found) & (size >= min_clients)
        near = placed.q_value < watch
    return out.assign(
        clients=out["clients"].astype(np.int64),
        lost=out["lost"].astype(np.int64),
        share=placed.share,
        expected=out["due"] / size,
        q_value=placed.q_value,
        position=np.where(far, 2, np.where(near, 1, 0)),
    )[columns], placed


def expected_losses(rows: pd.DataFrame) -> Floats:
    """Return each client's chance of being lost by segment, size and time with the company, whoever its manager is.

    A linear model of loss on these and on the managers, so that a manager's own losses are not taken for those of a
    segment; the managers' part is left out, and the mean is that of all. ``rows``: manager, lost, segment, first_day,
    prior_revenue. Sizes in thirds; segments of at least `FEWEST_ALIKE` clients; clients of before and of the last year.
    """
    lost = rows["lost"].to_numpy(dtype=np.float64)
    segment = rows["segment"].astype("string").fillna("—")
    known = segment.value_counts()
    size = rows["prior_revenue"].rank(pct=True)
    marks = [(segment == name).to_numpy() for name in sorted(known[known >= FEWEST_ALIKE].index)[1:]]
    marks += [(size <= 1 / 3).to_numpy(), (size > 2 / 3).to_numpy()]
    marks.append((rows["first_day"] > rows["first_day"].median()).to_numpy())
    mix = np.column_stack(marks).astype(np.float64)
    people = pd.get_dummies(rows["manager"], dtype=float).to_numpy()
    effect = mix @ np.linalg.lstsq(np.column_stack([people, mix]), lost, rcond=None)[0][people.shape[1] :]
    return np.asarray(np.clip(lost.mean() + effect - effect.mean(), 0.0, 1.0), dtype=np.float64)


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
