"""Words that no client is to read: ``templates/forbidden_words.toml`` held against a text."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from audit.errors import Lang

RULES = tomllib.loads(
    (Path(__file__).resolve().parents[1] / "templates" / "forbidden_words.toml").read_text(encoding="utf-8")
)


def forbidden(text: str, lang: Lang) -> list[str]:
    """Return what the text must not say, with what to say instead."""
    out = []
    for rule in RULES[lang]:
        plain = text
        for phrase in rule.get("except", []):
            plain = re.sub(re.escape(phrase), "", plain, flags=re.IGNORECASE)
        for hit in re.finditer(rule["word"], plain, flags=re.IGNORECASE):
            near = plain[max(0, hit.start() - 40) : hit.end() + 30].replace("\n", " ")
            out.append(f"«{hit.group()}» in …{near}…: {rule['why']}; say: {rule['say']}")
    return out
