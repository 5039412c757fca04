"""One look for everything that is printed: type faces, colours, status marks, the style of charts.

The faces are static subsets of Source Sans 3 and Source Serif 4 (OFL), renamed “Audit Sans” and “Audit Serif”, made
by ``tools/fonts.py``; where they cannot be read, matplotlib's DejaVu stands in. Colours are chosen to stay apart for
readers with colour-blindness and in grey print; a status is always told by shape and word as well.
"""

from __future__ import annotations

import colorsys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.errors import Text
from audit.findings.finding import Severity, Status
from audit.model.result import Grade
from audit.resources import resource_dir

__all__ = [
    "ACCENT",
    "CATEGORICAL",
    "GRADES",
    "SANS",
    "SERIF",
    "SEVERITIES",
    "STATUS",
    "StatusMark",
    "css_tokens",
    "font_file",
    "shade",
    "tint",
]

SANS = "Audit Sans"
SERIF = "Audit Serif"
SVG_FAMILIES = f"'{SANS}', 'Source Sans 3', 'Segoe UI', Arial, 'DejaVu Sans', sans-serif"
"""Families named in an SVG: one opened outside the report falls back to what that computer has."""


def _tokens() -> dict[str, Any]:
    return tomllib.loads((resource_dir("templates") / "report" / "tokens.toml").read_text(encoding="utf-8"))


_TOKENS = _tokens()
_COLOR: dict[str, Any] = _TOKENS["color"]
ACCENT: str = _COLOR["accent"]
INK: str = _COLOR["ink"]
INK_SOFT: str = _COLOR["soft"]
INK_FAINT: str = _COLOR["faint"]
"""The lightest grey that text may have: 4.9 : 1 on white."""
RULE: str = _COLOR["rule"]
PAPER: str = _COLOR["paper"]

CATEGORICAL = ("#1f5a7a", "#d0762a", "#5c9e8f", "#8a6aa8", "#b9a22f", "#7d8792", "#a8435f", "#6fa8d6")
"""Eight categories; neighbours differ in lightness too. The first is replaced by the accent colour."""


@dataclass(frozen=True)
class StatusMark:
    """How a status is shown: shape, word, ink (readable on white and on ``wash``) and wash."""

    shape: str
    word: Text
    ink: str
    wash: str
    line: str
    """Colour of marks in charts: no text is set in it."""


_SHAPES: dict[Status, tuple[str, Text]] = {
    "found": ("●", Text("выявлено", "found")),
    "watch": ("◆", Text("под наблюдением", "watch")),
    "clear": ("○", Text("в норме", "clear")),
    "unclear": ("±", Text("нельзя сказать", "cannot tell")),
    "not_assessed": ("–", Text("не оценено", "not assessed")),
}
STATUS: dict[Status, StatusMark] = {
    status: StatusMark(shape, word, **_COLOR[status]) for status, (shape, word) in _SHAPES.items()
}

SEVERITIES: dict[Severity, Text] = {
    "critical": Text("критично", "critical"),
    "major": Text("существенно", "major"),
    "minor": Text("незначительно", "minor"),
    "none": Text("", ""),
}

GRADES: dict[Grade, Text] = {
    "A": Text("три источника сходятся: норма, анкета и заказы", "three sources agree: norm, questionnaire and orders"),
    "B": Text("два источника сходятся", "two sources agree"),
    "C": Text("один источник", "one source"),
    "D": Text(
        "источники расходятся: показаны все, рекомендаций по этому выводу нет",
        "the sources disagree: all are shown, no recommendation rests on it",
    ),
}
"""What an evidence grade means."""


def css_tokens() -> str:
    """Return the tokens of colour, size and type as variables of the style sheet."""
    told: dict[str, str] = {}
    for name, value in _COLOR.items():
        if isinstance(value, str):
            told[name] = value
        else:
            plain = "none" if name == "not_assessed" else name
            told |= {plain: value["ink"], f"{plain}-line": value["line"], f"{plain}-wash": value["wash"]}
    told |= {f"size-{name}": f"{size}rem" for name, size in _TOKENS["size"].items()}
    told["sans"] = f'"{SANS}", "Source Sans 3", "Segoe UI", Arial, "DejaVu Sans", sans-serif'
    told["serif"] = f'"{SERIF}", "Source Serif 4", Georgia, "DejaVu Serif", serif'
    return f":root {{ {' '.join(f'--{k}: {v};' for k, v in told.items())} }}"


def font_file(face: str, suffix: str = "ttf") -> Path:
    """Return the file of a face, for example ``AuditSans-Regular``."""
    return resource_dir("templates") / "report" / "fonts" / f"{face}.{suffix}"


def _rgb(color: str) -> tuple[float, float, float]:
    value = color.lstrip("#")
    return (int(value[0:2], 16) / 255, int(value[2:4], 16) / 255, int(value[4:6], 16) / 255)


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(max(0.0, min(1.0, c)) * 255):02x}" for c in rgb)


def tint(color: str, share: float) -> str:
    """Mix a colour with white: 0 leaves it, 1 is white."""
    r, g, b = _rgb(color)
    return _hex((r + (1 - r) * share, g + (1 - g) * share, b + (1 - b) * share))


def shade(color: str, share: float) -> str:
    """Mix a colour with black: 0 leaves it, 1 is black."""
    r, g, b = _rgb(color)
    return _hex((r * (1 - share), g * (1 - share), b * (1 - share)))


def luminance(color: str) -> float:
    """Return the relative luminance of a colour (WCAG), 0 black to 1 white."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    """Return the contrast of two colours (WCAG), 1 to 21."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable(color: str, on: str = PAPER, ratio: float = 4.6) -> str:
    """Darken a colour until text in it can be read on ``on``: a client's accent may be a light yellow."""
    h, light, s = colorsys.rgb_to_hls(*_rgb(color))
    out = color
    while contrast(out, on) < ratio and light > 0:
        light -= 0.02
        out = _hex(colorsys.hls_to_rgb(h, max(light, 0), s))
    return out


def on_color(color: str) -> str:
    """Return white or ink, whichever can be read on the colour."""
    return PAPER if contrast(PAPER, color) >= contrast(INK, color) else INK
