"""The report on paper: the tree of blocks set by Typst, from data alone.

Typst is one wheel on every system, with no library of the system's behind it. It gets the document as JSON, which the
template reads as data: whatever a client wrote stays text. It sees no file but those named here, no font but the kit's
own and matplotlib's DejaVu (for the letters that these lack), no clock. Equal input gives equal bytes.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import io
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from audit.errors import Lang, Text
from audit.present.blocks import middle
from audit.present.fonts import dejavu, own_fonts, typst_fonts
from audit.present.format import Fmt
from audit.present.html import clean_svg
from audit.present.tree import Block, Picture, plain, walk
from audit.present.words import word
from audit.resources import resource_dir

__all__ = ["STANDARDS", "Letters", "Paper", "PdfResult", "set_pages", "write_pdf"]

STANDARDS = ("ua-1", "a-2a")
"""What every report is made to: PDF/UA-1 (readable by any reader) and PDF/A-2a (readable in thirty years)."""


@dataclass(frozen=True)
class Paper:
    """A document to be printed: its frame in words, and its blocks."""

    lang: Lang
    title: str
    company: str
    front: Sequence[Block]
    """Page one and what goes with it, before the contents."""
    body: Sequence[Block] = ()
    period: str = ""
    consultant: str = ""
    confidentiality: str = ""
    logo: Picture | None = None
    facts: Sequence[tuple[str, str]] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    """What the frame says: contents, page, of, picture_lost."""
    colors: Mapping[str, str] = field(default_factory=dict)
    dated: str | None = None
    one_page: bool = False
    """Whether ``front`` is one page, set smaller where it is too much for one."""


@dataclass(frozen=True)
class PdfResult:
    """What came of printing: engine used (None when the PDF could not be made), number of pages, a word to the user."""

    engine: str | None
    pages: int
    note: Text | None = None


def write_pdf(paper: Paper, path: Path, *, standards: Sequence[str] = STANDARDS) -> PdfResult:
    """Set a document and write it to ``path``; equal documents give equal bytes.

    A document that breaks a rule of ``standards`` is set without them and the result says which; never raises for what
    a document holds.
    """
    try:
        files, lost = _files(paper)
        data, broken = set_pages(files, path.parent, dated=paper.dated, standards=standards)
    except ImportError as e:
        path.unlink(missing_ok=True)
        return PdfResult(None, 0, _no_pdf(f"typst: {e}", "pip install typst"))
    if data is None:
        path.unlink(missing_ok=True)
        return PdfResult(None, 0, _no_pdf(broken, ""))
    path.write_bytes(data)  # a full disk is the caller's to tell
    return PdfResult(f"Typst {version('typst')}", _count_pages(data), _told(broken, lost))


def set_pages(
    files: Mapping[str, bytes], root: Path, *, dated: str | None = None, standards: Sequence[str] = STANDARDS
) -> tuple[bytes | None, str]:
    """Set ``main.typ`` among ``files``; return the PDF (None where nothing came of it) and the first rule it breaks.

    What breaks a rule of ``standards`` is set without them. Raise `ImportError` where there is no Typst.
    """
    import typst

    day = dt.date.fromisoformat(dated[:10]) if dated else dt.date(1980, 1, 1)
    given: dict[str, Any] = {
        "root": str(root),
        "font_paths": typst_fonts(),
        "ignore_system_fonts": True,
        "timestamp": dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC),
    }
    broken = ""
    for asked in ({"pdf_standards": list(standards)}, {}, {"pdf_tags": False}):
        try:
            data: bytes = typst.compile(dict(files), format="pdf", **given, **asked)
        except (typst.TypstError, RuntimeError) as e:
            broken = broken or _first_line(e)
        except BaseException as e:  # Rust's panic is no Exception
            if type(e).__name__ != "PanicException":
                raise
            broken = broken or _first_line(e)
        else:
            return data, broken
    return None, broken


def _first_line(error: BaseException) -> str:
    said = str(error).strip()
    return said.splitlines()[0][:200] if said else type(error).__name__


def _no_pdf(why: str, todo: str) -> Text:
    return Text(
        f"PDF не сделан ({why}). Отчёт report.html готов; его можно напечатать из любого браузера. {todo}".strip(),
        f"No PDF was made ({why}). The report.html is ready and can be printed from any browser. {todo}".strip(),
    )


def _told(broken: str, lost: str) -> Text | None:
    said = []
    if broken:
        said.append(
            Text(
                f"PDF сделан без проверки по PDF/UA и PDF/A: {broken}",
                f"The PDF was made without the check for PDF/UA and PDF/A: {broken}",
            )
        )
    if lost:
        said.append(
            Text(
                f"В шрифтах PDF нет знаков {lost}: вместо них □. В report.html они есть.",
                f"The fonts of the PDF lack {lost}: □ stands for them. The report.html has them.",
            )
        )
    return Text(" ".join(t.ru for t in said), " ".join(t.en for t in said)) if said else None


# --- letters


@lru_cache(maxsize=1)
def _covered() -> frozenset[int]:
    """Return the letters that can be shown whatever the face: those of DejaVu, or those that all of the kit's have."""
    from matplotlib.ft2font import FT2Font

    def both(folder: Path, names: Sequence[str]) -> frozenset[int]:
        return frozenset.intersection(*(frozenset(FT2Font(str(folder / n)).get_charmap()) for n in names))

    own = both(own_fonts(), [f"AuditS{n}.ttf" for n in ("ans-Regular", "ans-Semibold", "ans-Italic")])
    own &= both(own_fonts(), ["AuditSerif-Regular.ttf", "AuditSerif-Semibold.ttf"])
    spare = dejavu()
    if spare is None:
        return own
    return own | both(spare, [f"DejaVuSans{n}.ttf" for n in ("", "-Bold", "-Oblique", "-BoldOblique")])


_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Marks that show nothing: control characters, those that turn the direction of a line, choices of a glyph."""
_LONG = re.compile(r"\S{21,}")
_AFTER_SIGN = re.compile(r"([^\w\s\u0300-\u036f])(?=\w)")
_PIECE = re.compile(r"[^\u200b]{20}(?=[^\u200b]{2})")
_UNIT = re.compile(r"(?<=\d) (?=[%₽])")
"""A figure and its unit stay in one line."""
_BOX = "□"


class Letters:
    """Makes texts fit to be set: no unseen marks, no letter that no face has, places to break a word that is too long."""

    def __init__(self) -> None:
        self.covered = _covered()
        self.lost: dict[str, None] = {}

    def __call__(self, text: str) -> str:
        """Return a text as it can be set."""
        text = _UNIT.sub("\u00a0", text)
        if text.isascii() and text.isprintable():
            return _LONG.sub(self._broken, text)
        text = _UNSEEN.sub("", unicodedata.normalize("NFC", text.replace("\u2028", " ").replace("\u2029", " ")))
        if not self.covered.issuperset(map(ord, text)):
            text = "".join(c if ord(c) in self.covered or c in "\n\t" else self._box(c) for c in text)
        return _LONG.sub(self._broken, text)

    def _box(self, letter: str) -> str:
        self.lost[letter if letter.isprintable() else f"U+{ord(letter):04X}"] = None
        return _BOX

    @staticmethod
    def _broken(match: re.Match[str]) -> str:
        return _PIECE.sub("\\g<0>\u200b", _AFTER_SIGN.sub("\\1\u200b", match[0]))


# --- files


def _files(paper: Paper) -> tuple[dict[str, bytes], str]:
    """Return the files that Typst sees, and the letters that cannot be shown."""
    letters = Letters()
    folder = resource_dir("templates") / "report"
    files = {"main.typ": (folder / "report.typ").read_bytes(), "tokens.toml": (folder / "tokens.toml").read_bytes()}
    pictures = _Pictures(files, letters)
    targets = {n.to for part in (paper.front, paper.body) for n in walk(part) if getattr(n, "kind", "") == "link"}
    outline = _Outline(paper.lang, pictures, {t[1:] for t in targets if t.startswith("#")})
    told: dict[str, Any] = {
        "lang": paper.lang,
        "colors": dict(paper.colors),
        "words": {k: letters(v) for k, v in paper.words.items()},
        **{k: letters(getattr(paper, k)) for k in ("title", "company", "period", "consultant", "confidentiality")},
        "head": letters(_short(paper.company)),
        "one_page": paper.one_page,
        "facts": [[letters(a), letters(b)] for a, b in paper.facts],
        "logo": outline(plain(paper.logo, letters)) if paper.logo is not None else None,
        "front": outline([plain(b, letters) for b in paper.front]),
        "body": outline([plain(b, letters) for b in paper.body]),
    }
    told["contents"] = outline.contents()
    for link in outline.links:
        if link["to"].startswith("#") and link["to"][1:] not in outline.ids:
            link["to"] = ""
    files["report.json"] = json.dumps(told, ensure_ascii=False).encode()
    return files, " ".join([*letters.lost][:12])


def _short(text: str, most: int = 90) -> str:
    """Cut what must stand in one line at the head of every page."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


class _Outline:
    """Goes once through the plain tree in reading order: heading levels without gaps, ids once each, links that lead.

    What has many letters may break across pages; a picture becomes a file.
    """

    def __init__(self, lang: Lang, pictures: _Pictures, targets: set[str]) -> None:
        self.fmt = Fmt(lang)
        self.pictures = pictures
        self.targets = targets
        self.ids: set[str] = set()
        self.headings: list[dict[str, Any]] = []
        self.links: list[dict[str, Any]] = []
        self.level = 0

    def __call__(self, part: Any) -> Any:
        if isinstance(part, list):
            for p in part:
                self(p)
        elif isinstance(part, dict):
            self._node(part)
        return part

    def _node(self, part: dict[str, Any]) -> None:
        kind = part.get("k")
        if kind == "heading" and part["inside"]:
            part["look"] = part["level"]
            self.level = part["level"] = min(part["level"], self.level + 1)
            self.headings.append(part)
            if part["look"] <= 2 and part.get("id", "") in ("", *self.ids):
                part["id"] = f"heading-{len(self.headings)}"
        own = part.get("id")
        if own is not None and (own in self.ids or (kind != "heading" and own not in self.targets)):
            del part["id"]
        elif own:
            self.ids.add(own)
        if kind == "link":
            self.links.append(part)
        elif kind == "picture":
            self.pictures.file(part)
        elif kind == "table" and len(part.get("body", ())) > _MOST_ROWS:
            shown, total = (self.fmt.num(n) for n in (_MOST_ROWS, len(part["body"])))
            part["body"] = part["body"][:_MOST_ROWS]
            part["cut"] = word("rows_shown", self.fmt.lang, shown=shown, total=total)
        elif kind == "cell":
            part["long"] = _letters_in(part) > 900
        elif kind == "card":
            part["keep"] = _letters_in(part) < 1800
        for value in list(part.values()):
            if isinstance(value, dict | list):
                self(value)

    def contents(self) -> list[list[dict[str, Any]]]:
        """Return chapters and their sections in two columns of about equal length.

        Page one stands before them, and verdicts open each chapter.
        """
        entries: list[dict[str, Any]] = []
        for h in self.headings:
            entry = {"id": h.get("id", ""), "text": _said(h["inside"]), "children": []}
            if h["look"] == 1 and h.get("style") != "kicker":
                entries.append(entry)
            elif h["look"] == 2 and entries and not entry["id"].endswith("-findings"):
                entries[-1]["children"].append(entry)
        first = middle([1.7 + sum(1 + len(c["text"]) // 58 for c in e["children"]) for e in entries])
        return [entries[:first], entries[first:]] if len(entries) > 1 else []


def _said(part: Any) -> str:
    if isinstance(part, list):
        return "".join(map(_said, part))
    return part if isinstance(part, str) else _said(part.get("inside", [])) if isinstance(part, dict) else ""


def _letters_in(part: Any) -> int:
    if isinstance(part, str):
        return len(part)
    if isinstance(part, list):
        return sum(map(_letters_in, part))
    if isinstance(part, dict):
        return sum(_letters_in(v) for k, v in part.items() if k not in ("data", "file"))
    return 0


_MOST_ROWS = 400
"""Rows of a table on paper: nobody reads more there, and tens of thousands would eat the memory."""
_RASTER = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class _Pictures:
    """Turns pictures into files; one that cannot be read says so in its place."""

    def __init__(self, files: dict[str, bytes], letters: Letters) -> None:
        self.files = files
        self.letters = letters

    def file(self, part: dict[str, Any]) -> None:
        svg = self._read(part.pop("media"), part.pop("data"))
        part["file"] = "" if svg is None else f"picture-{len(self.files)}.svg"
        if svg is not None:
            self.files[part["file"]] = svg.encode()

    def _read(self, media: str, coded: str) -> str | None:
        """Return a picture as SVG: Typst takes the files of a dictionary as text."""
        try:
            data = base64.b64decode(coded)
        except (binascii.Error, ValueError):
            return None
        if media == "image/svg+xml":
            svg = clean_svg(data, "", "")
            return None if svg is None else _SVG_TEXT.sub(lambda m: self.letters(m[0]), svg)
        from PIL import Image

        try:
            with Image.open(io.BytesIO(data)) as picture:
                picture.load()
                (width, height), real = picture.size, f"image/{(picture.format or '').lower()}"
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None
        if real != media or media not in _RASTER:
            return None
        # a dot is a pixel of a screen, as in a browser
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
            f'<image width="{width}" height="{height}" xlink:href="data:{media};base64,{coded}"/></svg>'
        )


_SVG_TEXT = re.compile(r"[^\x00-\x7f]+")


def _count_pages(data: bytes) -> int:
    counts = [int(n) for n in re.findall(rb"/Type\s*/Pages[^>]*?/Count\s+(\d+)", data)]
    counts += [int(n) for n in re.findall(rb"/Count\s+(\d+)[^>]*?/Type\s*/Pages", data)]
    return max(counts, default=1)
