"""A company that sells in two ways: a main business and a part of its own with another type of sale."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tools.samples.spec import Company

_STAFFED = ("time", "day_log", "touches")
"""Tables whose rows belong to a person of the part."""
_SHARED = ("PUR", "KD", "GD")
"""What the part has no own people for: the main business buys and leads for both."""


def with_part(main: Company, part: Company, segment: str) -> Company:
    """Return the main business with the part beside it, told apart by the segment of the client.

    The part brings its people (codes with a Z before them, its heads under the main commercial director), clients and
    orders; the questionnaire names its type in table ``sale_types``. What is expected is what holds of the main business;
    what chance or shared people may bring is in ``may``. Raises ValueError where clients or names of the two collide.
    """
    ours, theirs = main.questionnaire["staff"], part.questionnaire["staff"]
    theirs = theirs[~theirs["role"].isin(_SHARED)].copy()
    if set(main.orders["client_id"]) & (set(part.orders["client_id"]) - {"0000000001"}):
        raise ValueError("a client belongs to both parts: take another seed")
    if set(ours["name"]) & set(theirs["name"]) or set(";".join(ours["aliases"]).split(";")) & set(
        ";".join(theirs["aliases"]).split(";")
    ):
        raise ValueError("two people of one name: take another seed")
    top = next(code for role in ("KD", "GD") for code in ours.loc[ours["role"] == role, "person"])
    staying = set(theirs["person"])
    theirs["person"] = "Z" + theirs["person"]
    theirs["reports_to"] = [f"Z{boss}" if boss in staying else top for boss in theirs["reports_to"]]
    tables = dict(main.questionnaire)
    tables["staff"] = pd.concat([ours, theirs], ignore_index=True)
    for name in _STAFFED:
        rows = part.questionnaire[name]
        rows = rows[rows["person"].isin(staying)].copy()
        rows["person"] = "Z" + rows["person"]
        tables[name] = pd.concat([tables[name], rows], ignore_index=True)
    handoffs = pd.concat([tables["handoffs"], part.questionnaire["handoffs"]], ignore_index=True)
    tables["handoffs"] = handoffs.drop_duplicates(["from_role", "to_role"]).reset_index(drop=True)
    tables["sale_types"] = pd.DataFrame([{"dimension": "segment", "value": segment, "sale_type": part.spec.sale_type}])
    orders = part.orders.copy()
    orders["segment"] = segment
    both = pd.concat([main.orders, orders], ignore_index=True).sort_values("order_date", kind="stable")
    return Company(main.spec, both.reset_index(drop=True), tables, _truth(main, part, segment))


def _truth(main: Company, part: Company, segment: str) -> dict[str, Any]:
    truth = {name: dict(section) for name, section in main.truth.items()}
    truth["part"] = {
        "segment": segment,
        "sale_type": part.spec.sale_type,
        "second_purchase_share_365d": part.truth["truth"]["second_purchase_share_365d"],
        "lines": part.truth["realised"]["lines"],
        "clients": part.truth["realised"]["clients"],
        "sales_last_365_days": part.truth["realised"]["sales_last_365_days"],
    }
    expect = truth["expect"] = {k: list(v) for k, v in truth["expect"].items()}
    for finding in [f for f in expect["not_assessed"] if f not in part.truth["expect"]["not_assessed"]]:
        expect["not_assessed"].remove(finding)  # the part can be judged, and nothing is wrong with it
        expect["not_found"] = sorted([*expect["not_found"], finding])
    sums = ("lines", "order_days", "clients", "new_clients", "sales", "sales_last_365_days")
    truth["realised"] |= {k: round(truth["realised"][k] + part.truth["realised"][k], 2) for k in sums}
    return truth
