"""The hours that touches ask for: the one definition of the kit, used by every chapter that speaks of them.

Touches are owed to every client that is not lost, in the parts of the business where a client manager keeps clients, unless
somebody else rightly keeps it: a developer up to the hand-over, or an office seller, whose clients come with their orders. Each
client × touches a month by its class × minutes a touch. Whoever has no keeper here is owed touches too: the team carries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.ground.answers import read_answers
from audit.ground.classes import CLASSES, TouchNorm, classes_of, touch_norm
from audit.ground.norm import norm_of, seller_of_type
from audit.ground.parts import managers_clients
from audit.model.case import Case, sql_text

__all__ = ["HOLDERS", "TouchWork", "in_book", "keepers", "touch_work"]

HOLDERS = ("keeper", "nobody", "developer", "office")
"""Who stands behind a client: a keeper (client manager); nobody who keeps clients here; rightly a developer before the
hand-over; an office seller beside client managers. The first two make what touches ask for."""


def in_book(
    clients: pd.DataFrame, *, usual_gap: float | None, min_days: float = 365.0, gap_multiple: float = 4.0
) -> pd.Series:
    """Tell which clients are still to be cared for: all but the lost ones (methodology 5.4).

    ``clients``: ``silent_days`` since the last order, ``median_gap`` of the client (None with one order:
    ``usual_gap`` of the company). Lost: silent for longer than ``min_days`` and than ``gap_multiple`` median gaps.
    A sleeping client needs touches too.
    """
    gap = pd.to_numeric(clients["median_gap"]).astype(float).fillna(usual_gap or 0.0)
    silent = clients["silent_days"].astype(float)
    return ~((silent > min_days) & (silent > gap_multiple * gap))


def keepers(staff: pd.DataFrame, types: tuple[str, ...]) -> set[str]:
    """Return who keeps clients: client managers and universal sellers; where no type has client managers its own sellers too,
    and where nobody of these is there, whoever sells."""
    wanted = {"KM", "UNI"}
    sellers = {seller_of_type(t) for t in types}
    if "KM" not in sellers:
        wanted |= {"SOP", *sellers}
    held = staff[staff["family"].isin(wanted)]
    if held.empty:
        held = staff[staff["family"].isin(["SOP", "SR"])]
    return set(held["person"].astype(str))


@dataclass(frozen=True)
class TouchWork:
    """Clients and the touches they are owed.

    ``clients``: one row per client that is not lost, in the parts with client managers, by client_key: label (class A–D, ""
    not known), person (who served it most of late), holder (`HOLDERS`), touches a month, hours a month.
    """

    norm: TouchNorm
    clients: pd.DataFrame

    @property
    def asked(self) -> pd.DataFrame:
        """The clients that touches are asked for: those of keepers and those that nobody keeps."""
        return self.clients[self.clients["holder"].isin(HOLDERS[:2])]

    @property
    def hours(self) -> float:
        """Hours a month that touches ask for."""
        return float(self.asked["hours"].sum())

    @property
    def touches(self) -> float:
        """Touches a month of an average client among those asked for."""
        return float(self.asked["touches"].mean()) if len(self.asked) else 0.0

    @property
    def counts(self) -> dict[str, Any]:
        """Clients by who stands behind them, and ``clients``: how many touches are asked for."""
        n = self.clients["holder"].value_counts()
        return {"clients": len(self.asked), **{h: int(n.get(h, 0)) for h in HOLDERS}}


def touch_work(case: Case) -> TouchWork | None:
    """Return the touches that clients are owed; None where the questionnaire gives no norm or no minutes."""
    norm = touch_norm(case)
    return None if norm is None else case.once("touch_work", lambda: TouchWork(norm, _clients(case, norm)))


def _clients(case: Case, norm: TouchNorm) -> pd.DataFrame:
    t, types = case.thresholds, norm_of(case)[0].types
    rows = case.query(sql_text("audit.ground", "book"))
    rows = rows[
        in_book(
            rows,
            usual_gap=case.sale_type.interval_days,
            min_days=t.value("retention.lost_min_days"),
            gap_multiple=t.value("retention.lost_gap_multiple"),
        )
    ].set_index("client_key")
    rows = rows.loc[managers_clients(case, rows.index)]
    staff = read_answers(case).staff
    families = dict(zip(staff["person"].astype(str), staff["family"], strict=True))
    keep = keepers(staff, types)
    after = case.questionnaire.company.get("handoff_after")

    def holder(person: object, days: int) -> str:
        family = families.get(str(person)) if isinstance(person, str) else None
        if str(person) in keep:
            return "keeper"
        if family == "SOP":
            return "office"
        # a developer rightly keeps a client up to the hand-over; whoever left, or is not on the sheet, keeps nobody
        return "developer" if family is not None and days < (1 if after is None else float(after)) else "nobody"

    out = pd.DataFrame({"person": rows["manager"]}, index=rows.index)
    out["holder"] = [holder(p, int(n)) for p, n in zip(rows["manager"], rows["order_days"], strict=True)]
    label = classes_of(case).reindex(rows.index)
    out["label"] = label.where(label.isin(list(CLASSES)), "")
    out["touches"] = norm.of_each(out["label"])
    out["hours"] = out["touches"] * norm.minutes / 60.0
    return out
