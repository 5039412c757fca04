"""What must hold whatever is read: an answer or a sentence, every row accounted for, the same orders the same figures."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import traceback
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import audit
from audit.errors import AmbiguityError, AuditError, InputError, QuestionnaireError, SettingsError
from audit.intake.orders import read_orders
from audit.intake.questionnaire import read_questionnaire
from audit.run.check import check_inputs
from audit.run.inputs import file_inputs
from audit.settings import Settings, load_settings
from tests.attack.cases import Case
from tests.intake.reading import TODAY

__all__ = ["Verdict", "strike"]

HOME = str(Path(audit.__file__).parent)
DEPTHS = (*["read"] * 11, "check", *["read"] * 11, "command")
"""How far a case goes: its files read; all figures and verdicts in this process; the command itself."""


@dataclass(frozen=True)
class Verdict:
    """How a case ended: read, asked, refused or broken; what broke."""

    end: str
    broken: str = ""
    rows: int = 0


class Broken(Exception):
    """An oracle does not hold."""


def strike(case: Case, folder: Path, depth: str = "read") -> Verdict:
    """Put a case's files into ``folder``, read them and hold every oracle against what comes out."""
    for name, body in (case.files | ({"audit.toml": case.settings} if case.settings else {})).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    try:
        return _struck(case, folder, depth)
    except AuditError as e:
        wrong = _sentence(e) or (
            "a clean table was refused: " + str(e) if case.truth and not isinstance(e, AmbiguityError) else ""
        )
        return Verdict("broken" if wrong else "asked" if isinstance(e, AmbiguityError) else "refused", wrong)
    except Broken as e:
        return Verdict("broken", str(e))
    except BaseException as e:
        if isinstance(e, KeyboardInterrupt | SystemExit):
            raise
        return Verdict("broken", _place(e))


def _place(error: BaseException) -> str:
    ours = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(HOME)]
    at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} at {at}: {str(error)[:200]}"


def _sentence(error: AuditError) -> str:
    """What is wrong with an error: no place, no advice, a cell whole in it, or a mistake of ours behind it."""
    for lang in ("ru", "en"):
        if len("\n".join(error.lines(lang))) > 6000:
            return f"a sentence of {len(str(error))} letters"
    if isinstance(error, InputError | QuestionnaireError | SettingsError) and not (error.where and error.todo):
        return f"no place or no advice: {error}"
    cause = error.__cause__
    while (
        cause is not None and not isinstance(cause, AuditError) and error.what.en.startswith("The file cannot be read")
    ):
        last = traceback.extract_tb(cause.__traceback__)[-1]
        if last.filename.startswith(HOME):
            return "hidden by the guard: " + _place(cause)
        cause = cause.__cause__
    return ""


def _struck(case: Case, folder: Path, depth: str) -> Verdict:
    sources = [folder / n for n in case.files]
    toml = folder / "audit.toml" if case.settings else None
    if case.kind == "questionnaire":
        q = read_questionnaire(folder / "q" if (folder / "q").is_dir() else folder / "q.xlsx")
        for problem in q.problems:
            if len(str(problem.text)) > 6000:
                raise Broken("a problem of more than 6000 letters")
        return Verdict("read", rows=sum(map(len, q.tables.values())))
    if depth == "command":
        return _command(case, folder, sources, toml)
    given = load_settings(toml)
    if depth == "check":
        result = check_inputs(file_inputs(sources, None, toml))
        result.as_json()
        report: Any = result.case.intake
        lines = pq.read_table(result.case.folder / "lines.parquet")
        _balance(report, lines.num_rows, result.case.folder / "rejected_rows.csv")
    else:
        report, lines = _read(sources, given, folder / "out")
    if case.truth is not None:
        _true(case, lines, report)
    if case.twin and depth == "read":
        _same(case, folder)
    return Verdict("read", rows=report.rows_read)


def _read(sources: list[Path], given: Settings, out: Path) -> tuple[Any, Any]:
    report = read_orders(sources, given, None, out, today=TODAY)
    lines = pq.read_table(out / "lines.parquet")
    _balance(report, lines.num_rows, out / "rejected_rows.csv")
    return report, lines


def _balance(report: Any, used: int, rejected: Path) -> None:
    with rejected.open(encoding="utf-8-sig", newline="") as f:
        listed = sum(1 for _ in csv.DictReader(f))
    told = (report.rows_read, report.rows_used, report.rows_set_aside)
    if told[0] != told[1] + told[2] or used != told[1] or listed != told[2]:
        raise Broken(f"balance: read, used, set aside {told}, lines {used}, listed {listed}")
    for file in report.files:
        if file.rows_read != file.rows_used + file.rows_set_aside:
            raise Broken(f"balance of {file.name}")


def _true(case: Case, lines: Any, report: Any) -> None:
    assert case.truth is not None
    revenue = sum((Decimal(str(v)) for v in lines["amount"].to_pylist()), Decimal(0))
    if lines.num_rows != case.truth.rows or revenue != case.truth.revenue:
        aside = ", ".join(f"{s.code} {s.rows}" for s in report.set_aside)
        raise Broken(
            f"{lines.num_rows} rows of {case.truth.rows}, {revenue} of {case.truth.revenue}; set aside: {aside}"
        )


_APART = ("source_file", "source_row", "line_no")


def _orders(lines: Any) -> list[tuple[str, ...]]:
    kept = [n for n in lines.column_names if n not in _APART]
    return sorted(tuple(map(str, row)) for row in zip(*(lines[n].to_pylist() for n in kept), strict=True))


def _same(case: Case, folder: Path) -> None:
    twin = folder / "twin"
    for name, body in case.twin.items():
        twin.mkdir(exist_ok=True)
        (twin / name).write_bytes(body)
    settings = Settings()
    try:
        _, other = _read([twin / n for n in case.twin], settings, folder / "twin_out")
    except AmbiguityError:
        return  # asking is always allowed; what is read must be the same
    lines = pq.read_table(folder / "out" / "lines.parquet")
    if _orders(lines) != _orders(other):
        a, b = _orders(lines), _orders(other)
        apart = next(((x, y) for x, y in zip(a, b, strict=False) if x != y), (len(a), len(b)))
        raise Broken(f"{case.relation}: other orders: {str(apart)[:300]}")


def _command(case: Case, folder: Path, sources: list[Path], toml: Path | None) -> Verdict:
    words = [w for s in sources for w in ("--orders", str(s))]
    done = subprocess.run(
        [sys.executable, "-m", "audit", "check", *words, *(["--settings", str(toml)] if toml else []), "--lang", "en"],
        capture_output=True,
        timeout=60,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(HOME).parent), "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    told = done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")
    if done.returncode not in (0, 1) or "Traceback" in told or "panicked" in told:
        raise Broken(f"exit {done.returncode}: {told[-300:]}")
    return Verdict("read" if done.returncode == 0 else "refused")
