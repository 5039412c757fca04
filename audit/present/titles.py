"""Titles of the report's parts."""

from __future__ import annotations

from audit.errors import Lang, Text
from audit.method import method

__all__ = ["chapter_title"]

_SUMMARY = Text("Главное", "Summary")


def chapter_title(chapter: str, lang: Lang | str) -> str:
    """Return the title of a chapter or of the summary; anything else (a step of the run) stands by its name."""
    spec = method().chapters.get(chapter)
    text = spec.name if spec is not None else _SUMMARY if chapter == "summary" else Text(chapter, chapter)
    return text.ru if lang == "ru" else text.en
