"""Helpers: read files, take an answer that a question gives, read again."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.model.intake_report import Question
from tests.intake.reading import Read, read


def merged(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(a)
    for key, value in b.items():
        out[key] = merged(out[key], value) if isinstance(value, Mapping) and key in out else value
    return out


def the_question(result: Read, kind: str) -> Question:
    found = [q for q in result.report.questions if q.kind == kind]
    assert len(found) == 1, result.report.questions
    return found[0]


def answered(
    files: Path | Sequence[Path], out: Path, kind: str, settings: Mapping[str, Any] | None = None
) -> tuple[Read, Read, list[Read]]:
    """Read as the files stand, with the first answer, and with every other; an answer leaves nothing to ask."""
    asked = read(files, out, dict(settings or {}))
    question = the_question(asked, kind)
    results = []
    for lines in (question.answer, *(o.lines for o in question.others)):
        settled = read(files, out, merged(settings or {}, tomllib.loads(lines)))
        assert not [q for q in settled.report.questions if q.kind == kind], lines
        results.append(settled)
    assert len({lines for lines in (question.answer, *(o.lines for o in question.others))}) == len(results)
    return asked, results[0], results[1:]
