"""Charts as pictures for slides: set by Typst, all of a run in one document, a page each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit.present.fonts import typst_fonts
from audit.present.style import INK, INK_FAINT, INK_SOFT, SANS
from audit.resources import resource_dir

__all__ = ["DPI", "Sheet", "pictures"]

DPI = 200


@dataclass(frozen=True)
class Sheet:
    """One picture to be made: the chart's SVG, its width in inches, the words around it."""

    svg: str
    width_in: float
    title: str = ""
    subtitle: str = ""
    note: str = ""


def pictures(sheets: Sequence[Sheet]) -> list[bytes | None]:
    """Return each as PNG with title, subtitle and note, `DPI` dots an inch; equal ones are equal bytes.

    One that cannot be set (a damaged SVG) is None, the others are made all the same.
    """
    made = _set(sheets)
    if made is not None:
        return list(made)
    return [None] if len(sheets) == 1 else [pictures([sheet])[0] for sheet in sheets]


def _set(sheets: Sequence[Sheet]) -> list[bytes] | None:
    import typst

    if not sheets:
        return []
    words = [
        {"file": f"{i}.svg", "width": s.width_in, "title": s.title, "subtitle": s.subtitle, "note": s.note}
        for i, s in enumerate(sheets)
    ]
    data = {"sans": SANS, "ink": INK, "soft": INK_SOFT, "faint": INK_FAINT, "pictures": words, "dpi": DPI}
    files: dict[str, Any] = {f"{i}.svg": s.svg.encode("utf-8") for i, s in enumerate(sheets)}
    files["pictures.json"] = json.dumps(data, ensure_ascii=False).encode("utf-8")
    files["main.typ"] = (resource_dir("templates") / "report" / "picture.typ").read_bytes()
    try:
        made: Any = typst.compile(files, format="png", ppi=DPI, font_paths=typst_fonts(), ignore_system_fonts=True)
    except (typst.TypstError, RuntimeError):
        return None
    except BaseException as e:  # Rust's panic is no Exception
        if type(e).__name__ != "PanicException":
            raise
        return None
    return made if isinstance(made, list) else [made]
