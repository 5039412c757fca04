"""The chapter «Клиентская база»: from the case to its metrics, tables and facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.clients import giants as indigestion
from audit.chapters.clients.growth import GROWTH_COLUMNS, earned_growth, rank_correlation
from audit.chapters.clients.profile import OffProfile, off_profile
from audit.chapters.clients.regularity import xyz
from audit.chapters.clients.service import after_service, by_class, whale
from audit.chapters.clients.shares import by_holding, concentration, long_tail, smaller_half
from audit.errors import Text
from audit.ground.answers import read_answers
from audit.ground.classes import abc, abcd
from audit.ground.entry import entry_minutes
from audit.ground.hours import group_hours
from audit.ground.keys import clients_named
from audit.ground.lacks import missing_columns, missing_sheets, too_few
from audit.ground.money import Margin, margin_of
from audit.ground.norm import norm_of, seller_of_type
from audit.ground.people import hour_cost, person_labels, roles_by_person
from audit.ground.period import since, to_year
from audit.ground.room import quarters_of, quarters_wide, range_of, room_of, wallet_of
from audit.ground.shares import Share
from audit.ground.work import order_work
from audit.model.case import Case, sql_text
from audit.model.result import ChapterResult, Metric, metric, no_metric

__all__ = ["diagnose"]

NOBODY = Text("За последний период никто не купил", "Nobody bought in the recent period")
CLIENTS = Text("Клиентов с покупками за последний период", "Clients who bought in the recent period")
REGULAR = Text("Клиентов с двумя и более днями заказа", "Clients with two or more order days")
CORRELATED_PEOPLE = 8
"""With fewer people a rank correlation says nothing: eight need 0.74 to differ from chance at all."""


@dataclass(frozen=True)
class Part:
    """One piece of the chapter: its metrics, tables and facts."""

    metrics: list[Metric]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def _sql(case: Case, name: str, **values: Any) -> pd.DataFrame:
    return case.query(sql_text("audit.chapters.clients", name), **values)


def diagnose(case: Case) -> ChapterResult:
    """Return the figures of the client base (methodology 5.5) over the last 12 months.

    Tables: ``clients`` (one row per client with positive net revenue: classes, shares, room to grow, off-profile
    marks), ``holdings``, ``classes`` (A, B, C: clients, orders, revenue, gross profit), ``strategies`` (A, B, C,
    D), ``contribution`` (strategies with what serving them costs and what they leave), ``keys`` (key clients with
    wallet), ``gaps`` (client × missing category), ``missing_categories``, ``giants``, ``outcomes``, ``growth`` (per
    manager).
    """
    w = case.window
    rows = _sql(case, "clients", since=since(case), prior=max(w.prior_start, w.start))
    buyers = rows[rows["revenue"] > 0].reset_index(drop=True)
    margin = margin_of(case)
    range_part = _range(case, buyers)
    wallet_part = _wallet(case, buyers)
    odd, profile_part = _off_profile(case, buyers, margin)
    clients = _client_table(case, buyers, margin, odd)
    parts = [
        _spread(case, clients),
        _tail(case, clients),
        _after_service(case, clients, margin),
        _regularity(clients),
        profile_part,
        wallet_part,
        range_part,
        _indigestion(case),
        _growth(case),
    ]
    metrics = [m for p in parts for m in p.metrics]
    tables = {"clients": clients, **{k: t for p in parts for k, t in p.tables.items()}}
    tables |= {"classes": _classes(clients), "strategies": _strategies(clients)}
    facts: dict[str, Any] = {
        "clients": len(clients),
        "revenue": float(clients["revenue"].sum()),
        "since": since(case).isoformat(),
        "since_all": w.start.isoformat(),
        "as_of": w.as_of.isoformat(),
        "to_year": to_year(case),
        "margin_share": margin.factor,
        "basis": margin.basis,
        "margin_source": margin.source,
        "abcd_known": int(clients["abcd"].notna().sum()),
        "has_margin": bool(clients["margin_share"].notna().any()),
    }
    for p in parts:
        facts |= p.facts
    return ChapterResult.of("base", metrics, tables, facts)


# --- one row per client


def _client_table(case: Case, buyers: pd.DataFrame, margin: Margin, odd: OffProfile | None) -> pd.DataFrame:
    """Return everything known of each client that bought: one row per client, largest first.

    ``annual_figure``: gross profit a year where the basis is gross profit (the client's own margin where known,
    else the company's), else revenue a year; never below 0: what can be won or lost with a client is capped by it.
    """
    t = case.thresholds
    c = buyers.copy()
    total = float(c["revenue"].sum())
    c["revenue_share"] = c["revenue"] / total if total > 0 else 0.0
    c["margin_share"] = margin.known_of(c["client_key"])
    known = c["margin_share"].notna()
    c["gross_profit"] = (c["revenue"] * c["margin_share"]).astype(float)
    by_key = c.set_index("client_key")
    a, b = t.value("base.abc_a"), t.value("base.abc_b")
    c["abc"] = c["client_key"].map(abc(by_key["revenue"], a, b)).astype(object)
    has_margin = bool(known.any())
    profit = (
        abc(by_key["gross_profit"].fillna(0.0), a, b) if has_margin else pd.Series(None, by_key.index, dtype=object)
    )
    c["abc_margin"] = c["client_key"].map(profit).astype(object).where(known, None)
    c = c.join(_evenness(case, c)).join(room_of(case), on="client_key")
    c["abcd"] = abcd(c["abc"], c["room"])
    c["smaller_half"] = smaller_half(c)
    a_order, a_line = entry_minutes(case)
    c["entry_hours"] = (c["orders"] * a_order + c["order_lines"] * a_line) / 60
    marks = ["off_profile", "criteria_held", "flag_margin", "flag_rare", "flag_effort", "rare_share"]
    for name in marks:
        c[name] = odd.table[name] if odd is not None else None
    c = c.join(_served(case, c, margin))
    c["annual_figure"] = (c["revenue"] * margin.of(c["client_key"]) * to_year(case)).clip(lower=0.0)
    return c.sort_values(["revenue", "client_key"], ascending=[False, True], kind="stable").reset_index(drop=True)


def _evenness(case: Case, clients: pd.DataFrame) -> pd.DataFrame:
    t = case.thresholds
    return xyz(
        quarters_wide(case, clients["client_key"]),
        clients["first_day"],
        [q["from"] for q in quarters_of(case.window)],
        x=t.value("base.xyz_x"),
        y=t.value("base.xyz_y"),
        least=t.count("base.xyz_min_quarters"),
    )


def _classes(clients: pd.DataFrame) -> pd.DataFrame:
    """Return what the classes A, B and C by revenue hold: number, share and sums of clients."""
    return _summed(clients, "abc", ("A", "B", "C"))


def _strategies(clients: pd.DataFrame) -> pd.DataFrame:
    return _summed(clients, "abcd", ("A", "B", "C", "D"))


def _part(values: pd.Series, total: float) -> float:
    return float(values.sum()) / float(total) if total > 0 else 0.0


def _summed(clients: pd.DataFrame, by: str, labels_: tuple[str, ...]) -> pd.DataFrame:
    total = clients[["revenue", "orders", "gross_profit"]].sum()
    rows = []
    for label in labels_:
        part = clients[clients[by] == label]
        profit = float(part["gross_profit"].sum()) if part["gross_profit"].notna().any() else None
        rows.append(
            {
                "label": label,
                "clients": len(part),
                "client_share": len(part) / max(len(clients), 1),
                "revenue": float(part["revenue"].sum()),
                "revenue_share": _part(part["revenue"], total["revenue"]),
                "orders": int(part["orders"].sum()),
                "order_share": _part(part["orders"], total["orders"]),
                "gross_profit": profit,
            }
        )
    return pd.DataFrame(rows)


# --- concentration, tail, regularity


def _spread(case: Case, clients: pd.DataFrame) -> Part:
    found = concentration(clients["revenue"])
    ids = ("base.top1_share", "base.top5_share", "base.top20_share", "base.hhi")
    holding_ids = ("base.top1_holding_share", "base.top5_holding_share")
    if found is None:
        return Part([no_metric(i, NOBODY) for i in (*ids, *holding_ids)], {"holdings": pd.DataFrame()})
    metrics = [
        metric("base.top1_share", found.top1, n=found.n, even_split=found.even_top1),
        metric("base.top5_share", found.top5, n=found.n, even_split=found.even_top5),
        metric("base.top20_share", found.top20, n=found.n, clients_in_top=found.top20_clients),
        metric("base.hhi", found.hhi, n=found.n, even_split=found.even_hhi),
    ]
    holdings = by_holding(clients)
    known = int((holdings["clients"] > 1).sum())
    level = case.settings.level.client
    if level == "holding":
        reason = Text("Клиент в этом аудите и есть холдинг", "A client of this audit is a holding already")
    else:
        reason = missing_columns(case, "holding") or Text(
            "Ни в один холдинг не входит больше одного клиента", "No holding has more than one client"
        )
    group = concentration(holdings["revenue"]) if known and level != "holding" else None
    if group is None:
        metrics += [no_metric(i, reason) for i in holding_ids]
    else:
        metrics += [
            metric(holding_ids[0], group.top1, n=group.n, even_split=group.even_top1),
            metric(holding_ids[1], group.top5, n=group.n, even_split=group.even_top5),
        ]
    top = clients.iloc[0]
    name = top["client_name"] if isinstance(top["client_name"], str) else top["client_key"]
    facts = {
        "top_client": str(name),
        "top_revenue": float(top["revenue"]),
        "even_top1": found.even_top1,
        "even_top5": found.even_top5,
        "holdings": known,
        "top_holding": None if group is None else str(holdings["name"].iloc[0]),
    }
    return Part(metrics, {"holdings": holdings}, facts)


def _share_metric(id: str, share: Share, reason: Text, **extra: Any) -> Metric:
    e = share.whole
    if e.value is None:
        return no_metric(id, reason)
    if share.dominant is not None:
        extra["dominant_share"] = share.dominant_share
        out = share.without
        extra |= {
            "without_value": None if out is None else out.value,
            "without_low": None if out is None else out.low,
            "without_high": None if out is None else out.high,
        }
    return metric(id, e.value, low=e.low, high=e.high, n=e.n, **extra)


def _tail(case: Case, clients: pd.DataFrame) -> Part:
    t = case.thresholds
    ids = ("base.tail_order_share", "base.tail_revenue_share")
    if len(clients) < t.count("general.min_units"):
        reason = too_few(len(clients), t.count("general.min_units"), CLIENTS)
        return Part([no_metric(i, reason, n=len(clients)) for i in ids])
    tail = long_tail(clients)
    metrics = [
        metric(id, share, n=len(clients), clients_in_tail=tail.clients)
        for id, share in zip(ids, (tail.order_share, tail.revenue_share), strict=True)
    ]
    hours = float(clients.loc[clients["smaller_half"], "entry_hours"].sum())
    facts = {
        "tail_clients": tail.clients,
        "tail_orders": tail.orders,
        "tail_revenue": tail.revenue,
        "tail_entry_hours_year": hours * to_year(case),
        "hour_cost": hour_cost(read_answers(case).staff, ("KM", "SOP", "OP", "BO", "UNI")),
    }
    return Part(metrics, {}, facts)


SERVED = ("profit", "service_cost", "contribution")


def _served(case: Case, clients: pd.DataFrame, margin: Margin) -> pd.DataFrame:
    """Return gross profit of the period, cost of serving and contribution of each client; nothing where not known."""
    cost = order_work(case).cost_per_order
    if cost is None or margin.share is None:
        return pd.DataFrame(np.nan, index=clients.index, columns=list(SERVED))
    profit = clients["revenue"].astype(float) * margin.of(clients["client_key"])
    return after_service(profit, clients["orders"], cost).assign(profit=profit)[list(SERVED)]


def _after_service(case: Case, clients: pd.DataFrame, margin: Margin) -> Part:
    """Return what the work of orders leaves of clients, and which orders do not pay for it."""
    ids = ("base.losing_client_share", "base.contribution_peak", "base.paying_order", "base.unpaid_order_share")
    nothing = {"contribution": pd.DataFrame(columns=["label"])}
    work = order_work(case)
    cost = work.cost_per_order
    reason = work.reason
    if reason is None and cost is None:
        reason = Text(
            "На листе «Сотрудники» не указана стоимость месяца у тех, кто занят операционной работой",
            "The sheet “Staff” lacks the cost a month of those who do operational work",
        )
    if reason is None and margin.share is None:
        reason = Text(
            "Валовая прибыль неизвестна: в заказах нет ни прибыли, ни себестоимости, в анкете нет маржи",
            "Gross profit is not known: the orders have neither profit nor cost, the questionnaire no margin",
        )
    if reason is None and clients.empty:
        reason = NOBODY
    if reason is not None:
        return Part([no_metric(i, reason) for i in ids], nothing)
    assert cost is not None and margin.share is not None
    errors = work.error
    profit, orders = clients["profit"], clients["orders"]
    found = whale(clients["contribution"])
    fewest, most = (float((profit < orders * cost * e).mean()) for e in errors)
    n = len(clients)
    metrics = [
        metric(
            ids[0], found.losing / n, low=fewest, high=most, n=n, clients=found.losing, lost=found.lost * to_year(case)
        )
    ]
    if found.total <= 0:
        losing = Text(
            "После операционной работы по заказам клиенты вместе не оставляют прибыли",
            "After the operational work of their orders the clients together leave no profit",
        )
        metrics.append(no_metric(ids[1], losing, n=n))
    else:
        metrics.append(metric(ids[1], found.peak / found.total, n=n))
    limit = cost / margin.share
    metrics.append(metric(ids[2], limit, low=limit * errors[0], high=limit * errors[1], n=work.people))
    small = [_small_orders(case, limit * e) for e in (errors[0], 1.0, errors[1])]
    row = small[1]
    metrics.append(
        metric(
            ids[3],
            row["share"],
            low=small[0]["share"],
            high=small[2]["share"],
            n=int(row["orders"]),
            small=int(row["small"]),
        )
    )
    year = to_year(case)
    facts: dict[str, Any] = {
        "order_cost": cost,
        "service_cost_year": work.cost * 12.0 if work.cost is not None else None,
        "profit_year": float(profit.sum()) * year,
        "contribution_year": found.total * year,
        "small_hours_month": work.hours_per_order * row["small"] * year / 12.0,
        "small_revenue_share": row["revenue_share"],
        "small_lacking_year": (row["small"] * cost - row["small_revenue"] * margin.share) * year,
        "small_fee": cost - row["small_revenue"] * margin.share / row["small"] if row["small"] else None,
        "entry_hours_month": float(work.steps.loc[work.steps["step"] == "entry", "hours"].sum()),
        "entry_cost_year": (
            float(work.steps.loc[work.steps["step"] == "entry", "hours"].sum()) / work.hours * (work.cost or 0.0) * 12.0
        ),
    }
    longest = work.steps.sort_values(["hours", "step"], ascending=[False, True]).iloc[0]
    facts |= {
        "longest_step": str(longest["step"]),
        "longest_hours_month": float(longest["hours"]),
        "longest_cost_year": float(longest["hours"]) / work.hours * (work.cost or 0.0) * 12.0,
    }
    return Part(metrics, {"contribution": by_class(clients, ("A", "B", "C", "D"))}, facts)


def _small_orders(case: Case, limit: float) -> dict[str, float]:
    """Return orders of the period, those below ``limit``, and their shares of orders and revenue."""
    row = _sql(case, "small_orders", limit=limit, since=since(case)).iloc[0]
    orders, revenue = float(row["orders"]), float(row["revenue"])
    return {
        "orders": orders,
        "small": float(row["small"]),
        "small_revenue": float(row["small_revenue"]),
        "share": float(row["small"]) / orders if orders else 0.0,
        "revenue_share": float(row["small_revenue"]) / revenue if revenue > 0 else 0.0,
    }


def _regularity(clients: pd.DataFrame) -> Part:
    known = clients[clients["xyz"].notna()]
    total = float(known["revenue"].sum())
    if total <= 0:
        reason = Text(
            "История короче, чем нужно для оценки ровности покупок",
            "The history is too short to tell how evenly clients buy",
        )
        return Part([no_metric("base.steady_share", reason)])
    steady = float(known.loc[known["xyz"].isin(["X", "Y"]), "revenue"].sum()) / total
    x, y, z = (int((known["xyz"] == k).sum()) for k in ("X", "Y", "Z"))
    return Part([metric("base.steady_share", steady, n=len(known), clients_x=x, clients_y=y, clients_z=z)])


# --- off-profile


def _off_profile(case: Case, buyers: pd.DataFrame, margin: Margin) -> tuple[OffProfile | None, Part]:
    id = "base.off_profile_order_share"
    t = case.thresholds
    least = t.count("general.min_units")
    if len(buyers) < least:
        return None, Part([no_metric(id, too_few(len(buyers), least, CLIENTS), n=len(buyers))])
    c = buyers.copy()
    c["margin_share"] = margin.known_of(c["client_key"])
    item = next((f for f in ("sku", "sku_group") if case.has(f)), None)
    measurable = [*(["margin"] if bool(c["margin_share"].notna().any()) else []), *(["rare"] if item else []), "effort"]
    if len(measurable) < t.count("base.off_profile_min_criteria"):
        return None, Part(
            [
                no_metric(
                    id,
                    Text(
                        "Нужны как минимум два признака из трёх: добавьте в выгрузку заказов столбец «валовая прибыль» "
                        "(или «себестоимость») либо «товар»",
                        "At least two of the three criteria are needed: add the column “gross profit” (or “cost”) or “item” to the "
                        "orders",
                    ),
                )
            ]
        )
    c["rare_share"] = np.nan
    if item:
        rare = _sql(
            case, "rare_items", item=item, since=since(case), reach_share=t.value("base.off_profile_rare_reach")
        ).set_index("client_key")
        c["rare_share"] = c["client_key"].map(
            rare["rare_revenue"] / rare["named_revenue"].where(rare["named_revenue"] > 0)
        )
    found = off_profile(
        c,
        measurable=tuple(measurable),
        max_revenue_share=t.value("base.off_profile_max_revenue_share"),
        margin_quantile=t.value("base.off_profile_margin_quantile"),
        effort_quantile=t.value("base.off_profile_effort_quantile"),
        rare_share=t.value("base.off_profile_rare_share"),
        needed=t.count("base.off_profile_min_criteria"),
        min_events=t.count("base.off_profile_min_events"),
        most_bearers=t.value("base.off_profile_most_bearers"),
    )
    common = {"off_common": found.common}
    if len(found.criteria) < t.count("base.off_profile_min_criteria"):
        return None, Part([no_metric(id, _borne_by_all(found.common), n=len(c))], {}, common)
    off = found.table[found.table["off_profile"]]
    m = metric(
        id,
        found.order_share,
        n=len(c),
        by_chance=found.by_chance,
        excess=found.excess,
        excess_low=found.low,
        excess_high=found.high,
        off_profile_clients=len(off),
        criteria=list(found.criteria),
    )
    shares = found.table["margin_share"]
    facts = {
        "off_clients": len(off),
        "off_revenue": float(off["revenue"].sum()),
        "off_orders": int(off["orders"].sum()),
        "off_margin_limit": found.margin_limit,
        "off_effort_limit": found.effort_limit,
        "off_margin_median": float(shares.median()) if shares.notna().any() else None,
        "off_criteria": list(found.criteria),
        **common,
    }
    return found, Part([m], {}, facts)


MARKS = {
    "margin": Text("низкая маржа", "a low margin"),
    "rare": Text("редкие товары", "rare goods"),
    "effort": Text("много заказов, рекламаций или возвратов на рубль", "many orders, claims or returns for the money"),
}


def _borne_by_all(common: dict[str, float]) -> Text:
    """Say which marks so many clients bear that too few are left to tell anybody apart."""
    parts = [(MARKS[k], f"{v * 100:.0f}") for k, v in common.items()]
    ru, en = ", ".join(f"{m.ru} — у {p}\u00a0%" for m, p in parts), ", ".join(f"{m.en}: {p}%" for m, p in parts)
    return Text(
        f"Признаки непрофильных есть у слишком многих клиентов и никого не отличают ({ru}); нужны как минимум два "
        "признака из трёх, которые есть у немногих",
        f"Too many clients bear the marks of off-profile ones, which tell nobody apart ({en}); at least two of the three "
        "must be borne by few",
    )


# --- wallet


def _wallet(case: Case, buyers: pd.DataFrame) -> Part:
    id = "base.wallet_share"
    columns = [
        "client_key",
        "client_name",
        "lead",
        "stated",
        "computed",
        "share",
        "annual_revenue",
        "budget",
        "headroom",
    ]
    nothing = {"wallet": pd.DataFrame(columns=columns)}
    if missing := missing_sheets(case, "key_clients"):
        return Part([no_metric(id, missing)], nothing)
    q = case.questionnaire.table("key_clients").copy()
    q["client_key"] = clients_named(case, q["client_id"])
    unknown = int(q["client_key"].isna().sum())
    found = wallet_of(case)
    assert found is not None
    if found.mean.value is None and unknown == len(q):
        return Part(
            [
                no_metric(
                    id,
                    Text(
                        "Ни одного клиента листа «Ключевые клиенты» в заказах нет: проверьте коды",
                        "No client of the sheet “Key clients” is met in the orders: check the codes",
                    ),
                )
            ],
            nothing,
        )
    if found.mean.value is None:
        return Part(
            [
                no_metric(
                    id,
                    Text(
                        "На листе «Ключевые клиенты» ни у кого из найденных в заказах клиентов нет ни доли в закупках, ни "
                        "бюджета в год",
                        "On the sheet “Key clients” no client met in the orders has a share of wallet or an annual budget",
                    ),
                )
            ],
            nothing,
        )
    names = buyers.set_index("client_key")["client_name"]
    about = q.dropna(subset=["client_key"]).drop_duplicates("client_key").set_index("client_key")
    table = found.table.assign(
        client_name=found.table["client_key"].map(names), lead=found.table["client_key"].map(about["lead"])
    )
    e = found.mean
    m = metric(
        id,
        float(e.value or 0.0),
        low=e.low,
        high=e.high,
        n=e.n,
        grade="B" if found.both else "C",
        weighted=found.weighted,
        both_sources=found.both,
        stated=found.stated_mean.value,
        stated_low=found.stated_mean.low,
        stated_high=found.stated_mean.high,
        computed=found.computed_mean.value,
        computed_low=found.computed_mean.low,
        computed_high=found.computed_mean.high,
    )
    facts = {"wallet_headroom": float(table["headroom"].sum()), "wallet_unknown_clients": unknown}
    return Part([m], {"wallet": table[columns]}, facts)


# --- range


def _range(case: Case, buyers: pd.DataFrame) -> Part:
    id = "base.range_gap"
    t = case.thresholds
    nothing = {"gaps": pd.DataFrame(columns=["client_key", "category"]), "missing_categories": pd.DataFrame()}
    if missing := missing_columns(case, "sku_group"):
        return Part([no_metric(id, missing)], nothing)
    peers = t.count("base.similar_clients")
    goods = range_of(case)
    assert goods is not None
    mix, found = goods.mix, goods.gaps
    regular = int((buyers["order_days"] >= 2).sum())
    least = max(t.count("general.min_units"), peers + 1)
    if found.beyond.value is None or len(found.clients) < least:
        return Part([no_metric(id, too_few(len(found.clients), least, REGULAR), n=len(found.clients))], nothing)
    e, value = found.beyond, found.beyond.value
    m = metric(
        id,
        value,
        low=e.low,
        high=e.high,
        n=e.n,
        missing=found.missing,
        by_chance=found.by_chance,
        categories=int(mix["category"].nunique()),
        peers=peers,
    )
    names = buyers.set_index("client_key")["client_name"]
    gaps = found.gaps.assign(client_name=found.gaps["client_key"].map(names))
    gaps = gaps.sort_values(
        ["expected_revenue", "client_key", "category"], ascending=[False, True, True], ignore_index=True
    )
    by_category = gaps.groupby("category", sort=True, as_index=False).agg(
        clients=("client_key", "size"), expected_revenue=("expected_revenue", "sum")
    )
    bought = mix[mix["revenue"] > 0].groupby("category")["client_key"].nunique()
    by_category["buyers"] = by_category["category"].map(bought)
    by_category = by_category.sort_values(["clients", "category"], ascending=[False, True], ignore_index=True)
    beyond_share = min(max(value / found.missing, 0.0), 1.0) if found.missing > 0 else 0.0
    facts = {
        "range_clients": len(found.clients),
        "range_left_out": regular - len(found.clients),
        "range_beyond_chance": beyond_share,
        "range_with_gap": int((found.clients["missing"] > 0).sum()),
    }
    return Part([m], {"gaps": gaps, "missing_categories": by_category}, facts)


# --- indigestion


def _indigestion(case: Case) -> Part:
    ids = ("base.giant_orders", "base.indigestion_p")
    t = case.thresholds
    giant_columns = ["client_key", "client_name", "day", "revenue"]
    nothing = {"giants": pd.DataFrame(columns=giant_columns), "outcomes": pd.DataFrame()}
    if missing := missing_columns(case, "promised_date", "shipped_date"):
        return Part([no_metric(i, missing) for i in ids], nothing)
    usual = _sql(case, "giant_limit", share=t.value("base.giant_quantile")).iloc[0]
    if pd.isna(usual["usual_month"]) or int(usual["clients"]) < t.count("general.min_units"):
        reason = too_few(int(usual["clients"]), t.count("general.min_units"), CLIENTS)
        return Part([no_metric(i, reason) for i in ids], nothing)
    limit = round(float(usual["usual_month"]) * t.value("base.giant_multiple"), 2)
    most = max(1, round(t.value("base.giant_max_a_year") * case.window.days / 365.25))
    rows = _sql(case, "giants", limit=limit, most_days=most)
    names = case.clients().set_index("client_key")["client_name"]
    table = rows.assign(client_name=rows["client_key"].map(names))[giant_columns]
    facts: dict[str, Any] = {
        "giant_limit": limit,
        "giant_usual_month": float(usual["usual_month"]),
        "giant_after_days": t.count("base.giant_after_days"),
    }
    orders = metric(ids[0], float(len(table)), n=int(usual["clients"]), limit=limit)
    if table.empty:
        reason = Text("Заказов, непосильных для компании, не было", "There was no order too large for the company")
        return Part([orders, no_metric(ids[1], reason)], {"giants": table, "outcomes": pd.DataFrame()}, facts)
    days = [pd.Timestamp(d).date() for d in table["day"]]
    daily = _sql(case, "others", limit=limit, most_days=most, silence_days=t.count("base.giant_silence_days"))
    label = indigestion.label_days(
        daily["day"], days, t.count("base.giant_after_days"), t.count("base.giant_before_days")
    )
    found = indigestion.outcomes(daily, label)
    if not found:
        reason = Text(
            "Слишком мало заказов других клиентов до и после непосильных заказов, чтобы их сравнить",
            "Too few orders of other clients before and after the orders too large for the company to compare them",
        )
        return Part([orders, no_metric(ids[1], reason)], {"giants": table, "outcomes": pd.DataFrame()}, facts)
    p = indigestion.joint_p(found)
    outcome_table = pd.DataFrame(
        [
            {
                "outcome": o.name,
                "before": o.before,
                "after": o.after,
                "before_n": o.before_n,
                "after_n": o.after_n,
                "p": o.p,
                "worse": o.worse,
                "drop_low": o.before - o.after - o.half,
                "drop_high": o.before - o.after + o.half,
            }
            for o in found
        ]
    )
    worst = min(found, key=lambda o: o.p)
    facts |= {
        "giant_worst": worst.name,
        "giant_before": worst.before,
        "giant_after": worst.after,
        "giant_worse": worst.worse,
        "giant_years": case.window.days / 365.25,
    }
    m = metric(ids[1], p, n=int(sum(o.after_n for o in found if o.name != "margin")), outcomes=len(found))
    return Part([orders, m], {"giants": table, "outcomes": outcome_table}, facts)


# --- earned growth


def _growth(case: Case) -> Part:
    id = "base.new_category_share"
    t, w = case.thresholds, case.window
    nothing = {"growth": pd.DataFrame(columns=[*GROWTH_COLUMNS, "operational_share", "compared"])}
    if not w.has_prior:
        day = _plus(w.start, 2 * case.settings.period.recent_months)
        reason = Text(
            f"Выгрузка короче двух лет: рост год к году виден не раньше {day:%d.%m.%Y}",
            f"The export is shorter than two years: growth year on year can be seen from {day.isoformat()}",
        )
        return Part([no_metric(id, reason)], nothing)
    rows = _sql(case, "growth")
    grouped, owned = case.has("sku_group"), case.has("manager")
    if rows.empty or float(rows["revenue"].sum()) <= 0:
        return Part(
            [no_metric(id, Text("Нет клиентов, покупавших и в прошлом году", "No client bought in both years"))],
            nothing,
        )
    fresh = float(rows["new_category_revenue"].sum()) / float(rows["revenue"].sum())
    m = metric(id, fresh, n=len(rows)) if grouped else no_metric(id, missing_columns(case, "sku_group") or NOBODY)
    if not owned:
        return Part([m], nothing)
    table = earned_growth(
        rows,
        min_clients=t.count("general.min_units"),
        draws=t.count("general.bootstrap_draws"),
        seed=t.count("general.bootstrap_seed"),
    )
    if not grouped:
        table["new_category_share"] = None
    table["operational_share"] = table["manager"].map(_operational_shares(case)).astype(float)
    table["compared"] = table["low"].notna() & _keepers(case, table["manager"])
    known = table[table["compared"] & table["operational_share"].notna()]
    enough = len(known) >= CORRELATED_PEOPLE
    facts: dict[str, Any] = {
        "growth_correlation": rank_correlation(known["operational_share"], known["earned_share"]) if enough else None,
        "growth_people": len(known),
        "labels": person_labels(case, table["manager"]),
    }
    return Part([m], {"growth": table}, facts)


def _keepers(case: Case, people: pd.Series) -> pd.Series:
    """Tell whose clients' growth can be compared: keepers of regular clients, and people the staff sheet lacks.

    A developer hands clients over as they grow; what is left says nothing of growth.
    """
    types = norm_of(case)[0].types
    roles = roles_by_person(case.questionnaire.table("staff"), types)
    keeping = {"KM", *(seller_of_type(t) for t in types)}
    return people.map(lambda p: str(p) not in roles or bool(keeping & set(roles[str(p)]))).astype(bool)


def _operational_shares(case: Case) -> Mapping[str, float]:
    """Return each person's share of hours on operational work that is not its own; empty without the sheets."""
    answers = read_answers(case)
    if answers.hours.empty:
        return {}
    load = group_hours(answers.hours, ("OPER",), case.thresholds.value("roles.own_crm_notes_share"))
    return {str(r["person"]): float(r["foreign_hours"] / r["hours"]) for r in load.to_dict("records") if r["hours"] > 0}


def _plus(day: dt.date, months: int) -> dt.date:
    from audit.model.calendar import add_months

    return add_months(day, months)
