"""The chapter as a whole: what goes wrong, how often, for whom, and what becomes of clients afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.service.measures import (
    KINDS,
    heat_table,
    kind_table,
    promise_column,
    reason_table,
    services_table,
    unowned_processes,
)
from audit.errors import Text
from audit.ground.lacks import missing_columns, missing_sheets, too_few
from audit.ground.matched import Comparison, compare, prepare, twice_extra
from audit.ground.money import margin_of
from audit.ground.newcomers import mark_new
from audit.ground.people import staff_now
from audit.model.calendar import month_index
from audit.model.case import Case, sql_text
from audit.model.orders import FIELD_NAMES
from audit.model.result import ChapterResult, Metric, metric, no_metric

__all__ = ["diagnose"]

FOLLOWED_CLIENTS = 20_000
"""Clients at most in the comparison after a first failure: its interval is then a fraction of a point wide."""

NO_FAILURE_FIELDS = Text(
    "По заказам не видно, что пошло не так: нужны обещанная и фактическая даты отгрузки, процент отгрузки, рекламация "
    "или ошибка в документах — хотя бы одно из этого",
    "The orders do not show what went wrong: they need promised and actual shipping dates, the share "
    "shipped, complaints "
    "or errors in the papers, at least one of these",
)
NO_FAILURES = Text("Заказов со сбоем нет", "There are no orders that went wrong")
NO_SERVICES = Text(
    "На листе «Процессы и сервисы» нет ни одного из шести сервисов",
    "The sheet “Processes and services” names none of the six services",
)
UNITS = {
    "late": Text(
        "Заказов с обещанной и фактической датой отгрузки", "Orders with a promised and an actual shipping date"
    ),
    "short": Text("Заказов с известным процентом отгрузки", "Orders whose share shipped is known"),
    "complaint": Text("Заказов", "Orders"),
    "document_error": Text("Заказов", "Orders"),
}
TREATED = Text(
    "Клиентов с первым сбоем, для которых есть клиенты без сбоя с той же покупкой в том же месяце",
    "Clients with a first failure that have ones without at the same purchase in the same month",
)
_NEEDS = {"short": ("shipped_pct",), "complaint": ("complaint",), "document_error": ("document_error",)}
_METRIC = {
    "late": "service.late_share",
    "short": "service.short_share",
    "complaint": "service.complaint_share",
    "document_error": "service.document_error_share",
}


def _sql(name: str) -> str:
    return sql_text("audit.chapters.service", name)


def diagnose(case: Case) -> ChapterResult:
    """Return the figures of service (methodology 5.8).

    Tables: ``kinds`` (per kind of failure), ``months``, ``reasons``, ``heat`` (manager × month), ``services``,
    ``processes`` (functions that fail without an owner), ``failure_curve``, ``by_kind`` (loss after a first failure of
    each kind), ``after_failure`` (clients with a first failure in the recent period).
    """
    w = case.window
    same = _same_lag(case)
    promise = promise_column({f: case.has(f) and f not in same for f in ("promised_date", "requested_date")})
    column = promise or "promised_date"
    halves = case.query(_sql("kinds"), promise=column)
    kinds = kind_table(halves, case.thresholds.value("general.confidence_level"))
    taken = case.query(_sql("days_taken"), promise=column).iloc[0]
    tables: dict[str, pd.DataFrame] = {
        "kinds": kinds,
        "months": case.query(_sql("months"), promise=column),
        "reasons": reason_table(case.query(_sql("reasons"))),
    }
    metrics: list[Metric] = [
        _share_metric(case, kinds, "late", promise, same),
        _days_metric(case, taken, promise, same),
        _processing_metric(case, taken, same),
        *(_share_metric(case, kinds, kind, promise, same) for kind in ("short", "complaint", "document_error")),
        _return_metric(case),
        _services_metric(case, tables),
    ]
    seen = [k for k in KINDS if _reason(case, k, promise, same) is None]
    metrics += _failures(case, seen, column, tables)
    first = max(month_index(w.recent_start), month_index(w.start))
    months = list(range(first, month_index(w.as_of) + 1))
    cells = case.query(_sql("managers"), promise=column) if case.has("manager") and seen else None
    by_promise = "late" in seen
    tables["heat"] = (
        heat_table(cells, months, by_promise)
        if cells is not None
        else heat_table(pd.DataFrame({c: pd.Series(dtype=t) for c, t in _CELLS.items()}), months, by_promise)
    )
    facts: dict[str, Any] = {
        "promise": promise,
        "orders": int(halves["orders"].sum()),
        "seen": seen,
        "by_promise": by_promise,
        "overdue": int(halves["overdue"].sum()) if "late" in seen else 0,
        "same_lag": same,
        "margin_share": margin_of(case).share,
        "annual_revenue": case.annual_revenue,
        "start": w.start.isoformat(),
        "as_of": w.as_of.isoformat(),
        "recent_start": w.recent_start.isoformat(),
        "loss_gaps": case.thresholds.value("service.loss_gaps"),
        "reasons_given": int(tables["reasons"].loc[tables["reasons"]["reason"].notna(), "orders"].sum()),
        "complaints": int(tables["reasons"]["orders"].sum()),
    }
    return ChapterResult.of("service", metrics, tables, facts)


_CELLS = {
    "manager": "object",
    "month_index": "int64",
    "orders": "int64",
    "dated": "int64",
    "late": "int64",
    "failed": "int64",
}


def _same_lag(case: Case) -> dict[str, int]:
    """Return the dates that stand the same number of days after every order, and that number.

    Such a date is filled in by the system: it tells neither what was promised nor when it was done.
    """
    fields = [f for f in ("promised_date", "requested_date", "shipped_date") if case.has(f)]
    if not fields:
        return {}
    t = case.thresholds
    lags = case.query(_sql("lags"), fields=fields)
    enough = lags["known"] >= t.count("general.min_units")
    same = lags[enough & (lags["n"] > t.value("service.same_lag_share") * lags["known"])]
    return {str(f): int(d) for f, d in zip(same["field"], same["days"], strict=True)}


def _filled_by_system(field: str, days: int) -> Text:
    name = FIELD_NAMES[field]
    ru = "в день заказа" if days == 0 else f"через одно и то же число дней после заказа ({days})"
    en = "on the day of the order" if days == 0 else f"the same number of days after the order ({days})"
    return Text(
        f"«{name.ru[:1].upper()}{name.ru[1:]}» у всех заказов — {ru}: такую дату ставит система, и она ничего не говорит. "
        'Выгрузите настоящую; если срок и вправду всегда один — [thresholds] "service.same_lag_share" = 1',
        f"The {name.en} of every order is {en}: the system fills such a date in, and it tells nothing. Export the real one; "
        'if the term really never varies: [thresholds] "service.same_lag_share" = 1',
    )


def _reason(case: Case, kind: str, promise: str | None, same: Mapping[str, int]) -> Text | None:
    """Return why a kind of failure cannot be told from these orders, or None where it can.

    ``same``: dates that the system fills in, see `_same_lag`.
    """
    if kind != "late":
        return missing_columns(case, *_NEEDS[kind])
    dates = [f for f in ("promised_date", "requested_date", "shipped_date") if f in same]
    if promise is None and not any(case.has(f) for f in ("promised_date", "requested_date")):
        return missing_columns(case, "promised_date", "shipped_date")
    if reason := missing_columns(case, "shipped_date"):
        return reason
    if promise is None or "shipped_date" in same:
        field = "shipped_date" if "shipped_date" in same else dates[0]
        return _filled_by_system(field, same[field])
    return None


def _share_metric(case: Case, kinds: pd.DataFrame, kind: str, promise: str | None, same: Mapping[str, int]) -> Metric:
    """Return the share of orders with one kind of failure, whole window; the recent period stands in ``extra``."""
    id = _METRIC[kind]
    if reason := _reason(case, kind, promise, same):
        return no_metric(id, reason)
    r: dict[Any, Any] = kinds[kinds["kind"] == kind].iloc[0].to_dict()
    needed = case.thresholds.count("general.min_units")
    if int(r["known"]) < needed:
        return no_metric(id, too_few(int(r["known"]), needed, UNITS[kind]), n=int(r["known"]))
    recent = int(r["recent_known"]) >= needed
    more: dict[str, Any] = {"basis": promise} if kind == "late" else {}
    return metric(
        id,
        float(r["share"]),
        low=float(r["low"]),
        high=float(r["high"]),
        n=int(r["known"]),
        failed=int(r["failed"]),
        revenue_share=None if pd.isna(r["revenue_share"]) else float(r["revenue_share"]),
        recent_n=int(r["recent_known"]),
        recent_failed=int(r["recent_failed"]),
        recent_value=float(r["recent_share"]) if recent else None,
        recent_low=float(r["recent_low"]) if recent else None,
        recent_high=float(r["recent_high"]) if recent else None,
        **more,
    )


def _days_metric(case: Case, taken: pd.Series, promise: str | None, same: Mapping[str, int]) -> Metric:
    id = "service.late_days"
    if reason := _reason(case, "late", promise, same):
        return no_metric(id, reason)
    if pd.isna(taken["late_median"]):
        return no_metric(id, Text("Опоздавших заказов нет", "No order was late"))
    return metric(id, float(taken["late_median"]), p90=float(taken["late_p90"]))


def _processing_metric(case: Case, taken: pd.Series, same: Mapping[str, int]) -> Metric:
    id = "service.processing_days"
    if reason := missing_columns(case, "shipped_date"):
        return no_metric(id, reason)
    if "shipped_date" in same:
        return no_metric(id, _filled_by_system("shipped_date", same["shipped_date"]))
    n = int(taken["shipped"])
    if n == 0:
        return no_metric(id, Text("Отгруженных заказов нет", "No order was shipped"), n=0)
    return metric(id, float(taken["processing_median"]), n=n, p90=float(taken["processing_p90"]))


def _return_metric(case: Case) -> Metric:
    id = "service.return_share"
    rows = case.query(_sql("returns"))
    sold, back = float(rows["sold"].sum()), float(rows["returned"].sum())
    if sold <= 0:
        return no_metric(id, Text("Продаж за период нет", "Nothing was sold in the period"))
    recent = rows[rows["recent"] == 1]
    r_sold = float(recent["sold"].sum())
    return metric(
        id,
        back / sold,
        n=int(rows["return_lines"].sum()),
        returned=back,
        recent_value=float(recent["returned"].sum()) / r_sold if r_sold > 0 else None,
    )


def _services_metric(case: Case, tables: dict[str, pd.DataFrame]) -> Metric:
    id = "service.unowned_services"
    q = case.questionnaire
    processes, staff = q.table("processes"), q.table("staff")
    left: set[str] = set()
    if q.has("staff"):
        here = set(staff_now(staff, case.window.as_of, q.hours_per_month())["person"])
        left = set(staff["person"].astype(str)) - here
    tables["services"] = services_table(processes, left)
    tables["processes"] = unowned_processes(processes, left)
    if reason := missing_sheets(case, "processes"):
        return no_metric(id, reason)
    table = tables["services"]
    if not table["named"].any():
        return no_metric(id, NO_SERVICES, n=0)
    return metric(
        id,
        float(table["unowned"].sum()),
        n=len(table),
        no_owner=int(table["no_owner"].sum()),
        no_sla=int(table["no_sla"].sum()),
        services=[str(s) for s in table.loc[table["unowned"], "service"]],
    )


# --- after a first failure


def _failures(case: Case, seen: list[str], promise: str, tables: dict[str, pd.DataFrame]) -> list[Metric]:
    """Return the excess loss after a first failure and its p-value; fill in curve, kinds and the list of clients."""
    ids = ("service.failure_loss", "service.failure_p")
    tables["failure_curve"] = pd.DataFrame(columns=["gaps", "treated", "controls"])
    tables["by_kind"] = pd.DataFrame(columns=["kind", "clients", "treated", "controls", "difference", "low", "high"])
    tables["after_failure"] = pd.DataFrame(
        columns=["client_key", "client_name", "day", "annual_value", "lost", "still_away", "overdue", *KINDS]
    )
    if not seen:
        return [no_metric(id, NO_FAILURE_FIELDS) for id in ids]
    buyers = int((case.clients()["order_days"] > 0).sum())
    step = max(1, -(-buyers // FOLLOWED_CLIENTS))
    rows = case.query(_sql("until_failure"), promise=promise, step=step)
    if rows.empty or not (rows["failed"] == 1).any():
        return [no_metric(id, NO_FAILURES, n=0) for id in ids]
    # A client has no gap of its own before the second purchase, so no clock: the first purchase is left out.
    landmarks = prepare(rows, case.window.as_of)
    landmarks = landmarks[landmarks["purchase_no"] >= 2].reset_index(drop=True)
    t, as_of = case.thresholds, case.window.as_of
    settings: dict[str, Any] = {
        "loss_gaps": t.value("service.loss_gaps"),
        "as_of": as_of,
        "draws": t.count("general.bootstrap_draws"),
        "seed": t.count("general.bootstrap_seed"),
        "level": t.value("general.confidence_level"),
    }
    failed = (landmarks["failed"] == 1).to_numpy(dtype=np.bool_)
    c = compare(landmarks, failed, **settings)
    tables["failure_curve"] = c.curve
    tables["by_kind"] = _by_kind(landmarks, failed, seen, settings, t.count("general.min_units"))
    tables["after_failure"] = _after_failure(case, c)
    needed, e = t.count("general.min_units"), c.matched.effect
    if e.n < needed or e.value is None or e.low is None or c.p_value is None:
        return [no_metric(id, too_few(e.n, needed, TREATED), n=e.n, unmatched=c.matched.unmatched) for id in ids]
    loss = metric(
        ids[0],
        e.value,
        low=e.low,
        high=e.high,
        n=e.n,
        failed=c.matched.treated_figure,
        others=c.matched.control_figure,
        controls=c.matched.controls,
        unmatched=c.matched.unmatched,
        strata=c.matched.strata,
        sampled_step=step,
        loss_gaps=t.value("service.loss_gaps"),
        kinds=seen,
        **twice_extra(c, needed),
    )
    return [loss, metric(ids[1], c.p_value, n=e.n, slower=bool(c.slower))]


def _by_kind(
    landmarks: pd.DataFrame,
    failed: np.ndarray[Any, np.dtype[np.bool_]],
    seen: list[str],
    settings: dict[str, Any],
    needed: int,
) -> pd.DataFrame:
    """Return the excess loss after a first failure of each kind, one row per kind with enough clients."""
    rows = []
    for kind in seen:
        mine = failed & (landmarks[kind] == 1).to_numpy(dtype=np.bool_)
        keep = mine | ~failed
        if int(mine.sum()) < needed:
            continue
        c = compare(landmarks[keep].reset_index(drop=True), mine[keep], **settings)
        e = c.matched.effect
        if e.n < needed or e.value is None or e.low is None:
            continue
        rows.append(
            {
                "kind": kind,
                "clients": e.n,
                "treated": c.matched.treated_figure,
                "controls": c.matched.control_figure,
                "difference": e.value,
                "low": e.low,
                "high": e.high,
            }
        )
    return pd.DataFrame(rows, columns=["kind", "clients", "treated", "controls", "difference", "low", "high"])


def _after_failure(case: Case, c: Comparison) -> pd.DataFrame:
    """Return clients whose first failure lies in the recent period, the most valuable first.

    ``overdue``: not back, and silent for longer than the client's usual gap.

    Clients first met in the burn-in may have failed before the export begins; ``known_first`` says whether this one
    is new.
    """
    rows = c.rows[c.rows["treated"] & (c.rows["day"] >= pd.Timestamp(case.window.recent_start))]
    out = rows[["client_key", "day", "annual_value", "lost", *KINDS]].copy()
    out["still_away"] = ~rows["returned"].to_numpy(dtype=np.bool_)
    out["overdue"] = out["still_away"] & (rows["wait_days"] > rows["usual_days"])
    clients = case.clients()
    clients["known_first"] = mark_new(clients, case.window)
    out = out.merge(clients[["client_key", "client_name", "known_first"]], on="client_key", how="left")
    return out.sort_values(["annual_value", "client_key"], ascending=[False, True], ignore_index=True)
