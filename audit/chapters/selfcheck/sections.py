"""The chapter «Слова и цифры» as sections of the report, and its table as a sheet of the annex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from audit.chapters.selfcheck import charts
from audit.errors import Text
from audit.method import method
from audit.present.annex import Sheet
from audit.present.blocks import Col, Section, table
from audit.present.chapter import ChapterView

__all__ = ["SECTIONS", "SHEET_NAMES", "sheets"]

SHEET_NAMES: dict[str, Text] = {"answers": Text("Ответы и цифры", "Answers and figures")}
"""Table of the result (and of a finding) → name of its sheet in the annex."""


def _frame(view: ChapterView) -> pd.DataFrame:
    """Return the answers in words, one row per question."""
    fmt, rows = view.fmt, []
    for r in view.tables["answers"].to_dict("records"):
        known = r["value"] is not None and not pd.isna(r["value"])
        figure = fmt.value(r["value"], str(r["unit"])) if known else "—"
        if known and not pd.isna(r["low"]) and r["low"] != r["high"]:
            figure = f"{figure} ({fmt.between(r['low'], r['high'], str(r['unit']))})"
        q = method().self_check[str(int(r["question"]))]
        why = r[f"reason_{view.lang}"] or (None if known else r[f"figure_reason_{view.lang}"])
        answer = r["answer"] if r["answer"] in ("yes", "no", "unknown") else "none"
        rows.append(
            {
                "question": q.ru if view.lang == "ru" else q.en,
                "answer": view.plain("answers", str(answer)),
                "figure_name": method().metrics[str(r["check"])].name.get(view.lang),
                "figure": figure,
                "state": view.plain("answers", str(r["state"])),
                "code": str(r["state"]),
                "why": why or "",
            }
        )
    return pd.DataFrame(
        rows, columns=["question", "answer", "figure_name", "figure", "state", "code", "why"], dtype=object
    )


def _columns(view: ChapterView) -> list[Col]:
    ru = view.lang == "ru"
    return [
        Col("question", "Вопрос" if ru else "Question"),
        Col("answer", "Ответ" if ru else "Answer"),
        Col("figure_name", "Показатель рядом" if ru else "Figure beside it"),
        Col("figure", "Значение (интервал)" if ru else "Value (interval)"),
        Col("state", "Итог" if ru else "Result"),
        Col("why", "Почему проверить нельзя" if ru else "Why it cannot be checked"),
    ]


def answers(view: ChapterView) -> Section:
    """Eight answers beside their figures."""
    parts: list[Any] = []
    if len(view.tables["answers"]):
        counts = {str(k): int(v) for k, v in view.tables["answers"]["state"].value_counts().items()}
        words = {s: view.plain("answers", s) for s in charts.STATES}
        words["no_answer"] = view.plain("answers", "none")
        caption = view.caption("answers", n=counts.get("contradicts", 0), agrees=counts.get("agrees", 0))
        parts = [
            charts.answers_chart(view.fmt, caption, counts, words, view.plain("answers", "answers_label")),
            table(
                _frame(view),
                _columns(view),
                fmt=view.fmt,
                sortable=False,
                emphasise=lambda r: "found" if r["code"] == "contradicts" else "",
            ),
        ]
    return view.compose("answers", parts)


SECTIONS: dict[str, Callable[[ChapterView], Section]] = {"answers": answers}


def sheets(view: ChapterView) -> list[Sheet]:
    """Return the table of answers."""
    if view.tables["answers"].empty:
        return []
    return [view.sheet("answers", view.plain("answers", "title"), _frame(view), _columns(view))]
