"""The data chapter: what came in, what was left out and why, and what that means for the conclusions."""

from __future__ import annotations

import math

import pandas as pd

from audit.errors import Text
from audit.model.case import Case, sql_text
from audit.model.intake_report import FOREIGN
from audit.model.result import ChapterResult, Metric, metric, no_metric

__all__ = ["diagnose", "gap_months", "top_share"]


def top_share(revenue: pd.Series, share: float = 0.2) -> tuple[float | None, int]:
    """Return the revenue share of the largest ``share`` of clients (their number rounded up) and that number.

    Grain of ``revenue``: one value per client, net, money. None where nothing was sold. Ties do not matter: equal
    clients bring equal revenue.
    """
    total = float(revenue.sum())
    k = math.ceil(share * len(revenue) - 1e-12)
    if total <= 0 or k == 0:
        return None, k
    return float(revenue.sort_values(ascending=False).head(k).sum()) / total, k


def gap_months(months: pd.Series) -> list[int]:
    """Return the month indices without a single order between the first and the last month that has one."""
    present = {int(m) for m in months}
    return [m for m in range(min(present), max(present) + 1) if m not in present] if present else []


def diagnose(case: Case) -> ChapterResult:
    """Return figures and tables about the data of the engagement.

    Tables: ``months`` (one row per month: revenue, margin, orders, clients), ``files``, ``columns``, ``set_aside``,
    ``people``, ``duplicate_clients``, ``control_sums``, ``coverage`` (one row per field: share of revenue that has it).
    """
    intake = case.intake
    data_rows = intake.rows_read - intake.service_rows
    months = case.query(sql_text("audit.chapters.data", "months"))
    clients = case.clients()
    buyers = clients[clients["order_days"] > 0]
    metrics: list[Metric] = [
        metric("data.rows_used_share", intake.rows_used / data_rows, n=data_rows)
        if data_rows
        else no_metric("data.rows_used_share", Text("Строк не прочитано", "No rows were read"))
    ]
    top, k = top_share(buyers["revenue"])
    metrics.append(
        metric("data.top20_revenue_share", top, n=len(buyers), clients_in_top=k)
        if top is not None
        else no_metric("data.top20_revenue_share", Text("Нет клиентов с покупками", "No client has bought"))
    )
    tables = {
        "months": months,
        "files": pd.DataFrame(
            [
                {
                    "file": f.name,
                    "format": f.format,
                    "encoding": f.encoding,
                    "sheet": f.sheet,
                    "rows_read": f.rows_read,
                    "rows_used": f.rows_used,
                    "rows_set_aside": f.rows_set_aside - f.rows_service,
                    "rows_service": f.rows_service,
                    "sha256": f.sha256,
                }
                for f in intake.files
            ]
        ),
        "columns": pd.DataFrame(
            [{"file": c.file, "header": c.header, "field": c.field, "how": c.how} for c in intake.columns],
            columns=["file", "header", "field", "how"],
        ),
        "set_aside": pd.DataFrame(
            [
                {
                    "code": s.code,
                    "rows": s.rows,
                    "revenue": None if s.code == FOREIGN else s.revenue,
                    "example": s.example,
                    "ru": s.text.ru,
                    "en": s.text.en,
                }
                for s in intake.set_aside
            ],
            columns=["code", "rows", "revenue", "example", "ru", "en"],
        ),
        "people": pd.DataFrame(
            [
                {
                    "spelling": p.spelling,
                    "field": p.field,
                    "person": p.person,
                    "how": p.how,
                    "rows": p.rows,
                    "revenue_share": p.revenue_share,
                    "proposal": p.proposal,
                }
                for p in intake.people
            ],
            columns=["spelling", "field", "person", "how", "rows", "revenue_share", "proposal"],
        ),
        "duplicate_clients": pd.DataFrame(
            [
                {
                    "name_a": d.name_a,
                    "name_b": d.name_b,
                    "similarity": d.similarity,
                    "revenue_a": d.revenue_a,
                    "revenue_b": d.revenue_b,
                    "reason": d.reason,
                }
                for d in intake.duplicate_clients
            ],
            columns=["name_a", "name_b", "similarity", "revenue_a", "revenue_b", "reason"],
        ),
        "control_sums": pd.DataFrame(
            [
                {"file": c.file, "label": c.label, "stated": c.stated, "counted": c.counted, "agrees": c.agrees}
                for c in intake.control_sums
            ],
            columns=["file", "label", "stated", "counted", "agrees"],
        ),
        "coverage": pd.DataFrame(
            [{"field": f, "share": intake.field_coverage.get(f, 0.0)} for f in intake.fields],
            columns=["field", "share"],
        ),
    }
    w = case.window
    gaps = gap_months(months["month_index"])
    facts = {
        "rows_read": intake.rows_read,
        "rows_used": intake.rows_used,
        "rows_set_aside": intake.rows_set_aside - intake.service_rows,
        "rows_service": intake.service_rows,
        "files": len(intake.files),
        "clients": len(buyers),
        "clients_without_purchase": len(clients) - len(buyers),
        "orders": int(buyers["orders"].sum()),
        "order_days": int(buyers["order_days"].sum()),
        "revenue": float(clients["revenue"].sum()),
        "start": w.start.isoformat(),
        "as_of": w.as_of.isoformat(),
        "days": w.days,
        "burn_in_days": w.burn_in_days,
        "new_from": w.new_from.isoformat(),
        "gap_months": gaps,
        "unknown_people": sum(p.how in ("unknown", "proposed") for p in intake.people),
        "counts": dict(intake.counts),
    }
    return ChapterResult.of("data", metrics, tables, facts)
