"""When clients order: arrivals, first and second purchases, regular buying, silences and departures.

Time is in days from the first day of the window. The second purchase is drawn directly — yes within a year
with the planted probability, or not — so the truth of the second-purchase test is a parameter and not an
estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from tools.samples.draw import Bools, Draw, Floats, Ints
from tools.samples.spec import CompanySpec
from tools.samples.traits import Traits

_PAST = 730  # days simulated before the window, so that old clients enter it in the middle of their rhythm
_SECOND_WITHIN = 350  # latest second purchase: shifts to a working day never carry it past the horizon of 365
_FIRST_RHYTHM = 1000  # old clients count their purchases in the window from 1001


@dataclass(frozen=True)
class Clients:
    """One entry per client, old ones first. ``first_day`` is NaN for clients older than the window.

    ``rate`` is orders a year before season, ``size`` the client's order size ÷ the company's, ``seller`` the
    index of the client manager, ``calm`` whether the client ignores the seasons.
    """

    old: Bools
    first_day: Floats
    rate: Floats
    size: Floats
    seller: Ints
    odd: Bools
    tail: Bools
    calm: Bools
    handed_after: Ints
    exodus: Bools
    left_behind: Bools

    def __len__(self) -> int:
        return len(self.rate)


@dataclass(frozen=True)
class Orders:
    """One entry per order day of a client, sorted by client and day.

    ``number`` counts purchases from 1 for new clients, from 1001 for old ones; ``troubled`` marks orders that
    are late, short or complained of; ``giant`` the orders that choke the company.
    """

    client: Ints
    day: Ints
    number: Ints
    late_days: Ints
    short: Bools
    complaint: Bools
    document_error: Bools
    giant: Bools
    after_giant: Bools


def window_days(spec: CompanySpec) -> int:
    """Days in the window, both ends included."""
    return (spec.end - spec.start).days + 1


def make_clients(spec: CompanySpec, traits: Traits) -> Clients:
    """Draw the clients: who is old, when new ones come, how often and how much each buys, who serves them."""
    draw = Draw(spec.seed, "clients")
    days = window_days(spec)
    opening = round(spec.clients / (1.0 + traits.arrivals_share * days / 365.25))
    count = spec.clients
    old = np.arange(count) < opening
    first_day = np.where(old, np.nan, _arrivals(draw, count, days, traits.arrivals_growth))
    rate = traits.orders_per_year * np.clip(draw.erlang(traits.rate_shape, count), 0.45, 2.4)
    size = draw.lognormal(traits.client_sigma, count)
    tail = np.zeros(count, dtype=np.bool_)
    tail[draw.order(count)[: round(traits.tail_share * count)]] = True
    odd = np.zeros(count, dtype=np.bool_)
    odd[draw.order(opening)[: traits.odd_clients]] = True
    size = np.where(tail, 0.015 * size, np.where(odd, 0.03 * size, size))
    rate = np.where(tail, 2.0 * rate, np.where(odd, 2.0 * rate, rate))
    seller = _share_out(draw, rate * size, spec.sellers, traits.first_seller_share)
    follows = draw.chance(traits.handoff_followed, count)
    handed = draw.chance(traits.handed_share, count)
    late = traits.handoff_k + draw.whole(*traits.handoff_late_by, count)
    handed_after = np.where(follows, traits.handoff_k, late)
    if traits.handoff_anywhere[1]:
        handed_after = draw.whole(*traits.handoff_anywhere, count)
    handed_after = np.where(handed, handed_after, 10_000)
    exodus = draw.chance(traits.exodus_share, count)
    if traits.exodus_seller >= 0:
        exodus &= seller == traits.exodus_seller
    left = draw.chance(traits.leaver_loss, count) & (seller == 1) & traits.leaver
    return Clients(
        old,
        first_day,
        rate,
        size,
        seller,
        odd,
        tail,
        draw.chance(0.3, count),
        np.asarray(handed_after, dtype=np.int64),
        exodus,
        left,
    )


def _arrivals(draw: Draw, count: int, days: int, growth: float) -> Floats:
    """First-order days of new clients: an even stream, or one that grows by ``growth`` (log) a year."""
    u = draw.uniform(count)
    yearly = growth / 365.25
    if yearly == 0.0:
        return u * days
    return np.asarray(np.log1p(u * np.expm1(yearly * days)) / yearly, dtype=np.float64)


def _share_out(draw: Draw, weight: Floats, sellers: int, first_share: float) -> Ints:
    """Deal clients to sellers in books of like revenue, or give the first seller ``first_share`` of them."""
    count = len(weight)
    seller = np.empty(count, dtype=np.int64)
    by_weight = np.argsort(-weight, kind="stable")
    lap, place = np.divmod(np.arange(count), sellers)
    seller[by_weight] = np.where(lap % 2 == 0, place, sellers - 1 - place)  # there and back, as teams are picked
    if first_share > 0.0:
        others = 1 + np.arange(count) % max(sellers - 1, 1)
        seller = np.where(draw.chance(first_share, count), 0, others)
    return seller


def buy(spec: CompanySpec, traits: Traits, clients: Clients) -> Orders:
    """Simulate every order day in the window, with what went wrong on it, and stop clients who left."""
    draw = Draw(spec.seed, "orders")
    days = window_days(spec)
    time = _rhythm(spec, traits, clients, draw, days)
    origin = np.where(clients.old, 0.0, np.nan_to_num(time[:, 1], nan=np.inf))
    _silence(traits, clients, draw, time, origin, days)
    flat = np.flatnonzero(np.isfinite(time.ravel()) & (time.ravel() >= 0) & (time.ravel() < days))
    client = (flat // time.shape[1]).astype(np.int64)
    day = _working_day(np.floor(time.ravel()[flat]).astype(np.int64), spec.start, days)
    keep = np.ones(len(flat), dtype=np.bool_)
    keep[1:] = (client[1:] != client[:-1]) | (day[1:] > day[:-1])
    client, day = client[keep], day[keep]
    number = _count_within(client) + np.where(clients.old[client], _FIRST_RHYTHM, 0)
    orders = _service(spec, traits, clients, draw, client, day, number, days)
    return _leave(traits, clients, orders, draw)


def _rhythm(spec: CompanySpec, traits: Traits, clients: Clients, draw: Draw, days: int) -> Floats:
    """Order times, one row per client: the first purchase, the second, then gaps in the client's own rhythm.

    Gaps are drawn in rhythm time and carried to the calendar through the season (``_calendar``), so a summer
    dip stretches gaps instead of deleting orders. NaN-free; inf where there is no order.
    """
    count = len(clients)
    gap = 365.25 / clients.rate
    longest = int(np.ceil((days + _PAST) / gap.min() * 1.45)) + 12
    gaps = draw.erlang(traits.gap_shape, count, longest) * gap[:, None]
    second, seconds = _second_gaps(traits, draw, gap, count)
    time = np.full((count, longest + 2), np.inf)
    seasonal, calm = _calendar(spec, traits, days, calm=False), _calendar(spec, traits, days, calm=True)
    grid = np.arange(-_PAST, days + 1, dtype=np.float64)
    for mask, table in ((clients.calm, calm), (~clients.calm, seasonal)):
        for part in (mask & clients.old, mask & ~clients.old & seconds):
            rows = np.flatnonzero(part)
            if not len(rows):
                continue
            anchor = np.where(clients.old[rows], -float(_PAST), clients.first_day[rows] + second[rows])
            started = np.interp(anchor, grid, table)
            ahead = np.cumsum(gaps[rows], axis=1) + started[:, None]
            time[rows, 2:] = np.interp(ahead, table, grid, right=np.inf)
    new = ~clients.old
    time[new, 0] = clients.first_day[new]
    time[new, 1] = clients.first_day[new] + second[new]
    return time


def _second_gaps(traits: Traits, draw: Draw, gap: Floats, count: int) -> tuple[Floats, Bools]:
    """Days from first to second purchase (inf: never) and who is regular from then on.

    Whoever buys again does so within 350 days; of the rest ``late_second`` comes once more after 400 to 700
    days.
    """
    again = draw.chance(traits.second_purchase, count)
    soon = 12.0 + 0.9 * gap * draw.erlang(2, count)  # never so soon that the New Year holidays make one day of two
    soon = np.where(soon > _SECOND_WITHIN, draw.uniform(count, low=120.0, high=float(_SECOND_WITHIN)), soon)
    late = draw.chance(traits.late_second, count)
    much_later = draw.uniform(count, low=400.0, high=700.0)
    return np.where(again, soon, np.where(late, much_later, np.inf)), again


def _calendar(spec: CompanySpec, traits: Traits, days: int, *, calm: bool) -> Floats:
    """Rhythm time at each calendar day from −730: the integral of season × trend of frequency."""
    day = np.arange(-_PAST, days + 1, dtype=np.float64)
    of_year = (day + (spec.start - date(spec.start.year, 1, 1)).days) % 365.25
    intensity = np.exp(traits.frequency_trend * np.clip(day, 0, None) / 365.25)
    if not calm:
        intensity = intensity * (1.0 - traits.summer_dip * np.exp(-(((of_year - 200.0) / 28.0) ** 2)))
        intensity = intensity * (1.0 + traits.december_peak * np.exp(-(((of_year - 342.0) / 16.0) ** 2)))
    return np.concatenate([[0.0], np.cumsum(intensity[:-1])]) - _PAST


def _silence(traits: Traits, clients: Clients, draw: Draw, time: Floats, origin: Floats, days: int) -> None:
    """Blot out, in place, the orders that leaving clients and pausing clients do not make.

    A pause lasts 1.1 to 1.6 times the silence that would call the client asleep, so it is noticed and it
    ends.
    """
    count = len(clients)
    gap = 365.25 / clients.rate
    gone = origin + 365.25 * draw.exponential(traits.churn_per_year, count)
    begins = origin + 365.25 * draw.exponential(traits.pause_per_year, count)
    asleep_after = np.maximum(60.0, 3.4 * gap)
    ends = begins + np.minimum(asleep_after * draw.uniform(count, low=1.1, high=1.6), asleep_after + 240.0)
    if traits.exodus_share > 0.0:
        at = days - traits.exodus_months_before_end * 30.44
        leaves = at + draw.uniform(count, low=-15.0, high=10.0)
        gone = np.where(clients.exodus & (origin < at), np.minimum(gone, leaves), gone)
    if traits.leaver:
        at = days - traits.leaver_months_before_end * 30.44
        gone = np.where(clients.left_behind & (origin < at), np.minimum(gone, at), gone)
    regular = time[:, 2:]
    regular[regular > gone[:, None]] = np.inf
    regular[(regular > begins[:, None]) & (regular < ends[:, None])] = np.inf


def _working_day(day: Ints, start: date, days: int) -> Ints:
    """Saturday goes back to Friday, Sunday on to Monday; the first eight days of January to the ninth."""
    weekday = (day + start.weekday()) % 7
    day = day + np.where(weekday == 5, -1, np.where(weekday == 6, 1, 0))
    origin = np.datetime64(start.isoformat())
    dates = origin + day.astype("timedelta64[D]")
    of_year = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    day = np.where(of_year < 8, day + 8 - of_year, day)
    weekday = (day + start.weekday()) % 7
    day = day + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0))
    last = days - 1
    last -= max(0, (last + start.weekday()) % 7 - 4)  # the window may end on a weekend
    return np.asarray(np.clip(day, 0, last), dtype=np.int64)


def _count_within(client: Ints) -> Ints:
    """1, 2, 3 … within each run of equal clients."""
    if not len(client):
        return client
    begins = np.flatnonzero(np.r_[True, client[1:] != client[:-1]])
    return np.arange(len(client)) - np.repeat(begins, np.diff(np.r_[begins, len(client)])) + 1


def _service(
    spec: CompanySpec, traits: Traits, clients: Clients, draw: Draw, client: Ints, day: Ints, number: Ints, days: int
) -> Orders:
    """What went wrong with each order, and which orders are so large that others suffer for 45 days."""
    size = len(client)
    giant = np.zeros(size, dtype=np.bool_)
    after = np.zeros(size, dtype=np.bool_)
    if traits.giant_orders and size:
        for wanted in np.linspace(0.3, 0.85, traits.giant_orders) * days:
            middling = np.abs(np.log(clients.size[client])) < 0.5
            distance = np.abs(day - wanted) + np.where(middling & ~giant, 0, 10_000)
            chosen = int(np.argmin(distance))
            giant[chosen] = True
            after |= (day > day[chosen]) & (day <= day[chosen] + 45)
        after &= ~giant
    late = draw.chance(np.where(after, traits.late_after_giant, traits.late_share), size)
    late_days = np.where(late, draw.whole(2, 9, size), 0)
    return Orders(
        client,
        day,
        number,
        late_days,
        draw.chance(traits.short_share, size),
        draw.chance(traits.complaint_share, size),
        draw.chance(traits.document_error_share, size),
        giant,
        after,
    )


def _leave(traits: Traits, clients: Clients, orders: Orders, draw: Draw) -> Orders:
    """Drop the orders of clients who left after a failure or at a hand-off, from that moment on.

    Failures drive away only from the second purchase on, so that the planted second-purchase probability
    stays exact. A hand-off loses clients at the two moments an audit can see: before the first order with the
    new manager and after it.
    """
    size = len(orders.client)
    stops = np.zeros(size, dtype=np.bool_)
    if traits.failure_loss > 0.0:
        troubled = (orders.late_days > 0) | orders.short | orders.complaint
        stops |= troubled & (orders.number >= 2) & draw.chance(traits.failure_loss, size)
    if traits.handoff_loss > 0.0:
        due = clients.handed_after[orders.client]
        moment = (orders.number == due) | (orders.number == due + 1)
        stops |= moment & (orders.number >= 2) & draw.chance(traits.handoff_loss, size)
    if not stops.any():
        return orders
    first_stop = np.full(len(clients), np.iinfo(np.int64).max)
    at = np.flatnonzero(stops)
    np.minimum.at(first_stop, orders.client[at], at)
    keep = np.arange(size) <= first_stop[orders.client]
    return Orders(
        orders.client[keep],
        orders.day[keep],
        orders.number[keep],
        orders.late_days[keep],
        orders.short[keep],
        orders.complaint[keep],
        orders.document_error[keep],
        orders.giant[keep],
        orders.after_giant[keep],
    )
