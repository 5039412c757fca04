"""km-audit: an audit of a B2B client department from its orders and an organisation questionnaire.

For the analyst in a notebook::

    case = audit.open_case(orders="orders.csv", questionnaire="questionnaire.xlsx")
    chapter = audit.chapter(case, "retention")
    chapter.findings
    chapter.section("second_purchase")
    audit.explain("retention.second_purchase_share")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.chapters import diagnose_chapter as chapter
    from audit.errors import AuditError
    from audit.present.explain import Explanation
    from audit.run.cases import open_case
    from audit.run.notebook_api import open_chapter, open_summary, save_chapter
    from audit.run.start import start

__all__ = ["AuditError", "chapter", "explain", "open_case", "open_chapter", "open_summary", "save_chapter", "start"]

_HOMES = {
    "AuditError": ("audit.errors", "AuditError"),
    "chapter": ("audit.chapters", "diagnose_chapter"),
    "open_case": ("audit.run.cases", "open_case"),
    "open_chapter": ("audit.run.notebook_api", "open_chapter"),
    "open_summary": ("audit.run.notebook_api", "open_summary"),
    "save_chapter": ("audit.run.notebook_api", "save_chapter"),
    "start": ("audit.run.start", "start"),
}


def __getattr__(name: str) -> Any:
    """Load the public names on first use, so that importing a part does not import the whole kit."""
    if name in _HOMES:
        import importlib

        module, attribute = _HOMES[name]
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'audit' has no attribute {name!r}")


def explain(id: str, lang: str | None = None) -> Explanation:
    """Explain a finding, metric, threshold, action, function or role of the method."""
    from audit.errors import current_language
    from audit.present.explain import explain_id

    return explain_id(id, "en" if (lang or current_language()) == "en" else "ru")
