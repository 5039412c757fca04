"""What a chart is, for whoever shows it: the picture with its words, the limits and the norm drawn in it.

Nothing here draws; `audit.present.charts` does, and only what draws loads matplotlib.
"""

from __future__ import annotations

import base64
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from audit.present.format import slug
from audit.present.paper import BLOCKS, stored
from audit.present.screen import piece
from audit.present.tree import Figure, Picture

__all__ = ["Band", "Benchmark", "Caption", "Chart", "Width", "draw_pictures", "pictures_later", "svg_picture"]

Width = Literal["full", "half"]


@dataclass(frozen=True)
class Caption:
    """What stands around a chart: a unique ASCII id, a title that states the finding, note with n and period."""

    id: str
    title: str
    alt: str = ""
    note: str = ""
    subtitle: str = ""

    def alt_text(self) -> str:
        """Return the alternative text: the given one, or title, subtitle and note together."""
        parts = [part for part in (self.title, self.subtitle, self.note) if part]
        return self.alt or " ".join(p if p.endswith((".", "!", "?")) else f"{p}." for p in parts)


@dataclass(frozen=True)
class Benchmark:
    """A norm to draw beside the client's figure."""

    value: float
    label: str


@dataclass(frozen=True)
class Band:
    """Limits of a verdict: where watching begins, where the finding begins, which side is bad."""

    watch: float
    found: float
    bad: Literal["high", "low"] = "high"


@dataclass(frozen=True)
class Chart:
    """A finished chart; ``svg`` is a whole document, ``slide_png`` is drawn when first asked for."""

    id: str
    title: str
    alt: str
    note: str
    svg: str
    subtitle: str = ""
    width: Width = "full"
    _draw: Callable[[Chart], bytes] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def slide_png(self) -> bytes | None:
        """The picture with title, subtitle and note, 200 dots an inch; None when the chart was read back from disk."""
        return None if self._draw is None else self._draw(self)

    def save(self, folder: Path) -> list[Path]:
        """Write ``<id>.svg`` and ``<id>.png`` (with title and note) into a folder, return what was written.

        Where the folder asks for it (`pictures_later`) the PNG is put aside, to be drawn by `draw_pictures`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", self.id)
        written = [folder / f"{name}.svg"]
        written[0].write_text(self.svg, encoding="utf-8", newline="\n")
        if (folder / _LATER).exists() and self._draw is not None:
            try:
                (folder / f"{name}{_ASIDE}").write_bytes(pickle.dumps(self))
                return written
            except (pickle.PicklingError, AttributeError, TypeError):
                pass  # a chart that somebody else has drawn may hold what cannot be put aside
        picture = self.slide_png
        if picture is not None:
            written.append(folder / f"{name}.png")
            written[1].write_bytes(picture)
        return written

    @property
    def block(self) -> Figure:
        """The picture with its title above and its note below, as a node."""
        return Figure(
            svg_picture(self.svg, self.alt, self.width),
            (self.title,),
            (self.subtitle,) if self.subtitle else (),
            (self.note,) if self.note else (),
            "chart-" + slug(self.id),
        )

    @property
    def html(self) -> Markup:
        """The picture with its title above and its note below."""
        return piece(self.block)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/html": str(self.html), "text/plain": f"[{self.title}]", BLOCKS: stored((self.block,))}


_LATER, _ASIDE = ".pictures-later", ".figure"


def pictures_later(folder: Path) -> None:
    """Ask charts that are saved into a folder to put their pictures aside: drawing them is a fifth of a chapter."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _LATER).touch()


def draw_pictures(folder: Path) -> list[Path]:
    """Draw the pictures that were put aside in a folder, return what was written; a second call finds none.

    What was put aside is unpickled, so the folder must be of this run's own making.
    """
    written = []
    for aside in sorted(folder.glob(f"*{_ASIDE}")):
        picture = pickle.loads(aside.read_bytes()).slide_png
        written.append(aside.with_suffix(".png"))
        written[-1].write_bytes(picture)
        aside.unlink()
    (folder / _LATER).unlink(missing_ok=True)
    return written


def svg_picture(svg: str, alt: str, style: str) -> Picture:
    """Return an SVG as a node."""
    return Picture("image/svg+xml", base64.b64encode(svg.encode("utf-8")).decode("ascii"), alt, style)
