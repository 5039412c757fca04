"""Small companies for the chapters «client base» and «whose clients»: orders by rule, no chance in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pandas as pd

START = dt.date(2023, 1, 1)
MONTHS = 24
CATEGORIES = ("A", "B", "C", "D")


def month_start(k: int) -> dt.date:
    return dt.date(START.year + k // 12, k % 12 + 1, 1)


def company(clients: int = 48, sellers: int = 4, months: int = MONTHS) -> pd.DataFrame:
    """Every client orders once a month, 1 000 to 1 900 money in two lines of two categories, by its seller or, every third
    month, by the deputy; margin 20 %, shipped as promised."""
    rows: list[dict[str, Any]] = []
    for i in range(clients):
        for k in range(months):
            day = month_start(k) + dt.timedelta(days=(i * 7) % 27)
            amount = 1000.0 + 100 * (i % 10)
            seller = f"K{i % sellers + 1}" if k % 3 else f"K{(i + 1) % sellers + 1}"
            for line in range(2):
                group = CATEGORIES[(k + line + i) % 4]
                rows.append(
                    {
                        "client_id": f"c{i:03d}",
                        "client": f"Клиент {i:03d}",
                        "segment": f"s{i % 2}",
                        "order_id": f"{i}-{k}",
                        "order_date": day,
                        "amount": amount / 2,
                        "margin": amount / 2 * 0.2,
                        "manager": seller,
                        "sku_group": group,
                        "sku": f"{group}-{line}",
                        "complaint": False,
                        "promised_date": day + dt.timedelta(days=5),
                        "shipped_date": day + dt.timedelta(days=5),
                    }
                )
    return pd.DataFrame(rows)


def questionnaire(sellers: int = 4, keys: int = 24, wallet: float = 0.6, **company_keys: Any) -> dict[str, Any]:
    """A filled questionnaire: client managers with 10 % operational work, one clerk, key clients with a wallet share."""
    staff = [
        {"person": f"K{i + 1}", "role": "KM", "fte": 1.0, "hours_month": 160.0, "cost_month": 96000.0}
        for i in range(sellers)
    ] + [{"person": "O1", "role": "OP", "fte": 1.0, "hours_month": 160.0, "cost_month": 64000.0}]
    time = [
        row
        for i in range(sellers)
        for row in (
            {"person": f"K{i + 1}", "function": "FARM_REPEAT", "share": 0.9},
            {"person": f"K{i + 1}", "function": "OPS_ORDER", "share": 0.1},
        )
    ] + [{"person": "O1", "function": "OPS_ORDER", "share": 1.0}]
    key_clients = [
        {"client_id": f"c{i:03d}", "lead": f"K{i % sellers + 1}", "wallet_share": wallet} for i in range(keys)
    ]
    given = {"sale_type": "TC", "touches_per_client_month": 2.0, "minutes_per_touch": 30.0} | company_keys
    return {"company": given, "staff": staff, "time": time, "key_clients": key_clients}


def bare(rows: Iterable[tuple[str, str, float]]) -> list[dict[str, Any]]:
    """Date, client, amount: the least an audit can have."""
    return [{"client_id": c, "order_date": d, "amount": a} for c, d, a in rows]
