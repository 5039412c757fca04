"""The key from the codes of the report to names: a file of its own, for the consultant, made only when it is asked for."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from audit.ground.people import labels
from audit.intake.rejects import neutral
from audit.model.case import Case, sql_text

__all__ = ["KEY", "write_key"]

KEY = "key.csv"


def write_key(case: Case, path: Path) -> None:
    """Write who is who: the code of the report, the code of the staff sheet, the name.

    Those met only in the orders stand with their spelling there.
    """
    seen = [str(m) for m in case.query(sql_text("audit.ground", "managers"))["manager"]]
    staff = case.questionnaire.table("staff")
    names = dict(zip(staff["person"].astype(str), staff["name"], strict=True)) if len(staff) else {}
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(("in_report", "code", "name"))
    for code, label in labels(case, seen).items():
        name = names.get(code)
        told = name if isinstance(name, str) else "" if code in names else code
        writer.writerow([neutral(x) for x in (label, code if code in names else "", told)])
    path.write_bytes(out.getvalue().encode("utf-8-sig"))
