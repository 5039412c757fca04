"""From order days to the lines of an export: who served, who typed, what was bought, returns, cancellations.

The result has the canonical columns of the contract, one row per document line, dates as ISO text and missing
values as None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tools.samples.buying import Clients, Orders, window_days
from tools.samples.draw import Bools, Draw, Floats, Ints
from tools.samples.names import (
    GOODS,
    REGIONS,
    REGIONS_EN,
    SEGMENTS,
    SEGMENTS_EN,
    company_names,
    latin,
    person_names,
    tax_numbers,
)
from tools.samples.people import Person, leaver_date, seller_role
from tools.samples.spec import CompanySpec
from tools.samples.traits import Traits

COLUMNS = (
    "order_id",
    "order_date",
    "client_id",
    "client",
    "segment",
    "region",
    "holding",
    "client_since",
    "contact",
    "manager",
    "created_by",
    "channel",
    "initiator",
    "kind",
    "status",
    "sku_group",
    "sku",
    "qty",
    "amount",
    "margin",
    "promised_date",
    "shipped_date",
    "shipped_pct",
    "complaint",
    "complaint_reason",
    "document_error",
)
"""All columns of a full export, in the order of the file."""

_RARE = (
    "holding",
    "client_since",
    "initiator",
    "shipped_pct",
    "complaint_reason",
    "document_error",
    "margin",
    "region",
)

COLUMNS_BY_LEVEL: dict[str, tuple[str, ...]] = {
    "full": COLUMNS,
    "standard": tuple(c for c in COLUMNS if c not in _RARE),
    "bare": ("order_date", "client_id", "amount"),
}

_CHANNELS = {"ru": ("Телефон", "Почта", "Сайт", "EDI"), "en": ("Phone", "E-mail", "Site", "EDI")}
SYSTEM_USER = {"ru": "Обмен с сайтом", "en": "Site exchange"}
_REASONS = ("LATE", "PAPERS", "SHORT", "QUALITY", "PRICE")
_RETURN_LAG_DAYS = (4, 25)

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Register:
    """The client register of a company: one entry per client."""

    key: Texts
    name: Texts
    segment: Ints
    region: Ints
    holding: Texts
    since: Texts
    contacts: tuple[Texts, Ints]  # names of contact people, and how many each client has


def register(spec: CompanySpec, clients: Clients) -> Register:
    """Names, keys, segments, holdings and contact people of the clients."""
    count, draw = len(clients), Draw(spec.seed, "register")
    since = np.empty(count, dtype=object)
    start = np.datetime64(spec.start.isoformat())
    ago = np.floor(30 + 2800 * draw.uniform(count) ** 1.5).astype(np.int64)
    since[:] = np.where(
        clients.old,
        np.datetime_as_string(start - ago.astype("timedelta64[D]")),
        "",  # filled from the first order
    )
    holding = np.full(count, None, dtype=object)
    small = np.flatnonzero(clients.size < 1.3)
    groups = len(small) // 25  # holdings of three: about one client in eight
    members = small[draw.order(len(small))[: groups * 3]]
    group_names = company_names(groups + 1, draw, spec.sector, spec.lang)
    for g in range(groups):
        core = group_names[g].split("«")[-1].rstrip("»").split(" ")[0]
        holding[members[3 * g : 3 * g + 3]] = f"ГК {core}" if spec.lang == "ru" else f"{core} Group"
    people = np.array([short for _, short in person_names(400, draw, spec.lang)], dtype=object)
    return Register(
        np.array(tax_numbers(count, draw), dtype=object),
        np.array(company_names(count, draw, spec.sector, spec.lang), dtype=object),
        draw.whole(0, 2, count),
        draw.whole(0, 5, count),
        holding,
        since,
        (people, draw.whole(1, 4, count)),
    )


@dataclass(frozen=True)
class Serving:
    """Who handled each order day: names as the orders spell them, and what that says about roles."""

    manager: Texts
    author: Texts
    channel: Ints
    initiator: Texts
    main_seller: Texts  # per client: the seller who answers for the client today
    developer: Texts  # per client: who won it (None for old clients)
    typed_by_manager: int
    typed_by_people: int


def serve(spec: CompanySpec, traits: Traits, clients: Clients, orders: Orders, people: list[Person]) -> Serving:
    """Give every order day its responsible manager and the person who typed it.

    The developer keeps a new client for the purchases up to the hand-off; then the client's seller serves, a
    deputy in his holidays and for the planned share of orders. A leaver's book passes to the successor on the
    day of leaving.
    """
    draw = Draw(spec.seed, "serving")
    n, role = len(orders.client), seller_role(spec.sale_type)
    sellers = [p for p in people if p.role == role]
    hunters = [p for p in people if p.role == "SR"]
    desk = spec.sellers
    main = clients.seller[orders.client]
    deputy = (main + 1) % desk
    use_deputy = _deputy(spec, traits, clients, orders, draw, desk)
    who = np.where(use_deputy, deputy, main)
    names = np.array([p.short for p in sellers], dtype=object)
    if traits.leaver and traits.leaver_handed:  # the successor is the last of the sellers
        moved = (leaver_date(spec, traits) - spec.start).days
        who = np.where((who == 1) & (orders.day >= moved), desk, who)
    manager = names[who]
    hunter_of = draw.whole(0, max(len(hunters) - 1, 0), len(clients))
    developer = np.full(len(clients), None, dtype=object)
    if hunters and spec.sale_type != "S":  # a strategic seller keeps what he won
        won = np.array([p.short for p in hunters], dtype=object)[hunter_of]
        developer[~clients.old] = won[~clients.old]
        own = orders.number <= clients.handed_after[orders.client]
        manager = np.where(own, won[orders.client], manager)
    clerks = _typists(spec, people, sellers)
    clerk = np.array(clerks, dtype=object)[draw.whole(0, len(clerks) - 1, n)]
    clerk = _not_the_manager(clerk, manager, clerks)
    automatic = draw.chance(traits.automation_share, n)
    by_manager = draw.chance(traits.entered_by_manager, n) & ~automatic
    author = np.where(automatic, SYSTEM_USER[spec.lang], np.where(by_manager, manager, clerk))
    channel = np.where(automatic, 2 + draw.chance(0.35, n), draw.chance(0.55, n))
    ours = draw.chance(traits.company_initiated, n)
    initiator = np.where(ours, "OUT", "IN").astype(object)
    handed = traits.leaver and traits.leaver_handed
    answers = np.where(handed & (clients.seller == 1), desk, clients.seller)
    return Serving(
        manager,
        author,
        channel.astype(np.int64),
        initiator,
        names[answers],
        developer,
        int(by_manager.sum()),
        int((~automatic).sum()),
    )


def _typists(spec: CompanySpec, people: list[Person], sellers: list[Person]) -> list[str]:
    """Who types orders besides the responsible manager: in T the office, elsewhere clerks or back office."""
    if spec.sale_type == "T":
        return [p.short for p in people if p.role == "BO"] + [p.short for p in sellers if p.present]
    for role in ("OP", "BO", "ROP"):
        found = [p.short for p in people if p.role == role]
        if found:
            return found
    return [SYSTEM_USER[spec.lang]]


def _deputy(
    spec: CompanySpec, traits: Traits, clients: Clients, orders: Orders, draw: Draw, desk: int
) -> npt.NDArray[np.bool_]:
    """Orders taken by the paired seller: in turn where orders are few, else by chance and in the holidays."""
    n = len(orders.client)
    if desk < 2:
        return np.zeros(n, dtype=np.bool_)
    alone = draw.chance(traits.single_client_share, len(clients))[orders.client]
    if traits.alternate:
        chosen = (orders.number % 2 == 0) ^ draw.chance(0.1, n)
    else:
        of_year = (orders.day + (spec.start.timetuple().tm_yday - 1)) % 365
        summer = 155 + (clients.seller[orders.client] * 31) % 90
        away = ((of_year >= summer) & (of_year < summer + 14)) | ((of_year + summer) % 365 < 7)
        chosen = draw.chance(traits.deputy_share, n) | away
    return np.asarray(chosen & ~alone, dtype=np.bool_)


def _not_the_manager(clerk: Texts, manager: Texts, clerks: list[str]) -> Texts:
    """Where the drawn clerk happens to be the responsible manager, the next clerk typed the order."""
    following = {name: clerks[(i + 1) % len(clerks)] for i, name in enumerate(clerks)}
    same = clerk == manager
    clerk = clerk.copy()
    clerk[same] = [following[str(name)] for name in clerk[same]]
    return clerk


@dataclass(frozen=True)
class Lines:
    """Lines of the sales, one entry per line, sorted by order; ``order`` points into ``Orders``."""

    order: Ints
    group: Ints
    item: Ints
    custom: Bools
    qty: Ints
    amount: Floats
    margin: Floats


def fill(spec: CompanySpec, traits: Traits, clients: Clients, orders: Orders, reg: Register) -> Lines:
    """Baskets: how many lines, which goods, how many of each, at what price and margin.

    The value of an order is independent of its number of lines, so that range and ticket can fall separately.
    """
    draw = Draw(spec.seed, "lines")
    n = len(orders.client)
    years = orders.day / 365.25
    breadth = np.maximum(1.0, traits.lines_mean * np.exp(traits.range_trend * years))
    odd = clients.odd[orders.client]
    count = np.where(odd, 1, 1 + draw.poisson(breadth - 1.0, n, at_most=25))
    order = np.repeat(np.arange(n), count)
    client = orders.client[order]
    groups = _assortment(traits, clients, reg, draw)
    allowed = groups.sum(axis=1)[client]
    nth = np.floor(draw.uniform(len(order)) * allowed).astype(np.int64)
    group = np.argsort(~groups, axis=1, kind="stable")[client, nth]
    popularity = 1.0 / (1.0 + np.arange(traits.items_per_category))
    item = draw.pick(popularity, len(order))
    custom = odd[order] & (draw.uniform(len(order)) < 0.9)
    price_level = np.exp((traits.inflation + traits.ticket_trend) * years)[order]
    first = np.where(orders.number == 1, traits.first_order_factor, 1.0)
    per_line = traits.ticket_rub / breadth * clients.size[orders.client] * first
    target = per_line[order] * draw.lognormal(traits.order_sigma, len(order)) * price_level
    # Prices live in the catalogue: one for each item, from cheap to dear, the same for everybody on a day.
    catalogue = traits.ticket_rub / 200.0 * (0.4 + ((group * 7 + item * 13) % 11) / 7.0)
    price = np.round(catalogue * price_level, 2)
    qty = np.maximum(1, np.round(target / price)).astype(np.int64)
    keep = _first_of_each(order, group, item, traits.items_per_category)
    amount = np.round(qty * price, 2)
    amount = _rescale(spec, traits, clients, orders, order, amount, qty, price)
    # Small clients pay more of the list price: margin falls gently with size and never depends on the
    # manager.
    rate = traits.margin_share - 0.03 * np.log(clients.size[client]).clip(-1.5, 1.5)
    rate = rate + 0.03 * draw.normal(len(order))
    rate = np.where(odd[order], -0.10, np.where(orders.after_giant[order], rate - 0.08, rate))
    margin = np.round(amount * rate, 2)
    qty = np.maximum(1, np.round(amount / price)).astype(np.int64)
    return Lines(order[keep], group[keep], item[keep], custom[keep], qty[keep], amount[keep], margin[keep])


def _assortment(traits: Traits, clients: Clients, reg: Register, draw: Draw) -> Bools:
    """Client × category: a segment leaves one category out; restricted clients buy only a few of them."""
    count = len(clients)
    groups = np.ones((count, traits.categories), dtype=np.bool_)
    if traits.restricted_share > 0.0:
        rank = np.argsort(draw.uniform(count, traits.categories), axis=1, kind="stable")
        few = draw.chance(traits.restricted_share, count)
        groups[few] = (rank < traits.restricted_categories)[few]
    else:
        groups[np.arange(count), reg.segment % traits.categories] = False
    return groups


def _first_of_each(order: Ints, group: Ints, item: Ints, items: int) -> Bools:
    """True for the first line of each item within an order: an item stands in a document once."""
    key = (order * 64 + group) * (items + 1) + item
    keep = np.zeros(len(key), dtype=np.bool_)
    keep[np.unique(key, return_index=True)[1]] = True
    return keep


def _rescale(
    spec: CompanySpec,
    traits: Traits,
    clients: Clients,
    orders: Orders,
    order: Ints,
    amount: Floats,
    qty: Ints,
    price: Floats,
) -> Floats:
    """Blow up the clients of ``top_shares`` to their planted share of revenue, and the giant orders."""
    client = orders.client[order]
    if traits.top_shares:
        last_year = orders.day >= window_days(spec) - 365
        recent = np.bincount(orders.client[last_year], minlength=len(clients))
        steady = np.where(clients.old, recent, 0)
        top = np.argsort(-steady, kind="stable")[: len(traits.top_shares)]
        revenue = np.bincount(client[last_year[order]], amount[last_year[order]], minlength=len(clients))
        rest = revenue.sum() - revenue[top].sum()
        total = rest / (1.0 - sum(traits.top_shares))
        factor = np.ones(len(clients))
        factor[top] = np.array(traits.top_shares) * total / revenue[top]
        amount = np.round(amount * factor[client], 2)
    if orders.giant.any():
        months = window_days(spec) / 30.44
        wanted = 0.75 * amount.sum() / months
        own = np.bincount(order, amount, minlength=len(orders.client))
        blow = np.where(orders.giant, wanted / np.maximum(own, 1.0), 1.0)
        amount = np.round(amount * blow[order], 2)
    return np.maximum(amount, 0.01)


def frame(
    spec: CompanySpec, traits: Traits, clients: Clients, orders: Orders, serving: Serving, lines: Lines, reg: Register
) -> pd.DataFrame:
    """The export: sale lines, then returns, cancelled and internal documents, sorted by date and number."""
    draw = Draw(spec.seed, "documents")
    table = _sales(spec, traits, clients, orders, serving, lines, reg, draw)
    extra = [_returns(spec, traits, table, draw), _cancelled(spec, traits, table, draw)]
    internal = _internal(spec, traits, table, draw)
    table = pd.concat([table, *(e for e in (*extra, internal) if len(e))], ignore_index=True)
    table = table.sort_values(["_day", "_doc", "_line"], kind="stable", ignore_index=True)
    table = _numbers(spec, table)
    return table[list(COLUMNS_BY_LEVEL[spec.columns])].copy()


def _sales(
    spec: CompanySpec,
    traits: Traits,
    clients: Clients,
    orders: Orders,
    serving: Serving,
    lines: Lines,
    reg: Register,
    draw: Draw,
) -> pd.DataFrame:
    n = len(orders.client)
    client = orders.client
    iso = _iso(spec, np.arange(window_days(spec) + 60))
    since = reg.since.copy()
    firsts = np.flatnonzero(orders.number == 1)
    since[client[firsts]] = iso[orders.day[firsts]]
    people, width = reg.contacts
    contact = people[(client * 7 + np.floor(draw.uniform(n) ** 1.6 * width[client]).astype(np.int64)) % len(people)]
    lead_time = draw.whole(2, 7, n)
    early = np.where(orders.late_days > 0, 0, draw.whole(0, 2, n))
    promised = orders.day + lead_time
    shipped = np.maximum(promised - early + orders.late_days, orders.day)
    reason = np.where(orders.late_days > 0, "LATE", np.array(_REASONS, dtype=object)[draw.pick((2, 3, 3, 2, 1), n)])
    fresh = shipped >= window_days(spec)  # not shipped yet on the last day of the export
    status = np.where(fresh, "open", np.where(shipped >= window_days(spec) - 10, "shipped", "closed"))
    segments = np.array((SEGMENTS if spec.lang == "ru" else SEGMENTS_EN)[spec.sector], dtype=object)
    regions = np.array(REGIONS if spec.lang == "ru" else REGIONS_EN, dtype=object)
    short_pct = np.where(orders.short, draw.whole(40, 95, n), 100)
    per_order: dict[str, Any] = {
        "_day": orders.day,
        "order_date": iso[orders.day],
        "client_id": reg.key[client],
        "client": reg.name[client],
        "segment": segments[reg.segment[client]],
        "region": regions[reg.region[client]],
        "holding": reg.holding[client],
        "client_since": since[client],
        "contact": contact,
        "manager": serving.manager,
        "created_by": serving.author,
        "channel": np.array(_CHANNELS[spec.lang], dtype=object)[serving.channel],
        "initiator": serving.initiator,
        "kind": "sale",
        "status": status.astype(object),
        "promised_date": iso[promised],
        "shipped_date": _blank(iso[shipped], fresh),
        "shipped_pct": _blank(short_pct.astype(object), fresh),
        "complaint": np.where(orders.complaint, 1, 0),
        "complaint_reason": _blank(reason, ~orders.complaint),
        "document_error": np.where(orders.document_error, 1, 0),
    }
    table = pd.DataFrame(per_order, copy=False).iloc[lines.order].reset_index(drop=True)
    split = draw.chance(traits.split_document_share, n)
    position = _position(lines.order)
    second = split[lines.order] & (position % 2 == 1)
    table["_doc"] = lines.order * 2 + second
    table["_line"] = position
    goods = GOODS[spec.sector]
    names, stems = _goods(goods, traits.categories, spec.lang)
    group = np.array(names, dtype=object)[lines.group]
    stem = np.array(stems, dtype=object)[lines.group]
    sku = stem + "-" + (lines.item + 1).astype(str).astype(object)
    made_to_order = "Нестандартное" if spec.lang == "ru" else "Custom"
    table["sku_group"] = np.where(lines.custom, made_to_order, group)
    custom_item = made_to_order + " " + reg.key[client[lines.order]] + "-" + (lines.item + 1).astype(str).astype(object)
    table["sku"] = np.where(lines.custom, custom_item, sku)
    table["qty"], table["amount"], table["margin"] = lines.qty, lines.amount, lines.margin
    return table


def _goods(goods: tuple[tuple[str, str], ...], categories: int, lang: str) -> tuple[list[str], list[str]]:
    """Names of the categories and stems of their items, numbered on where names run out."""
    names, stems = [], []
    for i in range(categories):
        name, stem = goods[i] if i < len(goods) else (f"Группа {i + 1:02d}", f"Товар {i + 1:02d}")
        names.append(name if lang == "ru" else latin(name))
        stems.append(stem if lang == "ru" else latin(stem))
    return names, stems


def _iso(spec: CompanySpec, day: Ints) -> Texts:
    dates = np.datetime64(spec.start.isoformat()) + day.astype("timedelta64[D]")
    return np.datetime_as_string(dates).astype(object)


def _blank(values: Texts, where: Bools) -> Texts:
    """The values with None at the given places."""
    out = np.asarray(values, dtype=object).copy()
    out[where] = None
    return out


def _position(order: Ints) -> Ints:
    begins = np.flatnonzero(np.r_[True, order[1:] != order[:-1]]) if len(order) else np.zeros(0, dtype=np.int64)
    return np.arange(len(order)) - np.repeat(begins, np.diff(np.r_[begins, len(order)]))


def _returns(spec: CompanySpec, traits: Traits, table: pd.DataFrame, draw: Draw) -> pd.DataFrame:
    """Returns of a part of a line, at most a third: half name their order, half come as own documents.

    A return never eats up an order day, neither the order's own nor the day on which it is booked.
    """
    rows = np.flatnonzero(draw.chance(traits.return_share, len(table)) & (table["amount"].to_numpy() > 100.0))
    back = table.iloc[rows].copy()
    share = draw.uniform(len(rows), low=0.05, high=0.34)
    lag = draw.whole(*_RETURN_LAG_DAYS, len(rows))
    day = np.minimum(back["_day"].to_numpy() + lag, window_days(spec) - 1)
    linked = draw.chance(0.5, len(rows))
    back["amount"] = -np.round(back["amount"].to_numpy() * share, 2)
    back["margin"] = -np.round(back["margin"].to_numpy() * share, 2)
    back["qty"] = -np.maximum(1, np.round(back["qty"].to_numpy() * share)).astype(np.int64)
    back["_day"], back["order_date"] = day, _iso(spec, day)
    back["kind"], back["status"] = "return", "closed"
    back["complaint"], back["complaint_reason"], back["document_error"] = 0, None, 0
    for column in ("promised_date", "shipped_date", "shipped_pct"):
        back[column] = None
    back["_line"] = 900
    top = int(table["_doc"].max()) + 1
    back["_doc"] = np.where(linked, back["_doc"], top + np.arange(len(rows)))
    # An unlinked return on a day of another order would net against it: only where that order stays positive.
    bought = table.groupby(["client_id", "_day"], sort=False)["amount"].sum()
    same_day = bought.reindex(pd.MultiIndex.from_frame(back[["client_id", "_day"]])).to_numpy(dtype=np.float64)
    safe = linked | np.isnan(same_day) | (np.nan_to_num(same_day) + back["amount"].to_numpy() > 0)
    return pd.DataFrame(back[safe])


def _cancelled(spec: CompanySpec, traits: Traits, table: pd.DataFrame, draw: Draw) -> pd.DataFrame:
    """Cancelled orders: extra documents that came to nothing, some weeks after a real one."""
    documents = np.unique(table["_doc"].to_numpy())
    chosen = documents[draw.chance(traits.cancelled_share, len(documents))]
    copy = table[table["_doc"].isin(chosen)].copy()
    shift = dict(zip(chosen.tolist(), draw.whole(5, 40, len(chosen)).tolist(), strict=True))
    day = copy["_day"].to_numpy() + copy["_doc"].map(shift).to_numpy(dtype=np.int64)
    copy["_day"], copy["status"] = day, "cancelled"
    copy["_doc"] += 10 * int(table["_doc"].max() + 10)
    copy = pd.DataFrame(copy[day < window_days(spec)]).copy()
    copy["order_date"] = _iso(spec, copy["_day"].to_numpy())
    copy["complaint"], copy["complaint_reason"], copy["document_error"] = 0, None, 0
    for column in ("promised_date", "shipped_date", "shipped_pct"):
        copy[column] = None
    return copy


def _internal(spec: CompanySpec, traits: Traits, table: pd.DataFrame, draw: Draw) -> pd.DataFrame:
    """Internal documents: goods moved to our own branch, no client behind them."""
    count = traits.internal_per_year * spec.years
    rows = table.iloc[draw.whole(0, len(table) - 1, count)].copy()
    day = draw.whole(10, window_days(spec) - 2, count)
    own = "Собственный склад (перемещение)" if spec.lang == "ru" else "Own warehouse (transfer)"
    rows["client"], rows["client_id"], rows["kind"] = own, "0000000001", "internal"
    rows["_day"], rows["order_date"] = day, _iso(spec, day)
    for column in (
        "holding",
        "client_since",
        "contact",
        "segment",
        "region",
        "promised_date",
        "shipped_date",
        "shipped_pct",
        "complaint_reason",
    ):
        rows[column] = None
    rows["complaint"], rows["document_error"], rows["status"] = 0, 0, "closed"
    rows["_doc"] = 100 * int(table["_doc"].max() + 10) + np.arange(count)
    rows["_line"] = 0
    return rows


def _numbers(spec: CompanySpec, table: pd.DataFrame) -> pd.DataFrame:
    """Document numbers in the order of dates; a linked return keeps the number of its order."""
    first = table.drop_duplicates("_doc")
    own_numbers = pd.Series(np.arange(1, len(first) + 1), index=first["_doc"])
    # The number of an order is given on its own day: returns never come first, they are booked later.
    prefix = latin(spec.name)[:2].upper()
    number = table["_doc"].map(own_numbers).astype(str).str.zfill(6)
    table["order_id"] = prefix + "-" + number
    return table
