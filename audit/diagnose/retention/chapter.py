"""The chapter as a whole: fetch small frames from the case, call the measures, gather what they return."""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.diagnose.retention.cohorts import cohort_table
from audit.diagnose.retention.first_part import naive_metric, purchase_metric, repeat_metrics, top_share
from audit.diagnose.retention.newcomers import judged_from, mark_new, ready_from
from audit.diagnose.retention.resampling import Share, shares_of_sums
from audit.diagnose.retention.second import curve_table, purchase_split, share_at, waits
from audit.model.case import Case, sql_text
from audit.model.result import ChapterResult, Metric, metric, no_metric
from audit.errors import Text

__all__ = ["diagnose"]


def _sql(name: str) -> str:
    return sql_text("audit.diagnose", f"retention_{name}")


def diagnose(case: Case) -> ChapterResult:
    """Return the figures of the chapter; nothing here prints, judges or writes."""
    w = case.window
    everyone = case.clients()
    since = judged_from(everyone, w)
    clients = case.query(_sql("clients"), judged_from=since)
    clients["is_new"] = mark_new(clients, w)
    buyers = clients[clients["order_days"] >= 1].reset_index(drop=True)
    new = buyers[buyers["is_new"]].reset_index(drop=True)

    metrics: list[Metric] = []
    tables: dict[str, pd.DataFrame] = {}
    facts: dict[str, Any] = {
        "start": w.start.isoformat(),
        "as_of": w.as_of.isoformat(),
        "new_from": w.new_from.isoformat(),
        "burn_in_days": w.burn_in_days,
        "recent_start": w.recent_start.isoformat(),
        "judged_from": since.isoformat(),
        "clients": len(buyers),
        "new_clients": len(new),
        "ready_from": ready_from(
            w,
            case.thresholds.count("retention.min_months_after_burn_in"),
            case.thresholds.value("period.burn_in_max_window_share"),
        ).isoformat(),
    }

    metrics.append(naive_metric(buyers))
    second = waits(new, "first_day", "second_day", w.as_of)
    metrics.append(
        purchase_metric("retention.second_purchase_share", second, w.horizon_days, case.thresholds, w.as_of)
    )
    tables["second_curve"] = curve_table(second.curve())
    tables["second_at"] = share_at(second.curve())
    shares = _shares(case, clients)
    metrics += repeat_metrics(shares, w, since, case.has("margin") or case.has("cost"))

    monthly = cohort_table(case.query(_sql("cohorts"), step=1), w, 1)
    quarterly = cohort_table(case.query(_sql("cohorts"), step=3), w, 3)
    tables["cohorts"] = monthly
    tables["cohorts_quarterly"] = quarterly
    n = int(monthly["cohort"].nunique())
    if n:
        known = int(monthly.loc[monthly["known_new"], "cohort"].nunique())
        metrics.append(metric("retention.cohorts", n, n=len(buyers), known_new=known))
    else:
        metrics.append(no_metric("retention.cohorts", Text("Нет ни одного дня заказа", "There is no order day at all")))
    tables["whole_window"] = _beside(case, clients, buyers, tables["second_at"], shares, metrics)
    return ChapterResult.of("retention", metrics, tables, facts)


def _shares(case: Case, clients: pd.DataFrame) -> dict[str, Share]:
    new = clients["is_new"].to_numpy(dtype=float)
    figures = {
        "repeat_revenue": (clients["judged_first_revenue"] * new, clients["judged_revenue"]),
        "repeat_orders": (clients["judged_first_orders"] * new, clients["judged_orders"]),
        "repeat_margin": (clients["judged_first_margin"] * new, clients["judged_margin"]),
    }
    t = case.thresholds
    return shares_of_sums(
        figures,
        draws=t.count("general.bootstrap_draws"),
        seed=t.count("general.bootstrap_seed"),
        dominant_limit=t.value("general.dominant_client_share"),
        level=t.value("general.confidence_level"),
    )


def _beside(
    case: Case,
    clients: pd.DataFrame,
    buyers: pd.DataFrame,
    ours: pd.DataFrame,
    shares: dict[str, Share],
    metrics: list[Metric],
) -> pd.DataFrame:
    """Return the chapter's own figures beside those of the whole window without burn-in, one row per figure.

    Columns: figure (code), horizon_days (or missing), ours, ours_low, ours_high, ours_n, whole, whole_low, whole_high,
    whole_n. The whole window takes every client for new that is first seen in it, as a plain reading of the file would.
    """
    w = case.window
    whole = share_at(waits(buyers, "first_day", "second_day", w.as_of).curve())
    by_id = {m.id: m for m in metrics}
    rows: list[dict[str, Any]] = []
    for figure, value in (
        ("clients", float(len(buyers))),
        ("orders", float(buyers["orders"].sum())),
        ("order_days", float(buyers["order_days"].sum())),
        ("revenue", float(clients["revenue"].sum())),
        ("top20_revenue_share", top_share(buyers["revenue"])),
    ):
        rows.append({"figure": figure, "whole": value, "whole_n": len(buyers)})
    naive = by_id["retention.second_purchase_naive"]
    rows.append({"figure": "second_purchase_naive", "whole": naive.value, "whole_low": naive.low,
                 "whole_high": naive.high, "whole_n": naive.n})  # fmt: skip
    for mine, all_ in zip(ours.to_dict("records"), whole.to_dict("records"), strict=True):
        if mine["horizon_days"] not in (90, 180, 365):
            continue
        rows.append(
            {
                "figure": "second_purchase_share", "horizon_days": mine["horizon_days"],
                "ours": mine["share"], "ours_low": mine["low"], "ours_high": mine["high"], "ours_n": mine["n"],
                "ours_at_risk": mine["at_risk"], "whole": all_["share"], "whole_low": all_["low"],
                "whole_high": all_["high"], "whole_n": all_["n"], "whole_at_risk": all_["at_risk"],
            }
        )  # fmt: skip
    repeat = by_id["retention.repeat_revenue_share"]
    total = float(clients["revenue"].sum())
    rows.append(
        {
            "figure": "repeat_revenue_share", "ours": repeat.value, "ours_low": repeat.low, "ours_high": repeat.high,
            "ours_n": repeat.n, "whole": 1.0 - float(clients["first_revenue"].sum()) / total if total > 0 else None,
            "whole_n": len(buyers),
        }
    )  # fmt: skip
    columns = [
        "figure", "horizon_days", "ours", "ours_low", "ours_high", "ours_n", "ours_at_risk",
        "whole", "whole_low", "whole_high", "whole_n", "whole_at_risk",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({c: float for c in columns[1:]})
