"""Where tests find the reference data that is not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared(path: str) -> Path:
    """Return a file or folder of the shared reference data, or skip the test with the reason.

    Looked for in the folder named by KM_AUDIT_SHARED_DATA, else in ../shared/data beside the repository.
    """
    named = os.environ.get("KM_AUDIT_SHARED_DATA")
    base = Path(named) if named else ROOT.parent / "shared" / "data"
    found = base / path
    if not found.exists():
        pytest.skip(f"reference data not found: {path} (looked in {base}; set KM_AUDIT_SHARED_DATA)")
    return found
