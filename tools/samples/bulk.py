"""As many order lines as a benchmark wants, streamed: millions of lines in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tools.samples.draw import Draw, Floats, Ints

LINES_PER_CHUNK = 500_000
_DAYS = 1096
_FIRST_DAY = np.datetime64("2023-01-01")


def generate_lines(n_lines: int, n_clients: int, seed: int = 1) -> Iterator[pd.DataFrame]:
    """Order lines of a large invented distributor, in chunks: ``n_lines`` rows, ``n_clients`` clients.

    One row per order line: order_id, order_date (date), client_id (text), amount (two decimals), margin,
    manager, created_by, sku, sku_group, segment, qty. Clients come whole within a chunk, in the order of
    their keys; a fifth buys once, the rest ever more often (heavy-tailed), about one line in two hundred is a
    return. Deterministic by ``seed`` and independent of the size of a chunk's neighbours.

    Raises ValueError when there are fewer lines than clients.
    """
    if n_lines < n_clients or n_clients < 1:
        raise ValueError(f"{n_lines} lines cannot serve {n_clients} clients: every client needs one")
    draw = Draw(seed, "bulk sizes")
    weight = draw.lognormal(1.2, n_clients)
    weight[draw.chance(0.2, n_clients)] = 0.0
    lines = 1 + _deal_out(weight, n_lines - n_clients)
    ends = np.cumsum(lines)
    first = 0
    chunk = 0
    while first < n_clients:
        done = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + LINES_PER_CHUNK, side="right")))
        last = min(last, n_clients)
        yield _chunk(Draw(seed, f"bulk {chunk}"), first, lines[first:last], done)
        first, chunk = last, chunk + 1


def write_lines(path: Path, n_lines: int, n_clients: int, seed: int = 1) -> Path:
    """Stream ``generate_lines`` into one Parquet file, a row group per chunk, and return its path."""
    writer: pq.ParquetWriter | None = None
    try:
        for part in generate_lines(n_lines, n_clients, seed):
            table = pa.Table.from_pandas(part, preserve_index=False)
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
    return path


def _deal_out(weight: Floats, total: int) -> Ints:
    """``total`` whole lines dealt to clients in proportion to ``weight``."""
    if not weight.any():
        weight = np.ones(len(weight))
    edges = np.floor(np.cumsum(weight) / weight.sum() * total).astype(np.int64)
    edges[-1] = total
    return np.asarray(np.diff(np.r_[0, edges]), dtype=np.int64)


def _chunk(draw: Draw, first: int, lines: Ints, done: int) -> pd.DataFrame:
    count = int(lines.sum())
    client = first + np.repeat(np.arange(len(lines)), lines)
    # About three lines an order: a line opens a new order with probability 0.36, and every client's first
    # one does.
    opens = draw.uniform(count) < 0.36
    opens[np.cumsum(np.r_[0, lines[:-1]])] = True
    order = np.cumsum(opens) - 1
    orders = int(order[-1]) + 1
    day = np.floor(draw.uniform(orders) * _DAYS).astype(np.int64)
    day -= (day + 6) % 7 // 5  # 1 January 2023 was a Sunday: Saturdays and Sundays move back a day
    day = np.clip(day, 0, _DAYS - 1)[order]
    group = (client % 7 + draw.whole(0, 5, count)) % 12
    item = draw.pick(1.0 / (1.0 + np.arange(40)), count)
    qty = draw.whole(1, 30, count)
    cents = 5_000 + (group * 40 + item) * 371 % 90_000
    back = draw.chance(0.005, count)
    amount = np.where(back, -1, 1) * qty * cents / 100.0
    seller = (client % 60 + draw.chance(0.2, count)) % 60
    author = np.where(draw.chance(0.5, count), seller, 60 + client % 12)
    people = np.array([f"S{n:02d}" for n in range(60)] + [f"OP{n:02d}" for n in range(12)], dtype=object)
    keys = np.array([f"{7_700_000_000 + c:010d}" for c in range(first, first + len(lines))], dtype=object)
    goods = np.array([f"SKU-{n:04d}" for n in range(480)], dtype=object)
    groups = np.array([f"G{n:02d}" for n in range(12)], dtype=object)
    segments = np.array(["A", "B", "C"], dtype=object)
    return pd.DataFrame(
        {
            "order_id": np.char.add("N", np.char.zfill((done + order).astype(str), 9)),
            "order_date": (_FIRST_DAY + day.astype("timedelta64[D]")).astype("datetime64[s]"),
            "client_id": keys[client - first],
            "amount": np.round(amount, 2),
            "margin": np.round(amount * 0.22, 2),
            "manager": people[seller],
            "created_by": people[author],
            "sku": goods[group * 40 + item],
            "sku_group": groups[group],
            "segment": segments[client % 3],
            "qty": np.where(back, -1, 1) * qty,
        }
    )
