"""The diseases that can be planted, one for each finding of the catalogue.

Each disease changes a few true parameters of a healthy company, far enough to lie beyond the ``found``
threshold with room for chance. ``certain`` are findings that follow from it by construction, ``may`` side
effects that an honest audit is free to notice: a base in flight also leaks revenue. Everything else must stay
quiet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from tools.samples.spec import CompanySpec, SaleType
from tools.samples.traits import ForeignWork, Traits, healthy

OPERATIONAL_WORK = (
    ("OPS_ORDER", 0.30),
    ("OPS_CHASE", 0.24),
    ("OPS_RESERVE", 0.14),
    ("OPS_SHIP", 0.12),
    ("OPS_DOCS", 0.12),
    ("OPS_QUOTE", 0.05),
    ("OPS_CRM", 0.03),
)
"""What a client manager drowns in: entering, pushing through production, reserving, papers."""

ORDER_MINUTES = {"T": 5, "TC": 20, "C": 60, "CS": 60, "S": 60}
"""What an order takes where managers push every one through: their hours fit their documents."""

_WITH_KM: tuple[SaleType, ...] = ("TC", "C", "CS")
_BUYS_OFTEN: tuple[SaleType, ...] = ("T", "TC")
_ALL: tuple[SaleType, ...] = ("T", "TC", "C", "S", "CS")
_BASE_IN_FLIGHT = (
    "retention.revenue_leak",
    "retention.base_shrinking",
    "retention.sleeping_clients",
    "retention.weak_return",
    "retention.frequency_decline",
    "retention.manager_outlier",
)

Apply = Callable[[Traits, float, CompanySpec], Traits]


@dataclass(frozen=True)
class Planted:
    """How one disease is planted: unit and default of its strength, where it can live, what follows from it.

    ``clients`` and ``sellers`` are the company size at which the finding has enough units to be judged.
    """

    apply: Apply
    default: float
    unit: str
    types: tuple[SaleType, ...] = _ALL
    certain: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    clients: int = 260
    sellers: int = 5
    at_most: Literal["found", "watch"] = "found"
    """A question, never a problem: an honest audit watches it."""


def _set(**changes: object) -> Apply:
    """A disease that only sets parameters, whatever its strength."""
    return lambda t, _strength, _spec: replace(t, **changes)  # type: ignore[arg-type]


def _field(name: str, **also: object) -> Apply:
    """A disease whose strength is the value of one parameter."""

    def apply(t: Traits, strength: float, _spec: CompanySpec) -> Traits:
        value = int(strength) if isinstance(getattr(t, name), int) else strength
        return replace(t, **{name: value, **also})  # type: ignore[arg-type]

    return apply


def _work(role: str, functions: tuple[tuple[str, float], ...], people: float = 1.0, **also: object) -> Apply:
    """A disease in which a role spends a share of its hours on somebody else's functions."""

    def apply(t: Traits, strength: float, spec: CompanySpec) -> Traits:
        holder = "SOP" if role == "KM" and spec.sale_type == "T" else role
        more = ForeignWork(holder, strength, functions, people)
        if "OPS_ORDER" in dict(functions):
            t = replace(t, minutes_per_order=ORDER_MINUTES[spec.sale_type])
        return replace(t, foreign=(*t.foreign, more), **also)  # type: ignore[arg-type]

    return apply


def _fragmented(t: Traits, strength: float, _spec: CompanySpec) -> Traits:
    """Four functions nobody was given: each is done by four roles in crumbs of like size."""
    crumbs = (("MG_MKT", 1.0), ("OPS_CLAIM", 1.0), ("OPS_CSAT", 1.0), ("OPS_CONTENT", 1.0))
    shares = {"SR": 0.6, "SUP": 1.0, "OP": 0.9, "KM": 0.24}
    return replace(t, foreign=(*t.foreign, *(ForeignWork(r, strength * w, crumbs) for r, w in shares.items())))


def _frontline(t: Traits, strength: float, spec: CompanySpec) -> Traits:
    papers = (("OPS_DOCS", 0.5), ("OPS_QUOTE", 0.25), ("OPS_AR", 0.15), ("OPS_CRM", 0.1))
    roles = ("SR", "SOP") if spec.sale_type == "T" else ("SR",)
    return replace(t, foreign=(*t.foreign, *(ForeignWork(r, strength, papers) for r in roles)))


def _top_shares(t: Traits, strength: float, _spec: CompanySpec) -> Traits:
    return replace(t, top_shares=(strength, 0.15, 0.11, 0.09, 0.06, 0.04))


def _missing_role(t: Traits, _strength: float, spec: CompanySpec) -> Traits:
    """No telemarketer, no support or no back office in turn: the work is simply not done."""
    return replace(t, missing_role=("TM", "SUP", "BO")[spec.seed % 3])


_UNIVERSAL = (
    ("HUNT_SELL", 0.22),
    ("HUNT_NEED", 0.08),
    ("LEAD_QUAL", 0.20),
    ("OPS_ORDER", 0.17),
    ("OPS_DOCS", 0.15),
    ("SOL_FORM", 0.18),
)
_HUNTING = (("HUNT_SELL", 0.5), ("HUNT_NEED", 0.3), ("HUNT_DMU", 0.2))
_SELLING = (("FARM_REPEAT", 0.4), ("FARM_AOV", 0.25), ("HUNT_SELL", 0.35))

DISEASES: dict[str, Planted] = {
    "model.type_mismatch": Planted(
        _field(
            "orders_per_year",
            complexity=4,
            price_level=4,
            clients_on_market=300,
            alternate=True,
            gap_shape=5,
            rate_shape=8,
            churn_per_year=0.04,
            pause_per_year=0.04,
            client_sigma=0.45,
        ),
        3.0,
        "orders a client a year",
        types=("T",),
        may=("roles.entry_burden",),
    ),
    "model.missing_role": Planted(
        _missing_role, 1.0, "role without people", types=("TC", "C"), may=("service.no_owner",)
    ),
    "model.extra_station": Planted(_set(extra_client_manager=True), 2.0, "people", types=("T",)),
    "model.no_client_profile": Planted(_set(client_profile="no"), 1.0, "no portrait"),
    "model.support_misplaced": Planted(
        _set(support_sits="outside", support_sla=False),
        1.0,
        "support outside",
        types=("TC",),
        may=("service.no_owner",),
    ),
    "model.wide_span": Planted(
        _set(even_spans=False), 1.0, "one head of each department", types=("TC",), clients=400, sellers=12
    ),
    "model.no_client_head": Planted(_set(client_head=False), 1.0, "no head of clients", types=("TC", "C", "CS")),
    "model.buying_under_sales": Planted(_set(buying_apart=False), 1.0, "purchasing under sales"),
    "model.overcapacity": Planted(
        _field("touches_per_client_month"), 0.4, "touches a client a month", types=_WITH_KM, at_most="watch"
    ),
    "roles.km_overload": Planted(
        _work("KM", OPERATIONAL_WORK, idle_share=0.0),
        0.55,
        "share of hours",
        types=_WITH_KM,
        certain=("roles.relief_shortage",),
        may=("model.missing_role", "roles.fragmented_function", "ownership.overloaded_book", "roles.universal_seller"),
    ),
    "roles.frontline_overload": Planted(
        _frontline,
        0.58,
        "share of hours",
        may=("roles.relief_shortage", "roles.fragmented_function", "model.missing_role", "ownership.overloaded_book"),
    ),
    "roles.relief_shortage": Planted(
        _work("KM", OPERATIONAL_WORK, idle_share=0.0),
        0.3,
        "share of hours, twelve managers",
        types=("TC",),
        may=("model.missing_role", "roles.fragmented_function"),
        sellers=12,
    ),
    "roles.entry_burden": Planted(
        _field("entered_by_manager"), 0.72, "share of orders typed by people", types=_WITH_KM
    ),
    "roles.universal_seller": Planted(
        _work("KM", _UNIVERSAL, people=0.8),
        0.74,
        "share of hours",
        types=_WITH_KM,
        may=(
            "model.missing_role",
            "roles.km_overload",
            "roles.hunter_farmer_mix",
            "roles.relief_shortage",
            "roles.fragmented_function",
        ),
    ),
    "roles.hunter_farmer_mix": Planted(
        _work("KM", _HUNTING),
        0.36,
        "share of hours",
        types=_WITH_KM,
        may=("model.missing_role", "roles.fragmented_function", "roles.universal_seller"),
    ),
    "roles.engineer_sells": Planted(
        _work("SUP", _SELLING),
        0.36,
        "share of hours",
        types=_WITH_KM,
        may=("model.missing_role", "roles.fragmented_function"),
    ),
    "roles.seller_buys": Planted(
        _work("KM", (("SUP_BUY", 0.7), ("SUP_STOCK", 0.3))),
        0.16,
        "share of hours",
        types=("T", *_WITH_KM),
        may=("roles.fragmented_function",),
    ),
    "roles.owner_runs_keys": Planted(
        _field("led_by_director"), 0.6, "share of key clients", types=_WITH_KM, may=("keys.disincentive",)
    ),
    "roles.fragmented_function": Planted(
        _fragmented,
        0.2,
        "share of a specialist's hours",
        types=("TC",),
        may=("roles.relief_shortage", "model.missing_role"),
    ),
    "roles.evidence_conflict": Planted(
        _field("logged_oper_share"), 0.5, "operational share in the day log", types=_WITH_KM, may=("roles.km_overload",)
    ),
    "roles.hours_implausible": Planted(
        # More than every document of their clients could take: half an hour said for five minutes' work.
        _work("KM", (("OPS_ORDER", 1.0),), minutes_per_order=5),
        0.34,
        "share of hours on order entry",
        types=_WITH_KM,
        may=(
            "roles.km_overload",
            "roles.relief_shortage",
            "roles.fragmented_function",
            "model.missing_role",
            "ownership.overloaded_book",
        ),
    ),
    "roles.pay_against_role": Planted(
        _set(pay_against_role=True), 2.0, "roles paid for another's work", types=("T", *_WITH_KM)
    ),
    "roles.ambiguous_title": Planted(
        _set(ambiguous_titles=2), 2.0, "people", may=("model.missing_role", "roles.fragmented_function")
    ),
    "retention.leaky_first_purchase": Planted(
        _field("second_purchase", arrivals_share=0.45),
        0.45,
        "probability",
        types=_BUYS_OFTEN,
        clients=380,
        may=("base.off_profile", "retention.base_shrinking"),
    ),
    "retention.low_repeat_share": Planted(
        _field("first_order_factor", arrivals_share=3.0, arrivals_growth=1.1, orders_per_year=6.5),
        11.0,
        "first order ÷ usual order",
        types=("TC",),
        clients=340,
        may=(
            "base.indigestion",
            "base.long_tail",
            "base.off_profile",
            "base.concentration",
            "retention.ticket_decline",
            "retention.range_decline",
            "retention.frequency_decline",
            "retention.revenue_leak",
            "ownership.bus_factor",
        ),
    ),
    "retention.revenue_leak": Planted(
        _field("exodus_share", exodus_months_before_end=14.0, arrivals_share=0.25),
        0.42,
        "share of clients",
        types=_BUYS_OFTEN,
        clients=320,
        may=_BASE_IN_FLIGHT,
    ),
    "retention.base_shrinking": Planted(
        _field("churn_per_year", arrivals_share=0.03, frequency_trend=0.0, arrivals_growth=-0.3),
        0.24,
        "hazard a year",
        types=_BUYS_OFTEN,
        clients=380,
        may=_BASE_IN_FLIGHT,
    ),
    "retention.sleeping_clients": Planted(
        _field("exodus_share", exodus_months_before_end=8.0, arrivals_share=0.25),
        0.40,
        "share of clients",
        types=_BUYS_OFTEN,
        clients=320,
        may=_BASE_IN_FLIGHT,
    ),
    "retention.weak_return": Planted(
        _field("churn_per_year", pause_per_year=0.0, gap_shape=9, arrivals_share=0.3),
        0.22,
        "hazard a year",
        types=_BUYS_OFTEN,
        clients=420,
        may=_BASE_IN_FLIGHT,
    ),
    "retention.ticket_decline": Planted(
        _field("ticket_trend", inflation=0.0, range_trend=-0.02),
        -0.25,
        "log change a year",
        types=("T", "TC"),
        clients=320,
    ),
    "retention.frequency_decline": Planted(
        # Buyers who come every other week: whoever orders once in two months has no frequency a month to
        # lose.
        _field("frequency_trend", orders_per_year=34.0, lines_mean=1.8),
        -0.30,
        "log change a year",
        types=_BUYS_OFTEN,
        clients=200,
        may=(*_BASE_IN_FLIGHT, "retention.low_repeat_share"),
    ),
    "retention.range_decline": Planted(
        _field("range_trend", lines_mean=7.0),
        -0.26,
        "log change a year",
        types=_BUYS_OFTEN,
        clients=280,
        may=("base.range_gap",),
    ),
    "retention.manager_outlier": Planted(
        _field("exodus_share", exodus_seller=0, exodus_months_before_end=13.0, deputy_share=0.2),
        0.55,
        "share of one manager's clients",
        types=_BUYS_OFTEN,
        clients=420,
        may=_BASE_IN_FLIGHT,
    ),
    "retention.mostly_reactive": Planted(_field("company_initiated"), 0.08, "share of orders", types=("T", *_WITH_KM)),
    "base.concentration": Planted(
        _top_shares,
        0.38,
        "share of revenue",
        may=(
            "base.long_tail",
            "base.off_profile",
            "base.indigestion",
            "ownership.bus_factor",
            "ownership.single_owner",
            "retention.ticket_decline",
            "roles.owner_runs_keys",
        ),
        types=("T", "TC", "C", "CS"),
    ),
    "base.long_tail": Planted(
        _field("tail_share"),
        0.55,
        "share of clients",
        types=_BUYS_OFTEN,
        may=("base.off_profile", "base.range_gap", "base.concentration", "ownership.bus_factor"),
    ),
    "base.off_profile": Planted(
        _field("odd_clients"), 16.0, "clients", types=("TC",), may=("base.long_tail", "base.range_gap")
    ),
    "base.wallet_headroom": Planted(_field("wallet_share"), 0.17, "share of the client's budget", types=_WITH_KM),
    "base.range_gap": Planted(
        _field("restricted_share", categories=16, items_per_category=4, lines_mean=4.5),
        0.65,
        "share of clients",
        types=_BUYS_OFTEN,
        clients=220,
    ),
    "base.indigestion": Planted(
        _field("late_after_giant", giant_orders=4),
        0.5,
        "late share for 45 days",
        types=_BUYS_OFTEN,
        may=("service.late", "base.concentration", "service.failures_cost_clients", "retention.ticket_decline"),
        clients=320,
    ),
    "ownership.orphans": Planted(
        _field("leaver_months_before_end", leaver=True, leaver_handed=False, deputy_share=0.1),
        4.0,
        "months without a hand",
        types=("T", *_WITH_KM),
        sellers=4,
        may=("ownership.single_owner", "ownership.bus_factor", "keys.no_backup"),
    ),
    "ownership.single_owner": Planted(
        _field("single_client_share"), 0.92, "share of clients", types=("T", *_WITH_KM), may=("ownership.bus_factor",)
    ),
    "ownership.bus_factor": Planted(
        _field("first_seller_share", deputy_share=0.10, single_client_share=0.3, alternate=False),
        0.82,
        "share of clients",
        types=("T", *_WITH_KM),
        may=(
            "ownership.single_owner",
            "ownership.overloaded_book",
            "retention.manager_outlier",
            "roles.evidence_conflict",
        ),
    ),
    "ownership.handover_loss": Planted(
        _field(
            "leaver_loss",
            leaver=True,
            leaver_months_before_end=16.0,
            deputy_share=0.12,
            rate_shape=10,
            client_sigma=0.35,
            order_sigma=0.25,
        ),
        0.55,
        "share of the leaver's clients",
        types=_BUYS_OFTEN,
        clients=600,
        sellers=4,
        may=(*_BASE_IN_FLIGHT, "ownership.single_owner"),
    ),
    "ownership.overloaded_book": Planted(
        _field("touches_per_client_month", minutes_per_touch=45.0),
        7.0,
        "touches a client a month",
        types=("T", *_WITH_KM),
    ),
    "keys.too_many": Planted(_field("keys_per_seller"), 22.0, "key clients a manager", types=("T", *_WITH_KM)),
    "keys.no_file": Planted(_field("no_file_share"), 0.62, "share of key clients"),
    "keys.no_buying_centre": Planted(_field("no_centre_share"), 0.62, "share of key clients"),
    "keys.no_plan": Planted(_field("no_plan_share"), 0.66, "share of key clients"),
    "keys.no_backup": Planted(_field("no_backup_share"), 0.62, "share of key clients"),
    "keys.no_influence": Planted(_field("no_influence_share"), 0.72, "share of key clients", types=("T", *_WITH_KM)),
    "keys.disincentive": Planted(_field("disincentive_share"), 0.72, "share of key clients"),
    "handoff.no_rule": Planted(_set(handoff_documented=False), 1.0, "no rule", may=("handoff.rule_not_followed",)),
    "handoff.rule_not_followed": Planted(
        lambda t, s, _spec: replace(t, handoff_followed=1.0 - s, handoff_late_by=(3, 6), arrivals_share=0.4),
        0.75,
        "share off the rule",
        types=_BUYS_OFTEN,
        clients=340,
        may=("roles.hunter_farmer_mix", "handoff.loss", "ownership.single_owner", "ownership.bus_factor"),
    ),
    "handoff.form_mismatch": Planted(_set(handoff_form="SCRIPT"), 1.0, "script instead of joining", types=("C", "CS")),
    "handoff.loss": Planted(
        _field("handoff_loss", handed_share=0.5, handoff_k=2, arrivals_share=0.7),
        0.5,
        "share of handed clients",
        types=("TC",),
        clients=480,
        may=(
            "handoff.rule_not_followed",
            "roles.hunter_farmer_mix",
            "retention.revenue_leak",
            "retention.weak_return",
            "retention.sleeping_clients",
            "retention.base_shrinking",
            "retention.manager_outlier",
            "ownership.bus_factor",
            "ownership.single_owner",
        ),
    ),
    "service.late": Planted(_field("late_share"), 0.25, "share of orders", may=("service.failures_cost_clients",)),
    "service.short_shipments": Planted(
        _field("short_share"), 0.18, "share of orders", may=("service.failures_cost_clients",)
    ),
    "service.complaints": Planted(
        _field("complaint_share"), 0.09, "share of orders", may=("service.failures_cost_clients",)
    ),
    "service.no_owner": Planted(_field("services_without_owner"), 4.0, "of six services"),
    "service.failures_cost_clients": Planted(
        _field("failure_loss", late_share=0.09, arrivals_share=0.4),
        0.35,
        "loss after a failure",
        types=_BUYS_OFTEN,
        clients=450,
        may=("service.late", *_BASE_IN_FLIGHT, "retention.leaky_first_purchase"),
    ),
    "selfcheck.contradiction": Planted(
        _set(denied=(1, 3, 4, 5, 7, 8)), 6.0, "answers of eight", types=("T", *_WITH_KM)
    ),
}
"""Finding id → how to plant it."""


def traits_of(spec: CompanySpec) -> Traits:
    """The true parameters of a company: healthy for its type, then every disease, then the overrides.

    Raises ValueError for a disease that is not in the list or cannot live in this type of sale: our own
    mistake.
    """
    traits = healthy(spec)
    for disease in spec.diseases:
        if disease.finding not in DISEASES:
            raise ValueError(f"no disease called {disease.finding!r}")
        planted = DISEASES[disease.finding]
        if spec.sale_type not in planted.types:
            raise ValueError(f"{disease.finding} cannot be planted in a company of type {spec.sale_type}")
        strength = planted.default if disease.strength is None else disease.strength
        traits = planted.apply(traits, strength, spec)
    return replace(traits, **dict(spec.overrides))
