"""Build a `Case` from a few inline rows, without intake: for tests of diagnoses and rules."""

from __future__ import annotations

import atexit
import datetime as dt
import json
import tempfile
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from audit.engine import open_engine
from audit.model.case import Case, collapse, open_prepared
from audit.model.intake_report import FileUse, IntakeReport
from audit.model.orders import LINES_SCHEMA
from audit.model.questionnaire import TABLES, Questionnaire
from audit.model.questionnaire_json import questionnaire_to_json
from audit.settings import settings_from_mapping

__all__ = ["make_case", "make_questionnaire", "write_lines"]

_KEEP: list[tempfile.TemporaryDirectory[str]] = []
atexit.register(lambda: [d.cleanup() for d in _KEEP])


def _value(value: Any, kind: pa.DataType) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(value) if isinstance(value, str) else pd.Timestamp(value).date()
    if pa.types.is_decimal(kind):
        return Decimal(str(round(float(value), 4))).quantize(Decimal("0.0001"))
    if pa.types.is_boolean(kind):
        return bool(value)
    if pa.types.is_floating(kind):
        return float(value)
    return str(value)


def write_lines(rows: Iterable[Mapping[str, Any]] | pd.DataFrame, path: Path) -> set[str]:
    """Write rows in canonical columns as ``lines.parquet``; returns the canonical fields present.

    ``client`` is the name; ``client_key`` is client_id, else the name. ``cost`` gives margin = amount − cost.
    """
    records = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else [dict(r) for r in rows]
    present: set[str] = set()
    for r in records:
        present |= {k for k, v in r.items() if v is not None and v == v}
        if "cost" in r and "margin" not in r:
            r["margin"] = float(r["amount"]) - float(r["cost"])
        r["client_key"] = r.get("client_key") or r.get("client_id") or r.get("client")
        r["client_name"] = r.get("client") or r.get("client_id")
    data: dict[str, Any] = {}
    for field in LINES_SCHEMA:
        if field.name == "source_file":
            data[field.name] = ["inline"] * len(records)
        elif field.name == "source_row":
            data[field.name] = range(2, len(records) + 2)
        elif field.name in present or field.name in ("client_key", "client_name", "margin"):
            data[field.name] = [_value(r.get(field.name), field.type) for r in records]
        else:
            data[field.name] = pa.nulls(len(records), field.type)
    pq.write_table(pa.table(data, schema=LINES_SCHEMA), path)
    return present


def make_questionnaire(tables: Mapping[str, Iterable[Mapping[str, Any]] | pd.DataFrame]) -> Questionnaire:
    """Build a questionnaire from rows per table (``company`` as one mapping); codes are not checked."""
    raw: dict[str, Any] = {"tables": {}, "company": {}, "problems": [], "source": "inline", "sha256": ""}
    for name, rows in tables.items():
        if name == "company":
            raw["company"] = dict(rows)  # type: ignore[arg-type]
            continue
        records = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else [dict(r) for r in rows]
        for r in records:
            for k, v in r.items():
                assert TABLES[name].column(k), f"{name} has no column {k}"
                if isinstance(v, dt.date):
                    r[k] = v.isoformat()
        raw["tables"][name] = records
    from audit.model.questionnaire_json import questionnaire_from_json

    return questionnaire_from_json(raw)


def make_case(
    orders: Iterable[Mapping[str, Any]] | pd.DataFrame,
    questionnaire: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    engine: str = "duckdb",
) -> Case:
    """Open a case on inline rows; ``settings`` is shaped like audit.toml."""
    keep = tempfile.TemporaryDirectory(prefix="km-audit-test-", ignore_cleanup_errors=True)
    _KEEP.append(keep)
    folder = Path(keep.name)
    frame = orders if isinstance(orders, pd.DataFrame) else pd.DataFrame(list(orders))
    present = write_lines(frame, folder / "lines.parquet")
    dates = pd.to_datetime(frame["order_date"])
    report = IntakeReport(
        files=(FileUse("inline", "", 0, "inline", rows_read=len(frame), rows_used=len(frame)),),
        columns=(),
        fields=tuple(sorted(present)),
        field_coverage={f: 1.0 for f in present},
        rows_read=len(frame),
        rows_used=len(frame),
        rows_set_aside=0,
        set_aside=(),
        first_date=dates.min().date(),
        last_date=dates.max().date(),
        revenue=float(frame["amount"].astype(float).sum()),
    )
    (folder / "intake.json").write_text(json.dumps(report.as_json(), ensure_ascii=False), encoding="utf-8")
    if questionnaire is not None:
        q = make_questionnaire(questionnaire)
        (folder / "questionnaire.json").write_text(
            json.dumps(questionnaire_to_json(q), ensure_ascii=False), encoding="utf-8"
        )
    opened = open_engine(engine)
    collapse(opened, folder)
    return open_prepared(folder, settings_from_mapping(settings or {}), engine=opened)
