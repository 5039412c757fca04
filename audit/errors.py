"""The errors that a client's file, a setting or a parameter can cause, in two languages.

    AuditError                      anything the user can put right; ends with exit code 1
    ├── InputError                  an orders file cannot be used
    │   ├── AmbiguityError          two readings are possible: a question with the settings line that answers it
    │   └── NothingUsableError      every row was set aside; carries the list of the rows
    ├── QuestionnaireError          the questionnaire cannot be used
    ├── SettingsError               audit.toml or an override is wrong
    ├── ParameterError              a notebook parameter or a command line option is wrong
    ├── PreparedError               a prepared or finished run is damaged or missing
    └── ToolError                   a part of this computer is missing (kernel, PDF engine, Spark …)

Every error says what was found, where, and what to do next. ``assert`` is for our own mistakes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = [
    "AmbiguityError",
    "AuditError",
    "InputError",
    "Lang",
    "NothingUsableError",
    "ParameterError",
    "PreparedError",
    "QuestionnaireError",
    "SettingsError",
    "Text",
    "ToolError",
    "current_language",
    "did_you_mean",
    "set_language",
    "speaking",
]

Lang = Literal["ru", "en"]

_LANGUAGE: ContextVar[Lang] = ContextVar("km_audit_language", default="ru")


def set_language(lang: Lang) -> None:
    """Choose the language in which errors and progress speak in this context."""
    _LANGUAGE.set(lang)


def current_language() -> Lang:
    """Return the language in which errors and progress speak in this context."""
    return _LANGUAGE.get()


@contextmanager
def speaking(lang: Lang) -> Iterator[None]:
    """Let `Text` speak ``lang`` inside the block, whatever the console speaks."""
    token = _LANGUAGE.set(lang)
    try:
        yield
    finally:
        _LANGUAGE.reset(token)


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages of the kit; ``str()`` gives the current one."""

    ru: str
    en: str

    def get(self, lang: Lang) -> str:
        """Return the sentence in ``lang``."""
        return self.ru if lang == "ru" else self.en

    def format(self, **values: object) -> Text:
        """Fill ``{name}`` places in both languages with the same values (a `Text` value is taken per language)."""
        ru = {k: v.ru if isinstance(v, Text) else v for k, v in values.items()}
        en = {k: v.en if isinstance(v, Text) else v for k, v in values.items()}
        return Text(self.ru.format(**ru), self.en.format(**en))

    def __str__(self) -> str:
        return self.get(_LANGUAGE.get())


LONGEST = 1200
"""Letters of one line of a message: a cell of 32,767 letters may stand in it, and nobody reads that."""


def _short(text: str) -> str:
    lines = text.split("\n")
    return "\n".join(t if len(t) <= LONGEST else t[: LONGEST - 1].rstrip() + "…" for t in lines)


class AuditError(Exception):
    """Something the user can put right: what was found, where, what to do."""

    def __init__(self, what: Text, *, where: Text | str = "", todo: Text | None = None) -> None:
        super().__init__(what.en)
        self.what = what
        self.where = where
        self.todo = todo

    def lines(self, lang: Lang | None = None) -> list[str]:
        """Return the message as short lines: what, where, what to do."""
        lang = lang or _LANGUAGE.get()
        where = self.where.get(lang) if isinstance(self.where, Text) else self.where
        out = [_short(self.what.get(lang))]
        if where:
            out.append(("Где: " if lang == "ru" else "Where: ") + _short(where))
        if self.todo is not None:
            out.append(("Что сделать: " if lang == "ru" else "What to do: ") + _short(self.todo.get(lang)))
        return out

    def __str__(self) -> str:
        return "\n".join(self.lines())


class InputError(AuditError):
    """An orders file cannot be used."""


NO_WORDS = Text("", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """One of several answers to a question about the data: what it says, and the lines of audit.toml that give it."""

    means: Text
    lines: str


class AmbiguityError(InputError):
    """Two readings of the input are possible; ``answer`` is the settings line that chooses one, ``others`` the rest.

    ``means`` says what ``answer`` says in words.
    """

    def __init__(
        self,
        what: Text,
        *,
        where: Text | str = "",
        todo: Text | None = None,
        answer: str = "",
        means: Text = NO_WORDS,
        others: tuple[Answer, ...] = (),
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.answer = answer
        self.means = means
        self.others = others


class NothingUsableError(InputError):
    """Rows were read and every one was set aside; ``rejected`` is the file that lists them with their reasons."""

    def __init__(self, what: Text, *, where: Text | str = "", todo: Text, rejected: Path) -> None:
        super().__init__(what, where=where, todo=todo)
        self.rejected = rejected


class QuestionnaireError(AuditError):
    """The questionnaire cannot be used."""


class SettingsError(AuditError):
    """``audit.toml`` or an override of it is wrong."""


class ParameterError(AuditError):
    """A notebook parameter or a command line option is wrong."""


class PreparedError(AuditError):
    """A prepared or finished run is damaged or missing."""


class ToolError(AuditError):
    """A part of this computer that the kit needs is missing."""


def did_you_mean(word: str, known: Iterable[str]) -> Text:
    """Return «did you mean …?» for the nearest known word, or the list of known words when none is near.

    Nearness is difflib's ratio of at least 0.6 on the lower-cased words.
    """
    names = sorted(set(known))
    lower = {n.lower(): n for n in names}
    near = difflib.get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
    if near:
        hit = lower[near[0]]
        return Text(f"возможно, вы имели в виду «{hit}»?", f"did you mean “{hit}”?")
    if len(names) <= 20:
        joined = ", ".join(names)
        return Text(f"допустимы: {joined}", f"allowed: {joined}")
    return Text(
        f"допустимых значений {len(names)}, см. docs/settings.md", f"{len(names)} are allowed, see docs/settings.md"
    )
