"""An engagement over time: every run, every past quarter-end that the orders allow, and the newest data.

Each figure is a row of points with its 95 % interval and norm. Whether it moved is judged by the rule of the follow-up
audit (`audit.run.compare`): the newest point against the latest one a whole «last 12 months» before it. Figures of the
orders are judged among quarter-ends, which one method computed from one export; the others among runs, where that is
comparable. The *turn* is the first of the unbroken row of points, ending now, at which that test says the same.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from audit.errors import InputError, Lang, ParameterError, PreparedError, Text
from audit.method import method
from audit.present.track import track_document
from audit.run.compare import Run, changes_between, metric_row, read_run, spoiled, windows_of
from audit.run.inputs import Inputs
from audit.run.past import OF_THE_LENGTH, read_past
from audit.run.screen import write_screen
from audit.run.versions import kit_version

__all__ = ["Point", "Track", "alarms", "track_engagement", "track_of", "write_track"]

Kind = Literal["run", "quarter", "now"]
_ORDER: Mapping[str, int] = {"run": 0, "quarter": 1, "now": 2}
_BEYOND = ("better", "worse", "shifted")


@dataclass(frozen=True)
class Point:
    """One day of an engagement: a run delivered, a quarter-end computed from today's orders, or the newest data."""

    kind: Kind
    run: Run

    @property
    def as_of(self) -> dt.date:
        """The day of which it tells."""
        return self.run.day("as_of")

    def metric(self, id: str) -> Mapping[str, Any] | None:
        """Return a figure; None where it has no value."""
        m = self.run.findings["metrics"].get(id)
        return m if m is not None and m["value"] is not None else None

    def finding(self, id: str) -> Mapping[str, Any] | None:
        """Return a verdict."""
        return next((f for f in self.run.findings["findings"] if f["id"] == id), None)


@dataclass(frozen=True)
class Track:
    """A finished track; ``content`` is plain JSON values, ``points`` what they were made of."""

    content: Mapping[str, Any]
    points: tuple[Point, ...]


def track_engagement(inputs: Inputs, lang: Lang | None = None, tell: Callable[[dt.date], None] | None = None) -> Track:
    """Track an engagement folder; ``tell`` hears every day that has to be computed."""
    assert inputs.folder is not None
    now = write_screen(inputs, None)
    past = read_past(inputs, now, tell)
    runs, unread = _runs(inputs.folder)
    points = [Point("run", run) for run in runs]
    points += [Point("quarter", Run(day.isoformat(), f, kit_version())) for day, f in past.quarters.items()]
    points.append(Point("now", Run("now", now, kit_version())))
    return track_of(points, past.metrics, past.findings, lang or now["lang"], unread)


def _runs(folder: Path) -> tuple[list[Run], list[dict[str, str]]]:
    """Return the finished runs of an engagement, and those that cannot be read with the reason."""
    runs, unread = [], []
    for path in sorted(p for p in (folder / "runs").glob("*") if p.is_dir() and not p.is_symlink()):
        if path.name.startswith(".") or path.name == "latest":
            continue
        try:
            runs.append(read_run(path))
        except PreparedError as e:
            unread.append({"name": path.name, "why": str(e.what)})
    return runs, unread


def track_of(
    points: Sequence[Point],
    metrics: frozenset[str],
    findings: frozenset[str],
    lang: Lang,
    unread: Sequence[Mapping[str, str]] = (),
) -> Track:
    """Put the points of one company in order and judge what moved; ``metrics``, ``findings`` have a past of their own."""
    ordered = sorted(points, key=lambda p: (p.as_of, _ORDER[p.kind], p.run.name))
    now = next(p for p in ordered if p.kind == "now")
    if any(p.as_of > now.as_of for p in ordered):
        late = max(ordered, key=lambda p: p.as_of)
        raise InputError(
            Text(
                f"Аудит {late.run.name} смотрит на {late.as_of}, а заказы кончаются {now.as_of}",
                f"The run {late.run.name} is as of {late.as_of}, but the orders end on {now.as_of}",
            ),
            where="orders",
            todo=Text("Положите в папку orders новую выгрузку", "Put the newest export into the folder orders"),
        )
    shown = now.run.findings
    rows = [
        _metric(id, _series(ordered, id in metrics), id in metrics)
        for id in shown["metrics"]
        if any(p.metric(id) for p in _series(ordered, id in metrics))
    ]
    verdicts = [
        _finding(f["id"], _series(ordered, f["id"] in findings), f["id"] in findings) for f in shown["findings"]
    ]
    tested = [r for r in rows if r["move"] is not None and "delta_low" in r["move"]]
    return Track(
        {
            "schema": "km-audit-track/1",
            "lang": lang,
            "company": shown["company"]["name"],
            "currency": shown["company"]["currency"],
            "period": {k: shown["period"][k] for k in ("start", "end", "as_of")},
            "sale_type": shown["sale_type"],
            "points": [_point(p) for p in ordered],
            "unread": list(unread),
            "changes": _method_changes([p for p in ordered if p.kind != "quarter"]),
            "tested": len(tested),
            "beyond_by_chance": round(0.05 * len(tested), 1),
            "metrics": rows,
            "findings": [v for v in verdicts if any(s["status"] != "not_assessed" for s in v["points"])],
        },
        tuple(ordered),
    )


def _point(p: Point) -> dict[str, Any]:
    return {"kind": p.kind, "name": p.run.name, "as_of": p.as_of.isoformat(), "method": p.run.edition}


def _series(points: Sequence[Point], of_orders: bool) -> list[Point]:
    """Return the points at which something is known: quarter-ends only for what is of the orders."""
    return [p for p in points if of_orders or p.kind != "quarter"]


def _method_changes(points: Sequence[Point]) -> list[dict[str, Any]]:
    """List where the method or the kit changed from one run to the next, and to what computes today."""
    out = []
    for a, b in itertools.pairwise(points):
        for kind, old, new in (("method", a.run.edition, b.run.edition), ("version", a.run.version, b.run.version)):
            if old != new and None not in (old, new):
                out.append({"kind": kind, "old": old, "new": new, "after": a.run.name, "name": b.run.name})
    return out


# --- judging


def _before(point: Point, series: Sequence[Point]) -> list[Point]:
    """Return what a point may be held against, the best first: the latest a whole «last 12 months» before, then the rest.

    Where none lies so far back, the earliest is best: the fewest days in common.
    """
    since = dt.date.fromisoformat(point.run.findings["period"]["recent_start"])
    before = [p for p in series if p.as_of < point.as_of]
    apart = [p for p in before if p.as_of < since]
    return apart[::-1] + [p for p in before if p.as_of >= since]


def _held(id: str, point: Point, series: Sequence[Point]) -> dict[str, Any] | None:
    """Hold a figure against the best earlier point that is comparable; None where there is none at all."""
    if point.metric(id) is None:
        return None
    first: dict[str, Any] | None = None
    for base in _before(point, [p for p in series if p.metric(id) is not None]):
        changes = changes_between(base.run, point.run)
        row = metric_row(id, base.metric(id), point.metric(id), windows_of(base.run, point.run), changes)
        told: dict[str, Any] = {
            k: row[k] for k in ("verdict", "delta", "delta_low", "delta_high", "overlap", "cause") if k in row
        }
        told |= {"against": base.as_of.isoformat(), "old": row["old"], "new": row["new"]}
        if row["verdict"] != "incomparable":
            return told
        first = first or told
    return first


def _metric(id: str, series: Sequence[Point], of_orders: bool) -> dict[str, Any]:
    now = series[-1]
    judged = [p for p in series if p.kind != "run"] if of_orders else series
    m = now.metric(id) or next(p.metric(id) for p in reversed(series) if p.metric(id))
    assert m is not None
    move = None if id in OF_THE_LENGTH else _held(id, now, judged)
    if move is not None and move["verdict"] in _BEYOND:
        turn = now
        for p in reversed(judged[:-1]):
            held = _held(id, p, judged)
            if held is None or held["verdict"] != move["verdict"]:
                break
            turn = p
        move["since"] = turn.as_of.isoformat()
    return {
        "id": id,
        "unit": m["unit"],
        "bad": m.get("bad"),
        "past": of_orders,
        "norm": m.get("benchmark"),
        "norm_source": m.get("benchmark_source"),
        "points": [_value(p, id) for p in series if p.metric(id)],
        "move": move,
    }


def _value(p: Point, id: str) -> dict[str, Any]:
    m = p.metric(id)
    assert m is not None
    return {"kind": p.kind, "name": p.run.name, "as_of": p.as_of.isoformat()} | {
        k: m.get(k) for k in ("value", "low", "high", "n", "benchmark")
    }


def _finding(id: str, series: Sequence[Point], of_orders: bool) -> dict[str, Any]:
    """Return the verdicts of a check; ``news`` where it is found now and was not at the comparable point before."""
    now = series[-1]
    judged = [p for p in series if p.kind != "run"] if of_orders else series
    points = [
        {"kind": p.kind, "name": p.run.name, "as_of": p.as_of.isoformat(), "status": f["status"], "title": f["title"]}
        for p in series
        if (f := p.finding(id)) is not None
    ]
    before = [p for p in judged if p.as_of < now.as_of and p.finding(id) is not None]
    before = [p for p in before if spoiled(id, changes_between(p.run, now.run)) is None]
    here = now.finding(id)
    assert here is not None
    was = before[-1].finding(id) if before else None
    row: dict[str, Any] = {"id": id, "past": of_orders, "status": here["status"], "points": points}
    if was is not None:
        row |= {"was": was["status"], "against": before[-1].as_of.isoformat()}
        row["news"] = here["status"] == "found" and was["status"] != "found"
    return row


def alarms(track: Track, alert: Literal["found", "worse"]) -> list[str]:
    """Return what a scheduler is told: checks newly found, or figures worse than a year before beyond chance."""
    if alert == "found":
        return [f["id"] for f in track.content["findings"] if f.get("news")]
    return [m["id"] for m in track.content["metrics"] if m["move"] and m["move"]["verdict"] == "worse"]


# --- files


def write_track(track: Track, out: Path) -> list[Path]:
    """Write track.html and findings-track.csv into a folder; each replaces its predecessor when whole."""
    if out.exists() and not out.is_dir():
        raise ParameterError(Text(f"{out} — файл, а не папка", f"{out} is a file, not a folder"), where="--out")
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for name, text in (("track.html", track_document(track.content)), ("findings-track.csv", _csv(track))):
        aside = out / f".{name}.partial-{os.getpid()}"
        try:
            aside.write_text(text, encoding="utf-8-sig" if name.endswith(".csv") else "utf-8", newline="")
            os.replace(aside, out / name)
        finally:
            aside.unlink(missing_ok=True)
        made.append(out / name)
    return made


_HEAD = (
    *("as_of", "source", "run", "method", "kind", "id", "name", "unit", "bad"),
    *("value", "low", "high", "n", "norm", "norm_source", "status", "reason", "from_orders"),
)


def _csv(track: Track) -> str:
    """Return the long table for BI: one row per point and figure or check; Russian Excel wants «;» and «,»."""
    lang = track.content["lang"]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if lang == "ru" else ",", lineterminator="\r\n")
    writer.writerow(_HEAD)
    for line in _lines(track):
        writer.writerow([_cell(line.get(key), lang) for key in _HEAD])
    return out.getvalue()


def _lines(track: Track) -> Iterator[dict[str, Any]]:
    lang = track.content["lang"]
    past = {r["id"] for part in ("metrics", "findings") for r in track.content[part] if r["past"]}
    for p in track.points:
        told = {"as_of": p.as_of.isoformat(), "source": p.kind, "run": p.run.name, "method": p.run.edition}
        for part in ("metrics", "findings"):
            listed = p.run.findings[part]
            for id, m in listed.items() if part == "metrics" else ((f["id"], f) for f in listed):
                if p.kind == "quarter" and id not in past:
                    continue
                row = told | {"kind": part[:-1], "id": id, "name": method().describe(id, lang)}
                row["from_orders"] = int(id in past)
                keys = ("unit", "bad", "value", "low", "high", "n") if part == "metrics" else ("status",)
                row |= {k: m.get(k) for k in (*keys, "reason")}
                if part == "metrics":
                    row |= {"norm": m.get("benchmark"), "norm_source": m.get("benchmark_source")}
                yield row


def _cell(value: Any, lang: Lang) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        text = f"{value:.12g}"
        return text.replace(".", ",") if lang == "ru" else text
    text = str(value)
    return f"'{text}" if text[:1] in "=+-@" else text  # a formula in a spreadsheet it must not become
