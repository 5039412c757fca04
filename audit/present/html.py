"""From executed notebooks to safe fragments of one document: export, sanitising, ids, pictures inside the page.

A notebook comes back from disk and may have been edited by anybody, and client data is untrusted. So everything that
goes into the document is parsed and written anew from an allow-list of tags and attributes: no script, no style sheet,
no frame, no form, nothing loaded from outside. SVG is taken as a picture, cleaned the same way before it may stand
inline.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

from lxml import etree
from markupsafe import Markup, escape

from audit.errors import Lang, Text
from audit.present.convert import blocks_of
from audit.present.format import slug
from audit.present.paper import BLOCKS, unstored
from audit.present.tree import Block
from audit.present.words import word

__all__ = [
    "Body",
    "Heading",
    "clean_html",
    "export_notebook",
    "inline_svg",
    "markdown",
    "number_ids",
    "outline",
    "unshown",
]

HIDDEN_TAGS = ("parameters", "injected-parameters", "internal")
"""Cells with these tags are for the analyst; they never reach the report."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _words(
    "a abbr article aside b blockquote br caption code col colgroup dd del details dfn div dl dt em "
    "figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li mark ol p pre q s samp section "
    "small span strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr"
)
_VOID = frozenset({"br", "col", "hr", "img", "wbr"})
_DROPPED_WITH_CONTENT = _words(
    "applet audio button canvas embed form frame frameset head iframe input link math meta noembed "
    "noframes noscript object optgroup option param plaintext script select style svg template textarea "
    "title track video xmp"
)
_ATTRIBUTES = _words(
    "abbr alt aria-describedby aria-hidden aria-label aria-labelledby class colspan data-label data-sortable data-v "
    "datetime headers height href id lang open role rowspan scope src start tabindex title value width"
)
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]+\Z")
_LINK = re.compile(r"(#[A-Za-z0-9_.:-]*|https?://[^\s<>\"']+|mailto:[^\s<>\"']+|annex\.xlsx|rejected_rows\.csv)\Z")
_SIZE = re.compile(r"\d{1,4}(\.\d+)?(%|px|em)?\Z")
_STYLE_RULE = re.compile(
    r"(text-align|font-weight|font-style|color|background-color|white-space|vertical-align|width|min-width|max-width)"
    r"\s*:\s*(#[0-9a-fA-F]{3,8}|[a-zA-Z-]{1,24}|\d{1,4}(\.\d+)?(px|em|rem|%|pt)?|rgba?\([\d.,\s%]{3,40}\))\s*\Z"
)
_AUTOCLOSE = {
    "p": {"p"},
    "li": {"li"},
    "tr": {"tr", "td", "th"},
    "td": {"td", "th"},
    "th": {"td", "th"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
}
_HEADING = re.compile(r"h[1-6]\Z")
_CONTAINERS = frozenset({"table", "ul", "ol", "dl", "section", "article", "div", "aside", "figure", "blockquote"})


class _Cleaner(HTMLParser):
    """Write the allowed part of an HTML text anew, balanced and escaped."""

    def __init__(
        self, shift: int, text: Callable[[str], str] | None, section: Callable[[], None] | None = None
    ) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []
        self.skipping: list[str] = []
        self.live = False
        self.shift = shift
        self.text = text
        self.section = section

    def _name(self, tag: str) -> str:
        if self.shift and _HEADING.match(tag):
            return f"h{min(6, int(tag[1]) + self.shift)}"
        return tag

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.skipping:
            if tag == self.skipping[-1] and tag not in _EMPTY_DROPPED:
                self.skipping.append(tag)
            return
        if tag in _DROPPED_WITH_CONTENT:
            self.live |= tag in _LIVE
            if tag not in _EMPTY_DROPPED:
                self.skipping.append(tag)
            return
        if tag not in _TAGS:
            return
        if tag == "section" and self.section is not None:
            self.section()
        tag = self._name(tag)
        closes = _AUTOCLOSE.get(tag)
        while closes and self.open and self.open[-1] in closes:
            self.out.append(f"</{self.open.pop()}>")
        written = [tag]
        seen: set[str] = set()
        for name, value in attrs:
            name = name.lower()
            if name in seen:
                continue
            seen.add(name)
            kept = _attribute(tag, name, value or "")
            if isinstance(kept, str):
                written.append(f'{name}="{escape(kept)}"')
        if tag == "img" and not any(w.startswith("src=") for w in written):
            return
        if tag == "a" and any(w.startswith('href="http') for w in written):
            written.append('rel="noopener noreferrer"')
        self.out.append(f"<{' '.join(written)}>")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED_WITH_CONTENT:
            return
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self.skipping:
            if tag == self.skipping[-1]:
                self.skipping.pop()
            return
        tag = self._name(tag)
        if tag in _VOID or tag not in self.open:
            return
        # an end tag may close what stands open inside it, but never reach out of a table or a list
        for k in range(len(self.open) - 1, -1, -1):
            if self.open[k] == tag:
                while len(self.open) > k:
                    self.out.append(f"</{self.open.pop()}>")
                return
            if self.open[k] in _CONTAINERS and tag not in _CONTAINERS:
                return

    def handle_data(self, data: str) -> None:
        if self.skipping:
            return
        if self.text is not None and not any(t in _NO_GLOSSARY for t in self.open):
            self.out.append(self.text(data))
        else:
            self.out.append(str(escape(data)))

    def result(self) -> str:
        self.close()
        while self.open:
            self.out.append(f"</{self.open.pop()}>")
        return "".join(self.out)


_LIVE = _words("applet audio button canvas embed iframe input object script select textarea video")
"""What works in a browser only."""
_EMPTY_DROPPED = frozenset({"embed", "frame", "input", "link", "meta", "param", "track"})
_NO_GLOSSARY = frozenset({"a", "abbr", "code", "dfn", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "th"})


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return the value that may stand in the document, or None."""
    if name == "style":
        rules = [r.strip() for r in value.split(";")]
        kept = [r for r in rules if _STYLE_RULE.match(r)]
        return "; ".join(kept) if kept else None
    if name not in _ATTRIBUTES:
        return None
    if name == "src":
        return value if tag == "img" and _IMAGE.match(value) else None
    if name == "href":
        return value if tag == "a" and _LINK.match(value.strip()) else None
    if name in ("width", "height"):
        return value if _SIZE.match(value) else None
    if name == "id":
        safe = re.sub(r"[^A-Za-z0-9_-]", "-", value)
        return safe if safe and not safe[0].isdigit() else f"x-{safe}"
    if name == "tabindex":
        return value if value in ("0", "-1") else None
    return value


def clean_html(
    html: str, *, shift: int = 0, text: Callable[[str], str] | None = None, section: Callable[[], None] | None = None
) -> Markup:
    """Return the safe part of an HTML fragment, balanced; ``shift`` lowers its headings by so many levels.

    ``text`` may rewrite running text (not headings, links, code): it gets plain text and returns safe HTML.
    ``section`` is called where a section begins.
    """
    cleaner = _Cleaner(shift, text, section)
    cleaner.feed(html)
    return Markup(cleaner.result())


# --- SVG

_SVG_NS = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_SVG_TAGS = _words(
    "circle clipPath defs desc ellipse g image line linearGradient marker mask path pattern polygon "
    "polyline radialGradient rect stop style svg symbol text title tspan use"
)
_SVG_BAD_VALUE = re.compile(r"(javascript:|@import|expression\(|https?:(?!//www\.w3\.org)|url\(\s*['\"]?(?!#))", re.I)
_SVG_REFERENCE = re.compile(r"url\(\s*['\"]?#([^'\")]+)['\"]?\s*\)")
_PARSER_OPTIONS: Mapping[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "remove_comments": True,
    "remove_pis": True,
    "huge_tree": False,
}


def clean_svg(data: bytes, prefix: str, alt: str) -> str | None:
    """Return an SVG that may stand inline in the page, ids prefixed to be unique; None when it is not usable."""
    try:
        root = etree.fromstring(data, etree.XMLParser(**_PARSER_OPTIONS))
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root.tag != f"{{{_SVG_NS}}}svg":
        return None
    used: set[str] = set()
    for element in list(root.iter()):
        if not isinstance(element.tag, str):
            _drop(element)
            continue
        space, _, name = element.tag[1:].partition("}")
        if space != _SVG_NS or name not in _SVG_TAGS:
            _drop(element)
            continue
        if name == "style" and _SVG_BAD_VALUE.search(element.text or ""):
            _drop(element)
            continue
        for key in list(element.attrib):
            value = str(element.attrib[key])
            plain = etree.QName(key).localname.lower()
            if plain == "href":
                if value.startswith("#"):
                    used.add(value[1:])
                elif not (name == "image" and _IMAGE.match(value)):
                    del element.attrib[key]
            elif plain.startswith("on") or _SVG_BAD_VALUE.search(value):
                del element.attrib[key]
            else:
                used.update(_SVG_REFERENCE.findall(value))
    for element in root.iter():
        own = element.attrib.get("id")
        if own is not None:
            if own in used:
                element.attrib["id"] = prefix + own
            else:
                del element.attrib["id"]
        for key in list(element.attrib):
            value = str(element.attrib[key])
            if etree.QName(key).localname.lower() == "href" and value.startswith("#"):
                element.attrib[key] = "#" + prefix + value[1:]
            elif "url(" in value:
                element.attrib[key] = _SVG_REFERENCE.sub(lambda m: f"url(#{prefix}{m[1]})", value)
    root.attrib["role"] = "img"
    root.attrib["aria-label"] = alt
    text = etree.tostring(root, encoding="unicode")
    # a style element of an SVG holds for the whole page when inline: scope matplotlib's one rule to this picture
    return re.sub(r"<style[^>]*>\s*\*\{[^}]*\}\s*</style>", "", text)


def _drop(element: Any) -> None:
    parent = element.getparent()
    if parent is not None:
        if element.tail:
            previous = element.getprevious()
            if previous is not None:
                previous.tail = (previous.tail or "") + element.tail
            else:
                parent.text = (parent.text or "") + element.tail
        parent.remove(element)


_SVG_IMG = re.compile(r'<img\b[^>]*\bclass="km-svg"[^>]*>')
_SVG_SOURCE = re.compile(r'\ssrc="data:image/svg\+xml;base64,([A-Za-z0-9+/=\s]+)"')
_ALT = re.compile(r'\salt="([^"]*)"')


def inline_svg(html: str) -> str:
    """Put the charts of a document inline, so that a browser draws them in the page's own type faces."""
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        source, alt = _SVG_SOURCE.search(match[0]), _ALT.search(match[0])
        if source is None:
            return match[0]
        try:
            data = base64.b64decode(source[1])
        except (binascii.Error, ValueError):
            return match[0]
        svg = clean_svg(data, f"s{count}-", str(Markup(alt[1]).unescape()) if alt else "")
        return match[0] if svg is None else svg.replace("<svg ", '<svg class="km-svg" ', 1)

    return _SVG_IMG.sub(replace, html)


# --- notebooks


@lru_cache(maxsize=1)
def _markdown_parser() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


def markdown(text: str) -> Markup:
    """Render an analyst's Markdown: raw HTML in it is shown as text, headings start at the level of a section."""
    lowest = min((len(m[1]) for m in re.finditer(r"^(#{1,6})\s", text, re.M)), default=3)
    return clean_html(_markdown_parser().render(text), shift=max(0, 3 - lowest))


@dataclass(frozen=True)
class Heading:
    """A heading of the document: level, text, anchor."""

    level: int
    text: str
    id: str


@dataclass(frozen=True)
class Body:
    """A notebook as a fragment of the document."""

    html: Markup
    error: tuple[int, str] | None = None
    """Number of the cell that stopped, counted from 1 among code cells, and the last line of its error."""
    blocks: tuple[Block, ...] = ()


def export_notebook(nb: Any, lang: Lang) -> Body:
    """Render an executed notebook: outputs and Markdown, no code; hidden cells and outputs are left out entirely.

    ``nb`` is an nbformat node as read from disk.
    """
    error: tuple[int, str] | None = None
    number = 0
    html: list[Markup] = []
    blocks: list[Block] = []
    for cell in nb.cells:
        tags = set(cell.get("metadata", {}).get("tags", []))
        outputs = cell.get("outputs", []) if cell.cell_type == "code" else []
        if cell.cell_type == "code":
            number += 1
            if error is None:
                error = next(((number, _error_line(o)) for o in outputs if o.output_type == "error"), None)
        if tags & set(HIDDEN_TAGS):
            continue
        if cell.cell_type == "markdown" and cell.get("metadata", {}).get("papermill_error"):
            continue
        if "papermill-error-cell-tag" in tags or "papermill-error-cell-id" in str(cell.get("source", ""))[:200]:
            continue  # the banner papermill puts into a failed notebook
        if cell.cell_type == "markdown" and str(cell.source).strip():
            prose = markdown(str(cell.source))
            html.append(Markup('<div class="km-cell km-prose">{}</div>').format(prose))
            blocks += blocks_of(str(prose))
        elif outputs:
            shown = [(o, _output(o, cell, lang)) for o in outputs]
            html.append(Markup('<div class="km-cell">{}</div>').format(Markup("\n").join(h for _, h in shown)))
            for output, told in shown:
                blocks += _blocks(output, told)
    return Body(Markup("\n").join(html), error, tuple(blocks))


_SHOWN = _words(
    "text/html image/svg+xml image/png image/jpeg text/markdown text/plain application/javascript "
    "application/vnd.jupyter.widget-view+json"
)


def unshown(nb: Any) -> list[Text]:
    """Name what the report leaves out of an executed notebook: code that has not been run, outputs no page can show.

    Cells that are hidden by their tags are meant to be; a script or widget leaves a line of its own in the report.
    """
    out: list[Text] = []
    number = 0
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        number += 1
        source = str(cell.get("source", "")).strip()
        if not source or set(cell.get("metadata", {}).get("tags", [])) & set(HIDDEN_TAGS):
            continue
        first = source.splitlines()[0][:60]
        outputs = cell.get("outputs", [])
        if cell.get("execution_count") is None and not outputs:
            out.append(
                Text(
                    f"ячейка {number} не выполнена, её результата в отчёте нет: {first}",
                    f"cell {number} was not run, the report shows nothing of it: {first}",
                )
            )
        for output in outputs:
            kinds = set(output.get("data", {}))
            if output.output_type == "stream" and output.name != "stdout":
                out.append(
                    Text(
                        f"ячейка {number}: предупреждения и сообщения об ошибках (stderr) в отчёт не входят: {first}",
                        f"cell {number}: warnings and messages (stderr) are not in the report: {first}",
                    )
                )
            elif output.output_type in ("display_data", "execute_result") and not kinds & _SHOWN:
                told = ", ".join(sorted(kinds))
                out.append(
                    Text(
                        f"ячейка {number}: вывод вида {told} в отчёте не показать: {first}",
                        f"cell {number}: an output of the kind {told} cannot be shown in the report: {first}",
                    )
                )
    return out


def _output(output: Any, cell: Any, lang: Lang) -> Markup:
    """Write one output of a cell as cleaned HTML, the richest of what it offers."""
    about = output.get("metadata", {})
    kind = output.output_type
    if about.get("internal"):
        return Markup("")
    if kind == "error":
        return _error_box(output, lang)
    if kind == "stream":
        return plain_output(output.text) if output.name == "stdout" else Markup("")
    if kind not in ("display_data", "execute_result"):
        return Markup("")
    data = output.data
    alt = about.get("alt", "") or cell.get("metadata", {}).get("alt", "")
    if "text/html" in data:
        return clean_html_output(data["text/html"], lang)
    if "image/svg+xml" in data:
        return svg_output(data["image/svg+xml"], alt)
    for mime in ("image/png", "image/jpeg"):
        if mime in data:
            return image_output(data[mime], mime, alt)
    if "text/markdown" in data:
        return markdown(data["text/markdown"])
    if "application/javascript" in data or "application/vnd.jupyter.widget-view+json" in data:
        return lost_output(lang)
    return plain_output(data["text/plain"]) if "text/plain" in data else Markup("")


def _blocks(output: Any, html: Markup) -> tuple[Block, ...]:
    """Return the blocks of an output: those that the kit put beside its HTML, or what the HTML is read as."""
    kept = output.get("data", {}).get(BLOCKS) if html else None
    if isinstance(kept, str):
        with contextlib.suppress(ValueError):
            return unstored(kept, html)
    return blocks_of(str(html))


def _error_line(output: Any) -> str:
    text = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}".strip(": ")
    first = text.strip().splitlines()[0] if text.strip() else "Error"
    return first if len(first) <= 300 else first[:299] + "…"


def clean_html_output(html: Any, lang: Lang = "ru") -> Markup:
    """Clean an HTML output; a bare pandas table gets the report's table frame, what is lost leaves a line."""
    joined = "".join(html) if isinstance(html, list) else html
    joined = re.sub(r"\A\s*<style>.*?</style>\s*", "", joined, count=1, flags=re.S)
    ours = re.match(r"\s*<(section|figure|article|div|aside|p|dl|h\d)\b[^>]*class=\"km-", joined) is not None
    cleaner = _Cleaner(0 if ours else 2, None)
    cleaner.feed(joined)
    cleaned = Markup(cleaner.result())
    if not ours and "<table" in cleaned:
        cleaned = Markup('<div class="km-table km-foreign"><div class="km-scroll">{}</div></div>').format(cleaned)
    return cleaned + lost_output(lang) if cleaner.live else cleaned


def lost_output(lang: Lang) -> Markup:
    """Say that something of the notebook stands in no report."""
    return Markup('<p class="km-note">{}</p>').format(word("not_on_paper", lang))


_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain_output(text: Any) -> Markup:
    """Show printed text as it was, without terminal colours; nothing when it is blank."""
    joined = "".join(text) if isinstance(text, list) else str(text)
    plain = _ANSI.sub("", joined).rstrip()
    plain = "".join(c for c in plain if c in "\n\t" or ord(c) >= 32)
    return Markup('<pre class="km-pre">{}</pre>').format(plain) if plain.strip() else Markup("")


_PICTURE = Markup('<figure class="km-figure km-full"><div class="km-plot"><img{} alt="{}" src="{}"></div></figure>')


def svg_output(svg: Any, alt: str = "") -> Markup:
    """Show an analyst's SVG as a picture."""
    joined = "".join(svg) if isinstance(svg, list) else svg
    coded = base64.b64encode(joined.encode("utf-8")).decode("ascii")
    return _PICTURE.format(Markup(' class="km-svg"'), alt, "data:image/svg+xml;base64," + coded)


def image_output(data: Any, mime: str, alt: str = "") -> Markup:
    """Show an analyst's picture."""
    coded = re.sub(r"[^A-Za-z0-9+/=]", "", "".join(data) if isinstance(data, list) else str(data))
    return _PICTURE.format("", alt, f"data:{mime};base64,{coded}")


def _error_box(output: Any, lang: Lang) -> Markup:
    return Markup('<p class="km-error"><strong>{}.</strong> {}</p>').format(
        word("chapter_failed", lang), _error_line(output)
    )


# --- ids and outline

_TAG_WITH_ID = re.compile(r'(<[a-z][a-z0-9]*\b[^>]*?\sid=")([^"]+)(")')
_HEADING_TAG = re.compile(r"<h([1-6])\b([^>]*)>(.*?)</h\1>", re.S)


def number_ids(html: str) -> str:
    """Make every id of the document unique (a later namesake gets a number) and give every heading an id."""
    seen: dict[str, int] = {}

    def head(match: re.Match[str]) -> str:
        if ' id="' in match[2]:
            return match[0]
        text = str(Markup(match[3]).striptags())
        return f'<h{match[1]}{match[2]} id="h-{slug(text)[:60]}">{match[3]}</h{match[1]}>'

    def unique(match: re.Match[str]) -> str:
        name = match[2]
        seen[name] = seen.get(name, 0) + 1
        if seen[name] == 1:
            return match[0]
        fresh = f"{name}-{seen[name]}"
        seen[fresh] = seen.get(fresh, 0) + 1
        return f"{match[1]}{fresh}{match[3]}"

    return _TAG_WITH_ID.sub(unique, _HEADING_TAG.sub(head, html))


def outline(html: str, deepest: int = 3) -> list[Heading]:
    """List the headings of a document from level 2 down to ``deepest``."""
    found = []
    for match in _HEADING_TAG.finditer(html):
        level = int(match[1])
        anchor = re.search(r'\sid="([^"]+)"', match[2])
        if 2 <= level <= deepest and anchor is not None:
            found.append(Heading(level, str(Markup(match[3]).striptags()), anchor[1]))
    return found
