"""A client manager's week now and after relief, and what the freed hours are for: touches by class, size of the portfolio.

EK: what is taken off a client manager is taken off for the sake of the clients; a norm of touches by class says how many
clients one manager can keep, and so whether the freed hours are enough or more than enough.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from audit.ground.classes import CLASSES
from audit.method import method

__all__ = ["KINDS", "PARTS", "WEEKS_A_MONTH", "portfolio", "touch_kinds", "touch_plan", "week_of"]

WEEKS_A_MONTH = 365.25 / 12 / 7
PARTS: Mapping[str, tuple[str, ...]] = {
    "clients": ("FARM", "KAM"),
    "winning": ("LEAD", "HUNT"),
    "other": ("SOLN", "SUPPLY", "MGMT"),
    "overhead": ("OVHD",),
    "operational": ("OPER",),
    "freed": (),
}
"""Parts of the week and the groups of functions in them, in the order drawn; ``freed``: what relief sets free."""


KINDS: Mapping[str, tuple[str, ...]] = {
    "call": ("call", "phone", "звон", "тел"),
    "mail": ("mail", "e-mail", "email", "letter", "пис", "почт"),
    "meeting": ("meet", "visit", "встреч", "визит", "выезд"),
    "chat": ("chat", "messenger", "whatsapp", "telegram", "чат", "мессендж", "ватсап", "телеграм"),
}
"""Kinds of touches and how a CRM's own names for them begin; any other name stays as it stands."""


def touch_kinds(kinds: pd.Series) -> pd.Series:
    """Return the share of touches by kind, the commonest first; touches without a kind are left out."""
    given = kinds.dropna().astype(str).str.strip()
    named = [next((k for k, begins in KINDS.items() if v.casefold().startswith(begins)), v) for v in given[given != ""]]
    counts = pd.Series(named, dtype=object).value_counts()
    order = counts.reset_index().set_axis(["kind", "n"], axis=1).sort_values(["n", "kind"], ascending=[False, True])
    shares: pd.Series = order.set_index("kind")["n"].astype(float)
    return shares / shares.sum() if len(shares) else shares


def week_of(hours: pd.DataFrame, fte: float, freed: float) -> pd.DataFrame:
    """Return the week of one full-time client manager before and after relief.

    ``hours``: their rows of `work_hours` (a month); ``fte``: their posts; ``freed``: hours a month that can be handed over, at
    most the operational ones. Grain: one row per part of the week. Columns: part, now, after (hours a week per FTE); both sum
    to the same week.
    """
    known = {g: part for part, groups in PARTS.items() for g in groups}
    assert set(known) == set(method().groups)
    sums = hours.groupby(hours["group"].map(known))["hours"].sum().reindex(list(PARTS)).fillna(0.0).astype(float)
    now = sums / fte / WEEKS_A_MONTH
    moved = min(freed, float(sums["operational"])) / fte / WEEKS_A_MONTH
    after = now.copy()
    after["operational"] -= moved
    after["freed"] += moved
    return pd.DataFrame({"part": list(PARTS), "now": now.to_numpy(), "after": after.to_numpy()})


def touch_plan(clients: pd.DataFrame, made: pd.Series | None, months: float) -> pd.DataFrame:
    """Return how many hours a month the touches of the norm take, class by class.

    ``clients``: the clients asked for of `audit.ground.touches`, by client_key: label, touches, hours; ``made``: touches made by
    client (same index), None without the sheet; ``months`` they cover. Grain: one row per class with clients, "" for those
    without one. Columns: label, clients, norm (touches a month per client), hours (a month), made (touches a month per client,
    missing without the sheet).
    """
    rows = []
    for code in (*CLASSES, ""):
        mine = clients[clients["label"] == code]
        if mine.empty:
            continue
        seen = float("nan") if made is None else float(made.reindex(mine.index).fillna(0).sum()) / len(mine) / months
        rows.append((code, len(mine), float(mine["touches"].mean()), float(mine["hours"].sum()), seen))
    return pd.DataFrame(rows, columns=["label", "clients", "norm", "hours", "made"])


def portfolio(plan: pd.DataFrame, hours: float, fte: float) -> float:
    """Return how many clients of this mix one full-time manager can keep by the norm in so many hours a month of the team."""
    each = float(plan["hours"].sum()) / float(plan["clients"].sum())
    return hours / fte / each
