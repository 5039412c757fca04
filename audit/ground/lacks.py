"""What is lacking, in one sentence each: too few units, a column of the orders, a sheet of the questionnaire."""

from __future__ import annotations

from audit.errors import Text

__all__ = ["HOURS_BY_GROUP", "too_few"]

HOURS_BY_GROUP = Text(
    "Время записано по группам функций: какая часть этой работы чужая, из них не видно. Распишите его по функциям",
    "Time is given by groups of functions, which do not tell how much of this work is foreign. Give it by function",
)


def too_few(n: int, needed: int, what: Text) -> Text:
    """Return the reason «too few units»."""
    return Text(
        f"{what.ru}: {n}, для вывода нужно не меньше {needed}", f"{what.en}: {n}, a verdict needs at least {needed}"
    )
