"""The numbers an invented company lives by: healthy ones for every type of sale.

Every field is a true parameter of the simulation, not an estimate. Healthy values lie clearly inside
``clear`` of the thresholds; a disease (``tools.samples.diseases``) changes a few of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tools.samples.spec import CompanySpec


@dataclass(frozen=True)
class ForeignWork:
    """Hours a role spends on given functions instead of its own work.

    ``share`` of the hours of ``role`` goes to ``functions`` (weights inside it); ``people`` is the fraction
    of the role's people it concerns, the first ones in the staff list.
    """

    role: str
    share: float
    functions: tuple[tuple[str, float], ...]
    people: float = 1.0


@dataclass(frozen=True)
class Traits:
    """True parameters of one invented company: shares 0–1, trends as log changes a year, money in rubles."""

    # How clients buy
    orders_per_year: float = 9.0
    rate_shape: int = 5  # Erlang shape of the spread of rates between clients
    gap_shape: int = 4  # Erlang shape of a client's own gaps: 1 is a Poisson buyer, 10 a clock
    arrivals_share: float = 0.15  # new clients a year ÷ clients at the start of the window
    arrivals_growth: float = 0.0  # log growth of that stream a year
    churn_per_year: float = 0.05  # hazard of leaving for good, from the second purchase on
    pause_per_year: float = 0.11  # hazard of a silence that ends
    second_purchase: float = 0.90  # P(second order day within 365 days after the first)
    late_second: float = 0.08  # of those without: share that buys again after more than 400 days
    first_order_factor: float = 1.0  # size of a client's first order ÷ its usual order
    frequency_trend: float = 0.02
    ticket_trend: float = 0.02  # real, on top of inflation
    range_trend: float = 0.01
    inflation: float = 0.05
    summer_dip: float = 0.0
    december_peak: float = 0.0
    # Accidents of a whole base
    exodus_share: float = 0.0  # share of clients that leave at one time
    exodus_months_before_end: float = 14.0
    exodus_seller: int = -1  # only clients of this seller (index); -1: of everybody
    # What they buy
    ticket_rub: float = 90_000.0
    client_sigma: float = 0.55
    order_sigma: float = 0.35
    lines_mean: float = 2.6
    categories: int = 6
    items_per_category: int = 6
    restricted_share: float = 0.0  # clients that buy only a few of the categories
    restricted_categories: int = 5
    margin_share: float = 0.24
    top_shares: tuple[float, ...] = ()  # planted shares of revenue of the largest clients
    tail_share: float = 0.0  # clients whose orders are tiny and frequent
    odd_clients: int = 0  # off-profile clients: custom items, no margin, many tiny orders
    giant_orders: int = 0
    late_after_giant: float = 0.0
    # Documents and service
    late_share: float = 0.02
    short_share: float = 0.008
    complaint_share: float = 0.003
    document_error_share: float = 0.004
    return_share: float = 0.01
    cancelled_share: float = 0.012
    internal_per_year: int = 4
    failure_loss: float = 0.0  # P(a client never orders again after an order that went wrong)
    entered_by_manager: float = 0.04  # of orders typed by people
    automation_share: float = 0.22  # orders from the site and EDI
    company_initiated: float = 0.58
    split_document_share: float = 0.02
    # Who serves whom
    deputy_share: float = 0.25  # orders of a client served by the paired seller
    alternate: bool = False  # the pair serves in turn (few orders a client)
    single_client_share: float = 0.0  # clients that only ever see one seller
    first_seller_share: float = 0.0  # share of clients of the first seller; 0 = even split
    leaver: bool = False  # the second seller leaves, the book goes to a successor
    leaver_handed: bool = True  # and whether it does: else the orders go on under the leaver's name
    leaver_loss: float = 0.0  # share of the leaver's clients lost at that moment
    leaver_months_before_end: float = 18.0
    handoff_k: int = 1  # the developer keeps the client for k purchases
    handoff_trigger: str = ""  # another trigger than the usual one of the type of sale
    handoff_anywhere: tuple[int, int] = (0, 0)  # …, which falls after any of these purchases; (0, 0): after the k-th
    handoff_followed: float = 0.99
    handoff_late_by: tuple[int, int] = (1, 2)  # purchases too late, for clients handed over off the rule
    handed_share: float = 1.0  # clients handed over at all
    handoff_loss: float = 0.0  # clients lost at the hand-off, beyond the usual
    # Who does what
    foreign: tuple[ForeignWork, ...] = ()
    logged_oper_share: float = -1.0  # OPER share of the client managers in the day log; -1 = as they say
    missing_role: str = ""
    extra_client_manager: bool = False
    ambiguous_titles: int = 0
    client_head: bool = True  # three client managers and more have a head of their own
    even_spans: bool = True  # nobody leads more than nine people
    buying_apart: bool = True  # purchasing does not report to sales
    idle_share: float = 0.08
    pay_against_role: bool = False  # client managers paid for new clients, developers for repeat sales
    # What the company says
    declared_type: str = ""
    complexity: int = 2
    price_level: int = 2
    clients_on_market: int = 6000
    client_profile: str = "yes"
    support_sits: str = "inside"
    support_sla: bool = True
    minutes_per_order: int = 5
    touches_per_client_month: float = 0.0  # 0: as many as fill three fifths of the managers' hours
    minutes_per_touch: float = 15.0
    # Key clients
    keys_per_seller: int = 6
    keys_least: int = 26
    no_influence_share: float = 0.0
    no_file_share: float = 0.0
    no_centre_share: float = 0.0
    no_plan_share: float = 0.0
    no_backup_share: float = 0.0
    disincentive_share: float = 0.0
    led_by_director: float = 0.0
    wallet_share: float = 0.66
    # Rules
    handoff_documented: bool = True
    handoff_form: str = "GRADUAL"
    services_without_owner: int = 0
    denied: tuple[int, ...] = ()  # questions of the self-check answered against the facts


_SEASONS = {"none": (0.0, 0.0), "summer_dip": (0.35, 0.0), "december_peak": (0.0, 0.35), "both": (0.25, 0.3)}


def healthy(spec: CompanySpec) -> Traits:
    """A company of this type of sale with nothing wrong: the starting point of every sample.

    Type T buys about every two weeks, TC every five to six, C and CS two to four times a year, S once in its
    life.
    """
    dip, peak = _SEASONS[spec.season]
    base = replace(Traits(), summer_dip=dip, december_peak=peak)
    if spec.sale_type == "T":
        return replace(
            base,
            orders_per_year=22.0,
            ticket_rub=14_000.0,
            complexity=1,
            price_level=1,
            clients_on_market=40_000,
            support_sits="none",
            automation_share=0.35,
            entered_by_manager=0.04,
            handoff_form="SCRIPT",
            touches_per_client_month=0.5,
            minutes_per_touch=10.0,
            lines_mean=2.2,
        )
    if spec.sale_type == "C":
        return replace(
            base,
            orders_per_year=4.0,
            ticket_rub=900_000.0,
            complexity=3,
            price_level=3,
            clients_on_market=900,
            support_sits="both",
            alternate=True,
            automation_share=0.05,
            lines_mean=3.0,
            churn_per_year=0.03,
            pause_per_year=0.07,
            gap_shape=6,
            rate_shape=8,
            client_sigma=0.45,
            cancelled_share=0.02,
            minutes_per_touch=30.0,
            arrivals_share=0.14,
        )
    if spec.sale_type == "CS":
        return replace(
            base,
            orders_per_year=3.4,
            ticket_rub=2_500_000.0,
            complexity=4,
            price_level=4,
            clients_on_market=500,
            support_sits="both",
            alternate=True,
            automation_share=0.0,
            lines_mean=3.0,
            churn_per_year=0.03,
            pause_per_year=0.07,
            gap_shape=6,
            rate_shape=8,
            client_sigma=0.45,
            minutes_per_touch=30.0,
            arrivals_share=0.14,
        )
    if spec.sale_type == "S":
        return replace(
            base,
            orders_per_year=0.8,
            ticket_rub=9_000_000.0,
            complexity=4,
            price_level=4,
            clients_on_market=350,
            support_sits="outside",
            automation_share=0.0,
            lines_mean=2.5,
            second_purchase=0.04,
            late_second=0.02,
            arrivals_share=9.0,
            client_sigma=0.45,
            churn_per_year=0.3,
            pause_per_year=0.0,
            minutes_per_touch=30.0,
            handoff_form="GRADUAL",
            summer_dip=0.0,
            december_peak=0.0,
        )
    return base
