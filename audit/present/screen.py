"""The tree of blocks as HTML: what a notebook shows and the browser's report is made of.

Text is escaped here and nowhere else. Fragments carry no script and no style sheet of their own: without the report's
CSS they are plain, readable HTML. Pictures travel as ``<img>`` with their data inside, which can run nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from audit.present.tree import (
    Block,
    Break,
    Card,
    Cell,
    Code,
    Columns,
    Facts,
    Figure,
    Grade,
    Group,
    Heading,
    Headlines,
    Inline,
    KeyFigures,
    Lines,
    Link,
    List,
    Mark,
    Node,
    Note,
    Paragraph,
    Picture,
    Quote,
    Row,
    Rule,
    Run,
    Table,
    text_of,
)

__all__ = ["Piece", "html_of", "piece"]


class Piece(Markup):
    """A finished fragment of HTML that remembers the blocks, or runs, that it was written from."""

    source: tuple[Any, ...] | Callable[[], tuple[Any, ...]] = ()

    @property
    def nodes(self) -> tuple[Any, ...]:
        """The blocks or runs."""
        if callable(self.source):
            self.source = self.source()
        return self.source

    @classmethod
    def of(cls, html: Markup, source: Callable[[], tuple[Any, ...]]) -> Piece:
        """Return HTML that was put together otherwise, with what makes its nodes when they are asked for."""
        made = cls(html)
        made.source = source
        return made


def piece(*nodes: Block | Inline, between: str = "") -> Piece:
    """Write blocks or runs as HTML."""
    made = Piece(Markup(between).join(html_of(n) for n in nodes))
    made.source = nodes
    return made


def html_of(part: Any) -> Markup:
    """Write a node, a text, or several of them."""
    if isinstance(part, Node):
        return _WRITERS[type(part)](part)
    if isinstance(part, tuple):
        return Markup("").join(html_of(p) for p in part)
    return escape(part)


def _tag(name: str, classes: Iterable[str], inside: Any, **more: str) -> Markup:
    told = " ".join(c for c in classes if c)
    attributes = {**({"class": told} if told else {}), **{k.rstrip("_").replace("_", "-"): v for k, v in more.items()}}
    written = Markup("").join(Markup(' {}="{}"').format(k, v) for k, v in attributes.items())
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inside)


def _only(part: Any) -> str:
    return f"km-{part.only}-only" if part.only else ""


# --- runs

_TAGS = {"b": "b", "i": "em", "code": "code", "sub": "sub", "sup": "sup", "strike": "s"}
_CLASSES = {"small": "km-sub", **dict.fromkeys(("", "part", "count"), "")}


def _run(r: Run) -> Markup:
    inside = html_of(r.inside)
    if r.style == "dfn":
        return Markup('<abbr class="km-dfn" title="{}">{}</abbr>').format(r.note, inside)
    if r.style == "head":
        return Markup('<abbr title="{}">{}</abbr>').format(r.note, inside)
    more = {"title": r.note} if r.note else {}
    if r.style in _TAGS:
        return _tag(_TAGS[r.style], (), inside, **more)
    return _tag("span", (_CLASSES.get(r.style, f"km-{r.style}"),), inside, **more)


def _link(a: Link) -> Markup:
    kind = Markup(' class="km-def"') if a.to.startswith("#def-") else ""
    return Markup('<a{} href="{}">{}</a>').format(kind, a.to, html_of(a.inside))


def _mark(m: Mark) -> Markup:
    if not m.shown:
        return Markup(
            '<span class="km-status km-{}"><span aria-hidden="true">{}</span><span class="km-sr">{}</span></span>'
        ).format(m.status, m.shape, m.word)
    return Markup('<span class="km-status km-{}"><span class="km-shape" aria-hidden="true">{}</span> {}</span>').format(
        m.status, m.shape, m.word
    )


def _grade(g: Grade) -> Markup:
    return Markup('<abbr class="km-grade km-grade-{}" title="{}">{}</abbr>').format(
        g.letter.lower(), g.meaning, g.letter
    )


def _picture(p: Picture) -> Markup:
    kind = "km-gauge" if p.style == "gauge" else "km-svg" if p.style and p.media == "image/svg+xml" else ""
    classes = Markup(' class="{}"').format(kind) if kind else ""
    return Markup('<img{} alt="{}" src="data:{};base64,{}">').format(classes, p.alt, p.media, p.data)


# --- blocks


def _heading(h: Heading) -> Markup:
    level = h.level + 1
    return Markup("<h{0}{1}>{2}</h{0}>").format(
        level, Markup(' id="{}"').format(h.id) if h.id else "", html_of(h.inside)
    )


_PARAGRAPHS = {"big-long": "km-big km-long", "norm": "km-value-note km-norm", "": "", "lead": ""}


def _paragraph(p: Paragraph) -> Markup:
    return _tag("p", (_PARAGRAPHS.get(p.style, f"km-{p.style}"), _only(p)), html_of(p.inside))


def _item(blocks: Any) -> Markup:
    """Write an item of a list: one paragraph of it needs no tag of its own."""
    if len(blocks) == 1 and isinstance(blocks[0], Paragraph) and not blocks[0].style:
        return html_of(blocks[0].inside)
    return html_of(blocks)


def _list(x: List) -> Markup:
    start = {"start": str(x.start)} if x.start != 1 else {}
    items = Markup("").join(Markup("<li>{}</li>").format(_item(i)) for i in x.items)
    return _tag("ol" if x.ordered else "ul", (x.style and f"km-{x.style}",), items, **start)


def _facts(x: Facts) -> Markup:
    items = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(html_of(a), html_of(b)) for a, b in x.items
    )
    return _tag("dl", ("km-chips",), items)


def _keys(x: KeyFigures) -> Markup:
    cells = Markup("").join(
        Markup('<div class="km-key"><p class="km-key-value">{}</p><p class="km-key-name">{}</p>{}</div>').format(
            html_of(value), html_of(name), Markup('<p class="km-key-note">{}</p>').format(html_of(note)) if note else ""
        )
        for value, name, note in x.items
    )
    return Markup('<div class="km-keys">{}</div>').format(cells)


def _card(c: Card) -> Markup:
    box = Markup('<div class="km-value">{}</div>').format(html_of(c.figure)) if c.figure else ""
    return Markup(
        '<article class="km-card km-card-{status}" id="{id}"><p class="km-verdict">{words}</p><h4>{title}</h4>'
        '<div class="km-card-body{bare}">{box}<div class="km-card-main">{body}</div></div></article>'
    ).format(
        status=c.status,
        id=c.id,
        words=html_of(c.verdict),
        title=html_of(c.title.inside),
        box=box,
        body=Markup("\n").join(html_of(b) for b in c.body),
        bare="" if box else " km-bare",
    )


def _headlines(x: Headlines) -> Markup:
    items = Markup("").join(
        Markup(
            '<li class="km-headline km-card-{}"><div class="km-headline-figure">{}</div>'
            '<div class="km-headline-text">{}</div></li>'
        ).format(h.status, html_of(h.figure), html_of(h.body))
        for h in x.items
    )
    return Markup('<ol class="km-headlines">{}</ol>').format(items)


def _note(n: Note) -> Markup:
    title = Markup('<p class="km-callout-title">{}</p>').format(html_of(n.title)) if n.title else ""
    body = Markup("\n").join(html_of(b) for b in n.body)
    return Markup('<aside class="km-callout km-callout-{}">{}{}</aside>').format(n.tone, title, body)


def _figure(f: Figure) -> Markup:
    sub = Markup('<span class="km-fig-sub">{}</span>').format(html_of(f.subtitle)) if f.subtitle else ""
    return Markup(
        '<figure class="km-figure km-{width}" id="{id}">{head}<div class="km-plot">{picture}</div>{note}</figure>'
    ).format(
        width=f.picture.style,
        id=f.id,
        head=Markup('<figcaption><span class="km-fig-title">{}</span>{}</figcaption>').format(html_of(f.title), sub),
        picture=_picture(f.picture),
        note=Markup('<p class="km-note">{}</p>').format(html_of(f.note)) if f.note else "",
    )


def _cols(widths: Iterable[float], only: str) -> str:
    classes = f' class="{only}"' if only else ""
    return "".join(f'<col{classes} style="width: {w:.1f}%">' for w in widths)


def _cell(c: Cell, tag: str, scope: str, label: str = "") -> str:
    names = [x for x in ({"r": "km-r", "c": "km-c", "scale": "km-scale"}.get(c.align, ""), _only(c)) if x]
    return "".join(
        (
            f"<{tag}",
            f' scope="{scope}"' if scope else "",
            f' colspan="{c.across}"' if c.across > 1 else "",
            f' rowspan="{c.down}"' if c.down > 1 else "",
            f' class="{" ".join(names)}"' if names else "",
            f' data-v="{escape(c.sort)}"' if c.sort else "",
            f' data-label="{escape(label)}"' if label else "",
            ">",
            html_of(c.inside),
            f"</{tag}>",
        )
    )


def _row(r: Row, scope: str = "row", labels: Sequence[str] = ()) -> str:
    style = "km-group" if r.style == "group" else f"km-row-{r.style}" if r.style else ""
    names = " ".join(x for x in (style, _only(r)) if x)
    cells = "".join(
        _cell(
            c,
            "th" if c.head else "td",
            ("rowgroup" if r.style == "group" else scope) if c.head else "",
            labels[k] if not c.head and len(labels) == len(r.cells) else "",
        )
        for k, c in enumerate(r.cells)
    )
    return f'<tr class="{names}">{cells}</tr>' if names else f"<tr>{cells}</tr>"


def _labels(t: Table) -> tuple[str, ...]:
    """Return what heads the columns of a table of words, which a narrow screen shows as a card a row; else nothing."""
    if len(t.head) != 1 or t.style in ("scorecard", "foreign"):
        return ()
    cells = t.head[0].cells
    words = sum(not c.align for c in cells)
    return tuple(text_of(c) for c in cells) if len(cells) >= 4 and 2 * words >= len(cells) else ()


def _table(t: Table) -> Markup:
    if t.screen_widths:
        widths = _cols(t.screen_widths, "km-screen-only") + _cols(t.widths, "km-paper-only")
    else:
        widths = _cols(t.widths, "")
    labels = _labels(t)
    stacked = "km-stack" if labels else ""
    names = " ".join(x for x in ("km-table", t.style and f"km-{t.style}", stacked, _only(t)) if x)
    return Markup(
        '<div class="{names}"{id}><div class="km-scroll"><table{sort}>{caption}<colgroup>{widths}</colgroup>'
        "<thead>{head}</thead><tbody>{rows}</tbody></table></div></div>"
    ).format(
        names=names,
        id=Markup(' id="{}"').format(t.id) if t.id else "",
        sort=Markup(' data-sortable="1"') if t.sortable else "",
        caption=Markup("<caption>{}</caption>").format(html_of(t.caption)) if t.caption else "",
        widths=Markup(widths),
        head=Markup("".join(_row(r, "col") for r in t.head)),
        rows=Markup("".join(_row(r, labels=labels) for r in t.body)),
    )


def _lines(x: Lines) -> Markup:
    rows = Markup("").join(Markup('<li class="km-line">{}</li>').format(html_of(i)) for i in x.items)
    return Markup('<div class="km-lines"><h4>{}</h4><ul>{}</ul></div>').format(html_of(x.title), rows)


def _columns(x: Columns) -> Markup:
    cells = Markup("").join(Markup("<div>{}</div>").format(html_of(p)) for p in x.parts)
    if x.style == "pair":
        return Markup('<div class="km-two"><div>{}</div></div>').format(cells)
    return _tag("div", ("km-columns", "km-exec-lower" if x.style == "lower" else ""), cells)


def _group(g: Group) -> Markup:
    return _tag("div", (f"km-{g.style}",), html_of(g.body))


_WRITERS: dict[type, Callable[[Any], Markup]] = {
    Run: _run,
    Link: _link,
    Mark: _mark,
    Grade: _grade,
    Break: lambda _: Markup("<br>"),
    Picture: _picture,
    Heading: _heading,
    Paragraph: _paragraph,
    Code: lambda c: Markup('<pre class="km-pre">{}</pre>').format(c.text),
    List: _list,
    Facts: _facts,
    KeyFigures: _keys,
    Card: _card,
    Headlines: _headlines,
    Note: _note,
    Figure: _figure,
    Table: _table,
    Lines: _lines,
    Columns: _columns,
    Group: _group,
    Quote: lambda q: Markup("<blockquote>{}</blockquote>").format(html_of(q.body)),
    Rule: lambda _: Markup("<hr>"),
}
