"""What a run may tell of its settings: no password of a database, and no person's name unless names are asked for."""

from __future__ import annotations

from typing import Any

from audit.intake.databases import redacted
from audit.intake.staging import PERSON_FIELDS
from audit.settings import Settings

__all__ = ["public_settings"]


def public_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON values fit to be passed on.

    Database addresses stand without user and password. With ``[report] names`` off, the spellings of ``[people]`` are
    left out, and so are corrections of a person's field: each names somebody.
    """
    told = settings.as_json()
    told["inputs"]["orders"] = [redacted(source) for source in settings.inputs.orders]
    if not settings.report.names:
        told["people"] = {"alias": {}, "system_users": []}
        told["corrections"]["fix"] = [f for f in told["corrections"]["fix"] if f["field"] not in PERSON_FIELDS]
    return told
