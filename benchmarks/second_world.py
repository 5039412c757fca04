"""A second, independent world of invented companies, to check the audit against somebody else's ideas.

Shares no code with ``tools/samples``: clients order by Weibull gaps, in negative-binomial months, on the same date
of every month, by the season with a hole in winter, or in bursts around projects; revenue is Pareto; books are
unequal; people work half time, leave and deputise; questionnaires are rounded to five per cent; tables and columns
are missing. Diseases are planted by what the methodology says they mean, at 1.3 to 2 times the limit of ``found``;
healthy figures lie well inside. What a disease necessarily brings along is in ``IMPLIED``, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Rng = np.random.Generator
Profile = dict[str, float]


@dataclass
class World:
    """One company of the second world: what it is like. Shares 0–1, trends as relative change a year."""

    name: str
    sale_type: str
    seed: int
    sick: tuple[str, ...] = ()
    clients: int = 240
    keepers: int = 5  # people who keep clients: КМ; СОП in T; СР in S
    years: int = 3
    end: date = date(2025, 12, 31)
    columns: str = "full"
    left_out: tuple[str, ...] = ()  # tables of the questionnaire that nobody filled in
    # clients
    mean_gap: float = 40.0
    arrivals: float = 0.12
    second: float = 0.86
    churn: float = 0.04
    pause: float = 0.12
    pause_ends: float = 1.0
    alpha: float = 1.35
    top_cap: float = 0.065
    top: tuple[float, ...] = ()
    tail: bool = False
    frequency: float = 0.02
    ticket: float = 0.01
    inflation: float = 0.07
    range: float = 0.0
    lines: float = 3.0
    categories: int = 7
    lacking: float = 0.0
    odd: float = 0.0
    first_factor: float = 1.0
    leave: tuple[float, float, float] = (0.0, 0.0, 0.0)  # share of clients leaving between two months before the end
    leave_of: int = -1  # only of this keeper
    steady: bool = False  # everybody orders evenly: only then does a silence tell anything
    returns: float = 0.08
    giants: int = 0
    giant_late: float = 0.0
    seasonal: float = 0.12  # share of clients with a hole in winter
    # service
    late: float = 0.025
    short: float = 0.01
    complaint: float = 0.003
    after_failure: float = 0.0
    # who serves
    deputy: float = 0.2
    single: float = 0.0
    biggest_book: float = 0.0
    leaver: bool = False
    leaver_loss: float = 0.0
    book_handed: bool = True
    leaver_months: float = 17.0
    k: int = 2
    rule_kept: float = 0.95
    handed: float = 1.0
    handed_loss: float = 0.0
    by_manager: float = 0.04
    automatic: float = 0.2
    ours: float = 0.6
    developers_keep: float = 0.0
    # people
    extra: list[tuple[str, Profile, float]] = field(default_factory=list)  # role, work, share of its hours
    extra_people: dict[str, float] = field(default_factory=dict)  # role: part of its people concerned
    nobody: str = ""
    two_km: bool = False
    chain: str = "sound"
    """Who reports to whom: sound; wide (one head of each department); mixed (client managers under heads of sales); buying
    (purchasing under sales)."""
    titles: int = 0
    logged_oper: float = -1.0
    idle: bool = True
    # questionnaire
    order_minutes: int = 6
    declared: str = ""
    complexity: int = 0
    price: int = 0
    market: int = 0
    profile: str = "yes"
    support: str = ""
    sla: bool = True
    touches: float = 0.0
    minutes: float = 0.0
    keys: int = 30
    keys_of_one: int = 0
    key_faults: dict[str, float] = field(default_factory=dict)
    wallet: float = 0.62
    directors: float = 0.0
    documented: str = "yes"
    form: str = "GRADUAL"
    unowned: int = 0
    paid: str = "sound"
    """What pay follows: sound; others (client managers paid for new clients, clerks for sales)."""
    denied: tuple[int, ...] = ()

    @property
    def start(self) -> date:
        return date(self.end.year - self.years, self.end.month, self.end.day) + timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


# --- diseases by their meaning


def _all(**changes: Any) -> Callable[[World, Rng], None]:
    def apply(w: World, _rng: Rng) -> None:
        for name, value in changes.items():
            setattr(w, name, value)

    return apply


def _between(name: str, low: float, high: float, **changes: Any) -> Callable[[World, Rng], None]:
    def apply(w: World, rng: Rng) -> None:
        setattr(w, name, float(rng.uniform(low, high)))
        for other, value in changes.items():
            setattr(w, other, value)

    return apply


def _work(role: str, low: float, high: float, work: Profile, people: float = 1.0) -> Callable[[World, Rng], None]:
    def apply(w: World, rng: Rng) -> None:
        mine = "SOP" if role == "KM" and w.sale_type == "T" else role
        w.extra.append((mine, work, float(rng.uniform(low, high))))
        w.extra_people[mine] = people
        w.idle = False
        if "OPS_ORDER" in work:  # hours that fit the documents: an order is much work there
            w.order_minutes = 25 if w.sale_type in OFTEN else 75

    return apply


def _fault(name: str, low: float, high: float) -> Callable[[World, Rng], None]:
    def apply(w: World, rng: Rng) -> None:
        w.key_faults[name] = float(rng.uniform(low, high))

    return apply


def _mix(w: World, rng: Rng) -> None:
    """A farmer who hunts, or a hunter who farms, in turn."""
    if w.seed % 2 or w.sale_type != "TC":
        _work("KM", 0.28, 0.38, {"HUNT_SELL": 0.6, "HUNT_NEED": 0.4})(w, rng)
    else:
        _work("SR", 0.28, 0.38, {"FARM_REPEAT": 0.7, "FARM_AOV": 0.3})(w, rng)
        w.developers_keep = 0.35


def _mismatch(w: World, _rng: Rng) -> None:
    if w.sale_type == "T":  # says T, sells rarely and dear to few
        w.mean_gap, w.complexity, w.price, w.market = 100.0, 4, 4, 300
    else:  # says S, sells every month to thousands
        w.mean_gap, w.complexity, w.price, w.market, w.second = 26.0, 1, 1, 20_000, 0.86


def _missing(w: World, _rng: Rng) -> None:
    w.nobody = ("TM", "BO", "SUP")[w.seed % 3]


def _frontline(w: World, rng: Rng) -> None:
    papers = {"OPS_DOCS": 0.6, "OPS_AR": 0.2, "OPS_QUOTE": 0.2}
    _work("SOP" if w.sale_type == "T" and w.seed % 2 else "SR", 0.53, 0.65, papers)(w, rng)


def _doubtful(w: World, rng: Rng) -> None:
    """Hours of order entry that no number of documents explains."""
    _work("KM", 0.3, 0.38, {"OPS_ORDER": 1.0})(w, rng)
    w.order_minutes = 5


def _torn(w: World, _rng: Rng) -> None:
    for role, people in (("SR", round(w.keepers / 2)), ("SUP", math.ceil(w.keepers / 4)), ("KM", w.keepers)):
        # The same hours from every role, whatever its head count: about half a person each.
        w.extra.append((role, {"OPS_CLAIM": 1.0, "OPS_CSAT": 1.0, "MG_MKT": 1.0, "OPS_CONTENT": 1.0}, 0.55 / people))


OFTEN, KEPT, ALL = ("T", "TC"), ("TC", "C", "CS"), ("T", "TC", "C", "CS", "S")
NOT_S = ("T", "TC", "C", "CS")


@dataclass(frozen=True)
class Plant:
    """How to plant a disease, in which types of sale, at what size of company."""

    apply: Callable[[World, Rng], None]
    types: tuple[str, ...] = ALL
    clients: tuple[int, int] = (200, 360)
    keepers: tuple[int, int] = (4, 6)


OPER = {"OPS_ORDER": 0.4, "OPS_CHASE": 0.25, "OPS_DOCS": 0.2, "OPS_SHIP": 0.15}
PLANTS: dict[str, Plant] = {
    "model.type_mismatch": Plant(_mismatch, ("T", "S")),
    "model.missing_role": Plant(_missing, ("TC", "C")),
    "model.extra_station": Plant(_all(two_km=True), ("T",)),
    "model.no_client_profile": Plant(_all(profile="no")),
    "model.wide_span": Plant(_all(chain="wide"), ("TC", "C"), keepers=(12, 14)),
    "model.no_client_head": Plant(_all(chain="mixed"), ("TC", "C", "CS"), keepers=(6, 8)),
    "model.buying_under_sales": Plant(_all(chain="buying"), ("T", "TC", "C")),
    "model.support_misplaced": Plant(_all(support="outside", sla=False), ("TC",)),
    "model.overcapacity": Plant(_all(touches=0.08), KEPT),
    "roles.km_overload": Plant(_work("KM", 0.52, 0.65, OPER), KEPT),
    "roles.frontline_overload": Plant(_frontline, ("T", "TC", "C")),
    "roles.relief_shortage": Plant(_work("KM", 0.27, 0.34, OPER), ("TC",), keepers=(7, 9)),
    "roles.entry_burden": Plant(_between("by_manager", 0.4, 0.6), KEPT),
    "roles.universal_seller": Plant(
        _work("KM", 0.72, 0.76, {"HUNT_SELL": 0.3, "LEAD_QUAL": 0.25, "OPS_ORDER": 0.25, "SOL_FORM": 0.2}, 0.6), KEPT
    ),
    "roles.hunter_farmer_mix": Plant(_mix, KEPT),
    "roles.engineer_sells": Plant(_work("SUP", 0.15, 0.22, {"HUNT_SELL": 0.5, "FARM_REPEAT": 0.5}), KEPT),
    "roles.seller_buys": Plant(_work("KM", 0.08, 0.12, {"SUP_BUY": 1.0}), NOT_S),
    "roles.owner_runs_keys": Plant(_between("directors", 0.3, 0.45), KEPT),
    "roles.fragmented_function": Plant(_torn, ("TC",)),
    "roles.evidence_conflict": Plant(_between("logged_oper", 0.4, 0.5), KEPT),
    "roles.hours_implausible": Plant(_doubtful, KEPT),
    "roles.pay_against_role": Plant(_all(paid="others"), NOT_S),
    "roles.ambiguous_title": Plant(_all(titles=2)),
    "retention.leaky_first_purchase": Plant(_between("second", 0.44, 0.52, arrivals=0.4), OFTEN, (280, 420)),
    "retention.low_repeat_share": Plant(_between("first_factor", 28.0, 34.0, arrivals=1.2), ("TC",), (280, 420)),
    "retention.revenue_leak": Plant(_all(leave=(0.34, 15.0, 12.3), arrivals=0.3), NOT_S, (280, 420)),
    "retention.base_shrinking": Plant(_all(churn=0.2, arrivals=0.03), OFTEN, (280, 420)),
    "retention.sleeping_clients": Plant(_all(leave=(0.3, 9.0, 5.5), alpha=1.9, top_cap=0.03), ("TC",), (280, 420)),
    "retention.weak_return": Plant(
        _between("pause_ends", 0.04, 0.1, pause=0.16, churn=0.02, arrivals=0.25, steady=True), OFTEN, (300, 420)
    ),
    "retention.ticket_decline": Plant(_all(ticket=-0.13, inflation=0.0), OFTEN, (300, 420)),
    "retention.frequency_decline": Plant(_all(frequency=-0.15), OFTEN, (300, 420)),
    "retention.range_decline": Plant(_all(range=-0.15, lines=7.0, categories=10), OFTEN, (300, 420)),
    "retention.manager_outlier": Plant(_all(leave=(0.6, 14.0, 12.0), leave_of=1), OFTEN, (300, 420)),
    "retention.mostly_reactive": Plant(_between("ours", 0.08, 0.17), NOT_S),
    "base.concentration": Plant(_all(top=(0.28, 0.1, 0.08, 0.06)), NOT_S),
    "base.long_tail": Plant(_all(tail=True), OFTEN),
    "base.off_profile": Plant(_between("odd", 0.08, 0.12), ("TC",)),
    "base.wallet_headroom": Plant(_between("wallet", 0.17, 0.22), NOT_S),
    "base.range_gap": Plant(_all(lacking=0.45, categories=32, lines=8.0), OFTEN),
    "base.indigestion": Plant(_all(giants=3, giant_late=0.35), OFTEN, (280, 400)),
    "ownership.single_owner": Plant(_between("single", 0.85, 0.95), NOT_S),
    "ownership.bus_factor": Plant(_between("biggest_book", 0.68, 0.78), NOT_S),
    "ownership.handover_loss": Plant(
        _all(leaver=True, leaver_loss=0.45, alpha=2.2, top_cap=0.02), OFTEN, (480, 600), (4, 4)
    ),
    "ownership.orphans": Plant(
        _all(leaver=True, book_handed=False, leaver_months=5.0, deputy=0.1, single=0.3),
        ("T", "TC", "C", "CS"),
        keepers=(3, 4),
    ),
    "ownership.overloaded_book": Plant(_all(touches=-1.7), NOT_S),
    "keys.too_many": Plant(_all(keys_of_one=21), NOT_S),
    "keys.no_file": Plant(_fault("no_file", 0.4, 0.6)),
    "keys.no_buying_centre": Plant(_fault("no_centre", 0.4, 0.6)),
    "keys.no_plan": Plant(_fault("no_plan", 0.4, 0.6)),
    "keys.no_backup": Plant(_fault("no_backup", 0.4, 0.6)),
    "keys.no_influence": Plant(_fault("no_influence", 0.52, 0.7), NOT_S),
    "keys.disincentive": Plant(_fault("disincentive", 0.52, 0.7)),
    "handoff.no_rule": Plant(_all(documented="no")),
    "handoff.rule_not_followed": Plant(_between("rule_kept", 0.3, 0.42, arrivals=0.3), OFTEN, (280, 420)),
    "handoff.form_mismatch": Plant(_all(form="LETTER"), ("C", "CS")),
    "handoff.loss": Plant(_all(handed_loss=0.35, handed=0.55, arrivals=0.6, k=2), ("TC",), (380, 480)),
    "service.late": Plant(_between("late", 0.14, 0.2)),
    "service.short_shipments": Plant(_between("short", 0.11, 0.16)),
    "service.complaints": Plant(_between("complaint", 0.045, 0.06)),
    "service.no_owner": Plant(_all(unowned=4)),
    "service.failures_cost_clients": Plant(_all(after_failure=0.3, late=0.07, arrivals=0.35), OFTEN, (340, 460)),
    "selfcheck.contradiction": Plant(_all(denied=(1, 3, 5, 7, 8)), NOT_S),
}
"""Finding → its plant: every finding of the catalogue has one."""

_FLIGHT = (
    "retention.revenue_leak",
    "retention.base_shrinking",
    "retention.sleeping_clients",
    "retention.weak_return",
    "retention.manager_outlier",
    "base.indigestion",
)
IMPLIED: dict[str, dict[str, str]] = {
    "model.type_mismatch": {"roles.entry_burden": "the norm is of the wrong type"},
    "model.missing_role": {"service.no_owner": "the service of the missing station has no owner"},
    "model.support_misplaced": {"service.no_owner": "no agreed time of the technical services"},
    "roles.km_overload": {
        "roles.relief_shortage": "operational hours to hand over and nobody idle",
        "model.missing_role": "the clerks' work is done by managers (coverage)",
        "roles.fragmented_function": "managers and clerks share functions",
        "ownership.overloaded_book": "hours left after operational work",
    },
    "roles.frontline_overload": {
        "model.missing_role": "the back office's work is done by sellers (coverage)",
        "roles.fragmented_function": "sellers and back office share functions",
    },
    "roles.hours_implausible": {
        "roles.km_overload": "hours on entry are operational hours",
        "roles.relief_shortage": "and could be handed over",
        "model.missing_role": "coverage of the clerks' work",
        "roles.fragmented_function": "managers and clerks share entry",
    },
    "roles.relief_shortage": {"model.missing_role": "coverage of the clerks' work"},
    "roles.universal_seller": {
        "roles.hunter_farmer_mix": "a universal КМ hunts",
        "model.missing_role": "coverage",
        "roles.relief_shortage": "operational hours of КМ",
        "roles.fragmented_function": "shared functions",
    },
    "roles.hunter_farmer_mix": {
        "handoff.rule_not_followed": "a developer who farms keeps clients",
        "model.missing_role": "coverage",
    },
    "roles.engineer_sells": {"model.missing_role": "coverage"},
    "roles.fragmented_function": {"model.missing_role": "polling is the telemarketer's, done by everybody (coverage)"},
    "retention.revenue_leak": dict.fromkeys(_FLIGHT, "the same clients that left"),
    "retention.base_shrinking": dict.fromkeys(_FLIGHT, "the same clients that left"),
    "retention.sleeping_clients": dict.fromkeys(_FLIGHT, "the same clients that fell silent"),
    "retention.weak_return": dict.fromkeys(_FLIGHT, "sleepers that never return are lost"),
    "retention.manager_outlier": dict.fromkeys(_FLIGHT, "the clients he lost"),
    "retention.leaky_first_purchase": {"retention.base_shrinking": "one-time clients pass through"},
    "retention.low_repeat_share": {
        "base.concentration": "first orders are large",
        "base.long_tail": "repeat orders are small",
        "retention.ticket_decline": "the mix of first and repeat orders",
        "base.indigestion": "giant first orders",
        "retention.range_decline": "mix",
        "retention.frequency_decline": "new clients order once in their first month",
    },
    "base.concentration": {
        "ownership.bus_factor": "the book with the giant",
        "base.long_tail": "small beside it",
        "base.indigestion": "its orders are giant",
    },
    "base.long_tail": {"base.off_profile": "small clients with many orders per million"},
    "base.indigestion": {
        "service.late": "late after giants",
        "base.concentration": "the giant orders",
        "retention.ticket_decline": "giant orders in the trend",
    },
    "ownership.single_owner": {"ownership.bus_factor": "nobody else serves"},
    "ownership.bus_factor": {
        "ownership.overloaded_book": "one book is much larger",
        "retention.manager_outlier": "tiny books of the others",
    },
    "ownership.handover_loss": {**dict.fromkeys(_FLIGHT, "the handed clients that left")},
    "ownership.orphans": {"ownership.single_owner": "the second face has left"},
    "handoff.rule_not_followed": {"roles.hunter_farmer_mix": "developers serve beyond the hand-off"},
    "handoff.loss": {
        **dict.fromkeys(_FLIGHT, "handed clients left"),
        "handoff.rule_not_followed": "half are not handed over",
        "roles.hunter_farmer_mix": "developers serve beyond the hand-off",
        "ownership.bus_factor": "developers keep clients",
    },
    "service.late": {},
    "service.failures_cost_clients": dict.fromkeys(_FLIGHT, "clients left after failures"),
    "keys.no_influence": {},
    "selfcheck.contradiction": {},
}
"""Disease → further findings that it truly implies or may imply, with the reason."""


# --- how a company of each type is

GAPS = {"T": 19.0, "TC": 40.0, "C": 95.0, "CS": 110.0, "S": 400.0}
TICKETS = {"T": 12_000.0, "TC": 80_000.0, "C": 700_000.0, "CS": 2_000_000.0, "S": 8_000_000.0}
_SAID = {"T": (1, 1, 30_000), "TC": (2, 2, 5_000), "C": (3, 3, 1_000), "CS": (4, 4, 600), "S": (4, 4, 250)}
_SUPPORT = {"T": "none", "TC": "inside", "C": "both", "CS": "outside", "S": "outside"}


def healthy(name: str, sale_type: str, seed: int, clients: int, keepers: int, **changes: Any) -> World:
    """A company with nothing wrong: the habits of its type of sale."""
    w = World(name, sale_type, seed, clients=clients, keepers=keepers, mean_gap=GAPS[sale_type])
    w.complexity, w.price, w.market = _SAID[sale_type]
    w.market = max(w.market, round(2.5 * clients))
    w.support = _SUPPORT[sale_type]
    if sale_type in ("C", "CS"):
        w.deputy, w.seasonal, w.churn, w.pause, w.second, w.automatic = 0.5, 0.0, 0.03, 0.06, 0.92, 0.05
    if sale_type == "S":
        w.second, w.seasonal, w.arrivals, w.churn, w.automatic, w.deputy = 0.05, 0.0, 3.0, 0.3, 0.0, 0.4
    w.form = "SCRIPT" if sale_type == "T" else "GRADUAL"
    for key, value in changes.items():
        setattr(w, key, value)
    return w


PEOPLE: dict[str, dict[str, Profile]] = {
    "T": {
        "TM": {"LEAD_QUAL": 0.4, "LEAD_TIMING": 0.25, "LEAD_INBOUND": 0.25, "OV_MEET": 0.1},
        "SR": {"HUNT_SELL": 0.45, "HUNT_NEED": 0.2, "HUNT_RELATE": 0.2, "REACT": 0.05, "OV_MEET": 0.1},
        "SOP": {"FARM_REPEAT": 0.35, "FARM_AOV": 0.2, "OPS_ORDER": 0.25, "FARM_RANGE": 0.1, "OV_MEET": 0.1},
        "BO": {"OPS_DOCS": 0.5, "OPS_SHIP": 0.2, "OPS_CRM": 0.1, "OPS_AR": 0.1, "OV_WAIT": 0.1},
        "PUR": {"SUP_BUY": 0.6, "SUP_STOCK": 0.3, "OV_MEET": 0.1},
        "ROP": {"MG_LEAD": 0.8, "OV_MEET": 0.2},
        "KM": {"FARM_DEEP": 0.6, "FARM_BARRIER": 0.3, "OV_MEET": 0.1},
    },
    "TC": {
        "TM": {"LEAD_QUAL": 0.5, "LEAD_MEET": 0.2, "LEAD_INBOUND": 0.2, "OV_MEET": 0.1},
        "SR": {"LEAD_TIMING": 0.1, "HUNT_SELL": 0.45, "HUNT_NEED": 0.2, "HUNT_DMU": 0.1, "REACT": 0.05, "OV_MEET": 0.1},
        "KM": {
            "FARM_REPEAT": 0.35,
            "FARM_AOV": 0.1,
            "FARM_LOYAL": 0.1,
            "FARM_TIMING": 0.1,
            "FARM_RANGE": 0.1,
            "KAM_PLAN": 0.05,
            "OPS_CRM": 0.05,
            "OV_MEET": 0.1,
            "OV_TRAVEL": 0.05,
        },
        "OP": {"OPS_ORDER": 0.45, "OPS_RESERVE": 0.2, "OPS_SHIP": 0.15, "OPS_CHASE": 0.1, "OV_WAIT": 0.1},
        "SUP": {"SOL_FORM": 0.4, "SOL_CONSULT": 0.3, "SOL_SERVICE": 0.2, "OV_TRAIN": 0.1},
        "BO": {"OPS_DOCS": 0.5, "OPS_CRM": 0.15, "OPS_QUOTE": 0.1, "OPS_AR": 0.15, "OV_MEET": 0.1},
        "PUR": {"SUP_BUY": 0.6, "SUP_STOCK": 0.3, "OV_MEET": 0.1},
        "ROP": {"MG_LEAD": 0.8, "OV_MEET": 0.2},
        "KD": {"MG_LEAD": 0.6, "OV_MEET": 0.4},
    },
    "C": {
        "TM": {"LEAD_QUAL": 0.5, "LEAD_MEET": 0.3, "LEAD_INBOUND": 0.1, "OV_MEET": 0.1},
        "SR": {
            "LEAD_TIMING": 0.1,
            "HUNT_SELL": 0.4,
            "HUNT_NEED": 0.2,
            "HUNT_DMU": 0.15,
            "OV_MEET": 0.1,
            "OV_TRAVEL": 0.05,
        },
        "KM": {
            "FARM_REPEAT": 0.25,
            "FARM_DEEP": 0.2,
            "FARM_PROJ": 0.15,
            "FARM_LOYAL": 0.1,
            "FARM_TIMING": 0.1,
            "OPS_CRM": 0.05,
            "OV_MEET": 0.15,
        },
        "PM": {"PROJ_RUN": 0.65, "SOL_FORM": 0.2, "OV_MEET": 0.15},
        "SUP": {"SOL_FORM": 0.45, "SOL_CONSULT": 0.25, "SOL_SERVICE": 0.2, "OV_MEET": 0.1},
        "BO": {"OPS_ORDER": 0.3, "OPS_DOCS": 0.4, "OPS_SHIP": 0.1, "OPS_AR": 0.1, "OV_WAIT": 0.1},
        "ROP": {"MG_LEAD": 0.8, "OV_MEET": 0.2},
        "KD": {"MG_LEAD": 0.6, "OV_MEET": 0.4},
        "PUR": {"SUP_BUY": 0.9, "OV_MEET": 0.1},
    },
    "S": {
        "TM": {"LEAD_QUAL": 0.5, "LEAD_TIMING": 0.3, "LEAD_MEET": 0.1, "OV_MEET": 0.1},
        "SR": {"HUNT_SELL": 0.4, "HUNT_NEED": 0.2, "HUNT_DMU": 0.15, "KAM_DMU": 0.05, "OV_MEET": 0.1, "OV_TRAVEL": 0.1},
        "PM": {"PROJ_RUN": 0.65, "SOL_FORM": 0.2, "OPS_SHIP": 0.05, "OV_MEET": 0.1},
        "SUP": {"SOL_FORM": 0.5, "SOL_CONSULT": 0.3, "SOL_SERVICE": 0.1, "OV_MEET": 0.1},
        "BO": {"OPS_DOCS": 0.7, "OPS_AR": 0.2, "OV_WAIT": 0.1},
        "ROP": {"MG_LEAD": 0.8, "OV_MEET": 0.2},
        "GD": {"HUNT_SELL": 0.3, "KAM_LEAD": 0.1, "OV_MEET": 0.6},
        "PUR": {"SUP_BUY": 0.9, "OV_MEET": 0.1},
    },
}
PEOPLE["CS"] = PEOPLE["C"] | {"GD": PEOPLE["S"]["GD"]}
KEEPER = {"T": "SOP", "TC": "KM", "C": "KM", "CS": "KM", "S": "SR"}
_TITLE = {
    "TM": "Телемаркетолог",
    "SR": "Менеджер по развитию",
    "SOP": "Менеджер офисных продаж",
    "KM": "Аккаунт-менеджер",
    "OP": "Оператор 1С",
    "SUP": "Инженер-технолог",
    "BO": "Специалист по документообороту",
    "PM": "Менеджер проекта",
    "ROP": "Начальник отдела продаж",
    "RKO": "Начальник отдела сопровождения",
    "KD": "Коммерческий директор",
    "GD": "Генеральный директор",
    "PUR": "Менеджер по закупкам",
}
_NAMES = (
    "Абрамов",
    "Беляев",
    "Воронцов",
    "Горшков",
    "Дьячков",
    "Ермаков",
    "Жуков",
    "Зимин",
    "Исаев",
    "Калинин",
    "Лапин",
    "Мухин",
    "Носов",
    "Овчинников",
    "Панов",
    "Рябов",
    "Савин",
    "Тихонов",
    "Уваров",
    "Фокин",
    "Хохлов",
    "Цветков",
    "Чернов",
    "Шубин",
    "Щукин",
    "Юдин",
    "Яшин",
    "Баранов",
    "Власов",
    "Громов",
    "Доронин",
    "Егоров",
    "Зуев",
    "Котов",
)


@dataclass
class Person:
    """Somebody on the staff sheet; ``sign`` is how the orders spell the name."""

    code: str
    role: str
    title: str
    sign: str
    login: str
    fte: float
    start: str
    end: str


def hire(w: World, rng: Rng) -> list[Person]:
    """Everybody of the company; the keepers first, one of them possibly gone, with a successor."""
    n = w.keepers
    few, many = math.ceil(n / 4), max(1, round(n / 2))
    count = {
        "T": {"SOP": n, "TM": 1, "SR": many, "BO": few + 1, "PUR": 1, "ROP": 1},
        "TC": {"KM": n, "TM": 1, "SR": many, "OP": few + 1, "SUP": few, "BO": few, "PUR": 1, "ROP": 1, "KD": 1},
        "C": {"KM": n, "TM": 1, "SR": many, "PM": many, "SUP": few + 1, "BO": few, "ROP": 1, "KD": 1, "PUR": 1},
        "CS": {"KM": n, "TM": 1, "SR": many, "PM": many, "SUP": few + 1, "BO": few, "ROP": 1, "KD": 1, "GD": 1},
        "S": {"SR": n, "TM": 1, "PM": many, "SUP": few, "BO": 1, "ROP": 1, "GD": 1},
    }[w.sale_type]
    count = {r: c for r, c in count.items() if r != w.nobody}
    if w.two_km:
        count["KM"] = 2
    teams = _teams(w, list(count))
    for head, roles in teams.items():
        people_led = sum(count[r] for r in roles)
        count[head] = 1 if w.chain == "wide" else math.ceil(people_led / 8)
    names = [str(x) for x in rng.permutation(_NAMES)]
    people: list[Person] = []

    def add(role: str, title: str, fte: float = 1.0, start: str = "", end: str = "") -> None:
        i = len(people)
        name = names[i % len(names)] + ("" if i < len(names) else "а")
        sign = f"{name} {'АБВГДЕИКЛМ'[i % 10]}.{'НОПРСТ'[i % 6]}."
        start = start or str(w.start - timedelta(days=300 + 50 * i))
        people.append(Person(f"E{i + 1:02d}", role, title, sign, f"user{i + 1:02d}", fte, start, end))

    keeper = KEEPER[w.sale_type]
    moved = w.end - timedelta(days=round(30.4 * w.leaver_months))
    for role, c in count.items():
        for i in range(c):
            gone = w.leaver and role == keeper and i == 1
            half = role in ("TM", "BO", "SUP") or (role == keeper and i == c - 1 and n >= 5 and not w.sick)
            add(
                role,
                _TITLE[role],
                0.5 if (half and c == 1) or (half and role == keeper) else 1.0,
                end=str(moved) if gone else "",
            )
        if w.leaver and role == keeper:
            add(role, _TITLE[role], start=str(moved - timedelta(days=10)))
    if rng.random() < 0.4:  # somebody of the back office who left long ago
        add("BO", _TITLE["BO"], end=str(w.start + timedelta(days=120)))
    for _ in range(w.titles):
        add("", "Менеджер по продажам")
    return people


def _teams(w: World, roles: list[str]) -> dict[str, list[str]]:
    """Whom the heads of sales and of clients lead."""
    keeps = [r for r in roles if r in ("KM", "OP", "BO")]
    apart = "KM" in keeps and not w.two_km and w.chain != "mixed"
    sells = [r for r in roles if r not in ("ROP", "RKO", "KD", "GD", "PUR") and not (apart and r in keeps)]
    return {"ROP": sells} | ({"RKO": keeps} if apart else {})


def chain(w: World, people: list[Person]) -> dict[str, str]:
    """Who reports to whom; those who left keep the head they had."""
    teams = _teams(w, list(dict.fromkeys(p.role for p in people if p.role)))
    heads = {h: [p.code for p in people if p.role == h] for h in ("ROP", "RKO", "KD", "GD")}
    top = (heads["KD"] or heads["GD"] or [""])[0]
    out: dict[str, str] = {}
    for head, roles in teams.items():
        for i, p in enumerate(q for q in people if q.role in roles):
            out[p.code] = heads[head][i % len(heads[head])]
    for p in people:
        if p.role in ("ROP", "RKO"):
            out[p.code] = top
        elif p.role == "PUR":
            out[p.code] = heads["ROP"][0] if w.chain == "buying" else top
        elif p.role == "KD":
            out[p.code] = (heads["GD"] or [""])[0]
    return out


def working_hours(w: World, people: list[Person], rng: Rng) -> pd.DataFrame:
    """The sheet «Время»: shares rounded to five per cent, as people do."""
    rows = []
    place: dict[str, int] = {}
    keeper = KEEPER[w.sale_type]
    for p in people:
        if p.end:
            continue
        place[p.role] = place.get(p.role, 0) + 1
        of_role = sum(1 for q in people if q.role == p.role and not q.end)
        shares = dict(PEOPLE[w.sale_type]["ROP" if p.role == "RKO" else p.role or keeper])
        if not w.idle and "OV_WAIT" in shares:
            shares["OV_MEET"] = shares.get("OV_MEET", 0.0) + shares.pop("OV_WAIT")
        for role, work, part in w.extra:
            if role != p.role or place[p.role] > math.ceil(w.extra_people.get(role, 1.0) * of_role):
                continue
            total = sum(work.values())
            shares = {f: s * (1 - part) for f, s in shares.items()}
            for f, weight in work.items():
                shares[f] = shares.get(f, 0.0) + part * weight / total
        step = 0.05 if not w.extra else 0.025
        noisy = {f: s * float(rng.lognormal(0.0, 0.15)) for f, s in shares.items()}
        scale = sum(noisy.values())
        rounded = {f: round(s / scale / step) * step for f, s in noisy.items()}
        rounded = {f: s for f, s in rounded.items() if s > 0}
        largest = max(rounded, key=lambda f: rounded[f])
        rounded[largest] += 1.0 - sum(rounded.values())
        rows += [(p.code, f, f"{s:.3f}", str(int(rng.integers(1, 4)))) for f, s in rounded.items()]
    return pd.DataFrame(rows, columns=["person", "function", "share", "confidence"])


# --- how clients buy


def _holiday(day: date) -> bool:
    return day.weekday() >= 5 or (day.month == 1 and day.day <= 8) or (day.month == 5 and day.day in (1, 2, 3, 9))


def _open_days(w: World) -> np.ndarray[Any, Any]:
    """For every day of the window the next working day (or the last one before the end)."""
    out = np.zeros(w.days + 1, dtype=np.int64)
    ahead = -1
    for i in range(w.days - 1, -1, -1):
        if not _holiday(w.start + timedelta(days=i)):
            ahead = i
        out[i] = ahead
    last = max(i for i in range(w.days) if out[i] == i)
    return np.where((out < 0) | (out > last), last, out)


def _buying_days(w: World, rng: Rng, style: str, gap: float, begin: float, stop: float) -> list[float]:
    """Order days of one client from ``begin`` (its first order) to ``stop``, in the client's own style."""
    days, t = [begin], begin
    shape = float(rng.uniform(3.0, 5.0) if w.steady else rng.uniform(1.1, 2.6))

    def pace(at: float) -> float:
        return gap * math.exp(-w.frequency * at / 365.25)

    if style == "months":
        month = begin + 30.4
        while month < stop:
            n = rng.poisson(rng.gamma(2.0, 0.5) * 30.4 / pace(month))
            days += sorted(float(x) for x in month + rng.uniform(0, 30.4, n))
            month += 30.4
    elif style == "date":
        step = max(1, round(gap / 30.4))
        number = 1
        while t < stop and number < 400:
            t = begin + number * step * 30.44 * math.exp(-w.frequency * t / 365.25) + rng.normal(0, 2.5)
            number += 1
            if rng.random() > 0.08 and t > days[-1] + 3:
                days.append(t)
    elif style == "bursts":
        while t < stop:
            for _ in range(1 + rng.poisson(0.8)):
                t += float(rng.uniform(10, 25))
                days.append(t)
            t += 1.5 * pace(t) * float(rng.weibull(2.2)) / math.gamma(1 + 1 / 2.2)
    else:
        while t < stop:
            t += max(1.0, pace(t) * float(rng.weibull(shape)) / math.gamma(1 + 1 / shape))
            days.append(t)
    return [d for d in days if d < stop]


@dataclass
class Client:
    """One client: what it is worth, how it buys, who keeps it."""

    key: str
    name: str
    segment: str
    worth: float
    gap: float
    style: str
    keeper: int
    old: bool
    single: bool
    handed: bool
    late_handed: int
    categories: list[int]
    odd: bool
    developer: int
    days: list[int] = field(default_factory=list)


_STEMS = (
    "Альта",
    "Борей",
    "Вектор",
    "Гранит",
    "Дельта",
    "Импульс",
    "Кварц",
    "Лидер",
    "Магнит",
    "Норд",
    "Орбита",
    "Полюс",
    "Ритм",
    "Сфера",
    "Титан",
    "Уран",
    "Форум",
    "Холдинг",
    "Эталон",
    "Юнион",
)


def _worths(w: World, rng: Rng) -> np.ndarray[Any, Any]:
    """What clients bring a year, Pareto, the largest cut to the cap (a healthy base hangs on nobody)."""
    raw = (1.0 - rng.random(w.clients)) ** (-1.0 / w.alpha)
    for _ in range(60):
        raw = np.minimum(raw, w.top_cap * raw.sum())
        top5 = np.sort(raw)[-5:].sum() / raw.sum()
        if top5 < 0.27:
            break
        raw = raw**0.96
    if w.tail:
        order = np.argsort(raw)
        raw[order[: int(w.clients * 0.55)]] *= 0.06
    if w.top:
        order = np.argsort(-raw)
        rest = raw.sum() - raw[order[: len(w.top)]].sum()
        for i, share in zip(order, w.top, strict=False):
            raw[i] = share * rest / (1 - sum(w.top))
    return raw / raw.mean()


def make_clients(w: World, rng: Rng) -> list[Client]:
    """Draw the clients with their habits; whoever keeps them comes from unequal books."""
    worth = _worths(w, rng)
    kind = ("weibull", "months", "date", "bursts") if w.sale_type != "S" else ("weibull",)
    chance = {
        "T": (0.5, 0.4, 0.1, 0.0),
        "TC": (0.5, 0.2, 0.25, 0.05),
        "C": (0.7, 0.0, 0.1, 0.2),
        "CS": (0.8, 0.0, 0.0, 0.2),
        "S": (1.0,),
    }[w.sale_type]
    # Two books cannot be very unequal without one of them holding the base.
    books = rng.uniform(0.7, 1.5, w.keepers) if w.keepers > 3 else rng.uniform(0.95, 1.05, w.keepers)
    if w.biggest_book:
        books[:] = (1 - w.biggest_book) / max(w.keepers - 1, 1)
        books[0] = w.biggest_book
    books /= books.sum()
    hunters = max(1, round(w.keepers / 2))
    # The largest clients are dealt out in turn, so that no healthy book holds half of the revenue.
    keeper = rng.choice(w.keepers, w.clients, p=books)
    if not w.biggest_book:
        for n, i in enumerate(np.argsort(-worth)[: 3 * w.keepers]):
            keeper[i] = n % w.keepers
    out = []
    old_share = 1.0 / (1.0 + w.arrivals * w.years)
    for i in range(w.clients):
        busy = float(np.clip(worth[i] ** 0.3, 0.55, 1.9))
        if w.tail:
            busy = 1.0 if worth[i] > np.median(worth) else 1.5
        odd = bool(rng.random() < w.odd) and worth[i] < 1.0
        gap = w.mean_gap / busy * float(rng.lognormal(0, 0.2)) / (1.6 if odd else 1.0)
        style = str(rng.choice(kind, p=chance)) if rng.random() > w.seasonal else "season"
        style = "weibull" if w.steady else style
        if w.lacking:
            cats = [c for c in range(w.categories) if rng.random() > w.lacking] or [0]
        else:
            missing = i % w.categories if w.categories > 5 else -1
            cats = [c for c in range(w.categories) if c != missing]
        out.append(
            Client(
                key=f"{7700 + i % 90}{100000 + i * 37}",
                name=f"ООО «{_STEMS[i % 20]}-{i // 20 + 1}»",
                segment=("Розница", "Опт", "Производство")[int(rng.integers(0, 3))],
                worth=float(worth[i]),
                gap=gap,
                style=style,
                keeper=int(keeper[i]),
                old=bool(rng.random() < old_share or w.arrivals == 0),
                single=bool(rng.random() < w.single),
                handed=bool(rng.random() < w.handed),
                late_handed=0 if rng.random() < w.rule_kept else int(rng.integers(2, 6)),
                categories=cats,
                odd=odd,
                developer=int(rng.integers(0, hunters)),
            )
        )
    return out


def let_them_buy(w: World, clients: list[Client], rng: Rng) -> None:
    """Fill in each client's order days: arrival, second purchase, rhythm, silence, departure."""
    open_days = _open_days(w)
    for c in clients:
        if c.old:
            begin = -float(rng.uniform(1, 3) * c.gap)
        else:
            begin = float(rng.uniform(0, w.days - 1))
        stop = float(w.days)
        regular = c.old or rng.random() < w.second
        gone = begin if not c.old else 0.0
        gone += float(rng.exponential(365.25 / w.churn)) if w.churn else 1e9
        share, first, last = w.leave
        if share and rng.random() < share and (w.leave_of < 0 or c.keeper == w.leave_of):
            gone = min(gone, w.days - 30.4 * float(rng.uniform(last, first)))
        if w.leaver and c.keeper == 1 and rng.random() < w.leaver_loss:
            gone = min(gone, w.days - 30.4 * w.leaver_months)
        gap = 0.75 * c.gap if c.style == "season" else c.gap
        days = _buying_days(w, rng, c.style, gap, begin, stop)
        if not regular:
            days = days[:1]
            if rng.random() < 0.1:
                days.append(begin + float(rng.uniform(400, 600)))
        elif not c.old and len(days) > 1 and days[1] - days[0] > 340:
            days[1:] = [d - (days[1] - days[0]) + float(rng.uniform(30, 330)) for d in days[1:]]
        days = [days[0]] + [d for d in days[1:] if d < gone] if not c.old else [d for d in days if d < gone]
        at = (0.0 if c.old else begin) + float(rng.exponential(365.25 / w.pause)) if w.pause else 1e9
        length = max(75.0, float(rng.uniform(3.4, 5.0)) * c.gap) if rng.random() < w.pause_ends else 1e9
        if regular:
            days = [d for d in days if not at < d < at + length or (not c.old and d == days[0])]
        if c.style == "season":
            days = [d for d in days if d < 0 or not _winter(w, d) or rng.random() < 0.15]
        seen = sorted({int(open_days[int(d)]) for d in days if 0 <= d < w.days})
        c.days = seen


def _winter(w: World, day: float) -> bool:
    return (w.start + timedelta(days=int(day))).month in (12, 1, 2)


# --- documents

_SYSTEM = ("Администратор", "Обмен с сайтом", "API")


def orders_of(w: World, clients: list[Client], people: list[Person], rng: Rng) -> pd.DataFrame:
    """The export, one row per line: who served, who typed, what was bought, what went wrong, what came back."""
    keepers = [p for p in people if p.role == KEEPER[w.sale_type]]
    hunters = [p for p in people if p.role == "SR"] if w.sale_type != "S" else []
    clerks = [p for p in people if p.role in (("OP", "BO") if w.sale_type != "T" else ("BO",)) and not p.end]
    clerks = clerks or [p for p in people if p.role == "ROP"]
    moved = w.days - round(30.4 * w.leaver_months)
    price = np.exp(rng.normal(0, 0.7, (w.categories, 8))) * TICKETS[w.sale_type] / 40
    giant_days = [int(x) for x in np.linspace(0.35, 0.85, w.giants) * w.days]
    usual_month = float(np.quantile([c.worth for c in clients], 0.95)) * TICKETS[w.sale_type] * 30.4 / w.mean_gap
    company_month = TICKETS[w.sale_type] * 30.4 / w.mean_gap * len(clients)
    rows: list[tuple[Any, ...]] = []
    number = 0
    for c in clients:
        own_margin = 0.25 + float(rng.normal(0, 0.03)) if not c.odd else float(rng.uniform(-0.08, 0.02))
        likes = rng.dirichlet(np.full(len(c.categories), 3.0))
        since = w.start - timedelta(days=int(rng.integers(40, 2500))) if c.old else None
        developer = hunters[c.developer % len(hunters)] if hunters else None
        kept_by_hunter = developer is not None and not c.old and (not c.handed or rng.random() < w.developers_keep)
        last_n = 0
        for n, day in enumerate(c.days, start=1):
            last_n = n
            when = w.start + timedelta(days=day)
            since = since or when
            who = c.keeper
            if not c.single and rng.random() < w.deputy:
                who = (who + 1) % w.keepers
            person = keepers[who]
            if w.leaver and w.book_handed and who == 1 and day >= moved:
                person = keepers[-1]
            first_handed = False
            if developer is not None and not c.old:
                limit = 10_000 if kept_by_hunter else w.k + c.late_handed
                first_handed = n == limit + 1
                person = developer if n <= limit else person
            chance = rng.random()
            if chance < w.automatic:
                author, channel = _SYSTEM[int(rng.integers(0, 3))], "Сайт"
            elif rng.random() < (w.by_manager if w.sale_type != "T" else 0.6):
                author, channel = person.login, "Телефон"
            else:
                others = [p for p in clerks if p.code != person.code] or clerks
                author, channel = others[int(rng.integers(0, len(others)))].login, "Почта"
            number += 1
            order_id = f"УТ-{number:06d}"
            late_share = w.late
            if any(0 < day - g <= 50 for g in giant_days):
                late_share = max(late_share, w.giant_late)
            late = rng.random() < late_share
            short, complaint = rng.random() < w.short, rng.random() < w.complaint
            promised = when + timedelta(days=int(rng.integers(2, 8)))
            shipped = promised + timedelta(days=int(rng.integers(1, 10)) if late else -int(rng.integers(0, 2)))
            shipped = max(shipped, when)
            fresh = shipped > w.end
            years = day / 365.25
            value = c.worth * TICKETS[w.sale_type] * c.gap / w.mean_gap * float(rng.lognormal(-0.1, 0.45))
            value *= (1 + w.inflation) ** years * (1 + w.ticket) ** years
            if n == 1 and not c.old:
                value *= w.first_factor
            if c.odd:
                value *= 0.25
            breadth = max(1.0, w.lines * (1 + w.range) ** years)
            lines = 1 if c.odd else min(1 + int(rng.poisson(breadth - 1.0)), 20)
            picked = sorted(
                {(c.categories[int(g)], int(rng.integers(0, 8))) for g in rng.choice(len(c.categories), lines, p=likes)}
            )
            part = rng.dirichlet(np.full(len(picked), 4.0)) * value
            common = (
                str(when),
                c.key,
                c.name,
                c.segment,
                str(since),
                person.sign,
                author,
                channel,
                "OUT" if rng.random() < w.ours else "IN",
                "sale",
                "open" if fresh else "closed",
                str(promised),
                "" if fresh else str(shipped),
                "" if fresh else str(int(rng.integers(40, 95)) if short else 100),
                str(int(complaint)),
                ("", "LATE" if late else "QUALITY")[int(complaint)],
            )
            for (g, i), amount in zip(picked, part, strict=True):
                margin = amount * (own_margin + float(rng.normal(0, 0.02)))
                group = "Нестандартные изделия" if c.odd else f"Группа {g + 1:02d}"
                sku = f"Изделие {c.key}-{n}" if c.odd else f"Артикул {g + 1:02d}-{i + 1}"
                rows.append(
                    (
                        order_id,
                        *common,
                        group,
                        sku,
                        max(1, round(amount / price[g, i])),
                        round(amount, 2),
                        round(margin, 2),
                    )
                )
            if rng.random() < w.returns:
                back = rows[-1]
                share = float(rng.uniform(0.05, 0.4))
                later = min(when + timedelta(days=int(rng.integers(3, 30))), w.end)
                linked = rng.random() < 0.5
                number += 0 if linked else 1
                rows.append(
                    (
                        order_id if linked else f"УТ-{number:06d}",
                        str(later),
                        *back[2:10],
                        "return",
                        "closed",
                        "",
                        "",
                        "",
                        "0",
                        "",
                        *back[17:19],
                        -1,
                        -round(back[20] * share, 2),
                        -round(back[21] * share, 2),
                    )
                )
            failed = late or short or complaint
            if failed and n >= 2 and rng.random() < w.after_failure:
                break
            if first_handed and rng.random() < w.handed_loss:
                break
        del c.days[last_n:]
    columns = [
        "order_id",
        "order_date",
        "client_id",
        "client",
        "segment",
        "client_since",
        "manager",
        "created_by",
        "channel",
        "initiator",
        "kind",
        "status",
        "promised_date",
        "shipped_date",
        "shipped_pct",
        "complaint",
        "complaint_reason",
        "sku_group",
        "sku",
        "qty",
        "amount",
        "margin",
    ]
    table = pd.DataFrame(rows, columns=columns)
    table = _with_giants(w, table, giant_days, max(8 * usual_month, 0.7 * company_month))
    cancelled = table[(table["kind"] == "sale") & (rng.random(len(table)) < 0.01)].copy()
    cancelled["status"], cancelled["order_id"] = "cancelled", cancelled["order_id"] + "-О"
    table = pd.concat([table, cancelled], ignore_index=True).sort_values(["order_date", "order_id"], kind="stable")
    return table[_COLUMNS[w.columns] or columns].reset_index(drop=True)


def _with_giants(w: World, table: pd.DataFrame, giant_days: list[int], amount: float) -> pd.DataFrame:
    """Blow up one order on (or next to) each giant day."""
    if not giant_days:
        return table
    sales = table[table["kind"] == "sale"]
    offset = pd.to_datetime(sales["order_date"]) - pd.Timestamp(w.start)
    for g in giant_days:
        near = (offset.dt.days - g).abs()
        row = near.idxmin()
        chosen = table["order_id"] == table.loc[row, "order_id"]
        factor = amount / float(table.loc[chosen, "amount"].clip(lower=0).sum())
        table.loc[chosen, ["amount", "margin"]] *= factor
    table[["amount", "margin"]] = table[["amount", "margin"]].round(2)
    return table


_COLUMNS: dict[str, list[str]] = {
    "full": [],
    "some": [
        "order_id",
        "order_date",
        "client_id",
        "client",
        "manager",
        "created_by",
        "status",
        "kind",
        "promised_date",
        "shipped_date",
        "sku_group",
        "sku",
        "amount",
    ],
    "plain": ["order_id", "order_date", "client", "manager", "amount", "margin"],
    "bare": ["order_date", "client", "amount"],
}


# --- the questionnaire

_PAIRS = {
    "T": (("TM", "SR"), ("SR", "SOP")),
    "TC": (("TM", "SR"), ("SR", "KM")),
    "C": (("TM", "SR"), ("SR", "KM"), ("KM", "PM")),
    "CS": (("TM", "SR"), ("SR", "KM"), ("KM", "PM")),
    "S": (("TM", "SR"), ("SR", "PM")),
}


def tables_of(
    w: World, clients: list[Client], people: list[Person], orders: pd.DataFrame, rng: Rng
) -> dict[str, pd.DataFrame]:
    """Every sheet of the questionnaire that the company filled in."""
    here = [p for p in people if not p.end]
    keepers = [p for p in people if p.role == KEEPER[w.sale_type]]
    active = [c for c in clients if c.days and c.days[-1] >= w.days - 365]
    each = max(len(active) / w.keepers, 1.0)
    hours = 110.0 if w.sale_type == "T" else 130.0
    load = abs(w.touches) if w.touches else 0.75
    need = load * hours * 60 / each  # minutes a client a month
    minutes = 15.0 if need < 120 else 45.0
    company = {
        "name": w.name,
        "sale_type": w.declared or w.sale_type,
        "complexity": w.complexity,
        "price_level": w.price,
        "clients_on_market": w.market,
        "handoff_after": w.k,
        "client_profile": w.profile,
        "support_sits": w.support,
        "minutes_per_order": w.order_minutes,
        "minutes_per_line": 1,
        "currency": "RUB",
        "hours_per_month": 160,
        "touches_per_client_month": round(need / minutes, 2),
        "minutes_per_touch": minutes,
        "vat_basis": "net",
        "gross_margin_share": 0.25,
    }
    head = chain(w, people)
    pay = {"KM": 110, "SR": 120, "OP": 60, "BO": 60, "SUP": 115, "ROP": 200, "KD": 300, "GD": 400}
    tables = {
        "company": pd.DataFrame({"key": list(company), "value": [str(v) for v in company.values()]}),
        "staff": pd.DataFrame(
            [
                {
                    "person": p.code,
                    "name": p.sign,
                    "title": p.title,
                    "role": p.role,
                    "reports_to": head.get(p.code, ""),
                    "fte": f"{p.fte:g}",
                    "cost_month": str(pay.get(p.role, 90) * 1000),
                    "start": p.start,
                    "end": p.end,
                    "aliases": f"{p.login};{p.sign}",
                }
                for p in people
            ]
        ),
        "time": working_hours(w, people, rng),
        "handoffs": _handoffs(w),
        "self_check": pd.DataFrame({"question": [str(i) for i in range(1, 9)], "answer": _answers(w)}),
        "key_clients": _key_clients(w, active, people, keepers, orders, rng),
        "processes": _processes(w, here),
        "pay": _pay(w, here),
    }
    tables["day_log"] = _day_log(w, people, tables["time"], rng)
    tables["touches"] = _touches(w, active, keepers, rng)
    return {name: t for name, t in tables.items() if name not in w.left_out and len(t)}


def _handoffs(w: World) -> pd.DataFrame:
    rows = []
    for giver, taker in _PAIRS[w.sale_type]:
        trigger = "TRG_FIT" if giver == "TM" else "TRG_DEAL" if taker == "PM" else "TRG_N_SALES"
        known = w.documented == "yes"
        rows.append(
            {
                "from_role": giver,
                "to_role": taker,
                "trigger": trigger if known else "TRG_NONE",
                "k": str(w.k) if trigger == "TRG_N_SALES" and known else "",
                "form": (w.form if giver != "TM" else "SCRIPT") if known else "",
                "pack": "FILE;HISTORY" if known else "",
                "deadline_days": "",
                "pay_after": "KEEP" if known else "",
                "documented": w.documented,
            }
        )
    return pd.DataFrame(rows)


def _answers(w: World) -> list[str]:
    """What an honest management says; where a disease clouds the answer it says that it does not know."""
    chapters = {s.split(".")[0] for s in w.sick}
    answers = ["yes", "unknown", "no", "no", "no", "unknown", "no", "no"]
    if w.sale_type == "S":
        answers = ["unknown"] * 8
    if chapters & {"retention", "handoff", "ownership", "service", "base"}:
        answers = ["unknown", "unknown", "unknown", answers[3], "unknown", "unknown", answers[6], "unknown"]
    if "roles" in chapters:
        answers[3] = "unknown"
    if "retention.mostly_reactive" in w.sick:
        answers[6] = "unknown"
    turned = {"yes": "no", "no": "yes", "unknown": "unknown"}
    return [turned[a] if i in w.denied else a for i, a in enumerate(answers, start=1)]


def _key_clients(
    w: World, active: list[Client], people: list[Person], keepers: list[Person], orders: pd.DataFrame, rng: Rng
) -> pd.DataFrame:
    name = "client_id" if "client_id" in orders else "client"
    recent = orders[orders["order_date"] > str(w.end - timedelta(days=365))]
    revenue = recent.groupby(name)["amount"].sum()
    ranked = sorted(active, key=lambda c: -float(revenue.get(c.key if name == "client_id" else c.name, 0.0)))
    most = 11
    lead: list[tuple[Client, Person]] = []
    held: dict[str, int] = {}
    wanted = min(w.keys, max(8, len(ranked) // 3))
    for c in ranked:
        p = keepers[c.keeper]
        if p.end:
            p = keepers[-1]
        limit = w.keys_of_one if w.keys_of_one and c.keeper == 0 else most
        if held.get(p.code, 0) >= limit or (len(lead) >= wanted and c.keeper != 0):
            continue
        if len(lead) >= wanted and not w.keys_of_one:
            break
        held[p.code] = held.get(p.code, 0) + 1
        lead.append((c, p))
    boss = next((p for p in people if p.role in ("KD", "GD")), None)
    rows = []
    for c, p in lead:
        bought = float(revenue.get(c.key if name == "client_id" else c.name, 0.0))
        share = float(np.clip(rng.normal(w.wallet, 0.08), 0.05, 0.97))
        others = [q for q in keepers if q.code != p.code and not q.end]
        rows.append(
            {
                "client_id": c.key if name == "client_id" else c.name,
                "criterion": ("BIG", "LOYAL")[len(rows) % 2],
                "influence": "yes",
                "lead": p.code,
                "backup": others[0].code if others else people[-1].code,
                "file_share": f"{round(float(rng.uniform(0.8, 1.0)), 1):.1f}",
                "decision_maker_known": "yes",
                "contacts": "3",
                "buying_centre_share": f"{round(float(rng.uniform(0.6, 1.0)), 1):.1f}",
                "acquired_by": p.code,
                "pay_rate": "same",
                "nps": "8",
                "plan": "yes",
                "plan_items": "5",
                "plan_horizon_months": "24",
                "wallet_share": f"{round(share * 20) / 20:.2f}",
                "annual_budget": f"{bought / share:.0f}",
            }
        )
    for fault, share in w.key_faults.items():
        for i in rng.permutation(len(rows))[: round(share * len(rows))]:
            rows[i] |= {
                "no_file": {"file_share": "0.3"},
                "no_centre": {"buying_centre_share": "0.2"} if i % 2 else {"decision_maker_known": "no"},
                "no_plan": {"plan": "no", "plan_items": "", "plan_horizon_months": ""},
                "no_backup": {"backup": ""},
                "no_influence": {"influence": "no"},
                "disincentive": {"pay_rate": "lower"},
            }[fault]
    if w.directors and boss is not None:
        total = sum(float(r["annual_budget"]) * float(r["wallet_share"]) for r in rows)
        led = 0.0
        for i in rng.permutation(len(rows)):
            if led >= w.directors * total:
                break
            led += float(rows[i]["annual_budget"]) * float(rows[i]["wallet_share"])
            rows[i] |= {"lead": boss.code, "acquired_by": boss.code}
    return pd.DataFrame(rows)


def _processes(w: World, here: list[Person]) -> pd.DataFrame:
    rows = []
    for i, (code, role) in enumerate(
        (("PRESALE", "SR"), ("TECH", "SUP"), ("MKT", "ROP"), ("PROD", "OP"), ("LOG", "OP"), ("ACC", "BO"))
    ):
        owner = next((p.code for p in here if p.role == role), next(p.code for p in here if p.role == "ROP"))
        bare = i < w.unowned
        agreed = not bare and (w.sla or code not in ("PRESALE", "TECH"))
        rows.append(
            {
                "process": code,
                "owner": "" if bare else owner,
                "backup": "",
                "written_rule": "no" if bare else "partly",
                "sla_days": str(1 + i % 3) if agreed else "",
                "failures_month": "2" if bare else "0",
            }
        )
    return pd.DataFrame(rows)


def _day_log(w: World, people: list[Person], time: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Four photographed days of up to four keepers, in quarters of an hour dealt out by the shares."""
    rows = []
    keepers = [p for p in people if p.role == KEEPER[w.sale_type] and not p.end][:4]
    monday = w.end - timedelta(days=60 + w.end.weekday())
    for n, p in enumerate(keepers):
        mine = time[time["person"] == p.code]
        share = {str(r["function"]): float(r["share"]) for r in mine.to_dict("records")}
        if w.logged_oper >= 0:
            share = {f: s * (1 - w.logged_oper) for f, s in share.items()}
            for f, part in (("OPS_ORDER", 0.5), ("OPS_CHASE", 0.5)):
                share[f] = share.get(f, 0.0) + part * w.logged_oper
        functions = list(share)
        weights = np.array([share[f] for f in functions])
        for d in range(4):
            day = monday + timedelta(days=d + 7 * (n % 2) + (1 if d > 2 else 0))
            slots = rng.choice(len(functions), 16, p=weights / weights.sum())
            for s, f in enumerate(slots):
                begin, stop = 540 + 30 * s, 570 + 30 * s
                name = functions[int(f)]
                rows.append(
                    {
                        "person": p.code,
                        "date": str(day),
                        "start": f"{begin // 60:02d}:{begin % 60:02d}",
                        "end": f"{stop // 60:02d}:{stop % 60:02d}",
                        "function": name,
                        "initiator": "INT" if name.startswith("OV") else "OUT" if rng.random() < w.ours else "IN",
                        "client": "",
                        "interrupted": str(int(rng.random() < 0.2)),
                    }
                )
    return pd.DataFrame(rows)


_PAY = {
    "SR": "FIRST;HANDOFF",
    "KM": "REPEAT;RETAIN",
    "SOP": "REPEAT;MARGIN",
    "OP": "",
    "BO": "",
    "ROP": "FIRST;REPEAT;MARGIN",
}
_PAY_ASTRAY = {"KM": "FIRST", "SOP": "FIRST;REPEAT", "OP": "REPEAT", "BO": "MARGIN"}


def _pay(w: World, here: list[Person]) -> pd.DataFrame:
    astray = _PAY_ASTRAY if w.paid == "others" else {}
    rows = []
    for role in dict.fromkeys(p.role for p in here if p.role in _PAY):
        codes = astray.get(role, _PAY[role])
        rows.append({"role": role, "fixed_share": "0.6" if codes else "1", "pays_for": codes})
    return pd.DataFrame(rows)


def _touches(w: World, active: list[Client], keepers: list[Person], rng: Rng) -> pd.DataFrame:
    rows = []
    for _ in range(250 if active else 0):
        c = active[int(rng.integers(0, len(active)))]
        p = keepers[c.keeper] if not keepers[c.keeper].end else keepers[-1]
        if keepers[c.keeper].end and not w.book_handed:
            continue
        rows.append(
            {
                "person": p.code,
                "date": str(w.end - timedelta(days=int(rng.integers(0, 200)))),
                "client_id": c.key if w.columns in ("full", "some") else c.name,
                "direction": "OUT" if rng.random() < w.ours else "IN",
                "kind": "CALL",
            }
        )
    return pd.DataFrame(rows)


def write(w: World, folder: Path) -> None:
    """Invent the company and write ``orders.csv`` and the folder ``questionnaire``."""
    rng = np.random.default_rng(w.seed)
    people = hire(w, rng)
    clients = make_clients(w, rng)
    let_them_buy(w, clients, rng)
    orders = orders_of(w, clients, people, rng)
    folder.mkdir(parents=True, exist_ok=True)
    orders.to_csv(folder / "orders.csv", index=False)
    target = folder / "questionnaire"
    target.mkdir(exist_ok=True)
    for name, table in tables_of(w, clients, people, orders, rng).items():
        table.to_csv(target / f"{name}.csv", index=False)


# --- populations


def healthy_worlds(n: int, seed: int) -> list[World]:
    """Companies with nothing wrong: all types of sale, 40 to 600 clients, with leavers, and with less data."""
    rng = np.random.default_rng([seed, 1])
    out = []
    for i in range(n):
        sale_type = ("TC", "T", "C", "TC", "CS", "S", "TC", "T", "C", "TC")[i % 10]
        clients = int(np.exp(rng.uniform(np.log(40), np.log(600 if sale_type in ("TC", "C") else 260))))
        keepers = int(np.clip(round(clients / 55), 2, 9))
        left_out = (("day_log", "touches"), (), ("key_clients", "processes"), ("self_check", "handoffs"), ())[i % 5]
        out.append(
            healthy(
                f"healthy {i:03d}",
                sale_type,
                seed * 10_000 + i,
                clients,
                keepers,
                years=int(rng.choice([2, 3, 3, 4])),
                end=date(2025, 12, 31) if i % 3 else date(2025, 9, 30),
                columns=("full", "full", "full", "some", "full", "plain", "full", "bare")[i % 8],
                left_out=left_out,
                leaver=bool(rng.random() < 0.4 and clients > 100 and sale_type != "S"),
                leaver_months=float(rng.uniform(6, 20)),
                returns=float(rng.uniform(0.05, 0.15)),
                seasonal=float(rng.choice([0.0, 0.12, 0.3])) * (sale_type in ("T", "TC")),
                alpha=float(rng.uniform(1.15, 1.8)),
                k=int(rng.integers(1, 4)),
                frequency=float(rng.uniform(0.0, 0.06)),
            )
        )
    return out


def sick_worlds(n: int, seed: int, findings: tuple[str, ...] = ()) -> list[World]:
    """Sick companies, every disease in turn, every fourth company with one to three more of other chapters."""
    rng = np.random.default_rng([seed, 2])
    names = [f for f in PLANTS if not findings or f in findings]
    out = []
    for i in range(n):
        first = names[i % len(names)]
        plant = PLANTS[first]
        sale_type = plant.types[(i // len(names)) % len(plant.types)]
        sick = [first]
        if i % 4 == 3 and not findings:
            for other in rng.permutation(_SIDE):
                wanted = 1 + (i // 4) % 3
                if (
                    len(sick) <= wanted
                    and sale_type in PLANTS[other].types
                    and other.split(".")[0] not in {s.split(".")[0] for s in sick}
                ):
                    sick.append(str(other))
        clients = int(rng.integers(*plant.clients))
        if sale_type in ("T", "CS", "S") and first.split(".")[0] not in _MANY:
            clients = round(0.65 * clients)
        keepers = int(rng.integers(plant.keepers[0], plant.keepers[1] + 1))
        w = healthy(f"sick {i:03d}", sale_type, seed * 10_000 + 5_000 + i, clients, keepers, sick=tuple(sick))
        for s in sick:
            PLANTS[s].apply(w, rng)
        if first == "model.type_mismatch" and sale_type == "S":
            w.arrivals, w.churn = 0.12, 0.04
        out.append(w)
    return out


_MANY = ("retention", "service", "ownership")
"""Chapters whose diseases need many clients to be told from chance, in whatever type of sale."""
_SIDE = (
    "model.no_client_profile",
    "roles.ambiguous_title",
    "roles.km_overload",
    "roles.seller_buys",
    "retention.mostly_reactive",
    "ownership.single_owner",
    "keys.no_file",
    "keys.no_plan",
    "keys.no_backup",
    "handoff.no_rule",
    "service.late",
    "service.complaints",
    "service.no_owner",
    "base.wallet_headroom",
    "roles.entry_burden",
    "service.short_shipments",
    "keys.no_buying_centre",
)
"""Diseases that can sit beside any other: they move nothing but their own figure."""
