"""From HTML to the tree of blocks: the report's own fragments, and what analysts' notebooks show.

The HTML comes cleaned (`audit.present.html`): no script, no style sheet, pictures as ``data:`` addresses. A class of
the report's own is read as what it stands for; everything else by its tag. Nothing of a text is lost: an element that
is not known gives its contents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from lxml import etree
from lxml import html as lxml_html
from markupsafe import Markup

from audit.findings.finding import Status
from audit.present.style import STATUS
from audit.present.tree import (
    Block,
    Break,
    Card,
    Cell,
    Chapter,
    Code,
    Columns,
    Facts,
    Figure,
    Grade,
    Group,
    Heading,
    Headline,
    Headlines,
    Inline,
    KeyFigures,
    Lines,
    Link,
    List,
    Mark,
    Note,
    PageBreak,
    Paragraph,
    Picture,
    Quote,
    Row,
    Rule,
    Run,
    Table,
    text_of,
)

__all__ = ["blocks_of", "runs_of"]

_EMBEDDED = re.compile(r"data:([a-z]+/[a-z0-9.+-]+);base64,([A-Za-z0-9+/]+={0,2})")
_ASIDE = "km-embedded"
_SPACE = re.compile(r"[ \t\r\n\f]+")
_CONTAINERS = frozenset({"article", "div", "dd", "details", "dt", "footer", "header", "li", "main", "section", "body"})
_BLOCKS = _CONTAINERS | {
    *("aside", "blockquote", "dl", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "table"),
    *("ul", "summary", "figcaption"),
}
_STYLED = {
    **dict.fromkeys(("b", "strong"), "b"),
    **dict.fromkeys(("i", "em", "dfn", "var", "cite"), "i"),
    **dict.fromkeys(("code", "kbd", "samp"), "code"),
    **dict.fromkeys(("s", "del"), "strike"),
    **{"sub": "sub", "sup": "sup", "ins": "b", "mark": "b", "small": "soft"},
}
_SPANS = {"km-sub": "small", **{f"km-{n}": n for n in ("who", "id", "metric-rest", "metric-name", "severity")}}
_SPACED = frozenset({"km-headline-foot", "km-chapter-findings"})
_HEADED = {"h1": 1, "h2": 1, "h3": 2, "h4": 3, "h5": 4, "h6": 5}


def blocks_of(text: str) -> tuple[Block, ...]:
    """Read a cleaned fragment of HTML as blocks."""
    embedded: list[tuple[str, str]] = []

    def aside(match: re.Match[str]) -> str:
        embedded.append((match[1], match[2]))
        return f"{_ASIDE}:{len(embedded) - 1}"

    # fonts and charts are most of the text: the parser would read them letter by letter
    lean = _EMBEDDED.sub(aside, text)
    if not lean.strip():
        return ()
    parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    # what XML cannot hold would end the text there
    lean = _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", lean)
    root = etree.fromstring(f"<html><body>{lean}</body></html>".encode(), parser)
    body = root.find("body")
    if body is None:
        return ()
    for hidden in list(body.iterfind(".//*[@class]")):
        if "km-screen-only" in _classes(hidden):
            _drop(hidden)
    return tuple(_Reader(embedded).flow(body))


_UNREADABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def runs_of(sentence: str) -> tuple[Inline, ...]:
    """Read a sentence of HTML as runs, the blanks at its ends kept."""
    if "<" not in sentence:
        return (str(Markup(sentence).unescape()),) if sentence else ()
    read = [r for b in blocks_of(sentence) for r in (b.inside if isinstance(b, Paragraph) else ())]
    before = (" ",) if sentence[0] in " \n" else ()
    after = (" ",) if sentence[-1] in " \n" else ()
    return (*before, *read, *after)


class _Reader:
    """Reads elements; ``embedded`` are the pictures taken out of the text."""

    def __init__(self, embedded: Sequence[tuple[str, str]]) -> None:
        self.embedded = embedded
        self.spaced = True  # the text so far ends in a blank, or nothing has been said

    # --- flow

    def flow(self, element: Any, style: str = "") -> list[Block]:
        """Read what stands in a container; ``style`` is that of its paragraphs."""
        out: list[Block] = []
        line: list[Inline] = []
        self.spaced = True

        def close() -> None:
            self.spaced = True
            trimmed = _trim(line)
            line.clear()
            if trimmed:
                out.append(Paragraph(trimmed, style))

        self._text(element.text, line)
        for child in element:
            if child.tag in _BLOCKS or self._holds_blocks(child):
                close()
                out += self.block(child, style)
                self.spaced = True
            else:
                self._inline(child, line)
            self._text(child.tail, line)
        close()
        return out

    def _holds_blocks(self, element: Any) -> bool:
        return element.tag not in ("img", "br") and any(c.tag in _BLOCKS for c in element.iterdescendants())

    def block(self, e: Any, style: str = "") -> Iterable[Block]:
        """Read one block element as the blocks that it stands for."""
        names = _classes(e)
        own = _OWN.get(next((n for n in names if n in _OWN), ""))
        if own is not None:
            return own(self, e, names)
        tag = e.tag
        if tag in _HEADED:
            return [self._heading(e, "")]
        if tag == "p" and not self._holds_blocks(e):
            kind = next((n.removeprefix("km-") for n in names if n.startswith("km-")), style)
            kind = "big-long" if "km-long" in names else "norm" if "km-norm" in names else kind
            inside = self.line(e)
            return [Paragraph(inside, kind)] if inside else []
        if tag in ("ul", "ol"):
            return [self._list(e)]
        if tag == "table":
            return self._table(e, "foreign", "")
        if tag == "pre":
            return [Code("".join(e.itertext()).rstrip())]
        if tag == "blockquote":
            return [Quote(tuple(self.flow(e)))]
        if tag == "hr":
            return [Rule()]
        if tag == "aside":
            return [Note("note", (), tuple(self.flow(e)))]
        if tag == "figure":
            return self._figure(e, names)
        if tag == "dl":
            return [self._facts(e)]
        if tag in ("dt", "summary", "figcaption"):
            inside = self.line(e)
            return [Paragraph((Run("b", inside),), style)] if inside else []
        return self.flow(e, style)

    def _heading(self, e: Any, style: str) -> Heading:
        return Heading(_HEADED[e.tag], self.line(e), e.get("id", ""), style)

    def _list(self, e: Any) -> List:
        start = e.get("start", "1")
        return List(
            tuple(items for li in e if (items := tuple(self.flow(li)))),
            e.tag == "ol",
            int(start) if start.isdigit() and len(start) < 6 else 1,
        )

    # --- blocks of the report's own

    def _chapter(self, e: Any, names: list[str]) -> list[Block]:
        title = self._heading(e[0], "")
        e.remove(e[0])
        return [Chapter(title, "km-brief" in names), *self.flow(e)]

    def _executive(self, e: Any, names: list[str]) -> list[Block]:
        blocks = self.flow(e)
        return [Heading(1, b.inside, b.id, "kicker") if isinstance(b, Heading) and b.level == 1 else b for b in blocks]

    def _front(self, e: Any, names: list[str]) -> list[Block]:
        out: list[Block] = []
        for part in e:
            blocks = self.block(part)
            out += [PageBreak(), *blocks] if out else blocks
        return out

    def _lead(self, e: Any, names: list[str]) -> list[Block]:
        return self.flow(e, "lead")

    def _card(self, e: Any, names: list[str]) -> list[Block]:
        verdict, title = e.find("p"), next((c for c in e if c.tag in _HEADED), None)
        figure, main = (next(iter(e.find_class(n)), None) for n in ("km-value", "km-card-main"))
        return [
            Card(
                _status(names),
                self.line(verdict) if verdict is not None else (),
                self._heading(title, "card") if title is not None else Heading(3, ()),
                tuple(self.flow(figure)) if figure is not None else (),
                tuple(self.flow(main)) if main is not None else (),
                e.get("id", ""),
            )
        ]

    def _headlines(self, e: Any, names: list[str]) -> list[Block]:
        out = []
        for li in e:
            figure, text = (next(iter(li.find_class(f"km-headline-{n}"))) for n in ("figure", "text"))
            out.append(Headline(_status(_classes(li)), tuple(self.flow(figure)), tuple(self.flow(text))))
        return [Headlines(tuple(out))]

    def _callout(self, e: Any, names: list[str]) -> list[Block]:
        tone = next((n.removeprefix("km-callout-") for n in names if n.startswith("km-callout-")), "note")
        return [Note(tone, (), tuple(self.flow(e)))]

    def _facts(self, e: Any, names: Sequence[str] = ()) -> Facts:
        items: list[tuple[tuple[Inline, ...], tuple[Inline, ...]]] = []
        label: tuple[Inline, ...] = ()
        for part in e.iter("dt", "dd"):
            inside = self.line(part)
            if part.tag == "dt":
                label = inside
            else:
                items.append((label, inside))
                label = ()
        return Facts(tuple(items))

    def _keys(self, e: Any, names: list[str]) -> list[Block]:
        items = []
        for key in e:
            told = [*(self.line(p) for p in key), (), (), ()]
            items.append((told[0], told[1], told[2]))
        return [KeyFigures(tuple(items))]

    def _columns(self, e: Any, names: list[str]) -> list[Block]:
        return [Columns(tuple(tuple(self.flow(part)) for part in e))]

    def _two(self, e: Any, names: list[str]) -> list[Block]:
        return [Columns(tuple(tuple(self.flow(part)) for part in row), "pair") for row in e]

    def _lines(self, e: Any, names: list[str]) -> list[Block]:
        title = next((c for c in e if c.tag in _HEADED), None)
        return [Lines(self.line(title) if title is not None else (), tuple(self.line(li) for li in e.iter("li")))]

    def _group(self, e: Any, names: list[str]) -> list[Block]:
        style = next(n.removeprefix("km-") for n in names if n in ("km-defs", "km-glossary", "km-legend"))
        return [Group(style, tuple(self.flow(e)))]

    def _figure(self, e: Any, names: list[str]) -> list[Block]:
        img = next(e.iter("img"), None)
        title = next(iter(e.find_class("km-fig-title")), None)
        subtitle = next(iter(e.find_class("km-fig-sub")), None)
        note = next(iter(e.find_class("km-note")), None)
        if img is None:
            return self.flow(e)
        if title is None:
            title = e.find("figcaption")
        size = next((s for s in ("half", "full") if f"km-{s}" in names and "km-svg" in _classes(img)), "")
        picture = self._picture(img, size)
        if picture is None:
            return []
        told = [() if part is None else self.line(part) for part in (title, subtitle, note)]
        return [Figure(picture, told[0], told[1], told[2], e.get("id", ""))]

    def _framed_table(self, e: Any, names: list[str]) -> list[Block]:
        style = next((s for s in ("wide", "dense", "scorecard", "foreign") if f"km-{s}" in names), "")
        out: list[Block] = []
        for child in e.iter("table"):
            if next((a for a in child.iterancestors("table")), None) is None:
                out += self._table(child, style, e.get("id", ""))
        if style == "foreign":  # whatever an analyst's output says beside its table
            for table in list(e.iter("table")):
                _drop(table)
            out += self.flow(e)
        return out

    def _table(self, e: Any, style: str, id: str) -> list[Block]:
        head: list[Row] = []
        body: list[Row] = []
        for tr in e.iter("tr"):
            if next(tr.iterancestors("table")) is not e:
                continue
            cells = tuple(self._cell(c) for c in tr if c.tag in ("td", "th"))
            if not cells:
                continue
            kind = next((n for n in _classes(tr) if n.startswith("km-")), "")
            row = Row(cells, kind.removeprefix("km-row-").removeprefix("km-"))
            in_head = tr.getparent().tag == "thead" or (not body and all(c.head for c in cells) and len(cells) > 1)
            (head if in_head else body).append(row)
        caption = e.find("caption")
        told = self.line(caption) if caption is not None else ()
        across = max((sum(c.across for c in r.cells) for r in (*head, *body)), default=0)
        if not across:
            return [Paragraph(told)] if told else []
        given = [_percent(c.get("style", "")) for c in e.iter("col")]
        letters = 0.0
        if len(given) == across and all(given):
            widths = [w for w in given if w is not None]
        else:
            widths, letters = _share(head, body, across)
            if style in ("", "foreign"):
                style = "wide" if letters > _LETTERS_DENSE else "dense" if letters > _LETTERS_PORTRAIT else style
        return [Table(tuple(widths), tuple(head), tuple(body), told, style, id or e.get("id", ""), letters)]

    def _cell(self, e: Any) -> Cell:
        names = _classes(e)
        style = e.get("style", "")
        right = "km-r" in names or "right" in style
        inside: tuple[Any, ...] = tuple(self.flow(e)) if self._holds_blocks(e) else self.line(e)
        if "km-scale" in names or "km-c" in names or not right:
            align = "c" if "km-c" in names else ""
        else:
            align = "r"
        return Cell(inside, align, _span(e.get("colspan")), _span(e.get("rowspan")), e.tag == "th")

    # --- runs

    def line(self, e: Any) -> tuple[Inline, ...]:
        """Read an element as one line of runs."""
        out: list[Inline] = []
        self.spaced = True
        self._text(e.text, out)
        self._children(e, out)
        self.spaced = True
        return _trim(out)

    def _children(self, e: Any, out: list[Inline]) -> None:
        spaced = not _SPACED.isdisjoint(_classes(e))
        for child in e:
            if spaced and child.tag == "span" and not child.get("class"):
                inside: list[Inline] = []
                self.spaced = True
                self._text(child.text, inside)
                self._children(child, inside)
                out.append(Run("part", tuple(inside)))
                continue
            self._inline(child, out)
            self._text(child.tail, out)

    def _text(self, text: str | None, out: list[Inline]) -> None:
        if not text:
            return
        text = _SPACE.sub(" ", text)
        if self.spaced:
            text = text.lstrip(" ")
        if text:
            self.spaced = text[-1] == " "
            if out and isinstance(out[-1], str):
                out[-1] += text
            else:
                out.append(text)

    def _inline(self, e: Any, out: list[Inline]) -> None:
        names = _classes(e)
        tag = e.tag
        if not isinstance(tag, str) or "km-sr" in names:
            return
        if tag == "br":
            out.append(Break())
            self.spaced = True
            return
        if tag == "img":
            picture = self._picture(e, "gauge" if "km-gauge" in names else "")
            if picture is not None:
                out.append(picture)
                self.spaced = False
            return
        if "km-status" in names:
            out.append(_mark(e, names))
            self.spaced = False
            return
        if "km-grade" in names:
            out.append(Grade("".join(e.itertext()).strip(), e.get("title", "")))
            self.spaced = False
            return
        span = next((_SPANS[n] for n in names if n in _SPANS), "")
        style = span or _STYLED.get(tag, "")
        if span == "small":
            self.spaced = True
        inside: list[Inline] = []
        target = inside if style or tag == "a" else out
        if tag == "q":
            self._text("«", target)
        self._text(e.text, target)
        self._children(e, target)
        if tag == "q":
            self._text("»", target)
        if target is out:
            if tag in _BLOCKS:
                self._text(" ", out)
            return
        if span == "small":
            self.spaced = True
            inside = list(_trim(inside))
        if not inside:
            return
        if tag == "a" and e.get("href"):
            out.append(Link(e.get("href"), tuple(inside)))
        elif style:
            out.append(Run(style, tuple(inside)))
        else:
            out += inside

    def _picture(self, e: Any, style: str) -> Picture | None:
        place = e.get("src", "")
        number = place.removeprefix(_ASIDE + ":")
        if place == number or not number.isdigit() or int(number) >= len(self.embedded):
            return None
        media, data = self.embedded[int(number)]
        return Picture(media, data, e.get("alt", ""), style)


_OWN: dict[str, Callable[[_Reader, Any, list[str]], Iterable[Block]]] = {
    "km-chapter": _Reader._chapter,
    "km-front": _Reader._front,
    "km-executive": _Reader._executive,
    "km-lead": _Reader._lead,
    "km-card": _Reader._card,
    "km-headlines": _Reader._headlines,
    "km-callout": _Reader._callout,
    "km-keys": _Reader._keys,
    "km-columns": _Reader._columns,
    "km-two": _Reader._two,
    "km-lines": _Reader._lines,
    "km-defs": _Reader._group,
    "km-glossary": _Reader._group,
    "km-legend": _Reader._group,
    "km-figure": _Reader._figure,
    "km-table": _Reader._framed_table,
}


def _classes(e: Any) -> list[str]:
    return (e.get("class") or "").split() if isinstance(e.tag, str) else []


def _status(names: Iterable[str]) -> Status:
    told = (n.removeprefix("km-card-").removeprefix("km-") for n in names)
    return cast(Status, next((n for n in told if n in STATUS), "not_assessed"))


def _mark(e: Any, names: list[str]) -> Mark:
    status = _status(names)
    # the word of a mark that shows its shape alone is for screen readers
    alone = bool(e.find_class("km-sr"))
    shape = STATUS[status].shape
    word = _SPACE.sub(" ", "".join(e.itertext())).strip().removeprefix(shape).strip()
    return Mark(status, shape, word, not alone)


def _trim(line: Sequence[Inline]) -> tuple[Inline, ...]:
    """Take the blanks off the end of a line."""
    out = list(line)
    while out:
        last = out[-1]
        if isinstance(last, str):
            last = last.rstrip(" ")
            if last:
                out[-1] = last
                break
            out.pop()
        elif isinstance(last, Break):
            out.pop()
        else:
            break
    return tuple(out)


def _drop(e: Any) -> None:
    parent, tail = e.getparent(), e.tail
    previous = e.getprevious()
    if tail:
        if previous is not None:
            previous.tail = (previous.tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
    parent.remove(e)


def _span(value: str | None) -> int:
    return min(int(value), 200) if value is not None and value.isdigit() and int(value) > 0 else 1


_WIDTH = re.compile(r"width:\s*([\d.]+)%")


def _percent(style: str) -> float | None:
    match = _WIDTH.search(style)
    return float(match[1]) if match else None


_LETTERS_PORTRAIT, _LETTERS_DENSE = 100.0, 122.0


def _share(head: Sequence[Row], body: Sequence[Row], across: int) -> tuple[list[float], float]:
    """Share the width among the columns of an analyst's table by their text; return how many letters it needs, too."""
    longest = [3.0] * across
    words = [2.0] * across
    for row in (*head, *body[:200]):
        k = 0
        for cell in row.cells:
            if cell.across == 1 and k < across:
                text = text_of(cell)
                longest[k] = max(longest[k], min(60.0, float(len(text))))
                words[k] = max(words[k], min(24.0, max((len(w) for w in text.split()), default=0) + 1.0))
            k += cell.across
    least = sum(w + 2 for w in words)
    spare = max(0.0, _LETTERS_DENSE - least)
    wanted = [max(0.0, a - b) for a, b in zip(longest, words, strict=True)]
    total = sum(wanted) or 1.0
    return [w + 2 + min(x, spare * x / total) for w, x in zip(words, wanted, strict=True)], least
