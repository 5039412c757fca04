"""What the forms of ``km-audit forms`` are made from: the engagement as far as it is known, and for whom they are.

A form is a function ``(asked) → files written``; audit/run/forms.py lists them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audit.errors import Lang, Text
from audit.ground.norm import Norm
from audit.model.case import Case
from audit.model.questionnaire import Questionnaire, alike

__all__ = ["FORM_NAMES", "Asked", "Person", "file_names"]

FORM_NAMES: dict[str, Text] = {
    "day_log": Text("Самофотография рабочего дня, экран", "Working day, on the screen"),
    "day_paper": Text("Самофотография рабочего дня, бумага", "Working day, on paper"),
    "time": Text("Личный лист времени", "Personal time sheet"),
    "key_files": Text("Досье ключевых клиентов", "Key client files"),
    "portraits": Text("Портреты ключевых клиентов", "Portraits of key clients"),
    "acts": Text("Акты передачи клиентов", "Hand-off acts"),
    "our_client": Text("Портрет «нашего» клиента", "Portrait of “our client”"),
    "second_purchase": Text("Маршрут второй покупки", "Second-purchase route"),
}
"""Every form of ``km-audit forms`` by its id, in the order in which they are used; a step of the plan may order these."""


@dataclass(frozen=True)
class Person:
    """Somebody of the staff sheet who works here now."""

    code: str
    """As on the staff sheet: what the person sends back carries it."""
    shown: str
    """Name where names were asked for, else the code."""
    role: str | None
    roles: tuple[str, ...]
    """Every role whose work is the person's own."""
    hours: float
    """Hours a month."""


@dataclass(frozen=True)
class Asked:
    """An order for forms."""

    folder: Path
    """Where they are written to; exists."""
    lang: Lang
    people: tuple[Person, ...]
    """For whom personal forms are made."""
    questionnaire: Questionnaire
    norm: Norm
    case: Case | None
    """None while there are no orders: forms that need these are left out."""
    names: bool = False
    """Persons by name."""
    clients: bool = False
    """Clients by name, where a form would do without."""


def file_names(codes: Iterable[str]) -> dict[str, str]:
    """Return for every code what stands for it in a file's name: letters, digits, dots, hyphens; each once."""
    out: dict[str, str] = {}
    for code in codes:
        plain = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", code)).strip("._")[:60] or "person"
        name, n = plain, 1
        while alike(name) in {alike(taken) for taken in out.values()}:
            n += 1
            name = f"{plain}-{n}"
        out[code] = name
    return out
