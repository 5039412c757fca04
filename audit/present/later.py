"""Pictures to be drawn later, all at once: faster, and a run asks for it before anything that draws is loaded."""

from __future__ import annotations

from pathlib import Path

__all__ = ["LATER", "pictures_later"]

LATER = ".pictures-later"
"""Lies in a folder of charts whose pictures are put aside when a chart is saved."""


def pictures_later(folder: Path) -> None:
    """Ask charts that are saved into a folder to put their pictures aside, for `audit.present.chart.draw_pictures`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LATER).touch()
