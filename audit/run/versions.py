"""Which software made a run: for the manifest, and in short for the report."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

__all__ = ["kit_version", "main_versions", "versions"]

_PARTS = ("pandas", "numpy", "scipy", "duckdb", "pyarrow", "matplotlib", "papermill", "typst")


def kit_version() -> str:
    """Return the version of the installed kit."""
    try:
        return version("km-audit")
    except PackageNotFoundError:
        return "0+source"


def versions() -> dict[str, str]:
    """Return the versions of the kit, of Python and of the libraries that shape figures and pages."""
    out = {"km-audit": kit_version(), "python": platform.python_version(), "platform": platform.system()}
    for name in _PARTS:
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            out[name] = "absent"
    return out


def main_versions() -> dict[str, str]:
    """Return what a reader of the report may want to quote."""
    told = versions()
    return {name: told[name] for name in ("km-audit", "python", "duckdb", "pandas", "scipy")}
