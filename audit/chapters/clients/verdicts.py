"""Verdicts on the client base (methodology, sections 4, 5.5 and 7)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.errors import Text
from audit.findings.declared import declared
from audit.findings.finding import Effect, Finding, Risk, Status
from audit.findings.judge import band, few, judged, make_finding, no_figure, not_assessed, status_of, worse
from audit.findings.pricing import WALLET_OUTSIDE, Inputs, price
from audit.ground.money import margin_of, money_of_year
from audit.method import Threshold
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["judge"]

BUYERS = Text("Клиентов с покупками", "Clients who bought")
WALLETS = Text(
    "Ключевых клиентов с известной долей в закупках или бюджетом", "Key clients with a known share of wallet or budget"
)


def judge(case: Case, result: ChapterResult) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    return [
        *declared(
            case,
            result,
            facts={"base.off_profile": _off_profile, "base.range_gap": _range_gap},
            prices={"base.off_profile": _off_profile_effect, "base.range_gap": _range_effect},
        ),
        _concentration(case, result),
        _long_tail(case, result),
        _wallet(case, result),
        _indigestion(case, result),
    ]


def _period(result: ChapterResult) -> dict[str, Any]:
    return {"since": result.facts["since"], "until": result.facts["as_of"]}


def _limits(limits: Threshold) -> dict[str, Any]:
    return {"watch": limits.watch, "found": limits.found}


# --- verdicts


def _concentration(case: Case, result: ChapterResult) -> Finding:
    """Judge the largest client and the five largest, at the level of clients and of holdings; the worst counts."""
    id = "base.concentration"
    top1, top5 = result.metrics["base.top1_share"], result.metrics["base.top5_share"]
    if top1.value is None or top5.value is None:
        return no_figure(id, top1)
    t = case.thresholds
    one = t[id]
    five = one.model_copy(
        update={"watch": t.value("base.concentration_top5_watch"), "found": t.value("base.concentration_top5_found")}
    )
    group1, group5 = result.metrics["base.top1_holding_share"], result.metrics["base.top5_holding_share"]
    facts: dict[str, Any] = {
        "top1": top1.value,
        "top5": top5.value,
        "n": top1.n,
        "even_top1": top1.extra["even_split"],
        "even_top5": top5.extra["even_split"],
        "holding_top1": group1.value,
        "holding_top5": group5.value,
        "client": result.facts["top_client"],
        "holding": result.facts["top_holding"],
        "one": _limits(one),
        "five": _limits(five),
        "hhi": result.metrics["base.hhi"].value,
        **_period(result),
    }
    if lack := few(case, top1.n, BUYERS):
        reason = Text(
            f"{lack.ru}: при таком числе доля пяти крупнейших велика и у равных клиентов",
            f"{lack.en}: with so few the five largest have a large share even if all are equal",
        )
        return not_assessed(id, reason, facts=facts)
    statuses: list[Status] = []
    for m, limits in ((top1, one), (top5, five), (group1, one), (group5, five)):
        if m.value is not None:
            statuses.append(status_of(m.value, None, None, limits))
    status = worse(*statuses)
    clients_only = worse(*statuses[:2])
    facts["by_holding"] = status != clients_only
    largest = max(top1.value, group1.value or 0.0)
    risk = Risk(t.value("base.client_leaves"), largest * money_of_year(case, margin_of(case).basis))
    return make_finding(
        case, id, status, grade="C", risk=risk, base_revenue_share=largest, table="clients", facts=facts
    )


def _long_tail(case: Case, result: ChapterResult) -> Finding:
    """Judge the smaller half's share of orders, while it brings little revenue."""
    id = "base.long_tail"
    orders, revenue = result.metrics["base.tail_order_share"], result.metrics["base.tail_revenue_share"]
    if orders.value is None or revenue.value is None:
        return no_figure(id, orders if orders.value is None else revenue)
    limits = case.thresholds[id]
    most = case.thresholds.value("base.long_tail_max_revenue")
    enough = revenue.value > most
    status = "clear" if enough else status_of(orders.value, None, None, limits)
    x = result.facts
    facts = {
        "orders_share": orders.value,
        "revenue_share": revenue.value,
        "n": orders.n,
        "clients": x["tail_clients"],
        "orders": x["tail_orders"],
        "revenue": x["tail_revenue"],
        "hours": x["tail_entry_hours_year"],
        "max_revenue": most,
        "enough_revenue": enough,
        **_limits(limits),
        **_period(result),
    }
    return make_finding(case, id, status, grade="C", effect=_tail_effect(case, result), table="clients", facts=facts)


def _tail_effect(case: Case, result: ChapterResult) -> Effect | None:
    """Price the tail by the hours its orders take to enter: a lower bound, calls and claims leave no trace."""
    x = result.facts
    if x["hour_cost"] is None or x["basis"] != "gross_profit":
        return None
    clients = result.tables["clients"]
    tail = clients[clients["smaller_half"] & (clients["entry_hours"] > 0)]
    inputs = Inputs(case)
    hours = inputs.known("hours", float(tail["entry_hours"].sum()) * x["to_year"])
    cost = hours * inputs.known("hour_cost", x["hour_cost"])
    formula = Text(
        "Σ часы ввода заказов меньшей половины клиентов в год × цена часа × доля, которую снимает дешёвое "
        "обслуживание; нижняя граница: звонки и претензии следа не оставляют",
        "Σ hours a year to enter the orders of the smaller half of clients × cost of an hour × the part that cheap "
        "service saves; a lower bound: calls and claims leave no trace",
    )
    saved = cost * inputs.assumption("base.tail_saving")
    return price(inputs, saved, formula, tail, "entry_hours", revenue=False)


def _off_profile(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    x = result.facts
    return {
        "clients": x["off_clients"],
        "revenue": x["off_revenue"],
        "orders": x["off_orders"],
        "criteria": x["off_criteria"],
        "margin_limit": x["off_margin_limit"],
        "max_share": case.thresholds.value("base.off_profile_max_revenue_share"),
        **_limits(case.thresholds["base.off_profile"]),
        **_period(result),
    }


def _off_profile_effect(case: Case, result: ChapterResult) -> Effect | None:
    """Price off-profile clients by their margin: losses stopped, raised to the 10th percentile, to the median."""
    x = result.facts
    clients = result.tables["clients"]
    off = clients[(clients["off_profile"] == True) & clients["margin_share"].notna()]  # noqa: E712 - an object column
    if off.empty or x["off_margin_limit"] is None or x["basis"] != "gross_profit":
        return None
    margin, revenue = off["margin_share"].astype(float), off["revenue"].astype(float) * x["to_year"]
    targets = sorted([0.0, x["off_margin_limit"], max(x["off_margin_median"], 0.0)])
    raised = [(revenue * (target - margin).clip(lower=0.0)).clip(upper=revenue) for target in targets]
    inputs = Inputs(case)
    for name, target in zip(("margin_low", "margin_base", "margin_high"), targets, strict=True):
        inputs.known(name, target)
    formula = Text(
        "Σ выручка клиента в год × (целевая маржа − его маржа), где она ниже; цель: ноль, 10-й процентиль, "
        "медиана компании по возрастанию",
        "Σ client's revenue a year × (target margin − its margin) where it is lower; target: zero, the company's 10th "
        "percentile, its median, in rising order",
    )
    amount = inputs.range("base.off_profile_margin", *(float(r.sum()) for r in raised))
    # A client sold at a loss brings nothing that could be its ceiling.
    return price(inputs, amount, formula, off.assign(raised=raised[2]), "raised", revenue=False, limited=False)


def _wallet(case: Case, result: ChapterResult) -> Finding:
    """Judge our mean share of key clients' wallets; stated and computed shares that contradict carry no advice."""
    id = "base.wallet_headroom"
    m = result.metrics["base.wallet_share"]
    if m.value is None:
        return no_figure(id, m)
    facts: dict[str, Any] = {
        "value": m.value,
        "low": m.low,
        "high": m.high,
        "n": m.n,
        "weighted": m.extra["weighted"],
        "stated": m.extra["stated"],
        "computed": m.extra["computed"],
        "both": m.extra["both_sources"],
        "headroom": result.facts["wallet_headroom"],
        "names": _largest_outside(case, result),
        **_limits(case.thresholds[id]),
        **_period(result),
    }
    if lack := few(case, m.n, WALLETS):
        return not_assessed(id, lack, facts=facts)
    limits = case.thresholds[id]
    both = m.extra["both_sources"] >= case.thresholds.count("general.min_units")
    contradict = both and {judged(m, limits, "stated"), judged(m, limits, "computed")} == {"found", "clear"}
    facts["contradiction"] = contradict
    more: dict[str, Any] = {"effect": _wallet_effect(case, result), "table": "wallet", "facts": facts}
    if contradict:
        return make_finding(case, id, "watch", grade="D", **more)
    return band(case, id, m, **more)


def _largest_outside(case: Case, result: ChapterResult) -> list[str]:
    """Return the three clients who spend most elsewhere."""
    wallet = result.tables["wallet"]
    most = wallet[wallet["headroom"] > 0].sort_values(["headroom", "client_key"], ascending=[False, True]).head(3)
    names = case.clients().set_index("client_key")["client_name"]
    return [str(names.get(k, k)) for k in most["client_key"]]


def _wallet_effect(case: Case, result: ChapterResult) -> Effect | None:
    """Price the headroom: the part of the budget spent elsewhere that a year of work can win."""
    wallet = result.tables["wallet"]
    inputs = Inputs(case)
    outside = inputs.known("headroom", float(wallet["headroom"].sum()))
    return price(inputs, outside * inputs.assumption("base.wallet_capture"), WALLET_OUTSIDE, wallet, "headroom")


def _range_gap(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    top = result.tables["missing_categories"].head(3)
    return {
        "with_gap": result.facts["range_with_gap"],
        "left_out": result.facts["range_left_out"],
        "top": [{"category": str(r["category"]), "clients": int(r["clients"])} for r in top.to_dict("records")],
        **_limits(case.thresholds["base.range_gap"]),
        **_period(result),
    }


def _range_effect(case: Case, result: ChapterResult) -> Effect | None:
    """Price the missing range: what similar clients spend on it, not missing by chance, sold by a year's work."""
    x = result.facts
    gaps, wallet = result.tables["gaps"], result.tables["wallet"]
    if gaps.empty:
        return None
    missing = gaps.groupby("client_key", sort=True)["expected_revenue"].sum() * x["to_year"] * x["range_beyond_chance"]
    known = wallet.set_index("client_key")["headroom"].reindex(missing.index)
    inputs = Inputs(case)
    outside = known.fillna(0.0) * inputs.assumption("base.wallet_capture").mean()
    typical = missing.where(known.isna(), 0.0) * inputs.assumption("base.range_uptake").mean()
    by_wallet = inputs.known("headroom", float(known.sum())) * inputs.drawn["base.wallet_capture"]
    by_range = inputs.known("missing_revenue", float(missing[known.isna()].sum())) * inputs.drawn["base.range_uptake"]
    return price(
        inputs,
        by_wallet + by_range,
        Text(
            "Σ бюджет клиента, уходящий другим, × достижимая за год доля; где он неизвестен — Σ выручка клиента × "
            "типичная доля недостающей категории у похожих × часть, недостающая не случайно, × доля, которую продаёт "
            "год работы",
            "Σ client's budget spent elsewhere × the part a year can win; where it is not known Σ client's revenue × "
            "typical share of the missing category with similar clients × the part not missing by chance × the part a "
            "year's work sells",
        ),
        pd.DataFrame({"client_key": missing.index, "gain": (outside + typical).to_numpy()}),
        "gain",
    )


def _indigestion(case: Case, result: ChapterResult) -> Finding:
    """Judge the others' service after giant orders; without such orders there was nothing to digest."""
    id = "base.indigestion"
    giants, p = result.metrics["base.giant_orders"], result.metrics["base.indigestion_p"]
    if giants.value is None:
        return no_figure(id, giants)
    limits = case.thresholds[id]
    x = result.facts
    facts: dict[str, Any] = {
        "giants": int(giants.value),
        "limit": x["giant_limit"],
        "after_days": x["giant_after_days"],
        **_limits(limits),
    }
    if giants.value == 0:
        return make_finding(case, id, "clear", grade="C", facts=facts)
    if p.value is None:
        assert p.reason is not None
        return not_assessed(id, p.reason, facts=facts)
    rows = {r["outcome"]: r for r in result.tables["outcomes"].to_dict("records")}
    facts |= {
        "p": p.value,
        "worst": x["giant_worst"],
        "outcomes": {
            k: {"before": r["before"], "after": r["after"], "p": r["p"], "worse": bool(r["worse"])}
            for k, r in rows.items()
        },
    }
    status = status_of(p.value, None, None, limits)
    t = case.thresholds
    least = {k: t.value("base.giant_min_margin_loss" if k == "margin" else "base.giant_min_worsening") for k in rows}
    sure = [k for k, r in rows.items() if r["worse"] and r["p"] * len(rows) <= float(limits.found or 0.0)]
    facts["heavy"] = [k for k in sure if abs(rows[k]["after"] - rows[k]["before"]) >= least[k]]
    if status == "found" and not facts["heavy"]:
        status = "watch"  # beyond chance, and too little to call it a disease
    return make_finding(
        case,
        id,
        status,
        grade="C",
        effect=_indigestion_effect(case, result, len(rows), float(limits.watch or 0.0)),
        table="giants",
        facts=facts,
    )


def _indigestion_effect(case: Case, result: ChapterResult, outcomes: int, limit: float) -> Effect | None:
    """Price the margin that the others' orders lost after giant orders, if beyond chance; it falls on all clients."""
    x = result.facts
    margin = result.tables["outcomes"][result.tables["outcomes"]["outcome"] == "margin"]
    if margin.empty or x["giant_years"] <= 0 or x["basis"] != "gross_profit":
        return None
    r = margin.iloc[0]
    if not r["worse"] or r["p"] * outcomes >= limit:
        return None
    inputs = Inputs(case)
    after = inputs.known("revenue_after", float(r["after_n"]))
    years = inputs.known("years", max(x["giant_years"], 1.0))
    fall = inputs.estimate(
        "base.giant_margin_loss", float(r["before"] - r["after"]), float(r["drop_low"]), float(r["drop_high"])
    )
    formula = Text(
        "(валовая маржа остальных до непосильных заказов − после) × их выручка в это время / лет в периоде; "
        "связь, а не доказанная причина",
        "(gross margin of the others before orders too large − after) × their revenue in that time / years in the "
        "window; an association, not a proven cause",
    )
    return price(inputs, fall * after / years, formula, result.tables["clients"], "revenue", revenue=False)
