"""What stands behind the conclusions and beside them: proof of each problem, where to grow, what carries the money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from audit.method import method
from audit.present.blocks import Col, FindingView, Section, table
from audit.present.page_one import free_hours
from audit.present.screen import piece
from audit.present.tree import Block, Heading, List, Paragraph
from audit.present.views import input_name, lower_first
from audit.present.words import source_text

if TYPE_CHECKING:
    from audit.present.summary import SummaryView

__all__ = ["assumptions", "evidence", "evidence_id", "grow", "growth"]


def evidence_id(finding: str) -> str:
    """Return the anchor of what stands behind a problem."""
    return "evidence-" + finding.replace(".", "-").replace("_", "-")


def _said(s: SummaryView, section: str, part: str, **values: Any) -> str:
    return str(s.narrative.section("summary", section, part, **values).unescape())


_OTHER = {"roles": "source_roles", "retention": "source_clients", "base": "source_clients", "service": "source_clients"}


def evidence(s: SummaryView) -> Section | None:
    """Say of every problem what was measured against what limit, what would change the verdict and what would settle it."""
    problems = s.headlines()
    if not problems:
        return None
    blocks: list[Block] = []
    for v in problems:
        blocks.append(Heading(2, (str(v.title),), evidence_id(v.finding.id)))
        blocks.append(List(tuple((Paragraph((x,)),) for x in _of(s, v))))
    return Section("evidence", _said(s, "evidence", "title"), [piece(b) for b in blocks], 2)


def _of(s: SummaryView, v: FindingView) -> list[str]:
    fmt, f = s.fmt, v.finding

    def say(part: str, **values: Any) -> str:
        return _said(s, "evidence", part, **values)

    out: list[str] = []
    m, band = v.metric, v.band
    if m is not None and m.value is not None and band is not None:
        high = band.bad == "high"
        limits = {k: fmt.value(getattr(band, k), m.unit) for k in ("found", "watch")}
        out.append(say(f"limit_{band.bad}", value=fmt.metric(m), interval=fmt.interval(m), **limits))
        passed = band.found if f.status == "found" else band.watch
        edge = m.low if high else m.high
        if edge is not None:
            limit = limits["found" if f.status == "found" else "watch"]
            out.append(say("change", high=high, limit=limit, sure=edge >= passed if high else edge < passed))
    other = say(_OTHER.get(f.chapter, "source_rules"))
    part = {"A": "three_sources", "B": "two_sources", "C": "one_source", "D": "conflict"}.get(f.grade or "")
    if part:
        out.append(say(part, other=other))
    if f.effect is not None and f.effect.inputs:
        out.append(say("price", formula=f.effect.formula.get(s.lang), inputs=_inputs(s, f.effect.inputs)))
    also = s.symptoms(f.id)
    if also:
        out.append(say("with", titles="; ".join(lower_first(str(x.title)) for x in also)))
    return out


def _inputs(s: SummaryView, inputs: Mapping[str, float]) -> str:
    told = []
    for id, value in inputs.items():
        unit = (
            method().metrics[id].unit
            if id in method().metrics
            else s.case.thresholds[id].unit
            if id in s.case.thresholds.items
            else ""
        )
        try:
            name = input_name(id, s.lang)
        except KeyError:
            continue
        if not unit:
            unit = "money" if abs(value) >= 1000 else "share" if 0 < value < 1 else "count"
        told.append(f"{lower_first(name)} — {s.fmt.value(value, unit)}")
    return "; ".join(told)


def growth(s: SummaryView) -> list[dict[str, str]]:
    """Return where there is room to grow: what key clients buy elsewhere, what is not taken, who fell silent, free hours."""
    facts = {f["id"]: f.get("facts", {}) for f in s.findings["findings"]}
    fmt = s.fmt
    rows: list[dict[str, str]] = []

    def say(part: str, **values: Any) -> str:
        return _said(s, "grow", part, **values)

    def add(name: str, much: str, **values: Any) -> None:
        rows.append({"where": say(name), "much": much, "what": say(f"{name}_do", **values)})

    w = facts.get("base.wallet_headroom", {})
    if w.get("headroom"):
        add("wallet", fmt.money(w["headroom"], per_year=True), names="; ".join(w.get("names", ())[:3]))
    r = facts.get("base.range_gap", {})
    if r.get("with_gap"):
        top = ", ".join(f"«{t['category']}»" if s.lang == "ru" else f"“{t['category']}”" for t in r.get("top", ())[:3])
        add("range", say("range_much", n=r["with_gap"], of=r["n"], top=top))
    k = facts.get("retention.sleeping_clients", {})
    if k.get("clients") and k.get("at_stake"):
        add("sleepers", say("sleepers_much", n=k["clients"], stake=k["at_stake"]))
    free = free_hours(s.findings)
    if free is not None:
        add("capacity", say("capacity_much", free=free))
    market = s.metrics.get("model.market_reserve")
    if market is not None and market.value is not None and market.value > 0:
        years = int(market.value)
        add("market", say("market_much", years=years) if 1 <= years <= 20 else say("market_many") if years else "< 1")
    return rows


def grow(s: SummaryView) -> Section:
    """List where there is room to grow."""
    rows = growth(s)

    def say(part: str) -> str:
        return _said(s, "grow", part)

    title = say("title")
    if not rows:
        return Section("grow", title, [say("empty")], 2)
    columns = [Col("where", say("where")), Col("much", say("how_much")), Col("what", say("what"))]
    listed = table(pd.DataFrame(rows), columns, fmt=s.fmt, sortable=False, paper_rows=None)
    return Section("grow", title, [s.narrative.section("summary", "grow", "lead"), listed], 2)


def assumptions(s: SummaryView) -> Section:
    """List the assumptions that carry the money: from least to most, with the reason and who says so."""
    used: list[str] = []
    for f in s.findings["findings"]:
        used += [x for x in (f.get("effect") or {}).get("inputs", {}) if x in s.case.thresholds.items and x not in used]
    used += [
        x["input"]
        for x in (s.findings["money"] or {}).get("spread", ())
        if x["input"] in s.case.thresholds.items and x["input"] not in used
    ]

    def say(part: str) -> str:
        return _said(s, "assumptions", part)

    rows = []
    for id in used:
        t = s.case.thresholds[id]
        if t.base is None:
            continue
        reason = t.reason.ru if s.lang == "ru" else t.reason.en
        rows.append(
            {
                "what": reason[:1].upper() + reason[1:],
                "range": " / ".join(s.fmt.value(v, t.unit) for v in (t.low, t.base, t.high)),
                "why": source_text(t.source, s.lang),
            }
        )
    if not rows:
        return Section("assumptions", say("title"), [say("none")], 2)
    columns = [Col("what", say("what")), Col("range", say("range")), Col("why", say("why"))]
    listed = table(pd.DataFrame(rows), columns, fmt=s.fmt, sortable=False, paper_rows=None)
    return Section("assumptions", say("title"), [say("lead"), listed], 2)
