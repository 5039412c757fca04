"""The follow-up audit: what moved between two runs, beyond chance or not, and which actions reached their targets.

Only finished figures of two ``findings.json`` are compared; nothing is computed from orders again. Written are
``compare.json`` (the structure of `Comparison.as_json`), ``compare.html`` and ``compare.pdf``.

**Chance.** The 95 % interval of the difference of two independent estimates comes from their own intervals: the lower
half-width is √((new − new_low)² + (old_high − old)²), the upper one √((new_high − new)² + (old − old_low)²) (Newcombe
1998, method 10; Zou & Donner 2008). It keeps the asymmetry of Wilson, log-log and bootstrap intervals. A move is beyond
chance when that interval leaves out zero. Without two such intervals a move is reported and not judged.

**Overlap.** Where both audits saw the same days, the estimates share data: they are not independent, the move of the
shared days is missing from the difference, and the interval is too wide rather than too narrow. So «beyond chance»
stands, while «within chance» does not mean «unchanged»; rows say so.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from audit.errors import Lang, ParameterError, PreparedError, Text
from audit.method import method
from audit.present.compare import comparison_documents
from audit.present.pdf import write_pdf
from audit.run.findings_json import SCHEMA
from audit.run.findings_shape import fault_in
from audit.run.kept import dump

__all__ = [
    "Comparison",
    "Run",
    "changes_between",
    "compare_runs",
    "difference",
    "metric_row",
    "read_run",
    "spoiled",
    "windows_of",
    "write_comparison",
]

MetricVerdict = Literal[
    "better", "worse", "shifted", "within", "unjudged", "unchanged", "incomparable", "only_old", "only_new", "neither"
]
FindingChange = Literal["improved", "worsened", "same", "now_assessed", "no_longer_assessed", "incomparable"]
ActionStatus = Literal["met", "met_unsure", "closer", "unmoved", "further", "was_met", "unknown"]

_RANK = {"clear": 0, "watch": 1, "found": 2}
_SCENARIOS = frozenset({"fte", "money", "money/year"})
"""Units whose low and high are assumptions (how much of the work can be handed over), not a sampling error."""
_SCENARIO_METRICS = frozenset({"roles.capacity_uplift"})


@dataclass(frozen=True)
class Run:
    """One side of the comparison: the content of findings.json and the kit's version where a manifest tells it."""

    name: str
    findings: Mapping[str, Any]
    version: str | None = None

    @property
    def edition(self) -> int:
        """The edition of the methodology that its figures follow."""
        return int(self.findings.get("method", 1))

    def day(self, key: str) -> dt.date:
        """Return a date of the audited period: start, as_of, recent_start."""
        return dt.date.fromisoformat(self.findings["period"][key])


@dataclass(frozen=True)
class Comparison:
    """A finished comparison; `as_json` is the content of compare.json."""

    content: Mapping[str, Any]

    @property
    def lang(self) -> Lang:
        """Language of the comparison."""
        lang: Lang = self.content["lang"]
        return lang

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return dict(self.content)


def read_run(path: Path) -> Run:
    """Read a run folder or a findings.json; raises `PreparedError` for anything else."""
    file = path / "findings.json" if path.is_dir() else path
    todo = Text(
        "Укажите папку готового аудита или его findings.json", "Name the folder of a finished run or its findings.json"
    )
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except OSError as e:
        raise PreparedError(Text(f"Нет файла {file}", f"There is no file {file}"), where=str(path), todo=todo) from e
    except (ValueError, RecursionError) as e:
        raise PreparedError(
            Text(f"{file.name} — не JSON", f"{file.name} is not JSON"), where=str(file), todo=todo
        ) from e
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise PreparedError(
            Text(f"В {file.name} нет схемы {SCHEMA}", f"{file.name} does not have the schema {SCHEMA}"),
            where=str(file),
            todo=todo,
        )
    fault = fault_in(told)
    if fault is not None:
        raise PreparedError(
            Text(
                f"{file.name} повреждён или сделан другой версией: нет или неверно {fault}",
                f"{file.name} is damaged or of another version: {fault} is missing or wrong",
            ),
            where=str(file),
            todo=todo,
        )
    return Run(path.resolve().name if path.is_dir() else file.stem, told, _version(file.parent / "manifest.json"))


def _version(manifest: Path) -> str | None:
    """Return the kit's version that a manifest tells; None where it tells none."""
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))["versions"]["km-audit"]
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return None
    return told if isinstance(told, str) else None


# --- what makes figures incomparable


def _overlap_days(a: tuple[dt.date, dt.date], b: tuple[dt.date, dt.date]) -> int:
    """Return how many days two closed periods share."""
    return max(0, (min(a[1], b[1]) - max(a[0], b[0])).days + 1)


def windows_of(old: Run, new: Run) -> dict[str, Any]:
    """Return how far the days of two audits, and their last 12 months, overlap."""
    whole = ((old.day("start"), old.day("as_of")), (new.day("start"), new.day("as_of")))
    recent = ((old.day("recent_start"), old.day("as_of")), (new.day("recent_start"), new.day("as_of")))
    shared = _overlap_days(*whole)
    return {
        "overlap_days": shared,
        "overlap_share": shared / ((whole[1][1] - whole[1][0]).days + 1),
        "recent_overlap_days": _overlap_days(*recent),
    }


def _recent_months(run: Run) -> int:
    """Return the length of every «last 12 months» of a run."""
    a, b = run.day("recent_start"), run.day("as_of")
    return round(((b - a).days + 1) / 30.4375)


def changes_between(old: Run, new: Run) -> list[dict[str, Any]]:
    """List what differs in method, settings and company between the two audits, each with its scope.

    ``scope``: ids of metrics or findings, or chapter names with a trailing dot, whose comparison it spoils; empty where
    it is only worth knowing.
    """
    out: list[dict[str, Any]] = []

    def add(kind: str, a: Any, b: Any, scope: Sequence[str] = (), id: str | None = None) -> None:
        if a != b:
            out.append({"kind": kind, "old": a, "new": b, "scope": list(scope)} | ({"id": id} if id else {}))

    o, n = old.findings, new.findings
    add("company", o["company"]["name"], n["company"]["name"])
    money = [id for id, m in {**o["metrics"], **n["metrics"]}.items() if m["unit"].startswith("money")]
    add("currency", o["company"]["currency"], n["company"]["currency"], money)
    add("sale_type", o["sale_type"]["used"], n["sale_type"]["used"], ["model.", "roles.", "handoff."])
    if old.version and new.version:
        add("version", old.version, new.version)
    since = min(old.edition, new.edition)
    redefined = [id for id, spec in method().metrics.items() if spec.since > since]
    judged = [id for id, spec in method().findings.items() if set(spec.metrics) & set(redefined)]
    add("method", old.edition, new.edition, [*redefined, *judged])
    add("recent_months", _recent_months(old), _recent_months(new), ["retention.", "base.", "ownership."])
    limits = ("watch", "found", "value", "low", "base", "high", "bad", "unit")
    for id in dict.fromkeys([*o["thresholds"], *n["thresholds"]]):
        a, b = (
            {k: t[id][k] for k in limits if k in t.get(id, {})} for t in (o["thresholds"], n["thresholds"])
        )  # a band judges its own finding; a single value may enter any figure of its chapter
        if old.edition != new.edition and not (a and b):
            continue  # the other edition of the method has no such parameter: that is said once
        banded = "watch" in a or "watch" in b
        general = id.startswith(("general.", "severity."))
        scope = [id] if banded else [] if general else [id.split(".")[0] + "."]
        add("threshold", a or None, b or None, scope, id)
    return out


def spoiled(id: str, changes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the change that makes a metric or finding incomparable, if one does."""
    for change in changes:
        if any(id == s or (s.endswith(".") and id.startswith(s)) for s in change["scope"]):
            return change
    return None


# --- metrics


def difference(old: tuple[float, float, float], new: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return new − old with its 95 % interval, from (value, low, high) of two independent estimates.

    (0.48, 0.42, 0.55) → (0.60, 0.52, 0.67): 0.12, 0.12 − √(0.08² + 0.07²) = 0.014, 0.12 + √(0.07² + 0.06²) = 0.212.
    """
    d = new[0] - old[0]
    low = d - math.hypot(new[0] - new[1], old[2] - old[0])
    high = d + math.hypot(new[2] - new[0], old[0] - old[1])
    return d, low, high


def _figure(m: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if m is None:
        return None
    return {k: m[k] for k in ("value", "low", "high", "n", "grade", "reason") if k in m}


def _interval(id: str, m: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Return value, low and high of an estimate; None where low and high are missing or no sampling error."""
    if m.get("low") is None or m.get("high") is None or m["unit"] in _SCENARIOS or id in _SCENARIO_METRICS:
        return None
    value, low, high = float(m["value"]), float(m["low"]), float(m["high"])
    return value, min(low, value), max(high, value)


def _own_overlap(a: Mapping[str, Any], b: Mapping[str, Any], windows: Mapping[str, Any]) -> bool:
    """Tell whether two estimates share days; one that names its own window (since, until) is judged by that."""
    if all(isinstance(m.get(k), str) for m in (a, b) for k in ("since", "until")):
        return bool(a["since"] <= b["until"] and b["since"] <= a["until"])
    return bool(windows["overlap_days"])


def metric_row(
    id: str,
    a: Mapping[str, Any] | None,
    b: Mapping[str, Any] | None,
    windows: Mapping[str, Any],
    changes: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return one figure before and after, and whether its move is beyond chance (`MetricVerdict`)."""
    known = b or a
    assert known is not None
    row: dict[str, Any] = {"id": id, "unit": known["unit"], "bad": known.get("bad")}
    row |= {"old": _figure(a), "new": _figure(b)}
    verdict: MetricVerdict
    have_old, have_new = a is not None and a.get("value") is not None, b is not None and b.get("value") is not None
    if not have_old or not have_new:
        verdict = "only_old" if have_old else "only_new" if have_new else "neither"
        return row | {"verdict": verdict}
    assert a is not None and b is not None
    why = spoiled(id, changes)
    cause = (
        {"kind": "unit", "old": a["unit"], "new": b["unit"]}
        if a["unit"] != b["unit"]
        else {"kind": "horizon", "old": a.get("horizon_days"), "new": b.get("horizon_days")}
        if a.get("horizon_days") != b.get("horizon_days")
        else {"kind": "k", "old": a.get("k"), "new": b.get("k")}
        if a.get("k") != b.get("k")
        else dict(why)
        if why is not None
        else None
    )
    delta = float(b["value"]) - float(a["value"])
    if cause is not None:
        return row | {"delta": delta, "verdict": "incomparable", "cause": cause}
    one, two = _interval(id, a), _interval(id, b)
    if one is None or two is None:
        verdict = "unchanged" if math.isclose(delta, 0, abs_tol=1e-9) else "unjudged"
        return row | {"delta": delta, "verdict": verdict}
    delta, low, high = difference(one, two)
    if math.isclose(delta, 0, abs_tol=1e-9):
        verdict = "unchanged"
    elif low <= 0 <= high:
        verdict = "within"
    else:
        bad = b.get("bad")
        verdict = "shifted" if bad is None else "worse" if (delta > 0) == (bad == "high") else "better"
    return row | {
        "delta": delta,
        "delta_low": low,
        "delta_high": high,
        "verdict": verdict,
        "overlap": _own_overlap(a, b, windows),
    }


# --- findings and actions


def _finding_row(
    id: str,
    a: Mapping[str, Any] | None,
    b: Mapping[str, Any] | None,
    changes: Sequence[Mapping[str, Any]],
    metrics: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    def side(f: Mapping[str, Any] | None) -> dict[str, Any]:
        if f is None:
            return {"status": "not_assessed", "severity": "none"}
        return {k: f[k] for k in ("status", "severity", "reason", "title") if k in f}

    one, two = side(a), side(b)
    change: FindingChange
    s, t = one["status"], two["status"]
    if s not in _RANK or t not in _RANK:
        # What is unclear was measured, but says no more than what could not be: it is no verdict to compare with.
        lost = (s in _RANK) - (t in _RANK)
        change = "no_longer_assessed" if lost > 0 else "now_assessed" if lost < 0 else "same"
    elif s == t:
        change = "same"
    else:
        change = "improved" if _RANK[t] < _RANK[s] else "worsened"
    row: dict[str, Any] = {"id": id, "old": one, "new": two, "change": change}
    why = spoiled(id, changes)
    if why is not None and s in _RANK and t in _RANK:
        row |= {"change": "incomparable", "cause": dict(why)}
    lead = next((m for m in (b or a or {}).get("metrics", []) if m in metrics), None)
    if lead is not None:
        row["metric"] = lead
        verdict = metrics[lead]["verdict"]
        judged = {"better": True, "worse": True, "shifted": True, "within": False, "unchanged": False}
        row["beyond_chance"] = judged.get(verdict)
    return row


def _reached(value: float, target: float, bad: str) -> bool:
    return value <= target + 1e-12 if bad == "high" else value >= target - 1e-12


def _action_row(action: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    id, metric, target = action["id"], action.get("metric"), action.get("target")
    row: dict[str, Any] = {
        "id": id,
        "title": action["title"],
        "owner": action["owner"],
        "metric": metric,
        "target": target,
        "findings": list(action["findings"]),
    }
    status: ActionStatus = "unknown"
    if metric is None or target is None:
        return row | {"status": status, "why": "no_target"}
    m = metrics.get(metric)
    old = (m or {}).get("old") or {}
    new = (m or {}).get("new") or {}
    row |= {"old": old.get("value"), "new": new.get("value"), "unit": (m or {}).get("unit")}
    bad = (m or {}).get("bad")
    if m is None or new.get("value") is None:
        return row | {"status": status, "why": "no_figure"}
    if bad is None:
        return row | {"status": status, "why": "no_direction"}
    if m["verdict"] == "incomparable":
        return row | {"status": status, "why": "incomparable"}
    value = float(new["value"])
    before = None if old.get("value") is None else float(old["value"])
    if _reached(value, target, bad):
        far = new.get("high" if bad == "high" else "low")
        sure = far is not None and m["unit"] not in _SCENARIOS and _reached(float(far), target, bad)
        before_too = before is not None and _reached(before, target, bad)
        status = "was_met" if before_too else "met" if sure else "met_unsure"
    elif before is None or m["verdict"] in ("within", "unchanged"):
        status = "unmoved"
    else:
        status = "closer" if abs(target - value) < abs(target - before) else "further"
    if before is not None and not _reached(before, target, bad):
        row["progress"] = (value - before) / (target - before)
    return row | {"status": status}


def _money_apart(old: Run, new: Run) -> str | None:
    """Return why the two sums are not the same money (currency, method, basis, open), None where they are."""
    o, n = (run.findings.get("money") for run in (old, new))
    if old.findings["company"]["currency"] != new.findings["company"]["currency"]:
        return "currency"
    if old.edition != new.edition:
        return "method"
    if any(m and m["headline"] is None for m in (o, n)):
        return "open"
    return "basis" if o and n and (o["basis"] != n["basis"] or o["unit"] != n["unit"]) else None


def _money(old: Run, new: Run) -> dict[str, Any] | None:
    """Return what everything found was worth a year, before and after; None where neither side has a sum.

    ``apart`` alone where the two are not the same money: why.

    ``old``, ``new``: low, base and high of the headlines, zero where nothing found had a price. ``same``: what the
    findings in either sum that have a price on both sides were worth on each, base by base, be they found or only
    watched.
    ``entered``, ``left``: findings that are in one headline alone, with their price on the other side (None without
    one) and their status there: what is only watched now has left the sum, but its money has not vanished.
    """
    o, n = (run.findings.get("money") for run in (old, new))
    known = n or o
    if not known:
        return None
    if (apart := _money_apart(old, new)) is not None:
        return {"apart": apart}
    none = {"low": 0.0, "base": 0.0, "high": 0.0}
    before, after = ({f["id"]: f for f in run.findings["findings"]} for run in (old, new))
    was_in, is_in = (set(m["findings"]) if m else set() for m in (o, n))
    pairs = [
        {"finding": id, "old": before[id]["effect"]["base"], "new": after[id]["effect"]["base"]}
        for id in before
        if id in was_in | is_in and "effect" in before[id] and "effect" in after.get(id, {})
    ]

    def moved(ids: set[str], here: Mapping[str, Any], there: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "finding": id,
                "price": here[id]["effect"]["base"],
                "status": there[id]["status"] if id in there else "not_assessed",
                "other_price": there.get(id, {}).get("effect", {}).get("base"),
            }
            for id in method().findings
            if id in ids
        ]

    return {
        "basis": known["basis"],
        "old": dict(o["headline"]) if o else none,
        "new": dict(n["headline"]) if n else none,
        "same": {"pairs": pairs, "old": sum(p["old"] for p in pairs), "new": sum(p["new"] for p in pairs)},
        "entered": moved(is_in - was_in, after, before),
        "left": moved(was_in - is_in, before, after),
    }


# --- the whole


def compare_runs(old: Run, new: Run, lang: Lang | None = None) -> Comparison:
    """Compare two audits of one company, the earlier first; raises `ParameterError` where the order is wrong."""
    if new.day("as_of") < old.day("as_of"):
        raise ParameterError(
            Text(
                f"Второй аудит старше первого: {new.day('as_of')} раньше {old.day('as_of')}",
                f"The second audit is the older one: {new.day('as_of')} is before {old.day('as_of')}",
            ),
            todo=Text("Поменяйте их местами: сначала прежний, потом новый", "Swap them: the earlier one first"),
        )
    windows, changes = windows_of(old, new), changes_between(old, new)
    o, n = old.findings, new.findings
    ids = [id for id in method().metrics if id in o["metrics"] or id in n["metrics"]]
    ids += [id for id in dict.fromkeys([*o["metrics"], *n["metrics"]]) if id not in method().metrics]
    rows = [metric_row(id, o["metrics"].get(id), n["metrics"].get(id), windows, changes) for id in ids]
    metrics = {r["id"]: r for r in rows}
    before, after = ({f["id"]: f for f in run["findings"]} for run in (o, n))
    names = list(dict.fromkeys([*method().findings, *before, *after]))
    findings = [
        _finding_row(id, before.get(id), after.get(id), changes, metrics) for id in names if id in before or id in after
    ]
    actions = [_action_row(a, metrics) for a in o["actions"]]
    tested = [r for r in rows if "delta_low" in r]

    def count(items: Sequence[Mapping[str, Any]], key: str) -> dict[str, int]:
        out: dict[str, int] = {}
        for item in items:
            out[item[key]] = out.get(item[key], 0) + 1
        return dict(sorted(out.items()))

    def side(run: Run) -> dict[str, Any]:
        f = run.findings
        return {
            "name": run.name,
            "company": f["company"]["name"],
            "currency": f["company"]["currency"],
            "period": f["period"],
            "sale_type": f["sale_type"],
            "version": run.version,
            "data": {k: v for k, v in f["data"].items() if isinstance(v, int | float)},
        }

    return Comparison(
        {
            "schema": "km-audit-compare/1",
            "lang": lang or n["lang"],
            "old": side(old),
            "new": side(new),
            "windows": windows,
            "changes": changes,
            "counts": {
                "metrics": count(rows, "verdict"),
                "findings": count(findings, "change"),
                "actions": count(actions, "status"),
            },
            "tested": len(tested),
            "beyond_by_chance": round(0.05 * len(tested), 1),
            "money": _money(old, new),
            "metrics": rows,
            "findings": findings,
            "actions": actions,
        }
    )


def write_comparison(comparison: Comparison, out: Path) -> tuple[list[Path], Text | None]:
    """Write compare.json, compare.html and compare.pdf into a folder; each replaces its predecessor when whole.

    Returns the files and a word to the user where no PDF could be made.
    """
    if out.exists() and not out.is_dir():
        raise ParameterError(Text(f"{out} — файл, а не папка", f"{out} is a file, not a folder"), where="--out")
    out.mkdir(parents=True, exist_ok=True)
    documents = comparison_documents(comparison.content)
    made = []

    def aside(name: str) -> Path:
        return out / f".{name}.partial-{os.getpid()}"

    try:
        dump(comparison.content, aside("compare.json"))
        aside("compare.html").write_text(documents.html, encoding="utf-8", newline="\n")
        told = write_pdf(documents.paper, aside("compare.pdf"))
        for name in ("compare.json", "compare.html", "compare.pdf"):
            if aside(name).exists():
                os.replace(aside(name), out / name)
                made.append(out / name)
            else:  # an old PDF beside a new comparison would contradict it
                (out / name).unlink(missing_ok=True)
    finally:
        for name in ("compare.json", "compare.html", "compare.pdf"):
            aside(name).unlink(missing_ok=True)
    return made, told.note
