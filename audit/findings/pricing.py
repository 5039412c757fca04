"""Ways of pricing that several rooms share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from audit.errors import Text
from audit.findings.finding import Effect
from audit.model.result import ChapterResult, Metric

__all__ = ["allocated", "excess_loss_effect", "stands_twice"]


def allocated(
    result: ChapterResult,
    amounts: pd.DataFrame,
    formula: Text,
    inputs: Mapping[str, float],
    *,
    cap: str | None = "annual_figure",
) -> Effect | None:
    """Return an effect allocated to clients, or None where it comes to nothing.

    ``amounts``: client_key, low, base, high in money a year. With ``cap`` no client's amount exceeds that column of the
    chapter's table of clients (its own gross profit, or revenue, a year); what has no row there is left out.
    """
    out = amounts.copy()
    if cap is not None:
        limit = out["client_key"].map(result.tables["clients"].set_index("client_key")[cap]).astype(float)
        for c in ("low", "base", "high"):
            out[c] = np.minimum(out[c].astype(float), limit)
    out = out.dropna(subset=["low", "base", "high"])
    out = out[out["high"] > 0].sort_values("client_key", ignore_index=True)[["client_key", "low", "base", "high"]]
    if out.empty:
        return None
    return Effect(
        low=float(out["low"].sum()),
        base=float(out["base"].sum()),
        high=float(out["high"].sum()),
        basis=result.facts["basis"],
        formula=formula,
        inputs=dict(inputs),
        by_client=out,
    )


def stands_twice(m: Metric) -> bool:
    """Whether an excess loss is still above zero by the clock twice as long: lost, not merely slower."""
    low = m.extra.get("twice_low")
    return low is not None and float(low) > 0.0


def excess_loss_effect(
    result: ChapterResult, m: Metric, clients: pd.DataFrame, step: int, formula: Text
) -> Effect | None:
    """Price an excess loss: the share lost beyond the matched clients × what the clients concerned bring a year.

    ``clients``: those concerned in the recent period (client_key, annual_value, still_away); the effect falls on
    those who have not ordered since, in proportion to their annual value, on all of them where everybody has.
    ``step``: every step-th client was followed; the sum is raised accordingly and cannot be allocated then. None
    where there is no excess.
    """
    assert m.value is not None
    value = clients["annual_value"].astype(float)
    total = float(value.sum()) * step
    if m.value <= 0 or total <= 0:
        return None
    margin = result.facts["margin_share"]
    factor = 1.0 if margin is None else float(margin)
    low, base, high = (
        max(0.0, min(1.0, v)) * total * factor
        for v in (m.low if m.low is not None else 0.0, m.value, m.high or m.value)
    )
    if margin is not None:
        formula = Text(f"{formula.ru} × доля валовой прибыли", f"{formula.en} × gross margin share")
    by_client = None
    if step == 1:
        away = clients["still_away"].astype(bool)
        who = clients[away] if bool(away.any()) and float(value[away].sum()) > 0 else clients
        part = who["annual_value"].astype(float)
        part = part / float(part.sum())
        by_client = pd.DataFrame(
            {
                "client_key": who["client_key"].to_numpy(),
                "low": low * part.to_numpy(),
                "base": base * part.to_numpy(),
                "high": high * part.to_numpy(),
            }
        )
    inputs = {"excess_loss": m.value, "annual_revenue": total, "clients": float(len(clients) * step)}
    return Effect(
        low=low,
        base=base,
        high=high,
        basis="revenue" if margin is None else "gross_profit",
        formula=formula,
        inputs=inputs if margin is None else {**inputs, "margin_share": factor},
        by_client=by_client,
    )
