"""The week of the head of sales in words: a page of one screen, and one line of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from audit.errors import Lang
from audit.present.format import NBSP, Fmt
from audit.present.narrative import Narrative
from audit.present.style import css_tokens
from audit.resources import resource_dir

__all__ = ["week_line", "week_page"]

_NUMBERS = ("second_purchases", "past_rhythm", "operational_hours")


def _said(numbers: Mapping[str, Any], lang: Lang) -> Any:
    fmt = Fmt(lang, numbers["currency"])
    narrative = Narrative(lang, fmt, {})

    def say(name: str, part: str) -> str:
        values = dict(numbers.get(name, {}))
        n = values.pop("value", None)
        text = narrative.section("week", name, part, n=n, as_of=numbers["as_of"], v=values)
        return str(text.unescape())

    return say


def week_line(numbers: Mapping[str, Any], lang: Lang) -> str:
    """Return the three numbers as one line for a messenger; plain spaces, no markup, no names."""
    say = _said(numbers, lang)
    parts = [say(name, "line") for name in _NUMBERS if numbers[name]["value"] is not None]
    return " ".join([say("document", "line"), "; ".join(parts) + "."]).replace(NBSP, " ")


def week_page(numbers: Mapping[str, Any], lang: Lang) -> str:
    """Return the three numbers as an HTML page of one screen."""
    say = _said(numbers, lang)
    env = Environment(
        loader=FileSystemLoader(str(resource_dir("templates") / "report")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    cards = [
        {
            "name": say(name, "name"),
            "value": "—" if numbers[name]["value"] is None else say(name, "value"),
            "notes": [x for x in (say(name, "missing" if numbers[name]["value"] is None else "note"),) if x],
            "means": say(name, "means"),
        }
        for name in _NUMBERS
    ]
    return env.get_template("week.html.j2").render(
        lang=lang,
        company=numbers["company"],
        title=say("document", "title"),
        dated=say("document", "dated"),
        foot=say("document", "foot"),
        cards=cards,
        tokens=Markup(css_tokens()),
    )
