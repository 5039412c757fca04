"""The report's look for matplotlib: its type faces, colours and lines."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from audit.present.style import ACCENT, CATEGORICAL, INK, INK_SOFT, PAPER, RULE, SANS, font_file

__all__ = ["chart_style", "register_fonts"]

_FACES = ("AuditSans-Regular", "AuditSans-Semibold", "AuditSans-Italic", "AuditSerif-Regular", "AuditSerif-Semibold")


@lru_cache(maxsize=1)
def register_fonts() -> bool:
    """Make the report's faces known to matplotlib; False where they cannot be read (DejaVu then stands in)."""
    from matplotlib import font_manager

    try:
        for face in _FACES:
            font_manager.fontManager.addfont(str(font_file(face)))
    except (OSError, RuntimeError):
        return False
    return True


@contextmanager
def chart_style(accent: str = ACCENT) -> Iterator[None]:
    """Draw charts in the report's style within this block.

    SVG text stays text (searchable, editable on slides) in faces that the report brings along; ids are salted with a
    constant and dates left out, so that equal figures give equal bytes. ``text.parse_math`` is off: a ``$`` in a
    client's name is a dollar sign.
    """
    import matplotlib as mpl
    from cycler import cycler

    known = register_fonts()
    # few names: matplotlib looks for every one of them, for every text
    families = [SANS, "DejaVu Sans"] if known else ["DejaVu Sans"]
    params: dict[Any, Any] = {
        "font.family": families,
        "font.size": 9.0,
        "text.color": INK,
        "text.parse_math": False,
        "axes.unicode_minus": True,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 8.5,
        "axes.labelcolor": INK_SOFT,
        "axes.edgecolor": RULE,
        "axes.linewidth": 0.8,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.axisbelow": True,
        "axes.grid": False,
        "axes.prop_cycle": cycler(color=[accent, *CATEGORICAL[1:]]),
        "grid.color": "#e8ebef",
        "grid.linewidth": 0.7,
        "xtick.color": RULE,
        "xtick.labelcolor": INK_SOFT,
        "xtick.labelsize": 8.5,
        "xtick.major.size": 0,
        "xtick.minor.size": 0,
        "ytick.color": RULE,
        "ytick.labelcolor": INK,
        "ytick.labelsize": 9.0,
        "ytick.major.size": 0,
        "ytick.minor.size": 0,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
        "patch.linewidth": 0,
        "figure.facecolor": PAPER,
        "figure.dpi": 100,
        "savefig.dpi": 200,
        "svg.fonttype": "none",
        "svg.hashsalt": "km-audit",
    }
    with warnings.catch_warnings():
        # the stack names families for other computers; matplotlib need not have them
        warnings.filterwarnings("ignore", message="findfont")
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        with _quiet_font_manager(), mpl.rc_context(params):
            yield


@contextmanager
def _quiet_font_manager() -> Iterator[None]:
    import logging

    log = logging.getLogger("matplotlib.font_manager")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
