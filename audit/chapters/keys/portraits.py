"""The portrait of a key client on one page: eight quarters, what the orders tell, who leads it, its plan, the next step."""

from __future__ import annotations

import pandas as pd

from audit.ground.key_clients import KeyClient
from audit.ground.people import labels
from audit.model.questionnaire import PLAN_ITEMS
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView
from audit.present.format import slug
from audit.present.forms_keys import history

__all__ = ["portrait"]


def portrait(view: ChapterView, client: KeyClient, place: int, *, title: bool = True) -> Section:
    """Return the portrait of one client; ``place`` numbers it among the others."""
    parts = [_quarters(view, client), _facts(view, client)]
    return Section(
        f"{view.name}-portrait-{place}-{slug(client.client_id)}",
        client.name if title else "",
        [p for p in parts if p],
        level=4,
    )


def _quarters(view: ChapterView, client: KeyClient) -> object:
    if not client.quarters:
        return None
    row: dict[str, object] = {"name": view.label("Выручка", "Revenue")}
    cols = [Col("name", view.label("Квартал", "Quarter"))]
    for k, (first, last, money) in enumerate(client.quarters):
        row[f"q{k}"] = money
        cols.append(Col(f"q{k}", f"{first:%m.%y}–{last:%m.%y}", "money"))
    return table(pd.DataFrame([row]), cols, fmt=view.fmt, sortable=False, wide=False)


def _facts(view: ChapterView, client: KeyClient) -> object:
    names = labels(view.case, [p for p in (client.lead, client.seller) if p])
    a = client.answers
    lines = history(client, view.fmt)
    people = [
        view.plain("portraits", "lead_is", who=names.get(client.lead, client.lead)) if client.lead else "",
        view.plain("portraits", "backup_is", who=names.get(str(a["backup"]), str(a["backup"])))
        if a.get("backup")
        else view.plain("portraits", "no_backup"),
    ]
    lines.append((view.plain("portraits", "people"), "; ".join(p for p in people if p)))
    lines.append((view.plain("portraits", "known"), _known(view, client)))
    lines.append((view.plain("portraits", "plan"), _plan(view, client)))
    mine = view.tables["clients"]
    steps = mine.loc[mine["client_id"] == client.client_id, "to_do"] if len(mine) else pd.Series(dtype=object)
    codes = str(steps.iloc[0]).split(";") if len(steps) else ["fill_file"]
    lines.append((view.plain("portraits", "next"), "; ".join(view.plain("clients", c) for c in codes)))
    cols = [Col("what", view.plain("portraits", "what")), Col("said", view.plain("portraits", "said"))]
    frame = pd.DataFrame(lines, columns=["what", "said"])
    return table(frame, cols, fmt=view.fmt, sortable=False, wide=False)


def _known(view: ChapterView, client: KeyClient) -> str:
    a = client.answers
    parts = []
    if "file_share" in a:
        parts.append(view.plain("portraits", "file_is", share=a["file_share"]))
    if "buying_centre_share" in a:
        parts.append(view.plain("portraits", "centre_is", share=a["buying_centre_share"]))
    if "decision_maker_known" in a:
        key = "decides_known" if a["decision_maker_known"] else "decides_unknown"
        parts.append(view.plain("portraits", key))
    if "contacts" in a:
        parts.append(view.plain("portraits", "contacts_are", n=int(a["contacts"])))
    return "; ".join(parts) or view.plain("portraits", "unasked")


def _plan(view: ChapterView, client: KeyClient) -> str:
    a = client.answers
    if a.get("plan") is False:
        return view.plain("portraits", "no_plan")
    said = {key: a[key] for key, _, _ in PLAN_ITEMS if key in a}
    if not said and "plan" not in a:
        return view.plain("portraits", "unasked")
    parts = [view.plain("portraits", "has_plan")]
    if "plan_horizon_months" in a:
        parts.append(view.plain("portraits", "horizon", months=a["plan_horizon_months"]))
    lacks = [view.plain("faults", key) for key, given in said.items() if not given]
    if said:
        parts.append(view.plain("portraits", "items", n=len(said) - len(lacks), of=len(PLAN_ITEMS)))
    if lacks:
        parts.append(view.plain("portraits", "lacks", items=", ".join(lacks)))
    return "; ".join(parts)
