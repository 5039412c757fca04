"""Rows that add up other rows and do not say so: known by arithmetic, because no list of words is long enough.

A row without a document number where the others have one, whose amount is that of the rows above (or below), is a
total; a row whose amount is that of the lines below, which leave its client and number blank, is the head of a
document. Both are set aside while the table is still text, so that everything after sees lines only.
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
from audit.intake.values import clean_text, is_total
from audit.settings import Settings

__all__ = ["set_sums_aside"]

Bools = npt.NDArray[np.bool_]
_NEAR = 500
"""Ten-thousandths by which a rounded total may miss its rows."""
_NEARLY_ALL = 0.9
_LEAST = 2
"""So many sums must hold, each of so many rows: one alone may be chance."""
_COMPARED = 20_000_000
"""Sums of clients that are compared with rows at most."""


def set_sums_aside(table: Table, settings: Settings, store: Store) -> list[Text]:
    """Mark the rows of a table that add up others, in its staged file; return what to say of them."""
    staged, asked = table.staged, settings.reading.fill_down
    if table.plan.grouping is not None or not staged.has("amount"):
        return []
    notes: list[Text] = []
    if staged.has("order_id") and (blank := _blank(staged, "order_id")).any():
        found = (_totals(staged, values, known, blank) for values, known in _amounts(staged, store))
        if (totals := next((rows for rows in found if rows.any()), None)) is not None:
            staged.set_aside(totals, "subtotal_row")
            notes.append(_said_of_totals(table, int(totals.sum())))
    filled = asked is None or fits(table.name, table.reader.sheet, asked)
    if filled and (stands := once(staged, strict=asked is None)) is not None:
        keyed = ~_blank(staged, stands.anchor)
        found = (_heads(staged, values, known, keyed) for values, known in _amounts(staged, store))
        if (heads := next((rows for rows in found if rows.any()), None)) is not None:
            staged.set_aside(heads, "group_row")
            notes.append(_said_of_heads(table, int(heads.sum())))
    return notes


def _said_of_totals(table: Table, rows: int) -> Text:
    number = table.plan.labels["order_id"]
    return Text(
        f"{table.name}: строки без номера («{number}») складывают суммы других строк — это итоги, в выручку не вошли "
        f"(строк: {rows})",
        f"{table.name}: rows without a number (“{number}”) add up the amounts of other rows: they are totals and no "
        f"revenue (rows: {rows})",
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
    parts = []
    for batch in staged.batches():
        column = batch.column(name)
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        filled = pc.match_substring_regex(coded.dictionary, r"[\pL\pN]").take(coded.indices).fill_null(False)
        parts.append(~filled.to_numpy(zero_copy_only=False))
    return np.concatenate(parts) if parts else np.zeros(0, bool)


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


def _totals(staged: Staged, values: Decimals, known: Bools, blank: Bools) -> Bools:
    """Which rows without a number are the sum of others: of a block above or below, of all above, of the client they name."""
    free = known & _unmarked(staged)
    line, asks = free & ~blank, free & blank & (np.abs(values) > _NEAR)
    out = np.zeros(len(values), bool)
    if not asks.any() or asks.sum() > line.sum():
        return out
    labels = _labels(staged, asks)
    bounds = np.flatnonzero(asks).tolist()
    at = [row for row in bounds if not any(is_total(t) for t in labels[row])]
    if not at:
        return out
    above, end = _rows_above(values, line, bounds), len(values) - 1
    above |= _rows_of_client(staged, values, line, {row: labels[row] for row in at if not above[row]})
    upturned = _rows_above(values[::-1], line[::-1], [end - row for row in reversed(bounds)])
    for of in (above, {end - row: rows for row, rows in upturned.items()}):
        added = [row for row in at if of[row]]
        if sum(of[row] >= _LEAST for row in added) >= _LEAST and len(added) >= _NEARLY_ALL * len(at):
            out[added] = True
            return out
    if at[-1] == np.flatnonzero(line | asks)[-1]:
        rest = line | asks
        rest[at[-1]] = False
        if rest.sum() >= _LEAST and abs(values[rest].sum() - values[at[-1]]) <= _NEAR:
            out[at[-1]] = True
    return out


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


def _rows_above(values: Decimals, line: Bools, bounds: Sequence[int]) -> dict[int, int]:
    """Row → of how many lines since the beginning, or since one of the rows before it, it is the sum; 0 where of none."""
    sums, rows = np.cumsum(np.where(line, values, 0)), np.cumsum(line)
    width = 2 * _NEAR
    before, out = {0: (0, 0)}, {}
    for row in bounds:
        start = int(sums[row]) - int(values[row])
        near = (before.get(start // width + step, (start + width, 0)) for step in (0, -1, 1))
        since = next((n for total, n in near if abs(total - start) <= _NEAR), None)
        out[row] = 0 if since is None else int(rows[row]) - since
        before[int(sums[row]) // width] = int(sums[row]), int(rows[row])
    return out


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
