"""Verdicts on the type of sale and the conveyor (methodology, sections 2, 5.2 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from audit.errors import Text
from audit.findings.declared import declared
from audit.findings.finding import Finding, Status
from audit.findings.judge import make_finding, no_figure, status_of, worse
from audit.method import method
from audit.model.case import Case
from audit.model.result import ChapterResult

__all__ = ["CRITERIA", "judge", "station_status"]


def judge(case: Case, result: ChapterResult) -> list[Finding]:
    """Return the verdict on every finding of the chapter."""
    return [*declared(case, result), _type_mismatch(case, result), _missing_role(case, result)]


CRITERIA = {
    "interval": Text("интервал между покупками", "interval between purchases"),
    "one_time": Text("доля разовых клиентов", "share of one-time clients"),
    "complexity": Text("сложность продукта", "complexity of the product"),
    "price": Text("уровень цены", "price level"),
    "market": Text("сколько клиентов на рынке", "clients on the market"),
}
"""Criteria of the type of sale in words."""


def _type(code: str) -> dict[str, str]:
    types = method().sale_types
    if code in types:
        return {"code": code, "ru": types[code].ru.split(" (")[0].lower(), "en": types[code].en.lower()}
    return {"code": code, "ru": "не определён", "en": "undetermined"}


def _criterion(name: str) -> dict[str, str]:
    return {"ru": CRITERIA[name].ru, "en": CRITERIA[name].en}


def _type_mismatch(case: Case, result: ChapterResult) -> Finding:
    """One criterion against the declared type is watched; two are found, unless another one supports it."""
    id = "model.type_mismatch"
    m = result.metrics["model.type_exclusions"]
    if m.value is None:
        return no_figure(id, m)
    limits = case.thresholds[id]
    status = status_of(m.value, None, None, limits)
    if status == "found" and m.extra["supporting"] > 0:
        status = "watch"
    x = result.facts
    facts = {
        "declared": _type(x["declared"]),
        "measured": _type(x["measured"]),
        "excluding": [_criterion(c) for c in x["excluding"]],
        "supporting": [_criterion(c) for c in x["supporting"]],
        "n": m.n,
        "watch": limits.watch,
        "found": limits.found,
    }
    # A wrong type makes every norm of the conveyor wrong with it.
    return make_finding(case, id, status, grade="C", invalidates=status == "found", table="criteria", facts=facts)


def station_status(
    row: Mapping[str, Any], case: Case, explained: Mapping[str, bool]
) -> tuple[Status, float | None, bool]:
    """Return the status of one required station, its coverage without explained hours, and whether that softened it.

    No FTE is found. Below that the coverage decides. Where client managers' overload or the mix of hunting and
    farming is found already, their hours are evidence of that and not of a second disease: a gap that is gone
    without them is watched.
    """
    limits = case.thresholds["model.missing_role"]
    if float(row["fte"]) <= 0:
        return "found", None, False
    if pd.isna(row["coverage"]):
        return "clear", None, False
    raw = status_of(float(row["coverage"]), None, None, limits)
    taken = sum(float(row[c]) for c, on in explained.items() if on)
    rest = float(row["own_hours"]) + float(row["foreign_hours"]) - taken
    without = float(row["own_hours"]) / rest if rest > 0 else float(row["coverage"])
    if raw == "found" and taken > 0 and status_of(without, None, None, limits) != "found":
        return "watch", without, True
    return raw, without, False


def _missing_role(case: Case, result: ChapterResult) -> Finding:
    id = "model.missing_role"
    fte, coverage = result.metrics["model.station_fte"], result.metrics["model.station_coverage"]
    if fte.value is None:
        return no_figure(id, fte)
    empty = list(fte.extra["empty"])
    if coverage.value is None and not empty:
        return no_figure(id, coverage)
    mixing, t = result.facts["mixing"], case.thresholds

    def found(name: str, finding: str) -> bool:
        bounds = mixing[name]
        return bounds is not None and status_of(bounds[0], bounds[0], bounds[1], t[finding]) == "found"

    explained = {
        "km_oper_hours": found("km_oper", "roles.km_overload"),
        "hunt_farm_hours": found("km_hunt", "roles.hunter_farmer_mix") or found("sr_farm", "roles.hunter_farmer_mix"),
    }
    table = result.tables["stations"]
    needed = table[table["required"].astype(bool)]
    rows: list[dict[str, Any]] = []
    for r in needed.to_dict("records"):
        if coverage.value is None and float(r["fte"]) > 0:
            continue
        status, without, softened = station_status({str(k): v for k, v in r.items()}, case, explained)
        mixed = softened or (without is not None and status_of(without, None, None, t[id]) == "clear")
        rows.append(
            {
                "station": str(r["station"]),
                "status": status,
                "fte": float(r["fte"]),
                "softened": mixed,
                "coverage": None if pd.isna(r["coverage"]) else float(r["coverage"]),
                "without": without,
                "foreign_hours": float(r["foreign_hours"]),
                "part": None,
            }
        )
    rows += _of_parts(result)
    status = worse(*(r["status"] for r in rows)) if rows else "clear"
    bad = [r for r in rows if r["status"] in ("found", "watch")]
    names = method().roles
    facts = {
        "stations": [
            {**r, "ru": names[r["station"]].short.ru, "en": names[r["station"]].short.en}
            for r in sorted(
                bad, key=lambda r: (r["part"] is not None, r["status"] != "found", r["coverage"] or 0.0, r["station"])
            )
        ],
        "empty": empty,
        "softened": any(r["softened"] for r in bad),
        "parts_only": all(r["part"] is not None for r in bad),
        "required": len(needed),
        "watch": t[id].watch,
        "found": t[id].found,
        "types": result.facts["types"],
    }
    grade = "C" if coverage.value is None else coverage.grade or "C"
    # What is concerned is the station's own work: the part of it done elsewhere, all of it where nobody stands there.
    own = [r for r in bad if r["part"] is None]
    share = max((1.0 if r["coverage"] is None or r["fte"] <= 0 else 1.0 - r["coverage"] for r in own), default=None)
    revenue = max((r["part"]["share"] for r in bad if r["part"] is not None), default=None)
    finding = make_finding(
        case, id, status, grade=grade, role_hours_share=share, base_revenue_share=revenue, table="stations", facts=facts
    )
    # A gap that role mixing explains is closed by what relieves the people who fill it: no second action for that.
    # Nor does a smaller part of the business ask for a post before its owner has decided whether it is worth one.
    told = bad and all(r["softened"] or r["part"] is not None for r in bad)
    return replace(finding, actions=()) if told else finding


def _of_parts(result: ChapterResult) -> list[dict[str, Any]]:
    """Return the stations that only a smaller part of the business needs and nobody holds: watched, never found.

    A company that lives by one type and sells a little in another has no hole in its conveyor; it has a part that is served
    by the stations of the other.
    """
    table = result.tables["stations"].set_index("station")
    rows: list[dict[str, Any]] = []
    for p in result.tables["parts"].to_dict("records"):
        for station in p["missing"]:
            if station not in result.facts["beside"] or any(r["station"] == station for r in rows):
                continue
            rows.append(
                {
                    "station": station,
                    "status": "watch",
                    "fte": 0.0,
                    "softened": False,
                    "coverage": None,
                    "without": None,
                    "foreign_hours": float(table.loc[station, "foreign_hours"]),
                    "part": {
                        "type": str(p["sale_type"]),
                        "share": float(p["revenue_share"]),
                        "values": list(p["values"]),
                        **_spoken_type(str(p["sale_type"])),
                    },
                }
            )
    return rows


def _spoken_type(code: str) -> dict[str, str]:
    named = _type(code)
    return {"ru": named["ru"], "en": named["en"]}
