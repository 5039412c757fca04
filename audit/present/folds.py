"""What the browser shows folded: the sections that prove nothing wrong. Their titles stay, a click or Enter opens them.

A fold is a `<details>` of the page's own, so it works without a script; paper has no folds. Only the kit's own sections
are folded: what an analyst has added to a notebook always stands open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from markupsafe import Markup

from audit.errors import Lang
from audit.findings.finding import Status
from audit.method import method
from audit.present.blocks import FindingView, join, status_mark
from audit.present.format import slug
from audit.present.screen import piece
from audit.present.style import STATUS
from audit.present.tree import Paragraph
from audit.present.words import word

__all__ = ["fold", "fold_sections", "titled"]

_TROUBLE = ("found", "watch")
_EDGE = re.compile(r"<section\b[^>]*>|</section>")
_OWN = re.compile(r'<section class="km-section">\s*<h3 id="([^"]+)">(.*?)</h3>', re.S)
_FIGURE = re.compile(r'<figure\b[^>]*\sid="chart-([^"]+)"')


def fold(summary: Markup, inside: Markup, *, about: str = "") -> Markup:
    """Fold a part of the page below a line; ``about``: the verdicts it speaks of, for the filter."""
    told = Markup(' data-v="{}"').format(about) if about else ""
    return Markup('<details class="km-fold"{}><summary>{}</summary>\n{}</details>').format(told, summary, inside)


def titled(title: str, count: int, *, heading: bool = True) -> Markup:
    """Return the line of a fold that holds entries: its title and how many there are."""
    tag = Markup("h3" if heading else "b")
    return Markup('<{0}>{1}</{0}> <span class="km-count">{2}</span>').format(tag, title, count)


def fold_sections(html: Markup, chapter: str, views: Sequence[FindingView], lang: Lang) -> Markup:
    """Fold a chapter's sections that prove no trouble.

    A section speaks of the findings whose pictures it shows. In a chapter with something found or watched those that
    speak of nothing but clear findings are folded; in one without, all are, and a sentence says so.
    """
    if not views:
        return html
    quiet = not any(v.finding.status in _TROUBLE for v in views)
    statuses: dict[str, set[Status]] = {}
    for v in views:
        spec = method().findings.get(v.finding.id)
        for picture in spec.picture if spec is not None else ():
            statuses.setdefault(picture, set()).add(v.finding.status)
    own = slug(chapter)
    folded = 0

    def section(text: str) -> str:
        nonlocal folded
        head = _OWN.match(text)
        if head is None or head[1] == f"{own}-findings" or not head[1].startswith(f"{own}-"):
            return text
        about: set[Status] = set().union(*(statuses.get(p, set()) for p in _FIGURE.findall(text)))
        told = [s for s in STATUS if s in about]
        if not quiet and (not told or about & {*_TROUBLE, "unclear"}):
            named = f'<section class="km-section" data-v="{" ".join(told)}">'
            return text.replace('<section class="km-section">', named, 1) if told else text
        folded += 1
        title = Markup('<h3 id="{}">{}</h3>').format(head[1], Markup(head[2]))
        marks = Markup("").join(Markup(" ") + status_mark(s, lang) for s in told)
        inside = Markup(f'<section class="km-section">{text[head.end() :]}')
        return str(fold(title + marks, inside, about=" ".join(told)))

    made = _each(str(html), section)
    if not (quiet and folded):
        return Markup(made)
    clear = [v.finding.status == "clear" for v in views]
    kind = "clear" if all(clear) else "partly" if any(clear) else "blind"
    said = piece(Paragraph((word(f"folded_{kind}", lang), " ", word("folded", lang)), "folded"))
    ends = _end_of(made, f"{own}-findings")
    return Markup(made[:ends]) + said + Markup(made[ends:]) if ends else join([said, Markup(made)])


def _each(html: str, change: Callable[[str], str]) -> str:
    """Rewrite every outermost section of a text."""
    out: list[str] = []
    depth = at = begun = 0
    for edge in _EDGE.finditer(html):
        if edge[0] != "</section>":
            if not depth:
                out.append(html[at : edge.start()])
                begun = edge.start()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                at = edge.end()
                out.append(change(html[begun:at]))
    out.append(html[begun if depth else at :])
    return "".join(out)


def _end_of(html: str, id: str) -> int:
    """Return where the section with a heading of this id ends; 0 where there is none."""
    start = html.find(f'<h3 id="{id}">')
    return html.find("</section>", start) + len("</section>") if start >= 0 else 0
