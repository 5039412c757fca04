"""The forms that the method works with, pre-filled from the engagement: the command ``km-audit forms``.

A new form is a function ``(Asked) → files`` in audit/present/forms_*.py and one entry of `FORMS`.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.errors import ParameterError, QuestionnaireError, Text
from audit.ground.norm import Norm, norm_of
from audit.ground.people import staff_now
from audit.intake.questionnaire import read_questionnaire
from audit.model.questionnaire import Questionnaire, alike
from audit.present.forms_asked import FORM_NAMES, Asked, Person
from audit.present.forms_keys import write_key_books
from audit.present.forms_paper import write_day_sheets
from audit.present.forms_person import write_day_pages, write_time_pages
from audit.run.cases import open_inputs
from audit.run.forms_papers import write_acts, write_our_client, write_portraits, write_second_route
from audit.run.inputs import Inputs

__all__ = ["FOLDER", "FORMS", "Form", "Made", "make_forms"]

FOLDER = "forms"
"""Folder of an engagement that the forms are written to."""


@dataclass(frozen=True)
class Form:
    """One form: its id among `FORM_NAMES`, how it is written, whether it can do without orders."""

    id: str
    write: Callable[[Asked], list[Path]]
    needs_orders: bool = False

    @property
    def name(self) -> Text:
        """Its name in both languages."""
        return FORM_NAMES[self.id]


FORMS: tuple[Form, ...] = (
    Form("day_log", write_day_pages),
    Form("day_paper", write_day_sheets),
    Form("time", write_time_pages),
    Form("key_files", write_key_books, needs_orders=True),
    Form("portraits", write_portraits, needs_orders=True),
    Form("acts", write_acts),
    Form("our_client", write_our_client, needs_orders=True),
    Form("second_purchase", write_second_route, needs_orders=True),
)
"""Every form, in the order in which they are used."""


@dataclass(frozen=True)
class Made:
    """What ``make_forms`` wrote, by form, and what has to be said about it."""

    forms: tuple[tuple[Form, tuple[Path, ...]], ...]
    notes: tuple[Text, ...]
    returns: Path
    """Where what comes back is to be put."""


def make_forms(inputs: Inputs, people: Sequence[str] = (), *, clients: bool = False) -> Made:
    """Write the forms of an engagement into its folder ``forms``; existing ones are replaced.

    ``people``: codes for whom personal forms are made, default everybody who works here now. ``clients``: names of
    clients in them. Without orders the forms that need these are left out, and a note says so.
    """
    assert inputs.folder is not None
    folder = inputs.folder / FOLDER
    asked, notes = _asked(inputs, folder, people, clients)
    folder.mkdir(exist_ok=True)
    made = []
    for form in FORMS:
        if form.needs_orders and asked.case is None:
            notes.append(
                Text(
                    f"«{form.name.ru}» делается по заказам: положите выгрузку в папку orders и повторите",
                    f"“{form.name.en}” is made from the orders: put the export into the folder orders and repeat",
                )
            )
            continue
        made.append((form, tuple(form.write(asked))))
    inputs.returns.mkdir(exist_ok=True)
    return Made(tuple(made), tuple(notes), inputs.returns)


def _asked(inputs: Inputs, folder: Path, codes: Sequence[str], clients: bool) -> tuple[Asked, list[Text]]:
    settings = inputs.settings
    notes: list[Text] = []
    if inputs.orders:
        assert inputs.folder is not None
        case = open_inputs(inputs, inputs.folder.absolute() / ".km-audit" / "prepared")
        questionnaire, today = case.questionnaire, case.window.as_of
        norm = norm_of(case)[0]
    else:
        case = None
        questionnaire = (
            Questionnaire()
            if inputs.questionnaire is None
            else read_questionnaire(inputs.questionnaire, inputs.collected)
        )
        today = dt.date.today()
        declared = settings.company.sale_type or questionnaire.company.get("sale_type")
        if declared in (None, "unknown"):
            declared = "TC"
            notes.append(
                Text(
                    "Тип продаж не назван: работа ролей взята как для транзакционных продаж с удержанием",
                    "The type of sale is not given: the work of roles is that of transactional sale with retention",
                )
            )
        norm = Norm((str(declared),))
    if not questionnaire.has("staff"):
        raise QuestionnaireError(
            Text("На листе «Сотрудники» никого нет: формы делать не для кого", "The sheet “Staff” names nobody"),
            where=str(inputs.questionnaire or inputs.folder),
            todo=Text("Заполните лист «Сотрудники» анкеты и повторите", "Fill in the sheet “Staff” and repeat"),
        )
    names = settings.report.names
    staff = questionnaire.table("staff")
    called = dict(zip(staff["person"].astype(str), staff["name"], strict=True))
    now = staff_now(staff, today, questionnaire.hours_per_month(), norm.types)
    everybody = {
        str(r["person"]): Person(
            str(r["person"]),
            str(called[r["person"]]) if names and isinstance(called[r["person"]], str) else str(r["person"]),
            r["role"] if isinstance(r["role"], str) else None,
            tuple(r["roles"]),
            float(r["capacity_hours"]),
        )
        for r in now.to_dict("records")
    }
    chosen = tuple(everybody[c] for c in (_known(c, everybody) for c in codes)) or tuple(everybody.values())
    return Asked(folder, settings.report.lang, chosen, questionnaire, norm, case, names, clients), notes


def _known(code: str, everybody: dict[str, Person]) -> str:
    by_fold = {alike(c): c for c in everybody} | {c.casefold(): c for c in everybody}
    said = code.strip().casefold()
    if code in everybody or said in by_fold or alike(code) in by_fold:
        return code if code in everybody else by_fold.get(said) or by_fold[alike(code)]
    near = difflib.get_close_matches(said, list(by_fold), 1)
    there = ", ".join(everybody)
    hint = Text(f"Возможно, это {by_fold[near[0]]}. ", f"Did you mean {by_fold[near[0]]}? ") if near else Text("", "")
    raise ParameterError(
        Text(f"Сотрудника {code} нет или он уже не работает", f"There is no {code} on the staff, or not any more"),
        where="--person",
        todo=Text(f"{hint.ru}Есть: {there}", f"{hint.en}There are: {there}"),
    )
