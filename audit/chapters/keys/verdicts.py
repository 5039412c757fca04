"""Verdicts on key clients (methodology, sections 5.7 and 7)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.findings.declared import Price, declared
from audit.findings.finding import Effect, Finding
from audit.findings.judge import band, doubt_of, judged, make_finding, no_figure, status_of
from audit.findings.pricing import WALLET_OUTSIDE, Inputs, price
from audit.ground.people import labels
from audit.model.case import Case
from audit.model.result import ChapterResult, Metric

__all__ = ["judge"]

NAMED = 5
"""So many clients are named in a first step; the list has them all."""
_WORK = ("no_file", "no_buying_centre", "disincentive")
"""What keeps a key client from planned work: what it spends elsewhere stays there."""
_SHARES = ("no_file", "no_buying_centre", "no_backup", "no_influence", "disincentive")


def judge(case: Case, result: ChapterResult) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    facts = {f"keys.{name}": _facts for name in _SHARES} | {"keys.disincentive": _facts_of_pay}
    prices: dict[str, Price] = {f"keys.{name}": _wallet_price(name) for name in _WORK}
    return [*declared(case, result, facts=facts, prices=prices), _too_many(case, result), _no_plan(case, result)]


def _facts(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    total = result.facts["recent_revenue"]
    concerned = _concerned(result, m.id.split(".")[1].removesuffix("_share"))
    return {
        "revenue_share": m.extra["revenue"] / total if total > 0 else None,
        "weak": 0,
        "lower_rate": 0,
        "wallets": int(concerned["wallet_known"].sum()),
        "names": [str(name) for name in concerned["client_name"].drop_duplicates().head(NAMED)],
    }


def _facts_of_pay(case: Case, result: ChapterResult, m: Metric) -> dict[str, Any]:
    return {**_facts(case, result, m), "lower_rate": result.facts["lower_rate"]}


def _concerned(result: ChapterResult, fault: str) -> pd.DataFrame:
    """Return the key clients with a fault; of lists that are too long, those who are to go to somebody else."""
    clients = result.tables["clients"]
    if fault == "too_many":
        return clients[[isinstance(x, str) and "hand_over" in x.split(";") for x in clients["to_do"]]]
    return clients[clients[fault] == True]  # noqa: E712 - an object column


def _wallet_price(fault: str) -> Price:
    """Return how the fault is priced: what its clients spend elsewhere × the part a year of planned work can win.

    Where nobody's wallet is known there is no price.
    """

    def effect(case: Case, result: ChapterResult) -> Effect | None:
        clients = _concerned(result, fault).drop_duplicates("client_key")  # two leads, one budget
        inputs = Inputs(case)
        outside = inputs.known("headroom", float(clients["headroom"].sum()))
        if outside <= 0:
            return None
        won = outside * inputs.assumption("base.wallet_capture")
        return price(inputs, won, WALLET_OUTSIDE, clients, "headroom")

    return effect


def _too_many(case: Case, result: ChapterResult) -> Finding:
    """Weighed by the revenue of the lists that are too long, which no sentence names."""
    id = "keys.too_many"
    m = result.metrics["keys.most_per_manager"]
    if m.value is None:
        return no_figure(id, m)
    leads = result.tables["leads"]
    over = leads[leads["over"].astype(bool)]
    total = result.facts["recent_revenue"]
    facts = {
        "value": m.value,
        "limit": result.facts["limit"],
        "managers": m.n,
        "over": int(m.extra["over"]),
        "mean": m.extra["mean"],
        "beyond": int((over["counted"] - result.facts["limit"]).sum()),
        "wallets": int(_concerned(result, "too_many")["wallet_known"].sum()),
        "leads": [
            {"lead": labels(case)[str(r["lead"])], "beyond": int(r["counted"] - result.facts["limit"])}
            for r in over.to_dict("records")
        ],
    }
    share = float(over["revenue"].sum()) / total if total > 0 else None
    effect = _wallet_price("too_many")(case, result)
    return band(case, id, m, base_revenue_share=share, effect=effect, table="leads", facts=facts)


def _no_plan(case: Case, result: ChapterResult) -> Finding:
    """A plan that ends with the year or has two items is better than none, and no long-term plan: watched."""
    id = "keys.no_plan"
    m, weak = result.metrics["keys.no_plan_share"], result.metrics["keys.weak_plan_share"]
    if m.value is None:
        return no_figure(id, m)
    limits = case.thresholds[id]
    facts: dict[str, Any] = {
        "value": m.value,
        "low": m.low,
        "high": m.high,
        "n": m.n,
        "clients": m.extra["clients"],
        "unknown": m.extra["unknown"],
        "revenue": m.extra["revenue"],
        "watch": limits.watch,
        "found": limits.found,
        **_facts(case, result, m),
        "weak": 0 if weak.value is None else int(weak.extra["clients"]),
    }
    status = judged(m, limits)
    assert status is not None
    both = (facts["clients"] + facts["weak"]) / m.n if m.n else 0.0
    if status == "clear" and status_of(both, None, None, limits) == "found":
        status = "watch"
    share = facts["revenue_share"]
    doubt = doubt_of(m, limits, sampled=False)
    effect = _wallet_price("no_plan")(case, result)
    return make_finding(
        case, id, status, grade="C", effect=effect, base_revenue_share=share, table="clients", facts=facts, doubt=doubt
    )
