"""The figure that stands beside each of the eight answers, from the small functions of the other chapters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from audit.chapters.retention.cadence import limits_of
from audit.chapters.retention.change import run_rates
from audit.chapters.retention.first_part import regular_columns
from audit.chapters.retention.people import initiative
from audit.chapters.retention.silence import crossings, return_waits
from audit.chapters.retention.trends import company_trends, complete_months
from audit.errors import Text
from audit.ground.answers import read_answers
from audit.ground.keys import clients_named
from audit.ground.lacks import missing_sheets, no_initiator, too_few
from audit.ground.mixing import operational_load
from audit.ground.newcomers import DATED_SHARE, believed_since, judged_from
from audit.ground.room import wallet
from audit.ground.shares import Share, share_of
from audit.model.calendar import add_months, month_index
from audit.model.case import Case, sql_text
from audit.stats.intervals import Estimate, bootstrap_ratio
from audit.stats.shares import clustered_share, weighted_share

__all__ = ["Figure", "figures", "order_headroom"]

QUARTERS = 12
QUARTERS_NEEDED = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its interval, the same without the client that dominates it, or the reason why there is none.

    ``estimates``: the figure, and where one client dominates it also the figure without that client: a verdict must
    hold for all of them.
    """

    id: str
    estimates: tuple[Estimate, ...] = ()
    reason: Text | None = None

    @property
    def whole(self) -> Estimate | None:
        """The figure itself."""
        return self.estimates[0] if self.estimates else None


CLIENTS = Text("Клиентов, по которым считается показатель", "Clients that the figure rests on")
NO_VALUE = Text(
    "Показатель не посчитать: нет выручки за сравниваемый период",
    "The figure cannot be computed: no revenue in the period compared",
)
SHORT = Text(
    "Выгрузка короче двух лет: сравнить год с годом нельзя",
    "The export is shorter than two years: one year cannot be compared with another",
)
NO_CROSSING = Text(
    "Ни один постоянный клиент не замолкал дольше своего предела", "No regular client has been silent beyond its limit"
)


def figures(case: Case) -> dict[str, Figure]:
    """Return the figures by metric id; each is computed once and only from what it needs."""
    shares = _client_shares(case)
    out = [
        _from_share(case, "retention.regular_revenue_share", shares.get("regular")),
        _wallet(case),
        _older_clients(case),
        _operational(case),
        _from_share(case, "retention.lost_run_rate_share", shares.get("lost_rate"), missing=_no_prior(case)),
        _return_rate(case),
        _order_headroom(case),
        _initiated(case, shares.get("by_us")),
        _active_trend(case),
    ]
    return {f.id: f for f in out}


def _no_prior(case: Case) -> Text | None:
    return None if case.window.has_prior else SHORT


def _enough(case: Case, id: str, estimates: tuple[Estimate, ...]) -> Figure:
    """Return the figure if it rests on enough clients and has an interval, else the reason."""
    whole, needed = estimates[0], case.thresholds.count("general.min_units")
    if whole.value is None:
        return Figure(id, reason=NO_VALUE)
    if whole.n < needed:
        return Figure(id, reason=too_few(whole.n, needed, CLIENTS))
    return Figure(id, estimates)


def _from_share(case: Case, id: str, share: Share | None, *, missing: Text | None = None) -> Figure:
    if missing is not None or share is None:
        return Figure(id, reason=missing or NO_VALUE)
    both = [share.whole, *([share.without] if share.without is not None else [])]
    return _enough(case, id, tuple(both))


def _client_shares(case: Case) -> dict[str, Share]:
    """Return the shares of regular clients, of what is lost and of what the company began, as retention has them."""
    w, t = case.window, case.thresholds
    since = judged_from(case.clients(), w)
    f = case.query(sql_text("audit.chapters.retention", "clients"), judged_from=since)
    if f.empty:
        return {}
    limit, level = t.value("general.dominant_client_share"), t.value("general.confidence_level")
    amounts = partial(weighted_share, level=level)
    out = {"regular": share_of(*regular_columns(f, w), amounts, limit)}
    if w.has_prior:
        gaps = case.query(sql_text("audit.chapters.retention", "gaps"))
        rates = run_rates(f, gaps, w, t.value("retention.lost_gap_multiple"))
        out["lost_rate"] = share_of(rates["yearly_rate"] * rates["lost"], rates["yearly_rate"], amounts, limit)
    began = _began(case)
    if began is not None and len(began):
        both = f[["client_key"]].merge(began, on="client_key", how="left").fillna({"by_us": 0, "by_client": 0})
        acts = partial(clustered_share, level=level)
        out["by_us"] = share_of(both["by_us"], both["by_us"] + both["by_client"], acts, limit)
    return out


def _began(case: Case) -> pd.DataFrame | None:
    """Return orders and touches begun by either side per client, recent period; None where nothing tells."""
    w, parts = case.window, []
    if case.has("initiator"):
        parts.append(case.query(sql_text("audit.chapters.retention", "initiative")))
    touches = pd.DataFrame(columns=["client_key", "direction"])
    if case.questionnaire.has("touches"):
        raw = case.questionnaire.table("touches")
        day = pd.to_datetime(raw["date"])
        keep = raw["direction"].notna() & (day >= pd.Timestamp(w.recent_start)) & (day <= pd.Timestamp(w.as_of))
        named = clients_named(case, raw.loc[keep, "client_id"])
        touches = pd.DataFrame(
            {"client_key": named.astype("string"), "direction": raw.loc[keep, "direction"].astype("string")}
        )
        touches = touches[touches["client_key"].notna()]
    if not parts and touches.empty:
        return None
    orders = (
        parts[0] if parts else pd.DataFrame({"client_key": pd.Series(dtype="string"), "by_us": [], "by_client": []})
    )
    return initiative(orders, touches)


def _initiated(case: Case, share: Share | None) -> Figure:
    missing = no_initiator(case) if share is None else None
    return _from_share(case, "retention.company_initiated_share", share, missing=missing)


def _wallet(case: Case) -> Figure:
    id = "base.wallet_share"
    if reason := missing_sheets(case, "key_clients"):
        return Figure(id, reason=reason)
    keys = case.questionnaire.table("key_clients")
    matched = clients_named(case, keys["client_id"])
    said = pd.DataFrame(
        {"client_key": matched, "wallet_share": keys["wallet_share"], "annual_budget": keys["annual_budget"]}
    )
    w = case.window
    revenue = case.query(sql_text("audit.ground", "recent_revenue"), since=max(w.recent_start, w.start))
    found = wallet(said, revenue.set_index("client_key")["revenue"])
    if found.mean.value is None:
        return Figure(
            id,
            reason=Text(
                "На листе «Ключевые клиенты» нет ни долей в закупках, ни годовых бюджетов",
                "The sheet “Key clients” has neither shares of wallet nor annual budgets",
            ),
        )
    return _enough(case, id, (found.mean,))


def _older_clients(case: Case) -> Figure:
    """Return the change of revenue from clients known for a year, last 12 months against the 12 before."""
    id, w = "selfcheck.older_clients_change", case.window
    if not w.has_prior:
        return Figure(id, reason=SHORT)
    clients = case.clients()
    buyers = clients[clients["order_days"] > 0]
    dated = float(believed_since(buyers).notna().mean()) if len(buyers) else 0.0
    if w.start > add_months(w.prior_start, -12) and dated < DATED_SHARE:
        return Figure(
            id,
            reason=Text(
                "Чтобы знать, кто работает больше года, нужны три года заказов или дата «клиент с»",
                "To know who has been a client for over a year takes three years of orders or the date “client since”",
            ),
        )
    rows = case.query(sql_text("audit.chapters.selfcheck", "older"))
    t = case.thresholds
    e = bootstrap_ratio(
        rows["recent_revenue"].to_numpy(dtype=np.float64),
        rows["prior_revenue"].to_numpy(dtype=np.float64),
        draws=t.count("general.bootstrap_draws"),
        seed=t.count("general.bootstrap_seed"),
        level=t.value("general.confidence_level"),
    )
    return _enough(case, id, (e.map(lambda x: x - 1.0),))


def _operational(case: Case) -> Figure:
    id = "roles.km_operational_share"
    answers = read_answers(case)
    if answers.reason is not None:
        return Figure(id, reason=answers.reason)
    load = operational_load(answers.hours, ("KM",), case.thresholds.value("roles.own_crm_notes_share"))
    hours = float(load["hours"].sum())
    if hours <= 0:
        return Figure(
            id,
            reason=Text(
                "В анкете нет клиентских менеджеров с заполненным временем",
                "The questionnaire has no client managers with hours",
            ),
        )
    sure, unsure = float(load["oper_hours"].sum()), float(load["unsure_hours"].sum())
    level = case.thresholds.value("general.confidence_level")
    low, high = answers.told(["KM"], sure / hours, min((sure + unsure) / hours, 1.0), level)
    return Figure(id, (Estimate(sure / hours, low, high, len(load)),))


def _return_rate(case: Case) -> Figure:
    id, t = "retention.return_rate", case.thresholds
    limits = limits_of(t)
    silences = case.query(
        sql_text("audit.chapters.retention", "silences"),
        multiple=limits.sleeping_gap_multiple,
        min_days=int(np.floor(limits.sleeping_min_days)),
        min_gaps=t.count("retention.return_min_gaps"),
    )
    waits = return_waits(crossings(silences, limits))
    if not len(waits.days):
        return Figure(id, reason=NO_CROSSING)
    point = waits.curve().at(t.value("retention.return_horizon_days"))
    e = point.event_share
    if e.value is None:
        return Figure(id, reason=Text("Уснувших ещё не наблюдали год", "No sleeper has been watched for a year yet"))
    return _enough(case, id, (e,))


def order_headroom(quarters: pd.DataFrame, *, draws: int, seed: int, level: float = 0.95) -> Estimate:
    """Return by how much the orders of the last year fall short of each client's own best quarter, 0–1.

    ``quarters``: client_key, quarter (0 the latest), half (0 / 1: odd and even purchases), days, revenue. The best of
    many quarters is the best partly by luck: it is therefore chosen by one half of the purchases and measured by the
    other half, both ways. Clients with at least four quarters that have both halves, and with an order in the last four
    quarters. Figure: 1 − Σ last-year revenue ÷ Σ (order days of the last year × order value of the best quarter);
    interval by resampling clients.
    """
    q = quarters.assign(mean=quarters["revenue"] / quarters["days"])
    wide = q.pivot_table(index=["client_key", "quarter"], columns="half", values="mean", aggfunc="first")
    wide = wide.reindex(columns=[0, 1]).dropna().reset_index()
    wide.columns = ["client_key", "quarter", "even", "odd"]
    counts = wide.groupby("client_key").size()
    able = counts[counts >= QUARTERS_NEEDED].index
    last = q[q["quarter"] < 4].groupby("client_key")[["days", "revenue"]].sum()
    able = able.intersection(last.index)
    wide = wide[wide["client_key"].isin(able)]
    if wide.empty:
        return Estimate(None, None, None, 0, level, "no_units")
    by_even = wide.loc[wide.groupby("client_key")["even"].idxmax()].set_index("client_key")["odd"]
    by_odd = wide.loc[wide.groupby("client_key")["odd"].idxmax()].set_index("client_key")["even"]
    best = ((by_even + by_odd) / 2).reindex(able).to_numpy(dtype=np.float64)
    now = last.reindex(able)
    e = bootstrap_ratio(
        now["revenue"].to_numpy(dtype=np.float64),
        now["days"].to_numpy(dtype=np.float64) * best,
        draws=draws,
        seed=seed,
        level=level,
    )
    return e.map(lambda x: 1.0 - x)


def _order_headroom(case: Case) -> Figure:
    id, w, t = "selfcheck.order_headroom", case.window, case.thresholds
    rows = case.query(
        sql_text("audit.chapters.selfcheck", "quarters"), last_month=month_index(w.as_of), months=3 * QUARTERS
    )
    e = order_headroom(
        rows,
        draws=t.count("general.bootstrap_draws"),
        seed=t.count("general.bootstrap_seed"),
        level=t.value("general.confidence_level"),
    )
    if e.value is None or e.n < t.count("general.min_units"):
        return Figure(
            id,
            reason=too_few(
                e.n,
                t.count("general.min_units"),
                Text(
                    "Клиентов, у которых хотя бы в четырёх кварталах по два дня заказа",
                    "Clients with two order days in at least four quarters",
                ),
            ),
        )
    return Figure(id, (e,))


def _active_trend(case: Case) -> Figure:
    id = "retention.active_clients_trend"
    first, last = complete_months(case.window)
    if last - first + 1 < 24:
        return Figure(
            id,
            reason=Text(
                "Полных месяцев меньше 24: направление без сезонности не назвать",
                "Fewer than 24 whole months: no direction free of seasons",
            ),
        )
    found = company_trends(case)
    if "active_clients" not in found.trends:
        return Figure(id, reason=NO_VALUE)
    return _enough(case, id, (found.trends["active_clients"].yearly,))
