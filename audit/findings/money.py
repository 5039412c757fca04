"""The money ledger: what everything found is worth a year, each client counted once (methodology, section 4).

Effects of several findings overlap: a sleeping client is also a lost one. Per client the effect with the largest base
counts, with its own low and high, capped at what the client brings in a year. Effects that no client can be named for
stay outside the headline and are listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from audit.findings.finding import Effect, Finding
from audit.ground.money import margin_of
from audit.method import method
from audit.model.case import Case

__all__ = ["Amount", "Ledger", "annual_figure", "make_ledger"]


@dataclass(frozen=True, slots=True)
class Amount:
    """Low, base and high of a sum a year."""

    low: float
    base: float
    high: float


@dataclass(frozen=True)
class Ledger:
    """What the findings are worth together.

    ``by_client`` has one row per client: client_key, finding (whose effect counts), low, base, high, cap, parts (sum of
    the bases of all effects on the client). ``outside`` are findings whose effect is not allocated, or in another basis.
    """

    basis: str
    headline: Amount
    sum_of_parts: Amount
    findings: tuple[str, ...]
    outside: tuple[str, ...]
    by_client: pd.DataFrame


_TWO_YEARS = """
SELECT client_key,
       {{ double('sum(CASE WHEN is_recent = 1 THEN revenue END)') }} AS revenue_recent,
       {{ double('sum(CASE WHEN is_recent = 0 THEN revenue END)') }} AS revenue_prior
FROM (
  SELECT client_key, revenue, CASE WHEN day >= {{ lit(w.recent_start) }} THEN 1 ELSE 0 END AS is_recent
  FROM client_day WHERE day >= {{ lit(w.prior_start) }}
) AS year
GROUP BY client_key
ORDER BY client_key
"""
_COLUMNS = ("client_key", "finding", "low", "base", "high", "cap", "parts")


def annual_figure(case: Case) -> pd.DataFrame:
    """Return what each client brings a year: the larger of the last 12 months and the 12 before; never negative.

    One row per client: client_key, revenue, gross_profit (by the company's one margin; revenue where none is known).
    """
    year = case.query(_TWO_YEARS)
    revenue = year[["revenue_recent", "revenue_prior"]].max(axis=1).clip(lower=0).fillna(0.0)
    profit = (revenue * margin_of(case).of(year["client_key"])).clip(lower=0)
    return pd.DataFrame({"client_key": year["client_key"], "revenue": revenue, "gross_profit": profit})


def make_ledger(findings: Sequence[Finding], annual: pd.DataFrame) -> Ledger | None:
    """Count each client's largest effect once over what is ``found``; None where nothing found has an effect.

    ``annual`` is `annual_figure`.
    Findings that are only watched, or of grade D, are left out: nothing is promised on them.
    """
    standing = [f for f in findings if f.status == "found" and f.grade != "D" and f.effect is not None]
    order = list(method().findings)
    standing.sort(key=lambda f: order.index(f.id))
    if not standing:
        return None
    effects: Mapping[str, Effect] = {f.id: f.effect for f in standing if f.effect is not None}
    basis = "gross_profit" if any(e.basis == "gross_profit" for e in effects.values()) else "revenue"
    parts = [
        e.by_client.assign(finding=id)[["client_key", "finding", "low", "base", "high"]]
        for id, e in effects.items()
        if e.by_client is not None and e.basis == basis and len(e.by_client)
    ]
    inside = tuple(id for id, e in effects.items() if e.by_client is not None and e.basis == basis and len(e.by_client))
    outside = tuple(id for id in effects if id not in inside)
    if not parts:
        nothing = Amount(0.0, 0.0, 0.0)
        return Ledger(basis, nothing, nothing, (), outside, pd.DataFrame(columns=list(_COLUMNS)))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.sort_values(["client_key", "base", "finding"], ascending=[True, False, True], ignore_index=True)
    chosen = rows.groupby("client_key", as_index=False).first()
    chosen["parts"] = chosen["client_key"].map(rows.groupby("client_key")["base"].sum())
    known = annual.set_index("client_key")
    # A client without turnover in both years (long asleep) has no annual figure to be capped at.
    chosen["cap"] = chosen["client_key"].map(known[basis])
    for name in ("low", "base", "high"):
        capped = chosen[name].where(chosen["cap"].isna(), chosen[[name, "cap"]].min(axis=1))
        chosen[name] = capped
    headline = Amount(*(float(chosen[c].sum()) for c in ("low", "base", "high")))
    total = Amount(*(float(rows[c].sum()) for c in ("low", "base", "high")))
    return Ledger(basis, headline, total, inside, outside, chosen[list(_COLUMNS)])
