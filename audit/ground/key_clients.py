"""What the orders and the questionnaire tell of each key client: the history that its portrait and its form begin with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from audit.ground.keys import clients_named
from audit.ground.money import margin_of
from audit.ground.norm import family_of
from audit.ground.people import SELLERS
from audit.ground.period import since
from audit.ground.room import quarters_of, quarters_wide, range_of, wallet_of
from audit.method import method
from audit.model.case import Case, sql_text

__all__ = ["QUARTERS", "KeyClient", "key_clients", "main_sellers", "roles_of"]

QUARTERS = 8
UNLISTED = 10
"""Without a list of key clients the largest stand in for one."""
_GAPS_SHOWN = 5


@dataclass(frozen=True)
class KeyClient:
    """One key client. Money is of the engagement's currency; what the data do not tell is None."""

    client_id: str
    """As the questionnaire writes it, else the key of the orders."""
    client_key: str | None
    """None where the orders do not know this client."""
    name: str
    lead: str | None
    seller: str | None
    """Who has most of its order days."""
    listed: bool
    """Whether the questionnaire names it a key client; else it is one of the largest."""
    answers: Mapping[str, Any]
    """Its row of the sheet, answered cells only."""
    quarters: tuple[tuple[dt.date, dt.date, float], ...]
    """First day, last day, net revenue of whole quarters, earliest first."""
    revenue: float
    """Of the recent period."""
    margin_share: float | None
    orders: int
    usual_gap_days: float | None
    last_day: dt.date | None
    silent_days: int | None
    categories: int | None
    missing: tuple[tuple[str, float, float], ...]
    """Categories that most similar clients buy and this one does not: name, share of them that do, money a year."""
    late: tuple[int, int] | None
    """Orders shipped late, of those with both dates."""
    complaints: int | None
    document_errors: int | None
    contacts: int | None
    """People who ordered, by the orders."""
    wallet_share: float | None
    elsewhere: float | None
    """Money a year that goes to others."""


def roles_of(case: Case) -> dict[str, list[str]]:
    """Return the families of everybody on the staff sheet."""
    known = method().roles
    return {
        str(r["person"]): [family_of(x) for x in (r["role"], r["role2"]) if isinstance(x, str) and x in known]
        for r in case.questionnaire.table("staff").to_dict("records")
    }


def main_sellers(case: Case, roles: Mapping[str, Sequence[str]]) -> pd.Series:
    """Return by client the seller of most of its order days of the recent period; somebody not on the sheet is one."""
    if not case.has("manager"):
        return pd.Series(dtype=object)
    rows = case.query(sql_text("audit.ground", "sellers"), since=since(case))
    sells = [
        m != "SYS" and (not roles.get(m) or any(f in SELLERS for f in roles[m])) for m in rows["manager"].astype(str)
    ]
    rows = rows[np.array(sells, dtype=np.bool_)]
    ranked = rows.sort_values(
        ["client_key", "days", "revenue", "last_day", "manager"], ascending=[True, False, False, False, True]
    )
    return ranked.drop_duplicates("client_key").set_index("client_key")["manager"]


def key_clients(case: Case) -> list[KeyClient]:
    """Return the key clients of the questionnaire, else the largest of the recent period; largest first."""
    return case.once("key_clients", lambda: _make(case))


def _listed(case: Case, revenue: pd.DataFrame) -> pd.DataFrame:
    q = case.questionnaire
    if q.has("key_clients"):
        rows = q.table("key_clients").drop_duplicates("client_id").reset_index(drop=True)
        return rows.assign(client_key=clients_named(case, rows["client_id"]), listed=True)
    largest = revenue.head(UNLISTED)["client_key"].astype(str)
    return pd.DataFrame({"client_id": largest, "client_key": largest, "listed": False})


def _make(case: Case) -> list[KeyClient]:
    revenue = case.query(sql_text("audit.ground", "recent_revenue"), since=since(case))
    rows = _listed(case, revenue)
    keys = rows["client_key"]
    about = _by_key(case.clients()[["client_key", "client_name", "last_day"]])
    orders = _by_key(case.query(sql_text("audit.ground", "key_orders"), since=since(case)))
    gaps = case.query(sql_text("audit.ground", "key_gaps"))
    usual = gaps[gaps["client_key"].isin(set(keys.dropna()))].groupby("client_key")["gap_days"].median()
    sellers = main_sellers(case, roles_of(case))
    money = revenue.set_index("client_key")["revenue"]
    margin = margin_of(case)
    goods, wallet = range_of(case), wallet_of(case)
    quarters = quarters_of(case.window)[:QUARTERS]
    wide = quarters_wide(case, keys.fillna(""))
    out = []
    for i, row in enumerate(rows.to_dict("records")):
        key = None if pd.isna(row["client_key"]) else str(row["client_key"])
        answers = {str(k): v for k, v in row.items() if k not in ("client_key", "listed") and _given(v)}
        seller = sellers.get(key or "")
        known = about.get(key or "", {})
        last = known.get("last_day")
        last = None if last is None or pd.isna(last) else pd.Timestamp(last).date()
        order = orders.get(key or "")
        name = known.get("client_name")
        bought, missing = _range(goods, key)
        purse = _wallet(wallet, key)
        out.append(
            KeyClient(
                client_id=str(row["client_id"]),
                client_key=key,
                name=str(name) if isinstance(name, str) and name else str(row["client_id"]),
                lead=str(answers["lead"]) if "lead" in answers else None,
                seller=None if seller is None else str(seller),
                listed=bool(row["listed"]),
                answers=answers,
                quarters=tuple(
                    (q["from"], q["until"], float(wide[f"q{k}"].iloc[i]))
                    for k, q in reversed(list(enumerate(quarters)))
                ),
                revenue=float(money.get(key, 0.0)),
                margin_share=None if margin.source != "orders" else margin.own.get(key or ""),
                orders=0 if order is None else int(order["orders"]),
                usual_gap_days=float(usual[key]) if key is not None and key in usual.index else None,
                last_day=last,
                silent_days=None if last is None else (case.window.as_of - last).days,
                categories=bought,
                missing=missing,
                late=(int(order["late"]), int(order["dated"])) if order is not None and order["dated"] else None,
                complaints=int(order["complaints"]) if order is not None and case.has("complaint") else None,
                document_errors=int(order["document_errors"])
                if order is not None and case.has("document_error")
                else None,
                contacts=int(order["contacts"]) if order is not None and case.has("contact") else None,
                wallet_share=purse[0],
                elsewhere=purse[1],
            )
        )
    return sorted(out, key=lambda c: (-c.revenue, c.client_id))


def _by_key(frame: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    return dict(zip(frame["client_key"].astype(str), frame.to_dict("records"), strict=True))


def _given(value: Any) -> bool:
    return value is not None and value != () and not (isinstance(value, float) and np.isnan(value))


def _range(goods: Any, key: str | None) -> tuple[int | None, tuple[tuple[str, float, float], ...]]:
    if goods is None or key is None:
        return None, ()
    mine = goods.gaps.clients[goods.gaps.clients["client_key"] == key]
    if mine.empty:
        return None, ()
    gaps = goods.gaps.gaps[goods.gaps.gaps["client_key"] == key]
    gaps = gaps.sort_values(["expected_revenue", "category"], ascending=[False, True]).head(_GAPS_SHOWN)
    return int(mine["categories"].iloc[0]), tuple(
        (str(g["category"]), float(g["peers_share"]), float(g["expected_revenue"])) for g in gaps.to_dict("records")
    )


def _wallet(wallet: Any, key: str | None) -> tuple[float | None, float | None]:
    mine = None if wallet is None else wallet.table[wallet.table["client_key"] == key]
    if mine is None or mine.empty:
        return None, None
    headroom = mine["headroom"].iloc[0]
    return float(mine["share"].iloc[0]), None if pd.isna(headroom) else float(headroom)
