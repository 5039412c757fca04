"""Which notebook belongs to which chapter."""

from __future__ import annotations

from collections.abc import Mapping

from audit.method import method

__all__ = ["NOTEBOOKS", "built_chapters"]

NOTEBOOKS: Mapping[str, str] = {"summary": "00_summary"} | {c.id: c.notebook for c in method().chapters.values()}
"""The notebook of each chapter, without its ending."""


def built_chapters() -> list[str]:
    """Return the chapters that this version computes, in the order of the report."""
    return list(method().chapters)
