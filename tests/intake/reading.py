"""Helpers of the intake tests: write small files, read them, look at what came out."""

from __future__ import annotations

import csv
import datetime as dt
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from audit.errors import AmbiguityError, AuditError
from audit.intake.orders import read_orders
from audit.model.intake_report import IntakeReport, Question
from audit.model.questionnaire import Questionnaire
from audit.settings import settings_from_mapping

TODAY = dt.date(2026, 1, 15)


@dataclass
class Read:
    report: IntakeReport
    lines: pd.DataFrame
    rejected: list[dict[str, str]]

    def reasons(self) -> dict[str, int]:
        return {s.code: s.rows for s in self.report.set_aside}

    def column(self, name: str) -> list[Any]:
        return [None if v is None or v is pd.NaT or v != v else v for v in self.lines[name].tolist()]

    def field_of(self, header: str) -> tuple[str | None, str]:
        return next((c.field, c.how) for c in self.report.columns if c.header == header)


def read(
    sources: Path | str | Sequence[Path | str],
    out: Path,
    settings: dict[str, Any] | None = None,
    questionnaire: Questionnaire | None = None,
    today: dt.date = TODAY,
) -> Read:
    """Read orders and check what must hold for every reading."""
    given = [sources] if isinstance(sources, Path | str) else list(sources)
    report = read_orders(given, settings_from_mapping(settings or {}), questionnaire, out, today=today)
    lines = pq.read_table(out / "lines.parquet").to_pandas()
    with (out / "rejected_rows.csv").open(encoding="utf-8-sig", newline="") as f:
        rejected = list(csv.DictReader(f))
    assert report.rows_read == report.rows_used + report.rows_set_aside
    assert len(lines) == report.rows_used
    assert len(rejected) == report.rows_set_aside == sum(s.rows for s in report.set_aside)
    for file in report.files:
        assert file.rows_read == file.rows_used + file.rows_set_aside
    assert IntakeReport.from_json(report.as_json()) == report
    # Small files name no currency; what is asked about it is tested in test_currency.py.
    report = replace(report, questions=tuple(q for q in report.questions if q.kind != "currency"))
    return Read(report, lines, rejected)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a text file with the line ends as given."""
    path.write_bytes(text.encode(encoding))
    return path


@contextmanager
def refuses(kind: type[AuditError], what: str) -> Iterator[None]:
    """The body must raise this error, in both languages, with what to do."""
    with pytest.raises(kind) as caught:
        yield
    error = caught.value
    assert what in "\n".join(error.lines("en")), error.lines("en")
    assert error.todo is not None and error.todo.ru and error.where
    assert error.what.ru != error.what.en


def stopped(
    sources: Path | str | Sequence[Path | str], out: Path, settings: dict[str, Any] | None = None
) -> AmbiguityError:
    """The reading stops with a question; every answer it gives can be written into audit.toml."""
    with pytest.raises(AmbiguityError) as caught:
        read(sources, out, settings)
    error = caught.value
    assert error.what.ru != error.what.en and error.where and error.todo is not None
    for line in (error.answer, *(a.lines for a in error.others)):
        settings_from_mapping(tomllib.loads(line))
    return error


def asked(result: Read, kind: str) -> Question:
    """The one question of a kind; every answer it gives can be written into audit.toml."""
    (question,) = [q for q in result.report.questions if q.kind == kind]
    assert question.text.ru != question.text.en
    for line in (question.answer, *(a.lines for a in question.others)):
        settings_from_mapping(tomllib.loads(line))
    return question


def answer(line: str) -> dict[str, Any]:
    """Settings as the line of a question gives them."""
    return tomllib.loads(line)
