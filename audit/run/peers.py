"""What finished audits say together: anonymous figures by type of sale, on the consultant's machine, only where asked for.

The file holds no name, no money, no head count and no date finer than a month: shares, ratios, days and hours of three
digits, under a random mark. The mark lies in the engagement folder alone, so that a second audit of a company replaces
its first, and nobody who has the file can tell whose a row is.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audit.errors import ParameterError, Text
from audit.method import method
from audit.present.context import PeerEntry
from audit.run.findings_json import METHOD

__all__ = ["LEAST", "add_peers", "anonymous_row", "peers_of", "read_peers"]

SCHEMA = "km-audit-benchmarks/1"
LEAST = 20
"""Other companies with the figure, below which nothing is said: a place among a few is chance, and tells who they are."""
_UNITS = frozenset({"share", "ratio", "days", "hours", "index", "change", "share/year"})
_MARK = "anonymous-mark"


def read_peers(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of benchmarks; none where it does not exist yet."""
    if not file.exists():
        return []
    fault = None
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        rows = told["companies"] if told["schema"] == SCHEMA else None
        if rows is None or not all(
            isinstance(r["mark"], str)
            and isinstance(r["sale_type"], str)
            and isinstance(r["method"], int)
            and all(isinstance(v, int | float) and np.isfinite(v) for v in r["metrics"].values())
            for r in rows
        ):
            fault = SCHEMA
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError) as e:
        fault = type(e).__name__
    if fault is not None:
        raise ParameterError(
            Text(f"Файл показателей не читается: {file.name}", f"The file of benchmarks cannot be read: {file.name}"),
            where="--benchmarks",
            todo=Text(
                "Укажите файл, который сделала команда km-audit batch --benchmarks, или новое имя",
                "Name a file that km-audit batch --benchmarks made, or a new name",
            ),
        )
    return list(rows or ())


def _mark(folder: Path, *, make: bool) -> str:
    place = folder / ".km-audit" / _MARK
    if place.is_file():
        return place.read_text(encoding="utf-8").strip()
    if not make:
        return ""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(uuid.uuid4().hex + "\n", encoding="utf-8")
    return place.read_text(encoding="utf-8").strip()


def anonymous_row(folder: Path, findings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a finished engagement."""
    metrics = {
        id: float(f"{m['value']:.3g}")
        for id, m in sorted(findings["metrics"].items())
        if m["value"] is not None and m["unit"] in _UNITS and m.get("horizon_days", 365) == 365
    }
    return {
        "mark": _mark(folder, make=True),
        "month": f"{dt.date.today():%Y-%m}",
        "method": findings.get("method", 1),
        "sale_type": findings["sale_type"]["used"],
        "metrics": metrics,
    }


def add_peers(file: Path, rows: Sequence[Mapping[str, Any]]) -> int:
    """Put the rows into the file, each in the place of an earlier one of its mark; return how many it holds then."""
    by_mark: dict[str, Mapping[str, Any]] = {r["mark"]: r for r in (*read_peers(file), *rows)}
    told = {"schema": SCHEMA, "companies": [by_mark[mark] for mark in sorted(by_mark)]}
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.partial-{os.getpid()}")
    try:
        aside.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(aside, file)
    finally:
        aside.unlink(missing_ok=True)
    return len(by_mark)


def peers_of(
    findings: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], folder: Path | None
) -> tuple[PeerEntry, ...]:
    """Return where a company's figures stand among others of its type of sale; figures with fewer than `LEAST` are left out.

    Only figures of this edition of the method, at the usual horizon, that have a bad side. The company's own row does
    not count.
    """
    own = "" if folder is None else _mark(folder, make=False)
    others = [
        r
        for r in rows
        if r["sale_type"] == findings["sale_type"]["used"] and r["method"] == METHOD and (not own or r["mark"] != own)
    ]
    out = []
    for id in method().metrics:
        m = findings["metrics"].get(id)
        if m is None or m["value"] is None or m.get("bad") is None or m.get("horizon_days", 365) != 365:
            continue
        values = np.array([r["metrics"][id] for r in others if id in r["metrics"]], dtype=float)
        if len(values) < LEAST or m["unit"] not in _UNITS:
            continue
        mine = float(f"{m['value']:.3g}")  # as the others are kept, or equal ones would differ
        worse = values > mine if m["bad"] == "high" else values < mine
        low, middle, high = (float(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))
        out.append(
            PeerEntry(
                id=id,
                value=float(m["value"]),
                unit=m["unit"],
                low=low,
                median=middle,
                high=high,
                better_than=int(worse.sum()),
                n=len(values),
            )
        )
    return tuple(out)
