"""Who works here now, in which roles, and under which code the report names them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from audit.ground.norm import DIAGNOSTIC, expand_roles, family_of
from audit.method import method
from audit.model.case import Case, sql_text

__all__ = [
    "FIRST_PERSONS",
    "SELLERS",
    "family_label",
    "hour_cost",
    "labels",
    "person_labels",
    "post_cost",
    "roles_by_person",
    "small_roles",
    "staff_now",
]

FIRST_PERSONS = ("OWN", "GD", "KD")
SELLERS = ("SR", "SOP", "KM", DIAGNOSTIC)
"""Families whose people sell: what is universal or drowning is looked for among them."""


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def family_label(role: object, role2: object = None) -> str | None:
    """Return the family of the first role, else of the second; None where no role was chosen."""
    for r in (_text(role), _text(role2)):
        if r is not None:
            return family_of(r)
    return None


def staff_now(
    staff: pd.DataFrame, as_of: dt.date, hours_per_month: float, types: Collection[str] = ("TC",)
) -> pd.DataFrame:
    """Return who is there on ``as_of``: people whose last day is not before it.

    Grain: one row per person. ``roles``: tuple of all roles whose work is the person's own (families expanded);
    ``family``: family of the first role, None where no role was chosen; ``fte`` (missing: 1);
    ``capacity_hours``: FTE × hours a month (missing: the company's); ``cost_month`` in money, NaN where unknown.
    A start after ``as_of`` does not exclude: the questionnaire is filled in after the export of the orders.
    """
    rows = []
    for r in staff.to_dict("records"):
        end = r.get("end")
        if end is not None and not pd.isna(end) and pd.Timestamp(end).date() < as_of:
            continue
        role, role2 = _text(r.get("role")), _text(r.get("role2"))
        fte = r.get("fte")
        fte = 1.0 if fte is None or pd.isna(fte) else float(fte)
        hours = r.get("hours_month")
        hours = hours_per_month if hours is None or pd.isna(hours) else float(hours)
        cost = r.get("cost_month")
        rows.append(
            {
                "person": str(r["person"]),
                "title": _text(r.get("title")),
                "role": role,
                "role2": role2,
                "family": family_label(role, role2),
                "roles": expand_roles((role, role2), types),
                "fte": fte,
                "capacity_hours": fte * hours,
                "cost_month": float("nan") if cost is None or pd.isna(cost) else float(cost),
            }
        )
    columns = ["person", "title", "role", "role2", "family", "roles", "fte", "capacity_hours", "cost_month"]
    frame = pd.DataFrame(rows, columns=columns)
    frame[["fte", "capacity_hours", "cost_month"]] = frame[["fte", "capacity_hours", "cost_month"]].astype(float)
    return frame.drop_duplicates("person", ignore_index=True)


def roles_by_person(staff: pd.DataFrame, types: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the expanded roles of everybody ever listed, leavers included: old orders carry them."""
    return {
        str(r["person"]): expand_roles((_text(r.get("role")), _text(r.get("role2"))), types)
        for r in staff.to_dict("records")
    }


def small_roles(staff: pd.DataFrame) -> tuple[str, ...]:
    """Return the families of one or two people: their figures are figures of persons, and the report says so."""
    sizes = staff.dropna(subset=["family"]).groupby("family").size()
    order = list(method().roles)
    return tuple(sorted((str(f) for f, n in sizes.items() if n < 3), key=order.index))


def labels(case: Case, others: Iterable[str] = ()) -> Mapping[str, str]:
    """Return how the report names each person: by code, or by name where ``[report] names`` asks for it.

    People of the staff sheet keep their code there, which is the key and stays in the engagement folder; a code
    that contains a blank or equals the name would give the name away and is replaced by role and number. Spellings
    met only in the orders become «вне списка 1» … in alphabetical order.
    """
    lang, names = case.settings.report.lang, case.settings.report.names
    out: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for r in case.questionnaire.table("staff").to_dict("records"):
        code, name = str(r["person"]), _text(r.get("name"))
        if names:
            out[code] = name or code
            continue
        if name is not None and (code == name or " " in code.strip() or code in name.split()):
            role = _text(r.get("role"))
            short = method().roles[role].short.get(lang) if role is not None and role in method().roles else "?"
            numbers[short] = numbers.get(short, 0) + 1
            out[code] = f"{short}-{numbers[short]}"
        else:
            out[code] = code
    stranger = "вне списка" if lang == "ru" else "not listed"
    strangers = sorted({str(o) for o in others} - set(out) - {"SYS"})
    for i, other in enumerate(strangers, 1):
        out[other] = other if names else f"{stranger} {i}"
    return out


def person_labels(case: Case, people: Iterable[str]) -> dict[str, str]:
    """Return how the report names these people; strangers are numbered among everybody named in the orders."""
    seen = case.query(sql_text("audit.ground", "managers"))["manager"]
    names = labels(case, [str(m) for m in seen])
    return {p: names.get(p, p) for p in sorted(set(people))}


def hour_cost(staff: pd.DataFrame, families: Collection[str]) -> float | None:
    """Return what an hour of these families costs: Σ cost ÷ Σ hours a month of those whose cost is given; else None."""
    part = staff[staff["family"].isin(list(families)) & staff["cost_month"].notna()]
    hours = float(part["capacity_hours"].sum())
    return float(part["cost_month"].sum()) / hours if hours > 0 else None


def post_cost(staff: pd.DataFrame, families: Collection[str]) -> float | None:
    """Return what a full-time post of these families costs a year, at their mean pay; None where no cost is given."""
    part = staff[staff["family"].isin(list(families)) & staff["cost_month"].notna() & (staff["fte"] > 0)]
    return float(part["cost_month"].sum() / part["fte"].sum()) * 12.0 if len(part) else None
