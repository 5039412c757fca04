"""Where the files live that travel with the package (notebooks, templates, samples), and how much this machine takes."""

from __future__ import annotations

import importlib
import os
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args

Resource = Literal["notebooks", "templates", "data_samples"]

PACKAGE = Path(__file__).resolve().parent

JOBS = max(2, min(os.cpu_count() or 1, 4))
"""Notebooks executed at once: one a processor, two at least, four at most."""


def resource_dir(name: Resource) -> Path:
    """Find a folder that ships with the kit, in a checkout as well as in an installed package.

    An installed wheel carries the folders inside the package (`_bundle`, put there by pyproject.toml);
    a checkout, an editable install and an unpacked source archive have them beside the package.

    Errors: RuntimeError when the folder is in neither place, which a damaged installation causes, never
    a client's file; ValueError for any other name.
    """
    if name not in get_args(Resource):
        raise ValueError(f"no such resource: {name!r}; there are {', '.join(get_args(Resource))}")
    bundled = PACKAGE / "_bundle" / name
    if bundled.is_dir():
        return bundled
    beside = PACKAGE.parent / name
    # site-packages may hold somebody else's folder "notebooks": only our own checkout counts.
    if beside.is_dir() and _is_our_checkout(PACKAGE.parent):
        return beside
    raise RuntimeError(
        f"the folder {name!r} that belongs to km-audit is neither in {bundled} nor in {beside}: "
        "the installation is incomplete, install km-audit again"
    )


def _is_our_checkout(folder: Path) -> bool:
    """Tell whether the folder is this project's source tree."""
    try:
        declared = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(declared.get("project", {}).get("name") == "km-audit")


def nbformat() -> ModuleType:
    """Return the library that reads and writes notebooks, imported when it is first asked for.

    It brings jsonschema, and this the grammar of international addresses, which takes over a second to compile; no
    notebook has such an address to check. Only this one import goes without it; whoever wants the grammar afterwards can
    import it.
    """
    grammar = "rfc3987_syntax"
    if "jsonschema" not in sys.modules and grammar not in sys.modules:
        sys.modules[grammar] = None  # type: ignore[assignment]
        try:
            importlib.import_module("jsonschema")
        finally:
            del sys.modules[grammar]
    return importlib.import_module("nbformat")
