"""Values that stand once and count for the rows below: the client, the document, the day of a printed list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit.errors import Answer, Text
from audit.intake.staging import KEY_FIELDS, NUMBER_FIELDS, Staged
from audit.intake.traps import Found, files_line
from audit.intake.values import clean_text, is_total, named_like_total, total_of
from audit.model.intake_report import Question
from audit.settings import Settings

if TYPE_CHECKING:
    from audit.intake.table import Table

__all__ = ["Once", "fill_down", "lines_of", "look", "once"]

_ANCHORS = ("order_id", "client", "client_id", "order_date")
"""Fields by which rows hang together, the narrowest first."""
_LEAST_BLANK = 0.1
_DISTINCT = 0.95
"""Share of the filled cells that must differ from all others: a list that prints a value once prints it once."""
_TOGETHER = 0.95
_LEAST_GROUPS = 2
"""So many values must have blank cells below: one alone may be a row whose client nobody knows."""


@dataclass(frozen=True)
class Once:
    """What stands once: the field by which rows hang together, and the fields that are blank wherever it is."""

    anchor: str
    fields: tuple[str, ...]
    same: tuple[str, ...] = ()
    """Fields that the rows below repeat: they say which row above is theirs."""


def look(table: Table, settings: Settings) -> Found:
    """Fill down until denied where a key stands in the first of its rows alone, and every time another one."""
    if settings.reading.fill_down is not None or table.plan.grouping is not None:
        return None
    found = once(table.staged, strict=True)
    if found is None:
        return None
    if found.same:
        return _of_numbers(table, found)
    headers = ", ".join(f"«{table.plan.labels.get(f, f)}»" for f in found.fields)
    stands = Text("стоит", "stands") if len(found.fields) == 1 else Text("стоят", "stand")
    return Question(
        Text(
            f"{table.name}: {headers} {stands.ru} только в первой строке группы (ниже ячейки пусты): значение отнесено и к строкам "
            "под ней. Если пустые ячейки — это строки без клиента или даты, запретите это",
            f"{table.name}: {headers} {stands.en} in the first row of a group only, the cells below are blank: the value was given "
            "to the rows below it, too. If blank cells mean rows without a client or a date, forbid it",
        ),
        files_line("fill_down", [table.name]),
        (Answer(Text("пустая ячейка пуста", "a blank cell is blank"), files_line("fill_down", [])),),
        kind="filled_once",
        means=Text("да, относится и к строкам ниже", "yes, it holds for the rows below, too"),
        taken=True,
    )


def _of_numbers(table: Table, found: Once) -> Question:
    """Ask about a number that stands in the first line of its document, while client and date are repeated."""
    number = table.plan.labels.get(found.anchor, found.anchor)
    same = ", ".join(f"«{table.plan.labels.get(f, f)}»" for f in found.same)
    return Question(
        Text(
            f"{table.name}: «{number}» стоит только в первой строке документа, а {same} повторены ниже: номер отнесён и к "
            "строкам под ней с теми же значениями. Если это продажи без номера, запретите это",
            f"{table.name}: “{number}” stands in the first line of a document only, while {same} are repeated below: the number "
            "was given to the lines below it with the same values, too. If these are sales without a number, forbid it",
        ),
        files_line("fill_down", [table.name]),
        (Answer(Text("пустая ячейка пуста", "a blank cell is blank"), files_line("fill_down", [])),),
        kind="filled_once",
        means=Text("да, относится и к строкам ниже", "yes, it holds for the rows below, too"),
        taken=True,
    )


def _suspected(staged: Staged) -> bool:
    """Whether clients or dates are blank in a tenth of the rows: what is counted anyway tells it without a look at them."""
    named = sum(n for texts, n in staged.clients.items() if any(clean_text(t) for t in texts))
    dated = sum(n for text, n in staged.distinct.get("order_date", {}).items() if clean_text(text))
    keyed = any(staged.has(f) for f in KEY_FIELDS)
    return (keyed and 0 < named <= staged.rows * (1 - _LEAST_BLANK)) or (
        staged.has("order_date") and 0 < dated <= staged.rows * (1 - _LEAST_BLANK)
    )


def once(staged: Staged, *, strict: bool) -> Once | None:
    """Return what stands once in a table; with ``strict`` only where many cells are blank and the filled ones differ."""
    if strict and not _suspected(staged):
        return _numbers_once(staged)
    fields = [f for f in staged.fields if f not in NUMBER_FIELDS and f != "first"]
    filled: dict[str, list[npt.NDArray[np.bool_]]] = {f: [] for f in fields}
    seen: dict[str, set[str]] = {f: set() for f in _ANCHORS if f in fields}
    for batch in staged.batches():
        kept = lines_of(batch, staged)
        for f in fields:
            texts = [clean_text(t) for t in batch.column(f).to_pylist()]
            filled[f].append(np.array([t is not None for t in texts], bool)[kept])
            if f in seen:
                seen[f].update(t for t, k in zip(texts, kept.tolist(), strict=True) if k and t is not None)
    masks = {f: np.concatenate(parts) for f, parts in filled.items()}
    for anchor in seen:
        mask = masks[anchor]
        there = int(mask.sum())
        if there < 2 or not mask[0] or mask.all():
            continue
        if strict and (1 - mask.mean() < _LEAST_BLANK or len(seen[anchor]) < _DISTINCT * there):
            continue
        if strict and int((mask[:-1] & ~mask[1:]).sum()) < _LEAST_GROUPS:
            continue
        below = ~mask
        riding = tuple(f for f in fields if masks[f][0] and masks[f][below].mean() <= 1 - _TOGETHER)
        if anchor != "order_id" or set(KEY_FIELDS) & set(riding):
            return Once(anchor, riding)
    return _numbers_once(staged)


def _numbers_once(staged: Staged) -> Once | None:
    """Return the number of a document as what stands once: in nearly all rows below it date and client are repeated."""
    keys = [f for f in ("client_id", "client", "legal_entity") if staged.has(f)][:1]
    same = (*keys, *(f for f in ("order_date",) if staged.has(f)))
    if not staged.has("order_id") or len(same) < 2 or not any(staged.has(f) for f in ("sku", "qty", "price")):
        return None
    if all(_filled(batch.column(0)).all() for batch in staged.columns("order_id")):
        return None
    rows = below = alike = groups = 0
    numbers: list[pa.Array] = []
    for batch in staged.batches():
        column = batch.column("order_id")
        there = _filled(column)
        if there.all():
            rows += len(there)
            numbers.append(column)
            continue
        kept = batch.column("problem").is_null().to_numpy(zero_copy_only=False) & _filled(
            batch.column("amount" if staged.has("amount") else "qty")
        )
        at = np.flatnonzero(kept)
        there = there[at]
        first = np.maximum.accumulate(np.where(there, np.arange(len(at)), -1))
        codes = [batch.column(f).indices.fill_null(-1).to_numpy(zero_copy_only=False)[at] for f in same]
        equal = np.logical_and.reduce([(c == c[first]) & (c >= 0) for c in codes])
        owned = ~there & (first >= 0)
        rows += len(at)
        below += int(owned.sum())
        alike += int((owned & equal).sum())
        groups += int((there[:-1] & ~there[1:] & equal[1:]).sum())
        numbers.append(column.take(pa.array(at[there])))
    if below < _LEAST_BLANK * rows or alike < _TOGETHER * below or groups < _LEAST_GROUPS:
        return None
    filled = pa.chunked_array(numbers)
    return Once("order_id", (), same) if len(filled.unique()) >= _DISTINCT * len(filled) else None


def _filled(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Which cells hold anything but blanks."""
    texts = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    some = pc.greater(pc.binary_length(texts), 0).fill_null(False)
    if not pc.all(some).as_py():
        some = pc.not_equal(pc.utf8_trim_whitespace(texts), "").fill_null(False)
    return np.asarray(some.to_numpy(zero_copy_only=False))


def _is_total(text: str) -> bool:
    return is_total(text) or (total_of(text) is not None and not named_like_total(text))


def lines_of(batch: pa.RecordBatch, staged: Staged) -> npt.NDArray[np.bool_]:
    """Which rows may be lines: with a sum or a quantity, and no total."""
    out = np.zeros(batch.num_rows, bool)
    for f in ("amount", "qty"):
        if staged.has(f):
            out |= np.array([bool(t and t.strip()) for t in batch.column(f).to_pylist()], bool)
    for f in ("first", *_ANCHORS):
        if staged.has(f):
            out &= np.array([not (t and _is_total(t.strip())) for t in batch.column(f).to_pylist()], bool)
    out &= np.array([t != "subtotal_row" for t in batch.column("problem").to_pylist()], bool)
    return out


def fill_down(batch: pa.RecordBatch, staged: Staged, stands: Once, carried: dict[str, str | None]) -> pa.RecordBatch:
    """Fill the blank cells of lines with the value above; ``carried`` holds it from one batch to the next.

    Rows hang together by the anchor: where it is filled, the others are taken as they stand. A row that does not repeat
    what it must have in common with the row above keeps its blank.
    """
    lines = lines_of(batch, staged).tolist()
    fields = (stands.anchor, *(f for f in stands.fields if f != stands.anchor))
    cells = {f: batch.column(f).to_pylist() for f in (*fields, *stands.same)}
    for row, is_line in enumerate(lines):
        if not is_line:
            continue
        begins = clean_text(cells[stands.anchor][row]) is not None
        if begins:
            carried |= {f: cells[f][row] for f in stands.same}
        elif any(cells[f][row] != carried.get(f) for f in stands.same):
            continue
        for f in fields:
            if begins or clean_text(cells[f][row]) is not None:
                carried[f] = cells[f][row]
            else:
                cells[f][row] = carried.get(f)
    columns = list(batch.columns)
    for f in fields:
        at = batch.schema.get_field_index(f)
        column = pa.array(cells[f], pa.string())
        columns[at] = column.dictionary_encode() if pa.types.is_dictionary(batch.schema.field(at).type) else column
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
