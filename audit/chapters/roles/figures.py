"""From frames to metrics: every figure of the chapter with its reason where it cannot be had."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from audit.chapters.roles.daylog import Switching
from audit.errors import Text
from audit.ground import mixing
from audit.ground.answers import Answers
from audit.ground.hours import sum_mixing
from audit.ground.people import FIRST_PERSONS, SELLERS
from audit.method import method
from audit.model.questionnaire import names_no_role
from audit.model.result import Grade, Metric, metric, no_metric
from audit.stats.intervals import dominant_unit

__all__ = [
    "ambiguous_titles_metric",
    "effective_metric",
    "family_share_metric",
    "first_person_keys",
    "flow_metric",
    "foreign_metric",
    "fragmentation_metric",
    "km_operational_metric",
    "pct",
    "role_names",
    "switching_metric",
    "universal_metric",
]

NO_KM = Text(
    "В анкете нет клиентских менеджеров с заполненным временем (роли КМ, старший КМ, КАМ)",
    "The questionnaire has no client managers with hours (roles KM, SKM, KAM)",
)


def pct(share: float) -> Text:
    """Return a share as it is written inside a sentence of either language."""
    return Text(f"{share * 100:.0f}\u00a0%", f"{share * 100:.0f}%")


def role_names(families: Sequence[str]) -> Text:
    """Return the short names of some roles, joined by commas."""
    roles = [method().roles[f].short for f in families]
    return Text(", ".join(r.ru for r in roles), ", ".join(r.en for r in roles))


def foreign_metric(answers: Answers, least_known: float, grade: Grade = "C") -> Metric:
    """Return `roles.foreign_share` of the company, or the reason why it cannot be had."""
    id = "roles.foreign_share"
    if answers.reason is not None:
        return no_metric(id, answers.reason)
    known = answers.known_share
    if known < least_known:
        have, need = pct(known), pct(least_known)
        return no_metric(
            id,
            Text(
                f"По функциям расписано {have.ru} часов, нужно не менее {need.ru}: часы, указанные только группой, "
                "не говорят, чья это работа",
                f"{have.en} of the hours are given by function, at least {need.en} are needed: hours given by group "
                "alone do not tell whose work it is",
            ),
            function_known_share=known,
        )
    total = sum_mixing(answers.hours, []).iloc[0]
    return metric(
        id,
        float(total["foreign_share"]),
        n=answers.hours["person"].nunique(),
        grade=grade,
        hours=float(total["hours"]),
        foreign_hours=float(total["foreign_hours"]),
        function_known_share=known,
    )


def _worst_part(answers: Answers, notes: float) -> tuple[str, pd.DataFrame] | None:
    """Return the part of the business whose client managers have the highest operational share, and their load there.

    Managers of one part must not hide behind those of another; None unless in two parts at least there is one post of them.
    """
    loads = {
        t: mixing.operational_load(answers.hours[answers.hours["part"] == t], ("KM",), notes)
        for t in answers.norm.types
    }
    loads = {t: p for t, p in loads.items() if float(p["hours"].sum()) >= answers.hours_per_month}
    if len(loads) < 2:
        return None
    worst = max(loads, key=lambda t: float(loads[t]["oper_hours"].sum()) / float(loads[t]["hours"].sum()))
    return worst, loads[worst]


def km_operational_metric(
    answers: Answers, load: pd.DataFrame, level: float, notes: float, grade: Grade = "C", **extra: Any
) -> Metric:
    """Return `roles.km_operational_share`; the interval is that of telling from memory, and spans what group rows leave
    open. Where client managers serve several parts of the business it is that of the part where it is highest;
    ``together``: of all of them, and so is what other sources say (``extra``)."""
    id = "roles.km_operational_share"
    if answers.reason is not None:
        return no_metric(id, answers.reason)
    if load.empty:
        return no_metric(id, NO_KM)
    part = _worst_part(answers, notes)
    together = float(load["oper_hours"].sum()) / float(load["hours"].sum())
    if part is not None:
        load = part[1]
        answers = dataclasses.replace(answers, hours=answers.hours[answers.hours["part"] == part[0]])
    hours = float(load["hours"].sum())
    sure, unsure = float(load["oper_hours"].sum()), float(load["unsure_hours"].sum())
    low, high = answers.told(["KM"], sure / hours, min((sure + unsure) / hours, 1.0), level)
    return metric(
        id,
        sure / hours,
        low=low,
        high=high,
        n=len(load),
        grade=grade,
        hours=hours,
        operational_hours=sure,
        notes_hours=float(load["notes_hours"].sum()),
        part=None if part is None else part[0],
        together=together,
        **extra,
    )


def flow_metric(answers: Answers, flow: pd.DataFrame, foreign: Metric) -> Metric:
    """Return `roles.flow`: foreign hours as full-time people, and those of roles that nobody holds."""
    id = "roles.flow"
    if foreign.value is None:
        assert foreign.reason is not None
        return no_metric(id, foreign.reason)
    alien = flow[flow["kind"].isin(["foreign", "missing"])]
    return metric(
        id,
        float(alien["fte"].sum()),
        n=answers.hours["person"].nunique(),
        grade=foreign.grade or "C",
        foreign_hours=float(alien["hours"].sum()),
        missing_role_fte=float(flow.loc[flow["kind"] == "missing", "fte"].sum()),
    )


def family_share_metric(
    id: str,
    answers: Answers,
    families: Sequence[str],
    groups: tuple[str, ...],
    grades: Mapping[str, Grade],
    level: float,
    notes_share: float = 0.0,
) -> Metric:
    """Return the share of foreign hours in some groups for the worst of several roles.

    Roles are judged one by one: three busy engineers must not hide behind ten project managers. The role with the
    highest share is the figure; ``by_family`` has all of them. The interval is that of telling from memory, and spans
    what group rows of doubtful owner leave open. ``together``: the share in the hours of all of them, with its own.
    """
    if answers.reason is not None:
        return no_metric(id, answers.reason)
    found = mixing.foreign_group_shares(answers.hours, families, groups, notes_share)
    if not found:
        names = role_names(families)
        return no_metric(
            id,
            Text(
                f"В анкете нет людей этих ролей с заполненным временем: {names.ru}",
                f"The questionnaire has nobody with hours in these roles: {names.en}",
            ),
        )
    worst = max(found, key=lambda f: (found[f][1] / found[f][0], found[f][2] / found[f][0]))
    hours, sure, most = found[worst]
    likely = max(v[2] / v[0] for v in found.values()) if most > sure else sure / hours
    low, high = answers.told([worst], sure / hours, min(likely, 1.0), level)
    every, all_sure, all_most = (sum(v[k] for v in found.values()) for k in range(3))
    together = answers.told(list(found), all_sure / every, min(all_most / every, 1.0), level)
    people = int(answers.hours.loc[answers.hours["family"] == worst, "person"].nunique())
    return metric(
        id,
        sure / hours,
        low=low,
        high=high,
        n=people,
        grade=grades.get(worst, "C"),
        family=worst,
        hours=hours,
        foreign_hours=sure,
        by_family={f: v[1] / v[0] for f, v in found.items()},
        together=all_sure / every,
        together_low=together[0],
        together_high=together[1],
        by_group_hours=bool(most > sure),
    )


def effective_metric(answers: Answers, effective: pd.DataFrame, foreign: Metric) -> Metric:
    """Return `roles.effective_roles` of the company: the mean over people, weighted by their owned hours."""
    id = "roles.effective_roles"
    if foreign.value is None:
        assert foreign.reason is not None
        return no_metric(id, foreign.reason)
    if effective.empty:
        return no_metric(id, Text("Нет часов, у которых есть владелец", "There are no hours that have an owner"))
    mean = float((effective["effective_roles"] * effective["hours"]).sum() / effective["hours"].sum())
    return metric(id, mean, n=len(effective), highest=float(effective["effective_roles"].max()))


def universal_metric(answers: Answers, universal: pd.DataFrame, foreign: Metric) -> Metric:
    """Return `roles.universal_sellers`: how many sellers do everything, among how many."""
    id = "roles.universal_sellers"
    if foreign.value is None:
        assert foreign.reason is not None
        return no_metric(id, foreign.reason)
    sellers = answers.hours[answers.hours["family"].isin(SELLERS)]["person"].nunique()
    if sellers == 0:
        return no_metric(
            id, Text("В анкете нет продавцов с заполненным временем", "The questionnaire has no sellers with hours")
        )
    return metric(id, float(len(universal)), n=sellers, share=len(universal) / sellers)


def fragmentation_metric(answers: Answers, functions: pd.DataFrame, foreign: Metric) -> Metric:
    """Return `roles.fragmentation`: how many functions nobody owns or too many share."""
    id = "roles.fragmentation"
    if foreign.value is None:
        assert foreign.reason is not None
        return no_metric(id, foreign.reason)
    torn = functions[functions["fragmented"]]
    return metric(
        id,
        float(len(torn)),
        n=len(functions),
        orphans=int((~torn["owner_present"].astype(bool)).sum()),
        hours=float(torn["hours"].sum()),
    )


def ambiguous_titles_metric(staff: pd.DataFrame, reason: Text | None) -> Metric:
    """Return `roles.ambiguous_titles`: people called «менеджер по продажам» for whom no role was chosen.

    Nobody is mapped by that title alone. Somebody without a role and without a title counts too; a driver without a
    role does not: his title says what he is.
    """
    id = "roles.ambiguous_titles"
    if reason is not None:
        return no_metric(id, reason)
    open_ = staff[staff["role"].isna()]
    titles = [t if isinstance(t, str) else None for t in open_["title"]]
    bare = [p for p, t in zip(open_["person"], titles, strict=True) if t is None or names_no_role(t)]
    return metric(id, float(len(bare)), n=len(staff), without_role=len(open_))


def switching_metric(s: Switching | None, reason: Text) -> Metric:
    """Return `roles.switching` from the day log."""
    id = "roles.switching"
    if s is None or s.changes_per_hour.value is None:
        return no_metric(id, reason)
    e = s.changes_per_hour
    return metric(
        id,
        float(e.value or 0.0),
        low=None if e.low is None else max(e.low, 0.0),
        high=e.high,
        n=s.days,
        people=s.people,
        changes=s.changes,
        hours=s.hours,
        interrupted_share=s.interrupted_share,
        by_client=s.by_client,
        by_us=s.by_us,
    )


def first_person_keys(
    keys: pd.DataFrame,
    money: pd.DataFrame,
    roles: Mapping[str, Sequence[str]],
    *,
    strategic: Collection[str] = (),
    dominant_limit: float = 0.2,
) -> tuple[Metric, pd.DataFrame]:
    """Return the share of key clients' revenue led by the owner, the CEO or the commercial director, and the list.

    ``keys``: client_id, lead. ``money``: client_id, client_key, segment, revenue of the recent period. ``roles``:
    own roles of each person (not expanded). A first person who also holds a client manager's role leads by right.
    Key clients in ``strategic`` segments are left out: there first persons sell rightly. One client above
    ``dominant_limit`` of the figure: the figure without it is given beside.
    """
    id = "roles.keys_led_by_first_persons"
    by_key = {str(r["client_key"]): r for r in money.to_dict("records")}
    by_id = {str(r["client_id"]): r for r in money.to_dict("records") if isinstance(r["client_id"], str)}
    rows = []
    for r in keys.to_dict("records"):
        code = str(r["client_id"])
        found = by_id.get(code) or by_key.get(code)
        if found is None or not float(found["revenue"]) > 0 or found["segment"] in strategic:
            continue
        mine = [x for x in roles.get(str(r["lead"]), ()) if x]
        seller = any(method().roles[x].family == "KM" for x in mine)
        rows.append(
            {
                "client_key": str(found["client_key"]),
                "lead": str(r["lead"]),
                "revenue": float(found["revenue"]),
                "first_person": not seller and any(x in FIRST_PERSONS for x in mine),
            }
        )
    table = pd.DataFrame(rows, columns=["client_key", "lead", "revenue", "first_person"]).drop_duplicates("client_key")
    if table.empty:
        return no_metric(
            id,
            Text(
                "Ни у одного клиента с листа «Ключевые клиенты» нет выручки за последние 12 месяцев",
                "No client of the sheet “Key clients” has revenue in the last 12 months",
            ),
        ), table
    led = table["revenue"].where(table["first_person"].astype(bool), 0.0)
    extra: dict[str, Any] = {}
    d = dominant_unit(led.to_numpy(), table["revenue"].to_numpy(), dominant_limit)
    if d.index is not None:
        extra = {"dominant_share": d.share, "without_value": d.without}
    value = float(led.sum() / table["revenue"].sum())
    return metric(
        id, value, n=len(table), led=int(table["first_person"].sum()), revenue=float(table["revenue"].sum()), **extra
    ), table
