"""What a chart is, for whoever shows it: the picture with its words, the limits and the norm drawn in it.

Nothing here draws; `audit.present.charts` does, and only what draws loads matplotlib.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from audit.present.format import slug
from audit.present.later import LATER
from audit.present.paper import BLOCKS, stored
from audit.present.pictures import Sheet, pictures
from audit.present.screen import piece
from audit.present.tree import Figure, Picture

__all__ = [
    "FULL_WIDTH_IN",
    "HALF_WIDTH_IN",
    "Band",
    "Benchmark",
    "Caption",
    "Chart",
    "Width",
    "draw_pictures",
    "svg_picture",
]

Width = Literal["full", "half"]
FULL_WIDTH_IN = 6.7
"""Width of the text on an A4 page, inches."""
HALF_WIDTH_IN = 3.25


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
    """A finished chart; ``svg`` is a whole document, ``slide_png`` is made when first asked for."""

    id: str
    title: str
    alt: str
    note: str
    svg: str
    subtitle: str = ""
    width: Width = "full"

    @cached_property
    def slide_png(self) -> bytes | None:
        """The picture with title, subtitle and note, 200 dots an inch; None where its SVG cannot be shown."""
        return pictures([self._sheet()])[0]

    def _sheet(self) -> Sheet:
        width = FULL_WIDTH_IN if self.width == "full" else HALF_WIDTH_IN
        return Sheet(self.svg, width, self.title, self.subtitle, self.note)

    def save(self, folder: Path) -> list[Path]:
        """Write ``<id>.svg`` and ``<id>.png`` (with title and note) into a folder, return what was written.

        Where the folder asks for it (`pictures_later`) the PNG is put aside, to be drawn by `draw_pictures`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", self.id)
        written = [folder / f"{name}.svg"]
        written[0].write_text(self.svg, encoding="utf-8", newline="\n")
        if (folder / LATER).exists():
            (folder / f"{name}{_ASIDE}").write_text(json.dumps(asdict(self._sheet())), encoding="utf-8")
            return written
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


_ASIDE = ".figure"


def draw_pictures(folder: Path) -> list[Path]:
    """Draw the pictures that were put aside in a folder, return what was written; a second call finds none."""
    aside = sorted(folder.glob(f"*{_ASIDE}"))
    made = pictures([Sheet(**json.loads(path.read_text(encoding="utf-8"))) for path in aside])
    written = []
    for path, picture in zip(aside, made, strict=True):
        if picture is not None:
            written.append(path.with_suffix(".png"))
            written[-1].write_bytes(picture)
        path.unlink()
    (folder / LATER).unlink(missing_ok=True)
    return written


def svg_picture(svg: str, alt: str, style: str) -> Picture:
    """Return an SVG as a node."""
    return Picture("image/svg+xml", base64.b64encode(svg.encode("utf-8")).decode("ascii"), alt, style)
