"""Second purchase, repeat revenue and cohorts as figures: the part of the chapter that every company gets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.chapters.retention.second import Waits, longest_judged, when_judged
from audit.errors import Text
from audit.ground.lacks import too_few
from audit.ground.newcomers import DATED_SHARE, believed_since
from audit.ground.path import Path
from audit.ground.shares import Share
from audit.method import Thresholds
from audit.model.result import Metric, metric, no_metric
from audit.model.window import Window
from audit.stats.intervals import proportion

__all__ = [
    "NO_NEW",
    "naive_metric",
    "new_metric",
    "probably_old_metric",
    "purchase_metric",
    "repeat_metrics",
    "share_metric",
    "top_share",
    "unmet_metric",
]

NO_KEEPER = Text(
    "На листе «Сотрудники» никто не ведёт клиентов: ни КМ, ни СОП в транзакционных продажах",
    "Nobody on the sheet “Staff” keeps clients: no client managers, no office sellers in transactional sales",
)
ONCE = Text("Новых клиентов, не купивших второй раз", "New clients that did not buy again")
NO_NEW = Text(
    "После начального периода новых клиентов нет: не на ком проверить",
    "There are no new clients after the burn-in to look at",
)
SHORT_GAPS = 10
"""In a window of fewer usual gaps the longest gaps are never seen whole."""
NO_CLIENTS = Text("Нет ни одного дня заказа", "There is no order day at all")
NO_REVENUE = Text(
    "Выручки за период нет или возвраты её превысили", "There is no revenue in the period, or returns exceed it"
)


def naive_metric(clients: pd.DataFrame) -> Metric:
    """Return clients with at least two order days ÷ clients with at least one, whole window, nothing corrected."""
    n = int((clients["order_days"] >= 1).sum())
    if n == 0:
        return no_metric("retention.second_purchase_naive", NO_CLIENTS, n=0)
    e = proportion(int((clients["order_days"] >= 2).sum()), n)
    assert e.value is not None
    return metric("retention.second_purchase_naive", e.value, low=e.low, high=e.high, n=n)


def new_metric(new: pd.DataFrame) -> Metric:
    """Return the source's own ratio: second purchases ÷ first purchases of new clients, nobody's wait corrected."""
    id = "retention.second_purchase_new"
    if not len(new):
        return no_metric(id, NO_NEW, n=0)
    e = proportion(int((new["order_days"] >= 2).sum()), len(new))
    assert e.value is not None
    return metric(id, e.value, low=e.low, high=e.high, n=e.n)


def probably_old_metric(new: pd.DataFrame, window: Window, interval_days: float | None) -> Metric:
    """Return which share of the new clients had probably bought before the export begins.

    Those whom «client since» dates are new for certain. ``extra``: burn_in_days; ``short``: whether the window is
    shorter than ten usual gaps, so that the longest gaps are never seen whole and the share is too low.
    """
    id = "retention.new_probably_old_share"
    if not len(new) or window.probably_old_share is None:
        return no_metric(id, NO_NEW, n=len(new))
    undated = float(believed_since(new).isna().mean())
    short = undated > 0 and interval_days is not None and window.days < SHORT_GAPS * interval_days
    return metric(
        id, window.probably_old_share * undated, n=len(new), burn_in_days=window.burn_in_days, short=bool(short)
    )


def purchase_metric(id: str, w: Waits, horizon: int, thresholds: Thresholds, as_of: dt.date) -> Metric:
    """Return the share back by the horizon after the purchase before, new clients only.

    Where nobody was watched as long as the horizon, the longest one for which enough clients were followed stands in,
    named in ``horizon_days``. ``extra``: horizon_days, wanted_days, at_risk, followed (clients followed for the wanted
    horizon), events, censored, median_days (or None), judged_days with judged_low and judged_high (the longest horizon
    for which enough were followed, the verdict rests on it),
    ready (ISO date from which the verdict at the horizon can be had, or None).
    """
    if len(w.days) == 0:
        return no_metric(id, NO_NEW, n=0)
    curve = w.curve()
    min_followed = thresholds.count("retention.min_followed")
    point = curve.at(horizon)
    judged = longest_judged(w, horizon, min_followed)
    if point.survival is None:
        point = judged if judged is not None else curve.at(float(curve.times[-1]))
    e = point.event_share
    assert e.value is not None
    ready = when_judged(w, horizon, min_followed, as_of)
    return metric(
        id,
        e.value,
        low=e.low,
        high=e.high,
        n=len(w.days),
        horizon_days=int(point.horizon),
        wanted_days=horizon,
        at_risk=point.at_risk,
        followed=int((w.followed >= horizon).sum()),
        events=point.events,
        censored=int((~w.happened).sum()),
        median_days=None if curve.median is None else int(curve.median),
        judged_days=None if judged is None else int(judged.horizon),
        judged_low=None if judged is None else judged.event_share.low,
        judged_high=None if judged is None else judged.event_share.high,
        judged_value=None if judged is None else judged.event_share.value,
        ready=None if ready is None else ready.isoformat(),
    )


def unmet_metric(path: Path, least: int, level: float) -> Metric:
    """Return which part of the new clients that did not buy again were never met by a keeper of clients."""
    id = "retention.once_unmet_share"
    if path.reason is not None:
        return no_metric(id, path.reason)
    if path.who_reason is not None:
        return no_metric(id, path.who_reason)
    if not path.keeper_known:
        return no_metric(id, NO_KEEPER)
    once = path.clients[path.clients["reached"] == 1]
    if len(once) < least:
        return no_metric(id, too_few(len(once), least, ONCE), n=len(once))
    unmet = int((~once["client_key"].isin(path.met)).sum())
    e = proportion(unmet, len(once), level)
    assert e.value is not None
    return metric(
        id,
        e.value,
        low=e.low,
        high=e.high,
        n=len(once),
        unmet=unmet,
        horizon_days=path.horizon_days,
        touches=path.touches,
        clients=len(path.clients),
    )


def share_metric(id: str, share: Share, reason: Text, *, complement: bool = False, **extra: Any) -> Metric:
    """Return a resampled share (or one minus it) as a metric; the dominant client's part goes to ``extra``.

    ``extra``: dominant_share, and without_value, without_low, without_high: the figure without the client that makes up
    more than the allowed part of it (absent where there is none).
    """
    e = share.whole.map(lambda x: 1.0 - x) if complement else share.whole
    if e.value is None:
        return no_metric(id, reason, n=e.n, **extra)
    more: dict[str, Any] = {}
    if share.dominant is not None and share.without is not None:
        w = share.without.map(lambda x: 1.0 - x) if complement else share.without
        more = {
            "dominant_share": round(share.dominant_share, 6),
            "without_value": w.value,
            "without_low": w.low,
            "without_high": w.high,
        }
    return metric(id, e.value, low=e.low, high=e.high, n=e.n, **more, **extra)


def regular_columns(clients: pd.DataFrame, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return revenue of the recent period from clients of before, and all of it, one entry per client.

    Of before: the first order day, or a believed «client since», lies before the recent period.
    """
    recent = clients["recent_revenue"].to_numpy(dtype=np.float64)
    start = pd.Timestamp(window.recent_start)
    before = (clients["first_day"] < start) | (believed_since(clients) < start).fillna(False)
    return np.where(before.to_numpy(dtype=np.bool_), recent, 0.0), recent


def regular_metric(share: Share, clients: pd.DataFrame, window: Window) -> Metric:
    """Return the regular clients' share of revenue: what the source's 60–100 % speaks of.

    ``extra``: since, until (ISO dates); whole_period: whether the window begins so long before the recent period that a
    client first seen in it is new.
    """
    dated = float(believed_since(clients).notna().mean()) if len(clients) else 0.0
    extra: dict[str, Any] = {
        "since": max(window.recent_start, window.start).isoformat(),
        "until": window.as_of.isoformat(),
        "whole_period": window.recent_is_whole and (window.new_from <= window.recent_start or dated >= DATED_SHARE),
    }
    return share_metric("retention.regular_revenue_share", share, NO_REVENUE, **extra)


def repeat_metrics(shares: Mapping[str, Share], window: Window, since: dt.date, has_margin: bool) -> list[Metric]:
    """Return the repeat share of revenue, of orders and of margin over the judged part of the recent period."""
    extra: dict[str, Any] = {
        "since": since.isoformat(),
        "until": window.as_of.isoformat(),
        "whole_period": since <= max(window.recent_start, window.start) and window.recent_is_whole,
    }
    out = [
        share_metric("retention.repeat_revenue_share", shares["repeat_revenue"], NO_REVENUE, complement=True, **extra),
        share_metric("retention.repeat_order_share", shares["repeat_orders"], NO_REVENUE, complement=True, **extra),
    ]
    if has_margin:
        out.append(
            share_metric("retention.repeat_margin_share", shares["repeat_margin"], NO_REVENUE, complement=True, **extra)
        )
    else:
        reason = Text("В заказах нет маржи и себестоимости", "The orders carry neither margin nor cost")
        out.append(no_metric("retention.repeat_margin_share", reason, **extra))
    return out


def top_share(revenue: pd.Series, part: float = 0.2) -> float | None:
    """Return the share of revenue of the largest ``part`` of clients (number rounded up); None without revenue."""
    total = float(revenue.sum())
    if len(revenue) == 0 or total <= 0:
        return None
    k = int(np.ceil(round(part * len(revenue), 9)))
    return float(np.sort(revenue.to_numpy(dtype=np.float64))[::-1][:k].sum()) / total
