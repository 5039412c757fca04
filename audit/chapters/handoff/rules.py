"""The rule: which hand-offs the type of sale requires, and what the company says about each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.ground.norm import PAIRS, family_of

__all__ = ["GRADUAL_PAIRS", "developer_rules", "form_mismatches", "pair_table", "required_pairs"]

GRADUAL_PAIRS = (("SR", "KM"), ("KM", "PM"))
"""In consultative sales the client manager and the project manager are brought in step by step (EK)."""
GRADUAL_TYPES = ("C", "CS")
UNFIT_FORMS = ("SCRIPT", "LETTER", "NONE")
SEEN_IN_ORDERS = ("TRG_N_SALES", "TRG_VOLUME", "TRG_TIME")
_GAP = {"yes": 0, "partly": 1, "no": 2}


def required_pairs(types: Sequence[str], held: Collection[str] | None) -> list[dict[str, Any]]:
    """Return the hand-offs that the types of sale in use require, in the order of the conveyor.

    ``held``: role families that somebody holds; None: unknown, all are taken as held. Keys: from_role, to_role, types,
    staffed. A telemarketer is a matter of choice in S and CS: without one the pair does not exist there.
    """
    out: dict[tuple[str, str], list[str]] = {}
    for t in types:
        for pair in PAIRS[t]:
            if pair[0] == "TM" and t in ("S", "CS") and held is not None and "TM" not in held:
                continue
            out.setdefault(pair, []).append(t)
    order = ["TM", "SR", "SOP", "KM", "PM"]
    return [
        {"from_role": a, "to_role": b, "types": tuple(ts), "staffed": held is None or (a in held and b in held)}
        for (a, b), ts in sorted(out.items(), key=lambda p: (order.index(p[0][0]), order.index(p[0][1])))
    ]


def _said(value: object) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    return value


def _gap(row: Mapping[Any, Any]) -> int:
    """Return 0 for a documented rule, 1 for a partly documented or only spoken one, 2 for none."""
    if _said(row["trigger"]) == "TRG_NONE":
        return 2
    documented = _said(row["documented"])
    if documented is not None:
        return _GAP[str(documented)]
    return 1 if _said(row["trigger"]) is not None else 2


def pair_table(pairs: Sequence[dict[str, Any]], handoffs: pd.DataFrame) -> pd.DataFrame:
    """Return what the company says about each required hand-off, one row per pair.

    ``handoffs``: the questionnaire's table. Roles are matched by family (a senior client manager is a client manager).
    Columns: from_role, to_role, types, staffed; ``gap`` 0 documented, 1 partly (or a trigger is named and nothing is
    said of paper), 2 no rule, missing where one of the stations is empty; ``named`` whether the sheet has a row for the
    pair; trigger, k, amount, days, form, pack (number of things handed over), deadline_days, pay_after, documented:
    those of the best documented row.
    """
    rows = [
        {**r, "_from": family_of(str(r["from_role"])), "_to": family_of(str(r["to_role"]))}
        for r in handoffs.to_dict("records")
    ]
    out = []
    for pair in pairs:
        mine = [r for r in rows if (r["_from"], r["_to"]) == (pair["from_role"], pair["to_role"])]
        best = min(mine, key=_gap, default=None)
        gap = None if not pair["staffed"] else 2 if best is None else _gap(best)
        said = {
            k: _said(best[k]) if best is not None else None
            for k in ("trigger", "k", "amount", "days", "form", "deadline_days", "pay_after", "documented")
        }
        pack = _said(best["pack"]) if best is not None else None
        out.append(
            {
                **pair,
                "types": ", ".join(pair["types"]),
                "gap": gap,
                "named": best is not None,
                **said,
                "pack": None if not pack else len(pack),
            }
        )
    columns = [
        "from_role",
        "to_role",
        "types",
        "staffed",
        "gap",
        "named",
        "trigger",
        "k",
        "amount",
        "days",
        "form",
        "pack",
        "deadline_days",
        "pay_after",
        "documented",
    ]
    frame = pd.DataFrame(out, columns=columns)
    numbers = ["gap", "k", "amount", "days", "pack", "deadline_days"]
    frame[numbers] = frame[numbers].astype(float)
    return frame


def form_mismatches(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the consultative hand-offs whose form is known, with ``mismatch``: a script, a letter or nothing at all.

    ``pairs``: rows of `pair_table`. Only pairs with a rule: where there is none the missing rule is the finding. EK: in
    consultative sales the receiving person joins gradually; a joint meeting is a step of that and passes.
    """
    gradual = [
        (a, b) in GRADUAL_PAIRS and any(t in GRADUAL_TYPES for t in types.split(", "))
        for a, b, types in zip(pairs["from_role"], pairs["to_role"], pairs["types"], strict=True)
    ]
    rows = pairs[np.array(gradual, dtype=np.bool_) & (pairs["gap"] < 2) & pairs["form"].notna()]
    return rows.assign(mismatch=rows["form"].isin(UNFIT_FORMS))


def developer_rules(handoffs: pd.DataFrame, takers: Collection[str], default_k: float | None) -> list[dict[str, Any]]:
    """Return the rules of the hand-off from developer to client manager that can be checked in the orders.

    ``takers``: families that take clients over. Keys: trigger, k, amount, days, deadline_days (0 where not said). A
    rule «after the k-th sale» without its number takes the company's own answer ``default_k``; a trigger that leaves
    no trace in the orders (a deal signed) is left out.
    """
    out: list[dict[str, Any]] = []
    for r in handoffs.to_dict("records"):
        if family_of(str(r["from_role"])) != "SR" or family_of(str(r["to_role"])) not in takers:
            continue
        trigger = _said(r["trigger"])
        if trigger is None and _said(r["k"]) is not None:
            trigger = "TRG_N_SALES"
        k = _said(r["k"]) if _said(r["k"]) is not None else default_k
        number = {"TRG_N_SALES": k, "TRG_VOLUME": _said(r["amount"]), "TRG_TIME": _said(r["days"])}.get(str(trigger))
        if trigger not in SEEN_IN_ORDERS or number is None:
            continue
        out.append(
            {"trigger": trigger, "number": float(number), "deadline_days": float(_said(r["deadline_days"]) or 0.0)}
        )
    return out
