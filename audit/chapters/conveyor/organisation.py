"""The organisation: who reports to whom, and how many posts each station needs for the work that is done.

Sources: EK table 2 (stations of a type) and 1.2 (a client department has a head of its own); TS (purchasing stands apart
from selling). Spans, layers and the way posts are counted are the kit's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from audit.chapters.conveyor.stations import station_rows
from audit.errors import Text
from audit.ground.answers import Answers
from audit.ground.chain import Chain, make_chain
from audit.ground.entry import entry_hours_of, entry_minutes
from audit.ground.hours import by_function
from audit.ground.lacks import missing_sheets
from audit.ground.mixing import load
from audit.ground.norm import Norm
from audit.ground.people import labels
from audit.ground.period import since, to_year
from audit.ground.touches import touch_work
from audit.method import method
from audit.model.case import Case, sql_text
from audit.model.questionnaire import TABLES
from audit.model.result import Metric, metric, no_metric

__all__ = ["Organisation", "hours_in_doubt", "matrix_of", "organisation", "posts_of", "whose_hours"]

UNDER_SALES = ("ROP", "TM", "SR", "SOP", "KM", "UNI")
"""Whoever reports to one of these families stands under sales; under a commercial director all of trade stands together."""
TYPES_WITH_CLIENT_DEPARTMENT = {"TC", "C", "CS"}


@dataclass(frozen=True)
class Organisation:
    """Figures, tables and facts of the organisation."""

    metrics: list[Metric]
    tables: dict[str, pd.DataFrame]
    facts: dict[str, Any] = field(default_factory=dict)


def organisation(case: Case, answers: Answers, stations: pd.DataFrame) -> Organisation:
    """Return who reports to whom and the posts each station needs.

    Tables: ``people`` (one row per person present, in the order of the staff sheet: person, title, role, role2, family, head,
    level, reports, fte, foreign_share, pointed_at: a finding speaks of the person), ``posts`` (see `posts_of`), ``matrix`` (see
    `matrix_of`).
    """
    chain = make_chain(case.questionnaire.table("staff"), answers.staff["person"])
    shares = load(answers.hours, answers.staff).set_index("person")["foreign_share"]
    people = answers.staff[["person", "title", "role", "role2", "family", "fte"]].copy()
    people["head"] = [chain.head[p] for p in people["person"]]
    people["level"] = [chain.level(p) + 1 for p in people["person"]]
    people["reports"] = [len(chain.reports(p)) for p in people["person"]]
    people["foreign_share"] = people["person"].map(shares)
    names = labels(case)
    broken = {
        kind: [names[p] for p in chain.people if _broken(chain, p) == kind] for kind in ("none", "left", "circle")
    }
    spans, layers, wide = _spans(case, chain, names)
    without, heads = _without_head(case, chain, answers, names)
    buying, under = _buying(case, chain, names)
    people["pointed_at"] = people["person"].isin({*wide, *heads, *under})
    return Organisation(
        [spans, layers, without, buying, _used(case, answers)],
        {"people": people, "posts": posts_of(case, answers, stations), "matrix": matrix_of(answers)},
        {"organisation": {"known": chain.known, **broken}},
    )


def _broken(chain: Chain, person: str) -> str | None:
    """Return why a person has no head; that somebody who leads others reports to nobody needs no explanation."""
    why = chain.breaks.get(person)
    return None if why == "none" and chain.reports(person) else why


def _role(family: str | None) -> dict[str, str]:
    """Return a role's short name in both languages, for sentences."""
    if family is None:
        return {"ru": "роль не указана", "en": "no role given"}
    name = method().roles[family].short
    return {"ru": name.ru, "en": name.en}


def _no_chain() -> Text:
    spec = TABLES["staff"]
    column = spec.column("reports_to")
    assert column is not None
    return Text(
        f"На листе «{spec.ru}» не заполнен столбец «{column.ru}»",
        f"The column “{column.en}” of the sheet “{spec.en}” is not filled in",
    )


def _spans(case: Case, chain: Chain, names: Mapping[str, str]) -> tuple[Metric, Metric, list[str]]:
    span, layers = "model.span", "model.layers"
    if not chain.known:
        return no_metric(span, _no_chain()), no_metric(layers, _no_chain()), []
    heads = chain.heads
    widest = max(heads, key=lambda p: heads[p])
    limits = case.thresholds["model.wide_span"]
    assert limits.watch is not None
    wide = sorted((p for p in heads if heads[p] >= limits.watch), key=lambda p: -heads[p])
    shown = [{"person": names[p], "reports": heads[p], **_role(chain.family[p])} for p in wide]
    told = chain.layers
    return (
        metric(span, float(heads[widest]), n=len(heads), wide=shown),
        no_metric(layers, Text("Ни у одного продавца руководитель не указан", "No seller has a head given"))
        if told is None
        else metric(layers, float(told), n=len(chain.people)),
        wide,
    )


def _without_head(case: Case, chain: Chain, answers: Answers, names: Mapping[str, str]) -> tuple[Metric, list[str]]:
    id = "model.client_managers_without_head"
    if not TYPES_WITH_CLIENT_DEPARTMENT & set(answers.norm.types):
        return no_metric(
            id,
            Text(
                "Клиентский отдел со своим руководителем нужен в смешанных и консультационных продажах",
                "A client department with a head of its own belongs to mixed and consultative sales",
            ),
        ), []
    missing = missing_sheets(case, "staff")
    if missing is not None:
        return no_metric(id, missing), []
    managers = [p for p in chain.people if chain.family[p] == "KM"]
    least = case.thresholds["model.no_client_head"].watch
    assert least is not None
    if len(managers) < least:
        return no_metric(
            id,
            Text(
                f"Клиентских менеджеров — {len(managers)}: отдел со своим руководителем нужен от {least:g}",
                f"{len(managers)} client managers: a department with a head of its own is needed from {least:g}",
            ),
        ), []
    placed = [p for p in managers if chain.head[p] is not None or chain.reports(p)]
    if not placed:
        return no_metric(id, _no_chain()), []
    alone = [p for p in placed if not _in_client_department(chain, p)]
    heads = list(dict.fromkeys(h for p in alone if (h := chain.head[p]) is not None))
    shown = [{"person": names[h], "reports": len(chain.reports(h)), **_role(chain.family[h])} for h in heads]
    band = case.thresholds["model.no_client_head"]
    return metric(id, float(len(alone)), n=len(placed), heads=shown), heads if len(alone) >= (band.watch or 0) else []


def _in_client_department(chain: Chain, person: str) -> bool:
    head = chain.head[person]
    return chain.is_client_head(person) or (head is not None and chain.is_client_head(head))


def _buying(case: Case, chain: Chain, names: Mapping[str, str]) -> tuple[Metric, list[str]]:
    id = "model.buying_under_sales"
    missing = missing_sheets(case, "staff")
    if missing is not None:
        return no_metric(id, missing), []
    buyers = [p for p in chain.people if chain.family[p] == "PUR"]
    if not buyers:
        return no_metric(
            id, Text("На листе «Сотрудники» нет закупщиков", "There are no purchasing people on the sheet “Staff”")
        ), []
    placed = {p: h for p in buyers if (h := chain.head[p]) is not None}
    if not placed:
        return no_metric(id, _no_chain()), []
    under = [p for p, h in placed.items() if chain.family[h] in UNDER_SALES]
    heads = [{"person": names[h], **_role(chain.family[h])} for h in dict.fromkeys(placed[p] for p in under)]
    return metric(id, float(len(under)), n=len(placed), heads=heads), under


def whose_hours(answers: Answers) -> pd.DataFrame:
    """Return the posts that the work of every station takes, whoever does it now.

    Each person's FTE is divided over the stations whose work fills the hours, overhead in proportion; whoever gave no hours
    counts at the own station: nothing is lost and nothing is added. Foreign hours go to the station that owns the
    function; own and allowed ones stay with whoever does them. Grain: person × station family with ``fte``, ``hours`` and
    ``foreign`` (the hours are another station's).
    """
    rows = _stationed(answers)
    out = rows.groupby(["person", "family", "station", "foreign"], sort=False)["hours"].sum().reset_index()
    fte = answers.staff.set_index("person")["fte"]
    total = out.groupby("person")["hours"].transform("sum")
    # where nobody's role is chosen there is no row, and a column of nothing has no numbers of its own
    out["fte"] = (
        out["hours"].astype(float) / total.astype(float).where(total > 0) * out["person"].map(fte).astype(float)
    )
    silent = answers.staff[~answers.staff["person"].isin(out["person"]) & answers.staff["family"].notna()]
    rest = silent[["person", "family", "fte"]].assign(station=silent["family"], foreign=False, hours=0.0)
    return pd.concat([out, rest], ignore_index=True) if len(rest) else out


def _stationed(answers: Answers) -> pd.DataFrame:
    """Return the hours by function with the station whose posts they fill, and whether they are another station's."""
    hours = by_function(answers.hours)
    rows = hours[hours["kind"].isin(["own", "allowed", "foreign"]) & hours["family"].notna()].copy()
    roles = method().roles
    rows["station"] = [
        roles[str(o)].family if k == "foreign" and o is not None else f
        for k, o, f in zip(rows["kind"], rows["owner"], rows["family"], strict=True)
    ]
    # a second role's work is that role's: whose own function it is decides
    own = rows["kind"] == "own"
    rows.loc[own, "station"] = [roles[str(o)].family for o in rows.loc[own, "owner"]]
    rows["foreign"] = rows["kind"] == "foreign"
    return rows


def matrix_of(answers: Answers) -> pd.DataFrame:
    """Return who does what beside whose work it is: the annex to job descriptions.

    Grain: one row per function of the conveyor × family that has hours on it, owns it or may do it × its norm, functions in
    the order of the code list. Columns: function, group, family, norm (``own``, ``allowed`` or ``foreign``), hours a month,
    people. Where parts of the business are of several types, a family's hours may be its own in one and foreign in another.
    """
    norm = answers.norm
    families = list(dict.fromkeys(answers.staff["family"].dropna()))
    rows = by_function(answers.hours)
    rows = rows.assign(
        norm=[
            _cell(norm.for_part(p), f, family)
            for p, f, family in zip(rows["part"], rows["function"], rows["family"], strict=True)
        ]
    )
    keys = ["function", "family", "norm"]
    sums = rows.groupby(keys).agg(hours=("hours", "sum"), people=("person", "nunique")).to_dict("index")
    out = []
    for code, spec in method().functions.items():
        if spec.group == "OVHD" or not norm.in_conveyor(code):
            continue
        for family in families:
            told = {k: v for k in ("own", "allowed", "foreign") if (v := sums.get((code, family, k)))}
            kind = _cell(norm, code, family)
            if not told and kind != "foreign":
                told = {kind: {"hours": 0.0, "people": 0}}
            out += [(code, spec.group, str(family), k, float(v["hours"]), int(v["people"])) for k, v in told.items()]
    return pd.DataFrame(out, columns=["function", "group", "family", "norm", "hours", "people"])


def _cell(norm: Norm, function: str, family: str) -> str:
    """Return whose work a function is to a family: own, allowed or foreign."""
    roles = method().roles
    if function not in method().functions:
        return "foreign"  # overhead given by group: no row of the matrix
    if family in {roles[r].family for r in norm.primary(function)}:
        return "own"
    return "allowed" if family in {roles[r].family for r in norm.allowed(function)} else "foreign"


def posts_of(case: Case, answers: Answers, stations: pd.DataFrame) -> pd.DataFrame:
    """Return posts now and needed, station by station.

    Grain: one row per station of the conveyor. ``now``: FTE; ``by_hours``: FTE whose hours go to the station's functions,
    whoever does them (`whose_hours`): with an answer for everybody they sum to the staff there is; ``by_demand``: the same
    with measured demand in place of the reported hours, where it is known (client managers: clients × touch norm in place
    of time with clients; order desk: documents × minutes in place of reported entry), else NaN; ``low``, ``high``: the two
    (client managers whose clients need more than the hours told: the demand alone) rounded to halves, at least half a post
    where the type requires the station; ``moved``: hours a month from each family.
    Heads are not stations: their own work stays with them. Empty where nobody's time is known. While the hours told are not
    to be believed (`hours_in_doubt`) no station shows more than one post beyond today's: the first step.
    """
    columns = ["station", "required", "now", "by_hours", "by_demand", "low", "high", "moved"]
    if answers.reason is not None:
        return pd.DataFrame(columns=columns)
    spread, first_step = whose_hours(answers), hours_in_doubt(case, answers)
    rows = []
    for row in stations.to_dict("records"):
        station = str(row["station"])
        mine = spread[spread["station"] == method().roles[station].family]
        by_hours = float(mine["fte"].sum())
        by_demand = _by_demand(case, answers, station, mine)
        known = [x for x in (by_hours, by_demand) if not np.isnan(x)]
        if station == "KM" and by_demand > by_hours:
            known = [by_demand]  # hours that the work of others crowds out say nothing about what clients need
        ends = sorted(_halves(x, bool(row["required"])) for x in known)
        now = float(row["fte"])
        if first_step:
            ends = [min(x, max(now + 1.0, 0.5)) for x in ends]
        moved = mine[mine["foreign"]].groupby("family")["hours"].sum()
        rows.append(
            {
                "station": station,
                "required": bool(row["required"]),
                "now": now,
                "by_hours": by_hours,
                "by_demand": by_demand,
                "low": ends[0],
                "high": ends[-1],
                "moved": {str(f): float(h) for f, h in moved.sort_values(ascending=False).items()},
            }
        )
    return pd.DataFrame(rows, columns=columns)


def hours_in_doubt(case: Case, answers: Answers) -> bool:
    """Tell whether the client managers' hours of order entry are found not to fit their documents."""
    e, limits = entry_hours_of(case, answers), case.thresholds["roles.hours_implausible"]
    assert limits.found is not None and limits.watch is not None
    if e is None or e.told < case.thresholds.value("roles.implausible_least_share") * e.hours:
        return False
    return e.ratio >= limits.found and e.told_low / e.traced >= limits.watch


def _halves(fte: float, required: bool) -> float:
    return max(round(2 * fte) / 2, 0.5 if required else 0.0)


def _by_demand(case: Case, answers: Answers, station: str, mine: pd.DataFrame) -> float:
    """Return the posts of a station by measured demand; NaN where demand is not known."""
    rows = _stationed(answers)
    # demand stands in place of the hours that count for this station, whoever spends them; not of those of another
    rows = rows[rows["station"] == station]
    rows = rows[station_rows(rows, station, answers.norm)]
    documents, lines = _documents(case)
    if station == "KM":
        touches = touch_work(case)
        if touches is None or touches.asked.empty:
            return float("nan")
        reported = rows[rows["group"] == "FARM"]
        asked = touches.hours
    elif station == "OP":
        per_order, per_line = entry_minutes(case)
        if documents == 0:
            return float("nan")
        reported = rows[rows["function"] == "OPS_ORDER"]
        asked = (documents * per_order + lines * per_line) / 60
    else:
        return float("nan")
    in_place = float(reported["hours"].sum())
    hours = float(mine["hours"].sum())
    if hours <= 0:
        return float("nan")
    return float(mine["fte"].sum()) * max(hours - in_place + asked, 0.0) / hours


def _used(case: Case, answers: Answers) -> Metric:
    """Return which part of the client managers' hours is used if clients take what the touch norm asks for.

    The norm × clients stands in place of the hours reported with clients, all else as reported: the mirror of overload.
    """
    id = "model.km_capacity_used"
    hours = answers.hours[answers.hours["family"] == "KM"]
    reason = answers.reason
    if reason is None and hours.empty:
        reason = Text(
            "В анкете нет клиентских менеджеров с заполненным временем",
            "The questionnaire has no client managers with hours",
        )
    touches = touch_work(case)
    if reason is None and touches is None:
        spec = TABLES["company"]
        reason = Text(
            f"На листе «{spec.ru}» нет нормы касаний: сколько раз в месяц менеджер связывается с клиентом и сколько минут "
            "это занимает",
            f"The sheet “{spec.en}” has no touch norm: how often a month a manager contacts a client, and for how many minutes",
        )
    if reason is not None or touches is None:
        return no_metric(id, reason or Text("", ""))
    asked = touches.hours
    held = float(hours["hours"].sum())
    reported = float(hours.loc[hours["group"] == "FARM", "hours"].sum())
    used = held - reported + asked
    return metric(
        id,
        used / held,
        n=hours["person"].nunique(),
        hours=held,
        reported=reported,
        asked=asked,
        **touches.counts,
        free=max(held - used, 0.0),
    )


def _documents(case: Case) -> tuple[float, float]:
    """Return the recent period's documents and their lines a month."""
    row = case.query(sql_text("audit.ground", "documents"), since=since(case)).iloc[0]
    a_month = to_year(case) / 12
    return int(row["documents"]) * a_month, int(row["lines"]) * a_month
