"""Whose work is it: the norm of the conveyor for the types of sale in use (methodology, sections 2 and 5).

A company may sell in several types at once. Whose part of the business a person's work serves is told by
`audit.ground.parts.served_parts`; that part's type judges it. Where it is not known, a function is foreign only if it is
foreign under *every* type in use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import pandas as pd

from audit.method import method
from audit.model.case import Case

__all__ = [
    "DIAGNOSTIC",
    "PAIRS",
    "Kind",
    "Norm",
    "Verdict",
    "expand_roles",
    "family_of",
    "norm_of",
    "seller_of_type",
    "type_shares",
]

Kind = Literal["own", "allowed", "outside", "overhead", "foreign", "unknown"]
"""Whose work a person × function cell is. ``outside``: not in the conveyor of this type, shown, never foreign;
``unknown``: a group row whose functions belong to different roles, or a person whose role was not chosen."""

DIAGNOSTIC = "UNI"
"""The universal seller: a name for the disease, not a station; judged as the seller of the type."""

PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "T": (("TM", "SR"), ("SR", "SOP")),
    "TC": (("TM", "SR"), ("SR", "KM")),
    "C": (("TM", "SR"), ("SR", "KM"), ("KM", "PM")),
    "CS": (("TM", "SR"), ("SR", "KM"), ("KM", "PM")),
    "S": (("TM", "SR"), ("SR", "PM")),
}
"""Hand-offs along the conveyor of each type of sale (EK tables 2 and 3); in S and CS the first one where a ТМ
exists."""

_BETTER: tuple[Kind, ...] = ("own", "allowed", "outside", "foreign")


@lru_cache(maxsize=1)
def _families() -> dict[str, tuple[str, ...]]:
    roles = method().roles
    return {code: tuple(r.code for r in roles.values() if r.family == spec.family) for code, spec in roles.items()}


def family_of(role: str) -> str:
    """Return the family whose hours are judged together: SKM and KAM are client managers."""
    return method().roles[role].family


def seller_of_type(sale_type: str) -> str:
    """Return the role that keeps regular clients in a type of sale: КМ; СОП in T; СР in S."""
    return {"T": "SOP", "S": "SR"}.get(sale_type, "KM")


def expand_roles(roles: Iterable[str | None], types: Collection[str]) -> tuple[str, ...]:
    """Return every role whose work the holder of ``roles`` may call own: the whole family of each.

    A person with two roles owns the work of both; a universal seller counts as the seller of the types in use.
    """
    out: list[str] = []
    for role in roles:
        if role is None or role != role or role == "":
            continue
        out += [r for r in (role, *_families()[role]) if r not in out]
        if role == DIAGNOSTIC:
            out += [r for t in types for r in _families()[seller_of_type(t)] if r not in out]
    return tuple(out)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whose work a cell is: kind, and the role that owns it (None for overhead, outside and unknown)."""

    kind: Kind
    owner: str | None


@dataclass(frozen=True)
class Norm:
    """The types of sale in use (leading type first) and the roles that somebody in the company holds."""

    types: tuple[str, ...]
    held: frozenset[str] = frozenset()

    def for_part(self, part: str) -> Norm:
        """Return the norm of one part of the business; that of all types together for work of no known part ("")."""
        return Norm((part,), self.held) if part else self

    def primary(self, function: str) -> tuple[str, ...]:
        """Return the owners of a function over the types in use, leading type first."""
        spec = method().functions[function]
        out: list[str] = []
        for t in self.types:
            out += [r for r in spec.owners[t].primary if r not in out]
        return tuple(out)

    def allowed(self, function: str) -> tuple[str, ...]:
        """Return the roles that may do a function without owning it, over the types in use."""
        spec = method().functions[function]
        out: list[str] = []
        for t in self.types:
            out += [r for r in spec.owners[t].allowed if r not in out]
        return tuple(out)

    def in_conveyor(self, function: str) -> bool:
        """Whether the function belongs to the conveyor of any type in use."""
        spec = method().functions[function]
        return any(spec.owners[t].in_conveyor for t in self.types)

    def owner(self, function: str) -> str | None:
        """Return the role a function should go to: the first owner somebody holds, else the first owner."""
        owners = self.primary(function) or self.allowed(function)
        return next((r for r in owners if r in self.held), owners[0] if owners else None)

    def of_function(self, function: str, roles: Collection[str]) -> Verdict:
        """Judge one function for the holder of ``roles`` (already expanded to families); no roles: unknown."""
        spec = method().functions[function]
        if spec.group == "OVHD":
            return Verdict("overhead", None)
        if not roles:
            return Verdict("unknown", None)
        kinds: set[Kind] = set()
        own: str | None = None
        for t in self.types:
            owners = spec.owners[t]
            mine = next((r for r in owners.primary if r in roles), None)
            may = next((r for r in owners.allowed if r in roles), None)
            if mine is not None:
                kinds.add("own")
                own = own or mine
            elif may is not None:
                kinds.add("allowed")
                own = own or may
            elif not owners.in_conveyor:
                kinds.add("outside")
            else:
                kinds.add("foreign")
        kind = next(k for k in _BETTER if k in kinds)
        if kind == "outside":
            return Verdict(kind, None)
        return Verdict(kind, own if kind in ("own", "allowed") else self.owner(function))

    def of_group(self, group: str, roles: Collection[str]) -> Verdict:
        """Judge a row that names only a group: foreign or own if all its functions agree, else unknown."""
        if group == "OVHD":
            return Verdict("overhead", None)
        verdicts = [self.of_function(f, roles) for f in method().functions_of(group)]
        kinds = {v.kind for v in verdicts}
        if kinds == {"foreign"}:
            return Verdict("foreign", None)
        if kinds <= {"own", "allowed", "outside"}:
            return Verdict("own", None)
        return Verdict("unknown", None)


_SHARES = """
SELECT segment, sku_group, {{ double('coalesce(sum(amount), 0)') }} AS revenue
FROM lines
WHERE order_date >= {{ lit(since) }} AND order_date <= {{ lit(w.as_of) }}
GROUP BY segment, sku_group
"""


def type_shares(parts: pd.DataFrame, revenue: pd.DataFrame, default: str) -> dict[str, float]:
    """Tell what share of revenue is sold in each type of sale.

    ``parts``: rows of the questionnaire's table ``sale_types`` (dimension, value, sale_type). ``revenue``: one row per
    segment × sku_group with ``revenue``. A rule for an item group goes before a rule for a segment, because it is
    narrower; what no rule covers is sold in the ``default`` type. Net-negative cells count as nothing.
    """
    rules = {
        (str(r["dimension"]), str(r["value"]).strip().casefold()): str(r["sale_type"]) for r in parts.to_dict("records")
    }
    out: dict[str, float] = {}
    for row in revenue.to_dict("records"):
        found = default
        for dimension in ("sku_group", "segment"):
            value = row[dimension]
            if isinstance(value, str) and (dimension, value.strip().casefold()) in rules:
                found = rules[dimension, value.strip().casefold()]
                break
        out[found] = out.get(found, 0.0) + max(float(row["revenue"]), 0.0)
    total = sum(out.values())
    return {t: v / total for t, v in out.items()} if total > 0 else {default: 1.0}


def _shares(case: Case) -> dict[str, float]:
    w = case.window
    revenue = case.query(_SHARES, since=max(w.recent_start, w.start))
    return type_shares(case.questionnaire.table("sale_types"), revenue, case.sale_type.used)


def norm_of(case: Case, held: Iterable[str] = ()) -> tuple[Norm, dict[str, float]]:
    """Return the norm in force and the revenue share of each type of sale in use.

    Without table ``sale_types`` the one type of the case counts. With it, a type counts from the revenue share
    ``model.type_min_revenue_share`` on: a crumb of strategic deals must not turn everybody's foreign work into own.
    """
    default = case.sale_type.used
    if not case.questionnaire.has("sale_types"):
        return Norm((default,), frozenset(held)), {default: 1.0}
    shares = case.once("type_shares", lambda: _shares(case))
    least = case.thresholds.value("model.type_min_revenue_share")
    used = sorted((t for t, s in shares.items() if s >= least), key=lambda t: (-shares[t], t))
    return Norm(tuple(used) or (default,), frozenset(held)), shares
