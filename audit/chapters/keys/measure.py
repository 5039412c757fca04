"""Key clients (methodology 5.7): how many a manager leads, and what is known, planned and secured for each.

A company's key client is not automatically a manager's: on a manager's own list count the clients that the manager can
influence. The sheet is a full list and no sample: its shares carry no sampling interval, only the room that unanswered
cells leave.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.keys.faults import FAULTS
from audit.errors import Text
from audit.ground.answers import read_answers
from audit.ground.key_clients import main_sellers, roles_of
from audit.ground.keys import clients_named
from audit.ground.lacks import missing_sheets, too_few
from audit.ground.norm import PAIRS, norm_of
from audit.ground.people import SELLERS, staff_now
from audit.ground.room import wallet_of
from audit.model.case import Case, sql_text
from audit.model.questionnaire import PLAN_ITEMS
from audit.model.result import ChapterResult, Metric, metric, no_metric

__all__ = ["diagnose", "faults", "leads_table", "share_metric", "to_do"]

NOT_LISTED = 10

_ITEMS = tuple(key for key, _, _ in PLAN_ITEMS)
_ANSWERS = ("influence", "file_share", "decision_maker_known", "buying_centre_share", "plan", "pay_rate")


def _said(value: object) -> Any:
    return None if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA else value


def _code(value: object) -> str | None:
    said = _said(value)
    return str(said).strip() or None if said is not None else None


def faults(
    keys: pd.DataFrame,
    roles: Mapping[str, Sequence[str]],
    left: Collection[str],
    *,
    file_min: float,
    centre_min: float,
    plan_months: float = 12.0,
    plan_items: float = 4.0,
    takers: Collection[str] = ("KM",),
) -> pd.DataFrame:
    """Return what is wrong with each key client, one row per client and lead.

    ``keys``: the questionnaire's sheet. ``roles``: families of each person on the staff sheet; ``left``: people who
    have left. ``takers``: families to whom a developer hands the clients he won. Columns: client_id, criterion,
    lead, backup, contacts, plus

    - ``sells`` — the lead has a seller's role (True also for somebody not on the staff sheet); ``lead_left``;
    - ``no_file`` — file filled by less than ``file_min``; ``no_buying_centre`` — decision maker unknown, or the
      centre's fields filled by less than ``centre_min``; ``no_plan`` — none, or one without a single item;
      ``no_influence``;
    - ``no_backup`` — nobody, the lead himself, or somebody who has left; an empty column in a sheet where nothing
      else is answered either says nothing;
    - ``disincentive`` — a lower pay rate, or won by somebody else (KAM). Not counted: a client whom a developer won and
      handed over along the conveyor at the same or a higher rate, which is how the conveyor works;
    - ``weak_plan`` — a plan that does not reach beyond ``plan_months``, or has fewer than ``plan_items`` of seven (+);
      ``plan_lacks`` — the items it is said not to have, joined by «;».

    True, False or None where the sheet does not answer.
    """
    answered = sum(int(keys[c].notna().sum()) for c in _ANSWERS) if len(keys) else 0
    backup_asked = bool(keys["backup"].map(_code).notna().any()) or answered >= len(keys) * len(_ANSWERS) / 2
    rows = []
    for r in keys.drop_duplicates(["client_id", "lead"]).to_dict("records"):
        lead, backup = _code(r["lead"]), _code(r["backup"])
        filled, centre, known = (
            _said(r["file_share"]),
            _said(r["buying_centre_share"]),
            _said(r["decision_maker_known"]),
        )
        plan, horizon = _said(r["plan"]), _said(r["plan_horizon_months"])
        least, most = _plan_items(r)
        influence = _said(r["influence"])
        no_centre = None
        if known is not None or centre is not None:
            no_centre = known is False or (centre is not None and float(centre) < centre_min)
        no_plan = None if plan is None and most is None else plan is False or most == 0
        weak = None
        if no_plan is False and (most is not None or horizon is not None):
            short = horizon is not None and float(horizon) <= plan_months
            thin = most is not None and most < plan_items
            open_still = most is not None and least is not None and least < plan_items <= most
            weak = True if short or thin else None if open_still else False
        spare = backup is not None and backup != lead and backup not in left
        mine = roles.get(lead or "", ())
        rows.append(
            {
                "client_id": _code(r["client_id"]),
                "criterion": _code(r["criterion"]),
                "lead": lead,
                "backup": backup,
                "contacts": _said(r["contacts"]),
                "nps": _said(r["nps"]),
                "sells": lead is not None and lead not in left and (not mine or any(f in SELLERS for f in mine)),
                "lead_left": lead is not None and lead in left,
                "no_file": None if filled is None else float(filled) < file_min,
                "no_buying_centre": no_centre,
                "no_plan": no_plan,
                "no_backup": (not spare) if backup_asked else None,
                "no_influence": None if influence is None else influence is False,
                "disincentive": _disincentive(r, lead, roles, takers),
                "weak_plan": weak,
                "plan_lacks": ";".join(k for k in _ITEMS if no_plan is False and _said(r[k]) is False),
                "lower_rate": None if _said(r["pay_rate"]) is None else _code(r["pay_rate"]) == "lower",
            }
        )
    columns = [
        "client_id",
        "criterion",
        "lead",
        "backup",
        "contacts",
        "nps",
        "sells",
        "lead_left",
        *FAULTS,
        "weak_plan",
        "plan_lacks",
        "lower_rate",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({c: object for c in (*FAULTS, "weak_plan", "lower_rate")})


def _plan_items(row: Mapping[Any, Any]) -> tuple[float | None, float | None]:
    """Return how many of the seven items the plan has, at least and at most: by the seven answers, else by their count."""
    said = [_said(row[key]) for key in _ITEMS]
    known = [bool(x) for x in said if x is not None]
    if known:
        return float(sum(known)), float(sum(known) + len(said) - len(known))
    count = _said(row["plan_items"])
    return (None, None) if count is None else (float(count), float(count))


def _disincentive(
    row: Mapping[Any, Any], lead: str | None, roles: Mapping[str, Sequence[str]], takers: Collection[str]
) -> bool | None:
    rate, winner = _code(row["pay_rate"]), _code(row["acquired_by"])
    if rate == "lower":
        return True
    if winner is None:
        return None if rate is None else False
    if winner == lead:
        return False
    by_design = "SR" in roles.get(winner, ()) and any(f in takers for f in roles.get(lead or "", ()))
    return not (by_design and rate in ("same", "higher"))


def share_metric(id: str, table: pd.DataFrame, fault: str, needed: int, **extra: Any) -> Metric:
    """Return the share of key clients with a fault among those answered; the limits are what unanswered cells leave
    open.

    Low: all unanswered ones are in order; high: none is. Fewer than ``needed`` answered: no value.
    """
    value = table[fault]
    known = int(value.notna().sum())
    if known < needed:
        what = Text("Ключевых клиентов, по которым на листе есть ответ", "Key clients answered for on the sheet")
        return no_metric(id, too_few(known, needed, what), n=known)
    bad, total = int((value == True).sum()), len(table)  # noqa: E712 - an object column
    money = float(table.loc[value == True, "revenue"].sum())  # noqa: E712
    bounds: dict[str, Any] = {} if known == total else {"low": bad / total, "high": (bad + total - known) / total}
    return metric(id, bad / known, n=known, clients=bad, unknown=total - known, revenue=money, **bounds, **extra)


def leads_table(table: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Return the own key list of every lead, longest first.

    One row per lead. Columns: lead, sells, lead_left, clients, ``counted`` (clients not beyond influence),
    no_influence, the number of each further fault, lost_from_list (clients beyond ``limit`` counted ones), revenue,
    over (counted above ``limit``; for sellers only).
    """
    out = []
    for lead, rows in table.groupby("lead", sort=True):
        counted = int((rows["no_influence"] != True).sum())  # noqa: E712
        sells = bool(rows["sells"].all())
        out.append(
            {
                "lead": str(lead),
                "sells": sells,
                "lead_left": bool(rows["lead_left"].any()),
                "clients": len(rows),
                "counted": counted,
                **{f: int((rows[f] == True).sum()) for f in FAULTS},  # noqa: E712
                "revenue": float(rows["revenue"].sum()),
                "over": sells and counted > limit,
            }
        )
    columns = ["lead", "sells", "lead_left", "clients", "counted", *FAULTS, "revenue", "over"]
    frame = pd.DataFrame(out, columns=columns)
    return frame.sort_values(["counted", "revenue", "lead"], ascending=[False, False, True], ignore_index=True)


def to_do(table: pd.DataFrame, limit: int) -> pd.Series:
    """Return what to do about each key client: codes in the order in which to do them, joined by «;» (words:
    narrative).

    ``name_lead`` the lead has left; ``off_list`` beyond the manager's influence; ``hand_over`` beyond the ``limit``
    clients that a manager can lead (smallest revenue first goes); ``name_backup``, ``find_decision_maker``,
    ``fill_file``, ``write_plan``, ``strengthen_plan``, ``fix_pay``, ``new_goods`` (buys all from us: more orders of the
    same are not to be had, EK); ``keep`` nothing is wrong.
    """
    rank = (
        table[(table["no_influence"] != True) & table["sells"]]  # noqa: E712
        .sort_values(["revenue", "client_id"], ascending=[False, True])
        .groupby("lead")
        .cumcount()
    )
    steps: list[tuple[str, Callable[[Any], bool]]] = [
        ("name_lead", lambda r: bool(r.lead_left)),
        ("off_list", lambda r: r.no_influence is True),
        ("hand_over", lambda r: bool(rank.get(r.Index, -1) >= limit)),
        ("name_backup", lambda r: r.no_backup is True),
        ("find_decision_maker", lambda r: r.no_buying_centre is True),
        ("fill_file", lambda r: r.no_file is True),
        ("write_plan", lambda r: r.no_plan is True),
        ("strengthen_plan", lambda r: r.weak_plan is True),
        ("fix_pay", lambda r: r.disincentive is True),
        ("new_goods", lambda r: bool(r.full_wallet)),
    ]
    found = []
    for row in table.itertuples():
        mine = [code for code, test in steps if test(row)]
        if "off_list" in mine:
            mine = [c for c in mine if c in ("name_lead", "off_list")]
        found.append(";".join(mine) or "keep")
    return pd.Series(found, index=table.index, dtype=object)


# --- the chapter


_IDS = {f: f"keys.{f}_share" for f in FAULTS}


def diagnose(case: Case) -> ChapterResult:
    """Return the figures of key clients.

    Tables: ``clients`` (one row per key client and lead: faults, revenue of the last 12 months, what to do), ``leads``
    (the own list of every manager), ``not_listed`` (large clients that nobody lists).
    """
    q, t, w = case.questionnaire, case.thresholds, case.window
    empty = {
        "clients": faults(q.table("key_clients").head(0), {}, (), file_min=0.7, centre_min=0.5).assign(
            client_key=None,
            client_name=None,
            revenue=0.0,
            headroom=0.0,
            wallet_known=False,
            full_wallet=False,
            seller=None,
            differs=False,
            to_do=None,
        ),
        "leads": pd.DataFrame(
            columns=["lead", "sells", "clients", "counted", *FAULTS, "revenue", "over", "hours_per_client"]
        ),
        "plan": pd.DataFrame(columns=["item", "n", "lacking"]),
        "not_listed": pd.DataFrame(columns=["client_key", "client_name", "revenue", "order_days"]),
    }
    if reason := missing_sheets(case, "key_clients"):
        ids = ("keys.most_per_manager", "keys.hours_per_client", *_IDS.values(), "keys.weak_plan_share")
        return ChapterResult.of("keys", [no_metric(id, reason) for id in ids], empty, {"clients": 0, "staff": False})
    staff = q.table("staff")
    roles = roles_of(case)
    here = set(staff_now(staff, w.as_of, q.hours_per_month())["person"]) if q.has("staff") else set()
    left = set(roles) - here
    types = norm_of(case)[0].types
    table = faults(
        q.table("key_clients"),
        roles,
        left,
        file_min=t.value("keys.file_min_share"),
        centre_min=t.value("keys.buying_centre_min_share"),
        plan_months=t.value("keys.plan_min_months"),
        plan_items=t.value("keys.plan_min_items"),
        takers={b for x in types for a, b in PAIRS[x] if a == "SR"},
    )
    revenue = case.query(sql_text("audit.ground", "recent_revenue"), since=max(w.recent_start, w.start))
    table = _with_revenue(case, table, revenue)
    keys = wallet_of(case)
    outside = pd.Series(dtype=float) if keys is None else keys.table.set_index("client_key")["headroom"]
    outside = table["client_key"].map(outside).astype(float)
    table["headroom"], table["wallet_known"] = outside.fillna(0.0), outside.notna()
    ours = pd.Series(dtype=float) if keys is None else keys.table.set_index("client_key")["share"]
    table["full_wallet"] = table["client_key"].map(ours).astype(float) > t.value("base.room_full_wallet")
    # «From 16» and «more than 15» are one and the same whole number of clients.
    found = t["keys.too_many"].found
    assert found is not None
    limit = math.ceil(found) - 1
    table["to_do"] = to_do(table, limit)
    table["seller"] = table["client_key"].map(main_sellers(case, roles)).astype(object)
    table["differs"] = table["seller"].notna() & (table["seller"] != table["lead"])
    leads = leads_table(table, limit)
    hours, leads["hours_per_client"] = _hours(case, table, leads)
    needed = t.count("keys.min_clients")
    metrics = [_most_metric(leads), hours, *(share_metric(_IDS[f], table, f, needed) for f in FAULTS)]
    metrics.append(share_metric("keys.weak_plan_share", table, "weak_plan", needed))
    order = table.sort_values(["revenue", "client_id"], ascending=[False, True], ignore_index=True)
    plan = _plan_table(q.table("key_clients"), table)
    tables = {"clients": order, "leads": leads, "plan": plan, "not_listed": _not_listed(table, revenue)}
    facts = {
        "clients": len(table),
        "managers": len(leads),
        "limit": limit,
        "staff": q.has("staff"),
        "unknown_clients": int(table["client_key"].isna().sum()),
        "lead_left": int(table["lead_left"].sum()),
        "revenue": float(table.drop_duplicates("client_key")["revenue"].sum()),
        "recent_revenue": float(revenue["revenue"].sum()),
        "over": [str(x) for x in leads.loc[leads["over"].astype(bool), "lead"]],
        "file_min": t.value("keys.file_min_share"),
        "centre_min": t.value("keys.buying_centre_min_share"),
        "lower_rate": int((table["lower_rate"] == True).sum()),  # noqa: E712
        "differs": int(table["differs"].sum()),
        "sellers_known": int(table["seller"].notna().sum()),
        "plans": int((table["no_plan"] == False).sum()),  # noqa: E712
        "plan_items_asked": len(plan) > 0,
    }
    return ChapterResult.of("keys", metrics, tables, facts)


def _with_revenue(case: Case, table: pd.DataFrame, revenue: pd.DataFrame) -> pd.DataFrame:
    """Add client_key, client_name and the revenue of the recent period; a client the orders do not know has none."""
    out = table.copy()
    out["client_key"] = clients_named(case, table["client_id"])
    money = revenue.set_index("client_key")
    out["revenue"] = out["client_key"].map(money["revenue"]).astype(float).fillna(0.0)
    known = case.clients().set_index("client_key")["client_name"]
    out["client_name"] = out["client_key"].map(known).astype(object)
    out["client_name"] = out["client_name"].where(out["client_name"].notna(), out["client_id"])
    return out


def _hours(case: Case, table: pd.DataFrame, leads: pd.DataFrame) -> tuple[Metric, pd.Series]:
    """Return the hours a month on key-account functions per key client: of the company, and of every lead's own list."""
    id = "keys.hours_per_client"
    answers = read_answers(case)
    if answers.reason is not None:
        return no_metric(id, answers.reason), pd.Series(np.nan, index=leads.index)
    work = answers.hours[answers.hours["group"] == "KAM"]
    by = work.groupby("person")["hours"].sum()
    asked = leads["lead"].isin(set(answers.hours["person"]))
    own = leads["lead"].map(by).astype(float).fillna(0.0).where(asked) / leads["clients"]
    n = int(table["client_id"].nunique())
    hours = float(by.sum())
    return metric(id, hours / n, n=n, hours=hours, people=int((by > 0).sum())), own


def _plan_table(keys: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return how many plans are said to lack each of the seven items; without rows where only their number was given.

    Columns: item, n (plans answered for), lacking. Most lacking first.
    """
    planned = keys.drop_duplicates(["client_id", "lead"])[(table["no_plan"] == False).to_numpy()]  # noqa: E712
    rows = [
        {"item": key, "n": int(planned[key].notna().sum()), "lacking": int((planned[key] == False).sum())}  # noqa: E712
        for key in _ITEMS
    ]
    frame = pd.DataFrame([r for r in rows if r["n"]], columns=["item", "n", "lacking"])
    return frame.sort_values("lacking", ascending=False, kind="stable", ignore_index=True)


def _most_metric(leads: pd.DataFrame) -> Metric:
    id = "keys.most_per_manager"
    sellers = leads[leads["sells"].astype(bool)]
    if sellers.empty:
        return no_metric(
            id,
            Text(
                "Ни одного ключевого клиента не ведёт продавец (смотрите вывод о первых лицах)",
                "No key client is led by a seller (see the finding about first persons)",
            ),
            n=0,
        )
    return metric(
        id,
        float(sellers["counted"].max()),
        n=len(sellers),
        over=int(sellers["over"].sum()),
        mean=float(sellers["counted"].mean()),
    )


def _not_listed(table: pd.DataFrame, revenue: pd.DataFrame) -> pd.DataFrame:
    """Return the largest clients on nobody's list that bring at least as much as the median listed one."""
    listed = table.loc[table["client_key"].notna() & (table["revenue"] > 0)].drop_duplicates("client_key")
    middle = float(listed["revenue"].median()) if len(listed) else np.inf
    rest = revenue[~revenue["client_key"].isin(set(listed["client_key"])) & (revenue["revenue"] >= middle)]
    return rest.head(NOT_LISTED).reset_index(drop=True)
