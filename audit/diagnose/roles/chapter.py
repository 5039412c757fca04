"""The chapter «Роли»: from the case to its metrics, tables and facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from audit.diagnose.roles import entry as order_entry
from audit.diagnose.roles import mixing
from audit.diagnose.roles.hours import sum_mixing
from audit.diagnose.roles.norm import expand_roles, seller_of_type
from audit.diagnose.roles.people import labels, roles_by_person, small_roles
from audit.diagnose.roles.questions import Answers, missing_sheets, read_answers
from audit.errors import Text
from audit.method import method
from audit.model.case import Case, sql_text
from audit.model.result import ChapterResult, Metric, metric, no_metric

__all__ = ["diagnose", "what_if"]


def _pct(share: float) -> str:
    return f"{share * 100:.0f}\u00a0%"


def foreign_metric(answers: Answers, least_known: float, grade: Any = "C") -> Metric:
    """Return `roles.foreign_share` of the company, or the reason why it cannot be had."""
    id = "roles.foreign_share"
    if answers.reason is not None:
        return no_metric(id, answers.reason)
    known = answers.known_share
    if known < least_known:
        return no_metric(id, Text(
            f"По функциям расписано {_pct(known)} часов, нужно не менее {_pct(least_known)}: часы, указанные только "
            "группой, не говорят, чья это работа",
            f"{known:.0%} of the hours are given by function, at least {least_known:.0%} are needed: hours given by "
            "group alone do not tell whose work it is",
        ), function_known_share=known)  # fmt: skip
    total = sum_mixing(answers.hours, []).iloc[0]
    return metric(
        id, float(total["foreign_share"]), n=answers.hours["person"].nunique(), grade=grade,
        hours=float(total["hours"]), foreign_hours=float(total["foreign_hours"]), function_known_share=known,
    )  # fmt: skip


def km_operational_metric(answers: Answers, load: pd.DataFrame, grade: Any = "C") -> Metric:
    """Return `roles.km_operational_share`; the interval spans what group rows of doubtful owner leave open."""
    id = "roles.km_operational_share"
    if answers.reason is not None:
        return no_metric(id, answers.reason)
    if load.empty:
        return no_metric(id, Text(
            "В анкете нет клиентских менеджеров с заполненным временем (роли КМ, старший КМ, КАМ)",
            "The questionnaire has no client managers with hours (roles KM, SKM, KAM)",
        ))  # fmt: skip
    hours = float(load["hours"].sum())
    sure, unsure = float(load["oper_hours"].sum()), float(load["unsure_hours"].sum())
    bounds = {"low": sure / hours, "high": (sure + unsure) / hours} if unsure > 0 else {}
    return metric(
        id, sure / hours, n=len(load), grade=grade, hours=hours, operational_hours=sure,
        notes_hours=float(load["notes_hours"].sum()), **bounds,
    )  # fmt: skip


def _flow_metric(answers: Answers, flow: pd.DataFrame, foreign: Metric) -> Metric:
    id = "roles.flow"
    if foreign.value is None:
        assert foreign.reason is not None
        return no_metric(id, foreign.reason)
    alien = flow[flow["kind"].isin(["foreign", "missing"])]
    missing = flow[flow["kind"] == "missing"]
    return metric(
        id, float(alien["fte"].sum()), n=answers.hours["person"].nunique(), foreign_hours=float(alien["hours"].sum()),
        missing_role_fte=float(missing["fte"].sum()),
    )  # fmt: skip


def _entry(case: Case, answers: Answers) -> tuple[Metric, order_entry.Entry | None, pd.DataFrame, pd.DataFrame]:
    """Return the entry metric, its counts, the counted rows of the recent period and the hours by author."""
    t, w = case.thresholds, case.window
    has = case.has("manager", "created_by")
    in_conveyor = answers.norm.in_conveyor(order_entry.FUNCTION)
    owners = set(answers.norm.primary(order_entry.FUNCTION))
    sellers = [seller_of_type(k) for k in answers.norm.types]
    empty = pd.DataFrame(columns=["created_by", "manager", "segment", "recent", "orders", "lines"])
    if not has:
        m = order_entry.entry_by_manager(
            order_entry.measure_entry(empty, lambda _: False), has_fields=False, in_conveyor=in_conveyor,
            needs_roles=False, has_staff=False, min_units=0, min_author_share=0.0,
        )  # fmt: skip
        return m, None, empty, order_entry.entry_hours(empty, 1.0, 0.0, 1.0)
    rows = case.query(sql_text("audit.diagnose", "roles_entry"), since=max(w.recent_start, w.start))
    recent = rows[rows["recent"] == 1]
    staff = case.questionnaire.table("staff")
    roles = roles_by_person(staff, answers.norm.types)
    may = set(owners) | set(answers.norm.allowed(order_entry.FUNCTION))
    is_own = order_entry.own_entry(
        roles, lambda mine: bool(may & set(mine)), expand_roles(sellers[:1], answers.norm.types)
    )
    counts = order_entry.measure_entry(
        recent, is_own, listed=set(staff["person"].astype(str)) if len(staff) else (),
        min_orders=t.count("general.min_units"), login_share=t.value("roles.login_same_manager_share"),
    )  # fmt: skip
    m = order_entry.entry_by_manager(
        counts, has_fields=True, in_conveyor=in_conveyor, needs_roles=bool(owners & set(sellers)),
        has_staff=case.questionnaire.has("staff"), min_units=t.count("general.min_units"),
        min_author_share=t.value("roles.author_min_share"),
    )  # fmt: skip
    months = 12.0 if w.recent_is_whole else max(w.days / 30.4375, 1.0)
    a, b = entry_minutes(case)
    return m, counts, recent, order_entry.entry_hours(recent, a, b, months)


def _own_entry_hours(case: Case, rows: pd.DataFrame) -> float:
    """Return the hours a month that managers spend on typing orders they are responsible for themselves."""
    w = case.window
    months = 12.0 if w.recent_is_whole else max(w.days / 30.4375, 1.0)
    mine = rows[rows["created_by"].notna() & (rows["created_by"] == rows["manager"])]
    return float(order_entry.entry_hours(mine, *entry_minutes(case), months)["hours"].sum())


def _top_functions(hours: pd.DataFrame, family: str, most: int = 3) -> list[dict[str, Any]]:
    """Return the foreign operational functions that take a family most hours a month, with their names."""
    rows = hours[(hours["family"] == family) & (hours["group"] == "OPER") & (hours["kind"] == "foreign")]
    rows = rows[~rows["by_group"].astype(bool)]
    sums = rows.groupby("function", as_index=False)["hours"].sum()
    sums = sums.sort_values(["hours", "function"], ascending=[False, True]).head(most)
    return [
        {"function": r["function"], "ru": method().functions[r["function"]].ru, "en": method().functions[r["function"]].en,
         "hours": float(r["hours"])}
        for r in sums.to_dict("records")
    ]  # fmt: skip


def entry_minutes(case: Case) -> tuple[float, float]:
    """Return minutes per order head and per line: the company's own where given, else the kit's."""
    q, t = case.questionnaire.company, case.thresholds
    a, b = q.get("minutes_per_order"), q.get("minutes_per_line")
    return (
        t.value("roles.minutes_per_order") if a is None else float(a),
        t.value("roles.minutes_per_line") if b is None else float(b),
    )


def diagnose(
    case: Case, *, add_relief_fte: float = 0.0, move_functions: Mapping[str, str] | None = None
) -> ChapterResult:
    """Return the figures of the chapter; with the options, also what the chapter would say after such a change."""
    t = case.thresholds
    answers = read_answers(case)
    hours = answers.hours
    foreign = foreign_metric(answers, t.value("roles.function_known_min_share"))
    km = mixing.operational_load(hours, ("KM",), t.value("roles.own_crm_notes_share"))
    operational = km_operational_metric(answers, km)
    flow = mixing.flow(hours, answers.norm, answers.hours_per_month)
    entry, counts, entry_rows, entry_hours = _entry(case, answers)
    persons = mixing.load(hours, answers.staff)
    by_role = sum_mixing(hours, ["family"])
    by_role["people"] = [int((answers.staff["family"] == f).sum()) for f in by_role["family"]]
    names = labels(case, set(entry_rows["manager"].dropna()) | set(entry_rows["created_by"].dropna()))
    metrics = [foreign, operational, _flow_metric(answers, flow, foreign), entry]
    facts: dict[str, Any] = {
        "hours_per_month": answers.hours_per_month,
        "recent_from": max(case.window.recent_start, case.window.start).isoformat(),
        "as_of": case.window.as_of.isoformat(),
        "km_top_functions": _top_functions(hours, "KM"),
        "entry_hours_by_managers": _own_entry_hours(case, entry_rows),
        "types": list(answers.norm.types),
        "labels": dict(names),
        "small_roles": list(small_roles(answers.staff)),
        "without_time": list(answers.without_time),
        "leavers": list(answers.leavers),
        "function_known_share": answers.known_share,
        "people": len(answers.staff),
        "reason": None if answers.reason is None else {"ru": answers.reason.ru, "en": answers.reason.en},
    }
    tables = {
        "persons": persons,
        "by_role": by_role,
        "km_load": km,
        "flow": flow,
        "entry_hours": entry_hours,
    }
    return ChapterResult.of("roles", metrics, tables, facts)


def what_if(
    case: Case, add_relief_fte: float = 0.0, move_functions: Mapping[str, str] | None = None
) -> ChapterResult:
    """Return the chapter with its table ``what_if``: mixing and capacity before and after a change."""
    return diagnose(case, add_relief_fte=add_relief_fte, move_functions=move_functions)
