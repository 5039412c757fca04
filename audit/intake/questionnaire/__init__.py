"""The client's questionnaire read into typed tables: nothing is guessed silently, every problem names its cell.

    read_questionnaire(path)   a folder of CSVs or a workbook → `Questionnaire`

raw.py finds the tables and names their cells; layout.py finds headers and keys; cells.py reads one cell;
tables.py builds the frames and checks what no cell alone can tell (persons, sums, overlaps); returned.py puts in what
single persons sent back.
"""

from __future__ import annotations

from pathlib import Path

from audit.errors import QuestionnaireError, Text
from audit.intake.questionnaire.raw import read_raw
from audit.intake.questionnaire.tables import build
from audit.model.questionnaire import Problem, Questionnaire

__all__ = ["SHOWN_PROBLEMS", "describe_problems", "read_questionnaire"]

SHOWN_PROBLEMS = 20
"""How many problems an error lists; the rest are counted."""


def read_questionnaire(path: Path, collected: Path | None = None) -> Questionnaire:
    """Read the questionnaire the client returned: a folder of CSVs or a workbook (XLSX, XLS, ODS).

    ``collected``: a folder beside it with what single persons sent back (day logs, time sheets, key clients).

    Tables that are absent or empty are absent from the result. Problems that do not stop the audit (an unread column,
    a title that names no role, percentages taken for shares) and a form left blank stay in ``problems``. Raise
    `QuestionnaireError` that lists the fatal ones (the first 20 and their number), or says why the file cannot be
    opened.
    """
    source = read_raw(Path(path), collected)
    built = build(source.tables)
    tables, company = built.tables, built.company
    problems = (*source.problems, *built.problems)
    fatal = [p for p in problems if p.fatal]
    if fatal:
        raise QuestionnaireError(
            describe_problems(fatal),
            where=str(path),
            todo=Text(
                "Исправьте названные ячейки и запустите проверку ещё раз (km-audit check)",
                "Correct the cells named and check again (km-audit check)",
            ),
        )
    if not tables and not company:
        # The blank form lies in every new engagement: the orders can be looked at before it comes back.
        said = Text(
            "анкета не заполнена: начните с листов «Компания», «Сотрудники» и «Время»",
            "the questionnaire is not filled in: begin with the sheets “Company”, “Staff” and “Time”",
        )
        problems = (*problems, Problem("", source.name, "", said, fatal=False))
    return Questionnaire(
        tables=tables,
        company=company,
        problems=problems,
        source=source.name,
        sha256=source.sha256,
        returned=built.returned,
    )


def describe_problems(problems: list[Problem]) -> Text:
    """Put problems into one text: a count, then one line each — cell, value, what is allowed."""
    ru = [f"В анкете найдено ошибок: {len(problems)}"]
    en = [f"Problems found in the questionnaire: {len(problems)}"]
    for p in problems[:SHOWN_PROBLEMS]:
        ru.append(f"  {p.cell}: " + (f"«{p.value}» — " if p.value else "") + p.text.ru)
        en.append(f"  {p.cell}: " + (f"“{p.value}” — " if p.value else "") + p.text.en)
    rest = len(problems) - SHOWN_PROBLEMS
    if rest > 0:
        ru.append(f"  … и ещё {rest}")
        en.append(f"  … and {rest} more")
    return Text("\n".join(ru), "\n".join(en))
