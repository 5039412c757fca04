"""The photographed working day on paper: one A4 sheet a person and day, to be ticked by hand."""

from __future__ import annotations

import json
from pathlib import Path

from audit.errors import Text, ToolError
from audit.ground.hours import BREAK
from audit.present.forms_asked import Asked, Person, file_names
from audit.present.forms_person import MEETING, button, role_title, usual_functions, words_in
from audit.present.pdf import Letters, set_pages
from audit.resources import resource_dir

__all__ = ["write_day_sheets"]

TICKED = 7
"""Functions of the role; with meetings, breaks and «other» there are ten columns to tick."""


def write_day_sheets(asked: Asked) -> list[Path]:
    """Write the working day on paper for each person: ``day_log_<code>.pdf``; print one copy a day."""
    names = file_names(p.code for p in asked.people)
    out = []
    for person in asked.people:
        path = asked.folder / f"day_log_{names[person.code]}.pdf"
        path.write_bytes(_sheet(asked, person))
        out.append(path)
    return out


def _short(name: str) -> str:
    """Cut what would take the sheet's head beyond its line."""
    return name if len(name) <= 60 else name[:59] + "…"


def _sheet(asked: Asked, person: Person) -> bytes:
    lang, letters = asked.lang, Letters()
    words = words_in("paper", lang)
    columns = [{"name": button(f, lang), "code": f} for f in (*usual_functions(asked, person, TICKED), MEETING, BREAK)]
    told = {
        "lang": lang,
        "words": words,
        "code": letters(_short(person.code)),
        "shown": letters(_short(person.shown)),
        "role": letters(role_title(person, lang)),
        "columns": [*columns, {"name": words["other"], "code": ""}],
    }
    files = {
        "main.typ": (resource_dir("templates") / "forms" / "day.typ").read_bytes(),
        "day.json": json.dumps(told, ensure_ascii=False).encode(),
    }
    try:
        data, broken = set_pages(files, asked.folder)
    except ImportError as e:
        data, broken = None, str(e)
    if data is None:
        raise ToolError(
            Text(f"Бланк дня не напечатан ({broken})", f"The paper form of the day was not set ({broken})"),
            todo=Text("Установите Typst: pip install typst", "Install Typst: pip install typst"),
        )
    return data
