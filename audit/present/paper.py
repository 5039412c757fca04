"""What paper shows of the tree, and how it waits in a notebook beside its HTML until the report is made."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from markupsafe import Markup

from audit.present.convert import runs_of
from audit.present.tree import Block, Node, Paragraph, Picture, Run, Table, from_plain, plain

__all__ = ["BLOCKS", "for_paper", "stored", "unstored"]


def for_paper(part: Any) -> Any:
    """Return a part without what is for the screen only, its sentences of HTML read as runs."""
    if isinstance(part, Markup):
        return runs_of(part)
    if isinstance(part, Table):
        return _paper_table(part)
    if isinstance(part, Node):
        changed = {}
        for f in fields(part):
            value = getattr(part, f.name)
            if isinstance(value, tuple | Node):
                kept = for_paper(value)
                if kept is not value:
                    changed[f.name] = kept
        return replace(part, **changed) if changed else part
    if isinstance(part, tuple):
        out: list[Any] = []
        for p in part:
            if isinstance(p, Node) and getattr(p, "only", "") == "screen":
                continue
            kept = for_paper(p)
            if isinstance(kept, Run | Paragraph) and not kept.inside:
                continue
            if isinstance(p, Markup):
                out += kept
            else:
                out.append(kept)
        return tuple(out)
    return part


def _paper_table(table: Table) -> Table:
    head, body = (tuple(for_paper(r) for r in rows if r.only != "screen") for rows in (table.head, table.body))
    caption = for_paper(table.caption)
    return replace(table, head=head, body=body, caption=caption, screen_widths=(), sortable=False)


# --- stored beside the HTML of a notebook's output

BLOCKS = "application/vnd.km-audit.blocks+json"
"""The media type of blocks in a notebook."""
_EMBEDDED = re.compile(r"data:[a-z]+/[a-z0-9.+-]+;base64,([A-Za-z0-9+/]+={0,2})")


def _digest(data: str) -> str:
    return "#" + hashlib.sha256(data.encode()).hexdigest()[:20]


def stored(blocks: tuple[Block, ...]) -> str:
    """Return blocks as JSON to stand beside their HTML, which has the pictures: here are their digests."""
    kept = plain(for_paper(blocks))
    for picture in _pictures(kept):
        picture["data"] = _digest(picture["data"])
    return json.dumps(kept, ensure_ascii=False)  # as a text: nbformat would write a line for every word


def unstored(kept: str, html: str) -> tuple[Block, ...]:
    """Read blocks back, their pictures from the HTML beside them; raise `ValueError` where they do not fit it."""
    known = {_digest(data): data for data in _EMBEDDED.findall(html)}
    fresh = json.loads(kept)
    for picture in _pictures(fresh):
        data = known.get(str(picture.get("data")))
        if data is None:
            raise ValueError("a picture is missing")
        picture["data"] = data
    read = from_plain(fresh)
    if not isinstance(read, tuple) or not all(isinstance(b, Node) for b in read):
        raise ValueError("not blocks")
    return read


def _pictures(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for p in part:
            yield from _pictures(p)
    elif isinstance(part, dict):
        if part.get("k") == Picture.kind:
            yield part
        else:
            for value in part.values():
                yield from _pictures(value)
