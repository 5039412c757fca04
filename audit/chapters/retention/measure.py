"""The chapter as a whole: fetch small frames from the case, call the measures, gather what they return."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.retention.cadence import Limits, cadence, limits_of, seasonal, slowing_p, state_table
from audit.chapters.retention.change import bridge_of, bridge_table, drivers_of, loss_columns, run_rates
from audit.chapters.retention.cohorts import cohort_table
from audit.chapters.retention.first_part import (
    naive_metric,
    new_metric,
    probably_old_metric,
    purchase_metric,
    regular_columns,
    regular_metric,
    repeat_metrics,
    share_metric,
    top_share,
    unmet_metric,
)
from audit.chapters.retention.people import between_projects, initiative, loss_by_manager, loss_by_service
from audit.chapters.retention.returns import own_return, second_value
from audit.chapters.retention.second import curve_table, purchase_split, share_at, waits
from audit.chapters.retention.silence import Alive, alive, crossings, return_waits, sleeping_columns
from audit.chapters.retention.trends import ITEMS_COVERAGE, calendar_table, company_trends, monthly_table, trend_metrics
from audit.chapters.retention.worklist import callers, goods_text, worklist
from audit.errors import Text
from audit.ground.dates import day_text
from audit.ground.keys import clients_named
from audit.ground.lacks import missing_columns, no_initiator
from audit.ground.money import margin_of
from audit.ground.newcomers import believed_since, judged_from, mark_new, new_a_year, new_by_card, ready_from
from audit.ground.norm import norm_of
from audit.ground.parts import client_parts, once_parts, second_purchase_out
from audit.ground.path import path_of
from audit.ground.people import staff_now
from audit.ground.room import wallet_of
from audit.ground.shares import Measure, Share, share_of
from audit.model.calendar import add_months
from audit.model.case import Case, sql_text
from audit.model.result import ChapterResult, Metric, metric, no_metric
from audit.stats.cadence import LAST_GAPS, LEAST_GAPS
from audit.stats.decompose import grr_noise
from audit.stats.intervals import bootstrap_ratio, proportion
from audit.stats.shares import clustered_share, weighted_share

__all__ = ["diagnose"]

NOISE_CLIENTS = 20_000
"""Clients at most from which the noise of gross retention is simulated: known to a tenth of a point from so many."""
CALENDAR_CLIENTS = 30


def _sql(name: str) -> str:
    return sql_text("audit.chapters.retention", name)


class _Chapter:
    """Collects metrics, tables and facts while the parts of the chapter are computed."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.metrics: list[Metric] = []
        self.tables: dict[str, pd.DataFrame] = {}
        self.facts: dict[str, Any] = {}
        self.since = judged_from(case.clients(), case.window)
        self.clients = case.query(_sql("clients"), judged_from=self.since)
        self.clients["is_new"] = mark_new(self.clients, case.window)
        self.buyers = self.clients[self.clients["order_days"] >= 1].reset_index(drop=True)
        self.buyers["seasonal"] = seasonal(self.buyers)
        self.new = self.buyers[self.buyers["is_new"]].reset_index(drop=True)
        out = second_purchase_out(case)
        self.again = self.buyers[~self.buyers["client_key"].isin(out)].reset_index(drop=True)
        """Buyers of whom a second purchase is to be expected: all, less the parts of the business where a client buys once."""
        self.new_again = self.again[self.again["is_new"]].reset_index(drop=True)

    def metric(self, id: str) -> Metric:
        """Return a metric already computed."""
        return next(m for m in self.metrics if m.id == id)


def diagnose(case: Case) -> ChapterResult:
    """Return the figures of the chapter; nothing here prints, judges or writes."""
    c = _Chapter(case)
    _frame_facts(c)
    _second_purchase(c)
    rhythm, p_alive = _rhythm(c)
    shares = _shares(c, rhythm)
    c.metrics.append(regular_metric(shares["regular_revenue"], c.buyers, case.window))
    c.metrics += repeat_metrics(shares, case.window, c.since, case.has("margin") or case.has("cost"))
    _cohorts(c)
    _change(c, shares)
    _silence(c, shares, rhythm, p_alive)
    _trends(c, rhythm)
    _people(c, shares)
    c.tables["whole_window"] = _beside(c)
    margin = margin_of(case)
    c.facts |= {"margin_share": margin.share, "margin_source": margin.source}
    order = [
        "second_purchase_new",
        "second_purchase_naive",
        "second_purchase_share",
        "third_purchase_share",
        "once_unmet_share",
        "repeat_revenue_share",
    ]
    known = {m.id.split(".")[1]: m for m in c.metrics}
    ordered = [known[k] for k in order] + [m for k, m in known.items() if k not in order]
    return ChapterResult.of("retention", ordered, c.tables, c.facts)


def _frame_facts(c: _Chapter) -> None:
    w, t = c.case.window, c.case.thresholds
    ready = ready_from(w, t.count("retention.min_months_after_burn_in"), t.value("period.burn_in_max_window_share"))
    believed = int(believed_since(c.buyers).notna().sum())
    c.facts |= {
        "start": w.start.isoformat(),
        "as_of": w.as_of.isoformat(),
        "new_from": w.new_from.isoformat(),
        "new_by_card": new_by_card(c.buyers, w),
        "burn_in_days": w.burn_in_days,
        "recent_start": w.recent_start.isoformat(),
        "prior_start": w.prior_start.isoformat(),
        "has_prior": w.has_prior,
        "judged_from": c.since.isoformat(),
        "horizon_days": w.horizon_days,
        "clients": len(c.buyers),
        "regular_clients": int((c.buyers["order_days"] >= 2).sum()),
        "once_share": _once_share(c),
        "new_clients": len(c.new),
        "dated_clients": believed,
        "undated_bulk": int(c.buyers["client_since"].notna().sum()) - believed,
        "ready_from": ready.isoformat(),
        "annual_revenue": c.case.annual_revenue,
    }


def _once_share(c: _Chapter) -> float | None:
    """Return the share of clients that bought once among those first seen a year or longer ago; None without any."""
    old = c.buyers[c.buyers["first_seen_day"] <= pd.Timestamp(c.case.window.as_of) - pd.Timedelta(days=365)]
    return float((old["order_days"] == 1).mean()) if len(old) else None


# --- second purchase, cohorts


def _second_purchase(c: _Chapter) -> None:
    w, t = c.case.window, c.case.thresholds
    c.metrics.append(naive_metric(c.again))
    c.metrics.append(new_metric(c.new_again))
    c.metrics.append(probably_old_metric(c.new_again, w, c.case.sale_type.interval_days))
    second = waits(c.new_again, "first_day", "second_day", w.as_of)
    c.metrics.append(purchase_metric("retention.second_purchase_share", second, w.horizon_days, t, w.as_of))
    third = waits(c.new_again, "second_day", "third_day", w.as_of)
    c.metrics.append(purchase_metric("retention.third_purchase_share", third, w.horizon_days, t, w.as_of))
    level = t.value("general.confidence_level")
    c.metrics.append(unmet_metric(path_of(c.case), t.count("general.min_units"), level))
    curve = second.curve()
    c.tables["second_curve"] = curve_table(curve)
    c.tables["second_at"] = share_at(curve)
    c.tables["third_curve"] = curve_table(third.curve())
    year = c.new["first_day"].dt.year.astype("Int64").astype("string")
    half = ((c.new["first_day"].dt.month - 1) // 6 + 1).astype("Int64").astype("string")
    by = {"cohort": year + "/" + half, "segment": c.new["segment"], "first_manager": c.new["first_manager"]}
    part = client_parts(c.case, "first")
    if len(part):
        by["sale_type"] = c.new["client_key"].map(part)
    c.tables["second_by"] = purchase_split(c.new, by, w.as_of, w.horizon_days, t.count("general.min_units"))
    recent_new = c.new_again[c.new_again["first_day"] >= pd.Timestamp(max(w.recent_start, w.new_from, w.start))]
    c.facts |= second_value(c.case, c.new_again)
    c.facts["new_seen"], c.facts["new_a_year"] = new_a_year(c.again, w)
    types = once_parts(c.case)
    c.facts["left_out"] = list(types)
    c.facts["left_out_new"] = len(c.new) - len(c.new_again)
    c.facts["all_left_out"] = bool(types) and set(types) >= set(norm_of(c.case)[0].types)
    once = recent_new[recent_new["second_day"].isna()]
    c.tables["once"] = (
        once[["client_key", "client_name", "segment", "first_day", "first_revenue", "first_manager"]]
        .sort_values(["first_revenue", "client_key"], ascending=[False, True])
        .reset_index(drop=True)
    )


def _cohorts(c: _Chapter) -> None:
    w = c.case.window
    monthly = cohort_table(c.case.query(_sql("cohorts"), step=1), w, 1)
    c.tables["cohorts"] = monthly
    c.tables["cohorts_quarterly"] = cohort_table(c.case.query(_sql("cohorts"), step=3), w, 3)
    n = int(monthly["cohort"].nunique())
    # More than two years of monthly cohorts no longer fit a page.
    c.facts["cohort_step"] = 3 if n and int(monthly["age"].max()) >= 24 else 1
    if n == 0:
        reason = Text("Нет ни одного дня заказа", "There is no order day at all")
        c.metrics.append(no_metric("retention.cohorts", reason))
        return
    known = int(monthly.loc[monthly["known_new"], "cohort"].nunique())
    c.metrics.append(metric("retention.cohorts", n, n=len(c.buyers), known_new=known))


# --- shares of revenue and of orders


def _shares(c: _Chapter, rhythm: pd.DataFrame) -> dict[str, Share]:
    f, t = c.clients, c.case.thresholds
    new = f["is_new"].to_numpy(dtype=np.float64)
    level = t.value("general.confidence_level")
    amounts = partial(weighted_share, level=level)
    acts = partial(clustered_share, level=level)
    figures: dict[str, tuple[Measure, tuple[Any, Any]]] = {
        "repeat_revenue": (amounts, (f["judged_first_revenue"] * new, f["judged_revenue"])),
        "repeat_orders": (acts, (f["judged_first_orders"] * new, f["judged_orders"])),
        "repeat_margin": (amounts, (f["judged_first_margin"] * new, f["judged_margin"])),
        "regular_revenue": (amounts, regular_columns(f, c.case.window)),
        "sleeping": (amounts, sleeping_columns(f, rhythm)),
    }
    if c.case.window.has_prior:
        drawn = partial(
            bootstrap_ratio,
            draws=t.count("general.bootstrap_draws"),
            seed=t.count("general.bootstrap_seed"),
            level=level,
        )
        columns = loss_columns(f)
        figures["lost_revenue"] = (amounts, columns["lost_revenue"])
        figures |= {name: (drawn, columns[name]) for name in ("grr", "nrr")}
    c.facts["initiative"] = {"orders": False, "touches": False}
    began = _began(c)
    if began is not None:
        both = f[["client_key"]].merge(began, on="client_key", how="left").fillna({"by_us": 0, "by_client": 0})
        figures["by_us"] = (acts, (both["by_us"], both["by_us"] + both["by_client"]))
    limit = t.value("general.dominant_client_share")
    return {name: share_of(top, bottom, measure, limit) for name, (measure, (top, bottom)) in figures.items()}


def _began(c: _Chapter) -> pd.DataFrame | None:
    """Return orders and touches begun by either side per client of the base, or None where nothing tells."""
    w = c.case.window
    orders = c.case.query(_sql("initiative")) if c.case.has("initiator") else None
    touches = _touches(c)
    recent = touches[(touches["day"] >= pd.Timestamp(w.recent_start)) & (touches["day"] <= pd.Timestamp(w.as_of))]
    # Touches of people who never ordered are hunting, not work with the base.
    recent = recent[recent["client_key"].isin(c.clients["client_key"])]
    if orders is None and not len(recent):
        return None
    if orders is None:
        orders = pd.DataFrame({"client_key": [], "by_us": [], "by_client": [], "by_system": [], "unknown": []})
        orders = orders.astype({"client_key": "string"})
    known = int(orders["by_us"].sum() + orders["by_client"].sum())
    total = known + int(orders["by_system"].sum() + orders["unknown"].sum())
    c.facts["initiative"] = {
        "orders": known > 0,
        "touches": len(recent) > 0,
        "known_orders": known,
        "all_orders": total,
        "system_orders": int(orders["by_system"].sum()),
        "touches_n": len(recent),
    }
    return initiative(orders, recent)


def _touches(c: _Chapter) -> pd.DataFrame:
    """Return the CRM touches with a direction (client_key, day, direction), clients as counted in the audit."""
    empty = pd.DataFrame(
        {
            "client_key": pd.Series(dtype="string"),
            "day": pd.Series(dtype="datetime64[s]"),
            "direction": pd.Series(dtype="string"),
        }
    )
    if not c.case.questionnaire.has("touches"):
        return empty
    raw = c.case.questionnaire.table("touches")
    if not len(raw) or "direction" not in raw:
        return empty
    rows = raw[raw["direction"].notna() & raw["date"].notna()]
    # A sheet from the CRM may name clients by code or by name; who is not in the orders stays nobody.
    key = clients_named(c.case, rows["client_id"])
    return pd.DataFrame(
        {
            "client_key": key.astype("string"),
            "day": pd.to_datetime(rows["date"]).dt.as_unit("s"),
            "direction": rows["direction"].astype("string"),
        }
    ).reset_index(drop=True)


# --- lost, kept, drivers


def _no_prior(c: _Chapter) -> Text:
    day = day_text(add_months(c.case.window.start, 2 * c.case.settings.period.recent_months))
    return Text(
        f"Для сравнения двух лет выгрузка коротка. Оценить можно с {day.ru}",
        f"The export is too short to compare two years. It can be judged from {day.en}",
    )


NOTHING_BEFORE = Text("В предыдущие 12 месяцев выручки нет", "There is no revenue in the 12 months before")


def _change(c: _Chapter, shares: dict[str, Share]) -> None:
    ids = ("lost_run_rate_share", "lost_revenue_share", "grr", "nrr", "bridge", "drivers")
    if not c.case.window.has_prior:
        c.metrics += [no_metric(f"retention.{name}", _no_prior(c)) for name in ids]
        return
    f, w = c.clients, c.case.window
    c.metrics.append(_lost_run_rate(c))
    lost = (f["prior_days"] > 0) & (f["recent_days"] == 0)
    c.metrics.append(
        share_metric(
            "retention.lost_revenue_share",
            shares["lost_revenue"],
            NOTHING_BEFORE,
            lost_clients=int(lost.sum()),
            lost_revenue=float(f.loc[lost, "prior_revenue"].sum()),
            prior_clients=int((f["prior_days"] > 0).sum()),
            prior_revenue=float(f["prior_revenue"].sum()),
        )
    )
    c.metrics.append(share_metric("retention.grr", shares["grr"], NOTHING_BEFORE, **_noise(c)))
    c.metrics.append(share_metric("retention.nrr", shares["nrr"], NOTHING_BEFORE))

    since = believed_since(f)
    prior_start = pd.Timestamp(w.prior_start)
    known = (f["first_day"] < prior_start) | (since < prior_start).fillna(False)
    parts = bridge_of(f, known.to_numpy(dtype=np.bool_))
    c.tables["bridge"] = bridge_table(parts)
    c.metrics.append(metric("retention.bridge", parts.after - parts.before, n=int((f["prior_days"] > 0).sum())))
    named = int(((f["prior_items"] > 0) | (f["prior_days"] == 0)).sum()) / max(len(f), 1)
    drivers = drivers_of(f, c.case.has("sku") and named >= ITEMS_COVERAGE)
    c.tables["drivers"] = drivers.table
    c.facts["drivers"] = {
        "pattern": drivers.pattern,
        "with_items": drivers.with_items,
        "change": drivers.change,
        "before": drivers.before,
        "clients": drivers.clients,
    }
    c.metrics.append(metric("retention.drivers", drivers.change, n=drivers.clients, pattern=drivers.pattern))


def _lost_run_rate(c: _Chapter) -> Metric:
    """Return which part of the regular clients' yearly rate is lost, by money; by clients beside it in ``extra``."""
    id, t, f = "retention.lost_run_rate_share", c.case.thresholds, c.clients
    gone = t.value("retention.lost_gap_multiple")
    rates = run_rates(f, c.case.query(_sql("gaps")), c.case.window, gone)
    level = t.value("general.confidence_level")
    lost = rates["lost"].to_numpy(dtype=np.bool_)
    rate = rates["yearly_rate"].to_numpy(dtype=np.float64)
    share = share_of(rate * lost, rate, partial(weighted_share, level=level), t.value("general.dominant_client_share"))
    by = proportion(int(lost.sum()), len(lost), level)
    c.tables["lost_clients"] = (
        f.loc[rates.index, ["client_key", "client_name", "segment", "last_day", "last_manager"]]
        .assign(yearly_rate=rate)[lost]
        .sort_values(["yearly_rate", "client_key"], ascending=[False, True])
        .reset_index(drop=True)
    )
    return share_metric(
        id,
        share,
        NOTHING_BEFORE,
        regular_clients=len(lost),
        lost_clients=int(lost.sum()),
        run_rate=float(rate.sum()),
        lost_rate=float(rate[lost].sum()),
        clients_value=by.value,
        clients_low=by.low,
        clients_high=by.high,
        clients_n=len(lost),
    )


def _noise(c: _Chapter) -> dict[str, Any]:
    """Return the gross retention that chance timing of orders alone would give: noise, noise_low, noise_high."""
    w, f = c.case.window, c.clients
    known = int(((f["first_day"] < pd.Timestamp(w.recent_start)) & (f["prior_days"] + f["recent_days"] > 0)).sum())
    rows = c.case.query(_sql("noise"), step=max(1, -(-known // NOISE_CLIENTS)))
    t = c.case.thresholds
    e = grr_noise(
        rows["unit"].to_numpy(),
        rows["revenue"].to_numpy(dtype=np.float64),
        draws=t.count("retention.noise_draws"),
        seed=t.count("general.bootstrap_seed"),
    )
    return {"noise": e.value, "noise_low": e.low, "noise_high": e.high}


# --- rhythm, sleepers, return


def _rhythm(c: _Chapter) -> tuple[pd.DataFrame, pd.Series]:
    w = c.case.window
    regular = c.buyers[["client_key", "segment", "last_day", "last_year_revenue"]]
    tolerance = c.case.thresholds.value("retention.season_tolerance")
    in_season = set(c.case.query(_sql("seasons"), tolerance=tolerance)["client_key"])
    days = c.case.query(_sql("last_days"), days=LAST_GAPS + 1)
    slowing = slowing_p(c.case.query(_sql("rhythm_days"), least=2 * LEAST_GAPS), w.as_of, w.recent_start)
    limits = limits_of(c.case.thresholds)
    rhythm = cadence(regular, c.case.query(_sql("gaps")), days, w.as_of, limits, in_season, slowing)
    c.facts["in_season"] = int(rhythm["client_key"].isin(in_season).sum())
    result = _alive(c)
    return rhythm, pd.Series(result, index=c.buyers["client_key"], dtype=float)


def _alive(c: _Chapter) -> np.ndarray[Any, np.dtype[np.float64]]:
    b, end = c.buyers, pd.Timestamp(c.case.window.as_of)
    id = "retention.p_alive"
    if len(b) < c.case.thresholds.count("general.min_units"):
        c.metrics.append(
            no_metric(
                id,
                Text("Клиентов меньше 20: модель не подогнать", "Fewer than 20 clients: no model can be fitted"),
                n=len(b),
            )
        )
        return np.full(len(b), np.nan)
    a: Alive = alive(
        np.asarray(b["order_days"], dtype=np.int64),
        np.asarray((b["last_day"] - b["first_seen_day"]).dt.days, dtype=np.int64),
        np.asarray((end - b["first_seen_day"]).dt.days, dtype=np.int64),
    )
    if a.check is None:
        reason = Text("Модель MBG/NBD на этих данных не сошлась", "MBG/NBD did not converge on these data")
        c.metrics.append(no_metric(id, reason, n=len(b)))
        return a.p_alive
    r, alpha, p, q = a.model.params
    c.metrics.append(
        metric(
            id,
            float(a.p_alive.mean()),
            n=len(b),
            r=r,
            alpha_weeks=alpha,
            a=p,
            b=q,
            log_likelihood=a.model.log_likelihood,
            misplaced=a.check.misplaced,
        )
    )
    c.tables["alive_fit"] = pd.DataFrame(
        {"repeats": a.check.repeats, "observed": a.check.observed, "expected": a.check.expected}
    )
    return a.p_alive


NO_REGULAR = Text("Клиентов с двумя и более днями заказа нет", "There are no clients with two or more order days")
NO_CROSSING = Text(
    "Ни один постоянный клиент не замолкал дольше своего предела", "No regular client has been silent beyond its limit"
)


def _silence(c: _Chapter, shares: dict[str, Share], rhythm: pd.DataFrame, p_alive: pd.Series) -> None:
    w, t = c.case.window, c.case.thresholds
    limits: Limits = limits_of(t)
    c.tables["states"] = state_table(rhythm, c.buyers)
    states = c.tables["states"].set_index("state").astype(float).to_dict("index")
    if len(rhythm):
        usual = float(rhythm["usual_gap_days"].median())
        c.metrics.append(metric("retention.cadence", usual, n=len(rhythm), shrunk_share=float(rhythm["shrunk"].mean())))
    else:
        c.metrics.append(no_metric("retention.cadence", NO_REGULAR, n=0))
    asleep, lost = states["sleeping"], states["lost"]
    c.metrics.append(
        share_metric(
            "retention.sleeping_share",
            shares["sleeping"],
            NO_REGULAR,
            clients=int(asleep["clients"]),
            at_stake=float(asleep["at_stake"]),
            lost_clients=int(lost["clients"]),
            lost_at_stake=float(lost["at_stake"]),
            late_clients=int(states["late"]["clients"]),
            regular_clients=len(rhythm),
        )
        if len(rhythm)
        else no_metric("retention.sleeping_share", NO_REGULAR, n=0)
    )
    silences = c.case.query(
        _sql("silences"),
        multiple=limits.sleeping_gap_multiple,
        min_days=int(np.floor(limits.sleeping_min_days)),
        min_gaps=t.count("retention.return_min_gaps"),
    )
    crossed = crossings(silences, limits)
    came = return_waits(crossed)
    id = "retention.return_rate"
    horizon = t.count("retention.return_horizon_days")
    if len(came.days):
        c.metrics.append(purchase_metric(id, came, horizon, t, w.as_of))
        c.tables["return_curve"] = curve_table(came.curve())
    else:
        c.metrics.append(no_metric(id, NO_CROSSING, n=0))
        c.tables["return_curve"] = curve_table(came.curve())
    c.facts["own_return"] = own_return(c.case)
    goods = _goods(c, rhythm)
    norm, q = norm_of(c.case)[0], c.case.questionnaire
    here = staff_now(q.table("staff"), w.as_of, q.hours_per_month(), norm.types) if q.has("staff") else None
    held = set() if here is None else {r for roles in here["roles"] for r in roles}
    wallets = wallet_of(c.case)
    full = set()
    if wallets is not None:
        known = wallets.table
        full = set(known.loc[known["share"] > t.value("base.room_full_wallet"), "client_key"])
    c.tables["worklist"] = worklist(rhythm, c.buyers, p_alive, goods, callers(norm, held), full)
    about = c.buyers[["client_key", "client_name", "last_day", "seasonal"]]
    c.tables["rhythm"] = rhythm.merge(about, on="client_key")
    c.tables["rhythm"]["p_alive"] = c.tables["rhythm"]["client_key"].map(p_alive).astype(float)


def _goods(c: _Chapter, rhythm: pd.DataFrame) -> pd.Series:
    """Return what late and sleeping clients used to buy; by item group where known, else by item."""
    goods = "sku_group" if c.case.has("sku_group") else "sku" if c.case.has("sku") else None
    silent = rhythm[rhythm["state"].isin(["late", "sleeping"])]
    if goods is None or not len(silent):
        return pd.Series(dtype="object")
    days = silent["silent_days"]
    quiet_since, quiet_before = (c.case.window.as_of - dt.timedelta(days=int(d)) for d in (days.max(), days.min()))
    bought = c.case.query(_sql("goods"), goods=goods, quiet_since=quiet_since, quiet_before=quiet_before)
    return goods_text(bought[bought["client_key"].isin(silent["client_key"])])


# --- trends


def _trends(c: _Chapter, rhythm: pd.DataFrame) -> None:
    case = c.case
    found = company_trends(case)
    c.metrics += trend_metrics(found.trends, case.window, found.months, found.deflated)
    c.tables["monthly"] = monthly_table(found.trends, found.first_month)
    c.facts["months"] = found.months
    c.facts["deflated"] = found.deflated
    ids = case.clients()[["client_key"]].sort_values("client_key").reset_index(drop=True)
    ids["unit"] = np.arange(1, len(ids) + 1)
    top = c.buyers.sort_values(["revenue", "client_key"], ascending=[False, True])["client_key"].head(CALENDAR_CLIENTS)
    units = pd.DataFrame({"client_key": top}).merge(ids, on="client_key")
    start = max(found.first_month, found.last_month - 23)
    c.tables["calendar"] = (
        calendar_table(found.cells, units, start, found.last_month).merge(
            c.buyers[["client_key", "client_name"]], on="client_key"
        )
        if found.months and len(units)
        else pd.DataFrame(columns=["client_key", "month", "order_days", "client_name"])
    )


# --- people


def _people(c: _Chapter, shares: dict[str, Share]) -> None:
    _by_manager(c)
    id = "retention.company_initiated_share"
    if "by_us" in shares:
        events = c.facts["initiative"]["known_orders"] + c.facts["initiative"]["touches_n"]
        c.metrics.append(share_metric(id, shares["by_us"], no_initiator(c.case), events=events))
    else:
        c.metrics.append(no_metric(id, no_initiator(c.case)))
    id = "retention.between_projects"
    if c.case.sale_type.used not in ("C", "CS"):
        reason = Text("Только для консультационных продаж", "For consultative sales only")
        c.metrics.append(no_metric(id, reason))
    else:
        share_of = c.case.thresholds.value("retention.project_size_share")
        kept, n = between_projects(c.case.query(_sql("projects"), large_share=share_of), _touches(c))
        e = proportion(kept, n)
        if e.value is None:
            reason = Text("Клиентов с двумя и более проектами нет", "There are no clients with two or more projects")
            c.metrics.append(no_metric(id, reason, n=0))
        else:
            c.metrics.append(metric(id, e.value, low=e.low, high=e.high, n=n))


def _by_manager(c: _Chapter) -> None:
    id = "retention.by_manager"
    if missing := missing_columns(c.case, "manager"):
        c.metrics.append(no_metric(id, missing))
        return
    if not c.case.window.has_prior:
        c.metrics.append(no_metric(id, _no_prior(c)))
        return
    manager = c.case.query(_sql("prior_manager")).set_index("client_key")["manager"]
    t = c.case.thresholds
    limits = t["retention.manager_outlier"]
    assert limits.watch is not None and limits.found is not None
    least = t.count("general.min_units")
    table, placed = loss_by_manager(c.clients, manager, limits.watch, limits.found, least)
    c.tables["by_manager"] = table
    if c.case.has("promised_date", "shipped_date"):
        c.tables["loss_by_service"] = loss_by_service(c.clients, c.case.query(_sql("service")))
    if placed is None:
        reason = Text(
            "В предыдущие 12 месяцев нет клиентов с двумя днями заказа и менеджером",
            "No client had two order days and a manager in the 12 months before",
        )
        c.metrics.append(no_metric(id, reason, n=0))
        return
    e = proportion(int(table["lost"].sum()), int(table["clients"].sum()))
    assert e.value is not None
    c.metrics.append(
        metric(
            id,
            e.value,
            low=e.low,
            high=e.high,
            n=e.n,
            managers=len(table),
            found_managers=int((table["position"] == 2).sum()),
            watched_managers=int((table["position"] == 1).sum()),
            centre=placed.centre,
            spread=placed.spread,
        )
    )


# --- beside the whole window


def _beside(c: _Chapter) -> pd.DataFrame:
    """Return the chapter's own figures beside those of the whole window without burn-in, one row per figure.

    Columns: figure (code), horizon_days (or missing), ours, ours_low, ours_high, ours_n, ours_at_risk, whole,
    whole_low, whole_high, whole_n, whole_at_risk. The whole window takes every client for new that is first seen in
    it, as a plain reading of the file would.
    """
    buyers, clients = c.buyers, c.clients
    whole = share_at(waits(buyers, "first_seen_day", "second_seen_day", c.case.window.as_of).curve())
    rows: list[dict[str, Any]] = []
    for figure, value in (
        ("clients", float(len(buyers))),
        ("orders", float(buyers["orders"].sum())),
        ("order_days", float(buyers["order_days"].sum())),
        ("revenue", float(clients["revenue"].sum())),
        ("top20_revenue_share", top_share(buyers["revenue"])),
    ):
        rows.append({"figure": figure, "whole": value, "whole_n": len(buyers)})
    naive = c.metric("retention.second_purchase_naive")
    rows.append(
        {
            "figure": "second_purchase_naive",
            "whole": naive.value,
            "whole_low": naive.low,
            "whole_high": naive.high,
            "whole_n": naive.n,
        }
    )
    for mine, all_ in zip(c.tables["second_at"].to_dict("records"), whole.to_dict("records"), strict=True):
        if mine["horizon_days"] not in (90, 180, 365):
            continue
        rows.append(
            {
                "figure": "second_purchase_share",
                "horizon_days": mine["horizon_days"],
                "ours": mine["share"],
                "ours_low": mine["low"],
                "ours_high": mine["high"],
                "ours_n": mine["n"],
                "ours_at_risk": mine["at_risk"],
                "whole": all_["share"],
                "whole_low": all_["low"],
                "whole_high": all_["high"],
                "whole_n": all_["n"],
                "whole_at_risk": all_["at_risk"],
            }
        )
    repeat = c.metric("retention.repeat_revenue_share")
    total = float(clients["revenue"].sum())
    rows.append(
        {
            "figure": "repeat_revenue_share",
            "ours": repeat.value,
            "ours_low": repeat.low,
            "ours_high": repeat.high,
            "ours_n": repeat.n,
            "whole": 1.0 - float(clients["first_revenue"].sum()) / total if total > 0 else None,
            "whole_n": len(buyers),
        }
    )
    columns = [
        "figure",
        "horizon_days",
        "ours",
        "ours_low",
        "ours_high",
        "ours_n",
        "ours_at_risk",
        "whole",
        "whole_low",
        "whole_high",
        "whole_n",
        "whole_at_risk",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({k: float for k in columns[1:]})
