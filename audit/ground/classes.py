"""Classes of clients by size and room to grow, and how often each is to be touched.

A grow and guard, B guard, C grow selectively, D serve cheaply (methodology 5.5). A touch norm is given for all clients alike
or by class; what is given by class goes before what is given for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.ground.period import since
from audit.ground.room import room_of
from audit.model.case import Case, sql_text

__all__ = ["CLASSES", "TouchNorm", "abc", "abcd", "classes_of", "touch_norm"]

CLASSES = ("A", "B", "C", "D")


def abc(revenue: pd.Series, a: float = 0.8, b: float = 0.95) -> pd.Series:
    """Put every client into class A, B or C by its place in the running total of revenue.

    Largest first; a client is A while the clients before it bring less than ``a`` of the total, B while they bring
    less than ``b``, else C. So the largest client is always A, and the one that crosses a limit belongs to the
    class above it. Clients with zero or negative figures are C. Equal clients in different classes: the index
    decides.
    """
    values = pd.to_numeric(revenue).astype(float).fillna(0.0)
    ranked = values[values > 0].sort_index(kind="stable").sort_values(ascending=False, kind="stable")
    out = pd.Series("C", index=values.index, dtype=object)
    total = float(ranked.sum())
    if total > 0:
        before = (ranked.cumsum() - ranked) / total
        out[ranked.index] = np.where(before < a - 1e-12, "A", np.where(before < b - 1e-12, "B", "C"))
    return out


def abcd(size: pd.Series, room: pd.Series) -> pd.Series:
    """Place clients by size now and room to grow: A grow and guard, B guard, C grow selectively, D serve cheaply.

    ``size``: class by revenue, A is large; ``room``: True, False, or None where nothing is known, and so is the place.
    """
    large = (size == "A").to_numpy()
    grows = (room == True).to_numpy()  # noqa: E712 - an object column
    place = np.where(large, np.where(grows, "A", "B"), np.where(grows, "C", "D")).astype(object)
    place[room.isna().to_numpy()] = None
    return pd.Series(place, index=size.index, dtype=object)


def classes_of(case: Case) -> pd.Series:
    """Return the class of every client that bought in the recent period, by client_key; missing where it is not known."""

    def make() -> pd.Series:
        t = case.thresholds
        buyers = case.once("buyers", lambda: case.query(sql_text("audit.ground", "buyers"), since=since(case)))
        revenue = buyers.set_index("client_key")["revenue"].astype(float)
        size = abc(revenue, t.value("base.abc_a"), t.value("base.abc_b"))
        return abcd(size, room_of(case)["room"].reindex(size.index))

    return case.once("classes", make)


@dataclass(frozen=True)
class TouchNorm:
    """How many touches a month a client is to get, and how many minutes one takes."""

    by_class: Mapping[str, float]
    general: float | None
    minutes: float

    def of(self, label: object) -> float | None:
        """Return touches a month for a client of this class; None where no norm is given for it."""
        return self.by_class.get(str(label), self.general)

    def of_each(self, labels: pd.Series) -> pd.Series:
        """Return touches a month of each client by its class; clients without a norm count as the others do on average."""
        given = pd.Series([self.of(v) for v in labels], index=labels.index, dtype=float)
        usual = given.mean() if given.notna().any() else float(np.mean(list(self.by_class.values()) or [0.0]))
        return given.fillna(usual)


def touch_norm(case: Case) -> TouchNorm | None:
    """Return the touch norm of the questionnaire; None where it lacks touches or minutes."""
    company = case.questionnaire.company
    by_class = {c: float(v) for c in CLASSES if (v := company.get(f"touches_{c.lower()}")) is not None}
    general, minutes = company.get("touches_per_client_month"), company.get("minutes_per_touch")
    if minutes is None or (general is None and not by_class):
        return None
    return TouchNorm(by_class, None if general is None else float(general), float(minutes))
