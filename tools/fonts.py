"""Build the report's type faces: static, subset instances of Source Sans 3 and Source Serif 4 (OFL).

The pinned packages carry variable fonts of up to 1.2 MB; matplotlib ignores the weights of a variable font and a
browser would have to be sent all of it. Instancing takes seconds a face, too long for every run, so the five faces the
report uses are made once by this script and kept in ``templates/report/fonts`` as TTF (charts, PDF) and WOFF2 (HTML).
They are renamed, because the licence reserves the name “Source” for unmodified fonts.

    python tools/fonts.py
"""

from __future__ import annotations

import io
from importlib.resources import files
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

OUT = Path(__file__).resolve().parent.parent / "templates" / "report" / "fonts"

FACES = (
    # file name, package, source file, axes, family, style, weight
    ("AuditSans-Regular", "fontpkg_source_sans_3", "SourceSans3[wght].ttf", {"wght": 400}, "Audit Sans", "Regular"),
    ("AuditSans-Semibold", "fontpkg_source_sans_3", "SourceSans3[wght].ttf", {"wght": 600}, "Audit Sans", "Bold"),
    (
        "AuditSans-Italic",
        "fontpkg_source_sans_3",
        "SourceSans3-Italic[wght].ttf",
        {"wght": 400},
        "Audit Sans",
        "Italic",
    ),
    (
        "AuditSerif-Regular",
        "fontpkg_source_serif_4",
        "SourceSerif4[opsz,wght].ttf",
        {"wght": 400, "opsz": 16},
        "Audit Serif",
        "Regular",
    ),
    (
        "AuditSerif-Semibold",
        "fontpkg_source_serif_4",
        "SourceSerif4[opsz,wght].ttf",
        {"wght": 600, "opsz": 32},
        "Audit Serif",
        "Bold",
    ),
)
"""Semibold is registered as the bold of its family: matplotlib and browsers then find it without a weight table."""

UNICODES = [
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),  # Latin-1 and Latin Extended-A
    *range(0x400, 0x500),  # Cyrillic with the letters of Ukrainian, Kazakh, Tatar …
    *range(0x2009, 0x200B),
    *range(0x2010, 0x2028),
    0x202F,
    *range(0x2030, 0x203B),
    0x2044,
    0x2060,
    *(ord(c) for c in "₽₸₴€№™℃←↑→↓↗↘−∞≈≠≤≥√∑∆∂μπσςτφεαβγδλΔΣΩ●○◆◊■□▲▼▶◀▪✓½¼¾"),
]
FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "liga", "tnum", "lnum", "pnum", "onum", "case", "sups", "subs"]


def build() -> None:
    """Write every face as TTF and WOFF2, and the licences beside them."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name, package, source, axes, family, style in FACES:
        options = subset.Options()
        options.layout_features = FEATURES
        options.hinting = False
        options.name_IDs = [0, 1, 2, 4, 6, 13, 14]
        font = TTFont(str(files(package) / "files" / source), recalcTimestamp=False)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=UNICODES)
        subsetter.subset(font)
        font = instancer.instantiateVariableFont(font, axes, inplace=True)
        _rename(font, name, family, style)
        ttf = io.BytesIO()
        font.save(ttf)
        (OUT / f"{name}.ttf").write_bytes(ttf.getvalue())
        font.flavor = "woff2"
        woff2 = io.BytesIO()
        font.save(woff2)
        (OUT / f"{name}.woff2").write_bytes(woff2.getvalue())
        print(f"{name}: ttf {len(ttf.getvalue()):,} bytes, woff2 {len(woff2.getvalue()):,} bytes")
    for package, name in (("fontpkg_source_sans_3", "sans"), ("fontpkg_source_serif_4", "serif")):
        text = (files(package) / "LICENSE").read_text(encoding="utf-8")
        (OUT / f"OFL-{name}.txt").write_text(text, encoding="utf-8", newline="\n")


def _rename(font: TTFont, file: str, family: str, style: str) -> None:
    bold, italic = style == "Bold", style == "Italic"
    table = font["name"]
    for record in list(table.names):
        if record.nameID not in (0, 13, 14):
            table.removeNames(nameID=record.nameID)
    for name_id, text in ((1, family), (2, style), (4, f"{family} {style}"), (6, file), (3, f"km-audit;{file}")):
        table.setName(text, name_id, 3, 1, 0x409)
    os2 = font["OS/2"]
    os2.usWeightClass = 700 if bold else 400
    os2.fsSelection = 0x20 if bold else 0x01 if italic else 0x40
    font["head"].macStyle = (1 if bold else 0) | (2 if italic else 0)
    if "STAT" in font:
        del font["STAT"]


if __name__ == "__main__":
    build()
