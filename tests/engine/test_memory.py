"""What does not fit into DuckDB's limit and cannot spill is answered all the same."""

from __future__ import annotations

from audit.engine.duck import DuckEngine


def test_a_limit_that_is_too_small_is_doubled() -> None:
    engine = DuckEngine(memory_mb=20, threads=1)
    try:
        # the median of each of two groups holds all their values: 2 million doubles are 16 MB a copy
        told = engine.query(
            "SELECT i % 2 AS part, median(i + 0.5) AS middle FROM range(2000000) AS r(i) GROUP BY 1 ORDER BY 1"
        )
        limit = engine.connection.execute("SELECT current_setting('memory_limit')").fetchone()
    finally:
        engine.close()
    assert told["middle"].tolist() == [999_999.5, 1_000_000.5]
    assert limit == ("76.2 MiB",)  # 20 MB doubled twice
