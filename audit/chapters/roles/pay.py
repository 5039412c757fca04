"""What each role is asked to do beside what it is paid for: the matrix of pay (EK and TS call pay the main difficulty)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from audit.errors import Text
from audit.ground.lacks import missing_sheets
from audit.ground.norm import seller_of_type
from audit.method import method
from audit.model.case import Case
from audit.model.result import Metric, metric, no_metric

__all__ = ["COLUMNS", "own_work", "pay_matrix", "pay_metric"]

COLUMNS = ["role", "fixed_share", "paid", "own", "foreign", "for_nothing", "mismatch"]


def own_work(role: str, types: Sequence[str], held: Collection[str]) -> tuple[str, ...] | None:
    """Return what the variable pay of a role should be for; None where the role is not judged.

    Who keeps regular clients in a type of sale (an office seller, a developer in S) may be paid for it as a client manager is;
    without a key account manager key clients are the client managers' work.
    """
    roles = method().roles
    own = roles[role].paid_for
    if own is None:
        return None
    out = list(own)
    keeps = [seller_of_type(t) for t in types]
    if role in keeps and role != "KM":
        out += [c for c in roles["KM"].paid_for or () if c not in out]
    if "KAM" not in held and (role in ("KM", "SKM") or role in keeps):
        out += [c for c in roles["KAM"].paid_for or () if c not in out]
    return tuple(out)


def pay_matrix(pay: pd.DataFrame, types: Sequence[str], held: Collection[str]) -> pd.DataFrame:
    """Set beside each judged role what it is paid for.

    ``pay``: rows of the sheet. Columns: role, fixed_share, paid (codes), own (codes of the role's work), foreign (paid, another
    role's), for_nothing (variable pay for nothing of its own, or none at all where the role has work to be paid for),
    mismatch. A row that says neither what pay depends on nor that it is all fixed tells nothing and is left out.
    """
    rows = []
    for r in pay.to_dict("records"):
        role = str(r["role"])
        own = own_work(role, types, held)
        paid = tuple(r["pays_for"]) if isinstance(r["pays_for"], (tuple, list)) else ()
        fixed = None if pd.isna(r["fixed_share"]) else float(r["fixed_share"])
        if own is None or (not paid and (fixed is None or fixed < 1)):
            continue
        foreign = tuple(c for c in paid if c not in own)
        nothing = bool(own) and not set(paid) & set(own)
        rows.append((role, fixed, paid, own, foreign, nothing, bool(foreign) or nothing))
    return pd.DataFrame(rows, columns=COLUMNS)


def pay_metric(case: Case, types: Sequence[str], held: Collection[str]) -> tuple[Metric, pd.DataFrame]:
    """Return how many roles are not paid for their own work, and the matrix."""
    id = "roles.pay_mismatch"
    if missing := missing_sheets(case, "pay"):
        return no_metric(id, missing), pd.DataFrame(columns=COLUMNS)
    table = pay_matrix(case.questionnaire.table("pay"), types, held)
    if table.empty:
        return no_metric(
            id,
            Text(
                "На листе «Оплата» ни у одной роли, о которой метод судит, не сказано, за что ей платят",
                "The sheet “Pay” does not say of any role that the method judges what it is paid for",
            ),
        ), table
    return metric(id, float(table["mismatch"].sum()), n=len(table)), table
