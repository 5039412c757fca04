"""Titles of the chapters, and which notebook shows each."""

from __future__ import annotations

from audit.errors import Lang, Text

__all__ = ["CHAPTER_TITLES", "chapter_title"]

CHAPTER_TITLES: dict[str, Text] = {
    "summary": Text("Главное", "Summary"),
    "data": Text("Данные: что пришло и чему можно верить", "The data: what came in and what it can carry"),
    "model": Text("Тип продаж и конвейер", "Type of sale and conveyor"),
    "roles": Text("Смешение ролей", "Role mixing"),
    "retention": Text("Удержание клиентов", "Client retention"),
    "base": Text("Клиентская база", "Client base"),
    "ownership": Text("Чьи клиенты", "Whose clients"),
    "keys": Text("Ключевые клиенты", "Key clients"),
    "handoff": Text("Передача клиентов", "Hand-offs"),
    "service": Text("Сервис", "Service"),
    "selfcheck": Text("Слова и цифры", "What they say and what is so"),
}


def chapter_title(chapter: str, lang: Lang | str) -> str:
    """Return the title of a chapter."""
    text = CHAPTER_TITLES.get(chapter, Text(chapter, chapter))
    return text.ru if lang == "ru" else text.en
