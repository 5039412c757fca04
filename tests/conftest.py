"""What every test may rely on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# No window on any system, in this process and in the kernels it starts.
os.environ.setdefault("MPLBACKEND", "agg")

# Time limits per example fail on a busy machine for no fault of the code; the same examples every time
# on CI, so that a red run can be repeated.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what drives whole servers for minutes, unless KM_AUDIT_SERVER_TESTS asks for it."""
    if os.environ.get("KM_AUDIT_SERVER_TESTS"):
        return
    reason = "starts whole servers for minutes: set KM_AUDIT_SERVER_TESTS=1"
    for item in items:
        if item.path.name in ("test_lab.py", "test_batch.py"):
            item.add_marker(pytest.mark.skip(reason=reason))
