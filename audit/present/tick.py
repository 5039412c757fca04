"""Whether the data can be audited as they are, and what share of them: the last line of a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.errors import Text
from audit.model.intake_report import ELSEWHERE, FOREIGN, IntakeReport, Question
from audit.model.orders import field_name

__all__ = ["Tick", "judge"]

_MOST_ASIDE = 0.05
"""Share of revenue that may be set aside without a question."""


_UNREAD = frozenset({"bad_amount", "cell_error", "field_count", "bad_bytes", "unclosed_quote"})
"""Rows whose money nobody knows."""


@dataclass(frozen=True)
class Tick:
    """The verdict on the data: ``whole`` where nothing is left to settle; why not, otherwise."""

    whole: bool
    used: Text
    faults: tuple[Text, ...]

    def sentence(self) -> Text:
        """Return the verdict in one sentence."""
        if self.whole:
            return Text(f"Данные годятся для аудита: {self.used.ru}", f"The data can be audited: {self.used.en}")
        ru, en = "; ".join(f.ru for f in self.faults), "; ".join(f.en for f in self.faults)
        return Text(
            f"Данные годятся, но есть вопросы: {ru}. {self.used.ru[:1].upper()}{self.used.ru[1:]}",
            f"Usable, with questions: {en}. {self.used.en[:1].upper()}{self.used.en[1:]}",
        )


def _percent(share: float) -> Text:
    whole = (
        f"{100.0 * share:.1f}".removesuffix(".0") if 0.99 <= share < 1 or 0 < share < 0.01 else f"{100.0 * share:.0f}"
    )
    return Text(f"{whole.replace('.', ',')} %", f"{whole} %")


def judge(intake: IntakeReport, *, blank: bool) -> Tick:
    """Judge what was read. ``blank``: a questionnaire was given and nothing in it is filled."""
    revenue, rows = (_percent(s) for s in (intake.revenue_used_share, intake.rows_used_share))
    used = Text(
        f"в расчёте {revenue.ru} выручки и {rows.ru} строк", f"{revenue.en} of revenue and {rows.en} of rows were used"
    )
    faults = [*_questions(intake.questions), *_control_sums(intake), *_aside(intake), *_empty(intake)]
    if blank:
        faults.append(
            Text(
                "анкета не заполнена, без неё роли и часы не оценить",
                "the questionnaire is blank, roles and hours cannot be judged without it",
            )
        )
    return Tick(not faults, used, tuple(faults))


def _questions(asked: Sequence[Question]) -> list[Text]:
    n = sum(q.kind != "currency" for q in asked)
    return [Text(f"неотвеченных вопросов: {n}", f"open questions: {n}")] if n else []


def _control_sums(intake: IntakeReport) -> list[Text]:
    wrong = [c for c in intake.control_sums if not c.agrees]
    files = ", ".join(dict.fromkeys(c.file for c in wrong))
    return (
        [
            Text(
                f"итоги в файле не сходятся с суммой строк ({files}): {len(wrong)}",
                f"totals of a file do not agree with the sum of its rows ({files}): {len(wrong)}",
            )
        ]
        if wrong
        else []
    )


def _aside(intake: IntakeReport) -> list[Text]:
    # Dispatches, payments and second copies are put aside because their sales stand elsewhere.
    lost = {e.file for s in intake.set_aside if s.code not in ELSEWHERE for e in s.examples}
    out = [
        Text(f"файл {f.name} отложен целиком", f"the file {f.name} was set aside as a whole")
        for f in intake.files
        if f.rows_read and not f.rows_used and f.name in lost
    ]
    unread = sum(s.rows for s in intake.set_aside if s.code in _UNREAD and s.revenue is None)
    if unread > _MOST_ASIDE * (intake.rows_used + unread):
        said = _percent(unread / (intake.rows_used + unread))
        out.append(Text(f"не прочитаны суммы в {said.ru} строк", f"the amounts of {said.en} of rows could not be read"))
    foreign = sum(s.rows for s in intake.set_aside if s.code == FOREIGN)
    if foreign > _MOST_ASIDE * (intake.rows_used + foreign):
        said = _percent(foreign / (intake.rows_used + foreign))
        out.append(
            Text(
                f"в другой валюте {said.ru} строк, отложены", f"{said.en} of rows, in another currency, were set aside"
            )
        )
    share = 1.0 - intake.revenue_used_share
    if share > _MOST_ASIDE:
        said = _percent(share)
        out.append(Text(f"отложено {said.ru} выручки", f"{said.en} of revenue was set aside"))
    return out


def _empty(intake: IntakeReport) -> list[Text]:
    mapped = {c.field: c.header for c in intake.columns if c.field and c.how in ("mapped", "setting") and c.header}
    empty = [(f, h) for f, h in mapped.items() if intake.field_coverage.get(f, 1.0) == 0.0]
    return [
        Text(
            f"столбец «{header}» ({field_name(name).ru}) везде пуст",
            f"column “{header}” ({field_name(name).en}) is empty throughout",
        )
        for name, header in empty
    ]
