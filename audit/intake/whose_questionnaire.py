"""A questionnaire of another company: its people are not those of the orders, or its company is another."""

from __future__ import annotations

from collections.abc import Sequence

from audit.errors import Answer, Text
from audit.intake.twice import percent
from audit.model.client_names import name_key
from audit.model.intake_report import PersonUse, Question
from audit.model.questionnaire import Questionnaire
from audit.settings import Settings

__all__ = ["look"]

_LEAST = 0.1
"""Share of revenue whose people must be on the sheet «Сотрудники» for it to be the same company's."""
_OURS, _OTHER = "[inputs]\nquestionnaire_is_ours = true", "[inputs]\nquestionnaire_is_ours = false"


def look(
    people: Sequence[PersonUse], organizations: Sequence[str], questionnaire: Questionnaire | None, settings: Settings
) -> Question | None:
    """Ask whose questionnaire it is; until that is answered it is left out."""
    if questionnaire is None or settings.inputs.questionnaire_is_ours is not None:
        return None
    found = _strangers(people, questionnaire) or _another_company(organizations, questionnaire, settings)
    if found is None:
        return None
    return Question(
        Text(
            f"{found.ru}. Анкета, похоже, другой компании: до ответа она не используется",
            f"{found.en}. The questionnaire seems to be another company's: it is left out until this is answered",
        ),
        _OURS,
        others=(Answer(Text("это анкета другой компании", "it is another company's"), _OTHER),),
        kind="questionnaire",
        means=Text("это анкета этой компании", "it is this company's"),
    )


def _strangers(people: Sequence[PersonUse], questionnaire: Questionnaire) -> Text | None:
    managers = [p for p in people if p.field == "manager" and p.how != "system"]
    total = sum(p.revenue_share for p in managers)
    if not questionnaire.has("staff") or len(managers) < 2 or total <= 0:
        return None
    share = sum(p.revenue_share for p in managers if p.how in ("known", "proposed")) / total
    if share >= _LEAST:
        return None
    shown = ", ".join(p.spelling for p in managers[:3])
    return Text(
        f"Людей из заказов почти нет на листе «Сотрудники»: на них {percent(share)} % выручки (в заказах, например, {shown})",
        f"Hardly anybody of the orders is on the sheet Staff: {percent(share)} % of revenue (the orders name {shown})",
    )


def _another_company(organizations: Sequence[str], questionnaire: Questionnaire, settings: Settings) -> Text | None:
    said = questionnaire.company.get("name")
    known = [*organizations, *([settings.company.name] if settings.company.name else [])]
    if not said or not known or any(_alike(str(said), name) for name in known):
        return None
    return Text(
        f"В анкете компания «{said}», а в заказах и настройках — «{known[0]}»",
        f"The questionnaire names the company “{said}”, orders and settings name “{known[0]}”",
    )


def _alike(a: str, b: str) -> bool:
    """Whether two names can be one company's: a word of the one is a word of the other."""
    return bool(set(name_key(a).split()) & set(name_key(b).split()))
