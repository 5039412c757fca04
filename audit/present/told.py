"""What a document beside the report, made from the plain values of a JSON content, says in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from markupsafe import Markup

from audit.errors import Lang
from audit.method import method
from audit.present.format import Fmt
from audit.present.narrative import Narrative, narrative_source

__all__ = ["Told"]


@dataclass(frozen=True)
class Told:
    """A content in words, for a document and for the console; ``part`` names the narrative that has them."""

    content: Mapping[str, Any]
    part: ClassVar[str]

    @property
    def lang(self) -> Lang:
        """Language of the document."""
        lang: Lang = self.content["lang"]
        return lang

    @property
    def currency(self) -> str:
        """Currency of the money in it."""
        currency: str = self.content["currency"]
        return currency

    @cached_property
    def fmt(self) -> Fmt:
        """Formats of numbers, dates and money."""
        return Fmt(self.lang, self.currency)

    @cached_property
    def _narrative(self) -> Narrative:
        return Narrative(self.lang, self.fmt, {k: self.content[k] for k in ("old", "new") if k in self.content})

    def say(self, name: str, part: str, **values: Any) -> Markup:
        """Return one sentence."""
        return self._narrative.section(self.part, name, part, **values)

    def plain(self, name: str, part: str, **values: Any) -> str:
        """Return one sentence as plain text."""
        return str(self.say(name, part, **values).unescape())

    def word(self, name: str, table: str, key: str, **values: Any) -> str:
        """Return a word of a small table of the narrative, for example of ``[sections.actions.status]``."""
        known = narrative_source(self.lang, self.part)["sections"][name][table]
        return str(self._narrative.say(known[key], **values).unescape())

    def name(self, id: str) -> str:
        """Return the name of a metric, finding or action."""
        return method().describe(id, self.lang)
