"""The sentences: one TOML per chapter in ``templates/narrative``, Russian and English side by side under one key.

Each is a Jinja template, autoescaped, that names finished values only: ``f`` the finding's facts, ``m`` the chapter's
metrics by the part after the dot (``m.second_purchase_share.value``), ``x`` further facts of the chapter, ``fmt`` the
formats of `audit.present.format`, ``company``, ``window``. It computes nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from audit.errors import Lang, SettingsError, Text, speaking
from audit.findings.finding import Finding
from audit.method import method
from audit.model.result import ChapterResult
from audit.present.format import Fmt
from audit.present.forms_asked import FORM_NAMES
from audit.resources import resource_dir

__all__ = ["Narrative", "narrative_source"]


_TWO_STOPS = re.compile(r"(?<![./])\.\.(?![./])")


@lru_cache(maxsize=64)
def narrative_source(lang: Lang, part: str) -> Mapping[str, Any]:
    """Return the sentences of a chapter, or of another part of the report (``summary``, ``compare``), in one language.

    Raises `SettingsError` where a sentence is not there in both languages.
    """
    spec = method().chapters.get(part)
    path = resource_dir("templates") / "narrative" / f"{part if spec is None else spec.room}.toml"
    return _in_language(tomllib.loads(path.read_text(encoding="utf-8")), lang, path) if path.is_file() else {}


def _in_language(table: Mapping[str, Any], lang: Lang, path: Path, key: str = "") -> dict[str, Any]:
    """Return the table with the sentence of one language in place of each pair ``ru``, ``en``."""
    out = {}
    for name, value in table.items():
        at = f"{key}.{name}".lstrip(".")
        if isinstance(value, dict) and value.keys() == {"ru", "en"}:
            out[name] = value[lang]
        elif isinstance(value, dict) and not value.keys() & {"ru", "en"}:
            out[name] = _in_language(value, lang, path, at)
        else:
            raise SettingsError(
                Text(
                    f"Фраза «{at}» должна быть и по-русски, и по-английски",
                    f"The sentence “{at}” must be there in Russian and in English",
                ),
                where=str(path),
                todo=Text(f"Впишите {at}.ru и {at}.en", f"Write {at}.ru and {at}.en"),
            )
    return out


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # no constant stands in a sentence that could be reckoned beforehand
    return Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, optimized=False
    )


@lru_cache(maxsize=4096)
def _compiled(template: str) -> Template:
    return _environment().from_string(template)


def _capital(sentence: Markup) -> Markup:
    """Begin a sentence with a capital where its first word came from a list in small letters."""
    return Markup(sentence[:1].upper() + sentence[1:])


class _Short:
    """Metrics by the part of the id after the dot."""

    def __init__(self, result: ChapterResult | None) -> None:
        self._metrics = {} if result is None else {k.split(".", 1)[1]: v for k, v in result.metrics.items()}

    def __getattr__(self, name: str) -> Any:
        try:
            return self._metrics[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class Narrative:
    """Speaks one language about one engagement."""

    lang: Lang
    fmt: Fmt
    values: Mapping[str, Any] = field(default_factory=dict)

    def say(self, template: str, **values: Any) -> Markup:
        """Fill one sentence; every value is escaped."""
        if "{" in template:
            with speaking(self.lang):  # a reason in a sentence is a `Text`
                text = _compiled(template).render(fmt=self.fmt, **self.values, **values)
        else:
            text = template
        # A date that ends in «г.» or a reason with its own stop may stand before the stop of the sentence.
        return Markup(_TWO_STOPS.sub(".", " ".join(text.split(" "))))

    def section(self, chapter: str, name: str, part: str, result: ChapterResult | None = None, **values: Any) -> Markup:
        """Return a part (``title``, ``lead``, ``note`` …) of a chapter's section; empty where there is none."""
        template = narrative_source(self.lang, chapter).get("sections", {}).get(name, {}).get(part, "")
        x = result.facts if result is not None else {}
        return self.say(template, m=_Short(result), x=x, **values)

    def finding(self, finding: Finding, result: ChapterResult | None = None) -> tuple[Markup, Markup]:
        """Return title and text of a finding in its status.

        A sentence for ``watch`` may be missing (then ``found``'s is not used: the neutral name stands); a finding
        that is not assessed is named and its reason given; of one that is unclear the figure, its interval and what
        it would take to tell are said, unless the chapter has words of its own. What is found without a price says why
        (``no_price``): silence would read as «costs nothing».
        """
        name = Markup.escape(method().findings[finding.id].name.get(self.lang))
        if finding.status == "not_assessed":
            reason = finding.reason.get(self.lang) if finding.reason is not None else ""
            return name, Markup.escape(reason)
        texts = narrative_source(self.lang, finding.chapter).get("findings", {}).get(finding.id.split(".", 1)[1], {})
        values: dict[str, Any] = {
            "f": finding.facts,
            "m": _Short(result),
            "x": result.facts if result is not None else {},
        }
        title = texts.get("title", {}).get(finding.status)
        text = texts.get("text", {}).get(finding.status)
        if finding.status == "found" and finding.effect is None and finding.risk is None and "no_price" in texts:
            text = f"{text} {texts['no_price']}"
        if isinstance(finding.doubt, Text):
            return name, Markup.escape(finding.doubt.get(self.lang))
        if finding.doubt is not None and text is None:
            text = narrative_source(self.lang, "summary")["unclear"]["text"]
            values = {"d": finding.doubt}
        return (
            _capital(self.say(title, **values)) if title else name,
            _capital(self.say(text, **values)) if text else Markup(""),
        )

    def target(self, metric: str, value: float | None) -> str:
        """Say the target of an action as a sentence; in general words where the metric has none of its own."""
        texts = narrative_source(self.lang, "actions").get("targets", {})
        spec = method().metrics[metric]
        room, name = metric.split(".", 1)
        general = "open" if value is None else spec.bad or "none"
        template = texts.get(room, {}).get(name) or texts["any"][general]
        shown = "" if value is None else self.fmt.value(value, spec.unit)
        return str(self.say(template, name=spec.name.get(self.lang), value=shown).unescape())

    def first_step(self, action: str, facts: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the first step of an action with the numbers and names of this company; in general where it has none.

        ``facts``: those of the findings that call for it, by the finding's name.
        """
        template = narrative_source(self.lang, "actions")["steps"].get(action, "")
        told = str(self.say(template, f=facts).unescape()).strip()
        spec = method().actions[action]
        step = told or spec.first_step().get(self.lang)
        if spec.form is None:
            return step
        name = FORM_NAMES[spec.form]
        return step + Text(f". Форму «{name.ru}» делает km-audit forms", f". km-audit forms makes “{name.en}”").get(
            self.lang
        )

    def text(self, value: Text | None) -> Markup:
        """Return a bilingual sentence, escaped."""
        return Markup("") if value is None else Markup.escape(value.get(self.lang))
