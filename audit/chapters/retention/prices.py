"""What the retention findings are worth a year: increments over what comes by itself today (methodology, 4.1)."""

from __future__ import annotations

import numpy as np

from audit.errors import Text
from audit.findings.finding import Effect
from audit.findings.pricing import Inputs, price
from audit.ground.period import since
from audit.model.case import Case, sql_text
from audit.model.result import ChapterResult, Metric

__all__ = ["comes_back_alone", "excess_losses", "leak", "leaky_first_purchase", "sleepers", "trend"]

MONTHS = np.arange(1, 13)


def leaky_first_purchase(case: Case, result: ChapterResult, m: Metric, norm: float) -> Effect | None:
    """Price the new clients that the norm would bring back: a flow of clients to come.

    None where nobody has been followed for a year from its second purchase on.
    """
    x = result.facts
    if x["second_value"] is None:
        return None
    inputs = Inputs(case)
    new = inputs.rate("retention.new_a_year", float(x["new_a_year"]), int(x["new_seen"]))
    gap = np.maximum(0.0, inputs.known("norm", norm) - inputs.metric(m))
    worth = inputs.estimate("retention.second_value", x["second_value"], x["second_value_low"], x["second_value_high"])
    return price(
        inputs,
        new * gap * inputs.assumption("retention.reach_second") * np.maximum(0.0, worth),
        Text(
            "новых клиентов в год × (норма − доля второй покупки) × достижимая часть × выручка клиента за 365 дней со "
            "второй покупки",
            "new clients a year × (norm − second-purchase share) × the part within reach × a client's revenue of 365 "
            "days from the second purchase on",
        ),
        coming=True,
    )


def leak(case: Case, result: ChapterResult) -> Effect | None:
    """Price the yearly rate of regular clients that is lost beyond the watch limit."""
    m = result.metrics["retention.lost_run_rate_share"]
    watch = case.thresholds["retention.revenue_leak"].watch
    assert watch is not None
    inputs = Inputs(case)
    yearly, limit = inputs.known("run_rate", float(m.extra["run_rate"])), inputs.known("watch", watch)
    over = np.maximum(0.0, inputs.metric(m) - limit)
    return price(
        inputs,
        yearly * over * inputs.assumption("retention.reach_leak"),
        Text(
            "годовая выручка постоянных клиентов × (потерянная доля − граница наблюдения) × достижимая часть",
            "yearly revenue of regular clients × (share lost − watch limit) × the part within reach",
        ),
        result.tables["lost_clients"],
        "yearly_rate",
    )


def comes_back_alone(case: Case, result: ChapterResult) -> bool:
    """Whether as many of those asleep return by themselves as effort is known to bring back."""
    own = result.facts["own_return"]
    return own is not None and own["share"] >= case.thresholds.range("retention.wake_share")[1]


def sleepers(case: Case, result: ChapterResult, m: Metric) -> Effect | None:
    """Price what waking brings beyond those who return by themselves.

    None where they come back by themselves, or where the own return is not known.
    """
    own = result.facts["own_return"]
    if own is None or comes_back_alone(case, result):
        return None
    inputs = Inputs(case)
    asleep = inputs.known("money_asleep", float(m.extra["at_stake"]))
    more = inputs.assumption("retention.wake_share") - inputs.share("retention.own_return", own["share"], own["n"])
    listed = result.tables["worklist"]
    return price(
        inputs,
        asleep * np.maximum(0.0, more),
        Text(
            "выручка спящих за год до последнего заказа × (доля, которую возвращает работа, − доля, которая возвращается "
            "сама)",
            "sleepers' revenue in the year to the last order × (share that effort brings back − share that returns by "
            "itself)",
        ),
        listed[listed["state"] == "sleeping"],
        "at_stake",
    )


def trend(case: Case, m: Metric) -> Effect | None:
    """Price a yearly decline: what the next 12 months bring less than the last 12, about half of the decline."""
    inputs = Inputs(case)
    yearly = inputs.known("annual_revenue", case.annual_revenue)
    kept = np.clip(1.0 + inputs.metric(m), 0.0, 1.0)
    lost = 1.0 - (kept[:, None] ** (MONTHS / 12.0)).mean(axis=1)
    clients = case.query(sql_text("audit.ground", "recent_revenue"), since=since(case))
    return price(
        inputs,
        yearly * lost,
        Text(
            "выручка последних 12 месяцев × (1 − среднее по следующим 12 месяцам t от (1 − годовое снижение)^(t/12))",
            "revenue of the last 12 months × (1 − mean over the next 12 months t of (1 − yearly decline)^(t/12))",
        ),
        clients,
        "revenue",
    )


def excess_losses(case: Case, result: ChapterResult) -> Effect | None:
    """Price the clients that managers beyond the others' spread lost above what their books let expect.

    The excess is as uncertain as chance makes a count of so many clients.
    """
    table = result.tables["by_manager"]
    out = table[table["position"] >= 1]
    lost = float(out["lost"].sum())
    clients = result.tables["lost_clients"]
    theirs = clients[clients["last_manager"].isin(set(out["manager"]))]
    if theirs.empty or lost <= 0:
        return None
    inputs = Inputs(case)
    expected = out["expected"].astype(float)
    excess = float((out["lost"] - out["clients"] * expected).sum())
    half = 1.96 * float(np.sqrt((out["clients"] * expected * (1 - expected)).sum()))
    mean = inputs.known("mean_revenue", float(out["lost_revenue"].sum()) / lost)
    return price(
        inputs,
        np.maximum(0.0, inputs.estimate("retention.excess_clients", excess, excess - half, excess + half)) * mean,
        Text(
            "клиенты, потерянные сверх ожидаемого для этих менеджеров, × их средняя выручка предыдущего года",
            "clients lost beyond what is expected of these managers × their mean revenue of the year before",
        ),
        theirs,
        "yearly_rate",
    )
