"""What is left of a client after the work of its orders: contribution after service, the whale curve, small orders.

Source: the whale curve is Kaplan's and Narayanan's (Measuring and managing customer profitability, 2001); the cost of an order
is the kit's own (`audit.ground.work`): every order of the period counts alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Whale", "after_service", "by_class", "whale"]


def after_service(profit: pd.Series, orders: pd.Series, cost_per_order: float) -> pd.DataFrame:
    """Return what serving each client costs and what it leaves: profit − orders × cost of an order.

    Grain: one row per client, index of ``profit``. Columns: service_cost, contribution (money of the period).
    """
    cost = orders.astype(float) * cost_per_order
    return pd.DataFrame({"service_cost": cost, "contribution": profit.astype(float) - cost})


@dataclass(frozen=True)
class Whale:
    """Running contribution over clients, the most profitable first.

    ``running``: 0 and the sum after each client; ``peak``: its highest, the contribution of all clients that leave something;
    ``total``: the last one; ``losing``: clients that leave less than nothing, ``lost``: what they take together (positive).
    """

    running: NDArray[np.float64]
    peak: float
    total: float
    losing: int
    lost: float


def whale(contribution: pd.Series) -> Whale:
    """Order clients by contribution, largest first, and add up."""
    values = np.sort(contribution.to_numpy(dtype=np.float64))[::-1]
    running = np.concatenate([[0.0], np.cumsum(values)])
    below = values[values < 0]
    return Whale(running, float(values[values > 0].sum()), float(values.sum()), len(below), float(-below.sum()))


def by_class(clients: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """Sum clients by strategy A, B, C, D, and those without one.

    ``clients``: abcd, revenue, profit, orders, service_cost, contribution. Grain: one row per class that has clients;
    ``label`` is empty for those whose class is not known. The rows sum to all clients.
    """
    label = clients["abcd"].where(clients["abcd"].isin(list(classes)), "")
    rows = clients.assign(label=label, losing=(clients["contribution"] < 0).astype(int), clients=1)
    columns = ["clients", "orders", "revenue", "profit", "service_cost", "contribution", "losing"]
    out = rows.groupby("label")[columns].sum()
    return out.loc[[c for c in (*classes, "") if c in out.index]].rename_axis("label").reset_index()
