"""The summary: page one, scorecard, first 30 days, what the data could not tell. It reads finished findings only."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.errors import Lang, ParameterError, Text, did_you_mean
from audit.findings.finding import Finding
from audit.method import method
from audit.model.case import Case
from audit.model.result import Metric
from audit.present.blocks import (
    ActionView,
    Col,
    FindingView,
    Section,
    action_text,
    by_reason,
    executive_page,
    scorecard,
    severity_rank,
    table,
)
from audit.present.chart import Caption, Chart
from audit.present.format import NBSP, Fmt
from audit.present.narrative import Narrative
from audit.present.page_one import Planned, decision, mostly_silent, numbers, schedule, sure_line
from audit.present.proof import assumptions, evidence, grow
from audit.present.titles import chapter_title
from audit.present.views import (
    action_view,
    finding_from_json,
    finding_view,
    input_name,
    lower_first,
    metric_from_json,
    what_it_moves,
)
from audit.present.words import word

__all__ = ["SummaryView", "brief", "input_name", "is_priced", "money_spread", "price_words", "rank"]

MAX_HEADLINES = 5
_BEFORE_DETAILS = re.compile(r"[:(,]| — ")
"""A label says what is done; how stands in the table."""
_WEEKLY = frozenset(
    {"roles.entry_by_manager", "retention.sleeping_share", "retention.company_initiated_share"}
    | {f"service.{x}_share" for x in ("late", "short", "complaint", "document_error")}
)
"""What the orders of a single week show: a share within 365 days moves too slowly to steer by."""
_CERTAINTY = {"A": 1.0, "B": 0.8, "C": 0.6, "D": 0.0, None: 0.6}


def rank(finding: Finding) -> tuple[int, int, float, int]:
    """Order of the headline: found before watched, severe first, then money × certainty, then the catalogue.

    Certainty weighs the base effect by evidence grade: A 1, B 0.8, C 0.6, D 0 (nothing rests on a contradiction).
    """
    status = {"found": 0, "watch": 1}.get(finding.status, 2)
    money = finding.effect.base if finding.effect is not None else 0.0
    place = list(method().findings).index(finding.id)
    return status, severity_rank(finding.severity), -money * _CERTAINTY[finding.grade], place


def brief(text: str, limit: int = 230) -> str:
    """Return the first sentences of a text that fit into ``limit`` letters; always at least the first.

    A sentence ends at a stop that a capital letter follows, so that «2,5 млн. руб» or “approx. 5” ends none.
    """
    sentences = re.split(r"(?<=[.!?])\s+(?=[«“„\"(]?[A-ZА-ЯЁ])", text.strip())
    out = sentences[0]
    for sentence in sentences[1:]:
        if len(out) + 1 + len(sentence) > limit:
            break
        out = f"{out} {sentence}"
    return out


def price_words(findings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the sentence on the price needs beside the sum: the way advised first, whether prices overlap."""
    money = findings["money"]
    parts = sum(f["effect"]["base"] for f in findings["findings"] if f["id"] in money["findings"])
    return {
        "first": next((o for o in money["options"] if o["id"] == money["advised"]), None),
        "gross": money["advised"] is None and len(money["options"]) > 1,
        "overlap": money["headline"]["base"] < 0.95 * parts,
        "doubt": any(
            f["id"] == "roles.hours_implausible" and f["status"] == "found" and f.get("grade") != "D"
            for f in findings["findings"]
        ),
        "hours": any(f["id"] == "roles.km_overload" and f["status"] == "found" for f in findings["findings"]),
    }


def is_priced(money: Mapping[str, Any] | None) -> bool:
    """Whether there is a sum to tell: something found has a price, and no open question holds the sum back."""
    return bool(money and money["headline"] and money["headline"]["base"] > 0)


def money_spread(findings: Mapping[str, Any], narrative: Narrative, fmt: Fmt) -> Chart:
    """Draw what the sum hangs on: how far each figure moves it, the widest bar on top."""
    from audit.present.charts.money import tornado  # what only reads findings does not load matplotlib

    money, lang = findings["money"], narrative.lang

    def bar(x: Mapping[str, Any]) -> dict[str, Any]:
        name = input_name(x["input"], lang)
        return {**x, "name": f"{name[0].upper()}{name[1:]}{NBSP}—{NBSP}{fmt.share(x['share'])}"}

    rows = [bar(x) for x in money["spread"]]
    told = "; ".join(f"{r['name']}: {fmt.money(r['low'])}…{fmt.money(r['high'])}" for r in rows)
    title = str(narrative.section("summary", "money", "tornado").unescape())
    note = str(narrative.section("summary", "money", "tornado_note").unescape())
    caption = Caption("money-spread", title, alt=f"{title}. {told}", note=note)
    return tornado(caption, rows, money["headline"]["base"], fmt=fmt)


@dataclass(frozen=True)
class SummaryView:
    """The whole audit as the executive sees it; ``findings`` is the content of findings.json."""

    case: Case
    findings: Mapping[str, Any]

    @property
    def lang(self) -> Lang:
        """Language of the report."""
        return self.case.settings.report.lang

    @cached_property
    def fmt(self) -> Fmt:
        """Formats of numbers, dates and money."""
        return Fmt(self.lang, self.case.currency)

    @cached_property
    def narrative(self) -> Narrative:
        """The sentences of the report."""
        return Narrative(self.lang, self.fmt, {"company": self.case.company_name, "window": self.case.window})

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """All metrics by id."""
        return {k: metric_from_json(k, v) for k, v in self.findings["metrics"].items()}

    @cached_property
    def views(self) -> list[FindingView]:
        """Every finding with its words, in the order of the catalogue."""
        out = []
        for raw in self.findings["findings"]:
            f = finding_from_json(raw, self.lang)
            sheet = raw.get("table", "")
            out.append(
                finding_view(f, raw["title"], raw["text"], self.metrics, self.case.thresholds, self.fmt, sheet=sheet)
            )
        return out

    @cached_property
    def _disease(self) -> dict[str, str]:
        return {f["id"]: f["disease"] for f in self.findings["findings"] if "disease" in f}

    def symptoms(self, id: str) -> list[FindingView]:
        """The other findings of the same disease, told with the one that leads it."""
        return [v for v in self.views if v.finding.id != id and self._disease.get(v.finding.id) == id]

    def problems(self) -> list[FindingView]:
        """What is found or watched, one entry a disease."""
        return [v for v in self.views if self._disease.get(v.finding.id) == v.finding.id]

    def headlines(self) -> list[FindingView]:
        """The three to five problems of page one; nothing of grade D, watched ones only where few are found."""
        standing = [v for v in self.problems() if v.finding.grade != "D"]
        ordered = sorted(standing, key=lambda v: rank(v.finding))
        found = [v for v in ordered if v.finding.status == "found"][:MAX_HEADLINES]
        watched = [v for v in ordered if v.finding.status == "watch"]
        # The whole text stands on the finding's card; page one has room for what it begins with.
        return [self._told(v) for v in found + watched[: max(0, 3 - len(found))]]

    def _told(self, view: FindingView) -> FindingView:
        """Return a finding with what its text begins with, and the titles of its symptoms."""
        also = "; ".join(lower_first(str(v.title)) for v in self.symptoms(view.finding.id))
        symptoms = self._say("verdict", "symptoms", titles=also).unescape() if also else ""
        return replace(view, text=brief(str(view.text)), symptoms=str(symptoms))

    @cached_property
    def _plan(self) -> dict[str, ActionView]:
        """Every action of the audit in the order of the plan."""
        return {a["id"]: action_view(a["id"], self.fmt, a) for a in self.findings["actions"]}

    def first_steps(self) -> list[ActionView]:
        """The first four of the plan that wait for nothing; what takes longer than 30 days begins with its first step."""
        waiting = {a["id"]: set(a["after"]) for a in self.findings["actions"]}
        free = [v for id, v in self._plan.items() if not waiting[id]]
        return [v if v.horizon_days == 30 else self._begun(v) for v in free][:4]

    def _begun(self, action: ActionView) -> ActionView:
        return replace(action, text=self._say("plan", "begin", step=lower_first(str(action.first_step))))

    def all_actions(self) -> list[ActionView]:
        """Every action of the audit, in the order of the plan."""
        return list(self._plan.values())

    def plan_views(self) -> Mapping[str, ActionView]:
        """Every action of the audit by its id, in the order of the plan."""
        return self._plan

    @cached_property
    def day(self) -> dt.date:
        """The day of the report, from which the plan is dated."""
        return self.case.settings.report.day

    def _say(self, name: str, part: str, **values: Any) -> Markup:
        return self.narrative.section("summary", name, part, **values)

    def verdict(self) -> Markup:
        """The verdict in one sentence."""
        found = [v for v in self.problems() if v.finding.status == "found" and v.finding.grade != "D"]
        watched = [v for v in self.problems() if v.finding.status == "watch"]
        assessed = [v for v in self.views if v.finding.status in ("found", "watch", "clear")]
        top = sorted(found, key=lambda v: rank(v.finding))
        part = "none" if not assessed else "found" if top else "watch" if watched else "clear"
        return self._say(
            "verdict",
            part,
            found=len(found),
            watched=len(watched),
            assessed=len(assessed),
            first=lower_first(str(top[0].title)) if top else "",
            second=lower_first(str(top[1].title)) if len(top) > 1 else "",
            silent=mostly_silent(self),
            total=len(self.views),
        )

    def price(self) -> Markup:
        """What is found is worth a year, each client counted once; empty where nothing found has a price."""
        money = self.findings["money"]
        if money and money["headline"] is None:
            return self._say("price", "open", reason=money["reason"])
        if not is_priced(money):
            return Markup("")
        outside = [v.title for v in self.views if v.finding.id in money["outside"]]
        words = price_words(self.findings)
        way = self._say("options", money["advised"]) if words["first"] else ""
        return self._say("price", money["basis"], money=money, outside=outside, way=way, **words)

    def money(self) -> Section | None:
        """The business case: ways of acting side by side, what may be lost, what carries the spread."""
        money = self.findings["money"]
        if not money:
            return None
        fmt = self.fmt

        def label(part: str) -> str:
            return str(self._say("money", part).unescape())

        parts: list[Any] = [self.price()] if self.price() else []
        if is_priced(money):
            rows = [
                {
                    "way": str(self._say("options", o["id"]).unescape()),
                    "cost": None if o["cost"] is None else o["cost"]["year"],
                    "once": None if o["cost"] is None else o["cost"]["once"],
                    "gain": fmt.money_range(o["gain"]["low"], o["gain"]["base"], o["gain"]["high"]),
                    "net": fmt.money_range(*o["net"].values())
                    if o["net"] is not None
                    else label("unknown" if o["cost"] is None else "no_margin"),
                    "payback": o["payback_months"],
                }
                for o in money["options"]
            ]
            columns = [
                Col("way", label("way")),
                Col("cost", label("cost"), "money"),
                *([Col("once", label("once"), "money")] if any(r["once"] for r in rows) else []),
                Col("gain", label("gain"), "money", show=str),
                Col("net", label("net"), "money", show=str),
                Col("payback", label("payback"), "count"),
            ]
            if len(rows) > 1:  # «as now» alone is no choice
                parts += [self._say("money", "lead"), table(pd.DataFrame(rows), columns, fmt=fmt, sortable=False)]
            parts += self._ways(money["options"])
            if "retention.leaky_first_purchase" in money["findings"]:
                parts += [self._say("money", "reach")]
            if any(
                f["id"] == "roles.km_overload" and f["status"] in ("found", "watch") and f.get("facts", {}).get("spare")
                for f in self.findings["findings"]
            ):
                parts += [self._say("money", "spare")]
        if money["spread"]:
            widest = money["spread"][0]
            alone = len(money["spread"]) == 1  # a single bar is no picture
            one = lower_first(input_name(widest["input"], self.lang)) if alone else ""
            parts += [self._say("money", "spread", one=one, low=widest["low"], high=widest["high"])]
            if not alone:
                parts += [money_spread(self.findings, self.narrative, fmt)]
        unsure = [f for f in self.findings["findings"] if money["headline"] and f.get("could_add", 0.0) > 0]
        if unsure:
            more = "; ".join(f"{lower_first(f['title'])} — {fmt.money(f['could_add'])}" for f in unsure)
            parts += [self._say("money", "could_add", more=more)]
        if money["risk"]:
            names = {v.finding.id: str(v.title) for v in self.views}
            risk = pd.DataFrame(
                [{"what": names[r["finding"]], "chance": r["chance"], "stake": r["stake"]} for r in money["risk"]]
            )
            columns = [
                Col("what", label("what")),
                Col("chance", label("chance"), "share"),
                Col("stake", label("stake"), "money"),
            ]
            parts += [self._say("money", "risk"), table(risk, columns, fmt=fmt, sortable=False)]
        said = [
            Markup("<p>{}</p>").format(p) if isinstance(p, Markup) and not str(p).startswith("<") else p for p in parts
        ]
        return Section("money", label("title"), said, 2)

    def _ways(self, options: Sequence[Mapping[str, Any]]) -> list[Chart]:
        """The ways of acting whose net is known, side by side: net a year with its limits, and when it has paid back."""
        known = [o for o in options if o["id"] != "as_now" and o["net"] is not None]
        if len(known) < 2:
            return []
        from audit.present.charts.draw import bars

        def name(o: Mapping[str, Any]) -> str:
            way = str(self._say("options", o["id"]).unescape())
            months = o["payback_months"]
            part = "never" if months is None else "paid"
            return f"{way} ({self._say('money_chart', part, months=months).unescape()})"

        title = str(self._say("money_chart", "title").unescape())
        net = {k: [o["net"][k] for o in known] for k in ("low", "base", "high")}
        names = [name(o) for o in known]
        told = "; ".join(f"{x}: {self.fmt.money(v)}" for x, v in zip(names, net["base"], strict=True))
        note = str(self._say("money_chart", "note").unescape())
        caption = Caption("money-ways", title, alt=f"{title}. {told}", note=note)
        return [bars(caption, names, net["base"], fmt=self.fmt, unit="money", low=net["low"], high=net["high"])]

    def _control_sum(self) -> list[Markup]:
        """The total of a file that disagrees most with what was counted, if one does."""
        wrong = [c for c in self.case.intake.control_sums if not c.agrees]
        if not wrong:
            return []
        worst = max(wrong, key=lambda c: abs(c.counted - c.stated))
        return [
            self._say(
                "sure",
                "control_sum",
                file=worst.file,
                stated=worst.stated,
                counted=worst.counted,
                difference=worst.counted - worst.stated,
                more=len(wrong) - 1,
            )
        ]

    def executive(self) -> Section:
        """Page one: the verdict, three numbers, the problems, what to decide by when, how sure we are."""
        silent = sum(v.finding.status == "not_assessed" for v in self.views)
        care = [
            *(
                self._say(
                    "sure", "question", asked=lower_first(q.text.get(self.lang).rstrip(".")), more=len(questions) - 1
                )
                for questions in [self.case.intake.questions]
                for q in sorted(questions, key=lambda q: -q.share)[:1]
            ),
            *self._control_sum(),
        ]
        return executive_page(
            fmt=self.fmt,
            verdict=self.verdict(),
            numbers=numbers(self),
            findings=self.headlines(),
            decision=decision(self),
            how_sure=[sure_line(self), *care],
            nothing=self._say("verdict", "nothing")
            if silent == len(self.views)
            else self._say("verdict", "little", told=len(self.views) - silent, total=len(self.views))
            if mostly_silent(self)
            else None,
        )

    def scorecard(self) -> Section:
        """Every finding in one table, by chapter; what this version does not check is left to the list of limits."""
        groups = []
        for chapter in method().chapters:
            views = [v for v in self.views if v.finding.chapter == chapter]
            if any(v.finding.status != "not_assessed" for v in views):
                groups.append((chapter_title(chapter, self.lang), views))
        title = self._say("scorecard", "title")
        return Section("scorecard", str(title.unescape()), [scorecard(groups, self.fmt)], 2)

    def plan(self) -> Section | None:
        """The plan: every action with owner, day, what it waits for and proof; one figure to watch every week."""
        title = str(self._say("plan", "title").unescape())
        planned = schedule(self)
        if not planned:
            return Section("plan", title, [self._say("plan", "empty")], 2)

        def label(part: str, **values: Any) -> str:
            return str(self._say("schedule", part, **values).unescape())

        lang = self.lang
        frame = pd.DataFrame(
            [
                {
                    "number": str(p.number),
                    "action": action_text(self._plan[p.id], lang),
                    "owner": self._plan[p.id].owner if "(" in self._plan[p.id].owner else p.owner,
                    "until": p.until,
                    "after": ", ".join(map(str, p.after)),
                }
                for p in planned
            ],
            dtype=object,
        )
        columns = [
            Col("number", label("number")),
            Col("action", word("action", lang)),
            Col("owner", word("owner", lang)),
            Col("until", label("until"), "date"),
            Col("after", label("after")),
        ]
        listed = table(frame, columns, fmt=self.fmt, id="plan-table", sortable=False, paper_rows=None)
        parts = [label("lead", day=self.day), *self._weekly(planned), self._gantt(planned), listed]
        return Section("plan", title, parts, 2)

    def _gantt(self, planned: Sequence[Planned]) -> Chart:
        from audit.present.charts.plan import Bar, gantt  # what only reads findings does not load matplotlib

        names = {p.id: _BEFORE_DETAILS.split(str(self._plan[p.id].text))[0] for p in planned}
        bars = [Bar(p.number, names[p.id], p.begin, p.until, p.after, p.owner) for p in planned]
        told = "; ".join(
            f"{b.number}. {b.name}: {self.fmt.date_short(b.begin)} — {self.fmt.date_short(b.until)}" for b in bars
        )
        title = str(self._say("schedule", "chart").unescape())
        note = str(self._say("schedule", "chart_note").unescape())
        return gantt(Caption("plan-days", title, alt=f"{title}. {told}", note=note), bars, self.day, fmt=self.fmt)

    def _weekly(self, planned: Sequence[Planned]) -> list[str]:
        """The one figure to watch every week: that of the first action of the plan that has one."""
        for p, a in zip(planned, self.findings["actions"], strict=True):
            waiting = self._waiting(a)
            if waiting:
                return [str(self._say("schedule", "calls", n=waiting, owner=p.owner).unescape())]
            m = self.metrics.get(a.get("metric") or "")
            if m is None or m.value is None or m.id not in _WEEKLY:
                continue
            spec = method().metrics[m.id]
            goal = a.get("target")
            if goal is not None and (m.value <= goal if m.bad == "high" else m.value >= goal):
                continue  # it is where it should be: nothing to look at
            told = self._say(
                "schedule",
                "weekly",
                figure=lower_first(spec.name.get(self.lang)),
                now=self.fmt.metric(m),
                goal="" if goal is None else self.fmt.value(goal, m.unit),
                owner=p.owner,
            )
            return [str(told.unescape())]
        return [str(self._say("schedule", "begun", n=len(planned)).unescape())]

    def limits(self) -> Section:
        """What could not be told, what would settle it and what that could move, one row per reason."""
        groups = by_reason([v for v in self.views if v.finding.status in ("unclear", "not_assessed")], self.lang)
        names = ("reason", "findings", "moves")
        rows = [
            (
                reason,
                "; ".join(str(v.title) for v in vs),
                what_it_moves([v.finding.id for v in vs], self.findings["findings"], self.fmt),
            )
            for reason, vs in groups.items()
        ]
        frame = pd.DataFrame(rows, columns=names)
        columns = [Col(name, str(self._say("limits", name).unescape())) for name in names]
        body = table(frame, columns, fmt=self.fmt, sortable=False) if len(frame) else self._say("limits", "empty")
        return Section("limits", str(self._say("limits", "title").unescape()), [body], 2)

    def _waiting(self, action: Mapping[str, Any]) -> int:
        """New clients without a second purchase whom the route is to call, where the action is that route."""
        if action["id"] != "second_purchase_route":
            return 0
        facts = [f.get("facts", {}) for f in self.findings["findings"] if f["id"] in action.get("findings", ())]
        return max((int(f.get("waiting") or 0) for f in facts), default=0)

    @property
    def sections(self) -> list[str]:
        """Names of the summary's sections."""
        return list(self._parts)

    @property
    def _parts(self) -> dict[str, Callable[[], Section | None]]:
        return {
            "executive": self.executive,
            "scorecard": self.scorecard,
            "money": self.money,
            "plan": self.plan,
            "evidence": lambda: evidence(self),
            "grow": lambda: grow(self),
            "assumptions": lambda: assumptions(self),
            "limits": self.limits,
        }

    def section(self, name: str) -> Section | None:
        """Return one section of the summary."""
        if name not in self._parts:
            hint = did_you_mean(name, self._parts)
            raise ParameterError(
                Text(f"В сводке нет раздела «{name}»: {hint.ru}", f"The summary has no section “{name}”: {hint.en}")
            )
        return self._parts[name]()
