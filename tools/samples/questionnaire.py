"""The filled questionnaire of an invented company: what its people say about themselves and their rules.

Tables and keys are those of the contract; every cell is text, as a CSV holds it. What is said agrees with
what is so, except where a disease of the company is precisely that it does not.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from tools.samples.buying import Clients, window_days
from tools.samples.documents import Serving
from tools.samples.draw import Draw
from tools.samples.people import HOURS_PER_MONTH, Person, day_log_table, seller_role, staff_table, time_table
from tools.samples.spec import CompanySpec
from tools.samples.traits import Traits

TABLES_REQUIRED = ("company", "staff", "time")
_SERVICES = (
    ("PRESALE", "SR", "1"),
    ("TECH", "SUP", "2"),
    ("MKT", "ROP", "5"),
    ("PROD", "OP", "3"),
    ("LOG", "OP", "2"),
    ("ACC", "BO", "3"),
)
_PAIRS = {
    "T": (("TM", "SR", "TRG_FIT"), ("SR", "SOP", "TRG_N_SALES")),
    "TC": (("TM", "SR", "TRG_FIT"), ("SR", "KM", "TRG_N_SALES")),
    "C": (("TM", "SR", "TRG_FIT"), ("SR", "KM", "TRG_N_SALES"), ("KM", "PM", "TRG_DEAL")),
    "CS": (("TM", "SR", "TRG_FIT"), ("SR", "KM", "TRG_N_SALES"), ("KM", "PM", "TRG_DEAL")),
    "S": (("TM", "SR", "TRG_FIT"), ("SR", "PM", "TRG_DEAL")),
}
_TOUCHES = 360


def questionnaire(
    spec: CompanySpec, traits: Traits, clients: Clients, serving: Serving, people: list[Person], sales: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """All tables of the questionnaire, by name.

    ``sales`` has one row per client × order line of completed sales: ``client`` (index), ``day``, ``amount``;
    the key clients and their budgets are taken from its last 365 days.
    """
    if spec.tables == "none":
        return {}
    time = time_table(spec, traits, people)
    tables = {"company": company_table(spec, traits), "staff": staff_table(people), "time": time}
    if spec.tables == "required":
        return tables
    keys = key_clients_table(spec, traits, clients, serving, people, sales)
    last = sales["day"] >= window_days(spec) - 365
    active = list(dict.fromkeys(sales.loc[last, "client_id"]))[:40]
    tables["day_log"] = day_log_table(spec, traits, people, time, active)
    tables["handoffs"] = handoffs_table(spec, traits)
    tables["self_check"] = self_check_table(spec, traits)
    tables["key_clients"] = keys
    tables["touches"] = touches_table(spec, traits, clients, serving, people, sales)
    tables["processes"] = processes_table(traits, people)
    tables["pay"] = pay_table(spec, traits, people)
    return tables


def company_table(spec: CompanySpec, traits: Traits) -> pd.DataFrame:
    """Table ``company``: key and value."""
    declared = traits.declared_type or spec.sale_type
    values = {
        "name": spec.title or spec.name,
        "sale_type": declared,
        "complexity": traits.complexity,
        "clients_on_market": traits.clients_on_market,
        "price_level": traits.price_level,
        "handoff_after": traits.handoff_k,
        "client_profile": traits.client_profile,
        "support_sits": traits.support_sits,
        "minutes_per_order": traits.minutes_per_order,
        "minutes_per_line": 1,
        "currency": "RUB",
        "hours_per_month": 160,
        "touches_per_client_month": f"{_touches(spec, traits):g}",
        "minutes_per_touch": f"{traits.minutes_per_touch:g}",
        "vat_basis": "net",
        "gross_margin_share": f"{traits.margin_share:g}",
    }
    return pd.DataFrame({"key": list(values), "value": [str(v) for v in values.values()]})


_BUSY = 0.6
"""Part of the managers' hours that a sound norm of touches fills."""


def _touches(spec: CompanySpec, traits: Traits) -> float:
    """Touches a client a month: as planted, else as many as a sound norm asks of this team."""
    if traits.touches_per_client_month > 0:
        return traits.touches_per_client_month
    hours = _BUSY * HOURS_PER_MONTH * spec.sellers
    return round(hours * 60 / spec.clients / traits.minutes_per_touch, 1)


def handoffs_table(spec: CompanySpec, traits: Traits) -> pd.DataFrame:
    """Table ``handoffs``: the rule for each pair of stations this type of sale requires."""
    documented = traits.handoff_documented
    rows = []
    for giver, taker, trigger in _PAIRS[spec.sale_type]:
        client_pair = giver == "SR"
        if client_pair and traits.handoff_trigger:
            trigger = traits.handoff_trigger
        rows.append(
            {
                "from_role": giver,
                "to_role": taker,
                "trigger": trigger if documented else "TRG_NONE",
                "k": str(traits.handoff_k) if trigger == "TRG_N_SALES" and documented else "",
                "amount": "",
                "days": "",
                "form": (traits.handoff_form if client_pair else "GRADUAL") if documented else "NONE",
                "pack": "FILE;HISTORY;AGREEMENTS;CONTACTS" if documented else "",
                "deadline_days": "5" if documented else "",
                "pay_after": "FADE" if client_pair else "",
                "documented": "yes" if documented else "no",
            }
        )
    return pd.DataFrame(rows)


def true_answers(spec: CompanySpec, traits: Traits) -> list[str]:
    """What an honest management would answer to the eight questions, given what is planted.

    The sixth (could the order be larger?) is left unknown: against its own best quarter every order could be.
    """
    ill = {d.finding for d in spec.diseases}

    def answer(sick: set[str], unclear: set[str]) -> str:
        return "yes" if ill & sick else "unknown" if ill & unclear else "no"

    leaving = {"retention.base_shrinking", "retention.revenue_leak", "retention.sleeping_clients"}
    # Effects too mild or too local for an honest director to be sure of: they answer "unknown".
    some_leave = {
        "retention.weak_return",
        "retention.manager_outlier",
        "retention.frequency_decline",
        "retention.leaky_first_purchase",
        "service.failures_cost_clients",
        "ownership.handover_loss",
        "handoff.loss",
    }
    mixed = {"roles.universal_seller", "roles.relief_shortage", "roles.evidence_conflict"}
    return [
        "no" if spec.sale_type == "S" or "retention.low_repeat_share" in ill else "yes",
        "yes" if traits.wallet_share < 0.75 else "unknown" if traits.wallet_share < 0.85 else "no",
        answer(leaving | {"retention.ticket_decline"}, some_leave | {"base.concentration"}),
        answer({"roles.km_overload"}, mixed),
        answer(leaving | {"retention.weak_return"}, some_leave),
        "unknown",
        "yes" if traits.company_initiated < 0.35 else "no",
        answer(leaving, some_leave),
    ]


def self_check_table(spec: CompanySpec, traits: Traits) -> pd.DataFrame:
    """Table ``self_check``: eight answers; those in ``traits.denied`` say the opposite of what is so."""
    flipped = {"yes": "no", "no": "yes", "unknown": "unknown"}
    answers = [flipped[a] if i in traits.denied else a for i, a in enumerate(true_answers(spec, traits), start=1)]
    return pd.DataFrame({"question": [str(i) for i in range(1, 9)], "answer": answers})


_PLAN = ("plan_aims", "plan_actions", "plan_dates", "plan_owner", "plan_own_actions", "plan_agreed", "plan_budget")
"""The seven items of a plan, those last that are left out first."""


def _plan(items: int) -> dict[str, str]:
    """The seven answers about a plan of so many items, and their number."""
    return {k: "yes" if i < items else "no" for i, k in enumerate(_PLAN)} | {"plan_items": str(items)}


def key_clients_table(
    spec: CompanySpec, traits: Traits, clients: Clients, serving: Serving, people: list[Person], sales: pd.DataFrame
) -> pd.DataFrame:
    """Table ``key_clients``: the largest clients of each seller, with file, plan, backup and wallet.

    Planted shares are exact to one client: round(share × clients) rows carry the fault, chosen at random.
    """
    draw = Draw(spec.seed, "key clients")
    by_short = {p.short: p for p in people}
    role = seller_role(spec.sale_type)
    sellers = [p for p in people if p.role == role and p.present]
    recent = sales[sales["day"] >= window_days(spec) - 365]
    revenue = recent.groupby("client", sort=True)["amount"].sum()
    each = max(traits.keys_per_seller, -(-traits.keys_least // len(sellers)))
    each = min(each, 12) if traits.keys_per_seller <= 12 else each
    rows: list[dict[str, str]] = []
    picked: dict[str, int] = {p.code: 0 for p in sellers}
    ids = dict(zip(sales["client"], sales["client_id"], strict=False))
    # Largest first; on equal revenue the lower client number, so the list does not depend on hashing.
    for client in sorted(revenue.index, key=lambda c: (-revenue[c], c)):
        lead = by_short[str(serving.main_seller[client])]
        if not lead.present or picked[lead.code] >= each:
            continue
        picked[lead.code] += 1
        budget = revenue[client] / traits.wallet_share * float(draw.uniform(1, low=0.9, high=1.1)[0])
        wallet = revenue[client] / budget
        backup = sellers[(sellers.index(lead) + 1) % len(sellers)]
        rows.append(
            {
                "client_id": str(ids[client]),
                "criterion": ("BIG", "LOYAL", "PERSP")[len(rows) % 3],
                "influence": "yes",
                "lead": lead.code,
                "backup": backup.code if len(sellers) > 1 else "ROP1",
                "file_share": f"{draw.uniform(1, low=0.75, high=1.0)[0]:.2f}",
                "decision_maker_known": "yes",
                "contacts": str(int(draw.whole(2, 6, 1)[0])),
                "buying_centre_share": f"{draw.uniform(1, low=0.6, high=0.95)[0]:.2f}",
                "acquired_by": lead.code,
                "pay_rate": ("same", "higher")[int(draw.uniform(1)[0] < 0.3)],
                "nps": str(int(draw.whole(6, 10, 1)[0])),
                "plan": "yes",
                **_plan(int(draw.whole(5, 7, 1)[0])),
                "plan_horizon_months": "18",
                "wallet_share": f"{wallet:.2f}",
                "annual_budget": f"{budget:.0f}",
            }
        )
    _spoil_keys(spec, traits, rows, people, draw)
    return pd.DataFrame(rows)


def _spoil_keys(
    spec: CompanySpec, traits: Traits, rows: list[dict[str, str]], people: list[Person], draw: Draw
) -> None:
    """Write the planted faults of key-account work into the rows, in place."""

    def faulty(share: float) -> list[dict[str, str]]:
        return [rows[i] for i in draw.order(len(rows))[: round(share * len(rows))]]

    for row in faulty(traits.no_influence_share):
        row["influence"] = "no"
    for row in faulty(traits.no_file_share):
        row["file_share"] = f"{draw.uniform(1, low=0.1, high=0.5)[0]:.2f}"
    for row in faulty(traits.no_centre_share):
        row["buying_centre_share"] = f"{draw.uniform(1, low=0.05, high=0.35)[0]:.2f}"
        row["decision_maker_known"] = "no"
    for row in faulty(traits.no_plan_share):
        row |= {"plan": "no", **dict.fromkeys(_PLAN, ""), "plan_items": "0", "plan_horizon_months": ""}
    for row in faulty(traits.no_backup_share):
        row["backup"] = ""
    for row in faulty(traits.disincentive_share):
        row["pay_rate"] = "lower"
    director = next((p.code for p in people if p.role in ("KD", "GD")), "")
    if director and traits.led_by_director > 0.0:
        # By revenue: the largest ones go to the director until the planted share of key revenue is reached.
        total = sum(float(r["annual_budget"]) for r in rows)
        led = 0.0
        for row in sorted(rows, key=lambda r: -float(r["annual_budget"])):
            if led >= traits.led_by_director * total:
                break
            led += float(row["annual_budget"])
            row |= {"lead": director, "acquired_by": director}


def touches_table(
    spec: CompanySpec, traits: Traits, clients: Clients, serving: Serving, people: list[Person], sales: pd.DataFrame
) -> pd.DataFrame:
    """Table ``touches``: CRM contacts of the last six months, begun by whom the company's habit says."""
    draw = Draw(spec.seed, "touches")
    codes = {p.short: p.code for p in people if p.present}
    recent = sales[sales["day"] >= window_days(spec) - 365]
    pool = np.unique(recent["client"].to_numpy())
    ids = dict(zip(sales["client"], sales["client_id"], strict=False))
    client = pool[draw.whole(0, len(pool) - 1, _TOUCHES)]
    ago = np.sort(draw.whole(0, 180, _TOUCHES))[::-1]
    ours = draw.chance(traits.company_initiated, _TOUCHES)
    kinds = ("CALL", "MAIL", "MEET")
    kind = draw.pick((6, 3, 1), _TOUCHES)
    rows = [
        {
            "person": codes[str(serving.main_seller[c])],
            "date": (spec.end - timedelta(days=int(a))).isoformat(),
            "client_id": ids[c],
            "direction": "OUT" if out else "IN",
            "kind": kinds[k],
        }
        for c, a, out, k in zip(client.tolist(), ago.tolist(), ours.tolist(), kind.tolist(), strict=True)
        if str(serving.main_seller[c]) in codes  # nobody touches a client whose seller has left
    ]
    return pd.DataFrame(rows)


def processes_table(traits: Traits, people: list[Person]) -> pd.DataFrame:
    """Table ``processes``: the six services, with owner, backup, written rule and agreed time."""
    rows = []
    for i, (service, role, sla) in enumerate(_SERVICES):
        owners = [p.code for p in people if p.role == role and p.present] or ["ROP1"]
        owned = i >= traits.services_without_owner
        agreed = owned and (traits.support_sla or service not in ("PRESALE", "TECH"))
        rows.append(
            {
                "process": service,
                "owner": owners[0] if owned else "",
                "backup": (owners[1] if len(owners) > 1 else "ROP1") if owned else "",
                "written_rule": "yes" if owned else "no",
                "sla_days": sla if agreed else "",
                "failures_month": "0" if owned else "3",
            }
        )
    return pd.DataFrame(rows)


_PAY = {
    "SR": (0.5, ("FIRST", "HANDOFF")),
    "KM": (0.6, ("REPEAT", "MARGIN", "RETAIN")),
    "SOP": (0.6, ("REPEAT", "MARGIN")),
    "OP": (1.0, ()),
    "BO": (1.0, ()),
}


def pay_table(spec: CompanySpec, traits: Traits, people: list[Person]) -> pd.DataFrame:
    """Table ``pay``: what each role's variable pay depends on; in S the developers keep their clients."""
    here = list(dict.fromkeys(p.role for p in people if p.present and p.role in _PAY))
    rows = []
    for role in here:
        fixed, codes = _PAY[role]
        if role == "SR" and spec.sale_type == "S":
            codes = (*codes, "RETAIN")
        if traits.pay_against_role and role in ("KM", "SOP"):
            codes = ("FIRST",)
        if traits.pay_against_role and role == "SR":
            codes = ("REPEAT", "MARGIN")
        rows.append({"role": role, "fixed_share": f"{fixed:g}", "pays_for": ";".join(codes)})
    return pd.DataFrame(rows)
