"""Three sources side by side: what people say (S), what the day log shows (L), what the orders prove (D).

Rule (methodology 5.3): a contradiction is |S − L| > 2·√(7² + SE²) percentage points, or order entry in the orders
(a lower bound of operational work) above S or L by 10 points. Nothing is pooled: all three are shown, and no
recommendation rests on a pair that contradicts itself.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import pandas as pd

from audit.method import method
from audit.model.result import Grade

__all__ = ["COLUMNS", "compare", "contradicts", "grade_of", "self_shares"]

COLUMNS = (
    "family",
    "group",
    "self_share",
    "self_share_logged",
    "log_share",
    "log_low",
    "log_high",
    "log_days",
    "log_people",
    "trace_share",
    "conflict",
    "conflict_kind",
    "sources",
    "grade",
)
_BY_SOURCES: dict[int, Grade] = {1: "C", 2: "B", 3: "A"}


def contradicts(
    said: float | None, logged: float | None, error: float, trace: float | None, self_error: float, excess: float
) -> str | None:
    """Return which sources contradict each other («self-log», «trace-self», «trace-log»), or None.

    Shares 0–1. ``error``: standard error of the log (NaN: unknown, no verdict on the log); ``self_error``: of a
    self-report, 0.07; ``excess``: by how much the trace must exceed the others, 0.10.
    """
    both = said is not None and logged is not None and not math.isnan(error)
    if both and abs(said - logged) > 2 * math.sqrt(self_error**2 + error**2):  # type: ignore[operator]
        return "self-log"
    if trace is not None:
        if said is not None and trace - said > excess:
            return "trace-self"
        if logged is not None and trace - logged > excess:
            return "trace-log"
    return None


def self_shares(hours: pd.DataFrame, weights: dict[str, float] | None = None) -> pd.DataFrame:
    """Return the reported share of hours per family × group (rows by group count as well as rows by function).

    ``weights``: logged hours by person; then only those people count, each with the weight of the own log, so that
    the report is compared with the log of the same people. Columns: family, group, share.
    """
    rows = hours.dropna(subset=["family"])
    total = rows.groupby("person")["hours"].transform("sum")
    rows = rows.assign(share=rows["hours"] / total, weight=total)
    if weights is not None:
        rows = rows[rows["person"].isin(list(weights))]
        rows = rows.assign(weight=rows["person"].map(weights).astype(float))
    if rows.empty:
        return pd.DataFrame(columns=["family", "group", "share"]).astype({"share": float})
    people = rows.drop_duplicates("person").groupby("family")["weight"].sum()
    rows = rows.assign(part=rows["share"] * rows["weight"])
    out = rows.groupby(["family", "group"])["part"].sum().reset_index()
    out["share"] = out["part"] / out["family"].map(people).astype(float)
    return out[["family", "group", "share"]]


def compare(
    said: pd.DataFrame,
    said_logged: pd.DataFrame,
    logged: pd.DataFrame,
    trace: pd.DataFrame,
    *,
    trace_known: bool,
    self_error: float,
    excess: float,
) -> pd.DataFrame:
    """Put the three sources beside each other, one row per family × group with any of them.

    ``said``, ``said_logged``: family, group, share. ``logged``: family, group, days, people, share, low, high,
    error. ``trace``: family, share (order entry ÷ the family's hours), compared with group OPER. Grade: A three
    sources agree, B two, C one, D they contradict. A trace is compared for OPER where authors are known
    (``trace_known``); being a lower bound, it agrees only where it comes within 2 × ``self_error`` of the report.
    ``sources`` counts what is compared.
    """
    families = list(dict.fromkeys([*said["family"], *logged["family"]]))
    s = {(r["family"], r["group"]): float(r["share"]) for r in said.to_dict("records")}
    sl = {(r["family"], r["group"]): float(r["share"]) for r in said_logged.to_dict("records")}
    lg = {(r["family"], r["group"]): r for r in logged.to_dict("records")}
    tr = {r["family"]: float(r["share"]) for r in trace.to_dict("records")}
    told, reported = set(said["family"]), set(said_logged["family"])
    rows = []
    for family in families:
        for group in method().groups:
            key = (family, group)
            mine = s.get(key, 0.0) if family in told else None
            log = lg.get(key)
            same = sl.get(key, 0.0) if family in reported and log is not None else None
            d = tr.get(family, 0.0) if trace_known and group == "OPER" else None
            log_share = None if log is None else float(log["share"])
            error = math.nan if log is None else float(log["error"])
            kind = contradicts(same, log_share, error, None, self_error, excess)
            if kind is None and d is not None:
                kind = contradicts(mine, log_share, math.nan, d, self_error, excess)
            sources = (mine is not None) + (log is not None) + (d is not None)
            if not mine and not log_share and not d:
                continue
            # A lower bound far below the report does not contradict it, but neither does it agree.
            near = d is not None and mine is not None and abs(d - mine) <= 2 * self_error
            agreeing = (mine is not None) + (log is not None) + near
            grade: Grade = "D" if kind is not None else _BY_SOURCES[max(agreeing, 1)]
            rows.append(
                (
                    family,
                    group,
                    mine,
                    same,
                    log_share,
                    None if log is None else log["low"],
                    None if log is None else log["high"],
                    0 if log is None else int(log["days"]),
                    0 if log is None else int(log["people"]),
                    d,
                    kind is not None,
                    kind,
                    sources,
                    grade,
                )
            )
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = ["self_share", "self_share_logged", "log_share", "log_low", "log_high", "trace_share"]
    frame[numbers] = frame[numbers].astype(float)
    return frame


def grade_of(evidence: pd.DataFrame, families: Collection[str], groups: Collection[str]) -> Grade:
    """Return the grade of a figure that rests on some roles and groups: D if any pair contradicts, else the weakest."""
    part = evidence[evidence["family"].isin(list(families)) & evidence["group"].isin(list(groups))]
    if part.empty:
        return "C"
    if bool(part["conflict"].any()):
        return "D"
    grades: list[Grade] = ["A", "B", "C"]
    return max((g for g in grades if g in set(part["grade"])), default="C")
