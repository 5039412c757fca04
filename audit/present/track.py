"""The track as a document: what moved and since when, each figure over the months, the verdicts, what limits it.

It reads the content that `audit.run.track` made and computes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.method import method
from audit.present.blocks import Col, Columns, Section, callout, join, key_figures, status_mark, table
from audit.present.chart import Benchmark, Caption, Chart
from audit.present.charts.track import over_time
from audit.present.compare import delta_text
from audit.present.format import DASH
from audit.present.report import ReportContext, frame_documents
from audit.present.titles import chapter_title
from audit.present.told import Told

__all__ = ["TrackView", "track_document"]

_MONTHS = 9
"""How many months a table shows, the newest; the CSV has them all."""


class TrackView(Told):
    """A track in words."""

    part = "track"

    def month(self, day: str) -> str:
        """Write the month of a day, short: 03.2025."""
        return f"{dt.date.fromisoformat(day):%m.%Y}"

    # --- what moved

    def moved(self, *verdicts: str) -> list[Mapping[str, Any]]:
        """Return the figures that moved beyond chance, the worse first."""
        asked = verdicts or ("worse", "better", "shifted")
        rows = [m for m in self.content["metrics"] if m["move"] and m["move"]["verdict"] in asked]
        return sorted(rows, key=lambda m: asked.index(m["move"]["verdict"]))

    def news(self) -> list[Mapping[str, Any]]:
        """Return the checks that are found now and were not at the point before."""
        return [f for f in self.content["findings"] if f.get("news")]

    def move(self, m: Mapping[str, Any]) -> str:
        """Say in one line how a figure moved, against when, and since when that is seen."""
        move = m["move"]
        was, now = (self.fmt.value(move[k]["value"], m["unit"]) for k in ("old", "new"))
        return self.plain(
            "moved",
            "line",
            figure=self.name(m["id"]),
            verdict=self.word("words", "verdict", move["verdict"]),
            was=was,
            now=now,
            delta=delta_text(move, m["unit"], self.fmt),
            against=move["against"],
            since=move["since"],
            first=move["since"] == self.content["period"]["as_of"],
        )

    def newly(self, f: Mapping[str, Any]) -> str:
        """Say in one line which check is found that was not."""
        return self.plain(
            "news",
            "line",
            title=f["points"][-1]["title"],
            was=self.word("words", "status", f["was"]),
            against=f["against"],
        )

    def verdict(self) -> Markup:
        """Return the verdict in one sentence."""
        worse, better = len(self.moved("worse")), len(self.moved("better"))
        tested = self.content["tested"]
        part = "moved" if worse or better else "none" if tested else "untested"
        return self.say("verdict", part, worse=worse, better=better, tested=tested)

    def _called(self, run: str) -> str:
        return self.plain("changes", "now") if run == "now" else run

    def changes(self) -> list[str]:
        """Say where method or kit changed between runs."""
        return [
            self.plain("changes", c["kind"], old=c["old"], new=c["new"], after=c["after"], run=self._called(c["name"]))
            for c in self.content["changes"]
        ]

    def warnings(self) -> list[str]:
        """Say what spoils the view: changes of the method, and runs that could not be read."""
        unread = [self.plain("care", "unread", run=u["name"], why=u["why"]) for u in self.content["unread"]]
        return [*self.changes(), *unread]

    # --- parts of the document

    def front(self) -> Markup:
        """Build page one."""
        points = self.content["points"]
        kinds = {k: sum(p["kind"] == k for p in points) for k in ("run", "quarter")}
        of_orders = sum(m["past"] for m in self.content["metrics"])
        keys = [
            (str(len(self.moved("worse"))), self.plain("key", "worse"), self.plain("key", "note")),
            (str(len(self.moved("better"))), self.plain("key", "better"), self.plain("key", "note")),
            (str(len(self.news())), self.plain("key", "news"), self.plain("key", "news_note")),
        ]
        lines = [self.move(m) for m in self.moved()]
        fresh = [self.newly(f) for f in self.news()]
        care = [
            self.say("care", "chance", **{k: self.content[k] for k in ("tested", "beyond_by_chance")}),
            self.say("care", "rule"),
            self.say("care", "past", of_orders=of_orders, runs_only=len(self.content["metrics"]) - of_orders, **kinds),
            self.say("care", "orders"),
            *self.warnings(),
            self.say("care", "csv"),
        ]
        parts = [
            Markup('<p class="km-verdict-sentence">{}</p>').format(self.verdict()),
            Markup('<p class="km-exec-lead">{}</p>').format(
                self.say("verdict", "lead", as_of=self.content["period"]["as_of"], **kinds)
            ),
            key_figures(keys),
            _listed(fresh),
            _listed(lines),
            callout(self.plain("care", "title"), _listed(care)),
        ]
        return Section("executive", self.plain("document", "title"), parts, 2, classes="km-executive").html

    def chart(self, m: Mapping[str, Any], mark: str) -> Chart:
        """Draw one figure over the months."""
        move = m["move"] or {}
        norm = None if m["norm"] is None else Benchmark(m["norm"], self.plain("chart", "norm"))
        beyond = move.get("verdict") in ("better", "worse", "shifted")
        note = self.plain("chart", "moved", since=move["since"]) if beyond else ""
        caption = Caption(
            f"{mark}-{m['id'].replace('.', '-')}",
            self.name(m["id"]),
            note=note or self.word("words", "verdict", move.get("verdict", "alone")),
            alt=self.plain(
                "chart",
                "alt",
                figure=self.name(m["id"]),
                values="; ".join(
                    f"{self.month(p['as_of'])} — {self.fmt.value(p['value'], m['unit'])}" for p in m["points"]
                ),
            ),
        )
        return over_time(
            caption,
            m["points"],
            unit=m["unit"],
            fmt=self.fmt,
            norm=norm,
            since=move.get("since", ""),
            verdict=move.get("verdict", ""),
        )

    def multiples(self, rows: Sequence[Mapping[str, Any]], mark: str) -> Markup:
        """Set the charts of some figures in pairs."""
        charts = [self.chart(m, mark) for m in rows]
        return join([Columns(tuple(charts[k : k + 2])) for k in range(0, len(charts), 2)])

    def months(self, rows: Sequence[Mapping[str, Any]], id: str) -> Markup:
        """Build the table of some figures: a row of months each, with intervals below the values, and the norm."""
        days = sorted({(p["as_of"], p["kind"] == "run") for m in rows for p in m["points"]})[-_MONTHS:]
        cols = [Col("name", self.plain("months", "measure")), Col("norm", self.plain("months", "norm"))]
        heads = {d: f"{self.month(d[0])}{' ◇' if d[1] else ''}" for d in days}
        cols += [Col(f"{d[0]}{d[1]}", heads[d]) for d in days]

        def cell(m: Mapping[str, Any], day: tuple[str, bool]) -> Any:
            found = [p for p in m["points"] if (p["as_of"], p["kind"] == "run") == day]
            if not found:
                return DASH
            p = found[-1]
            text = self.fmt.value(p["value"], m["unit"])
            if p["low"] is None or p["high"] is None:
                return text
            between = self.fmt.between(p["low"], p["high"], m["unit"])
            return Markup('{}<span class="km-sub">{}</span>').format(text, between)

        frame = pd.DataFrame(
            [
                {
                    "name": self.name(m["id"]),
                    "norm": DASH if m["norm"] is None else self.fmt.value(m["norm"], m["unit"]),
                }
                | {f"{d[0]}{d[1]}": cell(m, d) for d in days}
                for m in rows
            ],
            columns=[c.key for c in cols],
            dtype=object,
        )
        note = self.plain("months", "note") if any(d[1] for d in days) else ""
        return table(frame, cols, fmt=self.fmt, id=id, sortable=False, note=note, paper_rows=None)

    def findings(self) -> Markup:
        """Build the table of verdicts: a row of months each, as marks."""
        rows = [f for f in self.content["findings"] if len({p["as_of"] for p in f["points"]}) > 1]
        if not rows:
            return Markup("<p>{}</p>").format(self.say("findings", "empty"))
        days = sorted({(p["as_of"], p["kind"] == "run") for f in rows for p in f["points"]})[-_MONTHS:]
        cols = [Col("name", self.plain("findings", "check"))]
        cols += [Col(f"{d[0]}{d[1]}", f"{self.month(d[0])}{' ◇' if d[1] else ''}") for d in days]

        def cell(f: Mapping[str, Any], day: tuple[str, bool]) -> Any:
            found = [p for p in f["points"] if (p["as_of"], p["kind"] == "run") == day]
            return status_mark(found[-1]["status"], self.lang, word_too=False) if found else DASH

        frame = pd.DataFrame(
            [{"name": self.name(f["id"])} | {f"{d[0]}{d[1]}": cell(f, d) for d in days} for f in rows], dtype=object
        )
        lead = Markup("<p>{}</p>").format(self.say("findings", "lead"))
        return join([lead, table(frame, cols, fmt=self.fmt, id="verdicts", sortable=False, paper_rows=None)])


def _listed(items: Sequence[Any]) -> Markup:
    if not items:
        return Markup("")
    return Markup("<ul>{}</ul>").format(join((Markup("<li>{}</li>").format(x) for x in items), ""))


def track_document(content: Mapping[str, Any]) -> str:
    """Return the track as one HTML file."""
    view = TrackView(content)
    context = ReportContext(
        lang=view.lang,
        company=content["company"],
        title=view.plain("document", "title"),
        currency=content["currency"],
        period=content["period"],
        sale_type={
            **content["sale_type"],
            "name": method().sale_types[content["sale_type"]["used"]].name.get(view.lang),
        },
        dated=content["period"]["as_of"],
    )
    chapters = []
    if moved := view.moved():
        chapters.append(("moved", view.plain("moved", "title"), view.multiples(moved, "moved")))
    followed = [m for m in content["metrics"] if len({p["as_of"] for p in m["points"]}) > 1]
    for chapter in dict.fromkeys(m["id"].split(".")[0] for m in followed):
        rows = [m for m in followed if m["id"].startswith(f"{chapter}.")]
        body = join(
            [view.multiples([m for m in rows if m not in moved], "over-time"), view.months(rows, f"months-{chapter}")]
        )
        chapters.append((f"track-{chapter}", chapter_title(chapter, view.lang), body))
    chapters.append(("verdicts", view.plain("findings", "title"), view.findings()))
    return frame_documents(context, view.front(), chapters).html
