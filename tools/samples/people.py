"""Who works in an invented company and how they spend their hours.

Healthy people spend at least 85 % of their time on functions their role owns or may do in this type of sale,
the rest on overhead and a pinch of notes in the CRM; ``ForeignWork`` pushes in somebody else's functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from tools.samples.draw import Draw, Floats
from tools.samples.names import latin, person_names
from tools.samples.spec import CompanySpec
from tools.samples.traits import Traits

Profile = dict[str, float]

_TM: Profile = {"LEAD_QUAL": 0.45, "LEAD_MEET": 0.22, "LEAD_INBOUND": 0.18, "OPS_CSAT": 0.05, "OV_MEET": 0.10}
_SR: Profile = {
    "LEAD_TIMING": 0.08,
    "HUNT_RELATE": 0.13,
    "HUNT_DMU": 0.10,
    "HUNT_NEED": 0.15,
    "HUNT_SELL": 0.28,
    "HUNT_TENDER": 0.04,
    "HUNT_PROOF": 0.03,
    "HUNT_HANDOFF": 0.05,
    "REACT": 0.04,
    "OPS_CRM": 0.01,
    "OV_MEET": 0.05,
    "OV_TRAVEL": 0.04,
}
_KM: Profile = {
    "FARM_REPEAT": 0.24,
    "FARM_TIMING": 0.10,
    "FARM_AOV": 0.10,
    "FARM_FREQ": 0.07,
    "FARM_VOLUME": 0.06,
    "FARM_RANGE": 0.09,
    "FARM_LOYAL": 0.07,
    "FARM_BARRIER": 0.04,
    "FARM_FILE": 0.05,
    "FARM_DEEP": 0.04,
    "KAM_INFO": 0.02,
    "KAM_DMU": 0.02,
    "KAM_PLAN": 0.02,
    "OPS_CRM": 0.015,
    "OV_MEET": 0.045,
    "OV_TRAVEL": 0.02,
}
_ROP: Profile = {"MG_LEAD": 0.75, "OV_MEET": 0.25}
_PUR: Profile = {"SUP_BUY": 0.60, "SUP_STOCK": 0.32, "OV_MEET": 0.08}
_SUP: Profile = {"SOL_FORM": 0.38, "SOL_CONSULT": 0.32, "SOL_SERVICE": 0.20, "OV_TRAIN": 0.05, "OV_MEET": 0.05}

PROFILES: dict[str, dict[str, Profile]] = {
    "T": {
        "TM": {
            "LEAD_QUAL": 0.35,
            "LEAD_TIMING": 0.25,
            "LEAD_MEET": 0.10,
            "LEAD_INBOUND": 0.15,
            "OPS_CSAT": 0.05,
            "OV_MEET": 0.10,
        },
        "SR": {
            "HUNT_RELATE": 0.15,
            "HUNT_DMU": 0.10,
            "HUNT_NEED": 0.15,
            "HUNT_SELL": 0.34,
            "HUNT_HANDOFF": 0.06,
            "HUNT_PROOF": 0.03,
            "REACT": 0.07,
            "OV_MEET": 0.06,
            "OV_TRAVEL": 0.04,
        },
        "SOP": {
            "FARM_REPEAT": 0.27,
            "FARM_TIMING": 0.09,
            "FARM_AOV": 0.11,
            "FARM_VOLUME": 0.06,
            "FARM_FREQ": 0.07,
            "FARM_RANGE": 0.06,
            "FARM_LOYAL": 0.05,
            "FARM_FILE": 0.03,
            "OPS_ORDER": 0.14,
            "OPS_RESERVE": 0.04,
            "OV_WAIT": 0.04,
            "OV_MEET": 0.04,
        },
        "BO": {
            "OPS_DOCS": 0.44,
            "OPS_CHASE": 0.10,
            "OPS_SHIP": 0.12,
            "OPS_CRM": 0.10,
            "OPS_AR": 0.12,
            "OV_WAIT": 0.07,
            "OV_MEET": 0.05,
        },
        "KM": {"FARM_BARRIER": 0.30, "FARM_DEEP": 0.30, "FARM_ESCORT": 0.25, "OV_MEET": 0.15},
        "ROP": _ROP,
        "PUR": _PUR,
    },
    "TC": {
        "TM": _TM,
        "SR": _SR,
        "KM": _KM,
        "OP": {
            "OPS_ORDER": 0.38,
            "OPS_RESERVE": 0.20,
            "OPS_CHASE": 0.13,
            "OPS_SHIP": 0.15,
            "OV_WAIT": 0.08,
            "OV_MEET": 0.06,
        },
        "SUP": _SUP,
        "BO": {"OPS_DOCS": 0.42, "OPS_CRM": 0.22, "OPS_AR": 0.15, "OPS_QUOTE": 0.08, "OV_WAIT": 0.08, "OV_MEET": 0.05},
        "ROP": _ROP,
        "RKO": _ROP,
        "PUR": _PUR,
        "KD": {"MG_LEAD": 0.65, "OV_MEET": 0.35},
    },
    "C": {
        "TM": _TM,
        "SR": {key: value for key, value in _SR.items() if key != "REACT"} | {"HUNT_SELL": 0.32},
        "KM": _KM | {"FARM_REPEAT": 0.17, "FARM_PROJ": 0.10, "FARM_FREQ": 0.04},
        "PM": {"PROJ_RUN": 0.55, "SOL_FORM": 0.15, "PROJ_SUBCON": 0.14, "FARM_FINDDEV": 0.06, "OV_MEET": 0.10},
        "SUP": {
            "SOL_FORM": 0.40,
            "SOL_CONSULT": 0.22,
            "SOL_SERVICE": 0.18,
            "SOL_SURVEY": 0.10,
            "OV_TRAIN": 0.05,
            "OV_MEET": 0.05,
        },
        "BO": {
            "OPS_ORDER": 0.20,
            "OPS_DOCS": 0.30,
            "OPS_SHIP": 0.12,
            "OPS_CHASE": 0.08,
            "OPS_CRM": 0.12,
            "OPS_AR": 0.06,
            "OV_WAIT": 0.07,
            "OV_MEET": 0.05,
        },
        "ROP": _ROP,
        "RKO": _ROP,
        "KD": {"MG_LEAD": 0.65, "OV_MEET": 0.35},
        "PUR": _PUR,
    },
    "S": {
        "TM": _TM | {"LEAD_TIMING": 0.12, "LEAD_QUAL": 0.33},
        "SR": {
            "HUNT_RELATE": 0.16,
            "HUNT_DMU": 0.14,
            "HUNT_NEED": 0.15,
            "HUNT_SELL": 0.26,
            "HUNT_HANDOFF": 0.05,
            "HUNT_PROOF": 0.03,
            "FARM_FILE": 0.04,
            "KAM_INFO": 0.03,
            "KAM_DMU": 0.03,
            "KAM_PLAN": 0.02,
            "OV_MEET": 0.05,
            "OV_TRAVEL": 0.04,
        },
        "PM": {
            "PROJ_RUN": 0.55,
            "SOL_FORM": 0.13,
            "PROJ_SUBCON": 0.10,
            "OPS_SHIP": 0.06,
            "OPS_CHASE": 0.06,
            "OV_MEET": 0.10,
        },
        "SUP": {"SOL_FORM": 0.42, "SOL_CONSULT": 0.22, "SOL_SERVICE": 0.18, "SOL_SURVEY": 0.08, "OV_MEET": 0.10},
        "BO": {
            "OPS_DOCS": 0.55,
            "OPS_RESERVE": 0.08,
            "OPS_CRM": 0.12,
            "OPS_AR": 0.12,
            "OV_WAIT": 0.07,
            "OV_MEET": 0.06,
        },
        "ROP": _ROP,
        "GD": {"HUNT_SELL": 0.25, "KAM_LEAD": 0.10, "OV_MEET": 0.65},
        "PUR": _PUR,
    },
}
PROFILES["CS"] = PROFILES["C"] | {"GD": PROFILES["S"]["GD"]}
"""Type of sale → role → share of hours on each function; codes are the method's, a test checks the owners."""

_TITLES = {
    "TM": ("Телемаркетолог", "Telemarketer"),
    "SR": ("Менеджер по развитию", "Business developer"),
    "SOP": ("Специалист офисных продаж", "Office sales specialist"),
    "KM": ("Клиентский менеджер", "Client manager"),
    "OP": ("Операционист", "Operations clerk"),
    "PM": ("Менеджер проекта", "Project manager"),
    "SUP": ("Технолог", "Technologist"),
    "BO": ("Специалист по документообороту", "Back office specialist"),
    "ROP": ("Руководитель отдела продаж", "Head of sales"),
    "RKO": ("Руководитель клиентского отдела", "Head of clients"),
    "KD": ("Коммерческий директор", "Commercial director"),
    "GD": ("Генеральный директор", "CEO"),
    "PUR": ("Менеджер по закупкам", "Purchasing manager"),
}
_COST_RUB = {
    "TM": 70,
    "SR": 130,
    "SOP": 90,
    "KM": 120,
    "OP": 65,
    "PM": 140,
    "SUP": 120,
    "BO": 65,
    "ROP": 210,
    "RKO": 190,
    "KD": 320,
    "GD": 450,
    "PUR": 110,
    "": 110,
}
HOURS_PER_MONTH = 160.0


@dataclass(frozen=True)
class Person:
    """One of our people; ``start`` and ``end`` are ISO dates or empty, ``short`` is the name in orders."""

    code: str
    role: str
    name: str
    short: str
    login: str
    title: str
    reports_to: str
    start: str
    end: str
    cost_month: int

    @property
    def present(self) -> bool:
        """Whether the person still works here at the end of the window."""
        return not self.end


def seller_role(sale_type: str) -> str:
    """The role that owns repeat business in this type of sale."""
    return {"T": "SOP", "S": "SR"}.get(sale_type, "KM")


def head_count(spec: CompanySpec, traits: Traits) -> dict[str, int]:
    """People per role around ``spec.sellers`` owners of repeat business, one clerk to four of them."""
    s = spec.sellers
    hunters = max(2, round(0.4 * s))
    by_type: dict[str, dict[str, int]] = {
        "T": {"TM": math.ceil(hunters / 2), "SR": hunters, "SOP": s, "BO": math.ceil(s / 3), "ROP": 1, "PUR": 1},
        "TC": {
            "TM": math.ceil(hunters / 2),
            "SR": hunters,
            "KM": s,
            "OP": math.ceil(s / 4),
            "SUP": math.ceil(s / 5),
            "BO": math.ceil(s / 4),
            "ROP": 1,
            "KD": 1,
            "PUR": 1,
        },
        "C": {
            "TM": 1,
            "SR": hunters,
            "KM": s,
            "PM": math.ceil(s / 2),
            "SUP": math.ceil(s / 3),
            "BO": math.ceil(s / 3),
            "ROP": 1,
            "KD": 1,
            "PUR": 1,
        },
        "S": {"TM": 1, "SR": s, "PM": math.ceil(s / 2), "SUP": math.ceil(s / 3), "BO": 1, "ROP": 1, "GD": 1, "PUR": 1},
        "CS": {
            "TM": 1,
            "SR": hunters,
            "KM": s,
            "PM": math.ceil(s / 2),
            "SUP": math.ceil(s / 3),
            "BO": math.ceil(s / 3),
            "ROP": 1,
            "GD": 1,
            "KD": 1,
            "PUR": 1,
        },
    }
    count = dict(by_type[spec.sale_type])
    if traits.extra_client_manager:
        count["KM"] = 2
    count.pop(traits.missing_role, None)
    if _has_client_department(spec, traits, count):
        count["RKO"] = _heads(traits, sum(count.get(r, 0) for r in _CLIENT_DEPARTMENT))
    count["ROP"] = _heads(traits, sum(count.get(r, 0) for r in _sales_department(count)))
    return count


_CLIENT_DEPARTMENT = ("KM", "OP")
_MOST_REPORTS = 9


def _has_client_department(spec: CompanySpec, traits: Traits, count: dict[str, int]) -> bool:
    return traits.client_head and spec.sale_type in ("TC", "C", "CS") and count.get("KM", 0) >= 3


def _sales_department(count: dict[str, int]) -> list[str]:
    aside = ("ROP", "RKO", "KD", "GD", "PUR", *(_CLIENT_DEPARTMENT if "RKO" in count else ()))
    return [r for r in count if r not in aside]


def _heads(traits: Traits, people: int) -> int:
    return max(1, math.ceil(people / _MOST_REPORTS)) if traits.even_spans else 1


def hire(spec: CompanySpec, traits: Traits) -> list[Person]:
    """Everybody who worked here in the window: sellers first in their role, a leaver before the successor.

    With ``traits.leaver`` the second seller left and the successor, the last of the sellers, took the book
    over.
    """
    count = head_count(spec, traits)
    draw = Draw(spec.seed, "people")
    total = sum(count.values()) + int(traits.leaver) + traits.ambiguous_titles
    names = person_names(total, draw, spec.lang)
    moved = leaver_date(spec, traits)
    top = next((f"{role}1" for role in ("KD", "GD") if count.get(role)), "")
    led: dict[str, int] = {}
    people: list[Person] = []

    def head_of(role: str) -> str:
        """The head of a role's next person: departments with several heads deal their people out in turn."""
        if role in ("KD", "GD"):
            return "GD1" if role == "KD" and count.get("GD") else ""
        if role in ("ROP", "RKO"):
            return top
        if role == "PUR":
            return top if traits.buying_apart else "ROP1"
        department = "RKO" if "RKO" in count and role in _CLIENT_DEPARTMENT else "ROP"
        led[department] = led.get(department, 0) + 1
        return f"{department}{(led[department] - 1) % count[department] + 1}"

    def add(code: str, role: str, title: str, start: str = "", end: str = "") -> None:
        full, short = names[len(people)]
        boss = head_of(role)
        if not start:
            start = (spec.start - timedelta(days=200 + 97 * len(people) % 1500)).isoformat()
        login = latin(short.split(" ")[0]).lower() + f".{code.lower()}"
        people.append(Person(code, role, full, short, login, title, boss, start, end, _COST_RUB[role] * 1000))

    seller = seller_role(spec.sale_type)
    for role, people_in_role in count.items():
        ru, en = _TITLES[role]
        title = ru if spec.lang == "ru" else en
        for i in range(people_in_role):
            gone = traits.leaver and role == seller and i == 1
            add(f"{role}{i + 1}", role, title, end=moved.isoformat() if gone else "")
        if traits.leaver and role == seller:
            add(f"{role}{people_in_role + 1}", role, title, start=moved.isoformat())
    for i in range(traits.ambiguous_titles):
        add(f"MP{i + 1}", "", "Менеджер по продажам" if spec.lang == "ru" else "Sales manager")
    return people


def leaver_date(spec: CompanySpec, traits: Traits) -> date:
    """The day the leaving seller's book is handed over."""
    return spec.end - timedelta(days=round(traits.leaver_months_before_end * 30.44))


def staff_table(people: list[Person]) -> pd.DataFrame:
    """Table ``staff``: one row per person; aliases are the spellings met in the orders."""
    return pd.DataFrame(
        [
            {
                "person": p.code,
                "name": p.name,
                "title": p.title,
                "role": p.role,
                "role2": "",
                "reports_to": p.reports_to,
                "fte": "0.5" if p.role == "TM" else "1",
                "hours_month": f"{HOURS_PER_MONTH:.0f}",
                "cost_month": str(p.cost_month),
                "start": p.start,
                "end": p.end,
                "aliases": f"{p.short};{p.login}",
            }
            for p in people
        ]
    )


def time_table(spec: CompanySpec, traits: Traits, people: list[Person]) -> pd.DataFrame:
    """Table ``time``: one row per person × function with the share of hours; a person sums to exactly 1.

    People who left have no rows. The spread between people of one role is about ±12 % of each share.
    """
    draw = Draw(spec.seed, "time")
    profiles = PROFILES[spec.sale_type]
    rows = []
    place: dict[str, int] = {}
    size: dict[str, int] = {}
    for p in people:
        if p.present:
            size[p.role] = size.get(p.role, 0) + 1
    for p in people:
        if not p.present:
            continue
        place[p.role] = place.get(p.role, 0) + 1
        shares = dict(profiles[p.role or seller_role(spec.sale_type)])
        if traits.idle_share == 0.0 and "OV_WAIT" in shares:  # no spare hour: it goes to the main job
            main = max(shares, key=lambda f: shares[f])
            shares[main] += shares.pop("OV_WAIT")
        for work in traits.foreign:
            concerned = place[p.role] <= math.ceil(work.people * size[p.role])
            if work.role != p.role or not concerned:
                continue
            weight = sum(w for _, w in work.functions)
            shares = {f: s * (1.0 - work.share) for f, s in shares.items()}
            for function, w in work.functions:
                shares[function] = shares.get(function, 0.0) + work.share * w / weight
        spread = draw.lognormal(0.12, len(shares))
        values = np.array(list(shares.values())) * spread
        permille = _deal(values, 1000)
        confidence = int(draw.whole(1, 3, 1)[0])
        rows += [
            {"person": p.code, "function": f, "share": f"{n / 1000:.3f}", "confidence": str(confidence)}
            for f, n in zip(shares, permille, strict=True)
            if n > 0
        ]
    return pd.DataFrame(rows)


def _deal(shares: Floats, total: int) -> list[int]:
    """``total`` whole units dealt out in proportion to ``shares`` by largest remainders."""
    exact = shares / shares.sum() * total
    whole = np.floor(exact).astype(np.int64)
    missing = total - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:missing]] += 1
    return [int(n) for n in whole]


def day_log_table(
    spec: CompanySpec, traits: Traits, people: list[Person], time: pd.DataFrame, clients: list[str]
) -> pd.DataFrame:
    """Table ``day_log``: five photographed days of the sellers and one clerk, in half-hour slots.

    The log agrees with the self-report unless ``traits.logged_oper_share`` says otherwise: the slots of a
    week are dealt out in proportion to the shares, then shuffled over its days (never the same weekday, no
    month end).
    """
    draw = Draw(spec.seed, "day log")
    seller = seller_role(spec.sale_type)
    wanted = [p for p in people if p.present and p.role == seller][:6]
    wanted += [p for p in people if p.present and p.role in ("OP", "BO")][:1]
    monday = date(spec.end.year, 11, 3)
    monday -= timedelta(days=monday.weekday())
    days, slots, lunch = 5, 16, 8
    rows: list[dict[str, str]] = []
    for number, p in enumerate(wanted):
        mine = time[time["person"] == p.code]
        functions, shares = list(mine["function"]), np.array([float(s) for s in mine["share"]])
        if p.role == seller and traits.logged_oper_share >= 0.0:
            work = {f: float(s) * (1 - traits.logged_oper_share) for f, s in zip(functions, shares, strict=True)}
            for f, w in (("OPS_ORDER", 0.4), ("OPS_CHASE", 0.35), ("OPS_DOCS", 0.25)):
                work[f] = work.get(f, 0.0) + traits.logged_oper_share * w
            functions, shares = list(work), np.array(list(work.values()))
        week = np.repeat(np.arange(len(functions)), _deal(shares, days * slots))
        dealt = week[draw.order(days * slots)].reshape(days, slots)
        for d in range(days):
            day = monday + timedelta(days=7 * (number % 2) + d)
            begin = 0
            for slot in range(1, slots + 1):
                if slot not in (lunch, slots) and dealt[d, slot] == dealt[d, begin]:
                    continue
                function = functions[int(dealt[d, begin])]
                rows.append(_slot(p.code, day, begin, slot, function, traits, draw, clients))
                begin = slot
    keys = ("person", "date", "start", "end", "function", "initiator", "client", "interrupted")
    return pd.DataFrame(rows, columns=list(keys))


def _slot(
    person: str, day: date, begin: int, end: int, function: str, traits: Traits, draw: Draw, clients: list[str]
) -> dict[str, str]:
    """One line of the day log; own initiative follows the company's true share of orders it begins."""

    def clock(slot: int) -> str:
        minutes = 9 * 60 + 30 * slot + (60 if slot >= 8 else 0)  # an hour for lunch after four hours
        return f"{minutes // 60:02d}:{minutes % 60:02d}"

    luck, at_work = (draw.uniform(1)[0], function.startswith(("FARM", "HUNT", "KAM", "REACT", "LEAD", "OPS", "SOL")))
    if not at_work:
        initiator = "INT"
    elif function.startswith("OPS"):
        initiator = "IN" if luck < 0.75 else "INT"
    else:
        initiator = "OUT" if luck < min(traits.company_initiated + 0.15, 0.95) else "IN"
    client = clients[int(draw.whole(0, len(clients) - 1, 1)[0])] if at_work and clients else ""
    finish = clock(end) if end != 8 else "13:00"  # the eighth slot ends before lunch
    return {
        "person": person,
        "date": day.isoformat(),
        "start": clock(begin),
        "end": finish,
        "function": function,
        "initiator": initiator,
        "client": client,
        "interrupted": str(int(draw.uniform(1)[0] < 0.2)),
    }
