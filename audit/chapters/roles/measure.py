"""The chapter «Смешение ролей»: from the case to its metrics, tables and facts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.roles import daylog, evidence, hunting, money
from audit.chapters.roles import entry as order_entry
from audit.chapters.roles import figures as measure
from audit.chapters.roles import order as orderwork
from audit.chapters.roles import relief as relieving
from audit.chapters.roles import week as weekly
from audit.chapters.roles.pay import pay_metric
from audit.chapters.roles.saturation import saturation_metric
from audit.chapters.roles.whatif import apply_change, check_moves
from audit.errors import Text
from audit.ground import mixing
from audit.ground.answers import Answers, read_answers
from audit.ground.entry import entry_hours_of, entry_minutes, recent_months
from audit.ground.hours import sum_mixing
from audit.ground.keys import clients_named
from audit.ground.lacks import HOURS_BY_GROUP, missing_columns, missing_sheets
from audit.ground.money import margin_of
from audit.ground.norm import Norm, expand_roles, seller_of_type
from audit.ground.parts import client_parts, served_parts
from audit.ground.people import post_cost, roles_by_person, small_roles
from audit.ground.room import room_of
from audit.ground.touches import touch_work
from audit.ground.work import hour_costs, order_work
from audit.method import method
from audit.model.case import Case, sql_text
from audit.model.questionnaire import TABLES
from audit.model.result import ChapterResult, Grade, Metric, metric, no_metric

__all__ = ["diagnose", "what_if"]

KM = "KM"
SELL = ("LEAD", "HUNT", "FARM", "KAM")


def what_if(case: Case, add_relief_fte: float = 0.0, move_functions: Mapping[str, str] | None = None) -> ChapterResult:
    """Return the chapter with its table ``what_if``: mixing and capacity before and after a change."""
    return diagnose(case, add_relief_fte=add_relief_fte, move_functions=move_functions)


def diagnose(
    case: Case, *, add_relief_fte: float = 0.0, move_functions: Mapping[str, str] | None = None
) -> ChapterResult:
    """Return the figures of role mixing (methodology 5.3).

    With the options also table ``what_if``; verdicts always rest on what is. Tables: persons, served, by_role, km_load,
    flow, functions, universal, evidence, log_shares, initiative, entry, entry_hours, order_steps, hunting, relief, freed,
    idle, clients_with_room, keys, pay, saturation.
    """
    check_moves(move_functions or {}, add_relief_fte)
    t = case.thresholds
    notes = t.value("roles.own_crm_notes_share")
    answers = read_answers(case)
    hours, staff = answers.hours, answers.staff
    entry = _entry(case, answers)
    log = _log(case, answers)
    proof = _evidence(case, answers, entry, log)

    def grade(family: str, *groups: str) -> Grade:
        return evidence.grade_of(proof, [family], groups)

    load = _km_load(
        answers, log, t.count("roles.day_log_min_days_person"), notes, t.value("roles.self_report_error_pp")
    )
    company_grade: Grade = "D" if bool(proof["conflict"].any()) else "C"
    foreign = measure.foreign_metric(answers, t.value("roles.function_known_min_share"), company_grade)
    level = t.value("general.confidence_level")
    told = measure.km_operational_metric(answers, load, level, notes, grade(KM, "OPER"), **_three(proof, KM, "OPER"))
    flow = mixing.flow(hours, answers.norm, answers.hours_per_month)
    effective = mixing.effective_roles(hours)
    universal = mixing.universal(
        effective, t.value("roles.universal_effective_roles"), t.value("roles.universal_max_share")
    )
    functions = _functions(case, answers)
    hunts = _hunting(case, answers)
    relief = _relief(case, answers, load, notes, grade(KM, "OPER"))
    week = _week(case, answers, relief)
    keys_metric, keys = _keys(case, answers)
    cost, mirror = _money(case, answers)
    steps = _order_steps(case, answers, entry, log)
    developers = staff.loc[staff["family"] == "SR", "person"].astype(str)
    saturated, saturation = saturation_metric(case, set(developers))
    paid, pay = pay_metric(case, answers.norm.types, {*staff["role"].dropna(), *staff["role2"].dropna()})

    def shares(id: str, families: tuple[str, ...], groups: tuple[str, ...], kept: float = 0.0) -> Metric:
        return measure.family_share_metric(
            id, answers, families, groups, {f: grade(f, *groups) for f in families}, level, kept
        )

    metrics = [
        foreign,
        told,
        shares("roles.frontline_operational_share", ("SR", "SOP"), ("OPER",), notes),
        measure.flow_metric(answers, flow, foreign),
        measure.effective_metric(answers, effective, foreign),
        measure.universal_metric(answers, universal, foreign),
        measure.fragmentation_metric(answers, functions, foreign),
        entry.metric,
        _plausibility(case, answers),
        _automation(case, entry),
        *orderwork.order_metrics(order_work(case), steps),
        *relief.metrics,
        week.metric,
        shares("roles.km_hunting_share", (KM,), ("HUNT",)),
        shares("roles.developer_farming_share", ("SR",), ("FARM",)),
        *hunts.metrics,
        shares("roles.engineer_selling_share", ("SUP", "PM"), ("HUNT", "FARM")),
        shares("roles.seller_buying_share", ("SR", KM, "SOP"), ("SUPPLY",)),
        keys_metric,
        measure.ambiguous_titles_metric(staff, missing_sheets(case, "staff")),
        cost,
        mirror,
        measure.switching_metric(
            daylog.switching(log) if log is not None and len(log.days) else None, _no_log(case, log)
        ),
        _self_vs_log(case, answers, proof, log, entry),
        paid,
        saturated,
    ]
    persons, by_role = _person_tables(answers, effective, notes, t.value("roles.fragment_person_share"))
    tables = {
        "persons": persons,
        "served": pd.DataFrame(
            [(p, part, share) for p, parts in answers.served.items() for part, share in parts.items()],
            columns=["person", "part", "share"],
        ),
        "by_role": by_role,
        "km_load": load,
        "flow": flow,
        "functions": functions,
        "universal": universal,
        "evidence": proof,
        "log_shares": daylog.group_shares(log, "family", t.count("roles.day_log_min_days_role"))
        if log
        else pd.DataFrame(),
        "initiative": daylog.initiative(log, level) if log else pd.DataFrame(columns=daylog.INITIATIVE),
        "entry": entry.table,
        "entry_share": order_entry.entry_share(
            entry.table, t.count("general.min_units"), t.value("general.confidence_level")
        ),
        "entry_hours": entry.hours,
        "order_steps": steps,
        "hunting": hunts.table,
        **relief.tables,
        "week": week.week,
        "touch_plan": week.plan,
        "touch_kinds": week.kinds.rename_axis("kind").rename("share").reset_index(),
        "keys": keys,
        "pay": pay,
        "saturation": saturation,
        **_what_if(case, answers, relief, load, move_functions or {}, add_relief_fte),
    }
    facts = _facts(case, answers, entry, log, hunts, relief, add_relief_fte, move_functions or {})
    return ChapterResult.of("roles", metrics, tables, facts)


# --- order entry


@dataclass(frozen=True)
class _Entry:
    metric: Metric
    counts: order_entry.Entry | None
    table: pd.DataFrame
    hours: pd.DataFrame
    hours_of_managers: float
    share_before: float | None
    known: bool
    """Whether authors are known well enough to serve as a trace of work."""


def _entry(case: Case, answers: Answers) -> _Entry:
    t, norm = case.thresholds, answers.norm
    function = order_entry.FUNCTION
    sellers = [seller_of_type(k) for k in norm.types]
    needs_roles = bool(set(norm.primary(function)) & set(sellers))
    empty = pd.DataFrame(
        {
            "created_by": pd.Series(dtype=object),
            "manager": pd.Series(dtype=object),
            "segment": pd.Series(dtype=object),
            "recent": pd.Series(dtype="int64"),
            "orders": pd.Series(dtype="int64"),
            "lines": pd.Series(dtype="int64"),
        }
    )
    has = case.has("manager", "created_by")
    rows = case.query(sql_text("audit.chapters.roles", "entry"), since=_since(case)) if has else empty
    staff = case.questionnaire.table("staff")
    roles, served = roles_by_person(staff, norm.types), served_parts(case)

    def is_own(person: str) -> bool:
        """Whether typing orders is the person's own or allowed work; a stranger is taken for the seller of the type served."""
        types = tuple(served.get(person, norm.types))
        mine = roles.get(person) or expand_roles([seller_of_type(types[0])], types)
        here = Norm(types)
        return bool(set(mine) & {*here.primary(function), *here.allowed(function)})

    def count(part: pd.DataFrame) -> order_entry.Entry:
        return order_entry.measure_entry(
            part,
            is_own,
            listed=set(staff["person"].astype(str)) if len(staff) else (),
            min_orders=t.count("general.min_units"),
            login_share=t.value("roles.login_same_manager_share"),
        )

    def judge(counts: order_entry.Entry) -> Metric:
        return order_entry.entry_by_manager(
            counts,
            has_fields=has,
            in_conveyor=norm.in_conveyor(function),
            needs_roles=needs_roles,
            min_units=t.count("general.min_units"),
            min_author_share=t.value("roles.author_min_share"),
        )

    recent = rows[rows["recent"] == 1]
    counts, before = count(recent), judge(count(rows[rows["recent"] == 0]))
    m = judge(counts)
    a, b = entry_minutes(case)
    months = recent_months(case)
    mine = recent[(recent["created_by"] == recent["manager"]) & recent["created_by"].notna()]
    return _Entry(
        metric=m,
        counts=counts if has else None,
        table=recent.drop(columns="recent").reset_index(drop=True),
        hours=order_entry.entry_hours(recent, a, b, months),
        hours_of_managers=float(order_entry.entry_hours(mine, a, b, months)["hours"].sum()),
        share_before=before.value,
        known=m.value is not None,
    )


def _plausibility(case: Case, answers: Answers) -> Metric:
    """Return how many times the client managers' hours of order entry exceed what their documents can have taken."""
    id = "roles.entry_plausibility"
    reason = answers.reason or missing_columns(case, "manager")
    if reason is None and not (answers.hours["family"] == KM).any():
        reason = measure.NO_KM
    if reason is None and not answers.norm.in_conveyor(order_entry.FUNCTION):
        reason = Text(
            "В этом типе продаж ввода заказов в конвейере нет",
            "Order entry is not in the conveyor of this type of sale",
        )
    if reason is not None:
        return no_metric(id, reason)
    e = entry_hours_of(case, answers)
    if e is None:
        mine = answers.hours[(answers.hours["family"] == KM) & (answers.hours["group"] == "OPER")]
        if mine["by_group"].astype(bool).any():
            return no_metric(id, HOURS_BY_GROUP)
        return no_metric(
            id,
            Text(
                "У клиентов КМ нет ни одного документа за последние 12 месяцев: часы ввода не с чем сравнить",
                "The client managers' clients have no document in the last 12 months: there is nothing to hold the hours of "
                "entry against",
            ),
        )
    return metric(
        id,
        e.ratio,
        low=e.told_low / e.traced,
        high=e.told_high / e.traced,
        n=answers.hours.loc[answers.hours["family"] == KM, "person"].nunique(),
        grade="B",
        told_hours=e.told,
        traced_hours=e.traced,
        documents=e.documents,
        hours_share=e.told / e.hours,
        minutes_each=60 * e.told / e.documents,
        minutes_traced=60 * e.traced / e.documents,
    )


def _since(case: Case) -> Any:
    return max(case.window.recent_start, case.window.start)


def _automation(case: Case, entry: _Entry) -> Metric:
    """Return the share of orders that nobody typed: site, EDI, exchange between systems."""
    id = "roles.automation_share"
    c = entry.counts
    authored = int(entry.table.loc[entry.table["created_by"].notna(), "orders"].sum())
    if c is None or c.orders == 0 or authored / c.orders < case.thresholds.value("roles.author_min_share"):
        return no_metric(
            id,
            Text(
                "В выгрузке нет автора заказа: выгрузите поле «Автор»",
                "The export lacks the author of the order: export that field",
            ),
        )
    return metric(id, c.automatic / authored, n=authored, orders=c.automatic)


def _order_steps(case: Case, answers: Answers, entry: _Entry, log: daylog.CleanLog | None) -> pd.DataFrame:
    """Return the work of an order by step; the trace is what typing takes, of orders that somebody typed."""
    work = order_work(case)
    a, b = entry_minutes(case)
    typed = entry.table["created_by"] != order_entry.SYSTEM
    whole = float(entry.table["orders"].sum())
    human = float(entry.table.loc[typed, "orders"].sum()) / whole if whole > 0 else 1.0
    lines = float(entry.table["lines"].sum())
    human_lines = float(entry.table.loc[typed, "lines"].sum()) / lines if lines > 0 else 1.0
    trace = (a * work.documents * human + b * work.lines * human_lines) / 60.0
    own = float(answers.hours.loc[answers.hours["family"] == KM, "hours"].sum())
    logged = orderwork.logged_hours(log, KM, own, case.thresholds.count("roles.day_log_min_days_role"))
    return orderwork.order_steps(work, logged, trace)


# --- day log and the three sources


def _log(case: Case, answers: Answers) -> daylog.CleanLog | None:
    if not case.questionnaire.has("day_log") or answers.staff.empty:
        return None
    return daylog.clean_log(
        case.questionnaire.table("day_log"), answers.staff, case.thresholds.value("roles.day_log_min_hours_day")
    )


def _no_log(case: Case, log: daylog.CleanLog | None) -> Text:
    if log is None:
        return missing_sheets(case, "day_log") or missing_sheets(case, "staff") or Text("", "")
    least = case.thresholds.count("roles.day_log_min_days_role")
    return Text(
        f"Фотография дня слишком коротка: нужно не меньше {least} целых дней на роль, пригодных дней — {len(log.days)}",
        f"The day log is too short: at least {least} whole days a role are needed, usable days: {len(log.days)}",
    )


def _evidence(case: Case, answers: Answers, entry: _Entry, log: daylog.CleanLog | None) -> pd.DataFrame:
    t, hours = case.thresholds, answers.hours
    said = evidence.self_shares(hours)
    none = pd.DataFrame(columns=["family", "group", "share"])
    logged, said_logged = pd.DataFrame(columns=["family", "group"]), none
    if log is not None:
        logged = daylog.group_shares(log, "family", t.count("roles.day_log_min_days_role"))
        weights = {str(p): float(h) for p, h in log.days.groupby("person")["hours"].sum().items()}
        said_logged = evidence.self_shares(hours, weights)
    trace = none
    if entry.known and len(answers.staff):
        family = dict(zip(answers.staff["person"], answers.staff["family"], strict=True))
        typed = entry.hours["hours"].groupby(entry.hours["person"].map(family)).sum()
        worked = hours.groupby("family")["hours"].sum()
        share = (typed.reindex(worked.index).fillna(0.0) / worked).rename("share")
        trace = share.rename_axis("family").reset_index()
    return evidence.compare(
        said,
        said_logged,
        logged,
        trace,
        trace_known=entry.known,
        self_error=t.value("roles.self_report_error_pp"),
        excess=t.value("roles.trace_excess_pp"),
    )


def _three(proof: pd.DataFrame, family: str, group: str) -> dict[str, Any]:
    """Return the three sources of one role and group as extras of a metric; None where a source is missing."""
    part = proof[(proof["family"] == family) & (proof["group"] == group)]
    if part.empty:
        return {"self_report": None, "day_log": None, "day_log_low": None, "day_log_high": None, "trace": None}
    r = part.iloc[0]

    def plain(value: Any) -> float | None:
        return None if pd.isna(value) else float(value)

    return {
        "self_report": plain(r["self_share"]),
        "day_log": plain(r["log_share"]),
        "day_log_low": plain(r["log_low"]),
        "day_log_high": plain(r["log_high"]),
        "trace": plain(r["trace_share"]),
    }


def _self_vs_log(
    case: Case, answers: Answers, proof: pd.DataFrame, log: daylog.CleanLog | None, entry: _Entry
) -> Metric:
    """Return the number of contradictions between the sources; pairs with one source only are not counted."""
    id = "roles.self_vs_log"
    if answers.reason is not None:
        return no_metric(id, answers.reason)
    compared = proof[(proof["log_days"] > 0) | (proof["trace_share"] > 0)]
    compared = compared[compared["sources"] >= 2]
    if compared.empty:
        return no_metric(id, _no_log(case, log))
    bad = compared[compared["conflict"].astype(bool)]
    with_log = int((compared["log_days"] > 0).sum())
    if with_log == 0 and bad.empty:
        # Order entry is only a lower bound: that it does not contradict proves no agreement.
        return no_metric(id, _no_log(case, log))
    touches = bool(((bad["family"] == KM) & (bad["group"] == "OPER")).any())
    return metric(
        id,
        float(len(bad)),
        n=len(compared),
        grade="D" if len(bad) else "B",
        touches_km_operations=touches,
        with_log=with_log,
        with_trace=int(compared["trace_share"].notna().sum()),
    )


def _km_load(
    answers: Answers, log: daylog.CleanLog | None, min_days: int, notes: float, self_error: float
) -> pd.DataFrame:
    """Return the operational load of each client manager with an interval to draw.

    ``log_*``: the day log by the same definition, people with ``min_days`` days only. ``drawn_low``,
    ``drawn_high``: limits of the log where there is one, else share ± 1.96 × the usual error of a self-report;
    ``drawn_from``: log or self.
    """
    load = mixing.operational_load(answers.hours, (KM,), notes)
    logged = pd.DataFrame(columns=["person", "days", "share", "low", "high"])
    if log is not None and len(load):
        oper = (*method().functions_of("OPER"), "OPER")
        foreign = {(str(p), f): answers.foreign_part(str(p), f) for p in load["person"] for f in oper}
        logged = daylog.operational_by_person(log, foreign, min_days, notes)
    named = {"days": "log_days", "share": "log_share", "low": "log_low", "high": "log_high"}
    out = load.merge(logged.rename(columns=named), on="person", how="left")
    out[["log_share", "log_low", "log_high"]] = out[["log_share", "log_low", "log_high"]].astype(float)
    out["log_days"] = out["log_days"].fillna(0).astype(int)
    has = out["log_low"].notna()
    half = 1.96 * self_error
    out["drawn_low"] = out["log_low"].where(has, (out["share"] - half).clip(lower=0.0))
    out["drawn_high"] = out["log_high"].where(has, (out["share"] + half).clip(upper=1.0))
    out["drawn_from"] = np.where(has, "log", "self")
    return out


# --- functions, persons


def _functions(case: Case, answers: Answers) -> pd.DataFrame:
    t = case.thresholds
    out = mixing.function_table(
        mixing.beyond_notes(answers.hours, t.value("roles.own_crm_notes_share"))
        if len(answers.hours)
        else answers.hours,
        answers.norm,
        t.value("roles.fragment_person_share"),
        t.value("roles.crumb_share"),
        t.value("roles.fragment_role_share"),
    )
    least = t.value("roles.fragment_min_fte") * answers.hours_per_month
    out["fragmented"] = mixing.is_fragmented(out, t.count("roles.fragment_roles"), least).astype(bool)
    return out


def _person_tables(
    answers: Answers, effective: pd.DataFrame, notes: float, person_share: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return foreign share, operational share, effective roles and functions per person and per role."""
    hours, staff = answers.hours, answers.staff
    persons = mixing.load(hours, staff)
    every = mixing.operational_load(hours, tuple(staff["family"].dropna().unique()), notes)
    persons = persons.merge(
        every[["person", "oper_hours", "share"]].rename(columns={"share": "oper_share"}), on="person", how="left"
    )
    persons = persons.merge(effective[["person", "effective_roles", "max_share"]], on="person", how="left")
    pieces = mixing.person_fragments(hours, person_share)
    persons = persons.merge(pieces[["person", "functions", "crumbs"]], on="person", how="left")
    numbers = ["oper_hours", "oper_share", "effective_roles", "max_share", "functions", "crumbs"]
    persons[numbers] = persons[numbers].astype(float)
    selling = hours[hours["group"].isin(SELL)].groupby("person")["hours"].sum()
    persons["selling_share"] = (persons["person"].map(selling).astype(float).fillna(0.0) / persons["hours"]).where(
        persons["hours"] > 0
    )

    roles = sum_mixing(hours, ["family"])
    roles["people"] = [int((staff["family"] == f).sum()) for f in roles["family"]]
    roles["fte"] = [float(staff.loc[staff["family"] == f, "fte"].sum()) for f in roles["family"]]
    summed = every.groupby("family")[["oper_hours", "hours"]].sum()
    roles["oper_share"] = roles["family"].map(summed["oper_hours"] / summed["hours"]).astype(float)
    mean = (effective["effective_roles"] * effective["hours"]).groupby(effective["family"]).sum()
    roles["effective_roles"] = roles["family"].map(mean / effective.groupby("family")["hours"].sum()).astype(float)
    order = list(method().roles)
    return persons, roles.sort_values("family", key=lambda s: s.map(order.index), ignore_index=True)


# --- hunters and farmers in the orders


@dataclass(frozen=True)
class _Hunts:
    metrics: tuple[Metric, Metric]
    table: pd.DataFrame
    k: int
    k_source: str


def _hunting(case: Case, answers: Answers) -> _Hunts:
    t, w, norm = case.thresholds, case.window, answers.norm
    k, source = hunting.handoff_number(case, norm.types, t.count("roles.handoff_default"))
    share_id, beyond_id = "roles.hunt_share", "roles.developer_beyond_handoff"
    empty = pd.DataFrame(
        {**dict.fromkeys(("manager", "client_key", "kind"), pd.Series(dtype=object)), "days": pd.Series(dtype="int64")}
    )
    staff = case.questionnaire.table("staff")
    roles = roles_by_person(staff, norm.types)
    families = {p: method().roles[r[0]].family if r else None for p, r in roles.items()}
    if not case.has("manager"):
        reason = Text("В выгрузке нет ответственного менеджера", "The export lacks the responsible manager")
        table = hunting.hunting_table(empty, families, 1)
        return _Hunts((no_metric(share_id, reason), no_metric(beyond_id, reason)), table, k, source)
    rows = case.query(
        sql_text("audit.chapters.roles", "hunt"),
        since=_since(case),
        k=k,
        silent_days=t.value("roles.reactivation_min_days"),
        silent_gaps=t.value("roles.reactivation_gap_multiple"),
        range_from=max(w.new_from, _year_in(case)),
    )
    least = t.count("general.min_units")
    table = hunting.hunting_table(rows, families, least)
    keep = {t: Norm((t,)).of_function("FARM_REPEAT", expand_roles(["SR"], (t,))).kind != "foreign" for t in norm.types}
    judged = Norm(tuple(t for t in norm.types if not keep[t]))
    own_repeat = {
        p for p, r in roles.items() if judged.types and judged.of_function("FARM_REPEAT", r).kind != "foreign"
    }
    developers = [p for p, f in families.items() if f == "SR" and p not in own_repeat]
    if missing := missing_sheets(case, "staff"):
        return _Hunts((no_metric(share_id, missing), no_metric(beyond_id, missing)), table, k, source)
    if not judged.types:
        reason = Text(
            "В этом типе продаж повторные продажи для СР не чужая работа",
            "In this type of sale repeat sales are not foreign to a developer",
        )
        return _Hunts((no_metric(share_id, reason), no_metric(beyond_id, reason)), table, k, source)
    if len(judged.types) < len(norm.types):  # in the other parts repeat sales are a developer's own
        rows = rows[rows["client_key"].map(client_parts(case, "revenue")).isin(judged.types)]
    sums = hunting.pooled(hunting.hunting_table(rows, families, least), developers)
    days = sums["days"]
    if days < least:
        reason = Text(
            f"Дней заказа у СР за период {days}, для вывода нужно не менее {least}",
            f"Developers have {days} order days in the period, at least {least} are needed",
        )
        return _Hunts((no_metric(share_id, reason, n=days), no_metric(beyond_id, reason, n=days)), table, k, source)
    level = t.value("general.confidence_level")
    e = hunting.share_of_days(rows, developers, "new", level)
    hunt = metric(
        share_id,
        sums["new"] / days,
        low=e.low,
        high=e.high,
        n=days,
        k=k,
        reactivated=sums["reactivated"],
        new_range=sums["range"],
        repeat=sums["repeat"],
        expected_at_random=float(table["expected"].iloc[0]),
    )
    e = hunting.share_of_days(rows, developers, "repeat", level)
    beyond = metric(beyond_id, sums["repeat"] / days, low=e.low, high=e.high, n=days, k=k)
    return _Hunts((hunt, beyond), table, k, source)


def _year_in(case: Case) -> Any:
    """Return the day from which a category not seen before is really new to an old client: a year into the window."""
    return (pd.Timestamp(case.window.start) + pd.Timedelta(days=365)).date()


# --- relief and capacity


@dataclass(frozen=True)
class _Relief:
    metrics: tuple[Metric, ...]
    tables: dict[str, pd.DataFrame]
    relief: relieving.Relief | None
    selling: float | None
    freed: relieving.Three | None
    growth: dict[str, Any] | None
    """What the uplift falls on, None without one: money of the clients with room to grow, how many; ``counted``: the
    freed share that a price may rest on, at most EK's 20 % (the elasticity was measured on small changes) and at most
    what the touches lack; ``potential``: the money if all of the 20 % went into growth."""


def _relief(case: Case, answers: Answers, load: pd.DataFrame, notes: float, grade: Grade) -> _Relief:
    t, hours = case.thresholds, answers.hours
    ids = ("roles.relief_fte", "roles.relief_shortage_fte", "roles.capacity_uplift")
    tau = relieving.transferable_shares(t)
    operations = relieving.foreign_operations(hours, KM, notes)
    pencil = relieving.transferable(operations, tau, answers.norm)
    freed = relieving.freed_by_person(operations, load, tau, t.value("roles.relief_max_freed_share"))
    idle = relieving.idle_hours(hours)
    kinds = relieving.relief_kinds(pencil, answers.hours_per_month * t.value("roles.utilisation"))
    tables = {
        "relief": pencil,
        "relief_kinds": kinds,
        "freed": freed,
        "idle": idle,
        "clients_with_room": pd.DataFrame(),
    }
    reason = answers.reason or (measure.NO_KM if load.empty else None)
    if reason is not None:
        return _Relief(tuple(no_metric(i, reason) for i in ids), tables, None, None, None, None)
    r = relieving.relief(
        freed,
        float(idle["hours"].sum()),
        hours_per_month=answers.hours_per_month,
        utilisation=t.value("roles.utilisation"),
        per_managers=t.value("roles.relief_per_managers"),
    )
    total = float(load["hours"].sum())
    delta: relieving.Three = tuple(h / total for h in r.transferable_hours)  # type: ignore[assignment]
    metrics = [
        metric(
            ids[0],
            r.fte[1],
            low=r.fte[0],
            high=r.fte[2],
            n=len(load),
            grade=grade,
            ek_rule_fte=r.ek_fte,
            ek_rule_people=r.ek_people,
            transferable_hours=r.transferable_hours[1],
            freed_share=delta[1],
        ),
        metric(
            ids[1],
            r.shortage_fte[1],
            low=r.shortage_fte[0],
            high=r.shortage_fte[2],
            n=len(load),
            grade=grade,
            idle_hours=r.idle_hours,
            transferable_hours=r.transferable_hours[1],
            km_fte=total / answers.hours_per_month,
        ),
    ]
    selling = relieving.selling_share(hours, KM)
    growth: dict[str, Any] | None = None
    if not selling:
        metrics.append(
            no_metric(
                ids[2],
                Text(
                    "КМ не указали часов на продажи: прирост от высвобожденного времени не от чего считать",
                    "Client managers report no selling hours: there is nothing to compute growth of freed time from",
                ),
            )
        )
    else:
        clients = _clients_with_room(case, answers)
        tables["clients_with_room"] = clients
        most = t.value("roles.relief_max_freed_share")
        possible = _at_most(delta, most)
        up = relieving.capacity_uplift(
            selling,
            possible,
            t.range("roles.reinvested_share"),
            t.range("roles.selling_time_elasticity"),
            t.value("roles.capacity_max_time_ratio"),
            draws=t.count("roles.capacity_draws"),
            seed=t.count("general.bootstrap_seed"),
        )
        metrics.append(
            metric(
                ids[2],
                up.base,
                low=up.low,
                high=up.high,
                n=len(load),
                grade=grade,
                selling_share=selling,
                freed_share=possible[1],
                reinvested=t.range("roles.reinvested_share")[1],
                elasticity=t.range("roles.selling_time_elasticity")[1],
            )
        )
        lacking = _lacking_share(case, answers, notes)
        growth = _growth(clients)
        growth |= {
            "possible": list(possible),
            "counted": list(possible if lacking is None else _at_most(possible, lacking)),
            "freeable": list(delta),
            "most": max(0.0, most if lacking is None else min(most, lacking)),
            "lacking_share": lacking,
            "potential": growth["worth_with_room"] * up.base,
        }
    return _Relief(tuple(metrics), tables, r, selling, delta, growth)


def _lacking_share(case: Case, answers: Answers, notes: float) -> float | None:
    """Return which part of the client managers' hours the touches of the norm lack today; None without one.

    The hours that touches ask for (`audit.ground.touches`) against the hours left beside foreign operational work.
    """
    touches = touch_work(case)
    if touches is None:
        return None
    hours = float(answers.hours.loc[answers.hours["family"] == KM, "hours"].sum())
    operational = float(relieving.foreign_operations(answers.hours, KM, notes)["hours"].sum())
    return max(0.0, touches.hours - (hours - operational)) / hours


@dataclass(frozen=True)
class _Week:
    metric: Metric
    week: pd.DataFrame
    plan: pd.DataFrame
    kinds: pd.Series
    """Share of the touches made by kind; empty where the sheet tells too few kinds."""


def _week(case: Case, answers: Answers, relief: _Relief) -> _Week:
    """Return a client manager's week now and after relief, the touches of the norm, and the portfolio that follows."""
    id = "roles.portfolio_size"
    plan = pd.DataFrame(columns=["label", "clients", "norm", "hours", "made"])
    none = pd.DataFrame(columns=["part", "now", "after"])
    silent = pd.Series(dtype=float)
    mine = answers.hours[answers.hours["family"] == KM]
    reason = answers.reason or (measure.NO_KM if mine.empty else None)
    if reason is not None or relief.relief is None:
        return _Week(no_metric(id, reason or measure.NO_KM), none, plan, silent)
    people = answers.staff[answers.staff["person"].isin(set(mine["person"]))]
    fte = float(people["fte"].sum())
    freed = relief.relief.transferable_hours
    week = weekly.week_of(mine, fte, freed[1])
    touches = touch_work(case)
    if touches is None:
        return _Week(no_metric(id, NO_NORM), week, plan, silent)
    clients = touches.asked
    if clients.empty:
        return _Week(no_metric(id, NO_BOOK), week, plan, silent)
    made, months, kinds = _made(case, set(people["person"]))
    plan = weekly.touch_plan(clients, made, months)
    own = float(mine.loc[mine["group"].isin(weekly.PARTS["clients"]), "hours"].sum())
    now, low, base, high = (weekly.portfolio(plan, own + h, fte) for h in (0.0, *freed))
    m = metric(
        id,
        base,
        low=low,
        high=high,
        n=len(people),
        now=now,
        book=len(clients) / fte,
        hours_needed=touches.hours,
        **touches.counts,
        hours_now=own,
        hours_after=own + freed[1],
        freed_hours=freed[1],
        by_class=bool(touches.norm.by_class),
        minutes=touches.norm.minutes,
        fte=fte,
    )
    return _Week(m, week, plan, kinds)


def _made(case: Case, people: set[str]) -> tuple[pd.Series | None, float, pd.Series]:
    """Return the touches these people made with each client in the recent period, how many months the sheet covers, and the
    share of the kinds among them (empty with fewer than the least number of which one is known)."""
    silent = pd.Series(dtype=float)
    if not case.questionnaire.has("touches"):
        return None, 1.0, silent
    rows = case.questionnaire.table("touches")
    day = pd.to_datetime(rows["date"])
    rows = rows[(day >= pd.Timestamp(_since(case))) & (day <= pd.Timestamp(case.window.as_of))]
    if rows.empty:
        return None, 1.0, silent
    days = pd.to_datetime(rows["date"])
    months = max(((days.max() - days.min()).days + 1) / 30.4375, 1.0)
    rows = rows[rows["person"].astype(str).isin(people)]
    keys = clients_named(case, rows["client_id"]) if len(rows) else pd.Series(dtype=object)
    known = rows["kind"].dropna() if "kind" in rows else silent
    kinds = weekly.touch_kinds(known) if len(known) >= case.thresholds.count("general.min_units") else silent
    return keys.dropna().value_counts(), months, kinds


NO_NORM = Text(
    "На листе «Компания» нет нормы касаний и минут на касание: сколько клиентов должен вести один КМ, не сказать",
    "The sheet “Company” lacks a norm of touches and the minutes of one: how many clients one manager should keep cannot be told",
)
NO_BOOK = Text(
    "Клиентов, которым положены касания КМ, нет: все потеряны или закреплены за другими",
    "There are no clients to be touched by client managers: all are lost or rightly kept by others",
)


def _at_most(freed: relieving.Three, limit: float) -> relieving.Three:
    low, base, high = (min(x, limit) for x in freed)
    return low, base, high


def _clients_with_room(case: Case, answers: Answers) -> pd.DataFrame:
    """Return the client managers' clients of the recent period with what they bring a year and whether they can grow.

    ``worth``: gross profit a year where the margin is known, else revenue; never below 0. Somebody not in the staff
    sheet is taken for the seller of the type. Without a manager field every client that bought more than once counts as
    the client managers' (first deals are the developers').
    """
    clients = case.query(sql_text("audit.chapters.roles", "clients"), since=_since(case))
    if case.has("manager"):
        roles = roles_by_person(case.questionnaire.table("staff"), answers.norm.types)
        default = expand_roles([seller_of_type(answers.norm.types[0])], answers.norm.types)
        mine = [KM in (roles.get(m) or default) if isinstance(m, str) else False for m in clients["manager"]]
        clients = clients[pd.Series(mine, index=clients.index, dtype=bool)]
    else:
        clients = clients[clients["order_days"] >= 2]
    revenue = clients["revenue"].astype(float) * (12.0 / recent_months(case))
    worth = (revenue * margin_of(case).of(clients["client_key"])).clip(lower=0.0)
    return clients.assign(revenue=revenue, worth=worth).join(room_of(case), on="client_key").reset_index(drop=True)


def _named_clients(case: Case, keys: pd.DataFrame) -> pd.Series:
    """Return the client behind each row of a sheet that names clients by code or by name; None where nobody is."""
    return clients_named(case, keys["client_id"])


def _growth(clients: pd.DataFrame) -> dict[str, Any]:
    room = clients["room"] == True  # noqa: E712 - an object column
    return {
        "worth_with_room": float(clients.loc[room, "worth"].sum()),
        "worth_all": float(clients["worth"].sum()),
        "clients_with_room": int(room.sum()),
        "clients": len(clients),
    }


# --- money, key clients


def _money(case: Case, answers: Answers) -> tuple[Metric, Metric]:
    """Return the cost of foreign hours a year, and the 80/20 mirror."""
    cost_id, mirror_id = "roles.foreign_cost", "roles.mirror"
    if answers.reason is not None:
        return no_metric(cost_id, answers.reason), no_metric(mirror_id, answers.reason)
    costs = hour_costs(answers.staff)
    foreign = sum_mixing(answers.hours, ["person"])
    value, known = money.foreign_cost(foreign, costs)
    least = case.thresholds.value("roles.author_min_share")
    if not costs or known < least:
        cost = no_metric(
            cost_id,
            Text(
                "На листе «Сотрудники» не указана стоимость месяца у тех, кто делает чужую работу",
                "The sheet “Staff” lacks the cost a month of those who do foreign work",
            ),
            known_share=known,
        )
    else:
        cost = metric(cost_id, value, n=len(foreign), known_share=known)
    turnover = case.query(sql_text("audit.chapters.roles", "new_clients"), since=_since(case))
    if not (case.has("margin") or case.has("cost")):
        turnover["margin"] = math.nan
    m = money.mirror(answers.hours, costs, turnover)
    if m is None:
        return cost, no_metric(
            mirror_id,
            Text(
                "Нет часов ни на привлечение, ни на ведение клиентов",
                "There are no hours on winning or keeping clients",
            ),
        )
    return cost, metric(
        mirror_id,
        m.hours_share,
        n=answers.hours["person"].nunique(),
        payroll_share=m.payroll_share,
        revenue_share=m.revenue_share,
        margin_share=m.margin_share,
        new_clients=m.new_clients,
    )


def _keys(case: Case, answers: Answers) -> tuple[Metric, pd.DataFrame]:
    id = "roles.keys_led_by_first_persons"
    empty = pd.DataFrame(columns=["client_key", "lead", "revenue", "first_person"])
    if missing := missing_sheets(case, "staff", "key_clients"):
        return no_metric(id, missing), empty
    if set(answers.norm.types) == {"S"}:
        return no_metric(
            id,
            Text(
                "Не применяется: в стратегических продажах первые лица ведут клиентов по праву",
                "Does not apply: in strategic sales first persons rightly lead clients",
            ),
        ), empty
    staff = case.questionnaire.table("staff")
    roles = {str(r["person"]): [r["role"], r["role2"]] for r in staff.to_dict("records")}
    parts = case.questionnaire.table("sale_types")
    strategic = (
        set(parts.loc[(parts["dimension"] == "segment") & (parts["sale_type"] == "S"), "value"])
        if len(parts)
        else set()
    )
    revenue = case.query(sql_text("audit.chapters.roles", "key_clients"), since=_since(case))
    listed = case.questionnaire.table("key_clients")
    known = _named_clients(case, listed)
    return measure.first_person_keys(
        listed.assign(client_id=known.where(known.notna(), listed["client_id"])),
        revenue,
        roles,
        strategic=strategic,
        dominant_limit=case.thresholds.value("general.dominant_client_share"),
    )


# --- what if


def _what_if(
    case: Case, answers: Answers, relief: _Relief, load: pd.DataFrame, moves: Mapping[str, str], add_relief_fte: float
) -> dict[str, pd.DataFrame]:
    """Return table ``what_if`` (measure, before, after); nothing where no change is asked for or hours are missing."""
    if (not moves and add_relief_fte == 0) or answers.reason is not None:
        return {}
    t = case.thresholds
    notes, unit = t.value("roles.own_crm_notes_share"), answers.hours_per_month * t.value("roles.utilisation")
    change = apply_change(
        answers.hours,
        answers.norm,
        relieving.transferable_shares(t),
        moves=moves,
        add_relief_fte=add_relief_fte,
        hours_per_month=answers.hours_per_month,
        utilisation=t.value("roles.utilisation"),
        notes_share=notes,
        reinvested=t.range("roles.reinvested_share")[1],
    )
    held = answers.norm.held | {r for rs in change.hours["roles"] for r in rs}
    norm = Norm(answers.norm.types, frozenset(held))
    rows: list[tuple[str, float | None, float | None]] = []
    sides = [(answers.hours, answers.norm), (change.hours, norm)]

    def both(name: str, measure_: Any) -> None:
        before, after = (measure_(h, n) for h, n in sides)
        rows.append((name, before, after))

    def km(h: pd.DataFrame, _: Norm) -> float | None:
        part = mixing.operational_load(h, (KM,), notes)
        return float(part["oper_hours"].sum() / part["hours"].sum()) if len(part) else None

    def foreign_fte(h: pd.DataFrame, n: Norm) -> float:
        f = mixing.flow(h, n, answers.hours_per_month)
        return float(f.loc[f["kind"].isin(["foreign", "missing"]), "fte"].sum())

    def roles(h: pd.DataFrame, _: Norm) -> float | None:
        e = mixing.effective_roles(h)
        return float((e["effective_roles"] * e["hours"]).sum() / e["hours"].sum()) if len(e) else None

    both("roles.foreign_share", lambda h, _: float(sum_mixing(h, []).iloc[0]["foreign_share"]))
    both("roles.km_operational_share", km)
    both("roles.flow", foreign_fte)
    both("roles.effective_roles", roles)
    both("selling_share", lambda h, _: relieving.selling_share(h, KM))
    before, after = rows[-1][1], rows[-1][2]
    if before and after:
        ratio = min(after / before, t.value("roles.capacity_max_time_ratio"))
        rows.append(("roles.capacity_uplift", 0.0, ratio ** t.range("roles.selling_time_elasticity")[1] - 1))
    rows.append(("hours_handed_over", 0.0, change.moved_hours + change.relief_hours))
    rows.append(("new_people_fte", 0.0, (change.new_hands_hours + change.relief_hours) / unit))
    return {
        "what_if": pd.DataFrame(rows, columns=["measure", "before", "after"]).astype({"before": float, "after": float})
    }


def _relief_cost(staff: pd.DataFrame, fte: float) -> float | None:
    """Return what so many relief people cost a year at the mean pay of clerks and back office; None if unknown."""
    post = post_cost(staff, ("OP", "BO"))
    return None if post is None else post * fte


def _one_weekday(log: daylog.CleanLog | None) -> bool:
    """Whether somebody with several days logged only one day of the week: a Monday is not a week."""
    if log is None or log.days.empty:
        return False
    days = log.days.assign(weekday=pd.to_datetime(log.days["date"]).dt.day_of_week)
    counted = days.groupby("person")["weekday"].agg(["size", "nunique"])
    return bool(((counted["size"] > 1) & (counted["nunique"] == 1)).any())


def _month_end(log: daylog.CleanLog | None, last_days: int = 3) -> bool:
    """Whether the whole log lies in the last days of months, when papers pile up."""
    if log is None or log.days.empty:
        return False
    dates = pd.to_datetime(log.days["date"])
    return bool((dates.dt.days_in_month - dates.dt.day < last_days).all())


# --- facts


def _short(name: str) -> str:
    """Return a function's name up to the colon, with a small first letter unless it is an abbreviation."""
    head = name.split(":")[0].split(" (")[0].strip()
    return head[0].lower() + head[1:] if len(head) > 1 and not head[1].isupper() else head


def top_functions(hours: pd.DataFrame, family: str, groups: tuple[str, ...], most: int = 3) -> list[dict[str, Any]]:
    """Return the foreign functions of some groups that take a family most hours a month, with their names."""
    rows = hours[(hours["family"] == family) & hours["group"].isin(groups) & (hours["kind"] == "foreign")]
    sums = rows[~rows["by_group"].astype(bool)].groupby("function")["hours"].sum().reset_index()
    sums = sums.sort_values(["hours", "function"], ascending=[False, True]).head(most)
    functions = method().functions
    return [
        {
            "function": r["function"],
            "ru": _short(functions[r["function"]].ru),
            "en": _short(functions[r["function"]].en),
            "hours": float(r["hours"]),
        }
        for r in sums.to_dict("records")
    ]


def _facts(
    case: Case,
    answers: Answers,
    entry: _Entry,
    log: daylog.CleanLog | None,
    hunts: _Hunts,
    relief: _Relief,
    add_relief_fte: float,
    moves: Mapping[str, str],
) -> dict[str, Any]:
    hours = answers.hours
    r = relief.relief
    a, b = entry_minutes(case)
    return {
        "types": list(answers.norm.types),
        "type_shares": {k: float(v) for k, v in sorted(answers.type_shares.items())},
        "hours_per_month": answers.hours_per_month,
        "people": len(answers.staff),
        "roles_present": sorted(answers.staff["family"].dropna().unique()),
        "names_shown": case.settings.report.names,
        "small_roles": list(small_roles(answers.staff)),
        "without_time": len(answers.without_time),
        "leavers": len(answers.leavers),
        "function_known_share": answers.known_share,
        "recent_from": _since(case).isoformat(),
        "as_of": case.window.as_of.isoformat(),
        "top": {
            "KM": top_functions(hours, KM, ("OPER",)),
            "SR": top_functions(hours, "SR", ("OPER",)),
            "SOP": top_functions(hours, "SOP", ("OPER",)),
        },
        "minutes_per_order": a,
        "minutes_per_line": b,
        "minutes_given": case.questionnaire.company.get("minutes_per_order") is not None,
        "entry_hours_by_managers": entry.hours_of_managers,
        "entry_share_before": entry.share_before,
        "handoff_k": hunts.k,
        "handoff_k_source": hunts.k_source,
        "handoff_k_own": hunting.own_number(case),
        "log_days": 0 if log is None else len(log.days),
        "log_people": 0 if log is None else int(log.days["person"].nunique()),
        "log_one_weekday": _one_weekday(log),
        "log_month_end": _month_end(log),
        "log_short_days": 0 if log is None else log.short_days,
        "log_clipped": 0 if log is None else log.clipped,
        "utilisation": case.thresholds.value("roles.utilisation"),
        "productive_hours": answers.hours_per_month * case.thresholds.value("roles.utilisation"),
        "relief": None
        if r is None
        else {
            "transferable": list(r.transferable_hours),
            "fte": list(r.fte),
            "idle": r.idle_hours,
            "shortage": list(r.shortage_fte),
            "ek_fte": r.ek_fte,
            "ek_people": r.ek_people,
            "kinds": [
                {"kind": str(k["kind"]), "hours": float(k["hours"]), "fte": float(k["base"])}
                for k in relief.tables["relief_kinds"].to_dict("records")
            ],
        },
        "relief_cost_year": None if r is None else _relief_cost(answers.staff, r.fte[1]),
        "selling_share": relief.selling,
        "growth": relief.growth,
        "what_if": {"add_relief_fte": add_relief_fte, "move_functions": dict(moves)},
        "function_names": {
            f: {"ru": _short(method().functions[f].ru), "en": _short(method().functions[f].en)}
            for f in sorted(set(hours["function"]))
            if f in method().functions
        },
        "sheets": {n: {"ru": TABLES[n].ru, "en": TABLES[n].en} for n in ("staff", "time", "day_log", "key_clients")},
    }
