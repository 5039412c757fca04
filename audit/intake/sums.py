"""Rows that add up other rows and do not say so: known by arithmetic, because no list of words is long enough.

A row without a document number where the others have one, whose amount is that of the rows above (or below), is a
total; so are, in a table without numbers, rows that cut it into blocks of which each is the sum. A row whose amount is
that of the lines below, which leave its client and number blank, is the head of a document. All are set aside while the
table is still text, so that everything after sees lines only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit.errors import Text
from audit.intake.documents import fits
from audit.intake.numbers import Decimals, Numbers, from_decimal
from audit.intake.staging import Staged
from audit.intake.store import Store
from audit.intake.table import Table
from audit.intake.traps.filled_once import lines_of, once
from audit.intake.values import clean_text, is_total, parse_flag
from audit.intake.words import words
from audit.settings import Settings

__all__ = ["set_sums_aside"]

Bools = npt.NDArray[np.bool_]
_NEAR = 500
"""Ten-thousandths by which a sum may miss its rows."""
_ROUNDED = ((10_000, 5_000), (10_000_000, 5_000_000))
"""Whole units and whole thousands, and by how much (at most 1 %) they may miss rows that are not whole themselves."""
_LONGEST_MARK = len(b"---")
"""Bytes of the longest mark of emptiness; a longer text holds a letter or a digit."""
_NEARLY_ALL = 0.9
_LEAST = 2
"""So many sums must hold, each of so many rows: one alone may be chance."""
_LEAST_OF_ONE = 5
"""Of so many rows the one total of a table without numbers must be the sum, where it has a date and a client."""
_FEW = 2_000
"""Up to so many rows without a number each is looked at for its words; of more, half must be sums."""
_COMPARED = 20_000_000
"""Sums of clients that are compared with rows, and rows that are searched for the end of a block, at most."""


def set_sums_aside(table: Table, settings: Settings, store: Store) -> list[Text]:
    """Mark the rows of a table that add up others, in its staged file; return what to say of them."""
    staged, asked = table.staged, settings.reading.fill_down
    if table.plan.grouping is not None or not staged.has("amount") or staged.rows < 1 + _LEAST:
        return []
    notes: list[Text] = []
    blank = _blank(staged, "order_id") if staged.has("order_id") else np.ones(staged.rows, bool)
    if blank.any():
        void = _voided(staged, settings)
        for values, known in _amounts(staged, store):
            free = known & _unmarked(staged)
            # A total may leave out what was cancelled.
            ways = (free, free & ~void) if void.any() else (free,)
            found = (_blocks(staged, values, w) if blank.all() else _totals(staged, values, w, blank) for w in ways)
            totals = next((rows for rows in found if rows.any()), None)
            if totals is not None:
                staged.set_aside(totals, "subtotal_row")
                notes.append(_said_of_totals(table, int(totals.sum())))
                break
    filled = asked is None or fits(table.name, table.reader.sheet, asked)
    if filled and (stands := once(staged, strict=asked is None)) is not None and not stands.same:
        keyed = ~_blank(staged, stands.anchor)
        found = (_heads(staged, values, known, keyed) for values, known in _amounts(staged, store))
        if (heads := next((rows for rows in found if rows.any()), None)) is not None:
            staged.set_aside(heads, "group_row")
            notes.append(_said_of_heads(table, int(heads.sum())))
    return notes


def _said_of_totals(table: Table, rows: int) -> Text:
    number = table.plan.labels.get("order_id")
    of = (
        Text("строки", "rows")
        if number is None
        else Text(f"строки без номера («{number}»)", f"rows without a number (“{number}”)")
    )
    return Text(
        f"{table.name}: {of.ru} складывают суммы других строк — это итоги, в выручку не вошли (строк: {rows})",
        f"{table.name}: {of.en} add up the amounts of other rows: they are totals and no revenue (rows: {rows})",
    )


def _said_of_heads(table: Table, rows: int) -> Text:
    return Text(
        f"{table.name}: сумма документа стоит в его первой строке, суммы позиций — в строках под ней; учтены позиции "
        f"(документов: {rows})",
        f"{table.name}: the sum of a document stands in its first row, those of its lines in the rows below; the lines "
        f"were counted (documents: {rows})",
    )


def _blank(staged: Staged, name: str) -> Bools:
    """Which rows have no letter and no digit in a field."""
    parts = [np.zeros(0, bool)]
    for batch in staged.columns(name):
        column = batch.column(name)
        coded = pa.types.is_dictionary(column.type)
        texts = column.dictionary if coded else column
        if not column.null_count and len(texts) and pc.min(pc.binary_length(texts)).as_py() > _LONGEST_MARK:
            parts.append(np.zeros(len(column), bool))
            continue
        filled = pc.match_substring_regex(texts, r"[\pL\pN]")
        parts.append(
            ~(filled.take(column.indices) if coded else filled).fill_null(False).to_numpy(zero_copy_only=False)
        )
    return np.concatenate(parts)


def _voided(staged: Staged, settings: Settings) -> Bools:
    """Which rows are cancelled, deleted or not posted."""
    own = {" ".join(c.lower().split()) for c in settings.reading.cancelled}
    out = np.zeros(staged.rows, bool)
    if not any(staged.has(f) for f in ("status", "deleted", "posted")):
        return out

    def is_void(name: str, text: str) -> bool:
        if name != "status":
            return clean_text(text) is not None and parse_flag(text) == (name == "deleted")
        return " ".join(text.lower().split()) in own or words().status.code(text) == "cancelled"

    start = 0
    for batch in staged.batches():
        for name in ("status", "deleted", "posted"):
            if staged.has(name):
                column = batch.column(name)
                void = pa.array([is_void(name, t or "") for t in column.dictionary.to_pylist()], pa.bool_())
                rows = void.take(column.indices).fill_null(False).to_numpy(zero_copy_only=False)
                out[start : start + batch.num_rows] |= rows
        start += batch.num_rows
    return out


def _amounts(staged: Staged, store: Store) -> list[tuple[Decimals, Bools]]:
    """Return the amounts in ten-thousandths and which cells hold one, with each decimal mark that may be meant."""
    numbers, out = Numbers(store), []
    shown = staged.numbers["amount"].marks
    both: tuple[Literal[",", "."], ...] = (",", ".")
    for mark in tuple(m for m in both if shown[m]) or (both if shown else both[1:]):
        read = [
            from_decimal(batch.column("=amount"))
            if staged.resolved[at].get("amount") in (mark, "any")
            else numbers.read(batch.column("amount"), mark)
            for at, batch in enumerate(staged.batches())
        ]
        if read:
            out.append((np.concatenate([v for v, _ in read]), np.concatenate([k for _, k in read])))
    return out


def _totals(staged: Staged, values: Decimals, free: Bools, blank: Bools) -> Bools:
    """Which rows without a number are the sum of others: of a block above or below, of all above, of the client they name."""
    line, asks = free & ~blank, free & blank & (np.abs(values) > _NEAR)
    out = np.zeros(len(values), bool)
    if not asks.any() or asks.sum() > line.sum():
        return out
    at, near = np.flatnonzero(asks), _nearness(values, line)
    above = _rows_above(values, line, at, near)
    below = _rows_above(values[::-1], line[::-1], len(values) - 1 - at[::-1], near[::-1])[::-1]
    if len(at) > _FEW:
        named = np.zeros(len(at), bool)
        if max((above > 0).sum(), (below > 0).sum()) < len(at) / 2:
            return out
    else:
        labels = _labels(staged, asks)
        named = np.array([any(is_total(t) for t in labels[row]) for row in at.tolist()], bool)
        of_client = _rows_of_client(
            staged, values, line, {r: labels[r] for r, n in zip(at.tolist(), above, strict=True) if not n}
        )
        above = np.array([n or of_client.get(r, 0) for r, n in zip(at.tolist(), above.tolist(), strict=True)], np.int64)
    silent = ~named
    if not silent.any():
        return out
    for of in (above, below):
        added = silent & (of > 0)
        if (of[added] >= _LEAST).sum() >= _LEAST and added.sum() >= _NEARLY_ALL * silent.sum():
            out[at[added]] = True
            return out
    ends = np.flatnonzero(line | asks)[[-1, 0]]
    for row in (at[silent][-1], at[silent][0]):
        rest = line | asks
        rest[row] = False
        if row in ends and rest.sum() >= _LEAST and abs(values[rest].sum() - values[row]) <= near[row]:
            out[row] = True
            return out
    return out


def _nearness(values: Decimals, line: Bools) -> Decimals:
    """By how much each value may miss the sum of its rows: more where it is rounded and the rows are not."""
    near = np.full(len(values), _NEAR, np.int64)
    for step, miss in _ROUNDED:
        if line.any() and (values[line] % step == 0).mean() < 0.5:
            whole = values % step == 0
            near[whole] = np.maximum(_NEAR, np.minimum(miss, np.abs(values[whole]) // 100))
    return near


def _blocks(staged: Staged, values: Decimals, free: Bools) -> Bools:
    """Which rows of a table without numbers are totals: they cut it into blocks, each the sum of the rows above (or below) it.

    The name on a total is not that of a client. One total of everything stands first or last.
    """
    out = np.zeros(len(values), bool)
    rows = np.flatnonzero(free & (values != 0))
    for order in (rows, rows[::-1]):
        cut = _cut(values[order])
        totals = order[cut]
        lines = np.setdiff1d(order, totals)
        if len(totals) and len(lines) > len(totals) and _named_apart(staged, totals, lines, one=len(totals) == 1):
            out[totals] = True
            return out
    return out


def _cut(values: Decimals) -> list[int]:
    """Places of the rows that each add up those since the one before; the last may add up all. Empty where rows are left."""
    sums = np.concatenate(([0], np.cumsum(values)))
    near = _nearness(values, np.ones(len(values), bool))
    found: list[int] = []
    start, spent = 0, 0
    while start < len(values):
        place = _end(values, sums, near, start)
        spent += (place or len(values)) - start
        if place is None or spent > _COMPARED:
            break
        found.append(place)
        start = place + 1
    if not found:
        return []
    last, whole = (
        len(values) - 1,
        int(sums[-1] - values[-1] - values[found].sum()) if found[-1] < len(values) - 1 else None,
    )
    if found[-1] == last - 1 and whole is not None and abs(whole - int(values[last])) <= near[last]:
        found.append(last)
    return found if found[-1] == last else []


def _end(values: Decimals, sums: Decimals, near: Decimals, start: int) -> int | None:
    """Place of the first row after ``start`` that is the sum of two rows or more from there on; of one where there is none."""
    at, width = start + _LEAST, 64
    while at < len(values):
        stop = min(at + width, len(values))
        hit = np.flatnonzero(np.abs(sums[at:stop] - sums[start] - values[at:stop]) <= near[at:stop])
        if len(hit):
            return at + int(hit[0])
        at, width = stop, 4 * width
    one = start + 1
    return one if start and one < len(values) and abs(values[one] - values[start]) <= near[one] else None


def _named_apart(staged: Staged, totals: npt.NDArray[np.intp], lines: npt.NDArray[np.intp], *, one: bool) -> bool:
    """Whether totals carry no client of the lines; where there is one alone, whether it lacks a key or adds up many."""
    names = [f for f in ("client", "client_id", "legal_entity") if staged.has(f)]
    if not names:
        return False
    lacks = np.ones(len(totals), bool)
    for name in names:
        whole = pa.chunked_array([b.column(name).dictionary_decode() for b in staged.batches()])
        own = {clean_text(t) for t in whole.take(pa.array(totals)).to_pylist()} - {None}
        if own & {clean_text(t) for t in whole.take(pa.array(lines)).unique().to_pylist()}:
            return False
        lacks &= np.array([clean_text(t) is None for t in whole.take(pa.array(totals)).to_pylist()], bool)
    if not one:
        return True
    undated = staged.has("order_date") and bool(_blank(staged, "order_date")[totals].all())
    return bool(lacks.all()) or undated or len(lines) >= _LEAST_OF_ONE


def _unmarked(staged: Staged) -> Bools:
    return np.concatenate(
        [batch.column("problem").is_null().to_numpy(zero_copy_only=False) for batch in staged.batches()]
    )


def _labels(staged: Staged, rows: Bools) -> dict[int, list[str]]:
    """The texts by which a row may call itself a total, of the given rows."""
    out: dict[int, list[str]] = {row: [] for row in np.flatnonzero(rows).tolist()}
    for name in ("first", "client", "client_id", "manager", "sku"):
        if staged.has(name):
            start = 0
            for batch in staged.batches():
                here = np.flatnonzero(rows[start : start + batch.num_rows])
                texts = batch.column(name).take(pa.array(here)).to_pylist()
                for row, text in zip((here + start).tolist(), texts, strict=True):
                    if (value := clean_text(text)) is not None:
                        out[row].append(value)
                start += batch.num_rows
    return out


def _rows_above(values: Decimals, line: Bools, at: npt.NDArray[np.intp], near: Decimals) -> npt.NDArray[np.int64]:
    """Of how many lines since the beginning, or since one of the rows ``at`` before it, each of them is the sum; 0: of none."""
    sums = np.concatenate(([0], np.cumsum(np.where(line, values, 0))[at]))
    rows = np.concatenate(([0], np.cumsum(line)[at]))
    start, miss = sums[1:] - values[at], near[at]
    place = np.arange(len(at))
    order = np.argsort(sums, kind="stable")
    low, high = (np.searchsorted(sums[order], start + side * miss, "left" if side < 0 else "right") for side in (-1, 1))
    since = np.full(len(at), -1)
    # The row just before it, the beginning, else whichever earlier row fits.
    for found in (place, np.zeros(len(at), np.intp), order[np.minimum(low, len(at))], order[np.maximum(high - 1, 0)]):
        fits_here = (since < 0) & (found <= place) & (np.abs(sums[found] - start) <= miss)
        since[fits_here] = found[fits_here]
    return np.where(since < 0, 0, rows[1:] - rows[since])


def _rows_of_client(
    staged: Staged, values: Decimals, line: Bools, labels: Mapping[int, Sequence[str]]
) -> dict[int, int]:
    """Row → of how many lines above, all of the client that it names, it is the sum; only rows that are."""
    name = next((f for f in ("client", "client_id") if staged.has(f)), None)
    if name is None or not labels:
        return {}
    whole = pa.chunked_array([b.column(name) for b in staged.batches()]).unify_dictionaries().combine_chunks()
    whole = whole if isinstance(whole, pa.DictionaryArray) else pa.concat_arrays(whole.chunks)
    names = [(clean_text(t) or "").lower() for t in whole.dictionary.to_pylist()]
    if len(names) * len(labels) > _COMPARED:
        return {}
    codes = whole.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    money, rows = np.zeros(len(names) + 1), np.zeros(len(names) + 1, np.int64)
    out, start = {}, 0
    for row, texts in sorted(labels.items()):
        part = codes[start:row][line[start:row]]
        money += np.bincount(part, values[start:row][line[start:row]], len(names) + 1)
        rows += np.bincount(part, minlength=len(names) + 1)
        start = row
        for code in np.flatnonzero((np.abs(money[:-1] - values[row]) <= _NEAR) & (rows[:-1] > 0)).tolist():
            if names[code] and any(names[code] in text.lower() for text in texts):
                out[row] = int(rows[code])
    return out


def _heads(staged: Staged, values: Decimals, known: Bools, keyed: Bools) -> Bools:
    """Which rows with a key are the sum of the rows without one below them, in nearly every block."""
    lines = known & np.concatenate([lines_of(batch, staged) for batch in staged.batches()])
    out = np.zeros(len(values), bool)
    at = np.flatnonzero(lines & keyed)
    if len(at) == 0:
        return out
    below = np.where(lines & ~keyed, values, 0)
    rows = np.add.reduceat((lines & ~keyed).astype(np.int64), at)
    adds_up = np.abs(np.add.reduceat(below, at) - values[at]) <= _NEAR
    blocks = rows > 0
    if (adds_up & (rows >= _LEAST)).sum() >= _LEAST and adds_up[blocks].mean() >= _NEARLY_ALL:
        out[at[blocks]] = True
    return out
