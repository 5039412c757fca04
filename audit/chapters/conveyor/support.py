"""Support: how many for a client manager now and after relief, where it sits, and what waiting is agreed.

EK: support sits inside sales where a fast reaction counts, in a department of its own where it does not (C, S); best is a
minimal group inside and the specialists outside.
"""

from __future__ import annotations

import pandas as pd

from audit.errors import Text
from audit.ground.answers import Answers
from audit.ground.hours import by_function
from audit.method import method
from audit.model.case import Case
from audit.model.questionnaire import TABLES
from audit.model.result import Metric, metric, no_metric

__all__ = ["agreed_days", "support"]

FAST = "TC"
SLOW = ("C", "CS", "S")
SELLING = ("LEAD", "HUNT", "FARM", "KAM")


def agreed_days(processes: pd.DataFrame) -> tuple[bool, float | None]:
    """Return whether the sheet «Процессы и сервисы» is there, and the longest time agreed for support, in days.

    Counted are the technical and the presale service and the functions of group SOLN; None where no time is agreed.
    """
    if processes.empty:
        return False, None
    codes = {"TECH", "PRESALE", *method().functions_of("SOLN")}
    days = pd.to_numeric(processes.loc[processes["process"].isin(codes), "sla_days"], errors="coerce").dropna()
    return True, float(days.max()) if len(days) else None


def support(case: Case, answers: Answers) -> list[Metric]:
    """Return the three figures of support: people for a client manager, where it sits, the waiting that is agreed."""
    known, days = agreed_days(case.questionnaire.table("processes"))
    wait = (
        no_metric(
            "model.support_wait_days",
            Text(
                "На листе «Процессы и сервисы» у технического и предпродажного сервиса нет срока"
                if known
                else "В анкете не заполнен лист «Процессы и сервисы»",
                "The sheet “Processes and services” gives no time for the technical or presale service"
                if known
                else "The questionnaire's sheet “Processes and services” is not filled in",
            ),
        )
        if days is None
        else metric("model.support_wait_days", days)
    )
    return [_per_manager(case, answers), _place(case, answers, known, days), wait]


def _per_manager(case: Case, answers: Answers) -> Metric:
    """Return support FTE per FTE of client managers; ``after``: what it would take once these are relieved.

    Support is called on by selling: if what can be handed over (hours × transferable share, middle) goes into selling, the
    same hours of support for an hour of selling ask for (selling + freed) ÷ selling times as many.
    """
    id, staff = "model.support_per_km", answers.staff
    managers = float(staff.loc[staff["family"] == "KM", "fte"].sum())
    people = float(staff.loc[staff["family"] == "SUP", "fte"].sum())
    if managers <= 0:
        return no_metric(id, Text("В анкете нет клиентских менеджеров", "The questionnaire has no client managers"))
    hours = by_function(answers.hours)
    mine = hours[hours["family"] == "KM"]
    selling = float(mine.loc[mine["group"].isin(SELLING), "hours"].sum())
    foreign = mine[(mine["group"] == "OPER") & (mine["kind"] == "foreign")]
    t = case.thresholds
    freed = sum(
        float(h) * t.range(f"roles.transferable_{f}")[1] for f, h in foreign.groupby("function")["hours"].sum().items()
    )
    now = people / managers
    after = now * (selling + freed) / selling if selling > 0 else None
    return metric(
        id, now, n=len(staff[staff["family"] == "KM"]), support_fte=people, km_fte=managers, after=after, freed=freed
    )


def _place(case: Case, answers: Answers, known: bool, days: float | None) -> Metric:
    """Return how far the place of support is from what the type needs: 0 fits, 1 not known, 2 does not fit.

    TC: inside, or a time agreed. C, CS, S: not wholly inside. Where a company sells in several types the fast one decides.
    """
    id, types = "model.support_place_gap", answers.norm.types
    sits = case.questionnaire.company.get("support_sits")
    slow = [t for t in types if t in SLOW]
    if FAST not in types and not slow:
        return no_metric(
            id,
            Text(
                "Не применяется: в транзакционных продажах поддержки в конвейере нет",
                "Does not apply: transactional sales have no support in the conveyor",
            ),
        )
    if sits is None:
        sheet = TABLES["company"]
        return no_metric(
            id,
            Text(
                f"На листе «{sheet.ru}» не указано, где находится поддержка",
                f"The sheet “{sheet.en}” does not say where support sits",
            ),
        )
    if sits == "none":
        return no_metric(
            id,
            Text(
                "Поддержки в компании нет: смотрите вывод о недостающих станциях",
                "The company has no support: see the finding about missing stations",
            ),
        )
    fast = FAST in types
    if fast:
        gap = 0.0 if sits != "outside" or days is not None else 2.0 if known else 1.0
    else:
        gap = 2.0 if sits == "inside" else 0.0
    return metric(id, gap, sits=sits, sla=days is not None, fast=fast, days=days)
