"""Clients that a key could join wrongly: placeholders instead of codes, companies that only their legal form tells apart."""

from __future__ import annotations

from collections.abc import Mapping

from audit.errors import Answer, Text
from audit.intake.traps import reading_line
from audit.model.intake_report import Question
from audit.settings import Settings

__all__ = ["forms_of_one_name", "placeholders"]


def placeholders(found: Mapping[str, int]) -> Text | None:
    """Say which codes stand under several names and were not taken for clients."""
    if not found:
        return None
    shown = ", ".join(f"«{code}»" for code in sorted(found, key=lambda c: (-found[c], c))[:4])
    return Text(
        f"Заглушки вместо кода клиента ({shown}; строк {sum(found.values())}) стоят под разными названиями: клиент взят по "
        "названию",
        f"Placeholders instead of a client code ({shown}; rows: {sum(found.values())}) stand under several names: the client "
        "was taken by name",
    )


def forms_of_one_name(apart: Mapping[str, Mapping[str, str]], settings: Settings) -> Question | None:
    """Ask whether companies of one name and of different legal forms are one client; they are counted apart till then."""
    if not apart or settings.reading.legal_forms is not None:
        return None
    shown = "; ".join(", ".join(sorted(names.values())) for _, names in sorted(apart.items())[:3])
    more = " …" if len(apart) > 3 else ""
    return Question(
        Text(
            f"Одно название, разные формы собственности ({len(apart)}): {shown}{more}. Сейчас это разные клиенты",
            f"One name, different legal forms ({len(apart)}): {shown}{more}. They are different clients now",
        ),
        reading_line("legal_forms", "together"),
        others=(
            Answer(Text("это разные клиенты", "these are different clients"), reading_line("legal_forms", "apart")),
        ),
        kind="legal_forms",
        means=Text("это один клиент", "this is one client"),
    )
