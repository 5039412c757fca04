"""The questionnaire as JSON in a prepared folder, without loss."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

import pandas as pd

from audit.errors import Text
from audit.model.questionnaire import TABLES, Problem, Questionnaire, Returned

__all__ = ["questionnaire_from_json", "questionnaire_to_json"]


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and value != value) or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp | dt.datetime | dt.date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, tuple | list):
        return list(value)
    if hasattr(value, "item"):
        return value.item()
    return value


def questionnaire_to_json(q: Questionnaire) -> dict[str, Any]:
    """Return the answers as JSON values."""
    return {
        "tables": {
            name: [{k: _cell(v) for k, v in row.items()} for row in frame.to_dict("records")]
            for name, frame in q.tables.items()
        },
        "company": {k: _cell(v) for k, v in q.company.items()},
        "problems": [
            {"table": p.table, "cell": p.cell, "value": p.value, "ru": p.text.ru, "en": p.text.en, "fatal": p.fatal}
            for p in q.problems
        ],
        "source": q.source,
        "sha256": q.sha256,
        "returned": [{**asdict(r), "days": [d.isoformat() for d in r.days]} for r in q.returned],
    }


def questionnaire_from_json(raw: dict[str, Any]) -> Questionnaire:
    """Build the answers from what `questionnaire_to_json` gave."""
    tables = {}
    for name, rows in raw["tables"].items():
        spec = TABLES[name]
        data: dict[str, pd.Series[Any]] = {}
        for column in spec.columns:
            values = [row.get(column.key) for row in rows]
            if column.kind in ("number", "share", "int", "time"):
                data[column.key] = pd.Series([float("nan") if v is None else float(v) for v in values], dtype="float64")
            elif column.kind == "date":
                data[column.key] = pd.to_datetime(pd.Series(values, dtype=object), format="%Y-%m-%d").astype(
                    "datetime64[s]"
                )
            elif column.kind == "list":
                data[column.key] = pd.Series([tuple(v or ()) for v in values], dtype=object)
            else:
                data[column.key] = pd.Series(values, dtype=object)
        tables[name] = pd.DataFrame(data)
    return Questionnaire(
        tables=tables,
        company=raw["company"],
        problems=tuple(
            Problem(p["table"], p["cell"], p["value"], Text(p["ru"], p["en"]), p["fatal"]) for p in raw["problems"]
        ),
        source=raw["source"],
        sha256=raw["sha256"],
        returned=tuple(
            Returned(
                **{
                    **r,
                    "people": tuple(r["people"]),
                    "clients": tuple(r["clients"]),
                    "days": tuple(dt.date.fromisoformat(d) for d in r["days"]),
                }
            )
            for r in raw.get("returned", ())
        ),
    )
