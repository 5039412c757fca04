"""Three numbers for the head of sales, each week, from the newest export: one screen, and one line for a messenger.

They are counts and hours of the whole department: nobody is named, neither a client nor a manager.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.chapters import diagnose_chapter
from audit.chapters.roles.daylog import clean_log
from audit.errors import Lang, ParameterError, Text
from audit.ground.answers import read_answers
from audit.ground.newcomers import mark_new
from audit.model.case import Case, open_prepared
from audit.present.week import week_line, week_page
from audit.run.cases import cache_folder
from audit.run.inputs import Inputs
from audit.run.past import cut_case
from audit.run.prepare import prepare
from audit.stats.intervals import clopper_pearson, ratio_t

__all__ = ["operational_hours", "past_rhythm", "second_purchases", "week_numbers", "write_week"]

DAYS = 90
LOG_DAYS = 28


def second_purchases(case: Case) -> dict[str, Any]:
    """Count second purchases of the last 90 days, by new clients whose first was at most a year before.

    ``before``: the same count in the same 90 days a year earlier, or in the 90 days before where the orders do not reach
    so far (``against`` says which); missing where neither can be told, because a client first seen near the beginning of
    the export may have bought before it. ``chance``: whether two equal years differ as much (exact binomial, 95 %).
    ``first``: first purchases of new clients in the last 90 days.
    """
    w, clients = case.window, case.clients()
    new = clients[mark_new(clients, w)]
    gap = (new["second_day"] - new["first_day"]).dt.days

    def seconds(until: dt.date) -> int:
        here = new["second_day"].between(pd.Timestamp(until - dt.timedelta(DAYS - 1)), pd.Timestamp(until))
        return int((here & (gap <= case.window.horizon_days)).sum())

    def reached(until: dt.date) -> bool:
        return until - dt.timedelta(DAYS - 1 + w.horizon_days) >= w.new_from

    since = pd.Timestamp(w.as_of - dt.timedelta(DAYS - 1))
    out: dict[str, Any] = {"value": seconds(w.as_of), "first": int((new["first_day"] >= since).sum())}
    if not reached(w.as_of):
        return out | {"value": None}
    for against, back in (("year", 365), ("quarter", DAYS)):
        until = w.as_of - dt.timedelta(back)
        if reached(until):
            a, b = seconds(until), out["value"]
            low, high = clopper_pearson(b, a + b)
            return out | {"before": a, "against": against, "chance": low <= 0.5 <= high}
    return out


def past_rhythm(case: Case) -> dict[str, Any]:
    """Count the regular clients past their own rhythm: late, and asleep (``asleep`` with the revenue at stake)."""
    m = diagnose_chapter(case, "retention").result.metrics["retention.sleeping_share"]
    if m.value is None:
        return {"value": None}
    late, asleep = int(m.extra["late_clients"]), int(m.extra["clients"])
    return {
        "value": late + asleep,
        "asleep": asleep,
        "regular": int(m.extra["regular_clients"]),
        "at_stake": float(m.extra["at_stake"]),
    }


def operational_hours(case: Case) -> dict[str, Any]:
    """Return operational hours a person and day in the last four weeks of the day log, of those who sell.

    Client managers; where nobody logs as one, those who sell. The share of the logged hours has its interval over
    person-days. ``until`` is the last day logged.
    """
    answers = read_answers(case)
    if not case.questionnaire.has("day_log") or answers.staff.empty:
        return {"value": None}
    log = clean_log(
        case.questionnaire.table("day_log"), answers.staff, case.thresholds.value("roles.day_log_min_hours_day")
    )
    for families in (("KM",), ("SR", "SOP")):
        days = log.days[log.days["family"].isin(families)]
        if len(days):
            break
    if not len(days):
        return {"value": None}
    stamp = pd.to_datetime(days["date"])
    days = days[stamp > stamp.max() - pd.Timedelta(LOG_DAYS, "D")]
    done = log.rows[log.rows["group"] == "OPER"].groupby(["person", "date"])["hours"].sum()
    hours = done.reindex(pd.MultiIndex.from_frame(days[["person", "date"]])).fillna(0.0).to_numpy(dtype=float)
    share = ratio_t(hours, days["hours"].to_numpy(dtype=float), bounds=(0.0, 1.0))
    return {
        "value": float(hours.mean()),
        "sellers": "KM" not in families,
        "share": share.value,
        "low": share.low,
        "high": share.high,
        "days": len(days),
        "people": int(days["person"].nunique()),
        "since": str(pd.to_datetime(days["date"]).min())[:10],
        "until": str(stamp.max())[:10],
    }


def week_numbers(inputs: Inputs) -> dict[str, Any]:
    """Return the three numbers of the newest data, and of the week before where that is of the orders."""
    cache = cache_folder() if inputs.folder is None else inputs.folder.absolute() / ".km-audit" / "prepared"
    prepared = prepare(inputs, cache)
    case = open_prepared(prepared, inputs.settings)
    try:
        out: dict[str, Any] = {
            "company": case.company_name,
            "currency": case.currency,
            "as_of": case.window.as_of.isoformat(),
            "second_purchases": second_purchases(case),
            "past_rhythm": past_rhythm(case),
            "operational_hours": operational_hours(case),
        }
        week_ago = case.window.as_of - dt.timedelta(7)
        enough = week_ago - dt.timedelta(case.window.horizon_days) >= case.window.start
    finally:
        case.close()
    if out["past_rhythm"]["value"] is not None and enough:
        stage = cache_folder() / "week-ago"
        stage.parent.mkdir(parents=True, exist_ok=True)
        with cut_case(prepared, week_ago, inputs.settings, stage) as before:
            out["past_rhythm"]["before"] = past_rhythm(before)["value"]
    return out


def write_week(numbers: Mapping[str, Any], lang: Lang, out: Path) -> tuple[list[Path], str]:
    """Write week.html and week.txt into a folder; return the files and the line."""
    if out.exists() and not out.is_dir():
        raise ParameterError(Text(f"{out} — файл, а не папка", f"{out} is a file, not a folder"), where="--out")
    out.mkdir(parents=True, exist_ok=True)
    line = week_line(numbers, lang)
    made = []
    for name, text in (("week.html", week_page(numbers, lang)), ("week.txt", f"{line}\n")):
        aside = out / f".{name}.partial-{os.getpid()}"
        try:
            aside.write_text(text, encoding="utf-8", newline="\n")
            os.replace(aside, out / name)
        finally:
            aside.unlink(missing_ok=True)
        made.append(out / name)
    return made, line
