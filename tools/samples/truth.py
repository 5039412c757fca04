"""The truth about an invented company: what was planted, what chance made of it, what an audit must say.

``truth`` holds parameters of the simulation, ``realised`` counts over the simulated events themselves (not
over the exported file), ``expect`` the statuses: ``found`` must be found, ``not_found`` must not be found
(clear, watch or not assessed), ``may`` is a side effect an honest audit is free to see, ``not_assessed`` must
be refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from audit.method import method
from tools.samples.buying import Clients, Orders, window_days
from tools.samples.diseases import DISEASES
from tools.samples.documents import COLUMNS_BY_LEVEL, Serving
from tools.samples.people import HOURS_PER_MONTH, Person
from tools.samples.questionnaire import TABLES_REQUIRED
from tools.samples.spec import CompanySpec
from tools.samples.traits import Traits

_OWN_NOTES = 0.05  # a manager's own CRM notes count as own work up to this share of hours
_HORIZON_DAYS = 365
_PROJECT_TYPES = ("C", "S", "CS")  # a deal happens once: the second-purchase test does not apply by default
_ANY_FAULT = ("service.failures_cost_clients", ("promised_date", "shipped_pct", "complaint"))


def truth_of(
    spec: CompanySpec,
    traits: Traits,
    clients: Clients,
    orders: Orders,
    serving: Serving,
    people: list[Person],
    sales: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    export: pd.DataFrame,
) -> dict[str, Any]:
    """The content of ``truth.toml``: company, truth, realised, expect."""
    truth: dict[str, Any] = {
        "second_purchase_share_365d": traits.second_purchase,
        "churn_hazard_per_year": traits.churn_per_year,
        "pause_hazard_per_year": traits.pause_per_year,
        "orders_per_client_year": traits.orders_per_year,
        "frequency_trend_log_per_year": traits.frequency_trend,
        "ticket_trend_log_per_year": traits.ticket_trend + traits.inflation,
        "range_trend_log_per_year": traits.range_trend,
        "late_share": traits.late_share,
        "short_share": traits.short_share,
        "complaint_share": traits.complaint_share,
        "entered_by_manager_share": traits.entered_by_manager,
        "automation_share": traits.automation_share,
        "company_initiated_share": traits.company_initiated,
        "handoff_after": traits.handoff_k,
        "handoff_followed_share": traits.handoff_followed,
        "wallet_share": traits.wallet_share,
        "gross_margin_share": traits.margin_share,
    }
    if traits.pause_per_year + traits.churn_per_year > 0:
        truth["return_share"] = round(traits.pause_per_year / (traits.pause_per_year + traits.churn_per_year), 6)
    truth |= operational_truth(people, tables)
    return {
        "company": {
            "name": spec.name,
            "title": spec.title or spec.name,
            "sale_type": spec.sale_type,
            "seed": spec.seed,
            "clients": spec.clients,
            "sellers": spec.sellers,
            "start": spec.start.isoformat(),
            "end": spec.end.isoformat(),
            "season": spec.season,
            "columns": spec.columns,
            "tables": spec.tables,
            "diseases": [d.finding for d in spec.diseases],
        },
        "truth": truth,
        "realised": realised(spec, clients, orders, serving, sales, export),
        "expect": expect(spec),
    }


def operational_truth(people: list[Person], tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    """True operational share of the client managers, own CRM notes forgiven up to 5 % of hours.

    In every type with client managers none of the OPER functions is theirs, so no owner table is needed here.
    Keys: ``km_operational_share`` for all of them and ``km_operational_share_<person>``; empty without the
    table.
    """
    if "time" not in tables:
        return {}
    time = tables["time"]
    managers = [p.code for p in people if p.role == "KM" and p.present]
    shares: dict[str, float] = {}
    for code in managers:
        mine = time[time["person"] == code]
        share = dict(zip(mine["function"], mine["share"].astype(float), strict=True))
        work = sum(s for f, s in share.items() if f.startswith("OPS_"))
        shares[code] = round(work - min(share.get("OPS_CRM", 0.0), _OWN_NOTES), 6)
    if not shares:
        return {}
    hours = HOURS_PER_MONTH * len(shares)  # everybody works full time, so the mean is the share of hours
    total = sum(HOURS_PER_MONTH * s for s in shares.values())
    return {"km_operational_share": round(total / hours, 6)} | {
        f"km_operational_share_{code}": s for code, s in shares.items()
    }


def realised(
    spec: CompanySpec, clients: Clients, orders: Orders, serving: Serving, sales: pd.DataFrame, export: pd.DataFrame
) -> dict[str, Any]:
    """What chance made of the plan, counted over the simulated events."""
    days = window_days(spec)
    new = ~clients.old
    first = np.full(len(clients), -1, dtype=np.int64)
    second = np.full(len(clients), -1, dtype=np.int64)
    for number, into in ((1, first), (2, second)):
        at = orders.number == number
        into[orders.client[at]] = orders.day[at]
    followed = new & (first >= 0) & (first + _HORIZON_DAYS < days)
    again = followed & (second >= 0) & (second - first <= _HORIZON_DAYS)
    last_year = sales["day"] >= days - 365
    numbers: dict[str, Any] = {
        "lines": len(export),
        "order_days": len(orders.client),
        "clients": len(np.unique(orders.client)),
        "new_clients": int((new & (first >= 0)).sum()),
        "new_clients_followed_365d": int(followed.sum()),
        "second_purchases_within_365d": int(again.sum()),
        "sales": round(float(sales["amount"].sum()), 2),
        "sales_last_365_days": round(float(sales.loc[last_year, "amount"].sum()), 2),
        "orders_typed_by_people": serving.typed_by_people,
        "orders_typed_by_manager": serving.typed_by_manager,
        "late_order_days": int((orders.late_days > 0).sum()),
    }
    if followed.any():
        numbers["second_purchase_share_365d"] = round(float(again.sum() / followed.sum()), 6)
    return numbers


def expect(spec: CompanySpec) -> dict[str, list[str]]:
    """What an audit of this company must say, from the plan alone; four disjoint lists cover all findings.

    A finding that lacks its column or table is ``not_assessed``; the needs are those of the catalogue.
    """
    catalogue = method().findings
    refused = {f for f in catalogue if _cannot_be_assessed(spec, f, catalogue[f].needs)}
    found: set[str] = set(spec.found)
    may: set[str] = set(spec.may)
    for disease in spec.diseases:
        planted = DISEASES[disease.finding]
        found |= set(planted.certain)
        (found if planted.at_most == "found" else may).add(disease.finding)
        may |= set(planted.may)
    found -= refused
    may -= found | refused
    quiet = set(catalogue) - found - may - refused
    return {"found": sorted(found), "not_found": sorted(quiet), "may": sorted(may), "not_assessed": sorted(refused)}


def _cannot_be_assessed(spec: CompanySpec, finding: str, needs: tuple[str, ...]) -> bool:
    columns, tables = COLUMNS_BY_LEVEL[spec.columns], _tables(spec)
    for need in needs:
        where, _, what = need.partition(".")
        if where == "orders" and what not in columns:
            return True
        if where == "table" and what not in tables:
            return True
        if where == "company" and "company" not in tables:
            return True
    if finding == _ANY_FAULT[0]:
        return not any(c in columns for c in _ANY_FAULT[1])
    return finding == "retention.leaky_first_purchase" and spec.sale_type in _PROJECT_TYPES


def _tables(spec: CompanySpec) -> tuple[str, ...]:
    if spec.tables == "none":
        return ()
    if spec.tables == "required":
        return TABLES_REQUIRED
    return (*TABLES_REQUIRED, "day_log", "handoffs", "self_check", "key_clients", "touches", "processes", "pay")
