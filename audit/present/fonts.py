"""The faces that pages and pictures are set in."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from audit.resources import resource_dir

__all__ = ["dejavu", "own_fonts", "typst_fonts"]


@lru_cache(maxsize=1)
def dejavu() -> Path | None:
    """Return the folder of matplotlib's DejaVu, which stands in for letters that the kit's faces lack."""
    spec = find_spec("matplotlib")
    found = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" if spec is not None and spec.origin else None
    return found if found is not None and found.is_dir() else None


def own_fonts() -> Path:
    """Return the folder of the kit's faces."""
    return resource_dir("templates") / "report" / "fonts"


@lru_cache(maxsize=1)
def typst_fonts() -> Any:
    """Return the faces that Typst may use: no others, so that every computer sets the same page."""
    import typst

    folders = [str(f) for f in (own_fonts(), dejavu()) if f is not None]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
