"""Traces of order entry: who typed the orders, and how many hours that takes at least.

The author of a document is the only trace of operational work that every accounting system keeps. It is a lower
bound: invoices, chasing and papers leave no author.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.errors import Text
from audit.model.result import Metric, metric, no_metric
from audit.stats.intervals import wilson_bounds
from audit.stats.shares import clustered_share

__all__ = ["Entry", "entry_by_manager", "entry_hours", "entry_share", "measure_entry"]

SYSTEM = "SYS"
FUNCTION = "OPS_ORDER"
METRIC = "roles.entry_by_manager"


@dataclass(frozen=True)
class Entry:
    """Counts of orders behind `roles.entry_by_manager`.

    ``orders`` all; ``with_author`` those with author and manager known; ``typed`` of them by people; ``by_manager``
    typed by the responsible manager; ``own`` of those where typing is the manager's own work; ``suspect`` typed
    under a spelling that looks like the manager's own login but is in no list; ``automatic`` by a system user;
    ``identical``: author and manager never differ; ``apart``: no spelling of an author ever occurs as a manager.
    ``managers``: one row per manager with orders ``typed`` by people, ``foreign`` ones, and those that are ``possible``
    if suspect logins are the manager's.
    """

    orders: int
    with_author: int
    typed: int
    by_manager: int
    own: int
    suspect: int
    automatic: int
    unknown_role: int
    unlisted_authors: int
    identical: bool
    apart: bool
    managers: pd.DataFrame

    @property
    def foreign(self) -> int:
        """Orders typed by a manager whose work it is not."""
        return self.by_manager - self.own


def _logins(rows: pd.DataFrame, unlisted: pd.Series, min_orders: int, min_share: float) -> set[tuple[str, str]]:
    """Return pairs (author, manager) in which an unlisted author types for one manager only: probably the same person.

    A clerk types for several managers. With one manager in the company everybody types for him: then nothing is told.
    """
    per = rows[unlisted].groupby(["created_by", "manager"])["orders"].sum()
    if per.empty:
        return set()
    whole = rows.groupby("manager")["orders"].sum()
    total = float(whole.sum())
    out = set()
    for author, part in per.groupby(level=0):
        top: Any = part.idxmax()
        n, share = float(part.sum()), float(part.max()) / float(part.sum())
        manager = top[1]
        if n >= min_orders and share >= min_share and float(whole[manager]) / total <= 0.5:
            out.add((str(author), str(manager)))
    return out


def measure_entry(
    rows: pd.DataFrame,
    is_own: Callable[[str], bool],
    listed: Collection[str] = (),
    *,
    min_orders: int = 20,
    login_share: float = 0.8,
) -> Entry:
    """Count orders by who typed them.

    ``rows``: created_by, manager, orders (one row per pair, further columns are ignored). ``is_own``: whether order
    entry is the manager's own work. ``listed``: person codes of the staff sheet. Orders without a manager or author
    are counted in ``orders`` only.
    """
    orders = int(rows["orders"].sum())
    known = rows[rows["created_by"].notna() & rows["manager"].notna()]
    human = known[known["created_by"] != SYSTEM]
    same = human["created_by"] == human["manager"]
    own = human["manager"].map(is_own).astype(bool) if len(human) else pd.Series(dtype=bool)
    managers = set(known["manager"])
    listed = set(listed)
    unlisted = ~human["created_by"].isin(listed | managers)
    pairs = _logins(human, unlisted, min_orders, login_share)
    suspect = pd.Series(
        [(a, m) in pairs for a, m in zip(human["created_by"], human["manager"], strict=True)],
        index=human.index,
        dtype=bool,
    )
    authors = set(human["created_by"])
    n = human["orders"]
    foreign = n.where(same & ~own, 0)
    columns = {"typed": n, "foreign": foreign, "possible": foreign + n.where(suspect & ~same & ~own, 0)}
    return Entry(
        orders=orders,
        with_author=int(known["orders"].sum()),
        typed=int(n.sum()),
        by_manager=int(n[same].sum()),
        own=int(n[same & own].sum()),
        suspect=int(n[suspect & ~same & ~own].sum()),
        automatic=int(rows.loc[rows["created_by"] == SYSTEM, "orders"].sum()),
        unknown_role=int(n[~human["manager"].isin(listed)].sum()),
        unlisted_authors=int(n[unlisted].sum()),
        identical=bool(len(known)) and bool((known["created_by"] == known["manager"]).all()),
        apart=not (authors & managers),
        managers=pd.DataFrame(columns).groupby(human["manager"]).sum(),
    )


def entry_by_manager(
    entry: Entry, *, has_fields: bool, in_conveyor: bool, needs_roles: bool, min_units: int, min_author_share: float
) -> Metric:
    """Turn the counts into the metric, or say why it cannot be had: it is never 0 for want of an author.

    ``needs_roles``: order entry is the seller's own work in this type, so without the managers' roles nothing is
    known. Managers are what was drawn: who types is their habit. The upper limit takes the suspect logins for theirs.
    """
    if not has_fields:
        return no_metric(
            METRIC,
            Text(
                "В выгрузке нет автора заказа или ответственного менеджера: выгрузите поля «Автор» и «Менеджер»",
                "The export lacks the author of the order or the responsible manager: export both fields",
            ),
        )
    if not in_conveyor:
        return no_metric(
            METRIC,
            Text(
                "В этом типе продаж ввод заказов не входит в конвейер, чужой работой он не считается",
                "Order entry is not in the conveyor of this type of sale and is nobody's foreign work",
            ),
        )
    filled = entry.with_author / entry.orders if entry.orders else 0.0
    if filled < min_author_share:
        return no_metric(
            METRIC,
            Text(
                f"Автор и менеджер вместе указаны только у {filled * 100:.0f}\u00a0% заказов, нужно не менее "
                f"{min_author_share * 100:.0f}\u00a0%",
                f"Author and manager are both given for {filled:.0%} of the orders only, {min_author_share:.0%} are needed",
            ),
            n=entry.with_author,
        )
    if entry.typed < min_units:
        return no_metric(
            METRIC,
            Text(
                f"Заказов, введённых людьми, за период {entry.typed}, для вывода нужно не менее {min_units}",
                f"{entry.typed} orders were entered by people in the period, at least {min_units} are needed",
            ),
            n=entry.typed,
        )
    if entry.identical:
        return no_metric(
            METRIC,
            Text(
                "Автор и ответственный менеджер совпадают во всех заказах: поля заполнены одним и тем же, "
                "кто вводил заказ, из них не узнать",
                "Author and responsible manager coincide in every order: the fields hold the same thing, "
                "they do not tell who typed",
            ),
            n=entry.typed,
        )
    if needs_roles and entry.unknown_role / entry.typed > 1 - min_author_share:
        return no_metric(
            METRIC,
            Text(
                "В этом типе продаж ввод заказов — собственная работа СОП, а роли менеджеров неизвестны: "
                "заполните лист «Сотрудники» с написаниями имён из заказов",
                "In this type of sale order entry is the office seller's own work, and the managers' roles are unknown: "
                "fill in the sheet “Staff” with the spellings used in the orders",
            ),
            n=entry.typed,
        )
    if entry.apart and entry.unlisted_authors / entry.typed > 1 - min_author_share:
        return no_metric(
            METRIC,
            Text(
                "Ни одно написание автора не встречается среди менеджеров: один ли это человек, не узнать. "
                "Укажите логины и написания на листе «Сотрудники»",
                "No spelling of an author occurs among the managers, so the same person cannot be recognised: "
                "give logins and spellings in the sheet “Staff”",
            ),
            n=entry.typed,
        )
    m = entry.managers
    return metric(
        METRIC,
        entry.foreign / entry.typed,
        low=clustered_share(m["foreign"], m["typed"]).low,
        high=clustered_share(m["possible"], m["typed"]).high,
        n=entry.typed,
        typed_by_manager=entry.by_manager,
        own_work=entry.own,
        suspect_logins=entry.suspect,
        automatic=entry.automatic,
    )


def entry_share(rows: pd.DataFrame, min_orders: int, level: float) -> pd.DataFrame:
    """Return how much of what people type for each manager's clients the manager types.

    ``rows``: created_by, manager, orders of the recent period. Grain: one row per responsible manager with at least
    ``min_orders`` orders typed by people, the largest share first. Columns: person, typed, own, share, low, high
    (Wilson).
    """
    human = rows[rows["created_by"].notna() & rows["manager"].notna() & (rows["created_by"] != SYSTEM)]
    own = human["orders"].where(human["created_by"] == human["manager"], 0)
    out = human.assign(own=own).groupby("manager", sort=True)[["orders", "own"]].sum().reset_index()
    out = out.rename(columns={"manager": "person", "orders": "typed"})
    out = out[out["typed"] >= min_orders]
    low, high = wilson_bounds(out["own"].to_numpy(), out["typed"].to_numpy(), level)
    out = out.assign(share=out["own"] / out["typed"], low=low, high=high)
    return out.sort_values(["share", "person"], ascending=[False, True], ignore_index=True)


def entry_hours(rows: pd.DataFrame, minutes_per_order: float, minutes_per_line: float, months: float) -> pd.DataFrame:
    """Return the hours a month that typing takes each author: Σ(a + b·lines) ÷ 60 ÷ months.

    ``rows``: created_by, orders, lines of the recent period. Grain: one row per author, system users and unknown
    authors left out. Columns: person, orders, lines, hours (a month). A lower bound of operational work.
    """
    human = rows[rows["created_by"].notna() & (rows["created_by"] != SYSTEM)]
    out = human.groupby("created_by", sort=True)[["orders", "lines"]].sum().reset_index()
    out = out.rename(columns={"created_by": "person"})
    minutes = minutes_per_order * out["orders"].astype(float) + minutes_per_line * out["lines"].astype(float)
    out["hours"] = minutes / 60.0 / months
    return out
