"""What page one stands on: three numbers, the decision asked for with its date, how sure we are in a line.

It reads finished findings only. Where a number is not known its place says so: the page looks the same for every input.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.method import method
from audit.present.format import DASH
from audit.present.views import lower_first, owner_words

if TYPE_CHECKING:
    from audit.present.summary import SummaryView

__all__ = ["DECIDE_DAYS", "Planned", "decision", "free_hours", "mostly_silent", "numbers", "schedule", "sure_line"]

DECIDE_DAYS = 14
"""Days that a management needs to read a report, meet and decide."""
_LEAST_DAYS = 15
"""Days that an action has for itself where what it waits for ends on the same day."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An action of the plan with its place: number, first and last day, what it waits for by number, who answers."""

    id: str
    number: int
    begin: dt.date
    until: dt.date
    after: tuple[int, ...]
    owner: str
    net: float | None


def schedule(s: SummaryView) -> list[Planned]:
    """Return the plan with dates: an action begins when all that it waits for is done, and ends within its term.

    Where what it waits for ends on its own last day, it begins fifteen days before that.
    """
    day = s.day
    made: dict[str, Planned] = {}
    for number, a in enumerate(s.findings["actions"], 1):
        until = day + dt.timedelta(days=a.get("horizon_days") or 90)
        waits = [made[x] for x in a.get("after", ()) if x in made]
        begin = max((w.until for w in waits), default=day)
        begin = max(day, min(begin, until - dt.timedelta(days=_LEAST_DAYS)))
        owner = owner_words(a["owner"], "", s.lang)
        person = a.get("person")
        told = f"{owner} ({person})" if person and person != owner else owner
        made[a["id"]] = Planned(a["id"], number, begin, until, tuple(w.number for w in waits), told, a.get("net"))
    return list(made.values())


def _facts(s: SummaryView, id: str, *statuses: str) -> Mapping[str, Any]:
    for f in s.findings["findings"]:
        if f["id"] == id and f["status"] in statuses:
            facts: Mapping[str, Any] = f.get("facts", {})
            return facts
    return {}


_BAD = ("found", "watch")
_TOLD = (*_BAD, "clear", "unclear")


def numbers(s: SummaryView) -> list[tuple[str, str, str]]:
    """Return hours, clients and money: value, what it is, remark."""
    return [_hours(s), _clients(s), _money(s)]


def _say(s: SummaryView, part: str, **values: Any) -> str:
    return str(s.narrative.section("summary", "numbers", part, **values).unescape())


def _hours(s: SummaryView) -> tuple[str, str, str]:
    f = _facts(s, "roles.km_overload", *_TOLD)
    if f.get("hours") is None or f.get("value") is None:
        return _say(s, "unknown"), _say(s, "hours_unknown"), _why(s, "roles.km_overload")
    if round(f["hours"]) < 1 or f["value"] < f.get("watch", 0.0):
        free = free_hours(s.findings)
        note = _say(s, "calm_note", share=f["value"], found=f["found"])
        if free is not None:
            return _say(s, "own", hours=free), _say(s, "own_name"), note
        return _say(s, "calm"), _say(s, "calm_name"), note
    note = _say(s, "hours_note", share=f["value"], found=f["found"])
    return _say(s, "hours", hours=f["hours"]), _say(s, "hours_name"), note


def free_hours(findings: Mapping[str, Any]) -> float | None:
    """Return the hours a month that client managers have beyond what their clients need; None where there are none."""
    b: Mapping[str, Any] = next(
        (f.get("facts", {}) for f in findings["findings"] if f["id"] == "ownership.overloaded_book"), {}
    )
    if b.get("left") is None or b.get("needed") is None or round(b["left"] - b["needed"]) < 1:
        return None
    return float(b["left"] - b["needed"])


def _clients(s: SummaryView) -> tuple[str, str, str]:
    f = _facts(s, "retention.leaky_first_purchase", *_BAD)
    if f.get("missing_a_year"):
        note = _say(s, "missing_note", value=f["value"], norm=f["norm"])
        return _say(s, "clients", n=f["missing_a_year"]), _say(s, "missing_name"), note
    f = _facts(s, "retention.revenue_leak", *_TOLD)
    if f.get("lost_clients") is not None and f.get("value") is not None:
        note = _say(s, "lost_note", of=f["clients_n"], value=f["value"])
        return _say(s, "clients", n=f["lost_clients"]), _say(s, "lost_name"), note
    return _say(s, "unknown"), _say(s, "clients_unknown"), _why(s, "retention.revenue_leak")


def _money(s: SummaryView) -> tuple[str, str, str]:
    money, fmt = s.findings["money"], s.fmt
    if money and money["headline"] is None:
        return _say(s, "unknown"), _say(s, "money_open"), ""
    if money and money["headline"]["base"] > 0:
        way = next((o for o in money["options"] if o["id"] == money["advised"] and o["net"]), None)
        told = money["headline"] if way is None else way["net"]
        name = (
            _say(s, "money_name_gross")
            if way is None
            else _say(s, "money_name_net", way=s.narrative.section("summary", "options", way["id"]).unescape())
        )
        note = _say(s, "money_note", low=fmt.money(told["low"]), high=fmt.money(told["high"]))
        return fmt.money(told["base"]), name, note
    f = _facts(s, "base.wallet_headroom", "clear", *_BAD)
    if f.get("headroom"):
        return fmt.money(f["headroom"]), _say(s, "outside"), _say(s, "outside_note", share=f["value"])
    return DASH, _say(s, "money_none"), ""


def _why(s: SummaryView, id: str) -> str:
    view = next((v for v in s.views if v.finding.id == id), None)
    reason = view.finding.reason if view is not None else None
    return "" if reason is None else reason.get(s.lang)


def mostly_silent(s: SummaryView) -> bool:
    """Whether the data tell about less than half of the checks: no company may then be called healthy."""
    return 2 * sum(v.finding.status in ("unclear", "not_assessed") for v in s.views) > len(s.views)


def decision(s: SummaryView) -> tuple[str, list[str]]:
    """Return what is asked of the reader, and by when: for each of the two first problems, its first action."""

    def say(part: str, **values: Any) -> str:
        return str(s.narrative.section("summary", "decision", part, **values).unescape())

    title = say("title", by=s.day + dt.timedelta(days=DECIDE_DAYS))
    plan = {p.id: p for p in schedule(s)}
    if not plan:
        part, section = ("bring", "limits") if mostly_silent(s) else ("keep", "grow")
        return title, [say(part, title=s.narrative.section("summary", section, "title").unescape())]
    views, owners = s.plan_views(), {a["id"]: _in_full(s, a) for a in s.findings["actions"]}
    asked: list[str] = []
    for problem in [*s.headlines()[:2], None]:
        own = {v.finding.id for v in s.symptoms(problem.finding.id)} | {problem.finding.id} if problem else None
        for a in s.findings["actions"]:
            p = plan[a["id"]]
            if p.after or a["id"] in asked or (own is not None and not own & set(a.get("findings", ()))):
                continue
            if own is not None or not asked:
                asked.append(a["id"])
            break
    items = [
        say("action", text=str(views[id].text).rstrip("."), owner=owners[id], until=plan[id].until) for id in asked[:2]
    ]
    if len(plan) > len(items):
        items.append(say("more", n=len(plan), title=s.narrative.section("summary", "plan", "title").unescape()))
    return title, items


def _in_full(s: SummaryView, action: Mapping[str, Any]) -> str:
    """Return who answers, spelt out: page one needs no glossary."""
    name = method().roles[action["owner"]].name.get(s.lang)
    name, person = lower_first(name), action.get("person")
    if not person:
        return name
    return f"{name[:-1]}, {person})" if name.endswith(")") else f"{name} ({person})"


def sure_line(s: SummaryView) -> str:
    """Say in one line how sure we are: rows in the figures, sources behind the problems, checks that tell nothing."""
    i, w = s.case.intake, s.case.window
    found = [v for v in s.problems() if v.finding.status == "found"]
    several = sum(v.finding.grade in ("A", "B") for v in found)
    graded = s.narrative.section("summary", "sure_line", "graded", n=len(found), several=several) if found else ""
    told = s.narrative.section(
        "summary",
        "sure_line",
        "line",
        rows_used=i.rows_used,
        rows_read=i.rows_read - i.service_rows,
        start=w.start,
        end=w.as_of,
        graded=str(graded),
        little=mostly_silent(s),
        silent=sum(v.finding.status in ("unclear", "not_assessed") for v in s.views),
        total=len(s.views),
    )
    return str(told.unescape())
