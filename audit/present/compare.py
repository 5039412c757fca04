"""The follow-up audit as a document: verdict, targets of the plan, changed verdicts, every figure, what limits it.

It reads the content of compare.json (see `audit.run.compare`), computes nothing, and looks like the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from audit.method import method
from audit.present.blocks import Col, Section, callout, join, key_figures, status_mark, table
from audit.present.chart import Caption
from audit.present.charts.compare import before_after
from audit.present.format import DASH, NBSP, Fmt
from audit.present.report import Documents, ReportContext, frame_documents
from audit.present.titles import chapter_title
from audit.present.told import Told
from audit.present.words import word

__all__ = ["ComparisonView", "comparison_documents", "delta_text"]

_ORDER = (
    "worse",
    "better",
    "shifted",
    "unjudged",
    "within",
    "incomparable",
    "only_old",
    "only_new",
    "unchanged",
    "neither",
)
_BEYOND = ("better", "worse", "shifted")
_MET = ("met", "met_unsure", "was_met")
_MAX_DRAWN = 14
_MAX_LISTED = 8
"""How many changed verdicts page one names; the chapter has them all."""


class ComparisonView(Told):
    """A comparison in words."""

    part = "compare"

    @property
    def currency(self) -> str:
        """The newer audit's currency."""
        currency: str = self.content["new"]["currency"]
        return currency

    # --- counts

    def counts(self) -> dict[str, int]:
        """Return the numbers of page one."""
        figures, verdicts = self.content["counts"]["metrics"], self.content["counts"]["findings"]
        targets = [a for a in self.content["actions"] if a["target"] is not None]
        return {
            "better": figures.get("better", 0),
            "worse": figures.get("worse", 0),
            "within": figures.get("within", 0),
            "improved": verdicts.get("improved", 0),
            "worsened": verdicts.get("worsened", 0),
            "same": verdicts.get("same", 0),
            "targets": len(targets),
            "met": sum(a["status"] in _MET for a in targets),
            "tested": self.content["tested"],
        }

    def verdict(self) -> Markup:
        """Return the verdict in one sentence."""
        c = self.counts()
        part = "both" if c["better"] and c["worse"] else "better" if c["better"] else "worse" if c["worse"] else "none"
        return self.say("verdict", part, **c, by_chance=self.content["beyond_by_chance"])

    def editions(self) -> list[str]:
        """Say where the method or the kit changed between the two audits."""
        told = [c for c in self.content["changes"] if c["kind"] in ("method", "version")]
        return [self.plain("care", f"changed_{c['kind']}", was=c["old"], now=c["new"]) for c in told]

    # --- figures in words

    def value(self, side: Mapping[str, Any] | None, unit: str | None) -> str:
        """Write one side's value with its interval below it."""
        if side is None or side.get("value") is None:
            return DASH
        return self.fmt.value(side["value"], unit or "ratio")

    def delta(self, row: Mapping[str, Any]) -> str:
        """Write a change: points for shares, the unit itself for the rest, with the interval of the difference."""
        return delta_text(row, row["unit"], self.fmt) if "delta" in row else ""

    def verdict_word(self, row: Mapping[str, Any]) -> str:
        """Say what a row means, with a star where the windows overlap."""
        return self.word("figures", "verdict", row["verdict"]) + ("*" if row.get("overlap") else "")

    def cause(self, row: Mapping[str, Any]) -> str:
        """Say why two figures cannot be compared."""
        cause = row.get("cause")
        if not cause:
            reason = (row.get("new") or {}).get("reason") or (row.get("old") or {}).get("reason") or ""
            return str(reason)
        name = self.word("method", "kind", cause["kind"])
        if cause["kind"] == "threshold":
            return f"{name}: {self._threshold_name(cause['id'])}"
        return f"{name}: {self._setting(cause['old'])} → {self._setting(cause['new'])}"

    def _setting(self, value: Any) -> str:
        if value is None:
            return DASH
        if isinstance(value, Mapping):
            return ", ".join(
                f"{k} {self.fmt.num(v, 4, trim=True) if isinstance(v, int | float) else v}"
                for k, v in value.items()
                if k != "unit"
            )
        return self.fmt.num(value, 2, trim=True) if isinstance(value, int | float) else str(value)

    def _threshold_name(self, id: str) -> str:
        return method().describe(id, self.lang)

    def led(self, f: Mapping[str, Any]) -> tuple[str, str]:
        """Return the leading figure of a finding before and after; empty where it has none."""
        m = next((m for m in self.content["metrics"] if m["id"] == f.get("metric")), None)
        if m is None:
            return "", ""
        return tuple("" if (v := self.value(m[k], m["unit"])) == DASH else v for k in ("old", "new"))  # type: ignore[return-value]

    def chance(self, f: Mapping[str, Any]) -> str:
        """Say whether the move of a finding's figure is beyond chance."""
        known = f.get("beyond_chance")
        return self.word("findings", "chance", "unknown" if known is None else "yes" if known else "no")

    def worth(self) -> str:
        """Say what everything found was worth a year, before and after, or why the sums are not the same money."""
        money = self.content.get("money")
        if not money:
            return ""
        if "apart" in money:
            return self.plain("verdict", "apart", why=self.word("verdict", "why", money["apart"]))
        of = word(f"effect_{money['basis']}", self.lang)
        was, now = (
            self.fmt.money_range(*(money[k][p] for p in ("low", "base", "high")), per_year=True, of=of)
            if money[k]["high"]
            else ""
            for k in ("old", "new")
        )

        def named(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
            return [{**r, "name": self.name(r["finding"])} for r in rows]

        return self.plain(
            "verdict",
            "worth",
            was=was,
            now=now,
            same=money["same"],
            entered=named(money["entered"]),
            left=named(money["left"]),
        )

    # --- parts of the document

    def front(self) -> Markup:
        """Build page one."""
        c = self.counts()
        keys = [
            (str(c["better"]), self.plain("key", "better"), self.plain("key", "beyond_note")),
            (str(c["worse"]), self.plain("key", "worse"), self.plain("key", "beyond_note")),
            (str(c["within"]), self.plain("key", "within"), self.plain("key", "within_note")),
        ]
        if c["targets"]:
            keys.append((str(c["met"]), self.plain("key", "met"), self.plain("key", "met_note", **c)))
        w = self.content["windows"]
        care = [
            self.say(
                "care", "overlap", days=w["overlap_days"], share=w["overlap_share"], recent=w["recent_overlap_days"]
            )
            if w["overlap_days"]
            else self.say("care", "apart"),
            self.say("care", "chance", tested=c["tested"], expected=self.content["beyond_by_chance"])
            if c["tested"]
            else None,
            self.say("care", "cause"),
            *self.editions(),
        ]
        names = [self.content[s]["company"] for s in ("old", "new")]
        if names[0] != names[1]:
            care.insert(0, self.say("care", "company", was=names[0], now=names[1]))
        listed = Markup("<ul>{}</ul>").format(join((Markup("<li>{}</li>").format(x) for x in care if x), ""))
        worth = self.worth()
        parts = [
            Markup('<p class="km-verdict-sentence">{}</p>').format(self.verdict()),
            Markup('<p class="km-exec-lead">{}</p>').format(self.say("verdict", "lead", **c)),
            key_figures(keys),
            Markup('<p class="km-exec-lead">{}</p>').format(worth) if worth else Markup(""),
            self.changed(),
            callout(self.plain("care", "title"), listed),
        ]
        return Section("executive", self.plain("document", "title"), parts, 2, classes="km-executive").html

    def changed(self) -> Markup:
        """List the verdicts that got worse and better, each with its figure and whether chance explains the move."""
        rows = [f for k in ("worsened", "improved") for f in self.content["findings"] if f["change"] == k]
        if not rows:
            return Markup("")
        lines = []
        for f in rows[:_MAX_LISTED]:
            was, now = self.led(f)
            told = self.plain("findings", "line", check=self.name(f["id"]), was=was, now=now, chance=self.chance(f))
            marks = (status_mark(f[side]["status"], self.lang) for side in ("old", "new"))
            lines.append(Markup("<li>{} → {} {}</li>").format(*marks, told))
        more = len(rows) - _MAX_LISTED
        if more > 0:
            lines.append(Markup("<li>{}</li>").format(self.plain("findings", "more", n=more)))
        return Markup('<ul class="km-changed">{}</ul>').format(join(lines, ""))

    def actions(self) -> Markup:
        """Build the table of the plan: target, before, after, whether it is met."""
        rows = self.content["actions"]
        if not rows:
            return Markup("<p>{}</p>").format(self.say("actions", "empty"))

        def target(a: Mapping[str, Any]) -> str:
            if a["metric"] is None or a["target"] is None:
                return DASH
            if a["metric"] in method().metrics:
                return self._narrative.target(a["metric"], a["target"])
            return self.fmt.value(a["target"], a.get("unit") or "ratio")

        def status(a: Mapping[str, Any]) -> Markup:
            why = self.word("actions", "why", a["why"]) if a.get("why") else ""
            shape = {"met": "●", "met_unsure": "◆", "was_met": "●"}.get(a["status"], "○")
            if a["status"] == "unknown":
                shape = "–"
            sub = Markup('<span class="km-sub">{}</span>').format(why) if why else ""
            return Markup("{}{}{}{}").format(shape, NBSP, self.word("actions", "status", a["status"]), sub)

        lang = self.lang
        frame = pd.DataFrame(
            [
                {
                    "action": Markup('{}<span class="km-sub">{}</span>').format(
                        self.name(a["id"]),
                        method().roles[a["owner"]].short.get(lang) if a["owner"] in method().roles else a["owner"],
                    ),
                    "metric": self.name(a["metric"]) if a["metric"] else DASH,
                    "target": target(a),
                    "old": self.fmt.value(a["old"], a["unit"]) if a.get("old") is not None else DASH,
                    "new": self.fmt.value(a["new"], a["unit"]) if a.get("new") is not None else DASH,
                    "status": status(a),
                }
                for a in rows
            ],
            dtype=object,
        )
        heads = {
            "action": ("Действие", "Action"),
            "metric": ("Показатель", "Measure"),
            "target": ("Цель", "Target"),
            "old": ("Было", "Before"),
            "new": ("Стало", "After"),
            "status": ("Достигнута?", "Met?"),
        }
        cols = [Col(k, ru if lang == "ru" else en) for k, (ru, en) in heads.items()]
        return join(
            [Markup("<p>{}</p>").format(self.say("actions", "lead")), table(frame, cols, fmt=self.fmt, id="targets")]
        )

    def findings(self) -> Markup:
        """Build the table of changed verdicts."""
        rows = [f for f in self.content["findings"] if f["change"] != "same"]
        same = self.content["counts"]["findings"].get("same", 0)
        tail = Markup("<p>{}</p>").format(self.say("findings", "same", n=same)) if same else None
        if not rows:
            return join([Markup("<p>{}</p>").format(self.say("findings", "empty")), tail])
        order = ("worsened", "improved", "incomparable", "now_assessed", "no_longer_assessed")
        rows = sorted(rows, key=lambda f: order.index(f["change"]))
        lang = self.lang

        def meaning(f: Mapping[str, Any]) -> Markup:
            sub = ""
            if f["change"] in ("improved", "worsened"):
                sub = self.chance(f)
            elif f["change"] == "no_longer_assessed":
                sub = str(f["new"].get("reason", ""))
            elif f["change"] == "incomparable":
                sub = self.cause(f)
            return Markup("{}{}").format(
                self.word("findings", "change", f["change"]),
                Markup('<span class="km-sub">{}</span>').format(sub) if sub else "",
            )

        def state(f: Mapping[str, Any], side: str) -> Markup:
            figure = self.led(f)[("old", "new").index(side)]
            sub = Markup('<span class="km-sub">{}</span>').format(figure) if figure else ""
            return Markup("{}{}").format(status_mark(f[side]["status"], lang), sub)

        frame = pd.DataFrame(
            [
                {"name": self.name(f["id"]), "old": state(f, "old"), "new": state(f, "new"), "change": meaning(f)}
                for f in rows
            ],
            dtype=object,
        )
        head = ("Проверка", "Было", "Стало", "Изменение") if lang == "ru" else ("Check", "Before", "After", "Change")
        cols = [Col(k, label) for k, label in zip(("name", "old", "new", "change"), head, strict=True)]
        lead = Markup("<p>{}</p>").format(self.say("findings", "lead"))
        return join([lead, table(frame, cols, fmt=self.fmt, id="changed"), tail])

    def moved(self) -> Markup:
        """Draw the shares that moved beyond chance."""
        rows = [m for m in self.content["metrics"] if m["verdict"] in _BEYOND and m["unit"] == "share"]
        rows = sorted(rows, key=lambda m: (_ORDER.index(m["verdict"]), -abs(m["delta"])))[:_MAX_DRAWN]
        if not rows:
            return Markup("<p>{}</p>").format(self.say("moved", "empty"))
        better, worse = (sum(m["verdict"] == v for m in rows) for v in ("better", "worse"))
        caption = Caption(
            "compare-moved",
            self.plain("moved", "chart", better=better, worse=worse, shown=len(rows)),
            note=self.plain("moved", "note"),
            subtitle=self.plain("moved", "subtitle"),
        )
        return before_after(caption, [{**m, "label": self.name(m["id"])} for m in rows], fmt=self.fmt).html

    def figures(self) -> Markup:
        """Build the table of every figure, by chapter in the order of the catalogue."""
        rows = [m for m in self.content["metrics"] if m["verdict"] != "neither"]
        rows = sorted(rows, key=lambda m: _ORDER.index(m["verdict"]))

        def side(m: Mapping[str, Any], key: str) -> Markup:
            part = m[key]
            span = ""
            if part and part.get("low") is not None and part.get("high") is not None and part["value"] is not None:
                span = self.fmt.between(part["low"], part["high"], m["unit"])
            return Markup("{}{}").format(
                self.value(part, m["unit"]), Markup('<span class="km-sub">{}</span>').format(span) if span else ""
            )

        def meaning(m: Mapping[str, Any]) -> Markup:
            why = self.cause(m) if m["verdict"] in ("incomparable", "only_old") else ""
            return Markup("{}{}").format(
                self.verdict_word(m), Markup('<span class="km-sub">{}</span>').format(why) if why else ""
            )

        frame = pd.DataFrame(
            [
                {
                    "name": Markup('{}<span class="km-sub">{}</span>').format(self.name(m["id"]), m["id"]),
                    "old": side(m, "old"),
                    "new": side(m, "new"),
                    "delta": self.delta(m),
                    "verdict": meaning(m),
                }
                for m in rows
            ],
            columns=["name", "old", "new", "delta", "verdict"],
            dtype=object,
        )
        heads = {"name": "measure", "old": "old", "new": "new", "delta": "delta", "verdict": "verdict"}
        cols = [Col(k, self.word("figures", "head", part)) for k, part in heads.items()]
        star = any(m.get("overlap") for m in rows)
        return join(
            [
                Markup("<p>{}</p>").format(self.say("figures", "lead")),
                table(
                    frame, cols, fmt=self.fmt, id="figures", note=self.plain("figures", "note_overlap") if star else ""
                ),
            ]
        )

    def measuring(self) -> Markup:
        """Build the list of what changed in the method, and how differences were judged."""
        changes = self.content["changes"]
        body: list[Any] = []
        if changes:
            frame = pd.DataFrame(
                [
                    {
                        "what": (
                            self._threshold_name(c["id"]) if c.get("id") else self.word("method", "kind", c["kind"])
                        ),
                        "old": self._setting(c["old"]),
                        "new": self._setting(c["new"]),
                        "where": self._scope(c),
                    }
                    for c in changes
                ],
                dtype=object,
            )
            head = ("what", "old", "new", "where")
            labels = (
                self.plain("method", "what"),
                self.word("figures", "head", "old"),
                self.word("figures", "head", "new"),
                self.plain("method", "where"),
            )
            cols = [Col(k, label) for k, label in zip(head, labels, strict=True)]
            lead = Markup("<p>{}</p>").format(self.say("method", "lead"))
            body = [lead, table(frame, cols, fmt=self.fmt, id="changes", sortable=False)]
        else:
            body = [Markup("<p>{}</p>").format(self.say("method", "empty"))]
        return join([*body, Markup('<p class="km-note">{}</p>').format(self.say("method", "interval"))])

    def _scope(self, change: Mapping[str, Any]) -> str:
        scope: Sequence[str] = change["scope"]
        if not scope:
            return self.word("method", "scope", "none")
        named = [
            self.word("method", "scope", "chapter", chapter=chapter_title(s[:-1], self.lang))
            if s.endswith(".")
            else self.name(s)
            for s in scope
        ]
        return ", ".join(named[:6]) + ("…" if len(named) > 6 else "")


def delta_text(row: Mapping[str, Any], unit: str, fmt: Fmt) -> str:
    """Write a change: points for shares, the unit itself for the rest, with the interval of the difference.

    Where both limits would read the same, one more digit tells them apart.
    """
    if "delta_low" not in row:
        return _amount(row["delta"], unit, fmt)
    for more in (0, 1, 2) if row["delta_low"] != row["delta_high"] else (0,):
        low, high = (_amount(row[k], unit, fmt, bare=True, more=more) for k in ("delta_low", "delta_high"))
        if low != high:
            break
    return f"{_amount(row['delta'], unit, fmt, more=more)} ({low}…{high})"


def _amount(x: float, unit: str, fmt: Fmt, *, bare: bool = False, more: int = 0) -> str:
    sign = "+" if x > 0 else ""
    if unit in ("share", "points", "change", "share/year"):
        digits = (1 if abs(x) < 0.0995 else 0) + more
        points = fmt.points(x, digits)
        return points.split(NBSP)[0] if bare else points
    if unit in ("money", "money/year"):
        return sign + fmt.money(x)
    return sign + fmt.num(x, (1 if abs(x) >= 10 else 2) + more, trim=True)


def comparison_documents(content: Mapping[str, Any]) -> Documents:
    """Build the comparison, for the browser and for paper, from the content of compare.json."""
    view = ComparisonView(content)
    new = content["new"]
    context = ReportContext(
        lang=view.lang,
        company=new["company"],
        title=view.plain("document", "title"),
        currency=new["currency"],
        period={k: new["period"].get(k) for k in ("start", "end", "as_of")},
        sale_type={**new["sale_type"], "name": method().sale_types[new["sale_type"]["used"]].name.get(view.lang)},
        dated=new["period"]["as_of"],
    )
    chapters = [
        ("targets", view.plain("actions", "title"), view.actions()),
        ("changed-verdicts", view.plain("findings", "title"), view.findings()),
        ("moved", view.plain("moved", "title"), view.moved()),
        ("every-figure", view.plain("figures", "title"), view.figures()),
        ("measuring", view.plain("method", "title"), view.measuring()),
    ]
    return frame_documents(context, view.front(), chapters)
