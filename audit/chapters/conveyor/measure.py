"""The chapter «Тип продаж и конвейер»: which type of sale this is, which stations it needs, and who stands there.

Source: EK tables 1 and 2. The declared type wins; the evidence is shown criterion by criterion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from audit.chapters.conveyor.organisation import organisation
from audit.chapters.conveyor.parts import parts_of
from audit.chapters.conveyor.stations import LINE, conditional_stations, conveyor, required_stations
from audit.chapters.conveyor.support import support
from audit.errors import Text
from audit.ground.answers import Answers, read_answers
from audit.ground.lacks import missing_sheets
from audit.ground.mixing import foreign_group_shares
from audit.ground.newcomers import new_a_year
from audit.ground.norm import seller_of_type
from audit.ground.people import small_roles
from audit.method import method
from audit.model.case import Case, sql_text
from audit.model.questionnaire import TABLES
from audit.model.result import ChapterResult, Metric, metric, no_metric
from audit.model.sale_type import ALL, SaleTypeFacts

__all__ = ["criteria_table", "diagnose"]


def criteria_table(facts: SaleTypeFacts) -> pd.DataFrame:
    """Return the evidence for the type of sale, one row per criterion.

    Columns: criterion, value, compatible (type codes), opinion about the declared type: supports, excludes, neutral
    (compatible with every type), or none declared.
    """
    rows = []
    for c in facts.criteria:
        if c.compatible == ALL:
            opinion = "neutral"
        elif facts.declared is None:
            opinion = "none"
        else:
            opinion = "supports" if facts.declared in c.compatible else "excludes"
        order = [t for t in method().sale_types if t in c.compatible]
        rows.append({"criterion": c.name, "value": c.value, "compatible": ", ".join(order), "opinion": opinion})
    return pd.DataFrame(rows, columns=["criterion", "value", "compatible", "opinion"])


def _interval(case: Case) -> Metric:
    id, f = "model.interval_days", case.sale_type
    least = case.thresholds.count("general.min_units")
    if f.interval_days is None or f.interval_n < least:
        return no_metric(
            id,
            Text(
                f"Клиентов с двумя и более днями заказа за 12 месяцев — {f.interval_n}, нужно не менее {least}",
                f"{f.interval_n} clients have two order days or more in 12 months, at least {least} are needed",
            ),
            n=f.interval_n,
        )
    return metric(id, f.interval_days, n=f.interval_n)


SEVERAL_TYPES = Text(
    "Компания продаёт в нескольких типах: по их смеси вывода нет, каждая часть показана отдельно",
    "The company sells in several types: there is no verdict on the mixture, every part is shown on its own",
)


def _exclusions(case: Case, types: Sequence[str]) -> Metric:
    id, f = "model.type_exclusions", case.sale_type
    if len(types) > 1:
        return no_metric(id, SEVERAL_TYPES)
    if f.declared is None:
        return no_metric(
            id,
            Text(
                "Тип продаж не заявлен: укажите его на листе «Компания» или в audit.toml",
                "No type of sale is declared: give it in the sheet “Company” or in audit.toml",
            ),
        )
    with_opinion = [c for c in f.criteria if c.compatible != ALL]
    if not with_opinion:
        return no_metric(
            id,
            Text(
                "Ни один признак типа продаж нельзя измерить: мало постоянных клиентов, а сложность, цена и ёмкость рынка "
                "в анкете не указаны",
                "No criterion of the type can be measured: few regular clients, and complexity, price level, market size "
                "are not in the questionnaire",
            ),
        )
    return metric(
        id,
        float(len(f.excluding())),
        n=len(with_opinion),
        supporting=len(f.supporting()),
        excluding=[c.name for c in f.excluding()],
    )


def _orders(case: Case, since: Any) -> tuple[Metric, Metric, Metric]:
    """Return usual order, active clients and the market reserve."""
    row = case.query(sql_text("audit.chapters.conveyor", "orders"), since=since).iloc[0]
    clients = case.query(sql_text("audit.chapters.conveyor", "clients"), since=since).iloc[0]
    orders = int(row["orders"])
    ticket = (
        metric("model.ticket", float(row["median"]), n=orders, p10=float(row["p10"]), p90=float(row["p90"]))
        if orders
        else no_metric("model.ticket", Text("За последние 12 месяцев заказов нет", "No orders in the last 12 months"))
    )
    active, served = (0 if pd.isna(clients[k]) else int(clients[k]) for k in ("active", "served"))
    won, yearly = new_a_year(case.clients(), case.window)
    id, market = "model.market_reserve", case.questionnaire.company.get("clients_on_market")
    if market is None:
        sheet = TABLES["company"]
        reserve = no_metric(
            id,
            Text(
                f"На листе «{sheet.ru}» не указано, сколько клиентов на рынке",
                f"The sheet “{sheet.en}” does not say how many clients the market has",
            ),
        )
    elif won == 0:
        reserve = no_metric(id, Text("Новых клиентов за период не видно", "No new clients are seen in the period"))
    else:
        reserve = metric(
            id, max(float(market) - served, 0.0) / yearly, n=won, market=float(market), served=served, new_a_year=yearly
        )
    return ticket, metric("model.active_clients", float(active), n=active), reserve


def _stations(case: Case, answers: Answers, table: pd.DataFrame) -> tuple[Metric, Metric, Metric]:
    fte_id, coverage_id, extra_id = "model.station_fte", "model.station_coverage", "model.extra_station_fte"
    no_staff = missing_sheets(case, "staff")
    if no_staff is not None:
        return no_metric(fte_id, no_staff), no_metric(coverage_id, no_staff), no_metric(extra_id, no_staff)
    needed = table[table["required"].astype(bool)]
    fte = metric(
        fte_id, float(needed["fte"].sum()), n=len(needed), empty=list(needed.loc[needed["fte"] <= 0, "station"])
    )
    manned = needed[(needed["fte"] > 0) & needed["coverage"].notna()]
    if answers.reason is not None:
        coverage = no_metric(coverage_id, answers.reason)
    elif manned.empty:
        coverage = no_metric(
            coverage_id,
            Text(
                "По функциям обязательных ролей нет часов",
                "There are no hours on the functions of the required stations",
            ),
        )
    else:
        weakest = manned.sort_values(["coverage", "station"]).iloc[0]
        coverage = metric(coverage_id, float(weakest["coverage"]), n=len(manned), station=str(weakest["station"]))
    if set(answers.norm.types) != {"T"}:
        extra = no_metric(
            extra_id,
            Text(
                "Проверка касается только чисто транзакционных продаж: в остальных типах КМ — нужная роль или не лишняя",
                "The check concerns purely transactional sales only: in other types a client manager is not superfluous",
            ),
        )
    else:
        staff = answers.staff
        km = staff[staff["role"].isin(["KM", "SKM"]) | staff["role2"].isin(["KM", "SKM"])]
        extra = metric(extra_id, float(km["fte"].sum()), n=len(km))
    return fte, coverage, extra


def _profile(case: Case) -> Metric:
    id, answer = "model.client_profile_gap", case.questionnaire.company.get("client_profile")
    scale = {"yes": 0.0, "partly": 1.0, "no": 2.0}
    if answer not in scale:
        sheet = TABLES["company"]
        return no_metric(
            id,
            Text(
                f"На листе «{sheet.ru}» нет ответа, записан ли портрет «нашего» клиента",
                f"The sheet “{sheet.en}” does not say whether the portrait of “our client” is written",
            ),
        )
    return metric(id, scale[str(answer)])


def diagnose(case: Case) -> ChapterResult:
    """Return the type of sale, its evidence, and the conveyor.

    Tables: ``criteria`` (one row per criterion), ``stations`` (one row per station, required and conditional ones
    and those with people; required by the largest part of the business), ``types`` (revenue share of each type in use),
    ``parts`` and ``part_stations`` (see `Parts`).
    """
    w = case.window
    since = max(w.recent_start, w.start)
    answers = read_answers(case)
    types = answers.norm.types
    # the largest part of the business is judged as a company of its type; what the others need besides is told by part
    required = required_stations(types[:1])
    beside = [f for f in required_stations(types) if f not in required]
    present = [
        f for f in method().roles if f in set(answers.staff["family"].dropna()) and f in (*LINE, "OP", "SUP", "BO")
    ]
    everything = [*required, *conditional_stations(types), *beside, *(f for f in present if f not in required)]
    order = [*LINE, *(r for r in method().roles if r not in LINE)]
    notes_share = case.thresholds.value("roles.own_crm_notes_share")
    table = conveyor(answers, sorted(dict.fromkeys(everything), key=order.index), required, notes_share)
    fte, coverage, extra = _stations(case, answers, table)
    ticket, active, reserve = _orders(case, since)
    f = case.sale_type
    mixing = {}
    for name, family, group in (("km_oper", "KM", "OPER"), ("km_hunt", "KM", "HUNT"), ("sr_farm", "SR", "FARM")):
        notes = notes_share if group == "OPER" else 0.0
        sums = foreign_group_shares(answers.hours, [family], (group,), notes).get(family)
        mixing[name] = None if sums is None else [sums[1] / sums[0], sums[2] / sums[0]]
    chain = organisation(case, answers, table)
    metrics = [_interval(case), _exclusions(case, types), ticket, active, fte, coverage, extra, _profile(case), reserve]
    metrics += [*chain.metrics, *support(case, answers)]
    facts = {
        "declared": f.declared,
        "measured": f.measured,
        "used": f.used,
        "types": list(types),
        "type_shares": {k: float(v) for k, v in sorted(answers.type_shares.items())},
        "one_time_share": f.one_time_share,
        "excluding": [c.name for c in f.excluding()],
        "supporting": [c.name for c in f.supporting()],
        "required": list(required),
        "conditional": list(conditional_stations(types)),
        "beside": beside,
        # where only some types have client managers, what is said of their clients is said of those types alone
        "managed_types": [
            {"ru": k.ru.split(" (")[0].lower(), "en": k.en.lower()}
            for k in (method().sale_types[t] for t in types if seller_of_type(t) == "KM")
        ]
        if len({seller_of_type(t) == "KM" for t in types}) > 1
        else [],
        "has_time": answers.reason is None,
        "people": len(answers.staff),
        "small_roles": list(small_roles(answers.staff)),
        "mixing": mixing,
        "since": since.isoformat(),
        "as_of": w.as_of.isoformat(),
        **chain.facts,
    }
    parts = parts_of(case, answers)
    shares = pd.DataFrame({"sale_type": list(answers.type_shares), "revenue_share": list(answers.type_shares.values())})
    return ChapterResult.of(
        "model",
        metrics,
        {
            "criteria": criteria_table(f),
            "stations": table,
            "types": shares,
            "parts": parts.table,
            "part_stations": parts.stations,
            **chain.tables,
        },
        facts,
    )
