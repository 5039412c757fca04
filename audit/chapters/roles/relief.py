"""Relief: how much of the client managers' operational work can be handed over, by whom, and what that would free.

EK: one person on routine work relieves up to five managers and frees up to 20 % of each one's time. That is their
statement, printed beside what follows here from the hours: transferable share τ of every function, low / base /
high.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.ground.norm import Norm
from audit.method import Thresholds, method
from audit.stats.montecarlo import Floats, Propagated, Range, propagate

__all__ = [
    "KINDS",
    "RELIEVERS",
    "SELLING_GROUPS",
    "Relief",
    "capacity_uplift",
    "foreign_operations",
    "freed_by_person",
    "idle_hours",
    "relief",
    "relief_kinds",
    "selling_share",
    "transferable",
    "transferable_shares",
]

RELIEVERS = ("OP", "BO", "SOP")
"""Families whose documented idle hours could take routine work over."""
SELLING_GROUPS = ("LEAD", "HUNT", "FARM", "KAM")
WAITING = "OV_WAIT"

Three = tuple[float, float, float]


def transferable_shares(thresholds: Thresholds) -> dict[str, Three]:
    """Return τ (low, base, high) per operational function; ``OPER`` (hours given by group) takes their plain mean."""
    out = {f: thresholds.range(f"roles.transferable_{f}") for f in method().functions_of("OPER")}
    low, base, high = (float(np.mean([t[i] for t in out.values()])) for i in range(3))
    return {**out, "OPER": (low, base, high)}


def foreign_operations(hours: pd.DataFrame, family: str, notes_share: float) -> pd.DataFrame:
    """Return the foreign operational hours of a family, own CRM notes taken off.

    Grain: person × function × part of the business (or ``OPER`` for hours given by group that are surely foreign). Columns: person,
    function, hours (a month), owner (role it should go to; None by group).
    """
    rows = hours[(hours["family"] == family) & (hours["group"] == "OPER") & (hours["kind"] == "foreign")]
    all_hours = hours.groupby(["person", "part"])["hours"].transform("sum")
    out = rows[["person", "function", "hours", "owner"]].copy()
    crm = out["function"] == "OPS_CRM"
    notes = out["hours"].clip(upper=notes_share * all_hours[rows.index])
    out["hours"] = out["hours"] - notes.where(crm, 0.0)
    return out[out["hours"] > 1e-12].reset_index(drop=True)


def transferable(operations: pd.DataFrame, tau: Mapping[str, Three], norm: Norm) -> pd.DataFrame:
    """Return, per function, how many of the foreign hours can be handed over and to whom: the pencil table.

    Grain: one row per function. Columns: function, receiver (role), receiver_held, hours, tau_low, tau_base,
    tau_high, low, base, high (transferable hours a month = hours × τ). Sorted by base, largest first. Where the parts of
    the business have different owners, the one of most hours receives.
    """
    sums = operations.groupby("function")["hours"].sum().reset_index()
    owners = operations.groupby(["function", "owner"])["hours"].sum().sort_values(kind="stable").reset_index()
    most = owners.drop_duplicates("function", keep="last").set_index("function")["owner"]
    sums["receiver"] = [most.get(f) for f in sums["function"]]
    sums["receiver_held"] = [r in norm.held for r in sums["receiver"]]
    for i, name in enumerate(("low", "base", "high")):
        sums[f"tau_{name}"] = [tau[f][i] for f in sums["function"]]
        sums[name] = sums["hours"] * sums[f"tau_{name}"]
    columns = [
        "function",
        "receiver",
        "receiver_held",
        "hours",
        "tau_low",
        "tau_base",
        "tau_high",
        "low",
        "base",
        "high",
    ]
    return sums[columns].sort_values(["base", "function"], ascending=[False, True], ignore_index=True)


KINDS = ("clerk", "coordinator", "back_office", "other")
"""Kinds of relief: an operations clerk enters and reserves, a coordinator follows production and dispatch, the back office
writes papers and offers."""


def relief_kinds(pencil: pd.DataFrame, unit: float) -> pd.DataFrame:
    """Return how many people of each kind the transferable work asks for, before idle hours are taken off.

    ``pencil``: rows of `transferable`; ``unit``: useful hours of a full-time person. Grain: one row per kind with work.
    Columns: kind, hours (base), low, base, high (FTE). Hours given by group alone are of no kind («other»).
    """
    functions = method().functions
    kinds = [functions[f].relief or "other" if f in functions else "other" for f in pencil["function"]]
    sums = pencil.assign(kind=kinds).groupby("kind")[["low", "base", "high"]].sum().reindex(KINDS).dropna()
    out = (sums / unit).reset_index()
    out.insert(1, "hours", sums["base"].to_numpy())
    return out[out["hours"] > 0].reset_index(drop=True)


def freed_by_person(
    operations: pd.DataFrame, persons: pd.DataFrame, tau: Mapping[str, Three], most: float
) -> pd.DataFrame:
    """Return what handing over would free for each manager.

    ``persons``: person, hours. Columns: person, hours, low, base, high (transferable hours a month), freed_share
    (base ÷ hours), ek_hours (base, but at most ``most`` of the hours: EK's 20 %).
    """
    out = persons[["person", "hours"]].copy()
    for i, name in enumerate(("low", "base", "high")):
        part = operations["hours"] * operations["function"].map({f: t[i] for f, t in tau.items()}).astype(float)
        out[name] = out["person"].map(part.groupby(operations["person"]).sum()).astype(float).fillna(0.0)
    out["freed_share"] = (out["base"] / out["hours"]).where(out["hours"] > 0, 0.0)
    out["ek_hours"] = np.minimum(out["base"], most * out["hours"])
    return out.reset_index(drop=True)


def idle_hours(hours: pd.DataFrame) -> pd.DataFrame:
    """Return the documented idle hours (OV_WAIT) a month of the roles that could relieve. Columns: family, hours."""
    rows = hours[(hours["function"] == WAITING) & hours["family"].isin(RELIEVERS)]
    return rows.groupby("family")["hours"].sum().reset_index()


@dataclass(frozen=True)
class Relief:
    """Relief FTE low / base / high, the idle hours that count against it, the shortage, and EK's rule beside it."""

    transferable_hours: Three
    fte: Three
    idle_hours: float
    shortage_fte: Three
    ek_fte: float
    """Σ min(transferable, 20 % of hours) ÷ full-time hours: what EK's promise would free, as people."""
    ek_people: float
    """Managers' FTE ÷ 5: how many relief people EK's ratio allots to a team of this size."""


def relief(
    freed: pd.DataFrame, idle: float, *, hours_per_month: float, utilisation: float, per_managers: float
) -> Relief:
    """Turn transferable hours into full-time people: hours ÷ (hours a month × utilisation).

    The shortage is what is left after the documented idle hours of operations clerks, back office and office sellers,
    never below zero.
    """
    unit = hours_per_month * utilisation
    low, base, high = (float(freed[name].sum()) for name in ("low", "base", "high"))
    return Relief(
        transferable_hours=(low, base, high),
        fte=(low / unit, base / unit, high / unit),
        idle_hours=idle,
        shortage_fte=(max(low - idle, 0.0) / unit, max(base - idle, 0.0) / unit, max(high - idle, 0.0) / unit),
        ek_fte=float(freed["ek_hours"].sum()) / hours_per_month,
        ek_people=float(freed["hours"].sum()) / hours_per_month / per_managers,
    )


def selling_share(hours: pd.DataFrame, family: str) -> float | None:
    """Return the share of a family's hours on winning, growing and key-client work; None without hours."""
    mine = hours[hours["family"] == family]
    total = float(mine["hours"].sum())
    return float(mine.loc[mine["group"].isin(SELLING_GROUPS), "hours"].sum()) / total if total > 0 else None


def capacity_uplift(
    selling: float, freed: Three, reinvested: Three, elasticity: Three, most_ratio: float, *, draws: int, seed: int
) -> Propagated:
    """Return the relative growth of sales that freed time could bring: ((s + φΔ)/s)^ε − 1.

    ``selling``: s, selling share of hours, above 0; ``freed``: Δ, freed share of hours; ``reinvested``: φ, part of it
    that turns into selling; ``elasticity``: ε of sales to selling time. Selling time is taken to multiply by
    ``most_ratio`` at most: elasticities were measured on modest changes. Low and high: 95 % of 20 000 independent
    draws; base: every input at its base.
    """
    if selling <= 0:
        raise ValueError("without selling hours the formula has no meaning")

    def uplift(delta: Floats, phi: Floats, epsilon: Floats) -> Floats:
        ratio = np.minimum((selling + phi * delta) / selling, most_ratio)
        return np.asarray(ratio**epsilon - 1.0, dtype=np.float64)

    ranges = {"delta": Range(*freed), "phi": Range(*reinvested), "epsilon": Range(*elasticity)}
    return propagate(uplift, ranges, draws=draws, seed=seed)
