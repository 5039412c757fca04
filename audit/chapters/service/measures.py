"""Small measures of service on small frames: kinds of failure, reasons, the six services, the heat map."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.method import method
from audit.model.questionnaire import fold
from audit.stats.shares import clustered_share

__all__ = ["KINDS", "heat_table", "kind_table", "reason_table", "services_table", "unowned_processes"]

KINDS = ("late", "short", "complaint", "document_error")
SMALLEST_CELL = 5
"""Orders below which a cell of the heat map stays blank: one late order of two is not half of anything."""


def kind_table(halves: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return how often each kind of failure happens, in the whole window and in the recent period.

    ``halves``: rows of ``kinds.sql`` (client × recent 0 / 1). One row per kind. Columns: kind, known (orders for
    which it can be told), failed, share with low, high (clients are what was drawn: see
    `audit.stats.shares.clustered_share`), revenue_share (of the orders for which it can be told), recent_known,
    recent_failed, recent_share, recent_low, recent_high, revenue (of the failed orders in the recent period).
    """
    rows: list[dict[str, Any]] = []
    recent = halves[halves["recent"] == 1]
    whole = halves.drop(columns="recent").groupby("client_key", as_index=False).sum()
    for kind in KINDS:
        money, bad = (float(halves[c].sum()) for c in (f"{kind}_known_revenue", f"{kind}_revenue"))
        row: dict[str, Any] = {"kind": kind, "revenue_share": bad / money if money > 0 else np.nan}
        for name, clients in (("", whole), ("recent_", recent)):
            e = clustered_share(clients[kind], clients[f"{kind}_known"], level)
            row[f"{name}known"], row[f"{name}failed"] = (int(clients[c].sum()) for c in (f"{kind}_known", kind))
            row[f"{name}share"], row[f"{name}low"], row[f"{name}high"] = e.value, e.low, e.high
        row["revenue"] = float(recent[f"{kind}_revenue"].sum())
        rows.append(row)
    shares = [f"{name}{c}" for name in ("", "recent_") for c in ("share", "low", "high")]
    return pd.DataFrame(rows).astype(dict.fromkeys(shares, float))


def reason_table(reasons: pd.DataFrame) -> pd.DataFrame:
    """Return complaints by reason, most frequent first; a reason not given comes last.

    ``reasons``: reason (as in the orders), orders, revenue, recent_orders. A code of the method or its name in either
    language becomes the code; anything else stays as written. Columns: reason, known (a code), orders, share, revenue,
    recent_orders.
    """
    codes: dict[str, str] = {}
    for code, spec in method().complaint_reasons.items():
        codes |= {fold(code): code, fold(spec.ru): code, fold(spec.en): code}
    named = [
        None if r is None or pd.isna(r) or not str(r).strip() else codes.get(fold(str(r)), str(r).strip())
        for r in reasons["reason"]
    ]
    frame = reasons.assign(reason=pd.Series(named, index=reasons.index, dtype=object))
    frame["missing"] = frame["reason"].isna()
    out = (
        frame.fillna({"reason": ""})
        .groupby(["missing", "reason"], as_index=False)[["orders", "revenue", "recent_orders"]]
        .sum()
    )
    out = out.sort_values(["missing", "orders", "reason"], ascending=[True, False, True], ignore_index=True)
    out["reason"] = out["reason"].astype(object).where(~out["missing"], None)
    out["known"] = [r in method().complaint_reasons for r in out["reason"]]
    total = float(out["orders"].sum())
    out["share"] = out["orders"] / total if total else np.nan
    return out.drop(columns="missing")[["reason", "known", "orders", "share", "revenue", "recent_orders"]]


def services_table(processes: pd.DataFrame, left: Collection[str]) -> pd.DataFrame:
    """Return the six services with what the company says of each, in the order of the method.

    ``left``: people who have left. Columns: service, owner (None: nobody, or somebody who has left), owner_left,
    backup, sla_days, written_rule, failures_month, ``named`` (the sheet has a row), ``no_owner``, ``no_sla``,
    ``unowned`` (one of the two lacks).
    """
    by = {str(r["process"]): r for r in processes.to_dict("records")}
    out = []
    for code in method().services:
        r = by.get(code, {})
        owner = _text(r.get("owner"))
        gone = owner is not None and owner in left
        sla = r.get("sla_days")
        no_sla = sla is None or pd.isna(sla)
        no_owner = owner is None or gone
        out.append(
            {
                "service": code,
                "owner": None if gone else owner,
                "owner_left": gone,
                "backup": _text(r.get("backup")),
                "sla_days": _number(sla),
                "written_rule": _text(r.get("written_rule")),
                "failures_month": _number(r.get("failures_month")),
                "named": bool(r),
                "no_owner": no_owner,
                "no_sla": no_sla,
                "unowned": no_owner or no_sla,
            }
        )
    return pd.DataFrame(out)


def unowned_processes(processes: pd.DataFrame, left: Collection[str]) -> pd.DataFrame:
    """Return the functions of the sheet (services apart) that fail without an owner: process, owner_left,
    failures_month."""
    rows = []
    for r in processes.to_dict("records"):
        owner, failures = _text(r.get("owner")), _number(r.get("failures_month"))
        if str(r["process"]) in method().services or not failures > 0:
            continue
        if owner is None or owner in left:
            rows.append({"process": str(r["process"]), "owner_left": owner is not None, "failures_month": failures})
    out = pd.DataFrame(rows, columns=["process", "owner_left", "failures_month"])
    return out.sort_values(["failures_month", "process"], ascending=[False, True], ignore_index=True)


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _number(value: object) -> float:
    return float("nan") if value is None or pd.isna(value) else float(value)  # type: ignore[arg-type, call-overload]


def heat_table(cells: pd.DataFrame, months: Sequence[int], by_promise: bool) -> pd.DataFrame:
    """Return the share of late orders (or, without promises, of failed ones) per manager × month, busiest manager
    first.

    ``cells``: rows of ``service_managers.sql``. One row per manager × month of ``months``; columns manager,
    month_index, orders (that can be judged), failed, share (missing below five orders), total_orders and total_share
    of the manager.
    """
    units, bad = ("dated", "late") if by_promise else ("orders", "failed")
    total = cells.groupby("manager")[[units, bad]].sum()
    total = total[total[units] > 0].reset_index().sort_values([units, "manager"], ascending=[False, True])
    grid = total[["manager"]].merge(pd.DataFrame({"month_index": list(months)}), how="cross")
    grid = grid.merge(cells[["manager", "month_index", units, bad]], on=["manager", "month_index"], how="left")
    grid = grid.rename(columns={units: "orders", bad: "failed"})
    grid[["orders", "failed"]] = grid[["orders", "failed"]].fillna(0).astype(np.int64)
    enough = grid["orders"] >= SMALLEST_CELL
    grid["share"] = (grid["failed"] / grid["orders"].where(enough)).astype(float)
    about = total.rename(columns={units: "total_orders"}).assign(total_share=total[bad] / total[units])
    return grid.merge(about[["manager", "total_orders", "total_share"]], on="manager", how="left")


def promise_column(fields: Mapping[str, bool]) -> str | None:
    """Return the column that lateness is measured against: the promise, else the client's own wish, else None."""
    return next((f for f in ("promised_date", "requested_date") if fields.get(f)), None)
